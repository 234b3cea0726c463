/* cards.h -- which driver's card was in which device when.
 *
 *   family `context`  0x02 | device 8 | time 8 | driver 8   -> message id 2          a card put in (driver 0: drawn)
 *                     0x03 | driver 8                       -> device 8 | time 8     the message that names him last */
#ifndef ZAYTON_FLEET_CARDS_H
#define ZAYTON_FLEET_CARDS_H

#include "engine/store/store.h"

#define CARD_KEY_SIZE 25
#define CARD_DRIVER_KEY_SIZE 9
/* cards read for one run: one a minute for a year */
#define CARDS_MAX 600000

struct card {
	int64_t time_ms;
	uint64_t driver;
};
struct card_list {
	struct card *list;
	size_t count, capacity, at;
};

void card_key(uint64_t device, int64_t time_ms, uint64_t driver, uint8_t out[CARD_KEY_SIZE]);
void card_driver_key(uint64_t driver, uint8_t out[CARD_DRIVER_KEY_SIZE]);
/* Within [from_ms, to_ms], ascending by (time, driver). `out` is all zero before; free with cards_deinit(). */
STATUS_CHECKED enum status cards_read(struct store *s, uint64_t device, int64_t from_ms, int64_t to_ms,
				      struct card_list *out);
void cards_deinit(struct card_list *l);
/* The device and time of the message that named a driver last. STATUS_NOT_FOUND. */
STATUS_CHECKED enum status card_of_driver(struct store *s, uint64_t driver, uint64_t *out_device, int64_t *out_ms);

#endif
