/* links: zayton_store */
/* Key and family-name parsers: whatever they accept they write back byte for byte. */
#include <stdlib.h>
#include <string.h>

#include "engine/store/keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same(struct span given, const void *written, size_t size)
{
	if (!span_equal(given, span_of(written, size)))
		abort();
}

static void try_keys(struct span in)
{
	struct block_key block;
	struct message_key message;
	struct held_block_key held_block;
	struct held_message_key held_message;
	struct hold_key hold;
	struct family_id dropped;
	uint8_t out[KEY_HOLD_MAX];
	if (key_block_parse(in, &block) == STATUS_OK) {
		key_block(&block, out);
		same(in, out, KEY_BLOCK_SIZE);
	}
	if (key_message_parse(in, &message) == STATUS_OK) {
		key_message(&message, out);
		same(in, out, KEY_MESSAGE_SIZE);
	}
	if (key_held_block_parse(in, HELD_BLOCK, &held_block) == STATUS_OK) {
		key_held_block(&held_block, HELD_BLOCK, out);
		same(in, out, KEY_HELD_BLOCK_SIZE);
	}
	if (key_held_message_parse(in, &held_message) == STATUS_OK) {
		key_held_message(&held_message, out);
		same(in, out, KEY_HELD_MESSAGE_SIZE);
	}
	if (key_hold_parse(in, &hold) == STATUS_OK)
		same(in, out, key_hold(&hold, out));
	if (key_drop_parse(in, &dropped) == STATUS_OK) {
		key_drop(dropped, out);
		same(in, out, KEY_DROP_SIZE);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = span_of(data, size);
	struct family_id id;
	char name[FAMILY_NAME_MAX];
	try_keys(in);
	if (family_name_parse(in, &id) == STATUS_OK) {
		family_name(id, name);
		same(in, name, strlen(name));
	}
	return 0;
}
