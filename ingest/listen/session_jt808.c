#include "ingest/listen/session_jt808.h"

#include <stdlib.h>
#include <string.h>

#include "engine/core/clock.h"
#include "engine/core/log.h"
#include "ingest/listen/auth_policy.h"
#include "ingest/listen/conn.h"
#include "ingest/listen/gate.h"
#include "ingest/listen/ingest_state.h"
#include "ingest/listen/session_commands_jt808.h"
#include "ingest/listen/session_work.h"

/* results of 0x8001 */
#define RESULT_OK 0
#define RESULT_FAILED 1
#define RESULT_BAD_MESSAGE 2

void session_init(struct session *s)
{
	*s = (struct session){.edition = SESSION_EDITION_UNKNOWN};
}

void session_deinit(struct session *s)
{
	session_split_free(s->split);
	s->split = NULL;
	session_command_free(s);
}

/* --- tickets: slot and generation | kind, result, message id, serial, epoch | extra --- */

struct ticket session_ticket(const struct conn *c, const struct promise *p)
{
	return (struct ticket){{
		(uint64_t)c->generation << 32 | c->slot,
		(uint64_t)p->kind | (uint64_t)p->result << 8 | (uint64_t)p->message_id << 16 |
			(uint64_t)p->serial << 32 | (uint64_t)c->session.epoch << 48,
		p->extra,
	}};
}

static struct promise promise_of(const struct ticket *t, uint8_t *out_epoch)
{
	uint64_t word = t->words[1];
	*out_epoch = (uint8_t)(word >> 48);
	return (struct promise){
		.kind = (enum ticket_kind)(word & 0xff),
		.result = (uint8_t)(word >> 8),
		.message_id = (uint16_t)(word >> 16),
		.serial = (uint16_t)(word >> 32),
		.extra = (uint32_t)t->words[2],
	};
}

/* --- replies --- */

struct jt808_header session_header(const struct session *s)
{
	struct jt808_header h = {.is_2019 = s->phone_size == 10,
				 .version = s->version,
				 .phone_size = s->phone_size,
				 .framing = s->framing};
	memcpy(h.phone, s->phone, sizeof h.phone);
	return h;
}

static void ack_like(struct conn *c, const struct jt808_header *like, uint16_t serial, uint16_t message_id,
		     uint8_t result)
{
	struct reply_cell *cell = replies_cell(c);
	if (!cell)
		return;
	cell->size = (uint8_t)jt808_ack_write(like, c->session.serial++, serial, message_id, result, cell->bytes);
	gate_count(c->gate, INGEST_COUNT_ACKS, 1);
}

void session_ack(struct conn *c, uint16_t serial, uint16_t message_id, uint8_t result)
{
	struct jt808_header like = session_header(&c->session);
	ack_like(c, &like, serial, message_id, result);
}

void session_reply(struct conn *c, uint16_t message_id, struct span body)
{
	struct jt808_header like = session_header(&c->session);
	struct buf wire = buf_init(2 * JT808_FRAME_MAX);
	if (jt808_message_encode(message_id, &like, body, JT808_BODY_MAX, &c->session.serial, &wire) == STATUS_OK)
		replies_send(c, wire.data, wire.size);
	buf_deinit(&wire);
}

static void media_reply(struct conn *c, uint32_t media_id)
{
	uint8_t body[4];
	store_be32(body, media_id);
	session_reply(c, 0x8800, span_of(body, sizeof body));
}

void session_settled(struct conn *c, const struct ticket *ticket, enum status status)
{
	struct session *s = &c->session;
	uint8_t epoch;
	struct promise p = promise_of(ticket, &epoch);
	if (epoch != s->epoch) {
		gate_count(c->gate, INGEST_COUNT_ACKS_HOMELESS, 1);
		return;
	}
	if (p.kind == TICKET_PART && status == STATUS_OK)
		return;
	bool broken = s->failed && s->failed_serial == p.serial;
	bool failed = status != STATUS_OK || broken;
	if (p.kind == TICKET_PART) {
		s->failed = true;
		s->failed_serial = p.serial;
	} else if (broken) {
		s->failed = false;
	}
	if (failed) {
		gate_count(c->gate, INGEST_COUNT_ACKS_WITHHELD, 1);
		if (status != STATUS_OK && !(c->paused & PAUSE_FAULT)) {
			gate_count(c->gate, INGEST_COUNT_PAUSES_FAULT, 1);
			conn_pause(c, PAUSE_FAULT);
		}
		return;
	}
	if (p.kind != TICKET_MEDIA)
		session_ack(c, p.serial, p.message_id, p.result);
	if (p.kind == TICKET_MEDIA || p.kind == TICKET_MEDIA_SPLIT)
		media_reply(c, p.extra);
}

/* --- coming and going --- */

static struct session_place place_of(const struct conn *c)
{
	return (struct session_place){shard_index(c->gate->shard), c->slot, c->generation};
}

void session_end(struct conn *c, enum connection_end why)
{
	struct session *s = &c->session;
	connection_log_ended(c, why);
	session_command_end(c);
	s->commands_asked = false;
	if (s->state == SESSION_OPEN)
		sessions_logout(c->gate->sessions, s->device, place_of(c));
	s->state = SESSION_NEW;
	s->device = 0;
}

/* Speak for `device` from now on. False when two terminals fight for it, or there is no memory. */
static bool log_in(struct conn *c, uint64_t device)
{
	struct login login;
	if (c->session.state == SESSION_OPEN && c->session.device != device)
		session_end(c, CONNECTION_OTHER);
	if (sessions_login(c->gate->sessions, device, place_of(c), (int64_t)uv_now(c->gate->loop), &login) != STATUS_OK)
		return false;
	if (login.verdict == LOGIN_CLONE) {
		gate_count(c->gate, INGEST_COUNT_CLONES_REFUSED, 1);
		if (login.first_of_period) {
			char phone[JT808_PHONE_TEXT_MAX];
			struct jt808_header h = session_header(&c->session);
			jt808_phone_text(&h, phone);
			log_warn("ingest", "terminal %s logs in again and again: cloned? newcomers are refused", phone);
		}
		return false;
	}
	c->session.device = device;
	c->session.state = SESSION_OPEN;
	c->session.auth_failures = 0;
	if (login.verdict != LOGIN_AGAIN)
		connection_log_opened(c);
	if (login.verdict == LOGIN_TAKEOVER) {
		gate_count(c->gate, INGEST_COUNT_TAKEOVERS, 1);
		ingest_close_place(c->gate, login.old);
	}
	return true;
}

/* One failure more; closes with the last that is borne. */
static enum session_verdict auth_failed(struct conn *c, uint16_t serial, uint16_t message_id, uint8_t result)
{
	gate_count(c->gate, INGEST_COUNT_AUTH_FAILED, 1);
	session_end(c, CONNECTION_REFUSED);
	session_ack(c, serial, message_id, result);
	if (++c->session.auth_failures < c->gate->options->auth_failures_max)
		return SESSION_DONE;
	replies_send(c, NULL, 0);
	conn_close(c, INGEST_COUNT_CLOSED_AUTH);
	return SESSION_GONE;
}

static enum session_verdict on_auth(struct conn *c, const struct jt808_header *h, int64_t received_ms)
{
	struct gate *g = c->gate;
	struct auth_policy policy = {g->options->registration, g->options->renew_code};
	struct jt808_auth said;
	char phone[JT808_PHONE_TEXT_MAX];
	uint64_t device;
	jt808_phone_text(h, phone);
	if (jt808_auth_decode(h->body, h->is_2019, &said) != STATUS_OK)
		return auth_failed(c, h->serial, h->message_id, RESULT_BAD_MESSAGE);
	if (auth_check(&policy, g->registry, phone, said.code, received_ms, &device) != STATUS_OK || !log_in(c, device))
		return auth_failed(c, h->serial, h->message_id, RESULT_FAILED);
	gate_count(g, INGEST_COUNT_AUTHENTICATED, 1);
	session_ack(c, h->serial, h->message_id, RESULT_OK);
	return SESSION_DONE;
}

static enum session_verdict on_register(struct conn *c, const struct jt808_header *h, int64_t received_ms)
{
	struct session_work *w = session_work_new(c, WORK_REGISTER, received_ms);
	if (!w)
		return SESSION_DONE;
	w->serial = h->serial;
	enum status st = jt808_register_decode(h->body, h->is_2019, &w->said);
	if (st != STATUS_OK) {
		free(w);
		session_quarantine_sample(c, h->message_id, st, h->body, received_ms);
		session_ack(c, h->serial, h->message_id, RESULT_BAD_MESSAGE);
		return SESSION_DONE;
	}
	c->session.edition = (uint8_t)w->said.edition;
	session_work_start(w);
	return SESSION_DONE;
}

static void registered(struct conn *c, const struct session_work *w)
{
	const struct register_decision *d = &w->decision;
	bool ok = d->result == REGISTER_OK;
	struct buf body = buf_init(512);
	gate_count(c->gate, ok ? INGEST_COUNT_REGISTERED : INGEST_COUNT_REGISTER_REFUSED, 1);
	if (ok && c->session.state == SESSION_NEW)
		c->session.state = SESSION_REGISTERED;
	if (jt808_register_reply_encode(w->serial, d->result, span_of_string(d->code), &body) == STATUS_OK)
		session_reply(c, 0x8100, buf_view(&body));
	buf_deinit(&body);
}

/* A registry that cannot write gives no answer: the terminal asks again. */
void session_work_done(struct conn *c, struct session_work *w)
{
	if (w->kind == WORK_REGISTER && w->status == STATUS_OK)
		registered(c, w);
	else if (w->kind == WORK_ADMIT)
		c->session.not_admitted = w->status != STATUS_OK || !log_in(c, w->device);
	if (w->status != STATUS_OK && status_class(w->status) == STATUS_CLASS_system)
		log_warn("ingest", "registry: %s", status_text(w->status));
}

static enum session_verdict refuse(struct conn *c, const struct jt808_header *h, int64_t received_ms,
				   enum ingest_counter why)
{
	gate_count(c->gate, why, 1);
	session_quarantine_sample(c, h->message_id, STATUS_DENIED, h->body, received_ms);
	ack_like(c, h, h->serial, h->message_id, RESULT_FAILED);
	return SESSION_DONE;
}

/* A frame of a session that is not open: opens it where the policy asks for no authentication. */
static enum session_verdict come_in(struct conn *c, const struct jt808_header *h, int64_t received_ms)
{
	struct gate *g = c->gate;
	struct auth_policy policy = {g->options->registration, false};
	char phone[JT808_PHONE_TEXT_MAX];
	uint64_t device;
	if (g->options->auth_required || c->session.not_admitted)
		return refuse(c, h, received_ms, INGEST_COUNT_UNAUTHENTICATED);
	jt808_phone_text(h, phone);
	enum status st = auth_known(&policy, g->registry, phone, received_ms, &device);
	if (st == STATUS_OK && log_in(c, device))
		return SESSION_DONE;
	if (st != STATUS_NOT_FOUND || policy.registration == REGISTER_ALLOW_LIST)
		return refuse(c, h, received_ms, INGEST_COUNT_UNAUTHENTICATED);
	struct session_work *w = session_work_new(c, WORK_ADMIT, received_ms);
	if (!w)
		return refuse(c, h, received_ms, INGEST_COUNT_UNAUTHENTICATED);
	session_work_start(w);
	return SESSION_AGAIN;
}

static bool same_digits(const struct session *s, const struct jt808_header *h)
{
	char ours[JT808_PHONE_TEXT_MAX], theirs[JT808_PHONE_TEXT_MAX];
	struct jt808_header own = session_header(s);
	jt808_phone_text(&own, ours);
	jt808_phone_text(h, theirs);
	return strcmp(ours, theirs) == 0;
}

/* Take the frame's phone for the session's. False when the session is open for another. The same digits in the
 * other edition's field are the same terminal. */
static bool adopt_phone(struct session *s, const struct jt808_header *h)
{
	if (s->phone_size != 0 && !same_digits(s, h)) {
		if (s->state == SESSION_OPEN)
			return false;
		s->state = SESSION_NEW;
		s->edition = SESSION_EDITION_UNKNOWN;
		s->not_admitted = false;
		s->epoch++;
	}
	memcpy(s->phone, h->phone, sizeof s->phone);
	s->phone_size = h->phone_size;
	s->version = h->version;
	if (h->is_2019)
		s->edition = JT808_2019;
	else if (s->edition == JT808_2019)
		s->edition = SESSION_EDITION_UNKNOWN;
	return true;
}

/* --- frames --- */

static void on_time(struct conn *c, int64_t received_ms)
{
	struct buf body = buf_init(64);
	if (jt808_time_reply_encode(received_ms, c->gate->options->time_as_utc, &body) == STATUS_OK)
		session_reply(c, 0x8004, buf_view(&body));
	buf_deinit(&body);
}

static enum session_verdict on_logout(struct conn *c, const struct jt808_header *h)
{
	gate_count(c->gate, INGEST_COUNT_LOGOUTS, 1);
	session_ack(c, h->serial, h->message_id, RESULT_OK);
	session_end(c, CONNECTION_LOGOUT);
	return SESSION_DONE;
}

/* Messages that only an open session may send. */
static enum session_verdict on_open(struct conn *c, const struct jt808_header *h, int64_t received_ms)
{
	struct message m = {.header = h, .body = h->body, .received_ms = received_ms};
	if (h->is_fragment)
		return session_take_fragment(c, &m);
	if (h->encryption == 0)
		switch (h->message_id) {
		case 0x0002:
			gate_count(c->gate, INGEST_COUNT_HEARTBEATS, 1);
			session_ack(c, h->serial, h->message_id, RESULT_OK);
			return SESSION_DONE;
		case 0x0003:
			return on_logout(c, h);
		case 0x0004:
			on_time(c, received_ms);
			return SESSION_DONE;
		}
	return session_take(c, &m);
}

static enum session_verdict take_frame(struct conn *c, const struct jt808_frame *frame, int64_t received_ms)
{
	struct session *s = &c->session;
	struct jt808_header h;
	if (jt808_header_decode(frame->content, &h) != STATUS_OK)
		return SESSION_BAD;
	h.framing = (uint8_t)frame->framing;
	s->framing = (uint8_t)frame->framing;
	bool same = h.phone_size == s->phone_size && memcmp(h.phone, s->phone, sizeof h.phone) == 0;
	if (!same && !adopt_phone(s, &h))
		return refuse(c, &h, received_ms, INGEST_COUNT_PHONE_MISMATCHES);
	bool plain = !h.is_fragment && h.encryption == 0;
	if (plain && h.message_id == 0x0100)
		return on_register(c, &h, received_ms);
	if (plain && h.message_id == 0x0102)
		return on_auth(c, &h, received_ms);
	if (h.message_id == 0x0001) {
		gate_count(c->gate, INGEST_COUNT_TERMINAL_ACKS, 1);
		session_command_reply(c, &h);
		return SESSION_DONE;
	}
	if (s->state != SESSION_OPEN) {
		enum session_verdict verdict = come_in(c, &h, received_ms);
		if (s->state != SESSION_OPEN || verdict != SESSION_DONE)
			return verdict;
	}
	return on_open(c, &h, received_ms);
}

enum session_verdict session_frame(struct conn *c, const struct jt808_frame *frame, int64_t received_ms)
{
	enum session_verdict verdict = take_frame(c, frame, received_ms);
	if (verdict == SESSION_DONE && c->session.state == SESSION_OPEN && !c->session.commands_asked) {
		c->session.commands_asked = true;
		session_command_login(c);
	}
	return verdict;
}

void session_bad_frame(struct conn *c, const struct jt808_frame *frame, enum status reason, int64_t received_ms)
{
	counter_add(&c->gate->counters.frames_bad[reason], 1);
	session_quarantine_sample(c, 0, reason, frame->raw, received_ms);
}
