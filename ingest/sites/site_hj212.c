/* site_hj212.c -- what a message of HJ 212 says of a site.
 *
 *   site      by MN; PW as the sites file has it
 *   streams   CODE (realtime, CN 2011), CODE.minute.avg .min .max .cou (2051), CODE.hour.* (2061), CODE.day.* (2031)
 *             CODE.run   state of a plant (field RS)
 *
 * Data is answered with 9014, notices with 9013, when they ask for it; what is refused with 9011 and the reason that
 * the standard has for it. Packets are whole messages each. */
#include <stdio.h>

#include "ingest/sensors/hj212.h"
#include "ingest/sites/site_session.h"

#define LOGIN_HEARTBEAT 9021u
/* QnRtn of 9011: HJ 212-2017, table of return codes */
#define RETURN_REFUSED 2u
#define RETURN_WRONG_PASSWORD 3u
#define RETURN_WRONG_NUMBER 4u

static const struct {
	const char *code, *unit;
} units[] = {{"w01010", "Cel"},  {"w01003", "NTU"},  {"w01009", "mg/L"}, {"w01018", "mg/L"},
	     {"w01019", "mg/L"}, {"w21001", "mg/L"}, {"w21003", "mg/L"}, {"w21011", "mg/L"}};

static const char *unit_of(struct span code)
{
	for (size_t i = 0; i < sizeof units / sizeof *units; i++)
		if (span_equal(code, span_of_string(units[i].code)))
			return units[i].unit;
	return "";
}

/* What stands between a code and a figure for data of this command; NULL: none of these. */
static const char *span_of_command(uint32_t cn)
{
	switch (cn) {
	case 2011:
		return "";
	case 2051:
		return ".minute";
	case 2061:
		return ".hour";
	case 2031:
		return ".day";
	default:
		return NULL;
	}
}

static bool is_code(struct span code)
{
	bool good = code.size && code.size <= 32;
	for (size_t i = 0; i < code.size && good; i++)
		good = code.data[i] > ' ' && code.data[i] < 0x7f;
	return good;
}

/* One quantity's figures. */
static enum status put_reading(const struct site_session *s, struct site_frame *f, const struct hj212_reading *r,
			       const char *span, int64_t default_ms)
{
	static const char *const names[HJ212_FIGURE_COUNT] = {"", ".avg", ".min", ".max", ".cou"};
	enum status status = STATUS_OK;
	if (!is_code(r->code)) {
		f->untold++;
		return STATUS_OK;
	}
	for (unsigned i = 0; i < HJ212_FIGURE_COUNT && !status; i++) {
		if (!r->has[i])
			continue;
		struct value v = r->figures[i];
		v.time_ms = r->has_time ? r->time_ms : default_ms;
		v.quality = r->quality;
		status = site_frame_add(s, f, &v, STREAM_GAUGE, i == HJ212_COU ? "" : unit_of(r->code), "%.*s%s%s",
					(int)r->code.size, (const char *)r->code.data, span, names[i]);
	}
	return status;
}

/* CODE-RS=1: whether a plant runs. */
static enum status put_runs(const struct site_session *s, struct site_frame *f, struct span cp, int64_t default_ms)
{
	struct hj212_items items = hj212_items_of(cp);
	struct hj212_item item;
	struct value v = {.time_ms = default_ms};
	enum status status, next;
	while ((next = hj212_items_next(&items, &item)) != STATUS_END) {
		int64_t ms;
		if (!next && span_equal(item.field, span_of_string("DataTime")) &&
		    hj212_time_parse(item.value, &ms) == STATUS_OK)
			v.time_ms = ms;
		if (next || !span_equal(item.field, span_of_string("RS")) || !is_code(item.code) ||
		    value_parse_number(item.value, &v))
			continue;
		status = site_frame_add(s, f, &v, STREAM_STATE, "", "%.*s.run", (int)item.code.size,
					(const char *)item.code.data);
		if (status)
			return status;
	}
	return STATUS_OK;
}

static enum status put_all(const struct site_session *s, struct site_frame *f, const struct hj212_message *m,
			   int64_t default_ms)
{
	const char *span = span_of_command(m->cn);
	struct hj212_readings readings = hj212_readings_of(m->cp);
	struct hj212_reading r;
	enum status status = STATUS_OK;
	while (span && !status && (status = hj212_readings_next(&readings, &r)) == STATUS_OK)
		status = put_reading(s, f, &r, span, default_ms);
	if (status && status != STATUS_END)
		return status;
	return put_runs(s, f, m->cp, default_ms);
}

static bool is_notice(uint32_t cn)
{
	return cn == LOGIN_HEARTBEAT;
}

static enum status password(const struct site_frame *f, const struct hj212_message *m)
{
	const char *wanted = f->device ? f->device->password : "";
	return *wanted && !span_equal(m->pw, span_of_string(wanted)) ? STATUS_DENIED : STATUS_OK;
}

static enum status write_answers(const struct hj212_message *m, enum status refused, struct site_frame *f)
{
	unsigned why = refused == STATUS_NOT_FOUND ? RETURN_WRONG_NUMBER
		       : refused == STATUS_DENIED  ? RETURN_WRONG_PASSWORD
						   : RETURN_REFUSED;
	if (!hj212_answer_wanted(m))
		return STATUS_OK;
	enum status status = hj212_answer_encode(m, HJ212_REQUEST_ANSWER, why, &f->bad);
	if (status || refused)
		return status;
	return hj212_answer_encode(m, is_notice(m->cn) ? HJ212_NOTICE_ANSWER : HJ212_DATA_ANSWER, 0, &f->good);
}

enum status site_take_hj212(struct site_session *s, struct span raw, int64_t now_ms, struct site_frame *out)
{
	struct hj212_message m;
	enum status status = hj212_decode(raw, &m);
	if (status)
		return status;
	if (m.cn >= HJ212_REQUEST_ANSWER && m.cn <= HJ212_DATA_ANSWER) {
		out->heartbeat = true; /* what answers us */
		return STATUS_OK;
	}
	status = site_frame_who(s, out, m.mn);
	if (!status)
		status = password(out, &m);
	enum status written = write_answers(&m, status, out);
	if (status || written)
		return status ? status : written;
	out->heartbeat = is_notice(m.cn);
	if (!out->heartbeat && !span_of_command(m.cn) && m.cn != 2021)
		out->untold++;
	return put_all(s, out, &m, m.qn_known ? m.qn_ms : now_ms);
}
