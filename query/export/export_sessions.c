#include "query/export/export_sessions.h"

#include "query/export/json_out.h"

static const char *const transports[CONNECTION_TRANSPORT_COUNT] = {"tcp", "udp"};

enum status export_sessions_begin(struct export_list *w, enum export_format format, struct buf *out)
{
	*w = (struct export_list){format, "sessions", "device,from,until,end,transport,peer,bytes_in,bytes_out,frames",
				  0};
	return export_list_begin(w, out);
}

static void session_object(struct json_out *j, const struct connection *c, const char *peer)
{
	jout_open(j, '{');
	jout_key(j, "device");
	jout_hex64(j, c->device);
	jout_key(j, "from");
	jout_time(j, c->from_ms);
	jout_key(j, "until");
	if (c->end == CONNECTION_OPEN)
		jout_null(j);
	else
		jout_time(j, c->until_ms);
	jout_key(j, "end");
	jout_string(j, connection_end_token(c->end));
	jout_key(j, "transport");
	jout_string(j, transports[c->transport]);
	jout_key(j, "peer");
	if (*peer)
		jout_string(j, peer);
	else
		jout_null(j);
	jout_key(j, "bytes_in");
	jout_unsigned(j, c->bytes_in);
	jout_key(j, "bytes_out");
	jout_unsigned(j, c->bytes_out);
	jout_key(j, "frames");
	jout_unsigned(j, c->frames);
	jout_close(j, '}');
}

static enum status session_csv(const struct connection *c, const char *peer, struct buf *out)
{
	enum status status = buf_printf(out, "%016llx,", (unsigned long long)c->device);
	if (!status)
		status = time_append(out, c->from_ms);
	if (!status)
		status = buf_append_u8(out, ',');
	if (!status && c->end != CONNECTION_OPEN)
		status = time_append(out, c->until_ms);
	return status ? status
		      : buf_printf(out, ",%s,%s,%s,%llu,%llu,%llu\r\n", connection_end_token(c->end),
				   transports[c->transport], peer, (unsigned long long)c->bytes_in,
				   (unsigned long long)c->bytes_out, (unsigned long long)c->frames);
}

enum status export_session_row(struct export_list *w, const struct connection *c, struct buf *out)
{
	size_t size = out->size;
	char peer[CONNECTION_PEER_MAX];
	struct json_out j = json_out_init(out);
	connection_peer_text(c, peer);
	if (w->format == EXPORT_CSV) {
		j.status = session_csv(c, peer, out);
	} else {
		j.comma = w->rows > 0 && w->format == EXPORT_JSON;
		session_object(&j, c, peer);
	}
	return export_list_row_end(w, &j, out, size);
}
