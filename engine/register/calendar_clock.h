/* calendar_clock.h -- a thread that writes down reminders and delays when they are due (calendar_tick). */
#ifndef ZAYTON_REGISTER_CALENDAR_CLOCK_H
#define ZAYTON_REGISTER_CALENDAR_CLOCK_H

#include "engine/register/calendar.h"

struct calendar_clock;
/* Looks at once and every ten minutes. STATUS_NO_MEMORY. */
STATUS_CHECKED enum status calendar_clock_start(struct calendar *c, struct calendar_clock **out);
/* NULL is allowed. Before the calendar is closed. */
void calendar_clock_stop(struct calendar_clock *k);

#endif
