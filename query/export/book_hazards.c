#include "query/export/book_hazards.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <xlsxwriter.h>

#include "engine/core/clock.h"
#include "engine/core/log.h"
#include "query/export/export_hazards.h"
#include "query/export/mask.h"

#define S_PER_DAY 86400
#define SHEETS_MAX HAZARD_LIST_COUNT

struct book {
	lxw_workbook *workbook;
	lxw_format *head, *date, *time;
	struct hazards *hazards;
	const struct book_request *request;
	const char *titles[SHEETS_MAX]; /* of the sheets that are counted */
	struct hazard_counts counts[SHEETS_MAX];
	unsigned sheets;
	lxw_error failed; /* the library's first complaint */
};

/* The next cell to write; rows go down, as the library's constant memory asks. */
struct sheet {
	struct book *book;
	const uint8_t *fields; /* of a hazard's row */
	size_t field_count;
	lxw_worksheet *out;
	lxw_row_t row;
	lxw_col_t column, columns;
};

static const char *const kind_tokens[BOOK_KIND_COUNT] = {
#define X(NAME, token, chinese, word) token,
	BOOK_KIND_TABLE(X)
#undef X
};
static const char *const kind_titles[BOOK_KIND_COUNT] = {
#define X(NAME, token, chinese, word) chinese,
	BOOK_KIND_TABLE(X)
#undef X
};
static const uint8_t kind_words[BOOK_KIND_COUNT] = {
#define X(NAME, token, chinese, word) word,
	BOOK_KIND_TABLE(X)
#undef X
};

const char *book_kind_token(unsigned kind)
{
	return kind < BOOK_KIND_COUNT ? kind_tokens[kind] : "unknown";
}

unsigned book_kind_word(unsigned kind)
{
	return kind < BOOK_KIND_COUNT ? kind_words[kind] : HAZARD_WORD_COUNT;
}

enum status book_kind_parse(struct span token, uint8_t *out)
{
	for (uint8_t i = 0; i < BOOK_KIND_COUNT; i++)
		if (span_equal(token, span_of_string(kind_tokens[i]))) {
			*out = i;
			return STATUS_OK;
		}
	return STATUS_NOT_FOUND;
}

void book_about(const struct book_request *q, char out[BOOK_ABOUT_MAX])
{
	unsigned word = book_kind_word(q->kind);
	struct span name = word < HAZARD_WORD_COUNT ? q->filter.words[word] : span_of(NULL, 0);
	size_t size = name.size;
	if (size >= BOOK_ABOUT_MAX)
		for (size = BOOK_ABOUT_MAX - 1; size && (name.data[size] & 0xc0) == 0x80; size--)
			;
	if (size)
		memcpy(out, name.data, size);
	out[size] = '\0';
}

/* --- cells --- */

static void take(struct book *b, lxw_error error)
{
	if (!b->failed)
		b->failed = error;
}

static enum status status_of(lxw_error error)
{
	if (!error)
		return STATUS_OK;
	log_warn("book", "workbook: %s", lxw_strerror(error));
	return error == LXW_ERROR_MEMORY_MALLOC_FAILED ? STATUS_NO_MEMORY : STATUS_IO;
}

static void cell_format(struct sheet *s, struct span text, lxw_format *format)
{
	char copy[HAZARD_NOTE_MAX + 1];
	struct buf room = buf_init(sizeof copy);
	text = mask_view(text, &room);
	size_t size = text.size < sizeof copy ? text.size : sizeof copy - 1;
	if (size) {
		memcpy(copy, text.data, size);
		copy[size] = '\0';
		take(s->book, worksheet_write_string(s->out, s->row, s->column, copy, format));
	}
	buf_deinit(&room);
	s->column++;
}

static void cell_text(struct sheet *s, struct span text)
{
	cell_format(s, text, NULL);
}

static void cell_of_field(struct sheet *s, unsigned field, struct span text)
{
	bool before = mask_people(export_hazard_is_of_people(field));
	cell_text(s, text);
	mask_people(before);
}

static void cell_string(struct sheet *s, const char *text)
{
	cell_text(s, span_of_string(text));
}

static void cell_number(struct sheet *s, uint64_t n)
{
	take(s->book, worksheet_write_number(s->out, s->row, s->column++, (double)n, NULL));
}

/* 0: empty */
static void cell_time(struct sheet *s, int64_t ms)
{
	int64_t china_ms = ms + CHINA_OFFSET_MS;
	if (ms)
		take(s->book, worksheet_write_unixtime(s->out, s->row, s->column, china_ms / 1000, s->book->time));
	s->column++;
}

static void cell_day(struct sheet *s, int32_t day)
{
	if (day != HAZARD_DAY_NONE)
		take(s->book,
		     worksheet_write_unixtime(s->out, s->row, s->column, (int64_t)day * S_PER_DAY, s->book->date));
	s->column++;
}

static void end_row(struct sheet *s)
{
	s->row++;
	s->column = 0;
}

/* --- sheets --- */

/* At the foot of every page: who made it, when and what for. '&' begins a code of the format, doubled it is none; a
 * foot has at most 255 characters. */
static void put_mark(struct book *b, lxw_worksheet *out)
{
	const struct book_request *q = b->request;
	char when[TIME_TEXT_MAX], text[400], foot[256] = "&L";
	size_t n = 2;
	time_format(q->made_ms, CHINA_OFFSET_MS, when);
	snprintf(text, sizeof text, "导出 %s %.19s%s%s", q->maker, when, q->purpose && *q->purpose ? " 用途 " : "",
		 q->purpose ? q->purpose : "");
	for (const char *c = text; *c && (n + 5 < sizeof foot || ((unsigned char)*c & 0xc0) == 0x80); c++) {
		if (*c == '&')
			foot[n++] = '&';
		foot[n++] = *c;
	}
	take(b, worksheet_set_footer(out, foot));
}

static enum status sheet_begin(struct book *b, const char *title, struct sheet *out)
{
	*out = (struct sheet){.book = b,
			      .fields = export_hazard_fields,
			      .field_count = EXPORT_HAZARD_FIELDS,
			      .out = workbook_add_worksheet(b->workbook, title)};
	if (!out->out)
		return STATUS_NO_MEMORY;
	worksheet_set_landscape(out->out);
	worksheet_repeat_rows(out->out, 0, 0);
	put_mark(b, out->out);
	return STATUS_OK;
}

/* `width`: in characters, a Chinese one counts two */
static void heading(struct sheet *s, const char *title, unsigned width)
{
	take(s->book, worksheet_set_column(s->out, s->column, s->column, width, NULL));
	cell_format(s, span_of_string(title), s->book->head);
	s->columns = s->column;
}

static void sheet_end(struct sheet *s)
{
	worksheet_freeze_panes(s->out, 1, 1);
	take(s->book, worksheet_autofilter(s->out, 0, 0, s->row ? s->row - 1 : 0, (lxw_col_t)(s->columns - 1)));
}

/* --- hazards --- */

static unsigned field_width(unsigned field)
{
	switch (field) {
	case HAZARD_FIELD_DESCRIPTION:
	case HAZARD_FIELD_MEASURES:
	case HAZARD_FIELD_PLAN:
	case HAZARD_FIELD_BASIS:
		return 40;
	case HAZARD_FIELD_COMPANY:
	case HAZARD_FIELD_SITE:
	case HAZARD_FIELD_UNIT:
	case HAZARD_FIELD_SUPERVISOR:
		return 26;
	default:
		return 18;
	}
}

static void hazard_headings(struct sheet *s)
{
	heading(s, "编号", 14);
	heading(s, "状态", 12);
	heading(s, "是否逾期", 12);
	for (size_t i = 0; i < s->field_count; i++)
		heading(s, hazard_chinese(HAZARD_TABLE_FIELD, s->fields[i]), field_width(s->fields[i]));
	heading(s, "关联线索数", 14);
	heading(s, "反弹次数", 12);
	heading(s, "申请验收时间", 20);
	heading(s, "验收时间", 20);
	heading(s, "销号时间", 20);
	end_row(s);
}

static void hazard_cell(struct sheet *s, const struct hazard *h, unsigned field)
{
	if (field == HAZARD_FIELD_GRADE)
		cell_string(s, hazard_chinese(HAZARD_TABLE_GRADE, h->grade));
	else if (field == HAZARD_FIELD_SOURCE)
		cell_string(s, hazard_chinese(HAZARD_TABLE_SOURCE, h->source));
	else if (field == HAZARD_FIELD_LIFE_THREAT)
		cell_string(s, h->life_threat ? "是" : "否");
	else if (field == HAZARD_FIELD_FOUND)
		cell_time(s, h->found_ms);
	else if (field == HAZARD_FIELD_DEADLINE)
		cell_day(s, h->deadline_day);
	else
		cell_of_field(s, field, hazard_value(h, field));
}

static void hazard_row(struct sheet *s, const struct hazard *h)
{
	char code[HAZARD_CODE_MAX];
	export_hazard_code(h, code);
	cell_string(s, code);
	cell_string(s, hazard_chinese(HAZARD_TABLE_STATE, h->state));
	cell_string(s, export_hazard_is_overdue(h, s->book->request->filter.today) ? "是" : "否");
	for (size_t i = 0; i < s->field_count; i++)
		hazard_cell(s, h, s->fields[i]);
	cell_number(s, h->linked);
	cell_number(s, h->relapses);
	cell_time(s, h->applied_ms);
	cell_time(s, h->accepted_ms);
	cell_time(s, h->closed_ms);
	end_row(s);
}

/* --- steps --- */

struct steps {
	struct sheet sheet;
	char code[HAZARD_CODE_MAX];
	size_t rows_max;
};

static void step_headings(struct sheet *s)
{
	heading(s, "编号", 14);
	heading(s, "序号", 8);
	heading(s, "步骤", 12);
	heading(s, "时间", 20);
	heading(s, "办理人", 14);
	heading(s, "单位", 26);
	heading(s, "角色", 12);
	heading(s, "说明", 60);
	heading(s, "文号", 26);
	end_row(s);
}

/* What only corrects the record or counts a lead is no handling; the history of the hazard has it. */
static bool is_handling(unsigned step)
{
	return step != HAZARD_STEP_JOIN && step != HAZARD_STEP_DETACH && step != HAZARD_STEP_AMEND &&
	       step != HAZARD_STEP_ATTACH;
}

static enum status step_row(void *context, uint64_t id, const struct hazard_event *e,
			    const uint8_t digest[HAZARD_DIGEST_SIZE])
{
	struct steps *steps = context;
	struct sheet *s = &steps->sheet;
	(void)id, (void)digest;
	if (!is_handling(e->step))
		return STATUS_OK;
	if (s->row > steps->rows_max)
		return STATUS_FULL;
	cell_string(s, steps->code);
	cell_number(s, e->number);
	cell_string(s, hazard_chinese(HAZARD_TABLE_STEP, e->step));
	cell_time(s, e->at_ms);
	cell_text(s, e->who);
	cell_text(s, e->unit);
	cell_string(s, hazard_chinese(HAZARD_TABLE_ROLE, e->role));
	cell_text(s, e->note);
	cell_text(s, e->document);
	end_row(s);
	return STATUS_OK;
}

/* --- walking the register --- */

/* The row of one hazard, its count, and its steps (NULL: not wanted). */
static enum status write_one(struct sheet *s, struct hazard_counts *counts, struct steps *steps, uint64_t id)
{
	struct book *b = s->book;
	struct hazard h;
	if (s->row > b->request->rows_max)
		return STATUS_FULL;
	enum status status = hazards_get(b->hazards, id, &h);
	if (status)
		return status;
	hazard_row(s, &h);
	hazard_counts_add(counts, &h, b->request->filter.today);
	if (steps) {
		export_hazard_code(&h, steps->code);
		status = hazards_history(b->hazards, id, 0, step_row, steps);
	}
	hazard_deinit(&h);
	return status ? status : status_of(b->failed);
}

static enum status write_hazards(struct book *b, unsigned list, const char *title, struct sheet *s, struct steps *steps)
{
	struct hazard_filter filter = b->request->filter;
	struct hazard_cursor cursor = {0};
	struct hazard_counts *counts = &b->counts[b->sheets];
	uint64_t ids[HAZARDS_PAGE_MAX];
	enum status status = STATUS_OK;
	size_t n;
	filter.list = (uint8_t)list;
	b->titles[b->sheets++] = title;
	hazard_headings(s);
	do {
		n = hazards_page(b->hazards, &filter, HAZARD_BY_ID, &cursor, ids, HAZARDS_PAGE_MAX);
		for (size_t i = 0; i < n && !status; i++)
			status = write_one(s, counts, steps, ids[i]);
	} while (n == HAZARDS_PAGE_MAX && !status);
	sheet_end(s);
	return status;
}

static enum status write_lists(struct book *b)
{
	struct sheet s;
	enum status status = STATUS_OK;
	for (unsigned list = 0; list < HAZARD_LIST_COUNT && !status; list++) {
		status = sheet_begin(b, hazard_list_chinese(list), &s);
		if (!status)
			status = write_hazards(b, list, hazard_list_chinese(list), &s, NULL);
	}
	return status;
}

/* Sheets of the lists that other annexes ask for: which hazards, and what is said of each. */
#define F(name) HAZARD_FIELD_##name
static const uint8_t view_problem[] = {F(SITE),        F(COMPANY), F(VILLAGE), F(SECTOR), F(CATEGORY),
				       F(DESCRIPTION), F(GRADE),   F(FOUND),   F(FINDER), F(SOURCE)};
static const uint8_t view_measures[] = {F(SITE), F(DESCRIPTION), F(BASIS), F(MEASURES), F(FUND), F(PLAN), F(DEADLINE)};
static const uint8_t view_duty[] = {F(SITE),       F(DESCRIPTION), F(UNIT),     F(PERSON),
				    F(SUPERVISOR), F(MEASURES),    F(DEADLINE), F(LEADER)};
static const uint8_t view_closing[] = {F(SITE),     F(DESCRIPTION), F(UNIT),    F(PERSON),
				       F(MEASURES), F(DEADLINE),    F(ACCEPTOR)};
static const uint8_t view_basics[] = {F(SITE),     F(COMPANY), F(VILLAGE),     F(GRID),       F(SECTOR),
				      F(CATEGORY), F(GRADE),   F(LIFE_THREAT), F(DESCRIPTION)};
static const uint8_t view_watch[] = {F(SITE), F(DESCRIPTION), F(SOURCE), F(FOUND), F(SUPERVISOR), F(GRADE)};
static const uint8_t view_prevention[] = {F(SITE), F(DESCRIPTION), F(MEASURES), F(FUND), F(DEADLINE), F(BASIS)};
static const uint8_t view_emergency[] = {F(SITE), F(DESCRIPTION), F(PLAN), F(UNIT), F(PERSON), F(LIFE_THREAT)};
#undef F

#define VIEW(kind, list, title, fields)                                                                                \
	{                                                                                                              \
		BOOK_##kind, HAZARD_LIST_##list, title, fields, sizeof fields                                          \
	}
static const struct {
	uint8_t kind, list;
	const char *title;
	const uint8_t *fields;
	size_t field_count;
} views[] = {
	VIEW(TWO, HAZARDS, "问题隐患清单", view_problem),     VIEW(TWO, HAZARDS, "制度措施清单", view_measures),
	VIEW(THREE, HAZARDS, "问题清单", view_problem),       VIEW(THREE, RECTIFICATION, "整改清单", view_duty),
	VIEW(THREE, ACCEPTANCE, "销号清单", view_closing),    VIEW(FIVE, HAZARDS, "基础信息清单", view_basics),
	VIEW(FIVE, HAZARDS, "防控责任清单", view_duty),       VIEW(FIVE, HAZARDS, "监测监控清单", view_watch),
	VIEW(FIVE, HAZARDS, "防范措施清单", view_prevention), VIEW(FIVE, HAZARDS, "应急处置清单", view_emergency),
};

static enum status write_views(struct book *b)
{
	struct sheet s;
	enum status status = STATUS_OK;
	for (size_t i = 0; i < sizeof views / sizeof *views && !status; i++) {
		if (views[i].kind != b->request->kind)
			continue;
		status = sheet_begin(b, views[i].title, &s);
		s.fields = views[i].fields;
		s.field_count = views[i].field_count;
		if (!status)
			status = write_hazards(b, views[i].list, views[i].title, &s, NULL);
	}
	return status;
}

static enum status write_book(struct book *b)
{
	struct sheet s;
	struct steps steps = {.rows_max = b->request->rows_max * (BOOK_STEPS_MAX / BOOK_ROWS_MAX)};
	enum status status = sheet_begin(b, "隐患台账", &s);
	if (!status)
		status = sheet_begin(b, "办理过程", &steps.sheet);
	if (status)
		return status;
	step_headings(&steps.sheet);
	status = write_hazards(b, HAZARD_LIST_HAZARDS, "隐患台账", &s, &steps);
	sheet_end(&steps.sheet);
	return status;
}

/* --- summary --- */

struct figure {
	const char *group, *name, *about;
	size_t at; /* of a uint64_t in struct hazard_counts */
};

#define AGEING_ABOUT "未销号的，从发现之日到统计日的天数"
static const struct figure figures[] = {
	{"总体", "全部", "该清单中的隐患，不含作废", offsetof(struct hazard_counts, all)},
	{"总体", "未销号", "状态不是销号的", offsetof(struct hazard_counts, open)},
	{"总体", "逾期", "交办、整改或申请验收中，且统计日已过整改时限", offsetof(struct hazard_counts, overdue)},
	{"总体", "重大未销号", "未销号的重大隐患", offsetof(struct hazard_counts, major_open)},
	{"总体", "已销号", "状态为销号的", offsetof(struct hazard_counts, closed)},
	{"总体", "按期销号", "已销号，且申请验收之日不晚于整改时限", offsetof(struct hazard_counts, closed_in_time)},
	{"总体", "反弹", "至少反弹过一次的", offsetof(struct hazard_counts, relapsed)},
	{"总体", "挂牌督办", "已挂牌且尚未解除的", offsetof(struct hazard_counts, listed)},
	{"账龄", "7天以内", AGEING_ABOUT, offsetof(struct hazard_counts, ageing[0])},
	{"账龄", "8至30天", AGEING_ABOUT, offsetof(struct hazard_counts, ageing[1])},
	{"账龄", "31至90天", AGEING_ABOUT, offsetof(struct hazard_counts, ageing[2])},
	{"账龄", "90天以上", AGEING_ABOUT, offsetof(struct hazard_counts, ageing[3])},
};

static void figure_row(struct sheet *s, const struct figure *f)
{
	const struct book *b = s->book;
	cell_string(s, f->group);
	cell_string(s, f->name);
	for (unsigned i = 0; i < b->sheets; i++) {
		uint64_t n;
		memcpy(&n, (const char *)&b->counts[i] + f->at, sizeof n);
		cell_number(s, n);
	}
	cell_string(s, f->about);
	end_row(s);
}

/* One row a code of a table; `at` of the counts' first. */
static void figures_of(struct sheet *s, const char *group, enum hazard_table table, unsigned codes, size_t at)
{
	for (unsigned code = 0; code < codes; code++) {
		struct figure f = {group, hazard_chinese(table, code), "", at + code * sizeof(uint64_t)};
		figure_row(s, &f);
	}
}

static void scope_rows(struct sheet *s)
{
	const struct hazard_filter *f = &s->book->request->filter;
	for (unsigned i = 0; i < HAZARD_WORD_COUNT; i++) {
		if (!f->words[i].size)
			continue;
		cell_string(s, "范围");
		cell_string(s, hazard_chinese(HAZARD_TABLE_FIELD, hazard_word_field(i)));
		cell_text(s, f->words[i]);
		end_row(s);
	}
	if (f->scope_unit.size) {
		cell_string(s, "范围");
		cell_string(s, "企业或责任单位");
		cell_text(s, f->scope_unit);
		end_row(s);
	}
}

static void time_row(struct sheet *s, const char *name, int64_t ms)
{
	if (!ms || ms == INT64_MAX)
		return;
	cell_string(s, "范围");
	cell_string(s, name);
	cell_time(s, ms);
	end_row(s);
}

static void about_rows(struct sheet *s)
{
	const struct book_request *q = s->book->request;
	end_row(s);
	scope_rows(s);
	time_row(s, "发现时间不早于", q->filter.found_from_ms);
	time_row(s, "发现时间早于", q->filter.found_to_ms);
	cell_string(s, "制表");
	cell_string(s, "统计日");
	cell_day(s, q->filter.today);
	end_row(s);
	cell_string(s, "制表");
	cell_string(s, "生成时间");
	cell_time(s, q->made_ms);
	end_row(s);
	cell_string(s, "制表");
	cell_string(s, "制表人");
	cell_string(s, q->maker);
	end_row(s);
}

static void write_summary(struct sheet *s)
{
	const struct book *b = s->book;
	heading(s, kind_titles[b->request->kind], 20);
	heading(s, "项目", 18);
	for (unsigned i = 0; i < b->sheets; i++)
		heading(s, b->titles[i], 20);
	heading(s, "口径", 60);
	end_row(s);
	for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
		figure_row(s, &figures[i]);
	figures_of(s, "状态", HAZARD_TABLE_STATE, HAZARD_STATE_COUNT, offsetof(struct hazard_counts, by_state));
	figures_of(s, "隐患等级", HAZARD_TABLE_GRADE, HAZARD_GRADE_COUNT, offsetof(struct hazard_counts, by_grade));
	figures_of(s, "来源", HAZARD_TABLE_SOURCE, HAZARD_SOURCE_COUNT, offsetof(struct hazard_counts, by_source));
	sheet_end(s); /* the filter ends with the figures */
	about_rows(s);
}

/* --- the whole --- */

static void begin_formats(struct book *b)
{
	b->head = workbook_add_format(b->workbook);
	b->date = workbook_add_format(b->workbook);
	b->time = workbook_add_format(b->workbook);
	format_set_bold(b->head);
	format_set_align(b->head, LXW_ALIGN_CENTER);
	format_set_num_format(b->date, "yyyy-mm-dd");
	format_set_num_format(b->time, "yyyy-mm-dd hh:mm:ss");
}

static enum status write_sheets(struct book *b)
{
	struct sheet summary;
	/* the library copies what it takes */
	lxw_doc_properties properties = {.title = (char *)kind_titles[b->request->kind],
					 .author = (char *)b->request->maker,
					 .created = (time_t)(b->request->made_ms / 1000)};
	begin_formats(b);
	take(b, workbook_set_properties(b->workbook, &properties));
	enum status status = sheet_begin(b, "汇总", &summary);
	if (!status)
		status = b->request->kind == BOOK_LISTS                         ? write_lists(b)
			 : book_kind_word(b->request->kind) < HAZARD_WORD_COUNT ? write_book(b)
										: write_views(b);
	if (!status)
		write_summary(&summary);
	return status;
}

/* A sheet that cannot be whole is not begun: a book of the register is refused before its first row. */
static bool is_too_much(struct hazards *r, const struct book_request *q)
{
	struct hazard_filter filter = q->filter;
	struct hazard_counts counts;
	filter.list = HAZARD_LIST_HAZARDS; /* the other five are parts of it */
	hazards_counts(r, &filter, &counts);
	return counts.all > q->rows_max;
}

enum status book_hazards_write(struct hazards *r, const struct book_request *q, const char *path)
{
	struct book b = {.hazards = r, .request = q};
	unsigned word = book_kind_word(q->kind);
	lxw_workbook_options options = {.constant_memory = LXW_TRUE};
	if (q->kind >= BOOK_KIND_COUNT || (word < HAZARD_WORD_COUNT && !q->filter.words[word].size) || !q->rows_max ||
	    q->rows_max > BOOK_ROWS_MAX)
		return STATUS_INVALID;
	if (is_too_much(r, q))
		return STATUS_FULL;
	b.workbook = workbook_new_opt(path, &options);
	if (!b.workbook)
		return STATUS_NO_MEMORY;
	enum status status = write_sheets(&b);
	take(&b, workbook_close(b.workbook)); /* gives everything back, also after a failure */
	return status ? status : status_of(b.failed);
}
