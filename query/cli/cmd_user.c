/* cmd_user.c -- `user`: accounts of a store that no one serves; how the first administrator comes to be.
 *
 * A password is read from standard input, one line, and not shown when that is a terminal. */
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "engine/core/clock.h"
#include "engine/fleet/users.h"
#include "query/cli/asking.h"
#include "query/cli/cli.h"
#include "query/http/http_accounts.h"

#define LIST_BATCH 64

static int usage(void)
{
	fprintf(stderr, "usage: zayton user add DIR NAME ROLE UNIT [SCOPE] | list DIR | disable DIR NAME | enable DIR "
			"NAME | password DIR NAME\n"
			"  ROLE   enterprise clerk office police fishery auditor administrator\n"
			"  SCOPE  all, company:NAME, village:NAME; an enterprise sees its own without one\n"
			"  the password is read from standard input\n");
	return 2;
}

struct user_command {
	int argc; /* of what follows the action */
	char **argv;
	struct users *users;
};

/* One line; the terminal does not show it. */
static bool read_password(char *out, size_t room)
{
	struct termios shown, hidden;
	bool terminal = tcgetattr(STDIN_FILENO, &shown) == 0;
	if (terminal) {
		hidden = shown;
		hidden.c_lflag &= ~(tcflag_t)ECHO;
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
		fprintf(stderr, "password 密码: ");
	}
	bool read = fgets(out, (int)room, stdin) != NULL;
	if (terminal) {
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
		fputc('\n', stderr);
	}
	if (read)
		out[strcspn(out, "\r\n")] = '\0';
	return read;
}

static int fail(const char *name, const char *text)
{
	fprintf(stderr, "zayton user: %s: %s\n", name, text);
	return 1;
}

static int take_password(struct user *u)
{
	char text[USER_PASSWORD_MAX + 2];
	if (!read_password(text, sizeof text))
		return fail(u->who.name, "no password on standard input");
	enum status status = user_secret_make(u->who.name, span_of_string(text), &u->secret);
	OPENSSL_cleanse(text, sizeof text);
	if (status == STATUS_INVALID)
		return fail(u->who.name, "a password has 10 to 256 bytes and is not the name 密码须为 10 至 256 字节");
	return status ? fail(u->who.name, status_text(status)) : 0;
}

static int put(struct user_command *c, struct user *u, const char *action)
{
	enum status status = users_put(c->users, u, &principal_local, action, "", clock_now_ms());
	return status ? fail(u->who.name, status_text(status)) : 0;
}

static int add(struct user_command *c)
{
	struct user u = {.who = {.scope = "all"}};
	if (c->argc < 3 || c->argc > 4)
		return usage();
	const struct {
		char *out;
		size_t room;
	} texts[] = {{u.who.name, sizeof u.who.name},
		     {u.who.role, sizeof u.who.role},
		     {u.who.unit, sizeof u.who.unit},
		     {u.who.scope, sizeof u.who.scope}};
	for (int i = 0; i < c->argc; i++)
		if ((size_t)snprintf(texts[i].out, texts[i].room, "%s", c->argv[i]) >= texts[i].room)
			return fail(c->argv[0], "too long");
	const char *wrong = account_wrong(&u.who);
	struct user known;
	if (wrong || !user_name_is_good(u.who.name))
		return fail(u.who.name, wrong ? wrong : "is no name of an account");
	if (!users_get(c->users, u.who.name, &known))
		return fail(u.who.name, "is there already");
	int code = take_password(&u);
	return code ? code : put(c, &u, "user-add");
}

static int list(struct user_command *c)
{
	struct user page[LIST_BATCH];
	const char *after = "";
	size_t n;
	while ((n = users_list(c->users, after, page, LIST_BATCH))) {
		for (size_t i = 0; i < n; i++)
			printf("%s\t%s\t%s\t%s\t%s\n", page[i].who.name, page[i].who.role, page[i].who.unit,
			       page[i].who.scope,
			       page[i].disabled        ? "disabled 停用"
			       : page[i].secret.log2_n ? "enabled 启用"
						       : "no password 未设密码");
		after = page[n - 1].who.name;
	}
	return 0;
}

static int change(struct user_command *c, const char *action)
{
	struct user u;
	if (c->argc != 1)
		return usage();
	if (users_get(c->users, c->argv[0], &u))
		return fail(c->argv[0], "no such account 无此账户");
	if (!strcmp(action, "password")) {
		int code = take_password(&u);
		return code ? code : put(c, &u, "user-password");
	}
	u.disabled = !strcmp(action, "disable");
	return put(c, &u, u.disabled ? "user-disable" : "user-enable");
}

static int act(struct user_command *c, const char *action)
{
	if (!strcmp(action, "add"))
		return add(c);
	if (!strcmp(action, "list"))
		return c->argc ? usage() : list(c);
	return change(c, action);
}

int cmd_user(int argc, char **argv)
{
	static const char *const actions[] = {"add", "list", "disable", "enable", "password"};
	struct engine *engine;
	size_t known = 0;
	while (argc >= 3 && known < sizeof actions / sizeof *actions && strcmp(argv[1], actions[known]) != 0)
		known++;
	if (argc < 3 || known == sizeof actions / sizeof *actions || argv[2][0] == '-')
		return usage();
	enum status status = asked_open("user", argv[2], strcmp(argv[1], "list") != 0, &engine);
	if (status)
		return 1;
	struct user_command c = {argc - 3, argv + 3, NULL};
	status = users_open(engine_store(engine), &c.users);
	int code = status ? fail(argv[2], status_text(status)) : act(&c, argv[1]);
	users_close(c.users);
	engine_close(engine);
	return code;
}
