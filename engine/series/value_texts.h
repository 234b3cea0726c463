/* value_texts.h -- the texts that states go by, each once: hash -> text.
 *
 *   slots   open addressing over the hash of the text (value_text_hash)
 *   texts   size 1 | bytes | size 1 | bytes ...      in chunks that never move
 *
 * Texts are never taken away: states are few, and what is not a state is refused when VALUE_TEXTS_BYTES_MAX is reached.
 * Threads: any; a lock inside. */
#ifndef ZAYTON_SERIES_VALUE_TEXTS_H
#define ZAYTON_SERIES_VALUE_TEXTS_H

#include "engine/core/bytes.h"
#include "engine/core/status.h"

struct value_texts;
STATUS_CHECKED enum status value_texts_new(struct value_texts **out);
/* NULL is allowed. */
void value_texts_free(struct value_texts *t);
/* 0..VALUE_TEXT_MAX bytes; known already is fine. STATUS_FULL; STATUS_CONFLICT: another text has this hash;
 * STATUS_TOO_LONG; STATUS_NO_MEMORY. */
STATUS_CHECKED enum status value_texts_add(struct value_texts *t, struct span text, uint64_t *out_hash);
/* Lasts as long as the table. STATUS_NOT_FOUND. */
STATUS_CHECKED enum status value_texts_find(const struct value_texts *t, uint64_t hash, struct span *out);

#endif
