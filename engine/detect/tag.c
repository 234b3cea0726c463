/* tag.c -- words to small numbers and back, for the life of the process.
 *
 *   slots   [ 3 | 0 | 1 | 2 | ... ]       open addressing by hash; 0 is a free slot
 *   texts   [ "" | "route" | "water_source" | "fire_lane" | ... ]
 *
 * Numbers are never taken back, so a reader of texts needs no lock: it was handed a number that is there. */
#include <pthread.h>

#include "engine/core/hash.h"
#include "engine/detect/fence_set.h"

#define SLOTS (2 * TAGS_MAX)
_Static_assert((SLOTS & (SLOTS - 1)) == 0, "a slot is found by a mask");

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint16_t slots[SLOTS];
static char texts[TAGS_MAX + 1][TAG_MAX + 1];
static uint16_t count; /* numbers 1 .. count are given out */

static bool is_tag(struct span text)
{
	if (!text.size || text.size > TAG_MAX)
		return false;
	for (size_t i = 0; i < text.size; i++) {
		uint8_t c = text.data[i];
		bool fits = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
		if (!fits)
			return false;
	}
	return true;
}

enum status tag_number(struct span text, uint16_t *out)
{
	if (!is_tag(text))
		return STATUS_MALFORMED;
	enum status status = STATUS_OK;
	pthread_mutex_lock(&lock);
	size_t at = hash64(text) & (SLOTS - 1);
	while (slots[at] && !span_equal(text, span_of_string(texts[slots[at]])))
		at = (at + 1) & (SLOTS - 1);
	if (!slots[at] && count == TAGS_MAX) {
		status = STATUS_FULL;
	} else if (!slots[at]) {
		count++;
		memcpy(texts[count], text.data, text.size);
		slots[at] = count;
	}
	*out = slots[at];
	pthread_mutex_unlock(&lock);
	return status;
}

const char *tag_text(uint16_t tag)
{
	return tag <= TAGS_MAX ? texts[tag] : "";
}
