/* mask.h -- identity numbers and telephone numbers in texts, shown as far as they tell people apart.
 *
 *   a whole word of                            becomes
 *   18: 17 digits and a digit or X  (GB 11643)  350***********1234    resident identity number
 *   11 digits, 1 and then 3 to 9    (MIIT)      139****0001           mobile number
 *
 * A word is a run of letters and digits: what is part of a longer number or of a hash is none. Which words are personal
 * is the table in mask.c, whatever field they stand in: names, notes and registry fields alike.
 *
 * Of a field that is known to be of people (a driver, an owner, a telephone number) every word of five digits and more
 * is personal, whatever its form, hyphens included: a quarter of it is shown at either end.
 *
 * Whether texts are masked belongs to the thread that writes: whoever answers a question sets it for as long as the
 * answer is written, and every writer of this room (JSON, CSV, spreadsheets, sheets) asks. */
#ifndef ZAYTON_QUERY_EXPORT_MASK_H
#define ZAYTON_QUERY_EXPORT_MASK_H

#include "engine/core/bytes.h"

/* Returns what held before. */
bool mask_set(bool on);
bool mask_is_on(void);
/* What is written from now on is of such a field. Returns what held before. */
bool mask_people(bool on);
/* In place, by form or, after mask_people(true), as of such a field. */
void mask_text(char *text, size_t size);
/* `text` itself when nothing is masked; else a masked copy in `room`, whose old bytes are gone. Out of memory: "". */
struct span mask_view(struct span text, struct buf *room);

#endif
