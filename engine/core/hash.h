/* hash.h -- the one hash (XXH3, 64 bit) for identities, checksums and partitions.
 * Not cryptographic: evidence digests use SHA-256 elsewhere. The only user of xxhash. */
#ifndef ZAYTON_CORE_HASH_H
#define ZAYTON_CORE_HASH_H

#include <stdint.h>

#include "engine/core/bytes.h"

uint64_t hash64(struct span bytes);
/* Seeded: keeps identities of different kinds apart. */
uint64_t hash64_seeded(struct span bytes, uint64_t seed);

#endif
