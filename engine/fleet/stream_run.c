#include "engine/fleet/stream_run.h"

#include <openssl/evp.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "engine/core/log.h"
#include "engine/fleet/fleet_internal.h"
#include "engine/fleet/series.h"
#include "engine/store/keys.h"

#define STREAM_STATE_TAG 0x06
/* a stream that every rule looks at: RULES_MAX entries of a day's slots each would be far more, and nobody's */
#define STATE_BYTES_MAX (16u << 20)

/* --- what the registry says --- */

static void narrow(struct stream_subject *out, int64_t edge_ms, int64_t at_ms)
{
	if (edge_ms <= at_ms && edge_ms > out->from_ms)
		out->from_ms = edge_ms;
	if (edge_ms > at_ms && edge_ms < out->to_ms)
		out->to_ms = edge_ms;
}

/* "lon,lat" as the registry keeps it. */
static bool take_degrees(const char **at, int32_t *out_e7)
{
	struct value v;
	size_t size = strcspn(*at, ",");
	if (value_parse_number(span_of(*at, size), &v))
		return false;
	*at += size + ((*at)[size] == ',');
	int64_t e7 = v.type == VALUE_DECIMAL ? v.bits : 0;
	for (int places = 7 - v.scale; v.type == VALUE_DECIMAL && places != 0; places += places < 0 ? 1 : -1)
		e7 = places > 0 ? e7 * 10 : e7 / 10;
	*out_e7 = (int32_t)e7;
	return v.type == VALUE_DECIMAL && e7 >= -1800000000 && e7 <= 1800000000;
}

static void take_site(struct stream_run *r, const struct binding *b, struct stream_subject *out)
{
	const char *at = b->value;
	if (b->field == DEVICE_FIELD_SECTOR)
		snprintf(r->sector, sizeof r->sector, "%s", b->value);
	else if (b->field == DEVICE_FIELD_VILLAGE)
		snprintf(r->village, sizeof r->village, "%s", b->value);
	else if (b->field == DEVICE_FIELD_POSITION)
		out->has_place = take_degrees(&at, &out->lon_e7) && take_degrees(&at, &out->lat_e7);
}

static void ask_site(struct stream_run *r, int64_t time_ms, struct stream_subject *out)
{
	struct device d;
	r->sector[0] = r->village[0] = '\0';
	if (registry_device(r->engine->registry, out->site, &d))
		return;
	for (size_t i = 0; i < d.binding_count; i++) {
		const struct binding *b = &d.bindings[i];
		narrow(out, b->valid_from_ms, time_ms);
		narrow(out, b->valid_to_ms, time_ms);
		if (b->valid_from_ms <= time_ms && time_ms < b->valid_to_ms)
			take_site(r, b, out);
	}
	device_deinit(&d);
}

static void subject_of(void *registry, uint64_t stream, int64_t time_ms, struct stream_subject *out)
{
	struct stream_run *r = registry;
	struct stream *f = &r->facts;
	if (stream_at(r->engine->streams, stream, time_ms, f))
		*f = (struct stream){.id = stream, .holds_from_ms = INT64_MIN, .holds_to_ms = INT64_MAX};
	*out = (struct stream_subject){.stream = stream,
				       .site = f->site,
				       .site_number = f->site_number,
				       .quantity = f->quantity,
				       .unit = f->unit,
				       .sector = r->sector,
				       .village = r->village,
				       .has_min = f->has_min,
				       .has_max = f->has_max,
				       .has_limit = f->has_limit,
				       .has_base = f->has_base,
				       .range_min = f->range_min,
				       .range_max = f->range_max,
				       .limit = f->limit,
				       .base = f->base,
				       .interval_ms = f->interval_ms,
				       .from_ms = f->holds_from_ms,
				       .to_ms = f->holds_to_ms};
	ask_site(r, time_ms, out);
}

static struct span text_of(void *registry, uint64_t hash)
{
	const struct stream_run *r = registry;
	struct span text;
	return value_texts_find(streams_texts(r->engine->streams), hash, &text) ? (struct span){NULL, 0} : text;
}

/* --- a run --- */

enum status stream_run_init(struct stream_run *r, struct engine *e, struct judged_by *by, uint64_t stream,
			    struct stream_state *state)
{
	static atomic_uint_least64_t runs = 1;
	*r = (struct stream_run){
		.engine = e, .by = by, .stream = stream, .state = state, .first_ms = INT64_MAX, .ahead_ms = INT64_MAX};
	told_init(&r->told);
	/* of one run: what the registry says is the run's own */
	r->judged = (struct stream_context){.books = by->context.books,
					    .book_count = by->context.book_count,
					    .fences = by->fences,
					    .subject = subject_of,
					    .text = text_of,
					    .registry = r,
					    .number = atomic_fetch_add(&runs, 1)};
	return state ? STATUS_OK : stream_state_new(stream, &r->state);
}

void stream_run_deinit(struct stream_run *r)
{
	stream_state_free(r->state);
	told_deinit(&r->told);
}

bool stream_run_is_asked(struct stream_run *r)
{
	struct stream_subject s;
	subject_of(r, r->stream, INT64_MAX, &s);
	return stream_is_asked(&r->judged, s.quantity);
}

static enum status step(struct stream_run *r, const struct value *v)
{
	r->told.decided = (struct decided){v->time_ms, 0};
	if (r->first_ms == INT64_MAX)
		r->first_ms = v->time_ms;
	enum status status = stream_step(r->state, &r->judged, v, &r->told.sink);
	if (!status)
		status = r->told.status;
	r->steps++;
	if (!status && r->snapshot && r->steps % STREAM_SNAPSHOT_STEPS == 0)
		status = r->snapshot(r->context, r->state);
	return status;
}

static enum status step_all(struct stream_run *r, int64_t until_ms)
{
	int64_t last_ms = stream_state_time(r->state);
	struct series *values;
	struct value v;
	enum status status =
		series_open(r->engine, r->stream, last_ms == INT64_MIN ? INT64_MIN : last_ms + 1, INT64_MAX, &values);
	if (status)
		return status;
	while (!(status = series_next(values, &v)) && v.time_ms <= until_ms)
		if ((status = step(r, &v)))
			break;
	if (!status)
		r->ahead_ms = v.time_ms;
	series_close(values);
	return status == STATUS_END ? STATUS_OK : status;
}

enum status stream_run_to(struct stream_run *r, int64_t as_of_ms)
{
	int64_t until_ms = as_of_ms > INT64_MAX - FUTURE_SKEW_MAX_MS ? INT64_MAX : as_of_ms + FUTURE_SKEW_MAX_MS;
	enum status status = step_all(r, until_ms);
	r->told.decided = (struct decided){stream_state_time(r->state), DECIDED_BEHIND};
	if (!status)
		status = stream_open(r->state, &r->judged, as_of_ms, &r->told.sink);
	return status ? status : r->told.status;
}

/* --- digests --- */

void stream_finding_span(const struct finding *f, int64_t *from_ms, int64_t *to_ms)
{
	int64_t before_ms = f->numbers[FINDING_OTHER];
	*from_ms = before_ms == NUMBER_UNKNOWN ? f->start_ms : f->start_ms - before_ms;
	*to_ms = f->end_ms;
}

static bool digest_value(EVP_MD_CTX *md, const struct value_texts *texts, const struct value *v)
{
	uint8_t bytes[19];
	struct span text;
	store_be64(bytes, (uint64_t)v->time_ms);
	bytes[8] = v->type;
	bytes[9] = v->scale;
	bytes[10] = v->quality;
	store_be64(bytes + 11, (uint64_t)v->bits);
	if (v->type != VALUE_TEXT || value_texts_find(texts, (uint64_t)v->bits, &text))
		return EVP_DigestUpdate(md, bytes, sizeof bytes) == 1;
	bytes[11] = (uint8_t)text.size;
	return EVP_DigestUpdate(md, bytes, 12) == 1 && EVP_DigestUpdate(md, text.data, text.size) == 1;
}

static enum status digest_series(struct engine *e, const struct finding *f, EVP_MD_CTX *md)
{
	int64_t from_ms, to_ms;
	struct series *values;
	struct value v;
	stream_finding_span(f, &from_ms, &to_ms);
	enum status status = series_open(e, f->subject, from_ms, to_ms, &values);
	if (status)
		return status;
	while (!(status = series_next(values, &v)))
		if (!digest_value(md, streams_texts(e->streams), &v)) {
			status = STATUS_NO_MEMORY;
			break;
		}
	series_close(values);
	return status == STATUS_END ? STATUS_OK : status;
}

enum status stream_finding_digest(struct engine *e, struct finding *f)
{
	unsigned size = sizeof f->digest;
	memset(f->digest, 0, sizeof f->digest);
	if (f->open)
		return STATUS_OK;
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	enum status status = md && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1 ? STATUS_OK : STATUS_NO_MEMORY;
	if (!status)
		status = digest_series(e, f, md);
	if (!status && EVP_DigestFinal_ex(md, f->digest, &size) != 1)
		status = STATUS_NO_MEMORY;
	EVP_MD_CTX_free(md);
	return status;
}

/* --- rows --- */

void stream_state_key(uint64_t stream, int64_t time_ms, uint8_t out[STREAM_STATE_KEY_SIZE])
{
	out[0] = STREAM_STATE_TAG;
	store_be64(out + 1, stream);
	store_be64(out + 9, time_bias(time_ms));
}

struct latest {
	int64_t before_ms;
	struct buf value;
	bool found;
};

static enum status keep_latest(void *context, struct span key, struct span value)
{
	struct latest *l = context;
	if (key.size != STREAM_STATE_KEY_SIZE)
		return STATUS_CORRUPT;
	if (time_unbias(load_be64(key.data + 9)) >= l->before_ms)
		return STATUS_END;
	buf_clear(&l->value);
	l->found = true;
	return buf_append(&l->value, value.data, value.size);
}

enum status stream_state_before(struct store *s, uint64_t stream, int64_t before_ms, struct stream_state **out)
{
	uint8_t prefix[STREAM_STATE_KEY_SIZE];
	struct latest l = {.before_ms = before_ms, .value = buf_init(STATE_BYTES_MAX)};
	stream_state_key(stream, 0, prefix);
	enum status status = store_scan(s, STORE_STATE, span_of(prefix, 9), keep_latest, &l);
	if (status == STATUS_END)
		status = STATUS_OK;
	if (!status && !l.found)
		status = STATUS_NOT_FOUND;
	if (!status)
		status = stream_state_decode(buf_view(&l.value), out);
	if (status == STATUS_BAD_VERSION) {
		log_info("judge", "a stream's snapshot of another version is passed over");
		status = STATUS_NOT_FOUND;
	}
	buf_deinit(&l.value);
	return status;
}
