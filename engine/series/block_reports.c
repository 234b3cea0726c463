/* block_reports.c -- a block opened whole: its reports one by one, and the check that it is what it should be. */
#include <assert.h>
#include <stdlib.h>

#include "engine/core/hash.h"
#include "engine/series/block_items.h"
#include "engine/series/block_layout.h"

static struct block_columns every_column(struct block_rows *c)
{
	return (struct block_columns){c->count,    c->time,  c->received, c->lat,     c->lon,   c->speed, c->course,
				      c->altitude, c->alarm, c->status,   c->mileage, c->flags, 0};
}

struct block_columns block_rows_columns(struct block_rows *b)
{
	struct block_columns c = every_column(b);
	c.longest_ms = b->longest_ms;
	c.received_ms = b->whole ? b->received : NULL;
	c.altitude_m = b->whole ? b->altitude : NULL;
	c.mileage_hm = b->mileage_known ? b->mileage : NULL;
	return c;
}

static struct report report_at(const struct block_rows *c, size_t i)
{
	return (struct report){
		.time_ms = c->time[i],
		.received_ms = c->received[i],
		.lat_e7 = c->lat[i],
		.lon_e7 = c->lon[i],
		.alarm = c->alarm[i],
		.status = c->status[i],
		.mileage_hm = c->mileage[i],
		.speed_dkmh = c->speed[i],
		.course_deg = c->course[i],
		.altitude_m = c->altitude[i],
		.flags = c->flags[i],
		.body = c->body[i],
	};
}

/* Each report in turn; `items` are borrowed from `scratch` until the next. */
typedef enum status visit_report(void *context, const struct report *r);

static enum status walk(const struct block_rows *c, size_t count, struct block_items *items, struct buf *scratch,
			visit_report *visit, void *context)
{
	struct report before;
	for (size_t i = 0; i < count; i++) {
		struct report r = report_at(c, i);
		enum status status = block_items_next(items, scratch);
		if (status)
			return status == STATUS_NO_MEMORY ? status : STATUS_CORRUPT;
		r.items_size = (uint16_t)scratch->size;
		r.items = scratch->size ? scratch->data : NULL;
		if (report_rehash(&r) || (i && report_compare(&before, &r) >= 0))
			return STATUS_CORRUPT;
		status = visit(context, &r);
		if (status)
			return status;
		before = r;
	}
	return block_items_end(items);
}

static enum status verify_checksum(struct span block)
{
	if (block.size < 1 + BLOCK_CHECKSUM_BYTES)
		return STATUS_CORRUPT;
	if (block.data[0] != BLOCK_VERSION)
		return STATUS_BAD_VERSION;
	size_t size = block.size - BLOCK_CHECKSUM_BYTES;
	return hash64(span_of(block.data, size)) == load_le64(block.data + size) ? STATUS_OK : STATUS_CORRUPT;
}

/* Verified, decoded, visited; `*out_summary` is what the header says. */
static enum status visit_block(struct span block, visit_report *visit, void *context, struct block_summary *out_summary)
{
	struct block_view v;
	struct block_rows c;
	struct block_columns wanted;
	struct block_items *items;
	enum status status = verify_checksum(block);
	if (!status)
		status = block_open(block, &v);
	c.count = status ? 0 : v.summary.count;
	wanted = every_column(&c);
	if (!status)
		status = block_all_columns(&v, &wanted, c.body);
	if (!status)
		status = block_items_open(v.sections[BLOCK_PART_ITEMS], v.summary.count, c.mileage, c.speed, &items);
	if (status)
		return status;
	*out_summary = v.summary;
	struct buf scratch = buf_init(REPORT_BODY_MAX);
	status = walk(&c, v.summary.count, items, &scratch, visit, context);
	buf_deinit(&scratch);
	block_items_free(items);
	return status;
}

/* Every position is on the globe. */
static bool rows_are_placed(const struct block_rows *b)
{
	uint32_t off = 0;
	for (size_t i = 0; i < b->count; i++) {
		off |= (uint32_t)b->lat[i] + LAT_E7_MAX > 2u * LAT_E7_MAX;
		off |= (uint32_t)b->lon[i] + LON_E7_MAX > 2u * LON_E7_MAX;
	}
	return !off;
}

static bool rows_are_whole(const struct block_rows *b)
{
	uint32_t others = 0;
	for (size_t i = 0; i < b->count; i++)
		others |= b->body[i] ^ REPORT_BODY_ROW;
	if (!others) /* a row need only be on the globe */
		return true;
	bool whole = true;
	for (size_t i = 0; i < b->count && whole; i++) {
		struct report r = report_at(b, i);
		whole = report_is_whole(&r);
	}
	return whole;
}

static bool times_ascend(const struct block_rows *b)
{
	uint32_t early = 0;
	for (size_t i = 1; i < b->count; i++)
		early |= b->time[i - 1] >= b->time[i];
	return !early;
}

static enum status rows_decode(struct span block, enum block_want want, struct block_rows *out)
{
	struct block_view v;
	enum status status = block_open(block, &v);
	if (status)
		return status;
	out->summary = v.summary;
	out->count = v.summary.count;
	out->plain = !(v.summary.flags_or & REPORT_FLAG_FUTURE);
	out->items = v.sections[BLOCK_PART_ITEMS].size != 0;
	out->whole = want == BLOCK_WANT_WHOLE;
	out->mileage_known = want != BLOCK_WANT_JUDGED;
	struct block_columns wanted = block_rows_columns(out);
	status = block_all_columns(&v, &wanted, out->whole ? out->body : NULL);
	out->longest_ms = wanted.longest_ms;
	return status;
}

enum status block_rows_open(struct span block, enum block_want want, struct block_rows *out)
{
	enum status status = verify_checksum(block);
	if (!status)
		status = rows_decode(block, want, out);
	if (status)
		return status;
	out->plain = out->plain && times_ascend(out);
	return !out->plain || (rows_are_placed(out) && (!out->whole || rows_are_whole(out))) ? STATUS_OK
											     : STATUS_CORRUPT;
}

enum status block_rows_complete(struct span block, struct block_rows *b)
{
	bool plain = b->plain;
	if (b->whole)
		return STATUS_OK;
	enum status status = rows_decode(block, BLOCK_WANT_WHOLE, b);
	b->plain = plain;
	return status || rows_are_whole(b) ? status : STATUS_CORRUPT;
}

struct report block_rows_report(const struct block_rows *b, size_t i)
{
	struct report r = report_at(b, i);
	enum status status = report_rehash(&r);
	assert(!status);
	(void)status;
	return r;
}

static enum status push(void *context, const struct report *r)
{
	return report_list_push(context, r);
}

enum status block_reports(struct span block, struct report_list *out)
{
	size_t count = out->count;
	struct block_summary summary;
	enum status status = visit_block(block, push, out, &summary);
	if (status)
		out->count = count;
	return status;
}

/* --- check --- */

struct recount {
	struct report *reports;
	size_t count;
};

static enum status keep(void *context, const struct report *r)
{
	struct recount *recount = context;
	recount->reports[recount->count] = *r;
	recount->reports[recount->count].items = NULL;
	recount->count++;
	return STATUS_OK;
}

static bool summary_equal(const struct block_summary *a, const struct block_summary *b)
{
	return a->count == b->count && a->fixes == b->fixes && a->time_first_ms == b->time_first_ms &&
	       a->time_last_ms == b->time_last_ms && a->lat_min_e7 == b->lat_min_e7 && a->lat_max_e7 == b->lat_max_e7 &&
	       a->lon_min_e7 == b->lon_min_e7 && a->lon_max_e7 == b->lon_max_e7 && a->alarm_or == b->alarm_or &&
	       a->status_or == b->status_or && a->status_and == b->status_and &&
	       a->mileage_first_hm == b->mileage_first_hm && a->mileage_last_hm == b->mileage_last_hm &&
	       a->speed_max_dkmh == b->speed_max_dkmh && a->flags_or == b->flags_or && a->distance_mm == b->distance_mm;
}

enum status block_check(struct span block)
{
	struct block_summary told, counted;
	struct recount recount = {malloc(BLOCK_REPORTS_MAX * sizeof *recount.reports), 0};
	if (!recount.reports)
		return STATUS_NO_MEMORY;
	enum status status = visit_block(block, keep, &recount, &told);
	if (!status) {
		block_summary_of(recount.reports, recount.count, &counted);
		status = summary_equal(&told, &counted) ? STATUS_OK : STATUS_CORRUPT;
	}
	free(recount.reports);
	return status;
}
