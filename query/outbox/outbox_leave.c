/* outbox_leave.c -- what waits for one destination, sent in its order and crossed out. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "engine/core/clock.h"
#include "engine/core/crash.h"
#include "engine/core/log.h"
#include "query/outbox/outbox_state.h"

#define MODULE "outbox"
#define LOOK_BATCH 256

/* --- rows --- */

static enum status has_row(struct outbox *o, enum outbox_tag tag, uint64_t line, uint64_t item)
{
	struct outbox_key key = outbox_key_at(tag, line, item);
	struct buf value = buf_init(OUTBOX_ERROR_MAX);
	enum status status = store_get(o->options.store, STORE_OUTBOX, outbox_key_view(&key), &value);
	buf_deinit(&value);
	return status;
}

enum status outbox_item_needed(struct outbox *o, uint64_t item, const struct outbox_line *line)
{
	enum status status = STATUS_NOT_FOUND;
	for (size_t i = 0; i < o->config->count && status == STATUS_NOT_FOUND; i++) {
		if (&o->lines[i] == line)
			continue;
		status = has_row(o, OUTBOX_WAITING, o->lines[i].hash, item);
		if (status == STATUS_NOT_FOUND)
			status = has_row(o, OUTBOX_PARKED, o->lines[i].hash, item);
	}
	return status;
}

static enum status drop_item(struct outbox_line *l, struct store_batch *b, uint64_t item)
{
	struct outbox_key key = outbox_key_of(OUTBOX_ITEM, item);
	enum status status = outbox_item_needed(l->box, item, l);
	if (status == STATUS_NOT_FOUND)
		store_batch_delete(b, STORE_OUTBOX, outbox_key_view(&key));
	return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status first_item(void *context, struct span key, struct span value)
{
	(void)value;
	*(uint64_t *)context = load_be64(key.data + 9);
	return STATUS_END;
}

/* The oldest that is parked makes room. */
static enum status drop_oldest_parked(struct outbox_line *l, struct store_batch *b)
{
	uint64_t item = 0;
	struct outbox_key prefix = outbox_key_of(OUTBOX_PARKED, l->hash);
	enum status status =
		store_scan(l->box->options.store, STORE_OUTBOX, outbox_key_view(&prefix), first_item, &item);
	if (status != STATUS_END)
		return status;
	struct outbox_key key = outbox_key_at(OUTBOX_PARKED, l->hash, item);
	store_batch_delete(b, STORE_OUTBOX, outbox_key_view(&key));
	return drop_item(l, b, item);
}

/* What becomes of one that no longer waits. */
enum leaving { LEAVING_SENT, LEAVING_REFUSED, LEAVING_GIVEN_UP };

static void count_left(struct outbox_line *l, enum leaving how, const char *why, bool trims)
{
	l->pending--;
	l->box->pending--;
	l->sent += how == LEAVING_SENT;
	l->refused += how == LEAVING_REFUSED;
	l->parked += how == LEAVING_GIVEN_UP;
	l->dropped += trims;
	l->kept += how != LEAVING_SENT && !trims;
	l->sent_ms = how == LEAVING_SENT ? clock_now_ms() : l->sent_ms;
	snprintf(l->error, sizeof l->error, "%s", why);
}

/* `why`: for people, of one that is parked; "" of one that was sent. */
static enum status cross_out(struct outbox_line *l, uint64_t item, enum leaving how, const char *why)
{
	struct outbox *o = l->box;
	struct store_batch *b;
	struct outbox_key waiting = outbox_key_at(OUTBOX_WAITING, l->hash, item),
			  parked = outbox_key_at(OUTBOX_PARKED, l->hash, item);
	enum status status = store_batch_new(o->options.store, &b);
	if (status)
		return status;
	pthread_mutex_lock(&o->lock);
	bool keeps = how != LEAVING_SENT, trims = keeps && l->kept >= OUTBOX_PARKED_MAX;
	store_batch_delete(b, STORE_OUTBOX, outbox_key_view(&waiting));
	if (keeps)
		store_batch_put(b, STORE_OUTBOX, outbox_key_view(&parked), span_of_string(why));
	status = keeps ? STATUS_OK : drop_item(l, b, item);
	if (!status && trims)
		status = drop_oldest_parked(l, b);
	if (!status)
		status = store_commit(o->options.store, b, true);
	if (!status) {
		count_left(l, how, why, trims);
		pthread_cond_broadcast(&o->changed);
	}
	pthread_mutex_unlock(&o->lock);
	store_batch_free(b);
	if (trims && !status)
		log_warn(MODULE, "%s: the oldest of what is parked is dropped", l->to->name);
	return status;
}

/* --- waiting for another try --- */

static int64_t longer(const struct outbox_line *l, int64_t wait_ms)
{
	int64_t next = wait_ms ? 2 * wait_ms : l->box->options.retry_ms;
	return next < OUTBOX_RETRY_LONGEST_MS ? next : OUTBOX_RETRY_LONGEST_MS;
}

static struct outbox_stuck *stuck_of(struct outbox_line *l, uint64_t subject)
{
	for (size_t i = 0; i < l->stuck_count; i++)
		if (l->stuck[i].subject == subject)
			return &l->stuck[i];
	return NULL;
}

static void pause_line(struct outbox_line *l)
{
	l->wait_ms = longer(l, l->wait_ms);
	l->until_ms = outbox_now_ms() + l->wait_ms;
}

static void hold_back(struct outbox_line *l, uint64_t subject)
{
	struct outbox_stuck *s = stuck_of(l, subject);
	if (!s && l->stuck_count == OUTBOX_STUCK_MAX) {
		pause_line(l);
		return;
	}
	if (!s) {
		s = &l->stuck[l->stuck_count++];
		*s = (struct outbox_stuck){.subject = subject};
	}
	s->pass = l->pass;
	s->wait_ms = longer(l, s->wait_ms);
	s->until_ms = outbox_now_ms() + s->wait_ms;
}

static void let_go(struct outbox_line *l, uint64_t subject)
{
	struct outbox_stuck *s = stuck_of(l, subject);
	if (s)
		*s = l->stuck[--l->stuck_count];
}

static void say_failed(struct outbox_line *l)
{
	pthread_mutex_lock(&l->box->lock);
	l->failed++;
	bool first = !*l->error;
	snprintf(l->error, sizeof l->error, "%s", l->sender.error);
	pthread_mutex_unlock(&l->box->lock);
	if (first)
		log_warn(MODULE, "%s: %s", l->to->name, l->sender.error);
}

/* --- sending --- */

struct waiting {
	uint64_t item, subject;
};
struct look {
	struct waiting items[LOOK_BATCH];
	size_t count;
};

static enum status note_waiting(void *context, struct span key, struct span value)
{
	struct look *k = context;
	if (key.size != 17 || value.size != 8)
		return STATUS_CORRUPT;
	if (k->count == LOOK_BATCH)
		return STATUS_END;
	k->items[k->count++] = (struct waiting){load_be64(key.data + 9), load_be64(value.data)};
	return STATUS_OK;
}

/* Is it for people now? Not when there is no room: nothing of those that only were not taken is lost. */
static bool is_given_up(struct outbox_line *l, const struct outbox_news *n)
{
	pthread_mutex_lock(&l->box->lock);
	bool room = l->kept < OUTBOX_PARKED_MAX;
	pthread_mutex_unlock(&l->box->lock);
	return room && clock_now_ms() - n->at_ms >= l->box->options.give_up_ms;
}

static enum status give_up(struct outbox_line *l, const struct waiting *w, const struct outbox_news *n)
{
	char why[OUTBOX_ERROR_MAX + 16];
	snprintf(why, sizeof why, "gave up: %s", l->sender.error);
	log_warn(MODULE, "%s: %s %s", l->to->name, n->id, why);
	let_go(l, w->subject);
	return cross_out(l, w->item, LEAVING_GIVEN_UP, why);
}

/* STATUS_BUSY, STATUS_CLOSED: another try later, as the line's state says. */
static enum status try_one(struct outbox_line *l, const struct waiting *w, struct buf *room)
{
	struct outbox_news n;
	enum status status = outbox_item_get(l->box->options.store, w->item, room, &n);
	if (status)
		return status;
	n.subject = w->subject;
	status = outbox_sender_send(&l->sender, &n);
	crash_point("outbox_sent");
	if (status == STATUS_CANCELLED)
		return status;
	if (!status || status == STATUS_DENIED) {
		if (status)
			log_warn(MODULE, "%s: %s refused for good: %s", l->to->name, n.id, l->sender.error);
		l->failures = 0;
		l->wait_ms = 0;
		let_go(l, w->subject);
		return cross_out(l, w->item, status ? LEAVING_REFUSED : LEAVING_SENT, status ? l->sender.error : "");
	}
	say_failed(l);
	if (status == STATUS_BUSY)
		hold_back(l, w->subject);
	if (status != STATUS_BUSY || ++l->failures >= OUTBOX_ILL_AFTER)
		pause_line(l);
	return status == STATUS_BUSY && is_given_up(l, &n) ? give_up(l, w, &n) : status;
}

static bool may_try(struct outbox_line *l, uint64_t subject)
{
	struct outbox_stuck *s = stuck_of(l, subject);
	if (!s || (s->pass != l->pass && s->until_ms <= outbox_now_ms()))
		return true;
	s->pass = l->pass;
	return false;
}

/* One batch from `*from` on. STATUS_END: that was all. */
static enum status look_through(struct outbox_line *l, uint64_t *from, struct buf *room)
{
	struct look k = {.count = 0};
	struct outbox_key prefix = outbox_key_of(OUTBOX_WAITING, l->hash),
			  start = outbox_key_at(OUTBOX_WAITING, l->hash, *from);
	enum status status = store_scan_within(l->box->options.store, STORE_OUTBOX, outbox_key_view(&prefix),
					       outbox_key_view(&start), note_waiting, &k);
	if (status && status != STATUS_END)
		return status;
	bool more = status == STATUS_END;
	for (size_t i = 0; i < k.count && !l->until_ms; i++) {
		*from = k.items[i].item + 1;
		if (!may_try(l, k.items[i].subject))
			continue;
		status = try_one(l, &k.items[i], room);
		if (status && status != STATUS_BUSY && status != STATUS_CLOSED)
			return status;
	}
	return more && !l->until_ms ? STATUS_OK : STATUS_END;
}

static int64_t next_try_ms(const struct outbox_line *l)
{
	int64_t next = l->until_ms ? l->until_ms : INT64_MAX;
	for (size_t i = 0; i < l->stuck_count && !l->until_ms; i++)
		if (l->stuck[i].until_ms < next)
			next = l->stuck[i].until_ms;
	return next;
}

int64_t outbox_line_run(struct outbox_line *l)
{
	struct buf room = buf_init(OUTBOX_NEWS_MAX + 128);
	uint64_t from = 0;
	enum status status = STATUS_OK;
	if (l->until_ms > outbox_now_ms())
		return l->until_ms;
	l->until_ms = 0;
	l->pass++;
	while (!status && !atomic_load(&l->box->stop))
		status = look_through(l, &from, &room);
	buf_deinit(&room);
	if (status && status != STATUS_END && status != STATUS_CANCELLED) { /* the store's: it is no better at once */
		log_error(MODULE, "%s: %s", l->to->name, status_text(status));
		pause_line(l);
	}
	return next_try_ms(l);
}

void *outbox_line_thread(void *context)
{
	struct outbox_line *l = context;
	struct outbox *o = l->box;
	while (!atomic_load(&o->stop)) {
		pthread_mutex_lock(&o->lock);
		l->news = false;
		pthread_mutex_unlock(&o->lock);
		int64_t next_ms = outbox_line_run(l), left_ms = next_ms - outbox_now_ms();
		struct timespec until = {next_ms == INT64_MAX ? INT64_MAX : next_ms / 1000, next_ms % 1000 * 1000000};
		pthread_mutex_lock(&o->lock);
		l->retry_ms = next_ms == INT64_MAX ? 0 : clock_now_ms() + left_ms;
		bool late = false;
		while (!atomic_load(&o->stop) && !late && (!l->news || l->until_ms))
			late = next_ms == INT64_MAX ? pthread_cond_wait(&o->changed, &o->lock) != 0
						    : pthread_cond_timedwait(&o->changed, &o->lock, &until) != 0;
		pthread_mutex_unlock(&o->lock);
	}
	return NULL;
}
