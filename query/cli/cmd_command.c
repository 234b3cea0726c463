/* cmd_command.c -- `command send|list|show|cancel`: telling terminals something, asked of a running server. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "engine/core/clock.h"
#include "query/cli/asking.h"
#include "query/cli/cli.h"
#include "query/cli/http_fetch.h"
#include "query/export/json_out.h"

#define BODY_MAX (4u << 20)

static const char usage[] =
	"用法 usage: zayton command send   --device D[,D...] (--text TEXT [--urgent] [--why TEXT] | --json BODY) "
	"WHERE\n"
	"            zayton command list   [--device D] [--state STATE] [--from TIME] [--to TIME] [--limit N] WHERE\n"
	"            zayton command show   ID WHERE\n"
	"            zayton command cancel ID [--why TEXT] WHERE\n"
	"  WHERE    --server http://HOST:PORT [--token TOKEN] 运行中的服务\n"
	"  --device 16 hex digits, phone:NUMBER, plate:COLOUR:PLATE, name:TEXT\n"
	"  --text   播报并显示的文本 spoken and shown by the terminal\n"
	"  --json   任何一种命令 any kind: {\"kind\":\"set_parameters\",\"parameters\":{\"max_speed_kmh\":80}}\n"
	"  --state  queued, sent, answered, refused, expired, cancelled\n"
	"退出码 exit status: 0 taken or answered, 1 not or in part, 2 usage\n";

enum verb { SEND, LIST, SHOW, CANCEL, VERB_COUNT };

struct command_options {
	enum verb verb;
	const char *server, *token, *devices, *text, *json, *why, *state, *id, *limit;
	int64_t from_ms, to_ms;
	bool urgent, has_from, has_to;
};

static bool wrong(const char *what, const char *wanted)
{
	fprintf(stderr, "zayton command: %s: %s\n", what, wanted);
	return false;
}

/* --- the command line --- */

enum { SERVER = 256, TOKEN, DEVICE, TEXT, JSON, WHY, STATE, FROM, TO, LIMIT, URGENT };

static const struct option long_options[] = {
	{"server", required_argument, NULL, SERVER}, {"token", required_argument, NULL, TOKEN},
	{"device", required_argument, NULL, DEVICE}, {"text", required_argument, NULL, TEXT},
	{"json", required_argument, NULL, JSON},     {"why", required_argument, NULL, WHY},
	{"state", required_argument, NULL, STATE},   {"from", required_argument, NULL, FROM},
	{"to", required_argument, NULL, TO},         {"limit", required_argument, NULL, LIMIT},
	{"urgent", no_argument, NULL, URGENT},       {NULL, 0, NULL, 0},
};

static bool take_time(const char *text, int64_t *out_ms, bool *has)
{
	*has = true;
	return !asked_time(text, out_ms) || wrong(text, "not a valid time");
}

static bool take_option(int option, const char *text, struct command_options *o)
{
	const char **const texts[] = {&o->server, &o->token, &o->devices, &o->text, &o->json, &o->why, &o->state};
	if (option >= SERVER && option <= STATE) {
		*texts[option - SERVER] = text;
		return true;
	}
	switch (option) {
	case FROM:
		return take_time(text, &o->from_ms, &o->has_from);
	case TO:
		return take_time(text, &o->to_ms, &o->has_to);
	case LIMIT:
		o->limit = text;
		return true;
	case URGENT:
		o->urgent = true;
		return true;
	default:
		return false;
	}
}

static bool fits(const struct command_options *o)
{
	if (!o->server)
		return wrong("--server", "is wanted");
	if (o->verb == SEND && (!o->devices || !o->text == !o->json))
		return wrong("send", "--device and one of --text and --json are wanted");
	if (o->verb == SEND && o->json && (o->urgent || o->why))
		return wrong("send", "with --json the rest stands in it");
	if ((o->verb == SHOW || o->verb == CANCEL) && (!o->id || strspn(o->id, "0123456789") != strlen(o->id)))
		return wrong("show, cancel", "the number of a command is wanted");
	return true;
}

static bool read_options(int argc, char **argv, struct command_options *o)
{
	static const char *const verbs[VERB_COUNT] = {"send", "list", "show", "cancel"};
	int option;
	*o = (struct command_options){.verb = VERB_COUNT};
	for (unsigned i = 0; i < VERB_COUNT; i++)
		if (strcmp(argv[0], verbs[i]) == 0)
			o->verb = (enum verb)i;
	if (o->verb == VERB_COUNT)
		return wrong(argv[0], "wanted send, list, show or cancel");
	optind = 1;
	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		if (!take_option(option, optarg, o))
			return false;
	if (optind < argc && (o->verb == SHOW || o->verb == CANCEL))
		o->id = argv[optind++];
	return (optind == argc || wrong(argv[optind], "not understood")) && fits(o);
}

/* --- asking --- */

/* The devices as the server knows them. */
static void put_devices(struct json_out *j, const char *devices)
{
	struct span rest = span_of_string(devices);
	jout_key(j, "devices");
	jout_open(j, '{');
	jout_key(j, "list");
	jout_open(j, '[');
	while (rest.size && !j->status) {
		char one[DEVICE_VALUE_MAX + 16];
		j->status = asked_reference(asked_first(rest, &rest), one, sizeof one);
		jout_string(j, one);
	}
	jout_close(j, ']');
	jout_close(j, '}');
}

static void put_command(struct json_out *j, const struct command_options *o)
{
	jout_key(j, "command");
	if (o->json) {
		jout_raw(j, o->json);
		return;
	}
	jout_open(j, '{');
	jout_key(j, "kind");
	jout_string(j, "text");
	jout_key(j, "text");
	jout_string(j, o->text);
	jout_key(j, "urgent");
	jout_bool(j, o->urgent);
	if (o->why) {
		jout_key(j, "why");
		jout_string(j, o->why);
	}
	jout_close(j, '}');
}

static enum status write_body(const struct command_options *o, struct buf *out)
{
	struct json_out j = json_out_init(out);
	jout_open(&j, '{');
	if (o->verb == SEND) {
		put_devices(&j, o->devices);
		put_command(&j, o);
	} else if (o->why) {
		jout_key(&j, "why");
		jout_string(&j, o->why);
	}
	jout_close(&j, '}');
	return j.status ? j.status : buf_append_u8(out, '\0');
}

static enum status add(struct buf *out, char *between, const char *name, const char *value)
{
	if (!value)
		return STATUS_OK;
	enum status status = buf_printf(out, "%c%s=", *between, name);
	*between = '&';
	return status ? status : url_append(out, span_of_string(value));
}

static enum status write_list_target(const struct command_options *o, struct buf *out)
{
	char device[DEVICE_VALUE_MAX + 16], from[24], to[24], between = '?';
	enum status status = buf_printf(out, "/api/v1/commands");
	snprintf(from, sizeof from, "%lld", (long long)o->from_ms);
	snprintf(to, sizeof to, "%lld", (long long)o->to_ms);
	if (!status && o->devices)
		status = asked_reference(span_of_string(o->devices), device, sizeof device);
	if (!status)
		status = add(out, &between, "device", o->devices ? device : NULL);
	if (!status)
		status = add(out, &between, "state", o->state);
	if (!status)
		status = add(out, &between, "limit", o->limit);
	if (!status)
		status = add(out, &between, "from", o->has_from ? from : NULL);
	if (!status)
		status = add(out, &between, "to", o->has_to ? to : NULL);
	return status;
}

static enum status write_target(const struct command_options *o, struct buf *out)
{
	enum status status =
		o->verb == SEND   ? buf_printf(out, "/api/v1/commands")
		: o->verb == LIST ? write_list_target(o, out)
				  : buf_printf(out, "/api/v1/commands/%s%s", o->id, o->verb == CANCEL ? "/cancel" : "");
	return status ? status : buf_append_u8(out, '\0');
}

static int ask(const struct command_options *o)
{
	struct buf target = buf_init(4096), body = buf_init(BODY_MAX);
	bool posts = o->verb == SEND || o->verb == CANCEL;
	int code = 0;
	enum status status = write_target(o, &target);
	if (!status && posts)
		status = write_body(o, &body);
	struct http_fetch fetch = {
		o->server, (const char *)target.data, o->token, stdout, stderr, posts ? (const char *)body.data : NULL};
	if (!status)
		status = http_fetch(&fetch, &code);
	buf_deinit(&target);
	buf_deinit(&body);
	if (status)
		fprintf(stderr, "zayton command: %s: %s\n", o->server, status_text(status));
	/* 200 to an order: no terminal could be told */
	return status == STATUS_INVALID ? 2 : status || code / 100 != 2 || (o->verb == SEND && code != 201) ? 1 : 0;
}

int cmd_command(int argc, char **argv)
{
	struct command_options o;
	if (argc < 2 || !strcmp(argv[1], "--help")) {
		fputs(usage, argc < 2 ? stderr : stdout);
		return argc < 2 ? 2 : 0;
	}
	if (!read_options(argc - 1, argv + 1, &o)) {
		fputs(usage, stderr);
		return 2;
	}
	return ask(&o);
}
