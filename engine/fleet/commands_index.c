#include "engine/fleet/commands_index.h"

#include <stdlib.h>

#include "engine/core/limits.h"

/* buckets looked at under one hold of the lock */
#define SLICE 1024u

enum status commands_index_init(struct commands_index *x)
{
	memset(x, 0, sizeof *x);
	pthread_mutex_init(&x->lock, NULL);
	x->next_ms = INT64_MAX;
	x->buckets = calloc(COMMAND_BUCKETS, sizeof(struct open_command *));
	return x->buckets ? STATUS_OK : STATUS_NO_MEMORY;
}

void commands_index_deinit(struct commands_index *x)
{
	for (uint32_t i = 0; x->buckets && i < COMMAND_BUCKETS; i++)
		while (x->buckets[i]) {
			struct open_command *o = x->buckets[i];
			x->buckets[i] = o->next;
			free(o);
		}
	free(x->buckets);
	pthread_mutex_destroy(&x->lock);
}

/* ids of devices are hashes */
static struct open_command **bucket_of(struct commands_index *x, uint64_t device)
{
	return &x->buckets[device % COMMAND_BUCKETS];
}

/* The place of a command, where NULL is when it is not there. */
static struct open_command **find(struct commands_index *x, uint64_t device, uint64_t id)
{
	struct open_command **at = bucket_of(x, device);
	while (*at && ((*at)->id != id || (*at)->device != device))
		at = &(*at)->next;
	return at;
}

static unsigned count_of(struct commands_index *x, uint64_t device)
{
	unsigned n = 0;
	for (const struct open_command *o = *bucket_of(x, device); o; o = o->next)
		n += o->device == device;
	return n;
}

enum status commands_index_add(struct commands_index *x, const struct open_command *like, struct span content,
			       bool *out_of_device)
{
	struct open_command *o = malloc(sizeof *o + content.size);
	enum status status = STATUS_OK;
	if (!o)
		return STATUS_NO_MEMORY;
	*o = *like;
	o->size = (uint16_t)content.size;
	memcpy(o->bytes, content.data, content.size);
	pthread_mutex_lock(&x->lock);
	*out_of_device = count_of(x, o->device) >= COMMANDS_DEVICE_MAX;
	if (*out_of_device || x->count == COMMANDS_OPEN_MAX || x->bytes + content.size > COMMANDS_BYTES_MAX)
		status = STATUS_FULL;
	struct open_command **at = bucket_of(x, o->device);
	while (!status && *at && (*at)->id < o->id)
		at = &(*at)->next;
	if (!status) {
		o->next = *at;
		*at = o;
		x->count++;
		x->bytes += o->size;
		x->next_ms = o->not_before_ms < x->next_ms ? o->not_before_ms : x->next_ms;
		x->next_ms = o->expires_ms < x->next_ms ? o->expires_ms : x->next_ms;
	}
	pthread_mutex_unlock(&x->lock);
	if (status)
		free(o);
	return status;
}

void commands_index_show(struct commands_index *x, uint64_t device, uint64_t id)
{
	pthread_mutex_lock(&x->lock);
	struct open_command **at = find(x, device, id);
	if (*at)
		(*at)->hidden = false;
	pthread_mutex_unlock(&x->lock);
}

bool commands_index_remove(struct commands_index *x, uint64_t device, uint64_t id)
{
	pthread_mutex_lock(&x->lock);
	struct open_command **at = find(x, device, id), *o = *at;
	if (o) {
		*at = o->next;
		x->count--;
		x->bytes -= o->size;
	}
	pthread_mutex_unlock(&x->lock);
	free(o);
	return o != NULL;
}

bool commands_index_has(struct commands_index *x, uint64_t device, uint64_t id)
{
	pthread_mutex_lock(&x->lock);
	bool has = *find(x, device, id) != NULL;
	pthread_mutex_unlock(&x->lock);
	return has;
}

static bool may_be_sent(const struct open_command *o, uint64_t id, int64_t now_ms)
{
	return !o->hidden && o->not_before_ms <= now_ms && o->expires_ms > now_ms && (id ? o->id == id : !o->resting);
}

enum status commands_index_next(struct commands_index *x, uint64_t device, uint64_t id, int64_t now_ms,
				struct command_next *out)
{
	enum status status = STATUS_NOT_FOUND;
	pthread_mutex_lock(&x->lock);
	struct open_command *o = *bucket_of(x, device);
	while (o && (o->device != device || !may_be_sent(o, id, now_ms)))
		o = o->next;
	if (o) {
		o->told = true;
		out->id = o->id;
		status = command_decode(span_of(o->bytes, o->size), &out->content);
	}
	pthread_mutex_unlock(&x->lock);
	return status;
}

void commands_index_rest(struct commands_index *x, uint64_t device, uint64_t id, bool resting)
{
	pthread_mutex_lock(&x->lock);
	for (struct open_command *o = *bucket_of(x, device); o; o = o->next)
		if (o->device == device && (!id || o->id == id))
			o->resting = resting;
	pthread_mutex_unlock(&x->lock);
}

/* One command under the clock; false when there is no room to tell of it. */
static bool look(struct commands_tick *t, struct open_command *o, int64_t now_ms)
{
	if (o->hidden) {
		t->next_ms = now_ms;
		return true;
	}
	if (o->expires_ms <= now_ms) {
		if (t->expired_count == t->max)
			return false;
		t->expired[t->expired_count++] = (struct command_ref){o->device, o->id};
		return true;
	}
	if (o->not_before_ms <= now_ms && !o->told) {
		if (t->due_count == t->max)
			return false;
		t->due[t->due_count++] = o->device;
		o->told = true;
	}
	int64_t next_ms = o->told ? o->expires_ms : o->not_before_ms;
	t->next_ms = next_ms < t->next_ms ? next_ms : t->next_ms;
	return true;
}

bool commands_index_tick(struct commands_index *x, struct commands_tick *t, int64_t now_ms)
{
	uint32_t end = t->bucket + SLICE;
	bool room = true;
	pthread_mutex_lock(&x->lock);
	if (t->bucket == 0 && now_ms < x->next_ms) {
		pthread_mutex_unlock(&x->lock);
		return false;
	}
	if (t->bucket == 0)
		x->next_ms = INT64_MAX; /* what is added meanwhile lowers it again */
	for (; t->bucket < end && room; t->bucket += room)
		for (struct open_command *o = x->buckets[t->bucket]; o && room; o = o->next)
			room = look(t, o, now_ms);
	bool more = t->bucket < COMMAND_BUCKETS;
	if (!more && t->next_ms < x->next_ms)
		x->next_ms = t->next_ms;
	pthread_mutex_unlock(&x->lock);
	return more;
}
