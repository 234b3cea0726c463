/* http_load.c -- clients that ask over kept connections, one question at a time each, every answer checked.
 *
 *   http_load --port N --pid SERVER [--connections N] [--rate N] [--seconds N] PATHS
 *
 * PATHS is a file with a path a line; question k asks path k modulo their number. --rate 0: each connection asks again
 * as soon as it was answered. Otherwise an open loop: question k is due at k / rate whatever became of those before it,
 * and its latency counts from then. An answer that is not 200 or has no body ends the run with an error. The server's
 * CPU is read from /proc at the beginning and the end of the measured span. Prints one JSON object. */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "bench/process_cpu.h"
#include "engine/core/clock.h"
#include "engine/core/histogram.h"

#define ANSWER_MAX 65536
#define CONNECTIONS_MAX 1024

struct client {
	int fd;
	int64_t due_ns; /* of the question under way; 0: none */
	size_t size;    /* of the answer so far */
	char answer[ANSWER_MAX];
};

static struct {
	int port, pid;
	unsigned connections, rate, seconds;
} options = {.connections = 32, .seconds = 5};

static char **paths;
static size_t path_count;
static struct client *clients[CONNECTIONS_MAX], *idle[CONNECTIONS_MAX];
static unsigned idle_count;
static int poll_fd;
static struct histogram latency;
static uint64_t asked, answered, bytes;

static void fail(const char *what)
{
	fprintf(stderr, "http_load: %s: %s\n", what, errno ? strerror(errno) : "not what was expected");
	exit(1);
}

static void read_paths(const char *name)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t n;
	FILE *f = fopen(name, "r");
	if (!f)
		fail(name);
	while ((n = getline(&line, &room, f)) > 0) {
		line[n - (line[n - 1] == '\n')] = 0;
		paths = realloc(paths, (path_count + 1) * sizeof *paths);
		if (!paths || !(paths[path_count++] = strdup(line)))
			fail("memory");
	}
	free(line);
	fclose(f);
	if (!path_count)
		fail("no path");
}

static void dial_all(void)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)options.port)};
	int one = 1;
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	poll_fd = epoll_create1(0);
	for (unsigned i = 0; i < options.connections; i++) {
		struct client *c = calloc(1, sizeof *c);
		struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
		if (!c || (c->fd = socket(AF_INET, SOCK_STREAM, 0)) < 0 ||
		    connect(c->fd, (struct sockaddr *)&to, sizeof to) ||
		    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) ||
		    epoll_ctl(poll_fd, EPOLL_CTL_ADD, c->fd, &event))
			fail("connect");
		clients[i] = idle[idle_count++] = c;
	}
}

static void ask(struct client *c, int64_t due_ns)
{
	char text[512];
	int n = snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", paths[asked++ % path_count]);
	c->due_ns = due_ns;
	c->size = 0;
	if (n >= (int)sizeof text || write(c->fd, text, (size_t)n) != n)
		fail("write");
}

/* The size of the whole answer, 0 while its head is not whole. */
static size_t answer_size(const struct client *c)
{
	const char *end = strstr(c->answer, "\r\n\r\n"), *length = strcasestr(c->answer, "content-length:");
	if (!end)
		return 0;
	errno = 0;
	if (strncmp(c->answer, "HTTP/1.1 200 ", 13) || !length || length > end)
		fail(c->answer);
	size_t body = strtoul(length + 15, NULL, 10);
	if (!body)
		fail("an empty answer");
	return (size_t)(end + 4 - c->answer) + body;
}

static void on_readable(struct client *c, bool again)
{
	ssize_t n = read(c->fd, c->answer + c->size, ANSWER_MAX - 1 - c->size);
	if (n <= 0)
		fail("the server closed a connection");
	c->size += (size_t)n;
	c->answer[c->size] = 0;
	size_t whole = answer_size(c);
	if (!whole || c->size < whole)
		return;
	int64_t now = clock_monotonic_ns();
	histogram_add(&latency, (uint64_t)(now - c->due_ns) / 1000, 1);
	answered++;
	bytes += c->size;
	c->due_ns = 0;
	if (again)
		ask(c, now);
	else
		idle[idle_count++] = c;
}

static void poll_once(int64_t timeout_ns, bool again)
{
	struct epoll_event events[CONNECTIONS_MAX];
	struct timespec timeout = {.tv_nsec = timeout_ns};
	int n = epoll_pwait2(poll_fd, events, CONNECTIONS_MAX, &timeout, NULL);
	for (int i = 0; i < n; i++)
		on_readable(events[i].data.ptr, again);
}

static void closed_loop(int64_t end_ns)
{
	while (idle_count)
		ask(idle[--idle_count], clock_monotonic_ns());
	while (clock_monotonic_ns() < end_ns)
		poll_once(10000000, true);
}

/* A question that finds no free connection waits; its latency counts from when it was due. */
static void open_loop(int64_t begin_ns, int64_t end_ns)
{
	double gap_ns = 1e9 / options.rate;
	for (int64_t now = begin_ns; now < end_ns; now = clock_monotonic_ns()) {
		uint64_t due = (uint64_t)((double)(now - begin_ns) / gap_ns);
		while (asked < due && idle_count)
			ask(idle[--idle_count], begin_ns + (int64_t)((double)asked * gap_ns));
		int64_t next_ns = begin_ns + (int64_t)((double)(due + 1) * gap_ns) - clock_monotonic_ns();
		poll_once(next_ns <= 0 ? 0 : next_ns < 10000000 ? next_ns : 10000000, false);
	}
}

static bool parse(int argc, char **argv)
{
	static const struct option longs[] = {
		{"port", 1, NULL, 'p'}, {"pid", 1, NULL, 'i'},     {"connections", 1, NULL, 'c'},
		{"rate", 1, NULL, 'r'}, {"seconds", 1, NULL, 's'}, {NULL, 0, NULL, 0},
	};
	for (int c; (c = getopt_long(argc, argv, "", longs, NULL)) != -1;) {
		unsigned value = optarg ? (unsigned)strtoul(optarg, NULL, 10) : 0;
		if (c == 'p')
			options.port = (int)value;
		else if (c == 'i')
			options.pid = (int)value;
		else if (c == 'c')
			options.connections = value;
		else if (c == 'r')
			options.rate = value;
		else if (c == 's')
			options.seconds = value;
		else
			return false;
	}
	return options.port && options.pid && options.seconds && options.connections &&
	       options.connections <= CONNECTIONS_MAX && optind + 1 == argc;
}

int main(int argc, char **argv)
{
	if (!parse(argc, argv)) {
		fprintf(stderr, "usage: http_load --port N --pid SERVER [--connections N] [--rate N] [--seconds N] "
				"PATHS\n");
		return 2;
	}
	read_paths(argv[optind]);
	dial_all();
	int64_t begin_ns = clock_monotonic_ns(), cpu = cpu_ms(options.pid);
	int64_t end_ns = begin_ns + (int64_t)options.seconds * 1000000000;
	if (options.rate)
		open_loop(begin_ns, end_ns);
	else
		closed_loop(end_ns);
	cpu = cpu_ms(options.pid) - cpu;
	double seconds = (double)(clock_monotonic_ns() - begin_ns) / 1e9;
	printf("{\"connections\":%u,\"answered\":%llu,\"seconds\":%.3f,\"rate\":%.0f,\"bytes_per_answer\":%.1f,"
	       "\"server_cpu_ms\":%lld,\"per_core_second\":%.0f,\"p50_us\":%llu,\"p99_us\":%llu,\"max_us\":%llu}\n",
	       options.connections, (unsigned long long)answered, seconds, (double)answered / seconds,
	       answered ? (double)bytes / (double)answered : 0, (long long)cpu,
	       cpu ? (double)answered * 1000 / (double)cpu : 0, (unsigned long long)histogram_quantile(&latency, 0.5),
	       (unsigned long long)histogram_quantile(&latency, 0.99), (unsigned long long)latency.max);
	return answered ? 0 : 1;
}
