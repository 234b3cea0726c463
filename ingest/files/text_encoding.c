#include "ingest/files/text_encoding.h"

#include <iconv.h>

/* Bytes of the sequence that `lead` begins, 0 when it begins none. */
static unsigned sequence_length(uint8_t lead)
{
	if (lead < 0x80)
		return 1;
	if (lead < 0xc2)
		return 0;
	return lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
}

static bool sequence_is_good(const uint8_t *at, unsigned length)
{
	for (unsigned i = 1; i < length; i++)
		if ((at[i] & 0xc0) != 0x80)
			return false;
	switch (at[0]) {
	case 0xe0:
		return at[1] >= 0xa0;
	case 0xed:
		return at[1] < 0xa0;
	case 0xf0:
		return at[1] >= 0x90;
	case 0xf4:
		return at[1] < 0x90;
	default:
		return true;
	}
}

bool text_is_utf8(struct span text)
{
	for (size_t i = 0; i < text.size;) {
		unsigned length = sequence_length(text.data[i]);
		if (!length || text.size - i < length || !sequence_is_good(text.data + i, length))
			return false;
		i += length;
	}
	return true;
}

enum status text_to_utf8(struct span text, struct buf *out)
{
	if (text_is_utf8(text))
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
