#include "engine/series/int_column.h"

/* into each of the two forms of what is called from outside */
#define INLINE static inline __attribute__((always_inline))

#define FRAMES_MAX ((BLOCK_REPORTS_MAX + INT_COLUMN_FRAME - 1) / INT_COLUMN_FRAME)
#define KINDS (INT_COLUMN_K_MAX + 2)
/* an outlier weighs no more than an exception */
#define COST_CLIP (1u << 16)
#define RUN_BITS 8u
#define EXCEPTION_BITS 16u /* the least an exception takes */

static const uint8_t run_lengths[8] = {1, 2, 3, 4, 6, 8, 16, 32};

_Static_assert(FRAMES_MAX == 32, "a run can cover a whole column");

struct plan {
	uint8_t kinds[FRAMES_MAX];
	size_t frames;
};

INLINE unsigned bit_length(uint32_t v)
{
	return v ? 32u - (unsigned)__builtin_clz(v) : 0;
}

INLINE size_t frames_of(size_t count)
{
	return (count + INT_COLUMN_FRAME - 1) / INT_COLUMN_FRAME;
}

INLINE size_t frame_size(size_t count, size_t frame)
{
	size_t left = count - frame * INT_COLUMN_FRAME;
	return left < INT_COLUMN_FRAME ? left : INT_COLUMN_FRAME;
}

/* --- choosing a kind for each frame: the cheapest, or that of the frame before while a new run would cost more --- */

INLINE uint32_t exceptions_cost(const uint32_t *v)
{
	uint32_t bits = 0;
	for (size_t i = 0; i < INT_COLUMN_FRAME; i++)
		if (v[i])
			bits += 8 + 8 * ((bit_length(v[i]) + 6) / 7);
	return bits;
}

INLINE uint32_t nonzero_values(const uint32_t v[INT_COLUMN_FRAME])
{
	uint32_t n = 0;
	for (size_t i = 0; i < INT_COLUMN_FRAME; i++)
		n += v[i] != 0;
	return n;
}

INLINE uint32_t any_bits(const uint32_t v[INT_COLUMN_FRAME])
{
	uint32_t any = 0;
	for (size_t i = 0; i < INT_COLUMN_FRAME; i++)
		any |= v[i];
	return any;
}

/* No value counts for more than 2^26, so that 32 of them add up in 32 bits. */
INLINE uint32_t clipped_sum(const uint32_t v[INT_COLUMN_FRAME])
{
	uint32_t sum = 0;
	for (size_t i = 0; i < INT_COLUMN_FRAME; i++)
		sum += v[i] < 1u << 26 ? v[i] : 1u << 26;
	return sum;
}

/* Bits of a frame of `n` values, padded with zeros, under a kind. A quotient past the maximum costs about as
 * much as its exception: two bytes and a half. */
INLINE uint32_t frame_cost(const uint32_t v[INT_COLUMN_FRAME], size_t n, unsigned kind)
{
	uint32_t bits = 0;
	if (kind == 0)
		return exceptions_cost(v);
	for (size_t i = 0; i < INT_COLUMN_FRAME; i++) {
		uint32_t q = v[i] >> (kind - 1);
		bits += q < INT_COLUMN_QUOTIENT_MAX ? q : INT_COLUMN_QUOTIENT_MAX;
	}
	return bits + (uint32_t)n * kind;
}

/* The cost has one valley; its bottom is at or below the parameter that the mean asks for. */
INLINE unsigned best_kind(const uint32_t v[INT_COLUMN_FRAME], size_t n, uint32_t *out_cost)
{
	uint32_t sum = clipped_sum(v), mean = n == INT_COLUMN_FRAME ? sum / INT_COLUMN_FRAME : sum / (uint32_t)n;
	unsigned kind = bit_length(mean) + 1;
	if (sum == 0) {
		*out_cost = 0;
		return 0;
	}
	if (kind > INT_COLUMN_K_MAX + 1)
		kind = INT_COLUMN_K_MAX + 1;
	uint32_t cost = frame_cost(v, n, kind);
	while (kind > 1) {
		uint32_t lower = frame_cost(v, n, kind - 1);
		if (lower > cost)
			break;
		cost = lower;
		kind--;
	}
	if (nonzero_values(v) * EXCEPTION_BITS <= cost) {
		uint32_t none = exceptions_cost(v);
		if (none <= cost) {
			cost = none;
			kind = 0;
		}
	}
	*out_cost = cost;
	return kind;
}

INLINE const uint32_t *padded_frame(const uint32_t *values, size_t count, size_t frame, uint32_t room[INT_COLUMN_FRAME])
{
	size_t n = frame_size(count, frame);
	const uint32_t *v = values + frame * INT_COLUMN_FRAME;
	if (n == INT_COLUMN_FRAME)
		return v;
	memset(room, 0, INT_COLUMN_FRAME * sizeof *room);
	return memcpy(room, v, n * sizeof *v);
}

INLINE void make_plan(const uint32_t *values, size_t count, struct plan *plan)
{
	unsigned kind = 0;
	plan->frames = frames_of(count);
	for (size_t f = 0; f < plan->frames; f++) {
		uint32_t room[INT_COLUMN_FRAME], cost;
		size_t n = frame_size(count, f);
		const uint32_t *v = padded_frame(values, count, f, room);
		unsigned best = best_kind(v, n, &cost);
		if (f == 0 || (best != kind && frame_cost(v, n, kind) > cost + RUN_BITS))
			kind = best;
		plan->kinds[f] = (uint8_t)kind;
	}
}

INLINE bool all_zero(const uint32_t *values, size_t count)
{
	size_t whole = count / INT_COLUMN_FRAME * INT_COLUMN_FRAME;
	for (size_t i = 0; i < whole; i += INT_COLUMN_FRAME)
		if (any_bits(values + i))
			return false;
	for (size_t i = whole; i < count; i++)
		if (values[i])
			return false;
	return true;
}

/* log2(x) in 64ths, linear between powers */
INLINE uint32_t log2_64(uint32_t x)
{
	unsigned top = bit_length(x | 1) - 1; /* x is at least 1 */
	return top * 64 + (uint32_t)(((uint64_t)x << 6 >> top) - 64);
}

INLINE size_t cost_of(const uint32_t *values, size_t count)
{
	size_t cost = 0;
	for (size_t f = 0, frames = frames_of(count); f < frames; f++) {
		uint32_t room[INT_COLUMN_FRAME];
		const uint32_t *v = padded_frame(values, count, f, room);
		uint32_t sum = 0;
		for (size_t i = 0; i < INT_COLUMN_FRAME; i++)
			sum += v[i] < COST_CLIP ? v[i] : COST_CLIP;
		cost += frame_size(count, f) * (log2_64(sum / 4 + 8) - 3 * 64);
	}
	return cost / 64;
}

/* --- writing --- */

struct bit_writer {
	uint8_t *out;
	uint64_t bits;
	unsigned count; /* below 8 between calls */
};

/* At most 56 bits at a time. Stores 8 bytes each time, whole ones for good. */
INLINE void put_bits(struct bit_writer *w, uint64_t bits, unsigned count)
{
	w->bits |= bits << w->count;
	store_le64(w->out, w->bits);
	w->count += count;
	w->out += w->count / 8;
	w->bits >>= w->count & 56;
	w->count &= 7;
}

INLINE uint8_t *flush_bits(struct bit_writer *w)
{
	return w->out + (w->count > 0); /* the bits lie there already */
}

INLINE uint8_t *write_runs(const struct plan *plan, uint8_t *out)
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

INLINE size_t find_exceptions(const struct plan *plan, const uint32_t *values, size_t count,
			      uint16_t places[BLOCK_REPORTS_MAX])
{
	size_t found = 0;
	for (size_t f = 0; f < plan->frames; f++) {
		const uint32_t *v = values + f * INT_COLUMN_FRAME;
		unsigned kind = plan->kinds[f], k = kind ? kind - 1 : 0;
		uint32_t over = kind ? INT_COLUMN_QUOTIENT_MAX : 0;
		size_t n = frame_size(count, f);
		if (n == INT_COLUMN_FRAME && any_bits(v) >> k <= over)
			continue;
		for (size_t i = 0; i < n; i++)
			if (v[i] >> k > over)
				places[found++] = (uint16_t)(f * INT_COLUMN_FRAME + i);
	}
	return found;
}

INLINE uint8_t *write_exceptions(const struct plan *plan, const uint32_t *values, size_t count, uint8_t *out)
{
	uint16_t places[BLOCK_REPORTS_MAX];
	size_t found = find_exceptions(plan, values, count, places);
	out += varint_store(out, found);
	for (size_t e = 0, next = 0; e < found; e++) {
		unsigned kind = plan->kinds[places[e] / INT_COLUMN_FRAME];
		out += varint_store(out, places[e] - next);
		out += varint_store(out, values[places[e]] >> (kind ? kind - 1 : 0));
		next = places[e] + 1u;
	}
	return out;
}

/* Low bits of four values at a time where they fit into 56, else of two: what a value costs is the step from one
 * put_bits() to the next. */
INLINE void put_low(struct bit_writer *w, const uint32_t *v, size_t n, unsigned k)
{
	const uint64_t mask = (1u << k) - 1;
	size_t i = 0;
	for (; k <= 14 && i + 4 <= n; i += 4)
		put_bits(w,
			 (v[i] & mask) | (v[i + 1] & mask) << k | (v[i + 2] & mask) << 2 * k |
				 (v[i + 3] & mask) << 3 * k,
			 4 * k);
	for (; i + 2 <= n; i += 2)
		put_bits(w, (v[i] & mask) | (v[i + 1] & mask) << k, 2 * k);
	if (i < n)
		put_bits(w, v[i] & mask, k);
}

INLINE uint8_t *write_low(const struct plan *plan, const uint32_t *values, size_t count, uint8_t *out)
{
	for (size_t f = 0; f < plan->frames; f++) {
		if (plan->kinds[f] < 2)
			continue;
		struct bit_writer w = {out, 0, 0};
		put_low(&w, values + f * INT_COLUMN_FRAME, frame_size(count, f), plan->kinds[f] - 1u);
		out = flush_bits(&w);
	}
	return out;
}

INLINE unsigned quotient(uint32_t value, unsigned k)
{
	uint32_t q = value >> k;
	return q > INT_COLUMN_QUOTIENT_MAX ? 0 : q;
}

/* The codes of two values are at most 50 bits, those of four nearly always below 56. */
INLINE void put_quotients(struct bit_writer *w, const uint32_t *v, size_t n, unsigned k)
{
	size_t i = 0;
	for (; i + 4 <= n; i += 4) {
		unsigned q0 = quotient(v[i], k), q1 = quotient(v[i + 1], k);
		unsigned q2 = quotient(v[i + 2], k), q3 = quotient(v[i + 3], k);
		unsigned first = q0 + q1 + 2, second = q2 + q3 + 2;
		uint64_t a = UINT64_C(1) << q0 | UINT64_C(1) << (q0 + 1 + q1);
		uint64_t b = UINT64_C(1) << q2 | UINT64_C(1) << (q2 + 1 + q3);
		if (__builtin_expect(first + second <= 56, 1)) {
			put_bits(w, a | b << first, first + second);
		} else {
			put_bits(w, a, first);
			put_bits(w, b, second);
		}
	}
	for (; i < n; i++)
		put_bits(w, UINT64_C(1) << quotient(v[i], k), quotient(v[i], k) + 1);
}

INLINE uint8_t *write_quotients(const struct plan *plan, const uint32_t *values, size_t count, uint8_t *out)
{
	struct bit_writer w = {out, 0, 0};
	for (size_t f = 0; f < plan->frames; f++)
		if (plan->kinds[f])
			put_quotients(&w, values + f * INT_COLUMN_FRAME, frame_size(count, f), plan->kinds[f] - 1u);
	return flush_bits(&w);
}

INLINE size_t encode(const uint32_t *values, size_t count, uint8_t *out)
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

/* --- for any machine, and where frames are four vectors of eight --- */

size_t int_column_encode_plain(const uint32_t *values, size_t count, uint8_t *out)
{
	return encode(values, count, out);
}

size_t int_column_cost_plain(const uint32_t *values, size_t count)
{
	return cost_of(values, count);
}

#if defined(__x86_64__)

#include <cpuid.h>
#include <stdatomic.h>

#define WIDE __attribute__((target("avx2,bmi,bmi2,lzcnt,popcnt")))

static WIDE size_t encode_wide(const uint32_t *values, size_t count, uint8_t *out)
{
	return encode(values, count, out);
}

static WIDE size_t cost_wide(const uint32_t *values, size_t count)
{
	return cost_of(values, count);
}

/* clang 14 knows no name for it. Leaf 0x80000001, ECX bit 5 (AMD64 APM volume 3, appendix E.4). */
static bool has_lzcnt(void)
{
	unsigned a, b, c = 0, d;
	return __get_cpuid(0x80000001, &a, &b, &c, &d) && c & bit_LZCNT;
}

static bool is_wide(void)
{
	static atomic_int known; /* 0 not asked yet, 1 no, 2 yes: asking takes the processor a microsecond */
	int wide = atomic_load_explicit(&known, memory_order_relaxed);
	if (!wide) {
		wide = 1 + (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
			    __builtin_cpu_supports("bmi2") && has_lzcnt());
		atomic_store_explicit(&known, wide, memory_order_relaxed);
	}
	return wide == 2;
}

size_t int_column_encode(const uint32_t *values, size_t count, uint8_t *out)
{
	return is_wide() ? encode_wide(values, count, out) : encode(values, count, out);
}

size_t int_column_cost(const uint32_t *values, size_t count)
{
	return is_wide() ? cost_wide(values, count) : cost_of(values, count);
}

#else

size_t int_column_encode(const uint32_t *values, size_t count, uint8_t *out)
{
	return encode(values, count, out);
}

size_t int_column_cost(const uint32_t *values, size_t count)
{
	return cost_of(values, count);
}

#endif

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
