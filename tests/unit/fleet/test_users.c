/* Accounts: what survives closing, what is on record, what a password costs and whom it fits. */
#include <criterion/criterion.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/core/log.h"
#include "engine/fleet/users.h"

static char folder[64];
static struct store *store;
static struct users *users;

static void open_all(void)
{
	struct store_options o = {.dir = folder, .create = true};
	cr_assert_eq(store_open(&o, &store), STATUS_OK);
	cr_assert_eq(users_open(store, &users), STATUS_OK);
}

static void close_all(void)
{
	users_close(users);
	store_close(store);
}

static void begin(void)
{
	log_set_level(LOG_OFF);
	strcpy(folder, "/tmp/zayton-users-XXXXXX");
	cr_assert(mkdtemp(folder));
	open_all();
}

static int remove_entry(const char *path, const struct stat *seen, int kind, struct FTW *walk)
{
	(void)seen, (void)kind, (void)walk;
	return remove(path);
}

static void end(void)
{
	close_all();
	nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}
TestSuite(users, .init = begin, .fini = end, .timeout = 60);

static struct user user_of(const char *name)
{
	struct user u = {.who = {.scope = "all", .role = "clerk", .unit = "乡安办"}};
	snprintf(u.who.name, sizeof u.who.name, "%s", name);
	return u;
}

static enum status put(struct user *u)
{
	return users_put(users, u, &principal_local, "user-add", "10.0.0.1", 1780000000000);
}

static enum status keep(void *context, const struct audit_entry *e)
{
	*(struct audit_entry *)context = *e;
	return STATUS_OK;
}

Test(users, an_account_survives_closing_and_is_on_record)
{
	struct user u = user_of("王验"), seen;
	struct audit_entry entry;
	u.disabled = true;
	u.secret = (struct user_secret){15, 8, 3, {1, 2, 3}, {4, 5, 6}};
	cr_assert_eq(put(&u), STATUS_OK);
	cr_expect_eq(u.number, 1u);
	close_all();
	open_all();
	cr_assert_eq(users_get(users, "王验", &seen), STATUS_OK);
	cr_expect_str_eq(seen.who.role, "clerk");
	cr_expect_str_eq(seen.who.unit, "乡安办");
	cr_expect_str_eq(seen.who.scope, "all");
	cr_expect(seen.disabled);
	cr_expect_eq(seen.changed_ms, 1780000000000);
	cr_expect(!memcmp(&seen.secret, &u.secret, sizeof u.secret));
	cr_assert_eq(audit_read(store, INT64_MAX, 1, keep, &entry), STATUS_OK);
	cr_expect_str_eq(entry.action, "user-add");
	cr_expect_str_eq(entry.subject, "王验");
	cr_expect_str_eq(entry.address, "10.0.0.1");
	cr_expect_str_eq(entry.who.role, "office");
}

Test(users, are_listed_by_name_and_changes_are_numbered)
{
	static const char *const names[] = {"c", "a", "乙", "b"};
	struct user page[3], u;
	for (size_t i = 0; i < 4; i++) {
		u = user_of(names[i]);
		cr_assert_eq(put(&u), STATUS_OK);
	}
	cr_assert_eq(put(&u), STATUS_OK);
	cr_expect_eq(u.number, 2u);
	cr_expect_eq(users_count(users), 4u);
	cr_assert_eq(users_list(users, "", page, 3), 3u);
	cr_expect_str_eq(page[0].who.name, "a");
	cr_expect_str_eq(page[2].who.name, "c");
	cr_assert_eq(users_list(users, "c", page, 3), 1u);
	cr_expect_str_eq(page[0].who.name, "乙");
	cr_expect_eq(users_get(users, "d", &u), STATUS_NOT_FOUND);
}

Test(users, names_that_are_none_are_refused)
{
	static const char *const bad[] = {"",
					  "local",
					  "a b",
					  "a\"b",
					  "a/b",
					  "a\n",
					  "0123456789012345678901234567890123456789012345678901234567890123"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		cr_expect(!user_name_is_good(bad[i]), "%s", bad[i]);
	cr_expect(user_name_is_good("li.wei@sea-1"));
	struct user u = user_of("local");
	cr_expect_eq(put(&u), STATUS_INVALID);
	u = user_of("x");
	memset(u.who.unit, 'u', sizeof u.who.unit);
	cr_expect_eq(put(&u), STATUS_INVALID);
	cr_expect_eq(users_count(users), 0u);
}

Test(users, a_password_fits_its_own_hash_only)
{
	struct user_secret s, other;
	static const struct user_secret none;
	cr_expect_eq(user_secret_make("li", span_of_string("too short"), &s), STATUS_INVALID);
	cr_expect_eq(user_secret_make("li-weiming", span_of_string("li-weiming"), &s), STATUS_INVALID);
	cr_assert_eq(user_secret_make("li", span_of_string("correct-horse"), &s), STATUS_OK);
	cr_assert_eq(user_secret_make("li", span_of_string("correct-horse"), &other), STATUS_OK);
	cr_expect(memcmp(s.hash, other.hash, sizeof s.hash), "one password, two salts, one hash");
	cr_expect(user_secret_fits(&s, span_of_string("correct-horse")));
	cr_expect(!user_secret_fits(&s, span_of_string("correct-horsf")));
	cr_expect(!user_secret_fits(&none, span_of_string("correct-horse")));
	cr_expect(!user_secret_is_old(&s));
}

Test(users, the_cost_is_part_of_the_hash_and_an_old_one_is_renewed)
{
	struct user u = user_of("li"), seen;
	struct user_secret fresh;
	cr_assert_eq(user_secret_make("li", span_of_string("correct-horse"), &fresh), STATUS_OK);
	u.secret = fresh;
	u.secret.p = 1;
	cr_assert_eq(put(&u), STATUS_OK);
	cr_expect(user_secret_is_old(&u.secret));
	cr_expect(!user_secret_fits(&u.secret, span_of_string("correct-horse")));
	cr_assert_eq(users_renew(users, &u, &fresh), STATUS_OK);
	cr_assert_eq(users_get(users, "li", &seen), STATUS_OK);
	cr_expect_eq(seen.number, u.number);
	cr_expect(user_secret_fits(&seen.secret, span_of_string("correct-horse")));
	u.number++;
	cr_expect_eq(users_renew(users, &u, &fresh), STATUS_CONFLICT);
}

Test(users, a_row_that_cannot_be_read_is_said)
{
	struct store_batch *b;
	struct users *again;
	cr_assert_eq(store_batch_new(store, &b), STATUS_OK);
	store_batch_put(b, STORE_USER, span_of_string("x"), span_of_string("\x09"));
	cr_assert_eq(store_commit(store, b, true), STATUS_OK);
	cr_expect_eq(users_open(store, &again), STATUS_BAD_VERSION);
	store_batch_put(b, STORE_USER, span_of_string("x"), span_of_string("\x01\x00"));
	cr_assert_eq(store_commit(store, b, true), STATUS_OK);
	cr_expect_eq(users_open(store, &again), STATUS_CORRUPT);
	store_batch_free(b);
}
