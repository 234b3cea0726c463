#include "engine/detect/stage2.h"

#include <stdlib.h>

static const struct rule *same_rule(const struct rulebook *book, const struct rule *rule)
{
	const struct rule *found = rulebook_find(book, rule->id);
	return found && found->version == rule->version ? found : NULL;
}

bool tenure_next(const struct detect_context *context, enum rule_kind kind, struct tenure_walk *walk,
		 struct tenure *out)
{
	for (; walk->book < context->book_count; walk->book++, walk->rule = 0) {
		const struct rulebook_span *span = &context->books[walk->book];
		while (walk->rule < span->book->count) {
			const struct rule *rule = &span->book->rules[walk->rule++];
			if (rule->kind != kind || (walk->book && same_rule(span[-1].book, rule)))
				continue;
			*out = (struct tenure){rule, span->from_ms, INT64_MAX};
			uint32_t next = walk->book + 1;
			while (next < context->book_count && same_rule(context->books[next].book, rule))
				next++;
			if (next < context->book_count)
				out->to_ms = context->books[next].from_ms;
			return true;
		}
	}
	return false;
}

bool array_grow(void **items, size_t *capacity, size_t count, size_t size)
{
	if (count < *capacity)
		return true;
	size_t more = *capacity ? *capacity * 2 : 16;
	void *room = realloc(*items, more * size);
	if (!room)
		return false;
	*items = room;
	*capacity = more;
	return true;
}

struct finding *finding_list_add(struct finding_list *list, const struct rule *rule)
{
	if (!array_grow((void **)&list->items, &list->capacity, list->count, sizeof *list->items))
		return NULL;
	list->items[list->count].rule = rule;
	struct finding *f = &list->items[list->count++].finding;
	memset(f, 0, sizeof *f);
	memcpy(f->rule, rule->id, sizeof f->rule);
	f->rule_version = rule->version;
	f->kind = rule->kind;
	f->confidence = CONFIDENCE_HIGH;
	for (unsigned i = 0; i < FINDING_NUMBER_COUNT; i++)
		f->numbers[i] = NUMBER_UNKNOWN;
	return f;
}

static int compare_items(const void *a, const void *b)
{
	return finding_compare(a, b); /* a finding is the first thing in its item */
}

void finding_list_tell(struct finding_list *list, struct detect_sink *sink)
{
	if (list->count)
		qsort(list->items, list->count, sizeof *list->items, compare_items);
	for (size_t i = 0; i < list->count; i++)
		sink->finding(sink->context, &list->items[i].finding, list->items[i].rule);
}

void finding_list_deinit(struct finding_list *list)
{
	free(list->items);
	*list = (struct finding_list){0};
}
