/* outbox_parked.c -- what is parked, looked at and sent again by hand. */
#include <string.h>

#include "engine/core/crash.h"
#include "query/outbox/outbox_state.h"

static struct outbox_line *line_named(struct outbox *o, const char *name)
{
	for (size_t i = 0; i < o->config->count; i++)
		if (!strcmp(o->lines[i].to->name, name))
			return &o->lines[i];
	return NULL;
}

struct parked_walk {
	struct outbox *box;
	outbox_parked_visit *visit;
	void *context;
	struct buf room;
};

static enum status visit_parked(void *context, struct span key, struct span value)
{
	struct parked_walk *w = context;
	struct outbox_news n;
	if (key.size != 17)
		return STATUS_CORRUPT;
	uint64_t item = load_be64(key.data + 9);
	enum status status = outbox_item_get(w->box->options.store, item, &w->room, &n);
	if (status)
		return status == STATUS_NOT_FOUND ? STATUS_OK : status; /* sent again meanwhile */
	struct outbox_parked p = {item, n.at_ms, n.id, value, n.body};
	return w->visit(w->context, &p);
}

enum status outbox_parked_list(struct outbox *o, const char *destination, uint64_t after, outbox_parked_visit *visit,
			       void *context)
{
	const struct outbox_line *l = line_named(o, destination);
	if (!l)
		return STATUS_NOT_FOUND;
	struct outbox_key prefix = outbox_key_of(OUTBOX_PARKED, l->hash),
			  start = outbox_key_at(OUTBOX_PARKED, l->hash, after + 1);
	struct parked_walk w = {o, visit, context, buf_init(OUTBOX_NEWS_MAX + 128)};
	enum status status = store_scan_within(o->options.store, STORE_OUTBOX, outbox_key_view(&prefix),
					       outbox_key_view(&start), visit_parked, &w);
	buf_deinit(&w.room);
	return status;
}

struct again {
	uint64_t items[OUTBOX_PARKED_MAX], subjects[OUTBOX_PARKED_MAX];
	size_t count;
	uint64_t only; /* 0: any */
};

static enum status note_again(void *context, const struct outbox_parked *p)
{
	struct again *a = context;
	if (a->count == OUTBOX_PARKED_MAX || (a->only && p->item != a->only))
		return STATUS_END;
	a->items[a->count] = p->item;
	return outbox_subject_of(p->id, &a->subjects[a->count++]);
}

/* Under the lock. */
static enum status put_back(struct outbox *o, struct outbox_line *l, const struct again *a)
{
	struct store_batch *b;
	enum status status = store_batch_new(o->options.store, &b);
	if (status)
		return status;
	for (size_t i = 0; i < a->count; i++) {
		uint8_t subject[8];
		struct outbox_key parked = outbox_key_at(OUTBOX_PARKED, l->hash, a->items[i]),
				  waiting = outbox_key_at(OUTBOX_WAITING, l->hash, a->items[i]);
		store_be64(subject, a->subjects[i]);
		store_batch_delete(b, STORE_OUTBOX, outbox_key_view(&parked));
		store_batch_put(b, STORE_OUTBOX, outbox_key_view(&waiting), span_of(subject, sizeof subject));
	}
	crash_point("outbox_again");
	status = store_commit(o->options.store, b, true);
	store_batch_free(b);
	if (status)
		return status;
	l->kept -= a->count;
	l->pending += a->count;
	o->pending += a->count;
	l->news = true;
	pthread_cond_broadcast(&o->changed);
	return STATUS_OK;
}

enum status outbox_send_again(struct outbox *o, const char *destination, uint64_t item, size_t *out)
{
	struct outbox_line *l = line_named(o, destination);
	struct again a = {.only = item};
	*out = 0;
	if (!l)
		return STATUS_NOT_FOUND;
	pthread_mutex_lock(&o->lock);
	enum status status = outbox_parked_list(o, destination, item ? item - 1 : 0, note_again, &a);
	if (status == STATUS_END)
		status = STATUS_OK;
	if (!status && item && !a.count)
		status = STATUS_NOT_FOUND;
	if (!status && o->pending + a.count > o->options.pending_max)
		status = STATUS_FULL;
	if (!status && a.count)
		status = put_back(o, l, &a);
	pthread_mutex_unlock(&o->lock);
	*out = status ? 0 : a.count;
	return status;
}
