#include "engine/duty/roll_call.h"

#include <stdlib.h>

#include "engine/fleet/latest.h"
#include "engine/fleet/vehicle.h"

/* fences that one position may lie in */
#define FENCES_MAX 256
#define PAGE_DEVICES 4096
#define NO_PLACE (-1)

const char *boat_state_token(unsigned state)
{
	static const char *const tokens[] = {
#define X(code, NAME, token, chinese) [code] = token,
		BOAT_STATE_TABLE(X)
#undef X
	};
	return state < BOAT_STATE_COUNT ? tokens[state] : "";
}

const char *boat_state_chinese(unsigned state)
{
	static const char *const texts[] = {
#define X(code, NAME, token, chinese) [code] = chinese,
		BOAT_STATE_TABLE(X)
#undef X
	};
	return state < BOAT_STATE_COUNT ? texts[state] : "";
}

uint32_t boat_classes(void)
{
	return 1u << DEVICE_CLASS_FISHING_BOAT | 1u << DEVICE_CLASS_FISHING_SMALL | 1u << DEVICE_CLASS_FISHING_MEDIUM |
	       1u << DEVICE_CLASS_FISHING_LARGE | 1u << DEVICE_CLASS_TOWNSHIP_BOAT;
}

struct roll_question roll_question_default(int64_t at_ms)
{
	return (struct roll_question){.at_ms = at_ms,
				      .due_ms = INT64_MIN,
				      .dark_ms = ROLL_DARK_MS,
				      .port_silence_ms = ROLL_PORT_SILENCE_MS,
				      .lookback_ms = ROLL_LOOKBACK_MS,
				      .threads = 1};
}

/* A growing array; each is bounded by whoever adds to it. */
struct calling {
	struct engine *engine;
	struct registry *registry;
	struct headcounts *headcounts;
	const struct roll_question *q;
	struct judged_by *by;
	struct roll_call *out;
	size_t boat_room;
	/* of the boats' sources: asks[i] is of boats[boat_of[i]] */
	struct latest_ask *asks;
	uint32_t *boat_of;
	struct latest *answers;
	size_t ask_count, ask_room;
	int32_t *place_of; /* by slot */
	uint8_t *level_of; /* likewise, of warnings */
	uint32_t slot_count;
};

static enum status grow(void **items, size_t *room, size_t count, size_t size)
{
	if (count < *room)
		return STATUS_OK;
	size_t wanted = *room ? 2 * *room : 256;
	void *grown = realloc(*items, wanted * size);
	if (!grown)
		return STATUS_NO_MEMORY;
	*items = grown;
	*room = wanted;
	return STATUS_OK;
}

static void value_at(const struct calling *c, uint64_t device, enum device_field field, char *out)
{
	if (registry_value(c->registry, device, field, c->q->at_ms, out))
		*out = '\0';
}

/* --- places --- */

static uint32_t capacity_of(const struct fence *f)
{
	const size_t prefix = sizeof CAPACITY_TAG - 1;
	for (unsigned i = 0; i < f->tag_count; i++) {
		const char *text = tag_text(f->tags[i]);
		if (strncmp(text, CAPACITY_TAG, prefix) == 0 && strspn(text + prefix, "0123456789") <= 6)
			return (uint32_t)strtoul(text + prefix, NULL, 10);
	}
	return 0;
}

uint8_t warning_level_of(const struct fence *f)
{
	static const char *const levels[] = {"-blue", "-yellow", "-orange", "-red"};
	uint8_t level = 0;
	for (unsigned i = 0; i < f->tag_count; i++) {
		const char *text = tag_text(f->tags[i]);
		size_t size = strlen(text);
		if (strncmp(text, WARNING_TAG "-", sizeof WARNING_TAG) != 0)
			continue;
		for (uint8_t k = 0; k < 4; k++)
			if (size > strlen(levels[k]) && strcmp(text + size - strlen(levels[k]), levels[k]) == 0)
				level = level > k + 1 ? level : (uint8_t)(k + 1);
	}
	return level;
}

static bool holds(const struct fence *f, int64_t at_ms)
{
	return f && f->valid_from_ms <= at_ms && at_ms < f->valid_to_ms;
}

static bool has_tag(const struct fence *f, const char *text)
{
	uint16_t tag;
	return !tag_number(span_of_string(text), &tag) && fence_has_tag(f, tag);
}

static enum status add_place(struct calling *c, const struct fence *f, uint32_t slot, size_t *room)
{
	struct roll_call *r = c->out;
	struct headcount said;
	if (r->place_count == ROLL_PLACES_MAX)
		return STATUS_FULL;
	enum status status = grow((void **)&r->places, room, r->place_count, sizeof *r->places);
	if (status)
		return status;
	struct roll_place *p = &r->places[r->place_count++];
	*p = (struct roll_place){.harbour = has_tag(f, HARBOUR_TAG),
				 .shelter = has_tag(f, SHELTER_TAG),
				 .raft = has_tag(f, RAFT_TAG),
				 .capacity = capacity_of(f),
				 .aboard = PERSONS_UNKNOWN,
				 .evacuated = PERSONS_UNKNOWN,
				 .slot = slot};
	memcpy(p->id, f->id, sizeof p->id);
	memcpy(p->name, f->name, sizeof p->name);
	if (!p->raft || !c->headcounts)
		return STATUS_OK;
	status = headcounts_at(c->headcounts, 0, p->id, c->q->at_ms, &said);
	if (!status) {
		p->aboard = said.aboard;
		p->evacuated = said.evacuated;
		r->on_rafts += said.aboard > 0 ? (uint64_t)said.aboard : 0;
		r->off_rafts += said.evacuated > 0 ? (uint64_t)said.evacuated : 0;
	}
	return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static int by_id(const void *a, const void *b)
{
	return strcmp(((const struct roll_place *)a)->id, ((const struct roll_place *)b)->id);
}

static enum status find_places(struct calling *c)
{
	const struct fence_set *set = c->by->fences;
	size_t room = 0;
	enum status status = STATUS_OK;
	c->slot_count = fence_set_slots(set);
	c->place_of = malloc((c->slot_count + 1) * sizeof *c->place_of);
	c->level_of = calloc(c->slot_count + 1, sizeof *c->level_of);
	if (!c->place_of || !c->level_of)
		return STATUS_NO_MEMORY;
	for (uint32_t slot = 0; slot < c->slot_count && !status; slot++) {
		const struct fence *f = fence_set_at(set, slot);
		c->place_of[slot] = NO_PLACE;
		if (!holds(f, c->q->at_ms))
			continue;
		c->level_of[slot] = warning_level_of(f);
		if (has_tag(f, HARBOUR_TAG) || has_tag(f, SHELTER_TAG) || has_tag(f, RAFT_TAG))
			status = add_place(c, f, slot, &room);
	}
	if (c->out->place_count)
		qsort(c->out->places, c->out->place_count, sizeof *c->out->places, by_id);
	for (size_t i = 0; i < c->out->place_count && !status; i++)
		c->place_of[c->out->places[i].slot] = (int32_t)i;
	return status;
}

/* --- boats and their sources --- */

/* A boat speaks for itself; a source only where nobody registered its boat, and then the first of them. */
static bool stands_for_boat(const struct calling *c, uint64_t device)
{
	char vehicle[DEVICE_VALUE_MAX + 1];
	uint64_t others[REGISTRY_SOURCES_MAX], boat;
	int64_t at_ms = c->q->at_ms;
	if (registry_value(c->registry, device, DEVICE_FIELD_VEHICLE, at_ms, vehicle))
		return true;
	if (!registry_find(c->registry, DEVICE_FIELD_PLATE, span_of_string(vehicle), at_ms, &boat))
		return boat == device;
	size_t n = vehicle_sources(c->registry, device, at_ms, others, REGISTRY_SOURCES_MAX);
	for (size_t i = 0; i < n; i++)
		if (others[i] < device)
			return false;
	return true;
}

static enum status add_boat(struct calling *c, uint64_t device, uint8_t class_code)
{
	struct roll_call *r = c->out;
	char number[DEVICE_VALUE_MAX + 1];
	if (r->boat_count == ROLL_BOATS_MAX)
		return STATUS_FULL;
	enum status status = grow((void **)&r->boats, &c->boat_room, r->boat_count, sizeof *r->boats);
	if (status)
		return status;
	struct roll_boat *b = &r->boats[r->boat_count++];
	*b = (struct roll_boat){.device = device,
				.class_code = class_code,
				.heard_ms = INT64_MIN,
				.placed_ms = INT64_MIN,
				.speed_dkmh = SPEED_UNKNOWN,
				.course_deg = COURSE_UNKNOWN,
				.place = NO_PLACE,
				.aboard = PERSONS_UNKNOWN,
				.ashore = PERSONS_UNKNOWN,
				.due_ms = INT64_MIN};
	value_at(c, device, DEVICE_FIELD_PLATE, b->hull);
	value_at(c, device, DEVICE_FIELD_NAME, b->name);
	value_at(c, device, DEVICE_FIELD_VILLAGE, b->village);
	value_at(c, device, DEVICE_FIELD_HOME_PORT, b->home_port);
	value_at(c, device, DEVICE_FIELD_CERTIFIED_PERSONS, number);
	b->certified = (int32_t)strtol(number, NULL, 10);
	return STATUS_OK;
}

static int by_hull(const void *a, const void *b)
{
	const struct roll_boat *x = a, *y = b;
	int order = strcmp(x->hull, y->hull);
	return order ? order : (x->device > y->device) - (x->device < y->device);
}

static enum status find_boats(struct calling *c)
{
	uint64_t *page = malloc(PAGE_DEVICES * sizeof *page), after = 0;
	uint32_t classes = boat_classes();
	enum status status = page ? STATUS_OK : STATUS_NO_MEMORY;
	size_t n = 1;
	while (!status && n) {
		n = registry_list(c->registry, after, page, PAGE_DEVICES);
		for (size_t i = 0; i < n && !status; i++) {
			uint8_t class_code = registry_class(c->registry, page[i], c->q->at_ms);
			if (classes >> class_code & 1 && stands_for_boat(c, page[i]))
				status = add_boat(c, page[i], class_code);
			after = page[i];
		}
	}
	free(page);
	if (c->out->boat_count)
		qsort(c->out->boats, c->out->boat_count, sizeof *c->out->boats, by_hull);
	return status;
}

static enum status add_ask(struct calling *c, uint32_t boat, struct latest_ask ask)
{
	size_t room = c->ask_room;
	if (ask.from_ms > ask.to_ms)
		return STATUS_OK;
	enum status status = grow((void **)&c->asks, &room, c->ask_count, sizeof *c->asks);
	if (!status)
		status = grow((void **)&c->boat_of, &c->ask_room, c->ask_count, sizeof *c->boat_of);
	if (status)
		return status;
	c->asks[c->ask_count] = ask;
	c->boat_of[c->ask_count++] = boat;
	return STATUS_OK;
}

/* The boat's own reports, and those of each source for as long as it was the boat's. */
static enum status ask_boat(struct calling *c, uint32_t boat)
{
	const struct roll_boat *b = &c->out->boats[boat];
	struct registry_span spans[REGISTRY_SOURCES_MAX];
	int64_t to_ms = c->q->at_ms, from_ms = to_ms - c->q->lookback_ms;
	enum status status = add_ask(c, boat, (struct latest_ask){b->device, from_ms, to_ms});
	size_t n = !*b->hull ? 0
			     : registry_spans(c->registry, DEVICE_FIELD_VEHICLE, span_of_string(b->hull), spans,
					      REGISTRY_SOURCES_MAX);
	for (size_t i = 0; i < n && !status; i++) {
		const struct registry_span *s = &spans[i];
		struct latest_ask ask = {s->device, from_ms > s->from_ms ? from_ms : s->from_ms,
					 to_ms < s->to_ms ? to_ms : s->to_ms - 1};
		if (s->device != b->device)
			status = add_ask(c, boat, ask);
	}
	return status;
}

/* --- what is known of each --- */

/* The later place; of one instant that of the source with the smaller id. */
static void fuse(struct roll_boat *b, uint64_t source, const struct latest *l)
{
	if (l->heard_ms > b->heard_ms)
		b->heard_ms = l->heard_ms;
	if (l->placed_ms == INT64_MIN || l->placed_ms < b->placed_ms ||
	    (l->placed_ms == b->placed_ms && source >= b->source))
		return;
	b->placed_ms = l->placed_ms;
	b->source = source;
	b->at = l->at;
	b->speed_dkmh = l->speed_dkmh;
	b->course_deg = l->course_deg;
}

static enum status hear(struct calling *c)
{
	enum status status = STATUS_OK;
	for (uint32_t i = 0; i < c->out->boat_count && !status; i++)
		status = ask_boat(c, i);
	if (status || !c->ask_count)
		return status;
	c->answers = malloc(c->ask_count * sizeof *c->answers);
	if (!c->answers)
		return STATUS_NO_MEMORY;
	status = engine_latest(c->engine, c->asks, c->ask_count, c->q->threads, c->answers);
	for (size_t i = 0; i < c->ask_count && !status; i++)
		fuse(&c->out->boats[c->boat_of[i]], c->asks[i].device, &c->answers[i]);
	return status;
}

/* A harbour before a shelter; of equals the first by id. */
static bool is_better(const struct roll_call *r, int32_t place, int32_t than)
{
	const struct roll_place *p = &r->places[place];
	if (!p->harbour && !p->shelter)
		return false;
	if (than == NO_PLACE)
		return true;
	const struct roll_place *q = &r->places[than];
	return p->harbour != q->harbour ? p->harbour : place < than;
}

static void look_around(struct calling *c, struct roll_boat *b)
{
	uint32_t slots[FENCES_MAX];
	if (b->placed_ms == INT64_MIN)
		return;
	size_t n = fence_index_find(fence_set_index(c->by->fences), NULL, b->at, slots, FENCES_MAX);
	n = n < FENCES_MAX ? n : FENCES_MAX;
	for (size_t i = 0; i < n; i++) {
		int32_t place = c->place_of[slots[i]];
		if (c->level_of[slots[i]] > b->warned)
			b->warned = c->level_of[slots[i]];
		if (place == NO_PLACE)
			continue;
		c->out->places[place].present++;
		if (is_better(c->out, place, b->place))
			b->place = place;
	}
	b->shelter = b->place != NO_PLACE && c->out->places[b->place].shelter;
}

static uint8_t state_of(const struct calling *c, const struct roll_boat *b)
{
	int64_t silent_ms = b->placed_ms == INT64_MIN ? 0 : c->q->at_ms - b->heard_ms;
	if (b->placed_ms == INT64_MIN)
		return BOAT_UNKNOWN;
	if (b->place != NO_PLACE)
		return silent_ms <= c->q->port_silence_ms ? BOAT_IN : BOAT_UNKNOWN;
	return silent_ms < c->q->dark_ms ? BOAT_SEA : BOAT_DARK;
}

static enum status take_headcount(struct calling *c, struct roll_boat *b)
{
	struct headcount said;
	enum status status =
		c->headcounts ? headcounts_at(c->headcounts, b->device, "", c->q->at_ms, &said) : STATUS_NOT_FOUND;
	if (!status) {
		b->aboard = said.aboard;
		b->ashore = said.ashore;
		b->due_ms = said.due_ms;
	}
	return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status judge_boats(struct calling *c)
{
	enum status status = STATUS_OK;
	for (size_t i = 0; i < c->out->boat_count && !status; i++) {
		struct roll_boat *b = &c->out->boats[i];
		look_around(c, b);
		b->state = b->state_at_due = state_of(c, b);
		status = take_headcount(c, b);
		b->overdue = b->due_ms != INT64_MIN && b->due_ms < c->q->at_ms && b->state != BOAT_IN;
	}
	return status;
}

/* --- the answer --- */

static bool is_place(const struct roll_place *p, struct span text)
{
	return span_equal(span_of_string(p->id), text) || (*p->name && span_equal(span_of_string(p->name), text));
}

static bool is_of_harbour(const struct roll_call *r, const struct roll_boat *b, struct span harbour)
{
	if (b->place != NO_PLACE && is_place(&r->places[b->place], harbour))
		return true;
	if (span_equal(span_of_string(b->home_port), harbour))
		return true;
	for (size_t i = 0; i < r->place_count; i++)
		if (is_place(&r->places[i], harbour) && is_place(&r->places[i], span_of_string(b->home_port)))
			return true;
	return false;
}

static bool is_asked_for(const struct roll_call *r, const struct roll_question *q, const struct roll_boat *b)
{
	if (q->classes && !(q->classes >> b->class_code & 1))
		return false;
	if (q->village.size && !span_equal(span_of_string(b->village), q->village))
		return false;
	if (q->harbour.size && !is_of_harbour(r, b, q->harbour))
		return false;
	return !q->allowed || q->allowed(q->context, b->device, q->at_ms);
}

static void keep_asked_for(struct roll_call *r, const struct roll_question *q)
{
	size_t kept = 0;
	for (size_t i = 0; i < r->boat_count; i++)
		if (is_asked_for(r, q, &r->boats[i])) {
			if (kept != i)
				r->boats[kept] = r->boats[i];
			kept++;
		}
	r->boat_count = kept;
}

static void count_boat(struct roll_counts *n, const struct roll_boat *b)
{
	bool out = b->state != BOAT_IN;
	n->boats++;
	n->states[b->state]++;
	n->overdue += b->overdue;
	n->warned += b->warned != 0;
	n->aboard += b->aboard > 0 ? (uint32_t)b->aboard : 0;
	n->ashore += b->ashore > 0 ? (uint32_t)b->ashore : 0;
	n->aboard_at_sea += out && b->aboard > 0 ? (uint32_t)b->aboard : 0;
	n->unsaid += out && b->aboard == PERSONS_UNKNOWN;
	n->unsaid_certified += out && b->aboard == PERSONS_UNKNOWN ? (uint32_t)b->certified : 0;
}

/* Sorted by name, so that the same boats give the same groups. */
static struct roll_group *group_of(struct roll_group *groups, size_t *count, const char *name)
{
	size_t i = 0;
	while (i < *count && strcmp(groups[i].name, name) < 0)
		i++;
	if (i == *count || strcmp(groups[i].name, name) != 0) {
		memmove(groups + i + 1, groups + i, (*count - i) * sizeof *groups);
		groups[i] = (struct roll_group){.name = ""};
		strcpy(groups[i].name, name);
		++*count;
	}
	return &groups[i];
}

static void count_home(struct roll_call *r, const struct roll_boat *b)
{
	for (size_t i = 0; i < r->place_count && *b->home_port; i++)
		if (!r->places[i].raft && is_place(&r->places[i], span_of_string(b->home_port))) {
			count_boat(&r->places[i].home, b);
			return;
		}
}

static enum status count_all(struct roll_call *r)
{
	size_t villages = 1;
	for (size_t i = 1; i < r->boat_count; i++)
		villages += strcmp(r->boats[i].village, r->boats[i - 1].village) != 0;
	r->villages = calloc(villages + 1, sizeof *r->villages); /* at least as many as there are different ones */
	r->classes = calloc(DEVICE_CLASS_COUNT + 1, sizeof *r->classes);
	if (!r->villages || !r->classes)
		return STATUS_NO_MEMORY;
	for (size_t i = 0; i < r->boat_count; i++) {
		const struct roll_boat *b = &r->boats[i];
		count_boat(&r->all, b);
		count_boat(&group_of(r->villages, &r->village_count, b->village)->counts, b);
		count_boat(&group_of(r->classes, &r->class_count, device_class_token(b->class_code))->counts, b);
		count_home(r, b);
		r->in_at_due += b->state_at_due == BOAT_IN;
		r->late += b->state == BOAT_IN && b->state_at_due != BOAT_IN;
	}
	return STATUS_OK;
}

static void calling_deinit(struct calling *c)
{
	if (c->by)
		judged_by_release(c->by);
	free(c->asks);
	free(c->boat_of);
	free(c->answers);
	free(c->place_of);
	free(c->level_of);
}

/* Boats as of q->at_ms, all of them, each with its state. */
static enum status call_boats(struct engine *e, struct headcounts *headcounts, const struct roll_question *q,
			      struct roll_call **out)
{
	struct calling c = {.engine = e, .registry = engine_registry(e), .headcounts = headcounts, .q = q};
	c.out = calloc(1, sizeof *c.out);
	if (!c.out)
		return STATUS_NO_MEMORY;
	c.out->question = *q;
	c.by = context_take(engine_context(e));
	enum status status = find_places(&c);
	if (!status)
		status = find_boats(&c);
	if (!status)
		status = hear(&c);
	if (!status)
		status = judge_boats(&c);
	calling_deinit(&c);
	if (status)
		roll_call_free(c.out);
	else
		*out = c.out;
	return status;
}

/* What the boats were at the deadline, beside what they are. Both lists are in order of hull; a hull may be another
 * device's then, so it is looked for by device. */
static enum status compare_with_due(struct engine *e, struct headcounts *headcounts, const struct roll_question *q,
				    struct roll_call *r)
{
	struct roll_question before = *q;
	struct roll_call *then;
	before.at_ms = q->due_ms;
	enum status status = call_boats(e, headcounts, &before, &then);
	if (status)
		return status;
	for (size_t i = 0, k = 0; i < r->boat_count; i++) {
		size_t tried = 0;
		while (tried < then->boat_count && then->boats[k].device != r->boats[i].device) {
			k = k + 1 < then->boat_count ? k + 1 : 0;
			tried++;
		}
		r->boats[i].state_at_due = tried < then->boat_count ? then->boats[k].state : BOAT_UNKNOWN;
	}
	roll_call_free(then);
	return STATUS_OK;
}

enum status roll_call(struct engine *e, struct headcounts *headcounts, const struct roll_question *q,
		      struct roll_call **out)
{
	struct roll_call *r;
	if (q->dark_ms <= 0 || q->port_silence_ms <= 0 || q->lookback_ms <= 0 || q->at_ms < INT64_MIN / 2 ||
	    q->lookback_ms > INT64_MAX / 2)
		return STATUS_INVALID;
	enum status status = call_boats(e, headcounts, q, &r);
	if (status)
		return status;
	if (q->due_ms != INT64_MIN && q->due_ms < q->at_ms)
		status = compare_with_due(e, headcounts, q, r);
	if (!status) {
		keep_asked_for(r, q);
		status = count_all(r);
	}
	if (status)
		roll_call_free(r);
	else
		*out = r;
	return status;
}

void roll_call_free(struct roll_call *r)
{
	if (!r)
		return;
	free(r->boats);
	free(r->places);
	free(r->villages);
	free(r->classes);
	free(r);
}
