/* The rules shipped with the program: the ids that others name, the law they stand on, the rows they answer.
 *
 * tests/golden/rules/default.table is their table, looked over by hand when it was made; `zayton rules show` prints it.
 */
#include <criterion/criterion.h>
#include <stdio.h>

#include "engine/detect/authority.h"
#include "unit/detect/rules_rig.h"

static struct rules_read shipped(void)
{
	struct rules_read r = rules_read(rules_default());
	cr_assert_eq(r.status, STATUS_OK, "default.rules:%s", (char *)r.mistakes.data);
	return r;
}

static const char *const ids[] = {
	"overspeed-zone",
	"overspeed-zone-live",
	"overspeed-zone-20",
	"overspeed-hazmat",
	"overspeed-coach-night",
	"overspeed-muck",
	"overspeed-school",
	"fatigue-continuous",
	"fatigue-passenger",
	"hazmat-water-source",
	"hazmat-bay-bridge",
	"coach-2-to-5",
	"closed-road",
	"rail-zone-works",
	"outside-home",
	"off-route",
	"off-hours",
	"dumping",
	"uncovered",
	"fire-lane-stand",
	"no-stop",
	"section-speed",
	"gap-displacement",
	"silent",
	"no-fix-moving",
	"frozen-position",
	"antenna-shielded",
	"antenna-alarm",
	"power-cut",
	"emergency",
	"dsm-phone",
	"dsm-smoking",
	"dsm-fatigue",
	"dsm-distracted",
	"dsm-absent",
	"adas",
	"tpms",
	"bsd",
	"metrology-expired",
	"inspection-expired",
	"scrap-expired",
	"business-expired",
	"no-video",
	"unregistered-at-site",
	"two-places",
	"speed-recorder",
	"weigh-detour",
	"convoy",
	"patrol",
	"fire-electric-current",
	"fire-electric-current-a",
	"fire-electric-heat",
	"fire-alarm",
	"fire-alarm-unanswered",
	"fire-fault",
	"fire-test",
	"fire-power-lost",
	"duty-unanswered",
	"hydrant-pressure",
	"fire-tank-level",
	"hydrant-opened",
	"charger-heat",
	"charger-power",
	"charger-heating",
	"fire-monitor-silent",
	"water-turbidity",
	"water-chlorine",
	"water-ph-low",
	"water-ph-high",
	"sewage-over-permit",
	"sewage-stuck",
	"value-out-of-range",
	"mains-night-flow",
	"flood-point",
	"pump-power",
	"rain-blue",
	"rain-yellow",
	"rain-orange",
	"rain-red",
	"rain-hour",
	"rain-day",
	"rain-flash-flood",
	"reservoir-level",
	"slope-rate",
	"slope-tangent-80",
	"tank-hh",
	"tank-h",
	"tank-l",
	"tank-ll",
	"tank-silent",
	"stock-over-licence",
	"gas-high",
	"gas-high-high",
	"waste-over-a-year",
	"waste-soon-a-year",
	"scale-silent",
	"scale-drift",
	"dark-notice",
	"dark-alarm",
	"dark-case",
	"dark-register",
	"dark-high-risk",
	"dark-in-port",
	"ais-off",
	"port-shielding",
	"port-report-missing",
	"port-crossing-missing",
	"sailed-in-ban",
	"not-back",
	"over-wind",
	"passenger-ban",
	"out-of-licence",
	"out-of-navigation",
	"moratorium-south",
	"moratorium-north",
	"moratorium-north-early",
	"moratorium-north-stow",
	"lane-crossed",
	"lane-anchored",
	"sensitive-approach",
	"sensitive-entered",
	"no-vessel",
	"sand-zone-loiter",
	"sand-unlicensed-wharf",
	"rail-bridge-reach",
	"bridge-zone-stop",
	"bridge-zone-speed",
	"anchor-drag",
	"laid-up-moved",
	"over-crew",
	"survey-expired",
	"licence-expired",
	"nationality-expired",
	"position-jump",
	"collision-risk",
	"encounter-at-sea",
	"two-codes-one-boat",
	"one-code-two-boats",
	"static-data-differs",
	"crew-differs",
	"loitering-at-sea",
	"over-gust",
	"out-in-fog",
	"beacon-off-ais-on",
	"beacon-off-case",
	"ais-off-beacon-on",
	"sources-apart",
	"code-changed",
	"formation-broken",
};
#define IDS (sizeof ids / sizeof *ids)

Test(rules_default, are_these)
{
	struct rules_read r = shipped();
	cr_expect_eq(r.book->count, IDS);
	for (size_t i = 0; i < IDS; i++)
		cr_expect_not_null(rulebook_find(r.book, ids[i]), "no rule %s", ids[i]);
	rules_read_deinit(&r);
}

Test(rules_default, every_kind_is_used)
{
	struct rules_read r = shipped();
	bool used[RULE_KIND_COUNT] = {false};
	for (uint32_t i = 0; i < r.book->count; i++)
		used[r.book->rules[i].kind] = true;
	for (unsigned kind = 1; kind < RULE_KIND_COUNT; kind++)
		cr_expect(used[kind] || !rule_kind_exists(kind), "no rule of kind %s", rule_kind_token(kind));
	rules_read_deinit(&r);
}

Test(rules_default, a_sample_says_so_in_its_source_and_everyone_has_an_authority)
{
	struct rules_read r = shipped();
	for (uint32_t i = 0; i < r.book->count; i++) {
		const struct rule *rule = &r.book->rules[i];
		bool says_so = strstr(rule->source, "示例政策 sample policy") == rule->source;
		cr_expect_eq(rule->sample, says_so, "%s", rule->id);
		cr_expect_str_neq(rule->authority, "", "%s", rule->id);
		struct span list = span_of_string(rule->authority), name;
		while (authority_next(&list, &name))
			cr_expect_neq(authority_find(name), AUTHORITY_COUNT, "%s: %.*s is in no table", rule->id,
				      (int)name.size, (const char *)name.data);
	}
	rules_read_deinit(&r);
}

Test(rules_default, the_numbers_of_the_law_are_held)
{
	struct rules_read r = shipped();
	const struct rule *hazmat = rulebook_find(r.book, "overspeed-hazmat");
	const struct rule *coach = rulebook_find(r.book, "overspeed-coach-night");
	const struct rule *tired = rulebook_find(r.book, "fatigue-passenger");
	const struct rule *truck = rulebook_find(r.book, "fatigue-continuous");
	const struct rule *cover = rulebook_find(r.book, "uncovered");
	cr_expect_eq(hazmat->params[PARAM_OVERSPEED_LIMIT], 800);
	cr_expect_eq(hazmat->classes, 1u << DEVICE_CLASS_HAZMAT);
	cr_expect_eq(coach->params[PARAM_OVERSPEED_LIMIT] * coach->params[PARAM_OVERSPEED_PERCENT], 80000);
	cr_expect_eq(tired->params[PARAM_FATIGUE_CONTINUOUS], 4 * 3600000);
	cr_expect_eq(tired->params[PARAM_FATIGUE_REST], 20 * 60000);
	cr_expect_eq(tired->params[PARAM_FATIGUE_NIGHT], 2 * 3600000);
	cr_expect_eq(tired->params[PARAM_FATIGUE_NIGHT_HOURS], INT64_C(79200) << 32 | 21600);
	cr_expect_eq(tired->params[PARAM_FATIGUE_DAY], 8 * 3600000);
	cr_expect_eq(tired->params[PARAM_FATIGUE_WEEK], 44 * 3600000);
	cr_expect_eq(truck->params[PARAM_FATIGUE_CONTINUOUS], 4 * 3600000);
	cr_expect(truck->params[PARAM_FATIGUE_NIGHT] == 0 && truck->params[PARAM_FATIGUE_WEEK] == 0);
	cr_expect_eq(cover->params[PARAM_COVER_LIMIT], 200);
	cr_expect_eq(rulebook_find(r.book, "antenna-alarm")->params[PARAM_ALARM_BITS_BITS], 0x70);
	cr_expect_eq(rulebook_find(r.book, "power-cut")->params[PARAM_ALARM_BITS_BITS], 0x180);
	rules_read_deinit(&r);
}

Test(rules_default, load_cover_and_lift_have_inputs)
{
	struct rules_read r = shipped();
	const struct rule_inputs *in = &r.book->inputs;
	cr_expect(in->load.known && in->load.bit_first == 8 && in->load.bit_last == 9);
	cr_expect(in->cover_open.item == 0xe1 && in->cover_open.byte == 1 && in->cover_open.mask == 1);
	cr_expect(in->lift_up.item == 0xe1 && in->lift_up.byte == 2 && in->lift_up.mask == 1);
	rules_read_deinit(&r);
}

Test(rules_default, print_as_the_golden_table)
{
	struct rules_read r = shipped();
	struct buf table = buf_init(1 << 20);
	char golden[65536];
	FILE *f = fopen(TESTS_DIR "/golden/rules/default.table", "rb");
	cr_assert_not_null(f);
	size_t size = fread(golden, 1, sizeof golden, f);
	fclose(f);
	cr_assert_eq(rulebook_table(r.book, &table), STATUS_OK);
	cr_expect(span_equal(buf_view(&table), span_of(golden, size)), "now:\n%.*s", (int)table.size,
		  (char *)table.data);
	buf_deinit(&table);
	rules_read_deinit(&r);
}

/* --- the rows of the requirements that must have a rule: core rows of A (vehicles), B (muck trucks), C (the sea: what
 * is about one boat), D (railway, mines, slopes), E (fire), F (water, weather, geology) and G (chemicals, waste).
 * `reason`: why a row needs none. ---
 */

static const struct {
	const char *row, *reason;
} rows[] = {
	{"A1", NULL},
	{"A3", NULL},
	{"A7", "a figure: rates of installation and being online"},
	{"A8", NULL},
	{"A9", NULL},
	{"A10", NULL},
	{"A11", NULL},
	{"A12", NULL},
	{"A13", NULL},
	{"A15", NULL},
	{"A17", NULL},
	{"A18", "a setting: every rule names its classes"},
	{"A19", NULL},
	{"A22", NULL},
	{"A23", NULL},
	{"A24", "weigh records, no track"},
	{"A25", "cases and their counters, made of findings"},
	{"A29", NULL},
	{"A32", "an interface"},
	{"A33", "a group of findings: speed, driving time, weight"},
	{"A37", "a report by quarter"},
	{"A39", "the hazard register: inspections, no track"},
	{"A41", "a ranking"},
	{"B1", "the view of the fleet"},
	{"B2", NULL},
	{"B3", "scores, made of findings"},
	{"B5", NULL},
	{"B6", "a field of the registry"},
	{"B7", NULL},
	{"B8", NULL},
	{"B9", NULL},
	{"B10", NULL},
	{"B11", NULL},
	{"B12", "links between cases"},
	{"B15", NULL},
	{"B16", "a ledger of trips into a site"},
	{"C1", NULL},
	{"C2", NULL},
	{"C4", NULL},
	{"C6", NULL},
	{"C7", NULL},
	{"C8", "a question to the archive: who was near at the time"},
	{"C9", NULL},
	{"C10", NULL},
	{"C11", NULL},
	{"C12", "four kinds of accident, a field of incidents"},
	{"C13", NULL},
	{"C15", NULL},
	{"C16", "a screen and its clocks"},
	{"C19", "dates of a campaign"},
	{"C21", "lists"},
	{"C22", "a count of boats in shelter"},
	{"C23", "warnings taken in: other rules judge by them"},
	{"C24", NULL},
	{"C26", NULL},
	{"C28", "a screen"},
	{"C29", NULL},
	{"C30", NULL},
	{"C31", NULL},
	{"D2", NULL},
	{"D5", NULL},
	{"D7", NULL},
	{"D8", NULL},
	{"D11", "calendar"},
	{"D12", "the hazard register"},
	{"D13", "reports by date"},
	{"E1", NULL},
	{"E2", NULL},
	{"E3", NULL},
	{"E4", NULL},
	{"E5", NULL},
	{"E7", NULL},
	{"E8", NULL},
	{"E9", "a table of the register"},
	{"E10", "progress, counted"},
	{"E15", "the hazard register"},
	{"E16", "a monthly table"},
	{"E18", "a map of what is active"},
	{"E19", "units of the registry"},
	{"E20", "codes of hazards"},
	{"E23", "reports by date"},
	{"F1", NULL},
	{"F2", NULL},
	{"F6", "a question of geometry"},
	{"F8", NULL},
	{"F9", NULL},
	{"F10", NULL},
	{"F11", NULL},
	{"F13", "a question of geometry"},
	{"F14", NULL},
	{"F15", "a layer"},
	{"F16", "hotspots and permits, neither a stream nor a track"},
	{"F17", NULL},
	{"F19", "a screen"},
	{"F20", "reports by date"},
	{"G1", "a question of geometry"},
	{"G2", NULL},
	{"G3", "a list of the registry"},
	{"G4", NULL},
	{"G5", NULL},
	{"G7", "the hazard register"},
	{"G8", NULL},
	{"G9", "manifests against tracks and scales"},
	{"G10", NULL},
	{"G13", "the hazard register"},
};

static bool says_row(const struct rule *rule, const char *row)
{
	size_t size = strlen(row);
	for (const char *at = rule->rows; (at = strstr(at, row)); at += size)
		if ((at == rule->rows || at[-1] == ' ') && (at[size] == ' ' || at[size] == '\0'))
			return true;
	return false;
}

static const struct rule *rule_for(const struct rulebook *b, const char *row)
{
	for (uint32_t i = 0; i < b->count; i++)
		if (says_row(&b->rules[i], row))
			return &b->rules[i];
	return NULL;
}

Test(rules_default, every_core_row_has_a_rule_or_a_reason)
{
	struct rules_read r = shipped();
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct rule *rule = rule_for(r.book, rows[i].row);
		if (!rows[i].reason)
			cr_expect_not_null(rule, "row %s has no rule", rows[i].row);
		else
			cr_expect_null(rule, "row %s: %s, and yet %s", rows[i].row, rows[i].reason,
				       rule ? rule->id : "");
	}
	rules_read_deinit(&r);
}
