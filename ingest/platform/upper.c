/* upper.c -- we are the upper platform: who dials in logs in, we dial back, both sides keep the links alive.
 *
 *   main   accepted ── 1001 ──> checked ── 1002 ──> up ── silent for three heartbeats, or closed ──> down
 *   sub                            └── dialled to the address it told us ── 9001, 9002 ── 9005 each heartbeat
 *                                      lost: dialled again, each time after twice as long, up to a minute */
#include <openssl/rand.h>
#include <stdio.h>

#include "engine/core/clock.h"
#include "engine/core/log.h"
#include "ingest/platform/platform_state.h"

#define BACKOFF_FIRST_MS 500
#define BACKOFF_MAX_MS 60000
#define FORGET_MS 60000 /* vehicles are looked up again: the registry may have changed */
/* positions are counted to the other side at least so often */
#define STATISTICS_MS 300000

/* results of 1002 (JT/T 809-2011, 4.5.1) */
enum login_result {
	LOGIN_OK = 0,
	LOGIN_BAD_ADDRESS = 1,
	LOGIN_BAD_ACCESS_CODE = 2,
	LOGIN_NOT_REGISTERED = 3,
	LOGIN_BAD_PASSWORD = 4,
	LOGIN_BUSY = 5
};

/* --- login --- */

static struct link *link_of_code(struct platform *p, uint32_t access_code)
{
	for (size_t i = 0; i < p->link_count; i++)
		if (p->links[i].config->role == LINK_LOWER && p->links[i].config->access_code == access_code)
			return &p->links[i];
	return NULL;
}

/* Takes as long for every wrong one. */
static bool password_is(const char *wanted, const char *said)
{
	char a[9] = "", b[9] = "";
	unsigned differs = strlen(said) > 8;
	memcpy(a, wanted, strlen(wanted));
	memcpy(b, said, strnlen(said, 8));
	for (unsigned i = 0; i < 8; i++)
		differs |= (unsigned)(a[i] ^ b[i]);
	return !differs;
}

static enum login_result check_login(const struct link *l, const struct peer *peer, const struct jt809_message *m)
{
	if (!l)
		return LOGIN_BAD_ACCESS_CODE;
	if (!link_allows(l->config, peer->address))
		return LOGIN_BAD_ADDRESS;
	if (m->user != l->config->user)
		return LOGIN_NOT_REGISTERED;
	return password_is(l->config->password, m->password) ? LOGIN_OK : LOGIN_BAD_PASSWORD;
}

static void reply_login(struct peer *peer, enum login_result result, uint32_t verify)
{
	uint8_t body[5] = {(uint8_t)result};
	store_be32(body + 1, verify);
	peer_send(peer, 0x1002, span_of(body, sizeof body));
}

/* The one before it is gone, whatever it thinks. */
static void take_link(struct link *l, struct peer *peer, const struct jt809_header *h, const struct jt809_message *m)
{
	if (l->main && l->main != peer)
		peer_close(l->main);
	if (l->sub)
		peer_close(l->sub);
	l->main = peer;
	peer->link = l;
	peer->kind = PEER_MAIN;
	if (l->config->edition == JT809_DETECT)
		l->edition = h->is_2019 ? JT809_2019 : JT809_2011;
	if (RAND_bytes((uint8_t *)&l->verify, sizeof l->verify) != 1)
		l->verify = (uint32_t)uv_hrtime();
	snprintf(l->sub_ip, sizeof l->sub_ip, "%.63s", m->ip);
	l->sub_port = m->port;
	l->sub_backoff_ms = BACKOFF_FIRST_MS;
	l->sub_dial_at_ms = uv_now(l->platform->loop);
	l->since_count = 0;
	l->since_ms = clock_now_ms();
	if (!l->logged_in)
		link_up(l);
}

static void login(struct peer *peer, const struct jt809_header *h, const struct jt809_message *m)
{
	struct link *l = link_of_code(peer->platform, h->access_code);
	enum login_result result = check_login(l, peer, m);
	if (result == LOGIN_OK) {
		take_link(l, peer, h, m);
		reply_login(peer, LOGIN_OK, l->verify);
		asks_send(l);
		return;
	}
	link_count(l, LINK_COUNT_LOGIN_REFUSALS, 1);
	log_warn("platform", "login of %u from %s refused: %d", h->access_code, peer->address, (int)result);
	reply_login(peer, result, 0);
	peer_end(peer);
}

/* --- messages --- */

static void send_empty(struct peer *peer, uint16_t id)
{
	peer_send(peer, id, (struct span){NULL, 0});
}

static enum peer_verdict link_message(struct peer *peer, const struct jt809_header *h, struct span body)
{
	static _Thread_local struct jt809_message m;
	struct link *l = peer->link;
	if (jt809_message_decode(h->id, body, h->is_2019 ? JT809_2019 : JT809_2011, &m)) {
		link_count(l, LINK_COUNT_UNSUPPORTED, 1);
		return PEER_TAKEN;
	}
	switch (h->id) {
	case 0x1001: /* once more on a link that is up: as if it had just dialled in */
		login(peer, h, &m);
		break;
	case 0x1003:
		send_empty(peer, 0x1004);
		peer_end(peer);
		break;
	case 0x1005:
		peer_answer_heartbeat(peer, 0x1006);
		break;
	case 0x1008: /* it closes both by itself */
		peer_end(peer);
		break;
	case 0x1102:
		asks_answered(l, h, &m);
		break;
	case 0x9002:
		if (m.result == 0)
			l->sub_backoff_ms = BACKOFF_FIRST_MS;
		else
			peer_close(peer);
		break;
	case 0x9004:
		peer_close(peer);
		break;
	case 0x1007: /* told on the sub link: the main link is broken on its side */
		if (peer->kind == PEER_SUB && l->main)
			peer_close(l->main);
		break;
	default: /* 9006 and what says nothing that its arrival does not */
		break;
	}
	return PEER_TAKEN;
}

enum peer_verdict upper_frame(struct peer *peer, const struct jt809_header *h, struct span body)
{
	static _Thread_local struct jt809_message m;
	if (peer->link) {
		if (jt809_has_envelope(h->id))
			return intake_frame(peer, h, body);
		return link_message(peer, h, body);
	}
	if (h->id == 0x1001 && jt809_message_decode(h->id, body, h->is_2019 ? JT809_2019 : JT809_2011, &m) == STATUS_OK)
		login(peer, h, &m);
	else
		peer_close(peer); /* nothing is heard before a login */
	return PEER_TAKEN;
}

/* --- the sub link --- */

void upper_connected(struct peer *peer)
{
	uint8_t body[4];
	store_be32(body, peer->link->verify);
	peer_send(peer, 0x9001, span_of(body, sizeof body));
}

static void dial_later(struct link *l, uint64_t now_ms)
{
	l->sub_dial_at_ms = now_ms + l->sub_backoff_ms;
	l->sub_backoff_ms = 2 * l->sub_backoff_ms > BACKOFF_MAX_MS ? BACKOFF_MAX_MS : 2 * l->sub_backoff_ms;
}

void upper_closed(struct peer *peer)
{
	struct link *l = peer->link;
	const uint8_t broken = 0;
	if (l->main == peer) {
		l->main = NULL;
		link_down(l);
	} else if (l->sub == peer) {
		l->sub = NULL;
		dial_later(l, uv_now(l->platform->loop));
		if (peer->connected) {
			link_count(l, LINK_COUNT_SUB_CUTS, 1);
			if (l->main)
				(void)link_send(l, PEER_MAIN, 0x9007, span_of(&broken, 1));
		}
	}
}

static void tick_sub(struct link *l, uint64_t now_ms)
{
	uint32_t heartbeat_ms = l->platform->book->heartbeat_ms;
	if (!l->sub && l->logged_in && l->sub_port && now_ms >= l->sub_dial_at_ms) {
		l->sub = peer_dial(l->platform, l, PEER_SUB, l->sub_ip, l->sub_port);
		if (!l->sub)
			dial_later(l, now_ms);
		return;
	}
	if (!l->sub)
		return;
	if (now_ms - l->sub->heard_ms > 3 * (uint64_t)heartbeat_ms)
		peer_close(l->sub);
	else if (l->sub->connected && now_ms - l->sub->said_ms >= heartbeat_ms)
		send_empty(l->sub, 0x9005);
}

/* --- counting --- */

static void tell_count(struct link *l)
{
	int64_t now_ms = clock_now_ms();
	struct jt809_message m = {.id = 0x9101, .count = l->since_count, .from_ms = l->since_ms, .to_ms = now_ms};
	if (link_say(l, PEER_SUB, &m, NULL)) {
		l->since_count = 0;
		l->since_ms = now_ms;
	}
}

void upper_tick(struct link *l, uint64_t now_ms)
{
	struct peer *main = l->main;
	uint32_t heartbeat_ms = l->platform->book->heartbeat_ms;
	if (main && !main->paused && now_ms - main->heard_ms > 3 * (uint64_t)heartbeat_ms)
		peer_close(main);
	tick_sub(l, now_ms);
	if (l->logged_in && l->since_count &&
	    (l->since_count >= l->platform->book->statistics_every || clock_now_ms() - l->since_ms >= STATISTICS_MS))
		tell_count(l);
	if (now_ms - l->forgot_ms >= FORGET_MS) {
		l->forgot_ms = now_ms;
		vehicles_forget(l);
	}
}
