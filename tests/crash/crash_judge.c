/* crash_judge.c -- a store that judges, which someone kills, and the check of what it found.
 *
 *   crash_judge run DIR STATE SEED      takes a fleet's reports in and judges them until all are, exit 0
 *   crash_judge verify DIR STATE SEED   what was found is what a replay finds, and the books are in order, exit 0
 *
 *   report i of a device   0   1   2 ... 49 | 50 ...          one stretch of 50 in six is sent 400 to 1200 reports
 * late, sent                   ───────────────> │ later           one report in 20 twice, chunks in any order
 *
 * STATE is a byte a report, 1 when the engine said it is durable: mapped shared, so that the next run goes on behind
 * it. Everything is a pure function of SEED. With $END=rough `verify` ends without closing, as a kill in quiet would.
 */
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
#include "engine/fleet/findings_row.h"
#include "engine/fleet/replay.h"
#include "engine/store/keys.h"

#define DEVICES 3u
#define PER_DEVICE 1100u
#define REPORTS (DEVICES * PER_DEVICE)
#define STEP_MS INT64_C(20000)
#define CHUNK 250u
#define STRETCH 50u

/* 2026-03-14 21:00 in China: the night is in it */
#define BEGIN_MS INT64_C(1773493200000)
#define END_MS (BEGIN_MS + PER_DEVICE * STEP_MS + MS_PER_HOUR)

struct sent {
	uint64_t device;
	int64_t time_ms;
	uint16_t size;
	uint8_t body[48];
};

struct child {
	struct engine *engine;
	uint8_t *state;
	uint64_t seed;
	struct sent reports[REPORTS];
	uint32_t order[REPORTS]; /* report sent k-th */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	uint32_t waiting;
	uint32_t chunk[CHUNK];
	uint32_t chunk_size, chunk_at;
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
	snprintf(name, sizeof name, "1370000%04u", number);
	return device_id(DEVICE_KIND_JT808, span_of_string(name));
}

static void give_up(const char *what, enum status status)
{
	fprintf(stderr, "%s: %s\n", what, status_text(status));
	exit(4);
}

static void need(const char *what, enum status status)
{
	if (status)
		give_up(what, status);
}

/* --- a fleet that does what it should not, by moods of some minutes --- */

struct mood {
	uint32_t speed_kmh, alarm;
	bool dark, frozen, no_fix;
};

static struct mood mood_of(uint64_t seed, uint32_t device, uint32_t step)
{
	static const uint32_t speeds[] = {0, 12, 45, 62, 85, 99, 110, 70};
	uint64_t r = mix(seed + device, step / 25);
	uint64_t fate = r >> 8 & 15;
	/* the first device drives on and on: nobody may so long */
	uint32_t speed = device == 0 ? 50 + (uint32_t)(r & 63) : speeds[r & 7];
	return (struct mood){.speed_kmh = speed,
			     .alarm = fate == 1   ? 1u << 5
				      : fate == 2 ? 1u << 8
				      : fate == 3 ? 1u
						  : 0,
			     .dark = device && fate == 4,
			     .frozen = device && fate == 5,
			     .no_fix = device && fate == 6};
}

static void put_item(struct sent *s, uint8_t id, uint8_t size, uint32_t value)
{
	s->body[s->size++] = id;
	s->body[s->size++] = size;
	for (int shift = (size - 1) * 8; shift >= 0; shift -= 8)
		s->body[s->size++] = (uint8_t)(value >> shift);
}

struct place {
	int32_t lat_e6, lon_e6;
	uint32_t mileage_hm;
};

static struct sent make_report(uint64_t seed, uint32_t device, uint32_t step, const struct mood *m, struct place *at)
{
	uint64_t r = mix(seed ^ device, step);
	struct sent s = {.device = device_of(device), .time_ms = BEGIN_MS + step * STEP_MS, .size = 28};
	int32_t moved = (int32_t)(m->speed_kmh * 30); /* a good half of what the speed says, in 1e-6 degrees of 20 s */
	at->mileage_hm += m->speed_kmh / 18;
	if (!m->frozen) {
		at->lat_e6 += r & 1 ? moved : -moved;
		at->lon_e6 += r & 2 ? moved : -moved;
	}
	store_be32(s.body, m->alarm);
	store_be32(s.body + 4, (m->no_fix ? 1u : 3u) | (uint32_t)(r >> 16 & 1) * 0x300u);
	store_be32(s.body + 8, (uint32_t)at->lat_e6);
	store_be32(s.body + 12, (uint32_t)at->lon_e6);
	store_be16(s.body + 16, 12);
	store_be16(s.body + 18, (uint16_t)(m->speed_kmh ? m->speed_kmh * 10 + (uint32_t)(r >> 8 & 15) : 0));
	store_be16(s.body + 20, (uint16_t)(r % 360));
	need("time", bcd_time_encode(s.time_ms, s.body + 22));
	put_item(&s, 0x01, 4, at->mileage_hm);
	put_item(&s, 0x31, 1, m->no_fix ? 0 : 11);
	return s;
}

static void make_reports(struct child *c)
{
	for (uint32_t device = 0; device < DEVICES; device++) {
		struct place at = {24900000, 118700000, 0};
		for (uint32_t step = 0; step < PER_DEVICE; step++) {
			struct mood m = mood_of(c->seed, device, step);
			c->reports[step * DEVICES + device] = make_report(c->seed, device, step, &m, &at);
			if (m.dark)
				c->reports[step * DEVICES + device].device = 0;
		}
	}
}

struct turn {
	uint64_t at;
	uint32_t report;
};

static int compare_turns(const void *a, const void *b)
{
	const struct turn *x = a, *y = b;
	return x->at != y->at ? (x->at < y->at ? -1 : 1) : x->report < y->report ? -1 : 1;
}

static void make_order(struct child *c)
{
	static struct turn turns[REPORTS];
	for (uint32_t i = 0; i < REPORTS; i++) {
		uint64_t r = mix(c->seed * 3 + i % DEVICES, i / DEVICES / STRETCH);
		turns[i] = (struct turn){i + (r % 6 == 0 ? 400 + (r >> 8) % 800 : 0), i};
	}
	qsort(turns, REPORTS, sizeof *turns, compare_turns);
	for (uint32_t i = 0; i < REPORTS; i++)
		c->order[i] = turns[i].report;
}

/* --- the world they are judged by --- */

static void say(struct child *c, uint32_t device, uint8_t field, const char *value)
{
	struct registry_change change = {field, span_of_string(value)};
	need("registry", registry_apply(engine_registry(c->engine), device_of(device), DEVICE_KIND_JT808, &change, 1,
					VALID_ALWAYS_FROM, "test", NULL));
}

static void put_fence(struct child *c, const char *id, const char *tag, int32_t half_e7, uint16_t limit_dkmh)
{
	struct geo_point ring[4];
	uint32_t end = 4;
	struct fence f = {.valid_from_ms = INT64_MIN, .valid_to_ms = INT64_MAX, .when = SCHEDULE_ALWAYS};
	for (int i = 0; i < 4; i++)
		ring[i] = (struct geo_point){249000000 + (i == 1 || i == 2 ? half_e7 : -half_e7),
					     1187000000 + (i >= 2 ? half_e7 : -half_e7)};
	snprintf(f.id, sizeof f.id, "%s", id);
	snprintf(f.name, sizeof f.name, "%s", id);
	need("tag", tag_number(span_of_string(tag), &f.tags[0]));
	f.tag_count = 1;
	f.limit_dkmh = limit_dkmh;
	need("area", fence_area_new(ring, &end, 1, &f.area));
	need("fence", context_put_fences(engine_context(c->engine), &f, 1));
	fence_area_unref(f.area);
}

/* The first device is said last: who finds it finds everything. */
static void make_world(struct child *c)
{
	static const char *const classes[DEVICES] = {"muck", "hazmat", "coach"};
	struct device seen;
	if (registry_device(engine_registry(c->engine), device_of(0), &seen) == STATUS_OK) {
		device_deinit(&seen);
		return;
	}
	put_fence(c, "slow", "speed_zone", 200000, 400);
	put_fence(c, "water", "water_source", 150000, 0);
	put_fence(c, "lane", "fire_lane", 50000, 0);
	put_fence(c, "cell", "patrol_cell", 30000, 0);
	for (uint32_t i = DEVICES; i-- > 0;) {
		char plate[32];
		snprintf(plate, sizeof plate, "2:闽C%05u", 20000 + i);
		say(c, i, DEVICE_FIELD_CLASS, classes[i]);
		say(c, i, DEVICE_FIELD_PLATE, plate);
	}
}

/* --- taking in --- */

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
		const struct sent *s = &c->reports[c->chunk[c->chunk_at]];
		struct report report;
		need("report", report_from_jt808(span_of(s->body, s->size), &report));
		report.received_ms = s->time_ms + 1000;
		struct intake in = {.kind = INTAKE_REPORT,
				    .device = s->device,
				    .received_ms = report.received_ms,
				    .report = &report,
				    .body = span_of(s->body, s->size),
				    .wants_settled = true,
				    .ticket = {{c->chunk[c->chunk_at], 0, 0}}};
		enum status status = shard_submit(engine_shard(c->engine, 0), &in);
		if (status == STATUS_BUSY && shard_post(engine_shard(c->engine, 0), submit_chunk, c) == STATUS_OK)
			return;
		need("submit", status);
	}
}

static bool next_chunk(struct child *c, uint32_t *from)
{
	c->chunk_size = c->chunk_at = 0;
	while (c->chunk_size < CHUNK && *from < REPORTS) {
		uint32_t i = c->order[(*from)++];
		if (c->reports[i].device && (!c->state[i] || mix(c->seed, i) % 20 == 0))
			c->chunk[c->chunk_size++] = i;
	}
	return c->chunk_size > 0;
}

static void take_in(struct child *c)
{
	pthread_mutex_lock(&c->lock);
	c->waiting = c->chunk_size;
	pthread_mutex_unlock(&c->lock);
	need("post", shard_post(engine_shard(c->engine, 0), submit_chunk, c));
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
	options.checkpoint_ms = 20;
	options.journal_bytes_max = 256u << 10;
	options.head_bytes_max = 200u << 10; /* seals are frequent */
	options.callbacks = (struct engine_callbacks){.context = c, .settled = on_settled};
	enum status status = engine_open(&options, &c->engine);
	if (!status)
		make_world(c);
	return status;
}

/* Judged up to where the chunk ends: what comes late is then late for the judge too. */
static int64_t chunk_end(const struct child *c)
{
	int64_t end_ms = BEGIN_MS;
	for (uint32_t i = 0; i < c->chunk_size; i++)
		if (c->reports[c->chunk[i]].time_ms > end_ms)
			end_ms = c->reports[c->chunk[i]].time_ms;
	return end_ms;
}

static int run(struct child *c, const char *dir)
{
	uint32_t from = 0;
	need("open", open_engine(c, dir));
	need("start", engine_start(c->engine));
	for (uint32_t round = 0; next_chunk(c, &from); round++) {
		take_in(c);
		if (mix(c->seed, round) % 3 == 0)
			need("judge", engine_judge_settle(c->engine, chunk_end(c)));
		if (round % 8 == 7)
			need("settle", engine_settle(c->engine));
	}
	need("judge", engine_judge_settle(c->engine, END_MS));
	engine_stop(c->engine);
	engine_close(c->engine);
	return 0;
}

/* --- the check: live is replay --- */

static bool same_finding(const struct finding *a, const struct finding *b)
{
	struct buf x = buf_init(FINDING_BYTES_MAX), y = buf_init(FINDING_BYTES_MAX);
	bool same = !finding_encode(a, &x) && !finding_encode(b, &y) && span_equal(buf_view(&x), buf_view(&y));
	buf_deinit(&x);
	buf_deinit(&y);
	return same;
}

static void print_finding(const char *what, const struct finding *f)
{
	fprintf(stderr, "  %s: %016llx %s %s %lld .. %lld found %lld%s\n", what, (unsigned long long)f->subject,
		f->rule, f->fence, (long long)f->start_ms, (long long)f->end_ms, (long long)f->found_ms,
		f->open ? " open" : "");
	for (unsigned n = 0; n < FINDING_NUMBER_COUNT; n++)
		if (f->numbers[n] != NUMBER_UNKNOWN)
			fprintf(stderr, "    %s %lld\n", finding_number_token(n), (long long)f->numbers[n]);
}

static int compare(const struct replay_result *live, const struct replay_result *again)
{
	size_t i = 0;
	while (i < live->count && i < again->count && same_finding(&live->findings[i], &again->findings[i]))
		i++;
	if (i == live->count && i == again->count)
		return 0;
	fprintf(stderr, "%zu findings stand, a replay has %zu; they part at %zu\n", live->count, again->count, i);
	if (i < live->count)
		print_finding("stands", &live->findings[i]);
	if (i < again->count)
		print_finding("replay", &again->findings[i]);
	return 1;
}

static int live_is_replay(struct child *c, size_t *out_count)
{
	struct replay_result live, again;
	struct judged_by *by = context_take(engine_context(c->engine));
	struct replay_options o = {
		.by = by, .from_ms = INT64_MIN, .to_ms = INT64_MAX, .as_of_ms = END_MS, .threads = 1, .digests = true};
	need("standing", engine_findings_standing(c->engine, INT64_MIN, INT64_MAX, &live));
	need("replay", engine_replay(c->engine, &o, &again));
	judged_by_release(by);
	int bad = compare(&live, &again);
	*out_count = live.count;
	free(live.findings);
	free(again.findings);
	return bad;
}

/* --- the check: the books --- */

#define CASES_MAX 20000u

struct books {
	struct store *store;
	uint64_t findings, times, cases, withdrawn, promised_events, events, feed, feed_events;
	uint8_t standing[CASES_MAX]; /* finding rows of an id */
	uint32_t last_event[CASES_MAX];
	int bad;
};

static void complain(struct books *b, const char *what, uint64_t id)
{
	if (b->bad++ < 10)
		fprintf(stderr, "%s: %llu\n", what, (unsigned long long)id);
}

static enum status read_finding(void *context, struct span key, struct span value)
{
	struct books *b = context;
	uint8_t name[CASE_KEY_SIZE];
	struct finding_key k, of_case;
	struct finding_row row;
	struct case_row seen;
	struct buf bytes = buf_init(4 * FINDING_BYTES_MAX);
	need("finding key", finding_key_parse(key, &k));
	need("finding row", finding_row_decode(value, &row));
	case_key(row.id, name);
	enum status status = store_get(b->store, STORE_CASE, span_of(name, sizeof name), &bytes);
	if (status || case_row_decode(buf_view(&bytes), &seen))
		complain(b, "a finding without a case", row.id);
	else if (!finding_key_equal(&seen.key, &k) || seen.has_last || seen.state == CASE_WITHDRAWN)
		complain(b, "a case of another finding", row.id);
	of_case = finding_key_of(&row.finding);
	if (!finding_key_equal(&of_case, &k))
		complain(b, "a finding under another key", row.id);
	if (row.id >= CASES_MAX || b->standing[row.id]++)
		complain(b, "two findings of one id", row.id);
	b->findings++;
	buf_deinit(&bytes);
	return STATUS_OK;
}

static enum status read_time(void *context, struct span key, struct span value)
{
	struct books *b = context;
	(void)key;
	(void)value;
	b->times++;
	return STATUS_OK;
}

static enum status read_case(void *context, struct span key, struct span value)
{
	struct books *b = context;
	uint64_t id = load_be64(key.data + 1);
	struct case_row row;
	need("case row", case_row_decode(value, &row));
	b->cases++;
	b->withdrawn += row.has_last;
	b->promised_events += row.events;
	if (id >= CASES_MAX || (!row.has_last && !b->standing[id]))
		complain(b, "a case without a finding", id);
	return STATUS_OK;
}

static enum status read_event(void *context, struct span key, struct span value)
{
	struct books *b = context;
	uint64_t id = load_be64(key.data + 1);
	struct case_event e;
	need("event row", event_row_decode(key, value, &e));
	if (id >= CASES_MAX || e.number != ++b->last_event[id])
		complain(b, "an event out of its order, of case", id);
	b->events++;
	return STATUS_OK;
}

static enum status read_feed(void *context, uint64_t feed, uint8_t event, uint64_t id, int64_t at_ms)
{
	struct books *b = context;
	(void)event;
	(void)at_ms;
	if (feed != ++b->feed)
		complain(b, "a number missing in the feed", b->feed);
	b->feed_events += id > 0;
	return STATUS_OK;
}

static void scan(struct books *b, enum store_family family, uint8_t tag, store_visit *visit)
{
	need("scan", store_scan(b->store, family, span_of(&tag, 1), visit, b));
}

/* A number of the feed given twice would overwrite its row: then rows and events differ in number. */
static int books_are_in_order(struct child *c)
{
	static struct books b;
	b.store = engine_store(c->engine);
	scan(&b, STORE_FINDING, 0x01, read_finding);
	scan(&b, STORE_FINDING, 0x02, read_time);
	scan(&b, STORE_CASE, 0x01, read_case);
	scan(&b, STORE_CASE, 0x02, read_event);
	need("feed", findings_feed(engine_findings(c->engine), 0, read_feed, &b));
	if (b.cases != b.findings + b.withdrawn)
		complain(&b, "cases for that many findings", b.findings);
	if (b.times < b.findings || b.times > b.cases)
		complain(&b, "rows by time", b.times);
	if (b.events != b.promised_events || b.feed_events != b.events)
		complain(&b, "events for that many in the feed", b.feed_events);
	if (b.feed != findings_feed_last(engine_findings(c->engine)))
		complain(&b, "the feed's last is not", b.feed);
	return b.bad;
}

static int verify(struct child *c, const char *dir)
{
	size_t count;
	need("open", open_engine(c, dir));
	need("start", engine_start(c->engine));
	need("judge", engine_judge_settle(c->engine, END_MS));
	int bad = live_is_replay(c, &count);
	bad |= books_are_in_order(c);
	printf("%zu findings\n", count);
	if (getenv("END") && !strcmp(getenv("END"), "rough"))
		_exit(bad ? 1 : 0);
	engine_stop(c->engine);
	engine_close(c->engine);
	return bad ? 1 : 0;
}

int main(int argc, char **argv)
{
	static struct child c = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
	if (argc != 5)
		return 2;
	int fd = open(argv[3], O_RDWR | O_CREAT, 0600);
	if (fd < 0 || ftruncate(fd, REPORTS))
		return 2;
	c.state = mmap(NULL, REPORTS, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	c.seed = strtoull(argv[4], NULL, 10);
	make_reports(&c);
	make_order(&c);
	log_set_level(LOG_ERROR);
	return !strcmp(argv[1], "run") ? run(&c, argv[2]) : verify(&c, argv[2]);
}
