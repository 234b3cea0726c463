/* rules_world.h -- a fleet that breaks every default rule now and then, and the places and papers it breaks them by.
 *
 *   devices   dataset A's, of all classes in turn; one in 64 each does one thing it should not (rules_world.c)
 *   fences    fence_sample.h's: those up to 2 km wide and the corridors have the tags that default rules name, in
 *             turn; the others a tag that none names. A home region around them all; a street with a section and a
 *             way around a scale
 *   papers    nearly all in order: registered, with video, permits without routes
 *
 * The same options give the same reports. One owner. */
#ifndef ZAYTON_BENCH_RULES_WORLD_H
#define ZAYTON_BENCH_RULES_WORLD_H

#include "bench/dataset/dataset.h"
#include "engine/detect/detect.h"

/* item bytes of one report */
#define RULES_WORLD_ITEMS_MAX 80

struct rules_world {
	struct dataset_options options;
	struct fence_set *fences;
	struct geo_point *frozen; /* by device: where it stands, as it says */
};

/* Exits when there is no memory. */
void rules_world_init(struct rules_world *w, const struct dataset_options *o, uint32_t fence_count);
void rules_world_deinit(struct rules_world *w);
/* What the device (its number plus one) is: for struct detect_context, `registry` is the world. */
void rules_world_subject(const void *world, uint64_t device, int64_t time_ms, struct detect_subject *out);
uint8_t rules_world_class(uint32_t device);
/* What becomes of a report of the dataset: false when it is never sent. `items` has RULES_WORLD_ITEMS_MAX bytes, which
 * `r` borrows. The hash stays the dataset's. */
bool rules_world_spoil(struct rules_world *w, uint32_t device, struct report *r, uint8_t *items);

#endif
