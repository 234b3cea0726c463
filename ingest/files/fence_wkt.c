/* fence_wkt.c -- well-known text (ISO 19125-1, 7.2), alone or in lines of a table.
 *
 *   record   = [ id ";" name ";" ] geometry ( ";" key "=" value )*   up to the end of the line
 *   geometry = word [ "Z" | "M" | "ZM" ] ( "EMPTY" | levels of brackets about  x y [z [m]] , ... )
 *
 * A geometry may run over several lines. After a mistake reading goes on at the next line that begins a record: one
 * that begins with a letter and is a geometry, or has a ';' in it. */
#include "ingest/files/fence_draft.h"

#include <strings.h>

struct wkt {
	struct fence_draft *d;
	struct span left;
	uint64_t line;
};

/* --- pieces of text --- */

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_letter(uint8_t c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static void skip(struct wkt *w, size_t n)
{
	for (size_t i = 0; i < n; i++)
		w->line += w->left.data[i] == '\n';
	w->left = span_of(w->left.data + n, w->left.size - n);
}

/* The next byte that is no blank; 0 at the end. */
static uint8_t peek(struct wkt *w)
{
	size_t n = 0;
	while (n < w->left.size && is_blank(w->left.data[n]))
		n++;
	skip(w, n);
	return w->left.size ? w->left.data[0] : 0;
}

static bool take(struct wkt *w, uint8_t byte)
{
	if (peek(w) != byte)
		return false;
	skip(w, 1);
	return true;
}

/* Bytes up to one of `stops`, or all. */
static struct span until(struct span text, const char *stops)
{
	size_t n = 0;
	while (n < text.size && !(text.data[n] && strchr(stops, text.data[n])))
		n++;
	return span_of(text.data, n);
}

static struct span letters(struct span text)
{
	size_t n = 0;
	while (n < text.size && is_letter(text.data[n]))
		n++;
	return span_of(text.data, n);
}

static bool word_is(struct span word, const char *name)
{
	return word.size == strlen(name) && strncasecmp((const char *)word.data, name, word.size) == 0;
}

/* --- geometry --- */

struct geometry {
	const char *word;
	unsigned levels; /* of brackets */
	enum fence_part part;
};

static const struct geometry geometries[] = {
	{"POLYGON", 2, FENCE_PART_RING},    {"MULTIPOLYGON", 3, FENCE_PART_RING},
	{"LINESTRING", 1, FENCE_PART_LINE}, {"MULTILINESTRING", 2, FENCE_PART_LINE},
	{"POINT", 1, FENCE_PART_POINT},     {"MULTIPOINT", 1, FENCE_PART_POINT},
};
/* what is a geometry too, but not one for a fence */
static const char *const others[] = {
	"GEOMETRYCOLLECTION", "CIRCULARSTRING",    "COMPOUNDCURVE", "CURVEPOLYGON", "MULTICURVE",
	"MULTISURFACE",       "POLYHEDRALSURFACE", "TIN",           "TRIANGLE"};

static const struct geometry *geometry_of(struct span word)
{
	for (size_t i = 0; i < sizeof geometries / sizeof *geometries; i++)
		if (word_is(word, geometries[i].word))
			return &geometries[i];
	return NULL;
}

static bool is_geometry_word(struct span word)
{
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		if (word_is(word, others[i]))
			return true;
	return geometry_of(word) != NULL;
}

static void wrong(struct wkt *w, const char *reason, const char *reason_zh)
{
	w->d->refusal.line = w->d->refusal.status ? w->d->refusal.line : w->line;
	fence_draft_wrong(w->d, FENCE_FIELD_GEOMETRY, STATUS_MALFORMED, reason, reason_zh,
			  until(span_of(w->left.data, w->left.size < 32 ? w->left.size : 32), "\r\n"));
}

/* x y and up to two more. */
static enum status read_position(struct wkt *w)
{
	double v[4];
	size_t n = 0;
	for (;;) {
		peek(w);
		struct span number = until(w->left, " \t\r\n,();");
		if (number.size == 0)
			break;
		if (n == 4 || fence_number(number, &v[n++])) {
			wrong(w, "not a position", "不是坐标");
			return STATUS_OK;
		}
		skip(w, number.size);
	}
	if (n < 2) {
		wrong(w, "a position of fewer than two numbers", "坐标不足两个数");
		return STATUS_OK;
	}
	return fence_draft_position(w->d, v[0], v[1]);
}

/* "( x y, x y )"; MULTIPOINT's positions may have brackets of their own, and each is a part. */
static enum status read_part(struct wkt *w, enum fence_part part)
{
	enum status status = STATUS_OK;
	bool points = part == FENCE_PART_POINT;
	if (!take(w, '(')) {
		wrong(w, "'(' expected", "应为“(”");
		return STATUS_OK;
	}
	if (!points)
		status = fence_draft_part_begin(w->d, part);
	do {
		bool bracket = points && take(w, '(');
		if (points && !status)
			status = fence_draft_part_begin(w->d, part);
		if (!status)
			status = read_position(w);
		if (points && !status)
			status = fence_draft_part_end(w->d);
		if (bracket && !take(w, ')'))
			wrong(w, "')' expected", "应为“)”");
	} while (!status && !w->d->refusal.status && take(w, ','));
	if (!take(w, ')'))
		wrong(w, "',' or ')' expected", "应为“,”或“)”");
	return status || points ? status : fence_draft_part_end(w->d);
}

static enum status read_levels(struct wkt *w, unsigned levels, enum fence_part part)
{
	enum status status = STATUS_OK;
	if (levels == 1)
		return read_part(w, part);
	if (!take(w, '(')) {
		wrong(w, "'(' expected", "应为“(”");
		return STATUS_OK;
	}
	do {
		status = read_levels(w, levels - 1, part);
		if (levels == 2 && part == FENCE_PART_RING)
			part = FENCE_PART_HOLE;
	} while (!status && !w->d->refusal.status && take(w, ','));
	if (!take(w, ')'))
		wrong(w, "',' or ')' expected", "应为“,”或“)”");
	return status;
}

static enum status read_geometry(struct wkt *w)
{
	peek(w);
	struct span word = letters(w->left);
	const struct geometry *g = geometry_of(word);
	if (!g) {
		bool other = is_geometry_word(word);
		fence_draft_wrong(w->d, FENCE_FIELD_GEOMETRY, other ? STATUS_UNSUPPORTED : STATUS_MALFORMED,
				  other ? "not a geometry a fence can be made of" : "not WKT",
				  other ? "不支持的几何类型" : "不是 WKT", until(w->left, ";\r\n("));
		return STATUS_OK;
	}
	skip(w, word.size);
	peek(w);
	word = letters(w->left);
	if (word_is(word, "Z") || word_is(word, "M") || word_is(word, "ZM")) {
		skip(w, word.size);
		peek(w);
		word = letters(w->left);
	}
	if (word_is(word, "EMPTY")) {
		skip(w, word.size);
		return STATUS_OK; /* told as "no geometry" */
	}
	return read_levels(w, g->levels, g->part);
}

/* --- records --- */

/* key=value behind the geometry, to the end of the line. */
static void read_properties(struct wkt *w)
{
	struct span rest = until(w->left, "\r\n");
	skip(w, rest.size);
	while (rest.size && (rest.data[0] == ' ' || rest.data[0] == '\t'))
		rest = span_of(rest.data + 1, rest.size - 1);
	if (rest.size && rest.data[0] != ';')
		fence_draft_wrong(w->d, FENCE_FIELD_GEOMETRY, STATUS_MALFORMED, "something behind the geometry",
				  "几何图形之后有多余内容", rest);
	while (rest.size) {
		struct span item = until(span_of(rest.data + 1, rest.size - 1), ";"), key = until(item, "=");
		size_t value = key.size < item.size ? key.size + 1 : item.size;
		fence_draft_property(w->d, key, span_of(item.data + value, item.size - value));
		rest = span_of(item.data + item.size, rest.size - 1 - item.size);
	}
}

/* "id;name;" before the geometry. */
static void read_columns(struct wkt *w)
{
	static const char *const names[] = {"id", "name"};
	for (size_t i = 0; i < 2; i++) {
		struct span column = until(w->left, ";\r\n");
		if (column.size == w->left.size || w->left.data[column.size] != ';') {
			fence_draft_wrong(w->d, FENCE_FIELD_FEATURE, STATUS_MALFORMED, "neither WKT nor id;name;WKT",
					  "既不是 WKT 也不是 编号;名称;WKT", column);
			return;
		}
		fence_draft_property(w->d, span_of_string(names[i]), column);
		skip(w, column.size + 1);
	}
}

static bool begins_record(struct span line)
{
	struct span word = letters(line);
	return is_geometry_word(word) || memchr(line.data, ';', line.size);
}

/* To the next line that begins a record, which may be the one at hand when it is not `from`. */
static void recover(struct wkt *w, const uint8_t *from)
{
	peek(w);
	bool fresh = w->left.data > from && w->left.data[-1] == '\n';
	while (w->left.size && !(fresh && begins_record(until(w->left, "\n")))) {
		skip(w, until(w->left, "\n").size);
		peek(w);
		fresh = true;
	}
}

static enum status read_record(struct wkt *w)
{
	const uint8_t *from = w->left.data;
	fence_draft_begin(w->d, w->line);
	if (!is_geometry_word(letters(w->left)))
		read_columns(w);
	enum status status = w->d->refusal.status ? STATUS_OK : read_geometry(w);
	if (!status && !w->d->refusal.status)
		read_properties(w);
	else if (!status)
		recover(w, from);
	return status ? status : fence_draft_end(w->d);
}

enum status fence_wkt_read(struct span text, struct fence_draft *d)
{
	struct wkt w = {d, text, 1};
	enum status status = STATUS_OK;
	while (!status && peek(&w))
		status = read_record(&w);
	if (!status && w.left.size) /* a zero byte */
		status = fence_draft_file_wrong(d, w.line, FENCE_FIELD_FILE, STATUS_MALFORMED, "not text from here on",
						"自此处起不是文本", span_of(NULL, 0));
	return status;
}
