/* generate.c -- the tracks of dataset A as a CSV on standard output, in the order of their arrival.
 *
 *   generate [--devices N] [--seconds N] [--seed N]
 *
 * Columns: device, time (epoch seconds), lat, lon (degrees, 6 places), speed (km/h, 1 place), course, altitude, alarm,
 * status, mileage (km, 1 place). The last line on standard error is what was written: {"rows":N,"distinct":N}; a row
 * sent twice is the same (device, time). */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/dataset/dataset.h"

/* `value` in units of 10^-places */
static void put_fixed(FILE *out, int64_t value, int places)
{
	int64_t scale = places == 6 ? 1000000 : 10;
	uint64_t size = (uint64_t)(value < 0 ? -value : value);
	fprintf(out, "%s%" PRIu64 ".%0*" PRIu64, value < 0 ? "-" : "", size / (uint64_t)scale, places,
		size % (uint64_t)scale);
}

static void put_row(FILE *out, uint32_t device, const struct report *r)
{
	fprintf(out, "860000%06" PRIu32 ",%" PRId64 ",", device, r->time_ms / 1000);
	put_fixed(out, r->lat_e7 / 10, 6);
	putc(',', out);
	put_fixed(out, r->lon_e7 / 10, 6);
	putc(',', out);
	put_fixed(out, r->speed_dkmh, 1);
	fprintf(out, ",%u,%d,%" PRIu32 ",%" PRIu32 ",", r->course_deg, r->altitude_m, r->alarm, r->status);
	put_fixed(out, r->mileage_hm, 1);
	putc('\n', out);
}

static bool parse(int argc, char **argv, struct dataset_options *o)
{
	static const struct option longs[] = {
		{"devices", 1, NULL, 'd'}, {"seconds", 1, NULL, 's'}, {"seed", 1, NULL, 'e'}, {NULL, 0, NULL, 0}};
	for (int c; (c = getopt_long(argc, argv, "", longs, NULL)) != -1;) {
		uint64_t value = optarg ? strtoull(optarg, NULL, 10) : 0;
		if (c == 'd')
			o->devices = (uint32_t)value;
		else if (c == 's')
			o->seconds = (uint32_t)value;
		else if (c == 'e')
			o->seed = value;
		else
			return false;
	}
	return optind == argc && o->devices && o->devices <= 1000000 && o->seconds;
}

int main(int argc, char **argv)
{
	struct dataset_options options = dataset_a();
	struct dataset *d;
	struct dataset_arrival a;
	uint64_t rows = 0, distinct = 0;
	if (!parse(argc, argv, &options)) {
		fprintf(stderr, "usage: generate [--devices N] [--seconds N] [--seed N]\n");
		return 2;
	}
	/* the slots of a device's reports, a bit each: it has its own phase within the interval */
	size_t slots = options.seconds / options.interval_s + 2;
	uint8_t *seen = calloc((size_t)options.devices * slots / 8 + 1, 1);
	if (!seen || dataset_new(&options, &d)) {
		fprintf(stderr, "generate: no memory\n");
		return 1;
	}
	static char buffer[1 << 20];
	setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
	puts("device,time,lat,lon,speed,course,altitude,alarm,status,mileage");
	for (; dataset_next(d, &a); rows++) {
		size_t slot =
			a.device * slots + (size_t)((a.report.time_ms - options.start_ms) / 1000 / options.interval_s);
		distinct += !(seen[slot / 8] >> slot % 8 & 1);
		seen[slot / 8] |= (uint8_t)(1 << slot % 8);
		put_row(stdout, a.device, &a.report);
	}
	dataset_free(d);
	free(seen);
	if (fflush(stdout) || ferror(stdout)) {
		fprintf(stderr, "generate: cannot write\n");
		return 1;
	}
	fprintf(stderr, "{\"rows\":%" PRIu64 ",\"distinct\":%" PRIu64 "}\n", rows, distinct);
	return 0;
}
