/* sea_main.c -- play a fleet at sea to receivers.
 *
 *   zayton_sea --ais tcp:HOST:PORT,udp:HOST:PORT --beidou tcp:HOST:PORT --nmea tcp:HOST:PORT
 *              [--boats 40] [--minutes 20] [--start EPOCH_S] [--seed 1] [--rate 4000]
 *
 * Every AIS sentence goes to each of its receivers, as if each had heard it; what a repeater sends goes to the last
 * alone. `rate` is sentences a second, so that no datagram is lost for want of room. In the end one line of JSON: what
 * was sent, and of every sender how many positions. Exit status 1: a receiver could not be reached. */
#include <arpa/inet.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "bench/marine/sea.h"

#define RECEIVERS_MAX 8

struct player {
	int receivers[SEA_KINDS][RECEIVERS_MAX];
	unsigned counts[SEA_KINDS];
	unsigned long long lines, repeated, rate;
	struct timespec begun;
	bool failed;
};

/* tcp:HOST:PORT or udp:HOST:PORT, numeric IPv4. */
static int dial(const char *text)
{
	char host[64];
	int port;
	bool udp = strncmp(text, "udp:", 4) == 0;
	struct sockaddr_in address = {.sin_family = AF_INET};
	if ((!udp && strncmp(text, "tcp:", 4) != 0) || sscanf(text + 4, "%63[0-9.]:%d", host, &port) != 2 ||
	    inet_pton(AF_INET, host, &address.sin_addr) != 1)
		return -1;
	address.sin_port = htons((uint16_t)port);
	int fd = socket(AF_INET, (udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static bool take_receivers(struct player *p, enum sea_kind kind, char *list)
{
	char *save;
	for (char *one = strtok_r(list, ",", &save); one; one = strtok_r(NULL, ",", &save)) {
		int fd = p->counts[kind] < RECEIVERS_MAX ? dial(one) : -1;
		if (fd < 0) {
			fprintf(stderr, "zayton_sea: %s: not reached\n", one);
			return false;
		}
		p->receivers[kind][p->counts[kind]++] = fd;
	}
	return true;
}

/* Not more than `rate` sentences a second since the beginning. */
static void pace(struct player *p)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	double due = (double)p->lines / (double)p->rate;
	double passed = (double)(now.tv_sec - p->begun.tv_sec) + (double)(now.tv_nsec - p->begun.tv_nsec) / 1e9;
	if (due > passed) {
		double wait = due - passed;
		struct timespec t = {(time_t)wait, (long)((wait - (double)(time_t)wait) * 1e9)};
		nanosleep(&t, NULL);
	}
}

static void send_all(struct player *p, int fd, struct span bytes)
{
	while (bytes.size && !p->failed) {
		ssize_t n = send(fd, bytes.data, bytes.size, MSG_NOSIGNAL);
		if (n <= 0)
			p->failed = true;
		else
			bytes = span_of(bytes.data + n, bytes.size - (size_t)n);
	}
}

static void on_line(void *context, enum sea_kind kind, struct span sentence, bool repeat)
{
	struct player *p = context;
	unsigned first = repeat && p->counts[kind] ? p->counts[kind] - 1 : 0;
	for (unsigned i = first; i < p->counts[kind]; i++)
		send_all(p, p->receivers[kind][i], sentence);
	p->lines++;
	p->repeated += repeat;
	if (p->lines % 64 == 0)
		pace(p);
}

static void print_truth(const struct player *p, const struct sea_truth *truth, unsigned senders)
{
	static const char *const kinds[] = {"ais", "beidou", "nmea"};
	printf("{\"sentences\":%llu,\"repeated\":%llu,\"senders\":[", p->lines, p->repeated);
	for (unsigned i = 0; i < senders; i++)
		printf("%s{\"kind\":\"%s\",\"number\":%u,\"positions\":%u,\"statics\":%u}", i ? "," : "",
		       kinds[truth[i].kind], truth[i].number, truth[i].positions, truth[i].statics);
	printf("]}\n");
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"ais", 1, NULL, 'a'},   {"beidou", 1, NULL, 'b'},  {"nmea", 1, NULL, 'n'},
		{"boats", 1, NULL, 'o'}, {"minutes", 1, NULL, 'm'}, {"start", 1, NULL, 't'},
		{"seed", 1, NULL, 's'},  {"rate", 1, NULL, 'r'},    {NULL, 0, NULL, 0}};
	static struct sea_truth truth[SEA_SENDERS_MAX];
	struct player p = {.rate = 4000};
	struct sea_options o = {.seed = 1, .boats = 40, .minutes = 20};
	bool good = true;
	int option;
	o.start_ms = (int64_t)(time(NULL) / 60 * 60 - 1800) * 1000;
	while (good && (option = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (option) {
		case 'a':
			good = take_receivers(&p, SEA_AIS, optarg);
			break;
		case 'b':
			good = take_receivers(&p, SEA_BEIDOU, optarg);
			break;
		case 'n':
			good = take_receivers(&p, SEA_NMEA, optarg);
			break;
		case 'o':
			o.boats = (unsigned)atoi(optarg);
			break;
		case 'm':
			o.minutes = (unsigned)atoi(optarg);
			break;
		case 't':
			o.start_ms = atoll(optarg) / 60 * 60000;
			break;
		case 's':
			o.seed = strtoull(optarg, NULL, 10);
			break;
		case 'r':
			p.rate = strtoull(optarg, NULL, 10);
			break;
		default:
			return 2;
		}
	if (!good || o.minutes > 600 || o.boats > 2000 || !p.rate)
		return good ? 2 : 1;
	clock_gettime(CLOCK_MONOTONIC, &p.begun);
	unsigned senders = sea_play(&o, on_line, &p, truth);
	for (unsigned k = 0; k < SEA_KINDS; k++)
		for (unsigned i = 0; i < p.counts[k]; i++)
			close(p.receivers[k][i]);
	print_truth(&p, truth, senders);
	return p.failed ? 1 : 0;
}
