/* fence_row.c -- a fence as bytes, and what makes a fence sound.
 *
 * A fence as bytes, big-endian, version 1:
 *    size
 *       1   row version, 1
 *   1 + n   id: length and bytes
 *   1 + n   name: length and bytes
 *       4   version
 *      16   valid_from_ms, valid_to_ms
 *       3   schedule: days, number of hours h, number of seasons s
 *   8 * h   from_s, to_s
 *   8 * s   from_s, to_s
 *      16   from_ms, to_ms of the schedule's span
 *       1   number of tags
 *   1 + n   each tag: length and bytes, in order of their bytes
 *       2   limit_dkmh
 *       8   length_mm
 *       4   rings r, 0: no area
 *   4 * r   ring_ends, ascending
 *   8 * p   lat_e7, lon_e7 of the p = last ring_end points
 * One fence has one row: what decodes encodes to the same bytes again. */
#include <stdlib.h>

#include "engine/core/utf8.h"
#include "engine/detect/fence_set.h"

#define VERSION 1
#define DAY_S 86400
#define LEAP_YEAR_S (366 * DAY_S)

static bool text_sound(const char *text, size_t room, bool id)
{
	const char *end = memchr(text, 0, room);
	if (!end)
		return false;
	struct span s = span_of(text, (size_t)(end - text));
	if (id && (s.size == 0 || memchr(text, ' ', s.size) || memchr(text, '/', s.size)))
		return false;
	return utf8_printable(s);
}

static bool schedule_sound(const struct schedule *s)
{
	if (s->days > 0x7f || s->hours_count > SCHEDULE_HOURS_MAX || s->seasons_count > SCHEDULE_SEASONS_MAX)
		return false;
	for (unsigned i = 0; i < s->hours_count; i++)
		if (s->hours[i].from_s < 0 || s->hours[i].from_s >= DAY_S || s->hours[i].to_s < 1 ||
		    s->hours[i].to_s > DAY_S)
			return false;
	for (unsigned i = 0; i < s->seasons_count; i++)
		if (s->seasons[i].from_s < 0 || s->seasons[i].from_s > LEAP_YEAR_S || s->seasons[i].to_s < 0 ||
		    s->seasons[i].to_s > LEAP_YEAR_S)
			return false;
	return true;
}

enum status fence_check(const struct fence *f)
{
	if (!text_sound(f->id, sizeof f->id, true) || !text_sound(f->name, sizeof f->name, false) ||
	    !schedule_sound(&f->when) || f->valid_from_ms >= f->valid_to_ms || f->length_mm < 0 ||
	    f->tag_count > FENCE_TAGS_MAX)
		return STATUS_INVALID;
	for (unsigned i = 0; i < f->tag_count; i++)
		if (!tag_text(f->tags[i])[0] || (i && f->tags[i - 1] >= f->tags[i]))
			return STATUS_INVALID;
	return STATUS_OK;
}

/* --- encoding: the first failure stays in `status` --- */

struct writer {
	struct buf *out;
	enum status status;
};

static void put_u8(struct writer *w, uint8_t v)
{
	if (!w->status)
		w->status = buf_append_u8(w->out, v);
}

static void put_be32(struct writer *w, uint32_t v)
{
	if (!w->status)
		w->status = buf_append_be32(w->out, v);
}

static void put_be64(struct writer *w, int64_t v)
{
	if (!w->status)
		w->status = buf_append_be64(w->out, (uint64_t)v);
}

static void put_text(struct writer *w, const char *text)
{
	size_t size = strlen(text);
	put_u8(w, (uint8_t)size);
	if (!w->status)
		w->status = buf_append(w->out, text, size);
}

static void put_schedule(struct writer *w, const struct schedule *s)
{
	put_u8(w, s->days);
	put_u8(w, s->hours_count);
	put_u8(w, s->seasons_count);
	for (unsigned i = 0; i < s->hours_count; i++) {
		put_be32(w, (uint32_t)s->hours[i].from_s);
		put_be32(w, (uint32_t)s->hours[i].to_s);
	}
	for (unsigned i = 0; i < s->seasons_count; i++) {
		put_be32(w, (uint32_t)s->seasons[i].from_s);
		put_be32(w, (uint32_t)s->seasons[i].to_s);
	}
	put_be64(w, s->from_ms);
	put_be64(w, s->to_ms);
}

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void put_tags(struct writer *w, const struct fence *f)
{
	const char *texts[FENCE_TAGS_MAX] = {NULL};
	for (unsigned i = 0; i < f->tag_count; i++)
		texts[i] = tag_text(f->tags[i]);
	qsort(texts, f->tag_count, sizeof texts[0], compare_texts);
	put_u8(w, f->tag_count);
	for (unsigned i = 0; i < f->tag_count; i++)
		put_text(w, texts[i]);
}

static void put_area(struct writer *w, const struct fence_area *area)
{
	put_be32(w, area ? area->ring_count : 0);
	for (uint32_t i = 0; area && i < area->ring_count; i++)
		put_be32(w, area->ring_ends[i]);
	for (uint32_t i = 0; area && i < area->point_count; i++) {
		put_be32(w, (uint32_t)area->points[i].lat_e7);
		put_be32(w, (uint32_t)area->points[i].lon_e7);
	}
}

enum status fence_encode(const struct fence *f, struct buf *out)
{
	enum status status = fence_check(f);
	if (status)
		return status;
	size_t before = out->size;
	struct writer w = {out, STATUS_OK};
	put_u8(&w, VERSION);
	put_text(&w, f->id);
	put_text(&w, f->name);
	put_be32(&w, f->version);
	put_be64(&w, f->valid_from_ms);
	put_be64(&w, f->valid_to_ms);
	put_schedule(&w, &f->when);
	put_tags(&w, f);
	put_u8(&w, (uint8_t)(f->limit_dkmh >> 8));
	put_u8(&w, (uint8_t)f->limit_dkmh);
	put_be64(&w, f->length_mm);
	put_area(&w, f->area);
	if (w.status)
		out->size = before;
	return w.status;
}

/* --- decoding --- */

static void take_text(struct cursor *c, char *out, size_t max)
{
	size_t size = cursor_u8(c);
	struct span text = cursor_take(c, size <= max ? size : SIZE_MAX);
	if (memchr(text.data, 0, text.size))
		c->failed = true;
	memcpy(out, text.data, text.size);
	out[text.size] = '\0';
}

static void take_schedule(struct cursor *c, struct schedule *s)
{
	s->days = cursor_u8(c);
	s->hours_count = cursor_u8(c);
	s->seasons_count = cursor_u8(c);
	if (s->hours_count > SCHEDULE_HOURS_MAX || s->seasons_count > SCHEDULE_SEASONS_MAX) {
		c->failed = true;
		return;
	}
	for (unsigned i = 0; i < s->hours_count; i++) {
		s->hours[i].from_s = (int32_t)cursor_be32(c);
		s->hours[i].to_s = (int32_t)cursor_be32(c);
	}
	for (unsigned i = 0; i < s->seasons_count; i++) {
		s->seasons[i].from_s = (int32_t)cursor_be32(c);
		s->seasons[i].to_s = (int32_t)cursor_be32(c);
	}
	s->from_ms = (int64_t)cursor_be64(c);
	s->to_ms = (int64_t)cursor_be64(c);
}

static int compare_numbers(const void *a, const void *b)
{
	return *(const uint16_t *)a - *(const uint16_t *)b;
}

/* Words ascending in the row, numbers ascending in the fence. */
static enum status take_tags(struct cursor *c, struct fence *f)
{
	char text[TAG_MAX + 1], last[TAG_MAX + 1] = "";
	f->tag_count = cursor_u8(c);
	if (f->tag_count > FENCE_TAGS_MAX)
		return STATUS_CORRUPT;
	for (unsigned i = 0; i < f->tag_count; i++) {
		take_text(c, text, TAG_MAX);
		if (c->failed || (i && strcmp(last, text) >= 0))
			return STATUS_CORRUPT;
		enum status status = tag_number(span_of_string(text), &f->tags[i]);
		if (status)
			return status == STATUS_MALFORMED ? STATUS_CORRUPT : status;
		memcpy(last, text, sizeof last);
	}
	qsort(f->tags, f->tag_count, sizeof f->tags[0], compare_numbers);
	return STATUS_OK;
}

/* The last thing in the row. `ends` and `points` have room for what the cursor has left. */
static enum status take_rings(struct cursor *c, uint32_t rings, uint32_t *ends, struct geo_point *points,
			      struct fence_area **out)
{
	for (uint32_t i = 0; i < rings; i++) {
		ends[i] = cursor_be32(c);
		if (ends[i] <= (i ? ends[i - 1] : 0))
			return STATUS_CORRUPT;
	}
	uint32_t count = ends[rings - 1];
	if (cursor_left(c) != (size_t)count * 8)
		return STATUS_CORRUPT;
	for (uint32_t i = 0; i < count; i++) {
		points[i].lat_e7 = (int32_t)cursor_be32(c);
		points[i].lon_e7 = (int32_t)cursor_be32(c);
	}
	enum status status = fence_area_new(points, ends, rings, out);
	if (status == STATUS_INVALID)
		return STATUS_CORRUPT;
	if (!status && (*out)->point_count != count) { /* had points that are dropped: no area was ever written so */
		fence_area_unref(*out);
		*out = NULL;
		return STATUS_CORRUPT;
	}
	return status;
}

static enum status take_area(struct cursor *c, struct fence_area **out)
{
	uint32_t rings = cursor_be32(c);
	*out = NULL;
	if (c->failed || rings > cursor_left(c) / 4)
		return STATUS_CORRUPT;
	if (!rings)
		return cursor_left(c) ? STATUS_CORRUPT : STATUS_OK;
	size_t left = cursor_left(c);
	uint32_t *ends = malloc(rings * sizeof *ends);
	struct geo_point *points = malloc(left / 8 * sizeof *points + sizeof *points);
	enum status status = STATUS_NO_MEMORY;
	if (ends && points)
		status = take_rings(c, rings, ends, points, out);
	free(ends);
	free(points);
	return status;
}

enum status fence_decode(struct span bytes, struct fence *out)
{
	struct cursor c = cursor_of(bytes);
	struct fence f;
	memset(&f, 0, sizeof f);
	unsigned version = cursor_u8(&c);
	if (!c.failed && version != VERSION)
		return STATUS_BAD_VERSION;
	take_text(&c, f.id, FENCE_ID_MAX);
	take_text(&c, f.name, FENCE_NAME_MAX);
	f.version = cursor_be32(&c);
	f.valid_from_ms = (int64_t)cursor_be64(&c);
	f.valid_to_ms = (int64_t)cursor_be64(&c);
	take_schedule(&c, &f.when);
	enum status status = c.failed ? STATUS_CORRUPT : take_tags(&c, &f);
	if (status)
		return status;
	f.limit_dkmh = (uint16_t)(cursor_u8(&c) << 8);
	f.limit_dkmh |= cursor_u8(&c);
	f.length_mm = (int64_t)cursor_be64(&c);
	if (c.failed || fence_check(&f))
		return STATUS_CORRUPT;
	status = take_area(&c, &f.area);
	if (status)
		return status;
	*out = f;
	return STATUS_OK;
}
