/* The catalogue: every message of JT/T 808-2011, 2013 and 2019 by name, those of JT/T 1078 and T/JSATL 12 that
 * travel the same way, and the bodies that a table can tell. */
#include "ingest/jt808/explain_fields.h"

static const struct name results[] = {{0, "ok"},          {1, "failed"},          {2, "bad_message"},
				      {3, "unsupported"}, {4, "alarm_confirmed"}, {0, NULL}};
static const struct name register_results[] = {{0, "ok"},
					       {1, "vehicle_registered"},
					       {2, "no_such_vehicle"},
					       {3, "terminal_registered"},
					       {4, "no_such_terminal"},
					       {0, NULL}};
static const struct name media_types[] = {{0, "image"}, {1, "audio"}, {2, "video"}, {0, NULL}};
static const struct name media_formats[] = {{0, "jpeg"}, {1, "tif"}, {2, "mp3"}, {3, "wav"}, {4, "wmv"}, {0, NULL}};
static const struct name commands[] = {{1, "upgrade"},       {2, "connect_server"}, {3, "power_off"},   {4, "reset"},
				       {5, "factory_reset"}, {6, "close_data"},     {7, "close_radio"}, {0, NULL}};
static const struct name confirm_bits[] = {{0, "sos"},           {3, "danger"},    {20, "area"},         {21, "route"},
					   {22, "section_time"}, {27, "ignition"}, {28, "displacement"}, {0, NULL}};
static const struct name text_bits_old[] = {{0, "urgent"},    {2, "display"},   {3, "tts"},
					    {4, "ad_screen"}, {5, "can_fault"}, {0, NULL}};
static const struct name text_bits_2019[] = {{2, "display"}, {3, "tts"}, {5, "can_fault"}, {0, NULL}};
static const struct name text_types[] = {{1, "notice"}, {2, "service"}, {0, NULL}};
static const struct name fence_settings[] = {{0, "update"}, {1, "append"}, {2, "modify"}, {0, NULL}};
static const struct name fence_types[] = {{1, "circle"}, {2, "rectangle"}, {3, "polygon"}, {4, "route"}, {0, NULL}};
static const struct name passthrough_types[] = {{0x00, "gnss"},     {0x0b, "ic_card"},       {0x41, "serial_1"},
						{0x42, "serial_2"}, {0xf7, "device_status"}, {0xf8, "device_info"},
						{0, NULL}};
static const struct name area_bits[] = {{0, "time_limited"},
					{1, "speed_limited"},
					{2, "enter_tells_driver"},
					{3, "enter_tells_platform"},
					{4, "leave_tells_driver"},
					{5, "leave_tells_platform"},
					{6, "south"},
					{7, "west"},
					{8, "doors_forbidden"},
					{14, "radio_off_inside"},
					{15, "gnss_detail_inside"},
					{0, NULL}};
static const struct name section_bits[] = {
	{0, "travel_time"}, {1, "speed_limited"}, {2, "south"}, {3, "west"}, {0, NULL}};
static const struct name file_types[] = {{0, "image"}, {1, "audio"}, {2, "video"},
					 {3, "text"},  {4, "other"}, {0, NULL}};
#define WHEN_TIMED 1   /* bit 0 of an area or section */
#define WHEN_LIMITED 2 /* bit 1 */

static const struct field empty[] = {FIELD_LAST};
static const struct field id4[] = {HEX("", 4), FIELD_LAST};
static const struct field number4[] = {UINT("", 4), FIELD_LAST};
static const struct field number2[] = {UINT("", 2), FIELD_LAST};

/* --- replies --- */
static const struct field reply[] = {UINT("serial", 2), HEX("message", 2), UINT("result", 1, .names = results),
				     FIELD_LAST};
static const struct field register_reply[] = {UINT("serial", 2), UINT("result", 1, .names = register_results),
					      TEXT("code", 0), FIELD_LAST};
static const struct field resend[] = {UINT("first_serial", 2), LIST("indexes", 1, number2, .editions = EDITION_OLD),
				      LIST("indexes", 2, number2, .editions = EDITION_2019), FIELD_LAST};
static const struct field terminal_resend[] = {UINT("first_serial", 2), LIST("indexes", 2, number2), FIELD_LAST};
static const struct field server_time[] = {HEX("time_bcd", 6), FIELD_LAST};
static const struct field serial_and_result[] = {UINT("serial", 2), UINT("result", 1), FIELD_LAST};

/* --- parameters and control --- */
static const struct field parameters_reply[] = {UINT("serial", 2), UINT("count", 1),
						FIELD("parameters", KIND_PARAMETERS, 0), FIELD_LAST};
static const struct field parameters_set[] = {UINT("count", 1), FIELD("parameters", KIND_PARAMETERS, 0), FIELD_LAST};
static const struct field parameters_query[] = {LIST("ids", 1, id4), FIELD_LAST};
static const struct field control[] = {UINT("command", 1, .names = commands), TEXT("parameters", 0), FIELD_LAST};
static const struct field upgrade[] = {UINT("type", 1), TEXT("manufacturer", 5), FIELD("version", KIND_TEXT_COUNTED, 1),
				       FIELD("data", KIND_HEX_COUNTED, 4), FIELD_LAST};
static const struct field upgrade_result[] = {UINT("type", 1), UINT("result", 1), FIELD_LAST};
static const struct field tracking[] = {UINT("interval_s", 2), FIELD_LAST};
static const struct field tracking_timed[] = {UINT("interval_s", 2), UINT("validity_s", 4), FIELD_LAST};
static const struct field alarm_confirm[] = {UINT("alarm_serial", 2), UINT("types", 4, .bits = confirm_bits),
					     FIELD_LAST};
static const struct field vehicle_control_item[] = {UINT("type", 2), UINT("value", 1), FIELD_LAST};
static const struct field vehicle_control[] = {UINT("flag", 1, .editions = EDITION_OLD),
					       LIST("controls", 2, vehicle_control_item, .editions = EDITION_2019),
					       FIELD_LAST};

/* --- locations --- */
static const struct field answered_location[] = {UINT("serial", 2), FIELD("location", KIND_LOCATION, 0), FIELD_LAST};

/* --- texts and information --- */
static const struct field text[] = {UINT("flag", 1, .editions = EDITION_OLD, .bits = text_bits_old),
				    UINT("flag", 1, .editions = EDITION_2019, .bits = text_bits_2019),
				    UINT("type", 1, .editions = EDITION_2019, .names = text_types), TEXT("text", 0),
				    FIELD_LAST};
static const struct field event_report[] = {UINT("event", 1), FIELD_LAST};
static const struct field answer[] = {UINT("serial", 2), UINT("answer", 1), FIELD_LAST};
static const struct field info_demand[] = {UINT("type", 1), UINT("action", 1), FIELD_LAST};
static const struct field event_item[] = {UINT("id", 1), FIELD("text", KIND_TEXT_COUNTED, 1), FIELD_LAST};
static const struct field events_set[] = {UINT("setting", 1), LIST("events", 1, event_item), FIELD_LAST};
static const struct field question_item[] = {UINT("id", 1), FIELD("text", KIND_TEXT_COUNTED, 2), FIELD_LAST};
static const struct field question[] = {UINT("flag", 1), FIELD("text", KIND_TEXT_COUNTED, 1),
					LIST("answers", 0, question_item), FIELD_LAST};
static const struct field menu_item[] = {UINT("type", 1), FIELD("name", KIND_TEXT_COUNTED, 2), FIELD_LAST};
static const struct field menu[] = {UINT("setting", 1), LIST("menu", 1, menu_item), FIELD_LAST};
static const struct field info_service[] = {UINT("type", 1), FIELD("text", KIND_TEXT_COUNTED, 2), FIELD_LAST};
static const struct field call_back[] = {UINT("flag", 1), TEXT("number", 20), FIELD_LAST};
static const struct field contact[] = {UINT("flag", 1), FIELD("number", KIND_TEXT_COUNTED, 1),
				       FIELD("name", KIND_TEXT_COUNTED, 1), FIELD_LAST};
static const struct field phone_book[] = {UINT("setting", 1), LIST("contacts", 1, contact), FIELD_LAST};

/* --- fences --- */
#define FENCE_START UINT("id", 4), UINT("attribute", 2, .bits = area_bits)
#define FENCE_TIMES TIME("start", .when = WHEN_TIMED), TIME("end", .when = WHEN_TIMED)
#define FENCE_SPEED UINT("max_speed_kmh", 2, .when = WHEN_LIMITED), UINT("overspeed_s", 1, .when = WHEN_LIMITED)
#define FENCE_NIGHT UINT("night_max_speed_kmh", 2, .when = WHEN_LIMITED, .editions = EDITION_2019)
#define FENCE_NAME FIELD("name", KIND_TEXT_COUNTED, 2, .editions = EDITION_2019)
#define POINT(lat, lon) UINT(lat, 4, .decimals = 6), UINT(lon, 4, .decimals = 6)

static const struct field circle[] = {FENCE_START, POINT("lat", "lon"), UINT("radius_m", 4), FENCE_TIMES,
				      FENCE_SPEED, FENCE_NIGHT,         FENCE_NAME,          FIELD_LAST};
static const struct field circles[] = {UINT("setting", 1, .names = fence_settings), LIST("areas", 1, circle),
				       FIELD_LAST};
static const struct field rectangle[] = {FENCE_START,
					 POINT("top_lat", "left_lon"),
					 POINT("bottom_lat", "right_lon"),
					 FENCE_TIMES,
					 FENCE_SPEED,
					 FENCE_NIGHT,
					 FENCE_NAME,
					 FIELD_LAST};
static const struct field rectangles[] = {UINT("setting", 1, .names = fence_settings), LIST("areas", 1, rectangle),
					  FIELD_LAST};
static const struct field vertex[] = {POINT("lat", "lon"), FIELD_LAST};
static const struct field polygon[] = {FENCE_START, FENCE_TIMES, FENCE_SPEED, LIST("vertices", 2, vertex),
				       FENCE_NIGHT, FENCE_NAME,  FIELD_LAST};
/* the first threshold is the long one */
static const struct field corner[] = {UINT("corner_id", 4),
				      UINT("section_id", 4),
				      POINT("lat", "lon"),
				      UINT("width_m", 1),
				      UINT("attribute", 1, .bits = section_bits),
				      UINT("too_long_s", 2, .when = WHEN_TIMED),
				      UINT("too_short_s", 2, .when = WHEN_TIMED),
				      FENCE_SPEED,
				      FENCE_NIGHT,
				      FIELD_LAST};
static const struct field route[] = {FENCE_START, FENCE_TIMES, LIST("corners", 2, corner), FENCE_NAME, FIELD_LAST};
static const struct field fences_delete[] = {LIST("ids", 1, number4), FIELD_LAST};
static const struct field fences_query[] = {UINT("type", 1, .names = fence_types), LIST("ids", 4, number4), FIELD_LAST};

/* --- recorder, CAN, data --- */
static const struct field recorder[] = {UINT("serial", 2), HEX("command", 1), HEX("block", 0), FIELD_LAST};
static const struct field recorder_command[] = {HEX("command", 1), HEX("block", 0), FIELD_LAST};
static const struct field waybill[] = {FIELD("content", KIND_HEX_COUNTED, 4), FIELD_LAST};
/* the identifier holds channel (bit 31), extended frame (30), averaged (29) and the CAN id */
static const struct field can_frame[] = {HEX("id", 4), HEX("data", 8), FIELD_LAST};
static const struct field can[] = {UINT("count", 2), HEX("time_hhmmss_ms", 5), LIST("frames", 0, can_frame),
				   FIELD_LAST};
static const struct field passthrough[] = {UINT("type", 1, .names = passthrough_types), HEX("data", 0), FIELD_LAST};
static const struct field compressed[] = {FIELD("gzip", KIND_HEX_COUNTED, 4), FIELD_LAST};
static const struct field rsa_key[] = {UINT("e", 4), HEX("n", 128), FIELD_LAST};

/* --- media --- */
static const struct field media_event[] = {UINT("media_id", 4),
					   UINT("type", 1, .names = media_types),
					   UINT("format", 1, .names = media_formats),
					   UINT("event", 1),
					   UINT("channel", 1),
					   FIELD_LAST};
static const struct field media_data[] = {UINT("media_id", 4),
					  UINT("type", 1, .names = media_types),
					  UINT("format", 1, .names = media_formats),
					  UINT("event", 1),
					  UINT("channel", 1),
					  FIELD("location", KIND_LOCATION, 28),
					  HEX("data", 0),
					  FIELD_LAST};
static const struct field media_found[] = {
	UINT("media_id", 4), UINT("type", 1, .names = media_types), UINT("channel", 1),
	UINT("event", 1),    FIELD("location", KIND_LOCATION, 28),  FIELD_LAST};
static const struct field media_search_reply[] = {UINT("serial", 2), LIST("media", 2, media_found), FIELD_LAST};
static const struct field media_ack[] = {UINT("media_id", 4), FIELD_LAST};
static const struct field media_ack_missing[] = {UINT("media_id", 4), LIST("indexes", 1, number2), FIELD_LAST};
static const struct field shoot_reply[] = {UINT("serial", 2), UINT("result", 1), LIST("media_ids", 2, number4),
					   FIELD_LAST};
static const struct field shoot[] = {
	UINT("channel", 1), UINT("command", 2),    UINT("interval_s", 2), UINT("keep", 1),       UINT("resolution", 1),
	UINT("quality", 1), UINT("brightness", 1), UINT("contrast", 1),   UINT("saturation", 1), UINT("chroma", 1),
	FIELD_LAST};
#define MEDIA_SEARCH                                                                                                   \
	UINT("type", 1, .names = media_types), UINT("channel", 1), UINT("event", 1), TIME("start"), TIME("end")
static const struct field media_search[] = {MEDIA_SEARCH, FIELD_LAST};
static const struct field media_upload[] = {MEDIA_SEARCH, UINT("delete", 1), FIELD_LAST};
static const struct field record[] = {UINT("command", 1), UINT("duration_s", 2), UINT("keep", 1),
				      UINT("sample_rate", 1), FIELD_LAST};
static const struct field media_one[] = {UINT("media_id", 4), UINT("delete", 1), FIELD_LAST};

/* --- JT/T 1078 --- */
static const struct field av_attributes[] = {UINT("audio_codec", 1),        UINT("audio_channels", 1),
					     UINT("audio_sample_rate", 1),  UINT("audio_sample_bits", 1),
					     UINT("audio_frame_length", 2), UINT("audio_output", 1),
					     UINT("video_codec", 1),        UINT("audio_channels_max", 1),
					     UINT("video_channels_max", 1), FIELD_LAST};
static const struct field passengers[] = {TIME("start"), TIME("end"), UINT("on", 2), UINT("off", 2), FIELD_LAST};
#define AV_SPAN UINT("channel", 1), TIME("start"), TIME("end"), HEX("alarm", 8)
#define AV_KIND UINT("media_type", 1), UINT("stream_type", 1), UINT("storage_type", 1)
static const struct field av_resource[] = {AV_SPAN, AV_KIND, UINT("size_bytes", 4), FIELD_LAST};
static const struct field av_resources[] = {UINT("serial", 2), LIST("resources", 4, av_resource), FIELD_LAST};
static const struct field av_query[] = {AV_SPAN, AV_KIND, FIELD_LAST};
#define AV_SERVER FIELD("host", KIND_TEXT_COUNTED, 1), UINT("tcp_port", 2), UINT("udp_port", 2)
static const struct field av_live[] = {AV_SERVER, UINT("channel", 1), UINT("data_type", 1), UINT("stream_type", 1),
				       FIELD_LAST};
static const struct field av_control[] = {UINT("channel", 1), UINT("command", 1), UINT("close", 1),
					  UINT("stream_type", 1), FIELD_LAST};
static const struct field av_loss[] = {UINT("channel", 1), UINT("loss_pct", 1), FIELD_LAST};
static const struct field av_replay[] = {AV_SERVER,        UINT("channel", 1), AV_KIND,     UINT("mode", 1),
					 UINT("speed", 1), TIME("start"),      TIME("end"), FIELD_LAST};
static const struct field av_replay_control[] = {UINT("channel", 1), UINT("command", 1), UINT("speed", 1),
						 TIME("position"), FIELD_LAST};
static const struct field av_upload[] = {FIELD("host", KIND_TEXT_COUNTED, 1),
					 UINT("port", 2),
					 FIELD("user", KIND_TEXT_COUNTED, 1),
					 FIELD("password", KIND_TEXT_COUNTED, 1),
					 FIELD("path", KIND_TEXT_COUNTED, 1),
					 AV_SPAN,
					 AV_KIND,
					 UINT("condition", 1),
					 FIELD_LAST};
static const struct field av_upload_control[] = {UINT("serial", 2), UINT("command", 1), FIELD_LAST};
static const struct field ptz_turn[] = {UINT("channel", 1), UINT("direction", 1), UINT("speed", 1), FIELD_LAST};
static const struct field ptz_adjust[] = {UINT("channel", 1), UINT("value", 1), FIELD_LAST};

/* --- T/JSATL 12 attachments --- */
static const struct field file_info[] = {FIELD("file", KIND_TEXT_COUNTED, 1), UINT("type", 1, .names = file_types),
					 UINT("size_bytes", 4), FIELD_LAST};
static const struct field file_gap[] = {UINT("offset", 4), UINT("length", 4), FIELD_LAST};
static const struct field file_result[] = {FIELD("file", KIND_TEXT_COUNTED, 1), UINT("type", 1, .names = file_types),
					   UINT("result", 1), LIST("gaps", 1, file_gap), FIELD_LAST};

static const struct field attachment[] = {FIELD("file", KIND_TEXT_COUNTED, 1), UINT("size_bytes", 4), FIELD_LAST};
static const struct field attachments[] = {TEXT("terminal_id", 7, .editions = EDITION_OLD),
					   TEXT("terminal_id", 30, .editions = EDITION_2019),
					   HEX("alarm_identifier", 16, .editions = EDITION_OLD),
					   HEX("alarm_identifier", 40, .editions = EDITION_2019),
					   TEXT("alarm_number", 32),
					   UINT("type", 1),
					   LIST("attachments", 1, attachment),
					   FIELD_LAST};
static const struct field attachment_upload[] = {AV_SERVER, FIELD("alarm_identifier", KIND_ALARM_ID, 0, .tail = 48),
						 TEXT("alarm_number", 32), HEX("reserved", 16), FIELD_LAST};

#define BY_CODE NULL
static const struct message_explained messages[] = {
	{0x0001, "terminal_ack", "终端通用应答", reply},
	{0x0002, "heartbeat", "终端心跳", empty},
	{0x0003, "logout", "终端注销", empty},
	{0x0004, "query_server_time", "查询服务器时间", empty},
	{0x0005, "terminal_resend_request", "终端补传分包请求", terminal_resend},
	{0x0100, "register", "终端注册", BY_CODE},
	{0x0102, "authenticate", "终端鉴权", BY_CODE},
	{0x0104, "parameters_reply", "查询终端参数应答", parameters_reply},
	{0x0107, "attributes_reply", "查询终端属性应答", BY_CODE},
	{0x0108, "upgrade_result", "终端升级结果通知", upgrade_result},
	{0x0200, "location", "位置信息汇报", BY_CODE},
	{0x0201, "location_reply", "位置信息查询应答", answered_location},
	{0x0301, "event", "事件报告", event_report},
	{0x0302, "answer", "提问应答", answer},
	{0x0303, "info_demand", "信息点播/取消", info_demand},
	{0x0500, "vehicle_control_reply", "车辆控制应答", answered_location},
	{0x0608, "fences_reply", "查询区域或线路数据应答", BY_CODE},
	{0x0700, "recorder_data", "行驶记录数据上传", recorder},
	{0x0701, "waybill", "电子运单上报", waybill},
	{0x0702, "driver_identity", "驾驶员身份信息采集上报", BY_CODE},
	{0x0704, "location_batch", "定位数据批量上传", BY_CODE},
	{0x0705, "can_data", "CAN总线数据上传", can},
	{0x0800, "media_event", "多媒体事件信息上传", media_event},
	{0x0801, "media_data", "多媒体数据上传", media_data},
	{0x0802, "media_search_reply", "存储多媒体数据检索应答", media_search_reply},
	{0x0805, "shoot_reply", "摄像头立即拍摄命令应答", shoot_reply},
	{0x0900, "passthrough_up", "数据上行透传", passthrough},
	{0x0901, "compressed_up", "数据压缩上报", compressed},
	{0x0a00, "terminal_rsa_key", "终端RSA公钥", rsa_key},
	{0x1003, "av_attributes", "终端上传音视频属性", av_attributes},
	{0x1005, "passenger_flow", "终端上传乘客流量", passengers},
	{0x1205, "av_resources", "终端上传音视频资源列表", av_resources},
	{0x1206, "file_upload_done", "文件上传完成通知", serial_and_result},
	{0x1210, "alarm_attachments", "报警附件信息", attachments},
	{0x1211, "file_info", "文件信息上传", file_info},
	{0x1212, "file_done", "文件上传完成", file_info},
	{0x8001, "platform_ack", "平台通用应答", reply},
	{0x8003, "resend_request", "补传分包请求", resend},
	{0x8004, "server_time", "查询服务器时间应答", server_time},
	{0x8100, "register_reply", "终端注册应答", register_reply},
	{0x8103, "set_parameters", "设置终端参数", parameters_set},
	{0x8104, "query_parameters", "查询终端参数", empty},
	{0x8105, "terminal_control", "终端控制", control},
	{0x8106, "query_listed_parameters", "查询指定终端参数", parameters_query},
	{0x8107, "query_attributes", "查询终端属性", empty},
	{0x8108, "upgrade", "下发终端升级包", upgrade},
	{0x8201, "query_location", "位置信息查询", empty},
	{0x8202, "track_temporarily", "临时位置跟踪控制", BY_CODE},
	{0x8203, "confirm_alarm", "人工确认报警消息", alarm_confirm},
	{0x8204, "link_check", "链路检测", empty},
	{0x8300, "text", "文本信息下发", text},
	{0x8301, "set_events", "事件设置", events_set},
	{0x8302, "question", "提问下发", question},
	{0x8303, "set_menu", "信息点播菜单设置", menu},
	{0x8304, "info_service", "信息服务", info_service},
	{0x8400, "call_back", "电话回拨", call_back},
	{0x8401, "set_phone_book", "设置电话本", phone_book},
	{0x8500, "vehicle_control", "车辆控制", vehicle_control},
	{0x8600, "set_circles", "设置圆形区域", circles},
	{0x8601, "delete_circles", "删除圆形区域", fences_delete},
	{0x8602, "set_rectangles", "设置矩形区域", rectangles},
	{0x8603, "delete_rectangles", "删除矩形区域", fences_delete},
	{0x8604, "set_polygon", "设置多边形区域", polygon},
	{0x8605, "delete_polygons", "删除多边形区域", fences_delete},
	{0x8606, "set_route", "设置路线", route},
	{0x8607, "delete_routes", "删除路线", fences_delete},
	{0x8608, "query_fences", "查询区域或线路数据", fences_query},
	{0x8700, "recorder_query", "行驶记录数据采集命令", recorder_command},
	{0x8701, "recorder_set", "行驶记录参数下传命令", recorder_command},
	{0x8702, "query_driver", "上报驾驶员身份信息请求", empty},
	{0x8800, "media_ack", "多媒体数据上传应答", BY_CODE},
	{0x8801, "shoot", "摄像头立即拍摄命令", shoot},
	{0x8802, "media_search", "存储多媒体数据检索", media_search},
	{0x8803, "media_upload", "存储多媒体数据上传", media_upload},
	{0x8804, "record", "录音开始命令", record},
	{0x8805, "media_upload_one", "单条存储多媒体数据检索上传", media_one},
	{0x8900, "passthrough_down", "数据下行透传", passthrough},
	{0x8a00, "platform_rsa_key", "平台RSA公钥", rsa_key},
	{0x9003, "query_av_attributes", "查询终端音视频属性", empty},
	{0x9101, "live_request", "实时音视频传输请求", av_live},
	{0x9102, "live_control", "音视频实时传输控制", av_control},
	{0x9105, "live_status", "实时音视频传输状态通知", av_loss},
	{0x9201, "replay_request", "远程录像回放请求", av_replay},
	{0x9202, "replay_control", "远程录像回放控制", av_replay_control},
	{0x9205, "query_av_resources", "查询资源列表", av_query},
	{0x9206, "file_upload", "文件上传指令", av_upload},
	{0x9207, "file_upload_control", "文件上传控制", av_upload_control},
	{0x9208, "alarm_attachment_upload", "报警附件上传指令", attachment_upload},
	{0x9212, "file_done_reply", "文件上传完成消息应答", file_result},
	{0x9301, "ptz_turn", "云台旋转", ptz_turn},
	{0x9302, "ptz_focus", "云台调整焦距控制", ptz_adjust},
	{0x9303, "ptz_aperture", "云台调整光圈控制", ptz_adjust},
	{0x9304, "ptz_wiper", "云台雨刷控制", ptz_adjust},
	{0x9305, "ptz_infrared", "红外补光控制", ptz_adjust},
	{0x9306, "ptz_zoom", "云台变倍控制", ptz_adjust},
};

const struct message_explained *explain_find(uint16_t message_id)
{
	size_t low = 0, high = sizeof messages / sizeof messages[0];
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (messages[middle].id < message_id)
			low = middle + 1;
		else
			high = middle;
	}
	bool found = low < sizeof messages / sizeof messages[0] && messages[low].id == message_id;
	return found ? &messages[low] : NULL;
}

/* Some bodies end early when there is nothing to say. */
const struct field *explain_fields_of(const struct message_explained *m, struct span body)
{
	if (m->id == 0x8202) /* interval 0 stops, without a duration */
		return body.size > 2 ? tracking_timed : tracking;
	if (m->id == 0x8800) /* no list when complete */
		return body.size > 4 ? media_ack_missing : media_ack;
	if (m->id == 0x8500 && body.size == 3) /* one control, sent without a count */
		return vehicle_control_item;
	return m->fields;
}
