/* fence_index.c -- snapshots: pages of slots, references, and finding fences by their boxes. */
#include "engine/geo/fence_index.h"

#include <stdlib.h>

#include "engine/core/limits.h"
#include "engine/geo/fence_snapshot.h"

static const struct box no_box = {1, 0, 0, 0};

static void page_unref(struct fence_page *p)
{
	if (!p || atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) != 1)
		return;
	for (size_t i = 0; i < FENCE_PAGE_SLOTS; i++)
		fence_area_unref(p->areas[i]);
	free(p);
}

/* A page of one's own, as `like` is or empty. */
static struct fence_page *page_new(const struct fence_page *like)
{
	struct fence_page *p = malloc(sizeof *p);
	if (!p)
		return NULL;
	atomic_init(&p->refs, 1);
	for (size_t i = 0; i < FENCE_PAGE_SLOTS; i++) {
		struct fence_area *area = like ? like->areas[i] : NULL;
		p->areas[i] = area ? fence_area_ref(area) : NULL;
		p->boxes[i] = area ? area->box : no_box;
	}
	return p;
}

/* An index with the pages of `like` and room for more; its root is a reference to `root`. */
static struct fence_index *index_new(const struct fence_index *like, fence_child root, uint32_t page_count)
{
	static atomic_uint_fast64_t last_id;
	struct fence_index *i = malloc(sizeof *i + page_count * sizeof *i->pages);
	if (!i)
		return NULL;
	atomic_init(&i->refs, 1);
	i->id = atomic_fetch_add_explicit(&last_id, 1, memory_order_relaxed) + 1;
	i->bytes = like ? like->bytes : fence_tree_bytes(root);
	i->answer = fence_answer_best();
	i->root = root;
	i->page_count = page_count;
	for (uint32_t k = 0; k < page_count; k++) {
		i->pages[k] = like && k < like->page_count ? like->pages[k] : NULL;
		if (i->pages[k])
			atomic_fetch_add_explicit(&i->pages[k]->refs, 1, memory_order_relaxed);
	}
	return i;
}

enum status fence_index_new(struct fence_index **out)
{
	struct fence_node *root = fence_node_new(NULL, fence_level_bits[0], 0);
	struct fence_index *i = root ? index_new(NULL, fence_child_of(root), 0) : NULL;
	if (!i) {
		fence_child_unref(root ? fence_child_of(root) : 0);
		return STATUS_NO_MEMORY;
	}
	*out = i;
	return STATUS_OK;
}

struct fence_index *fence_index_ref(struct fence_index *i)
{
	atomic_fetch_add_explicit(&i->refs, 1, memory_order_relaxed);
	return i;
}

void fence_index_unref(struct fence_index *i)
{
	if (!i || atomic_fetch_sub_explicit(&i->refs, 1, memory_order_acq_rel) != 1)
		return;
	fence_child_unref(i->root);
	for (uint32_t k = 0; k < i->page_count; k++)
		page_unref(i->pages[k]);
	free(i);
}

size_t fence_index_memory(const struct fence_index *i)
{
	return i->bytes;
}

/* --- changes --- */

static enum status set_slot(struct fence_index *i, uint32_t slot, struct fence_area *area)
{
	struct fence_page **page = &i->pages[slot / FENCE_PAGE_SLOTS];
	if (!*page || atomic_load_explicit(&(*page)->refs, memory_order_relaxed) > 1) {
		struct fence_page *own = page_new(*page);
		if (!own)
			return STATUS_NO_MEMORY;
		page_unref(*page);
		*page = own;
	}
	struct fence_area **place = &(*page)->areas[slot % FENCE_PAGE_SLOTS], *before = *place;
	*place = area ? fence_area_ref(area) : NULL;
	(*page)->boxes[slot % FENCE_PAGE_SLOTS] = area ? area->box : no_box;
	fence_area_unref(before);
	return STATUS_OK;
}

static int by_slot(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return (x > y) - (x < y);
}

/* The slots whose area is another one now, ascending, each once; at most `count`. */
static size_t changed_slots(const struct fence_index *old, const struct fence_index *now,
			    const struct fence_change *changes, size_t count, uint32_t *slots)
{
	size_t kept = 0;
	for (size_t i = 0; i < count; i++)
		slots[i] = changes[i].slot;
	qsort(slots, count, sizeof *slots, by_slot);
	for (size_t i = 0; i < count; i++)
		if ((!kept || slots[kept - 1] != slots[i]) &&
		    fence_index_area(old, slots[i]) != fence_index_area(now, slots[i]))
			slots[kept++] = slots[i];
	return kept;
}

enum status fence_index_change(const struct fence_index *old, const struct fence_change *changes, size_t count,
			       struct fence_index **out)
{
	enum status status = STATUS_OK;
	uint32_t page_count = old->page_count;
	for (size_t i = 0; i < count; i++) {
		if (changes[i].slot >= FENCE_SLOTS_MAX)
			return STATUS_INVALID;
		if (changes[i].slot / FENCE_PAGE_SLOTS >= page_count)
			page_count = changes[i].slot / FENCE_PAGE_SLOTS + 1;
	}
	uint32_t *slots = malloc((count + 1) * sizeof *slots);
	struct fence_index *now = slots ? index_new(old, fence_child_ref(old->root), page_count) : NULL;
	if (!now) {
		if (slots)
			fence_child_unref(old->root);
		free(slots);
		return STATUS_NO_MEMORY;
	}
	for (size_t i = 0; !status && i < count; i++)
		status = set_slot(now, changes[i].slot, changes[i].area);
	if (!status)
		status = fence_tree_change(old, now, slots, changed_slots(old, now, changes, count, slots));
	free(slots);
	if (status)
		fence_index_unref(now);
	else
		*out = now;
	return status;
}

/* --- by boxes --- */

size_t fence_index_find_box(const struct fence_index *i, const struct box *box, uint32_t *slots, size_t max)
{
	size_t found = 0;
	for (uint32_t k = 0; k < i->page_count; k++)
		for (uint32_t s = 0; i->pages[k] && s < FENCE_PAGE_SLOTS; s++) {
			if (!box_intersects(&i->pages[k]->boxes[s], box))
				continue;
			if (found < max)
				slots[found] = k * FENCE_PAGE_SLOTS + s;
			found++;
		}
	return found;
}
