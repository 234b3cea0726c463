#include "vectors.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

const char *vector_value(const struct vector *v, const char *key)
{
	for (unsigned i = 0; i < v->pairs; i++)
		if (strcmp(v->pair[i].key, key) == 0)
			return v->pair[i].value;
	return NULL;
}

/* U+2423 is a blank. */
static void unblank(char *text)
{
	char *to = text;
	for (char *at = text; *at; to++)
		if (memcmp(at, "\xe2\x90\xa3", 3) == 0) {
			*to = ' ';
			at += 3;
		} else {
			*to = *at++;
		}
	*to = '\0';
}

static void split(struct vector *v, char *input, char *expected)
{
	char *save;
	v->parts = v->pairs = 0;
	while (input && v->parts < VECTOR_PARTS_MAX) {
		char *bar = strchr(input, '|');
		if (bar)
			*bar = '\0';
		v->part[v->parts++] = span_of_string(input);
		input = bar ? bar + 1 : NULL;
	}
	for (char *word = strtok_r(expected, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		char *equals = strchr(word, '=');
		if (!equals || v->pairs == VECTOR_PAIRS_MAX)
			continue;
		*equals = '\0';
		unblank(equals + 1);
		v->pair[v->pairs].key = word;
		v->pair[v->pairs++].value = equals + 1;
	}
}

void vectors_each(const char *file, void (*check)(void *context, const struct vector *v), void *context)
{
	char path[512], line[8192];
	const char *other = getenv("ZAYTON_VECTORS");
	snprintf(path, sizeof path, "%s/golden/marine/%s", TESTS_DIR, file);
	FILE *f = fopen(other ? other : path, "r");
	cr_assert_not_null(f, "%s", other ? other : path);
	struct vector v = {0};
	while (fgets(line, sizeof line, f)) {
		char *save, *origin = strtok_r(line, "\t", &save);
		char *input = strtok_r(NULL, "\t", &save), *expected = strtok_r(NULL, "\t\n", &save);
		v.line++;
		if (!origin || origin[0] == '#' || !expected)
			continue;
		split(&v, input, expected);
		check(context, &v);
	}
	fclose(f);
}
