/* sites_world.h -- an engine with the listeners of a sites file, and cases of tests/golden to send to them. */
#ifndef ZAYTON_TESTS_SITES_WORLD_H
#define ZAYTON_TESTS_SITES_WORLD_H

#include "engine/fleet/engine.h"
#include "ingest/sites/sites.h"

/* Devices of the goldens, listed; any port. */
#define SITES_TEXT                                                                                                     \
	"fire gb26875 127.0.0.1:0\n"                                                                                   \
	"water hj212 127.0.0.1:0\n"                                                                                    \
	"rain sl651 127.0.0.1:0\n"                                                                                     \
	"device fire 2712847316 HOSPITAL\n"                                                                            \
	"device fire 0 SCHOOL\n"                                                                                       \
	"device water 010000A8900016F000169DC0 OUTFALL pw=100000\n"                                                    \
	"device rain 0012345678 BRIDGE\n"                                                                              \
	"device rain 0011223344 RIVER pw=03e8\n"                                                                       \
	"device rain 9876543210 DAM\n"                                                                                 \
	"quantity water w01018 cod unit=mg/L\n"

struct world {
	char dir[64];
	struct engine *engine;
	struct sites_config *config;
	struct sites *sites;
};
/* `live`: the engine runs, and the listeners are open. */
void world_open(struct world *w, const char *text, bool live);
void world_close(struct world *w);
/* Wire bytes of a golden case; the caller's to deinit. */
struct buf wire_of(const char *protocol, const char *name);
/* Values of a stream, from what was made durable. */
size_t values_of(struct world *w, const char *site, const char *quantity);
/* The value that stands last: a number as text, or a state's text. */
const char *last_of(struct world *w, const char *site, const char *quantity, uint8_t *quality, int64_t *time_ms);

/* A connection to a listener. Reading waits until there are `size` bytes; false when it ended before. */
int dial(struct world *w, const char *listener);
void send_all(int fd, struct span bytes);
bool receive(int fd, void *out, size_t size);
/* Whether the other side has closed. */
bool ended(int fd);

#endif
