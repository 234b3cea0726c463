/* lower.c -- we are the lower platform: we dial the one above us, log in, let it dial back, and keep the links alive.
 *
 *   main   dialled ── 1001 ──> 1002 ──> up ── 1005 each heartbeat, 1006 back ── lost: dialled again, later each time
 *   sub    accepted ── 9001 with the code of 1002 ──> 9002                                                           */
#include <stdio.h>
#include <stdlib.h>

#include "engine/core/clock.h"
#include "engine/core/log.h"
#include "ingest/platform/platform_state.h"

#define BACKOFF_FIRST_MS 500
#define BACKOFF_MAX_MS 60000

/* --- the main link --- */

void lower_connected(struct peer *peer)
{
	struct link *l = peer->link;
	struct jt809_message m = {
		.id = 0x1001, .user = l->config->user, .access_code = l->config->access_code, .port = l->sub_port};
	memcpy(m.password, l->config->password, sizeof l->config->password);
	snprintf(m.ip, sizeof m.ip, "%s", l->config->sub_address);
	l->heartbeats_said = l->heartbeats_answered = 0;
	(void)link_say(l, PEER_MAIN, &m, NULL);
}

static void dial_later(struct link *l, uint64_t now_ms)
{
	l->dial_at_ms = now_ms + l->backoff_ms;
	l->backoff_ms = 2 * l->backoff_ms > BACKOFF_MAX_MS ? BACKOFF_MAX_MS : 2 * l->backoff_ms;
}

void lower_closed(struct peer *peer)
{
	struct link *l = peer->link;
	const uint8_t broken = 0;
	if (l->main == peer) {
		l->main = NULL;
		forwarder_link(l, false);
		link_down(l);
		dial_later(l, uv_now(l->platform->loop));
		if (l->sub && l->sub->verified)
			(void)link_send(l, PEER_SUB, 0x1007, span_of(&broken, 1));
	} else if (l->sub == peer) {
		l->sub = NULL;
		link_count(l, LINK_COUNT_SUB_CUTS, 1);
	}
}

static void logged_in(struct peer *peer, const struct jt809_message *m)
{
	struct link *l = peer->link;
	if (m->result) {
		link_count(l, LINK_COUNT_LOGIN_REFUSALS, 1);
		log_warn("platform", "%s: our login is refused: %u", l->config->name, m->result);
		peer_end(peer);
		return;
	}
	l->verify = m->verify;
	l->backoff_ms = BACKOFF_FIRST_MS;
	if (!l->logged_in)
		link_up(l);
	forwarder_link(l, true);
}

void lower_tick(struct link *l, uint64_t now_ms)
{
	uint32_t heartbeat_ms = l->platform->book->heartbeat_ms;
	if (!l->main && now_ms >= l->dial_at_ms) {
		l->backoff_ms = l->backoff_ms ? l->backoff_ms : BACKOFF_FIRST_MS;
		l->main = peer_dial(l->platform, l, PEER_MAIN, l->config->host, l->config->port);
		if (!l->main)
			dial_later(l, now_ms);
	} else if (l->main && now_ms - l->main->heard_ms > 3 * (uint64_t)heartbeat_ms) {
		peer_close(l->main);
	} else if (l->main && l->logged_in && now_ms - l->main->said_ms >= heartbeat_ms) {
		l->heartbeats_said++;
		peer_send(l->main, 0x1005, (struct span){NULL, 0});
	}
	if (l->sub && now_ms - l->sub->heard_ms > 3 * (uint64_t)heartbeat_ms)
		peer_close(l->sub);
}

/* --- what the platform above asks --- */

/* The device with this plate, its own terminal first, as it forwards it. */
static uint64_t device_of(struct platform *p, const struct jt809_message *m)
{
	char plate[DEVICE_VALUE_MAX + 1];
	uint64_t device = 0;
	snprintf(plate, sizeof plate, "%u:%s", m->colour, m->plate);
	if (registry_find(p->registry, DEVICE_FIELD_PLATE, span_of_string(plate), clock_now_ms(), &device))
		return 0;
	return device;
}

static void value_of(struct platform *p, uint64_t device, enum device_field field, char out[DEVICE_VALUE_MAX + 1])
{
	if (!device || registry_value(p->registry, device, field, clock_now_ms(), out))
		*out = '\0';
}

static const char *trade_of_class(unsigned class_code)
{
	return class_code == DEVICE_CLASS_COACH ? "010" : class_code == DEVICE_CLASS_HAZMAT ? "030" : "020";
}

/* "KEY:=value" of what the registry says (0x1601). */
static void say_static(struct platform *p, uint64_t device, uint8_t colour, struct buf *gbk)
{
	char vin[DEVICE_VALUE_MAX + 1], company[DEVICE_VALUE_MAX + 1], text[3 * DEVICE_VALUE_MAX];
	value_of(p, device, DEVICE_FIELD_VIN, vin);
	value_of(p, device, DEVICE_FIELD_COMPANY, company);
	unsigned class_code = device ? registry_class(p->registry, device, clock_now_ms()) : DEVICE_CLASS_OTHER;
	snprintf(text, sizeof text, "VIN:=%s;VEHICLE_COLOR:=%u;TRANS_TYPE:=%s;OWERS_NAME:=%s", vin, colour,
		 trade_of_class(class_code), company);
	if (charset_utf8_to_gbk(span_of_string(text), gbk))
		log_warn("platform", "no memory for the data of a vehicle");
}

/* A message of the same vehicle and family as `m`, going up. */
static struct jt809_message answer_to(const struct jt809_header *h, const struct jt809_message *m, uint16_t sub_id)
{
	struct jt809_message a = {.id = h->id & 0x7fff,
				  .sub_id = sub_id,
				  .colour = m->colour,
				  .source_id = m->sub_id,
				  .source_serial = h->serial,
				  .info_id = m->info_id};
	memcpy(a.plate, m->plate, sizeof a.plate);
	return a;
}

static void exchange(struct link *l, const struct jt809_header *h, const struct jt809_message *m)
{
	struct platform *p = l->platform;
	struct buf gbk = buf_init(8 * DEVICE_VALUE_MAX);
	uint64_t device = device_of(p, m);
	struct jt809_message a = answer_to(h, m, m->sub_id & 0x7fff);
	char driver[DEVICE_VALUE_MAX + 1];
	bool answer = true;
	switch (m->sub_id) {
	case 0x9205:
	case 0x9206:
		break;
	case 0x9209:
		answer = m->from_ms != 0; /* otherwise it answers an application, and we make none */
		a.result = device ? 0 : 2;
		if (answer && device)
			forwarder_again(l, device, m->from_ms, m->to_ms);
		break;
	case 0x920a:
		value_of(p, device, DEVICE_FIELD_DRIVER, driver);
		if (strlen(driver) < sizeof a.person)
			strcpy(a.person, driver);
		break;
	case 0x920b:
		break;
	case 0x9601:
		say_static(p, device, m->colour, &gbk);
		a.content = buf_view(&gbk);
		break;
	default:
		answer = false;
		break;
	}
	if (answer)
		(void)link_say(l, PEER_MAIN, &a, NULL);
	buf_deinit(&gbk);
}

static void business(struct link *l, const struct jt809_header *h, const struct jt809_message *m)
{
	switch (m->sub_id) {
	case 0x9301:
	case 0x9401:
		asks_incoming(l, h, m);
		break;
	case 0x9302: {
		struct jt809_message a = answer_to(h, m, 0x1302);
		asks_incoming(l, h, m);
		(void)link_say(l, PEER_MAIN, &a, NULL);
		break;
	}
	default:
		exchange(l, h, m);
		break;
	}
	link_count(l, LINK_COUNT_MESSAGES, 1);
}

static void say_statistics(struct link *l, const struct jt809_message *asked)
{
	struct jt809_message m = {.id = 0x1102, .from_ms = asked->from_ms, .to_ms = asked->to_ms};
	uint64_t cuts = link_counted(l, LINK_COUNT_CUTS);
	memcpy(m.platform, l->config->platform, sizeof l->config->platform);
	m.cuts = cuts > UINT8_MAX ? UINT8_MAX : (uint8_t)cuts;
	(void)link_say(l, PEER_MAIN, &m, NULL);
}

/* --- links --- */

static void verify_sub(struct peer *peer, uint32_t verify)
{
	struct link *l = peer->link;
	uint8_t result = l->logged_in && verify == l->verify ? 0 : 1;
	peer->verified = result == 0;
	peer_send(peer, 0x9002, span_of(&result, 1));
	if (result) {
		peer_end(peer);
		return;
	}
	if (l->sub && l->sub != peer)
		peer_close(l->sub);
	l->sub = peer; /* whoever dials without the code leaves the one before in its place */
}

static void link_message(struct peer *peer, const struct jt809_message *m)
{
	struct link *l = peer->link;
	switch (m->id) {
	case 0x1002:
		if (peer == l->main)
			logged_in(peer, m);
		break;
	case 0x1006:
		l->heartbeats_answered++;
		forwarder_confirmed(l);
		break;
	case 0x9001:
		verify_sub(peer, m->verify);
		break;
	case 0x9003:
		peer_send(peer, 0x9004, (struct span){NULL, 0});
		peer_end(peer);
		break;
	case 0x9005:
		peer_send(peer, 0x9006, (struct span){NULL, 0});
		break;
	case 0x9008:
		peer_end(peer);
		break;
	case 0x9101:
		link_count(l, LINK_COUNT_CONFIRMED, m->count);
		break;
	case 0x9102:
		say_statistics(l, m);
		break;
	default: /* 1004, 9007 and what says nothing that its arrival does not */
		break;
	}
}

enum peer_verdict lower_frame(struct peer *peer, const struct jt809_header *h, struct span body)
{
	static _Thread_local struct jt809_message m;
	struct link *l = peer->link;
	enum status status = jt809_message_decode(h->id, body, h->is_2019 ? JT809_2019 : JT809_2011, &m);
	bool early = peer->kind == PEER_SUB && !peer->verified && h->id != 0x9001;
	if (early || (peer == l->main && !l->logged_in && h->id != 0x1002)) {
		peer_close(peer); /* nothing is heard before the link is what it says */
		return PEER_TAKEN;
	}
	if (status)
		link_count(l, LINK_COUNT_UNSUPPORTED, 1);
	else if (m.sub_id)
		business(l, h, &m);
	else
		link_message(peer, &m);
	return PEER_TAKEN;
}
