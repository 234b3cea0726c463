/* whole_file.h -- a file read as a whole, for the commands whose parsers want all of it. */
#ifndef ZAYTON_QUERY_CLI_WHOLE_FILE_H
#define ZAYTON_QUERY_CLI_WHOLE_FILE_H

#include "engine/core/bytes.h"

/* Appends up to `max` bytes of the file and one more if it has them, so that a parser says that it is too long; `out`
 * allows max + 1. What is wrong has been said on standard error. STATUS_IO, STATUS_NO_MEMORY. */
STATUS_CHECKED enum status whole_file_read(const char *path, size_t max, struct buf *out);

#endif
