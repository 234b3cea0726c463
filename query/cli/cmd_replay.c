/* cmd_replay.c -- `zayton replay`: what is stored, judged once more; nothing is changed.
 *
 *   reports of a store ──> engine_replay, by the stored rules ──> findings          --compare: are they what stands?
 *                                       by those of a file    ──> findings against what stands, rule by rule */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/core/clock.h"
#include "query/cli/asking.h"
#include "query/cli/cli.h"
#include "query/cli/progress_bar.h"
#include "query/cli/rules_file.h"
#include "query/export/json_out.h"
#include "query/export/replay_table.h"

#define ROW_BYTES_MAX 8192

static const char usage[] =
	"用法 usage: zayton replay --data DIR [options]\n"
	"  --rules FILE         用此规则文件回测 try this file of rules; default: 已存规则 the rules of the store\n"
	"  --from T --to T      起止时间内开始的线索 findings that began within; default: all\n"
	"  --as-of T            以此时刻为准 reports up to then, and what is open as of then; default: now\n"
	"  --threads N          线程数 1..64 (1)\n"
	"  --compare            与库内逐字节比较 byte for byte against what stands in the store;\n"
	"                       without --as-of only what has ended 未给 --as-of 时只比较已结束的\n"
	"  --format ndjson|summary   default: ndjson, 回测时 with --rules summary\n"
	"退出码 exit status: 0 done, 1 failed or different, 2 usage\n";

enum output { OUTPUT_DEFAULT, OUTPUT_NDJSON, OUTPUT_SUMMARY };

struct replay_asked {
	const char *data, *rules;
	int64_t from_ms, to_ms, as_of_ms;
	bool as_of_given, compare;
	unsigned threads;
	enum output output;
};

struct job {
	const struct replay_asked *asked;
	struct engine *engine;
	struct rulebook *book; /* NULL: the stored ones */
	struct replay_result found, standing;
	pthread_mutex_t lock;
	struct progress_bar bar;
};

static void on_progress(void *context, size_t done, size_t devices)
{
	struct job *job = context;
	if (pthread_mutex_trylock(&job->lock))
		return; /* another thread is drawing */
	job->bar.total = devices;
	progress_bar_show(&job->bar, done, done, 0);
	pthread_mutex_unlock(&job->lock);
}

static enum status judge(struct job *job)
{
	const struct replay_asked *a = job->asked;
	struct context *context = engine_context(job->engine);
	struct judged_by *by = NULL;
	enum status status = STATUS_OK;
	if (job->book)
		status = context_with_rules(context, job->book, &by);
	else
		by = context_take(context);
	if (status)
		return status;
	struct replay_options options = {.by = by,
					 .from_ms = a->from_ms,
					 .to_ms = a->to_ms,
					 .as_of_ms = a->as_of_ms,
					 .threads = a->threads,
					 .digests = !job->book,
					 .progress = on_progress,
					 .context = job};
	job->bar = progress_bar_init(0, 0);
	job->bar.unit = "devices 设备";
	status = engine_replay(job->engine, &options, &job->found);
	progress_bar_end(&job->bar);
	judged_by_release(by);
	if (!status && (job->book || a->compare))
		status = engine_findings_standing(job->engine, a->from_ms, a->to_ms, &job->standing);
	return status;
}

/* --- saying it --- */

static void put_hex(struct json_out *j, const char *key, uint64_t v)
{
	jout_key(j, key);
	if (v)
		jout_hex64(j, v);
	else
		jout_null(j);
}

static void put_integer(struct json_out *j, const char *key, int64_t v)
{
	jout_key(j, key);
	jout_integer(j, v);
}

static void put_finding(struct json_out *j, const struct finding *f)
{
	jout_open(j, '{');
	jout_key(j, "rule");
	jout_string(j, f->rule);
	jout_key(j, "kind");
	jout_string(j, rule_kind_token(f->kind));
	put_hex(j, "device", f->device);
	put_hex(j, "driver", f->driver);
	put_hex(j, "other", f->other);
	jout_key(j, "fence");
	jout_string(j, f->fence);
	put_integer(j, "start_ms", f->start_ms);
	put_integer(j, "end_ms", f->end_ms);
	put_integer(j, "found_ms", f->found_ms);
	jout_key(j, "open");
	jout_bool(j, f->open);
	put_integer(j, "confidence", f->confidence);
	jout_key(j, "numbers");
	jout_open(j, '{');
	for (unsigned n = 0; n < FINDING_NUMBER_COUNT; n++)
		if (f->numbers[n] != NUMBER_UNKNOWN)
			put_integer(j, finding_number_token(n), f->numbers[n]);
	jout_close(j, '}');
	jout_close(j, '}');
	if (!j->status)
		j->status = buf_append_u8(j->out, '\n');
}

static enum status print_finding(const struct finding *f, FILE *to)
{
	struct buf row = buf_init(ROW_BYTES_MAX);
	struct json_out j = json_out_init(&row);
	put_finding(&j, f);
	enum status status = j.status ? j.status : asked_flush(&row, to);
	buf_deinit(&row);
	return status;
}

static enum status print_findings(const struct replay_result *found)
{
	struct buf rows = buf_init(1u << 20);
	enum status status = STATUS_OK;
	for (size_t i = 0; i < found->count && !status; i++) {
		struct json_out j = json_out_init(&rows);
		put_finding(&j, &found->findings[i]);
		status = j.status;
		if (!status && (rows.size > rows.max - ROW_BYTES_MAX || i + 1 == found->count))
			status = asked_flush(&rows, stdout);
	}
	buf_deinit(&rows);
	return status;
}

static enum status print_summary(struct job *job)
{
	struct replay_count *rows = NULL;
	size_t count = 0;
	bool backtest = job->book != NULL;
	enum status status = replay_table(&job->found, &job->standing, &rows, &count);
	if (!status && backtest)
		printf("%-24s %10s %10s %10s %10s %10s\n", "rule 规则", "found", "standing", "both", "before", "now");
	for (size_t i = 0; i < count && !status; i++)
		if (backtest)
			printf("%-24s %10zu %10zu %10zu %10zu %10zu\n", rows[i].rule, rows[i].found, rows[i].standing,
			       rows[i].both, rows[i].only_before, rows[i].only_now);
		else
			printf("%-24s %10zu  open 未结束 %zu\n", rows[i].rule, rows[i].found, rows[i].open);
	if (!status)
		printf("reports 报文 %" PRIu64 ", findings 线索 %zu\n", job->found.reports, job->found.count);
	free(rows);
	return status;
}

static void keep_ended(struct replay_result *r)
{
	size_t kept = 0;
	for (size_t i = 0; i < r->count; i++)
		if (!r->findings[i].open)
			r->findings[kept++] = r->findings[i];
	r->count = kept;
}

/* STATUS_CONFLICT: they differ, and where was said. */
static enum status compare(struct job *job)
{
	bool same;
	size_t at;
	if (!job->asked->as_of_given) {
		keep_ended(&job->found);
		keep_ended(&job->standing);
	}
	enum status status = replay_first_difference(&job->found, &job->standing, &same, &at);
	if (status)
		return status;
	printf("replay 重算 %zu, standing 库内 %zu: %s\n", job->found.count, job->standing.count,
	       same ? "the same 一致" : "different 不一致");
	fflush(stdout);
	if (same)
		return STATUS_OK;
	fprintf(stderr, "first difference 首处不同: %zu\nreplay 重算:   %s", at + 1,
		at < job->found.count ? "" : "-\n");
	if (at < job->found.count)
		status = print_finding(&job->found.findings[at], stderr);
	fprintf(stderr, "standing 库内: %s", at < job->standing.count ? "" : "-\n");
	if (at < job->standing.count && !status)
		status = print_finding(&job->standing.findings[at], stderr);
	return status ? status : STATUS_CONFLICT;
}

static enum status say(struct job *job)
{
	enum output output = job->asked->output;
	if (job->asked->compare)
		return compare(job);
	if (output == OUTPUT_DEFAULT)
		output = job->book ? OUTPUT_SUMMARY : OUTPUT_NDJSON;
	return output == OUTPUT_NDJSON ? print_findings(&job->found) : print_summary(job);
}

static int replay(const struct replay_asked *asked)
{
	struct job job = {.asked = asked, .lock = PTHREAD_MUTEX_INITIALIZER};
	if (asked->rules && rules_file_open(asked->rules, language_of_environment(environ), &job.book))
		return 1;
	enum status status = asked_open("replay", asked->data, false, &job.engine);
	bool opened = status == STATUS_OK;
	if (!status)
		status = judge(&job);
	if (!status)
		status = say(&job);
	if (opened && status && status != STATUS_CONFLICT)
		fprintf(stderr, "zayton replay: %s\n", status_text(status));
	free(job.found.findings);
	free(job.standing.findings);
	if (opened)
		engine_close(job.engine);
	rulebook_unref(job.book);
	return status ? 1 : 0;
}

/* --- the command line --- */

enum { DATA = 256, RULES, FROM, TO, AS_OF, THREADS, COMPARE, FORMAT };

static const struct option long_options[] = {
	{"data", required_argument, NULL, DATA},
	{"rules", required_argument, NULL, RULES},
	{"from", required_argument, NULL, FROM},
	{"to", required_argument, NULL, TO},
	{"as-of", required_argument, NULL, AS_OF},
	{"threads", required_argument, NULL, THREADS},
	{"compare", no_argument, NULL, COMPARE},
	{"format", required_argument, NULL, FORMAT},
	{NULL, 0, NULL, 0},
};

static bool wrong(const char *option, const char *value, const char *wanted)
{
	fprintf(stderr, "zayton replay: --%s %s: %s\n", option, value, wanted);
	return false;
}

static bool take_threads(const char *text, unsigned *out)
{
	char *end;
	errno = 0;
	unsigned long v = strtoul(text, &end, 10);
	if (errno || *end || end == text || *text == '-' || v < 1 || v > SHARDS_MAX)
		return wrong("threads", text, "wanted a number from 1 to 64");
	*out = (unsigned)v;
	return true;
}

static bool take_output(const char *text, enum output *out)
{
	*out = strcmp(text, "ndjson") == 0 ? OUTPUT_NDJSON : OUTPUT_SUMMARY;
	return strcmp(text, "ndjson") == 0 || strcmp(text, "summary") == 0 ||
	       wrong("format", text, "wanted ndjson or summary");
}

static bool take_option(int option, const char *text, struct replay_asked *a)
{
	switch (option) {
	case DATA:
		a->data = text;
		return true;
	case RULES:
		a->rules = text;
		return true;
	case FROM:
		return !asked_time(text, &a->from_ms) || wrong("from", text, "wanted a time");
	case TO:
		return !asked_time(text, &a->to_ms) || wrong("to", text, "wanted a time");
	case AS_OF:
		a->as_of_given = true;
		return !asked_time(text, &a->as_of_ms) || wrong("as-of", text, "wanted a time");
	case THREADS:
		return take_threads(text, &a->threads);
	case COMPARE:
		return a->compare = true;
	case FORMAT:
		return take_output(text, &a->output);
	default:
		return false;
	}
}

static bool options_parse(int argc, char **argv, struct replay_asked *a)
{
	int option;
	*a = (struct replay_asked){.from_ms = INT64_MIN, .to_ms = INT64_MAX, .as_of_ms = clock_now_ms(), .threads = 1};
	optind = 1;
	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		if (!take_option(option, optarg, a))
			return false;
	const char *missing = !a->data                 ? "--data DIR is wanted"
			      : optind != argc         ? "no word is wanted but options"
			      : a->rules && a->compare ? "--compare is against the store's own rules"
						       : NULL;
	if (missing)
		fprintf(stderr, "zayton replay: %s\n", missing);
	return !missing;
}

int cmd_replay(int argc, char **argv)
{
	struct replay_asked asked;
	if (argc > 1 && strcmp(argv[1], "--help") == 0) {
		fputs(usage, stdout);
		return 0;
	}
	if (!options_parse(argc, argv, &asked)) {
		fputs(usage, stderr);
		return 2;
	}
	return replay(&asked);
}
