/* registry_boat.c -- the values of a boat's own fields: numbers, cards, gear, ratings. */
#include <stdio.h>

#include "engine/fleet/registry.h"
#include "engine/series/boat.h"

/* Tokens in the order of the table, a comma between. */
static enum status gear(char *text)
{
	uint32_t gears;
	size_t size = 0;
	if (boat_gears_parse(span_of_string(text), &gears))
		return STATUS_OUT_OF_RANGE;
	for (unsigned i = 0; i < GEAR_COUNT; i++)
		if (gears >> i & 1)
			size += (size_t)snprintf(text + size, DEVICE_VALUE_MAX + 1 - size, "%s%s", size ? "," : "",
						 boat_gear_token(i));
	return STATUS_OK;
}

static enum status navigation_area(char *text)
{
	unsigned area;
	if (boat_area_parse(span_of_string(text), &area) || area == AREA_UNKNOWN)
		return STATUS_OUT_OF_RANGE;
	snprintf(text, DEVICE_VALUE_MAX + 1, "%s", boat_area_token(area));
	return STATUS_OK;
}

static enum status yes_or_no(char *text)
{
	bool yes = strcmp(text, "yes") == 0 || strcmp(text, "是") == 0;
	if (!yes && strcmp(text, "no") != 0 && strcmp(text, "否") != 0)
		return STATUS_OUT_OF_RANGE;
	snprintf(text, DEVICE_VALUE_MAX + 1, "%s", yes ? "yes" : "no");
	return STATUS_OK;
}

static enum status card(char *text)
{
	size_t size = strlen(text), zeros = strspn(text, "0");
	if (size < 6 || size > 8 || strspn(text, "0123456789") != size || zeros == size)
		return STATUS_OUT_OF_RANGE;
	memmove(text, text + zeros, size - zeros + 1);
	return STATUS_OK;
}

static enum status mmsi(char *text)
{
	size_t size = strlen(text);
	if (size > 9 || strspn(text, "0123456789") != size || strspn(text, "0") == size)
		return STATUS_OUT_OF_RANGE;
	memmove(text + 9 - size, text, size + 1);
	memset(text, '0', 9 - size);
	return STATUS_OK;
}

static enum status whole(char *text, unsigned most)
{
	unsigned v = 0;
	size_t size = strlen(text);
	if (size > 4 || strspn(text, "0123456789") != size)
		return STATUS_OUT_OF_RANGE;
	for (size_t i = 0; i < size; i++)
		v = v * 10 + (unsigned)(text[i] - '0');
	if (v < 1 || v > most)
		return STATUS_OUT_OF_RANGE;
	snprintf(text, DEVICE_VALUE_MAX + 1, "%u", v);
	return STATUS_OK;
}

static enum status decimal(const char *text)
{
	size_t before = strspn(text, "0123456789"), size = strlen(text), behind = 0;
	if (text[before] == '.')
		behind = 1 + strspn(text + before + 1, "0123456789");
	return before && before <= 7 && behind != 1 && behind <= 4 && before + behind == size ? STATUS_OK
											      : STATUS_OUT_OF_RANGE;
}

enum status device_value_normalise_boat(unsigned field, char text[DEVICE_VALUE_MAX + 1])
{
	switch (field) {
	case DEVICE_FIELD_MMSI:
		return mmsi(text);
	case DEVICE_FIELD_BEIDOU_CARD:
		return card(text);
	case DEVICE_FIELD_GEAR:
		return gear(text);
	case DEVICE_FIELD_NAVIGATION_AREA:
		return navigation_area(text);
	case DEVICE_FIELD_LAID_UP:
		return yes_or_no(text);
	case DEVICE_FIELD_WIND_RATING:
		return whole(text, 17);
	case DEVICE_FIELD_CERTIFIED_PERSONS:
	case DEVICE_FIELD_PERSONS_ABOARD:
		return whole(text, 999);
	case DEVICE_FIELD_LENGTH:
	case DEVICE_FIELD_TONNAGE:
	case DEVICE_FIELD_POWER:
		return decimal(text);
	default:
		return STATUS_OK;
	}
}
