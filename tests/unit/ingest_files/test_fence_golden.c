/* tests/golden/fences/<case>.{geojson,kml,wkt} and what comes of it in <case>.<ext>.expect; see README.md there. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "fence_reading.h"

#define FOLDER TESTS_DIR "/golden/fences"

static void load(const char *path, struct buf *out)
{
	uint8_t piece[4096];
	size_t n;
	FILE *f = fopen(path, "rb");
	cr_assert(f, "%s", path);
	while ((n = fread(piece, 1, sizeof piece, f)) > 0)
		cr_assert(buf_append(out, piece, n) == STATUS_OK);
	fclose(f);
}

static void print(struct buf *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void print(struct buf *out, const char *format, ...)
{
	char text[1024];
	va_list arguments;
	va_start(arguments, format);
	int n = vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	cr_assert(n >= 0 && (size_t)n < sizeof text && buf_append(out, text, (size_t)n) == STATUS_OK);
}

static void print_record(struct buf *out, const struct fence_record *r)
{
	const struct fence_area *a = r->area;
	print(out, "record %" PRIu32 " line %" PRIu64 " id \"%s\" name \"%s\" tags \"%s\" limit %u when \"%s\"",
	      r->feature, r->line, r->id, r->name, r->tags, r->limit_dkmh, r->schedule);
	print(out, " from %" PRId64 " to %" PRId64 " length %" PRId64 "%s\n", r->valid_from_ms, r->valid_to_ms,
	      r->length_mm, r->repaired ? " repaired" : "");
	for (uint32_t ring = 0, i = 0; ring < a->ring_count; ring++) {
		print(out, " ring");
		for (; i < a->ring_ends[ring]; i++)
			print(out, " %" PRId32 ",%" PRId32, a->points[i].lat_e7, a->points[i].lon_e7);
		print(out, "\n");
	}
}

static void print_reading(struct buf *out, const struct reading *r, enum status status)
{
	print(out, "%s\n", status_name(status));
	for (uint32_t i = 0; i < r->record_count; i++)
		print_record(out, &r->records[i]);
	for (uint32_t i = 0; i < r->refusal_count; i++) {
		print(out, "refused ");
		cr_assert(fence_refusal_print(&r->refusals[i], false, out) == STATUS_OK);
		print(out, " / ");
		cr_assert(fence_refusal_print(&r->refusals[i], true, out) == STATUS_OK);
		print(out, "\n");
	}
}

/* A file whose name has "repair" in it is read with it. */
static void expect_golden(const char *name)
{
	char path[1024];
	struct reading r;
	struct buf text = buf_init(1 << 20), expected = buf_init(1 << 20), got = buf_init(1 << 20);
	snprintf(path, sizeof path, FOLDER "/%s", name);
	load(path, &text);
	snprintf(path, sizeof path, FOLDER "/%s.expect", name);
	if (!getenv("ZAYTON_GOLDEN_WRITE"))
		load(path, &expected);
	enum status status = read_fences(&r, text.data, text.size, NULL, strstr(name, "repair") != NULL);
	print_reading(&got, &r, status);
	reading_deinit(&r);
	if (getenv("ZAYTON_GOLDEN_WRITE")) {
		FILE *f = fopen(path, "wb");
		cr_assert(f && fwrite(got.data, 1, got.size, f) == got.size && fclose(f) == 0);
	} else {
		cr_assert(span_equal(buf_view(&got), buf_view(&expected)), "%s gives\n%.*s", name, (int)got.size,
			  (const char *)got.data);
	}
	buf_deinit(&text);
	buf_deinit(&expected);
	buf_deinit(&got);
}

Test(fence_golden, files_give_what_they_gave)
{
	unsigned files = 0;
	struct dirent *entry;
	DIR *folder = opendir(FOLDER);
	cr_assert(folder);
	while ((entry = readdir(folder))) {
		const char *dot = strrchr(entry->d_name, '.');
		if (!dot || (strcmp(dot, ".geojson") && strcmp(dot, ".kml") && strcmp(dot, ".wkt")))
			continue;
		expect_golden(entry->d_name);
		files++;
	}
	closedir(folder);
	cr_assert(files >= 6);
}
