/* utf8.h -- is it text? Whether bytes are UTF-8 as RFC 3629 defines it. Pure. */
#ifndef ZAYTON_CORE_UTF8_H
#define ZAYTON_CORE_UTF8_H

#include <stdbool.h>

#include "engine/core/bytes.h"

/* Bytes of the sequence at the start of `s`, 1..4; 0 when there is none: over-long forms, surrogates, code
 * points past U+10FFFF and cut sequences are none, and so is an empty span. */
size_t utf8_sequence(struct span s);

/* All of `s` is UTF-8. */
bool utf8_valid(struct span s);

/* UTF-8 without control characters (U+0000..U+001F, U+007F..U+009F): what a name or value may hold. */
bool utf8_printable(struct span s);

#endif
