#include "engine/fleet/registry_row.h"

#define ROW_VERSION 1
#define FLAG_ALWAYS 1u
#define FLAG_SAME_PRINCIPAL 2u

enum status row_open(struct span bytes, struct row *out)
{
	struct cursor c = cursor_of(bytes);
	uint8_t version = cursor_u8(&c);
	if (!c.failed && version != ROW_VERSION)
		return STATUS_BAD_VERSION;
	*out = (struct row){.kind = cursor_u8(&c)};
	out->created_ms = unzigzag64(cursor_varint(&c));
	uint64_t changes = cursor_varint(&c), count = cursor_varint(&c);
	if (c.failed || changes > UINT32_MAX || count > DEVICE_FACTS_MAX)
		return STATUS_CORRUPT;
	out->changes = (uint32_t)changes;
	out->count = out->left = (uint32_t)count;
	out->facts = c;
	return STATUS_OK;
}

enum status row_next(struct row *r, struct fact *out)
{
	struct cursor *c = &r->facts;
	if (r->left == 0)
		return STATUS_END;
	r->left--;
	out->field = cursor_u8(c);
	uint8_t flags = cursor_u8(c);
	out->from_ms = flags & FLAG_ALWAYS ? VALID_ALWAYS_FROM : unzigzag64(cursor_varint(c));
	out->changed_ms = unzigzag64(cursor_varint(c));
	out->value = cursor_take(c, cursor_u8(c));
	if (!(flags & FLAG_SAME_PRINCIPAL))
		r->last_principal = cursor_take(c, cursor_u8(c));
	out->principal = r->last_principal;
	return c->failed ? STATUS_CORRUPT : STATUS_OK;
}

/* Order of facts: by field, then instant. */
static bool before(const struct fact *a, const struct fact *b)
{
	return a->field != b->field ? a->field < b->field : a->from_ms < b->from_ms;
}

enum status row_check(struct span bytes)
{
	struct row r;
	struct fact fact, last = {0};
	enum status status = row_open(bytes, &r);
	while (!status && !(status = row_next(&r, &fact))) {
		if (fact.field == 0 || fact.field >= DEVICE_FIELD_COUNT || (last.field && !before(&last, &fact)) ||
		    fact.principal.size > DEVICE_PRINCIPAL_MAX)
			return STATUS_CORRUPT;
		last = fact;
	}
	if (status != STATUS_END)
		return status;
	return cursor_left(&r.facts) == 0 ? STATUS_OK : STATUS_CORRUPT;
}

enum status row_at(struct span bytes, uint8_t field, int64_t at_ms, struct fact *out)
{
	struct row r;
	struct fact fact;
	bool found = false;
	enum status status = row_open(bytes, &r);
	while (!status && !(status = row_next(&r, &fact))) {
		if (fact.field > field || (fact.field == field && fact.from_ms > at_ms))
			break;
		if (fact.field == field) {
			*out = fact;
			found = true;
		}
	}
	return found && out->value.size ? STATUS_OK : STATUS_NOT_FOUND;
}

bool row_says(struct span bytes, uint8_t field, struct span value, int64_t from_ms, int64_t to_ms)
{
	struct row r;
	struct fact fact;
	bool said = false; /* by the fact before, which ends where this one begins */
	enum status status = row_open(bytes, &r);
	while (!status && !(status = row_next(&r, &fact))) {
		if (fact.field < field)
			continue;
		if (fact.field > field || fact.from_ms >= to_ms)
			break;
		if (said && fact.from_ms > from_ms)
			return true;
		said = span_equal(fact.value, value);
	}
	return said;
}

/* Where a fact (field, from) is or belongs. */
static size_t facts_find(const struct facts *f, const struct fact *wanted)
{
	size_t low = 0, high = f->count;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (before(&f->list[middle], wanted))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

enum status facts_change(struct facts *f, const struct fact *change, int64_t *out_to_ms, struct span *out_previous)
{
	size_t at = facts_find(f, change);
	bool same = at < f->count && f->list[at].field == change->field && f->list[at].from_ms == change->from_ms;
	size_t next = at + same;
	*out_to_ms = VALID_FOREVER;
	if (next < f->count && f->list[next].field == change->field)
		*out_to_ms = f->list[next].from_ms;
	*out_previous = (struct span){NULL, 0};
	if (same)
		*out_previous = f->list[at].value;
	else if (at && f->list[at - 1].field == change->field)
		*out_previous = f->list[at - 1].value;
	if (span_equal(*out_previous, change->value))
		return STATUS_END;
	if (!same && (f->count == DEVICE_FACTS_MAX || f->count == f->capacity))
		return STATUS_FULL;
	if (!same) {
		memmove(f->list + at + 1, f->list + at, (f->count - at) * sizeof *f->list);
		f->count++;
	}
	f->list[at] = *change;
	return STATUS_OK;
}

static enum status encode_text(struct span text, struct buf *out)
{
	enum status status = buf_append_u8(out, (uint8_t)text.size);
	return status ? status : buf_append(out, text.data, text.size);
}

static enum status encode_fact(const struct fact *fact, const struct fact *last, struct buf *out)
{
	bool always = fact->from_ms == VALID_ALWAYS_FROM;
	bool same = last && span_equal(last->principal, fact->principal);
	enum status status = buf_append_u8(out, fact->field);
	if (!status)
		status = buf_append_u8(out, (uint8_t)((always ? FLAG_ALWAYS : 0) | (same ? FLAG_SAME_PRINCIPAL : 0)));
	if (!status && !always)
		status = buf_append_varint(out, zigzag64(fact->from_ms));
	if (!status)
		status = buf_append_varint(out, zigzag64(fact->changed_ms));
	if (!status)
		status = encode_text(fact->value, out);
	if (!status && !same)
		status = encode_text(fact->principal, out);
	return status;
}

enum status facts_encode(const struct facts *f, uint8_t kind, int64_t created_ms, uint32_t changes, struct buf *out)
{
	enum status status = buf_append_u8(out, ROW_VERSION);
	if (!status)
		status = buf_append_u8(out, kind);
	if (!status)
		status = buf_append_varint(out, zigzag64(created_ms));
	if (!status)
		status = buf_append_varint(out, changes);
	if (!status)
		status = buf_append_varint(out, f->count);
	for (size_t i = 0; i < f->count && !status; i++)
		status = encode_fact(&f->list[i], i ? &f->list[i - 1] : NULL, out);
	return status;
}
