/* fence_set.c -- a snapshot of fences, and the next one made of it.
 *
 *   set ──> rows      slot -> row, NULL for a free slot
 *      ├──> by_id     the slots in use, in order of (id, valid_from)
 *      └──> index     geo/fence_index.h, the same slots
 *   row ──> fence, shared by the snapshots that hold it ──> lease of its slot ──> pool of slots
 *
 * A row never changes: a version whose validity is ended gets another row on the same slot. A lease is given back with
 * the last row on its slot, that is with the last snapshot that knows it, and only then is the slot used again. */
#include "engine/detect/fence_set.h"

#include <pthread.h>
#include <stdlib.h>

#include "engine/core/limits.h"

struct slot_pool {
	pthread_mutex_t lock;
	uint32_t references;
	uint32_t used; /* slots ever given out: 0 .. used - 1 */
	uint32_t *free;
	uint32_t free_count, free_capacity; /* capacity >= used, so that giving back never allocates */
};

struct lease {
	struct slot_pool *pool;
	uint32_t slot, references;
};

struct row {
	struct fence fence;
	struct lease *lease;
	uint32_t references;
};

struct fence_set {
	struct row **rows;
	uint32_t *by_id;
	uint32_t slots, count;
	struct fence_index *index;
	struct slot_pool *pool;
	uint32_t references;
};

static void gain(uint32_t *references)
{
	__atomic_add_fetch(references, 1, __ATOMIC_RELAXED);
}

static bool lose(uint32_t *references)
{
	return __atomic_sub_fetch(references, 1, __ATOMIC_ACQ_REL) == 0;
}

/* --- slots --- */

static struct slot_pool *pool_new(void)
{
	struct slot_pool *p = calloc(1, sizeof *p);
	if (p) {
		p->references = 1;
		pthread_mutex_init(&p->lock, NULL);
	}
	return p;
}

static void pool_unref(struct slot_pool *p)
{
	if (!p || !lose(&p->references))
		return;
	pthread_mutex_destroy(&p->lock);
	free(p->free);
	free(p);
}

static enum status pool_take_locked(struct slot_pool *p, uint32_t *out)
{
	if (p->free_count) {
		*out = p->free[--p->free_count];
		return STATUS_OK;
	}
	if (p->used == FENCE_SLOTS_MAX)
		return STATUS_FULL;
	if (p->used == p->free_capacity) {
		uint32_t capacity = p->free_capacity ? p->free_capacity * 2 : 64;
		uint32_t *room = realloc(p->free, capacity * sizeof *room);
		if (!room)
			return STATUS_NO_MEMORY;
		p->free = room;
		p->free_capacity = capacity;
	}
	*out = p->used++;
	return STATUS_OK;
}

static enum status lease_new(struct slot_pool *p, struct lease **out)
{
	struct lease *l = malloc(sizeof *l);
	if (!l)
		return STATUS_NO_MEMORY;
	pthread_mutex_lock(&p->lock);
	enum status status = pool_take_locked(p, &l->slot);
	pthread_mutex_unlock(&p->lock);
	if (status) {
		free(l);
		return status;
	}
	gain(&p->references);
	l->pool = p;
	l->references = 1;
	*out = l;
	return STATUS_OK;
}

static void lease_unref(struct lease *l)
{
	if (!lose(&l->references))
		return;
	struct slot_pool *p = l->pool;
	pthread_mutex_lock(&p->lock);
	p->free[p->free_count++] = l->slot;
	pthread_mutex_unlock(&p->lock);
	pool_unref(p);
	free(l);
}

/* --- rows --- */

/* Takes the lease, also on failure. */
static struct row *row_new(const struct fence *f, struct lease *lease)
{
	struct row *r = malloc(sizeof *r);
	if (!r) {
		lease_unref(lease);
		return NULL;
	}
	*r = (struct row){.fence = *f, .lease = lease, .references = 1};
	r->fence.area = fence_area_ref(f->area);
	return r;
}

static void row_unref(struct row *r)
{
	if (!r || !lose(&r->references))
		return;
	fence_area_unref(r->fence.area);
	lease_unref(r->lease);
	free(r);
}

/* --- sets --- */

enum status fence_set_new(struct fence_set **out)
{
	struct fence_set *s = calloc(1, sizeof *s);
	if (!s)
		return STATUS_NO_MEMORY;
	s->references = 1;
	s->pool = pool_new();
	enum status status = s->pool ? fence_index_new(&s->index) : STATUS_NO_MEMORY;
	if (status) {
		pool_unref(s->pool);
		free(s);
		return status;
	}
	*out = s;
	return STATUS_OK;
}

struct fence_set *fence_set_ref(struct fence_set *s)
{
	gain(&s->references);
	return s;
}

void fence_set_unref(struct fence_set *s)
{
	if (!s || !lose(&s->references))
		return;
	for (uint32_t i = 0; i < s->count; i++)
		row_unref(s->rows[s->by_id[i]]);
	fence_index_unref(s->index);
	free(s->rows);
	free(s->by_id);
	pool_unref(s->pool);
	free(s);
}

uint32_t fence_set_slots(const struct fence_set *s)
{
	return s->slots;
}

const struct fence *fence_set_at(const struct fence_set *s, uint32_t slot)
{
	return slot < s->slots && s->rows[slot] ? &s->rows[slot]->fence : NULL;
}

const struct fence_index *fence_set_index(const struct fence_set *s)
{
	return s->index;
}

static const struct fence *entry(const struct fence_set *s, uint32_t at)
{
	return &s->rows[s->by_id[at]]->fence;
}

/* The place in by_id behind every version of an id before `id`, and behind those of `id` that began by `time_ms`. */
static uint32_t place_after(const struct fence_set *s, const char *id, int64_t time_ms)
{
	uint32_t low = 0, high = s->count;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		const struct fence *f = entry(s, middle);
		int order = strcmp(f->id, id);
		if (order < 0 || (order == 0 && f->valid_from_ms <= time_ms))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool has_id(const struct fence_set *s, uint32_t at, const char *id)
{
	return at < s->count && !strcmp(entry(s, at)->id, id);
}

const struct fence *fence_set_find(const struct fence_set *s, struct span id, int64_t time_ms)
{
	char text[FENCE_ID_MAX + 1] = "";
	if (id.size > FENCE_ID_MAX || memchr(id.data, 0, id.size))
		return NULL;
	memcpy(text, id.data, id.size);
	uint32_t after = place_after(s, text, time_ms);
	if (!after || !has_id(s, after - 1, text) || time_ms >= entry(s, after - 1)->valid_to_ms)
		return NULL;
	return entry(s, after - 1);
}

/* --- making the next set: `s` is a private copy until it is handed out --- */

struct edit {
	struct fence_set *s;
	uint32_t capacity; /* of rows and by_id */
	struct fence_change *moves;
	size_t move_count;
};

/* A copy of `old` with room for `more` versions; its index is still the old one's. */
static enum status edit_begin(struct edit *e, const struct fence_set *old, size_t more)
{
	*e = (struct edit){0};
	if (more > FENCE_SLOTS_MAX)
		return STATUS_FULL;
	e->capacity = old->slots + (uint32_t)more;
	e->s = calloc(1, sizeof *e->s);
	e->moves = malloc((2 * more + 1) * sizeof *e->moves); /* one made and one gone a change */
	if (!e->s || !e->moves)
		return STATUS_NO_MEMORY;
	struct fence_set *s = e->s;
	s->references = 1;
	s->rows = calloc((size_t)e->capacity + 1, sizeof *s->rows);
	s->by_id = malloc(((size_t)e->capacity + 1) * sizeof *s->by_id);
	if (!s->rows || !s->by_id)
		return STATUS_NO_MEMORY;
	s->slots = old->slots;
	s->count = old->count;
	s->index = fence_index_ref(old->index);
	s->pool = old->pool;
	gain(&s->pool->references);
	for (uint32_t i = 0; i < old->count; i++) {
		uint32_t slot = s->by_id[i] = old->by_id[i];
		s->rows[slot] = old->rows[slot];
		gain(&s->rows[slot]->references);
	}
	return STATUS_OK;
}

static void edit_remove(struct edit *e, uint32_t at)
{
	struct fence_set *s = e->s;
	uint32_t slot = s->by_id[at];
	e->moves[e->move_count++] = (struct fence_change){slot, NULL};
	row_unref(s->rows[slot]);
	s->rows[slot] = NULL;
	s->count--;
	memmove(s->by_id + at, s->by_id + at + 1, (s->count - at) * sizeof *s->by_id);
}

/* The version at `at` ends at `time_ms`. */
static enum status edit_end(struct edit *e, uint32_t at, int64_t time_ms)
{
	struct row **row = &e->s->rows[e->s->by_id[at]];
	gain(&(*row)->lease->references);
	struct row *ended = row_new(&(*row)->fence, (*row)->lease);
	if (!ended)
		return STATUS_NO_MEMORY;
	ended->fence.valid_to_ms = time_ms;
	row_unref(*row);
	*row = ended;
	return STATUS_OK;
}

static uint32_t next_version(const struct fence_set *s, const char *id)
{
	uint32_t highest = 0;
	for (uint32_t at = place_after(s, id, INT64_MAX); at && has_id(s, at - 1, id); at--)
		if (entry(s, at - 1)->version > highest)
			highest = entry(s, at - 1)->version;
	return highest + 1;
}

static enum status edit_insert(struct edit *e, const struct fence *f, uint32_t version)
{
	struct fence_set *s = e->s;
	struct lease *lease;
	enum status status = lease_new(s->pool, &lease);
	if (status)
		return status;
	uint32_t slot = lease->slot;
	if (slot >= e->capacity) { /* other snapshots made since `old` hold the slots between */
		uint32_t capacity = slot + slot / 8 + 64;
		struct row **rows = realloc(s->rows, capacity * sizeof *rows);
		if (rows)
			s->rows = rows;
		uint32_t *by_id = rows ? realloc(s->by_id, capacity * sizeof *by_id) : NULL;
		if (by_id)
			s->by_id = by_id;
		if (!by_id) {
			lease_unref(lease);
			return STATUS_NO_MEMORY;
		}
		memset(rows + e->capacity, 0, (capacity - e->capacity) * sizeof *rows);
		e->capacity = capacity;
	}
	struct row *row = row_new(f, lease);
	if (!row)
		return STATUS_NO_MEMORY;
	row->fence.version = version;
	uint32_t at = place_after(s, f->id, f->valid_from_ms);
	memmove(s->by_id + at + 1, s->by_id + at, (s->count - at) * sizeof *s->by_id);
	s->by_id[at] = slot;
	s->rows[slot] = row;
	s->count++;
	if (slot >= s->slots)
		s->slots = slot + 1;
	e->moves[e->move_count++] = (struct fence_change){slot, f->area};
	return STATUS_OK;
}

static enum status edit_change(struct edit *e, const struct fence *f)
{
	enum status status = fence_check(f);
	if (status)
		return status;
	const struct fence_set *s = e->s;
	uint32_t after = place_after(s, f->id, f->valid_from_ms);
	if (has_id(s, after, f->id) && entry(s, after)->valid_from_ms < f->valid_to_ms)
		return STATUS_CONFLICT;
	uint32_t version = f->version ? f->version : next_version(s, f->id);
	const struct fence *before = after && has_id(s, after - 1, f->id) ? entry(s, after - 1) : NULL;
	if (before && before->valid_from_ms == f->valid_from_ms)
		edit_remove(e, after - 1);
	else if (before && f->valid_from_ms < before->valid_to_ms)
		status = edit_end(e, after - 1, f->valid_from_ms);
	return status || !f->area ? status : edit_insert(e, f, version);
}

enum status fence_set_change(const struct fence_set *old, const struct fence *changes, size_t count,
			     struct fence_set **out)
{
	struct edit e;
	enum status status = edit_begin(&e, old, count);
	for (size_t i = 0; !status && i < count; i++)
		status = edit_change(&e, &changes[i]);
	if (!status) {
		struct fence_index *index = NULL;
		status = fence_index_change(old->index, e.moves, e.move_count, &index);
		if (!status) {
			fence_index_unref(e.s->index);
			e.s->index = index;
		}
	}
	free(e.moves);
	if (status) {
		fence_set_unref(e.s);
		return status;
	}
	*out = e.s;
	return STATUS_OK;
}
