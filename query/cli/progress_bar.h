/* progress_bar.h -- how far a long command is, on standard error: a bar that is redrawn on a terminal, a line a second
 * elsewhere, nothing for the first second. */
#ifndef ZAYTON_QUERY_PROGRESS_BAR_H
#define ZAYTON_QUERY_PROGRESS_BAR_H

#include <stdbool.h>
#include <stdint.h>

struct progress_bar {
	uint64_t total; /* bytes, or what `unit` says; 0: not known */
	uint64_t from;  /* bytes done before this run */
	int64_t started_ns, shown_ns;
	bool terminal, drawn;
	const char *unit; /* what is counted, in both languages; NULL: rows, and how many were refused */
};

struct progress_bar progress_bar_init(uint64_t total, uint64_t from);
/* Cheap when nothing is due. */
void progress_bar_show(struct progress_bar *p, uint64_t done, uint64_t rows, uint64_t refused);
/* Wipe the bar; what is printed next begins a line. */
void progress_bar_end(struct progress_bar *p);
double progress_bar_seconds(const struct progress_bar *p);

#endif
