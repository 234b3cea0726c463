/* Chunked bodies: whole, in every two pieces, and what is no chunked body. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "query/http/http_chunked.h"

/* Read `text` in two pieces; content goes to `out`, `rest` is what follows the body in the piece that ended it. */
static enum status read_cut(const char *text, size_t cut, char *out, struct span *rest)
{
	struct http_chunked c = {0};
	struct span parts[2] = {span_of(text, cut), span_of(text + cut, strlen(text) - cut)}, piece;
	enum status status = STATUS_NEED_MORE;
	for (int i = 0; i < 2 && status == STATUS_NEED_MORE; i++) {
		*rest = parts[i];
		while ((status = http_chunked_next(&c, rest, &piece)) == STATUS_OK) {
			cr_assert_gt(piece.size, 0u);
			memcpy(out, piece.data, piece.size);
			out += piece.size;
		}
		cr_expect(status != STATUS_NEED_MORE || !rest->size);
	}
	*out = '\0';
	return status;
}

Test(chunked, a_body_is_the_same_however_it_is_cut)
{
	static const char text[] =
		"5\r\nhello\r\n0B \t; a=\"b;c\";d\r\n, w\r\n0\r\n\r\nd\r\n1;\r\n!\r\n00\r\nA: b\r\nC:\r\n\r\n";
	char with_more[256], out[64];
	struct span rest;
	for (size_t cut = 0; cut <= strlen(text); cut++) {
		cr_expect_eq(read_cut(text, cut, out, &rest), STATUS_END, "cut at %zu", cut);
		cr_expect_str_eq(out, "hello, w\r\n0\r\n\r\nd!", "cut at %zu", cut);
		cr_expect_eq(rest.size, 0u);
	}
	snprintf(with_more, sizeof with_more, "%sGET /", text);
	for (size_t cut = 0; cut <= strlen(text); cut++) {
		cr_expect_eq(read_cut(with_more, cut, out, &rest), STATUS_END);
		size_t follows = cut == strlen(text) ? 0 : 5;
		cr_expect(rest.size == follows && !memcmp(rest.data, "GET /", follows), "cut at %zu", cut);
	}
}

Test(chunked, every_beginning_of_a_body_wants_more)
{
	static const char text[] = "3;e\r\nabc\r\n0\r\nT: t\r\n\r\n";
	char out[64], part[64];
	struct span rest;
	for (size_t size = 0; size < strlen(text); size++) {
		snprintf(part, sizeof part, "%.*s", (int)size, text);
		cr_expect_eq(read_cut(part, 0, out, &rest), STATUS_NEED_MORE, "%zu bytes", size);
	}
}

Test(chunked, what_is_no_chunked_body_is_refused)
{
	static const char *const cases[] = {
		"\r\n",
		"g\r\n",
		"-1\r\n",
		"0x5\r\nhello",
		"5\nhello",
		"5\r\rhello",
		" 5\r\nhello",
		"5 \r\nhello\r\n",
		"5\r\nhelloX\n",
		"5\r\nhello\n0\r\n",
		"5;\x01\r\n",
		"5;a\nb\r\n",
		"000000001\r\n",
		"0\r\nA: b\n",
		"0\r\nA\x7f\r\n",
		"0\r\nA: b\r\n\rX",
		"0\r\n\rX",
		";\r\n",
		"5\r\nhello\r\n\r\n",
		"5\r\nhello\rX",
		"0\r\nA: b\rX",
	};
	char out[64];
	struct span rest;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		for (size_t cut = 0; cut <= strlen(cases[i]); cut++)
			cr_expect_eq(read_cut(cases[i], cut, out, &rest), STATUS_MALFORMED, "case %zu, cut at %zu", i,
				     cut);
}

Test(chunked, a_refusal_is_final)
{
	struct http_chunked c = {0};
	struct span in = span_of_string("x"), piece;
	cr_expect_eq(http_chunked_next(&c, &in, &piece), STATUS_MALFORMED);
	in = span_of_string("0\r\n\r\n");
	cr_expect_eq(http_chunked_next(&c, &in, &piece), STATUS_MALFORMED);
}

Test(chunked, extensions_and_trailers_are_bounded_together)
{
	struct http_chunked c = {0};
	struct span in = span_of_string("1;"), piece;
	enum status status = http_chunked_next(&c, &in, &piece);
	for (size_t i = 1; i < HTTP_CHUNK_LINES_MAX; i++) {
		cr_assert_eq(status, STATUS_NEED_MORE);
		in = span_of_string("e");
		status = http_chunked_next(&c, &in, &piece);
	}
	in = span_of_string("\r\nz\r\n0\r\n");
	cr_expect_eq(http_chunked_next(&c, &in, &piece), STATUS_OK);
	cr_expect_eq(http_chunked_next(&c, &in, &piece), STATUS_NEED_MORE);
	in = span_of_string("T");
	cr_expect_eq(http_chunked_next(&c, &in, &piece), STATUS_TOO_LONG);
}
