#include "query/http/http_problem.h"

#include <stdio.h>

#define PROBLEM_BYTES_MAX 8192

static const struct {
	unsigned status;
	const char *token;
} kinds[HTTP_PROBLEM_COUNT] = {
#define X(NAME, status, token) {status, token},
	HTTP_PROBLEM_TABLE(X)
#undef X
};

const char *http_problem_token(enum http_problem_kind kind)
{
	return kinds[kind].token;
}

const char *http_status_title(unsigned status)
{
	switch (status) {
	case 400:
		return "Bad Request";
	case 401:
		return "Unauthorized";
	case 403:
		return "Forbidden";
	case 404:
		return "Not Found";
	case 405:
		return "Method Not Allowed";
	case 406:
		return "Not Acceptable";
	case 409:
		return "Conflict";
	case 411:
		return "Length Required";
	case 412:
		return "Precondition Failed";
	case 413:
		return "Content Too Large";
	case 422:
		return "Unprocessable Content";
	case 415:
		return "Unsupported Media Type";
	case 429:
		return "Too Many Requests";
	case 501:
		return "Not Implemented";
	case 503:
		return "Service Unavailable";
	case 507:
		return "Insufficient Storage";
	default:
		return "Internal Server Error";
	}
}

static void print_head(struct json_out *j, enum http_problem_kind kind, const char *detail)
{
	char type[96];
	snprintf(type, sizeof type, "urn:zayton:problem:%s", kinds[kind].token);
	jout_key(j, "type");
	jout_string(j, type);
	jout_key(j, "title");
	jout_string(j, http_status_title(kinds[kind].status));
	jout_key(j, "status");
	jout_unsigned(j, kinds[kind].status);
	jout_key(j, "detail");
	jout_string(j, detail);
}

void http_problem_members(struct json_out *j, enum http_problem_kind kind, const char *english, const char *chinese)
{
	print_head(j, kind, english);
	jout_key(j, "detail_zh");
	jout_string(j, chinese);
}

static void print_problem(struct json_out *j, struct http_exchange *x, enum http_problem_kind kind,
			  const char *parameter, const char *detail)
{
	jout_open(j, '{');
	print_head(j, kind, detail);
	jout_key(j, "instance");
	struct span path = span_of_string(x->request.path);
	jout_text(j, span_of(path.data, path.size < 512 ? path.size : 512));
	if (parameter) {
		jout_key(j, "parameter");
		jout_string(j, parameter);
	}
	jout_close(j, '}');
}

void http_problem_send(struct http_exchange *x, enum http_problem_kind kind, const char *parameter, const char *detail)
{
	struct buf text = buf_init(PROBLEM_BYTES_MAX);
	struct json_out j = json_out_init(&text);
	print_problem(&j, x, kind, parameter, detail);
	exchange_begin(x, kinds[kind].status, "application/problem+json");
	if (!j.status)
		j.status = exchange_write(x, buf_view(&text));
	exchange_end(x); /* a client that left needs no text */
	buf_deinit(&text);
}

void http_problem_of_status(struct http_exchange *x, enum status status)
{
	enum http_problem_kind kind = HTTP_PROBLEM_INTERNAL;
	if (status == STATUS_NOT_FOUND)
		kind = HTTP_PROBLEM_NO_ROUTE;
	else if (status == STATUS_CORRUPT)
		kind = HTTP_PROBLEM_DAMAGED;
	else if (status == STATUS_BUSY || status == STATUS_CLOSED)
		kind = HTTP_PROBLEM_BUSY;
	else if (status == STATUS_NO_SPACE)
		kind = HTTP_PROBLEM_NO_SPACE;
	else if (status == STATUS_CONFLICT || status == STATUS_EXISTS)
		kind = HTTP_PROBLEM_CONFLICT;
	else if (status == STATUS_DENIED)
		kind = HTTP_PROBLEM_FORBIDDEN;
	http_problem_send(x, kind, NULL, status_text(status));
}
