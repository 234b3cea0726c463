/* feed.h -- from the bytes of one connection to entries for the engine; knows no socket.
 *
 *   feed_put ──> bytes ── lines ── sentences ─┬ AIS: assembler ─ message ─ fold ─┐
 *                                             ├ NMEA: joiner (own=...) ──────────┼─> out [ entry | entry | .. ]
 *                                             └ Beidou: codec, position, text ───┘        │ one by one
 *                                                                          submit <───────┤
 *                                                          job (registry, a worker) <─────┘
 *
 * What one line gives waits in `out` until the engine took it; only then the next line is read. A sender the registry
 * does not know is made before its first entry goes on, and what a ship says of itself is noted there: both are a job
 * for a worker thread, because the registry syncs, and the feed waits for it. So nothing is dropped and nothing grows:
 * a feed that waits is not read from.
 *
 * One feed has one owner; only feed_job_run() is for another thread, while the feed waits for it. */
#ifndef ZAYTON_INGEST_FEED_H
#define ZAYTON_INGEST_FEED_H

#include <stdatomic.h>

#include "engine/fleet/engine.h"
#include "ingest/marine/ais_assembler.h"
#include "ingest/marine/marine_report.h"
#include "ingest/stations/fold.h"
#include "ingest/stations/stations_file.h"

/* bytes held for one connection: a read and a line that it completes */
#define FEED_READ_BYTES 65536u
#define FEED_BYTES_MAX (FEED_READ_BYTES + SENTENCE_LINE_MAX + 16)
/* refused lines kept for a look, a minute and station; all are counted */
#define FEED_QUARANTINE_PER_MINUTE 60
/* an epoch of NMEA that nothing follows is complete after so long */
#define FEED_EPOCH_MS 1000

/* X(NAME, "metric", "what it counts") per station */
#define STATION_COUNTER_TABLE(X)                                                                                       \
	X(BYTES, "bytes_total", "bytes received")                                                                      \
	X(LINES, "lines_total", "lines received")                                                                      \
	X(REFUSED, "lines_refused_total", "lines that are no sentence, or say what cannot be")                         \
	X(TAGS_REFUSED, "tags_refused_total", "tag blocks that could not be used")                                     \
	X(PARTS, "parts_total", "sentences that are a part of a message")                                              \
	X(PARTS_LOST, "parts_lost_total", "parts without those before them")                                           \
	X(AIS, "ais_messages_total", "AIS messages, whole")                                                            \
	X(OWN_SHIP, "own_ship_total", "AIS messages of the station's own ship, passed over")                           \
	X(NMEA, "nmea_total", "positions and times in NMEA 0183")                                                      \
	X(RDSS, "rdss_total", "Beidou sentences")                                                                      \
	X(OTHER, "other_total", "sentences of other kinds, passed over")                                               \
	X(FOLDED, "folded_total", "messages that another station, or this one, brought before")                        \
	X(SHARED, "shared_total", "of these, the first time that this station brought them")                           \
	X(REPORTS, "reports_total", "positions given to the engine")                                                   \
	X(MESSAGES, "messages_total", "other messages given to the engine")                                            \
	X(UNKNOWN, "unknown_total", "messages of senders the registry does not know, passed over")                     \
	X(FAR, "far_total", "positions dated half a year and more from their receipt")                                 \
	X(QUARANTINED, "quarantined_total", "refused lines kept for a look")                                           \
	X(PAUSES, "pauses_total", "times the engine had no room")                                                      \
	X(CONNECTED, "connections_total", "connections made")                                                          \
	X(FAILED, "failures_total", "connections lost, refused or never made")                                         \
	X(DATAGRAMS, "datagrams_total", "datagrams received")                                                          \
	X(DATAGRAMS_LOST, "datagrams_lost_total", "datagrams the kernel dropped before us, or cut")

enum station_counter {
#define X(NAME, metric, help) STATION_COUNT_##NAME,
	STATION_COUNTER_TABLE(X)
#undef X
		STATION_COUNTER_COUNT
};

/* What feeds of one station share. Written by the loop, read anywhere. */
struct station_stats {
	_Atomic uint64_t values[STATION_COUNTER_COUNT];
	_Atomic int64_t heard_ms; /* of the last line that was a sentence; 0: never */
	int64_t quarantine_at_ms; /* loop only */
	unsigned quarantine_left;
};
static inline void station_count(struct station_stats *s, enum station_counter c, uint64_t n)
{
	atomic_fetch_add_explicit(&s->values[c], n, memory_order_relaxed);
}

/* One that goes to the engine. */
struct feed_out {
	struct intake in;
	struct report report;
	enum device_kind kind;
	char identity[STATION_NAME_MAX + 1]; /* as the registry keeps it; "": no device is needed (quarantine) */
	uint8_t class_code;                  /* for a device that is made */
	size_t at, size;                     /* of the body, in `bodies` */
};
#define FEED_OUT_MAX (RDSS_POINTS_MAX + 2)

/* What a worker does to the registry. */
struct feed_job {
	uint64_t device;
	enum device_kind kind;
	int64_t from_ms;
	size_t count;
	uint8_t fields[8]; /* enum device_field */
	char values[8][DEVICE_VALUE_MAX + 1];
	bool is_new; /* the sender of the next entry is to be made */
	enum status status;
};

struct feed {
	const struct station_config *config;
	const struct rdss_codec *codec; /* NULL: none */
	unsigned station;               /* index */
	struct station_stats *stats;
	struct registry *registry;
	struct fold *fold;
	void *context;
	/* STATUS_BUSY, STATUS_IO, STATUS_NO_SPACE: not now. Any other failure refuses the entry for good. */
	enum status (*submit)(void *context, const struct intake *in);

	struct buf bytes;
	size_t taken;    /* of `bytes` */
	bool passing;    /* the rest of a line too long to be one */
	uint32_t sender; /* of what is in `bytes`: tells the senders of one UDP port apart */
	struct ais_assembler *assembler;
	struct nmea_joiner joiner;
	struct buf items, bodies;
	struct feed_out out[FEED_OUT_MAX];
	unsigned out_count, out_next;
	struct feed_job job; /* to run now */
	bool note_wanted;    /* `note` is to run when the entries are given */
	struct feed_job note;
};

enum feed_wait {
	FEED_IDLE, /* all that is whole is given: put more */
	FEED_ROOM, /* the engine has no room: feed_run() again when it has */
	FEED_JOB,  /* feed_job_run() on a worker, then feed_job_done() and feed_run() */
};

/* `f` is the caller's; config, codec, station, stats, registry, fold, context and submit are set. STATUS_NO_MEMORY. */
STATUS_CHECKED enum status feed_init(struct feed *f);
void feed_deinit(struct feed *f);
/* Append at most FEED_READ_BYTES; the feed is idle. STATUS_NO_MEMORY. */
STATUS_CHECKED enum status feed_put(struct feed *f, struct span bytes, uint32_t sender);
/* Go on with what is there; `now_ms` is the wall clock. */
enum feed_wait feed_run(struct feed *f, int64_t now_ms);
/* An epoch that nothing followed; the feed is idle. */
enum feed_wait feed_tick(struct feed *f, int64_t now_ms);
/* The connection ended: a last line without its end is a line; parts of messages are forgotten. The feed is idle. */
enum feed_wait feed_end(struct feed *f, int64_t now_ms);

/* Any thread, while the feed waits with FEED_JOB. */
void feed_job_run(struct feed *f);
void feed_job_done(struct feed *f);

#endif
