#include "ingest/marine/nmea.h"

#include "engine/core/clock.h"

#define DAY_MS 86400000

static const char *const names[NMEA_SENTENCE_COUNT] = {
#define X(NAME) #NAME,
	NMEA_SENTENCE_TABLE(X)
#undef X
};

const char *nmea_sentence_name(enum nmea_sentence kind)
{
	return names[kind];
}

struct nmea_fix nmea_fix_none(void)
{
	return (struct nmea_fix){.time_ms = NMEA_TIME_UNKNOWN,
				 .day = NMEA_DAY_UNKNOWN,
				 .speed_mkn = NMEA_UNKNOWN,
				 .course_cdeg = NMEA_UNKNOWN,
				 .heading_cdeg = NMEA_UNKNOWN,
				 .altitude_dm = NMEA_UNKNOWN,
				 .hdop_centi = NMEA_UNKNOWN,
				 .satellites = NMEA_UNKNOWN,
				 .quality = NMEA_UNKNOWN};
}

/* --- fields --- */

static unsigned two(const uint8_t *at)
{
	unsigned tens = (unsigned)at[0] - '0', ones = (unsigned)at[1] - '0';
	return tens > 9 || ones > 9 ? 100 : tens * 10 + ones;
}

enum status nmea_time(struct span value, bool short_form, int32_t *out_ms)
{
	int64_t fraction = 0;
	if (value.size == 0)
		return STATUS_EMPTY;
	bool brief = short_form && value.size == 4;
	if (value.size < 6 && !brief)
		return STATUS_BAD_TIME;
	unsigned hour = two(value.data), minute = two(value.data + 2), second = brief ? 0 : two(value.data + 4);
	if (hour > 23 || minute > 59 || second > 60) /* 60: a leap second */
		return STATUS_BAD_TIME;
	if (value.size > 6) {
		struct span rest = span_of(value.data + 6, value.size - 6);
		if (rest.data[0] != '.')
			return STATUS_BAD_TIME;
		if (rest.size > 1 && sentence_decimal(rest, 4, &fraction))
			return STATUS_BAD_TIME;
	}
	*out_ms = (int32_t)((hour * 60 + minute) * 60 + second) * 1000 + (int32_t)(fraction / 10);
	return STATUS_OK;
}

/* `degree_digits` of degrees, two of whole minutes, the rest their fraction. */
static enum status angle(struct span value, unsigned degree_digits, unsigned degrees_max, bool no_point, int32_t *out)
{
	int64_t minutes_e9;
	const uint8_t *point = memchr(value.data, '.', value.size);
	size_t whole = point ? (size_t)(point - value.data) : value.size;
	char joined[24];
	uint32_t degrees = 0;
	if (!point && no_point && value.size > degree_digits + 2) {
		whole = degree_digits + 2;
		if (value.size + 1 > sizeof joined)
			return STATUS_MALFORMED;
		memcpy(joined, value.data, whole);
		joined[whole] = '.';
		memcpy(joined + whole + 1, value.data + whole, value.size - whole);
		value = span_of(joined, value.size + 1);
	}
	if (whole < 3 || whole > degree_digits + 2)
		return STATUS_MALFORMED;
	if (sentence_digits(span_of(value.data, whole - 2), &degrees) || value.data[whole - 2] < '0' ||
	    value.data[whole - 2] > '9' ||
	    sentence_decimal(span_of(value.data + whole - 2, value.size - whole + 2), 9, &minutes_e9))
		return STATUS_MALFORMED;
	if (minutes_e9 >= INT64_C(60000000000) || degrees > degrees_max || (degrees == degrees_max && minutes_e9 > 0))
		return STATUS_OUT_OF_RANGE;
	*out = (int32_t)(degrees * 10000000) + (int32_t)((minutes_e9 + 3000) / 6000); /* 1e-7 degree is 6e-6 minute */
	return STATUS_OK;
}

static enum status signed_angle(struct span value, struct span letter, const char *letters, unsigned degree_digits,
				bool no_point, int32_t *out_e7)
{
	int32_t e7;
	if (value.size == 0)
		return letter.size == 0 || letter.size == 1 ? STATUS_EMPTY : STATUS_MALFORMED;
	enum status status = angle(value, degree_digits, degree_digits == 2 ? 90 : 180, no_point, &e7);
	if (status)
		return status;
	char said = letter.size == 1 ? (char)letter.data[0] : '\0';
	if (!said || (said != letters[0] && said != letters[1]))
		return STATUS_OUT_OF_RANGE;
	*out_e7 = said == letters[1] ? -e7 : e7;
	return STATUS_OK;
}

enum status nmea_lat(struct span value, struct span letter, bool no_point, int32_t *out_e7)
{
	return signed_angle(value, letter, "NS", 2, no_point, out_e7);
}

enum status nmea_lon(struct span value, struct span letter, bool no_point, int32_t *out_e7)
{
	return signed_angle(value, letter, "EW", 3, no_point, out_e7);
}

/* A number into 32 bits; empty leaves it unknown. */
static enum status number(struct span field, unsigned decimals, int64_t least, int64_t most, int32_t *out)
{
	int64_t v;
	enum status status = sentence_decimal(field, decimals, &v);
	if (status)
		return status == STATUS_EMPTY ? STATUS_OK : status;
	if (v < least || v > most)
		return STATUS_OUT_OF_RANGE;
	*out = (int32_t)v;
	return STATUS_OK;
}

static enum status course(struct span field, int32_t *out)
{
	enum status status = number(field, 2, 0, 36000, out);
	if (!status && *out == 36000)
		*out = 0;
	return status;
}

static enum status position(const struct sentence *s, unsigned first, struct nmea_fix *out)
{
	enum status lat = nmea_lat(sentence_field(s, first), sentence_field(s, first + 1), false, &out->lat_e7);
	enum status lon = nmea_lon(sentence_field(s, first + 2), sentence_field(s, first + 3), false, &out->lon_e7);
	out->has_position = !lat && !lon;
	if (out->has_position)
		return STATUS_OK;
	out->lat_e7 = out->lon_e7 = 0;
	/* receivers without a fix write what they like */
	if (out->valid == NMEA_VALID_NO || lat == STATUS_EMPTY || lon == STATUS_EMPTY)
		return STATUS_OK;
	return lat ? lat : lon;
}

static enum status optional_time(struct span field, int32_t *out)
{
	enum status status = nmea_time(field, false, out);
	return status == STATUS_EMPTY ? STATUS_OK : status;
}

static enum status day_of(uint32_t year, uint32_t month, uint32_t day, int32_t *out)
{
	struct civil c = {(int32_t)year, (uint8_t)month, (uint8_t)day, 0, 0, 0, 0}, back;
	if (month < 1 || month > 12 || day < 1 || day > 31)
		return STATUS_BAD_TIME;
	int64_t ms = civil_to_ms(&c);
	civil_from_ms(ms, &back);
	if (back.day != day)
		return STATUS_BAD_TIME;
	*out = (int32_t)(ms >= 0 ? ms / DAY_MS : -((-ms + DAY_MS - 1) / DAY_MS));
	return STATUS_OK;
}

/* ddmmyy: 80..99 are of the century before (the sheet of every receiver maker). */
static enum status date(struct span field, int32_t *out)
{
	if (field.size == 0)
		return STATUS_OK;
	if (field.size != 6)
		return STATUS_BAD_TIME;
	unsigned day = two(field.data), month = two(field.data + 2), year = two(field.data + 4);
	if (day > 99 || month > 99 || year > 99)
		return STATUS_BAD_TIME;
	return day_of(year >= 80 ? 1900 + year : 2000 + year, month, day, out);
}

/* --- validity --- */

/* NMEA 0183 mode letters; manufacturers' own are unsaid. */
static enum nmea_valid valid_of_mode(uint8_t mode)
{
	switch (mode) {
	case 'A':
	case 'D':
	case 'F':
	case 'P':
	case 'R':
		return NMEA_VALID_YES;
	case 'E':
	case 'M':
	case 'S':
		return NMEA_VALID_GUESSED;
	case 'N':
		return NMEA_VALID_NO;
	default:
		return NMEA_VALID_UNSAID;
	}
}

static void say_valid(struct nmea_fix *out, enum nmea_valid v)
{
	if (v != NMEA_VALID_UNSAID && (out->valid == NMEA_VALID_UNSAID || v < out->valid))
		out->valid = (uint8_t)v;
}

static void mode_of(struct span field, struct nmea_fix *out)
{
	if (field.size != 1)
		return;
	out->mode = field.data[0];
	say_valid(out, valid_of_mode(out->mode));
}

static enum status status_letter(struct span field, struct nmea_fix *out)
{
	if (field.size == 0)
		return STATUS_OK;
	if (field.size != 1)
		return STATUS_OUT_OF_RANGE;
	say_valid(out, field.data[0] == 'A' ? NMEA_VALID_YES : NMEA_VALID_NO);
	return STATUS_OK;
}

/* GNS: a letter for each system; one that has a fix is a fix. */
static void modes_of(struct span field, struct nmea_fix *out)
{
	enum nmea_valid best = NMEA_VALID_UNSAID;
	for (size_t i = 0; i < field.size; i++) {
		enum nmea_valid v = valid_of_mode(field.data[i]);
		if (v > best) {
			best = v;
			out->mode = field.data[i];
		}
	}
	say_valid(out, best);
}

/* --- sentences --- */

static enum status parse_rmc(const struct sentence *s, struct nmea_fix *out)
{
	if (s->count < 9)
		return STATUS_BAD_LENGTH;
	enum status status = optional_time(s->fields[0], &out->time_ms);
	if (!status)
		status = status_letter(s->fields[1], out);
	if (!status)
		status = position(s, 2, out);
	if (!status)
		status = number(s->fields[6], 3, 0, 10000000, &out->speed_mkn);
	if (!status)
		status = course(s->fields[7], &out->course_cdeg);
	if (!status)
		status = date(s->fields[8], &out->day);
	mode_of(sentence_field(s, 11), out);
	struct span safety = sentence_field(s, 12);
	out->safety = safety.size == 1 ? safety.data[0] : 0;
	return status;
}

static enum status parse_gga(const struct sentence *s, struct nmea_fix *out)
{
	static const uint8_t by_quality[] = {NMEA_VALID_NO,      NMEA_VALID_YES,     NMEA_VALID_YES,
					     NMEA_VALID_YES,     NMEA_VALID_YES,     NMEA_VALID_YES,
					     NMEA_VALID_GUESSED, NMEA_VALID_GUESSED, NMEA_VALID_GUESSED};
	if (s->count < 9)
		return STATUS_BAD_LENGTH;
	enum status status = number(s->fields[5], 0, 0, 9, &out->quality);
	if (out->quality >= 0 && out->quality < (int32_t)sizeof by_quality)
		say_valid(out, (enum nmea_valid)by_quality[out->quality]);
	if (!status)
		status = optional_time(s->fields[0], &out->time_ms);
	if (!status)
		status = position(s, 1, out);
	if (!status)
		status = number(s->fields[6], 0, 0, 999, &out->satellites);
	if (!status)
		status = number(s->fields[7], 2, 0, 1000000, &out->hdop_centi);
	if (!status)
		status = number(s->fields[8], 1, -1000000, 1000000, &out->altitude_dm);
	return status;
}

static enum status parse_gll(const struct sentence *s, struct nmea_fix *out)
{
	if (s->count < 4)
		return STATUS_BAD_LENGTH;
	enum status status = status_letter(sentence_field(s, 5), out);
	mode_of(sentence_field(s, 6), out);
	if (!status)
		status = position(s, 0, out);
	return status ? status : optional_time(sentence_field(s, 4), &out->time_ms);
}

/* With unit letters, or in the old form four bare numbers: true, magnetic, knots, km/h. */
static enum status parse_vtg(const struct sentence *s, struct nmea_fix *out)
{
	if (s->count < 4)
		return STATUS_BAD_LENGTH;
	bool bare = s->count < 8 && (s->fields[1].size != 1 || s->fields[1].data[0] != 'T');
	enum status status = course(s->fields[0], &out->course_cdeg);
	if (!status)
		status = number(sentence_field(s, bare ? 2 : 4), 3, 0, 10000000, &out->speed_mkn);
	if (!bare)
		mode_of(sentence_field(s, 8), out);
	return status;
}

static enum status parse_zda(const struct sentence *s, struct nmea_fix *out)
{
	uint32_t day, month, year;
	if (s->count < 4)
		return STATUS_BAD_LENGTH;
	enum status status = optional_time(s->fields[0], &out->time_ms);
	if (status || s->fields[1].size == 0 || s->fields[2].size == 0 || s->fields[3].size == 0)
		return status;
	if (sentence_digits(s->fields[1], &day) || sentence_digits(s->fields[2], &month) ||
	    sentence_digits(s->fields[3], &year) || year < 1980 || year > 9999 || month > 12 || day > 31)
		return STATUS_BAD_TIME;
	return day_of(year, month, day, &out->day);
}

static enum status parse_gns(const struct sentence *s, struct nmea_fix *out)
{
	if (s->count < 9)
		return STATUS_BAD_LENGTH;
	modes_of(s->fields[5], out);
	enum status status = optional_time(s->fields[0], &out->time_ms);
	if (!status)
		status = position(s, 1, out);
	if (!status)
		status = number(s->fields[6], 0, 0, 999, &out->satellites);
	if (!status)
		status = number(s->fields[7], 2, 0, 1000000, &out->hdop_centi);
	if (!status)
		status = number(s->fields[8], 1, -1000000, 1000000, &out->altitude_dm);
	return status;
}

static enum status parse_hdt(const struct sentence *s, struct nmea_fix *out)
{
	return course(sentence_field(s, 0), &out->heading_cdeg);
}

enum status nmea_parse(const struct sentence *s, struct nmea_fix *out)
{
	static enum status (*const parsers[NMEA_SENTENCE_COUNT])(const struct sentence *, struct nmea_fix *) = {
		[NMEA_RMC] = parse_rmc, [NMEA_GGA] = parse_gga, [NMEA_GLL] = parse_gll, [NMEA_VTG] = parse_vtg,
		[NMEA_ZDA] = parse_zda, [NMEA_GNS] = parse_gns, [NMEA_HDT] = parse_hdt,
	};
	if (s->start != '$' || s->address.size != 5 || s->address.data[0] == 'P')
		return STATUS_UNSUPPORTED;
	for (unsigned k = 0; k < NMEA_SENTENCE_COUNT; k++)
		if (sentence_is(s, names[k])) {
			*out = nmea_fix_none();
			out->kinds = (uint16_t)(1u << k);
			return parsers[k](s, out);
		}
	return STATUS_UNSUPPORTED;
}

/* --- epochs --- */

void nmea_joiner_init(struct nmea_joiner *j, struct nmea_options options)
{
	j->options = options;
	j->day = NMEA_DAY_UNKNOWN;
	j->time_ms = NMEA_TIME_UNKNOWN;
	j->open.fix = nmea_fix_none();
	j->open.size = 0;
}

static void take_known(int32_t *into, int32_t value)
{
	if (*into == NMEA_UNKNOWN)
		*into = value;
}

/* What was said first stays; of the validity the worst. */
static void join(struct nmea_fix *into, const struct nmea_fix *f)
{
	if (into->time_ms == NMEA_TIME_UNKNOWN)
		into->time_ms = f->time_ms;
	if (into->day == NMEA_DAY_UNKNOWN)
		into->day = f->day;
	if (!into->has_position && f->has_position) {
		into->has_position = true;
		into->lat_e7 = f->lat_e7;
		into->lon_e7 = f->lon_e7;
	}
	take_known(&into->speed_mkn, f->speed_mkn);
	take_known(&into->course_cdeg, f->course_cdeg);
	take_known(&into->heading_cdeg, f->heading_cdeg);
	take_known(&into->altitude_dm, f->altitude_dm);
	take_known(&into->hdop_centi, f->hdop_centi);
	take_known(&into->satellites, f->satellites);
	take_known(&into->quality, f->quality);
	say_valid(into, (enum nmea_valid)f->valid);
	into->mode = into->mode ? into->mode : f->mode;
	into->safety = into->safety ? into->safety : f->safety;
	into->kinds |= f->kinds;
}

/* Give the epoch its day, and remember it for those that come without one. */
static bool close_epoch(struct nmea_joiner *j, struct nmea_epoch *out)
{
	struct nmea_fix *f = &j->open.fix;
	bool has_time = f->time_ms != NMEA_TIME_UNKNOWN;
	if (has_time && f->day == NMEA_DAY_UNKNOWN && j->day != NMEA_DAY_UNKNOWN)
		f->day = j->day + (f->time_ms + DAY_MS / 2 < j->time_ms);
	if (has_time && f->day != NMEA_DAY_UNKNOWN) {
		j->day = f->day;
		j->time_ms = f->time_ms;
	}
	if (has_time)
		*out = j->open;
	j->open.fix = nmea_fix_none();
	j->open.size = 0;
	j->open.overlong = false;
	return has_time;
}

static void keep_text(struct nmea_epoch *e, struct span text)
{
	if (e->size + text.size + 2 > sizeof e->text) {
		e->overlong = true;
		return;
	}
	memcpy(e->text + e->size, text.data, text.size);
	memcpy(e->text + e->size + text.size, "\r\n", 2);
	e->size = (uint16_t)(e->size + text.size + 2);
}

bool nmea_joiner_add(struct nmea_joiner *j, const struct sentence *s, const struct nmea_fix *fix, int64_t received_ms,
		     struct nmea_epoch *out)
{
	const struct nmea_fix *open = &j->open.fix;
	bool other_time = open->time_ms != NMEA_TIME_UNKNOWN && fix->time_ms != NMEA_TIME_UNKNOWN &&
			  open->time_ms != fix->time_ms;
	bool told = false;
	if (open->kinds && (other_time || open->kinds & fix->kinds))
		told = close_epoch(j, out);
	if (!j->open.fix.kinds)
		j->open.received_ms = received_ms;
	join(&j->open.fix, fix);
	keep_text(&j->open, s->text);
	return told;
}

bool nmea_joiner_flush(struct nmea_joiner *j, struct nmea_epoch *out)
{
	return j->open.fix.kinds && close_epoch(j, out);
}

int64_t nmea_instant(int32_t day, int32_t time_ms, int64_t received_ms)
{
	if (day != NMEA_DAY_UNKNOWN)
		return (int64_t)day * DAY_MS + time_ms;
	int64_t past_midnight = received_ms % DAY_MS;
	past_midnight += past_midnight < 0 ? DAY_MS : 0;
	int64_t at = received_ms - past_midnight + time_ms;
	if (at - received_ms > DAY_MS / 2)
		return at - DAY_MS;
	return received_ms - at > DAY_MS / 2 ? at + DAY_MS : at;
}

static int64_t distance(int64_t a, int64_t b)
{
	return a < b ? b - a : a - b;
}

int64_t nmea_epoch_time_ms(const struct nmea_epoch *e, const struct nmea_options *options, bool *out_far)
{
	int64_t at = nmea_instant(e->fix.day, e->fix.time_ms, e->received_ms);
	int64_t moved = at + INT64_C(86400000) * NMEA_ROLLOVER_DAYS;
	*out_far = distance(at, e->received_ms) > NMEA_FAR_MS;
	if (options->shift_rollover && distance(moved, e->received_ms) < distance(at, e->received_ms))
		at = moved;
	return at;
}
