#include "bench/sim/scene_play.h"

#include <stdlib.h>
#include <unistd.h>

#include "bench/sim/api.h"
#include "bench/sim/boat_voice.h"
#include "bench/sim/server.h"
#include "engine/core/clock.h"

/* As long as thousands of sentences may take on a busy machine. */
#define BOATS_WAIT_NS INT64_C(120000000000)

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

size_t scene_play_terminal_count(const struct scene_play *p)
{
	size_t count = 0;
	for (size_t i = 0; i < p->book.count; i++)
		for (unsigned k = 0; k < p->book.scenes[i].vehicle_count; k++)
			count += p->book.scenes[i].vehicles[k].voice == VOICE_JT808;
	return count;
}

/* Everything a boat says, in the order in which it comes; returns how many sentences. */
static size_t put_boat(struct scene_source *s, const struct scene_vehicle *v, struct buf *out)
{
	size_t lines = 0;
	if (*v->says && s->trace.count)
		lines = boat_voice_static(out, v->voice, scene_call_number(v), v->says, v->says_type, v->says_length_m,
					  s->trace.reports[0].time_ms);
	for (; !scene_source_is_done(s); s->at++) {
		const struct scene_message *m = &s->order.messages[s->at];
		for (unsigned i = 0; i < m->count; i++, lines++)
			boat_voice_put(out, v->voice, scene_call_number(v), &s->trace.reports[m->reports[i]]);
	}
	return lines;
}

/* Until the station has taken `lines` more than it had. */
static int wait_for_station(int http_port, const struct station_state *before, int64_t lines)
{
	struct station_state now;
	for (int64_t until_ns = clock_monotonic_ns() + BOATS_WAIT_NS; clock_monotonic_ns() < until_ns; usleep(20000)) {
		if (api_get_station(http_port, SERVER_STATION, &now))
			return -1;
		if (now.taken - before->taken + now.refused - before->refused < lines)
			continue;
		if (now.refused == before->refused)
			return 0;
		break;
	}
	fprintf(stderr, "of %lld sentences of boats %lld were taken and %lld refused\n", (long long)lines,
		(long long)(now.taken - before->taken), (long long)(now.refused - before->refused));
	return -1;
}

int scene_play_boats(struct scene_play *p, int http_port)
{
	struct buf text = buf_init(SIZE_MAX / 2);
	struct station_state before;
	size_t source = 0, lines = 0;
	for (size_t i = 0; i < p->book.count; i++)
		for (unsigned k = 0; k < p->book.scenes[i].vehicle_count; k++, source++)
			if (p->book.scenes[i].vehicles[k].voice != VOICE_JT808)
				lines += put_boat(&p->sources[source], &p->book.scenes[i].vehicles[k], &text);
	int result = lines ? api_get_station(http_port, SERVER_STATION, &before) : 0;
	int fd = result || !lines ? -1 : boat_voice_connect(before.port);
	if (lines && !result)
		result = fd < 0 || boat_voice_send(fd, buf_view(&text))
				 ? -1
				 : wait_for_station(http_port, &before, (int64_t)lines);
	if (fd >= 0)
		close(fd);
	if (result)
		fprintf(stderr, "the boats were not heard\n");
	buf_deinit(&text);
	return result;
}

void scene_play_terminals(struct scene_play *p, struct fleet *f, size_t at)
{
	size_t source = 0;
	for (size_t i = 0; i < p->book.count; i++)
		for (unsigned k = 0; k < p->book.scenes[i].vehicle_count; k++, source++) {
			struct terminal_identity identity;
			if (p->book.scenes[i].vehicles[k].voice != VOICE_JT808)
				continue;
			scene_source_identity(&p->book.scenes[i].vehicles[k], &identity);
			terminal_init(&f->terminals[at++], &identity,
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

int scene_play_judge(struct scene_play *p, int http_port, bool others, struct truth_totals *out)
{
	struct truth_list truths;
	struct found_list findings = {0};
	int64_t as_of_ms = clock_now_ms();
	if (api_settle(http_port, as_of_ms) || api_get_findings(http_port, p->from_ms, as_of_ms, &findings)) {
		found_list_deinit(&findings);
		return -1;
	}
	if (!others)
		found_list_keep(&findings, &p->book);
	truth_list_make(&p->book, &truths);
	*out = truth_match(&truths, &findings);
	truth_print(&p->book, &truths, &findings, stdout);
	truth_list_deinit(&truths);
	found_list_deinit(&findings);
	return 0;
}
