/* cmd_township.c -- `query tasks|task|subjects|figures|fire-lanes|fire-sites|...`: asked of a running server or of a
 * store that no one serves.
 *
 *   --NAME VALUE  ──> ?NAME=VALUE, which the HTTP interface reads and refuses ──> as it came */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "query/cli/cli.h"
#include "query/cli/http_fetch.h"
#include "query/cli/served.h"

#define TARGET_MAX (1u << 16)

static const char usage[] =
	"用法 usage: zayton query tasks      [--from DATE] [--to DATE] [--state S,S] [--unit U] [--subject E] [--annex "
	"A] "
	"[--rule R]\n"
	"            zayton query task ID | task-history ID                          一项任务及其经过\n"
	"            zayton query subjects                                           任务日历中的企业\n"
	"            zayton query figures    [--place P] [--village V] [--day DATE]  填报数\n"
	"            zayton query fire-lanes --quarter 2026Q1 [--village V]          打通消防生命通道工作统计表\n"
	"            zayton query fire-sites --month 2026-03 [--sector S] [--village V]  消防隐患突出场所汇总表\n"
	"            zayton query kpi        --from TIME --to TIME [--by company|village|class|all] ...  考核指标\n"
	"            zayton query score      --quarter 2026Q1 --by driver|plate|company ...      "
	"违法积分、星级、黑名单候选\n"
	"            zayton query blacklist                                          黑名单认定\n"
	"  WHERE     --server http://HOST:PORT [--token TOKEN] 运行中的服务 | --data DIR 未运行的数据目录\n"
	"  --format  json (default) | csv | html | xlsx;  -o FILE\n"
	"退出码 exit status: 0 answered, 1 not or in part, 2 usage\n";

static const struct {
	const char *word, *path;
	bool named; /* its number is in the path, where the % is */
} questions[] = {
	{"tasks", "/api/v1/tasks", false},
	{"task", "/api/v1/tasks/%s", true},
	{"task-history", "/api/v1/tasks/%s/history", true},
	{"subjects", "/api/v1/tasks/subjects", false},
	{"figures", "/api/v1/figures", false},
	{"fire-lanes", "/api/v1/tables/fire-lanes", false},
	{"fire-sites", "/api/v1/tables/fire-sites", false},
	{"kpi", "/api/v1/kpi", false},
	{"score", "/api/v1/blacklist/score", false},
	{"blacklist", "/api/v1/blacklist", false},
};
#define QUESTIONS (sizeof questions / sizeof *questions)

struct town_question {
	size_t which;
	const char *server, *token, *data, *output;
	struct buf target;
};

bool is_township_question(const char *word)
{
	for (size_t i = 0; i < QUESTIONS; i++)
		if (!strcmp(word, questions[i].word))
			return true;
	return false;
}

static bool write_path(struct town_question *q, const char *name)
{
	const char *path = questions[q->which].path, *percent = strchr(path, '%');
	if (!percent)
		return !buf_append(&q->target, path, strlen(path));
	return !buf_append(&q->target, path, (size_t)(percent - path)) &&
	       !url_append(&q->target, span_of_string(name)) &&
	       !buf_append(&q->target, percent + 2, strlen(percent + 2));
}

/* Where to ask, or a parameter. */
static bool take_pair(struct town_question *q, const char *name, const char *value, bool *asked)
{
	const char **const places[] = {&q->server, &q->token, &q->data, &q->output};
	static const char *const words[] = {"server", "token", "data", "output"};
	for (size_t i = 0; i < 4; i++)
		if (!strcmp(name, words[i])) {
			*places[i] = value;
			return true;
		}
	bool good = !buf_append_u8(&q->target, *asked ? '&' : '?') && !url_append(&q->target, span_of_string(name)) &&
		    !buf_append_u8(&q->target, '=') && !url_append(&q->target, span_of_string(value));
	*asked = true;
	return good;
}

static bool question_read(struct town_question *q, int argc, char **argv)
{
	int at = 1;
	bool asked = false;
	while (strcmp(argv[0], questions[q->which].word) != 0)
		q->which++;
	if (questions[q->which].named && (argc < 2 || argv[at][0] == '-'))
		return false;
	if (!write_path(q, argv[at]))
		return false;
	at += questions[q->which].named;
	for (; at + 1 < argc; at += 2) {
		const char *name = !strcmp(argv[at], "-o") ? "output" : strncmp(argv[at], "--", 2) ? "" : argv[at] + 2;
		if (!*name || !take_pair(q, name, argv[at + 1], &asked))
			return false;
	}
	return at == argc && !q->server == !!q->data && !buf_append_u8(&q->target, '\0');
}

/* 0 answered, 1 not, 2 the server says that the question is wrong. */
static int fetch(const struct town_question *q, const char *base, const char *token, FILE *to)
{
	int code = 0;
	struct http_fetch f = {base, (const char *)q->target.data, token, to, stderr, NULL};
	enum status status = http_fetch(&f, &code);
	if (status)
		fprintf(stderr, "zayton query: %s: %s\n", base, status_text(status));
	return status == STATUS_INVALID || code == 400 ? 2 : status || code / 100 != 2 ? 1 : 0;
}

static int ask(const struct town_question *q, FILE *to)
{
	struct served served;
	if (q->server)
		return fetch(q, q->server, q->token, to);
	if (served_open_register("query", q->data, &served))
		return 1;
	int code = fetch(q, served.base, served.token, to);
	served_close(&served);
	return code;
}

/* Whole, or not there: beside it first. */
static int ask_for_file(const struct town_question *q)
{
	char part[4096];
	FILE *to = snprintf(part, sizeof part, "%s.part", q->output) < (int)sizeof part ? fopen(part, "wx") : NULL;
	if (!to) {
		fprintf(stderr, "zayton query: %s: %s\n", q->output, strerror(errno));
		return 1;
	}
	int code = ask(q, to);
	if ((fclose(to) || (!code && rename(part, q->output))) && !code) {
		fprintf(stderr, "zayton query: %s: %s\n", q->output, strerror(errno));
		code = 1;
	}
	if (code)
		unlink(part);
	return code;
}

int cmd_township(int argc, char **argv)
{
	struct town_question q = {.target = buf_init(TARGET_MAX)};
	int code = 2;
	if (argc > 1 && !strcmp(argv[1], "--help")) {
		fputs(usage, stdout);
		return 0;
	}
	if (question_read(&q, argc, argv))
		code = q.output ? ask_for_file(&q) : ask(&q, stdout);
	else
		fputs(usage, stderr);
	buf_deinit(&q.target);
	return fflush(stdout) && !code ? 1 : code;
}
