/* marked_frame.h -- frames that begin with the same byte twice, out of a stream.
 *
 *   ...outside... | mark mark head | rest, as long as the head says | mark mark head ...
 *
 * GB/T 26875.3 begins with 40 40, HJ 212 with 23 23, SL 651 with 7E 7E. A frame that is refused costs what it holds
 * up to the next pair of marks, so the frame behind one that was cut is found. Whatever way a stream is split, the
 * frames are the same: nothing is judged before the bytes it takes are there. Pure. */
#ifndef ZAYTON_INGEST_MARKED_FRAME_H
#define ZAYTON_INGEST_MARKED_FRAME_H

#include "engine/core/bytes.h"
#include "engine/core/status.h"

struct marked_framing {
	uint8_t mark;
	bool lines;       /* CR and LF between frames belong to no one */
	size_t head_size; /* bytes, with the marks, that tell the size */
	/* The whole size, >= head_size, from a head; STATUS_BAD_LENGTH, STATUS_MALFORMED: no frame begins so. */
	enum status (*size)(const uint8_t *head, size_t *out);
	/* Whether a frame of that size is whole: its end and its checksum. */
	enum status (*check)(struct span raw);
};

struct marked_frame {
	struct span raw;     /* with marks and checksum; borrowed from the input */
	struct span skipped; /* bytes before it that belong to no frame */
	size_t consumed;     /* bytes of the input that are done with, also when more are needed */
};

/* The next frame of `input`. STATUS_NEED_MORE: keep what is behind `consumed` and come again with more; any other
 * status but STATUS_OK: `raw` is refused, go on behind `consumed`, which is then more than 0. */
STATUS_CHECKED enum status marked_frame_next(const struct marked_framing *framing, struct span input,
					     struct marked_frame *out);

#endif
