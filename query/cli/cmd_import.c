/* cmd_import.c -- `import tracks FILE`: a file of positions into a store that no one serves.
 *
 *   open file and store ─> [go on where the last checkpoint was] ─> step, step, ... checkpoint ... step ─> checkpoint
 *
 * A checkpoint makes all that was read durable together with the place in the file. Reading a piece twice
 * doubles nothing, because a report is known by device, time and content. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "engine/core/clock.h"
#include "ingest/files/time_text.h"
#include "query/cli/cli.h"
#include "query/cli/import_devices.h"
#include "query/cli/import_fences.h"
#include "query/cli/import_series.h"
#include "query/cli/import_township.h"
#include "query/cli/import_weighings.h"
#include "query/cli/progress_bar.h"
#include "query/cli/track_file.h"
#include "query/cli/track_import.h"

/* heads of all devices are written at a checkpoint: seldom enough to cost nothing */
#define CHECKPOINT_NS INT64_C(60000000000)
#define LISTED_DEFAULT 20

static const char usage[] =
	"用法 usage: zayton import devices FILE --data DIR [options]   设备表 a table of devices\n"
	"            zayton import fences FILE --data DIR [options]    围栏\n"
	"            zayton import streams FILE --data DIR [options]   监测站点与监测项\n"
	"            zayton import series FILE --data DIR [options]    监测数据\n"
	"            zayton import tasks|enterprises|figures FILE --data DIR [--check]   任务、企业、填报数\n"
	"            zayton import weighings FILE --data DIR           称重记录\n"
	"            zayton import tracks FILE --data DIR [options]    轨迹\n"
	"  --format csv|gpx|jt808   文件格式; default: by the name of the file\n"
	"  --columns MAPPING        列对应 e.g. device=imei,time=ts:epoch_s,speed=v:mps,alarm= ; #3 is the third "
	"column\n"
	"                           units: time auto|epoch_s|epoch_ms|text|compact, lat lon deg|e6|e7,\n"
	"                           speed kmh|dkmh|mps|knots, mileage km|hm|m\n"
	"  --no-header              首行即数据 the first line is a row (columns as #N)\n"
	"  --delimiter CHAR         分隔符; default: found out\n"
	"  --crs wgs84              坐标系\n"
	"  --zone +08:00            无时区时间的时区 zone of times that name none\n"
	"  --device NAME            全部属于此设备 every row is of this device\n"
	"  --device-by name|phone|plate|id|mmsi|beidou_card   设备列的含义 what the device text is\n"
	"  --kind ais|beidou        设备列为 MMSI 或北斗卡号 the device text is an MMSI, or a Beidou card\n"
	"  --class TOKEN            新设备的类别 class of devices that are made (muck, hazmat, coach ...)\n"
	"  --resume                 从上次中断处继续 go on at the last checkpoint of this file\n"
	"  --settle                 导入后整理 seal and fold everything afterwards\n"
	"  --limit-errors N         列出前 N 行被拒 list the first N refused rows (20)\n"
	"退出码 exit status: 0 all rows taken, 1 some refused or failed, 2 usage\n";

struct import_options {
	struct track_file_options file;
	const char *data, *class_token;
	enum device_by by;
	bool resume, settle;
	size_t listed_max;
};

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
	(void)number;
	interrupted = 1;
}

static bool wrong(const char *option, const char *value, const char *wanted)
{
	fprintf(stderr, "zayton import: --%s %s: %s\n", option, value, wanted);
	return false;
}

/* --- the command line --- */

static bool take_crs(const char *text)
{
	if (strcmp(text, "wgs84") == 0)
		return true;
	if (strcmp(text, "gcj02") == 0 || strcmp(text, "bd09") == 0)
		return wrong("crs", text,
			     "shifted coordinates are not stored as if they were true; convert them to wgs84 first "
			     "偏移坐标不能当作真实坐标入库, 请先转换为 wgs84");
	return wrong("crs", text, "wanted wgs84");
}

static bool take_class(const char *text, struct import_options *o)
{
	uint8_t code;
	if (device_class_parse(span_of_string(text), &code))
		return wrong("class", text, "no such class");
	o->class_token = device_class_token(code);
	return true;
}

static bool take_count(const char *text, size_t *out)
{
	char *end;
	errno = 0;
	unsigned long v = strtoul(text, &end, 10);
	if (errno || *end || end == text || *text == '-' || v > REFUSALS_LISTED_MAX)
		return wrong("limit-errors", text, "wanted a number from 0 to 100000");
	*out = v;
	return true;
}

static bool take_delimiter(const char *text, uint8_t *out)
{
	bool tab = strcmp(text, "tab") == 0 || strcmp(text, "\\t") == 0;
	if (!tab && (strlen(text) != 1 || *text == '"' || (uint8_t)*text >= 0x80 || *text == '\n' || *text == '\r'))
		return wrong("delimiter", text, "wanted one character, or tab");
	*out = tab ? '\t' : (uint8_t)*text;
	return true;
}

enum {
	FORMAT = 256,
	DATA,
	COLUMNS,
	NO_HEADER,
	DELIMITER,
	CRS,
	ZONE,
	DEVICE,
	DEVICE_BY,
	KIND,
	CLASS,
	RESUME,
	SETTLE,
	LIMIT
};

static const struct option long_options[] = {
	{"format", required_argument, NULL, FORMAT},
	{"data", required_argument, NULL, DATA},
	{"columns", required_argument, NULL, COLUMNS},
	{"no-header", no_argument, NULL, NO_HEADER},
	{"delimiter", required_argument, NULL, DELIMITER},
	{"crs", required_argument, NULL, CRS},
	{"zone", required_argument, NULL, ZONE},
	{"device", required_argument, NULL, DEVICE},
	{"device-by", required_argument, NULL, DEVICE_BY},
	{"kind", required_argument, NULL, KIND},
	{"class", required_argument, NULL, CLASS},
	{"resume", no_argument, NULL, RESUME},
	{"settle", no_argument, NULL, SETTLE},
	{"limit-errors", required_argument, NULL, LIMIT},
	{NULL, 0, NULL, 0},
};

static bool take_option(int option, const char *text, struct import_options *o)
{
	struct tracks_csv_options *csv = &o->file.csv;
	switch (option) {
	case FORMAT:
		return !track_file_format_parse(span_of_string(text), &o->file.format) ||
		       wrong("format", text, "wanted csv, gpx or jt808");
	case DATA:
		o->data = text;
		return true;
	case COLUMNS:
		csv->columns = span_of_string(text);
		return true;
	case NO_HEADER:
		return csv->no_header = true;
	case DELIMITER:
		return take_delimiter(text, &csv->delimiter);
	case CRS:
		return take_crs(text);
	case ZONE:
		return !zone_parse(span_of_string(text), &csv->zone_ms) ||
		       wrong("zone", text, "wanted a zone such as +08:00");
	case DEVICE:
		csv->device = span_of_string(text);
		return csv->device.size > 0 && csv->device.size <= NAME_BYTES_MAX
			       ? true
			       : wrong("device", text, "wanted a name of 1 to 64 bytes");
	case DEVICE_BY:
		return !device_by_parse(span_of_string(text), &o->by) ||
		       wrong("device-by", text, "wanted name, phone, plate, id, mmsi or beidou_card");
	case KIND:
		o->by = strcmp(text, "ais") == 0 ? DEVICE_BY_MMSI : DEVICE_BY_CARD;
		return strcmp(text, "ais") == 0 || strcmp(text, "beidou") == 0 ||
		       wrong("kind", text, "wanted ais or beidou");
	case CLASS:
		return take_class(text, o);
	case RESUME:
		return o->resume = true;
	case SETTLE:
		return o->settle = true;
	case LIMIT:
		return take_count(text, &o->listed_max);
	default:
		return false;
	}
}

static bool options_parse(int argc, char **argv, struct import_options *o)
{
	int option;
	*o = (struct import_options){.listed_max = LISTED_DEFAULT};
	o->file.format = TRACK_FILE_FORMAT_COUNT;
	o->file.csv.zone_ms = CHINA_OFFSET_MS;
	optind = 1;
	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		if (!take_option(option, optarg, o))
			return false;
	if (optind + 1 != argc || !o->data) {
		fprintf(stderr, "zayton import: %s\n", o->data ? "one FILE is wanted" : "--data DIR is wanted");
		return false;
	}
	o->file.path = argv[optind];
	if (o->file.format == TRACK_FILE_FORMAT_COUNT)
		o->file.format = track_file_format_of(o->file.path);
	if (o->file.format == TRACK_FILE_JT808)
		o->by = DEVICE_BY_PHONE;
	return true;
}

/* --- the run --- */

struct run {
	const struct import_options *options;
	struct engine *engine;
	struct track_file *file;
	struct track_import import;
	struct buf complaint;
	struct progress_bar bar;
	uint64_t rows_before, refused_before; /* of the runs that this one goes on from */
	char name[64];                        /* of the progress in the store */
	int64_t checkpoint_ns;
};

static void say(const struct run *r, const char *what, enum status status)
{
	const struct buf *c = &r->complaint;
	fprintf(stderr, "zayton import: %s: %s%s%.*s\n", what, status_text(status), c->size ? ": " : "", (int)c->size,
		(const char *)c->data);
}

static enum status checkpoint(struct run *r)
{
	char text[128];
	struct track_position at = track_file_position(r->file);
	int n = snprintf(text, sizeof text, "1 %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64, at.offset, at.line,
			 r->rows_before + track_import_rows(&r->import), r->refused_before + r->import.refusals.total);
	r->checkpoint_ns = clock_monotonic_ns();
	return bulk_checkpoint(r->import.bulk, span_of_string(r->name), span_of(text, (size_t)n));
}

/* To the place of the last checkpoint, when there is one and it is wanted. */
static enum status go_on(struct run *r)
{
	struct track_position at;
	unsigned version;
	struct buf text = buf_init(256);
	if (!track_file_identity(r->file)) {
		fprintf(stderr, "zayton import: this input cannot be gone on with\n");
		return STATUS_INVALID;
	}
	enum status status = bulk_progress(r->engine, span_of_string(r->name), &text);
	if (!status)
		status = buf_append_u8(&text, '\0');
	if (!status && (sscanf((const char *)text.data, "%u %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64, &version,
			       &at.offset, &at.line, &r->rows_before, &r->refused_before) != 5 ||
			version != 1))
		status = STATUS_BAD_VERSION;
	buf_deinit(&text);
	if (status)
		return status == STATUS_NOT_FOUND ? STATUS_OK : status;
	fprintf(stderr, "going on behind row 从第 %" PRIu64 " 行之后继续\n", r->rows_before);
	return track_file_resume(r->file, at);
}

static enum status read_file(struct run *r)
{
	struct track_sink sink = {&r->import, track_import_report, track_import_refused};
	enum status status;
	while ((status = track_file_step(r->file, &sink)) == STATUS_OK) {
		progress_bar_show(&r->bar, track_file_done(r->file), track_import_rows(&r->import),
				  r->import.refusals.total);
		if (interrupted)
			return STATUS_CANCELLED;
		if (clock_monotonic_ns() - r->checkpoint_ns > CHECKPOINT_NS && (status = checkpoint(r)))
			return status;
	}
	return status == STATUS_END ? STATUS_OK : status;
}

static enum status run_file(struct run *r)
{
	const char *path = r->options->file.path;
	enum status status = r->options->resume ? go_on(r) : STATUS_OK;
	if (status) {
		say(r, path, status);
		return status;
	}
	r->bar = progress_bar_init(track_file_size(r->file), track_file_done(r->file));
	r->checkpoint_ns = clock_monotonic_ns();
	status = read_file(r);
	progress_bar_end(&r->bar);
	if (status && status != STATUS_CANCELLED)
		say(r, path, status);
	enum status made_durable = checkpoint(r);
	if (made_durable)
		say(r, r->options->data, made_durable);
	if (status == STATUS_CANCELLED)
		fprintf(stderr, "interrupted; --resume goes on from here 已中断, 用 --resume 继续\n");
	return status ? status : made_durable;
}

/* --- the summary --- */

static double cpu_seconds(void)
{
	struct rusage used;
	getrusage(RUSAGE_SELF, &used);
	return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
	       (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static void print_refusals(const struct refusals *refusals)
{
	struct buf line = buf_init(1024);
	for (size_t i = 0; i < refusals->listed; i++) {
		buf_clear(&line);
		if (!refusal_print(&refusals->first[i], &line))
			fprintf(stderr, "%.*s\n", (int)line.size, (const char *)line.data);
	}
	if (refusals->listed < refusals->total)
		fprintf(stderr, "... and %" PRIu64 " more 另有更多\n", refusals->total - refusals->listed);
	for (unsigned field = 0; field < TRACK_FIELD_COUNT; field++)
		for (unsigned status = 0; status < STATUS_COUNT; status++)
			if (refusals->counts[field][status])
				printf("  %-9s %-40s %" PRIu64 "\n", track_field_name((enum track_field)field),
				       status == STATUS_EMPTY ? "is missing" : status_text((enum status)status),
				       refusals->counts[field][status]);
	buf_deinit(&line);
}

static void print_summary(const struct run *r)
{
	const struct track_import *t = &r->import;
	struct engine_stats stats;
	double seconds = progress_bar_seconds(&r->bar);
	engine_stats(r->engine, &stats);
	printf("rows 行             %" PRIu64 "\nstored 入库         %" PRIu64 " (%" PRIu64
	       " repeated 重复)\nrefused 拒绝        %" PRIu64 "\n",
	       track_import_rows(t), t->stored, stats.duplicates_in_head, t->refusals.total);
	print_refusals(&t->refusals);
	if (track_file_others(r->file))
		printf("other frames 其他报文 %" PRIu64 "\n", track_file_others(r->file));
	if (r->rows_before)
		printf("before 此前已读     %" PRIu64 " (%" PRIu64 " refused 拒绝)\n", r->rows_before,
		       r->refused_before);
	printf("new devices 新设备  %" PRIu64 "\ntime 用时           %.1f s, %.0f rows/s; %.1f CPU s\n", t->made,
	       seconds, seconds > 0 ? (double)track_import_rows(t) / seconds : 0, cpu_seconds());
}

static enum status run_import(struct run *r)
{
	const struct import_options *o = r->options;
	enum status status = track_file_open(&o->file, &r->import.names, &r->complaint, &r->file);
	if (status) {
		say(r, o->file.path, status);
		return status;
	}
	snprintf(r->name, sizeof r->name, "import/%016" PRIx64 "/%u", track_file_identity(r->file), (unsigned)o->by);
	status = run_file(r);
	if (o->settle && !status && (status = engine_settle(r->engine)))
		say(r, o->data, status);
	print_summary(r);
	track_file_close(r->file);
	return status;
}

static int import_tracks(const struct import_options *o)
{
	struct run r = {.options = o, .complaint = buf_init(4096)};
	struct engine_options options = engine_options_default(o->data);
	enum status status = engine_open(&options, &r.engine);
	if (status) {
		say(&r, o->data, status);
		return 1;
	}
	status = track_import_init(&r.import, r.engine, o->by, o->class_token, o->listed_max);
	if (status)
		say(&r, o->data, status);
	else
		status = run_import(&r);
	uint64_t refused = r.import.refusals.total + r.refused_before;
	track_import_deinit(&r.import);
	engine_close(r.engine);
	buf_deinit(&r.complaint);
	return status || refused ? 1 : 0;
}

int cmd_import(int argc, char **argv)
{
	struct import_options o;
	if (argc > 1 && strcmp(argv[1], "--help") == 0) {
		fputs(usage, stdout);
		return 0;
	}
	if (argc > 1 && strcmp(argv[1], "devices") == 0)
		return import_devices(argc - 1, argv + 1);
	if (argc > 1 && strcmp(argv[1], "fences") == 0)
		return import_fences(argc - 1, argv + 1);
	if (argc > 1 && strcmp(argv[1], "series") == 0)
		return import_series(argc - 1, argv + 1);
	if (argc > 1 && strcmp(argv[1], "streams") == 0)
		return import_streams(argc - 1, argv + 1);
	if (argc > 1 && is_township_table(argv[1]))
		return import_township(argc - 1, argv + 1);
	if (argc > 1 && strcmp(argv[1], "weighings") == 0)
		return import_weighings(argc - 1, argv + 1);
	if (argc < 2 || strcmp(argv[1], "tracks") != 0 || !options_parse(argc - 1, argv + 1, &o)) {
		fputs(usage, stderr);
		return 2;
	}
	struct sigaction action = {.sa_handler = on_signal};
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	return import_tracks(&o);
}
