/* outbox.c -- life, and taking in: from the register's log and the findings' feed into rows. */
#include "query/outbox/outbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/core/clock.h"
#include "engine/core/crash.h"
#include "engine/core/hash.h"
#include "engine/core/log.h"
#include "query/outbox/outbox_state.h"

#define MODULE "outbox"
/* items of one batch */
#define TAKE_BATCH 64
#define FEED_BATCH 4096 /* rows of the feed that are looked at */

int64_t outbox_now_ms(void)
{
	return clock_monotonic_ns() / 1000000;
}

struct outbox_options outbox_options_default(struct store *s, struct hazards *r, struct engine *e)
{
	return (struct outbox_options){.store = s,
				       .hazards = r,
				       .engine = e,
				       .pending_max = OUTBOX_PENDING_MAX,
				       .retry_ms = 1000,
				       .timeout_ms = 10000,
				       .poll_ms = 500,
				       .give_up_ms = OUTBOX_GIVE_UP_MS};
}

/* --- taking in --- */

struct taking {
	struct outbox *o;
	struct store_batch *batch;
	struct buf body;
	struct outbox_position position;
	int64_t now_ms;
	size_t items, rows, looked;
	uint64_t added[OUTBOX_DESTINATIONS_MAX];
	bool full;
};

/* Before one item more is taken: STATUS_END when this batch, or the outbox, has no room for it. */
static enum status ask_room(struct taking *t)
{
	t->full = t->o->pending + t->rows + t->o->config->count > t->o->options.pending_max;
	return t->full || t->items == TAKE_BATCH ? STATUS_END : STATUS_OK;
}

/* `lines`: bits of those that it is for. */
static enum status put_item(struct taking *t, const struct outbox_news *n, uint32_t lines)
{
	uint8_t subject[8];
	uint64_t item = t->position.item + 1;
	enum status status = outbox_item_put(t->batch, item, n);
	if (status)
		return status;
	store_be64(subject, n->subject);
	for (size_t i = 0; i < t->o->config->count; i++) {
		if (!(lines >> i & 1))
			continue;
		struct outbox_key key = outbox_key_at(OUTBOX_WAITING, t->o->lines[i].hash, item);
		store_batch_put(t->batch, STORE_OUTBOX, outbox_key_view(&key), span_of(subject, sizeof subject));
		t->added[i]++;
		t->rows++;
	}
	t->position.item = item;
	t->items++;
	return STATUS_OK;
}

static uint32_t lines_of_step(const struct outbox_config *c, const struct hazard *h, const struct hazard_event *e)
{
	uint32_t lines = 0;
	for (size_t i = 0; i < c->count; i++)
		if (c->items[i].steps >> e->step & 1 && (!c->items[i].grades || c->items[i].grades >> h->grade & 1))
			lines |= 1u << i;
	return lines;
}

static enum status take_event(void *context, uint64_t id, const struct hazard_event *e,
			      const uint8_t digest[HAZARD_DIGEST_SIZE])
{
	struct taking *t = context;
	struct hazard h;
	struct outbox_news n;
	enum status status = ask_room(t);
	if (!status)
		status = hazards_get(t->o->options.hazards, id, &h);
	if (status)
		return status;
	uint32_t lines = lines_of_step(t->o->config, &h, e);
	if (lines) {
		status = outbox_news_hazard(&h, e, digest, t->now_ms, &n, &t->body);
		if (!status)
			status = put_item(t, &n, lines);
	}
	hazard_deinit(&h);
	return status;
}

static bool wants_finding(const struct outbox_destination *d, const struct violation *v, uint8_t event)
{
	if (!(d->case_events >> event & 1))
		return false;
	size_t i = 0;
	while (i < d->rule_count && strcmp(d->rules[i], v->finding.rule) != 0)
		i++;
	return !d->rule_count || i < d->rule_count;
}

static enum status take_row(void *context, uint64_t feed, uint8_t event, uint64_t id, int64_t at_ms)
{
	struct taking *t = context;
	struct violation v;
	struct outbox_news n;
	uint32_t lines = 0;
	enum status status = t->looked == FEED_BATCH ? STATUS_END : ask_room(t);
	if (status)
		return status;
	status = violation_get(engine_findings(t->o->options.engine), id, &v);
	for (size_t i = 0; i < t->o->config->count && !status; i++)
		if (wants_finding(&t->o->config->items[i], &v, event))
			lines |= 1u << i;
	if (lines)
		status = outbox_news_finding(t->o->options.engine, &v, feed, event, at_ms, t->now_ms, &n, &t->body);
	if (lines && !status)
		status = put_item(t, &n, lines);
	if (status && status != STATUS_NOT_FOUND)
		return status;
	t->position.feed = feed;
	t->looked++;
	return STATUS_OK;
}

static enum status take_notice(void *context, uint64_t id, const struct calendar_deed *d)
{
	struct taking *t = context;
	struct outbox_news n;
	uint32_t lines = 0;
	enum status status = ask_room(t);
	if (status)
		return status;
	for (size_t i = 0; i < t->o->config->count; i++)
		if (t->o->config->items[i].notices >> d->deed & 1)
			lines |= 1u << i;
	if (!lines)
		return STATUS_OK;
	status = outbox_news_task(t->o->options.calendar, id, d, t->now_ms, &n, &t->body);
	if (!status)
		status = put_item(t, &n, lines);
	return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status gather(struct taking *t)
{
	const struct outbox_options *p = &t->o->options;
	enum status status = hazards_log(p->hazards, t->position.sequence, take_event, t, &t->position.sequence);
	if (status == STATUS_END)
		status = STATUS_OK;
	if (!status && p->engine)
		status = findings_feed(engine_findings(p->engine), t->position.feed, take_row, t);
	if (status == STATUS_END)
		status = STATUS_OK;
	if (!status && p->calendar)
		status = calendar_notices(p->calendar, t->position.notice, take_notice, t, &t->position.notice);
	return status == STATUS_END ? STATUS_OK : status;
}

/* Under the lock. Position and rows are one batch: whatever happens, what is behind the position is in the rows. */
static enum status commit(struct taking *t)
{
	struct outbox *o = t->o;
	if (t->position.sequence == o->position.sequence && t->position.feed == o->position.feed &&
	    t->position.notice == o->position.notice)
		return STATUS_OK;
	outbox_position_put(t->batch, &t->position);
	crash_point("outbox_take");
	enum status status = store_commit(o->options.store, t->batch, true);
	crash_point("outbox_taken");
	if (status)
		return status;
	o->position = t->position;
	o->pending += t->rows;
	o->taken += t->items;
	for (size_t i = 0; i < o->config->count; i++) {
		o->lines[i].pending += t->added[i];
		o->lines[i].news |= t->added[i] != 0;
	}
	if (t->rows)
		pthread_cond_broadcast(&o->changed);
	return STATUS_OK;
}

enum status outbox_take(struct outbox *o)
{
	enum status status = STATUS_OK;
	bool more = true;
	while (more && !status) {
		struct taking t = {.o = o, .now_ms = clock_now_ms(), .body = buf_init(OUTBOX_NEWS_MAX)};
		pthread_mutex_lock(&o->lock);
		t.position = o->position;
		status = store_batch_new(o->options.store, &t.batch);
		if (!status)
			status = gather(&t);
		if (!status)
			status = commit(&t);
		o->full = t.full;
		pthread_mutex_unlock(&o->lock);
		store_batch_free(t.batch);
		buf_deinit(&t.body);
		if (!status && t.full)
			status = STATUS_FULL;
		more = t.items == TAKE_BATCH || t.looked == FEED_BATCH;
	}
	return status;
}

/* --- opening --- */

struct sweep {
	struct outbox *o;
	struct store_batch *batch;
	bool dropped;
};

static struct outbox_line *line_of(struct outbox *o, uint64_t hash)
{
	for (size_t i = 0; i < o->config->count; i++)
		if (o->lines[i].hash == hash)
			return &o->lines[i];
	return NULL;
}

static enum status count_row(void *context, struct span key, struct span value)
{
	struct sweep *s = context;
	(void)value;
	if (key.size != 17)
		return STATUS_CORRUPT;
	struct outbox_line *l = line_of(s->o, load_be64(key.data + 1));
	if (!l) {
		store_batch_delete(s->batch, STORE_OUTBOX, key);
		s->dropped = true;
	} else if (key.data[0] == OUTBOX_WAITING) {
		l->pending++;
		s->o->pending++;
		l->news = true;
	} else {
		l->kept++;
	}
	return STATUS_OK;
}

static enum status drop_if_unneeded(void *context, struct span key, struct span value)
{
	struct sweep *s = context;
	(void)value;
	if (key.size != 9)
		return STATUS_CORRUPT;
	enum status status = outbox_item_needed(s->o, load_be64(key.data + 1), NULL);
	if (status == STATUS_NOT_FOUND)
		store_batch_delete(s->batch, STORE_OUTBOX, key);
	return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* Counts what waits; what is for nobody any more goes. */
static enum status sweep(struct outbox *o)
{
	static const uint8_t waiting = OUTBOX_WAITING, parked = OUTBOX_PARKED, item = OUTBOX_ITEM;
	struct sweep s = {.o = o};
	enum status status = store_batch_new(o->options.store, &s.batch);
	if (!status)
		status = store_scan(o->options.store, STORE_OUTBOX, span_of(&waiting, 1), count_row, &s);
	if (!status)
		status = store_scan(o->options.store, STORE_OUTBOX, span_of(&parked, 1), count_row, &s);
	if (!status && s.dropped) {
		log_warn(MODULE, "what waited for destinations that are no longer named is dropped");
		status = store_commit(o->options.store, s.batch, true);
		if (!status)
			status = store_scan(o->options.store, STORE_OUTBOX, span_of(&item, 1), drop_if_unneeded, &s);
		if (!status)
			status = store_commit(o->options.store, s.batch, true);
	}
	store_batch_free(s.batch);
	return status;
}

/* The first start takes nothing of what was before it; the first with a calendar none of its notices. */
static enum status load_position(struct outbox *o)
{
	struct store_batch *b;
	const struct outbox_options *p = &o->options;
	enum status status = outbox_position_get(p->store, &o->position);
	if (status == STATUS_NOT_FOUND)
		o->position = (struct outbox_position){
			.sequence = hazards_sequence(p->hazards),
			.feed = p->engine ? findings_feed_last(engine_findings(p->engine)) : 0};
	else if (status || o->position.has_notice)
		return status;
	o->position.notice = p->calendar ? calendar_notices_last(p->calendar) : 0;
	status = store_batch_new(o->options.store, &b);
	if (status)
		return status;
	outbox_position_put(b, &o->position);
	status = store_commit(o->options.store, b, true);
	store_batch_free(b);
	return status;
}

enum status outbox_open(const struct outbox_options *options, struct outbox_config *config, struct outbox **out)
{
	pthread_condattr_t monotonic;
	struct outbox *o = calloc(1, sizeof *o);
	if (!o) {
		free(config);
		return STATUS_NO_MEMORY;
	}
	outbox_libraries_begin();
	o->options = *options;
	o->config = config;
	pthread_mutex_init(&o->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&o->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	for (size_t i = 0; i < config->count; i++) {
		struct outbox_line *l = &o->lines[i];
		l->box = o;
		l->to = &config->items[i];
		l->hash = hash64(span_of_string(l->to->name));
		l->sender = (struct outbox_sender){.to = l->to, .stop = &o->stop, .timeout_ms = options->timeout_ms};
	}
	enum status status = load_position(o);
	if (!status)
		status = sweep(o);
	if (status)
		outbox_free(o);
	else
		*out = o;
	return status;
}

/* --- life --- */

static void *run(void *context)
{
	struct outbox *o = context;
	enum status last = STATUS_OK;
	while (!atomic_load(&o->stop)) {
		struct timespec until;
		enum status status = outbox_take(o);
		if (status && status != last)
			log_warn(MODULE, "nothing is taken in: %s", status_text(status));
		last = status;
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += o->options.poll_ms % 1000 * 1000000;
		until.tv_sec += o->options.poll_ms / 1000 + until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		pthread_mutex_lock(&o->lock);
		while (!atomic_load(&o->stop) && !pthread_cond_timedwait(&o->changed, &o->lock, &until))
			;
		pthread_mutex_unlock(&o->lock);
	}
	return NULL;
}

enum status outbox_start(struct outbox *o)
{
	o->running = pthread_create(&o->thread, NULL, run, o) == 0;
	bool all = o->running;
	for (size_t i = 0; i < o->config->count && all; i++) {
		struct outbox_line *l = &o->lines[i];
		l->running = pthread_create(&l->thread, NULL, outbox_line_thread, l) == 0;
		all = l->running;
	}
	return all ? STATUS_OK : STATUS_NO_MEMORY;
}

void outbox_free(struct outbox *o)
{
	if (!o)
		return;
	pthread_mutex_lock(&o->lock);
	atomic_store(&o->stop, true);
	pthread_cond_broadcast(&o->changed);
	pthread_mutex_unlock(&o->lock);
	if (o->running)
		pthread_join(o->thread, NULL);
	for (size_t i = 0; i < o->config->count; i++) {
		if (o->lines[i].running)
			pthread_join(o->lines[i].thread, NULL);
		outbox_sender_deinit(&o->lines[i].sender);
	}
	pthread_cond_destroy(&o->changed);
	pthread_mutex_destroy(&o->lock);
	free(o->config);
	free(o);
	outbox_libraries_end();
}

/* --- what it says of itself --- */

size_t outbox_destinations(const struct outbox *o)
{
	return o->config->count;
}

bool outbox_is_full(struct outbox *o)
{
	pthread_mutex_lock(&o->lock);
	bool full = o->full;
	pthread_mutex_unlock(&o->lock);
	return full;
}

void outbox_state(struct outbox *o, size_t i, struct outbox_state *out)
{
	const struct outbox_line *l = &o->lines[i];
	pthread_mutex_lock(&o->lock);
	*out = (struct outbox_state){.name = l->to->name,
				     .kind = outbox_kind_tokens[l->to->kind],
				     .pending = l->pending,
				     .kept = l->kept,
				     .sent = l->sent,
				     .failed = l->failed,
				     .refused = l->refused,
				     .parked = l->parked,
				     .dropped = l->dropped,
				     .sent_ms = l->sent_ms,
				     .retry_ms = l->retry_ms};
	memcpy(out->error, l->error, sizeof out->error);
	pthread_mutex_unlock(&o->lock);
}

/* Names are the operator's: what a label cannot hold is left out. */
static void label(const char *name, char out[64])
{
	size_t n = 0;
	for (; *name; name++)
		if (*name != '"' && *name != '\\')
			out[n++] = *name;
	out[n] = '\0';
}

enum status outbox_metrics(struct outbox *o, struct buf *out)
{
	static const struct {
		const char *name, *type, *help;
		size_t offset;
	} rows[] = {{"pending", "gauge", "News that wait.", offsetof(struct outbox_state, pending)},
		    {"sent_total", "counter", "News sent.", offsetof(struct outbox_state, sent)},
		    {"failed_total", "counter", "Tries that failed.", offsetof(struct outbox_state, failed)},
		    {"refused_total", "counter", "News refused for good.", offsetof(struct outbox_state, refused)},
		    {"given_up_total", "counter", "News not taken in time.", offsetof(struct outbox_state, parked)},
		    {"dropped_total", "counter", "Parked news that made room.", offsetof(struct outbox_state, dropped)},
		    {"parked", "gauge", "News to be sent again by hand.", offsetof(struct outbox_state, kept)}};
	enum status status = buf_printf(out,
					"# HELP zayton_outbox_full Nothing more is taken in for lack of room.\n"
					"# TYPE zayton_outbox_full gauge\nzayton_outbox_full %d\n",
					outbox_is_full(o));
	for (size_t k = 0; k < sizeof rows / sizeof *rows && !status; k++) {
		status = buf_printf(out, "# HELP zayton_outbox_%s %s\n# TYPE zayton_outbox_%s %s\n", rows[k].name,
				    rows[k].help, rows[k].name, rows[k].type);
		for (size_t i = 0; i < o->config->count && !status; i++) {
			struct outbox_state s;
			char name[64];
			outbox_state(o, i, &s);
			label(s.name, name);
			status = buf_printf(out, "zayton_outbox_%s{destination=\"%s\"} %llu\n", rows[k].name, name,
					    (unsigned long long)*(const uint64_t *)((const char *)&s + rows[k].offset));
		}
	}
	return status;
}
