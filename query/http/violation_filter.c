#include "query/http/violation_filter.h"

#include <stdio.h>

#include "engine/core/clock.h"
#include "engine/detect/authority.h"
#include "query/http/http_problem.h"

static bool refuse(struct http_call *c, const char *parameter, const char *detail)
{
	http_problem_send(c->x, HTTP_PROBLEM_BAD_PARAMETER, parameter, detail);
	return false;
}

static bool read_kind(struct violation_filter *f, const struct http_value *v)
{
	if (!v->set)
		return true;
	for (unsigned kind = 1; kind < RULE_KIND_COUNT; kind++)
		if (rule_kind_exists(kind) && span_equal(v->text, span_of_string(rule_kind_token(kind)))) {
			f->kind = (uint8_t)kind;
			return true;
		}
	return refuse(f->call, "kind", "no such kind of rule");
}

static bool read_device(struct violation_filter *f, const struct http_value *v)
{
	f->has_device = v->set;
	if (!v->set)
		return true;
	enum status status = device_reference(f->registry, v->text, f->now_ms, &f->device);
	if (!status && scope_allows(f->registry, &f->call->principal, f->device, f->now_ms))
		return true;
	if (status == STATUS_MALFORMED)
		return refuse(f->call, "device", "a device is 16 hex digits, phone:NUMBER or plate:COLOUR:PLATE");
	http_problem_send(f->call->x, HTTP_PROBLEM_NO_DEVICE, "device", "no such device, or outside your scope");
	return false;
}

static bool read_driver(struct violation_filter *f, const struct http_value *v)
{
	return !v->set || (!parse_hex64(v->text, &f->driver) && f->driver) ||
	       refuse(f->call, "driver", "a driver is 16 hex digits, not all 0");
}

/* As the registry writes it; a plate alone borrows a colour to be read with. */
static bool read_plate(struct violation_filter *f, const struct http_value *v)
{
	char text[DEVICE_VALUE_MAX + 3];
	if (!v->set)
		return true;
	f->has_plate_colour = memchr(v->text.data, ':', v->text.size) != NULL;
	snprintf(text, sizeof text, "%s%.*s", f->has_plate_colour ? "" : "2:", (int)v->text.size,
		 (const char *)v->text.data);
	if (!device_value_normalise(DEVICE_FIELD_PLATE, span_of_string(text), f->plate) && *f->plate)
		return true;
	return refuse(f->call, "plate", "a plate is COLOUR:PLATE, or the plate alone");
}

static bool read_times(struct violation_filter *f, const struct http_value *v)
{
	f->from_ms = value_or(&v[VIOLATION_FROM], INT64_MIN);
	f->to_ms = value_or(&v[VIOLATION_TO], INT64_MAX);
	f->as_of_ms = value_or(&v[VIOLATION_AS_OF], INT64_MAX);
	return f->from_ms <= f->to_ms || refuse(f->call, "from", "`from` is after `to`");
}

static void read_box(struct violation_filter *f, const struct http_box *b)
{
	f->box = (struct box){b->lat_min_e7, b->lon_min_e7, b->lat_max_e7, b->lon_max_e7};
}

bool violation_filter_read(struct violation_filter *f, struct http_call *c)
{
	struct engine *e = http_engine(c->http);
	const struct http_value *v = c->values;
	*f = (struct violation_filter){
		.call = c, .registry = engine_registry(e), .findings = engine_findings(e), .now_ms = clock_now_ms()};
	if (!read_times(f, v) || !read_kind(f, &v[VIOLATION_KIND]) || !read_plate(f, &v[VIOLATION_PLATE]) ||
	    !read_driver(f, &v[VIOLATION_DRIVER]) || !read_device(f, &v[VIOLATION_DEVICE]))
		return false;
	read_box(f, &v[VIOLATION_BOX].box);
	if (v[VIOLATION_STATE].set && case_state_parse(v[VIOLATION_STATE].text, &f->state))
		return refuse(c, "state", "pending, confirmed, rejected, transferred or withdrawn");
	f->by = context_take(engine_context(e));
	return true;
}

void violation_filter_deinit(struct violation_filter *f)
{
	judged_by_release(f->by);
}

bool violation_in_scope(const struct http_call *c, const struct finding *f, int64_t now_ms)
{
	return scope_allows(engine_registry(http_engine(c->http)), &c->principal, f->device, now_ms);
}

static bool text_fits(const struct http_value *wanted, const char *text)
{
	return !wanted->set || (text && span_equal(wanted->text, span_of_string(text)));
}

static bool plate_fits(const struct violation_filter *f, const char *plate)
{
	if (!*f->plate)
		return true;
	if (!plate || f->has_plate_colour)
		return plate && !strcmp(plate, f->plate);
	const char *number = strchr(plate, ':');
	return number && !strcmp(number, strchr(f->plate, ':'));
}

/* What the finding says of itself, before the registry is asked. */
static bool finding_fits(const struct violation_filter *f, const struct violation *v)
{
	const struct http_value *values = f->call->values;
	const struct finding *x = &v->finding;
	return text_fits(&values[VIOLATION_RULE], x->rule) && text_fits(&values[VIOLATION_FENCE], x->fence) &&
	       (!f->kind || f->kind == x->kind) && (!values[VIOLATION_STATE].set || f->state == v->state) &&
	       (!f->has_device || f->device == x->device) && (!f->driver || f->driver == x->driver) &&
	       (!values[VIOLATION_BOX].set || box_contains(&f->box, x->start_lat_e7, x->start_lon_e7)) &&
	       x->found_ms <= f->as_of_ms;
}

static bool authority_fits(const struct http_value *wanted, const struct rule *rule)
{
	return !wanted->set || (rule && authority_listed(span_of_string(rule->authority), wanted->text));
}

static bool row_fits(const struct violation_filter *f, const struct export_violation *e)
{
	const struct http_value *values = f->call->values, *severity = &values[VIOLATION_SEVERITY];
	return text_fits(&values[VIOLATION_COMPANY], e->company) && text_fits(&values[VIOLATION_VILLAGE], e->village) &&
	       plate_fits(f, e->plate) && authority_fits(&values[VIOLATION_AUTHORITY], e->rule) &&
	       (!severity->set || (e->rule && e->rule->severity == severity->number));
}

struct filter_walk {
	struct violation_filter *filter;
	violation_filter_visit *visit;
	void *context;
	uint64_t seen;
};

static enum status visit_violation(void *context, const struct violation *v)
{
	struct filter_walk *w = context;
	struct violation_filter *f = w->filter;
	struct export_violation e;
	if (++w->seen % 256 == 0 && exchange_is_cancelled(f->call->x))
		return STATUS_CANCELLED;
	if (!finding_fits(f, v) || !violation_in_scope(f->call, &v->finding, f->now_ms))
		return STATUS_OK;
	export_violation_describe(&e, f->registry, &f->by->context, v);
	return row_fits(f, &e) ? w->visit(w->context, &e) : STATUS_OK;
}

enum status violation_filter_scan(struct violation_filter *f, int64_t after_ms, uint64_t after_id,
				  violation_filter_visit *visit, void *context)
{
	struct filter_walk w = {f, visit, context, 0};
	return violations_scan(f->findings, f->from_ms, f->to_ms, after_ms, after_id, visit_violation, &w);
}
