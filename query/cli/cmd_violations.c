/* cmd_violations.c -- `query violations|violation|counts|top|evidence`: the questions about violations, asked of a
 * running server or of a store that no one serves (served.h).
 *
 *   options ──> parameters of the HTTP interface ──> http_fetch ──> as it came, or read again as a table */
#include <getopt.h>
#include <stdlib.h>
#include <unistd.h>

#include "query/cli/cli.h"
#include "query/cli/http_fetch.h"
#include "query/cli/served.h"
#include "query/cli/table_out.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define TARGET_MAX (1u << 16)

static const char usage[] =
	"用法 usage: zayton query violations [FILTER...] [--limit N] [--cursor C] WHERE      疑似违法线索\n"
	"            zayton query violation ID WHERE                                       一条及其经过\n"
	"            zayton query counts --by X [--and Y] [FILTER...] WHERE                计数\n"
	"            zayton query top --by X [--period day|week|month] [--first N] [FILTER...] WHERE  排行\n"
	"            zayton query evidence ID -o FILE [--case NUMBER] [--format html|json] WHERE  取证材料单\n"
	"  WHERE     --server http://HOST:PORT [--token TOKEN] 运行中的服务 | --data DIR 未运行的数据目录\n"
	"  FILTER    --rule --kind --device --plate --driver --company --village --fence --authority --severity "
	"--state\n"
	"            --from --to --as-of (without a zone UTC+8)  --bbox LONMIN,LATMIN,LONMAX,LATMAX\n"
	"  X, Y      rule kind device plate driver company village fence authority; counts also severity state day "
	"week month\n"
	"  --format  table (default 表格) | json | ndjson | csv | geojson (violations)\n"
	"退出码 exit status: 0 answered, 1 not or in part, 2 usage\n";

enum ask { ASK_VIOLATIONS, ASK_VIOLATION, ASK_COUNTS, ASK_TOP, ASK_EVIDENCE, ASK_COUNT };
#define OF(ask) (1u << ASK_##ask)
#define LISTS (OF(VIOLATIONS) | OF(COUNTS) | OF(TOP))

static const struct {
	const char *name;
	bool named; /* of one violation: its number is in the path */
	const char *path;
} asks[ASK_COUNT] = {
	[ASK_VIOLATIONS] = {"violations", false, ""},     [ASK_VIOLATION] = {"violation", true, ""},
	[ASK_COUNTS] = {"counts", false, "/counts"},      [ASK_TOP] = {"top", false, "/top"},
	[ASK_EVIDENCE] = {"evidence", true, "/evidence"},
};

enum form { AS_IT_IS, TIME, DEVICE };

/* Options that are parameters, and of which questions. */
static const struct {
	const char *option, *parameter;
	unsigned asks;
	enum form form;
} parameters[] = {
	{"rule", "rule", LISTS, AS_IT_IS},
	{"kind", "kind", LISTS, AS_IT_IS},
	{"device", "device", LISTS, DEVICE},
	{"plate", "plate", LISTS, AS_IT_IS},
	{"driver", "driver", LISTS, AS_IT_IS},
	{"company", "company", LISTS, AS_IT_IS},
	{"village", "village", LISTS, AS_IT_IS},
	{"fence", "fence", LISTS, AS_IT_IS},
	{"authority", "authority", LISTS, AS_IT_IS},
	{"severity", "severity", LISTS, AS_IT_IS},
	{"state", "state", LISTS, AS_IT_IS},
	{"from", "from", LISTS, TIME},
	{"to", "to", LISTS, TIME},
	{"as-of", "as_of", LISTS, TIME},
	{"bbox", "bbox", LISTS, AS_IT_IS},
	{"limit", "limit", OF(VIOLATIONS) | OF(TOP), AS_IT_IS},
	{"cursor", "cursor", OF(VIOLATIONS) | OF(TOP), AS_IT_IS},
	{"by", "by", OF(COUNTS) | OF(TOP), AS_IT_IS},
	{"and", "and", OF(COUNTS), AS_IT_IS},
	{"period", "period", OF(TOP), AS_IT_IS},
	{"first", "first", OF(TOP), AS_IT_IS},
	{"case", "case", OF(EVIDENCE), AS_IT_IS},
};

struct violations_question {
	enum ask ask;
	const char *server, *token, *data, *output, *format;
	struct buf target; /* path and query */
	bool asked;        /* there is a '?' already */
};

static bool wrong(const char *what, const char *why)
{
	fprintf(stderr, "zayton query: %s: %s\n", what, why);
	return false;
}

/* --- the command line --- */

static bool add(struct violations_question *q, const char *parameter, const char *value)
{
	enum status status = buf_printf(&q->target, "%c%s=", q->asked ? '&' : '?', parameter);
	if (!status)
		status = url_append(&q->target, span_of_string(value));
	q->asked = true;
	return !status || wrong(parameter, status_text(status));
}

static bool take_parameter(struct violations_question *q, size_t i, const char *value)
{
	char text[DEVICE_VALUE_MAX + 16];
	int64_t ms;
	if (!(parameters[i].asks >> q->ask & 1))
		return wrong(parameters[i].option, "not for this question");
	if (parameters[i].form == TIME) {
		if (asked_time(value, &ms))
			return wrong(value, "not a valid time");
		snprintf(text, sizeof text, "%lld", (long long)ms);
		value = text;
	} else if (parameters[i].form == DEVICE) {
		if (asked_reference(span_of_string(value), text, sizeof text))
			return wrong(value, "not a device");
		value = text;
	}
	return add(q, parameters[i].parameter, value);
}

enum { SERVER = COUNT(parameters) + 1, TOKEN, DATA, OUTPUT, FORMAT };

static bool take_option(struct violations_question *q, int option, const char *value)
{
	switch (option) {
	case SERVER:
		q->server = value;
		return true;
	case TOKEN:
		q->token = value;
		return true;
	case DATA:
		q->data = value;
		return true;
	case 'o':
	case OUTPUT:
		q->output = value;
		return true;
	case FORMAT:
		q->format = value;
		return true;
	case '?':
		return false;
	default:
		return take_parameter(q, (size_t)option - 1, value);
	}
}

static bool read_options(struct violations_question *q, int argc, char **argv)
{
	struct option options[COUNT(parameters) + 6] = {{NULL, 0, NULL, 0}};
	size_t n = 0;
	int option;
	for (; n < COUNT(parameters); n++)
		options[n] = (struct option){parameters[n].option, required_argument, NULL, (int)n + 1};
	options[n++] = (struct option){"server", required_argument, NULL, SERVER};
	options[n++] = (struct option){"token", required_argument, NULL, TOKEN};
	options[n++] = (struct option){"data", required_argument, NULL, DATA};
	options[n++] = (struct option){"output", required_argument, NULL, OUTPUT};
	options[n++] = (struct option){"format", required_argument, NULL, FORMAT};
	optind = 1;
	while ((option = getopt_long(argc, argv, "o:", options, NULL)) != -1)
		if (!take_option(q, option, optarg))
			return false;
	return optind == argc || wrong(argv[optind], "not understood");
}

static bool wants_table(const struct violations_question *q)
{
	return !strcmp(q->format, "table");
}

static bool read_format(struct violations_question *q)
{
	static const char *const allowed[ASK_COUNT] = {[ASK_VIOLATIONS] = "table json ndjson csv geojson",
						       [ASK_VIOLATION] = "table json",
						       [ASK_COUNTS] = "table json ndjson csv",
						       [ASK_TOP] = "table json ndjson csv",
						       [ASK_EVIDENCE] = "html json"};
	struct span rest = span_of_string(allowed[q->ask]);
	if (!q->format)
		q->format = q->ask == ASK_EVIDENCE ? "html" : "table";
	while (rest.size) {
		const uint8_t *space = memchr(rest.data, ' ', rest.size);
		size_t size = space ? (size_t)(space - rest.data) : rest.size;
		if (span_equal(span_of(rest.data, size), span_of_string(q->format)))
			return q->ask == ASK_VIOLATION || add(q, "format", wants_table(q) ? "ndjson" : q->format);
		rest = span_of(rest.data + size + (space != NULL), rest.size - size - (space != NULL));
	}
	fprintf(stderr, "zayton query: --format %s: wanted one of: %s\n", q->format, allowed[q->ask]);
	return false;
}

/* "violation 17": the path; the id is the word behind the question. */
static bool read_path(struct violations_question *q, int *argc, char ***argv)
{
	bool named = asks[q->ask].named;
	const char *id = *argc > 1 ? (*argv)[1] : "";
	if (named && (!*id || strspn(id, "0123456789") != strlen(id) || strlen(id) > 20))
		return wrong(asks[q->ask].name, "wanted the number of a violation");
	if (buf_printf(&q->target, "/api/v1/violations%s%s%s", named ? "/" : "", named ? id : "", asks[q->ask].path))
		return wrong(asks[q->ask].name, "no memory");
	*argc -= named;
	*argv += named;
	return true;
}

static bool question_read(struct violations_question *q, int argc, char **argv)
{
	while (q->ask < ASK_COUNT && strcmp(argv[0], asks[q->ask].name) != 0)
		q->ask++;
	if (!read_path(q, &argc, &argv) || !read_options(q, argc, argv) || !read_format(q))
		return false;
	if (!q->server == !q->data)
		return wrong("--server", "either --server or --data is wanted");
	if (q->ask == ASK_EVIDENCE && !q->output)
		return wrong("-o", "a file is wanted 需要输出文件");
	return !buf_append_u8(&q->target, '\0');
}

/* --- tables --- */

static const struct table_column violation_columns[] = {
	{"编号 id", "id", 9},           {"开始 start", "start_ms", 21},
	{"规则 rule", "rule", 23},      {"车牌 plate", "plate|device", 19},
	{"围栏 fence", "fence", 17},    {"级别 severity", "severity", 15},
	{"状态 state", "state_zh", 12}, {"主管 authority", "authority", 0},
};
static const struct table_column count_columns[] = {
	{"类别 key", "key_zh|key", 31},
	{"又按 and", "and_zh|and", 31},
	{"数量 count", "count", 12},
	{"已处置 handled", "handled", 0},
};
static const struct table_column top_columns[] = {
	{"时段 period", "period", 13}, {"名次 rank", "rank", 11},        {"对象 key", "key", 31},
	{"数量 count", "count", 12},   {"已处置 handled", "handled", 0},
};

static bool print_rows(FILE *from, const struct table_column *columns, size_t count)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t size;
	bool good = true;
	table_title(stdout, columns, count);
	while (good && (size = getline(&line, &room, from)) > 0) {
		json_t *row = json_loadb(line, (size_t)size, 0, NULL);
		good = row != NULL;
		if (good)
			table_row(stdout, columns, count, row);
		json_decref(row);
	}
	free(line);
	return good;
}

static bool print_one(FILE *from)
{
	json_t *v = json_loadf(from, 0, NULL);
	if (v)
		table_members(stdout, v);
	json_decref(v);
	return v != NULL;
}

static bool print_table(const struct violations_question *q, FILE *from)
{
	rewind(from);
	bool good = q->ask == ASK_VIOLATIONS ? print_rows(from, violation_columns, COUNT(violation_columns))
		    : q->ask == ASK_COUNTS   ? print_rows(from, count_columns, COUNT(count_columns))
		    : q->ask == ASK_TOP      ? print_rows(from, top_columns, COUNT(top_columns))
					     : print_one(from);
	return good || wrong("answer", "is no JSON");
}

/* --- asking --- */

/* 0 answered, 1 not, 2 the server says that the question is wrong. */
static int fetch(const struct violations_question *q, const char *base, const char *token, FILE *to)
{
	int code = 0;
	struct http_fetch f = {base, (const char *)q->target.data, token, to, stderr, NULL};
	enum status status = http_fetch(&f, &code);
	if (status)
		wrong(base, status_text(status));
	return status == STATUS_INVALID || code == 400 ? 2 : status || code / 100 != 2 ? 1 : 0;
}

static int ask(const struct violations_question *q, FILE *to)
{
	struct served served;
	if (q->server)
		return fetch(q, q->server, q->token, to);
	/* an evidence sheet is audited, which needs writing */
	if (served_open("query", q->data, q->ask == ASK_EVIDENCE, &served))
		return 1;
	int code = fetch(q, served.base, served.token, to);
	served_close(&served);
	return code;
}

/* Whole, or not there: beside it first. */
static int ask_for_file(const struct violations_question *q)
{
	char part[4096];
	if (snprintf(part, sizeof part, "%s.part", q->output) >= (int)sizeof part)
		return wrong(q->output, "too long a name") + 1;
	FILE *to = fopen(part, "wx");
	if (!to)
		return wrong(part, "cannot be made") + 1;
	int code = ask(q, to);
	if (fclose(to) && !code)
		code = wrong(part, "cannot be written") + 1;
	if (!code && rename(part, q->output))
		code = wrong(q->output, "cannot be made") + 1;
	if (code)
		unlink(part);
	return code;
}

static int ask_for_table(const struct violations_question *q)
{
	FILE *answer = tmpfile();
	if (!answer)
		return wrong("table", "no temporary file") + 1;
	int code = ask(q, answer);
	if (!code && !print_table(q, answer))
		code = 1;
	fclose(answer);
	return code;
}

bool is_violations_question(const char *word)
{
	for (size_t i = 0; i < ASK_COUNT; i++)
		if (!strcmp(word, asks[i].name))
			return true;
	return false;
}

int cmd_violations(int argc, char **argv)
{
	struct violations_question q = {.target = buf_init(TARGET_MAX)};
	int code = 2;
	if (argc > 1 && !strcmp(argv[1], "--help")) {
		fputs(usage, stdout);
		return 0;
	}
	if (question_read(&q, argc, argv))
		code = q.output ? ask_for_file(&q) : wants_table(&q) ? ask_for_table(&q) : ask(&q, stdout);
	else
		fputs(usage, stderr);
	buf_deinit(&q.target);
	return fflush(stdout) && !code ? 1 : code;
}
