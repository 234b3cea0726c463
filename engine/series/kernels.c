#include "engine/series/kernels.h"

#include "engine/core/bytes.h"
#include "engine/series/reckon.h"

#if defined(__x86_64__)
#include <immintrin.h>
#define FAST __attribute__((target("avx2,bmi,popcnt")))
#endif

static uint64_t load_word(const uint8_t *at, size_t left)
{
	if (left >= 8)
		return load_le64(at);
	uint64_t word = 0;
	memcpy(&word, at, left);
	return word;
}

/* Eight places at a time, so that the branch is one a word and not one a bit; ones past the last are junk. */
static inline __attribute__((always_inline)) void places8(uint64_t *word, uint32_t base, uint32_t *out)
{
	for (int i = 0; i < 8; i++) {
		out[i] = base + (uint32_t)__builtin_ctzll(*word | UINT64_C(1) << 63);
		*word &= *word - 1;
	}
}

static inline __attribute__((always_inline)) size_t ones_body(const uint8_t *bits, size_t size, uint32_t *out,
							      size_t max)
{
	size_t found = 0;
	for (size_t at = 0; at < size; at += 8) {
		uint64_t word = load_word(bits + at, size - at);
		size_t count = (size_t)__builtin_popcountll(word);
		if (count > max - found)
			return max + 1;
		for (size_t done = 0; done < count; done += 8)
			places8(&word, (uint32_t)at * 8, out + found + done);
		found += count;
	}
	return found;
}

static size_t ones_plain(const uint8_t *bits, size_t size, uint32_t *out, size_t max)
{
	return ones_body(bits, size, out, max);
}

static void frame_plain(const uint8_t *low, unsigned k, const uint32_t *ones, uint32_t *out)
{
	uint32_t mask = (1u << k) - 1;
	for (unsigned i = 0, bit = 0; i < 32; i++, bit += k) {
		uint32_t rest = (uint32_t)(load_le64(low + bit / 8) >> (bit % 8)) & mask;
		out[i] = rest | (ones[i] - ones[(int)i - 1] - 1) << k;
	}
}

static void sum_plain(uint32_t *values, size_t count, uint32_t start)
{
	for (size_t i = 0; i < count; i++)
		values[i] = start += (uint32_t)unzigzag32(values[i]);
}

static void sum_steps_plain(const uint32_t *values, const int32_t *steps, size_t count, uint32_t start, uint32_t unit,
			    int32_t *out)
{
	for (size_t i = 0; i < count; i++) {
		start += (uint32_t)unzigzag32(values[i]) + (uint32_t)steps[i];
		out[i] = (int32_t)(start * unit);
	}
}

static void velocity_plain(const uint16_t *speed, const uint16_t *course, size_t count, int32_t *north, int32_t *east)
{
	for (size_t i = 0; i < count; i++) {
		const struct direction *d = &reckon_directions[course[i] < 361 ? course[i] : 361];
		int32_t v = speed[i] <= RECKON_SPEED_MAX ? speed[i] : 0;
		north[i] = v * d->north;
		east[i] = v * d->east;
	}
}

static void steps_plain(const int32_t *velocity, const int32_t *factor, size_t count, int32_t *steps)
{
	for (size_t i = 0; i < count; i++) {
		int64_t sum = (int64_t)velocity[(ptrdiff_t)i - 1] + velocity[i];
		steps[i] = (int32_t)((sum * factor[i]) >> 32);
	}
}

static uint32_t circle_plain(uint32_t *values, size_t count)
{
	uint32_t any = 0;
	for (size_t i = 0; i < count; i++) {
		any |= values[i];
		values[i] %= 360;
	}
	return any;
}

static void narrow_plain(const uint32_t *values, size_t count, uint16_t *out)
{
	for (size_t i = 0; i < count; i++)
		out[i] = (uint16_t)values[i];
}

const struct series_kernels series_kernels_plain = {
	ones_plain, frame_plain, sum_plain, sum_steps_plain, velocity_plain, steps_plain, circle_plain, narrow_plain,
};

#ifdef FAST

static FAST size_t ones_avx2(const uint8_t *bits, size_t size, uint32_t *out, size_t max)
{
	return ones_body(bits, size, out, max);
}

/* Eight values of k bits start at bits 0, k, .. 7k of k bytes: each lane gets the four bytes its value lies in. */
static inline FAST __m256i low8(const uint8_t *low, unsigned k, __m256i picks, __m256i shifts, __m256i mask)
{
	__m128i a = _mm_loadu_si128((const __m128i *)low);
	__m128i b = _mm_loadu_si128((const __m128i *)(low + k / 2));
	__m256i bytes = _mm256_inserti128_si256(_mm256_castsi128_si256(a), b, 1);
	return _mm256_and_si256(_mm256_srlv_epi32(_mm256_shuffle_epi8(bytes, picks), shifts), mask);
}

static FAST void frame_avx2(const uint8_t *low, unsigned k, const uint32_t *ones, uint32_t *out)
{
	/* lane i: bit i*k, and the upper half counts from byte k/2 on */
	__m256i bit = _mm256_mullo_epi32(_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7), _mm256_set1_epi32((int)k));
	__m256i from =
		_mm256_setr_epi32(0, 0, 0, 0, (int)(k / 2 * 8), (int)(k / 2 * 8), (int)(k / 2 * 8), (int)(k / 2 * 8));
	bit = _mm256_sub_epi32(bit, from);
	__m256i shifts = _mm256_and_si256(bit, _mm256_set1_epi32(7));
	__m256i byte = _mm256_mullo_epi32(_mm256_srli_epi32(bit, 3), _mm256_set1_epi32(0x01010101));
	__m256i picks = _mm256_add_epi32(byte, _mm256_set1_epi32(0x03020100));
	__m256i mask = _mm256_set1_epi32((int)((1u << k) - 1));
	__m128i up = _mm_cvtsi32_si128((int)k);
	for (int g = 0; g < 4; g++, low += k, ones += 8, out += 8) {
		__m256i rest = low8(low, k, picks, shifts, mask);
		__m256i here = _mm256_loadu_si256((const __m256i *)ones);
		__m256i before = _mm256_loadu_si256((const __m256i *)(ones - 1));
		__m256i q = _mm256_sub_epi32(_mm256_sub_epi32(here, before), _mm256_set1_epi32(1));
		_mm256_storeu_si256((__m256i *)out, _mm256_or_si256(rest, _mm256_sll_epi32(q, up)));
	}
}

static inline FAST __m256i unzigzag8(__m256i v)
{
	__m256i sign = _mm256_sub_epi32(_mm256_setzero_si256(), _mm256_and_si256(v, _mm256_set1_epi32(1)));
	return _mm256_xor_si256(_mm256_srli_epi32(v, 1), sign);
}

/* Running sums of eight lanes on top of `carry`, every lane of which is the sum so far. */
static inline FAST __m256i sums8(__m256i v, __m256i *carry)
{
	v = _mm256_add_epi32(v, _mm256_slli_si256(v, 4));
	v = _mm256_add_epi32(v, _mm256_slli_si256(v, 8));
	__m256i low_total = _mm256_permutevar8x32_epi32(v, _mm256_set1_epi32(3));
	v = _mm256_add_epi32(v, _mm256_blend_epi32(_mm256_setzero_si256(), low_total, 0xf0));
	__m256i sums = _mm256_add_epi32(v, *carry);
	*carry = _mm256_add_epi32(*carry, _mm256_permutevar8x32_epi32(v, _mm256_set1_epi32(7)));
	return sums;
}

static FAST void sum_avx2(uint32_t *values, size_t count, uint32_t start)
{
	__m256i carry = _mm256_set1_epi32((int)start);
	for (size_t i = 0; i < count; i += 8) {
		__m256i v = unzigzag8(_mm256_loadu_si256((const __m256i *)(values + i)));
		_mm256_storeu_si256((__m256i *)(values + i), sums8(v, &carry));
	}
}

static FAST void sum_steps_avx2(const uint32_t *values, const int32_t *steps, size_t count, uint32_t start,
				uint32_t unit, int32_t *out)
{
	__m256i carry = _mm256_set1_epi32((int)start), times = _mm256_set1_epi32((int)unit);
	for (size_t i = 0; i + 8 <= count; i += 8) {
		__m256i v = unzigzag8(_mm256_loadu_si256((const __m256i *)(values + i)));
		v = _mm256_add_epi32(v, _mm256_loadu_si256((const __m256i *)(steps + i)));
		_mm256_storeu_si256((__m256i *)(out + i), _mm256_mullo_epi32(sums8(v, &carry), times));
	}
	size_t done = count & ~(size_t)7;
	start = (uint32_t)_mm256_cvtsi256_si32(carry);
	sum_steps_plain(values + done, steps + done, count - done, start, unit, out + done);
}

static FAST void velocity_avx2(const uint16_t *speed, const uint16_t *course, size_t count, int32_t *north,
			       int32_t *east)
{
	const int *table = (const int *)(const void *)reckon_directions;
	for (size_t i = 0; i < count; i += 8) {
		__m128i s16 = _mm_loadu_si128((const __m128i *)(speed + i));
		s16 = _mm_andnot_si128(_mm_srai_epi16(s16, 15), s16);
		__m256i s = _mm256_cvtepu16_epi32(s16);
		__m256i c = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(course + i)));
		c = _mm256_min_epi32(c, _mm256_set1_epi32(361));
		__m256i d = _mm256_i32gather_epi32(table, c, 4);
		_mm256_storeu_si256((__m256i *)(north + i), _mm256_madd_epi16(d, s));
		_mm256_storeu_si256((__m256i *)(east + i), _mm256_madd_epi16(d, _mm256_slli_epi32(s, 16)));
	}
}

static inline FAST __m256i high_product8(__m256i a, __m256i b)
{
	__m256i even = _mm256_srli_epi64(_mm256_mul_epi32(a, b), 32);
	__m256i odd = _mm256_mul_epi32(_mm256_srli_epi64(a, 32), _mm256_srli_epi64(b, 32));
	return _mm256_blend_epi32(even, odd, 0xaa);
}

static FAST void steps_avx2(const int32_t *velocity, const int32_t *factor, size_t count, int32_t *steps)
{
	for (size_t i = 0; i < count; i += 8) {
		__m256i v = _mm256_loadu_si256((const __m256i *)(velocity + i));
		__m256i before = _mm256_loadu_si256((const __m256i *)(velocity + i - 1));
		__m256i f = _mm256_loadu_si256((const __m256i *)(factor + i));
		_mm256_storeu_si256((__m256i *)(steps + i), high_product8(_mm256_add_epi32(v, before), f));
	}
}

/* The quotient by way of floats is right or one off, which the last two lines make good. */
static FAST uint32_t circle_avx2(uint32_t *values, size_t count)
{
	__m256i turn = _mm256_set1_epi32(360), last = _mm256_set1_epi32(359), zero = _mm256_setzero_si256();
	__m256i any = zero;
	size_t i = 0;
	for (; i + 8 <= count; i += 8) {
		__m256i v = _mm256_loadu_si256((const __m256i *)(values + i));
		any = _mm256_or_si256(any, v);
		__m256 q = _mm256_mul_ps(_mm256_cvtepi32_ps(v), _mm256_set1_ps(1.0f / 360));
		v = _mm256_sub_epi32(v, _mm256_mullo_epi32(_mm256_cvttps_epi32(q), turn));
		v = _mm256_sub_epi32(v, _mm256_and_si256(_mm256_cmpgt_epi32(v, last), turn));
		v = _mm256_add_epi32(v, _mm256_and_si256(_mm256_cmpgt_epi32(zero, v), turn));
		_mm256_storeu_si256((__m256i *)(values + i), v);
	}
	uint32_t lanes[8];
	_mm256_storeu_si256((__m256i *)lanes, any);
	for (int lane = 1; lane < 8; lane++)
		lanes[0] |= lanes[lane];
	return lanes[0] | circle_plain(values + i, count - i);
}

static FAST void narrow_avx2(const uint32_t *values, size_t count, uint16_t *out)
{
	__m256i low = _mm256_set1_epi32(0xffff);
	size_t done = 0;
	for (; done + 16 <= count; done += 16) {
		__m256i a = _mm256_and_si256(_mm256_loadu_si256((const __m256i *)(values + done)), low);
		__m256i b = _mm256_and_si256(_mm256_loadu_si256((const __m256i *)(values + done + 8)), low);
		__m256i packed = _mm256_permute4x64_epi64(_mm256_packus_epi32(a, b), 0xd8);
		_mm256_storeu_si256((__m256i *)(out + done), packed);
	}
	narrow_plain(values + done, count - done, out + done);
}

static const struct series_kernels kernels_avx2 = {
	ones_avx2, frame_avx2, sum_avx2, sum_steps_avx2, velocity_avx2, steps_avx2, circle_avx2, narrow_avx2,
};

const struct series_kernels *series_kernels_best(void)
{
	bool fast = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi");
	return fast ? &kernels_avx2 : &series_kernels_plain;
}

#else

const struct series_kernels *series_kernels_best(void)
{
	return &series_kernels_plain;
}

#endif
