/* import_weighings.c -- records of scales out of a table, into a store that no one serves.
 *
 *   FILE ─> csv_next ─> record, checked ─(1,000)─> weighings_keep ─> values of those that stand ─> bulk_add_values
 *
 * A file imported twice changes nothing: a ticket is one record. */
#include "query/cli/import_weighings.h"

#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/core/clock.h"
#include "engine/fleet/values_writer.h"
#include "engine/fleet/weighings.h"
#include "ingest/files/csv.h"

#define PRINCIPAL "import"
#define LISTED 20
#define BATCH 1000

static const char usage[] =
	"用法 usage: zayton import weighings FILE --data DIR\n"
	"  表头 header: "
	"site,ticket,time,plate,axles,gross_kg[,tare_kg,train,single_drive,driver,haulier,source,goods,image]\n"
	"  plate: 颜色:号牌 e.g. 2:闽C12345; train, single_drive: 0 或 or 1; 无时区的时间为 +08:00\n"
	"退出码 exit status: 0 all rows taken, 1 some refused or failed, 2 usage\n";

enum column { TIME = WEIGHING_TEXT_COUNT, AXLES, GROSS, TARE, TRAIN, SINGLE, NONE };
static const struct {
	const char *name;
	enum column column;
} numbers[] = {{"time", TIME},      {"时间", TIME},      {"axles", AXLES},         {"轴数", AXLES},
	       {"gross_kg", GROSS}, {"总重", GROSS},     {"tare_kg", TARE},        {"皮重", TARE},
	       {"train", TRAIN},    {"汽车列车", TRAIN}, {"single_drive", SINGLE}, {"单轴驱动", SINGLE}};

struct import {
	int fd;
	struct engine *engine;
	struct bulk *bulk;
	struct values_body body;
	enum column columns[CSV_FIELDS_MAX];
	size_t column_count;
	struct weighing list[BATCH];
	uint64_t lines[BATCH];
	enum weighing_outcome outcomes[BATCH];
	size_t count;
	int64_t received_ms;
	uint64_t taken, repeated, refused;
};

static ssize_t read_file(void *context, void *into, size_t size)
{
	const struct import *m = context;
	return read(m->fd, into, size);
}

static void refuse(struct import *m, uint64_t line, const char *reason)
{
	if (m->refused++ < LISTED)
		fprintf(stderr, "line 行 %" PRIu64 ": %s\n", line, reason);
}

/* --- rows --- */

static enum column column_of(struct span name)
{
	enum weighing_text text;
	if (!weighing_text_parse(name, &text))
		return (enum column)text;
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		if (span_equal(name, span_of_string(numbers[i].name)))
			return numbers[i].column;
	return NONE;
}

static void take_header(struct import *m, const struct csv_row *row)
{
	m->column_count = row->fields;
	for (size_t i = 0; i < row->fields; i++) {
		struct span name = csv_field(row, i);
		m->columns[i] = column_of(name);
		if (m->columns[i] == NONE)
			fprintf(stderr, "column 列 %zu is not read 未识别: %.*s\n", i + 1, (int)name.size,
				(const char *)name.data);
	}
}

static bool take_number(struct span text, uint32_t *out)
{
	struct value v;
	if (value_parse_integer(text, &v) || v.bits < 0 || v.bits > WEIGHING_KG_MAX)
		return false;
	*out = (uint32_t)v.bits;
	return true;
}

static bool take_field(struct weighing *w, enum column column, struct span text)
{
	uint32_t number = 0;
	if (column == NONE || !text.size)
		return true;
	if (column < TIME)
		return !weighing_text_set(w, (enum weighing_text)column, text);
	if (column == TIME)
		return !time_parse(text, CHINA_OFFSET_MS, &w->time_ms);
	if (!take_number(text, &number))
		return false;
	switch (column) {
	case AXLES:
		w->axles = (uint8_t)(number > UINT8_MAX ? UINT8_MAX : number);
		return true;
	case GROSS:
		w->gross_kg = number;
		return true;
	case TARE:
		w->tare_kg = number;
		return true;
	default:
		*(column == TRAIN ? &w->is_train : &w->single_drive) = number == 1;
		return number <= 1;
	}
}

static void take_row(struct import *m, const struct csv_row *row)
{
	struct weighing *w = &m->list[m->count];
	const char *field;
	*w = (struct weighing){.received_ms = m->received_ms};
	if (row->fields != m->column_count) {
		refuse(m, row->line, status_text(STATUS_MALFORMED));
		return;
	}
	for (size_t i = 0; i < row->fields; i++)
		if (!take_field(w, m->columns[i], csv_field(row, i))) {
			refuse(m, row->line, "a value is not what its column holds");
			return;
		}
	if (weighing_check(w, &field)) {
		refuse(m, row->line, field);
		return;
	}
	m->lines[m->count++] = row->line;
}

/* --- into the store --- */

static enum status hand_in(struct import *m)
{
	enum status status = STATUS_OK;
	if (m->body.count)
		status = bulk_add_values(m->bulk, buf_view(&m->body.bytes), m->body.device, m->received_ms);
	values_body_clear(&m->body);
	return status;
}

struct valuing {
	struct import *import;
	const struct weighing *weighing;
};

static enum status take_value(void *context, const char *quantity, const char *unit, const struct value *v,
			      struct span text)
{
	const struct valuing *k = context;
	struct import *m = k->import;
	struct streams *streams = engine_streams(m->engine);
	struct span site = span_of_string(k->weighing->texts[WEIGHING_SITE]), name = span_of_string(quantity);
	bool is_text = v->type == VALUE_TEXT;
	const struct registry_change change = {is_text ? DEVICE_FIELD_STREAM_KIND : DEVICE_FIELD_UNIT,
					       span_of_string(is_text ? stream_kind_token(STREAM_STATE) : unit)};
	uint64_t id, hash;
	enum status status = stream_find(streams, site, name, &id);
	if (status == STATUS_NOT_FOUND)
		status = stream_put(streams, site, name, &change, change.value.size != 0, VALID_ALWAYS_FROM, PRINCIPAL,
				    true, &id);
	if (!status && is_text)
		status = value_texts_add(streams_texts(streams), text, &hash);
	if (status)
		return status;
	status = values_body_add(&m->body, id, v, text);
	if (status != STATUS_FULL)
		return status;
	status = hand_in(m);
	return status ? status : values_body_add(&m->body, id, v, text);
}

static enum status keep_batch(struct import *m)
{
	enum status status = weighings_keep(engine_store(m->engine), m->list, m->count, m->outcomes);
	for (size_t i = 0; i < m->count && !status; i++) {
		struct valuing k = {m, &m->list[i]};
		m->taken += m->outcomes[i] == WEIGHING_TAKEN;
		m->repeated += m->outcomes[i] == WEIGHING_REPEATED;
		if (m->outcomes[i] == WEIGHING_CONFLICT)
			refuse(m, m->lines[i], "another record has this ticket 单号重复");
		else
			status = weighing_values(&m->list[i], take_value, &k);
	}
	m->count = 0;
	return status;
}

static enum status read_rows(struct import *m, struct csv *csv)
{
	struct csv_row row;
	enum status status = csv_next(csv, &row);
	if (status)
		return status == STATUS_END ? STATUS_EMPTY : status;
	take_header(m, &row);
	while ((status = csv_next(csv, &row)) != STATUS_END) {
		if (csv_is_fatal(status))
			return status;
		if (status)
			refuse(m, row.line, status_text(status));
		else
			take_row(m, &row);
		status = m->count == BATCH ? keep_batch(m) : STATUS_OK;
		if (status)
			return status;
	}
	return keep_batch(m);
}

static enum status run(struct import *m, const char *path)
{
	struct csv *csv = NULL;
	enum status status = csv_open(read_file, m, 0, &csv);
	if (!status)
		status = bulk_open(m->engine, &m->bulk);
	if (status) {
		csv_close(csv);
		return status;
	}
	m->body = values_body_init();
	m->received_ms = clock_now_ms();
	status = read_rows(m, csv);
	if (!status)
		status = hand_in(m);
	if (!status)
		status = bulk_checkpoint(m->bulk, span_of_string("weighings"), span_of_string(path));
	values_body_deinit(&m->body);
	csv_close(csv);
	enum status closed = bulk_close(m->bulk);
	return status ? status : closed;
}

int import_weighings(int argc, char **argv)
{
	static const struct option options[] = {{"data", required_argument, NULL, 'd'}, {NULL, 0, NULL, 0}};
	const char *data = NULL;
	int option;
	optind = 1;
	while ((option = getopt_long(argc, argv, "", options, NULL)) == 'd')
		data = optarg;
	struct import *m = calloc(1, sizeof *m);
	if (option != -1 || optind + 1 != argc || !data || !m) {
		free(m);
		fputs(usage, stderr);
		return 2;
	}
	const char *path = argv[optind], *about = path;
	struct engine_options o = engine_options_default(data);
	m->fd = open(path, O_RDONLY | O_CLOEXEC);
	enum status status = m->fd < 0 ? STATUS_NOT_FOUND : engine_open(&o, &m->engine);
	if (status && m->fd >= 0)
		about = data;
	if (!status)
		status = run(m, path);
	engine_close(m->engine);
	if (m->fd >= 0)
		close(m->fd);
	if (status)
		fprintf(stderr, "zayton import: %s: %s\n", about, status_text(status));
	printf("taken 写入          %" PRIu64 "\nrepeated 已有       %" PRIu64 "\nrefused 拒绝        %" PRIu64 "\n",
	       m->taken, m->repeated, m->refused);
	int code = status || m->refused ? 1 : 0;
	free(m);
	return code;
}
