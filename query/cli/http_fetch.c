#include "query/cli/http_fetch.h"

#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "engine/core/limits.h"

/* the server may think as long as its own limit on a question */
#define QUIET_S 120
#define READ_BYTES 65536

struct answer {
	int fd;
	FILE *to;
	uint8_t *data; /* READ_BYTES */
	size_t at, end;
	int code;
	bool chunked, has_length;
	uint64_t length;
};

enum status url_append(struct buf *out, struct span text)
{
	enum status status = STATUS_OK;
	for (size_t i = 0; i < text.size && !status; i++) {
		uint8_t c = text.data[i];
		bool plain =
			(c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (c && strchr("-._~", c));
		status = plain ? buf_append_u8(out, c) : buf_printf(out, "%%%02X", c);
	}
	return status;
}

/* "http://[::1]:8080/" into host and port. */
static bool split_base(const char *base, char host[HTTP_BASE_MAX], char port[8])
{
	if (strncasecmp(base, "http://", 7) != 0 || strlen(base) >= HTTP_BASE_MAX)
		return false;
	base += 7;
	bool bracket = *base == '[';
	size_t n = bracket ? strcspn(base + 1, "]") : strcspn(base, ":/");
	memcpy(host, base + bracket, n);
	host[n] = '\0';
	base += n + (bracket ? 2 : 0);
	snprintf(port, 8, "80");
	if (*base == ':') {
		n = strspn(base + 1, "0123456789");
		if (n < 1 || n > 5)
			return false;
		snprintf(port, 8, "%.*s", (int)n, base + 1);
		base += 1 + n;
	}
	return *host && (!*base || strcmp(base, "/") == 0);
}

static int connect_one(const struct addrinfo *address)
{
	const struct timeval quiet = {QUIET_S, 0};
	int fd = socket(address->ai_family, address->ai_socktype | SOCK_CLOEXEC, address->ai_protocol);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &quiet, sizeof quiet);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &quiet, sizeof quiet);
	if (!connect(fd, address->ai_addr, address->ai_addrlen))
		return fd;
	close(fd);
	return -1;
}

static enum status connect_to(const char *host, const char *port, int *out)
{
	struct addrinfo wanted = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *found;
	if (getaddrinfo(host, port, &wanted, &found))
		return STATUS_NOT_FOUND;
	*out = -1;
	for (struct addrinfo *a = found; a && *out < 0; a = a->ai_next)
		*out = connect_one(a);
	freeaddrinfo(found);
	return *out < 0 ? STATUS_CLOSED : STATUS_OK;
}

static enum status send_all(int fd, struct span bytes)
{
	for (size_t sent = 0; sent < bytes.size;) {
		ssize_t n = send(fd, bytes.data + sent, bytes.size - sent, MSG_NOSIGNAL);
		if (n < 0 && errno != EINTR)
			return STATUS_IO;
		sent += n > 0 ? (size_t)n : 0;
	}
	return STATUS_OK;
}

static enum status send_request(int fd, const struct http_fetch *f, const char *host, const char *port)
{
	struct buf text = buf_init(HTTP_HEADER_MAX);
	bool six = strchr(host, ':') != NULL;
	struct span body = f->posted ? span_of_string(f->posted) : span_of("", 0);
	enum status status =
		buf_printf(&text,
			   "%s %s HTTP/1.1\r\nHost: %s%s%s:%s\r\nAccept: */*\r\nConnection: close\r\n"
			   "User-Agent: zayton/" ZAYTON_VERSION "\r\n%s%s%s",
			   f->posted ? "POST" : "GET", f->target, six ? "[" : "", host, six ? "]" : "", port,
			   f->token ? "Authorization: Bearer " : "", f->token ? f->token : "", f->token ? "\r\n" : "");
	if (!status && f->posted)
		status = buf_printf(&text, "Content-Type: application/json\r\nContent-Length: %zu\r\n", body.size);
	if (!status)
		status = buf_printf(&text, "\r\n");
	if (!status)
		status = send_all(fd, buf_view(&text));
	buf_deinit(&text);
	return status ? status : send_all(fd, body);
}

/* More bytes behind those not used yet. STATUS_END, STATUS_FULL, STATUS_IO. */
static enum status receive(struct answer *a)
{
	ssize_t n;
	memmove(a->data, a->data + a->at, a->end - a->at);
	a->end -= a->at;
	a->at = 0;
	if (a->end == READ_BYTES)
		return STATUS_FULL;
	do
		n = recv(a->fd, a->data + a->end, READ_BYTES - a->end, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return STATUS_IO;
	a->end += (size_t)n;
	return n ? STATUS_OK : STATUS_END;
}

/* A line without its end, at most HTTP_HEADER_MAX bytes; NUL-terminated in place. */
static enum status take_line(struct answer *a, char **out)
{
	for (;;) {
		uint8_t *newline = memchr(a->data + a->at, '\n', a->end - a->at);
		if (newline) {
			*out = (char *)a->data + a->at;
			a->at = (size_t)(newline - a->data) + 1;
			*newline = '\0';
			if (newline > (uint8_t *)*out && newline[-1] == '\r')
				newline[-1] = '\0';
			return STATUS_OK;
		}
		if (a->end - a->at > HTTP_HEADER_MAX)
			return STATUS_MALFORMED;
		enum status status = receive(a);
		if (status)
			return status == STATUS_END ? STATUS_CLOSED : status;
	}
}

static bool header_is(const char *line, const char *name, const char **value)
{
	size_t n = strlen(name);
	if (strncasecmp(line, name, n) != 0 || line[n] != ':')
		return false;
	*value = line + n + 1 + strspn(line + n + 1, " \t");
	return true;
}

static enum status take_header(struct answer *a, const char *line)
{
	const char *value;
	if (header_is(line, "content-length", &value)) {
		char *end;
		a->has_length = true;
		a->length = strtoull(value, &end, 10);
		return end == value ? STATUS_MALFORMED : STATUS_OK;
	}
	if (header_is(line, "transfer-encoding", &value))
		a->chunked = strcasecmp(value, "chunked") == 0;
	return STATUS_OK;
}

/* Status line and headers; 1xx answers are passed over. */
static enum status take_head(struct answer *a)
{
	char *line;
	enum status status;
	do {
		status = take_line(a, &line);
		if (!status && sscanf(line, "HTTP/1.%*d %3d", &a->code) != 1)
			status = STATUS_MALFORMED;
		for (size_t headers = 0; !status && headers < 256; headers++) {
			status = take_line(a, &line);
			if (!status && !*line)
				break;
			if (!status)
				status = take_header(a, line);
		}
	} while (!status && a->code < 200);
	return status;
}

/* `size` bytes of body, or with UINT64_MAX all until the end. */
static enum status copy_body(struct answer *a, uint64_t size)
{
	while (size) {
		if (a->at == a->end) {
			enum status status = receive(a);
			if (status == STATUS_END)
				return size == UINT64_MAX ? STATUS_OK : STATUS_CLOSED;
			if (status)
				return status;
		}
		size_t n = a->end - a->at < size ? a->end - a->at : (size_t)size;
		if (fwrite(a->data + a->at, 1, n, a->to) != n)
			return STATUS_IO;
		a->at += n;
		size -= size == UINT64_MAX ? 0 : n;
	}
	return STATUS_OK;
}

static enum status copy_chunks(struct answer *a)
{
	for (;;) {
		char *line, *end;
		enum status status = take_line(a, &line);
		if (status)
			return status;
		uint64_t size = strtoull(line, &end, 16);
		if (end == line || size == UINT64_MAX)
			return STATUS_MALFORMED;
		if (size == 0)
			return STATUS_OK; /* trailers are of no interest */
		status = copy_body(a, size);
		if (!status)
			status = take_line(a, &line);
		if (status)
			return status;
	}
}

static enum status take_answer(struct answer *a, const struct http_fetch *f)
{
	enum status status = take_head(a);
	if (status)
		return status;
	a->to = a->code / 100 == 2 ? f->body : f->problem;
	status = a->chunked ? copy_chunks(a) : copy_body(a, a->has_length ? a->length : UINT64_MAX);
	if (fflush(a->to) && !status)
		status = STATUS_IO;
	return status;
}

enum status http_fetch(const struct http_fetch *f, int *code)
{
	char host[HTTP_BASE_MAX], port[8];
	struct answer a = {.fd = -1};
	*code = 0;
	if (!split_base(f->base, host, port))
		return STATUS_INVALID;
	enum status status = connect_to(host, port, &a.fd);
	if (status)
		return status;
	a.data = malloc(READ_BYTES);
	status = a.data ? send_request(a.fd, f, host, port) : STATUS_NO_MEMORY;
	if (!status)
		status = take_answer(&a, f);
	*code = a.code;
	close(a.fd);
	free(a.data);
	return status;
}
