#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "ingest/files/csv.h"
#include "memory_source.h"

/* Rows as text: fields between bars, each row behind its line number; statuses by name. */
static char *rows_of(const char *data, size_t size, size_t piece)
{
	struct memory_source source = memory_source_of(data, size, piece);
	struct csv *csv;
	struct csv_row row;
	char *text = NULL;
	size_t text_size = 0;
	FILE *f = open_memstream(&text, &text_size);
	cr_assert(csv_open(memory_source_read, &source, 0, &csv) == STATUS_OK);
	for (enum status status; (status = csv_next(csv, &row)) != STATUS_END;) {
		if (csv_is_fatal(status)) {
			fprintf(f, "%s\n", status_text(status));
			break;
		}
		fprintf(f, "%llu@%llu:", (unsigned long long)row.line, (unsigned long long)row.offset);
		for (size_t i = 0; !status && i < row.fields; i++)
			fprintf(f, "%s%.*s", i ? "|" : "", (int)csv_field(&row, i).size,
				(const char *)csv_field(&row, i).data);
		fprintf(f, "%s\n", status ? status_text(status) : "");
	}
	csv_close(csv);
	fclose(f);
	return text;
}

static void expect(const char *data, const char *wanted)
{
	for (size_t piece = 0; piece < 9; piece++) {
		char *rows = rows_of(data, strlen(data), piece);
		cr_assert(strcmp(rows, wanted) == 0, "in pieces of %zu:\n%s\ninstead of\n%s", piece, rows, wanted);
		free(rows);
	}
}

Test(csv, rows_and_fields_are_what_lies_between_the_marks)
{
	expect("a,b,c\n1,2,3\n,,\n", "1@0:a|b|c\n2@6:1|2|3\n3@12:||\n");
}

Test(csv, a_last_line_without_an_end_is_a_row)
{
	expect("a,b\n1,2", "1@0:a|b\n2@4:1|2\n");
	expect("a,b\n1,", "1@0:a|b\n2@4:1|\n");
	expect("a,b\n1,\"2\"", "1@0:a|b\n2@4:1|2\n");
}

Test(csv, crlf_ends_a_line_and_blank_lines_are_passed)
{
	expect("a,b\r\n\r\n1,2\r\n\n3,4\r\n", "1@0:a|b\n3@7:1|2\n5@13:3|4\n");
	expect("a,\"b\"\r\n1,\"2\"\r\n", "1@0:a|b\n2@7:1|2\n");
	expect("a,b\r\n1,2\r", "1@0:a|b\n2@5:1|2\n");
}

Test(csv, quoted_fields_hold_delimiters_quotes_and_line_ends)
{
	expect("a,b\n\"x,y\",\"say \"\"hi\"\"\"\n\"two\r\nlines\",z\nafter,it\n",
	       "1@0:a|b\n2@4:x,y|say \"hi\"\n3@23:two\r\nlines|z\n5@38:after|it\n");
	expect("a,b\n\"\",\"\"\n1,\"\"\n", "1@0:a|b\n2@4:|\n3@10:1|\n");
	expect("a\n\"\"\nb\n", "1@0:a\n2@2:\n3@5:b\n");
}

Test(csv, a_byte_order_mark_is_no_part_of_the_first_field)
{
	expect("\xef\xbb\xbf"
	       "a,b\n1,2\n",
	       "1@3:a|b\n2@7:1|2\n");
}

Test(csv, the_delimiter_is_found_in_the_first_line)
{
	expect("a;b;c,d\n1;2;3,4\n", "1@0:a|b|c,d\n2@8:1|2|3,4\n");
	expect("a\tb\n1\t2\n", "1@0:a|b\n2@4:1|2\n");
	expect("a|b\n1|2\n", "1@0:a|b\n2@4:1|2\n");
}

Test(csv, a_misplaced_quote_costs_its_line)
{
	expect("a,b\nx\"y,z\n1,2\n", "1@0:a|b\n2@4:malformed\n3@10:1|2\n");
	expect("a,b\n\"x\"y,z\n1,2\n", "1@0:a|b\n2@4:malformed\n3@11:1|2\n");
	expect("a,b\n\"x\"\ry\",z\n1,2\n", "1@0:a|b\n2@4:malformed\n3@13:1|2\n");
}

Test(csv, a_quote_that_is_never_closed_costs_its_line_and_not_the_file)
{
	expect("a,b\n\"x,y\n1,2\n3,4\n", "1@0:a|b\n2@4:malformed\n3@9:1|2\n4@13:3|4\n");
}

Test(csv, utf_16_is_told_from_text)
{
	struct memory_source source = memory_source_of("\xff\xfe"
						       "a\0,\0",
						       6, 0);
	struct csv *csv;
	struct csv_row row;
	cr_assert(csv_open(memory_source_read, &source, 0, &csv) == STATUS_OK);
	cr_assert(csv_next(csv, &row) == STATUS_UNSUPPORTED);
	csv_close(csv);
}

/* a head line, then a row of `size` bytes with its line end, then another row */
static char *file_with_row(size_t size, char first)
{
	char *data = malloc(size + 16);
	memcpy(data, "a,b\n", 4);
	memset(data + 4, 'x', size);
	data[4] = first;
	data[4 + size - 3] = ',';
	data[4 + size - 1] = '\n';
	memcpy(data + 4 + size, "1,2\n", 5);
	return data;
}

static void expect_long(size_t size, char first, enum status wanted)
{
	char *data = file_with_row(size, first);
	static const size_t pieces[] = {0, 100, 4096, 65536};
	for (int i = 0; i < 4; i++) {
		struct memory_source source = memory_source_of(data, strlen(data), pieces[i]);
		struct csv *csv;
		struct csv_row row;
		cr_assert(csv_open(memory_source_read, &source, ',', &csv) == STATUS_OK);
		cr_assert(csv_next(csv, &row) == STATUS_OK);
		enum status status = csv_next(csv, &row);
		cr_assert(status == wanted, "%zu bytes: %s", size, status_text(status));
		cr_assert(row.line == 2 && row.offset == 4);
		cr_assert(csv_next(csv, &row) == STATUS_OK);
		cr_assert(row.line == 3 && row.fields == 2 && csv_field(&row, 1).data[0] == '2');
		cr_assert(csv_next(csv, &row) == STATUS_END);
		csv_close(csv);
	}
	free(data);
}

Test(csv, a_row_may_have_csv_row_max_bytes_and_no_more)
{
	expect_long(CSV_ROW_MAX, 'x', STATUS_OK);
	expect_long(CSV_ROW_MAX + 1, 'x', STATUS_TOO_LONG);
	expect_long(20000, 'x', STATUS_OK);
	expect_long(CSV_ROW_MAX * 10, 'x', STATUS_TOO_LONG);
	expect_long(20000, '"', STATUS_MALFORMED);
}

Test(csv, a_row_may_have_csv_fields_max_fields_and_no_more)
{
	char data[2 * CSV_FIELDS_MAX + 16];
	for (int extra = 0; extra < 2; extra++) {
		size_t size = CSV_FIELDS_MAX - 1 + (size_t)extra;
		memset(data, ',', size);
		strcpy(data + size, "\n1,2\n");
		char *rows = rows_of(data, strlen(data), 0);
		cr_assert(!!strstr(rows, "longer than allowed") == extra);
		cr_assert(strstr(rows, ":1|2\n") != NULL);
		free(rows);
	}
}

Test(csv, a_failing_read_is_told_and_half_a_row_is_not_given_out)
{
	struct memory_source source = memory_source_of("a,b\n1,2\n3,4", 11, 4);
	struct csv *csv;
	struct csv_row row;
	source.fails_at = 10;
	cr_assert(csv_open(memory_source_read, &source, 0, &csv) == STATUS_OK);
	cr_assert(csv_next(csv, &row) == STATUS_OK);
	cr_assert(csv_next(csv, &row) == STATUS_OK);
	cr_assert(csv_next(csv, &row) == STATUS_IO);
	csv_close(csv);
}

Test(csv, an_empty_file_ends_at_once)
{
	expect("", "");
	expect("\n\r\n", "");
}

Test(csv, reading_goes_on_at_an_offset)
{
	static const char data[] = "a,b\n1,2\n3,4\n5,6\n";
	struct memory_source source = memory_source_of(data, sizeof data - 1, 0);
	struct csv *csv;
	struct csv_row row;
	cr_assert(csv_open(memory_source_read, &source, 0, &csv) == STATUS_OK);
	cr_assert(csv_next(csv, &row) == STATUS_OK && csv_next(csv, &row) == STATUS_OK);
	uint64_t offset = csv_offset(csv), line = csv_line(csv);
	cr_assert(offset == 8 && line == 3);
	source.at = offset;
	csv_resume(csv, offset, line);
	cr_assert(csv_next(csv, &row) == STATUS_OK);
	cr_assert(row.line == 3 && row.offset == 8 && csv_field(&row, 0).data[0] == '3');
	csv_close(csv);
}
