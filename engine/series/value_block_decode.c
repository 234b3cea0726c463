#include "engine/core/hash.h"
#include "engine/series/int_column.h"
#include "engine/series/run_column.h"
#include "engine/series/value_block_layout.h"
#include "engine/series/value_column.h"
#include "engine/series/value_numbers.h"

struct parts {
	struct value_block_header header;
	bool first_version;
	struct span sections[VALUE_SECTIONS];
};

/* --- 128 bits --- */

static enum status put_wide(__int128 v, struct buf *out)
{
	unsigned __int128 u = (unsigned __int128)v << 1 ^ (v < 0 ? ~(unsigned __int128)0 : 0);
	enum status status = STATUS_OK;
	for (; u > 0x7f && !status; u >>= 7)
		status = buf_append_u8(out, (uint8_t)(u | 0x80));
	return status ? status : buf_append_u8(out, (uint8_t)u);
}

static __int128 take_wide(struct cursor *c)
{
	unsigned __int128 u = 0;
	for (unsigned shift = 0; shift < 133; shift += 7) {
		uint8_t byte = cursor_u8(c);
		if (c->failed || (shift == 126 && byte > 3))
			break;
		u |= (unsigned __int128)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return (__int128)(u >> 1 ^ (u & 1 ? ~(unsigned __int128)0 : 0));
	}
	c->failed = true;
	return 0;
}

/* --- the header --- */

static enum status put_ends(const struct value_block_header *h, struct buf *out)
{
	const int64_t ends[4] = {h->min, h->max, h->first, h->last};
	enum status status = STATUS_OK;
	uint8_t real[8];
	for (unsigned i = 0; i < 4 && !status; i++) {
		if (h->type == VALUE_DOUBLE) {
			store_le64(real, (uint64_t)ends[i]);
			status = buf_append(out, real, sizeof real);
		} else {
			status = buf_append_varint(out, i ? (uint64_t)ends[i] - (uint64_t)h->min : zigzag64(h->min));
		}
	}
	return status;
}

enum status value_block_put_aggregate(const struct value_block_header *h, struct buf *out)
{
	enum status status = buf_append_varint(out, h->good);
	if (status || !h->good)
		return status;
	status = put_ends(h, out);
	if (!status && h->has_sum && h->type == VALUE_DOUBLE)
		status = buf_append_varint(out, zigzag64(h->sum_exponent));
	return !status && h->has_sum ? put_wide(h->sum, out) : status;
}

static void take_aggregate(struct cursor *c, struct value_block_header *h)
{
	int64_t *const ends[4] = {&h->min, &h->max, &h->first, &h->last};
	uint64_t good = cursor_varint(c);
	c->failed |= good > h->count;
	h->good = (uint32_t)good;
	if (!good)
		return;
	for (unsigned i = 0; i < 4; i++) {
		if (h->type == VALUE_DOUBLE)
			*ends[i] = (int64_t)cursor_le64(c);
		else
			*ends[i] = i ? (int64_t)((uint64_t)h->min + cursor_varint(c)) : unzigzag64(cursor_varint(c));
	}
	if (!h->has_sum)
		return;
	int64_t exponent = h->type == VALUE_DOUBLE ? unzigzag64(cursor_varint(c)) : 0;
	c->failed |= exponent < -1074 || exponent > 971;
	h->sum_exponent = (int16_t)exponent;
	h->sum = take_wide(c);
}

static enum status take_header(struct cursor *c, struct value_block_header *h)
{
	*h = (struct value_block_header){.count = 0};
	uint8_t version = cursor_u8(c), flags = cursor_u8(c);
	if (c->failed)
		return STATUS_CORRUPT;
	if (version != VALUE_BLOCK_VERSION && version != VALUE_BLOCK_VERSION_1)
		return STATUS_BAD_VERSION;
	uint64_t count = cursor_varint(c);
	h->time_first_ms = unzigzag64(cursor_varint(c));
	uint64_t span = cursor_varint(c);
	h->type = flags & VALUE_TYPE_MASK;
	if (c->failed || flags & ~VALUE_FLAGS_ALL || h->type >= VALUE_TYPE_COUNT || !count ||
	    count > (version == VALUE_BLOCK_VERSION_1 ? VALUE_BLOCK_V1_MAX : VALUE_BLOCK_MAX) ||
	    span > VALUE_SPAN_MAX_MS || __builtin_add_overflow(h->time_first_ms, (int64_t)span, &h->time_last_ms))
		return STATUS_CORRUPT;
	h->count = (uint32_t)count;
	h->corrections = flags & VALUE_FLAG_CORRECTIONS;
	h->not_good = flags & VALUE_FLAG_NOT_GOOD;
	h->has_aggregate = flags & VALUE_FLAG_AGGREGATE;
	h->has_sum = flags & VALUE_FLAG_SUM;
	if ((h->has_sum && !h->has_aggregate) || (h->has_aggregate && h->type == VALUE_TEXT))
		return STATUS_CORRUPT;
	h->scale = h->type == VALUE_DECIMAL ? cursor_u8(c) : 0;
	if (h->has_aggregate)
		take_aggregate(c, h);
	return c->failed || h->scale > VALUE_SCALE_MAX ? STATUS_CORRUPT : STATUS_OK;
}

enum status value_block_header(struct span block, struct value_block_header *out)
{
	struct cursor c = cursor_of(block);
	return take_header(&c, out);
}

static enum status take_apart(struct span block, struct parts *p)
{
	if (block.size < VALUE_CHECKSUM_SIZE)
		return STATUS_CORRUPT;
	struct span whole = span_of(block.data, block.size - VALUE_CHECKSUM_SIZE);
	struct cursor c = cursor_of(whole);
	uint64_t sizes[VALUE_SECTIONS];
	enum status status = take_header(&c, &p->header);
	if (status == STATUS_BAD_VERSION)
		return status;
	p->first_version = block.data[0] == VALUE_BLOCK_VERSION_1;
	if (load_le32(block.data + whole.size) != (uint32_t)hash64(whole) || status)
		return STATUS_CORRUPT;
	for (unsigned i = 0; i + 1 < VALUE_SECTIONS; i++)
		sizes[i] = cursor_varint(&c);
	for (unsigned i = 0; i + 1 < VALUE_SECTIONS; i++) {
		if (sizes[i] > cursor_left(&c))
			return STATUS_CORRUPT;
		p->sections[i] = cursor_take(&c, (size_t)sizes[i]);
	}
	p->sections[SECTION_EXCEPTIONS] = cursor_take(&c, cursor_left(&c));
	return c.failed ? STATUS_CORRUPT : STATUS_OK;
}

/* --- columns --- */

/* `count` numbers, at least one; an empty column is of zeros. */
static enum status take_column(const struct parts *p, struct span column, size_t count, uint64_t *out)
{
	uint32_t narrow[INT_COLUMN_ROOM];
	if (!p->first_version)
		return value_column_decode(column, count, out);
	if (int_column_decode(series_kernels_best(), column, count, narrow))
		return STATUS_CORRUPT;
	for (size_t i = 0; i < count; i++)
		out[i] = narrow[i];
	return STATUS_OK;
}

static enum status take_times(const struct parts *p, struct value *out)
{
	uint64_t column[VALUE_BLOCK_MAX];
	size_t n = p->header.count - 1;
	struct cursor c = cursor_of(p->sections[SECTION_TIMES]);
	int64_t time_ms = out[0].time_ms = p->header.time_first_ms;
	if (!n)
		return p->header.time_last_ms == time_ms && !cursor_left(&c) ? STATUS_OK : STATUS_CORRUPT;
	uint64_t unit = cursor_varint(&c), usual = cursor_varint(&c);
	uint8_t form = cursor_u8(&c);
	if (c.failed || !unit || unit > VALUE_SPAN_MAX_MS || usual > VALUE_SPAN_MAX_MS || form > 1)
		return STATUS_CORRUPT;
	if (take_column(p, cursor_take(&c, cursor_left(&c)), n, column))
		return STATUS_CORRUPT;
	uint32_t step = (uint32_t)usual;
	uint64_t span = (uint64_t)(p->header.time_last_ms - time_ms), at = 0;
	for (size_t i = 0; i < n; i++) {
		step = (form ? step : (uint32_t)usual) + (uint32_t)unzigzag32((uint32_t)column[i]);
		at += step * unit;
		if (column[i] > UINT32_MAX || at > span)
			return STATUS_CORRUPT;
		out[i + 1].time_ms = time_ms + (int64_t)at;
	}
	return at == span ? STATUS_OK : STATUS_CORRUPT;
}

static enum status take_delays(const struct parts *p, struct value *out)
{
	uint32_t column[VALUE_BLOCK_MAX];
	struct cursor c = cursor_of(p->sections[SECTION_DELAYS]);
	bool by_minute = false;
	if (cursor_left(&c)) {
		uint8_t form = cursor_u8(&c);
		by_minute = form == 1;
		if (form > 1)
			return STATUS_CORRUPT;
	}
	if (run_column_decode(cursor_take(&c, cursor_left(&c)), p->header.count, column))
		return STATUS_CORRUPT;
	for (size_t i = 0; i < p->header.count; i++) {
		out[i].delay_min = column[i];
		if (by_minute)
			out[i].delay_min -= value_block_minute(out[0].time_ms, out[i].time_ms);
		if (out[i].delay_min > VALUE_DELAY_MAX)
			return STATUS_CORRUPT;
	}
	return STATUS_OK;
}

static enum status take_qualities(const struct parts *p, struct value *out)
{
	uint32_t column[VALUE_BLOCK_MAX];
	if (run_column_decode(p->sections[SECTION_QUALITIES], p->header.count, column))
		return STATUS_CORRUPT;
	for (size_t i = 0; i < p->header.count; i++) {
		if (column[i] >= VALUE_QUALITY_COUNT)
			return STATUS_CORRUPT;
		out[i].quality = (uint8_t)column[i];
	}
	return STATUS_OK;
}

static enum status take_text(struct cursor *c, struct value_texts *texts, int64_t *out)
{
	struct span text = cursor_take(c, cursor_u8(c));
	uint64_t hash;
	if (c->failed)
		return STATUS_CORRUPT;
	if (!texts)
		return STATUS_UNSUPPORTED;
	enum status status = value_texts_add(texts, text, &hash);
	*out = (int64_t)hash;
	return status;
}

static enum status take_texts(const struct parts *p, struct value_texts *texts, struct value *out)
{
	int64_t known[VALUE_BLOCK_MAX];
	uint64_t places[VALUE_BLOCK_MAX];
	struct cursor c = cursor_of(p->sections[SECTION_VALUES]);
	uint64_t count = cursor_varint(&c);
	if (c.failed || !count || count > p->header.count)
		return STATUS_CORRUPT;
	for (size_t i = 0; i < count; i++) {
		enum status status = take_text(&c, texts, &known[i]);
		if (status)
			return status;
	}
	if (take_column(p, cursor_take(&c, cursor_left(&c)), p->header.count, places))
		return STATUS_CORRUPT;
	for (size_t i = 0; i < p->header.count; i++) {
		if (places[i] >= count)
			return STATUS_CORRUPT;
		out[i].bits = known[places[i]];
	}
	return STATUS_OK;
}

static enum status take_numbers(const struct parts *p, struct value *out)
{
	int64_t numbers[VALUE_BLOCK_MAX];
	const struct value_block_header *h = &p->header;
	enum status status = value_numbers_decode(p->sections[SECTION_VALUES], h->count, h->type == VALUE_DOUBLE,
						  p->first_version, numbers);
	if (status)
		return status;
	for (size_t i = 0; i < h->count; i++) {
		if (h->type == VALUE_DECIMAL)
			value_set_decimal(&out[i], numbers[i], h->scale);
		else
			out[i].bits = numbers[i];
	}
	return STATUS_OK;
}

static enum status take_exception(struct cursor *c, struct value_texts *texts, struct value *v)
{
	uint8_t mark = cursor_u8(c);
	v->type = mark & 15;
	v->scale = mark >> 4;
	if (c->failed || v->type >= VALUE_TYPE_COUNT || (v->scale && v->type != VALUE_DECIMAL))
		return STATUS_CORRUPT;
	if (v->type == VALUE_TEXT)
		return take_text(c, texts, &v->bits);
	v->bits = v->type == VALUE_DECIMAL ? unzigzag64(cursor_varint(c)) : (int64_t)cursor_le64(c);
	return c->failed ? STATUS_CORRUPT : STATUS_OK;
}

static enum status take_exceptions(const struct parts *p, struct value_texts *texts, struct value *out)
{
	struct cursor c = cursor_of(p->sections[SECTION_EXCEPTIONS]);
	uint64_t left = cursor_left(&c) ? cursor_varint(&c) : 0, at = 0;
	for (; left && !c.failed; left--, at++) {
		uint64_t skip = cursor_varint(&c);
		if (c.failed || skip >= p->header.count - at)
			return STATUS_CORRUPT;
		at += skip;
		enum status status = take_exception(&c, texts, &out[at]);
		if (status)
			return status;
	}
	return c.failed || cursor_left(&c) ? STATUS_CORRUPT : STATUS_OK;
}

static bool in_order(const struct value *values, size_t count)
{
	for (size_t i = 1; i < count; i++)
		if (values[i].time_ms <= values[i - 1].time_ms && value_order(&values[i - 1], &values[i]) >= 0)
			return false;
	return true;
}

enum status value_block_decode(struct span block, struct value_texts *texts, struct value *out, size_t *out_count)
{
	struct parts p;
	enum status status = take_apart(block, &p);
	if (status)
		return status;
	for (size_t i = 0; i < p.header.count; i++)
		out[i] = (struct value){.type = p.header.type};
	status = take_times(&p, out);
	if (!status)
		status = take_delays(&p, out);
	if (!status)
		status = take_qualities(&p, out);
	if (!status)
		status = p.header.type == VALUE_TEXT ? take_texts(&p, texts, out) : take_numbers(&p, out);
	if (!status)
		status = take_exceptions(&p, texts, out);
	if (!status && !in_order(out, p.header.count))
		status = STATUS_CORRUPT;
	*out_count = p.header.count;
	return status;
}
