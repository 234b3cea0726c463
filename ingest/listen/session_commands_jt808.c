#include "ingest/listen/session_commands_jt808.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/core/clock.h"
#include "engine/core/log.h"
#include "ingest/jt808/command_jt808.h"
#include "ingest/listen/conn.h"
#include "ingest/listen/gate.h"
#include "ingest/listen/ingest_state.h"

/* after this the queue is asked again whether it has room for what is said of commands */
#define BUSY_MS 1000
#define TERMINAL_ACK 0x0001

struct session_command {
	struct link waiting; /* in the gate's list, while `id` is one or `busy` */
	struct conn *conn;
	uint64_t device, id;            /* id 0: none under way */
	uint16_t message_id, answer_id; /* answer_id TERMINAL_ACK: none of its own */
	uint16_t first_serial, last_serial;
	uint32_t since_ms, wait_ms; /* loop time; overdue when more than wait_ms have gone since */
	unsigned tries;
	bool busy; /* the queue had no room */
};

static struct session_command *command_of(struct conn *c)
{
	struct session_command *s = c->session.command;
	if (s)
		return s;
	s = calloc(1, sizeof *s);
	if (!s)
		return NULL; /* it is due still: the next login asks again */
	link_init(&s->waiting);
	s->conn = c;
	c->session.command = s;
	return s;
}

static void forget(struct session_command *s)
{
	link_remove(&s->waiting);
	s->id = 0;
	s->busy = false;
}

static void wait(struct session_command *s, uint32_t wait_ms)
{
	s->since_ms = gate_now_ms(s->conn->gate);
	s->wait_ms = wait_ms;
	link_add(&s->conn->gate->commands_waiting, &s->waiting);
}

static enum jt808_edition edition_of(const struct session *s)
{
	if (s->phone_size == 10)
		return JT808_2019;
	return s->edition == JT808_2011 ? JT808_2011 : JT808_2013; /* nothing told them apart: what most are */
}

/* --- sending --- */

/* Frames are apart by their flags, which nothing within them is: a datagram carries one. */
static void send_wire(struct conn *c, struct span wire)
{
	if (c->transport == CONN_TCP) {
		replies_send(c, wire.data, wire.size);
		return;
	}
	while (wire.size > 1) {
		const uint8_t *end = memchr(wire.data + 1, 0x7e, wire.size - 1);
		size_t size = end ? (size_t)(end - wire.data) + 1 : wire.size;
		replies_send(c, wire.data, size);
		wire = span_of(wire.data + size, wire.size - size);
	}
}

static enum status put_wire(struct session_command *s, struct span body)
{
	struct conn *c = s->conn;
	struct jt808_header like = session_header(&c->session);
	struct buf wire = buf_init(2 * (JT808_COMMAND_BODY_MAX + JT808_COMMAND_BODY_MAX / JT808_BODY_MAX * 32 + 64));
	uint16_t serial = s->tries ? s->first_serial : c->session.serial; /* the same again has the same serials */
	uint16_t next = serial;
	enum status status = jt808_message_encode(s->message_id, &like, body, JT808_BODY_MAX, &next, &wire);
	if (!status) {
		s->first_serial = serial;
		s->last_serial = (uint16_t)(next - 1);
		if (!s->tries)
			c->session.serial = next;
		send_wire(c, buf_view(&wire));
	}
	buf_deinit(&wire);
	return status;
}

/* How long an answer is waited for after the n-th sending: T, 2T, 6T ... */
static uint32_t wait_after(const struct gate *g, unsigned tries)
{
	uint64_t ms = g->options->command_wait_ms;
	for (unsigned n = 2; n <= tries; n++)
		ms *= n;
	return ms > UINT32_MAX / 2 ? UINT32_MAX / 2 : (uint32_t)ms;
}

/* Told to the queue first, so that what is on record was sent and nothing was sent that is not. */
static enum status send_command(struct session_command *s, struct span body)
{
	struct gate *g = s->conn->gate;
	enum status status = commands_sent(g->ingest->commands, s->device, s->id, clock_now_ms());
	if (!status)
		status = put_wire(s, body);
	if (status)
		return status;
	s->tries++;
	gate_count(g, INGEST_COUNT_COMMANDS_SENT, 1);
	wait(s, wait_after(g, s->tries));
	return STATUS_OK;
}

static enum status refuse(struct conn *c, uint64_t id, const char *why)
{
	return commands_ended(c->gate->ingest->commands, c->session.device, id, COMMAND_STATE_REFUSED,
			      COMMAND_NO_RESULT, NULL, why, clock_now_ms());
}

/* One command on its way. STATUS_NOT_FOUND: it is none of ours any more, look for the next. */
static enum status begin(struct session_command *s, const struct command_next *next)
{
	struct conn *c = s->conn;
	struct command_refusal why = {""};
	struct buf body = buf_init(JT808_COMMAND_BODY_MAX);
	s->id = next->id;
	s->device = c->session.device;
	s->tries = 0;
	s->answer_id = jt808_command_answer(next->content.kind);
	enum status status = jt808_command_encode(&next->content, edition_of(&c->session), &s->message_id, &body, &why);
	if (status == STATUS_NO_MEMORY) {
		status = STATUS_BUSY;
	} else if (status) {
		status = refuse(c, next->id, *why.text ? why.text : status_text(status));
		status = status == STATUS_BUSY ? STATUS_BUSY : STATUS_NOT_FOUND;
	} else {
		status = send_command(s, buf_view(&body));
	}
	buf_deinit(&body);
	return status;
}

static enum status begin_next(struct session_command *s)
{
	struct command_next *next = malloc(sizeof *next);
	struct commands *queue = s->conn->gate->ingest->commands;
	enum status status = next ? STATUS_NOT_FOUND : STATUS_BUSY;
	while (status == STATUS_NOT_FOUND && !s->conn->closing) {
		if (commands_next(queue, s->conn->session.device, clock_now_ms(), next) != STATUS_OK)
			break;
		status = begin(s, next);
	}
	free(next);
	return status;
}

void session_command_start(struct conn *c)
{
	if (!c->gate->ingest->commands || c->session.state != SESSION_OPEN || c->closing)
		return;
	struct session_command *s = command_of(c);
	if (!s || s->id)
		return;
	forget(s);
	enum status status = c->backlog ? STATUS_BUSY : begin_next(s);
	if (status == STATUS_OK)
		return;
	s->id = 0;
	if (status != STATUS_NOT_FOUND) { /* no room, no memory, or it does not read: soon again */
		s->busy = true;
		wait(s, BUSY_MS);
	}
}

void session_command_login(struct conn *c)
{
	struct commands *queue = c->gate->ingest->commands;
	if (!queue)
		return;
	commands_wake(queue, c->session.device);
	session_command_start(c);
}

/* --- answers --- */

static void ended(struct session_command *s, enum command_state state, uint8_t result,
		  const struct command_content *answer, const char *note)
{
	struct conn *c = s->conn;
	enum status status = commands_ended(c->gate->ingest->commands, s->device, s->id, state, result, answer, note,
					    clock_now_ms());
	if (status == STATUS_BUSY)
		return; /* asked again when it is overdue */
	gate_count(c->gate, INGEST_COUNT_COMMANDS_ANSWERED, 1);
	forget(s);
	session_command_start(c);
}

/* `serial` is one of those under which the command went out. */
static bool is_ours(const struct session_command *s, uint16_t serial)
{
	return s && s->id && s->tries &&
	       (uint16_t)(serial - s->first_serial) <= (uint16_t)(s->last_serial - s->first_serial);
}

void session_command_reply(struct conn *c, const struct jt808_header *h)
{
	struct session_command *s = c->session.command;
	struct jt808_reply r;
	if (!s || jt808_reply_decode(h->body, &r) != STATUS_OK || !is_ours(s, r.serial) ||
	    r.message_id != s->message_id)
		return;
	if (r.result != 0)
		ended(s, COMMAND_STATE_REFUSED, r.result, NULL, NULL);
	else if (s->answer_id == TERMINAL_ACK)
		ended(s, COMMAND_STATE_ANSWERED, 0, NULL, NULL);
}

void session_command_message(struct conn *c, const struct message *m)
{
	struct session_command *s = c->session.command;
	if (!s || !s->id || m->header->message_id != s->answer_id || m->header->encryption)
		return;
	struct jt808_answer *answer = malloc(sizeof *answer);
	if (!answer)
		return;
	enum status status = jt808_answer_decode(m->header->message_id, m->body, answer);
	char note[64] = "";
	if (status)
		snprintf(note, sizeof note, "answered, but: %s", status_text(status));
	if (!answer->has_serial || is_ours(s, answer->serial))
		ended(s, COMMAND_STATE_ANSWERED, 0, status ? NULL : &answer->content, note);
	free(answer);
}

/* --- ends and ticks --- */

void session_command_end(struct conn *c)
{
	if (c->session.command)
		forget(c->session.command);
}

void session_command_free(struct session *s)
{
	if (s->command)
		forget(s->command);
	free(s->command);
	s->command = NULL;
}

/* Send it again; its bytes are made anew from what the queue holds, which is how one that was cancelled is noticed. */
static enum status send_again(struct session_command *s)
{
	struct conn *c = s->conn;
	struct command_refusal why = {""};
	struct buf body = buf_init(JT808_COMMAND_BODY_MAX);
	struct command_next *next = malloc(sizeof *next);
	enum status status =
		next ? commands_again(c->gate->ingest->commands, s->device, s->id, clock_now_ms(), next) : STATUS_BUSY;
	if (!status)
		status = jt808_command_encode(&next->content, edition_of(&c->session), &s->message_id, &body, &why);
	if (!status)
		status = send_command(s, buf_view(&body));
	buf_deinit(&body);
	free(next);
	return status;
}

/* No answer came in time. */
static void overdue(struct session_command *s)
{
	struct conn *c = s->conn;
	struct gate *g = c->gate;
	enum status status = STATUS_NOT_FOUND;
	if (c->backlog) {
		wait(s, BUSY_MS); /* it does not read: nothing is sent behind what it has not taken */
		return;
	}
	if (s->tries < g->options->command_tries) {
		status = send_again(s);
	} else {
		commands_rest(g->ingest->commands, s->device, s->id);
		gate_count(g, INGEST_COUNT_COMMANDS_UNANSWERED, 1);
	}
	if (status == STATUS_BUSY)
		wait(s, BUSY_MS);
	if (status == STATUS_OK || status == STATUS_BUSY)
		return;
	forget(s);
	session_command_start(c);
}

void session_command_tick(struct gate *g)
{
	uint32_t now_ms = gate_now_ms(g);
	struct link late;
	link_init(&late);
	for (struct link *l = g->commands_waiting.next, *after; l != &g->commands_waiting; l = after) {
		struct session_command *s = LINK_OWNER(l, struct session_command, waiting);
		after = l->next;
		if (now_ms - s->since_ms <= s->wait_ms)
			continue;
		link_remove(l);
		link_add(&late, l);
	}
	while (!link_empty(&late)) {
		struct session_command *s = LINK_OWNER(late.next, struct session_command, waiting);
		link_remove(&s->waiting);
		if (s->id)
			overdue(s);
		else
			session_command_start(s->conn);
	}
}

/* --- from other threads --- */

struct due {
	struct gate *gate;
	struct session_place place;
	uint64_t device;
};

static void start_due(void *context)
{
	struct due *d = context;
	struct conn *c = gate_conn(d->gate, d->place.slot, d->place.generation);
	if (c && c->session.device == d->device)
		session_command_start(c);
	free(d);
}

/* The terminal may be logged in on any shard, or nowhere: then its next login asks. */
static void on_due(void *context, uint64_t device)
{
	struct ingest *i = context;
	struct session_place place;
	if (sessions_find(i->sessions, device, &place) != STATUS_OK)
		return;
	struct gate *g = ingest_gate(i, place.shard);
	struct due *d = g ? malloc(sizeof *d) : NULL;
	if (!d)
		return;
	*d = (struct due){g, place, device};
	if (shard_post(g->shard, start_due, d) != STATUS_OK)
		free(d);
}

void ingest_set_commands(struct ingest *i, struct commands *commands)
{
	if (i->commands)
		commands_on_due(i->commands, NULL, NULL);
	i->commands = commands;
	if (commands)
		commands_on_due(commands, on_due, i);
}
