/* outbox_news.c -- what is told: made once, when it is taken in, so that every try says the same.
 *
 *   {"id": "hazard-7-3", "kind": "hazard", "at": ..., "event": {as in its history}, "hazard": {as it stood then}}
 *   {"id": "finding-12-88", "kind": "finding", "at": ..., "event", "event_zh", "violation": {as in lists}}
 *   {"id": "task-0123456789abcdef-2", "kind": "task", "at": ..., "event", "event_zh", "level", "to", "task": {as in
 * lists}}
 *
 * Identity numbers and telephone numbers are masked. */
#include <stdio.h>

#include "query/export/export_hazards.h"
#include "query/export/export_tasks.h"
#include "query/export/export_violations.h"
#include "query/export/mask.h"
#include "query/outbox/outbox_state.h"

static void head(struct json_out *j, const struct outbox_news *n, const char *kind, int64_t at_ms)
{
	jout_open(j, '{');
	jout_key(j, "id");
	jout_string(j, n->id);
	jout_key(j, "kind");
	jout_string(j, kind);
	jout_key(j, "at");
	jout_time(j, at_ms);
}

enum status outbox_news_hazard(const struct hazard *h, const struct hazard_event *e,
			       const uint8_t digest[HAZARD_DIGEST_SIZE], int64_t now_ms, struct outbox_news *n,
			       struct buf *body)
{
	struct json_out j = json_out_init(body);
	bool masked = mask_set(true);
	*n = (struct outbox_news){.at_ms = now_ms, .subject = h->id};
	snprintf(n->id, sizeof n->id, "hazard-%llu-%u", (unsigned long long)h->id, e->number);
	buf_clear(body);
	head(&j, n, "hazard", e->at_ms);
	jout_key(&j, "event");
	export_hazard_event(&j, e, digest);
	jout_key(&j, "hazard");
	jout_open(&j, '{');
	export_hazard_members(&j, h, hazard_day(e->at_ms));
	jout_close(&j, '}');
	jout_close(&j, '}');
	mask_set(masked);
	n->body = buf_view(body);
	return j.status;
}

enum status outbox_news_finding(struct engine *e, const struct violation *v, uint64_t feed, uint8_t event,
				int64_t at_ms, int64_t now_ms, struct outbox_news *n, struct buf *body)
{
	struct export_violation row;
	struct json_out j = json_out_init(body);
	struct judged_by *by = context_take(engine_context(e));
	bool masked = mask_set(true);
	*n = (struct outbox_news){.at_ms = now_ms, .subject = v->id | OUTBOX_SUBJECT_FINDING};
	snprintf(n->id, sizeof n->id, "finding-%llu-%llu", (unsigned long long)v->id, (unsigned long long)feed);
	buf_clear(body);
	export_violation_describe(&row, engine_registry(e), &by->context, v);
	head(&j, n, "finding", at_ms);
	jout_key(&j, "event");
	jout_string(&j, case_event_token(event));
	jout_key(&j, "event_zh");
	jout_string(&j, case_event_chinese(event));
	jout_key(&j, "violation");
	jout_open(&j, '{');
	export_violation_members(&j, &row);
	jout_close(&j, '}');
	jout_close(&j, '}');
	mask_set(masked);
	judged_by_release(by);
	n->body = buf_view(body);
	return j.status;
}

static enum status put_task(void *context, const struct calendar_task *t)
{
	export_task(context, t);
	return STATUS_OK;
}

enum status outbox_news_task(struct calendar *c, uint64_t id, const struct calendar_deed *d, int64_t now_ms,
			     struct outbox_news *n, struct buf *body)
{
	struct json_out j = json_out_init(body);
	bool masked = mask_set(true);
	*n = (struct outbox_news){.at_ms = now_ms, .subject = id | OUTBOX_SUBJECT_TASK};
	snprintf(n->id, sizeof n->id, "task-%016llx-%u", (unsigned long long)id, d->number);
	buf_clear(body);
	head(&j, n, "task", d->at_ms);
	jout_key(&j, "event");
	jout_string(&j, task_deed_token(d->deed));
	jout_key(&j, "event_zh");
	jout_string(&j, task_deed_chinese(d->deed));
	jout_key(&j, "level");
	jout_integer(&j, d->level);
	jout_key(&j, "to");
	jout_text(&j, d->note);
	jout_key(&j, "task");
	enum status status = calendar_find(c, id, hazard_day(d->at_ms), put_task, &j);
	jout_close(&j, '}');
	mask_set(masked);
	n->body = buf_view(body);
	return status ? status : j.status;
}
