/* shift_log.h -- the shift log (值班日志): what happened on a shift, and how one was handed to the next. Only added to.
 *
 *   note, note, ... handover 3 to B (what is open, how fast alarms were answered) <── takeover by B ── note ...
 *
 * A shift goes from one handover to the next. Threads: any but an event loop. */
#ifndef ZAYTON_DUTY_SHIFT_LOG_H
#define ZAYTON_DUTY_SHIFT_LOG_H

#include "engine/duty/alarms.h"
#include "engine/duty/book.h"

enum shift_entry_kind { SHIFT_NOTE, SHIFT_HANDOVER, SHIFT_TAKEOVER };
extern const struct record_word shift_kind_words[];

struct shift_entry {
	uint64_t number; /* 1, 2, ... */
	uint8_t kind;    /* enum shift_entry_kind */
	int64_t at_ms;   /* wall clock */
	char who[BOOK_WHO_MAX + 1], unit[BOOK_WHO_MAX + 1];
	char to[BOOK_WHO_MAX + 1]; /* of a handover */
	uint64_t refers;           /* of a takeover: the handover's number */
	char text[2 * BOOK_TEXT_MAX + 1];
	/* of a handover: the shift that ends, and what it leaves */
	int64_t shift_from_ms;
	uint32_t alarms_open, incidents_open, warnings_active;
	uint32_t alarms_raised, alarms_acknowledged, alarms_in_time;
	int64_t p50_ms, p90_ms, max_ms; /* from raised to acknowledged; 0 when none was */
};
extern const struct record_kind shift_entry_kind;

struct shift_log;
STATUS_CHECKED enum status shift_log_open(struct store *s, struct shift_log **out);
/* NULL is allowed. */
void shift_log_close(struct shift_log *l);

/* Durable when it returns; `e` gets its number, a handover its shift's beginning (the last handover, INT64_MIN: none).
 * STATUS_INVALID: nobody, a note without text, a handover to nobody, a takeover of no handover; STATUS_CONFLICT: that
 * handover was taken over already. */
STATUS_CHECKED enum status shift_log_add(struct shift_log *l, struct shift_entry *e);
/* Newest first from before `before` (exclusive; 0: from the newest); `visit` may stop with a status, which is returned;
 * STATUS_END is then STATUS_OK. */
typedef enum status shift_log_visit(void *context, const struct shift_entry *e);
STATUS_CHECKED enum status shift_log_list(struct shift_log *l, uint64_t before, shift_log_visit *visit, void *context);
/* When the shift at hand began; INT64_MIN: there was no handover yet. */
int64_t shift_log_shift(struct shift_log *l);

#endif
