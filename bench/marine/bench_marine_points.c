/* bench_marine_points.c -- how many bytes does a position at sea take on disk, with its original?
 *
 *   bench_marine_points [seed]
 *
 * 50 boats of each kind, 24 h each, blocks of BLOCK_REPORTS_MAX reports. Class A under way at 10 s: 19 bits of radio
 * state, a heading and a turn that follow the course, positions of 1/10,000 minute: entropy alone is some 10 bytes a
 * point. Class B at 30 s; Beidou beacons at 10 min ($BDWAA); NMEA of boats (RMC and GGA) at 10 s. One line of JSON a
 * kind: bytes a point in blocks, of it items, and what the sentences take. */
#include <stdio.h>
#include <stdlib.h>

#include "engine/core/limits.h"
#include "engine/series/block.h"
#include "ingest/marine/marine_report.h"

#define BOATS 50
#define START_MS INT64_C(1767225600000)
#define DAY_S 86400

static uint64_t state = 1;

static uint32_t next(void)
{
	state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(state >> 33);
}

/* Noise of about `width`, triangular. */
static int32_t noise(int32_t width)
{
	return (int32_t)(next() % (uint32_t)(width + 1)) - (int32_t)(next() % (uint32_t)(width + 1));
}

/* A boat that keeps a course for a while: positions in 1/10,000 minutes, speed in 0.1 knot, course in 0.1 degree. */
struct boat {
	uint32_t mmsi;
	int64_t lat_m4096, lon_m4096; /* 1/10,000 minute, 12 more bits */
	int32_t dkn, ddeg, wanted_dkn, wanted_ddeg;
	unsigned slot;
};

static void sail(struct boat *b, unsigned seconds)
{
	/* sine of tenths of a degree by quarter waves of a parabola: a bench's boats need no better */
	int32_t a = b->ddeg % 3600, quarter = a % 1800, wave = quarter * (1800 - quarter) * 4096 / 810000;
	int32_t east = a < 1800 ? wave : -wave;
	a = (b->ddeg + 900) % 3600;
	quarter = a % 1800;
	wave = quarter * (1800 - quarter) * 4096 / 810000;
	int32_t north = a < 1800 ? wave : -wave;
	/* 0.1 knot is 1,000 / 3,600 of 1/10,000 minute a second */
	b->lat_m4096 += (int64_t)north * b->dkn * (int32_t)seconds * 1000 / 3600;
	b->lon_m4096 += (int64_t)east * b->dkn * (int32_t)seconds * 1100 / 3600;
	if (next() % 200 == 0) {
		b->wanted_dkn = (int32_t)(next() % 110);
		b->wanted_ddeg = (int32_t)(next() % 3600);
	}
	b->dkn += (b->wanted_dkn - b->dkn) / 8;
	int32_t turn = (b->wanted_ddeg - b->ddeg + 5400) % 3600 - 1800;
	b->ddeg = (b->ddeg + turn / 16 + noise(5) + 3600) % 3600;
}

struct tally {
	const char *kind;
	uint64_t points, bytes, items, originals;
	struct report reports[BLOCK_REPORTS_MAX];
	uint8_t *pool;
	size_t pool_size, count;
};

static void flush(struct tally *t)
{
	struct buf block = buf_init(BLOCK_BYTES_MAX);
	size_t parts[BLOCK_PART_COUNT];
	if (t->count && (block_encode(t->reports, t->count, &block) || block_parts(buf_view(&block), parts)))
		abort();
	if (t->count) {
		t->bytes += block.size;
		t->items += parts[BLOCK_PART_ITEMS];
		t->points += t->count;
	}
	t->count = t->pool_size = 0;
	buf_deinit(&block);
}

static void add(struct tally *t, const struct report *r, size_t original)
{
	struct report *kept = &t->reports[t->count++];
	*kept = *r;
	memcpy(t->pool + t->pool_size, r->items, r->items_size);
	kept->items = t->pool + t->pool_size;
	kept->received_ms = r->time_ms + 300 + next() % 400;
	t->pool_size += r->items_size;
	t->originals += original;
	if (t->count == BLOCK_REPORTS_MAX)
		flush(t);
}

static void add_ais(struct tally *t, struct boat *b, uint8_t type, int64_t time_ms)
{
	struct ais_message m = {.type = type, .mmsi = b->mmsi};
	struct ais_packet p;
	struct buf items = buf_init(MARINE_ITEMS_MAX), text = buf_init(256);
	struct report r;
	ais_set(&m, AIS_LAT, (int32_t)(b->lat_m4096 >> 12) + noise(6));
	ais_set(&m, AIS_LON, (int32_t)(b->lon_m4096 >> 12) + noise(6));
	ais_set(&m, AIS_SOG, abs(b->dkn + noise(1)));
	ais_set(&m, AIS_COG, (b->ddeg + noise(10) + 3600) % 3600);
	ais_set(&m, AIS_SECOND, (int32_t)(time_ms / 1000 % 60));
	if (type == 1) {
		ais_set(&m, AIS_STATUS, 7);
		ais_set(&m, AIS_HEADING, (b->ddeg / 10 + noise(2) + 360) % 360);
		ais_set(&m, AIS_ROT, noise(3));
		ais_set(&m, AIS_RADIO, (int32_t)(next() & 0x7ffff)); /* the worst it can be */
	} else {
		ais_set(&m, AIS_CS, 1);
		ais_set(&m, AIS_RADIO, 393222);
	}
	if (ais_encode(&m, &p) || ais_decode(&p, &m) || ais_report(&p, &m, time_ms, &items, &r) ||
	    ais_write(&p, "AI", 0, &text))
		abort();
	add(t, &r, text.size);
	buf_deinit(&items);
	buf_deinit(&text);
}

/* "ddmm.mmmm" of 1/10,000 minutes */
static void angle_text(int64_t m4, unsigned degree_digits, char out[16])
{
	snprintf(out, 16, "%0*d%02d.%04d", (int)degree_digits, (int)(m4 / 600000), (int)(m4 / 10000 % 60),
		 (int)(m4 % 10000));
}

static void add_text(struct tally *t, struct boat *b, bool is_nmea, int64_t time_ms)
{
	char lat[16], lon[16], body[160];
	struct buf text = buf_init(512), items = buf_init(MARINE_ITEMS_MAX);
	struct report r;
	int64_t lat_m4 = (b->lat_m4096 >> 12) + noise(6), lon_m4 = (b->lon_m4096 >> 12) + noise(6);
	unsigned s = (unsigned)(time_ms / 1000 % DAY_S);
	angle_text(lat_m4, 2, lat);
	angle_text(lon_m4, 3, lon);
	if (is_nmea) {
		snprintf(body, sizeof body, "GNRMC,%02u%02u%02u.00,A,%s,N,%s,E,%d.%d,%d.%d,010126,,,A", s / 3600,
			 s / 60 % 60, s % 60, lat, lon, b->dkn / 10, b->dkn % 10, b->ddeg / 10, b->ddeg % 10);
		if (sentence_write('$', span_of_string(body), &text))
			abort();
		snprintf(body, sizeof body, "GNGGA,%02u%02u%02u.00,%s,N,%s,E,1,%02u,0.9,%u.%u,M,8.1,M,,", s / 3600,
			 s / 60 % 60, s % 60, lat, lon, 9 + next() % 4, 3 + next() % 2, next() % 10);
	} else {
		snprintf(body, sizeof body, "BDWAA,1,600,%07u,%02u%02u%02u,%s,N,%s,E,%u,M", b->mmsi % 10000000,
			 s / 3600, s / 60 % 60, s % 60, lat, lon, 3 + next() % 4);
	}
	struct rdss_point p = {.lat_e7 = (int32_t)(lat_m4 * 50 / 3), .lon_e7 = (int32_t)(lon_m4 * 50 / 3)};
	p.speed_dkn = is_nmea ? (uint16_t)b->dkn : RDSS_POINT_NONE;
	p.course_deg = is_nmea ? (uint16_t)(b->ddeg / 10) : RDSS_POINT_NONE;
	if (sentence_write('$', span_of_string(body), &text) ||
	    rdss_report(&p, 50, buf_view(&text), time_ms, &items, &r))
		abort();
	add(t, &r, text.size);
	buf_deinit(&items);
	buf_deinit(&text);
}

enum kind { CLASS_A, CLASS_B, BEIDOU, NMEA };

static void measure(enum kind what, const char *kind, unsigned every_s)
{
	static struct tally t;
	uint8_t *pool = t.pool ? t.pool : malloc((size_t)BLOCK_REPORTS_MAX * 1024);
	t = (struct tally){.kind = kind, .pool = pool};
	for (unsigned i = 0; i < BOATS; i++) {
		struct boat b = {412000100 + i, INT64_C(14880000) << 12, INT64_C(71160000) << 12, 50, 900, 60, 1000, 0};
		for (unsigned s = 0; s < DAY_S; s += every_s) {
			int64_t time_ms = START_MS + (int64_t)s * 1000;
			sail(&b, every_s);
			if (what == CLASS_A || what == CLASS_B)
				add_ais(&t, &b, what == CLASS_A ? 1 : 18, time_ms);
			else
				add_text(&t, &b, what == NMEA, time_ms);
		}
		flush(&t);
	}
	printf("{\"bench\":\"marine_points\",\"kind\":\"%s\",\"every_s\":%u,\"points\":%llu,\"bytes_per_point\":%.2f,"
	       "\"of_it_items\":%.2f,\"original_bytes\":%.1f}\n",
	       kind, every_s, (unsigned long long)t.points, (double)t.bytes / (double)t.points,
	       (double)t.items / (double)t.points, (double)t.originals / (double)t.points);
}

int main(int argc, char **argv)
{
	state = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
	measure(CLASS_A, "class-A", 10);
	measure(CLASS_B, "class-B", 30);
	measure(BEIDOU, "Beidou", 600);
	measure(NMEA, "NMEA", 10);
	return 0;
}
