#include "query/cli/table_out.h"

#include <string.h>

#include "engine/core/clock.h"
#include "engine/core/utf8.h"

#define CELL_MAX 1100
#define PATH_MAX_BYTES 160
#define PATH_COLUMNS 28

/* --- width --- */

/* The ranges of UAX #11 (Unicode 15) that are wide or full width, as far as names and places use them. */
static bool is_wide(uint32_t c)
{
	static const struct {
		uint32_t from, to;
	} wide[] = {{0x1100, 0x115f}, {0x2e80, 0x303e}, {0x3041, 0xa4cf}, {0xac00, 0xd7a3},  {0xf900, 0xfaff},
		    {0xfe30, 0xfe6f}, {0xff00, 0xff60}, {0xffe0, 0xffe6}, {0x20000, 0x3fffd}};
	for (size_t i = 0; i < sizeof wide / sizeof wide[0]; i++)
		if (c >= wide[i].from && c <= wide[i].to)
			return true;
	return false;
}

static uint32_t code_point(const uint8_t *p, size_t n)
{
	static const uint8_t masks[5] = {0, 0x7f, 0x1f, 0x0f, 0x07};
	uint32_t c = p[0] & masks[n];
	for (size_t i = 1; i < n; i++)
		c = c << 6 | (p[i] & 0x3f);
	return c;
}

size_t text_columns(struct span text)
{
	size_t columns = 0;
	while (text.size) {
		size_t n = utf8_sequence(text);
		columns += n && is_wide(code_point(text.data, n)) ? 2 : 1;
		n = n ? n : 1;
		text = span_of(text.data + n, text.size - n);
	}
	return columns;
}

/* --- cells --- */

/* No control character reaches the terminal. */
static void put_clean(FILE *out, const char *text)
{
	for (; *text; text++)
		fputc((unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text, out);
}

static void put_cell(FILE *out, const char *text, unsigned width, bool last)
{
	size_t columns = text_columns(span_of_string(text));
	put_clean(out, text);
	if (!last)
		fprintf(out, "%*s", columns + 2 < width ? (int)(width - columns) : 2, "");
}

static bool ends_in(const char *text, const char *end)
{
	size_t size = strlen(text), tail = strlen(end);
	return size >= tail && !strcmp(text + size - tail, end);
}

static void value_text(const char *member, const json_t *v, char out[CELL_MAX])
{
	char time[TIME_TEXT_MAX];
	*out = '\0';
	if (json_is_string(v)) {
		snprintf(out, CELL_MAX, "%s", json_string_value(v));
	} else if (json_is_integer(v) && ends_in(member, "_ms")) {
		time_format(json_integer_value(v), CHINA_OFFSET_MS, time);
		snprintf(out, CELL_MAX, "%.10s %.8s", time, time + 11);
	} else if (json_is_integer(v)) {
		snprintf(out, CELL_MAX, "%lld", (long long)json_integer_value(v));
	} else if (json_is_real(v)) {
		snprintf(out, CELL_MAX, "%.7f", json_real_value(v));
	} else if (json_is_boolean(v)) {
		snprintf(out, CELL_MAX, "%s", json_is_true(v) ? "yes" : "no");
	}
}

/* The first member of "a|b" that is not null. */
static void cell_text(const char *members, const json_t *object, char out[CELL_MAX])
{
	struct span rest = span_of_string(members);
	for (*out = '\0'; rest.size && !*out;) {
		char member[64];
		const uint8_t *bar = memchr(rest.data, '|', rest.size);
		size_t size = bar ? (size_t)(bar - rest.data) : rest.size;
		snprintf(member, sizeof member, "%.*s", (int)size, (const char *)rest.data);
		rest = span_of(rest.data + size + (bar != NULL), rest.size - size - (bar != NULL));
		value_text(member, json_object_get(object, member), out);
	}
}

void table_title(FILE *out, const struct table_column *columns, size_t count)
{
	for (size_t i = 0; i < count; i++)
		put_cell(out, columns[i].title, columns[i].width, i + 1 == count);
	fputc('\n', out);
}

void table_row(FILE *out, const struct table_column *columns, size_t count, const json_t *object)
{
	char text[CELL_MAX];
	for (size_t i = 0; i < count; i++) {
		cell_text(columns[i].member, object, text);
		put_cell(out, *text ? text : "-", columns[i].width, i + 1 == count);
	}
	fputc('\n', out);
}

/* --- one object --- */

static void put_members(FILE *out, const char *path, const json_t *v)
{
	char deeper[PATH_MAX_BYTES], text[CELL_MAX];
	const char *key;
	json_t *one;
	size_t i;
	if (json_is_object(v)) {
		json_object_foreach((json_t *)v, key, one)
		{
			snprintf(deeper, sizeof deeper, "%.100s%s%.50s", path, *path ? "." : "", key);
			put_members(out, deeper, one);
		}
	} else if (json_is_array(v)) {
		json_array_foreach(v, i, one)
		{
			snprintf(deeper, sizeof deeper, "%.100s.%zu", path, i + 1);
			put_members(out, deeper, one);
		}
	} else if (!json_is_null(v)) {
		value_text(path, v, text);
		put_cell(out, path, PATH_COLUMNS, false);
		put_clean(out, text);
		fputc('\n', out);
	}
}

void table_members(FILE *out, const json_t *object)
{
	put_members(out, "", object);
}
