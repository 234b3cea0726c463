#include "query/cli/outbox_route.h"

#include <stdio.h>

#include "engine/core/clock.h"
#include "query/cli/whole_file.h"
#include "query/export/json_out.h"
#include "query/http/handlers_township.h"
#include "query/http/http_problem.h"
#include "query/http/http_stream.h"
#include "query/outbox/outbox_rows.h"

#define ANSWER_MAX (64u << 10)
/* bytes of a page of parked news behind which it ends; one more fits behind them */
#define PAGE_BYTES (4u << 20)

static void say_mistake(void *context, const char *path, const char *text)
{
	fprintf(stderr, "%s: %s %s\n", (const char *)context, path, text);
}

enum status outbox_route_open(const char *path, unsigned give_up_h, struct engine *e, struct hazards *r,
			      struct calendar *calendar, struct outbox **out)
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
	options.calendar = calendar;
	options.give_up_ms = give_up_h * MS_PER_HOUR;
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
	jout_key(j, "parked");
	jout_unsigned(j, s->kept);
	jout_key(j, "sent");
	jout_unsigned(j, s->sent);
	jout_key(j, "failed");
	jout_unsigned(j, s->failed);
	jout_key(j, "refused");
	jout_unsigned(j, s->refused);
	jout_key(j, "given_up");
	jout_unsigned(j, s->parked);
	jout_key(j, "dropped");
	jout_unsigned(j, s->dropped);
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

/* --- parked --- */

static const struct http_param parked_params[] = {
	{"destination", HTTP_PARAM_TEXT, true, 1, 63, NULL, "its name in the file"},
	{"after", HTTP_PARAM_INTEGER, false, 0, INT64_MAX, NULL, "behind this item"},
	{"limit", HTTP_PARAM_INTEGER, false, 1, 100, NULL, "of one answer; 20"},
};

struct parked_page {
	struct json_out j;
	int64_t left;
	uint64_t last;
	bool more;
};

static enum status put_parked(void *context, const struct outbox_parked *p)
{
	struct parked_page *page = context;
	struct json_out *j = &page->j;
	page->more = !page->left-- || j->out->size > PAGE_BYTES;
	if (page->more)
		return STATUS_END;
	page->last = p->item;
	jout_open(j, '{');
	jout_key(j, "item");
	jout_unsigned(j, p->item);
	jout_key(j, "id");
	jout_string(j, p->id);
	put_time(j, "at", p->at_ms);
	jout_key(j, "why");
	jout_text(j, p->why);
	jout_key(j, "news");
	jout_raw_text(j, p->body);
	jout_close(j, '}');
	return j->status;
}

static bool known(struct http_call *c, enum status status)
{
	if (status == STATUS_NOT_FOUND)
		http_problem_send(c->x, HTTP_PROBLEM_UNPROCESSABLE, "destination",
				  "no such destination, or nothing of that number is parked");
	else if (status)
		http_problem_of_status(c->x, status);
	return !status;
}

static void get_parked(struct http_call *c)
{
	struct outbox *o = c->route->context;
	struct buf text = buf_init(PAGE_BYTES + 2 * OUTBOX_NEWS_MAX);
	struct parked_page page = {json_out_init(&text), c->values[2].set ? c->values[2].number : 20, 0, false};
	jout_open(&page.j, '{');
	jout_key(&page.j, "parked");
	jout_open(&page.j, '[');
	enum status status = !o ? STATUS_NOT_FOUND
				: outbox_parked_list(o, (const char *)c->values[0].text.data,
						     (uint64_t)c->values[1].number, put_parked, &page);
	jout_close(&page.j, ']');
	jout_key(&page.j, "next");
	if (page.more)
		jout_unsigned(&page.j, page.last);
	else
		jout_null(&page.j);
	jout_close(&page.j, '}');
	jout_line(&page.j);
	status = status && status != STATUS_END ? status : page.j.status;
	if (known(c, status))
		http_answer(c, 200, "application/json", buf_view(&text));
	buf_deinit(&text);
}

/* {"destination", "item"}; without an item all of them. */
static void post_again(struct http_call *c)
{
	static const char *const keys[] = {"destination", "item"};
	struct outbox *o = c->route->context;
	json_t *body = call_object(c, keys, 2);
	const json_t *item = json_object_get(body, "item");
	const char *destination = json_string_value(json_object_get(body, "destination"));
	char text[64];
	size_t n = 0;
	if (body && !destination)
		http_problem_send(c->x, HTTP_PROBLEM_BAD_BODY, "destination", "is no text");
	else if (body && item && (!json_is_integer(item) || json_integer_value(item) < 1))
		http_problem_send(c->x, HTTP_PROBLEM_BAD_BODY, "item", "is no number of one");
	else if (body && known(c, o ? outbox_send_again(o, destination, (uint64_t)json_integer_value(item), &n)
				    : STATUS_NOT_FOUND)) {
		snprintf(text, sizeof text, "{\"sent_again\":%zu}\n", n);
		http_answer(c, 200, "application/json", span_of_string(text));
	}
	json_decref(body);
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
		{HTTP_GET, 0, "/api/v1/outbox/parked", "listParked",
		 "News that a destination refused for good or did not take in time, oldest first, and why.",
		 "application/json", parked_params, sizeof parked_params / sizeof *parked_params, get_parked, o},
		{HTTP_POST, HTTP_ROUTE_BODY, "/api/v1/outbox/again", "sendAgain",
		 "Parked news to be sent again: {\"destination\", \"item\"}; without an item all of them.",
		 "application/json", NULL, 0, post_again, o},
	};
	enum status status = add_routes(h, routes, sizeof routes / sizeof routes[0]);
	return status || !o ? status : http_add_metrics(h, write_metrics, o);
}
