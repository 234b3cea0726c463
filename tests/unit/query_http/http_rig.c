#include "unit/query_http/http_rig.h"

#include <criterion/criterion.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "unit/query_http/http_client.h"

/* What the test routes tell the tests. */
static struct {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	bool gate_open;
	unsigned waiting;       /* handlers at the gate */
	size_t queue_high;      /* of the last stream */
	uint64_t produced;      /* bytes the last stream wrote */
	enum status stream_end; /* STATUS_NEED_MORE while it runs */
} seen = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void tell(enum status end, struct http_exchange *x, uint64_t produced)
{
	pthread_mutex_lock(&seen.mutex);
	seen.stream_end = end;
	seen.produced = produced;
	seen.queue_high = x->queue_high;
	pthread_cond_broadcast(&seen.changed);
	pthread_mutex_unlock(&seen.mutex);
}

enum status rig_await_stream_end(void)
{
	pthread_mutex_lock(&seen.mutex);
	while (seen.stream_end == STATUS_NEED_MORE)
		pthread_cond_wait(&seen.changed, &seen.mutex);
	enum status status = seen.stream_end;
	pthread_mutex_unlock(&seen.mutex);
	return status;
}

static void fill_pattern(char *out, size_t size, uint64_t at)
{
	for (size_t i = 0; i < size; i++)
		out[i] = (char)('a' + (at + i) % 23);
}

static void get_stream(struct http_call *c)
{
	char piece[5000];
	uint64_t at = 0, want = (uint64_t)c->values[0].number;
	enum status status = STATUS_OK;
	exchange_begin(c->x, 200, "text/plain");
	while (at < want && !status) {
		size_t size = want - at < sizeof piece ? want - at : sizeof piece;
		fill_pattern(piece, size, at);
		status = exchange_write(c->x, span_of(piece, size));
		at += size;
	}
	tell(status, c->x, at);
	exchange_end(c->x);
}

static void get_broken(struct http_call *c)
{
	char piece[40000];
	fill_pattern(piece, sizeof piece, 0);
	exchange_begin(c->x, 200, "text/plain");
	cr_expect_eq(exchange_write(c->x, span_of(piece, sizeof piece)), STATUS_OK);
	exchange_abort(c->x);
}

static void get_gate(struct http_call *c)
{
	pthread_mutex_lock(&seen.mutex);
	seen.waiting++;
	pthread_cond_broadcast(&seen.changed);
	while (!seen.gate_open)
		pthread_cond_wait(&seen.changed, &seen.mutex);
	seen.waiting--;
	pthread_mutex_unlock(&seen.mutex);
	http_answer(c, 200, "text/plain", span_of_string("through\n"));
}

void rig_open_gate(bool open)
{
	pthread_mutex_lock(&seen.mutex);
	seen.gate_open = open;
	pthread_cond_broadcast(&seen.changed);
	pthread_mutex_unlock(&seen.mutex);
}

void rig_await_waiting(unsigned count)
{
	pthread_mutex_lock(&seen.mutex);
	while (seen.waiting < count)
		pthread_cond_wait(&seen.changed, &seen.mutex);
	pthread_mutex_unlock(&seen.mutex);
}

static void post_echo(struct http_call *c)
{
	http_answer(c, 200, "application/json", buf_view(&c->x->request.body));
}

static void get_who(struct http_call *c)
{
	char text[200];
	int n = snprintf(text, sizeof text, "%s|%s|%s|%.*s", c->principal.name, c->principal.scope, c->x->request.path,
			 (int)c->path_args[0].size, (const char *)c->path_args[0].data);
	http_answer(c, 200, "text/plain", span_of(text, (size_t)n));
}

static void get_nothing(struct http_call *c)
{
	(void)c; /* a handler that forgets to answer */
}

static const struct http_param stream_params[] = {
	{"bytes", HTTP_PARAM_INTEGER, true, 0, INT64_MAX, NULL, "how many"},
};

static const struct http_route test_routes[] = {
	{HTTP_GET, 0, "/t/stream", "tStream", "", "text/plain", stream_params, 1, get_stream, NULL},
	{HTTP_GET, 0, "/t/broken", "tBroken", "", "text/plain", NULL, 0, get_broken, NULL},
	{HTTP_GET, 0, "/t/gate", "tGate", "", "text/plain", NULL, 0, get_gate, NULL},
	{HTTP_POST, HTTP_ROUTE_BODY, "/t/echo", "tEcho", "", "application/json", NULL, 0, post_echo, NULL},
	{HTTP_GET, HTTP_ROUTE_INLINE, "/t/who/{name}", "tWho", "", "text/plain", NULL, 0, get_who, NULL},
	{HTTP_GET, 0, "/t/nothing", "tNothing", "", "text/plain", NULL, 0, get_nothing, NULL},
};

struct http *rig_start(void (*change)(struct http_options *))
{
	struct http_options o = http_options_default(NULL);
	struct http *h;
	o.pool_threads = 2;
	o.pool_queue = 2;
	o.answer_queue_bytes = RIG_QUEUE_BYTES;
	if (change)
		change(&o);
	cr_assert_eq(http_new(&o, &h), STATUS_OK);
	for (size_t i = 0; i < sizeof test_routes / sizeof test_routes[0]; i++)
		cr_assert_eq(http_add_route(h, &test_routes[i]), STATUS_OK);
	cr_assert_eq(http_start(h), STATUS_OK);
	seen.stream_end = STATUS_NEED_MORE;
	return h;
}

void rig_finish(struct http *h)
{
	rig_open_gate(true);
	http_stop(h);
	http_free(h);
}

void rig_turn(struct http *h)
{
	struct answer a =
		ask(http_port(h), "GET /healthz", "", NULL); /* on the loop, over a socket that was ready later */
	cr_assert_eq(a.status, 200);
	answer_deinit(&a);
}

size_t rig_queue_high(void)
{
	return seen.queue_high;
}

/* --- TLS --- */

static char folder[] = "/tmp/zayton-http-XXXXXX";
static char certificate_path[64], key_path[64];

void rig_make_certificate(void)
{
	cr_assert(mkdtemp(folder));
	snprintf(certificate_path, sizeof certificate_path, "%s/cert.pem", folder);
	snprintf(key_path, sizeof key_path, "%s/key.pem", folder);
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = X509_new();
	cr_assert(key && x);
	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), -3600);
	X509_gmtime_adj(X509_getm_notAfter(x), 86400);
	X509_set_pubkey(x, key);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC, (const unsigned char *)"localhost", -1,
				   -1, 0);
	X509_set_issuer_name(x, X509_get_subject_name(x));
	cr_assert(X509_sign(x, key, EVP_sha256()));
	FILE *f = fopen(certificate_path, "w");
	cr_assert(f && PEM_write_X509(f, x));
	fclose(f);
	f = fopen(key_path, "w");
	cr_assert(f && PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL));
	fclose(f);
	X509_free(x);
	EVP_PKEY_free(key);
}

void rig_remove_certificate(void)
{
	unlink(certificate_path);
	unlink(key_path);
	rmdir(folder);
}

void rig_with_tls(struct http_options *o)
{
	o->tls_certificate = certificate_path;
	o->tls_key = key_path;
}
