/* session_split_jt808.c -- packets of split messages.
 *
 *   packet ── fragments_add ──> more to come     FRAGMENT entry, 0x8001 once it is durable
 *                           └─> whole            FRAGMENT entry, the message's own entries; the packet's 0x8001
 *                                                leaves with the last of them
 *
 * fragments_add happens once for a packet, however often its frame is read again because the engine has no room:
 * its outcome waits in struct session_split. */
#include <stdlib.h>

#include "ingest/jt808/fragments.h"
#include "ingest/listen/conn.h"
#include "ingest/listen/gate.h"
#include "ingest/listen/session_jt808.h"

#define RESULT_FAILED 1

struct session_split {
	enum status outcome; /* of fragments_add */
	struct buf whole;    /* with STATUS_OK */
};

void session_split_free(struct session_split *s)
{
	if (!s)
		return;
	buf_deinit(&s->whole);
	free(s);
}

/* The packet's frame will be read again: keep what is known of it. */
static enum session_verdict remember(struct conn *c, enum status outcome, struct span whole)
{
	if (c->session.split)
		return SESSION_AGAIN;
	struct session_split *s = calloc(1, sizeof *s);
	if (s) {
		s->outcome = outcome;
		s->whole = buf_init(MESSAGE_BYTES_MAX);
	}
	if (!s || buf_append(&s->whole, whole.data, whole.size) != STATUS_OK) {
		session_split_free(s);
		conn_close(c, INGEST_COUNTER_COUNT);
		return SESSION_GONE;
	}
	c->session.split = s;
	return SESSION_AGAIN;
}

static void forget(struct conn *c)
{
	session_split_free(c->session.split);
	c->session.split = NULL;
}

static struct intake packet_entry(const struct conn *c, const struct message *m)
{
	const struct jt808_header *h = m->header;
	return (struct intake){
		.kind = INTAKE_FRAGMENT,
		.device = c->session.device,
		.received_ms = m->received_ms,
		.message_id = h->message_id,
		.protocol = c->session.edition,
		.time_ms = m->received_ms,
		.serial = h->serial,
		.fragment_total = h->fragment_total,
		.fragment_index = h->fragment_index,
		.body = h->body,
		.wants_settled = true,
	};
}

/* A packet that contradicts itself or its message is kept for a look; one there is no room for must come again. */
static enum session_verdict refuse_packet(struct conn *c, const struct message *m, enum status reason)
{
	const struct jt808_header *h = m->header;
	gate_count(c->gate, INGEST_COUNT_FRAGMENTS_REFUSED, 1);
	if (reason == STATUS_OUT_OF_RANGE || reason == STATUS_TOO_LONG)
		session_quarantine_sample(c, h->message_id, reason, h->body, m->received_ms);
	session_ack(c, h->serial, h->message_id, RESULT_FAILED);
	return SESSION_DONE;
}

static enum session_verdict submit_packet(struct conn *c, const struct message *m, bool is_last)
{
	struct promise p = {.kind = is_last ? TICKET_PART : TICKET_ACK,
			    .serial = m->header->serial,
			    .message_id = m->header->message_id};
	struct intake in = packet_entry(c, m);
	in.ticket = session_ticket(c, &p);
	bool is_new = c->entry_at >= c->entries_taken;
	enum session_verdict verdict = session_submitted(c, conn_submit(c, &in));
	if (verdict == SESSION_DONE && is_new)
		gate_count(c->gate, INGEST_COUNT_FRAGMENTS, 1);
	return verdict;
}

/* The packet's entry, and with the last packet those of the whole message. */
static enum session_verdict submit_all(struct conn *c, const struct message *m, enum status outcome, struct span whole)
{
	enum session_verdict verdict = submit_packet(c, m, outcome == STATUS_OK);
	if (verdict != SESSION_DONE || outcome != STATUS_OK)
		return verdict;
	struct message put_together = {
		.header = m->header, .body = whole, .received_ms = m->received_ms, .was_split = true};
	verdict = session_take(c, &put_together);
	if (verdict == SESSION_DONE)
		gate_count(c->gate, INGEST_COUNT_SPLIT_WHOLE, 1);
	return verdict;
}

enum session_verdict session_take_fragment(struct conn *c, const struct message *m)
{
	struct session_split *known = c->session.split;
	struct fragment_set set;
	struct span whole = known ? buf_view(&known->whole) : (struct span){NULL, 0};
	enum status outcome = known ? known->outcome
				    : fragments_add(c->gate->fragments, c->session.device, m->header,
						    (int64_t)uv_now(c->gate->loop), &set, &whole);
	if (outcome != STATUS_OK && outcome != STATUS_NEED_MORE && outcome != STATUS_EXISTS)
		return refuse_packet(c, m, outcome);
	if (!known)
		gate_count(c->gate, INGEST_COUNT_FRAGMENTS_DOUBLE, outcome == STATUS_EXISTS);
	enum session_verdict verdict = submit_all(c, m, outcome, whole);
	if (verdict == SESSION_AGAIN)
		return remember(c, outcome, whole);
	forget(c);
	return verdict;
}

/* --- what is missing --- */

static struct conn *terminal_here(struct gate *g, uint64_t device)
{
	struct session_place place;
	if (sessions_find(g->sessions, device, &place) != STATUS_OK || place.shard != shard_index(g->shard))
		return NULL;
	return gate_conn(g, place.slot, place.generation);
}

static void ask(struct gate *g, struct conn *c, const struct fragment_set *set)
{
	bool is_2019 = c->session.phone_size == 10;
	/* one request fits its packet and its count; what is still missing is asked for next time */
	uint16_t missing[UINT8_MAX];
	size_t count = fragments_missing(g->fragments, set, missing, UINT8_MAX);
	struct buf body = buf_init(JT808_BODY_MAX);
	if (jt808_resend_encode(set->first_serial, missing, count, is_2019, &body) == STATUS_OK) {
		session_reply(c, 0x8003, buf_view(&body));
		gate_count(g, INGEST_COUNT_RESENDS_ASKED, 1);
	}
	buf_deinit(&body);
}

void session_split_tick(struct gate *g)
{
	int64_t now_ms = (int64_t)uv_now(g->loop);
	struct fragment_set set;
	while (fragments_expire(g->fragments, now_ms, &set) == STATUS_OK)
		gate_count(g, INGEST_COUNT_SPLIT_EXPIRED, 1);
	while (fragments_ask(g->fragments, now_ms, g->options->fragment_resend_ms, &set) == STATUS_OK) {
		struct conn *c = terminal_here(g, set.terminal);
		if (c && !c->backlog)
			ask(g, c, &set);
	}
}
