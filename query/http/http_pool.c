#include "query/http/http_pool.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

struct pool_job {
	pool_work *work;
	void *job;
};

struct http_pool {
	pthread_mutex_t mutex;
	pthread_cond_t work;
	bool closing;
	unsigned threads, idle;
	pthread_t *thread;
	size_t first, count, max;
	struct pool_job jobs[]; /* ring of `max` */
};

static bool next_job(struct http_pool *p, struct pool_job *out)
{
	pthread_mutex_lock(&p->mutex);
	p->idle++;
	while (!p->count && !p->closing)
		pthread_cond_wait(&p->work, &p->mutex);
	p->idle--;
	bool some = p->count > 0;
	if (some) {
		*out = p->jobs[p->first];
		p->first = (p->first + 1) % p->max;
		p->count--;
	}
	pthread_mutex_unlock(&p->mutex);
	return some;
}

static void *pool_main(void *context)
{
	struct http_pool *p = context;
	struct pool_job job;
	while (next_job(p, &job))
		job.work(job.job);
	return NULL;
}

enum status pool_new(unsigned threads, size_t queue_max, struct http_pool **out)
{
	struct http_pool *p = calloc(1, sizeof *p + queue_max * sizeof p->jobs[0]);
	if (!p)
		return STATUS_NO_MEMORY;
	p->max = queue_max;
	pthread_mutex_init(&p->mutex, NULL);
	pthread_cond_init(&p->work, NULL);
	p->thread = calloc(threads, sizeof *p->thread);
	for (; p->thread && p->threads < threads; p->threads++)
		if (pthread_create(&p->thread[p->threads], NULL, pool_main, p))
			break;
	if (p->threads < threads) {
		pool_free(p);
		return STATUS_NO_MEMORY;
	}
	*out = p;
	return STATUS_OK;
}

enum status pool_submit(struct http_pool *p, pool_work *work, void *job)
{
	enum status status = STATUS_BUSY;
	pthread_mutex_lock(&p->mutex);
	if (p->count < p->max) {
		p->jobs[(p->first + p->count++) % p->max] = (struct pool_job){work, job};
		if (p->idle)
			pthread_cond_signal(&p->work);
		status = STATUS_OK;
	}
	pthread_mutex_unlock(&p->mutex);
	return status;
}

size_t pool_queued(struct http_pool *p)
{
	pthread_mutex_lock(&p->mutex);
	size_t count = p->count;
	pthread_mutex_unlock(&p->mutex);
	return count;
}

void pool_free(struct http_pool *p)
{
	if (!p)
		return;
	pthread_mutex_lock(&p->mutex);
	p->closing = true;
	pthread_cond_broadcast(&p->work);
	pthread_mutex_unlock(&p->mutex);
	for (unsigned i = 0; i < p->threads; i++)
		pthread_join(p->thread[i], NULL);
	pthread_cond_destroy(&p->work);
	pthread_mutex_destroy(&p->mutex);
	free(p->thread);
	free(p);
}
