/* stations.h -- the receivers of a stations file, live.
 *
 *   stations ──< station (a line of the file) ──< link (a socket or file) ── feed ──> shard_submit
 *       └── fold: what several stations heard
 *
 * All of them live on the loop of shard 0: a coast's receivers together send some thousands of sentences a second, a
 * thousandth of what a core takes apart, and folding needs no lock so. The shard hands entries to their owners.
 *
 * tcp connects again after 1, 2, 4 ... 60 s. A link whose feed waits for the engine or the registry is not read: TCP
 * holds the sender back, UDP is dropped by the kernel and counted from it.
 *
 * Order: engine_open → stations_new (binds) → engine_start with the hooks → engine_stop → stations_free.
 * Threads: hooks on the loop of the shard they name, the rest anywhere. */
#ifndef ZAYTON_INGEST_STATIONS_H
#define ZAYTON_INGEST_STATIONS_H

#include "engine/fleet/engine.h"
#include "ingest/stations/stations_file.h"

/* connections of one tcp-listen station */
#define STATION_LINKS_MAX 256

struct stations;
/* Copies `config`. STATUS_EXISTS (a port is taken), STATUS_NOT_FOUND (no such address here), STATUS_DENIED, STATUS_IO,
 * STATUS_NO_MEMORY; which station it was is logged. */
STATUS_CHECKED enum status stations_new(const struct stations_config *config, struct registry *registry,
					struct stations **out);
/* After the engine stopped. NULL is allowed. */
void stations_free(struct stations *s);

/* As in struct engine_callbacks; nothing is done for shards other than 0. */
void stations_shard_start(struct stations *s, struct shard *shard);
void stations_shard_stop(struct stations *s, struct shard *shard);
void stations_room(struct stations *s, struct shard *shard);

/* The port station `name` is bound to; -1 when it is not. */
int stations_port(const struct stations *s, const char *name);
/* {"stations":[{"name":...,"transport":...,"address":...,"state":...,"heard":...,"bytes":..., ...}]}: every counter of
 * feed.h under its name without "_total". STATUS_FULL, STATUS_NO_MEMORY. */
STATUS_CHECKED enum status stations_json(const struct stations *s, struct buf *out);
/* Prometheus text, zayton_station_...{station="NAME"}. */
STATUS_CHECKED enum status stations_metrics(const struct stations *s, struct buf *out);

#endif
