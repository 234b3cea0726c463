#include "bench/sim/terminal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/core/hash.h"

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

void terminal_init(struct terminal *t, const struct terminal_identity *identity, struct terminal_source source,
		   const struct terminal_options *options, struct sim_counters *counters)
{
	memset(t, 0, sizeof *t);
	t->options = options;
	t->counters = counters;
	t->identity = *identity;
	t->source = source;
	t->like.is_2019 = identity->edition == JT808_2019;
	t->like.version = t->like.is_2019 ? 1 : 0;
	t->like.phone_size = t->like.is_2019 ? 10 : 6;
	must(jt808_phone_pack(span_of_string(identity->phone), t->like.phone, t->like.phone_size));
	t->in = buf_init(BUFFER_MAX);
	t->out[0] = t->out[1] = buf_init(BUFFER_MAX);
	for (int i = 0; i < TERMINAL_WINDOW; i++)
		t->window[i].wire = buf_init(65536);
}

void terminal_message_note(struct terminal_message *m, int64_t time_ms, struct span body)
{
	m->time_ms[m->count] = time_ms;
	m->hash[m->count++] = hash64(body);
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
	struct jt808_register r = {.edition = t->identity.edition, .province = 35, .city = 521, .plate_colour = 2};
	struct buf body = buf_init(1024);
	snprintf(r.manufacturer, sizeof r.manufacturer, "ZYSIM");
	snprintf(r.model, sizeof r.model, "SIM-1");
	snprintf(r.terminal_id, sizeof r.terminal_id, "S%06u", t->identity.number % 1000000);
	snprintf(r.plate, sizeof r.plate, "%s", t->identity.plate);
	must(jt808_register_encode(&r, &body));
	send_message(t, 0x0100, buf_view(&body));
	buf_deinit(&body);
	t->state = TERMINAL_REGISTERING;
}

static void send_auth(struct terminal *t)
{
	struct jt808_auth a = {.code = span_of_string(t->code)};
	struct buf body = buf_init(1024);
	snprintf(a.imei, sizeof a.imei, "860000000%06u", t->identity.number % 1000000);
	snprintf(a.software, sizeof a.software, "sim 1");
	must(jt808_auth_encode(&a, t->like.is_2019, &body));
	send_message(t, 0x0102, buf_view(&body));
	buf_deinit(&body);
	t->state = TERMINAL_AUTHENTICATING;
}

static struct in_flight *free_slot(struct terminal *t)
{
	for (int i = 0; i < TERMINAL_WINDOW; i++)
		if (!t->window[i].waiting)
			return &t->window[i];
	return NULL;
}

/* False when the source has nothing that is due. */
static bool send_next(struct terminal *t, int64_t now_ms)
{
	struct in_flight *f = free_slot(t);
	struct terminal_message m = {.body = buf_init(65536)};
	bool got = t->source.next(t->source.context, t->identity.edition, now_ms, &m);
	if (got) {
		f->count = m.count;
		f->message_id = m.id;
		memcpy(f->time_ms, m.time_ms, sizeof f->time_ms);
		memcpy(f->hash, m.hash, sizeof f->hash);
		f->serial = t->serial;
		if (m.id == 0x0200 && m.body.size >= sizeof t->memory.position) {
			memcpy(t->memory.position, m.body.data, sizeof t->memory.position);
			t->memory.has_position = true;
		}
		buf_clear(&f->wire);
		must(jt808_message_encode(m.id, &t->like, buf_view(&m.body), JT808_BODY_MAX, &t->serial, &f->wire));
		f->last_serial = (uint16_t)(t->serial - 1);
		f->waiting = true;
		t->waiting++;
		t->counters->sent += f->count;
		t->hanging_up = m.breaks_connection;
		must(buf_append(&t->out[t->filling], f->wire.data, f->wire.size));
	}
	buf_deinit(&m.body);
	return got;
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

static void on_command(struct terminal *t, const struct jt808_header *h)
{
	uint16_t id;
	struct buf body = buf_init(65536);
	terminal_answer(&t->memory, h, t->identity.edition, t->options->now_ms(), &id, &body);
	if (id)
		send_message(t, id, buf_view(&body));
	buf_deinit(&body);
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
	} else if (h.message_id >= 0x8000 && h.message_id != 0x8001 && h.message_id != 0x8100 &&
		   h.message_id != 0x8003 && h.message_id != 0x8004 && h.message_id != 0x8800) {
		on_command(t, &h);
	}
}

static void on_close(uv_handle_t *handle)
{
	struct terminal *t = handle->data;
	t->open = false;
	t->writing = false;
	t->hanging_up = false;
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
	if (t->hanging_up && !t->writing && !t->out[t->filling].size)
		terminal_close(t);
	if (t->state != TERMINAL_UP)
		return;
	while (!t->stopped && !t->hanging_up && t->waiting < TERMINAL_WINDOW && send_next(t, now_ms))
		;
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
