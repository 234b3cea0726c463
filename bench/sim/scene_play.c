#include "bench/sim/scene_play.h"

#include <stdlib.h>

#include "bench/sim/api.h"
#include "engine/core/clock.h"

static void make_sources(struct scene_play *p, uint64_t seed)
{
	p->sources = calloc(p->book.vehicle_count ? p->book.vehicle_count : 1, sizeof *p->sources);
	if (!p->sources)
		abort();
	for (size_t i = 0; i < p->book.count; i++) {
		const struct scene *s = &p->book.scenes[i];
		if (s->midnight_ms < p->from_ms)
			p->from_ms = s->midnight_ms;
		for (unsigned k = 0; k < s->vehicle_count; k++)
			scene_source_init(&p->sources[p->count++], s, &s->vehicles[k], seed);
	}
}

int scene_play_open(struct scene_play *p, const char *folder, int64_t now_ms, int floating_day, uint64_t seed)
{
	char complaint[160];
	*p = (struct scene_play){.now_ms = now_ms, .from_ms = INT64_MAX};
	enum status status = scene_book_read_folder(&p->book, folder);
	if (status) {
		fprintf(stderr, "%s: %s\n", folder, status_text(status));
		return -1;
	}
	if (scene_book_place(&p->book, p->now_ms, floating_day, complaint)) {
		fprintf(stderr, "%s\n", complaint);
		return -1;
	}
	make_sources(p, seed);
	return 0;
}

void scene_play_close(struct scene_play *p)
{
	for (size_t i = 0; i < p->count; i++)
		scene_source_deinit(&p->sources[i]);
	free(p->sources);
	scene_book_deinit(&p->book);
}

int scene_play_tell(struct scene_play *p, int http_port, const char *fences, const char *rules)
{
	if (rules && api_put_rules(http_port, rules))
		return -1;
	if (api_post_fences(http_port, fences, p->now_ms))
		return -1;
	for (size_t i = 0; i < p->book.count; i++) {
		const struct scene *s = &p->book.scenes[i];
		for (unsigned k = 0; k < s->vehicle_count; k++)
			if (api_put_vehicle(http_port, s, &s->vehicles[k]))
				return -1;
		for (unsigned k = 0; k < s->site_count; k++)
			if (api_put_site(http_port, s, &p->book.scenes[i].sites[k]))
				return -1;
	}
	return 0;
}

void scene_play_terminals(struct scene_play *p, struct fleet *f, size_t at)
{
	size_t source = 0;
	for (size_t i = 0; i < p->book.count; i++)
		for (unsigned k = 0; k < p->book.scenes[i].vehicle_count; k++, source++) {
			struct terminal_identity identity;
			scene_source_identity(&p->book.scenes[i].vehicles[k], &identity);
			terminal_init(&f->terminals[at + source], &identity,
				      (struct terminal_source){scene_source_next, &p->sources[source]}, &f->options,
				      &f->counters);
		}
}

bool scene_play_is_done(const struct scene_play *p)
{
	for (size_t i = 0; i < p->count; i++)
		if (!scene_source_is_done(&p->sources[i]))
			return false;
	return true;
}

int scene_play_judge(struct scene_play *p, int http_port, struct truth_totals *out)
{
	struct truth_list truths;
	struct found_list findings = {0};
	int64_t as_of_ms = clock_now_ms();
	if (api_settle(http_port, as_of_ms) || api_get_findings(http_port, p->from_ms, as_of_ms, &findings)) {
		found_list_deinit(&findings);
		return -1;
	}
	truth_list_make(&p->book, &truths);
	*out = truth_match(&truths, &findings);
	truth_print(&p->book, &truths, &findings, stdout);
	truth_list_deinit(&truths);
	found_list_deinit(&findings);
	return 0;
}
