#include <stdlib.h>

#include "scene_helpers.h"

/* Over many seeds: everything arrives, and each kind of disorder happens. */
Test(scene_order, every_report_arrives_late_doubled_and_swapped)
{
	struct scene_book b = book_of("scene a\n  vehicle A taxi\n    start 10:00:00 at 24.9,118.8\n    stand for 1 h\n"
				      "    card 1\n    stand for 1 h\n");
	struct scene_trace t = trace_of(&b);
	unsigned batches = 0, breaks = 0, doubled = 0, backwards = 0;
	unsigned *times = calloc(t.count, sizeof *times);
	cr_assert(times);
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct scene_order o;
		scene_order_make(&t, seed, &o);
		memset(times, 0, t.count * sizeof *times);
		for (size_t i = 0, last = 0; i < o.count; i++) {
			const struct scene_message *m = &o.messages[i];
			cr_assert(m->count >= 1 && m->count <= SCENE_BATCH_MAX);
			batches += m->is_batch;
			breaks += m->breaks_connection;
			backwards += m->reports[0] < last;
			last = m->reports[0];
			for (unsigned k = 0; k < m->count; k++) {
				cr_assert_lt(m->reports[k], t.count);
				cr_assert(!m->is_batch || !t.reports[m->reports[k]].is_card);
				doubled += times[m->reports[k]]++ == 1;
			}
		}
		for (size_t i = 0; i < t.count; i++)
			cr_expect(times[i] >= 1, "seed %llu loses report %zu", (unsigned long long)seed, i);
		scene_order_deinit(&o);
	}
	cr_expect(batches && breaks && doubled && backwards, "%u %u %u %u", batches, breaks, doubled, backwards);
	free(times);
	scene_trace_deinit(&t);
	scene_book_deinit(&b);
}
