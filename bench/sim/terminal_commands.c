#include "bench/sim/terminal_commands.h"

#include "bench/sim/wire.h"

static void keep(struct terminal_memory *m, const struct command_parameters *p)
{
	for (unsigned i = 0; i < p->count; i++) {
		unsigned at = 0;
		while (at < m->parameter_count && m->parameters[at].id != p->items[i].id)
			at++;
		if (at == TERMINAL_PARAMETERS_MAX || p->items[i].form == PARAMETER_TEXT ||
		    p->items[i].form == PARAMETER_BYTES)
			continue;
		m->parameter_count += at == m->parameter_count;
		m->parameters[at].id = p->items[i].id;
		m->parameters[at].form = p->items[i].form;
		m->parameters[at].number = p->items[i].number;
	}
}

/* A terminal answers what it knows of what it is asked: all of it, or those that are named. */
static void put_parameters(const struct terminal_memory *m, const struct command_parameters *asked, uint16_t serial,
			   struct buf *out)
{
	static struct command_parameters said;
	said.count = said.values_size = 0;
	for (unsigned k = 0; k < m->parameter_count; k++) {
		bool wanted = asked->count == 0;
		for (unsigned i = 0; i < asked->count; i++)
			wanted |= asked->items[i].id == m->parameters[k].id;
		if (wanted)
			wire_must(command_parameter_add(&said, m->parameters[k].id, m->parameters[k].form,
							m->parameters[k].number, (struct span){NULL, 0}));
	}
	wire_must(jt808_parameters_encode(serial, &said, out));
}

static void put_position(const struct terminal_memory *m, uint16_t serial, int64_t now_ms, struct buf *out)
{
	struct jt808_location none = {.time_ms = now_ms};
	wire_must(buf_append_be16(out, serial));
	if (m->has_position)
		wire_must(buf_append(out, m->position, sizeof m->position));
	else
		wire_must(jt808_location_encode(&none, out));
}

static uint16_t put_reply(uint16_t serial, uint16_t message_id, uint8_t result, struct buf *out)
{
	struct jt808_reply r = {serial, message_id, result};
	wire_must(jt808_reply_encode(&r, out));
	return 0x0001;
}

static uint16_t put_answer(struct terminal_memory *m, const struct command_content *c, const struct jt808_header *h,
			   enum jt808_edition edition, int64_t now_ms, struct buf *out)
{
	switch (c->kind) {
	case COMMAND_SET_PARAMETERS:
		keep(m, &c->parameters);
		return put_reply(h->serial, h->message_id, 0, out);
	case COMMAND_QUERY_PARAMETERS:
		put_parameters(m, &c->parameters, h->serial, out);
		return 0x0104;
	case COMMAND_LOCATE:
		put_position(m, h->serial, now_ms, out);
		return 0x0201;
	case COMMAND_QUERY_AREAS:
		wire_must(buf_append_u8(out, c->ids.shape));
		wire_must(buf_append_be32(out, 0));
		return 0x0608;
	case COMMAND_IDENTIFY_DRIVER:
		wire_put_card(out, edition, now_ms, "");
		return 0x0702;
	default:
		return put_reply(h->serial, h->message_id, 0, out);
	}
}

void terminal_answer(struct terminal_memory *m, const struct jt808_header *h, enum jt808_edition edition,
		     int64_t now_ms, uint16_t *out_id, struct buf *out_body)
{
	static struct command_content c;
	*out_id = 0;
	if (h->is_fragment) {
		/* terminals quote the first packet or the last; this one does either */
		uint16_t first = (uint16_t)(h->serial - h->fragment_index + 1);
		if (h->fragment_index != h->fragment_total)
			return;
		m->heard++;
		*out_id = put_reply(h->serial & 1 ? first : h->serial, h->message_id, 0, out_body);
		return;
	}
	m->heard++;
	if (jt808_command_decode(h->message_id, h->body, edition, &c))
		*out_id = put_reply(h->serial, h->message_id, 3, out_body);
	else
		*out_id = put_answer(m, &c, h, edition, now_ms, out_body);
}
