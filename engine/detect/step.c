/* step.c -- what one report tells: positions and speeds, its items, inputs of the vehicle, the places it is in. */
#include "engine/detect/detect_step.h"
#include "engine/geo/distance.h"

bool report_is_judged(uint16_t flags)
{
	return !(flags & (REPORT_FLAG_NO_FIX | REPORT_FLAG_OFFSET));
}

static void read_alarm(struct step_items *out, const struct report_item *item)
{
	const uint8_t *v = item->value.data;
	size_t size = item->value.size;
	if (size < 5 || out->alarm_count == STEP_ALARMS_MAX)
		return;
	bool typed = item->id != 0x66;
	if (typed && size < 6)
		return;
	/* 64 and 65 say a level behind the type, 67 begins its common block there */
	uint8_t level = (item->id == 0x64 || item->id == 0x65) && size > 6 ? v[6] : 0;
	out->alarms[out->alarm_count].item = item->id;
	out->alarms[out->alarm_count].flag = v[4];
	out->alarms[out->alarm_count].type = typed ? v[5] : 0;
	out->alarms[out->alarm_count].level = level;
	out->alarm_count++;
}

/* Tyres, T/JSATL 12: DWORD id, flag, common block of 19 bytes and the alarm's identifier of 16 or 40, count, 9 bytes a
 * tyre. A tyre's word of type has bits 1..7 for alarms, bit 0 for a report by the clock: each alarm bit is a type. */
static void read_tyres(struct step_items *out, const struct report_item *item)
{
	const uint8_t *v = item->value.data;
	size_t size = item->value.size;
	uint16_t word = 0;
	for (size_t head = 40; head <= 64; head += 24) {
		if (size <= head || size != head + 1 + (size_t)v[head] * 9)
			continue;
		for (size_t i = 0; i < v[head]; i++)
			word |= load_be16(v + head + 2 + i * 9);
		break;
	}
	for (uint8_t bit = 1; bit < 8 && out->alarm_count < STEP_ALARMS_MAX; bit++) {
		if (!(word >> bit & 1))
			continue;
		read_alarm(out, item);
		out->alarms[out->alarm_count - 1].type = bit;
	}
}

/* Of AIS as reports keep it (ingest/marine/marine_report.h): the type in a0, all fields of up to 4 bits one after
 * another in a2: types 1-3 begin with the status, 27 with two bits before it. */
static int16_t nav_status(int16_t type, const uint8_t *flags)
{
	if (type >= 1 && type <= 3)
		return flags[0] >> 4;
	return type == 27 ? flags[0] >> 2 & 15 : -1;
}

static void read_item(struct step_items *out, const struct report_item *item)
{
	if (item->id == 0x03 && item->value.size == 2)
		out->recorder_dkmh =
			load_be16(item->value.data) <= INT16_MAX ? (int16_t)load_be16(item->value.data) : -1;
	else if (item->id == 0x30 && item->value.size == 1)
		out->signal = item->value.data[0];
	else if (item->id == 0x31 && item->value.size == 1)
		out->satellites = item->value.data[0];
	else if (item->id == 0xa0 && item->value.size == 5)
		out->ais_type = item->value.data[0] >> 2;
	else if (item->id == 0xa2 && item->value.size)
		out->nav_status = nav_status(out->ais_type, item->value.data);
	else if (item->id == 0x66)
		read_tyres(out, item);
	else if (item->id == 0x64 || item->id == 0x65 || item->id == 0x67)
		read_alarm(out, item);
}

const struct step_items *step_items(struct step *st)
{
	struct step_items *items = &st->items;
	if (items->read)
		return items;
	items->read = true;
	items->recorder_dkmh = items->signal = items->satellites = -1;
	items->ais_type = items->nav_status = -1;
	items->alarm_count = 0;
	struct cursor c = cursor_of(span_of(st->r->items, st->r->items_size));
	struct report_item item;
	while (report_item_next(&c, &item) == STATUS_OK)
		read_item(items, &item);
	return items;
}

static enum tristate item_input(const struct report *r, const struct rule_input *input)
{
	struct cursor c = cursor_of(span_of(r->items, r->items_size));
	struct report_item item;
	while (report_item_next(&c, &item) == STATUS_OK)
		if (item.id == input->item && item.value.size > input->byte)
			return item.value.data[input->byte] & input->mask ? YES : NO;
	return EITHER;
}

enum tristate step_input(struct step *st, const struct rule_input *input)
{
	if (!input->known)
		return EITHER;
	if (input->of_item)
		return item_input(st->r, input);
	return input_of_status(input, st->r->status);
}

int64_t step_leg(struct step *st)
{
	const struct fix *f = &st->s->fix;
	if (st->leg_mm < 0)
		st->leg_mm = distance_mm(f->lat_e7, f->lon_e7, st->r->lat_e7, st->r->lon_e7);
	return st->leg_mm;
}

/* Mean over the leg from the last fix, for legs within the default gap. */
static int32_t position_speed(struct step *st)
{
	const struct fix *f = &st->s->fix;
	if (!st->judged || f->time_ms == TIME_NONE)
		return -1;
	int64_t dt_ms = st->now - f->time_ms;
	if (dt_ms < MS_PER_SECOND || dt_ms > FACT_GAP_DEFAULT_MS)
		return -1;
	int64_t dkmh = step_leg(st) * 36 / dt_ms;
	return dkmh > INT32_MAX ? INT32_MAX : (int32_t)dkmh;
}

int32_t step_speed(struct step *st, unsigned speed_of)
{
	if (speed_of == 1)
		return step_items(st)->recorder_dkmh;
	if (speed_of == 2)
		return position_speed(st);
	return st->r->speed_dkmh == SPEED_UNKNOWN ? -1 : st->r->speed_dkmh;
}

static void find_inputs(struct step *st)
{
	const struct rulebook *book = st->plan->book;
	if (!book)
		return;
	st->loaded = (uint8_t)step_input(st, &book->inputs.load);
	if (st->loaded == YES)
		st->have |= NEED_LOADED;
}

/* A first look at the items: most reports have none that a rule would read. */
static uint32_t have_of_items(const struct report *r)
{
	const uint8_t *v = r->items;
	size_t at = 0, size = r->items_size;
	uint32_t have = size ? NEED_ITEMS : 0;
	while (size - at >= 2 && v[at + 1] <= size - at - 2) {
		if (v[at] >= 0x64 && v[at] <= 0x67)
			have |= NEED_ASSIST;
		if (v[at] == 0x31 && v[at + 1] == 1 && v[at + 2] == 0)
			have |= NEED_BLIND;
		at += 2u + v[at + 1];
	}
	return have;
}

/* Whether the load, the lift or a stand may say that it was tipped. */
static bool may_be_tipped(const struct step *st)
{
	bool gone = st->s->last.loaded == YES && st->loaded == NO;
	return gone || st->r->items_size || st->cls->tips_unseen;
}

static void find_have(struct step *st)
{
	const struct report *r = st->r;
	const struct detect_state *s = st->s;
	find_inputs(st);
	st->have |= s->subject.have;
	st->have |= st->moving == YES ? NEED_MOVING : 0;
	st->have |= have_of_items(r);
	st->have |= r->alarm ? NEED_ALARM : 0;
	st->have |= r->flags & REPORT_FLAG_NO_FIX ? NEED_NO_FIX : 0;
	st->have |= st->judged ? NEED_JUDGED : 0;
	st->have |= st->now >= s->subject.due_first_ms ? NEED_DUE : 0;
	st->have |= may_be_tipped(st) ? NEED_TIPPED : 0;
	st->have |= anchor_may_be_frozen(&s->anchor, r) ? NEED_ANCHOR : 0;
	if (s->last.time_ms != TIME_NONE && st->now - s->last.time_ms > st->cls->pause_ms)
		st->have |= NEED_PAUSE;
	if (st->judged && fix_may_leap(&s->fix, r->lat_e7, r->lon_e7, st->now, st->cls->leap_dkmh))
		st->have |= NEED_LEAP;
}

/* Where the report is, and what lies between it and the one before. */
static enum status find_places(struct step *st)
{
	struct detect_state *s = st->s;
	const struct class_plan *c = st->cls;
	const struct geo_point at = {st->r->lat_e7, st->r->lon_e7};
	enum status status = places_find(st->d, &s->cursor, at, st->now, c->place_bits,
					 looks_everywhere(c, &s->subject), &st->places);
	if (status == STATUS_OK && c->segment_bits)
		status = places_crossed(st->d, &s->cursor, &s->fix, at, st->now, c->segment_bits, &st->crossed);
	return status;
}

enum status step_begin(struct step *st, struct detect_state *s, const struct detector *d, const struct report *r,
		       struct detect_sink *sink)
{
	st->s = s;
	st->d = d;
	st->plan = s->plan;
	st->cls = &s->plan->classes[s->subject.class_code];
	st->r = r;
	st->sink = sink;
	st->now = r->time_ms;
	st->judged = report_is_judged(r->flags);
	st->moving = (uint8_t)moving_of(r->speed_dkmh);
	st->loaded = EITHER;
	st->have = 0;
	st->entry = 0;
	st->items.read = false;
	st->leg_mm = -1;
	bool stale = r->flags & REPORT_FLAG_NO_FIX && s->fix.time_ms != TIME_NONE;
	st->lat_e7 = stale ? s->fix.lat_e7 : r->lat_e7;
	st->lon_e7 = stale ? s->fix.lon_e7 : r->lon_e7;
	find_have(st);
	places_none(&st->places);
	places_none(&st->crossed);
	return st->judged ? find_places(st) : STATUS_OK;
}

void step_end(struct step *st)
{
	places_free(&st->places);
	places_free(&st->crossed);
}
