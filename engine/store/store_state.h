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
};

/* Finish every drop of a month that a crash cut short. */
STATUS_CHECKED enum status store_finish_drops(struct store *s);

/* Equal in every field. */
bool summary_equal(const struct block_summary *a, const struct block_summary *b);

#endif
