/* import_series.c -- values of a table into a store that no one serves, and what is to be said of streams.
 *
 *   series   FILE ─> series_csv_read ─> row ─> stream, made when it is new ─> body ─(full)─> bulk_add_values ...
 * checkpoint streams  FILE ─> row: site, quantity, fields ─> registry (site), stream_put
 *
 * Importing a file twice doubles nothing: the same value is one. */
#include "query/cli/import_series.h"

#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "engine/core/clock.h"
#include "engine/fleet/values_writer.h"
#include "ingest/files/series_csv.h"
#include "ingest/files/time_text.h"
#include "query/cli/asking.h"

#define PRINCIPAL "import"
#define LISTED 20

static const char usage[] =
	"用法 usage: zayton import series FILE --data DIR [--site NUMBER] [--zone +08:00] [--settle]\n"
	"              表头 header: site,quantity,time,value[,quality] 或 or site,time,QUANTITY,QUANTITY...\n"
	"            zayton import streams FILE --data DIR [--from TIME|always]\n"
	"              表头 header: site,quantity[,unit,stream_kind,range_min,range_max,interval,name,note]\n"
	"                           [,village,company,sector,position,class: of the site 站点属性]\n"
	"退出码 exit status: 0 all rows taken, 1 some refused or failed, 2 usage\n";

struct import {
	const char *path, *data, *site;
	int64_t zone_ms, from_ms;
	bool settle;
	int fd;
	struct engine *engine;
	struct bulk *bulk;
	struct values_body body;
	int64_t received_ms;
	uint64_t taken, refused;
};

static ssize_t read_file(void *context, void *into, size_t size)
{
	const struct import *m = context;
	return read(m->fd, into, size);
}

static enum status refuse(void *context, uint64_t line, const char *reason)
{
	struct import *m = context;
	if (m->refused++ < LISTED)
		fprintf(stderr, "line 行 %" PRIu64 ": %s\n", line, reason);
	return STATUS_OK;
}

/* A refusal of this row alone; anything else ends the import. */
static bool is_about_the_row(enum status status)
{
	return status_class(status) == STATUS_CLASS_peer || status == STATUS_FULL || status == STATUS_INVALID;
}

/* --- values --- */

static enum status hand_in(struct import *m)
{
	enum status status = STATUS_OK;
	if (m->body.count)
		status = bulk_add_values(m->bulk, buf_view(&m->body.bytes), m->body.device, m->received_ms);
	values_body_clear(&m->body);
	return status;
}

static enum status put_value(struct import *m, const struct series_csv_row *row)
{
	struct streams *streams = engine_streams(m->engine);
	const struct registry_change state = {DEVICE_FIELD_STREAM_KIND, span_of_string("state")};
	uint64_t id, hash;
	enum status status = stream_find(streams, row->site, row->quantity, &id);
	if (status == STATUS_NOT_FOUND)
		status = stream_put(streams, row->site, row->quantity, &state, row->value.type == VALUE_TEXT,
				    VALID_ALWAYS_FROM, PRINCIPAL, true, &id);
	if (!status && row->text.size)
		status = value_texts_add(streams_texts(streams), row->text, &hash);
	if (status)
		return status;
	status = values_body_add(&m->body, id, &row->value, row->text);
	if (status != STATUS_FULL)
		return status;
	status = hand_in(m);
	return status ? status : values_body_add(&m->body, id, &row->value, row->text);
}

static enum status take_value(void *context, const struct series_csv_row *row)
{
	struct import *m = context;
	enum status status = put_value(m, row);
	m->taken += !status;
	return is_about_the_row(status) && status ? refuse(m, row->line, status_text(status)) : status;
}

static enum status run_series(struct import *m)
{
	const struct series_csv_options options = {.read = read_file,
						   .read_context = m,
						   .site = m->site ? span_of_string(m->site) : (struct span){NULL, 0},
						   .zone_ms = m->zone_ms,
						   .context = m,
						   .row = take_value,
						   .mistake = refuse};
	enum status status = bulk_open(m->engine, &m->bulk);
	if (status)
		return status;
	m->body = values_body_init();
	m->received_ms = clock_now_ms();
	status = series_csv_read(&options);
	if (!status)
		status = hand_in(m);
	if (!status)
		status = bulk_checkpoint(m->bulk, span_of_string("series"), span_of_string(m->path));
	values_body_deinit(&m->body);
	enum status closed = bulk_close(m->bulk);
	status = status ? status : closed;
	return !status && m->settle ? engine_settle(m->engine) : status;
}

/* --- streams --- */

struct stream_header {
	uint8_t fields[CSV_FIELDS_MAX]; /* enum device_field; 0: not read */
	size_t count, site, quantity;
};

static enum status take_header(struct import *m, const struct csv_row *row, struct stream_header *h)
{
	*h = (struct stream_header){.count = row->fields, .site = SIZE_MAX, .quantity = SIZE_MAX};
	for (size_t i = 0; i < row->fields; i++) {
		if (device_field_parse(csv_field(row, i), &h->fields[i])) {
			h->fields[i] = 0;
			fprintf(stderr, "column 列 %zu is not known here 未识别: %.*s\n", i + 1,
				(int)csv_field(row, i).size, (const char *)csv_field(row, i).data);
			m->refused++;
		}
		if (h->fields[i] == DEVICE_FIELD_SITE)
			h->site = i;
		if (h->fields[i] == DEVICE_FIELD_QUANTITY)
			h->quantity = i;
	}
	return h->site == SIZE_MAX || h->quantity == SIZE_MAX ? STATUS_NOT_FOUND : STATUS_OK;
}

static bool is_of_site(uint8_t field)
{
	return field < DEVICE_FIELD_STREAMS && field != DEVICE_FIELD_NAME && field != DEVICE_FIELD_NOTE;
}

static enum status take_stream(struct import *m, const struct stream_header *h, const struct csv_row *row)
{
	struct registry_change of_site[DEVICE_FIELD_COUNT], of_stream[DEVICE_FIELD_COUNT];
	size_t site_count = 0, stream_count = 0;
	uint64_t id;
	if (row->fields != h->count)
		return STATUS_MALFORMED;
	for (size_t i = 0; i < row->fields; i++) {
		struct span value = csv_field(row, i);
		if (!h->fields[i] || !value.size || i == h->site || i == h->quantity)
			continue;
		if (site_count + stream_count == DEVICE_FIELD_COUNT)
			return STATUS_FULL;
		if (is_of_site(h->fields[i]))
			of_site[site_count++] = (struct registry_change){h->fields[i], value};
		else
			of_stream[stream_count++] = (struct registry_change){h->fields[i], value};
	}
	enum status status = stream_put(engine_streams(m->engine), csv_field(row, h->site), csv_field(row, h->quantity),
					of_stream, stream_count, m->from_ms, PRINCIPAL, true, &id);
	if (status || !site_count)
		return status;
	struct stream stream;
	status = stream_at(engine_streams(m->engine), id, m->from_ms, &stream);
	return status ? status
		      : registry_apply_bulk(engine_registry(m->engine), stream.site, DEVICE_KIND_SENSOR, of_site,
					    site_count, m->from_ms, PRINCIPAL);
}

static enum status read_streams(struct import *m, struct csv *csv)
{
	struct stream_header header;
	struct csv_row row;
	enum status status = csv_next(csv, &row);
	if (!status)
		status = take_header(m, &row, &header);
	while (!status && (status = csv_next(csv, &row)) != STATUS_END) {
		if (csv_is_fatal(status))
			return status;
		if (!status)
			status = take_stream(m, &header, &row);
		m->taken += !status;
		if (status && is_about_the_row(status))
			status = refuse(m, row.line, status_text(status));
	}
	return status == STATUS_END ? STATUS_OK : status;
}

static enum status run_streams(struct import *m)
{
	struct csv *csv;
	enum status status = csv_open(read_file, m, 0, &csv);
	if (status)
		return status;
	status = read_streams(m, csv);
	csv_close(csv);
	return status ? status : store_sync(engine_store(m->engine));
}

/* --- the command line --- */

enum { DATA = 256, SITE, ZONE, FROM, SETTLE };
static const struct option long_options[] = {
	{"data", required_argument, NULL, DATA}, {"site", required_argument, NULL, SITE},
	{"zone", required_argument, NULL, ZONE}, {"from", required_argument, NULL, FROM},
	{"settle", no_argument, NULL, SETTLE},   {NULL, 0, NULL, 0},
};

static bool wrong(const char *option, const char *value, const char *wanted)
{
	fprintf(stderr, "zayton import: --%s %s: %s\n", option, value, wanted);
	return false;
}

static bool take_option(int option, const char *text, struct import *m)
{
	switch (option) {
	case DATA:
		m->data = text;
		return true;
	case SITE:
		m->site = text;
		return true;
	case ZONE:
		return !zone_parse(span_of_string(text), &m->zone_ms) ||
		       wrong("zone", text, "wanted a zone such as +08:00");
	case FROM:
		if (strcmp(text, "always") == 0) {
			m->from_ms = VALID_ALWAYS_FROM;
			return true;
		}
		return !asked_time(text, &m->from_ms) || wrong("from", text, "wanted a time, or always");
	case SETTLE:
		return m->settle = true;
	default:
		return false;
	}
}

static bool parse(int argc, char **argv, struct import *m)
{
	int option;
	*m = (struct import){.zone_ms = CHINA_OFFSET_MS, .from_ms = clock_now_ms()};
	optind = 1;
	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		if (!take_option(option, optarg, m))
			return false;
	if (optind + 1 != argc || !m->data)
		return wrong("data", "", "one FILE, and --data DIR, are wanted");
	m->path = argv[optind];
	return true;
}

static int import_with(int argc, char **argv, enum status (*run)(struct import *m))
{
	struct import m;
	if (!parse(argc, argv, &m)) {
		fputs(usage, stderr);
		return 2;
	}
	const char *about = m.path;
	m.fd = open(m.path, O_RDONLY | O_CLOEXEC);
	enum status status = m.fd < 0 ? STATUS_NOT_FOUND : STATUS_OK;
	if (!status) {
		struct engine_options options = engine_options_default(m.data);
		status = engine_open(&options, &m.engine);
		about = status ? m.data : about;
	}
	if (!status)
		status = run(&m);
	engine_close(m.engine);
	if (m.fd >= 0)
		close(m.fd);
	if (status)
		fprintf(stderr, "zayton import: %s: %s\n", about, status_text(status));
	printf("taken 写入          %" PRIu64 "\nrefused 拒绝        %" PRIu64 "\n", m.taken, m.refused);
	return status || m.refused ? 1 : 0;
}

int import_series(int argc, char **argv)
{
	return import_with(argc, argv, run_series);
}

int import_streams(int argc, char **argv)
{
	return import_with(argc, argv, run_streams);
}
