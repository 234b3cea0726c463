/* handlers_system.c -- what the server says of itself. */
#include <stdatomic.h>
#include <stdio.h>

#include "engine/core/clock.h"
#include "query/export/export_format.h"
#include "query/export/json_out.h"
#include "query/http/http_handlers.h"
#include "query/http/http_problem.h"
#include "query/http/http_stream.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define METRICS_BYTES_MAX (4u << 20)
#define OPENAPI_BYTES_MAX (1u << 20)

static void get_health(struct http_call *c)
{
	static const char text[] = "{\"status\":\"ok\"}\n";
	http_answer(c, 200, "application/json", span_of(text, sizeof text - 1));
}

static void get_openapi(struct http_call *c)
{
	struct buf text = buf_init(OPENAPI_BYTES_MAX);
	enum status status = router_openapi(http_routes(c->http), &text);
	if (status)
		http_problem_of_status(c->x, status);
	else
		http_answer_cached(c, "application/json", buf_view(&text));
	buf_deinit(&text);
}

static void info_members(struct json_out *j, struct http_call *c)
{
	struct engine *e = http_engine(c->http);
	jout_key(j, "name");
	jout_string(j, "zayton");
	jout_key(j, "version");
	jout_string(j, ZAYTON_VERSION);
	jout_key(j, "time");
	jout_time(j, clock_now_ms());
	jout_key(j, "shards");
	jout_unsigned(j, engine_shards(e));
	jout_key(j, "devices");
	jout_unsigned(j, registry_count(engine_registry(e)));
	jout_key(j, "principal");
	jout_string(j, c->principal.name);
	jout_key(j, "scope");
	jout_string(j, c->principal.scope);
	jout_key(j, "role");
	jout_string(j, c->principal.role);
	jout_key(j, "unit");
	jout_string(j, c->principal.unit);
	jout_key(j, "formats");
	jout_open(j, '[');
	for (unsigned f = 0; f < EXPORT_FORMAT_COUNT; f++)
		jout_string(j, export_format_token((enum export_format)f));
	jout_close(j, ']');
}

static void get_info(struct http_call *c)
{
	struct buf text = buf_init(4096);
	struct json_out j = json_out_init(&text);
	jout_open(&j, '{');
	info_members(&j, c);
	jout_close(&j, '}');
	if (!j.status)
		j.status = buf_append_u8(&text, '\n');
	if (j.status)
		http_problem_of_status(c->x, j.status);
	else
		http_answer(c, 200, "application/json", buf_view(&text));
	buf_deinit(&text);
}

/* --- metrics --- */

/* X(member, type, "what it is"): struct engine_stats, in its order */
#define ENGINE_METRICS(X)                                                                                              \
	X(submitted, "counter", "Entries handed to the journal.")                                                      \
	X(durable, "counter", "Entries made durable.")                                                                 \
	X(reports, "counter", "Reports taken in.")                                                                     \
	X(duplicates_in_head, "counter", "Reports that were in a head already.")                                       \
	X(messages, "counter", "Other messages kept.")                                                                 \
	X(quarantined, "counter", "Entries refused and kept for a look.")                                              \
	X(fragments, "counter", "Packets of split messages kept.")                                                     \
	X(sealed_blocks, "counter", "Blocks sealed.")                                                                  \
	X(sealed_reports, "counter", "Reports in sealed blocks.")                                                      \
	X(sealed_bytes, "counter", "Bytes of sealed blocks.")                                                          \
	X(late_blocks, "counter", "Blocks sealed for late reports.")                                                   \
	X(folds, "counter", "Overlaps folded together.")                                                               \
	X(checkpoints, "counter", "Checkpoints of heads.")                                                             \
	X(trims, "counter", "Trims of the journal.")                                                                   \
	X(busy_refusals, "counter", "Submissions told to wait.")                                                       \
	X(journal_syncs, "counter", "Syncs of the journal.")                                                           \
	X(journal_batches, "counter", "Batches written to the journal.")                                               \
	X(head_bytes, "gauge", "Bytes of heads in memory.")                                                            \
	X(head_reports, "gauge", "Reports in heads.")                                                                  \
	X(devices_active, "gauge", "Devices with a head.")                                                             \
	X(registry_bytes, "gauge", "Bytes of the registry in memory.")                                                 \
	X(journal_bytes, "gauge", "Bytes of the journal on disk.")                                                     \
	X(journal_pending_bytes, "gauge", "Bytes waiting for the committer.")                                          \
	X(values, "counter", "Values of streams taken in.")                                                            \
	X(sealed_value_blocks, "counter", "Value blocks sealed.")                                                      \
	X(sealed_values, "counter", "Values in sealed blocks.")                                                        \
	X(sealed_value_bytes, "counter", "Bytes of sealed value blocks.")                                              \
	X(late_value_blocks, "counter", "Value blocks sealed for late values.")                                        \
	X(value_head_bytes, "gauge", "Bytes of heads of values in memory.")                                            \
	X(streams_active, "gauge", "Streams with a head.")                                                             \
	X(judge_runs, "counter", "Devices judged again by the judge's thread.")                                        \
	X(judge_backlog_bytes, "gauge", "Bytes waiting for the judge's thread.")                                       \
	X(commit_p50_us, "gauge", "Submit to settled, median of the last minute, us.")                                 \
	X(commit_p99_us, "gauge", "Submit to settled, 99th percentile of the last minute, us.")                        \
	X(commit_max_us, "gauge", "Submit to settled, largest of the last minute, us.")

static enum status write_metric(struct buf *out, const char *name, const char *type, const char *help, long long v)
{
	const char *total = type[0] == 'c' ? "_total" : "";
	return buf_printf(out, "# HELP zayton_%s%s %s\n# TYPE zayton_%s%s %s\nzayton_%s%s %lld\n", name, total, help,
			  name, total, type, name, total, v);
}

static enum status write_engine_metrics(struct engine *e, struct buf *out)
{
	struct engine_stats s;
	enum status status = STATUS_OK;
	engine_stats(e, &s);
#define X(member, type, help)                                                                                          \
	if (!status)                                                                                                   \
		status = write_metric(out, #member, type, help, (long long)s.member);
	ENGINE_METRICS(X)
#undef X
	return status;
}

/* X(member, "what it is"): struct findings_stats, since the start of the process */
#define FINDINGS_METRICS(X)                                                                                            \
	X(raised, "Findings raised.")                                                                                  \
	X(closed, "Findings that ended.")                                                                              \
	X(amended, "Findings that later data changed.")                                                                \
	X(withdrawn, "Findings that later data took away.")                                                            \
	X(late, "Findings raised too late for a live alarm.")

static enum status write_findings_metrics(const struct findings_stats *s, struct buf *out)
{
	enum status status = STATUS_OK;
#define X(member, help)                                                                                                \
	if (!status)                                                                                                   \
		status = write_metric(out, "findings_" #member, "counter", help, (long long)atomic_load(&s->member));
	FINDINGS_METRICS(X)
#undef X
	return status;
}

/* A store's line is "name value"; what a metric name cannot hold becomes '_', and what is no number is left out. */
static enum status write_store_line(struct span line, struct buf *out)
{
	const uint8_t *blank = memchr(line.data, ' ', line.size);
	if (!blank || blank == line.data)
		return STATUS_OK;
	size_t name_size = (size_t)(blank - line.data);
	struct span value = span_of(blank + 1, line.size - name_size - 1);
	if (!value.size || strspn((const char *)value.data, "0123456789.-+e") < value.size)
		return STATUS_OK;
	enum status status = buf_printf(out, "zayton_store_");
	for (size_t i = 0; i < name_size && !status; i++) {
		uint8_t c = line.data[i];
		bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
		status = buf_append_u8(out, good ? c : '_');
	}
	return status ? status : buf_printf(out, " %.*s\n", (int)value.size, (const char *)value.data);
}

static enum status write_store_metrics(struct store *s, struct buf *out)
{
	struct buf lines = buf_init(METRICS_BYTES_MAX);
	enum status status = store_metrics(s, &lines);
	if (!status)
		status = buf_append_u8(&lines, '\0');
	for (size_t at = 0; !status && at + 1 < lines.size;) {
		const uint8_t *start = lines.data + at;
		const uint8_t *end = memchr(start, '\n', lines.size - 1 - at);
		size_t size = end ? (size_t)(end - start) : lines.size - 1 - at;
		status = write_store_line(span_of(start, size), out);
		at += size + 1;
	}
	buf_deinit(&lines);
	return status;
}

static void get_metrics(struct http_call *c)
{
	struct engine *e = http_engine(c->http);
	struct buf text = buf_init(METRICS_BYTES_MAX);
	enum status status = write_engine_metrics(e, &text);
	if (!status)
		status = write_findings_metrics(findings_stats(engine_findings(e)), &text);
	if (!status)
		status = write_store_metrics(engine_store(e), &text);
	if (!status)
		status = http_write_metrics(c->http, &text);
	if (status)
		http_problem_of_status(c->x, status);
	else
		http_answer(c, 200, "text/plain; version=0.0.4; charset=utf-8", buf_view(&text));
	buf_deinit(&text);
}

static const struct http_route routes[] = {
	{HTTP_GET, HTTP_ROUTE_INLINE | HTTP_ROUTE_OPEN, "/healthz", "getHealth", "The server answers.",
	 "application/json", NULL, 0, get_health, NULL},
	{HTTP_GET, 0, "/metrics", "getMetrics", "Counters and gauges as Prometheus text.", "text/plain", NULL, 0,
	 get_metrics, NULL},
	{HTTP_GET, HTTP_ROUTE_OPEN, "/openapi.json", "getOpenapi", "This document.", "application/json", NULL, 0,
	 get_openapi, NULL},
	{HTTP_GET, 0, "/api/v1/info", "getInfo", "The server, and who it takes you for.", "application/json", NULL, 0,
	 get_info, NULL},
};

enum status handlers_system_add(struct http *h)
{
	return add_routes(h, routes, COUNT(routes));
}
