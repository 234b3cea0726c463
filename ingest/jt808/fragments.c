#include "ingest/jt808/fragments.h"

#include <stdlib.h>

#include "engine/core/hash.h"

#define BUCKETS 1024 /* a power of two */

struct part {
	uint8_t *data; /* NULL once complete, and for an empty body */
	uint64_t hash;
	uint16_t size;
	bool held;
};

struct set {
	struct fragment_set is;
	bool complete;
	int64_t last_ms;  /* the last new part */
	int64_t asked_ms; /* the last new part or request */
	size_t body_bytes;
	size_t bytes; /* memory of this set */
	struct set *next_in_bucket;
	struct set *older, *newer;
	struct part parts[];
};

struct fragments {
	struct fragment_limits limits;
	struct set *buckets[BUCKETS];
	struct set *oldest, *newest;
	size_t sets, bytes;
	struct buf message;
};

struct fragments *fragments_new(const struct fragment_limits *limits)
{
	struct fragments *f = calloc(1, sizeof *f);
	if (f) {
		f->limits = *limits;
		f->message = buf_init(MESSAGE_BYTES_MAX);
	}
	return f;
}

static struct set **bucket_of(struct fragments *f, uint64_t terminal)
{
	return &f->buckets[hash64(span_of(&terminal, sizeof terminal)) & (BUCKETS - 1)];
}

/* --- the list by age --- */

static void unlink_age(struct fragments *f, struct set *s)
{
	*(s->older ? &s->older->newer : &f->oldest) = s->newer;
	*(s->newer ? &s->newer->older : &f->newest) = s->older;
	s->older = s->newer = NULL;
}

static void append_age(struct fragments *f, struct set *s, int64_t now_ms)
{
	s->last_ms = s->asked_ms = now_ms;
	s->older = f->newest;
	*(f->newest ? &f->newest->newer : &f->oldest) = s;
	f->newest = s;
}

/* --- sets --- */

static void drop_data(struct fragments *f, struct set *s)
{
	for (unsigned i = 0; i < s->is.total; i++) {
		free(s->parts[i].data);
		s->parts[i].data = NULL;
	}
	f->bytes -= s->body_bytes;
	s->bytes -= s->body_bytes;
	s->body_bytes = 0;
}

static void drop_set(struct fragments *f, struct set *s)
{
	struct set **at = bucket_of(f, s->is.terminal);
	while (*at != s)
		at = &(*at)->next_in_bucket;
	*at = s->next_in_bucket;
	unlink_age(f, s);
	drop_data(f, s);
	f->bytes -= s->bytes;
	f->sets--;
	free(s);
}

void fragments_free(struct fragments *f)
{
	if (!f)
		return;
	while (f->oldest)
		drop_set(f, f->oldest);
	buf_deinit(&f->message);
	free(f);
}

static bool same_set(const struct fragment_set *a, const struct fragment_set *b)
{
	return a->terminal == b->terminal && a->message_id == b->message_id && a->first_serial == b->first_serial &&
	       a->total == b->total;
}

static struct set *find_set(const struct fragments *f, const struct fragment_set *key)
{
	struct set *s = *bucket_of((struct fragments *)f, key->terminal);
	while (s && !same_set(&s->is, key))
		s = s->next_in_bucket;
	return s;
}

static void terminal_use(struct fragments *f, uint64_t terminal, size_t *out_sets, size_t *out_bytes)
{
	*out_sets = *out_bytes = 0;
	for (struct set *s = *bucket_of(f, terminal); s; s = s->next_in_bucket)
		if (s->is.terminal == terminal) {
			*out_bytes += s->bytes;
			++*out_sets;
		}
}

/* Forget the oldest complete set, of `*terminal` or (NULL) of anyone: what is being received matters more. */
static bool evict_complete(struct fragments *f, const uint64_t *terminal)
{
	for (struct set *s = f->oldest; s; s = s->newer)
		if (s->complete && (!terminal || s->is.terminal == *terminal)) {
			drop_set(f, s);
			return true;
		}
	return false;
}

/* Room for `extra` more bytes in `sets` more sets (0 or 1). */
static enum status make_room(struct fragments *f, uint64_t terminal, size_t sets, size_t extra)
{
	const struct fragment_limits *l = &f->limits;
	for (;;) {
		size_t own_sets, own_bytes;
		terminal_use(f, terminal, &own_sets, &own_bytes);
		bool too_long = own_bytes + extra > l->terminal_bytes_max;
		bool too_many = sets && own_sets >= l->terminal_sets_max;
		if (!too_long && !too_many)
			break;
		if (!evict_complete(f, &terminal))
			return too_long ? STATUS_TOO_LONG : STATUS_FULL;
	}
	while (f->bytes + extra > l->bytes_max || f->sets + sets > l->sets_max)
		if (!evict_complete(f, NULL))
			return STATUS_FULL;
	return STATUS_OK;
}

static enum status make_set(struct fragments *f, const struct fragment_set *key, int64_t now_ms, struct set **out)
{
	size_t bytes = sizeof(struct set) + key->total * sizeof(struct part);
	enum status status = make_room(f, key->terminal, 1, bytes);
	if (status)
		return status;
	struct set *s = calloc(1, bytes);
	if (!s)
		return STATUS_NO_MEMORY;
	struct set **bucket = bucket_of(f, key->terminal);
	s->is = *key;
	s->bytes = bytes;
	s->next_in_bucket = *bucket;
	*bucket = s;
	append_age(f, s, now_ms);
	f->bytes += bytes;
	f->sets++;
	*out = s;
	return STATUS_OK;
}

/* --- parts --- */

static enum status store_part(struct fragments *f, struct set *s, struct part *p, struct span body)
{
	if (s->body_bytes + body.size > MESSAGE_BYTES_MAX)
		return STATUS_TOO_LONG;
	enum status status = make_room(f, s->is.terminal, 0, body.size);
	if (status)
		return status;
	if (body.size) {
		p->data = malloc(body.size);
		if (!p->data)
			return STATUS_NO_MEMORY;
		memcpy(p->data, body.data, body.size);
	}
	p->size = (uint16_t)body.size;
	p->hash = hash64(body);
	p->held = true;
	s->is.held++;
	s->body_bytes += body.size;
	s->bytes += body.size;
	f->bytes += body.size;
	return STATUS_OK;
}

static enum status join(struct fragments *f, struct set *s, struct span *out_message)
{
	buf_clear(&f->message);
	enum status status = buf_reserve(&f->message, s->body_bytes);
	for (unsigned i = 0; i < s->is.total && !status; i++)
		status = buf_append(&f->message, s->parts[i].data, s->parts[i].size);
	if (status)
		return status;
	*out_message = buf_view(&f->message);
	s->complete = true;
	drop_data(f, s);
	return STATUS_OK;
}

static enum status key_of(uint64_t terminal, const struct jt808_header *h, struct fragment_set *out)
{
	if (h->fragment_index == 0 || h->fragment_index > h->fragment_total || h->fragment_total > FRAGMENTS_PARTS_MAX)
		return STATUS_OUT_OF_RANGE;
	*out = (struct fragment_set){.terminal = terminal,
				     .message_id = h->message_id,
				     .first_serial = (uint16_t)(h->serial - (h->fragment_index - 1)),
				     .total = h->fragment_total};
	return STATUS_OK;
}

static bool same_bytes(const struct part *p, struct span body)
{
	return p->size == body.size && p->hash == hash64(body);
}

enum status fragments_add(struct fragments *f, uint64_t terminal, const struct jt808_header *h, int64_t now_ms,
			  struct fragment_set *out_set, struct span *out_message)
{
	enum status status = key_of(terminal, h, out_set);
	if (status)
		return status;
	unsigned at = h->fragment_index - 1u;
	struct set *s = find_set(f, out_set);
	if (s && s->parts[at].held) {
		if (same_bytes(&s->parts[at], h->body)) {
			*out_set = s->is;
			return STATUS_EXISTS;
		}
		drop_set(f, s);
		s = NULL;
	}
	if (!s) {
		status = make_set(f, out_set, now_ms, &s);
		if (status)
			return status;
	}
	status = store_part(f, s, &s->parts[at], h->body);
	*out_set = s->is;
	if (status == STATUS_TOO_LONG || (status && s->is.held == 0))
		drop_set(f, s);
	if (status)
		return status;
	unlink_age(f, s);
	append_age(f, s, now_ms);
	if (s->is.held < s->is.total)
		return STATUS_NEED_MORE;
	status = join(f, s, out_message);
	if (status)
		drop_set(f, s);
	return status;
}

enum status fragments_expire(struct fragments *f, int64_t now_ms, struct fragment_set *out_set)
{
	while (f->oldest && now_ms - f->oldest->last_ms >= f->limits.expiry_ms) {
		bool complete = f->oldest->complete;
		*out_set = f->oldest->is;
		drop_set(f, f->oldest);
		if (!complete)
			return STATUS_OK;
	}
	return STATUS_END;
}

enum status fragments_ask(struct fragments *f, int64_t now_ms, int64_t idle_ms, struct fragment_set *out_set)
{
	for (struct set *s = f->oldest; s && now_ms - s->last_ms >= idle_ms; s = s->newer) {
		if (s->complete || now_ms - s->asked_ms < idle_ms)
			continue;
		s->asked_ms = now_ms;
		*out_set = s->is;
		return STATUS_OK;
	}
	return STATUS_END;
}

size_t fragments_missing(const struct fragments *f, const struct fragment_set *set, uint16_t *out, size_t max)
{
	const struct set *s = find_set(f, set);
	size_t count = 0;
	for (unsigned i = 0; s && i < s->is.total && count < max; i++)
		if (!s->parts[i].held)
			out[count++] = (uint16_t)(i + 1);
	return count;
}

void fragments_forget(struct fragments *f, uint64_t terminal)
{
	for (struct set *s = *bucket_of(f, terminal), *next; s; s = next) {
		next = s->next_in_bucket;
		if (s->is.terminal == terminal)
			drop_set(f, s);
	}
}

size_t fragments_bytes(const struct fragments *f)
{
	return f->bytes;
}
