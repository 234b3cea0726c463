/* http_client.h -- a small client over real sockets for the tests: raw bytes out, one parsed answer in.
 *
 *   struct client c = client_open(port); client_send(&c, "GET / HTTP/1.1\r\n\r\n"); client_answer(&c, &a);
 *
 * Reads block until something comes; the test's own timeout ends one that waits for ever. */
#ifndef ZAYTON_TESTS_HTTP_CLIENT_H
#define ZAYTON_TESTS_HTTP_CLIENT_H

#include <openssl/ssl.h>

#include "engine/core/bytes.h"

struct client {
	int fd;
	SSL_CTX *context;
	SSL *tls;
	struct buf in; /* received and not yet consumed */
};

struct answer {
	int status;
	char head[8192]; /* status line and headers, lower case */
	struct buf body; /* unchunked */
	bool whole;      /* it ended as it should */
};

struct client client_open(uint16_t port);
/* TLS with the ALPN offered, "http/1.1" or "h2"; the certificate is not verified. */
struct client client_open_tls(uint16_t port, const char *alpn);
void client_close(struct client *c);
void client_send(struct client *c, const char *text);
void client_send_bytes(struct client *c, const void *data, size_t size);
/* At least one byte more into `in`; false at the end or on a reset. */
bool client_receive(struct client *c);
/* `head`: no body follows, as after HEAD. False when the connection ended before a status line. */
bool client_answer(struct client *c, struct answer *out, bool head);
void answer_deinit(struct answer *a);
/* The value of a header ("content-type"), "" when absent; static until the next call. */
const char *answer_header(const struct answer *a, const char *name);
bool answer_has(const struct answer *a, const char *text);

/* One request on a connection of its own: "GET /x", extra header lines ("" or "A: b\r\n"), body or NULL. */
struct answer ask(uint16_t port, const char *request, const char *headers, const char *body);

#endif
