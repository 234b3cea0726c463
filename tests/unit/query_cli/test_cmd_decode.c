#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ingest/jt808/jt808.h"
#include "query/cli/cli.h"

#define HEARTBEAT "7e0002000001234567890100008a7e"
#define BAD_SUM "7e0002000001234567890100008b7e"

/* A folder of this test alone, gone with it. */
static char folder[64], input_path[96], output_path[96];

static void folder_make(void)
{
	snprintf(folder, sizeof folder, "/tmp/zayton-decode-XXXXXX");
	cr_assert_not_null(mkdtemp(folder));
	snprintf(input_path, sizeof input_path, "%s/in", folder);
	snprintf(output_path, sizeof output_path, "%s/out", folder);
}

static void folder_remove(void)
{
	unlink(input_path);
	unlink(output_path);
	rmdir(folder);
}

struct outcome {
	int exit_status;
	size_t lines, refused;
	struct buf text;
};

static struct outcome read_outcome(int exit_status)
{
	struct outcome o = {.exit_status = exit_status, .text = buf_init(64u << 20)};
	char *line = NULL;
	size_t room = 0;
	ssize_t n;
	FILE *f = fopen(output_path, "r");
	cr_assert_not_null(f);
	while ((n = getline(&line, &room, f)) > 0) {
		json_t *json = json_loads(line, 0, NULL);
		cr_assert_not_null(json, "every line is JSON: %s", line);
		o.lines++;
		o.refused += json_object_get(json, "refused") != NULL;
		json_decref(json);
		cr_assert_eq(buf_append(&o.text, line, (size_t)n), STATUS_OK);
	}
	free(line);
	fclose(f);
	return o;
}

/* Run the command with stdout in a file, on `input` as file or as stdin. */
static struct outcome run(const char *option, struct span input, bool as_stdin)
{
	char *argv[5] = {"decode", "jt808", NULL, NULL, NULL};
	int argc = 2;
	FILE *f = fopen(input_path, "wb");
	cr_assert_not_null(f);
	cr_assert_eq(fwrite(input.data, 1, input.size, f), input.size);
	fclose(f);
	if (option)
		argv[argc++] = (char *)option;
	if (!as_stdin)
		argv[argc++] = input_path;
	else
		cr_assert_not_null(freopen(input_path, "rb", stdin));
	fflush(stdout);
	int saved = dup(STDOUT_FILENO), out = open(output_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	cr_assert(saved >= 0 && out >= 0);
	dup2(out, STDOUT_FILENO);
	close(out);
	int exit_status = cmd_decode(argc, argv);
	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	return read_outcome(exit_status);
}

static void check(const char *option, struct span input, bool as_stdin, int exit_status, size_t lines, size_t refused)
{
	struct outcome o = run(option, input, as_stdin);
	cr_assert_eq(o.exit_status, exit_status, "%d\n%.*s", o.exit_status, (int)o.text.size, o.text.data);
	cr_assert_eq(o.lines, lines, "%zu\n%.*s", o.lines, (int)o.text.size, o.text.data);
	cr_assert_eq(o.refused, refused, "%zu\n%.*s", o.refused, (int)o.text.size, o.text.data);
	buf_deinit(&o.text);
}
#define HEX(text) span_of_string(text)

TestSuite(cmd_decode, .init = folder_make, .fini = folder_remove);

Test(cmd_decode, hex_lines_give_an_object_each)
{
	check(NULL, HEX(HEARTBEAT "\n" HEARTBEAT "\n"), false, 0, 2, 0);
	check("--hex", HEX(HEARTBEAT "\n" HEARTBEAT), true, 0, 2, 0);
	check("-", HEX(HEARTBEAT "\n"), true, 0, 1, 0);
}

Test(cmd_decode, blanks_comments_and_line_breaks_inside_a_frame_are_allowed)
{
	check(NULL, HEX("# a capture, 采集\r\n7E 00 02 00 00 01 23\r\n 45 67 89 01 00 00 8A 7e # heartbeat\r\n\r\n"),
	      false, 0, 1, 0);
}

Test(cmd_decode, raw_bytes_are_told_from_hex)
{
	struct buf raw = buf_init(256);
	cr_assert_eq(hex_decode(&raw, span_of_string(HEARTBEAT HEARTBEAT)), STATUS_OK);
	check(NULL, buf_view(&raw), false, 0, 2, 0);
	check("--raw", buf_view(&raw), true, 0, 2, 0);
	buf_deinit(&raw);
}

Test(cmd_decode, frames_set_off_by_e7_are_understood_beside_the_others)
{
	struct outcome o = run(NULL, HEX(HEARTBEAT "\ne70002000001234567890100008ae7\n" HEARTBEAT "\n"), false);
	cr_assert_eq(o.exit_status, 0);
	cr_assert_eq(o.lines, 3);
	cr_assert_eq(buf_append_u8(&o.text, 0), STATUS_OK);
	const char *at = strstr((const char *)o.text.data, "\"framing\":\"private\"");
	cr_assert_not_null(at);
	cr_assert_null(strstr(at + 1, "\"framing\""));
	buf_deinit(&o.text);
	check(NULL, HEX("e70002000001234567890100008be7\n" HEARTBEAT "\n"), false, 1, 2, 1);
}

Test(cmd_decode, a_refused_frame_is_told_and_the_next_is_read)
{
	check(NULL, HEX(BAD_SUM "\n" HEARTBEAT "\n"), false, 1, 2, 1);
}

Test(cmd_decode, a_bad_line_costs_itself)
{
	check("--hex", HEX("7e00zz\n" HEARTBEAT "\n"), false, 1, 3, 2);
	check(NULL, HEX(HEARTBEAT "\n7e7\n" HEARTBEAT "\n"), false, 1, 3, 1);
}

Test(cmd_decode, bytes_outside_of_frames_and_a_cut_end_are_told)
{
	check(NULL, HEX("aabbcc\n" HEARTBEAT "\n"), false, 1, 2, 1);
	check(NULL, HEX("00020000012345678901\n"), false, 1, 1, 1);
	check(NULL, HEX(HEARTBEAT "\n7e00020000\n"), false, 1, 2, 1);
}

Test(cmd_decode, nothing_in_nothing_out)
{
	check(NULL, HEX(""), false, 0, 0, 0);
	check(NULL, HEX("# only a comment\n"), false, 0, 0, 0);
}

Test(cmd_decode, wrong_usage_and_a_missing_file_end_with_2, .init = cr_redirect_stderr)
{
	char *nothing[] = {"decode", NULL};
	char *other[] = {"decode", "jt999", NULL};
	char *option[] = {"decode", "jt808", "--xml", NULL};
	char *two[] = {"decode", "jt808", "a", "b", NULL};
	char *missing[] = {"decode", "jt808", "/nonexistent/file", NULL};
	char *is_folder[] = {"decode", "jt808", "/", NULL};
	cr_assert_eq(cmd_decode(1, nothing), 2);
	cr_assert_eq(cmd_decode(2, other), 2);
	cr_assert_eq(cmd_decode(3, option), 2);
	cr_assert_eq(cmd_decode(4, two), 2);
	cr_assert_eq(cmd_decode(3, missing), 2);
	cr_assert_eq(cmd_decode(3, is_folder), 2);
}

/* longer than the chunks it is read in, so that frames lie across their borders, in hex and raw */
Test(cmd_decode, frames_across_chunks_are_whole)
{
	enum { FRAMES = 20000 };
	struct buf hex = buf_init(4u << 20), raw = buf_init(4u << 20);
	for (int i = 0; i < FRAMES; i++)
		cr_assert_eq(buf_append(&hex, HEARTBEAT "\n", sizeof HEARTBEAT), STATUS_OK);
	for (int i = 0; i < FRAMES; i++)
		cr_assert_eq(hex_decode(&raw, span_of_string(HEARTBEAT)), STATUS_OK);
	check(NULL, buf_view(&hex), false, 0, FRAMES, 0);
	check(NULL, buf_view(&raw), false, 0, FRAMES, 0);
	buf_deinit(&hex);
	buf_deinit(&raw);
}

Test(cmd_decode, the_recorded_frames_are_all_told)
{
	FILE *f = fopen(TESTS_DIR "/golden/jt808/vectors.tsv", "r");
	struct buf hex = buf_init(1u << 20);
	char *line = NULL;
	size_t room = 0;
	cr_assert_not_null(f);
	while (getline(&line, &room, f) > 0) {
		char *rest = line;
		strsep(&rest, "\t");
		if (line[0] != '#')
			cr_assert_eq(buf_printf(&hex, "%s\n", strsep(&rest, "\t")), STATUS_OK);
	}
	free(line);
	fclose(f);
	/* 18 rows hold positions beyond the pole */
	check(NULL, buf_view(&hex), false, 1, 253, 18);
	buf_deinit(&hex);
}
