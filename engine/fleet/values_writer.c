#include "engine/fleet/values_writer.h"

#include <stdlib.h>
#include <time.h>

#include "engine/fleet/fleet_internal.h"

/* how long an engine may be busy before a flush gives up, and between two tries */
#define BUSY_MS_MAX 10000
#define BUSY_PAUSE_MS 2

/* bodies of a lane that keep their memory between two flushes: 1 MiB */
#define BODIES_KEPT 4

struct outgoing {
	struct values_body body;
	int64_t received_ms;
};

/* What one shard gets: the list, and how far its loop has taken it. */
struct lane {
	struct values_writer *writer;
	unsigned shard;
	struct values_body filling;
	struct outgoing *list;
	size_t count, capacity, at;
	enum status refused; /* by shard_submit, at `at` */
};

struct values_writer {
	struct engine *engine;
	int64_t received_ms;
	size_t bytes;
	pthread_mutex_t lock; /* guards what follows, and the lanes while they are with their loops */
	pthread_cond_t changed;
	size_t posted, waiting; /* lanes with their loops; entries not settled */
	enum status failed;
	unsigned lane_count;
	struct lane lanes[];
};

enum status values_writer_new(struct engine *e, struct values_writer **out)
{
	unsigned n = engine_shards(e);
	struct values_writer *w = calloc(1, sizeof *w + n * sizeof w->lanes[0]);
	if (!w)
		return STATUS_NO_MEMORY;
	w->engine = e;
	w->lane_count = n;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->changed, NULL);
	for (unsigned i = 0; i < n; i++)
		w->lanes[i] = (struct lane){.writer = w, .shard = i, .filling = values_body_init()};
	*out = w;
	return STATUS_OK;
}

static void clear_lane(struct lane *l)
{
	for (size_t i = 0; i < l->count; i++) {
		values_body_clear(&l->list[i].body);
		if (i >= BODIES_KEPT)
			values_body_deinit(&l->list[i].body);
	}
	l->count = l->at = 0;
	values_body_clear(&l->filling);
}

void values_writer_free(struct values_writer *w)
{
	if (!w)
		return;
	for (unsigned i = 0; i < w->lane_count; i++) {
		struct lane *l = &w->lanes[i];
		for (size_t k = 0; k < l->capacity; k++)
			values_body_deinit(&l->list[k].body);
		values_body_deinit(&l->filling);
		free(l->list);
	}
	pthread_cond_destroy(&w->changed);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

/* What is being filled goes to the end of the list. */
static enum status close_body(struct lane *l)
{
	if (!l->filling.count)
		return STATUS_OK;
	if (l->count == l->capacity) {
		size_t capacity = l->capacity ? l->capacity * 2 : 4;
		struct outgoing *list = realloc(l->list, capacity * sizeof *list);
		if (!list)
			return STATUS_NO_MEMORY;
		l->list = list;
		for (; l->capacity < capacity; l->capacity++)
			l->list[l->capacity].body = values_body_init();
	}
	struct values_body spare = l->list[l->count].body;
	l->writer->bytes += l->filling.bytes.size;
	l->list[l->count++] = (struct outgoing){l->filling, l->writer->received_ms};
	l->filling = spare;
	return STATUS_OK;
}

enum status values_writer_begin(struct values_writer *w, int64_t received_ms)
{
	enum status status = STATUS_OK;
	for (unsigned i = 0; i < w->lane_count && !status; i++)
		status = close_body(&w->lanes[i]);
	w->received_ms = received_ms;
	return status;
}

bool values_writer_is_full(const struct values_writer *w)
{
	return w->bytes + VALUES_ENTRY_MAX > VALUES_WRITER_BYTES_MAX;
}

enum status values_writer_add(struct values_writer *w, uint64_t stream, const struct value *v, struct span text)
{
	struct lane *l = &w->lanes[engine_owner(w->engine, stream)->index];
	enum status status = STATUS_OK;
	uint64_t hash;
	if (v->type == VALUE_TEXT)
		status = value_texts_add(streams_texts(engine_streams(w->engine)), text, &hash);
	if (status)
		return status;
	status = values_body_add(&l->filling, stream, v, text);
	if (status != STATUS_FULL)
		return status;
	status = close_body(l);
	if (!status && w->bytes > VALUES_WRITER_BYTES_MAX)
		status = values_writer_flush(w);
	return status ? status : values_body_add(&l->filling, stream, v, text);
}

enum status values_writer_add_group(struct values_writer *w, uint64_t stream, const struct values_group *g)
{
	struct lane *l = &w->lanes[engine_owner(w->engine, stream)->index];
	enum status status = values_body_add_group(&l->filling, stream, g);
	if (status != STATUS_FULL)
		return status;
	status = close_body(l);
	if (!status && w->bytes > VALUES_WRITER_BYTES_MAX)
		status = values_writer_flush(w);
	return status ? status : values_body_add_group(&l->filling, stream, g);
}

/* --- on the loops --- */

static void on_settled(struct shard *shard, const struct ticket *ticket, enum status status)
{
	struct values_writer *w = (struct values_writer *)(uintptr_t)ticket->words[0];
	(void)shard;
	pthread_mutex_lock(&w->lock);
	if (status && !w->failed)
		w->failed = status;
	if (--w->waiting == 0)
		pthread_cond_signal(&w->changed);
	pthread_mutex_unlock(&w->lock);
}

static void submit_lane(void *context)
{
	struct lane *l = context;
	struct values_writer *w = l->writer;
	struct shard *shard = engine_shard(w->engine, l->shard);
	size_t taken = 0;
	pthread_mutex_lock(&w->lock);
	l->refused = STATUS_OK;
	while (l->at < l->count && !l->refused) {
		const struct outgoing *o = &l->list[l->at];
		struct intake in = {.kind = INTAKE_VALUES,
				    .device = o->body.device,
				    .received_ms = o->received_ms,
				    .body = span_of(o->body.bytes.data, o->body.bytes.size),
				    .wants_settled = true,
				    .on_settled = on_settled,
				    .ticket = {{(uint64_t)(uintptr_t)w, 0, 0}}};
		l->refused = shard_submit(shard, &in);
		if (!l->refused) {
			l->at++;
			taken++;
		}
	}
	w->waiting += taken;
	w->posted--;
	pthread_cond_signal(&w->changed);
	pthread_mutex_unlock(&w->lock);
}

/* --- flushing --- */

/* Under the lock. Every lane with something left, to its loop. */
static void post_lanes(struct values_writer *w)
{
	for (unsigned i = 0; i < w->lane_count; i++) {
		struct lane *l = &w->lanes[i];
		if (l->at == l->count)
			continue;
		w->posted++;
		enum status status = shard_post(engine_shard(w->engine, i), submit_lane, l);
		if (status) {
			w->posted--;
			w->failed = status;
		}
	}
}

/* Under the lock. STATUS_END when everything is handed in; STATUS_BUSY when something is left for later. */
static enum status look(const struct values_writer *w)
{
	enum status status = STATUS_END;
	if (w->failed)
		return w->failed;
	for (unsigned i = 0; i < w->lane_count; i++) {
		const struct lane *l = &w->lanes[i];
		if (l->at == l->count)
			continue;
		if (l->refused != STATUS_BUSY)
			return l->refused;
		status = STATUS_BUSY;
	}
	return status;
}

static void pause_ms(int ms)
{
	nanosleep(&(struct timespec){0, ms * 1000000L}, NULL);
}

static enum status hand_in(struct values_writer *w)
{
	for (int waited_ms = 0;; waited_ms += BUSY_PAUSE_MS) {
		post_lanes(w);
		while (w->posted)
			pthread_cond_wait(&w->changed, &w->lock);
		enum status status = look(w);
		if (status != STATUS_BUSY || waited_ms > BUSY_MS_MAX)
			return status == STATUS_END ? STATUS_OK : status;
		pthread_mutex_unlock(&w->lock);
		pause_ms(BUSY_PAUSE_MS);
		pthread_mutex_lock(&w->lock);
	}
}

enum status values_writer_flush(struct values_writer *w)
{
	enum status status = values_writer_begin(w, w->received_ms);
	pthread_mutex_lock(&w->lock);
	w->failed = STATUS_OK;
	if (!status)
		status = hand_in(w);
	while (w->waiting)
		pthread_cond_wait(&w->changed, &w->lock);
	if (!status)
		status = w->failed;
	pthread_mutex_unlock(&w->lock);
	for (unsigned i = 0; i < w->lane_count; i++)
		clear_lane(&w->lanes[i]);
	w->bytes = 0;
	return status;
}
