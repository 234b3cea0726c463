#include <criterion/criterion.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/core/clock.h"
#include "engine/fleet/context.h"

static char dir[64];
static struct store *store;
static struct registry *registry;
static struct context *context;

/* what `changed` was told, as "device@from " */
static char told[512];

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static void on_change(void *unused, uint64_t device, int64_t from_ms, uint64_t number)
{
	(void)unused;
	cr_expect_neq(number, 0);
	sprintf(told + strlen(told), "%llx@%lld ", (unsigned long long)device, (long long)from_ms);
}

static void expect_told(const char *expected)
{
	cr_expect_str_eq(told, expected);
	told[0] = '\0';
}

static void open_all(void)
{
	struct store_options options = {.dir = dir, .create = true};
	cr_assert_eq(store_open(&options, &store), STATUS_OK);
	cr_assert_eq(registry_open(store, &registry), STATUS_OK);
	cr_assert_eq(context_open(store, registry, &context), STATUS_OK);
	context_on_change(context, on_change, NULL);
}

static void close_all(void)
{
	context_close(context);
	registry_close(registry);
	store_close(store);
}

static void reopen(void)
{
	close_all();
	open_all();
}

static void begin(void)
{
	snprintf(dir, sizeof dir, "/tmp/zayton-context-XXXXXX");
	cr_assert(mkdtemp(dir));
	open_all();
}

static void end(void)
{
	close_all();
	nftw(dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

TestSuite(context, .init = begin, .fini = end);

/* --- rules --- */

#define RULE_OF(id, limit)                                                                                             \
	"[" id "]\nkind = overspeed\ntitle = 限速 | Limit\nsource = test\nhold = 60 s\nlimit = " limit " km/h\n"

static enum status put_rules(const char *text, int64_t from_ms)
{
	return context_put_rules(context, span_of_string(text), from_ms, "渣土办", NULL, NULL);
}

/* The ids of the first rules of all books by the instant they hold from. */
static void expect_books(const char *expected)
{
	char text[512] = "";
	struct judged_by *by = context_take(context);
	for (uint32_t i = 1; i < by->context.book_count; i++)
		sprintf(text + strlen(text), "%lld:%s ", (long long)by->context.books[i].from_ms,
			by->context.books[i].book->rules[0].id);
	cr_expect_eq(by->context.books[0].from_ms, INT64_MIN, "the shipped rules hold before all others");
	cr_expect_str_eq(text, expected);
	judged_by_release(by);
}

Test(context, rules_hold_from_their_event_time_on_and_come_back)
{
	expect_books("");
	cr_assert_eq(put_rules(RULE_OF("b", "70"), 2000), STATUS_OK);
	cr_assert_eq(put_rules(RULE_OF("a", "60"), 1000), STATUS_OK);
	expect_told("0@2000 0@1000 ");
	expect_books("1000:a 2000:b ");
	reopen();
	expect_books("1000:a 2000:b ");
	cr_assert_eq(put_rules(RULE_OF("c", "60"), 1000), STATUS_OK);
	expect_books("1000:c 2000:b ");
	reopen();
	expect_books("1000:c 2000:b ");
}

static void count_mistake(void *count, const struct rule_mistake *m)
{
	(void)m;
	++*(unsigned *)count;
}

Test(context, rules_with_a_mistake_change_nothing)
{
	unsigned mistakes = 0;
	struct judged_by *before = context_take(context);
	struct span text = span_of_string(RULE_OF("a", "60") "nonsense = 1\n[b]\nkind = of-no-sort\n");
	cr_expect_eq(context_put_rules(context, text, 1000, "x", count_mistake, &mistakes), STATUS_MALFORMED);
	cr_expect_geq(mistakes, 2);
	struct judged_by *after = context_take(context);
	cr_expect_eq(before, after);
	expect_told("");
	judged_by_release(before);
	judged_by_release(after);
}

static enum status write_version(void *text, int64_t from_ms, int64_t said_ms, struct span principal, struct span rules)
{
	(void)said_ms;
	if (from_ms != INT64_MIN)
		sprintf((char *)text + strlen(text), "%lld %.*s %zu ", (long long)from_ms, (int)principal.size,
			(const char *)principal.data, rules.size);
	return STATUS_OK;
}

Test(context, every_rulebook_is_told_with_who_put_it)
{
	char text[256] = "", expected[256];
	const char *rules = RULE_OF("a", "60");
	cr_assert_eq(put_rules(rules, 1000), STATUS_OK);
	cr_assert_eq(context_rules(context, write_version, text), STATUS_OK);
	snprintf(expected, sizeof expected, "1000 渣土办 %zu ", strlen(rules));
	cr_expect_str_eq(text, expected);
}

Test(context, rules_on_trial_hold_always_and_for_nobody_else)
{
	struct rulebook *book;
	struct judged_by *trial;
	cr_assert_eq(rulebook_parse(span_of_string(RULE_OF("trial", "30")), NULL, NULL, &book), STATUS_OK);
	cr_assert_eq(context_with_rules(context, book, &trial), STATUS_OK);
	rulebook_unref(book);
	cr_expect_eq(trial->context.book_count, 1);
	cr_expect_eq(trial->context.books[0].from_ms, INT64_MIN);
	cr_expect_str_eq(trial->context.books[0].book->rules[0].id, "trial");
	expect_books("");
	judged_by_release(trial);
}

/* --- fences --- */

static struct fence fence_of(const char *id, int64_t from_ms, int64_t to_ms, int32_t half_e7)
{
	struct geo_point ring[4];
	uint32_t ring_end = 4;
	struct fence f = {.valid_from_ms = from_ms, .valid_to_ms = to_ms, .when = SCHEDULE_ALWAYS, .limit_dkmh = 400};
	for (int i = 0; i < 4; i++)
		ring[i] = (struct geo_point){249000000 + (i == 1 || i == 2 ? half_e7 : -half_e7),
					     1187000000 + (i >= 2 ? half_e7 : -half_e7)};
	snprintf(f.id, sizeof f.id, "%s", id);
	snprintf(f.name, sizeof f.name, "围栏 %s", id);
	cr_assert_eq(tag_number(span_of_string("speed_zone"), &f.tags[0]), STATUS_OK);
	f.tag_count = 1;
	cr_assert_eq(fence_area_new(ring, &ring_end, 1, &f.area), STATUS_OK);
	return f;
}

static enum status put_fence(const char *id, int64_t from_ms, int64_t to_ms)
{
	struct fence f = fence_of(id, from_ms, to_ms, 100000);
	enum status status = context_put_fences(context, &f, 1);
	fence_area_unref(f.area);
	return status;
}

static void end_fence(const char *id, int64_t at_ms)
{
	struct fence f = {.valid_from_ms = at_ms, .valid_to_ms = INT64_MAX, .when = SCHEDULE_ALWAYS};
	snprintf(f.id, sizeof f.id, "%s", id);
	cr_assert_eq(context_put_fences(context, &f, 1), STATUS_OK);
}

/* The version of `id` that holds then, 0 when none. */
static unsigned version_at(const char *id, int64_t time_ms)
{
	struct judged_by *by = context_take(context);
	const struct fence *f = fence_set_find(by->fences, span_of_string(id), time_ms);
	unsigned version = f ? f->version : 0;
	if (f) {
		cr_expect_eq(f->limit_dkmh, 400);
		cr_expect_str_eq(tag_text(f->tags[0]), "speed_zone");
	}
	judged_by_release(by);
	return version;
}

Test(context, fences_come_back_with_all_their_versions)
{
	cr_assert_eq(put_fence("a", 0, INT64_MAX), STATUS_OK);
	cr_assert_eq(put_fence("a", 1000, INT64_MAX), STATUS_OK);
	cr_assert_eq(put_fence("b", 500, 700), STATUS_OK);
	expect_told("0@0 0@1000 0@500 ");
	for (int round = 0; round < 2; round++) {
		cr_expect_eq(version_at("a", -1), 0);
		cr_expect_eq(version_at("a", 999), 1);
		cr_expect_eq(version_at("a", 1000), 2);
		cr_expect_eq(version_at("b", 699), 1);
		cr_expect_eq(version_at("b", 700), 0);
		reopen();
	}
	cr_assert_eq(put_fence("a", 2000, INT64_MAX), STATUS_OK);
	cr_expect_eq(version_at("a", 2000), 3, "numbers go on");
}

Test(context, an_ended_fence_stays_ended)
{
	cr_assert_eq(put_fence("a", 0, INT64_MAX), STATUS_OK);
	cr_assert_eq(put_fence("a", 1000, INT64_MAX), STATUS_OK);
	end_fence("a", 1000);
	cr_assert_eq(put_fence("b", 0, INT64_MAX), STATUS_OK);
	end_fence("b", 300);
	for (int round = 0; round < 2; round++) {
		cr_expect_eq(version_at("a", 1000), 0, "ended where it began");
		cr_expect_eq(version_at("a", 999), 1);
		cr_expect_eq(version_at("b", 299), 1);
		cr_expect_eq(version_at("b", 300), 0);
		reopen();
	}
}

Test(context, fences_are_put_all_or_none)
{
	struct fence list[] = {fence_of("a", 0, INT64_MAX, 100000), fence_of("b", 0, INT64_MAX, 100000)};
	cr_assert_eq(put_fence("b", 1000, INT64_MAX), STATUS_OK);
	expect_told("0@1000 ");
	cr_expect_eq(context_put_fences(context, list, 2), STATUS_CONFLICT);
	cr_expect_eq(version_at("a", 0), 0);
	expect_told("");
	for (int i = 0; i < 2; i++)
		fence_area_unref(list[i].area);
}

Test(context, a_snapshot_that_was_taken_stays_as_it_was)
{
	struct judged_by *before = context_take(context);
	cr_assert_eq(put_fence("a", 0, INT64_MAX), STATUS_OK);
	cr_assert_eq(put_rules(RULE_OF("a", "60"), 1000), STATUS_OK);
	cr_expect_null(fence_set_find(before->fences, span_of_string("a"), 0));
	cr_expect_eq(before->context.book_count, 1);
	struct judged_by *after = context_take(context);
	cr_expect_eq(after->number, before->number + 2);
	judged_by_release(before);
	judged_by_release(after);
}

/* --- permits --- */

static struct permit permit_of(const char *number, uint8_t kind, int64_t from_ms, int64_t to_ms)
{
	struct permit p = {.kind = kind, .valid_from_ms = from_ms, .valid_to_ms = to_ms, .hours = SCHEDULE_ALWAYS};
	snprintf(p.number, sizeof p.number, "%s", number);
	snprintf(p.fences[p.fence_count++], sizeof p.fences[0], "route-%s", number);
	return p;
}

static enum status put_permit(uint64_t device, const char *number, uint8_t kind, int64_t from_ms, int64_t to_ms)
{
	struct permit p = permit_of(number, kind, from_ms, to_ms);
	return context_put_permit(context, device, &p);
}

static struct detect_subject subject_at(uint64_t device, int64_t time_ms)
{
	struct detect_subject s;
	struct judged_by *by = context_take(context);
	by->context.subject(by->context.registry, device, time_ms, &s);
	judged_by_release(by);
	return s;
}

static void expect_subject(uint64_t device, int64_t time_ms, const char *numbers, int64_t from_ms, int64_t to_ms)
{
	char text[256] = "";
	struct detect_subject s = subject_at(device, time_ms);
	for (unsigned i = 0; i < s.permit_count; i++)
		sprintf(text + strlen(text), "%s ", s.permits[i].number);
	cr_expect_str_eq(text, numbers, "at %lld: %s", (long long)time_ms, text);
	cr_expect_eq(s.from_ms, from_ms, "at %lld from %lld", (long long)time_ms, (long long)s.from_ms);
	cr_expect_eq(s.to_ms, to_ms, "at %lld to %lld", (long long)time_ms, (long long)s.to_ms);
}

Test(context, permits_count_while_they_are_valid_and_the_span_says_how_long)
{
	cr_assert_eq(put_permit(5, "P-2", PERMIT_ROUTE, 2000, 3000), STATUS_OK);
	cr_assert_eq(put_permit(5, "P-1", PERMIT_ZONE, 1000, 2500), STATUS_OK);
	cr_assert_eq(put_permit(6, "P-3", PERMIT_ROUTE, 0, 9000), STATUS_OK);
	expect_told("5@2000 5@1000 6@0 ");
	for (int round = 0; round < 2; round++) {
		expect_subject(5, 999, "", INT64_MIN, 1000);
		expect_subject(5, 1000, "P-1 ", 1000, 2000);
		expect_subject(5, 2000, "P-1 P-2 ", 2000, 2500);
		expect_subject(5, 2500, "P-2 ", 2500, 3000);
		expect_subject(5, 3000, "", 3000, INT64_MAX);
		reopen();
	}
	cr_expect_str_eq(subject_at(5, 2500).permits[0].fences[0], "route-P-2");
}

Test(context, a_permit_of_the_same_number_replaces_the_other)
{
	cr_assert_eq(put_permit(5, "P-1", PERMIT_ROUTE, 1000, 2000), STATUS_OK);
	cr_assert_eq(put_permit(6, "P-1", PERMIT_ROUTE, 4000, 5000), STATUS_OK);
	expect_told("5@1000 6@1000 5@1000 ");
	for (int round = 0; round < 2; round++) {
		expect_subject(5, 1500, "", INT64_MIN, INT64_MAX);
		expect_subject(6, 4500, "P-1 ", 4000, 5000);
		reopen();
	}
}

Test(context, a_licence_that_is_over_is_remembered)
{
	cr_assert_eq(put_permit(5, "B-1", PERMIT_BUSINESS, 1000, 2000), STATUS_OK);
	expect_subject(5, 999, "", INT64_MIN, 1000);
	expect_subject(5, 3000, "B-1 ", 2000, INT64_MAX);
}

Test(context, what_is_no_permit_is_refused)
{
	cr_expect_eq(put_permit(0, "P-1", PERMIT_ROUTE, 0, 1), STATUS_INVALID);
	cr_expect_eq(put_permit(5, "", PERMIT_ROUTE, 0, 1), STATUS_INVALID);
	cr_expect_eq(put_permit(5, "P-1", 0, 0, 1), STATUS_INVALID);
	cr_expect_eq(put_permit(5, "P-1", PERMIT_KIND_LAST + 1, 0, 1), STATUS_INVALID);
	cr_expect_eq(put_permit(5, "P-1", PERMIT_ROUTE, 1, 1), STATUS_INVALID);
	expect_told("");
}

static enum status write_number(void *text, uint64_t device, const struct permit *p)
{
	sprintf((char *)text + strlen(text), "%s:%llu ", p->number, (unsigned long long)device);
	return STATUS_OK;
}

Test(context, permits_are_listed_by_number)
{
	char text[256] = "";
	cr_assert_eq(put_permit(7, "P-2", PERMIT_ROUTE, 0, 1), STATUS_OK);
	cr_assert_eq(put_permit(5, "P-3", PERMIT_ROUTE, 0, 1), STATUS_OK);
	cr_assert_eq(put_permit(6, "P-1", PERMIT_ROUTE, 0, 1), STATUS_OK);
	cr_assert_eq(context_permits(context, "", write_number, text), STATUS_OK);
	cr_expect_str_eq(text, "P-1:6 P-2:7 P-3:5 ");
	text[0] = '\0';
	cr_assert_eq(context_permits(context, "P-1", write_number, text), STATUS_OK);
	cr_expect_str_eq(text, "P-2:7 P-3:5 ");
}

/* --- the registry --- */

static void say(uint64_t device, uint8_t field, const char *value, int64_t from_ms)
{
	struct registry_change change = {field, span_of_string(value)};
	cr_assert_eq(registry_apply(registry, device, DEVICE_KIND_JT808, &change, 1, from_ms, "test", NULL), STATUS_OK);
}

Test(context, what_the_registry_learns_is_told_and_holds_from_then)
{
	say(5, DEVICE_FIELD_CLASS, "hazmat", 1000);
	say(5, DEVICE_FIELD_CLASS, "muck", 2000);
	expect_told("5@1000 5@2000 ");
	struct detect_subject s = subject_at(5, 1500);
	cr_expect_str_eq(device_class_token(s.class_code), "hazmat");
	cr_expect_eq(s.from_ms, 1000);
	cr_expect_eq(s.to_ms, 2000);
	cr_expect_not(s.registered, "nameless");
	cr_expect_str_eq(device_class_token(subject_at(5, 2000).class_code), "muck");
	say(5, DEVICE_FIELD_PLATE, "2:闽C12345", VALID_ALWAYS_FROM);
	cr_expect(subject_at(5, 1500).registered);
	say(5, DEVICE_FIELD_STATE, "revoked", 3000);
	cr_expect(subject_at(5, 2999).registered);
	cr_expect_not(subject_at(5, 3000).registered);
}

Test(context, a_device_that_nobody_knows_is_none_of_the_registered)
{
	struct detect_subject s = subject_at(99, 0);
	cr_expect_eq(s.device, 99);
	cr_expect_not(s.registered);
	cr_expect_eq(s.metrology_due_ms, DUE_UNKNOWN);
	cr_expect_eq(s.from_ms, INT64_MIN);
	cr_expect_eq(s.to_ms, INT64_MAX);
}

Test(context, a_date_holds_until_its_day_ends_in_china)
{
	struct civil end_of_day = {2026, 3, 1, 16, 0, 0, 0}; /* 2026-03-02 00:00 UTC+8 */
	say(5, DEVICE_FIELD_METROLOGY_DUE, "2026-03-01", VALID_ALWAYS_FROM);
	say(5, DEVICE_FIELD_INSPECTION_DUE, "2026-03-02", VALID_ALWAYS_FROM);
	struct detect_subject s = subject_at(5, 0);
	cr_expect_eq(s.metrology_due_ms, civil_to_ms(&end_of_day));
	cr_expect_eq(s.inspection_due_ms, civil_to_ms(&end_of_day) + MS_PER_DAY);
	cr_expect_eq(s.scrap_due_ms, DUE_UNKNOWN);
}

/* --- a source and its vehicle --- */

static void say_of(uint64_t device, enum device_kind kind, enum device_field field, const char *value, int64_t from_ms)
{
	struct registry_change change = {(uint8_t)field, span_of_string(value)};
	cr_assert_eq(registry_apply(registry, device, kind, &change, 1, from_ms, "x", NULL), STATUS_OK);
}

Test(context, a_source_is_judged_by_what_is_said_of_its_vehicle)
{
	say_of(7, DEVICE_KIND_JT809, DEVICE_FIELD_VEHICLE, "2:闽C12345", VALID_ALWAYS_FROM);
	cr_expect_eq(subject_at(7, 1500).class_code, DEVICE_CLASS_OTHER);
	say_of(5, DEVICE_KIND_JT808, DEVICE_FIELD_PLATE, "2:闽C12345", 1000);
	say_of(5, DEVICE_KIND_JT808, DEVICE_FIELD_CLASS, "coach", 2000);
	struct detect_subject s = subject_at(7, 1500);
	cr_expect_eq(s.class_code, DEVICE_CLASS_OTHER);
	cr_expect_eq(s.from_ms, 1000);
	cr_expect_eq(s.to_ms, 2000);
	s = subject_at(7, 2000);
	cr_expect_eq(s.class_code, DEVICE_CLASS_COACH);
	cr_expect(s.registered);
	cr_expect_eq(s.device, 7);
	say_of(5, DEVICE_KIND_JT808, DEVICE_FIELD_PLATE, "2:闽C99999", 3000);
	cr_expect_eq(subject_at(7, 2000).to_ms, 3000);
	cr_expect_eq(subject_at(7, 3000).class_code, DEVICE_CLASS_OTHER);
}

Test(context, a_vehicle_that_is_revoked_revokes_its_sources)
{
	say_of(7, DEVICE_KIND_JT809, DEVICE_FIELD_VEHICLE, "2:闽C12345", 1000);
	say_of(5, DEVICE_KIND_JT808, DEVICE_FIELD_PLATE, "2:闽C12345", 1000);
	say_of(5, DEVICE_KIND_JT808, DEVICE_FIELD_STATE, "revoked", 2000);
	cr_expect(subject_at(7, 1999).registered);
	cr_expect_not(subject_at(7, 2000).registered);
}

Test(context, a_source_has_the_permits_of_its_vehicle)
{
	say_of(7, DEVICE_KIND_JT809, DEVICE_FIELD_VEHICLE, "2:闽C12345", VALID_ALWAYS_FROM);
	say_of(5, DEVICE_KIND_JT808, DEVICE_FIELD_PLATE, "2:闽C12345", VALID_ALWAYS_FROM);
	struct permit p = {.number = "P-9", .kind = PERMIT_ROUTE, .valid_from_ms = 1000, .valid_to_ms = 2000};
	cr_assert_eq(context_put_permit(context, 5, &p), STATUS_OK);
	expect_subject(7, 1500, "P-9 ", 1000, 2000);
}

Test(context, who_loses_a_plate_is_told_with_its_sources)
{
	say_of(7, DEVICE_KIND_JT809, DEVICE_FIELD_VEHICLE, "2:闽C12345", 500);
	say_of(5, DEVICE_KIND_JT808, DEVICE_FIELD_PLATE, "2:闽C12345", 1000);
	told[0] = '\0';
	say_of(5, DEVICE_KIND_JT808, DEVICE_FIELD_PLATE, "2:闽C99999", 1000);
	expect_told("5@1000 7@1000 ");
}
