#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/core/log.h"
#include "query/cli/tokens.h"

#define DIGEST "5994471abb01112afcc18159f6cc74b4f511b99806da59b3caf5a9c173cacfc5"

static struct http_token *tokens;
static size_t count;

static enum status read_text(const char *text)
{
	char path[] = "/tmp/zayton-tokens-XXXXXX";
	int fd = mkstemp(path);
	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	log_set_level(LOG_OFF);
	free(tokens);
	enum status status = tokens_read(path, &tokens, &count);
	unlink(path);
	return status;
}

Test(tokens, a_line_names_who_what_he_sees_and_what_he_is)
{
	cr_assert_eq(read_text("# who may ask\n\n" DIGEST " li all\n" DIGEST " wang village:白奇 read\n" DIGEST
			       " chen company:海湾仓储 enterprise 海湾仓储\n" DIGEST
			       " zhao all police 交警大队 read\n"),
		     STATUS_OK);
	cr_assert_eq(count, 4);
	cr_assert_eq(tokens[0].sha256[0], 0x59);
	cr_assert_str_eq(tokens[0].principal.role, "");
	cr_assert(!tokens[0].read_only && tokens[1].read_only && !tokens[2].read_only && tokens[3].read_only);
	cr_assert_str_eq(tokens[1].principal.scope, "village:白奇");
	cr_assert_str_eq(tokens[2].principal.role, "enterprise");
	cr_assert_str_eq(tokens[2].principal.unit, "海湾仓储");
	cr_assert_str_eq(tokens[3].principal.unit, "交警大队");
	free(tokens);
	tokens = NULL;
}

Test(tokens, an_auditor_only_reads)
{
	cr_assert_eq(read_text(DIGEST " shen all auditor 纪检\n"), STATUS_OK);
	cr_assert(tokens[0].read_only);
	free(tokens);
	tokens = NULL;
}

Test(tokens, what_is_no_line_is_refused)
{
	static const char *const lines[] = {DIGEST " li\n",
					    "abc li all\n",
					    DIGEST " li all office\n",
					    DIGEST " li all king 朝廷\n",
					    DIGEST " li all system 机器\n",
					    DIGEST " li all office 乡安办 write\n",
					    DIGEST " li all office 乡安办 read more\n"};
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
		cr_assert_eq(read_text(lines[i]), STATUS_INVALID, "%s", lines[i]);
	free(tokens);
	tokens = NULL;
}
