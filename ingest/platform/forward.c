/* forward.c -- chosen vehicles and findings of ours to a platform above us, nothing left out, by a thread a link.
 *
 *   stored tracks, from each vehicle's mark on ──> round ──> outbox ── loop ──> main link      live: 0x1202
 *   feed of findings, from its mark on         ──┘  │                                          older: 0x1203, in order
 *                                                   └── a heartbeat behind them; answered: marks are confirmed, stored
 *
 * Live and catching up are one thing: what is behind the mark goes out. A report that comes late, before the mark, is
 * found by its receipt. When the link is lost, marks go back to where they were confirmed; what is said twice is one
 * report to the other side. */
#include <stdlib.h>
#include <time.h>

#include "engine/core/clock.h"
#include "engine/core/log.h"
#include "engine/detect/rules.h"
#include "ingest/platform/platform_state.h"

#define ROUND_MS 100
/* what waits for the loop, bytes: past it the round waits */
#define OUTBOX_MAX (1u << 20)
/* received so long ago and not older: told live */
#define LIVE_MS 60000
/* receipts may be applied out of order by so much */
#define RECEIPT_SLACK_MS 5000
/* a vehicle is looked through for late reports at most so often */
#define LATE_EVERY_MS 5000
#define LASTS 1024
#define AGAIN_MAX 64
#define VEHICLES_MAX 1000000

struct position_mark {
	int64_t time_ms;
	uint64_t hash;
	int64_t received_ms;
};

struct forwarded {
	uint64_t device;
	uint64_t reports; /* of engine_last when it was last looked at; 0: not yet since the link is up */
	int64_t late_at_ms;
	bool late_due, chosen, unstored;
	struct position_mark said, covered,
		confirmed; /* sent; before the heartbeat under way; before an answered one */
	uint8_t vehicle[JT809_VEHICLE];
};

struct again {
	uint64_t device;
	int64_t from_ms, to_ms;
};

struct forwarder {
	struct link *link;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool running, stop, up, posted, answered;
	uint64_t connection; /* counts links that came up */
	struct buf out;      /* records: id 2, size 4, body */
	struct again again[AGAIN_MAX];
	size_t again_count;

	/* the loop's */
	struct buf draining;
	size_t drained;
	uint64_t heartbeat; /* said behind what is to be confirmed; 0: none */

	/* the thread's */
	struct forwarded *all; /* ascending by device */
	size_t count, capacity;
	uint64_t feed_said, feed_covered, feed_confirmed;
	bool covering, dirty;
	struct buf data, body;
	struct buf group; /* positions of a 0x1203, its count first */
	struct last lasts[LASTS];
};

/* --- to the loop --- */

static void drain_on_loop(void *context)
{
	struct link *l = context;
	struct forwarder *f = l->forwarder;
	if (!f)
		return; /* all ends */
	pthread_mutex_lock(&f->lock);
	f->posted = false;
	pthread_mutex_unlock(&f->lock);
	forwarder_drain(l);
}

/* STATUS_CLOSED when the link is down or all ends. */
static enum status put(struct forwarder *f, uint16_t id, struct span body)
{
	bool post = false;
	pthread_mutex_lock(&f->lock);
	while (f->out.size > OUTBOX_MAX && f->up && !f->stop)
		pthread_cond_wait(&f->wake, &f->lock);
	enum status status = f->up && !f->stop ? buf_reserve(&f->out, 6 + body.size) : STATUS_CLOSED;
	if (!status) {
		uint8_t *at = f->out.data + f->out.size;
		store_be16(at, id);
		store_be32(at + 2, (uint32_t)body.size);
		if (body.size)
			memcpy(at + 6, body.data, body.size);
		f->out.size += 6 + body.size;
		post = !f->posted;
		f->posted = true;
	}
	pthread_mutex_unlock(&f->lock);
	if (post && shard_post(engine_shard(f->link->platform->engine, 0), drain_on_loop, f->link))
		return STATUS_CLOSED;
	return status;
}

static bool take_outbox(struct forwarder *f)
{
	if (f->drained < f->draining.size)
		return true;
	buf_clear(&f->draining);
	f->drained = 0;
	pthread_mutex_lock(&f->lock);
	struct buf empty = f->draining;
	f->draining = f->out;
	f->out = empty;
	pthread_cond_broadcast(&f->wake);
	pthread_mutex_unlock(&f->lock);
	return f->draining.size != 0;
}

void forwarder_drain(struct link *l)
{
	struct forwarder *f = l->forwarder;
	while (f && l->logged_in && l->main->queued + l->main->out.size < PEER_QUEUE_MAX && take_outbox(f)) {
		const uint8_t *at = f->draining.data + f->drained;
		uint16_t id = load_be16(at);
		size_t size = load_be32(at + 2);
		f->drained += 6 + size;
		if (id == 0x1005)
			f->heartbeat = ++l->heartbeats_said;
		peer_send(l->main, id, span_of(at + 6, size));
	}
}

void forwarder_link(struct link *l, bool up)
{
	struct forwarder *f = l->forwarder;
	if (!f)
		return;
	buf_clear(&f->draining);
	f->drained = 0;
	f->heartbeat = 0;
	pthread_mutex_lock(&f->lock);
	f->up = up;
	f->connection += up;
	f->answered = false;
	buf_clear(&f->out);
	pthread_cond_broadcast(&f->wake);
	pthread_mutex_unlock(&f->lock);
}

void forwarder_confirmed(struct link *l)
{
	struct forwarder *f = l->forwarder;
	if (!f || !f->heartbeat || l->heartbeats_answered < f->heartbeat)
		return;
	f->heartbeat = 0;
	pthread_mutex_lock(&f->lock);
	f->answered = true;
	pthread_cond_broadcast(&f->wake);
	pthread_mutex_unlock(&f->lock);
}

void forwarder_again(struct link *l, uint64_t device, int64_t from_ms, int64_t to_ms)
{
	struct forwarder *f = l->forwarder;
	if (!f)
		return;
	pthread_mutex_lock(&f->lock);
	if (f->again_count < AGAIN_MAX)
		f->again[f->again_count++] = (struct again){device, from_ms, to_ms};
	else
		log_warn("platform", "%s: too much is to be forwarded again", l->config->name);
	pthread_cond_broadcast(&f->wake);
	pthread_mutex_unlock(&f->lock);
}

/* --- vehicles --- */

static size_t place(const struct forwarder *f, uint64_t device)
{
	size_t low = 0, high = f->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (f->all[middle].device < device)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct forwarded *need(struct forwarder *f, uint64_t device)
{
	size_t at = place(f, device);
	if (at < f->count && f->all[at].device == device)
		return &f->all[at];
	if (f->count == f->capacity) {
		size_t capacity = f->capacity ? 2 * f->capacity : 64;
		struct forwarded *all = capacity <= 2 * VEHICLES_MAX ? realloc(f->all, capacity * sizeof *all) : NULL;
		if (!all)
			return NULL;
		f->all = all;
		f->capacity = capacity;
	}
	memmove(&f->all[at + 1], &f->all[at], (f->count - at) * sizeof *f->all);
	f->count++;
	f->all[at] = (struct forwarded){.device = device};
	f->all[at].said = f->all[at].covered = f->all[at].confirmed =
		(struct position_mark){INT64_MIN, 0, RECEIVED_UNKNOWN};
	return &f->all[at];
}

static bool in_list(const char (*list)[DEVICE_VALUE_MAX + 1], size_t count, const char *text)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(list[i], text) == 0)
			return true;
	return false;
}

/* A vehicle that another platform forwards to us goes on only when it has no terminal of its own with us. */
static bool is_second_source(const struct registry *r, uint64_t device, const char *plate, int64_t now_ms)
{
	uint64_t other;
	return !registry_find(r, DEVICE_FIELD_PLATE, span_of_string(plate), now_ms, &other) && other != device;
}

/* Whether the file chooses it now; its plate is packed. */
static bool choose(struct forwarder *f, struct forwarded *v)
{
	const struct link_config *c = f->link->config;
	struct registry *r = f->link->platform->registry;
	int64_t now_ms = clock_now_ms();
	char plate[DEVICE_VALUE_MAX + 1], company[DEVICE_VALUE_MAX + 1];
	if (registry_value(r, v->device, DEVICE_FIELD_PLATE, now_ms, plate) || jt809_plate_pack(plate, v->vehicle))
		return false;
	if (registry_value(r, v->device, DEVICE_FIELD_COMPANY, now_ms, company))
		*company = '\0';
	return ((c->classes >> registry_class(r, v->device, now_ms) & 1) ||
		in_list(c->companies, c->company_count, company) || in_list(c->plates, c->plate_count, plate)) &&
	       !is_second_source(r, v->device, plate, now_ms);
}

/* --- positions --- */

static enum status say_positions(struct forwarder *f, const struct forwarded *v, uint16_t sub_id, struct span data)
{
	struct jt809_envelope e = {.vehicle = span_of(v->vehicle, JT809_VEHICLE), .sub_id = sub_id, .data = data};
	buf_clear(&f->body);
	enum status status = jt809_envelope_encode(&e, &f->body);
	return status ? status : put(f, 0x1200, buf_view(&f->body));
}

static enum status end_group(struct forwarder *f, const struct forwarded *v)
{
	if (f->group.size <= 1)
		return STATUS_OK;
	enum status status = say_positions(f, v, 0x1203, buf_view(&f->group));
	if (!status)
		link_count(f->link, LINK_COUNT_CAUGHT_UP, f->group.data[0]);
	buf_clear(&f->group);
	return status;
}

static enum status say_report(struct forwarder *f, const struct forwarded *v, const struct report *r, bool live)
{
	buf_clear(&f->data);
	enum status status = jt809_position_encode(r, f->link->config->edition, &f->data);
	if (status)
		return status == STATUS_OUT_OF_RANGE ? STATUS_OK : status; /* a time that 809 cannot say */
	if (live) {
		status = end_group(f, v);
		if (!status)
			status = say_positions(f, v, 0x1202, buf_view(&f->data));
		if (!status)
			link_count(f->link, LINK_COUNT_FORWARDED, 1);
		return status;
	}
	/* a frame bounds what one group may hold */
	if (f->group.size && (f->group.data[0] == JT809_POSITIONS_MAX || f->group.size + f->data.size > 32768))
		status = end_group(f, v);
	if (!status && !f->group.size)
		status = buf_append_u8(&f->group, 0);
	if (!status)
		status = buf_append(&f->group, f->data.data, f->data.size);
	if (!status)
		f->group.data[0]++;
	return status;
}

static bool is_live(const struct report *r, int64_t now_ms)
{
	return !(r->flags & REPORT_FLAG_BACKFILL) && now_ms - r->time_ms < LIVE_MS;
}

static bool is_behind(const struct report *r, const struct position_mark *m)
{
	return r->time_ms < m->time_ms || (r->time_ms == m->time_ms && r->hash <= m->hash);
}

/* Which reports of a walk are said. */
enum pick { PICK_NEW, PICK_LATE, PICK_ALL };

static bool picks(enum pick pick, const struct report *r, const struct position_mark *mark)
{
	switch (pick) {
	case PICK_NEW:
		return !is_behind(r, mark) && !(r->flags & REPORT_FLAG_FUTURE);
	case PICK_LATE:
		return is_behind(r, mark) && r->received_ms != RECEIVED_UNKNOWN &&
		       (mark->received_ms == RECEIVED_UNKNOWN ||
			r->received_ms >= mark->received_ms - RECEIPT_SLACK_MS);
	default:
		return true;
	}
}

static void note_said(struct forwarded *v, const struct report *r, enum pick pick)
{
	if (pick == PICK_NEW) {
		v->said.time_ms = r->time_ms;
		v->said.hash = r->hash;
	}
	if (r->received_ms != RECEIVED_UNKNOWN && r->received_ms > v->said.received_ms)
		v->said.received_ms = r->received_ms;
}

/* `*out_count` gets how many were said. */
static enum status walk(struct forwarder *f, struct forwarded *v, enum pick pick, int64_t from_ms, int64_t to_ms,
			uint64_t *out_count)
{
	struct track *t;
	struct report r;
	const struct position_mark mark = v->said;
	int64_t now_ms = clock_now_ms();
	enum status status = track_open(f->link->platform->engine, v->device, from_ms, to_ms, &t);
	if (status)
		return status;
	while (!status && !(status = track_next(t, &r))) {
		if (!picks(pick, &r, &mark))
			continue;
		status = say_report(f, v, &r, pick == PICK_NEW && is_live(&r, now_ms));
		if (!status && pick != PICK_ALL)
			note_said(v, &r, pick);
		++*out_count;
	}
	track_close(t);
	if (status == STATUS_END)
		status = end_group(f, v);
	buf_clear(&f->group);
	f->dirty = true;
	v->unstored = true;
	return status;
}

static int64_t later_of(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static enum status forward_new(struct forwarder *f, struct forwarded *v, uint64_t reports)
{
	int64_t oldest_ms = clock_now_ms() - f->link->config->catch_up_ms;
	uint64_t said = 0;
	enum status status = walk(f, v, PICK_NEW, later_of(v->said.time_ms, oldest_ms), INT64_MAX, &said);
	if (status)
		return status;
	/* fewer behind the mark than came: some came before it */
	if ((!v->reports || said < reports - v->reports) && v->confirmed.time_ms != INT64_MIN)
		v->late_due = true;
	v->reports = reports;
	return STATUS_OK;
}

static enum status forward_late(struct forwarder *f, struct forwarded *v)
{
	int64_t now_ms = clock_now_ms();
	uint64_t said = 0;
	if (!v->late_due || now_ms < v->late_at_ms)
		return STATUS_OK;
	v->late_due = false;
	v->late_at_ms = now_ms + LATE_EVERY_MS;
	return walk(f, v, PICK_LATE, now_ms - f->link->config->catch_up_ms, v->said.time_ms, &said);
}

static enum status forward_one(struct forwarder *f, const struct last *last)
{
	struct forwarded *v = need(f, last->device);
	if (!v)
		return STATUS_NO_MEMORY;
	if (last->reports != v->reports) {
		v->chosen = choose(f, v);
		if (!v->chosen) {
			v->reports = last->reports;
			return STATUS_OK;
		}
		enum status status = forward_new(f, v, last->reports);
		if (status)
			return status;
	}
	return v->chosen ? forward_late(f, v) : STATUS_OK;
}

static enum status forward_all(struct forwarder *f)
{
	uint64_t after = 0;
	enum status status = STATUS_OK;
	for (size_t n = LASTS; n == LASTS && !status;) {
		n = engine_last_list(f->link->platform->engine, after, f->lasts, LASTS);
		for (size_t i = 0; i < n && !status; i++)
			status = forward_one(f, &f->lasts[i]);
		after = n ? f->lasts[n - 1].device : after;
	}
	return status;
}

static enum status forward_again(struct forwarder *f)
{
	struct again a;
	uint64_t said = 0;
	pthread_mutex_lock(&f->lock);
	bool any = f->again_count != 0;
	if (any)
		a = f->again[--f->again_count];
	pthread_mutex_unlock(&f->lock);
	if (!any)
		return STATUS_OK;
	struct forwarded *v = need(f, a.device);
	if (!v || !choose(f, v)) /* what is not forwarded is not told on request either */
		return STATUS_OK;
	return walk(f, v, PICK_ALL, a.from_ms, a.to_ms, &said);
}

/* --- findings --- */

/* Alarm types of 0x1402 (JT/T 809-2011, table of 4.5.5; 2019 adds 0x0010 and those from A001). */
static uint16_t alarm_of(uint8_t kind)
{
	switch (kind) {
	case RULE_OVERSPEED:
	case RULE_SECTION_SPEED:
		return 0x0001;
	case RULE_FATIGUE:
		return 0x0002;
	case RULE_ZONE:
	case RULE_OUT_OF_AREA:
		return 0x0004;
	case RULE_OFF_ROUTE:
	case RULE_DETOUR:
		return 0x000b;
	case RULE_OFF_HOURS:
		return 0x0010;
	case RULE_DWELL:
		return 0xa001;
	case RULE_GAP:
	case RULE_SILENT:
	case RULE_PORT_GAP:
	case RULE_NO_FIX:
	case RULE_FROZEN:
		return 0x0014;
	default:
		return 0x000e;
	}
}

static enum status say_alarm(struct forwarder *f, const struct violation *v, const struct forwarded *vehicle)
{
	struct jt809_message *m = calloc(1, sizeof *m);
	struct buf gbk = buf_init(1024);
	const struct finding *found = &v->finding;
	enum jt809_edition edition = f->link->config->edition;
	if (!m)
		return STATUS_NO_MEMORY;
	m->id = 0x1400;
	m->sub_id = 0x1402;
	m->source = 3; /* made by a platform */
	m->type = alarm_of(found->kind);
	m->time_ms = found->found_ms;
	m->from_ms = found->start_ms;
	m->to_ms = found->end_ms;
	m->info_id = (uint32_t)v->id;
	m->colour = vehicle->vehicle[JT809_PLATE];
	charset_gbk_to_utf8(span_of(vehicle->vehicle, JT809_PLATE), m->plate, sizeof m->plate);
	memcpy(m->platform, f->link->config->platform, sizeof f->link->config->platform);
	enum status status = charset_utf8_to_gbk(span_of_string(rule_kind_chinese(found->kind)), &gbk);
	if (!status)
		status = charset_utf8_to_gbk(span_of_string(" "), &gbk);
	if (!status)
		status = charset_utf8_to_gbk(span_of_string(found->rule), &gbk);
	m->content = buf_view(&gbk);
	buf_clear(&f->body);
	if (!status)
		status = jt809_message_encode(m, edition, &f->body);
	if (!status)
		status = put(f, 0x1400, buf_view(&f->body));
	if (!status)
		link_count(f->link, LINK_COUNT_ALARMS, 1);
	buf_deinit(&gbk);
	free(m);
	return status;
}

static enum status visit_feed(void *context, uint64_t feed, uint8_t event, uint64_t id, int64_t at_ms)
{
	struct forwarder *f = context;
	struct violation v;
	(void)at_ms;
	enum status status = event == CASE_EVENT_RAISED
				     ? violation_get(engine_findings(f->link->platform->engine), id, &v)
				     : STATUS_NOT_FOUND;
	if (!status && v.finding.device) {
		struct forwarded *vehicle = need(f, v.finding.device);
		status = !vehicle ? STATUS_NO_MEMORY : choose(f, vehicle) ? say_alarm(f, &v, vehicle) : STATUS_OK;
	}
	if (status && status != STATUS_NOT_FOUND)
		return status;
	f->feed_said = feed;
	f->dirty = true;
	return STATUS_OK;
}

static enum status forward_findings(struct forwarder *f)
{
	if (!f->link->config->findings)
		return STATUS_OK;
	return findings_feed(engine_findings(f->link->platform->engine), f->feed_said, visit_feed, f);
}

/* --- confirming --- */

static enum status begin_covering(struct forwarder *f)
{
	if (!f->dirty || f->covering)
		return STATUS_OK;
	enum status status = put(f, 0x1005, (struct span){NULL, 0});
	if (status)
		return status;
	for (size_t i = 0; i < f->count; i++)
		f->all[i].covered = f->all[i].said;
	f->feed_covered = f->feed_said;
	f->covering = true;
	f->dirty = false;
	return STATUS_OK;
}

/* Rows in batches: a fleet of marks is megabytes. */
static void end_covering(struct forwarder *f)
{
	struct link_mark marks[256];
	size_t n = 0;
	enum status status = STATUS_OK;
	f->covering = false;
	f->feed_confirmed = f->feed_covered;
	for (size_t i = 0; i <= f->count && !status; i++) {
		struct forwarded *v = i < f->count ? &f->all[i] : NULL;
		if (v && v->unstored && v->covered.time_ms != INT64_MIN) {
			v->confirmed = v->covered;
			v->unstored = memcmp(&v->said, &v->covered, sizeof v->said) != 0;
			marks[n++] = (struct link_mark){v->device, v->confirmed.time_ms, v->confirmed.hash,
							v->confirmed.received_ms};
		}
		if (n == 256 || (!v && (n || f->feed_confirmed))) {
			status = link_marks_put(f->link->platform->store, f->link->config->name, marks, n,
						f->feed_confirmed);
			n = 0;
		}
	}
	if (status)
		log_warn("platform", "%s: marks are not written: %s", f->link->config->name, status_text(status));
}

static void go_back(struct forwarder *f)
{
	for (size_t i = 0; i < f->count; i++) {
		f->all[i].said = f->all[i].covered = f->all[i].confirmed;
		f->all[i].reports = 0;
	}
	f->feed_said = f->feed_covered = f->feed_confirmed;
	f->covering = f->dirty = false;
}

/* --- the thread --- */

static void wait_a_round(struct forwarder *f)
{
	struct timespec until;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += ROUND_MS * 1000000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	(void)pthread_cond_timedwait(&f->wake, &f->lock, &until);
}

static void round_once(struct forwarder *f)
{
	enum status status = forward_again(f);
	if (!status)
		status = forward_all(f);
	if (!status)
		status = forward_findings(f);
	if (!status)
		status = begin_covering(f);
	if (status && status != STATUS_CLOSED)
		log_warn("platform", "%s: forwarding: %s", f->link->config->name, status_text(status));
}

static void *forward(void *context)
{
	struct forwarder *f = context;
	uint64_t connection = 0;
	pthread_mutex_lock(&f->lock);
	while (!f->stop) {
		bool fresh = f->connection != connection, answered = f->answered && !fresh, up = f->up;
		connection = f->connection;
		f->answered = false;
		pthread_mutex_unlock(&f->lock);
		if (fresh)
			go_back(f);
		if (answered && f->covering)
			end_covering(f);
		if (up)
			round_once(f);
		pthread_mutex_lock(&f->lock);
		if (!f->stop && !f->answered)
			wait_a_round(f);
	}
	pthread_mutex_unlock(&f->lock);
	return NULL;
}

/* --- life --- */

static enum status take_mark(void *context, const struct link_mark *m)
{
	struct forwarded *v = need(context, m->device);
	if (!v)
		return STATUS_NO_MEMORY;
	v->confirmed = v->covered = v->said = (struct position_mark){m->time_ms, m->hash, m->received_ms};
	return STATUS_OK;
}

/* A link that never forwarded begins with the findings to come. */
static enum status read_marks(struct forwarder *f)
{
	struct platform *p = f->link->platform;
	enum status status = link_marks(p->store, f->link->config->name, take_mark, f);
	if (!status)
		status = link_feed_get(p->store, f->link->config->name, &f->feed_confirmed);
	if (!status && !f->feed_confirmed)
		f->feed_confirmed = findings_feed_last(engine_findings(p->engine));
	f->feed_said = f->feed_covered = f->feed_confirmed;
	return status;
}

enum status forwarder_start(struct link *l)
{
	struct forwarder *f = calloc(1, sizeof *f);
	if (!f)
		return STATUS_NO_MEMORY;
	f->link = l;
	f->out = buf_init(OUTBOX_MAX + 2 * JT809_FRAME_MAX);
	f->draining = buf_init(OUTBOX_MAX + 2 * JT809_FRAME_MAX);
	f->data = buf_init(JT809_FRAME_MAX);
	f->body = buf_init(JT809_FRAME_MAX);
	f->group = buf_init(2 * JT809_FRAME_MAX);
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->wake, NULL);
	enum status status = read_marks(f);
	if (!status && pthread_create(&f->thread, NULL, forward, f))
		status = STATUS_NO_MEMORY;
	f->running = status == STATUS_OK;
	l->forwarder = f;
	if (status)
		forwarder_stop(l);
	return status;
}

void forwarder_stop(struct link *l)
{
	struct forwarder *f = l->forwarder;
	if (!f)
		return;
	pthread_mutex_lock(&f->lock);
	f->stop = true;
	pthread_cond_broadcast(&f->wake);
	pthread_mutex_unlock(&f->lock);
	if (f->running)
		pthread_join(f->thread, NULL);
	l->forwarder = NULL;
	buf_deinit(&f->out);
	buf_deinit(&f->draining);
	buf_deinit(&f->data);
	buf_deinit(&f->body);
	buf_deinit(&f->group);
	pthread_cond_destroy(&f->wake);
	pthread_mutex_destroy(&f->lock);
	free(f->all);
	free(f);
}
