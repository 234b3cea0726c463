#include "engine/fleet/shard.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "engine/core/clock.h"
#include "engine/core/log.h"
#include "engine/fleet/fleet_internal.h"

#define TICK_MS 10

/* An entry between the journal and its sync, in the ring; items and body follow. */
struct pending {
	uint32_t size;
	uint16_t from; /* the shard that submitted */
	uint64_t position;
	int64_t submitted_ns;
	struct intake in; /* pointers are set again on use */
	struct report report;
	uint8_t body[];
};

/* Inbox records, each behind a uint32_t size. */
enum inbox_kind { INBOX_SUBMIT, INBOX_SETTLED, INBOX_WORK };

struct inbox_submit {
	uint16_t from;
	int64_t submitted_ns;
	struct intake in;
	struct report report;
	/* body */
};
struct inbox_settled {
	struct ticket ticket;
	intake_settled *on_settled;
	enum status status;
};
struct inbox_work {
	void (*work)(void *context);
	void *context;
};

static void wake_others(struct shard *s);

/* --- submission --- */

/* Where the report's items lie inside a body that was copied to `body`. */
static void rebase(struct intake *in, struct report *report, const uint8_t *body)
{
	if (in->kind == INTAKE_REPORT) {
		if (report->items_size)
			report->items = body + (report->items - in->body.data);
		in->report = report;
	}
	in->body.data = body;
}

static enum status journal_intake(struct shard *s, const struct intake *in, uint64_t *position)
{
	uint8_t prefix[64];
	struct span parts[2] = {{prefix, intake_encode(in, prefix)}, in->body};
	return journal_add(s->journal, (uint8_t)in->kind, parts, 2, position);
}

static enum status take_own(struct shard *s, const struct intake *in, uint16_t from, int64_t submitted_ns)
{
	if (writer_backlog(s->writer) > WRITER_BACKLOG_MAX || judge_backlog(s->engine->judge) > JUDGE_BACKLOG_MAX)
		return STATUS_BUSY;
	struct pending *p = ring_push(&s->pending, sizeof *p + in->body.size);
	if (!p)
		return STATUS_BUSY;
	enum status status = journal_intake(s, in, &p->position);
	if (status) {
		ring_drop_last(&s->pending);
		return status;
	}
	p->from = from;
	p->submitted_ns = submitted_ns;
	p->in = *in;
	if (in->kind == INTAKE_REPORT)
		p->report = *in->report;
	if (in->body.size)
		memcpy(p->body, in->body.data, in->body.size);
	return STATUS_OK;
}

static enum status post(struct shard *to, enum inbox_kind kind, const void *head, size_t head_size, struct span tail,
			bool always)
{
	uint32_t prefix[2] = {(uint32_t)(head_size + tail.size), kind};
	struct buf *b = &to->inbox.filling;
	pthread_mutex_lock(&to->inbox.lock);
	enum status status = !always && b->size > INBOX_BYTES_MAX
				     ? STATUS_BUSY
				     : buf_reserve(b, sizeof prefix + head_size + tail.size);
	if (!status) {
		memcpy(b->data + b->size, prefix, sizeof prefix);
		memcpy(b->data + b->size + sizeof prefix, head, head_size);
		if (tail.size)
			memcpy(b->data + b->size + sizeof prefix + head_size, tail.data, tail.size);
		b->size += sizeof prefix + head_size + tail.size;
	}
	pthread_mutex_unlock(&to->inbox.lock);
	return status;
}

static enum status send_to(struct shard *s, struct shard *owner, const struct intake *in)
{
	struct inbox_submit record = {(uint16_t)s->index, (int64_t)uv_hrtime(), *in, {0}};
	if (in->kind == INTAKE_REPORT)
		record.report = *in->report;
	enum status status = post(owner, INBOX_SUBMIT, &record, sizeof record, in->body, false);
	if (!status)
		s->signals |= UINT64_C(1) << owner->index;
	return status;
}

enum status shard_submit(struct shard *s, const struct intake *in)
{
	if (in->body.size > MESSAGE_BYTES_MAX)
		return STATUS_TOO_LONG;
	struct shard *owner = engine_owner(s->engine, in->device);
	enum status status =
		owner == s ? take_own(s, in, (uint16_t)s->index, (int64_t)uv_hrtime()) : send_to(s, owner, in);
	if (!status) {
		atomic_fetch_add_explicit(&s->counters.submitted, 1, memory_order_relaxed);
	} else if (status == STATUS_BUSY || status == STATUS_NO_SPACE || status == STATUS_IO) {
		s->wants_room = true;
		atomic_fetch_add_explicit(&s->counters.busy, 1, memory_order_relaxed);
	}
	return status;
}

/* --- settlement --- */

static void say_settled(struct shard *s, intake_settled *on_settled, const struct ticket *ticket, enum status status)
{
	const struct engine_callbacks *callbacks = &s->engine->options.callbacks;
	if (on_settled)
		on_settled(s, ticket, status);
	else if (callbacks->settled)
		callbacks->settled(callbacks->context, s, ticket, status);
}

static void tell(struct shard *s, const struct pending *p, enum status status)
{
	if (!p->in.wants_settled)
		return;
	if (p->from == s->index) {
		say_settled(s, p->in.on_settled, &p->in.ticket, status);
		return;
	}
	struct inbox_settled record = {p->in.ticket, p->in.on_settled, status};
	struct shard *to = &s->engine->shards[p->from];
	if (post(to, INBOX_SETTLED, &record, sizeof record, (struct span){NULL, 0}, true))
		log_error("shard", "no memory to settle an entry of shard %u: its terminal will send again", p->from);
	s->signals |= UINT64_C(1) << p->from;
}

/* Apply what is durable, then tell whoever waits. An entry that cannot be applied for want of memory stays first
 * in the ring, unacknowledged, until it can. */
static void settle_durable(struct shard *s)
{
	uint64_t durable = journal_durable(s->journal);
	int64_t now_ns = (int64_t)uv_hrtime();
	struct pending *p;
	while ((p = ring_first(&s->pending)) && p->position <= durable) {
		rebase(&p->in, &p->report, p->body);
		enum status status = shard_apply(s, p->position, &p->in);
		if (status == STATUS_NO_MEMORY) {
			log_error("shard", "shard %u: no memory for a durable entry; waiting", s->index);
			break;
		}
		if (status)
			log_error("shard", "entry %llu: %s", (unsigned long long)p->position, status_text(status));
		s->applied = p->position;
		atomic_fetch_add_explicit(&s->counters.durable, 1, memory_order_relaxed);
		histogram_add(&s->commit_us, (uint64_t)(now_ns - p->submitted_ns) / 1000, 1);
		tell(s, p, STATUS_OK);
		ring_pop(&s->pending);
	}
}

/* After a failed fsync nothing that waits can ever be called durable. */
static void settle_failed(struct shard *s)
{
	struct pending *p;
	while ((p = ring_first(&s->pending))) {
		tell(s, p, STATUS_IO);
		ring_pop(&s->pending);
	}
}

/* --- the inbox --- */

static void handle_submit(struct shard *s, const uint8_t *data, size_t size)
{
	struct inbox_submit record;
	memcpy(&record, data, sizeof record);
	const uint8_t *body = data + sizeof record;
	assert(size == sizeof record + record.in.body.size);
	(void)size;
	rebase(&record.in, &record.report, body);
	enum status status = take_own(s, &record.in, record.from, record.submitted_ns);
	if (status && record.in.wants_settled) {
		struct pending refused = {.from = record.from, .in = record.in};
		tell(s, &refused, status);
	}
}

static void handle_inbox(struct shard *s, enum inbox_kind kind, const uint8_t *data, size_t size)
{
	struct inbox_settled settled;
	struct inbox_work work;
	switch (kind) {
	case INBOX_SUBMIT:
		handle_submit(s, data, size);
		break;
	case INBOX_SETTLED:
		memcpy(&settled, data, sizeof settled);
		say_settled(s, settled.on_settled, &settled.ticket, settled.status);
		break;
	case INBOX_WORK:
		memcpy(&work, data, sizeof work);
		work.work(work.context);
		break;
	}
}

static void drain_inbox(struct shard *s)
{
	pthread_mutex_lock(&s->inbox.lock);
	struct buf full = s->inbox.filling;
	s->inbox.filling = s->inbox.draining;
	pthread_mutex_unlock(&s->inbox.lock);
	for (size_t at = 0; at < full.size;) {
		uint32_t prefix[2];
		memcpy(prefix, full.data + at, sizeof prefix);
		at += sizeof prefix;
		handle_inbox(s, (enum inbox_kind)prefix[1], full.data + at, prefix[0]);
		at += prefix[0];
	}
	buf_clear(&full);
	s->inbox.draining = full;
}

static bool inbox_empty(struct shard *s)
{
	pthread_mutex_lock(&s->inbox.lock);
	bool empty = s->inbox.filling.size == 0;
	pthread_mutex_unlock(&s->inbox.lock);
	return empty;
}

/* --- the loop --- */

static void wake_others(struct shard *s)
{
	for (unsigned i = 0; s->signals; i++, s->signals >>= 1)
		if (s->signals & 1)
			uv_async_send(&s->engine->shards[i].wake);
}

static void on_wake(uv_async_t *handle)
{
	struct shard *s = handle->data;
	drain_inbox(s);
	settle_durable(s);
	judge_turn(s);
	if (journal_health(s->journal) == STATUS_IO)
		settle_failed(s);
}

static void on_after_poll(uv_check_t *handle)
{
	struct shard *s = handle->data;
	journal_commit(s->journal);
	if (s->signals)
		wake_others(s);
}

static void on_durable(void *context)
{
	struct shard *s = context;
	uv_async_send(&s->wake);
}

static void on_checkpointed(void *context, uint64_t position)
{
	struct shard *s = context;
	atomic_store(&s->durable_checkpoint, position);
}

static bool checkpoint_due(struct shard *s)
{
	struct journal_stats stats;
	if (s->applied == s->checkpoint.taken)
		return false;
	if ((int64_t)uv_hrtime() >= s->checkpoint.due_ns)
		return true;
	journal_stats(s->journal, &stats);
	return stats.bytes_on_disk > s->engine->options.journal_bytes_max / 2;
}

static void look_after_checkpoints(struct shard *s)
{
	enum status status = STATUS_OK;
	if (!s->checkpoint.running && checkpoint_due(s)) {
		shard_checkpoint_begin(s, s->applied);
		s->checkpoint.due_ns = (int64_t)uv_hrtime() + (int64_t)s->engine->options.checkpoint_ms * 1000000;
	}
	if (s->checkpoint.running && writer_backlog(s->writer) < WRITER_BACKLOG_MAX / 2)
		status = shard_checkpoint_step(s, CHECKPOINT_SLICE_BYTES);
	uint64_t position = atomic_load(&s->durable_checkpoint);
	if (!status && position > s->trimmed) {
		status = journal_trim(s->journal, position + 1);
		s->trimmed = position;
		atomic_fetch_add_explicit(&s->counters.trims, 1, memory_order_relaxed);
	}
	if (status)
		log_warn("shard", "shard %u: checkpoint: %s", s->index, status_text(status));
}

static bool all_quiet(struct engine *e)
{
	for (unsigned i = 0; i < e->shard_count; i++)
		if (!atomic_load(&e->shards[i].quiet))
			return false;
	return true;
}

static void look_after_stop(struct shard *s)
{
	const struct engine_callbacks *callbacks = &s->engine->options.callbacks;
	if (!atomic_load(&s->stopping) || s->closing)
		return;
	if (!s->told_to_stop) {
		s->told_to_stop = true;
		if (callbacks->shard_stop)
			callbacks->shard_stop(callbacks->context, s);
		return;
	}
	atomic_store(&s->quiet, s->pending.count == 0 && inbox_empty(s));
	if (all_quiet(s->engine) || journal_health(s->journal)) {
		s->closing = true;
		uv_close((uv_handle_t *)&s->after_poll, NULL);
		uv_close((uv_handle_t *)&s->tick, NULL);
		uv_close((uv_handle_t *)&s->wake, NULL);
	}
}

static void on_tick(uv_timer_t *handle)
{
	struct shard *s = handle->data;
	const struct engine_callbacks *callbacks = &s->engine->options.callbacks;
	settle_durable(s);
	judge_turn(s);
	judge_tick(s, clock_now_ms());
	look_after_checkpoints(s);
	if (s->wants_room && s->pending.count * sizeof(struct pending) < PENDING_BYTES_MAX / 4 &&
	    writer_backlog(s->writer) < WRITER_BACKLOG_MAX / 2 &&
	    judge_backlog(s->engine->judge) < JUDGE_BACKLOG_MAX / 2 && !journal_health(s->journal)) {
		s->wants_room = false;
		if (callbacks->room)
			callbacks->room(callbacks->context, s);
	}
	look_after_stop(s);
}

static void *shard_main(void *argument)
{
	struct shard *s = argument;
	const struct engine_callbacks *callbacks = &s->engine->options.callbacks;
	if (callbacks->shard_start)
		callbacks->shard_start(callbacks->context, s);
	uv_run(&s->loop, UV_RUN_DEFAULT);
	return NULL;
}

/* --- life --- */

enum status shard_init(struct shard *s, struct engine *e, unsigned index)
{
	memset(s, 0, sizeof *s);
	s->engine = e;
	s->index = index;
	s->pending = ring_init(PENDING_BYTES_MAX);
	/* settlements may always be posted: one waits for each entry in flight, so the inbox needs no more room */
	s->inbox.filling = s->inbox.draining = buf_init(4u * INBOX_BYTES_MAX);
	pthread_mutex_init(&s->inbox.lock, NULL);
	told_init(&s->told);
	enum status status = heads_init(&s->heads);
	if (!status)
		status = value_heads_init(&s->values);
	if (status)
		return status;
	if (uv_loop_init(&s->loop) || uv_async_init(&s->loop, &s->wake, on_wake) ||
	    uv_check_init(&s->loop, &s->after_poll) || uv_timer_init(&s->loop, &s->tick))
		return STATUS_IO;
	s->wake.data = s->after_poll.data = s->tick.data = s;
	struct writer_options options = {.store = e->store,
					 .heads = &s->heads,
					 .values = &s->values,
					 .texts = streams_texts(e->streams),
					 .shard = (uint16_t)index,
					 .checkpointed = on_checkpointed,
					 .context = s};
	return writer_open(&options, &s->writer);
}

/* Small enough that what stays behind when everything is applied (the newest segment) is little, and that trimming
 * keeps up with a small bound. */
static uint64_t segment_bytes(size_t journal_bytes_max)
{
	uint64_t eighth = journal_bytes_max / 8;
	return eighth < JOURNAL_SEGMENT_BYTES ? eighth : JOURNAL_SEGMENT_BYTES;
}

enum status shard_open_journal(struct shard *s, const char *dir)
{
	const struct engine_options *o = &s->engine->options;
	struct journal_options options = {
		.dir = dir,
		.durability = o->durability,
		.interval_ms = o->durability_interval_ms,
		.gather_us = o->gather_us,
		.segment_bytes = segment_bytes(o->journal_bytes_max),
		.pending_max = JOURNAL_BATCH_MAX,
		.on_durable = on_durable,
		.context = s,
	};
	return journal_open(&options, &s->journal);
}

enum status shard_start_thread(struct shard *s)
{
	s->checkpoint.due_ns = (int64_t)uv_hrtime() + (int64_t)s->engine->options.checkpoint_ms * 1000000;
	uv_check_start(&s->after_poll, on_after_poll);
	uv_timer_start(&s->tick, on_tick, TICK_MS, TICK_MS);
	if (pthread_create(&s->thread, NULL, shard_main, s))
		return STATUS_NO_MEMORY;
	s->running = true;
	return STATUS_OK;
}

void shard_ask_to_stop(struct shard *s)
{
	atomic_store(&s->stopping, true);
}

void shard_join(struct shard *s)
{
	if (s->running)
		pthread_join(s->thread, NULL);
	s->running = false;
}

static void close_handle(uv_handle_t *handle, void *unused)
{
	(void)unused;
	if (!uv_is_closing(handle))
		uv_close(handle, NULL);
}

void shard_deinit(struct shard *s)
{
	journal_close(s->journal); /* its committer wakes the loop: first */
	writer_close(s->writer);
	uv_walk(&s->loop, close_handle, NULL);
	uv_run(&s->loop, UV_RUN_DEFAULT);
	uv_loop_close(&s->loop);
	for (uint32_t i = 0; i < s->heads.count; i++)
		judged_free(s->heads.all[i]->judged);
	told_deinit(&s->told);
	judged_by_release(s->judged_by);
	heads_deinit(&s->heads);
	connections_deinit(&s->connections);
	value_heads_deinit(&s->values);
	ring_deinit(&s->pending);
	buf_deinit(&s->inbox.filling);
	buf_deinit(&s->inbox.draining);
	pthread_mutex_destroy(&s->inbox.lock);
}

/* --- what callers see --- */

struct uv_loop_s *shard_loop(struct shard *s)
{
	return &s->loop;
}

struct engine *shard_engine(struct shard *s)
{
	return s->engine;
}

unsigned shard_index(const struct shard *s)
{
	return s->index;
}

void shard_set_user(struct shard *s, void *user)
{
	s->user = user;
}

void *shard_user(const struct shard *s)
{
	return s->user;
}

enum status shard_post(struct shard *s, void (*work)(void *context), void *context)
{
	struct inbox_work record = {work, context};
	if (atomic_load(&s->stopping) || !s->running)
		return STATUS_CLOSED;
	enum status status = post(s, INBOX_WORK, &record, sizeof record, (struct span){NULL, 0}, true);
	if (!status)
		uv_async_send(&s->wake);
	return status;
}
