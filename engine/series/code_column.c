#include "engine/series/code_column.h"

#define DIRECT 32u
#define SYMBOLS (DIRECT + 4 * 59)
#define LOG_MAX 12u
#define LOG_SHORT 10u /* of columns of at most so many numbers: */
#define SHORT_MAX 1024u
#define STATE_LOW (UINT32_C(1) << 16)
#define CODE_REST 255u
#define CODE_MAX 143u

_Static_assert(SYMBOLS < 1u << LOG_SHORT, "each can have a share");
_Static_assert(CODE_COLUMN_BYTES_MAX >=
		       1 + 2 * 10 + 2 * SYMBOLS + 8 + VALUE_BLOCK_MAX * 2 + VALUE_BLOCK_MAX * 61 / 8 + 8,
	       "a table, states, words and bits fit");

static unsigned bit_length(uint64_t v)
{
	return v ? 64u - (unsigned)__builtin_clzll(v) : 0;
}

static unsigned symbol_of(uint64_t v)
{
	if (v < DIRECT)
		return (unsigned)v;
	unsigned length = bit_length(v);
	return DIRECT + (length - 6) * 4 + ((unsigned)(v >> (length - 3)) & 3);
}

/* Bits below those that the symbol says. */
static unsigned rest_bits(unsigned symbol)
{
	return symbol < DIRECT ? 0 : (symbol - DIRECT) / 4 + 3;
}

static uint64_t symbol_base(unsigned symbol)
{
	return symbol < DIRECT ? symbol : (uint64_t)(4 + (symbol - DIRECT) % 4) << rest_bits(symbol);
}

/* --- frequencies --- */

static unsigned code_of(uint32_t frequency)
{
	if (frequency < 32)
		return frequency;
	unsigned shift = bit_length(frequency) - 5;
	return 16 * (shift + 1) + (frequency >> shift) - 16;
}

static uint32_t frequency_of(unsigned code)
{
	return code < 32 ? code : (16 + code % 16) << (code / 16 - 1);
}

struct shares {
	unsigned log, used, first, greatest;
	uint16_t of[SYMBOLS], below[SYMBOLS];
};

static void sum_up(struct shares *s)
{
	uint32_t sum = 0;
	for (unsigned i = s->first; i < SYMBOLS; i++) {
		s->below[i] = (uint16_t)sum;
		sum += s->of[i];
	}
}

/* What a code can say of each, at least 1; the most frequent has the rest. */
static void share_out(const uint32_t *counts, size_t count, struct shares *s)
{
	uint32_t total = 1u << s->log, sum = 0;
	for (unsigned i = 0; i < SYMBOLS; i++) {
		s->of[i] = 0;
		if (!counts[i])
			continue;
		if (!s->used++)
			s->first = s->greatest = i;
		if (counts[i] > counts[s->greatest])
			s->greatest = i;
		uint32_t share = (uint32_t)(((uint64_t)counts[i] * total + count / 2) / count);
		s->of[i] = (uint16_t)frequency_of(code_of(share ? share : 1));
		sum += s->of[i];
	}
	sum -= s->of[s->greatest];
	while (sum >= total) { /* so many rare ones that nothing is left */
		sum = 0;
		for (unsigned i = 0; i < SYMBOLS; i++) {
			if (s->of[i] > 1)
				s->of[i] = (uint16_t)frequency_of(code_of(s->of[i] / 2));
			sum += i == s->greatest ? 0 : s->of[i];
		}
	}
	s->of[s->greatest] = (uint16_t)(total - sum);
	sum_up(s);
}

static uint8_t *put_shares(const struct shares *s, uint8_t *at)
{
	*at++ = (uint8_t)s->log;
	at += varint_store(at, s->used);
	at += varint_store(at, s->first);
	for (unsigned i = s->first, left = s->used; left;) {
		if (s->of[i]) {
			*at++ = (uint8_t)(i == s->greatest ? CODE_REST : code_of(s->of[i]));
			left--;
			i++;
			continue;
		}
		unsigned gap = 1;
		while (!s->of[i + gap] && gap < 256)
			gap++;
		*at++ = 0;
		*at++ = (uint8_t)(gap - 1);
		i += gap;
	}
	return at;
}

static bool take_shares(struct cursor *c, struct shares *s)
{
	s->log = cursor_u8(c);
	uint64_t used = cursor_varint(c), first = cursor_varint(c);
	if (c->failed || !used || used > SYMBOLS || first >= SYMBOLS || (s->log != LOG_MAX && s->log != LOG_SHORT))
		return false;
	uint32_t total = 1u << s->log, sum = 0;
	memset(s->of, 0, sizeof s->of);
	s->greatest = SYMBOLS;
	s->first = (unsigned)first;
	for (unsigned i = s->first; used; i++) {
		unsigned code = cursor_u8(c);
		if (c->failed || i >= SYMBOLS)
			return false;
		if (!code) {
			i += cursor_u8(c);
			continue;
		}
		if (code == CODE_REST ? s->greatest < SYMBOLS : code > CODE_MAX)
			return false;
		if (code == CODE_REST)
			s->greatest = i;
		else
			sum += s->of[i] = (uint16_t)frequency_of(code);
		used--;
		if (sum >= total)
			return false;
	}
	if (c->failed || s->greatest == SYMBOLS)
		return false;
	s->of[s->greatest] = (uint16_t)(total - sum);
	sum_up(s);
	return true;
}

/* --- bits --- */

static uint8_t *put_rests(const uint64_t *values, const uint16_t *symbols, size_t count, uint8_t *at)
{
	uint64_t bits = 0;
	unsigned held = 0;
	for (size_t i = 0; i < count; i++) {
		unsigned n = rest_bits(symbols[i]);
		uint64_t rest = values[i] & ((UINT64_C(1) << n) - 1);
		while (n) {
			unsigned now = n < 32 ? n : 32;
			bits |= (rest & ((UINT64_C(1) << now) - 1)) << held;
			rest >>= now;
			n -= now;
			for (held += now; held >= 8; held -= 8, bits >>= 8)
				*at++ = (uint8_t)bits;
		}
	}
	if (held)
		*at++ = (uint8_t)bits;
	return at;
}

struct bit_reader {
	const uint8_t *at, *end;
	uint64_t bits;
	unsigned held;
	bool failed;
};

static uint64_t take_bits(struct bit_reader *r, unsigned n)
{
	while (r->held < n) { /* n <= 32 */
		r->failed |= r->at == r->end;
		r->bits |= (uint64_t)(r->at < r->end ? *r->at++ : 0) << r->held;
		r->held += 8;
	}
	uint64_t v = r->bits & ((UINT64_C(1) << n) - 1);
	r->bits >>= n;
	r->held -= n;
	return v;
}

/* What the symbols say, and the bits below it, which end the column: whole bytes, zeros to the last one's end. */
static bool take_rests(const uint8_t *at, const uint8_t *end, const uint16_t *symbols, size_t count, uint64_t *out)
{
	struct bit_reader r = {.at = at, .end = end};
	for (size_t i = 0; i < count; i++) {
		unsigned n = rest_bits(symbols[i]), low = n < 32 ? n : 32;
		out[i] = symbol_base(symbols[i]);
		if (!n)
			continue;
		out[i] |= take_bits(&r, low);
		if (n > low)
			out[i] |= take_bits(&r, n - low) << low;
	}
	return !r.failed && r.at == r.end && r.bits == 0;
}

/* --- both ways --- */

/* Symbols from the last to the first; words come out backwards. Returns how many. */
static size_t put_symbols(const struct shares *s, const uint16_t *symbols, size_t count, uint32_t states[2],
			  uint16_t words[VALUE_BLOCK_MAX])
{
	size_t n = 0;
	states[0] = states[1] = STATE_LOW;
	for (size_t i = count; i-- > 0;) {
		uint32_t x = states[i & 1], share = s->of[symbols[i]];
		if (x >= (uint64_t)share << (32 - s->log)) {
			words[n++] = (uint16_t)x;
			x >>= 16;
		}
		states[i & 1] = ((x / share) << s->log) + x % share + s->below[symbols[i]];
	}
	return n;
}

size_t code_column_encode(const uint64_t *values, size_t count, uint8_t *out)
{
	uint16_t symbols[VALUE_BLOCK_MAX], words[VALUE_BLOCK_MAX];
	uint32_t counts[SYMBOLS] = {0}, states[2];
	struct shares s = {.log = count > SHORT_MAX ? LOG_MAX : LOG_SHORT};
	for (size_t i = 0; i < count; i++) {
		symbols[i] = (uint16_t)symbol_of(values[i]);
		counts[symbols[i]]++;
	}
	share_out(counts, count, &s);
	uint8_t *at = put_shares(&s, out);
	size_t n = put_symbols(&s, symbols, count, states, words);
	store_le32(at, states[0]);
	store_le32(at + 4, states[1]);
	for (at += 8; n; at += 2)
		store_le16(at, words[--n]);
	return (size_t)(put_rests(values, symbols, count, at) - out);
}

struct slot {
	uint16_t share, offset, symbol;
};

static void make_slots(const struct shares *s, struct slot slots[1 << LOG_MAX])
{
	for (unsigned i = s->first; i < SYMBOLS; i++)
		for (unsigned k = 0; k < s->of[i]; k++)
			slots[s->below[i] + k] = (struct slot){s->of[i], (uint16_t)k, (uint16_t)i};
}

/* Where the words end; NULL when they do not reach, or the states do not end where they began. */
static const uint8_t *take_symbols(const struct shares *s, struct cursor c, size_t count, uint16_t *symbols)
{
	struct slot slots[1 << LOG_MAX];
	uint32_t states[2], mask = (1u << s->log) - 1;
	states[0] = cursor_le32(&c);
	states[1] = cursor_le32(&c);
	const uint8_t *at = c.at;
	if (c.failed || states[0] < STATE_LOW || states[1] < STATE_LOW)
		return NULL;
	make_slots(s, slots);
	for (size_t i = 0; i < count; i++) {
		uint32_t x = states[i & 1];
		const struct slot *slot = &slots[x & mask];
		symbols[i] = slot->symbol;
		x = slot->share * (x >> s->log) + slot->offset;
		if (x < STATE_LOW) {
			if (c.end - at < 2)
				return NULL;
			x = x << 16 | load_le16(at);
			at += 2;
		}
		states[i & 1] = x;
	}
	return states[0] == STATE_LOW && states[1] == STATE_LOW ? at : NULL;
}

enum status code_column_decode(struct span column, size_t count, uint64_t *out)
{
	uint16_t symbols[VALUE_BLOCK_MAX];
	struct shares s;
	struct cursor c = cursor_of(column);
	if (!take_shares(&c, &s))
		return STATUS_CORRUPT;
	const uint8_t *at = take_symbols(&s, c, count, symbols);
	return at && take_rests(at, c.end, symbols, count, out) ? STATUS_OK : STATUS_CORRUPT;
}
