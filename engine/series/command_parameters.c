/* command_parameters.c -- the parameters of terminals that the standards name.
 *
 * Ids, forms and units: JT/T 808-2011 table 8, -2013 table 12, -2019 table 12. `since` is the first edition that has
 * the id. Names carry the unit; masks are words of alarm bits. */
#include "engine/series/command.h"

/* by id */
static const struct parameter_definition definitions[] = {
	{0x0001, PARAMETER_DWORD, 11, "heartbeat_s", UINT32_MAX},
	{0x0002, PARAMETER_DWORD, 11, "tcp_timeout_s", UINT32_MAX},
	{0x0003, PARAMETER_DWORD, 11, "tcp_retries", UINT32_MAX},
	{0x0004, PARAMETER_DWORD, 11, "udp_timeout_s", UINT32_MAX},
	{0x0005, PARAMETER_DWORD, 11, "udp_retries", UINT32_MAX},
	{0x0006, PARAMETER_DWORD, 11, "sms_timeout_s", UINT32_MAX},
	{0x0007, PARAMETER_DWORD, 11, "sms_retries", UINT32_MAX},
	{0x0010, PARAMETER_TEXT, 11, "apn", 0},
	{0x0011, PARAMETER_TEXT, 11, "apn_user", 0},
	{0x0012, PARAMETER_TEXT, 11, "apn_password", 0},
	{0x0013, PARAMETER_TEXT, 11, "server", 0},
	{0x0014, PARAMETER_TEXT, 11, "backup_apn", 0},
	{0x0015, PARAMETER_TEXT, 11, "backup_apn_user", 0},
	{0x0016, PARAMETER_TEXT, 11, "backup_apn_password", 0},
	{0x0017, PARAMETER_TEXT, 11, "backup_server", 0},
	{0x0018, PARAMETER_DWORD, 11, "tcp_port", UINT32_MAX},
	{0x0019, PARAMETER_DWORD, 11, "udp_port", UINT32_MAX},
	{0x001a, PARAMETER_TEXT, 13, "ic_card_server", 0},
	{0x001b, PARAMETER_DWORD, 13, "ic_card_tcp_port", UINT32_MAX},
	{0x001c, PARAMETER_DWORD, 13, "ic_card_udp_port", UINT32_MAX},
	{0x001d, PARAMETER_TEXT, 13, "ic_card_backup_server", 0},
	{0x0020, PARAMETER_DWORD, 11, "report_strategy", UINT32_MAX},
	{0x0021, PARAMETER_DWORD, 11, "report_scheme", UINT32_MAX},
	{0x0022, PARAMETER_DWORD, 11, "interval_no_driver_s", UINT32_MAX},
	{0x0027, PARAMETER_DWORD, 11, "interval_sleep_s", UINT32_MAX},
	{0x0028, PARAMETER_DWORD, 11, "interval_sos_s", UINT32_MAX},
	{0x0029, PARAMETER_DWORD, 11, "interval_s", UINT32_MAX},
	{0x002c, PARAMETER_DWORD, 11, "distance_m", UINT32_MAX},
	{0x002d, PARAMETER_DWORD, 11, "distance_no_driver_m", UINT32_MAX},
	{0x002e, PARAMETER_DWORD, 11, "distance_sleep_m", UINT32_MAX},
	{0x002f, PARAMETER_DWORD, 11, "distance_sos_m", UINT32_MAX},
	{0x0030, PARAMETER_DWORD, 11, "corner_angle_deg", UINT32_MAX},
	{0x0031, PARAMETER_WORD, 13, "displacement_radius_m", UINT16_MAX},
	{0x0032, PARAMETER_HOURS, 19, "forbidden_driving", UINT32_MAX},
	{0x0040, PARAMETER_TEXT, 11, "platform_phone", 0},
	{0x0041, PARAMETER_TEXT, 11, "reset_phone", 0},
	{0x0042, PARAMETER_TEXT, 11, "factory_reset_phone", 0},
	{0x0043, PARAMETER_TEXT, 11, "platform_sms", 0},
	{0x0044, PARAMETER_TEXT, 11, "alarm_sms", 0},
	{0x0045, PARAMETER_DWORD, 11, "answer_strategy", UINT32_MAX},
	{0x0046, PARAMETER_DWORD, 11, "call_max_s", UINT32_MAX},
	{0x0047, PARAMETER_DWORD, 11, "call_month_max_s", UINT32_MAX},
	{0x0048, PARAMETER_TEXT, 11, "listen_phone", 0},
	{0x0049, PARAMETER_TEXT, 11, "privileged_sms", 0},
	{0x0050, PARAMETER_DWORD, 11, "alarm_mask", UINT32_MAX},
	{0x0051, PARAMETER_DWORD, 11, "alarm_sms_mask", UINT32_MAX},
	{0x0052, PARAMETER_DWORD, 11, "alarm_shoot_mask", UINT32_MAX},
	{0x0053, PARAMETER_DWORD, 11, "alarm_keep_mask", UINT32_MAX},
	{0x0054, PARAMETER_DWORD, 11, "key_alarm_mask", UINT32_MAX},
	{0x0055, PARAMETER_DWORD, 11, "max_speed_kmh", UINT32_MAX},
	{0x0056, PARAMETER_DWORD, 11, "overspeed_s", UINT32_MAX},
	{0x0057, PARAMETER_DWORD, 11, "continuous_driving_s", UINT32_MAX},
	{0x0058, PARAMETER_DWORD, 11, "daily_driving_s", UINT32_MAX},
	{0x0059, PARAMETER_DWORD, 11, "rest_min_s", UINT32_MAX},
	{0x005a, PARAMETER_DWORD, 11, "parking_max_s", UINT32_MAX},
	{0x005b, PARAMETER_WORD, 13, "overspeed_warning_dkmh", UINT16_MAX},
	{0x005c, PARAMETER_WORD, 13, "fatigue_warning_s", UINT16_MAX},
	{0x005d, PARAMETER_WORD, 13, "collision", UINT16_MAX},
	{0x005e, PARAMETER_WORD, 13, "rollover_deg", UINT16_MAX},
	{0x0064, PARAMETER_DWORD, 13, "timed_shoot", UINT32_MAX},
	{0x0065, PARAMETER_DWORD, 13, "distance_shoot", UINT32_MAX},
	{0x0070, PARAMETER_DWORD, 11, "image_quality", UINT32_MAX},
	{0x0071, PARAMETER_DWORD, 11, "brightness", UINT32_MAX},
	{0x0072, PARAMETER_DWORD, 11, "contrast", UINT32_MAX},
	{0x0073, PARAMETER_DWORD, 11, "saturation", UINT32_MAX},
	{0x0074, PARAMETER_DWORD, 11, "chroma", UINT32_MAX},
	{0x0080, PARAMETER_DWORD, 11, "odometer_hm", UINT32_MAX},
	{0x0081, PARAMETER_WORD, 11, "province", UINT16_MAX},
	{0x0082, PARAMETER_WORD, 11, "city", UINT16_MAX},
	{0x0083, PARAMETER_TEXT, 11, "plate", 0},
	{0x0084, PARAMETER_BYTE, 11, "plate_colour", UINT8_MAX},
	{0x0090, PARAMETER_BYTE, 13, "gnss_mode", UINT8_MAX},
	{0x0091, PARAMETER_BYTE, 13, "gnss_baud", UINT8_MAX},
	{0x0092, PARAMETER_BYTE, 13, "gnss_output", UINT8_MAX},
	{0x0093, PARAMETER_DWORD, 13, "gnss_sample_s", UINT32_MAX},
	{0x0094, PARAMETER_BYTE, 13, "gnss_upload", UINT8_MAX},
	{0x0095, PARAMETER_DWORD, 13, "gnss_upload_setting", UINT32_MAX},
	{0x0100, PARAMETER_DWORD, 13, "can1_sample_ms", UINT32_MAX},
	{0x0101, PARAMETER_WORD, 13, "can1_upload_s", UINT16_MAX},
	{0x0102, PARAMETER_DWORD, 13, "can2_sample_ms", UINT32_MAX},
	{0x0103, PARAMETER_WORD, 13, "can2_upload_s", UINT16_MAX},
};
#define DEFINITION_COUNT (sizeof definitions / sizeof *definitions)

const struct parameter_definition *parameter_find(uint32_t id)
{
	for (size_t i = 0; i < DEFINITION_COUNT; i++)
		if (definitions[i].id == id)
			return &definitions[i];
	return NULL;
}

const struct parameter_definition *parameter_named(struct span name)
{
	for (size_t i = 0; i < DEFINITION_COUNT; i++)
		if (span_equal(name, span_of_string(definitions[i].name)))
			return &definitions[i];
	return NULL;
}
