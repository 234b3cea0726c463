#include "query/http/http_exchange.h"

#include <stdio.h>
#include <stdlib.h>

const char *const http_method_names[HTTP_METHOD_COUNT] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};

struct http_exchange *exchange_new(size_t texts_bytes, size_t queue_max)
{
	struct http_exchange *x = calloc(1, sizeof *x + texts_bytes);
	if (!x)
		return NULL;
	struct http_request *r = &x->request;
	r->path = r->query = r->host = r->origin = r->accept = r->authorization = "";
	r->if_none_match = r->if_match = r->content_type = r->content_encoding = r->peer = r->last_event_id =
		r->cookie = "";
	r->body = buf_init(HTTP_BODY_MAX);
	atomic_init(&x->references, 1);
	pthread_mutex_init(&x->mutex, NULL);
	pthread_cond_init(&x->room, NULL);
	x->queue_max = queue_max;
	x->pending = buf_init(queue_max);
	x->sending = buf_init(queue_max);
	return x;
}

char *exchange_texts(struct http_exchange *x)
{
	return (char *)(x + 1);
}

void exchange_ref(struct http_exchange *x)
{
	atomic_fetch_add(&x->references, 1);
}

void exchange_unref(struct http_exchange *x)
{
	if (atomic_fetch_sub(&x->references, 1) != 1)
		return;
	buf_deinit(&x->request.body);
	buf_deinit(&x->pending);
	buf_deinit(&x->sending);
	pthread_cond_destroy(&x->room);
	pthread_mutex_destroy(&x->mutex);
	free(x);
}

enum status exchange_header(struct http_exchange *x, const char *name, const char *value)
{
	if (strpbrk(value, "\r\n"))
		return STATUS_INVALID;
	size_t used = strlen(x->headers);
	int n = snprintf(x->headers + used, sizeof x->headers - used, "%s: %s\n", name, value);
	if (n < 0 || (size_t)n >= sizeof x->headers - used) {
		x->headers[used] = '\0';
		return STATUS_FULL;
	}
	return STATUS_OK;
}

void exchange_begin(struct http_exchange *x, unsigned status, const char *content_type)
{
	pthread_mutex_lock(&x->mutex);
	x->status = status;
	x->content_type = content_type;
	x->begun = true;
	pthread_mutex_unlock(&x->mutex);
}

/* Bytes in the queue; under the mutex. */
static size_t queued(const struct http_exchange *x)
{
	return x->pending.size + (x->sending.size - x->sent);
}

/* Room for at least one byte, or STATUS_CANCELLED; under the mutex, which it lets go while it waits. */
static enum status wait_for_room(struct http_exchange *x)
{
	while (!x->gone && queued(x) >= x->queue_max) {
		if (x->on_loop)
			return STATUS_FULL;
		x->waiting = true;
		pthread_mutex_unlock(&x->mutex);
		x->wake(x);
		pthread_mutex_lock(&x->mutex);
		while (x->waiting && !x->gone && queued(x) >= x->queue_max)
			pthread_cond_wait(&x->room, &x->mutex);
		x->waiting = false;
	}
	return x->gone || x->head_only ? STATUS_CANCELLED : STATUS_OK;
}

enum status exchange_write(struct http_exchange *x, struct span bytes)
{
	bool flush = false;
	enum status status = STATUS_OK;
	pthread_mutex_lock(&x->mutex);
	while (bytes.size && !(status = wait_for_room(x))) {
		size_t room = x->queue_max - queued(x);
		size_t size = bytes.size < room ? bytes.size : room;
		if ((status = buf_append(&x->pending, bytes.data, size)))
			break;
		bytes = span_of(bytes.data + size, bytes.size - size);
		if (queued(x) > x->queue_high)
			x->queue_high = queued(x);
	}
	flush = x->pending.size >= EXCHANGE_FLUSH_BYTES && !x->on_loop;
	pthread_mutex_unlock(&x->mutex);
	if (flush)
		x->wake(x);
	return status;
}

enum status exchange_post(struct http_exchange *x, struct span bytes)
{
	pthread_mutex_lock(&x->mutex);
	enum status status = x->gone || x->head_only ? STATUS_CANCELLED : STATUS_OK;
	if (!status && bytes.size > x->queue_max - queued(x))
		status = STATUS_FULL;
	if (!status)
		status = buf_append(&x->pending, bytes.data, bytes.size);
	if (queued(x) > x->queue_high)
		x->queue_high = queued(x);
	pthread_mutex_unlock(&x->mutex);
	if (!status)
		x->wake(x);
	return status;
}

static void finish(struct http_exchange *x, bool aborted)
{
	pthread_mutex_lock(&x->mutex);
	x->finished = true;
	x->aborted = aborted;
	pthread_mutex_unlock(&x->mutex);
	if (!x->on_loop)
		x->wake(x);
}

void exchange_end(struct http_exchange *x)
{
	finish(x, false);
}

void exchange_abort(struct http_exchange *x)
{
	finish(x, true);
}

bool exchange_is_cancelled(struct http_exchange *x)
{
	pthread_mutex_lock(&x->mutex);
	bool gone = x->gone;
	pthread_mutex_unlock(&x->mutex);
	return gone;
}

void exchange_take(struct http_exchange *x, struct exchange_view *out)
{
	pthread_mutex_lock(&x->mutex);
	if (x->sent == x->sending.size) {
		struct buf empty = x->sending;
		x->sending = x->pending;
		x->pending = empty;
		buf_clear(&x->pending);
		x->sent = 0;
	}
	out->begun = x->begun;
	out->bytes = span_of(x->sending.data + x->sent, x->sending.size - x->sent);
	out->last = x->finished && x->pending.size == 0;
	out->aborted = x->aborted;
	pthread_mutex_unlock(&x->mutex);
}

void exchange_sent(struct http_exchange *x, size_t size)
{
	pthread_mutex_lock(&x->mutex);
	x->sent += size;
	if (x->waiting) {
		x->waiting = false;
		pthread_cond_signal(&x->room);
	}
	pthread_mutex_unlock(&x->mutex);
}

void exchange_gone(struct http_exchange *x)
{
	pthread_mutex_lock(&x->mutex);
	x->gone = true;
	pthread_cond_broadcast(&x->room);
	pthread_mutex_unlock(&x->mutex);
}
