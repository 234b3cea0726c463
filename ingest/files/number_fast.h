/* number_fast.h -- number_fixed for texts of up to 16 characters, a column of millions of them.
 *
 *   16 bytes that end with the text   ....-118.652345     what is before the digits becomes 0
 *   point closed                      .....0118652345     by a shuffle that the point's place chooses
 *   pairs, fours, eights joined       118652345 * multiplier[place of the point]
 *
 * Three multiplications and no branch that depends on the digits. A text that has anything but digits and one point, or
 * more decimals than the unit keeps, leaves this way early. Without SSE4.1 every text takes number_fixed. */
#ifndef ZAYTON_INGEST_NUMBER_FAST_H
#define ZAYTON_INGEST_NUMBER_FAST_H

#include <stdbool.h>

#include "ingest/files/number.h"

#ifdef __SSE4_1__
#include <smmintrin.h>
#endif

#define NUMBER_FAST_MAX 16
/* bytes that must be readable before a text given to number_scaled */
#define NUMBER_PAD 16

struct number_scale {
	struct number_unit unit;
	/* by where the point is among 16 characters, 16 for none; zeros where the result must be rounded */
	struct {
		uint64_t multiplier;
		uint64_t limit; /* above it the product does not fit */
	} step[NUMBER_FAST_MAX + 1];
};

struct number_scale number_scale_of(struct number_unit unit);

/* Digits behind a point at character `at` of 16. */
static inline unsigned number_digits_behind(unsigned at)
{
	return at == NUMBER_FAST_MAX ? 0 : NUMBER_FAST_MAX - 1 - at;
}

/* What is left when the digits are known but must be divided and rounded, or do not fit. */
STATUS_CHECKED enum status number_scaled_rest(struct span text, uint64_t digits, unsigned point,
					      struct number_unit unit, int64_t *out);

#ifdef __SSE4_1__

static inline __m128i number_keep_last(size_t size)
{
	static const uint8_t ones[2 * NUMBER_FAST_MAX] = {
		[NUMBER_FAST_MAX] = 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255};
	return _mm_loadu_si128((const __m128i *)(ones + size));
}

/* The shuffle that moves what is before a point at `at` over it. */
static inline __m128i number_close_point(unsigned at)
{
#define FROM(i, p) ((i) > (p) ? (i) : (i)-1)
#define ROW(p)                                                                                                         \
	{                                                                                                              \
		0x80, FROM(1, p), FROM(2, p), FROM(3, p), FROM(4, p), FROM(5, p), FROM(6, p), FROM(7, p), FROM(8, p),  \
			FROM(9, p), FROM(10, p), FROM(11, p), FROM(12, p), FROM(13, p), FROM(14, p), FROM(15, p)       \
	}
	static const uint8_t rows[NUMBER_FAST_MAX + 1][NUMBER_FAST_MAX] = {
		ROW(0),
		ROW(1),
		ROW(2),
		ROW(3),
		ROW(4),
		ROW(5),
		ROW(6),
		ROW(7),
		ROW(8),
		ROW(9),
		ROW(10),
		ROW(11),
		ROW(12),
		ROW(13),
		ROW(14),
		ROW(15),
		{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
	};
#undef ROW
#undef FROM
	return _mm_loadu_si128((const __m128i *)rows[at]);
}

/* Sixteen digits, most significant first. */
static inline uint64_t number_join(__m128i digits)
{
	__m128i pairs = _mm_maddubs_epi16(digits, _mm_set1_epi16(0x010a));
	__m128i fours = _mm_madd_epi16(pairs, _mm_set1_epi32(0x00010064));
	__m128i eights = _mm_madd_epi16(_mm_packus_epi32(fours, fours), _mm_set1_epi32(0x00012710));
	uint64_t both = (uint64_t)_mm_cvtsi128_si64(eights);
	return (both & UINT32_MAX) * 100000000u + (both >> 32);
}

/* number_fixed for a text with NUMBER_PAD readable bytes (of any content) before its first. */
static inline enum status number_scaled(struct span text, const struct number_scale *scale, int64_t *out)
{
	if (__builtin_expect(text.size - 1 >= NUMBER_FAST_MAX, 0))
		return number_fixed(text, scale->unit, out);
	bool negative = text.data[0] == '-';
	size_t size = text.size - negative;
	__m128i bytes = _mm_loadu_si128((const __m128i *)(text.data + text.size - NUMBER_FAST_MAX));
	__m128i digits = _mm_and_si128(_mm_sub_epi8(bytes, _mm_set1_epi8('0')), number_keep_last(size));
	__m128i no_digits = _mm_cmpeq_epi8(_mm_max_epu8(digits, _mm_set1_epi8(10)), digits);
	__m128i points = _mm_cmpeq_epi8(digits, _mm_set1_epi8('.' - '0'));
	unsigned point = (unsigned)_mm_movemask_epi8(points);
	unsigned strange = ((unsigned)_mm_movemask_epi8(no_digits) ^ point) | (point & (point - 1));
	if (__builtin_expect(strange || size <= (point != 0), 0))
		return number_fixed(text, scale->unit, out);
	unsigned at = (unsigned)__builtin_ctz(point | 1u << NUMBER_FAST_MAX);
	uint64_t v = number_join(_mm_shuffle_epi8(digits, number_close_point(at)));
	if (__builtin_expect(v > scale->step[at].limit, 0))
		return number_scaled_rest(text, v, at, scale->unit, out);
	int64_t product = (int64_t)(v * scale->step[at].multiplier);
	*out = negative ? -product : product;
	return STATUS_OK;
}

#else

static inline enum status number_scaled(struct span text, const struct number_scale *scale, int64_t *out)
{
	return number_fixed(text, scale->unit, out);
}

#endif

#endif
