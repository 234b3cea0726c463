#include "engine/series/value_texts.h"

#include <pthread.h>
#include <stdlib.h>

#include "engine/core/limits.h"
#include "engine/series/value.h"

#define CHUNK_BYTES 65536u
#define SLOTS_FIRST 256u

struct chunk {
	struct chunk *next;
	size_t used;
	uint8_t bytes[CHUNK_BYTES];
};

struct slot {
	uint64_t hash;
	const uint8_t *text; /* size 1, bytes; NULL: free */
};

struct value_texts {
	pthread_mutex_t lock;
	struct chunk *chunks;
	struct slot *slots;
	size_t slot_count, count, bytes;
};

enum status value_texts_new(struct value_texts **out)
{
	struct value_texts *t = calloc(1, sizeof *t);
	if (!t)
		return STATUS_NO_MEMORY;
	t->slots = calloc(SLOTS_FIRST, sizeof *t->slots);
	if (!t->slots) {
		free(t);
		return STATUS_NO_MEMORY;
	}
	t->slot_count = SLOTS_FIRST;
	pthread_mutex_init(&t->lock, NULL);
	*out = t;
	return STATUS_OK;
}

void value_texts_free(struct value_texts *t)
{
	if (!t)
		return;
	for (struct chunk *c = t->chunks, *next; c; c = next) {
		next = c->next;
		free(c);
	}
	free(t->slots);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

static struct slot *slot_of(struct slot *slots, size_t count, uint64_t hash)
{
	size_t at = hash & (count - 1);
	while (slots[at].text && slots[at].hash != hash)
		at = (at + 1) & (count - 1);
	return &slots[at];
}

static enum status grow(struct value_texts *t)
{
	if (t->count * 2 < t->slot_count)
		return STATUS_OK;
	struct slot *slots = calloc(t->slot_count * 2, sizeof *slots);
	if (!slots)
		return STATUS_NO_MEMORY;
	for (size_t i = 0; i < t->slot_count; i++)
		if (t->slots[i].text)
			*slot_of(slots, t->slot_count * 2, t->slots[i].hash) = t->slots[i];
	free(t->slots);
	t->slots = slots;
	t->slot_count *= 2;
	return STATUS_OK;
}

static enum status copy_text(struct value_texts *t, struct span text, const uint8_t **out)
{
	if (t->bytes + text.size + 1 > VALUE_TEXTS_BYTES_MAX)
		return STATUS_FULL;
	if (!t->chunks || CHUNK_BYTES - t->chunks->used < text.size + 1) {
		struct chunk *c = malloc(sizeof *c);
		if (!c)
			return STATUS_NO_MEMORY;
		c->next = t->chunks;
		c->used = 0;
		t->chunks = c;
	}
	uint8_t *at = t->chunks->bytes + t->chunks->used;
	at[0] = (uint8_t)text.size;
	if (text.size)
		memcpy(at + 1, text.data, text.size);
	t->chunks->used += text.size + 1;
	t->bytes += text.size + 1;
	*out = at;
	return STATUS_OK;
}

static enum status add_locked(struct value_texts *t, uint64_t hash, struct span text)
{
	enum status status = grow(t);
	if (status)
		return status;
	struct slot *slot = slot_of(t->slots, t->slot_count, hash);
	if (slot->text)
		return span_equal(text, span_of(slot->text + 1, slot->text[0])) ? STATUS_OK : STATUS_CONFLICT;
	const uint8_t *copy;
	status = copy_text(t, text, &copy);
	if (status)
		return status;
	*slot = (struct slot){hash, copy};
	t->count++;
	return STATUS_OK;
}

enum status value_texts_add(struct value_texts *t, struct span text, uint64_t *out_hash)
{
	if (text.size > VALUE_TEXT_MAX)
		return STATUS_TOO_LONG;
	*out_hash = value_text_hash(text);
	pthread_mutex_lock(&t->lock);
	enum status status = add_locked(t, *out_hash, text);
	pthread_mutex_unlock(&t->lock);
	return status;
}

enum status value_texts_find(const struct value_texts *t, uint64_t hash, struct span *out)
{
	struct value_texts *open = (struct value_texts *)t; /* the lock is no part of what it says */
	pthread_mutex_lock(&open->lock);
	const struct slot *slot = slot_of(t->slots, t->slot_count, hash);
	bool found = slot->text != NULL;
	if (found)
		*out = span_of(slot->text + 1, slot->text[0]);
	pthread_mutex_unlock(&open->lock);
	return found ? STATUS_OK : STATUS_NOT_FOUND;
}
