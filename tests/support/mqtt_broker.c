#include "support/mqtt_broker.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <mosquitto.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

#define WAIT_S 60

static int listen_anywhere(int *port)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof at;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
	cr_assert_eq(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), 0);
	cr_assert_eq(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
	cr_assert_eq(listen(fd, 16), 0);
	cr_assert_eq(getsockname(fd, (struct sockaddr *)&at, &size), 0);
	*port = ntohs(at.sin_port);
	return fd;
}

static int dial_port(int port)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0)
		return fd;
	close(fd);
	return -1;
}

/* --- the broker --- */

static void spawn(struct broker *b)
{
	char config[96];
	snprintf(config, sizeof config, "%s/conf", b->dir);
	char *words[] = {"/usr/sbin/mosquitto", "-c", config, NULL};
	posix_spawn_file_actions_t files;
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, 1, "/dev/null", 1 /* O_WRONLY */, 0);
	posix_spawn_file_actions_addopen(&files, 2, "/dev/null", 1, 0);
	cr_assert_eq(posix_spawn(&b->pid, words[0], &files, NULL, words, environ), 0, "is mosquitto installed?");
	posix_spawn_file_actions_destroy(&files);
	for (int tries = 0;; tries++) {
		int fd = dial_port(b->port);
		if (fd >= 0) {
			close(fd);
			return;
		}
		cr_assert_lt(tries, WAIT_S * 100, "the broker does not listen");
		usleep(10000);
	}
}

static void make_certificates(const struct broker *b)
{
	char command[1024];
	snprintf(command, sizeof command,
		 "cd %s && openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost "
		 "-addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout key.pem -out ca.pem >/dev/null 2>&1",
		 b->dir);
	cr_assert_eq(system(command), 0);
}

void broker_start(struct broker *b, bool tls)
{
	char path[96];
	*b = (struct broker){.dir = "/tmp/zayton-broker-XXXXXX", .tls = tls};
	cr_assert_not_null(mkdtemp(b->dir));
	close(listen_anywhere(&b->port));
	if (tls)
		make_certificates(b);
	snprintf(path, sizeof path, "%s/conf", b->dir);
	FILE *f = fopen(path, "w");
	fprintf(f,
		"listener %d 127.0.0.1\nallow_anonymous true\npersistence true\npersistence_location %s/\n"
		"autosave_interval 1\nautosave_on_changes true\nmax_queued_messages 0\nlog_dest none\n",
		b->port, b->dir);
	if (geteuid() == 0)
		fprintf(f, "user root\n");
	if (tls)
		fprintf(f, "certfile %s/ca.pem\nkeyfile %s/key.pem\n", b->dir, b->dir);
	fclose(f);
	spawn(b);
}

static void end(struct broker *b, int signal)
{
	int status;
	kill(b->pid, signal);
	cr_assert_eq(waitpid(b->pid, &status, 0), b->pid);
}

void broker_again(struct broker *b, int signal)
{
	end(b, signal);
	spawn(b);
}

void broker_stop(struct broker *b)
{
	char command[96];
	end(b, SIGTERM);
	snprintf(command, sizeof command, "rm -rf %s", b->dir);
	cr_assert_eq(system(command), 0);
}

/* --- the publisher --- */

static void on_published(struct mosquitto *p, void *context, int mid)
{
	(void)p;
	atomic_store((_Atomic int *)context, mid);
}

struct mosquitto *publisher_open(const struct broker *b)
{
	char ca[96];
	_Atomic int *last = calloc(1, sizeof *last);
	mosquitto_lib_init();
	struct mosquitto *p = mosquitto_new(NULL, true, last);
	mosquitto_publish_callback_set(p, on_published);
	snprintf(ca, sizeof ca, "%s/ca.pem", b->dir);
	if (b->tls)
		cr_assert_eq(mosquitto_tls_set(p, ca, NULL, NULL, NULL, NULL), MOSQ_ERR_SUCCESS);
	cr_assert_eq(mosquitto_connect(p, "127.0.0.1", b->port, 60), MOSQ_ERR_SUCCESS);
	cr_assert_eq(mosquitto_loop_start(p), MOSQ_ERR_SUCCESS);
	return p;
}

void publisher_say(struct mosquitto *p, const char *topic, const char *text)
{
	_Atomic int *last = mosquitto_userdata(p);
	int mid = 0;
	cr_assert_eq(mosquitto_publish(p, &mid, topic, (int)strlen(text), text, 1, false), MOSQ_ERR_SUCCESS);
	for (int tries = 0; atomic_load(last) != mid; tries++) {
		cr_assert_lt(tries, WAIT_S * 1000, "the broker does not take it");
		usleep(1000);
	}
}

void publisher_close(struct mosquitto *p)
{
	void *last = mosquitto_userdata(p);
	mosquitto_disconnect(p);
	mosquitto_loop_stop(p, false);
	mosquitto_destroy(p);
	free(last);
}

/* --- the wire --- */

/* Packets of the client that acknowledge, out of its bytes however they are split: type 4, length 2. */
struct counting {
	unsigned need; /* bytes left of the packet */
	int state;     /* 0: type, 1: length, 2: rest */
	uint8_t type;
	unsigned shift;
};

static unsigned count_acks(struct counting *c, const uint8_t *bytes, size_t size)
{
	unsigned n = 0;
	for (size_t i = 0; i < size; i++) {
		if (c->state == 0) {
			c->type = bytes[i] >> 4;
			c->need = c->shift = 0;
			c->state = 1;
		} else if (c->state == 1) {
			c->need |= (bytes[i] & 0x7fu) << c->shift;
			c->shift += 7;
			if (!(bytes[i] & 0x80))
				c->state = c->need ? 2 : 0;
		} else if (--c->need == 0) {
			n += c->type == 4;
			c->state = 0;
		}
	}
	return n;
}

static bool relay(int from, int to, long *left, struct counting *acks, struct wire *w)
{
	uint8_t bytes[4096];
	size_t room = *left >= 0 && (size_t)*left < sizeof bytes ? (size_t)*left : sizeof bytes;
	ssize_t n = recv(from, bytes, room, 0);
	if (n <= 0)
		return false;
	if (acks)
		atomic_fetch_add(&w->acknowledged, count_acks(acks, bytes, (size_t)n));
	if (send(to, bytes, (size_t)n, MSG_NOSIGNAL) != n)
		return false;
	if (*left >= 0)
		*left -= n;
	if (*left == 0)
		atomic_fetch_add(&w->cuts, 1);
	return *left != 0;
}

static void serve(struct wire *w, int client)
{
	int broker = dial_port(w->to_port);
	long down = atomic_load(&w->cut_down), up = atomic_load(&w->cut_up);
	struct counting acks = {0};
	struct pollfd p[2] = {{client, POLLIN, 0}, {broker, POLLIN, 0}};
	bool good = broker >= 0;
	while (good && !atomic_load(&w->stop)) {
		if (poll(p, 2, 20) <= 0)
			continue;
		if (p[0].revents)
			good = relay(client, broker, &up, &acks, w);
		if (good && p[1].revents)
			good = relay(broker, client, &down, NULL, w);
	}
	close(client);
	if (broker >= 0)
		close(broker);
}

static void *run_wire(void *context)
{
	struct wire *w = context;
	while (!atomic_load(&w->stop)) {
		struct pollfd p = {w->listener, POLLIN, 0};
		if (poll(&p, 1, 20) <= 0)
			continue;
		int client = accept(w->listener, NULL, NULL);
		if (client < 0)
			continue;
		atomic_fetch_add(&w->connections, 1);
		serve(w, client);
	}
	return NULL;
}

void wire_start(struct wire *w, int to_port)
{
	*w = (struct wire){.to_port = to_port, .cut_down = -1, .cut_up = -1};
	w->listener = listen_anywhere(&w->port);
	cr_assert_eq(pthread_create(&w->thread, NULL, run_wire, w), 0);
}

void wire_stop(struct wire *w)
{
	atomic_store(&w->stop, true);
	pthread_join(w->thread, NULL);
	close(w->listener);
}
