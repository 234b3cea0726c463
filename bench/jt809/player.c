/* player.c -- a platform below that forwards a fleet: logs in, lets itself be dialled back, and sends positions.
 *
 *   player --port N --access-code N --password TEXT --vehicles N --reports N [--rate N] [--edition 2011|2019]
 *
 * Open loop with --rate (reports a second; as fast as the socket takes them without). One position of each vehicle
 * first, so that admission is not measured; at the end a heartbeat, whose answer says that all before it is durable.
 * Prints one JSON object. */
#include <arpa/inet.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "engine/core/clock.h"
#include "ingest/jt809/jt809.h"

#define CHUNK_BYTES 32768u

static struct {
	int port;
	uint32_t access_code;
	const char *password;
	unsigned vehicles;
	unsigned long reports, rate;
	enum jt809_edition edition;
} options = {.password = "secret", .vehicles = 1000, .reports = 1000000, .edition = JT809_2011};

static int main_fd = -1, sub_fd = -1, listener = -1;
static uint32_t serial;
static uint64_t heartbeats, counted; /* answers of 1005; what 9101 told */
static int64_t start_ms;

static void fail(const char *what)
{
	fprintf(stderr, "player: %s\n", what);
	exit(1);
}

static void put_frame(uint16_t id, struct span body, struct buf *out)
{
	const struct jt809_cipher none = {0};
	struct jt809_header h = {.serial = serial,
				 .id = id,
				 .access_code = options.access_code,
				 .version = {1, 0, 0},
				 .is_2019 = options.edition == JT809_2019,
				 .time_ms = clock_now_ms()};
	serial++;
	if (jt809_frame_encode(&h, &none, body, out))
		fail("a frame cannot be made");
}

static void write_all(int fd, struct buf *bytes)
{
	for (size_t at = 0; at < bytes->size;) {
		ssize_t n = send(fd, bytes->data + at, bytes->size - at, MSG_NOSIGNAL);
		if (n <= 0)
			fail("the link ended");
		at += (size_t)n;
	}
	buf_clear(bytes);
}

static void say(int fd, uint16_t id, struct span body)
{
	struct buf wire = buf_init(4096);
	put_frame(id, body, &wire);
	write_all(fd, &wire);
	buf_deinit(&wire);
}

/* --- hearing --- */

static uint32_t login_result = UINT32_MAX;

static void on_message(int fd, uint16_t id, struct span body)
{
	const uint8_t taken = 0;
	if (id == 0x1002)
		login_result = body.data[0];
	else if (id == 0x1006)
		heartbeats++;
	else if (id == 0x9001)
		say(fd, 0x9002, span_of(&taken, 1));
	else if (id == 0x9005)
		say(fd, 0x9006, (struct span){NULL, 0});
	else if (id == 0x9101)
		counted += load_be32(body.data);
}

static void hear(int fd, struct buf *in)
{
	static uint8_t scratch[JT809_FRAME_MAX];
	uint8_t bytes[4096];
	struct jt809_frame frame;
	struct jt809_header h;
	ssize_t n = read(fd, bytes, sizeof bytes);
	if (n <= 0 || buf_append(in, bytes, (size_t)n))
		fail("the link ended");
	while (jt809_frame_next(buf_view(in), scratch, &frame) == STATUS_OK) {
		if (jt809_header_decode(frame.content, JT809_DETECT, &h) == STATUS_OK)
			on_message(fd, h.id, h.body);
		memmove(in->data, in->data + frame.consumed, in->size - frame.consumed);
		in->size -= frame.consumed;
	}
}

static void listen_once(int timeout_ms)
{
	static struct buf in[2];
	struct pollfd fds[3] = {{main_fd, POLLIN, 0}, {sub_fd, POLLIN, 0}, {listener, POLLIN, 0}};
	if (!in[0].max)
		in[0] = in[1] = buf_init(1u << 20);
	if (poll(fds, 3, timeout_ms) <= 0)
		return;
	if (fds[2].revents && sub_fd < 0)
		sub_fd = accept(listener, NULL, NULL);
	for (unsigned i = 0; i < 2; i++)
		if (fds[i].revents)
			hear(fds[i].fd, &in[i]);
}

/* --- saying --- */

static void log_in(void)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)options.port)}, own = to;
	socklen_t size = sizeof own;
	int on = 1;
	to.sin_addr.s_addr = own.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	own.sin_port = 0;
	listener = socket(AF_INET, SOCK_STREAM, 0);
	main_fd = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(listener, (struct sockaddr *)&own, sizeof own) || listen(listener, 4) ||
	    getsockname(listener, (struct sockaddr *)&own, &size) ||
	    connect(main_fd, (struct sockaddr *)&to, sizeof to))
		fail("no server there");
	setsockopt(main_fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	static struct jt809_message m;
	struct buf body = buf_init(256);
	m.id = 0x1001;
	m.user = m.access_code = options.access_code;
	m.port = ntohs(own.sin_port);
	strcpy(m.ip, "127.0.0.1");
	snprintf(m.password, sizeof m.password, "%.8s", options.password);
	if (jt809_message_encode(&m, options.edition, &body))
		fail("a login cannot be said");
	say(main_fd, 0x1001, buf_view(&body));
	buf_deinit(&body);
	while (login_result == UINT32_MAX || sub_fd < 0)
		listen_once(10000);
	if (login_result)
		fail("the login is refused");
}

/* Report `k` of the whole: the fleet goes round and round, each vehicle every ten seconds of its time. */
static void put_position(unsigned long k, struct buf *out)
{
	static struct buf data, body;
	uint8_t vehicle[JT809_VEHICLE];
	char plate[32];
	unsigned v = (unsigned)(k % options.vehicles);
	unsigned long n = k / options.vehicles;
	if (!data.max) {
		data = buf_init(4096);
		body = buf_init(4096);
	}
	struct report r = {.time_ms = start_ms + (int64_t)n * 10000,
			   .lat_e7 = 240000000 + (int32_t)(v * 9000 + n * 1100),
			   .lon_e7 = 1180000000 + (int32_t)(v * 7000 + n * 1300),
			   .status = 3,
			   .speed_dkmh = (uint16_t)(300 + n % 8 * 10),
			   .course_deg = (uint16_t)(n / 16 % 360),
			   .altitude_m = 20,
			   .mileage_hm = (uint32_t)(100000 + n)};
	report_row_seal(&r);
	snprintf(plate, sizeof plate, "2:闽C%05u", v);
	buf_clear(&data);
	buf_clear(&body);
	if (jt809_position_encode(&r, options.edition, &data) || jt809_plate_pack(plate, vehicle))
		fail("a position cannot be said");
	struct jt809_envelope e = {
		.vehicle = span_of(vehicle, sizeof vehicle), .sub_id = 0x1202, .data = buf_view(&data)};
	if (jt809_envelope_encode(&e, &body))
		fail("a position cannot be said");
	put_frame(0x1200, buf_view(&body), out);
}

static void settle(void)
{
	uint64_t before = heartbeats;
	say(main_fd, 0x1005, (struct span){NULL, 0});
	while (heartbeats == before)
		listen_once(10000);
}

static void send_range(unsigned long from, unsigned long to)
{
	struct buf out = buf_init(4 * CHUNK_BYTES);
	int64_t begin_ns = clock_monotonic_ns();
	for (unsigned long k = from; k < to;) {
		double seconds = (double)(clock_monotonic_ns() - begin_ns) / 1e9;
		unsigned long due = options.rate ? from + (unsigned long)(seconds * (double)options.rate) : to;
		for (; k < to && k < due && out.size < CHUNK_BYTES; k++)
			put_position(k, &out);
		write_all(main_fd, &out);
		listen_once(k < due ? 0 : 1);
	}
	buf_deinit(&out);
}

static bool parse(int argc, char **argv)
{
	static const struct option longs[] = {
		{"port", 1, NULL, 'p'},     {"access-code", 1, NULL, 'a'},
		{"password", 1, NULL, 'w'}, {"vehicles", 1, NULL, 'v'},
		{"reports", 1, NULL, 'n'},  {"rate", 1, NULL, 'r'},
		{"edition", 1, NULL, 'e'},  {NULL, 0, NULL, 0},
	};
	for (int c; (c = getopt_long(argc, argv, "", longs, NULL)) != -1;) {
		unsigned long value = optarg ? strtoul(optarg, NULL, 10) : 0;
		switch (c) {
		case 'p':
			options.port = (int)value;
			break;
		case 'a':
			options.access_code = (uint32_t)value;
			break;
		case 'w':
			options.password = optarg;
			break;
		case 'v':
			options.vehicles = (unsigned)value;
			break;
		case 'n':
			options.reports = value;
			break;
		case 'r':
			options.rate = value;
			break;
		case 'e':
			options.edition = value == 2019 ? JT809_2019 : JT809_2011;
			break;
		default:
			return false;
		}
	}
	return options.port && options.access_code && options.vehicles && options.vehicles <= 100000;
}

int main(int argc, char **argv)
{
	if (!parse(argc, argv)) {
		fprintf(stderr, "usage: player --port N --access-code N [--password TEXT] [--vehicles N] [--reports N] "
				"[--rate N] [--edition 2011|2019]\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	start_ms = (clock_now_ms() - (int64_t)(options.reports / options.vehicles + 2) * 10000) / 1000 * 1000;
	unsigned long rate = options.rate;
	log_in();
	options.rate = 0;
	send_range(0, options.vehicles);
	settle();
	options.rate = rate;
	printf("{\"admitted\":%u}\n", options.vehicles);
	fflush(stdout);
	int64_t begin_ns = clock_monotonic_ns();
	send_range(options.vehicles, options.vehicles + options.reports);
	settle();
	double seconds = (double)(clock_monotonic_ns() - begin_ns) / 1e9;
	printf("{\"reports\":%lu,\"vehicles\":%u,\"seconds\":%.3f,\"rate\":%.0f,\"durable\":true}\n", options.reports,
	       options.vehicles, seconds, (double)options.reports / seconds);
	return 0;
}
