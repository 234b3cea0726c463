#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/core/clock.h"
#include "engine/core/log.h"
#include "engine/fleet/weighing_tally.h"

#define NOW INT64_C(1767225612000) /* 2026-01-01 00:00:12 UTC */

static struct weighing record(const char *ticket, const char *plate, unsigned axles, uint32_t gross_kg)
{
	struct weighing w = {.time_ms = NOW - 1000, .received_ms = NOW, .axles = (uint8_t)axles, .gross_kg = gross_kg};
	snprintf(w.texts[WEIGHING_SITE], sizeof w.texts[0], "QUARRY");
	snprintf(w.texts[WEIGHING_TICKET], sizeof w.texts[0], "%s", ticket);
	snprintf(w.texts[WEIGHING_PLATE], sizeof w.texts[0], "%s", plate);
	snprintf(w.texts[WEIGHING_DRIVER], sizeof w.texts[0], "Chen");
	snprintf(w.texts[WEIGHING_HAULIER], sizeof w.texts[0], "Haul");
	return w;
}

Test(weighings, limits_are_those_of_the_regulation)
{
	static const struct {
		unsigned axles;
		bool is_train, single;
		uint32_t kg;
	} rows[] = {{2, false, false, 18000}, {2, true, false, 18000},  {3, false, false, 25000},
		    {3, true, false, 27000},  {4, false, false, 31000}, {4, true, false, 36000},
		    {5, true, false, 43000},  {5, false, false, 43000}, {6, true, false, 49000},
		    {6, true, true, 46000},   {8, true, false, 49000}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct weighing w = record("t", "2:A", rows[i].axles, rows[i].kg);
		w.is_train = rows[i].is_train;
		w.single_drive = rows[i].single;
		cr_expect_eq(weighing_limit_kg(&w), rows[i].kg, "row %zu", i);
		cr_expect_eq(weighing_over_kg(&w), 0, "the limit itself is kept");
		w.gross_kg++;
		cr_expect_eq(weighing_over_kg(&w), 1);
		cr_expect_eq(weighing_points(&w), 1);
		w.gross_kg = (uint32_t)((uint64_t)rows[i].kg * 13 / 10);
		cr_expect_eq(weighing_points(&w), 3, "thirty per cent exactly");
		w.gross_kg--;
		cr_expect_eq(weighing_points(&w), 1);
		w.gross_kg = rows[i].kg * 3 / 2;
		cr_expect_eq(weighing_points(&w), 6);
	}
}

Test(weighings, what_is_missing_or_cannot_be_is_named)
{
	const char *field;
	struct weighing w = record("t", "2:A", 2, 18000);
	cr_expect_eq(weighing_check(&w, &field), STATUS_OK);
	w.texts[WEIGHING_TICKET][0] = '\0';
	cr_expect_eq(weighing_check(&w, &field), STATUS_INVALID);
	cr_expect_str_eq(field, "ticket");
	w = record("t", "A12345", 2, 18000);
	cr_expect_eq(weighing_check(&w, &field), STATUS_INVALID);
	cr_expect_str_eq(field, "plate");
	w = record("t", "2:A", 1, 18000);
	cr_expect_eq(weighing_check(&w, &field), STATUS_OUT_OF_RANGE);
	w = record("t", "2:A", 2, 18000);
	w.tare_kg = 18000;
	cr_expect_eq(weighing_check(&w, &field), STATUS_OUT_OF_RANGE);
	cr_expect_str_eq(field, "tare_kg");
	w = record("t", "2:A", 2, 18000);
	w.time_ms = NOW + MS_PER_DAY + 1;
	cr_expect_eq(weighing_check(&w, &field), STATUS_OUT_OF_RANGE);
	cr_expect_str_eq(field, "time");
}

struct found {
	struct weighing list[16];
	struct weighing_place places[16];
	size_t count;
};

static enum status visit(void *context, const struct weighing_place *place, const struct weighing *w)
{
	struct found *f = context;
	f->places[f->count] = *place;
	f->list[f->count++] = *w;
	return STATUS_OK;
}

Test(weighings, a_ticket_is_one_record_also_after_a_restart)
{
	char dir[] = "/tmp/zayton-weighings-XXXXXX", command[96];
	struct store_options o = {.dir = dir, .create = true};
	struct store *s;
	struct found f = {0};
	enum weighing_outcome outcomes[3];
	log_set_level(LOG_ERROR);
	cr_assert_not_null(mkdtemp(dir));
	cr_assert_eq(store_open(&o, &s), STATUS_OK);
	struct weighing list[3] = {record("t1", "2:A", 2, 18000), record("t2", "2:B", 3, 26000),
				   record("t1", "2:A", 2, 18000)};
	list[0].tare_kg = 5000;
	list[2].tare_kg = 5000;
	list[2].received_ms += 5; /* sent again */
	cr_assert_eq(weighings_keep(s, list, 3, outcomes), STATUS_OK);
	cr_expect(outcomes[0] == WEIGHING_TAKEN && outcomes[1] == WEIGHING_TAKEN && outcomes[2] == WEIGHING_REPEATED);
	store_close(s);
	cr_assert_eq(store_open(&o, &s), STATUS_OK);
	list[1].gross_kg++;
	cr_assert_eq(weighings_keep(s, list, 2, outcomes), STATUS_OK);
	cr_expect(outcomes[0] == WEIGHING_REPEATED && outcomes[1] == WEIGHING_CONFLICT);
	cr_assert_eq(weighings_visit(s, NOW - 1000, NOW - 1000, NULL, visit, &f), STATUS_OK);
	cr_assert_eq(f.count, 2);
	list[1].gross_kg--;
	for (size_t i = 0; i < 2; i++) {
		const struct weighing *same = strcmp(f.list[i].texts[WEIGHING_TICKET], "t1") ? &list[1] : &list[0];
		cr_expect_eq(memcmp(&f.list[i], same, sizeof *same), 0, "kept as it was");
	}
	struct weighing_place first = f.places[0];
	f.count = 0;
	cr_assert_eq(weighings_visit(s, NOW - 1000, NOW, &first, visit, &f), STATUS_OK);
	cr_expect_eq(f.count, 1, "behind a place");
	f.count = 0;
	cr_assert_eq(weighings_visit(s, NOW - 999, NOW, NULL, visit, &f), STATUS_OK);
	cr_expect_eq(f.count, 0);
	store_close(s);
	snprintf(command, sizeof command, "rm -rf %s", dir);
	cr_assert_eq(system(command), 0);
}

static const struct weighing_subject *find(struct weighing_tally *t, unsigned kind, const char *name)
{
	const struct weighing_subject *const *list;
	size_t n = weighing_tally_subjects(t, &list);
	for (size_t i = 0; i < n; i++)
		if (list[i]->kind == kind && strcmp(list[i]->name, name) == 0)
			return list[i];
	return NULL;
}

Test(weighings, one_overload_counts_for_four_subjects)
{
	struct weighing_tally *t;
	cr_assert_eq(weighing_tally_new(&t), STATUS_OK);
	for (unsigned i = 0; i < 4; i++) {
		struct weighing w = record("t", "2:A", 2, 18001 + i);
		cr_assert_eq(weighing_tally_add(t, &w), STATUS_OK);
		const struct weighing_subject *vehicle = find(t, WEIGHING_SUBJECT_VEHICLE, "2:A");
		cr_expect_eq(weighing_subject_is_over(vehicle, 0), i == 3, "more than three times");
		cr_expect_eq(find(t, WEIGHING_SUBJECT_DRIVER_OF, "Chen")->overloads, i + 1);
		cr_expect_eq(find(t, WEIGHING_SUBJECT_SOURCE_OF, "QUARRY")->overloads, i + 1);
	}
	char plate[16];
	for (unsigned i = 0; i < 9; i++) {
		snprintf(plate, sizeof plate, "2:B%u", i);
		struct weighing w = record("t", plate, 2, 18000);
		cr_assert_eq(weighing_tally_add(t, &w), STATUS_OK);
	}
	const struct weighing_subject *haulier = find(t, WEIGHING_SUBJECT_HAULIER_OF, "Haul");
	cr_expect_eq(haulier->trucks, 10);
	cr_expect_eq(haulier->trucks_over, 1);
	cr_expect_not(weighing_subject_is_over(haulier, 0), "ten per cent are not more than ten");
	struct weighing w = record("t", "2:B0", 2, 18001);
	cr_assert_eq(weighing_tally_add(t, &w), STATUS_OK);
	haulier = find(t, WEIGHING_SUBJECT_HAULIER_OF, "Haul");
	cr_expect_eq(haulier->trucks_over, 2);
	cr_expect(weighing_subject_is_over(haulier, 0));
	cr_expect_not(weighing_subject_is_over(haulier, 20), "of all its trucks");
	cr_expect_null(find(t, WEIGHING_SUBJECT_VEHICLE, "2:B1"), "who kept the limit is not told");
	weighing_tally_free(t);
}

Test(weighings, a_year_before_is_the_same_day)
{
	int64_t at, before;
	cr_assert_eq(time_parse(span_of_string("2025-06-01T12:00:00+08:00"), 0, &at), STATUS_OK);
	cr_assert_eq(time_parse(span_of_string("2024-06-01T12:00:00+08:00"), 0, &before), STATUS_OK);
	cr_expect_eq(weighing_year_before(at), before);
	cr_assert_eq(time_parse(span_of_string("2024-02-29T00:30:00+08:00"), 0, &at), STATUS_OK);
	cr_assert_eq(time_parse(span_of_string("2023-02-28T00:30:00+08:00"), 0, &before), STATUS_OK);
	cr_expect_eq(weighing_year_before(at), before);
}
