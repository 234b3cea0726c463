/* Logging in over a real server: the cookie, what it opens, what slows guessing, what ends it. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "engine/core/clock.h"
#include "unit/query_http/violations_rig.h"

#define PASSWORD "correct-horse"

static void add(const char *name, const char *role, const char *unit, const char *scope)
{
	struct user u = {.who = {.scope = ""}};
	snprintf(u.who.name, sizeof u.who.name, "%s", name);
	snprintf(u.who.role, sizeof u.who.role, "%s", role);
	snprintf(u.who.unit, sizeof u.who.unit, "%s", unit);
	snprintf(u.who.scope, sizeof u.who.scope, "%s", scope);
	cr_assert_eq(user_secret_make(name, span_of_string(PASSWORD), &u.secret), STATUS_OK);
	cr_assert_eq(
		users_put(http_accounts(world.server)->users, &u, &principal_local, "user-add", "", clock_now_ms()),
		STATUS_OK);
}

static void begin(void)
{
	violations_rig_open();
	add("王验", "clerk", "乡安办", "all");
	add("admin", "administrator", "信息中心", "all");
}
TestSuite(session, .init = begin, .fini = violations_rig_close, .timeout = 120);

static struct answer log_in(const char *name, const char *password)
{
	char body[256];
	snprintf(body, sizeof body, "{\"name\":\"%s\",\"password\":\"%s\"}", name, password);
	return ask(http_port(world.server), "POST /api/v1/session", "Content-Type: application/json\r\n", body);
}

/* "Cookie: zayton=..." of a good login. */
static void cookie_of(const char *name, char out[256])
{
	struct answer a = log_in(name, PASSWORD);
	cr_assert_eq(a.status, 200, "%.*s", (int)a.body.size, (char *)a.body.data);
	char *value = strstr(a.head, "set-cookie: zayton=");
	cr_assert(value);
	cr_expect(strstr(value, "; path=/; httponly; samesite=strict\r\n"), "%s", a.head);
	cr_expect(!strstr(value, "secure"));
	snprintf(out, 256, "Cookie: other=1; %.*s\r\n", (int)strcspn(value + 12, ";"), value + 12);
	answer_deinit(&a);
}

static int status_of(const char *request, const char *headers, const char *body, const char *part)
{
	struct answer a = ask(http_port(world.server), request, headers, body);
	int status = a.status;
	cr_expect(!part || answer_has(&a, part), "%s: %.*s", request, (int)a.body.size, (char *)a.body.data);
	answer_deinit(&a);
	return status;
}

/* `cookie` with the server's own Origin and a JSON body. */
static const char *changing(const char *cookie)
{
	static char out[512];
	snprintf(out, sizeof out, "%sOrigin: http://127.0.0.1:%u\r\nContent-Type: application/json\r\n", cookie,
		 (unsigned)http_port(world.server));
	return out;
}

Test(session, a_login_says_who_one_is_and_what_one_may)
{
	char cookie[256];
	struct answer a = log_in("王验", PASSWORD);
	cr_expect(answer_has(
		&a, "\"name\":\"王验\",\"role\":\"clerk\",\"unit\":\"乡安办\",\"scope\":\"all\",\"until\":\"20"));
	cr_expect(answer_has(&a, "\"tracks\":\"none\"") && answer_has(&a, "\"hazards\":\"write\""));
	answer_deinit(&a);
	cookie_of("王验", cookie);
	cr_expect_eq(status_of("GET /api/v1/session", cookie, NULL, "\"name\":\"王验\""), 200);
	cr_expect_eq(status_of("GET /api/v1/devices", cookie, NULL, NULL), 200);
	cr_expect_eq(status_of("GET /api/v1/devices/phone:13900000001/track?from=0", cookie, NULL, "role"), 403);
	cr_expect_eq(status_of("GET /api/v1/session", "", NULL, "\"name\":\"local\""), 200);
}

Test(session, a_wrong_password_an_unknown_name_and_a_cookie_of_nobody_are_refused)
{
	struct answer a = log_in("王验", "wrong-password");
	cr_expect_eq(a.status, 401);
	cr_expect(!strstr(a.head, "set-cookie"));
	answer_deinit(&a);
	a = log_in("谁", PASSWORD);
	cr_expect_eq(a.status, 401);
	answer_deinit(&a);
	char cookie[256];
	snprintf(cookie, sizeof cookie, "Cookie: zayton=%064d\r\n", 7);
	cr_expect_eq(status_of("GET /api/v1/session", cookie, NULL, NULL), 401); /* and not `local` */
	cr_expect_eq(status_of("GET /api/v1/audit", "", NULL, "\"action\":\"login-refused\""), 200);
}

Test(session, guessing_is_slowed_even_for_the_right_password)
{
	struct answer a;
	for (int i = 0; i <= THROTTLE_FREE_NAME; i++) {
		a = log_in("王验", "wrong-password");
		cr_assert_eq(a.status, 401);
		answer_deinit(&a);
	}
	a = log_in("王验", PASSWORD);
	cr_expect_eq(a.status, 429);
	cr_expect_str_eq(answer_header(&a, "retry-after"), "1");
	answer_deinit(&a);
	a = log_in("admin", PASSWORD); /* others are not */
	cr_expect_eq(a.status, 200);
	answer_deinit(&a);
}

Test(session, a_change_by_cookie_needs_the_own_origin)
{
	char cookie[256], headers[512];
	cookie_of("admin", cookie);
	const char *body = "{\"name\":\"x\",\"role\":\"clerk\",\"unit\":\"u\"}";
	snprintf(headers, sizeof headers, "%sContent-Type: application/json\r\n", cookie);
	cr_expect_eq(status_of("POST /api/v1/users", headers, body, NULL), 403);
	snprintf(headers, sizeof headers, "%sOrigin: https://elsewhere.example\r\nContent-Type: application/json\r\n",
		 cookie);
	cr_expect_eq(status_of("POST /api/v1/users", headers, body, NULL), 403);
	cr_expect_eq(status_of("POST /api/v1/users", changing(cookie), body, "\"name\":\"x\""), 201);
	cr_expect_eq(status_of("POST /api/v1/session",
			       "Origin: https://elsewhere.example\r\nContent-Type: "
			       "application/json\r\n",
			       "{\"name\":\"admin\",\"password\":\"" PASSWORD "\"}", NULL),
		     403);
}

Test(session, logging_out_ends_it)
{
	char cookie[256];
	cookie_of("王验", cookie);
	struct answer a = ask(http_port(world.server), "DELETE /api/v1/session", changing(cookie), NULL);
	cr_expect_eq(a.status, 204);
	cr_expect(strstr(a.head, "max-age=0"));
	answer_deinit(&a);
	cr_expect_eq(status_of("GET /api/v1/session", cookie, NULL, NULL), 401);
}

Test(session, an_account_that_changes_loses_its_sessions)
{
	char clerk[256], admin[256];
	cookie_of("王验", clerk);
	cookie_of("admin", admin);
	cr_expect_eq(status_of("POST /api/v1/users", changing(clerk), "{\"name\":\"王验\",\"role\":\"office\"}", NULL),
		     403);
	cr_expect_eq(status_of("POST /api/v1/users", changing(admin), "{\"name\":\"王验\",\"disabled\":true}",
			       "\"disabled\":true"),
		     200);
	cr_expect_eq(status_of("GET /api/v1/session", clerk, NULL, NULL), 401);
	struct answer a = log_in("王验", PASSWORD);
	cr_expect_eq(a.status, 401);
	answer_deinit(&a);
	cr_expect_eq(status_of("GET /api/v1/users", admin, NULL, "\"name\":\"admin\",\"role\":\"administrator\""), 200);
	cr_expect_eq(status_of("GET /api/v1/audit", "", NULL, "\"action\":\"user-change\""), 200);
}

Test(session, a_new_password_keeps_this_session_and_ends_the_others)
{
	char first[256], second[256];
	cookie_of("王验", first);
	cookie_of("王验", second);
	cr_expect_eq(status_of("PUT /api/v1/session/password", changing(first),
			       "{\"old\":\"" PASSWORD "\",\"new\":\"short\"}", NULL),
		     400);
	struct answer a = ask(http_port(world.server), "PUT /api/v1/session/password", changing(first),
			      "{\"old\":\"" PASSWORD "\",\"new\":\"another-horse\"}");
	cr_expect_eq(a.status, 200);
	cr_expect(strstr(a.head, "set-cookie: zayton="));
	answer_deinit(&a);
	cr_expect_eq(status_of("GET /api/v1/session", second, NULL, NULL), 401);
	a = log_in("王验", "another-horse");
	cr_expect_eq(a.status, 200);
	answer_deinit(&a);
}

Test(session, accounts_that_are_none_are_refused)
{
	char admin[256];
	cookie_of("admin", admin);
	static const char *const bodies[] = {
		"{\"name\":\"local\",\"role\":\"clerk\",\"unit\":\"u\"}",
		"{\"name\":\"x\",\"role\":\"system\",\"unit\":\"u\"}",
		"{\"name\":\"x\",\"role\":\"clerk\"}",
		"{\"name\":\"x\",\"role\":\"clerk\",\"unit\":\"u\",\"scope\":\"island:y\"}",
		"{\"name\":\"x\",\"role\":\"clerk\",\"unit\":\"u\",\"password\":\"short\"}",
		"{\"name\":\"x\",\"role\":\"clerk\",\"unit\":\"u\",\"admin\":true}",
		"{\"name\":\"x y\",\"role\":\"clerk\",\"unit\":\"u\"}",
		"[]",
	};
	for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
		cr_expect_eq(status_of("POST /api/v1/users", changing(admin), bodies[i], NULL), 400, "%s", bodies[i]);
}

Test(session, a_live_feed_ends_with_the_session_and_not_before)
{
	char cookie[256], request[512];
	cookie_of("王验", cookie);
	struct client c = client_open(http_port(world.server));
	snprintf(request, sizeof request,
		 "GET /api/v1/violations/live?after=0 HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n%s\r\n",
		 cookie);
	client_send(&c, request);
	while (!c.in.size || !memmem(c.in.data, c.in.size, "event: raised", 13))
		cr_assert(client_receive(&c));
	struct answer a = ask(http_port(world.server), "DELETE /api/v1/session", changing(cookie), NULL);
	cr_expect_eq(a.status, 204);
	answer_deinit(&a);
	while (client_receive(&c)) /* until the server ends it */
		;
	client_close(&c);
}

/* --- what has no socket --- */

static struct user user_of(const char *name)
{
	struct user u = {.number = 1};
	snprintf(u.who.name, sizeof u.who.name, "%s", name);
	return u;
}

Test(logons, end_idle_late_and_one_too_many)
{
	struct logons *s;
	struct principal who;
	char text[SESSIONS_OF_ONE_MAX + 1][SESSION_TEXT_MAX];
	int64_t left_ms, now_ms = 5000;
	struct user li = user_of("li"), zhao = user_of("zhao");
	cr_assert_eq(logons_new(&s), STATUS_OK);
	cr_assert_eq(logons_begin(s, &li, now_ms, text[0]), STATUS_OK);
	cr_expect_eq(logons_use(s, span_of_string(text[0]), now_ms + SESSION_IDLE_MS - 1, &who, &left_ms), STATUS_OK);
	cr_expect_str_eq(who.name, "li");
	cr_expect_eq(left_ms, SESSION_IDLE_MS);
	cr_expect_eq(logons_use(s, span_of_string(text[0]), now_ms + 2 * SESSION_IDLE_MS - 1, &who, NULL),
		     STATUS_DENIED);
	cr_assert_eq(logons_begin(s, &li, now_ms, text[0]), STATUS_OK);
	for (int64_t at_ms = now_ms; at_ms < now_ms + SESSION_LONGEST_MS; at_ms += SESSION_IDLE_MS / 2)
		cr_expect_eq(logons_use(s, span_of_string(text[0]), at_ms, &who, NULL), STATUS_OK);
	cr_expect_eq(logons_use(s, span_of_string(text[0]), now_ms + SESSION_LONGEST_MS, &who, NULL), STATUS_DENIED);
	for (int i = 0; i <= SESSIONS_OF_ONE_MAX; i++)
		cr_assert_eq(logons_begin(s, &zhao, now_ms + i, text[i]), STATUS_OK);
	cr_expect_eq(logons_use(s, span_of_string(text[0]), now_ms + 20, &who, NULL), STATUS_DENIED);
	cr_expect_eq(logons_use(s, span_of_string(text[1]), now_ms + 20, &who, NULL), STATUS_OK);
	cr_expect_eq(logons_count(s, now_ms + 20), (size_t)SESSIONS_OF_ONE_MAX);
	logons_end_others(s, "zhao", 2);
	cr_expect_eq(logons_count(s, now_ms + 20), 0u);
	logons_free(s);
}

Test(logons, are_bounded)
{
	struct logons *s;
	char text[SESSION_TEXT_MAX], name[16];
	cr_assert_eq(logons_new(&s), STATUS_OK);
	for (int i = 0; i < SESSIONS_MAX; i++) {
		snprintf(name, sizeof name, "u%d", i);
		struct user u = user_of(name);
		cr_assert_eq(logons_begin(s, &u, 1000, text), STATUS_OK);
	}
	struct user u = user_of("late");
	cr_expect_eq(logons_begin(s, &u, 1000, text), STATUS_FULL);
	cr_expect_eq(logons_begin(s, &u, 1000 + SESSION_IDLE_MS, text), STATUS_OK);
	logons_free(s);
}

Test(logons, a_cookie_is_found_among_others)
{
	struct span t = session_of_cookie("a=b; zayton=xyz; c=d", false);
	cr_expect(span_equal(t, span_of_string("xyz")));
	cr_expect(span_equal(session_of_cookie("a=b, __Host-zayton=xyz", true), span_of_string("xyz")));
	cr_expect_eq(session_of_cookie("__Host-zayton=xyz", false).size, 0u);
	cr_expect_eq(session_of_cookie("xzayton=1; zaytonx=2; zayton=", false).size, 0u);
	char out[SESSION_COOKIE_MAX];
	session_cookie("abc", true, out);
	cr_expect_str_eq(out, "__Host-zayton=abc; Path=/; HttpOnly; SameSite=Strict; Secure");
}

Test(throttle, doubles_forgets_and_is_bounded)
{
	static struct throttle t;
	cr_assert_eq(throttle_init(&t), STATUS_OK);
	int64_t now_ms = 100;
	for (int i = 0; i < THROTTLE_FREE_NAME; i++)
		throttle_failed(&t, THROTTLE_NAME, "li", now_ms);
	cr_expect_eq(throttle_wait_ms(&t, THROTTLE_NAME, "li", now_ms), 0);
	throttle_failed(&t, THROTTLE_NAME, "li", now_ms);
	cr_expect_eq(throttle_wait_ms(&t, THROTTLE_NAME, "li", now_ms), 1000);
	throttle_failed(&t, THROTTLE_NAME, "li", now_ms);
	cr_expect_eq(throttle_wait_ms(&t, THROTTLE_NAME, "li", now_ms + 500), 1500);
	cr_expect_eq(throttle_wait_ms(&t, THROTTLE_ADDRESS, "li", now_ms), 0);
	for (int i = 0; i < 100; i++)
		throttle_failed(&t, THROTTLE_NAME, "li", now_ms);
	cr_expect_eq(throttle_wait_ms(&t, THROTTLE_NAME, "li", now_ms), THROTTLE_LONGEST_MS);
	throttle_forget(&t, THROTTLE_NAME, "li");
	cr_expect_eq(throttle_wait_ms(&t, THROTTLE_NAME, "li", now_ms), 0);
	char name[16];
	for (int i = 0; i < 10000; i++) {
		snprintf(name, sizeof name, "n%d", i);
		throttle_failed(&t, THROTTLE_NAME, name, now_ms + i);
	}
	throttle_deinit(&t);
}
