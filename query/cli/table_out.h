/* table_out.h -- JSON answers as tables for a terminal: one object a line, Chinese characters two columns wide. */
#ifndef ZAYTON_QUERY_TABLE_OUT_H
#define ZAYTON_QUERY_TABLE_OUT_H

#include <jansson.h>
#include <stdio.h>

#include "engine/core/bytes.h"

struct table_column {
	const char *title;
	const char *member; /* of the object; "a|b": of a, or of b when a is null */
	unsigned width;     /* columns of a terminal; the last one's is not used */
};

/* Columns of a terminal that a text takes: two for East Asian wide characters (UAX #11, W and F), else one. */
size_t text_columns(struct span text);

void table_title(FILE *out, const struct table_column *columns, size_t count);
/* Times (members that end in _ms) are shown on the clock of China. A cell that is too long pushes the rest. */
void table_row(FILE *out, const struct table_column *columns, size_t count, const json_t *object);
/* Every member on a line of its own, those of objects and lists by their path. */
void table_members(FILE *out, const json_t *object);

#endif
