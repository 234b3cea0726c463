/* rules_input.c -- the section [inputs]: where a muck truck's load, cover and lift are read from.
 *
 *   "status bits 8-9"   "status bit 20"   "item E1 byte 1 mask 0x01" */
#include "engine/detect/rules_text.h"

static const char *const tokens[RULE_INPUT_COUNT] = {"load", "cover_open", "lift_up"};

const char *rule_input_token(unsigned input)
{
	return tokens[input];
}

struct rule_input *rule_input_of(struct rule_inputs *inputs, unsigned input)
{
	return input == 0 ? &inputs->load : input == 1 ? &inputs->cover_open : &inputs->lift_up;
}

static bool number(struct span text, unsigned base, unsigned max, unsigned *out)
{
	*out = 0;
	for (size_t i = 0; i < text.size; i++) {
		uint8_t c = text.data[i], low = c | 0x20;
		unsigned digit = 99;
		if (c >= '0' && c <= '9')
			digit = (unsigned)(c - '0');
		else if (low >= 'a' && low <= 'f')
			digit = (unsigned)(low - 'a' + 10);
		*out = *out * base + digit;
		if (digit >= base || *out > max)
			return false;
	}
	return text.size > 0;
}

static bool word_is(struct span *text, const char *word)
{
	struct span next;
	return next_word(text, &next) && span_equal(next, span_of_string(word));
}

/* "8-9" or "20"; bits of the 32-bit status word. */
static bool bits_parse(struct span rest, struct rule_input *out)
{
	struct span first, last, more;
	unsigned from, to;
	if (!next_word(&rest, &first) || next_word(&rest, &more))
		return false;
	const uint8_t *dash = memchr(first.data, '-', first.size);
	last = first;
	if (dash) {
		last = span_of(dash + 1, (size_t)(first.data + first.size - dash) - 1);
		first.size = (size_t)(dash - first.data);
	}
	if (!number(first, 10, 31, &from) || !number(last, 10, 31, &to) || from > to)
		return false;
	*out = (struct rule_input){.known = true, .bit_first = (uint8_t)from, .bit_last = (uint8_t)to};
	return true;
}

/* "E1 byte 1 mask 0x01" */
static bool item_parse(struct span rest, struct rule_input *out)
{
	struct span item, byte, mask, more;
	unsigned item_id, byte_at, mask_bits;
	if (!next_word(&rest, &item) || !word_is(&rest, "byte") || !next_word(&rest, &byte) ||
	    !word_is(&rest, "mask") || !next_word(&rest, &mask) || next_word(&rest, &more))
		return false;
	if (mask.size < 3 || mask.data[0] != '0' || mask.data[1] != 'x')
		return false;
	mask = span_of(mask.data + 2, mask.size - 2);
	if (!number(item, 16, 255, &item_id) || !number(byte, 10, 254, &byte_at) ||
	    !number(mask, 16, 255, &mask_bits) || mask_bits == 0)
		return false;
	*out = (struct rule_input){.known = true,
				   .of_item = true,
				   .item = (uint8_t)item_id,
				   .byte = (uint8_t)byte_at,
				   .mask = (uint8_t)mask_bits};
	return true;
}

bool rule_input_parse(struct span text, struct rule_input *out, struct refusal *why)
{
	struct span rest = text, word;
	bool good = false;
	if (next_word(&rest, &word) && span_equal(word, span_of_string("item")))
		good = item_parse(rest, out);
	else if (span_equal(word, span_of_string("status")) && next_word(&rest, &word) &&
		 (span_equal(word, span_of_string("bits")) || span_equal(word, span_of_string("bit"))))
		good = bits_parse(rest, out);
	return good || refuse(why, NO_INPUT, echo_of(text).text);
}

enum status rule_input_print(const struct rule_input *in, struct buf *out)
{
	if (in->of_item)
		return buf_printf(out, "item %02X byte %u mask 0x%02x", in->item, in->byte, in->mask);
	if (in->bit_first == in->bit_last)
		return buf_printf(out, "status bit %u", in->bit_first);
	return buf_printf(out, "status bits %u-%u", in->bit_first, in->bit_last);
}
