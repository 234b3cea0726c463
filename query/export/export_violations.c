#include "query/export/export_violations.h"

#include "engine/detect/authority.h"
#include "query/export/json_out.h"

const struct rule *export_rule_at(const struct detect_context *by, const char *id, int64_t time_ms)
{
	const struct rulebook *book = NULL;
	for (uint32_t i = 0; i < by->book_count && by->books[i].from_ms <= time_ms; i++)
		book = by->books[i].book;
	return book ? rulebook_find(book, id) : NULL;
}

static const char *value_or_null(const struct registry *r, const struct finding *f, enum device_field field, char *room)
{
	return f->device && !registry_value(r, f->device, field, f->start_ms, room) ? room : NULL;
}

void export_violation_describe(struct export_violation *e, const struct registry *r, const struct detect_context *by,
			       const struct violation *v)
{
	const struct finding *f = &v->finding;
	e->violation = v;
	e->rule = export_rule_at(by, f->rule, f->start_ms);
	e->phone = value_or_null(r, f, DEVICE_FIELD_PHONE, e->room[0]);
	e->plate = value_or_null(r, f, DEVICE_FIELD_PLATE, e->room[1]);
	e->company = value_or_null(r, f, DEVICE_FIELD_COMPANY, e->room[2]);
	e->village = value_or_null(r, f, DEVICE_FIELD_VILLAGE, e->room[3]);
}

bool export_has_digest(const struct finding *f)
{
	return finding_has_digest(f);
}

/* --- JSON --- */

static void member_text(struct json_out *j, const char *key, const char *text)
{
	jout_key(j, key);
	if (text && *text)
		jout_string(j, text);
	else
		jout_null(j);
}

static void member_hex(struct json_out *j, const char *key, uint64_t v)
{
	jout_key(j, key);
	if (v)
		jout_hex64(j, v);
	else
		jout_null(j);
}

static void member_integer(struct json_out *j, const char *key, int64_t v)
{
	jout_key(j, key);
	jout_integer(j, v);
}

static void member_bool(struct json_out *j, const char *key, bool v)
{
	jout_key(j, key);
	jout_bool(j, v);
}

static void member_numbers(struct json_out *j, const struct finding *f)
{
	jout_key(j, "numbers");
	jout_open(j, '{');
	for (unsigned n = 0; n < FINDING_NUMBER_COUNT; n++)
		if (f->numbers[n] != NUMBER_UNKNOWN)
			member_integer(j, finding_number_token(n), f->numbers[n]);
	jout_close(j, '}');
}

static void member_place(struct json_out *j, const char *key, int32_t lat_e7, int32_t lon_e7)
{
	jout_key(j, key);
	jout_open(j, '{');
	jout_key(j, "lat");
	jout_fixed(j, lat_e7, 7);
	jout_key(j, "lon");
	jout_fixed(j, lon_e7, 7);
	jout_close(j, '}');
}

static void member_digest(struct json_out *j, const struct finding *f)
{
	jout_key(j, "digest");
	if (export_has_digest(f))
		jout_hex(j, span_of(f->digest, sizeof f->digest));
	else
		jout_null(j);
}

static void member_title(struct json_out *j, const struct rule *rule)
{
	jout_key(j, "title");
	if (!rule) {
		jout_null(j);
		return;
	}
	jout_open(j, '{');
	member_text(j, "zh", rule->title_zh);
	member_text(j, "en", rule->title_en);
	jout_close(j, '}');
}

/* The next code of those that the rule's authorities have in the table; NULL at the end of the list. */
static const char *next_code(struct span *list)
{
	struct span name;
	while (authority_next(list, &name)) {
		enum authority a = authority_find(name);
		if (a != AUTHORITY_COUNT)
			return authority_token(a);
	}
	return NULL;
}

static void member_authority_codes(struct json_out *j, const struct rule *rule)
{
	struct span list = span_of_string(rule ? rule->authority : "");
	const char *code;
	jout_key(j, "authority_codes");
	jout_open(j, '[');
	while ((code = next_code(&list)))
		jout_string(j, code);
	jout_close(j, ']');
}

static void members_who(struct json_out *j, const struct export_violation *e)
{
	const struct finding *f = &e->violation->finding;
	member_hex(j, "device", f->device);
	if (rule_kind_stage(f->kind) == RULE_STAGE_STREAMS)
		member_hex(j, "stream", f->subject);
	member_text(j, "phone", e->phone);
	member_text(j, "plate", e->plate);
	member_hex(j, "driver", f->driver);
	member_hex(j, "other", f->other);
	member_text(j, "company", e->company);
	member_text(j, "village", e->village);
	member_text(j, "fence", f->fence);
}

static void members_found(struct json_out *j, const struct export_violation *e, bool of_case)
{
	const struct finding *f = &e->violation->finding;
	member_integer(j, "start_ms", f->start_ms);
	member_integer(j, "end_ms", f->end_ms);
	member_integer(j, "found_ms", f->found_ms);
	member_bool(j, "open", f->open);
	if (of_case)
		member_bool(j, "late", e->violation->late);
	member_integer(j, "confidence", f->confidence);
	jout_key(j, "severity");
	if (e->rule)
		jout_unsigned(j, e->rule->severity);
	else
		jout_null(j);
	member_text(j, "authority", e->rule ? e->rule->authority : NULL);
	member_authority_codes(j, e->rule);
	member_numbers(j, f);
	member_place(j, "start", f->start_lat_e7, f->start_lon_e7);
	member_place(j, "end", f->end_lat_e7, f->end_lon_e7);
	member_digest(j, f);
}

static void members_rule(struct json_out *j, const struct export_violation *e)
{
	const struct finding *f = &e->violation->finding;
	member_text(j, "rule", f->rule);
	member_title(j, e->rule);
	member_text(j, "kind", rule_kind_token(f->kind));
	member_text(j, "kind_zh", rule_kind_chinese(f->kind));
}

void export_finding_members(struct json_out *j, const struct export_violation *e)
{
	members_rule(j, e);
	members_who(j, e);
	members_found(j, e, false);
}

void export_violation_members(struct json_out *j, const struct export_violation *e)
{
	const struct violation *v = e->violation;
	jout_key(j, "id");
	jout_unsigned(j, v->id);
	members_rule(j, e);
	members_who(j, e);
	members_found(j, e, true);
	member_text(j, "state", case_state_token(v->state));
	member_text(j, "state_zh", case_state_chinese(v->state));
	member_bool(j, "handled", v->handled);
	member_integer(j, "amended", v->amended);
	member_integer(j, "raised_ms", v->raised_ms);
	member_integer(j, "schema", EXPORT_VIOLATION_SCHEMA);
}

static void violation_feature(struct json_out *j, const struct export_violation *e)
{
	const struct finding *f = &e->violation->finding;
	jout_open(j, '{');
	jout_key(j, "type");
	jout_string(j, "Feature");
	jout_key(j, "id");
	jout_unsigned(j, e->violation->id);
	jout_key(j, "geometry");
	jout_open(j, '{');
	jout_key(j, "type");
	jout_string(j, "Point");
	jout_key(j, "coordinates");
	jout_open(j, '[');
	jout_fixed(j, f->start_lon_e7, 7);
	jout_fixed(j, f->start_lat_e7, 7);
	jout_close(j, ']');
	jout_close(j, '}');
	jout_key(j, "properties");
	jout_open(j, '{');
	export_violation_members(j, e);
	jout_close(j, '}');
	jout_close(j, '}');
}

/* --- CSV --- */

#define NUMBER_COLUMN(NAME, token, unit, chinese) "," token
static const char header[] =
	"id,rule,title_zh,title_en,kind,kind_zh,device,phone,plate,driver,other,company,village,"
	"fence,start,end,start_ms,end_ms,found_ms,open,late,confidence,severity,"
	"authority" FINDING_NUMBER_TABLE(
		NUMBER_COLUMN) ",start_lat,start_lon,end_lat,end_lon,"
			       "digest,state,state_zh,handled,amended,raised_ms,authority_codes,schema";
#undef NUMBER_COLUMN

/* A field with the comma before it. */
static enum status field_text(struct buf *out, const char *text)
{
	enum status status = buf_append_u8(out, ',');
	return !status && text ? csv_append(out, span_of_string(text)) : status;
}

static enum status field_hex(struct buf *out, uint64_t v)
{
	return v ? buf_printf(out, ",%016llx", (unsigned long long)v) : buf_append_u8(out, ',');
}

static enum status field_number(struct buf *out, int64_t v)
{
	return v == NUMBER_UNKNOWN ? buf_append_u8(out, ',') : buf_printf(out, ",%lld", (long long)v);
}

static enum status field_time(struct buf *out, int64_t ms)
{
	enum status status = buf_append_u8(out, ',');
	return status ? status : time_append(out, ms);
}

static enum status field_degrees(struct buf *out, int32_t e7)
{
	enum status status = buf_append_u8(out, ',');
	return status ? status : fixed_append(out, e7, 7);
}

/* Words with one space between. */
static enum status field_codes(struct buf *out, const struct rule *rule)
{
	struct span list = span_of_string(rule ? rule->authority : "");
	const char *code, *between = ",";
	enum status status = STATUS_OK;
	for (; !status && (code = next_code(&list)); between = " ")
		status = buf_printf(out, "%s%s", between, code);
	return status || *between == ' ' ? status : buf_append_u8(out, ',');
}

static enum status fields_who(const struct export_violation *e, struct buf *out)
{
	const struct finding *f = &e->violation->finding;
	const char *texts[] = {f->rule, e->rule ? e->rule->title_zh : NULL, e->rule ? e->rule->title_en : NULL,
			       rule_kind_token(f->kind), rule_kind_chinese(f->kind)};
	enum status status = buf_printf(out, "%llu", (unsigned long long)e->violation->id);
	for (size_t i = 0; i < sizeof texts / sizeof texts[0] && !status; i++)
		status = field_text(out, texts[i]);
	if (!status)
		status = field_hex(out, f->device);
	if (!status)
		status = field_text(out, e->phone);
	if (!status)
		status = field_text(out, e->plate);
	if (!status)
		status = field_hex(out, f->driver);
	if (!status)
		status = field_hex(out, f->other);
	if (!status)
		status = field_text(out, e->company);
	if (!status)
		status = field_text(out, e->village);
	return status ? status : field_text(out, f->fence);
}

static enum status fields_found(const struct export_violation *e, struct buf *out)
{
	const struct finding *f = &e->violation->finding;
	const int64_t numbers[] = {f->start_ms,
				   f->end_ms,
				   f->found_ms,
				   f->open,
				   e->violation->late,
				   f->confidence,
				   e->rule ? e->rule->severity : NUMBER_UNKNOWN};
	const int32_t degrees[] = {f->start_lat_e7, f->start_lon_e7, f->end_lat_e7, f->end_lon_e7};
	enum status status = field_time(out, f->start_ms);
	if (!status)
		status = field_time(out, f->end_ms);
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0] && !status; i++)
		status = field_number(out, numbers[i]);
	if (!status)
		status = field_text(out, e->rule ? e->rule->authority : NULL);
	for (unsigned n = 0; n < FINDING_NUMBER_COUNT && !status; n++)
		status = field_number(out, f->numbers[n]);
	for (size_t i = 0; i < sizeof degrees / sizeof degrees[0] && !status; i++)
		status = field_degrees(out, degrees[i]);
	return status;
}

static enum status violation_csv(const struct export_violation *e, struct buf *out)
{
	const struct violation *v = e->violation;
	char digest[2 * sizeof v->finding.digest + 1] = "";
	if (export_has_digest(&v->finding))
		hex_encode(digest, span_of(v->finding.digest, sizeof v->finding.digest));
	enum status status = fields_who(e, out);
	if (!status)
		status = fields_found(e, out);
	if (!status)
		status = field_text(out, digest);
	if (!status)
		status = field_text(out, case_state_token(v->state));
	if (!status)
		status = field_text(out, case_state_chinese(v->state));
	if (!status)
		status = buf_printf(out, ",%d,%u,%lld", v->handled, v->amended, (long long)v->raised_ms);
	if (!status)
		status = field_codes(out, e->rule);
	return status ? status : buf_printf(out, ",%d\r\n", EXPORT_VIOLATION_SCHEMA);
}

/* --- list --- */

enum status export_violations_begin(struct export_list *w, enum export_format format, struct buf *out)
{
	*w = (struct export_list){format, "violations", header, 0};
	return export_list_begin(w, out);
}

enum status export_violation_row(struct export_list *w, const struct export_violation *e, struct buf *out)
{
	size_t size = out->size;
	struct json_out j = json_out_init(out);
	j.comma = w->rows > 0 && w->format != EXPORT_NDJSON;
	if (w->format == EXPORT_CSV) {
		j.status = violation_csv(e, out);
	} else if (w->format == EXPORT_GEOJSON) {
		violation_feature(&j, e);
	} else {
		jout_open(&j, '{');
		export_violation_members(&j, e);
		jout_close(&j, '}');
	}
	return export_list_row_end(w, &j, out, size);
}

/* --- history --- */

static void event_finding(struct json_out *j, const struct finding *f)
{
	jout_key(j, "finding");
	jout_open(j, '{');
	member_integer(j, "start_ms", f->start_ms);
	member_integer(j, "end_ms", f->end_ms);
	member_bool(j, "open", f->open);
	member_numbers(j, f);
	member_digest(j, f);
	jout_close(j, '}');
}

static void member_span(struct json_out *j, const char *key, struct span text)
{
	jout_key(j, key);
	if (text.size)
		jout_text(j, text);
	else
		jout_null(j);
}

void export_case_event(struct json_out *j, const struct case_event *e)
{
	jout_open(j, '{');
	member_integer(j, "number", e->number);
	member_text(j, "event", case_event_token(e->kind));
	member_text(j, "event_zh", case_event_chinese(e->kind));
	member_text(j, "state", case_state_token(e->state));
	member_text(j, "state_zh", case_state_chinese(e->state));
	member_integer(j, "at_ms", e->at_ms);
	member_span(j, "who", e->who);
	member_span(j, "text", e->text);
	member_span(j, "document", e->document);
	if (e->has_finding)
		event_finding(j, &e->finding);
	jout_close(j, '}');
}
