#include "ingest/sensors/line_map.h"

#include <stdlib.h>

#include "engine/series/value.h"
#include "ingest/sensors/line_protocol.h"

#define COLUMNS 4
#define SITE_TAGS_MAX 16

enum { MEASUREMENT, FIELD, SITE, QUANTITY };

struct rule {
	struct span columns[COLUMNS]; /* into `text` */
};

struct line_map {
	uint8_t *text; /* the rules, then the site tags */
	struct rule *rules;
	size_t rule_count;
	struct span site_tags[SITE_TAGS_MAX];
	size_t site_tag_count;
};

/* What a line says, unescaped. */
struct said {
	struct span measurement, field;
	struct {
		struct span key, value;
	} tags[LINE_TAGS_MAX];
	size_t tag_count;
};

struct name {
	char *text;
	size_t size;
	bool too_long;
};

/* --- reading rules --- */

static size_t take_words(struct span line, struct span *out, size_t max)
{
	size_t n = 0, i = 0;
	while (i < line.size) {
		while (i < line.size && (line.data[i] == ' ' || line.data[i] == '\t' || line.data[i] == '\r'))
			i++;
		size_t start = i;
		while (i < line.size && line.data[i] != ' ' && line.data[i] != '\t' && line.data[i] != '\r')
			i++;
		if (i == start)
			break;
		if (n < max)
			out[n] = span_of(line.data + start, i - start);
		n++;
	}
	return n;
}

static bool braces_match(struct span template)
{
	bool open = false;
	for (size_t i = 0; i < template.size; i++) {
		if (template.data[i] == (open ? '{' : '}'))
			return false;
		if (template.data[i] == '{' || template.data[i] == '}')
			open = !open;
	}
	return !open;
}

static const char *take_rule(struct line_map *m, struct span line)
{
	struct rule r = {0};
	size_t n = take_words(line, r.columns, COLUMNS);
	if (!n || r.columns[0].data[0] == '#')
		return NULL;
	if (n != COLUMNS)
		return "wanted: measurement, field, site, quantity";
	if (!braces_match(r.columns[SITE]) || !braces_match(r.columns[QUANTITY]))
		return "a brace is not closed";
	if (m->rule_count == LINE_RULES_MAX)
		return "too many rules";
	m->rules[m->rule_count++] = r;
	return NULL;
}

static enum status take_rules(struct line_map *m, struct span rules, struct buf *mistakes)
{
	enum status status = STATUS_OK, wrong = STATUS_OK;
	unsigned number = 0;
	while (rules.size && !status) {
		const uint8_t *newline = memchr(rules.data, '\n', rules.size);
		size_t size = newline ? (size_t)(newline - rules.data) : rules.size;
		const char *mistake = take_rule(m, span_of(rules.data, size));
		number++;
		if (mistake) {
			wrong = STATUS_INVALID;
			status = buf_printf(mistakes, "line %u: %s\n", number, mistake);
		}
		size += newline != NULL;
		rules = span_of(rules.data + size, rules.size - size);
	}
	return status ? status : wrong;
}

static void take_site_tags(struct line_map *m, struct span tags)
{
	while (tags.size && m->site_tag_count < SITE_TAGS_MAX) {
		const uint8_t *comma = memchr(tags.data, ',', tags.size);
		size_t size = comma ? (size_t)(comma - tags.data) : tags.size;
		if (size)
			m->site_tags[m->site_tag_count++] = span_of(tags.data, size);
		size += comma != NULL;
		tags = span_of(tags.data + size, tags.size - size);
	}
}

enum status line_map_new(struct span rules, const char *site_tags, struct line_map **out, struct buf *mistakes)
{
	size_t tags_size = strlen(site_tags), lines = 1;
	struct line_map *m = calloc(1, sizeof *m);
	for (size_t i = 0; i < rules.size; i++)
		lines += rules.data[i] == '\n';
	if (m) {
		m->text = malloc(rules.size + tags_size + 1);
		m->rules = calloc(lines < LINE_RULES_MAX ? lines : LINE_RULES_MAX, sizeof *m->rules);
	}
	if (!m || !m->text || !m->rules) {
		line_map_free(m);
		return STATUS_NO_MEMORY;
	}
	if (rules.size)
		memcpy(m->text, rules.data, rules.size);
	memcpy(m->text + rules.size, site_tags, tags_size);
	take_site_tags(m, span_of(m->text + rules.size, tags_size));
	enum status status = take_rules(m, span_of(m->text, rules.size), mistakes);
	if (status) {
		line_map_free(m);
		return status;
	}
	*out = m;
	return STATUS_OK;
}

void line_map_free(struct line_map *m)
{
	if (!m)
		return;
	free(m->text);
	free(m->rules);
	free(m);
}

/* --- names --- */

static void put(struct name *n, struct span text)
{
	if (text.size > LINE_NAME_MAX - n->size) {
		n->too_long = true;
		return;
	}
	if (text.size)
		memcpy(n->text + n->size, text.data, text.size);
	n->size += text.size;
	n->text[n->size] = '\0';
}

static const struct span *tag_of(const struct said *s, struct span key)
{
	for (size_t i = 0; i < s->tag_count; i++)
		if (span_equal(s->tags[i].key, key))
			return &s->tags[i].value;
	return NULL;
}

/* False: the template names a tag that is not there. */
static bool fill(const struct said *s, struct span template, struct name *out)
{
	while (template.size) {
		const uint8_t *brace = memchr(template.data, '{', template.size);
		size_t plain = brace ? (size_t)(brace - template.data) : template.size;
		put(out, span_of(template.data, plain));
		template = span_of(template.data + plain, template.size - plain);
		if (!template.size)
			break;
		size_t close = (size_t)((const uint8_t *)memchr(template.data, '}', template.size) - template.data);
		struct span what = span_of(template.data + 1, close - 1);
		const struct span *said = span_equal(what, span_of_string("measurement")) ? &s->measurement
					  : span_equal(what, span_of_string("field"))     ? &s->field
											  : tag_of(s, what);
		if (!said)
			return false;
		put(out, *said);
		template = span_of(template.data + close + 1, template.size - close - 1);
	}
	return true;
}

static bool matches(struct span pattern, struct span text)
{
	return (pattern.size == 1 && pattern.data[0] == '*') || span_equal(pattern, text);
}

static int compare_spans(struct span a, struct span b)
{
	int order = memcmp(a.data, b.data, a.size < b.size ? a.size : b.size);
	return order ? order : (a.size > b.size) - (a.size < b.size);
}

static bool says_quality(struct span key, struct span value, uint8_t *out)
{
	return span_equal(key, span_of_string("quality")) && !value_quality_parse(value, out);
}

static enum status by_tags(const struct line_map *m, struct said *s, struct name *site, struct name *quantity)
{
	const struct span *home = NULL;
	uint8_t quality;
	for (size_t i = 0; i < m->site_tag_count && !home; i++)
		home = tag_of(s, m->site_tags[i]);
	if (!home)
		return STATUS_NOT_FOUND;
	put(site, *home);
	put(quantity, s->measurement);
	if (!span_equal(s->field, span_of_string("value"))) {
		put(quantity, span_of_string("."));
		put(quantity, s->field);
	}
	for (size_t done = 0; done < s->tag_count; done++) { /* the least of those left */
		size_t least = done;
		for (size_t i = done + 1; i < s->tag_count; i++)
			if (compare_spans(s->tags[i].key, s->tags[least].key) < 0)
				least = i;
		struct span key = s->tags[least].key, value = s->tags[least].value;
		bool is_home = &s->tags[least].value == home;
		if (least != done) {
			if (home == &s->tags[done].value)
				home = &s->tags[least].value;
			else if (is_home)
				home = &s->tags[done].value;
			s->tags[least] = s->tags[done];
			s->tags[done].key = key;
			s->tags[done].value = value;
		}
		if (is_home || says_quality(key, value, &quality))
			continue;
		put(quantity, span_of_string(";"));
		put(quantity, key);
		put(quantity, span_of_string("="));
		put(quantity, value);
	}
	return STATUS_OK;
}

static struct span unescaped(struct span in, uint8_t **room)
{
	struct span out = {*room, line_unescape(in, false, *room)};
	*room += out.size;
	return out;
}

static enum status hear(struct span key, struct span measurement, struct span field, uint8_t *room, struct said *out)
{
	struct span tags = span_of(key.data + measurement.size, key.size - measurement.size), tag, value;
	enum status status;
	out->tag_count = 0;
	out->measurement = unescaped(measurement, &room);
	out->field = unescaped(field, &room);
	while (!(status = line_tag_next(&tags, &tag, &value))) {
		if (out->tag_count == LINE_TAGS_MAX)
			return STATUS_TOO_LONG;
		out->tags[out->tag_count].key = unescaped(tag, &room);
		out->tags[out->tag_count++].value = unescaped(value, &room);
	}
	return status == STATUS_END ? STATUS_OK : status;
}

enum status line_map_names(const struct line_map *m, struct span key, struct span measurement, struct span field,
			   char site[LINE_NAME_MAX + 1], char quantity[LINE_NAME_MAX + 1])
{
	struct said said;
	struct name a, b;
	bool found = false;
	uint8_t *room = malloc(key.size + field.size + 1);
	if (!room)
		return STATUS_NO_MEMORY;
	enum status status = hear(key, measurement, field, room, &said);
	for (size_t i = 0; i < m->rule_count && !status && !found; i++) {
		const struct span *c = m->rules[i].columns;
		a = (struct name){site, 0, false};
		b = (struct name){quantity, 0, false};
		found = matches(c[MEASUREMENT], said.measurement) && matches(c[FIELD], said.field) &&
			fill(&said, c[SITE], &a) && fill(&said, c[QUANTITY], &b);
	}
	if (!status && !found) {
		a = (struct name){site, 0, false};
		b = (struct name){quantity, 0, false};
		status = by_tags(m, &said, &a, &b);
	}
	free(room);
	if (status)
		return status;
	return a.too_long || b.too_long || !a.size || !b.size ? STATUS_TOO_LONG : STATUS_OK;
}

uint8_t line_map_quality(struct span key, struct span measurement)
{
	struct span tags = span_of(key.data + measurement.size, key.size - measurement.size), tag, value;
	uint8_t quality;
	while (!line_tag_next(&tags, &tag, &value))
		if (says_quality(tag, value, &quality))
			return quality;
	return VALUE_QUALITY_GOOD;
}
