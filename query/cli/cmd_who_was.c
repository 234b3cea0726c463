/* cmd_who_was.c -- `query who-was`: the question of POST /api/v1/archive/who-was, of a server or of a store that no one
 * serves. The options become the very body that the server takes. */
#include <getopt.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/core/clock.h"
#include "query/cli/asking.h"
#include "query/cli/cli.h"
#include "query/cli/http_fetch.h"
#include "query/export/export_archive.h"
#include "query/export/export_track.h"
#include "query/http/geometry_body.h"
#include "query/http/http_body.h"

#define FLUSH_BYTES (256u << 10)

static const char usage[] =
	"用法 usage: zayton query who-was (--geometry FILE | --point LON,LAT) [--within METRES] [--half-width METRES]\n"
	"                             --from TIME [--to TIME] --case NUMBER [--crossings] [--format ndjson|json] "
	"WHERE\n"
	"  谁在何时到过何处或其附近 devices that were there or near in that time; on record under the case number "
	"案号\n"
	"  --geometry  GeoJSON: Point, LineString, Polygon or many of the latter two, or a Feature of one (--polygon "
	"too)\n"
	"  --within    距离 metres from the geometry; of a point its radius\n"
	"  --half-width 走廊半宽 metres either side of a line\n"
	"  --crossings 进出时刻 with each entry and exit\n"
	"  WHERE       --server http://HOST:PORT [--token TOKEN] 运行中的服务 | --data DIR 未运行的数据目录\n"
	"退出码 exit status: 0 answered, 1 not or in part, 2 usage\n";

struct who_was {
	const char *server, *data, *token, *geometry, *point, *within, *half_width, *case_number;
	bool has_from;
	int64_t from_ms, to_ms;
	bool crossings;
	enum export_format format;
	struct engine *engine;
	struct export_list list;
	struct buf text;
};

static bool wrong(const char *what, const char *why)
{
	fprintf(stderr, "zayton query who-was: %s: %s\n", what, why);
	return false;
}

/* --- the command line --- */

enum { SERVER = 256, TOKEN, DATA, GEOMETRY, POINT, WITHIN, HALF_WIDTH, CASE, FROM, TO, CROSSINGS, FORMAT };

static const struct option long_options[] = {
	{"server", required_argument, NULL, SERVER},    {"token", required_argument, NULL, TOKEN},
	{"data", required_argument, NULL, DATA},        {"geometry", required_argument, NULL, GEOMETRY},
	{"polygon", required_argument, NULL, GEOMETRY}, {"half-width", required_argument, NULL, HALF_WIDTH},
	{"point", required_argument, NULL, POINT},      {"within", required_argument, NULL, WITHIN},
	{"from", required_argument, NULL, FROM},        {"to", required_argument, NULL, TO},
	{"case", required_argument, NULL, CASE},        {"crossings", no_argument, NULL, CROSSINGS},
	{"format", required_argument, NULL, FORMAT},    {NULL, 0, NULL, 0},
};

static bool take_option(int option, const char *text, struct who_was *w)
{
	const char **const texts[] = {
		[SERVER - 256] = &w->server,         [TOKEN - 256] = &w->token,     [DATA - 256] = &w->data,
		[GEOMETRY - 256] = &w->geometry,     [POINT - 256] = &w->point,     [WITHIN - 256] = &w->within,
		[HALF_WIDTH - 256] = &w->half_width, [CASE - 256] = &w->case_number};
	switch (option) {
	case FROM:
		w->has_from = true;
		return !asked_time(text, &w->from_ms) || wrong(text, "not a valid time");
	case TO:
		return !asked_time(text, &w->to_ms) || wrong(text, "not a valid time");
	case CROSSINGS:
		return w->crossings = true;
	case FORMAT:
		return (!export_format_parse(span_of_string(text), &w->format) &&
			(w->format == EXPORT_JSON || w->format == EXPORT_NDJSON)) ||
		       wrong(text, "wanted ndjson or json");
	case '?':
		return false;
	default:
		*texts[option - 256] = text;
		return true;
	}
}

static bool options_parse(int argc, char **argv, struct who_was *w)
{
	int option;
	optind = 1;
	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		if (!take_option(option, optarg, w))
			return false;
	if (optind != argc)
		return wrong(argv[optind], "not understood");
	if (!w->server == !w->data)
		return wrong("--server", "either --server or --data is wanted");
	if (!w->geometry == !w->point || (w->point && !w->within))
		return wrong("--geometry", "either --geometry, or --point with --within");
	if (!w->has_from || w->from_ms > w->to_ms)
		return wrong("--from", "is wanted, and not after --to");
	return w->case_number || wrong("--case", "is wanted 需要案号");
}

/* --- the question as JSON --- */

static json_t *read_geometry(const char *path)
{
	json_error_t error;
	json_t *file = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
	json_t *inner = json_object_get(file, "geometry");
	if (!file)
		wrong(path, error.text);
	if (!inner)
		return file;
	json_incref(inner);
	json_decref(file);
	return inner;
}

static json_t *read_point(const char *text)
{
	char array[96];
	snprintf(array, sizeof array, "[%s]", text);
	json_t *position = json_loads(array, 0, NULL);
	return position ? json_pack("{s:s,s:o}", "type", "Point", "coordinates", position) : NULL;
}

static bool set_metres(json_t *body, const char *member, const char *text)
{
	return !text || !json_object_set_new(body, member, json_loads(text, JSON_DECODE_ANY, NULL)) ||
	       wrong(text, "wanted metres");
}

/* NULL: what is wrong is told. */
static json_t *body_of(const struct who_was *w)
{
	json_t *geometry = w->geometry ? read_geometry(w->geometry) : read_point(w->point);
	if (!geometry) {
		if (w->point)
			wrong(w->point, "wanted LON,LAT in degrees");
		return NULL;
	}
	json_t *body = json_pack("{s:o,s:I,s:I,s:s,s:b}", "geometry", geometry, "from", (json_int_t)w->from_ms, "to",
				 (json_int_t)w->to_ms, "case", w->case_number, "crossings", (int)w->crossings);
	if (!body)
		wrong(w->case_number, "no UTF-8");
	if (body && set_metres(body, "within_m", w->within) && set_metres(body, "half_width_m", w->half_width))
		return body;
	json_decref(body);
	return NULL;
}

/* --- of a server --- */

static enum status ask_server(const struct who_was *w, const json_t *body)
{
	char target[64];
	int code = 0;
	char *text = json_dumps(body, JSON_COMPACT);
	if (!text)
		return STATUS_NO_MEMORY;
	snprintf(target, sizeof target, "/api/v1/archive/who-was?format=%s", export_format_token(w->format));
	struct http_fetch fetch = {w->server, target, w->token, stdout, stderr, text};
	enum status status = http_fetch(&fetch, &code);
	free(text);
	if (status)
		wrong(w->server, status_text(status));
	return status ? status : code / 100 == 2 ? STATUS_OK : STATUS_DENIED;
}

/* --- of a store --- */

static enum status visit(void *context, const struct archive_answer *a)
{
	struct who_was *w = context;
	char room[DEVICE_VALUE_MAX + 1];
	const char *name = export_title(engine_registry(w->engine), a->device, w->to_ms, room);
	enum status status = export_archive_row(&w->list, a, name, w->crossings, &w->text);
	return !status && w->text.size > FLUSH_BYTES ? asked_flush(&w->text, stdout) : status;
}

static enum status answer(struct who_was *w, const struct geometry *g)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	struct archive_query q = {.area = g->area,
				  .centre = g->centre,
				  .within_mm = g->within_mm,
				  .from_ms = w->from_ms,
				  .to_ms = w->to_ms,
				  .crossings = w->crossings,
				  .threads = processors > 0 ? (unsigned)processors : 1,
				  .context = w};
	w->text = buf_init(FLUSH_BYTES + EXPORT_ROW_BYTES_MAX);
	enum status status = asked_audit(w->engine, "who-was", 0, w->from_ms, w->to_ms, w->case_number);
	if (!status)
		status = export_archive_begin(&w->list, w->format, &w->text);
	if (!status)
		status = engine_archive(w->engine, &q, visit);
	if (!status)
		status = export_list_end(&w->list, NULL, &w->text);
	if (!status)
		status = asked_flush(&w->text, stdout);
	buf_deinit(&w->text);
	return status;
}

static enum status ask_store(struct who_was *w, const json_t *body)
{
	struct geometry g;
	char why[GEOMETRY_WRONG_MAX], number[CASE_NUMBER_MAX + 1];
	if (!body_case(json_object_get(body, "case"), number)) {
		wrong("--case", BODY_CASE_WRONG);
		return STATUS_MALFORMED;
	}
	enum status status = geometry_read(body, &g, why);
	if (status == STATUS_MALFORMED)
		wrong(w->geometry ? w->geometry : w->point, why);
	if (status)
		return status;
	status = asked_open("query who-was", w->data, true, &w->engine); /* it is audited, which needs writing */
	if (!status) {
		status = answer(w, &g);
		engine_close(w->engine);
		if (status)
			wrong(w->data, status_text(status));
	}
	geometry_deinit(&g);
	return status;
}

int cmd_who_was(int argc, char **argv)
{
	struct who_was w = {.to_ms = clock_now_ms(), .format = EXPORT_NDJSON};
	if (argc > 1 && strcmp(argv[1], "--help") == 0) {
		fputs(usage, stdout);
		return 0;
	}
	if (!options_parse(argc, argv, &w)) {
		fputs(usage, stderr);
		return 2;
	}
	json_t *body = body_of(&w);
	if (!body)
		return 2;
	enum status status = w.server ? ask_server(&w, body) : ask_store(&w, body);
	json_decref(body);
	return status || fflush(stdout) ? 1 : 0;
}
