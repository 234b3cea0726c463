#include "wire_cases.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CASES_MAX 64

struct wire_case {
	char name[96];
	struct buf wire, expect;
};

static void load_file(const char *folder, const char *name, const char *suffix, struct buf *out)
{
	char path[512];
	uint8_t chunk[4096];
	size_t n;
	snprintf(path, sizeof path, TESTS_DIR "/golden/%s/%s%s", folder, name, suffix);
	FILE *f = fopen(path, "rb");
	cr_assert(f, "%s", path);
	*out = buf_init(1u << 20);
	while ((n = fread(chunk, 1, sizeof chunk, f)) > 0)
		cr_assert_eq(buf_append(out, chunk, n), STATUS_OK);
	fclose(f);
}

void wire_load(const struct wire_protocol *p, const char *name, struct buf *out)
{
	struct buf text;
	load_file(p->folder, name, ".hex", &text);
	cr_assert_eq(buf_append_u8(&text, 0), STATUS_OK);
	*out = buf_init(1u << 20);
	for (char *line = strtok((char *)text.data, "\n"); line; line = strtok(NULL, "\n"))
		if (*line != '#')
			cr_assert_eq(hex_decode(out, span_of_string(line)), STATUS_OK, "%s", name);
	buf_deinit(&text);
}

static size_t load_cases(const struct wire_protocol *p, struct wire_case *cases)
{
	char path[512];
	size_t count = 0;
	snprintf(path, sizeof path, TESTS_DIR "/golden/%s", p->folder);
	DIR *folder = opendir(path);
	cr_assert(folder, "%s", path);
	for (struct dirent *entry; (entry = readdir(folder));) {
		char *dot = strrchr(entry->d_name, '.');
		if (!dot || strcmp(dot, ".hex") != 0)
			continue;
		struct wire_case *c = &cases[count++];
		cr_assert(count < CASES_MAX);
		snprintf(c->name, sizeof c->name, "%.*s", (int)(dot - entry->d_name), entry->d_name);
		wire_load(p, c->name, &c->wire);
		load_file(p->folder, c->name, ".expect", &c->expect);
	}
	closedir(folder);
	cr_assert_gt(count, 0);
	return count;
}

static void free_cases(struct wire_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		buf_deinit(&cases[i].wire);
		buf_deinit(&cases[i].expect);
	}
}

/* All frames of `pending` as lines of outcome and bytes; what is done with leaves it. */
static void tell_frames(const struct wire_protocol *p, struct buf *pending, struct buf *told)
{
	struct marked_frame frame;
	size_t from = 0;
	for (;;) {
		enum status status = p->next(span_of(pending->data + from, pending->size - from), &frame);
		from += frame.consumed;
		if (status == STATUS_NEED_MORE)
			break;
		cr_assert_gt(frame.consumed, 0);
		char *hex = malloc(2 * frame.raw.size + 1);
		hex_encode(hex, frame.raw);
		cr_assert_eq(buf_printf(told, "%s %s\n", status_name(status), hex), STATUS_OK);
		free(hex);
	}
	memmove(pending->data, pending->data + from, pending->size - from);
	pending->size -= from;
}

/* In parts of `step` bytes, the first of `first`. */
static struct buf tell_stream(const struct wire_protocol *p, struct span stream, size_t first, size_t step)
{
	struct buf pending = buf_init(1u << 20), told = buf_init(8u << 20);
	for (size_t at = 0, n = first; at < stream.size; at += n, n = step) {
		n = n < stream.size - at ? n : stream.size - at;
		cr_assert_eq(buf_append(&pending, stream.data + at, n), STATUS_OK);
		tell_frames(p, &pending, &told);
	}
	buf_deinit(&pending);
	return told;
}

void wire_check_goldens(const struct wire_protocol *p)
{
	struct wire_case cases[CASES_MAX];
	size_t count = load_cases(p, cases);
	for (size_t i = 0; i < count; i++) {
		struct buf json = buf_init(4u << 20);
		struct span rest = buf_view(&cases[i].wire);
		struct marked_frame frame;
		while (p->next(rest, &frame) != STATUS_NEED_MORE) {
			(void)!p->explain(frame.raw, &json);
			cr_assert_eq(buf_append_u8(&json, '\n'), STATUS_OK);
			rest = span_of(rest.data + frame.consumed, rest.size - frame.consumed);
		}
		cr_expect(span_equal(buf_view(&json), buf_view(&cases[i].expect)), "%s\n%.*s\n%.*s", cases[i].name,
			  (int)json.size, (char *)json.data, (int)cases[i].expect.size, (char *)cases[i].expect.data);
		buf_deinit(&json);
	}
	free_cases(cases, count);
}

void wire_check_splits(const struct wire_protocol *p)
{
	struct wire_case cases[CASES_MAX];
	size_t count = load_cases(p, cases);
	struct buf stream = buf_init(1u << 20);
	for (size_t i = 0; i < count; i++)
		cr_assert_eq(buf_append(&stream, cases[i].wire.data, cases[i].wire.size), STATUS_OK);
	struct buf whole = tell_stream(p, buf_view(&stream), stream.size, stream.size);
	cr_assert_gt(whole.size, 0);
	for (size_t cut = 0; cut <= stream.size; cut++) {
		/* cut 0: byte by byte */
		struct buf split = tell_stream(p, buf_view(&stream), cut ? cut : 1, cut ? stream.size : 1);
		cr_assert(span_equal(buf_view(&split), buf_view(&whole)), "split at %zu", cut);
		buf_deinit(&split);
	}
	buf_deinit(&whole);
	buf_deinit(&stream);
	free_cases(cases, count);
}

/* The first frame of a case, when it is whole. */
static bool whole_frame(const struct wire_protocol *p, const struct wire_case *c, struct span *out)
{
	struct marked_frame frame;
	bool whole = p->next(buf_view(&c->wire), &frame) == STATUS_OK;
	*out = frame.raw;
	return whole;
}

/* Bit 5 of a letter among the last four bytes. */
static bool is_case_of_hex(const struct wire_protocol *p, struct span frame, size_t bit)
{
	return p->ends_in_hex && bit / 8 + 4 >= frame.size && bit % 8 == 5 && frame.data[bit / 8] >= 'A';
}

static bool tells_ok(const struct buf *told, struct span frame)
{
	char *line = malloc(2 * frame.size + 5);
	memcpy(line, "OK ", 3);
	hex_encode(line + 3, frame);
	line[2 * frame.size + 3] = '\n';
	bool found = memmem(told->data, told->size, line, 2 * frame.size + 4) != NULL;
	free(line);
	return found;
}

/* `first`, `second` and zeros, so that whatever length is believed, it is there in the end. */
static struct buf tell_pair(const struct wire_protocol *p, struct span first, struct span second)
{
	struct buf stream = buf_init(1u << 20);
	cr_assert_eq(buf_append(&stream, first.data, first.size), STATUS_OK);
	cr_assert_eq(buf_append(&stream, second.data, second.size), STATUS_OK);
	cr_assert_eq(buf_reserve(&stream, p->frame_size_max), STATUS_OK);
	memset(stream.data + stream.size, 0, p->frame_size_max);
	stream.size += p->frame_size_max;
	struct buf told = tell_stream(p, buf_view(&stream), stream.size, stream.size);
	buf_deinit(&stream);
	return told;
}

void wire_check_cuts(const struct wire_protocol *p)
{
	struct wire_case cases[CASES_MAX];
	size_t count = load_cases(p, cases);
	for (size_t i = 0; i < count; i++) {
		struct span frame;
		if (!whole_frame(p, &cases[i], &frame))
			continue;
		for (size_t cut = 0; cut < frame.size; cut++) {
			uint8_t *copy = malloc(cut ? cut : 1); /* exact, so that a read past it is seen */
			memcpy(copy, frame.data, cut);
			struct marked_frame found;
			cr_assert_eq(p->next(span_of(copy, cut), &found), STATUS_NEED_MORE, "%s %zu", cases[i].name,
				     cut);
			struct buf told = tell_pair(p, span_of(copy, cut), frame);
			cr_assert(tells_ok(&told, frame), "%s behind %zu bytes", cases[i].name, cut);
			buf_deinit(&told);
			free(copy);
		}
	}
	free_cases(cases, count);
}

void wire_check_damage(const struct wire_protocol *p)
{
	struct wire_case cases[CASES_MAX];
	size_t count = load_cases(p, cases);
	for (size_t i = 0; i < count; i++) {
		struct span frame;
		if (!whole_frame(p, &cases[i], &frame))
			continue;
		uint8_t *bad = malloc(frame.size);
		for (size_t bit = 0; bit < 8 * frame.size; bit++) {
			if (is_case_of_hex(p, frame, bit))
				continue;
			memcpy(bad, frame.data, frame.size);
			bad[bit / 8] ^= (uint8_t)(1u << bit % 8);
			struct buf told = tell_pair(p, span_of(bad, frame.size), frame);
			cr_assert(!tells_ok(&told, span_of(bad, frame.size)), "%s bit %zu", cases[i].name, bit);
			cr_assert(tells_ok(&told, frame), "%s behind bit %zu", cases[i].name, bit);
			buf_deinit(&told);
		}
		free(bad);
	}
	free_cases(cases, count);
}
