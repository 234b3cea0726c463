/* powercut_drive.h -- for drivers: run a program under the shim, once to count its syncs, then cut at each.
 *
 *     struct powercut_run run = {.shim = ..., .dir = ..., .shadow = ..., .argv = {...}};
 *     long syncs = powercut_count(&run);
 *     for (run.at = 1; run.at <= syncs; run.at++)
 *             powercut_run(&run);      // dir and shadow are made anew; then look at run.shadow
 */
#ifndef ZAYTON_TESTS_CRASH_POWERCUT_DRIVE_H
#define ZAYTON_TESTS_CRASH_POWERCUT_DRIVE_H

#include <stdbool.h>

struct powercut_run {
	const char *shim;   /* path of libpowercut.so; NULL: no shim, what is left is `dir` itself */
	const char *crash;  /* NULL, or ZAYTON_CRASH: a named point at which the program is killed */
	const char *dir;    /* given to the program; removed and made before each run */
	const char *shadow; /* what the disk holds afterwards */
	const char *before; /* NULL, or a folder that `dir` is a copy of when the program starts */
	const char *const *argv;
	long at;       /* 0: no cut */
	bool after;    /* the sync is done, its caller was not told */
	bool as_ext4;  /* POWERCUT_STRICT=0 */
	unsigned torn; /* seed, 0: none */
};

/* Exit status of the program, or 128 + signal. Exits the driver with a message when it cannot be run. */
int powercut_run(const struct powercut_run *run);
/* Runs to the end, which must be exit status 0; returns the number of syncs. */
long powercut_count(const struct powercut_run *run);
/* Folders, with everything in them. */
void folder_remove(const char *path);
void folder_copy(const char *from, const char *to);

#endif
