/* explain_marine.h -- every sentence as a JSON object: what it says, or why it is refused.
 *
 *   {"line":1,"sentence":"AIVDM","tag":{"time":"...","station":"r1"},"part":1,"of":2,"waiting":true}
 *   {"line":2,"sentence":"AIVDM","part":2,"of":2,"message":{"type":5,"mmsi":"244710865","name":"...",...}}
 *   {"line":3,"refused":"BAD_CHECKSUM","reason":"checksum does not match","raw":"..."}
 *
 * AIS, NMEA 0183 and Beidou sentences may be mixed. A value that says "not available" is null, never a number; codes
 * have their names beside them; degrees, knots and metres are decimal, other numbers as they are sent. For people and
 * tests; the live way does not come here. One owner. */
#ifndef ZAYTON_INGEST_EXPLAIN_MARINE_H
#define ZAYTON_INGEST_EXPLAIN_MARINE_H

#include "ingest/marine/ais_assembler.h"
#include "ingest/marine/rdss.h"

struct marine_explainer {
	struct ais_assembler *assembler;
	struct rdss_options rdss;
	const struct rdss_codec *codec; /* borrowed; NULL: payloads are shown, not read */
	uint64_t line;
};

/* STATUS_NO_MEMORY. */
STATUS_CHECKED enum status marine_explainer_init(struct marine_explainer *e);
void marine_explainer_deinit(struct marine_explainer *e);

/* Append the object of the next line, without a line end. Returns what the line is judged as: STATUS_OK also for parts
 * of messages and for sentences that have no meaning here; STATUS_EMPTY: a blank line, nothing appended.
 * STATUS_NO_MEMORY, STATUS_FULL: `out` is as it was. `line` may be longer than SENTENCE_LINE_MAX: refused. */
STATUS_CHECKED enum status marine_explain(struct marine_explainer *e, struct span line, struct buf *out);
/* Messages that began and were never completed. */
uint64_t marine_explainer_unfinished(struct marine_explainer *e);

#endif
