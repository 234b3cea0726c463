/* township_store.h -- calendar, figures and blacklist of a store, opened and closed together. */
#ifndef ZAYTON_QUERY_TOWNSHIP_STORE_H
#define ZAYTON_QUERY_TOWNSHIP_STORE_H

#include "engine/register/calendar_clock.h"
#include "query/http/handlers_township.h"

/* `calendar_file`: the rules, "" for the shipped ones; mistakes go to the log. `hazards` stays the caller's. All of
 * `out` may be closed after a failure too. */
STATUS_CHECKED enum status township_open(struct store *s, struct hazards *hazards, const char *calendar_file,
					 struct township *out);
void township_close(struct township *t);

#endif
