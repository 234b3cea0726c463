/* ais_names.c -- what codes are called, and who a number belongs to (ITU-R M.1371-5; M.585-9 for the numbers). */
#include "ingest/marine/ais.h"

const char *ais_status_name(unsigned code)
{
	static const char *const names[] = {"under way using engine",
					    "at anchor",
					    "not under command",
					    "restricted manoeuvrability",
					    "constrained by draught",
					    "moored",
					    "aground",
					    "engaged in fishing",
					    "under way sailing",
					    NULL,
					    NULL,
					    "towing astern",
					    "pushing ahead or towing alongside",
					    NULL,
					    "SART, MOB or EPIRB active"};
	return code < sizeof names / sizeof *names ? names[code] : NULL;
}

const char *ais_shiptype_name(unsigned code)
{
	static const char *const thirties[] = {
		"fishing",  "towing",  "towing, long or wide", "dredging or underwater", "diving",
		"military", "sailing", "pleasure craft"};
	static const char *const fifties[] = {"pilot",          "search and rescue", "tug",   "port tender",
					      "anti-pollution", "law enforcement",   "local", "local",
					      "medical",        "noncombatant"};
	static const char *const tens[] = {NULL, NULL,        "wing in ground", NULL,     "high-speed craft",
					   NULL, "passenger", "cargo",          "tanker", "other"};
	if (code >= 30 && code <= 37)
		return thirties[code - 30];
	if (code >= 50 && code <= 59)
		return fifties[code - 50];
	return code < 100 ? tens[code / 10] : NULL;
}

const char *ais_epfd_name(unsigned code)
{
	static const char *const names[] = {NULL,     "GPS",        "GLONASS",  "GPS and GLONASS", "Loran-C",
					    "Chayka", "integrated", "surveyed", "Galileo"};
	if (code == 15)
		return "internal";
	return code < sizeof names / sizeof *names ? names[code] : NULL;
}

const char *ais_aid_name(unsigned code)
{
	static const char *const names[] = {NULL,
					    "reference point",
					    "RACON",
					    "fixed structure",
					    "emergency wreck mark",
					    "light without sectors",
					    "light with sectors",
					    "leading light, front",
					    "leading light, rear",
					    "beacon, cardinal north",
					    "beacon, cardinal east",
					    "beacon, cardinal south",
					    "beacon, cardinal west",
					    "beacon, port hand",
					    "beacon, starboard hand",
					    "beacon, preferred channel port hand",
					    "beacon, preferred channel starboard hand",
					    "beacon, isolated danger",
					    "beacon, safe water",
					    "beacon, special mark",
					    "cardinal mark north",
					    "cardinal mark east",
					    "cardinal mark south",
					    "cardinal mark west",
					    "port hand mark",
					    "starboard hand mark",
					    "preferred channel port hand",
					    "preferred channel starboard hand",
					    "isolated danger",
					    "safe water",
					    "special mark",
					    "light vessel, buoy or rig"};
	return code < sizeof names / sizeof *names ? names[code] : NULL;
}

/* --- numbers --- */

static bool is_country(uint32_t three)
{
	return three >= 201 && three <= 775;
}

enum mmsi_form mmsi_form(uint32_t mmsi)
{
	uint32_t three = mmsi / 1000000;
	if (mmsi == 0 || mmsi > 999999999)
		return MMSI_FORM_INVALID;
	if (is_country(three))
		return MMSI_FORM_SHIP;
	if (mmsi < 10000000) /* 00MIDxxxx */
		return is_country(mmsi / 10000) ? MMSI_FORM_COAST : MMSI_FORM_INVALID;
	if (mmsi < 100000000) /* 0MIDxxxxx */
		return is_country(mmsi / 100000) ? MMSI_FORM_GROUP : MMSI_FORM_INVALID;
	switch (three) {
	case 111:
		return is_country(mmsi / 1000 % 1000) ? MMSI_FORM_SAR_AIRCRAFT : MMSI_FORM_INVALID;
	case 970:
		return MMSI_FORM_SART;
	case 972:
		return MMSI_FORM_MOB;
	case 974:
		return MMSI_FORM_EPIRB;
	case 979:
		return MMSI_FORM_AMRD;
	default:
		break;
	}
	if (three / 100 == 8)
		return is_country(mmsi / 100000 % 1000) ? MMSI_FORM_HANDHELD : MMSI_FORM_INVALID;
	if (three / 10 == 98 || three / 10 == 99) {
		bool country = is_country(mmsi / 10000 % 1000);
		return !country ? MMSI_FORM_INVALID : three / 10 == 98 ? MMSI_FORM_CRAFT : MMSI_FORM_AID;
	}
	return MMSI_FORM_INVALID;
}

unsigned mmsi_country(uint32_t mmsi)
{
	switch (mmsi_form(mmsi)) {
	case MMSI_FORM_SHIP:
		return mmsi / 1000000;
	case MMSI_FORM_COAST:
	case MMSI_FORM_CRAFT:
	case MMSI_FORM_AID:
		return mmsi / 10000 % 1000;
	case MMSI_FORM_GROUP:
	case MMSI_FORM_HANDHELD:
		return mmsi / 100000 % 1000;
	case MMSI_FORM_SAR_AIRCRAFT:
		return mmsi / 1000 % 1000;
	default:
		return 0;
	}
}

bool mmsi_is_junk(uint32_t mmsi)
{
	static const uint32_t junk[] = {0, 111111111, 123456789, 412000000, 413000000, 414000000, 999999999, 1193046};
	for (size_t i = 0; i < sizeof junk / sizeof *junk; i++)
		if (mmsi == junk[i])
			return true;
	return false;
}

const char *mmsi_form_token(enum mmsi_form form)
{
	static const char *const tokens[MMSI_FORM_COUNT] = {
#define X(NAME, token, chinese) token,
		MMSI_FORM_TABLE(X)
#undef X
	};
	return tokens[form];
}
