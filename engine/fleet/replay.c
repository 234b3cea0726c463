#include "engine/fleet/replay.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "engine/fleet/finding_reports.h"
#include "engine/fleet/fleet_internal.h"
#include "engine/fleet/judge_stage2.h"
#include "engine/fleet/sea_windows.h"
#include "engine/fleet/stream_run.h"

struct gathered {
	pthread_mutex_t lock;
	struct told told; /* findings within the span, and every fact */
	uint64_t reports, stepped;
	enum status status;
};

struct replaying {
	struct engine *e;
	const struct replay_options *o;
	const uint64_t *devices;
	size_t device_count;
	uint64_t *streams; /* behind the devices */
	size_t stream_count;
	_Atomic size_t next, done;
	struct gathered gathered;
};

static enum status gather(struct gathered *g, const struct told *told, uint64_t steps, uint64_t stepped,
			  const struct replay_options *o)
{
	pthread_mutex_lock(&g->lock);
	g->reports += steps;
	g->stepped += stepped;
	for (size_t i = 0; i < told->finding_count; i++) {
		const struct finding *f = &told->findings[i].finding;
		if (f->start_ms >= o->from_ms && f->start_ms <= o->to_ms)
			g->told.sink.finding(g->told.sink.context, f, NULL);
	}
	for (size_t i = 0; i < told->fact_count; i++)
		g->told.sink.fact(g->told.sink.context, &told->facts[i].fact);
	enum status status = g->told.fact_count > REPLAY_FACTS_MAX ? STATUS_FULL : g->told.status;
	pthread_mutex_unlock(&g->lock);
	return status;
}

static int order_findings(const void *a, const void *b)
{
	const struct told_finding *x = a, *y = b;
	return finding_compare(&x->finding, &y->finding);
}

static int order_facts(const void *a, const void *b)
{
	const struct fact *x = &((const struct told_fact *)a)->fact, *y = &((const struct told_fact *)b)->fact;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	if (x->from_ms != y->from_ms)
		return x->from_ms < y->from_ms ? -1 : 1;
	return x->place == y->place ? 0 : x->place < y->place ? -1 : 1;
}

static int by_finding_then_turn(const void *a, const void *b)
{
	const char *x = *(char *const *)a, *y = *(char *const *)b;
	int order = order_findings(x, y);
	return order ? order : (x > y) - (x < y);
}

static int by_fact_then_turn(const void *a, const void *b)
{
	const char *x = *(char *const *)a, *y = *(char *const *)b;
	int order = order_facts(x, y);
	return order ? order : (x > y) - (x < y);
}

/* Of entries (`size` bytes each) that are the same by `order` the last word stands, in the place of the first.
 * `by_turn` sorts pointers to them by that order and then by place: a season of a device tells thousands. */
static enum status keep_last_of_each(void *entries, size_t size, size_t *count,
				     int (*order)(const void *, const void *),
				     int (*by_turn)(const void *, const void *))
{
	char *list = entries;
	size_t all = *count, kept = 0;
	if (all < 2)
		return STATUS_OK;
	char **sorted = malloc(all * sizeof(char *));
	bool *gone = calloc(all, sizeof *gone);
	if (!sorted || !gone) {
		free(sorted);
		free(gone);
		return STATUS_NO_MEMORY;
	}
	for (size_t i = 0; i < all; i++)
		sorted[i] = list + i * size;
	qsort(sorted, all, sizeof(char *), by_turn);
	for (size_t i = 1, first = 0; i < all; i++) {
		if (order(sorted[first], sorted[i]) != 0) {
			first = i;
			continue;
		}
		memcpy(sorted[first], sorted[i], size);
		gone[(size_t)(sorted[i] - list) / size] = true;
	}
	for (size_t i = 0; i < all; i++)
		if (!gone[i]) {
			memmove(list + kept * size, list + i * size, size);
			kept++;
		}
	*count = kept;
	free(sorted);
	free(gone);
	return STATUS_OK;
}

/* Of what was told several times the last word stands. */
static enum status keep_last_words(struct told *told)
{
	enum status status = keep_last_of_each(told->findings, sizeof *told->findings, &told->finding_count,
					       order_findings, by_finding_then_turn);
	return status ? status
		      : keep_last_of_each(told->facts, sizeof *told->facts, &told->fact_count, order_facts,
					  by_fact_then_turn);
}

static enum status replay_device(struct replaying *w, uint64_t device)
{
	struct judge_run run;
	enum status status = judge_run_init(&run, w->e, w->o->by, device, NULL);
	run.by_steps = w->o->by_steps;
	run.facts = detector_wants_facts(w->o->by->detector);
	if (!run.facts)
		run.told.sink.fact = NULL;
	if (!status)
		status = judge_run_track(&run, w->o->as_of_ms);
	if (!status && run.steps)
		status = judge_run_open(&run, w->o->as_of_ms);
	if (!status)
		status = keep_last_words(&run.told);
	for (size_t i = 0; w->o->digests && i < run.told.finding_count && !status; i++)
		status = finding_digest(w->e, &run.told.findings[i].finding, NULL, 0);
	if (!status)
		status = gather(&w->gathered, &run.told, run.steps, run.stepped, w->o);
	judge_run_deinit(&run);
	return status;
}

static enum status replay_stream(struct replaying *w, uint64_t stream)
{
	struct stream_run run;
	enum status status = stream_run_init(&run, w->e, w->o->by, stream, NULL);
	if (!status && stream_run_is_asked(&run)) {
		status = stream_run_to(&run, w->o->as_of_ms);
		if (!status)
			status = keep_last_words(&run.told);
		for (size_t i = 0; w->o->digests && i < run.told.finding_count && !status; i++)
			status = stream_finding_digest(w->e, &run.told.findings[i].finding);
		if (!status)
			status = gather(&w->gathered, &run.told, run.steps, run.steps, w->o);
	}
	stream_run_deinit(&run);
	return status;
}

static void *replay_main(void *argument)
{
	struct replaying *w = argument;
	size_t at;
	const size_t all = w->device_count + w->stream_count;
	while ((at = atomic_fetch_add(&w->next, 1)) < all) {
		enum status status = at < w->device_count ? replay_device(w, w->devices[at])
							  : replay_stream(w, w->streams[at - w->device_count]);
		if (status) {
			pthread_mutex_lock(&w->gathered.lock);
			w->gathered.status = status;
			pthread_mutex_unlock(&w->gathered.lock);
			atomic_store(&w->next, all);
			break;
		}
		size_t done = atomic_fetch_add(&w->done, 1) + 1;
		if (w->o->progress)
			w->o->progress(w->o->context, done, all);
	}
	return NULL;
}

static void run_threads(struct replaying *w)
{
	pthread_t threads[SHARDS_MAX];
	unsigned started = 0, wanted = w->o->threads > 1 ? w->o->threads - 1 : 0;
	while (started < wanted && started < SHARDS_MAX && !pthread_create(&threads[started], NULL, replay_main, w))
		started++;
	replay_main(w);
	for (unsigned i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
}

static enum status every_id(const struct registry *r, uint64_t **out, size_t *count)
{
	size_t room = registry_count(r) + 1024, got = 0, n;
	uint64_t *list = malloc(room * sizeof *list);
	if (!list)
		return STATUS_NO_MEMORY;
	while (got < room && (n = registry_list(r, got ? list[got - 1] : 0, list + got, room - got)) > 0)
		got += n;
	*out = list;
	*count = got;
	return STATUS_OK;
}

/* Of each device that is a site, up to a bound that no site has. */
static enum status streams_of(struct engine *e, const struct replay_options *o, uint64_t **out, size_t *count)
{
	uint64_t *list = malloc(SERIES_STREAMS_MAX * sizeof *list);
	if (!list)
		return STATUS_NO_MEMORY;
	*out = list;
	*count = 0;
	for (size_t i = 0; i < o->device_count && *count < SERIES_STREAMS_MAX; i++)
		*count += streams_list(e->streams, o->devices[i], 0, list + *count, SERIES_STREAMS_MAX - *count);
	return *count == SERIES_STREAMS_MAX ? STATUS_FULL : STATUS_OK;
}

static enum status stage2(struct replaying *w)
{
	struct told *told = &w->gathered.told;
	struct told found;
	told_init(&found);
	enum status status =
		sea_windows_replay(w->e, &w->o->by->context, w->devices, w->device_count, w->o->as_of_ms, &told->sink);
	if (!status && told->fact_count > REPLAY_FACTS_MAX)
		status = STATUS_FULL;
	if (!status)
		status = told->status;
	if (!status)
		status = stage2_replay(w->o->by, told->facts, told->fact_count, w->o->as_of_ms,
				       w->o->digests ? w->e : NULL, &found);
	for (size_t i = 0; i < found.finding_count && !status; i++) {
		const struct finding *f = &found.findings[i].finding;
		if (f->start_ms >= w->o->from_ms && f->start_ms <= w->o->to_ms)
			told->sink.finding(told->sink.context, f, NULL);
	}
	told_deinit(&found);
	return status ? status : told->status;
}

static int by_finding(const void *a, const void *b)
{
	const struct finding *x = a, *y = b;
	int order = finding_compare(x, y);
	if (order)
		return order;
	return x->other == y->other ? 0 : x->other < y->other ? -1 : 1;
}

static enum status hand_out(const struct told *told, struct replay_result *out)
{
	out->findings = malloc((told->finding_count ? told->finding_count : 1) * sizeof *out->findings);
	if (!out->findings)
		return STATUS_NO_MEMORY;
	for (size_t i = 0; i < told->finding_count; i++)
		out->findings[i] = told->findings[i].finding;
	out->count = told->finding_count;
	qsort(out->findings, out->count, sizeof *out->findings, by_finding);
	return STATUS_OK;
}

enum status engine_replay(struct engine *e, const struct replay_options *o, struct replay_result *out)
{
	struct replaying w = {.e = e, .o = o, .devices = o->devices, .device_count = o->device_count};
	uint64_t *list = NULL;
	*out = (struct replay_result){0};
	enum status status = o->devices ? STATUS_OK : every_id(e->registry, &list, &w.device_count);
	if (!status)
		status = o->devices ? streams_of(e, o, &w.streams, &w.stream_count)
				    : every_id(streams_registry(e->streams), &w.streams, &w.stream_count);
	if (status) {
		free(list);
		free(w.streams);
		return status;
	}
	if (list)
		w.devices = list;
	pthread_mutex_init(&w.gathered.lock, NULL);
	told_init(&w.gathered.told);
	run_threads(&w);
	status = w.gathered.status;
	if (!status)
		status = stage2(&w);
	if (!status)
		status = hand_out(&w.gathered.told, out);
	out->reports = w.gathered.reports;
	out->stepped = w.gathered.stepped;
	told_deinit(&w.gathered.told);
	pthread_mutex_destroy(&w.gathered.lock);
	free(list);
	free(w.streams);
	return status;
}

static enum status add_standing(void *context, const struct violation *v)
{
	struct told *told = context;
	if (v->state != CASE_WITHDRAWN)
		told->sink.finding(told->sink.context, &v->finding, NULL);
	return told->status;
}

enum status engine_findings_standing(struct engine *e, int64_t from_ms, int64_t to_ms, struct replay_result *out)
{
	struct told told;
	told_init(&told);
	*out = (struct replay_result){0};
	enum status status = violations_scan_all(e->findings, from_ms, to_ms, add_standing, &told);
	if (!status)
		status = hand_out(&told, out);
	told_deinit(&told);
	return status;
}
