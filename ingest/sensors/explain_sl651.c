/* explain_sl651.c -- what SL 651-2014 calls its numbers, and a frame as one JSON object. */
#include "ingest/jt808/explain_fields.h"
#include "ingest/sensors/explain_sensors.h"
#include "ingest/sensors/sl651.h"

static const struct name functions[] = {
	{0x2f, "keep alive"}, {0x30, "test"},   {0x31, "even interval"}, {0x32, "timed"}, {0x33, "added"},
	{0x34, "hour"},       {0x35, "manual"}, {0x36, "picture"},       {0x37, "query"}, {0, NULL}};

static const struct name elements[] = {{0x20, "rain now"},         {0x26, "rain total"},
				       {0x38, "supply voltage"},   {0x39, "river level"},
				       {0xf0, "observation time"}, {0xf2, "text"},
				       {0xf3, "picture"},          {0xf4, "rain of 12 times 5 minutes"},
				       {0xf5, "12 levels"},        {0, NULL}};

const char *sl651_function_name(uint8_t function)
{
	return explain_name(function, functions);
}

const char *sl651_element_name(uint8_t id)
{
	return explain_name(id, elements);
}

static void put_name(struct explained *e, const char *key, const char *name)
{
	if (name)
		explained_put(e, key, json_string(name));
}

static void put_byte(struct explained *e, const char *key, uint8_t byte)
{
	explained_put_hex(e, key, span_of(&byte, 1));
}

static void put_head(struct explained *e, const struct sl651_message *m)
{
	put_byte(e, "function", m->function);
	put_name(e, "function_name", sl651_function_name(m->function));
	explained_put(e, "down", json_boolean(m->down));
	explained_put_number(e, "centre", m->centre);
	explained_put_hex(e, "station", span_of(m->station, sizeof m->station));
	explained_put_number(e, "password", m->password);
	put_byte(e, "end", m->end);
	if (m->start == SL651_SYN) {
		explained_put_number(e, "packets", m->packets);
		explained_put_number(e, "packet", m->packet);
	}
	if (m->has_serial && m->body.size >= 8) {
		explained_put_number(e, "serial", m->serial);
		explained_put_time(e, "time", m->time_known, m->time_ms, span_of(m->body.data + 2, 6));
	}
	if (m->has_observer) {
		explained_put_hex(e, "observer", span_of(m->observer, sizeof m->observer));
		put_byte(e, "class", m->station_class);
	}
}

static json_t *explain_element(const struct sl651_element *element, enum status *status)
{
	struct explained e = {json_object(), STATUS_OK};
	put_byte(&e, "id", element->id);
	if (element->extended)
		put_byte(&e, "extended", element->extended);
	else
		put_name(&e, "name", sl651_element_name(element->id));
	if (element->is_number)
		explained_put_decimal(&e, "value", element->mantissa, element->decimals);
	else
		explained_put_hex(&e, "data", element->data);
	if (element->has_time)
		explained_put_time(&e, "time", true, element->time_ms, element->data);
	*status = *status ? *status : e.status;
	return e.into;
}

static enum status put_message(struct explained *e, struct span raw)
{
	struct sl651_message m;
	struct sl651_element element;
	enum status status = sl651_decode(raw, &m), next;
	put_head(e, &m);
	if (status)
		return status;
	if (!m.has_serial) { /* goes on within an element of the packet before */
		explained_put_hex(e, "data", m.body);
		return STATUS_OK;
	}
	struct sl651_elements all = sl651_elements_of(m.elements);
	json_t *array = json_array();
	while ((next = sl651_elements_next(&all, &element)) != STATUS_END) {
		status = status ? status : next;
		json_array_append_new(array, explain_element(&element, &e->status));
	}
	explained_put(e, "elements", array);
	return status;
}

enum status sl651_explain(struct span raw, struct buf *out)
{
	struct explained e = {json_object(), STATUS_OK};
	struct marked_frame frame;
	enum status refused = sl651_frame_next(raw, &frame);
	if (refused == STATUS_OK || refused == STATUS_BAD_CHECKSUM) {
		enum status told = put_message(&e, raw);
		refused = refused ? refused : told;
	}
	return explained_finish(&e, refused, raw, out);
}
