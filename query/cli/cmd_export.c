/* cmd_export.c -- `export tracks`: histories of devices out of a store that no one serves, audited.
 *
 *   device, device ... ─> audit ─> reports in order ─> a writer of query/export, or JT/T 808 frames ─> FILE
 *
 * A file is written under another name and takes its own when it is whole. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/core/clock.h"
#include "ingest/jt808/jt808.h"
#include "query/cli/asking.h"
#include "query/cli/cli.h"
#include "query/export/export_devices.h"
#include "query/export/export_track.h"

#define FLUSH_BYTES (256u << 10)
#define MESSAGE_LOCATION 0x0200
#define FORMAT_JT808 EXPORT_FORMAT_COUNT /* beside those of query/export */

static const char usage[] =
	"用法 usage: zayton export tracks --data DIR --device DEVICE[,DEVICE...] --from TIME [options]\n"
	"  --device    16 hex digits, phone:NUMBER, plate:COLOUR:PLATE, name:TEXT; all: 全部设备\n"
	"  --from --to 起止时间 both included, without a zone UTC+8; --to now when left out\n"
	"  --format    csv (default) | ndjson | json | geojson | gpx | jt808 (hex lines of frames 报文)\n"
	"  --items     附加信息 with additional items    --body  原始消息体 with the original body\n"
	"  --line      geojson: 轨迹线 one LineString    --case NUMBER  案号 for the audit\n"
	"  -o FILE     输出文件; default: standard output\n"
	"zayton export hazards --help: 隐患台账表册 lists and books of the hazard register\n"
	"json, geojson and gpx are of one device. 退出码 exit status: 0 done, 1 failed or left something out, 2 "
	"usage\n";

struct export_options {
	const char *data, *path, *case_number;
	struct span devices;
	bool has_from, items, body, line;
	int64_t from_ms, to_ms;
	int format; /* enum export_format, or FORMAT_JT808 */
};

struct export_run {
	const struct export_options *options;
	struct engine *engine;
	FILE *out;
	struct buf text;
	uint64_t reports, left_out, devices;
};

static void say(const char *what, enum status status)
{
	fprintf(stderr, "zayton export: %s: %s\n", what, status_text(status));
}

/* --- as JT/T 808 --- */

/* The header that frames of a device are given: its phone, 2019 when the phone needs ten bytes. */
static enum status header_of(struct engine *e, uint64_t device, int64_t at_ms, struct jt808_header *out)
{
	char phone[DEVICE_VALUE_MAX + 1];
	*out = (struct jt808_header){.phone_size = 6};
	enum status status = registry_value(engine_registry(e), device, DEVICE_FIELD_PHONE, at_ms, phone);
	if (!status && strlen(phone) > 12)
		*out = (struct jt808_header){.is_2019 = true, .version = 1, .phone_size = 10};
	return status ? status : jt808_phone_pack(span_of_string(phone), out->phone, out->phone_size);
}

/* "received-ms hex" of the frames that a report's original body makes. */
static enum status append_frames(struct export_run *x, const struct jt808_header *like, const struct report *r,
				 uint16_t *serial)
{
	struct buf body = buf_init(REPORT_BODY_MAX + 64), frames = buf_init(4 * REPORT_BODY_MAX);
	enum status status = report_body(r, &body);
	if (!status)
		status = jt808_message_encode(MESSAGE_LOCATION, like, buf_view(&body), JT808_BODY_MAX, serial, &frames);
	if (!status && r->received_ms != RECEIVED_UNKNOWN)
		status = buf_printf(&x->text, "%" PRId64 " ", r->received_ms);
	if (!status)
		status = buf_reserve(&x->text, 2 * frames.size + 2);
	if (!status) {
		hex_encode((char *)x->text.data + x->text.size, buf_view(&frames));
		x->text.size += 2 * frames.size;
		x->text.data[x->text.size++] = '\n';
	}
	buf_deinit(&body);
	buf_deinit(&frames);
	return status;
}

static enum status write_frames(struct export_run *x, uint64_t device, struct track *t)
{
	struct jt808_header like;
	struct report r;
	uint16_t serial = 0;
	bool terminal = !header_of(x->engine, device, x->options->to_ms, &like);
	enum status status;
	while (!(status = track_next(t, &r))) {
		if (!terminal || r.body != REPORT_BODY_JT808) {
			x->left_out++;
			continue;
		}
		if ((status = append_frames(x, &like, &r, &serial)))
			return status;
		x->reports++;
		if (x->text.size > FLUSH_BYTES && (status = asked_flush(&x->text, x->out)))
			return status;
	}
	return status == STATUS_END ? asked_flush(&x->text, x->out) : status;
}

/* --- as text --- */

static enum status write_rows(struct export_run *x, struct export_track *w, struct track *t)
{
	struct report r;
	enum status status;
	while (!(status = track_next(t, &r))) {
		if ((status = export_track_row(w, &r, &x->text)))
			return status;
		x->reports++;
		if (x->text.size > FLUSH_BYTES && (status = asked_flush(&x->text, x->out)))
			return status;
	}
	return status == STATUS_END ? export_track_end(w, NULL, &x->text) : status;
}

static enum status write_text(struct export_run *x, uint64_t device, struct track *t)
{
	const struct export_options *o = x->options;
	struct export_track w;
	char title[DEVICE_VALUE_MAX + 1];
	struct export_track_options options = {.format = (enum export_format)o->format,
					       .device = device,
					       .from_ms = o->from_ms,
					       .to_ms = o->to_ms,
					       .items = o->items,
					       .body = o->body,
					       .line = o->line};
	options.title = export_title(engine_registry(x->engine), device, o->to_ms, title);
	enum status status = export_track_begin(&w, &options, &x->text);
	if (!status && x->devices > 1 && o->format == EXPORT_CSV)
		buf_clear(&x->text); /* one header is enough */
	if (!status)
		status = write_rows(x, &w, t);
	export_track_deinit(&w);
	return status ? status : asked_flush(&x->text, x->out);
}

/* --- one device, some, all --- */

static enum status audit(struct export_run *x, uint64_t device)
{
	const struct export_options *o = x->options;
	return asked_audit(x->engine, "export", device, o->from_ms, o->to_ms, o->case_number);
}

static enum status export_device(struct export_run *x, uint64_t device)
{
	const struct export_options *o = x->options;
	struct track *t;
	enum status status = track_open(x->engine, device, o->from_ms, o->to_ms, &t);
	if (status)
		return status;
	x->devices++;
	status = o->format == FORMAT_JT808 ? write_frames(x, device, t) : write_text(x, device, t);
	track_close(t);
	return status;
}

static enum status export_all(struct export_run *x)
{
	uint64_t ids[256], after = 0;
	size_t count;
	enum status status = audit(x, 0); /* 0 is many */
	if (status)
		say(x->options->data, status);
	while (!status && (count = registry_list(engine_registry(x->engine), after, ids, 256))) {
		for (size_t i = 0; i < count && !status; i++)
			if ((status = export_device(x, ids[i])))
				say(x->options->data, status);
		after = ids[count - 1];
	}
	return status;
}

static enum status export_named(struct export_run *x)
{
	struct span rest = x->options->devices;
	while (rest.size) {
		char name[DEVICE_VALUE_MAX + 16];
		uint64_t device;
		struct span one = asked_first(rest, &rest);
		enum status status = asked_device(engine_registry(x->engine), one, &device);
		if (!status)
			status = audit(x, device);
		if (!status)
			status = export_device(x, device);
		if (status) {
			snprintf(name, sizeof name, "%.*s", (int)one.size, (const char *)one.data);
			say(name, status);
			return status;
		}
	}
	return STATUS_OK;
}

static enum status export_devices(struct export_run *x)
{
	if (span_equal(x->options->devices, span_of_string("all")))
		return export_all(x);
	return export_named(x);
}

/* --- the file --- */

static enum status export_to(struct export_run *x, FILE *out)
{
	x->out = out;
	enum status status = export_devices(x);
	if (!status && (fflush(out) || ferror(out))) {
		status = errno == ENOSPC ? STATUS_NO_SPACE : STATUS_IO;
		say(x->options->path ? x->options->path : "standard output", status);
	}
	return status;
}

static enum status export_to_file(struct export_run *x)
{
	const char *path = x->options->path;
	char part[4096];
	if (snprintf(part, sizeof part, "%s.part", path) >= (int)sizeof part) {
		say(path, STATUS_TOO_LONG);
		return STATUS_TOO_LONG;
	}
	FILE *f = fopen(part, "wb");
	if (!f) {
		fprintf(stderr, "zayton export: %s: %s\n", part, strerror(errno));
		return STATUS_IO;
	}
	enum status status = export_to(x, f);
	if (fclose(f) && !status)
		status = STATUS_IO;
	if (!status && rename(part, path)) {
		fprintf(stderr, "zayton export: %s: %s\n", path, strerror(errno));
		status = STATUS_IO;
	}
	if (status)
		unlink(part);
	return status;
}

static int export_tracks(const struct export_options *o)
{
	struct export_run x = {.options = o,
			       .text = buf_init(FLUSH_BYTES + 2 * EXPORT_ROW_BYTES_MAX + EXPORT_LINE_MAX * 32)};
	enum status status = asked_open("export", o->data, true, &x.engine);
	if (status)
		return 1;
	status = o->path ? export_to_file(&x) : export_to(&x, stdout);
	engine_close(x.engine);
	buf_deinit(&x.text);
	fprintf(stderr, "%" PRIu64 " reports of %" PRIu64 " devices 共 %" PRIu64 " 条\n", x.reports, x.devices,
		x.reports);
	if (x.left_out)
		fprintf(stderr, "%" PRIu64 " reports did not come as JT/T 808 and are left out 非 808 来源未导出\n",
			x.left_out);
	return status || x.left_out ? 1 : 0;
}

/* --- the command line --- */

enum { DATA = 256, DEVICE, FROM, TO, FORMAT, ITEMS, BODY, LINE, CASE };

static const struct option long_options[] = {
	{"data", required_argument, NULL, DATA},
	{"device", required_argument, NULL, DEVICE},
	{"from", required_argument, NULL, FROM},
	{"to", required_argument, NULL, TO},
	{"format", required_argument, NULL, FORMAT},
	{"items", no_argument, NULL, ITEMS},
	{"body", no_argument, NULL, BODY},
	{"line", no_argument, NULL, LINE},
	{"case", required_argument, NULL, CASE},
	{"output", required_argument, NULL, 'o'},
	{NULL, 0, NULL, 0},
};

static bool wrong(const char *option, const char *value, const char *wanted)
{
	fprintf(stderr, "zayton export: --%s %s: %s\n", option, value, wanted);
	return false;
}

static bool take_format(const char *text, struct export_options *o)
{
	enum export_format format;
	if (strcmp(text, "jt808") == 0) {
		o->format = FORMAT_JT808;
		return true;
	}
	if (export_format_parse(span_of_string(text), &format))
		return wrong("format", text, "wanted csv, ndjson, json, geojson, gpx or jt808");
	o->format = (int)format;
	return true;
}

static bool take_option(int option, const char *text, struct export_options *o)
{
	switch (option) {
	case DATA:
		o->data = text;
		return true;
	case DEVICE:
		o->devices = span_of_string(text);
		return true;
	case FROM:
		o->has_from = true;
		return !asked_time(text, &o->from_ms) || wrong("from", text, "not a valid time");
	case TO:
		return !asked_time(text, &o->to_ms) || wrong("to", text, "not a valid time");
	case FORMAT:
		return take_format(text, o);
	case ITEMS:
		return o->items = true;
	case BODY:
		return o->body = true;
	case LINE:
		return o->line = true;
	case CASE:
		o->case_number = text;
		return strlen(text) < 64 || wrong("case", text, "longer than 63 bytes");
	case 'o':
		o->path = text;
		return true;
	default:
		return false;
	}
}

static bool many_devices(const struct export_options *o)
{
	return span_equal(o->devices, span_of_string("all")) || memchr(o->devices.data, ',', o->devices.size);
}

static bool options_parse(int argc, char **argv, struct export_options *o)
{
	int option;
	*o = (struct export_options){.to_ms = clock_now_ms(), .format = EXPORT_CSV, .case_number = ""};
	optind = 1;
	while ((option = getopt_long(argc, argv, "o:", long_options, NULL)) != -1)
		if (!take_option(option, optarg, o))
			return false;
	if (optind != argc || !o->data || !o->devices.size || !o->has_from) {
		fprintf(stderr, "zayton export: --data, --device and --from are wanted, and nothing else\n");
		return false;
	}
	if (o->from_ms > o->to_ms)
		return wrong("from", "", "is after --to");
	bool one = o->format == EXPORT_JSON || o->format == EXPORT_GEOJSON || o->format == EXPORT_GPX;
	if (one && many_devices(o))
		return wrong("format", export_format_token((enum export_format)o->format), "is of one device");
	return true;
}

int cmd_export(int argc, char **argv)
{
	struct export_options o;
	if (argc > 1 && strcmp(argv[1], "--help") == 0) {
		fputs(usage, stdout);
		return 0;
	}
	if (argc > 1 && strcmp(argv[1], "hazards") == 0)
		return cmd_export_hazards(argc - 1, argv + 1);
	if (argc < 2 || strcmp(argv[1], "tracks") != 0 || !options_parse(argc - 1, argv + 1, &o)) {
		fputs(usage, stderr);
		return 2;
	}
	return export_tracks(&o);
}
