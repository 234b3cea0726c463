/* cmd_query.c -- `query last|track|devices|sessions` (who-was: cmd_who_was.c, violations and what is of them:
 * cmd_violations.c): asked of a running server (--server) or of a store that no one serves (--data), with the same
 * options and the same answer. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>

#include "engine/core/clock.h"
#include "ingest/files/number.h"
#include "query/cli/cli.h"
#include "query/cli/http_fetch.h"
#include "query/cli/store_answers.h"
#include "query/export/thin.h"

static const char usage[] =
	"用法 usage: zayton query last    [--device D[,D...] | --bbox LONMIN,LATMIN,LONMAX,LATMAX] WHERE\n"
	"            zayton query track   --device D --from TIME [--to TIME] [--points N] [--items] [--body] [--line]\n"
	"                                 [--case NUMBER] WHERE\n"
	"            zayton query devices WHERE\n"
	"            zayton query sessions --device D --from TIME [--to TIME] [--case NUMBER] WHERE\n"
	"            zayton query who-was --help\n"
	"            zayton query audit --help                                             审计记录\n"
	"            zayton query violations|violation|counts|top|evidence --help\n"
	"            zayton query roll-call|alarms|warnings|incidents|boat-messages|shift-log --help   值班\n"
	"            zayton query series|streams|values|sites|coverage|board|availability --help   监测站点与数据\n"
	"            zayton query tasks|fire-lanes|fire-sites|kpi ... --help   任务日历、统计表、考核指标\n"
	"  WHERE       --server http://HOST:PORT [--token TOKEN] 运行中的服务 | --data DIR 未运行的数据目录\n"
	"  --device    16 hex digits, phone:NUMBER, plate:COLOUR:PLATE, name:TEXT\n"
	"  --from --to 起止时间 both included, without a zone UTC+8; --to now when left out\n"
	"  --format    ndjson (default) | json | csv | geojson (last, track) | gpx (track)\n"
	"退出码 exit status: 0 answered, 1 not or in part, 2 usage\n";

enum query_kind { QUERY_LAST, QUERY_TRACK, QUERY_DEVICES, QUERY_SESSIONS, QUERY_KIND_COUNT };

struct query_options {
	enum query_kind kind;
	const char *server, *data, *token, *bbox;
	bool has_from;
	struct question question;
};

static bool wrong(const char *option, const char *value, const char *wanted)
{
	fprintf(stderr, "zayton query: --%s %s: %s\n", option, value, wanted);
	return false;
}

/* --- the command line --- */

enum { SERVER = 256, TOKEN, DATA, DEVICE, BBOX, FROM, TO, POINTS, FORMAT, ITEMS, BODY, LINE, CASE };

static const struct option long_options[] = {
	{"server", required_argument, NULL, SERVER}, {"token", required_argument, NULL, TOKEN},
	{"data", required_argument, NULL, DATA},     {"device", required_argument, NULL, DEVICE},
	{"bbox", required_argument, NULL, BBOX},     {"from", required_argument, NULL, FROM},
	{"to", required_argument, NULL, TO},         {"points", required_argument, NULL, POINTS},
	{"format", required_argument, NULL, FORMAT}, {"items", no_argument, NULL, ITEMS},
	{"body", no_argument, NULL, BODY},           {"line", no_argument, NULL, LINE},
	{"case", required_argument, NULL, CASE},     {NULL, 0, NULL, 0},
};

static bool take_box(const char *text, struct question *q)
{
	int32_t *const sides[4] = {&q->lon_min_e7, &q->lat_min_e7, &q->lon_max_e7, &q->lat_max_e7};
	struct span rest = span_of_string(text);
	for (int i = 0; i < 4; i++) {
		int64_t v, limit = i % 2 ? LAT_E7_MAX : LON_E7_MAX;
		struct span one = asked_first(rest, &rest);
		if (number_fixed(one, NUMBER_DEGREES, &v) || v < -limit || v > limit)
			return wrong("bbox", text, "wanted lonmin,latmin,lonmax,latmax in degrees");
		*sides[i] = (int32_t)v;
	}
	q->has_box = true;
	return rest.size == 0 || wrong("bbox", text, "more than four numbers");
}

static bool take_points(const char *text, struct question *q)
{
	char *end;
	errno = 0;
	unsigned long v = strtoul(text, &end, 10);
	if (errno || *end || end == text || *text == '-' || v < 2 || v > THIN_POINTS_MAX)
		return wrong("points", text, "wanted a number from 2 to 100000");
	q->points = v;
	return true;
}

static bool take_option(int option, const char *text, struct query_options *o)
{
	struct question *q = &o->question;
	switch (option) {
	case SERVER:
		o->server = text;
		return true;
	case TOKEN:
		o->token = text;
		return true;
	case DATA:
		o->data = text;
		return true;
	case DEVICE:
		q->devices = span_of_string(text);
		return true;
	case BBOX:
		o->bbox = text;
		return take_box(text, q);
	case FROM:
		o->has_from = true;
		return !asked_time(text, &q->from_ms) || wrong("from", text, "not a valid time");
	case TO:
		return !asked_time(text, &q->to_ms) || wrong("to", text, "not a valid time");
	case POINTS:
		return take_points(text, q);
	case FORMAT:
		return !export_format_parse(span_of_string(text), &q->format) ||
		       wrong("format", text, "wanted ndjson, json, csv, geojson or gpx");
	case ITEMS:
		return q->items = true;
	case BODY:
		return q->body = true;
	case LINE:
		return q->line = true;
	case CASE:
		q->case_number = text;
		return strlen(text) < 64 || wrong("case", text, "longer than 63 bytes");
	default:
		return false;
	}
}

/* What is asked of one device in a span of time, and audited. */
static bool is_history(const struct query_options *o)
{
	return o->kind == QUERY_TRACK || o->kind == QUERY_SESSIONS;
}

static bool fits(const struct query_options *o)
{
	const struct question *q = &o->question;
	bool one = q->devices.size && !memchr(q->devices.data, ',', q->devices.size);
	if (is_history(o) && (!one || !o->has_from || q->has_box))
		return wrong("device", "", "a history is of one device, and has --from");
	if (is_history(o) && q->from_ms > q->to_ms)
		return wrong("from", "", "is after --to");
	if (!is_history(o) && o->has_from)
		return wrong("from", "", "times are of a track or of sessions");
	if (o->kind != QUERY_TRACK && (q->points || q->items || q->body || q->line))
		return wrong("points", "", "points, items, body and line are of a track");
	if (q->points && (q->items || q->body))
		return wrong("points", "", "a thinned track goes without items and body");
	if (o->kind == QUERY_LAST && q->devices.size && q->has_box)
		return wrong("bbox", "", "either devices or a box");
	if (o->kind == QUERY_DEVICES && (q->devices.size || q->has_box))
		return wrong("device", "", "not here");
	bool allowed = q->format == EXPORT_JSON || q->format == EXPORT_NDJSON || q->format == EXPORT_CSV ||
		       (q->format == EXPORT_GEOJSON && o->kind == QUERY_LAST) || o->kind == QUERY_TRACK;
	return allowed || wrong("format", export_format_token(q->format), "not for this question");
}

static bool options_parse(int argc, char **argv, struct query_options *o)
{
	static const char *const kinds[QUERY_KIND_COUNT] = {"last", "track", "devices", "sessions"};
	int option;
	*o = (struct query_options){.kind = QUERY_KIND_COUNT};
	o->question = (struct question){.to_ms = clock_now_ms(), .format = EXPORT_NDJSON, .case_number = ""};
	for (unsigned i = 0; i < QUERY_KIND_COUNT; i++)
		if (strcmp(argv[0], kinds[i]) == 0)
			o->kind = (enum query_kind)i;
	if (o->kind == QUERY_KIND_COUNT)
		return wrong("", argv[0], "wanted last, track, devices or sessions");
	optind = 1;
	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		if (!take_option(option, optarg, o))
			return false;
	if (optind != argc)
		return wrong("", argv[optind], "not understood");
	if (!o->server == !o->data)
		return wrong("server", "", "either --server or --data is wanted");
	return fits(o);
}

/* --- of a server --- */

struct target {
	struct buf text;
	enum status status;
	bool asked; /* there is a '?' already */
};

static void add(struct target *t, const char *name, struct span value)
{
	if (!t->status)
		t->status = buf_printf(&t->text, "%c%s=", t->asked ? '&' : '?', name);
	if (!t->status)
		t->status = url_append(&t->text, value);
	t->asked = true;
}

static void add_number(struct target *t, const char *name, int64_t v)
{
	char text[24];
	snprintf(text, sizeof text, "%lld", (long long)v);
	add(t, name, span_of_string(text));
}

/* The devices as the server knows them, each name: turned into its id. */
static enum status references(struct span devices, struct buf *out)
{
	enum status status = STATUS_OK;
	while (devices.size && !status) {
		char one[DEVICE_VALUE_MAX + 16];
		status = asked_reference(asked_first(devices, &devices), one, sizeof one);
		if (!status)
			status = buf_printf(out, "%s%s", out->size ? "," : "", one);
	}
	return status;
}

static void write_target(const struct query_options *o, struct target *t)
{
	const struct question *q = &o->question;
	struct buf devices = buf_init(ASKED_DEVICES_MAX * (DEVICE_VALUE_MAX + 16));
	t->status = references(q->devices, &devices);
	if (!t->status && is_history(o)) {
		t->status = buf_printf(&t->text, "/api/v1/devices/");
		if (!t->status)
			t->status = url_append(&t->text, buf_view(&devices));
		if (!t->status)
			t->status = buf_printf(&t->text, o->kind == QUERY_TRACK ? "/track" : "/sessions");
		add_number(t, "from", q->from_ms);
		add_number(t, "to", q->to_ms);
	} else if (!t->status) {
		t->status = buf_printf(&t->text, "/api/v1/%s", o->kind == QUERY_LAST ? "positions" : "devices");
		if (devices.size)
			add(t, "device", buf_view(&devices));
	}
	if (o->bbox)
		add(t, "bbox", span_of_string(o->bbox));
	if (q->points)
		add_number(t, "points", (int64_t)q->points);
	if (q->items)
		add_number(t, "items", 1);
	if (q->body)
		add_number(t, "body", 1);
	if (q->line)
		add_number(t, "line", 1);
	if (*q->case_number)
		add(t, "case", span_of_string(q->case_number));
	add(t, "format", span_of_string(export_format_token(q->format)));
	if (!t->status)
		t->status = buf_append_u8(&t->text, '\0');
	buf_deinit(&devices);
}

static int ask_server(const struct query_options *o)
{
	struct target target = {.text = buf_init(1u << 20)};
	int code = 0;
	write_target(o, &target);
	struct http_fetch fetch = {o->server, (const char *)target.text.data, o->token, stdout, stderr, NULL};
	enum status status = target.status ? target.status : http_fetch(&fetch, &code);
	buf_deinit(&target.text);
	if (status)
		fprintf(stderr, "zayton query: %s: %s\n", o->server, status_text(status));
	return status == STATUS_INVALID ? 2 : status || code / 100 != 2 ? 1 : 0;
}

/* --- of a store --- */

static int ask_store(const struct query_options *o)
{
	struct engine *e;
	/* a history is audited, which needs writing */
	enum status status = asked_open("query", o->data, is_history(o), &e);
	if (status)
		return 1;
	status = o->kind == QUERY_LAST       ? answer_last(e, &o->question, stdout)
		 : o->kind == QUERY_TRACK    ? answer_track(e, &o->question, stdout)
		 : o->kind == QUERY_SESSIONS ? answer_sessions(e, &o->question, stdout)
					     : answer_devices(e, &o->question, stdout);
	engine_close(e);
	if (status && status != STATUS_NOT_FOUND && status != STATUS_MALFORMED)
		fprintf(stderr, "zayton query: %s: %s\n", o->data, status_text(status));
	if (fflush(stdout))
		status = STATUS_IO;
	return status ? 1 : 0;
}

static bool is_of_series(const char *name)
{
	static const char *const names[] = {"series",       "streams", "values",  "board",
					    "availability", "sites",   "coverage"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

int cmd_query(int argc, char **argv)
{
	struct query_options o;
	if (argc > 1 && strcmp(argv[1], "--help") == 0) {
		fputs(usage, stdout);
		return 0;
	}
	if (argc > 1 && strcmp(argv[1], "who-was") == 0)
		return cmd_who_was(argc - 1, argv + 1);
	if (argc > 1 && strcmp(argv[1], "audit") == 0)
		return cmd_audit(argc - 1, argv + 1);
	if (argc > 1 && is_violations_question(argv[1]))
		return cmd_violations(argc - 1, argv + 1);
	if (argc > 1 && is_duty_question(argv[1]))
		return cmd_duty(argc - 1, argv + 1);
	if (argc > 1 && is_township_question(argv[1]))
		return cmd_township(argc - 1, argv + 1);
	if (argc > 1 && is_of_series(argv[1]))
		return cmd_series(argc - 1, argv + 1);
	if (argc < 2 || !options_parse(argc - 1, argv + 1, &o)) {
		fputs(usage, stderr);
		return 2;
	}
	return o.server ? ask_server(&o) : ask_store(&o);
}
