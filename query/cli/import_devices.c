/* import_devices.c -- row by row: what is right is applied, what is not is told by line and column.
 *
 *   FILE ─> devices_csv_read ─> row: registry_apply, synced ─> ok | refused: line, reason
 *                            └> mistake: line, column, reason                                   */
#include "query/cli/import_devices.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>

#include "engine/core/clock.h"
#include "ingest/files/devices_csv.h"
#include "query/cli/asking.h"

#define PRINCIPAL "import"

static const char usage[] = "用法 usage: zayton import devices FILE --data DIR [options]\n"
			    "  表头: 终端手机号 phone, 或船号 hull_number, MMSI, 北斗卡号 beidou_card; 车牌颜色 "
			    "plate_colour, 车牌号 plate, 车辆类别 "
			    "class, 所属企业 company,\n"
			    "        所属村 village ..., 生效时间 valid_from\n"
			    "  --from TIME          行内未写生效时间时的生效时间 where a row has no valid_from; "
			    "default: now. always: 一直有效\n"
			    "  --encoding utf8|gbk  编码; default: found out\n"
			    "  --check              只检查, 不写入 tell the mistakes, change nothing\n"
			    "退出码 exit status: 0 all rows taken, 1 some refused or failed, 2 usage\n";

struct devices_import {
	const char *path, *data;
	enum devices_csv_encoding encoding;
	int64_t from_ms;
	bool check;
	struct registry *registry;
	uint64_t applied, refused;
};

/* A refusal of this row alone; anything else ends the import. */
static bool is_about_the_row(enum status status)
{
	return status_class(status) == STATUS_CLASS_peer || status == STATUS_FULL || status == STATUS_INVALID;
}

static enum status on_row(void *context, const struct devices_row *row)
{
	struct devices_import *d = context;
	uint64_t other = 0;
	if (d->check)
		return STATUS_OK;
	enum status status = registry_apply(d->registry, row->device, row->kind, row->changes, row->change_count,
					    row->from_ms, PRINCIPAL, &other);
	if (!status) {
		d->applied++;
		return STATUS_OK;
	}
	if (!is_about_the_row(status))
		return status;
	d->refused++;
	if (status == STATUS_CONFLICT)
		fprintf(stderr,
			"line 行 %" PRIu64 ": a value that names one device only belongs to %016" PRIx64
			" then 唯一值已属于另一设备\n",
			row->line, other);
	else
		fprintf(stderr, "line 行 %" PRIu64 ": %s\n", row->line, status_text(status));
	return STATUS_OK;
}

static enum status on_mistake(void *context, const struct devices_mistake *m)
{
	struct devices_import *d = context;
	d->refused++;
	fprintf(stderr, "line 行 %" PRIu64, m->line);
	if (m->column)
		fprintf(stderr, ", column 列 %zu %.*s", m->column, (int)m->header.size, (const char *)m->header.data);
	fprintf(stderr, ": %s %s", m->english, m->chinese);
	if (m->cell.size)
		fprintf(stderr, ": \"%.*s\"", (int)(m->cell.size < 64 ? m->cell.size : 64), (const char *)m->cell.data);
	fputc('\n', stderr);
	return STATUS_OK;
}

static enum status read_table(struct devices_import *d, struct span text)
{
	struct devices_csv_result result = {.rows = 0};
	const struct devices_csv_options options = {
		.encoding = d->encoding, .from_ms = d->from_ms, .context = d, .row = on_row, .mistake = on_mistake};
	enum status status = devices_csv_read(text, &options, &result);
	printf("%s        %" PRIu64 "\nmistakes 错误       %" PRIu64 "\n", d->check ? "right 正确  " : "applied 写入",
	       d->check ? result.rows : d->applied, d->refused);
	return status;
}

static enum status run(struct devices_import *d)
{
	struct engine *engine = NULL;
	struct buf text = buf_init(DEVICES_CSV_BYTES_MAX);
	enum status status = devices_csv_load(d->path, &text);
	const char *about = d->path;
	if (!status && !d->check) {
		struct engine_options options = engine_options_default(d->data);
		status = engine_open(&options, &engine);
		about = status ? d->data : about;
	}
	if (!status) {
		d->registry = engine ? engine_registry(engine) : NULL;
		status = read_table(d, buf_view(&text));
	}
	engine_close(engine);
	buf_deinit(&text);
	if (status)
		fprintf(stderr, "zayton import: %s: %s\n", about, status_text(status));
	return status;
}

/* --- the command line --- */

enum { DATA = 256, FROM, ENCODING, CHECK };

static const struct option long_options[] = {
	{"data", required_argument, NULL, DATA},
	{"from", required_argument, NULL, FROM},
	{"encoding", required_argument, NULL, ENCODING},
	{"check", no_argument, NULL, CHECK},
	{NULL, 0, NULL, 0},
};

static bool wrong(const char *option, const char *value, const char *wanted)
{
	fprintf(stderr, "zayton import: --%s %s: %s\n", option, value, wanted);
	return false;
}

static bool take_option(int option, const char *text, struct devices_import *d)
{
	switch (option) {
	case DATA:
		d->data = text;
		return true;
	case FROM:
		if (strcmp(text, "always") == 0) {
			d->from_ms = VALID_ALWAYS_FROM;
			return true;
		}
		return !asked_time(text, &d->from_ms) || wrong("from", text, "wanted a time, or always");
	case ENCODING:
		d->encoding = strcmp(text, "gbk") == 0 ? DEVICES_CSV_GBK : DEVICES_CSV_UTF8;
		return strcmp(text, "gbk") == 0 || strcmp(text, "utf8") == 0 ||
		       wrong("encoding", text, "wanted utf8 or gbk");
	case CHECK:
		return d->check = true;
	default:
		return false;
	}
}

static bool options_parse(int argc, char **argv, struct devices_import *d)
{
	int option;
	*d = (struct devices_import){.from_ms = clock_now_ms()};
	optind = 1;
	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		if (!take_option(option, optarg, d))
			return false;
	if (optind + 1 != argc || (!d->data && !d->check)) {
		fprintf(stderr, "zayton import: one FILE, and --data DIR, are wanted\n");
		return false;
	}
	d->path = argv[optind];
	return true;
}

int import_devices(int argc, char **argv)
{
	struct devices_import d;
	if (!options_parse(argc, argv, &d)) {
		fputs(usage, stderr);
		return 2;
	}
	enum status status = run(&d);
	return status || d.refused ? 1 : 0;
}
