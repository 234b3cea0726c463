/* evidence.h -- the evidence sheet (取证材料单) of one violation: everything that speaks for it, on one page.
 *
 *   evidence_gather(&e, engine, by, v) ──> who and what from registry, rulebook and fences as of the start;
 *                                          the track thinned for drawing; the digest made again from the raw reports
 *   writer->head, event ..., middle, report ..., tail          a page to print, or JSON of the same content
 *
 * The raw reports of the span are written as they are read, so that a sheet of a week costs no more memory than one of
 * a minute. The page is one file of its own: styles and drawings (SVG) within, no script, nothing to be fetched. Every
 * text that came from outside is escaped.
 *
 * Raw reports: those of finding_reports.h, of one device or of several.
 * Digest: what finding_digest() makes of the raw reports as they are stored now, held against the stored one. When they
 * differ reports are missing, were added or were changed since, and the sheet says so at its top. */
#ifndef ZAYTON_QUERY_EXPORT_EVIDENCE_H
#define ZAYTON_QUERY_EXPORT_EVIDENCE_H

#include "engine/fleet/engine.h"
#include "engine/fleet/finding_reports.h"
#include "query/export/export_violations.h"
#include "query/export/thin.h"

/* reports of a drawn track: finer than a printed page shows */
#define EVIDENCE_POINTS_MAX 2000

/* X(NAME, "token", "Chinese", "English") */
#define EVIDENCE_DIGEST_TABLE(X)                                                                                       \
	X(SAME, "same", "一致：原始报文自认定以来未变", "They agree: the raw reports are unchanged")                   \
	X(DIFFERENT, "different", "不一致！原始报文与存证摘要不符，不得作为证据使用",                                  \
	  "THEY DIFFER! The raw reports are not those of the finding: not to be used as evidence")                     \
	X(OPEN, "open", "尚未结束，结束后生成摘要", "Still open: the digest is made when it ends")                     \
	X(NONE, "none", "未存摘要：该线索不依据任何原始报文，或认定时尚不存证",                                        \
	  "None is stored: it rests on no raw report, or was found before digests were kept")

enum evidence_digest {
#define X(NAME, token, chinese, english) EVIDENCE_DIGEST_##NAME,
	EVIDENCE_DIGEST_TABLE(X)
#undef X
		EVIDENCE_DIGEST_COUNT
};
const char *evidence_digest_token(enum evidence_digest d);
const char *evidence_digest_chinese(enum evidence_digest d);
const char *evidence_digest_english(enum evidence_digest d);

struct evidence {
	struct export_violation row;
	struct device device;      /* of the registry; no bindings when it has none */
	const struct fence *fence; /* the version that held at the start, borrowed from `by`; NULL: none */
	enum evidence_digest digest_state;
	uint8_t digest[32];         /* made again from the raw reports; zero when there are none to make it of */
	struct stretches stretches; /* the raw reports it rests on, as they are known now */
	uint64_t reports;           /* of all stretches */
	struct thin thin;
	const struct report *points; /* the finding's device's, thinned, ascending */
	size_t point_count;
	struct buf rule_text; /* the rule in full, as it held */
	int64_t made_ms;      /* when and by whom the sheet was asked for */
	const char *made_by;
};

/* `by`, `v` and `made_by` are borrowed until evidence_deinit. Nothing is held on failure. Any thread but an event loop.
 */
STATUS_CHECKED enum status evidence_gather(struct evidence *e, struct engine *engine, const struct judged_by *by,
					   const struct violation *v, const char *made_by, int64_t made_ms);
void evidence_deinit(struct evidence *e);

/* The value of a registry field at the start; NULL when there is none. */
const char *evidence_value(const struct evidence *e, enum device_field field);

struct evidence_writer {
	const char *media;
	enum status (*head)(const struct evidence *e, struct buf *out);
	enum status (*event)(const struct case_event *event, struct buf *out);
	/* Between history and reports. */
	enum status (*middle)(const struct evidence *e, struct buf *out);
	/* The `number`th, from 1, over all stretches. */
	enum status (*report)(uint64_t number, uint64_t device, const struct report *r, struct buf *out);
	enum status (*tail)(const struct evidence *e, struct buf *out);
};
/* bytes that the largest of them needs: a fence's outline twice, and texts */
#define EVIDENCE_BYTES_MAX (80 * FENCE_POINTS_MAX + (1 << 20))
extern const struct evidence_writer evidence_json, evidence_html;

/* --- drawings, as SVG elements (evidence_svg.c) --- */

STATUS_CHECKED enum status evidence_map(const struct evidence *e, struct buf *out);
STATUS_CHECKED enum status evidence_profile(const struct evidence *e, struct buf *out);
/* The limit of a finding about speed, 0.1 km/h; 0: it is about something else. */
int64_t evidence_limit_dkmh(const struct finding *f);

#endif
