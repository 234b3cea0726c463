/* text_encoding.h -- names out of files, whatever they were written in, as UTF-8.
 *
 * Chinese spreadsheets save as GBK: text that is no valid UTF-8 is taken as GB18030, of which GBK and GB 2312
 * are parts. Used once per name, never per row. */
#ifndef ZAYTON_INGEST_TEXT_ENCODING_H
#define ZAYTON_INGEST_TEXT_ENCODING_H

#include "engine/core/bytes.h"
#include "engine/core/status.h"

/* Append `text` as UTF-8. STATUS_MALFORMED when it is neither encoding; `out` is unchanged then.
 * STATUS_FULL, STATUS_NO_MEMORY. */
STATUS_CHECKED enum status text_to_utf8(struct span text, struct buf *out);

#endif
