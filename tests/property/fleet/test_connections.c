/* connections.c over a real engine: what is told of sessions, in whatever order and with whatever ends between, is what
 * is read. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/core/clock.h"
#include "engine/fleet/connections.h"
#include "rig.h"

#define DEVICE rig_device(1)
#define T0 INT64_C(1760000000000)
#define HEARD_MAX 64

TestSuite(connections, .timeout = 240);

struct events {
	struct shard *shard;
	const struct connection *list;
	size_t count, at;
};

static void submit_some(void *context)
{
	struct events *e = context;
	for (; e->at < e->count; e->at++) {
		uint8_t bytes[CONNECTION_BYTES];
		const struct connection *c = &e->list[e->at];
		connection_encode(c, bytes);
		struct intake in = {.kind = INTAKE_CONNECTION,
				    .device = c->device,
				    .received_ms = c->until_ms,
				    .body = span_of(bytes, sizeof bytes),
				    .wants_settled = e->at + 1 == e->count};
		enum status status = shard_submit(e->shard, &in);
		if (status == STATUS_BUSY) {
			cr_assert_eq(shard_post(e->shard, submit_some, e), STATUS_OK);
			return;
		}
		cr_assert_eq(status, STATUS_OK);
	}
}

/* Tell `list` to shard 0, one after the other, until the last is durable and in the store. */
static void tell(struct rig *r, const struct connection *list, size_t count)
{
	struct events e = {engine_shard(r->engine, 0), list, count, 0};
	pthread_mutex_lock(&r->lock);
	uint64_t until = r->settled + 1;
	pthread_mutex_unlock(&r->lock);
	cr_assert_eq(shard_post(e.shard, submit_some, &e), STATUS_OK);
	pthread_mutex_lock(&r->lock);
	while (r->settled < until)
		pthread_cond_wait(&r->changed, &r->lock);
	pthread_mutex_unlock(&r->lock);
	cr_assert_eq(engine_settle(r->engine), STATUS_OK);
}

struct heard {
	struct connection list[HEARD_MAX];
	size_t count;
};

static enum status hear(void *context, const struct connection *c)
{
	struct heard *h = context;
	cr_assert_lt(h->count, HEARD_MAX);
	h->list[h->count++] = *c;
	return STATUS_OK;
}

static struct heard ask(struct rig *r, int64_t from_ms, int64_t to_ms)
{
	struct heard h = {.count = 0};
	cr_assert_eq(engine_connections(r->engine, DEVICE, from_ms, to_ms, hear, &h), STATUS_OK);
	return h;
}

static struct connection opened(int64_t from_s, uint32_t number)
{
	return (struct connection){.device = DEVICE,
				   .from_ms = T0 + from_s * 1000,
				   .until_ms = T0 + from_s * 1000,
				   .number = number,
				   .port = (uint16_t)number};
}

static struct connection ended(int64_t from_s, uint32_t number, int64_t until_s, enum connection_end end)
{
	struct connection c = opened(from_s, number);
	c.until_ms = T0 + until_s * 1000;
	c.end = (uint8_t)end;
	c.frames = (uint64_t)(until_s - from_s);
	return c;
}

static void check(const struct connection *c, int64_t from_s, int64_t until_s, enum connection_end end)
{
	cr_assert_eq(c->from_ms, T0 + from_s * 1000, "from %lld", (long long)(c->from_ms - T0));
	cr_assert_eq(c->end, end, "%s, not %s", connection_end_token(c->end), connection_end_token(end));
	cr_assert_eq(c->until_ms, T0 + until_s * 1000, "until %lld", (long long)(c->until_ms - T0));
}

Test(connections, a_span_has_those_that_touch_it)
{
	struct rig r;
	const struct connection all[] = {opened(0, 1), ended(0, 1, 10, CONNECTION_LOGOUT), opened(20, 2),
					 ended(20, 2, 30, CONNECTION_SILENT), opened(100, 3)};
	rig_init(&r);
	rig_open(&r);
	tell(&r, all, 5);
	struct heard h = ask(&r, INT64_MIN, INT64_MAX);
	cr_assert_eq(h.count, 3);
	check(&h.list[0], 0, 10, CONNECTION_LOGOUT);
	cr_assert_eq(h.list[0].frames, 10);
	check(&h.list[1], 20, 30, CONNECTION_SILENT);
	check(&h.list[2], 100, 100, CONNECTION_OPEN);
	cr_assert_eq(ask(&r, T0 + 10000, T0 + 19999).count, 1, "the borders belong to it");
	cr_assert_eq(ask(&r, T0 + 10001, T0 + 19999).count, 0);
	cr_assert_eq(ask(&r, T0 + 10001, T0 + 20000).count, 1);
	cr_assert_eq(ask(&r, T0 + 500000, T0 + 600000).count, 1, "an open one reaches on");
	struct heard none = {.count = 0};
	cr_assert_eq(engine_connections(r.engine, rig_device(2), INT64_MIN, INT64_MAX, hear, &none), STATUS_OK);
	cr_assert_eq(none.count, 0);
	rig_close(&r);
	rig_deinit(&r);
}

Test(connections, what_is_open_when_a_program_begins_was_lost_at_the_last_that_is_durable)
{
	struct rig r;
	const struct connection first = opened(0, 1);
	struct sent report = rig_report(DEVICE, T0 + 40000, 0); /* received a second later */
	rig_init(&r);
	rig_open(&r);
	tell(&r, &first, 1);
	rig_submit(&r, 0, &report, 1);
	rig_close(&r);
	rig_open(&r);
	struct heard h = ask(&r, INT64_MIN, INT64_MAX);
	cr_assert_eq(h.count, 1);
	check(&h.list[0], 0, 41, CONNECTION_LOST);
	/* and it is not lost again, nor longer, by what comes after */
	struct sent later = rig_report(DEVICE, T0 + 90000, 0);
	rig_submit(&r, 0, &later, 1);
	const struct connection second = opened(80, 2);
	tell(&r, &second, 1);
	rig_close(&r);
	r.options.shards = 3; /* another epoch of journals, other owners */
	rig_open(&r);
	h = ask(&r, INT64_MIN, INT64_MAX);
	cr_assert_eq(h.count, 2);
	check(&h.list[0], 0, 41, CONNECTION_LOST);
	check(&h.list[1], 80, 91, CONNECTION_LOST);
	rig_close(&r);
	rig_deinit(&r);
}

/* Two gates tell of a terminal that moves from one to the other: every order of the four entries in which an end does
 * not pass its own opening gives the same. */
Test(connections, the_order_in_which_two_gates_tell_of_a_move_does_not_matter)
{
	static const unsigned orders[][4] = {{0, 1, 2, 3}, {0, 2, 1, 3}, {0, 2, 3, 1},
					     {2, 0, 1, 3}, {2, 0, 3, 1}, {2, 3, 0, 1}};
	const struct connection all[] = {opened(0, 1), ended(0, 1, 52, CONNECTION_REPLACED), opened(50, 2),
					 ended(50, 2, 90, CONNECTION_CLOSED)};
	for (size_t k = 0; k < sizeof orders / sizeof orders[0]; k++) {
		struct rig r;
		struct connection list[4];
		for (unsigned i = 0; i < 4; i++)
			list[i] = all[orders[k][i]];
		rig_init(&r);
		rig_open(&r);
		tell(&r, list, 4);
		struct heard h = ask(&r, INT64_MIN, INT64_MAX);
		cr_assert_eq(h.count, 2, "order %zu", k);
		check(&h.list[0], 0, 52, CONNECTION_REPLACED);
		cr_assert_eq(h.list[0].frames, 52);
		check(&h.list[1], 50, 90, CONNECTION_CLOSED);
		rig_close(&r);
		rig_open(&r);
		struct heard again = ask(&r, INT64_MIN, INT64_MAX);
		cr_assert_arr_eq(again.list, h.list, 2 * sizeof h.list[0]);
		rig_close(&r);
		rig_deinit(&r);
	}
}

Test(connections, one_that_never_got_its_end_ends_where_the_next_begins)
{
	struct rig r;
	const struct connection all[] = {opened(50, 2), opened(0, 1), opened(70, 3)};
	rig_init(&r);
	rig_open(&r);
	tell(&r, all, 3);
	struct heard h = ask(&r, INT64_MIN, INT64_MAX);
	cr_assert_eq(h.count, 3);
	check(&h.list[0], 0, 50, CONNECTION_REPLACED);
	check(&h.list[1], 50, 70, CONNECTION_REPLACED);
	check(&h.list[2], 70, 70, CONNECTION_OPEN);
	rig_close(&r);
	rig_deinit(&r);
}

Test(connections, an_end_is_not_undone_by_a_journal_that_is_replayed)
{
	struct rig r;
	const struct connection all[] = {opened(0, 1), ended(0, 1, 52, CONNECTION_CLOSED), opened(0, 1)};
	rig_init(&r);
	rig_open(&r);
	tell(&r, all, 3);
	rig_close(&r);
	rig_open(&r);
	struct heard h = ask(&r, INT64_MIN, INT64_MAX);
	cr_assert_eq(h.count, 1);
	check(&h.list[0], 0, 52, CONNECTION_CLOSED);
	rig_close(&r);
	rig_deinit(&r);
}

Test(connections, they_expire_with_their_class_and_what_lasts_stays)
{
	struct rig r;
	struct retention_result result;
	/* an unregistered device is of the class with code 0 */
	int64_t kept_ms = (int64_t)store_months(NULL, 0) * 31 * MS_PER_DAY;
	const struct connection all[] = {opened(0, 1), ended(0, 1, 10, CONNECTION_CLOSED), opened(20, 2),
					 ended(20, 2, 1000, CONNECTION_CLOSED), opened(2000, 3)};
	rig_init(&r);
	rig_open(&r);
	tell(&r, all, 5);
	cr_assert_eq(engine_expire(r.engine, T0 + 10000 + kept_ms, &result), STATUS_OK);
	cr_assert_eq(ask(&r, INT64_MIN, INT64_MAX).count, 3, "not a moment early");
	cr_assert_eq(engine_expire(r.engine, T0 + 10001 + kept_ms, &result), STATUS_OK);
	cr_assert_eq(ask(&r, INT64_MIN, INT64_MAX).count, 2);
	cr_assert_eq(engine_expire(r.engine, T0 + 9000000 + kept_ms, &result), STATUS_OK);
	struct heard h = ask(&r, INT64_MIN, INT64_MAX);
	cr_assert_eq(h.count, 1);
	check(&h.list[0], 2000, 2000, CONNECTION_OPEN);
	rig_close(&r);
	rig_deinit(&r);
}

static enum status count_one(void *context, const struct connection *c)
{
	(void)c;
	++*(size_t *)context;
	return STATUS_OK;
}

Test(connections, of_one_device_the_newest_are_kept_however_often_it_comes_and_goes)
{
	enum { EXTRA = 10 };
	struct rig r;
	struct retention_result result;
	size_t count = 0, n = CONNECTIONS_DEVICE_MAX + EXTRA;
	struct connection *all = calloc(n, sizeof *all);
	cr_assert_not_null(all);
	for (size_t i = 0; i < n; i++)
		all[i] = ended((int64_t)i, (uint32_t)i, (int64_t)i, CONNECTION_CLOSED);
	rig_init(&r);
	rig_open(&r);
	tell(&r, all, n);
	cr_assert_eq(engine_expire(r.engine, T0, &result), STATUS_OK);
	cr_assert_eq(engine_connections(r.engine, DEVICE, INT64_MIN, INT64_MAX, count_one, &count), STATUS_OK);
	cr_assert_eq(count, CONNECTIONS_DEVICE_MAX);
	cr_assert_eq(ask(&r, T0, T0 + (EXTRA - 1) * 1000).count, 0, "the oldest went");
	cr_assert_eq(ask(&r, T0 + EXTRA * 1000, T0 + EXTRA * 1000).count, 1);
	rig_close(&r);
	rig_deinit(&r);
	free(all);
}
