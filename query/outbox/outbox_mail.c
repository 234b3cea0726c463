/* outbox_mail.c -- news as a mail in Chinese (RFC 5322; MIME, RFC 2045 and 2047). */
#include <jansson.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "engine/core/clock.h"
#include "query/outbox/outbox_send.h"

/* bytes of text in one encoded word: 60 digits and 12 more, of the 75 that RFC 2047, 2 allows */
#define WORD_BYTES 45
/* and in one line of a body: 76 digits (RFC 2045, 6.8) */
#define LINE_BYTES 57
#define SUBJECT_MAX 300
#define TEXT_MAX 65536

static enum status append(struct buf *out, const char *text)
{
	return buf_append(out, text, strlen(text));
}

/* Where a piece of at most `max` bytes ends without cutting a character. */
static size_t piece(const char *text, size_t size, size_t max)
{
	if (size <= max)
		return size;
	while (max && ((unsigned char)text[max] & 0xc0) == 0x80)
		max--;
	return max;
}

/* "Subject: " and encoded words, each on a line of its own. */
static enum status put_subject(struct buf *out, const char *text)
{
	uint8_t digits[4 * WORD_BYTES];
	size_t size = strlen(text);
	enum status status = append(out, "Subject:");
	while (size && !status) {
		size_t n = piece(text, size, WORD_BYTES);
		if (!n)
			return STATUS_MALFORMED;
		EVP_EncodeBlock(digits, (const uint8_t *)text, (int)n);
		status = buf_printf(out, " =?UTF-8?B?%s?=\r\n", (const char *)digits);
		text += n;
		size -= n;
	}
	return status;
}

static enum status put_body(struct buf *out, struct span text)
{
	uint8_t digits[4 * LINE_BYTES];
	enum status status = STATUS_OK;
	while (text.size && !status) {
		size_t n = text.size < LINE_BYTES ? text.size : LINE_BYTES;
		EVP_EncodeBlock(digits, text.data, (int)n);
		status = buf_printf(out, "%s\r\n", (const char *)digits);
		text = span_of(text.data + n, text.size - n);
	}
	return status;
}

/* --- what it says --- */

static const char *text_of(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));
	return text ? text : "";
}

/* At most `max` bytes of it, characters whole; "%.*s" takes both. */
#define CUT(text, max) (int)piece(text, strlen(text), max), text

static enum status put_line(struct buf *out, const char *name, const char *text)
{
	return *text ? buf_printf(out, "%s：%s\r\n", name, text) : STATUS_OK;
}

/* In China's time, as people read it. */
static enum status put_time(struct buf *out, const char *name, int64_t ms)
{
	char text[TIME_TEXT_MAX];
	time_format(ms, CHINA_OFFSET_MS, text);
	text[10] = ' ';
	text[19] = '\0';
	return put_line(out, name, text);
}

static enum status put_hazard(struct buf *out, const json_t *news, const struct outbox_news *n,
			      char subject[SUBJECT_MAX])
{
	static const struct {
		const char *key, *name;
	} fields[] = {{"description", "隐患描述"}, {"grade", "等级"},        {"company", "企业"},
		      {"village", "所属村"},       {"site", "隐患点"},       {"category", "隐患类别"},
		      {"unit", "责任单位"},        {"person", "责任人"},     {"supervisor", "监督部门"},
		      {"measures", "整改措施"},    {"deadline", "整改时限"}, {"acceptor", "验收人"}};
	const json_t *h = json_object_get(news, "hazard"), *e = json_object_get(news, "event");
	const json_t *said = json_object_get(h, "fields");
	snprintf(subject, SUBJECT_MAX, "【隐患】%s %s：%.*s", text_of(h, "code"), text_of(e, "step_zh"),
		 CUT(text_of(said, "description"), 120));
	enum status status = put_line(out, "隐患编号", text_of(h, "code"));
	if (!status)
		status = put_line(out, "办理步骤", text_of(e, "step_zh"));
	if (!status)
		status = put_line(out, "当前状态", text_of(h, "state_zh"));
	if (!status)
		status = put_line(out, "办理人", text_of(e, "who"));
	if (!status)
		status = put_line(out, "办理单位", text_of(e, "unit"));
	if (!status)
		status = put_line(out, "说明", text_of(e, "note"));
	for (size_t i = 0; i < sizeof fields / sizeof *fields && !status; i++)
		status = put_line(out, fields[i].name, text_of(said, fields[i].key));
	return status ? status : put_time(out, "通知时间", n->at_ms);
}

static enum status put_finding(struct buf *out, const json_t *news, const struct outbox_news *n,
			       char subject[SUBJECT_MAX])
{
	const json_t *v = json_object_get(news, "violation");
	const char *title = text_of(json_object_get(v, "title"), "zh");
	if (!*title)
		title = text_of(v, "rule");
	snprintf(subject, SUBJECT_MAX, "【疑似违法线索】%.*s %s %.*s", CUT(title, 120), text_of(news, "event_zh"),
		 CUT(text_of(v, "plate"), 60));
	enum status status = put_line(out, "线索", title);
	if (!status)
		status = put_line(out, "事件", text_of(news, "event_zh"));
	if (!status)
		status = put_line(out, "车牌号", text_of(v, "plate"));
	if (!status)
		status = put_line(out, "所属企业", text_of(v, "company"));
	if (!status)
		status = put_line(out, "所属村", text_of(v, "village"));
	if (!status)
		status = put_line(out, "核查状态", text_of(v, "state_zh"));
	if (!status && json_is_integer(json_object_get(v, "start_ms")))
		status = put_time(out, "开始时间", json_integer_value(json_object_get(v, "start_ms")));
	return status ? status : put_time(out, "通知时间", n->at_ms);
}

static enum status put_task(struct buf *out, const json_t *news, const struct outbox_news *n, char subject[SUBJECT_MAX])
{
	static const struct {
		const char *key, *name;
	} fields[] = {{"title", "任务"},     {"unit", "责任单位"}, {"person", "责任人"}, {"subject", "对象"},
		      {"village", "所属村"}, {"due", "期限"},      {"state_zh", "状态"}, {"basis", "依据"}};
	const json_t *t = json_object_get(news, "task");
	snprintf(subject, SUBJECT_MAX, "【任务%s】%.*s %.*s", text_of(news, "event_zh"), CUT(text_of(t, "title"), 120),
		 CUT(text_of(t, "due"), 10));
	enum status status = put_line(out, "事件", text_of(news, "event_zh"));
	if (!status)
		status = put_line(out, "上报对象", text_of(news, "to"));
	for (size_t i = 0; i < sizeof fields / sizeof *fields && !status; i++)
		status = put_line(out, fields[i].name, text_of(t, fields[i].key));
	return status ? status : put_time(out, "通知时间", n->at_ms);
}

static enum status put_headers(const struct outbox_destination *to, const struct outbox_news *n, int64_t now_ms,
			       const char *subject, struct buf *out)
{
	char date[64];
	struct tm civil;
	time_t seconds = (time_t)(now_ms / 1000);
	gmtime_r(&seconds, &civil);
	strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S +0000", &civil); /* the program never leaves the C locale */
	enum status status = buf_printf(out, "From: <%s>\r\nTo:", to->from);
	for (size_t i = 0; i < to->to_count && !status; i++)
		status = buf_printf(out, " <%s>%s", to->to[i], i + 1 < to->to_count ? ",\r\n" : "\r\n");
	if (!status)
		status = put_subject(out, subject);
	return status ? status
		      : buf_printf(out,
				   "Date: %s\r\nMessage-ID: <%s.%lld@%s>\r\nMIME-Version: 1.0\r\n"
				   "Content-Type: text/plain; charset=UTF-8\r\nContent-Transfer-Encoding: base64\r\n"
				   "Auto-Submitted: auto-generated\r\nX-Zayton-Id: %s\r\n\r\n",
				   date, n->id, (long long)n->at_ms, strchr(to->from, '@') + 1, n->id);
}

enum status outbox_mail_write(const struct outbox_destination *to, const struct outbox_news *n, int64_t now_ms,
			      struct buf *out)
{
	char subject[SUBJECT_MAX];
	struct buf text = buf_init(TEXT_MAX);
	json_t *news = json_loadb((const char *)n->body.data, n->body.size, 0, NULL);
	enum status status = STATUS_MALFORMED;
	if (json_object_get(news, "hazard"))
		status = put_hazard(&text, news, n, subject);
	else if (json_object_get(news, "violation"))
		status = put_finding(&text, news, n, subject);
	else if (json_object_get(news, "task"))
		status = put_task(&text, news, n, subject);
	if (!status)
		status = put_headers(to, n, now_ms, subject, out);
	if (!status)
		status = put_body(out, buf_view(&text));
	json_decref(news);
	buf_deinit(&text);
	return status;
}
