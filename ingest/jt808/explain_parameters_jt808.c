/* Terminal parameters of 0x8103 and 0x0104: {id DWORD, length BYTE, value}. Typed when id and length are those
 * of the standard, hex otherwise. */
#include "engine/series/command.h"
#include "ingest/jt808/explain_fields.h"

static json_t *number_of(struct span value)
{
	uint32_t number = 0;
	for (size_t i = 0; i < value.size; i++)
		number = number << 8 | value.data[i];
	return json_integer(number);
}

static enum status parameter_explain(uint32_t id, struct span value, json_t *into)
{
	const struct parameter_definition *p = parameter_find(id);
	bool is_number = p && p->form <= PARAMETER_DWORD && p->form == value.size; /* its form is its size */
	bool is_text = p && p->form == PARAMETER_TEXT;
	uint8_t wire[4];
	store_be32(wire, id);
	enum status status = explain_set(into, "id", explain_hex(span_of(wire, sizeof wire)));
	if (!status && p)
		status = explain_set(into, "name", json_string(p->name));
	if (status)
		return status;
	if (!is_number && !is_text)
		return explain_set(into, "hex", explain_hex(value));
	return explain_set(into, "value", is_text ? explain_text(value) : number_of(value));
}

enum status explain_parameters(struct cursor *c, json_t *into)
{
	while (cursor_left(c)) {
		uint32_t id = cursor_be32(c);
		struct span value = cursor_take(c, cursor_u8(c));
		if (c->failed)
			return STATUS_BAD_LENGTH;
		json_t *parameter = json_object();
		enum status status = parameter_explain(id, value, parameter);
		if (json_array_append_new(into, parameter) || status)
			return STATUS_NO_MEMORY;
	}
	return STATUS_OK;
}
