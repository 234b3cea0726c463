/* lines_generate.c -- line protocol of many sites, in files of ten thousand lines as an agent would send them.
 *
 *   lines_generate FOLDER SITES STEPS SEED    FOLDER/000000.lines ...: SITES * STEPS rows of four fields, every 10 s
 *
 * Fields: temp 0.1 steps of a slow walk, hum whole percents that mostly stay, level millimetres with noise in metres,
 * count a growing whole number. Rows come in order of time, all sites of an instant together. What is asked of the
 * answers is printed: the sums of the fields, exact, in their smallest units. */
#include <inttypes.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define LINES_PER_FILE 10000
#define INTERVAL_NS INT64_C(10000000000)
#define FIRST_NS INT64_C(1764547200000000000) /* 2025-12-01T00:00:00Z */

struct site {
	double temp, level;
	int hum;
	int64_t count;
};

static uint64_t state;

static double uniform(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (double)(state >> 11) / 9007199254740992.0;
}

static double noise(void)
{
	return uniform() + uniform() + uniform() + uniform() - 2; /* deviation 0.58 */
}

static void advance(struct site *s, int64_t step)
{
	s->temp += 0.15 * noise() + 0.002 * cos((double)step / 1375.0);
	s->hum += uniform() < 0.1 ? (uniform() < 0.5 ? 1 : -1) : 0;
	s->hum = s->hum < 20 ? 20 : s->hum > 99 ? 99 : s->hum;
	s->level += 0.004 * noise();
	s->count += (int64_t)(uniform() * 20);
}

int main(int argc, char **argv)
{
	if (argc != 5)
		return 2;
	long sites = atol(argv[2]), steps = atol(argv[3]);
	int64_t sums[4] = {0}, rows = 0;
	FILE *f = NULL;
	struct site *all = calloc((size_t)sites, sizeof *all);
	state = strtoull(argv[4], NULL, 10) * 2654435761u + 88172645463325252u;
	if (!all)
		return 1;
	for (long i = 0; i < sites; i++)
		all[i] = (struct site){15 + 10 * uniform(), 1 + 3 * uniform(), 40 + (int)(uniform() * 40), 0};
	for (long step = 0; step < steps; step++)
		for (long i = 0; i < sites; i++, rows++) {
			struct site *s = &all[i];
			if (rows % LINES_PER_FILE == 0) {
				char path[4096];
				snprintf(path, sizeof path, "%s/%06" PRId64 ".lines", argv[1], rows / LINES_PER_FILE);
				if (f)
					fclose(f);
				f = fopen(path, "w");
				if (!f)
					return 1;
			}
			advance(s, step);
			long temp = lround(s->temp * 10), level = lround(s->level * 1000);
			fprintf(f, "sensor,site=s%04ld temp=%.1f,hum=%d,level=%.3f,count=%" PRId64 "i %" PRId64 "\n", i,
				(double)temp / 10, s->hum, (double)level / 1000, s->count,
				FIRST_NS + step * INTERVAL_NS);
			sums[0] += temp;
			sums[1] += s->hum;
			sums[2] += level;
			sums[3] += s->count;
		}
	if (f)
		fclose(f);
	printf("%" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 "\n", rows, sums[0], sums[1], sums[2],
	       sums[3]);
	free(all);
	return 0;
}
