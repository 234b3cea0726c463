/* writer.h -- bytes put one after another: the first failure stays, the rest does nothing.
 *
 *   struct writer w = writer_of(out);
 *   writer_be(&w, id, 4); writer_put(&w, name, size);
 *   return writer_end(&w);                                   what was put is taken back when anything failed */
#ifndef ZAYTON_CORE_WRITER_H
#define ZAYTON_CORE_WRITER_H

#include "engine/core/bytes.h"

struct writer {
	struct buf *out;
	size_t start;
	enum status status;
};

static inline struct writer writer_of(struct buf *out)
{
	return (struct writer){out, out->size, STATUS_OK};
}

static inline void writer_put(struct writer *w, const void *data, size_t size)
{
	if (!w->status)
		w->status = buf_append(w->out, data, size);
}

/* The low `size` bytes (1..8) of `v`, big-endian. */
static inline void writer_be(struct writer *w, uint64_t v, size_t size)
{
	uint8_t bytes[8];
	store_be64(bytes, v);
	writer_put(w, bytes + 8 - size, size);
}

static inline enum status writer_end(struct writer *w)
{
	if (w->status)
		w->out->size = w->start;
	return w->status;
}

#endif
