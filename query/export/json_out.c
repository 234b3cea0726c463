#include "query/export/json_out.h"

#include <stdio.h>

#include "engine/core/clock.h"
#include "engine/core/utf8.h"
#include "query/export/mask.h"

static void put(struct json_out *j, const void *data, size_t size)
{
	if (!j->status)
		j->status = buf_append(j->out, data, size);
}

static void separate(struct json_out *j)
{
	if (j->comma)
		put(j, ",", 1);
	j->comma = true;
}

void jout_open(struct json_out *j, char bracket)
{
	separate(j);
	put(j, &bracket, 1);
	j->comma = false;
}

void jout_close(struct json_out *j, char bracket)
{
	put(j, &bracket, 1);
	j->comma = true;
}

static bool is_plain(uint8_t c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

static void put_special(struct json_out *j, uint8_t c)
{
	static const char letters[] = "\b\t\n\f\r\"\\", escapes[] = "btnfr\"\\";
	const char *at = c ? strchr(letters, c) : NULL;
	char text[8] = {'\\'};
	if (at) {
		text[1] = escapes[at - letters];
		put(j, text, 2);
	} else {
		put(j, text, (size_t)snprintf(text, sizeof text, "\\u%04x", c));
	}
}

static void put_text(struct json_out *j, struct span text)
{
	separate(j);
	put(j, "\"", 1);
	while (text.size) {
		size_t n = 0;
		while (n < text.size && is_plain(text.data[n]))
			n++;
		if (n) {
			put(j, text.data, n);
		} else if ((n = utf8_sequence(text)) > 1) {
			put(j, text.data, n);
		} else if (n == 1) {
			put_special(j, text.data[0]);
		} else {
			put(j, "\xef\xbf\xbd", 3);
			n = 1;
		}
		text = span_of(text.data + n, text.size - n);
	}
	put(j, "\"", 1);
}

void jout_key_text(struct json_out *j, struct span key)
{
	put_text(j, key);
	put(j, ":", 1);
	j->comma = false;
}

void jout_key(struct json_out *j, const char *key)
{
	jout_key_text(j, span_of_string(key));
}

void jout_text(struct json_out *j, struct span text)
{
	struct buf room = buf_init(SIZE_MAX);
	put_text(j, mask_view(text, &room));
	buf_deinit(&room);
}

void jout_string(struct json_out *j, const char *text)
{
	jout_text(j, span_of_string(text));
}

/* Digits of v, least significant last; returns their start within `end`. */
static char *digits_before(char *end, uint64_t v, unsigned at_least)
{
	char *at = end;
	do {
		*--at = (char)('0' + v % 10);
		v /= 10;
	} while (v || (unsigned)(end - at) < at_least);
	return at;
}

enum status fixed_append(struct buf *out, int64_t v, unsigned decimals)
{
	char text[40], *end = text + sizeof text;
	uint64_t magnitude = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
	char *at = digits_before(end, magnitude, decimals + 1);
	if (decimals) {
		size_t whole = (size_t)(end - at) - decimals;
		memmove(at - 1, at, whole);
		at--;
		at[whole] = '.';
	}
	if (v < 0)
		*--at = '-';
	return buf_append(out, at, (size_t)(end - at));
}

void jout_fixed(struct json_out *j, int64_t v, unsigned decimals)
{
	separate(j);
	if (!j->status)
		j->status = fixed_append(j->out, v, decimals);
}

void jout_integer(struct json_out *j, int64_t v)
{
	jout_fixed(j, v, 0);
}

void jout_unsigned(struct json_out *j, uint64_t v)
{
	char text[24], *end = text + sizeof text;
	separate(j);
	char *at = digits_before(end, v, 1);
	put(j, at, (size_t)(end - at));
}

void jout_bool(struct json_out *j, bool v)
{
	jout_raw(j, v ? "true" : "false");
}

void jout_null(struct json_out *j)
{
	jout_raw(j, "null");
}

void jout_raw(struct json_out *j, const char *text)
{
	jout_raw_text(j, span_of_string(text));
}

void jout_raw_text(struct json_out *j, struct span text)
{
	separate(j);
	put(j, (const char *)text.data, text.size);
}

void jout_line(struct json_out *j)
{
	put(j, "\n", 1);
}

void jout_time(struct json_out *j, int64_t ms)
{
	char text[TIME_TEXT_MAX];
	if (ms == INT64_MIN || ms == INT64_MAX) {
		jout_null(j);
		return;
	}
	time_format(ms, 0, text);
	jout_string(j, text);
}

void jout_hex64(struct json_out *j, uint64_t v)
{
	char text[17];
	snprintf(text, sizeof text, "%016llx", (unsigned long long)v);
	jout_string(j, text);
}

void jout_hex(struct json_out *j, struct span bytes)
{
	char text[2 * 256 + 1];
	separate(j);
	put(j, "\"", 1);
	while (bytes.size) {
		size_t n = bytes.size < 256 ? bytes.size : 256;
		hex_encode(text, span_of(bytes.data, n));
		put(j, text, 2 * n);
		bytes = span_of(bytes.data + n, bytes.size - n);
	}
	put(j, "\"", 1);
}
