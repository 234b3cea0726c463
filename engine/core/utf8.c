#include "engine/core/utf8.h"

static bool continues(uint8_t c)
{
	return (c & 0xc0) == 0x80;
}

/* RFC 3629, section 4: the second byte's range depends on the first. */
size_t utf8_sequence(struct span s)
{
	if (s.size == 0)
		return 0;
	uint8_t first = s.data[0];
	if (first < 0x80)
		return 1;
	if (first < 0xc2 || first > 0xf4 || s.size < 2)
		return 0;
	uint8_t second = s.data[1];
	uint8_t low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
	uint8_t high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
	if (second < low || second > high)
		return 0;
	size_t size = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
	if (s.size < size)
		return 0;
	for (size_t i = 2; i < size; i++)
		if (!continues(s.data[i]))
			return 0;
	return size;
}

bool utf8_valid(struct span s)
{
	while (s.size) {
		size_t n = utf8_sequence(s);
		if (!n)
			return false;
		s = span_of(s.data + n, s.size - n);
	}
	return true;
}

bool utf8_printable(struct span s)
{
	while (s.size) {
		size_t n = utf8_sequence(s);
		if (!n || s.data[0] < 0x20 || s.data[0] == 0x7f || (s.data[0] == 0xc2 && s.data[1] < 0xa0))
			return false;
		s = span_of(s.data + n, s.size - n);
	}
	return true;
}
