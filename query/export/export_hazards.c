#include "query/export/export_hazards.h"

#include <stdio.h>

#include "engine/core/clock.h"
#include "query/export/export_format.h"
#include "query/export/mask.h"

void export_hazard_code(const struct hazard *h, char out[HAZARD_CODE_MAX])
{
	struct civil c;
	civil_from_ms(h->found_ms + CHINA_OFFSET_MS, &c);
	snprintf(out, HAZARD_CODE_MAX, "%04d-%06llu", c.year, (unsigned long long)h->id);
}

bool export_hazard_is_overdue(const struct hazard *h, int32_t today)
{
	return h->state >= HAZARD_ASSIGNED && h->state <= HAZARD_APPLIED && h->deadline_day < today;
}

/* --- JSON --- */

static void member_words(struct json_out *j, const char *key, enum hazard_table table, unsigned code)
{
	char chinese[64];
	snprintf(chinese, sizeof chinese, "%s_zh", key);
	jout_key(j, key);
	jout_string(j, hazard_token(table, code));
	jout_key(j, chinese);
	jout_string(j, hazard_chinese(table, code));
}

static void member_time(struct json_out *j, const char *key, int64_t ms)
{
	jout_key(j, key);
	if (ms)
		jout_time(j, ms);
	else
		jout_null(j);
}

static void member_number(struct json_out *j, const char *key, uint64_t n)
{
	jout_key(j, key);
	jout_unsigned(j, n);
}

static void member_bool(struct json_out *j, const char *key, bool yes)
{
	jout_key(j, key);
	jout_bool(j, yes);
}

bool export_hazard_is_of_people(unsigned field)
{
	return field == HAZARD_FIELD_FINDER || field == HAZARD_FIELD_PERSON || field == HAZARD_FIELD_ACCEPTOR ||
	       field == HAZARD_FIELD_LEADER;
}

static void member_value(struct json_out *j, unsigned field, struct span value)
{
	bool before = mask_people(export_hazard_is_of_people(field));
	jout_key(j, hazard_token(HAZARD_TABLE_FIELD, field));
	jout_text(j, value);
	mask_people(before);
}

void export_hazard_members(struct json_out *j, const struct hazard *h, int32_t today)
{
	char code[HAZARD_CODE_MAX];
	export_hazard_code(h, code);
	member_number(j, "id", h->id);
	jout_key(j, "code");
	jout_string(j, code);
	member_number(j, "version", h->events);
	member_words(j, "state", HAZARD_TABLE_STATE, h->state);
	member_words(j, "listing", HAZARD_TABLE_LISTING, h->listing);
	member_bool(j, "overdue", export_hazard_is_overdue(h, today));
	member_bool(j, "handed_over", h->handed_over);
	member_bool(j, "accountable", h->accountable);
	member_bool(j, "escalated", h->escalated);
	member_number(j, "linked", h->linked);
	member_number(j, "relapses", h->relapses);
	member_number(j, "returns", h->returns);
	member_number(j, "extensions", h->extensions);
	member_number(j, "rechecks", h->rechecks);
	member_number(j, "attachments", h->attachments);
	member_time(j, "registered", h->registered_ms);
	member_time(j, "assigned", h->assigned_ms);
	member_time(j, "applied", h->applied_ms);
	member_time(j, "accepted", h->accepted_ms);
	member_time(j, "closed", h->closed_ms);
	member_time(j, "changed", h->changed_ms);
	jout_key(j, "fields");
	jout_open(j, '{');
	for (unsigned f = 1; f < HAZARD_FIELD_COUNT; f++) {
		if (!h->values[f].size)
			continue;
		member_value(j, f, hazard_value(h, f));
	}
	jout_close(j, '}');
}

static void member_text(struct json_out *j, const char *key, struct span text)
{
	if (!text.size)
		return;
	jout_key(j, key);
	jout_text(j, text);
}

void export_hazard_event(struct json_out *j, const struct hazard_event *e, const uint8_t digest[HAZARD_DIGEST_SIZE])
{
	jout_open(j, '{');
	member_number(j, "number", e->number);
	member_words(j, "step", HAZARD_TABLE_STEP, e->step);
	member_time(j, "at", e->at_ms);
	member_text(j, "who", e->who);
	member_text(j, "unit", e->unit);
	member_words(j, "role", HAZARD_TABLE_ROLE, e->role);
	member_text(j, "note", e->note);
	member_text(j, "document", e->document);
	member_text(j, e->step == HAZARD_STEP_ATTACH ? "name" : "link", e->link);
	if (e->digest) {
		jout_key(j, "attachment");
		jout_hex(j, span_of(e->digest, HAZARD_DIGEST_SIZE));
	}
	jout_key(j, "changes");
	jout_open(j, '{');
	for (size_t i = 0; i < e->change_count; i++) {
		member_value(j, e->changes[i].field, e->changes[i].value);
	}
	jout_close(j, '}');
	jout_key(j, "before");
	jout_hex(j, span_of(e->before, HAZARD_DIGEST_SIZE));
	jout_key(j, "digest");
	jout_hex(j, span_of(digest, HAZARD_DIGEST_SIZE));
	jout_close(j, '}');
}

static void member_table(struct json_out *j, const char *key, enum hazard_table table, const uint64_t *counts,
			 unsigned n)
{
	jout_key(j, key);
	jout_open(j, '{');
	for (unsigned i = 0; i < n; i++)
		member_number(j, hazard_token(table, i), counts[i]);
	jout_close(j, '}');
}

void export_hazard_counts(struct json_out *j, const struct hazard_counts *c)
{
	member_number(j, "all", c->all);
	member_number(j, "open", c->open);
	member_number(j, "overdue", c->overdue);
	member_number(j, "major_open", c->major_open);
	member_number(j, "closed", c->closed);
	member_number(j, "closed_in_time", c->closed_in_time);
	member_number(j, "relapsed", c->relapsed);
	member_number(j, "listed", c->listed);
	member_table(j, "by_state", HAZARD_TABLE_STATE, c->by_state, HAZARD_STATE_COUNT);
	member_table(j, "by_grade", HAZARD_TABLE_GRADE, c->by_grade, HAZARD_GRADE_COUNT);
	member_table(j, "by_source", HAZARD_TABLE_SOURCE, c->by_source, HAZARD_SOURCE_COUNT);
	jout_key(j, "ageing");
	jout_open(j, '{');
	member_number(j, "up_to_7_days", c->ageing[0]);
	member_number(j, "up_to_30_days", c->ageing[1]);
	member_number(j, "up_to_90_days", c->ageing[2]);
	member_number(j, "older", c->ageing[3]);
	jout_close(j, '}');
}

/* --- CSV --- */

const uint8_t export_hazard_fields[EXPORT_HAZARD_FIELDS] = {
	HAZARD_FIELD_SOURCE,
	HAZARD_FIELD_FOUND,
	HAZARD_FIELD_FINDER,
	HAZARD_FIELD_SITE,
	HAZARD_FIELD_COMPANY,
	HAZARD_FIELD_VILLAGE,
	HAZARD_FIELD_GRID,
	HAZARD_FIELD_SECTOR,
	HAZARD_FIELD_CATEGORY,
	HAZARD_FIELD_DESCRIPTION,
	HAZARD_FIELD_GRADE,
	HAZARD_FIELD_LIFE_THREAT,
	HAZARD_FIELD_BASIS,
	HAZARD_FIELD_UNIT,
	HAZARD_FIELD_PERSON,
	HAZARD_FIELD_SUPERVISOR,
	HAZARD_FIELD_MEASURES,
	HAZARD_FIELD_FUND,
	HAZARD_FIELD_PLAN,
	HAZARD_FIELD_DEADLINE,
	HAZARD_FIELD_ACCEPTOR,
	HAZARD_FIELD_LEADER,
	HAZARD_FIELD_LISTING_DOCUMENT,
	HAZARD_FIELD_ENFORCEMENT_DOCUMENT,
	HAZARD_FIELD_ACCOUNTABILITY_DOCUMENT,
};

enum status export_hazards_csv_begin(struct buf *out)
{
	enum status status = buf_printf(out, "\xef\xbb\xbf编号,状态,是否逾期");
	for (size_t i = 0; i < EXPORT_HAZARD_FIELDS && !status; i++)
		status = buf_printf(out, ",%s", hazard_chinese(HAZARD_TABLE_FIELD, export_hazard_fields[i]));
	return status ? status : buf_printf(out, ",关联线索数,反弹次数,申请验收时间,验收时间,销号时间\r\n");
}

/* Codes as the words that people read, times as the clock on the wall shows them. */
static enum status csv_value(const struct hazard *h, unsigned field, struct buf *out)
{
	struct span value = hazard_value(h, field);
	char time[TIME_TEXT_MAX];
	if (field == HAZARD_FIELD_GRADE)
		value = span_of_string(hazard_chinese(HAZARD_TABLE_GRADE, h->grade));
	else if (field == HAZARD_FIELD_SOURCE)
		value = span_of_string(hazard_chinese(HAZARD_TABLE_SOURCE, h->source));
	else if (field == HAZARD_FIELD_LIFE_THREAT)
		value = span_of_string(h->life_threat ? "是" : "否");
	else if (field == HAZARD_FIELD_FOUND && h->found_ms) {
		time_format(h->found_ms, CHINA_OFFSET_MS, time);
		value = span_of_string(time);
	}
	bool before = mask_people(export_hazard_is_of_people(field));
	enum status status = buf_append_u8(out, ',');
	if (!status)
		status = csv_append(out, value);
	mask_people(before);
	return status;
}

static enum status csv_time(int64_t ms, struct buf *out)
{
	char time[TIME_TEXT_MAX] = "";
	if (ms)
		time_format(ms, CHINA_OFFSET_MS, time);
	return buf_printf(out, ",%s", time);
}

enum status export_hazard_csv_row(const struct hazard *h, int32_t today, struct buf *out)
{
	char code[HAZARD_CODE_MAX];
	export_hazard_code(h, code);
	enum status status = buf_printf(out, "%s,%s,%s", code, hazard_chinese(HAZARD_TABLE_STATE, h->state),
					export_hazard_is_overdue(h, today) ? "是" : "否");
	for (size_t i = 0; i < EXPORT_HAZARD_FIELDS && !status; i++)
		status = csv_value(h, export_hazard_fields[i], out);
	if (!status)
		status = buf_printf(out, ",%u,%u", h->linked, h->relapses);
	if (!status)
		status = csv_time(h->applied_ms, out);
	if (!status)
		status = csv_time(h->accepted_ms, out);
	if (!status)
		status = csv_time(h->closed_ms, out);
	return status ? status : buf_printf(out, "\r\n");
}
