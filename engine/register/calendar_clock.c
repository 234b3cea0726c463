#include "engine/register/calendar_clock.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "engine/core/clock.h"
#include "engine/core/log.h"

#define TICK_S 600

struct calendar_clock {
	struct calendar *calendar;
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	bool stopping;
};

static void *run(void *context)
{
	struct calendar_clock *k = context;
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	pthread_mutex_lock(&k->mutex);
	while (!k->stopping) {
		size_t written;
		pthread_mutex_unlock(&k->mutex);
		enum status status = calendar_tick(k->calendar, clock_now_ms(), &written);
		if (status)
			log_error("calendar", "reminders are not written down: %s", status_text(status));
		/* as many as fit: the rest at once */
		until.tv_sec += !status && written == CALENDAR_NOTICES_MAX ? 0 : TICK_S;
		pthread_mutex_lock(&k->mutex);
		while (!k->stopping && !pthread_cond_timedwait(&k->changed, &k->mutex, &until))
			;
	}
	pthread_mutex_unlock(&k->mutex);
	return NULL;
}

static void clock_free(struct calendar_clock *k)
{
	pthread_cond_destroy(&k->changed);
	pthread_mutex_destroy(&k->mutex);
	free(k);
}

enum status calendar_clock_start(struct calendar *c, struct calendar_clock **out)
{
	pthread_condattr_t monotonic;
	struct calendar_clock *k = calloc(1, sizeof *k);
	if (!k)
		return STATUS_NO_MEMORY;
	k->calendar = c;
	pthread_mutex_init(&k->mutex, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&k->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	if (pthread_create(&k->thread, NULL, run, k)) {
		clock_free(k);
		return STATUS_NO_MEMORY;
	}
	*out = k;
	return STATUS_OK;
}

void calendar_clock_stop(struct calendar_clock *k)
{
	if (!k)
		return;
	pthread_mutex_lock(&k->mutex);
	k->stopping = true;
	pthread_cond_signal(&k->changed);
	pthread_mutex_unlock(&k->mutex);
	pthread_join(k->thread, NULL);
	clock_free(k);
}
