#include "tests/crash/powercut_drive.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/crash/powercut.h"

static void give_up(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(3);
}

static void set_number(const char *name, long value)
{
	char text[32];
	snprintf(text, sizeof text, "%ld", value);
	setenv(name, text, 1);
}

static void exec_program(const struct powercut_run *run, const char *count_path)
{
	if (run->shim)
		setenv("LD_PRELOAD", run->shim, 1);
	if (run->crash)
		setenv("ZAYTON_CRASH", run->crash, 1);
	setenv(POWERCUT_DIR, run->dir, 1);
	setenv(POWERCUT_SHADOW, run->shadow, 1);
	set_number(POWERCUT_AT, run->at);
	setenv(POWERCUT_WHEN, run->after ? "after" : "before", 1);
	setenv(POWERCUT_STRICT, run->as_ext4 ? "0" : "1", 1);
	if (run->torn)
		set_number(POWERCUT_TORN, run->torn);
	if (count_path)
		setenv(POWERCUT_COUNT, count_path, 1);
	execv(run->argv[0], (char *const *)(unsigned long)run->argv);
	give_up(run->argv[0]);
}

static int start(const struct powercut_run *run, const char *count_path)
{
	folder_remove(run->dir);
	folder_remove(run->shadow);
	if (run->before)
		folder_copy(run->before, run->dir);
	else if (mkdir(run->dir, 0755) != 0)
		give_up(run->dir);
	fflush(NULL);
	pid_t pid = fork();
	if (pid < 0)
		give_up("fork");
	if (pid == 0)
		exec_program(run, count_path);
	int state;
	while (waitpid(pid, &state, 0) < 0)
		if (errno != EINTR)
			give_up("waitpid");
	return WIFSIGNALED(state) ? 128 + WTERMSIG(state) : WEXITSTATUS(state);
}

int powercut_run(const struct powercut_run *run)
{
	return start(run, NULL);
}

long powercut_count(const struct powercut_run *run)
{
	char path[PATH_MAX];
	struct powercut_run whole = *run;
	long count = 0;
	snprintf(path, sizeof path, "%s.count", run->shadow);
	whole.at = 0;
	int status = start(&whole, path);
	FILE *f = fopen(path, "r");
	if (status != 0 || !f || fscanf(f, "%ld", &count) != 1) {
		fprintf(stderr, "%s under the shim ended with %d\n", run->argv[0], status);
		exit(3);
	}
	fclose(f);
	unlink(path);
	return count;
}

/* --- folders --- */

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

void folder_remove(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;
	if (!d)
		return;
	while ((e = readdir(d))) {
		char child[PATH_MAX];
		if (is_dots(e->d_name))
			continue;
		snprintf(child, sizeof child, "%s/%s", path, e->d_name);
		if (unlink(child) != 0)
			folder_remove(child);
	}
	closedir(d);
	rmdir(path);
}

static void file_copy(const char *from, const char *to)
{
	FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
	char bytes[65536];
	size_t n;
	if (!in || !out)
		give_up(from);
	while ((n = fread(bytes, 1, sizeof bytes, in)) > 0)
		if (fwrite(bytes, 1, n, out) != n)
			give_up(to);
	fclose(in);
	if (fclose(out) != 0)
		give_up(to);
}

void folder_copy(const char *from, const char *to)
{
	DIR *d = opendir(from);
	struct dirent *e;
	if (!d || mkdir(to, 0755) != 0)
		give_up(from);
	while ((e = readdir(d))) {
		char a[PATH_MAX], b[PATH_MAX];
		struct stat st;
		if (is_dots(e->d_name))
			continue;
		snprintf(a, sizeof a, "%s/%s", from, e->d_name);
		snprintf(b, sizeof b, "%s/%s", to, e->d_name);
		if (stat(a, &st) == 0 && S_ISDIR(st.st_mode))
			folder_copy(a, b);
		else
			file_copy(a, b);
	}
	closedir(d);
}
