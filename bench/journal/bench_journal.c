/* bench_journal.c -- what does a durable entry cost, in CPU, at a rate that is given?
 *
 *   bench_journal DIR ENGINE RATE SECONDS [GATHER_US] [lz4|raw]     ENGINE: journal, rocksdb
 *
 * Open loop: one owner thread adds 60-byte entries (bodies of trucks that drive, so that compression sees what
 * it will see) in a loop that turns every 200 us, as an event loop under load would, whatever is durable.
 * The peer hands the same entries to RocksDB as one value a batch, one synced write to its log a round, from a
 * committer of the same make: the journal that was to be weighed against this one.
 *
 * Printed: entries/s; CPU per entry of the threads behind the owner (committer; RocksDB's own too), from the
 * scheduler's account; the owner's time in add and in commit; syncs/s; bytes written per entry, without room
 * written ahead; time from add to durable as the owner sees it (median, 99 %, worst). The kernel's own threads
 * (ext4's journal) are not in it.
 * On the back of an envelope: a sync of a few kB costs 45 us of CPU here, so a round each millisecond costs
 * at least 4.5 % of a core, 0.45 us an entry at 100,000/s and 0.23 at 200,000/s. */
#include <dirent.h>
#include <pthread.h>
#include <rocksdb/c.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "engine/core/clock.h"
#include "engine/store/journal.h"

#define TURN_NS 200000
#define BODIES 8192
#define TRUCKS 4096
#define BODY 60
#define SAMPLES_MAX (1u << 22)

/* --- trucks: JT/T 808 0x0200 bodies, 28 bytes of position and four items --- */

struct truck {
	uint32_t lat, lon, mileage;
	uint16_t speed, course;
};

static struct truck trucks[TRUCKS];
static uint64_t random_state = 20260101;

static uint32_t next_random(void)
{
	random_state = random_state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(random_state >> 33);
}

static void make_body(uint32_t number, uint8_t out[BODY])
{
	struct truck *t = &trucks[number % TRUCKS];
	if (!t->lat)
		*t = (struct truck){24900000 + next_random() % 200000, 118600000 + next_random() % 200000,
				    next_random() % 4000000, 400, (uint16_t)(next_random() % 360)};
	t->speed = (uint16_t)(t->speed + next_random() % 41 - 20) % 900;
	t->course = (uint16_t)(t->course + next_random() % 7 + 357) % 360;
	t->lat += next_random() % 2000 - 1000;
	t->lon += next_random() % 2000 - 1000;
	t->mileage += t->speed / 36;
	uint32_t second = number / TRUCKS;
	memset(out, 0, BODY);
	store_be64(out, 0x9e3779b97f4a7c15u * (number % TRUCKS + 1)); /* the device */
	store_be32(out + 8, 0);
	store_be32(out + 12, 3);
	store_be32(out + 16, t->lat);
	store_be32(out + 20, t->lon);
	store_be16(out + 24, (uint16_t)(20 + t->lat % 30));
	store_be16(out + 26, t->speed);
	store_be16(out + 28, t->course);
	memcpy(out + 30, "\x26\x01\x05\x08\x00", 5);
	out[35] = (uint8_t)(second / 10 % 6 << 4 | second % 10);
	memcpy(out + 36, "\x01\x04", 2);
	store_be32(out + 38, t->mileage);
	memcpy(out + 42, "\x30\x01", 2);
	out[44] = (uint8_t)(20 + next_random() % 8);
	memcpy(out + 45, "\x31\x01", 2);
	out[47] = (uint8_t)(8 + next_random() % 4);
	memcpy(out + 48, "\x25\x04\x00\x00\x00\x00", 6);
	memcpy(out + 54, "\x2b\x04", 2);
}

/* --- the two engines --- */

struct sink {
	void (*add)(struct sink *s, const uint8_t body[BODY]);
	void (*commit)(struct sink *s);
	uint64_t (*durable)(struct sink *s);
	void (*close)(struct sink *s);
	void (*figures)(struct sink *s, uint64_t *syncs, uint64_t *bytes);
	struct journal *journal;
	uint64_t added;
	/* rocksdb: the same hand-over as the journal's, a mutex and two buffers */
	rocksdb_t *db;
	rocksdb_options_t *options;
	rocksdb_writeoptions_t *synced;
	pthread_t committer;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct buf fill, handed, writing;
	uint64_t handed_last, syncs, bytes;
	_Atomic uint64_t durable_last;
	uint32_t gather_us;
	bool closing;
};

static void fail(const char *what)
{
	fprintf(stderr, "%s\n", what);
	exit(1);
}

static void journal_sink_add(struct sink *s, const uint8_t body[BODY])
{
	struct span part = span_of(body, BODY);
	uint64_t position;
	if (journal_add(s->journal, 1, &part, 1, &position))
		fail("the journal does not keep up");
}
static void journal_sink_commit(struct sink *s)
{
	journal_commit(s->journal);
}
static uint64_t journal_sink_durable(struct sink *s)
{
	return journal_durable(s->journal);
}
static void journal_sink_figures(struct sink *s, uint64_t *syncs, uint64_t *bytes)
{
	struct journal_stats stats;
	journal_stats(s->journal, &stats);
	*syncs = stats.syncs;
	*bytes = stats.stored_bytes;
}
static void journal_sink_close(struct sink *s)
{
	journal_close(s->journal);
}

static void rocks_add(struct sink *s, const uint8_t body[BODY])
{
	uint8_t head[11];
	size_t n = 1 + varint_store(head + 1, BODY);
	head[0] = 1;
	if (buf_append(&s->fill, head, n) || buf_append(&s->fill, body, BODY))
		fail("RocksDB does not keep up");
	s->added++;
}

static void rocks_commit(struct sink *s)
{
	pthread_mutex_lock(&s->lock);
	bool wake = !s->handed.size;
	if (buf_append(&s->handed, s->fill.data, s->fill.size))
		fail("RocksDB does not keep up");
	buf_clear(&s->fill);
	s->handed_last = s->added;
	pthread_mutex_unlock(&s->lock);
	if (wake)
		pthread_cond_signal(&s->wake);
}

static void *rocks_run(void *context)
{
	struct sink *s = context;
	pthread_mutex_lock(&s->lock);
	while (!s->closing || s->handed.size) {
		if (!s->handed.size) {
			pthread_cond_wait(&s->wake, &s->lock);
			continue;
		}
		struct buf taken = s->handed;
		s->handed = s->writing;
		s->writing = taken;
		uint64_t last = s->handed_last;
		pthread_mutex_unlock(&s->lock);
		int64_t began = clock_monotonic_ns();
		uint8_t key[8];
		char *error = NULL;
		store_be64(key, last);
		rocksdb_put(s->db, s->synced, (const char *)key, sizeof key, (const char *)s->writing.data,
			    s->writing.size, &error);
		if (error)
			fail(error);
		s->bytes += s->writing.size + sizeof key;
		buf_clear(&s->writing);
		s->syncs++;
		atomic_store(&s->durable_last, last);
		int64_t due = began + (int64_t)s->gather_us * 1000;
		struct timespec until = {due / 1000000000, due % 1000000000};
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
		pthread_mutex_lock(&s->lock);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

static uint64_t rocks_durable(struct sink *s)
{
	return atomic_load(&s->durable_last);
}
static void rocks_figures(struct sink *s, uint64_t *syncs, uint64_t *bytes)
{
	*syncs = s->syncs;
	*bytes = s->bytes;
}
static void rocks_close(struct sink *s)
{
	pthread_mutex_lock(&s->lock);
	s->closing = true;
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock);
	pthread_join(s->committer, NULL);
	rocksdb_close(s->db);
}

static void open_rocksdb(struct sink *s, const char *dir)
{
	char *error = NULL;
	s->options = rocksdb_options_create();
	rocksdb_options_set_create_if_missing(s->options, 1);
	rocksdb_options_set_write_buffer_size(s->options, 64u << 20);
	rocksdb_options_set_compression(s->options, rocksdb_lz4_compression);
	s->db = rocksdb_open(s->options, dir, &error);
	if (error)
		fail(error);
	s->synced = rocksdb_writeoptions_create();
	rocksdb_writeoptions_set_sync(s->synced, 1);
	s->fill = s->handed = s->writing = buf_init(64u << 20);
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->wake, NULL);
	s->add = rocks_add;
	s->commit = rocks_commit;
	s->durable = rocks_durable;
	s->figures = rocks_figures;
	s->close = rocks_close;
	if (pthread_create(&s->committer, NULL, rocks_run, s))
		fail("thread");
}

static void open_journal(struct sink *s, const char *dir, bool compress)
{
	struct journal_options options = {
		.dir = dir, .gather_us = s->gather_us, .pending_max = 64u << 20, .compress_min = compress ? 512 : 0};
	if (journal_open(&options, &s->journal))
		fail("journal_open");
	s->add = journal_sink_add;
	s->commit = journal_sink_commit;
	s->durable = journal_sink_durable;
	s->figures = journal_sink_figures;
	s->close = journal_sink_close;
}

/* --- the loop --- */

/* CPU of every thread of ours but the owner, ns. */
static uint64_t others_cpu_ns(void)
{
	uint64_t total = 0;
	DIR *d = opendir("/proc/self/task");
	struct dirent *e;
	while (d && (e = readdir(d))) {
		char path[300];
		unsigned long long ns;
		if (e->d_name[0] == '.' || atoi(e->d_name) == (int)getpid())
			continue;
		snprintf(path, sizeof path, "/proc/self/task/%s/schedstat", e->d_name);
		FILE *f = fopen(path, "r");
		if (f && fscanf(f, "%llu", &ns) == 1)
			total += ns;
		if (f)
			fclose(f);
	}
	if (d)
		closedir(d);
	return total;
}

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return (x > y) - (x < y);
}

/* One turn's last position and time; a turn becomes a sample when its last position is durable. */
struct turn {
	uint64_t last;
	int64_t ns;
};

#define TURNS 65536

struct measure {
	uint32_t *samples;
	size_t sample_count;
	struct turn turns[TURNS];
	size_t head, tail;
	int64_t add_ns, commit_ns;
	uint64_t added;
};

static void note_durable(struct measure *m, uint64_t durable, int64_t now)
{
	for (; m->tail < m->head && m->turns[m->tail % TURNS].last <= durable; m->tail++)
		if (m->sample_count < SAMPLES_MAX)
			m->samples[m->sample_count++] = (uint32_t)((now - m->turns[m->tail % TURNS].ns) / 1000);
}

static void run_loop(struct sink *s, struct measure *m, const uint8_t (*bodies)[BODY], double rate, int64_t ns)
{
	int64_t start = clock_monotonic_ns(), now = start, turn_at = start;
	while (now - start < ns) {
		uint64_t due = (uint64_t)((double)(now - start) * 1e-9 * rate);
		note_durable(m, s->durable(s), now);
		for (; m->added < due; m->added++)
			s->add(s, bodies[m->added % BODIES]);
		int64_t added_at = clock_monotonic_ns();
		s->commit(s);
		m->add_ns += added_at - now;
		m->commit_ns += clock_monotonic_ns() - added_at;
		if (m->head - m->tail == TURNS)
			fail("too far behind");
		m->turns[m->head++ % TURNS] = (struct turn){m->added, now};
		turn_at = turn_at + TURN_NS < now ? now + TURN_NS : turn_at + TURN_NS;
		struct timespec until = {turn_at / 1000000000, turn_at % 1000000000};
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
		now = clock_monotonic_ns();
	}
}

static void report(struct sink *s, struct measure *m, char **argv, const char *form, double seconds, uint64_t cpu_ns)
{
	uint64_t syncs, bytes;
	double n = (double)m->added;
	s->figures(s, &syncs, &bytes);
	qsort(m->samples, m->sample_count, sizeof *m->samples, by_value);
	size_t last = m->sample_count ? m->sample_count - 1 : 0;
	printf("%-7s %-3s gather %4u: %7.0f/s  committer %.3f us/entry, add %.3f, commit %.3f  %5.0f syncs/s  %4.1f "
	       "bytes/entry  durable after %u / %u / %u us\n",
	       argv[2], form, s->gather_us, n / seconds, (double)cpu_ns * 1e-3 / n, (double)m->add_ns * 1e-3 / n,
	       (double)m->commit_ns * 1e-3 / n, (double)syncs / seconds, (double)bytes / n, m->samples[last / 2],
	       m->samples[last * 99 / 100], m->samples[last]);
}

int main(int argc, char **argv)
{
	static struct measure m;
	static uint8_t bodies[BODIES][BODY];
	if (argc < 5)
		return 2;
	double rate = atof(argv[3]), seconds = atof(argv[4]);
	const char *form = argc > 6 ? argv[6] : "lz4";
	struct sink s = {.gather_us = argc > 5 ? (uint32_t)atoi(argv[5]) : 1000};
	if (strcmp(argv[2], "rocksdb") == 0)
		open_rocksdb(&s, argv[1]);
	else
		open_journal(&s, argv[1], strcmp(form, "lz4") == 0);
	m.samples = calloc(SAMPLES_MAX, sizeof *m.samples);
	if (!m.samples)
		fail("memory");
	for (uint32_t i = 0; i < BODIES; i++)
		make_body(i, bodies[i]);
	uint64_t cpu = others_cpu_ns();
	run_loop(&s, &m, (const uint8_t(*)[BODY])bodies, rate, (int64_t)(seconds * 1e9));
	report(&s, &m, argv, form, seconds, others_cpu_ns() - cpu);
	s.close(&s);
	free(m.samples);
	return 0;
}
