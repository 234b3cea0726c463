/* site_session.h -- one connection of a listener: frames in, values to the engine, answers out.
 *
 *   bytes ─ next ─> frame ─ take (by protocol) ─> values, two answers ─ streams known? ──> entry ── submit
 *                     │ refused                         │ unknown: job, off the loop            │ settled, durable
 *                     └> quarantine                     └────────────────────────────>          └> the good answer
 *
 *   pending   [ free | waits: answer | waits: answer | ... ]    SITE_PENDING_MAX frames between submission and sync
 *
 * An answer that says "taken" leaves when the engine says that the values are durable, and never else. A frame that is
 * refused for what it says (not listed, wrong password, cut) is answered with no; one that is damaged is not answered,
 * for who sent it is not known. A sample of what is refused goes to quarantine.
 *
 * Knows no socket: `submit` and `reply` are the way out, so a test or a fuzzer drives it as the loop does.
 * Threads: one owner, the loop; site_session_job_run() alone on a worker, while nothing else is called. */
#ifndef ZAYTON_INGEST_SITE_SESSION_H
#define ZAYTON_INGEST_SITE_SESSION_H

#include <stdatomic.h>

#include "engine/fleet/engine.h"
#include "ingest/sensors/marked_frame.h"
#include "ingest/sites/sites_file.h"

/* bytes not taken apart yet: some reads of the loop */
#define SITE_READ_BYTES (64u << 10)
#define SITE_BYTES_MAX (3u * SITE_READ_BYTES)
/* frames of a connection that wait for their sync: what a platform sends in one round trip */
#define SITE_PENDING_MAX 32
/* values of one frame, or of the packets of one message */
#define SITE_VALUES_MAX 4096
/* bytes of the packets of one SL 651 message: some pictures of 64 KiB are kept in none */
#define SITE_PACKETS_BYTES_MAX (64u << 10)
/* bytes of an answer: HJ 212's largest segment and its frame */
#define SITE_ANSWER_MAX 1100
/* refused frames that a listener keeps for a look, a minute */
#define SITE_QUARANTINE_PER_MINUTE 60
/* frames of a listener that are remembered, to tell what came twice */
#define SITE_SEEN_SLOTS 1024

/* X(NAME, metric, help) */
#define SITE_COUNTER_TABLE(X)                                                                                          \
	X(CONNECTED, "connections_total", "Connections taken.")                                                        \
	X(TURNED_AWAY, "turned_away_total", "Connections refused: too many.")                                          \
	X(IDLE, "idle_total", "Connections ended: nothing was heard.")                                                 \
	X(BYTES, "bytes_total", "Bytes read.")                                                                         \
	X(SKIPPED, "skipped_bytes_total", "Bytes that belong to no frame.")                                            \
	X(FRAMES, "frames_total", "Whole frames.")                                                                     \
	X(HEARTBEATS, "heartbeats_total", "Frames without values.")                                                    \
	X(REPEATED, "repeated_total", "Frames that came before, over whichever connection.")                           \
	X(LATE, "late_total", "Values an hour old and more when they came.")                                           \
	X(VALUES, "values_total", "Values handed to the engine.")                                                      \
	X(UNTOLD, "untold_total", "Parts of frames whose layout or meaning is not known.")                             \
	X(DAMAGED, "damaged_total", "Frames with a wrong checksum, length or end.")                                    \
	X(REFUSED, "refused_total", "Frames refused for what they say.")                                               \
	X(UNKNOWN, "unknown_total", "Frames of devices that are not listed.")                                          \
	X(DENIED, "denied_total", "Frames with a wrong password or centre.")                                           \
	X(QUARANTINED, "quarantined_total", "Refused frames kept for a look.")                                         \
	X(ANSWERED, "answers_total", "Answers sent.")                                                                  \
	X(FAILED, "failed_total", "Frames that could not be made durable.")                                            \
	X(STREAMS, "streams_made_total", "Streams made by what came.")

enum site_counter {
#define X(NAME, metric, help) SITE_COUNT_##NAME,
	SITE_COUNTER_TABLE(X)
#undef X
		SITE_COUNTER_COUNT
};

/* What the connections of a listener share; written on the loop, counters read anywhere. */
struct site_stats {
	_Atomic uint64_t values[SITE_COUNTER_COUNT];
	_Atomic int64_t heard_ms;
	int64_t quarantine_at_ms;
	unsigned quarantine_left;
	uint64_t seen[SITE_SEEN_SLOTS]; /* hashes of frames, by their low bits */
};

/* --- what a protocol makes of a frame --- */

struct site_value {
	struct value value; /* with time and quality; of a text, only type and hash */
	uint32_t quantity_at, quantity_size;
	uint32_t text_at, text_size;
	uint32_t note_at, note_size; /* what the frame says of the stream itself, for when it is made */
	uint8_t kind;                /* enum stream_kind */
	const char *unit;            /* static, "" unknown; or the file's */
};

struct site_frame {
	const struct site_device *device; /* NULL: not listed */
	char key[SITE_KEY_MAX + 1];
	char site[SITE_MAX + 1]; /* "": nobody */
	struct buf names;        /* of quantities, and texts */
	struct site_value *values;
	uint32_t count;
	uint32_t text_at;     /* in `names`, of the value added next */
	struct buf good, bad; /* answers; empty: none */
	unsigned untold;
	bool heartbeat;
};

struct site_session;

/* Pure but for the session's packets. Says what `raw` (whole, checked) is refused for: STATUS_NOT_FOUND, not listed;
 * STATUS_DENIED; STATUS_FULL, more than SITE_VALUES_MAX; STATUS_NO_MEMORY; or what the decoder says. */
typedef enum status site_take(struct site_session *s, struct span raw, int64_t now_ms, struct site_frame *out);
site_take site_take_gb26875, site_take_hj212, site_take_sl651;

/* For protocols. The site of `key`: the file's, or the key itself when unknown ones are kept. STATUS_NOT_FOUND. */
STATUS_CHECKED enum status site_frame_who(const struct site_session *s, struct site_frame *f, struct span key);
/* A value of what `format` names; `v` has type and bits, `unit` lasts as long as the file. STATUS_FULL,
 * STATUS_NO_MEMORY. */
STATUS_CHECKED enum status site_frame_add(const struct site_session *s, struct site_frame *f, const struct value *v,
					  enum stream_kind kind, const char *unit, const char *format, ...)
	__attribute__((format(printf, 6, 7)));
/* A state's text, at most VALUE_TEXT_MAX bytes of UTF-8, for the value added next. STATUS_TOO_LONG, STATUS_NO_MEMORY.
 */
STATUS_CHECKED enum status site_frame_text(struct site_frame *f, struct span text, struct value *v);

/* What the frame says of the stream of the value added last: UTF-8; what is no clean text is counted as
 * untold. STATUS_NO_MEMORY, STATUS_FULL. */
STATUS_CHECKED enum status site_frame_note(struct site_frame *f, struct span text);

/* --- the session --- */

enum site_wait {
	SITE_WAIT_NONE,  /* for bytes */
	SITE_WAIT_ROOM,  /* for the engine: run again later */
	SITE_WAIT_JOB,   /* for site_session_job_run, then site_session_job_done and run */
	SITE_WAIT_SETTLE /* for a settlement: as many frames as may be are under way */
};

struct site_pending {
	bool taken;
	struct buf good;
};

struct site_packets {
	struct buf elements;
	uint8_t station[5], function;
	uint16_t total, next; /* 0: none under way */
	uint16_t serial;
	int64_t time_ms;
	bool time_known;
};

struct site_session {
	/* set by the owner */
	const struct sites_config *config;
	unsigned listener;
	struct site_stats *stats;
	struct engine *engine;
	void *context;
	enum status (*submit)(void *context, const struct intake *in); /* with ticket.words[1]: the slot */
	void (*reply)(void *context, struct span bytes);

	struct buf bytes;
	size_t taken;
	struct site_frame frame;
	struct values_body body;
	enum { SITE_FRAME_NEXT, SITE_FRAME_STREAMS, SITE_FRAME_READY } stage;
	enum status job_status;
	uint32_t streams_made;
	struct site_packets packets;
	struct site_pending pending[SITE_PENDING_MAX];
	unsigned pending_count;
};

/* The fields of the owner are set. STATUS_NO_MEMORY: deinit all the same. */
STATUS_CHECKED enum status site_session_init(struct site_session *s);
void site_session_deinit(struct site_session *s);
/* STATUS_FULL: more than SITE_BYTES_MAX wait, run first. */
STATUS_CHECKED enum status site_session_put(struct site_session *s, struct span bytes);
/* Take apart what is there. */
enum site_wait site_session_run(struct site_session *s, int64_t now_ms);
/* Makes the streams that a frame needs; waits for the disk. */
void site_session_job_run(struct site_session *s);
/* False: the disk refused, try again later (the frame stays). */
bool site_session_job_done(struct site_session *s);
/* An entry of this session is durable, or never will be. */
void site_session_settled(struct site_session *s, const struct ticket *ticket, enum status status);

static inline void site_count(struct site_stats *s, enum site_counter which, uint64_t n)
{
	atomic_fetch_add_explicit(&s->values[which], n, memory_order_relaxed);
}

#endif
