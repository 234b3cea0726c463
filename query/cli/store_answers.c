#include "query/cli/store_answers.h"

#include <stdlib.h>

#include "engine/core/clock.h"
#include "engine/fleet/connections.h"
#include "query/export/export_devices.h"
#include "query/export/export_sessions.h"
#include "query/export/export_track.h"
#include "query/export/thin.h"

#define FLUSH_BYTES (256u << 10)
#define BATCH 256

static struct buf room_for_rows(void)
{
	return buf_init(FLUSH_BYTES + 2 * EXPORT_ROW_BYTES_MAX + EXPORT_LINE_MAX * 32);
}

static enum status flush_some(struct buf *text, FILE *out)
{
	return text->size > FLUSH_BYTES ? asked_flush(text, out) : STATUS_OK;
}

static void complain(struct span device, enum status status)
{
	fprintf(stderr, "zayton query: %.*s: %s\n", (int)device.size, (const char *)device.data, status_text(status));
}

/* --- last positions --- */

static enum status put_last(struct engine *e, struct export_list *w, const struct last *last, struct buf *text,
			    FILE *out)
{
	struct export_position p;
	export_position_describe(&p, engine_registry(e), last, clock_now_ms());
	enum status status = export_position_row(w, &p, text);
	return status ? status : flush_some(text, out);
}

static enum status put_all_last(struct engine *e, const struct question *q, struct export_list *w, struct buf *text,
				FILE *out)
{
	uint64_t after = 0;
	size_t count;
	struct last *batch = malloc(BATCH * sizeof *batch);
	enum status status = batch ? STATUS_OK : STATUS_NO_MEMORY;
	while (!status) {
		count = q->has_box ? engine_last_in_box(e, q->lat_min_e7, q->lon_min_e7, q->lat_max_e7, q->lon_max_e7,
							after, batch, BATCH)
				   : engine_last_list(e, after, batch, BATCH);
		if (!count)
			break;
		for (size_t i = 0; i < count && !status; i++)
			status = put_last(e, w, &batch[i], text, out);
		after = batch[count - 1].device;
	}
	free(batch);
	return status;
}

static enum status put_named_last(struct engine *e, const struct question *q, struct export_list *w, struct buf *text,
				  FILE *out, enum status *missing)
{
	struct span rest = q->devices;
	enum status status = STATUS_OK;
	while (rest.size && !status) {
		uint64_t device;
		struct last last;
		struct span one = asked_first(rest, &rest);
		enum status found = asked_device(engine_registry(e), one, &device);
		if (!found)
			found = engine_last(e, device, &last);
		if (found) {
			complain(one, found);
			*missing = found;
		} else {
			status = put_last(e, w, &last, text, out);
		}
	}
	return status;
}

enum status answer_last(struct engine *e, const struct question *q, FILE *out)
{
	struct export_list w = {.format = q->format};
	struct buf text = room_for_rows();
	enum status missing = STATUS_OK, status = export_positions_begin(&w, q->format, &text);
	if (!status)
		status = q->devices.size ? put_named_last(e, q, &w, &text, out, &missing)
					 : put_all_last(e, q, &w, &text, out);
	if (!status)
		status = export_list_end(&w, NULL, &text);
	if (!status)
		status = asked_flush(&text, out);
	buf_deinit(&text);
	return status ? status : missing;
}

/* --- a track --- */

static enum status put_thinned(struct export_track *w, struct track *t, size_t points, struct buf *text, FILE *out)
{
	struct thin thin;
	struct report r;
	const struct report *kept;
	size_t count;
	enum status status = thin_init(&thin, points);
	if (status)
		return status;
	while (!(status = track_next(t, &r)))
		thin_add(&thin, &r);
	thin_finish(&thin, &kept, &count);
	status = status == STATUS_END ? STATUS_OK : status;
	for (size_t i = 0; i < count && !status; i++) {
		status = export_track_row(w, &kept[i], text);
		if (!status)
			status = flush_some(text, out);
	}
	thin_deinit(&thin);
	return status;
}

static enum status put_track(struct export_track *w, struct track *t, struct buf *text, FILE *out)
{
	struct report r;
	enum status status;
	while (!(status = track_next(t, &r)))
		if ((status = export_track_row(w, &r, text)) || (status = flush_some(text, out)))
			return status;
	return status == STATUS_END ? STATUS_OK : status;
}

static enum status write_track(struct engine *e, const struct question *q, uint64_t device, struct track *t, FILE *out)
{
	struct export_track w;
	char title[DEVICE_VALUE_MAX + 1];
	struct buf text = room_for_rows();
	struct export_track_options options = {.format = q->format,
					       .device = device,
					       .title = export_title(engine_registry(e), device, q->to_ms, title),
					       .from_ms = q->from_ms,
					       .to_ms = q->to_ms,
					       .items = q->items,
					       .body = q->body,
					       .line = q->line};
	enum status status = export_track_begin(&w, &options, &text);
	if (!status)
		status = q->points ? put_thinned(&w, t, q->points, &text, out) : put_track(&w, t, &text, out);
	if (!status)
		status = export_track_end(&w, NULL, &text);
	if (!status)
		status = asked_flush(&text, out);
	export_track_deinit(&w);
	buf_deinit(&text);
	return status;
}

enum status answer_track(struct engine *e, const struct question *q, FILE *out)
{
	uint64_t device;
	struct track *t;
	enum status status = asked_device(engine_registry(e), q->devices, &device);
	if (status) {
		complain(q->devices, status);
		return status;
	}
	status = asked_audit(e, "track", device, q->from_ms, q->to_ms, q->case_number);
	if (!status)
		status = track_open(e, device, q->from_ms, q->to_ms, &t);
	if (status)
		return status;
	status = write_track(e, q, device, t, out);
	track_close(t);
	return status;
}

/* --- sessions --- */

struct session_walk {
	struct export_list w;
	struct buf *text;
	FILE *out;
};

static enum status put_session(void *context, const struct connection *c)
{
	struct session_walk *w = context;
	enum status status = export_session_row(&w->w, c, w->text);
	return status ? status : flush_some(w->text, w->out);
}

enum status answer_sessions(struct engine *e, const struct question *q, FILE *out)
{
	uint64_t device;
	enum status status = asked_device(engine_registry(e), q->devices, &device);
	if (status) {
		complain(q->devices, status);
		return status;
	}
	struct buf text = room_for_rows();
	struct session_walk w = {.text = &text, .out = out};
	status = asked_audit(e, "sessions", device, q->from_ms, q->to_ms, q->case_number);
	if (!status)
		status = export_sessions_begin(&w.w, q->format, &text);
	if (!status)
		status = engine_connections(e, device, q->from_ms, q->to_ms, put_session, &w);
	if (!status)
		status = export_list_end(&w.w, NULL, &text);
	if (!status)
		status = asked_flush(&text, out);
	buf_deinit(&text);
	return status;
}

/* --- devices --- */

static enum status put_device(struct engine *e, struct export_list *w, uint64_t id, struct buf *text, FILE *out)
{
	struct device d;
	enum status status = registry_device(engine_registry(e), id, &d);
	if (status)
		return status;
	status = export_device_row(w, &d, clock_now_ms(), text);
	device_deinit(&d);
	return status ? status : flush_some(text, out);
}

enum status answer_devices(struct engine *e, const struct question *q, FILE *out)
{
	struct export_list w = {.format = q->format};
	struct buf text = room_for_rows();
	uint64_t ids[BATCH], after = 0;
	size_t count;
	enum status status = export_devices_begin(&w, q->format, &text);
	while (!status && (count = registry_list(engine_registry(e), after, ids, BATCH))) {
		for (size_t i = 0; i < count && !status; i++)
			status = put_device(e, &w, ids[i], &text, out);
		after = ids[count - 1];
	}
	if (!status)
		status = export_list_end(&w, NULL, &text);
	if (!status)
		status = asked_flush(&text, out);
	buf_deinit(&text);
	return status;
}
