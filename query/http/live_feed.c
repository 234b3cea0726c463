#include "query/http/live_feed.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "engine/core/clock.h"
#include "engine/core/log.h"
#include "query/export/export_devices.h"
#include "query/export/export_violations.h"
#include "query/export/json_out.h"
#include "query/export/mask.h"
#include "query/http/http_rights.h"
#include "query/http/http_stream.h"

/* devices looked at in one go, and the bytes of positions after which an event is sent */
#define LOOK 64
#define POSITIONS_BYTES 12288

struct live_client {
	struct http_exchange *x;
	struct principal who;
	enum live_kind kind;
	uint64_t
		after; /* VIOLATIONS: the last row that it was told or that was not for it; POSITIONS: an instant, ms */
	uint64_t device;  /* POSITIONS: a look goes on behind this one; 0: none is under way */
	int64_t look_ms;  /* when that look began */
	int64_t next_ns;  /* POSITIONS: no look before; monotonic */
	int64_t quiet_ns; /* since then nothing was sent; monotonic */
};

struct live_feed {
	struct engine *engine;
	struct http_accounts *accounts;
	int64_t heartbeat_ns;
	pthread_t thread;
	pthread_mutex_t mutex; /* guards what follows; clients below a count once read belong to the thread */
	pthread_cond_t changed;
	bool stopping;
	size_t count;
	struct live_client clients[LIVE_CLIENTS_MAX];
};

/* --- one client --- */

struct turn {
	struct live_feed *feed;
	struct live_client *client;
	struct judged_by *by;
	unsigned told;
	bool held; /* it was stopped before the last row: no room, or */
	bool more; /* a batch is through and there is more */
};

static enum status write_event(const struct turn *t, uint64_t feed, uint8_t event, int64_t at_ms,
			       const struct violation *v, struct buf *out)
{
	struct export_violation row;
	export_violation_describe(&row, engine_registry(t->feed->engine), &t->by->context, v);
	enum status status =
		buf_printf(out, "id: %llu\nevent: %s\ndata: ", (unsigned long long)feed, case_event_token(event));
	struct json_out j = json_out_init(out);
	j.status = status;
	jout_open(&j, '{');
	jout_key(&j, "feed");
	jout_unsigned(&j, feed);
	jout_key(&j, "event");
	jout_string(&j, case_event_token(event));
	jout_key(&j, "event_zh");
	jout_string(&j, case_event_chinese(event));
	jout_key(&j, "at_ms");
	jout_integer(&j, at_ms);
	jout_key(&j, "violation");
	jout_open(&j, '{');
	export_violation_members(&j, &row);
	jout_close(&j, '}');
	jout_close(&j, '}');
	return j.status ? j.status : buf_append(out, "\n\n", 2);
}

/* STATUS_END ends the turn. */
static enum status tell_row(void *context, uint64_t feed, uint8_t event, uint64_t id, int64_t at_ms)
{
	struct turn *t = context;
	struct live_client *c = t->client;
	struct violation v;
	if (t->told == LIVE_BATCH) {
		t->held = t->more = true;
		return STATUS_END;
	}
	enum status status = violation_get(engine_findings(t->feed->engine), id, &v);
	if (status && status != STATUS_NOT_FOUND)
		return status;
	t->told++;
	if (!status && scope_allows(engine_registry(t->feed->engine), &c->who, v.finding.device, clock_now_ms())) {
		struct buf text = buf_init(EXPORT_VIOLATION_BYTES_MAX + 1024);
		bool masked = mask_set(!http_rights_reads(&c->who, HTTP_RIGHTS_PERSONAL));
		status = write_event(t, feed, event, at_ms, &v, &text);
		mask_set(masked);
		if (!status)
			status = exchange_post(c->x, buf_view(&text));
		buf_deinit(&text);
		t->held = status == STATUS_FULL;
		if (status)
			return t->held ? STATUS_END : status;
		c->quiet_ns = clock_monotonic_ns();
	}
	c->after = feed;
	return STATUS_OK;
}

static enum status tell_news(struct turn *t)
{
	struct findings *findings = engine_findings(t->feed->engine);
	struct live_client *c = t->client;
	uint64_t last = findings_feed_last(findings);
	if (last <= c->after)
		return STATUS_OK;
	t->by = context_take(engine_context(t->feed->engine));
	enum status status = findings_feed(findings, c->after, tell_row, t);
	judged_by_release(t->by);
	if (!status && !t->held && c->after < last)
		c->after = last; /* rows that are no longer kept */
	return status;
}

/* --- positions --- */

/* Send the positions gathered in `text`, if any, and move behind `device`. */
static enum status post_positions(struct live_client *c, struct buf *text, uint64_t device)
{
	enum status status = STATUS_OK;
	if (text->size) {
		status = buf_append(text, "]}\n\n", 4);
		if (!status)
			status = exchange_post(c->x, buf_view(text));
		buf_clear(text);
	}
	if (!status)
		c->device = device;
	return status;
}

/* Those of `batch` that were heard of since; `text` gathers them. */
static enum status gather_positions(struct turn *t, const struct last *batch, size_t count, struct buf *text)
{
	const struct registry *r = engine_registry(t->feed->engine);
	struct live_client *c = t->client;
	struct export_position p;
	for (size_t i = 0; i < count; i++) {
		if (batch[i].report.received_ms + LIVE_OVERLAP_MS < (int64_t)c->after ||
		    !scope_allows(r, &c->who, batch[i].device, c->look_ms))
			continue;
		enum status status = text->size ? buf_append_u8(text, ',')
						: buf_printf(text, "event: positions\ndata: {\"positions\":[");
		if (status)
			return status;
		struct json_out j = json_out_init(text);
		export_position_describe(&p, r, &batch[i], c->look_ms);
		export_position_object(&j, &p);
		if (j.status)
			return j.status;
	}
	return STATUS_OK;
}

/* One look at all devices, which goes on in a later turn when the client has no room. */
static enum status look(struct turn *t, struct buf *text)
{
	struct live_client *c = t->client;
	struct last batch[LOOK];
	uint64_t at = c->device;
	size_t count;
	enum status status = STATUS_OK;
	while (!status && (count = engine_last_list(t->feed->engine, at, batch, LOOK))) {
		at = batch[count - 1].device;
		status = gather_positions(t, batch, count, text);
		if (!status && text->size > POSITIONS_BYTES)
			status = post_positions(c, text, at);
	}
	if (!status)
		status = post_positions(c, text, at);
	if (!status)
		status = buf_printf(text, "id: %lld\nevent: told\ndata: {}\n\n", (long long)c->look_ms);
	return status ? status : exchange_post(c->x, buf_view(text));
}

static enum status tell_positions(struct turn *t)
{
	struct live_client *c = t->client;
	int64_t now_ns = clock_monotonic_ns();
	if (now_ns < c->next_ns)
		return STATUS_OK;
	if (!c->device)
		c->look_ms = clock_now_ms();
	struct buf text = buf_init(POSITIONS_BYTES + LOOK * 8192);
	enum status status = look(t, &text);
	buf_deinit(&text);
	c->quiet_ns = now_ns;
	if (status == STATUS_FULL)
		return STATUS_OK;
	c->after = (uint64_t)c->look_ms;
	c->device = 0;
	c->next_ns = now_ns + LIVE_POSITIONS_MS * INT64_C(1000000);
	return status;
}

/* --- turns --- */

static enum status keep_alive(struct turn *t)
{
	struct live_client *c = t->client;
	int64_t now_ns = clock_monotonic_ns();
	if (c->quiet_ns && now_ns - c->quiet_ns < t->feed->heartbeat_ns)
		return STATUS_OK;
	enum status status = exchange_post(c->x, span_of(":\n\n", 3));
	c->quiet_ns = now_ns;
	return status == STATUS_FULL ? STATUS_OK : status;
}

/* STATUS_CANCELLED: it left. `*more`: it has something to hear at once. */
static enum status serve(struct live_feed *f, struct live_client *c, bool *more)
{
	struct turn t = {.feed = f, .client = c};
	if (exchange_is_cancelled(c->x) || !accounts_still(f->accounts, &c->x->request))
		return STATUS_CANCELLED;
	enum status status = keep_alive(&t);
	if (!status)
		status = c->kind == LIVE_POSITIONS ? tell_positions(&t) : tell_news(&t);
	*more |= t.more;
	return status;
}

/* --- all of them --- */

static void drop(struct live_feed *f, size_t i, enum status status)
{
	struct http_exchange *x = f->clients[i].x;
	if (status == STATUS_CANCELLED) {
		exchange_end(x);
	} else {
		log_warn("http", "live feed cut: %s", status_text(status));
		exchange_abort(x);
	}
	exchange_unref(x);
	pthread_mutex_lock(&f->mutex);
	f->clients[i] = f->clients[--f->count];
	pthread_mutex_unlock(&f->mutex);
}

/* False when it is over. Waits a turn, or while nobody listens for somebody, unless there is something to do. */
static bool wait_turn(struct live_feed *f, bool at_once, size_t *out_count)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += LIVE_TURN_MS * 1000000L;
	until.tv_sec += until.tv_nsec / 1000000000L;
	until.tv_nsec %= 1000000000L;
	pthread_mutex_lock(&f->mutex);
	while (!f->stopping && !f->count)
		pthread_cond_wait(&f->changed, &f->mutex);
	if (!f->stopping && !at_once)
		pthread_cond_timedwait(&f->changed, &f->mutex, &until);
	bool goes_on = !f->stopping;
	*out_count = f->count;
	pthread_mutex_unlock(&f->mutex);
	return goes_on;
}

static void *live_main(void *context)
{
	struct live_feed *f = context;
	bool more = false;
	size_t count;
	while (wait_turn(f, more, &count)) {
		more = false;
		for (size_t i = count; i-- > 0;) { /* what takes a dropped one's place was served, or is new */
			enum status status = serve(f, &f->clients[i], &more);
			if (status)
				drop(f, i, status);
		}
	}
	return NULL;
}

enum status live_feed_add(struct live_feed *f, enum live_kind kind, struct http_exchange *x,
			  const struct principal *who, uint64_t after)
{
	pthread_mutex_lock(&f->mutex);
	enum status status = f->stopping ? STATUS_CLOSED : f->count == LIVE_CLIENTS_MAX ? STATUS_FULL : STATUS_OK;
	if (!status) {
		exchange_begin(x, 200, "text/event-stream");
		exchange_ref(x);
		f->clients[f->count++] = (struct live_client){.x = x, .who = *who, .kind = kind, .after = after};
		pthread_cond_signal(&f->changed);
	}
	pthread_mutex_unlock(&f->mutex);
	return status;
}

enum status live_feed_start(struct engine *e, struct http_accounts *accounts, unsigned heartbeat_ms,
			    struct live_feed **out)
{
	struct live_feed *f = calloc(1, sizeof *f);
	pthread_condattr_t monotonic;
	if (!f)
		return STATUS_NO_MEMORY;
	f->engine = e;
	f->accounts = accounts;
	f->heartbeat_ns = heartbeat_ms * INT64_C(1000000);
	pthread_mutex_init(&f->mutex, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&f->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	if (pthread_create(&f->thread, NULL, live_main, f)) {
		f->stopping = true;
		live_feed_free(f);
		return STATUS_NO_MEMORY;
	}
	*out = f;
	return STATUS_OK;
}

void live_feed_stop(struct live_feed *f)
{
	pthread_mutex_lock(&f->mutex);
	f->stopping = true;
	pthread_cond_signal(&f->changed);
	pthread_mutex_unlock(&f->mutex);
	pthread_join(f->thread, NULL);
	for (size_t i = 0; i < f->count; i++) {
		exchange_end(f->clients[i].x);
		exchange_unref(f->clients[i].x);
	}
	f->count = 0;
}

void live_feed_free(struct live_feed *f)
{
	if (!f)
		return;
	pthread_cond_destroy(&f->changed);
	pthread_mutex_destroy(&f->mutex);
	free(f);
}
