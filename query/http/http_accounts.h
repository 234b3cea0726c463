/* http_accounts.h -- logging in: accounts, their sessions, and what slows those who guess.
 *
 *   POST /api/v1/session ── throttle ── pool thread: scrypt ── logons ──> Set-Cookie
 *   any request with the cookie ── loop: logons_use ──> principal
 *
 * A request that changes something and comes with the cookie must say the server's own Origin: a page of somebody
 * else's cannot make a browser say it (browsers send Origin with every method but GET and HEAD, Fetch standard, 3.1).
 * Passwords are tried by LOGINS_AT_ONCE threads at most, so that guessing leaves readers free. */
#ifndef ZAYTON_QUERY_HTTP_ACCOUNTS_H
#define ZAYTON_QUERY_HTTP_ACCOUNTS_H

#include "query/http/http_exchange.h"
#include "query/http/http_logons.h"
#include "query/http/http_throttle.h"

#define LOGINS_AT_ONCE 2

struct http_accounts {
	struct store *store;
	bool tls;
	struct users *users;
	struct logons *logons;
	struct throttle throttle;
	_Atomic int running; /* passwords being tried */
	_Atomic uint64_t logins, failures, slowed;
};

STATUS_CHECKED enum status accounts_new(struct store *s, bool tls, struct http_accounts **out);
void accounts_free(struct http_accounts *a);

/* Who asks, by the cookie. STATUS_EMPTY: there is none. STATUS_DENIED: it is of no session. STATUS_UNSUPPORTED: a
 * change from a foreign page. Loop thread. */
STATUS_CHECKED enum status accounts_admit(struct http_accounts *a, const struct http_request *request,
					  struct principal *out);

/* Of a request that was let in and is still being answered: is its session still there? True when it came by none. */
bool accounts_still(struct http_accounts *a, const struct http_request *request);

/* Does the request come from a page of this server, or from no page at all? */
bool request_origin_is_own(const struct http_request *r);

struct login {
	struct user user;
	char cookie[SESSION_TEXT_MAX];
	int64_t wait_ms; /* of STATUS_FULL */
};
/* STATUS_DENIED: wrong name or password, or a disabled account. STATUS_FULL: too many tries, or sessions: again after
 * `wait_ms`. STATUS_BUSY: others are being tried. Audited. Pool thread; takes as long for an unknown name. */
STATUS_CHECKED enum status accounts_login(struct http_accounts *a, const char *name, struct span password,
					  const char *address, struct login *out);
/* The password of the account that is logged in, by the old one; its other sessions end. STATUS_INVALID: the new one is
 * none. */
STATUS_CHECKED enum status accounts_new_password(struct http_accounts *a, const char *name, struct span old,
						 struct span password, const char *address, struct login *out);

/* What is wrong with an account's role, unit and scope, for people to read; NULL: nothing. Static. */
const char *account_wrong(const struct principal *p);

/* Metrics as Prometheus text. */
STATUS_CHECKED enum status accounts_metrics(struct http_accounts *a, struct buf *out);

#endif
