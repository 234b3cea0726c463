/* handlers_collisions.c -- who is on collision course with whom now. */
#include <stdlib.h>

#include "engine/core/clock.h"
#include "engine/fleet/collisions.h"
#include "query/export/export_devices.h"
#include "query/export/json_out.h"
#include "query/http/http_handlers.h"
#include "query/http/http_problem.h"
#include "query/http/http_stream.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define PAIRS_DEFAULT 100
#define PAIRS_MAX 1000
/* bytes of an answer: a thousand pairs with titles of 255 bytes */
#define ANSWER_BYTES_MAX (4u << 20)

static const struct http_param params[] = {
	{"limit", HTTP_PARAM_INTEGER, false, 1, PAIRS_MAX, NULL,
	 "pairs of the answer, the most urgent (100 when left out)"},
};

static void put_vessel(struct json_out *j, const struct registry *r, const struct collision_pair *p, unsigned i,
		       int64_t now_ms)
{
	char room[DEVICE_VALUE_MAX + 1];
	const char *title = export_title(r, p->vessels[i].device, now_ms, room);
	jout_open(j, '{');
	jout_key(j, "device");
	jout_hex64(j, p->vessels[i].device);
	jout_key(j, "title");
	if (title)
		jout_string(j, title);
	else
		jout_null(j);
	jout_key(j, "class");
	jout_string(j, device_class_token(p->vessels[i].class_code));
	jout_key(j, "lon");
	jout_fixed(j, p->vessels[i].lon_e7, 7);
	jout_key(j, "lat");
	jout_fixed(j, p->vessels[i].lat_e7, 7);
	jout_key(j, "speed_kmh");
	jout_fixed(j, p->vessels[i].speed_dkmh, 1);
	jout_key(j, "course_deg");
	jout_unsigned(j, p->vessels[i].course_deg);
	jout_key(j, "time");
	jout_time(j, p->vessels[i].time_ms);
	jout_close(j, '}');
}

static void put_pair(struct json_out *j, const struct registry *r, const struct collision_pair *p, int64_t now_ms)
{
	jout_open(j, '{');
	jout_key(j, "merchant_and_fishing");
	jout_bool(j, p->merchant_and_fishing);
	jout_key(j, "cpa_m");
	jout_fixed(j, p->numbers.cpa_mm, 3);
	jout_key(j, "tcpa_s");
	jout_fixed(j, p->numbers.tcpa_ms, 3);
	jout_key(j, "range_m");
	jout_fixed(j, p->numbers.range_mm, 3);
	jout_key(j, "vessels");
	jout_open(j, '[');
	put_vessel(j, r, p, 0, now_ms);
	put_vessel(j, r, p, 1, now_ms);
	jout_close(j, ']');
	jout_close(j, '}');
}

/* Whoever may not see both sees neither. */
static bool may_see(const struct http_call *c, const struct registry *r, const struct collision_pair *p, int64_t now_ms)
{
	return scope_allows(r, &c->principal, p->vessels[0].device, now_ms) &&
	       scope_allows(r, &c->principal, p->vessels[1].device, now_ms);
}

static void put_all(struct json_out *j, struct http_call *c, const struct collision_pair *pairs, size_t count,
		    int64_t now_ms)
{
	const struct registry *r = engine_registry(http_engine(c->http));
	int64_t limit = value_or(&c->values[0], PAIRS_DEFAULT), total = 0;
	jout_key(j, "collisions");
	jout_open(j, '[');
	for (size_t i = 0; i < count; i++)
		if (may_see(c, r, &pairs[i], now_ms) && total++ < limit)
			put_pair(j, r, &pairs[i], now_ms);
	jout_close(j, ']');
	jout_key(j, "total");
	jout_integer(j, total);
}

static void get_collisions(struct http_call *c)
{
	struct collision_pair *pairs;
	char rule[RULE_ID_MAX + 1];
	size_t count;
	int64_t now_ms = clock_now_ms();
	enum status status = collisions_now(engine_collisions(http_engine(c->http)), now_ms, &pairs, &count, rule);
	if (status) {
		http_problem_of_status(c->x, status);
		return;
	}
	struct buf text = buf_init(ANSWER_BYTES_MAX);
	struct json_out j = json_out_init(&text);
	jout_open(&j, '{');
	jout_key(&j, "time");
	jout_time(&j, now_ms);
	jout_key(&j, "rule");
	if (*rule)
		jout_string(&j, rule);
	else
		jout_null(&j);
	put_all(&j, c, pairs, count, now_ms);
	jout_close(&j, '}');
	jout_line(&j);
	if (j.status)
		http_problem_of_status(c->x, j.status);
	else
		http_answer(c, 200, "application/json", buf_view(&text));
	buf_deinit(&text);
	free(pairs);
}

static const struct http_route routes[] = {
	{HTTP_GET, 0, "/api/v1/collisions", "getCollisions",
	 "Pairs of vessels on collision course now, the most urgent first: merchant against fishing, then by TCPA. "
	 "Provisional: findings of kind collision are what stands.",
	 "application/json", params, COUNT(params), get_collisions, NULL},
};

enum status handlers_collisions_add(struct http *h)
{
	return add_routes(h, routes, COUNT(routes));
}
