/* day_chain.h -- one signed record a day over all that was written down for ever on it, chained to the day before.
 *
 *   log (store.h)   ... 41 42 43 │ 44 45 │        │ 46 47 48 ...        who looked (audit), who said what of a device
 *   days, UTC+8        23 Nov    │ 24    │ 25     │ 26                  (log), what became of findings (case)
 *                    ┌────────┐ ┌────────┐ ┌────────┐
 *   records     ───> │ rows   │>│ rows   │>│ none   │>                 each holds the SHA-256 of the one before and a
 *                    └────────┘ └────────┘ └────────┘                   signature (sign_key.h)
 *
 * The chain covers the log, which is only added to, and not the rows that stand: what comes to light later about a past
 * day is a row of the day on which it did, with the finding as it was then. A day is closed when it is over; of days on
 * which nothing ran there are records too.
 *
 * A record, big-endian, version 1: family `digest`, key 0x02 | day 4
 *   offset size
 *        0    1  version, 1
 *        1    4  day: since 1970-01-01 on the clock of China
 *        5    8  first: number of its first row; that of the next one when it has none
 *       13    8  last: number of its last row; first - 1 when it has none
 *       21    8  rows: how many there are (numbers have gaps)
 *       29    8  made_ms
 *       37   32  rows_digest: SHA-256 over its rows by number, each as
 *                number 8 | at 8 | size 1, family | size 4, key | size 4, value
 *       69   32  previous: SHA-256 of the record of the day before; zeros in the first
 *      101   32  key: the public key it is signed with
 *      133   64  signature over all that goes before
 *
 * Threads: any but an event loop; days_close() one at a time. */
#ifndef ZAYTON_FLEET_DAY_CHAIN_H
#define ZAYTON_FLEET_DAY_CHAIN_H

#include "engine/fleet/sign_key.h"
#include "engine/store/store.h"

#define DAY_HASH_SIZE 32
#define DAY_RECORD_SIZE 197

struct day_record {
	int32_t day;
	uint64_t first, last, rows;
	int64_t made_ms;
	uint8_t rows_digest[DAY_HASH_SIZE], previous[DAY_HASH_SIZE];
	uint8_t key[SIGN_PUBLIC_SIZE], signature[SIGN_SIGNATURE_SIZE];
	uint8_t hash[DAY_HASH_SIZE]; /* of the record itself: what the next one holds */
};
/* "2026-11-24"; room for DAY_TEXT_MAX bytes. */
#define DAY_TEXT_MAX 11
void day_text(int32_t day, char out[DAY_TEXT_MAX]);

/* Before anything else is written: rows of times before there was a log are put into it, once; and no row to come is
 * of a day that is closed, wherever the clock stands now. */
STATUS_CHECKED enum status days_open(struct store *s);
/* A record for every day that is over at `now_ms` and has none, from the day of the first row on. Synced. `*out_closed`
 * counts them. */
STATUS_CHECKED enum status days_close(struct store *s, const struct sign_key *k, int64_t now_ms, unsigned *out_closed);

/* Records behind `after_day` (INT32_MIN: all), ascending. `visit` may stop with a status; STATUS_END is then
 * STATUS_OK. STATUS_CORRUPT, STATUS_BAD_VERSION. */
typedef enum status day_visit(void *context, const struct day_record *d);
STATUS_CHECKED enum status days_read(struct store *s, int32_t after_day, day_visit *visit, void *context);

struct days_checked {
	uint64_t days, rows; /* that hold; rows of the day under way are among them */
	bool broken;
	int32_t first_bad; /* day; when `broken` */
};
/* Verifies the chain, the signatures and every row against them, with `k` (NULL: whatever key the first record names;
 * a copy without its key can be checked for being of one piece). The first day that does not hold, and why, and rows
 * of the audit, the log and the history of cases that no day knows, go to `out` as lines. STATUS_CORRUPT when there was
 * anything. */
STATUS_CHECKED enum status days_check(struct store *s, const struct sign_key *k, struct buf *out,
				      struct days_checked *result);

#endif
