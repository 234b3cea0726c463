#include "ingest/stations/stations.h"

#include <stdlib.h>
#include <unistd.h>

#include "engine/core/clock.h"
#include "engine/core/log.h"
#include "ingest/stations/station_state.h"

static const char *const states[STATION_STATE_COUNT] = {
#define X(NAME, token) token,
	STATION_STATE_TABLE(X)
#undef X
};
static const char *const metrics[STATION_COUNTER_COUNT] = {
#define X(NAME, metric, help) metric,
	STATION_COUNTER_TABLE(X)
#undef X
};
static const char *const helps[STATION_COUNTER_COUNT] = {
#define X(NAME, metric, help) help,
	STATION_COUNTER_TABLE(X)
#undef X
};

static enum status bind_all(struct stations *s)
{
	for (size_t i = 0; i < s->config.count; i++) {
		struct station *one = &s->list[i];
		one->all = s;
		one->config = &s->config.list[i];
		one->index = (unsigned)i;
		one->fd = -1;
		one->port = -1;
		if (one->config->transport != STATION_UDP && one->config->transport != STATION_TCP_LISTEN)
			continue;
		enum status status = station_bind(one);
		if (status) {
			log_error("stations", "%s at %s port %d: %s", one->config->name, one->config->host,
				  one->config->port, status_text(status));
			return status;
		}
	}
	return STATUS_OK;
}

enum status stations_new(const struct stations_config *config, struct registry *registry, struct stations **out)
{
	struct stations *s = calloc(1, sizeof *s);
	if (!s)
		return STATUS_NO_MEMORY;
	s->config = *config;
	s->registry = registry;
	for (size_t i = 0; i < STATIONS_MAX; i++)
		s->list[i].fd = -1;
	s->read_buffer = malloc(FEED_READ_BYTES);
	enum status status = s->read_buffer ? fold_new(&s->fold) : STATUS_NO_MEMORY;
	if (!status)
		status = bind_all(s);
	if (status) {
		stations_free(s);
		return status;
	}
	*out = s;
	return STATUS_OK;
}

void stations_free(struct stations *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->config.count; i++)
		if (s->list[i].fd >= 0)
			close(s->list[i].fd);
	fold_free(s->fold);
	free(s->read_buffer);
	free(s);
}

static void on_tick(uv_timer_t *timer)
{
	struct stations *s = timer->data;
	for (size_t i = 0; i < s->config.count; i++)
		station_tick(&s->list[i]);
}

void stations_shard_start(struct stations *s, struct shard *shard)
{
	if (!s || shard_index(shard) != 0)
		return;
	s->shard = shard;
	s->loop = (uv_loop_t *)shard_loop(shard);
	s->started = uv_timer_init(s->loop, &s->tick) == 0;
	s->tick.data = s;
	if (s->started)
		(void)uv_timer_start(&s->tick, on_tick, STATION_TICK_MS, STATION_TICK_MS);
	for (size_t i = 0; i < s->config.count; i++)
		station_begin(&s->list[i]);
}

void stations_shard_stop(struct stations *s, struct shard *shard)
{
	if (!s || shard_index(shard) != 0 || !s->started)
		return;
	s->stopping = true;
	uv_close((uv_handle_t *)&s->tick, NULL);
	for (size_t i = 0; i < s->config.count; i++)
		station_stop(&s->list[i]);
}

void stations_room(struct stations *s, struct shard *shard)
{
	if (!s || shard_index(shard) != 0 || s->stopping)
		return;
	for (size_t i = 0; i < s->config.count; i++)
		station_room(&s->list[i]);
}

int stations_port(const struct stations *s, const char *name)
{
	for (size_t i = 0; s && i < s->config.count; i++)
		if (strcmp(s->config.list[i].name, name) == 0)
			return s->list[i].port;
	return -1;
}

/* --- telling --- */

static uint64_t count_of(const struct station *s, unsigned which)
{
	return atomic_load_explicit(&s->stats.values[which], memory_order_relaxed);
}

/* Paths may hold quotes, backslashes and what not. */
static enum status put_string(struct buf *out, const char *text)
{
	enum status status = buf_append_u8(out, '"');
	for (; *text && !status; text++) {
		uint8_t c = (uint8_t)*text;
		if (c == '"' || c == '\\')
			status = buf_printf(out, "\\%c", c);
		else if (c < 0x20)
			status = buf_printf(out, "\\u%04x", c);
		else
			status = buf_append_u8(out, c);
	}
	return status ? status : buf_append_u8(out, '"');
}

static enum status put_station(const struct station *s, struct buf *out)
{
	char heard[TIME_TEXT_MAX];
	int64_t heard_ms = atomic_load_explicit(&s->stats.heard_ms, memory_order_relaxed);
	time_format(heard_ms, 0, heard);
	enum status status = buf_printf(out, "{\"name\":\"%s\",\"transport\":\"%s\",\"address\":", s->config->name,
					station_transport_token(s->config->transport));
	if (!status)
		status = put_string(out, s->config->host);
	int port = s->port >= 0 ? s->port : s->config->port;
	if (!status && s->config->transport != STATION_FILE)
		status = buf_printf(out, ",\"port\":%d", port);
	if (!status)
		status = buf_printf(out, ",\"state\":\"%s\",\"heard\":%s%s%s",
				    states[atomic_load_explicit(&s->state, memory_order_relaxed)], heard_ms ? "\"" : "",
				    heard_ms ? heard : "null", heard_ms ? "\"" : "");
	for (unsigned i = 0; i < STATION_COUNTER_COUNT && !status; i++)
		status = buf_printf(out, ",\"%.*s\":%llu", (int)(strlen(metrics[i]) - strlen("_total")), metrics[i],
				    (unsigned long long)count_of(s, i));
	return status ? status : buf_append_u8(out, '}');
}

enum status stations_json(const struct stations *s, struct buf *out)
{
	enum status status = buf_printf(out, "{\"stations\":[");
	for (size_t i = 0; s && i < s->config.count && !status; i++) {
		status = i ? buf_append_u8(out, ',') : STATUS_OK;
		if (!status)
			status = put_station(&s->list[i], out);
	}
	return status ? status : buf_printf(out, "]}");
}

enum status stations_metrics(const struct stations *s, struct buf *out)
{
	enum status status = STATUS_OK;
	for (unsigned k = 0; s && k < STATION_COUNTER_COUNT && !status; k++) {
		status = buf_printf(out, "# HELP zayton_station_%s %s\n# TYPE zayton_station_%s counter\n", metrics[k],
				    helps[k], metrics[k]);
		for (size_t i = 0; i < s->config.count && !status; i++)
			status = buf_printf(out, "zayton_station_%s{station=\"%s\"} %llu\n", metrics[k],
					    s->config.list[i].name, (unsigned long long)count_of(&s->list[i], k));
	}
	return status;
}
