#include "tests/unit/ingest_jt808/vectors_jt808.h"

#include <stdio.h>
#include <stdlib.h>

struct buf bytes_of_hex(const char *hex)
{
	struct buf out = buf_init(1 << 20);
	if (hex_decode(&out, span_of_string(hex)))
		abort();
	return out;
}

static bool row_parse(char *line, struct vector *out)
{
	char *columns[4] = {0};
	for (int i = 0; i < 4; i++)
		columns[i] = strsep(&line, "\t\n");
	if (!columns[3])
		return false;
	out->wire = buf_init(1 << 20);
	if (hex_decode(&out->wire, span_of_string(columns[1])))
		return false;
	out->expected = strdup(columns[2]);
	out->notes = strdup(columns[3]);
	return out->expected && out->notes;
}

size_t vectors_read(struct vector out[VECTOR_COUNT])
{
	FILE *f = fopen(TESTS_DIR "/golden/jt808/vectors.tsv", "r");
	char *line = NULL;
	size_t room = 0, count = 0;
	int number = 0;
	while (f && getline(&line, &room, f) > 0) {
		number++;
		if (line[0] == '#')
			continue;
		if (count == VECTOR_COUNT || !row_parse(line, &out[count])) {
			fprintf(stderr, "vectors.tsv:%d: not a row, or one too many\n", number);
			break;
		}
		out[count++].line = number;
	}
	free(line);
	if (f)
		fclose(f);
	return count;
}

void vectors_free(struct vector *v, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		buf_deinit(&v[i].wire);
		free(v[i].expected);
		free(v[i].notes);
	}
}

static bool find_value(const char *text, const char *key, char separator, const char *ends, char *out, size_t out_size)
{
	size_t length = strlen(key);
	for (const char *at = text; (at = strstr(at, key)); at++) {
		bool starts = at == text || strchr(" |,=", at[-1]);
		if (!starts || at[length] != separator)
			continue;
		const char *value = at + length + 1;
		size_t size = strcspn(value, ends);
		if (size >= out_size)
			return false;
		memcpy(out, value, size);
		out[size] = '\0';
		return true;
	}
	return false;
}

bool vector_fact(const struct vector *v, const char *key, char *out, size_t out_size)
{
	return find_value(v->expected, key, '=', "|", out, out_size);
}

bool vector_note(const struct vector *v, const char *key, char *out, size_t out_size)
{
	return find_value(v->notes, key, ':', ",", out, out_size);
}
