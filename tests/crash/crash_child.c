/* crash_child.c -- an engine under load that someone kills, and the check of what is left.
 *
 *   crash_child run DIR STATE SEED      with $SHARDS shards, takes reports in until all are settled, exit 0
 *   crash_child verify DIR STATE SEED   every report that STATE calls settled is read exactly once, exit 0
 *
 * With $DURABILITY interval or os less is promised, and that is what verify holds it to: of each device a prefix of
 * its reports in the order in which they were given survives, none of them twice, and the store is sound. Exit LOST
 * when settled reports are missing, as they may then be.
 *
 * STATE is the expected-state file: a byte a report, set to 1 when the engine said it is durable; then a word a report,
 * its turn among those given; then a byte a value. It is mapped shared, so it outlives the process as a terminal's
 * memory of its acknowledgements would. Report i is a pure function of (SEED, i), and so is value i of a stream; the
 * values of a chunk go in as one entry a stream. One in 16 happened 14 months ago: their families are expired while the
 * load runs, and device 0's are under a legal hold. */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/core/clock.h"
#include "engine/core/hash.h"
#include "engine/core/log.h"
#include "engine/fleet/engine.h"
#include "engine/fleet/series.h"

#define REPORTS_MAX 12000u
#define DEVICES 4u
#define CHUNK 250u
#define OLD_EVERY 16u
#define LOST 10

/* Fixed, so that every run and the check agree on what is old: 2026-03-10 and fourteen months before. */
#define NOW_MS INT64_C(1773100800000)
#define OLD_MS INT64_C(1736467200000)

/* of the load; $REPORTS may lower it */
static uint32_t reports = REPORTS_MAX;
static enum journal_durability durability = JOURNAL_SYNC;

struct child {
	struct engine *engine;
	uint8_t *state;
	uint8_t *values; /* a byte a value, behind the turns */
	uint32_t *turns; /* 0: never given; after REPORTS_MAX bytes of `state` */
	uint32_t last_turn;
	uint64_t seed;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	uint32_t waiting;
	uint32_t chunk[CHUNK];
	uint32_t chunk_size, chunk_at;
	struct values_body bodies[DEVICES]; /* of the chunk, one a stream */
	unsigned bodies_at;
};

static uint64_t mix(uint64_t a, uint64_t b)
{
	uint8_t bytes[16];
	store_le64(bytes, a);
	store_le64(bytes + 8, b);
	return hash64(span_of(bytes, sizeof bytes));
}

static uint64_t device_of(uint32_t number)
{
	char name[16];
	snprintf(name, sizeof name, "1380000%04u", number);
	return device_id(DEVICE_KIND_JT808, span_of_string(name));
}

static bool is_old(uint32_t i)
{
	return i / DEVICES % OLD_EVERY == 0;
}

static int64_t time_of(uint32_t i)
{
	int64_t step = (int64_t)(i / DEVICES) * 10 * MS_PER_SECOND;
	return (is_old(i) ? OLD_MS : NOW_MS - MS_PER_DAY) + step;
}

static void body_of(uint64_t seed, uint32_t i, uint8_t body[28])
{
	uint64_t r = mix(seed, i);
	store_be32(body, 0);
	store_be32(body + 4, 3);
	store_be32(body + 8, 24900000u + (uint32_t)(r % 5000));
	store_be32(body + 12, 118700000u + (uint32_t)(r >> 16) % 5000);
	store_be16(body + 16, 10);
	store_be16(body + 18, (uint16_t)(r >> 32) % 900);
	store_be16(body + 20, (uint16_t)(r >> 48) % 360);
	if (bcd_time_encode(time_of(i), body + 22))
		abort();
}

static uint64_t stream_of(uint32_t number)
{
	char name[16];
	snprintf(name, sizeof name, "site %u", number);
	return stream_id(site_id(span_of_string(name)), span_of_string("level"));
}

/* Decimals, doubles and states. */
static struct value value_of(uint64_t seed, uint32_t i, char text[16])
{
	struct value v = {.time_ms = time_of(i)};
	uint64_t r = mix(seed ^ 7, i);
	snprintf(text, 16, "state %u", (unsigned)(r % 5));
	if (i % DEVICES == 3)
		v = (struct value){.time_ms = v.time_ms,
				   .type = VALUE_TEXT,
				   .bits = (int64_t)value_text_hash(span_of_string(text))};
	else if (i % DEVICES == 2 && value_set_double(&v, (double)r / 1e17))
		abort();
	else if (i % DEVICES < 2)
		value_set_decimal(&v, (int64_t)(r % 100000), 2);
	return v;
}

static void fill_bodies(struct child *c)
{
	for (unsigned s = 0; s < DEVICES; s++)
		values_body_clear(&c->bodies[s]);
	for (uint32_t k = 0; k < c->chunk_size; k++) {
		uint32_t i = c->chunk[k];
		char text[16];
		struct value v = value_of(c->seed, i, text);
		if (values_body_add(&c->bodies[i % DEVICES], stream_of(i % DEVICES), &v,
				    v.type == VALUE_TEXT ? span_of_string(text) : span_of("", 0)))
			abort();
	}
	c->bodies_at = 0;
}

static void on_values_settled(struct shard *shard, const struct ticket *ticket, enum status status)
{
	struct child *c = (struct child *)(uintptr_t)ticket->words[0];
	(void)shard;
	for (uint32_t k = 0; k < c->chunk_size && status == STATUS_OK; k++)
		if (c->chunk[k] % DEVICES == ticket->words[1])
			__atomic_store_n(&c->values[c->chunk[k]], 1, __ATOMIC_SEQ_CST);
	pthread_mutex_lock(&c->lock);
	if (--c->waiting == 0)
		pthread_cond_signal(&c->changed);
	pthread_mutex_unlock(&c->lock);
}

/* False: the shard is busy. */
static bool submit_bodies(struct child *c)
{
	for (; c->bodies_at < DEVICES; c->bodies_at++) {
		const struct values_body *b = &c->bodies[c->bodies_at];
		struct intake in = {.kind = INTAKE_VALUES,
				    .device = b->device,
				    .received_ms = NOW_MS,
				    .body = span_of(b->bytes.data, b->bytes.size),
				    .wants_settled = true,
				    .on_settled = on_values_settled,
				    .ticket = {{(uint64_t)(uintptr_t)c, c->bodies_at, 0}}};
		enum status status = b->count ? shard_submit(engine_shard(c->engine, 0), &in) : STATUS_OK;
		if (status == STATUS_BUSY)
			return false;
		if (status)
			exit(4);
	}
	return true;
}

static void on_settled(void *context, struct shard *shard, const struct ticket *ticket, enum status status)
{
	struct child *c = context;
	(void)shard;
	if (status == STATUS_OK)
		__atomic_store_n(&c->state[ticket->words[0]], 1, __ATOMIC_SEQ_CST);
	pthread_mutex_lock(&c->lock);
	if (--c->waiting == 0)
		pthread_cond_signal(&c->changed);
	pthread_mutex_unlock(&c->lock);
}

static void submit_chunk(void *context)
{
	struct child *c = context;
	for (; c->chunk_at < c->chunk_size; c->chunk_at++) {
		uint32_t i = c->chunk[c->chunk_at];
		uint8_t body[28];
		struct report report;
		body_of(c->seed, i, body);
		if (report_from_jt808(span_of(body, sizeof body), &report))
			abort();
		report.received_ms = is_old(i) ? time_of(i) + 1000 : NOW_MS;
		struct intake in = {.kind = INTAKE_REPORT,
				    .device = device_of(i % DEVICES),
				    .received_ms = report.received_ms,
				    .report = &report,
				    .body = span_of(body, sizeof body),
				    .wants_settled = true,
				    .ticket = {{i, 0, 0}}};
		if (!c->turns[i])
			c->turns[i] = ++c->last_turn;
		enum status status = shard_submit(engine_shard(c->engine, 0), &in);
		if (status == STATUS_BUSY && shard_post(engine_shard(c->engine, 0), submit_chunk, c) == STATUS_OK)
			return;
		if (status)
			exit(4);
	}
	if (!submit_bodies(c) && shard_post(engine_shard(c->engine, 0), submit_chunk, c))
		exit(4);
}

/* The next reports not settled yet, some of them out of order, some settled ones again. */
static bool next_chunk(struct child *c, uint32_t *from, uint32_t round)
{
	c->chunk_size = c->chunk_at = 0;
	while (c->chunk_size < CHUNK && *from < reports) {
		uint32_t i = (*from)++;
		if (!c->state[i] || mix(c->seed + round, i) % 20 == 0)
			c->chunk[c->chunk_size++] = i;
	}
	for (uint32_t i = c->chunk_size; i > 1; i--) {
		uint32_t k = (uint32_t)(mix(c->seed ^ round, i) % i), swap = c->chunk[i - 1];
		c->chunk[i - 1] = c->chunk[k];
		c->chunk[k] = swap;
	}
	return c->chunk_size > 0;
}

static void take_in(struct child *c)
{
	pthread_mutex_lock(&c->lock);
	fill_bodies(c);
	c->waiting = c->chunk_size;
	for (unsigned s = 0; s < DEVICES; s++)
		c->waiting += c->bodies[s].count > 0;
	pthread_mutex_unlock(&c->lock);
	if (shard_post(engine_shard(c->engine, 0), submit_chunk, c))
		exit(4);
	pthread_mutex_lock(&c->lock);
	while (c->waiting)
		pthread_cond_wait(&c->changed, &c->lock);
	pthread_mutex_unlock(&c->lock);
}

static enum status open_engine(struct child *c, const char *dir)
{
	struct engine_options options = engine_options_default(dir);
	options.shards = getenv("SHARDS") ? (unsigned)atoi(getenv("SHARDS")) : 1;
	options.gather_us = 0;
	options.durability = durability;
	options.durability_interval_ms = 5;
	options.checkpoint_ms = 20;
	options.journal_bytes_max = 256u << 10; /* small segments: trimming is frequent */
	options.head_bytes_max = 300u << 10;
	options.callbacks = (struct engine_callbacks){.context = c, .settled = on_settled};
	enum status status = engine_open(&options, &c->engine);
	return status ? status
		      : store_hold(engine_store(c->engine), device_of(0), OLD_MS, OLD_MS + 60 * MS_PER_DAY, "case-1");
}

static int run(struct child *c, const char *dir)
{
	uint32_t from = 0;
	struct retention_result result;
	if (open_engine(c, dir) || engine_start(c->engine))
		return 3;
	for (uint32_t round = 0; next_chunk(c, &from, round); round++) {
		take_in(c);
		if (round % 8 == 7 && (engine_settle(c->engine) || engine_expire(c->engine, NOW_MS, &result)))
			return 5;
	}
	engine_stop(c->engine);
	engine_close(c->engine);
	return 0;
}

/* --- the check --- */

static uint32_t index_of(uint64_t seed, uint32_t device, const struct report *r)
{
	for (int old = 0; old < 2; old++) {
		int64_t step = (r->time_ms - (old ? OLD_MS : NOW_MS - MS_PER_DAY)) / (10 * MS_PER_SECOND);
		uint8_t body[28];
		if (step < 0 || step >= reports / DEVICES)
			continue;
		uint32_t i = (uint32_t)step * DEVICES + device;
		body_of(seed, i, body);
		if (is_old(i) == old && hash64(span_of(body, sizeof body)) == r->hash)
			return i;
	}
	return reports;
}

static int read_device(struct child *c, uint32_t device, uint8_t *seen)
{
	struct track *t;
	struct report r;
	enum status status;
	if (track_open(c->engine, device_of(device), INT64_MIN, INT64_MAX, &t))
		return 1;
	while ((status = track_next(t, &r)) == STATUS_OK) {
		uint32_t i = index_of(c->seed, device, &r);
		if (i == reports || seen[i]++) {
			fprintf(stderr, "device %u: a report %s\n", device, i == reports ? "nobody sent" : "twice");
			return 1;
		}
	}
	track_close(t);
	return status != STATUS_END;
}

static bool may_be_expired(uint32_t i)
{
	return is_old(i) && i % DEVICES != 0; /* the held ones may not */
}

/* No report of a device was read that was given after one that was not. */
static int check_prefix(const struct child *c, uint32_t device, const uint8_t *seen)
{
	uint32_t first_missing = UINT32_MAX, last_seen = 0;
	for (uint32_t i = device; i < reports; i += DEVICES) {
		if (seen[i] && !c->turns[i]) {
			fprintf(stderr, "device %u: report %u was never given\n", device, i);
			return 1;
		}
		if (!c->turns[i] || may_be_expired(i))
			continue;
		if (seen[i] && c->turns[i] > last_seen)
			last_seen = c->turns[i];
		if (!seen[i] && c->turns[i] < first_missing)
			first_missing = c->turns[i];
	}
	if (last_seen > first_missing)
		fprintf(stderr, "device %u: the report given in turn %u is missing, that of turn %u is there\n", device,
			first_missing, last_seen);
	return last_seen > first_missing;
}

static int read_stream(struct child *c, uint32_t number, uint8_t *seen)
{
	struct series *reader;
	struct value v;
	bool stands;
	enum status status;
	if (series_open(c->engine, stream_of(number), INT64_MIN, INT64_MAX, &reader))
		return 1;
	while ((status = series_next_any(reader, &v, &stands)) == STATUS_OK) {
		uint32_t i = number;
		char text[16];
		while (i < reports && time_of(i) != v.time_ms)
			i += DEVICES;
		struct value sent = i < reports ? value_of(c->seed, i, text) : (struct value){0};
		if (i >= reports || !value_same(&sent, &v) || !stands || seen[i]++) {
			fprintf(stderr, "stream %u: a value %s\n", number,
				i < reports ? "twice or changed" : "nobody sent");
			return 1;
		}
	}
	series_close(reader);
	return status != STATUS_END;
}

static int verify(struct child *c, const char *dir)
{
	static uint8_t seen[REPORTS_MAX], seen_values[REPORTS_MAX];
	struct buf complaints = buf_init(1u << 20);
	uint32_t settled = 0, missing = 0;
	int bad = 0;
	if (open_engine(c, dir))
		return 3;
	for (uint32_t d = 0; d < DEVICES; d++) {
		bad |= read_device(c, d, seen) | read_stream(c, d, seen_values);
		if (durability != JOURNAL_SYNC)
			bad |= check_prefix(c, d, seen);
	}
	for (uint32_t i = 0; i < reports; i++) {
		settled += c->state[i];
		if (c->state[i] && !seen[i] && !may_be_expired(i) && missing++ < 5 && durability == JOURNAL_SYNC)
			fprintf(stderr, "report %u was settled and is missing\n", i);
		if (c->values[i] && !seen_values[i] && missing++ < 5 && durability == JOURNAL_SYNC)
			fprintf(stderr, "value %u was settled and is missing\n", i);
	}
	enum status status = store_check(engine_store(c->engine), &complaints);
	if (status)
		fprintf(stderr, "check: %s\n%.*s", status_text(status), (int)complaints.size, (char *)complaints.data);
	buf_deinit(&complaints);
	engine_close(c->engine);
	printf("settled %u missing %u\n", settled, missing);
	if (bad || status || (missing && durability == JOURNAL_SYNC))
		return 1;
	return missing ? LOST : 0;
}

int main(int argc, char **argv)
{
	static struct child c = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
	if (argc != 5)
		return 2;
	if (getenv("REPORTS"))
		reports = (uint32_t)atoi(getenv("REPORTS"));
	if (!reports || reports > REPORTS_MAX)
		return 2;
	const char *policy = getenv("DURABILITY");
	if (policy && !strcmp(policy, "interval"))
		durability = JOURNAL_INTERVAL;
	else if (policy && !strcmp(policy, "os"))
		durability = JOURNAL_OS;
	int fd = open(argv[3], O_RDWR | O_CREAT, 0600);
	if (fd < 0 || ftruncate(fd, REPORTS_MAX * 6))
		return 2;
	c.state = mmap(NULL, REPORTS_MAX * 6, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	c.turns = (uint32_t *)(void *)(c.state + REPORTS_MAX);
	for (uint32_t i = 0; i < reports; i++)
		c.last_turn = c.turns[i] > c.last_turn ? c.turns[i] : c.last_turn;
	c.values = c.state + (size_t)REPORTS_MAX * 5;
	for (unsigned s = 0; s < DEVICES; s++)
		c.bodies[s] = values_body_init();
	c.seed = strtoull(argv[4], NULL, 10);
	log_set_level(LOG_ERROR);
	return !strcmp(argv[1], "run") ? run(&c, argv[2]) : verify(&c, argv[2]);
}
