#include "query/cli/progress_bar.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "engine/core/clock.h"

#define BAR_WIDTH 30
#define REDRAW_NS INT64_C(200000000)
#define LINE_NS INT64_C(1000000000)

struct progress_bar progress_bar_init(uint64_t total, uint64_t from)
{
	int64_t now = clock_monotonic_ns();
	return (struct progress_bar){.total = total,
				     .from = from,
				     .started_ns = now,
				     .shown_ns = now,
				     .terminal = isatty(STDERR_FILENO) == 1};
}

double progress_bar_seconds(const struct progress_bar *p)
{
	return (double)(clock_monotonic_ns() - p->started_ns) / 1e9;
}

static void draw(const struct progress_bar *p, uint64_t done, uint64_t rows, uint64_t refused)
{
	char bar[BAR_WIDTH + 1];
	double share = p->total ? (double)done / (double)p->total : 0;
	int filled = share > 1 ? BAR_WIDTH : (int)(share * BAR_WIDTH);
	for (int i = 0; i < BAR_WIDTH; i++)
		bar[i] = i < filled ? '#' : '.';
	bar[BAR_WIDTH] = '\0';
	double seconds = progress_bar_seconds(p);
	double left =
		done > p->from && p->total > done ? seconds * (double)(p->total - done) / (double)(done - p->from) : 0;
	fprintf(stderr, "%s[%s] %3.0f%%  ", p->terminal ? "\r" : "", bar, share * 100);
	if (p->unit)
		fprintf(stderr, "%" PRIu64 " %s", rows, p->unit);
	else
		fprintf(stderr, "%" PRIu64 " rows 行  %" PRIu64 " refused 拒绝", rows, refused);
	fprintf(stderr, "  %.0f s left 剩余%s", left, p->terminal ? "\033[K" : "\n");
	fflush(stderr);
}

void progress_bar_show(struct progress_bar *p, uint64_t done, uint64_t rows, uint64_t refused)
{
	int64_t now = clock_monotonic_ns();
	if (now - p->started_ns < LINE_NS || now - p->shown_ns < (p->terminal ? REDRAW_NS : LINE_NS))
		return;
	p->shown_ns = now;
	p->drawn = true;
	draw(p, done, rows, refused);
}

void progress_bar_end(struct progress_bar *p)
{
	if (p->drawn && p->terminal)
		fputs("\r\033[K", stderr);
	p->drawn = false;
}
