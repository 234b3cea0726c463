#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/core/clock.h"
#include "engine/series/report.h"
#include "ingest/files/capture.h"
#include "memory_source.h"

static char *runs_of(const char *data, size_t size, size_t piece)
{
	struct memory_source source = memory_source_of(data, size, piece);
	struct capture *c;
	struct capture_run run;
	char *text = NULL, hex[256];
	size_t text_size = 0;
	FILE *f = open_memstream(&text, &text_size);
	cr_assert(capture_open(memory_source_read, &source, CAPTURE_DETECT, CHINA_OFFSET_MS, &c) == STATUS_OK);
	for (enum status status; (status = capture_next(c, 0, &run)) != STATUS_END;) {
		hex_encode(hex, span_of(run.bytes.data, status ? 0 : run.bytes.size));
		fprintf(f, "%llu@%llu %lld %s\n", (unsigned long long)run.line, (unsigned long long)run.offset,
			(long long)(run.received_ms == RECEIVED_UNKNOWN ? -1 : run.received_ms),
			status ? status_text(status) : hex);
	}
	capture_close(c);
	fclose(f);
	return text;
}

static void expect(const char *data, const char *wanted)
{
	for (size_t piece = 0; piece < 4; piece++) {
		char *runs = runs_of(data, strlen(data), piece);
		cr_assert(strcmp(runs, wanted) == 0, "%s\ninstead of\n%s", runs, wanted);
		free(runs);
	}
}

Test(capture, hex_lines_give_bytes_with_their_time_of_receipt)
{
	expect("7E0200\n# a comment\n\n1779971200250 7e 02 00 7e\r\n2026-05-28T20:26:40.250+08:00\t7E7e\n"
	       "2026-05-28 20:26:40 7E7E\n",
	       "1@0 -1 7e0200\n4@20 1779971200250 7e02007e\n5@47 1779971200250 7e7e\n6@82 1779971200000 7e7e\n");
}

Test(capture, a_wrong_line_is_told_and_the_next_one_read)
{
	expect("7E7E\n7E7\n2026-02-30T00:00:00Z 7E7E\n1779971200250\n7E7E",
	       "1@0 -1 7e7e\n2@5 -1 malformed\n3@9 -1 not a valid time\n4@35 1779971200250 malformed\n5@49 -1 7e7e\n");
}

Test(capture, raw_bytes_are_given_out_with_what_was_left_unused)
{
	static const char data[] = "\x7e\x02\x00\x7e\x7e\x01";
	struct memory_source source = memory_source_of(data, 6, 0);
	struct capture *c;
	struct capture_run run;
	cr_assert(capture_open(memory_source_read, &source, CAPTURE_DETECT, 0, &c) == STATUS_OK);
	cr_assert(capture_next(c, 0, &run) == STATUS_OK);
	cr_assert(run.bytes.size == 6 && run.offset == 0 && run.line == 0 && run.last);
	cr_assert(run.received_ms == RECEIVED_UNKNOWN && capture_form(c) == CAPTURE_RAW);
	cr_assert(capture_next(c, 2, &run) == STATUS_END);
	capture_close(c);
}

Test(capture, unused_bytes_come_again_before_the_next_piece)
{
	size_t size = CAPTURE_LINE_MAX + 1000;
	char *data = malloc(size);
	for (size_t i = 0; i < size; i++)
		data[i] = (char)(i * 7 + 1);
	struct memory_source source = memory_source_of(data, size, 5000);
	struct capture *c;
	struct capture_run run;
	cr_assert(capture_open(memory_source_read, &source, CAPTURE_DETECT, 0, &c) == STATUS_OK);
	cr_assert(capture_next(c, 0, &run) == STATUS_OK);
	cr_assert(run.bytes.size == CAPTURE_LINE_MAX && !run.last);
	cr_assert(capture_next(c, 300, &run) == STATUS_OK);
	cr_assert(run.bytes.size == 1300 && run.last && run.offset == CAPTURE_LINE_MAX - 300);
	cr_assert(memcmp(run.bytes.data, data + CAPTURE_LINE_MAX - 300, 1300) == 0);
	cr_assert(capture_next(c, 0, &run) == STATUS_END);
	cr_assert(capture_next(c, CAPTURE_LINE_MAX, &run) == STATUS_INVALID);
	capture_close(c);
	free(data);
}

Test(capture, a_line_longer_than_allowed_is_passed)
{
	size_t size = CAPTURE_LINE_MAX + 100;
	char *data = malloc(size + 8);
	memset(data, '7', size);
	strcpy(data + size, "\n7E7E\n");
	char *runs = runs_of(data, size + 6, 0);
	cr_assert(strcmp(runs, "1@0 -1 longer than allowed\n2@262245 -1 7e7e\n") == 0, "%s", runs);
	free(runs);
	free(data);
}

Test(capture, reading_goes_on_at_a_line)
{
	static const char data[] = "7E01\n7E02\n7E03\n";
	struct memory_source source = memory_source_of(data, sizeof data - 1, 0);
	struct capture *c;
	struct capture_run run;
	cr_assert(capture_open(memory_source_read, &source, CAPTURE_HEX, 0, &c) == STATUS_OK);
	cr_assert(capture_next(c, 0, &run) == STATUS_OK);
	cr_assert(capture_offset(c) == 5 && capture_line(c) == 2);
	source.at = 5;
	capture_resume(c, 5, 2);
	cr_assert(capture_next(c, 0, &run) == STATUS_OK);
	cr_assert(run.line == 2 && run.bytes.data[1] == 2);
	capture_close(c);
}
