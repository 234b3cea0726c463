/* export_hazards.h -- hazards of the register as JSON members and CSV rows. */
#ifndef ZAYTON_QUERY_EXPORT_HAZARDS_H
#define ZAYTON_QUERY_EXPORT_HAZARDS_H

#include "engine/register/hazards.h"
#include "query/export/json_out.h"

/* bytes of one hazard in any format: every value escaped */
#define EXPORT_HAZARD_BYTES_MAX (8u * HAZARD_TEXT_MAX)

/* "2026-000123": the year it was found in China, and its number. */
#define HAZARD_CODE_MAX 32
void export_hazard_code(const struct hazard *h, char out[HAZARD_CODE_MAX]);

/* Past its deadline on `today` and not accepted. */
bool export_hazard_is_overdue(const struct hazard *h, int32_t today);

/* The fields of a row in CSV and in spreadsheets, in their order (enum hazard_field). */
#define EXPORT_HAZARD_FIELDS 25
extern const uint8_t export_hazard_fields[EXPORT_HAZARD_FIELDS];

/* Does it hold people (finder, person, acceptor, leader)? Its numbers are masked as theirs (mask.h). */
bool export_hazard_is_of_people(unsigned field);

/* Members of an object; `today` decides what is overdue (hazard_day). */
void export_hazard_members(struct json_out *j, const struct hazard *h, int32_t today);
/* One step of its history, an object. */
void export_hazard_event(struct json_out *j, const struct hazard_event *e, const uint8_t digest[HAZARD_DIGEST_SIZE]);
/* The column names, Chinese, and a row. */
STATUS_CHECKED enum status export_hazards_csv_begin(struct buf *out);
STATUS_CHECKED enum status export_hazard_csv_row(const struct hazard *h, int32_t today, struct buf *out);
void export_hazard_counts(struct json_out *j, const struct hazard_counts *c);

#endif
