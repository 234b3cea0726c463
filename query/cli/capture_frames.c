#include "query/cli/capture_frames.h"

#include <stdlib.h>

#include "engine/core/hash.h"
#include "ingest/jt808/fragments.h"

#define MESSAGE_LOCATION 0x0200
#define MESSAGE_LOCATION_ANSWER 0x0201
#define MESSAGE_CONTROL_ANSWER 0x0500
#define MESSAGE_BATCH 0x0704
#define BATCH_BACKFILL 1

/* a capture has many terminals at once, each with few split messages */
#define SPLIT_BYTES_MAX (64u << 20)

struct capture_frames {
	struct capture *capture;
	struct name_index *names;
	struct fragments *fragments;
	const struct track_sink *sink; /* while a step runs */
	struct capture_run run;
	uint64_t frames, others, offset, line;
	size_t unused;
	bool last;
};

enum status capture_frames_open(csv_read *read, void *context, int64_t zone_ms, struct name_index *names,
				struct capture_frames **out)
{
	const struct fragment_limits limits = {4096, SPLIT_BYTES_MAX, 16, MESSAGE_BYTES_MAX * 2, INT64_MAX / 2};
	struct capture_frames *c = calloc(1, sizeof *c);
	if (!c)
		return STATUS_NO_MEMORY;
	c->names = names;
	c->fragments = fragments_new(&limits);
	enum status status =
		c->fragments ? capture_open(read, context, CAPTURE_DETECT, zone_ms, &c->capture) : STATUS_NO_MEMORY;
	if (status) {
		capture_frames_close(c);
		return status;
	}
	*out = c;
	return STATUS_OK;
}

void capture_frames_close(struct capture_frames *c)
{
	if (!c)
		return;
	capture_close(c->capture);
	fragments_free(c->fragments);
	free(c);
}

static uint64_t number_here(const struct capture_frames *c)
{
	return c->run.line ? c->run.line : c->frames;
}

static void refuse(struct capture_frames *c, enum status status, struct span bytes)
{
	char hex[2 * 31 + 1];
	hex_encode(hex, span_of(bytes.data, bytes.size < 31 ? bytes.size : 31));
	c->sink->refused(c->sink->context,
			 &(struct refused){number_here(c), TRACK_FIELD_FRAME, status, span_of_string(hex)});
}

static enum status put(struct capture_frames *c, uint32_t device, struct span body, uint16_t flags)
{
	struct report r;
	enum status status = report_from_jt808(body, &r);
	if (status) {
		refuse(c, status, body);
		return STATUS_OK;
	}
	r.received_ms = c->run.received_ms;
	if (r.received_ms == RECEIVED_UNKNOWN)
		flags |= REPORT_FLAG_BACKFILL;
	else if (r.time_ms - r.received_ms > FUTURE_SKEW_MAX_MS)
		flags |= REPORT_FLAG_FUTURE;
	r.flags |= flags;
	return c->sink->report(c->sink->context, number_here(c), device, &r);
}

static enum status put_batch(struct capture_frames *c, uint32_t device, struct span body)
{
	struct jt808_bodies bodies;
	struct span one;
	enum status status = jt808_batch_decode(body, &bodies), found = STATUS_OK;
	if (status) {
		refuse(c, status, body);
		return STATUS_OK;
	}
	uint16_t flags = REPORT_FLAG_FROM_BATCH | (bodies.type == BATCH_BACKFILL ? REPORT_FLAG_BACKFILL : 0);
	while (!status && (found = jt808_batch_next(&bodies, &one)) == STATUS_OK)
		status = put(c, device, one, flags);
	if (!status && found != STATUS_END)
		refuse(c, found, body);
	return status;
}

static enum status put_message(struct capture_frames *c, uint16_t message_id, uint32_t device, struct span body)
{
	uint16_t serial;
	struct span location;
	enum status status;
	switch (message_id) {
	case MESSAGE_LOCATION:
		return put(c, device, body, 0);
	case MESSAGE_BATCH:
		return put_batch(c, device, body);
	case MESSAGE_LOCATION_ANSWER:
	case MESSAGE_CONTROL_ANSWER:
		status = jt808_answered_location_decode(body, &serial, &location);
		if (!status)
			return put(c, device, location, 0);
		refuse(c, status, body);
		return STATUS_OK;
	default:
		c->others++;
		return STATUS_OK;
	}
}

static enum status take_content(struct capture_frames *c, struct span content)
{
	struct jt808_header h;
	struct fragment_set set;
	char phone[JT808_PHONE_TEXT_MAX];
	uint32_t device;
	enum status status = jt808_header_decode(content, &h);
	if (!status && h.encryption)
		status = STATUS_ENCRYPTED;
	if (status) {
		refuse(c, status, content);
		return STATUS_OK;
	}
	jt808_phone_text(&h, phone);
	status = name_index_take(c->names, span_of_string(phone), &device);
	if (status)
		return status;
	struct span body = h.body;
	if (h.is_fragment) {
		status = fragments_add(c->fragments, hash64(span_of_string(phone)), &h, 0, &set, &body);
		if (status == STATUS_NEED_MORE || status == STATUS_EXISTS)
			return STATUS_OK;
		if (status == STATUS_NO_MEMORY)
			return status;
	}
	if (status) {
		refuse(c, status, content);
		return STATUS_OK;
	}
	return put_message(c, h.message_id, device, body);
}

/* All frames of the run; `unused` is what may be the beginning of one. */
static enum status take_run(struct capture_frames *c)
{
	uint8_t scratch[JT808_FRAME_MAX];
	struct jt808_frame frame;
	struct span rest = c->run.bytes;
	enum status status = STATUS_OK;
	while (!status && rest.size) {
		enum status found = jt808_any_frame_next(rest, scratch, &frame);
		if (frame.skipped && found != STATUS_NEED_MORE && rest.data[0] != jt808_flag(frame.framing))
			refuse(c, STATUS_MALFORMED, span_of(rest.data, frame.skipped));
		rest = span_of(rest.data + frame.consumed, rest.size - frame.consumed);
		if (found == STATUS_NEED_MORE)
			break;
		c->frames++;
		if (found)
			refuse(c, found, frame.raw);
		else
			status = take_content(c, frame.content);
	}
	c->unused = rest.size;
	return status;
}

/* Messages whose parts are not all in the file. */
static void refuse_open_messages(struct capture_frames *c)
{
	struct fragment_set set;
	while (fragments_expire(c->fragments, INT64_MAX, &set) == STATUS_OK)
		refuse(c, STATUS_NEED_MORE, span_of(NULL, 0));
}

enum status capture_frames_step(struct capture_frames *c, const struct track_sink *sink)
{
	c->sink = sink;
	enum status status = c->last ? STATUS_END : capture_next(c->capture, c->unused, &c->run);
	if (status == STATUS_END) {
		refuse_open_messages(c);
		return status;
	}
	bool raw = capture_form(c->capture) == CAPTURE_RAW;
	if (status == STATUS_MALFORMED || status == STATUS_BAD_TIME || status == STATUS_TOO_LONG) {
		struct refused refused = {c->run.line, TRACK_FIELD_ROW, status, c->run.bytes};
		sink->refused(sink->context, &refused);
		status = STATUS_OK;
		c->unused = 0;
	} else if (!status) {
		status = take_run(c);
	}
	if (status)
		return status;
	c->last = raw && c->run.last;
	if (c->unused > 1 && (!raw || c->last)) /* one byte is the closing flag of the last frame */
		refuse(c, STATUS_NEED_MORE, span_of(c->run.bytes.data + c->run.bytes.size - c->unused, c->unused));
	c->offset = capture_offset(c->capture) - (raw ? c->unused : 0);
	c->line = capture_line(c->capture);
	c->unused = raw ? c->unused : 0;
	return STATUS_OK;
}

uint64_t capture_frames_offset(const struct capture_frames *c)
{
	return c->offset;
}

uint64_t capture_frames_line(const struct capture_frames *c)
{
	return c->line;
}

uint64_t capture_frames_others(const struct capture_frames *c)
{
	return c->others;
}

void capture_frames_resume(struct capture_frames *c, uint64_t offset, uint64_t line)
{
	capture_resume(c->capture, offset, line);
	c->offset = offset;
	c->line = line;
	c->unused = 0;
	c->last = false;
}
