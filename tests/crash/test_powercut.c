/* test_powercut.c -- the shim against a script whose every state on disk is written down here.
 *
 *   test_powercut script DIR     the program under the shim
 *   test_powercut SHIM WORK      the driver: cuts at every sync, before and after, and looks at the shadow */
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/crash/powercut_drive.h"

#define REQUIRE(condition)                                                                                             \
	do {                                                                                                           \
		if (!(condition)) {                                                                                    \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                \
			exit(1);                                                                                       \
		}                                                                                                      \
	} while (0)

/* --- the script --- */

static void write_text(int fd, const char *text)
{
	REQUIRE(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
}

static int script(const char *dir)
{
	REQUIRE(chdir(dir) == 0);
	int folder = open(".", O_RDONLY | O_DIRECTORY);
	int a = open("a", O_CREAT | O_WRONLY, 0644);
	write_text(a, "one");
	REQUIRE(fsync(a) == 0);      /* 1 */
	REQUIRE(fsync(folder) == 0); /* 2 */
	write_text(a, "two");
	struct iovec parts[2] = {{(void *)"th", 2}, {(void *)"ree", 3}};
	REQUIRE(pwritev(a, parts, 2, 6) == 5);
	REQUIRE(fdatasync(a) == 0); /* 3 */
	REQUIRE(pwrite(a, "ONE", 3, 0) == 3);
	int b = openat(folder, "b.new", O_CREAT | O_RDWR, 0644);
	write_text(b, "content");
	REQUIRE(fsync(b) == 0); /* 4 */
	REQUIRE(rename("b.new", "b") == 0);
	REQUIRE(mkdir("inner", 0755) == 0);
	int inner = open("inner", O_RDONLY | O_DIRECTORY);
	int c = openat(inner, "c", O_CREAT | O_RDWR, 0644);
	write_text(c, "deep");
	REQUIRE(fsync(c) == 0);      /* 5 */
	REQUIRE(fsync(inner) == 0);  /* 6 */
	REQUIRE(fsync(folder) == 0); /* 7 */
	REQUIRE(ftruncate(a, 2) == 0);
	REQUIRE(ftruncate(a, 5) == 0);
	REQUIRE(unlink("b") == 0);
	REQUIRE(renameat(inner, "c", inner, "d") == 0);
	REQUIRE(close(a) == 0);
	a = open("a", O_RDWR);
	REQUIRE(fsync(a) == 0); /* 8 */
	REQUIRE(unlinkat(inner, "d", 0) == 0);
	REQUIRE(fsync(inner) == 0);  /* 9 */
	REQUIRE(fsync(folder) == 0); /* 10 */
	return 0;
}

#define SYNCS 10
/* "name=content;" of every file, by name, after that many syncs. In the strict model names wait for their
 * folder; as ext4 has it, every sync takes the names before it along. Dots are zero bytes. */
static const char *const strict_states[SYNCS + 1] = {
	"",
	"",
	"a=one;",
	"a=onetwothree;",
	"a=onetwothree;",
	"a=onetwothree;",
	"a=onetwothree;",
	"a=onetwothree;b=content;inner/c=deep;",
	"a=ON...;b=content;inner/c=deep;",
	"a=ON...;b=content;",
	"a=ON...;",
};
static const char *const ext4_states[SYNCS + 1] = {
	"",
	"a=one;",
	"a=one;",
	"a=onetwothree;",
	"a=onetwothree;b.new=content;",
	"a=onetwothree;b=content;inner/c=deep;",
	"a=onetwothree;b=content;inner/c=deep;",
	"a=onetwothree;b=content;inner/c=deep;",
	"a=ON...;inner/d=deep;",
	"a=ON...;",
	"a=ON...;",
};

/* --- the driver --- */

static void describe(const char *shadow, char out[256])
{
	static const char *const names[] = {"a", "b", "b.new", "inner/c", "inner/d"};
	size_t used = 0;
	out[0] = '\0';
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		char path[PATH_MAX], text[64];
		snprintf(path, sizeof path, "%s/%s", shadow, names[i]);
		FILE *f = fopen(path, "rb");
		if (!f)
			continue;
		size_t n = fread(text, 1, sizeof text - 1, f);
		fclose(f);
		for (size_t k = 0; k < n; k++)
			text[k] = text[k] ? text[k] : '.';
		text[n] = '\0';
		used += (size_t)snprintf(out + used, 256 - used, "%s=%s;", names[i], text);
	}
}

static int failures;

static void expect_state(const struct powercut_run *run, const char *expected)
{
	char seen[256];
	describe(run->shadow, seen);
	if (strcmp(seen, expected) == 0)
		return;
	failures++;
	fprintf(stderr, "cut %s sync %ld%s: expected \"%s\", found \"%s\"\n", run->after ? "after" : "before", run->at,
		run->as_ext4 ? " (as ext4)" : "", expected, seen);
}

static void cut_everywhere(struct powercut_run run)
{
	const char *const *states = run.as_ext4 ? ext4_states : strict_states;
	long syncs = powercut_count(&run);
	REQUIRE(syncs == SYNCS);
	expect_state(&run, states[SYNCS]);
	for (run.at = 1; run.at <= syncs; run.at++) {
		run.after = false;
		REQUIRE(powercut_run(&run) == 128 + SIGKILL);
		expect_state(&run, states[run.at - 1]);
		run.after = true;
		REQUIRE(powercut_run(&run) == 128 + SIGKILL);
		expect_state(&run, states[run.at]);
	}
}

/* Before the third sync "twothree" is unsynced: the file must be seen at more lengths than one, all of them
 * prefixes. Before the eighth some bytes of "a" are old and some are new. */
static void tear(struct powercut_run run)
{
	unsigned lengths_seen = 0;
	char seen[256];
	run.at = 3;
	for (run.torn = 1; run.torn <= 40; run.torn++) {
		REQUIRE(powercut_run(&run) == 128 + SIGKILL);
		describe(run.shadow, seen);
		size_t n = strlen(seen);
		REQUIRE(n >= 6 && n <= 14 && strncmp(seen, "a=onetwothree", n - 1) == 0);
		lengths_seen |= 1u << n;
	}
	REQUIRE(__builtin_popcount(lengths_seen) >= 4);
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "script") == 0)
		return script(argv[2]);
	if (argc != 3)
		return 2;
	char dir[PATH_MAX / 2], shadow[PATH_MAX / 2], self[PATH_MAX];
	char work[PATH_MAX / 4];
	snprintf(work, sizeof work, "%s/test_powercut_XXXXXX", argv[2]);
	REQUIRE(mkdtemp(work));
	snprintf(dir, sizeof dir, "%s/dir", work);
	snprintf(shadow, sizeof shadow, "%s/shadow", work);
	REQUIRE(realpath("/proc/self/exe", self));
	const char *const program[] = {self, "script", dir, NULL};
	struct powercut_run run = {.shim = argv[1], .dir = dir, .shadow = shadow, .argv = program};
	cut_everywhere(run);
	run.as_ext4 = true;
	cut_everywhere(run);
	run.as_ext4 = false;
	tear(run);
	folder_remove(work);
	printf("%d states wrong\n", failures);
	return failures != 0;
}
