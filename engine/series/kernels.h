/* kernels.h -- the inner loops of decoding, for any machine and for AVX2; both give the same bits.
 *
 * Threads: pure. Arrays named here have room for a multiple of 32 entries past which nothing is written. */
#ifndef ZAYTON_SERIES_KERNELS_H
#define ZAYTON_SERIES_KERNELS_H

#include <stddef.h>
#include <stdint.h>

/* what kernel_frame may read behind the bytes it needs */
#define KERNEL_SLACK_BYTES 16

struct series_kernels {
	/* Places of the one bits of `bits`, ascending; at most `max`, and up to 64 entries past the last are
	 * overwritten. Returns how many, or max + 1 when there are more. */
	size_t (*ones)(const uint8_t *bits, size_t size, uint32_t *out, size_t max);
	/* 32 Rice codes: low bits at `low` (4 * k bytes), and ones[-1..31], the places of the one bits. */
	void (*frame)(const uint8_t *low, unsigned k, const uint32_t *ones, uint32_t *out);
	/* values[i] = start + sum of unzigzagged values[0..i], modulo 2^32. */
	void (*sum)(uint32_t *values, size_t count, uint32_t start);
	/* The same with steps[i] added to every unzigzagged value, each sum multiplied by `unit`, into `out`. */
	void (*sum_steps)(const uint32_t *values, const int32_t *steps, size_t count, uint32_t start, uint32_t unit,
			  int32_t *out);
	/* north[i], east[i] = speed times the course's cosine and sine (reckon.h), 0 when either is unusable. */
	void (*velocity)(const uint16_t *speed, const uint16_t *course, size_t count, int32_t *north, int32_t *east);
	/* steps[i] = (velocity[i-1] + velocity[i]) * factor[i] >> 32; velocity[-1] is read. */
	void (*steps)(const int32_t *velocity, const int32_t *factor, size_t count, int32_t *steps);
	/* values[i] modulo 360 where every value is below 2^20; returns the OR of the values it found. */
	uint32_t (*circle)(uint32_t *values, size_t count);
	/* Low halves. */
	void (*narrow)(const uint32_t *values, size_t count, uint16_t *out);
};

extern const struct series_kernels series_kernels_plain;
/* The fastest this machine can run. */
const struct series_kernels *series_kernels_best(void);

#endif
