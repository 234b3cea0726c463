#include "support/register_desk.h"

#include <criterion/criterion.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/core/clock.h"

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static void open_both(struct desk *d)
{
	struct store_options options = {.dir = d->dir, .create = true};
	struct hazard_policy policy = hazard_policy_default();
	cr_assert_eq(store_open(&options, &d->store), STATUS_OK);
	cr_assert_eq(hazards_open(d->store, &policy, &d->register_), STATUS_OK);
}

void desk_open(struct desk *d)
{
	struct civil noon = {2026, 3, 2, 4, 0, 0, 0}; /* 12:00 in China */
	memset(d, 0, sizeof *d);
	snprintf(d->dir, sizeof d->dir, "/tmp/zayton-register-XXXXXX");
	cr_assert(mkdtemp(d->dir));
	d->now_ms = civil_to_ms(&noon);
	open_both(d);
}

void desk_reopen(struct desk *d)
{
	hazards_close(d->register_);
	store_close(d->store);
	open_both(d);
}

void desk_close(struct desk *d)
{
	hazards_close(d->register_);
	store_close(d->store);
	nftw(d->dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static size_t parse_fields(const char *text, struct hazard_change *out)
{
	size_t n = 0;
	while (text && *text) {
		const char *equals = strchr(text, '='), *end = strchr(text, '|');
		if (!end)
			end = text + strlen(text);
		cr_assert(equals && equals < end);
		cr_assert_eq(hazard_parse(HAZARD_TABLE_FIELD, span_of(text, (size_t)(equals - text)), &out[n].field),
			     STATUS_OK, "%s", text);
		out[n++].value = span_of(equals + 1, (size_t)(end - equals - 1));
		text = *end ? end + 1 : end;
	}
	return n;
}

static struct span text_of(const char *text)
{
	return text ? span_of_string(text) : span_of(NULL, 0);
}

enum status desk_step_more(struct desk *d, uint64_t id, unsigned step, unsigned role, const char *name,
			   const char *unit, const char *note, const char *fields, struct desk_more more)
{
	struct hazard_change changes[HAZARD_FIELD_COUNT];
	struct hazard_order order = {
		.step = (uint8_t)step,
		.id = id,
		.version = more.version,
		.at_ms = d->now_ms,
		.actor = {.role = (uint8_t)role},
		.note = text_of(note),
		.document = text_of(more.document),
		.link = text_of(more.link),
		.attachment = text_of(more.file),
		.changes = changes,
		.change_count = parse_fields(fields, changes),
	};
	snprintf(order.actor.name, sizeof order.actor.name, "%s", name);
	snprintf(order.actor.unit, sizeof order.actor.unit, "%s", unit);
	return hazards_step(d->register_, &order, &d->outcome);
}

enum status desk_step(struct desk *d, uint64_t id, unsigned step, unsigned role, const char *name, const char *unit,
		      const char *note, const char *fields)
{
	return desk_step_more(d, id, step, role, name, unit, note, fields, (struct desk_more){0});
}

uint64_t desk_find(struct desk *d, const char *fields)
{
	char all[2000];
	snprintf(all, sizeof all, "source=inspection|found=2026-03-01T09:00:00+08:00|description=堆垛不规范%s%s",
		 *fields ? "|" : "", fields);
	cr_assert_eq(desk_step(d, 0, HAZARD_STEP_FIND, HAZARD_ROLE_OFFICE, "林安", "乡安办", NULL, all), STATUS_OK,
		     "%s", hazard_refusal_english(d->outcome.refusal.reason));
	return d->outcome.id;
}

static void bring_one(struct desk *d, uint64_t id, unsigned state)
{
	enum status status = STATUS_INVALID;
	switch (state) {
	case HAZARD_REGISTERED:
		status = desk_step(d, id, HAZARD_STEP_REGISTER, HAZARD_ROLE_OFFICE, "林安", "乡安办", NULL,
				   "site=一号仓库|grade=general|sector=消防");
		break;
	case HAZARD_ASSIGNED:
		status = desk_step(d, id, HAZARD_STEP_ASSIGN, HAZARD_ROLE_OFFICE, "林安", "乡安办", NULL,
				   "unit=海湾仓储|person=陈责|supervisor=企业服务中心|deadline=2026-03-10");
		break;
	case HAZARD_RECTIFYING:
		status = desk_step(d, id, HAZARD_STEP_START, HAZARD_ROLE_ENTERPRISE, "陈责", "海湾仓储", NULL, NULL);
		break;
	case HAZARD_APPLIED:
		status = desk_step(d, id, HAZARD_STEP_APPLY, HAZARD_ROLE_ENTERPRISE, "陈责", "海湾仓储", "已整改",
				   "measures=重新码放");
		break;
	case HAZARD_ACCEPTED:
		status = desk_step(d, id, HAZARD_STEP_ACCEPT, HAZARD_ROLE_CLERK, "王验", "企业服务中心", "合格", NULL);
		break;
	case HAZARD_CLOSED:
		status = desk_step(d, id, HAZARD_STEP_CLOSE, HAZARD_ROLE_OFFICE, "林安", "乡安办", NULL, NULL);
		break;
	default:
		cr_assert_fail("no way there");
	}
	cr_assert_eq(status, STATUS_OK, "to state %u: %s, %s", state, status_text(status),
		     hazard_refusal_english(d->outcome.refusal.reason));
}

void desk_bring(struct desk *d, uint64_t id, unsigned state)
{
	for (unsigned at = desk_state(d, id); at < state; at++)
		bring_one(d, id, at + 1);
}

unsigned desk_state(struct desk *d, uint64_t id)
{
	struct hazard h;
	cr_assert_eq(hazards_get(d->register_, id, &h), STATUS_OK);
	unsigned state = h.state;
	hazard_deinit(&h);
	return state;
}
