#include "query/export/score_hazards.h"

#include <stdlib.h>
#include <string.h>

#include "query/export/json_out.h"

/* bytes of all names */
#define NAMES_BYTES_MAX (64u << 20)

struct card {
	uint64_t score;
	uint64_t all, figures[SCORE_FIGURE_COUNT];
	size_t name_at, name_size; /* in struct cards */
	const struct buf *names;
};

struct cards {
	struct card *items;
	size_t count, capacity;
	struct buf names;
	const struct score_weights *weights;
};

static const struct {
	const char *token, *name_zh, *about, *about_zh;
} words[SCORE_FIGURE_COUNT] = {
#define X(NAME, token, zh_name, member, weight, english, chinese) {token, zh_name, english, chinese},
	SCORE_FIGURE_TABLE(X)
#undef X
};

struct score_weights score_weights_default(void)
{
	return (struct score_weights){{
#define X(NAME, token, zh_name, member, weight, english, chinese) weight,
		SCORE_FIGURE_TABLE(X)
#undef X
	}};
}

/* --- gathering --- */

static enum status cards_room(struct cards *c)
{
	if (c->count < c->capacity)
		return STATUS_OK;
	if (c->count == SCORE_NAMES_MAX)
		return STATUS_FULL;
	size_t capacity = c->capacity ? 2 * c->capacity : 64;
	struct card *items = realloc(c->items, capacity * sizeof *items);
	if (!items)
		return STATUS_NO_MEMORY;
	c->items = items;
	c->capacity = capacity;
	return STATUS_OK;
}

static enum status add_card(void *context, struct span word, const struct hazard_counts *counts)
{
	struct cards *c = context;
	struct card card = {.all = counts->all, .name_at = c->names.size, .name_size = word.size, .names = &c->names};
#define X(NAME, token, zh_name, member, weight, english, chinese) card.figures[SCORE_##NAME] = counts->member;
	SCORE_FIGURE_TABLE(X)
#undef X
	for (unsigned i = 0; i < SCORE_FIGURE_COUNT; i++)
		card.score += card.figures[i] * c->weights->of[i];
	enum status status = cards_room(c);
	if (!status && word.size)
		status = buf_append(&c->names, word.data, word.size);
	if (!status)
		c->items[c->count++] = card;
	return status;
}

static struct span name_of(const struct card *c)
{
	return c->name_size ? span_of(c->names->data + c->name_at, c->name_size) : span_of(NULL, 0);
}

static int worse_first(const void *a, const void *b)
{
	const struct card *x = a, *y = b;
	if (x->score != y->score)
		return x->score > y->score ? -1 : 1;
	size_t shared = x->name_size < y->name_size ? x->name_size : y->name_size;
	int order = shared ? memcmp(name_of(x).data, name_of(y).data, shared) : 0;
	return order ? order : x->name_size < y->name_size ? -1 : x->name_size > y->name_size;
}

/* --- telling --- */

static void tell_definitions(struct json_out *j, const struct score_weights *w)
{
	jout_key(j, "definitions");
	jout_open(j, '{');
	for (unsigned i = 0; i < SCORE_FIGURE_COUNT; i++) {
		jout_key(j, words[i].token);
		jout_open(j, '{');
		jout_key(j, "weight");
		jout_unsigned(j, w->of[i]);
		jout_key(j, "name_zh");
		jout_string(j, words[i].name_zh);
		jout_key(j, "means");
		jout_string(j, words[i].about);
		jout_key(j, "means_zh");
		jout_string(j, words[i].about_zh);
		jout_close(j, '}');
	}
	jout_key(j, "score");
	jout_open(j, '{');
	jout_key(j, "means");
	jout_string(j, "the sum of each figure times its weight; the higher, the worse");
	jout_key(j, "means_zh");
	jout_string(j, "各项数量乘以权重之和，越高越差");
	jout_close(j, '}');
	jout_close(j, '}');
}

static void tell_card(struct json_out *j, const struct card *c)
{
	jout_open(j, '{');
	jout_key(j, "name");
	jout_text(j, name_of(c));
	jout_key(j, "score");
	jout_unsigned(j, c->score);
	jout_key(j, "all");
	jout_unsigned(j, c->all);
	for (unsigned i = 0; i < SCORE_FIGURE_COUNT; i++) {
		jout_key(j, words[i].token);
		jout_unsigned(j, c->figures[i]);
	}
	jout_close(j, '}');
}

static enum status tell(const struct cards *c, size_t limit, struct buf *out)
{
	struct json_out j = json_out_init(out);
	jout_open(&j, '{');
	tell_definitions(&j, c->weights);
	jout_key(&j, "names");
	jout_unsigned(&j, c->count);
	jout_key(&j, "cards");
	jout_open(&j, '[');
	for (size_t i = 0; i < c->count && i < limit; i++)
		tell_card(&j, &c->items[i]);
	jout_close(&j, ']');
	jout_close(&j, '}');
	jout_line(&j);
	return j.status;
}

enum status score_hazards_json(struct hazards *r, const struct hazard_filter *filter, enum hazard_word by,
			       const struct score_weights *w, size_t limit, struct buf *out)
{
	struct cards c = {.names = buf_init(NAMES_BYTES_MAX), .weights = w};
	for (unsigned i = 0; i < SCORE_FIGURE_COUNT; i++)
		if (w->of[i] > SCORE_WEIGHT_MAX)
			return STATUS_INVALID;
	if (!limit || limit > SCORE_ROWS_MAX)
		return STATUS_INVALID;
	enum status status = hazards_groups(r, filter, by, add_card, &c);
	if (!status && c.count)
		qsort(c.items, c.count, sizeof *c.items, worse_first);
	if (!status)
		status = tell(&c, limit, out);
	free(c.items);
	buf_deinit(&c.names);
	return status;
}
