/* site_sl651.c -- what a message of SL 651 says of a site.
 *
 *   site      by the ten hex digits of the station; password and centre as the sites file has them
 *   streams   rain_now, rain_total (counter), river_level, supply_voltage, element.XX, element.ff.XX for the others;
 *             rain_5min and level_5min of the twelve groups of an hour's report; text (state) of a manual one
 *
 * A message in packets is put together first: packets come in their order, one that came before is passed over, and the
 * last one is answered NAK when any is missing. Pictures hold no values. Taken: ESC (stay online), or EOT
 * when the station said that it goes. Keep-alives are not answered. */
#include <stdio.h>

#include "engine/core/charset.h"
#include "engine/core/clock.h"
#include "ingest/sensors/sl651.h"
#include "ingest/sites/site_session.h"

#define KEEP_ALIVE 0x2f
#define FIVE_MINUTES_RAIN 0xf4
#define FIVE_MINUTES_LEVEL 0xf5
#define GROUPS 12
#define GROUP_MS (INT64_C(5) * MS_PER_MINUTE)

static const struct {
	uint8_t id, kind;
	const char *name, *unit;
} known[] = {{0x20, STREAM_GAUGE, "rain_now", "mm"},
	     {0x26, STREAM_COUNTER, "rain_total", "mm"},
	     {0x38, STREAM_GAUGE, "supply_voltage", "V"},
	     {0x39, STREAM_GAUGE, "river_level", "m"}};

struct taking {
	const struct site_session *session;
	struct site_frame *frame;
	int64_t time_ms; /* of elements behind no observation time */
};

static enum status put_number(struct taking *t, const struct sl651_element *e, int64_t time_ms)
{
	struct value v = {.time_ms = time_ms};
	value_set_decimal(&v, e->mantissa, e->decimals);
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (e->id == known[i].id)
			return site_frame_add(t->session, t->frame, &v, known[i].kind, known[i].unit, "%s",
					      known[i].name);
	if (e->id == SL651_EXTENDED)
		return site_frame_add(t->session, t->frame, &v, STREAM_GAUGE, "", "element.ff.%02x", e->extended);
	return site_frame_add(t->session, t->frame, &v, STREAM_GAUGE, "", "element.%02x", e->id);
}

/* An hour's twelve groups, the last at the observation time: rain in 0.1 mm of one byte, levels in cm of two; all ones
 * is no value. */
static enum status put_groups(struct taking *t, const struct sl651_element *e, int64_t time_ms)
{
	size_t size = e->id == FIVE_MINUTES_RAIN ? 1 : 2;
	enum status status = STATUS_OK;
	for (size_t i = 0; i < GROUPS && !status; i++) {
		const uint8_t *p = e->data.data + i * size;
		uint32_t n = size == 1 ? *p : load_be16(p);
		struct value v = {.time_ms = time_ms - (int64_t)(GROUPS - 1 - i) * GROUP_MS};
		if (n == (size == 1 ? 0xffu : 0xffffu))
			continue;
		value_set_decimal(&v, n, (unsigned)size);
		status = site_frame_add(t->session, t->frame, &v, STREAM_GAUGE, size == 1 ? "mm" : "m", "%s",
					size == 1 ? "rain_5min" : "level_5min");
	}
	return status;
}

/* What a person typed at the station. */
static enum status put_text(struct taking *t, const struct sl651_element *e, int64_t time_ms)
{
	char text[VALUE_TEXT_MAX + 1];
	struct value v = {.time_ms = time_ms};
	size_t size = charset_gbk_to_utf8(e->data, text, sizeof text);
	if (!size) {
		t->frame->untold++;
		return STATUS_OK;
	}
	enum status status = site_frame_text(t->frame, span_of(text, size), &v);
	return status ? status : site_frame_add(t->session, t->frame, &v, STREAM_STATE, "", "text");
}

static enum status put_element(struct taking *t, const struct sl651_element *e)
{
	int64_t time_ms = e->has_time ? e->time_ms : t->time_ms;
	bool groups = (e->id == FIVE_MINUTES_RAIN && e->data.size == GROUPS) ||
		      (e->id == FIVE_MINUTES_LEVEL && e->data.size == GROUPS * 2);
	if (e->id == SL651_OBSERVED)
		return STATUS_OK;
	if (e->is_number)
		return put_number(t, e, time_ms);
	if (groups)
		return put_groups(t, e, time_ms);
	if (e->id == SL651_TEXT)
		return put_text(t, e, time_ms);
	t->frame->untold++; /* missing (FF FF ..), picture */
	return STATUS_OK;
}

static enum status put_elements(struct taking *t, struct span elements)
{
	struct sl651_elements walk = sl651_elements_of(elements);
	struct sl651_element e;
	enum status status;
	while ((status = sl651_elements_next(&walk, &e)) == STATUS_OK) {
		status = put_element(t, &e);
		if (status)
			return status;
	}
	return status == STATUS_END ? STATUS_OK : status;
}

/* --- packets --- */

static bool goes_on(const struct site_packets *p, const struct sl651_message *m)
{
	return p->total == m->packets && p->function == m->function &&
	       memcmp(p->station, m->station, sizeof p->station) == 0;
}

static void begin(struct site_packets *p, const struct sl651_message *m)
{
	buf_clear(&p->elements);
	memcpy(p->station, m->station, sizeof p->station);
	p->function = m->function;
	p->total = m->packets;
	p->next = 1;
	p->serial = m->serial;
	p->time_ms = m->time_ms;
	p->time_known = m->time_known;
}

/* STATUS_OK: all are here, `m` is the whole message; STATUS_NEED_MORE: this one is; STATUS_CONFLICT: one before it is
 * missing; STATUS_TOO_LONG. */
static enum status join_packets(struct site_packets *p, struct sl651_message *m)
{
	if (m->packet == 1)
		begin(p, m);
	if (!goes_on(p, m) || m->packet > p->next)
		return STATUS_CONFLICT;
	if (m->packet == p->next) {
		struct span part = m->packet == 1 ? m->elements : m->body;
		enum status status = buf_append(&p->elements, part.data, part.size);
		if (status)
			return status == STATUS_FULL ? STATUS_TOO_LONG : status;
		p->next++;
	}
	m->serial = p->serial;
	m->time_known = p->time_known;
	m->time_ms = p->time_ms;
	if (p->next <= p->total)
		return STATUS_NEED_MORE;
	m->elements = buf_view(&p->elements);
	p->total = p->next = 0;
	return STATUS_OK;
}

/* --- a message --- */

static enum status identify(const struct site_session *s, struct site_frame *f, const struct sl651_message *m)
{
	const struct site_listener_config *l = &s->config->listeners[s->listener];
	char key[11], password[5];
	hex_encode(key, span_of(m->station, sizeof m->station));
	snprintf(password, sizeof password, "%04x", m->password);
	enum status status = site_frame_who(s, f, span_of_string(key));
	if (status)
		return status;
	bool wrong = f->device && f->device->password[0] && strcmp(password, f->device->password) != 0;
	return wrong || (l->has_centre && l->centre != m->centre) ? STATUS_DENIED : STATUS_OK;
}

static enum status write_answers(const struct sl651_message *m, int64_t now_ms, struct site_frame *f)
{
	enum sl651_end taken = m->end == SL651_EOT ? SL651_EOT : SL651_ESC;
	enum status status = sl651_reply_encode(m, SL651_NAK, now_ms, &f->bad);
	return status ? status : sl651_reply_encode(m, taken, now_ms, &f->good);
}

enum status site_take_sl651(struct site_session *s, struct span raw, int64_t now_ms, struct site_frame *out)
{
	struct sl651_message m;
	enum status status = sl651_decode(raw, &m), joined = STATUS_OK;
	if (status)
		return status;
	if (m.down)
		return STATUS_UNSUPPORTED;
	status = identify(s, out, &m);
	if (!status && m.packets > 1)
		joined = join_packets(&s->packets, &m);
	out->heartbeat = m.function == KEEP_ALIVE;
	/* a packet in the middle is answered with the last one */
	bool answered = !out->heartbeat && joined != STATUS_NEED_MORE && (m.packets <= 1 || m.packet == m.packets);
	enum status written = answered ? write_answers(&m, now_ms, out) : STATUS_OK;
	if (status || written)
		return status ? status : written;
	if (joined)
		return joined == STATUS_NEED_MORE ? STATUS_OK : joined;
	struct taking taking = {s, out, m.time_known ? m.time_ms : now_ms};
	return put_elements(&taking, m.elements);
}
