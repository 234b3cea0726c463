#include "ingest/jt808/jt808.h"

enum status jt808_batch_decode(struct span body, struct jt808_bodies *out)
{
	out->at = cursor_of(body);
	out->declared = cursor_be16(&out->at);
	out->type = cursor_u8(&out->at);
	return out->at.failed ? STATUS_BAD_LENGTH : STATUS_OK;
}

enum status jt808_batch_next(struct jt808_bodies *b, struct span *out_body)
{
	struct cursor *c = &b->at;
	if (c->failed || cursor_left(c) == 0)
		return STATUS_END;
	struct span rest = span_of(c->at, cursor_left(c));
	*out_body = cursor_take(c, cursor_be16(c));
	if (!c->failed)
		return STATUS_OK;
	*out_body = rest;
	return STATUS_BAD_LENGTH;
}

enum status jt808_answered_location_decode(struct span body, uint16_t *out_serial, struct span *out_body)
{
	struct cursor c = cursor_of(body);
	*out_serial = cursor_be16(&c);
	*out_body = span_of(c.at, cursor_left(&c));
	return c.failed ? STATUS_BAD_LENGTH : STATUS_OK;
}
