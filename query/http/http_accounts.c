#include "query/http/http_accounts.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "engine/core/clock.h"
#include "engine/core/log.h"
#include "query/http/http_rights.h"

#define BUSY_WAIT_MS 1000

static int64_t now_ms(void)
{
	return clock_monotonic_ns() / 1000000;
}

enum status accounts_new(struct store *s, bool tls, struct http_accounts **out)
{
	struct http_accounts *a = calloc(1, sizeof *a);
	if (!a)
		return STATUS_NO_MEMORY;
	a->store = s;
	a->tls = tls;
	enum status status = throttle_init(&a->throttle);
	if (!status)
		status = users_open(s, &a->users);
	if (!status)
		status = logons_new(&a->logons);
	if (status)
		accounts_free(a);
	else
		*out = a;
	return status;
}

void accounts_free(struct http_accounts *a)
{
	if (!a)
		return;
	users_close(a->users);
	logons_free(a->logons);
	throttle_deinit(&a->throttle);
	free(a);
}

bool request_origin_is_own(const struct http_request *r)
{
	const char *authority = strstr(r->origin, "://");
	return !*r->origin || (authority && *r->host && !strcasecmp(authority + 3, r->host));
}

enum status accounts_admit(struct http_accounts *a, const struct http_request *request, struct principal *out)
{
	struct span text = session_of_cookie(request->cookie, a->tls);
	bool reads = request->method == HTTP_GET || request->method == HTTP_HEAD || request->method == HTTP_OPTIONS;
	if (!text.size)
		return STATUS_EMPTY;
	if (!reads && (!*request->origin || !request_origin_is_own(request)))
		return STATUS_UNSUPPORTED;
	return logons_use(a->logons, text, now_ms(), out, NULL);
}

bool accounts_still(struct http_accounts *a, const struct http_request *request)
{
	struct principal who;
	struct span text = session_of_cookie(request->cookie, a->tls);
	return *request->authorization || !text.size || !logons_use(a->logons, text, now_ms(), &who, NULL);
}

static enum status write_down(struct http_accounts *a, const struct principal *who, const char *action,
			      const char *name, const char *address)
{
	struct audit_entry entry = {.at_ms = clock_now_ms(), .who = *who};
	snprintf(entry.action, sizeof entry.action, "%s", action);
	snprintf(entry.subject, sizeof entry.subject, "%.63s", name);
	snprintf(entry.address, sizeof entry.address, "%.47s", address);
	return audit_write(a->store, &entry);
}

/* --- trying a password --- */

static int64_t wait_ms(struct http_accounts *a, const char *name, const char *address)
{
	int64_t by_name = throttle_wait_ms(&a->throttle, THROTTLE_NAME, name, now_ms());
	int64_t by_address = throttle_wait_ms(&a->throttle, THROTTLE_ADDRESS, address, now_ms());
	return by_name > by_address ? by_name : by_address;
}

static enum status refuse(struct http_accounts *a, const char *name, const char *address)
{
	static const struct principal nobody;
	throttle_failed(&a->throttle, THROTTLE_NAME, name, now_ms());
	throttle_failed(&a->throttle, THROTTLE_ADDRESS, address, now_ms());
	a->failures++;
	enum status status = write_down(a, &nobody, "login-refused", name, address);
	return status ? status : STATUS_DENIED;
}

/* The account, when the password is its own. */
static enum status try_password(struct http_accounts *a, const char *name, struct span password, const char *address,
				struct login *out)
{
	static const struct user_secret none;
	out->wait_ms = wait_ms(a, name, address);
	if (out->wait_ms) {
		a->slowed++;
		return STATUS_FULL;
	}
	if (a->running++ >= LOGINS_AT_ONCE) {
		a->running--;
		return STATUS_BUSY;
	}
	bool known = !users_get(a->users, name, &out->user);
	bool fits = user_secret_fits(known ? &out->user.secret : &none, password);
	a->running--;
	if (!known || !fits || out->user.disabled)
		return refuse(a, name, address);
	throttle_forget(&a->throttle, THROTTLE_NAME, name);
	return STATUS_OK;
}

/* A hash made with a cost of earlier days is made again while the password is known. */
static void renew(struct http_accounts *a, struct user *user, struct span password)
{
	struct user_secret secret;
	if (!user_secret_is_old(&user->secret) || user_secret_make(user->who.name, password, &secret))
		return;
	enum status status = users_renew(a->users, user, &secret);
	if (status)
		log_warn("accounts", "%s: hash not renewed: %s", user->who.name, status_text(status));
}

static enum status begin(struct http_accounts *a, struct login *out)
{
	struct user now;
	enum status status = logons_begin(a->logons, &out->user, now_ms(), out->cookie);
	out->wait_ms = status == STATUS_FULL ? BUSY_WAIT_MS : 0;
	if (status)
		return status;
	if (!users_get(a->users, out->user.who.name, &now) && now.number == out->user.number)
		return STATUS_OK;
	logons_end(a->logons, span_of_string(out->cookie)); /* it changed while its password was tried */
	return STATUS_DENIED;
}

enum status accounts_login(struct http_accounts *a, const char *name, struct span password, const char *address,
			   struct login *out)
{
	*out = (struct login){.wait_ms = 0};
	enum status status = try_password(a, name, password, address, out);
	if (status)
		return status;
	renew(a, &out->user, password);
	status = write_down(a, &out->user.who, "login", name, address);
	if (!status)
		status = begin(a, out);
	if (!status)
		a->logins++;
	return status;
}

enum status accounts_new_password(struct http_accounts *a, const char *name, struct span old, struct span password,
				  const char *address, struct login *out)
{
	struct user_secret secret;
	*out = (struct login){.wait_ms = 0};
	enum status status = try_password(a, name, old, address, out);
	if (!status)
		status = user_secret_make(name, password, &secret);
	if (status)
		return status;
	struct principal who = out->user.who;
	out->user.secret = secret;
	status = users_put(a->users, &out->user, &who, "user-password", address, clock_now_ms());
	if (status)
		return status;
	logons_end_others(a->logons, name, out->user.number);
	return begin(a, out);
}

const char *account_wrong(const struct principal *p)
{
	enum http_column column = http_column_of(p);
	bool narrow = !strncmp(p->scope, "company:", 8) || !strncmp(p->scope, "village:", 8);
	if (column <= HTTP_COLUMN_TOKEN || column == HTTP_COLUMN_COUNT)
		return "role is one of enterprise, clerk, office, police, fishery, auditor, administrator";
	if (!*p->unit)
		return "unit is missing: the office, station or enterprise it belongs to";
	if (strcmp(p->scope, "all") != 0 && (!narrow || !p->scope[8]))
		return "scope is all, company:NAME or village:NAME";
	return NULL;
}

enum status accounts_metrics(struct http_accounts *a, struct buf *out)
{
	return buf_printf(out,
			  "# HELP zayton_sessions Sessions of people who are logged in.\n"
			  "# TYPE zayton_sessions gauge\nzayton_sessions %zu\n"
			  "# HELP zayton_logins_total Logins.\n"
			  "# TYPE zayton_logins_total counter\nzayton_logins_total %llu\n"
			  "# HELP zayton_logins_refused_total Wrong passwords and names.\n"
			  "# TYPE zayton_logins_refused_total counter\nzayton_logins_refused_total %llu\n"
			  "# HELP zayton_logins_slowed_total Tries refused untried, because there were too many.\n"
			  "# TYPE zayton_logins_slowed_total counter\nzayton_logins_slowed_total %llu\n",
			  logons_count(a->logons, now_ms()), (unsigned long long)a->logins,
			  (unsigned long long)a->failures, (unsigned long long)a->slowed);
}
