#include "engine/fleet/context.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/core/clock.h"
#include "engine/core/crash.h"
#include "engine/core/hash.h"
#include "engine/core/log.h"
#include "engine/detect/sea_window.h"
#include "engine/fleet/permits.h"
#include "engine/fleet/vehicle.h"
#include "engine/series/boat.h"
#include "engine/store/keys.h"

/* rulebooks that were ever put: a change a day for ten years */
#define BOOKS_MAX 4096
#define RULE_ROW_HEAD 9 /* said 8, size of the principal's name 1 */
#define FENCE_ROW_MAX (64u << 20)

struct context {
	struct store *store;
	struct registry *registry;
	struct permits *permits;
	pthread_mutex_t writer; /* one change at a time */
	pthread_mutex_t lock;   /* of `now` */
	struct judged_by *now;
	struct rulebook_span *books; /* ascending; the writer's */
	uint32_t book_count;
	struct dead_zones *zones; /* NULL: none; the writer's */
	uint64_t snapshots;
	context_changed *changed;
	void *changed_context;
};

/* --- what the registry says of a device --- */

/* A date is the last day on which it holds, by the clock of China. */
static int64_t due_after(const char *date)
{
	int64_t ms;
	char midnight[TIME_TEXT_MAX];
	snprintf(midnight, sizeof midnight, "%.10sT00:00:00", date);
	if (time_parse(span_of_string(midnight), CHINA_OFFSET_MS, &ms))
		return DUE_UNKNOWN;
	return ms + MS_PER_DAY;
}

static uint64_t name_hash(const char *name)
{
	return *name ? hash64(span_of_string(name)) : 0;
}

/* bytes of what is compared; of longer ones the beginning */
#define SAID_MAX 63
#define CALLSIGN_MAX 15

/* What was said so far of the device and of its vehicle. */
struct said {
	uint64_t own;     /* fields that the device has itself: bit = field */
	bool named;       /* a plate or a name is known */
	bool refused;     /* unregistered or revoked */
	uint64_t vehicle; /* the device whose plate is this one's VEHICLE, 0 when there is none */
	char name[SAID_MAX + 1], callsign[CALLSIGN_MAX + 1];                           /* by AIS */
	char plate[SAID_MAX + 1], register_name[SAID_MAX + 1], ais_name[SAID_MAX + 1]; /* by the registry */
	char register_callsign[CALLSIGN_MAX + 1];
	uint8_t register_class;
};
_Static_assert(DEVICE_FIELD_STREAMS <= 64, "a bit for each field of a device");
_Static_assert(DEVICE_KIND_JT808 == 1 && DEVICE_KIND_FILE == 2 && DEVICE_KIND_AIS == 3 && DEVICE_KIND_BEIDOU == 4 &&
		       DEVICE_KIND_JT809 == 5 && DEVICE_KIND_NMEA == 8,
	       "SUBJECT_SOURCE_TABLE has these codes");

/* Ids with commas or spaces between. */
static void take_areas(const char *text, struct detect_subject *out)
{
	out->area_count = 0;
	while (*(text += strspn(text, ", ")) && out->area_count < SUBJECT_AREAS_MAX) {
		size_t size = strcspn(text, ", ");
		if (size <= FENCE_ID_MAX)
			snprintf(out->areas[out->area_count++], FENCE_ID_MAX + 1, "%.*s", (int)size, text);
		text += size;
	}
}

static void take_boat_value(const struct binding *b, struct detect_subject *out)
{
	unsigned area;
	switch (b->field) {
	case DEVICE_FIELD_GEAR:
		if (boat_gears_parse(span_of_string(b->value), &out->gears))
			out->gears = GEARS_UNKNOWN;
		break;
	case DEVICE_FIELD_NAVIGATION_AREA:
		out->navigation = boat_area_parse(span_of_string(b->value), &area) ? AREA_UNKNOWN : (uint8_t)area;
		break;
	case DEVICE_FIELD_LICENSED_AREAS:
		take_areas(b->value, out);
		break;
	case DEVICE_FIELD_WIND_RATING:
		out->wind_rating = (uint8_t)strtoul(b->value, NULL, 10);
		break;
	case DEVICE_FIELD_CERTIFIED_PERSONS:
		out->certified_persons = (uint16_t)strtoul(b->value, NULL, 10);
		break;
	case DEVICE_FIELD_PERSONS_ABOARD:
		out->persons_aboard = (uint16_t)strtoul(b->value, NULL, 10);
		break;
	case DEVICE_FIELD_LAID_UP:
		out->laid_up = strcmp(b->value, "yes") == 0;
		break;
	case DEVICE_FIELD_CREW:
		out->crew_count = (uint16_t)boat_names_count(span_of_string(b->value));
		break;
	case DEVICE_FIELD_FORMATION:
		out->formation = name_hash(b->value);
		break;
	default:
		break;
	}
}

/* What its AIS says of itself. */
static void take_said(const struct binding *b, struct detect_subject *out, struct said *said)
{
	unsigned bow, stern;
	switch (b->field) {
	case DEVICE_FIELD_SAID_NAME:
		snprintf(said->name, sizeof said->name, "%s", b->value);
		break;
	case DEVICE_FIELD_SAID_CALLSIGN:
		snprintf(said->callsign, sizeof said->callsign, "%s", b->value);
		break;
	case DEVICE_FIELD_SAID_TYPE:
		out->said_type = (uint8_t)strtoul(b->value, NULL, 10);
		break;
	case DEVICE_FIELD_SAID_SIZE: /* both are of 9 bits */
		out->said_length_m = sscanf(b->value, "%u,%u", &bow, &stern) == 2 ? (uint16_t)(bow + stern) : 0;
		break;
	default:
		break;
	}
}

/* What the registry has to hold against that: of the boat when the source is one of a boat's. */
static void take_registered(const struct binding *b, struct detect_subject *out, struct said *said)
{
	switch (b->field) {
	case DEVICE_FIELD_PLATE:
		snprintf(said->plate, sizeof said->plate, "%s", b->value);
		break;
	case DEVICE_FIELD_NAME:
		snprintf(said->register_name, sizeof said->register_name, "%s", b->value);
		break;
	case DEVICE_FIELD_AIS_NAME:
		snprintf(said->ais_name, sizeof said->ais_name, "%s", b->value);
		break;
	case DEVICE_FIELD_CALLSIGN:
		snprintf(said->register_callsign, sizeof said->register_callsign, "%s", b->value);
		break;
	case DEVICE_FIELD_CLASS:
		if (device_class_parse(span_of_string(b->value), &said->register_class))
			said->register_class = DEVICE_CLASS_OTHER;
		break;
	case DEVICE_FIELD_LENGTH:
		out->length_dm = (uint16_t)(strtod(b->value, NULL) * 10 + 0.5);
		break;
	default:
		break;
	}
}

static bool is_fishing(unsigned class_code)
{
	return class_code == DEVICE_CLASS_FISHING_BOAT || class_code == DEVICE_CLASS_FISHING_SMALL ||
	       class_code == DEVICE_CLASS_FISHING_MEDIUM || class_code == DEVICE_CLASS_FISHING_LARGE;
}

/* MISSTATED_*; the length is left to the rule. Type 30 is fishing (M.1371-5 table 53). */
static uint8_t misstated(const struct detect_subject *s, const struct said *said)
{
	const char *name = *said->ais_name ? said->ais_name : *said->register_name ? said->register_name : said->plate;
	bool hull = name == said->plate && strncmp(name, "boat:", 5) == 0;
	bool fishing = is_fishing(said->register_class);
	uint8_t differs = 0;
	if (*said->name && !boat_name_may_be(span_of_string(said->name), span_of_string(hull ? name + 5 : name)))
		differs |= MISSTATED_NAME;
	if (*said->callsign && *said->register_callsign &&
	    !boat_name_may_be(span_of_string(said->callsign), span_of_string(said->register_callsign)))
		differs |= MISSTATED_CALLSIGN;
	if (s->said_type &&
	    ((fishing && s->said_type != 30) || (said->register_class == DEVICE_CLASS_VESSEL && s->said_type == 30)))
		differs |= MISSTATED_TYPE;
	return differs;
}

static void take_value(const struct binding *b, struct detect_subject *out, struct said *said)
{
	switch (b->field) {
	case DEVICE_FIELD_CLASS:
		if (device_class_parse(span_of_string(b->value), &out->class_code))
			out->class_code = DEVICE_CLASS_OTHER;
		break;
	case DEVICE_FIELD_PLATE:
	case DEVICE_FIELD_NAME:
	case DEVICE_FIELD_VEHICLE:
		said->named = true;
		break;
	case DEVICE_FIELD_STATE:
		said->refused |= strcmp(b->value, "registered") != 0;
		break;
	case DEVICE_FIELD_VIDEO:
		out->has_video = *b->value && strcmp(b->value, "0") != 0;
		break;
	case DEVICE_FIELD_METROLOGY_DUE:
		out->metrology_due_ms = due_after(b->value);
		break;
	case DEVICE_FIELD_INSPECTION_DUE:
		out->inspection_due_ms = due_after(b->value);
		break;
	case DEVICE_FIELD_SCRAP_DUE:
		out->scrap_due_ms = due_after(b->value);
		break;
	case DEVICE_FIELD_SURVEY_DUE:
		out->survey_due_ms = due_after(b->value);
		break;
	case DEVICE_FIELD_LICENCE_DUE:
		out->licence_due_ms = due_after(b->value);
		break;
	case DEVICE_FIELD_NATIONALITY_DUE:
		out->nationality_due_ms = due_after(b->value);
		break;
	case DEVICE_FIELD_COMPANY:
		out->company = name_hash(b->value);
		break;
	case DEVICE_FIELD_DRIVER:
		out->driver = driver_number(span_of_string(b->value));
		break;
	default:
		take_boat_value(b, out);
	}
}

/* Where what holds during [from, to) stays as it is at `time_ms`. */
static void narrow(int64_t from_ms, int64_t to_ms, int64_t time_ms, struct detect_subject *out)
{
	const int64_t edges[2] = {from_ms, to_ms};
	for (unsigned i = 0; i < 2; i++) {
		if (edges[i] <= time_ms && edges[i] > out->from_ms)
			out->from_ms = edges[i];
		if (edges[i] > time_ms && edges[i] < out->to_ms)
			out->to_ms = edges[i];
	}
}

/* plates change hands rarely: spans of one plate that are looked at */
#define PLATE_SPANS_MAX 64

/* The device that has this plate at `time_ms`; `out` is narrowed to where that stays so. */
static uint64_t vehicle_of(const struct registry *r, const char *plate, int64_t time_ms, struct detect_subject *out)
{
	struct registry_span spans[PLATE_SPANS_MAX];
	size_t count = registry_spans(r, DEVICE_FIELD_PLATE, span_of_string(plate), spans, PLATE_SPANS_MAX);
	uint64_t device = 0;
	for (size_t i = 0; i < count; i++) {
		narrow(spans[i].from_ms, spans[i].to_ms, time_ms, out);
		if (spans[i].from_ms <= time_ms && time_ms < spans[i].to_ms)
			device = spans[i].device;
	}
	return device;
}

/* What the registry says of a device itself. */
static void take_own(const struct context *c, uint64_t device, int64_t time_ms, struct detect_subject *out,
		     struct said *said)
{
	struct device d;
	if (registry_device(c->registry, device, &d))
		return;
	out->joined_ms = d.created_ms;
	out->source = d.kind;
	for (size_t i = 0; i < d.binding_count; i++) {
		const struct binding *b = &d.bindings[i];
		narrow(b->valid_from_ms, b->valid_to_ms, time_ms, out);
		if (b->valid_from_ms > time_ms || time_ms >= b->valid_to_ms)
			continue;
		take_value(b, out, said);
		take_said(b, out, said);
		take_registered(b, out, said);
		said->own |= UINT64_C(1) << b->field;
		if (b->field == DEVICE_FIELD_VEHICLE)
			said->vehicle = vehicle_of(c->registry, b->value, time_ms, out);
	}
	device_deinit(&d);
}

/* What its vehicle lends it, and whether that is registered. */
static void take_lent(const struct context *c, int64_t time_ms, struct detect_subject *out, struct said *said)
{
	struct device d;
	if (registry_device(c->registry, said->vehicle, &d))
		return;
	said->register_class = DEVICE_CLASS_OTHER; /* the source has its own from what it said */
	for (size_t i = 0; i < d.binding_count; i++) {
		const struct binding *b = &d.bindings[i];
		bool counts = b->field == DEVICE_FIELD_STATE ||
			      (device_field_is_lent(b->field) && !(said->own >> b->field & 1));
		narrow(b->valid_from_ms, b->valid_to_ms, time_ms, out);
		if (b->valid_from_ms > time_ms || time_ms >= b->valid_to_ms)
			continue;
		take_registered(b, out, said);
		if (counts)
			take_value(b, out, said);
	}
	device_deinit(&d);
}

static void subject_of(const void *registry, uint64_t device, int64_t time_ms, struct detect_subject *out)
{
	const struct context *c = registry;
	struct said said = {.register_class = DEVICE_CLASS_OTHER};
	memset(out, 0, sizeof *out);
	out->device = device;
	out->from_ms = INT64_MIN;
	out->to_ms = INT64_MAX;
	out->metrology_due_ms = out->inspection_due_ms = out->scrap_due_ms = DUE_UNKNOWN;
	out->survey_due_ms = out->licence_due_ms = out->nationality_due_ms = DUE_UNKNOWN;
	out->gears = GEARS_UNKNOWN;
	take_own(c, device, time_ms, out, &said);
	if (said.vehicle == device)
		said.vehicle = 0;
	out->vehicle = said.vehicle ? said.vehicle : device;
	if (said.vehicle)
		take_lent(c, time_ms, out, &said);
	out->registered = said.named && !said.refused;
	out->misstated = misstated(out, &said);
	permits_of(c->permits, device, time_ms, out);
	if (said.vehicle && out->permit_count == 0)
		permits_of(c->permits, said.vehicle, time_ms, out);
}

static size_t sources_of(const void *registry, uint64_t device, int64_t time_ms, uint64_t *out, size_t max)
{
	const struct context *c = registry;
	return vehicle_sources(c->registry, device, time_ms, out, max);
}

/* --- snapshots --- */

static void snapshot_free(struct judged_by *j)
{
	detector_unref(j->detector);
	fence_set_unref((struct fence_set *)j->fences);
	dead_zones_unref(j->zones);
	for (uint32_t i = 0; i < j->context.book_count; i++)
		rulebook_unref(j->context.books[i].book);
	free((void *)j->context.books);
	free(j);
}

void judged_by_release(struct judged_by *j)
{
	if (j && atomic_fetch_sub(&j->references, 1) == 1)
		snapshot_free(j);
}

/* Takes over the reference of `fences`. */
static enum status snapshot_new(struct context *c, const struct rulebook_span *books, uint32_t count,
				const struct fence_set *fences, struct judged_by **out)
{
	struct judged_by *j = calloc(1, sizeof *j);
	struct rulebook_span *copy = calloc(count ? count : 1, sizeof *copy);
	if (!j || !copy) {
		free(j);
		free(copy);
		fence_set_unref((struct fence_set *)fences);
		return STATUS_NO_MEMORY;
	}
	for (uint32_t i = 0; i < count; i++)
		copy[i] = (struct rulebook_span){books[i].from_ms, rulebook_ref(books[i].book)};
	j->zones = c->zones ? dead_zones_ref(c->zones) : NULL;
	j->context = (struct detect_context){.books = copy,
					     .book_count = count,
					     .fences = fences,
					     .subject = subject_of,
					     .registry = c,
					     .sources = sources_of,
					     .dead_zone = dead_zones_cover,
					     .zones = j->zones};
	j->fences = fences;
	j->pairs = sea_wants_pairs(&j->context);
	j->number = ++c->snapshots;
	atomic_init(&j->references, 1);
	enum status status = detector_new(&j->context, &j->detector);
	if (status)
		snapshot_free(j);
	else
		*out = j;
	return status;
}

struct judged_by *context_take(struct context *c)
{
	pthread_mutex_lock(&c->lock);
	struct judged_by *j = c->now;
	atomic_fetch_add(&j->references, 1);
	pthread_mutex_unlock(&c->lock);
	return j;
}

static void publish(struct context *c, struct judged_by *next)
{
	pthread_mutex_lock(&c->lock);
	struct judged_by *old = c->now;
	c->now = next;
	pthread_mutex_unlock(&c->lock);
	judged_by_release(old);
}

static void tell_change(struct context *c, uint64_t device, int64_t from_ms, uint64_t number)
{
	crash_point("context_changed");
	if (c->changed)
		c->changed(c->changed_context, device, from_ms, number);
}

enum status context_with_rules(struct context *c, struct rulebook *book, struct judged_by **out)
{
	struct rulebook_span always = {INT64_MIN, book};
	pthread_mutex_lock(&c->writer);
	struct fence_set *fences = fence_set_ref((struct fence_set *)c->now->fences);
	enum status status = snapshot_new(c, &always, 1, fences, out);
	pthread_mutex_unlock(&c->writer);
	return status;
}

/* --- opening --- */

static enum status add_book(struct context *c, int64_t from_ms, struct rulebook *book)
{
	if (c->book_count == BOOKS_MAX)
		return STATUS_FULL;
	struct rulebook_span *books = realloc(c->books, (c->book_count + 1u) * sizeof *books);
	if (!books)
		return STATUS_NO_MEMORY;
	c->books = books;
	uint32_t at = c->book_count;
	while (at > 0 && books[at - 1].from_ms >= from_ms)
		at--;
	if (at < c->book_count && books[at].from_ms == from_ms) {
		rulebook_unref(books[at].book);
		books[at].book = book;
		return STATUS_OK;
	}
	memmove(&books[at + 1], &books[at], (c->book_count - at) * sizeof *books);
	books[at] = (struct rulebook_span){from_ms, book};
	c->book_count++;
	return STATUS_OK;
}

static enum status load_rules(void *context, struct span key, struct span value)
{
	struct context *c = context;
	struct rulebook *book;
	if (key.size != 8 || value.size < RULE_ROW_HEAD || value.size < RULE_ROW_HEAD + (size_t)value.data[8])
		return STATUS_CORRUPT;
	size_t head = RULE_ROW_HEAD + (size_t)value.data[8];
	enum status status = rulebook_parse_stored(span_of(value.data + head, value.size - head), &book);
	if (status) {
		log_error("context", "a stored rules file is not understood: %s", status_text(status));
		return status == STATUS_MALFORMED ? STATUS_CORRUPT : status;
	}
	status = add_book(c, time_unbias(load_be64(key.data)), book);
	if (status)
		rulebook_unref(book);
	return status;
}

static enum status default_book(struct context *c)
{
	struct rulebook *book;
	enum status status = rulebook_parse(rules_default(), NULL, NULL, &book);
	if (status)
		return status;
	status = add_book(c, INT64_MIN, book);
	if (status)
		rulebook_unref(book);
	return status;
}

struct fence_load {
	struct fence *list;
	size_t count, capacity;
};

static enum status load_fence(void *context, struct span key, struct span value)
{
	struct fence_load *load = context;
	(void)key;
	if (load->count == load->capacity) {
		size_t capacity = load->capacity ? load->capacity * 2 : 64;
		struct fence *list = realloc(load->list, capacity * sizeof *list);
		if (!list)
			return STATUS_NO_MEMORY;
		load->list = list;
		load->capacity = capacity;
	}
	enum status status = fence_decode(value, &load->list[load->count]);
	if (!status)
		load->count++;
	return status;
}

static enum status load_fences(struct context *c, struct fence_set **out)
{
	struct fence_load load = {0};
	struct fence_set *empty = NULL;
	enum status status = store_scan(c->store, STORE_FENCE, (struct span){NULL, 0}, load_fence, &load);
	if (!status)
		status = fence_set_new(&empty);
	if (!status)
		status = fence_set_change(empty, load.list, load.count, out);
	fence_set_unref(empty);
	for (size_t i = 0; i < load.count; i++)
		fence_area_unref(load.list[i].area);
	free(load.list);
	return status;
}

/* --- dead zones --- */

#define ZONES_TAG 0x04
#define ZONES_KEY_SIZE 9
/* bytes of a map: every cell of a country at five each */
#define ZONES_ROW_MAX (64u << 20)

/* Takes a reference of its own. */
static enum status add_zones(struct context *c, struct dead_zone_map *map)
{
	struct dead_zones *next;
	enum status status = dead_zones_with(c->zones, map, INT64_MIN, &next);
	if (status)
		return status;
	dead_zones_unref(c->zones);
	c->zones = next;
	return STATUS_OK;
}

static enum status load_zones(void *context, struct span key, struct span value)
{
	struct dead_zone_map *map;
	if (key.size != ZONES_KEY_SIZE)
		return STATUS_CORRUPT;
	enum status status = dead_zone_map_decode(value, &map);
	if (status)
		return status;
	status = add_zones(context, map);
	dead_zone_map_unref(map);
	return status;
}

static enum status commit_zones(struct context *c, const struct dead_zone_map *map, uint64_t *number)
{
	uint8_t key[ZONES_KEY_SIZE] = {ZONES_TAG};
	struct store_batch *batch = NULL;
	struct buf row = buf_init(ZONES_ROW_MAX);
	store_be64(key + 1, time_bias(dead_zone_map_day_ms(map)));
	enum status status = dead_zone_map_encode(map, &row);
	if (!status)
		status = store_batch_new(c->store, &batch);
	if (!status) {
		store_batch_put(batch, STORE_CONTEXT, span_of(key, sizeof key), buf_view(&row));
		*number = change_put(batch, 0, dead_zone_map_day_ms(map));
		status = store_commit(c->store, batch, true);
	}
	store_batch_free(batch);
	buf_deinit(&row);
	return status;
}

static enum status change_zones(struct context *c, struct dead_zone_map *map, uint64_t *number)
{
	struct judged_by *next;
	enum status status = commit_zones(c, map, number);
	if (!status)
		status = add_zones(c, map);
	if (status)
		return status;
	struct fence_set *fences = fence_set_ref((struct fence_set *)c->now->fences);
	status = snapshot_new(c, c->books, c->book_count, fences, &next);
	if (!status)
		publish(c, next);
	return status;
}

enum status context_put_dead_zones(struct context *c, struct dead_zone_map *map)
{
	uint64_t number = 0;
	pthread_mutex_lock(&c->writer);
	enum status status = change_zones(c, map, &number);
	pthread_mutex_unlock(&c->writer);
	if (!status)
		tell_change(c, 0, dead_zone_map_day_ms(map), number);
	return status;
}

/* --- opening --- */

static void on_registry(void *context, uint64_t device, int64_t from_ms, uint64_t number)
{
	tell_change(context, device, from_ms, number);
}

enum status context_open(struct store *s, struct registry *r, struct context **out)
{
	static const uint8_t zones = ZONES_TAG;
	struct context *c = calloc(1, sizeof *c);
	struct fence_set *fences = NULL;
	if (!c)
		return STATUS_NO_MEMORY;
	c->store = s;
	c->registry = r;
	pthread_mutex_init(&c->writer, NULL);
	pthread_mutex_init(&c->lock, NULL);
	enum status status = permits_open(s, &c->permits);
	if (!status)
		status = default_book(c);
	if (!status)
		status = store_scan(s, STORE_RULE, (struct span){NULL, 0}, load_rules, c);
	if (!status)
		status = store_scan(s, STORE_CONTEXT, span_of(&zones, 1), load_zones, c);
	if (!status)
		status = load_fences(c, &fences);
	if (!status)
		status = snapshot_new(c, c->books, c->book_count, fences, &c->now);
	if (status) {
		context_close(c);
		return status;
	}
	registry_on_change(r, on_registry, c);
	*out = c;
	return STATUS_OK;
}

void context_close(struct context *c)
{
	if (!c)
		return;
	judged_by_release(c->now);
	for (uint32_t i = 0; i < c->book_count; i++)
		rulebook_unref(c->books[i].book);
	free(c->books);
	dead_zones_unref(c->zones);
	permits_close(c->permits);
	pthread_mutex_destroy(&c->lock);
	pthread_mutex_destroy(&c->writer);
	free(c);
}

void context_on_change(struct context *c, context_changed *changed, void *context)
{
	c->changed = changed;
	c->changed_context = context;
}

/* --- rules --- */

static enum status commit_rules(struct context *c, struct span text, int64_t from_ms, const char *principal,
				uint64_t *number)
{
	uint8_t key[8];
	struct store_batch *batch = NULL;
	struct buf row = buf_init(text.size + RULE_ROW_HEAD + 256);
	size_t name = strnlen(principal, DEVICE_PRINCIPAL_MAX);
	store_be64(key, time_bias(from_ms));
	enum status status = buf_append_be64(&row, (uint64_t)clock_now_ms());
	if (!status)
		status = buf_append_u8(&row, (uint8_t)name);
	if (!status)
		status = buf_append(&row, principal, name);
	if (!status)
		status = buf_append(&row, text.data, text.size);
	if (!status)
		status = store_batch_new(c->store, &batch);
	if (!status) {
		store_batch_put(batch, STORE_RULE, span_of(key, sizeof key), span_of(row.data, row.size));
		*number = change_put(batch, 0, from_ms);
		status = store_commit(c->store, batch, true);
	}
	store_batch_free(batch);
	buf_deinit(&row);
	return status;
}

static enum status change_rules(struct context *c, struct span text, int64_t from_ms, const char *principal,
				struct rulebook *book, uint64_t *number)
{
	struct judged_by *next;
	enum status status = commit_rules(c, text, from_ms, principal, number);
	if (!status)
		status = add_book(c, from_ms, book);
	if (status) {
		rulebook_unref(book);
		return status;
	}
	struct fence_set *fences = fence_set_ref((struct fence_set *)c->now->fences);
	status = snapshot_new(c, c->books, c->book_count, fences, &next);
	if (!status)
		publish(c, next);
	return status;
}

enum status context_put_rules(struct context *c, struct span text, int64_t from_ms, const char *principal,
			      rule_mistakes *tell, void *tell_context)
{
	struct rulebook *book;
	uint64_t number = 0;
	enum status status = rulebook_parse(text, tell, tell_context, &book);
	if (status)
		return status;
	pthread_mutex_lock(&c->writer);
	status = change_rules(c, text, from_ms, principal, book, &number);
	pthread_mutex_unlock(&c->writer);
	if (!status)
		tell_change(c, 0, from_ms, number);
	return status;
}

struct rules_walk {
	context_rules_visit *visit;
	void *context;
};

static enum status visit_rules(void *context, struct span key, struct span value)
{
	const struct rules_walk *walk = context;
	if (key.size != 8 || value.size < RULE_ROW_HEAD || value.size < RULE_ROW_HEAD + (size_t)value.data[8])
		return STATUS_CORRUPT;
	size_t name = value.data[8], head = RULE_ROW_HEAD + name;
	return walk->visit(walk->context, time_unbias(load_be64(key.data)), (int64_t)load_be64(value.data),
			   span_of(value.data + RULE_ROW_HEAD, name), span_of(value.data + head, value.size - head));
}

enum status context_rules(struct context *c, context_rules_visit *visit, void *context)
{
	struct rules_walk walk = {visit, context};
	enum status status = visit(context, INT64_MIN, INT64_MIN, span_of_string("zayton"), rules_default());
	return status ? status : store_scan(c->store, STORE_RULE, (struct span){NULL, 0}, visit_rules, &walk);
}

/* --- fences --- */

#define FENCE_KEY_MAX (FENCE_ID_MAX + 9)

static struct span fence_key(const char *id, int64_t from_ms, uint8_t key[FENCE_KEY_MAX])
{
	size_t size = strlen(id);
	memcpy(key, id, size);
	key[size] = 0;
	store_be64(key + size + 1, time_bias(from_ms));
	return span_of(key, size + 9);
}

static enum status put_fence(struct store_batch *batch, const struct fence *f, struct buf *row)
{
	uint8_t key[FENCE_KEY_MAX];
	buf_clear(row);
	enum status status = fence_encode(f, row);
	if (!status)
		store_batch_put(batch, STORE_FENCE, fence_key(f->id, f->valid_from_ms, key), buf_view(row));
	return status;
}

static int compare_ids(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The ids changed, ascending; the caller frees the list. */
static enum status sort_ids(const struct fence *fences, size_t count, const char ***out)
{
	const char **ids = malloc((count ? count : 1) * sizeof *ids);
	if (!ids)
		return STATUS_NO_MEMORY;
	for (size_t i = 0; i < count; i++)
		ids[i] = fences[i].id;
	qsort(ids, count, sizeof *ids, compare_ids);
	*out = ids;
	return STATUS_OK;
}

/* Every version of the ids changed: a change may have ended the one before. What began where a change begins is gone,
 * and comes back only as the change has it. */
static enum status fill_batch(struct store_batch *batch, const struct fence_set *next, const struct fence *fences,
			      size_t count)
{
	uint8_t key[FENCE_KEY_MAX];
	const char **ids;
	struct buf row = buf_init(FENCE_ROW_MAX);
	enum status status = sort_ids(fences, count, &ids);
	if (status)
		return status;
	for (size_t i = 0; i < count; i++)
		store_batch_delete(batch, STORE_FENCE, fence_key(fences[i].id, fences[i].valid_from_ms, key));
	for (uint32_t slot = 0; slot < fence_set_slots(next) && !status; slot++) {
		const struct fence *f = fence_set_at(next, slot);
		const char *id = f ? f->id : NULL;
		if (f && bsearch(&id, ids, count, sizeof *ids, compare_ids))
			status = put_fence(batch, f, &row);
	}
	buf_deinit(&row);
	free(ids);
	return status;
}

static int64_t earliest(const struct fence *fences, size_t count)
{
	int64_t from_ms = INT64_MAX;
	for (size_t i = 0; i < count; i++)
		if (fences[i].valid_from_ms < from_ms)
			from_ms = fences[i].valid_from_ms;
	return from_ms;
}

static enum status commit_fences(struct context *c, const struct fence_set *next, const struct fence *fences,
				 size_t count, uint64_t *number)
{
	struct store_batch *batch;
	enum status status = store_batch_new(c->store, &batch);
	if (status)
		return status;
	status = fill_batch(batch, next, fences, count);
	if (!status)
		*number = change_put(batch, 0, earliest(fences, count));
	if (!status)
		status = store_commit(c->store, batch, true);
	store_batch_free(batch);
	return status;
}

static enum status change_fences(struct context *c, const struct fence *fences, size_t count, uint64_t *number)
{
	struct fence_set *set;
	struct judged_by *next;
	enum status status = fence_set_change(c->now->fences, fences, count, &set);
	if (status)
		return status;
	status = commit_fences(c, set, fences, count, number);
	if (status) {
		fence_set_unref(set);
		return status;
	}
	status = snapshot_new(c, c->books, c->book_count, set, &next);
	if (!status)
		publish(c, next);
	return status;
}

enum status context_put_fences(struct context *c, const struct fence *fences, size_t count)
{
	uint64_t number = 0;
	if (!count)
		return STATUS_OK;
	pthread_mutex_lock(&c->writer);
	enum status status = change_fences(c, fences, count, &number);
	pthread_mutex_unlock(&c->writer);
	if (!status)
		tell_change(c, 0, earliest(fences, count), number);
	return status;
}

/* --- permits --- */

enum status context_put_permit(struct context *c, uint64_t device, const struct permit *p)
{
	struct permit_change change;
	enum status status = permits_put(c->permits, device, p, &change);
	if (status)
		return status;
	tell_change(c, device, change.from_ms, change.number);
	if (change.other)
		tell_change(c, change.other, change.from_ms, change.other_number);
	return STATUS_OK;
}

enum status context_permits(struct context *c, const char *after, context_permit_visit *visit, void *context)
{
	return permits_visit(c->permits, after, visit, context);
}
