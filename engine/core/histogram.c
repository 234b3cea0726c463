#include "engine/core/histogram.h"

static unsigned bucket_of(uint64_t value)
{
	if (value < 16)
		return (unsigned)value;
	unsigned power = 63u - (unsigned)__builtin_clzll(value);
	unsigned bucket = (power - 3) * 16 + (unsigned)(value >> (power - 4) & 15);
	return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

static uint64_t upper_edge(unsigned bucket)
{
	if (bucket < 16)
		return bucket;
	unsigned power = bucket / 16 + 3;
	return ((uint64_t)(16 + bucket % 16 + 1) << (power - 4)) - 1;
}

void histogram_add(struct histogram *h, uint64_t value, uint64_t times)
{
	atomic_fetch_add_explicit(&h->buckets[bucket_of(value)], times, memory_order_relaxed);
	atomic_fetch_add_explicit(&h->count, times, memory_order_relaxed);
	uint64_t max = atomic_load_explicit(&h->max, memory_order_relaxed);
	while (value > max &&
	       !atomic_compare_exchange_weak_explicit(&h->max, &max, value, memory_order_relaxed, memory_order_relaxed))
		;
}

uint64_t histogram_quantile(const struct histogram *h, double q)
{
	uint64_t count = atomic_load_explicit(&h->count, memory_order_relaxed);
	uint64_t wanted = (uint64_t)(q * (double)count), seen = 0;
	if (!count)
		return 0;
	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
		seen += atomic_load_explicit(&h->buckets[i], memory_order_relaxed);
		if (seen > wanted || seen == count)
			return upper_edge(i);
	}
	return upper_edge(HISTOGRAM_BUCKETS - 1);
}
