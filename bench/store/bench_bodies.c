/* bench_bodies.c -- the store of a fleet whose reports carry what terminals of 2013 and 2019 send besides the position.
 *
 *   bench_bodies DIR [devices [seed]]
 *
 * Dataset A's arrivals (bench/dataset) as 0x0200 bodies with eight additional items, each with the time of its receipt,
 * through the engine into DIR, settled. What a body holds beyond the 28 bytes of its fixed part:
 *
 *   01 mileage            4 bytes   from the dataset
 *   02 fuel               2         falls while it moves, a tenth of a litre of slosh
 *   03 recorder speed     2         the GNSS speed, up to 0.3 km/h off
 *   25 vehicle signals    4         brake and indicators now and then when it moves
 *   2a IO status          2         constant
 *   2b analog inputs      4         two of 16 bits, three steps of noise
 *   30 radio signal       1         a walk between 12 and 31
 *   31 satellites         1         a walk between 8 and 20
 *
 * 36 bytes with their ids and lengths, and 8 for the receipt, 80 to 320 ms after the fix. What is drawn at random here
 * (fuel 5 bits while it moves and 1 always, recorder 2 while it moves, inputs 3.2, signal and satellites 1 each,
 * signals of the vehicle 0.3, the way 7.9) is some 2.2 bytes a point that no column can guess: the limit above what
 * `size` gives. Every report is read back, and its body compared with what was sent. Prints one JSON object. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/dataset/dataset.h"
#include "engine/core/hash.h"
#include "engine/fleet/engine.h"
#include "ingest/jt808/jt808.h"

#define BODY_BYTES 128

static void must(enum status status, const char *what)
{
	if (status == STATUS_OK)
		return;
	fprintf(stderr, "bench_bodies: %s: %s\n", what, status_text(status));
	exit(1);
}

/* What a terminal knows beside its position. */
struct extras {
	uint64_t random;
	uint32_t fuel_ml;
	uint8_t signal, satellites;
};

/* xorshift64* (S. Vigna 2016) */
static uint32_t draw(struct extras *x, uint32_t below)
{
	x->random ^= x->random >> 12;
	x->random ^= x->random << 25;
	x->random ^= x->random >> 27;
	return (uint32_t)((x->random * UINT64_C(0x2545f4914f6cdd1d)) >> 33) % below;
}

static uint8_t walk(struct extras *x, uint8_t at, uint8_t low, uint8_t high)
{
	uint32_t step = draw(x, 8);
	if (step == 0 && at > low)
		return (uint8_t)(at - 1);
	return (uint8_t)(step == 1 && at < high ? at + 1 : at);
}

static void put_item(struct buf *out, uint8_t id, uint8_t size, uint32_t value)
{
	uint8_t bytes[4];
	store_be32(bytes, value);
	must(jt808_item_encode(id, span_of(bytes + 4 - size, size), out), "an item");
}

static void make_body(const struct report *r, struct extras *x, struct buf *out)
{
	bool moves = r->speed_dkmh > 20;
	struct jt808_location l = {.alarm = r->alarm,
				   .status = r->status,
				   .lat_e6 = r->lat_e7 / 10,
				   .lon_e6 = r->lon_e7 / 10,
				   .altitude_m = r->altitude_m,
				   .speed_dkmh = r->speed_dkmh,
				   .course_deg = r->course_deg,
				   .time_ms = r->time_ms};
	buf_clear(out);
	must(jt808_location_encode(&l, out), "a body");
	x->fuel_ml -= moves && x->fuel_ml > 100 ? 40 + draw(x, 20) : 0;
	x->signal = walk(x, x->signal, 12, 31);
	x->satellites = walk(x, x->satellites, 8, 20);
	uint32_t recorder = r->speed_dkmh + (moves ? draw(x, 4) : 0);
	put_item(out, 0x01, 4, (uint32_t)r->mileage_hm);
	put_item(out, 0x02, 2, x->fuel_ml / 100 + draw(x, 2));
	put_item(out, 0x03, 2, recorder);
	put_item(out, 0x25, 4, moves && draw(x, 10) == 0 ? 1u << draw(x, 5) : 0);
	put_item(out, 0x2a, 2, 0);
	put_item(out, 0x2b, 4, (1200 + draw(x, 3)) << 16 | (800 + draw(x, 3)));
	put_item(out, 0x30, 1, x->signal);
	put_item(out, 0x31, 1, x->satellites);
}

static uint64_t device_of(uint32_t number)
{
	char phone[16];
	snprintf(phone, sizeof phone, "1380%07" PRIu32, number);
	return device_id(DEVICE_KIND_JT808, span_of_string(phone));
}

static void register_devices(struct engine *e, uint32_t devices)
{
	for (uint32_t i = 0; i < devices; i++) {
		struct registry_change class_of = {DEVICE_FIELD_CLASS, span_of_string("muck")};
		must(registry_apply(engine_registry(e), device_of(i), DEVICE_KIND_JT808, &class_of, 1,
				    VALID_ALWAYS_FROM, "bench", NULL),
		     "registering");
	}
}

struct written {
	uint64_t rows, distinct, body_bytes;
	uint64_t *digests; /* of every device: the sum of its bodies' hashes, each once */
};

/* A report that the dataset repeats would be the same body again: it is left out. */
static void write_all(struct engine *e, const struct dataset_options *o, struct written *w)
{
	struct dataset *d;
	struct dataset_arrival a;
	struct bulk *bulk;
	struct buf body = buf_init(BODY_BYTES);
	size_t slots = o->seconds / o->interval_s + 2;
	uint8_t *seen = calloc((size_t)o->devices * slots / 8 + 1, 1);
	struct extras *extras = calloc(o->devices, sizeof *extras);
	w->digests = calloc(o->devices, sizeof *w->digests);
	if (!seen || !extras || !w->digests)
		must(STATUS_NO_MEMORY, "beginning");
	for (uint32_t i = 0; i < o->devices; i++)
		extras[i] = (struct extras){o->seed * 1000003 + i + 1, 300000, 25, 14};
	must(dataset_new(o, &d), "making the data");
	must(bulk_open(e, &bulk), "bulk");
	while (dataset_next(d, &a)) {
		size_t slot = a.device * slots + (size_t)((a.report.time_ms - o->start_ms) / 1000 / o->interval_s);
		w->rows++;
		if (seen[slot / 8] >> slot % 8 & 1)
			continue; /* what came twice is there once */
		seen[slot / 8] |= (uint8_t)(1 << slot % 8);
		struct report r;
		make_body(&a.report, &extras[a.device], &body);
		must(report_from_jt808(buf_view(&body), &r), "reading the body");
		r.received_ms = a.arrival_ms + 80 + draw(&extras[a.device], 240);
		must(bulk_add(bulk, device_of(a.device), &r), "adding");
		w->distinct++;
		w->body_bytes += body.size;
		w->digests[a.device] += hash64(buf_view(&body));
	}
	must(bulk_close(bulk), "closing");
	dataset_free(d);
	buf_deinit(&body);
	free(seen);
	free(extras);
}

/* Every body comes back bit for bit. */
static void read_all(struct engine *e, uint32_t devices, const struct written *w)
{
	struct buf body = buf_init(BODY_BYTES);
	uint64_t rows = 0;
	for (uint32_t i = 0; i < devices; i++) {
		struct track *t;
		struct report r;
		uint64_t digest = 0;
		enum status status;
		must(track_open(e, device_of(i), INT64_MIN, INT64_MAX, &t), "a track");
		while (!(status = track_next(t, &r))) {
			buf_clear(&body);
			must(report_body(&r, &body), "a body back");
			digest += hash64(buf_view(&body));
			rows++;
		}
		track_close(t);
		must(status == STATUS_END ? STATUS_OK : status, "reading");
		must(digest == w->digests[i] ? STATUS_OK : STATUS_CORRUPT, "comparing");
	}
	must(rows == w->distinct ? STATUS_OK : STATUS_CORRUPT, "counting");
	buf_deinit(&body);
}

int main(int argc, char **argv)
{
	struct dataset_options o = dataset_a();
	struct written w = {0};
	struct engine *e;
	if (argc < 2)
		return 2;
	o.devices = argc > 2 ? (uint32_t)atoi(argv[2]) : 200;
	o.seed = argc > 3 ? (uint64_t)atoll(argv[3]) : 1;
	struct engine_options options = engine_options_default(argv[1]);
	must(engine_open(&options, &e), argv[1]);
	register_devices(e, o.devices);
	write_all(e, &o, &w);
	must(engine_settle(e), "settling");
	engine_close(e);
	must(engine_open(&options, &e), "opening again");
	read_all(e, o.devices, &w);
	engine_close(e);
	printf("{\"rows\":%" PRIu64 ",\"distinct\":%" PRIu64 ",\"body_bytes\":%.1f}\n", w.rows, w.distinct,
	       (double)w.body_bytes / (double)w.distinct);
	free(w.digests);
	return 0;
}
