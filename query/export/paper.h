/* paper.h -- a table that people print or file: one model, four forms (xlsx, CSV, JSON, printable HTML).
 *
 *   title     打通消防生命通道工作统计表
 *   columns   划线管理/居住建筑/老旧小区/现有数量   划线管理/居住建筑/老旧小区/已按标准划线 ...
 *             a '/' is a level of headings; neighbours with one beginning share it, as merged cells
 *   rows      cells: nothing | text | whole number | share (numerator, denominator) | day
 *   notes     填报单位: ...      definitions, settings, who and when
 *
 * A share is rounded half up to a hundredth of a percent; with denominator 0 there is none. Rows are made in order,
 * cell by cell; the first failure sticks in `status`. Memory: the cells, at most PAPER_CELLS_MAX, and their texts. */
#ifndef ZAYTON_QUERY_EXPORT_PAPER_H
#define ZAYTON_QUERY_EXPORT_PAPER_H

#include "engine/core/bytes.h"

#define PAPER_CELLS_MAX 4000000u
#define PAPER_TEXTS_MAX (256u << 20)
#define PAPER_COLUMNS_MAX 64
#define PAPER_LEVELS_MAX 5
#define PAPER_NOTES_MAX 64

/* X(NAME, "token", media type); the tokens in this order are the values of ?format= */
#define PAPER_FORM_TABLE(X)                                                                                            \
	X(JSON, "json", "application/json")                                                                            \
	X(CSV, "csv", "text/csv; charset=utf-8; header=present")                                                       \
	X(HTML, "html", "text/html; charset=utf-8")                                                                    \
	X(XLSX, "xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
#define PAPER_FORM_CHOICES "json|csv|html|xlsx"
/* of an answer that may have any of them */
#define PAPER_MEDIA                                                                                                    \
	"application/json text/csv text/html application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

enum paper_form {
#define X(NAME, token, media) PAPER_##NAME,
	PAPER_FORM_TABLE(X)
#undef X
		PAPER_FORM_COUNT
};
const char *paper_form_token(unsigned form);
const char *paper_form_media(unsigned form);
STATUS_CHECKED enum status paper_form_parse(struct span token, uint8_t *out);

struct paper_column {
	const char *key;   /* of JSON */
	const char *title; /* levels by '/' */
	uint8_t width;     /* characters, a Chinese one counts two */
};

enum paper_cell_kind { PAPER_CELL_NONE, PAPER_CELL_TEXT, PAPER_CELL_NUMBER, PAPER_CELL_SHARE, PAPER_CELL_DAY };
struct paper_cell {
	uint8_t kind;
	uint32_t size;  /* TEXT */
	int64_t number; /* NUMBER; SHARE: hundredths of a percent; DAY: hazard_day(); TEXT: offset in `texts` */
};

struct paper {
	const char *title;
	const struct paper_column *columns;
	size_t column_count;
	struct paper_cell *cells;
	size_t count, capacity;
	struct buf texts;
	struct {
		const char *label;
		size_t at, size; /* in `texts` */
	} notes[PAPER_NOTES_MAX];
	size_t note_count;
	enum status status;
};

/* `title`, `columns` and labels of notes outlive the paper. */
struct paper paper_init(const char *title, const struct paper_column *columns, size_t count);
void paper_deinit(struct paper *p);
void paper_none(struct paper *p);
void paper_text(struct paper *p, struct span text);
/* Of people: a driver, a telephone number (mask.h). */
void paper_people(struct paper *p, struct span text);
void paper_string(struct paper *p, const char *text);
void paper_number(struct paper *p, int64_t v);
void paper_share(struct paper *p, uint64_t part, uint64_t whole);
/* HAZARD_DAY_NONE: nothing. */
void paper_day(struct paper *p, int32_t day);
void paper_note(struct paper *p, const char *label, const char *text);
static inline size_t paper_rows(const struct paper *p)
{
	return p->count / p->column_count;
}
static inline const struct paper_cell *paper_cell_at(const struct paper *p, size_t row, size_t column)
{
	return &p->cells[row * p->column_count + column];
}
/* The text of a cell as people read it, in CSV and HTML; `room` for numbers and days. */
#define PAPER_ROOM 32
struct span paper_cell_text(const struct paper *p, const struct paper_cell *c, char room[PAPER_ROOM]);
struct span paper_note_text(const struct paper *p, size_t note);

/* Levels of headings: of all columns, at most PAPER_LEVELS_MAX. */
size_t paper_levels(const struct paper *p);
/* What stands at `level` above `column`; empty below the column's own last level. */
struct span paper_heading(const struct paper *p, size_t column, size_t level);
/* How many columns from `column` on share this heading and all above it, and how many levels it goes down. 0 columns:
 * it is part of the one to the left. */
void paper_heading_size(const struct paper *p, size_t column, size_t level, size_t *columns, size_t *levels);

/* Every row is whole. STATUS_INVALID otherwise; what building it said; STATUS_FULL, STATUS_NO_MEMORY. */
STATUS_CHECKED enum status paper_json(const struct paper *p, struct buf *out);
/* With a byte order mark; headings are joined by '/'. */
STATUS_CHECKED enum status paper_csv(const struct paper *p, struct buf *out);
STATUS_CHECKED enum status paper_html(const struct paper *p, struct buf *out);
/* Overwrites `path`. STATUS_FULL: more rows than a sheet takes; STATUS_IO. */
STATUS_CHECKED enum status paper_xlsx(const struct paper *p, const char *path);

#endif
