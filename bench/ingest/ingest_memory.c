/* ingest_memory.c -- what one core does with reports once their bytes are there: from frames to encoded blocks.
 *
 *   ingest_memory [devices [repetitions]]
 *
 * A day of dataset A's vehicles as JT/T 808 frames (0x0200 with the odometer item) lies in memory in the order of
 * arrival, late and doubled ones included. One thread unescapes, checks and decodes; reports are applied TURN at a
 * time, as a shard applies what became durable together: it appends to the head of the device, cuts full heads, orders,
 * drops what came twice and encodes blocks: all that the shard and the writer do between socket and disk but journal
 * and store. Limits: unescaping and parsing alone 21 M a core-second; encoding 60 to 160 M; ordering 20 M: together
 * about 9 M.
 *
 * CPU time of the process. The blocks are checked to hold every distinct report. Prints one JSON object. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "bench/dataset/dataset.h"
#include "engine/fleet/head.h"
#include "engine/series/block.h"
#include "ingest/jt808/jt808.h"

#define REPETITIONS_MAX 64
/* reports that become durable together: what one sync of the journal brings at some 30,000 reports a second */
#define TURN 64

struct arrivals {
	struct buf wire;
	int64_t *received_ms; /* frame by frame */
	size_t count;
};

struct result {
	uint64_t sealed, duplicates, bytes;
};

static void must(enum status status, const char *what)
{
	if (status == STATUS_OK)
		return;
	fprintf(stderr, "ingest_memory: %s: %s\n", what, status_text(status));
	exit(1);
}

static double cpu_seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void add_frame(struct buf *wire, struct buf *body, const struct dataset_arrival *a)
{
	struct jt808_header like = {.phone_size = 6};
	const struct report *r = &a->report;
	struct jt808_location l = {r->alarm,      r->status,     r->lat_e7 / 10, r->lon_e7 / 10,
				   r->altitude_m, r->speed_dkmh, r->course_deg,  r->time_ms};
	uint16_t serial = (uint16_t)(r->time_ms / 10000);
	uint8_t mileage[4];
	char phone[16];
	snprintf(phone, sizeof phone, "1380%07" PRIu32, a->device);
	must(jt808_phone_pack(span_of_string(phone), like.phone, 6), "phone");
	store_be32(mileage, r->mileage_hm);
	buf_clear(body);
	must(jt808_location_encode(&l, body), "body");
	must(jt808_item_encode(0x01, span_of(mileage, 4), body), "item");
	must(jt808_message_encode(0x0200, &like, buf_view(body), JT808_BODY_MAX, &serial, wire), "frame");
}

static struct arrivals make_arrivals(const struct dataset_options *options)
{
	struct dataset *d;
	struct dataset_arrival a;
	struct buf body = buf_init(1024);
	size_t most = (size_t)options->devices * (options->seconds / options->interval_s + 1) * 102 / 100 + 1000;
	struct arrivals out = {buf_init(most * 120), malloc(most * sizeof(int64_t)), 0};
	must(out.received_ms ? dataset_new(options, &d) : STATUS_NO_MEMORY, "making the data");
	while (out.count < most && dataset_next(d, &a)) {
		out.received_ms[out.count++] = a.arrival_ms;
		add_frame(&out.wire, &body, &a);
	}
	dataset_free(d);
	buf_deinit(&body);
	return out;
}

static void cut(struct heads *heads, struct head *head, bool everything, struct buf *block, struct result *sum)
{
	static struct report slice[BLOCK_REPORTS_MAX];
	struct seal *seal;
	size_t freed;
	must(head_cut(heads, head, everything, &seal, &sum->duplicates, &freed), "cutting a head");
	if (!seal)
		return;
	for (uint32_t at = 0, n; at < seal->sealed; at += n) {
		n = head_slice(seal->run.reports, at, seal->sealed);
		for (uint32_t i = 0; i < n; i++)
			slice[i] = head_run_report(&seal->run, at + i);
		buf_clear(block);
		must(block_encode(slice, n, block), "encoding");
		sum->bytes += block->size;
		sum->sealed += n;
	}
	head_sealed(heads, seal);
}

/* A connection knows its device; a stream of many has only the phone. */
static uint64_t device_of(const struct jt808_header *h)
{
	uint64_t z =
		(((uint64_t)load_be16(h->phone) << 32 | load_be32(h->phone + 2)) + 1) * UINT64_C(0x9e3779b97f4a7c15);
	return z ^ z >> 29;
}

/* What the ring of a shard holds between reading and the end of a sync. */
struct waiting {
	struct report reports[TURN];
	uint64_t devices[TURN];
	uint8_t unescaped[TURN * JT808_FRAME_MAX]; /* bodies that do not lie in the wire as they are */
};

static void decode(struct span *wire, const int64_t *received_ms, size_t count, struct waiting *w)
{
	uint8_t *scratch = w->unescaped;
	for (size_t i = 0; i < count; i++) {
		struct jt808_frame frame;
		struct jt808_header h;
		must(jt808_frame_next(*wire, scratch, &frame), "frame");
		*wire = span_of(wire->data + frame.consumed, wire->size - frame.consumed);
		if (frame.content.data == scratch)
			scratch += frame.content.size;
		must(jt808_header_decode(frame.content, &h), "header");
		must(report_from_jt808(h.body, &w->reports[i]), "report");
		w->reports[i].received_ms = received_ms[i];
		w->devices[i] = device_of(&h);
	}
}

static struct result take_in(const struct arrivals *in)
{
	struct heads heads;
	struct result sum = {0};
	struct buf block = buf_init(BLOCK_BYTES_MAX);
	struct span rest = buf_view(&in->wire);
	static struct waiting w;
	must(heads_init(&heads), "heads");
	for (size_t i = 0, n; i < in->count; i += n) {
		struct head *of[TURN];
		size_t grown;
		n = in->count - i < TURN ? in->count - i : TURN;
		decode(&rest, in->received_ms + i, n, &w);
		must(heads_need_many(&heads, w.devices, n, of), "heads");
		for (size_t k = 0; k < n; k++) {
			must(head_append(&heads, of[k], &w.reports[k], &grown), "head");
			if (of[k]->run.count >= HEAD_REPORTS_MAX)
				cut(&heads, of[k], false, &block, &sum);
		}
	}
	for (uint32_t i = 0; i < heads.count; i++)
		cut(&heads, heads.all[i], true, &block, &sum);
	heads_deinit(&heads);
	buf_deinit(&block);
	return sum;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	struct dataset_options options = dataset_a();
	double rates[REPETITIONS_MAX];
	options.devices = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 200;
	size_t repetitions = argc > 2 ? strtoul(argv[2], NULL, 10) : 7;
	if (!options.devices || options.devices > 5000 || !repetitions || repetitions > REPETITIONS_MAX)
		return 2;
	struct arrivals in = make_arrivals(&options);
	struct result sum = {0};
	for (size_t i = 0; i < repetitions; i++) {
		double start = cpu_seconds();
		sum = take_in(&in);
		rates[i] = (double)in.count / (cpu_seconds() - start) / 1e6;
		if (sum.sealed + sum.duplicates != in.count ||
		    sum.sealed < (uint64_t)options.devices * (options.seconds / options.interval_s - 1))
			must(STATUS_CORRUPT, "the blocks do not hold every report");
	}
	qsort(rates, repetitions, sizeof rates[0], by_value);
	printf("{\"value\":%.3f,\"low\":%.3f,\"high\":%.3f,\"repetitions\":%zu,\"seed\":%" PRIu64 ",\"reports\":%zu,"
	       "\"wire_bytes\":%.1f,\"block_bytes\":%.3f}\n",
	       rates[repetitions / 2], rates[0], rates[repetitions - 1], repetitions, options.seed, in.count,
	       (double)in.wire.size / (double)in.count, (double)sum.bytes / (double)sum.sealed);
	buf_deinit(&in.wire);
	free(in.received_ms);
	return 0;
}
