/* registry_boat.c -- the values of a boat's own fields: numbers, cards, gear, ratings. */
#include <stdio.h>

#include "engine/fleet/registry.h"

/* Kinds of gear (GB/T 5147-2003 names the nets; the summer moratorium tells them apart by these). */
static const char *const gears[][2] = {
	{"trawl", "拖网"},
	{"trawl-shrimp", "桁杆拖虾"},
	{"gillnet", "刺网"},
	{"purse", "围网"},
	{"light-purse", "灯光围网"},
	{"lift", "敷网"},
	{"stow", "张网"},
	{"pot", "笼壶"},
	{"angling", "钓具"},
	{"dive", "潜捕"},
	{"cover", "掩罩"},
	{"rake", "耙刺"},
	{"auxiliary", "捕捞辅助船"},
	{"farming", "养殖"},
	{"transport", "运输"},
	{"leisure", "休闲"},
	{"other", "其他"},
};
/* areas of navigation as certificates of survey have them */
static const char *const areas[][2] = {{"far", "远海"}, {"near", "近海"}, {"coastal", "沿海"}, {"sheltered", "遮蔽"}};

static enum status to_token(char *text, const char *const table[][2], size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(text, table[i][0]) == 0 || strcmp(text, table[i][1]) == 0) {
			memcpy(text, table[i][0], strlen(table[i][0]) + 1);
			return STATUS_OK;
		}
	return STATUS_OUT_OF_RANGE;
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
		return to_token(text, gears, sizeof gears / sizeof *gears);
	case DEVICE_FIELD_NAVIGATION_AREA:
		return to_token(text, areas, sizeof areas / sizeof *areas);
	case DEVICE_FIELD_WIND_RATING:
		return whole(text, 17);
	case DEVICE_FIELD_CERTIFIED_PERSONS:
		return whole(text, 999);
	case DEVICE_FIELD_LENGTH:
	case DEVICE_FIELD_TONNAGE:
	case DEVICE_FIELD_POWER:
		return decimal(text);
	default:
		return STATUS_OK;
	}
}
