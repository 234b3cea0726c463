#include "engine/fleet/weighing_tally.h"

#include <stdlib.h>

#include "engine/core/clock.h"
#include "engine/core/hash.h"

static const struct {
	const char *token;
	enum weighing_text text;
} kinds[WEIGHING_SUBJECT_KINDS] = {
#define X(NAME, token, text) {token, text},
	WEIGHING_SUBJECT_TABLE(X)
#undef X
};

const char *weighing_subject_token(enum weighing_subject_kind kind)
{
	return kinds[kind].token;
}

/* A truck of a haulier, by the hash of both names. */
struct truck {
	uint64_t hash; /* 0: empty */
	bool over;
};

struct weighing_tally {
	struct weighing_subject **subjects; /* open addressing */
	size_t slots, count;
	struct truck *trucks;
	size_t truck_slots, truck_count;
	const struct weighing_subject **sorted;
};

enum status weighing_tally_new(struct weighing_tally **out)
{
	*out = calloc(1, sizeof **out);
	return *out ? STATUS_OK : STATUS_NO_MEMORY;
}

void weighing_tally_free(struct weighing_tally *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->slots; i++)
		free(t->subjects[i]);
	free(t->subjects);
	free(t->trucks);
	free(t->sorted);
	free(t);
}

/* --- tables --- */

static size_t subject_slot(struct weighing_subject *const *slots, size_t count, unsigned kind, const char *name)
{
	size_t at = hash64_seeded(span_of_string(name), kind) & (count - 1);
	while (slots[at] && (slots[at]->kind != kind || strcmp(slots[at]->name, name) != 0))
		at = (at + 1) & (count - 1);
	return at;
}

static enum status grow_subjects(struct weighing_tally *t)
{
	if (t->count == WEIGHING_SUBJECTS_MAX)
		return STATUS_FULL;
	if (t->count * 2 < t->slots)
		return STATUS_OK;
	size_t count = t->slots ? t->slots * 2 : 256;
	struct weighing_subject **slots = calloc(count, sizeof *slots);
	if (!slots)
		return STATUS_NO_MEMORY;
	for (size_t i = 0; i < t->slots; i++)
		if (t->subjects[i])
			slots[subject_slot(slots, count, t->subjects[i]->kind, t->subjects[i]->name)] = t->subjects[i];
	free(t->subjects);
	t->subjects = slots;
	t->slots = count;
	return STATUS_OK;
}

static enum status subject_of(struct weighing_tally *t, unsigned kind, const char *name, struct weighing_subject **out)
{
	enum status status = grow_subjects(t);
	if (status)
		return status;
	struct weighing_subject **slot = &t->subjects[subject_slot(t->subjects, t->slots, kind, name)];
	if (!*slot) {
		*slot = calloc(1, sizeof **slot);
		if (!*slot)
			return STATUS_NO_MEMORY;
		(*slot)->kind = (uint8_t)kind;
		(*slot)->last_ms = INT64_MIN;
		memcpy((*slot)->name, name, strlen(name) + 1);
		t->count++;
	}
	*out = *slot;
	return STATUS_OK;
}

static struct truck *truck_slot(struct truck *slots, size_t count, uint64_t hash)
{
	size_t at = hash & (count - 1);
	while (slots[at].hash && slots[at].hash != hash)
		at = (at + 1) & (count - 1);
	return &slots[at];
}

static enum status grow_trucks(struct weighing_tally *t)
{
	if (t->truck_count == WEIGHING_SUBJECTS_MAX)
		return STATUS_FULL;
	if (t->truck_count * 2 < t->truck_slots)
		return STATUS_OK;
	size_t count = t->truck_slots ? t->truck_slots * 2 : 256;
	struct truck *slots = calloc(count, sizeof *slots);
	if (!slots)
		return STATUS_NO_MEMORY;
	for (size_t i = 0; i < t->truck_slots; i++)
		if (t->trucks[i].hash)
			*truck_slot(slots, count, t->trucks[i].hash) = t->trucks[i];
	free(t->trucks);
	t->trucks = slots;
	t->truck_slots = count;
	return STATUS_OK;
}

/* --- adding --- */

static enum status add_truck(struct weighing_tally *t, struct weighing_subject *haulier, const struct weighing *w)
{
	enum status status = grow_trucks(t);
	if (status)
		return status;
	uint64_t hash = hash64_seeded(span_of_string(w->texts[WEIGHING_PLATE]), hash64(span_of_string(haulier->name)));
	struct truck *truck = truck_slot(t->trucks, t->truck_slots, hash ? hash : 1);
	bool over = weighing_over_kg(w) != 0;
	haulier->trucks += !truck->hash;
	haulier->trucks_over += over && !truck->over;
	t->truck_count += !truck->hash;
	truck->hash = hash ? hash : 1;
	truck->over |= over;
	return STATUS_OK;
}

enum status weighing_tally_add(struct weighing_tally *t, const struct weighing *w)
{
	uint32_t over_kg = weighing_over_kg(w);
	for (unsigned kind = 0; kind < WEIGHING_SUBJECT_KINDS; kind++) {
		const char *name = w->texts[kinds[kind].text];
		struct weighing_subject *s;
		if (kind == WEIGHING_SUBJECT_SOURCE_OF && !*name)
			name = w->texts[WEIGHING_SITE];
		if (!*name || (!over_kg && kind != WEIGHING_SUBJECT_HAULIER_OF))
			continue;
		enum status status = subject_of(t, kind, name, &s);
		if (!status && kind == WEIGHING_SUBJECT_HAULIER_OF)
			status = add_truck(t, s, w);
		if (status)
			return status;
		s->overloads += over_kg != 0;
		s->over_kg += over_kg;
		if (over_kg && w->time_ms > s->last_ms)
			s->last_ms = w->time_ms;
	}
	return STATUS_OK;
}

/* --- asking --- */

static int order(const void *a, const void *b)
{
	const struct weighing_subject *x = *(const struct weighing_subject *const *)a,
				      *y = *(const struct weighing_subject *const *)b;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	if (x->overloads != y->overloads)
		return x->overloads > y->overloads ? -1 : 1;
	return strcmp(x->name, y->name);
}

size_t weighing_tally_subjects(struct weighing_tally *t, const struct weighing_subject *const **out)
{
	size_t n = 0;
	free(t->sorted);
	t->sorted = calloc(t->count + 1, sizeof *t->sorted);
	*out = t->sorted;
	for (size_t i = 0; i < t->slots && t->sorted; i++)
		if (t->subjects[i] && t->subjects[i]->overloads)
			t->sorted[n++] = t->subjects[i];
	if (n)
		qsort(t->sorted, n, sizeof *t->sorted, order);
	return n;
}

bool weighing_subject_is_over(const struct weighing_subject *s, uint32_t registered)
{
	uint64_t trucks = registered > s->trucks ? registered : s->trucks;
	switch (s->kind) {
	case WEIGHING_SUBJECT_VEHICLE:
	case WEIGHING_SUBJECT_DRIVER_OF:
		return s->overloads > WEIGHING_YEAR_TIMES_MAX;
	case WEIGHING_SUBJECT_HAULIER_OF:
		return (uint64_t)s->trucks_over * 100 > trucks * WEIGHING_HAULIER_PERCENT_MAX;
	default:
		return false;
	}
}

int64_t weighing_year_before(int64_t as_of_ms)
{
	struct civil c;
	civil_from_ms(as_of_ms + CHINA_OFFSET_MS, &c);
	c.year--;
	if (c.month == 2 && c.day == 29)
		c.day = 28;
	return civil_to_ms(&c) - CHINA_OFFSET_MS;
}
