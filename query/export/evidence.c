#include "query/export/evidence.h"

#include "engine/core/clock.h"
#include "query/export/export_fences.h"
#include "query/export/export_track.h"
#include "query/export/json_out.h"

static const struct {
	const char *token, *chinese, *english;
} digest_states[EVIDENCE_DIGEST_COUNT] = {
#define X(NAME, token, chinese, english) {token, chinese, english},
	EVIDENCE_DIGEST_TABLE(X)
#undef X
};

const char *evidence_digest_token(enum evidence_digest d)
{
	return digest_states[d].token;
}

const char *evidence_digest_chinese(enum evidence_digest d)
{
	return digest_states[d].chinese;
}

const char *evidence_digest_english(enum evidence_digest d)
{
	return digest_states[d].english;
}

/* --- gathering --- */

static enum status read_stretch(struct evidence *e, struct engine *engine, const struct stretch *stretch)
{
	bool drawn = stretch->device == e->row.violation->finding.device;
	struct report r;
	struct track *t;
	enum status status = track_open(engine, stretch->device, stretch->from_ms, stretch->to_ms, &t);
	if (status)
		return status;
	for (; !(status = track_next(t, &r)); e->reports++)
		if (drawn)
			thin_add(&e->thin, &r);
	track_close(t);
	return status == STATUS_END ? STATUS_OK : status;
}

static enum status read_stretches(struct evidence *e, struct engine *engine)
{
	enum status status = stretches_stored(engine_findings(engine), &e->row.violation->finding, &e->stretches);
	for (size_t i = 0; i < e->stretches.count && !status; i++)
		status = read_stretch(e, engine, &e->stretches.list[i]);
	return status;
}

static enum status make_digest(struct evidence *e, struct engine *engine)
{
	struct finding f = e->row.violation->finding;
	if (f.open) {
		e->digest_state = EVIDENCE_DIGEST_OPEN;
		return STATUS_OK;
	}
	enum status status = finding_digest_stored(engine, &f);
	memcpy(e->digest, f.digest, sizeof e->digest);
	e->digest_state = !export_has_digest(&e->row.violation->finding) ? EVIDENCE_DIGEST_NONE
			  : memcmp(f.digest, e->row.violation->finding.digest, sizeof f.digest)
				  ? EVIDENCE_DIGEST_DIFFERENT
				  : EVIDENCE_DIGEST_SAME;
	return status;
}

static enum status describe(struct evidence *e, struct engine *engine, const struct judged_by *by)
{
	const struct finding *f = &e->row.violation->finding;
	struct registry *r = engine_registry(engine);
	export_violation_describe(&e->row, r, &by->context, e->row.violation);
	e->fence = *f->fence ? fence_set_find(by->fences, span_of_string(f->fence), f->start_ms) : NULL;
	enum status status = f->device ? registry_device(r, f->device, &e->device) : STATUS_OK;
	if (status == STATUS_NOT_FOUND)
		status = STATUS_OK;
	if (!status && e->row.rule)
		status = rule_print(e->row.rule, &e->rule_text);
	return status;
}

enum status evidence_gather(struct evidence *e, struct engine *engine, const struct judged_by *by,
			    const struct violation *v, const char *made_by, int64_t made_ms)
{
	memset(e, 0, sizeof *e);
	e->row.violation = v;
	e->made_by = made_by;
	e->made_ms = made_ms;
	e->rule_text = buf_init(RULES_BYTES_MAX);
	enum status status = thin_init(&e->thin, EVIDENCE_POINTS_MAX);
	if (status)
		return status;
	status = describe(e, engine, by);
	if (!status)
		status = make_digest(e, engine);
	if (!status)
		status = read_stretches(e, engine);
	if (status)
		evidence_deinit(e);
	else
		thin_finish(&e->thin, &e->points, &e->point_count);
	return status;
}

void evidence_deinit(struct evidence *e)
{
	thin_deinit(&e->thin);
	stretches_deinit(&e->stretches);
	buf_deinit(&e->rule_text);
	device_deinit(&e->device);
}

const char *evidence_value(const struct evidence *e, enum device_field field)
{
	return export_device_value(&e->device, (uint8_t)field, e->row.violation->finding.start_ms);
}

int64_t evidence_limit_dkmh(const struct finding *f)
{
	int64_t limit = f->numbers[FINDING_LIMIT];
	bool of_speed = f->kind == RULE_OVERSPEED || f->kind == RULE_COVER || f->kind == RULE_SECTION_SPEED;
	return of_speed && limit != NUMBER_UNKNOWN ? limit : 0;
}

/* --- JSON --- */

static void member_or_null(struct json_out *j, const char *key, const char *text)
{
	jout_key(j, key);
	if (text && *text)
		jout_string(j, text);
	else
		jout_null(j);
}

static void member_rule(struct json_out *j, const struct evidence *e)
{
	const struct rule *rule = e->row.rule;
	jout_key(j, "rule");
	if (!rule) {
		jout_null(j);
		return;
	}
	jout_open(j, '{');
	member_or_null(j, "id", rule->id);
	member_or_null(j, "source", rule->source);
	jout_key(j, "version");
	jout_hex64(j, rule->version);
	jout_key(j, "judged_by_version");
	jout_hex64(j, e->row.violation->finding.rule_version);
	jout_key(j, "text");
	jout_text(j, buf_view(&e->rule_text));
	jout_close(j, '}');
}

static void member_registry(struct json_out *j, const struct evidence *e)
{
	jout_key(j, "registry");
	jout_open(j, '{');
	for (unsigned field = 1; field < DEVICE_FIELD_STREAMS; field++) {
		const char *value = evidence_value(e, (enum device_field)field);
		bool told = device_field_exists(field) && (field < DEVICE_FIELD_MMSI || value);
		if (told && field != DEVICE_FIELD_AUTH_CODE)
			member_or_null(j, device_field_token(field), value);
	}
	jout_close(j, '}');
}

static enum status member_fence(struct json_out *j, const struct evidence *e)
{
	const struct fence *f = e->fence;
	enum status status = STATUS_OK;
	jout_key(j, "fence");
	if (!f) {
		jout_null(j);
		return STATUS_OK;
	}
	jout_open(j, '{');
	member_or_null(j, "id", f->id);
	member_or_null(j, "name", f->name);
	jout_key(j, "version");
	jout_unsigned(j, f->version);
	jout_key(j, "judged_by_version");
	jout_unsigned(j, e->row.violation->finding.fence_version);
	jout_key(j, "geometry");
	if (f->area)
		status = export_fence_geometry(j, f->area);
	else
		jout_null(j);
	jout_close(j, '}');
	return status;
}

static void member_digest(struct json_out *j, const struct evidence *e)
{
	static const uint8_t none[sizeof e->digest];
	const struct finding *f = &e->row.violation->finding;
	jout_key(j, "digest");
	jout_open(j, '{');
	jout_key(j, "algorithm");
	jout_string(j, "SHA-256 over the original bodies of the reports, in order of device and time");
	jout_key(j, "stored");
	if (export_has_digest(f))
		jout_hex(j, span_of(f->digest, sizeof f->digest));
	else
		jout_null(j);
	jout_key(j, "recomputed");
	if (memcmp(e->digest, none, sizeof none))
		jout_hex(j, span_of(e->digest, sizeof e->digest));
	else
		jout_null(j);
	member_or_null(j, "result", evidence_digest_token(e->digest_state));
	member_or_null(j, "result_zh", evidence_digest_chinese(e->digest_state));
	member_or_null(j, "result_en", evidence_digest_english(e->digest_state));
	jout_close(j, '}');
}

static enum status json_head(const struct evidence *e, struct buf *out)
{
	struct json_out j = json_out_init(out);
	jout_open(&j, '{');
	jout_key(&j, "made_ms");
	jout_integer(&j, e->made_ms);
	member_or_null(&j, "made_by", e->made_by);
	jout_key(&j, "violation");
	jout_open(&j, '{');
	export_violation_members(&j, &e->row);
	jout_close(&j, '}');
	member_rule(&j, e);
	member_registry(&j, e);
	enum status status = member_fence(&j, e);
	member_digest(&j, e);
	jout_key(&j, "history");
	jout_open(&j, '[');
	return status ? status : j.status;
}

static enum status json_event(const struct case_event *event, struct buf *out)
{
	struct json_out j = json_out_init(out);
	j.comma = event->number > 1;
	export_case_event(&j, event);
	return j.status;
}

static enum status json_middle(const struct evidence *e, struct buf *out)
{
	return buf_printf(out, "],\"report_count\":%llu,\"reports\":[", (unsigned long long)e->reports);
}

static enum status json_report(uint64_t number, uint64_t device, const struct report *r, struct buf *out)
{
	struct json_out j = json_out_init(out);
	struct buf body = buf_init(REPORT_BODY_MAX + 64);
	enum status status = report_body(r, &body);
	j.comma = number > 1;
	jout_open(&j, '{');
	jout_key(&j, "device");
	jout_hex64(&j, device);
	export_report_members(&j, r, false);
	jout_key(&j, "body");
	jout_hex(&j, buf_view(&body));
	jout_close(&j, '}');
	buf_deinit(&body);
	return status ? status : j.status;
}

static enum status json_tail(const struct evidence *e, struct buf *out)
{
	(void)e;
	return buf_append(out, "]}\n", 3);
}

const struct evidence_writer evidence_json = {"application/json", json_head,   json_event,
					      json_middle,        json_report, json_tail};
