/* boat_messages.h -- words to boats: a durable queue that a gateway empties, and what became of each.
 *
 *   add ── synced ──> queued ── next, sent ──> sent ── the station says yes ──> delivered ── the boat answers ──>
 * acknowledged ^                       │ no, or silent: again later          └ time is over: it stays delivered
 *                       └───────────────────────┘ TRIES_MAX: failed     time is over: expired     cancelled
 *
 * The gateway is pluggable: whoever can reach a Beidou card asks for the next message and says what happened. A message
 * that was sent when the process ended is sent again: a boat may hear one twice, and none is lost.
 * A card is sent one message at a time, and none sooner than CARD_INTERVAL_MS after the one before, which is what a
 * civil card may receive (service frequency of 60 s); the gateway keeps the pace of its own card.
 *
 * A message ends in "#N", N being its number modulo 1000; an answer that has "#N" or is N acknowledges it, and one that
 * says 收到 or OK the one sent last to that card.
 *
 * Threads: any but an event loop. */
#ifndef ZAYTON_DUTY_BOAT_MESSAGES_H
#define ZAYTON_DUTY_BOAT_MESSAGES_H

#include "engine/duty/book.h"

/* bytes of GBK that fit a card of level 3 (628 bits), less the byte of its coding and "#999" */
#define BOAT_MESSAGE_GBK_MAX 72
#define BOAT_MESSAGE_TEXT_MAX 255 /* of UTF-8 */
#define CARD_INTERVAL_MS (INT64_C(60) * 1000)
#define BOAT_FEEDBACK_MS (INT64_C(120) * 1000) /* a station that says nothing for so long is asked again */
#define BOAT_TRIES_MAX 5

enum boat_message_state {
	BOAT_MESSAGE_QUEUED,
	BOAT_MESSAGE_SENT,
	BOAT_MESSAGE_DELIVERED,
	BOAT_MESSAGE_ACKNOWLEDGED,
	BOAT_MESSAGE_FAILED,
	BOAT_MESSAGE_EXPIRED,
	BOAT_MESSAGE_CANCELLED
};
extern const struct record_word boat_message_state_words[];

struct boat_message {
	struct book_row row;
	uint64_t device; /* the boat */
	uint32_t card;   /* of Beidou */
	uint8_t state, tries;
	bool ended;                 /* nothing more is expected of it */
	uint64_t warning, incident; /* what it is about, 0: neither */
	int64_t created_ms, expires_ms, sent_ms, delivered_ms, acknowledged_ms;
	char hull[256], text[BOAT_MESSAGE_TEXT_MAX + 1];
	char answer[BOAT_MESSAGE_TEXT_MAX + 1], reason[BOOK_WHO_MAX + 1];
	char who[BOOK_WHO_MAX + 1];
};
extern const struct record_kind boat_message_kind;

struct boat_messages;
STATUS_CHECKED enum status boat_messages_open(struct store *s, struct boat_messages **out);
/* NULL is allowed. */
void boat_messages_close(struct boat_messages *m);

/* Synced when it returns; `in` (device, card, text, who, expires, what it is about) gets its id. STATUS_INVALID: no
 * card, no text, nobody, or it expires at once; STATUS_TOO_LONG: more than BOAT_MESSAGE_GBK_MAX as GBK; STATUS_FULL:
 * BOAT_MESSAGES_OPEN_MAX. */
STATUS_CHECKED enum status boat_messages_add(struct boat_messages *m, struct boat_message *in, int64_t now_ms);
/* STATUS_CONFLICT: it has ended, or was sent. STATUS_NOT_FOUND. */
STATUS_CHECKED enum status boat_messages_cancel(struct boat_messages *m, uint64_t id, const char *who, int64_t now_ms);

/* --- for the gateway --- */

struct boat_message_next {
	uint64_t id;
	uint32_t card;
	char text[BOAT_MESSAGE_TEXT_MAX + 8]; /* with its "#N" */
};
/* The oldest that may be sent now. STATUS_NOT_FOUND: none. */
STATUS_CHECKED enum status boat_messages_next(struct boat_messages *m, int64_t now_ms, struct boat_message_next *out);
/* It was given to the station. STATUS_NOT_FOUND: it is no longer open. */
STATUS_CHECKED enum status boat_messages_sent(struct boat_messages *m, uint64_t id, int64_t now_ms);
/* What the station says of the one sent last: delivered, or not, why, and when it may be tried again. */
STATUS_CHECKED enum status boat_messages_feedback(struct boat_messages *m, uint64_t id, bool delivered,
						  const char *reason, int64_t again_ms, int64_t now_ms);
/* A card said something. STATUS_NOT_FOUND: it answers nothing that is open. */
STATUS_CHECKED enum status boat_messages_answer(struct boat_messages *m, uint32_t card, const char *text,
						int64_t now_ms, uint64_t *out_id);
/* Ends what has expired, and queues again what the station was silent about. */
STATUS_CHECKED enum status boat_messages_run(struct boat_messages *m, int64_t now_ms);

STATUS_CHECKED enum status boat_messages_get(struct boat_messages *m, uint64_t id, struct boat_message *out);
STATUS_CHECKED enum status boat_messages_list(struct boat_messages *m, uint64_t before, book_visit *visit,
					      void *context);
STATUS_CHECKED enum status boat_messages_history(struct boat_messages *m, uint64_t id, book_event_visit *visit,
						 void *context);
size_t boat_messages_open_count(struct boat_messages *m);

#endif
