/* fence_answer.c -- see the drawing in fence_answer.h. */
#include "engine/geo/fence_answer.h"

#if defined(__SSE2__)
#include <immintrin.h>
#endif

/* --- one leaf --- */

bool fence_leaf_holds(const struct fence_leaf *l, uint32_t k, struct geo_point p)
{
	struct fence_entry x = fence_leaf_entry(l, k);
	bool inside = x.parity;
	for (uint32_t i = fence_leaf_begin(l, k); i < x.end; i++) {
		struct fence_edge e = fence_leaf_edge(l, i);
		if (p.lat_e7 < e.lat_a_e7 || p.lat_e7 > e.lat_b_e7)
			continue;
		int side = fence_edge_side(e, p);
		if (side == 0 && fence_edge_spans(e, p))
			return true;
		inside ^= side < 0 && p.lat_e7 < e.lat_b_e7;
	}
	return inside;
}

/* What a leaf of at most FENCE_MASK_EDGES edges says of a position, one bit an edge. */
struct masks {
	uint64_t west;   /* the ray to the west crosses it */
	uint64_t border; /* the position is on it */
};

static inline void mask_edge(struct masks *m, struct fence_edge e, unsigned i, struct geo_point p)
{
	int64_t east = ((int64_t)e.lon_b_e7 - e.lon_a_e7) * ((int64_t)p.lat_e7 - e.lat_a_e7);
	int64_t north = ((int64_t)p.lon_e7 - e.lon_a_e7) * ((int64_t)e.lat_b_e7 - e.lat_a_e7);
	unsigned through = (p.lat_e7 >= e.lat_a_e7) & (p.lat_e7 < e.lat_b_e7); /* no branch: it cannot be foreseen */
	m->west |= (uint64_t)(through & (east < north)) << i;
	if (__builtin_expect(east == north, 0) && p.lat_e7 >= e.lat_a_e7 && p.lat_e7 <= e.lat_b_e7)
		m->border |= (uint64_t)fence_edge_spans(e, p) << i;
}

/* The position as a narrow leaf's edges want it added. */
static inline int32_t narrow_here(const struct fence_leaf *l, struct geo_point p)
{
	return (int32_t)((uint32_t)(uint16_t)(l->lon - p.lon_e7) | (uint32_t)(p.lat_e7 - l->lat) << 16);
}

#if defined(__SSE2__) /* every x86-64 has it; four edges at a time */

static inline uint64_t bits_of(__m128i lanes)
{
	return (uint64_t)(unsigned)_mm_movemask_ps(_mm_castsi128_ps(lanes));
}

/* Differences fit 16 bits, so that the difference of two products of theirs fits 32. */
static inline struct masks masks_narrow(const struct fence_leaf *l, struct geo_point p)
{
	uint32_t n = fence_leaf_lanes(l);
	__m128i here = _mm_set1_epi32(narrow_here(l, p)), low = _mm_set1_epi32(UINT16_MAX);
	uint64_t west = 0, line = 0, far = 0;
	for (uint32_t i = 0; i < n; i += FENCE_LANES) {
		__m128i from = _mm_loadu_si128((const __m128i *)(l->edges + i));
		__m128i run = _mm_loadu_si128((const __m128i *)(l->edges + n + i));
		__m128i off = _mm_add_epi16(from, here), side = _mm_madd_epi16(run, off);
		/* lat - lat_a without a sign: below lat_a it is more than any run */
		__m128i at = _mm_cmpgt_epi32(_mm_and_si128(run, low), _mm_srli_epi32(off, 16));
		west |= bits_of(_mm_and_si128(at, side)) << i;
		line |= bits_of(_mm_cmpeq_epi32(side, _mm_setzero_si128())) << i;
		far |= bits_of(_mm_cmpgt_epi32(from, low)) << i;
	}
	struct masks m = {west, 0};
	for (; __builtin_expect(line != 0, 0); line &= line - 1)
		mask_edge(&m, fence_leaf_edge(l, (unsigned)__builtin_ctzll(line)), (unsigned)__builtin_ctzll(line), p);
	for (uint32_t i = 0; i < l->far_count; i++, far &= far - 1)
		mask_edge(&m, fence_edge_at(fence_leaf_far(l), l->far_count, i), (unsigned)__builtin_ctzll(far), p);
	return m;
}

/* The few edges between whose latitudes p lies are asked one by one. */
static inline struct masks masks_wide(const struct fence_leaf *l, struct geo_point p)
{
	uint32_t n = fence_leaf_lanes(l);
	__m128i y = _mm_set1_epi32(p.lat_e7);
	struct masks m = {0, 0};
	uint64_t off = 0;
	for (uint32_t i = 0; i < n; i += FENCE_LANES) {
		__m128i lat_a = _mm_loadu_si128((const __m128i *)(l->edges + i));
		__m128i lat_b = _mm_loadu_si128((const __m128i *)(l->edges + n + i));
		off |= bits_of(_mm_or_si128(_mm_cmpgt_epi32(lat_a, y), _mm_cmpgt_epi32(y, lat_b))) << i;
	}
	/* what pads has no latitudes between its ends */
	for (uint64_t at = ~off & (n < 64 ? (UINT64_C(1) << n) - 1 : UINT64_MAX); at; at &= at - 1) {
		unsigned i = (unsigned)__builtin_ctzll(at);
		mask_edge(&m, fence_edge_at(l->edges, n, i), i, p);
	}
	return m;
}

#endif

static inline struct masks masks_of(const struct fence_leaf *l, struct geo_point p)
{
#if defined(__SSE2__)
	return l->narrow ? masks_narrow(l, p) : masks_wide(l, p);
#else
	struct masks m = {0, 0};
	for (uint32_t i = 0; i < l->edge_count; i++)
		mask_edge(&m, fence_leaf_edge(l, i), i, p);
	return m;
#endif
}

/* Bit i: whether an odd number of the bits below i is set. */
static inline uint64_t parities(uint64_t bits)
{
	bits <<= 1;
	for (unsigned shift = 1; shift < 64; shift *= 2)
		bits ^= bits << shift;
	return bits;
}

/* Whether the fence holds a position with the parities `odd`; `before`: the parity where its edges begin, and end. */
static inline uint32_t entry_odd(uint64_t odd, uint32_t end, uint32_t parity, uint32_t *before)
{
	uint32_t until = (uint32_t)(odd >> end) & 1, own = until ^ *before ^ parity;
	*before = until;
	return own;
}

static inline uint32_t leaf_find(const struct fence_leaf *l, struct geo_point p, uint32_t *slots)
{
	struct masks m = masks_of(l, p);
	uint64_t odd = parities(m.west);
	const struct fence_entry_narrow *x = (const struct fence_entry_narrow *)fence_leaf_lists(l);
	uint32_t count = 0, before = 0, fences = l->fence_count;
	if (__builtin_expect(m.border != 0, 0)) {
		for (uint32_t k = 0; k < fences; k++) {
			slots[count] = fence_leaf_entry(l, k).slot;
			count += fence_leaf_holds(l, k, p);
		}
	} else if (l->narrow) {
		for (uint32_t k = 0; k < fences; k++) {
			slots[count] = x[k].slot;
			count += entry_odd(odd, x[k].end, x[k].parity, &before);
		}
	} else {
		for (uint32_t k = 0; k < fences; k++) {
			struct fence_entry wide = fence_leaf_entry(l, k);
			slots[count] = wide.slot;
			count += entry_odd(odd, wide.end, wide.parity, &before);
		}
	}
	return count;
}

/* --- lists --- */

/* slots[0 .. n) and the list of m, both ascending, into slots[0 .. n + m). */
static inline void merge(uint32_t *slots, size_t n, const uint32_t *list, size_t m)
{
	while (m) { /* which is higher cannot be foreseen: no branch on it, and none for a compiler to make of it */
		uint32_t any = n != 0, x = slots[n - any] & (0 - any), y = list[m - 1], own = x > y;
		slots[n + m - 1] = y ^ ((x ^ y) & (0 - own));
		n -= own;
		m -= 1 - own;
	}
}

static inline size_t merge_lists(const struct fence_way *w, uint32_t *slots, size_t count)
{
	for (unsigned k = 0; k < w->list_count; k++) {
		merge(slots, count, w->lists[k]->covering, w->lists[k]->covering_count);
		count += w->lists[k]->covering_count;
	}
	return count;
}

#if defined(__SSE2__)
#define FEW 16

/* The same of all lists at once, FEW slots together at most: slots are all different, so that the place of each is how
 * many are lower. `few` has the leaf's, and room for FEW and two more fours. */
static inline void merge_few(const struct fence_way *w, uint32_t *few, size_t count, uint32_t *slots)
{
	const __m128i none = _mm_set1_epi32(INT32_MAX);
	__m128i all[FEW / 4];
	for (unsigned k = 0; k < w->list_count; k++) {
		const struct fence_node *n = w->lists[k];
		for (uint32_t i = 0; i < n->covering_count; i += FENCE_LANES) /* past its end: into the next's place */
			_mm_storeu_si128((__m128i *)(few + count + i),
					 _mm_loadu_si128((const __m128i *)(n->covering + i)));
		count += n->covering_count;
	}
	for (size_t i = count; i < FEW; i += 4)
		_mm_storeu_si128((__m128i *)(few + i), none);
	for (unsigned k = 0; k < FEW / 4; k++)
		all[k] = _mm_loadu_si128((const __m128i *)(few + 4 * k));
	for (size_t i = 0; i < count; i++) {
		__m128i own = _mm_set1_epi32((int32_t)few[i]);
		__m128i a = _mm_packs_epi32(_mm_cmpgt_epi32(own, all[0]), _mm_cmpgt_epi32(own, all[1]));
		__m128i b = _mm_packs_epi32(_mm_cmpgt_epi32(own, all[2]), _mm_cmpgt_epi32(own, all[3]));
		unsigned lower = (unsigned)_mm_movemask_epi8(_mm_packs_epi16(a, b));
		slots[__builtin_popcount(lower)] = few[i];
	}
}
#endif

size_t fence_answer_plain(const struct fence_way *w, struct geo_point p, uint32_t *slots)
{
	const struct fence_leaf *l = fence_child_leaf(w->child);
	size_t in_leaf = l ? l->fence_count : 0;
#if defined(__SSE2__)
	if (w->list_count && in_leaf + w->covering_count <= FEW) {
		uint32_t few[FEW + 8];
		size_t count = in_leaf ? leaf_find(l, p, few) : 0;
		merge_few(w, few, count, slots);
		return count + w->covering_count;
	}
#endif
	return merge_lists(w, slots, in_leaf ? leaf_find(l, p, slots) : 0);
}

/* --- sixteen lanes --- */

#if defined(__x86_64__)
#define WIDE_LANES 16
#define WITH_AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,bmi,bmi2,pclmul,popcnt")))
#define INLINE_AVX512 static inline WITH_AVX512 __attribute__((always_inline))

/* The lowest `count` lanes. */
INLINE_AVX512 __mmask16 lanes_below(size_t count)
{
	return (__mmask16)_bzhi_u32(UINT16_MAX, count < WIDE_LANES ? (unsigned)count : WIDE_LANES);
}

/* What the near edges say, one bit an edge. */
struct near {
	uint64_t west, line /* the position is on its line */, far /* there is a far edge in its place */;
};

/* As masks_narrow(), of the sixteen edges from i on. */
INLINE_AVX512 void near_step(struct near *m, const struct fence_leaf *l, uint32_t i, __m512i here)
{
	const __m512i low = _mm512_set1_epi32(UINT16_MAX);
	__mmask16 own = lanes_below(l->edge_count > i ? l->edge_count - i : 0);
	__m512i from = _mm512_maskz_loadu_epi32(own, l->edges + i);
	__m512i run = _mm512_maskz_loadu_epi32(own, l->edges + fence_leaf_lanes(l) + i);
	__m512i off = _mm512_add_epi16(from, here), side = _mm512_madd_epi16(run, off);
	__mmask16 at = _mm512_cmplt_epu32_mask(_mm512_srli_epi32(off, 16), _mm512_and_si512(run, low));
	m->west |= (uint64_t)(at & _mm512_movepi32_mask(side)) << i;
	m->line |= (uint64_t)_mm512_mask_testn_epi32_mask(own, side, side) << i;
	m->far |= (uint64_t)_mm512_cmpgt_epi32_mask(from, low) << i;
}

INLINE_AVX512 struct near near_masks(const struct fence_leaf *l, struct geo_point p)
{
	const __m512i here = _mm512_set1_epi32(narrow_here(l, p));
	struct near m = {0, 0, 0};
	near_step(&m, l, 0, here); /* no branch for most leaves: how many edges there are cannot be foreseen */
	near_step(&m, l, WIDE_LANES, here);
	for (uint32_t i = 2 * WIDE_LANES; i < l->edge_count; i += WIDE_LANES)
		near_step(&m, l, i, here);
	return m;
}

/* Of the far edges, eight at a time, one bit each in their order. */
INLINE_AVX512 uint64_t west_far(const struct fence_leaf *l, struct geo_point p, uint64_t *line)
{
	const int32_t *e = fence_leaf_far(l);
	uint32_t n = l->far_count, i = 0;
	const __m512i y = _mm512_set1_epi64(p.lat_e7), x = _mm512_set1_epi64(p.lon_e7);
	uint64_t west = 0;
	do { /* no branch for a leaf without any: it cannot be foreseen */
		__mmask8 own = (__mmask8)lanes_below(n - i);
		__m512i lat_a = _mm512_cvtepi32_epi64(_mm256_maskz_loadu_epi32(own, e + i));
		__m512i lat_b = _mm512_cvtepi32_epi64(_mm256_maskz_loadu_epi32(own, e + n + i));
		__m512i lon_a = _mm512_cvtepi32_epi64(_mm256_maskz_loadu_epi32(own, e + 2 * n + i));
		__m512i lon_b = _mm512_cvtepi32_epi64(_mm256_maskz_loadu_epi32(own, e + 3 * n + i));
		__m512i east = _mm512_mullo_epi64(_mm512_sub_epi64(lon_b, lon_a), _mm512_sub_epi64(y, lat_a));
		__m512i north = _mm512_mullo_epi64(_mm512_sub_epi64(x, lon_a), _mm512_sub_epi64(lat_b, lat_a));
		__mmask8 at = _mm512_mask_cmple_epi64_mask(_mm512_mask_cmplt_epi64_mask(own, y, lat_b), lat_a, y);
		west |= (uint64_t)_mm512_mask_cmplt_epi64_mask(at, east, north) << i;
		*line |= (uint64_t)_mm512_mask_cmpeq_epi64_mask(own, east, north) << i;
		i += 8;
	} while (i < n);
	return west;
}

/* parities() by a product without carries. */
INLINE_AVX512 uint64_t parities_wide(uint64_t bits)
{
	__m128i product = _mm_clmulepi64_si128(_mm_cvtsi64_si128((int64_t)bits), _mm_set1_epi64x(-1), 0);
	return (uint64_t)_mm_cvtsi128_si64(product) << 1;
}

/* Which of sixteen entries of a narrow leaf hold a position with the parities `odd`. */
INLINE_AVX512 __mmask16 entries_odd(__m512i entries, __mmask16 own, uint64_t odd)
{
	__m512i end = _mm512_srli_epi32(entries, 21); /* bits of one half are shifted out when it is the other's */
	__m512i low = _mm512_srlv_epi32(_mm512_set1_epi32((int32_t)(uint32_t)odd), end);
	__m512i high = _mm512_srlv_epi32(_mm512_set1_epi32((int32_t)(uint32_t)(odd >> 32)),
					 _mm512_sub_epi32(end, _mm512_set1_epi32(32)));
	uint32_t until = _mm512_test_epi32_mask(_mm512_or_si512(low, high), _mm512_set1_epi32(1));
	uint32_t parity = _mm512_test_epi32_mask(entries, _mm512_set1_epi32(1 << 20));
	return (__mmask16)((until ^ until << 1 ^ parity) & own);
}

/* Ascending lanes, then UINT32_MAX, and a list that fits behind: the halves of Batcher's merge (1968). */
INLINE_AVX512 __m512i merge_wide(__m512i lanes, const struct fence_node *n)
{
	const __m512i none = _mm512_set1_epi32(-1);
	const __m512i back = _mm512_set_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
	__m512i list = _mm512_mask_loadu_epi32(none, lanes_below(n->covering_count), n->covering);
	__m512i x = _mm512_min_epu32(lanes, _mm512_permutexvar_epi32(back, list)), y;
	y = _mm512_shuffle_i64x2(x, x, _MM_SHUFFLE(1, 0, 3, 2));
	x = _mm512_mask_max_epu32(_mm512_min_epu32(x, y), 0xff00, x, y);
	y = _mm512_shuffle_i64x2(x, x, _MM_SHUFFLE(2, 3, 0, 1));
	x = _mm512_mask_max_epu32(_mm512_min_epu32(x, y), 0xf0f0, x, y);
	y = _mm512_shuffle_epi32(x, _MM_PERM_BADC);
	x = _mm512_mask_max_epu32(_mm512_min_epu32(x, y), 0xcccc, x, y);
	y = _mm512_shuffle_epi32(x, _MM_PERM_CDAB);
	return _mm512_mask_max_epu32(_mm512_min_epu32(x, y), 0xaaaa, x, y);
}

/* The common case in registers: what does not fit sixteen lanes, and a position on an edge's line, goes the plain way.
 */
static WITH_AVX512 size_t answer_avx512(const struct fence_way *w, struct geo_point p, uint32_t *slots)
{
	const struct fence_leaf *l = fence_child_leaf(w->child);
	if (__builtin_expect(!l || !l->narrow || l->fence_count > WIDE_LANES, 0))
		return fence_answer_plain(w, p, slots);
	struct near near = near_masks(l, p);
	uint64_t west = near.west | _pdep_u64(west_far(l, p, &near.line), near.far);
	if (__builtin_expect(near.line != 0, 0))
		return fence_answer_plain(w, p, slots);
	__mmask16 own = lanes_below(l->fence_count);
	__m512i entries = _mm512_maskz_loadu_epi32(own, fence_leaf_lists(l));
	__mmask16 holds = entries_odd(entries, own, parities_wide(west));
	__m512i found = _mm512_and_si512(entries, _mm512_set1_epi32((1 << 20) - 1));
	found = _mm512_mask_compress_epi32(_mm512_set1_epi32(-1), holds, found);
	size_t in_leaf = (size_t)__builtin_popcount(holds), count = in_leaf + w->covering_count;
	if (__builtin_expect(count > WIDE_LANES, 0)) {
		_mm512_mask_storeu_epi32(slots, lanes_below(in_leaf), found);
		return merge_lists(w, slots, in_leaf);
	}
	for (unsigned k = 0; k < w->list_count; k++)
		found = merge_wide(found, w->lists[k]);
	_mm512_mask_storeu_epi32(slots, lanes_below(count), found);
	return count;
}
#endif

fence_answer *fence_answer_best(void)
{
#if defined(__x86_64__)
	if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	    __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("bmi") &&
	    __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("pclmul"))
		return answer_avx512;
#endif
	return fence_answer_plain;
}
