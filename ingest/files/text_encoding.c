#include "ingest/files/text_encoding.h"

#include <iconv.h>

#include "engine/core/utf8.h"

enum status text_to_utf8(struct span text, struct buf *out)
{
	if (utf8_valid(text))
		return buf_append(out, text.data, text.size);
	/* two GB18030 bytes become at most three, four at most four */
	enum status status = buf_reserve(out, text.size * 2);
	if (status)
		return status;
	iconv_t gb = iconv_open("UTF-8", "GB18030");
	if (gb == (iconv_t)-1)
		return STATUS_UNSUPPORTED;
	char *from = (char *)(uintptr_t)text.data, *to = (char *)out->data + out->size;
	size_t from_left = text.size, to_left = out->capacity - out->size;
	if (iconv(gb, &from, &from_left, &to, &to_left) == (size_t)-1 || from_left)
		status = STATUS_MALFORMED;
	else
		out->size = out->capacity - to_left;
	iconv_close(gb);
	return status;
}
