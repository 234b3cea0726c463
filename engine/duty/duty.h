/* duty.h -- the duty room (值班室) as others see it: what it keeps, opened once beside the engine, and its clock.
 *
 *   duty_open ─ duty_start: a thread ── once a second ──> alarms_run, boat_messages_run ─ duty_stop ─ duty_close
 *
 * Open after the engine, stop before it stops, close before it closes. Threads: any but an event loop. */
#ifndef ZAYTON_DUTY_H
#define ZAYTON_DUTY_H

#include "engine/duty/alarms.h"
#include "engine/duty/boat_messages.h"
#include "engine/duty/incidents.h"
#include "engine/duty/roll_call.h"
#include "engine/duty/shift_log.h"
#include "engine/duty/warnings.h"

struct duty;

/* `*out` borrows the engine; `policies` are its own from now on, NULL: those shipped. STATUS_CORRUPT,
 * STATUS_BAD_VERSION: a row cannot be read. */
STATUS_CHECKED enum status duty_open(struct engine *e, struct alarm_policies *policies, bool read_only,
				     struct duty **out);
STATUS_CHECKED enum status duty_start(struct duty *d);
/* Joins the thread, if there is one. NULL is allowed. */
void duty_stop(struct duty *d);
/* NULL is allowed. */
void duty_close(struct duty *d);

struct engine *duty_engine(struct duty *d);
struct headcounts *duty_headcounts(struct duty *d);
struct alarms *duty_alarms(struct duty *d);
struct shift_log *duty_shift_log(struct duty *d);
struct warnings *duty_warnings(struct duty *d);
struct incidents *duty_incidents(struct duty *d);
struct boat_messages *duty_boat_messages(struct duty *d);

/* Hand the shift over: the entry is filled with what it leaves and how fast alarms were acknowledged on it. `who`,
 * `unit`, `to`, `text` and `at_ms` are given; as shift_log_add(). */
STATUS_CHECKED enum status duty_hand_over(struct duty *d, struct shift_entry *e);
/* Lines of Prometheus text. */
STATUS_CHECKED enum status duty_metrics(struct duty *d, struct buf *out);

#endif
