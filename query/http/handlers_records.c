/* handlers_records.c -- what was refused, and who looked at what. */
#include <stdio.h>
#include <stdlib.h>

#include "engine/core/clock.h"
#include "query/export/export_format.h"
#include "query/export/json_out.h"
#include "query/http/http_handlers.h"
#include "query/http/http_problem.h"
#include "query/http/http_stream.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define RECORDS_MAX 1000
#define RECORDS_DEFAULT 100
#define QUARANTINE_BODY_MAX 2048

enum { LIMIT, BEFORE };

static const struct http_param newest_params[] = {
	[LIMIT] = {"limit", HTTP_PARAM_INTEGER, false, 1, RECORDS_MAX, NULL, "rows of one answer; 100 when left out"},
	[BEFORE] = {"before", HTTP_PARAM_TIME, false, 0, 0, NULL, "only what is older; `next` of the answer before"},
};

/* --- quarantine --- */

/* One row, as engine/fleet keeps it: key received (biased) | hash; value version 1, device u64, message id u16,
 * reason u8 (little-endian), then the bytes that were refused. */
struct refusal {
	int64_t received_ms;
	uint64_t device;
	uint16_t message_id;
	uint8_t reason;
	uint32_t size;                      /* of all bytes */
	uint8_t bytes[QUARANTINE_BODY_MAX]; /* the first of them */
};

struct refusals {
	struct refusal *ring; /* `max` of them: the newest seen */
	size_t max, count, first;
	int64_t from_ms, before_ms;
};

static enum status visit_refusal(void *context, struct span key, struct span value)
{
	struct refusals *q = context;
	if (key.size != 16 || value.size < 12 || value.data[0] != 1)
		return STATUS_BAD_VERSION;
	int64_t received_ms = (int64_t)(load_be64(key.data) ^ UINT64_C(1) << 63);
	if (received_ms >= q->before_ms)
		return STATUS_END;
	size_t at = (q->first + q->count) % q->max;
	if (q->count == q->max)
		q->first = (q->first + 1) % q->max;
	else
		q->count++;
	struct refusal *r = &q->ring[at];
	r->received_ms = received_ms;
	r->device = load_le64(value.data + 1);
	r->message_id = load_le16(value.data + 9);
	r->reason = value.data[11];
	r->size = (uint32_t)(value.size - 12);
	memcpy(r->bytes, value.data + 12, r->size < QUARANTINE_BODY_MAX ? r->size : QUARANTINE_BODY_MAX);
	return STATUS_OK;
}

/* The store walks forward only: look back an hour, then eight times as far, until the page is full or nothing
 * older can be. */
static enum status newest_refusals(struct store *s, struct refusals *q)
{
	uint8_t start[8];
	int64_t back_ms = MS_PER_HOUR;
	enum status status;
	for (;;) {
		bool all = back_ms > q->before_ms;
		q->from_ms = all ? 0 : q->before_ms - back_ms;
		q->count = q->first = 0;
		store_be64(start, (uint64_t)q->from_ms ^ UINT64_C(1) << 63);
		status = store_scan_from(s, STORE_QUARANTINE, span_of(start, sizeof start), visit_refusal, q);
		status = status == STATUS_END ? STATUS_OK : status;
		if (status || all || q->count == q->max)
			return status;
		back_ms *= 8;
	}
}

static void refusal_object(struct json_out *j, const struct refusal *r)
{
	char id[8];
	snprintf(id, sizeof id, "0x%04x", r->message_id);
	jout_open(j, '{');
	jout_key(j, "received");
	jout_time(j, r->received_ms);
	jout_key(j, "device");
	if (r->device)
		jout_hex64(j, r->device);
	else
		jout_null(j);
	jout_key(j, "message");
	jout_string(j, id);
	jout_key(j, "reason");
	jout_string(j, status_text((enum status)r->reason));
	jout_key(j, "size");
	jout_unsigned(j, r->size);
	jout_key(j, "bytes");
	jout_hex(j, span_of(r->bytes, r->size < QUARANTINE_BODY_MAX ? r->size : QUARANTINE_BODY_MAX));
	jout_close(j, '}');
}

static enum status write_refusals(struct http_stream *s, struct refusals *q)
{
	struct json_out j = json_out_init(&s->chunk);
	jout_open(&j, '{');
	jout_key(&j, "refused");
	jout_open(&j, '[');
	for (size_t i = q->count; i-- > 0 && !j.status;) {
		refusal_object(&j, &q->ring[(q->first + i) % q->max]);
		if (!j.status)
			j.status = stream_flush(s, false);
	}
	jout_close(&j, ']');
	jout_key(&j, "next");
	if (q->count == q->max)
		jout_time(&j, q->ring[q->first].received_ms);
	else
		jout_null(&j);
	jout_close(&j, '}');
	return j.status ? j.status : buf_append_u8(&s->chunk, '\n');
}

static void get_quarantine(struct http_call *c)
{
	struct http_stream s;
	struct refusals q = {.max = (size_t)value_or(&c->values[LIMIT], RECORDS_DEFAULT)};
	q.before_ms = value_or(&c->values[BEFORE], clock_now_ms() + MS_PER_DAY);
	if (!call_may_write(c))
		return; /* refused bytes belong to nobody's scope */
	q.ring = malloc(q.max * sizeof *q.ring);
	if (!q.ring) {
		http_problem_of_status(c->x, STATUS_NO_MEMORY);
		return;
	}
	stream_begin(&s, c, "application/json");
	enum status status = newest_refusals(engine_store(http_engine(c->http)), &q);
	stream_close(&s, status ? status : write_refusals(&s, &q));
	free(q.ring);
}

/* --- audit --- */

enum { AUDIT_LIMIT, AUDIT_BEFORE, AUDIT_FROM, AUDIT_DEVICE, AUDIT_FORMAT, AUDIT_TEXTS };

/* X(parameter and column, member, "about"): texts of an entry, exactly */
#define AUDIT_TEXT_TABLE(X)                                                                                            \
	X("who", who.name, "name of whoever asked")                                                                    \
	X("role", who.role, "his role")                                                                                \
	X("unit", who.unit, "his office, station or enterprise")                                                       \
	X("scope", who.scope, "what he sees")                                                                          \
	X("action", action, "such as track, evidence, who-was, login")                                                 \
	X("case", case_number, "case number")                                                                          \
	X("subject", subject, "what it was done to, such as an account")                                               \
	X("address", address, "where it came from")

static const struct http_param audit_params[] = {
	[AUDIT_LIMIT] = {"limit", HTTP_PARAM_INTEGER, false, 1, RECORDS_MAX, NULL,
			 "rows of one answer; 100 when left out, of CSV all"},
	[AUDIT_BEFORE] = {"before", HTTP_PARAM_TIME, false, 0, 0, NULL,
			  "only what is older; `next` of the answer before"},
	[AUDIT_FROM] = {"from", HTTP_PARAM_TIME, false, 0, 0, NULL, "only what is of then or later"},
	[AUDIT_DEVICE] = {"device", HTTP_PARAM_TEXT, false, 0, DEVICE_VALUE_MAX + 8, NULL,
			  "16 hex digits, phone:NUMBER or plate:COLOUR:PLATE"},
	[AUDIT_FORMAT] = {"format", HTTP_PARAM_CHOICE, false, 0, 0, "json|csv", "json when left out"},
#define X(name, member, about) {name, HTTP_PARAM_TEXT, false, 0, 127, NULL, about ", exactly"},
	AUDIT_TEXT_TABLE(X)
#undef X
};

struct audit_page {
	struct http_stream *s;
	struct json_out j;
	bool csv;
	uint64_t device; /* 0: any */
	int64_t from_ms;
	uint64_t rows, limit, seen;
	int64_t last_ms;
	bool more;
};

static bool text_fits(const struct http_value *wanted, const char *text)
{
	return !wanted->set || span_equal(wanted->text, span_of_string(text));
}

static bool entry_fits(const struct audit_page *p, const struct audit_entry *e)
{
	const struct http_value *v = &p->s->call->values[AUDIT_TEXTS];
	bool fits = !p->device || p->device == e->device;
#define X(name, member, about) fits = text_fits(v++, e->member) && fits;
	AUDIT_TEXT_TABLE(X)
#undef X
	return fits;
}

/* Logins and accounts are of no span of time. */
static bool has_span(const struct audit_entry *e)
{
	return e->from_ms || e->to_ms;
}

static void entry_object(struct json_out *j, const struct audit_entry *e)
{
	jout_open(j, '{');
	jout_key(j, "at");
	jout_time(j, e->at_ms);
#define X(name, member, about)                                                                                         \
	jout_key(j, name);                                                                                             \
	jout_string(j, e->member);
	AUDIT_TEXT_TABLE(X)
#undef X
	jout_key(j, "purpose");
	jout_string(j, e->purpose);
	jout_key(j, "device");
	if (e->device)
		jout_hex64(j, e->device);
	else
		jout_null(j);
	jout_key(j, "from");
	jout_time(j, has_span(e) ? e->from_ms : INT64_MIN);
	jout_key(j, "to");
	jout_time(j, has_span(e) ? e->to_ms : INT64_MIN);
	jout_close(j, '}');
}

static enum status entry_csv(struct buf *out, const struct audit_entry *e)
{
	char device[17];
	uint8_t be[8];
	enum status status = time_append(out, e->at_ms);
#define X(name, member, about)                                                                                         \
	if (!status)                                                                                                   \
		status = buf_append_u8(out, ',');                                                                      \
	if (!status)                                                                                                   \
		status = csv_append(out, span_of_string(e->member));
	AUDIT_TEXT_TABLE(X)
	X("purpose", purpose, "")
#undef X
	store_be64(be, e->device);
	hex_encode(device, span_of(be, sizeof be));
	if (!status)
		status = buf_printf(out, ",%s,", e->device ? device : "");
	if (!status)
		status = time_append(out, has_span(e) ? e->from_ms : INT64_MIN);
	if (!status)
		status = buf_append_u8(out, ',');
	if (!status)
		status = time_append(out, has_span(e) ? e->to_ms : INT64_MIN);
	return status ? status : buf_append(out, "\r\n", 2);
}

/* A page ends between two instants: `next` is one. */
static enum status visit_audit(void *context, const struct audit_entry *e)
{
	struct audit_page *p = context;
	if (++p->seen % 1024 == 0 && exchange_is_cancelled(p->s->call->x))
		return STATUS_CANCELLED;
	if (e->at_ms < p->from_ms)
		return STATUS_END;
	if (!entry_fits(p, e))
		return STATUS_OK;
	p->more = p->rows >= p->limit && e->at_ms != p->last_ms;
	if (p->more)
		return STATUS_END;
	p->rows++;
	p->last_ms = e->at_ms;
	if (p->csv)
		p->j.status = entry_csv(&p->s->chunk, e);
	else
		entry_object(&p->j, e);
	return p->j.status ? p->j.status : stream_flush(p->s, false);
}

static enum status begin_audit(struct audit_page *p)
{
	if (p->csv)
#define X(name, member, about) name ","
		return buf_printf(&p->s->chunk, "at," AUDIT_TEXT_TABLE(X) "purpose,device,from,to\r\n");
#undef X
	p->j = json_out_init(&p->s->chunk);
	jout_open(&p->j, '{');
	jout_key(&p->j, "entries");
	jout_open(&p->j, '[');
	return p->j.status;
}

static enum status end_audit(struct audit_page *p)
{
	if (p->csv)
		return STATUS_OK;
	jout_close(&p->j, ']');
	jout_key(&p->j, "next");
	if (p->more)
		jout_time(&p->j, p->last_ms);
	else
		jout_null(&p->j);
	jout_close(&p->j, '}');
	jout_line(&p->j);
	return p->j.status;
}

static void get_audit(struct http_call *c)
{
	const struct http_value *v = c->values;
	struct http_stream s;
	struct audit_page p = {.s = &s, .csv = v[AUDIT_FORMAT].number == 1};
	p.from_ms = value_or(&v[AUDIT_FROM], INT64_MIN);
	p.limit = (uint64_t)value_or(&v[AUDIT_LIMIT], p.csv ? INT64_MAX : RECORDS_DEFAULT);
	if (!call_may_write(c) || (v[AUDIT_DEVICE].set && !call_device(c, v[AUDIT_DEVICE].text, &p.device)))
		return;
	stream_begin(&s, c, export_format_media(p.csv ? EXPORT_CSV : EXPORT_JSON));
	enum status status = begin_audit(&p);
	if (!status)
		status = audit_read(engine_store(http_engine(c->http)), value_or(&v[AUDIT_BEFORE], INT64_MAX), SIZE_MAX,
				    visit_audit, &p);
	if (!status || status == STATUS_END)
		status = end_audit(&p);
	stream_close(&s, status);
}

static const struct http_route routes[] = {
	{HTTP_GET, 0, "/api/v1/quarantine", "listRefused", "What was refused and why, newest first.",
	 "application/json", newest_params, COUNT(newest_params), get_quarantine, NULL},
	{HTTP_GET, 0, "/api/v1/audit", "listAudit", "Who looked at what and who logged in, newest first.",
	 "application/json text/csv", audit_params, COUNT(audit_params), get_audit, NULL},
};

enum status handlers_records_add(struct http *h)
{
	return add_routes(h, routes, COUNT(routes));
}
