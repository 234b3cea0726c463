#include "query/http/http_inflate.h"

#include <zlib.h>

#define STEP 65536
#define GZIP_WINDOW (15 + 16) /* the largest window, with a gzip header */

static enum status inflate_all(z_stream *z, struct buf *out)
{
	for (;;) {
		enum status status = buf_reserve(out, STEP);
		if (status)
			return status == STATUS_FULL ? STATUS_TOO_LONG : status;
		z->next_out = out->data + out->size;
		z->avail_out = STEP;
		int code = inflate(z, Z_NO_FLUSH);
		out->size += STEP - z->avail_out;
		if (code == Z_STREAM_END && !z->avail_in)
			return STATUS_OK;
		if (code == Z_STREAM_END)
			code = inflateReset(z);
		if (code != Z_OK)
			return code == Z_MEM_ERROR ? STATUS_NO_MEMORY : STATUS_MALFORMED;
	}
}

enum status http_gunzip(struct span packed, struct buf *out)
{
	z_stream z = {.next_in = (Bytef *)(uintptr_t)packed.data, .avail_in = (uInt)packed.size};
	if (!packed.size || packed.size > UINT32_MAX)
		return STATUS_MALFORMED;
	if (inflateInit2(&z, GZIP_WINDOW) != Z_OK)
		return STATUS_NO_MEMORY;
	enum status status = inflate_all(&z, out);
	inflateEnd(&z);
	return status;
}
