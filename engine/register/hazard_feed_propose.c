/* hazard_feed_propose.c -- the words of a hazard that a policy proposes. */
#include <stdio.h>
#include <string.h>

#include "engine/core/clock.h"
#include "engine/register/hazard_feed_state.h"

void feed_reference(const struct feed_policy *p, uint64_t id, char out[FEED_REFERENCE_MAX])
{
	snprintf(out, FEED_REFERENCE_MAX, "%s/violation:%llu", p->id, (unsigned long long)id);
}

void feed_cause(const struct feed_matter *m, char out[FEED_CAUSE_MAX])
{
	snprintf(out, FEED_CAUSE_MAX, "%s/%s", m->policy->id, m->per);
}

/* --- words --- */

static void say(struct feed_words *w, const char *text, size_t size)
{
	if (size > HAZARD_VALUE_MAX - w->size)
		size = HAZARD_VALUE_MAX - w->size;
	while (size && ((uint8_t)text[size] & 0xc0) == 0x80) /* no cut character */
		size--;
	memcpy(w->text + w->size, text, size);
	w->size += size;
	w->text[w->size] = '\0';
}

/* A plate without its colour. */
static const char *bare_plate(const char *plate)
{
	const char *colon = strchr(plate, ':');
	return colon ? colon + 1 : plate;
}

static void say_word(struct feed_words *w, const struct feed_matter *m, const char *word, size_t count)
{
	const struct finding *f = &m->v->finding;
	char number[32];
	const char *text = "";
	snprintf(number, sizeof number, "%zu", count);
	if (!strcmp(word, "plate"))
		text = bare_plate(m->plate);
	else if (!strcmp(word, "company"))
		text = m->company;
	else if (!strcmp(word, "village"))
		text = m->village;
	else if (!strcmp(word, "fence"))
		text = f->fence;
	else if (!strcmp(word, "rule"))
		text = f->rule;
	else if (!strcmp(word, "kind"))
		text = rule_kind_chinese(f->kind);
	else if (!strcmp(word, "count"))
		text = number;
	else if (!strcmp(word, "within"))
		text = m->policy->within_text;
	else if (!strcmp(word, "driver"))
		snprintf(number, sizeof number, "%016llx", (unsigned long long)f->driver), text = number;
	else if (!strcmp(word, "device"))
		snprintf(number, sizeof number, "%016llx", (unsigned long long)f->device), text = number;
	say(w, text, strlen(text));
}

static void fill(struct feed_words *w, const struct feed_matter *m, const char *template, size_t count)
{
	w->size = 0;
	w->text[0] = '\0';
	while (*template) {
		size_t plain = strcspn(template, "{");
		say(w, template, plain);
		template += plain;
		if (!*template)
			return;
		char word[32];
		size_t size = strcspn(template, "}");
		snprintf(word, sizeof word, "%.*s", (int)(size - 1), template + 1);
		say_word(w, m, word, count);
		template += size + (template[size] == '}');
	}
}

static void propose(struct feed_proposal *p, unsigned field, const char *text)
{
	if (!*text)
		return;
	struct feed_words *w = &p->words[field];
	w->size = 0;
	say(w, text, strlen(text));
	p->changes[p->count++] = (struct hazard_change){(uint8_t)field, span_of_string(w->text)};
}

static void propose_place(struct feed_proposal *p, const struct finding *f)
{
	char text[64];
	const int32_t degrees[2] = {f->start_lat_e7, f->start_lon_e7};
	size_t size = 0;
	if (!f->start_lat_e7 && !f->start_lon_e7)
		return; /* of a site whose place nobody said */
	for (unsigned i = 0; i < 2; i++) {
		uint32_t e7 = (uint32_t)(degrees[i] < 0 ? -(int64_t)degrees[i] : degrees[i]);
		size += (size_t)snprintf(text + size, sizeof text - size, "%s%s%u.%07u", i ? "," : "",
					 degrees[i] < 0 ? "-" : "", e7 / 10000000, e7 % 10000000);
	}
	propose(p, HAZARD_FIELD_PLACE, text);
}

static void propose_deadline(struct feed_proposal *p, const struct feed_matter *m)
{
	struct civil c;
	char text[48];
	if (!m->policy->deadline_days)
		return;
	civil_from_ms(m->now_ms + CHINA_OFFSET_MS + m->policy->deadline_days * MS_PER_DAY, &c);
	snprintf(text, sizeof text, "%04d-%02u-%02u", c.year, c.month, c.day);
	propose(p, HAZARD_FIELD_DEADLINE, text);
}

void feed_propose(struct feed_proposal *p, const struct feed_matter *m, size_t count)
{
	char time[TIME_TEXT_MAX], cause[FEED_CAUSE_MAX], reference[FEED_REFERENCE_MAX];
	struct feed_words w;
	time_format(m->v->finding.start_ms, 0, time);
	feed_cause(m, cause);
	feed_reference(m->policy, m->v->id, reference);
	p->count = 0;
	propose(p, HAZARD_FIELD_SOURCE, "violation");
	propose(p, HAZARD_FIELD_REFERENCE, reference);
	propose(p, HAZARD_FIELD_CAUSE, cause);
	propose(p, HAZARD_FIELD_FOUND, time);
	propose(p, HAZARD_FIELD_COMPANY, m->company);
	propose(p, HAZARD_FIELD_VILLAGE, m->village);
	propose_place(p, &m->v->finding);
	propose_deadline(p, m);
	for (unsigned field = 1; field < HAZARD_FIELD_COUNT; field++) {
		if (!m->policy->texts[field])
			continue;
		fill(&w, m, m->policy->texts[field], count);
		propose(p, field, w.text);
	}
}
