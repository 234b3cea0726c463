#include "sites_world.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/core/log.h"
#include "engine/fleet/series.h"

#define WAIT_MS 60000

static void starts(void *context, struct shard *shard)
{
	sites_shard_start(((struct world *)context)->sites, shard);
}
static void stops(void *context, struct shard *shard)
{
	sites_shard_stop(((struct world *)context)->sites, shard);
}
static void room(void *context, struct shard *shard)
{
	sites_room(((struct world *)context)->sites, shard);
}

void world_open(struct world *w, const char *text, bool live)
{
	struct buf mistakes = buf_init(65536);
	*w = (struct world){0};
	log_set_level(LOG_OFF);
	strcpy(w->dir, "/tmp/zayton-sites-XXXXXX");
	cr_assert_not_null(mkdtemp(w->dir));
	struct engine_options o = engine_options_default(w->dir);
	o.shards = 2;
	o.gather_us = 0;
	cr_assert_eq(engine_open(&o, &w->engine), STATUS_OK);
	enum status status = sites_parse("sites", span_of_string(text), &w->config, &mistakes);
	cr_assert_eq(status, STATUS_OK, "%.*s", (int)mistakes.size, (const char *)mistakes.data);
	buf_deinit(&mistakes);
	if (!live)
		return;
	cr_assert_eq(sites_new(w->config, w->engine, &w->sites), STATUS_OK);
	struct engine_callbacks callbacks = {w, starts, stops, NULL, room};
	engine_set_callbacks(w->engine, &callbacks);
	cr_assert_eq(engine_start(w->engine), STATUS_OK);
}

void world_close(struct world *w)
{
	char command[128];
	if (w->sites)
		engine_stop(w->engine);
	else
		sites_config_free(w->config);
	sites_free(w->sites);
	engine_close(w->engine);
	snprintf(command, sizeof command, "rm -rf %s", w->dir);
	cr_assert_eq(system(command), 0);
}

struct buf wire_of(const char *protocol, const char *name)
{
	char path[512], line[8192];
	struct buf out = buf_init(1u << 20);
	snprintf(path, sizeof path, TESTS_DIR "/golden/%s/%s.hex", protocol, name);
	FILE *f = fopen(path, "r");
	cr_assert_not_null(f, "%s", path);
	while (fgets(line, sizeof line, f)) {
		line[strcspn(line, "\n")] = '\0';
		if (*line != '#')
			cr_assert_eq(hex_decode(&out, span_of_string(line)), STATUS_OK, "%s", path);
	}
	fclose(f);
	return out;
}

static struct series *open_series(struct world *w, const char *site, const char *quantity)
{
	struct series *s;
	uint64_t id = stream_id(site_id(span_of_string(site)), span_of_string(quantity));
	cr_assert_eq(series_open(w->engine, id, INT64_MIN, INT64_MAX, &s), STATUS_OK);
	return s;
}

size_t values_of(struct world *w, const char *site, const char *quantity)
{
	struct series *s = open_series(w, site, quantity);
	struct value v;
	bool stands;
	size_t n = 0;
	while (!series_next_any(s, &v, &stands))
		n++;
	series_close(s);
	return n;
}

const char *last_of(struct world *w, const char *site, const char *quantity, uint8_t *quality, int64_t *time_ms)
{
	static char text[VALUE_TEXT_MAX + 1];
	struct series *s = open_series(w, site, quantity);
	struct value v, last = {0};
	bool any = false;
	while (!series_next(s, &v))
		last = v, any = true;
	series_close(s);
	text[0] = '\0';
	if (quality)
		*quality = last.quality;
	if (time_ms)
		*time_ms = last.time_ms;
	if (any && last.type != VALUE_TEXT)
		value_print(&last, text);
	if (!any || last.type != VALUE_TEXT)
		return text;
	struct span found;
	cr_assert_eq(value_texts_find(streams_texts(engine_streams(w->engine)), (uint64_t)last.bits, &found),
		     STATUS_OK);
	snprintf(text, sizeof text, "%.*s", (int)found.size, (const char *)found.data);
	return text;
}

int dial(struct world *w, const char *listener)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
	struct sockaddr_in to = {.sin_family = AF_INET,
				 .sin_port = htons((uint16_t)sites_port(w->sites, listener)),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	cr_assert_eq(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
	cr_assert_eq(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), 0);
	return fd;
}

void send_all(int fd, struct span bytes)
{
	while (bytes.size) {
		ssize_t n = send(fd, bytes.data, bytes.size, MSG_NOSIGNAL);
		cr_assert_gt(n, 0);
		bytes = span_of(bytes.data + n, bytes.size - (size_t)n);
	}
}

bool receive(int fd, void *out, size_t size)
{
	for (size_t got = 0; got < size;) {
		struct pollfd p = {fd, POLLIN, 0};
		cr_assert_eq(poll(&p, 1, WAIT_MS), 1, "%zu of %zu bytes came", got, size);
		ssize_t n = recv(fd, (char *)out + got, size - got, 0);
		if (n <= 0)
			return false;
		got += (size_t)n;
	}
	return true;
}

bool ended(int fd)
{
	char byte;
	return !receive(fd, &byte, 1);
}
