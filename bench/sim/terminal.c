#include "bench/sim/terminal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/core/hash.h"
#include "engine/series/report.h"

/* times between tries of a terminal that lost its connection, and between heartbeats */
#define RETRY_MS 2000
#define HEARTBEAT_MS 60000
#define BUFFER_MAX (4u << 20)

static void must(enum status status)
{
	if (status) {
		fprintf(stderr, "simulator: %s\n", status_text(status));
		abort();
	}
}

void terminal_init(struct terminal *t, uint32_t index, uint64_t seed, const struct terminal_options *options,
		   struct sim_counters *counters)
{
	memset(t, 0, sizeof *t);
	t->options = options;
	t->counters = counters;
	t->index = index;
	t->edition = (enum jt808_edition)(index % 3);
	t->like.is_2019 = t->edition == JT808_2019;
	t->like.version = t->like.is_2019 ? 1 : 0;
	t->like.phone_size = t->like.is_2019 ? 10 : 6;
	snprintf(t->phone, sizeof t->phone, "139%08u", 5950000 + index);
	must(jt808_phone_pack(span_of_string(t->phone), t->like.phone, t->like.phone_size));
	drive_init(&t->drive, seed + index);
	t->next_ms = options->begin_ms + (int64_t)(index % (uint32_t)options->interval_s) * 1000;
	t->in = buf_init(BUFFER_MAX);
	t->out[0] = t->out[1] = buf_init(BUFFER_MAX);
	for (int i = 0; i < TERMINAL_WINDOW; i++)
		t->window[i].wire = buf_init(65536);
}

/* --- out --- */

static void flush(struct terminal *t);

static void on_written(uv_write_t *request, int status)
{
	struct terminal *t = request->data;
	t->writing = false;
	buf_clear(&t->out[!t->filling]);
	if (status == 0 && t->open)
		flush(t);
}

static void flush(struct terminal *t)
{
	struct buf *b = &t->out[t->filling];
	if (t->writing || !b->size || !t->open)
		return;
	uv_buf_t view = uv_buf_init((char *)b->data, (unsigned)b->size);
	t->filling = !t->filling;
	t->writing = true;
	t->write.data = t;
	t->counters->bytes_sent += b->size;
	if (uv_write(&t->write, (uv_stream_t *)&t->tcp, &view, 1, on_written)) {
		t->writing = false;
		buf_clear(b);
	}
}

static void send_message(struct terminal *t, uint16_t id, struct span body)
{
	must(jt808_message_encode(id, &t->like, body, JT808_BODY_MAX, &t->serial, &t->out[t->filling]));
}

static void send_register(struct terminal *t)
{
	struct jt808_register r = {.edition = t->edition, .province = 35, .city = 521, .plate_colour = 2};
	struct buf body = buf_init(1024);
	snprintf(r.manufacturer, sizeof r.manufacturer, "ZYSIM");
	snprintf(r.model, sizeof r.model, "SIM-1");
	snprintf(r.terminal_id, sizeof r.terminal_id, "S%06u", t->index);
	snprintf(r.plate, sizeof r.plate, "闽CY%04u", t->index % 10000);
	must(jt808_register_encode(&r, &body));
	send_message(t, 0x0100, buf_view(&body));
	buf_deinit(&body);
	t->state = TERMINAL_REGISTERING;
}

static void send_auth(struct terminal *t)
{
	struct jt808_auth a = {.code = span_of_string(t->code)};
	struct buf body = buf_init(1024);
	snprintf(a.imei, sizeof a.imei, "860000000%06u", t->index % 1000000);
	snprintf(a.software, sizeof a.software, "sim 1");
	must(jt808_auth_encode(&a, t->like.is_2019, &body));
	send_message(t, 0x0102, buf_view(&body));
	buf_deinit(&body);
	t->state = TERMINAL_AUTHENTICATING;
}

static void send_driver(struct terminal *t)
{
	struct jt808_driver d = {.edition = t->edition, .has_time = t->edition != JT808_2011, .status = 1};
	struct buf body = buf_init(1024);
	d.time_ms = t->next_ms;
	snprintf(d.name, sizeof d.name, "演示%u", t->index);
	snprintf(d.licence, sizeof d.licence, "35052100%010u", t->index);
	snprintf(d.authority, sizeof d.authority, "演示数据");
	snprintf(d.id_card, sizeof d.id_card, "35052100%010u", t->index);
	snprintf(d.expiry, sizeof d.expiry, "20301231");
	must(jt808_driver_encode(&d, &body));
	send_message(t, 0x0702, buf_view(&body));
	buf_deinit(&body);
}

/* One 0x0200 body at `t->next_ms`; advances it. */
static void make_body(struct terminal *t, struct buf *out)
{
	struct drive_fix fix;
	uint8_t value[4];
	drive_step(&t->drive, t->options->interval_s, &fix);
	uint32_t status = STATUS_BIT_FIX | (fix.moving ? STATUS_BIT_ACC : 0) | (fix.loaded ? 3u << 8 : 0) | 3u << 18;
	struct jt808_location l = {
		.alarm = fix.speed_dkmh > 800 ? 2 : 0,
		.status = status,
		.lat_e6 = fix.lat_e6,
		.lon_e6 = fix.lon_e6,
		.altitude_m = fix.altitude_m,
		.speed_dkmh = fix.speed_dkmh,
		.course_deg = fix.course_deg,
		.time_ms = t->next_ms,
	};
	must(jt808_location_encode(&l, out));
	store_be32(value, fix.mileage_hm);
	must(jt808_item_encode(0x01, span_of(value, 4), out));
	store_be16(value, fix.speed_dkmh);
	must(jt808_item_encode(0x03, span_of(value, 2), out));
	value[0] = (uint8_t)(20 + drive_random(&t->drive.random) % 8);
	must(jt808_item_encode(0x30, span_of(value, 1), out));
	value[0] = (uint8_t)(9 + drive_random(&t->drive.random) % 6);
	must(jt808_item_encode(0x31, span_of(value, 1), out));
	t->next_ms += (int64_t)t->options->interval_s * 1000;
}

static void note_report(struct in_flight *f, int64_t time_ms, struct span body)
{
	f->time_ms[f->count] = time_ms;
	f->hash[f->count++] = hash64(body);
}

static void fill_single(struct terminal *t, struct in_flight *f, struct buf *body)
{
	int64_t time_ms = t->next_ms;
	make_body(t, body);
	f->message_id = 0x0200;
	note_report(f, time_ms, buf_view(body));
}

static void fill_batch(struct terminal *t, struct in_flight *f, struct buf *body, uint32_t count)
{
	struct buf one = buf_init(1024);
	f->message_id = 0x0704;
	must(buf_append_be16(body, (uint16_t)count));
	must(buf_append_u8(body, 1));
	for (uint32_t i = 0; i < count; i++) {
		int64_t time_ms = t->next_ms;
		buf_clear(&one);
		make_body(t, &one);
		must(buf_append_be16(body, (uint16_t)one.size));
		must(buf_append(body, one.data, one.size));
		note_report(f, time_ms, buf_view(&one));
	}
	buf_deinit(&one);
}

static struct in_flight *free_slot(struct terminal *t)
{
	for (int i = 0; i < TERMINAL_WINDOW; i++)
		if (!t->window[i].waiting)
			return &t->window[i];
	return NULL;
}

static void send_next(struct terminal *t, int64_t now_ms)
{
	struct in_flight *f = free_slot(t);
	struct buf body = buf_init(65536);
	int64_t behind = (now_ms - t->next_ms) / 1000 / t->options->interval_s;
	uint32_t batch = drive_random(&t->drive.random) % 10
				 ? 1
				 : 2 + (uint32_t)(drive_random(&t->drive.random) % (TERMINAL_BATCH_MAX - 1));
	f->count = 0;
	if (batch > 1 && behind > batch)
		fill_batch(t, f, &body, batch);
	else
		fill_single(t, f, &body);
	f->serial = t->serial;
	buf_clear(&f->wire);
	must(jt808_message_encode(f->message_id, &t->like, buf_view(&body), JT808_BODY_MAX, &t->serial, &f->wire));
	f->last_serial = (uint16_t)(t->serial - 1);
	f->waiting = true;
	t->waiting++;
	t->counters->sent += f->count;
	must(buf_append(&t->out[t->filling], f->wire.data, f->wire.size));
	buf_deinit(&body);
}

/* --- in --- */

static void remember(struct terminal *t, const struct in_flight *f)
{
	if (t->acked_count + f->count > t->acked_capacity) {
		t->acked_capacity = t->acked_capacity ? t->acked_capacity * 2 : 256;
		t->acked = realloc(t->acked, t->acked_capacity * sizeof *t->acked);
		if (!t->acked)
			abort();
	}
	for (int i = 0; i < f->count; i++)
		t->acked[t->acked_count++] = (struct acknowledged){f->time_ms[i], f->hash[i]};
}

static void on_reply(struct terminal *t, const struct jt808_reply *r)
{
	if (r->message_id == 0x0102 && t->state == TERMINAL_AUTHENTICATING) {
		t->state = r->result == 0 ? TERMINAL_UP : TERMINAL_DOWN;
		if (r->result)
			t->code[0] = '\0';
		else
			send_driver(t);
		for (int i = 0; i < TERMINAL_WINDOW && t->state == TERMINAL_UP; i++)
			if (t->window[i].waiting)
				must(buf_append(&t->out[t->filling], t->window[i].wire.data, t->window[i].wire.size));
		return;
	}
	for (int i = 0; i < TERMINAL_WINDOW; i++) {
		struct in_flight *f = &t->window[i];
		if (!f->waiting || f->message_id != r->message_id || f->last_serial != r->serial)
			continue;
		f->waiting = false;
		t->waiting--;
		if (r->result == 0) {
			remember(t, f);
			t->counters->acknowledged += f->count;
		} else {
			t->counters->refused += f->count;
		}
		return;
	}
}

static void on_frame(struct terminal *t, const struct jt808_frame *frame)
{
	struct jt808_header h;
	struct jt808_reply reply;
	struct jt808_register_reply answer;
	if (jt808_header_decode(frame->content, &h))
		return;
	if (h.message_id == 0x8001 && !jt808_reply_decode(h.body, &reply)) {
		on_reply(t, &reply);
	} else if (h.message_id == 0x8100 && !jt808_register_reply_decode(h.body, &answer) && answer.result == 0 &&
		   answer.code.size < sizeof t->code) {
		memcpy(t->code, answer.code.data, answer.code.size);
		t->code[answer.code.size] = '\0';
		t->counters->registered++;
		send_auth(t);
	}
}

static void on_close(uv_handle_t *handle)
{
	struct terminal *t = handle->data;
	t->open = false;
	t->writing = false;
	t->state = TERMINAL_DOWN;
	t->counters->connected--;
	t->retry_at_ms = t->options->now_ms() + RETRY_MS;
	buf_clear(&t->in);
	buf_clear(&t->out[0]);
	buf_clear(&t->out[1]);
}

void terminal_close(struct terminal *t)
{
	if (t->open && !uv_is_closing((uv_handle_t *)&t->tcp))
		uv_close((uv_handle_t *)&t->tcp, on_close);
}

static void on_alloc(uv_handle_t *handle, size_t wanted, uv_buf_t *out)
{
	static char shared[65536];
	(void)handle;
	(void)wanted;
	*out = uv_buf_init(shared, sizeof shared);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *bytes)
{
	struct terminal *t = stream->data;
	uint8_t scratch[JT808_FRAME_MAX];
	if (n < 0) {
		terminal_close(t);
		return;
	}
	must(buf_append(&t->in, bytes->base, (size_t)n));
	size_t at = 0;
	for (;;) {
		struct jt808_frame frame;
		enum status status = jt808_frame_next(span_of(t->in.data + at, t->in.size - at), scratch, &frame);
		at += frame.consumed;
		if (status == STATUS_NEED_MORE)
			break;
		if (status == STATUS_OK)
			on_frame(t, &frame);
	}
	memmove(t->in.data, t->in.data + at, t->in.size - at);
	t->in.size -= at;
	flush(t);
}

static void on_connect(uv_connect_t *request, int status)
{
	struct terminal *t = request->data;
	if (status) {
		terminal_close(t);
		return;
	}
	uv_read_start((uv_stream_t *)&t->tcp, on_alloc, on_read);
	if (t->code[0])
		send_auth(t);
	else
		send_register(t);
	flush(t);
}

static void dial(struct terminal *t, uv_loop_t *loop)
{
	uv_tcp_init(loop, &t->tcp);
	t->tcp.data = t;
	t->connecting.data = t;
	t->open = true;
	t->state = TERMINAL_CONNECTING;
	t->counters->connected++;
	t->counters->reconnects += t->code[0] != '\0';
	if (uv_tcp_connect(&t->connecting, &t->tcp, (const struct sockaddr *)&t->options->address, on_connect))
		terminal_close(t);
}

/* --- what the owner calls --- */

void terminal_poll(struct terminal *t, uv_loop_t *loop)
{
	int64_t now_ms = t->options->now_ms();
	if (!t->open) {
		if (!t->stopped && now_ms >= t->retry_at_ms)
			dial(t, loop);
		return;
	}
	if (t->state != TERMINAL_UP)
		return;
	while (!t->stopped && t->waiting < TERMINAL_WINDOW && t->next_ms <= now_ms)
		send_next(t, now_ms);
	if (now_ms >= t->heartbeat_at_ms) {
		send_message(t, 0x0002, (struct span){NULL, 0});
		t->heartbeat_at_ms = now_ms + HEARTBEAT_MS;
	}
	flush(t);
}

void terminal_stop(struct terminal *t)
{
	t->stopped = true;
}

void terminal_deinit(struct terminal *t)
{
	buf_deinit(&t->in);
	buf_deinit(&t->out[0]);
	buf_deinit(&t->out[1]);
	for (int i = 0; i < TERMINAL_WINDOW; i++)
		buf_deinit(&t->window[i].wire);
	free(t->acked);
}
