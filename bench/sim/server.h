/* server.h -- `zayton serve` as a child, on ports of its own choosing. */
#ifndef ZAYTON_BENCH_SERVER_H
#define ZAYTON_BENCH_SERVER_H

#include <sys/types.h>

struct server {
	pid_t pid;
	int jt808_port, http_port;
};

/* The station that takes what boats say, over TCP. */
#define SERVER_STATION "sea"
/* Starts PROGRAM over the folder, open to every terminal and stream, and waits until it listens. `sites`: a sites file,
 * "" none. 0, or -1 with the reason told. */
int server_start(struct server *s, const char *program, const char *data, const char *sites);
/* Ends it in order; its exit status. */
int server_stop(struct server *s);

#endif
