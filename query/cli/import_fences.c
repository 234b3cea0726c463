/* import_fences.c -- every feature that is right becomes a version of its fence; the others are told by place and
 * reason.
 *
 *   FILE ─> fence_file_read ─> record ─> fence_of_record ─> gathered ─> context_put_fences
 *                           └> refusal ────────────────┴> line, feature, id: reason
 *
 * Fences are put all at once; when one of them stands in the way, halves are tried, down to the one that does. What
 * holds from before the store's last report is judged when the store is next served. */
#include "query/cli/import_fences.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/core/clock.h"
#include "query/cli/asking.h"
#include "query/cli/fences_route.h"
#include "query/cli/whole_file.h"

static const char usage[] = "用法 usage: zayton import fences FILE --data DIR [options]\n"
			    "  FILE                 GeoJSON, KML, WKT\n"
			    "  --crs EPSG:4549      文件的坐标系, 也可为 GCJ-02 coordinate system of the file; "
			    "default: what the file says,\n"
			    "                       else WGS-84\n"
			    "  --repair             修复无效几何 mend geometry that is not valid\n"
			    "退出码 exit status: 0 all fences taken, 1 some refused or failed, 2 usage\n";

/* where a fence came from */
struct origin {
	uint32_t feature;
	uint64_t line;
};

struct fences_import {
	const char *path, *data, *crs;
	bool repair;
	int64_t now_ms;
	struct context *context;
	struct fence *list;
	struct origin *origins;
	size_t count, capacity;
	uint64_t taken, refused;
};

static void refuse(struct fences_import *m, struct origin at, const char *id, const char *reason, const char *reason_zh)
{
	m->refused++;
	fprintf(stderr, "line 行 %" PRIu64 ": feature 要素 %u \"%s\": %s | %s\n", at.line, at.feature, id, reason,
		reason_zh);
}

static void refuse_for(struct fences_import *m, struct origin at, const char *id, enum message reason)
{
	refuse(m, at, id, message_format(reason, LANGUAGE_ENGLISH), message_format(reason, LANGUAGE_CHINESE));
}

static enum status on_refusal(void *context, const struct fence_refusal *refusal)
{
	struct fences_import *m = context;
	struct buf line = buf_init(4096);
	enum status status = fence_refusal_print(refusal, false, &line);
	m->refused++;
	if (!status)
		fprintf(stderr, "%.*s | %s\n", (int)line.size, (const char *)line.data, refusal->reason_zh);
	buf_deinit(&line);
	return status;
}

static enum status make_room(struct fences_import *m)
{
	size_t capacity = m->capacity ? m->capacity * 2 : 64;
	if (m->count < m->capacity)
		return STATUS_OK;
	struct fence *list = realloc(m->list, capacity * sizeof *list);
	if (list)
		m->list = list;
	struct origin *origins = list ? realloc(m->origins, capacity * sizeof *origins) : NULL;
	if (!origins)
		return STATUS_NO_MEMORY;
	m->origins = origins;
	m->capacity = capacity;
	return STATUS_OK;
}

static enum status on_record(void *context, const struct fence_record *record)
{
	struct fences_import *m = context;
	struct fence f;
	struct origin at = {record->feature, record->line};
	enum message reason;
	if (fence_of_record(record, m->now_ms, &f, &reason)) {
		refuse_for(m, at, record->id, reason);
		return STATUS_OK;
	}
	enum status status = make_room(m);
	if (status)
		return status;
	f.area = fence_area_ref(f.area);
	m->list[m->count] = f;
	m->origins[m->count++] = at;
	return STATUS_OK;
}

static enum status put(struct fences_import *m, size_t from, size_t count)
{
	enum status status = count ? context_put_fences(m->context, m->list + from, count) : STATUS_OK;
	bool one_of_them = status == STATUS_CONFLICT || status == STATUS_INVALID;
	if (!status)
		m->taken += count;
	if (one_of_them && count == 1) {
		if (status == STATUS_CONFLICT)
			refuse_for(m, m->origins[from], m->list[from].id, MESSAGE_FENCE_LATER);
		else
			refuse(m, m->origins[from], m->list[from].id, status_text(status), "不合要求");
		return STATUS_OK;
	}
	if (!one_of_them)
		return status;
	status = put(m, from, count / 2);
	return status ? status : put(m, from + count / 2, count - count / 2);
}

/* What reaches into the past changes what was found: that is audited. */
static enum status audit(struct fences_import *m, struct engine *e)
{
	int64_t from_ms = m->now_ms;
	for (size_t i = 0; i < m->count; i++)
		if (m->list[i].valid_from_ms < from_ms)
			from_ms = m->list[i].valid_from_ms;
	return from_ms < m->now_ms ? asked_audit(e, "rejudge fences", 0, from_ms, m->now_ms, "") : STATUS_OK;
}

static enum status read_fences(struct fences_import *m, struct span text)
{
	const struct fence_file_options options = {
		.crs = m->crs, .repair = m->repair, .context = m, .record = on_record, .refused = on_refusal};
	struct fence_file_result result;
	enum status status = fence_file_read(text, &options, &result);
	/* a file that ends badly was refused in so many words; what came before it is right */
	return m->refused && status_class(status) == STATUS_CLASS_peer ? STATUS_OK : status;
}

static enum status run(struct fences_import *m)
{
	struct engine *engine = NULL;
	struct engine_options options = engine_options_default(m->data);
	struct buf text = buf_init(FENCE_FILE_BYTES_MAX + 1);
	enum status status = whole_file_read(m->path, FENCE_FILE_BYTES_MAX, &text);
	if (status) {
		buf_deinit(&text);
		return status;
	}
	status = read_fences(m, buf_view(&text));
	buf_deinit(&text);
	if (!status)
		status = engine_open(&options, &engine);
	if (!status)
		status = audit(m, engine);
	if (!status) {
		m->context = engine_context(engine);
		status = put(m, 0, m->count);
	}
	engine_close(engine);
	if (status)
		fprintf(stderr, "zayton import: %s: %s\n", engine ? m->path : m->data, status_text(status));
	printf("taken 写入          %" PRIu64 "\nrefused 拒绝        %" PRIu64 "\n", m->taken, m->refused);
	return status;
}

/* --- the command line --- */

enum { DATA = 256, CRS, REPAIR };

static const struct option long_options[] = {
	{"data", required_argument, NULL, DATA},
	{"crs", required_argument, NULL, CRS},
	{"repair", no_argument, NULL, REPAIR},
	{NULL, 0, NULL, 0},
};

static bool options_parse(int argc, char **argv, struct fences_import *m)
{
	int option;
	*m = (struct fences_import){.now_ms = clock_now_ms()};
	optind = 1;
	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (option == DATA)
			m->data = optarg;
		else if (option == CRS)
			m->crs = optarg;
		else if (option == REPAIR)
			m->repair = true;
		else
			return false;
	}
	if (optind + 1 != argc || !m->data) {
		fprintf(stderr, "zayton import: one FILE, and --data DIR, are wanted\n");
		return false;
	}
	m->path = argv[optind];
	return true;
}

int import_fences(int argc, char **argv)
{
	struct fences_import m;
	if (!options_parse(argc, argv, &m)) {
		fputs(usage, stderr);
		return 2;
	}
	enum status status = run(&m);
	for (size_t i = 0; i < m.count; i++)
		fence_area_unref(m.list[i].area);
	free(m.list);
	free(m.origins);
	return status || m.refused ? 1 : 0;
}
