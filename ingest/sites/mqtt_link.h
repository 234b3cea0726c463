/* mqtt_link.h -- the brokers of a sites file: one thread each, subscribed with QoS 1 in a session that lasts.
 *
 *   broker ── PUBLISH ──> mosquitto_loop_read ─ on_message ─> json_values ─> values_writer
 *      ^                        (as many as have come)                            │ flush: durable
 *      └──── PUBACK <──── mosquitto_loop_write <────────────── never before ──────┘
 *
 * libmosquitto queues a PUBACK by itself; it leaves when the thread writes, and the thread writes only when everything
 * it read is durable: values in their streams, refused messages in quarantine. When that fails the socket is shut, so
 * that nothing of the queue can leave, and the broker sends again after the thread has connected anew (1, 2, 4 .. 60
 * s). engine/decisions/sites.md says why it is done so.
 *
 * A message that comes again carries the same values and doubles nothing, if its time is its own; with `time=receipt`
 * it is as many values as it came times, and retained messages, whose receipt is not their time, are passed over. */
#ifndef ZAYTON_INGEST_MQTT_LINK_H
#define ZAYTON_INGEST_MQTT_LINK_H

#include "engine/fleet/engine.h"
#include "ingest/sites/sites_file.h"

/* X(NAME, metric, help) */
#define MQTT_COUNTER_TABLE(X)                                                                                          \
	X(CONNECTED, "connected_total", "Times connected to the broker.")                                              \
	X(LOST, "lost_total", "Connections lost or refused.")                                                          \
	X(MESSAGES, "messages_total", "Messages read.")                                                                \
	X(BYTES, "bytes_total", "Bytes of their payloads.")                                                            \
	X(VALUES, "values_total", "Values made durable.")                                                              \
	X(UNTOLD, "untold_total", "Paths that led to no value, and messages without a time that were retained.")       \
	X(REFUSED, "refused_total", "Messages refused for what they say.")                                             \
	X(UNKNOWN, "unknown_total", "Messages of sites that are not registered.")                                      \
	X(QUARANTINED, "quarantined_total", "Refused messages kept for a look.")                                       \
	X(FAILED, "failed_total", "Times that the engine could not make durable what was read.")                       \
	X(STREAMS, "streams_made_total", "Streams made by what came.")

enum mqtt_counter {
#define X(NAME, metric, help) MQTT_COUNT_##NAME,
	MQTT_COUNTER_TABLE(X)
#undef X
		MQTT_COUNTER_COUNT
};

struct mqtt_links;
/* Threads for every broker of `config`, which outlives them; the engine is started. STATUS_NO_MEMORY. */
STATUS_CHECKED enum status mqtt_links_start(const struct sites_config *config, struct engine *engine,
					    struct mqtt_links **out);
/* Before engine_stop. NULL is allowed. */
void mqtt_links_stop(struct mqtt_links *l);
/* ,... members of an array: {"name":...,"connected":...,"heard":...,"messages":..., ...}. NULL is allowed. */
STATUS_CHECKED enum status mqtt_links_json(const struct mqtt_links *l, struct buf *out);
/* Prometheus text, zayton_mqtt_...{broker="NAME"}. */
STATUS_CHECKED enum status mqtt_links_metrics(const struct mqtt_links *l, struct buf *out);

#endif
