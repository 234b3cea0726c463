#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "engine/core/clock.h"
#include "engine/core/log.h"
#include "engine/fleet/series.h"
#include "ingest/gateway/line_gateway.h"
#include "ingest/gateway/line_udp.h"

struct world {
	char dir[64];
	struct engine *engine;
	struct line_map *map;
	struct line_gateway *gateway;
};

static void world_open(struct world *w, bool open)
{
	struct buf mistakes = buf_init(4096);
	log_set_level(LOG_ERROR);
	strcpy(w->dir, "/tmp/zayton-gateway-XXXXXX");
	cr_assert_not_null(mkdtemp(w->dir));
	struct engine_options options = engine_options_default(w->dir);
	options.shards = 2;
	options.gather_us = 0;
	cr_assert_eq(engine_open(&options, &w->engine), STATUS_OK);
	cr_assert_eq(engine_start(w->engine), STATUS_OK);
	cr_assert_eq(line_map_new(span_of("", 0), "site", &w->map, &mistakes), STATUS_OK);
	struct line_gateway_options o = {w->engine, w->map, open};
	cr_assert_eq(line_gateway_new(&o, &w->gateway), STATUS_OK);
}

static int remove_entry(const char *path, const struct stat *seen, int kind, struct FTW *walk)
{
	(void)seen, (void)kind, (void)walk;
	return remove(path);
}

static void world_close(struct world *w)
{
	line_gateway_free(w->gateway);
	line_map_free(w->map);
	engine_stop(w->engine);
	engine_close(w->engine);
	nftw(w->dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static size_t count_of(struct world *w, const char *site, const char *quantity)
{
	struct series *s;
	struct value v;
	size_t n = 0;
	uint64_t id = stream_id(site_id(span_of_string(site)), span_of_string(quantity));
	cr_assert_eq(series_open(w->engine, id, INT64_MIN, INT64_MAX, &s), STATUS_OK);
	while (!series_next(s, &v))
		n++;
	series_close(s);
	return n;
}

static struct line_result write_text(struct world *w, const char *text)
{
	struct line_result r;
	cr_assert_eq(line_gateway_write(w->gateway, span_of_string(text), LINE_MS, clock_now_ms(), &r), STATUS_OK);
	return r;
}

Test(line_gateway, good_lines_are_taken_and_bad_ones_told_by_number)
{
	struct world w;
	world_open(&w, true);
	struct line_result r =
		write_text(&w, "a,site=x v=1,w=2 1\nbroken\n\nb,site=y value=\"on\" 2\nc v=1\na,site=x v=1,w= 3\n");
	cr_assert_eq(r.lines, 2);
	cr_assert_eq(r.values, 3);
	cr_assert_eq(r.refused, 3);
	cr_assert_eq(r.told[0].line, 2);
	cr_assert_eq(r.told[1].line, 5);
	cr_assert_eq(r.told[2].line, 6);
	cr_assert_eq(count_of(&w, "x", "a.v"), 1, "a line is taken whole or not at all");
	cr_assert_eq(count_of(&w, "x", "a.w"), 1);
	cr_assert_eq(count_of(&w, "y", "b"), 1);
	world_close(&w);
}

Test(line_gateway, an_unknown_stream_is_refused_until_it_is_listed)
{
	struct world w;
	uint64_t id;
	world_open(&w, false);
	cr_assert_eq(write_text(&w, "a,site=x value=1 1").refused, 1);
	cr_assert_eq(stream_put(engine_streams(w.engine), span_of_string("x"), span_of_string("a"), NULL, 0, 0, "test",
				false, &id),
		     STATUS_OK);
	cr_assert_eq(write_text(&w, "a,site=x value=1 1").lines, 1);
	cr_assert_eq(count_of(&w, "x", "a"), 1);
	world_close(&w);
}

Test(line_gateway, a_write_larger_than_a_writer_holds_is_taken_in_pieces)
{
	struct world w;
	struct buf text = buf_init(64u << 20);
	struct line_result r;
	world_open(&w, true);
	for (int i = 0; i < 60000; i++)
		cr_assert_eq(buf_printf(&text, "m,site=s%d a=%d.5,b=%di,c=\"state %d\" %d\n", i % 50, i, i, i % 3, i),
			     STATUS_OK);
	cr_assert_eq(line_gateway_write(w.gateway, buf_view(&text), LINE_S, clock_now_ms(), &r), STATUS_OK);
	cr_assert_eq(r.values, 180000);
	for (int s = 0; s < 50; s += 7) {
		char site[24];
		snprintf(site, sizeof site, "s%d", s);
		cr_assert_eq(count_of(&w, site, "m.a"), 1200);
		cr_assert_eq(count_of(&w, site, "m.c"), 1200);
	}
	buf_deinit(&text);
	world_close(&w);
}

/* Forms of numbers, plain and not, and what is none. */
static const char *const forms[] = {"1",
				    "-23.50",
				    "0.000",
				    "-0",
				    "12i",
				    "-7i",
				    "5.",
				    "+4",
				    "1e3",
				    "t",
				    "false",
				    "1u",
				    "007",
				    ".5",
				    "-",
				    "1.2.3",
				    "9i9",
				    "1.5i",
				    "123456789012345",
				    "1234567890123456",
				    "0.1234567890123456",
				    "1i,",
				    "",
				    "--1"};

Test(line_gateway, lines_of_known_keys_come_to_what_reading_them_by_every_rule_comes_to)
{
	enum { LINES = 600 };
	static const char *const ends[] = {"", "", "", " ", "\r", " x"};
	static struct value want[LINES];
	struct world w;
	struct buf text = buf_init(1u << 20);
	struct line_reader reader;
	struct line line;
	struct line_field field;
	struct line_result r;
	struct value v;
	struct series *s;
	uint64_t refused = 0;
	size_t good = 0, n = sizeof forms / sizeof *forms;
	world_open(&w, true);
	for (unsigned i = 0; i < LINES; i++)
		cr_assert_eq(buf_printf(&text, "m,site=x a=%s,b=%s%s %u%s\n", forms[i % n], forms[i * 7 / n % n],
					i % 11 ? "" : ",c=3", 1000 + i, ends[i % 6]),
			     STATUS_OK);
	line_reader_init(&reader, buf_view(&text), LINE_MS, 5);
	enum status status;
	while ((status = line_next(&reader, &line)) != STATUS_END) {
		for (size_t at = 0; !status && !(status = line_field_next(&line, &field)); at++)
			want[good] = at ? want[good] : field.value;
		refused += status != STATUS_END;
		good += status == STATUS_END;
	}
	cr_assert_eq(line_gateway_write(w.gateway, buf_view(&text), LINE_MS, clock_now_ms(), &r), STATUS_OK);
	cr_assert_eq(r.refused, refused);
	cr_assert_eq(r.lines, good);
	cr_assert(good > LINES / 10 && refused > LINES / 10);
	uint64_t id = stream_id(site_id(span_of_string("x")), span_of_string("m.a"));
	cr_assert_eq(series_open(w.engine, id, INT64_MIN, INT64_MAX, &s), STATUS_OK);
	for (size_t i = 0; i < good; i++) {
		cr_assert_eq(series_next(s, &v), STATUS_OK);
		cr_assert(value_same(&v, &want[i]), "line at %lld", (long long)want[i].time_ms);
	}
	cr_assert_eq(series_next(s, &v), STATUS_END);
	series_close(s);
	buf_deinit(&text);
	world_close(&w);
}

Test(line_gateway, datagrams_are_taken_in)
{
	struct world w;
	struct line_udp *u;
	world_open(&w, true);
	cr_assert_eq(line_udp_new(w.gateway, "127.0.0.1", 0, &u), STATUS_OK);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)line_udp_port(u))};
	inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
	for (int i = 0; i < 20; i++) {
		char text[64];
		int size = snprintf(text, sizeof text, "a,site=x value=%d %d000000\nbad", i, i);
		cr_assert_eq(sendto(fd, text, (size_t)size, 0, (struct sockaddr *)&to, sizeof to), size);
	}
	close(fd);
	while (line_udp_stats(u)->datagrams + line_udp_stats(u)->dropped < 20)
		nanosleep(&(struct timespec){0, 1000000}, NULL);
	line_udp_free(u); /* what was read is taken in before it ends */
	cr_assert_eq(count_of(&w, "x", "a"), 20);
	world_close(&w);
}
