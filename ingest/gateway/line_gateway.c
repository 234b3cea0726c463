#include "ingest/gateway/line_gateway.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "engine/core/clock.h"
#include "engine/core/hash.h"
#include "engine/fleet/values_writer.h"

#define FIELDS_MAX 512
#define SLOTS_FIRST 1024u
/* keys one writer remembers; past it all are forgotten: they are found again */
#define KEYS_MAX (1u << 20)
/* streams whose values one writer gathers before they go on their way */
#define GROUPS_MAX 4096u
/* digits of a timestamp */
#define STAMP_MAX 19
#define PRINCIPAL "line protocol"

struct known_field {
	uint8_t *name;
	uint32_t size;
	uint8_t quality;        /* of its values, by the line's tag */
	bool plain;             /* neither quote nor backslash in its name */
	uint64_t stream;        /* 0: refused */
	struct gathered *group; /* its values that are on no body yet */
	const char *reason;     /* of a refusal; not for ever: asked again with every line */
};

struct gathered {
	struct known_field *of;
	struct values_group values;
};

struct known_key {
	struct known_key *next; /* the one that came behind it: agents keep their order */
	uint64_t hash;
	struct known_field *fields;
	uint32_t count, capacity;
	uint32_t size;
	uint8_t text[];
};

struct line_writer {
	struct line_writer *next;
	struct line_gateway *gateway;
	struct values_writer *values;
	struct known_key **slots;
	size_t slot_count, key_count;
	struct known_key *last;
	struct value_texts *texts;
	bool made; /* streams, not synced yet */
	struct line_field fields[FIELDS_MAX];
	uint32_t places[FIELDS_MAX]; /* of the line's fields among those of its key, which is `last` */
	/* the timestamp read last: that of the next line, mostly */
	uint8_t stamp[STAMP_MAX];
	size_t stamp_size;
	int64_t stamp_ms;
	uint32_t group_count;
	struct gathered groups[GROUPS_MAX];
};

struct line_gateway_stats {
	_Atomic uint64_t writes, lines, values, refused, failed, streams_made;
};

struct line_gateway {
	struct line_gateway_options options;
	struct line_gateway_stats stats;
	pthread_mutex_t lock;
	struct line_writer *idle;
};

/* --- values on their way --- */

/* What was made is on the disk before any value of it is. */
static enum status sync_made(struct line_writer *w)
{
	enum status status = w->made ? store_sync(engine_store(w->gateway->options.engine)) : STATUS_OK;
	w->made = w->made && status;
	return status;
}

/* A group, or a value when there is none. */
static enum status hand_on(struct line_writer *w, uint64_t stream, const struct values_group *group,
			   const struct value *v, struct span text)
{
	enum status status = values_writer_is_full(w->values) ? sync_made(w) : STATUS_OK;
	if (status)
		return status;
	return group ? values_writer_add_group(w->values, stream, group)
		     : values_writer_add(w->values, stream, v, text);
}

/* Nothing is gathered any more, whatever comes of it. */
static enum status hand_on_all(struct line_writer *w)
{
	enum status status = STATUS_OK;
	for (uint32_t i = 0; i < w->group_count; i++) {
		struct gathered *g = &w->groups[i];
		if (!status)
			status = hand_on(w, g->of->stream, &g->values, NULL, (struct span){NULL, 0});
		g->of->group = NULL;
	}
	w->group_count = 0;
	return status;
}

static enum status begin_group(struct line_writer *w, struct known_field *f)
{
	enum status status = w->group_count == GROUPS_MAX ? hand_on_all(w) : STATUS_OK;
	if (status)
		return status;
	f->group = &w->groups[w->group_count++];
	f->group->of = f;
	values_group_clear(&f->group->values);
	return STATUS_OK;
}

/* A number. */
static enum status gather(struct line_writer *w, struct known_field *f, const struct value *v)
{
	enum status status = f->group ? STATUS_OK : begin_group(w, f);
	if (status || values_group_add(&f->group->values, v))
		return status;
	status = hand_on(w, f->stream, &f->group->values, NULL, (struct span){NULL, 0});
	values_group_clear(&f->group->values);
	if (!status && !values_group_add(&f->group->values, v))
		status = STATUS_INVALID;
	return status;
}

/* --- writers --- */

/* Groups point into them, and are handed on before. */
static enum status forget_keys(struct line_writer *w)
{
	enum status status = hand_on_all(w);
	for (size_t i = 0; i < w->slot_count; i++) {
		struct known_key *k = w->slots[i];
		for (uint32_t f = 0; k && f < k->count; f++)
			free(k->fields[f].name);
		if (k)
			free(k->fields);
		free(k);
		w->slots[i] = NULL;
	}
	w->key_count = 0;
	w->last = NULL;
	return status;
}

static void writer_free(struct line_writer *w)
{
	if (!w)
		return;
	w->group_count = 0; /* nothing is left in them but after a failure */
	(void)forget_keys(w);
	free(w->slots);
	values_writer_free(w->values);
	free(w);
}

static enum status writer_new(struct line_gateway *g, struct line_writer **out)
{
	struct line_writer *w = calloc(1, sizeof *w);
	if (!w)
		return STATUS_NO_MEMORY;
	w->gateway = g;
	w->texts = streams_texts(engine_streams(g->options.engine));
	w->slots = calloc(SLOTS_FIRST, sizeof *w->slots);
	w->slot_count = w->slots ? SLOTS_FIRST : 0;
	enum status status = w->slots ? values_writer_new(g->options.engine, &w->values) : STATUS_NO_MEMORY;
	if (status) {
		writer_free(w);
		return status;
	}
	*out = w;
	return STATUS_OK;
}

static enum status borrow(struct line_gateway *g, struct line_writer **out)
{
	pthread_mutex_lock(&g->lock);
	*out = g->idle;
	if (*out)
		g->idle = (*out)->next;
	pthread_mutex_unlock(&g->lock);
	return *out ? STATUS_OK : writer_new(g, out);
}

static void give_back(struct line_gateway *g, struct line_writer *w)
{
	pthread_mutex_lock(&g->lock);
	w->next = g->idle;
	g->idle = w;
	pthread_mutex_unlock(&g->lock);
}

enum status line_gateway_new(const struct line_gateway_options *options, struct line_gateway **out)
{
	struct line_gateway *g = calloc(1, sizeof *g);
	if (!g)
		return STATUS_NO_MEMORY;
	g->options = *options;
	pthread_mutex_init(&g->lock, NULL);
	*out = g;
	return STATUS_OK;
}

void line_gateway_free(struct line_gateway *g)
{
	if (!g)
		return;
	for (struct line_writer *w = g->idle, *next; w; w = next) {
		next = w->next;
		writer_free(w);
	}
	pthread_mutex_destroy(&g->lock);
	free(g);
}

/* --- keys --- */

static struct known_key **slot_of(struct known_key **slots, size_t count, uint64_t hash, struct span text)
{
	size_t at = hash & (count - 1);
	while (slots[at] && !(slots[at]->hash == hash && slots[at]->size == text.size &&
			      memcmp(slots[at]->text, text.data, text.size) == 0))
		at = (at + 1) & (count - 1);
	return &slots[at];
}

static enum status grow_slots(struct line_writer *w)
{
	if (w->key_count * 2 < w->slot_count)
		return STATUS_OK;
	struct known_key **slots = calloc(w->slot_count * 2, sizeof *slots);
	if (!slots)
		return STATUS_NO_MEMORY;
	for (size_t i = 0; i < w->slot_count; i++)
		if (w->slots[i])
			*slot_of(slots, w->slot_count * 2, w->slots[i]->hash,
				 span_of(w->slots[i]->text, w->slots[i]->size)) = w->slots[i];
	free(w->slots);
	w->slots = slots;
	w->slot_count *= 2;
	return STATUS_OK;
}

static struct known_key *find_key(struct line_writer *w, struct span text)
{
	uint64_t hash = hash64(text);
	struct known_key **slot = slot_of(w->slots, w->slot_count, hash, text);
	struct known_key *known = *slot;
	if (known)
		return known;
	if (grow_slots(w))
		return NULL;
	struct known_key *k = calloc(1, sizeof *k + text.size);
	if (!k)
		return NULL;
	k->hash = hash;
	k->size = (uint32_t)text.size;
	memcpy(k->text, text.data, text.size);
	*slot_of(w->slots, w->slot_count, hash, text) = k;
	w->key_count++;
	return k;
}

static struct known_key *key_of(struct line_writer *w, struct span text)
{
	struct known_key *k = w->last ? w->last->next : NULL;
	if (!k || k->size != text.size || memcmp(k->text, text.data, text.size) != 0) {
		k = find_key(w, text);
		if (k && w->last)
			w->last->next = k;
	}
	w->last = k;
	return k;
}

static bool is_field(const struct known_field *f, struct span name)
{
	return f->size == name.size && memcmp(f->name, name.data, name.size) == 0;
}

/* The field of that name; most lines of a key name the same ones in the same order. NULL without memory. */
static struct known_field *field_of(struct known_key *k, size_t place, struct span name)
{
	if (place < k->count && is_field(&k->fields[place], name))
		return &k->fields[place];
	for (uint32_t i = 0; i < k->count; i++)
		if (is_field(&k->fields[i], name))
			return &k->fields[i];
	if (k->count == k->capacity) {
		uint32_t capacity = k->capacity ? k->capacity * 2 : 4;
		struct known_field *fields = realloc(k->fields, capacity * sizeof *fields);
		if (!fields)
			return NULL;
		k->fields = fields;
		k->capacity = capacity;
		for (uint32_t i = 0; i < k->count; i++)
			if (fields[i].group)
				fields[i].group->of = &fields[i];
	}
	struct known_field *f = &k->fields[k->count];
	*f = (struct known_field){.name = malloc(name.size + 1), .size = (uint32_t)name.size};
	if (!f->name)
		return NULL;
	memcpy(f->name, name.data, name.size);
	f->plain = !memchr(name.data, '"', name.size) && !memchr(name.data, '\\', name.size);
	k->count++;
	return f;
}

/* --- streams --- */

static enum status make_stream(struct line_writer *w, struct span site, struct span quantity, const struct value *v,
			       uint64_t *out)
{
	struct line_gateway *g = w->gateway;
	const struct registry_change state = {DEVICE_FIELD_STREAM_KIND,
					      span_of_string(stream_kind_token(STREAM_STATE))};
	enum status status = stream_put(engine_streams(g->options.engine), site, quantity, &state,
					v->type == VALUE_TEXT, VALID_ALWAYS_FROM, PRINCIPAL, true, out);
	w->made |= !status;
	atomic_fetch_add(&g->stats.streams_made, !status);
	return status;
}

/* What a field's stream is; a refusal leaves `f->reason`. */
static enum status find_stream(struct line_writer *w, const struct line *line, const struct line_field *field,
			       struct known_field *f)
{
	const struct line_gateway_options *o = &w->gateway->options;
	char site[LINE_NAME_MAX + 1], quantity[LINE_NAME_MAX + 1];
	enum status status = line_map_names(o->map, line->key, line->measurement, field->key, site, quantity);
	f->reason = status == STATUS_NOT_FOUND   ? "no tag says which site it is"
		    : status == STATUS_MALFORMED ? "invalid tag format"
						 : "site or quantity is too long";
	if (status)
		return status;
	struct span a = span_of_string(site), b = span_of_string(quantity);
	status = stream_find(engine_streams(o->engine), a, b, &f->stream);
	if (status == STATUS_NOT_FOUND && o->open)
		status = make_stream(w, a, b, &field->value, &f->stream);
	if (status)
		f->stream = 0;
	f->quality = line_map_quality(line->key, line->measurement);
	f->reason = status == STATUS_NOT_FOUND ? "the stream is not on the list" : "no valid site or quantity";
	return status;
}

/* --- lines --- */

static void refuse(struct line_result *r, const struct line_reader *reader, const struct line *line)
{
	r->refused++;
	if (r->told_count < LINES_REFUSED_TOLD)
		r->told[r->told_count++] = (struct line_refusal){reader->line, line->text, line->reason};
}

/* All fields of the line and their streams, or its reason. */
static enum status hear(struct line_writer *w, struct line *line, size_t *count)
{
	enum status status = w->key_count == KEYS_MAX ? forget_keys(w) : STATUS_OK;
	struct known_key *key = status ? NULL : key_of(w, line->key);
	*count = 0;
	if (!key)
		return status ? status : STATUS_NO_MEMORY;
	while (!(status = line_field_next(line, &w->fields[*count]))) {
		struct known_field *f = field_of(key, *count, w->fields[*count].key);
		if (!f)
			return STATUS_NO_MEMORY;
		if (!f->stream && (status = find_stream(w, line, &w->fields[*count], f))) {
			line->reason = f->reason;
			return status;
		}
		w->fields[*count].value.quality = f->quality;
		w->places[*count] = (uint32_t)(f - key->fields);
		if (++*count == FIELDS_MAX) {
			line->reason = "too many fields";
			return STATUS_TOO_LONG;
		}
	}
	return status == STATUS_END ? STATUS_OK : status;
}

/* A string as the table of texts keeps it. False: too long. */
static bool take_text(struct line_field *f, uint8_t room[2 * VALUE_TEXT_MAX], struct span *out)
{
	*out = (struct span){NULL, 0};
	if (f->value.type != VALUE_TEXT)
		return true;
	*out = span_of(room, line_unescape(f->text, true, room));
	return out->size <= VALUE_TEXT_MAX;
}

static enum status add_line(struct line_writer *w, struct line *line, size_t count)
{
	uint8_t room[2 * VALUE_TEXT_MAX];
	struct span text;
	uint64_t hash;
	for (size_t i = 0; i < count; i++)
		if (!take_text(&w->fields[i], room, &text)) {
			line->reason = "string is too long";
			return STATUS_TOO_LONG;
		} else if (text.data && value_texts_add(w->texts, text, &hash)) {
			line->reason = "no room for more texts";
			return STATUS_FULL;
		}
	for (size_t i = 0; i < count; i++) {
		struct known_field *f = &w->last->fields[w->places[i]];
		enum status status = STATUS_OK;
		take_text(&w->fields[i], room, &text);
		if (w->fields[i].value.type != VALUE_TEXT)
			status = gather(w, f, &w->fields[i].value);
		else
			status = hand_on(w, f->stream, NULL, &w->fields[i].value, text);
		if (status)
			return status;
	}
	return STATUS_OK;
}

static bool is_about_the_line(enum status status)
{
	return status_class(status) == STATUS_CLASS_peer || status == STATUS_INVALID || status == STATUS_FULL;
}

/* Behind `text` and `then`, when that is what comes; else NULL. */
static const uint8_t *behind(const uint8_t *at, const uint8_t *end, const uint8_t *text, size_t size, uint8_t then)
{
	if ((size_t)(end - at) <= size || at[size] != then || memcmp(at, text, size) != 0)
		return NULL;
	return at + size + 1;
}

/* The fields of a line that names those of `key` in their order, its first ones at least: plain numbers all.
 * Returns where the timestamp begins, or NULL. */
static const uint8_t *hear_fields(struct line_writer *w, struct known_key *key, const uint8_t *at, const uint8_t *end,
				  size_t *count)
{
	for (uint32_t i = 0; i < key->count && i + 1 < FIELDS_MAX; i++) {
		struct known_field *f = &key->fields[i];
		struct value *v = &w->fields[i].value;
		if (!f->plain || !f->stream || !(at = behind(at, end, f->name, f->size, '=')) ||
		    !line_number_plain(&at, end, v))
			return NULL;
		v->quality = f->quality;
		uint8_t then = *at++; /* there is one: line_number_plain() */
		*count = i + 1;
		if (then == ' ')
			return at;
		if (then != ',')
			return NULL;
	}
	return NULL;
}

static bool take_stamp(struct line_writer *w, const struct line_reader *r, const uint8_t *at, const uint8_t *stop)
{
	size_t size = (size_t)(stop - at);
	if (size && size == w->stamp_size && memcmp(at, w->stamp, size) == 0)
		return true;
	if (!line_time_plain(r, at, stop, &w->stamp_ms))
		return false;
	w->stamp_size = size <= STAMP_MAX ? size : 0;
	memcpy(w->stamp, at, w->stamp_size);
	return true;
}

/* A line of the key that came behind this one before, with the fields it had, in one pass. STATUS_NOT_FOUND: it is not
 * such a line, or one with something wrong; nothing is done. */
static enum status take_known(struct line_writer *w, struct line_reader *r, size_t *count)
{
	struct known_key *key = w->last ? w->last->next : NULL;
	const uint8_t *start = r->at + (r->line && r->at < r->end && *r->at == '\n');
	const uint8_t *at = key ? behind(start, r->end, key->text, key->size, ' ') : NULL;
	at = at ? hear_fields(w, key, at, r->end, count) : NULL;
	const uint8_t *stop = at ? memchr(at, '\n', (size_t)(r->end - at)) : NULL;
	if (at && !stop)
		stop = r->end;
	if (!at || stop - start > LINE_BYTES_MAX || !take_stamp(w, r, at, stop))
		return STATUS_NOT_FOUND;
	r->at = stop;
	r->line++;
	w->last = key;
	for (size_t i = 0; i < *count; i++) {
		struct value *v = &w->fields[i].value;
		v->time_ms = w->stamp_ms;
		enum status status = gather(w, &key->fields[i], v);
		if (status)
			return status;
	}
	return STATUS_OK;
}

static enum status take_lines(struct line_writer *w, struct line_reader *reader, struct line_result *out)
{
	struct line line;
	enum status status;
	for (;;) {
		size_t count = 0;
		status = take_known(w, reader, &count);
		if (!status) {
			out->lines++;
			out->values += count;
			continue;
		}
		if (status != STATUS_NOT_FOUND)
			return status;
		status = line_next(reader, &line);
		if (status == STATUS_END)
			return STATUS_OK;
		count = 0;
		if (!status)
			status = hear(w, &line, &count);
		if (!status)
			status = add_line(w, &line, count);
		if (status && !is_about_the_line(status))
			return status;
		if (status) {
			refuse(out, reader, &line);
			continue;
		}
		out->lines++;
		out->values += count;
	}
}

static void count_up(struct line_gateway *g, const struct line_result *r, enum status status)
{
	atomic_fetch_add(&g->stats.writes, 1);
	atomic_fetch_add(&g->stats.refused, r->refused);
	if (status) {
		atomic_fetch_add(&g->stats.failed, 1);
		return;
	}
	atomic_fetch_add(&g->stats.lines, r->lines);
	atomic_fetch_add(&g->stats.values, r->values);
}

enum status line_gateway_write(struct line_gateway *g, struct span text, enum line_precision precision,
			       int64_t received_ms, struct line_result *out)
{
	struct line_writer *w;
	struct line_reader reader;
	out->lines = out->values = out->refused = 0;
	out->told_count = 0;
	enum status status = borrow(g, &w);
	if (status)
		return status;
	line_reader_init(&reader, text, precision, received_ms);
	w->stamp_size = 0;
	status = values_writer_begin(w->values, received_ms);
	if (!status)
		status = take_lines(w, &reader, out);
	enum status gathered = hand_on_all(w);
	status = status ? status : gathered;
	enum status synced = sync_made(w), flushed = values_writer_flush(w->values);
	status = status ? status : synced ? synced : flushed;
	count_up(g, out, status);
	give_back(g, w);
	return status;
}

enum status line_gateway_metrics(struct line_gateway *g, struct buf *out)
{
	const struct {
		const char *name, *help;
		uint64_t value;
	} rows[] = {
		{"writes", "Writes of line protocol.", g->stats.writes},
		{"lines", "Lines taken in.", g->stats.lines},
		{"values", "Values taken in.", g->stats.values},
		{"refused", "Lines refused.", g->stats.refused},
		{"failed", "Writes that could not be made durable.", g->stats.failed},
		{"streams_made", "Streams made by what came.", g->stats.streams_made},
	};
	enum status status = STATUS_OK;
	for (size_t i = 0; i < sizeof rows / sizeof *rows && !status; i++)
		status = buf_printf(out,
				    "# HELP zayton_lines_%s_total %s\n# TYPE zayton_lines_%s_total counter\n"
				    "zayton_lines_%s_total %" PRIu64 "\n",
				    rows[i].name, rows[i].help, rows[i].name, rows[i].name, rows[i].value);
	return status;
}
