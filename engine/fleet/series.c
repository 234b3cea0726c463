#include "engine/fleet/series_read.h"

#include <stdlib.h>

#include "engine/fleet/streams_head.h"

static enum status advance(struct series *s)
{
	enum status status = store_values_next(s->blocks, &s->next);
	s->blocks_left = status == STATUS_OK;
	return status == STATUS_END ? STATUS_OK : status;
}

enum status series_open(struct engine *e, uint64_t stream, int64_t from_ms, int64_t to_ms, struct series **out)
{
	if (from_ms > to_ms)
		return STATUS_INVALID;
	struct series *s = calloc(1, sizeof *s);
	if (!s)
		return STATUS_NO_MEMORY;
	s->texts = streams_texts(engine_streams(e));
	s->from_ms = from_ms;
	s->to_ms = to_ms;
	s->sources = calloc(1, sizeof *s->sources);
	struct series_source *head = s->sources;
	bool whole = false;
	enum status status = head ? STATUS_OK : STATUS_NO_MEMORY;
	/* the head first: what is committed before the snapshot is taken is seen twice and merged, never missed */
	if (!status) {
		s->room = 1;
		status = value_head_copy(&engine_owner(e, stream)->values, stream, from_ms, to_ms, &head->values,
					 &head->count, &whole);
		s->count = head->count > 0;
		if (!s->count) {
			free(head->values);
			head->values = NULL;
		}
	}
	if (!status && !whole)
		status = store_values_open(engine_store(e), stream, from_ms, to_ms, &s->blocks);
	if (!status && !whole)
		status = advance(s);
	if (status) {
		series_close(s);
		return status;
	}
	*out = s;
	return STATUS_OK;
}

void series_close(struct series *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->room; i++)
		free(s->sources[i].values);
	free(s->sources);
	store_values_close(s->blocks);
	free(s->spare);
	free(s->instant);
	buf_deinit(&s->copy);
	free(s);
}

/* --- sources --- */

static enum status reserve_source(struct series *s)
{
	if (s->count < s->room)
		return STATUS_OK;
	size_t room = s->room * 2;
	struct series_source *sources = realloc(s->sources, room * sizeof *sources);
	if (!sources)
		return STATUS_NO_MEMORY;
	memset(sources + s->room, 0, (room - s->room) * sizeof *sources);
	s->sources = sources;
	s->room = room;
	return STATUS_OK;
}

enum status series_open_bytes(struct series *s, struct span block)
{
	struct value *values = s->spare ? s->spare : malloc(VALUE_BLOCK_MAX * sizeof *values);
	size_t count, at = 0;
	s->spare = NULL;
	enum status status = values ? reserve_source(s) : STATUS_NO_MEMORY;
	if (!status)
		status = value_block_decode(block, s->texts, values, &count);
	while (!status && at < count && values[at].time_ms < s->from_ms)
		at++;
	while (!status && count > at && values[count - 1].time_ms > s->to_ms)
		count--;
	if (status || at == count) {
		s->spare = values;
		return status;
	}
	s->sources[s->count++] = (struct series_source){values, at, count, true};
	return STATUS_OK;
}

int64_t series_front(const struct series *s)
{
	int64_t front_ms = INT64_MAX;
	for (size_t i = 0; i < s->count; i++)
		if (s->sources[i].values[s->sources[i].at].time_ms < front_ms)
			front_ms = s->sources[i].values[s->sources[i].at].time_ms;
	return front_ms;
}

/* Open every block that may hold something at or before the next value. */
static enum status open_due(struct series *s)
{
	enum status status = STATUS_OK;
	while (!status && s->blocks_left && (!s->count || s->next.header.time_first_ms <= series_front(s))) {
		status = series_open_bytes(s, s->next.bytes);
		if (!status)
			status = advance(s);
	}
	return status;
}

static void drop_source(struct series *s, size_t i)
{
	struct series_source spent = s->sources[i];
	s->sources[i] = s->sources[--s->count];
	s->sources[s->count].values = NULL;
	if (spent.is_block && !s->spare)
		s->spare = spent.values;
	else
		free(spent.values);
}

/* --- instants --- */

static enum status put_instant(struct series *s, const struct value *v)
{
	if (s->instant_count == s->instant_room) {
		size_t room = s->instant_room ? s->instant_room * 2 : 4;
		struct value *instant = realloc(s->instant, room * sizeof *instant);
		if (!instant)
			return STATUS_NO_MEMORY;
		s->instant = instant;
		s->instant_room = room;
	}
	s->instant[s->instant_count++] = *v;
	return STATUS_OK;
}

/* All values of the next instant, in order, the same merged. */
static enum status take_instant(struct series *s)
{
	enum status status = open_due(s);
	s->instant_count = s->instant_at = 0;
	if (status || !s->count)
		return status ? status : STATUS_END;
	int64_t front_ms = series_front(s);
	for (size_t i = 0; i < s->count && !status;) {
		struct series_source *source = &s->sources[i];
		while (!status && source->at < source->count && source->values[source->at].time_ms == front_ms)
			status = put_instant(s, &source->values[source->at++]);
		if (source->at == source->count)
			drop_source(s, i);
		else
			i++;
	}
	if (s->instant_count > 1)
		s->instant_count = values_normalise(s->instant, s->instant_count);
	return status;
}

enum status series_next_any(struct series *s, struct value *out, bool *stands)
{
	if (s->instant_at == s->instant_count) {
		enum status status = take_instant(s);
		if (status)
			return status;
	}
	*out = s->instant[s->instant_at++];
	*stands = s->instant_at == s->instant_count;
	return STATUS_OK;
}

/* One source whose next two values differ in time, and no block due: most values. */
static bool next_plain(struct series *s, struct value *out)
{
	struct series_source *source = s->sources;
	if (s->count != 1 || s->instant_at < s->instant_count || source->at + 1 >= source->count)
		return false;
	const struct value *v = &source->values[source->at];
	if (v[1].time_ms == v->time_ms || (s->blocks_left && s->next.header.time_first_ms <= v->time_ms))
		return false;
	*out = *v;
	source->at++;
	return true;
}

enum status series_next(struct series *s, struct value *out)
{
	bool stands = false;
	enum status status = STATUS_OK;
	if (next_plain(s, out))
		return STATUS_OK;
	while (!status && !stands)
		status = series_next_any(s, out, &stands);
	return status;
}

/* --- whole blocks --- */

enum status series_next_block(struct series *s, struct value_block_header *out)
{
	if (!s->blocks_left || s->instant_at < s->instant_count || s->next.header.time_first_ms < s->from_ms ||
	    s->next.header.time_last_ms > s->to_ms || series_front(s) <= s->next.header.time_last_ms)
		return STATUS_NOT_FOUND;
	/* the view goes with the next row, and that one tells whether this one stands alone */
	buf_clear(&s->copy);
	if (!s->copy.max)
		s->copy = buf_init(VALUE_BLOCK_BYTES_MAX);
	enum status status = buf_append(&s->copy, s->next.bytes.data, s->next.bytes.size);
	if (status)
		return status;
	*out = s->next.header;
	status = advance(s);
	if (status)
		return status;
	if (!s->blocks_left || s->next.header.time_first_ms > out->time_last_ms)
		return STATUS_OK;
	status = series_open_copy(s);
	return status ? status : STATUS_NOT_FOUND;
}

enum status series_open_copy(struct series *s)
{
	return series_open_bytes(s, buf_view(&s->copy));
}

/* --- the last one --- */

enum status series_last(struct engine *e, uint64_t stream, int64_t now_ms, struct value *out, int64_t *seen_ms)
{
	struct value_heads *heads = &engine_owner(e, stream)->values;
	struct series *s;
	struct value v;
	pthread_mutex_lock(&heads->lock);
	const struct value_head *head = value_heads_find(heads, stream);
	bool has = head && head->state.has_last;
	if (has)
		*out = head->state.last;
	*seen_ms = head ? head->state.seen_ms : INT64_MIN;
	pthread_mutex_unlock(&heads->lock);
	if (!has)
		return STATUS_NOT_FOUND;
	/* what was ahead of its receipt when it came may stand by now */
	int64_t until_ms = now_ms > INT64_MAX - FUTURE_SKEW_MAX_MS ? INT64_MAX : now_ms + FUTURE_SKEW_MAX_MS;
	if (out->time_ms >= until_ms)
		return STATUS_OK;
	enum status status = series_open(e, stream, out->time_ms, until_ms, &s);
	if (status)
		return status;
	while (!(status = series_next(s, &v)))
		*out = v;
	series_close(s);
	return status == STATUS_END ? STATUS_OK : status;
}
