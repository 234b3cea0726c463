#include "ingest/sites/sites.h"

#include <stdlib.h>
#include <unistd.h>

#include "engine/core/clock.h"
#include "engine/core/log.h"
#include "ingest/sites/sites_state.h"

static const struct {
	const char *metric, *help;
} counters[SITE_COUNTER_COUNT] = {
#define X(NAME, metric, help) {metric, help},
	SITE_COUNTER_TABLE(X)
#undef X
};

/* --- life --- */

static enum status bind_all(struct sites *s)
{
	for (size_t i = 0; i < s->config->listener_count; i++) {
		struct site_listener *l = &s->listeners[i];
		enum status status = site_bind(l);
		if (status) {
			log_error("sites", "%s at %s port %d: %s", l->config->name, l->config->host, l->config->port,
				  status_text(status));
			return status;
		}
	}
	return STATUS_OK;
}

enum status sites_new(struct sites_config *config, struct engine *engine, struct sites **out)
{
	struct sites *s = calloc(1, sizeof *s);
	if (!s)
		return STATUS_NO_MEMORY;
	s->config = config;
	s->engine = engine;
	for (size_t i = 0; i < SITES_LISTENERS_MAX; i++) {
		s->listeners[i].all = s;
		s->listeners[i].config = &config->listeners[i];
		s->listeners[i].index = (unsigned)i;
		s->listeners[i].fd = s->listeners[i].port = -1;
	}
	s->read_buffer = malloc(SITE_READ_BYTES);
	enum status status = s->read_buffer ? bind_all(s) : STATUS_NO_MEMORY;
	if (status) {
		s->config = NULL;
		sites_free(s);
		return status;
	}
	*out = s;
	return STATUS_OK;
}

void sites_free(struct sites *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < SITES_LISTENERS_MAX; i++)
		if (s->listeners[i].fd >= 0)
			close(s->listeners[i].fd);
	sites_config_free(s->config);
	free(s->read_buffer);
	free(s);
}

enum status sites_start_brokers(struct sites *s)
{
	return s && s->config->broker_count ? mqtt_links_start(s->config, s->engine, &s->brokers) : STATUS_OK;
}

void sites_stop_brokers(struct sites *s)
{
	if (!s)
		return;
	mqtt_links_stop(s->brokers);
	s->brokers = NULL;
}

static void on_tick(uv_timer_t *timer)
{
	struct sites *s = timer->data;
	int64_t now_ms = clock_now_ms();
	for (size_t i = 0; i < s->config->listener_count; i++)
		site_tick(&s->listeners[i], now_ms);
}

void sites_shard_start(struct sites *s, struct shard *shard)
{
	if (!s || shard_index(shard) != 0)
		return;
	s->shard = shard;
	s->loop = (uv_loop_t *)shard_loop(shard);
	s->started = uv_timer_init(s->loop, &s->tick) == 0;
	s->tick.data = s;
	if (s->started)
		(void)uv_timer_start(&s->tick, on_tick, SITE_TICK_MS, SITE_TICK_MS);
	for (size_t i = 0; i < s->config->listener_count; i++)
		site_listen(&s->listeners[i]);
}

void sites_shard_stop(struct sites *s, struct shard *shard)
{
	if (!s || shard_index(shard) != 0 || !s->started)
		return;
	s->stopping = true;
	uv_close((uv_handle_t *)&s->tick, NULL);
	for (size_t i = 0; i < s->config->listener_count; i++)
		site_close(&s->listeners[i]);
}

void sites_room(struct sites *s, struct shard *shard)
{
	if (!s || shard_index(shard) != 0 || s->stopping)
		return;
	for (size_t i = 0; i < s->config->listener_count; i++)
		site_room(&s->listeners[i]);
}

int sites_port(const struct sites *s, const char *name)
{
	for (size_t i = 0; s && i < s->config->listener_count; i++)
		if (strcmp(s->config->listeners[i].name, name) == 0)
			return s->listeners[i].port;
	return -1;
}

/* --- telling --- */

static unsigned long long count_of(const struct site_listener *l, unsigned which)
{
	return atomic_load_explicit(&l->stats.values[which], memory_order_relaxed);
}

static enum status put_listener(struct site_listener *l, struct buf *out)
{
	char heard[TIME_TEXT_MAX];
	int64_t heard_ms = atomic_load_explicit(&l->stats.heard_ms, memory_order_relaxed);
	const char *quote = heard_ms ? "\"" : "";
	time_format(heard_ms, 0, heard);
	enum status status =
		buf_printf(out,
			   "{\"name\":\"%s\",\"protocol\":\"%s\",\"address\":\"%s\",\"port\":%d,\"connections\":%u,"
			   "\"heard\":%s%s%s",
			   l->config->name, site_protocol_token(l->config->protocol), l->config->host, l->port,
			   atomic_load(&l->link_count), quote, heard_ms ? heard : "null", quote);
	for (unsigned i = 0; i < SITE_COUNTER_COUNT && !status; i++)
		status = buf_printf(out, ",\"%.*s\":%llu", (int)(strlen(counters[i].metric) - strlen("_total")),
				    counters[i].metric, count_of(l, i));
	return status ? status : buf_append_u8(out, '}');
}

enum status sites_json(struct sites *s, struct buf *out)
{
	enum status status = buf_printf(out, "{\"listeners\":[");
	for (size_t i = 0; s && i < s->config->listener_count && !status; i++) {
		status = i ? buf_append_u8(out, ',') : STATUS_OK;
		if (!status)
			status = put_listener(&s->listeners[i], out);
	}
	if (!status)
		status = buf_printf(out, "],\"brokers\":[");
	if (!status && s)
		status = mqtt_links_json(s->brokers, out);
	return status ? status : buf_printf(out, "]}");
}

static enum status put_connections(struct sites *s, struct buf *out)
{
	enum status status = buf_printf(out, "# HELP zayton_site_connections Connections of a listener.\n"
					     "# TYPE zayton_site_connections gauge\n");
	for (size_t i = 0; i < s->config->listener_count && !status; i++)
		status = buf_printf(out, "zayton_site_connections{listener=\"%s\"} %u\n", s->config->listeners[i].name,
				    atomic_load(&s->listeners[i].link_count));
	return status;
}

enum status sites_metrics(struct sites *s, struct buf *out)
{
	enum status status = s ? put_connections(s, out) : STATUS_OK;
	for (unsigned k = 0; s && k < SITE_COUNTER_COUNT && !status; k++) {
		status = buf_printf(out, "# HELP zayton_site_%s %s\n# TYPE zayton_site_%s counter\n",
				    counters[k].metric, counters[k].help, counters[k].metric);
		for (size_t i = 0; i < s->config->listener_count && !status; i++)
			status = buf_printf(out, "zayton_site_%s{listener=\"%s\"} %llu\n", counters[k].metric,
					    s->config->listeners[i].name, count_of(&s->listeners[i], k));
	}
	return status || !s ? status : mqtt_links_metrics(s->brokers, out);
}
