#include "engine/series/block_items.h"

#include <stdlib.h>

#include "engine/series/lz4.h"
#include "engine/series/run_column.h"

#define ITEM_MILEAGE 0x01
#define ITEM_SHORT_MAX 8
#define SLOT_MILEAGE 0xff
#define SLOT_BYTES 0xfe
#define SLOT_NONE 0xfd /* an item of length 0 */

enum slot_mode { SLOT_STEP, SLOT_VALUE, SLOT_OVER_SPEED, SLOT_MODES };

struct layout {
	uint8_t pairs[ITEMS_PER_LAYOUT_MAX * 2]; /* id, length of each item */
	uint8_t slots[ITEMS_PER_LAYOUT_MAX];
	uint8_t items;
	bool tail; /* bytes that make no item follow */
	/* what follows from these, set by layouts_add() */
	bool raw;            /* some of its bytes have no slot */
	uint16_t size;       /* bytes of its items */
	uint16_t mileage_at; /* where the odometer's value begins, 0 when there is none */
};

struct slot {
	uint8_t id, length, nth;
};

struct layouts {
	struct layout list[ITEM_LAYOUTS_MAX];
	struct slot slots[ITEM_SLOTS_MAX];
	unsigned count, slot_count;
};

_Static_assert(ITEM_SLOTS_MAX < SLOT_NONE, "slot numbers and marks are apart");

/* --- layouts, alike on both sides --- */

static unsigned slot_of(struct layouts *ls, struct slot wanted)
{
	for (unsigned s = 0; s < ls->slot_count; s++)
		if (ls->slots[s].id == wanted.id && ls->slots[s].length == wanted.length &&
		    ls->slots[s].nth == wanted.nth)
			return s;
	if (ls->slot_count < ITEM_SLOTS_MAX)
		ls->slots[ls->slot_count] = wanted;
	return ls->slot_count++;
}

static uint8_t like_before(const struct layout *l, unsigned item)
{
	uint8_t n = 0;
	for (unsigned i = 0; i < item; i++)
		n += l->pairs[2 * i] == l->pairs[2 * item] && l->pairs[2 * i + 1] == l->pairs[2 * item + 1];
	return n;
}

/* Add `l` and give each of its items a place; false, and nothing changed, when there is no more room. */
static bool layouts_add(struct layouts *ls, struct layout *l)
{
	unsigned slots_before = ls->slot_count;
	if (ls->count == ITEM_LAYOUTS_MAX)
		return false;
	l->size = l->mileage_at = 0;
	l->raw = l->tail;
	for (unsigned i = 0; i < l->items; i++) {
		uint8_t id = l->pairs[2 * i], length = l->pairs[2 * i + 1];
		l->size += 2;
		l->raw |= length > ITEM_SHORT_MAX;
		if (id == ITEM_MILEAGE && length == 4 && !l->mileage_at) {
			l->mileage_at = l->size;
			l->slots[i] = SLOT_MILEAGE;
		} else if (length == 0 || length > ITEM_SHORT_MAX) {
			l->slots[i] = length ? SLOT_BYTES : SLOT_NONE;
		} else {
			unsigned s = slot_of(ls, (struct slot){id, length, like_before(l, i)});
			if (s >= ITEM_SLOTS_MAX) {
				ls->slot_count = slots_before;
				return false;
			}
			l->slots[i] = (uint8_t)s;
		}
		l->size += length;
	}
	ls->list[ls->count++] = *l;
	return true;
}

/* --- writing --- */

struct items_encoder {
	const struct report *reports;
	size_t count;
	struct layouts layouts;
	uint32_t layout_of[BLOCK_REPORTS_MAX]; /* 0 opaque, else 1 + index */
	uint32_t heads[INT_COLUMN_ROOM], tails[INT_COLUMN_ROOM];
	uint32_t residuals[SLOT_MODES][INT_COLUMN_ROOM];
};

/* False when these items have to be kept as bytes. */
static bool layout_parse(const struct report *r, struct layout *l)
{
	struct cursor c = cursor_of(span_of(r->items, r->items_size));
	struct report_item item;
	enum status status;
	l->items = 0;
	l->tail = false;
	while ((status = report_item_next(&c, &item)) == STATUS_OK) {
		if (l->items == ITEMS_PER_LAYOUT_MAX)
			return false;
		l->pairs[2 * l->items] = item.id;
		l->pairs[2 * l->items + 1] = (uint8_t)item.value.size;
		l->items++;
	}
	l->tail = status == STATUS_BAD_LENGTH;
	return report_items_mileage(span_of(r->items, r->items_size)) == r->mileage_hm || l->items == 0;
}

static bool layout_equal(const struct layout *a, const struct layout *b)
{
	return a->items == b->items && a->tail == b->tail && memcmp(a->pairs, b->pairs, 2u * a->items) == 0;
}

/* Whether layout_parse() would find `l`, which has no tail, in a report: as a rule a device's last one. */
static bool layout_fits(const struct layout *l, const struct report *r)
{
	const uint8_t *at = r->items;
	if (l->tail || r->items_size != l->size)
		return false;
	for (unsigned i = 0; i < l->items; i++, at += 2 + at[1])
		if (at[0] != l->pairs[2 * i] || at[1] != l->pairs[2 * i + 1])
			return false;
	uint32_t mileage_hm = l->mileage_at ? load_be32(r->items + l->mileage_at) : MILEAGE_UNKNOWN;
	return mileage_hm == r->mileage_hm || l->items == 0;
}

static void find_layouts(struct items_encoder *e)
{
	struct layouts *ls = &e->layouts;
	unsigned last = 0;
	for (size_t i = 0; i < e->count; i++) {
		struct layout l;
		if (last < ls->count && layout_fits(&ls->list[last], &e->reports[i])) {
			e->layout_of[i] = last + 1;
			continue;
		}
		e->layout_of[i] = 0;
		if (!layout_parse(&e->reports[i], &l))
			continue;
		unsigned k = last < ls->count && layout_equal(&ls->list[last], &l) ? last : 0;
		while (k < ls->count && !layout_equal(&ls->list[k], &l))
			k++;
		if (k == ls->count && !layouts_add(ls, &l))
			continue;
		last = k;
		e->layout_of[i] = k + 1;
	}
}

static enum status put_layouts(const struct layouts *ls, struct buf *out)
{
	enum status status = buf_append_varint(out, ls->count);
	for (unsigned k = 0; k < ls->count && !status; k++) {
		const struct layout *l = &ls->list[k];
		status = buf_append_varint(out, 2u * l->items + l->tail);
		if (!status)
			status = buf_append(out, l->pairs, 2u * l->items);
	}
	return status;
}

static uint32_t load_be(const uint8_t *p, unsigned length)
{
	uint32_t v = 0;
	while (length--)
		v = v << 8 | *p++;
	return v;
}

/* Where the value of each layout's item in `slot` begins within the items; 0 when it has none. */
static void slot_offsets(const struct layouts *ls, unsigned slot, uint16_t offsets[ITEM_LAYOUTS_MAX])
{
	for (unsigned k = 0; k < ls->count; k++) {
		uint16_t at = 0;
		offsets[k] = 0;
		for (unsigned i = 0; i < ls->list[k].items; i++) {
			at += 2;
			if (ls->list[k].slots[i] == slot)
				offsets[k] = at;
			at += ls->list[k].pairs[2 * i + 1];
		}
	}
}

/* Gathers the values of a slot, and their residuals; returns how many. */
static size_t slot_values(struct items_encoder *e, unsigned slot)
{
	uint16_t offsets[ITEM_LAYOUTS_MAX] = {0};
	unsigned length = e->layouts.slots[slot].length, lead = length > 4 ? length - 4 : 0;
	size_t n = 0;
	uint32_t before = 0;
	slot_offsets(&e->layouts, slot, offsets);
	for (size_t i = 0; i < e->count; i++) {
		if (!e->layout_of[i] || !offsets[e->layout_of[i] - 1])
			continue;
		const uint8_t *p = e->reports[i].items + offsets[e->layout_of[i] - 1];
		uint32_t v = load_be(p + lead, length - lead);
		e->heads[n] = load_be(p, lead);
		e->tails[n] = v;
		e->residuals[SLOT_STEP][n] = zigzag32((int32_t)(v - before));
		e->residuals[SLOT_VALUE][n] = v;
		e->residuals[SLOT_OVER_SPEED][n] = zigzag32((int32_t)(v - e->reports[i].speed_dkmh));
		before = v;
		n++;
	}
	return n;
}

static void steps_in_place(uint32_t *values, size_t count)
{
	for (size_t i = count; i-- > 1;)
		values[i] = zigzag32((int32_t)(values[i] - values[i - 1]));
	values[0] = zigzag32((int32_t)values[0]);
}

static enum status put_slot(struct items_encoder *e, unsigned slot, struct buf *out)
{
	size_t n = slot_values(e, slot);
	unsigned length = e->layouts.slots[slot].length;
	unsigned mode = block_cheapest(e->residuals, length == 2 ? SLOT_MODES : SLOT_OVER_SPEED, n);
	enum status status = buf_append_u8(out, (uint8_t)mode);
	if (!status && length > 4) {
		steps_in_place(e->heads, n);
		status = block_put_sized_column(e->heads, n, out);
	}
	return status ? status : block_put_sized_column(e->residuals[mode], n, out);
}

static enum status put_counted(struct span bytes, struct buf *raw)
{
	enum status status = buf_append_varint(raw, bytes.size);
	return status ? status : buf_append(raw, bytes.data, bytes.size);
}

static enum status collect_raw(const struct items_encoder *e, size_t i, struct buf *raw)
{
	const struct report *r = &e->reports[i];
	if (!e->layout_of[i])
		return put_counted(span_of(r->items, r->items_size), raw);
	if (!e->layouts.list[e->layout_of[i] - 1].raw)
		return STATUS_OK;
	struct cursor c = cursor_of(span_of(r->items, r->items_size));
	struct report_item item;
	enum status status = STATUS_OK, found;
	while (!status && (found = report_item_next(&c, &item)) != STATUS_END) {
		if (found == STATUS_BAD_LENGTH)
			status = put_counted(item.value, raw);
		else if (item.value.size > ITEM_SHORT_MAX)
			status = buf_append(raw, item.value.data, item.value.size);
	}
	return status;
}

static enum status put_raw(const struct items_encoder *e, struct buf *raw, struct buf *out)
{
	enum status status = STATUS_OK;
	for (size_t i = 0; i < e->count && !status; i++)
		status = collect_raw(e, i, raw);
	if (status)
		return status;
	struct buf packed = buf_init(ITEMS_RAW_MAX);
	size_t size;
	status = lz4_pack(buf_view(raw), &packed, &size);
	if (!status)
		status = buf_append_varint(out, raw->size);
	if (!status)
		status = buf_append_varint(out, size);
	if (!status)
		status = buf_append(out, packed.data, packed.size);
	buf_deinit(&packed);
	return status;
}

static enum status put_all(struct items_encoder *e, struct buf *out)
{
	find_layouts(e);
	enum status status = put_layouts(&e->layouts, out);
	if (!status)
		status = block_put_sized_runs(e->layout_of, e->count, out);
	for (unsigned s = 0; s < e->layouts.slot_count && !status; s++)
		status = put_slot(e, s, out);
	struct buf raw = buf_init(ITEMS_RAW_MAX);
	if (!status)
		status = put_raw(e, &raw, out);
	buf_deinit(&raw);
	return status;
}

enum status block_items_encode(const struct report *reports, size_t count, struct buf *out)
{
	bool any = false;
	for (size_t i = 0; i < count; i++)
		any |= reports[i].items_size != 0;
	if (!any)
		return STATUS_OK;
	struct items_encoder *e = malloc(sizeof *e);
	if (!e)
		return STATUS_NO_MEMORY;
	e->reports = reports;
	e->count = count;
	e->layouts.count = e->layouts.slot_count = 0;
	enum status status = put_all(e, out);
	free(e);
	return status;
}

/* --- reading --- */

struct slot_column {
	uint32_t *heads, *tails;
	size_t next;
};

struct block_items {
	size_t count, at;
	const uint32_t *mileage;
	const uint16_t *speed;
	struct layouts layouts;
	uint32_t layout_of[BLOCK_REPORTS_MAX];
	struct slot_column columns[ITEM_SLOTS_MAX];
	uint8_t *raw;
	struct cursor raw_left;
};

static bool take_layouts(struct cursor *c, struct layouts *ls)
{
	uint64_t count = cursor_varint(c);
	ls->count = ls->slot_count = 0;
	if (c->failed || count > ITEM_LAYOUTS_MAX)
		return false;
	while (ls->count < count) {
		struct layout l = {.items = 0};
		uint64_t head = cursor_varint(c);
		if (head / 2 > ITEMS_PER_LAYOUT_MAX)
			return false;
		l.items = (uint8_t)(head / 2);
		l.tail = head & 1;
		struct span pairs = cursor_take(c, 2u * l.items);
		if (c->failed)
			return false;
		memcpy(l.pairs, pairs.data, pairs.size);
		if (!layouts_add(ls, &l))
			return false;
	}
	return true;
}

static bool layout_has(const struct layout *l, unsigned slot)
{
	return memchr(l->slots, (int)slot, l->items) != NULL;
}

/* The speeds of the reports that have the slot, in `speeds`; returns how many reports have it. */
static size_t slot_reports(const struct block_items *it, unsigned slot, uint32_t *speeds)
{
	bool has[ITEM_LAYOUTS_MAX + 1] = {false};
	size_t n = 0;
	for (unsigned k = 0; k < it->layouts.count; k++)
		has[k + 1] = layout_has(&it->layouts.list[k], slot);
	for (size_t i = 0; i < it->count; i++)
		if (has[it->layout_of[i]])
			speeds[n++] = it->speed[i];
	return n;
}

static enum status take_column(struct cursor *c, size_t count, uint32_t **out)
{
	struct span column = block_take_sized(c);
	if (c->failed || count == 0)
		return STATUS_CORRUPT;
	*out = malloc(INT_COLUMN_ROOM * sizeof **out);
	if (!*out)
		return STATUS_NO_MEMORY;
	return int_column_decode(series_kernels_best(), column, count, *out);
}

static enum status take_slot(struct cursor *c, struct block_items *it, unsigned slot)
{
	uint32_t speeds[BLOCK_REPORTS_MAX];
	struct slot_column *column = &it->columns[slot];
	unsigned length = it->layouts.slots[slot].length, mode = cursor_u8(c);
	size_t n = slot_reports(it, slot, speeds);
	enum status status = STATUS_OK;
	if (mode >= SLOT_MODES)
		return STATUS_CORRUPT;
	if (length > 4) {
		status = take_column(c, n, &column->heads);
		if (!status)
			series_kernels_plain.sum(column->heads, n, 0);
	}
	if (!status)
		status = take_column(c, n, &column->tails);
	if (status)
		return status;
	if (mode == SLOT_STEP)
		series_kernels_plain.sum(column->tails, n, 0);
	for (size_t i = 0; i < n && mode == SLOT_OVER_SPEED; i++)
		column->tails[i] = speeds[i] + (uint32_t)unzigzag32(column->tails[i]);
	return STATUS_OK;
}

static enum status take_raw(struct cursor *c, struct block_items *it)
{
	uint64_t raw_size = cursor_varint(c), size = cursor_varint(c);
	if (c->failed || raw_size > ITEMS_RAW_MAX || size != cursor_left(c))
		return STATUS_CORRUPT;
	it->raw = malloc(raw_size ? raw_size : 1);
	if (!it->raw)
		return STATUS_NO_MEMORY;
	it->raw_left = cursor_of(span_of(it->raw, raw_size));
	return lz4_unpack(cursor_take(c, size), it->raw, raw_size);
}

static enum status take_all(struct cursor *c, struct block_items *it)
{
	if (!take_layouts(c, &it->layouts))
		return STATUS_CORRUPT;
	struct span runs = block_take_sized(c);
	enum status status = c->failed ? STATUS_CORRUPT : run_column_decode(runs, it->count, it->layout_of);
	for (size_t i = 0; i < it->count && !status; i++)
		if (it->layout_of[i] > it->layouts.count)
			status = STATUS_CORRUPT;
	for (unsigned s = 0; s < it->layouts.slot_count && !status; s++)
		status = take_slot(c, it, s);
	return status ? status : take_raw(c, it);
}

enum status block_items_open(struct span section, size_t count, const uint32_t *mileage, const uint16_t *speed,
			     struct block_items **out)
{
	struct block_items *it = calloc(1, sizeof *it);
	if (!it)
		return STATUS_NO_MEMORY;
	it->count = count;
	it->mileage = mileage;
	it->speed = speed;
	struct cursor c = cursor_of(section);
	enum status status = STATUS_OK;
	if (section.size) {
		status = take_all(&c, it);
	} else { /* as if every report had one layout, without items */
		it->layouts.count = 1;
		for (size_t i = 0; i < count; i++)
			it->layout_of[i] = 1;
	}
	if (status) {
		block_items_free(it);
		return status;
	}
	*out = it;
	return STATUS_OK;
}

static enum status put_be(uint32_t v, unsigned length, struct buf *out)
{
	uint8_t bytes[4];
	store_be32(bytes, v);
	return buf_append(out, bytes + 4 - length, length);
}

static enum status put_slot_value(struct slot_column *column, unsigned length, struct buf *out)
{
	unsigned lead = length > 4 ? length - 4 : 0;
	enum status status = lead ? put_be(column->heads[column->next], lead, out) : STATUS_OK;
	if (!status)
		status = put_be(column->tails[column->next], length - lead, out);
	column->next++;
	return status;
}

static enum status put_bytes(struct block_items *it, uint64_t size, struct buf *out)
{
	if (size > cursor_left(&it->raw_left))
		return STATUS_CORRUPT;
	struct span bytes = cursor_take(&it->raw_left, size);
	return buf_append(out, bytes.data, bytes.size);
}

static enum status put_item(struct block_items *it, const struct layout *l, unsigned item, uint32_t mileage,
			    struct buf *out)
{
	const uint8_t *pair = &l->pairs[2 * item];
	enum status status = buf_append(out, pair, 2);
	if (status)
		return status;
	switch (l->slots[item]) {
	case SLOT_MILEAGE:
		return buf_append_be32(out, mileage);
	case SLOT_BYTES:
		return put_bytes(it, pair[1], out);
	case SLOT_NONE:
		return STATUS_OK;
	default:
		return put_slot_value(&it->columns[l->slots[item]], pair[1], out);
	}
}

enum status block_items_next(struct block_items *it, struct buf *out)
{
	size_t i = it->at++;
	unsigned layout = it->layout_of[i];
	enum status status = STATUS_OK;
	buf_clear(out);
	if (layout == 0)
		return put_bytes(it, cursor_varint(&it->raw_left), out);
	const struct layout *l = &it->layouts.list[layout - 1];
	for (unsigned item = 0; item < l->items && !status; item++)
		status = put_item(it, l, item, it->mileage[i], out);
	if (!status && l->tail)
		status = put_bytes(it, cursor_varint(&it->raw_left), out);
	return status;
}

enum status block_items_end(const struct block_items *it)
{
	return it->raw_left.failed || cursor_left(&it->raw_left) ? STATUS_CORRUPT : STATUS_OK;
}

void block_items_free(struct block_items *it)
{
	if (!it)
		return;
	for (unsigned s = 0; s < ITEM_SLOTS_MAX; s++) {
		free(it->columns[s].heads);
		free(it->columns[s].tails);
	}
	free(it->raw);
	free(it);
}
