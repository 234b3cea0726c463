#include "engine/duty/record.h"

#include "engine/core/utf8.h"

#define RECORD_VERSION 1

static const char *at(const struct record_field *f, const void *row)
{
	return (const char *)row + f->offset;
}

static size_t words_count(const struct record_word *words)
{
	size_t n = 0;
	while (words[n].token)
		n++;
	return n;
}

int64_t record_integer(const struct record_field *f, const void *row)
{
	uint64_t v = 0;
	memcpy(&v, at(f, row), f->size < sizeof v ? f->size : sizeof v);
	if (f->size == 4 && (f->type == RECORD_SIGNED || f->type == RECORD_DEGREES))
		return (int32_t)(uint32_t)v;
	return (int64_t)v;
}

static int64_t nothing_of(const struct record_field *f)
{
	return f->type == RECORD_TIME ? INT64_MIN : f->type == RECORD_DEGREES ? INT32_MIN : 0;
}

bool record_is_nothing(const struct record_field *f, const void *row)
{
	return f->type == RECORD_TEXT ? !*at(f, row) : record_integer(f, row) == nothing_of(f);
}

static bool fits(const struct record_field *f, int64_t v)
{
	bool is_signed = f->type == RECORD_SIGNED || f->type == RECORD_TIME || f->type == RECORD_DEGREES;
	if (f->type == RECORD_TOKEN)
		return v >= 0 && (uint64_t)v < words_count(f->words);
	if (f->type == RECORD_FLAG)
		return v == 0 || v == 1;
	if (f->size == 8)
		return true;
	if (is_signed)
		return v >= INT32_MIN && v <= INT32_MAX;
	return v >= 0 && !((uint64_t)v >> (8 * f->size));
}

enum status record_set_integer(const struct record_field *f, void *row, int64_t v)
{
	if (!fits(f, v))
		return STATUS_OUT_OF_RANGE;
	memcpy((char *)row + f->offset, &v, f->size); /* little-endian: the low bytes */
	return STATUS_OK;
}

static bool is_clean(struct span text)
{
	const uint8_t *p = text.data, *end = text.size ? text.data + text.size : text.data;
	while (p < end) {
		const uint8_t *line = p;
		while (p < end && *p != '\n' && *p != '\r' && *p != '\t')
			p++;
		if (p > line && !utf8_printable(span_of(line, (size_t)(p - line))))
			return false;
		p += p < end;
	}
	return true;
}

enum status record_set_text(const struct record_field *f, void *row, struct span text)
{
	char *to = (char *)row + f->offset;
	if (text.size >= f->size)
		return STATUS_TOO_LONG;
	if (!is_clean(text))
		return STATUS_MALFORMED;
	if (text.size)
		memcpy(to, text.data, text.size);
	memset(to + text.size, 0, f->size - text.size);
	return STATUS_OK;
}

void record_clear(const struct record_kind *k, void *row)
{
	memset(row, 0, k->size);
	for (size_t i = 0; i < k->count; i++) {
		int64_t v = nothing_of(&k->fields[i]);
		if (v)
			memcpy((char *)row + k->fields[i].offset, &v, k->fields[i].size);
	}
}

/* --- bytes --- */

static enum status encode_text(const struct record_field *f, const void *row, struct buf *out)
{
	size_t size = strnlen(at(f, row), f->size);
	if (size == f->size)
		return STATUS_INVALID;
	enum status status = buf_append_varint(out, size);
	return status ? status : buf_append(out, at(f, row), size);
}

static enum status encode_field(const struct record_field *f, const void *row, struct buf *out)
{
	int64_t v = f->type == RECORD_TEXT ? 0 : record_integer(f, row);
	enum status status = buf_append_varint(out, f->code);
	if (status)
		return status;
	switch ((enum record_type)f->type) {
	case RECORD_TEXT:
		return encode_text(f, row, out);
	case RECORD_HEX:
		return buf_append_be64(out, (uint64_t)v);
	case RECORD_SIGNED:
	case RECORD_TIME:
	case RECORD_DEGREES:
		return buf_append_varint(out, zigzag64(v));
	case RECORD_TOKEN:
	case RECORD_FLAG:
		return fits(f, v) ? buf_append_varint(out, (uint64_t)v) : STATUS_INVALID;
	case RECORD_NUMBER:
		break;
	}
	return buf_append_varint(out, (uint64_t)v);
}

enum status record_encode(const struct record_kind *k, const void *row, struct buf *out)
{
	enum status status = buf_append_u8(out, RECORD_VERSION);
	for (size_t i = 0; i < k->count && !status; i++)
		if (!record_is_nothing(&k->fields[i], row))
			status = encode_field(&k->fields[i], row, out);
	return status;
}

static enum status decode_field(const struct record_field *f, struct cursor *c, void *row)
{
	int64_t v;
	switch ((enum record_type)f->type) {
	case RECORD_TEXT: {
		struct span text = cursor_take(c, cursor_varint(c));
		return !c->failed && text.size && !record_set_text(f, row, text) ? STATUS_OK : STATUS_CORRUPT;
	}
	case RECORD_HEX:
		v = (int64_t)cursor_be64(c);
		break;
	case RECORD_SIGNED:
	case RECORD_TIME:
	case RECORD_DEGREES:
		v = unzigzag64(cursor_varint(c));
		break;
	case RECORD_NUMBER:
	case RECORD_FLAG:
	case RECORD_TOKEN:
	default:
		v = (int64_t)cursor_varint(c);
		break;
	}
	return c->failed || record_set_integer(f, row, v) ? STATUS_CORRUPT : STATUS_OK;
}

enum status record_decode(const struct record_kind *k, struct span bytes, void *row)
{
	struct cursor c = cursor_of(bytes);
	enum status status = STATUS_OK;
	size_t i = 0;
	record_clear(k, row);
	if (!bytes.size || cursor_u8(&c) != RECORD_VERSION)
		return bytes.size ? STATUS_BAD_VERSION : STATUS_CORRUPT;
	while (cursor_left(&c) && !status) {
		uint64_t code = cursor_varint(&c);
		if (c.failed)
			return STATUS_CORRUPT;
		while (i < k->count && k->fields[i].code != code)
			i++;
		if (i == k->count)
			return STATUS_BAD_VERSION;
		status = decode_field(&k->fields[i++], &c, row);
	}
	return status;
}

enum status record_word_parse(const struct record_word *words, struct span text, uint8_t *out)
{
	for (size_t i = 0; words[i].token; i++)
		if (span_equal(text, span_of_string(words[i].token)) ||
		    (*words[i].chinese && span_equal(text, span_of_string(words[i].chinese)))) {
			*out = (uint8_t)i;
			return STATUS_OK;
		}
	return STATUS_NOT_FOUND;
}
