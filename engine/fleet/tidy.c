/* tidy.c -- rows that are kept for a while: quarantine, and packets of split messages. Layouts in apply.c. */
#include <stdlib.h>
#include <string.h>

#include "engine/core/clock.h"
#include "engine/core/log.h"
#include "engine/fleet/audit.h"
#include "engine/fleet/finding_reports.h"
#include "engine/fleet/fleet_internal.h"

#define DAYS_PER_MONTH 31
#define FRAGMENT_AGE_MAX_MS MS_PER_DAY
#define FRAGMENT_KEY_SIZE 16
#define FRAGMENT_HEAD_SIZE 10
/* deletions in one batch */
#define BATCH_ROWS 4096

struct sweep {
	struct engine *e;
	struct store_batch *batch;
	enum store_family family;
	int64_t before_ms;
	size_t rows;
};

static enum status delete_row(struct sweep *w, struct span key)
{
	store_batch_delete(w->batch, w->family, key);
	if (++w->rows % BATCH_ROWS)
		return STATUS_OK;
	return store_commit(w->e->store, w->batch, false);
}

/* Keys begin with the receipt, so the walk ends at the first row that is young enough. */
static enum status sweep_quarantine(void *context, struct span key, struct span value)
{
	struct sweep *w = context;
	(void)value;
	if (key.size < 8)
		return STATUS_CORRUPT;
	int64_t received_ms = (int64_t)(load_be64(key.data) ^ UINT64_C(1) << 63);
	return received_ms >= w->before_ms ? STATUS_END : delete_row(w, key);
}

static enum status sweep_fragments(void *context, struct span key, struct span value)
{
	struct sweep *w = context;
	if (key.size != FRAGMENT_KEY_SIZE || value.size < FRAGMENT_HEAD_SIZE)
		return STATUS_CORRUPT;
	return (int64_t)load_le64(value.data + 2) >= w->before_ms ? STATUS_OK : delete_row(w, key);
}

static enum status sweep(struct engine *e, enum store_family family, store_visit *visit, int64_t before_ms)
{
	struct sweep w = {.e = e, .family = family, .before_ms = before_ms};
	enum status status = store_batch_new(e->store, &w.batch);
	if (status)
		return status;
	status = store_scan(e->store, family, (struct span){NULL, 0}, visit, &w);
	if (status == STATUS_OK || status == STATUS_END)
		status = store_commit(e->store, w.batch, false);
	store_batch_free(w.batch);
	return status;
}

enum status engine_expire(struct engine *e, int64_t now_ms, struct retention_result *out)
{
	struct retention_policy policy = e->options.retention;
	policy.keep = findings_keep;
	policy.keep_context = e->findings;
	enum status status = store_expire(e->store, &policy, now_ms, out);
	if (!status)
		status = sweep(e, STORE_QUARANTINE, sweep_quarantine,
			       now_ms - RETENTION_MONTHS_MIN * DAYS_PER_MONTH * MS_PER_DAY);
	if (!status)
		status = sweep(e, STORE_FRAGMENT, sweep_fragments, now_ms - FRAGMENT_AGE_MAX_MS);
	if (!status)
		status = connections_expire(e, now_ms);
	uint64_t gone = 0;
	if (!status)
		status = audit_expire(e->store,
				      now_ms - (int64_t)e->options.audit_months * AUDIT_DAYS_PER_MONTH * MS_PER_DAY,
				      now_ms, &gone);
	if (gone)
		log_info("retention", "%llu rows of the audit expired", (unsigned long long)gone);
	return status;
}

/* --- packets after a restart --- */

/* The rows of one message lie together; they are handed on when they turn out not to be all of it. */
struct gathering {
	engine_fragment_visit *visit;
	void *context;
	uint8_t key[FRAGMENT_KEY_SIZE - 2]; /* of the message: all but the index */
	struct buf rows;                    /* index u16, size u32, value */
	unsigned count, total;
};

static enum status hand_on(struct gathering *g)
{
	struct cursor c = cursor_of(buf_view(&g->rows));
	enum status status = STATUS_OK;
	while (!status && cursor_left(&c) && g->count < g->total) {
		uint16_t index = cursor_be16(&c);
		struct span value = cursor_take(&c, cursor_be32(&c));
		struct intake in = {.kind = INTAKE_FRAGMENT,
				    .device = load_be64(g->key),
				    .message_id = load_be16(g->key + 8),
				    .serial = (uint16_t)(load_be16(g->key + 10) + index - 1),
				    .fragment_total = (uint16_t)g->total,
				    .fragment_index = index,
				    .protocol = value.data[1],
				    .received_ms = (int64_t)load_le64(value.data + 2),
				    .body = span_of(value.data + FRAGMENT_HEAD_SIZE, value.size - FRAGMENT_HEAD_SIZE)};
		status = g->visit(g->context, &in);
	}
	buf_clear(&g->rows);
	g->count = 0;
	return status;
}

static enum status gather_row(void *context, struct span key, struct span value)
{
	struct gathering *g = context;
	enum status status = STATUS_OK;
	if (key.size != FRAGMENT_KEY_SIZE || value.size < FRAGMENT_HEAD_SIZE || value.data[0] != 1)
		return STATUS_CORRUPT;
	if (g->count && memcmp(g->key, key.data, sizeof g->key) != 0)
		status = hand_on(g);
	memcpy(g->key, key.data, sizeof g->key);
	g->total = load_be16(key.data + 12);
	g->count++;
	if (!status)
		status = buf_append(&g->rows, key.data + 14, 2);
	if (!status)
		status = buf_append_be32(&g->rows, (uint32_t)value.size);
	return status ? status : buf_append(&g->rows, value.data, value.size);
}

enum status engine_fragments(struct engine *e, engine_fragment_visit *visit, void *context)
{
	/* a message of 65,535 packets of a kilobyte is the largest there can be */
	struct gathering g = {.visit = visit, .context = context, .rows = buf_init((size_t)128 << 20)};
	enum status status = store_scan(e->store, STORE_FRAGMENT, (struct span){NULL, 0}, gather_row, &g);
	if (!status)
		status = hand_on(&g);
	buf_deinit(&g.rows);
	return status;
}
