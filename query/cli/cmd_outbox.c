/* cmd_outbox.c -- `outbox show|parked|again`: what leaves a running server, what is parked, sent again by hand. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "query/cli/cli.h"
#include "query/cli/http_fetch.h"
#include "query/export/json_out.h"

static const char usage[] =
	"用法 usage: zayton outbox show SERVER [TOKEN]                           推送状态\n"
	"            zayton outbox parked DESTINATION SERVER [TOKEN]             被拒收或超时未收的消息\n"
	"            zayton outbox again DESTINATION [ITEM] SERVER [TOKEN]       人工重发, 不写编号则全部\n"
	"  SERVER      http://HOST:PORT\n"
	"退出码 exit status: 0 done, 1 refused or not there, 2 usage\n";

static int ask(const char *target, const char *posted, char **server, int count)
{
	int code = 0;
	struct http_fetch f = {server[0], target, count > 1 ? server[1] : NULL, stdout, stderr, posted};
	enum status status = http_fetch(&f, &code);
	if (status)
		fprintf(stderr, "zayton outbox: %s: %s\n", f.base, status_text(status));
	return status || code < 200 || code > 299 ? 1 : 0;
}

static int list_parked(const char *destination, char **server, int count)
{
	struct buf target = buf_init(4096);
	enum status status = buf_printf(&target, "/api/v1/outbox/parked?limit=100&destination=");
	if (!status)
		status = url_append(&target, span_of_string(destination));
	if (!status)
		status = buf_append_u8(&target, 0);
	int code = status ? 1 : ask((const char *)target.data, NULL, server, count);
	buf_deinit(&target);
	return code;
}

/* `item` 0: all. */
static int again(const char *destination, unsigned long long item, char **server, int count)
{
	struct buf body = buf_init(4096);
	struct json_out j = json_out_init(&body);
	jout_open(&j, '{');
	jout_key(&j, "destination");
	jout_string(&j, destination);
	if (item) {
		jout_key(&j, "item");
		jout_unsigned(&j, item);
	}
	jout_close(&j, '}');
	enum status status = j.status ? j.status : buf_append_u8(&body, 0);
	int code = status ? 1 : ask("/api/v1/outbox/again", (const char *)body.data, server, count);
	buf_deinit(&body);
	return code;
}

static bool is_server(int argc, char **argv, int at)
{
	return argc > at && argc <= at + 2 && !strncmp(argv[at], "http://", 7);
}

int cmd_outbox(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";
	char *end = NULL;
	if (!strcmp(verb, "show") && is_server(argc, argv, 2))
		return ask("/api/v1/outbox", NULL, argv + 2, argc - 2);
	if (!strcmp(verb, "parked") && is_server(argc, argv, 3))
		return list_parked(argv[2], argv + 3, argc - 3);
	if (!strcmp(verb, "again") && is_server(argc, argv, 3))
		return again(argv[2], 0, argv + 3, argc - 3);
	unsigned long long item = !strcmp(verb, "again") && is_server(argc, argv, 4) ? strtoull(argv[3], &end, 10) : 0;
	if (item && !*end)
		return again(argv[2], item, argv + 4, argc - 4);
	bool help = argc == 2 && !strcmp(verb, "--help");
	fputs(usage, help ? stdout : stderr);
	return help ? 0 : 2;
}
