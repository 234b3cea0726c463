#include "ingest/marine/ais_assembler.h"

#include <stdlib.h>

#define CHARS_MAX (AIS_BITS_MAX / 6 + 1)
#define STATION_MAX 32

struct waiting {
	bool used;
	bool own;
	uint8_t total, next, sequence, channel;
	uint16_t group_total;
	uint32_t source, group_id;
	int64_t since;
	uint8_t time_by;
	int64_t time_ms;
	uint8_t station_size;
	uint8_t station[STATION_MAX];
	uint16_t size;
	uint8_t chars[CHARS_MAX];
};

struct group {
	uint32_t source, id;
	uint16_t total;
	int64_t since;
	uint8_t time_by;
	int64_t time_ms;
	uint8_t station_size;
	uint8_t station[STATION_MAX];
};

struct ais_assembler {
	int64_t expire;
	unsigned used;
	unsigned next_group, group_count;
	uint64_t counts[AIS_ASSEMBLER_COUNT];
	struct ais_packet packet;
	uint8_t station[STATION_MAX]; /* of `packet`, when it was put together */
	struct waiting waiting[AIS_WAITING_MAX];
	struct group groups[AIS_GROUPS_MAX];
};

enum status ais_assembler_new(int64_t expire, struct ais_assembler **out)
{
	struct ais_assembler *a = calloc(1, sizeof *a);
	if (!a)
		return STATUS_NO_MEMORY;
	a->expire = expire;
	*out = a;
	return STATUS_OK;
}

void ais_assembler_free(struct ais_assembler *a)
{
	free(a);
}

uint64_t ais_assembler_count(const struct ais_assembler *a, enum ais_assembler_count which)
{
	return a->counts[which];
}

/* --- groups --- */

static uint8_t keep_station(struct span station, uint8_t out[STATION_MAX])
{
	size_t size = station.size < STATION_MAX ? station.size : STATION_MAX;
	memcpy(out, station.data, size);
	return (uint8_t)size;
}

static struct group *group_find(struct ais_assembler *a, const struct sentence *s, uint32_t source, int64_t now)
{
	for (unsigned i = 0; i < a->group_count; i++) {
		struct group *g = &a->groups[i];
		if (g->id == s->group_id && g->total == s->group_total && g->source == source &&
		    now - g->since <= a->expire)
			return g;
	}
	return NULL;
}

static void group_begin(struct ais_assembler *a, const struct sentence *s, uint32_t source, int64_t now)
{
	struct group *g = group_find(a, s, source, now);
	if (!g) {
		g = &a->groups[a->next_group];
		a->next_group = (a->next_group + 1) % AIS_GROUPS_MAX;
		a->group_count += a->group_count < AIS_GROUPS_MAX;
	}
	*g = (struct group){.source = source,
			    .id = s->group_id,
			    .total = s->group_total,
			    .since = now,
			    .time_by = s->time_by,
			    .time_ms = s->time_ms};
	g->station_size = keep_station(s->station, g->station);
}

void ais_assembler_group(struct ais_assembler *a, struct sentence *s, uint32_t source, int64_t now)
{
	if (s->group_total < 2)
		return;
	if (s->group_part == 1) {
		group_begin(a, s, source, now);
		return;
	}
	const struct group *g = group_find(a, s, source, now);
	if (!g)
		return;
	if (g->time_by > s->time_by) {
		s->time_by = g->time_by;
		s->time_ms = g->time_ms;
	}
	if (s->station.size == 0)
		s->station = span_of(g->station, g->station_size);
}

/* --- messages --- */

static void give_up(struct ais_assembler *a, struct waiting *w, enum ais_assembler_count why)
{
	w->used = false;
	a->used--;
	a->counts[why]++;
}

void ais_assembler_expire(struct ais_assembler *a, int64_t now)
{
	for (unsigned i = 0; a->used && i < AIS_WAITING_MAX; i++)
		if (a->waiting[i].used && now - a->waiting[i].since > a->expire)
			give_up(a, &a->waiting[i], AIS_ASSEMBLER_EXPIRED);
}

static bool same_key(const struct waiting *w, const struct sentence *s, const struct ais_part *p, uint32_t source)
{
	if (!w->used || w->source != source || w->total != p->total || w->own != p->own)
		return false;
	if (w->group_total && s->group_total)
		return w->group_id == s->group_id && w->group_total == s->group_total;
	return w->sequence == p->sequence && w->channel == p->channel;
}

static struct waiting *find(struct ais_assembler *a, const struct sentence *s, const struct ais_part *p,
			    uint32_t source)
{
	for (unsigned i = 0; a->used && i < AIS_WAITING_MAX; i++)
		if (same_key(&a->waiting[i], s, p, source))
			return &a->waiting[i];
	return NULL;
}

static struct waiting *free_or_oldest(struct ais_assembler *a)
{
	struct waiting *oldest = &a->waiting[0];
	for (unsigned i = 0; i < AIS_WAITING_MAX; i++) {
		if (!a->waiting[i].used)
			return &a->waiting[i];
		if (a->waiting[i].since < oldest->since)
			oldest = &a->waiting[i];
	}
	give_up(a, oldest, AIS_ASSEMBLER_CROWDED);
	return oldest;
}

static enum status begin(struct ais_assembler *a, const struct sentence *s, const struct ais_part *p, uint32_t source,
			 int64_t now)
{
	struct waiting *w = find(a, s, p, source);
	if (w)
		give_up(a, w, AIS_ASSEMBLER_REPLACED);
	if (p->payload.size > CHARS_MAX)
		return STATUS_TOO_LONG;
	w = free_or_oldest(a);
	w->used = true;
	a->used++;
	w->own = p->own;
	w->total = p->total;
	w->next = 2;
	w->sequence = p->sequence;
	w->channel = p->channel;
	w->source = source;
	w->group_id = s->group_id;
	w->group_total = s->group_total;
	w->since = now;
	w->time_by = s->time_by;
	w->time_ms = s->time_ms;
	w->station_size = keep_station(s->station, w->station);
	w->size = (uint16_t)p->payload.size;
	memcpy(w->chars, p->payload.data, p->payload.size);
	return STATUS_NEED_MORE;
}

static enum status finish(struct ais_assembler *a, struct waiting *w, const struct ais_part *p,
			  const struct ais_packet **out)
{
	struct ais_packet *packet = &a->packet;
	enum status status = ais_unarmour(span_of(w->chars, w->size), p->fill, packet);
	packet->parts = w->total;
	packet->channel = w->channel;
	packet->own = w->own;
	packet->time_by = w->time_by;
	packet->time_ms = w->time_ms;
	memcpy(a->station, w->station, w->station_size);
	packet->station = span_of(a->station, w->station_size);
	w->used = false;
	a->used--;
	*out = packet;
	return status;
}

static enum status go_on(struct ais_assembler *a, const struct sentence *s, const struct ais_part *p, uint32_t source,
			 const struct ais_packet **out)
{
	struct waiting *w = find(a, s, p, source);
	if (!w || w->next != p->number) {
		if (w)
			give_up(a, w, AIS_ASSEMBLER_BROKEN);
		else
			a->counts[AIS_ASSEMBLER_ORPHANS]++;
		return STATUS_NOT_FOUND;
	}
	if (w->size + p->payload.size > CHARS_MAX) {
		give_up(a, w, AIS_ASSEMBLER_BROKEN);
		return STATUS_TOO_LONG;
	}
	memcpy(w->chars + w->size, p->payload.data, p->payload.size);
	w->size = (uint16_t)(w->size + p->payload.size);
	w->next++;
	return p->number == p->total ? finish(a, w, p, out) : STATUS_NEED_MORE;
}

static enum status whole(struct ais_assembler *a, const struct sentence *s, const struct ais_part *p,
			 const struct ais_packet **out)
{
	struct ais_packet *packet = &a->packet;
	packet->parts = 1;
	packet->channel = p->channel;
	packet->own = p->own;
	packet->time_by = s->time_by;
	packet->time_ms = s->time_ms;
	packet->station = s->station;
	*out = packet;
	return ais_unarmour(p->payload, p->fill, packet);
}

enum status ais_assembler_add(struct ais_assembler *a, const struct sentence *s, uint32_t source, int64_t now,
			      const struct ais_packet **out)
{
	struct ais_part p;
	enum status status = ais_part_of(s, &p);
	if (status)
		return status;
	if (p.total == 1)
		return whole(a, s, &p, out);
	ais_assembler_expire(a, now);
	return p.number == 1 ? begin(a, s, &p, source, now) : go_on(a, s, &p, source, out);
}
