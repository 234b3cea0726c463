/* bench_ais.c -- how many AIS sentences a second does one core take apart, from memory, sums checked?
 *
 *   bench_ais FILE.aivdm [rounds]        lines of FILE, read whole, `rounds` times (default 20)
 *
 * Every sentence is found in the stream, its tag block read, its sum checked, its parts put together and the message
 * decoded whole; positions, speeds and courses are converted. Back of the envelope: a sentence is 48 to 82 bytes; two
 * passes over them (sum, fields) at one byte a cycle, 28 table look-ups of armour and 16 fields of some five cycles are
 * 350 cycles, so 8 million a second at 3 GHz. The peer is `gpsdecode -j < FILE` on the same file (peer.sh).
 * One line of JSON: median, least and most sentences per core-second over the rounds, by CPU time. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "ingest/marine/ais_assembler.h"

#define ROUNDS_MAX 1000

struct tally {
	uint64_t sentences, messages, positions, refused, sum;
};

static double cpu_seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void use(const struct ais_message *m, struct tally *t)
{
	int32_t lat, lon;
	uint16_t sog = 0, cog = 0;
	t->messages++;
	if (!ais_position(m, &lat, &lon))
		return;
	(void)ais_sog_dkn(m, &sog);
	(void)ais_cog_ddeg(m, &cog);
	t->positions++;
	t->sum += (uint64_t)lat + (uint64_t)lon + sog + cog;
}

static void one_round(struct span file, struct ais_assembler *a, struct tally *t)
{
	struct span line;
	struct sentence s;
	struct ais_message m;
	const struct ais_packet *p;
	enum status status;
	for (int64_t now = 0; (status = sentence_line_next(&file, &line)) != STATUS_NEED_MORE; now++) {
		t->sentences++;
		if (!status)
			status = sentence_parse(line, &s);
		if (!status) {
			ais_assembler_group(a, &s, 0, now);
			status = ais_assembler_add(a, &s, 0, now, &p);
		}
		if (!status)
			status = ais_decode(p, &m);
		if (!status)
			use(&m, t);
		else
			t->refused += status != STATUS_NEED_MORE;
	}
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return x < y ? -1 : x > y;
}

static bool read_file(const char *path, struct buf *out)
{
	FILE *f = fopen(path, "rb");
	size_t n = 1;
	while (f && n && !buf_reserve(out, 1u << 20)) {
		n = fread(out->data + out->size, 1, 1u << 20, f);
		out->size += n;
	}
	if (f)
		fclose(f);
	return f && out->size;
}

int main(int argc, char **argv)
{
	static double rates[ROUNDS_MAX];
	struct buf file = buf_init(SIZE_MAX);
	struct ais_assembler *a;
	struct tally t = {0};
	int rounds = argc > 2 ? atoi(argv[2]) : 20;
	if (argc < 2 || rounds < 1 || rounds > ROUNDS_MAX || !read_file(argv[1], &file) ||
	    ais_assembler_new(AIS_EXPIRE_LINES, &a)) {
		fprintf(stderr, "usage: bench_ais FILE [rounds]\n");
		return 2;
	}
	for (int i = 0; i < rounds; i++) {
		double before = cpu_seconds();
		t = (struct tally){0};
		one_round(buf_view(&file), a, &t);
		rates[i] = (double)t.sentences / (cpu_seconds() - before);
	}
	qsort(rates, (size_t)rounds, sizeof *rates, compare);
	printf("{\"bench\":\"ais\",\"file_bytes\":%zu,\"sentences\":%llu,\"messages\":%llu,\"positions\":%llu,"
	       "\"refused\":"
	       "%llu,\"rounds\":%d,\"median\":%.0f,\"least\":%.0f,\"most\":%.0f,"
	       "\"sum\":"
	       "\"%016llx\"}\n",
	       file.size, (unsigned long long)t.sentences, (unsigned long long)t.messages,
	       (unsigned long long)t.positions, (unsigned long long)t.refused, rounds, rates[rounds / 2], rates[0],
	       rates[rounds - 1], (unsigned long long)t.sum);
	ais_assembler_free(a);
	buf_deinit(&file);
	return 0;
}
