/* handlers_records.c -- what was refused, and who looked at what. */
#include <stdio.h>
#include <stdlib.h>

#include "engine/core/clock.h"
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

struct audit_walk {
	struct json_out j;
	uint64_t rows;
	int64_t last_ms;
};

static enum status visit_audit(void *context, const struct audit_entry *e)
{
	struct audit_walk *w = context;
	struct json_out *j = &w->j;
	w->rows++;
	w->last_ms = e->at_ms;
	jout_open(j, '{');
	jout_key(j, "at");
	jout_time(j, e->at_ms);
	jout_key(j, "who");
	jout_string(j, e->who.name);
	jout_key(j, "scope");
	jout_string(j, e->who.scope);
	jout_key(j, "action");
	jout_string(j, e->action);
	jout_key(j, "device");
	if (e->device)
		jout_hex64(j, e->device);
	else
		jout_null(j);
	jout_key(j, "from");
	jout_time(j, e->from_ms);
	jout_key(j, "to");
	jout_time(j, e->to_ms);
	jout_key(j, "case");
	jout_string(j, e->case_number);
	jout_close(j, '}');
	return j->status;
}

static enum status write_audit(struct http_stream *s, int64_t before_ms, size_t limit)
{
	struct audit_walk w = {.j = json_out_init(&s->chunk)};
	jout_open(&w.j, '{');
	jout_key(&w.j, "entries");
	jout_open(&w.j, '[');
	enum status status = audit_read(engine_store(http_engine(s->call->http)), before_ms, limit, visit_audit, &w);
	if (status)
		return status;
	jout_close(&w.j, ']');
	jout_key(&w.j, "next");
	if (w.rows == limit)
		jout_time(&w.j, w.last_ms);
	else
		jout_null(&w.j);
	jout_close(&w.j, '}');
	return w.j.status ? w.j.status : buf_append_u8(&s->chunk, '\n');
}

static void get_audit(struct http_call *c)
{
	struct http_stream s;
	if (!call_may_write(c))
		return;
	stream_begin(&s, c, "application/json");
	stream_close(&s, write_audit(&s, value_or(&c->values[BEFORE], INT64_MAX),
				     (size_t)value_or(&c->values[LIMIT], RECORDS_DEFAULT)));
}

static const struct http_route routes[] = {
	{HTTP_GET, 0, "/api/v1/quarantine", "listRefused", "What was refused and why, newest first.",
	 "application/json", newest_params, COUNT(newest_params), get_quarantine, NULL},
	{HTTP_GET, 0, "/api/v1/audit", "listAudit", "Who looked at what, newest first.", "application/json",
	 newest_params, COUNT(newest_params), get_audit, NULL},
};

enum status handlers_records_add(struct http *h)
{
	return add_routes(h, routes, COUNT(routes));
}
