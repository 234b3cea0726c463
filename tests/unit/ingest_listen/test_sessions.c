#include <criterion/criterion.h>
#include <pthread.h>

#include "ingest/listen/sessions.h"

static struct session_place place(uint32_t slot)
{
	return (struct session_place){0, slot, 1};
}

Test(sessions, a_login_takes_over_and_tells_the_old_place)
{
	struct sessions *s;
	struct login l;
	cr_assert_eq(sessions_new(1000, 10, &s), STATUS_OK);
	cr_assert_eq(sessions_login(s, 7, place(1), 0, &l), STATUS_OK);
	cr_assert_eq(l.verdict, LOGIN_NEW);
	cr_assert_eq(sessions_login(s, 7, place(1), 0, &l), STATUS_OK);
	cr_assert_eq(l.verdict, LOGIN_AGAIN);
	cr_assert_eq(sessions_login(s, 7, place(2), 0, &l), STATUS_OK);
	cr_assert_eq(l.verdict, LOGIN_TAKEOVER);
	cr_assert_eq(l.old.slot, 1);
	sessions_logout(s, 7, place(1)); /* the old one's end is not the new one's */
	cr_assert_eq(sessions_count(s), 1);
	sessions_logout(s, 7, place(2));
	cr_assert_eq(sessions_count(s), 0);
	sessions_free(s);
}

Test(sessions, a_reused_slot_is_another_place)
{
	struct sessions *s;
	struct login l;
	struct session_place again = {0, 1, 2};
	cr_assert_eq(sessions_new(1000, 10, &s), STATUS_OK);
	cr_assert_eq(sessions_login(s, 7, place(1), 0, &l), STATUS_OK);
	cr_assert_eq(sessions_login(s, 7, again, 0, &l), STATUS_OK);
	cr_assert_eq(l.verdict, LOGIN_TAKEOVER);
	sessions_free(s);
}

Test(sessions, newcomers_are_refused_past_the_takeovers_of_a_period_and_told_once)
{
	struct sessions *s;
	struct login l;
	struct session_place found;
	cr_assert_eq(sessions_new(1000, 2, &s), STATUS_OK);
	for (uint32_t k = 0; k < 3; k++)
		cr_assert_eq(sessions_login(s, 7, place(k), k, &l), STATUS_OK);
	cr_assert_eq(l.verdict, LOGIN_TAKEOVER);
	cr_assert_eq(sessions_login(s, 7, place(3), 500, &l), STATUS_OK);
	cr_assert_eq(l.verdict, LOGIN_CLONE);
	cr_assert(l.first_of_period);
	cr_assert_eq(sessions_login(s, 7, place(4), 600, &l), STATUS_OK);
	cr_assert_eq(l.verdict, LOGIN_CLONE);
	cr_assert(!l.first_of_period);
	cr_assert_eq(sessions_find(s, 7, &found), STATUS_OK);
	cr_assert_eq(found.slot, 2);
	cr_assert_eq(sessions_login(s, 7, place(5), 1000, &l), STATUS_OK);
	cr_assert_eq(l.verdict, LOGIN_TAKEOVER, "a new period");
	sessions_free(s);
}

Test(sessions, many_devices_come_and_go_and_each_is_found)
{
	enum { N = 20000 };
	struct sessions *s;
	struct login l;
	struct session_place found;
	cr_assert_eq(sessions_new(1000, 2, &s), STATUS_OK);
	/* ids that differ in their top bits only, and in their low bits only */
	for (uint64_t k = 1; k <= N; k++)
		cr_assert_eq(sessions_login(s, k % 2 ? k : k << 40, place((uint32_t)k), 0, &l), STATUS_OK);
	for (uint64_t k = 1; k <= N; k += 3)
		sessions_logout(s, k % 2 ? k : k << 40, place((uint32_t)k));
	for (uint64_t k = 1; k <= N; k++) {
		enum status st = sessions_find(s, k % 2 ? k : k << 40, &found);
		cr_assert_eq(st, k % 3 == 1 ? STATUS_NOT_FOUND : STATUS_OK, "device %lu", (unsigned long)k);
		if (st == STATUS_OK)
			cr_assert_eq(found.slot, k);
	}
	sessions_free(s);
}

static void *log_in_and_out(void *context)
{
	struct sessions *s = context;
	struct login l;
	for (unsigned k = 0; k < 20000; k++) {
		struct session_place at = {(uint32_t)(uintptr_t)pthread_self(), k, 1};
		if (sessions_login(s, 1 + k % 10, at, 0, &l) == STATUS_OK)
			sessions_logout(s, 1 + k % 10, at);
	}
	return NULL;
}

Test(sessions, threads_that_log_in_and_out_leave_nothing_behind)
{
	struct sessions *s;
	pthread_t threads[4];
	cr_assert_eq(sessions_new(1000, 1u << 30, &s), STATUS_OK);
	for (unsigned k = 0; k < 4; k++)
		cr_assert_eq(pthread_create(&threads[k], NULL, log_in_and_out, s), 0);
	for (unsigned k = 0; k < 4; k++)
		pthread_join(threads[k], NULL);
	cr_assert_eq(sessions_count(s), 0);
	sessions_free(s);
}
