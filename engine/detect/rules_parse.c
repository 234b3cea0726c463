/* rules_parse.c -- a file of rules, read whole, every mistake told at its line.
 *
 *   text ──> sections "[id]" ... ──> of each: its kind first, then every line by that kind ──> rules by id
 *                │
 *                └──> mistakes, gathered, told in order of lines */
#include <stdio.h>
#include <stdlib.h>

#include "engine/core/hash.h"
#include "engine/core/limits.h"
#include "engine/core/utf8.h"
#include "engine/detect/rules_text.h"

struct mistake {
	uint32_t line, order;
	char *in[LANGUAGE_COUNT];
};

struct parse {
	struct rulebook *book;
	uint32_t capacity; /* of book->rules */
	struct mistake *mistakes;
	uint32_t mistake_count, mistake_capacity;
	struct arena memory; /* of the mistakes' texts */
	uint32_t inputs_line;
	bool stored;        /* was taken before: what is refused since is let pass */
	enum status status; /* what is not a mistake: no memory, too long */
};

/* --- mistakes --- */

static bool grow(void *array, size_t item_size, uint32_t *capacity, uint32_t count)
{
	void **at = array;
	if (count < *capacity)
		return true;
	uint32_t more = *capacity ? *capacity * 2 : 16;
	void *bigger = realloc(*at, item_size * more);
	if (!bigger)
		return false;
	*at = bigger;
	*capacity = more;
	return true;
}

static void add_mistake(struct parse *p, uint32_t line, const struct message_texts *said)
{
	struct mistake m = {.line = line, .order = p->mistake_count};
	if (p->mistake_count == RULES_MISTAKES_MAX)
		return;
	if (!grow(&p->mistakes, sizeof *p->mistakes, &p->mistake_capacity, p->mistake_count))
		p->status = STATUS_NO_MEMORY;
	for (unsigned i = 0; i < LANGUAGE_COUNT && !p->status; i++) {
		size_t size = strlen(said->in[i]) + 1;
		m.in[i] = arena_alloc(&p->memory, size);
		if (m.in[i])
			memcpy(m.in[i], said->in[i], size);
		else
			p->status = STATUS_NO_MEMORY;
	}
	if (!p->status)
		p->mistakes[p->mistake_count++] = m;
}

/* complain(p, line, ID, values...): a message of messages.h. */
#define complain(p, line, ID, ...) complain_with(p, line, MESSAGE(ID, ##__VA_ARGS__), ##__VA_ARGS__)
static void complain_with(struct parse *p, uint32_t line, enum message message, ...)
{
	struct message_texts said;
	va_list values;
	va_start(values, message);
	message_vsay(&said, message, values);
	va_end(values);
	add_mistake(p, line, &said);
}

/* Of a key, why its value was refused. */
static void complain_of(struct parse *p, uint32_t line, const char *token, const struct refusal *why)
{
	struct message_texts said = {0}, one;
	for (unsigned i = 0; i < LANGUAGE_COUNT; i++) {
		message_say(&one, MESSAGE(OF_KEY, token, why->said.in[i]), token, why->said.in[i]);
		memcpy(said.in[i], one.in[i], sizeof said.in[i]);
	}
	add_mistake(p, line, &said);
}

static int by_line(const void *a, const void *b)
{
	const struct mistake *x = a, *y = b;
	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

static void tell_mistakes(struct parse *p, rule_mistakes *tell, void *context)
{
	if (p->mistake_count)
		qsort(p->mistakes, p->mistake_count, sizeof *p->mistakes, by_line);
	for (uint32_t i = 0; i < p->mistake_count && tell; i++) {
		const struct mistake *one = &p->mistakes[i];
		struct rule_mistake m = {one->line, one->in[LANGUAGE_ENGLISH], one->in[LANGUAGE_CHINESE]};
		tell(context, &m);
	}
}

/* --- lines --- */

struct line {
	uint32_t number;
	struct span text; /* without comment and outer spaces */
};

/* The next line of `*rest`; `out->number` counts on. False at the end. */
static bool next_line(struct span *rest, struct line *out)
{
	if (rest->size == 0)
		return false;
	const uint8_t *end = memchr(rest->data, '\n', rest->size);
	size_t size = end ? (size_t)(end - rest->data) : rest->size;
	struct span line = span_of(rest->data, size);
	size_t taken = size + (end != NULL);
	*rest = span_of(rest->data + taken, rest->size - taken);
	if (line.size && line.data[line.size - 1] == '\r')
		line.size--;
	for (size_t i = 0; i < line.size; i++)
		if (line.data[i] == '#' && (i == 0 || line.data[i - 1] == ' ' || line.data[i - 1] == '\t'))
			line.size = i;
	out->text = trim(line);
	out->number++;
	return true;
}

/* "key = value"; false when there is no '='. */
static bool split(struct span line, struct span *key, struct span *value)
{
	const uint8_t *equals = line.size ? memchr(line.data, '=', line.size) : NULL;
	if (!equals)
		return false;
	*key = trim(span_of(line.data, (size_t)(equals - line.data)));
	*value = trim(span_of(equals + 1, (size_t)(line.data + line.size - equals) - 1));
	return true;
}

static bool is_header(struct span line)
{
	return line.size > 0 && line.data[0] == '[';
}

/* --- a rule --- */

/* The lines of a section behind its header. */
struct section {
	uint32_t line; /* of the header */
	struct span body;
	struct span id;
};

struct rule_reading {
	struct parse *p;
	struct rule rule;
	const struct rule_param *params;
	unsigned param_count;
	bool kind_known;
	uint32_t keys_seen[RULE_KEY_COUNT], params_seen[RULE_PARAMS_MAX]; /* lines; 0 not yet */
};

static void find_kind(struct rule_reading *r, struct span body)
{
	struct line line = {0, {NULL, 0}};
	struct span key, value;
	struct refusal why;
	while (!r->kind_known && next_line(&body, &line))
		if (split(line.text, &key, &value) && span_equal(key, span_of_string("kind")))
			r->kind_known = rule_key_parse(rule_key_find(key), value, &r->rule, NULL, NULL, &why);
	if (r->kind_known)
		r->params = rule_kind_params(r->rule.kind, &r->param_count);
	for (unsigned i = 0; i < r->param_count; i++)
		r->rule.params[r->params[i].place] = r->params[i].initial == PARAM_REQUIRED ? 0 : r->params[i].initial;
}

static const struct rule_param *find_param(const struct rule_param *params, unsigned count, struct span token)
{
	for (unsigned i = 0; i < count; i++)
		if (token.size && span_equal(token, span_of_string(params[i].token)))
			return &params[i];
	return NULL;
}

/* A kind that does have a parameter of this name; 0 when none. */
static unsigned kind_with(struct span token)
{
	for (unsigned kind = 1, count; kind < RULE_KIND_COUNT; kind++) {
		const struct rule_param *params = rule_kind_params(kind, &count);
		if (find_param(params, count, token))
			return kind;
	}
	return 0;
}

static bool first_time(struct rule_reading *r, uint32_t *seen, const struct line *line, const char *token)
{
	if (*seen)
		complain(r->p, line->number, SAID_IN_LINE, token, *seen);
	bool first = *seen == 0;
	*seen = first ? line->number : *seen;
	return first;
}

static void read_unknown(struct rule_reading *r, const struct line *line, struct span key)
{
	unsigned other = kind_with(key);
	if (!other)
		complain(r->p, line->number, NO_SUCH_KEY, echo_of(key).text);
	else if (r->kind_known)
		complain(r->p, line->number, KEY_OF_OTHER_KIND, echo_of(key).text, rule_kind_token(other),
			 rule_kind_token(r->rule.kind));
}

/* Stage 2 judges what a subject did over time, not single reports: what those would be asked is asked of nothing, and
 * who writes it believes otherwise. Fatigue alone asks how long a gap of knowledge is. */
static bool is_heeded(unsigned kind, const struct rule_key *key)
{
	static const char *const of_reports[] = {"gears",  "sources", "where",  "when",   "loaded",
						 "moving", "hold",    "points", "release"};
	if (rule_kind_stage(kind) != 2)
		return true;
	for (size_t i = 0; i < sizeof of_reports / sizeof of_reports[0]; i++)
		if (strcmp(key->token, of_reports[i]) == 0)
			return false;
	return strcmp(key->token, "gap") != 0 || kind == RULE_FATIGUE;
}

/* As if nothing had been said: the normal form of a rule says it of every key. */
static bool is_initial(const struct rule_key *key, const struct rule *rule)
{
	struct rule fresh;
	struct buf said = buf_init(2 * SCHEDULE_TEXT_MAX), initial = buf_init(2 * SCHEDULE_TEXT_MAX);
	rule_keys_init(&fresh);
	bool same = !rule_key_print(key, rule, &said) && !rule_key_print(key, &fresh, &initial) &&
		    span_equal(buf_view(&said), buf_view(&initial));
	buf_deinit(&said);
	buf_deinit(&initial);
	return same;
}

static void read_pair(struct rule_reading *r, const struct line *line, struct span key, struct span value)
{
	const struct rule_key *shared = rule_key_find(key);
	const struct rule_param *param = find_param(r->params, r->param_count, key);
	struct refusal why;
	bool good = true;
	if (!shared && !param) {
		read_unknown(r, line, key);
		return;
	}
	const char *token = shared ? shared->token : param->token;
	if (!first_time(r, shared ? &r->keys_seen[shared - rule_keys] : &r->params_seen[param->place], line, token))
		return;
	if (value.size == 0)
		good = refuse(&why, NOTHING_SAID);
	else if (shared)
		good = rule_key_parse(shared, value, &r->rule, &r->p->book->words, &r->p->status, &why);
	else
		good = value_parse(param, value, &r->rule.params[param->place], &why);
	if (good && shared && r->kind_known && !r->p->stored && !is_heeded(r->rule.kind, shared) &&
	    !is_initial(shared, &r->rule))
		good = refuse(&why, NOT_HEEDED, rule_kind_token(r->rule.kind));
	if (!good)
		complain_of(r->p, line->number, token, &why);
}

static void check_required(struct rule_reading *r, const struct section *s)
{
	for (unsigned i = 0; i < RULE_KEY_COUNT; i++)
		if (rule_keys[i].required && !r->keys_seen[i])
			complain(r->p, s->line, KEY_MISSING, echo_of(s->id).text, rule_keys[i].token);
	for (unsigned i = 0; i < RULE_KEY_COUNT; i++)
		if (r->keys_seen[i] && strncmp(rule_keys[i].token, "remind_", 7) == 0 &&
		    !rule_key_is_said(&rule_keys[i], &r->rule))
			complain(r->p, r->keys_seen[i], KEY_WITHOUT_REMIND, rule_keys[i].token);
	for (unsigned i = 0; i < r->param_count; i++)
		if (r->params[i].initial == PARAM_REQUIRED && !r->params_seen[r->params[i].place])
			complain(r->p, s->line, PARAM_MISSING, echo_of(s->id).text, r->params[i].token,
				 rule_kind_token(r->rule.kind));
}

static bool is_id(struct span id)
{
	for (size_t i = 0; i < id.size; i++) {
		uint8_t c = id.data[i];
		if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.')
			return false;
	}
	return id.size > 0 && id.size <= RULE_ID_MAX;
}

static const struct rule *rule_of(const struct rulebook *b, struct span id)
{
	for (uint32_t i = 0; i < b->count; i++)
		if (span_equal(id, span_of_string(b->rules[i].id)))
			return &b->rules[i];
	return NULL;
}

static void add_rule(struct parse *p, const struct section *s, const struct rule *rule)
{
	const struct rule *same = is_id(s->id) ? rule_of(p->book, s->id) : NULL;
	if (!is_id(s->id)) {
		complain(p, s->line, NO_RULE_ID, echo_of(s->id).text, RULE_ID_MAX);
	} else if (same) {
		complain(p, s->line, RULE_TWICE, same->id, same->line);
	} else if (p->book->count == RULES_MAX) {
		complain(p, s->line, RULE_TOO_MANY, echo_of(s->id).text, RULES_MAX);
		p->status = STATUS_TOO_LONG;
	} else if (!grow(&p->book->rules, sizeof *rule, &p->capacity, p->book->count)) {
		p->status = STATUS_NO_MEMORY;
	} else {
		memcpy(&p->book->rules[p->book->count++], rule, sizeof *rule);
	}
}

static void read_rule(struct parse *p, const struct section *s)
{
	struct rule_reading r = {.p = p};
	struct line line = {s->line, {NULL, 0}};
	struct span body = s->body, key, value;
	rule_keys_init(&r.rule);
	r.rule.line = s->line;
	if (is_id(s->id))
		memcpy(r.rule.id, s->id.data, s->id.size);
	find_kind(&r, body);
	while (next_line(&body, &line)) {
		if (line.text.size == 0)
			continue;
		if (split(line.text, &key, &value))
			read_pair(&r, &line, key, value);
		else
			complain(p, line.number, NO_PAIR, echo_of(line.text).text);
	}
	check_required(&r, s);
	add_rule(p, s, &r.rule);
}

/* --- the file --- */

static void read_input(struct parse *p, const struct line *line, struct span key, struct span value)
{
	struct refusal why;
	for (unsigned i = 0; i < RULE_INPUT_COUNT; i++) {
		struct rule_input *in = rule_input_of(&p->book->inputs, i);
		if (!span_equal(key, span_of_string(rule_input_token(i))))
			continue;
		if (in->known)
			complain(p, line->number, SAID_ALREADY, rule_input_token(i));
		else if (!rule_input_parse(value, in, &why))
			complain_of(p, line->number, rule_input_token(i), &why);
		return;
	}
	complain(p, line->number, NO_INPUT_KEY, echo_of(key).text);
}

static void read_inputs(struct parse *p, const struct section *s)
{
	struct line line = {s->line, {NULL, 0}};
	struct span body = s->body, key, value;
	if (p->inputs_line)
		complain(p, s->line, INPUTS_TWICE, p->inputs_line);
	p->inputs_line = s->line;
	while (next_line(&body, &line)) {
		if (line.text.size == 0)
			continue;
		if (split(line.text, &key, &value))
			read_input(p, &line, key, value);
		else
			complain(p, line.number, NO_PAIR, echo_of(line.text).text);
	}
}

static void read_section(struct parse *p, const struct section *s)
{
	if (span_equal(s->id, span_of_string("inputs")))
		read_inputs(p, s);
	else
		read_rule(p, s);
}

/* "[id]" opened: the id, and a mistake when the bracket is not closed. */
static struct span header_id(struct parse *p, const struct line *line)
{
	struct span id = span_of(line->text.data + 1, line->text.size - 1);
	if (id.size && id.data[id.size - 1] == ']')
		id.size--;
	else
		complain(p, line->number, NOT_CLOSED, echo_of(line->text).text);
	return trim(id);
}

/* A whole line, comment and end included. */
static bool is_text(struct span line)
{
	for (size_t i = 0; i < line.size; i++) {
		uint8_t c = line.data[i];
		if ((c < 0x20 && c != '\t' && c != '\r' && c != '\n') || c == 0x7f)
			return false;
	}
	return utf8_valid(line);
}

static void read_file(struct parse *p, struct span text)
{
	struct section section = {0, {NULL, 0}, {NULL, 0}};
	struct line line = {0, {NULL, 0}};
	struct span rest = text;
	bool inside = false;
	for (const uint8_t *begin = rest.data; next_line(&rest, &line); begin = rest.data) {
		if (!is_text(span_of(begin, (size_t)(rest.data - begin))))
			complain(p, line.number, NO_TEXT);
		if (is_header(line.text)) {
			section.body.size = (size_t)(begin - section.body.data);
			if (inside)
				read_section(p, &section);
			inside = true;
			section = (struct section){line.number, span_of(rest.data, 0), header_id(p, &line)};
		} else if (!inside && line.text.size) {
			complain(p, line.number, BEFORE_SECTION, echo_of(line.text).text);
		}
	}
	section.body.size = (size_t)(rest.data - section.body.data);
	if (inside)
		read_section(p, &section);
}

static int by_id(const void *a, const void *b)
{
	const struct rule *x = a, *y = b;
	return strcmp(x->id, y->id);
}

static enum status set_versions(struct rulebook *b, struct span text)
{
	struct buf normal = buf_init(1u << 16);
	enum status status = STATUS_OK;
	b->version = hash64(text);
	for (uint32_t i = 0; i < b->count && !status; i++) {
		buf_clear(&normal);
		status = rule_print(&b->rules[i], &normal);
		b->rules[i].version = hash64(buf_view(&normal));
	}
	buf_deinit(&normal);
	return status;
}

static enum status book_new(struct span text, struct rulebook **out)
{
	struct rulebook *b = calloc(1, sizeof *b);
	char *copy = malloc(text.size + 1);
	if (!b || !copy) {
		free(b);
		free(copy);
		return STATUS_NO_MEMORY;
	}
	if (text.size)
		memcpy(copy, text.data, text.size);
	copy[text.size] = '\0';
	b->text = copy;
	b->references = 1;
	b->words = arena_init(4 * RULES_BYTES_MAX);
	*out = b;
	return STATUS_OK;
}

static enum status too_long(rule_mistakes *tell, void *context)
{
	struct message_texts said;
	message_say(&said, MESSAGE(FILE_TOO_LONG, RULES_BYTES_MAX), RULES_BYTES_MAX);
	struct rule_mistake m = {1, said.in[LANGUAGE_ENGLISH], said.in[LANGUAGE_CHINESE]};
	if (tell)
		tell(context, &m);
	return STATUS_TOO_LONG;
}

static enum status parse_book(struct span text, bool stored, rule_mistakes *tell, void *context, struct rulebook **out)
{
	struct parse p = {.stored = stored,
			  .memory = arena_init(RULES_MISTAKES_MAX * LANGUAGE_COUNT * (MESSAGE_TEXT_MAX + 1) + 65536)};
	if (text.size > RULES_BYTES_MAX)
		return too_long(tell, context);
	enum status status = book_new(text, &p.book);
	if (status)
		return status;
	struct span body = text;
	if (body.size >= 3 && memcmp(body.data, "\xef\xbb\xbf", 3) == 0)
		body = span_of(body.data + 3, body.size - 3); /* a byte order mark */
	read_file(&p, body);
	tell_mistakes(&p, tell, context);
	status = p.status ? p.status : p.mistake_count ? STATUS_MALFORMED : STATUS_OK;
	if (p.book->count)
		qsort(p.book->rules, p.book->count, sizeof *p.book->rules, by_id);
	if (!status)
		status = set_versions(p.book, text);
	free(p.mistakes);
	arena_deinit(&p.memory);
	if (status) {
		rulebook_unref(p.book);
		return status;
	}
	*out = p.book;
	return STATUS_OK;
}

enum status rulebook_parse(struct span text, rule_mistakes *tell, void *context, struct rulebook **out)
{
	return parse_book(text, false, tell, context, out);
}

enum status rulebook_parse_stored(struct span text, struct rulebook **out)
{
	return parse_book(text, true, NULL, NULL, out);
}
