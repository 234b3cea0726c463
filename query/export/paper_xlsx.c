/* paper_xlsx.c -- a table as a workbook: title, merged headings and frozen panes, real dates and percentages.
 *
 *   row 0            the title over all columns
 *   rows 1 .. L      headings, L levels
 *   from L + 1 on    rows; the panes above and the first column stay
 *   sheet 说明         the notes */
#include <stdio.h>

#include <xlsxwriter.h>

#include "engine/core/log.h"
#include "query/export/paper.h"

/* rows of a sheet of Excel and LibreOffice */
#define SHEET_ROWS_MAX 1048576
#define S_PER_DAY 86400

struct sheet_out {
	const struct paper *paper;
	lxw_workbook *workbook;
	lxw_worksheet *sheet;
	lxw_format *title, *head, *date, *share, *wrap;
	lxw_error failed; /* the library's first complaint */
};

static void take(struct sheet_out *s, lxw_error error)
{
	if (!s->failed)
		s->failed = error;
}

/* The library wants a NUL behind it. */
static void write_text(struct sheet_out *s, lxw_worksheet *sheet, lxw_row_t row, lxw_col_t column, struct span text,
		       lxw_format *format)
{
	char copy[4096];
	size_t size = text.size < sizeof copy ? text.size : sizeof copy - 1;
	while (size < text.size && size && (text.data[size] & 0xc0) == 0x80)
		size--;
	if (!size)
		return;
	memcpy(copy, text.data, size);
	copy[size] = '\0';
	take(s, worksheet_write_string(sheet, row, column, copy, format));
}

static void make_formats(struct sheet_out *s)
{
	s->title = workbook_add_format(s->workbook);
	format_set_bold(s->title);
	format_set_font_size(s->title, 16);
	format_set_align(s->title, LXW_ALIGN_CENTER);
	s->head = workbook_add_format(s->workbook);
	format_set_bold(s->head);
	format_set_align(s->head, LXW_ALIGN_CENTER);
	format_set_align(s->head, LXW_ALIGN_VERTICAL_CENTER);
	format_set_border(s->head, LXW_BORDER_THIN);
	format_set_text_wrap(s->head);
	s->date = workbook_add_format(s->workbook);
	format_set_num_format(s->date, "yyyy-mm-dd");
	s->share = workbook_add_format(s->workbook);
	format_set_num_format(s->share, "0.00%");
	s->wrap = workbook_add_format(s->workbook);
	format_set_text_wrap(s->wrap);
}

static void write_heading(struct sheet_out *s, size_t column, size_t level)
{
	size_t columns, levels;
	char copy[256] = "";
	struct span text = paper_heading(s->paper, column, level);
	paper_heading_size(s->paper, column, level, &columns, &levels);
	if (!columns)
		return;
	memcpy(copy, text.data, text.size < sizeof copy ? text.size : sizeof copy - 1);
	lxw_row_t row = (lxw_row_t)(1 + level);
	lxw_col_t first = (lxw_col_t)column;
	if (columns * levels == 1)
		take(s, worksheet_write_string(s->sheet, row, first, copy, s->head));
	else
		take(s, worksheet_merge_range(s->sheet, row, first, (lxw_row_t)(row + levels - 1),
					      (lxw_col_t)(column + columns - 1), copy, s->head));
}

static void write_headings(struct sheet_out *s)
{
	const struct paper *p = s->paper;
	lxw_col_t last = (lxw_col_t)(p->column_count - 1);
	if (last)
		take(s, worksheet_merge_range(s->sheet, 0, 0, 0, last, p->title, s->title));
	else
		take(s, worksheet_write_string(s->sheet, 0, 0, p->title, s->title));
	for (size_t i = 0; i < p->column_count; i++)
		take(s, worksheet_set_column(s->sheet, (lxw_col_t)i, (lxw_col_t)i, p->columns[i].width, NULL));
	for (size_t level = 0; level < paper_levels(p); level++)
		for (size_t i = 0; i < p->column_count; i++)
			write_heading(s, i, level);
}

static void write_cell(struct sheet_out *s, lxw_row_t row, lxw_col_t column, const struct paper_cell *c)
{
	char room[PAPER_ROOM];
	switch ((enum paper_cell_kind)c->kind) {
	case PAPER_CELL_NONE:
		break;
	case PAPER_CELL_TEXT:
		write_text(s, s->sheet, row, column, paper_cell_text(s->paper, c, room), NULL);
		break;
	case PAPER_CELL_NUMBER:
		take(s, worksheet_write_number(s->sheet, row, column, (double)c->number, NULL));
		break;
	case PAPER_CELL_SHARE:
		take(s, worksheet_write_number(s->sheet, row, column, (double)c->number / 10000, s->share));
		break;
	case PAPER_CELL_DAY:
		take(s, worksheet_write_unixtime(s->sheet, row, column, c->number * S_PER_DAY, s->date));
		break;
	}
}

static void write_notes(struct sheet_out *s)
{
	lxw_worksheet *sheet = workbook_add_worksheet(s->workbook, "说明");
	if (!sheet) {
		take(s, LXW_ERROR_MEMORY_MALLOC_FAILED);
		return;
	}
	take(s, worksheet_set_column(sheet, 0, 0, 24, NULL));
	take(s, worksheet_set_column(sheet, 1, 1, 100, NULL));
	for (size_t i = 0; i < s->paper->note_count; i++) {
		write_text(s, sheet, (lxw_row_t)i, 0, span_of_string(s->paper->notes[i].label), NULL);
		write_text(s, sheet, (lxw_row_t)i, 1, paper_note_text(s->paper, i), s->wrap);
	}
}

static void write_all(struct sheet_out *s)
{
	const struct paper *p = s->paper;
	lxw_row_t head = (lxw_row_t)(1 + paper_levels(p)), rows = (lxw_row_t)paper_rows(p);
	worksheet_set_landscape(s->sheet);
	worksheet_repeat_rows(s->sheet, 0, head - 1);
	worksheet_fit_to_pages(s->sheet, 1, 0);
	write_headings(s);
	for (lxw_row_t row = 0; row < rows; row++)
		for (size_t i = 0; i < p->column_count; i++)
			write_cell(s, head + row, (lxw_col_t)i, paper_cell_at(p, row, i));
	worksheet_freeze_panes(s->sheet, head, 1);
	take(s, worksheet_autofilter(s->sheet, head - 1, 0, head - 1 + rows, (lxw_col_t)(p->column_count - 1)));
	write_notes(s);
}

enum status paper_xlsx(const struct paper *p, const char *path)
{
	struct sheet_out s = {.paper = p};
	if (p->status || p->count % p->column_count)
		return p->status ? p->status : STATUS_INVALID;
	if (paper_rows(p) + PAPER_LEVELS_MAX + 1 > SHEET_ROWS_MAX)
		return STATUS_FULL;
	s.workbook = workbook_new(path);
	if (!s.workbook)
		return STATUS_NO_MEMORY;
	s.sheet = workbook_add_worksheet(s.workbook, "统计表");
	if (!s.sheet) {
		take(&s, LXW_ERROR_MEMORY_MALLOC_FAILED);
	} else {
		make_formats(&s);
		write_all(&s);
	}
	take(&s, workbook_close(s.workbook));
	if (!s.failed)
		return STATUS_OK;
	log_warn("paper", "workbook: %s", lxw_strerror(s.failed));
	return s.failed == LXW_ERROR_MEMORY_MALLOC_FAILED ? STATUS_NO_MEMORY : STATUS_IO;
}
