/* commands_worker.c -- one thread: writes what sessions said, ends what has expired, tells what has become due, marks
 * findings as handled, reminds.
 *
 *   said ──> as many as fit ──> one batch, synced ──> findings handled by them
 *   clock ─> expired ─────────> one batch, synced
 *
 * What the disk does not take stays, and is tried again. */
#include "engine/fleet/commands_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "engine/core/clock.h"
#include "engine/core/crash.h"
#include "engine/core/log.h"

/* how often the clock and the findings' feed are looked at */
#define TICK_MS 200
/* changes of one batch, and expiries or dues looked up at once */
#define BATCH_MAX 256
/* bytes of a reminder's words in the ledger's own text, which has room for CASE_TEXT_MAX */
#define WORDS_IN_LEDGER 600

/* A batch under way; nothing in it is seen by reading before the commit, so a command is in it once. */
struct writing {
	struct commands *c;
	struct store_batch *b;
	struct command *row;
	struct buf scratch;
	uint64_t ids[BATCH_MAX];
	size_t count;
	uint64_t handled[BATCH_MAX]; /* ended, their finding to be marked */
	size_t handled_count;
};

static bool in_batch(const struct writing *w, uint64_t id)
{
	for (size_t i = 0; i < w->count; i++)
		if (w->ids[i] == id)
			return true;
	return w->count == BATCH_MAX;
}

/* An answer to a text about a finding is its handling: when a person sent it, or the policy says so of rules. */
static bool handles(const struct commands *c, const struct command *row)
{
	return row->violation && row->state == COMMAND_STATE_ANSWERED && row->content.kind == COMMAND_TEXT &&
	       (!row->by_rule || c->options.reminders_handle);
}

static void end_row(struct writing *w, struct command *row, uint8_t state, int64_t at_ms)
{
	struct command_key_bytes open = command_key(KEY_OPEN, row->id, 0, 0);
	row->state = state;
	row->ended_ms = at_ms;
	if (handles(w->c, row))
		w->handled[w->handled_count++] = row->id;
	else
		store_batch_delete(w->b, STORE_COMMAND, command_key_view(&open));
}

static void take_answer(struct command *row, const struct said *s)
{
	row->result = s->result;
	strcpy(row->note, s->note);
	row->has_answer =
		s->answer_size && command_decode(span_of(s->answer, s->answer_size), &row->answer) == STATUS_OK;
}

/* What was said of it into the batch. What ended meanwhile stays ended: that it was answered all the same is told. */
static enum status write_said(struct writing *w, const struct said *s)
{
	struct command *row = w->row;
	enum status status = commands_load(w->c, s->id, row, &w->scratch);
	if (status)
		return status;
	char text[COMMAND_WHY_MAX + 1];
	snprintf(text, sizeof text, "%s", s->note);
	bool open = command_state_is_open(row->state);
	if (!open)
		snprintf(text, sizeof text, "late: %s, result %u", command_state_token(s->state), s->result);
	if (s->state == COMMAND_STATE_SENT) {
		row->state = open ? COMMAND_STATE_SENT : row->state;
		row->sent_ms = s->at_ms;
		row->tries++;
	} else if (open) {
		take_answer(row, s);
		end_row(w, row, s->state, s->at_ms);
	}
	w->ids[w->count++] = s->id;
	return commands_put_event(w->b, row, s->at_ms, "terminal", text, &w->scratch);
}

static void count_said(struct commands *c, uint8_t state)
{
	atomic_fetch_add(state == COMMAND_STATE_SENT       ? &c->sent
			 : state == COMMAND_STATE_ANSWERED ? &c->answered
			 : state == COMMAND_STATE_REFUSED  ? &c->refused
							   : &c->expired,
			 1);
}

/* --- handling --- */

/* The bytes of a text up to `max`, no character cut. */
static size_t whole_characters(const char *text, size_t max)
{
	size_t size = strlen(text);
	if (size <= max)
		return size;
	while (max && ((uint8_t)text[max] & 0xc0) == 0x80)
		max--;
	return max;
}

static enum status handle_finding(struct commands *c, const struct command *row)
{
	struct violation v;
	char who[COMMAND_WHO_MAX + 8], how[2 * COMMAND_UTF8_MAX];
	enum status status = violation_get(c->findings, row->violation, &v);
	if (status || v.handled)
		return status == STATUS_NOT_FOUND ? STATUS_OK : status;
	snprintf(who, sizeof who, "%s%s", row->by_rule ? "rule:" : "", row->who);
	/* the ledger's text is bounded; the whole of the words is with the command */
	snprintf(how, sizeof how, "文本提醒 text reminder %llu: %.*s", (unsigned long long)row->id,
		 (int)whole_characters(row->content.text.text, WORDS_IN_LEDGER), row->content.text.text);
	return violation_handle(c->findings, row->violation, who, how, "终端已应答 answered by the terminal",
				row->ended_ms);
}

/* Mark the finding, then forget that it is to be marked. */
static void handle(struct writing *w, uint64_t id)
{
	struct command_key_bytes open = command_key(KEY_OPEN, id, 0, 0);
	enum status status = commands_load(w->c, id, w->row, &w->scratch);
	if (!status)
		status = handle_finding(w->c, w->row);
	if (!status) {
		store_batch_delete(w->b, STORE_COMMAND, command_key_view(&open));
		status = store_commit(w->c->store, w->b, false);
	}
	if (status)
		log_warn("commands", "finding of command %llu is not marked as handled: %s", (unsigned long long)id,
			 status_text(status));
	store_batch_clear(w->b);
}

static enum status take_unhandled(void *context, struct span key, struct span value)
{
	struct writing *w = context;
	(void)value;
	if (key.size != 9 || w->handled_count == BATCH_MAX)
		return STATUS_END;
	enum status status = commands_load(w->c, load_be64(key.data + 1), w->row, &w->scratch);
	if (!status && !command_state_is_open(w->row->state))
		w->handled[w->handled_count++] = w->row->id;
	return status;
}

/* What a crash left between an answer and the mark. */
static void handle_left_over(struct writing *w)
{
	const uint8_t prefix = KEY_OPEN;
	enum status status = store_scan(w->c->store, STORE_COMMAND, span_of(&prefix, 1), take_unhandled, w);
	if (status && status != STATUS_END)
		log_warn("commands", "findings to be marked as handled: %s", status_text(status));
	for (size_t i = 0; i < w->handled_count; i++)
		handle(w, w->handled[i]);
	w->handled_count = 0;
}

/* --- batches --- */

static enum status commit(struct writing *w)
{
	enum status status = STATUS_OK;
	crash_point("commands_said");
	if (w->count)
		status = store_commit(w->c->store, w->b, true);
	crash_point("commands_said");
	store_batch_clear(w->b);
	w->count = 0;
	return status;
}

/* As many of the list as make one batch, and their commit; `*list` goes on behind them. On failure it is as before. */
static enum status write_some(struct writing *w, struct said **list)
{
	struct said *at = *list;
	enum status status = STATUS_OK;
	w->handled_count = 0;
	pthread_mutex_lock(&w->c->write);
	for (; at && !status && !in_batch(w, at->id); at = status ? at : at->next)
		status = write_said(w, at);
	if (status == STATUS_NOT_FOUND || status == STATUS_CORRUPT) {
		log_error("commands", "command %llu: %s", (unsigned long long)at->id, status_text(status));
		at = at->next; /* nothing can be written of it; the others can */
		status = STATUS_OK;
	}
	enum status committed = commit(w);
	pthread_mutex_unlock(&w->c->write);
	if (status || committed)
		return status ? status : committed;
	while (*list != at) {
		struct said *s = *list;
		*list = s->next;
		count_said(w->c, s->state);
		free(s);
		pthread_mutex_lock(&w->c->lock);
		w->c->said_count--;
		pthread_mutex_unlock(&w->c->lock);
	}
	for (size_t i = 0; i < w->handled_count; i++)
		handle(w, w->handled[i]);
	w->handled_count = 0;
	return STATUS_OK;
}

/* --- the clock --- */

static enum status expire_one(struct writing *w, const struct command_ref *e, int64_t now_ms)
{
	enum status status = commands_load(w->c, e->id, w->row, &w->scratch);
	if (status || !command_state_is_open(w->row->state))
		return status;
	end_row(w, w->row, COMMAND_STATE_EXPIRED, now_ms);
	w->ids[w->count++] = e->id;
	return commands_put_event(w->b, w->row, now_ms, "clock",
				  w->row->tries ? "sent, never answered" : "the terminal did not come", &w->scratch);
}

static void expire(struct writing *w, const struct commands_tick *t, int64_t now_ms)
{
	enum status status = STATUS_OK;
	pthread_mutex_lock(&w->c->write);
	for (size_t i = 0; i < t->expired_count && !status; i++)
		status = expire_one(w, &t->expired[i], now_ms);
	enum status committed = commit(w);
	pthread_mutex_unlock(&w->c->write);
	if (status || committed) {
		log_warn("commands", "expiring: %s", status_text(status ? status : committed));
		w->c->look_at_once = true;
		return;
	}
	for (size_t i = 0; i < t->expired_count; i++)
		commands_index_remove(&w->c->index, t->expired[i].device, t->expired[i].id);
	atomic_fetch_add(&w->c->expired, t->expired_count);
}

static void look_at_clock(struct writing *w, int64_t now_ms)
{
	struct command_ref expired[BATCH_MAX];
	uint64_t due[BATCH_MAX];
	struct commands_tick t = {.next_ms = INT64_MAX, .expired = expired, .due = due, .max = BATCH_MAX};
	bool more = true;
	if (w->c->look_at_once) {
		pthread_mutex_lock(&w->c->index.lock);
		w->c->index.next_ms = now_ms;
		pthread_mutex_unlock(&w->c->index.lock);
	}
	w->c->look_at_once = false;
	while (more && !w->c->look_at_once) {
		t.expired_count = t.due_count = 0;
		more = commands_index_tick(&w->c->index, &t, now_ms);
		if (t.expired_count)
			expire(w, &t, now_ms);
		for (size_t i = 0; i < t.due_count; i++)
			commands_tell_due(w->c, due[i]);
	}
}

/* --- the thread --- */

/* What was said, once there is some or a tick is over. False when the queue is being stopped and nothing is left. */
static bool wait_for_said(struct commands *c, struct said **list)
{
	struct timespec until;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += TICK_MS * 1000000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_mutex_lock(&c->lock);
	if (!c->said && !c->stopping)
		pthread_cond_timedwait(&c->wake, &c->lock, &until);
	bool more = c->said || !c->stopping;
	*list = c->said;
	c->said = NULL;
	c->said_end = &c->said;
	pthread_mutex_unlock(&c->lock);
	return more;
}

/* What could not be written goes before what was said since. */
static void put_back(struct commands *c, struct said *list)
{
	struct said **end = &list;
	while (*end)
		end = &(*end)->next;
	pthread_mutex_lock(&c->lock);
	*end = c->said;
	c->said_end = c->said ? c->said_end : end;
	c->said = list;
	bool stopping = c->stopping;
	pthread_mutex_unlock(&c->lock);
	struct timespec pause = {0, TICK_MS * 1000000};
	if (!stopping)
		nanosleep(&pause, NULL); /* the disk is full, or broken: not at once again */
}

static bool turn(struct writing *w)
{
	struct commands *c = w->c;
	struct said *list;
	enum status status = STATUS_OK;
	bool more = wait_for_said(c, &list);
	while (list && !status)
		status = write_some(w, &list);
	if (status) {
		log_error("commands", "what terminals said is not written: %s", status_text(status));
		pthread_mutex_lock(&c->lock);
		bool stopping = c->stopping;
		pthread_mutex_unlock(&c->lock);
		put_back(c, list);
		return !stopping;
	}
	int64_t now_ms = clock_now_ms();
	look_at_clock(w, now_ms);
	commands_remind(c, now_ms);
	return more;
}

void *commands_work(void *context)
{
	struct commands *c = context;
	struct writing *w = calloc(1, sizeof *w);
	struct command *row = malloc(sizeof *row);
	if (!w || !row || store_batch_new(c->store, &w->b)) {
		log_error("commands", "no memory: commands are not written and not ended");
		free(w);
		free(row);
		return NULL;
	}
	w->c = c;
	w->row = row;
	w->scratch = buf_init(COMMAND_ROW_MAX);
	handle_left_over(w);
	while (turn(w))
		;
	store_batch_free(w->b);
	buf_deinit(&w->scratch);
	free(row);
	free(w);
	return NULL;
}
