#include "engine/fleet/finding_reports.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/fleet/fleet_internal.h"
#include "engine/fleet/stream_run.h"

void stretches_deinit(struct stretches *s)
{
	free(s->list);
	*s = (struct stretches){0};
}

bool finding_rests_on_facts(const struct finding *f)
{
	return f->kind == RULE_FATIGUE || f->kind == RULE_PATROL;
}

/* --- which reports --- */

/* What of [from, to] lies within the finding. */
static enum status add_stretch(struct stretches *s, const struct finding *f, uint64_t device, int64_t from_ms,
			       int64_t to_ms)
{
	from_ms = from_ms > f->start_ms ? from_ms : f->start_ms;
	to_ms = to_ms < f->end_ms ? to_ms : f->end_ms;
	if (!device || from_ms > to_ms)
		return STATUS_OK;
	if (s->count == s->capacity) {
		size_t capacity = s->capacity ? s->capacity * 2 : 8;
		struct stretch *list = realloc(s->list, capacity * sizeof *list);
		if (!list)
			return STATUS_NO_MEMORY;
		s->list = list;
		s->capacity = capacity;
	}
	s->list[s->count++] = (struct stretch){device, from_ms, to_ms};
	return STATUS_OK;
}

static enum status add_fact(struct stretches *s, const struct finding *f, const struct fact *fact)
{
	if (f->kind == RULE_FATIGUE)
		return fact->kind == FACT_VISIT ? STATUS_OK
						: add_stretch(s, f, fact->device, fact->from_ms, fact->to_ms);
	if (fact->kind != FACT_VISIT || (fact->to_ms != f->start_ms && fact->from_ms != f->end_ms))
		return STATUS_OK;
	return add_stretch(s, f, fact->device, fact->from_ms, fact->to_ms);
}

static int compare_stretches(const void *a, const void *b)
{
	const struct stretch *x = a, *y = b;
	if (x->device != y->device)
		return x->device < y->device ? -1 : 1;
	if (x->from_ms != y->from_ms)
		return x->from_ms < y->from_ms ? -1 : 1;
	return (x->to_ms > y->to_ms) - (x->to_ms < y->to_ms);
}

/* Stretches of one device that touch become one. */
static void join(struct stretches *s)
{
	size_t kept = 0;
	if (s->count)
		qsort(s->list, s->count, sizeof *s->list, compare_stretches);
	for (size_t i = 0; i < s->count; i++) {
		struct stretch *last = kept ? &s->list[kept - 1] : NULL;
		if (!last || last->device != s->list[i].device || last->to_ms < s->list[i].from_ms)
			s->list[kept++] = s->list[i];
		else if (last->to_ms < s->list[i].to_ms)
			last->to_ms = s->list[i].to_ms;
	}
	s->count = kept;
}

/* The stream, over what it rests on before its start too. */
static enum status stream_stretch(const struct finding *f, struct stretches *out)
{
	struct finding span = *f;
	stream_finding_span(f, &span.start_ms, &span.end_ms);
	return add_stretch(out, &span, f->subject, span.start_ms, span.end_ms);
}

enum status stretches_of(const struct finding *f, const struct fact *facts, size_t count, struct stretches *out)
{
	enum status status = STATUS_OK;
	out->count = 0;
	if (rule_kind_stage(f->kind) == RULE_STAGE_STREAMS)
		return stream_stretch(f, out);
	if (!finding_rests_on_facts(f)) {
		status = add_stretch(out, f, f->device, f->start_ms, f->end_ms);
		if (!status)
			status = add_stretch(out, f, f->other, f->start_ms, f->end_ms);
	}
	for (size_t i = 0; i < count && finding_rests_on_facts(f) && !status; i++)
		status = add_fact(out, f, &facts[i]);
	join(out);
	return status;
}

struct gathering {
	const struct finding *finding;
	struct stretches *out;
};

static enum status gather_fact(void *context, const struct fact *fact)
{
	const struct gathering *g = context;
	return add_fact(g->out, g->finding, fact);
}

enum status stretches_stored(struct findings *findings, const struct finding *f, struct stretches *out)
{
	struct gathering g = {f, out};
	if (!finding_rests_on_facts(f))
		return stretches_of(f, NULL, 0, out);
	out->count = 0;
	enum status status = facts_of(findings, f->subject, gather_fact, &g);
	join(out);
	return status;
}

/* --- digests --- */

static enum status digest_track(EVP_MD_CTX *md, struct track *track)
{
	struct report report;
	struct buf body = buf_init(REPORT_BODY_MAX + 64u);
	enum status status;
	while (!(status = track_next(track, &report))) {
		buf_clear(&body);
		status = report_body(&report, &body);
		if (!status && EVP_DigestUpdate(md, body.data, body.size) != 1)
			status = STATUS_NO_MEMORY;
		if (status)
			break;
	}
	buf_deinit(&body);
	return status == STATUS_END ? STATUS_OK : status;
}

static enum status digest_stretches(struct engine *e, const struct stretches *s, uint8_t digest[32])
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	unsigned size = 32;
	enum status status = md && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1 ? STATUS_OK : STATUS_NO_MEMORY;
	for (size_t i = 0; i < s->count && !status; i++) {
		struct track *track;
		status = track_open(e, s->list[i].device, s->list[i].from_ms, s->list[i].to_ms, &track);
		if (status)
			break;
		status = digest_track(md, track);
		track_close(track);
	}
	if (!status && EVP_DigestFinal_ex(md, digest, &size) != 1)
		status = STATUS_NO_MEMORY;
	EVP_MD_CTX_free(md);
	return status;
}

enum status finding_digest(struct engine *e, struct finding *f, const struct fact *facts, size_t count)
{
	struct stretches s = {0};
	if (rule_kind_stage(f->kind) == RULE_STAGE_STREAMS)
		return stream_finding_digest(e, f);
	memset(f->digest, 0, sizeof f->digest);
	if (f->open)
		return STATUS_OK;
	enum status status = stretches_of(f, facts, count, &s);
	if (!status && s.count)
		status = digest_stretches(e, &s, f->digest);
	stretches_deinit(&s);
	return status;
}

enum status finding_digest_stored(struct engine *e, struct finding *f)
{
	struct stretches s = {0};
	if (rule_kind_stage(f->kind) == RULE_STAGE_STREAMS)
		return stream_finding_digest(e, f);
	memset(f->digest, 0, sizeof f->digest);
	if (f->open)
		return STATUS_OK;
	enum status status = stretches_stored(e->findings, f, &s);
	if (!status && s.count)
		status = digest_stretches(e, &s, f->digest);
	stretches_deinit(&s);
	return status;
}

/* --- keeping and holding --- */

struct keeping {
	struct findings *findings;
	int64_t from_ms;
	struct stretches stretches;
	struct buf *out;
};

static enum status keep_finding(struct keeping *k, const struct finding *f)
{
	enum status status = stretches_stored(k->findings, f, &k->stretches);
	for (size_t i = 0; i < k->stretches.count && !status; i++) {
		const struct stretch *s = &k->stretches.list[i];
		struct store_range range = {s->device, s->from_ms, s->to_ms};
		if (s->to_ms >= k->from_ms)
			status = buf_append(k->out, &range, sizeof range);
	}
	return status;
}

static enum status keep_violation(void *context, const struct violation *v)
{
	struct keeping *k = context;
	if (v->state == CASE_WITHDRAWN || v->state == CASE_REJECTED)
		return STATUS_OK;
	enum status status = v->finding.end_ms >= k->from_ms ? keep_finding(k, &v->finding) : STATUS_OK;
	return !status && v->has_confirmed && v->confirmed.end_ms >= k->from_ms ? keep_finding(k, &v->confirmed)
										: status;
}

enum status findings_keep(void *context, int64_t from_ms, int64_t to_ms, struct buf *out)
{
	struct keeping k = {.findings = context, .from_ms = from_ms, .out = out};
	enum status status = violations_scan_all(k.findings, INT64_MIN, to_ms, keep_violation, &k);
	stretches_deinit(&k.stretches);
	return status;
}

static enum status hold_stretch(struct engine *e, const struct stretch *s, const char *case_number,
				const struct principal *who, int64_t now_ms)
{
	struct audit_entry entry = {.at_ms = now_ms,
				    .who = *who,
				    .action = "hold",
				    .device = s->device,
				    .from_ms = s->from_ms,
				    .to_ms = s->to_ms};
	snprintf(entry.case_number, sizeof entry.case_number, "%s", case_number);
	enum status status = audit_write(e->store, &entry);
	return status ? status : store_hold(e->store, s->device, s->from_ms, s->to_ms, case_number);
}

enum status findings_hold(struct engine *e, uint64_t id, const char *case_number, const struct principal *who,
			  int64_t now_ms)
{
	struct violation v;
	struct stretches s = {0};
	size_t length = case_number ? strnlen(case_number, sizeof((struct audit_entry *)0)->case_number) : 0;
	if (!length || length == sizeof((struct audit_entry *)0)->case_number)
		return STATUS_INVALID;
	enum status status = violation_get(e->findings, id, &v);
	if (!status)
		status = stretches_stored(e->findings, &v.finding, &s);
	if (!status && !s.count)
		status = STATUS_EMPTY;
	for (size_t i = 0; i < s.count && !status; i++)
		status = hold_stretch(e, &s.list[i], case_number, who, now_ms);
	stretches_deinit(&s);
	return status;
}
