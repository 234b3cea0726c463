/* cmd_duty.c -- `query roll-call|alarms|warnings|incidents|boat-messages|shift-log`: the duty room's questions, asked
 * of a running server or of a store that no one serves (served.h).
 *
 *   options ──> parameters of the HTTP interface ──> http_fetch ──> as it came, or one list of it as a table */
#include <getopt.h>
#include <stdlib.h>

#include "query/cli/cli.h"
#include "query/cli/http_fetch.h"
#include "query/cli/served.h"
#include "query/cli/table_out.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define TARGET_MAX (1u << 16)

static const char usage[] =
	"用法 usage: zayton query roll-call [--at T] [--due T] [--harbour H] [--village V] [--class C[,C...]]\n"
	"                  [--boats all|out|none] WHERE                    在港在海清点\n"
	"            zayton query alarms [--state S] [--limit N] WHERE        报警队列\n"
	"            zayton query warnings [--at T] [--kind K] WHERE          预警\n"
	"            zayton query incidents [--state S] [--limit N] WHERE     事故直报\n"
	"            zayton query boat-messages [--state S] [--limit N] WHERE 发往渔船的短报文\n"
	"            zayton query shift-log [--limit N] WHERE                 值班日志\n"
	"  WHERE     --server http://HOST:PORT [--token TOKEN] 运行中的服务 | --data DIR 未运行的数据目录\n"
	"  T         without a zone UTC+8\n"
	"  --format  table (default 表格) | json\n"
	"退出码 exit status: 0 answered, 1 not, 2 usage\n";

static const struct table_column boat_columns[] = {
	{"船号 hull", "hull|device", 25}, {"状态 state", "state_zh", 12},    {"位置 place", "place", 17},
	{"末次 heard", "heard", 26},      {"静默 silent_s", "silent_s", 15}, {"在船 aboard", "aboard", 13},
	{"村 village", "village", 0},
};
static const struct table_column alarm_columns[] = {
	{"编号 id", "id", 9},      {"发生 raised", "raised", 26},  {"类别 kind", "kind_zh|kind", 19},
	{"对象 name", "name", 23}, {"状态 state", "state_zh", 12}, {"应答 acknowledged by", "acknowledged_by", 0},
};
static const struct table_column warning_columns[] = {
	{"编号 id", "id", 9},    {"种类 kind", "kind_zh", 13}, {"级别 level", "level_zh", 12},
	{"自 from", "from", 26}, {"至 until", "until", 26},    {"标题 headline", "headline", 0},
};
static const struct table_column incident_columns[] = {
	{"编号 id", "id", 9},         {"初报 first report", "first_report", 26},
	{"类别 kind", "kind_zh", 12}, {"状态 state", "state_zh", 12},
	{"船 boat", "boat_name", 23}, {"经过 text", "text", 0},
};
static const struct table_column message_columns[] = {
	{"编号 id", "id", 9},           {"时间 created", "created", 26}, {"卡号 card", "card", 11},
	{"状态 state", "state_zh", 12}, {"内容 text", "text", 0},
};
static const struct table_column log_columns[] = {
	{"编号 number", "number", 12}, {"时间 at", "at", 26},    {"类 kind", "kind_zh", 12},
	{"值班 who", "who", 14},       {"内容 text", "text", 0},
};

static const struct question {
	const char *name, *list;
	const struct table_column *columns;
	size_t column_count;
	const char *options; /* those it takes, between blanks */
} questions[] = {
	{"roll-call", "boats", boat_columns, COUNT(boat_columns), " at due harbour village class boats "},
	{"alarms", "alarms", alarm_columns, COUNT(alarm_columns), " state limit before "},
	{"warnings", "warnings", warning_columns, COUNT(warning_columns), " at kind limit before "},
	{"incidents", "incidents", incident_columns, COUNT(incident_columns), " state limit before "},
	{"boat-messages", "messages", message_columns, COUNT(message_columns), " state limit before "},
	{"shift-log", "entries", log_columns, COUNT(log_columns), " limit before "},
};

static const char *const parameters[] = {"at",    "due",  "harbour", "village", "class",
					 "boats", "kind", "state",   "limit",   "before"};

struct duty_question {
	const struct question *of;
	const char *server, *token, *data, *format;
	struct buf target;
	bool asked; /* there is a '?' already */
};

static bool wrong(const char *what, const char *why)
{
	fprintf(stderr, "zayton query: %s: %s\n", what, why);
	return false;
}

bool is_duty_question(const char *word)
{
	for (size_t i = 0; i < COUNT(questions); i++)
		if (!strcmp(word, questions[i].name))
			return true;
	return false;
}

/* --- the command line --- */

static bool add(struct duty_question *q, const char *parameter, const char *value)
{
	char word[32], number[32];
	int64_t ms;
	snprintf(word, sizeof word, " %s ", parameter);
	if (!strstr(q->of->options, word))
		return wrong(parameter, "not for this question");
	if (!strcmp(parameter, "at") || !strcmp(parameter, "due")) {
		if (asked_time(value, &ms))
			return wrong(value, "not a valid time");
		snprintf(number, sizeof number, "%lld", (long long)ms);
		value = number;
	}
	enum status status = buf_printf(&q->target, "%c%s=", q->asked ? '&' : '?', parameter);
	if (!status)
		status = url_append(&q->target, span_of_string(value));
	q->asked = true;
	return !status || wrong(parameter, status_text(status));
}

enum { SERVER = COUNT(parameters) + 1, TOKEN, DATA, FORMAT };

static bool take_option(struct duty_question *q, int option, const char *value)
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
	case FORMAT:
		q->format = value;
		return !strcmp(value, "table") || !strcmp(value, "json") || wrong(value, "wanted table or json");
	case '?':
		return false;
	default:
		return add(q, parameters[option - 1], value);
	}
}

static bool question_read(struct duty_question *q, int argc, char **argv)
{
	struct option options[COUNT(parameters) + 5] = {{NULL, 0, NULL, 0}};
	size_t n = 0;
	int option;
	for (q->of = questions; strcmp(argv[0], q->of->name) != 0;)
		q->of++;
	for (; n < COUNT(parameters); n++)
		options[n] = (struct option){parameters[n], required_argument, NULL, (int)n + 1};
	options[n++] = (struct option){"server", required_argument, NULL, SERVER};
	options[n++] = (struct option){"token", required_argument, NULL, TOKEN};
	options[n++] = (struct option){"data", required_argument, NULL, DATA};
	options[n++] = (struct option){"format", required_argument, NULL, FORMAT};
	if (buf_printf(&q->target, "/api/v1/%s", q->of->name))
		return wrong(argv[0], "no memory");
	optind = 1;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (!take_option(q, option, optarg))
			return false;
	if (optind != argc)
		return wrong(argv[optind], "not understood");
	if (!q->server == !q->data)
		return wrong("--server", "either --server or --data is wanted");
	return !buf_append_u8(&q->target, '\0');
}

/* --- asking --- */

/* 0 answered, 1 not, 2 the server says that the question is wrong. */
static int fetch(const struct duty_question *q, const char *base, const char *token, FILE *to)
{
	int code = 0;
	struct http_fetch f = {base, (const char *)q->target.data, token, to, stderr, NULL};
	enum status status = http_fetch(&f, &code);
	if (status)
		wrong(base, status_text(status));
	return status == STATUS_INVALID || code == 400 ? 2 : status || code / 100 != 2 ? 1 : 0;
}

static int ask(const struct duty_question *q, FILE *to)
{
	struct served served;
	if (q->server)
		return fetch(q, q->server, q->token, to);
	/* who is where is audited, which needs writing */
	if (served_open("query", q->data, true, &served))
		return 1;
	int code = fetch(q, served.base, served.token, to);
	served_close(&served);
	return code;
}

static void print_counts(const json_t *answer)
{
	static const char *const counts[][2] = {{"boats", "合计"}, {"in", "在港"},      {"sea", "在海"},
						{"dark", "失联"},  {"unknown", "不明"}, {"overdue", "逾期未归"}};
	const json_t *of = json_object_get(answer, "counts");
	for (size_t i = 0; i < COUNT(counts); i++)
		printf("%s %s: %lld  ", counts[i][1], counts[i][0],
		       (long long)json_integer_value(json_object_get(of, counts[i][0])));
	putchar('\n');
}

static bool print_table(const struct duty_question *q, FILE *from)
{
	rewind(from);
	json_t *answer = json_loadf(from, 0, NULL), *row;
	size_t i;
	if (!answer)
		return wrong("answer", "is no JSON");
	if (json_object_get(answer, "counts"))
		print_counts(answer);
	table_title(stdout, q->of->columns, q->of->column_count);
	json_array_foreach(json_object_get(answer, q->of->list), i, row)
		table_row(stdout, q->of->columns, q->of->column_count, row);
	json_decref(answer);
	return true;
}

static int ask_for_table(const struct duty_question *q)
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

int cmd_duty(int argc, char **argv)
{
	struct duty_question q = {.format = "table", .target = buf_init(TARGET_MAX)};
	int code = 2;
	if (argc > 1 && !strcmp(argv[1], "--help")) {
		fputs(usage, stdout);
		return 0;
	}
	if (question_read(&q, argc, argv))
		code = strcmp(q.format, "json") ? ask_for_table(&q) : ask(&q, stdout);
	else
		fputs(usage, stderr);
	buf_deinit(&q.target);
	return fflush(stdout) && !code ? 1 : code;
}
