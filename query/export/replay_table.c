#include "query/export/replay_table.h"

#include <stdlib.h>
#include <string.h>

/* One side: sorted by rule, subject and start, and the latest end among those of rule and subject up to each. */
struct side {
	const struct finding *list;
	size_t count;
	int64_t *latest;
};

static int compare_group(const struct finding *a, const struct finding *b)
{
	int order = strcmp(a->rule, b->rule);
	if (order)
		return order;
	return a->subject == b->subject ? 0 : a->subject < b->subject ? -1 : 1;
}

static int compare(const void *a, const void *b)
{
	const struct finding *x = a, *y = b;
	int order = compare_group(x, y);
	if (order)
		return order;
	return x->start_ms == y->start_ms ? 0 : x->start_ms < y->start_ms ? -1 : 1;
}

static enum status side_init(struct side *s, struct replay_result *of)
{
	*s = (struct side){of->findings, of->count, malloc((of->count ? of->count : 1) * sizeof(int64_t))};
	if (!s->latest)
		return STATUS_NO_MEMORY;
	if (of->count)
		qsort(of->findings, of->count, sizeof *of->findings, compare);
	for (size_t i = 0; i < s->count; i++) {
		bool goes_on = i > 0 && compare_group(&s->list[i - 1], &s->list[i]) == 0;
		s->latest[i] = goes_on && s->latest[i - 1] > s->list[i].end_ms ? s->latest[i - 1] : s->list[i].end_ms;
	}
	return STATUS_OK;
}

/* Whether one of `s` of the same rule and subject shares an instant with `f`. */
static bool overlaps(const struct side *s, const struct finding *f)
{
	struct finding until = *f;
	size_t low = 0, high = s->count;
	until.start_ms = f->end_ms;
	while (low < high) { /* behind the last that began by the end of `f` */
		size_t middle = low + (high - low) / 2;
		if (compare(&s->list[middle], &until) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low > 0 && compare_group(&s->list[low - 1], f) == 0 && s->latest[low - 1] >= f->start_ms;
}

static void count_rule(const struct side *found, size_t *i, const struct side *standing, size_t *k,
		       struct replay_count *row)
{
	for (; *i < found->count && strcmp(found->list[*i].rule, row->rule) == 0; ++*i) {
		bool both = overlaps(standing, &found->list[*i]);
		row->found++;
		row->both += both;
		row->only_now += !both;
		row->open += found->list[*i].open;
	}
	for (; *k < standing->count && strcmp(standing->list[*k].rule, row->rule) == 0; ++*k) {
		row->standing++;
		row->only_before += !overlaps(found, &standing->list[*k]);
	}
}

static enum status fill(const struct side *found, const struct side *standing, struct replay_count **out,
			size_t *out_count)
{
	struct replay_count *rows = NULL;
	size_t count = 0, capacity = 0;
	for (size_t i = 0, k = 0; i < found->count || k < standing->count; count++) {
		const char *a = i < found->count ? found->list[i].rule : NULL;
		const char *b = k < standing->count ? standing->list[k].rule : NULL;
		if (count == capacity) {
			capacity = capacity ? capacity * 2 : 64;
			struct replay_count *more = realloc(rows, capacity * sizeof *rows);
			if (!more) {
				free(rows);
				return STATUS_NO_MEMORY;
			}
			rows = more;
		}
		rows[count] = (struct replay_count){0};
		strcpy(rows[count].rule, !b || (a && strcmp(a, b) < 0) ? a : b);
		count_rule(found, &i, standing, &k, &rows[count]);
	}
	*out = rows;
	*out_count = count;
	return STATUS_OK;
}

enum status replay_table(struct replay_result *found, struct replay_result *standing, struct replay_count **out,
			 size_t *out_count)
{
	struct side one = {0}, other = {0};
	enum status status = side_init(&one, found);
	if (!status)
		status = side_init(&other, standing);
	if (!status)
		status = fill(&one, &other, out, out_count);
	free(one.latest);
	free(other.latest);
	return status;
}

/* --- row by row --- */

struct marked {
	const struct finding *finding;
	enum replay_change change;
};

static int compare_start(const void *a, const void *b)
{
	const struct finding *x = ((const struct marked *)a)->finding, *y = ((const struct marked *)b)->finding;
	if (x->start_ms != y->start_ms)
		return x->start_ms < y->start_ms ? -1 : 1;
	return compare_group(x, y);
}

static size_t mark(const struct side *found, const struct side *standing, struct marked *out)
{
	size_t count = 0;
	for (size_t i = 0; i < found->count; i++)
		out[count++] = (struct marked){&found->list[i],
					       overlaps(standing, &found->list[i]) ? REPLAY_SAME : REPLAY_NEW};
	for (size_t i = 0; i < standing->count; i++)
		if (!overlaps(found, &standing->list[i]))
			out[count++] = (struct marked){&standing->list[i], REPLAY_GONE};
	qsort(out, count, sizeof *out, compare_start);
	return count;
}

static enum status take_rows(const struct side *found, const struct side *standing, size_t most,
			     struct replay_row **out, size_t *out_count, size_t *out_all)
{
	struct marked *all = malloc((found->count + standing->count + 1) * sizeof *all);
	if (!all)
		return STATUS_NO_MEMORY;
	*out_all = mark(found, standing, all);
	*out_count = *out_all < most ? *out_all : most;
	*out = malloc((*out_count + 1) * sizeof **out);
	for (size_t i = 0; *out && i < *out_count; i++)
		(*out)[i] = (struct replay_row){*all[i].finding, all[i].change};
	free(all);
	return *out ? STATUS_OK : STATUS_NO_MEMORY;
}

enum status replay_rows(struct replay_result *found, struct replay_result *standing, size_t most,
			struct replay_row **out, size_t *out_count, size_t *out_all)
{
	struct side one = {0}, other = {0};
	enum status status = side_init(&one, found);
	if (!status)
		status = side_init(&other, standing);
	if (!status)
		status = take_rows(&one, &other, most, out, out_count, out_all);
	free(one.latest);
	free(other.latest);
	return status;
}

const char *replay_change_token(enum replay_change change)
{
	static const char *const tokens[] = {[REPLAY_SAME] = "same", [REPLAY_NEW] = "new", [REPLAY_GONE] = "gone"};
	return tokens[change];
}

enum status replay_first_difference(const struct replay_result *a, const struct replay_result *b, bool *out_same,
				    size_t *out_at)
{
	struct buf x = buf_init(1u << 16), y = buf_init(1u << 16);
	size_t i = 0;
	bool same = true;
	enum status status = STATUS_OK;
	while (same && !status && i < a->count && i < b->count) {
		buf_clear(&x);
		buf_clear(&y);
		status = finding_encode(&a->findings[i], &x);
		if (!status)
			status = finding_encode(&b->findings[i], &y);
		same = span_equal(buf_view(&x), buf_view(&y));
		i += same;
	}
	*out_same = same && a->count == b->count;
	*out_at = i;
	buf_deinit(&x);
	buf_deinit(&y);
	return status;
}
