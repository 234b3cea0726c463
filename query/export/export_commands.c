#include "query/export/export_commands.h"

#include <stdio.h>
#include <string.h>

#include "engine/core/clock.h"

/* --- content --- */

static void member_text(struct json_out *j, const char *key, const char *text)
{
	jout_key(j, key);
	if (text && *text)
		jout_string(j, text);
	else
		jout_null(j);
}

static void member_time(struct json_out *j, const char *key, int64_t ms)
{
	jout_key(j, key);
	jout_time(j, ms);
}

static void member_number(struct json_out *j, const char *key, int64_t v)
{
	jout_key(j, key);
	jout_integer(j, v);
}

static void member_flag(struct json_out *j, const char *key, bool v)
{
	jout_key(j, key);
	jout_bool(j, v);
}

static void message_members(struct json_out *j, const struct command_text *t)
{
	member_text(j, "text", t->text);
	member_text(j, "type", t->type == COMMAND_TEXT_SERVICE ? "service" : "notice");
	member_flag(j, "urgent", t->flags & COMMAND_TEXT_URGENT);
	member_flag(j, "display", t->flags & COMMAND_TEXT_DISPLAY);
	member_flag(j, "speech", t->flags & COMMAND_TEXT_SPEECH);
	member_flag(j, "advert", t->flags & COMMAND_TEXT_ADVERT);
}

static void parameter_value(struct json_out *j, const struct command_parameters *p, const struct command_parameter *i)
{
	struct span value = command_parameter_value(p, i);
	char hours[16];
	switch ((enum parameter_form)i->form) {
	case PARAMETER_BYTE:
	case PARAMETER_WORD:
	case PARAMETER_DWORD:
		jout_unsigned(j, i->number);
		return;
	case PARAMETER_TEXT:
		jout_text(j, value);
		return;
	case PARAMETER_BYTES:
		jout_hex(j, value);
		return;
	case PARAMETER_HOURS:
		snprintf(hours, sizeof hours, "%02u:%02u-%02u:%02u", i->number >> 24, i->number >> 16 & 0xff,
			 i->number >> 8 & 0xff, i->number & 0xff);
		jout_string(j, hours);
		return;
	}
	jout_null(j); /* a question has none */
}

static void parameter_members(struct json_out *j, const struct command_parameters *p)
{
	jout_key(j, "parameters");
	jout_open(j, '[');
	for (unsigned i = 0; i < p->count; i++) {
		const struct parameter_definition *d = parameter_find(p->items[i].id);
		char id[12];
		snprintf(id, sizeof id, "%04X", p->items[i].id);
		jout_open(j, '{');
		member_text(j, "id", id);
		member_text(j, "name", d ? d->name : NULL);
		jout_key(j, "value");
		parameter_value(j, p, &p->items[i]);
		jout_close(j, '}');
	}
	jout_close(j, ']');
}

static void area_members(struct json_out *j, const struct command_area *a)
{
	member_text(j, "shape", area_shape_token(a->shape));
	member_number(j, "area_id", a->id);
	member_text(j, "name", a->name);
	member_number(j, "flags", a->flags);
	member_number(j, "limit_kmh", a->limit_kmh);
	member_number(j, "points", a->point_count);
	if (a->shape == AREA_CIRCLE)
		member_number(j, "radius_m", a->radius_m);
	if (a->shape == AREA_ROUTE)
		member_number(j, "width_m", a->width_m);
	if (a->time == AREA_SPAN) {
		member_time(j, "from", a->from);
		member_time(j, "to", a->to);
	} else if (a->time == AREA_DAILY) {
		member_number(j, "from_s", a->from);
		member_number(j, "to_s", a->to);
	}
}

static void ids_members(struct json_out *j, const struct command_ids *ids)
{
	member_text(j, "shape", area_shape_token(ids->shape));
	jout_key(j, "area_ids");
	jout_open(j, '[');
	for (unsigned i = 0; i < ids->count; i++)
		jout_unsigned(j, ids->ids[i]);
	jout_close(j, ']');
}

static void position_members(struct json_out *j, const struct command_position *p)
{
	member_time(j, "time", p->time_ms);
	jout_key(j, "lat");
	jout_fixed(j, p->lat_e7, 7);
	jout_key(j, "lon");
	jout_fixed(j, p->lon_e7, 7);
	jout_key(j, "speed_kmh");
	jout_fixed(j, p->speed_dkmh, 1);
	member_number(j, "course_deg", p->course_deg);
	member_number(j, "altitude_m", p->altitude_m);
	member_number(j, "alarm", p->alarm);
	member_number(j, "status", p->status);
}

static void raw_members(struct json_out *j, const struct command_raw *r)
{
	char id[8];
	snprintf(id, sizeof id, "%04X", r->message_id);
	member_text(j, "message", id);
	jout_key(j, "body");
	jout_hex(j, span_of(r->bytes, r->size));
}

static void content_members(struct json_out *j, const struct command_content *c)
{
	switch ((enum command_kind)c->kind) {
	case COMMAND_TEXT:
		message_members(j, &c->text);
		return;
	case COMMAND_SET_PARAMETERS:
	case COMMAND_QUERY_PARAMETERS:
	case COMMAND_PARAMETERS:
		parameter_members(j, &c->parameters);
		return;
	case COMMAND_LOCATE:
	case COMMAND_IDENTIFY_DRIVER:
		return;
	case COMMAND_TRACK:
		member_number(j, "interval_s", c->track.interval_s);
		member_number(j, "for_s", c->track.for_s);
		return;
	case COMMAND_CONFIRM_ALARM:
		member_number(j, "serial", c->confirm.serial);
		member_number(j, "bits", c->confirm.bits);
		return;
	case COMMAND_SET_AREA:
		area_members(j, &c->area);
		return;
	case COMMAND_DELETE_AREAS:
	case COMMAND_QUERY_AREAS:
		ids_members(j, &c->ids);
		return;
	case COMMAND_POSITION:
		position_members(j, &c->position);
		return;
	case COMMAND_RAW:
		raw_members(j, &c->raw);
		return;
	}
}

static void content_object(struct json_out *j, const char *key, const struct command_content *c)
{
	jout_key(j, key);
	if (!c) {
		jout_null(j);
		return;
	}
	jout_open(j, '{');
	member_text(j, "kind", command_kind_token(c->kind));
	content_members(j, c);
	jout_close(j, '}');
}

/* --- a command --- */

static void member_result(struct json_out *j, uint8_t result)
{
	static const char *const words[] = {"ok", "failed", "bad message", "unsupported"};
	jout_key(j, "result");
	if (result < sizeof words / sizeof *words)
		jout_string(j, words[result]);
	else if (result == COMMAND_NO_RESULT)
		jout_null(j);
	else
		jout_unsigned(j, result);
}

void export_command_members(struct json_out *j, const struct command *c)
{
	jout_key(j, "id");
	jout_unsigned(j, c->id);
	jout_key(j, "device");
	jout_hex64(j, c->device);
	member_text(j, "kind", command_kind_token(c->content.kind));
	member_text(j, "kind_zh", command_kind_chinese(c->content.kind));
	member_text(j, "state", command_state_token(c->state));
	member_text(j, "state_zh", command_state_chinese(c->state));
	member_result(j, c->result);
	member_text(j, "who", c->who);
	member_flag(j, "by_rule", c->by_rule);
	member_text(j, "why", c->why);
	member_text(j, "note", c->note);
	jout_key(j, "violation");
	if (c->violation)
		jout_unsigned(j, c->violation);
	else
		jout_null(j);
	member_time(j, "created", c->created_ms);
	member_time(j, "not_before", c->not_before_ms ? c->not_before_ms : INT64_MIN);
	member_time(j, "expires", c->expires_ms);
	member_time(j, "sent", c->sent_ms);
	member_time(j, "ended", c->ended_ms);
	jout_key(j, "tries");
	jout_unsigned(j, c->tries);
	content_object(j, "content", &c->content);
	content_object(j, "answer", c->has_answer ? &c->answer : NULL);
}

void export_command_event(struct json_out *j, const struct command_event *e)
{
	jout_open(j, '{');
	jout_key(j, "number");
	jout_unsigned(j, e->number);
	member_text(j, "state", command_state_token(e->state));
	member_result(j, e->result);
	member_time(j, "at", e->at_ms);
	jout_key(j, "who");
	jout_text(j, e->who);
	jout_key(j, "text");
	jout_text(j, e->text);
	jout_close(j, '}');
}

/* --- the ledger --- */

/* What both forms say of an act, as texts. */
struct act_texts {
	char violation[24], device[20], raised[TIME_TEXT_MAX], at[TIME_TEXT_MAX], ended[TIME_TEXT_MAX], result[8];
	char who[COMMAND_WHY_MAX + 1], words[CASE_TEXT_MAX + COMMAND_UTF8_MAX];
	const char *act, *answer;
	bool by_rule;
};

static void time_text(int64_t ms, char out[TIME_TEXT_MAX])
{
	out[0] = '\0';
	if (ms != INT64_MIN && ms != INT64_MAX)
		time_format(ms, 0, out);
}

static void act_describe(const struct ledger_act *a, struct act_texts *t)
{
	const struct violation *v = a->about->violation;
	*t = (struct act_texts){.act = "none", .answer = ""};
	snprintf(t->violation, sizeof t->violation, "%llu", (unsigned long long)v->id);
	snprintf(t->device, sizeof t->device, "%016llx", (unsigned long long)v->finding.device);
	time_text(v->raised_ms, t->raised);
	if (a->reminder) {
		const struct command *c = a->reminder;
		t->act = "reminder";
		t->answer = command_state_token(c->state);
		t->by_rule = c->by_rule;
		snprintf(t->who, sizeof t->who, "%s", c->who);
		snprintf(t->words, sizeof t->words, "%s", c->content.kind == COMMAND_TEXT ? c->content.text.text : "");
		time_text(c->created_ms, t->at);
		time_text(c->ended_ms, t->ended);
		if (c->result != COMMAND_NO_RESULT)
			snprintf(t->result, sizeof t->result, "%u", c->result);
	} else if (a->handling) {
		const struct case_event *e = a->handling;
		t->act = "handling";
		t->by_rule = e->who.size > 5 && memcmp(e->who.data, "rule:", 5) == 0;
		snprintf(t->who, sizeof t->who, "%.*s", (int)e->who.size, (const char *)e->who.data);
		snprintf(t->words, sizeof t->words, "%.*s", (int)e->text.size, (const char *)e->text.data);
		time_text(e->at_ms, t->at);
	}
}

static enum status act_csv(const struct ledger_act *a, const struct act_texts *t, struct buf *out)
{
	const struct export_violation *e = a->about;
	const char *fields[] = {t->violation,
				e->violation->finding.rule,
				e->rule ? e->rule->title_zh : "",
				t->device,
				e->plate ? e->plate : "",
				e->company ? e->company : "",
				t->raised,
				e->violation->handled ? "yes" : "no",
				t->act,
				t->who,
				t->by_rule ? "yes" : "no",
				t->at,
				t->words,
				t->answer,
				t->result,
				t->ended};
	enum status status = STATUS_OK;
	for (size_t i = 0; i < sizeof fields / sizeof *fields && !status; i++) {
		if (i)
			status = buf_append_u8(out, ',');
		if (!status)
			status = csv_append(out, span_of_string(fields[i]));
	}
	return status ? status : buf_append_u8(out, '\n');
}

static enum status act_json(const struct ledger_act *a, const struct act_texts *t, struct buf *out)
{
	const struct export_violation *e = a->about;
	struct json_out j = json_out_init(out);
	jout_open(&j, '{');
	jout_key(&j, "violation");
	jout_unsigned(&j, e->violation->id);
	member_text(&j, "rule", e->violation->finding.rule);
	member_text(&j, "title_zh", e->rule ? e->rule->title_zh : NULL);
	member_text(&j, "device", t->device);
	member_text(&j, "plate", e->plate);
	member_text(&j, "company", e->company);
	member_text(&j, "raised", t->raised);
	member_flag(&j, "handled", e->violation->handled);
	member_text(&j, "act", t->act);
	member_text(&j, "who", t->who);
	member_flag(&j, "by_rule", t->by_rule);
	member_text(&j, "at", t->at);
	member_text(&j, "words", t->words);
	member_text(&j, "answer", t->answer);
	if (a->reminder)
		member_result(&j, a->reminder->result);
	else
		member_text(&j, "result", NULL);
	member_text(&j, "ended", t->ended);
	jout_close(&j, '}');
	return j.status;
}

enum status export_ledger_act(const struct ledger_act *a, enum export_format format, struct buf *out)
{
	struct act_texts t;
	act_describe(a, &t);
	return format == EXPORT_CSV ? act_csv(a, &t, out) : act_json(a, &t, out);
}
