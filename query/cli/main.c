/* main.c -- zayton: one program, many commands. */
#include <stdio.h>
#include <string.h>

#include "query/cli/cli.h"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *english, *chinese;
} commands[] = {
	{"serve", cmd_serve, "take reports in and answer questions", "运行服务"},
	{"import", cmd_import, "read tracks, devices or fences from files", "导入轨迹、设备或围栏"},
	{"export", cmd_export, "write tracks and books of hazards to files", "导出轨迹、隐患表册"},
	{"query", cmd_query, "last positions, tracks, devices, violations", "查询位置、轨迹、设备、线索"},
	{"decode", cmd_decode, "explain captured frames, one JSON object each", "解析报文"},
	{"rules", cmd_rules, "check a file of rules, show what is shipped", "检查、显示规则"},
	{"links", cmd_links, "links with other platforms: a file checked, a server asked",
	 "平台级联:检查配置、查询、下发"},
	{"replay", cmd_replay, "judge what is stored again, by its rules or by others", "重算、规则回测"},
	{"command", cmd_command, "tell terminals something, see what they answered", "向终端下发命令"},
	{"check", cmd_check, "verify every checksum and invariant of a store", "校验数据目录"},
	{"info", cmd_info, "what is in a store", "数据目录概况"},
	{"user", cmd_user, "accounts of people, in a store that no one serves", "账户管理(停机时)"},
	{"outbox", cmd_outbox, "news for other systems: what waits, what is parked, sent again",
	 "消息推送:状态、人工重发"},
	{"settings", cmd_settings, "every setting, its range and its default", "全部设置项"},
};

static int help(FILE *to, int code)
{
	fprintf(to, "zayton " ZAYTON_VERSION "\nusage: zayton COMMAND [options]   (zayton COMMAND --help)\n\n");
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		fprintf(to, "  %-9s %s  %s\n", commands[i].name, commands[i].english, commands[i].chinese);
	return code;
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return help(stderr, 2);
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "help"))
		return help(stdout, 0);
	if (!strcmp(argv[1], "--version")) {
		puts("zayton " ZAYTON_VERSION);
		return 0;
	}
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		if (!strcmp(argv[1], commands[i].name))
			return commands[i].run(argc - 1, argv + 1);
	fprintf(stderr, "zayton: no command '%s'\n", argv[1]);
	return help(stderr, 2);
}
