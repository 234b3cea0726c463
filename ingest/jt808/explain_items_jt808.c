/* The 0x0200 body: 28 fixed bytes, then items {id, length, value}. An item is typed by id and length, because
 * vendors use the same ids for other things; T/JSATL 12-2017 ones by what their fields leave over. */
#include "engine/series/report.h"
#include "ingest/jt808/explain_fields.h"

static const struct name alarm_bits[] = {
	{0, "sos"},
	{1, "overspeed"},
	{2, "fatigue"},
	{3, "danger_warning"},
	{4, "gnss_module_fault"},
	{5, "gnss_antenna_open"},
	{6, "gnss_antenna_short"},
	{7, "power_undervoltage"},
	{8, "power_lost"},
	{9, "display_fault"},
	{10, "tts_fault"},
	{11, "camera_fault"},
	{12, "ic_card_module_fault"},
	{13, "overspeed_warning"},
	{14, "fatigue_warning"},
	{15, "forbidden_driving"},
	{16, "tyre_pressure"},
	{17, "right_turn_blind_zone"},
	{18, "daily_driving_overtime"},
	{19, "overtime_parking"},
	{20, "area_in_out"},
	{21, "route_in_out"},
	{22, "section_time"},
	{23, "route_deviation"},
	{24, "vss_fault"},
	{25, "fuel_abnormal"},
	{26, "stolen"},
	{27, "illegal_ignition"},
	{28, "illegal_displacement"},
	{29, "collision"},
	{30, "rollover_warning"},
	{31, "illegal_door_open"},
	{0, NULL},
};

/* bits 8 and 9 are the load and told apart */
static const struct name status_bits[] = {
	{0, "acc_on"},
	{1, "located"},
	{2, "south"},
	{3, "west"},
	{4, "out_of_service"},
	{5, "position_offset"},
	{6, "forward_collision_warning"},
	{7, "lane_departure_warning"},
	{10, "fuel_cut"},
	{11, "circuit_cut"},
	{12, "doors_locked"},
	{13, "door1_open"},
	{14, "door2_open"},
	{15, "door3_open"},
	{16, "door4_open"},
	{17, "door5_open"},
	{18, "gps"},
	{19, "beidou"},
	{20, "glonass"},
	{21, "galileo"},
	{22, "moving"},
	{0, NULL},
};
#define LOAD_BITS (3u << 8)

static const struct name area_types[] = {{0, "none"},    {1, "circle"}, {2, "rectangle"},
					 {3, "polygon"}, {4, "route"},  {0, NULL}};
static const struct name directions[] = {{0, "in"}, {1, "out"}, {0, NULL}};
static const struct name section_results[] = {{0, "too_short"}, {1, "too_long"}, {0, NULL}};
static const struct name video_bits[] = {{0, "signal_loss"},     {1, "occlusion"}, {2, "storage_fault"},
					 {3, "equipment_fault"}, {4, "overload"},  {5, "abnormal_driving"},
					 {6, "recording_full"},  {0, NULL}};
static const struct name abnormal_bits[] = {{0, "fatigue"}, {1, "phone"}, {2, "smoking"}, {0, NULL}};
static const struct name signal_bits[] = {
	{0, "low_beam"}, {1, "high_beam"},       {2, "right_turn"}, {3, "left_turn"},
	{4, "brake"},    {5, "reverse"},         {6, "fog_lamp"},   {7, "position_lamp"},
	{8, "horn"},     {9, "air_conditioner"}, {10, "neutral"},   {11, "retarder"},
	{12, "abs"},     {13, "heater"},         {14, "clutch"},    {0, NULL}};
static const struct name io_bits[] = {{0, "deep_sleep"}, {1, "sleep"}, {0, NULL}};
static const struct name no_bits[] = {{0, NULL}};

static const struct field mileage[] = {UINT("mileage_km", 4, .decimals = 1), FIELD_LAST};
static const struct field fuel[] = {UINT("fuel_l", 2, .decimals = 1), FIELD_LAST};
static const struct field vss_speed[] = {UINT("vss_speed_kmh", 2, .decimals = 1), FIELD_LAST};
static const struct field confirm_event[] = {UINT("alarm_event", 2), FIELD_LAST};
static const struct field tyre_byte[] = {UINT("", 1), FIELD_LAST};
static const struct field tyre_pressure[] = {LIST("tyre_pressure", 0, tyre_byte), FIELD_LAST};
static const struct field cabin_temperature[] = {FIELD("cabin_temperature_c", KIND_INT, 2), FIELD_LAST};
static const struct field overspeed_short[] = {UINT("overspeed_area_type", 1, .names = area_types), FIELD_LAST};
static const struct field overspeed[] = {UINT("overspeed_area_type", 1, .names = area_types), UINT("area_id", 4),
					 FIELD_LAST};
static const struct field in_out[] = {UINT("in_out_area_type", 1, .names = area_types), UINT("area_id", 4),
				      UINT("direction", 1, .names = directions), FIELD_LAST};
static const struct field section_time[] = {UINT("section_id", 4), UINT("driving_s", 2),
					    UINT("section_result", 1, .names = section_results), FIELD_LAST};
static const struct field video_alarm[] = {UINT("video_alarm", 4, .bits = video_bits), FIELD_LAST};
static const struct field video_loss[] = {UINT("video_loss_channels", 4, .bits = no_bits), FIELD_LAST};
static const struct field video_occlusion[] = {UINT("video_occlusion_channels", 4, .bits = no_bits), FIELD_LAST};
static const struct field storage_fault[] = {UINT("storage_fault", 2, .bits = no_bits), FIELD_LAST};
static const struct field abnormal_driving[] = {UINT("abnormal_driving", 2, .bits = abnormal_bits),
						UINT("fatigue_degree", 1), FIELD_LAST};
static const struct field vehicle_signals[] = {UINT("vehicle_signals", 4, .bits = signal_bits), FIELD_LAST};
static const struct field io_status[] = {UINT("io_status", 2, .bits = io_bits), FIELD_LAST};
/* the high half goes first on the wire: AD1 before AD0 */
static const struct field analog[] = {UINT("analog_1", 2), UINT("analog_0", 2), FIELD_LAST};
static const struct field signal_strength[] = {UINT("signal_strength", 1), FIELD_LAST};
static const struct field satellites[] = {UINT("satellites", 1), FIELD_LAST};

/* --- T/JSATL 12-2017, dialects of Guangdong and Hunan where the types do not meet --- */

static const struct name flag_names[] = {{0, "momentary"}, {1, "start"}, {2, "end"}, {0, NULL}};
static const struct name adas_types[] = {
	{0x01, "forward_collision"}, {0x02, "lane_departure"},       {0x03, "too_close"},
	{0x04, "pedestrian"},        {0x05, "frequent_lane_change"}, {0x06, "road_sign_exceeded"},
	{0x07, "obstacle"},          {0x10, "road_sign_recognised"}, {0x11, "snapshot"},
	{0x12, "solid_line_change"}, {0x13, "pedestrian_aisle"},     {0, NULL}};
static const struct name dsm_types[] = {{0x01, "fatigue"},
					{0x02, "phone_call"},
					{0x03, "smoking"},
					{0x04, "distracted"},
					{0x05, "driver_abnormal"},
					{0x06, "camera_covered"},
					{0x08, "driving_overtime"},
					{0x0a, "no_seatbelt"},
					{0x0b, "infrared_blocking_glasses"},
					{0x0c, "hands_off_wheel"},
					{0x0d, "playing_phone"},
					{0x10, "snapshot"},
					{0x11, "driver_change"},
					{0, NULL}};
static const struct name bsd_types[] = {
	{1, "rear_approach"}, {2, "left_rear_approach"}, {3, "right_rear_approach"}, {0, NULL}};
static const struct name deviation_names[] = {{1, "left"}, {2, "right"}, {0, NULL}};
static const struct name sign_names[] = {{1, "speed_limit"}, {2, "height_limit"}, {3, "weight_limit"}, {0, NULL}};
static const struct name tyre_bits[] = {{0, "timed_report"},     {1, "pressure_high"}, {2, "pressure_low"},
					{3, "temperature_high"}, {4, "sensor_fault"},  {5, "imbalance"},
					{6, "slow_leak"},        {7, "battery_low"},   {0, NULL}};
static const struct name vehicle_bits[] = {{0, "acc_on"}, {1, "left_turn"},     {2, "right_turn"}, {3, "wiper"},
					   {4, "brake"},  {5, "card_inserted"}, {10, "located"},   {0, NULL}};

#define JSATL_START UINT("alarm_id", 4), UINT("flag", 1, .names = flag_names)
#define JSATL_PLACE                                                                                                    \
	UINT("speed_kmh", 1), UINT("altitude_m", 2), UINT("lat", 4, .decimals = 6), UINT("lon", 4, .decimals = 6),     \
		TIME("time"), UINT("vehicle_status", 2, .bits = vehicle_bits)

static const struct field adas[] = {JSATL_START,
				    UINT("type", 1, .names = adas_types),
				    UINT("level", 1),
				    UINT("front_speed_kmh", 1),
				    UINT("front_distance_s", 1, .decimals = 1),
				    UINT("deviation", 1, .names = deviation_names),
				    UINT("road_sign", 1, .names = sign_names),
				    UINT("road_sign_value", 1),
				    JSATL_PLACE,
				    FIELD("alarm_identifier", KIND_ALARM_ID, 0),
				    FIELD_LAST};
static const struct field dsm[] = {JSATL_START,
				   UINT("type", 1, .names = dsm_types),
				   UINT("level", 1),
				   UINT("fatigue_degree", 1),
				   HEX("reserved", 4),
				   JSATL_PLACE,
				   FIELD("alarm_identifier", KIND_ALARM_ID, 0),
				   FIELD_LAST};
static const struct field tyre[] = {UINT("position", 1),     UINT("alarm", 2, .bits = tyre_bits),
				    UINT("pressure_kpa", 2), FIELD("temperature_c", KIND_INT, 2),
				    UINT("battery_pct", 2),  FIELD_LAST};
static const struct field tpms[] = {JSATL_START, JSATL_PLACE, FIELD("alarm_identifier", KIND_ALARM_ID, 9),
				    LIST("tyres", 1, tyre), FIELD_LAST};
static const struct field bsd[] = {JSATL_START, UINT("type", 1, .names = bsd_types), JSATL_PLACE,
				   FIELD("alarm_identifier", KIND_ALARM_ID, 0), FIELD_LAST};

#define ANY_SIZE 0
static const struct item {
	uint8_t id, size;
	const char *name;
	const struct field *fields;
} items[] = {
	{0x01, 4, "mileage", mileage},
	{0x02, 2, "fuel", fuel},
	{0x03, 2, "recorder_speed", vss_speed},
	{0x04, 2, "alarm_to_confirm", confirm_event},
	{0x05, 30, "tyre_pressure", tyre_pressure},
	{0x06, 2, "cabin_temperature", cabin_temperature},
	{0x11, 1, "overspeed", overspeed_short},
	{0x11, 5, "overspeed", overspeed},
	{0x12, 6, "area_in_out", in_out},
	{0x13, 7, "section_time", section_time},
	{0x14, 4, "video_alarm", video_alarm},
	{0x15, 4, "video_loss", video_loss},
	{0x16, 4, "video_occlusion", video_occlusion},
	{0x17, 2, "storage_fault", storage_fault},
	{0x18, 3, "abnormal_driving", abnormal_driving},
	{0x25, 4, "vehicle_signals", vehicle_signals},
	{0x2a, 2, "io_status", io_status},
	{0x2b, 4, "analog", analog},
	{0x30, 1, "signal_strength", signal_strength},
	{0x31, 1, "satellites", satellites},
	{0x64, ANY_SIZE, "adas", adas},
	{0x65, ANY_SIZE, "dsm", dsm},
	{0x66, ANY_SIZE, "tpms", tpms},
	{0x67, ANY_SIZE, "bsd", bsd},
};

static const struct item *item_find(const struct report_item *it)
{
	for (size_t i = 0; i < sizeof items / sizeof items[0]; i++)
		if (items[i].id == it->id && (items[i].size == ANY_SIZE || items[i].size == it->value.size))
			return &items[i];
	return NULL;
}

/* The fields of an item, or nothing when they do not fit it. */
static json_t *item_fields(const struct item *known, struct span value, bool is_2019)
{
	struct cursor c = cursor_of(value);
	json_t *fields = json_object();
	if (fields_explain(known->fields, &c, is_2019, fields) == STATUS_OK && cursor_left(&c) == 0)
		return fields;
	json_decref(fields);
	return NULL;
}

static enum status item_explain(const struct report_item *it, bool is_2019, json_t *into)
{
	const struct item *known = item_find(it);
	json_t *fields = known ? item_fields(known, it->value, is_2019) : NULL;
	enum status status = explain_set(into, "id", explain_hex(span_of(&it->id, 1)));
	if (!status && fields)
		status = explain_set(into, "name", json_string(known->name));
	if (!status && fields && json_object_update(into, fields))
		status = STATUS_NO_MEMORY;
	if (!status && !fields)
		status = explain_set(into, "hex", explain_hex(it->value));
	json_decref(fields);
	return status;
}

static enum status items_explain(struct span bytes, bool is_2019, json_t *into)
{
	struct cursor c = cursor_of(bytes);
	json_t *array = json_array();
	struct report_item it;
	enum status status = STATUS_OK, next;
	while (!status && (next = report_item_next(&c, &it)) != STATUS_END) {
		json_t *item = json_object();
		if (next == STATUS_OK)
			status = item_explain(&it, is_2019, item);
		else
			status = explain_set(item, "cut", explain_hex(it.value));
		if (json_array_append_new(array, item))
			status = STATUS_NO_MEMORY;
	}
	enum status set = explain_set(into, "items", array);
	return status ? status : set;
}

static json_t *degrees(uint32_t e6, bool negative)
{
	return json_real((negative ? -1.0 : 1.0) * (double)e6 / 1e6);
}

static enum status position_explain(const uint8_t *p, json_t *into)
{
	static const struct field motion[] = {FIELD("altitude_m", KIND_INT, 2), UINT("speed_kmh", 2, .decimals = 1),
					      UINT("course_deg", 2), TIME("time"), FIELD_LAST};
	uint32_t status_word = load_be32(p + 4);
	enum status status = explain_set(into, "lat", degrees(load_be32(p + 8), status_word & STATUS_BIT_SOUTH));
	if (!status)
		status = explain_set(into, "lon", degrees(load_be32(p + 12), status_word & STATUS_BIT_WEST));
	struct cursor c = cursor_of(span_of(p + 16, 12));
	return status ? status : fields_explain(motion, &c, false, into);
}

static enum status words_explain(const uint8_t *p, json_t *into)
{
	static const char *const loads[] = {"empty", "half", "reserved", "full"};
	uint32_t alarm = load_be32(p), word = load_be32(p + 4);
	enum status status = explain_set(into, "alarm", explain_hex(span_of(p, 4)));
	if (!status)
		status = explain_set(into, "alarm_bits", explain_bits(alarm, alarm_bits));
	if (!status)
		status = explain_set(into, "status", explain_hex(span_of(p + 4, 4)));
	if (!status)
		status = explain_set(into, "status_bits", explain_bits(word & ~LOAD_BITS, status_bits));
	return status ? status : explain_set(into, "load", json_string(loads[word >> 8 & 3]));
}

enum status explain_location(struct span body, bool is_2019, json_t *into)
{
	struct report report;
	enum status refused = report_from_jt808(body, &report), status = STATUS_OK;
	if (body.size < 28)
		return STATUS_BAD_LENGTH;
	status = words_explain(body.data, into);
	if (!status)
		status = position_explain(body.data, into);
	if (!status)
		status = items_explain(span_of(body.data + 28, body.size - 28), is_2019, into);
	if (!status && refused)
		status = explain_set(into, "refused", json_string(status_name(refused)));
	return status ? status : refused;
}
