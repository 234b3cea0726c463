/* fleet.h -- many terminals on one loop, and every acknowledged report asked back. */
#ifndef ZAYTON_BENCH_FLEET_H
#define ZAYTON_BENCH_FLEET_H

#include "bench/sim/terminal.h"

struct fleet {
	struct terminal *terminals;
	size_t count;
	struct terminal_options options;
	struct sim_counters counters;
	int http_port;
	int64_t ends_ms;                /* 0: not by the clock */
	bool (*is_done)(void *context); /* nothing more will come; NULL: never */
	void (*show)(void *context);    /* once a second; may be NULL */
	void *context;
	/* the fleet's own */
	uv_loop_t loop;
	uv_timer_t poll, second;
	uv_signal_t interrupt, terminate;
	int64_t drain_until_ms;
	bool stopping;
};

/* `count` terminals, each still to be given to terminal_init() with the fleet's options and counters. */
void fleet_init(struct fleet *f, size_t count, int jt808_port, int http_port);
/* Until `ends_ms`, `is_done`, or Ctrl-C, and until what was sent is answered. */
void fleet_run(struct fleet *f);
/* Asks for everything acknowledged between the two instants and says how much of it is there. 0: all of it, once. */
int fleet_read_back(struct fleet *f, int64_t from_ms, int64_t to_ms);
void fleet_deinit(struct fleet *f);

#endif
