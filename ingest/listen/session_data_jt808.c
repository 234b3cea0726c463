/* session_data_jt808.c -- messages of an open session: into reports and entries, each with its promise. */
#include <string.h>

#include "engine/series/report.h"
#include "ingest/listen/conn.h"
#include "ingest/listen/gate.h"
#include "ingest/listen/session_commands_jt808.h"
#include "ingest/listen/session_jt808.h"
#include "ingest/listen/session_work.h"

#define RESULT_OK 0
#define RESULT_BAD_MESSAGE 2
#define RESULT_UNSUPPORTED 3

#define MEDIA_DATA 0x0801

enum session_verdict session_submitted(struct conn *c, enum status st)
{
	switch (st) {
	case STATUS_OK:
		return SESSION_DONE;
	case STATUS_BUSY:
	case STATUS_CLOSED:
		gate_count(c->gate, INGEST_COUNT_PAUSES_ROOM, 1);
		conn_pause(c, PAUSE_ROOM);
		return SESSION_AGAIN;
	default:
		gate_count(c->gate, INGEST_COUNT_PAUSES_FAULT, 1);
		conn_pause(c, PAUSE_FAULT);
		return SESSION_AGAIN;
	}
}

/* A promise of the message's 0x8001; none of its own for entries before the last. */
static struct promise promise(const struct message *m, enum ticket_kind kind, uint8_t result)
{
	return (struct promise){
		.kind = kind, .result = result, .serial = m->header->serial, .message_id = m->header->message_id};
}

static struct intake entry(const struct conn *c, const struct message *m, enum intake_kind kind, struct span body)
{
	return (struct intake){
		.kind = kind,
		.device = c->session.device,
		.received_ms = m->received_ms,
		.message_id = m->header->message_id,
		.protocol = c->session.edition,
		.time_ms = m->received_ms,
		.serial = m->header->serial,
		.body = body,
		.wants_settled = true,
	};
}

/* An entry that no journal takes at any time (too long): told to the terminal, which would send it forever. */
static enum session_verdict give_up(struct conn *c, const struct message *m, enum status reason)
{
	counter_add(&c->gate->counters.reports_refused[reason], 1);
	session_ack(c, m->header->serial, m->header->message_id, RESULT_BAD_MESSAGE);
	return SESSION_DONE;
}

static enum session_verdict finish(struct conn *c, const struct message *m, enum status st)
{
	if (st == STATUS_TOO_LONG || st == STATUS_INVALID)
		return give_up(c, m, st);
	return session_submitted(c, st);
}

/* --- refused input --- */

void session_quarantine_sample(struct conn *c, uint16_t message_id, enum status reason, struct span bytes,
			       int64_t received_ms)
{
	struct gate *g = c->gate;
	struct intake in = {
		.kind = INTAKE_QUARANTINE,
		.device = c->session.device,
		.received_ms = received_ms,
		.message_id = message_id,
		.protocol = c->session.edition,
		.time_ms = received_ms,
		.reason = reason,
		.body = bytes,
	};
	bool kept = gate_may_quarantine(g) && shard_submit(g->shard, &in) == STATUS_OK;
	gate_count(g, kept ? INGEST_COUNT_QUARANTINED : INGEST_COUNT_QUARANTINE_SKIPPED, 1);
}

/* Refused for good: durable in quarantine before it is answered. */
static enum status quarantine(struct conn *c, const struct message *m, struct span body, enum status reason,
			      enum ticket_kind kind)
{
	struct promise p = promise(m, kind, c->gate->options->refused_reply);
	struct intake in = entry(c, m, INTAKE_QUARANTINE, body);
	in.reason = reason;
	in.ticket = session_ticket(c, &p);
	bool is_new = c->entry_at >= c->entries_taken;
	enum status st = conn_submit(c, &in);
	if (st == STATUS_OK && is_new) {
		gate_count(c->gate, INGEST_COUNT_QUARANTINED, 1);
		counter_add(&c->gate->counters.reports_refused[reason], 1);
	}
	return st;
}

/* --- reports --- */

static enum status submit_report(struct conn *c, const struct message *m, struct span body, uint16_t arrival,
				 enum ticket_kind kind)
{
	struct report r;
	enum status refused = report_from_jt808(body, &r);
	if (refused != STATUS_OK)
		return quarantine(c, m, body, refused, kind);
	r.received_ms = m->received_ms;
	r.flags |= arrival;
	if (r.time_ms - m->received_ms > FUTURE_SKEW_MAX_MS)
		r.flags |= REPORT_FLAG_FUTURE;
	struct promise p = promise(m, kind, RESULT_OK);
	struct intake in = entry(c, m, INTAKE_REPORT, body);
	in.report = &r;
	in.time_ms = r.time_ms;
	in.ticket = session_ticket(c, &p);
	bool is_new = c->entry_at >= c->entries_taken;
	enum status st = conn_submit(c, &in);
	if (st == STATUS_OK && is_new)
		gate_count(c->gate, INGEST_COUNT_REPORTS, 1);
	return st;
}

static enum session_verdict take_report(struct conn *c, const struct message *m)
{
	return finish(c, m, submit_report(c, m, m->body, 0, TICKET_ACK));
}

/* Lengths decide over the count. One body is held back, so that the last of them carries the promise; what is cut
 * at the end is refused as one piece. */
static enum status submit_batch(struct conn *c, const struct message *m, struct jt808_bodies *bodies,
				unsigned *out_count)
{
	uint16_t arrival = REPORT_FLAG_FROM_BATCH | (bodies->type == 1 ? REPORT_FLAG_BACKFILL : 0);
	struct span before = {NULL, 0}, body;
	enum status st = STATUS_OK, next;
	*out_count = 0;
	while (st == STATUS_OK && (next = jt808_batch_next(bodies, &body)) == STATUS_OK) {
		if ((*out_count)++ != 0)
			st = submit_report(c, m, before, arrival, TICKET_PART);
		before = body;
	}
	if (st != STATUS_OK)
		return st;
	if (next == STATUS_END && *out_count != 0)
		return submit_report(c, m, before, arrival, TICKET_ACK);
	if (*out_count != 0)
		st = submit_report(c, m, before, arrival, TICKET_PART);
	return st == STATUS_OK ? quarantine(c, m, m->body, STATUS_BAD_LENGTH, TICKET_ACK) : st;
}

static enum session_verdict take_batch(struct conn *c, const struct message *m)
{
	struct jt808_bodies bodies;
	unsigned count = 0;
	enum status st = jt808_batch_decode(m->body, &bodies);
	uint16_t declared = st == STATUS_OK ? bodies.declared : 1;
	if (st == STATUS_OK)
		st = submit_batch(c, m, &bodies, &count);
	else
		st = quarantine(c, m, m->body, st, TICKET_ACK);
	if (st == STATUS_OK) {
		gate_count(c->gate, INGEST_COUNT_BATCHES, 1);
		gate_count(c->gate, INGEST_COUNT_BATCH_MISCOUNTS, count != declared);
	}
	return finish(c, m, st);
}

/* --- everything else --- */

/* Ids of JT/T 808-2011, -2013, -2019, JT/T 1078-2016 and T/JSATL 12-2017 that a terminal may send. */
static bool is_standard(uint16_t id)
{
	static const uint16_t ids[] = {0x0002, 0x0003, 0x0004, 0x0005, 0x0100, 0x0102, 0x0104, 0x0107, 0x0108,
				       0x0200, 0x0201, 0x0301, 0x0302, 0x0303, 0x0500, 0x0608, 0x0700, 0x0701,
				       0x0702, 0x0704, 0x0705, 0x0800, 0x0801, 0x0802, 0x0805, 0x0900, 0x0901,
				       0x0a00, 0x1003, 0x1005, 0x1205, 0x1206, 0x1210, 0x1211, 0x1212};
	for (size_t k = 0; k < sizeof ids / sizeof *ids; k++)
		if (ids[k] == id)
			return true;
	/* vendors' own: 0x0f00-0x0fff before 2019, 0xe000-0xefff since, and 0xf000-0xffff seen upwards all the same */
	return (id >= 0x0f00 && id <= 0x0fff) || id >= 0xe000;
}

static int64_t event_time(const struct conn *c, const struct message *m)
{
	struct jt808_driver driver;
	if (m->header->message_id == 0x0702 && c->session.phone_size != 0 &&
	    jt808_driver_decode(m->body, m->header->is_2019, &driver) == STATUS_OK && driver.has_time)
		return driver.time_ms;
	return m->received_ms;
}

static size_t notes_of_attributes(struct span body, struct note notes[NOTES_MAX])
{
	struct jt808_attributes a;
	if (jt808_attributes_decode(body, &a) != STATUS_OK)
		return 0;
	notes[0].field = DEVICE_FIELD_TERMINAL_MODEL;
	memcpy(notes[0].text, a.model, sizeof a.model);
	notes[1].field = DEVICE_FIELD_TERMINAL_ID;
	memcpy(notes[1].text, a.terminal_id, sizeof a.terminal_id);
	notes[2].field = DEVICE_FIELD_MANUFACTURER;
	memcpy(notes[2].text, a.manufacturer, sizeof a.manufacturer);
	return 3;
}

/* Put into the registry what a terminal says of itself, if it is news. */
static void note(struct conn *c, const struct message *m)
{
	struct note notes[NOTES_MAX] = {{0}};
	size_t count = 0;
	if (m->header->message_id == 0x0107)
		count = notes_of_attributes(m->body, notes);
	else if (m->header->message_id == 0x1003 && m->body.size * 2 <= DEVICE_VALUE_MAX) {
		notes[0].field = DEVICE_FIELD_VIDEO;
		hex_encode(notes[0].text, m->body);
		count = 1;
	}
	if (count == 0 || auth_notes_new(c->gate->registry, c->session.device, notes, count, m->received_ms) == 0)
		return;
	struct session_work *w = session_work_new(c, WORK_NOTE, m->received_ms);
	if (!w)
		return;
	w->device = c->session.device;
	memcpy(w->notes, notes, sizeof notes);
	w->note_count = count;
	session_work_start(w);
}

static struct promise message_promise(const struct message *m, bool readable)
{
	uint16_t id = m->header->message_id;
	struct promise p = promise(m, TICKET_ACK, readable && !is_standard(id) ? RESULT_UNSUPPORTED : RESULT_OK);
	if (readable && id == MEDIA_DATA && m->body.size >= 4) {
		p.kind = m->was_split ? TICKET_MEDIA_SPLIT : TICKET_MEDIA;
		p.extra = load_be32(m->body.data);
	}
	return p;
}

/* 0x0702 says who drives: an entry of its own kind when the card could be read or was drawn. */
static void read_card(const struct message *m, struct intake *in)
{
	struct jt808_driver d;
	if (m->header->message_id != 0x0702 || jt808_driver_decode(m->body, m->header->is_2019, &d) != STATUS_OK)
		return;
	if (d.status == 2) {
		in->kind = INTAKE_CARD;
		in->driver = 0;
	} else if (d.ic_result == 0 && *d.licence) {
		in->kind = INTAKE_CARD;
		in->driver = driver_number(span_of_string(d.licence));
	}
}

static enum session_verdict take_message(struct conn *c, const struct message *m, bool readable)
{
	struct promise p = message_promise(m, readable);
	struct intake in = entry(c, m, INTAKE_MESSAGE, m->body);
	if (readable)
		in.time_ms = event_time(c, m);
	if (readable)
		read_card(m, &in);
	in.ticket = session_ticket(c, &p);
	enum session_verdict verdict = finish(c, m, conn_submit(c, &in));
	if (verdict != SESSION_DONE)
		return verdict;
	gate_count(c->gate, INGEST_COUNT_MESSAGES, 1);
	gate_count(c->gate, INGEST_COUNT_ENCRYPTED, !readable);
	gate_count(c->gate, INGEST_COUNT_UNKNOWN, p.result == RESULT_UNSUPPORTED);
	if (readable)
		note(c, m);
	return SESSION_DONE;
}

/* 0x0201, 0x0500: the answer is kept whole, and the position in it is a report like any other. */
static enum session_verdict take_answered(struct conn *c, const struct message *m)
{
	uint16_t answered;
	struct span body;
	if (jt808_answered_location_decode(m->body, &answered, &body) != STATUS_OK)
		return take_message(c, m, true);
	struct promise part = promise(m, TICKET_PART, RESULT_OK);
	struct intake in = entry(c, m, INTAKE_MESSAGE, m->body);
	in.ticket = session_ticket(c, &part);
	enum status st = conn_submit(c, &in);
	if (st == STATUS_OK)
		st = submit_report(c, m, body, 0, TICKET_ACK);
	if (st == STATUS_OK)
		gate_count(c->gate, INGEST_COUNT_MESSAGES, 1);
	return finish(c, m, st);
}

static enum session_verdict take_by_id(struct conn *c, const struct message *m)
{
	if (m->header->encryption != 0)
		return take_message(c, m, false);
	switch (m->header->message_id) {
	case 0x0200:
		return take_report(c, m);
	case 0x0704:
		return take_batch(c, m);
	case 0x0201:
	case 0x0500:
		return take_answered(c, m);
	default:
		return take_message(c, m, true);
	}
}

enum session_verdict session_take(struct conn *c, const struct message *m)
{
	enum session_verdict verdict = take_by_id(c, m);
	if (verdict == SESSION_DONE)
		session_command_message(c, m);
	return verdict;
}
