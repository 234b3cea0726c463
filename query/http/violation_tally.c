#include "query/http/violation_tally.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/core/clock.h"
#include "engine/core/hash.h"
#include "engine/detect/authority.h"

#define GROUPS_FIRST 256
/* bytes of a key: a value of the registry, an authority of a rule of its own */
#define KEY_MAX 511

_Static_assert(TALLY_MONTH == TALLY_NONE - 1 && TALLY_DAY == TALLY_NONE - 3, "the three periods are last");

struct tally tally_init(enum tally_by by, enum tally_by second)
{
	return (struct tally){.by = by, .second = second, .texts = buf_init(TALLY_TEXT_BYTES_MAX)};
}

void tally_deinit(struct tally *t)
{
	free(t->groups);
	free(t->slots);
	buf_deinit(&t->texts);
}

/* --- keys --- */

static void put_text(const char *text, char out[KEY_MAX + 1])
{
	snprintf(out, KEY_MAX + 1, "%s", text ? text : "");
}

static void put_hex(uint64_t v, char out[KEY_MAX + 1])
{
	*out = '\0';
	if (v)
		snprintf(out, KEY_MAX + 1, "%016llx", (unsigned long long)v);
}

/* ISO 8601: a week begins on Monday and belongs to the year of its Thursday. `ms` is of the clock of China. */
static void put_week(int64_t ms, char out[KEY_MAX + 1])
{
	int64_t day = ms / MS_PER_DAY - (ms % MS_PER_DAY < 0);
	int64_t weekday = ((day + 3) % 7 + 7) % 7; /* 0 is Monday: 1970-01-01 was a Thursday */
	int64_t thursday_ms = (day - weekday + 3) * MS_PER_DAY;
	struct civil c;
	civil_from_ms(thursday_ms, &c);
	struct civil first = {.year = c.year, .month = 1, .day = 1};
	int64_t week = (thursday_ms - civil_to_ms(&first)) / MS_PER_DAY / 7 + 1;
	snprintf(out, KEY_MAX + 1, "%04d-W%02d", (int)c.year, (int)week);
}

static void put_period(enum tally_by by, int64_t start_ms, char out[KEY_MAX + 1])
{
	char text[TIME_TEXT_MAX];
	if (by == TALLY_WEEK) {
		put_week(start_ms + CHINA_OFFSET_MS, out);
		return;
	}
	time_format(start_ms, CHINA_OFFSET_MS, text);
	snprintf(out, KEY_MAX + 1, "%.*s", by == TALLY_MONTH ? 7 : 10, text);
}

/* The n-th authority of the rule; without any, none is the only one. */
static bool put_authority(const struct rule *rule, unsigned n, char out[KEY_MAX + 1])
{
	struct span list = span_of_string(rule ? rule->authority : ""), one = {NULL, 0};
	unsigned i = 0;
	while (authority_next(&list, &one))
		if (i++ == n) {
			snprintf(out, KEY_MAX + 1, "%.*s", (int)one.size, (const char *)one.data);
			return true;
		}
	*out = '\0';
	return n == 0;
}

/* The n-th key of a finding, 0 being the first; false past the last. */
static bool key_of(enum tally_by by, const struct export_violation *e, unsigned n, char out[KEY_MAX + 1])
{
	const struct finding *f = &e->violation->finding;
	if (by == TALLY_AUTHORITY)
		return put_authority(e->rule, n, out);
	switch (by) {
	case TALLY_RULE:
		put_text(f->rule, out);
		break;
	case TALLY_KIND:
		put_text(rule_kind_token(f->kind), out);
		break;
	case TALLY_DEVICE:
		put_hex(f->device, out);
		break;
	case TALLY_DRIVER:
		put_hex(f->driver, out);
		break;
	case TALLY_PLATE:
		put_text(e->plate, out);
		break;
	case TALLY_COMPANY:
		put_text(e->company, out);
		break;
	case TALLY_VILLAGE:
		put_text(e->village, out);
		break;
	case TALLY_FENCE:
		put_text(f->fence, out);
		break;
	case TALLY_SEVERITY:
		*out = '\0';
		if (e->rule)
			snprintf(out, KEY_MAX + 1, "%u", e->rule->severity);
		break;
	case TALLY_STATE:
		put_text(case_state_token(e->violation->state), out);
		break;
	case TALLY_NONE:
		*out = '\0';
		break;
	default:
		put_period(by, f->start_ms, out);
		break;
	}
	return n == 0;
}

const char *tally_chinese(enum tally_by by, const char *key)
{
	uint8_t state;
	if (by == TALLY_STATE && !case_state_parse(span_of_string(key), &state))
		return case_state_chinese(state);
	for (unsigned kind = 1; by == TALLY_KIND && kind < RULE_KIND_COUNT; kind++)
		if (rule_kind_exists(kind) && !strcmp(rule_kind_token(kind), key))
			return rule_kind_chinese(kind);
	return NULL;
}

/* --- groups --- */

static struct span group_text(const struct tally *t, const struct tally_group *g)
{
	return span_of(t->texts.data + g->at, g->size);
}

static uint32_t *slot_of(const struct tally *t, struct span text)
{
	size_t mask = 2 * t->capacity - 1, at = hash64(text) & mask;
	while (t->slots[at] && !span_equal(group_text(t, &t->groups[t->slots[at] - 1]), text))
		at = (at + 1) & mask;
	return &t->slots[at];
}

/* Room for one group more; capacities are powers of two. */
static enum status tally_grow(struct tally *t)
{
	size_t capacity = t->capacity ? 2 * t->capacity : GROUPS_FIRST;
	if (t->count < t->capacity)
		return STATUS_OK;
	if (t->count >= TALLY_GROUPS_MAX)
		return STATUS_FULL;
	struct tally_group *groups = realloc(t->groups, capacity * sizeof *groups);
	if (!groups)
		return STATUS_NO_MEMORY;
	t->groups = groups;
	uint32_t *slots = calloc(2 * capacity, sizeof *slots);
	if (!slots)
		return STATUS_NO_MEMORY;
	free(t->slots);
	t->slots = slots;
	t->capacity = capacity;
	for (size_t i = 0; i < t->count; i++)
		*slot_of(t, group_text(t, &t->groups[i])) = (uint32_t)i + 1;
	return STATUS_OK;
}

static enum status count_one(struct tally *t, struct span text, bool handled)
{
	enum status status = tally_grow(t);
	if (status)
		return status;
	uint32_t *slot = slot_of(t, text);
	if (!*slot) {
		uint32_t at = (uint32_t)t->texts.size;
		status = buf_append(&t->texts, text.data, text.size);
		if (status)
			return status;
		t->groups[t->count++] = (struct tally_group){.at = at, .size = (uint32_t)text.size};
		*slot = (uint32_t)t->count;
	}
	t->groups[*slot - 1].count++;
	t->groups[*slot - 1].handled += handled;
	return STATUS_OK;
}

enum status tally_add(void *context, const struct export_violation *e)
{
	struct tally *t = context;
	char first[KEY_MAX + 1], second[KEY_MAX + 1], both[2 * KEY_MAX + 2];
	bool handled = e->violation->handled;
	for (unsigned i = 0; key_of(t->by, e, i, first); i++)
		for (unsigned k = 0; key_of(t->second, e, k, second); k++) {
			size_t size = strlen(first) + 1;
			memcpy(both, first, size);
			memcpy(both + size, second, strlen(second) + 1);
			enum status status = count_one(t, span_of(both, size + strlen(second) + 1), handled);
			if (status)
				return status;
		}
	t->total++;
	t->handled += handled;
	return STATUS_OK;
}

/* --- order --- */

int tally_compare(enum tally_by by, const struct tally_group *a, const struct tally_group *b)
{
	int keys = strcmp(a->key, b->key);
	if (by >= TALLY_DAY && by < TALLY_NONE && keys)
		return keys;
	if (a->count != b->count)
		return a->count > b->count ? -1 : 1;
	return keys ? keys : strcmp(a->second, b->second);
}

static int compare_groups(const void *a, const void *b, void *by)
{
	return tally_compare(*(const enum tally_by *)by, a, b);
}

void tally_sort(struct tally *t)
{
	for (size_t i = 0; i < t->count; i++) {
		t->groups[i].key = (const char *)t->texts.data + t->groups[i].at;
		t->groups[i].second = t->groups[i].key + strlen(t->groups[i].key) + 1;
	}
	if (t->count)
		qsort_r(t->groups, t->count, sizeof *t->groups, compare_groups, &t->by);
}
