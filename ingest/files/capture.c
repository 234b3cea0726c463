#include "ingest/files/capture.h"

#include <stdlib.h>

#include "engine/series/report.h"
#include "ingest/files/time_text.h"

struct capture {
	csv_read *read;
	void *context;
	enum capture_form form;
	bool ended, failed;
	struct time_reader epoch, text;
	uint8_t *memory; /* NUMBER_PAD, CAPTURE_LINE_MAX */
	size_t at, end;  /* what is not given out yet */
	uint64_t memory_offset;
	uint64_t line; /* of the next hex line */
	struct buf bytes;
};

enum status capture_open(csv_read *read, void *context, enum capture_form form, int64_t zone_ms, struct capture **out)
{
	struct capture *c = calloc(1, sizeof *c);
	if (!c)
		return STATUS_NO_MEMORY;
	c->read = read;
	c->context = context;
	c->form = form;
	c->epoch = time_reader_init(TIME_FORM_EPOCH_MS, zone_ms);
	c->text = time_reader_init(TIME_FORM_TEXT, zone_ms);
	c->bytes = buf_init(CAPTURE_LINE_MAX / 2);
	c->memory = calloc(1, NUMBER_PAD + CAPTURE_LINE_MAX);
	if (!c->memory) {
		capture_close(c);
		return STATUS_NO_MEMORY;
	}
	capture_resume(c, 0, 1);
	*out = c;
	return STATUS_OK;
}

void capture_close(struct capture *c)
{
	if (!c)
		return;
	free(c->memory);
	buf_deinit(&c->bytes);
	free(c);
}

void capture_resume(struct capture *c, uint64_t offset, uint64_t line)
{
	c->at = c->end = NUMBER_PAD;
	c->memory_offset = offset - NUMBER_PAD;
	c->line = line;
	c->ended = c->failed = false;
}

uint64_t capture_offset(const struct capture *c)
{
	return c->memory_offset + c->at;
}

uint64_t capture_line(const struct capture *c)
{
	return c->line;
}

enum capture_form capture_form(const struct capture *c)
{
	return c->form;
}

/* What is left to the front, and more behind it. False: the file has ended, or there is no room. */
static bool refill(struct capture *c)
{
	size_t kept = c->end - c->at;
	if (c->ended || kept == CAPTURE_LINE_MAX)
		return false;
	memmove(c->memory + NUMBER_PAD, c->memory + c->at, kept);
	c->memory_offset += c->at - NUMBER_PAD;
	c->at = NUMBER_PAD;
	c->end = NUMBER_PAD + kept;
	ssize_t got = c->read(c->context, c->memory + c->end, CAPTURE_LINE_MAX - kept);
	c->failed = got < 0;
	c->ended = got <= 0;
	c->end += got > 0 ? (size_t)got : 0;
	return true;
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* Characters of times and hex, or comments. */
static bool looks_like_lines(const uint8_t *at, const uint8_t *end)
{
	bool comment = false;
	for (; at < end; at++) {
		comment = *at == '#' || (comment && *at != '\n');
		if (!comment && (*at == 0 || !strchr("0123456789abcdefABCDEF \t\r\n-+:.TZ", *at)))
			return false;
	}
	return true;
}

static enum status raw_run(struct capture *c, struct capture_run *run)
{
	while (c->end - c->at < CAPTURE_LINE_MAX && refill(c))
		;
	if (c->failed)
		return STATUS_IO;
	run->bytes = span_of(c->memory + c->at, c->end - c->at);
	run->received_ms = RECEIVED_UNKNOWN;
	run->line = 0;
	run->offset = capture_offset(c);
	run->last = c->ended;
	c->at = c->end;
	return run->bytes.size ? STATUS_OK : STATUS_END;
}

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Pairs of hex digits, blanks between pairs. */
static enum status hex_bytes(struct span text, struct buf *out)
{
	for (size_t i = 0; i < text.size;) {
		if (is_blank(text.data[i])) {
			i++;
			continue;
		}
		int high = hex_digit(text.data[i]), low = i + 1 < text.size ? hex_digit(text.data[i + 1]) : -1;
		if (high < 0 || low < 0)
			return STATUS_MALFORMED;
		enum status status = buf_append_u8(out, (uint8_t)(high << 4 | low));
		if (status)
			return status;
		i += 2;
	}
	return STATUS_OK;
}

static struct span first_word(struct span text)
{
	size_t n = 0;
	while (n < text.size && !is_blank(text.data[n]))
		n++;
	return span_of(text.data, n);
}

static struct span behind(struct span text, size_t n)
{
	while (n < text.size && is_blank(text.data[n]))
		n++;
	return span_of(text.data + n, text.size - n);
}

/* Whether a first word is a time and no hex: a date has '-', epoch ms has 11 to 14 digits, and a frame begins with 7E.
 */
static bool is_time(struct span word)
{
	if (word.size && memchr(word.data, '-', word.size))
		return true;
	for (size_t i = 0; i < word.size; i++)
		if (word.data[i] < '0' || word.data[i] > '9')
			return false;
	return word.size >= 11 && word.size <= 14;
}

/* "2026-05-28 20:26:40 7E...": the time of day is a word of its own. */
static struct span date_and_time(struct span text, struct span date)
{
	struct span rest = behind(text, date.size), clock = first_word(rest);
	if (date.size != 10 || clock.size < 5 || clock.data[2] != ':' || rest.data != date.data + 11)
		return date;
	return span_of(text.data, (size_t)(clock.data - text.data) + clock.size);
}

static enum status take_line(struct capture *c, struct span text, struct capture_run *run)
{
	run->received_ms = RECEIVED_UNKNOWN;
	run->bytes = text;
	struct span rest = behind(text, 0), word = first_word(rest);
	buf_clear(&c->bytes);
	if (!word.size || word.data[0] == '#')
		return STATUS_EMPTY;
	if (is_time(word)) {
		bool date = memchr(word.data, '-', word.size) != NULL;
		word = date ? date_and_time(rest, word) : word;
		if (time_reader_take(date ? &c->text : &c->epoch, word, &run->received_ms))
			return STATUS_BAD_TIME;
		rest = behind(rest, word.size);
	}
	enum status status = hex_bytes(rest, &c->bytes);
	if (!status && !c->bytes.size)
		status = STATUS_MALFORMED;
	if (!status)
		run->bytes = buf_view(&c->bytes);
	return status;
}

/* A line that does not fit is dropped up to its end. */
static enum status long_line(struct capture *c, struct capture_run *run)
{
	const uint8_t *newline = NULL;
	run->bytes = span_of(NULL, 0);
	run->received_ms = RECEIVED_UNKNOWN;
	do {
		c->at = c->end;
		if (!refill(c))
			break;
		newline = memchr(c->memory + c->at, '\n', c->end - c->at);
	} while (!newline);
	c->at = newline ? (size_t)(newline - c->memory) + 1 : c->end;
	c->line++;
	return STATUS_TOO_LONG;
}

static enum status hex_run(struct capture *c, struct capture_run *run)
{
	const uint8_t *newline;
	while (!(newline = memchr(c->memory + c->at, '\n', c->end - c->at)) && refill(c))
		;
	run->line = c->line;
	run->offset = capture_offset(c);
	run->last = false;
	if (c->failed)
		return STATUS_IO;
	if (!newline && c->at == c->end)
		return STATUS_END;
	if (!newline && !c->ended)
		return long_line(c, run);
	size_t end = newline ? (size_t)(newline - c->memory) : c->end;
	struct span text = span_of(c->memory + c->at, end - c->at);
	c->at = newline ? end + 1 : end;
	c->line++;
	return take_line(c, text, run);
}

enum status capture_next(struct capture *c, size_t unused, struct capture_run *run)
{
	enum status status;
	if (unused >= CAPTURE_LINE_MAX || unused > c->at - NUMBER_PAD)
		return STATUS_INVALID;
	if (c->form == CAPTURE_DETECT) {
		while (c->end - c->at < CAPTURE_LINE_MAX && refill(c))
			;
		c->form = looks_like_lines(c->memory + c->at, c->memory + c->end) ? CAPTURE_HEX : CAPTURE_RAW;
	}
	if (c->form == CAPTURE_RAW) {
		bool nothing_new = c->ended && c->at == c->end;
		c->at -= nothing_new ? 0 : unused;
		return raw_run(c, run);
	}
	do
		status = hex_run(c, run);
	while (status == STATUS_EMPTY);
	return status;
}
