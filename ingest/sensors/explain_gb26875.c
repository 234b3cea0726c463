/* explain_gb26875.c -- what GB/T 26875.3-2011 calls its numbers, and a frame as one JSON object. */
#include <stdio.h>

#include "ingest/jt808/explain_fields.h"
#include "ingest/sensors/explain_sensors.h"
#include "ingest/sensors/gb26875.h"

static const struct name commands[] = {{1, "control"}, {2, "send"}, {3, "confirm"}, {4, "request"},
				       {5, "answer"},  {6, "deny"}, {0, NULL}};

static const struct name types[] = {{1, "system state"},
				    {2, "part state"},
				    {3, "analog value"},
				    {4, "system operation"},
				    {5, "system version"},
				    {6, "system config"},
				    {7, "part config"},
				    {8, "system time"},
				    {21, "device state"},
				    {24, "device operation"},
				    {25, "device version"},
				    {26, "device config"},
				    {28, "device time"},
				    {61, "read system state"},
				    {62, "read part state"},
				    {63, "read analog value"},
				    {64, "read operation"},
				    {65, "read version"},
				    {66, "read system config"},
				    {67, "read part config"},
				    {68, "read system time"},
				    {81, "read device state"},
				    {84, "read device operation"},
				    {85, "read device version"},
				    {86, "read device config"},
				    {87, "read device parameters"},
				    {88, "read device time"},
				    {89, "initialize device"},
				    {90, "synchronize clock"},
				    {91, "duty check"},
				    {0, NULL}};

static const struct name systems[] = {{0, "general"},      {1, "fire alarm"},     {10, "fire linkage"},
				      {11, "hydrant"},     {12, "sprinkler"},     {13, "gas"},
				      {14, "water spray"}, {15, "water mist"},    {16, "foam"},
				      {17, "powder"},      {18, "smoke control"}, {19, "doors and shutters"},
				      {20, "lift"},        {21, "broadcast"},     {22, "lighting"},
				      {23, "power"},       {24, "telephone"},     {0, NULL}};

static const struct name state_bits[] = {
	{0, "normal"},     {1, "fire"},     {2, "fault"},           {3, "masked"},           {4, "supervise"},
	{5, "started"},    {6, "feedback"}, {7, "delay"},           {8, "main power fault"}, {9, "backup power fault"},
	{10, "bus fault"}, {11, "manual"},  {12, "config changed"}, {13, "reset"},           {0, NULL}};

static const struct name part_bits[] = {{0, "normal"},      {1, "fire"},    {2, "fault"},    {3, "masked"},
					{4, "supervise"},   {5, "started"}, {6, "feedback"}, {7, "delay"},
					{8, "power fault"}, {0, NULL}};

static const struct name device_bits[] = {{0, "normal"},
					  {1, "fire"},
					  {2, "fault"},
					  {3, "main power fault"},
					  {4, "backup power fault"},
					  {5, "link to centre fault"},
					  {6, "monitored line fault"},
					  {0, NULL}};

static const struct name operation_bits[] = {{0, "reset"},     {1, "mute"},    {2, "manual alarm"}, {3, "cleared"},
					     {4, "self-test"}, {5, "confirm"}, {6, "test"},         {0, NULL}};

/* Parts by ranges of their type. */
static const struct {
	uint8_t first, last;
	const char *name;
} parts[] = {{10, 13, "gas detector"},
	     {16, 16, "electrical fire alarm"},
	     {17, 17, "residual current"},
	     {18, 18, "electrical temperature"},
	     {30, 37, "heat detector"},
	     {40, 44, "smoke detector"},
	     {50, 53, "combined detector"},
	     {61, 62, "flame detector"},
	     {91, 91, "pump"},
	     {92, 92, "water tank"},
	     {96, 96, "flow"},
	     {99, 99, "pressure"}};

static const struct gb26875_analog_unit analogs[] = {
	{NULL, NULL, 0},         {"count", "", 0},       {"height", "m", 2}, {"temperature", "Cel", 1},
	{"pressure", "MPa", 1},  {"pressure", "kPa", 1}, {"gas", "%LEL", 1}, {"time", "s", 0},
	{"voltage", "V", 1},     {"current", "A", 1},    {"flow", "L/s", 1}, {"flow", "m3/min", 1},
	{"wind speed", "m/s", 0}};

const char *gb26875_command_name(uint8_t command)
{
	return explain_name(command, commands);
}

const char *gb26875_type_name(uint8_t type)
{
	return explain_name(type, types);
}

const char *gb26875_system_name(uint8_t system_type)
{
	return explain_name(system_type, systems);
}

static const struct name *bits_of(uint8_t type)
{
	switch (type) {
	case GB26875_SYSTEM_STATE:
		return state_bits;
	case GB26875_PART_STATE:
		return part_bits;
	case GB26875_DEVICE_STATE:
		return device_bits;
	default:
		return operation_bits;
	}
}

const char *gb26875_bit_name(uint8_t type, unsigned bit)
{
	return explain_name(bit, bits_of(type));
}

const char *gb26875_part_name(uint8_t part_type)
{
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		if (part_type >= parts[i].first && part_type <= parts[i].last)
			return parts[i].name;
	return NULL;
}

const struct gb26875_analog_unit *gb26875_analog_unit(uint8_t analog_type)
{
	return analog_type && analog_type < sizeof analogs / sizeof *analogs ? &analogs[analog_type] : NULL;
}

static void put_named(struct explained *e, const char *key, uint8_t value, const char *name)
{
	char with[48];
	explained_put_number(e, key, value);
	snprintf(with, sizeof with, "%s_name", key);
	if (name)
		explained_put(e, with, json_string(name));
}

static void put_time(struct explained *e, const struct gb26875_time *t)
{
	explained_put_time(e, "time", t->known, t->ms, span_of(t->bytes, sizeof t->bytes));
}

static void put_system(struct explained *e, const struct gb26875_object *o)
{
	bool with_part = o->type == GB26875_PART_STATE || o->type == GB26875_ANALOG || o->type == 7;
	put_named(e, "system_type", o->system_type, gb26875_system_name(o->system_type));
	explained_put_number(e, "system_address", o->system_address);
	if (!with_part)
		return;
	put_named(e, "part_type", o->part_type, gb26875_part_name(o->part_type));
	explained_put_number(e, "part_address", o->part_address);
}

static void put_state(struct explained *e, const struct gb26875_object *o)
{
	explained_put_number(e, "state", o->state);
	explained_put(e, "state_bits", explain_bits(o->state, bits_of(o->type)));
}

static void put_analog(struct explained *e, const struct gb26875_object *o)
{
	const struct gb26875_analog_unit *unit = gb26875_analog_unit(o->analog_type);
	put_named(e, "analog_type", o->analog_type, unit ? unit->name : NULL);
	explained_put_number(e, "analog_raw", o->analog);
	if (!unit)
		return;
	explained_put_decimal(e, "analog", o->analog, unit->scale);
	explained_put(e, "unit", json_string(unit->unit));
}

static json_t *explain_object(const struct gb26875_object *o, enum status *status)
{
	struct explained e = {json_object(), STATUS_OK};
	if (o->type <= 8)
		put_system(&e, o);
	if (o->type == GB26875_SYSTEM_STATE || o->type == GB26875_PART_STATE || o->type == GB26875_DEVICE_STATE)
		put_state(&e, o);
	if (o->type == GB26875_ANALOG)
		put_analog(&e, o);
	if (o->type == GB26875_SYSTEM_OPERATION || o->type == GB26875_DEVICE_OPERATION) {
		explained_put_number(&e, "operation", o->operation);
		explained_put(&e, "operation_bits", explain_bits(o->operation, bits_of(o->type)));
		explained_put_number(&e, "operator", o->operator_number);
	}
	if (o->type == 5 || o->type == 25) {
		explained_put_number(&e, "version_main", o->version_main);
		explained_put_number(&e, "version_user", o->version_user);
	}
	if (o->text.size)
		explained_put_text(&e, "text", o->text);
	if (o->has_time)
		put_time(&e, &o->time);
	*status = *status ? *status : e.status;
	return e.into;
}

/* Objects into `e`; returns what they are refused for. A type without a layout is told as bytes and not refused. */
static enum status put_objects(struct explained *e, struct span app)
{
	struct gb26875_objects objects;
	struct gb26875_object o;
	enum status next, refused = STATUS_OK;
	if (gb26875_objects_decode(app, &objects)) {
		explained_put_hex(e, "data", app);
		return STATUS_OK;
	}
	put_named(e, "type", objects.type, gb26875_type_name(objects.type));
	explained_put_number(e, "count", objects.declared);
	json_t *array = json_array();
	while ((next = gb26875_objects_next(&objects, &o)) == STATUS_OK)
		json_array_append_new(array, explain_object(&o, &e->status));
	explained_put(e, "objects", array);
	if (next == STATUS_BAD_LENGTH)
		refused = STATUS_BAD_LENGTH;
	struct span over = next == STATUS_END ? span_of(objects.at.at, cursor_left(&objects.at)) : o.raw;
	if (over.size)
		explained_put_hex(e, "data", over);
	return refused;
}

static enum status put_message(struct explained *e, struct span raw)
{
	struct gb26875_message m;
	enum status status = gb26875_decode(raw, &m);
	if (status)
		return status;
	put_named(e, "command", m.command, gb26875_command_name(m.command));
	explained_put_number(e, "serial", m.serial);
	explained_put_number(e, "version_main", m.version_main);
	explained_put_number(e, "version_user", m.version_user);
	put_time(e, &m.time);
	explained_put_number(e, "source", (int64_t)m.source);
	explained_put_number(e, "target", (int64_t)m.target);
	explained_put(e, "heartbeat", json_boolean(m.heartbeat));
	return put_objects(e, m.app);
}

enum status gb26875_explain(struct span raw, struct buf *out)
{
	struct explained e = {json_object(), STATUS_OK};
	struct marked_frame frame;
	enum status refused = gb26875_frame_next(raw, &frame);
	if (refused == STATUS_OK || refused == STATUS_BAD_CHECKSUM) {
		enum status told = put_message(&e, raw);
		refused = refused ? refused : told;
	}
	return explained_finish(&e, refused, raw, out);
}
