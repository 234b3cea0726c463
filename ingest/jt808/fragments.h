/* fragments.h -- split messages put together again.
 *
 *   bucket[hash(terminal)] -> set -> set          a set is one split message of one terminal
 *                             | parts[total]      body or, once complete, its hash alone
 *   oldest -> set -> ... -> newest                by the time of the last new part: expiry takes from the front
 *
 * Key of a set: terminal, message id, total, and the serial of the first part, which every part tells
 * (serial - (index - 1), modulo 65536). Parts come in any order and more than once. A part that comes again with
 * other bytes is from a terminal that restarted: its set begins anew.
 * A finished set is remembered without its bytes until it expires, so that a part sent again because its
 * acknowledgement was lost does not open a set that can never be filled.
 *
 * Memory: at most `bytes_max`, of which a terminal at most `terminal_bytes_max`; tables are counted. Finished
 * sets make way when room is short.
 * Time is what the caller says, ms, never going back. One owner. */
#ifndef ZAYTON_INGEST_FRAGMENTS_H
#define ZAYTON_INGEST_FRAGMENTS_H

#include "ingest/jt808/jt808.h"

/* parts of one message: MESSAGE_BYTES_MAX in packets of a quarter of the usual size */
#define FRAGMENTS_PARTS_MAX 4096

struct fragment_limits {
	size_t sets_max, bytes_max;                   /* over all terminals */
	size_t terminal_sets_max, terminal_bytes_max; /* of one terminal */
	int64_t expiry_ms;                            /* since the last new part; peers use 30 to 120 s */
};

struct fragments;

/* What is known of one set. */
struct fragment_set {
	uint64_t terminal;
	uint16_t message_id;
	uint16_t first_serial;
	uint16_t total, held; /* parts */
};

/* NULL without memory. */
struct fragments *fragments_new(const struct fragment_limits *limits);
void fragments_free(struct fragments *f);

/* Add the part that `h` and its body are; `terminal` is whatever names the sender.
 * STATUS_OK           complete: the whole body is at `out_message`, valid until the next call on `f`
 * STATUS_NEED_MORE    kept
 * STATUS_EXISTS       held already, or of a message that was complete: acknowledge it again
 * STATUS_OUT_OF_RANGE index 0 or above total, or more than FRAGMENTS_PARTS_MAX parts
 * STATUS_TOO_LONG     the message or the terminal grew past its bound: the set is dropped
 * STATUS_FULL         no room for another set or for its bytes; the part is not kept
 * STATUS_NO_MEMORY    the part is not kept, or the set could not be joined and is dropped
 * `out_set` tells the set in every case but OUT_OF_RANGE. */
STATUS_CHECKED enum status fragments_add(struct fragments *f, uint64_t terminal, const struct jt808_header *h,
					 int64_t now_ms, struct fragment_set *out_set, struct span *out_message);

/* Take out one set that expired incomplete: STATUS_OK, or STATUS_END. Call until the end, now and then. */
STATUS_CHECKED enum status fragments_expire(struct fragments *f, int64_t now_ms, struct fragment_set *out_set);

/* One incomplete set that got no part and was not asked for since `idle_ms`, oldest first: STATUS_OK, and
 * its missing parts are to be asked for (0x8003); or STATUS_END. Call until the end. */
STATUS_CHECKED enum status fragments_ask(struct fragments *f, int64_t now_ms, int64_t idle_ms,
					 struct fragment_set *out_set);

/* Indexes (from 1) that `set` still lacks, ascending, at most `max`; returns how many were written. */
size_t fragments_missing(const struct fragments *f, const struct fragment_set *set, uint16_t *out, size_t max);

/* Drop all sets of a terminal; a connection that closes need not, its terminal may come back. */
void fragments_forget(struct fragments *f, uint64_t terminal);

/* Bytes held now, tables included, without the table of buckets and the last complete message. */
size_t fragments_bytes(const struct fragments *f);

#endif
