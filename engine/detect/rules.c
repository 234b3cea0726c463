/* rules.c -- a book of rules: held, searched, printed. */
#include "engine/detect/rules.h"

#include <stdlib.h>

#include "engine/detect/rules_text.h"

struct rulebook *rulebook_ref(struct rulebook *b)
{
	__atomic_add_fetch(&b->references, 1, __ATOMIC_RELAXED);
	return b;
}

void rulebook_unref(struct rulebook *b)
{
	if (!b || __atomic_sub_fetch(&b->references, 1, __ATOMIC_ACQ_REL))
		return;
	arena_deinit(&b->words);
	free(b->rules);
	free(b->text);
	free(b);
}

const struct rule *rulebook_find(const struct rulebook *b, const char *id)
{
	uint32_t low = 0, high = b->count;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		int order = strcmp(id, b->rules[middle].id);
		if (order == 0)
			return &b->rules[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

/* "token = " before a value; `line` takes where the line and where the value begin. */
static enum status begin_pair(const char *token, struct buf *out, size_t line[2])
{
	line[0] = out->size;
	enum status status = buf_printf(out, "%-11s = ", token);
	line[1] = out->size;
	return status;
}

/* The end of the line; the line is taken back when no value was printed. */
static enum status end_pair(struct buf *out, const size_t line[2])
{
	if (out->size > line[1])
		return buf_append_u8(out, '\n');
	out->size = line[0];
	return STATUS_OK;
}

enum status rule_print(const struct rule *r, struct buf *out)
{
	unsigned count;
	size_t line[2];
	const struct rule_param *params = rule_kind_params(r->kind, &count);
	enum status status = buf_printf(out, "[%s]\n", r->id);
	for (unsigned i = 0; i < RULE_KEY_COUNT && !status; i++) {
		if (!rule_key_is_said(&rule_keys[i], r))
			continue;
		status = begin_pair(rule_keys[i].token, out, line);
		if (!status)
			status = rule_key_print(&rule_keys[i], r, out);
		if (!status)
			status = end_pair(out, line);
	}
	for (unsigned i = 0; i < count && !status; i++) {
		if (!*params[i].token)
			continue;
		status = begin_pair(params[i].token, out, line);
		if (!status)
			status = rule_param_print(&params[i], r->params, out);
		if (!status)
			status = end_pair(out, line);
	}
	return status;
}

static enum status print_inputs(struct rule_inputs inputs, struct buf *out)
{
	enum status status = buf_printf(out, "[inputs]\n");
	for (unsigned i = 0; i < RULE_INPUT_COUNT && !status; i++) {
		const struct rule_input *in = rule_input_of(&inputs, i);
		if (!in->known)
			continue;
		status = buf_printf(out, "%-11s = ", rule_input_token(i));
		if (!status)
			status = rule_input_print(in, out);
		if (!status)
			status = buf_append_u8(out, '\n');
	}
	return status;
}

enum status rulebook_print(const struct rulebook *b, struct buf *out)
{
	enum status status = print_inputs(b->inputs, out);
	for (uint32_t i = 0; i < b->count && !status; i++) {
		status = buf_append_u8(out, '\n');
		if (!status)
			status = rule_print(&b->rules[i], out);
	}
	return status;
}

/* --- the table --- */

/* The value of a shared key in a column of `width` (ASCII; the last column has none), never less than two spaces. */
static enum status print_cell(const char *token, unsigned width, const struct rule *r, struct buf *out)
{
	size_t begin = out->size;
	enum status status = rule_key_print(rule_key_find(span_of_string(token)), r, out);
	size_t size = out->size - begin, fill = size + 2 < width ? width - size : 2;
	return status || !width ? status : buf_printf(out, "%*s", (int)fill, "");
}

enum status rulebook_table(const struct rulebook *b, struct buf *out)
{
	static const struct {
		const char *token;
		unsigned width;
	} cells[] = {{"kind", 16}, {"classes", 26}, {"where", 22}, {"when", 26}, {"rows", 14}, {"title", 0}};
	enum status status = buf_printf(out, "%-22s", "id");
	for (size_t i = 0; i < sizeof cells / sizeof *cells && !status; i++)
		status = buf_printf(out, "%-*s", (int)cells[i].width, cells[i].token);
	for (uint32_t r = 0; r < b->count && !status; r++) {
		status = buf_printf(out, "\n%-21s ", b->rules[r].id);
		for (size_t i = 0; i < sizeof cells / sizeof *cells && !status; i++)
			status = print_cell(cells[i].token, cells[i].width, &b->rules[r], out);
	}
	return status ? status : buf_append_u8(out, '\n');
}
