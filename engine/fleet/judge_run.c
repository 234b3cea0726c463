#include "engine/fleet/judge_run.h"

#include <stdlib.h>
#include <string.h>

#include "engine/core/log.h"
#include "engine/fleet/cards.h"
#include "engine/fleet/fleet_internal.h"
#include "engine/store/keys.h"

#define STATE_TAG 0x01
#define MARK_TAG 0x02
#define TOUCHED_TAG 0x03
#define STATE_BYTES_MAX (1u << 20)

/* --- what is told --- */

static void *grown(void *list, size_t *capacity, size_t size)
{
	size_t more = *capacity ? *capacity * 2 : 8;
	void *bigger = realloc(list, more * size);
	if (bigger)
		*capacity = more;
	return bigger;
}

static void on_finding(void *context, const struct finding *f, const struct rule *rule)
{
	struct told *t = context;
	(void)rule;
	if (t->finding_count == t->finding_capacity) {
		struct told_finding *list = grown(t->findings, &t->finding_capacity, sizeof *list);
		if (!list) {
			t->status = STATUS_NO_MEMORY;
			return;
		}
		t->findings = list;
	}
	t->findings[t->finding_count++] = (struct told_finding){*f, t->decided};
}

static void on_fact(void *context, const struct fact *f)
{
	struct told *t = context;
	if (t->fact_count == t->fact_capacity) {
		struct told_fact *list = grown(t->facts, &t->fact_capacity, sizeof *list);
		if (!list) {
			t->status = STATUS_NO_MEMORY;
			return;
		}
		t->facts = list;
	}
	t->facts[t->fact_count++] = (struct told_fact){*f, t->decided};
}

void told_init(struct told *t)
{
	*t = (struct told){.sink = {t, on_finding, on_fact}};
}

void told_clear(struct told *t)
{
	t->finding_count = t->fact_count = 0;
	t->status = STATUS_OK;
}

void told_deinit(struct told *t)
{
	free(t->findings);
	free(t->facts);
}

/* --- anchors --- */

void anchors_init(struct anchors *a)
{
	for (int i = 0; i < 2; i++) {
		a->states[i] = buf_init(STATE_BYTES_MAX);
		a->times_ms[i] = INT64_MIN;
	}
	a->steps = 0;
}

void anchors_deinit(struct anchors *a)
{
	buf_deinit(&a->states[0]);
	buf_deinit(&a->states[1]);
}

void anchors_step(struct anchors *a, const struct detect_state *state)
{
	if (++a->steps < ANCHOR_STEPS)
		return;
	struct buf oldest = a->states[0];
	a->steps = 0;
	a->states[0] = a->states[1];
	a->times_ms[0] = a->times_ms[1];
	a->states[1] = oldest;
	buf_clear(&a->states[1]);
	a->times_ms[1] = detect_state_encode(state, &a->states[1]) ? INT64_MIN : detect_state_time(state);
}

struct detect_state *anchors_before(struct anchors *a, int64_t from_ms)
{
	struct detect_state *state = NULL;
	for (int i = 1; i >= 0 && !state; i--) {
		if (a->times_ms[i] >= from_ms)
			a->times_ms[i] = INT64_MIN;
		else if (a->times_ms[i] != INT64_MIN && detect_state_decode(buf_view(&a->states[i]), &state))
			state = NULL;
	}
	return state;
}

/* --- a run --- */

enum status judge_run_init(struct judge_run *r, struct engine *e, struct judged_by *by, uint64_t device,
			   struct detect_state *state)
{
	*r = (struct judge_run){
		.engine = e, .by = by, .device = device, .state = state, .facts = true, .card_ms = INT64_MIN};
	told_init(&r->told);
	anchors_init(&r->anchors);
	return state ? STATUS_OK : detect_state_new(device, &r->state);
}

void judge_run_deinit(struct judge_run *r)
{
	detect_state_free(r->state);
	anchors_deinit(&r->anchors);
	told_deinit(&r->told);
}

static struct decided stood(const struct detect_state *state)
{
	return (struct decided){detect_state_time(state), detect_state_hash(state)};
}

/* Cards up to, and not at, `before_ms`. */
static enum status step_cards(struct judge_run *r, struct card_list *cards, int64_t before_ms)
{
	enum status status = STATUS_OK;
	for (; !status && cards->at < cards->count && cards->list[cards->at].time_ms < before_ms; cards->at++) {
		const struct card *c = &cards->list[cards->at];
		if (c->time_ms <= r->card_ms)
			continue;
		r->card_ms = c->time_ms;
		r->told.decided = (struct decided){detect_state_time(r->state), DECIDED_BEHIND};
		status = detect_driver(r->state, r->by->detector, c->time_ms, c->driver, &r->told.sink);
	}
	return status;
}

static enum status step_report(struct judge_run *r, const struct report *report)
{
	r->told.decided = (struct decided){report->time_ms, report->hash};
	enum status status = detect_step(r->state, r->by->detector, report, &r->told.sink);
	r->behind = false;
	r->stepped++;
	if (!status && r->snapshot) /* a run that keeps nothing is never gone back in */
		anchors_step(&r->anchors, r->state);
	if (!status && ++r->steps % JUDGE_SNAPSHOT_STEPS == 0 && r->snapshot)
		status = r->snapshot(r->context, r->state);
	return status;
}

static bool comes_after(struct decided stood, const struct report *r)
{
	return decided_compare((struct decided){r->time_ms, r->hash}, stood) > 0;
}

/* The last report was passed over in columns: the state is told the whole of it before another comes. */
static enum status recall(struct judge_run *r, struct track *track)
{
	struct report before;
	if (track_is_over(track))
		return STATUS_OK;
	enum status status = r->behind ? track_before(track, &before) : STATUS_OK;
	if (!status && r->behind)
		detect_recall(r->state, &before);
	r->behind = false;
	return status;
}

static struct report row_report(const struct block_columns *c, size_t i)
{
	return (struct report){.time_ms = c->time_ms[i],
			       .received_ms = RECEIVED_UNKNOWN,
			       .lat_e7 = c->lat_e7[i],
			       .lon_e7 = c->lon_e7[i],
			       .alarm = c->alarm[i],
			       .status = c->status[i],
			       .mileage_hm = c->mileage_hm ? c->mileage_hm[i] : MILEAGE_UNKNOWN,
			       .speed_dkmh = c->speed_dkmh[i],
			       .course_deg = c->course_deg[i],
			       .altitude_m = ALTITUDE_UNKNOWN,
			       .flags = c->flags[i]};
}

/* Steps a row: whole when the run is kept, or when it or the one before is looked at closely. */
static enum status step_row(struct judge_run *r, struct track *track, struct track_rows *rows, size_t i)
{
	const struct block_columns *c = &rows->columns;
	bool whole = r->snapshot || detect_looks_back(r->state, r->by->detector, c->time_ms[i], c->flags[i]) ||
		     (rows->items && !detect_ignores_items(r->state, r->by->detector, c->time_ms[i]));
	enum status status = whole ? track_rows_complete(track, rows) : STATUS_OK;
	if (!status && whole)
		status = recall(r, track);
	if (status)
		return status;
	struct report report = whole ? track_row(track, rows, i) : row_report(c, i);
	status = step_report(r, &report);
	r->behind = !whole;
	return status;
}

/* Rows one after another. Of a run that is kept the last is stepped whole, for the state to know it. */
static enum status step_rows(struct judge_run *r, struct track *track, struct track_rows *rows)
{
	enum status status = STATUS_OK;
	while (!status && rows->from < rows->until) {
		struct detect_rows skimmed = {&rows->columns, rows->block, rows->from,
					      rows->until,    rows->items, r->facts};
		size_t left = JUDGE_SNAPSHOT_STEPS - 1 - r->steps % JUDGE_SNAPSHOT_STEPS;
		if (r->snapshot)
			skimmed.until = rows->until - rows->from > left ? rows->from + left : rows->until - 1;
		size_t count = detect_skim(r->state, r->by->detector, &skimmed) - rows->from;
		track_skip(track, rows, count);
		r->behind |= count > 0;
		r->steps += count;
		rows->from += count;
		if (rows->from == rows->until)
			break;
		status = step_row(r, track, rows, rows->from);
		if (!status)
			track_skip(track, rows, 1);
		rows->from++;
	}
	return status;
}

/* Whole blocks in which nothing happens, of a run that keeps nothing. */
static enum status pass_blocks(struct judge_run *r, struct track *track, int64_t before_ms, struct decided from)
{
	const struct block_summary *block;
	enum status status = STATUS_OK;
	while (!r->snapshot && !r->facts && !(status = track_block(track, before_ms, &block)) && block &&
	       block->time_first_ms > from.time_ms && detect_pass(r->state, r->by->detector, block)) {
		r->steps += block->count;
		r->behind = true;
		track_pass(track);
	}
	return status;
}

/* Of rows up to that time. */
static enum block_want wanted(const struct judge_run *r, int64_t time_ms)
{
	if (r->snapshot)
		return BLOCK_WANT_WHOLE;
	return detect_needs_mileage(r->state, r->by->detector, time_ms) ? BLOCK_WANT_MILEAGE : BLOCK_WANT_JUDGED;
}

/* What comes next in columns, as far as that goes. */
static enum status step_columns(struct judge_run *r, struct track *track, const struct card_list *cards,
				struct decided from)
{
	struct track_rows rows;
	int64_t before_ms = cards->at < cards->count ? cards->list[cards->at].time_ms : INT64_MAX;
	while (!r->by_steps) {
		enum status status = pass_blocks(r, track, before_ms, from);
		enum block_want want = wanted(r, detect_state_time(r->state));
		bool bare =
			!r->snapshot && detect_ignores_items(r->state, r->by->detector, detect_state_time(r->state));
		if (!status)
			status = track_rows(track, before_ms, want, bare, &rows);
		if (status || rows.from == rows.until || rows.columns.time_ms[rows.from] <= from.time_ms)
			return status;
		if (wanted(r, rows.block->time_last_ms) == BLOCK_WANT_MILEAGE && !rows.columns.mileage_hm)
			status = track_rows_complete(track, &rows);
		if (!status)
			status = step_rows(r, track, &rows);
		if (status)
			return status;
	}
	return STATUS_OK;
}

enum status judge_run_track(struct judge_run *r, int64_t to_ms)
{
	struct track *track = NULL;
	struct report report;
	struct card_list cards = {0};
	struct decided from = stood(r->state);
	enum status status = cards_read(r->engine->store, r->device, from.time_ms, to_ms, &cards);
	if (!status)
		status = track_open_judged(r->engine, r->device, from.time_ms, to_ms, &track);
	r->from_ms = from.time_ms;
	r->reports_total = status ? 0 : track_reports_total(track);
	while (!status && !(status = step_columns(r, track, &cards, from)) && !(status = recall(r, track)) &&
	       !(status = track_next(track, &report))) {
		if (!comes_after(from, &report) || report.flags & REPORT_FLAG_FUTURE)
			continue;
		status = step_cards(r, &cards, report.time_ms);
		if (!status)
			status = step_report(r, &report);
	}
	if (status == STATUS_END)
		status = step_cards(r, &cards, INT64_MAX);
	track_close(track);
	cards_deinit(&cards);
	return status ? status : r->told.status;
}

enum status judge_run_open(struct judge_run *r, int64_t as_of_ms)
{
	r->told.decided = (struct decided){detect_state_time(r->state), DECIDED_ASKED};
	if (as_of_ms < r->told.decided.time_ms)
		as_of_ms = r->told.decided.time_ms;
	enum status status = detect_open(r->state, r->by->detector, as_of_ms, &r->told.sink);
	return status ? status : r->told.status;
}

/* --- rows --- */

void state_key(uint64_t device, int64_t time_ms, uint8_t out[STATE_KEY_SIZE])
{
	out[0] = STATE_TAG;
	store_be64(out + 1, device);
	store_be64(out + 9, time_bias(time_ms));
}

void mark_key(uint64_t device, uint64_t number, uint8_t out[MARK_KEY_SIZE])
{
	out[0] = MARK_TAG;
	store_be64(out + 1, device);
	store_be64(out + 9, number);
}

struct span touched_key(uint64_t subject, uint8_t out[TOUCHED_KEY_SIZE])
{
	out[0] = TOUCHED_TAG;
	store_be64(out + 1, subject);
	return span_of(out, 1);
}

void put_touched(struct store_batch *batch, uint64_t subject, int64_t raw_from_ms)
{
	uint8_t key[TOUCHED_KEY_SIZE], row[8];
	touched_key(subject, key);
	store_be64(row, (uint64_t)raw_from_ms);
	store_batch_put(batch, STORE_STATE, span_of(key, sizeof key), span_of(row, sizeof row));
}

struct latest {
	int64_t before_ms;
	struct buf value;
	bool found;
};

static enum status keep_latest(void *context, struct span key, struct span value)
{
	struct latest *l = context;
	if (key.size != STATE_KEY_SIZE)
		return STATUS_CORRUPT;
	if (time_unbias(load_be64(key.data + 9)) >= l->before_ms)
		return STATUS_END;
	buf_clear(&l->value);
	l->found = true;
	return buf_append(&l->value, value.data, value.size);
}

enum status state_before(struct store *s, uint64_t device, int64_t before_ms, struct detect_state **out)
{
	uint8_t prefix[STATE_KEY_SIZE];
	struct latest l = {.before_ms = before_ms, .value = buf_init(STATE_BYTES_MAX)};
	state_key(device, 0, prefix);
	enum status status = store_scan(s, STORE_STATE, span_of(prefix, 9), keep_latest, &l);
	if (status == STATUS_END)
		status = STATUS_OK;
	if (!status && !l.found)
		status = STATUS_NOT_FOUND;
	if (!status)
		status = detect_state_decode(buf_view(&l.value), out);
	if (status == STATUS_BAD_VERSION) {
		log_info("judge", "a snapshot of another version is passed over");
		status = STATUS_NOT_FOUND;
	}
	buf_deinit(&l.value);
	return status;
}
