/* intake_jt809.c -- business messages of a platform below into reports, cards and kept messages.
 *
 * A frame may be several entries (0x1203). When the engine has no room in the middle of one, the frame is taken again
 * from its beginning, and what the engine has already is passed over. */
#include <stdlib.h>

#include "engine/core/clock.h"
#include "engine/core/limits.h"
#include "engine/core/log.h"
#include "ingest/platform/platform_state.h"

/* refusals kept for a look; all are counted */
#define QUARANTINE_PER_MINUTE 600
/* what a kept message says of its protocol: the editions of JT/T 808 are 0 to 2 */
#define PROTOCOL_JT809 0x10

/* --- refused --- */

static bool may_keep(struct platform *p)
{
	uint64_t now_ms = uv_now(p->loop);
	p->quarantine_tokens += (int64_t)(now_ms - p->quarantine_at_ms) * QUARANTINE_PER_MINUTE;
	p->quarantine_at_ms = now_ms;
	if (p->quarantine_tokens > (int64_t)QUARANTINE_PER_MINUTE * 60000)
		p->quarantine_tokens = (int64_t)QUARANTINE_PER_MINUTE * 60000;
	if (p->quarantine_tokens < 60000)
		return false;
	p->quarantine_tokens -= 60000;
	return true;
}

void intake_quarantine(struct peer *peer, uint16_t id, enum status reason, struct span raw)
{
	struct platform *p = peer->platform;
	struct intake in = {.kind = INTAKE_QUARANTINE,
			    .received_ms = clock_now_ms(),
			    .message_id = id,
			    .reason = reason,
			    .body = raw};
	if (may_keep(p) && shard_submit(p->shard, &in))
		log_debug("platform", "a refused frame is not kept");
}

/* --- entries --- */

static enum status submit(struct peer *peer, struct intake *in, bool is_position)
{
	if (peer->entry_at++ < peer->entries_taken)
		return STATUS_OK;
	in->wants_settled = true;
	in->ticket = platform_ticket(peer, is_position);
	enum status status = shard_submit(peer->platform->shard, in);
	if (status)
		return status;
	peer->entries_taken++;
	peer->outstanding++;
	return STATUS_OK;
}

/* The verdict over a frame whose last entry had this outcome. */
static enum peer_verdict verdict(struct peer *peer, enum status status)
{
	if (status == STATUS_NEED_MORE) /* paused for work */
		return PEER_AGAIN;
	if (status && status_class(status) == STATUS_CLASS_system) {
		peer_pause(peer, PEER_PAUSE_ROOM);
		return PEER_AGAIN;
	}
	if (peer->outstanding >= PEER_WINDOW)
		peer_pause(peer, PEER_PAUSE_WINDOW);
	return PEER_TAKEN;
}

/* --- positions --- */

static enum status take_position(struct peer *peer, uint64_t device, struct span data, bool backfill)
{
	struct platform *p = peer->platform;
	struct link *l = peer->link;
	struct report r;
	size_t size;
	bool is_new = peer->entry_at >= peer->entries_taken;
	enum status refused = jt809_position_decode(data, p->room, JT809_FRAME_MAX + JT809_POSITION_EXTRA, &r, &size);
	if (refused) {
		if (is_new) {
			link_count(l, LINK_COUNT_REFUSED, 1);
			intake_quarantine(peer, backfill ? 0x1203 : 0x1202, refused, data);
			peer->entries_taken++;
		}
		peer->entry_at++;
		return STATUS_OK;
	}
	r.received_ms = clock_now_ms();
	r.flags |= backfill ? REPORT_FLAG_FROM_BATCH | REPORT_FLAG_BACKFILL : 0;
	if (r.time_ms - r.received_ms > FUTURE_SKEW_MAX_MS)
		r.flags |= REPORT_FLAG_FUTURE;
	struct intake in = {.kind = INTAKE_REPORT,
			    .device = device,
			    .received_ms = r.received_ms,
			    .report = &r,
			    .time_ms = r.time_ms,
			    .body = span_of(p->room, size)};
	enum status status = submit(peer, &in, true);
	if (!status && is_new)
		link_count(l, backfill ? LINK_COUNT_BACKFILLED : LINK_COUNT_POSITIONS, 1);
	return status;
}

static enum status take_backfill(struct peer *peer, uint64_t device, struct span data)
{
	struct jt809_positions all;
	struct span one;
	enum status status = jt809_positions_decode(data, &all);
	if (status)
		return take_position(peer, device, data, true); /* refused there, and kept */
	while (!status && jt809_positions_next(&all, &one) != STATUS_END)
		status = take_position(peer, device, one, true);
	return status;
}

/* --- everything else is kept as it came --- */

static enum status keep(struct peer *peer, uint64_t device, const struct jt809_header *h,
			const struct jt809_envelope *e, uint64_t driver, bool is_card)
{
	struct intake in = {.kind = is_card ? INTAKE_CARD : INTAKE_MESSAGE,
			    .device = device,
			    .received_ms = clock_now_ms(),
			    .message_id = e->sub_id,
			    .protocol = (uint8_t)(PROTOCOL_JT809 | h->is_2019),
			    .driver = driver,
			    .body = e->data};
	in.time_ms = in.received_ms;
	bool is_new = peer->entry_at >= peer->entries_taken;
	enum status status = submit(peer, &in, false);
	if (!status && is_new)
		link_count(peer->link, LINK_COUNT_MESSAGES, 1);
	return status;
}

/* --- what a platform says of a vehicle, for the registry --- */

#define NOTES_MAX 4

struct notes {
	uint64_t device;
	char principal[DEVICE_PRINCIPAL_MAX + 1];
	struct {
		uint8_t field;
		char text[DEVICE_VALUE_MAX + 1];
	} list[NOTES_MAX];
	size_t count;
};

static void write_notes(struct platform *p, void *context)
{
	struct notes *n = context;
	int64_t now_ms = clock_now_ms();
	for (size_t i = 0; i < n->count; i++) {
		struct registry_change change = {n->list[i].field, span_of_string(n->list[i].text)};
		/* one by one: a value that is none, or another's, costs itself */
		enum status status = registry_apply(p->registry, n->device, DEVICE_KIND_JT809, &change, 1, now_ms,
						    n->principal, NULL);
		if (status)
			log_info("platform", "%s of %016llx is not taken over: %s",
				 device_field_token(n->list[i].field), (unsigned long long)n->device,
				 status_text(status));
	}
	free(n);
}

/* Only what nobody has said: not the device itself, nor its vehicle. */
static void add_note(struct peer *peer, struct notes *n, uint8_t field, const char *text)
{
	char known[DEVICE_VALUE_MAX + 1];
	if (!*text || n->count == NOTES_MAX || strlen(text) > DEVICE_VALUE_MAX ||
	    !registry_value(peer->platform->registry, n->device, (enum device_field)field, clock_now_ms(), known))
		return;
	n->list[n->count].field = field;
	strcpy(n->list[n->count++].text, text);
}

/* JT/T 415-2006, trades of road transport: 01x passengers, 03x dangerous goods. */
static const char *class_of_trade(const char *trade)
{
	return strncmp(trade, "01", 2) == 0 ? "coach" : strncmp(trade, "03", 2) == 0 ? "hazmat" : "";
}

static void note_static(struct peer *peer, struct notes *n, struct span content)
{
	struct cursor c = cursor_of(content);
	struct jt809_static item;
	while (jt809_static_next(&c, &item) == STATUS_OK) {
		char text[DEVICE_VALUE_MAX + 1];
		charset_gbk_to_utf8(item.value, text, sizeof text);
		if (span_equal(item.key, span_of_string("TRANS_TYPE")))
			add_note(peer, n, DEVICE_FIELD_CLASS, class_of_trade(text));
		else if (span_equal(item.key, span_of_string("OWERS_NAME")))
			add_note(peer, n, DEVICE_FIELD_COMPANY, text);
	}
}

static void note(struct peer *peer, uint64_t device, const struct jt809_message *m)
{
	struct notes *n = calloc(1, sizeof *n);
	if (!n)
		return;
	n->device = device;
	memcpy(n->principal, "jt809:", 6);
	strcpy(n->principal + 6, peer->link->config->name);
	if (m->sub_id == 0x1601) {
		note_static(peer, n, m->content);
	} else {
		add_note(peer, n, DEVICE_FIELD_MANUFACTURER, m->producer);
		add_note(peer, n, DEVICE_FIELD_TERMINAL_MODEL, m->model);
		add_note(peer, n, DEVICE_FIELD_TERMINAL_ID, m->terminal_id);
	}
	if (n->count)
		platform_work(peer->platform, write_notes, n);
	else
		free(n);
}

/* --- by sub type --- */

/* Answers of a platform below to what we asked; the tables know them. */
static bool is_answer(uint16_t sub_id)
{
	for (unsigned kind = 1; kind < LINK_ASK_COUNT; kind++)
		if (sub_id && link_ask_wire(kind).answer == sub_id)
			return true;
	return false;
}

/* What the lower side asks of us about vehicles that we would exchange to it: there are none. */
static void answer_application(struct link *l, const struct jt809_message *m)
{
	struct jt809_message answer = {.id = 0x9200, .sub_id = (uint16_t)(m->sub_id | 0x8000), .colour = m->colour};
	memcpy(answer.plate, m->plate, sizeof answer.plate);
	answer.result = m->sub_id == 0x1208 ? 1 : m->sub_id == 0x1207 ? 3 : 2; /* JT/T 809-2011, 4.5.8 */
	(void)link_say(l, PEER_SUB, &answer, NULL);
}

static void answer_register(struct link *l, const struct jt809_header *h)
{
	struct jt809_message answer = {
		.id = 0x9200, .sub_id = 0x9201, .source_id = 0x1201, .source_serial = h->serial, .result = 0};
	if (h->is_2019)
		(void)link_say(l, PEER_SUB, &answer, NULL);
}

/* A message that names a vehicle and is no position. */
static enum status take_message(struct peer *peer, const struct jt809_header *h, const struct jt809_envelope *e,
				uint64_t device, const struct jt809_message *m, bool known)
{
	bool driver = known && (m->sub_id == 0x120a || m->sub_id == 0x120c);
	bool card = driver && (*m->licence || *m->id_card);
	const char *number = *m->licence ? m->licence : m->id_card;
	bool is_new = peer->entry_at >= peer->entries_taken;
	enum status status = keep(peer, device, h, e, card ? driver_number(span_of_string(number)) : 0, card);
	if (status || !is_new || !known)
		return status;
	if (m->sub_id == 0x1601 || m->sub_id == 0x1201)
		note(peer, device, m);
	if (m->sub_id == 0x1201)
		answer_register(peer->link, h);
	if (m->sub_id == 0x1207 || m->sub_id == 0x1208 || (m->sub_id == 0x1209 && m->from_ms))
		answer_application(peer->link, m);
	return STATUS_OK;
}

/* The vehicle of a message: of its envelope, or among its fields (alarms of 2019). */
static struct span vehicle_of(const struct jt809_envelope *e, const struct jt809_message *m,
			      uint8_t room[JT809_VEHICLE])
{
	if (e->vehicle.size || !*m->plate || jt809_text_pack(m->plate, room, JT809_PLATE))
		return e->vehicle;
	room[JT809_PLATE] = m->colour;
	return span_of(room, JT809_VEHICLE);
}

static enum peer_verdict take_other(struct peer *peer, const struct jt809_header *h, struct span body,
				    const struct jt809_envelope *e)
{
	static _Thread_local struct jt809_message m;
	struct link *l = peer->link;
	uint8_t room[JT809_VEHICLE];
	uint64_t device;
	bool known = jt809_message_decode(h->id, body, h->is_2019 ? JT809_2019 : JT809_2011, &m) == STATUS_OK;
	struct span vehicle = vehicle_of(e, &m, room);
	if (!known && peer->entry_at >= peer->entries_taken)
		link_count(l, LINK_COUNT_UNSUPPORTED, 1);
	enum status status = vehicle.size ? vehicle_device(peer, vehicle, &device) : STATUS_OK;
	if (status == STATUS_OK && vehicle.size)
		status = take_message(peer, h, e, device, &m, known);
	else if (status && status != STATUS_NEED_MORE)
		link_count(l, LINK_COUNT_UNKNOWN_VEHICLES, 1);
	enum peer_verdict taken = verdict(peer, status);
	if (taken == PEER_TAKEN && known && is_answer(m.sub_id))
		asks_answered(l, h, &m);
	return taken;
}

enum peer_verdict intake_frame(struct peer *peer, const struct jt809_header *h, struct span body)
{
	struct jt809_envelope e;
	struct link *l = peer->link;
	uint64_t device;
	enum status status = jt809_envelope_decode(h->id, body, &e);
	if (status) {
		link_count(l, LINK_COUNT_BAD_FRAMES, 1);
		intake_quarantine(peer, h->id, status, body);
		return PEER_TAKEN;
	}
	if (e.sub_id != 0x1202 && e.sub_id != 0x1203)
		return take_other(peer, h, body, &e);
	status = vehicle_device(peer, e.vehicle, &device);
	if (status == STATUS_OK) {
		status = e.sub_id == 0x1202 ? take_position(peer, device, e.data, false)
					    : take_backfill(peer, device, e.data);
	} else if (status_class(status) == STATUS_CLASS_peer && status != STATUS_NEED_MORE) {
		link_count(l, LINK_COUNT_UNKNOWN_VEHICLES, 1);
		intake_quarantine(peer, e.sub_id, status, body);
	}
	return verdict(peer, status);
}
