/* platform.h -- links with other platforms (JT/T 809), both ways, as the program sees them.
 *
 *   platforms below us ── main link ──> listener ─> upper side: positions, drivers, alarms into the engine
 *                      <── sub link ───                         duty checks, supervision, backfill asked of them
 *   platforms above us <── main link ── lower side: chosen vehicles and findings of ours
 *                      ─── sub link ──> listener
 *
 * Order: engine_open → platform_new (binds) → engine_start with the hooks → engine_stop → platform_free. The hooks
 * stand beside those of the terminals: platform_owns() tells whose ticket it is.
 *
 * What is promised of positions: one is counted in 0x9101, and a heartbeat is answered, only when it (and everything
 * before the heartbeat) is durable. A lower side of ours forwards again whatever no answered heartbeat covers.
 *
 * Threads: platform_new, _free, and what asks from any thread but an event loop; the hooks on shards' loops. */
#ifndef ZAYTON_INGEST_PLATFORM_H
#define ZAYTON_INGEST_PLATFORM_H

#include "engine/fleet/engine.h"
#include "ingest/platform/link_store.h"
#include "ingest/platform/links_file.h"

struct platform;

/* `book` must outlive it. STATUS_EXISTS (a port is taken), STATUS_NOT_FOUND (no such address here), STATUS_DENIED,
 * STATUS_IO, STATUS_NO_MEMORY; what reading the asks of before gives. */
STATUS_CHECKED enum status platform_new(struct engine *e, const struct link_book *book, struct platform **out);
/* After the engine stopped. NULL is allowed. */
void platform_free(struct platform *p);
/* The port really bound for main links; -1: none. And for sub links of an upper link; -1: no such link. */
int platform_port(const struct platform *p);
int platform_sub_port(const struct platform *p, const char *link);

/* --- hooks --- */

void platform_shard_start(struct platform *p, struct shard *shard);
void platform_shard_stop(struct platform *p, struct shard *shard);
bool platform_owns(const struct ticket *ticket);
void platform_settled(struct platform *p, const struct ticket *ticket, enum status status);
void platform_room(struct platform *p, struct shard *shard);

/* --- asking --- */

struct link_status {
	const struct link_config *config;
	bool main_up, sub_up;
	enum jt809_edition edition;
	char main_address[64], sub_address[64];
	int64_t up_since_ms; /* 0: down */
	size_t vehicles;
	uint64_t asks_open;
};
size_t platform_links(const struct platform *p);
/* STATUS_NOT_FOUND past the last. */
STATUS_CHECKED enum status platform_link(struct platform *p, size_t index, struct link_status *out);
/* Name and value of the counters of a link; STATUS_END past the last. */
STATUS_CHECKED enum status platform_counter(struct platform *p, size_t link, size_t counter, const char **name,
					    uint64_t *value);
/* The index of a link by name. STATUS_NOT_FOUND. */
STATUS_CHECKED enum status platform_find(const struct platform *p, const char *name, size_t *out);

/* Ask something of a platform below (kind, plate, text, due_ms ... set; id and link are filled in). It leaves at once
 * or after the next login. STATUS_NOT_FOUND: no such link; STATUS_INVALID: not a link to below, or something is
 * missing; STATUS_FULL: too many asks are open. */
STATUS_CHECKED enum status platform_ask(struct platform *p, const char *link, struct link_ask *ask);
/* Answer what a platform above asked. STATUS_NOT_FOUND: no such ask is open; STATUS_INVALID. */
STATUS_CHECKED enum status platform_answer(struct platform *p, uint32_t id, const char *who, const char *telephone,
					   const char *text, int result);
/* The connectivity of a link; a session that is up counts up to now. */
STATUS_CHECKED enum status platform_rate(struct platform *p, const char *link, int64_t from_ms, int64_t to_ms,
					 struct link_rate *out);
/* Prometheus text. */
STATUS_CHECKED enum status platform_metrics(struct platform *p, struct buf *out);

#endif
