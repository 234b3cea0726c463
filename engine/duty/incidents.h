/* incidents.h -- accidents at sea as they are reported directly (渔业安全事故直报): taken in once, followed up, never
 * rewritten.
 *
 *   reported ─> verified ─> responding ─> closed         any of them ─> void (a false report), with the reason
 *
 * The instant of the first report never changes; how long after the accident it came is told with it. Threads: any but
 * an event loop. */
#ifndef ZAYTON_DUTY_INCIDENTS_H
#define ZAYTON_DUTY_INCIDENTS_H

#include "engine/duty/book.h"
#include "engine/fleet/registry.h"

enum incident_state { INCIDENT_REPORTED, INCIDENT_VERIFIED, INCIDENT_RESPONDING, INCIDENT_CLOSED, INCIDENT_VOID };
/* the four kinds of accidents of the plan: 碰撞, 自沉, 风灾, 火灾 */
enum incident_kind_code { INCIDENT_COLLISION, INCIDENT_SINKING, INCIDENT_WIND, INCIDENT_FIRE };
extern const struct record_word incident_state_words[], incident_kind_words[];

struct incident {
	struct book_row row;
	uint8_t kind, state;
	int64_t occurred_ms;     /* event time */
	int64_t first_report_ms; /* when somebody first told of it; not after `received_ms` */
	int64_t received_ms;     /* wall clock of its being taken in */
	uint64_t device;         /* the boat, 0: not known */
	char boat_name[DEVICE_VALUE_MAX + 1];
	int32_t lat_e7, lon_e7;
	char place[256];
	int32_t aboard, missing, dead, injured; /* people, as known now */
	char reporter[64], phone[32];           /* who told of it */
	char text[2048];
	char by[BOOK_WHO_MAX + 1]; /* who took it in */
	int64_t changed_ms;
};
extern const struct record_kind incident_kind;

struct incidents;
STATUS_CHECKED enum status incidents_open(struct store *s, struct incidents **out);
/* NULL is allowed. */
void incidents_close(struct incidents *i);

/* Durable when it returns; `in` gets its id. STATUS_INVALID: no text, nobody, or times in the wrong order. */
STATUS_CHECKED enum status incidents_report(struct incidents *i, struct incident *in, int64_t now_ms);

/* What is said of it later. */
struct incident_follow {
	uint8_t state;                  /* INCIDENT_VOID + 1: as it is */
	const char *text, *who;         /* what was done */
	int32_t missing, dead, injured; /* -1: as they are */
};
#define INCIDENT_STATE_SAME (INCIDENT_VOID + 1)
/* STATUS_CONFLICT: not a step from where it stands; STATUS_INVALID: nothing is said, or nobody; STATUS_NOT_FOUND. */
STATUS_CHECKED enum status incidents_follow(struct incidents *i, uint64_t id, const struct incident_follow *f,
					    int64_t now_ms);
STATUS_CHECKED enum status incidents_get(struct incidents *i, uint64_t id, struct incident *out);
/* Newest first, as book_list(). */
STATUS_CHECKED enum status incidents_list(struct incidents *i, uint64_t before, book_visit *visit, void *context);
STATUS_CHECKED enum status incidents_history(struct incidents *i, uint64_t id, book_event_visit *visit, void *context);
/* Neither closed nor void. */
STATUS_CHECKED enum status incidents_count_open(struct incidents *i, uint32_t *out);

#endif
