/* connections.h -- when terminals were connected: the sessions that ended, and those that last.
 *
 *   gate ── shard_submit(INTAKE_CONNECTION) ──> journal ── durable ──> connections_apply ──> writer ──> `session`
 *
 *   family `session`  device 8 | from 8 | number 4    -> a connection (connections_row.h) | ordinal 4
 *                     0 8 | device 8                  -> the newest of the device, the same
 *
 * Opening and ending are entries of their own; each says all of it, so that an end whose opening is long in the store
 * needs nothing looked up. A device's newest connection is in memory: one that opens while an older one is open ends it
 * there, whatever the order in which two gates tell of it, and the older one's own end, when it comes, replaces that
 * guess. What is still open when a store is recovered was lost: it ends with the last thing that is durable of the
 * device. `ordinal` counts the connections of a device and bounds how many are kept.
 *
 * Threads: struct connections belongs to its shard's loop, before the engine starts to the opening thread. */
#ifndef ZAYTON_FLEET_CONNECTIONS_H
#define ZAYTON_FLEET_CONNECTIONS_H

#include <stddef.h>

#include "engine/fleet/connections_row.h"

struct engine;
struct shard;
struct newest_connection;

/* By device; open addressing, linear probing, at most half full. All zero to begin. */
struct connections {
	struct newest_connection *slots;
	size_t count, mask;
};
void connections_deinit(struct connections *c);
/* The newest of each device that the store knows, to the shards that own them. Before the journal is replayed. */
STATUS_CHECKED enum status connections_load(struct engine *e);
/* One durable entry. STATUS_NO_MEMORY: nothing was done. */
STATUS_CHECKED enum status connections_apply(struct shard *s, const struct connection *c);
/* End what is open: nobody is connected to a program that has just begun. After the journal was replayed. */
STATUS_CHECKED enum status connections_lose(struct shard *s);
/* Delete what ended before its class's months, and all but the newest CONNECTIONS_DEVICE_MAX of a device. */
STATUS_CHECKED enum status connections_expire(struct engine *e, int64_t now_ms);

/* Those of a device that touch [from_ms, to_ms], by ascending beginning; one that lasts reaches to the end of time.
 * What was told within the last moment may be missing. `visit` may stop with a status, which is returned. Any thread
 * but a loop. STATUS_CORRUPT, STATUS_IO. */
typedef enum status connection_visit(void *context, const struct connection *c);
STATUS_CHECKED enum status engine_connections(struct engine *e, uint64_t device, int64_t from_ms, int64_t to_ms,
					      connection_visit *visit, void *context);

#endif
