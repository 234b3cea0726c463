/* export_violations.h -- findings and what people made of them (疑似违法线索), row by row.
 *
 *   begin, row, row, ..., export_list_end()      JSON {"violations":[...],"next":"..."}, NDJSON, GeoJSON, CSV
 *
 * A row: id (decimal), rule, title {zh, en}, kind, kind_zh, device (hex), phone, plate, driver (hex), other (hex, the
 * second device of a pair), company, village, fence, start_ms, end_ms, found_ms, open, late, confidence (1..3),
 * severity (1..3), authority (names), authority_codes (of those in the table of authority.h), numbers (by
 * finding_number_token(), as finding.h holds them, the unknown left out), start and end {lat, lon} in degrees, digest
 * (hex), state, state_zh, handled, amended (how often), raised_ms, schema (EXPORT_VIOLATION_SCHEMA: README.md says what
 * other systems may rely on). Phone, plate, company and village are what the registry says of the start; title,
 * severity and authority what the rulebook that held then says. What is not known is null in JSON and empty in CSV.
 * GeoJSON: a point, where it began, with the same members as properties. Pure but for what describe asks of registry
 * and rulebooks. */
#ifndef ZAYTON_QUERY_EXPORT_VIOLATIONS_H
#define ZAYTON_QUERY_EXPORT_VIOLATIONS_H

#include "engine/fleet/context.h"
#include "engine/fleet/findings.h"
#include "query/export/export_devices.h"

struct export_violation {
	const struct violation *violation; /* borrowed */
	const struct rule *rule;           /* borrowed from the rulebook; NULL: no such rule held at the start */
	const char *phone, *plate, *company, *village; /* NULL: none then */
	char room[4][DEVICE_VALUE_MAX + 1];            /* of the texts: it is not copied */
};
/* Lasts as long as `v` and `by`. */
void export_violation_describe(struct export_violation *e, const struct registry *r, const struct detect_context *by,
			       const struct violation *v);
/* The rule of that id in the rulebook that held at `time_ms`; NULL when there is none. */
const struct rule *export_rule_at(const struct detect_context *by, const char *id, int64_t time_ms);

/* STATUS_FULL when `out` has no room (one row needs at most EXPORT_VIOLATION_BYTES_MAX). */
#define EXPORT_VIOLATION_BYTES_MAX 16384
/* Of the members and columns of a row; what is there stays, a larger number has more of them. */
#define EXPORT_VIOLATION_SCHEMA 1
STATUS_CHECKED enum status export_violations_begin(struct export_list *w, enum export_format format, struct buf *out);
STATUS_CHECKED enum status export_violation_row(struct export_list *w, const struct export_violation *e,
						struct buf *out);

/* The members of a row inside an open object. */
void export_violation_members(struct json_out *j, const struct export_violation *e);
/* Those of them that the finding has, and not its case: for what was found and stands nowhere. */
void export_finding_members(struct json_out *j, const struct export_violation *e);
/* One event of a case's history: number, event, event_zh, state, state_zh, at_ms, who, text, document, and the finding
 * as it was then (start_ms, end_ms, open, numbers, digest) when it was kept. */
void export_case_event(struct json_out *j, const struct case_event *e);
/* Whether the finding carries a digest. */
bool export_has_digest(const struct finding *f);

#endif
