#include "ingest/files/columns_csv.h"

#include <stdarg.h>
#include <stdio.h>

#include "ingest/files/text_encoding.h"

/* A complaint that finds no room is cut, the status still tells. */
static enum status complain(struct buf *complaint, enum status status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static enum status complain(struct buf *complaint, enum status status, const char *format, ...)
{
	char text[512];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	enum status appended = buf_append(complaint, text, strlen(text));
	return appended ? appended : status;
}

struct unit_name {
	enum track_field field;
	const char *name;
	struct number_unit unit;
};

/* the first of a field is its default */
static const struct unit_name units[] = {
	{TRACK_FIELD_LAT, "deg", NUMBER_DEGREES},   {TRACK_FIELD_LAT, "e6", NUMBER_E6},
	{TRACK_FIELD_LAT, "e7", NUMBER_AS_IS},      {TRACK_FIELD_LON, "deg", NUMBER_DEGREES},
	{TRACK_FIELD_LON, "e6", NUMBER_E6},         {TRACK_FIELD_LON, "e7", NUMBER_AS_IS},
	{TRACK_FIELD_SPEED, "kmh", NUMBER_TENTHS},  {TRACK_FIELD_SPEED, "dkmh", NUMBER_AS_IS},
	{TRACK_FIELD_SPEED, "mps", NUMBER_MPS},     {TRACK_FIELD_SPEED, "knots", NUMBER_KNOTS},
	{TRACK_FIELD_COURSE, "deg", NUMBER_AS_IS},  {TRACK_FIELD_ALTITUDE, "m", NUMBER_AS_IS},
	{TRACK_FIELD_MILEAGE, "km", NUMBER_TENTHS}, {TRACK_FIELD_MILEAGE, "hm", NUMBER_AS_IS},
	{TRACK_FIELD_MILEAGE, "m", NUMBER_METRES},
};

static bool field_has_time(enum track_field field)
{
	return field == TRACK_FIELD_TIME || field == TRACK_FIELD_RECEIVED;
}

static bool unit_find(enum track_field field, struct span name, struct column_choice *choice)
{
	if (field_has_time(field))
		return time_form_parse(name, &choice->form) == STATUS_OK;
	for (size_t i = 0; i < sizeof units / sizeof *units; i++)
		if (units[i].field == field && (!name.size || span_equal(name, span_of_string(units[i].name)))) {
			choice->unit = units[i].unit;
			return true;
		}
	return false;
}

static bool field_find(struct span name, enum track_field *out)
{
	for (unsigned i = TRACK_FIELD_DEVICE; i < TRACK_FIELD_COUNT; i++)
		if (span_equal(name, span_of_string(track_field_name((enum track_field)i)))) {
			*out = (enum track_field)i;
			return true;
		}
	return false;
}

static void choices_default(struct columns *c)
{
	*c = (struct columns){.count = 0};
	for (unsigned i = 0; i < TRACK_FIELD_COUNT; i++) {
		struct column_choice *choice = &c->choice[i];
		c->column[i] = COLUMN_NONE;
		choice->position = COLUMN_NONE;
		choice->form = TIME_FORM_AUTO;
		choice->unit = NUMBER_AS_IS;
		snprintf(choice->name, sizeof choice->name, "%s", track_field_name((enum track_field)i));
		if (!field_has_time((enum track_field)i))
			unit_find((enum track_field)i, span_of(NULL, 0), choice);
	}
}

/* The part of `text` before the first `separator`, and what follows it. */
static struct span cut_first(struct span text, uint8_t separator, struct span *rest)
{
	const uint8_t *at = text.size ? memchr(text.data, separator, text.size) : NULL;
	if (!at) {
		*rest = span_of(text.data + text.size, 0);
		return text;
	}
	size_t size = (size_t)(at - text.data);
	*rest = span_of(at + 1, text.size - size - 1);
	return span_of(text.data, size);
}

static bool position_parse(struct span text, uint16_t *out)
{
	uint32_t position;
	if (text.size < 2 || text.data[0] != '#' || number_word(span_of(text.data + 1, text.size - 1), &position) ||
	    position < 1 || position > CSV_FIELDS_MAX)
		return false;
	*out = (uint16_t)(position - 1);
	return true;
}

/* One "field=column:unit". */
static enum status choice_parse(struct span text, struct columns *out, struct buf *complaint)
{
	struct span source, unit, field_name = cut_first(text, '=', &source);
	enum track_field field;
	if (field_name.size == text.size || !field_find(field_name, &field))
		return complain(complaint, STATUS_INVALID, "columns: \"%.*s\" names no field", (int)text.size,
				(const char *)text.data);
	struct column_choice *choice = &out->choice[field];
	if (choice->named)
		return complain(complaint, STATUS_INVALID, "columns: %s is given twice", track_field_name(field));
	choice->named = true;
	choice->left_out = source.size == 0;
	struct span name = cut_first(source, ':', &unit);
	if (name.size != source.size && !unit_find(field, unit, choice))
		return complain(complaint, STATUS_INVALID, "columns: %s has no unit \"%.*s\"", track_field_name(field),
				(int)unit.size, (const char *)unit.data);
	if (!name.size)
		return STATUS_OK;
	if (name.data[0] == '#' && !position_parse(name, &choice->position))
		return complain(complaint, STATUS_INVALID, "columns: \"%.*s\" is no column number from 1 to %d",
				(int)name.size, (const char *)name.data, CSV_FIELDS_MAX);
	if (name.size >= sizeof choice->name)
		return complain(complaint, STATUS_INVALID, "columns: the column name of %s is too long",
				track_field_name(field));
	memcpy(choice->name, name.data, name.size);
	choice->name[name.size] = '\0';
	return STATUS_OK;
}

enum status columns_parse(struct span mapping, struct columns *out, struct buf *complaint)
{
	choices_default(out);
	while (mapping.size) {
		struct span one = cut_first(mapping, ',', &mapping);
		enum status status = choice_parse(one, out, complaint);
		if (status)
			return status;
	}
	return STATUS_OK;
}

static struct span trimmed(struct span text)
{
	while (text.size && text.data[0] == ' ')
		text = span_of(text.data + 1, text.size - 1);
	while (text.size && text.data[text.size - 1] == ' ')
		text.size--;
	return text;
}

static enum status header_find(const struct csv_row *header, const struct column_choice *choice, uint16_t *out,
			       struct buf *complaint)
{
	for (size_t i = 0; i < header->fields; i++) {
		struct buf name = buf_init(4 * CSV_ROW_MAX);
		enum status status = text_to_utf8(trimmed(csv_field(header, i)), &name);
		bool same = !status && span_equal(buf_view(&name), span_of_string(choice->name));
		buf_deinit(&name);
		if (same && *out != COLUMN_NONE)
			return complain(complaint, STATUS_MALFORMED, "the header has the column \"%s\" twice",
					choice->name);
		if (same)
			*out = (uint16_t)i;
	}
	return STATUS_OK;
}

static bool is_required(enum track_field field, bool device_given)
{
	return field == TRACK_FIELD_TIME || field == TRACK_FIELD_LAT || field == TRACK_FIELD_LON ||
	       (field == TRACK_FIELD_DEVICE && !device_given);
}

static enum status bind_one(struct columns *c, enum track_field field, const struct csv_row *header, bool device_given,
			    struct buf *complaint)
{
	const struct column_choice *choice = &c->choice[field];
	if (choice->left_out || (field == TRACK_FIELD_DEVICE && device_given))
		goto check;
	c->column[field] = choice->position;
	if (header && choice->position == COLUMN_NONE) {
		enum status status = header_find(header, choice, &c->column[field], complaint);
		if (status)
			return status;
	}
	if (header && choice->position != COLUMN_NONE && choice->position >= header->fields)
		return complain(complaint, STATUS_NOT_FOUND, "%s is mapped to column %s, the header has %zu",
				track_field_name(field), choice->name, header->fields);
check:
	if (c->column[field] == COLUMN_NONE && (choice->named || is_required(field, device_given)) &&
	    !(choice->left_out && !is_required(field, device_given)))
		return complain(complaint, STATUS_NOT_FOUND, "there is no column \"%s\" for %s%s", choice->name,
				track_field_name(field),
				header ? "" : ": without a header columns are given as #1, #2 ...");
	return STATUS_OK;
}

enum status columns_bind(struct columns *c, const struct csv_row *header, bool device_given, struct buf *complaint)
{
	c->count = header ? header->fields : 0;
	for (unsigned i = TRACK_FIELD_DEVICE; i < TRACK_FIELD_COUNT; i++) {
		enum status status = bind_one(c, (enum track_field)i, header, device_given, complaint);
		if (status)
			return status;
	}
	return STATUS_OK;
}
