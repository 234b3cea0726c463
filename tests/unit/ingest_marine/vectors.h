/* vectors.h -- rows of tests/golden/marine/ *.tsv, or of the file that ZAYTON_VECTORS names. */
#ifndef ZAYTON_TESTS_MARINE_VECTORS_H
#define ZAYTON_TESTS_MARINE_VECTORS_H

#include "engine/core/bytes.h"

#define VECTOR_PARTS_MAX 16
#define VECTOR_PAIRS_MAX 96

struct vector {
	unsigned line;
	unsigned parts, pairs;
	struct span part[VECTOR_PARTS_MAX]; /* lines, without their ends */
	struct {
		char *key, *value;
	} pair[VECTOR_PAIRS_MAX];
};

/* Each row to `check`. */
void vectors_each(const char *file, void (*check)(void *context, const struct vector *v), void *context);
/* NULL when the row does not say. */
const char *vector_value(const struct vector *v, const char *key);

#endif
