/* duty.h -- the duty room (值班室) as others see it: what it keeps, opened once beside the engine.
 *
 * Open after the engine, close before it. Threads: any but an event loop. */
#ifndef ZAYTON_DUTY_H
#define ZAYTON_DUTY_H

#include "engine/duty/roll_call.h"

struct duty;

/* `*out` borrows the engine. STATUS_CORRUPT, STATUS_BAD_VERSION: a row cannot be read. */
STATUS_CHECKED enum status duty_open(struct engine *e, struct duty **out);
/* NULL is allowed. */
void duty_close(struct duty *d);

struct engine *duty_engine(struct duty *d);
struct headcounts *duty_headcounts(struct duty *d);

#endif
