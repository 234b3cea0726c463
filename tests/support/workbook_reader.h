/* workbook_reader.h -- a workbook (xlsx) as a test sees it: parts by unzip(1), cells by expat.
 *
 *   workbook_open(&w, path);  sheet = workbook_sheet(&w, "汇总");  cell_at(sheet, row, column)->text
 *
 * What is not well-formed, or has a form that is not known here, fails the test. */
#ifndef ZAYTON_TESTS_WORKBOOK_READER_H
#define ZAYTON_TESTS_WORKBOOK_READER_H

#include <stdbool.h>
#include <stddef.h>

#define READER_SHEETS_MAX 12

struct reader_cell {
	unsigned row, column; /* from 0 */
	bool is_text;
	char *text;         /* of a number too, as it is written */
	const char *format; /* of its numbers ("yyyy-mm-dd"), "" when none of its own */
};

struct reader_sheet {
	char name[100];
	struct reader_cell *cells;
	size_t count;
	unsigned rows;         /* the last one with a cell, plus one */
	char frozen[32];       /* first cell that moves, "B2"; "" when nothing is frozen */
	char filter[32];       /* "A1:C9" */
	unsigned columns_wide; /* columns whose width is set */
};

struct workbook {
	struct reader_sheet sheets[READER_SHEETS_MAX];
	size_t count;
	char *formats[64]; /* by style */
	size_t format_count;
};

void workbook_open(struct workbook *w, const char *path);
void workbook_shut(struct workbook *w);
/* The test fails when there is none. */
const struct reader_sheet *workbook_sheet(const struct workbook *w, const char *name);
/* NULL: empty */
const struct reader_cell *cell_at(const struct reader_sheet *s, unsigned row, unsigned column);
/* The text at a place, "" when empty. */
const char *cell_text_at(const struct reader_sheet *s, unsigned row, unsigned column);
/* The column of a heading in the first row; the test fails when there is none. */
unsigned column_of(const struct reader_sheet *s, const char *heading);

#endif
