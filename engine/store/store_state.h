/* store_state.h -- what the files of the store share; nothing outside engine/store includes it.
 *
 * The gate keeps retention and holds apart from everything else. Commits and the opening of readers pass it
 * together; retention closes it while it copies what is held out of a month and drops the month, so that no
 * commit slips in between, and a reader sees either the family or the copies. */
#ifndef ZAYTON_STORE_STORE_STATE_H
#define ZAYTON_STORE_STORE_STATE_H

#include <pthread.h>

#include "engine/store/families.h"

#define STORE_FORMAT 1

struct store {
	struct families families;
	pthread_rwlock_t gate;
	bool read_only;
	char *dir;
	pthread_mutex_t log_lock; /* of the two below */
	uint64_t log_number;      /* given last */
	int64_t log_at_ms;
};

/* store_log.c: the log of an opened store goes on behind its last row. */
STATUS_CHECKED enum status store_log_open(struct store *s);
/* The next number, and the time of a row committed now. */
uint64_t store_log_next(struct store *s, int64_t *out_at_ms);
/* Room for the row of a log entry about a key of `key_size` bytes. */
#define LOG_KEY_SIZE 9
#define LOG_ROW_HEAD 9
#define LOG_NAME_MAX 32
void log_key(uint64_t number, uint8_t out[LOG_KEY_SIZE]);

/* Finish every drop of a month that a crash cut short. */
STATUS_CHECKED enum status store_finish_drops(struct store *s);

/* Equal in every field. */
bool summary_equal(const struct block_summary *a, const struct block_summary *b);

#endif
