/* scene_table.h -- which scenarios stand for which row of the requirements: row -> rule -> scenes that break and keep.
 *
 * The rules are read as text, as anyone could: `[id]` begins a rule, `rows = A9 B10` are its rows. */
#ifndef ZAYTON_BENCH_SCENE_TABLE_H
#define ZAYTON_BENCH_SCENE_TABLE_H

#include "bench/sim/scene.h"

/* Prints the table, by row, and under it what is wrong: a rule with rows that no scene breaks, or none keeps; a rule
 * that a scene names and the file does not have. Returns how many such mistakes there are. */
size_t scene_table_print(const struct scene_book *b, const char *rules, size_t rules_size, FILE *out);

#endif
