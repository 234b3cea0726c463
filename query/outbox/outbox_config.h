/* outbox_config.h -- where news goes: the file of destinations (JSON), read whole, every mistake told.
 *
 *   {"destinations": [
 *     {"name": "city", "kind": "webhook", "url": "https://city.example/hazards", "secret_file": "/etc/zayton/city.key",
 *      "ca_file": "...", "hazards": {"steps": ["find", "assign"], "grades": ["major"]}},
 *     {"name": "bus", "kind": "mqtt", "host": "10.0.0.7", "port": 8883, "topic": "zayton/hazards", "username": "...",
 *      "secret_file": "...", "ca_file": "...", "findings": {"events": ["raised"], "rules": ["overspeed-muck"]}},
 *     {"name": "duty", "kind": "smtp", "url": "smtp://mail.example:587", "from": "zayton@example", "to": ["a@example"],
 *      "username": "...", "secret_file": "...", "tls": true},
 *     {"name": "chief", "kind": "webhook", ..., "tasks": {"events": ["escalate"]}}]}
 *
 * Without "hazards", "findings" and "tasks" a destination gets every step of every hazard and nothing else; without
 * "steps" all of them, without "grades" any. Findings are told only by the events and, when there are any, the rules
 * that are named. "tasks" are the calendar's reminders ("remind") and delays ("escalate"), {} for both.
 * Secrets (a webhook's key, a password) are in files of their own, a line break at the end is none of theirs. */
#ifndef ZAYTON_QUERY_OUTBOX_CONFIG_H
#define ZAYTON_QUERY_OUTBOX_CONFIG_H

#include <stdbool.h>

#include "engine/core/bytes.h"
#include "engine/detect/rules.h"

#define OUTBOX_CONFIG_BYTES_MAX (1u << 20)
/* each has a thread of its own */
#define OUTBOX_DESTINATIONS_MAX 16
#define OUTBOX_RECIPIENTS_MAX 32
#define OUTBOX_RULES_MAX 64
#define OUTBOX_TEXT_MAX 511
#define OUTBOX_SECRET_MAX 1024
/* a key below this is guessed: half the block of the hash (RFC 2104, 3: keys of the digest's length) */
#define OUTBOX_KEY_MIN 16

enum outbox_kind { OUTBOX_WEBHOOK, OUTBOX_MQTT, OUTBOX_SMTP, OUTBOX_KIND_COUNT };
extern const char *const outbox_kind_tokens[OUTBOX_KIND_COUNT];

struct outbox_destination {
	char name[64]; /* what its rows are kept under */
	uint8_t kind;  /* enum outbox_kind */
	char url[OUTBOX_TEXT_MAX + 1];
	char host[OUTBOX_TEXT_MAX + 1], topic[OUTBOX_TEXT_MAX + 1];
	uint16_t port;
	char from[OUTBOX_TEXT_MAX + 1], to[OUTBOX_RECIPIENTS_MAX][OUTBOX_TEXT_MAX + 1];
	size_t to_count;
	char username[OUTBOX_TEXT_MAX + 1], ca_file[OUTBOX_TEXT_MAX + 1];
	char secret[OUTBOX_SECRET_MAX + 1];
	size_t secret_size;
	bool tls;             /* SMTP: STARTTLS or nothing; implied by a ca_file */
	uint32_t steps;       /* bits 1 << enum hazard_step */
	uint8_t grades;       /* bits 1 << enum hazard_grade; 0: any */
	uint32_t case_events; /* bits 1 << enum case_event_kind; 0: no findings */
	uint32_t notices;     /* bits 1 << enum task_deed; 0: no tasks */
	char rules[OUTBOX_RULES_MAX][RULE_ID_MAX + 1];
	size_t rule_count; /* 0: any */
};

struct outbox_config {
	struct outbox_destination items[OUTBOX_DESTINATIONS_MAX];
	size_t count;
};

/* `mistake` is called for each: a path like "destinations[2].url", and what is wrong. STATUS_MALFORMED when there was
 * any; free() the result. */
typedef void outbox_mistake(void *context, const char *path, const char *text);
STATUS_CHECKED enum status outbox_config_parse(struct span text, outbox_mistake *mistake, void *context,
					       struct outbox_config **out);

#endif
