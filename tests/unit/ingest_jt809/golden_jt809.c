#include "golden_jt809.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FOLDER TESTS_DIR "/golden/jt809/"

static void load_file(const char *name, const char *suffix, struct buf *out)
{
	char path[512];
	uint8_t chunk[4096];
	size_t n;
	snprintf(path, sizeof path, FOLDER "%s%s", name, suffix);
	FILE *f = fopen(path, "rb");
	cr_assert(f, "%s", path);
	*out = buf_init(1u << 20);
	while ((n = fread(chunk, 1, sizeof chunk, f)) > 0)
		cr_assert_eq(buf_append(out, chunk, n), STATUS_OK);
	fclose(f);
}

static void load_case(const char *name, struct golden *out)
{
	struct buf text;
	snprintf(out->name, sizeof out->name, "%s", name);
	load_file(name, ".expect", &out->expect);
	load_file(name, ".hex", &text);
	cr_assert_eq(buf_append_u8(&text, 0), STATUS_OK);
	out->options.edition = JT809_DETECT;
	out->wire = buf_init(1u << 20);
	for (char *line = strtok((char *)text.data, "\n"); line; line = strtok(NULL, "\n")) {
		sscanf(line, "# cipher: m1=%u ia1=%u ic1=%u", &out->options.cipher.m1, &out->options.cipher.ia1,
		       &out->options.cipher.ic1);
		if (*line != '#')
			cr_assert_eq(hex_decode(&out->wire, span_of_string(line)), STATUS_OK);
	}
	buf_deinit(&text);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct golden *)a)->name, ((const struct golden *)b)->name);
}

size_t golden_load(struct golden *cases)
{
	DIR *folder = opendir(FOLDER);
	struct dirent *entry;
	size_t count = 0;
	cr_assert(folder);
	while ((entry = readdir(folder))) {
		char name[128];
		char *dot = strrchr(entry->d_name, '.');
		if (!dot || strcmp(dot, ".hex") != 0)
			continue;
		cr_assert(count < GOLDEN_MAX);
		snprintf(name, sizeof name, "%.*s", (int)(dot - entry->d_name), entry->d_name);
		load_case(name, &cases[count++]);
	}
	closedir(folder);
	qsort(cases, count, sizeof *cases, by_name);
	return count;
}

void golden_free(struct golden *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		buf_deinit(&cases[i].wire);
		buf_deinit(&cases[i].expect);
	}
}

const struct golden *golden_find(const struct golden *cases, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(cases[i].name, name) == 0)
			return &cases[i];
	cr_assert_fail("no case %s", name);
	return NULL;
}
