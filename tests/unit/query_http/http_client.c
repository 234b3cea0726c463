#include "unit/query_http/http_client.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct client client_open(uint16_t port)
{
	struct client c = {.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), .in = buf_init(256u << 20)};
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	cr_assert(c.fd >= 0);
	cr_assert_eq(connect(c.fd, (struct sockaddr *)&to, sizeof to), 0);
	return c;
}

struct client client_open_tls(uint16_t port, const char *alpn)
{
	struct client c = client_open(port);
	unsigned char wire[32];
	size_t n = strlen(alpn);
	wire[0] = (unsigned char)n;
	memcpy(wire + 1, alpn, n);
	c.context = SSL_CTX_new(TLS_client_method());
	cr_assert(c.context);
	c.tls = SSL_new(c.context);
	cr_assert(c.tls);
	cr_assert_eq(SSL_set_alpn_protos(c.tls, wire, (unsigned)n + 1), 0);
	SSL_set_fd(c.tls, c.fd);
	cr_assert_eq(SSL_connect(c.tls), 1, "the TLS handshake failed");
	return c;
}

void client_close(struct client *c)
{
	SSL_free(c->tls);
	SSL_CTX_free(c->context);
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	buf_deinit(&c->in);
}

void client_send_bytes(struct client *c, const void *data, size_t size)
{
	const char *at = data;
	while (size) {
		ssize_t n = c->tls ? SSL_write(c->tls, at, (int)size) : send(c->fd, at, size, MSG_NOSIGNAL);
		if (n <= 0)
			return; /* the server closed: what it said is still to be read */
		at += n;
		size -= (size_t)n;
	}
}

void client_send(struct client *c, const char *text)
{
	client_send_bytes(c, text, strlen(text));
}

bool client_receive(struct client *c)
{
	cr_assert_eq(buf_reserve(&c->in, 65536), STATUS_OK);
	ssize_t n = c->tls ? SSL_read(c->tls, c->in.data + c->in.size, 65536)
			   : recv(c->fd, c->in.data + c->in.size, 65536, 0);
	if (n <= 0)
		return false;
	c->in.size += (size_t)n;
	return true;
}

static void consume(struct client *c, size_t size)
{
	memmove(c->in.data, c->in.data + size, c->in.size - size);
	c->in.size -= size;
}

static bool receive_until(struct client *c, size_t size)
{
	while (c->in.size < size)
		if (!client_receive(c))
			return false;
	return true;
}

static bool take_head(struct client *c, struct answer *out)
{
	char *end;
	while (!c->in.size || !(end = memmem(c->in.data, c->in.size, "\r\n\r\n", 4)))
		if (!client_receive(c))
			return false;
	size_t size = (size_t)((uint8_t *)end - c->in.data) + 2;
	cr_assert_lt(size, sizeof out->head);
	for (size_t i = 0; i < size; i++)
		out->head[i] = (char)tolower(c->in.data[i]);
	out->head[size] = '\0';
	consume(c, size + 2);
	cr_assert_eq(strncmp(out->head, "http/1.", 7), 0, "%s", out->head);
	out->status = atoi(out->head + 9);
	return true;
}

static void take_bytes(struct client *c, struct answer *out, size_t size)
{
	out->whole = receive_until(c, size);
	size = size < c->in.size ? size : c->in.size;
	cr_assert_eq(buf_append(&out->body, c->in.data, size), STATUS_OK);
	consume(c, size);
}

static bool take_chunk(struct client *c, struct answer *out)
{
	char *end;
	while (!c->in.size || !(end = memmem(c->in.data, c->in.size, "\r\n", 2)))
		if (!client_receive(c))
			return false;
	size_t size = strtoul((char *)c->in.data, NULL, 16);
	consume(c, (size_t)((uint8_t *)end - c->in.data) + 2);
	if (!receive_until(c, size + 2))
		return false;
	cr_assert_eq(buf_append(&out->body, c->in.data, size), STATUS_OK);
	consume(c, size + 2);
	out->whole = size == 0;
	return size > 0;
}

const char *answer_header(const struct answer *a, const char *name)
{
	static char value[512];
	char wanted[64];
	value[0] = '\0';
	snprintf(wanted, sizeof wanted, "\r\n%s: ", name);
	const char *at = strstr(a->head, wanted);
	if (at)
		snprintf(value, sizeof value, "%.*s", (int)strcspn(at + strlen(wanted), "\r"), at + strlen(wanted));
	return value;
}

bool client_answer(struct client *c, struct answer *out, bool head)
{
	memset(out, 0, sizeof *out);
	out->body = buf_init(256u << 20);
	if (!take_head(c, out))
		return false;
	const char *length = answer_header(out, "content-length");
	if (head || out->status == 204 || out->status == 304) {
		out->whole = true;
	} else if (*length) {
		take_bytes(c, out, strtoul(length, NULL, 10));
	} else if (!strcmp(answer_header(out, "transfer-encoding"), "chunked")) {
		while (take_chunk(c, out))
			;
	} else {
		while (client_receive(c))
			;
		take_bytes(c, out, c->in.size);
	}
	cr_assert_eq(buf_append(&out->body, "", 1), STATUS_OK); /* so that it can be read as a string */
	out->body.size--;
	return true;
}

void answer_deinit(struct answer *a)
{
	buf_deinit(&a->body);
}

bool answer_has(const struct answer *a, const char *text)
{
	return a->body.size && memmem(a->body.data, a->body.size, text, strlen(text));
}

struct answer ask(uint16_t port, const char *request, const char *headers, const char *body)
{
	struct client c = client_open(port);
	struct answer a;
	static char text[1 << 16];
	int n = snprintf(text, sizeof text, "%s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n%s", request, (unsigned)port,
			 headers);
	cr_assert_lt((size_t)n, sizeof text - 64, "a longer request than this client sends");
	if (body)
		n += snprintf(text + n, sizeof text - (size_t)n, "Content-Length: %zu\r\n", strlen(body));
	client_send_bytes(&c, text, (size_t)n);
	client_send(&c, "\r\n");
	if (body)
		client_send(&c, body);
	cr_assert(client_answer(&c, &a, !strncmp(request, "HEAD", 4)), "no answer to %s", request);
	client_close(&c);
	return a;
}
