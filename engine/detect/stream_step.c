/* stream_step.c -- a value, or an instant, for every rule that looks at the stream; episodes; telling. */
#include <stdlib.h>

#include "engine/detect/stream_number.h"
#include "engine/detect/stream_state.h"

/* --- life --- */

enum status stream_state_new(uint64_t stream, struct stream_state **out)
{
	struct stream_state *s = calloc(1, sizeof *s);
	if (!s)
		return STATUS_NO_MEMORY;
	s->stream = stream;
	s->time_ms = STREAM_NONE;
	s->wake_ms = INT64_MAX;
	*out = s;
	return STATUS_OK;
}

void stream_state_free(struct stream_state *s)
{
	if (!s)
		return;
	for (uint32_t i = 0; i < s->count; i++) {
		stream_slots_deinit(&s->entries[i].slots);
		stream_slots_deinit(&s->entries[i].days);
	}
	free(s->entries);
	free(s->rules);
	free(s);
}

int64_t stream_state_time(const struct stream_state *s)
{
	return s->time_ms;
}

/* --- slots --- */

void stream_slots_deinit(struct stream_slots *s)
{
	free(s->list);
	*s = (struct stream_slots){0};
}

void stream_slots_trim(struct stream_slots *s, int64_t at)
{
	uint32_t gone = 0;
	while (gone < s->count && s->list[gone].at < at)
		gone++;
	s->count -= gone;
	if (gone && s->count)
		memmove(s->list, s->list + gone, s->count * sizeof *s->list);
}

struct stream_slot *stream_slots_need(struct stream_slots *s, int64_t at, bool *made)
{
	*made = !s->count || s->list[s->count - 1].at != at;
	if (!*made)
		return &s->list[s->count - 1];
	if (s->count == s->capacity) {
		uint32_t capacity = s->capacity ? s->capacity * 2 : 8;
		struct stream_slot *list = realloc(s->list, capacity * sizeof *list);
		if (!list)
			return NULL;
		s->list = list;
		s->capacity = capacity;
	}
	struct stream_slot *slot = &s->list[s->count++];
	*slot = (struct stream_slot){.at = at};
	return slot;
}

/* --- episodes --- */

bool stream_episode_on(struct stream_entry *entry, int64_t time_ms, __int128 number, bool larger, int64_t hold_ms,
		       uint32_t points)
{
	struct stream_episode *e = &entry->episode;
	if (!e->running) {
		e->running = true;
		e->start_ms = time_ms;
		e->found_ms = STREAM_NONE;
		e->values = 0;
		e->peak = number;
	}
	e->last_ms = time_ms;
	e->fail_ms = STREAM_NONE;
	e->values++;
	if (larger ? number > e->peak : number < e->peak)
		e->peak = number;
	if (e->found_ms != STREAM_NONE || time_ms - e->start_ms < hold_ms || e->values < points)
		return false;
	e->found_ms = time_ms;
	return true;
}

bool stream_episode_off(struct stream_episode *e, int64_t time_ms, int64_t release_ms)
{
	if (!e->running)
		return false;
	if (e->found_ms != STREAM_NONE && e->fail_ms == STREAM_NONE)
		e->fail_ms = time_ms;
	if (e->found_ms != STREAM_NONE && time_ms - e->fail_ms < release_ms)
		return false;
	e->running = false;
	return e->found_ms != STREAM_NONE;
}

/* --- telling --- */

static enum finding_confidence confidence_of(const struct stream_entry *e, const struct rule *rule)
{
	if (e->kind == RULE_STATE && rule && rule->params[PARAM_STATE_TEST])
		return CONFIDENCE_LOW;
	return e->kind == RULE_STUCK || e->kind == RULE_RATE ? CONFIDENCE_MEDIUM : CONFIDENCE_HIGH;
}

/* Whether the peak says anything: of silence it does not. */
static bool has_peak(const struct stream_entry *e)
{
	return e->kind != RULE_MISSING && e->kind != RULE_STATE;
}

void stream_tell(const struct stream_walk *w, const struct stream_entry *entry, const struct rule *rule, bool open)
{
	const struct stream_state *s = w->state;
	const struct stream_episode *e = &entry->episode;
	struct finding f;
	memset(&f, 0, sizeof f);
	f.subject = s->stream;
	f.device = s->subject.site;
	f.kind = entry->kind;
	f.confidence = (uint8_t)confidence_of(entry, rule);
	f.open = open;
	memcpy(f.rule, entry->rule, sizeof f.rule);
	memcpy(f.fence, entry->fence, sizeof f.fence);
	f.rule_version = entry->version;
	f.fence_version = entry->fence_version;
	f.start_ms = e->start_ms;
	f.end_ms = e->last_ms;
	f.found_ms = e->found_ms;
	if (s->subject.has_place) {
		f.start_lat_e7 = f.end_lat_e7 = s->subject.lat_e7;
		f.start_lon_e7 = f.end_lon_e7 = s->subject.lon_e7;
	}
	for (unsigned i = 0; i < FINDING_NUMBER_COUNT; i++)
		f.numbers[i] = NUMBER_UNKNOWN;
	if (entry->kind != RULE_STATE)
		f.numbers[FINDING_LIMIT] = e->limit;
	if (has_peak(entry))
		f.numbers[FINDING_PEAK] = stream_number_millionths(e->peak);
	f.numbers[FINDING_REPORTS] = e->values;
	f.numbers[FINDING_DURATION] = e->last_ms - e->start_ms;
	if (entry->kind == RULE_STATE)
		f.numbers[FINDING_CODE] = e->code;
	if (entry->level)
		f.numbers[FINDING_LEVEL] = entry->level;
	if (e->other != STREAM_NONE)
		f.numbers[FINDING_OTHER] = e->other;
	w->sink->finding(w->sink->context, &f, rule);
}

/* --- steps --- */

static void settle_due(const struct stream_walk *w, struct stream_entry *e, const struct rule *rule, int64_t time_ms)
{
	int64_t due_ms = stream_due(w, e, rule);
	if (due_ms > time_ms)
		return;
	stream_find_due(w, e, rule, due_ms);
	stream_tell(w, e, rule, true);
}

enum status stream_step(struct stream_state *s, const struct stream_context *c, const struct value *v,
			struct detect_sink *sink)
{
	const struct stream_walk w = {s, c, sink};
	if (v->time_ms <= s->time_ms)
		return STATUS_INVALID;
	enum status status = stream_resolve(&w, v->time_ms);
	for (uint32_t i = 0; i < s->count && !status; i++) {
		settle_due(&w, &s->entries[i], s->rules[i], v->time_ms);
		status = stream_judge(&w, &s->entries[i], s->rules[i], v);
		settle_due(&w, &s->entries[i], s->rules[i], v->time_ms);
	}
	s->time_ms = v->time_ms;
	return status;
}

/* --- as of an instant --- */

/* The state without its slots, which nothing asks for here. */
static enum status copy_entries(const struct stream_state *s, struct stream_state *out)
{
	*out = *s;
	out->entries = calloc(s->count + 1u, sizeof *out->entries);
	out->rules = calloc(s->count + 1u, sizeof *out->rules);
	if (!out->entries || !out->rules) {
		free(out->entries);
		free(out->rules);
		return STATUS_NO_MEMORY;
	}
	for (uint32_t i = 0; i < s->count; i++) {
		out->entries[i] = s->entries[i];
		out->entries[i].slots = out->entries[i].days = (struct stream_slots){0};
		out->rules[i] = s->rules ? s->rules[i] : NULL;
	}
	return STATUS_OK;
}

enum status stream_open(struct stream_state *s, const struct stream_context *c, int64_t as_of_ms,
			struct detect_sink *sink)
{
	struct stream_state copy;
	const struct stream_walk w = {&copy, c, sink};
	int64_t then_ms = as_of_ms > s->time_ms ? as_of_ms : s->time_ms;
	if (s->time_ms == STREAM_NONE)
		return STATUS_OK;
	enum status status = copy_entries(s, &copy);
	if (status)
		return status;
	status = stream_resolve(&w, then_ms);
	s->wake_ms = status ? INT64_MAX : copy.to_ms;
	for (uint32_t i = 0; i < copy.count && !status; i++) {
		struct stream_entry *e = &copy.entries[i];
		int64_t due_ms = stream_due(&w, e, copy.rules[i]);
		if (due_ms <= then_ms)
			stream_find_due(&w, e, copy.rules[i], due_ms);
		else if (due_ms < s->wake_ms)
			s->wake_ms = due_ms;
		if (e->episode.running && e->episode.found_ms != STREAM_NONE)
			stream_tell(&w, e, copy.rules[i], true);
	}
	free(copy.entries);
	free(copy.rules);
	return status;
}

int64_t stream_wake(const struct stream_state *s, int64_t as_of_ms)
{
	return s->wake_ms > as_of_ms ? s->wake_ms : INT64_MAX;
}
