#include <criterion/criterion.h>

#include "ingest/marine/ais.h"

static struct ais_message message(uint8_t type, enum ais_field field, int32_t value)
{
	struct ais_message m = {.type = type, .known = true};
	ais_set(&m, field, value);
	return m;
}

Test(ais_units, not_available_is_never_a_number)
{
	uint16_t u;
	int16_t turn;
	bool limit;
	uint8_t second;
	struct ais_message m;
	m = message(1, AIS_SOG, 1023);
	cr_assert_not(ais_sog_dkn(&m, &u));
	m = message(1, AIS_SOG, 1022);
	cr_assert(ais_sog_dkn(&m, &u) && u == 1022);
	m = message(1, AIS_SOG, 0);
	cr_assert(ais_sog_dkn(&m, &u) && u == 0);
	m = message(27, AIS_SOG, 63);
	cr_assert_not(ais_sog_dkn(&m, &u));
	m = message(27, AIS_SOG, 62);
	cr_assert(ais_sog_dkn(&m, &u) && u == 620);
	m = message(9, AIS_SOG, 100);
	cr_assert(ais_sog_dkn(&m, &u) && u == 1000);
	m = message(1, AIS_COG, 3600);
	cr_assert_not(ais_cog_ddeg(&m, &u));
	m = message(1, AIS_COG, 3601);
	cr_assert_not(ais_cog_ddeg(&m, &u));
	m = message(27, AIS_COG, 511);
	cr_assert_not(ais_cog_ddeg(&m, &u));
	m = message(27, AIS_COG, 359);
	cr_assert(ais_cog_ddeg(&m, &u) && u == 3590);
	m = message(1, AIS_HEADING, 360);
	cr_assert_not(ais_heading_deg(&m, &u));
	m = message(1, AIS_ROT, -128);
	cr_assert_not(ais_turn_ddeg_min(&m, &turn, &limit));
	m = message(1, AIS_ROT, -127);
	cr_assert(ais_turn_ddeg_min(&m, &turn, &limit) && limit && turn == -7200);
	m = message(1, AIS_SECOND, 60);
	cr_assert_not(ais_second(&m, &second));
	cr_assert_not(ais_position_untrusted(&m));
	m = message(1, AIS_SECOND, 62);
	cr_assert(ais_position_untrusted(&m));
}

Test(ais_units, positions_off_the_globe_and_null_island_are_none)
{
	static const struct {
		uint8_t type;
		int32_t lon, lat;
		bool is;
	} cases[] = {
		{1, 108600000, 54600000, false}, {1, 0, 54600000, false},    {1, 0, 0, false},
		{1, 108000001, 0, false},        {1, 108000000, 1, true},    {1, 1, -54000000, true},
		{1, 1, -54000001, false},        {27, 108600, 54600, false}, {27, 71160, 14880, true},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		int32_t lat, lon;
		struct ais_message m = message(cases[i].type, AIS_LON, cases[i].lon);
		ais_set(&m, AIS_LAT, cases[i].lat);
		cr_assert_eq(ais_position(&m, &lat, &lon), cases[i].is, "case %zu", i);
	}
	struct ais_message m = message(27, AIS_LON, 71160);
	int32_t lat, lon;
	ais_set(&m, AIS_LAT, 14880);
	cr_assert(ais_position(&m, &lat, &lon));
	cr_assert_eq(lon, 1186000000);
	cr_assert_eq(lat, 248000000);
}

Test(ais_units, numbers_tell_who_sends)
{
	static const struct {
		uint32_t mmsi;
		enum mmsi_form form;
		unsigned country;
	} cases[] = {
		{412345678, MMSI_FORM_SHIP, 412},     {4121234, MMSI_FORM_COAST, 412},
		{41212345, MMSI_FORM_GROUP, 412},     {111412123, MMSI_FORM_SAR_AIRCRAFT, 412},
		{841212345, MMSI_FORM_HANDHELD, 412}, {970123456, MMSI_FORM_SART, 0},
		{972123456, MMSI_FORM_MOB, 0},        {974123456, MMSI_FORM_EPIRB, 0},
		{979123456, MMSI_FORM_AMRD, 0},       {984121234, MMSI_FORM_CRAFT, 412},
		{994121234, MMSI_FORM_AID, 412},      {0, MMSI_FORM_INVALID, 0},
		{111111111, MMSI_FORM_INVALID, 0},    {1193046, MMSI_FORM_INVALID, 0},
		{999999999, MMSI_FORM_INVALID, 0},    {776000000, MMSI_FORM_INVALID, 0},
		{1073741823, MMSI_FORM_INVALID, 0},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		cr_assert_eq(mmsi_form(cases[i].mmsi), cases[i].form, "%u", cases[i].mmsi);
		cr_assert_eq(mmsi_country(cases[i].mmsi), cases[i].country, "%u", cases[i].mmsi);
	}
	cr_assert(mmsi_is_junk(412000000));
	cr_assert_not(mmsi_is_junk(412000001));
}
