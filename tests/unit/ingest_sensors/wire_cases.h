/* wire_cases.h -- what holds for every framed protocol of sensors: goldens, splits, cuts, damage. */
#ifndef ZAYTON_TESTS_WIRE_CASES_H
#define ZAYTON_TESTS_WIRE_CASES_H

#include "ingest/sensors/marked_frame.h"

struct wire_protocol {
	const char *folder;    /* of tests/golden, and the name */
	size_t frame_size_max; /* bytes */
	enum status (*next)(struct span input, struct marked_frame *out);
	enum status (*explain)(struct span raw, struct buf *out);
	bool ends_in_hex; /* four digits of either case */
};

/* Every case prints its .expect, one line a frame. */
void wire_check_goldens(const struct wire_protocol *p);
/* All cases in one stream, split in two at every byte and fed byte by byte: the same frames with the same outcome. */
void wire_check_splits(const struct wire_protocol *p);
/* A frame cut at any byte needs more, and the whole one behind a cut one is found. */
void wire_check_cuts(const struct wire_protocol *p);
/* A whole frame with any one bit turned over is never taken as it was, and the one behind it is found. */
void wire_check_damage(const struct wire_protocol *p);

/* Wire bytes of one case. The caller frees. */
void wire_load(const struct wire_protocol *p, const char *name, struct buf *out);

#endif
