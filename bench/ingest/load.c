/* load.c -- terminals that report at a fixed rate, one report a write, every acknowledgement checked.
 *
 *   load --port N --pid SERVER --connections N --rate N --seconds N [--bare] [--idle]
 *
 * Open loop: report k of the whole is due at k / rate whatever became of those before it, and its latency counts from
 * then. The server's CPU is read from /proc at the beginning and the end of the measured span. Prints one JSON object.
 * --bare: the server knows no registration. --idle: no reports at all, only connected (for memory). */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bench/process_cpu.h"
#include "engine/core/clock.h"
#include "engine/core/histogram.h"
#include "ingest/jt808/jt808.h"

#define RING 64          /* reports on their way for one connection; a power of two */
#define PER_SOURCE 20000 /* connections from one loopback source address */

struct conn {
	int fd;
	struct jt808_header like;
	uint32_t reports;        /* sent */
	uint16_t serial, oldest; /* the next to send; the oldest unanswered */
	int64_t due_ns[RING];
	bool ready;
	uint8_t kept_size;
	uint8_t kept[96]; /* the start of a reply cut by the read */
};

static struct {
	int port, pid;
	unsigned connections, rate, seconds;
	bool bare, idle;
} options = {.connections = 1000, .rate = 50000, .seconds = 10};

static struct conn *conns;
static int poll_fd;
static struct histogram latency;
static int64_t begin_ms; /* event time of the first reports: a day ago */
static uint64_t sent, acknowledged, refused, wrong, overrun;
static unsigned ready;

static void fail(const char *what)
{
	fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
	exit(1);
}

static long resident_kib(int pid)
{
	char path[64], line[256];
	long kib = 0;
	snprintf(path, sizeof path, "/proc/%d/status", pid);
	FILE *f = fopen(path, "r");
	while (f && fgets(line, sizeof line, f))
		if (!strncmp(line, "VmRSS:", 6))
			kib = strtol(line + 6, NULL, 10);
	if (f)
		fclose(f);
	return kib;
}

static void send_frame(struct conn *c, uint16_t id, struct span body)
{
	static struct buf wire;
	wire.max = 65536;
	buf_clear(&wire);
	if (jt808_message_encode(id, &c->like, body, JT808_BODY_MAX, &c->serial, &wire))
		abort();
	if (write(c->fd, wire.data, wire.size) != (ssize_t)wire.size)
		fail("write");
}

static void dial(struct conn *c, unsigned i)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)options.port)};
	struct sockaddr_in from = {.sin_family = AF_INET};
	char phone[16];
	int one = 1;
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + i / PER_SOURCE);
	c->fd = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
	if (c->fd < 0 || bind(c->fd, (struct sockaddr *)&from, sizeof from) ||
	    connect(c->fd, (struct sockaddr *)&to, sizeof to))
		fail("connect");
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	snprintf(phone, sizeof phone, "1360%07u", i); /* no byte of it needs an escape */
	c->like.phone_size = 6;
	if (jt808_phone_pack(span_of_string(phone), c->like.phone, 6))
		abort();
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
	if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, c->fd, &event))
		fail("epoll_ctl");
}

static void send_register(struct conn *c)
{
	struct jt808_register r = {.edition = JT808_2013, .province = 35, .city = 521, .plate_colour = 2};
	struct buf body = buf_init(1024);
	snprintf(r.manufacturer, sizeof r.manufacturer, "LOAD");
	snprintf(r.model, sizeof r.model, "L1");
	snprintf(r.terminal_id, sizeof r.terminal_id, "L%05u", (unsigned)(c - conns) % 100000);
	snprintf(r.plate, sizeof r.plate, "闽L%06u", (unsigned)(c - conns));
	if (jt808_register_encode(&r, &body))
		abort();
	send_frame(c, 0x0100, buf_view(&body));
	buf_deinit(&body);
}

static void send_report(struct conn *c, int64_t due_ns)
{
	uint8_t bytes[28 + 6 + 4 + 3 + 3] = {0};
	uint16_t serial = c->serial;
	if ((uint16_t)(serial - c->oldest) >= RING) {
		overrun++;
		return;
	}
	/* each terminal reports every ten seconds of its own time, as fast as the bench asks for it */
	int64_t time_ms = begin_ms + (int64_t)c->reports++ * 10000;
	store_be32(bytes + 4, 3);
	store_be32(bytes + 8, 24900000u + serial % 5000u);
	store_be32(bytes + 12, 118700000u + serial % 7000u);
	store_be16(bytes + 16, 20);
	store_be16(bytes + 18, (uint16_t)(serial % 800));
	store_be16(bytes + 20, (uint16_t)(serial % 360));
	if (bcd_time_encode(time_ms, bytes + 22))
		abort();
	memcpy(bytes + 28, "\x01\x04", 2);
	store_be32(bytes + 30, 100000u + serial);
	memcpy(bytes + 34, "\x03\x02\x00\x10\x30\x01\x19\x31\x01\x0b", 10);
	c->due_ns[serial % RING] = due_ns;
	send_frame(c, 0x0200, span_of(bytes, sizeof bytes));
	sent++;
}

static void on_report_reply(struct conn *c, const struct jt808_reply *r, int64_t now_ns)
{
	refused += r->result != 0;
	if ((uint16_t)(r->serial - c->oldest) >= (uint16_t)(c->serial - c->oldest)) {
		wrong++;
		return;
	}
	acknowledged += r->result == 0;
	histogram_add(&latency, (uint64_t)(now_ns - c->due_ns[r->serial % RING]) / 1000, 1);
	c->oldest = (uint16_t)(r->serial + 1);
}

static void on_frame(struct conn *c, const struct jt808_frame *frame, int64_t now_ns)
{
	struct jt808_header h;
	struct jt808_reply r;
	struct jt808_register_reply a;
	if (jt808_header_decode(frame->content, &h))
		return;
	if (h.message_id == 0x8100 && !jt808_register_reply_decode(h.body, &a) && a.result == 0) {
		struct jt808_auth auth = {.code = a.code};
		struct buf body = buf_init(1024);
		if (jt808_auth_encode(&auth, false, &body))
			abort();
		send_frame(c, 0x0102, buf_view(&body));
		buf_deinit(&body);
	} else if (h.message_id == 0x8001 && !jt808_reply_decode(h.body, &r)) {
		if (r.message_id == 0x0102 && r.result == 0 && !c->ready) {
			c->ready = true;
			c->oldest = c->serial;
			ready++;
		} else if (r.message_id == 0x0200) {
			on_report_reply(c, &r, now_ns);
		}
	}
}

static void on_readable(struct conn *c, int64_t now_ns)
{
	uint8_t bytes[4096 + sizeof c->kept], scratch[JT808_FRAME_MAX];
	memcpy(bytes, c->kept, c->kept_size);
	ssize_t n = read(c->fd, bytes + c->kept_size, 4096);
	if (n <= 0)
		fail("the server closed a connection");
	size_t size = c->kept_size + (size_t)n, at = 0;
	for (;;) {
		struct jt808_frame frame;
		enum status status = jt808_frame_next(span_of(bytes + at, size - at), scratch, &frame);
		at += frame.consumed;
		if (status == STATUS_NEED_MORE)
			break;
		if (status == STATUS_OK)
			on_frame(c, &frame, now_ns);
	}
	if (size - at > sizeof c->kept)
		fail("a reply without end");
	c->kept_size = (uint8_t)(size - at);
	memcpy(c->kept, bytes + at, size - at);
}

static void poll_once(int timeout_ms)
{
	struct epoll_event events[512];
	int n = epoll_wait(poll_fd, events, 512, timeout_ms);
	int64_t now_ns = clock_monotonic_ns();
	for (int i = 0; i < n; i++)
		on_readable(events[i].data.ptr, now_ns);
}

static void connect_all(void)
{
	begin_ms = clock_now_ms() - MS_PER_DAY;
	conns = calloc(options.connections, sizeof *conns);
	poll_fd = epoll_create1(0);
	if (!conns || poll_fd < 0)
		fail("epoll");
	for (unsigned i = 0; i < options.connections; i++) {
		dial(&conns[i], i);
		if (!options.bare)
			send_register(&conns[i]);
		else
			conns[i].ready = true;
		/* a synced registration each: let them come in at the pace they are answered */
		while (!options.bare && i + 1 - ready > 64)
			poll_once(1000);
	}
	while (!options.bare && ready < options.connections)
		poll_once(1000);
}

static void offer(int64_t begin_ns, int64_t end_ns)
{
	double gap_ns = 1e9 / options.rate;
	uint64_t k = 0;
	for (int64_t now = begin_ns; now < end_ns; now = clock_monotonic_ns()) {
		uint64_t due = (uint64_t)((double)(now - begin_ns) / gap_ns);
		for (unsigned burst = 0; k < due && burst < 64; k++, burst++)
			send_report(&conns[k % options.connections], begin_ns + (int64_t)((double)k * gap_ns));
		poll_once(k < due ? 0 : 1);
	}
	int64_t patience = clock_monotonic_ns() + INT64_C(10000000000);
	while (acknowledged + refused < sent && clock_monotonic_ns() < patience)
		poll_once(10);
}

static bool parse(int argc, char **argv)
{
	static const struct option longs[] = {
		{"port", 1, NULL, 'p'}, {"pid", 1, NULL, 'i'},     {"connections", 1, NULL, 'c'},
		{"rate", 1, NULL, 'r'}, {"seconds", 1, NULL, 's'}, {"bare", 0, NULL, 'b'},
		{"idle", 0, NULL, 'd'}, {NULL, 0, NULL, 0},
	};
	for (int c; (c = getopt_long(argc, argv, "", longs, NULL)) != -1;) {
		unsigned long value = optarg ? strtoul(optarg, NULL, 10) : 0;
		switch (c) {
		case 'p':
			options.port = (int)value;
			break;
		case 'i':
			options.pid = (int)value;
			break;
		case 'c':
			options.connections = (unsigned)value;
			break;
		case 'r':
			options.rate = (unsigned)value;
			break;
		case 's':
			options.seconds = (unsigned)value;
			break;
		case 'b':
			options.bare = true;
			break;
		case 'd':
			options.idle = true;
			break;
		default:
			return false;
		}
	}
	return options.port && options.pid && options.connections && options.rate && options.seconds;
}

int main(int argc, char **argv)
{
	struct rlimit files;
	if (!parse(argc, argv)) {
		fprintf(stderr, "usage: load --port N --pid SERVER [--connections N] [--rate N] [--seconds N] [--bare] "
				"[--idle]\n");
		return 2;
	}
	if (!getrlimit(RLIMIT_NOFILE, &files)) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	signal(SIGPIPE, SIG_IGN);
	long before_kib = resident_kib(options.pid);
	connect_all();
	long after_kib = resident_kib(options.pid);
	int64_t begin_ns = clock_monotonic_ns(), cpu = cpu_ms(options.pid);
	if (!options.idle)
		offer(begin_ns, begin_ns + (int64_t)options.seconds * 1000000000);
	cpu = cpu_ms(options.pid) - cpu;
	double seconds = (double)(clock_monotonic_ns() - begin_ns) / 1e9;
	printf("{\"connections\":%u,\"sent\":%llu,\"acknowledged\":%llu,\"refused\":%llu,\"wrong\":%llu,\"overrun\":%"
	       "llu,"
	       "\"seconds\":%.3f,\"rate\":%.0f,\"server_cpu_ms\":%lld,\"cpu_us_per_report\":%.4f,\"p50_us\":%llu,"
	       "\"p99_us\":%llu,\"max_us\":%llu,\"kib_per_connection\":%.3f}\n",
	       options.connections, (unsigned long long)sent, (unsigned long long)acknowledged,
	       (unsigned long long)refused, (unsigned long long)wrong, (unsigned long long)overrun, seconds,
	       (double)acknowledged / seconds, (long long)cpu,
	       acknowledged ? (double)cpu * 1000 / (double)acknowledged : 0,
	       (unsigned long long)histogram_quantile(&latency, 0.5),
	       (unsigned long long)histogram_quantile(&latency, 0.99), (unsigned long long)latency.max,
	       (double)(after_kib - before_kib) / options.connections);
	return acknowledged == sent && !wrong ? 0 : 1;
}
