/* cmd_rules.c -- `zayton rules`: a file of rules checked, or shown as a table.
 *
 *   FILE ──> rulebook_parse ──> FILE:LINE: text, for each mistake      exit status 1
 *                          └──> id  kind  classes  where  when  rows  title */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "query/cli/cli.h"
#include "query/cli/rules_file.h"

static const char usage[] =
	"用法 usage: zayton rules check FILE [--lang zh|en]\n"
	"            zayton rules show [FILE | --default] [--lang zh|en]\n"
	"  check      逐行列出规则文件的错误 | every mistake of a rules file, as FILE:LINE: text\n"
	"  show       规则一览表, 缺省为内置规则 | the rules as a table; of the program when no file is named\n"
	"  --default  内置规则原文, 可作为自定规则的起点 | the text of the program's rules, to begin one's own with\n"
	"  --lang     错误说明的语言, 缺省按 LANG | of what is said of mistakes; by LANG when left out\n";

static int check(const char *path, enum language language)
{
	struct rulebook *book;
	if (rules_file_open(path, language, &book))
		return 1;
	printf("%s: 规则 %u 条, 无错误 | %u rules, no mistake\n", path, book->count, book->count);
	rulebook_unref(book);
	return 0;
}

static int show(const char *path, enum language language)
{
	struct rulebook *book;
	struct buf table = buf_init(4u << 20);
	if (rules_file_open(path, language, &book))
		return 1;
	enum status status = rulebook_table(book, &table);
	if (!status)
		fwrite(table.data, 1, table.size, stdout);
	else
		fprintf(stderr, "zayton rules: %s\n", status_text(status));
	buf_deinit(&table);
	rulebook_unref(book);
	return status ? 1 : 0;
}

static bool language_is_known(const char *text)
{
	return !strcmp(text, "zh") || !strcmp(text, "en");
}

int cmd_rules(int argc, char **argv)
{
	enum language language = language_of_environment(environ);
	if (argc > 3 && !strcmp(argv[argc - 2], "--lang") && language_is_known(argv[argc - 1])) {
		language = language_of(argv[argc - 1]);
		argc -= 2;
	}
	const char *verb = argc > 1 ? argv[1] : "", *file = argc > 2 ? argv[2] : NULL;
	bool option = file && file[0] == '-';
	if (!strcmp(verb, "--help")) {
		fputs(usage, stdout);
		return 0;
	}
	if (!strcmp(verb, "check") && argc == 3 && !option)
		return check(file, language);
	if (!strcmp(verb, "show") && argc <= 3 && !option)
		return show(file, language);
	if (!strcmp(verb, "show") && file && argc == 3 && !strcmp(file, "--default")) {
		struct span text = rules_default();
		fwrite(text.data, 1, text.size, stdout);
		return 0;
	}
	fputs(usage, stderr);
	return 2;
}
