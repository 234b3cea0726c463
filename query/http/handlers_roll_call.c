/* handlers_roll_call.c -- the roll-call of boats (在港在海清点), and what people say of boats and rafts. */
#include <stdio.h>

#include "engine/core/clock.h"
#include "query/http/handlers_duty.h"
#include "query/http/http_problem.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define CALL_THREADS 2
#define RAFT_OF_BOTH "say `boat` or `raft`, one of them"

/* --- the question --- */

enum { AT, DUE, HARBOUR, VILLAGE, CLASS, BOATS, DARK, PORT_SILENCE };
enum { BOATS_ALL, BOATS_OUT, BOATS_NONE };

static const struct http_param call_params[] = {
	[AT] = {"at", HTTP_PARAM_TIME, false, 0, 0, NULL, "the instant; now when left out"},
	[DUE] = {"due", HTTP_PARAM_TIME, false, 0, 0, NULL,
		 "all are to be back by then: who was, who came later, who "
		 "is missing"},
	[HARBOUR] = {"harbour", HTTP_PARAM_TEXT, false, 0, FENCE_NAME_MAX, NULL,
		     "boats that lie in this harbour or shelter, or whose home port it is: id or name"},
	[VILLAGE] = {"village", HTTP_PARAM_TEXT, false, 0, DEVICE_VALUE_MAX, NULL, "exactly"},
	[CLASS] = {"class", HTTP_PARAM_TEXT, false, 0, 100, NULL, "classes of boats, separated by commas"},
	[BOATS] = {"boats", HTTP_PARAM_CHOICE, false, 0, 0, "all|out|none",
		   "which boats are listed one by one; out: those not in. All when left out"},
	[DARK] = {"dark_min", HTTP_PARAM_INTEGER, false, 1, 100000, NULL,
		  "minutes of silence at sea from which a boat is dark; 120 when left out"},
	[PORT_SILENCE] = {"port_silence_h", HTTP_PARAM_INTEGER, false, 1, 100000, NULL,
			  "hours of silence in port past which nobody knows where a boat is; 60 when left out"},
};

struct asker {
	const struct registry *registry;
	const struct principal *who;
};

static bool may_see(void *context, uint64_t device, int64_t at_ms)
{
	const struct asker *a = context;
	return scope_allows(a->registry, a->who, device, at_ms);
}

static bool take_classes(struct http_call *c, uint32_t *out)
{
	struct span rest = c->values[CLASS].text;
	*out = 0;
	while (c->values[CLASS].set && rest.size) {
		const uint8_t *comma = memchr(rest.data, ',', rest.size);
		size_t size = comma ? (size_t)(comma - rest.data) : rest.size;
		uint8_t code;
		if (device_class_parse(span_of(rest.data, size), &code) || !(boat_classes() >> code & 1))
			break;
		*out |= 1u << code;
		rest = span_of(rest.data + size + (comma != NULL), rest.size - size - (comma != NULL));
	}
	if (!c->values[CLASS].set || (*out && !rest.size))
		return true;
	http_problem_send(c->x, HTTP_PROBLEM_BAD_PARAMETER, "class", "a word of it is no class of boats");
	return false;
}

/* --- the answer --- */

static void member_number(struct json_out *j, const char *key, uint64_t v)
{
	jout_key(j, key);
	jout_unsigned(j, v);
}

static void member_persons(struct json_out *j, const char *key, int32_t n)
{
	jout_key(j, key);
	n == PERSONS_UNKNOWN ? jout_null(j) : jout_integer(j, n);
}

static void member_time(struct json_out *j, const char *key, int64_t ms)
{
	jout_key(j, key);
	ms == INT64_MIN ? jout_null(j) : jout_time(j, ms);
}

static void member_text(struct json_out *j, const char *key, const char *text)
{
	jout_key(j, key);
	*text ? jout_string(j, text) : jout_null(j);
}

static void count_members(struct json_out *j, const struct roll_counts *n)
{
	member_number(j, "boats", n->boats);
	for (unsigned s = 0; s < BOAT_STATE_COUNT; s++)
		member_number(j, boat_state_token(s), n->states[s]);
	member_number(j, "overdue", n->overdue);
	member_number(j, "warned", n->warned);
	jout_key(j, "people");
	jout_open(j, '{');
	member_number(j, "aboard", n->aboard);
	member_number(j, "ashore", n->ashore);
	member_number(j, "aboard_not_in", n->aboard_at_sea);
	member_number(j, "boats_unsaid", n->unsaid);
	member_number(j, "boats_unsaid_certified", n->unsaid_certified);
	jout_close(j, '}');
}

static void due_object(struct json_out *j, const struct roll_call *r)
{
	jout_key(j, "due");
	if (r->question.due_ms == INT64_MIN) {
		jout_null(j);
		return;
	}
	jout_open(j, '{');
	jout_key(j, "deadline");
	jout_time(j, r->question.due_ms);
	jout_key(j, "passed");
	jout_bool(j, r->question.at_ms >= r->question.due_ms);
	member_number(j, "boats", r->all.boats);
	member_number(j, "in_by_deadline", r->in_at_due);
	member_number(j, "in_later", r->late);
	member_number(j, "missing", r->all.boats - r->all.states[BOAT_IN]);
	jout_close(j, '}');
}

static void place_object(struct json_out *j, const struct roll_place *p)
{
	jout_open(j, '{');
	jout_key(j, "id");
	jout_string(j, p->id);
	member_text(j, "name", p->name);
	if (p->raft) {
		member_persons(j, "aboard", p->aboard);
		member_persons(j, "evacuated", p->evacuated);
	} else {
		jout_key(j, "harbour");
		jout_bool(j, p->harbour);
		jout_key(j, "shelter");
		jout_bool(j, p->shelter);
		jout_key(j, "capacity");
		p->capacity ? jout_unsigned(j, p->capacity) : jout_null(j);
		member_number(j, "present", p->present);
		jout_key(j, "over_capacity");
		jout_bool(j, p->capacity && p->present > p->capacity);
		jout_key(j, "home");
		jout_open(j, '{');
		count_members(j, &p->home);
		jout_close(j, '}');
	}
	jout_close(j, '}');
}

static void group_array(struct json_out *j, const char *key, const struct roll_group *groups, size_t count)
{
	jout_key(j, key);
	jout_open(j, '[');
	for (size_t i = 0; i < count; i++) {
		jout_open(j, '{');
		member_text(j, "name", groups[i].name);
		count_members(j, &groups[i].counts);
		jout_close(j, '}');
	}
	jout_close(j, ']');
}

static void boat_place(struct json_out *j, const struct roll_call *r, const struct roll_boat *b)
{
	member_text(j, "place", b->place < 0 ? "" : r->places[b->place].id);
	jout_key(j, "shelter");
	jout_bool(j, b->shelter);
	member_time(j, "heard", b->heard_ms);
	member_time(j, "fixed", b->placed_ms);
	jout_key(j, "silent_s");
	b->heard_ms == INT64_MIN ? jout_null(j) : jout_integer(j, (r->question.at_ms - b->heard_ms) / MS_PER_SECOND);
	if (b->placed_ms == INT64_MIN)
		return;
	jout_key(j, "lon");
	jout_fixed(j, b->at.lon_e7, 7);
	jout_key(j, "lat");
	jout_fixed(j, b->at.lat_e7, 7);
	jout_key(j, "speed_kmh");
	b->speed_dkmh == SPEED_UNKNOWN ? jout_null(j) : jout_fixed(j, b->speed_dkmh, 1);
	jout_key(j, "course_deg");
	b->course_deg == COURSE_UNKNOWN ? jout_null(j) : jout_integer(j, b->course_deg);
	jout_key(j, "source");
	jout_hex64(j, b->source);
}

static void boat_object(struct json_out *j, const struct roll_call *r, const struct roll_boat *b)
{
	static const char *const levels[] = {"", "blue", "yellow", "orange", "red"};
	jout_open(j, '{');
	jout_key(j, "device");
	jout_hex64(j, b->device);
	member_text(j, "hull", b->hull);
	member_text(j, "name", b->name);
	jout_key(j, "class");
	jout_string(j, device_class_token(b->class_code));
	member_text(j, "village", b->village);
	member_text(j, "home_port", b->home_port);
	jout_key(j, "state");
	jout_string(j, boat_state_token(b->state));
	jout_key(j, "state_zh");
	jout_string(j, boat_state_chinese(b->state));
	if (r->question.due_ms != INT64_MIN && r->question.due_ms < r->question.at_ms) {
		jout_key(j, "state_at_deadline");
		jout_string(j, boat_state_token(b->state_at_due));
	}
	boat_place(j, r, b);
	member_text(j, "warned", levels[b->warned]);
	member_persons(j, "aboard", b->aboard);
	member_persons(j, "ashore", b->ashore);
	jout_key(j, "certified");
	b->certified ? jout_integer(j, b->certified) : jout_null(j);
	member_time(j, "due_back", b->due_ms);
	jout_key(j, "overdue");
	jout_bool(j, b->overdue);
	jout_close(j, '}');
}

static void write_head(struct json_out *j, const struct roll_call *r)
{
	jout_key(j, "at");
	jout_time(j, r->question.at_ms);
	jout_key(j, "dark_after_s");
	jout_integer(j, r->question.dark_ms / MS_PER_SECOND);
	jout_key(j, "port_silence_s");
	jout_integer(j, r->question.port_silence_ms / MS_PER_SECOND);
	due_object(j, r);
	jout_key(j, "counts");
	jout_open(j, '{');
	count_members(j, &r->all);
	jout_close(j, '}');
	group_array(j, "villages", r->villages, r->village_count);
	group_array(j, "classes", r->classes, r->class_count);
	for (unsigned rafts = 0; rafts < 2; rafts++) {
		jout_key(j, rafts ? "rafts" : "harbours");
		jout_open(j, '[');
		for (size_t i = 0; i < r->place_count; i++)
			if (rafts ? r->places[i].raft : r->places[i].harbour || r->places[i].shelter)
				place_object(j, &r->places[i]);
		jout_close(j, ']');
	}
	jout_key(j, "raft_people");
	jout_open(j, '{');
	member_number(j, "aboard", r->on_rafts);
	member_number(j, "evacuated", r->off_rafts);
	jout_close(j, '}');
}

/* The head may be larger than a chunk: harbours are bounded, so it is written whole before the boats stream. */
static enum status write_call(struct http_stream *s, const struct roll_call *r, int64_t boats)
{
	struct buf head = buf_init(16u << 20);
	struct json_out j = json_out_init(&head);
	jout_open(&j, '{');
	write_head(&j, r);
	jout_key(&j, "boats");
	jout_open(&j, '[');
	enum status status = j.status;
	for (size_t at = 0; at < head.size && !status; at += STREAM_CHUNK_BYTES) {
		size_t size = head.size - at < STREAM_CHUNK_BYTES ? head.size - at : STREAM_CHUNK_BYTES;
		status = buf_append(&s->chunk, head.data + at, size);
		if (!status)
			status = stream_flush(s, false);
	}
	buf_deinit(&head);
	j.out = &s->chunk;
	for (size_t i = 0; i < r->boat_count && !status && boats != BOATS_NONE; i++) {
		if (boats == BOATS_OUT && r->boats[i].state == BOAT_IN)
			continue;
		boat_object(&j, r, &r->boats[i]);
		status = j.status ? j.status : stream_flush(s, false);
	}
	jout_close(&j, ']');
	jout_close(&j, '}');
	jout_line(&j);
	return status ? status : j.status;
}

static void get_roll_call(struct http_call *c)
{
	const struct http_value *v = c->values;
	struct roll_question q = roll_question_default(value_or(&v[AT], clock_now_ms()));
	struct asker asker = {engine_registry(duty_engine(duty_of(c))), &c->principal};
	struct roll_call *r = NULL;
	struct http_stream s;
	if (!take_classes(c, &q.classes))
		return;
	q.due_ms = value_or(&v[DUE], INT64_MIN);
	q.dark_ms = value_or(&v[DARK], q.dark_ms / MS_PER_MINUTE) * MS_PER_MINUTE;
	q.port_silence_ms = value_or(&v[PORT_SILENCE], q.port_silence_ms / MS_PER_HOUR) * MS_PER_HOUR;
	q.harbour = v[HARBOUR].set ? v[HARBOUR].text : span_of(NULL, 0);
	q.village = v[VILLAGE].set ? v[VILLAGE].text : span_of(NULL, 0);
	q.threads = CALL_THREADS;
	q.allowed = may_see;
	q.context = &asker;
	stream_begin(&s, c, "application/json");
	enum status status = duty_audit(c, "roll-call", 0, q.at_ms, q.at_ms);
	if (!status)
		status = roll_call(duty_engine(duty_of(c)), duty_headcounts(duty_of(c)), &q, &r);
	stream_close(&s, status ? status : write_call(&s, r, value_or(&v[BOATS], BOATS_ALL)));
	roll_call_free(r);
}

/* --- headcounts --- */

/* Who a headcount is of; false: the problem is sent. */
static bool take_subject(struct http_call *c, const json_t *body, struct headcount *h)
{
	bool good = true;
	const char *boat = call_text(c, body, "boat", DEVICE_VALUE_MAX + 16, &good);
	const char *raft = call_text(c, body, "raft", FENCE_ID_MAX, &good);
	if (!good)
		return false;
	if (!boat == !raft) {
		http_problem_send(c->x, HTTP_PROBLEM_BAD_BODY, "boat", RAFT_OF_BOTH);
		return false;
	}
	if (raft)
		snprintf(h->fence, sizeof h->fence, "%s", raft);
	if (!raft)
		return call_device(c, span_of_string(boat), &h->device);
	if (*raft && !strcmp(c->principal.scope, "all"))
		return true;
	http_problem_send(c->x, HTTP_PROBLEM_FORBIDDEN, "raft", "rafts are told of by the scope \"all\"");
	return false;
}

static void post_headcount(struct http_call *c)
{
	static const char *const others[] = {"boat", "raft", NULL};
	struct headcount h;
	json_t *body;
	if (!call_json(c, &body))
		return;
	headcount_clear(&h);
	h.at_ms = h.said_ms = clock_now_ms();
	memcpy(h.who, c->principal.name, sizeof h.who);
	if (call_record(c, body, &headcount_kind, others, &h) && take_subject(c, body, &h)) {
		enum status status = headcounts_say(duty_headcounts(duty_of(c)), &h);
		if (status_class(status) == STATUS_CLASS_system)
			http_problem_of_status(c->x, status);
		else if (status)
			http_problem_send(c->x, HTTP_PROBLEM_UNPROCESSABLE, NULL, status_text(status));
		else
			http_answer(c, 201, "application/json", span_of_string("{\"said\":true}\n"));
	}
	json_decref(body);
}

static const struct http_route routes[] = {
	{HTTP_GET, 0, "/api/v1/roll-call", "rollCall",
	 "Boats in harbour, at sea, dark and unknown as of an instant (在港在海清点); by harbour, village and class, "
	 "with "
	 "capacities, people and rafts.",
	 "application/json", call_params, COUNT(call_params), get_roll_call, NULL},
	{HTTP_POST, HTTP_ROUTE_BODY, "/api/v1/headcounts", "postHeadcount",
	 "Say how many people are aboard or ashore of a boat, or on and off a raft, from an instant on: {\"boat\" or "
	 "\"raft\", \"at\", \"aboard\", \"ashore\", \"evacuated\", \"due\", \"note\"}.",
	 "application/json", NULL, 0, post_headcount, NULL},
};

enum status roll_call_route_add(struct http *h, struct duty *d)
{
	return duty_routes(h, d, routes, COUNT(routes));
}
