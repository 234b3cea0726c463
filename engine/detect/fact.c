/* fact.c -- facts in order and as bytes.
 *
 * A fact as bytes, big-endian, version 1:
 *   offset size
 *        0    1  version, 1
 *        1    1  kind, enum fact_kind
 *        2    1  bit 0: open; the others 0
 *        3    8  device
 *       11    8  driver
 *       19    8  place
 *       27    8  from_ms
 *       35    8  to_ms, not before from_ms
 *       43    8  value
 *       51   16  from_lat_e7, from_lon_e7, to_lat_e7, to_lon_e7 */
#include "engine/detect/fact.h"

#include "engine/core/hash.h"

#define VERSION 1
/* seeds: any numbers that no other kind of identity has; they are stored with the facts and never change */
#define SEED_DRIVER UINT64_C(0x64726976657201)
#define SEED_PLACE UINT64_C(0x706c61636501)
#define SEED_PAIR UINT64_C(0x7061697201)

_Static_assert(3 + 6 * 8 + 4 * 4 == FACT_BYTES, "the layout above");

uint64_t driver_number(struct span code)
{
	uint64_t number = hash64_seeded(code, SEED_DRIVER);
	return number ? number : 1;
}

uint64_t place_number(struct span fence_id)
{
	uint64_t number = hash64_seeded(fence_id, SEED_PLACE);
	return number ? number : 1;
}

uint64_t pair_number(uint64_t device, uint64_t other)
{
	uint8_t bytes[16];
	store_be64(bytes, device < other ? device : other);
	store_be64(bytes + 8, device < other ? other : device);
	uint64_t number = hash64_seeded(span_of(bytes, sizeof bytes), SEED_PAIR);
	return number ? number : 1;
}

static bool is_kind(uint8_t kind)
{
	return (kind >= FACT_DRIVE && kind <= FACT_VISIT) || (kind >= FACT_RISK && kind <= FACT_LEFT);
}

#define ORDER(a, b)                                                                                                    \
	if ((a) != (b))                                                                                                \
	return (a) < (b) ? -1 : 1

int fact_compare(const struct fact *a, const struct fact *b)
{
	ORDER(a->from_ms, b->from_ms);
	ORDER(a->kind, b->kind);
	ORDER(a->device, b->device);
	ORDER(a->to_ms, b->to_ms);
	ORDER(a->driver, b->driver);
	ORDER(a->place, b->place);
	ORDER(a->value, b->value);
	ORDER(a->open, b->open);
	ORDER(a->from_lat_e7, b->from_lat_e7);
	ORDER(a->from_lon_e7, b->from_lon_e7);
	ORDER(a->to_lat_e7, b->to_lat_e7);
	ORDER(a->to_lon_e7, b->to_lon_e7);
	return 0;
}

enum status fact_encode(const struct fact *f, struct buf *out)
{
	uint8_t bytes[FACT_BYTES] = {VERSION, f->kind, f->open};
	const uint64_t words[] = {f->device,          f->driver,         f->place, (uint64_t)f->from_ms,
				  (uint64_t)f->to_ms, (uint64_t)f->value};
	const int32_t positions[] = {f->from_lat_e7, f->from_lon_e7, f->to_lat_e7, f->to_lon_e7};
	uint8_t *at = bytes + 3;
	for (unsigned i = 0; i < 6; i++, at += 8)
		store_be64(at, words[i]);
	for (unsigned i = 0; i < 4; i++, at += 4)
		store_be32(at, (uint32_t)positions[i]);
	return buf_append(out, bytes, sizeof bytes);
}

enum status fact_decode(struct span bytes, struct fact *out)
{
	if (bytes.size < 1)
		return STATUS_CORRUPT;
	if (bytes.data[0] != VERSION)
		return STATUS_BAD_VERSION;
	if (bytes.size != FACT_BYTES || !is_kind(bytes.data[1]) || bytes.data[2] > 1)
		return STATUS_CORRUPT;
	struct cursor c = cursor_of(span_of(bytes.data + 3, bytes.size - 3));
	struct fact f = {.kind = bytes.data[1], .open = bytes.data[2]};
	f.device = cursor_be64(&c);
	f.driver = cursor_be64(&c);
	f.place = cursor_be64(&c);
	f.from_ms = (int64_t)cursor_be64(&c);
	f.to_ms = (int64_t)cursor_be64(&c);
	f.value = (int64_t)cursor_be64(&c);
	f.from_lat_e7 = (int32_t)cursor_be32(&c);
	f.from_lon_e7 = (int32_t)cursor_be32(&c);
	f.to_lat_e7 = (int32_t)cursor_be32(&c);
	f.to_lon_e7 = (int32_t)cursor_be32(&c);
	if (f.to_ms < f.from_ms)
		return STATUS_CORRUPT;
	*out = f;
	return STATUS_OK;
}
