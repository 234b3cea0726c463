/* cmd_audit.c -- `query audit`: who looked at what and who logged in, asked of a running server or of a store that no
 * one serves (served.h). */
#include <getopt.h>
#include <stdlib.h>

#include "query/cli/asking.h"
#include "query/cli/cli.h"
#include "query/cli/http_fetch.h"
#include "query/cli/served.h"

#define TARGET_MAX 8192

static const char usage[] =
	"用法 usage: zayton query audit [FILTER...] [--limit N] [--format json|csv] WHERE    审计记录\n"
	"  WHERE     --server http://HOST:PORT [--token TOKEN] 运行中的服务 | --data DIR 未运行的数据目录\n"
	"  FILTER    --who --role --unit --scope --action --case --subject --address --device\n"
	"            --from --before (without a zone UTC+8)\n"
	"退出码 exit status: 0 answered, 1 not or in part, 2 usage\n";

/* The first are parameters of the same name; times among them from TIMES on. */
static const char *const names[] = {"who",     "role",   "unit",  "scope",  "action", "case",  "subject",
				    "address", "device", "limit", "format", "from",   "before"};
enum { PARAMETERS = sizeof names / sizeof *names, TIMES = PARAMETERS - 2, SERVER = PARAMETERS, TOKEN, DATA, OPTIONS };

struct audit_question {
	const char *server, *token, *data;
	struct buf target;
	bool asked; /* there is a '?' already */
};

static bool add(struct audit_question *q, int parameter, const char *value)
{
	char text[32];
	int64_t ms;
	if (parameter >= TIMES) {
		if (asked_time(value, &ms)) {
			fprintf(stderr, "zayton query: %s: not a valid time\n", value);
			return false;
		}
		snprintf(text, sizeof text, "%lld", (long long)ms);
		value = text;
	}
	enum status status = buf_printf(&q->target, "%c%s=", q->asked ? '&' : '?', names[parameter]);
	q->asked = true;
	return !status && !url_append(&q->target, span_of_string(value));
}

static bool take_options(struct audit_question *q, int argc, char **argv)
{
	struct option options[OPTIONS + 1] = {
		[SERVER] = {"server", required_argument, NULL, SERVER + 1},
		[TOKEN] = {"token", required_argument, NULL, TOKEN + 1},
		[DATA] = {"data", required_argument, NULL, DATA + 1},
	};
	const char **const where[] = {&q->server, &q->token, &q->data};
	int option;
	for (int i = 0; i < PARAMETERS; i++)
		options[i] = (struct option){names[i], required_argument, NULL, i + 1};
	optind = 1;
	while ((option = getopt_long(argc, argv, "", options, NULL)) > 0 && option != '?') {
		if (option > PARAMETERS)
			*where[option - 1 - SERVER] = optarg;
		else if (!add(q, option - 1, optarg))
			return false;
	}
	return option == -1 && optind == argc && !q->server != !q->data;
}

static int ask(const struct audit_question *q, const char *base, const char *token)
{
	int code = 0;
	struct http_fetch fetch = {base, (const char *)q->target.data, token, stdout, stderr, NULL};
	enum status status = http_fetch(&fetch, &code);
	if (status)
		fprintf(stderr, "zayton query: %s: %s\n", base, status_text(status));
	return status == STATUS_INVALID ? 2 : status || code / 100 != 2 || fflush(stdout) ? 1 : 0;
}

static int ask_somebody(const struct audit_question *q)
{
	struct served served;
	if (q->server)
		return ask(q, q->server, q->token);
	if (served_open("query", q->data, false, &served))
		return 1;
	int code = ask(q, served.base, served.token);
	served_close(&served);
	return code;
}

int cmd_audit(int argc, char **argv)
{
	struct audit_question q = {.target = buf_init(TARGET_MAX)};
	if (argc > 1 && !strcmp(argv[1], "--help")) {
		fputs(usage, stdout);
		return 0;
	}
	int code = 2;
	if (!buf_printf(&q.target, "/api/v1/audit") && take_options(&q, argc, argv) && !buf_append_u8(&q.target, 0))
		code = ask_somebody(&q);
	else
		fputs(usage, stderr);
	buf_deinit(&q.target);
	return code;
}
