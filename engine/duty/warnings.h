/* warnings.h -- warnings and forecasts (预警) as their issuers send them, kept in all their versions, and lent to rules
 * as fences.
 *
 *   JSON, CAP 1.2 ── warning_read ──> drafts ── warnings_take ──> record, areas ──> fences warning-ID-NUMBER
 *                                                   │                              tags warning, warning-KIND,
 *                                                   └ what it replaces ends there        warning-KIND-LEVEL,
 *                                                                                        wind_GRADE, gust_GRADE
 *
 * A warning is active from its `from` (effective) until its `until`, or until a later message of the same issuer that
 * names it (update, cancel) or has its identifier: whichever order they come in, the same hold in the end. What was
 * active at a past instant stays so: an end is an instant in event time. As fences, warnings are versioned by event
 * time like all that is judged by, so a rule says `where = tag:warning-gale-orange`. Only warnings whose status is
 * actual become fences; exercises and tests are kept.
 *
 * Keys: duty_keys.h. What is taken in is synced first and put as fences afterwards; what a crash leaves in between is
 * put at the next opening.
 *
 * Threads: any but an event loop. */
#ifndef ZAYTON_DUTY_WARNINGS_H
#define ZAYTON_DUTY_WARNINGS_H

#include "engine/duty/book.h"
#include "engine/fleet/context.h"

#define WARNING_BYTES_MAX (1u << 20)
#define WARNING_AREAS_MAX 64 /* of one warning */
#define WARNING_PARTS_MAX 8  /* info blocks of one CAP message */
#define WARNING_NAMED_MAX 64 /* fences and codes that one warning names */
#define WARNING_SPAN_MAX_MS (INT64_C(60) * 86400000)
#define WARNING_REFERENCES_MAX 16
#define WARNING_ID_MAX 127

/* X(code, NAME, "token", "Chinese", "words of an event's name, separated by |") */
#define WARNING_KIND_TABLE(X)                                                                                          \
	X(0, OTHER, "other", "其他", "")                                                                               \
	X(1, TYPHOON, "typhoon", "台风", "台风|typhoon|tropical")                                                      \
	X(2, GALE, "gale", "大风", "大风|gale|wind")                                                                   \
	X(3, RAINSTORM, "rainstorm", "暴雨", "暴雨|rain")                                                              \
	X(4, WAVE, "wave", "海浪", "海浪|wave")                                                                        \
	X(5, SURGE, "surge", "风暴潮", "风暴潮|surge")                                                                 \
	X(6, FOG, "fog", "大雾", "雾|fog")                                                                             \
	X(7, THUNDER, "thunder", "雷电", "雷|thunder|lightning")                                                       \
	X(8, COLD, "cold", "寒潮", "寒潮|cold")                                                                        \
	X(9, HEAT, "heat", "高温", "高温|heat")                                                                        \
	X(10, BAN, "ban", "禁航", "禁航|禁止出海|封航")                                                                \
	X(11, RECALL, "recall", "回港避风", "回港|避风")                                                               \
	X(12, TSUNAMI, "tsunami", "海啸", "海啸|tsunami")
enum warning_kind {
#define X(code, NAME, token, chinese, words) WARNING_##NAME = code,
	WARNING_KIND_TABLE(X)
#undef X
		WARNING_KIND_COUNT
};
enum warning_level { WARNING_NO_LEVEL, WARNING_BLUE, WARNING_YELLOW, WARNING_ORANGE, WARNING_RED };
enum warning_type { WARNING_ALERT, WARNING_UPDATE, WARNING_CANCEL };
enum warning_status { WARNING_ACTUAL, WARNING_EXERCISE, WARNING_TEST };
extern const struct record_word warning_kind_words[], warning_level_words[], warning_type_words[],
	warning_status_words[];

struct warning {
	struct book_row row;
	char identifier[WARNING_ID_MAX + 1], sender[WARNING_ID_MAX + 1];
	uint8_t part; /* info block of a CAP message, from 0 */
	uint8_t type, status, kind, level;
	int64_t sent_ms;
	int64_t from_ms, until_ms; /* [from, until) as said */
	int64_t onset_ms;          /* when the weather itself is expected, INT64_MIN: not said */
	int64_t ended_ms;          /* a later message ends it there; INT64_MIN: none */
	int64_t received_ms;       /* wall clock */
	uint8_t wind, gust;        /* grades of GB/T 28591, 0: not said */
	char headline[256], description[2048], instruction[1024], area[512];
	char references[WARNING_REFERENCES_MAX * (WARNING_ID_MAX + 1)]; /* identifiers, a line each */
	char units[1024];                                               /* who is to be told, a line each */
	char by[BOOK_WHO_MAX + 1];
	uint64_t digest; /* hash of all that the issuer said */
};
extern const struct record_kind warning_kind;

/* Whether it stands at that instant. */
bool warning_is_active(const struct warning *w, int64_t at_ms);

/* --- reading (warning_read.c, warning_cap.c): pure but for shape.h --- */

struct warning_draft {
	struct warning w;                            /* row, received_ms, ended_ms, by, digest: nothing */
	struct fence_area *areas[WARNING_AREAS_MAX]; /* references of the draft's */
	size_t area_count;
	char named[WARNING_NAMED_MAX][FENCE_ID_MAX + 1]; /* "fence:ID": that fence's area; "code:C": of all fences of
							    tag area-C */
	size_t named_count;
};
struct warning_drafts {
	struct warning_draft *items[WARNING_PARTS_MAX];
	size_t count;
};
#define WARNING_WRONG_MAX 192

/* A JSON object, or a CAP 1.2 message (OASIS 2010) when the first sign that is no blank is '<'.
 *   {"identifier", "sender", "sent", "type": "alert|update|cancel", "status": "actual|exercise|test", "references":
 * [..], "kind", "level": "blue|yellow|orange|red", "from", "until", "onset", "wind", "gust", "headline", "description",
 *    "instruction", "area", "units": [..], "areas": [{"polygon": [[lon, lat], ...]}, {"circle": [lon, lat], "radius_m":
 *    N}, {"fence": "ID"}, {"code": "350521"}]}
 * identifier, sender, sent, kind are required, and but for a cancel until and areas. STATUS_MALFORMED: `wrong` says
 * what; STATUS_TOO_LONG past WARNING_BYTES_MAX; STATUS_NO_MEMORY. */
STATUS_CHECKED enum status warning_read(struct span text, struct warning_drafts *out, char wrong[WARNING_WRONG_MAX]);
void warning_drafts_deinit(struct warning_drafts *d);
/* The same of CAP alone; for warning_read. */
STATUS_CHECKED enum status warning_read_cap(struct span text, struct warning_drafts *out,
					    char wrong[WARNING_WRONG_MAX]);
/* For the two readers: a new draft at its nothing, NULL past WARNING_PARTS_MAX or without memory; a ring or circle as
 * an area of a draft; what every draft must have. */
struct warning_draft *warning_draft_add(struct warning_drafts *d);
STATUS_CHECKED enum status warning_draft_ring(struct warning_draft *d, const struct geo_point *points, uint32_t count);
STATUS_CHECKED enum status warning_draft_circle(struct warning_draft *d, struct geo_point centre, int64_t radius_mm);
STATUS_CHECKED enum status warning_draft_check(const struct warning_draft *d, char wrong[WARNING_WRONG_MAX]);
uint8_t warning_kind_of_text(const char *text);

/* --- keeping --- */

struct warnings;
/* Puts the fences that a crash left out, unless the store is read-only. Borrows both. */
STATUS_CHECKED enum status warnings_open(struct store *s, struct context *c, bool read_only, struct warnings **out);
/* NULL is allowed. */
void warnings_close(struct warnings *w);

/* Take a draft in; durable, and its fences stand, when it returns. `*out_id` is the warning's. STATUS_EXISTS: it is
 * there already, `*out_id` says where; STATUS_CONFLICT: the same identifier and instant said something else before;
 * STATUS_NOT_FOUND: a fence or code it names is not known (`wrong` says which); what context_put_fences() says. */
STATUS_CHECKED enum status warnings_take(struct warnings *w, const struct warning_draft *draft, const char *by,
					 int64_t now_ms, uint64_t *out_id, char wrong[WARNING_WRONG_MAX]);
/* A unit has taken note of it (签收). STATUS_NOT_FOUND; STATUS_INVALID: no unit or nobody. */
STATUS_CHECKED enum status warnings_acknowledge(struct warnings *w, uint64_t id, const char *unit, const char *who,
						int64_t now_ms);
STATUS_CHECKED enum status warnings_get(struct warnings *w, uint64_t id, struct warning *out);
/* Newest first, as book_list(). */
STATUS_CHECKED enum status warnings_list(struct warnings *w, uint64_t before, book_visit *visit, void *context);
/* `what`: "taken", "ended", "acknowledged" (`text` is the unit). */
STATUS_CHECKED enum status warnings_history(struct warnings *w, uint64_t id, book_event_visit *visit, void *context);
/* Areas of a warning as its fences: `visit` borrows. */
typedef enum status warning_area_visit(void *context, const struct fence *f);
STATUS_CHECKED enum status warnings_areas(struct warnings *w, uint64_t id, warning_area_visit *visit, void *context);

#endif
