/* commands.c -- asking for commands, cancelling, reading; what sessions ask and say. */
#include "engine/fleet/commands_internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/core/crash.h"
#include "engine/core/limits.h"
#include "engine/core/log.h"

#define COUNTERS_SIZE 16

/* --- life --- */

static enum status read_counters(struct commands *c)
{
	struct command_key_bytes key = command_key(KEY_COUNTERS, 0, 0, 0);
	struct buf row = buf_init(COUNTERS_SIZE);
	enum status status = store_get(c->store, STORE_COMMAND, command_key_view(&key), &row);
	c->next_id = 1;
	c->feed = findings_feed_last(c->findings); /* what came before anybody reminded is not reminded of */
	if (!status && row.size != COUNTERS_SIZE)
		status = STATUS_CORRUPT;
	else if (!status) {
		c->next_id = load_be64(row.data);
		c->feed = load_be64(row.data + 8);
	}
	c->feed_kept = c->feed;
	c->counters_kept = !status;
	buf_deinit(&row);
	return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

struct opening {
	struct commands *c;
	struct command *row;
	struct buf bytes;
};

static enum status take_open(void *context, struct span key, struct span value)
{
	struct opening *o = context;
	struct commands *c = o->c;
	bool of_device;
	(void)value;
	if (key.size != 9)
		return STATUS_CORRUPT;
	enum status status = commands_load(c, load_be64(key.data + 1), o->row, &o->bytes);
	if (status || !command_state_is_open(o->row->state))
		return status; /* ended, and its finding is still to be marked: the worker's business */
	struct open_command like = {.id = o->row->id,
				    .device = o->row->device,
				    .not_before_ms = o->row->not_before_ms,
				    .expires_ms = o->row->expires_ms};
	buf_clear(&o->bytes);
	status = command_encode(&o->row->content, &o->bytes);
	return status ? status : commands_index_add(&c->index, &like, buf_view(&o->bytes), &of_device);
}

static enum status read_open(struct commands *c)
{
	const uint8_t prefix = KEY_OPEN;
	struct opening o = {c, malloc(sizeof *o.row), buf_init(COMMAND_ROW_MAX)};
	enum status status =
		o.row ? store_scan(c->store, STORE_COMMAND, span_of(&prefix, 1), take_open, &o) : STATUS_NO_MEMORY;
	buf_deinit(&o.bytes);
	free(o.row);
	return status;
}

enum status commands_open(struct store *s, struct registry *r, struct context *context, struct findings *f,
			  struct commands **out)
{
	struct commands *c = calloc(1, sizeof *c);
	if (!c)
		return STATUS_NO_MEMORY;
	c->store = s;
	c->registry = r;
	c->context = context;
	c->findings = f;
	c->said_end = &c->said;
	pthread_mutex_init(&c->write, NULL);
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->wake, NULL);
	enum status status = commands_index_init(&c->index);
	if (!status)
		status = read_counters(c);
	if (!status)
		status = read_open(c);
	if (status) {
		commands_close(c);
		return status;
	}
	*out = c;
	return STATUS_OK;
}

/* From here on what is raised is looked at, also by the next run. */
static enum status keep_counters(struct commands *c)
{
	struct store_batch *b;
	enum status status = store_batch_new(c->store, &b);
	if (status)
		return status;
	commands_put_counters(c, b, c->feed);
	status = store_commit(c->store, b, true);
	c->counters_kept = !status;
	store_batch_free(b);
	return status;
}

enum status commands_start(struct commands *c, const struct commands_options *options)
{
	enum status status = c->counters_kept ? STATUS_OK : keep_counters(c);
	if (status)
		return status;
	c->options = *options;
	c->stopping = false;
	if (pthread_create(&c->worker, NULL, commands_work, c))
		return STATUS_NO_MEMORY;
	c->started = true;
	return STATUS_OK;
}

void commands_stop(struct commands *c)
{
	if (!c->started)
		return;
	pthread_mutex_lock(&c->lock);
	c->stopping = true;
	pthread_cond_signal(&c->wake);
	pthread_mutex_unlock(&c->lock);
	pthread_join(c->worker, NULL);
	c->started = false;
}

void commands_close(struct commands *c)
{
	if (!c)
		return;
	commands_stop(c);
	while (c->said) {
		struct said *s = c->said;
		c->said = s->next;
		free(s);
	}
	commands_index_deinit(&c->index);
	pthread_mutex_destroy(&c->write);
	pthread_mutex_destroy(&c->lock);
	pthread_cond_destroy(&c->wake);
	free(c->reminders);
	free(c);
}

void commands_on_due(struct commands *c, commands_due *due, void *context)
{
	c->due = due;
	c->due_context = context;
}

void commands_tell_due(struct commands *c, uint64_t device)
{
	if (c->due)
		c->due(c->due_context, device);
}

/* --- rows --- */

void commands_put_counters(struct commands *c, struct store_batch *b, uint64_t feed)
{
	uint8_t row[COUNTERS_SIZE];
	struct command_key_bytes key = command_key(KEY_COUNTERS, 0, 0, 0);
	store_be64(row, c->next_id);
	store_be64(row + 8, feed);
	store_batch_put(b, STORE_COMMAND, command_key_view(&key), span_of(row, sizeof row));
}

enum status commands_load(struct commands *c, uint64_t id, struct command *out, struct buf *scratch)
{
	struct command_key_bytes key = command_key(KEY_COMMAND, ~id, 0, 0);
	buf_clear(scratch);
	enum status status = store_get(c->store, STORE_COMMAND, command_key_view(&key), scratch);
	out->id = id;
	return status ? status : command_row_decode(buf_view(scratch), out);
}

enum status commands_put_event(struct store_batch *b, struct command *row, int64_t at_ms, const char *who,
			       const char *text, struct buf *scratch)
{
	struct command_event e = {.number = ++row->events,
				  .state = row->state,
				  .result = row->result,
				  .at_ms = at_ms,
				  .who = span_of_string(who),
				  .text = span_of_string(text)};
	struct command_key_bytes key = command_key(KEY_EVENT, row->id, e.number, 4);
	buf_clear(scratch);
	enum status status = command_event_encode(&e, scratch);
	if (status)
		return status;
	store_batch_put(b, STORE_COMMAND, command_key_view(&key), buf_view(scratch));
	key = command_key(KEY_COMMAND, ~row->id, 0, 0);
	buf_clear(scratch);
	status = command_row_encode(row, scratch);
	if (!status)
		store_batch_put(b, STORE_COMMAND, command_key_view(&key), buf_view(scratch));
	return status;
}

/* --- asking for them --- */

static bool has_terminal(const struct commands *c, uint64_t device, enum status *out)
{
	struct device d;
	*out = registry_device(c->registry, device, &d);
	if (*out)
		return false;
	if (d.kind != DEVICE_KIND_JT808)
		*out = STATUS_UNSUPPORTED;
	device_deinit(&d);
	return !*out;
}

static enum status check_order(const struct command_order *o, int64_t now_ms)
{
	int64_t from_ms = o->not_before_ms > now_ms ? o->not_before_ms : now_ms;
	return o->who && *o->who && strlen(o->who) <= COMMAND_WHO_MAX && strlen(o->why) <= COMMAND_WHY_MAX &&
			       o->expires_ms > from_ms
		       ? STATUS_OK
		       : STATUS_INVALID;
}

struct adding {
	struct commands *c;
	struct store_batch *b;
	struct command *row;
	struct buf scratch;
	int64_t now_ms;
};

static void put_empty(struct store_batch *b, enum command_key kind, uint64_t first, uint64_t second, size_t size)
{
	struct command_key_bytes key = command_key(kind, first, second, size);
	store_batch_put(b, STORE_COMMAND, command_key_view(&key), (struct span){NULL, 0});
}

static enum status put_rows(struct adding *a, const struct command_order *o)
{
	struct command *row = a->row;
	row->id = o->id;
	row->device = o->device;
	row->state = COMMAND_STATE_QUEUED;
	row->result = COMMAND_NO_RESULT;
	row->by_rule = o->by_rule;
	strcpy(row->who, o->who);
	strcpy(row->why, o->why);
	row->violation = o->violation;
	row->created_ms = a->now_ms;
	row->not_before_ms = o->not_before_ms;
	row->expires_ms = o->expires_ms;
	row->sent_ms = row->ended_ms = INT64_MIN;
	row->content = *o->content;
	put_empty(a->b, KEY_OF_DEVICE, row->device, ~row->id, 8);
	put_empty(a->b, KEY_OPEN, row->id, 0, 0);
	if (row->violation)
		put_empty(a->b, KEY_OF_CASE, row->violation, row->id, 8);
	return commands_put_event(a->b, row, a->now_ms, row->who, row->why, &a->scratch);
}

/* One order into index and batch. What only concerns it is its own status; anything else ends the whole. */
static enum status add_one(struct adding *a, struct command_order *o)
{
	bool of_device = false;
	o->id = 0;
	if (!has_terminal(a->c, o->device, &o->status))
		return STATUS_OK;
	struct open_command like = {.id = a->c->next_id,
				    .device = o->device,
				    .not_before_ms = o->not_before_ms,
				    .expires_ms = o->expires_ms,
				    .hidden = true,
				    .told = o->not_before_ms <= a->now_ms};
	buf_clear(&a->scratch);
	enum status status = command_encode(o->content, &a->scratch);
	if (!status)
		status = commands_index_add(&a->c->index, &like, buf_view(&a->scratch), &of_device);
	if (status) {
		o->status = status;
		return of_device ? STATUS_OK : status;
	}
	o->id = a->c->next_id++;
	memset(a->row, 0, sizeof *a->row);
	return put_rows(a, o);
}

static void take_back(struct commands *c, struct command_order *orders, size_t count, enum status status)
{
	for (size_t i = 0; i < count; i++) {
		if (!orders[i].id)
			continue;
		commands_index_remove(&c->index, orders[i].device, orders[i].id);
		orders[i].id = 0;
		orders[i].status = status;
	}
}

static enum status add_all(struct adding *a, struct command_order *orders, size_t count)
{
	struct commands *c = a->c;
	uint64_t before = c->next_id;
	size_t taken = 0;
	enum status status = STATUS_OK;
	for (; taken < count && !status; taken++)
		status = add_one(a, &orders[taken]);
	commands_put_counters(c, a->b, c->feed_kept);
	crash_point("commands_add");
	if (!status && c->next_id != before)
		status = store_commit(c->store, a->b, true);
	crash_point("commands_add");
	if (!status) {
		for (size_t i = 0; i < count; i++)
			if (orders[i].id)
				commands_index_show(&c->index, orders[i].device, orders[i].id);
		atomic_fetch_add(&c->added, c->next_id - before);
		return STATUS_OK;
	}
	take_back(c, orders, taken, status);
	c->next_id = before;
	return status;
}

enum status commands_put(struct commands *c, struct command_order *orders, size_t count, int64_t now_ms,
			 struct store_batch *batch)
{
	struct adding a = {c, batch, malloc(sizeof *a.row), buf_init(COMMAND_ROW_MAX), now_ms};
	enum status status = a.row ? STATUS_OK : STATUS_NO_MEMORY;
	for (size_t i = 0; i < count && !status; i++) {
		orders[i].status = STATUS_OK;
		orders[i].id = 0;
		status = check_order(&orders[i], now_ms);
	}
	if (!status && !batch)
		status = store_batch_new(c->store, &a.b);
	if (!status) {
		pthread_mutex_lock(&c->write);
		status = add_all(&a, orders, count);
		pthread_mutex_unlock(&c->write);
	}
	if (!batch)
		store_batch_free(a.b);
	for (size_t i = 0; i < count && !status; i++)
		if (orders[i].id && orders[i].not_before_ms <= now_ms)
			commands_tell_due(c, orders[i].device);
	buf_deinit(&a.scratch);
	free(a.row);
	return status;
}

enum status commands_add(struct commands *c, struct command_order *orders, size_t count, int64_t now_ms)
{
	return commands_put(c, orders, count, now_ms, NULL);
}

static enum status cancel(struct commands *c, uint64_t id, const char *who, const char *why, int64_t now_ms,
			  struct command *row, struct store_batch *b)
{
	struct buf scratch = buf_init(COMMAND_ROW_MAX);
	struct command_key_bytes open = command_key(KEY_OPEN, id, 0, 0);
	enum status status = commands_load(c, id, row, &scratch);
	/* in memory it may have ended already */
	if (!status && (!command_state_is_open(row->state) || !commands_index_has(&c->index, row->device, id)))
		status = STATUS_CONFLICT;
	if (!status) {
		row->state = COMMAND_STATE_CANCELLED;
		row->ended_ms = now_ms;
		store_batch_delete(b, STORE_COMMAND, command_key_view(&open));
		status = commands_put_event(b, row, now_ms, who, why, &scratch);
	}
	if (!status)
		status = store_commit(c->store, b, true);
	if (!status)
		commands_index_remove(&c->index, row->device, id);
	buf_deinit(&scratch);
	return status;
}

enum status commands_cancel(struct commands *c, uint64_t id, const char *who, const char *why, int64_t now_ms)
{
	struct command *row = malloc(sizeof *row);
	struct store_batch *b = NULL;
	enum status status = row ? store_batch_new(c->store, &b) : STATUS_NO_MEMORY;
	if (!status && (!*who || strlen(who) > COMMAND_WHO_MAX || strlen(why) > COMMAND_WHY_MAX))
		status = STATUS_INVALID;
	if (!status) {
		pthread_mutex_lock(&c->write);
		status = cancel(c, id, who, why, now_ms, row, b);
		pthread_mutex_unlock(&c->write);
	}
	if (!status)
		atomic_fetch_add(&c->cancelled, 1);
	store_batch_free(b);
	free(row);
	return status;
}

/* --- reading --- */

enum status commands_get(struct commands *c, uint64_t id, struct command *out)
{
	struct buf scratch = buf_init(COMMAND_ROW_MAX);
	enum status status = commands_load(c, id, out, &scratch);
	buf_deinit(&scratch);
	return status;
}

struct walk {
	struct commands *c;
	struct command *row;
	struct buf scratch;
	size_t prefix; /* of the key, before the id */
	bool inverted;
	command_visit *visit;
	void *context;
};

static enum status visit_key(void *context, struct span key, struct span value)
{
	struct walk *w = context;
	(void)value;
	if (key.size != w->prefix + 8)
		return STATUS_CORRUPT;
	uint64_t id = load_be64(key.data + w->prefix);
	enum status status = commands_load(w->c, w->inverted ? ~id : id, w->row, &w->scratch);
	return status ? status : w->visit(w->context, w->row);
}

static enum status walk_keys(struct walk *w, struct span prefix, struct span start)
{
	w->row = malloc(sizeof *w->row);
	w->scratch = buf_init(COMMAND_ROW_MAX);
	enum status status =
		w->row ? store_scan_within(w->c->store, STORE_COMMAND, prefix, start, visit_key, w) : STATUS_NO_MEMORY;
	buf_deinit(&w->scratch);
	free(w->row);
	return status;
}

enum status commands_list(struct commands *c, uint64_t device, uint64_t before, command_visit *visit, void *context)
{
	uint64_t first = before ? ~before + 1 : 0;
	struct walk w = {.c = c, .prefix = device ? 9 : 1, .inverted = true, .visit = visit, .context = context};
	struct command_key_bytes start =
		device ? command_key(KEY_OF_DEVICE, device, first, 8) : command_key(KEY_COMMAND, first, 0, 0);
	return walk_keys(&w, span_of(start.bytes, w.prefix), command_key_view(&start));
}

enum status commands_of_violation(struct commands *c, uint64_t violation, command_visit *visit, void *context)
{
	struct walk w = {.c = c, .prefix = 9, .visit = visit, .context = context};
	struct command_key_bytes start = command_key(KEY_OF_CASE, violation, 0, 0);
	return walk_keys(&w, command_key_view(&start), command_key_view(&start));
}

struct history_walk {
	command_event_visit *visit;
	void *context;
};

static enum status visit_event(void *context, struct span key, struct span value)
{
	const struct history_walk *w = context;
	struct command_event e;
	enum status status = command_event_decode(key, value, &e);
	return status ? status : w->visit(w->context, &e);
}

enum status commands_history(struct commands *c, uint64_t id, command_event_visit *visit, void *context)
{
	struct history_walk w = {visit, context};
	struct command_key_bytes prefix = command_key(KEY_EVENT, id, 0, 0);
	return store_scan(c->store, STORE_COMMAND, command_key_view(&prefix), visit_event, &w);
}

void commands_stats_read(struct commands *c, struct commands_stats *out)
{
	pthread_mutex_lock(&c->index.lock);
	out->open = c->index.count;
	out->open_bytes = c->index.bytes;
	pthread_mutex_unlock(&c->index.lock);
	out->added = atomic_load(&c->added);
	out->sent = atomic_load(&c->sent);
	out->answered = atomic_load(&c->answered);
	out->refused = atomic_load(&c->refused);
	out->expired = atomic_load(&c->expired);
	out->cancelled = atomic_load(&c->cancelled);
	out->reminders = atomic_load(&c->reminded);
}

/* --- for sessions --- */

enum status commands_next(struct commands *c, uint64_t device, int64_t now_ms, struct command_next *out)
{
	return commands_index_next(&c->index, device, 0, now_ms, out);
}

enum status commands_again(struct commands *c, uint64_t device, uint64_t id, int64_t now_ms, struct command_next *out)
{
	return commands_index_next(&c->index, device, id, now_ms, out);
}

/* Behind what was said before it. STATUS_BUSY past COMMANDS_SAID_MAX. */
static enum status say(struct commands *c, const struct said *like, struct span answer, const char *note)
{
	struct said *s = malloc(sizeof *s + answer.size);
	if (!s)
		return STATUS_BUSY;
	*s = *like;
	s->next = NULL;
	s->answer_size = answer.size;
	if (answer.size)
		memcpy(s->answer, answer.data, answer.size);
	snprintf(s->note, sizeof s->note, "%s", note);
	pthread_mutex_lock(&c->lock);
	bool room = c->said_count < COMMANDS_SAID_MAX;
	if (room) {
		*c->said_end = s;
		c->said_end = &s->next;
		c->said_count++;
		pthread_cond_signal(&c->wake);
	}
	pthread_mutex_unlock(&c->lock);
	if (!room)
		free(s);
	return room ? STATUS_OK : STATUS_BUSY;
}

enum status commands_sent(struct commands *c, uint64_t device, uint64_t id, int64_t now_ms)
{
	struct said s = {
		.device = device, .id = id, .at_ms = now_ms, .state = COMMAND_STATE_SENT, .result = COMMAND_NO_RESULT};
	if (!commands_index_has(&c->index, device, id))
		return STATUS_NOT_FOUND;
	return say(c, &s, (struct span){NULL, 0}, "");
}

enum status commands_ended(struct commands *c, uint64_t device, uint64_t id, enum command_state state, uint8_t result,
			   const struct command_content *answer, const char *note, int64_t now_ms)
{
	struct said s = {.device = device, .id = id, .at_ms = now_ms, .state = (uint8_t)state, .result = result};
	struct buf bytes = buf_init(COMMAND_BYTES_MAX);
	enum status status = answer ? command_encode(answer, &bytes) : STATUS_OK;
	if (!status)
		status = say(c, &s, buf_view(&bytes), note ? note : "");
	buf_deinit(&bytes);
	if (status)
		return status;
	return commands_index_remove(&c->index, device, id) ? STATUS_OK : STATUS_NOT_FOUND;
}

void commands_rest(struct commands *c, uint64_t device, uint64_t id)
{
	commands_index_rest(&c->index, device, id, true);
}

void commands_wake(struct commands *c, uint64_t device)
{
	commands_index_rest(&c->index, device, 0, false);
}
