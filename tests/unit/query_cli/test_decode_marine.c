#include <criterion/criterion.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/core/bytes.h"
#include "query/cli/cli.h"

static char folder[64], input[96], output[96];

static void folder_make(void)
{
	snprintf(folder, sizeof folder, "/tmp/zayton-marine-XXXXXX");
	cr_assert_not_null(mkdtemp(folder));
	snprintf(input, sizeof input, "%s/in", folder);
	snprintf(output, sizeof output, "%s/out", folder);
}

static void folder_remove(void)
{
	unlink(input);
	unlink(output);
	rmdir(folder);
}
TestSuite(decode_marine, .init = folder_make, .fini = folder_remove);

/* The objects that `text` gives, as an array; the exit status in `*out_exit`. */
static json_t *decode(char *kind, const char *text, char *option, char *value, int *out_exit)
{
	char *argv[] = {"decode", kind, input, option, value};
	FILE *f = fopen(input, "wb");
	cr_assert_eq(fwrite(text, 1, strlen(text), f), strlen(text));
	fclose(f);
	fflush(stdout);
	int saved = dup(STDOUT_FILENO), out = open(output, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	dup2(out, STDOUT_FILENO);
	close(out);
	*out_exit = cmd_decode(option ? 5 : 3, argv);
	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	json_t *list = json_array();
	char line[16384];
	f = fopen(output, "r");
	while (fgets(line, sizeof line, f)) {
		json_t *object = json_loads(line, 0, NULL);
		cr_assert_not_null(object, "%s", line);
		json_array_append_new(list, object);
	}
	fclose(f);
	return list;
}

static const char *text_at(json_t *list, size_t i, const char *a, const char *b)
{
	json_t *v = json_object_get(json_array_get(list, i), a);
	return json_string_value(b ? json_object_get(v, b) : v);
}

Test(decode_marine, a_message_in_two_parts_and_a_refusal)
{
	int exit_status;
	json_t *l = decode("ais",
			   "# a capture\n"
			   "!AIVDM,2,1,7,A,53aGulD0000000c7?0918Tq<E>0<Q8U=@Tp400155P:22uG`002ShTj0,0*05\r\n"
			   "!AIVDM,2,2,7,A,EQC`4Sm51A0C@08,2*50\r\n\r\n"
			   "!AIVDM,1,1,,B,13nUgBWP01PkHvDU7<kC4wvJ2>`<,0*28\n"
			   "!AIVDM,1,1,,B,13nUgBWP01PkHvDU7<kC4wvJ2>`<,0*27",
			   NULL, NULL, &exit_status);
	cr_assert_eq(exit_status, 1);
	cr_assert_eq(json_array_size(l), 4);
	cr_assert(json_is_true(json_object_get(json_array_get(l, 0), "waiting")));
	cr_assert_str_eq(text_at(l, 1, "message", "name"), "PRINSES CHRISTINA");
	cr_assert_str_eq(text_at(l, 1, "message", "mmsi"), "244710865");
	cr_assert_str_eq(text_at(l, 2, "refused", NULL), "BAD_CHECKSUM");
	cr_assert_eq(json_integer_value(json_object_get(json_array_get(l, 2), "line")), 5);
	json_t *m = json_object_get(json_array_get(l, 3), "message");
	cr_assert_str_eq(json_string_value(json_object_get(m, "status_name")), "engaged in fishing");
	cr_assert(json_is_null(json_object_get(m, "heading_deg")), "not available is null");
	cr_assert(json_is_null(json_object_get(m, "turn_deg_min")));
	cr_assert_float_eq(json_real_value(json_object_get(m, "speed_kn")), 0.1, 1e-9);
	json_decref(l);
}

Test(decode_marine, a_message_that_is_never_completed_is_told)
{
	int exit_status;
	json_t *l = decode("ais", "!AIVDM,2,1,7,A,53aGulD0000000c7?0918Tq<E>0<Q8U=@Tp400155P:22uG`002ShTj0,0*05\n",
			   NULL, NULL, &exit_status);
	cr_assert_eq(exit_status, 1);
	cr_assert_eq(json_array_size(l), 2);
	cr_assert_str_eq(text_at(l, 1, "refused", NULL), "NEED_MORE");
	json_decref(l);
}

Test(decode_marine, nmea_and_sentences_nobody_knows)
{
	int exit_status;
	json_t *l = decode("nmea", "$GNRMC,074150.799,V,,,,,,,250215,,,N*52\n$CCICA,0,00*7B\n$PXYZ,1*16\n", NULL, NULL,
			   &exit_status);
	cr_assert_eq(exit_status, 0);
	cr_assert(json_is_false(json_object_get(json_array_get(l, 2), "known")));
	cr_assert_str_eq(text_at(l, 0, "date", NULL), "2015-02-25");
	cr_assert(json_is_null(json_object_get(json_array_get(l, 0), "lat")));
	cr_assert_str_eq(text_at(l, 1, "what", NULL), "card asked for");
	json_decref(l);
}

Test(decode_marine, a_payload_by_its_codec)
{
	int exit_status;
	json_t *l = decode("beidou", "$BDTXR,1,0123456,1,1530,017A6B000711B140*37\n", "--codec",
			   "acme big lat=0:4:e6 lon=4:4:e6", &exit_status);
	cr_assert_eq(json_array_size(l), 1);
	cr_assert_eq(exit_status, 0, "%s", text_at(l, 0, "reason", NULL));
	json_t *p = json_array_get(json_object_get(json_array_get(l, 0), "points"), 0);
	cr_assert_float_eq(json_real_value(json_object_get(p, "lat")), 24.8, 1e-4);
	json_decref(l);
}

Test(decode_marine, a_wrong_command_line_is_2)
{
	char *codec[] = {"decode", "beidou", "--codec", "x"};
	char *option[] = {"decode", "ais", "--hex"};
	char *missing[] = {"decode", "ais", "/nonexistent/file"};
	cr_assert_eq(cmd_decode(4, codec), 2);
	cr_assert_eq(cmd_decode(3, option), 2);
	cr_assert_eq(cmd_decode(3, missing), 2);
}
