/* A month of a township, end to end: violations of trucks and boats and alarms of sensors become hazards, people take
 * steps, deadlines pass, some come back. Every list and total is held against an oracle that knows only the history. */
#include <criterion/criterion.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/core/clock.h"
#include "engine/register/hazard_feed.h"
#include "query/export/book_hazards.h"
#include "query/export/township_tables.h"
#include "support/workbook_reader.h"

#define TRUCKS 12
#define BOATS 4
/* of March, and what comes after it */
#define DAYS 36
#define HAZARDS_MAX 400
/* 2026-03-01 00:00 in China */
#define MONTH INT64_C(1772294400000)

static char dir[64], path[100];
static struct engine *engine;
static struct hazards *hazards;
static struct hazard_feed *feed;
static uint64_t random_state;
static int64_t now_ms;

static uint64_t next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static const char policy_text[] =
	"{\"policies\": ["
	"{\"id\": \"speed\", \"kinds\": [\"overspeed\"], \"classes\": [\"muck\"], \"per\": \"plate\", \"count\": 2, "
	"\"within\": \"7 d\", \"grade\": \"general\", \"sector\": \"道路交通\", \"unit\": \"{company}\", "
	"\"supervisor\": \"区交警大队\", \"deadline_days\": 5, \"site\": \"{company}\", \"description\": \"反复超速\"},"
	"{\"id\": \"boat\", \"rules\": [\"boat-silent\"], \"classes\": [\"fishing\"], \"per\": \"plate\", \"grade\": "
	"\"larger\", \"sector\": \"渔业船舶\", \"unit\": \"{company}\", \"supervisor\": \"水产站\", \"deadline_days\": "
	"3, \"site\": \"{plate}\", \"description\": \"大风期间失联\"}]}";

static void no_mistake(void *context, const char *at, const char *text)
{
	(void)context;
	cr_assert_fail("%s: %s", at, text);
}

static void open_all(void)
{
	struct engine_options options = engine_options_default(dir);
	struct hazard_policy law = hazard_policy_default();
	struct feed_policies *policies;
	options.create = true;
	cr_assert_eq(engine_open(&options, &engine), STATUS_OK);
	cr_assert_eq(hazards_open(engine_store(engine), &law, &hazards), STATUS_OK);
	cr_assert_eq(feed_policies_parse(span_of_string(policy_text), no_mistake, NULL, &policies), STATUS_OK);
	cr_assert_eq(hazard_feed_new(engine, hazards, policies, &feed), STATUS_OK);
}

static void close_all(void)
{
	hazard_feed_free(feed);
	hazards_close(hazards);
	engine_close(engine);
}

static uint64_t device_of(unsigned i)
{
	return 0x1122334455660000u + 0x0001000000000000u * i + i;
}

static void name_devices(void)
{
	static const char *const companies[] = {"海湾运输", "宏达渣土", "白奇渔业合作社"};
	static const char *const villages[] = {"白奇", "里春", "莲埭", "后海", "下埭"};
	for (unsigned i = 0; i < TRUCKS + BOATS; i++) {
		char plate[40];
		bool boat = i >= TRUCKS;
		snprintf(plate, sizeof plate, boat ? "boat:闽惠渔0%04u" : "2:闽C1%04u", i);
		const struct registry_change changes[] = {
			{DEVICE_FIELD_PLATE, span_of_string(plate)},
			{DEVICE_FIELD_COMPANY, span_of_string(companies[boat ? 2 : i % 2])},
			{DEVICE_FIELD_VILLAGE, span_of_string(villages[i % 5])},
			{DEVICE_FIELD_CLASS, span_of_string(boat ? "fishing" : "muck")}};
		cr_assert_eq(registry_apply(engine_registry(engine), device_of(i), DEVICE_KIND_FILE, changes, 4,
					    VALID_ALWAYS_FROM, "test", NULL),
			     STATUS_OK);
	}
}

static int remove_entry(const char *at, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(at);
}

static void begin(void)
{
	const char *seed = getenv("ZAYTON_SEED");
	random_state = seed ? strtoull(seed, NULL, 10) : UINT64_C(0x9e3779b97f4a7c15);
	fprintf(stderr, "ZAYTON_SEED=%llu\n", (unsigned long long)random_state);
	strcpy(dir, "/tmp/zayton-month-XXXXXX");
	cr_assert(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/book.xlsx", dir);
	now_ms = MONTH;
	open_all();
	name_devices();
}

static void end(void)
{
	close_all();
	nftw(dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

TestSuite(register_month, .init = begin, .fini = end, .timeout = 300);

/* --- what happens --- */

static void violate(unsigned i)
{
	bool boat = i >= TRUCKS;
	struct told_finding t = {.decided = {now_ms, 7}};
	t.finding = (struct finding){.subject = device_of(i),
				     .device = device_of(i),
				     .kind = boat ? RULE_SILENT : RULE_OVERSPEED,
				     .confidence = CONFIDENCE_HIGH,
				     .start_ms = now_ms - 2000,
				     .end_ms = now_ms - 1000,
				     .found_ms = now_ms - 1000,
				     .start_lat_e7 = 249000000,
				     .start_lon_e7 = 1187200001};
	strcpy(t.finding.rule, boat ? "boat-silent" : "overspeed-muck");
	for (unsigned n = 0; n < FINDING_NUMBER_COUNT; n++)
		t.finding.numbers[n] = NUMBER_UNKNOWN;
	struct replacement r = {.subject = device_of(i),
				.stage = 1,
				.scope = REPLACE_TOLD,
				.keep_before_ms = INT64_MIN,
				.findings = &t,
				.finding_count = 1,
				.now_ms = now_ms};
	cr_assert_eq(findings_replace(engine_findings(engine), &r, NULL, NULL), STATUS_OK);
}

/* A step with up to eight fields; what the law refuses is fine here: the history says what was done. */
static enum status step(uint64_t id, unsigned step_, unsigned role, const char *name, const char *unit,
			const char *document, const struct hazard_change *changes, size_t count)
{
	struct hazard_outcome out;
	struct hazard_order o = {.step = (uint8_t)step_,
				 .id = id,
				 .at_ms = now_ms,
				 .actor = {.role = (uint8_t)role},
				 .note = span_of_string("说明"),
				 .changes = changes,
				 .change_count = count};
	o.document = document ? span_of_string(document) : o.document;
	snprintf(o.actor.name, sizeof o.actor.name, "%s", name);
	snprintf(o.actor.unit, sizeof o.actor.unit, "%s", unit);
	enum status status = hazards_step(hazards, &o, &out);
	cr_assert(status == STATUS_OK || status == STATUS_DENIED, "%s", status_text(status));
	return status;
}

static void alarm_of_sensor(unsigned i)
{
	char site[40], when[TIME_TEXT_MAX];
	time_format(now_ms, CHINA_OFFSET_MS, when);
	snprintf(site, sizeof site, "%u号仓库", i);
	const struct hazard_change changes[] = {{HAZARD_FIELD_SOURCE, span_of_string("sensor")},
						{HAZARD_FIELD_FOUND, span_of_string(when)},
						{HAZARD_FIELD_SITE, span_of_string(site)},
						{HAZARD_FIELD_COMPANY, span_of_string("海湾仓储")},
						{HAZARD_FIELD_VILLAGE, span_of_string("白奇")},
						{HAZARD_FIELD_SECTOR, span_of_string("消防")},
						{HAZARD_FIELD_DESCRIPTION, span_of_string("电气火灾报警无人处置")}};
	cr_assert_eq(step(0, HAZARD_STEP_FIND, HAZARD_ROLE_SYSTEM, "", "", NULL, changes, 7), STATUS_OK);
}

static void assign(uint64_t id, const struct hazard *h)
{
	char deadline[16];
	struct civil c;
	civil_from_ms(now_ms + CHINA_OFFSET_MS + (int64_t)(1 + next_random() % 6) * MS_PER_DAY, &c);
	snprintf(deadline, sizeof deadline, "%04d-%02u-%02u", c.year, c.month, c.day);
	struct span company = hazard_value(h, HAZARD_FIELD_COMPANY);
	const struct hazard_change changes[] = {{HAZARD_FIELD_UNIT, company},
						{HAZARD_FIELD_PERSON, span_of_string("陈责")},
						{HAZARD_FIELD_SUPERVISOR, span_of_string("企业服务中心")},
						{HAZARD_FIELD_DEADLINE, span_of_string(deadline)}};
	step(id, HAZARD_STEP_ASSIGN, HAZARD_ROLE_OFFICE, "林安", "乡安办", NULL, changes, 4);
}

static void take_on(uint64_t id, const struct hazard *h)
{
	static const struct hazard_change registered[] = {{HAZARD_FIELD_SITE, {(const uint8_t *)"现场", 6}},
							  {HAZARD_FIELD_GRADE, {(const uint8_t *)"general", 7}},
							  {HAZARD_FIELD_SECTOR, {(const uint8_t *)"消防", 6}}};
	static const struct hazard_change measures[] = {{HAZARD_FIELD_MEASURES, {(const uint8_t *)"整改", 6}}};
	char company[64];
	struct span name = hazard_value(h, HAZARD_FIELD_COMPANY);
	snprintf(company, sizeof company, "%.*s", (int)name.size, (const char *)name.data);
	bool sensor = h->source == HAZARD_SOURCE_SENSOR;
	switch ((enum hazard_state)h->state) {
	case HAZARD_FOUND:
		step(id, HAZARD_STEP_REGISTER, HAZARD_ROLE_OFFICE, "林安", "乡安办", NULL, registered, sensor ? 3 : 0);
		break;
	case HAZARD_REGISTERED:
		assign(id, h);
		break;
	case HAZARD_ASSIGNED:
		step(id, HAZARD_STEP_START, HAZARD_ROLE_ENTERPRISE, "陈责", company, NULL, NULL, 0);
		break;
	case HAZARD_RECTIFYING:
		step(id, HAZARD_STEP_APPLY, HAZARD_ROLE_ENTERPRISE, "陈责", company, NULL, measures, 1);
		break;
	case HAZARD_APPLIED:
		step(id, next_random() % 5 ? HAZARD_STEP_ACCEPT : HAZARD_STEP_RETURN, HAZARD_ROLE_CLERK, "王验",
		     "企业服务中心", NULL, NULL, 0);
		break;
	case HAZARD_ACCEPTED:
		step(id, HAZARD_STEP_CLOSE, HAZARD_ROLE_OFFICE, "林安", "乡安办", NULL, NULL, 0);
		break;
	case HAZARD_CLOSED:
		if (next_random() % 6 == 0)
			step(id, HAZARD_STEP_RELAPSE, HAZARD_ROLE_OFFICE, "林安", "乡安办", NULL, NULL, 0);
		break;
	case HAZARD_VOID:
	case HAZARD_STATE_COUNT:
		break;
	}
}

/* What happens beside the way. */
static void sidestep(uint64_t id)
{
	switch (next_random() % 12) {
	case 0:
		step(id, HAZARD_STEP_HAND_OVER, HAZARD_ROLE_OFFICE, "林安", "乡安办", "执1", NULL, 0);
		break;
	case 1:
		step(id, HAZARD_STEP_ACCOUNT, HAZARD_ROLE_OFFICE, "林安", "乡安办", "问1", NULL, 0);
		break;
	case 2:
		if (next_random() % 4 == 0)
			step(id, HAZARD_STEP_VOID, HAZARD_ROLE_OFFICE, "林安", "乡安办", NULL, NULL, 0);
		break;
	case 3: {
		const struct hazard_change later[] = {{HAZARD_FIELD_DEADLINE, span_of_string("2026-04-02")}};
		step(id, HAZARD_STEP_EXTEND, HAZARD_ROLE_OFFICE, "林安", "乡安办", NULL, later, 1);
		break;
	}
	case 4: /* never lawful: an enterprise does not close, police neither */
		cr_assert_eq(step(id, HAZARD_STEP_CLOSE, HAZARD_ROLE_ENTERPRISE, "陈责", "海湾仓储", NULL, NULL, 0),
			     STATUS_DENIED);
		cr_assert_eq(step(id, HAZARD_STEP_CLOSE, HAZARD_ROLE_POLICE, "警", "区交警大队", NULL, NULL, 0),
			     STATUS_DENIED);
		break;
	default:
		break;
	}
}

static void live_a_day(unsigned day)
{
	for (unsigned hour = 0; hour < 24; hour += 3) {
		now_ms = MONTH + (int64_t)day * MS_PER_DAY + hour * MS_PER_HOUR + (int64_t)(next_random() % 3600000);
		if (next_random() % 2)
			violate((unsigned)(next_random() % (TRUCKS + BOATS)));
		if (next_random() % 10 == 0)
			alarm_of_sensor((unsigned)(next_random() % 9));
		now_ms += 1000;
		cr_assert_eq(hazard_feed_run(feed, now_ms), STATUS_OK);
		for (uint64_t id = 1; id <= hazards_count(hazards); id++) {
			struct hazard h;
			now_ms += 10;
			if (next_random() % 4)
				continue;
			cr_assert_eq(hazards_get(hazards, id, &h), STATUS_OK);
			take_on(id, &h);
			hazard_deinit(&h);
			sidestep(id);
		}
	}
}

/* --- the oracle: a model of its own, told the events one by one --- */

struct model {
	unsigned state, grade, source, relapses;
	bool exists, handed_over, accountable;
	int32_t deadline, applied, found;
	char village[64], sector[64], company[64];
};
static struct model all[HAZARDS_MAX + 1];
static unsigned count;

static void model_field(struct model *m, const struct hazard_change *c)
{
	char text[64];
	int64_t found;
	uint8_t code = 0;
	snprintf(text, sizeof text, "%.*s", (int)c->value.size, (const char *)c->value.data);
	switch ((enum hazard_field)c->field) {
	case HAZARD_FIELD_DEADLINE:
		cr_assert_eq(hazard_day_parse(c->value, &m->deadline), STATUS_OK);
		break;
	case HAZARD_FIELD_FOUND:
		cr_assert_eq(time_parse(c->value, 0, &found), STATUS_OK);
		m->found = (int32_t)((found + CHINA_OFFSET_MS) / MS_PER_DAY);
		break;
	case HAZARD_FIELD_GRADE:
		m->grade = !strcmp(text, "general") ? HAZARD_GRADE_GENERAL : HAZARD_GRADE_LARGER;
		break;
	case HAZARD_FIELD_SOURCE:
		cr_assert_eq(hazard_parse(HAZARD_TABLE_SOURCE, c->value, &code), STATUS_OK);
		m->source = code;
		break;
	case HAZARD_FIELD_VILLAGE:
		snprintf(m->village, sizeof m->village, "%s", text);
		break;
	case HAZARD_FIELD_SECTOR:
		snprintf(m->sector, sizeof m->sector, "%s", text);
		break;
	case HAZARD_FIELD_COMPANY:
		snprintf(m->company, sizeof m->company, "%s", text);
		break;
	default:
		break;
	}
}

static void model_step(struct model *m, const struct hazard_event *e)
{
	static const uint8_t goes_to[HAZARD_STEP_COUNT] = {
		[HAZARD_STEP_REGISTER] = HAZARD_REGISTERED + 1, [HAZARD_STEP_ASSIGN] = HAZARD_ASSIGNED + 1,
		[HAZARD_STEP_START] = HAZARD_RECTIFYING + 1,    [HAZARD_STEP_APPLY] = HAZARD_APPLIED + 1,
		[HAZARD_STEP_ACCEPT] = HAZARD_ACCEPTED + 1,     [HAZARD_STEP_CLOSE] = HAZARD_CLOSED + 1,
		[HAZARD_STEP_VOID] = HAZARD_VOID + 1,           [HAZARD_STEP_RELAPSE] = HAZARD_REGISTERED + 1};
	if (e->step == HAZARD_STEP_RETURN)
		m->state = m->state == HAZARD_ASSIGNED ? HAZARD_REGISTERED : HAZARD_RECTIFYING;
	else if (goes_to[e->step])
		m->state = goes_to[e->step] - 1u;
	if (e->step == HAZARD_STEP_RELAPSE) {
		m->relapses++;
		m->deadline = HAZARD_DAY_NONE;
	}
	if (e->step == HAZARD_STEP_APPLY)
		m->applied = (int32_t)((e->at_ms + CHINA_OFFSET_MS) / MS_PER_DAY);
	m->handed_over |= e->step == HAZARD_STEP_HAND_OVER;
	m->accountable |= e->step == HAZARD_STEP_ACCOUNT;
}

struct until {
	int64_t at_ms;
};

static enum status tell_model(void *context, uint64_t id, const struct hazard_event *e,
			      const uint8_t digest[HAZARD_DIGEST_SIZE])
{
	const struct until *u = context;
	(void)digest;
	cr_assert_leq(id, HAZARDS_MAX);
	if (e->at_ms > u->at_ms)
		return STATUS_OK;
	struct model *m = &all[id];
	if (e->step == HAZARD_STEP_FIND)
		*m = (struct model){.exists = true, .deadline = HAZARD_DAY_NONE, .applied = HAZARD_DAY_NONE};
	model_step(m, e);
	for (size_t i = 0; i < e->change_count; i++)
		model_field(m, &e->changes[i]);
	count = id > count ? (unsigned)id : count;
	return STATUS_OK;
}

/* The model as of an instant, from the register's one log. */
static void build(int64_t at_ms)
{
	struct until u = {at_ms};
	uint64_t sequence;
	memset(all, 0, sizeof all);
	count = 0;
	cr_assert_eq(hazards_log(hazards, 0, tell_model, &u, &sequence), STATUS_OK);
	cr_assert_eq(sequence, hazards_sequence(hazards));
}

static bool is_open(const struct model *m)
{
	return m->state != HAZARD_CLOSED && m->state != HAZARD_VOID;
}

static bool in_hand(const struct model *m)
{
	return m->state >= HAZARD_ASSIGNED && m->state <= HAZARD_APPLIED;
}

static bool in_list(const struct model *m, unsigned list)
{
	switch (list) {
	case HAZARD_LIST_SUPERVISION:
		return is_open(m) && m->state != HAZARD_FOUND;
	case HAZARD_LIST_HAZARDS:
		return m->state != HAZARD_VOID;
	case HAZARD_LIST_RECTIFICATION:
		return in_hand(m);
	case HAZARD_LIST_ACCEPTANCE:
		return m->state == HAZARD_ACCEPTED || m->state == HAZARD_CLOSED;
	case HAZARD_LIST_ENFORCEMENT:
		return m->handed_over && m->state != HAZARD_VOID;
	default:
		return m->accountable && m->state != HAZARD_VOID;
	}
}

/* The totals of one list by the oracle. */
struct totals {
	unsigned all, open, overdue, closed, in_time, relapsed;
};

static struct totals totals_of(unsigned list, const char *village, int32_t today)
{
	struct totals t = {0};
	for (unsigned id = 1; id <= count; id++) {
		const struct model *m = &all[id];
		if (!m->exists || !in_list(m, list) || (village && strcmp(m->village, village) != 0))
			continue;
		t.all++;
		t.open += is_open(m);
		t.overdue += in_hand(m) && m->deadline < today;
		t.closed += m->state == HAZARD_CLOSED;
		t.in_time += m->state == HAZARD_CLOSED && m->applied <= m->deadline;
		t.relapsed += m->relapses > 0;
	}
	return t;
}

/* --- holding the register against it --- */

static void hold_list(unsigned list, bool overdue, int32_t today)
{
	struct hazard_filter f = {.list = (uint8_t)list, .today = today, .overdue = overdue};
	struct hazard_cursor cursor = {0};
	bool seen[HAZARDS_MAX + 1] = {false};
	uint64_t ids[7];
	size_t n;
	while ((n = hazards_page(hazards, &f, HAZARD_BY_DEADLINE, &cursor, ids, 7)) > 0)
		for (size_t i = 0; i < n; i++) {
			cr_assert(!seen[ids[i]]);
			seen[ids[i]] = true;
		}
	for (unsigned id = 1; id <= count; id++) {
		const struct model *m = &all[id];
		bool wanted = in_list(m, list) && (!overdue || (in_hand(m) && m->deadline < today));
		cr_assert_eq(seen[id], wanted, "hazard %u of list %u%s in state %u", id, list,
			     overdue ? ", overdue" : "", m->state);
	}
}

static void hold_counts(unsigned list, const char *village, int32_t today)
{
	struct hazard_filter f = {.list = (uint8_t)list, .today = today};
	struct hazard_counts c;
	struct totals t = totals_of(list, village, today);
	if (village)
		f.words[HAZARD_WORD_VILLAGE] = span_of_string(village);
	hazards_counts(hazards, &f, &c);
	cr_assert_eq(c.all, t.all);
	cr_assert_eq(c.open, t.open);
	cr_assert_eq(c.overdue, t.overdue, "list %u: %u, not %u", list, (unsigned)c.overdue, t.overdue);
	cr_assert_eq(c.closed, t.closed);
	cr_assert_eq(c.closed_in_time, t.in_time);
	cr_assert_eq(c.relapsed, t.relapsed);
}

static void hold_register(void)
{
	int32_t today = hazard_day(now_ms);
	build(INT64_MAX);
	cr_assert_eq(count, hazards_count(hazards));
	for (unsigned list = 0; list < HAZARD_LIST_COUNT; list++) {
		hold_list(list, false, today);
		hold_list(list, true, today);
		hold_counts(list, NULL, today);
		hold_counts(list, "白奇", today);
	}
}

/* Row `name` of the summary in the column of `sheet`. */
static unsigned said(const struct reader_sheet *summary, const char *name, const char *sheet)
{
	unsigned column = column_of(summary, sheet);
	for (unsigned row = 1; row < summary->rows; row++)
		if (!strcmp(cell_text_at(summary, row, 1), name))
			return (unsigned)atoi(cell_text_at(summary, row, column));
	cr_assert_fail("no row %s", name);
	return 0;
}

static void hold_books(int32_t today)
{
	static const char *const villages[] = {"白奇", "里春", "莲埭", "后海", "下埭"};
	struct book_request q = {.kind = BOOK_LISTS, .rows_max = 10000, .made_ms = now_ms, .maker = "林安"};
	struct workbook w;
	unsigned in_villages = 0;
	q.filter.today = today;
	cr_assert_eq(book_hazards_write(hazards, &q, path), STATUS_OK);
	workbook_open(&w, path);
	const struct reader_sheet *summary = workbook_sheet(&w, "汇总");
	for (unsigned list = 0; list < HAZARD_LIST_COUNT; list++) {
		const char *name = hazard_list_chinese(list);
		struct totals t = totals_of(list, NULL, today);
		cr_assert_eq(workbook_sheet(&w, name)->rows - 1, t.all, "%s", name);
		cr_assert_eq(said(summary, "全部", name), t.all);
		cr_assert_eq(said(summary, "逾期", name), t.overdue);
		cr_assert_eq(said(summary, "未销号", name), t.open);
		cr_assert_eq(said(summary, "按期销号", name), t.in_time);
		cr_assert_eq(said(summary, "反弹", name), t.relapsed);
	}
	/* the sheets agree with one another: what is in hand is under supervision; what is not, is found or closed */
	const char *hazards_sheet = hazard_list_chinese(HAZARD_LIST_HAZARDS);
	unsigned whole = said(summary, "全部", hazards_sheet), found = said(summary, "排查", hazards_sheet);
	cr_assert_eq(said(summary, "逾期", hazard_list_chinese(HAZARD_LIST_RECTIFICATION)),
		     said(summary, "逾期", hazards_sheet));
	cr_assert_eq(said(summary, "全部", hazard_list_chinese(HAZARD_LIST_SUPERVISION)) + found +
			     said(summary, "已销号", hazards_sheet),
		     whole);
	cr_assert_eq(said(summary, "已销号", hazard_list_chinese(HAZARD_LIST_ACCEPTANCE)),
		     said(summary, "已销号", hazards_sheet));
	workbook_shut(&w);
	for (size_t i = 0; i < 5; i++) {
		q.kind = BOOK_VILLAGE;
		q.filter.words[HAZARD_WORD_VILLAGE] = span_of_string(villages[i]);
		cr_assert_eq(book_hazards_write(hazards, &q, path), STATUS_OK);
		workbook_open(&w, path);
		unsigned rows = workbook_sheet(&w, "隐患台账")->rows - 1;
		cr_assert_eq(rows, totals_of(HAZARD_LIST_HAZARDS, villages[i], today).all);
		in_villages += rows;
		workbook_shut(&w);
	}
	cr_assert_eq(in_villages, whole, "the five books are the register");
}

/* The month's table has what the oracle says stood at the month's end. */
static void hold_table(void)
{
	struct table_period month;
	struct hazard_filter f = {.today = hazard_day(now_ms)};
	struct paper p;
	size_t rows = 0;
	cr_assert_eq(table_month_parse(span_of_string("2026-03"), &month), STATUS_OK);
	build(MONTH + 31 * MS_PER_DAY - 1);
	cr_assert_eq(table_fire_sites(hazards, &f, span_of(NULL, 0), &month, &p), STATUS_OK);
	for (unsigned id = 1; id <= count; id++) {
		const struct model *m = &all[id];
		if (!m->exists || strcmp(m->sector, "消防") != 0 || m->state == HAZARD_VOID)
			continue;
		cr_assert_lt(rows, paper_rows(&p));
		char room[PAPER_ROOM];
		struct span progress = paper_cell_text(&p, paper_cell_at(&p, rows, 7), room);
		const char *state = hazard_chinese(HAZARD_TABLE_STATE, m->state);
		cr_assert_eq(memcmp(progress.data, state, strlen(state)), 0);
		bool late = in_hand(m) && m->deadline < month.last_day;
		cr_assert_eq(memmem(progress.data, progress.size, "逾期", 6) != NULL, late, "hazard %u", id);
		rows++;
	}
	cr_assert_eq(paper_rows(&p), rows);
	paper_deinit(&p);
}

/* Whoever answers on any day of the month is who answers by the history: the enterprise up to its deadline's last
 * instant, the supervising unit from the next one. */
static void hold_liability(void)
{
	for (unsigned i = 0; i < 200 && count; i++) {
		uint64_t id = 1 + next_random() % count;
		int64_t at_ms = MONTH + (int64_t)(next_random() % (31 * (uint64_t)MS_PER_DAY));
		struct hazard_liability l;
		build(at_ms);
		const struct model *m = &all[id];
		cr_assert_eq(hazards_liability(hazards, id, at_ms, &l), STATUS_OK);
		unsigned wanted = !m->exists || !in_hand(m)          ? HAZARD_LIABLE_NOBODY
				  : hazard_day(at_ms) <= m->deadline ? HAZARD_LIABLE_ENTERPRISE
								     : HAZARD_LIABLE_SUPERVISOR;
		cr_assert_eq(l.liable, wanted, "hazard %u at %lld: %u, not %u", (unsigned)id, (long long)at_ms,
			     l.liable, wanted);
		build(INT64_MAX);
	}
}

Test(register_month, every_list_total_book_and_table_is_what_the_history_says)
{
	unsigned overdue_seen = 0;
	for (unsigned day = 0; day < DAYS; day++) {
		live_a_day(day);
		if (day % 10 == 9) {
			close_all(); /* and what is there was durable */
			open_all();
		}
		hold_register();
		overdue_seen += totals_of(HAZARD_LIST_HAZARDS, NULL, hazard_day(now_ms)).overdue;
	}
	hold_books(hazard_day(now_ms));
	struct totals t = totals_of(HAZARD_LIST_HAZARDS, NULL, hazard_day(now_ms));
	/* a month in which nothing happens shows nothing */
	cr_assert(t.all > 20 && t.closed > 3 && t.relapsed > 0 && overdue_seen > 0,
		  "%u, %u closed, %u relapsed, %u overdue", t.all, t.closed, t.relapsed, overdue_seen);
	hold_table();
	build(INT64_MAX);
	hold_liability();
	struct buf complaints = buf_init(65536);
	cr_assert_eq(hazards_check(engine_store(engine), &complaints), STATUS_OK);
	buf_deinit(&complaints);
}

Test(register_month, an_accident_on_the_last_day_is_the_enterprises_and_on_the_next_the_supervisors)
{
	struct hazard h;
	struct hazard_liability l;
	alarm_of_sensor(1);
	for (unsigned i = 0; i < 3; i++) { /* registered, assigned, started */
		now_ms += 1000;
		cr_assert_eq(hazards_get(hazards, 1, &h), STATUS_OK);
		take_on(1, &h);
		hazard_deinit(&h);
	}
	cr_assert_eq(hazards_get(hazards, 1, &h), STATUS_OK);
	cr_assert_eq(h.state, HAZARD_RECTIFYING);
	int64_t last_ms = (h.deadline_day + INT64_C(1)) * MS_PER_DAY - CHINA_OFFSET_MS - 1;
	hazard_deinit(&h);
	cr_assert_eq(hazards_liability(hazards, 1, last_ms, &l), STATUS_OK);
	cr_assert_eq(l.liable, HAZARD_LIABLE_ENTERPRISE);
	cr_assert_str_eq(l.party, "海湾仓储");
	cr_assert_eq(hazards_liability(hazards, 1, last_ms + 1, &l), STATUS_OK);
	cr_assert_eq(l.liable, HAZARD_LIABLE_SUPERVISOR);
	cr_assert_str_eq(l.party, "企业服务中心");
}
