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

static enum status serve(struct served *s)
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
	enum status status = http_new(&o, &s->http);
	if (!status && s->duty)
		status = duty_route_add(s->http, s->duty);
	if (!status && s->hazards)
		status = hazards_route_add(s->http, s->hazards);
	if (!status && s->hazards)
		status = township_route_add(s->http, &s->township);
	if (!status)
		status = http_start(s->http);
	if (!status)
		snprintf(s->base, sizeof s->base, "http://127.0.0.1:%u", http_port(s->http));
	return status;
}

static enum status complain(struct served *s, const char *command, const char *dir, enum status status)
{
	if (status) {
		fprintf(stderr, "zayton %s: %s: %s\n", command, dir, status_text(status));
		served_close(s);
	}
	return status;
}

enum status served_open(const char *command, const char *dir, bool writable, struct served *out)
{
	*out = (struct served){.http = NULL};
	enum status status = asked_open(command, dir, writable, &out->engine);
	if (status)
		return status;
	status = duty_open(out->engine, NULL, !writable, &out->duty);
	return complain(out, command, dir, status ? status : serve(out));
}

enum status served_open_register(const char *command, const char *dir, struct served *out)
{
	struct hazard_policy law = hazard_policy_default();
	*out = (struct served){.http = NULL};
	enum status status = asked_open(command, dir, true, &out->engine);
	if (status)
		return status;
	status = hazards_open(engine_store(out->engine), &law, &out->hazards);
	if (!status)
		status = township_open(engine_store(out->engine), out->hazards, "", &out->township);
	return complain(out, command, dir, status ? status : serve(out));
}

void served_close(struct served *s)
{
	http_free(s->http);
	duty_close(s->duty);
	township_close(&s->township);
	hazards_close(s->hazards);
	engine_close(s->engine);
}
