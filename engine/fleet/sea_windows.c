#include "engine/fleet/sea_windows.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "engine/core/clock.h"
#include "engine/core/limits.h"
#include "engine/core/log.h"
#include "engine/detect/stage2.h"
#include "engine/fleet/fleet_internal.h"
#include "engine/fleet/judge_run.h"
#include "engine/store/keys.h"

#define WINDOW_TAG 0x05
#define WINDOW_KEY_SIZE 9
/* windows judged from one reading of the tracks: six hours; fewer where vessels report often. A replay, which goes
 * through all of them, takes as many as have fixes for a quarter of the room or more: a block may last for weeks, and
 * is opened for each slab that it is in. */
#define SLAB_WINDOWS 36
#define REPLAY_WINDOWS_MAX 4608
/* windows looked up without the lock, by their lowest bits */
#define RECENT 256
#define NO_WINDOW INT64_MIN
#define DEVICES_AT_ONCE 1024
#define DAYS_OF_MONTH_MIN 28

struct dirty_window {
	int64_t window;
	bool kept; /* it has a row */
};

struct sea_windows {
	pthread_mutex_t lock;
	struct dirty_window *list; /* ascending */
	size_t count, capacity;
	_Atomic int64_t recent[RECENT]; /* dirty ones; NO_WINDOW */
};

/* --- which are dirty --- */

static void window_key(int64_t window, uint8_t out[WINDOW_KEY_SIZE])
{
	out[0] = WINDOW_TAG;
	store_be64(out + 1, time_bias(window));
}

static size_t place_of(const struct sea_windows *w, int64_t window)
{
	size_t low = 0, high = w->count;
	if (high && w->list[high - 1].window < window)
		return high;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (w->list[middle].window < window)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static _Atomic int64_t *recent_of(struct sea_windows *w, int64_t window)
{
	return &w->recent[(uint64_t)window % RECENT];
}

/* Under the lock. */
static void add(struct sea_windows *w, int64_t window, bool kept)
{
	size_t at = place_of(w, window);
	if (at < w->count && w->list[at].window == window)
		return;
	if (w->count == SEA_WINDOWS_DIRTY_MAX ||
	    !array_grow((void **)&w->list, &w->capacity, w->count, sizeof *w->list)) {
		log_error("judge", "too many windows of pairs wait to be judged: one is judged at its next report");
		return;
	}
	memmove(w->list + at + 1, w->list + at, (w->count - at) * sizeof *w->list);
	w->list[at] = (struct dirty_window){window, kept};
	w->count++;
	atomic_store_explicit(recent_of(w, window), window, memory_order_relaxed);
}

bool sea_windows_note(struct sea_windows *w, int64_t time_ms)
{
	int64_t first = sea_window_of(time_ms), last = sea_window_of(time_ms + SEA_BACK_MS);
	bool begins = false;
	for (int64_t window = first; window <= last; window++) {
		if (atomic_load_explicit(recent_of(w, window), memory_order_relaxed) == window)
			continue;
		pthread_mutex_lock(&w->lock);
		begins |= w->count == 0;
		add(w, window, false);
		pthread_mutex_unlock(&w->lock);
	}
	return begins;
}

size_t sea_windows_dirty(struct sea_windows *w)
{
	pthread_mutex_lock(&w->lock);
	size_t count = w->count;
	pthread_mutex_unlock(&w->lock);
	return count;
}

void sea_windows_keep(struct sea_windows *w, struct store_batch *batch)
{
	uint8_t key[WINDOW_KEY_SIZE];
	pthread_mutex_lock(&w->lock);
	for (size_t i = 0; i < w->count; i++)
		if (!w->list[i].kept) {
			window_key(w->list[i].window, key);
			store_batch_put(batch, STORE_STATE, span_of(key, sizeof key), (struct span){NULL, 0});
			w->list[i].kept = true;
		}
	pthread_mutex_unlock(&w->lock);
}

static enum status read_row(void *context, struct span key, struct span value)
{
	(void)value;
	if (key.size != WINDOW_KEY_SIZE)
		return STATUS_CORRUPT;
	add(context, time_unbias(load_be64(key.data + 1)), true);
	return STATUS_OK;
}

enum status sea_windows_open(struct store *s, struct sea_windows **out)
{
	struct sea_windows *w = calloc(1, sizeof *w);
	uint8_t prefix = WINDOW_TAG;
	if (!w)
		return STATUS_NO_MEMORY;
	pthread_mutex_init(&w->lock, NULL);
	for (size_t i = 0; i < RECENT; i++)
		atomic_init(&w->recent[i], NO_WINDOW);
	enum status status = store_scan(s, STORE_STATE, span_of(&prefix, 1), read_row, w);
	if (status) {
		sea_windows_close(w);
		return status;
	}
	*out = w;
	return STATUS_OK;
}

void sea_windows_close(struct sea_windows *w)
{
	if (!w)
		return;
	pthread_mutex_destroy(&w->lock);
	free(w->list);
	free(w);
}

/* The first run of windows that follow each other and have begun by then, taken out; returns how many. */
static size_t take_run(struct sea_windows *w, int64_t as_of_ms, int64_t after, struct dirty_window *out)
{
	size_t count = 0;
	pthread_mutex_lock(&w->lock);
	size_t at = after == NO_WINDOW ? 0 : place_of(w, after + 1);
	while (at + count < w->count && count < SLAB_WINDOWS && w->list[at + count].window <= sea_window_of(as_of_ms) &&
	       (!count || w->list[at + count].window == out[count - 1].window + 1)) {
		out[count] = w->list[at + count];
		atomic_store_explicit(recent_of(w, out[count].window), NO_WINDOW, memory_order_relaxed);
		count++;
	}
	memmove(w->list + at, w->list + at + count, (w->count - at - count) * sizeof *w->list);
	w->count -= count;
	pthread_mutex_unlock(&w->lock);
	return count;
}

static void put_back(struct sea_windows *w, const struct dirty_window *list, size_t count)
{
	pthread_mutex_lock(&w->lock);
	for (size_t i = 0; i < count; i++)
		add(w, list[i].window, list[i].kept);
	pthread_mutex_unlock(&w->lock);
}

/* --- tracks of a slab --- */

struct slab {
	uint64_t *devices;
	size_t device_count, device_capacity;
	struct sea_subject *subjects; /* by device */
	struct sea_track *tracks;     /* of those with a fix */
	size_t *offsets;
	int64_t *next_ms; /* by device: of its first report behind the slab; INT64_MAX: none */
	size_t count;
	struct sea_fix *fixes;
	size_t fix_count, fix_capacity;
};

static void slab_deinit(struct slab *s)
{
	free(s->devices);
	free(s->subjects);
	free(s->tracks);
	free(s->offsets);
	free(s->next_ms);
	free(s->fixes);
}

/* Or a code that may be anybody's. */
static bool is_vessel(const struct registry *r, uint64_t device, int64_t at_ms)
{
	unsigned kind, class_code = registry_class(r, device, at_ms);
	return sea_kind_of(class_code, &kind) || sea_is_stranger(class_code, registry_kind(r, device));
}

/* Room for what belongs to each device. */
static enum status slab_room(struct slab *s)
{
	size_t count = s->device_count ? s->device_count : 1;
	s->subjects = calloc(count, sizeof *s->subjects);
	s->tracks = calloc(count, sizeof *s->tracks);
	s->offsets = calloc(count, sizeof *s->offsets);
	s->next_ms = calloc(count, sizeof *s->next_ms);
	return s->subjects && s->tracks && s->offsets && s->next_ms ? STATUS_OK : STATUS_NO_MEMORY;
}

/* Whoever is a vessel at the beginning or the end. */
static enum status slab_devices(struct slab *s, struct engine *e, int64_t from_ms, int64_t to_ms)
{
	uint64_t list[DEVICES_AT_ONCE], after = 0;
	size_t count;
	while ((count = registry_list(e->registry, after, list, DEVICES_AT_ONCE)) > 0) {
		for (size_t i = 0; i < count; i++) {
			if (!is_vessel(e->registry, list[i], from_ms) && !is_vessel(e->registry, list[i], to_ms))
				continue;
			if (!array_grow((void **)&s->devices, &s->device_capacity, s->device_count, sizeof *s->devices))
				return STATUS_NO_MEMORY;
			s->devices[s->device_count++] = list[i];
		}
		after = list[count - 1];
	}
	return slab_room(s);
}

static enum status slab_add(struct slab *s, const struct report *r)
{
	if (s->fix_count == SEA_SLAB_FIXES_MAX)
		return STATUS_FULL;
	if (!array_grow((void **)&s->fixes, &s->fix_capacity, s->fix_count, sizeof *s->fixes))
		return STATUS_NO_MEMORY;
	s->fix_count += sea_fix_of(r, &s->fixes[s->fix_count]);
	return STATUS_OK;
}

/* What comes next in columns, as far as that goes and up to `to_ms`. */
static enum status slab_columns(struct slab *s, struct track *track, int64_t to_ms)
{
	struct track_rows rows;
	enum status status;
	while (!(status = track_rows(track, to_ms + 1, BLOCK_WANT_JUDGED, false, &rows)) && rows.from < rows.until) {
		const struct block_columns *c = &rows.columns;
		for (size_t i = rows.from; i < rows.until && !status; i++) {
			struct report r = {.time_ms = c->time_ms[i],
					   .lat_e7 = c->lat_e7[i],
					   .lon_e7 = c->lon_e7[i],
					   .speed_dkmh = c->speed_dkmh[i],
					   .course_deg = c->course_deg[i],
					   .flags = c->flags[i]};
			status = slab_add(s, &r);
		}
		if (status)
			return status;
		track_skip(track, &rows, rows.until - rows.from);
	}
	return status;
}

/* Whether nothing was heard of an unregistered code before its first fix of the slab, at `first_ms`. */
static enum status look_born(struct engine *e, const struct detect_context *by, uint64_t device, int64_t first_ms,
			     int64_t *out_born_ms)
{
	struct track *track;
	struct report r;
	struct detect_subject subject;
	by->subject(by->registry, device, first_ms, &subject);
	if (subject.registered || subject.source != DEVICE_KIND_AIS)
		return STATUS_OK;
	enum status status = track_open_judged(e, device, INT64_MIN, first_ms - 1, &track);
	if (status)
		return status;
	status = track_next(track, &r);
	track_close(track);
	if (status == STATUS_END)
		*out_born_ms = first_ms;
	return status == STATUS_END ? STATUS_OK : status;
}

/* Fixes of one device up to `to_ms`; what comes first behind it too when `ahead`. */
static enum status slab_track(struct slab *s, struct engine *e, size_t i, int64_t from_ms, int64_t to_ms, bool ahead)
{
	struct track *track;
	struct report r;
	enum status status = track_open_judged(e, s->devices[i], from_ms, ahead ? INT64_MAX : to_ms, &track);
	if (status)
		return status;
	s->next_ms[i] = INT64_MAX;
	while (!(status = slab_columns(s, track, to_ms)) && !(status = track_next(track, &r)) && r.time_ms <= to_ms)
		if ((status = slab_add(s, &r)))
			break;
	if (!status)
		s->next_ms[i] = r.time_ms;
	track_close(track);
	return status == STATUS_END ? STATUS_OK : status;
}

/* Tracks for the windows [first, last]. STATUS_FULL: too many fixes. */
static enum status slab_load(struct slab *s, struct engine *e, const struct detect_context *by, int64_t first,
			     int64_t last, int64_t as_of_ms, bool ahead)
{
	bool births = sea_wants_births(by);
	int64_t from_ms = first * SEA_WINDOW_MS - SEA_BACK_MS, to_ms = (last + 1) * SEA_WINDOW_MS - 1;
	enum status status = STATUS_OK;
	to_ms = to_ms < as_of_ms ? to_ms : as_of_ms;
	s->count = s->fix_count = 0;
	for (size_t i = 0; i < s->device_count && !status; i++) {
		size_t before = s->fix_count;
		status = slab_track(s, e, i, from_ms, to_ms, ahead);
		if (!status && s->fix_count > before) {
			s->tracks[s->count].device = s->devices[i];
			s->tracks[s->count].subject = &s->subjects[i];
			s->tracks[s->count].count = s->fix_count - before;
			s->tracks[s->count].born_ms = SEA_NOT_BORN;
			if (births)
				status = look_born(e, by, s->devices[i], s->fixes[before].mover.time_ms,
						   &s->tracks[s->count].born_ms);
			s->offsets[s->count++] = before;
		}
	}
	for (size_t i = 0; i < s->count; i++)
		s->tracks[i].fixes = s->fixes + s->offsets[i];
	return status;
}

/* The part of the tracks that one window needs, into `out`; returns how many vessels. */
static size_t slab_cut(const struct slab *s, int64_t window, struct sea_track *out)
{
	int64_t from_ms = window * SEA_WINDOW_MS - SEA_BACK_MS, to_ms = (window + 1) * SEA_WINDOW_MS;
	size_t count = 0;
	for (size_t i = 0; i < s->count; i++) {
		const struct sea_track *t = &s->tracks[i];
		size_t low = 0, high = t->count, first;
		while (low < high) {
			size_t middle = low + (high - low) / 2;
			if (t->fixes[middle].mover.time_ms < from_ms)
				low = middle + 1;
			else
				high = middle;
		}
		for (first = low; low < t->count && t->fixes[low].mover.time_ms < to_ms;)
			low++;
		if (low > first)
			out[count++] = (struct sea_track){t->device, t->subject, t->fixes + first, low - first,
							  first ? SEA_NOT_BORN : t->born_ms};
	}
	return count;
}

/* --- judging --- */

static enum status judge_window(const struct slab *s, const struct detect_context *by, int64_t window, int64_t as_of_ms,
				struct sea_track *room, struct detect_sink *sink)
{
	return sea_window_judge(by, room, slab_cut(s, window, room), window, as_of_ms, sink);
}

struct window_pass {
	struct sea_windows *windows;
	struct engine *e;
	struct judged_by *by;
	struct store_batch *batch;
	int64_t as_of_ms;
	findings_subject *touched;
	void *context;
	uint64_t number; /* of the window being judged: not a subject of anything */
};

static void touch_pair(void *context, uint64_t subject, int64_t raw_from_ms)
{
	const struct window_pass *p = context;
	if (subject != p->number)
		p->touched(p->context, subject, raw_from_ms);
}

/* What a month that has expired showed stands. */
static int64_t found_for_good(int64_t window)
{
	int64_t young_ms = clock_now_ms() - RETENTION_MONTHS_MIN * DAYS_OF_MONTH_MIN * MS_PER_DAY;
	return window * SEA_WINDOW_MS < young_ms && young_ms > 0 ? window * SEA_WINDOW_MS + SEA_WINDOW_MS : INT64_MIN;
}

static enum status replace_window(struct window_pass *p, const struct dirty_window *d, struct told *told)
{
	uint8_t key[WINDOW_KEY_SIZE];
	struct replacement r = {.subject = p->number,
				.stage = 1,
				.scope = REPLACE_ALL,
				.keep_before_ms = told->fact_count ? INT64_MIN : found_for_good(d->window),
				.facts = told->facts,
				.fact_count = told->fact_count,
				.batch = p->batch,
				.now_ms = clock_now_ms()};
	bool over = (d->window + 1) * SEA_WINDOW_MS <= p->as_of_ms;
	window_key(d->window, key);
	if (over && d->kept)
		store_batch_delete(p->batch, STORE_STATE, span_of(key, sizeof key));
	enum status status = findings_replace(p->e->findings, &r, touch_pair, p);
	if (!status && !over)
		put_back(p->windows, d, 1);
	return status;
}

static enum status judge_one(struct window_pass *p, const struct slab *s, const struct dirty_window *d,
			     struct sea_track *room)
{
	struct told told;
	told_init(&told);
	p->number = sea_window_number(d->window);
	enum status status = judge_window(s, &p->by->context, d->window, p->as_of_ms, room, &told.sink);
	if (status == STATUS_FULL) {
		log_error("judge", "a window of pairs has more of them than are kept: it is not judged");
		told_clear(&told);
		status = STATUS_OK;
	}
	if (!status)
		status = told.status;
	if (!status)
		status = replace_window(p, d, &told);
	told_deinit(&told);
	return status;
}

/* As many of the run as fit; `*done` of them are judged. */
static enum status judge_slab(struct window_pass *p, struct slab *s, const struct dirty_window *run, size_t count,
			      size_t *done)
{
	enum status status =
		slab_load(s, p->e, &p->by->context, run[0].window, run[count - 1].window, p->as_of_ms, false);
	while (status == STATUS_FULL && count > 1) {
		count /= 2;
		status = slab_load(s, p->e, &p->by->context, run[0].window, run[count - 1].window, p->as_of_ms, false);
	}
	struct sea_track *room = status ? NULL : malloc((s->count ? s->count : 1) * sizeof *room);
	if (!status && !room)
		status = STATUS_NO_MEMORY;
	for (*done = 0; *done < count && !status; ++*done) {
		status = judge_one(p, s, &run[*done], room);
		if (status)
			break;
	}
	free(room);
	return status;
}

enum status sea_windows_judge(struct sea_windows *w, struct engine *e, struct store_batch *batch, int64_t as_of_ms,
			      findings_subject *touched, void *context)
{
	struct dirty_window run[SLAB_WINDOWS];
	struct window_pass p = {w, e, context_take(e->context), batch, as_of_ms, touched, context, 0};
	int64_t after = NO_WINDOW;
	size_t count, done;
	enum status status = STATUS_OK;
	while (!status && (count = take_run(w, as_of_ms, after, run)) > 0) {
		struct slab slab = {0};
		after = run[count - 1].window;
		status = slab_devices(&slab, e, run[0].window * SEA_WINDOW_MS, (after + 1) * SEA_WINDOW_MS);
		for (size_t at = 0; at < count && !status; at += done) {
			status = judge_slab(&p, &slab, run + at, count - at, &done);
			if (status)
				put_back(w, run + at + done, count - at - done);
		}
		slab_deinit(&slab);
	}
	sea_windows_keep(w, batch);
	enum status kept = store_commit(e->store, batch, false);
	judged_by_release(p.by);
	return status ? status : kept;
}

enum status sea_windows_note_track(struct sea_windows *w, struct engine *e, uint64_t device, int64_t from_ms)
{
	struct track *track;
	struct report r;
	if (!is_vessel(e->registry, device, from_ms) && !is_vessel(e->registry, device, INT64_MAX - 1))
		return STATUS_OK;
	enum status status = track_open_judged(e, device, from_ms, INT64_MAX, &track);
	if (status)
		return status;
	while (!(status = track_next(track, &r)))
		if (!(r.flags & REPORT_FLAG_FUTURE))
			sea_windows_note(w, r.time_ms);
	track_close(track);
	return status == STATUS_END ? STATUS_OK : status;
}

/* --- replay --- */

static int64_t first_next(const struct slab *s)
{
	int64_t next_ms = INT64_MAX;
	for (size_t i = 0; i < s->device_count; i++)
		next_ms = s->next_ms[i] < next_ms ? s->next_ms[i] : next_ms;
	return next_ms;
}

static enum status replay_slab(const struct slab *s, const struct detect_context *by, int64_t first, int64_t last,
			       int64_t as_of_ms, struct detect_sink *sink)
{
	struct sea_track *room = malloc((s->count ? s->count : 1) * sizeof *room);
	enum status status = room ? STATUS_OK : STATUS_NO_MEMORY;
	for (int64_t window = first; window <= last && !status; window++) {
		status = judge_window(s, by, window, as_of_ms, room, sink);
		if (status == STATUS_FULL)
			status = STATUS_OK; /* live it is not judged either, and says so */
	}
	free(room);
	return status;
}

static enum status replay_slabs(struct slab *s, struct engine *e, const struct detect_context *by, int64_t as_of_ms,
				struct detect_sink *sink)
{
	int64_t first = 0, last = -1, now = sea_window_of(as_of_ms), count = SLAB_WINDOWS;
	enum status status =
		slab_load(s, e, by, INT64_MIN / 4 / SEA_WINDOW_MS, INT64_MIN / 4 / SEA_WINDOW_MS, as_of_ms, true);
	/* what is fresh at the end of a slab matters to the next window, though nothing may be in it */
	while (!status && (s->fix_count ? last < now : first_next(s) <= as_of_ms)) {
		first = s->fix_count ? last + 1 : sea_window_of(first_next(s));
		last = first + count - 1 < now ? first + count - 1 : now;
		status = slab_load(s, e, by, first, last, as_of_ms, true);
		for (; status == STATUS_FULL && count > 1; status = slab_load(s, e, by, first, last, as_of_ms, true)) {
			count /= 2;
			last = first + count - 1 < now ? first + count - 1 : now;
		}
		if (!status)
			status = replay_slab(s, by, first, last, as_of_ms, sink);
		if (s->fix_count < SEA_SLAB_FIXES_MAX / 4 && count < REPLAY_WINDOWS_MAX)
			count *= 2;
	}
	return status;
}

enum status sea_windows_replay(struct engine *e, const struct detect_context *by, const uint64_t *devices, size_t count,
			       int64_t as_of_ms, struct detect_sink *sink)
{
	struct slab slab = {0};
	enum status status = STATUS_OK;
	if (!sea_wants_pairs(by))
		return STATUS_OK;
	for (size_t i = 0; i < count && !status; i++) {
		struct detect_subject now;
		unsigned kind;
		by->subject(by->registry, devices[i], as_of_ms, &now);
		if (!sea_kind_of(now.class_code, &kind) && !sea_is_stranger(now.class_code, now.source) &&
		    now.from_ms == INT64_MIN)
			continue; /* it never was a vessel */
		if (!array_grow((void **)&slab.devices, &slab.device_capacity, slab.device_count, sizeof *slab.devices))
			status = STATUS_NO_MEMORY;
		else
			slab.devices[slab.device_count++] = devices[i];
	}
	if (!status)
		status = slab_room(&slab);
	if (!status)
		status = replay_slabs(&slab, e, by, as_of_ms, sink);
	slab_deinit(&slab);
	return status;
}
