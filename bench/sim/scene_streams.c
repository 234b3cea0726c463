/* scene_streams.c -- what the sites of all scenes say, as line protocol.
 *
 *   site ─< stream ─< value ──> line ... ──shuffled by the seed, some twice──> POST /write, a batch at a time */
#include <stdlib.h>
#include <string.h>

#include "bench/sim/api.h"
#include "bench/sim/scene_play.h"

#define BATCH 2000
/* one of so many is sent twice */
#define TWICE 20

struct said {
	const struct scene *scene;
	const struct scene_site *site;
	const struct scene_stream *stream;
	const struct scene_value *value;
};

static uint64_t next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	return *state ^= *state << 17;
}

static struct said *gather(const struct scene_play *p, size_t *out_count)
{
	struct said *all = NULL;
	size_t count = 0, capacity = 0;
	for (size_t i = 0; i < p->book.count; i++)
		for (unsigned k = 0; k < p->book.scenes[i].site_count; k++)
			for (unsigned n = 0; n < p->book.scenes[i].sites[k].stream_count; n++) {
				const struct scene_site *site = &p->book.scenes[i].sites[k];
				const struct scene_stream *stream = &site->streams[n];
				while (capacity < count + stream->count)
					capacity = capacity ? capacity * 2 : 4096;
				all = realloc(all, (capacity + 1) * sizeof *all);
				if (!all)
					abort();
				for (size_t v = 0; v < stream->count; v++)
					all[count++] =
						(struct said){&p->book.scenes[i], site, stream, &stream->values[v]};
			}
	*out_count = count;
	return all;
}

/* A quantity with a dot is a measurement with a field, as the server puts them together. */
static enum status put_line(struct buf *out, const struct said *s)
{
	char number[2 * SCENE_NAME_MAX];
	const char *q = s->stream->quantity, *dot = strrchr(q, '.');
	bool word = strspn(s->value->text, "-+.0123456789e") != strlen(s->value->text);
	scene_site_number(s->scene, s->site, number);
	return buf_printf(out, "%.*s,site=%s%s %s=%s%s%s %lld\n", dot ? (int)(dot - q) : (int)strlen(q), q, number,
			  s->value->test ? ",quality=test" : "", dot ? dot + 1 : "value", word ? "\"" : "",
			  s->value->text, word ? "\"" : "", (long long)(s->scene->midnight_ms + s->value->ms));
}

int scene_play_streams(const struct scene_play *p, int http_port, uint64_t seed)
{
	size_t count, sent = 0;
	uint64_t state = seed * 0x9e3779b97f4a7c15u | 1;
	struct said *all = gather(p, &count);
	struct buf lines = buf_init((size_t)BATCH * 512);
	int result = 0;
	for (size_t i = count; i > 1; i--) {
		size_t k = next(&state) % i;
		struct said swap = all[i - 1];
		all[i - 1] = all[k];
		all[k] = swap;
	}
	for (size_t at = 0; at < count && !result; at += BATCH) {
		buf_clear(&lines);
		for (size_t i = at; i < count && i < at + BATCH && !result; i++)
			for (unsigned times = next(&state) % TWICE ? 1 : 2; times && !result; times--, sent++)
				result = put_line(&lines, &all[i]) ? -1 : 0;
		result = result ? result : api_write_lines(http_port, buf_view(&lines));
	}
	printf("%zu values of sensors sent\n", sent);
	buf_deinit(&lines);
	free(all);
	return result;
}
