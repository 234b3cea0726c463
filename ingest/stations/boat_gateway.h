/* boat_gateway.h -- words to boats (engine/duty/boat_messages.h) through one Beidou station: RDSS sentences over TCP or
 * a serial line.
 *
 *   queue ── next ──> $CCTXA,CARD,1,2,A4...*hh ──> station       at most one in `interval_s`, one under way
 *   queue <── delivered, refused ── $BDFKI,...,TXA,Y|N,reason ── station
 *   queue <── answer ── $BDTXR,... from a card ── station
 *
 * One thread of its own, which also makes the connection again when it is lost; what was not confirmed is sent again.
 */
#ifndef ZAYTON_INGEST_BOAT_GATEWAY_H
#define ZAYTON_INGEST_BOAT_GATEWAY_H

#include "engine/core/bytes.h"
#include "engine/duty/boat_messages.h"

struct boat_gateway;
/* `address`: "tcp:HOST:PORT" (a numeric IP) or "tty:PATH" (115200 8N1 when it is a serial line; any file that can be
 * read and written is taken). Borrows the queue. STATUS_INVALID: neither; STATUS_NO_MEMORY. */
STATUS_CHECKED enum status boat_gateway_new(const char *address, struct boat_messages *queue, unsigned interval_s,
					    struct boat_gateway **out);
/* Ends and joins the thread. NULL is allowed. */
void boat_gateway_free(struct boat_gateway *g);

struct boat_gateway_stats {
	_Atomic uint64_t connected, lost, sent, delivered, refused, answers, lines_refused;
};
const struct boat_gateway_stats *boat_gateway_stats(const struct boat_gateway *g);
/* Lines of Prometheus text. */
STATUS_CHECKED enum status boat_gateway_metrics(const struct boat_gateway *g, struct buf *out);

/* "$CCTXA,0204567,1,2,A4...*hh\r\n" of a text: mode 2, GBK in hex behind A4. STATUS_FULL, STATUS_NO_MEMORY. */
STATUS_CHECKED enum status boat_gateway_sentence(uint32_t card, const char *text, struct buf *out);

#endif
