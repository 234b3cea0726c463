/* harbour.h -- a fleet in a store: an engine in a temporary folder, boats with their sources, squares as fences, and
 * positions loaded in bulk. For tests of the duty room and of its routes. */
#ifndef ZAYTON_TESTS_HARBOUR_H
#define ZAYTON_TESTS_HARBOUR_H

#include <criterion/criterion.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/fleet/engine.h"

struct harbour_world {
	char dir[64];
	struct engine *engine;
	struct bulk *bulk;
};

static inline int harbour_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static inline void harbour_open(struct harbour_world *w)
{
	struct engine_options o = engine_options_default(w->dir);
	o.create = true;
	cr_assert_eq(engine_open(&o, &w->engine), STATUS_OK);
}

static inline void harbour_begin(struct harbour_world *w)
{
	*w = (struct harbour_world){.dir = "/tmp/zayton-harbour-XXXXXX"};
	cr_assert(mkdtemp(w->dir));
	harbour_open(w);
}

static inline void harbour_end(struct harbour_world *w)
{
	engine_close(w->engine);
	nftw(w->dir, harbour_remove, 16, FTW_DEPTH | FTW_PHYS);
}

static inline void harbour_say(struct harbour_world *w, uint64_t device, enum device_kind kind, enum device_field field,
			       const char *value, int64_t from_ms)
{
	struct registry_change change = {(uint8_t)field, span_of_string(value)};
	cr_assert_eq(registry_apply(engine_registry(w->engine), device, kind, &change, 1, from_ms, "test", NULL),
		     STATUS_OK, "%s", value);
}

/* The boat "boat:HULL", of a class. */
static inline uint64_t harbour_boat(struct harbour_world *w, const char *hull, const char *class_token,
				    const char *village, const char *home_port)
{
	char plate[80];
	snprintf(plate, sizeof plate, "boat:%s", hull);
	uint64_t device = device_id(DEVICE_KIND_BOAT, span_of_string(plate));
	harbour_say(w, device, DEVICE_KIND_BOAT, DEVICE_FIELD_PLATE, plate, VALID_ALWAYS_FROM);
	harbour_say(w, device, DEVICE_KIND_BOAT, DEVICE_FIELD_CLASS, class_token, VALID_ALWAYS_FROM);
	harbour_say(w, device, DEVICE_KIND_BOAT, DEVICE_FIELD_VILLAGE, village, VALID_ALWAYS_FROM);
	harbour_say(w, device, DEVICE_KIND_BOAT, DEVICE_FIELD_HOME_PORT, home_port, VALID_ALWAYS_FROM);
	return device;
}

/* A square with its south-western corner there. */
static inline void harbour_fence(struct harbour_world *w, const char *id, const char *const *tags, int32_t lat_e7,
				 int32_t lon_e7, int32_t side_e7, int64_t from_ms, int64_t to_ms)
{
	struct geo_point corners[4] = {{lat_e7, lon_e7},
				       {lat_e7, lon_e7 + side_e7},
				       {lat_e7 + side_e7, lon_e7 + side_e7},
				       {lat_e7 + side_e7, lon_e7}};
	uint32_t end = 4;
	struct fence f = {.valid_from_ms = from_ms, .valid_to_ms = to_ms};
	snprintf(f.id, sizeof f.id, "%s", id);
	snprintf(f.name, sizeof f.name, "%s", id);
	for (; *tags; tags++)
		cr_assert_eq(tag_number(span_of_string(*tags), &f.tags[f.tag_count++]), STATUS_OK);
	for (unsigned i = 0; i < f.tag_count; i++)
		for (unsigned k = i + 1; k < f.tag_count; k++)
			if (f.tags[k] < f.tags[i]) {
				uint16_t t = f.tags[i];
				f.tags[i] = f.tags[k];
				f.tags[k] = t;
			}
	cr_assert_eq(fence_area_new(corners, &end, 1, &f.area), STATUS_OK);
	cr_assert_eq(context_put_fences(engine_context(w->engine), &f, 1), STATUS_OK, "%s", id);
	fence_area_unref(f.area);
}

/* `flags`: REPORT_FLAG_NO_FIX, REPORT_FLAG_OFFSET, REPORT_FLAG_FUTURE. */
static inline void harbour_report(struct harbour_world *w, uint64_t device, int64_t time_ms, int32_t lat_e7,
				  int32_t lon_e7, uint16_t flags)
{
	struct report r = {.time_ms = time_ms,
			   .received_ms = flags & REPORT_FLAG_FUTURE ? time_ms - 3600000 : time_ms + 60000,
			   .lat_e7 = lat_e7,
			   .lon_e7 = lon_e7,
			   .speed_dkmh = 100,
			   .course_deg = 90,
			   .altitude_m = ALTITUDE_UNKNOWN,
			   .mileage_hm = MILEAGE_UNKNOWN,
			   .body = REPORT_BODY_ROW};
	r.status = (flags & REPORT_FLAG_NO_FIX ? 0 : STATUS_BIT_FIX) |
		   (flags & REPORT_FLAG_OFFSET ? STATUS_BIT_OFFSET : 0);
	r.flags = flags;
	report_row_seal(&r);
	if (!w->bulk)
		cr_assert_eq(bulk_open(w->engine, &w->bulk), STATUS_OK);
	cr_assert_eq(bulk_add(w->bulk, device, &r), STATUS_OK);
}

/* What was reported so far is seen from now on. */
static inline void harbour_flush(struct harbour_world *w)
{
	if (w->bulk)
		cr_assert_eq(bulk_close(w->bulk), STATUS_OK);
	w->bulk = NULL;
}

#endif
