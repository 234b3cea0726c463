#include "bench/sim/fleet.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/sim/http_get.h"
#include "engine/core/clock.h"
#include "engine/core/hash.h"

#define POLL_MS 5
#define DRAIN_MS 15000

void fleet_init(struct fleet *f, size_t count, int jt808_port, int http_port)
{
	*f = (struct fleet){.count = count, .http_port = http_port};
	f->options.now_ms = clock_now_ms;
	f->options.address.sin_family = AF_INET;
	f->options.address.sin_port = htons((uint16_t)jt808_port);
	f->options.address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	f->terminals = calloc(count ? count : 1, sizeof *f->terminals);
	if (!f->terminals)
		abort();
}

void fleet_deinit(struct fleet *f)
{
	for (size_t i = 0; i < f->count; i++)
		terminal_deinit(&f->terminals[i]);
	free(f->terminals);
}

/* --- driving --- */

static void begin_stop(struct fleet *f)
{
	if (f->stopping)
		return;
	f->stopping = true;
	f->drain_until_ms = clock_now_ms() + DRAIN_MS;
	for (size_t i = 0; i < f->count; i++)
		terminal_stop(&f->terminals[i]);
}

static bool drained(const struct fleet *f)
{
	for (size_t i = 0; i < f->count; i++)
		if (f->terminals[i].waiting)
			return false;
	return true;
}

static void on_poll(uv_timer_t *timer)
{
	struct fleet *f = timer->data;
	int64_t now_ms = clock_now_ms();
	for (size_t i = 0; i < f->count; i++)
		terminal_poll(&f->terminals[i], &f->loop);
	/* what is done waits for its answers before it stops: a terminal that hung up has yet to come back for them */
	if ((f->ends_ms && now_ms >= f->ends_ms) || (f->is_done && drained(f) && f->is_done(f->context)))
		begin_stop(f);
	if (f->stopping && (drained(f) || now_ms >= f->drain_until_ms))
		uv_stop(&f->loop);
}

static void on_second(uv_timer_t *timer)
{
	struct fleet *f = timer->data;
	if (f->show)
		f->show(f->context);
}

static void on_signal(uv_signal_t *handle, int number)
{
	(void)number;
	begin_stop(handle->data);
}

static void close_handle(uv_handle_t *handle, void *context)
{
	struct fleet *f = context;
	if (uv_is_closing(handle))
		return;
	if (handle->data == f)
		uv_close(handle, NULL);
	else
		terminal_close(handle->data);
}

void fleet_run(struct fleet *f)
{
	uv_loop_init(&f->loop);
	uv_timer_init(&f->loop, &f->poll);
	uv_timer_init(&f->loop, &f->second);
	uv_signal_init(&f->loop, &f->interrupt);
	uv_signal_init(&f->loop, &f->terminate);
	f->poll.data = f->second.data = f->interrupt.data = f->terminate.data = f;
	uv_timer_start(&f->poll, on_poll, 0, POLL_MS);
	uv_timer_start(&f->second, on_second, 1000, 1000);
	uv_signal_start(&f->interrupt, on_signal, SIGINT);
	uv_signal_start(&f->terminate, on_signal, SIGTERM);
	uv_run(&f->loop, UV_RUN_DEFAULT);
	if (f->show)
		f->show(f->context);
	uv_walk(&f->loop, close_handle, f);
	uv_run(&f->loop, UV_RUN_DEFAULT);
	uv_loop_close(&f->loop);
}

/* --- asking back --- */

struct readback {
	struct acknowledged *expected; /* sorted by hash, each once */
	size_t count;
	uint64_t found, doubled;
	bool *seen;
	struct buf body;
};

static int by_hash(const void *a, const void *b)
{
	uint64_t x = ((const struct acknowledged *)a)->hash, y = ((const struct acknowledged *)b)->hash;
	return (x > y) - (x < y);
}

/* Sorts; what was sent and acknowledged twice is one report. */
static size_t sort_once(struct acknowledged *list, size_t count)
{
	size_t kept = 0;
	if (count)
		qsort(list, count, sizeof *list, by_hash);
	for (size_t i = 0; i < count; i++)
		if (!kept || list[kept - 1].hash != list[i].hash)
			list[kept++] = list[i];
	return kept;
}

static void take_line(void *context, char *line, size_t size)
{
	struct readback *r = context;
	char *body = strstr(line, "\"body\":\"");
	char *end = body ? strchr(body + 8, '"') : NULL;
	(void)size;
	if (!end)
		return;
	buf_clear(&r->body);
	if (hex_decode(&r->body, span_of(body + 8, (size_t)(end - body - 8))))
		return;
	struct acknowledged key = {0, hash64(buf_view(&r->body))};
	struct acknowledged *hit = bsearch(&key, r->expected, r->count, sizeof key, by_hash);
	if (!hit)
		return;
	if (r->seen[hit - r->expected])
		r->doubled++;
	else
		r->found++;
	r->seen[hit - r->expected] = true;
}

static void read_terminal_back(struct fleet *f, struct terminal *t, const char *from, const char *to,
			       uint64_t totals[3])
{
	char path[256];
	int code = 0;
	struct readback r = {.expected = t->acked, .body = buf_init(65536)};
	t->acked_count = r.count = sort_once(t->acked, t->acked_count);
	if (!r.count)
		return;
	r.seen = calloc(r.count, 1);
	if (!r.seen)
		abort();
	snprintf(path, sizeof path, "/api/v1/devices/phone:%s/track?from=%s&to=%s&format=ndjson&body=1",
		 t->identity.phone, from, to);
	enum status status = http_get(f->http_port, path, &code, take_line, &r);
	if (status || code != 200)
		fprintf(stderr, "%s: HTTP %d, %s\n", t->identity.phone, code, status_text(status));
	totals[0] += r.count;
	totals[1] += r.found;
	totals[2] += r.doubled;
	free(r.seen);
	buf_deinit(&r.body);
}

int fleet_read_back(struct fleet *f, int64_t from_ms, int64_t to_ms)
{
	char from[TIME_TEXT_MAX], to[TIME_TEXT_MAX];
	uint64_t totals[3] = {0};
	time_format(from_ms, 0, from);
	time_format(to_ms, 0, to);
	for (size_t i = 0; i < f->count; i++)
		read_terminal_back(f, &f->terminals[i], from, to, totals);
	printf("read back 回读: %llu acknowledged, %llu found, %llu missing, %llu doubled\n",
	       (unsigned long long)totals[0], (unsigned long long)totals[1],
	       (unsigned long long)(totals[0] - totals[1]), (unsigned long long)totals[2]);
	return totals[0] == totals[1] && totals[2] == 0 && totals[0] > 0 ? 0 : 1;
}
