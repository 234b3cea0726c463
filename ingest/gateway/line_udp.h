/* line_udp.h -- line protocol by datagram: nothing is acknowledged, what was lost is counted.
 *
 *   socket ── reader ──> [ lines, lines ... | UDP_BACKLOG_MAX ] ──> worker ── line_gateway_write
 *
 * The worker takes all that has gathered at once, so that many datagrams share a sync. A full backlog stops the
 * reading; what the kernel then drops it counts itself (SO_RXQ_OVFL). Threads: one that reads, one that works;
 * line_udp_free before engine_stop. */
#ifndef ZAYTON_INGEST_LINE_UDP_H
#define ZAYTON_INGEST_LINE_UDP_H

#include "ingest/gateway/line_gateway.h"

struct line_udp;
/* Binds at once; nanoseconds, as the protocol's default is. STATUS_IO: the address cannot be had. */
STATUS_CHECKED enum status line_udp_new(struct line_gateway *g, const char *host, uint16_t port, struct line_udp **out);
/* Takes in what was read, ends the worker, closes. NULL is allowed. */
void line_udp_free(struct line_udp *u);
int line_udp_port(const struct line_udp *u);

struct line_udp_stats {
	_Atomic uint64_t datagrams, bytes, dropped; /* dropped: by the kernel, as it says */
};
const struct line_udp_stats *line_udp_stats(const struct line_udp *u);

#endif
