/* paper.c -- building a table, and its forms that are text. */
#include "query/export/paper.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/core/clock.h"
#include "engine/register/hazard.h"
#include "query/export/export_format.h"
#include "query/export/json_out.h"
#include "query/export/mask.h"

static const char *const tokens[PAPER_FORM_COUNT] = {
#define X(NAME, token, media) token,
	PAPER_FORM_TABLE(X)
#undef X
};
static const char *const media_types[PAPER_FORM_COUNT] = {
#define X(NAME, token, media) media,
	PAPER_FORM_TABLE(X)
#undef X
};

const char *paper_form_token(unsigned form)
{
	return form < PAPER_FORM_COUNT ? tokens[form] : "unknown";
}

const char *paper_form_media(unsigned form)
{
	return form < PAPER_FORM_COUNT ? media_types[form] : "application/octet-stream";
}

enum status paper_form_parse(struct span token, uint8_t *out)
{
	for (uint8_t i = 0; i < PAPER_FORM_COUNT; i++)
		if (span_equal(token, span_of_string(tokens[i]))) {
			*out = i;
			return STATUS_OK;
		}
	return STATUS_NOT_FOUND;
}

/* --- building --- */

struct paper paper_init(const char *title, const struct paper_column *columns, size_t count)
{
	return (struct paper){.title = title,
			      .columns = columns,
			      .column_count = count,
			      .texts = buf_init(PAPER_TEXTS_MAX),
			      .status = count && count <= PAPER_COLUMNS_MAX ? STATUS_OK : STATUS_INVALID};
}

void paper_deinit(struct paper *p)
{
	free(p->cells);
	buf_deinit(&p->texts);
}

static void put(struct paper *p, struct paper_cell cell)
{
	if (p->status)
		return;
	if (p->count == p->capacity) {
		size_t capacity = p->capacity ? 2 * p->capacity : 256;
		struct paper_cell *cells = NULL;
		p->status = p->count >= PAPER_CELLS_MAX ? STATUS_FULL : STATUS_OK;
		if (!p->status && !(cells = realloc(p->cells, capacity * sizeof *cells)))
			p->status = STATUS_NO_MEMORY;
		if (p->status)
			return;
		p->cells = cells;
		p->capacity = capacity;
	}
	p->cells[p->count++] = cell;
}

void paper_none(struct paper *p)
{
	put(p, (struct paper_cell){.kind = PAPER_CELL_NONE});
}

/* Masked here, once, for every form. */
void paper_text(struct paper *p, struct span text)
{
	struct buf room = buf_init(SIZE_MAX);
	text = mask_view(text, &room);
	struct paper_cell cell = {PAPER_CELL_TEXT, (uint32_t)text.size, (int64_t)p->texts.size};
	if (!text.size) {
		paper_none(p);
	} else {
		if (!p->status)
			p->status = buf_append(&p->texts, text.data, text.size);
		put(p, cell);
	}
	buf_deinit(&room);
}

void paper_people(struct paper *p, struct span text)
{
	bool before = mask_people(true);
	paper_text(p, text);
	mask_people(before);
}

void paper_string(struct paper *p, const char *text)
{
	paper_text(p, span_of_string(text));
}

void paper_number(struct paper *p, int64_t v)
{
	put(p, (struct paper_cell){.kind = PAPER_CELL_NUMBER, .number = v});
}

void paper_share(struct paper *p, uint64_t part, uint64_t whole)
{
	if (!whole) {
		paper_none(p);
		return;
	}
	unsigned __int128 hundredths = ((unsigned __int128)part * 20000 + whole) / ((unsigned __int128)whole * 2);
	put(p, (struct paper_cell){.kind = PAPER_CELL_SHARE, .number = (int64_t)hundredths});
}

void paper_day(struct paper *p, int32_t day)
{
	if (day == HAZARD_DAY_NONE)
		paper_none(p);
	else
		put(p, (struct paper_cell){.kind = PAPER_CELL_DAY, .number = day});
}

void paper_note(struct paper *p, const char *label, const char *text)
{
	size_t size = strlen(text);
	if (p->status)
		return;
	if (p->note_count == PAPER_NOTES_MAX) {
		p->status = STATUS_FULL;
		return;
	}
	p->notes[p->note_count].label = label;
	p->notes[p->note_count].at = p->texts.size;
	p->notes[p->note_count].size = size;
	if (size)
		p->status = buf_append(&p->texts, text, size);
	p->note_count += !p->status;
}

struct span paper_note_text(const struct paper *p, size_t note)
{
	return p->notes[note].size ? span_of(p->texts.data + p->notes[note].at, p->notes[note].size) : span_of(NULL, 0);
}

struct span paper_cell_text(const struct paper *p, const struct paper_cell *c, char room[PAPER_ROOM])
{
	struct civil day;
	switch ((enum paper_cell_kind)c->kind) {
	case PAPER_CELL_TEXT:
		return span_of(p->texts.data + c->number, c->size);
	case PAPER_CELL_NUMBER:
		snprintf(room, PAPER_ROOM, "%lld", (long long)c->number);
		break;
	case PAPER_CELL_SHARE:
		snprintf(room, PAPER_ROOM, "%lld.%02lld%%", (long long)c->number / 100, (long long)c->number % 100);
		break;
	case PAPER_CELL_DAY:
		civil_from_ms(c->number * MS_PER_DAY, &day);
		snprintf(room, PAPER_ROOM, "%04d-%02u-%02u", day.year, day.month, day.day);
		break;
	case PAPER_CELL_NONE:
		room[0] = '\0';
		break;
	}
	return span_of_string(room);
}

/* --- headings --- */

struct span paper_heading(const struct paper *p, size_t column, size_t level)
{
	const char *text = p->columns[column].title;
	for (; level; level--) {
		text = strchr(text, '/');
		if (!text)
			return span_of(NULL, 0);
		text++;
	}
	const char *end = strchr(text, '/');
	return span_of(text, end ? (size_t)(end - text) : strlen(text));
}

static size_t levels_of(const struct paper *p, size_t column)
{
	size_t levels = 1;
	for (const char *text = p->columns[column].title; (text = strchr(text, '/')); text++)
		levels++;
	return levels;
}

size_t paper_levels(const struct paper *p)
{
	size_t most = 1;
	for (size_t i = 0; i < p->column_count; i++)
		most = levels_of(p, i) > most ? levels_of(p, i) : most;
	return most < PAPER_LEVELS_MAX ? most : PAPER_LEVELS_MAX;
}

/* Both have the same headings from the top down to `level`. */
static bool shares(const struct paper *p, size_t a, size_t b, size_t level)
{
	for (size_t i = 0; i <= level; i++)
		if (!paper_heading(p, a, i).size || !span_equal(paper_heading(p, a, i), paper_heading(p, b, i)))
			return false;
	return true;
}

void paper_heading_size(const struct paper *p, size_t column, size_t level, size_t *columns, size_t *levels)
{
	bool last = levels_of(p, column) == level + 1;
	*levels = last ? paper_levels(p) - level : 1;
	*columns = 0;
	if (levels_of(p, column) <= level || (!last && column && shares(p, column - 1, column, level)))
		return;
	*columns = 1;
	while (!last && column + *columns < p->column_count && shares(p, column, column + *columns, level))
		++*columns;
}

/* --- as text --- */

static enum status whole(const struct paper *p)
{
	return p->status ? p->status : p->count % p->column_count ? STATUS_INVALID : STATUS_OK;
}

static void json_cell(struct json_out *j, const struct paper *p, const struct paper_cell *c)
{
	char room[PAPER_ROOM];
	switch ((enum paper_cell_kind)c->kind) {
	case PAPER_CELL_NONE:
		jout_null(j);
		break;
	case PAPER_CELL_NUMBER:
		jout_integer(j, c->number);
		break;
	case PAPER_CELL_SHARE:
		jout_fixed(j, c->number, 2);
		break;
	case PAPER_CELL_TEXT:
	case PAPER_CELL_DAY:
		jout_text(j, paper_cell_text(p, c, room));
		break;
	}
}

enum status paper_json(const struct paper *p, struct buf *out)
{
	struct json_out j = json_out_init(out);
	enum status status = whole(p);
	if (status)
		return status;
	jout_open(&j, '{');
	jout_key(&j, "title");
	jout_string(&j, p->title);
	jout_key(&j, "columns");
	jout_open(&j, '{');
	for (size_t i = 0; i < p->column_count; i++) {
		jout_key(&j, p->columns[i].key);
		jout_string(&j, p->columns[i].title);
	}
	jout_close(&j, '}');
	jout_key(&j, "rows");
	jout_open(&j, '[');
	for (size_t row = 0; row < paper_rows(p) && !j.status; row++) {
		jout_open(&j, '{');
		for (size_t i = 0; i < p->column_count; i++) {
			jout_key(&j, p->columns[i].key);
			json_cell(&j, p, paper_cell_at(p, row, i));
		}
		jout_close(&j, '}');
	}
	jout_close(&j, ']');
	jout_key(&j, "notes");
	jout_open(&j, '{');
	for (size_t i = 0; i < p->note_count; i++) {
		jout_key(&j, p->notes[i].label);
		jout_text(&j, paper_note_text(p, i));
	}
	jout_close(&j, '}');
	jout_close(&j, '}');
	jout_line(&j);
	return j.status;
}

enum status paper_csv(const struct paper *p, struct buf *out)
{
	char room[PAPER_ROOM];
	enum status status = whole(p);
	if (!status)
		status = buf_printf(out, "\xef\xbb\xbf");
	for (size_t i = 0; i < p->column_count && !status; i++) {
		status = i ? buf_append_u8(out, ',') : STATUS_OK;
		if (!status)
			status = csv_append(out, span_of_string(p->columns[i].title));
	}
	for (size_t row = 0; row < paper_rows(p) && !status; row++) {
		status = buf_printf(out, "\r\n");
		for (size_t i = 0; i < p->column_count && !status; i++) {
			status = i ? buf_append_u8(out, ',') : STATUS_OK;
			if (!status)
				status = csv_append(out, paper_cell_text(p, paper_cell_at(p, row, i), room));
		}
	}
	return status ? status : buf_printf(out, "\r\n");
}

/* --- HTML --- */

static const char html_head[] =
	"<meta charset=\"utf-8\"><style>\n"
	"@page { size: A4 landscape; margin: 12mm }\n"
	"body { font: 12px/1.5 \"Noto Sans CJK SC\", \"Microsoft YaHei\", SimSun, sans-serif; margin: 16px }\n"
	"h1 { font-size: 18px; text-align: center }\n"
	"table { border-collapse: collapse; width: 100% }\n"
	"th, td { border: 1px solid #000; padding: 2px 4px; text-align: center; overflow-wrap: anywhere }\n"
	"td.t { text-align: left }\n"
	"thead { display: table-header-group } tr { break-inside: avoid }\n"
	"dl { display: grid; grid-template-columns: max-content auto; gap: 0 8px } dd { margin: 0 }\n"
	"</style>\n";

static enum status html_headings(const struct paper *p, struct buf *out)
{
	enum status status = buf_printf(out, "<table>\n<thead>\n");
	for (size_t level = 0; level < paper_levels(p) && !status; level++) {
		status = buf_printf(out, "<tr>");
		for (size_t i = 0; i < p->column_count && !status; i++) {
			size_t columns, levels;
			paper_heading_size(p, i, level, &columns, &levels);
			if (!columns)
				continue;
			status = buf_printf(out, "<th colspan=\"%zu\" rowspan=\"%zu\">", columns, levels);
			if (!status)
				status = xml_append(out, paper_heading(p, i, level));
			if (!status)
				status = buf_printf(out, "</th>");
		}
		if (!status)
			status = buf_printf(out, "</tr>\n");
	}
	return status ? status : buf_printf(out, "</thead>\n<tbody>\n");
}

static enum status html_rows(const struct paper *p, struct buf *out)
{
	char room[PAPER_ROOM];
	enum status status = STATUS_OK;
	for (size_t row = 0; row < paper_rows(p) && !status; row++) {
		status = buf_printf(out, "<tr>");
		for (size_t i = 0; i < p->column_count && !status; i++) {
			const struct paper_cell *c = paper_cell_at(p, row, i);
			status = buf_printf(out, c->kind == PAPER_CELL_TEXT ? "<td class=\"t\">" : "<td>");
			if (!status)
				status = xml_append(out, paper_cell_text(p, c, room));
			if (!status)
				status = buf_printf(out, "</td>");
		}
		if (!status)
			status = buf_printf(out, "</tr>\n");
	}
	return status ? status : buf_printf(out, "</tbody>\n</table>\n<dl>\n");
}

static enum status html_notes(const struct paper *p, struct buf *out)
{
	enum status status = STATUS_OK;
	for (size_t i = 0; i < p->note_count && !status; i++) {
		status = buf_printf(out, "<dt>");
		if (!status)
			status = xml_append(out, span_of_string(p->notes[i].label));
		if (!status)
			status = buf_printf(out, "</dt><dd>");
		if (!status)
			status = xml_append(out, paper_note_text(p, i));
		if (!status)
			status = buf_printf(out, "</dd>\n");
	}
	return status ? status : buf_printf(out, "</dl>\n");
}

enum status paper_html(const struct paper *p, struct buf *out)
{
	enum status status = whole(p);
	if (!status)
		status = buf_printf(out, "<!DOCTYPE html>\n<html lang=\"zh-CN\">\n%s<title>", html_head);
	if (!status)
		status = xml_append(out, span_of_string(p->title));
	if (!status)
		status = buf_printf(out, "</title>\n<h1>");
	if (!status)
		status = xml_append(out, span_of_string(p->title));
	if (!status)
		status = buf_printf(out, "</h1>\n");
	if (!status)
		status = html_headings(p, out);
	if (!status)
		status = html_rows(p, out);
	return status ? status : html_notes(p, out);
}
