/* crash.h -- named points at which a test may end the process as a power cut or `kill -9` would.
 *
 * In a build with ZAYTON_CRASH_POINTS the variable ZAYTON_CRASH="name:n" raises SIGKILL at the n-th
 * pass of `name`. In every other build a point is nothing. */
#ifndef ZAYTON_CORE_CRASH_H
#define ZAYTON_CORE_CRASH_H

#ifdef ZAYTON_CRASH_POINTS
void crash_point(const char *name);
#else
#define crash_point(name) ((void)0)
#endif

#endif
