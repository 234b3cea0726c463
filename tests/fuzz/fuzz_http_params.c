/* links: zayton_query_http */
/* A query string against specs of every kind, and a path against a router: no read past an end, values within what
 * their specs promise, and what is refused is named. */
#include <assert.h>
#include <stdlib.h>

#include "engine/core/utf8.h"
#include "query/http/http_router.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct http_param params[] = {
	{"t", HTTP_PARAM_TEXT, false, 0, 40, NULL, ""},     {"n", HTTP_PARAM_INTEGER, false, -5, 1000, NULL, ""},
	{"at", HTTP_PARAM_TIME, false, 0, 0, NULL, ""},     {"c", HTTP_PARAM_CHOICE, false, 0, 0, "json|csv", ""},
	{"f", HTTP_PARAM_FLAG, false, 0, 0, NULL, ""},      {"box", HTTP_PARAM_BOX, false, 0, 0, NULL, ""},
	{"cur", HTTP_PARAM_CURSOR, false, 0, 33, NULL, ""}, {"must", HTTP_PARAM_FLAG, true, 0, 0, NULL, ""},
};
#define COUNT (sizeof params / sizeof params[0])

static void answer(struct http_call *call)
{
	(void)call;
}

static void check(const struct http_value *v)
{
	assert(v[7].set);
	if (v[0].set)
		assert(v[0].text.size <= 40 && utf8_valid(v[0].text));
	if (v[1].set)
		assert(v[1].number >= -5 && v[1].number <= 1000);
	if (v[3].set)
		assert(v[3].number == 0 || v[3].number == 1);
	if (v[4].set)
		assert(v[4].number == 0 || v[4].number == 1);
	if (v[5].set)
		assert(v[5].box.lat_min_e7 <= v[5].box.lat_max_e7 && v[5].box.lat_max_e7 <= 900000000);
}

static void match_path(const char *path)
{
	static const char *const templates[] = {"/", "/a", "/a/{id}", "/a/{id}/b", "/{x}/{y}/{z}"};
	struct http_router *r = calloc(1, sizeof *r);
	struct route_match m;
	if (!r)
		return;
	for (size_t i = 0; i < sizeof templates / sizeof templates[0]; i++) {
		struct http_route route = {.method = HTTP_GET, .path = templates[i], .id = "fuzz", .handler = answer};
		if (router_add(r, &route))
			abort();
	}
	router_match(r, HTTP_GET, path, &m);
	for (size_t i = 0; i < m.arg_count; i++)
		assert(m.args[i].size && !memchr(m.args[i].data, '/', m.args[i].size));
	free(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_value values[COUNT];
	struct http_params_error error = {"", ""};
	char *query = malloc(size + 1), *storage = malloc(size + 1); /* exact, so that a byte too many is seen */
	if (!query || !storage)
		abort();
	memcpy(query, data, size);
	query[size] = '\0';
	if (http_params_parse(params, COUNT, query, storage, values, &error))
		assert(error.detail[0]);
	else
		check(values);
	match_path(query);
	free(storage);
	free(query);
	return 0;
}
