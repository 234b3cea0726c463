#include "tests/e2e/lower.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define STEP_MS 10000

static struct sockaddr_in loopback(int port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return a;
}

struct lower lower_dial(const struct server *s, uint32_t access_code, enum jt809_edition edition)
{
	struct lower l = {.sub = -1,
			  .access_code = access_code,
			  .edition = edition,
			  .in = buf_init(1u << 20),
			  .sub_in = buf_init(1u << 20),
			  .scratch = malloc(JT809_FRAME_MAX),
			  .body = malloc(JT809_FRAME_MAX)};
	struct sockaddr_in to = loopback(s->jt809), own = loopback(0);
	l.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(connect(l.fd, (struct sockaddr *)&to, sizeof to), 0);
	l.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(bind(l.listener, (struct sockaddr *)&own, sizeof own), 0);
	cr_assert_eq(listen(l.listener, 4), 0);
	return l;
}

void lower_close(struct lower *l)
{
	close(l->fd);
	close(l->listener);
	if (l->sub >= 0)
		close(l->sub);
	buf_deinit(&l->in);
	buf_deinit(&l->sub_in);
	free(l->scratch);
	free(l->body);
}

static void write_to(int fd, struct span bytes)
{
	for (size_t at = 0; at < bytes.size;) {
		ssize_t n = send(fd, bytes.data + at, bytes.size - at, MSG_NOSIGNAL);
		cr_assert_gt(n, 0);
		at += (size_t)n;
	}
}

void lower_write(struct lower *l, struct span bytes)
{
	write_to(l->fd, bytes);
}

void lower_frame(struct lower *l, uint16_t id, struct span body, struct buf *out)
{
	const struct jt809_cipher none = {0};
	struct jt809_header h = {.serial = l->serial++,
				 .id = id,
				 .access_code = l->access_code,
				 .version = {1, 0, 0},
				 .is_2019 = l->edition == JT809_2019,
				 .time_ms = INT64_C(1795140330000)};
	cr_assert_eq(jt809_frame_encode(&h, &none, body, out), STATUS_OK);
}

static void send_by(struct lower *l, int fd, uint16_t id, struct span body)
{
	struct buf wire = buf_init(2 * JT809_FRAME_MAX + 1024);
	lower_frame(l, id, body, &wire);
	write_to(fd, buf_view(&wire));
	buf_deinit(&wire);
}

void lower_send(struct lower *l, uint16_t id, struct span body)
{
	send_by(l, l->fd, id, body);
}

void lower_say(struct lower *l, const struct jt809_message *m)
{
	struct buf body = buf_init(JT809_FRAME_MAX);
	cr_assert_eq(jt809_message_encode(m, l->edition, &body), STATUS_OK);
	lower_send(l, m->id, buf_view(&body));
	buf_deinit(&body);
}

bool lower_next(struct lower *l, bool sub, uint16_t *id, struct span *body)
{
	struct buf *in = sub ? &l->sub_in : &l->in;
	for (;;) {
		struct jt809_frame frame;
		struct jt809_header h;
		uint8_t bytes[4096];
		enum status status = jt809_frame_next(buf_view(in), l->scratch, &frame);
		if (status == STATUS_OK) {
			cr_assert_eq(jt809_header_decode(frame.content, JT809_DETECT, &h), STATUS_OK);
			cr_assert_not(h.length_differs);
			memcpy(l->body, h.body.data, h.body.size);
			*id = h.id;
			*body = span_of(l->body, h.body.size);
			memmove(in->data, in->data + frame.consumed, in->size - frame.consumed);
			in->size -= frame.consumed;
			return true;
		}
		cr_assert_eq(status, STATUS_NEED_MORE, "the server sent a spoiled frame");
		struct pollfd p = {.fd = sub ? l->sub : l->fd, .events = POLLIN};
		cr_assert_eq(poll(&p, 1, RIG_WAIT_S * 1000), 1, "nothing within %d s", RIG_WAIT_S);
		ssize_t n = read(p.fd, bytes, sizeof bytes);
		if (n <= 0)
			return false;
		cr_assert_eq(buf_append(in, bytes, (size_t)n), STATUS_OK);
	}
}

static void take_sub(struct lower *l, uint32_t verify)
{
	struct pollfd p = {.fd = l->listener, .events = POLLIN};
	const uint8_t taken = 0;
	uint16_t id;
	struct span body;
	cr_assert_eq(poll(&p, 1, RIG_WAIT_S * 1000), 1, "not dialled back");
	l->sub = accept(l->listener, NULL, NULL);
	cr_assert_geq(l->sub, 0);
	cr_assert(lower_next(l, true, &id, &body));
	cr_assert_eq(id, 0x9001);
	cr_assert_eq(load_be32(body.data), verify);
	send_by(l, l->sub, 0x9002, span_of(&taken, 1));
}

int lower_log_in(struct lower *l, const char *password)
{
	struct sockaddr_in own;
	socklen_t size = sizeof own;
	uint16_t id;
	struct span body;
	struct jt809_message m = {.id = 0x1001, .user = l->access_code, .access_code = l->access_code};
	cr_assert_eq(getsockname(l->listener, (struct sockaddr *)&own, &size), 0);
	m.port = ntohs(own.sin_port);
	strcpy(m.ip, "127.0.0.1");
	snprintf(m.password, sizeof m.password, "%s", password);
	lower_say(l, &m);
	if (!lower_next(l, false, &id, &body))
		return -1;
	cr_assert_eq(id, 0x1002);
	cr_assert_eq(body.size, 5);
	int result = body.data[0];
	if (result == 0)
		take_sub(l, load_be32(body.data + 1));
	return result;
}

static void put_position(const struct lower *l, int64_t time_ms, unsigned n, unsigned kmh, struct buf *out)
{
	struct report r = {.time_ms = time_ms,
			   .lat_e7 = 249000000 + (int32_t)n * 2500,
			   .lon_e7 = 1185000000,
			   .status = 3,
			   .speed_dkmh = (uint16_t)(kmh * 10),
			   .course_deg = 0,
			   .altitude_m = 12,
			   .mileage_hm = n};
	report_row_seal(&r);
	cr_assert_eq(jt809_position_encode(&r, l->edition, out), STATUS_OK);
}

void lower_position(struct lower *l, const char *plate, int64_t time_ms, unsigned n, unsigned kmh, unsigned count)
{
	uint8_t vehicle[JT809_VEHICLE];
	struct buf data = buf_init(65536), body = buf_init(65536);
	cr_assert_eq(jt809_plate_pack(plate, vehicle), STATUS_OK);
	if (count)
		cr_assert_eq(buf_append_u8(&data, (uint8_t)count), STATUS_OK);
	for (unsigned i = 0; i < (count ? count : 1); i++)
		put_position(l, time_ms + i * STEP_MS, n + i, kmh, &data);
	struct jt809_envelope e = {.vehicle = span_of(vehicle, sizeof vehicle),
				   .sub_id = count ? 0x1203 : 0x1202,
				   .data = buf_view(&data)};
	cr_assert_eq(jt809_envelope_encode(&e, &body), STATUS_OK);
	lower_send(l, 0x1200, buf_view(&body));
	buf_deinit(&data);
	buf_deinit(&body);
}

void lower_settle(struct lower *l)
{
	uint16_t id = 0;
	struct span body;
	lower_send(l, 0x1005, (struct span){NULL, 0});
	while (id != 0x1006)
		cr_assert(lower_next(l, false, &id, &body), "the link ended");
}
