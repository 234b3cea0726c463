#include "ingest/files/csv.h"

#include <stdlib.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define BLOCK 64
/* bytes whose marks are found ahead of the rows: the lists of what is found stay in the first-level cache */
#define WINDOW 16384

/* One bit a byte of the block, lowest first. */
struct marks {
	uint64_t delimiters, newlines, quotes;
};

/* Rows of a window, found before they are asked for:
 *
 *   cuts      [ at - 1 | , | , | \n | , | , | \n ... ]     offsets in memory; a line end is the first cut of the next
 * row row_ends  [ 0 | 3 | 6 ... ]                            where in `cuts` the line ends are */
struct found {
	uint32_t rows; /* complete ones */
	uint32_t row;  /* given out */
	uint32_t cuts[1 + WINDOW + BLOCK];
	uint32_t row_ends[1 + WINDOW + BLOCK];
};

struct csv {
	csv_read *read;
	void *context;
	uint8_t delimiter;
	bool started; /* the first bytes were looked at */
	bool ended;   /* the source is at its end, or failed */
	bool failed;

	uint8_t *memory;        /* CSV_PAD, CSV_BUFFER, CSV_PAD */
	size_t at;              /* first byte of the next row, within memory */
	size_t end;             /* behind the last byte read */
	uint64_t memory_offset; /* offset in the file of memory[0] */
	uint64_t line;

	uint8_t *unquoted; /* CSV_PAD, CSV_ROW_MAX, CSV_PAD */
	uint32_t unquoted_cuts[CSV_FIELDS_MAX + 1];
	struct found found;
};

#ifdef __SSE2__
static inline uint64_t marks_of(__m128i v0, __m128i v1, __m128i v2, __m128i v3, char wanted)
{
	__m128i w = _mm_set1_epi8(wanted);
	uint64_t m0 = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(v0, w));
	uint64_t m1 = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(v1, w));
	uint64_t m2 = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(v2, w));
	uint64_t m3 = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(v3, w));
	return m0 | m1 << 16 | m2 << 32 | m3 << 48;
}

static inline struct marks block_marks(const uint8_t *at, uint8_t delimiter)
{
	__m128i v0 = _mm_loadu_si128((const __m128i *)at);
	__m128i v1 = _mm_loadu_si128((const __m128i *)(at + 16));
	__m128i v2 = _mm_loadu_si128((const __m128i *)(at + 32));
	__m128i v3 = _mm_loadu_si128((const __m128i *)(at + 48));
	return (struct marks){marks_of(v0, v1, v2, v3, (char)delimiter), marks_of(v0, v1, v2, v3, '\n'),
			      marks_of(v0, v1, v2, v3, '"')};
}
#else
static struct marks block_marks(const uint8_t *at, uint8_t delimiter)
{
	struct marks m = {0, 0, 0};
	for (int i = 0; i < BLOCK; i++) {
		m.delimiters |= (uint64_t)(at[i] == delimiter) << i;
		m.newlines |= (uint64_t)(at[i] == '\n') << i;
		m.quotes |= (uint64_t)(at[i] == '"') << i;
	}
	return m;
}
#endif

static void go_to(struct csv *c, size_t at)
{
	c->at = at;
	c->found.rows = c->found.row = 0;
}

/* Bring the unfinished row to the front and read on. False, and nothing has moved: the source ended before, or
 * the row fills the buffer. */
static bool refill(struct csv *c)
{
	size_t kept = c->end - c->at;
	if (c->ended || kept == CSV_BUFFER)
		return false;
	memmove(c->memory + CSV_PAD, c->memory + c->at, kept);
	c->memory_offset += c->at - CSV_PAD;
	c->end = CSV_PAD + kept;
	ssize_t got = c->read(c->context, c->memory + c->end, CSV_BUFFER - kept);
	c->failed |= got < 0;
	c->ended = got <= 0;
	c->end += got > 0 ? (size_t)got : 0;
	go_to(c, CSV_PAD);
	return true;
}

static uint8_t likeliest_delimiter(const uint8_t *at, const uint8_t *end)
{
	static const char candidates[] = ",;\t|";
	unsigned best = 0;
	uint8_t chosen = ',';
	for (const char *candidate = candidates; *candidate; candidate++) {
		unsigned count = 0;
		for (const uint8_t *p = at; p < end && *p != '\n'; p++)
			count += *p == (uint8_t)*candidate;
		if (count > best)
			chosen = (uint8_t)*candidate;
		best = count > best ? count : best;
	}
	return chosen;
}

/* The byte order mark and the delimiter, from the first line. */
static enum status start(struct csv *c)
{
	c->started = true;
	while (!memchr(c->memory + c->at, '\n', c->end - c->at) && refill(c))
		;
	const uint8_t *at = c->memory + c->at;
	size_t there = c->end - c->at;
	if (there >= 2 && ((at[0] == 0xff && at[1] == 0xfe) || (at[0] == 0xfe && at[1] == 0xff)))
		return STATUS_UNSUPPORTED;
	size_t mark = there >= 3 && memcmp(at, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
	if (!c->delimiter)
		c->delimiter = likeliest_delimiter(at + mark, at + there);
	go_to(c, c->at + mark);
	return STATUS_OK;
}

/* Give the row up: go on behind the first line end from its beginning. */
static void skip_line(struct csv *c)
{
	const uint8_t *newline;
	while (!(newline = memchr(c->memory + c->at, '\n', c->end - c->at))) {
		c->at = c->end;
		if (!refill(c))
			return;
	}
	go_to(c, (size_t)(newline - c->memory) + 1);
	c->line++;
}

enum quote_state { FIELD_START, PLAIN, QUOTED, QUOTE_SEEN, CLOSED };

struct unquoting {
	enum quote_state state;
	size_t from; /* within memory */
	size_t size; /* bytes written, the gaps between fields included */
	size_t fields, lines;
	bool quotes; /* there was one */
};

static void unquote_field_end(struct csv *c, struct unquoting *u, uint8_t byte)
{
	const uint8_t *out = c->unquoted + CSV_PAD;
	if (byte == '\n' && u->state == PLAIN && u->size > c->unquoted_cuts[u->fields] && out[u->size] == '\r')
		u->size--;
	c->unquoted_cuts[++u->fields] = (uint32_t)++u->size;
	u->state = FIELD_START;
}

/* A byte that ends no field. False: it must not stand there. */
static bool unquote_byte(struct csv *c, struct unquoting *u, uint8_t byte)
{
	uint8_t *out = c->unquoted + CSV_PAD;
	bool quote = byte == '"';
	u->quotes |= quote;
	switch (u->state) {
	case QUOTED:
		if (!quote)
			out[++u->size] = byte;
		u->state = quote ? QUOTE_SEEN : QUOTED;
		return true;
	case QUOTE_SEEN:
		if (quote)
			out[++u->size] = byte;
		u->state = quote ? QUOTED : CLOSED;
		return quote || byte == '\r';
	case CLOSED:
		return false;
	default:
		if (quote && u->state == PLAIN)
			return false;
		if (!quote)
			out[++u->size] = byte;
		u->state = quote ? QUOTED : PLAIN;
		return true;
	}
}

/* Take the row at c->at apart, undoing quotes. STATUS_OK: `u->from` is behind its line end. STATUS_NEED_MORE:
 * the bytes read so far end within it. STATUS_MALFORMED, STATUS_TOO_LONG. */
static enum status unquote(struct csv *c, struct unquoting *u)
{
	*u = (struct unquoting){.state = FIELD_START, .from = c->at};
	c->unquoted_cuts[0] = 0; /* the first field begins at 1 */
	while (u->from < c->end && u->from - c->at < CSV_ROW_MAX) {
		uint8_t byte = c->memory[u->from++];
		u->lines += byte == '\n';
		if (u->state == QUOTED || (byte != c->delimiter && byte != '\n')) {
			if (!unquote_byte(c, u, byte))
				return STATUS_MALFORMED;
			continue;
		}
		if (u->fields == CSV_FIELDS_MAX)
			return STATUS_TOO_LONG;
		unquote_field_end(c, u, byte);
		if (byte == '\n')
			return STATUS_OK;
	}
	if (u->from < c->end) /* a quote that is never closed swallows lines */
		return u->lines ? STATUS_MALFORMED : STATUS_TOO_LONG;
	if (!c->ended)
		return STATUS_NEED_MORE;
	if (u->state == QUOTED || u->fields == CSV_FIELDS_MAX)
		return u->state == QUOTED ? STATUS_MALFORMED : STATUS_TOO_LONG;
	unquote_field_end(c, u, '\n');
	return STATUS_OK;
}

/* The row at c->at by the state machine: it holds a quote, is longer than a window, or ends with the file. */
static enum status odd_row(struct csv *c, struct csv_row *out)
{
	struct unquoting u;
	enum status status = unquote(c, &u);
	if (status == STATUS_NEED_MORE && refill(c))
		return STATUS_NEED_MORE;
	if (c->failed)
		return STATUS_IO;
	if (status) {
		skip_line(c);
		return status;
	}
	c->line += u.lines ? u.lines : 1;
	out->base = c->unquoted + CSV_PAD;
	out->cuts = c->unquoted_cuts;
	out->fields = u.fields;
	go_to(c, u.from);
	return u.fields == 1 && u.size == 1 && !u.quotes ? STATUS_EMPTY : STATUS_OK;
}

/* The upper half is filled so that no step meets an empty word. */
static inline void list_half(uint32_t *to, uint32_t from, uint32_t half)
{
	uint64_t bits = half | (uint64_t)UINT32_MAX << 32;
	do {
#pragma GCC unroll 8
		for (int i = 0; i < 8; i++) {
			*to++ = from + (uint32_t)__builtin_ctzll(bits);
			bits &= bits - 1;
		}
	} while (__builtin_expect((uint32_t)bits != 0, 0));
}

/* Offsets of the set bits. Each half of the block is a chain of eight steps whatever it holds, so that nothing is
 * left to guess; there is room behind for what is written too much. */
static inline void list_bits(uint32_t *to, uint32_t block, uint64_t bits)
{
	list_half(to, block, (uint32_t)bits);
	list_half(to + __builtin_popcountll((uint32_t)bits), block + 32, (uint32_t)(bits >> 32));
}

/* Where among the set bits of `bits` each of `ends` is, counted from `count`. */
static inline void list_ranks(uint32_t *to, uint32_t count, uint64_t bits, uint64_t ends)
{
	do {
		for (int i = 0; i < 2; i++) {
			*to++ = count + (uint32_t)__builtin_popcountll(bits & ((ends & -ends) - 1));
			ends &= ends - 1;
		}
	} while (__builtin_expect(ends != 0, 0));
}

/* Find the complete rows from c->at to the end of the window, the bytes read, or the first quote. */
static void find_rows(struct csv *c)
{
	size_t limit = c->end - c->at > WINDOW ? c->at + WINDOW : c->end;
	uint32_t cuts = 1, rows = 0;
	c->found.cuts[0] = (uint32_t)(c->at - 1);
	for (size_t block = c->at; block < limit; block += BLOCK) {
		struct marks m = block_marks(c->memory + block, c->delimiter);
		uint64_t there = limit - block < BLOCK ? ((uint64_t)1 << (limit - block)) - 1 : ~(uint64_t)0;
		uint64_t quote = m.quotes & there;
		there &= (quote & -quote) - 1;
		uint64_t ends = m.newlines & there, bits = (m.delimiters & there) | ends;
		list_bits(c->found.cuts + cuts, (uint32_t)block, bits);
		list_ranks(c->found.row_ends + 1 + rows, cuts, bits, ends);
		cuts += (uint32_t)__builtin_popcountll(bits);
		rows += (uint32_t)__builtin_popcountll(ends);
		if (quote)
			break;
	}
	c->found.row = 0;
	c->found.rows = rows;
}

/* The next of the rows found. STATUS_EMPTY: a blank line. */
static inline enum status found_row(struct csv *c, struct csv_row *out)
{
	struct found *f = &c->found;
	uint32_t *first = f->cuts + f->row_ends[f->row], *last = f->cuts + f->row_ends[f->row + 1];
	size_t end = *last, from = c->at;
	*first = (uint32_t)(from - 1);
	*last -= end > from && c->memory[end - 1] == '\r';
	out->base = c->memory;
	out->cuts = first;
	out->fields = (size_t)(last - first);
	f->row++;
	c->at = end + 1;
	c->line++;
	if (*last == from)
		return STATUS_EMPTY;
	return out->fields > CSV_FIELDS_MAX ? STATUS_TOO_LONG : STATUS_OK;
}

enum status csv_next(struct csv *c, struct csv_row *out)
{
	enum status status = c->started ? STATUS_OK : start(c);
	if (status)
		return status;
	do {
		if (c->found.row == c->found.rows) {
			if (c->end - c->at < WINDOW)
				refill(c);
			find_rows(c);
		}
		out->line = c->line;
		out->offset = c->memory_offset + c->at;
		if (c->found.row < c->found.rows)
			status = found_row(c, out);
		else if (c->at < c->end)
			status = odd_row(c, out);
		else if (c->ended)
			return c->failed ? STATUS_IO : STATUS_END;
		else
			status = STATUS_NEED_MORE;
	} while (status == STATUS_NEED_MORE || status == STATUS_EMPTY);
	return status;
}

enum status csv_open(csv_read *read, void *context, uint8_t delimiter, struct csv **out)
{
	if (delimiter >= 0x80 || delimiter == '"' || delimiter == '\n' || delimiter == '\r')
		return STATUS_INVALID;
	struct csv *c = calloc(1, sizeof *c);
	if (!c)
		return STATUS_NO_MEMORY;
	c->read = read;
	c->context = context;
	c->delimiter = delimiter;
	c->memory = calloc(1, CSV_PAD + CSV_BUFFER + CSV_PAD);
	c->unquoted = calloc(1, CSV_PAD + CSV_ROW_MAX + CSV_PAD);
	if (!c->memory || !c->unquoted) {
		csv_close(c);
		return STATUS_NO_MEMORY;
	}
	csv_resume(c, 0, 1);
	c->started = false;
	*out = c;
	return STATUS_OK;
}

void csv_close(struct csv *c)
{
	if (!c)
		return;
	free(c->memory);
	free(c->unquoted);
	free(c);
}

uint64_t csv_offset(const struct csv *c)
{
	return c->memory_offset + c->at;
}

uint64_t csv_line(const struct csv *c)
{
	return c->line;
}

void csv_resume(struct csv *c, uint64_t offset, uint64_t line)
{
	c->started = true;
	c->ended = c->failed = false;
	c->end = CSV_PAD;
	c->memory_offset = offset - CSV_PAD;
	c->line = line;
	go_to(c, CSV_PAD);
}
