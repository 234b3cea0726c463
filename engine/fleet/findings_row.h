/* findings_row.h -- the rows of findings, facts and cases as bytes.
 *
 *   case row, version 1
 *     version 1 | subject 8 | start 8 | rule 8 | mark 8 | state 1 | flags 1 | raised 8 | events 4 | amended 4
 *     | [confirmed: size 4, finding] | [last: size 4, finding: of a withdrawn one] | [joined 8]
 *     flags: 1 late, 2 handled, 4 has `confirmed`, 8 has `last`, 16 has `joined`
 *   event row, version 1
 *     version 1 | kind 1 | state 1 | at 8 | who: size 1, bytes | text: size 2, bytes | document: size 1, bytes
 *     | [finding, to the end]
 *
 * Keys: findings.h. Pure. */
#ifndef ZAYTON_FLEET_FINDINGS_ROW_H
#define ZAYTON_FLEET_FINDINGS_ROW_H

#include "engine/fleet/findings.h"

#define FINDING_KEY_SIZE 33
#define FINDING_TIME_KEY_SIZE 17
#define FINDING_ROW_HEAD 24 /* id, decided */
#define FINDING_PAIR_KEY_SIZE 41
#define CASE_KEY_SIZE 9
#define EVENT_KEY_SIZE 13
#define FEED_KEY_SIZE 9
#define FEED_ROW_SIZE 17
#define GUEST_KEY_SIZE 17
#define FACT_KEY_SIZE 26
#define FACT_KEY_SIZE_0 18 /* of the first stores: without the place */
#define FACT_SUBJECT_KEY_SIZE 26
#define FACT_ROW_HEAD 24 /* subject, decided */
#define FINDING_BYTES_MAX 4096

struct finding_key {
	uint64_t subject, rule, mark;
	int64_t start_ms;
};
struct finding_key finding_key_of(const struct finding *f);
static inline bool finding_key_equal(const struct finding_key *a, const struct finding_key *b)
{
	return a->subject == b->subject && a->start_ms == b->start_ms && a->rule == b->rule && a->mark == b->mark;
}
void finding_key_store(const struct finding_key *k, uint8_t out[FINDING_KEY_SIZE]);
STATUS_CHECKED enum status finding_key_parse(struct span key, struct finding_key *out);
void finding_time_key(int64_t start_ms, uint64_t id, uint8_t out[FINDING_TIME_KEY_SIZE]);
void finding_pair_key(uint64_t other, const struct finding_key *k, uint8_t out[FINDING_PAIR_KEY_SIZE]);
void case_key(uint64_t id, uint8_t out[CASE_KEY_SIZE]);
void event_key(uint64_t id, uint32_t number, uint8_t out[EVENT_KEY_SIZE]);
void feed_key(uint64_t feed, uint8_t out[FEED_KEY_SIZE]);
void fact_key(const struct fact *f, uint8_t out[FACT_KEY_SIZE]);
void fact_subject_key(const struct fact *f, uint64_t subject, uint8_t out[FACT_SUBJECT_KEY_SIZE]);

struct finding_row {
	uint64_t id;
	struct decided decided;
	struct finding finding;
};
STATUS_CHECKED enum status finding_row_encode(const struct finding_row *r, struct buf *out);
STATUS_CHECKED enum status finding_row_decode(struct span value, struct finding_row *out);

struct case_row {
	struct finding_key key;
	uint8_t state;
	bool late, handled, has_confirmed, has_last;
	int64_t raised_ms;
	uint32_t events, amended;
	uint64_t joined; /* the case that this one is a guest of, 0: its own (findings_join.c) */
	struct finding confirmed, last;
};
STATUS_CHECKED enum status case_row_encode(const struct case_row *r, struct buf *out);
STATUS_CHECKED enum status case_row_decode(struct span value, struct case_row *out);

STATUS_CHECKED enum status event_row_encode(const struct case_event *e, struct buf *out);
/* Texts are views into `value`. */
STATUS_CHECKED enum status event_row_decode(struct span key, struct span value, struct case_event *out);

#endif
