#include "support/workbook_reader.h"

#include <criterion/criterion.h>
#include <expat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *part_of(const char *path, const char *part, size_t *out_size)
{
	char command[600], *text = NULL;
	size_t size = 0, n;
	snprintf(command, sizeof command, "unzip -p '%s' '%s' </dev/null 2>/dev/null", path, part);
	FILE *pipe = popen(command, "r");
	cr_assert(pipe);
	do {
		text = realloc(text, size + 65536);
		n = fread(text + size, 1, 65536, pipe);
		size += n;
	} while (n);
	cr_assert_eq(pclose(pipe), 0, "%s has no whole %s", path, part);
	*out_size = size;
	return text;
}

static bool has_part(const char *path, const char *part)
{
	char command[600];
	snprintf(command, sizeof command, "unzip -l '%s' '%s' </dev/null >/dev/null 2>&1", path, part);
	return system(command) == 0;
}

static const char *attribute(const char **list, const char *name)
{
	for (; *list; list += 2)
		if (!strcmp(list[0], name))
			return list[1];
	return NULL;
}

struct reading {
	struct workbook *book;
	struct reader_sheet *sheet;
	struct reader_cell *cell;
	size_t text_size;
	bool in_text;
	/* texts that cells name by number, and whether this cell does */
	char **shared;
	size_t shared_count;
	bool is_shared;
	/* styles: format codes by their id, and whether cell styles are being listed */
	struct {
		int id;
		char code[64];
	} codes[32];
	size_t code_count;
	bool in_styles;
};

static void parse(const char *path, const char *part, XML_StartElementHandler start, XML_EndElementHandler end,
		  XML_CharacterDataHandler text, struct reading *r)
{
	size_t size;
	char *bytes = part_of(path, part, &size);
	XML_Parser p = XML_ParserCreate("UTF-8");
	XML_SetElementHandler(p, start, end);
	XML_SetCharacterDataHandler(p, text);
	XML_SetUserData(p, r);
	cr_assert_eq(XML_Parse(p, bytes, (int)size, 1), XML_STATUS_OK, "%s: %s at line %lu", part,
		     XML_ErrorString(XML_GetErrorCode(p)), XML_GetCurrentLineNumber(p));
	XML_ParserFree(p);
	free(bytes);
}

static void nothing(void *context, const char *name)
{
	(void)context, (void)name;
}

static void book_start(void *context, const char *name, const char **list)
{
	struct workbook *w = ((struct reading *)context)->book;
	if (strcmp(name, "sheet") != 0)
		return;
	cr_assert_lt(w->count, READER_SHEETS_MAX);
	snprintf(w->sheets[w->count++].name, sizeof w->sheets->name, "%s", attribute(list, "name"));
}

static void style_start(void *context, const char *name, const char **list)
{
	struct reading *r = context;
	if (!strcmp(name, "numFmt")) {
		cr_assert_lt(r->code_count, 32);
		r->codes[r->code_count].id = atoi(attribute(list, "numFmtId"));
		snprintf(r->codes[r->code_count++].code, sizeof r->codes->code, "%s", attribute(list, "formatCode"));
	}
	r->in_styles |= !strcmp(name, "cellXfs");
	if (!r->in_styles || strcmp(name, "xf") != 0)
		return;
	const char *code = "";
	for (size_t i = 0; i < r->code_count; i++)
		if (r->codes[i].id == atoi(attribute(list, "numFmtId")))
			code = r->codes[i].code;
	cr_assert_lt(r->book->format_count, 64);
	r->book->formats[r->book->format_count++] = strdup(code);
}

static void style_end(void *context, const char *name)
{
	struct reading *r = context;
	if (!strcmp(name, "cellXfs"))
		r->in_styles = false;
}

/* --- texts that cells share --- */

static void shared_start(void *context, const char *name, const char **list)
{
	struct reading *r = context;
	(void)list;
	if (!strcmp(name, "si")) {
		r->shared = realloc(r->shared, (r->shared_count + 1) * sizeof *r->shared);
		r->shared[r->shared_count++] = strdup("");
	}
	r->in_text = !strcmp(name, "t");
}

static void shared_text(void *context, const char *text, int size)
{
	struct reading *r = context;
	if (!r->in_text)
		return;
	char **at = &r->shared[r->shared_count - 1];
	size_t before = strlen(*at);
	*at = realloc(*at, before + (size_t)size + 1);
	memcpy(*at + before, text, (size_t)size);
	(*at)[before + (size_t)size] = '\0';
}

static void cell_start(struct reading *r, const char **list)
{
	struct reader_sheet *s = r->sheet;
	const char *at = attribute(list, "r"), *type = attribute(list, "t"), *style = attribute(list, "s");
	if (!(s->count & (s->count + 1)))
		s->cells = realloc(s->cells, (2 * s->count + 2) * sizeof *s->cells);
	r->cell = &s->cells[s->count++];
	*r->cell = (struct reader_cell){.is_text = type != NULL, .format = ""};
	r->is_shared = type && !strcmp(type, "s");
	cr_assert(!type || r->is_shared || !strcmp(type, "inlineStr"), "a cell of type %s", type);
	for (; *at >= 'A' && *at <= 'Z'; at++)
		r->cell->column = r->cell->column * 26 + (unsigned)(*at - 'A' + 1);
	r->cell->column--;
	r->cell->row = (unsigned)atoi(at) - 1;
	r->cell->text = strdup("");
	r->text_size = 0;
	if (style)
		r->cell->format = r->book->formats[atoi(style)];
	s->rows = r->cell->row + 1;
}

static void sheet_start(void *context, const char *name, const char **list)
{
	struct reading *r = context;
	if (!strcmp(name, "c"))
		cell_start(r, list);
	else if (!strcmp(name, "pane") && !strcmp(attribute(list, "state"), "frozen"))
		snprintf(r->sheet->frozen, sizeof r->sheet->frozen, "%s", attribute(list, "topLeftCell"));
	else if (!strcmp(name, "autoFilter"))
		snprintf(r->sheet->filter, sizeof r->sheet->filter, "%s", attribute(list, "ref"));
	else if (!strcmp(name, "col"))
		r->sheet->columns_wide += (unsigned)(atoi(attribute(list, "max")) - atoi(attribute(list, "min")) + 1);
	r->in_text = !strcmp(name, "v") || !strcmp(name, "t");
}

/* A shared text is named by its number. */
static void sheet_end_element(void *context, const char *name)
{
	struct reading *r = context;
	r->in_text = false;
	if (strcmp(name, "v") != 0 || !r->is_shared)
		return;
	size_t number = (size_t)atoi(r->cell->text);
	cr_assert_lt(number, r->shared_count);
	free(r->cell->text);
	r->cell->text = strdup(r->shared[number]);
}

static void sheet_text(void *context, const char *text, int size)
{
	struct reading *r = context;
	if (!r->in_text || !r->cell)
		return;
	r->cell->text = realloc(r->cell->text, r->text_size + (size_t)size + 1);
	memcpy(r->cell->text + r->text_size, text, (size_t)size);
	r->text_size += (size_t)size;
	r->cell->text[r->text_size] = '\0';
}

void workbook_open(struct workbook *w, const char *path)
{
	char part[64];
	memset(w, 0, sizeof *w);
	struct reading r = {.book = w};
	parse(path, "xl/workbook.xml", book_start, nothing, NULL, &r);
	parse(path, "xl/styles.xml", style_start, style_end, NULL, &r);
	if (has_part(path, "xl/sharedStrings.xml"))
		parse(path, "xl/sharedStrings.xml", shared_start, sheet_end_element, shared_text, &r);
	for (size_t i = 0; i < w->count; i++) {
		snprintf(part, sizeof part, "xl/worksheets/sheet%zu.xml", i + 1);
		r.sheet = &w->sheets[i];
		r.cell = NULL;
		parse(path, part, sheet_start, sheet_end_element, sheet_text, &r);
	}
	for (size_t i = 0; i < r.shared_count; i++)
		free(r.shared[i]);
	free(r.shared);
}

void workbook_shut(struct workbook *w)
{
	for (size_t i = 0; i < w->count; i++) {
		for (size_t k = 0; k < w->sheets[i].count; k++)
			free(w->sheets[i].cells[k].text);
		free(w->sheets[i].cells);
	}
	for (size_t i = 0; i < w->format_count; i++)
		free(w->formats[i]);
}

const struct reader_sheet *workbook_sheet(const struct workbook *w, const char *name)
{
	for (size_t i = 0; i < w->count; i++)
		if (!strcmp(w->sheets[i].name, name))
			return &w->sheets[i];
	cr_assert_fail("no sheet %s", name);
	return NULL;
}

const struct reader_cell *cell_at(const struct reader_sheet *s, unsigned row, unsigned column)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->cells[i].row == row && s->cells[i].column == column)
			return &s->cells[i];
	return NULL;
}

const char *cell_text_at(const struct reader_sheet *s, unsigned row, unsigned column)
{
	const struct reader_cell *c = cell_at(s, row, column);
	return c ? c->text : "";
}

unsigned column_of(const struct reader_sheet *s, const char *heading)
{
	for (size_t i = 0; i < s->count && !s->cells[i].row; i++)
		if (!strcmp(s->cells[i].text, heading))
			return s->cells[i].column;
	cr_assert_fail("%s has no column %s", s->name, heading);
	return 0;
}
