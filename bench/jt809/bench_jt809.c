/* How many 0x1202 messages a core-second takes from wire bytes in memory into blocks: find the frame, undo the escapes,
 * check the CRC, read header and envelope, make the canonical report (with its XXH3 identity and the footer that gives
 * the data back), put the reports of each vehicle in order, encode them into blocks. Beside it the first part alone.
 *
 * Limit: a frame of 2011 is 92 bytes on the wire (its length field, 5A, is always escaped); a streaming read passes
 * 24 GB/s. The work is one copy of 90 bytes, a CRC of 86 by eight bytes a step (11 steps), a hash of 46 and the block.
 *
 *   bench_jt809 [MESSAGES [REPETITIONS]]      one line of JSON a figure */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "engine/series/block.h"
#include "ingest/jt809/jt809.h"

/* as many as leave a head at once */
#define RUN BLOCK_REPORTS_MAX
#define VEHICLES 64
#define START_MS INT64_C(1795132800000)

static double cpu_seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void put_position(size_t vehicle, size_t k, enum jt809_edition edition, struct buf *data)
{
	size_t i = k * VEHICLES + vehicle;
	/* a coach on the ring road: it turns slowly and its speed wavers */
	struct report r = {.time_ms = START_MS + (int64_t)k * 10000,
			   .lat_e7 = 248000000 + (int32_t)(vehicle * 13000 + k * 1100),
			   .lon_e7 = 1185000000 + (int32_t)(vehicle * 17000 + k * 1900),
			   .status = 3,
			   .speed_dkmh = (uint16_t)(600 + i * 7 % 5 * 10),
			   .course_deg = (uint16_t)(60 + k / 8 % 30),
			   .altitude_m = (int16_t)(20 + k / 16 % 40),
			   .mileage_hm = (uint32_t)(1000000 + k * 2)};
	report_row_seal(&r);
	if (jt809_position_encode(&r, edition, data))
		abort();
}

/* Vehicle by vehicle within each run, a few places out of order, as a link brings them after a short cut. */
static void fill_stream(struct buf *out, size_t count, enum jt809_edition edition)
{
	uint8_t vehicle[JT809_VEHICLE];
	char plate[32];
	struct buf data = buf_init(1024), body = buf_init(2048);
	const struct jt809_cipher none = {0};
	for (size_t i = 0; i < count; i++) {
		size_t k = i / VEHICLES, late = k % 16 == 7 ? k - 3 : k % 16 == 4 ? k + 3 : k;
		struct jt809_header h = {.id = 0x1200,
					 .serial = (uint32_t)i,
					 .access_code = 1001,
					 .version = {1, 0, 0},
					 .is_2019 = edition == JT809_2019,
					 .time_ms = START_MS};
		snprintf(plate, sizeof plate, "2:闽C%05zu", i % VEHICLES);
		buf_clear(&data);
		buf_clear(&body);
		put_position(i % VEHICLES, late, edition, &data);
		if (jt809_plate_pack(plate, vehicle))
			abort();
		struct jt809_envelope e = {
			.vehicle = span_of(vehicle, sizeof vehicle), .sub_id = 0x1202, .data = buf_view(&data)};
		if (jt809_envelope_encode(&e, &body) || jt809_frame_encode(&h, &none, buf_view(&body), out))
			abort();
	}
	buf_deinit(&data);
	buf_deinit(&body);
}

/* Reports of one vehicle that wait to be a block, and their bodies. */
struct lane {
	struct report reports[RUN];
	uint8_t *bodies;
	size_t count, used;
};

struct sink {
	struct lane lanes[VEHICLES];
	struct buf block;
	uint64_t blocks, bytes;
};

/* Nearly in order: insertion is one pass. */
static void put_in_order(struct lane *l)
{
	for (size_t i = 1; i < l->count; i++) {
		struct report r = l->reports[i];
		size_t at = i;
		for (; at > 0 && report_compare(&l->reports[at - 1], &r) > 0; at--)
			l->reports[at] = l->reports[at - 1];
		l->reports[at] = r;
	}
}

static void seal(struct sink *s, struct lane *l)
{
	put_in_order(l);
	buf_clear(&s->block);
	if (l->count && block_encode(l->reports, l->count, &s->block))
		abort();
	s->blocks++;
	s->bytes += s->block.size;
	l->count = l->used = 0;
}

/* What the wire has: its reports; into `s` unless that is NULL. */
static size_t run_stream(struct span stream, enum jt809_edition edition, struct sink *s)
{
	static uint8_t scratch[JT809_FRAME_MAX], room[1024];
	size_t messages = 0;
	struct jt809_frame f;
	struct jt809_header h;
	struct jt809_envelope e;
	for (size_t at = 0; at < stream.size; at += f.consumed) {
		struct report spare = {0};
		size_t size;
		if (jt809_frame_next(span_of(stream.data + at, stream.size - at), scratch, &f) ||
		    jt809_header_decode(f.content, edition, &h) || jt809_envelope_decode(h.id, h.body, &e))
			abort();
		struct lane *l = s ? &s->lanes[h.serial % VEHICLES] : NULL;
		struct report *r = l ? &l->reports[l->count] : &spare;
		if (jt809_position_decode(e.data, l ? l->bodies + l->used : room, sizeof room, r, &size))
			abort();
		r->received_ms = r->time_ms + 800;
		messages++;
		if (!l)
			continue;
		l->used += size;
		if (++l->count == RUN)
			seal(s, l);
	}
	return messages;
}

static void measure(const char *what, struct span stream, size_t count, enum jt809_edition edition, struct sink *s,
		    unsigned repetitions)
{
	double best = 0, worst = 1e30;
	for (unsigned i = 0; i < repetitions; i++) {
		double began = cpu_seconds();
		if (s)
			s->bytes = s->blocks = 0;
		if (run_stream(stream, edition, s) != count)
			abort();
		for (size_t v = 0; s && v < VEHICLES; v++)
			if (s->lanes[v].count)
				seal(s, &s->lanes[v]);
		double rate = (double)count / (cpu_seconds() - began);
		best = rate > best ? rate : best;
		worst = rate < worst ? rate : worst;
	}
	printf("{\"what\":\"%s\",\"edition\":\"%s\",\"messages\":%zu,\"best_per_core_second\":%.0f,"
	       "\"worst_per_core_second\":%.0f,\"block_bytes_per_report\":%.2f}\n",
	       what, edition == JT809_2019 ? "2019" : "2011", count, best, worst,
	       s ? (double)s->bytes / (double)count : 0.0);
}

int main(int argc, char **argv)
{
	size_t count = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000000;
	unsigned repetitions = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 5;
	struct sink *s = calloc(1, sizeof *s);
	if (!s || !count)
		return 1;
	s->block = buf_init(BLOCK_BYTES_MAX + 65536);
	for (size_t i = 0; i < VEHICLES; i++)
		if (!(s->lanes[i].bodies = malloc(RUN * 256 + 1024)))
			return 1;
	for (unsigned edition = JT809_2011; edition <= JT809_2019; edition++) {
		struct buf stream = buf_init((size_t)1 << 31);
		fill_stream(&stream, count, (enum jt809_edition)edition);
		measure("1202-to-report", buf_view(&stream), count, (enum jt809_edition)edition, NULL, repetitions);
		measure("1202-order-encode", buf_view(&stream), count, (enum jt809_edition)edition, s, repetitions);
		buf_deinit(&stream);
	}
	for (size_t i = 0; i < VEHICLES; i++)
		free(s->lanes[i].bodies);
	buf_deinit(&s->block);
	free(s);
	return 0;
}
