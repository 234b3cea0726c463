/* import_township.c -- row by row: what is right is entered, what is not is told by line and column.
 *
 *   FILE ─ UTF-8 or GBK ─> csv_next ─> cells by heading ─> calendar_do | calendar_subject_set | figures_enter
 *
 * A heading is a token or its Chinese name. A task that is there already (annex, number, title, subject) is left as it
 * is and counted. */
#include "query/cli/import_township.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/core/clock.h"
#include "ingest/files/csv.h"
#include "ingest/files/text_encoding.h"
#include "query/cli/asking.h"
#include "query/cli/township_store.h"
#include "query/cli/whole_file.h"

#define FILE_BYTES_MAX (64u << 20)

static const char usage[] =
	"用法 usage: zayton import tasks FILE.csv --data DIR [--check]\n"
	"              表头: 附件 annex, 序号 number, 任务 title, 责任单位 unit, 配合单位 partners, 责任人 person,\n"
	"                    对象 subject, 依据 basis, 备注 remark, 开始日期 start, 完成时限 due (2026-06-30, 2026-06, "
	"2026年)\n"
	"            zayton import enterprises FILE.csv --data DIR [--check]\n"
	"              表头: 企业名称 name, 所属村 village, 行业领域 sector, 风险等级 risk (红橙黄蓝), 高危 high_risk "
	"(是否),\n"
	"                    起始日期 since, 终止日期 until\n"
	"            zayton import figures FILE.csv --data DIR [--check]\n"
	"              表头: 场所 place, 所属村 village, 日期 day, 填报人 reporter, 联系电话 phone, 审核人 reviewer,\n"
	"                    填报单位 unit, 以及各填报数 and figures (existing_total ...)\n"
	"  --check     只检查, 不写入 tell the mistakes, change nothing\n"
	"退出码 exit status: 0 all rows taken, 1 some refused or failed, 2 usage\n";

enum table { TABLE_TASKS, TABLE_ENTERPRISES, TABLE_FIGURES, TABLE_COUNT };
static const char *const tables[TABLE_COUNT] = {"tasks", "enterprises", "figures"};

/* Columns by number. Of tasks: 0 .. TASK_FIELD_RULE - 1 are its fields, then these; of figures from FIGURES on. */
enum { TASK_START = TASK_FIELD_RULE, TASK_DUE, TASK_COLUMNS };
enum { E_NAME, E_VILLAGE, E_SECTOR, E_RISK, E_HIGH, E_SINCE, E_UNTIL };
enum { F_PLACE, F_VILLAGE, F_DAY, F_REPORTER, F_PHONE, F_REVIEWER, F_UNIT, F_FIGURES };
#define COLUMNS_MAX 64
_Static_assert(F_FIGURES + FIGURE_COUNT <= COLUMNS_MAX, "every column has its place");

static const char *const enterprise_names[][2] = {{"name", "企业名称"}, {"village", "所属村"}, {"sector", "行业领域"},
						  {"risk", "风险等级"}, {"high_risk", "高危"}, {"since", "起始日期"},
						  {"until", "终止日期"}};
static const char *const figure_names[][2] = {{"place", "场所"},      {"village", "所属村"}, {"day", "日期"},
					      {"reporter", "填报人"}, {"phone", "联系电话"}, {"reviewer", "审核人"},
					      {"unit", "填报单位"}};

struct town_import {
	enum table table;
	const char *path, *data;
	bool check;
	struct township township;
	struct span left;                    /* of the text, for csv_open's reader */
	int column_of_field[CSV_FIELDS_MAX]; /* of the file: which column it is */
	char headings[COLUMNS_MAX][64];
	size_t fields;
	uint64_t applied, there, refused;
};

/* One row of the file, by column. */
struct town_row {
	uint64_t line;
	struct span cells[COLUMNS_MAX];
};

static bool mistake(struct town_import *m, const struct town_row *row, unsigned column, const char *text)
{
	struct span cell = row->cells[column];
	m->refused++;
	fprintf(stderr, "line 行 %" PRIu64 ", column 列 %s: %s", row->line, m->headings[column], text);
	if (cell.size)
		fprintf(stderr, ": \"%.*s\"", (int)(cell.size < 64 ? cell.size : 64), (const char *)cell.data);
	fputc('\n', stderr);
	return false;
}

static enum status refused_row(struct town_import *m, uint64_t line, const char *text)
{
	m->refused++;
	fprintf(stderr, "line 行 %" PRIu64 ": %s\n", line, text);
	return STATUS_OK;
}

/* --- values --- */

static int32_t last_of_month(int year, unsigned month)
{
	struct civil c = {.year = year + (month == 12), .month = (uint8_t)(month % 12 + 1), .day = 1};
	return (int32_t)(civil_to_ms(&c) / MS_PER_DAY) - 1;
}

/* "2026-06-30", "2026/6/30", "2026年6月30日"; a month or a year is its last day. */
static bool day_of(struct span cell, int32_t *out)
{
	char text[40] = "", date[16];
	int year;
	unsigned month, day;
	if (cell.size >= sizeof text)
		return false;
	memcpy(text, cell.data, cell.size);
	if (text[strspn(text, "0123456789-/.年月日底前")])
		return false;
	int n = sscanf(text, "%4d%*[-/.年]%2u%*[-/.月]%2u", &year, &month, &day);
	if (n < 1 || year < 2000 || year > 2099 || (n > 1 && (month < 1 || month > 12)))
		return false;
	if (n == 3) {
		snprintf(date, sizeof date, "%04d-%02u-%02u", year, month, day % 100);
		return !hazard_day_parse(span_of_string(date), out);
	}
	*out = last_of_month(year, n == 2 ? month : 12);
	return true;
}

static bool take_day(struct town_import *m, const struct town_row *row, unsigned column, int32_t *out)
{
	*out = HAZARD_DAY_NONE;
	return !row->cells[column].size || day_of(row->cells[column], out) ||
	       mistake(m, row, column, "is no date 不是日期");
}

static bool yes_of(struct span cell, bool *out)
{
	*out = span_equal(cell, span_of_string("是")) || span_equal(cell, span_of_string("yes")) ||
	       span_equal(cell, span_of_string("1"));
	return *out || !cell.size || span_equal(cell, span_of_string("否")) || span_equal(cell, span_of_string("no")) ||
	       span_equal(cell, span_of_string("0"));
}

/* --- rows --- */

static const struct hazard_actor importer = {.role = HAZARD_ROLE_OFFICE, .name = "import", .unit = "import"};

/* Of the row alone, or something that ends the import. */
static enum status settle(struct town_import *m, const struct town_row *row, enum status status, const char *why)
{
	if (!status)
		m->applied++;
	if (!status || (status_class(status) == STATUS_CLASS_system))
		return status;
	return refused_row(m, row->line, why ? why : status_text(status));
}

static enum status take_task(struct town_import *m, const struct town_row *row)
{
	struct calendar_order o = {
		.deed = TASK_DEED_ADD, .at_ms = clock_now_ms(), .actor = importer, .day = HAZARD_DAY_NONE};
	struct calendar_outcome out;
	for (unsigned i = 1; i < TASK_FIELD_RULE; i++)
		if (row->cells[i].size)
			o.texts[i] = row->cells[i];
	static const unsigned needed[] = {TASK_FIELD_TITLE, TASK_FIELD_UNIT, TASK_DUE};
	for (size_t i = 0; i < 3; i++)
		if (!row->cells[needed[i]].size) {
			mistake(m, row, needed[i], "is missing 缺少");
			return STATUS_OK;
		}
	if (!take_day(m, row, TASK_START, &o.start_day) || !take_day(m, row, TASK_DUE, &o.due_day))
		return STATUS_OK;
	if (m->check)
		return settle(m, row, STATUS_OK, NULL);
	enum status status = calendar_do(m->township.calendar, &o, &out);
	if (status == STATUS_EXISTS) {
		m->there++;
		return STATUS_OK;
	}
	return settle(m, row, status, status == STATUS_DENIED ? task_refusal_chinese(out.refusal) : NULL);
}

static enum status take_enterprise(struct town_import *m, const struct town_row *row)
{
	struct calendar_subject s = {
		.name = row->cells[E_NAME], .village = row->cells[E_VILLAGE], .sector = row->cells[E_SECTOR]};
	bool right = s.name.size || mistake(m, row, E_NAME, "is missing 缺少");
	if (right && row->cells[E_RISK].size && calendar_risk_parse(row->cells[E_RISK], &s.risk))
		right = mistake(m, row, E_RISK, "is none of 红 橙 黄 蓝 red orange yellow blue");
	if (right && !yes_of(row->cells[E_HIGH], &s.high_risk))
		right = mistake(m, row, E_HIGH, "is neither 是 nor 否");
	if (!right || !take_day(m, row, E_SINCE, &s.since_day) || !take_day(m, row, E_UNTIL, &s.until_day))
		return STATUS_OK;
	return settle(m, row,
		      m->check ? STATUS_OK : calendar_subject_set(m->township.calendar, &s, &importer, clock_now_ms()),
		      NULL);
}

static bool number_of(struct span cell, int64_t *out)
{
	char text[24], *end;
	if (!cell.size || cell.size >= sizeof text)
		return false;
	memcpy(text, cell.data, cell.size);
	text[cell.size] = '\0';
	*out = strtoll(text, &end, 10);
	return text[0] >= '0' && text[0] <= '9' && !*end;
}

static enum status take_figures(struct town_import *m, const struct town_row *row)
{
	struct figures_entry e = {.place = row->cells[F_PLACE],
				  .village = row->cells[F_VILLAGE],
				  .reporter = row->cells[F_REPORTER],
				  .phone = row->cells[F_PHONE],
				  .reviewer = row->cells[F_REVIEWER],
				  .unit = row->cells[F_UNIT],
				  .actor = importer,
				  .at_ms = clock_now_ms()};
	uint8_t figure = 0;
	if (!e.place.size || !row->cells[F_DAY].size) {
		mistake(m, row, e.place.size ? F_DAY : F_PLACE, "is missing 缺少");
		return STATUS_OK;
	}
	if (!take_day(m, row, F_DAY, &e.day))
		return STATUS_OK;
	for (unsigned i = 1; i < FIGURE_COUNT; i++) {
		struct span cell = row->cells[F_FIGURES + i];
		if (!cell.size)
			continue;
		e.values[e.count].figure = (uint8_t)i;
		if (!number_of(cell, &e.values[e.count++].value)) {
			mistake(m, row, F_FIGURES + i, "is no whole number 不是整数");
			return STATUS_OK;
		}
	}
	enum status status = m->check ? STATUS_OK : figures_enter(m->township.figures, &e, &figure);
	if (figure && status && status_class(status) != STATUS_CLASS_system) {
		mistake(m, row, F_FIGURES + figure,
			status == STATUS_CONFLICT ? "is more than its whole 大于总数" : status_text(status));
		return STATUS_OK;
	}
	return settle(m, row, status, NULL);
}

/* --- the file --- */

static bool is_word(struct span heading, const char *token, const char *chinese)
{
	return span_equal(heading, span_of_string(token)) || span_equal(heading, span_of_string(chinese));
}

/* The column of a heading, -1: none. */
static int column_of(enum table table, struct span heading)
{
	uint8_t field;
	if (table == TABLE_TASKS) {
		if (is_word(heading, "start", "开始日期"))
			return TASK_START;
		if (is_word(heading, "due", "完成时限") || is_word(heading, "期限", "完成年限"))
			return TASK_DUE;
		return !task_field_parse(heading, &field) && field < TASK_FIELD_RULE ? field : -1;
	}
	for (int i = 0; table == TABLE_ENTERPRISES && i <= E_UNTIL; i++)
		if (is_word(heading, enterprise_names[i][0], enterprise_names[i][1]))
			return i;
	for (int i = 0; table == TABLE_FIGURES && i < F_FIGURES; i++)
		if (is_word(heading, figure_names[i][0], figure_names[i][1]))
			return i;
	return table == TABLE_FIGURES && !figure_parse(heading, &field) ? F_FIGURES + field : -1;
}

static struct span trimmed(struct span cell)
{
	while (cell.size && (cell.data[0] == ' ' || cell.data[0] == '\t'))
		cell = span_of(cell.data + 1, cell.size - 1);
	while (cell.size && (cell.data[cell.size - 1] == ' ' || cell.data[cell.size - 1] == '\t'))
		cell.size--;
	return cell;
}

static enum status take_headings(struct town_import *m, const struct csv_row *row)
{
	bool seen[COLUMNS_MAX] = {false};
	m->fields = row->fields;
	for (size_t i = 0; i < row->fields; i++) {
		struct span heading = trimmed(csv_field(row, i));
		int column = column_of(m->table, heading);
		if (column < 0 || seen[column]) {
			fprintf(stderr, "column 列 %zu: \"%.*s\" %s\n", i + 1, (int)heading.size,
				(const char *)heading.data,
				column < 0 ? "is no heading here 不是此表的表头" : "is there twice 重复");
			m->refused++;
			return STATUS_MALFORMED;
		}
		seen[column] = true;
		m->column_of_field[i] = column;
		snprintf(m->headings[column], sizeof m->headings[column], "%.*s", (int)heading.size,
			 (const char *)heading.data);
	}
	return STATUS_OK;
}

static enum status take_row(struct town_import *m, const struct csv_row *csv)
{
	struct town_row row = {.line = csv->line};
	if (csv->fields != m->fields)
		return refused_row(m, csv->line, "has not as many cells as there are headings 列数与表头不符");
	for (size_t i = 0; i < csv->fields; i++)
		row.cells[m->column_of_field[i]] = trimmed(csv_field(csv, i));
	return m->table == TABLE_TASKS         ? take_task(m, &row)
	       : m->table == TABLE_ENTERPRISES ? take_enterprise(m, &row)
					       : take_figures(m, &row);
}

static ssize_t read_memory(void *context, void *into, size_t size)
{
	struct town_import *m = context;
	size_t n = size < m->left.size ? size : m->left.size;
	if (n)
		memcpy(into, m->left.data, n);
	m->left = span_of(m->left.data + n, m->left.size - n);
	return (ssize_t)n;
}

static enum status read_rows(struct town_import *m, struct csv *csv)
{
	struct csv_row row;
	bool headed = false;
	for (;;) {
		enum status status = csv_next(csv, &row);
		if (status == STATUS_END)
			return headed ? STATUS_OK : STATUS_EMPTY;
		if (csv_is_fatal(status))
			return status;
		if (status && !headed)
			return status;
		if (status)
			status = refused_row(m, row.line, status_text(status));
		else
			status = headed ? take_row(m, &row) : take_headings(m, &row);
		headed = true;
		if (status)
			return status;
	}
}

static enum status read_file(struct town_import *m)
{
	struct csv *csv;
	struct buf bytes = buf_init(FILE_BYTES_MAX + 1), text = buf_init(2 * FILE_BYTES_MAX);
	enum status status = whole_file_read(m->path, FILE_BYTES_MAX, &bytes);
	if (!status && bytes.size > FILE_BYTES_MAX)
		status = STATUS_TOO_LONG;
	if (!status)
		status = text_to_utf8(buf_view(&bytes), &text);
	m->left = buf_view(&text);
	if (!status)
		status = csv_open(read_memory, m, 0, &csv);
	if (!status) {
		status = read_rows(m, csv);
		csv_close(csv);
	}
	buf_deinit(&bytes);
	buf_deinit(&text);
	return status;
}

static enum status run(struct town_import *m)
{
	struct engine *engine = NULL;
	enum status status = STATUS_OK;
	if (!m->check && asked_open("import", m->data, true, &engine))
		return STATUS_IO;
	if (engine)
		status = township_open(engine_store(engine), NULL, "", &m->township);
	if (!status)
		status = read_file(m);
	township_close(&m->township);
	engine_close(engine);
	if (status)
		fprintf(stderr, "zayton import: %s: %s\n", m->path, status_text(status));
	printf("%s        %" PRIu64 "\nthere 已有           %" PRIu64 "\nmistakes 错误        %" PRIu64 "\n",
	       m->check ? "right 正确  " : "entered 写入", m->applied, m->there, m->refused);
	return status;
}

bool is_township_table(const char *word)
{
	for (size_t i = 0; i < TABLE_COUNT; i++)
		if (!strcmp(word, tables[i]))
			return true;
	return false;
}

int import_township(int argc, char **argv)
{
	static const struct option options[] = {{"data", required_argument, NULL, 'd'},
						{"check", no_argument, NULL, 'c'},
						{"help", no_argument, NULL, 'h'},
						{NULL, 0, NULL, 0}};
	struct town_import m = {.path = NULL};
	int option;
	while (m.table < TABLE_COUNT - 1 && strcmp(argv[0], tables[m.table]) != 0)
		m.table++;
	optind = 1;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'h') {
			fputs(usage, stdout);
			return 0;
		}
		if (option == '?') {
			fputs(usage, stderr);
			return 2;
		}
		m.check |= option == 'c';
		m.data = option == 'd' ? optarg : m.data;
	}
	m.path = optind + 1 == argc ? argv[optind] : NULL;
	if (!m.path || (!m.data && !m.check)) {
		fputs(usage, stderr);
		return 2;
	}
	return run(&m) || m.refused ? 1 : 0;
}
