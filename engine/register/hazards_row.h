/* hazards_row.h -- keys of the family `hazard` (hazards.h draws them). Pure. */
#ifndef ZAYTON_REGISTER_HAZARDS_ROW_H
#define ZAYTON_REGISTER_HAZARDS_ROW_H

#include "engine/core/hash.h"
#include "engine/register/hazard.h"

enum hazards_tag {
	HAZARDS_STANDING = 1,
	HAZARDS_EVENT = 2,
	HAZARDS_CAUSE = 3,
	HAZARDS_ATTACHMENT = 4,
	HAZARDS_REFERENCE = 5,
	HAZARDS_LOG = 6,
	HAZARDS_SEQUENCE = 7
};

#define HAZARDS_KEY_MAX 33
#define HAZARDS_LOG_VALUE_SIZE 12

struct hazards_key {
	uint8_t bytes[HAZARDS_KEY_MAX];
	size_t size;
};

static inline struct span hazards_key_view(const struct hazards_key *k)
{
	return span_of(k->bytes, k->size);
}

static inline struct hazards_key hazards_key_number(enum hazards_tag tag, uint64_t number)
{
	struct hazards_key k = {.bytes = {(uint8_t)tag}, .size = 9};
	store_be64(k.bytes + 1, number);
	return k;
}

static inline struct hazards_key hazards_key_event(uint64_t id, uint32_t number)
{
	struct hazards_key k = hazards_key_number(HAZARDS_EVENT, id);
	store_be32(k.bytes + 9, number);
	k.size = 13;
	return k;
}

static inline struct hazards_key hazards_key_cause(struct span cause, uint64_t id)
{
	struct hazards_key k = hazards_key_number(HAZARDS_CAUSE, hash64(cause));
	store_be64(k.bytes + 9, id);
	k.size = 17;
	return k;
}

static inline struct hazards_key hazards_key_reference(struct span reference)
{
	return hazards_key_number(HAZARDS_REFERENCE, hash64(reference));
}

static inline struct hazards_key hazards_key_attachment(const uint8_t digest[HAZARD_DIGEST_SIZE])
{
	struct hazards_key k = {.bytes = {HAZARDS_ATTACHMENT}, .size = 1 + HAZARD_DIGEST_SIZE};
	memcpy(k.bytes + 1, digest, HAZARD_DIGEST_SIZE);
	return k;
}

#endif
