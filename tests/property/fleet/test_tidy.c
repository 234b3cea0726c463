#include <criterion/criterion.h>

#include "engine/core/clock.h"
#include "rig.h"

struct heard {
	unsigned count;
	uint16_t index[8], serial[8];
};

static enum status hear(void *context, const struct intake *in)
{
	struct heard *h = context;
	cr_assert_lt(h->count, 8);
	cr_assert_eq(in->message_id, 0x0704);
	cr_assert_eq(in->body.size, 3);
	cr_assert_eq(in->body.data[0], 'a' + in->fragment_index);
	h->index[h->count] = in->fragment_index;
	h->serial[h->count++] = in->serial;
	return STATUS_OK;
}

struct part {
	struct shard *shard;
	struct intake in;
};

static void submit(void *context)
{
	struct part *p = context;
	cr_assert_eq(shard_submit(p->shard, &p->in), STATUS_OK);
}

static void give(struct rig *r, uint16_t first_serial, uint16_t total, uint16_t index, int64_t received_ms)
{
	uint8_t body[3] = {(uint8_t)('a' + index), 'x', 'y'};
	struct part p = {engine_shard(r->engine, 0),
			 {.kind = INTAKE_FRAGMENT,
			  .device = rig_device(1),
			  .received_ms = received_ms,
			  .message_id = 0x0704,
			  .serial = (uint16_t)(first_serial + index - 1),
			  .fragment_total = total,
			  .fragment_index = index,
			  .body = span_of(body, sizeof body),
			  .wants_settled = true}};
	pthread_mutex_lock(&r->lock);
	uint64_t until = r->settled + 1;
	pthread_mutex_unlock(&r->lock);
	cr_assert_eq(shard_post(p.shard, submit, &p), STATUS_OK);
	pthread_mutex_lock(&r->lock);
	while (r->settled < until)
		pthread_cond_wait(&r->changed, &r->lock);
	pthread_mutex_unlock(&r->lock);
}

Test(tidy, packets_of_a_message_that_is_not_whole_are_found_after_a_restart, .timeout = 120)
{
	struct rig r;
	int64_t now = clock_now_ms();
	rig_init(&r);
	rig_open(&r);
	give(&r, 65534, 4, 3, now); /* serials wrap */
	give(&r, 65534, 4, 1, now);
	give(&r, 100, 2, 1, now);
	give(&r, 100, 2, 2, now);
	rig_close(&r);
	rig_open(&r);
	struct heard h = {0};
	cr_assert_eq(engine_fragments(r.engine, hear, &h), STATUS_OK);
	cr_assert_eq(h.count, 2, "the whole message is not handed on");
	cr_assert_eq(h.index[0], 1);
	cr_assert_eq(h.serial[0], 65534);
	cr_assert_eq(h.index[1], 3);
	cr_assert_eq(h.serial[1], 0);
	rig_close(&r);
	rig_deinit(&r);
}

Test(tidy, packets_and_refusals_do_not_stay_for_ever, .timeout = 120)
{
	struct rig r;
	struct retention_result result;
	int64_t now = clock_now_ms();
	rig_init(&r);
	rig_open(&r);
	give(&r, 1, 9, 1, now - 2 * MS_PER_DAY);
	give(&r, 50, 9, 1, now);
	cr_assert_eq(engine_settle(r.engine), STATUS_OK);
	cr_assert_eq(engine_expire(r.engine, now, &result), STATUS_OK);
	struct heard h = {0};
	cr_assert_eq(engine_fragments(r.engine, hear, &h), STATUS_OK);
	cr_assert_eq(h.count, 1);
	cr_assert_eq(h.serial[0], 50);
	rig_close(&r);
	rig_deinit(&r);
}
