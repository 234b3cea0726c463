/* A store against a model in memory: random commits, deletions, expiries, settlings and reopenings; every reading
 * agrees with the model. Set ZAYTON_SEED to repeat a run. */
#include "unit/store/store_fixture.h"

#define DEVICES 4
#define MODEL_BLOCKS_MAX 4096
#define MODEL_ROWS 64

struct model_block {
	struct store_block_id id;
	int64_t time_last_ms;
	uint32_t salt;
	bool live;
};

struct model {
	struct model_block blocks[MODEL_BLOCKS_MAX];
	size_t block_count;
	uint32_t rows[MODEL_ROWS]; /* value of row i, 0: none */
	uint64_t seed;
};

static uint64_t draw(struct model *m)
{
	uint64_t z = m->seed += UINT64_C(0x9e3779b97f4a7c15); /* splitmix64, S. Vigna 2015 */
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static uint64_t below(struct model *m, uint64_t n)
{
	return draw(m) % n;
}

static uint64_t device_of(uint64_t i)
{
	static const uint64_t ids[DEVICES] = {0, 1, UINT64_C(0x7fffffffffffffff), UINT64_MAX};
	return ids[i];
}

/* A year around, with a taste for the ends of months. */
static int64_t draw_time(struct model *m)
{
	int month = 1 + (int)below(m, 12);
	int64_t start = at(2026, month, 1, 0), end = store_month_end(start);
	switch (below(m, 4)) {
	case 0:
		return start + (int64_t)below(m, 10);
	case 1:
		return end - 1 - (int64_t)below(m, 10);
	default:
		return start + (int64_t)below(m, (uint64_t)(end - start));
	}
}

static void add_block(struct model *m, struct store_batch *b)
{
	struct model_block block = {.live = true, .salt = (uint32_t)m->block_count};
	block.id = (struct store_block_id){.device = device_of(below(m, DEVICES)),
					   .time_first_ms = draw_time(m),
					   .seq = (uint32_t)m->block_count,
					   .class_code = (uint8_t)below(m, 3),
					   .odd = below(m, 8) == 0};
	if (block.id.odd && below(m, 2))
		block.id.time_first_ms -= 40000 * MS_PER_DAY;
	size_t count = 1 + below(m, 5);
	int64_t room = store_month_end(block.id.time_first_ms) - 1 - block.id.time_first_ms;
	int64_t step = 1 + (int64_t)below(m, (uint64_t)BLOCK_SPAN_MAX_MS / 4);
	if (!block.id.odd && step * (int64_t)(count - 1) > room)
		count = 1;
	block.time_last_ms = block.id.time_first_ms + step * (int64_t)(count - 1);
	batch_add(b, block.id, count, step, block.salt);
	cr_assert_lt(m->block_count, MODEL_BLOCKS_MAX);
	m->blocks[m->block_count++] = block;
}

static void delete_block(struct model *m, struct store_batch *b)
{
	if (!m->block_count)
		return;
	struct model_block *victim = &m->blocks[below(m, m->block_count)];
	ok(store_batch_block_delete(b, &victim->id));
	victim->live = false;
}

static struct span row_key(uint64_t i, uint8_t out[2])
{
	out[0] = (uint8_t)(i / 8);
	out[1] = (uint8_t)(i % 8 == 7 ? 255 : i % 8);
	return span_of(out, 2);
}

static void change_row(struct model *m, struct store_batch *b)
{
	uint8_t key[2];
	uint64_t i = below(m, MODEL_ROWS);
	if (below(m, 3)) {
		m->rows[i] = (uint32_t)draw(m) | 1;
		store_batch_put(b, STORE_META, row_key(i, key), span_of(&m->rows[i], 4));
	} else {
		m->rows[i] = 0;
		store_batch_delete(b, STORE_META, row_key(i, key));
	}
}

static void commit_some(struct model *m, struct store *s)
{
	struct store_batch *b;
	ok(store_batch_new(s, &b));
	for (uint64_t n = 1 + below(m, 8); n--;) {
		switch (below(m, 4)) {
		case 0:
			delete_block(m, b);
			break;
		case 1:
			change_row(m, b);
			break;
		default:
			add_block(m, b);
		}
	}
	ok(store_commit(s, b, below(m, 8) == 0));
	store_batch_free(b);
}

/* --- comparing --- */

static int by_time_and_seq(const void *a, const void *b)
{
	const struct model_block *x = *(struct model_block *const *)a, *y = *(struct model_block *const *)b;
	if (x->id.time_first_ms != y->id.time_first_ms)
		return x->id.time_first_ms < y->id.time_first_ms ? -1 : 1;
	return (x->id.seq > y->id.seq) - (x->id.seq < y->id.seq);
}

struct asked {
	uint64_t device;
	int64_t from, to;
	bool summaries_only;
};

static size_t expect(struct model *m, const struct asked *q, struct model_block **expected)
{
	size_t count = 0;
	for (size_t i = 0; i < m->block_count; i++) {
		struct model_block *b = &m->blocks[i];
		if (b->live && b->id.device == q->device && b->id.time_first_ms <= q->to && b->time_last_ms >= q->from)
			expected[count++] = b;
	}
	qsort(expected, count, sizeof *expected, by_time_and_seq);
	return count;
}

/* Some walks end before their last block. */
static void compare_walk(struct model *m, const struct asked *q, struct store_blocks *it)
{
	static struct model_block *expected[MODEL_BLOCKS_MAX];
	struct store_block got;
	size_t count = expect(m, q, expected), until = below(m, 4) ? count : below(m, count + 1);
	for (size_t i = 0; i < until; i++) {
		ok(store_blocks_next(it, &got));
		const struct store_block_id *id = &expected[i]->id;
		cr_assert_eq(got.id.device, q->device);
		cr_assert_eq(got.id.time_first_ms, id->time_first_ms);
		cr_assert_eq(got.id.seq, id->seq);
		cr_assert_eq(got.id.class_code, id->class_code);
		cr_assert_eq(got.id.odd, id->odd);
		cr_assert_eq(got.summary.time_last_ms, expected[i]->time_last_ms);
		cr_assert_eq(got.summary.alarm_or, expected[i]->salt);
		if (q->summaries_only && below(m, 2))
			ok(store_blocks_bytes(it, &got.bytes));
		if (got.bytes.size)
			ok(block_check(got.bytes));
		else
			cr_assert(q->summaries_only);
	}
	if (until == count)
		cr_assert_eq(store_blocks_next(it, &got), STATUS_END);
}

/* One device after another by one reader, the store written to between some of them. */
static void compare_blocks(struct model *m, struct store *s)
{
	struct store_blocks *it;
	struct asked q = {.device = device_of(below(m, DEVICES)), .from = draw_time(m)};
	q.to = q.from + (int64_t)below(m, (uint64_t)(60 * MS_PER_DAY));
	if (below(m, 8) == 0)
		q.from = INT64_MIN, q.to = INT64_MAX;
	q.summaries_only = below(m, 2);
	ok(store_blocks_open(s, q.device, q.from, q.to, q.summaries_only, &it));
	compare_walk(m, &q, it);
	for (uint64_t turns = below(m, 8); turns--;) {
		if (below(m, 6) == 0)
			commit_some(m, s);
		q.device = device_of(below(m, DEVICES));
		ok(store_blocks_turn(it, q.device));
		compare_walk(m, &q, it);
	}
	store_blocks_close(it);
}

struct row_walk {
	const struct model *model;
	uint64_t next, end;
};

static enum status compare_row(void *context, struct span key, struct span value)
{
	struct row_walk *w = context;
	uint8_t expected[2];
	while (w->next < w->end && !w->model->rows[w->next])
		w->next++;
	cr_assert_lt(w->next, w->end);
	cr_assert(span_equal(key, row_key(w->next, expected)));
	cr_assert(span_equal(value, span_of(&w->model->rows[w->next], 4)));
	w->next++;
	return STATUS_OK;
}

static void compare_rows(struct model *m, struct store *s)
{
	uint8_t key[2];
	uint64_t group = below(m, MODEL_ROWS / 8);
	struct row_walk prefix = {m, group * 8, group * 8 + 8}, from = {m, group * 8 + 3, MODEL_ROWS};
	row_key(group * 8, key);
	ok(store_scan(s, STORE_META, span_of(key, 1), compare_row, &prefix));
	ok(store_scan_from(s, STORE_META, row_key(group * 8 + 3, key), compare_row, &from));
	for (; prefix.next < prefix.end; prefix.next++)
		cr_assert_eq(m->rows[prefix.next], 0);
	for (; from.next < from.end; from.next++)
		cr_assert_eq(m->rows[from.next], 0);
}

/* Classes 0..2 keep twelve months: a month is dropped from the first day of the thirteenth after it. */
static void expire_some(struct model *m, struct store *s)
{
	struct retention_result result;
	int64_t kept_from = at(2026, 1 + (int)below(m, 3), 1, 0);
	static const struct retention_policy policy = {.months = {12, 12, 12}};
	struct civil c;
	civil_from_ms(kept_from, &c);
	ok(store_expire(s, &policy, at(c.year + 1, c.month, 1, 0), &result));
	for (size_t i = 0; i < m->block_count; i++)
		if (!m->blocks[i].id.odd && m->blocks[i].id.time_first_ms < kept_from)
			m->blocks[i].live = false;
}

static uint64_t seed_of_run(void)
{
	const char *given = getenv("ZAYTON_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 10) : (uint64_t)clock_monotonic_ns();
	fprintf(stderr, "ZAYTON_SEED=%" PRIu64 "\n", seed);
	return seed;
}

Test(store_model, every_reading_agrees_with_the_model)
{
	static struct model m;
	m.seed = seed_of_run();
	struct fixture f = fixture_new();
	for (int step = 0; step < 250; step++) {
		switch (below(&m, 64)) {
		case 0:
			fixture_reopen(&f, false);
			break;
		case 1:
			ok(store_settle(f.store));
			break;
		case 2:
			expire_some(&m, f.store);
			break;
		case 3:
			assert_sound(f.store);
			break;
		default:
			commit_some(&m, f.store);
		}
		compare_blocks(&m, f.store);
		compare_rows(&m, f.store);
	}
	assert_sound(f.store);
	struct store_info info;
	ok(store_info(f.store, &info));
	uint64_t live = 0;
	for (size_t i = 0; i < m.block_count; i++)
		live += m.blocks[i].live;
	cr_assert_eq(info.blocks, live);
	fixture_remove(&f);
}
