/* outbox_send.h -- one piece of news to one destination: HTTP and mail by libcurl, MQTT by libmosquitto.
 *
 * Webhook  POST of the JSON. X-Zayton-Id: the news; the same whenever it is sent again. X-Zayton-Signature:
 *          "t=SECONDS,v1=HEX", HEX being HMAC-SHA256 (RFC 2104) under the key over "SECONDS.BODY"; the receiver checks
 *          it over the bytes as they came and refuses what is old.
 * MQTT     the JSON, QoS 1, not retained; it is sent when the broker's PUBACK is here.
 * SMTP     one mail in Chinese, UTF-8, to all recipients; Message-ID is made of the news' id.
 *
 * Threads: a sender belongs to its destination's. `stop` may be set by any: whatever waits ends within a second. */
#ifndef ZAYTON_QUERY_OUTBOX_SEND_H
#define ZAYTON_QUERY_OUTBOX_SEND_H

#include <stdatomic.h>

#include "query/outbox/outbox_config.h"

#define OUTBOX_ID_MAX 63
/* why it failed, for people */
#define OUTBOX_ERROR_MAX 192

struct outbox_news {
	char id[OUTBOX_ID_MAX + 1];
	int64_t at_ms;    /* when it was put into the outbox */
	uint64_t subject; /* hazard or case: news of one keeps its order */
	struct span body; /* JSON */
};

struct outbox_sender {
	const struct outbox_destination *to;
	const atomic_bool *stop;
	int64_t timeout_ms; /* of one try */
	void *handle;       /* of the library */
	char error[OUTBOX_ERROR_MAX];
};

/* STATUS_OK: the receiver has it. STATUS_DENIED: it will never take it. STATUS_BUSY: not this one, not now.
 * STATUS_CLOSED: it cannot be reached. STATUS_CANCELLED: `stop`. `s->error` says why. */
typedef enum status outbox_send(struct outbox_sender *s, const struct outbox_news *n);
outbox_send outbox_send_webhook, outbox_send_mqtt, outbox_send_mail;
STATUS_CHECKED enum status outbox_sender_send(struct outbox_sender *s, const struct outbox_news *n);
void outbox_sender_deinit(struct outbox_sender *s);

/* "t=...,v1=..." */
#define OUTBOX_SIGNATURE_MAX 96
STATUS_CHECKED enum status outbox_sign(struct span key, int64_t seconds, struct span body,
				       char out[OUTBOX_SIGNATURE_MAX]);
/* The mail, headers and body, lines ended by CR LF; `now_ms` its date. STATUS_MALFORMED: the news is no JSON. */
STATUS_CHECKED enum status outbox_mail_write(const struct outbox_destination *to, const struct outbox_news *n,
					     int64_t now_ms, struct buf *out);

/* Libraries of the process; before the first thread, and after the last. */
void outbox_libraries_begin(void);
void outbox_libraries_end(void);

#endif
