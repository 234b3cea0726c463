/* intake.c -- an entry as the journal holds it.
 *
 * Little-endian; every kind begins with device u64, received i64; then
 *   REPORT      arrival flags u16, body kind u8, the original body
 *   MESSAGE     time i64, message id u16, protocol u8, body
 *   CARD        as MESSAGE, driver u64 before the body
 *   QUARANTINE  message id u16, reason u8, raw bytes
 *   FRAGMENT    message id u16, protocol u8, serial u16, total u16, index u16, body
 *   CONNECTION  the connection (connections_row.h)
 *   VALUES      the body (streams.h) */
#include <string.h>

#include "engine/fleet/shard.h"

size_t intake_encode(const struct intake *in, uint8_t prefix[64])
{
	store_le64(prefix, in->device);
	store_le64(prefix + 8, (uint64_t)in->received_ms);
	uint8_t *at = prefix + 16;
	switch (in->kind) {
	case INTAKE_REPORT:
		store_le16(at, in->report->flags & REPORT_FLAGS_ARRIVAL);
		at[2] = (uint8_t)in->report->body;
		return 19;
	case INTAKE_MESSAGE:
		store_le64(at, (uint64_t)in->time_ms);
		store_le16(at + 8, in->message_id);
		at[10] = in->protocol;
		return 27;
	case INTAKE_CARD:
		store_le64(at, (uint64_t)in->time_ms);
		store_le16(at + 8, in->message_id);
		at[10] = in->protocol;
		store_le64(at + 11, in->driver);
		return 35;
	case INTAKE_QUARANTINE:
		store_le16(at, in->message_id);
		at[2] = (uint8_t)in->reason;
		return 19;
	case INTAKE_FRAGMENT:
		store_le16(at, in->message_id);
		at[2] = in->protocol;
		store_le16(at + 3, in->serial);
		store_le16(at + 5, in->fragment_total);
		store_le16(at + 7, in->fragment_index);
		return 25;
	case INTAKE_CONNECTION:
	case INTAKE_VALUES:
		break;
	}
	return 16;
}

static uint16_t le16(struct cursor *c)
{
	struct span s = cursor_take(c, 2);
	return s.size ? load_le16(s.data) : 0;
}

static enum status decode_report(struct cursor *c, struct intake *out, struct report *report)
{
	uint16_t flags = le16(c);
	uint8_t body = cursor_u8(c);
	if (c->failed || body > REPORT_BODY_ROW)
		return STATUS_CORRUPT;
	out->body = cursor_take(c, cursor_left(c));
	if (body == REPORT_BODY_ROW ? report_from_row(out->body, report) : report_from_jt808(out->body, report))
		return STATUS_CORRUPT;
	report->received_ms = out->received_ms;
	report->flags |= flags & REPORT_FLAGS_ARRIVAL;
	out->report = report;
	return STATUS_OK;
}

enum status intake_decode(uint8_t kind, struct span payload, struct intake *out, struct report *report)
{
	struct cursor c = cursor_of(payload);
	memset(out, 0, sizeof *out);
	out->kind = (enum intake_kind)kind;
	out->device = cursor_le64(&c);
	out->received_ms = (int64_t)cursor_le64(&c);
	switch (out->kind) {
	case INTAKE_REPORT:
		return decode_report(&c, out, report);
	case INTAKE_MESSAGE:
		out->time_ms = (int64_t)cursor_le64(&c);
		out->message_id = le16(&c);
		out->protocol = cursor_u8(&c);
		break;
	case INTAKE_CARD:
		out->time_ms = (int64_t)cursor_le64(&c);
		out->message_id = le16(&c);
		out->protocol = cursor_u8(&c);
		out->driver = cursor_le64(&c);
		break;
	case INTAKE_QUARANTINE:
		out->message_id = le16(&c);
		out->reason = (enum status)cursor_u8(&c);
		break;
	case INTAKE_FRAGMENT:
		out->message_id = le16(&c);
		out->protocol = cursor_u8(&c);
		out->serial = le16(&c);
		out->fragment_total = le16(&c);
		out->fragment_index = le16(&c);
		break;
	case INTAKE_CONNECTION:
	case INTAKE_VALUES:
		break;
	default:
		return STATUS_CORRUPT;
	}
	out->body = cursor_take(&c, cursor_left(&c));
	return c.failed ? STATUS_CORRUPT : STATUS_OK;
}
