/* How many 0x0200 messages a core-second takes from wire bytes in memory to a canonical report: find the flags, undo
 * the escapes, check the XOR, read the header, make the report (with its XXH3 identity). Beside it, the same without
 * the report, with the 0x8001 written, and a bare loop over the same bytes.
 *
 * Limit: the wire frame is about 50 bytes (28 + one item of mileage); a streaming read passes 24 GB/s, so memory allows
 * 480 M/s; the work is two searches, a copy of 47 bytes and one hash of 34: 20-22 M/s for unescape, XOR and parse.
 *
 *   bench_jt808 [MESSAGES [REPETITIONS]]      one line of JSON a figure */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "engine/series/report.h"
#include "ingest/jt808/jt808.h"

static double cpu_seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* `count` reports of trucks around the bay, one every 10 s. */
static void fill_stream(struct buf *out, size_t count)
{
	struct jt808_header like = {.phone = {0x01, 0x38, 0, 0, 0, 0}, .phone_size = 6};
	uint16_t serial = 0;
	uint8_t mileage[4];
	struct buf body = buf_init(256);
	for (size_t i = 0; i < count; i++) {
		struct jt808_location l = {.status = 3,
					   .lat_e6 = (int32_t)(24800000 + i * 7919 % 300000),
					   .lon_e6 = (int32_t)(118500000 + i * 104729 % 400000),
					   .altitude_m = (int16_t)(i % 90),
					   .speed_dkmh = (uint16_t)(i * 31 % 900),
					   .course_deg = (uint16_t)(i * 17 % 360),
					   .time_ms = INT64_C(1780000000000) + (int64_t)(i / 2000) * 10000};
		like.phone[4] = (uint8_t)(i / 10 % 10 << 4 | i % 10);
		buf_clear(&body);
		store_be32(mileage, (uint32_t)(100000 + i));
		if (jt808_location_encode(&l, &body) || jt808_item_encode(0x01, span_of(mileage, 4), &body) ||
		    jt808_message_encode(0x0200, &like, buf_view(&body), JT808_BODY_MAX, &serial, out))
			abort();
	}
	buf_deinit(&body);
}

/* The least that must be done to the same bytes: undo the escapes, XOR, load the fields. No bound is checked, no
 * identity made, no calendar reckoned. */
static uint64_t run_bare(struct span stream, size_t *out_messages)
{
	uint8_t content[JT808_FRAME_MAX];
	const uint8_t *at = stream.data, *end = at + stream.size;
	uint64_t sum = 0;
	size_t messages = 0;
	while (at < end) {
		uint8_t *to = content, xor = 0;
		for (at++; *at != 0x7e; at++) {
			uint8_t byte = *at;
			if (byte == 0x7d)
				byte = *++at == 0x02 ? 0x7e : 0x7d;
			*to++ = byte;
			xor ^= byte;
		}
		at++;
		messages += xor == 0;
		const uint8_t *body = content + 12;
		sum += load_be16(content) + load_be16(content + 10) + load_be32(body) + load_be32(body + 4) +
		       load_be32(body + 8) + load_be32(body + 12) + load_be16(body + 16) + load_be16(body + 18) +
		       load_be16(body + 20) + load_be32(body + 22) + load_be16(body + 26) + load_be32(body + 30);
	}
	*out_messages = messages;
	return sum;
}

enum depth { BARE, FRAMES, REPORTS, ACKS };

/* A number that depends on every message, so that none is left out. */
static uint64_t run(struct span stream, enum depth depth, size_t *out_messages)
{
	if (depth == BARE)
		return run_bare(stream, out_messages);
	uint8_t scratch[JT808_FRAME_MAX], ack[JT808_ACK_MAX];
	struct jt808_frame f;
	struct jt808_header h;
	struct report r;
	uint64_t sum = 0;
	size_t messages = 0;
	while (jt808_frame_next(stream, scratch, &f) == STATUS_OK) {
		stream = span_of(stream.data + f.consumed, stream.size - f.consumed);
		messages++;
		if (jt808_header_decode(f.content, &h))
			abort();
		sum += h.serial;
		if (depth == FRAMES)
			continue;
		if (report_from_jt808(h.body, &r))
			abort();
		sum += r.hash;
		if (depth == ACKS)
			sum += jt808_ack_write(&h, (uint16_t)messages, h.serial, h.message_id, 0, ack) + ack[10];
	}
	*out_messages = messages;
	return sum;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static void measure(const char *name, struct span stream, enum depth depth, size_t count, size_t repetitions)
{
	double rates[100] = {0};
	uint64_t sum = 0;
	for (size_t i = 0; i < repetitions; i++) {
		size_t messages;
		double start = cpu_seconds();
		sum ^= run(stream, depth, &messages);
		rates[i] = (double)messages / (cpu_seconds() - start) / 1e6;
		if (messages != count)
			abort();
	}
	qsort(rates, repetitions, sizeof rates[0], by_value);
	printf("{\"name\":\"%s\",\"value\":%.2f,\"unit\":\"M messages/core-second\",\"low\":%.2f,\"high\":%.2f,"
	       "\"repetitions\":%zu,\"check\":\"%016llx\"}\n",
	       name, rates[repetitions / 2], rates[0], rates[repetitions - 1], repetitions, (unsigned long long)sum);
}

int main(int argc, char **argv)
{
	size_t count = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000000;
	size_t repetitions = argc > 2 ? strtoul(argv[2], NULL, 10) : 9;
	if (count == 0 || repetitions == 0 || repetitions > 100)
		return 2;
	struct buf stream = buf_init(count * 160);
	fill_stream(&stream, count);
	printf("{\"name\":\"wire_bytes_per_message\",\"value\":%.1f,\"unit\":\"bytes\"}\n",
	       (double)stream.size / (double)count);
	measure("bare_loop", buf_view(&stream), BARE, count, repetitions);
	measure("frame_and_header", buf_view(&stream), FRAMES, count, repetitions);
	measure("frame_to_report", buf_view(&stream), REPORTS, count, repetitions);
	measure("frame_to_report_and_ack", buf_view(&stream), ACKS, count, repetitions);
	buf_deinit(&stream);
	return 0;
}
