/* finding.c -- findings in order and as bytes.
 *
 * A finding as bytes, big-endian, version 1:
 *   size
 *      1  version, 1
 *      1  kind, enum rule_kind
 *      1  confidence
 *      1  bit 0: open, bit 1: a digest follows at the end; the others 0
 *     40  subject, device, driver, other, rule_version, 8 each
 *   1 + n  the rule's id: its length (1..RULE_ID_MAX) and bytes
 *   1 + n  the fence's id: its length (0: none) and bytes
 *      4  fence_version
 *     24  start_ms, end_ms, found_ms
 *     16  start_lat_e7, start_lon_e7, end_lat_e7, end_lon_e7
 *      2  which numbers are known: bit i is number i of FINDING_NUMBER_TABLE
 *   8 * k  the known numbers, ascending
 *   0 | 32 the digest, when it is not all zero
 * Two findings that differ in anything differ in bytes, and what decodes encodes to the same bytes again. */
#include "engine/detect/finding.h"

#include "engine/detect/rules.h"

#define VERSION 1
#define FLAG_OPEN 1u
#define FLAG_DIGEST 2u
#define HEAD_BYTES 44

_Static_assert(FINDING_NUMBER_COUNT <= 16, "the mask has 16 bits");

const char *finding_number_token(unsigned number)
{
	static const char *const tokens[] = {
#define X(NAME, token, unit, chinese) token,
		FINDING_NUMBER_TABLE(X)
#undef X
	};
	return number < FINDING_NUMBER_COUNT ? tokens[number] : "";
}

const char *finding_number_chinese(unsigned number)
{
	static const char *const words[] = {
#define X(NAME, token, unit, chinese) chinese,
		FINDING_NUMBER_TABLE(X)
#undef X
	};
	return number < FINDING_NUMBER_COUNT ? words[number] : "";
}

int finding_compare(const struct finding *a, const struct finding *b)
{
	if (a->subject != b->subject)
		return a->subject < b->subject ? -1 : 1;
	if (a->start_ms != b->start_ms)
		return a->start_ms < b->start_ms ? -1 : 1;
	int order = strcmp(a->rule, b->rule);
	if (!order)
		order = strcmp(a->fence, b->fence);
	if (order)
		return order < 0 ? -1 : 1;
	int64_t code_a = a->numbers[FINDING_CODE], code_b = b->numbers[FINDING_CODE];
	return (code_a > code_b) - (code_a < code_b);
}

bool finding_has_digest(const struct finding *f)
{
	for (unsigned i = 0; i < sizeof f->digest; i++)
		if (f->digest[i])
			return true;
	return false;
}

static bool kind_known(unsigned kind, unsigned confidence)
{
	return rule_kind_exists(kind) && confidence >= CONFIDENCE_LOW && confidence <= CONFIDENCE_HIGH;
}

static enum status append_head(const struct finding *f, struct buf *out)
{
	uint8_t head[HEAD_BYTES] = {VERSION, f->kind, f->confidence,
				    (uint8_t)((f->open ? FLAG_OPEN : 0) | (finding_has_digest(f) ? FLAG_DIGEST : 0))};
	store_be64(head + 4, f->subject);
	store_be64(head + 12, f->device);
	store_be64(head + 20, f->driver);
	store_be64(head + 28, f->other);
	store_be64(head + 36, f->rule_version);
	return buf_append(out, head, sizeof head);
}

static enum status append_id(const char *id, struct buf *out)
{
	size_t size = strlen(id);
	enum status status = buf_append_u8(out, (uint8_t)size);
	return status ? status : buf_append(out, id, size);
}

static enum status append_span(const struct finding *f, struct buf *out)
{
	uint8_t bytes[44];
	store_be32(bytes, f->fence_version);
	store_be64(bytes + 4, (uint64_t)f->start_ms);
	store_be64(bytes + 12, (uint64_t)f->end_ms);
	store_be64(bytes + 20, (uint64_t)f->found_ms);
	store_be32(bytes + 28, (uint32_t)f->start_lat_e7);
	store_be32(bytes + 32, (uint32_t)f->start_lon_e7);
	store_be32(bytes + 36, (uint32_t)f->end_lat_e7);
	store_be32(bytes + 40, (uint32_t)f->end_lon_e7);
	return buf_append(out, bytes, sizeof bytes);
}

static enum status append_numbers(const struct finding *f, struct buf *out)
{
	uint16_t known = 0;
	for (unsigned i = 0; i < FINDING_NUMBER_COUNT; i++)
		known |= (uint16_t)((f->numbers[i] != NUMBER_UNKNOWN) << i);
	enum status status = buf_append_be16(out, known);
	for (unsigned i = 0; !status && i < FINDING_NUMBER_COUNT; i++)
		if (known >> i & 1)
			status = buf_append_be64(out, (uint64_t)f->numbers[i]);
	return status;
}

enum status finding_encode(const struct finding *f, struct buf *out)
{
	if (!kind_known(f->kind, f->confidence) || !f->rule[0] || !memchr(f->rule, 0, sizeof f->rule) ||
	    !memchr(f->fence, 0, sizeof f->fence))
		return STATUS_INVALID;
	size_t before = out->size;
	enum status status = append_head(f, out);
	if (!status)
		status = append_id(f->rule, out);
	if (!status)
		status = append_id(f->fence, out);
	if (!status)
		status = append_span(f, out);
	if (!status)
		status = append_numbers(f, out);
	if (!status && finding_has_digest(f))
		status = buf_append(out, f->digest, sizeof f->digest);
	if (status)
		out->size = before;
	return status;
}

/* Into `out` of `max` bytes and a NUL; an id of more bytes or with a NUL inside fails. */
static void take_id(struct cursor *c, char *out, size_t max)
{
	size_t size = cursor_u8(c);
	struct span text = cursor_take(c, size <= max ? size : SIZE_MAX);
	if (memchr(text.data, 0, text.size))
		c->failed = true;
	memcpy(out, text.data, text.size);
	out[text.size] = '\0';
}

static void take_span(struct cursor *c, struct finding *f)
{
	f->fence_version = cursor_be32(c);
	f->start_ms = (int64_t)cursor_be64(c);
	f->end_ms = (int64_t)cursor_be64(c);
	f->found_ms = (int64_t)cursor_be64(c);
	f->start_lat_e7 = (int32_t)cursor_be32(c);
	f->start_lon_e7 = (int32_t)cursor_be32(c);
	f->end_lat_e7 = (int32_t)cursor_be32(c);
	f->end_lon_e7 = (int32_t)cursor_be32(c);
}

static void take_numbers(struct cursor *c, struct finding *f)
{
	unsigned known = cursor_be16(c);
	if (known >> FINDING_NUMBER_COUNT)
		c->failed = true;
	for (unsigned i = 0; i < FINDING_NUMBER_COUNT; i++) {
		f->numbers[i] = NUMBER_UNKNOWN;
		if (!(known >> i & 1))
			continue;
		f->numbers[i] = (int64_t)cursor_be64(c);
		if (f->numbers[i] == NUMBER_UNKNOWN)
			c->failed = true;
	}
}

static void take_digest(struct cursor *c, struct finding *f)
{
	struct span digest = cursor_take(c, sizeof f->digest);
	memcpy(f->digest, digest.data, digest.size);
	if (!finding_has_digest(f))
		c->failed = true;
}

enum status finding_decode(struct span bytes, struct finding *out)
{
	struct cursor c = cursor_of(bytes);
	struct finding f;
	memset(&f, 0, sizeof f);
	unsigned version = cursor_u8(&c);
	if (!c.failed && version != VERSION)
		return STATUS_BAD_VERSION;
	f.kind = cursor_u8(&c);
	f.confidence = cursor_u8(&c);
	unsigned flags = cursor_u8(&c);
	f.open = flags & FLAG_OPEN;
	f.subject = cursor_be64(&c);
	f.device = cursor_be64(&c);
	f.driver = cursor_be64(&c);
	f.other = cursor_be64(&c);
	f.rule_version = cursor_be64(&c);
	take_id(&c, f.rule, RULE_ID_MAX);
	take_id(&c, f.fence, FENCE_ID_MAX);
	take_span(&c, &f);
	take_numbers(&c, &f);
	if (flags & FLAG_DIGEST)
		take_digest(&c, &f);
	if (c.failed || cursor_left(&c) || flags > (FLAG_OPEN | FLAG_DIGEST) || !f.rule[0] ||
	    !kind_known(f.kind, f.confidence))
		return STATUS_CORRUPT;
	*out = f;
	return STATUS_OK;
}
