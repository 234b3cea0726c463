#include "engine/fleet/streams.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/core/clock.h"
#include "engine/core/hash.h"
#include "engine/fleet/fleet_internal.h"

#define LIST_BATCH 256

struct streams {
	struct registry *sites; /* of devices */
	struct registry *facts; /* of streams */
	struct value_texts *texts;
};

/* --- names --- */

static const char *const kinds[STREAM_KIND_COUNT][2] = {
#define X(NAME, token, chinese) {token, chinese},
	STREAM_KIND_TABLE(X)
#undef X
};

const char *stream_kind_token(enum stream_kind kind)
{
	return kinds[kind][0];
}

enum status stream_kind_parse(struct span text, enum stream_kind *out)
{
	for (unsigned i = 0; i < STREAM_KIND_COUNT; i++)
		if (span_equal(text, span_of_string(kinds[i][0])) || span_equal(text, span_of_string(kinds[i][1]))) {
			*out = (enum stream_kind)i;
			return STATUS_OK;
		}
	return STATUS_NOT_FOUND;
}

enum status stream_interval_parse(struct span text, int64_t *out_ms)
{
	static const struct {
		const char *unit;
		int64_t ms;
	} units[] = {{"ms", 1}, {"s", 1000}, {"m", MS_PER_MINUTE}, {"h", 60 * MS_PER_MINUTE}, {"d", MS_PER_DAY}};
	const int64_t most = 366 * MS_PER_DAY;
	int64_t n = 0;
	size_t i = 0;
	for (; i < text.size && text.data[i] >= '0' && text.data[i] <= '9'; i++) {
		n = n * 10 + (text.data[i] - '0');
		if (n > most)
			return STATUS_OUT_OF_RANGE;
	}
	struct span unit = span_of(text.data + i, text.size - i);
	for (size_t k = 0; i && k < sizeof units / sizeof *units; k++)
		if (span_equal(unit, span_of_string(units[k].unit))) {
			*out_ms = n * units[k].ms;
			return n < 1 || *out_ms > most ? STATUS_OUT_OF_RANGE : STATUS_OK;
		}
	return STATUS_MALFORMED;
}

uint64_t site_id(struct span site)
{
	return device_id(DEVICE_KIND_SENSOR, site);
}

uint64_t stream_id(uint64_t site, struct span quantity)
{
	const uint64_t partition = UINT64_C(0xffff) << 48;
	uint64_t id = (hash64_seeded(quantity, site) & ~partition) | (site & partition);
	return id & ~partition ? id : id | 1;
}

struct names {
	char site[DEVICE_VALUE_MAX + 1], quantity[DEVICE_VALUE_MAX + 1];
	uint64_t home, id;
};

static enum status names_take(struct span site, struct span quantity, struct names *out)
{
	enum status status = device_value_normalise(DEVICE_FIELD_SITE, site, out->site);
	if (!status)
		status = device_value_normalise(DEVICE_FIELD_QUANTITY, quantity, out->quantity);
	if (status)
		return status == STATUS_TOO_LONG ? STATUS_INVALID : status;
	size_t site_size = strlen(out->site), quantity_size = strlen(out->quantity);
	if (!site_size || site_size > SITE_MAX || !quantity_size || quantity_size > QUANTITY_MAX)
		return STATUS_INVALID;
	out->home = site_id(span_of(out->site, site_size));
	out->id = stream_id(out->home, span_of(out->quantity, quantity_size));
	return STATUS_OK;
}

enum status stream_find(struct streams *s, struct span site, struct span quantity, uint64_t *out)
{
	struct names names;
	enum status status = names_take(site, quantity, &names);
	if (status)
		return status;
	*out = names.id;
	return registry_has(s->facts, names.id) ? STATUS_OK : STATUS_NOT_FOUND;
}

/* --- life --- */

enum status streams_open(struct store *s, struct registry *sites, struct streams **out)
{
	struct streams *streams = calloc(1, sizeof *streams);
	if (!streams)
		return STATUS_NO_MEMORY;
	streams->sites = sites;
	enum status status = value_texts_new(&streams->texts);
	if (!status)
		status = registry_open_streams(s, &streams->facts);
	if (status) {
		streams_close(streams);
		return status;
	}
	*out = streams;
	return STATUS_OK;
}

void streams_close(struct streams *s)
{
	if (!s)
		return;
	registry_close(s->facts);
	value_texts_free(s->texts);
	free(s);
}

struct registry *streams_registry(struct streams *s)
{
	return s->facts;
}

struct value_texts *streams_texts(struct streams *s)
{
	return s->texts;
}

/* --- what holds --- */

static void take_number(const char *text, bool *has, struct value *out)
{
	*has = *text && value_parse_number(span_of_string(text), out) == STATUS_OK;
}

static void take_binding(const struct binding *b, struct stream *out)
{
	switch (b->field) {
	case DEVICE_FIELD_SITE:
		snprintf(out->site_number, sizeof out->site_number, "%s", b->value);
		break;
	case DEVICE_FIELD_QUANTITY:
		snprintf(out->quantity, sizeof out->quantity, "%s", b->value);
		break;
	case DEVICE_FIELD_UNIT:
		snprintf(out->unit, sizeof out->unit, "%s", b->value);
		break;
	case DEVICE_FIELD_STREAM_KIND:
		if (stream_kind_parse(span_of_string(b->value), &out->kind))
			out->kind = STREAM_GAUGE;
		break;
	case DEVICE_FIELD_RANGE_MIN:
		take_number(b->value, &out->has_min, &out->range_min);
		break;
	case DEVICE_FIELD_RANGE_MAX:
		take_number(b->value, &out->has_max, &out->range_max);
		break;
	case DEVICE_FIELD_LIMIT:
		take_number(b->value, &out->has_limit, &out->limit);
		break;
	case DEVICE_FIELD_BASE:
		take_number(b->value, &out->has_base, &out->base);
		break;
	case DEVICE_FIELD_INTERVAL:
		if (stream_interval_parse(span_of_string(b->value), &out->interval_ms))
			out->interval_ms = 0;
		break;
	default:
		break;
	}
}

/* Nothing changes between the last end or beginning at or before `at_ms` and the first after it. */
static void narrow(struct stream *out, int64_t edge_ms, int64_t at_ms)
{
	if (edge_ms <= at_ms && edge_ms > out->holds_from_ms)
		out->holds_from_ms = edge_ms;
	if (edge_ms > at_ms && edge_ms < out->holds_to_ms)
		out->holds_to_ms = edge_ms;
}

enum status stream_at(struct streams *s, uint64_t id, int64_t at_ms, struct stream *out)
{
	struct device d;
	enum status status = registry_device(s->facts, id, &d);
	if (status)
		return status;
	*out = (struct stream){.id = id, .holds_from_ms = INT64_MIN, .holds_to_ms = INT64_MAX};
	for (size_t i = 0; i < d.binding_count; i++) {
		const struct binding *b = &d.bindings[i];
		/* who it is holds for ever, whenever it was said */
		bool names = b->field == DEVICE_FIELD_SITE || b->field == DEVICE_FIELD_QUANTITY;
		if (names || (b->valid_from_ms <= at_ms && at_ms < b->valid_to_ms))
			take_binding(b, out);
		if (!names) {
			narrow(out, b->valid_from_ms, at_ms);
			narrow(out, b->valid_to_ms, at_ms);
		}
	}
	out->site = site_id(span_of_string(out->site_number));
	device_deinit(&d);
	return STATUS_OK;
}

size_t streams_list(struct streams *s, uint64_t site, uint64_t after, uint64_t *out, size_t max)
{
	uint64_t ids[LIST_BATCH];
	char number[DEVICE_VALUE_MAX + 1];
	size_t count = 0, n;
	if (!site)
		return registry_list(s->facts, after, out, max);
	/* ids of a site lie within its partition */
	uint64_t first = site & UINT64_C(0xffff) << 48;
	after = after < first ? first : after;
	while (count < max && (n = registry_list(s->facts, after, ids, LIST_BATCH))) {
		for (size_t i = 0; i < n && count < max; i++) {
			after = ids[i];
			if (device_partition(after) != device_partition(site))
				return count;
			if (!registry_value(s->facts, after, DEVICE_FIELD_SITE, INT64_MAX, number) &&
			    site_id(span_of_string(number)) == site)
				out[count++] = after;
		}
	}
	return count;
}

/* --- changing --- */

static bool is_stream_field(uint8_t field)
{
	switch (field) {
	case DEVICE_FIELD_UNIT:
	case DEVICE_FIELD_STREAM_KIND:
	case DEVICE_FIELD_LIMIT:
	case DEVICE_FIELD_BASE:
	case DEVICE_FIELD_RANGE_MIN:
	case DEVICE_FIELD_RANGE_MAX:
	case DEVICE_FIELD_INTERVAL:
	case DEVICE_FIELD_NAME:
	case DEVICE_FIELD_NOTE:
		return true;
	default:
		return false;
	}
}

static enum status apply(struct registry *r, uint64_t id, enum device_kind kind, const struct registry_change *changes,
			 size_t count, int64_t from_ms, const char *principal, bool bulk)
{
	return bulk ? registry_apply_bulk(r, id, kind, changes, count, from_ms, principal)
		    : registry_apply(r, id, kind, changes, count, from_ms, principal, NULL);
}

enum status stream_put(struct streams *s, struct span site, struct span quantity, const struct registry_change *changes,
		       size_t count, int64_t from_ms, const char *principal, bool bulk, uint64_t *out_id)
{
	struct names n;
	enum status status = names_take(site, quantity, &n);
	if (status)
		return status;
	const struct registry_change names[2] = {{DEVICE_FIELD_SITE, span_of_string(n.site)},
						 {DEVICE_FIELD_QUANTITY, span_of_string(n.quantity)}};
	uint64_t home = n.home, id = n.id;
	for (size_t i = 0; i < count; i++)
		if (!is_stream_field(changes[i].field))
			return STATUS_INVALID;
	if (!registry_has(s->sites, home))
		status = apply(s->sites, home, DEVICE_KIND_SENSOR, names, 1, VALID_ALWAYS_FROM, principal, bulk);
	if (!status && !registry_has(s->facts, id))
		status = apply(s->facts, id, DEVICE_KIND_STREAM, names, 2, VALID_ALWAYS_FROM, principal, bulk);
	if (!status && count)
		status = apply(s->facts, id, DEVICE_KIND_STREAM, changes, count, from_ms, principal, bulk);
	if (!status)
		*out_id = id;
	return status;
}
