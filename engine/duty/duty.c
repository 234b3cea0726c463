#include "engine/duty/duty.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "engine/core/clock.h"
#include "engine/core/log.h"

struct duty {
	struct engine *engine;
	struct headcounts *headcounts;
	struct alarms *alarms;
	struct shift_log *shift_log;
	struct warnings *warnings;
	struct incidents *incidents;
	struct boat_messages *messages;
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	bool running, stopping;
};

static void never_wrong(void *context, const char *path, const char *text)
{
	(void)context;
	log_error("duty", "shipped alarm policy: %s %s", path, text);
}

static enum status open_rooms(struct duty *d, struct alarm_policies *policies, bool read_only)
{
	struct store *s = engine_store(d->engine);
	enum status status = STATUS_OK;
	if (!policies)
		status = alarm_policies_parse(alarm_policies_default(), never_wrong, NULL, &policies);
	if (!status)
		status = alarms_open(d->engine, policies, &d->alarms);
	if (!status)
		status = headcounts_open(s, &d->headcounts);
	if (!status)
		status = shift_log_open(s, &d->shift_log);
	if (!status)
		status = warnings_open(s, engine_context(d->engine), read_only, &d->warnings);
	if (!status)
		status = incidents_open(s, &d->incidents);
	return status ? status : boat_messages_open(s, &d->messages);
}

enum status duty_open(struct engine *e, struct alarm_policies *policies, bool read_only, struct duty **out)
{
	pthread_condattr_t monotonic;
	struct duty *d = calloc(1, sizeof *d);
	if (!d) {
		alarm_policies_free(policies);
		return STATUS_NO_MEMORY;
	}
	d->engine = e;
	pthread_mutex_init(&d->mutex, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&d->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	enum status status = open_rooms(d, policies, read_only);
	if (status)
		duty_close(d);
	else
		*out = d;
	return status;
}

/* --- the clock --- */

static void say(const char *what, enum status status, enum status *last)
{
	if (status && status != *last)
		log_error("duty", "%s: %s", what, status_text(status));
	*last = status;
}

static void *run(void *context)
{
	struct duty *d = context;
	enum status alarms = STATUS_OK, messages = STATUS_OK;
	pthread_mutex_lock(&d->mutex);
	while (!d->stopping) {
		struct timespec until;
		pthread_mutex_unlock(&d->mutex);
		say("alarms", alarms_run(d->alarms, clock_now_ms()), &alarms);
		say("messages to boats", boat_messages_run(d->messages, clock_now_ms()), &messages);
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec++;
		pthread_mutex_lock(&d->mutex);
		while (!d->stopping && !pthread_cond_timedwait(&d->changed, &d->mutex, &until))
			;
	}
	pthread_mutex_unlock(&d->mutex);
	return NULL;
}

enum status duty_start(struct duty *d)
{
	d->running = pthread_create(&d->thread, NULL, run, d) == 0;
	return d->running ? STATUS_OK : STATUS_NO_MEMORY;
}

void duty_stop(struct duty *d)
{
	if (!d)
		return;
	pthread_mutex_lock(&d->mutex);
	d->stopping = true;
	pthread_cond_signal(&d->changed);
	pthread_mutex_unlock(&d->mutex);
	if (d->running)
		pthread_join(d->thread, NULL);
	d->running = false;
}

void duty_close(struct duty *d)
{
	if (!d)
		return;
	duty_stop(d);
	boat_messages_close(d->messages);
	incidents_close(d->incidents);
	warnings_close(d->warnings);
	shift_log_close(d->shift_log);
	headcounts_close(d->headcounts);
	alarms_close(d->alarms);
	pthread_cond_destroy(&d->changed);
	pthread_mutex_destroy(&d->mutex);
	free(d);
}

struct engine *duty_engine(struct duty *d)
{
	return d->engine;
}
struct headcounts *duty_headcounts(struct duty *d)
{
	return d->headcounts;
}
struct alarms *duty_alarms(struct duty *d)
{
	return d->alarms;
}
struct shift_log *duty_shift_log(struct duty *d)
{
	return d->shift_log;
}
struct warnings *duty_warnings(struct duty *d)
{
	return d->warnings;
}
struct incidents *duty_incidents(struct duty *d)
{
	return d->incidents;
}
struct boat_messages *duty_boat_messages(struct duty *d)
{
	return d->messages;
}

/* --- handing over --- */

struct counting {
	int64_t at_ms;
	uint32_t active;
};

/* Validity is bounded, so warnings received long before stand no more; a message may be sent ahead of its time, though
 * not by more than that bound. */
static enum status count_active(void *context, const void *row)
{
	struct counting *c = context;
	const struct warning *w = row;
	if (w->received_ms < c->at_ms - 2 * WARNING_SPAN_MAX_MS)
		return STATUS_END;
	c->active += w->status == WARNING_ACTUAL && warning_is_active(w, c->at_ms);
	return STATUS_OK;
}

enum status duty_hand_over(struct duty *d, struct shift_entry *e)
{
	struct alarm_times times;
	struct counting counting = {.at_ms = e->at_ms};
	int64_t from_ms = shift_log_shift(d->shift_log);
	e->kind = SHIFT_HANDOVER;
	enum status status = alarms_times(d->alarms, from_ms == INT64_MIN ? 0 : from_ms, e->at_ms, &times);
	if (!status)
		status = incidents_count_open(d->incidents, &e->incidents_open);
	if (!status)
		status = warnings_list(d->warnings, 0, count_active, &counting);
	if (status)
		return status;
	e->warnings_active = counting.active;
	e->alarms_open = (uint32_t)alarms_open_count(d->alarms);
	e->alarms_raised = (uint32_t)times.raised;
	e->alarms_acknowledged = (uint32_t)times.acknowledged;
	e->alarms_in_time = (uint32_t)times.in_time;
	if (times.acknowledged) {
		e->p50_ms = times.p50_ms;
		e->p90_ms = times.p90_ms;
		e->max_ms = times.max_ms;
	}
	return shift_log_add(d->shift_log, e);
}

enum status duty_metrics(struct duty *d, struct buf *out)
{
	const struct alarms_stats *a = alarms_stats(d->alarms);
	const struct {
		const char *name, *type, *help;
		uint64_t value;
	} rows[] = {{"alarms_open", "gauge", "Alarms that nobody has acknowledged.", alarms_open_count(d->alarms)},
		    {"alarms_raised_total", "counter", "Alarms raised.", a->raised},
		    {"alarms_escalated_total", "counter", "Escalations of alarms.", a->escalated},
		    {"alarms_acknowledged_total", "counter", "Alarms acknowledged.", a->acknowledged},
		    {"alarm_turns_failed_total", "counter", "Turns of the alarm queue that failed.", a->failed},
		    {"boat_messages_open", "gauge", "Messages to boats that have not ended.",
		     boat_messages_open_count(d->messages)}};
	enum status status = STATUS_OK;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0] && !status; i++)
		status = buf_printf(
			out, "# HELP zayton_duty_%s %s\n# TYPE zayton_duty_%s %s\nzayton_duty_%s %" PRIu64 "\n",
			rows[i].name, rows[i].help, rows[i].name, rows[i].type, rows[i].name, rows[i].value);
	return status;
}
