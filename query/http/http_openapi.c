#include "query/export/json_out.h"
#include "query/http/http_problem.h"
#include "query/http/http_rights.h"
#include "query/http/http_router.h"

static void text_member(struct json_out *j, const char *key, const char *text)
{
	jout_key(j, key);
	jout_string(j, text);
}

static void choices_array(struct json_out *j, const char *choices)
{
	jout_key(j, "enum");
	jout_open(j, '[');
	while (*choices) {
		size_t n = strcspn(choices, "|");
		jout_text(j, span_of(choices, n));
		choices += n + (choices[n] == '|');
	}
	jout_close(j, ']');
}

static void param_schema(struct json_out *j, const struct http_param *p)
{
	jout_key(j, "schema");
	jout_open(j, '{');
	text_member(j, "type", p->kind == HTTP_PARAM_INTEGER ? "integer" : "string");
	if (p->kind == HTTP_PARAM_INTEGER) {
		jout_key(j, "minimum");
		jout_integer(j, p->min);
		jout_key(j, "maximum");
		jout_integer(j, p->max);
	} else if (p->kind == HTTP_PARAM_CHOICE) {
		choices_array(j, p->choices);
	} else if (p->kind == HTTP_PARAM_FLAG) {
		choices_array(j, "0|1|false|true");
	} else if (p->kind == HTTP_PARAM_TEXT && p->max) {
		jout_key(j, "maxLength");
		jout_integer(j, p->max);
	}
	jout_close(j, '}');
}

static void query_param(struct json_out *j, const struct http_param *p)
{
	jout_open(j, '{');
	text_member(j, "name", p->name);
	text_member(j, "in", "query");
	jout_key(j, "required");
	jout_bool(j, p->required);
	if (p->about)
		text_member(j, "description", p->about);
	param_schema(j, p);
	jout_close(j, '}');
}

static void path_params(struct json_out *j, const char *path)
{
	for (const char *at = strchr(path, '{'); at; at = strchr(at + 1, '{')) {
		jout_open(j, '{');
		jout_key(j, "name");
		jout_text(j, span_of(at + 1, strcspn(at + 1, "}")));
		text_member(j, "in", "path");
		jout_key(j, "required");
		jout_bool(j, true);
		if (!strncmp(at, "{id}", 4))
			text_member(j, "description",
				    "16 hex digits, phone:NUMBER, plate:COLOUR:PLATE, site:NUMBER, mmsi:NUMBER or "
				    "beidou_card:NUMBER");
		jout_key(j, "schema");
		jout_open(j, '{');
		text_member(j, "type", "string");
		jout_close(j, '}');
		jout_close(j, '}');
	}
}

/* {"TYPE":{}, ...} of a list separated by blanks. */
static void content(struct json_out *j, const char *types)
{
	jout_key(j, "content");
	jout_open(j, '{');
	while (*types) {
		size_t n = strcspn(types, " ");
		jout_key_text(j, span_of(types, n));
		jout_open(j, '{');
		jout_close(j, '}');
		types += n + (types[n] == ' ');
	}
	jout_close(j, '}');
}

static void responses(struct json_out *j, const struct http_route *route)
{
	jout_key(j, "responses");
	jout_open(j, '{');
	jout_key(j, "2XX");
	jout_open(j, '{');
	text_member(j, "description", "what was asked for");
	if (*route->answers)
		content(j, route->answers);
	jout_close(j, '}');
	jout_key(j, "default");
	jout_open(j, '{');
	text_member(j, "$ref", "#/components/responses/problem");
	jout_close(j, '}');
	jout_close(j, '}');
}

static void operation(struct json_out *j, const struct http_route *route)
{
	static const char *const keys[HTTP_METHOD_COUNT] = {"get", "head", "post", "put", "patch", "delete", "options"};
	bool writes;
	jout_key(j, keys[route->method]);
	jout_open(j, '{');
	text_member(j, "operationId", route->id);
	text_member(j, "summary", route->summary);
	if (!(route->flags & HTTP_ROUTE_OPEN))
		text_member(j, "x-rights", http_rights_token(http_rights_of(route->id, &writes)));
	jout_key(j, "parameters");
	jout_open(j, '[');
	path_params(j, route->path);
	for (size_t i = 0; i < route->param_count; i++)
		query_param(j, &route->params[i]);
	jout_close(j, ']');
	if (route->flags & (HTTP_ROUTE_BODY | HTTP_ROUTE_TEXT | HTTP_ROUTE_LINES | HTTP_ROUTE_BYTES)) {
		jout_key(j, "requestBody");
		jout_open(j, '{');
		jout_key(j, "required");
		jout_bool(j, true);
		content(j, route->flags & HTTP_ROUTE_BODY    ? "application/json"
			   : route->flags & HTTP_ROUTE_BYTES ? "application/octet-stream"
							     : "text/plain");
		jout_close(j, '}');
	}
	if (route->flags & HTTP_ROUTE_OPEN) {
		jout_key(j, "security");
		jout_open(j, '[');
		jout_close(j, ']');
	}
	responses(j, route);
	jout_close(j, '}');
}

static bool is_first_of_path(const struct http_router *r, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (!strcmp(r->routes[k].path, r->routes[i].path))
			return false;
	return true;
}

static void paths(struct json_out *j, const struct http_router *r)
{
	jout_key(j, "paths");
	jout_open(j, '{');
	for (size_t i = 0; i < r->count; i++) {
		if (!is_first_of_path(r, i))
			continue;
		jout_key(j, r->routes[i].path);
		jout_open(j, '{');
		for (size_t k = i; k < r->count; k++)
			if (!strcmp(r->routes[k].path, r->routes[i].path))
				operation(j, &r->routes[k]);
		jout_close(j, '}');
	}
	jout_close(j, '}');
}

static void problem_types(struct json_out *j)
{
	jout_key(j, "enum");
	jout_open(j, '[');
	for (unsigned i = 0; i < HTTP_PROBLEM_COUNT; i++) {
		char type[96] = "urn:zayton:problem:";
		strncat(type, http_problem_token((enum http_problem_kind)i), sizeof type - strlen(type) - 1);
		jout_string(j, type);
	}
	jout_close(j, ']');
}

static void problem_schema(struct json_out *j)
{
	static const struct {
		const char *name, *type;
	} members[] = {{"type", "string"},   {"title", "string"},    {"status", "integer"},
		       {"detail", "string"}, {"instance", "string"}, {"parameter", "string"}};
	jout_key(j, "schema");
	jout_open(j, '{');
	text_member(j, "type", "object");
	jout_key(j, "properties");
	jout_open(j, '{');
	for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
		jout_key(j, members[i].name);
		jout_open(j, '{');
		text_member(j, "type", members[i].type);
		if (i == 0)
			problem_types(j);
		jout_close(j, '}');
	}
	jout_close(j, '}');
	jout_close(j, '}');
}

static void components(struct json_out *j)
{
	jout_key(j, "components");
	jout_open(j, '{');
	jout_key(j, "securitySchemes");
	jout_open(j, '{');
	jout_key(j, "token");
	jout_open(j, '{');
	text_member(j, "type", "http");
	text_member(j, "scheme", "bearer");
	jout_close(j, '}');
	jout_key(j, "session"); /* under TLS "__Host-zayton" */
	jout_open(j, '{');
	text_member(j, "type", "apiKey");
	text_member(j, "in", "cookie");
	text_member(j, "name", "zayton");
	jout_close(j, '}');
	jout_close(j, '}');
	jout_key(j, "responses");
	jout_open(j, '{');
	jout_key(j, "problem");
	jout_open(j, '{');
	text_member(j, "description", "a refusal (RFC 9457)");
	jout_key(j, "content");
	jout_open(j, '{');
	jout_key(j, "application/problem+json");
	jout_open(j, '{');
	problem_schema(j);
	jout_close(j, '}');
	jout_close(j, '}');
	jout_close(j, '}');
	jout_close(j, '}');
	jout_close(j, '}');
}

enum status router_openapi(const struct http_router *r, struct buf *out)
{
	struct json_out j = json_out_init(out);
	jout_open(&j, '{');
	text_member(&j, "openapi", "3.1.0");
	jout_key(&j, "info");
	jout_open(&j, '{');
	text_member(&j, "title", "Zayton");
	text_member(&j, "version", ZAYTON_VERSION);
	text_member(&j, "description",
		    "Times are RFC 3339 with their zone, or milliseconds since 1970 UTC. A parameter that "
		    "is not listed is refused.");
	jout_close(&j, '}');
	jout_key(&j, "security");
	jout_open(&j, '[');
	jout_open(&j, '{'); /* none: this machine itself */
	jout_close(&j, '}');
	jout_open(&j, '{');
	jout_key(&j, "token");
	jout_open(&j, '[');
	jout_close(&j, ']');
	jout_close(&j, '}');
	jout_open(&j, '{');
	jout_key(&j, "session");
	jout_open(&j, '[');
	jout_close(&j, ']');
	jout_close(&j, '}');
	jout_close(&j, ']');
	paths(&j, r);
	components(&j);
	jout_close(&j, '}');
	return j.status ? j.status : buf_append_u8(out, '\n');
}
