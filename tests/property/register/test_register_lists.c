/* Random registers: every list, page and count against an oracle that walks all histories; and a register survives
 * being opened again at any point. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/core/clock.h"
#include "engine/register/hazards.h"
#include "support/register_desk.h"

#define HAZARDS 60
#define STEPS 600

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static const char *const villages[] = {"白奇", "里春", "莲埭", ""};
static const char *const notes[] = {"说明", NULL};

/* Any step by anybody: most are refused, and what is refused must change nothing. */
static void stumble(struct desk *d, uint64_t *random)
{
	static const char *const fields[] = {
		NULL,
		"site=一号仓库|grade=general|sector=消防",
		"site=一号仓库|grade=larger|sector=消防|unit=海湾仓储|person=陈责|supervisor=企业服务中心|deadline="
		"2026-03-20",
		"deadline=2026-06-01",
		"measures=重新码放",
		"village=后海|leader=乡长",
	};
	static const char *const people[][2] = {{"林安", "乡安办"}, {"陈责", "海湾仓储"}, {"王验", "企业服务中心"}};
	uint64_t r = next_random(random), id = 1 + r % HAZARDS;
	const char *const *who = people[r >> 8 & 1 ? 0 : (r >> 9) % 3];
	struct desk_more more = {.document = r >> 20 & 1 ? "文1号" : NULL, .link = r >> 21 & 1 ? "v" : NULL};
	d->now_ms += (int64_t)(r >> 30 & 0x3ffffff);
	if (more.link && (r >> 22 & 3))
		more.link = NULL;
	enum status status =
		desk_step_more(d, id, 1 + (r >> 12) % (HAZARD_STEP_COUNT - 1), (r >> 16) % HAZARD_ROLE_COUNT, who[0],
			       who[1], notes[r >> 24 & 1], fields[(r >> 25) % 6], more);
	cr_assert(status == STATUS_OK || status == STATUS_DENIED || status == STATUS_EXISTS || status == STATUS_INVALID,
		  "%s", status_text(status));
}

/* --- the oracle: fold every history, look at every hazard --- */

static enum status fold_event(void *context, uint64_t id, const struct hazard_event *e,
			      const uint8_t digest[HAZARD_DIGEST_SIZE])
{
	(void)id;
	return hazard_fold(context, e, digest);
}

static bool in_list(const struct hazard *h, unsigned list)
{
	bool open = h->state != HAZARD_CLOSED && h->state != HAZARD_VOID;
	switch (list) {
	case HAZARD_LIST_SUPERVISION:
		return open && h->state != HAZARD_FOUND;
	case HAZARD_LIST_HAZARDS:
		return h->state != HAZARD_VOID;
	case HAZARD_LIST_RECTIFICATION:
		return h->state == HAZARD_ASSIGNED || h->state == HAZARD_RECTIFYING || h->state == HAZARD_APPLIED;
	case HAZARD_LIST_ACCEPTANCE:
		return h->state == HAZARD_ACCEPTED || h->state == HAZARD_CLOSED;
	case HAZARD_LIST_ENFORCEMENT:
		return h->handed_over && h->state != HAZARD_VOID;
	default:
		return h->accountable && h->state != HAZARD_VOID;
	}
}

struct oracle {
	struct hazard all[HAZARDS];
	unsigned order[HAZARDS], count;
	enum hazard_order_by by;
};
static struct oracle o;

static int64_t value_of(unsigned i)
{
	return o.by == HAZARD_BY_DEADLINE ? o.all[i].deadline_day : o.by == HAZARD_BY_ID ? 0 : -o.all[i].found_ms;
}

static int compare(const void *a, const void *b)
{
	unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;
	if (value_of(x) != value_of(y))
		return value_of(x) < value_of(y) ? -1 : 1;
	return x < y ? -1 : x > y;
}

static void load_oracle(struct desk *d)
{
	for (unsigned i = 0; i < HAZARDS; i++) {
		hazard_init(&o.all[i], i + 1);
		cr_assert_eq(hazards_history(d->register_, i + 1, 0, fold_event, &o.all[i]), STATUS_OK);
	}
}

static bool passes(const struct hazard *h, const struct hazard_filter *f)
{
	if (f->words[HAZARD_WORD_VILLAGE].size &&
	    !span_equal(hazard_value(h, HAZARD_FIELD_VILLAGE), f->words[HAZARD_WORD_VILLAGE]))
		return false;
	if (f->overdue && !(in_list(h, HAZARD_LIST_RECTIFICATION) && h->deadline_day < f->today))
		return false;
	if (f->relapsed && !h->relapses)
		return false;
	return in_list(h, f->list);
}

static void compare_pages(struct desk *d, const struct hazard_filter *f, size_t page)
{
	uint64_t ids[HAZARDS];
	struct hazard_cursor cursor = {0};
	struct hazard_counts counts;
	size_t seen = 0, n;
	o.count = 0;
	for (unsigned i = 0; i < HAZARDS; i++)
		if (passes(&o.all[i], f))
			o.order[o.count++] = i;
	qsort(o.order, o.count, sizeof *o.order, compare);
	while ((n = hazards_page(d->register_, f, o.by, &cursor, ids, page)) > 0)
		for (size_t i = 0; i < n; i++, seen++)
			cr_assert_eq(ids[i], o.order[seen] + 1u, "list %u, place %zu", f->list, seen);
	cr_assert_eq(seen, o.count);
	hazards_counts(d->register_, f, &counts);
	cr_assert_eq(counts.all, o.count);
}

static void compare_lists(struct desk *d)
{
	load_oracle(d);
	for (unsigned list = 0; list < HAZARD_LIST_COUNT; list++)
		for (unsigned by = 0; by <= HAZARD_BY_ID; by++)
			for (unsigned variant = 0; variant < 8; variant++) {
				struct hazard_filter f = {.list = (uint8_t)list,
							  .today = hazard_day(d->now_ms),
							  .overdue = variant & 1,
							  .relapsed = variant & 4};
				if (variant & 2)
					f.words[HAZARD_WORD_VILLAGE] = span_of_string("里春");
				o.by = by;
				compare_pages(d, &f, 1 + variant * 7);
			}
	for (unsigned i = 0; i < HAZARDS; i++)
		hazard_deinit(&o.all[i]);
}

static void random_month(uint64_t seed)
{
	struct desk d;
	uint64_t random = seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
	struct buf complaints = buf_init(1 << 16);
	desk_open(&d);
	for (unsigned i = 0; i < HAZARDS; i++) {
		char fields[200];
		snprintf(fields, sizeof fields, "company=海湾仓储%s%s", i % 4 == 3 ? "" : "|village=", villages[i % 4]);
		uint64_t id = desk_find(&d, fields);
		desk_bring(&d, id, (unsigned)(next_random(&random) % (HAZARD_CLOSED + 1)));
	}
	for (unsigned i = 0; i < STEPS; i++) {
		stumble(&d, &random);
		if (i % 150 == 149) {
			desk_reopen(&d);
			compare_lists(&d);
		}
	}
	cr_assert_eq(hazards_check(d.store, &complaints), STATUS_OK, "%.*s", (int)complaints.size, complaints.data);
	buf_deinit(&complaints);
	desk_close(&d);
}

Test(register_property, lists_are_what_the_histories_say)
{
	for (uint64_t seed = 1; seed <= 3; seed++) {
		printf("seed %llu\n", (unsigned long long)seed);
		random_month(seed);
	}
}
