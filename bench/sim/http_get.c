#include "bench/sim/http_get.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BUFFER_BYTES (1u << 20)

/* Body bytes come through here whatever their framing. */
struct reader {
	int fd;
	char *bytes;
	size_t at, size;
	bool chunked;
	long left; /* of the chunk or of Content-Length; -1: until the end of the connection */
	bool ended, failed;
};

static bool fill(struct reader *r)
{
	if (r->at == r->size)
		r->at = r->size = 0;
	if (r->size == BUFFER_BYTES) {
		if (!r->at)
			return false;
		memmove(r->bytes, r->bytes + r->at, r->size - r->at);
		r->size -= r->at;
		r->at = 0;
	}
	ssize_t n = read(r->fd, r->bytes + r->size, BUFFER_BYTES - r->size);
	if (n <= 0)
		return false;
	r->size += (size_t)n;
	return true;
}

/* A CRLF-ended line of the protocol, NUL-terminated in place; NULL at the end. */
static char *protocol_line(struct reader *r)
{
	for (;;) {
		char *start = r->bytes + r->at;
		char *end = memmem(start, r->size - r->at, "\r\n", 2);
		if (end) {
			*end = '\0';
			r->at = (size_t)(end - r->bytes) + 2;
			return start;
		}
		if (!fill(r))
			return NULL;
	}
}

static bool read_head(struct reader *r, int *code)
{
	char *line = protocol_line(r);
	if (!line || sscanf(line, "HTTP/1.%*d %d", code) != 1)
		return false;
	r->left = -1;
	while ((line = protocol_line(r)) && *line) {
		if (!strncasecmp(line, "content-length:", 15))
			r->left = strtol(line + 15, NULL, 10);
		else if (!strncasecmp(line, "transfer-encoding:", 18) && strstr(line, "chunked"))
			r->chunked = true;
	}
	if (r->chunked)
		r->left = 0;
	return line != NULL;
}

static void next_chunk(struct reader *r)
{
	char *line = protocol_line(r);
	if (line && !*line) /* the line end behind the chunk before */
		line = protocol_line(r);
	if (!line) {
		r->failed = r->ended = true;
		return;
	}
	r->left = strtol(line, NULL, 16);
	r->ended = r->left == 0;
}

/* Some bytes of the body; 0 at its end. */
static size_t body_bytes(struct reader *r, char **out)
{
	if (r->chunked && !r->left && !r->ended)
		next_chunk(r);
	if (r->ended || (!r->chunked && r->left == 0))
		return 0;
	if (r->at == r->size && !fill(r)) {
		r->failed = r->left > 0;
		return 0;
	}
	size_t n = r->size - r->at;
	if (r->left >= 0 && n > (size_t)r->left)
		n = (size_t)r->left;
	*out = r->bytes + r->at;
	r->at += n;
	if (r->left > 0)
		r->left -= (long)n;
	return n;
}

struct lines {
	char *bytes;
	size_t size, capacity;
	http_line *line;
	void *context;
};

static void add(struct lines *l, const char *bytes, size_t n)
{
	if (l->size + n + 1 > l->capacity) {
		l->capacity = (l->size + n + 1) * 2;
		l->bytes = realloc(l->bytes, l->capacity);
		if (!l->bytes)
			abort();
	}
	memcpy(l->bytes + l->size, bytes, n);
	l->size += n;
}

static void end_line(struct lines *l)
{
	add(l, "", 1);
	l->line(l->context, l->bytes, l->size - 1);
	l->size = 0;
}

static void split(struct lines *l, const char *bytes, size_t n)
{
	const char *end;
	while (n && (end = memchr(bytes, '\n', n))) {
		add(l, bytes, (size_t)(end - bytes));
		end_line(l);
		n -= (size_t)(end - bytes) + 1;
		bytes = end + 1;
	}
	add(l, bytes, n);
}

static int dial(int port)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to)) {
		close(fd);
		return -1;
	}
	return fd;
}

static bool send_all(int fd, const char *bytes, size_t size)
{
	while (size) {
		ssize_t n = write(fd, bytes, size);
		if (n <= 0)
			return false;
		bytes += n;
		size -= (size_t)n;
	}
	return true;
}

static bool send_request(int fd, const char *method, const char *path, const char *type, struct span body)
{
	char head[4096];
	int n = snprintf(head, sizeof head, "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n", method, path);
	if (type && n < (int)sizeof head)
		n += snprintf(head + n, sizeof head - (size_t)n, "Content-Type: %s\r\nContent-Length: %zu\r\n", type,
			      body.size);
	if (n + 2 >= (int)sizeof head)
		return false;
	memcpy(head + n, "\r\n", 2);
	return send_all(fd, head, (size_t)n + 2) && send_all(fd, (const char *)body.data, body.size);
}

enum status http_send(int port, const char *method, const char *path, const char *type, struct span body, int *out_code,
		      http_line *line, void *context)
{
	struct reader r = {.fd = dial(port), .bytes = malloc(BUFFER_BYTES)};
	struct lines l = {.line = line, .context = context};
	bool ok = r.fd >= 0 && r.bytes && send_request(r.fd, method, path, type, body) && read_head(&r, out_code);
	char *bytes;
	for (size_t got; ok && (got = body_bytes(&r, &bytes));)
		split(&l, bytes, got);
	if (ok && l.size)
		end_line(&l);
	if (r.fd >= 0)
		close(r.fd);
	free(r.bytes);
	free(l.bytes);
	return ok && !r.failed ? STATUS_OK : STATUS_IO;
}

enum status http_get(int port, const char *path, int *out_code, http_line *line, void *context)
{
	return http_send(port, "GET", path, NULL, (struct span){NULL, 0}, out_code, line, context);
}
