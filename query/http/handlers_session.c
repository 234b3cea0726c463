/* handlers_session.c -- logging in and out, who am I, and accounts for those who keep them.
 *
 *   POST /api/v1/session            {"name", "password"}        the cookie
 *   GET, DELETE /api/v1/session
 *   PUT /api/v1/session/password    {"old", "new"}              a new cookie; the account's other sessions end
 *   GET, POST /api/v1/users         {"name", "role", "unit", "scope", "password", "disabled"} */
#include <jansson.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/core/clock.h"
#include "engine/core/log.h"
#include "engine/register/hazard.h"
#include "query/export/json_out.h"
#include "query/http/http_handlers.h"
#include "query/http/http_problem.h"
#include "query/http/http_rights.h"
#include "query/http/http_stream.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define ANSWER_MAX 8192
#define USERS_PAGE_MAX 100

/* --- bodies --- */

static json_t *read_object(struct http_call *c)
{
	json_error_t error;
	const struct buf *text = &c->x->request.body;
	json_t *body = json_loadb((const char *)text->data, text->size, JSON_REJECT_DUPLICATES, &error);
	if (json_is_object(body))
		return body;
	http_problem_send(c->x, HTTP_PROBLEM_BAD_BODY, NULL, body ? "wanted an object" : error.text);
	json_decref(body);
	return NULL;
}

/* Nothing but `known`. */
static bool keys_fit(struct http_call *c, json_t *body, const char *const *known, size_t count)
{
	const char *key;
	json_t *value;
	json_object_foreach(body, key, value)
	{
		size_t i = 0;
		while (i < count && strcmp(known[i], key) != 0)
			i++;
		if (i == count) {
			http_problem_send(c->x, HTTP_PROBLEM_BAD_BODY, key, "is not known here");
			return false;
		}
	}
	return true;
}

static bool text_of(struct http_call *c, const json_t *body, const char *key, char *out, size_t room)
{
	const json_t *v = json_object_get(body, key);
	struct span text = span_of(json_string_value(v), json_string_length(v));
	if (json_is_string(v) && text.size < room && http_text_is_clean(text)) {
		memcpy(out, text.data, text.size);
		out[text.size] = '\0';
		return true;
	}
	http_problem_send(c->x, HTTP_PROBLEM_BAD_BODY, key, "is no text, or too long");
	return false;
}

/* Any bytes but NUL; the body keeps them. */
static bool password_of(struct http_call *c, const json_t *body, const char *key, struct span *out)
{
	const json_t *v = json_object_get(body, key);
	*out = span_of(json_string_value(v), json_string_length(v));
	if (json_is_string(v) && out->size <= USER_PASSWORD_MAX)
		return true;
	http_problem_send(c->x, HTTP_PROBLEM_BAD_BODY, key, "is no text, or too long");
	return false;
}

/* --- who am I --- */

static void print_rights(struct json_out *j, const struct principal *p)
{
	enum http_column column = http_column_of(p);
	jout_key(j, "rights");
	jout_open(j, '{');
	for (unsigned group = 0; group < HTTP_RIGHTS_COUNT && column < HTTP_COLUMN_COUNT; group++) {
		jout_key(j, http_rights_token(group));
		jout_string(j, http_rights_word(group, column));
	}
	jout_close(j, '}');
}

static void answer_who(struct http_call *c, const struct principal *p, int64_t left_ms)
{
	struct buf text = buf_init(ANSWER_MAX);
	struct json_out j = json_out_init(&text);
	jout_open(&j, '{');
	jout_key(&j, "name");
	jout_string(&j, p->name);
	jout_key(&j, "role");
	jout_string(&j, p->role);
	jout_key(&j, "unit");
	jout_string(&j, p->unit);
	jout_key(&j, "scope");
	jout_string(&j, p->scope);
	jout_key(&j, "until");
	if (left_ms)
		jout_time(&j, clock_now_ms() + left_ms);
	else
		jout_null(&j);
	print_rights(&j, p);
	jout_close(&j, '}');
	jout_line(&j);
	if (!j.status)
		j.status = exchange_header(c->x, "cache-control", "no-store");
	if (j.status)
		http_problem_of_status(c->x, j.status);
	else
		http_answer(c, 200, "application/json", buf_view(&text));
	buf_deinit(&text);
}

static struct span own_session(struct http_call *c)
{
	return session_of_cookie(c->x->request.cookie, http_accounts(c->http)->tls);
}

/* `until` is null for those who have no session. */
static void get_session(struct http_call *c)
{
	struct principal who;
	int64_t left_ms = 0;
	struct span text = own_session(c);
	if (text.size &&
	    logons_use(http_accounts(c->http)->logons, text, clock_monotonic_ns() / 1000000, &who, &left_ms))
		left_ms = 0; /* a token came with an old cookie */
	answer_who(c, &c->principal, left_ms);
}

/* --- in and out --- */

static void set_cookie(struct http_call *c, const char *text)
{
	char cookie[SESSION_COOKIE_MAX];
	session_cookie(text, http_accounts(c->http)->tls, cookie);
	if (exchange_header(c->x, "set-cookie", cookie))
		log_warn("http", "no room for a header");
}

static void say_wait(struct http_call *c, int64_t wait_ms)
{
	char seconds[24];
	snprintf(seconds, sizeof seconds, "%lld", (long long)((wait_ms + 999) / 1000));
	if (exchange_header(c->x, "retry-after", seconds))
		log_warn("http", "no room for a header");
}

static void refuse_login(struct http_call *c, enum status status, int64_t wait_ms)
{
	if (status == STATUS_DENIED) {
		http_problem_send(c->x, HTTP_PROBLEM_WRONG_PASSWORD, NULL, "wrong name or password 用户名或密码错误");
	} else if (status == STATUS_FULL) {
		say_wait(c, wait_ms);
		http_problem_send(c->x, HTTP_PROBLEM_TOO_MANY, NULL,
				  "too many tries: wait before the next 尝试过多,请稍后再试");
	} else if (status == STATUS_BUSY) {
		say_wait(c, 1000);
		http_problem_send(c->x, HTTP_PROBLEM_BUSY, NULL, "others are logging in: try again");
	} else if (status == STATUS_INVALID) {
		http_problem_send(c->x, HTTP_PROBLEM_BAD_BODY, "new",
				  "a password has 10 to 256 bytes and is not the name 密码须为 10 至 256 字节");
	} else {
		http_problem_of_status(c->x, status);
	}
}

static void log_in(struct http_call *c, const json_t *body)
{
	char name[sizeof((struct principal *)0)->name];
	struct span password;
	struct login login;
	if (!text_of(c, body, "name", name, sizeof name) || !password_of(c, body, "password", &password))
		return;
	enum status status = accounts_login(http_accounts(c->http), name, password, c->x->request.peer, &login);
	if (status) {
		refuse_login(c, status, login.wait_ms);
		return;
	}
	set_cookie(c, login.cookie);
	answer_who(c, &login.user.who, SESSION_IDLE_MS);
	OPENSSL_cleanse(&login, sizeof login);
}

static void post_session(struct http_call *c)
{
	static const char *const known[] = {"name", "password"};
	if (!request_origin_is_own(&c->x->request)) {
		http_problem_send(c->x, HTTP_PROBLEM_FORBIDDEN, NULL, "from a foreign page");
		return;
	}
	json_t *body = read_object(c);
	if (body && keys_fit(c, body, known, COUNT(known)))
		log_in(c, body);
	json_decref(body);
}

static void delete_session(struct http_call *c)
{
	struct http_accounts *a = http_accounts(c->http);
	struct audit_entry entry = {.at_ms = clock_now_ms(), .who = c->principal, .action = "logout"};
	snprintf(entry.address, sizeof entry.address, "%.47s", c->x->request.peer);
	struct span text = own_session(c);
	logons_end(a->logons, text);
	enum status status = text.size ? audit_write(a->store, &entry) : STATUS_OK;
	if (status) {
		http_problem_of_status(c->x, status);
		return;
	}
	set_cookie(c, "");
	exchange_begin(c->x, 204, NULL);
	exchange_end(c->x);
}

static void change_password(struct http_call *c, const json_t *body)
{
	struct span old, password;
	struct login login;
	if (!password_of(c, body, "old", &old) || !password_of(c, body, "new", &password))
		return;
	enum status status = accounts_new_password(http_accounts(c->http), c->principal.name, old, password,
						   c->x->request.peer, &login);
	if (status) {
		refuse_login(c, status, login.wait_ms);
		return;
	}
	set_cookie(c, login.cookie);
	answer_who(c, &login.user.who, SESSION_IDLE_MS);
	OPENSSL_cleanse(&login, sizeof login);
}

static void put_password(struct http_call *c)
{
	static const char *const known[] = {"old", "new"};
	if (!own_session(c).size) {
		http_problem_send(c->x, HTTP_PROBLEM_FORBIDDEN, NULL, "only who logged in has a password");
		return;
	}
	json_t *body = read_object(c);
	if (body && keys_fit(c, body, known, COUNT(known)))
		change_password(c, body);
	json_decref(body);
}

/* --- accounts --- */

static void print_user(struct json_out *j, const struct user *u)
{
	jout_open(j, '{');
	jout_key(j, "name");
	jout_string(j, u->who.name);
	jout_key(j, "role");
	jout_string(j, u->who.role);
	jout_key(j, "unit");
	jout_string(j, u->who.unit);
	jout_key(j, "scope");
	jout_string(j, u->who.scope);
	jout_key(j, "disabled");
	jout_bool(j, u->disabled);
	jout_key(j, "has_password");
	jout_bool(j, u->secret.log2_n != 0);
	jout_key(j, "changed");
	jout_time(j, u->changed_ms);
	jout_close(j, '}');
}

enum { USERS_LIMIT, USERS_CURSOR };

static const struct http_param users_params[] = {
	[USERS_LIMIT] = {"limit", HTTP_PARAM_INTEGER, false, 1, USERS_PAGE_MAX, NULL,
			 "accounts of one answer; 100 when left out"},
	[USERS_CURSOR] = {"cursor", HTTP_PARAM_TEXT, false, 0, 63, NULL, "`next` of the answer before"},
};

static void get_users(struct http_call *c)
{
	struct http_stream s;
	char after[64] = "";
	size_t limit = (size_t)value_or(&c->values[USERS_LIMIT], USERS_PAGE_MAX);
	struct user *page = calloc(limit, sizeof *page);
	if (c->values[USERS_CURSOR].set)
		snprintf(after, sizeof after, "%s", (const char *)c->values[USERS_CURSOR].text.data);
	stream_begin(&s, c, "application/json");
	struct json_out j = json_out_init(&s.chunk);
	j.status = page ? STATUS_OK : STATUS_NO_MEMORY;
	size_t n = page ? users_list(http_accounts(c->http)->users, after, page, limit) : 0;
	jout_open(&j, '{');
	jout_key(&j, "users");
	jout_open(&j, '[');
	for (size_t i = 0; i < n; i++)
		print_user(&j, &page[i]);
	jout_close(&j, ']');
	jout_key(&j, "next");
	if (n == limit)
		jout_string(&j, page[n - 1].who.name);
	else
		jout_null(&j);
	jout_close(&j, '}');
	jout_line(&j);
	free(page);
	stream_close(&s, j.status);
}

/* What the body says of the account; the rest stays as it is. */
static bool take_user(struct http_call *c, const json_t *body, struct user *u)
{
	const json_t *disabled = json_object_get(body, "disabled");
	struct span password;
	if ((json_object_get(body, "role") && !text_of(c, body, "role", u->who.role, sizeof u->who.role)) ||
	    (json_object_get(body, "unit") && !text_of(c, body, "unit", u->who.unit, sizeof u->who.unit)) ||
	    (json_object_get(body, "scope") && !text_of(c, body, "scope", u->who.scope, sizeof u->who.scope)))
		return false;
	if (disabled && !json_is_boolean(disabled)) {
		http_problem_send(c->x, HTTP_PROBLEM_BAD_BODY, "disabled", "is neither true nor false");
		return false;
	}
	u->disabled = disabled ? json_is_true(disabled) : u->disabled;
	const char *wrong = account_wrong(&u->who);
	if (wrong) {
		http_problem_send(c->x, HTTP_PROBLEM_BAD_BODY, NULL, wrong);
		return false;
	}
	if (!json_object_get(body, "password"))
		return true;
	if (!password_of(c, body, "password", &password))
		return false;
	enum status status = user_secret_make(u->who.name, password, &u->secret);
	if (status)
		refuse_login(c, status, 0);
	return !status;
}

static void put_user(struct http_call *c, const json_t *body)
{
	struct http_accounts *a = http_accounts(c->http);
	struct buf text = buf_init(ANSWER_MAX);
	struct json_out j = json_out_init(&text);
	struct user u = {.who = {.scope = "all"}};
	char name[sizeof u.who.name];
	if (!text_of(c, body, "name", name, sizeof name))
		return;
	if (!user_name_is_good(name)) {
		http_problem_send(c->x, HTTP_PROBLEM_BAD_BODY, "name", "is no name of an account");
		return;
	}
	bool is_new = users_get(a->users, name, &u) != STATUS_OK;
	memcpy(u.who.name, name, sizeof name);
	if (!take_user(c, body, &u))
		return;
	enum status status = users_put(a->users, &u, &c->principal, is_new ? "user-add" : "user-change",
				       c->x->request.peer, clock_now_ms());
	if (!status) {
		logons_end_others(a->logons, name, u.number);
		print_user(&j, &u);
		jout_line(&j);
		status = j.status;
	}
	if (status)
		http_problem_of_status(c->x, status);
	else
		http_answer(c, is_new ? 201 : 200, "application/json", buf_view(&text));
	buf_deinit(&text);
}

static void post_user(struct http_call *c)
{
	static const char *const known[] = {"name", "role", "unit", "scope", "password", "disabled"};
	json_t *body = read_object(c);
	if (body && keys_fit(c, body, known, COUNT(known)))
		put_user(c, body);
	json_decref(body);
}

static const struct http_route routes[] = {
	{HTTP_GET, 0, "/api/v1/session", "getSession", "Who you are, until when, and what you may.", "application/json",
	 NULL, 0, get_session, NULL},
	{HTTP_POST, HTTP_ROUTE_OPEN | HTTP_ROUTE_BODY, "/api/v1/session", "beginSession",
	 "Log in: {\"name\", \"password\"}; answers who you are and what you may, and sets the cookie.",
	 "application/json", NULL, 0, post_session, NULL},
	{HTTP_DELETE, 0, "/api/v1/session", "endSession", "Log out.", "", NULL, 0, delete_session, NULL},
	{HTTP_PUT, HTTP_ROUTE_BODY, "/api/v1/session/password", "putPassword",
	 "Another password of your own: {\"old\", \"new\"}; your other sessions end.", "application/json", NULL, 0,
	 put_password, NULL},
	{HTTP_GET, 0, "/api/v1/users", "listUsers", "Accounts, by name.", "application/json", users_params,
	 COUNT(users_params), get_users, NULL},
	{HTTP_POST, HTTP_ROUTE_BODY, "/api/v1/users", "postUser",
	 "Make an account, or change what is said of one: {\"name\", \"role\", \"unit\", \"scope\", \"password\", "
	 "\"disabled\"}.",
	 "application/json", NULL, 0, post_user, NULL},
};

enum status handlers_session_add(struct http *h)
{
	return add_routes(h, routes, COUNT(routes));
}
