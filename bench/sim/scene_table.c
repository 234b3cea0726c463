#include "bench/sim/scene_table.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct line {
	char row[16];
	char rule[SCENE_NAME_MAX + 1];
};

struct table {
	struct line *lines; /* one for each row of each rule; row "-" for a rule without */
	size_t count, capacity;
};

static void add(struct table *t, const char *row, const char *rule)
{
	if (t->count == t->capacity) {
		t->capacity = t->capacity ? t->capacity * 2 : 64;
		t->lines = realloc(t->lines, t->capacity * sizeof *t->lines);
		if (!t->lines)
			abort();
	}
	struct line *l = &t->lines[t->count++];
	snprintf(l->row, sizeof l->row, "%s", row);
	snprintf(l->rule, sizeof l->rule, "%s", rule);
}

/* "A9" before "A10", A before B; what names no row comes last. */
static int by_row(const void *a, const void *b)
{
	const struct line *x = a, *y = b;
	if (x->row[0] != y->row[0])
		return (x->row[0] == '-') != (y->row[0] == '-') ? (x->row[0] == '-' ? 1 : -1) : x->row[0] - y->row[0];
	int numbers = atoi(x->row + 1) - atoi(y->row + 1);
	return numbers ? numbers : strcmp(x->rule, y->rule);
}

static bool is_row(const char *word)
{
	return isupper((unsigned char)word[0]) && isdigit((unsigned char)word[1]);
}

/* The rows of `rows = A9 B10`; words that are no row stay out. */
static void read_rows(struct table *t, char *text, const char *rule)
{
	char *save = NULL;
	for (char *word = strtok_r(text, " ,\t\r", &save); word; word = strtok_r(NULL, " ,\t\r", &save))
		if (is_row(word))
			add(t, word, rule);
}

static void read_rules(struct table *t, const char *text, size_t size)
{
	char rule[SCENE_NAME_MAX + 1] = "", line[1024];
	size_t before = 0;
	for (const char *at = text, *end = text + size; at < end;) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		size_t length = (size_t)((stop ? stop : end) - at);
		snprintf(line, sizeof line, "%.*s", (int)length, at);
		at += length + 1;
		char *word = line + strspn(line, " \t");
		if (*word == '[') {
			if (rule[0] && t->count == before)
				add(t, "-", rule);
			before = t->count;
			snprintf(rule, sizeof rule, "%.*s", (int)strcspn(word + 1, "]"), word + 1);
			if (!strcmp(rule, "inputs"))
				rule[0] = '\0';
		} else if (rule[0] && !strncmp(word, "rows", 4) && strchr(word, '=')) {
			read_rows(t, strchr(word, '=') + 1, rule);
		}
	}
	if (rule[0] && t->count == before)
		add(t, "-", rule);
}

static size_t print_scenes(const struct scene_book *b, const char *rule, bool breaks, FILE *out)
{
	size_t count = 0;
	for (size_t i = 0; i < b->count; i++) {
		const struct scene *s = &b->scenes[i];
		for (unsigned k = 0; k < (breaks ? s->break_count : s->keep_count); k++)
			if (!strcmp(breaks ? s->breaks[k] : s->keeps[k], rule))
				fprintf(out, "%s%s", count++ ? ", " : "", s->name);
	}
	if (!count)
		fputs("-", out);
	return count;
}

static bool has_rule(const struct table *t, const char *rule)
{
	for (size_t i = 0; i < t->count; i++)
		if (!strcmp(t->lines[i].rule, rule))
			return true;
	return false;
}

static size_t check_names(const struct table *t, const struct scene *s, FILE *out)
{
	size_t wrong = 0;
	for (unsigned i = 0; i < s->break_count + s->keep_count + s->truth_count; i++) {
		const char *rule = i < s->break_count ? s->breaks[i]
				   : i < s->break_count + s->keep_count
					   ? s->keeps[i - s->break_count]
					   : s->truths[i - s->break_count - s->keep_count].rule;
		if (has_rule(t, rule))
			continue;
		fprintf(out, "%s names %s, which is no rule\n", s->name, rule);
		wrong++;
	}
	return wrong;
}

size_t scene_table_print(const struct scene_book *b, const char *rules, size_t rules_size, FILE *out)
{
	struct table t = {0};
	size_t wrong = 0;
	read_rules(&t, rules, rules_size);
	if (t.count)
		qsort(t.lines, t.count, sizeof *t.lines, by_row);
	fputs("| row | rule | broken by | kept by |\n| --- | --- | --- | --- |\n", out);
	for (size_t i = 0; i < t.count; i++) {
		fprintf(out, "| %s | %s | ", t.lines[i].row, t.lines[i].rule);
		size_t breaking = print_scenes(b, t.lines[i].rule, true, out);
		fputs(" | ", out);
		size_t keeping = print_scenes(b, t.lines[i].rule, false, out);
		fputs(" |\n", out);
		wrong += !breaking || !keeping;
	}
	if (wrong)
		fprintf(out, "%zu lines without a breaking or a keeping scene\n", wrong);
	for (size_t i = 0; i < b->count; i++)
		wrong += check_names(&t, &b->scenes[i], out);
	free(t.lines);
	return wrong + (t.count == 0);
}
