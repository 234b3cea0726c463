/* audit.h -- who looked at what: one row per read of a location history, written before the answer. */
#ifndef ZAYTON_FLEET_AUDIT_H
#define ZAYTON_FLEET_AUDIT_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/core/status.h"
#include "engine/store/store.h"

/* Records of how personal information was handled are kept for three years and more (PIPL art. 56). */
#define AUDIT_MONTHS_MIN 36
#define AUDIT_DAYS_PER_MONTH 31

/* On whose behalf a question is asked. Loopback without credentials is `local`, an officer of the safety office. */
struct principal {
	char name[64];
	char scope[80]; /* "all", or "company:NAME", "village:NAME" */
	char role[16];  /* "enterprise", "clerk", "office", "police", "fishery", "auditor", "administrator"; "": none */
	char unit[64];  /* the office, station or enterprise it belongs to */
};
extern const struct principal principal_local;
/* Is it the one that comes from this machine without credentials? */
bool principal_is_local(const struct principal *p);

struct audit_entry {
	int64_t at_ms;
	struct principal who;
	char action[32]; /* "track", "export", "messages" ... */
	uint64_t device; /* 0: many */
	int64_t from_ms, to_ms;
	char case_number[64]; /* may be empty, as all below */
	char subject[64];     /* what it was done to, where that is no device: an account, a case ... */
	char purpose[128];    /* what for, as whoever asked says */
	char address[48];     /* where the question came from */
};

/* Durable when it returns. STATUS_INVALID: a text is not NUL-terminated. STATUS_IO, STATUS_NO_SPACE, STATUS_NO_MEMORY.
 * Any thread but an event loop. */
STATUS_CHECKED enum status audit_write(struct store *s, const struct audit_entry *e);
/* The same as part of a batch that somebody else commits. */
STATUS_CHECKED enum status audit_put(struct store_batch *b, const struct audit_entry *e);
/* What is older than `before_ms` goes: how much goes to `*out_rows`. Never what is younger than AUDIT_MONTHS_MIN at
 * `now_ms`. The digests of signed days stay, and the check knows from when on rows must be there. */
STATUS_CHECKED enum status audit_expire(struct store *s, int64_t before_ms, int64_t now_ms, uint64_t *out_rows);
/* What is older may be gone; INT64_MIN: nothing is. */
STATUS_CHECKED enum status audit_expired_ms(struct store *s, int64_t *out_ms);
/* Newest first, up to `max` entries before `before_ms` (INT64_MAX: from the newest). */
typedef enum status audit_visit(void *context, const struct audit_entry *e);
STATUS_CHECKED enum status audit_read(struct store *s, int64_t before_ms, size_t max, audit_visit *visit,
				      void *context);

#endif
