/* state_codec.c -- a device's state as bytes: sparse, and the same state is the same bytes.
 *
 * Version 1. Numbers are varints (LEB128); signed ones zigzag; T(x) is a time as zigzag difference from the last
 * report's time, or from 0 before the first; P(x) is a position as two zigzag differences from the last report's.
 *
 *   u8       version, 1
 *   be64     device
 *   varint   HAS_* bits: what follows
 *   be64     driver                                                HAS_DRIVER
 *   the last report                                                HAS_LAST
 *     zigzag time_ms (within TIME_MAX_MS) | be64 hash | zigzag lat, lon | varint status, mileage + 1 (0 unknown), speed
 * | u8 flags, loaded the last fix: T(time), P, varint speed                         HAS_FIX; left out, but there, when
 * HAS_FIX_IS_LAST T(stand)                                                       HAS_STAND T(ticked) HAS_TICKED drive:
 * T(from), T(last), T(told), be64 driver, P(from), P(last)  HAS_DRIVE anchor: T(time), P, varint mileage HAS_ANCHOR
 *   varint   number of entries, each:                              HAS_EPISODES
 *     u8 length and bytes of the rule's id | the same of the fence's id, and when it has one varint fence version
 *     u8 kind, flags, confidence, bands reached | varint points | be64 rule version, driver
 *     T(start), T(last), T(seen) | u8 1: T(found), 2: T(fail) | T... of those | zigzag base | P(start), P(last)
 *     varint bits of the numbers known, each zigzag | u8 bits of the bands held, each T(since), varint points
 *
 * Entries are in order of (rule id, fence id, version, start); visits have no rule id and come last. */
#include <stdlib.h>

#include "engine/detect/detect_step.h"

#define VERSION 1

#define HAS_DRIVER 0x001u
#define HAS_LAST 0x002u
#define HAS_FIX 0x004u
#define HAS_FIX_IS_LAST 0x008u
#define HAS_STAND 0x010u
#define HAS_TICKED 0x020u
#define HAS_DRIVE 0x040u
#define HAS_ANCHOR 0x080u
#define HAS_EPISODES 0x100u
#define HAS_ALL 0x1ffu

#define NUMBER_MAX (INT64_C(1) << 60)

#define ENTRY_FOUND 1u
#define ENTRY_FAILS 2u

/* --- writing: the first failure stays --- */

struct writer {
	struct buf *out;
	enum status status;
	const struct last_report *last; /* what differences are from */
};

static void put_u8(struct writer *w, unsigned v)
{
	if (w->status == STATUS_OK)
		w->status = buf_append_u8(w->out, (uint8_t)v);
}

static void put_be64(struct writer *w, uint64_t v)
{
	if (w->status == STATUS_OK)
		w->status = buf_append_be64(w->out, v);
}

static void put_varint(struct writer *w, uint64_t v)
{
	if (w->status == STATUS_OK)
		w->status = buf_append_varint(w->out, v);
}

static void put_signed(struct writer *w, int64_t v)
{
	put_varint(w, zigzag64(v));
}

static int64_t time_origin(const struct last_report *last)
{
	return last->time_ms == TIME_NONE ? 0 : last->time_ms;
}

/* Differences wrap, and wrap back. */
static void put_time(struct writer *w, int64_t time_ms)
{
	put_signed(w, (int64_t)((uint64_t)time_ms - (uint64_t)time_origin(w->last)));
}

static void put_position(struct writer *w, int32_t lat_e7, int32_t lon_e7)
{
	put_signed(w, (int64_t)lat_e7 - w->last->lat_e7);
	put_signed(w, (int64_t)lon_e7 - w->last->lon_e7);
}

static void put_text(struct writer *w, const char *text, size_t max)
{
	size_t size = strnlen(text, max);
	put_u8(w, (unsigned)size);
	if (w->status == STATUS_OK)
		w->status = buf_append(w->out, text, size);
}

static void put_last(struct writer *w, const struct last_report *last)
{
	put_signed(w, last->time_ms);
	put_be64(w, last->hash);
	put_signed(w, last->lat_e7);
	put_signed(w, last->lon_e7);
	put_varint(w, last->status);
	put_varint(w, (uint32_t)(last->mileage_hm + 1)); /* unknown is 2^32 - 1 */
	put_varint(w, last->speed_dkmh);
	put_u8(w, last->flags);
	put_u8(w, last->loaded);
}

static void put_drive(struct writer *w, const struct drive *v)
{
	put_time(w, v->from_ms);
	put_time(w, v->last_ms);
	put_time(w, v->told_ms);
	put_be64(w, v->driver);
	put_position(w, v->from_lat_e7, v->from_lon_e7);
	put_position(w, v->last_lat_e7, v->last_lon_e7);
}

static void put_numbers(struct writer *w, const struct episode *e)
{
	unsigned known = 0, held = 0;
	for (unsigned i = 0; i < FINDING_NUMBER_COUNT; i++)
		known |= e->numbers[i] == NUMBER_UNKNOWN ? 0 : 1u << i;
	put_varint(w, known);
	for (unsigned i = 0; i < FINDING_NUMBER_COUNT; i++)
		if (known >> i & 1)
			put_signed(w, e->numbers[i]);
	for (unsigned i = 0; i < BANDS; i++)
		held |= e->bands[i].since_ms == TIME_NONE ? 0 : 1u << i;
	put_u8(w, held);
	for (unsigned i = 0; i < BANDS; i++)
		if (held >> i & 1) {
			put_time(w, e->bands[i].since_ms);
			put_varint(w, e->bands[i].points);
		}
}

static void put_episode(struct writer *w, const struct episode *e)
{
	unsigned times = (e->found_ms != TIME_NONE ? ENTRY_FOUND : 0) | (e->fail_ms != TIME_NONE ? ENTRY_FAILS : 0);
	put_text(w, e->rule_id, RULE_ID_MAX);
	put_text(w, e->fence_id, FENCE_ID_MAX);
	if (e->fence_id[0])
		put_varint(w, e->fence_version);
	put_u8(w, e->kind);
	put_u8(w, e->flags & EPISODE_KEPT);
	put_u8(w, e->confidence);
	put_u8(w, e->band_reached);
	put_varint(w, e->points);
	put_be64(w, e->rule_version);
	put_be64(w, e->driver);
	put_time(w, e->start_ms);
	put_time(w, e->last_ms);
	put_time(w, e->seen_ms);
	put_u8(w, times);
	if (times & ENTRY_FOUND)
		put_time(w, e->found_ms);
	if (times & ENTRY_FAILS)
		put_time(w, e->fail_ms);
	put_signed(w, e->base);
	put_position(w, e->start_lat_e7, e->start_lon_e7);
	put_position(w, e->last_lat_e7, e->last_lon_e7);
	put_numbers(w, e);
}

static bool fix_is_last(const struct detect_state *s)
{
	const struct last_report *l = &s->last;
	return s->fix.time_ms == l->time_ms && s->fix.lat_e7 == l->lat_e7 && s->fix.lon_e7 == l->lon_e7 &&
	       s->fix.speed_dkmh == l->speed_dkmh;
}

static unsigned state_has(const struct detect_state *s)
{
	unsigned has = s->driver ? HAS_DRIVER : 0;
	has |= s->last.time_ms != TIME_NONE ? HAS_LAST : 0;
	if (s->fix.time_ms != TIME_NONE)
		has |= fix_is_last(s) ? HAS_FIX_IS_LAST : HAS_FIX;
	has |= s->stand_ms != TIME_NONE ? HAS_STAND : 0;
	has |= s->ticked_ms != TIME_NONE ? HAS_TICKED : 0;
	has |= s->drive.from_ms != TIME_NONE ? HAS_DRIVE : 0;
	has |= s->anchor.time_ms != TIME_NONE ? HAS_ANCHOR : 0;
	return has | (s->count ? HAS_EPISODES : 0);
}

enum status detect_state_encode(const struct detect_state *s, struct buf *out)
{
	struct writer w = {out, STATUS_OK, &s->last};
	unsigned has = state_has(s);
	put_u8(&w, VERSION);
	put_be64(&w, s->device);
	put_varint(&w, has);
	if (has & HAS_DRIVER)
		put_be64(&w, s->driver);
	if (has & HAS_LAST)
		put_last(&w, &s->last);
	if (has & HAS_FIX) {
		put_time(&w, s->fix.time_ms);
		put_position(&w, s->fix.lat_e7, s->fix.lon_e7);
		put_varint(&w, s->fix.speed_dkmh);
	}
	if (has & HAS_STAND)
		put_time(&w, s->stand_ms);
	if (has & HAS_TICKED)
		put_time(&w, s->ticked_ms);
	if (has & HAS_DRIVE)
		put_drive(&w, &s->drive);
	if (has & HAS_ANCHOR) {
		put_time(&w, s->anchor.time_ms);
		put_position(&w, s->anchor.lat_e7, s->anchor.lon_e7);
		put_varint(&w, s->anchor.mileage_hm);
	}
	if (has & HAS_EPISODES)
		put_varint(&w, s->count);
	for (uint32_t i = 0; i < s->count; i++)
		put_episode(&w, &s->episodes[i]);
	return w.status;
}

/* --- reading: what is wrong makes the cursor fail --- */

struct reader {
	struct cursor c;
	struct last_report *last;
};

static uint64_t get_max(struct reader *r, uint64_t max)
{
	uint64_t v = cursor_varint(&r->c);
	if (v > max)
		r->c.failed = true;
	return r->c.failed ? 0 : v;
}

static int64_t get_signed(struct reader *r)
{
	return unzigzag64(cursor_varint(&r->c));
}

static int64_t get_time(struct reader *r)
{
	int64_t time_ms = (int64_t)((uint64_t)get_signed(r) + (uint64_t)time_origin(r->last));
	if (time_ms < -TIME_MAX_MS || time_ms > TIME_MAX_MS)
		r->c.failed = true;
	return r->c.failed ? 0 : time_ms;
}

static int32_t get_coordinate(struct reader *r, int32_t origin_e7, int32_t max_e7)
{
	int64_t v = get_signed(r);
	if (v < -4 * (int64_t)LON_E7_MAX || v > 4 * (int64_t)LON_E7_MAX) {
		r->c.failed = true;
		return 0;
	}
	v += origin_e7;
	if (v < -max_e7 || v > max_e7)
		r->c.failed = true;
	return r->c.failed ? 0 : (int32_t)v;
}

static void get_position(struct reader *r, int32_t *lat_e7, int32_t *lon_e7)
{
	*lat_e7 = get_coordinate(r, r->last->lat_e7, LAT_E7_MAX);
	*lon_e7 = get_coordinate(r, r->last->lon_e7, LON_E7_MAX);
}

static void get_text(struct reader *r, char *out, size_t max)
{
	size_t size = cursor_u8(&r->c);
	struct span text = cursor_take(&r->c, size <= max ? size : SIZE_MAX);
	if (text.size && memchr(text.data, 0, text.size))
		r->c.failed = true;
	if (!r->c.failed && text.size)
		memcpy(out, text.data, text.size);
}

static void get_last(struct reader *r, struct last_report *last)
{
	struct last_report nowhere = {0};
	r->last = &nowhere;
	last->time_ms = get_time(r);
	last->hash = cursor_be64(&r->c);
	get_position(r, &last->lat_e7, &last->lon_e7);
	last->status = (uint32_t)get_max(r, UINT32_MAX);
	last->mileage_hm = (uint32_t)get_max(r, UINT32_MAX) - 1;
	last->speed_dkmh = (uint16_t)get_max(r, UINT16_MAX);
	last->flags = cursor_u8(&r->c);
	last->loaded = cursor_u8(&r->c);
	if (last->loaded > NO)
		r->c.failed = true;
	r->last = last;
}

static void get_drive(struct reader *r, struct drive *v)
{
	v->from_ms = get_time(r);
	v->last_ms = get_time(r);
	v->told_ms = get_time(r);
	v->driver = cursor_be64(&r->c);
	get_position(r, &v->from_lat_e7, &v->from_lon_e7);
	get_position(r, &v->last_lat_e7, &v->last_lon_e7);
}

/* Numbers that no device can reach would overflow later. */
static int64_t get_number(struct reader *r)
{
	int64_t v = get_signed(r);
	if (v < -NUMBER_MAX || v > NUMBER_MAX)
		r->c.failed = true;
	return r->c.failed ? 0 : v;
}

static void get_numbers(struct reader *r, struct episode *e)
{
	uint64_t known = get_max(r, (UINT64_C(1) << FINDING_NUMBER_COUNT) - 1);
	for (unsigned i = 0; i < FINDING_NUMBER_COUNT; i++)
		e->numbers[i] = known >> i & 1 ? get_number(r) : NUMBER_UNKNOWN;
	unsigned held = cursor_u8(&r->c);
	if (held >> BANDS)
		r->c.failed = true;
	for (unsigned i = 0; i < BANDS; i++) {
		bool is_held = held >> i & 1;
		e->bands[i].since_ms = is_held ? get_time(r) : TIME_NONE;
		e->bands[i].points = is_held ? (uint32_t)get_max(r, UINT32_MAX) : 0;
	}
}

/* What port.c reads of its entries is there. */
static bool port_is_sound(const struct episode *e)
{
	bool of_report = strcmp(e->fence_id, "/leave") == 0 || strcmp(e->fence_id, "/enter") == 0;
	return e->fence_id[0] == 0 || e->numbers[of_report ? FINDING_LIMIT : FINDING_OTHER] != NUMBER_UNKNOWN;
}

/* What the kind keeps for itself is what it may be. */
static bool base_is_sound(const struct episode *e)
{
	struct geo_point p = position_unpack(e->base);
	switch (e->kind) {
	case RULE_SECTION_SPEED:
		return e->base > 0 && e->base <= SECTION_LENGTH_MAX_MM;
	case RULE_NO_FIX:
		return e->base >= -1 && e->base < MILEAGE_UNKNOWN;
	case RULE_TWO_PLACES:
	case RULE_DRAG:
	case RULE_LOITER:
	case RULE_DEPART:
	case RULE_PORT_REPORT:
		if (e->kind == RULE_PORT_REPORT && !port_is_sound(e))
			return false;
		return p.lat_e7 >= -LAT_E7_MAX && p.lat_e7 <= LAT_E7_MAX && p.lon_e7 >= -LON_E7_MAX &&
		       p.lon_e7 <= LON_E7_MAX;
	default:
		return e->base == 0;
	}
}

static void get_episode(struct reader *r, struct episode *e)
{
	memset(e, 0, sizeof *e);
	get_text(r, e->rule_id, RULE_ID_MAX);
	get_text(r, e->fence_id, FENCE_ID_MAX);
	if (e->fence_id[0])
		e->fence_version = (uint32_t)get_max(r, UINT32_MAX);
	e->kind = cursor_u8(&r->c);
	e->flags = cursor_u8(&r->c);
	e->confidence = cursor_u8(&r->c);
	e->band_reached = cursor_u8(&r->c);
	e->points = (uint32_t)get_max(r, UINT32_MAX);
	e->rule_version = cursor_be64(&r->c);
	e->driver = cursor_be64(&r->c);
	e->start_ms = get_time(r);
	e->last_ms = get_time(r);
	e->seen_ms = get_time(r);
	unsigned times = cursor_u8(&r->c);
	e->found_ms = times & ENTRY_FOUND ? get_time(r) : TIME_NONE;
	e->fail_ms = times & ENTRY_FAILS ? get_time(r) : TIME_NONE;
	e->base = get_signed(r);
	get_position(r, &e->start_lat_e7, &e->start_lon_e7);
	get_position(r, &e->last_lat_e7, &e->last_lon_e7);
	get_numbers(r, e);
	bool visit = !e->kind;
	if ((e->kind && !rule_kind_exists(e->kind)) || visit != !e->rule_id[0] || (visit && !e->fence_id[0]) ||
	    e->flags & ~EPISODE_KEPT || e->confidence > CONFIDENCE_HIGH || e->band_reached >> BANDS ||
	    !base_is_sound(e) || times & ~(ENTRY_FOUND | ENTRY_FAILS) || e->last_ms < e->start_ms ||
	    e->seen_ms < e->last_ms)
		r->c.failed = true;
}

/* The order that a step relies on; visits behind everything. */
static bool in_order(const struct episode *a, const struct episode *b)
{
	if (!a->kind != !b->kind)
		return !b->kind;
	int c = strcmp(a->rule_id, b->rule_id);
	if (!c)
		c = strcmp(a->fence_id, b->fence_id);
	if (c)
		return c < 0;
	if (a->fence_version != b->fence_version)
		return a->fence_version < b->fence_version;
	return a->start_ms <= b->start_ms;
}

static enum status get_episodes(struct reader *r, struct detect_state *s)
{
	uint32_t count = (uint32_t)get_max(r, EPISODES_MAX);
	/* an entry has no fewer bytes than this: a count that cannot be is not allocated for */
	if (r->c.failed || count == 0 || count > cursor_left(&r->c) / 32)
		return STATUS_CORRUPT;
	s->episodes = calloc(count, sizeof *s->episodes);
	if (!s->episodes)
		return STATUS_NO_MEMORY;
	s->capacity = count;
	for (uint32_t i = 0; i < count && !r->c.failed; i++) {
		get_episode(r, &s->episodes[i]);
		s->count++;
		if (i && !in_order(&s->episodes[i - 1], &s->episodes[i]))
			r->c.failed = true;
	}
	return r->c.failed ? STATUS_CORRUPT : STATUS_OK;
}

static void get_parts(struct reader *r, struct detect_state *s, unsigned has)
{
	if (has & HAS_DRIVER)
		s->driver = cursor_be64(&r->c);
	if (has & HAS_LAST)
		get_last(r, &s->last);
	if (has & HAS_FIX) {
		s->fix.time_ms = get_time(r);
		get_position(r, &s->fix.lat_e7, &s->fix.lon_e7);
		s->fix.speed_dkmh = (uint16_t)get_max(r, UINT16_MAX);
	}
	if (has & HAS_FIX_IS_LAST)
		s->fix = (struct fix){s->last.time_ms, s->last.lat_e7, s->last.lon_e7, s->last.speed_dkmh};
	if (has & HAS_STAND)
		s->stand_ms = get_time(r);
	if (has & HAS_TICKED)
		s->ticked_ms = get_time(r);
	if (has & HAS_DRIVE)
		get_drive(r, &s->drive);
	if (has & HAS_ANCHOR) {
		s->anchor.time_ms = get_time(r);
		get_position(r, &s->anchor.lat_e7, &s->anchor.lon_e7);
		s->anchor.mileage_hm = (uint32_t)get_max(r, UINT32_MAX);
	}
}

/* Without a last report there is nothing else but a driver; no time is after it, but for the clock's. */
static bool is_sound(const struct detect_state *s, unsigned has)
{
	int64_t last_ms = s->last.time_ms;
	if (has & ~HAS_ALL || (has & HAS_FIX && has & HAS_FIX_IS_LAST))
		return false;
	if (!(has & HAS_LAST))
		return !(has & ~HAS_DRIVER);
	if (s->fix.time_ms > last_ms || s->stand_ms > last_ms || s->drive.last_ms > last_ms ||
	    s->drive.from_ms > s->drive.told_ms || s->drive.told_ms > s->drive.last_ms || s->anchor.time_ms > last_ms)
		return false;
	for (uint32_t i = 0; i < s->count; i++)
		if (s->episodes[i].seen_ms > last_ms)
			return false;
	return true;
}

static enum status decode(struct reader *r, struct detect_state *s)
{
	uint8_t version = cursor_u8(&r->c);
	if (!r->c.failed && version != VERSION)
		return STATUS_BAD_VERSION;
	s->device = cursor_be64(&r->c);
	unsigned has = (unsigned)get_max(r, HAS_ALL);
	get_parts(r, s, has);
	if (r->c.failed)
		return STATUS_CORRUPT;
	if (has & HAS_EPISODES) {
		enum status status = get_episodes(r, s);
		if (status != STATUS_OK)
			return status;
	}
	return cursor_left(&r->c) || !is_sound(s, has) ? STATUS_CORRUPT : STATUS_OK;
}

enum status detect_state_decode(struct span bytes, struct detect_state **out)
{
	struct detect_state *s;
	enum status status = detect_state_new(0, &s);
	if (status != STATUS_OK)
		return status;
	struct reader r = {cursor_of(bytes), &s->last};
	status = decode(&r, s);
	if (status != STATUS_OK) {
		detect_state_free(s);
		return status;
	}
	*out = s;
	return STATUS_OK;
}
