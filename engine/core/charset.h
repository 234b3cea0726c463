/* charset.h -- Chinese text of terminals and files: GB18030 (which holds GBK) to UTF-8 and back.
 *
 * Conversion never fails on what it is given: a byte that is no text becomes U+FFFD on the way in, a
 * character that GB18030 does not have becomes '?' on the way out. The only user of iconv.
 * Threads: any; each thread keeps its own two descriptors until it ends. */
#ifndef ZAYTON_CORE_CHARSET_H
#define ZAYTON_CORE_CHARSET_H

#include "engine/core/bytes.h"
#include "engine/core/status.h"

/* Room that UTF-8 text of `n` GBK bytes can need at most, with the NUL: a lone bad byte becomes three. */
#define CHARSET_UTF8_ROOM(n) (3 * (n) + 1)

/* A text field: leading and trailing NULs and spaces are padding, and a NUL inside ends the text. Fixed
 * fields are padded on either side in the field. Borrows from `field`. */
struct span charset_trim(struct span field);

/* Trimmed text of `gbk` as UTF-8 into `out`, NUL-terminated, cut before the character that does not fit.
 * `out_size` >= 1. Returns the bytes before the NUL. */
size_t charset_gbk_to_utf8(struct span gbk, char *out, size_t out_size);

/* Append `utf8` as GB18030, nothing trimmed. STATUS_FULL, STATUS_NO_MEMORY leave `out` as it was. */
STATUS_CHECKED enum status charset_utf8_to_gbk(struct span utf8, struct buf *out);

#endif
