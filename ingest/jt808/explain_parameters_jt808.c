/* Terminal parameters of 0x8103 and 0x0104: {id DWORD, length BYTE, value}. Typed when id and length are those
 * of the standard, hex otherwise. */
#include "ingest/jt808/explain_fields.h"

enum parameter_type { NUMBER, STRING, RAW };

static const struct parameter {
	uint32_t id;
	uint8_t type, size; /* of a number */
	const char *name;
} parameters[] = {
	{0x0001, NUMBER, 4, "heartbeat_s"},
	{0x0002, NUMBER, 4, "tcp_timeout_s"},
	{0x0003, NUMBER, 4, "tcp_retries"},
	{0x0004, NUMBER, 4, "udp_timeout_s"},
	{0x0005, NUMBER, 4, "udp_retries"},
	{0x0006, NUMBER, 4, "sms_timeout_s"},
	{0x0007, NUMBER, 4, "sms_retries"},
	{0x0010, STRING, 0, "apn"},
	{0x0011, STRING, 0, "apn_user"},
	{0x0012, STRING, 0, "apn_password"},
	{0x0013, STRING, 0, "server"},
	{0x0014, STRING, 0, "backup_apn"},
	{0x0015, STRING, 0, "backup_apn_user"},
	{0x0016, STRING, 0, "backup_apn_password"},
	{0x0017, STRING, 0, "backup_server"},
	{0x0018, NUMBER, 4, "tcp_port"},
	{0x0019, NUMBER, 4, "udp_port"},
	{0x001a, STRING, 0, "ic_card_server"},
	{0x001b, NUMBER, 4, "ic_card_tcp_port"},
	{0x001c, NUMBER, 4, "ic_card_udp_port"},
	{0x001d, STRING, 0, "ic_card_backup_server"},
	{0x0020, NUMBER, 4, "report_strategy"},
	{0x0021, NUMBER, 4, "report_scheme"},
	{0x0022, NUMBER, 4, "interval_no_driver_s"},
	{0x0027, NUMBER, 4, "interval_sleep_s"},
	{0x0028, NUMBER, 4, "interval_sos_s"},
	{0x0029, NUMBER, 4, "interval_s"},
	{0x002c, NUMBER, 4, "distance_m"},
	{0x002d, NUMBER, 4, "distance_no_driver_m"},
	{0x002e, NUMBER, 4, "distance_sleep_m"},
	{0x002f, NUMBER, 4, "distance_sos_m"},
	{0x0030, NUMBER, 4, "corner_angle_deg"},
	{0x0031, NUMBER, 2, "displacement_radius_m"},
	{0x0032, RAW, 4, "forbidden_driving_hhmm"},
	{0x0040, STRING, 0, "platform_phone"},
	{0x0041, STRING, 0, "reset_phone"},
	{0x0042, STRING, 0, "factory_reset_phone"},
	{0x0043, STRING, 0, "platform_sms"},
	{0x0044, STRING, 0, "alarm_sms"},
	{0x0045, NUMBER, 4, "answer_strategy"},
	{0x0046, NUMBER, 4, "call_max_s"},
	{0x0047, NUMBER, 4, "call_month_max_s"},
	{0x0048, STRING, 0, "listen_phone"},
	{0x0049, STRING, 0, "privileged_sms"},
	{0x0050, RAW, 4, "alarm_mask"},
	{0x0051, RAW, 4, "alarm_sms_mask"},
	{0x0052, RAW, 4, "alarm_shoot_mask"},
	{0x0053, RAW, 4, "alarm_keep_mask"},
	{0x0054, RAW, 4, "key_alarm_mask"},
	{0x0055, NUMBER, 4, "max_speed_kmh"},
	{0x0056, NUMBER, 4, "overspeed_s"},
	{0x0057, NUMBER, 4, "continuous_driving_s"},
	{0x0058, NUMBER, 4, "daily_driving_s"},
	{0x0059, NUMBER, 4, "rest_min_s"},
	{0x005a, NUMBER, 4, "parking_max_s"},
	{0x005b, NUMBER, 2, "overspeed_warning_dkmh"},
	{0x005c, NUMBER, 2, "fatigue_warning_s"},
	{0x005d, RAW, 2, "collision"},
	{0x005e, NUMBER, 2, "rollover_deg"},
	{0x0064, NUMBER, 4, "timed_shoot"},
	{0x0065, NUMBER, 4, "distance_shoot"},
	{0x0070, NUMBER, 4, "image_quality"},
	{0x0071, NUMBER, 4, "brightness"},
	{0x0072, NUMBER, 4, "contrast"},
	{0x0073, NUMBER, 4, "saturation"},
	{0x0074, NUMBER, 4, "chroma"},
	{0x0080, NUMBER, 4, "odometer_hm"},
	{0x0081, NUMBER, 2, "province"},
	{0x0082, NUMBER, 2, "city"},
	{0x0083, STRING, 0, "plate"},
	{0x0084, NUMBER, 1, "plate_colour"},
	{0x0090, RAW, 1, "gnss_mode"},
	{0x0091, NUMBER, 1, "gnss_baud"},
	{0x0092, NUMBER, 1, "gnss_output"},
	{0x0093, NUMBER, 4, "gnss_sample_s"},
	{0x0094, NUMBER, 1, "gnss_upload"},
	{0x0095, NUMBER, 4, "gnss_upload_setting"},
	{0x0100, NUMBER, 4, "can1_sample_ms"},
	{0x0101, NUMBER, 2, "can1_upload_s"},
	{0x0102, NUMBER, 4, "can2_sample_ms"},
	{0x0103, NUMBER, 2, "can2_upload_s"},
};

static const struct parameter *parameter_find(uint32_t id)
{
	for (size_t i = 0; i < sizeof parameters / sizeof parameters[0]; i++)
		if (parameters[i].id == id)
			return &parameters[i];
	return NULL;
}

static json_t *number_of(struct span value)
{
	uint32_t number = 0;
	for (size_t i = 0; i < value.size; i++)
		number = number << 8 | value.data[i];
	return json_integer(number);
}

static enum status parameter_explain(uint32_t id, struct span value, json_t *into)
{
	const struct parameter *p = parameter_find(id);
	bool fits = p && (p->type == STRING || p->size == value.size);
	uint8_t wire[4];
	store_be32(wire, id);
	enum status status = explain_set(into, "id", explain_hex(span_of(wire, sizeof wire)));
	if (!status && p)
		status = explain_set(into, "name", json_string(p->name));
	if (status)
		return status;
	if (!fits || p->type == RAW)
		return explain_set(into, "hex", explain_hex(value));
	return explain_set(into, "value", p->type == STRING ? explain_text(value) : number_of(value));
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
