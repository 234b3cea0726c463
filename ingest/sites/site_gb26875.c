/* site_gb26875.c -- what a frame of GB/T 26875.3 says of a site.
 *
 *   site      the user information transmission device, by its source address
 *   streams   system.SYSTEM.ADDRESS                        state of a system, what was done to it:
 * operation.SYSTEM.ADDRESS part.SYSTEM.ADDRESS.PART.NUMBER              state of a part
 *             part.SYSTEM.ADDRESS.PART.NUMBER.QUANTITY     what it measures
 *             device, device.operation                     the transmission device itself
 *
 * What a panel says of a part's place becomes the note of its stream when that is made. States are texts: "normal", or
 * the bits that are set, "fire+fault". Bit 0 clear means that a test is under way: then the value's quality says so,
 * and nobody takes it for an alarm. */
#include <stdio.h>

#include "engine/core/charset.h"
#include "ingest/sensors/gb26875.h"
#include "ingest/sites/site_session.h"

struct taking {
	const struct site_session *session;
	struct site_frame *frame;
	int64_t frame_ms; /* for objects that tell no time */
};

/* Names of the bits of `bits` from `first` on, joined by '+'; `none` when there is none. */
static enum status put_bits(struct taking *t, uint8_t type, uint16_t bits, unsigned first, const char *none,
			    struct value *v)
{
	char text[VALUE_TEXT_MAX + 1];
	size_t size = 0;
	for (unsigned bit = first; bit < 16; bit++) {
		const char *name = bits >> bit & 1 ? gb26875_bit_name(type, bit) : NULL;
		if (name && size < sizeof text)
			size += (size_t)snprintf(text + size, sizeof text - size, "%s%s", size ? "+" : "", name);
		else if ((bits >> bit & 1) && size < sizeof text)
			size += (size_t)snprintf(text + size, sizeof text - size, "%sbit %u", size ? "+" : "", bit);
	}
	return site_frame_text(t->frame, size ? span_of(text, size) : span_of_string(none), v);
}

static enum status put_state(struct taking *t, const struct gb26875_object *o, struct value *v)
{
	bool ignored = t->frame->device && t->frame->device->test_ignored;
	if (!(o->state & GB26875_STATE_NORMAL) && !ignored)
		v->quality = VALUE_QUALITY_TEST;
	return put_bits(t, o->type, o->state, 1, "normal", v);
}

static enum status put_analog(struct taking *t, const struct gb26875_object *o, struct value *v)
{
	const struct gb26875_analog_unit *unit = gb26875_analog_unit(o->analog_type);
	char unknown[24];
	snprintf(unknown, sizeof unknown, "analog %u", o->analog_type);
	value_set_decimal(v, o->analog, unit ? unit->scale : 0);
	return site_frame_add(t->session, t->frame, v, STREAM_GAUGE, unit ? unit->unit : "", "part.%u.%u.%u.%u.%s",
			      o->system_type, o->system_address, o->part_type, o->part_address,
			      unit ? unit->name : unknown);
}

/* A part's state, and where it is, as the panel has it, for a note of its stream. */
static enum status put_part(struct taking *t, const struct gb26875_object *o, struct value *v)
{
	char text[CHARSET_UTF8_ROOM(31)];
	enum status status = put_state(t, o, v);
	if (!status)
		status = site_frame_add(t->session, t->frame, v, STREAM_STATE, "", "part.%u.%u.%u.%u", o->system_type,
					o->system_address, o->part_type, o->part_address);
	size_t size = charset_gbk_to_utf8(o->text, text, sizeof text);
	return status || !size ? status : site_frame_note(t->frame, span_of(text, size));
}

static enum status put_object(struct taking *t, const struct gb26875_object *o)
{
	const struct site_session *s = t->session;
	struct site_frame *f = t->frame;
	struct value v = {.time_ms = o->has_time && o->time.known ? o->time.ms : t->frame_ms};
	enum status status;
	switch (o->type) {
	case GB26875_SYSTEM_STATE:
		status = put_state(t, o, &v);
		return status ? status
			      : site_frame_add(s, f, &v, STREAM_STATE, "", "system.%u.%u", o->system_type,
					       o->system_address);
	case GB26875_PART_STATE:
		return put_part(t, o, &v);
	case GB26875_ANALOG:
		return put_analog(t, o, &v);
	case GB26875_DEVICE_STATE:
		status = put_state(t, o, &v);
		return status ? status : site_frame_add(s, f, &v, STREAM_STATE, "", "device");
	case GB26875_SYSTEM_OPERATION:
		status = put_bits(t, o->type, o->operation, 0, "none", &v);
		return status ? status
			      : site_frame_add(s, f, &v, STREAM_STATE, "", "operation.%u.%u", o->system_type,
					       o->system_address);
	case GB26875_DEVICE_OPERATION:
		status = put_bits(t, o->type, o->operation, 0, "none", &v);
		return status ? status : site_frame_add(s, f, &v, STREAM_STATE, "", "device.operation");
	default:
		f->untold++;
		return STATUS_OK;
	}
}

static enum status put_objects(struct taking *t, struct span app)
{
	struct gb26875_objects objects;
	struct gb26875_object o;
	enum status status = gb26875_objects_decode(app, &objects);
	if (status == STATUS_EMPTY)
		return STATUS_OK;
	while (!status && (status = gb26875_objects_next(&objects, &o)) == STATUS_OK)
		status = put_object(t, &o);
	if (status == STATUS_UNSUPPORTED)
		t->frame->untold++;
	return status == STATUS_END || status == STATUS_UNSUPPORTED ? STATUS_OK : status;
}

enum status site_take_gb26875(struct site_session *s, struct span raw, int64_t now_ms, struct site_frame *out)
{
	struct gb26875_message m;
	char key[24];
	enum status status = gb26875_decode(raw, &m);
	if (status)
		return status;
	if (m.command != GB26875_SEND && m.command != GB26875_ANSWER) {
		out->heartbeat = true; /* what answers us */
		return m.command == GB26875_CONFIRM || m.command == GB26875_DENY ? STATUS_OK : STATUS_UNSUPPORTED;
	}
	bool answered = m.command == GB26875_SEND;
	if (answered)
		status = gb26875_reply_encode(&m, GB26875_DENY, now_ms, &out->bad);
	snprintf(key, sizeof key, "%llu", (unsigned long long)m.source);
	if (!status)
		status = site_frame_who(s, out, span_of_string(key));
	if (!status && answered)
		status = gb26875_reply_encode(&m, GB26875_CONFIRM, now_ms, &out->good);
	struct taking taking = {s, out, m.time.known ? m.time.ms : now_ms};
	out->heartbeat = m.heartbeat;
	return status || m.heartbeat ? status : put_objects(&taking, m.app);
}
