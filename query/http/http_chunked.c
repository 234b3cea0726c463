#include "query/http/http_chunked.h"

#define DIGITS_MAX 8

enum {
	SIZE,          /* its digits */
	SIZE_BLANK,    /* behind them: blanks before an extension */
	EXTENSION,     /* up to its CR */
	SIZE_LF,       /* the LF of its line */
	DATA,          /* `left` bytes */
	DATA_CR,       /* behind them */
	DATA_LF,       /* */
	TRAILER_START, /* of a line, the last one being empty */
	TRAILER,       /* up to its CR */
	TRAILER_LF,    /* */
	END_LF,        /* of the empty line */
	END,
	FAILED,
};

static int hex_value(uint8_t b)
{
	if (b >= '0' && b <= '9')
		return b - '0';
	b |= 0x20;
	return b >= 'a' && b <= 'f' ? b - 'a' + 10 : -1;
}

/* A byte that may stand in a line: a blank, or no control (RFC 9110 5.5). */
static bool is_text(uint8_t b)
{
	return b == '\t' || (b >= 0x20 && b != 0x7f);
}

static uint8_t take_size(struct http_chunked *c, uint8_t b)
{
	int value = hex_value(b);
	if (value >= 0) {
		c->left = c->left << 4 | (uint32_t)value;
		return ++c->digits <= DIGITS_MAX ? SIZE : FAILED;
	}
	if (!c->digits)
		return FAILED;
	return b == '\r' ? SIZE_LF : b == ';' ? EXTENSION : b == ' ' || b == '\t' ? SIZE_BLANK : FAILED;
}

static uint8_t take_line(uint8_t b, uint8_t same, uint8_t next)
{
	return b == '\r' ? next : is_text(b) ? same : FAILED;
}

/* The state behind a byte that is no data. */
static uint8_t step(struct http_chunked *c, uint8_t b)
{
	switch (c->state) {
	case SIZE:
		return take_size(c, b);
	case SIZE_BLANK:
		return b == ';' ? EXTENSION : b == ' ' || b == '\t' ? SIZE_BLANK : FAILED;
	case EXTENSION:
		return take_line(b, EXTENSION, SIZE_LF);
	case SIZE_LF:
		c->digits = 0;
		return b != '\n' ? FAILED : c->left ? DATA : TRAILER_START;
	case DATA_CR:
		return b == '\r' ? DATA_LF : FAILED;
	case DATA_LF:
		return b == '\n' ? SIZE : FAILED;
	case TRAILER_START:
		return take_line(b, TRAILER, END_LF);
	case TRAILER:
		return take_line(b, TRAILER, TRAILER_LF);
	case TRAILER_LF:
		return b == '\n' ? TRAILER_START : FAILED;
	case END_LF:
		return b == '\n' ? END : FAILED;
	default:
		return FAILED;
	}
}

static bool is_passed_over(uint8_t state)
{
	return state == SIZE_BLANK || state == EXTENSION || state == TRAILER;
}

enum status http_chunked_next(struct http_chunked *c, struct span *in, struct span *piece)
{
	while (c->state != END && in->size) {
		if (c->state == DATA) {
			size_t size = in->size < c->left ? in->size : c->left;
			*piece = span_of(in->data, size);
			*in = span_of(in->data + size, in->size - size);
			c->left -= (uint32_t)size;
			c->state = c->left ? DATA : DATA_CR;
			return STATUS_OK;
		}
		c->state = step(c, in->data[0]);
		*in = span_of(in->data + 1, in->size - 1);
		if (c->state == FAILED)
			return STATUS_MALFORMED;
		c->lines += is_passed_over(c->state);
		if (c->lines > HTTP_CHUNK_LINES_MAX) {
			c->state = FAILED;
			return STATUS_TOO_LONG;
		}
	}
	return c->state == END ? STATUS_END : c->state == FAILED ? STATUS_MALFORMED : STATUS_NEED_MORE;
}
