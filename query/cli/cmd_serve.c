/* cmd_serve.c -- the server: settings, engine, listeners, HTTP; runs until it is asked to end, then drains. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "engine/core/clock.h"
#include "engine/core/log.h"
#include "engine/core/settings.h"
#include "engine/fleet/engine.h"
#include "engine/register/hazard_feed.h"
#include "ingest/listen/ingest.h"
#include "ingest/listen/ingest_stats.h"
#include "ingest/platform/platform.h"
#include "ingest/stations/boat_gateway.h"
#include "query/cli/cli.h"
#include "query/cli/fences_route.h"
#include "query/cli/lines_route.h"
#include "query/cli/links_route.h"
#include "query/cli/outbox_route.h"
#include "query/cli/sites_route.h"
#include "query/cli/stations_route.h"
#include "query/cli/tokens.h"
#include "query/cli/township_store.h"
#include "query/cli/whole_file.h"
#include "query/console/console_assets.h"
#include "query/http/handlers_duty.h"
#include "query/http/handlers_hazards.h"
#include "query/http/handlers_township.h"
#include "query/http/http.h"

extern char **environ;

#define TEND_EVERY_S 60
#define RETENTION_EVERY 60 /* times of tending */

struct server {
	struct settings settings;
	char jt808_host[SETTINGS_HOST_MAX], udp_host[SETTINGS_HOST_MAX], http_host[SETTINGS_HOST_MAX];
	struct engine *engine;
	struct ingest *ingest;
	struct link_book links;
	struct platform *platform; /* NULL without links */
	struct stations *stations; /* NULL: no stations file */
	struct sites *sites;       /* NULL: no sites file */
	struct lines_route *lines;
	struct console_options console;
	struct http *http;
	struct hazards *hazards;
	struct hazard_feed *hazard_feed;
	struct duty *duty;
	struct boat_gateway *boat_gateway; /* NULL: no Beidou station to send through */
	struct township township;
	struct calendar_clock *calendar_clock;
	struct outbox *outbox; /* NULL: nothing leaves */
	struct http_token *tokens;
	size_t token_count;
};

/* --- from settings to options --- */

static unsigned shard_count(const struct settings *s)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	if (s->shards)
		return (unsigned)s->shards;
	return processors < 1 ? 1 : processors > SHARDS_MAX ? SHARDS_MAX : (unsigned)processors;
}

static struct engine_options engine_options_of(const struct settings *s)
{
	struct engine_options o = engine_options_default(s->data_dir);
	o.shards = shard_count(s);
	o.durability = s->durability == SETTINGS_DURABILITY_SYNC       ? JOURNAL_SYNC
		       : s->durability == SETTINGS_DURABILITY_INTERVAL ? JOURNAL_INTERVAL
								       : JOURNAL_OS;
	o.durability_interval_ms = (uint32_t)s->durability_interval_ms;
	o.gather_us = (uint32_t)s->gather_us;
	o.head_bytes_max = s->head_bytes_max;
	o.journal_bytes_max = s->journal_bytes_max;
	o.checkpoint_ms = (uint32_t)s->checkpoint_s * 1000;
	o.cache_bytes = s->cache_bytes;
	o.audit_months = (unsigned)s->retention_audit;
	o.commands.reminders_handle = s->reminders_handle;
	for (unsigned i = 0; i < DEVICE_CLASS_COUNT; i++)
		o.retention.months[i] = settings_retention_months(s, device_class_token(i));
	return o;
}

/* Host and port of an ADDRESS that was validated on loading; false when it is "off". */
static bool address_of(const char *text, char host[SETTINGS_HOST_MAX], int *port)
{
	uint16_t number;
	if (settings_address(text, host, &number))
		return false;
	*port = number;
	return true;
}

static enum status open_ingest(struct server *v)
{
	const struct settings *s = &v->settings;
	struct ingest_options o = ingest_options_default();
	bool tcp = address_of(s->jt808_tcp, v->jt808_host, &o.tcp_port);
	bool udp = address_of(s->jt808_udp, v->udp_host, &o.udp_port);
	o.tcp_port = tcp ? o.tcp_port : INGEST_NO_PORT;
	o.udp_port = udp ? o.udp_port : INGEST_NO_PORT;
	o.address_count = 1;
	o.addresses[0] = tcp ? v->jt808_host : v->udp_host;
	if (tcp && udp && strcmp(v->jt808_host, v->udp_host) != 0) {
		log_error("serve", "jt808_tcp and jt808_udp must name the same host");
		return STATUS_INVALID;
	}
	o.registration = s->terminals == SETTINGS_TERMINALS_ALLOW  ? REGISTER_ALLOW_LIST
			 : s->terminals == SETTINGS_TERMINALS_OPEN ? REGISTER_OPEN
								   : REGISTER_KEEP;
	o.auth_required = s->auth_required;
	o.time_as_utc = s->terminal_time == SETTINGS_TERMINAL_TIME_UTC;
	o.private_framing = s->private_framing;
	unsigned shards = engine_shards(v->engine);
	o.connections_max = (uint32_t)((s->connections_max + shards - 1) / shards);
	o.connection_bytes_max = (uint32_t)s->connection_bytes_max;
	o.heartbeat_ms = (uint32_t)s->heartbeat_timeout_s * 1000 / 3;
	o.command_wait_ms = (uint32_t)s->command_wait_ms;
	enum status status = ingest_new(&o, engine_registry(v->engine), &v->ingest);
	if (!status)
		ingest_set_commands(v->ingest, engine_commands(v->engine));
	return status;
}

static void say_policy_mistake(void *context, const char *path, const char *text)
{
	log_error("serve", "%s: %s %s", (const char *)context, path, text);
}

/* The policy by which findings become hazards: the shipped sample, or the operator's file. */
static enum status read_policies(const char *path, struct feed_policies **out)
{
	struct buf text = buf_init(FEED_POLICY_BYTES_MAX + 1);
	enum status status = *path ? whole_file_read(path, FEED_POLICY_BYTES_MAX, &text) : STATUS_OK;
	if (!status)
		status = feed_policies_parse(*path ? buf_view(&text) : feed_policies_default(), say_policy_mistake,
					     (void *)(*path ? path : "policy"), out);
	buf_deinit(&text);
	return status;
}

static enum status open_register(struct server *v)
{
	struct hazard_policy law = hazard_policy_default();
	struct feed_policies *policies = NULL;
	enum status status = read_policies(v->settings.hazard_policy_file, &policies);
	if (!status)
		status = hazards_open(engine_store(v->engine), &law, &v->hazards);
	if (status) {
		feed_policies_free(policies);
		return status;
	}
	status = hazard_feed_new(v->engine, v->hazards, policies, &v->hazard_feed);
	if (!status)
		status = hazard_feed_start(v->hazard_feed);
	if (!status)
		status = township_open(engine_store(v->engine), v->hazards, v->settings.calendar_file, &v->township);
	return status ? status : calendar_clock_start(v->township.calendar, &v->calendar_clock);
}

/* The policy by which findings ring in the duty room: the shipped sample, or the operator's file. */
static enum status open_duty(struct server *v)
{
	const char *path = v->settings.alarm_policy_file;
	struct buf text = buf_init(ALARM_POLICY_BYTES_MAX + 1);
	struct alarm_policies *policies = NULL;
	enum status status = *path ? whole_file_read(path, ALARM_POLICY_BYTES_MAX, &text) : STATUS_OK;
	if (!status && *path)
		status = alarm_policies_parse(buf_view(&text), say_policy_mistake, (void *)path, &policies);
	buf_deinit(&text);
	if (!status)
		status = duty_open(v->engine, policies, false, &v->duty);
	if (!status)
		status = duty_start(v->duty);
	if (!status && v->settings.boat_gateway[0])
		status = boat_gateway_new(v->settings.boat_gateway, duty_boat_messages(v->duty),
					  (unsigned)v->settings.boat_gateway_interval, &v->boat_gateway);
	return status;
}

static enum status gateway_metrics(void *context, struct buf *out)
{
	return boat_gateway_metrics(context, out);
}

static enum status duty_room_metrics(void *context, struct buf *out)
{
	return duty_metrics(context, out);
}

static enum status open_outbox(struct server *v)
{
	enum status status = outbox_route_open(v->settings.outbox_file, (unsigned)v->settings.outbox_give_up, v->engine,
					       v->hazards, v->township.calendar, &v->outbox);
	if (!status && v->outbox)
		status = outbox_start(v->outbox);
	if (status)
		log_error("serve", "outbox of %s: %s", v->settings.outbox_file, status_text(status));
	return status;
}

static void tell_mistake(void *path, unsigned line, const char *english, const char *chinese)
{
	fprintf(stderr, "%s:%u: %s %s\n", (const char *)path, line, english, chinese);
}

static enum status open_links(struct server *v)
{
	char *path = v->settings.links_file;
	if (!*path)
		return STATUS_OK;
	enum status status = links_read(path, tell_mistake, path, &v->links);
	return status ? status : platform_new(v->engine, &v->links, &v->platform);
}

/* --- hooks of the shards: terminals, and beside them the links and stations --- */

static void shard_starts(void *context, struct shard *shard)
{
	const struct server *v = context;
	ingest_shard_start(v->ingest, shard);
	if (v->platform)
		platform_shard_start(v->platform, shard);
	stations_shard_start(v->stations, shard);
	sites_shard_start(v->sites, shard);
}

static void shard_stops(void *context, struct shard *shard)
{
	const struct server *v = context;
	ingest_shard_stop(v->ingest, shard);
	if (v->platform)
		platform_shard_stop(v->platform, shard);
	stations_shard_stop(v->stations, shard);
	sites_shard_stop(v->sites, shard);
}

static void entry_settled(void *context, struct shard *shard, const struct ticket *ticket, enum status status)
{
	const struct server *v = context;
	if (v->platform && platform_owns(ticket))
		platform_settled(v->platform, ticket, status);
	else
		ingest_settled(v->ingest, shard, ticket, status);
}

static void shard_has_room(void *context, struct shard *shard)
{
	const struct server *v = context;
	ingest_room(v->ingest, shard);
	if (v->platform)
		platform_room(v->platform, shard);
	stations_room(v->stations, shard);
	sites_room(v->sites, shard);
}

static enum status links_metrics(void *context, struct buf *out)
{
	return platform_metrics(context, out);
}

static enum status open_stations(struct server *v)
{
	const char *path = v->settings.stations_file;
	if (!*path)
		return STATUS_OK;
	struct stations_config *config = malloc(sizeof *config);
	struct buf mistakes = buf_init(STATIONS_MISTAKES_MAX);
	enum status status = config ? stations_read(path, config, &mistakes) : STATUS_NO_MEMORY;
	if (mistakes.size)
		fprintf(stderr, "%.*s", (int)mistakes.size, (const char *)mistakes.data);
	if (!status)
		status = stations_new(config, engine_registry(v->engine), &v->stations);
	if (status)
		log_error("serve", "stations of %s: %s", path, status_text(status));
	buf_deinit(&mistakes);
	free(config);
	return status;
}

static enum status open_sites(struct server *v)
{
	const char *path = v->settings.sites_file;
	struct sites_config *config = NULL;
	if (!*path)
		return STATUS_OK;
	struct buf mistakes = buf_init(SITES_MISTAKES_MAX);
	enum status status = sites_read(path, &config, &mistakes);
	if (mistakes.size)
		fprintf(stderr, "%.*s", (int)mistakes.size, (const char *)mistakes.data);
	if (!status)
		status = sites_new(config, v->engine, &v->sites);
	if (status) {
		sites_config_free(config);
		log_error("serve", "sites of %s: %s", path, status_text(status));
	}
	buf_deinit(&mistakes);
	return status;
}

static enum status register_metrics(void *context, struct buf *out)
{
	const struct hazard_feed_stats *f = hazard_feed_stats(context);
	const struct {
		const char *name, *help;
		uint64_t value;
	} rows[] = {{"taken", "Findings looked at for the hazard register.", f->taken},
		    {"found", "Hazards that findings began.", f->found},
		    {"joined", "Findings that joined a hazard.", f->joined},
		    {"relapsed", "Closed hazards that findings brought back.", f->relapsed},
		    {"detached", "Findings taken back from a hazard.", f->detached},
		    {"failed", "Turns of the feed that failed.", f->failed}};
	enum status status = STATUS_OK;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0] && !status; i++)
		status = buf_printf(out,
				    "# HELP zayton_register_%s_total %s\n# TYPE zayton_register_%s_total counter\n"
				    "zayton_register_%s_total %llu\n",
				    rows[i].name, rows[i].help, rows[i].name, rows[i].name,
				    (unsigned long long)rows[i].value);
	return status;
}

static enum status ingest_metrics(void *context, struct buf *out)
{
	return ingest_stats_write(context, out);
}

static enum status open_console(struct server *v)
{
	const struct settings *s = &v->settings;
	v->console = (struct console_options){.assets = console_assets,
					      .asset_count = console_asset_count,
					      .demo = s->demo,
					      .tiles_url = s->map_tiles,
					      .tiles_gcj02 = s->map_tiles_gcj02,
					      .map_approval = s->map_approval};
	enum status status = handlers_console_add(v->http, &v->console);
	if (status == STATUS_INVALID)
		log_error("serve", "map_tiles is no URL of tiles: %s", s->map_tiles);
	return status;
}

static enum status open_http(struct server *v)
{
	const struct settings *s = &v->settings;
	struct http_options o = http_options_default(v->engine);
	int port;
	if (!address_of(s->http, v->http_host, &port))
		return STATUS_OK;
	o.address = v->http_host;
	o.port = (uint16_t)port;
	o.tls_certificate = s->tls_cert[0] ? s->tls_cert : NULL;
	o.tls_key = s->tls_key[0] ? s->tls_key : NULL;
	o.pool_threads = (unsigned)s->pool_threads;
	o.connections_max = (unsigned)s->http_connections_max;
	o.purpose_required = s->purpose_required;
	o.tokens = v->tokens;
	o.token_count = v->token_count;
	enum status status = http_new(&o, &v->http);
	if (!status)
		status = open_console(v);
	if (!status)
		status = http_add_metrics(v->http, ingest_metrics, v->ingest);
	if (!status)
		status = fences_route_add(v->http);
	if (!status)
		status = hazards_route_add(v->http, v->hazards);
	if (!status)
		status = duty_route_add(v->http, v->duty);
	if (!status)
		status = http_add_metrics(v->http, duty_room_metrics, v->duty);
	if (!status && v->boat_gateway)
		status = http_add_metrics(v->http, gateway_metrics, v->boat_gateway);
	if (!status)
		status = township_route_add(v->http, &v->township);
	if (!status)
		status = http_add_metrics(v->http, register_metrics, v->hazard_feed);
	if (!status && v->platform)
		status = http_add_metrics(v->http, links_metrics, v->platform);
	if (!status)
		status = links_route_add(v->http, v->platform);
	if (!status)
		status = outbox_route_add(v->http, v->outbox);
	if (!status)
		status = stations_route_add(v->http, v->stations);
	if (!status)
		status = sites_route_add(v->http, v->sites);
	if (!status)
		status = lines_route_add(v->lines, v->http);
	return status ? status : http_start(v->http);
}

/* --- life --- */

static enum status open_all(struct server *v)
{
	struct engine_options options = engine_options_of(&v->settings);
	enum status status = tokens_read(v->settings.tokens_file, &v->tokens, &v->token_count);
	if (!status)
		status = engine_open(&options, &v->engine);
	if (status) {
		log_error("serve", "%s: %s", v->settings.data_dir, status_text(status));
		return status;
	}
	status = open_ingest(v);
	if (status) {
		log_error("serve", "terminals at %s: %s", v->settings.jt808_tcp, status_text(status));
		return status;
	}
	status = open_links(v);
	if (status) {
		log_error("serve", "links of %s: %s", v->settings.links_file, status_text(status));
		return status;
	}
	status = open_stations(v);
	if (!status)
		status = open_sites(v);
	if (status)
		return status;
	struct engine_callbacks callbacks = {v, shard_starts, shard_stops, entry_settled, shard_has_room};
	engine_set_callbacks(v->engine, &callbacks);
	status = engine_start(v->engine);
	if (!status)
		status = open_register(v);
	if (status) {
		log_error("serve", "hazard register: %s", status_text(status));
		return status;
	}
	status = open_duty(v);
	if (status) {
		log_error("serve", "duty room: %s", status_text(status));
		return status;
	}
	status = open_outbox(v);
	if (!status)
		status = sites_start_brokers(v->sites);
	if (!status)
		status = lines_route_new(&v->settings, v->engine, &v->lines);
	if (!status)
		status = open_http(v);
	if (status)
		log_error("serve", "http at %s: %s", v->settings.http, status_text(status));
	return status;
}

static void close_all(struct server *v)
{
	if (v->http)
		http_stop(v->http);
	hazard_feed_free(v->hazard_feed);
	outbox_free(v->outbox);
	boat_gateway_free(v->boat_gateway);
	duty_stop(v->duty);
	lines_route_free(v->lines);
	sites_stop_brokers(v->sites);
	if (v->engine)
		engine_stop(v->engine);
	ingest_free(v->ingest);
	platform_free(v->platform);
	links_free(&v->links);
	stations_free(v->stations);
	sites_free(v->sites);
	http_free(v->http);
	calendar_clock_stop(v->calendar_clock);
	township_close(&v->township);
	hazards_close(v->hazards);
	duty_close(v->duty);
	engine_close(v->engine);
	free(v->tokens);
}

static void say_ready(const struct server *v)
{
	printf("{\"ready\":true,\"jt808_tcp\":%d,\"jt808_udp\":%d,\"http\":%d,\"jt809\":%d,\"lines_udp\":%d,\"data\":"
	       "\"%s\"}\n",
	       ingest_port_tcp(v->ingest), ingest_port_udp(v->ingest), v->http ? http_port(v->http) : -1,
	       v->platform ? platform_port(v->platform) : -1, lines_route_port_udp(v->lines), v->settings.data_dir);
	fflush(stdout);
}

static void expire(struct server *v)
{
	struct retention_result result;
	enum status status = engine_expire(v->engine, clock_now_ms(), &result);
	if (status)
		log_warn("serve", "retention: %s", status_text(status));
	else if (result.families_dropped)
		log_info("serve", "retention: %llu families dropped, %llu blocks held",
			 (unsigned long long)result.families_dropped, (unsigned long long)result.blocks_held);
}

/* Until SIGINT or SIGTERM; the calendar's work and retention in between. The signals were blocked before any thread
 * began. */
static void wait_for_end(struct server *v, const sigset_t *signals)
{
	for (unsigned times = 0;; times++) {
		struct timespec minute = {TEND_EVERY_S, 0};
		if (times % RETENTION_EVERY == 0)
			expire(v);
		engine_tend(v->engine, clock_now_ms());
		if (sigtimedwait(signals, NULL, &minute) > 0)
			return;
	}
}

static void raise_file_limit(void)
{
	struct rlimit files;
	if (getrlimit(RLIMIT_NOFILE, &files))
		return;
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
}

static int print_help(void)
{
	struct buf text = buf_init(1u << 20);
	printf("usage: zayton serve [--settings FILE] [--name value ...]\n\n");
	if (!settings_help(&text))
		fwrite(text.data, 1, text.size, stdout);
	buf_deinit(&text);
	return 0;
}

static bool load(struct settings *s, int argc, char **argv)
{
	struct buf mistakes = buf_init(SETTINGS_MISTAKES_MAX);
	enum status status = settings_load(s, argc - 1, argv + 1, environ, &mistakes);
	if (status)
		fprintf(stderr, "%.*s", (int)mistakes.size, (const char *)mistakes.data);
	buf_deinit(&mistakes);
	return status == STATUS_OK;
}

int cmd_settings(int argc, char **argv)
{
	struct settings s;
	struct buf text = buf_init(1u << 20);
	if (argc > 1 && !strcmp(argv[1], "--help"))
		return print_help();
	if (!load(&s, argc, argv))
		return 2;
	enum status status = settings_dump(&s, &text);
	if (!status)
		fwrite(text.data, 1, text.size, stdout);
	buf_deinit(&text);
	return status ? 1 : 0;
}

int cmd_serve(int argc, char **argv)
{
	struct server v = {0};
	sigset_t signals;
	if (argc > 1 && !strcmp(argv[1], "--help"))
		return print_help();
	if (!load(&v.settings, argc, argv))
		return 2;
	log_set_level((enum log_level)v.settings.log_level);
	raise_file_limit();
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	enum status status = open_all(&v);
	if (!status) {
		say_ready(&v);
		wait_for_end(&v, &signals);
		log_info("serve", "ending: draining");
	}
	close_all(&v);
	return status ? 1 : 0;
}
