/* ais_assembler.h -- messages of several sentences put together, bounded and expiring.
 *
 *   waiting   [ key | next part | characters so far ] * WAITING_MAX       one message each
 *   groups    ring of (source, tag group) -> time and station of its first sentence
 *
 * The parts of a message come in order, from one source and on one radio channel; other sentences may stand between
 * them. A message is known by its tag group when both sentences have one, else by (total, sequence, channel). A new
 * first part replaces one that waits under its key; a part out of order ends its message. Sequence numbers are only
 * ten: what waits too long would be joined by a stranger's second part, so it expires.
 *
 * The first sentence of a tag group has the time and the station for all of it, whatever the sentences are.
 *
 * `now` is any clock of the caller's: ms live, lines of a file. One owner; nothing is allocated after _new. */
#ifndef ZAYTON_INGEST_AIS_ASSEMBLER_H
#define ZAYTON_INGEST_AIS_ASSEMBLER_H

#include "ingest/marine/ais.h"

/* messages in parts at once from one receiver: a busy coast hears some 5,000 messages a minute, a fifth in parts that
 * come within a second */
#define AIS_WAITING_MAX 32
#define AIS_GROUPS_MAX 32
/* ms live; lines of a file that tells no times */
#define AIS_EXPIRE_MS 4000
#define AIS_EXPIRE_LINES 40

#define AIS_ASSEMBLER_COUNTS(X)                                                                                        \
	X(ORPHANS, "orphans", "parts whose first part was never seen, or is too old")                                  \
	X(BROKEN, "broken", "messages ended by a part out of order")                                                   \
	X(REPLACED, "replaced", "messages ended by a new first part")                                                  \
	X(EXPIRED, "expired", "messages that were never completed")                                                    \
	X(CROWDED, "crowded", "messages given up because too many waited")

enum ais_assembler_count {
#define X(NAME, name, help) AIS_ASSEMBLER_##NAME,
	AIS_ASSEMBLER_COUNTS(X)
#undef X
		AIS_ASSEMBLER_COUNT
};

struct ais_assembler;
STATUS_CHECKED enum status ais_assembler_new(int64_t expire, struct ais_assembler **out);
/* NULL is allowed. */
void ais_assembler_free(struct ais_assembler *a);

/* Any sentence, before it is used: gives it the time and station of its tag group. `source` tells senders apart that
 * share a socket. */
void ais_assembler_group(struct ais_assembler *a, struct sentence *s, uint32_t source, int64_t now);

/* A VDM or VDO sentence. STATUS_OK: `*out` is a whole message, until the next call.
 * STATUS_NEED_MORE  a part, kept; STATUS_NOT_FOUND  a part without those before it; STATUS_EMPTY  a frame without
 * payload; STATUS_TOO_LONG; and what ais_part_of() says. */
STATUS_CHECKED enum status ais_assembler_add(struct ais_assembler *a, const struct sentence *s, uint32_t source,
					     int64_t now, const struct ais_packet **out);
/* Give up what waits longer than `expire`; also done by adding. */
void ais_assembler_expire(struct ais_assembler *a, int64_t now);
/* How often each happened. */
uint64_t ais_assembler_count(const struct ais_assembler *a, enum ais_assembler_count which);

#endif
