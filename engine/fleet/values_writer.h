/* values_writer.h -- values from a thread that is no shard's loop, and the wait until they are durable.
 *
 *   values_writer_add ──> body of the shard ──(full)──> entries ── values_writer_flush ──> loops: shard_submit
 *                                                                        ^── settled, all of them ──┘
 *
 * A flush gives every shard its entries; a shard that is busy gets the rest of them a moment later. More than
 * VALUES_WRITER_BYTES_MAX are flushed by values_writer_add itself.
 * Threads: a writer has one owner, which must not be a loop and must be done with it before engine_stop. */
#ifndef ZAYTON_FLEET_VALUES_WRITER_H
#define ZAYTON_FLEET_VALUES_WRITER_H

#include "engine/fleet/streams.h"

#define VALUES_WRITER_BYTES_MAX (8u << 20)

struct values_writer;
STATUS_CHECKED enum status values_writer_new(struct engine *e, struct values_writer **out);
/* What was not flushed is gone. NULL is allowed. */
void values_writer_free(struct values_writer *w);
/* Receipt of what is added from now on. STATUS_NO_MEMORY. */
STATUS_CHECKED enum status values_writer_begin(struct values_writer *w, int64_t received_ms);
/* `text` of a VALUE_TEXT: it is made known here. STATUS_FULL, STATUS_CONFLICT, STATUS_TOO_LONG: that text cannot be
 * kept; what values_writer_flush says. */
STATUS_CHECKED enum status values_writer_add(struct values_writer *w, uint64_t stream, const struct value *v,
					     struct span text);
/* Numbers of one stream at once, as values_body_add_group; what values_writer_flush says. */
STATUS_CHECKED enum status values_writer_add_group(struct values_writer *w, uint64_t stream,
						   const struct values_group *g);
/* Whether the next value may make values_writer_add flush. */
bool values_writer_is_full(const struct values_writer *w);
/* STATUS_OK: everything added is durable. STATUS_BUSY: the engine could not take it within BUSY_MS_MAX; STATUS_IO,
 * STATUS_NO_SPACE, STATUS_CLOSED: some may be in. Either way nothing is left in the writer, and sending it again
 * doubles nothing. */
STATUS_CHECKED enum status values_writer_flush(struct values_writer *w);

/* An importer's way, without the journal (engine.h, bulk): `body` holds values received at `received_ms`. */
STATUS_CHECKED enum status bulk_add_values(struct bulk *b, struct span body, uint64_t stream, int64_t received_ms);

#endif
