/* process_cpu.h -- the CPU time of the server that a load is put on. */
#ifndef ZAYTON_BENCH_PROCESS_CPU_H
#define ZAYTON_BENCH_PROCESS_CPU_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* User and system time of a process so far, ms; ends the program when there is no such process. */
static inline int64_t cpu_ms(int pid)
{
	char path[64];
	unsigned long user = 0, system = 0;
	snprintf(path, sizeof path, "/proc/%d/stat", pid);
	FILE *f = fopen(path, "r");
	if (!f || fscanf(f, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2) {
		perror(path);
		exit(1);
	}
	fclose(f);
	return (int64_t)(user + system) * 1000 / sysconf(_SC_CLK_TCK);
}

#endif
