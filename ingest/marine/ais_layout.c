/* ais_layout.c -- where each field lies, per type (ITU-R M.1371-5, annex 8, tables 45 to 84). */
#include "ingest/marine/ais.h"

static const struct ais_place position_a[] = {
	{AIS_STATUS, 38, 4},  {AIS_ROT, 42, 8},
	{AIS_SOG, 50, 10},    {AIS_ACCURACY, 60, 1},
	{AIS_LON, 61, 28},    {AIS_LAT, 89, 27},
	{AIS_COG, 116, 12},   {AIS_HEADING, 128, 9},
	{AIS_SECOND, 137, 6}, {AIS_MANOEUVRE, 143, 2},
	{AIS_SPARE, 145, 3},  {AIS_RAIM, 148, 1},
	{AIS_RADIO, 149, 19}, {0, 0, 0},
};
static const struct ais_place base[] = {
	{AIS_YEAR, 38, 14},   {AIS_MONTH, 52, 4},    {AIS_DAY, 56, 5},     {AIS_HOUR, 61, 5},  {AIS_MINUTE, 66, 6},
	{AIS_SECOND, 72, 6},  {AIS_ACCURACY, 78, 1}, {AIS_LON, 79, 28},    {AIS_LAT, 107, 27}, {AIS_EPFD, 134, 4},
	{AIS_SPARE, 138, 10}, {AIS_RAIM, 148, 1},    {AIS_RADIO, 149, 19}, {0, 0, 0},
};
static const struct ais_place voyage[] = {
	{AIS_VERSION, 38, 2},
	{AIS_IMO, 40, 30},
	{AIS_CALLSIGN, 70, 42},
	{AIS_NAME, 112, 120},
	{AIS_SHIPTYPE, 232, 8},
	{AIS_BOW, 240, 9},
	{AIS_STERN, 249, 9},
	{AIS_PORT, 258, 6},
	{AIS_STARBOARD, 264, 6},
	{AIS_EPFD, 270, 4},
	{AIS_MONTH, 274, 4},
	{AIS_DAY, 278, 5},
	{AIS_HOUR, 283, 5},
	{AIS_MINUTE, 288, 6},
	{AIS_DRAUGHT, 294, 8},
	{AIS_DESTINATION, 302, 120},
	{AIS_DTE, 422, 1},
	{AIS_SPARE, 423, 1},
	{0, 0, 0},
};
static const struct ais_place aircraft[] = {
	{AIS_ALTITUDE, 38, 12}, {AIS_SOG, 50, 10},    {AIS_ACCURACY, 60, 1},  {AIS_LON, 61, 28}, {AIS_LAT, 89, 27},
	{AIS_COG, 116, 12},     {AIS_SECOND, 128, 6}, {AIS_REGIONAL, 134, 8}, {AIS_DTE, 142, 1}, {AIS_SPARE, 143, 3},
	{AIS_ASSIGNED, 146, 1}, {AIS_RAIM, 147, 1},   {AIS_RADIO, 148, 20},   {0, 0, 0},
};
static const struct ais_place safety_text[] = {{AIS_SPARE, 38, 2}, {AIS_TEXT, 40, 966}, {0, 0, 0}};
static const struct ais_place position_b[] = {
	{AIS_RESERVED, 38, 8},  {AIS_SOG, 46, 10},   {AIS_ACCURACY, 56, 1},  {AIS_LON, 57, 28},
	{AIS_LAT, 85, 27},      {AIS_COG, 112, 12},  {AIS_HEADING, 124, 9},  {AIS_SECOND, 133, 6},
	{AIS_REGIONAL, 139, 2}, {AIS_CS, 141, 1},    {AIS_DISPLAY, 142, 1},  {AIS_DSC, 143, 1},
	{AIS_BAND, 144, 1},     {AIS_MSG22, 145, 1}, {AIS_ASSIGNED, 146, 1}, {AIS_RAIM, 147, 1},
	{AIS_RADIO, 148, 20},   {0, 0, 0},
};
static const struct ais_place extended_b[] = {
	{AIS_RESERVED, 38, 8},  {AIS_SOG, 46, 10},      {AIS_ACCURACY, 56, 1},
	{AIS_LON, 57, 28},      {AIS_LAT, 85, 27},      {AIS_COG, 112, 12},
	{AIS_HEADING, 124, 9},  {AIS_SECOND, 133, 6},   {AIS_REGIONAL, 139, 4},
	{AIS_NAME, 143, 120},   {AIS_SHIPTYPE, 263, 8}, {AIS_BOW, 271, 9},
	{AIS_STERN, 280, 9},    {AIS_PORT, 289, 6},     {AIS_STARBOARD, 295, 6},
	{AIS_EPFD, 301, 4},     {AIS_RAIM, 305, 1},     {AIS_DTE, 306, 1},
	{AIS_ASSIGNED, 307, 1}, {AIS_SPARE, 308, 4},    {0, 0, 0},
};
static const struct ais_place aid[] = {
	{AIS_AID, 38, 5},
	{AIS_NAME, 43, 120},
	{AIS_ACCURACY, 163, 1},
	{AIS_LON, 164, 28},
	{AIS_LAT, 192, 27},
	{AIS_BOW, 219, 9},
	{AIS_STERN, 228, 9},
	{AIS_PORT, 237, 6},
	{AIS_STARBOARD, 243, 6},
	{AIS_EPFD, 249, 4},
	{AIS_SECOND, 253, 6},
	{AIS_OFF_POSITION, 259, 1},
	{AIS_REGIONAL, 260, 8},
	{AIS_RAIM, 268, 1},
	{AIS_VIRTUAL, 269, 1},
	{AIS_ASSIGNED, 270, 1},
	{AIS_SPARE, 271, 1},
	{AIS_EXTENSION, 272, 84},
	{0, 0, 0},
};
static const struct ais_place static_a[] = {{AIS_PART, 38, 2}, {AIS_NAME, 40, 120}, {AIS_SPARE, 160, 8}, {0, 0, 0}};
static const struct ais_place static_odd[] = {{AIS_PART, 38, 2}, {0, 0, 0}};
static const struct ais_place static_b[] = {
	{AIS_PART, 38, 2},
	{AIS_SHIPTYPE, 40, 8},
	{AIS_VENDOR, 48, 18},
	{AIS_MODEL, 66, 4},
	{AIS_SERIAL, 70, 20},
	{AIS_CALLSIGN, 90, 42},
	{AIS_BOW, 132, 9},
	{AIS_STERN, 141, 9},
	{AIS_PORT, 150, 6},
	{AIS_STARBOARD, 156, 6},
	{AIS_EPFD, 162, 4},
	{AIS_SPARE, 166, 2},
	{0, 0, 0},
};
static const struct ais_place static_b_craft[] = {
	{AIS_PART, 38, 2},         {AIS_SHIPTYPE, 40, 8},
	{AIS_VENDOR, 48, 18},      {AIS_MODEL, 66, 4},
	{AIS_SERIAL, 70, 20},      {AIS_CALLSIGN, 90, 42},
	{AIS_MOTHERSHIP, 132, 30}, {AIS_EPFD, 162, 4},
	{AIS_SPARE, 166, 2},       {0, 0, 0},
};
static const struct ais_place long_range[] = {
	{AIS_ACCURACY, 38, 1}, {AIS_RAIM, 39, 1}, {AIS_STATUS, 40, 4}, {AIS_LON, 44, 18},  {AIS_LAT, 62, 17},
	{AIS_SOG, 79, 6},      {AIS_COG, 85, 9},  {AIS_GNSS, 94, 1},   {AIS_SPARE, 95, 1}, {0, 0, 0},
};

/* Some lengths are looser than the standard's, for what transmitters in the field send: voyage data without its last
 * bits, class A reports without the end of their radio state, names padded to characters, long-range reports in a whole
 * slot. */
static const struct ais_layout position_a_layout = {163, 168, 168, position_a};
static const struct ais_layout base_layout = {168, 168, 168, base};
static const struct ais_layout voyage_layout = {420, 426, 424, voyage};
static const struct ais_layout aircraft_layout = {168, 168, 168, aircraft};
static const struct ais_layout text_layout = {40, 1008, 1006, safety_text};
static const struct ais_layout position_b_layout = {168, 168, 168, position_b};
static const struct ais_layout extended_b_layout = {312, 312, 312, extended_b};
static const struct ais_layout aid_layout = {272, 368, 272, aid};
static const struct ais_layout static_a_layout = {160, 168, 168, static_a};
static const struct ais_layout static_odd_layout = {160, 168, 168, static_odd};
static const struct ais_layout static_b_layout = {160, 168, 168, static_b};
static const struct ais_layout static_b_craft_layout = {160, 168, 168, static_b_craft};
static const struct ais_layout long_range_layout = {96, 168, 96, long_range};

static const struct ais_layout *static_layout(const uint8_t *payload, uint16_t bits)
{
	uint32_t part = bits >= 40 ? ais_bits(payload, 38, 2) : 0;
	if (part == 1)
		return ais_bits(payload, 8, 30) / 10000000 == 98 ? &static_b_craft_layout : &static_b_layout;
	return part == 0 ? &static_a_layout : &static_odd_layout; /* there are no parts 2 and 3 */
}

const struct ais_layout *ais_layout_of(const uint8_t *payload, uint16_t bits)
{
	switch (payload[0] >> 2) {
	case 1:
	case 2:
	case 3:
		return &position_a_layout;
	case 4:
	case 11:
		return &base_layout;
	case 5:
		return &voyage_layout;
	case 9:
		return &aircraft_layout;
	case 14:
		return &text_layout;
	case 18:
		return &position_b_layout;
	case 19:
		return &extended_b_layout;
	case 21:
		return &aid_layout;
	case 24:
		return static_layout(payload, bits);
	case 27:
		return &long_range_layout;
	default:
		return NULL;
	}
}

static const struct {
	const char *json;
	enum ais_kind kind;
	int32_t na;
} fields[AIS_FIELD_COUNT] = {
#define X(NAME, json, kind, na) [AIS_##NAME] = {json, AIS_KIND_##kind, na},
	AIS_FIELD_TABLE(X)
#undef X
};

const char *ais_field_json(enum ais_field field)
{
	return fields[field].json;
}

enum ais_kind ais_field_kind(enum ais_field field)
{
	return fields[field].kind;
}

int32_t ais_field_na(uint8_t type, enum ais_field field)
{
	if (type == 27) {
		switch (field) {
		case AIS_LON: /* 181 and 91 degrees in tenths of a minute */
			return 108600;
		case AIS_LAT:
			return 54600;
		case AIS_SOG:
			return 63;
		case AIS_COG:
			return 511;
		default:
			break;
		}
	}
	return fields[field].na;
}
