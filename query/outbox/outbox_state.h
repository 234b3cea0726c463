/* outbox_state.h -- the outbox's inside: what is taken in (outbox.c), what leaves (outbox_leave.c). */
#ifndef ZAYTON_QUERY_OUTBOX_STATE_H
#define ZAYTON_QUERY_OUTBOX_STATE_H

#include <pthread.h>

#include "query/outbox/outbox.h"
#include "query/outbox/outbox_rows.h"

/* subjects of one destination whose news wait for another try; with more of them the whole destination waits */
#define OUTBOX_STUCK_MAX 256
/* tries that fail one behind the other until the destination is taken for ill as a whole */
#define OUTBOX_ILL_AFTER 3

struct outbox_stuck {
	uint64_t subject;
	int64_t until_ms, wait_ms; /* monotonic */
	uint64_t pass; /* in which it was passed over: for the whole of it, or its news change their order */
};

struct outbox_line {
	struct outbox *box;
	const struct outbox_destination *to;
	uint64_t hash;
	pthread_t thread;
	bool running;
	/* the thread's own */
	struct outbox_sender sender;
	struct outbox_stuck stuck[OUTBOX_STUCK_MAX];
	size_t stuck_count;
	uint64_t pass;
	int64_t until_ms, wait_ms; /* the whole destination's; monotonic, 0: none */
	unsigned failures;         /* one behind the other */
	/* under the box's lock */
	bool news; /* something was put before it since it last looked */
	uint64_t pending, sent, failed, refused, parked, dropped, kept;
	int64_t sent_ms, retry_ms; /* wall clock */
	char error[OUTBOX_ERROR_MAX];
};

struct outbox {
	struct outbox_options options;
	struct outbox_config *config;
	atomic_bool stop;
	pthread_t thread;
	bool running;
	pthread_mutex_t lock; /* guards rows and counts */
	pthread_cond_t changed;
	struct outbox_position position;
	uint64_t pending; /* of all lines */
	bool full;
	uint64_t taken;
	struct outbox_line lines[OUTBOX_DESTINATIONS_MAX];
};

/* Monotonic, ms. */
int64_t outbox_now_ms(void);

/* Does anybody still need it? Under the lock. STATUS_NOT_FOUND: nobody but (`line`, in the batch already) does. */
STATUS_CHECKED enum status outbox_item_needed(struct outbox *o, uint64_t item, const struct outbox_line *line);

/* Sends what waits for this line and is due. Returns when it should look again, monotonic ms; INT64_MAX: at news. */
int64_t outbox_line_run(struct outbox_line *l);
/* The thread of a line. */
void *outbox_line_thread(void *line);

/* --- outbox_news.c --- */

/* JSON of a step of the register, of what a case's feed row says, and of a notice of the calendar. STATUS_NOT_FOUND: it
 * is gone. */
STATUS_CHECKED enum status outbox_news_hazard(const struct hazard *h, const struct hazard_event *e,
					      const uint8_t digest[HAZARD_DIGEST_SIZE], int64_t now_ms,
					      struct outbox_news *n, struct buf *body);
STATUS_CHECKED enum status outbox_news_finding(struct engine *e, const struct violation *v, uint64_t feed,
					       uint8_t event, int64_t at_ms, int64_t now_ms, struct outbox_news *n,
					       struct buf *body);
STATUS_CHECKED enum status outbox_news_task(struct calendar *c, uint64_t id, const struct calendar_deed *d,
					    int64_t now_ms, struct outbox_news *n, struct buf *body);

#endif
