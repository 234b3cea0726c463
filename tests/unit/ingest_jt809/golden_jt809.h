/* golden_jt809.h -- the cases of tests/golden/jt809. */
#ifndef ZAYTON_TESTS_GOLDEN_JT809_H
#define ZAYTON_TESTS_GOLDEN_JT809_H

#include "ingest/jt809/jt809.h"

#define GOLDEN_MAX 128

struct golden {
	char name[128];
	struct buf wire;
	struct buf expect;
	struct jt809_explain_options options;
};
/* All cases, by name; `cases` takes GOLDEN_MAX. Returns how many. */
size_t golden_load(struct golden *cases);
void golden_free(struct golden *cases, size_t count);
/* The case of that name; the test fails when there is none. */
const struct golden *golden_find(const struct golden *cases, size_t count, const char *name);

#endif
