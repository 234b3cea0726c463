/* layouts_jt809.c -- every message as a list of fields, and the three walks over it: decoding, encoding, explaining.
 *
 *   {sub id or id, editions, fields...}      several of one id: by edition, or as peers send it; the one that fits wins
 *
 * Sources: JT/T 809-2011 and 2019, and what public implementations send where the text is unclear. */
#include <stddef.h>
#include <stdio.h>

#include "ingest/jt809/layouts_jt809.h"

const struct jt809_field jt809_fields[] = {
#define X(NAME, member, kind, size, json)                                                                              \
	[JT809_FIELD_##NAME] = {JT809_KIND_##kind, size, offsetof(struct jt809_message, member),                       \
				sizeof(((struct jt809_message *)0)->member), json},
	JT809_FIELD_TABLE(X)
#undef X
};

#define OLD (1u << JT809_2011)
#define NEW (1u << JT809_2019)
#define BOTH (OLD | NEW)
#define F(name) JT809_FIELD_##name

#define DRIVER_2011 F(DRIVER), F(ID_CARD), F(LICENCE40), F(AUTHORITY)
#define DRIVER_2019 F(DRIVER), F(ID_CARD), F(LICENCE20), F(AUTHORITY), F(EXPIRY)
#define DRIVER_LONG F(DRIVER), F(ID_CARD), F(LICENCE40), F(AUTHORITY), F(EXPIRY)
#define ALARM_2019 F(PLATFORM), F(TYPE), F(TIME), F(FROM), F(TO), F(PLATE), F(COLOUR), F(TARGET), F(LINE), F(CONTENT)
#define ALARM_SHORT F(PLATFORM), F(TYPE), F(FROM), F(TO), F(PLATE), F(COLOUR), F(TARGET), F(LINE), F(CONTENT)
#define ANSWER F(SOURCE_ID), F(SOURCE_SERIAL)

static const struct jt809_layout layouts[] = {
	{0x1001, OLD, false, {F(USER), F(PASSWORD), F(IP), F(PORT)}},
	{0x1001, NEW, false, {F(USER), F(PASSWORD), F(ACCESS), F(IP), F(PORT)}},
	{0x1002, BOTH, false, {F(RESULT), F(VERIFY)}},
	{0x1003, BOTH, false, {F(USER), F(PASSWORD)}},
	{0x1004, BOTH, false, {0}},
	{0x1005, BOTH, false, {0}},
	{0x1006, BOTH, false, {0}},
	{0x1007, BOTH, false, {F(REASON)}},
	{0x1008, BOTH, false, {F(REASON)}},
	{0x1102, NEW, false, {F(PLATFORM), F(FROM), F(TO), F(LOST), F(CUTS), F(CUT_S)}},
	{0x9001, BOTH, false, {F(VERIFY)}},
	{0x9002, BOTH, false, {F(RESULT)}},
	{0x9003, BOTH, false, {F(VERIFY)}},
	{0x9004, BOTH, false, {0}},
	{0x9005, BOTH, false, {0}},
	{0x9006, BOTH, false, {0}},
	{0x9007, BOTH, false, {F(REASON)}},
	{0x9008, BOTH, false, {F(REASON)}},
	{0x9101, BOTH, false, {F(COUNT), F(FROM), F(TO)}},
	{0x9102, NEW, false, {F(PLATFORM), F(FROM), F(TO)}},

	{0x1201, OLD, true, {F(PLATFORM), F(PRODUCER), F(MODEL20), F(TERMINAL7), F(SIM12)}},
	{0x1201, OLD, true, {F(PLATFORM), F(PRODUCER), F(MODEL8), F(TERMINAL7), F(SIM12)}},
	{0x1201, NEW, true, {F(PLATFORM), F(PRODUCER), F(MODEL30), F(IMEI), F(TERMINAL30), F(SIM13)}},
	{0x1205, OLD, true, {0}},
	{0x1205, NEW, true, {ANSWER}},
	{0x1206, OLD, true, {0}},
	{0x1206, NEW, true, {ANSWER}},
	{0x1207, BOTH, true, {F(FROM), F(TO)}},
	{0x1208, BOTH, true, {0}},
	{0x1209, BOTH, true, {F(FROM), F(TO)}},
	{0x1209, BOTH, true, {F(RESULT)}}, /* the answer to a 9209 that asks */
	{0x120a, OLD, true, {DRIVER_2011}},
	{0x120a, NEW, true, {DRIVER_2019}},
	{0x120a, NEW, true, {DRIVER_LONG}},
	{0x120b, BOTH, true, {F(CONTENT)}},
	{0x120c, OLD, true, {DRIVER_2011}},
	{0x120c, NEW, true, {DRIVER_2019}},
	{0x120c, NEW, true, {DRIVER_LONG}},
	{0x120d, BOTH, true, {F(CONTENT)}},
	{0x9201, NEW, false, {ANSWER, F(RESULT)}},
	{0x9205, BOTH, true, {F(REASON)}},
	{0x9206, BOTH, true, {F(REASON)}},
	{0x9207, BOTH, true, {F(RESULT)}},
	{0x9208, BOTH, true, {F(RESULT)}},
	{0x9209, BOTH, true, {F(RESULT)}},
	{0x9209, BOTH, true, {F(FROM), F(TO)}}, /* asking for what is missing, as 1209 does the other way */
	{0x920a, BOTH, true, {0}},
	{0x920b, BOTH, true, {0}},

	{0x1301, OLD, false, {F(OBJECT_TYPE), F(OBJECT12), F(INFO), F(CONTENT)}},
	{0x1301,
	 NEW,
	 false,
	 {F(OBJECT_TYPE), F(RESPONDER), F(TELEPHONE), F(OBJECT20), F(SOURCE_ID), F(SOURCE_SERIAL), F(CONTENT)}},
	{0x1302, OLD, false, {F(INFO)}},
	{0x1302, NEW, false, {ANSWER}},
	{0x9301, OLD, false, {F(OBJECT_TYPE), F(OBJECT12), F(INFO), F(CONTENT)}},
	{0x9301, NEW, false, {F(OBJECT_TYPE), F(OBJECT20), F(LIMIT), F(INFO), F(CONTENT)}},
	{0x9302, OLD, false, {F(OBJECT_TYPE), F(OBJECT12), F(INFO), F(CONTENT)}},
	{0x9302, NEW, false, {F(OBJECT_TYPE), F(OBJECT20), F(INFO), F(CONTENT)}},

	{0x1401, OLD, true, {F(INFO), F(RESULT)}},
	{0x1401, NEW, true, {ANSWER, F(RESULT)}},
	{0x1402, OLD, true, {F(SOURCE), F(TYPE), F(TIME), F(INFO), F(CONTENT)}},
	{0x1402, NEW, false, {ALARM_2019}},
	{0x1403, OLD, true, {F(INFO), F(RESULT)}},
	{0x1403, NEW, false, {ALARM_2019}},
	{0x9401,
	 BOTH,
	 true,
	 {F(SOURCE), F(TYPE), F(TIME), F(INFO), F(TO), F(LEVEL), F(RESPONDER), F(TELEPHONE), F(EMAIL)}},
	{0x9402, OLD, true, {F(SOURCE), F(TYPE), F(TIME), F(CONTENT)}},
	{0x9402, NEW, false, {ALARM_2019}},
	{0x9402, NEW, false, {ALARM_SHORT}},
	{0x9403, OLD, true, {F(SOURCE), F(TYPE), F(TIME), F(CONTENT)}},
	{0x9403, NEW, false, {ALARM_2019}},
	{0x9403, NEW, false, {ALARM_SHORT}},

	{0x1601, BOTH, true, {F(REST)}},
	{0x9601, BOTH, true, {0}},
};
#define LAYOUTS (sizeof layouts / sizeof *layouts)

/* X(id, "English", "Chinese") of the messages of 5.3 and 5.4 and of what is kept raw. */
static const struct {
	uint16_t id;
	const char *name, *name_zh;
} names[] = {
	{0x1001, "login", "主链路登录请求"},
	{0x1002, "login_reply", "主链路登录应答"},
	{0x1003, "logout", "主链路注销请求"},
	{0x1004, "logout_reply", "主链路注销应答"},
	{0x1005, "heartbeat", "主链路连接保持请求"},
	{0x1006, "heartbeat_reply", "主链路连接保持应答"},
	{0x1007, "main_link_broken", "主链路断开通知"},
	{0x1008, "lower_closes", "下级平台主动关闭链路通知"},
	{0x1102, "link_statistics_reply", "链路连接与定位传输情况应答"},
	{0x1103, "serial_notice_up", "上传平台间消息序列号通知"},
	{0x9001, "sub_link_connect", "从链路连接请求"},
	{0x9002, "sub_link_connect_reply", "从链路连接应答"},
	{0x9003, "sub_link_logout", "从链路注销请求"},
	{0x9004, "sub_link_logout_reply", "从链路注销应答"},
	{0x9005, "sub_heartbeat", "从链路连接保持请求"},
	{0x9006, "sub_heartbeat_reply", "从链路连接保持应答"},
	{0x9007, "sub_link_broken", "从链路断开通知"},
	{0x9008, "upper_closes", "上级平台主动关闭链路通知"},
	{0x9101, "positions_received", "接收定位信息数量通知"},
	{0x9102, "link_statistics", "链路连接与定位传输情况请求"},
	{0x9103, "serial_notice_down", "下发平台间消息序列号通知"},
	{0x1200, "exchange_up", "主链路动态信息交换"},
	{0x1201, "vehicle_register", "上传车辆注册信息"},
	{0x1202, "position", "实时上传车辆定位信息"},
	{0x1203, "position_backfill", "车辆定位信息自动补报"},
	{0x1205, "exchange_start_reply", "启动车辆定位信息交换应答"},
	{0x1206, "exchange_end_reply", "结束车辆定位信息交换应答"},
	{0x1207, "apply", "申请交换指定车辆定位信息"},
	{0x1208, "apply_cancel", "取消交换指定车辆定位信息"},
	{0x1209, "backfill_request", "补发车辆定位信息请求"},
	{0x120a, "driver_reply", "上报驾驶员身份识别信息应答"},
	{0x120b, "waybill_reply", "上报车辆电子运单应答"},
	{0x120c, "driver", "主动上报驾驶员身份信息"},
	{0x120d, "waybill", "主动上报车辆电子运单"},
	{0x9200, "exchange_down", "从链路动态信息交换"},
	{0x9201, "vehicle_register_reply", "车辆注册信息应答"},
	{0x9202, "position_exchanged", "交换车辆定位信息"},
	{0x9203, "position_exchanged_backfill", "车辆定位信息交换补发"},
	{0x9204, "static_exchanged", "交换车辆静态信息"},
	{0x9205, "exchange_start", "启动车辆定位信息交换请求"},
	{0x9206, "exchange_end", "结束车辆定位信息交换请求"},
	{0x9207, "apply_reply", "申请交换指定车辆定位信息应答"},
	{0x9208, "apply_cancel_reply", "取消申请交换指定车辆定位信息应答"},
	{0x9209, "backfill_reply", "补发车辆定位信息应答"},
	{0x920a, "driver_request", "上报驾驶员身份识别信息请求"},
	{0x920b, "waybill_request", "上报车辆电子运单请求"},
	{0x1300, "platform_up", "主链路平台间信息交互"},
	{0x1301, "duty_check_reply", "平台查岗应答"},
	{0x1302, "platform_text_reply", "下发平台间报文应答"},
	{0x9300, "platform_down", "从链路平台间信息交互"},
	{0x9301, "duty_check", "平台查岗请求"},
	{0x9302, "platform_text", "下发平台间报文"},
	{0x1400, "alarm_up", "主链路报警信息交互"},
	{0x1401, "supervision_reply", "报警督办应答"},
	{0x1402, "alarm", "上报报警信息"},
	{0x1403, "alarm_notice", "上报报警预警信息"},
	{0x9400, "alarm_down", "从链路报警信息交互"},
	{0x9401, "supervision", "报警督办请求"},
	{0x9402, "alarm_warning", "报警预警"},
	{0x9403, "alarm_exchanged", "实时交换报警信息"},
	{0x1500, "control_up", "主链路车辆监管"},
	{0x9500, "control_down", "从链路车辆监管"},
	{0x1600, "static_up", "主链路静态信息交换"},
	{0x1601, "vehicle_static", "补报车辆静态信息应答"},
	{0x9600, "static_down", "从链路静态信息交换"},
	{0x9601, "vehicle_static_request", "补报车辆静态信息请求"},
	{0x1700, "video_up", "主链路音视频业务"},
	{0x1800, "video_up", "主链路音视频业务"},
	{0x9700, "video_down", "从链路音视频业务"},
	{0x9800, "video_down", "从链路音视频业务"},
};

static int name_find(uint16_t id, uint16_t sub_id)
{
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (names[i].id == (sub_id ? sub_id : id))
			return (int)i;
	return -1;
}

const char *jt809_message_name(uint16_t id, uint16_t sub_id)
{
	int at = name_find(id, sub_id);
	return at < 0 ? NULL : names[at].name;
}

const char *jt809_message_name_zh(uint16_t id, uint16_t sub_id)
{
	int at = name_find(id, sub_id);
	return at < 0 ? NULL : names[at].name_zh;
}

/* --- decoding --- */

/* Whether the fields take exactly these bytes. */
static bool layout_fits(const struct jt809_layout *l, struct span data)
{
	size_t at = 0;
	for (unsigned i = 0; l->fields[i]; i++) {
		const struct jt809_field *f = &jt809_fields[l->fields[i]];
		if (f->kind == JT809_KIND_REST)
			return true;
		if (f->size > data.size - at)
			return false;
		size_t content = f->kind == JT809_KIND_CONTENT ? load_be32(data.data + at) : 0;
		at += f->size;
		if (content > data.size - at)
			return false;
		at += content;
	}
	return at == data.size;
}

const struct jt809_layout *jt809_layout_find(uint16_t id, struct span data, enum jt809_edition edition)
{
	const struct jt809_layout *first = NULL, *other = NULL;
	for (size_t i = 0; i < LAYOUTS; i++) {
		const struct jt809_layout *l = &layouts[i];
		if (l->id != id)
			continue;
		bool preferred = edition == JT809_DETECT || l->editions >> edition & 1;
		if (!first || (preferred && !(first->editions >> edition & 1) && edition != JT809_DETECT))
			first = l;
		if (!layout_fits(l, data))
			continue;
		if (preferred)
			return l;
		other = other ? other : l;
	}
	return other ? other : first;
}

/* Seconds since 1970, or milliseconds when it would be past the year 5138. */
static int64_t instant_of(uint64_t value)
{
	return value >= UINT64_C(100000000000) ? (int64_t)(value & INT64_MAX) : (int64_t)value * 1000;
}

static void set_number(uint8_t *member, size_t member_size, uint64_t value)
{
	if (member_size == 1)
		*member = (uint8_t)value;
	else if (member_size == 2)
		store_le16(member, (uint16_t)value);
	else if (member_size == 4)
		store_le32(member, (uint32_t)value);
	else
		store_le64(member, value);
}

static uint64_t wire_number(struct span s)
{
	uint64_t value = 0;
	for (size_t i = 0; i < s.size; i++)
		value = value << 8 | s.data[i];
	return value;
}

static enum status field_decode(const struct jt809_field *f, struct cursor *c, struct jt809_message *out)
{
	uint8_t *member = (uint8_t *)out + f->offset;
	if (f->kind == JT809_KIND_REST) {
		out->content = cursor_take(c, cursor_left(c));
		return STATUS_OK;
	}
	struct span wire = cursor_take(c, f->size);
	if (c->failed)
		return STATUS_BAD_LENGTH;
	switch (f->kind) {
	case JT809_KIND_UINT:
		set_number(member, f->member_size, wire_number(wire));
		break;
	case JT809_KIND_UTC:
		set_number(member, 8, (uint64_t)instant_of(wire_number(wire)));
		break;
	case JT809_KIND_TEXT:
		charset_gbk_to_utf8(wire, (char *)member, f->member_size);
		break;
	case JT809_KIND_CONTENT: {
		size_t size = wire_number(wire);
		bool cut = size > cursor_left(c);
		out->content = cursor_take(c, cut ? cursor_left(c) : size);
		return cut ? STATUS_BAD_LENGTH : STATUS_OK;
	}
	default:
		break;
	}
	return STATUS_OK;
}

static enum status fields_decode(const struct jt809_layout *l, struct span data, struct jt809_message *out)
{
	struct cursor c = cursor_of(data);
	enum status status = STATUS_OK;
	for (unsigned i = 0; l->fields[i] && !status; i++)
		status = field_decode(&jt809_fields[l->fields[i]], &c, out);
	return status || !cursor_left(&c) ? status : STATUS_BAD_LENGTH;
}

static enum status open_envelope(uint16_t id, struct span body, struct jt809_message *out)
{
	struct jt809_envelope e;
	enum status status = jt809_envelope_decode(id, body, &e);
	if (status)
		return status;
	out->sub_id = e.sub_id;
	out->data = e.data;
	out->has_vehicle = e.vehicle.size != 0;
	out->source_id = e.source_id;
	out->source_serial = e.source_serial;
	if (out->has_vehicle) {
		charset_gbk_to_utf8(span_of(e.vehicle.data, JT809_PLATE), out->plate, sizeof out->plate);
		out->colour = e.vehicle.data[JT809_PLATE];
	}
	return STATUS_OK;
}

enum status jt809_message_decode(uint16_t id, struct span body, enum jt809_edition edition, struct jt809_message *out)
{
	memset(out, 0, sizeof *out);
	out->id = id;
	out->data = body;
	enum status status = jt809_has_envelope(id) ? open_envelope(id, body, out) : STATUS_OK;
	if (status)
		return status;
	if (id == 0x1102 && out->data.size == 6 + 36 && load_be16(out->data.data) == 0x1102)
		out->data = span_of(body.data + 6, 36); /* some give it an envelope of its own */
	const struct jt809_layout *l = jt809_layout_find(out->sub_id ? out->sub_id : id, out->data, edition);
	if (!l)
		return STATUS_UNSUPPORTED;
	if (out->source_id && !out->data.size)
		return STATUS_OK; /* what is answered was all there is to say */
	return fields_decode(l, out->data, out);
}

/* --- encoding --- */

static uint64_t get_number(const uint8_t *member, size_t member_size)
{
	uint64_t value = 0;
	memcpy(&value, member, member_size);
	return value;
}

static enum status put_number(struct buf *out, uint64_t value, size_t size)
{
	uint8_t bytes[8];
	store_be64(bytes, value);
	return buf_append(out, bytes + 8 - size, size);
}

static enum status put_text(struct buf *out, const char *text, size_t size)
{
	uint8_t field[256];
	enum status status = jt809_text_pack(text, field, size);
	return status ? status : buf_append(out, field, size);
}

static enum status field_encode(const struct jt809_field *f, const struct jt809_message *m, struct buf *out)
{
	const uint8_t *member = (const uint8_t *)m + f->offset;
	enum status status = STATUS_OK;
	switch (f->kind) {
	case JT809_KIND_UINT:
		return put_number(out, get_number(member, f->member_size), f->size);
	case JT809_KIND_UTC:
		return put_number(out, get_number(member, 8) / 1000, 8);
	case JT809_KIND_TEXT:
		return put_text(out, (const char *)member, f->size);
	case JT809_KIND_CONTENT:
		status = buf_append_be32(out, (uint32_t)m->content.size);
		break;
	default:
		break;
	}
	return status ? status : buf_append(out, m->content.data, m->content.size);
}

/* The layout to write: the edition's own, the one with a result when there is no span of time. */
static const struct jt809_layout *layout_for(const struct jt809_message *m, enum jt809_edition edition)
{
	uint16_t id = m->sub_id ? m->sub_id : m->id;
	bool spans = m->from_ms || m->to_ms;
	const struct jt809_layout *found = NULL;
	for (size_t i = 0; i < LAYOUTS; i++) {
		if (layouts[i].id != id || !(layouts[i].editions >> edition & 1))
			continue;
		if ((id == 0x1209 || id == 0x9209) && (layouts[i].fields[0] == F(FROM)) != spans)
			continue;
		found = found ? found : &layouts[i];
	}
	return found;
}

static enum status fields_encode(const struct jt809_layout *l, const struct jt809_message *m, struct buf *out)
{
	enum status status = STATUS_OK;
	for (unsigned i = 0; l->fields[i] && !status; i++)
		status = field_encode(&jt809_fields[l->fields[i]], m, out);
	return status;
}

static enum status close_envelope(const struct jt809_layout *l, const struct jt809_message *m, struct span data,
				  struct buf *out)
{
	uint8_t vehicle[JT809_VEHICLE];
	struct jt809_envelope e = {.sub_id = m->sub_id, .data = data};
	if (l->vehicle) {
		enum status status = jt809_text_pack(m->plate, vehicle, JT809_PLATE);
		if (status)
			return status;
		vehicle[JT809_PLATE] = m->colour;
		e.vehicle = span_of(vehicle, sizeof vehicle);
	}
	return jt809_envelope_encode(&e, out);
}

enum status jt809_message_encode(const struct jt809_message *m, enum jt809_edition edition, struct buf *out)
{
	const struct jt809_layout *l = layout_for(m, edition);
	size_t before = out->size;
	if (!l)
		return STATUS_UNSUPPORTED;
	if (!m->sub_id) {
		enum status status = fields_encode(l, m, out);
		if (status)
			out->size = before;
		return status;
	}
	struct buf data = buf_init(JT809_FRAME_MAX);
	enum status status = fields_encode(l, m, &data);
	if (!status)
		status = close_envelope(l, m, buf_view(&data), out);
	buf_deinit(&data);
	return status;
}

/* --- static data --- */

enum status jt809_static_next(struct cursor *c, struct jt809_static *out)
{
	while (cursor_left(c)) {
		const uint8_t *semicolon = memchr(c->at, ';', cursor_left(c));
		size_t size = semicolon ? (size_t)(semicolon - c->at) : cursor_left(c);
		struct span item = cursor_take(c, size);
		(void)cursor_take(c, semicolon ? 1 : 0);
		const uint8_t *sign = item.size ? memmem(item.data, item.size, ":=", 2) : NULL;
		if (!sign)
			continue;
		size_t key = (size_t)(sign - item.data);
		out->key = charset_trim(span_of(item.data, key));
		out->value = charset_trim(span_of(sign + 2, item.size - key - 2));
		return STATUS_OK;
	}
	return STATUS_END;
}
