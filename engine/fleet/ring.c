#include "engine/fleet/ring.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_CAPACITY 65536u
#define SKIP 0u /* a size of zero: the rest up to the end of memory is unused */

static uint32_t size_at(const struct ring *r, size_t at)
{
	uint32_t size;
	memcpy(&size, r->bytes + at, sizeof size);
	return size;
}

void ring_deinit(struct ring *r)
{
	free(r->bytes);
	*r = ring_init(r->max);
}

/* Offset of the record that begins at or after `at`, past a skipped end. */
static size_t settle(const struct ring *r, size_t at)
{
	return at == r->capacity || size_at(r, at) == SKIP ? 0 : at;
}

/* Copies the records to the start of larger memory. */
static bool grow(struct ring *r, size_t wanted)
{
	size_t capacity = r->capacity ? r->capacity * 2 : FIRST_CAPACITY;
	while (capacity < wanted)
		capacity *= 2;
	if (capacity > r->max)
		capacity = r->max;
	if (capacity < wanted || capacity <= r->capacity)
		return false;
	uint8_t *bytes = malloc(capacity);
	if (!bytes)
		return false;
	size_t at = r->read, filled = 0;
	for (size_t i = 0; i < r->count; i++) {
		at = settle(r, at);
		uint32_t size = size_at(r, at);
		memcpy(bytes + filled, r->bytes + at, size);
		filled += size;
		at += size;
	}
	free(r->bytes);
	r->bytes = bytes;
	r->capacity = capacity;
	r->read = 0;
	r->write = filled;
	return true;
}

/* Where `size` bytes fit, or SIZE_MAX. A word is kept free behind the last record for the skip mark. */
static size_t place(struct ring *r, size_t size)
{
	if (!r->count)
		r->read = r->write = 0;
	bool wrapped = r->count && r->write <= r->read;
	if (wrapped)
		return r->read - r->write >= size ? r->write : SIZE_MAX;
	if (r->capacity - r->write >= size)
		return r->write;
	if (r->read >= size) {
		if (r->write < r->capacity)
			memset(r->bytes + r->write, 0, sizeof(uint32_t));
		return 0;
	}
	return SIZE_MAX;
}

void *ring_push(struct ring *r, size_t size)
{
	size = (size + 7) & ~(size_t)7;
	if (size > r->max || size > UINT32_MAX)
		return NULL;
	size_t at = r->capacity ? place(r, size) : SIZE_MAX;
	while (at == SIZE_MAX) {
		if (!grow(r, r->capacity + size))
			return NULL;
		at = place(r, size);
	}
	uint32_t size32 = (uint32_t)size;
	r->before = r->write;
	memcpy(r->bytes + at, &size32, sizeof size32);
	r->write = at + size;
	r->count++;
	return r->bytes + at;
}

void ring_drop_last(struct ring *r)
{
	r->write = r->before;
	r->count--;
}

void *ring_first(struct ring *r)
{
	if (!r->count)
		return NULL;
	r->read = settle(r, r->read);
	return r->bytes + r->read;
}

void *ring_next(struct ring *r, void *record)
{
	size_t at = (size_t)((uint8_t *)record - r->bytes);
	at += size_at(r, at);
	if (at == r->write)
		return NULL;
	return r->bytes + settle(r, at);
}

void ring_pop(struct ring *r)
{
	r->read = settle(r, r->read);
	r->read += size_at(r, r->read);
	if (!--r->count)
		r->read = r->write = 0;
}
