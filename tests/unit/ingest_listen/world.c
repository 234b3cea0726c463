#include "unit/ingest_listen/world.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/core/clock.h"
#include "engine/core/log.h"
#include "engine/fleet/connections_row.h"

/* --- the engine's part of the contract --- */

static void copy_entry(struct entry *e, const struct shard *s, const struct intake *in)
{
	*e = (struct entry){.in = *in, .shard = s->index};
	e->body = malloc(in->body.size + 1);
	if (in->body.size)
		memcpy(e->body, in->body.data, in->body.size);
	e->in.body.data = e->body;
	if (in->report) {
		e->report = *in->report;
		e->in.report = NULL;
	}
}

/* Apart from the rest: nothing settles them, and no test of the rest counts them. */
static enum status note_connection(struct world *w, const struct intake *in)
{
	if (w->connections_busy)
		return STATUS_BUSY;
	if ((w->connection_count & (w->connection_count - 1)) == 0)
		w->connections = realloc(w->connections, (2 * w->connection_count + 1) * sizeof *w->connections);
	struct connection *c = &w->connections[w->connection_count++];
	cr_assert_eq(connection_decode(in->device, in->body, c), STATUS_OK);
	return STATUS_OK;
}

enum status shard_submit(struct shard *s, const struct intake *in)
{
	struct world *w = s->world;
	if (in->kind == INTAKE_CONNECTION)
		return note_connection(w, in);
	w->tries++;
	if (w->submit_status != STATUS_OK)
		return w->submit_status;
	if (w->room == 0)
		return STATUS_BUSY;
	w->room--;
	if (w->count == w->capacity) {
		w->capacity = w->capacity ? 2 * w->capacity : 64;
		w->entries = realloc(w->entries, w->capacity * sizeof *w->entries);
	}
	if (w->forgets)
		w->entries[w->count++] = (struct entry){.in = *in, .shard = s->index};
	else
		copy_entry(&w->entries[w->count++], s, in);
	return STATUS_OK;
}

struct uv_loop_s *shard_loop(struct shard *s)
{
	return &s->loop;
}

const struct intake *world_before;
size_t world_before_count;

enum status engine_fragments(struct engine *e, engine_fragment_visit *visit, void *context)
{
	enum status status = STATUS_OK;
	(void)e;
	for (size_t i = 0; i < world_before_count && status == STATUS_OK; i++)
		status = visit(context, &world_before[i]);
	return status;
}

struct engine *shard_engine(struct shard *s)
{
	return (struct engine *)s->world;
}

struct shard *engine_shard(struct engine *e, unsigned index)
{
	return &((struct world *)e)->shards[index];
}

unsigned shard_index(const struct shard *s)
{
	return s->index;
}

void shard_set_user(struct shard *s, void *user)
{
	s->user = user;
}

void *shard_user(const struct shard *s)
{
	return s->user;
}

/* One thread runs every loop: "soon" may be now. */
enum status shard_post(struct shard *s, void (*work)(void *context), void *context)
{
	if (!s->running)
		return STATUS_CLOSED;
	work(context);
	return STATUS_OK;
}

/* --- life --- */

struct ingest_options world_options(void)
{
	struct ingest_options o = ingest_options_default();
	o.address_count = 1;
	o.tcp_port = o.udp_port = 0;
	return o;
}

void world_init(struct world *w, const struct ingest_options *options, unsigned shards)
{
	memset(w, 0, sizeof *w);
	log_set_level(LOG_OFF);
	signal(SIGPIPE, SIG_IGN);
	w->room = SIZE_MAX;
	w->shard_count = shards;
	strcpy(w->dir, "/tmp/zayton-listen-XXXXXX");
	cr_assert_not_null(mkdtemp(w->dir));
	struct store_options so = {.dir = w->dir, .create = true};
	cr_assert_eq(store_open(&so, &w->store), STATUS_OK);
	cr_assert_eq(registry_open(w->store, &w->registry), STATUS_OK);
	cr_assert_eq(ingest_new(options, w->registry, &w->ingest), STATUS_OK);
	for (unsigned k = 0; k < shards; k++) {
		struct shard *s = &w->shards[k];
		s->world = w;
		s->index = k;
		s->running = true;
		uv_loop_init(&s->loop);
		ingest_shard_start(w->ingest, s);
	}
}

static void stop_shard(struct world *w, struct shard *s)
{
	int64_t since_ns = world_clock();
	s->running = false;
	ingest_shard_stop(w->ingest, s);
	while (uv_loop_alive(&s->loop)) {
		uv_run(&s->loop, UV_RUN_NOWAIT);
		cr_assert(!world_late(since_ns), "the loop never ends");
	}
	cr_assert_eq(uv_loop_close(&s->loop), 0);
}

void world_deinit(struct world *w)
{
	for (unsigned k = 0; k < w->shard_count; k++)
		stop_shard(w, &w->shards[k]);
	ingest_free(w->ingest);
	registry_close(w->registry);
	store_close(w->store);
	for (size_t k = 0; k < w->count; k++)
		free(w->entries[k].body);
	free(w->entries);
	free(w->connections);
	char command[96];
	snprintf(command, sizeof command, "rm -rf %s", w->dir);
	cr_assert_eq(system(command), 0);
}

void world_turn(struct world *w)
{
	for (unsigned k = 0; k < w->shard_count; k++)
		if (w->shards[k].running)
			uv_run(&w->shards[k].loop, UV_RUN_NOWAIT);
	if (w->settles)
		world_settle_all(w);
}

void world_settle(struct world *w, size_t n, enum status status)
{
	for (; n != 0 && w->settled < w->count; n--) {
		struct entry *e = &w->entries[w->settled++];
		struct ticket ticket = e->in.ticket;
		struct shard *s = &w->shards[e->shard];
		e->settled = true;
		if (e->in.wants_settled)
			ingest_settled(w->ingest, s, &ticket, status);
	}
}

void world_settle_all(struct world *w)
{
	world_settle(w, w->count - w->settled, STATUS_OK);
}

void world_room(struct world *w)
{
	for (unsigned k = 0; k < w->shard_count; k++)
		ingest_room(w->ingest, &w->shards[k]);
}

size_t world_count(const struct world *w, enum intake_kind kind)
{
	size_t n = 0;
	for (size_t k = 0; k < w->count; k++)
		n += w->entries[k].in.kind == kind;
	return n;
}

uint64_t world_counter(const struct world *w, enum ingest_counter counter)
{
	struct ingest_stats s;
	ingest_stats_read(w->ingest, &s);
	return s.values[counter];
}

uint64_t world_device(struct world *w, const char *phone, const char *plate, const char *code)
{
	uint64_t device = device_id(DEVICE_KIND_JT808, span_of_string(phone));
	struct registry_change changes[4] = {{DEVICE_FIELD_PHONE, span_of_string(phone)},
					     {DEVICE_FIELD_STATE, span_of_string("registered")}};
	size_t count = 2;
	if (plate)
		changes[count++] = (struct registry_change){DEVICE_FIELD_PLATE, span_of_string(plate)};
	if (code)
		changes[count++] = (struct registry_change){DEVICE_FIELD_AUTH_CODE, span_of_string(code)};
	cr_assert_eq(
		registry_apply(w->registry, device, DEVICE_KIND_JT808, changes, count, VALID_ALWAYS_FROM, "test", NULL),
		STATUS_OK);
	return device;
}

int64_t world_clock(void)
{
	return clock_monotonic_ns();
}

bool world_late(int64_t since_ns)
{
	return clock_monotonic_ns() - since_ns > (int64_t)WAIT_S * 1000000000;
}

/* --- terminals --- */

void terminal_open(struct terminal *t, struct world *w, const char *phone, bool is_2019, bool udp)
{
	*t = (struct terminal){.world = w, .received = buf_init(1 << 20)};
	t->like.is_2019 = is_2019;
	t->like.version = is_2019;
	t->like.phone_size = is_2019 ? 10 : 6;
	cr_assert_eq(jt808_phone_pack(span_of_string(phone), t->like.phone, t->like.phone_size), STATUS_OK);
	int port = udp ? ingest_port_udp(w->ingest) : ingest_port_tcp(w->ingest);
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	t->fd = socket(AF_INET, udp ? SOCK_DGRAM : SOCK_STREAM, 0);
	cr_assert_geq(t->fd, 0);
	cr_assert_eq(connect(t->fd, (struct sockaddr *)&to, sizeof to), 0);
	fcntl(t->fd, F_SETFL, O_NONBLOCK);
}

void terminal_close(struct terminal *t)
{
	if (t->fd >= 0)
		close(t->fd);
	t->fd = -1;
	buf_deinit(&t->received);
}

void terminal_send(struct terminal *t, struct span bytes)
{
	int64_t since_ns = world_clock();
	while (bytes.size != 0) {
		ssize_t n = send(t->fd, bytes.data, bytes.size, MSG_NOSIGNAL);
		if (n > 0) {
			bytes.data += n;
			bytes.size -= (size_t)n;
			continue;
		}
		cr_assert(errno == EAGAIN, "send: %s", strerror(errno));
		cr_assert(!world_late(since_ns), "the server takes no bytes");
		world_turn(t->world);
	}
}

uint16_t terminal_say(struct terminal *t, uint16_t message_id, struct span body)
{
	struct buf wire = buf_init(4 << 20);
	uint16_t serial = t->serial;
	cr_assert_eq(jt808_message_encode(message_id, &t->like, body, JT808_BODY_MAX, &t->serial, &wire), STATUS_OK);
	terminal_send(t, buf_view(&wire));
	buf_deinit(&wire);
	return serial;
}

/* 0 when the server closed. */
static ssize_t receive(struct terminal *t)
{
	uint8_t bytes[4096];
	ssize_t n = recv(t->fd, bytes, sizeof bytes, 0);
	if (n > 0)
		cr_assert_eq(buf_append(&t->received, bytes, (size_t)n), STATUS_OK);
	return n < 0 && errno != EAGAIN ? 0 : n;
}

static bool take_reply(struct terminal *t, struct reply *out)
{
	static uint8_t scratch[JT808_FRAME_MAX];
	struct jt808_frame f;
	if (jt808_framed_next(t->like.framing, buf_view(&t->received), scratch, &f) != STATUS_OK)
		return false;
	cr_assert_eq(jt808_header_decode(f.content, &out->header), STATUS_OK);
	out->size = out->header.body.size;
	memcpy(out->body, out->header.body.data, out->size);
	memmove(t->received.data, t->received.data + f.consumed, t->received.size - f.consumed);
	t->received.size -= f.consumed;
	return true;
}

void terminal_hear(struct terminal *t, struct reply *out)
{
	int64_t since_ns = world_clock();
	while (!take_reply(t, out)) {
		world_turn(t->world);
		cr_assert_neq(receive(t), 0, "the server hung up");
		cr_assert(!world_late(since_ns), "no reply");
	}
}

void terminal_hear_ack(struct terminal *t, uint16_t serial, uint16_t message_id, uint8_t result)
{
	struct reply r;
	struct jt808_reply ack;
	terminal_hear(t, &r);
	cr_assert_eq(r.header.message_id, 0x8001, "%04x instead of an acknowledgement", r.header.message_id);
	cr_assert_eq(jt808_reply_decode(span_of(r.body, r.size), &ack), STATUS_OK);
	cr_assert_eq(ack.message_id, message_id, "%04x acknowledged, not %04x", ack.message_id, message_id);
	cr_assert_eq(ack.serial, serial, "serial %u acknowledged, not %u", ack.serial, serial);
	cr_assert_eq(ack.result, result, "result %u, not %u", ack.result, result);
	cr_assert_eq(r.header.is_2019, t->like.is_2019);
	cr_assert_eq(memcmp(r.header.phone, t->like.phone, sizeof t->like.phone), 0);
}

bool terminal_is_closed(struct terminal *t)
{
	return receive(t) == 0;
}

void terminal_hears_nothing(struct terminal *t)
{
	uint16_t serial = terminal_say(t, 0x0002, (struct span){NULL, 0});
	terminal_hear_ack(t, serial, 0x0002, 0);
}

void terminal_log_in(struct terminal *t, const char *code)
{
	struct buf body = buf_init(512);
	struct jt808_auth auth = {.code = span_of_string(code), .imei = "860000000000001", .software = "V1"};
	cr_assert_eq(jt808_auth_encode(&auth, t->like.is_2019, &body), STATUS_OK);
	uint16_t serial = terminal_say(t, 0x0102, buf_view(&body));
	terminal_hear_ack(t, serial, 0x0102, 0);
	buf_deinit(&body);
}

void terminal_join(struct terminal *t, struct world *w, const char *phone, bool is_2019)
{
	world_device(w, phone, NULL, "c0de");
	terminal_open(t, w, phone, is_2019, false);
	terminal_log_in(t, "c0de");
}

void location_body(struct buf *out, unsigned n)
{
	/* 2026-05-01 00:00 in Quanzhou */
	struct jt808_location l = {.status = STATUS_BIT_FIX | STATUS_BIT_ACC,
				   .lat_e6 = 24874000 + (int32_t)n,
				   .lon_e6 = 118675000,
				   .altitude_m = 12,
				   .speed_dkmh = 420,
				   .course_deg = 90,
				   .time_ms = INT64_C(1777564800000) + (int64_t)n * 1000};
	cr_assert_eq(jt808_location_encode(&l, out), STATUS_OK);
}

struct span location(unsigned n)
{
	static struct buf body;
	if (body.max == 0)
		body = buf_init(256);
	buf_clear(&body);
	location_body(&body, n);
	return buf_view(&body);
}
