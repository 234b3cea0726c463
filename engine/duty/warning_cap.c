/* warning_cap.c -- Common Alerting Protocol 1.2 (OASIS, July 2010): one message, each info block of one language a
 * draft.
 *
 *   alert  identifier sender sent status msgType references     of every draft
 *   info   language event severity effective onset expires headline description instruction parameter
 *   area   areaDesc polygon "lat,lon lat,lon ..." circle "lat,lon km" geocode
 *
 * Blocks in the first language that begins with "zh" are taken, or in that of the first block. The level is the colour
 * that the headline or the event names, else what severity says: extreme red, severe orange, moderate yellow, minor
 * blue. A document type is refused: nothing of a warning needs entities. */
#include <expat.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/core/clock.h"
#include "engine/duty/warnings.h"
#include "engine/geo/shape.h"

#define DEPTH_MAX 8
#define CAP_TEXT_MAX 65536
#define LANGUAGE_MAX 15
#define NAME_MAX_BYTES 63

struct cap {
	XML_Parser parser;
	struct warning_drafts *out;
	char *wrong;
	enum status status;
	char path[DEPTH_MAX][NAME_MAX_BYTES + 1]; /* local names of the open elements */
	unsigned depth;
	struct buf text;             /* of the innermost element */
	struct warning head;         /* of the alert */
	struct warning_draft *draft; /* of the info block at hand, NULL: it is passed over */
	char language[LANGUAGE_MAX + 1], taken[LANGUAGE_MAX + 1]; /* of the block, of those taken */
	char event[128], severity[32], name[64];                  /* name: of the parameter or code at hand */
};

static void fail(struct cap *c, enum status status, const char *what)
{
	if (c->status)
		return;
	c->status = status;
	snprintf(c->wrong, WARNING_WRONG_MAX, "line %lu: %s", (unsigned long)XML_GetCurrentLineNumber(c->parser), what);
	XML_StopParser(c->parser, XML_FALSE);
}

static const char *local_name(const char *name)
{
	const char *colon = strrchr(name, '|');
	return colon ? colon + 1 : name;
}

static struct span trimmed(const struct cap *c)
{
	size_t from = 0, until = c->text.size;
	const char *text = (const char *)c->text.data;
	while (from < until && strchr(" \t\r\n", text[from]))
		from++;
	while (until > from && strchr(" \t\r\n", text[until - 1]))
		until--;
	return span_of(text + from, until - from);
}

/* Cut at a character where it is too long: a warning is not refused for its prose. */
static void take_prose(const struct cap *c, char *out, size_t size)
{
	struct span text = trimmed(c);
	size_t n = text.size < size - 1 ? text.size : size - 1;
	while (n < text.size && n && (text.data[n] & 0xc0) == 0x80)
		n--;
	memcpy(out, text.data, n);
	memset(out + n, 0, size - n);
	for (size_t i = 0; i < n; i++)
		if ((uint8_t)out[i] < ' ' && out[i] != '\n')
			out[i] = ' ';
}

static void take_name(struct cap *c, char *out, size_t size)
{
	struct span text = trimmed(c);
	if (!text.size || text.size >= size || memchr(text.data, '\n', text.size))
		fail(c, STATUS_MALFORMED, "a name is empty, too long or broken over lines");
	else
		take_prose(c, out, size);
}

static void take_time(struct cap *c, int64_t *out)
{
	if (time_parse(trimmed(c), 0, out))
		fail(c, STATUS_MALFORMED, "is no time with its zone");
}

static void take_word(struct cap *c, const char *const words[][2], const struct record_word *table, uint8_t *out)
{
	struct span text = trimmed(c);
	for (; (*words)[0]; words++)
		if (span_equal(text, span_of_string((*words)[0])) &&
		    !record_word_parse(table, span_of_string((*words)[1]), out))
			return;
	fail(c, STATUS_MALFORMED, "is none of the words that CAP 1.2 has here");
}

/* "sender,identifier,sent sender,identifier,sent": identifiers, a line each. */
static void take_references(struct cap *c)
{
	struct span text = trimmed(c);
	size_t at = 0, n = 0;
	while (text.size) {
		size_t size = 0;
		while (size < text.size && !strchr(" \t\r\n", text.data[size]))
			size++;
		const uint8_t *first = memchr(text.data, ',', size);
		const uint8_t *second = first ? memchr(first + 1, ',', size - (size_t)(first + 1 - text.data)) : NULL;
		size_t length = second ? (size_t)(second - first - 1) : 0;
		if (!length || length > WARNING_ID_MAX || ++n > WARNING_REFERENCES_MAX) {
			fail(c, STATUS_MALFORMED, "references are sender,identifier,sent, at most 16");
			return;
		}
		memcpy(c->head.references + at, first + 1, length);
		c->head.references[at + length] = '\n';
		at += length + 1;
		while (size < text.size && strchr(" \t\r\n", text.data[size]))
			size++;
		text = span_of(text.data + size, text.size - size);
	}
}

/* --- areas --- */

/* "lat,lon"; `*end` behind it. */
static bool take_pair(const char *text, char **end, struct geo_point *out)
{
	double lat = strtod(text, end);
	if (*end == text || **end != ',')
		return false;
	char *from = *end + 1;
	double lon = strtod(from, end);
	if (*end == from || !(fabs(lat) <= 90) || !(fabs(lon) <= 180))
		return false;
	*out = (struct geo_point){(int32_t)llround(lat * 1e7), (int32_t)llround(lon * 1e7)};
	return true;
}

/* The text with a NUL behind it; lasts until the next element. */
static const char *as_string(struct cap *c)
{
	if (buf_append_u8(&c->text, 0)) {
		fail(c, STATUS_NO_MEMORY, "no memory");
		return NULL;
	}
	return (const char *)c->text.data + strspn((const char *)c->text.data, " \t\r\n");
}

static void take_polygon(struct cap *c)
{
	const char *text = as_string(c);
	struct geo_point *points = text ? malloc((c->text.size / 3 + 1) * sizeof *points) : NULL;
	uint32_t count = 0;
	char *end;
	while (points && *text && take_pair(text, &end, &points[count])) {
		count++;
		text = end + strspn(end, " \t\r\n");
	}
	if (!points)
		fail(c, STATUS_NO_MEMORY, "no memory");
	else if (*text || count < 3 || warning_draft_ring(c->draft, points, count))
		fail(c, STATUS_MALFORMED, "is no polygon \"lat,lon lat,lon ...\"");
	free(points);
}

static void take_circle(struct cap *c)
{
	const char *text = as_string(c);
	struct geo_point centre;
	char *end, *last;
	if (!text)
		return;
	if (take_pair(text, &end, &centre) && strchr(" \t\r\n", *end)) {
		double km = strtod(end, &last);
		if (last != end && km > 0 && km <= SHAPE_REACH_MAX_MM / 1e6 &&
		    !warning_draft_circle(c->draft, centre, llround(km * 1e6)))
			return;
	}
	fail(c, STATUS_MALFORMED, "is no circle \"lat,lon kilometres\"");
}

static void take_code(struct cap *c)
{
	struct warning_draft *d = c->draft;
	struct span text = trimmed(c);
	if (!text.size || text.size + strlen("code:") > FENCE_ID_MAX || d->named_count == WARNING_NAMED_MAX)
		fail(c, STATUS_MALFORMED, "too many codes of places, or too long");
	else
		snprintf(d->named[d->named_count++], sizeof d->named[0], "code:%.*s", (int)text.size,
			 (const char *)text.data);
}

/* --- elements --- */

static bool is_at(const struct cap *c, const char *parent, const char *name)
{
	return c->depth >= 2 && !strcmp(c->path[c->depth - 2], parent) && !strcmp(c->path[c->depth - 1], name);
}

static void end_alert_member(struct cap *c, const char *name)
{
	static const char *const statuses[][2] = {{"Actual", "actual"}, {"Exercise", "exercise"}, {"System", "test"},
						  {"Test", "test"},     {"Draft", "test"},        {NULL, NULL}};
	static const char *const types[][2] = {
		{"Alert", "alert"}, {"Update", "update"}, {"Cancel", "cancel"}, {NULL, NULL}};
	if (!strcmp(name, "identifier"))
		take_name(c, c->head.identifier, sizeof c->head.identifier);
	else if (!strcmp(name, "sender"))
		take_name(c, c->head.sender, sizeof c->head.sender);
	else if (!strcmp(name, "sent"))
		take_time(c, &c->head.sent_ms);
	else if (!strcmp(name, "status"))
		take_word(c, statuses, warning_status_words, &c->head.status);
	else if (!strcmp(name, "msgType"))
		take_word(c, types, warning_type_words, &c->head.type);
	else if (!strcmp(name, "references"))
		take_references(c);
}

static void take_parameter(struct cap *c)
{
	struct span text = trimmed(c);
	char digits[4] = "";
	if (text.size < sizeof digits)
		memcpy(digits, text.data, text.size);
	long grade = strtol(digits, NULL, 10);
	if (grade < 1 || grade > 17)
		return;
	if (!strcmp(c->name, "wind"))
		c->draft->w.wind = (uint8_t)grade;
	else if (!strcmp(c->name, "gust"))
		c->draft->w.gust = (uint8_t)grade;
}

static void end_info_member(struct cap *c, const char *name)
{
	struct warning *w = &c->draft->w;
	if (!strcmp(name, "language"))
		take_name(c, c->language, sizeof c->language);
	else if (!strcmp(name, "event"))
		take_prose(c, c->event, sizeof c->event);
	else if (!strcmp(name, "severity"))
		take_prose(c, c->severity, sizeof c->severity);
	else if (!strcmp(name, "effective"))
		take_time(c, &w->from_ms);
	else if (!strcmp(name, "onset"))
		take_time(c, &w->onset_ms);
	else if (!strcmp(name, "expires"))
		take_time(c, &w->until_ms);
	else if (!strcmp(name, "headline"))
		take_prose(c, w->headline, sizeof w->headline);
	else if (!strcmp(name, "description"))
		take_prose(c, w->description, sizeof w->description);
	else if (!strcmp(name, "instruction"))
		take_prose(c, w->instruction, sizeof w->instruction);
}

static void end_area_member(struct cap *c, const char *name)
{
	if (!strcmp(name, "polygon"))
		take_polygon(c);
	else if (!strcmp(name, "circle"))
		take_circle(c);
	else if (!strcmp(name, "areaDesc"))
		take_prose(c, c->draft->w.area, sizeof c->draft->w.area);
}

static uint8_t level_of(const struct cap *c)
{
	static const char *const colours[][2] = {
		{"蓝色", "blue"}, {"黄色", "yellow"}, {"橙色", "orange"}, {"红色", "red"}};
	static const char *const severities[] = {"Minor", "Moderate", "Severe", "Extreme"};
	for (uint8_t k = 0; k < 4; k++)
		for (unsigned i = 0; i < 2; i++)
			if (strcasestr(c->draft->w.headline, colours[k][i]) || strcasestr(c->event, colours[k][i]))
				return k + 1;
	for (uint8_t k = 0; k < 4; k++)
		if (!strcmp(c->severity, severities[k]))
			return k + 1;
	return WARNING_NO_LEVEL;
}

/* Head members of a draft are filled at the end, since they may come behind. */
static void end_info(struct cap *c)
{
	struct warning_draft *d = c->draft;
	bool zh = !strncmp(c->language, "zh", 2), taken_zh = !strncmp(c->taken, "zh", 2);
	c->draft = NULL;
	if (c->out->count > 1 && strcmp(c->language, c->taken) != 0) {
		bool better = zh && !taken_zh;
		struct warning_drafts worse = {.count = 0};
		/* the blocks of the other language go */
		for (size_t i = 0; i < c->out->count; i++)
			if ((c->out->items[i] == d) != better)
				worse.items[worse.count++] = c->out->items[i];
		size_t kept = 0;
		for (size_t i = 0; i < c->out->count; i++)
			if ((c->out->items[i] == d) == better)
				c->out->items[kept++] = c->out->items[i];
		c->out->count = kept;
		warning_drafts_deinit(&worse);
		if (!better)
			return;
	}
	memcpy(c->taken, c->language, sizeof c->taken);
	c->draft = d;
	d->w.kind = warning_kind_of_text(*c->event ? c->event : d->w.headline);
	d->w.level = level_of(c);
	c->draft = NULL;
}

/* --- expat --- */

static void XMLCALL on_start(void *context, const char *name, const char **attributes)
{
	struct cap *c = context;
	(void)attributes;
	if (c->depth == DEPTH_MAX) {
		fail(c, STATUS_MALFORMED, "too deep for a warning");
		return;
	}
	snprintf(c->path[c->depth++], sizeof c->path[0], "%s", local_name(name));
	buf_clear(&c->text);
	if (c->depth == 1 && strcmp(c->path[0], "alert") != 0)
		fail(c, STATUS_MALFORMED, "is no CAP alert");
	if (c->depth != 2 || !is_at(c, "alert", "info"))
		return;
	*c->event = *c->severity = '\0';
	strcpy(c->language, "en-US"); /* CAP 1.2, 3.2.2 */
	c->draft = warning_draft_add(c->out);
	if (!c->draft)
		fail(c, STATUS_MALFORMED, "more than 8 info blocks");
}

static void XMLCALL on_text(void *context, const char *text, int size)
{
	struct cap *c = context;
	if (buf_append(&c->text, text, (size_t)size))
		fail(c, STATUS_MALFORMED, "a text is longer than 64 KiB");
}

static void XMLCALL on_end(void *context, const char *name)
{
	struct cap *c = context;
	const char *local = local_name(name);
	if (c->status || !c->depth)
		return;
	if (c->depth == 2 && is_at(c, "alert", "info"))
		end_info(c);
	else if (c->depth == 2)
		end_alert_member(c, local);
	else if (c->draft && is_at(c, "parameter", "value") && c->depth == 4)
		take_parameter(c);
	else if (c->draft && is_at(c, "geocode", "value") && c->depth == 5)
		take_code(c);
	else if (!strcmp(local, "valueName"))
		take_prose(c, c->name, sizeof c->name);
	else if (c->draft && c->depth == 3)
		end_info_member(c, local);
	else if (c->draft && c->depth == 4 && !strcmp(c->path[2], "area"))
		end_area_member(c, local);
	c->depth--;
	buf_clear(&c->text);
}

static void XMLCALL on_doctype(void *context, const char *name, const char *system, const char *public, int internal)
{
	(void)name, (void)system, (void)public, (void)internal;
	fail(context, STATUS_MALFORMED, "a document type is not taken");
}

/* Cancels often have no info block: their head is all there is to them. */
static enum status finish(struct cap *c)
{
	enum status status = STATUS_OK;
	if (!c->out->count && (c->head.type != WARNING_CANCEL || !warning_draft_add(c->out))) {
		snprintf(c->wrong, WARNING_WRONG_MAX, "there is no info block");
		return STATUS_MALFORMED;
	}
	for (size_t i = 0; i < c->out->count && !status; i++) {
		struct warning *w = &c->out->items[i]->w;
		memcpy(w->identifier, c->head.identifier, sizeof w->identifier);
		memcpy(w->sender, c->head.sender, sizeof w->sender);
		memcpy(w->references, c->head.references, sizeof w->references);
		w->sent_ms = c->head.sent_ms;
		w->type = c->head.type;
		w->status = c->head.status;
		w->part = (uint8_t)i;
		if (w->from_ms == INT64_MIN)
			w->from_ms = w->sent_ms;
		status = warning_draft_check(c->out->items[i], c->wrong);
	}
	return status;
}

enum status warning_read_cap(struct span text, struct warning_drafts *out, char wrong[WARNING_WRONG_MAX])
{
	struct cap *c = calloc(1, sizeof *c);
	if (!c)
		return STATUS_NO_MEMORY;
	c->out = out;
	c->wrong = wrong;
	c->text = buf_init(CAP_TEXT_MAX);
	record_clear(&warning_kind, &c->head);
	c->parser = XML_ParserCreateNS("UTF-8", '|');
	enum status status = c->parser ? STATUS_OK : STATUS_NO_MEMORY;
	if (c->parser) {
		XML_SetUserData(c->parser, c);
		XML_SetElementHandler(c->parser, on_start, on_end);
		XML_SetCharacterDataHandler(c->parser, on_text);
		XML_SetStartDoctypeDeclHandler(c->parser, on_doctype);
		if (XML_Parse(c->parser, (const char *)text.data, (int)text.size, 1) != XML_STATUS_OK)
			fail(c, STATUS_MALFORMED, XML_ErrorString(XML_GetErrorCode(c->parser)));
		status = c->status ? c->status : finish(c);
		XML_ParserFree(c->parser);
	}
	buf_deinit(&c->text);
	free(c);
	return status;
}
