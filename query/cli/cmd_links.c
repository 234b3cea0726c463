/* cmd_links.c -- `links check FILE`: every mistake of a file of links at its line; `links show|asks|connectivity|ask|
 * answer`: a running server asked through the API, its answer as it comes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ingest/platform/links_file.h"
#include "query/cli/cli.h"
#include "query/cli/http_fetch.h"

static const char usage[] =
	"用法 usage: zayton links check FILE                                    检查级联配置\n"
	"            zayton links show SERVER                                   各链路状态\n"
	"            zayton links connectivity LINK SERVER                      平台连通率\n"
	"            zayton links asks LINK SERVER                              查岗、督办等及其应答\n"
	"            zayton links ask LINK JSON SERVER                          下发, 如 "
	"'{\"kind\":\"duty-check\",\"text\":\"在岗吗\"}'\n"
	"            zayton links answer LINK ID JSON SERVER                    应答上级, 如 '{\"text\":\"在岗\"}'\n"
	"  SERVER      http://HOST:PORT [TOKEN]\n"
	"退出码 exit status: 0 done, 1 mistakes or refused, 2 usage\n";

/* --- a file --- */

static void tell(void *path, unsigned line, const char *english, const char *chinese)
{
	fprintf(stderr, "%s:%u: %s %s\n", (const char *)path, line, english, chinese);
}

static int check(char *path)
{
	struct link_book book;
	enum status status = links_read(path, tell, path, &book);
	if (status && status != STATUS_MALFORMED)
		fprintf(stderr, "zayton links: %s: %s\n", path, status_text(status));
	if (status)
		return 1;
	for (size_t i = 0; i < book.count; i++)
		printf("%-8s %-31s %u %s\n", book.links[i].role == LINK_LOWER ? "lower" : "upper", book.links[i].name,
		       book.links[i].access_code, book.links[i].title);
	links_free(&book);
	return 0;
}

/* --- a server --- */

/* What a word asks for: a path with the link and, for answers, the id between. */
static const struct verb {
	const char *name;
	int words; /* between the verb and the server */
	const char *before, *after;
	bool posts; /* the last word is a JSON body */
} verbs[] = {
	{"show", 0, "/api/v1/links", "", false},         {"connectivity", 1, "/api/v1/links/", "/connectivity", false},
	{"asks", 1, "/api/v1/links/", "/asks", false},   {"ask", 2, "/api/v1/links/", "/asks", true},
	{"answer", 3, "/api/v1/links/", "/asks/", true},
};

static enum status target_of(const struct verb *v, char **words, struct buf *out)
{
	enum status status = buf_printf(out, "%s", v->before);
	if (!status && v->words)
		status = url_append(out, span_of_string(words[0]));
	if (!status)
		status = buf_printf(out, "%s", v->after);
	if (!status && v->words == 3)
		status = url_append(out, span_of_string(words[1]));
	if (!status && v->words == 3)
		status = buf_printf(out, "/answer");
	return status ? status : buf_append_u8(out, 0);
}

static int ask(const struct verb *v, char **words, int count)
{
	int code = 0;
	struct buf target = buf_init(4096);
	struct http_fetch f = {.base = words[v->words],
			       .token = count > v->words + 1 ? words[v->words + 1] : NULL,
			       .body = stdout,
			       .problem = stderr,
			       .posted = v->posts ? words[v->words - 1] : NULL};
	enum status status = target_of(v, words, &target);
	f.target = (const char *)target.data;
	if (!status)
		status = http_fetch(&f, &code);
	if (status)
		fprintf(stderr, "zayton links: %s: %s\n", f.base, status_text(status));
	buf_deinit(&target);
	return status || code < 200 || code > 299 ? 1 : 0;
}

int cmd_links(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "check") == 0)
		return check(argv[2]);
	for (size_t i = 0; argc > 1 && i < sizeof verbs / sizeof *verbs; i++) {
		int count = argc - 2, wanted = verbs[i].words + 1;
		if (strcmp(argv[1], verbs[i].name) == 0 && (count == wanted || count == wanted + 1))
			return ask(&verbs[i], argv + 2, count);
	}
	fputs(usage, argc == 2 && strcmp(argv[1], "--help") == 0 ? stdout : stderr);
	return argc == 2 && strcmp(argv[1], "--help") == 0 ? 0 : 2;
}
