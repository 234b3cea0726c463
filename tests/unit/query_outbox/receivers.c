#include "unit/query_outbox/receivers.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/poll.h>
#include <unistd.h>

struct peer {
	int fd;
	struct receiver *of;
	char in[1 << 17];
	size_t size;
};

/* More bytes; false at the end. */
static bool receive(struct peer *p)
{
	struct pollfd one = {.fd = p->fd, .events = POLLIN};
	while (!atomic_load(&p->of->stop)) {
		if (poll(&one, 1, 20) <= 0)
			continue;
		ssize_t n = read(p->fd, p->in + p->size, sizeof p->in - 1 - p->size);
		if (n <= 0)
			return false;
		p->size += (size_t)n;
		p->in[p->size] = '\0';
		return true;
	}
	return false;
}

static void say(struct peer *p, const char *text)
{
	if (write(p->fd, text, strlen(text)) < 0)
		p->size = 0;
}

static void drop(struct peer *p, size_t n)
{
	p->size -= n;
	memmove(p->in, p->in + n, p->size);
	p->in[p->size] = '\0';
}

static void header(const char *head, const char *name, char *out, size_t room)
{
	const char *at = strcasestr(head, name);
	out[0] = '\0';
	if (at)
		snprintf(out, room, "%.*s", (int)strcspn(at + strlen(name), "\r\n"), at + strlen(name));
}

/* What the receiver makes of it. */
static int keep(struct receiver *r, struct received *one)
{
	pthread_mutex_lock(&r->lock);
	int code = r->judge ? r->judge(one, r->count) : r->mail ? 250 : 200;
	one->accepted = code / 100 == 2;
	cr_assert_lt(r->count, (size_t)RECEIVED_MAX);
	r->all[r->count++] = *one;
	pthread_cond_broadcast(&r->came);
	pthread_mutex_unlock(&r->lock);
	return code;
}

static bool http_request(struct peer *p)
{
	struct received one = {.accepted = false};
	char length[32], answer[128];
	char *end;
	while (!(end = strstr(p->in, "\r\n\r\n")))
		if (!receive(p))
			return false;
	size_t head = (size_t)(end + 4 - p->in);
	header(p->in, "X-Zayton-Id: ", one.id, sizeof one.id);
	header(p->in, "X-Zayton-Signature: ", one.signature, sizeof one.signature);
	header(p->in, "Content-Length: ", length, sizeof length);
	size_t size = strtoul(length, NULL, 10);
	while (p->size < head + size)
		if (!receive(p))
			return false;
	one.body = strndup(p->in + head, size);
	drop(p, head + size);
	while (atomic_load(&p->of->silent) && !atomic_load(&p->of->stop))
		usleep(5000); /* the peer gives up, not we */
	int code = keep(p->of, &one);
	if (!code)
		return false;
	snprintf(answer, sizeof answer, "HTTP/1.1 %d X\r\nContent-Length: 2\r\n\r\nok", code);
	say(p, answer);
	return true;
}

static bool mail_line(struct peer *p, char out[1024])
{
	char *end;
	while (!(end = strstr(p->in, "\r\n")))
		if (!receive(p))
			return false;
	snprintf(out, 1024, "%.*s", (int)(end - p->in), p->in);
	drop(p, (size_t)(end + 2 - p->in));
	return true;
}

static bool mail_body(struct peer *p)
{
	struct received one = {.accepted = false};
	char *end, answer[64];
	say(p, "354 go on\r\n");
	while (!(end = strstr(p->in, "\r\n.\r\n")))
		if (!receive(p))
			return false;
	one.body = strndup(p->in, (size_t)(end - p->in));
	drop(p, (size_t)(end + 5 - p->in));
	header(one.body, "X-Zayton-Id: ", one.id, sizeof one.id);
	snprintf(answer, sizeof answer, "%d done\r\n", keep(p->of, &one));
	say(p, answer);
	return true;
}

static bool mail_command(struct peer *p)
{
	char line[1024];
	if (!mail_line(p, line))
		return false;
	if (!strncasecmp(line, "DATA", 4))
		return mail_body(p);
	say(p, !strncasecmp(line, "QUIT", 4) ? "221 bye\r\n" : "250 ok\r\n");
	return strncasecmp(line, "QUIT", 4) != 0;
}

static void *run(void *context)
{
	struct receiver *r = context;
	while (!atomic_load(&r->stop)) {
		struct pollfd one = {.fd = r->fd, .events = POLLIN};
		if (poll(&one, 1, 20) <= 0)
			continue;
		struct peer *p = calloc(1, sizeof *p);
		p->of = r;
		p->fd = accept(r->fd, NULL, NULL);
		if (r->mail)
			say(p, "220 test\r\n");
		while (!atomic_load(&r->stop) && (r->mail ? mail_command(p) : http_request(p)))
			;
		close(p->fd);
		free(p);
	}
	return NULL;
}

void receiver_reopen(struct receiver *r)
{
	struct sockaddr_in at = {
		.sin_family = AF_INET, .sin_port = htons(r->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof at;
	int yes = 1;
	r->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(r->fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
	cr_assert_eq(bind(r->fd, (struct sockaddr *)&at, sizeof at), 0);
	cr_assert_eq(listen(r->fd, 8), 0);
	getsockname(r->fd, (struct sockaddr *)&at, &size);
	r->port = ntohs(at.sin_port);
	atomic_store(&r->stop, false);
	cr_assert_eq(pthread_create(&r->thread, NULL, run, r), 0);
}

void receiver_open(struct receiver *r, bool mail)
{
	memset(r, 0, sizeof *r);
	r->mail = mail;
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->came, NULL);
	receiver_reopen(r);
}

void receiver_close(struct receiver *r)
{
	atomic_store(&r->stop, true);
	pthread_join(r->thread, NULL);
	close(r->fd);
}

void receiver_forget(struct receiver *r)
{
	for (size_t i = 0; i < r->count; i++)
		free(r->all[i].body);
	r->count = 0;
}

static size_t counted(const struct receiver *r, bool accepted)
{
	size_t n = 0;
	for (size_t i = 0; i < r->count; i++)
		n += !accepted || r->all[i].accepted;
	return n;
}

void receiver_await(struct receiver *r, size_t count, bool accepted)
{
	pthread_mutex_lock(&r->lock);
	while (counted(r, accepted) < count)
		pthread_cond_wait(&r->came, &r->lock);
	pthread_mutex_unlock(&r->lock);
}
