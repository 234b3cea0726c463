/* connections_row.h -- one time that a terminal was connected, as the journal and the store hold it.
 *
 * Layout, version 1, big-endian, CONNECTION_BYTES long:
 *   version 1 | end 1 | transport 1 | port 2 | peer 16 | from 8 | number 4 | until 8 | bytes in 8 | bytes out 8 |
 * frames 8
 *
 * It begins when a terminal is logged in and ends with its connection, with its logging out, or when another
 * connection speaks for it. Pure; may be used anywhere. */
#ifndef ZAYTON_FLEET_CONNECTIONS_ROW_H
#define ZAYTON_FLEET_CONNECTIONS_ROW_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/core/bytes.h"
#include "engine/core/status.h"

/* Why it ended. The code, which is stored and never changes; the word; what it means. */
#define CONNECTION_ENDS(X)                                                                                             \
	X(0, OPEN, "open", "it lasts")                                                                                 \
	X(1, LOGOUT, "logout", "the terminal logged out (0x0003)")                                                     \
	X(2, CLOSED, "closed", "the terminal closed the connection, or the network broke it")                          \
	X(3, SILENT, "silent", "nothing came for three heartbeats")                                                    \
	X(4, SLOW, "slow", "the terminal did not read its replies")                                                    \
	X(5, GARBAGE, "garbage", "too much came that is no frame")                                                     \
	X(6, REFUSED, "refused", "a later authentication on the connection failed")                                    \
	X(7, REPLACED, "replaced", "the terminal logged in over another connection")                                   \
	X(8, OTHER, "other", "another terminal logged in over the connection")                                         \
	X(9, STOPPED, "stopped", "the program was stopped")                                                            \
	X(10, LOST, "lost", "the program ended without a word; it lasted until here at least")

enum connection_end {
#define X(code, NAME, token, text) CONNECTION_##NAME = code,
	CONNECTION_ENDS(X)
#undef X
		CONNECTION_END_COUNT
};
/* The word of a code below CONNECTION_END_COUNT. */
const char *connection_end_token(unsigned end);

enum connection_transport { CONNECTION_TCP, CONNECTION_UDP, CONNECTION_TRANSPORT_COUNT };

struct connection {
	uint64_t device;
	int64_t from_ms;
	int64_t until_ms;  /* OPEN: from_ms */
	uint32_t number;   /* tells those of a device that begin in the same ms apart */
	uint8_t end;       /* enum connection_end */
	uint8_t transport; /* enum connection_transport */
	uint16_t port;     /* of the peer */
	uint8_t peer[16];  /* IPv6, or IPv4 mapped into it (RFC 4291 2.5.5.2); all zero when unknown */
	uint64_t bytes_in; /* read, and written back; 0 while OPEN, and when LOST or when the end came too late */
	uint64_t bytes_out;
	uint64_t frames; /* good ones, that which logged it in among them */
};

#define CONNECTION_BYTES 65
void connection_encode(const struct connection *c, uint8_t out[CONNECTION_BYTES]);
/* `device` is not part of the bytes. STATUS_CORRUPT, STATUS_BAD_VERSION. */
STATUS_CHECKED enum status connection_decode(uint64_t device, struct span bytes, struct connection *out);

/* "1.2.3.4:567", "[2001:db8::1]:567", or "" when unknown. */
#define CONNECTION_PEER_MAX 56
void connection_peer_text(const struct connection *c, char out[CONNECTION_PEER_MAX]);

#endif
