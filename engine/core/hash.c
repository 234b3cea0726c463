#define XXH_INLINE_ALL
#include "engine/core/hash.h"

#include <xxhash.h>

uint64_t hash64(struct span bytes)
{
	return XXH3_64bits(bytes.data, bytes.size);
}

uint64_t hash64_seeded(struct span bytes, uint64_t seed)
{
	return XXH3_64bits_withSeed(bytes.data, bytes.size, seed);
}
