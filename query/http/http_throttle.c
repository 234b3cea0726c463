#include "query/http/http_throttle.h"

#include <string.h>
#include <sys/random.h>

#include "engine/core/hash.h"

enum status throttle_init(struct throttle *t)
{
	memset(t, 0, sizeof *t);
	pthread_mutex_init(&t->lock, NULL);
	return getrandom(&t->seed, sizeof t->seed, 0) == sizeof t->seed ? STATUS_OK : STATUS_IO;
}

void throttle_deinit(struct throttle *t)
{
	pthread_mutex_destroy(&t->lock);
}

static uint64_t key_of(const struct throttle *t, enum throttle_kind kind, const char *text)
{
	uint64_t key = hash64_seeded(span_of_string(text), t->seed + (uint64_t)kind);
	return key ? key : 1;
}

static struct throttle_entry *find(struct throttle *t, uint64_t key)
{
	struct throttle_entry *set = t->sets[key % THROTTLE_SETS];
	for (unsigned i = 0; i < THROTTLE_WAYS; i++)
		if (set[i].key == key)
			return &set[i];
	return NULL;
}

/* A free way, or the one that failed longest ago. */
static struct throttle_entry *take(struct throttle *t, uint64_t key)
{
	struct throttle_entry *set = t->sets[key % THROTTLE_SETS], *oldest = set;
	for (unsigned i = 0; i < THROTTLE_WAYS; i++) {
		if (!set[i].key) {
			oldest = &set[i];
			break;
		}
		if (set[i].last_ms < oldest->last_ms)
			oldest = &set[i];
	}
	*oldest = (struct throttle_entry){.key = key};
	return oldest;
}

int64_t throttle_wait_ms(struct throttle *t, enum throttle_kind kind, const char *text, int64_t now_ms)
{
	pthread_mutex_lock(&t->lock);
	const struct throttle_entry *e = find(t, key_of(t, kind, text));
	int64_t wait_ms = e && e->until_ms > now_ms ? e->until_ms - now_ms : 0;
	pthread_mutex_unlock(&t->lock);
	return wait_ms;
}

static int64_t penalty_ms(uint32_t failures, uint32_t allowed)
{
	uint32_t over = failures > allowed ? failures - allowed : 0;
	int64_t ms = over ? INT64_C(1000) << (over < 16 ? over - 1 : 15) : 0;
	return ms > THROTTLE_LONGEST_MS ? THROTTLE_LONGEST_MS : ms;
}

void throttle_failed(struct throttle *t, enum throttle_kind kind, const char *text, int64_t now_ms)
{
	uint64_t key = key_of(t, kind, text);
	pthread_mutex_lock(&t->lock);
	struct throttle_entry *e = find(t, key);
	if (!e)
		e = take(t, key);
	for (int64_t quiet_ms = now_ms - e->last_ms; e->failures && quiet_ms >= THROTTLE_LONGEST_MS;
	     quiet_ms -= THROTTLE_LONGEST_MS)
		e->failures /= 2;
	e->failures += e->failures < UINT32_MAX;
	e->last_ms = now_ms;
	e->until_ms =
		now_ms + penalty_ms(e->failures, kind == THROTTLE_NAME ? THROTTLE_FREE_NAME : THROTTLE_FREE_ADDRESS);
	pthread_mutex_unlock(&t->lock);
}

void throttle_forget(struct throttle *t, enum throttle_kind kind, const char *text)
{
	pthread_mutex_lock(&t->lock);
	struct throttle_entry *e = find(t, key_of(t, kind, text));
	if (e)
		*e = (struct throttle_entry){0};
	pthread_mutex_unlock(&t->lock);
}
