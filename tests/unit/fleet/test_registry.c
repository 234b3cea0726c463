#include <criterion/criterion.h>
#include <ftw.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/fleet/registry.h"

/* --- a registry on a store in a temporary folder --- */

static char dir[64];
static struct store *store;
static struct registry *registry;

static void open_both(void)
{
	struct store_options options = {.dir = dir, .create = true};
	cr_assert_eq(store_open(&options, &store), STATUS_OK);
	cr_assert_eq(registry_open(store, &registry), STATUS_OK);
}

static void close_both(void)
{
	registry_close(registry);
	store_close(store);
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static void begin(void)
{
	snprintf(dir, sizeof dir, "/tmp/zayton-registry-XXXXXX");
	cr_assert(mkdtemp(dir));
	open_both();
}

static void end(void)
{
	close_both();
	nftw(dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

TestSuite(registry, .init = begin, .fini = end);

static uint64_t truck(const char *phone)
{
	return device_id(DEVICE_KIND_JT808, span_of_string(phone));
}

static uint64_t conflict;

static enum status say(uint64_t device, enum device_field field, const char *value, int64_t from_ms)
{
	struct registry_change change = {(uint8_t)field, span_of_string(value)};
	return registry_apply(registry, device, DEVICE_KIND_JT808, &change, 1, from_ms, "clerk", &conflict);
}

static void assert_value(uint64_t device, enum device_field field, int64_t at_ms, const char *wanted)
{
	char value[DEVICE_VALUE_MAX + 1];
	enum status status = registry_value(registry, device, field, at_ms, value);
	if (!wanted) {
		cr_assert_eq(status, STATUS_NOT_FOUND, "%s at %ld", value, (long)at_ms);
		return;
	}
	cr_assert_eq(status, STATUS_OK);
	cr_assert_str_eq(value, wanted);
}

static uint64_t found(enum device_field field, const char *value, int64_t at_ms)
{
	uint64_t device = 0;
	enum status status = registry_find(registry, field, span_of_string(value), at_ms, &device);
	cr_assert(status == STATUS_OK || (status == STATUS_NOT_FOUND && device == 0));
	return device;
}

/* --- devices --- */

Test(registry, an_id_follows_from_kind_and_identity_alone)
{
	cr_assert_eq(truck("13900000001"), truck("13900000001"));
	cr_assert_neq(truck("13900000001"), truck("13900000002"));
	cr_assert_neq(truck("13900000001"), device_id(DEVICE_KIND_FILE, span_of_string("13900000001")));
	cr_assert_eq(truck("13900000001"), UINT64_C(0x989ebffe46f54960), "ids are stored: they never change");
	cr_assert_eq(device_partition(UINT64_C(0xabcd000000000000)), 0xabcd);
}

Test(registry, a_device_may_be_made_with_nothing_said)
{
	uint64_t device = truck("1");
	cr_assert_not(registry_has(registry, device));
	cr_assert_eq(registry_apply(registry, device, DEVICE_KIND_JT808, NULL, 0, 0, "clerk", NULL), STATUS_OK);
	cr_assert(registry_has(registry, device));
	cr_assert_eq(registry_count(registry), 1);
	cr_assert_eq(registry_class(registry, device, 0), DEVICE_CLASS_OTHER);
	struct device copy;
	cr_assert_eq(registry_device(registry, device, &copy), STATUS_OK);
	cr_assert_eq(copy.kind, DEVICE_KIND_JT808);
	cr_assert_eq(copy.binding_count, 0);
	cr_assert(copy.created_ms > 0);
	device_deinit(&copy);
}

Test(registry, a_change_holds_from_its_instant_on)
{
	uint64_t device = truck("1");
	cr_assert_eq(say(device, DEVICE_FIELD_COMPANY, "泉运", 1000), STATUS_OK);
	cr_assert_eq(say(device, DEVICE_FIELD_COMPANY, "通港", 2000), STATUS_OK);
	assert_value(device, DEVICE_FIELD_COMPANY, 999, NULL);
	assert_value(device, DEVICE_FIELD_COMPANY, 1000, "泉运");
	assert_value(device, DEVICE_FIELD_COMPANY, 1999, "泉运");
	assert_value(device, DEVICE_FIELD_COMPANY, 2000, "通港");
	assert_value(device, DEVICE_FIELD_COMPANY, INT64_MAX, "通港");
	assert_value(device, DEVICE_FIELD_VILLAGE, 2000, NULL);
}

Test(registry, a_change_in_the_past_splits_what_was_open_then)
{
	uint64_t device = truck("1");
	cr_assert_eq(say(device, DEVICE_FIELD_CLASS, "muck", VALID_ALWAYS_FROM), STATUS_OK);
	cr_assert_eq(say(device, DEVICE_FIELD_CLASS, "truck", 3000), STATUS_OK);
	cr_assert_eq(say(device, DEVICE_FIELD_CLASS, "危险货物运输车", 2000), STATUS_OK);
	cr_assert_eq(registry_class(registry, device, INT64_MIN), DEVICE_CLASS_MUCK_TRUCK);
	cr_assert_eq(registry_class(registry, device, 1999), DEVICE_CLASS_MUCK_TRUCK);
	cr_assert_eq(registry_class(registry, device, 2999), DEVICE_CLASS_HAZMAT);
	cr_assert_eq(registry_class(registry, device, 3000), DEVICE_CLASS_TRUCK);
}

Test(registry, an_empty_value_ends_a_binding)
{
	uint64_t device = truck("1");
	cr_assert_eq(say(device, DEVICE_FIELD_DRIVER, "王五", 1000), STATUS_OK);
	cr_assert_eq(say(device, DEVICE_FIELD_DRIVER, " ", 2000), STATUS_OK);
	cr_assert_eq(say(device, DEVICE_FIELD_DRIVER, "赵六", 3000), STATUS_OK);
	assert_value(device, DEVICE_FIELD_DRIVER, 1999, "王五");
	assert_value(device, DEVICE_FIELD_DRIVER, 2500, NULL);
	assert_value(device, DEVICE_FIELD_DRIVER, 3000, "赵六");
	struct device copy;
	cr_assert_eq(registry_device(registry, device, &copy), STATUS_OK);
	cr_assert_eq(copy.binding_count, 2);
	cr_assert_eq(copy.bindings[0].valid_from_ms, 1000);
	cr_assert_eq(copy.bindings[0].valid_to_ms, 2000);
	cr_assert_eq(copy.bindings[1].valid_to_ms, VALID_FOREVER);
	cr_assert_str_eq(copy.bindings[1].value, "赵六");
	cr_assert_str_eq(copy.bindings[1].principal, "clerk");
	device_deinit(&copy);
}

/* --- names --- */

Test(registry, a_plate_names_the_device_that_had_it_then)
{
	uint64_t old = truck("1"), new = truck("2");
	cr_assert_eq(say(old, DEVICE_FIELD_PLATE, "2:闽C12345", 1000), STATUS_OK);
	cr_assert_eq(say(old, DEVICE_FIELD_PLATE, "", 2000), STATUS_OK);
	cr_assert_eq(say(new, DEVICE_FIELD_PLATE, "2:闽C12345", 2000), STATUS_OK);
	cr_assert_eq(found(DEVICE_FIELD_PLATE, "2:闽C12345", 999), 0);
	cr_assert_eq(found(DEVICE_FIELD_PLATE, "黄色:闽c·12345", 1000), old);
	cr_assert_eq(found(DEVICE_FIELD_PLATE, "2:闽C12345", 1999), old);
	cr_assert_eq(found(DEVICE_FIELD_PLATE, "2:闽C12345", 2000), new);
	cr_assert_eq(found(DEVICE_FIELD_PLATE, "1:闽C12345", 2000), 0, "a blue plate is another plate");
	cr_assert_eq(found(DEVICE_FIELD_COMPANY, "泉运", 2000), 0, "a company names no one device");
}

Test(registry, a_unique_value_has_one_device_at_any_instant)
{
	uint64_t first = truck("1"), second = truck("2");
	cr_assert_eq(say(first, DEVICE_FIELD_SIM, "8986A", 1000), STATUS_OK);
	cr_assert_eq(say(second, DEVICE_FIELD_SIM, "8986a", 5000), STATUS_CONFLICT);
	cr_assert_eq(conflict, first);
	cr_assert_eq(say(second, DEVICE_FIELD_SIM, "8986A", 500), STATUS_CONFLICT, "it would reach into 1000");
	cr_assert_not(registry_has(registry, second), "a refused change makes nothing");
	cr_assert_eq(say(second, DEVICE_FIELD_SIM, "8986B", 1000), STATUS_OK);
	cr_assert_eq(say(second, DEVICE_FIELD_SIM, "8986A", 500), STATUS_OK, "it ends at 1000, where B begins");
	cr_assert_eq(found(DEVICE_FIELD_SIM, "8986A", 999), second);
	cr_assert_eq(found(DEVICE_FIELD_SIM, "8986A", 1000), first);
}

Test(registry, changes_of_one_call_are_all_made_or_none)
{
	uint64_t first = truck("1"), second = truck("2");
	cr_assert_eq(say(first, DEVICE_FIELD_PLATE, "1:闽C1", 0), STATUS_OK);
	struct registry_change changes[] = {{DEVICE_FIELD_COMPANY, span_of_string("泉运")},
					    {DEVICE_FIELD_CLASS, span_of_string("coach")},
					    {DEVICE_FIELD_PLATE, span_of_string("1:闽C1")}};
	cr_assert_eq(registry_apply(registry, second, DEVICE_KIND_JT808, changes, 3, 0, "clerk", NULL),
		     STATUS_CONFLICT);
	cr_assert_eq(registry_count(registry), 1);
	changes[2].value = span_of_string("1:闽C2");
	cr_assert_eq(registry_apply(registry, second, DEVICE_KIND_JT808, changes, 3, 0, "clerk", NULL), STATUS_OK);
	cr_assert_eq(registry_class(registry, second, 0), DEVICE_CLASS_COACH);
	cr_assert_eq(found(DEVICE_FIELD_PLATE, "1:闽C2", 0), second);
}

Test(registry, a_refused_change_changes_nothing)
{
	uint64_t device = truck("1");
	char text[DEVICE_VALUE_MAX + 2] = {0};
	memset(text, 'x', DEVICE_VALUE_MAX + 1);
	cr_assert_eq(say(device, DEVICE_FIELD_CLASS, "hovercraft", 0), STATUS_OUT_OF_RANGE);
	cr_assert_eq(say(device, DEVICE_FIELD_METROLOGY_DUE, "2026-02-30", 0), STATUS_OUT_OF_RANGE);
	cr_assert_eq(say(device, DEVICE_FIELD_NOTE, text, 0), STATUS_TOO_LONG);
	cr_assert_eq(say(device, DEVICE_FIELD_NOTE, "\xff", 0), STATUS_MALFORMED);
	cr_assert_eq(say(device, DEVICE_FIELD_COUNT, "x", 0), STATUS_INVALID);
	cr_assert_eq(say(0, DEVICE_FIELD_NOTE, "x", 0), STATUS_INVALID);
	cr_assert_eq(registry_apply(registry, device, DEVICE_KIND_JT808, NULL, 0, 0, "", NULL), STATUS_INVALID);
	cr_assert_eq(registry_count(registry), 0);
	cr_assert_eq(say(device, DEVICE_FIELD_NOTE, "x", 0), STATUS_OK);
	cr_assert_eq(registry_apply(registry, device, DEVICE_KIND_AIS, NULL, 0, 0, "clerk", NULL), STATUS_INVALID,
		     "a device keeps its kind");
}

/* --- history and reopening --- */

struct story {
	char text[1024];
};

static enum status tell(void *context, const struct registry_event *e)
{
	struct story *s = context;
	size_t at = strlen(s->text);
	snprintf(s->text + at, sizeof s->text - at, "%u %s %ld '%.*s' was '%.*s' by %.*s\n", e->number,
		 device_field_token(e->field), (long)e->from_ms, (int)e->value.size, e->value.data,
		 (int)e->previous.size, e->previous.data, (int)e->principal.size, e->principal.data);
	return e->changed_ms > 0 ? STATUS_OK : STATUS_CORRUPT;
}

Test(registry, every_change_is_kept_as_it_was_said)
{
	uint64_t device = truck("1");
	struct story s = {""};
	cr_assert_eq(say(device, DEVICE_FIELD_NAME, "甲", 10), STATUS_OK);
	cr_assert_eq(say(device, DEVICE_FIELD_NAME, "甲", 20), STATUS_OK, "nothing new");
	cr_assert_eq(say(device, DEVICE_FIELD_NAME, "乙", 10), STATUS_OK, "a correction");
	cr_assert_eq(say(device, DEVICE_FIELD_NAME, "", 30), STATUS_OK);
	cr_assert_eq(say(truck("2"), DEVICE_FIELD_NAME, "丙", 30), STATUS_OK);
	close_both();
	open_both();
	cr_assert_eq(say(device, DEVICE_FIELD_NOTE, "n", 40), STATUS_OK);
	cr_assert_eq(registry_history(registry, device, tell, &s), STATUS_OK);
	cr_assert_str_eq(s.text, "1 name 10 '甲' was '' by clerk\n"
				 "2 name 10 '乙' was '甲' by clerk\n"
				 "3 name 30 '' was '乙' by clerk\n"
				 "4 note 40 'n' was '' by clerk\n");
}

Test(registry, opens_again_as_it_was)
{
	char phone[16];
	for (int i = 0; i < 300; i++) {
		snprintf(phone, sizeof phone, "139%08d", i);
		cr_assert_eq(say(truck(phone), DEVICE_FIELD_PHONE, phone, VALID_ALWAYS_FROM), STATUS_OK);
	}
	close_both();
	open_both();
	cr_assert_eq(registry_count(registry), 300);
	for (int i = 0; i < 300; i++) {
		snprintf(phone, sizeof phone, "0139%08d", i);
		cr_assert_eq(found(DEVICE_FIELD_PHONE, phone, 0), truck(phone + 1));
	}
}

Test(registry, lists_ids_in_order_page_by_page)
{
	char phone[16];
	uint64_t page[7], after = 0;
	size_t n, total = 0;
	for (int i = 0; i < 100; i++) {
		snprintf(phone, sizeof phone, "%d", i);
		cr_assert_eq(registry_apply(registry, truck(phone), DEVICE_KIND_JT808, NULL, 0, 0, "clerk", NULL),
			     STATUS_OK);
	}
	while ((n = registry_list(registry, after, page, 7)) != 0) {
		for (size_t i = 0; i < n; i++) {
			cr_assert(page[i] > after);
			after = page[i];
		}
		total += n;
	}
	cr_assert_eq(total, 100);
}

Test(registry, a_damaged_row_is_named_and_not_swallowed)
{
	uint8_t key[8], torn[] = {1, 1, 0, 1, 1, 5};
	store_be64(key, truck("1"));
	struct store_batch *batch;
	cr_assert_eq(store_batch_new(store, &batch), STATUS_OK);
	store_batch_put(batch, STORE_DEVICE, span_of(key, 8), span_of(torn, sizeof torn));
	cr_assert_eq(store_commit(store, batch, true), STATUS_OK);
	struct registry *other = NULL;
	cr_assert_eq(registry_open(store, &other), STATUS_CORRUPT);
	torn[0] = 9;
	store_batch_put(batch, STORE_DEVICE, span_of(key, 8), span_of(torn, sizeof torn));
	cr_assert_eq(store_commit(store, batch, true), STATUS_OK);
	cr_assert_eq(registry_open(store, &other), STATUS_BAD_VERSION);
	store_batch_free(batch);
}

/* --- threads --- */

static _Atomic bool stop;
static _Atomic uint64_t reads;

static void *read_on(void *arg)
{
	uint64_t device = truck("1");
	(void)arg;
	while (!atomic_load(&stop)) {
		char value[DEVICE_VALUE_MAX + 1], plate[DEVICE_VALUE_MAX + 1];
		if (registry_value(registry, device, DEVICE_FIELD_NOTE, 0, value) == STATUS_OK &&
		    registry_value(registry, device, DEVICE_FIELD_NAME, 0, plate) == STATUS_OK)
			cr_assert(atoi(plate) >= atoi(value), "both of one change are seen, or newer ones");
		atomic_fetch_add(&reads, 1);
	}
	return NULL;
}

Test(registry, readers_see_whole_changes_while_it_grows)
{
	pthread_t threads[2];
	for (int i = 0; i < 2; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, read_on, NULL), 0);
	for (int i = 0; i < 1500; i++) {
		char text[16];
		snprintf(text, sizeof text, "%d", i);
		struct registry_change changes[] = {{DEVICE_FIELD_NOTE, span_of_string(text)},
						    {DEVICE_FIELD_NAME, span_of_string(text)}};
		cr_assert_eq(registry_apply(registry, truck("1"), DEVICE_KIND_JT808, changes, 2, 0, "clerk", NULL),
			     STATUS_OK);
		cr_assert_eq(say(truck(text), DEVICE_FIELD_PHONE, text, 0), STATUS_OK);
	}
	while (atomic_load(&reads) < 1000)
		sched_yield();
	atomic_store(&stop, true);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	cr_assert_eq(registry_count(registry), 1500);
}

/* --- a source and its vehicle --- */

/* The terminal of a coach, and the same coach as platform 1001 forwards it. */
static uint64_t coach, forwarded;

static void make_coach(void)
{
	struct registry_change change = {DEVICE_FIELD_VEHICLE, span_of_string("黄:闽c·12345")};
	coach = truck("13800000001");
	forwarded = device_id_jt809(1001, "2:闽C12345");
	cr_assert_eq(say(coach, DEVICE_FIELD_PLATE, "2:闽C12345", 1000), STATUS_OK);
	cr_assert_eq(say(coach, DEVICE_FIELD_CLASS, "coach", 2000), STATUS_OK);
	cr_assert_eq(registry_apply(registry, forwarded, DEVICE_KIND_JT809, &change, 1, 500, "x", NULL), STATUS_OK);
}

Test(registry, a_source_has_what_is_said_of_its_vehicle)
{
	make_coach();
	assert_value(forwarded, DEVICE_FIELD_CLASS, 1999, NULL);
	assert_value(forwarded, DEVICE_FIELD_CLASS, 2000, "coach");
	cr_expect_eq(registry_class(registry, forwarded, 2000), DEVICE_CLASS_COACH);
	assert_value(forwarded, DEVICE_FIELD_PLATE, 600, "2:闽C12345");
	assert_value(forwarded, DEVICE_FIELD_PHONE, 2000, NULL);
}

Test(registry, what_a_source_says_itself_stands)
{
	struct registry_change change = {DEVICE_FIELD_CLASS, span_of_string("hazmat")};
	make_coach();
	cr_assert_eq(registry_apply(registry, forwarded, DEVICE_KIND_JT809, &change, 1, 3000, "x", NULL), STATUS_OK);
	assert_value(forwarded, DEVICE_FIELD_CLASS, 2999, "coach");
	assert_value(forwarded, DEVICE_FIELD_CLASS, 3000, "hazmat");
}

Test(registry, the_vehicle_of_a_source_is_who_has_the_plate_then)
{
	uint64_t other = truck("13800000002");
	make_coach();
	cr_assert_eq(say(other, DEVICE_FIELD_CLASS, "muck", 1000), STATUS_OK);
	cr_assert_eq(say(coach, DEVICE_FIELD_PLATE, "", 5000), STATUS_OK);
	cr_assert_eq(say(other, DEVICE_FIELD_PLATE, "2:闽C12345", 6000), STATUS_OK);
	close_both();
	open_both();
	assert_value(forwarded, DEVICE_FIELD_CLASS, 4999, "coach");
	assert_value(forwarded, DEVICE_FIELD_CLASS, 5500, NULL);
	assert_value(forwarded, DEVICE_FIELD_CLASS, 6000, "muck");
	struct registry_span spans[4];
	cr_expect_eq(registry_spans(registry, DEVICE_FIELD_PLATE, span_of_string("2:闽C12345"), spans, 4), 2);
	uint64_t sources[2];
	cr_expect_eq(registry_sources(registry, coach, sources, 2), 1);
	cr_expect_eq(sources[0], forwarded);
	cr_expect_eq(registry_sources(registry, other, sources, 2), 1);
}

Test(registry, one_plate_in_two_colours_is_two_vehicles)
{
	uint64_t blue = truck("13800000002");
	make_coach();
	cr_assert_eq(say(blue, DEVICE_FIELD_PLATE, "1:闽C12345", 1000), STATUS_OK);
	cr_assert_eq(say(blue, DEVICE_FIELD_CLASS, "muck", 1000), STATUS_OK);
	assert_value(forwarded, DEVICE_FIELD_CLASS, 2000, "coach");
	cr_expect_neq(device_id_jt809(1001, "1:闽C12345"), forwarded);
	uint64_t sources[2];
	cr_expect_eq(registry_sources(registry, blue, sources, 2), 0);
}
