/* decode_marine.c -- a file of sentences, line by line.
 *
 *   file -> chunk (64 KiB) -> pending -> lines -> marine_explain -> a line each
 *
 * `pending` holds less than one line between chunks; a line without end is refused and passed over. */
#include "query/cli/decode_marine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ingest/marine/explain_marine.h"

#define CHUNK_BYTES 65536u
#define JSON_BYTES_MAX (1u << 20)

static const char usage[] =
	"用法 usage: zayton decode ais|nmea|beidou [--local-time] [--codec TEXT] [FILE | -]\n"
	"  每条语句一行 JSON; 三种语句可混合, # 开头为注释.\n"
	"  One JSON object a sentence; the three kinds may be mixed. # begins a comment line.\n"
	"  --local-time  北斗语句内的时间为北京时间 times in Beidou sentences are UTC+8\n"
	"  --codec TEXT  北斗短报文内容的格式 how payloads are laid out, e.g.\n"
	"                \"acme big lat=0:4:e6 lon=4:4:e6 speed=8:2:dkn course=10:2:deg time=12:4:unix\"\n"
	"退出码 exit status: 0; 1 some sentence was refused, or a message never completed; 2 no input, usage\n";

struct decoder {
	FILE *in;
	struct marine_explainer explainer;
	struct rdss_codec codec;
	struct buf pending, json;
	bool passing; /* the rest of a line too long to be one */
	bool refused;
};

static void print_json(struct decoder *d)
{
	fwrite(d->json.data, 1, d->json.size, stdout);
	putchar('\n');
	buf_clear(&d->json);
}

static enum status take_line(struct decoder *d, struct span line)
{
	if (line.size && line.data[0] == '#') {
		d->explainer.line++;
		return STATUS_OK;
	}
	enum status refused = marine_explain(&d->explainer, line, &d->json);
	if (refused == STATUS_EMPTY)
		return STATUS_OK;
	if (refused == STATUS_NO_MEMORY || refused == STATUS_FULL)
		return refused;
	d->refused |= refused != STATUS_OK;
	print_json(d);
	return STATUS_OK;
}

/* All whole lines of `pending`. */
static enum status take_pending(struct decoder *d)
{
	struct span rest = buf_view(&d->pending), line;
	enum status status = STATUS_OK;
	while (!status && sentence_line_next(&rest, &line) != STATUS_NEED_MORE) {
		if (!d->passing)
			status = take_line(d, line);
		d->passing = false;
	}
	if (!status && rest.size > SENTENCE_LINE_MAX + 8) { /* no end in sight */
		if (!d->passing)
			status = take_line(d, rest);
		d->passing = true;
		rest.size = 0;
	}
	if (rest.size)
		memmove(d->pending.data, rest.data, rest.size);
	d->pending.size = rest.size;
	return status;
}

/* A last line needs no end. */
static enum status finish(struct decoder *d)
{
	enum status status = STATUS_OK;
	if (d->pending.size && !d->passing) {
		status = buf_append_u8(&d->pending, '\n');
		if (!status)
			status = take_pending(d);
	}
	uint64_t unfinished = marine_explainer_unfinished(&d->explainer);
	if (status || !unfinished)
		return status;
	d->refused = true;
	status = buf_printf(&d->json, "{\"refused\":\"%s\",\"reason\":\"messages never completed\",\"messages\":%llu}",
			    status_name(STATUS_NEED_MORE), (unsigned long long)unfinished);
	if (!status)
		print_json(d);
	return status;
}

static enum status decode_stream(struct decoder *d)
{
	enum status status = STATUS_OK;
	size_t n = 1;
	while (!status && n) {
		status = buf_reserve(&d->pending, CHUNK_BYTES);
		if (status)
			break;
		n = fread(d->pending.data + d->pending.size, 1, CHUNK_BYTES, d->in);
		d->pending.size += n;
		status = take_pending(d);
	}
	if (!status && ferror(d->in))
		status = STATUS_IO;
	if (!status)
		status = finish(d);
	if (fflush(stdout) || ferror(stdout))
		status = STATUS_IO;
	return status;
}

static int decode_file(struct decoder *d, const char *path)
{
	bool standard = strcmp(path, "-") == 0;
	d->in = standard ? stdin : fopen(path, "rb");
	if (!d->in) {
		fprintf(stderr, "zayton decode: %s: %s\n", path, strerror(errno));
		return 2;
	}
	d->pending = buf_init(2 * CHUNK_BYTES);
	d->json = buf_init(JSON_BYTES_MAX);
	enum status status = decode_stream(d);
	if (status)
		fprintf(stderr, "zayton decode: %s: %s\n", path, status_text(status));
	buf_deinit(&d->pending);
	buf_deinit(&d->json);
	if (!standard)
		fclose(d->in);
	return status ? 2 : d->refused ? 1 : 0;
}

bool decode_marine_knows(const char *kind)
{
	return strcmp(kind, "ais") == 0 || strcmp(kind, "nmea") == 0 || strcmp(kind, "beidou") == 0;
}

static bool take_codec(struct decoder *d, const char *text)
{
	struct span wrong;
	if (rdss_codec_parse(span_of_string(text), &d->codec, &wrong)) {
		fprintf(stderr, "zayton decode: --codec: %.*s\n", (int)wrong.size, (const char *)wrong.data);
		return false;
	}
	d->explainer.codec = &d->codec;
	return true;
}

int decode_marine(int argc, char **argv)
{
	struct decoder d = {0};
	const char *path = NULL;
	bool wrong = false;
	if (marine_explainer_init(&d.explainer)) {
		fprintf(stderr, "zayton decode: %s\n", status_text(STATUS_NO_MEMORY));
		return 2;
	}
	for (int i = 2; i < argc && !wrong; i++) {
		if (strcmp(argv[i], "--local-time") == 0)
			d.explainer.rdss.time_is_local = true;
		else if (strcmp(argv[i], "--codec") == 0 && i + 1 < argc)
			wrong = !take_codec(&d, argv[++i]);
		else if (!path && (argv[i][0] != '-' || argv[i][1] == '\0'))
			path = argv[i];
		else
			wrong = true;
	}
	if (wrong)
		fputs(usage, stderr);
	int result = wrong ? 2 : decode_file(&d, path ? path : "-");
	marine_explainer_deinit(&d.explainer);
	return result;
}
