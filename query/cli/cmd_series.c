/* cmd_series.c -- `query series|streams|values|board|availability|sites|coverage`: of a server or of a store that no
 * one serves, with the same options and the same rows. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/core/clock.h"
#include "query/cli/asking.h"
#include "query/cli/cli.h"
#include "query/cli/http_fetch.h"
#include "query/export/series_ask.h"

#define FLUSH_BYTES (256u << 10)
#define TEXT_MAX (1u << 20)
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const char usage[] =
	"用法 usage: zayton query streams      [WHICH] WHERE      监测项 what is known\n"
	"            zayton query values       [WHICH] WHERE      最新值 the last value of each\n"
	"            zayton query series       [WHICH] --from TIME [--to TIME] [--step 10m [--aggregate mean,max]\n"
	"                                      [--hold 30m] | --points N | --corrections] [--case NUMBER] WHERE\n"
	"            zayton query board        [WHICH] [--group site|village|sector|company] WHERE   在线状态\n"
	"            zayton query availability [WHICH] --from TIME [--to TIME] [--group ...] WHERE   覆盖率, 可用率\n"
	"            zayton query sites        [WHICH] [--kind gauge|counter|state] WHERE    站点状态, 报警, 故障\n"
	"            zayton query coverage     [WHICH] --from TIME [--to TIME] [--group ...] [--target N] WHERE\n"
	"                                      安装数, 在线率\n"
	"  WHICH       --stream SITE/QUANTITY[,...] | --site, --quantity, --village, --sector, --company\n"
	"  WHERE       --server http://HOST:PORT [--token TOKEN] 运行中的服务 | --data DIR 未运行的数据目录\n"
	"  --aggregate count,min,max,sum,mean,first,last,time_weighted,p50,p90,p95,p99\n"
	"  --format    ndjson (default) | json | csv\n"
	"  --from --to 起止时间 both included, without a zone UTC+8; --to now when left out\n"
	"退出码 exit status: 0 answered, 1 not or in part, 2 usage\n";

enum { SERVER = 256, TOKEN, DATA, FIRST };
/* The options that a server takes under the same name, in this order. */
enum {
	STREAM,
	SITE,
	QUANTITY,
	VILLAGE,
	SECTOR,
	COMPANY,
	FROM,
	TO,
	STEP,
	AGGREGATE,
	POINTS,
	HOLD,
	CORRECTIONS,
	GROUP,
	KIND,
	TARGET,
	FORMAT,
	CASE,
	OPTIONS
};

#define OF(kind) (1u << ASK_##kind)
#define EVERY (OF(STREAMS) | OF(LAST) | OF(SERIES) | OF(BOARD) | OF(AVAILABILITY) | OF(STATUS) | OF(COVERAGE))

static const struct {
	const char *name;
	unsigned kinds; /* 1u << enum series_ask_kind */
} options[OPTIONS] = {
	[STREAM] = {"stream", EVERY},
	[SITE] = {"site", EVERY},
	[QUANTITY] = {"quantity", EVERY},
	[VILLAGE] = {"village", EVERY},
	[SECTOR] = {"sector", EVERY},
	[COMPANY] = {"company", EVERY},
	[FROM] = {"from", OF(SERIES) | OF(AVAILABILITY) | OF(COVERAGE)},
	[TO] = {"to", OF(SERIES) | OF(AVAILABILITY) | OF(COVERAGE)},
	[STEP] = {"step", OF(SERIES)},
	[AGGREGATE] = {"aggregate", OF(SERIES)},
	[POINTS] = {"points", OF(SERIES)},
	[HOLD] = {"hold", OF(SERIES)},
	[CORRECTIONS] = {"corrections", OF(SERIES)},
	[GROUP] = {"group", OF(BOARD) | OF(AVAILABILITY) | OF(COVERAGE)},
	[KIND] = {"kind", OF(STATUS)},
	[TARGET] = {"target", OF(COVERAGE)},
	[FORMAT] = {"format", EVERY},
	[CASE] = {"case", OF(SERIES)},
};

static const struct {
	const char *name, *path;
	enum series_ask_kind kind;
} kinds[] = {{"streams", "/api/v1/streams", ASK_STREAMS},
	     {"values", "/api/v1/series/last", ASK_LAST},
	     {"series", "/api/v1/series", ASK_SERIES},
	     {"board", "/api/v1/sites/board", ASK_BOARD},
	     {"availability", "/api/v1/sites/availability", ASK_AVAILABILITY},
	     {"sites", "/api/v1/sites/status", ASK_STATUS},
	     {"coverage", "/api/v1/sites/coverage", ASK_COVERAGE}};

struct series_command {
	const char *path, *server, *token, *data;
	const char *given[OPTIONS];
	struct series_ask ask;
	struct buf out;
};

static bool wrong(const char *option, const char *wanted)
{
	fprintf(stderr, "zayton query: --%s: %s\n", option, wanted);
	return false;
}

/* --- the command line --- */

static bool take_text(struct series_command *c, int option, struct span *out)
{
	if (c->given[option])
		*out = span_of_string(c->given[option]);
	return true;
}

static bool take_time(struct series_command *c, int option, int64_t *out)
{
	return !c->given[option] || !asked_time(c->given[option], out) ||
	       wrong(options[option].name, "not a valid time");
}

static bool take_interval(struct series_command *c, int option, int64_t *out)
{
	return !c->given[option] || !stream_interval_parse(span_of_string(c->given[option]), out) ||
	       wrong(options[option].name, "wanted a span such as 500ms, 10s, 5m, 1h, 1d");
}

static bool take_points(struct series_command *c)
{
	char *end;
	if (!c->given[POINTS])
		return true;
	errno = 0;
	c->ask.points = strtoull(c->given[POINTS], &end, 10);
	return (!errno && !*end && c->ask.points >= 1 && c->ask.points <= SERIES_STEPS_MAX) ||
	       wrong("points", "wanted a number from 1 to 1000000");
}

static bool take_target(struct series_command *c)
{
	char *end;
	if (!c->given[TARGET])
		return true;
	errno = 0;
	c->ask.target = strtoull(c->given[TARGET], &end, 10);
	return (!errno && !*end && c->ask.target >= 1 && c->ask.target <= 1000000) ||
	       wrong("target", "wanted a number from 1 to 1000000");
}

static bool take_words(struct series_command *c)
{
	struct series_ask *a = &c->ask;
	a->want = 1u << SERIES_MEAN;
	if (c->given[AGGREGATE] && series_want_parse(span_of_string(c->given[AGGREGATE]), &a->want))
		return wrong("aggregate", "not known");
	if (c->given[KIND] && stream_kind_parse(span_of_string(c->given[KIND]), &a->stream_kind))
		return wrong("kind", "wanted gauge, counter or state");
	a->stream_kind_asked = c->given[KIND] != NULL;
	if (a->kind == ASK_COVERAGE)
		a->group = GROUP_VILLAGE;
	if (c->given[GROUP] && series_group_parse(span_of_string(c->given[GROUP]), &a->group))
		return wrong("group", "wanted " SERIES_GROUP_CHOICES);
	if (c->given[FORMAT] && export_format_parse(span_of_string(c->given[FORMAT]), &a->format))
		return wrong("format", "wanted ndjson, json or csv");
	bool known = a->format == EXPORT_JSON || a->format == EXPORT_NDJSON || a->format == EXPORT_CSV;
	return known || wrong("format", "wanted ndjson, json or csv");
}

static bool fits(struct series_command *c)
{
	const struct series_ask *a = &c->ask;
	for (int i = 0; i < OPTIONS; i++)
		if (c->given[i] && !(options[i].kinds & 1u << a->kind))
			return wrong(options[i].name, "not for this question");
	if (options[FROM].kinds & 1u << a->kind && !c->given[FROM])
		return wrong("from", "is wanted");
	if (c->given[AGGREGATE] && !a->step_ms)
		return wrong("aggregate", "needs --step");
	if (a->points && (a->step_ms || a->corrections))
		return wrong("points", "goes without --step and --corrections");
	return true;
}

static bool take_all(struct series_command *c)
{
	struct series_ask *a = &c->ask;
	a->corrections = c->given[CORRECTIONS] != NULL;
	return take_text(c, STREAM, &a->streams) && take_text(c, SITE, &a->site) &&
	       take_text(c, QUANTITY, &a->quantity) && take_text(c, VILLAGE, &a->village) &&
	       take_text(c, SECTOR, &a->sector) && take_text(c, COMPANY, &a->company) &&
	       take_time(c, FROM, &a->from_ms) && take_time(c, TO, &a->to_ms) && take_interval(c, STEP, &a->step_ms) &&
	       take_interval(c, HOLD, &a->hold_ms) && take_points(c) && take_target(c) && take_words(c) && fits(c);
}

static bool parse(int argc, char **argv, struct series_command *c)
{
	struct option longs[3 + OPTIONS + 1] = {{"server", required_argument, NULL, SERVER},
						{"token", required_argument, NULL, TOKEN},
						{"data", required_argument, NULL, DATA}};
	int option;
	for (int i = 0; i < OPTIONS; i++)
		longs[3 + i] = (struct option){options[i].name, i == CORRECTIONS ? no_argument : required_argument,
					       NULL, FIRST + i};
	optind = 1;
	while ((option = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (option == '?')
			return false;
		if (option == SERVER)
			c->server = optarg;
		else if (option == TOKEN)
			c->token = optarg;
		else if (option == DATA)
			c->data = optarg;
		else
			c->given[option - FIRST] = optarg ? optarg : "1";
	}
	if (optind != argc || !c->server == !c->data)
		return wrong("server", "either --server or --data is wanted, and nothing besides options");
	return take_all(c);
}

/* --- asking --- */

static int ask_server(struct series_command *c)
{
	struct buf target = buf_init(TEXT_MAX);
	int code = 0;
	enum status status = buf_printf(&target, "%s?format=%s", c->path, export_format_token(c->ask.format));
	for (int i = 0; i < OPTIONS && !status; i++) {
		if (!c->given[i] || i == FORMAT)
			continue;
		status = buf_printf(&target, "&%s=", options[i].name);
		if (!status && (i == FROM || i == TO))
			status = buf_printf(&target, "%lld", (long long)(i == FROM ? c->ask.from_ms : c->ask.to_ms));
		else if (!status)
			status = url_append(&target, span_of_string(c->given[i]));
	}
	if (!status)
		status = buf_append_u8(&target, '\0');
	struct http_fetch fetch = {c->server, (const char *)target.data, c->token, stdout, stderr, NULL};
	if (!status)
		status = http_fetch(&fetch, &code);
	buf_deinit(&target);
	if (status)
		fprintf(stderr, "zayton query: %s: %s\n", c->server, status_text(status));
	return status == STATUS_INVALID ? 2 : status || code / 100 != 2 ? 1 : 0;
}

static enum status flush(void *context)
{
	struct series_command *c = context;
	return c->out.size > FLUSH_BYTES ? asked_flush(&c->out, stdout) : STATUS_OK;
}

static int ask_store(struct series_command *c)
{
	struct engine *e;
	bool audited = c->ask.kind == ASK_SERIES;
	if (asked_open("query", c->data, audited, &e))
		return 1;
	c->out = buf_init(4 * TEXT_MAX);
	c->ask.flush = flush;
	c->ask.context = c;
	enum status status = STATUS_OK;
	if (audited)
		status = asked_audit(e, "series", c->ask.site.size ? site_id(c->ask.site) : 0, c->ask.from_ms,
				     c->ask.to_ms, c->given[CASE] ? c->given[CASE] : "");
	if (!status)
		status = series_answer(e, &c->ask, &c->out);
	if (!status)
		status = asked_flush(&c->out, stdout);
	engine_close(e);
	buf_deinit(&c->out);
	if (!status && fflush(stdout))
		status = STATUS_IO;
	if (status)
		fprintf(stderr, "zayton query: %s: %s\n", c->data, status_text(status));
	return status ? 1 : 0;
}

int cmd_series(int argc, char **argv)
{
	struct series_command c = {.ask = {.format = EXPORT_NDJSON, .now_ms = clock_now_ms()}};
	c.ask.to_ms = c.ask.now_ms;
	for (size_t i = 0; i < COUNT(kinds); i++)
		if (!strcmp(argv[0], kinds[i].name)) {
			c.path = kinds[i].path;
			c.ask.kind = kinds[i].kind;
		}
	if (argc > 1 && !strcmp(argv[1], "--help")) {
		fputs(usage, stdout);
		return 0;
	}
	if (!parse(argc, argv, &c)) {
		fputs(usage, stderr);
		return 2;
	}
	return c.server ? ask_server(&c) : ask_store(&c);
}
