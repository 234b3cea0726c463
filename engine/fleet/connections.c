#include "engine/fleet/connections.h"

#include <stdlib.h>
#include <string.h>

#include "engine/core/clock.h"
#include "engine/core/log.h"
#include "engine/fleet/fleet_internal.h"
#include "engine/store/keys.h"

#define ROW_KEY_SIZE 20
#define NEWEST_KEY_SIZE 16
#define ROW_SIZE (CONNECTION_BYTES + 4)
#define DAYS_PER_MONTH 31
/* deletions in one batch */
#define BATCH_ROWS 4096

/* no device has the number 0 */
static const uint8_t newest_prefix[8];

struct newest_connection {
	struct connection connection; /* device 0: free */
	uint32_t ordinal;
};

struct row {
	struct connection connection;
	uint32_t ordinal;
};

/* --- rows --- */

static void row_key(const struct connection *c, uint8_t out[ROW_KEY_SIZE])
{
	store_be64(out, c->device);
	store_be64(out + 8, time_bias(c->from_ms));
	store_be32(out + 16, c->number);
}

static void newest_key(uint64_t device, uint8_t out[NEWEST_KEY_SIZE])
{
	memcpy(out, newest_prefix, sizeof newest_prefix);
	store_be64(out + 8, device);
}

static enum status row_decode(uint64_t device, struct span value, struct row *out)
{
	if (value.size != ROW_SIZE)
		return STATUS_CORRUPT;
	out->ordinal = load_be32(value.data + CONNECTION_BYTES);
	return connection_decode(device, span_of(value.data, CONNECTION_BYTES), &out->connection);
}

static enum status push(struct shard *s, const struct connection *c, uint32_t ordinal, bool is_newest)
{
	uint8_t key[ROW_KEY_SIZE], value[ROW_SIZE], newest[NEWEST_KEY_SIZE];
	connection_encode(c, value);
	store_be32(value + CONNECTION_BYTES, ordinal);
	row_key(c, key);
	struct span bytes = span_of(value, sizeof value);
	enum status status = shard_push_row(s, STORE_SESSION, span_of(key, sizeof key), bytes, (struct span){NULL, 0});
	if (status || !is_newest)
		return status;
	newest_key(c->device, newest);
	return shard_push_row(s, STORE_SESSION, span_of(newest, sizeof newest), bytes, (struct span){NULL, 0});
}

/* --- the newest of each device --- */

void connections_deinit(struct connections *c)
{
	free(c->slots);
	*c = (struct connections){0};
}

static struct newest_connection *place_of(const struct connections *c, uint64_t device)
{
	/* devices of one shard share their partition, which is at the top */
	size_t i = (device * UINT64_C(0x9e3779b97f4a7c15)) >> 20 & c->mask;
	while (c->slots[i].connection.device && c->slots[i].connection.device != device)
		i = (i + 1) & c->mask;
	return &c->slots[i];
}

static bool grow(struct connections *c)
{
	struct connections larger = {.mask = c->slots ? 2 * c->mask + 1 : 63, .count = c->count};
	larger.slots = calloc(larger.mask + 1, sizeof *larger.slots);
	if (!larger.slots)
		return false;
	for (size_t i = 0; c->slots && i <= c->mask; i++)
		if (c->slots[i].connection.device)
			*place_of(&larger, c->slots[i].connection.device) = c->slots[i];
	free(c->slots);
	*c = larger;
	return true;
}

/* A new one has ordinal 0. NULL without memory. */
static struct newest_connection *need(struct connections *c, uint64_t device)
{
	if ((!c->slots || 2 * (c->count + 1) > c->mask) && !grow(c))
		return NULL;
	struct newest_connection *at = place_of(c, device);
	if (!at->connection.device) {
		at->connection = (struct connection){.device = device, .from_ms = INT64_MIN, .end = CONNECTION_LOST};
		c->count++;
	}
	return at;
}

/* --- an entry --- */

static int compare(const struct connection *a, const struct connection *b)
{
	if (a->from_ms != b->from_ms)
		return a->from_ms < b->from_ms ? -1 : 1;
	return (a->number > b->number) - (a->number < b->number);
}

static void replace_at(struct connection *c, int64_t until_ms)
{
	c->end = CONNECTION_REPLACED;
	c->until_ms = until_ms;
}

/* A connection that began after all others of its device. */
static enum status apply_newer(struct shard *s, struct newest_connection *newest, const struct connection *c)
{
	if (newest->connection.end == CONNECTION_OPEN) {
		struct connection before = newest->connection;
		replace_at(&before, c->from_ms);
		enum status status = push(s, &before, newest->ordinal, false);
		if (status)
			return status;
	}
	enum status status = push(s, c, newest->ordinal + 1, true);
	if (status)
		return status;
	newest->connection = *c;
	newest->ordinal++;
	return STATUS_OK;
}

enum status connections_apply(struct shard *s, const struct connection *c)
{
	struct newest_connection *newest = need(&s->connections, c->device);
	if (!newest)
		return STATUS_NO_MEMORY;
	int order = compare(c, &newest->connection);
	if (order > 0)
		return apply_newer(s, newest, c);
	if (order == 0) {
		/* a journal that is replayed may open once more what has ended */
		if (c->end == CONNECTION_OPEN && newest->connection.end != CONNECTION_OPEN)
			return STATUS_OK;
		newest->connection = *c;
		return push(s, c, newest->ordinal, true);
	}
	struct connection older = *c;
	if (older.end == CONNECTION_OPEN)
		replace_at(&older, newest->connection.from_ms);
	return push(s, &older, newest->ordinal - 1, false);
}

/* --- recovery --- */

static enum status load_row(void *context, struct span key, struct span value)
{
	struct engine *e = context;
	struct row row;
	if (key.size != NEWEST_KEY_SIZE)
		return STATUS_CORRUPT;
	uint64_t device = load_be64(key.data + 8);
	enum status status = row_decode(device, value, &row);
	if (status) {
		log_error("recover", "connection of %016llx: %s", (unsigned long long)device, status_text(status));
		return status;
	}
	struct newest_connection *newest = need(&engine_owner(e, device)->connections, device);
	if (!newest)
		return STATUS_NO_MEMORY;
	newest->connection = row.connection;
	newest->ordinal = row.ordinal;
	return STATUS_OK;
}

enum status connections_load(struct engine *e)
{
	return store_scan(e->store, STORE_SESSION, span_of(newest_prefix, sizeof newest_prefix), load_row, e);
}

enum status connections_lose(struct shard *s)
{
	enum status status = STATUS_OK;
	struct connections *c = &s->connections;
	bool lost = false;
	for (size_t i = 0; !status && c->slots && i <= c->mask; i++) {
		struct newest_connection *newest = &c->slots[i];
		if (!newest->connection.device || newest->connection.end != CONNECTION_OPEN)
			continue;
		const struct head *head = heads_find(&s->heads, newest->connection.device);
		if (head && head->seen_ms > newest->connection.from_ms)
			newest->connection.until_ms = head->seen_ms;
		newest->connection.end = CONNECTION_LOST;
		status = push(s, &newest->connection, newest->ordinal, true);
		lost = true;
	}
	/* whoever asks first is told so */
	return !status && lost ? writer_wait(s->writer) : status;
}

/* --- reading --- */

struct reading {
	uint64_t device;
	int64_t from_ms, to_ms;
	connection_visit *visit;
	void *context;
};

static enum status read_row(void *context, struct span key, struct span value)
{
	const struct reading *r = context;
	struct row row;
	if (key.size != ROW_KEY_SIZE)
		return STATUS_CORRUPT;
	enum status status = row_decode(r->device, value, &row);
	if (status)
		return status;
	const struct connection *c = &row.connection;
	if (c->from_ms > r->to_ms)
		return STATUS_END;
	if (c->end != CONNECTION_OPEN && c->until_ms < r->from_ms)
		return STATUS_OK;
	return r->visit(r->context, c);
}

enum status engine_connections(struct engine *e, uint64_t device, int64_t from_ms, int64_t to_ms,
			       connection_visit *visit, void *context)
{
	uint8_t prefix[8];
	struct reading r = {device, from_ms, to_ms, visit, context};
	store_be64(prefix, device);
	/* from the first on: nobody knows how far back the one begins that lasts until `from_ms` */
	enum status status = store_scan(e->store, STORE_SESSION, span_of(prefix, sizeof prefix), read_row, &r);
	return status == STATUS_END ? STATUS_OK : status;
}

/* --- expiry --- */

struct sweep {
	struct engine *e;
	struct store_batch *batch;
	int64_t now_ms;
	size_t rows;

	uint64_t device; /* the one looked at */
	int64_t before_ms;
	uint32_t ordinal; /* of its newest */
};

/* Ends at the first row that is to stay; rows ascend with time. */
static enum status sweep_row(void *context, struct span key, struct span value)
{
	struct sweep *w = context;
	struct row row;
	enum status status = row_decode(w->device, value, &row);
	if (status)
		return status;
	bool over = row.connection.end != CONNECTION_OPEN && row.connection.until_ms < w->before_ms;
	bool crowded = w->ordinal - row.ordinal >= CONNECTIONS_DEVICE_MAX;
	if (!over && !crowded)
		return STATUS_END;
	store_batch_delete(w->batch, STORE_SESSION, key);
	return ++w->rows % BATCH_ROWS ? STATUS_OK : store_commit(w->e->store, w->batch, false);
}

static enum status sweep_device(void *context, struct span key, struct span value)
{
	struct sweep *w = context;
	uint8_t prefix[8];
	struct row row;
	if (key.size != NEWEST_KEY_SIZE)
		return STATUS_CORRUPT;
	w->device = load_be64(key.data + 8);
	enum status status = row_decode(w->device, value, &row);
	if (status)
		return status;
	uint8_t class_code = registry_class(w->e->registry, w->device, w->now_ms);
	unsigned months = store_months(&w->e->options.retention, class_code);
	w->before_ms = w->now_ms - (int64_t)months * DAYS_PER_MONTH * MS_PER_DAY;
	w->ordinal = row.ordinal;
	store_be64(prefix, w->device);
	status = store_scan(w->e->store, STORE_SESSION, span_of(prefix, sizeof prefix), sweep_row, w);
	return status == STATUS_END ? STATUS_OK : status;
}

enum status connections_expire(struct engine *e, int64_t now_ms)
{
	struct sweep w = {.e = e, .now_ms = now_ms};
	enum status status = store_batch_new(e->store, &w.batch);
	if (status)
		return status;
	status = store_scan(e->store, STORE_SESSION, span_of(newest_prefix, sizeof newest_prefix), sweep_device, &w);
	if (!status)
		status = store_commit(e->store, w.batch, false);
	store_batch_free(w.batch);
	return status;
}
