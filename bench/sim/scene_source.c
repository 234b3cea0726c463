#include "bench/sim/scene_source.h"

#include <stdio.h>

#include "bench/sim/wire.h"

_Static_assert(SCENE_BATCH_MAX <= TERMINAL_BATCH_MAX, "a batch of a scene is a batch of a terminal");

void scene_source_init(struct scene_source *s, const struct scene *scene, const struct scene_vehicle *v, uint64_t seed)
{
	*s = (struct scene_source){0};
	scene_trace_make(scene, v, seed, &s->trace);
	scene_order_make(&s->trace, seed + v->number, &s->order);
}

void scene_source_deinit(struct scene_source *s)
{
	scene_trace_deinit(&s->trace);
	scene_order_deinit(&s->order);
}

/* Editions that give a card's time: 2011 has none. */
void scene_source_identity(const struct scene_vehicle *v, struct terminal_identity *out)
{
	*out = (struct terminal_identity){.edition = v->number % 2 ? JT808_2019 : JT808_2013,
					  .number = 500000 + v->number};
	char phone[SCENE_PHONE_MAX];
	scene_phone(v, phone);
	snprintf(out->phone, sizeof out->phone, "%.15s", phone);
	scene_plate(v, out->plate);
}

static void put_batch(const struct scene_source *s, const struct scene_message *m, struct terminal_message *out)
{
	struct buf one = buf_init(1024);
	wire_begin_batch(&out->body, m->count);
	for (unsigned i = 0; i < m->count; i++) {
		const struct scene_report *r = &s->trace.reports[m->reports[i]];
		buf_clear(&one);
		wire_put_report(&one, r);
		wire_put_batched(&out->body, buf_view(&one));
		terminal_message_note(out, r->time_ms, buf_view(&one));
	}
	buf_deinit(&one);
}

bool scene_source_next(void *context, enum jt808_edition edition, int64_t now_ms, struct terminal_message *out)
{
	struct scene_source *s = context;
	(void)now_ms; /* all of it is over */
	if (scene_source_is_done(s))
		return false;
	const struct scene_message *m = &s->order.messages[s->at++];
	const struct scene_report *first = &s->trace.reports[m->reports[0]];
	out->breaks_connection = m->breaks_connection;
	if (m->is_batch) {
		out->id = 0x0704;
		put_batch(s, m, out);
	} else if (first->is_card) {
		out->id = 0x0702;
		wire_put_card(&out->body, edition, first->time_ms, first->card);
	} else {
		out->id = 0x0200;
		wire_put_report(&out->body, first);
		terminal_message_note(out, first->time_ms, buf_view(&out->body));
	}
	return true;
}
