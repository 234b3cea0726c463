#include "engine/series/int_column.h"

#define FRAMES_MAX ((BLOCK_REPORTS_MAX + INT_COLUMN_FRAME - 1) / INT_COLUMN_FRAME)
#define KINDS (INT_COLUMN_K_MAX + 2)
#define RUN_BITS 8u

static const uint8_t run_lengths[8] = {1, 2, 3, 4, 6, 8, 16, 32};

_Static_assert(FRAMES_MAX == 32, "a run can cover a whole column");

struct plan {
	uint8_t kinds[FRAMES_MAX];
	size_t frames;
	size_t bits;
};

static unsigned bit_length(uint32_t v)
{
	return v ? 32u - (unsigned)__builtin_clz(v) : 0;
}

static size_t frames_of(size_t count)
{
	return (count + INT_COLUMN_FRAME - 1) / INT_COLUMN_FRAME;
}

static size_t frame_size(size_t count, size_t frame)
{
	size_t left = count - frame * INT_COLUMN_FRAME;
	return left < INT_COLUMN_FRAME ? left : INT_COLUMN_FRAME;
}

/* --- choosing a kind for each frame: the cheapest path, a change of kind costing one byte --- */

static uint32_t exceptions_cost(const uint32_t *v, size_t n)
{
	uint32_t bits = 0;
	for (size_t i = 0; i < n; i++)
		if (v[i])
			bits += 8 + 8 * ((bit_length(v[i]) + 6) / 7);
	return bits;
}

static uint32_t quotient_bits(const uint32_t v[INT_COLUMN_FRAME], unsigned k)
{
	uint32_t bits = 0;
	for (size_t i = 0; i < INT_COLUMN_FRAME; i++) {
		uint32_t q = v[i] >> k;
		bits += q < INT_COLUMN_QUOTIENT_MAX ? q : INT_COLUMN_QUOTIENT_MAX;
	}
	return bits;
}

/* Bits of a frame for each kind; a `v` shorter than a frame is padded with zeros. */
static void frame_costs(const uint32_t v[INT_COLUMN_FRAME], size_t n, uint32_t costs[KINDS])
{
	uint32_t any = 0;
	for (size_t i = 0; i < INT_COLUMN_FRAME; i++)
		any |= v[i];
	unsigned top = bit_length(any);
	costs[0] = any ? exceptions_cost(v, n) : 0;
	for (unsigned k = 0; k <= INT_COLUMN_K_MAX; k++)
		costs[k + 1] = (uint32_t)n * (k + 1) + (k < top ? quotient_bits(v, k) : 0);
}

static unsigned cheapest(const uint32_t costs[KINDS])
{
	unsigned best = 0;
	for (unsigned kind = 1; kind < KINDS; kind++)
		if (costs[kind] < costs[best])
			best = kind;
	return best;
}

static void make_plan(const uint32_t *values, size_t count, struct plan *plan)
{
	uint32_t total[KINDS] = {0}, costs[KINDS];
	uint32_t stays[FRAMES_MAX]; /* bit kind: the cheapest way into this kind at this frame is from itself */
	uint8_t before[FRAMES_MAX]; /* the kind to come from otherwise */
	plan->frames = frames_of(count);
	for (size_t f = 0; f < plan->frames; f++) {
		uint32_t padded[INT_COLUMN_FRAME] = {0};
		size_t n = frame_size(count, f);
		const uint32_t *v = values + f * INT_COLUMN_FRAME;
		if (n < INT_COLUMN_FRAME)
			v = memcpy(padded, v, n * sizeof *v);
		frame_costs(v, n, costs);
		unsigned best = cheapest(total);
		uint32_t from_best = total[best] + RUN_BITS;
		before[f] = (uint8_t)best;
		stays[f] = 0;
		for (unsigned kind = 0; kind < KINDS; kind++) {
			bool stay = total[kind] <= from_best;
			stays[f] |= (uint32_t)stay << kind;
			total[kind] = (stay ? total[kind] : from_best) + costs[kind];
		}
	}
	unsigned kind = cheapest(total);
	plan->bits = total[kind] + RUN_BITS;
	for (size_t f = plan->frames; f-- > 0;) {
		plan->kinds[f] = (uint8_t)kind;
		if (!(stays[f] >> kind & 1))
			kind = before[f];
	}
}

static bool all_zero(const uint32_t *values, size_t count)
{
	uint32_t any = 0;
	for (size_t i = 0; i < count; i++)
		any |= values[i];
	return any == 0;
}

size_t int_column_cost(const uint32_t *values, size_t count)
{
	if (all_zero(values, count))
		return 0;
	struct plan plan;
	make_plan(values, count, &plan);
	return plan.bits;
}

/* --- writing --- */

struct bit_writer {
	uint8_t *out;
	uint64_t bits;
	unsigned count; /* below 32 between calls */
};

/* At most 32 bits at a time. */
static inline void put_bits(struct bit_writer *w, uint64_t bits, unsigned count)
{
	w->bits |= bits << w->count;
	w->count += count;
	if (w->count >= 32) {
		store_le32(w->out, (uint32_t)w->bits);
		w->out += 4;
		w->bits >>= 32;
		w->count -= 32;
	}
}

static uint8_t *flush_bits(struct bit_writer *w)
{
	for (; w->count; w->count -= w->count < 8 ? w->count : 8) {
		*w->out++ = (uint8_t)w->bits;
		w->bits >>= 8;
	}
	w->bits = 0;
	return w->out;
}

static uint8_t *write_runs(const struct plan *plan, uint8_t *out)
{
	for (size_t f = 0; f < plan->frames;) {
		size_t same = 1;
		while (f + same < plan->frames && plan->kinds[f + same] == plan->kinds[f])
			same++;
		unsigned code = 7;
		while (run_lengths[code] > same)
			code--;
		*out++ = (uint8_t)(plan->kinds[f] | code << 5);
		f += run_lengths[code];
	}
	return out;
}

static bool is_exception(uint32_t v, unsigned kind)
{
	return kind ? v >> (kind - 1) > INT_COLUMN_QUOTIENT_MAX : v != 0;
}

static uint8_t *write_exceptions(const struct plan *plan, const uint32_t *values, size_t count, uint8_t *out)
{
	uint16_t places[BLOCK_REPORTS_MAX];
	size_t found = 0;
	for (size_t i = 0; i < count; i++)
		if (is_exception(values[i], plan->kinds[i / INT_COLUMN_FRAME]))
			places[found++] = (uint16_t)i;
	out += varint_store(out, found);
	for (size_t e = 0, next = 0; e < found; e++) {
		unsigned kind = plan->kinds[places[e] / INT_COLUMN_FRAME];
		out += varint_store(out, places[e] - next);
		out += varint_store(out, values[places[e]] >> (kind ? kind - 1 : 0));
		next = places[e] + 1u;
	}
	return out;
}

static uint8_t *write_low(const struct plan *plan, const uint32_t *values, size_t count, uint8_t *out)
{
	for (size_t f = 0; f < plan->frames; f++) {
		if (plan->kinds[f] < 2)
			continue;
		unsigned k = plan->kinds[f] - 1u;
		const uint32_t *v = values + f * INT_COLUMN_FRAME;
		struct bit_writer w = {out, 0, 0};
		for (size_t i = 0, n = frame_size(count, f); i < n; i++)
			put_bits(&w, v[i] & ((1u << k) - 1), k);
		out = flush_bits(&w);
	}
	return out;
}

static uint8_t *write_quotients(const struct plan *plan, const uint32_t *values, size_t count, uint8_t *out)
{
	struct bit_writer w = {out, 0, 0};
	for (size_t f = 0; f < plan->frames; f++) {
		if (!plan->kinds[f])
			continue;
		unsigned k = plan->kinds[f] - 1u;
		const uint32_t *v = values + f * INT_COLUMN_FRAME;
		for (size_t i = 0, n = frame_size(count, f); i < n; i++) {
			uint32_t q = v[i] >> k;
			if (q > INT_COLUMN_QUOTIENT_MAX)
				q = 0;
			put_bits(&w, UINT64_C(1) << q, q + 1);
		}
	}
	return flush_bits(&w);
}

size_t int_column_encode(const uint32_t *values, size_t count, uint8_t *out)
{
	if (all_zero(values, count))
		return 0;
	struct plan plan;
	make_plan(values, count, &plan);
	uint8_t *at = write_runs(&plan, out);
	at = write_exceptions(&plan, values, count, at);
	at = write_low(&plan, values, count, at);
	at = write_quotients(&plan, values, count, at);
	return (size_t)(at - out);
}

/* --- reading --- */

static bool read_runs(struct cursor *c, struct plan *plan)
{
	for (size_t f = 0; f < plan->frames;) {
		uint8_t run = cursor_u8(c);
		unsigned kind = run & 31, length = run_lengths[run >> 5];
		if (c->failed || kind >= KINDS || length > plan->frames - f)
			return false;
		memset(plan->kinds + f, (int)kind, length);
		f += length;
	}
	return true;
}

/* Reads over the exceptions; they are applied last. */
static bool skip_exceptions(struct cursor *c, size_t count)
{
	uint64_t found = cursor_varint(c);
	if (c->failed || found > count)
		return false;
	for (uint64_t e = 0; e < 2 * found; e++)
		cursor_varint(c);
	return !c->failed;
}

static bool apply_exceptions(struct cursor c, const struct plan *plan, size_t count, uint32_t *out)
{
	uint64_t found = cursor_varint(&c), next = 0;
	for (uint64_t e = 0; e < found; e++) {
		uint64_t skipped = cursor_varint(&c), q = cursor_varint(&c);
		if (skipped >= count || next + skipped >= count || q > UINT32_MAX)
			return false;
		uint64_t place = next + skipped;
		unsigned kind = plan->kinds[place / INT_COLUMN_FRAME];
		out[place] |= (uint32_t)(q << (kind ? kind - 1 : 0));
		next = place + 1;
	}
	return true;
}

static bool read_frames(const struct series_kernels *kernels, struct cursor *c, const struct plan *plan, size_t count,
			const uint32_t *ones, uint32_t *out)
{
	for (size_t f = 0; f < plan->frames; f++, out += INT_COLUMN_FRAME) {
		unsigned kind = plan->kinds[f];
		if (!kind) {
			memset(out, 0, INT_COLUMN_FRAME * sizeof *out);
			continue;
		}
		unsigned k = kind - 1;
		size_t n = frame_size(count, f), need = (n * k + 7) / 8;
		uint8_t copy[INT_COLUMN_FRAME * INT_COLUMN_K_MAX / 8 + KERNEL_SLACK_BYTES];
		const uint8_t *low = c->at;
		if (cursor_left(c) < INT_COLUMN_FRAME / 8 * k + KERNEL_SLACK_BYTES) {
			if (cursor_left(c) < need)
				return false;
			memset(copy, 0, sizeof copy);
			low = memcpy(copy, c->at, need);
		}
		kernels->frame(low, k, ones, out);
		c->at += need;
		ones += n;
	}
	return true;
}

/* Bytes of low bits and number of coded values: with them the quotients can be found first. */
static size_t low_bytes(const struct plan *plan, size_t count, size_t *out_coded)
{
	size_t bytes = 0, coded = 0;
	for (size_t f = 0; f < plan->frames; f++) {
		size_t n = frame_size(count, f);
		if (plan->kinds[f]) {
			bytes += (n * (plan->kinds[f] - 1u) + 7) / 8;
			coded += n;
		}
	}
	*out_coded = coded;
	return bytes;
}

enum status int_column_decode(const struct series_kernels *kernels, struct span column, size_t count, uint32_t *out)
{
	struct plan plan = {.frames = frames_of(count)};
	if (column.size == 0) {
		memset(out, 0, plan.frames * INT_COLUMN_FRAME * sizeof *out);
		return STATUS_OK;
	}
	struct cursor c = cursor_of(column);
	if (!read_runs(&c, &plan))
		return STATUS_CORRUPT;
	struct cursor exceptions = c;
	if (!skip_exceptions(&c, count))
		return STATUS_CORRUPT;
	size_t coded, low = low_bytes(&plan, count, &coded);
	if (cursor_left(&c) < low)
		return STATUS_CORRUPT;
	uint32_t ones[1 + INT_COLUMN_ROOM + 64];
	ones[0] = UINT32_MAX;
	if (kernels->ones(c.at + low, cursor_left(&c) - low, ones + 1, coded) != coded)
		return STATUS_CORRUPT;
	memset(ones + 1 + coded, 0, INT_COLUMN_FRAME * sizeof *ones);
	if (!read_frames(kernels, &c, &plan, count, ones + 1, out))
		return STATUS_CORRUPT;
	return apply_exceptions(exceptions, &plan, count, out) ? STATUS_OK : STATUS_CORRUPT;
}
