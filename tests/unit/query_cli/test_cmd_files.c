/* The commands that carry tracks in and out, run as the program runs them, on stores in a temporary folder. */
#include <criterion/criterion.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/core/bytes.h"
#include "query/cli/cli.h"

static char folder[64];

static void make_folder(void)
{
	snprintf(folder, sizeof folder, "/tmp/zayton-files-XXXXXX");
	cr_assert(mkdtemp(folder) != NULL);
	cr_assert(chdir(folder) == 0);
	cr_assert(freopen("stdout", "w", stdout) && freopen("stderr", "w", stderr));
}

static int remove_one(const char *path, const struct stat *seen, int kind, struct FTW *at)
{
	(void)seen, (void)kind, (void)at;
	return remove(path);
}

static void remove_folder(void)
{
	cr_assert(chdir("/") == 0);
	nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

TestSuite(cmd_files, .init = make_folder, .fini = remove_folder);

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");
	cr_assert(f && fputs(text, f) >= 0 && fclose(f) == 0);
}

/* The whole file, NUL-terminated; the caller frees. */
static char *read_file(const char *path)
{
	struct buf b = buf_init(64u << 20);
	FILE *f = fopen(path, "r");
	char piece[4096];
	size_t n;
	cr_assert(f != NULL, "%s", path);
	while ((n = fread(piece, 1, sizeof piece, f)))
		cr_assert(buf_append(&b, piece, n) == STATUS_OK);
	fclose(f);
	cr_assert(buf_append_u8(&b, 0) == STATUS_OK);
	return (char *)b.data;
}

/* Run a command from its words; what it prints is in the files "stdout" and "stderr". */
static int run(int (*command)(int, char **), char *words)
{
	char *argv[32];
	int argc = 0;
	cr_assert(freopen("stdout", "w", stdout) && freopen("stderr", "w", stderr));
	for (char *word = strtok(words, " "); word; word = strtok(NULL, " "))
		argv[argc++] = word;
	argv[argc] = NULL;
	int code = command(argc, argv);
	fflush(stdout);
	fflush(stderr);
	return code;
}
/* strtok writes: each call has a copy of its own */
#define RUN(command, words) run(command, (char[]){words})

static void expect_in(const char *path, const char *part)
{
	char *text = read_file(path);
	cr_assert(strstr(text, part) != NULL, "\"%s\" is not in %s:\n%s", part, path, text);
	free(text);
}

static void expect_empty(const char *path)
{
	char *text = read_file(path);
	cr_assert(*text == 0, "%s:\n%s", path, text);
	free(text);
}

static void expect_same(const char *a, const char *b)
{
	char *x = read_file(a), *y = read_file(b);
	cr_assert(strlen(x) > 0 && strcmp(x, y) == 0, "%s:\n%s\n%s:\n%s", a, x, b, y);
	free(x);
	free(y);
}

/* `rows` rows of three trucks, out of order, every tenth doubled. */
static void write_tracks(const char *path, int rows)
{
	FILE *f = fopen(path, "w");
	cr_assert(f != NULL);
	fprintf(f, "device,time,lat,lon,speed,course,altitude,alarm,status,mileage\n");
	for (int i = 0; i < rows; i++) {
		int at = i ^ 5;
		for (int twice = i % 10 == 0; twice >= 0; twice--)
			fprintf(f, "truck %d,%d,24.%06d,118.%06d,%d.%d,%d,%d,0,3,%d.%d\n", at % 3, 1780000000 + at * 10,
				at * 13, at * 17, at % 90, at % 10, at % 360, at % 50, at / 10, at % 10);
	}
	cr_assert(fclose(f) == 0);
}

#define SPAN " --from 2000-01-01 --to 2099-01-01"

Test(cmd_files, tracks_of_a_csv_come_out_as_they_went_in_whatever_the_way)
{
	write_tracks("in.csv", 3000);
	cr_assert(RUN(cmd_import, "import tracks in.csv --data a --class muck") == 0);
	expect_in("stdout", "3300");
	cr_assert(RUN(cmd_export, "export tracks --data a --device all -o a.csv" SPAN) == 0);
	expect_in("stderr", "3000 reports of 3 devices");
	cr_assert(RUN(cmd_import, "import tracks in.csv --data a") == 0, "again, from the beginning");
	cr_assert(RUN(cmd_export, "export tracks --data a --device all -o b.csv" SPAN) == 0);
	expect_same("a.csv", "b.csv");
	cr_assert(RUN(cmd_import, "import tracks a.csv --data a") == 0, "known ids stand for their devices");
	cr_assert(RUN(cmd_export, "export tracks --data a --device all -o c.csv" SPAN) == 0);
	expect_same("a.csv", "c.csv");
}

Test(cmd_files, an_import_that_is_gone_on_with_doubles_and_loses_nothing)
{
	write_tracks("in.csv", 1000);
	cr_assert(RUN(cmd_import, "import tracks in.csv --data a") == 0);
	cr_assert(RUN(cmd_import, "import tracks in.csv --data a --resume") == 0);
	expect_in("stdout", "before 此前已读     1100");
	expect_in("stdout", "rows 行             0\n");
	cr_assert(RUN(cmd_import, "import tracks in.csv --data b --resume") == 0,
		  "nothing to go on with: from the start");
	cr_assert(RUN(cmd_export, "export tracks --data a --device all -o a.csv" SPAN) == 0);
	cr_assert(RUN(cmd_export, "export tracks --data b --device all -o b.csv" SPAN) == 0);
	expect_same("a.csv", "b.csv");
}

Test(cmd_files, refused_rows_are_listed_by_line_and_the_rest_is_taken)
{
	write_file("in.csv",
		   "device,time,lat,lon\na,1780000000,24,118\na,x,24,118\na,1780000010,95,118\na,1780000020,24,118\n");
	cr_assert(RUN(cmd_import, "import tracks in.csv --data a") == 1);
	expect_in("stderr", "line 3: time: not a valid time: \"x\"");
	expect_in("stderr", "line 4: lat: value out of range: \"95\"");
	cr_assert(RUN(cmd_query, "query track --data a --device name:a --format csv" SPAN) == 0);
	char *text = read_file("stdout");
	int lines = 0;
	for (char *p = text; (p = strchr(p, '\n')); p++)
		lines++;
	cr_assert(lines == 3, "a header and two rows: %s", text);
	free(text);
}

Test(cmd_files, frames_come_out_as_the_bodies_that_went_in)
{
	/* 0x0200 of two terminals, 2013 and 2019 headers; the second line with its time of receipt */
	write_file(
		"in.hex",
		"7E02000022017299841738000000002A5A000074280000A3E50000DB4FBC732711012C200512121259010400313233107E\n"
		"1780000000250 7E02000022012345678901000000002A5A000074280000A3E50000DB4FBC732711012C200512121259010400"
		"313233D97E\n");
	cr_assert(RUN(cmd_import, "import tracks in.hex --data a") == 0);
	cr_assert(RUN(cmd_export, "export tracks --data a --device phone:17299841738 --format jt808 -o a.hex" SPAN) ==
		  0);
	char *frames = read_file("a.hex");
	cr_assert(strcasestr("7E02000022017299841738000000002A5A000074280000A3E50000DB4FBC732711012C200512121259010400"
			     "313233107E\n",
			     frames) != NULL,
		  "%s", frames);
	free(frames);
	cr_assert(RUN(cmd_export, "export tracks --data a --device all --format jt808 -o all.hex" SPAN) == 0);
	expect_in("all.hex", "1780000000250 7e0200");
	cr_assert(RUN(cmd_import, "import tracks all.hex --data b") == 0);
	cr_assert(RUN(cmd_export, "export tracks --data b --device all --format jt808 -o b.hex" SPAN) == 0);
	expect_same("all.hex", "b.hex");
}

Test(cmd_files, gpx_goes_out_and_comes_back)
{
	write_file("in.csv", "device,time,lat,lon,speed,course,altitude\n"
			     "a,1780000000,24.5,118.5,36.5,359,12\na,1780000010,-24.6,-118.6,,,\n");
	cr_assert(RUN(cmd_import, "import tracks in.csv --data a") == 0);
	cr_assert(RUN(cmd_export, "export tracks --data a --device name:a --format gpx -o a.gpx" SPAN) == 0);
	cr_assert(RUN(cmd_import, "import tracks a.gpx --data b") == 0);
	cr_assert(RUN(cmd_export, "export tracks --data a --device all -o a.csv" SPAN) == 0);
	cr_assert(RUN(cmd_export, "export tracks --data b --device all -o b.csv" SPAN) == 0);
	expect_same("a.csv", "b.csv");
}

Test(cmd_files, a_table_of_devices_makes_terminals_that_can_be_asked_for)
{
	write_file(
		"in.csv",
		"终端手机号,车牌颜色,车牌号,车辆类别,所属企业\n13900000001,黄,闽C12345,渣土车,泉运\n,黄,闽C1,渣土车,\n"
		"13900000002,黄,闽C12345,渣土车,泉运\n");
	cr_assert(RUN(cmd_import, "import devices in.csv --check") == 1);
	cr_assert(RUN(cmd_import, "import devices in.csv --data a --from always") == 1);
	expect_in("stderr", "行 3");
	expect_in("stderr", "行 4: a value that names one device only");
	cr_assert(RUN(cmd_query, "query devices --data a --format csv") == 0);
	expect_in("stdout", "闽C12345");
	expect_in("stdout", "muck");
	cr_assert(RUN(cmd_query, "query last --data a --device plate:2:闽C12345") == 1, "it has not reported yet");
}

/* The number before `unit` in what `info a` prints of memory. */
static unsigned long long memory_of(const char *unit)
{
	cr_assert(RUN(cmd_info, "info a") == 0);
	char *text = read_file("stdout"), *at = strstr(text, "memory");
	at = at ? strstr(at, unit) : NULL;
	cr_assert(at != NULL, "%s", text);
	while (at > text && (at[-1] == ' ' || (at[-1] >= '0' && at[-1] <= '9')))
		at--;
	unsigned long long bytes = strtoull(at, NULL, 10);
	free(text);
	return bytes;
}

Test(cmd_files, info_says_what_heads_and_registry_take)
{
	write_file("in.csv", "device,time,lat,lon\na,1780000000,24.5,118.5\n");
	cr_assert(RUN(cmd_import, "import tracks in.csv --data a") == 0);
	unsigned long long registry = memory_of("of the registry");
	cr_assert(registry > 0 && memory_of("bytes of heads") > 0);
	write_file("more.csv", "device,time,lat,lon\nb,1780000000,24.5,118.5\nc,1780000000,24.5,118.5\n");
	cr_assert(RUN(cmd_import, "import tracks more.csv --data a") == 0);
	cr_assert(memory_of("of the registry") > registry);
}

Test(cmd_files, who_was_somewhere_is_asked_of_a_store_for_a_case)
{
	write_file("in.csv",
		   "device,time,lat,lon\na,1780000000,24,118\na,1780000010,24.5,118.5\na,1780000020,24.51,118.5\n"
		   "a,1780000030,24,118\nb,1780000000,24,118\n");
	write_file("area.json", "{\"type\":\"Feature\",\"geometry\":{\"type\":\"Polygon\",\"coordinates\":"
				"[[[118.4,24.4],[118.6,24.4],[118.6,24.6],[118.4,24.4]]]}}");
	write_file("bow.json", "{\"type\":\"Polygon\",\"coordinates\":[[[1,1],[2,2],[2,1],[1,2],[1,1]]]}");
	cr_assert(RUN(cmd_import, "import tracks in.csv --data a") == 0);
	cr_assert(RUN(cmd_query, "query who-was --data a --polygon area.json --case 2026-1 --crossings" SPAN) == 0);
	expect_in("stdout", "\"name\":\"a\",\"reports\":1,");
	expect_in("stdout", "\"enters\":true},");
	expect_in("stdout", "\"enters\":false}],\"crossings_total\":2}\n");
	cr_assert(RUN(cmd_query,
		      "query who-was --data a --point 118.5,24.5 --within 2000 --case 2026-1 --format json" SPAN) == 0);
	expect_in("stdout", "{\"devices\":[{");
	expect_in("stdout", "\"reports\":2,");
	cr_assert(RUN(cmd_query, "query who-was --data a --polygon area.json" SPAN) == 2, "no case");
	write_file("line.json", "{\"type\":\"LineString\",\"coordinates\":[[118.49,24.4],[118.49,24.6]]}");
	cr_assert(RUN(cmd_query, "query who-was --data a --geometry line.json --within 1100 --case 1" SPAN) == 0);
	expect_in("stdout", "\"name\":\"a\",\"reports\":2,");
	cr_assert(RUN(cmd_query,
		      "query who-was --data a --geometry line.json --within 500 --half-width 400 --case 1" SPAN) == 0);
	expect_empty("stdout");
	cr_assert(RUN(cmd_query, "query who-was --data a --geometry line.json --case 1" SPAN) == 1, "how near?");
	cr_assert(RUN(cmd_query, "query who-was --data a --polygon area.json --within 5x --case 1" SPAN) == 2);
	cr_assert(RUN(cmd_query, "query who-was --data a --point 118.5,24.5 --case 1" SPAN) == 2);
	cr_assert(RUN(cmd_query, "query who-was --data a --polygon bow.json --case 1" SPAN) == 1);
	expect_in("stderr", "bow.json: geometry: ");
	cr_assert(RUN(cmd_query, "query who-was --data a --polygon none.json --case 1" SPAN) == 2);
}

Test(cmd_files, what_is_wrong_on_the_command_line_is_named)
{
	write_file("in.csv", "device,time,lat,lon\n");
	cr_assert(RUN(cmd_import, "import tracks in.csv") == 2);
	cr_assert(RUN(cmd_import, "import tracks in.csv --data a --crs gcj02") == 2);
	expect_in("stderr", "--crs gcj02");
	cr_assert(RUN(cmd_import, "import tracks in.csv --data a --zone 8") == 2);
	cr_assert(RUN(cmd_import, "import tracks in.csv --data a --columns lat=y") == 1);
	expect_in("stderr", "there is no column \"y\" for lat");
	cr_assert(RUN(cmd_import, "import tracks none.csv --data a") == 1);
	expect_in("stderr", "none.csv: not found");
	cr_assert(RUN(cmd_export, "export tracks --data a --device x --from yesterday") == 2);
	cr_assert(RUN(cmd_export, "export tracks --data none --device x --from 2026-01-01") == 1);
	cr_assert(RUN(cmd_query, "query last") == 2);
	cr_assert(RUN(cmd_query, "query last --data a --server http://x") == 2);
	cr_assert(RUN(cmd_query, "query last --server https://x") == 2);
}
