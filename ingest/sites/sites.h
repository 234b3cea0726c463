/* sites.h -- the listeners and brokers of a sites file, live.
 *
 *   sites ──< listener (TCP) ──< link (connection) ── site_session ── shard_submit ... settled ── answer
 *       └───< broker (mqtt_link.h), a thread each
 *
 * Listeners live on the loop of shard 0, as stations do: sensors send a frame a second at most, and the shard hands
 * entries to their owners. A link whose session waits for the engine, for streams to be made or for the disk is not
 * read: TCP holds the sender back. Who says nothing for the listener's `idle` is let go; who does not read his answers
 * too.
 *
 * Order: engine_open → sites_new (binds) → engine_start with the hooks → sites_start_brokers → ... →
 * sites_stop_brokers → engine_stop → sites_free. Threads: hooks on the loop of the shard they name, the rest anywhere.
 */
#ifndef ZAYTON_INGEST_SITES_H
#define ZAYTON_INGEST_SITES_H

#include "engine/fleet/engine.h"
#include "ingest/sites/sites_file.h"

/* connections of one listener: a town's fire monitors call through one or two platforms, or each for itself */
#define SITE_LINKS_MAX 4096

struct sites;
/* Takes `config` when it succeeds. STATUS_EXISTS (a port is taken), STATUS_NOT_FOUND (no such address here),
 * STATUS_DENIED, STATUS_IO, STATUS_NO_MEMORY; which listener it was is logged. */
STATUS_CHECKED enum status sites_new(struct sites_config *config, struct engine *engine, struct sites **out);
/* After the engine stopped. NULL is allowed. */
void sites_free(struct sites *s);

/* Connect to the brokers of the file; the engine is started. STATUS_NO_MEMORY. */
STATUS_CHECKED enum status sites_start_brokers(struct sites *s);
/* Before engine_stop. NULL is allowed. */
void sites_stop_brokers(struct sites *s);

/* As in struct engine_callbacks; nothing is done for shards other than 0, nor when `s` is NULL. */
void sites_shard_start(struct sites *s, struct shard *shard);
void sites_shard_stop(struct sites *s, struct shard *shard);
void sites_room(struct sites *s, struct shard *shard);

/* The port listener `name` is bound to; -1 when it is not. */
int sites_port(const struct sites *s, const char *name);
/* {"listeners":[{"name":...,"protocol":...,"port":...,"connections":...,"heard":...,"frames":..., ...}],
 * "brokers":[{...}]}: every counter of site_session.h and mqtt_link.h under its name without "_total". NULL is allowed:
 * none. */
STATUS_CHECKED enum status sites_json(struct sites *s, struct buf *out);
/* Prometheus text, zayton_site_...{listener="NAME"}. */
STATUS_CHECKED enum status sites_metrics(struct sites *s, struct buf *out);

#endif
