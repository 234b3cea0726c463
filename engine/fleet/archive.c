/* archive.c -- a question to the archive, a batch of devices at a time.
 *
 *   devices ── page ── wanted? ──> [ slot | slot | ... ]  <── threads take the next one until none is left
 *                                        └── visited in order, then the next batch
 *
 * Results wait in the slots of a batch only: memory is that of ARCHIVE_BATCH answers. */
#include "engine/fleet/archive.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "engine/fleet/archive_walk.h"
#include "engine/fleet/fleet_internal.h"

/* devices of a batch: many for each thread, so that few wait for the last, and beginning a thread counts for little */
#define ARCHIVE_BATCH 128
/* devices a thread takes at a time: their rows lie one behind the other */
#define NEIGHBOURS 8
#define PAGE_DEVICES 4096

struct asked {
	struct engine *engine;
	const struct archive_query *query;
	struct region *region;
	struct archive_walk *walks[ARCHIVE_THREADS_MAX];
	unsigned walk_count;
	struct archive_slot slots[ARCHIVE_BATCH];
	size_t slot_count;
	_Atomic size_t next; /* slot that nobody took yet */
	uint64_t page[PAGE_DEVICES];
};

/* --- threads --- */

struct crew {
	struct asked *asked;
	struct archive_walk *walk;
	pthread_t thread;
};

static void *crew_main(void *argument)
{
	struct crew *c = argument;
	struct asked *a = c->asked;
	size_t from;
	while ((from = atomic_fetch_add_explicit(&a->next, NEIGHBOURS, memory_order_relaxed)) < a->slot_count)
		for (size_t i = from; i < a->slot_count && i < from + NEIGHBOURS; i++)
			a->slots[i].status = archive_walk_device(c->walk, &a->slots[i]);
	return NULL;
}

/* A thread that does not begin leaves its part to the others. */
static void run_batch(struct asked *a)
{
	struct crew crew[ARCHIVE_THREADS_MAX];
	unsigned begun = 1;
	atomic_store(&a->next, 0);
	crew[0] = (struct crew){.asked = a, .walk = a->walks[0]};
	for (; begun < a->walk_count && begun < a->slot_count; begun++) {
		crew[begun] = (struct crew){.asked = a, .walk = a->walks[begun]};
		if (pthread_create(&crew[begun].thread, NULL, crew_main, &crew[begun]))
			break;
	}
	crew_main(&crew[0]);
	for (unsigned i = 1; i < begun; i++)
		pthread_join(crew[i].thread, NULL);
}

static enum status visit_batch(struct asked *a, archive_visit *visit)
{
	enum status status = STATUS_OK;
	run_batch(a);
	for (size_t i = 0; i < a->slot_count && !status; i++) {
		const struct archive_slot *s = &a->slots[i];
		const struct archive_tally *t = &s->tally;
		struct archive_answer answer = {s->device,    t->reports,        t->first,          t->last,
						s->crossings, t->crossing_count, t->crossings_total};
		status = s->status;
		if (!status && t->reports)
			status = visit(a->query->context, &answer);
	}
	a->slot_count = 0;
	return status;
}

/* --- devices --- */

static enum status add_device(struct asked *a, uint64_t device, archive_visit *visit)
{
	const struct archive_query *q = a->query;
	enum status status = q->wanted ? q->wanted(q->context, device) : STATUS_OK;
	if (status)
		return status == STATUS_NOT_FOUND ? STATUS_OK : status;
	a->slots[a->slot_count++].device = device;
	return a->slot_count == ARCHIVE_BATCH ? visit_batch(a, visit) : STATUS_OK;
}

static enum status add_devices(struct asked *a, const uint64_t *devices, size_t count, archive_visit *visit)
{
	enum status status = STATUS_OK;
	for (size_t i = 0; i < count && !status; i++)
		status = add_device(a, devices[i], visit);
	return status;
}

static enum status visit_all(struct asked *a, archive_visit *visit)
{
	const struct archive_query *q = a->query;
	enum status status = STATUS_OK;
	size_t count = 1;
	if (q->devices)
		status = add_devices(a, q->devices, q->device_count, visit);
	for (uint64_t after = 0; !q->devices && count && !status; after = count ? a->page[count - 1] : 0) {
		count = registry_list(a->engine->registry, after, a->page, PAGE_DEVICES);
		status = add_devices(a, a->page, count, visit);
	}
	return status ? status : visit_batch(a, visit);
}

/* --- the whole --- */

static enum status asked_new(struct engine *e, const struct archive_query *q, struct asked **out)
{
	unsigned threads = q->threads < 1 ? 1 : q->threads > ARCHIVE_THREADS_MAX ? ARCHIVE_THREADS_MAX : q->threads;
	struct asked *a = *out = calloc(1, sizeof *a);
	if (!a)
		return STATUS_NO_MEMORY;
	a->engine = e;
	a->query = q;
	enum status status =
		q->area ? region_of_area(q->area, &a->region) : region_of_disc(q->centre, q->within_mm, &a->region);
	while (a->walk_count < threads && !status)
		if (!(status = archive_walk_new(e, q, a->region, &a->walks[a->walk_count])))
			a->walk_count++;
	return status;
}

static void asked_free(struct asked *a)
{
	if (!a)
		return;
	for (unsigned i = 0; i < a->walk_count; i++)
		archive_walk_free(a->walks[i]);
	for (size_t i = 0; i < ARCHIVE_BATCH; i++)
		free(a->slots[i].crossings);
	region_free(a->region);
	free(a);
}

enum status engine_archive(struct engine *e, const struct archive_query *q, archive_visit *visit)
{
	struct asked *a;
	if (q->from_ms > q->to_ms)
		return STATUS_INVALID;
	enum status status = asked_new(e, q, &a);
	if (!status)
		status = visit_all(a, visit);
	asked_free(a);
	return status;
}
