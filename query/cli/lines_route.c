#include "query/cli/lines_route.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/core/clock.h"
#include "engine/core/log.h"
#include "ingest/gateway/line_gateway.h"
#include "ingest/gateway/line_udp.h"
#include "query/cli/whole_file.h"
#include "query/http/handlers_write.h"

/* a file of mappings: LINE_RULES_MAX rules of a hundred bytes */
#define MAP_BYTES_MAX (1u << 20)
#define MISTAKES_MAX (64u << 10)
/* of a refused line that an answer quotes */
#define QUOTED_MAX 200

struct lines_route {
	struct line_map *map;
	struct line_gateway *gateway;
	struct line_udp *udp;
	struct lines_sink sink;
};

static enum status write_lines(void *context, struct span text, const char *precision, struct lines_answer *out)
{
	struct lines_route *r = context;
	enum line_precision p = LINE_NS;
	struct line_result result;
	enum status status = *precision ? line_precision_parse(span_of_string(precision), &p) : STATUS_OK;
	if (!status)
		status = line_gateway_write(r->gateway, text, p, clock_now_ms(), &result);
	if (status)
		return status;
	*out = (struct lines_answer){.taken = result.lines, .refused = result.refused};
	if (result.told_count) {
		const struct line_refusal *first = &result.told[0];
		size_t size = first->text.size < QUOTED_MAX ? first->text.size : QUOTED_MAX;
		out->first_line = first->line;
		snprintf(out->detail, sizeof out->detail, "unable to parse '%.*s': %s", (int)size,
			 (const char *)first->text.data, first->reason);
	}
	return STATUS_OK;
}

static enum status metrics(void *context, struct buf *out)
{
	struct lines_route *r = context;
	enum status status = line_gateway_metrics(r->gateway, out);
	if (status || !r->udp)
		return status;
	const struct line_udp_stats *u = line_udp_stats(r->udp);
	return buf_printf(out,
			  "# HELP zayton_lines_udp_datagrams_total Datagrams of line protocol.\n"
			  "# TYPE zayton_lines_udp_datagrams_total counter\nzayton_lines_udp_datagrams_total %" PRIu64
			  "\n"
			  "# HELP zayton_lines_udp_dropped_total Datagrams the kernel dropped, as it says.\n"
			  "# TYPE zayton_lines_udp_dropped_total counter\nzayton_lines_udp_dropped_total %" PRIu64 "\n",
			  (uint64_t)u->datagrams, (uint64_t)u->dropped);
}

static enum status read_map(struct lines_route *r, const struct settings *s)
{
	struct buf text = buf_init(MAP_BYTES_MAX + 1), mistakes = buf_init(MISTAKES_MAX);
	enum status status = s->lines_map[0] ? whole_file_read(s->lines_map, MAP_BYTES_MAX, &text) : STATUS_OK;
	if (!status && text.size > MAP_BYTES_MAX)
		status = STATUS_TOO_LONG;
	if (status)
		log_error("lines", "%s: %s", s->lines_map, status_text(status));
	else
		status = line_map_new(buf_view(&text), s->lines_site_tags, &r->map, &mistakes);
	if (mistakes.size)
		log_error("lines", "%s: %.*s", s->lines_map, (int)mistakes.size, (const char *)mistakes.data);
	buf_deinit(&text);
	buf_deinit(&mistakes);
	return status;
}

static enum status open_udp(struct lines_route *r, const struct settings *s)
{
	char host[SETTINGS_HOST_MAX];
	uint16_t port;
	if (settings_address(s->lines_udp, host, &port))
		return STATUS_OK;
	enum status status = line_udp_new(r->gateway, host, port, &r->udp);
	if (status)
		log_error("lines", "udp at %s: %s", s->lines_udp, status_text(status));
	return status;
}

enum status lines_route_new(const struct settings *s, struct engine *e, struct lines_route **out)
{
	struct lines_route *r = calloc(1, sizeof *r);
	if (!r)
		return STATUS_NO_MEMORY;
	r->sink = (struct lines_sink){r, write_lines};
	enum status status = read_map(r, s);
	struct line_gateway_options options = {.engine = e, .map = r->map, .open = s->streams == SETTINGS_STREAMS_OPEN};
	if (!status)
		status = line_gateway_new(&options, &r->gateway);
	if (!status)
		status = open_udp(r, s);
	if (status) {
		lines_route_free(r);
		return status;
	}
	*out = r;
	return STATUS_OK;
}

void lines_route_free(struct lines_route *r)
{
	if (!r)
		return;
	line_udp_free(r->udp);
	line_gateway_free(r->gateway);
	line_map_free(r->map);
	free(r);
}

enum status lines_route_add(struct lines_route *r, struct http *h)
{
	enum status status = handlers_write_add(h, &r->sink);
	return status ? status : http_add_metrics(h, metrics, r);
}

int lines_route_port_udp(const struct lines_route *r)
{
	return line_udp_port(r ? r->udp : NULL);
}
