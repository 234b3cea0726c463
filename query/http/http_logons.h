/* http_logons.h -- who is logged in: sessions of browsers, in memory only; a restart ends them all.
 *
 *   cookie  "zayton=64 hex digits" (under TLS "__Host-zayton=...")     256 bits of randomness
 *              │ SHA-256
 *              v
 *   chains[4096] ──> slot ──> slot        slot: digest | who | account's number | began, used (monotonic)
 *
 * A session ends when it was not used for SESSION_IDLE_MS, SESSION_LONGEST_MS after it began, when it is closed, and
 * when its account changes. Of one account the least recently used goes when there is one too many; when all slots are
 * taken nobody else gets in. Times are monotonic milliseconds, told by the caller. Threads: any, the loop too: nothing
 * here waits. */
#ifndef ZAYTON_QUERY_HTTP_LOGONS_H
#define ZAYTON_QUERY_HTTP_LOGONS_H

#include <pthread.h>

#include "engine/fleet/users.h"

#define SESSIONS_MAX 4096
/* of one account: a desk, a phone, some forgotten ones */
#define SESSIONS_OF_ONE_MAX 8
/* a break for coffee is within it, a lunch is not */
#define SESSION_IDLE_MS (30 * INT64_C(60000))
/* a shift */
#define SESSION_LONGEST_MS (12 * INT64_C(3600000))
#define SESSION_SECRET_SIZE 32
#define SESSION_TEXT_MAX (2 * SESSION_SECRET_SIZE + 1)

struct logons;
STATUS_CHECKED enum status logons_new(struct logons **out);
void logons_free(struct logons *s);
size_t logons_count(struct logons *s, int64_t now_ms);

/* `out` is what the cookie holds. STATUS_FULL; STATUS_IO: no randomness. */
STATUS_CHECKED enum status logons_begin(struct logons *s, const struct user *user, int64_t now_ms,
					char out[SESSION_TEXT_MAX]);
/* Whose it is; `out_left_ms` (may be NULL) is the longest it can still last without a break. STATUS_DENIED: none, or it
 * is over. */
STATUS_CHECKED enum status logons_use(struct logons *s, struct span text, int64_t now_ms, struct principal *out,
				      int64_t *out_left_ms);
void logons_end(struct logons *s, struct span text);
/* All of an account but those begun under its present number. */
void logons_end_others(struct logons *s, const char *name, uint32_t number);

/* --- the cookie --- */

/* The session's text within a Cookie header; empty when there is none. */
struct span session_of_cookie(const char *cookies, bool tls);
/* Set-Cookie with `text`, or one that takes it away when `text` is "". */
#define SESSION_COOKIE_MAX 192
void session_cookie(const char *text, bool tls, char out[SESSION_COOKIE_MAX]);

#endif
