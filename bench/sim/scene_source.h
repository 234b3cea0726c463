/* scene_source.h -- one vehicle of a scene as a source of messages: everything it has, as fast as it is taken. */
#ifndef ZAYTON_BENCH_SCENE_SOURCE_H
#define ZAYTON_BENCH_SCENE_SOURCE_H

#include "bench/sim/scene.h"
#include "bench/sim/terminal.h"

struct scene_source {
	struct scene_trace trace;
	struct scene_order order;
	size_t at; /* messages given so far */
};

void scene_source_init(struct scene_source *s, const struct scene *scene, const struct scene_vehicle *v, uint64_t seed);
void scene_source_deinit(struct scene_source *s);
static inline bool scene_source_is_done(const struct scene_source *s)
{
	return s->at == s->order.count;
}
void scene_source_identity(const struct scene_vehicle *v, struct terminal_identity *out);
/* A terminal_source. */
bool scene_source_next(void *context, enum jt808_edition edition, int64_t now_ms, struct terminal_message *out);

#endif
