/* engine/detect/README.md is the tables of rules.h, written out: kinds, parameters, keys, and which rule answers which
 * row. A page that differs is a failure; ZAYTON_WRITE_PAGES=1 writes it anew. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/detect/rules_text.h"
#include "unit/detect/rules_rig.h"

#define PAGE TESTS_DIR "/../engine/detect/README.md"
#define MARK "<!-- from here on written by tests/unit/detect/test_rules_page.c -->\n"

static const char *const unit_texts[] = {
	[UNIT_SPEED] = "km/h",        [UNIT_TIME] = "s, min, h, d", [UNIT_LENGTH] = "m, km",   [UNIT_PERCENT] = "%",
	[UNIT_NUMBER] = "number",     [UNIT_YES] = "yes, no",       [UNIT_OPTION] = "yes, no", [UNIT_TAG] = "tag",
	[UNIT_BITS] = "bits 0 .. 31", [UNIT_TYPES] = "item:type",   [UNIT_HOURS] = "hours",    [UNIT_CHOICE] = NULL,
	[UNIT_DATE] = "date",         [UNIT_DECIMAL] = "decimal",
};

#define PUT(...) cr_assert_eq(buf_printf(out, __VA_ARGS__), STATUS_OK)

static void put_value(struct buf *out, const struct rule_param *p, int64_t value)
{
	int64_t params[RULE_PARAMS_MAX] = {0};
	params[p->place] = value;
	cr_assert_eq(rule_param_print(p, params, out), STATUS_OK);
}

static void put_unit(struct buf *out, const struct rule_param *p)
{
	struct span words = span_of_string(p->words), word;
	for (const char *between = ""; p->unit == UNIT_CHOICE && next_word(&words, &word); between = ", ")
		PUT("%s%.*s", between, (int)word.size, (const char *)word.data);
	if (p->unit == UNIT_CHOICE)
		return;
	PUT("%s", unit_texts[p->unit]);
	if (p->unit > UNIT_NUMBER)
		return;
	PUT("; ");
	put_value(out, p, p->min);
	PUT(" .. ");
	put_value(out, p, p->max);
}

static void put_initial(struct buf *out, const struct rule_param *p)
{
	size_t before = out->size;
	if (p->initial == PARAM_REQUIRED)
		PUT("required");
	else
		put_value(out, p, p->initial);
	if (out->size == before)
		PUT("none");
}

static void put_param(struct buf *out, const struct rule_param *p)
{
	PUT("| `%s` | ", p->token);
	put_unit(out, p);
	PUT(" | ");
	put_initial(out, p);
	PUT(" | %s |\n", p->meaning);
}

static void put_keys(struct buf *out)
{
	PUT("\n## Keys of every rule\n\n| key | written as | default | meaning |\n| --- | --- | --- | --- |\n");
	for (unsigned i = 0; i < RULE_KEY_COUNT; i++) {
		const struct rule_key *k = &rule_keys[i];
		PUT("| `%s` | ", k->token);
		if (k->form == KEY_VALUE) {
			put_unit(out, &k->value);
			PUT(" | ");
			put_initial(out, &k->value);
		} else {
			PUT("text | %s", k->required ? "required" : *k->initial ? k->initial : "none");
		}
		PUT(" | %s |\n", k->meaning);
	}
}

static void put_kinds(struct buf *out)
{
	PUT("\n## Kinds and their parameters\n");
	for (unsigned kind = 1, count; kind < RULE_KIND_COUNT; kind++) {
		const struct rule_param *params = rule_kind_params(kind, &count);
		if (!rule_kind_exists(kind))
			continue;
		PUT("\n### %s %s\n\nStage %u. Finds: %s.\n", rule_kind_token(kind), rule_kind_chinese(kind),
		    rule_kind_stage(kind), rule_kind_meaning(kind));
		if (count)
			PUT("\n| parameter | written as | default | meaning |\n| --- | --- | --- | --- |\n");
		for (unsigned i = 0; i < count; i++)
			if (*params[i].token)
				put_param(out, &params[i]);
	}
}

/* Rows in order of their letter and number. */
static int by_row(const void *a, const void *b)
{
	const char *x = a, *y = b;
	return x[0] != y[0] ? x[0] - y[0] : atoi(x + 1) - atoi(y + 1);
}

static void put_rows(struct buf *out, const struct rulebook *b)
{
	static char rows[256][8];
	size_t count = 0;
	for (uint32_t i = 0; i < b->count; i++) {
		struct span rest = span_of_string(b->rules[i].rows), word;
		for (; next_word(&rest, &word); count++) {
			cr_assert(count < 256 && word.size < sizeof rows[0]);
			memcpy(rows[count], word.data, word.size);
		}
	}
	qsort(rows, count, sizeof rows[0], by_row);
	PUT("\n## Requirements and the shipped rules that answer them\n\n| row | rules |\n| --- | --- |\n");
	for (size_t i = 0; i < count; i++) {
		if (i && strcmp(rows[i], rows[i - 1]) == 0)
			continue;
		PUT("| %s |", rows[i]);
		for (uint32_t r = 0; r < b->count; r++) {
			struct span rest = span_of_string(b->rules[r].rows), word;
			while (next_word(&rest, &word))
				if (span_equal(word, span_of_string(rows[i])))
					PUT(" %s", b->rules[r].id);
		}
		PUT(" |\n");
	}
}

static struct buf read_page(void)
{
	struct buf page = buf_init(1 << 20);
	FILE *f = fopen(PAGE, "rb");
	cr_assert_not_null(f, "%s", PAGE);
	cr_assert_eq(buf_reserve(&page, 1 << 19), STATUS_OK);
	page.size = fread(page.data, 1, 1 << 19, f);
	fclose(f);
	return page;
}

Test(rules_page, says_what_the_tables_say)
{
	struct buf page = read_page(), tables = buf_init(1 << 20);
	struct rules_read r = rules_read(rules_default());
	cr_assert_eq(r.status, STATUS_OK);
	cr_assert_eq(buf_printf(&tables, MARK), STATUS_OK);
	put_keys(&tables);
	put_kinds(&tables);
	put_rows(&tables, r.book);
	uint8_t *mark = memmem(page.data, page.size, MARK, strlen(MARK));
	cr_assert_not_null(mark, "the page has lost its mark");
	size_t head = (size_t)(mark - page.data);
	if (getenv("ZAYTON_WRITE_PAGES")) {
		FILE *f = fopen(PAGE, "wb");
		cr_assert_not_null(f);
		fwrite(page.data, 1, head, f);
		fwrite(tables.data, 1, tables.size, f);
		fclose(f);
	} else {
		cr_expect(span_equal(span_of(mark, page.size - head), buf_view(&tables)),
			  "the page differs from the tables: run unit_detect with ZAYTON_WRITE_PAGES=1");
	}
	rules_read_deinit(&r);
	buf_deinit(&tables);
	buf_deinit(&page);
}
