#include "ingest/sites/mqtt_link.h"

#include <mosquitto.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/core/clock.h"
#include "engine/core/log.h"
#include "engine/fleet/values_writer.h"
#include "ingest/sites/json_values.h"

#define PRINCIPAL "mqtt"
#define BACKOFF_MIN_MS 100
#define BACKOFF_MAX_MS 60000
/* how long the thread sleeps at most: libmosquitto looks after its keep-alive then */
#define TURN_MS 1000
/* messages that share one sync */
#define BATCH_MAX 1000
#define QUARANTINE_PER_MINUTE 60
#define MESSAGE_ID 0x3110 /* in quarantine: MQTT 3.1.1 */

static const struct {
	const char *metric, *help;
} counters[MQTT_COUNTER_COUNT] = {
#define X(NAME, metric, help) {metric, help},
	MQTT_COUNTER_TABLE(X)
#undef X
};

struct mqtt_link {
	const struct broker_config *broker;
	const struct sites_config *config;
	unsigned index;
	struct engine *engine;
	pthread_t thread;
	bool running;
	int stop; /* eventfd: readable when the thread shall end */
	_Atomic bool connected;
	_Atomic int64_t heard_ms;
	_Atomic uint64_t values[MQTT_COUNTER_COUNT];

	/* of the thread */
	struct mosquitto *client;
	struct values_writer *writer;
	uint64_t batch_values;
	unsigned batch;     /* messages read and not durable yet */
	bool made;          /* streams, not synced yet */
	enum status failed; /* why the batch cannot be made durable */
	bool refused_by_broker;
	int64_t quarantine_at_ms;
	unsigned quarantine_left;
};

struct mqtt_links {
	size_t count;
	struct mqtt_link list[SITES_BROKERS_MAX];
};

static void count_up(struct mqtt_link *l, enum mqtt_counter which, uint64_t n)
{
	atomic_fetch_add_explicit(&l->values[which], n, memory_order_relaxed);
}

/* --- what is refused --- */

struct kept {
	struct engine *engine;
	struct intake in;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool done;
	enum status status;
};

static void kept_done(struct kept *k, enum status status)
{
	pthread_mutex_lock(&k->lock);
	k->done = true;
	k->status = status;
	pthread_cond_signal(&k->changed);
	pthread_mutex_unlock(&k->lock);
}

static void on_kept(struct shard *shard, const struct ticket *ticket, enum status status)
{
	(void)shard;
	kept_done((struct kept *)(uintptr_t)ticket->words[0], status);
}

static void keep_on_loop(void *context)
{
	struct kept *k = context;
	enum status status = shard_submit(engine_shard(k->engine, 0), &k->in);
	if (status)
		kept_done(k, status);
}

/* In quarantine, and on the disk, when it returns STATUS_OK. */
static enum status keep(struct engine *e, struct span payload, enum status reason)
{
	struct kept k = {.engine = e,
			 .in = {.kind = INTAKE_QUARANTINE,
				.received_ms = clock_now_ms(),
				.message_id = MESSAGE_ID,
				.reason = reason,
				.body = payload,
				.wants_settled = true,
				.on_settled = on_kept},
			 .lock = PTHREAD_MUTEX_INITIALIZER,
			 .changed = PTHREAD_COND_INITIALIZER};
	k.in.ticket.words[0] = (uint64_t)(uintptr_t)&k;
	enum status status = shard_post(engine_shard(e, 0), keep_on_loop, &k);
	if (status)
		return status;
	pthread_mutex_lock(&k.lock);
	while (!k.done)
		pthread_cond_wait(&k.changed, &k.lock);
	pthread_mutex_unlock(&k.lock);
	return k.status;
}

static void refuse(struct mqtt_link *l, const struct mosquitto_message *m, enum status reason)
{
	int64_t now_ms = clock_now_ms();
	count_up(l, MQTT_COUNT_REFUSED, 1);
	if (now_ms - l->quarantine_at_ms >= MS_PER_MINUTE || now_ms < l->quarantine_at_ms) {
		l->quarantine_at_ms = now_ms;
		l->quarantine_left = QUARANTINE_PER_MINUTE;
	}
	if (!l->quarantine_left || (size_t)m->payloadlen > JSON_PAYLOAD_MAX)
		return;
	l->quarantine_left--;
	enum status status = keep(l->engine, span_of(m->payload, (size_t)m->payloadlen), reason);
	if (status)
		l->failed = status;
	else
		count_up(l, MQTT_COUNT_QUARANTINED, 1);
}

/* --- values --- */

/* A site that parts of the topic or of the message name must be registered, or be kept as not registered. */
static enum status make_stream(struct mqtt_link *l, const struct json_value_told *v, uint64_t *out)
{
	static const char unregistered[] = "unregistered";
	struct streams *streams = engine_streams(l->engine);
	struct registry *sites = engine_registry(l->engine);
	struct span site = span_of_string(v->site), quantity = span_of_string(v->quantity);
	const struct registry_change kind = {DEVICE_FIELD_STREAM_KIND, span_of_string(stream_kind_token(STREAM_STATE))};
	const struct registry_change state = {DEVICE_FIELD_STATE, span_of_string(unregistered)};
	bool is_new = !registry_has(sites, site_id(site));
	enum status status = stream_put(streams, site, quantity, &kind, v->value.type == VALUE_TEXT, VALID_ALWAYS_FROM,
					PRINCIPAL, true, out);
	if (!status && is_new && l->broker->keep_unknown)
		status = registry_apply_bulk(sites, site_id(site), DEVICE_KIND_SENSOR, &state, 1, VALID_ALWAYS_FROM,
					     PRINCIPAL);
	l->made |= !status;
	count_up(l, MQTT_COUNT_STREAMS, !status);
	return status;
}

/* What was made is on the disk before any value of it is. */
static enum status sync_made(struct mqtt_link *l)
{
	enum status status = l->made ? store_sync(engine_store(l->engine)) : STATUS_OK;
	l->made = l->made && status;
	return status;
}

static enum status take_value(void *context, const struct json_value_told *v)
{
	struct mqtt_link *l = context;
	uint64_t stream;
	enum status status =
		stream_find(engine_streams(l->engine), span_of_string(v->site), span_of_string(v->quantity), &stream);
	if (status == STATUS_NOT_FOUND)
		status = make_stream(l, v, &stream);
	if (!status && values_writer_is_full(l->writer))
		status = sync_made(l);
	if (!status)
		status = values_writer_add(l->writer, stream, &v->value, v->text);
	l->batch_values += !status;
	return status;
}

/* Before anything of a message is taken: whether its sites may send. */
static enum status may_send(void *context, const struct json_value_told *v)
{
	struct mqtt_link *l = context;
	bool known =
		l->broker->keep_unknown || registry_has(engine_registry(l->engine), site_id(span_of_string(v->site)));
	return known ? STATUS_OK : STATUS_DENIED;
}

static enum status take_message(struct mqtt_link *l, const struct mosquitto_message *m)
{
	const struct topic_config *t = topic_find(l->config, l->index, m->topic);
	struct span payload = span_of(m->payload, (size_t)m->payloadlen);
	int64_t now_ms = clock_now_ms();
	unsigned untold = 0;
	enum status status = t ? STATUS_OK : STATUS_NOT_FOUND;
	if (t && m->retain && t->time_is_receipt) {
		count_up(l, MQTT_COUNT_UNTOLD, 1);
		return STATUS_OK;
	}
	bool listed = t && !strchr(t->site, '{');
	if (!status && !listed)
		status = json_values_read(t, m->topic, payload, now_ms, may_send, l, &untold);
	if (!status)
		status = values_writer_begin(l->writer, now_ms);
	if (!status)
		status = json_values_read(t, m->topic, payload, now_ms, take_value, l, &untold);
	count_up(l, MQTT_COUNT_UNTOLD, untold);
	count_up(l, MQTT_COUNT_UNKNOWN, status == STATUS_DENIED);
	return status;
}

/* --- callbacks of libmosquitto, on the thread, within mosquitto_loop_read --- */

static void on_message(struct mosquitto *client, void *context, const struct mosquitto_message *m)
{
	struct mqtt_link *l = context;
	(void)client;
	count_up(l, MQTT_COUNT_MESSAGES, 1);
	count_up(l, MQTT_COUNT_BYTES, (uint64_t)m->payloadlen);
	atomic_store(&l->heard_ms, clock_now_ms());
	l->batch++;
	if (l->failed)
		return;
	enum status status = take_message(l, m);
	if (!status)
		return;
	if (status_class(status) == STATUS_CLASS_system)
		l->failed = status;
	else
		refuse(l, m, status);
}

static void on_connect(struct mosquitto *client, void *context, int code)
{
	struct mqtt_link *l = context;
	if (code) {
		log_warn("mqtt", "%s: %s", l->broker->name, mosquitto_connack_string(code));
		l->refused_by_broker = true;
		return;
	}
	count_up(l, MQTT_COUNT_CONNECTED, 1);
	atomic_store(&l->connected, true);
	for (size_t i = 0; i < l->config->topic_count; i++)
		if (l->config->topics[i].broker == l->index)
			(void)mosquitto_subscribe(client, NULL, l->config->topics[i].filter, 1);
}

static void on_subscribe(struct mosquitto *client, void *context, int mid, int count, const int *granted)
{
	struct mqtt_link *l = context;
	(void)client, (void)mid;
	for (int i = 0; i < count; i++)
		if (granted[i] != 1)
			log_warn("mqtt", "%s: a subscription was not granted with QoS 1 (%d)", l->broker->name,
				 granted[i]);
}

/* --- a connection --- */

static bool read_password(const char *path, char out[SITES_TEXT_MAX + 1])
{
	FILE *f = fopen(path, "r");
	bool good = f && fgets(out, SITES_TEXT_MAX + 1, f);
	if (f)
		fclose(f);
	if (good)
		out[strcspn(out, "\r\n")] = '\0';
	return good;
}

static bool set_up(struct mqtt_link *l)
{
	const struct broker_config *b = l->broker;
	char password[SITES_TEXT_MAX + 1] = "";
	l->client = mosquitto_new(b->client, false, l);
	if (!l->client)
		return false;
	/* nothing is written but by mosquitto_loop_write */
	(void)mosquitto_threaded_set(l->client, true);
	mosquitto_message_callback_set(l->client, on_message);
	mosquitto_connect_callback_set(l->client, on_connect);
	mosquitto_subscribe_callback_set(l->client, on_subscribe);
	if (b->password_file[0] && !read_password(b->password_file, password)) {
		log_error("mqtt", "%s: %s cannot be read", b->name, b->password_file);
		return false;
	}
	if (b->user[0] && mosquitto_username_pw_set(l->client, b->user, password[0] ? password : NULL))
		return false;
	if (b->ca[0] &&
	    mosquitto_tls_set(l->client, b->ca, NULL, b->cert[0] ? b->cert : NULL, b->key[0] ? b->key : NULL, NULL)) {
		log_error("mqtt", "%s: certificates cannot be used", b->name);
		return false;
	}
	return mosquitto_connect(l->client, b->host, b->port, (int)b->keepalive_s) == MOSQ_ERR_SUCCESS;
}

/* Nothing that is queued may leave any more. */
static void cut(struct mqtt_link *l)
{
	int fd = l->client ? mosquitto_socket(l->client) : -1;
	if (fd >= 0)
		(void)shutdown(fd, SHUT_RDWR);
	if (l->client)
		mosquitto_destroy(l->client);
	l->client = NULL;
	atomic_store(&l->connected, false);
}

static bool is_readable(int fd)
{
	struct pollfd p = {fd, POLLIN, 0};
	return poll(&p, 1, 0) == 1;
}

/* What has come, up to BATCH_MAX messages. False: the connection is lost. */
static bool read_batch(struct mqtt_link *l)
{
	do {
		if (mosquitto_loop_read(l->client, 1))
			return false;
	} while (l->batch < BATCH_MAX && !l->failed && mosquitto_socket(l->client) >= 0 &&
		 is_readable(mosquitto_socket(l->client)));
	return true;
}

/* Everything read is durable when it returns true; only then may the thread write. */
static bool make_durable(struct mqtt_link *l)
{
	enum status status = sync_made(l);
	enum status flushed = values_writer_flush(l->writer);
	status = l->failed ? l->failed : status ? status : flushed;
	if (status) {
		log_warn("mqtt", "%s: %u messages not durable: %s", l->broker->name, l->batch, status_text(status));
		count_up(l, MQTT_COUNT_FAILED, 1);
	} else {
		count_up(l, MQTT_COUNT_VALUES, l->batch_values);
	}
	l->batch = 0;
	l->batch_values = 0;
	l->failed = STATUS_OK;
	return status == STATUS_OK;
}

/* Until something can be read or written, or a turn is over. */
static void wait_for_news(struct mqtt_link *l, int fd, bool *stop, bool *readable)
{
	struct pollfd p[2] = {{l->stop, POLLIN, 0}, {fd, POLLIN, 0}};
	if (mosquitto_want_write(l->client))
		p[1].events |= POLLOUT;
	int n = poll(p, 2, TURN_MS);
	*stop = n > 0 && p[0].revents;
	*readable = n > 0 && (p[1].revents & (POLLIN | POLLHUP | POLLERR));
}

/* Until the connection is lost or the thread shall end; true: end. */
static bool stay(struct mqtt_link *l)
{
	for (;;) {
		bool stop, readable;
		int fd = mosquitto_socket(l->client);
		if (fd < 0 || l->refused_by_broker)
			return false;
		wait_for_news(l, fd, &stop, &readable);
		bool good = !readable || read_batch(l);
		if (l->batch && !make_durable(l))
			return stop;
		/* what is durable may be told also when the connection is about to go */
		if (mosquitto_loop_write(l->client, 1) || !good || mosquitto_loop_misc(l->client))
			return stop;
		if (stop)
			return true;
	}
}

/* True: the thread shall end. */
static bool pause_for(struct mqtt_link *l, int ms)
{
	struct pollfd p = {l->stop, POLLIN, 0};
	return poll(&p, 1, ms) > 0;
}

static void *run(void *context)
{
	struct mqtt_link *l = context;
	int backoff_ms = BACKOFF_MIN_MS;
	for (bool stop = false; !stop;) {
		uint64_t before = atomic_load(&l->values[MQTT_COUNT_CONNECTED]);
		l->refused_by_broker = false;
		stop = set_up(l) && stay(l);
		cut(l);
		if (stop)
			break;
		count_up(l, MQTT_COUNT_LOST, 1);
		if (atomic_load(&l->values[MQTT_COUNT_CONNECTED]) != before)
			backoff_ms = BACKOFF_MIN_MS;
		stop = pause_for(l, backoff_ms);
		backoff_ms = backoff_ms * 2 < BACKOFF_MAX_MS ? backoff_ms * 2 : BACKOFF_MAX_MS;
	}
	return NULL;
}

/* --- life --- */

static enum status begin(struct mqtt_link *l)
{
	enum status status = values_writer_new(l->engine, &l->writer);
	l->stop = status ? -1 : eventfd(0, EFD_CLOEXEC);
	l->running = l->stop >= 0 && pthread_create(&l->thread, NULL, run, l) == 0;
	return l->running ? STATUS_OK : STATUS_NO_MEMORY;
}

enum status mqtt_links_start(const struct sites_config *config, struct engine *engine, struct mqtt_links **out)
{
	struct mqtt_links *all = calloc(1, sizeof *all);
	enum status status = all && mosquitto_lib_init() == MOSQ_ERR_SUCCESS ? STATUS_OK : STATUS_NO_MEMORY;
	for (size_t i = 0; i < config->broker_count && !status; i++) {
		struct mqtt_link *l = &all->list[all->count++];
		l->broker = &config->brokers[i];
		l->config = config;
		l->index = (unsigned)i;
		l->engine = engine;
		status = begin(l);
	}
	if (status) {
		mqtt_links_stop(all);
		return status;
	}
	*out = all;
	return STATUS_OK;
}

void mqtt_links_stop(struct mqtt_links *all)
{
	const uint64_t one = 1;
	if (!all)
		return;
	for (size_t i = 0; i < all->count; i++)
		if (all->list[i].running && write(all->list[i].stop, &one, sizeof one) != sizeof one)
			log_error("mqtt", "cannot end %s", all->list[i].broker->name);
	for (size_t i = 0; i < all->count; i++) {
		struct mqtt_link *l = &all->list[i];
		if (l->running)
			pthread_join(l->thread, NULL);
		if (l->stop >= 0)
			close(l->stop);
		values_writer_free(l->writer);
	}
	mosquitto_lib_cleanup();
	free(all);
}

/* --- telling --- */

static unsigned long long count_of(const struct mqtt_link *l, unsigned which)
{
	return atomic_load_explicit(&l->values[which], memory_order_relaxed);
}

static enum status put_broker(const struct mqtt_link *l, struct buf *out)
{
	char heard[TIME_TEXT_MAX];
	int64_t heard_ms = atomic_load(&l->heard_ms);
	const char *quote = heard_ms ? "\"" : "";
	time_format(heard_ms, 0, heard);
	enum status status =
		buf_printf(out, "{\"name\":\"%s\",\"connected\":%s,\"heard\":%s%s%s", l->broker->name,
			   atomic_load(&l->connected) ? "true" : "false", quote, heard_ms ? heard : "null", quote);
	for (unsigned i = 0; i < MQTT_COUNTER_COUNT && !status; i++)
		status = buf_printf(out, ",\"%.*s\":%llu", (int)(strlen(counters[i].metric) - strlen("_total")),
				    counters[i].metric, count_of(l, i));
	return status ? status : buf_append_u8(out, '}');
}

enum status mqtt_links_json(const struct mqtt_links *all, struct buf *out)
{
	enum status status = STATUS_OK;
	for (size_t i = 0; all && i < all->count && !status; i++) {
		status = i ? buf_append_u8(out, ',') : STATUS_OK;
		if (!status)
			status = put_broker(&all->list[i], out);
	}
	return status;
}

enum status mqtt_links_metrics(const struct mqtt_links *all, struct buf *out)
{
	enum status status = STATUS_OK;
	for (unsigned k = 0; all && k < MQTT_COUNTER_COUNT && !status; k++) {
		status = buf_printf(out, "# HELP zayton_mqtt_%s %s\n# TYPE zayton_mqtt_%s counter\n",
				    counters[k].metric, counters[k].help, counters[k].metric);
		for (size_t i = 0; i < all->count && !status; i++)
			status = buf_printf(out, "zayton_mqtt_%s{broker=\"%s\"} %llu\n", counters[k].metric,
					    all->list[i].broker->name, count_of(&all->list[i], k));
	}
	return status;
}
