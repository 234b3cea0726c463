#include "query/cli/track_import.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/core/clock.h"
#include "ingest/files/text_encoding.h"

#define PRINCIPAL "import"

enum status device_by_parse(struct span text, enum device_by *out)
{
	static const char *const names[DEVICE_BY_COUNT] = {
#define X(NAME, text_) text_,
		DEVICE_BY_TABLE(X)
#undef X
	};
	for (unsigned i = 0; i < DEVICE_BY_COUNT; i++)
		if (span_equal(text, span_of_string(names[i]))) {
			*out = (enum device_by)i;
			return STATUS_OK;
		}
	return STATUS_NOT_FOUND;
}

enum status track_import_init(struct track_import *t, struct engine *e, enum device_by by, const char *class_token,
			      size_t listed_max)
{
	*t = (struct track_import){.engine = e, .by = by, .class_token = class_token, .names = name_index_init()};
	enum status status = refusals_init(&t->refusals, listed_max);
	return status ? status : bulk_open(e, &t->bulk);
}

void track_import_deinit(struct track_import *t)
{
	enum status status = t->bulk ? bulk_close(t->bulk) : STATUS_OK;
	if (status)
		fprintf(stderr, "zayton import: %s\n", status_text(status));
	name_index_deinit(&t->names);
	refusals_deinit(&t->refusals);
	free(t->devices);
}

/* --- from a name to a device --- */

static enum status make(struct track_import *t, uint64_t id, enum device_kind kind, enum device_field field,
			const char *text)
{
	struct registry_change changes[3] = {{(uint8_t)field, span_of_string(text)}};
	size_t count = 1;
	if (t->class_token)
		changes[count++] = (struct registry_change){DEVICE_FIELD_CLASS, span_of_string(t->class_token)};
	if (kind != DEVICE_KIND_FILE) /* a file lets no terminal in */
		changes[count++] = (struct registry_change){DEVICE_FIELD_STATE, span_of_string("unregistered")};
	enum status status =
		registry_apply_bulk(engine_registry(t->engine), id, kind, changes, count, VALID_ALWAYS_FROM, PRINCIPAL);
	t->made += !status;
	return status;
}

static bool hex_id(const char *text, uint64_t *out)
{
	struct buf bytes = buf_init(8);
	bool is = strlen(text) == 16 && !hex_decode(&bytes, span_of_string(text));
	if (is)
		*out = load_be64(bytes.data);
	buf_deinit(&bytes);
	return is;
}

/* A source at sea by its number or card. */
static enum status find_or_make_source(struct track_import *t, const char *text, enum device_kind kind,
				       enum device_field field, uint64_t *out)
{
	char value[DEVICE_VALUE_MAX + 1];
	enum status status = device_value_normalise(field, span_of_string(text), value);
	if (status)
		return status;
	*out = device_id(kind, span_of_string(value));
	return registry_has(engine_registry(t->engine), *out) ? STATUS_OK : make(t, *out, kind, field, value);
}

static enum status find_or_make(struct track_import *t, const char *text, uint64_t *out)
{
	struct registry *r = engine_registry(t->engine);
	char value[DEVICE_VALUE_MAX + 1];
	enum status status;
	switch (t->by) {
	case DEVICE_BY_ID:
		if (!hex_id(text, out))
			return STATUS_MALFORMED;
		return registry_has(r, *out) ? STATUS_OK : STATUS_NOT_FOUND;
	case DEVICE_BY_PLATE:
		status = device_value_normalise(DEVICE_FIELD_PLATE, span_of_string(text), value);
		if (status)
			return status;
		return registry_find(r, DEVICE_FIELD_PLATE, span_of_string(value), clock_now_ms(), out);
	case DEVICE_BY_MMSI:
		return find_or_make_source(t, text, DEVICE_KIND_AIS, DEVICE_FIELD_MMSI, out);
	case DEVICE_BY_CARD:
		return find_or_make_source(t, text, DEVICE_KIND_BEIDOU, DEVICE_FIELD_BEIDOU_CARD, out);
	case DEVICE_BY_PHONE:
		status = device_value_normalise(DEVICE_FIELD_PHONE, span_of_string(text), value);
		if (status || !registry_find(r, DEVICE_FIELD_PHONE, span_of_string(value), clock_now_ms(), out))
			return status;
		*out = device_id(DEVICE_KIND_JT808, span_of_string(value));
		return registry_has(r, *out) ? STATUS_OK : make(t, *out, DEVICE_KIND_JT808, DEVICE_FIELD_PHONE, value);
	default:
		if (hex_id(text, out) && registry_has(r, *out))
			return STATUS_OK;
		*out = device_id(DEVICE_KIND_FILE, span_of_string(text));
		return registry_has(r, *out) ? STATUS_OK : make(t, *out, DEVICE_KIND_FILE, DEVICE_FIELD_NAME, text);
	}
}

/* The reasons for which a name is refused, row by row; the others end the import. */
static bool is_about_the_name(enum status status)
{
	return status_class(status) == STATUS_CLASS_peer;
}

static enum status ask(struct track_import *t, uint32_t number)
{
	struct import_device *d = &t->devices[number];
	struct buf text = buf_init(8 * NAME_BYTES_MAX);
	enum status status = text_to_utf8(t->names.names[number], &text);
	if (!status)
		status = buf_append_u8(&text, '\0');
	if (!status)
		status = find_or_make(t, (const char *)text.data, &d->id);
	buf_deinit(&text);
	if (status)
		d->id = 0;
	d->refused = status;
	return is_about_the_name(status) ? STATUS_OK : status;
}

static enum status device_of(struct track_import *t, uint32_t number, struct import_device *out)
{
	if (number >= t->device_capacity) {
		size_t capacity = t->device_capacity ? t->device_capacity * 2 : 1024;
		while (capacity <= number)
			capacity *= 2;
		struct import_device *devices = realloc(t->devices, capacity * sizeof *devices);
		if (!devices)
			return STATUS_NO_MEMORY;
		memset(devices + t->device_capacity, 0, (capacity - t->device_capacity) * sizeof *devices);
		t->devices = devices;
		t->device_capacity = capacity;
	}
	struct import_device *d = &t->devices[number];
	enum status status = d->id || d->refused ? STATUS_OK : ask(t, number);
	*out = *d;
	return status;
}

/* --- the sink --- */

enum status track_import_report(void *context, uint64_t line, uint32_t device, const struct report *r)
{
	struct track_import *t = context;
	struct import_device d;
	if (__builtin_expect(device >= t->device_capacity || !t->devices[device].id, 0)) {
		enum status status = device_of(t, device, &d);
		if (status)
			return status;
		if (d.refused) {
			struct refused refused = {line, TRACK_FIELD_DEVICE, d.refused, t->names.names[device]};
			track_import_refused(t, &refused);
			return STATUS_OK;
		}
	}
	enum status status = bulk_add(t->bulk, t->devices[device].id, r);
	t->stored += !status;
	return status;
}

void track_import_refused(void *context, const struct refused *refused)
{
	struct track_import *t = context;
	refusals_add(&t->refusals, refused);
}
