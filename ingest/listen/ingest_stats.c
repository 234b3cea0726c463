#include "ingest/listen/ingest_stats.h"

#include <inttypes.h>
#include <string.h>

#include "ingest/listen/gate.h"
#include "ingest/listen/ingest_state.h"
#include "ingest/listen/listener.h"

struct counter_text {
	const char *metric, *help;
};

static const struct counter_text counter_texts[INGEST_COUNTER_COUNT] = {
#define X(NAME, metric, help) {metric, help},
	INGEST_COUNTER_TABLE(X)
#undef X
};

static uint64_t read_counter(const _Atomic uint64_t *c)
{
	return atomic_load_explicit(c, memory_order_relaxed);
}

static void sum(const struct ingest_counters *c, struct ingest_stats *out)
{
	for (size_t k = 0; k < INGEST_COUNTER_COUNT; k++)
		out->values[k] += read_counter(&c->values[k]);
	for (size_t k = 0; k < STATUS_COUNT; k++) {
		out->frames_bad[k] += read_counter(&c->frames_bad[k]);
		out->reports_refused[k] += read_counter(&c->reports_refused[k]);
	}
}

void ingest_stats_read(const struct ingest *i, struct ingest_stats *out)
{
	memset(out, 0, sizeof *out);
	for (unsigned k = 0; k < SHARDS_MAX; k++) {
		const struct gate *g = ingest_gate(i, k);
		if (g)
			sum(&g->counters, out);
	}
	out->sessions = sessions_count(i->sessions);
	out->udp_kernel_drops = listener_udp_drops(ingest_port_udp(i));
}

static enum status write_value(struct buf *out, const char *metric, const char *help, const char *type, uint64_t value)
{
	return buf_printf(out,
			  "# HELP zayton_ingest_%s %s\n"
			  "# TYPE zayton_ingest_%s %s\n"
			  "zayton_ingest_%s %" PRIu64 "\n",
			  metric, help, metric, type, metric, value);
}

static enum status write_reasons(struct buf *out, const char *metric, const char *help, const uint64_t *values)
{
	enum status st =
		buf_printf(out, "# HELP zayton_ingest_%s %s\n# TYPE zayton_ingest_%s counter\n", metric, help, metric);
	for (size_t k = 0; k < STATUS_COUNT && st == STATUS_OK; k++)
		if (values[k] != 0)
			st = buf_printf(out, "zayton_ingest_%s{reason=\"%s\"} %" PRIu64 "\n", metric,
					status_name((enum status)k), values[k]);
	return st;
}

enum status ingest_stats_write(const struct ingest *i, struct buf *out)
{
	struct ingest_stats s;
	ingest_stats_read(i, &s);
	uint64_t tcp = s.values[INGEST_COUNT_CONNECTIONS_OPENED] - s.values[INGEST_COUNT_CONNECTIONS_CLOSED];
	uint64_t udp = s.values[INGEST_COUNT_UDP_PEERS_OPENED] - s.values[INGEST_COUNT_UDP_PEERS_CLOSED];
	enum status st = STATUS_OK;
	for (size_t k = 0; k < INGEST_COUNTER_COUNT && st == STATUS_OK; k++)
		st = write_value(out, counter_texts[k].metric, counter_texts[k].help, "counter", s.values[k]);
	if (st == STATUS_OK)
		st = write_value(out, "udp_kernel_drops_total", "datagrams the kernel dropped before they were read",
				 "counter", s.udp_kernel_drops);
	if (st == STATUS_OK)
		st = write_value(out, "connections", "TCP connections open", "gauge", tcp);
	if (st == STATUS_OK)
		st = write_value(out, "udp_peers", "UDP peers known", "gauge", udp);
	if (st == STATUS_OK)
		st = write_value(out, "sessions", "terminals logged in", "gauge", s.sessions);
	if (st == STATUS_OK)
		st = write_reasons(out, "frames_bad_total", "spoiled frames", s.frames_bad);
	if (st == STATUS_OK)
		st = write_reasons(out, "reports_refused_total", "reports refused, kept in quarantine",
				   s.reports_refused);
	return st;
}
