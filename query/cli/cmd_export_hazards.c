/* cmd_export_hazards.c -- `export hazards`: a workbook of the register out of a store that no one serves, audited.
 *
 * The file is written under another name and takes its own when it is whole. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/core/clock.h"
#include "query/cli/asking.h"
#include "query/cli/cli.h"
#include "query/export/book_hazards.h"

static const char usage[] =
	"用法 usage: zayton export hazards --data DIR --kind " BOOK_KIND_CHOICES " [--name NAME] -o FILE.xlsx\n"
	"  --kind      lists: 六个清单 the six lists; village 一村一册, sector 一行业一册, enterprise 一企一档;\n"
	"              two, three, five: 两个、三个、五个清单\n"
	"  --name      村、行业、企业名称 of the village, sector or enterprise, exactly\n"
	"  --from --to 发现时间 found at or after, found before; without a zone UTC+8\n"
	"退出码 exit status: 0 done, 1 failed, 2 usage\n";

struct hazards_options {
	const char *data, *path;
	bool has_kind;
	struct span name;
	struct book_request request;
};

static int fail(const char *what, enum status status)
{
	fprintf(stderr, "zayton export hazards: %s: %s\n", what, status_text(status));
	return 1;
}

static int write_file(struct hazards *r, const struct hazards_options *o)
{
	char part[4096];
	if (snprintf(part, sizeof part, "%s.part", o->path) >= (int)sizeof part)
		return fail(o->path, STATUS_TOO_LONG);
	enum status status = book_hazards_write(r, &o->request, part);
	if (!status && !rename(part, o->path))
		return 0;
	if (status)
		fail(o->path, status);
	else
		fprintf(stderr, "zayton export hazards: %s: %s\n", o->path, strerror(errno));
	unlink(part);
	return 1;
}

static int write_audited(struct engine *e, const struct hazards_options *o)
{
	struct hazard_policy law = hazard_policy_default();
	struct hazards *r;
	char action[32], about[BOOK_ABOUT_MAX];
	snprintf(action, sizeof action, "hazard book %s", book_kind_token(o->request.kind));
	book_about(&o->request, about);
	enum status status =
		asked_audit(e, action, 0, o->request.filter.found_from_ms, o->request.filter.found_to_ms, about);
	if (!status)
		status = hazards_open(engine_store(e), &law, &r);
	if (status)
		return fail(o->data, status);
	int code = write_file(r, o);
	hazards_close(r);
	return code;
}

/* --- the command line --- */

enum { DATA = 256, KIND, NAME, FROM, TO };

static const struct option long_options[] = {
	{"data", required_argument, NULL, DATA},
	{"kind", required_argument, NULL, KIND},
	{"name", required_argument, NULL, NAME},
	{"from", required_argument, NULL, FROM},
	{"to", required_argument, NULL, TO},
	{"output", required_argument, NULL, 'o'},
	{NULL, 0, NULL, 0},
};

static bool take_option(int option, const char *text, struct hazards_options *o)
{
	struct hazard_filter *f = &o->request.filter;
	switch (option) {
	case DATA:
		o->data = text;
		return true;
	case KIND:
		o->has_kind = true;
		return !book_kind_parse(span_of_string(text), &o->request.kind);
	case NAME:
		o->name = span_of_string(text);
		return o->name.size > 0 && o->name.size <= HAZARD_VALUE_MAX;
	case FROM:
		return !asked_time(text, &f->found_from_ms);
	case TO:
		return !asked_time(text, &f->found_to_ms);
	case 'o':
		o->path = text;
		return true;
	default:
		return false;
	}
}

static bool options_parse(int argc, char **argv, struct hazards_options *o)
{
	int option;
	int64_t now_ms = clock_now_ms();
	*o = (struct hazards_options){
		.request = {.rows_max = BOOK_ROWS_MAX, .made_ms = now_ms, .maker = principal_local.name}};
	struct hazard_filter *f = &o->request.filter;
	f->today = hazard_day(now_ms);
	optind = 1;
	while ((option = getopt_long(argc, argv, "o:", long_options, NULL)) != -1)
		if (!take_option(option, optarg, o))
			return false;
	unsigned word = book_kind_word(o->request.kind);
	if (optind != argc || !o->data || !o->path || !o->has_kind || (word < HAZARD_WORD_COUNT) != (o->name.size > 0))
		return false;
	if (word < HAZARD_WORD_COUNT)
		f->words[word] = o->name;
	if (f->found_from_ms && !f->found_to_ms)
		f->found_to_ms = INT64_MAX;
	return !f->found_to_ms || f->found_from_ms < f->found_to_ms;
}

int cmd_export_hazards(int argc, char **argv)
{
	struct hazards_options o;
	struct engine *e;
	if (argc > 1 && strcmp(argv[1], "--help") == 0) {
		fputs(usage, stdout);
		return 0;
	}
	if (!options_parse(argc, argv, &o)) {
		fputs(usage, stderr);
		return 2;
	}
	if (asked_open("export hazards", o.data, true, &e))
		return 1;
	int code = write_audited(e, &o);
	engine_close(e);
	return code;
}
