/* vectors_jt808.h -- the rows of tests/golden/jt808/vectors.tsv.
 *
 *   source TAB wire hex TAB key=value|key=value|... TAB notes */
#ifndef ZAYTON_TESTS_VECTORS_JT808_H
#define ZAYTON_TESTS_VECTORS_JT808_H

#include "engine/core/bytes.h"

/* rows of the file: a row that is skipped or lost fails the count */
#define VECTOR_COUNT 253

struct vector {
	int line;
	struct buf wire;
	char *expected, *notes;
};

/* All rows, or fewer than VECTOR_COUNT with what went wrong on stderr. */
size_t vectors_read(struct vector out[VECTOR_COUNT]);
void vectors_free(struct vector *v, size_t count);

/* The value of `key=` among the expected facts, as text into `out`; false when it is not there. */
bool vector_fact(const struct vector *v, const char *key, char *out, size_t out_size);
/* The value of `key:` in the notes. */
bool vector_note(const struct vector *v, const char *key, char *out, size_t out_size);

/* Bytes of a hex literal; aborts on a bad one. The caller frees with buf_deinit. */
struct buf bytes_of_hex(const char *hex);

#endif
