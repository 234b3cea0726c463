#include "engine/fleet/connections_row.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define VERSION 1

_Static_assert(CONNECTION_BYTES == 1 + 1 + 1 + 2 + 16 + 8 + 4 + 8 + 8 + 8 + 8, "the layout of the header");

const char *connection_end_token(unsigned end)
{
	static const char *const tokens[] = {
#define X(code, NAME, token, text) [code] = token,
		CONNECTION_ENDS(X)
#undef X
	};
	return tokens[end];
}

void connection_encode(const struct connection *c, uint8_t out[CONNECTION_BYTES])
{
	out[0] = VERSION;
	out[1] = c->end;
	out[2] = c->transport;
	store_be16(out + 3, c->port);
	memcpy(out + 5, c->peer, sizeof c->peer);
	store_be64(out + 21, (uint64_t)c->from_ms);
	store_be32(out + 29, c->number);
	store_be64(out + 33, (uint64_t)c->until_ms);
	store_be64(out + 41, c->bytes_in);
	store_be64(out + 49, c->bytes_out);
	store_be64(out + 57, c->frames);
}

enum status connection_decode(uint64_t device, struct span bytes, struct connection *out)
{
	struct cursor at = cursor_of(bytes);
	*out = (struct connection){.device = device};
	if (cursor_u8(&at) != VERSION)
		return at.failed ? STATUS_CORRUPT : STATUS_BAD_VERSION;
	if (bytes.size != CONNECTION_BYTES)
		return STATUS_CORRUPT;
	out->end = cursor_u8(&at);
	out->transport = cursor_u8(&at);
	out->port = cursor_be16(&at);
	memcpy(out->peer, cursor_take(&at, sizeof out->peer).data, sizeof out->peer);
	out->from_ms = (int64_t)cursor_be64(&at);
	out->number = cursor_be32(&at);
	out->until_ms = (int64_t)cursor_be64(&at);
	out->bytes_in = cursor_be64(&at);
	out->bytes_out = cursor_be64(&at);
	out->frames = cursor_be64(&at);
	bool sound = out->end < CONNECTION_END_COUNT && out->transport < CONNECTION_TRANSPORT_COUNT &&
		     out->until_ms >= out->from_ms;
	return sound ? STATUS_OK : STATUS_CORRUPT;
}

void connection_peer_text(const struct connection *c, char out[CONNECTION_PEER_MAX])
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff}, unknown[16];
	char address[INET6_ADDRSTRLEN] = "";
	bool is_v4 = memcmp(c->peer, mapped, sizeof mapped) == 0;
	out[0] = '\0';
	if (memcmp(c->peer, unknown, sizeof unknown) == 0)
		return;
	inet_ntop(is_v4 ? AF_INET : AF_INET6, is_v4 ? c->peer + 12 : c->peer, address, sizeof address);
	snprintf(out, CONNECTION_PEER_MAX, is_v4 ? "%s:%u" : "[%s]:%u", address, c->port);
}
