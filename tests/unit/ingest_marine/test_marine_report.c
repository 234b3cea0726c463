/* What came goes through a report and a block and comes back bit for bit. */
#include <criterion/criterion.h>

#include "engine/core/clock.h"
#include "engine/core/limits.h"
#include "engine/series/block.h"
#include "engine/series/report_list.h"
#include "ingest/marine/ais_assembler.h"
#include "ingest/marine/marine_report.h"
#include "vectors.h"

#define ANCHOR INT64_C(1767225611000) /* 2026-01-01 00:00:11 UTC */

struct gathered {
	unsigned count;
	struct ais_packet packets[BLOCK_REPORTS_MAX];
	struct report reports[BLOCK_REPORTS_MAX];
	uint8_t items[BLOCK_REPORTS_MAX][128];
};
static struct gathered g;

static void take_packet(const struct ais_packet *p)
{
	struct ais_message m;
	struct buf items = buf_init(MARINE_ITEMS_MAX);
	struct report r, again;
	struct buf body = buf_init(REPORT_BODY_MAX);
	if (ais_decode(p, &m) || !m.known || !ais_is_position(m.type) || g.count == BLOCK_REPORTS_MAX)
		return;
	/* a second of its own each, so that the order of the block is the order here */
	int64_t time_ms = ais_event_time(&m, ANCHOR + g.count * 2 * MS_PER_MINUTE);
	cr_assert_eq(ais_report(p, &m, time_ms, &items, &r), STATUS_OK);
	cr_assert_eq(report_body(&r, &body), STATUS_OK);
	cr_assert_eq(report_from_row(buf_view(&body), &again), STATUS_OK);
	cr_assert_eq(r.hash, again.hash);
	cr_assert_leq(items.size, sizeof g.items[0]);
	memcpy(g.items[g.count], items.data, items.size);
	r.items = g.items[g.count];
	g.reports[g.count] = r;
	g.packets[g.count] = *p;
	g.packets[g.count].payload[0] &= 0xfc; /* the repeat indicator goes */
	g.count++;
	buf_deinit(&items);
	buf_deinit(&body);
}

static void take_row(void *context, const struct vector *v)
{
	struct ais_assembler *a = context;
	for (unsigned i = 0; i < v->parts; i++) {
		struct sentence s;
		const struct ais_packet *p;
		if (!sentence_parse(v->part[i], &s) && !ais_assembler_add(a, &s, v->line, 0, &p))
			take_packet(p);
	}
}

static enum status visit(void *context, const struct report *r)
{
	unsigned *n = context;
	struct ais_packet back;
	cr_assert_eq(r->hash, g.reports[*n].hash);
	cr_assert_eq(ais_report_packet(r, &back), STATUS_OK, "report %u", *n);
	const struct ais_packet *p = &g.packets[*n];
	cr_assert_eq(back.bits, p->bits, "report %u", *n);
	for (unsigned i = 0; i < (p->bits + 7u) / 8; i++)
		cr_assert_eq(back.payload[i], p->payload[i], "report %u (type %u) byte %u: %02x, was %02x", *n,
			     p->payload[0] >> 2, i, back.payload[i], p->payload[i]);
	++*n;
	return STATUS_OK;
}

Test(marine_report, every_position_comes_back_out_of_a_block)
{
	struct ais_assembler *a;
	cr_assert_eq(ais_assembler_new(AIS_EXPIRE_LINES, &a), STATUS_OK);
	vectors_each("ais.tsv", take_row, a);
	cr_assert_gt(g.count, 60);
	unsigned n = 0;
	for (unsigned i = 0; i < g.count; i++)
		cr_assert_eq(visit(&n, &g.reports[i]), STATUS_OK);
	struct buf block = buf_init(BLOCK_BYTES_MAX);
	cr_assert_eq(block_encode(g.reports, g.count, &block), STATUS_OK);
	n = 0;
	struct report_list list = report_list_init(BLOCK_REPORTS_MAX, BLOCK_BYTES_MAX);
	cr_assert_eq(block_reports(buf_view(&block), &list), STATUS_OK);
	for (size_t i = 0; i < list.count; i++)
		cr_assert_eq(visit(&n, &list.reports[i]), STATUS_OK);
	report_list_deinit(&list);
	cr_assert_eq(n, g.count);
	buf_deinit(&block);
	ais_assembler_free(a);
}

static void text_round_trip(const char *text)
{
	struct rdss_point p = {.lat_e7 = 248000000, .lon_e7 = 1186000000, .speed_dkn = 51, .course_deg = 271};
	struct buf items = buf_init(MARINE_ITEMS_MAX), back = buf_init(4096);
	struct report r;
	cr_assert_eq(rdss_report(&p, 123, span_of_string(text), ANCHOR, &items, &r), STATUS_OK);
	cr_assert_eq(marine_original(&r, &back), STATUS_OK, "%s", text);
	cr_assert(span_equal(buf_view(&back), span_of_string(text)), "%s came back as %.*s", text, (int)back.size,
		  (const char *)back.data);
	cr_assert_eq(r.speed_dkmh, 94);
	cr_assert_eq(r.altitude_m, 12);
	buf_deinit(&items);
	buf_deinit(&back);
}

Test(marine_report, sentences_come_back_as_they_were)
{
	text_round_trip("$CCICA,0,00*7B\r\n");
	text_round_trip("$CCICA,0,00*7b\r\n");
	text_round_trip("$GPGGA,125106,3854.5087,N,07726.4523,W,8,10,2.0,268.8,M,-33.9,M,,*7F\r\n"
			"$GPRMC,125106,V,3854.5087,N,07726.4523,W,0.0,0.0,241011,10.5,W,S*28\r\n");
	text_round_trip("$BDTXR,1,0123456,0,1530,\xb2\xe2\xca\xd4*00\r\n");
	text_round_trip("no sum 0123456789012345678901234567890 at all");
	text_round_trip(
		"1,2,3,4,5,6,7,8,9,0,1,2,3,4,5,6,7,8,9,0,1,2,3,4,5,6,7,8,9,0,1,2,3,4,5,6,7,8,9,0,1,2,3,4,5,6,7");
}

Test(marine_report, a_boat_without_a_fix_is_not_at_zero)
{
	struct ais_message m = {.type = 18, .mmsi = 412000001};
	struct ais_packet p;
	struct buf items = buf_init(MARINE_ITEMS_MAX);
	struct report r;
	cr_assert_eq(ais_encode(&m, &p), STATUS_OK);
	cr_assert_eq(ais_decode(&p, &m), STATUS_OK);
	cr_assert_eq(ais_report(&p, &m, ANCHOR, &items, &r), STATUS_OK);
	cr_assert(r.flags & REPORT_FLAG_NO_FIX);
	cr_assert_eq(r.speed_dkmh, SPEED_UNKNOWN);
	cr_assert_eq(r.course_deg, COURSE_UNKNOWN);
	buf_deinit(&items);
}

Test(marine_report, the_second_moves_the_anchor_to_the_nearest_instant)
{
	struct ais_message m = {.type = 1, .known = true};
	static const struct {
		int64_t anchor;
		int32_t second;
		int64_t expected;
	} cases[] = {
		{ANCHOR, 11, ANCHOR},         {ANCHOR + 700, 10, ANCHOR - 1000},
		{ANCHOR, 58, ANCHOR - 13000}, {ANCHOR, 40, ANCHOR + 29000},
		{ANCHOR, 60, ANCHOR},         {ANCHOR + 40000, 2, ANCHOR + 51000},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		ais_set(&m, AIS_SECOND, cases[i].second);
		cr_assert_eq(ais_event_time(&m, cases[i].anchor), cases[i].expected, "case %zu", i);
	}
}

Test(marine_report, every_speed_in_knots_comes_back)
{
	for (uint16_t dkn = 0; dkn <= 1022; dkn++)
		cr_assert_eq(dkn_of_dkmh(dkmh_of_dkn(dkn)), dkn);
}
