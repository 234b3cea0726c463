/* explain_hj212.c -- what HJ 212-2017 and HJ 525 call their numbers, and a frame as one JSON object. */
#include "ingest/jt808/explain_fields.h"
#include "ingest/sensors/explain_sensors.h"
#include "ingest/sensors/hj212.h"

static const struct name systems[] = {{21, "surface water"}, {22, "air quality"}, {31, "air source"},
				      {32, "water source"},  {91, "interaction"}, {0, NULL}};

static const struct name commands[] = {{1011, "read time"},
				       {1012, "set time"},
				       {1061, "read realtime interval"},
				       {1062, "set realtime interval"},
				       {1072, "set password"},
				       {2011, "realtime data"},
				       {2012, "stop realtime data"},
				       {2021, "device state"},
				       {2031, "day data"},
				       {2041, "device run time"},
				       {2051, "minute data"},
				       {2061, "hour data"},
				       {2081, "power-on time"},
				       {9011, "request answer"},
				       {9012, "result"},
				       {9013, "notice answer"},
				       {9014, "data answer"},
				       {9021, "heartbeat"},
				       {0, NULL}};

static const struct {
	const char *code, *name;
} quantities[] = {{"w00000", "flow"},
		  {"w01001", "pH"},
		  {"w01010", "water temperature"},
		  {"w01003", "turbidity"},
		  {"w01009", "dissolved oxygen"},
		  {"w01014", "conductivity"},
		  {"w01018", "COD"},
		  {"w01019", "permanganate index"},
		  {"w21001", "total nitrogen"},
		  {"w21003", "ammonia nitrogen"},
		  {"w21011", "total phosphorus"}};

const char *hj212_command_name(uint32_t cn)
{
	return cn >= 3011 && cn <= 3021 ? "control" : explain_name(cn, commands);
}

const char *hj212_system_name(uint32_t st)
{
	return explain_name(st, systems);
}

const char *hj212_quantity_name(struct span code)
{
	for (size_t i = 0; i < sizeof quantities / sizeof *quantities; i++)
		if (span_equal(code, span_of_string(quantities[i].code)))
			return quantities[i].name;
	return NULL;
}

static void put_name(struct explained *e, const char *key, const char *name)
{
	if (name)
		explained_put(e, key, json_string(name));
}

/* UTF-8 as it is, anything else as GBK. */
static void put_text(struct explained *e, const char *key, struct span text)
{
	json_t *value = json_stringn((const char *)text.data, text.size);
	explained_put(e, key, value ? value : explain_text(text));
}

static void put_head(struct explained *e, const struct hj212_message *m)
{
	explained_put_number(e, "command", m->cn);
	put_name(e, "command_name", hj212_command_name(m->cn));
	put_text(e, "qn", m->qn);
	if (m->qn_known)
		explained_put_time(e, "time", true, m->qn_ms, m->qn);
	explained_put_number(e, "system", m->st);
	put_name(e, "system_name", hj212_system_name(m->st));
	put_text(e, "password", m->pw);
	put_text(e, "mn", m->mn);
	if (m->has_flag) {
		explained_put_number(e, "flag", m->flag);
		explained_put_number(e, "version", m->flag >> 2);
		explained_put(e, "answer_wanted", json_boolean(hj212_answer_wanted(m)));
	}
	if (m->has_other)
		put_text(e, "segment", m->segment);
	if (m->packets || m->packet) {
		explained_put_number(e, "packets", m->packets);
		explained_put_number(e, "packet", m->packet);
	}
}

static json_t *explain_item(const struct hj212_item *item, enum status *status)
{
	struct explained e = {json_object(), STATUS_OK};
	explained_put_number(&e, "group", item->group);
	if (item->code.size) {
		put_text(&e, "code", item->code);
		put_name(&e, "name", hj212_quantity_name(item->code));
	}
	put_text(&e, "field", item->field);
	put_text(&e, "value", item->value);
	if (item->code.size && item->value.size == 1 && span_equal(item->field, span_of_string("Flag")))
		put_name(&e, "quality", value_quality_token(hj212_quality(item->value.data[0])));
	*status = *status ? *status : e.status;
	return e.into;
}

static enum status put_message(struct explained *e, struct span raw)
{
	struct hj212_message m;
	struct hj212_item item;
	enum status status = hj212_decode(raw, &m), next;
	if (status) {
		put_text(e, "segment", m.segment);
		return status;
	}
	put_head(e, &m);
	struct hj212_items items = hj212_items_of(m.cp);
	json_t *array = json_array();
	while ((next = hj212_items_next(&items, &item)) != STATUS_END) {
		status = status ? status : next;
		json_array_append_new(array, explain_item(&item, &e->status));
	}
	explained_put(e, "items", array);
	return status;
}

enum status hj212_explain(struct span raw, struct buf *out)
{
	struct explained e = {json_object(), STATUS_OK};
	struct marked_frame frame;
	enum status refused = hj212_frame_next(raw, &frame);
	if (refused == STATUS_OK || refused == STATUS_BAD_CHECKSUM) {
		enum status told = put_message(&e, raw);
		refused = refused ? refused : told;
	}
	return explained_finish(&e, refused, raw, out);
}
