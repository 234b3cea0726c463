/* histogram.h -- counts by size, 16 steps to each doubling: quantiles within 6 %, from any thread.
 *
 *   value ── bucket = (power of two, next 4 bits)
 *
 * One or more writers (relaxed atomics), any number of readers. */
#ifndef ZAYTON_CORE_HISTOGRAM_H
#define ZAYTON_CORE_HISTOGRAM_H

#include <stdatomic.h>
#include <stdint.h>

#define HISTOGRAM_BUCKETS 640

struct histogram {
	_Atomic uint64_t buckets[HISTOGRAM_BUCKETS];
	_Atomic uint64_t count, max;
};

/* `times` observations of `value`. */
void histogram_add(struct histogram *h, uint64_t value, uint64_t times);
/* The upper edge of the bucket that holds the q-th part (0 < q <= 1) of the observations; 0 when empty. */
uint64_t histogram_quantile(const struct histogram *h, double q);

#endif
