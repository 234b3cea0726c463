/* Blocks written once and kept: version 1 must read them, and write the same bytes, for as long as it is version 1.
 * tests/golden/block/v1_NATURE.bin are blocks of random_reports() with the seed 20260101, v1_NATURE.expect their
 * reports, one a line. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/series/block.h"

static struct buf read_file(const char *name, const char *extension)
{
	char path[512];
	uint8_t chunk[4096];
	struct buf out = buf_init(64 << 20);
	size_t n;
	snprintf(path, sizeof path, TESTS_DIR "/golden/block/v1_%s.%s", name, extension);
	FILE *f = fopen(path, "rb");
	cr_assert_not_null(f, "%s", path);
	while ((n = fread(chunk, 1, sizeof chunk, f)) > 0)
		cr_assert_eq(buf_append(&out, chunk, n), STATUS_OK);
	fclose(f);
	return out;
}

static void print_report(const struct report *r, struct buf *out)
{
	static char hex[2 * REPORT_BODY_MAX + 1];
	hex_encode(hex, span_of(r->items, r->items_size));
	cr_assert_eq(buf_printf(out, "%lld %lld %016llx %d %d %08x %08x %u %u %u %d %04x %u %s\n",
				(long long)r->time_ms, (long long)r->received_ms, (unsigned long long)r->hash,
				r->lat_e7, r->lon_e7, r->alarm, r->status, r->mileage_hm, r->speed_dkmh, r->course_deg,
				r->altitude_m, r->flags, r->body, hex),
		     STATUS_OK);
}

/* What an earlier writer left is read as it was; `written` when the writer of today writes it so, too. */
static void expect_golden(const char *name, bool written)
{
	struct buf block = read_file(name, "bin"), expected = read_file(name, "expect");
	struct buf printed = buf_init(64 << 20), again = buf_init(BLOCK_BYTES_MAX);
	struct report_list l = report_list_init(BLOCK_REPORTS_MAX, 16 << 20);
	cr_assert_eq(block_reports(buf_view(&block), &l), STATUS_OK);
	for (size_t i = 0; i < l.count; i++)
		print_report(&l.reports[i], &printed);
	cr_assert(span_equal(buf_view(&printed), buf_view(&expected)), "%s reads differently", name);
	cr_assert_eq(block_encode(l.reports, l.count, &again), STATUS_OK);
	cr_assert_eq(span_equal(buf_view(&again), buf_view(&block)), written, "%s is written %s", name,
		     written ? "differently" : "as ever");
	report_list_deinit(&l);
	buf_deinit(&printed);
	buf_deinit(&again);
	buf_deinit(&block);
	buf_deinit(&expected);
}

Test(block_golden, version_1_is_read_and_written_as_ever)
{
	expect_golden("driving", true);
	expect_golden("parked", true);
	expect_golden("boat", true);
	expect_golden("noise", false); /* from before the items of rows became columns; `rows` is the same since */
	expect_golden("rows", true);
	expect_golden("extremes", true);
	expect_golden("mixed", false); /* has rows, too */
	expect_golden("road", true);
}
