/* scene_order.c -- how reports arrive that were made in turn.
 *
 *   trace:     0 1 2 3 4 5 6 7 8 9 ...
 *   messages:  0 1 [hold 2 3 4 5] 7 6 8 8 9 ... (2 3 4 5 as one 0x0704) ...  X  ... the rest over another connection
 *
 * Everything comes, some of it twice, in no order that may be relied on. */
#include <stdlib.h>
#include <string.h>

#include "bench/sim/drive.h"
#include "bench/sim/scene.h"

/* one in so many reports begins a held run, comes twice, changes places with the next */
#define HELD_ONE_IN 60
#define TWICE_ONE_IN 50
#define SWAPPED_ONE_IN 70
#define HELD_RUN_MAX 60
#define HELD_BACK_MAX 300 /* reports until it is sent */

struct shuffler {
	const struct scene_trace *trace;
	struct scene_order *out;
	uint64_t random;
	uint32_t held_from, held_to, due; /* a run held back, and before which report it goes out */
};

static bool one_in(struct shuffler *s, unsigned n)
{
	return drive_random(&s->random) % n == 0;
}

static struct scene_message *add(struct shuffler *s)
{
	struct scene_order *o = s->out;
	if (o->count == o->capacity) {
		o->capacity = o->capacity ? o->capacity * 2 : 256;
		o->messages = realloc(o->messages, o->capacity * sizeof *o->messages);
		if (!o->messages)
			abort();
	}
	memset(&o->messages[o->count], 0, sizeof *o->messages);
	return &o->messages[o->count++];
}

static void single(struct shuffler *s, uint32_t report)
{
	struct scene_message *m = add(s);
	m->reports[0] = report;
	m->count = 1;
}

/* [from, to) in batches; cards go by themselves. */
static void burst(struct shuffler *s, uint32_t from, uint32_t to)
{
	uint32_t size = 2 + (uint32_t)(drive_random(&s->random) % (SCENE_BATCH_MAX - 1));
	struct scene_message *batch = NULL;
	for (uint32_t i = from; i < to; i++) {
		if (s->trace->reports[i].is_card) {
			single(s, i);
			batch = NULL;
			continue;
		}
		if (!batch || batch->count == size)
			batch = add(s);
		batch->is_batch = true;
		batch->reports[batch->count++] = i;
	}
}

static void release(struct shuffler *s)
{
	burst(s, s->held_from, s->held_to);
	s->held_from = s->held_to = 0;
}

/* Returns the next report to look at. */
static uint32_t hold_back(struct shuffler *s, uint32_t at, uint32_t end)
{
	uint32_t run = 1 + (uint32_t)(drive_random(&s->random) % HELD_RUN_MAX);
	s->held_from = at;
	s->held_to = run < end - at ? at + run : end;
	s->due = s->held_to + 1 + (uint32_t)(drive_random(&s->random) % HELD_BACK_MAX);
	return s->held_to;
}

void scene_order_make(const struct scene_trace *t, uint64_t seed, struct scene_order *out)
{
	struct shuffler s = {.trace = t, .out = out, .random = (seed * UINT64_C(0x9e3779b97f4a7c15)) | 1};
	uint32_t end = (uint32_t)t->count;
	*out = (struct scene_order){0};
	for (uint32_t at = 0; at < end;) {
		if (s.held_to && at >= s.due)
			release(&s);
		if (!s.held_to && one_in(&s, HELD_ONE_IN)) {
			at = hold_back(&s, at, end);
			continue;
		}
		if (at + 1 < end && one_in(&s, SWAPPED_ONE_IN)) {
			single(&s, at + 1);
			single(&s, at);
			at += 2;
			continue;
		}
		single(&s, at);
		if (one_in(&s, TWICE_ONE_IN))
			single(&s, at);
		at++;
	}
	if (s.held_to)
		release(&s);
	if (out->count > 1 && one_in(&s, 2))
		out->messages[drive_random(&s.random) % (out->count - 1)].breaks_connection = true;
}

void scene_order_deinit(struct scene_order *o)
{
	free(o->messages);
	*o = (struct scene_order){0};
}
