/* rules_rig.h -- a text as a rulebook, and what was wrong with it. */
#ifndef ZAYTON_TESTS_RULES_RIG_H
#define ZAYTON_TESTS_RULES_RIG_H

#include "engine/detect/rules.h"

struct rules_read {
	enum status status;
	struct rulebook *book; /* NULL unless STATUS_OK */
	struct buf mistakes;   /* "LINE: text\n" each, NUL-terminated */
};

struct rules_read rules_read(struct span text);
void rules_read_deinit(struct rules_read *r);

#endif
