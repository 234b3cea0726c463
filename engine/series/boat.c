#include "engine/series/boat.h"

#include <string.h>

static const char *const gears[GEAR_COUNT][2] = {
#define X(NAME, token, chinese) {token, chinese},
	BOAT_GEAR_TABLE(X)
#undef X
};
static const char *const areas[AREA_COUNT][2] = {
#define X(NAME, token, chinese) {token, chinese},
	BOAT_AREA_TABLE(X)
#undef X
};

const char *boat_gear_token(unsigned gear)
{
	return gears[gear < GEAR_COUNT ? gear : GEAR_UNKNOWN][0];
}

const char *boat_area_token(unsigned area)
{
	return areas[area < AREA_COUNT ? area : AREA_UNKNOWN][0];
}

static enum status find(const char *const table[][2], unsigned count, struct span text, unsigned *out)
{
	for (unsigned i = 0; i < count; i++)
		if (span_equal(text, span_of_string(table[i][0])) || span_equal(text, span_of_string(table[i][1]))) {
			*out = i;
			return STATUS_OK;
		}
	return STATUS_NOT_FOUND;
}

enum status boat_gear_parse(struct span text, unsigned *out)
{
	return find(gears, GEAR_COUNT, text, out);
}

enum status boat_area_parse(struct span text, unsigned *out)
{
	return find(areas, AREA_COUNT, text, out);
}

/* Bytes of the separator that `text` begins with, 0 for none. */
static size_t separator(struct span text)
{
	if (text.size >= 3 && memcmp(text.data, "\xe3\x80\x81", 3) == 0)
		return 3;
	return text.size && (text.data[0] == ',' || text.data[0] == ' ') ? 1 : 0;
}

enum status boat_gears_parse(struct span text, uint32_t *out)
{
	*out = 0;
	for (size_t at = 0; at < text.size;) {
		size_t skip = separator(span_of(text.data + at, text.size - at)), end = at;
		unsigned gear;
		if (skip) {
			at += skip;
			continue;
		}
		while (end < text.size && !separator(span_of(text.data + end, text.size - end)))
			end++;
		if (boat_gear_parse(span_of(text.data + at, end - at), &gear))
			return STATUS_NOT_FOUND;
		*out |= UINT32_C(1) << gear;
		at = end;
	}
	return *out ? STATUS_OK : STATUS_NOT_FOUND;
}
