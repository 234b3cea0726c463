/* feed_policy.h -- which findings become or join which hazard: a JSON file, read whole, every mistake by its path.
 *
 *   {"policies": [{
 *      "id": "muck-speed-weekly",           a-z 0-9 -: stays for ever, names causes
 *      "sample": true,                      its numbers are an example, not the law's
 *      "rules": ["overspeed-muck"],         ids of rules, and
 *      "kinds": ["overspeed"],              kinds of rules; a finding of either counts
 *      "classes": ["muck"],                 classes of devices; missing: any
 *      "states": ["pending", "confirmed"],  reviews that count; missing: pending, confirmed, transferred
 *      "per": "plate",                      company | plate | driver | device | fence: one hazard for each
 *      "count": 3, "within": "7 d",         so many findings begun within such a span; missing: each one
 *      "unanswered": "10 min",              only when nobody has handled the alarm so long after it was raised
 *      "grade": "general", "life_threat": true, "sector": "道路交通", "category": "超速", "basis": "...",
 *      "unit": "{company}", "person": "", "supervisor": "区交警大队", "deadline_days": 15,
 *      "description": "{plate}{within}内第{count}次超速"
 *   }]}
 *
 * Words in braces: {plate} {company} {village} {driver} {device} {fence} {rule} {kind} {count} {within}.
 * `id`, `per`, `description`, and one of `rules` and `kinds` are required. Immutable once parsed; any thread. */
#ifndef ZAYTON_REGISTER_FEED_POLICY_H
#define ZAYTON_REGISTER_FEED_POLICY_H

#include "engine/detect/rules.h"
#include "engine/register/hazard.h"

#define FEED_POLICY_BYTES_MAX (1u << 20)
#define FEED_POLICIES_MAX 256
#define FEED_RULES_MAX 64
#define FEED_COUNT_MAX 1000

enum feed_per { FEED_PER_COMPANY, FEED_PER_PLATE, FEED_PER_DRIVER, FEED_PER_DEVICE, FEED_PER_FENCE, FEED_PER_COUNT };

struct feed_policy {
	char id[RULE_ID_MAX + 1];
	bool sample;
	char rules[FEED_RULES_MAX][RULE_ID_MAX + 1];
	unsigned rule_count;
	uint64_t kinds;   /* bits 1 << enum rule_kind */
	uint32_t classes; /* bits 1 << enum device_class; 0: any */
	uint8_t states;   /* bits 1 << enum case_state */
	uint8_t per;      /* enum feed_per */
	unsigned count;   /* 1: each */
	int64_t within_ms;
	char within_text[32];
	int64_t unanswered_ms;           /* 0: at once */
	int deadline_days;               /* 0: none is proposed */
	char *texts[HAZARD_FIELD_COUNT]; /* templates by field, NULL: nothing is said */
};

struct feed_policies {
	struct feed_policy *items;
	size_t count;
};

/* `mistake` is called for each: path like "policies[2].count", and what is wrong. STATUS_MALFORMED when there was any,
 * STATUS_TOO_LONG, STATUS_NO_MEMORY. */
typedef void feed_policy_mistake(void *context, const char *path, const char *text);
STATUS_CHECKED enum status feed_policies_parse(struct span text, feed_policy_mistake *mistake, void *context,
					       struct feed_policies **out);
/* NULL is allowed. */
void feed_policies_free(struct feed_policies *p);
/* The file shipped with the program. */
struct span feed_policies_default(void);

#endif
