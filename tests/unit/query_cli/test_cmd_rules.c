/* zayton rules: a file's mistakes with their lines, the shipped rules as table and as text. */
#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/detect/rules.h"
#include "query/cli/cli.h"

static char folder[64], path[96];

static void folder_make(void)
{
	snprintf(folder, sizeof folder, "/tmp/zayton-rules-XXXXXX");
	cr_assert_not_null(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/own.rules", folder);
	cr_redirect_stdout();
	cr_redirect_stderr();
}

static void folder_remove(void)
{
	unlink(path);
	rmdir(folder);
}

TestSuite(cmd_rules, .init = folder_make, .fini = folder_remove);

static void write_file(struct span text)
{
	FILE *f = fopen(path, "wb");
	cr_assert_not_null(f);
	cr_assert_eq(fwrite(text.data, 1, text.size, f), text.size);
	cr_assert_eq(fclose(f), 0);
}

static int run(char *first, char *second, char *third)
{
	char *argv[] = {"rules", first, second, third, NULL};
	int argc = 1;
	while (argv[argc])
		argc++;
	int code = cmd_rules(argc, argv);
	fflush(stdout);
	fflush(stderr);
	return code;
}

/* What is in the redirected stream, NUL-terminated; the caller frees. */
static char *all_of(FILE *f)
{
	struct buf b = buf_init(1 << 20);
	char piece[4096];
	size_t n;
	while ((n = fread(piece, 1, sizeof piece, f)) > 0)
		cr_assert_eq(buf_append(&b, piece, n), STATUS_OK);
	cr_assert_eq(buf_append_u8(&b, 0), STATUS_OK);
	return (char *)b.data;
}

Test(cmd_rules, check_says_each_mistake_as_file_line_text_and_fails)
{
	char expected[512];
	write_file(span_of_string("[a]\nkind = overspeed\ntitle = 一 | One\nsource = law\nlimit = 80\ncolour = red\n"));
	cr_expect_eq(run("check", path, NULL), 1);
	snprintf(expected, sizeof expected, "%s:5: limit: '80' has no unit (km/h)\n%s:6: 'colour': no such key\n", path,
		 path);
	cr_expect_stderr_eq_str(expected);
}

Test(cmd_rules, mistakes_are_told_in_the_language_asked_for_or_of_the_environment)
{
	char expected[1024];
	char *asked[] = {"rules", "check", path, "--lang", "zh", NULL},
	     *english[] = {"rules", "check", path, "--lang", "en", NULL};
	write_file(span_of_string("[a]\nkind = overspeed\ntitle = 一 | One\nsource = law\nlimit = 80\ncolour = red\n"));
	cr_expect_eq(cmd_rules(5, asked), 1);
	cr_expect_eq(setenv("LC_ALL", "zh_CN.UTF-8", 1), 0);
	cr_expect_eq(run("check", path, NULL), 1);
	cr_expect_eq(cmd_rules(5, english), 1);
	asked[4] = "fr";
	cr_expect_eq(cmd_rules(5, asked), 2);
	fflush(stderr);
	char *said = all_of(cr_get_redirected_stderr());
	snprintf(expected, sizeof expected,
		 "%s:5: limit: “80”没有单位 (km/h)\n%s:6: “colour”: 没有这个键\n"
		 "%s:5: limit: “80”没有单位 (km/h)\n%s:6: “colour”: 没有这个键\n"
		 "%s:5: limit: '80' has no unit (km/h)\n%s:6: 'colour': no such key\n",
		 path, path, path, path, path, path);
	cr_expect_eq(strncmp(said, expected, strlen(expected)), 0, "%s", said);
	free(said);
}

Test(cmd_rules, check_takes_the_shipped_rules)
{
	write_file(rules_default());
	cr_expect_eq(run("check", path, NULL), 0);
	char *said = all_of(cr_get_redirected_stdout());
	cr_expect_not_null(strstr(said, "90 rules, no mistake"), "%s", said);
	free(said);
}

Test(cmd_rules, check_says_that_a_file_is_missing)
{
	char expected[256];
	snprintf(expected, sizeof expected, "%s: No such file or directory\n", path);
	cr_expect_eq(run("check", path, NULL), 1);
	cr_expect_stderr_eq_str(expected);
}

Test(cmd_rules, show_prints_the_rules_of_the_program_or_of_a_file)
{
	write_file(span_of_string("[mine]\nkind = unregistered\ntitle = 一 | One\nsource = law\n"));
	cr_expect_eq(run("show", path, NULL), 0);
	cr_expect_eq(run("show", NULL, NULL), 0);
	char *said = all_of(cr_get_redirected_stdout());
	cr_expect_not_null(strstr(said, "\nmine "), "%s", said);
	cr_expect_not_null(strstr(said, "\noverspeed-zone-live "), "%s", said);
	free(said);
}

Test(cmd_rules, show_default_prints_the_shipped_text_byte_for_byte)
{
	cr_expect_eq(run("show", "--default", NULL), 0);
	char *said = all_of(cr_get_redirected_stdout());
	cr_expect(span_equal(span_of_string(said), rules_default()));
	free(said);
}

Test(cmd_rules, another_command_line_is_answered_with_the_usage)
{
	cr_expect_eq(run(NULL, NULL, NULL), 2);
	cr_expect_eq(run("check", NULL, NULL), 2);
	cr_expect_eq(run("check", "--default", NULL), 2);
	cr_expect_eq(run("show", "--all", NULL), 2);
	cr_expect_eq(run("show", path, path), 2);
	cr_expect_eq(run("print", path, NULL), 2);
	cr_expect_eq(run("--help", NULL, NULL), 0);
}
