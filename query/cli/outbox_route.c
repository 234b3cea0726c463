#include "query/cli/outbox_route.h"

#include <stdio.h>

#include "query/cli/whole_file.h"
#include "query/export/json_out.h"
#include "query/http/http_problem.h"
#include "query/http/http_stream.h"

#define ANSWER_MAX (64u << 10)

static void say_mistake(void *context, const char *path, const char *text)
{
	fprintf(stderr, "%s: %s %s\n", (const char *)context, path, text);
}

enum status outbox_route_open(const char *path, struct engine *e, struct hazards *r, struct outbox **out)
{
	struct outbox_config *config = NULL;
	struct buf text = buf_init(OUTBOX_CONFIG_BYTES_MAX + 1);
	*out = NULL;
	if (!*path)
		return STATUS_OK;
	enum status status = whole_file_read(path, OUTBOX_CONFIG_BYTES_MAX, &text);
	if (!status)
		status = outbox_config_parse(buf_view(&text), say_mistake, (void *)path, &config);
	buf_deinit(&text);
	struct outbox_options options = outbox_options_default(engine_store(e), r, e);
	return status ? status : outbox_open(&options, config, out);
}

static void put_time(struct json_out *j, const char *key, int64_t ms)
{
	jout_key(j, key);
	if (ms)
		jout_time(j, ms);
	else
		jout_null(j);
}

static void put_state(struct json_out *j, const struct outbox_state *s)
{
	jout_open(j, '{');
	jout_key(j, "name");
	jout_string(j, s->name);
	jout_key(j, "kind");
	jout_string(j, s->kind);
	jout_key(j, "pending");
	jout_unsigned(j, s->pending);
	jout_key(j, "sent");
	jout_unsigned(j, s->sent);
	jout_key(j, "failed");
	jout_unsigned(j, s->failed);
	jout_key(j, "refused");
	jout_unsigned(j, s->refused);
	put_time(j, "last_sent", s->sent_ms);
	put_time(j, "next_try", s->retry_ms);
	jout_key(j, "error");
	jout_string(j, s->error);
	jout_close(j, '}');
}

static void get_outbox(struct http_call *c)
{
	struct outbox *o = c->route->context;
	struct outbox_state state;
	struct buf text = buf_init(ANSWER_MAX);
	struct json_out j = json_out_init(&text);
	jout_open(&j, '{');
	jout_key(&j, "full");
	jout_bool(&j, o && outbox_is_full(o));
	jout_key(&j, "destinations");
	jout_open(&j, '[');
	for (size_t i = 0; o && i < outbox_destinations(o); i++) {
		outbox_state(o, i, &state);
		put_state(&j, &state);
	}
	jout_close(&j, ']');
	jout_close(&j, '}');
	jout_line(&j);
	if (j.status)
		http_problem_of_status(c->x, j.status);
	else
		http_answer(c, 200, "application/json", buf_view(&text));
	buf_deinit(&text);
}

static enum status write_metrics(void *context, struct buf *out)
{
	return outbox_metrics(context, out);
}

enum status outbox_route_add(struct http *h, struct outbox *o)
{
	const struct http_route routes[] = {
		{HTTP_GET, 0, "/api/v1/outbox", "getOutbox",
		 "What leaves for other systems (webhook, MQTT, mail): what waits, what was sent, what failed and why.",
		 "application/json", NULL, 0, get_outbox, o},
	};
	enum status status = add_routes(h, routes, sizeof routes / sizeof routes[0]);
	return status || !o ? status : http_add_metrics(h, write_metrics, o);
}
