#include "query/cli/served.h"

#include <sys/random.h>

static enum status only_this_process(void *context, const struct http_request *request, struct span token,
				     struct principal *out)
{
	const struct served *s = context;
	(void)request;
	if (!span_equal(token, span_of_string(s->token)))
		return STATUS_DENIED;
	*out = principal_local;
	return STATUS_OK;
}

static enum status serve(struct served *s, bool writable)
{
	uint8_t secret[16];
	struct http_options o = http_options_default(s->engine);
	if (getrandom(secret, sizeof secret, 0) != sizeof secret)
		return STATUS_IO;
	hex_encode(s->token, span_of(secret, sizeof secret));
	o.pool_threads = 1;
	o.connections_max = 16;
	o.policy = only_this_process;
	o.policy_context = s;
	enum status status = duty_open(s->engine, NULL, !writable, &s->duty);
	if (!status)
		status = http_new(&o, &s->http);
	if (!status)
		status = duty_route_add(s->http, s->duty);
	if (!status)
		status = http_start(s->http);
	if (!status)
		snprintf(s->base, sizeof s->base, "http://127.0.0.1:%u", http_port(s->http));
	return status;
}

enum status served_open(const char *command, const char *dir, bool writable, struct served *out)
{
	*out = (struct served){.http = NULL};
	enum status status = asked_open(command, dir, writable, &out->engine);
	if (status)
		return status;
	status = serve(out, writable);
	if (status) {
		fprintf(stderr, "zayton %s: %s: %s\n", command, dir, status_text(status));
		served_close(out);
	}
	return status;
}

void served_close(struct served *s)
{
	http_free(s->http);
	duty_close(s->duty);
	engine_close(s->engine);
}
