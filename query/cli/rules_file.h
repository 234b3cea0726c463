/* rules_file.h -- a rulebook out of a file, for the commands that take one. */
#ifndef ZAYTON_QUERY_CLI_RULES_FILE_H
#define ZAYTON_QUERY_CLI_RULES_FILE_H

#include "engine/core/messages.h"
#include "engine/detect/rules.h"

/* The book of the file, or with `path` NULL the shipped one; the caller's reference. What is wrong has been said on
 * standard error in that language, every mistake as PATH:LINE: text. STATUS_MALFORMED, STATUS_TOO_LONG, STATUS_IO,
 * STATUS_NO_MEMORY. */
STATUS_CHECKED enum status rules_file_open(const char *path, enum language language, struct rulebook **out);

#endif
