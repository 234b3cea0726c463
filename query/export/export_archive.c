#include "query/export/export_archive.h"

#include "engine/core/limits.h"
#include "query/export/export_track.h"
#include "query/export/json_out.h"

/* 24 bytes of time, 12 and 11 of degrees, "false", names and marks */
#define CROSSING_BYTES 88
_Static_assert(ARCHIVE_CROSSINGS_MAX *CROSSING_BYTES + 4096 <= EXPORT_ROW_BYTES_MAX, "a row fits");

enum status export_archive_begin(struct export_list *w, enum export_format format, struct buf *out)
{
	*w = (struct export_list){format, "devices", NULL, 0};
	return export_list_begin(w, out);
}

static void sight_members(struct json_out *j, const struct archive_sight *s)
{
	jout_key(j, "time");
	jout_time(j, s->time_ms);
	jout_key(j, "lon");
	jout_fixed(j, s->at.lon_e7, 7);
	jout_key(j, "lat");
	jout_fixed(j, s->at.lat_e7, 7);
}

static void sight_object(struct json_out *j, const char *key, const struct archive_sight *s)
{
	jout_key(j, key);
	jout_open(j, '{');
	sight_members(j, s);
	jout_close(j, '}');
}

static void crossing_members(struct json_out *j, const struct archive_answer *a)
{
	jout_key(j, "crossings");
	jout_open(j, '[');
	for (uint32_t i = 0; i < a->crossing_count; i++) {
		jout_open(j, '{');
		sight_members(j, &a->crossings[i].sight);
		jout_key(j, "enters");
		jout_bool(j, a->crossings[i].enters);
		jout_close(j, '}');
	}
	jout_close(j, ']');
	jout_key(j, "crossings_total");
	jout_unsigned(j, a->crossings_total);
}

enum status export_archive_row(struct export_list *w, const struct archive_answer *a, const char *name, bool crossings,
			       struct buf *out)
{
	size_t size = out->size;
	struct json_out j = json_out_init(out);
	j.comma = w->rows > 0 && w->format != EXPORT_NDJSON;
	jout_open(&j, '{');
	jout_key(&j, "device");
	jout_hex64(&j, a->device);
	jout_key(&j, "name");
	if (name)
		jout_string(&j, name);
	else
		jout_null(&j);
	jout_key(&j, "reports");
	jout_unsigned(&j, a->reports);
	sight_object(&j, "first", &a->first);
	sight_object(&j, "last", &a->last);
	if (crossings)
		crossing_members(&j, a);
	jout_close(&j, '}');
	return export_list_row_end(w, &j, out, size);
}
