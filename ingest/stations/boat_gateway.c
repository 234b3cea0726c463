#include "ingest/stations/boat_gateway.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include "engine/core/charset.h"
#include "engine/core/clock.h"
#include "engine/core/log.h"
#include "ingest/marine/rdss.h"

#define TURN_MS 250
#define CONNECT_MS 5000
#define AGAIN_MS 5000 /* between attempts to connect */
#define HELD_MAX 4096 /* bytes of a line that has not ended */

struct boat_gateway {
	struct boat_messages *queue;
	struct sockaddr_storage peer; /* of a TCP link */
	socklen_t peer_size;          /* 0: a file */
	char path[256];
	int64_t interval_ms;
	int fd, wake; /* fd -1: not connected */
	pthread_t thread;
	bool running;
	uint8_t held[HELD_MAX];
	size_t held_size;
	uint64_t under_way; /* 0: none */
	int64_t sent_ms, tried_ms;
	struct boat_gateway_stats stats;
};

/* --- sentences --- */

enum status boat_gateway_sentence(uint32_t card, const char *text, struct buf *out)
{
	struct buf gbk = buf_init(4 * BOAT_MESSAGE_TEXT_MAX), body = buf_init(RDSS_PAYLOAD_MAX * 2 + 64);
	enum status status = charset_utf8_to_gbk(span_of_string(text), &gbk);
	if (!status)
		status = buf_printf(&body, "CCTXA,%07u,1,2,A4", card);
	for (size_t i = 0; i < gbk.size && !status; i++)
		status = buf_printf(&body, "%02X", gbk.data[i]);
	if (!status)
		status = sentence_write('$', buf_view(&body), out);
	buf_deinit(&gbk);
	buf_deinit(&body);
	return status;
}

static bool is_text(struct span field, const char *text)
{
	return span_equal(field, span_of_string(text));
}

/* What the station says of the message under way. */
static void take_feedback(struct boat_gateway *g, const struct sentence *s, int64_t now_ms)
{
	struct span command = sentence_field(s, 1), reason = sentence_field(s, 3);
	char why[48];
	if (!g->under_way || (command.size && !is_text(command, "TXA") && !is_text(command, "CCTXA")))
		return;
	bool yes = is_text(sentence_field(s, 2), "Y");
	snprintf(why, sizeof why, "feedback %.*s", (int)(reason.size < 32 ? reason.size : 32),
		 (const char *)reason.data);
	/* refused for its pace, or anything else: after the card's interval */
	enum status status = boat_messages_feedback(g->queue, g->under_way, yes, why, now_ms + g->interval_ms, now_ms);
	if (status && status != STATUS_NOT_FOUND)
		log_warn("gateway", "message %" PRIu64 ": %s", g->under_way, status_text(status));
	atomic_fetch_add(yes ? &g->stats.delivered : &g->stats.refused, 1);
	g->under_way = 0;
}

static void take_message(struct boat_gateway *g, const struct sentence *s, int64_t now_ms)
{
	struct rdss_options options = rdss_options_default();
	struct rdss_message m;
	char text[CHARSET_UTF8_ROOM(RDSS_PAYLOAD_MAX)];
	uint64_t id;
	if (rdss_parse(s, &options, &m) || !m.from || !m.is_text)
		return;
	charset_gbk_to_utf8(span_of(m.payload, m.payload_size), text, sizeof text);
	enum status status = boat_messages_answer(g->queue, m.from, text, now_ms, &id);
	if (!status)
		atomic_fetch_add(&g->stats.answers, 1);
	else if (status != STATUS_NOT_FOUND)
		log_warn("gateway", "answer of %u: %s", m.from, status_text(status));
}

static void take_line(struct boat_gateway *g, struct span line, int64_t now_ms)
{
	struct sentence s;
	enum status status = sentence_parse(line, &s);
	if (status && status != STATUS_EMPTY)
		atomic_fetch_add(&g->stats.lines_refused, 1);
	if (status)
		return;
	if (sentence_is(&s, "FKI"))
		take_feedback(g, &s, now_ms);
	else if (sentence_is(&s, "TXR") || sentence_is(&s, "TCI"))
		take_message(g, &s, now_ms);
}

static void take_bytes(struct boat_gateway *g, int64_t now_ms)
{
	struct span left = span_of(g->held, g->held_size), line;
	enum status status;
	while ((status = sentence_line_next(&left, &line)) != STATUS_NEED_MORE) {
		if (status)
			atomic_fetch_add(&g->stats.lines_refused, 1);
		else
			take_line(g, line, now_ms);
	}
	if (left.size == HELD_MAX) { /* no line is so long */
		atomic_fetch_add(&g->stats.lines_refused, 1);
		left.size = 0;
	}
	memmove(g->held, left.data, left.size);
	g->held_size = left.size;
}

/* --- the link --- */

static void lose(struct boat_gateway *g, const char *why)
{
	if (g->fd < 0)
		return;
	log_warn("gateway", "link to the Beidou station lost: %s", why);
	close(g->fd);
	g->fd = -1;
	g->held_size = 0;
	g->under_way = 0; /* the queue gives it up by itself, and sends it again */
	atomic_fetch_add(&g->stats.lost, 1);
}

static int open_file(const char *path)
{
	struct termios t;
	int fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || tcgetattr(fd, &t))
		return fd; /* no serial line: as it is */
	cfmakeraw(&t);
	cfsetspeed(&t, B115200);
	t.c_cflag |= CLOCAL | CREAD;
	if (tcsetattr(fd, TCSANOW, &t))
		log_warn("gateway", "%s: cannot be set to 115200 8N1", path);
	return fd;
}

static int open_tcp(const struct boat_gateway *g)
{
	int fd = socket(g->peer.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), error = 0;
	socklen_t size = sizeof error;
	if (fd < 0)
		return -1;
	if (!connect(fd, (const struct sockaddr *)&g->peer, g->peer_size))
		return fd;
	struct pollfd polls[2] = {{fd, POLLOUT, 0}, {g->wake, POLLIN, 0}};
	if (errno == EINPROGRESS && poll(polls, 2, CONNECT_MS) > 0 && !polls[1].revents &&
	    !getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) && !error)
		return fd;
	close(fd);
	return -1;
}

static void connect_again(struct boat_gateway *g, int64_t now_ms)
{
	if (g->tried_ms && now_ms - g->tried_ms < AGAIN_MS)
		return;
	g->tried_ms = now_ms;
	g->fd = g->peer_size ? open_tcp(g) : open_file(g->path);
	if (g->fd >= 0)
		atomic_fetch_add(&g->stats.connected, 1);
}

static bool write_all(int fd, struct span bytes)
{
	while (bytes.size) {
		ssize_t n = write(fd, bytes.data, bytes.size);
		if (n < 0 && errno == EAGAIN) {
			struct pollfd p = {fd, POLLOUT, 0};
			if (poll(&p, 1, CONNECT_MS) <= 0)
				return false;
			continue;
		}
		if (n <= 0)
			return false;
		bytes = span_of(bytes.data + n, bytes.size - (size_t)n);
	}
	return true;
}

static void send_next(struct boat_gateway *g, int64_t now_ms)
{
	struct boat_message_next next;
	if (g->under_way && now_ms - g->sent_ms >= BOAT_FEEDBACK_MS)
		g->under_way = 0; /* the queue has given it up, too */
	if (g->under_way || (g->sent_ms && now_ms - g->sent_ms < g->interval_ms) ||
	    boat_messages_next(g->queue, now_ms, &next))
		return;
	struct buf out = buf_init(RDSS_PAYLOAD_MAX * 2 + 64);
	enum status status = boat_gateway_sentence(next.card, next.text, &out);
	if (!status && !write_all(g->fd, buf_view(&out)))
		lose(g, "nothing can be written");
	else if (!status)
		status = boat_messages_sent(g->queue, next.id, now_ms);
	buf_deinit(&out);
	if (g->fd < 0)
		return;
	g->sent_ms = now_ms;
	if (status) {
		log_warn("gateway", "message %" PRIu64 ": %s", next.id, status_text(status));
		return;
	}
	g->under_way = next.id;
	atomic_fetch_add(&g->stats.sent, 1);
}

static void read_some(struct boat_gateway *g, int64_t now_ms)
{
	ssize_t n = read(g->fd, g->held + g->held_size, HELD_MAX - g->held_size);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		lose(g, n ? strerror(errno) : "it ended");
		return;
	}
	g->held_size += (size_t)n;
	take_bytes(g, now_ms);
}

static void *run(void *context)
{
	struct boat_gateway *g = context;
	for (;;) {
		if (g->fd < 0)
			connect_again(g, clock_now_ms());
		if (g->fd >= 0)
			send_next(g, clock_now_ms());
		struct pollfd polls[2] = {{g->wake, POLLIN, 0}, {g->fd, POLLIN, 0}};
		poll(polls, g->fd >= 0 ? 2 : 1, TURN_MS);
		if (polls[0].revents)
			return NULL;
		if (g->fd >= 0 && polls[1].revents)
			read_some(g, clock_now_ms());
	}
}

/* --- life --- */

static bool take_tcp(struct boat_gateway *g, const char *text)
{
	char host[64];
	const char *colon = strrchr(text, ':');
	char *end;
	struct sockaddr_in *v4 = (struct sockaddr_in *)&g->peer;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&g->peer;
	unsigned long port = colon && colon[1] ? strtoul(colon + 1, &end, 10) : 0;
	if (!port || *end || port > 65535 || (size_t)(colon - text) >= sizeof host)
		return false;
	bool bracketed = *text == '[' && colon[-1] == ']';
	snprintf(host, sizeof host, "%.*s", (int)(colon - text) - 2 * bracketed, text + bracketed);
	if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons((uint16_t)port);
		g->peer_size = sizeof *v4;
	} else if (inet_pton(AF_INET6, host, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons((uint16_t)port);
		g->peer_size = sizeof *v6;
	}
	return g->peer_size != 0;
}

static bool take_address(struct boat_gateway *g, const char *address)
{
	if (!strncmp(address, "tcp:", 4))
		return take_tcp(g, address + 4);
	return !strncmp(address, "tty:", 4) && address[4] &&
	       snprintf(g->path, sizeof g->path, "%s", address + 4) < (int)sizeof g->path;
}

enum status boat_gateway_new(const char *address, struct boat_messages *queue, unsigned interval_s,
			     struct boat_gateway **out)
{
	struct boat_gateway *g = calloc(1, sizeof *g);
	if (!g)
		return STATUS_NO_MEMORY;
	g->queue = queue;
	g->interval_ms = interval_s * MS_PER_SECOND;
	g->fd = -1;
	g->wake = eventfd(0, EFD_CLOEXEC);
	enum status status = g->wake < 0 ? STATUS_IO : take_address(g, address) ? STATUS_OK : STATUS_INVALID;
	if (!status) {
		g->running = !pthread_create(&g->thread, NULL, run, g);
		status = g->running ? STATUS_OK : STATUS_NO_MEMORY;
	}
	if (status)
		boat_gateway_free(g);
	else
		*out = g;
	return status;
}

void boat_gateway_free(struct boat_gateway *g)
{
	const uint64_t one = 1;
	if (!g)
		return;
	if (g->running && write(g->wake, &one, sizeof one) == sizeof one)
		pthread_join(g->thread, NULL);
	if (g->fd >= 0)
		close(g->fd);
	if (g->wake >= 0)
		close(g->wake);
	free(g);
}

const struct boat_gateway_stats *boat_gateway_stats(const struct boat_gateway *g)
{
	return &g->stats;
}

enum status boat_gateway_metrics(const struct boat_gateway *g, struct buf *out)
{
	const struct boat_gateway_stats *s = &g->stats;
	const struct {
		const char *name, *help;
		uint64_t value;
	} rows[] = {{"connected", "Connections made to the Beidou station.", s->connected},
		    {"lost", "Connections to it that were lost.", s->lost},
		    {"sent", "Messages to boats given to it.", s->sent},
		    {"delivered", "Messages that it says it sent.", s->delivered},
		    {"refused", "Messages that it refused.", s->refused},
		    {"answers", "Answers of boats to messages.", s->answers},
		    {"lines_refused", "Lines of it that are no sentence.", s->lines_refused}};
	enum status status = STATUS_OK;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0] && !status; i++)
		status = buf_printf(out,
				    "# HELP zayton_boat_gateway_%s_total %s\n# TYPE zayton_boat_gateway_%s_total "
				    "counter\nzayton_boat_gateway_%s_total %" PRIu64 "\n",
				    rows[i].name, rows[i].help, rows[i].name, rows[i].name, rows[i].value);
	return status;
}
