#include "bench/sim/scene_truth.h"

#include <stdlib.h>
#include <string.h>

#include "engine/core/clock.h"

#define TRUTH_SUBJECTS_MAX (SCENE_VEHICLES_MAX * (SCENE_PHONE_MAX + 4) + SCENE_SITES_MAX * (2 * SCENE_NAME_MAX + 4))

struct found *found_list_add(struct found_list *l)
{
	if (l->count == l->capacity) {
		l->capacity = l->capacity ? l->capacity * 2 : 64;
		l->list = realloc(l->list, l->capacity * sizeof *l->list);
		if (!l->list)
			abort();
	}
	l->list[l->count] = (struct found){0};
	return &l->list[l->count++];
}

void found_list_deinit(struct found_list *l)
{
	free(l->list);
	*l = (struct found_list){0};
}

void truth_list_make(const struct scene_book *b, struct truth_list *out)
{
	size_t count = 0;
	for (size_t i = 0; i < b->count; i++)
		count += b->scenes[i].truth_count;
	*out = (struct truth_list){.list = calloc(count ? count : 1, sizeof *out->list)};
	if (!out->list)
		abort();
	for (size_t i = 0; i < b->count; i++)
		for (size_t k = 0; k < b->scenes[i].truth_count; k++)
			out->list[out->count++] =
				(struct truth){.scene = &b->scenes[i], .said = &b->scenes[i].truths[k]};
}

void truth_list_deinit(struct truth_list *l)
{
	free(l->list);
	*l = (struct truth_list){0};
}

static int64_t truth_start_ms(const struct truth *t)
{
	return t->scene->midnight_ms + t->said->from_ms;
}

static int64_t truth_end_ms(const struct truth *t)
{
	return t->scene->midnight_ms + t->said->to_ms;
}

/* The phones of its vehicles, first first; of sites their numbers. */
static void truth_phones(const struct truth *t, const char *between, char out[TRUTH_SUBJECTS_MAX])
{
	char phone[SCENE_PHONE_MAX];
	size_t at = 0;
	out[0] = '\0';
	for (unsigned i = 0; i < t->scene->vehicle_count; i++) {
		if (!(t->said->vehicles & 1u << i))
			continue;
		scene_phone(&t->scene->vehicles[i], phone);
		at += (size_t)sprintf(out + at, "%s%s", at ? between : "", phone);
	}
	for (unsigned i = 0; i < t->scene->site_count; i++) {
		char number[2 * SCENE_NAME_MAX];
		if (!(t->said->sites & 1u << i))
			continue;
		scene_site_number(t->scene, &t->scene->sites[i], number);
		at += (size_t)sprintf(out + at, "%s%s", at ? between : "", number);
	}
}

void truth_list_write(const struct truth_list *l, FILE *out)
{
	char phones[TRUTH_SUBJECTS_MAX];
	for (size_t i = 0; i < l->count; i++) {
		const struct truth *t = &l->list[i];
		truth_phones(t, "\",\"", phones);
		fprintf(out, "{\"rule\":\"%s\",\"device\":\"%.*s\",\"devices\":[%s%s%s],", t->said->rule,
			(int)strcspn(phones, "\""), phones, *phones ? "\"" : "", phones, *phones ? "\"" : "");
		fprintf(out,
			"\"start_ms\":%lld,\"end_ms\":%lld,\"tolerance_ms\":%lld,\"fence\":\"%s\",\"scenario\":\"%s\"}"
			"\n",
			(long long)truth_start_ms(t), (long long)truth_end_ms(t), (long long)t->said->tolerance_ms,
			t->said->fence, t->scene->name);
	}
}

/* --- beside each other --- */

static bool is_about(const struct truth *t, const char *phone, const char *device)
{
	char one[SCENE_PHONE_MAX];
	if (!t->said->vehicles && !t->said->sites)
		return true;
	for (unsigned i = 0; i < t->scene->site_count; i++)
		if (t->said->sites & 1u << i && !strcmp(t->scene->sites[i].id, device))
			return true;
	for (unsigned i = 0; i < t->scene->vehicle_count; i++) {
		scene_phone(&t->scene->vehicles[i], one);
		if (t->said->vehicles & 1u << i && !strcmp(one, phone))
			return true;
	}
	return false;
}

static int64_t apart(int64_t a, int64_t b)
{
	return a < b ? b - a : a - b;
}

static bool fits(const struct truth *t, const struct found *f)
{
	return !f->matched && !strcmp(t->said->rule, f->rule) && is_about(t, f->phone, f->device) &&
	       (!t->said->fence[0] || !strcmp(t->said->fence, f->fence)) &&
	       apart(truth_start_ms(t), f->start_ms) <= t->said->tolerance_ms &&
	       apart(truth_end_ms(t), f->end_ms) <= t->said->tolerance_ms;
}

/* The finding nearest to it in time, of those that fit. */
static struct found *nearest(const struct truth *t, struct found_list *findings)
{
	struct found *best = NULL;
	int64_t best_ms = INT64_MAX;
	for (size_t i = 0; i < findings->count; i++) {
		struct found *f = &findings->list[i];
		int64_t off_ms = apart(truth_start_ms(t), f->start_ms) + apart(truth_end_ms(t), f->end_ms);
		if (fits(t, f) && off_ms < best_ms) {
			best = f;
			best_ms = off_ms;
		}
	}
	return best;
}

struct truth_totals truth_match(struct truth_list *truths, struct found_list *findings)
{
	struct truth_totals totals = {.truths = truths->count};
	for (size_t i = 0; i < truths->count; i++) {
		struct found *f = nearest(&truths->list[i], findings);
		truths->list[i].matched = f != NULL;
		totals.found += f != NULL;
		if (f)
			f->matched = true;
	}
	totals.missed = totals.truths - totals.found;
	totals.wrong = findings->count - totals.found;
	return totals;
}

/* --- what is shown --- */

struct row {
	const char *rule;
	size_t truths, found, wrong;
};

static int by_rule(const void *a, const void *b)
{
	return strcmp(((const struct row *)a)->rule, ((const struct row *)b)->rule);
}

/* One row for each truth and each false finding, then rows of one rule joined; returns how many are left. */
static size_t make_rows(const struct truth_list *truths, const struct found_list *findings, struct row *rows)
{
	size_t count = 0, kept = 0;
	for (size_t i = 0; i < truths->count; i++)
		rows[count++] = (struct row){truths->list[i].said->rule, 1, truths->list[i].matched, 0};
	for (size_t i = 0; i < findings->count; i++)
		if (!findings->list[i].matched)
			rows[count++] = (struct row){findings->list[i].rule, 0, 0, 1};
	qsort(rows, count, sizeof *rows, by_rule);
	for (size_t i = 0; i < count; i++) {
		if (!kept || strcmp(rows[kept - 1].rule, rows[i].rule)) {
			rows[kept++] = rows[i];
			continue;
		}
		rows[kept - 1].truths += rows[i].truths;
		rows[kept - 1].found += rows[i].found;
		rows[kept - 1].wrong += rows[i].wrong;
	}
	return kept;
}

/* NULL: of none. */
static const char *scene_of(const struct scene_book *b, const char *phone, const char *device)
{
	char one[SCENE_PHONE_MAX];
	for (size_t i = 0; i < b->count; i++)
		for (unsigned k = 0; k < b->scenes[i].site_count; k++)
			if (!strcmp(b->scenes[i].sites[k].id, device))
				return b->scenes[i].name;
	for (size_t i = 0; i < b->count; i++)
		for (unsigned k = 0; k < b->scenes[i].vehicle_count; k++) {
			scene_phone(&b->scenes[i].vehicles[k], one);
			if (!strcmp(one, phone))
				return b->scenes[i].name;
		}
	return NULL;
}

void found_list_keep(struct found_list *l, const struct scene_book *b)
{
	size_t kept = 0;
	for (size_t i = 0; i < l->count; i++)
		if (scene_of(b, l->list[i].phone, l->list[i].device))
			l->list[kept++] = l->list[i];
	l->count = kept;
}

static void print_details(const struct scene_book *b, const struct truth_list *truths,
			  const struct found_list *findings, FILE *out)
{
	char from[TIME_TEXT_MAX], to[TIME_TEXT_MAX], phones[TRUTH_SUBJECTS_MAX];
	for (size_t i = 0; i < truths->count; i++) {
		const struct truth *t = &truths->list[i];
		if (t->matched)
			continue;
		truth_phones(t, " ", phones);
		time_format(truth_start_ms(t), CHINA_OFFSET_MS, from);
		time_format(truth_end_ms(t), CHINA_OFFSET_MS, to);
		fprintf(out, "missed 漏报 %s %s %s .. %s %s (%s)\n", t->said->rule, phones, from, to, t->said->fence,
			t->scene->name);
	}
	for (size_t i = 0; i < findings->count; i++) {
		const struct found *f = &findings->list[i];
		if (f->matched)
			continue;
		time_format(f->start_ms, CHINA_OFFSET_MS, from);
		time_format(f->end_ms, CHINA_OFFSET_MS, to);
		const char *scene = scene_of(b, f->phone, f->device);
		fprintf(out, "false 误报 %s %s %s .. %s %s (%s)\n", f->rule, f->phone, from, to, f->fence,
			scene ? scene : "no scene");
	}
}

void truth_print(const struct scene_book *b, const struct truth_list *truths, const struct found_list *findings,
		 FILE *out)
{
	struct row *rows = calloc(truths->count + findings->count + 1, sizeof *rows), sum = {0};
	if (!rows)
		abort();
	size_t count = make_rows(truths, findings, rows);
	fprintf(out, "%-24s %6s %6s %6s %6s\n", "rule", "truths", "found", "missed", "false");
	for (size_t i = 0; i < count; i++) {
		const struct row *r = &rows[i];
		fprintf(out, "%-24s %6zu %6zu %6zu %6zu\n", r->rule, r->truths, r->found, r->truths - r->found,
			r->wrong);
		sum.truths += r->truths;
		sum.found += r->found;
		sum.wrong += r->wrong;
	}
	fprintf(out, "%-24s %6zu %6zu %6zu %6zu\n", "all", sum.truths, sum.found, sum.truths - sum.found, sum.wrong);
	print_details(b, truths, findings, out);
	free(rows);
}
