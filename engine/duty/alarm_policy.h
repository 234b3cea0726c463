/* alarm_policy.h -- which live findings ring in the duty room, how fast they are to be acknowledged, and who is told
 * when they are not: a JSON file, read whole, every mistake by its path.
 *
 *   {"policies": [{
 *      "id": "boats-serious",               a-z 0-9 -
 *      "sample": true,                      its numbers are an example, not the law's
 *      "rules": ["boat-dark"],              ids of rules, and
 *      "kinds": ["silent"],                 kinds of rules; a finding of either; both missing: any
 *      "classes": ["fishing"],              classes of devices; missing: any
 *      "severity": 2,                       of the rule, at least; missing: 1
 *      "priority": "normal|high|urgent",    missing: normal
 *      "acknowledge": "5 min",              within this; required
 *      "escalate": [{"after": "15 min", "to": "值班长"}]     ascending, at most 4
 *   }]}
 *
 * A finding is of the first policy that it fits. Kinds of rules are words, compared with those of the findings: one
 * that this program does not know fits nothing. Immutable once parsed; any thread. */
#ifndef ZAYTON_DUTY_ALARM_POLICY_H
#define ZAYTON_DUTY_ALARM_POLICY_H

#include "engine/detect/rules.h"
#include "engine/duty/record.h"

#define ALARM_POLICY_BYTES_MAX (1u << 20)
#define ALARM_POLICIES_MAX 128
#define ALARM_WORDS_MAX 64 /* rules, and kinds, of one policy */
#define ALARM_ESCALATIONS_MAX 4
#define ALARM_UNIT_MAX 63

enum alarm_priority { ALARM_NORMAL, ALARM_HIGH, ALARM_URGENT };
extern const struct record_word alarm_priority_words[];

struct alarm_policy {
	char id[RULE_ID_MAX + 1];
	char rules[ALARM_WORDS_MAX][RULE_ID_MAX + 1];
	char kinds[ALARM_WORDS_MAX][RULE_ID_MAX + 1];
	unsigned rule_count, kind_count;
	uint32_t classes; /* bits 1 << enum device_class; 0: any */
	uint8_t severity; /* 1..3, at least */
	uint8_t priority; /* enum alarm_priority */
	int64_t acknowledge_ms;
	struct {
		int64_t after_ms;
		char to[ALARM_UNIT_MAX + 1];
	} escalations[ALARM_ESCALATIONS_MAX];
	unsigned escalation_count;
};

struct alarm_policies {
	struct alarm_policy *items;
	size_t count;
};

/* `mistake` is called for each: path like "policies[2].acknowledge", and what is wrong. STATUS_MALFORMED when there was
 * any, STATUS_TOO_LONG, STATUS_NO_MEMORY. */
typedef void alarm_policy_mistake(void *context, const char *path, const char *text);
STATUS_CHECKED enum status alarm_policies_parse(struct span text, alarm_policy_mistake *mistake, void *context,
						struct alarm_policies **out);
/* NULL is allowed. */
void alarm_policies_free(struct alarm_policies *p);
/* The file shipped with the program. */
struct span alarm_policies_default(void);

/* The policy of a finding of `rule` and `kind` (token) of a device of that class; NULL: it does not ring. */
const struct alarm_policy *alarm_policy_of(const struct alarm_policies *p, const char *rule, const char *kind,
					   uint8_t class_code, uint8_t severity);
const struct alarm_policy *alarm_policy_named(const struct alarm_policies *p, const char *id);

#endif
