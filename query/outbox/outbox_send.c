#include "query/outbox/outbox_send.h"

#include <curl/curl.h>
#include <mosquitto.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>

#include "engine/core/clock.h"

#define ANSWER_MAX 4096
#define MAIL_BYTES_MAX (512u << 10)
#define LOOP_MS 100

void outbox_libraries_begin(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
	mosquitto_lib_init();
}

void outbox_libraries_end(void)
{
	mosquitto_lib_cleanup();
	curl_global_cleanup();
}

enum status outbox_sign(struct span key, int64_t seconds, struct span body, char out[OUTBOX_SIGNATURE_MAX])
{
	char stamp[24], hex[65];
	uint8_t mac[32];
	unsigned size = sizeof mac;
	struct buf text = buf_init(body.size + sizeof stamp);
	snprintf(stamp, sizeof stamp, "%lld.", (long long)seconds);
	enum status status = buf_append(&text, stamp, strlen(stamp));
	if (!status)
		status = buf_append(&text, body.data, body.size);
	if (!status && !HMAC(EVP_sha256(), key.data, (int)key.size, text.data, text.size, mac, &size))
		status = STATUS_NO_MEMORY;
	if (!status) {
		hex_encode(hex, span_of(mac, sizeof mac));
		snprintf(out, OUTBOX_SIGNATURE_MAX, "t=%lld,v1=%s", (long long)seconds, hex);
	}
	buf_deinit(&text);
	return status;
}

enum status outbox_sender_send(struct outbox_sender *s, const struct outbox_news *n)
{
	static outbox_send *const senders[OUTBOX_KIND_COUNT] = {outbox_send_webhook, outbox_send_mqtt,
								outbox_send_mail};
	s->error[0] = '\0';
	return senders[s->to->kind](s, n);
}

void outbox_sender_deinit(struct outbox_sender *s)
{
	if (s->handle && s->to->kind == OUTBOX_MQTT)
		mosquitto_destroy(s->handle);
	else if (s->handle)
		curl_easy_cleanup(s->handle);
	s->handle = NULL;
}

/* --- libcurl --- */

static size_t swallow(char *data, size_t size, size_t count, void *context)
{
	size_t *seen = context;
	(void)data;
	*seen += size * count;
	return *seen > ANSWER_MAX ? 0 : size * count; /* nobody needs more of an answer than its status */
}

static int watch(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	const struct outbox_sender *s = context;
	(void)a, (void)b, (void)c, (void)d;
	return atomic_load(s->stop);
}

/* The handle keeps its connection between two tries; everything else is set anew. */
static CURL *prepare(struct outbox_sender *s, size_t *seen)
{
	if (!s->handle)
		s->handle = curl_easy_init();
	CURL *c = s->handle;
	if (!c)
		return NULL;
	curl_easy_reset(c);
	curl_easy_setopt(c, CURLOPT_URL, s->to->url);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)s->timeout_ms);
	curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)s->timeout_ms);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, swallow);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, seen);
	curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, watch);
	curl_easy_setopt(c, CURLOPT_XFERINFODATA, s);
	curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
	if (*s->to->ca_file)
		curl_easy_setopt(c, CURLOPT_CAINFO, s->to->ca_file);
	return c;
}

/* Of a try that brought no status of the receiver's. */
static enum status failed(struct outbox_sender *s, CURLcode code)
{
	snprintf(s->error, sizeof s->error, "%s", curl_easy_strerror(code));
	return code == CURLE_ABORTED_BY_CALLBACK ? STATUS_CANCELLED : STATUS_CLOSED;
}

/* 408, 425 and 429 pass; what else is 4xx will be refused again. */
static enum status judge_http(struct outbox_sender *s, long code)
{
	if (code >= 200 && code < 300)
		return STATUS_OK;
	snprintf(s->error, sizeof s->error, "HTTP %ld", code);
	bool passes = code < 400 || code >= 500 || code == 408 || code == 425 || code == 429;
	return passes ? STATUS_BUSY : STATUS_DENIED;
}

static struct curl_slist *webhook_headers(const struct outbox_news *n, const char *signature)
{
	char line[OUTBOX_ID_MAX + OUTBOX_SIGNATURE_MAX + 32];
	struct curl_slist *list = curl_slist_append(NULL, "Content-Type: application/json"), *more = NULL;
	snprintf(line, sizeof line, "X-Zayton-Id: %s", n->id);
	if (list)
		more = curl_slist_append(list, line);
	snprintf(line, sizeof line, "X-Zayton-Signature: %s", signature);
	if (more)
		more = curl_slist_append(list, line);
	if (more)
		more = curl_slist_append(list, "Expect:"); /* no pause before the body */
	if (more)
		return list;
	curl_slist_free_all(list);
	return NULL;
}

enum status outbox_send_webhook(struct outbox_sender *s, const struct outbox_news *n)
{
	char signature[OUTBOX_SIGNATURE_MAX];
	size_t seen = 0;
	long code = 0;
	enum status status =
		outbox_sign(span_of(s->to->secret, s->to->secret_size), clock_now_ms() / 1000, n->body, signature);
	CURL *c = status ? NULL : prepare(s, &seen);
	struct curl_slist *headers = c ? webhook_headers(n, signature) : NULL;
	if (!headers) {
		snprintf(s->error, sizeof s->error, "%s", status_text(STATUS_NO_MEMORY));
		return STATUS_CLOSED;
	}
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(c, CURLOPT_USERAGENT, "zayton/" ZAYTON_VERSION);
	curl_easy_setopt(c, CURLOPT_POSTFIELDS, (const char *)n->body.data);
	curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)n->body.size);
	CURLcode result = curl_easy_perform(c);
	curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &code);
	curl_slist_free_all(headers);
	/* a long answer is cut by us behind its status, and does not count as a failure */
	bool answered = result == CURLE_OK || (result == CURLE_WRITE_ERROR && code);
	return answered ? judge_http(s, code) : failed(s, result);
}

/* --- mail --- */

static size_t give(char *out, size_t size, size_t count, void *context)
{
	struct span *rest = context;
	size_t n = size * count < rest->size ? size * count : rest->size;
	memcpy(out, rest->data, n);
	*rest = span_of(rest->data + n, rest->size - n);
	return n;
}

static void set_login(CURL *c, const struct outbox_destination *to)
{
	if (*to->username)
		curl_easy_setopt(c, CURLOPT_USERNAME, to->username);
	if (to->secret_size)
		curl_easy_setopt(c, CURLOPT_PASSWORD, to->secret);
}

/* RFC 5321, 4.2.1: 4yz passes, 5yz will be refused again. Before a status it was not reached. */
static enum status judge_smtp(struct outbox_sender *s, CURLcode result, long code)
{
	if (result == CURLE_OK)
		return STATUS_OK;
	if (result == CURLE_ABORTED_BY_CALLBACK || code < 400)
		return failed(s, result);
	snprintf(s->error, sizeof s->error, "SMTP %ld", code);
	bool about_us = result == CURLE_LOGIN_DENIED || code == 421;
	return about_us ? STATUS_CLOSED : code >= 500 ? STATUS_DENIED : STATUS_BUSY;
}

static enum status post_mail(struct outbox_sender *s, struct span text)
{
	size_t seen = 0;
	long code = 0;
	CURL *c = prepare(s, &seen);
	struct curl_slist *to = NULL;
	for (size_t i = 0; c && i < s->to->to_count; i++) {
		struct curl_slist *more = curl_slist_append(to, s->to->to[i]);
		if (!more)
			c = NULL;
		to = more ? more : to;
	}
	if (c) {
		curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
		curl_easy_setopt(c, CURLOPT_MAIL_FROM, s->to->from);
		curl_easy_setopt(c, CURLOPT_MAIL_RCPT, to);
		curl_easy_setopt(c, CURLOPT_USE_SSL, (long)(s->to->tls ? CURLUSESSL_ALL : CURLUSESSL_NONE));
		curl_easy_setopt(c, CURLOPT_UPLOAD, 1L);
		curl_easy_setopt(c, CURLOPT_READFUNCTION, give);
		curl_easy_setopt(c, CURLOPT_READDATA, &text);
		set_login(c, s->to);
	}
	CURLcode result = c ? curl_easy_perform(c) : CURLE_OUT_OF_MEMORY;
	if (c)
		curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &code);
	curl_slist_free_all(to);
	return judge_smtp(s, result, code);
}

enum status outbox_send_mail(struct outbox_sender *s, const struct outbox_news *n)
{
	struct buf text = buf_init(MAIL_BYTES_MAX);
	enum status status = outbox_mail_write(s->to, n, clock_now_ms(), &text);
	if (!status) {
		status = post_mail(s, buf_view(&text));
	} else {
		snprintf(s->error, sizeof s->error, "%s", status_text(status));
		status = status == STATUS_MALFORMED ? STATUS_DENIED : STATUS_CLOSED;
	}
	buf_deinit(&text);
	return status;
}

/* --- MQTT --- */

struct mqtt_wait {
	bool up, refused;
	int acknowledged; /* message id */
};

static void on_connect(struct mosquitto *m, void *context, int code)
{
	struct mqtt_wait *w = context;
	(void)m;
	w->up = code == 0;
	w->refused = code != 0;
}

static void on_publish(struct mosquitto *m, void *context, int mid)
{
	struct mqtt_wait *w = context;
	(void)m;
	w->acknowledged = mid;
}

static enum status mqtt_failed(struct outbox_sender *s, const char *why)
{
	snprintf(s->error, sizeof s->error, "%s", why);
	outbox_sender_deinit(s);
	return atomic_load(s->stop) ? STATUS_CANCELLED : STATUS_CLOSED;
}

/* Turns the client until `*flag` is `wanted`, or time is over. */
static bool turn_until(struct outbox_sender *s, struct mqtt_wait *w, const int *acknowledged, int wanted)
{
	int64_t until_ns = clock_monotonic_ns() + s->timeout_ms * 1000000;
	while (acknowledged ? *acknowledged != wanted : !w->up) {
		if (atomic_load(s->stop) || clock_monotonic_ns() > until_ns || w->refused ||
		    mosquitto_loop(s->handle, LOOP_MS, 1) != MOSQ_ERR_SUCCESS)
			return false;
	}
	return true;
}

static enum status mqtt_open(struct outbox_sender *s, struct mqtt_wait *w)
{
	const struct outbox_destination *to = s->to;
	struct mosquitto *m = mosquitto_new(NULL, true, w);
	s->handle = m;
	if (!m)
		return mqtt_failed(s, status_text(STATUS_NO_MEMORY));
	mosquitto_connect_callback_set(m, on_connect);
	mosquitto_publish_callback_set(m, on_publish);
	int code = MOSQ_ERR_SUCCESS;
	if (*to->username)
		code = mosquitto_username_pw_set(m, to->username, to->secret_size ? to->secret : NULL);
	if (!code && *to->ca_file)
		code = mosquitto_tls_set(m, to->ca_file, NULL, NULL, NULL, NULL);
	if (!code)
		code = mosquitto_connect(m, to->host, to->port, 60);
	if (code)
		return mqtt_failed(s, mosquitto_strerror(code));
	return turn_until(s, w, NULL, 0) ? STATUS_OK
					 : mqtt_failed(s, w->refused ? "refused by the broker" : "no answer");
}

static enum status mqtt_publish(struct outbox_sender *s, struct mqtt_wait *w, const struct outbox_news *n)
{
	int mid = 0;
	mosquitto_user_data_set(s->handle, w);
	int code = mosquitto_publish(s->handle, &mid, s->to->topic, (int)n->body.size, n->body.data, 1, false);
	if (code)
		return mqtt_failed(s, mosquitto_strerror(code));
	return turn_until(s, w, &w->acknowledged, mid) ? STATUS_OK : mqtt_failed(s, "no acknowledgement");
}

/* What went over an old connection that the broker has closed meanwhile goes over a new one at once. */
enum status outbox_send_mqtt(struct outbox_sender *s, const struct outbox_news *n)
{
	struct mqtt_wait w = {.up = true, .acknowledged = -1};
	if (s->handle) {
		enum status status = mqtt_publish(s, &w, n);
		if (status != STATUS_CLOSED)
			return status;
	}
	w = (struct mqtt_wait){.acknowledged = -1};
	enum status status = mqtt_open(s, &w);
	return status ? status : mqtt_publish(s, &w, n);
}
