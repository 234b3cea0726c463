#include "query/http/http_router.h"

#include <stdio.h>
#include <stdlib.h>

#include "query/http/http_rights.h"

/* The next segment of a path ("/a/b" -> "a", "b"); false at the end. */
static bool next_segment(const char **path, struct span *out)
{
	if (**path != '/')
		return false;
	const char *start = *path + 1;
	size_t size = strcspn(start, "/");
	*out = span_of(start, size);
	*path = start + size;
	return true;
}

static bool is_argument(struct span segment)
{
	return segment.size > 2 && segment.data[0] == '{' && segment.data[segment.size - 1] == '}';
}

static bool matches(const char *template, const char *path, struct route_match *out)
{
	struct span want, have;
	out->arg_count = 0;
	while (next_segment(&template, &want)) {
		if (!next_segment(&path, &have))
			return false;
		if (is_argument(want)) {
			if (!have.size)
				return false;
			out->args[out->arg_count++] = have;
		} else if (!span_equal(want, have)) {
			return false;
		}
	}
	return *path == '\0';
}

static bool template_is_sound(const char *template)
{
	struct span segment;
	size_t arguments = 0;
	if (*template != '/')
		return false;
	while (next_segment(&template, &segment))
		arguments += is_argument(segment);
	return arguments <= HTTP_PATH_ARGS_MAX;
}

static bool takes_purpose(const struct http_route *route)
{
	bool writes;
	return route->method == HTTP_GET && !(route->flags & HTTP_ROUTE_OPEN) &&
	       http_rights_is_export(http_rights_of(route->id, &writes));
}

static enum status add_purpose(struct http_router *r, struct http_route *route)
{
	static const struct http_param purpose = {"purpose",
						  HTTP_PARAM_TEXT,
						  false,
						  0,
						  HTTP_PURPOSE_MAX,
						  NULL,
						  "what the answer is for: kept in the audit, and printed on exports"};
	size_t count = route->param_count;
	struct http_param *params = calloc(count + 1, sizeof *params);
	if (!params || count == HTTP_PARAMS_MAX) {
		free(params);
		return params ? STATUS_INVALID : STATUS_NO_MEMORY;
	}
	if (count)
		memcpy(params, route->params, count * sizeof *params);
	params[count] = purpose;
	route->params = r->with_purpose[r->count] = params;
	route->param_count = count + 1;
	route->flags |= HTTP_ROUTE_PURPOSE;
	return STATUS_OK;
}

enum status router_add(struct http_router *r, const struct http_route *route)
{
	if (!template_is_sound(route->path) || route->param_count > HTTP_PARAMS_MAX || !route->handler)
		return STATUS_INVALID;
	for (size_t i = 0; i < r->count; i++)
		if (r->routes[i].method == route->method && !strcmp(r->routes[i].path, route->path))
			return STATUS_EXISTS;
	if (r->count == HTTP_ROUTES_MAX)
		return STATUS_FULL;
	r->routes[r->count] = *route;
	enum status status = takes_purpose(route) ? add_purpose(r, &r->routes[r->count]) : STATUS_OK;
	r->count += !status;
	return status;
}

void router_deinit(struct http_router *r)
{
	for (size_t i = 0; i < r->count; i++)
		free(r->with_purpose[i]);
}

void router_match(const struct http_router *r, enum http_method method, const char *path, struct route_match *out)
{
	enum http_method wanted = method == HTTP_HEAD ? HTTP_GET : method;
	*out = (struct route_match){0};
	for (size_t i = 0; i < r->count; i++) {
		struct route_match one = {0};
		const struct http_route *route = &r->routes[i];
		if (!matches(route->path, path, &one))
			continue;
		out->allowed |= 1u << route->method;
		if (route->method == HTTP_GET)
			out->allowed |= 1u << HTTP_HEAD;
		if (route->method != wanted || out->route)
			continue;
		one.route = route;
		one.allowed = out->allowed;
		*out = one;
	}
}

void router_allow_text(unsigned allowed, char out[80])
{
	size_t used = 0;
	out[0] = '\0';
	for (unsigned i = 0; i < HTTP_METHOD_COUNT; i++)
		if (allowed & (1u << i))
			used += (size_t)snprintf(out + used, 80 - used, "%s%s", used ? ", " : "", http_method_names[i]);
}
