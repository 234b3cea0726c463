#include "ingest/listen/sessions.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

struct entry {
	uint64_t device; /* 0: free */
	struct session_place place;
	uint32_t moves; /* takeovers since period_from_ms */
	int64_t period_from_ms;
	bool told;
};

struct sessions {
	pthread_mutex_t mutex;
	struct entry *entries;
	size_t capacity; /* a power of two */
	size_t count;
	uint32_t period_ms;
	unsigned takeovers_max;
};

#define SESSIONS_CAPACITY_MIN 1024

enum status sessions_new(uint32_t period_ms, unsigned takeovers_max, struct sessions **out)
{
	struct sessions *s = calloc(1, sizeof *s);
	if (!s)
		return STATUS_NO_MEMORY;
	s->entries = calloc(SESSIONS_CAPACITY_MIN, sizeof *s->entries);
	if (!s->entries) {
		free(s);
		return STATUS_NO_MEMORY;
	}
	s->capacity = SESSIONS_CAPACITY_MIN;
	s->period_ms = period_ms;
	s->takeovers_max = takeovers_max;
	pthread_mutex_init(&s->mutex, NULL);
	*out = s;
	return STATUS_OK;
}

void sessions_free(struct sessions *s)
{
	if (!s)
		return;
	pthread_mutex_destroy(&s->mutex);
	free(s->entries);
	free(s);
}

/* Device ids are hashes already, but their top bits are partitions that a shard has in common. */
static size_t home_of(uint64_t device, size_t capacity)
{
	return (size_t)(device * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (capacity - 1);
}

static struct entry *find(struct entry *entries, size_t capacity, uint64_t device)
{
	size_t at = home_of(device, capacity);
	while (entries[at].device != 0 && entries[at].device != device)
		at = (at + 1) & (capacity - 1);
	return &entries[at];
}

static enum status grow(struct sessions *s)
{
	size_t capacity = s->capacity * 2;
	struct entry *entries = calloc(capacity, sizeof *entries);
	if (!entries)
		return STATUS_NO_MEMORY;
	for (size_t k = 0; k < s->capacity; k++)
		if (s->entries[k].device != 0)
			*find(entries, capacity, s->entries[k].device) = s->entries[k];
	free(s->entries);
	s->entries = entries;
	s->capacity = capacity;
	return STATUS_OK;
}

static bool same_place(const struct session_place *a, const struct session_place *b)
{
	return a->shard == b->shard && a->slot == b->slot && a->generation == b->generation;
}

/* Move a known device to `place`, unless it moves too often. */
static void take_over(struct sessions *s, struct entry *e, struct session_place place, int64_t now_ms,
		      struct login *out)
{
	if (now_ms - e->period_from_ms >= s->period_ms) {
		e->period_from_ms = now_ms;
		e->moves = 0;
		e->told = false;
	}
	if (e->moves >= s->takeovers_max) {
		*out = (struct login){.verdict = LOGIN_CLONE, .first_of_period = !e->told};
		e->told = true;
		return;
	}
	e->moves++;
	*out = (struct login){.verdict = LOGIN_TAKEOVER, .old = e->place};
	e->place = place;
}

static enum status login_locked(struct sessions *s, uint64_t device, struct session_place place, int64_t now_ms,
				struct login *out)
{
	struct entry *e = find(s->entries, s->capacity, device);
	if (e->device == device) {
		if (same_place(&e->place, &place))
			*out = (struct login){.verdict = LOGIN_AGAIN};
		else
			take_over(s, e, place, now_ms, out);
		return STATUS_OK;
	}
	if ((s->count + 1) * 2 > s->capacity) {
		enum status st = grow(s);
		if (st != STATUS_OK)
			return st;
		e = find(s->entries, s->capacity, device);
	}
	*e = (struct entry){.device = device, .place = place, .period_from_ms = now_ms};
	s->count++;
	*out = (struct login){.verdict = LOGIN_NEW};
	return STATUS_OK;
}

enum status sessions_login(struct sessions *s, uint64_t device, struct session_place place, int64_t now_ms,
			   struct login *out)
{
	assert(device != 0);
	pthread_mutex_lock(&s->mutex);
	enum status st = login_locked(s, device, place, now_ms, out);
	pthread_mutex_unlock(&s->mutex);
	return st;
}

/* Empty `hole` and pull back what probing put behind it. */
static void remove_at(struct sessions *s, size_t hole)
{
	size_t mask = s->capacity - 1;
	for (size_t at = (hole + 1) & mask; s->entries[at].device != 0; at = (at + 1) & mask) {
		size_t home = home_of(s->entries[at].device, s->capacity);
		if (((at - home) & mask) < ((at - hole) & mask))
			continue;
		s->entries[hole] = s->entries[at];
		hole = at;
	}
	s->entries[hole].device = 0;
	s->count--;
}

void sessions_logout(struct sessions *s, uint64_t device, struct session_place place)
{
	assert(device != 0);
	pthread_mutex_lock(&s->mutex);
	struct entry *e = find(s->entries, s->capacity, device);
	if (e->device == device && same_place(&e->place, &place))
		remove_at(s, (size_t)(e - s->entries));
	pthread_mutex_unlock(&s->mutex);
}

enum status sessions_find(struct sessions *s, uint64_t device, struct session_place *out)
{
	if (device == 0)
		return STATUS_NOT_FOUND;
	pthread_mutex_lock(&s->mutex);
	const struct entry *e = find(s->entries, s->capacity, device);
	enum status st = e->device == device ? STATUS_OK : STATUS_NOT_FOUND;
	if (st == STATUS_OK)
		*out = e->place;
	pthread_mutex_unlock(&s->mutex);
	return st;
}

size_t sessions_count(struct sessions *s)
{
	pthread_mutex_lock(&s->mutex);
	size_t count = s->count;
	pthread_mutex_unlock(&s->mutex);
	return count;
}
