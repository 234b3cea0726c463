/* links: zayton_fleet */
/* connections_row.c: any bytes are refused or are a connection that encodes to the same bytes. */
#include <stdlib.h>
#include <string.h>

#include "engine/fleet/connections_row.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct connection c;
	uint8_t bytes[CONNECTION_BYTES];
	char peer[CONNECTION_PEER_MAX];
	if (connection_decode(1, span_of(data, size), &c) != STATUS_OK)
		return 0;
	connection_encode(&c, bytes);
	connection_peer_text(&c, peer);
	if (size != sizeof bytes || memcmp(bytes, data, size) != 0 || strlen(peer) >= sizeof peer ||
	    !connection_end_token(c.end))
		abort();
	return 0;
}
