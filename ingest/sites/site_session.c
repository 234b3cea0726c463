#include "ingest/sites/site_session.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/core/clock.h"
#include "engine/core/hash.h"
#include "engine/core/log.h"
#include "ingest/sensors/gb26875.h"
#include "ingest/sensors/hj212.h"
#include "ingest/sensors/sl651.h"

#define PRINCIPAL "sites"
#define NAMES_MAX (512u << 10)
#define LATE_MS MS_PER_HOUR

static const struct {
	enum status (*next)(struct span input, struct marked_frame *out);
	site_take *take;
	uint16_t message_id; /* of what is kept in quarantine */
} protocols[SITE_PROTOCOL_COUNT] = {
	[SITE_GB26875] = {gb26875_frame_next, site_take_gb26875, 0x2687},
	[SITE_HJ212] = {hj212_frame_next, site_take_hj212, 0x0212},
	[SITE_SL651] = {sl651_frame_next, site_take_sl651, 0x0651},
};

static enum site_protocol protocol_of(const struct site_session *s)
{
	return s->config->listeners[s->listener].protocol;
}

/* --- frames, for the protocols --- */

static void frame_clear(struct site_frame *f)
{
	f->device = NULL;
	f->key[0] = f->site[0] = '\0';
	buf_clear(&f->names);
	buf_clear(&f->good);
	buf_clear(&f->bad);
	f->count = f->untold = 0;
	f->heartbeat = false;
}

enum status site_frame_who(const struct site_session *s, struct site_frame *f, struct span key)
{
	snprintf(f->key, sizeof f->key, "%.*s", (int)key.size, (const char *)key.data);
	f->device = key.size > SITE_KEY_MAX ? NULL : sites_device(s->config, s->listener, key);
	bool known = f->device || (s->config->listeners[s->listener].keep_unknown && key.size <= SITE_KEY_MAX);
	if (!known || !f->key[0])
		return STATUS_NOT_FOUND;
	snprintf(f->site, sizeof f->site, "%s", f->device ? f->device->site : f->key);
	return STATUS_OK;
}

enum status site_frame_text(struct site_frame *f, struct span text, struct value *v)
{
	if (text.size > VALUE_TEXT_MAX)
		return STATUS_TOO_LONG;
	f->text_at = (uint32_t)f->names.size;
	v->type = VALUE_TEXT;
	v->bits = (int64_t)value_text_hash(text);
	return buf_append(&f->names, text.data, text.size);
}

enum status site_frame_add(const struct site_session *s, struct site_frame *f, const struct value *v,
			   enum stream_kind kind, const char *unit, const char *format, ...)
{
	char name[QUANTITY_MAX + 1];
	va_list arguments;
	if (f->count == SITE_VALUES_MAX)
		return STATUS_FULL;
	va_start(arguments, format);
	vsnprintf(name, sizeof name, format, arguments);
	va_end(arguments);
	const struct site_quantity *said = sites_quantity(s->config, s->listener, span_of_string(name));
	struct span quantity = span_of_string(said ? said->to : name);
	struct site_value *to = &f->values[f->count];
	*to = (struct site_value){
		.value = *v, .kind = (uint8_t)kind, .unit = said && said->unit[0] ? said->unit : unit};
	if (v->type == VALUE_TEXT) {
		to->text_at = f->text_at;
		to->text_size = (uint32_t)f->names.size - f->text_at;
	}
	to->quantity_at = (uint32_t)f->names.size;
	to->quantity_size = (uint32_t)quantity.size;
	enum status status = buf_append(&f->names, quantity.data, quantity.size);
	f->count += !status;
	return status;
}

enum status site_frame_note(struct site_frame *f, struct span text)
{
	struct site_value *v = &f->values[f->count - 1];
	char clean[DEVICE_VALUE_MAX + 1];
	if (device_value_normalise(DEVICE_FIELD_NOTE, text, clean)) {
		f->untold++;
		return STATUS_OK;
	}
	v->note_at = (uint32_t)f->names.size;
	v->note_size = (uint32_t)strlen(clean);
	return buf_append(&f->names, clean, v->note_size);
}

static struct span quantity_of(const struct site_frame *f, const struct site_value *v)
{
	return span_of(f->names.data + v->quantity_at, v->quantity_size);
}

static struct span text_of(const struct site_frame *f, const struct site_value *v)
{
	return span_of(f->names.data + v->text_at, v->text_size);
}

/* --- life --- */

enum status site_session_init(struct site_session *s)
{
	s->bytes = buf_init(SITE_BYTES_MAX);
	s->frame.names = buf_init(NAMES_MAX);
	s->frame.good = buf_init(SITE_ANSWER_MAX);
	s->frame.bad = buf_init(SITE_ANSWER_MAX);
	s->packets.elements = buf_init(SITE_PACKETS_BYTES_MAX);
	s->body = values_body_init();
	for (size_t i = 0; i < SITE_PENDING_MAX; i++)
		s->pending[i].good = buf_init(SITE_ANSWER_MAX);
	s->frame.values = malloc(SITE_VALUES_MAX * sizeof *s->frame.values);
	return s->frame.values ? STATUS_OK : STATUS_NO_MEMORY;
}

void site_session_deinit(struct site_session *s)
{
	buf_deinit(&s->bytes);
	buf_deinit(&s->frame.names);
	buf_deinit(&s->frame.good);
	buf_deinit(&s->frame.bad);
	buf_deinit(&s->packets.elements);
	values_body_deinit(&s->body);
	for (size_t i = 0; i < SITE_PENDING_MAX; i++)
		buf_deinit(&s->pending[i].good);
	free(s->frame.values);
}

enum status site_session_put(struct site_session *s, struct span bytes)
{
	if (s->taken) {
		memmove(s->bytes.data, s->bytes.data + s->taken, s->bytes.size - s->taken);
		s->bytes.size -= s->taken;
		s->taken = 0;
	}
	enum status status = buf_append(&s->bytes, bytes.data, bytes.size);
	if (!status)
		site_count(s->stats, SITE_COUNT_BYTES, bytes.size);
	return status;
}

/* --- entries --- */

static void answer(struct site_session *s, const struct buf *bytes)
{
	if (!bytes->size)
		return;
	s->reply(s->context, buf_view(bytes));
	site_count(s->stats, SITE_COUNT_ANSWERED, 1);
}

static struct site_pending *slot_free(struct site_session *s)
{
	for (size_t i = 0; i < SITE_PENDING_MAX; i++)
		if (!s->pending[i].taken)
			return &s->pending[i];
	return NULL;
}

/* Count it, and keep a sample for a look. What finds no room is not kept: it was counted. */
static void refuse(struct site_session *s, struct span raw, enum status reason, int64_t now_ms)
{
	struct site_stats *st = s->stats;
	if (now_ms - st->quarantine_at_ms >= MS_PER_MINUTE || now_ms < st->quarantine_at_ms) {
		st->quarantine_at_ms = now_ms;
		st->quarantine_left = SITE_QUARANTINE_PER_MINUTE;
	}
	if (!st->quarantine_left)
		return;
	struct intake in = {.kind = INTAKE_QUARANTINE,
			    .received_ms = now_ms,
			    .message_id = protocols[protocol_of(s)].message_id,
			    .reason = reason,
			    .body = raw};
	if (s->frame.site[0])
		in.device = site_id(span_of_string(s->frame.site));
	if (s->submit(s->context, &in))
		return;
	st->quarantine_left--;
	site_count(st, SITE_COUNT_QUARANTINED, 1);
}

static void refuse_frame(struct site_session *s, struct span raw, enum status reason, int64_t now_ms)
{
	site_count(s->stats, SITE_COUNT_REFUSED, 1);
	if (reason == STATUS_NOT_FOUND)
		site_count(s->stats, SITE_COUNT_UNKNOWN, 1);
	if (reason == STATUS_DENIED)
		site_count(s->stats, SITE_COUNT_DENIED, 1);
	refuse(s, raw, reason, now_ms);
	answer(s, &s->frame.bad);
}

/* --- streams --- */

static enum status find_stream(const struct site_session *s, const struct site_value *v, uint64_t *out)
{
	return stream_find(engine_streams(s->engine), span_of_string(s->frame.site), quantity_of(&s->frame, v), out);
}

/* All values of the frame as a body. STATUS_NOT_FOUND: a stream must be made; STATUS_INVALID: no name of one. */
static enum status write_body(struct site_session *s)
{
	struct value_texts *texts = streams_texts(engine_streams(s->engine));
	enum status status = STATUS_OK;
	values_body_clear(&s->body);
	for (uint32_t i = 0; i < s->frame.count && !status; i++) {
		const struct site_value *v = &s->frame.values[i];
		struct span text = v->value.type == VALUE_TEXT ? text_of(&s->frame, v) : span_of(NULL, 0);
		uint64_t stream, hash;
		status = find_stream(s, v, &stream);
		if (!status && v->value.type == VALUE_TEXT)
			status = value_texts_add(texts, text, &hash);
		if (!status)
			status = values_body_add(&s->body, stream, &v->value, text);
	}
	return status;
}

static enum status make_stream(struct site_session *s, const struct site_value *v)
{
	struct registry_change changes[3];
	size_t count = 0;
	uint64_t stream;
	if (find_stream(s, v, &stream) != STATUS_NOT_FOUND)
		return STATUS_OK;
	if (v->kind != STREAM_GAUGE)
		changes[count++] =
			(struct registry_change){DEVICE_FIELD_STREAM_KIND, span_of_string(stream_kind_token(v->kind))};
	if (*v->unit)
		changes[count++] = (struct registry_change){DEVICE_FIELD_UNIT, span_of_string(v->unit)};
	if (v->note_size)
		changes[count++] = (struct registry_change){DEVICE_FIELD_NOTE,
							    span_of(s->frame.names.data + v->note_at, v->note_size)};
	enum status status =
		stream_put(engine_streams(s->engine), span_of_string(s->frame.site), quantity_of(&s->frame, v), changes,
			   count, VALID_ALWAYS_FROM, PRINCIPAL, true, &stream);
	s->streams_made += !status;
	return status;
}

/* A site that nobody listed says so in the registry. */
static enum status mark_unlisted(struct site_session *s, bool is_new)
{
	static const char unregistered[] = "unregistered";
	const struct registry_change state = {DEVICE_FIELD_STATE, {(const uint8_t *)unregistered, 12}};
	if (s->frame.device || !is_new)
		return STATUS_OK;
	return registry_apply_bulk(engine_registry(s->engine), site_id(span_of_string(s->frame.site)),
				   DEVICE_KIND_SENSOR, &state, 1, VALID_ALWAYS_FROM, PRINCIPAL);
}

void site_session_job_run(struct site_session *s)
{
	uint64_t site = site_id(span_of_string(s->frame.site));
	bool is_new = !registry_has(engine_registry(s->engine), site);
	enum status status = STATUS_OK;
	s->streams_made = 0;
	for (uint32_t i = 0; i < s->frame.count && !status; i++)
		status = make_stream(s, &s->frame.values[i]);
	if (!status)
		status = mark_unlisted(s, is_new);
	/* what was made is on the disk before any value of it is */
	enum status synced = store_sync(engine_store(s->engine));
	s->job_status = status ? status : synced;
}

bool site_session_job_done(struct site_session *s)
{
	site_count(s->stats, SITE_COUNT_STREAMS, s->streams_made);
	if (status_class(s->job_status) == STATUS_CLASS_system) {
		log_warn("sites", "streams of %s: %s", s->frame.site, status_text(s->job_status));
		return false;
	}
	s->stage = SITE_FRAME_READY;
	return true;
}

/* --- one frame --- */

static void count_frame(struct site_session *s, struct span raw, int64_t now_ms)
{
	uint64_t hash = hash64(raw);
	uint64_t *slot = &s->stats->seen[hash % SITE_SEEN_SLOTS];
	site_count(s->stats, SITE_COUNT_FRAMES, 1);
	site_count(s->stats, SITE_COUNT_REPEATED, *slot == hash);
	*slot = hash;
	atomic_store_explicit(&s->stats->heard_ms, now_ms, memory_order_relaxed);
}

static void count_values(struct site_session *s, int64_t now_ms)
{
	uint64_t late = 0;
	for (uint32_t i = 0; i < s->frame.count; i++)
		late += now_ms - s->frame.values[i].value.time_ms >= LATE_MS;
	site_count(s->stats, SITE_COUNT_LATE, late);
	site_count(s->stats, SITE_COUNT_VALUES, s->frame.count);
}

/* The frame at `taken` is done with. */
static void frame_done(struct site_session *s, const struct marked_frame *m)
{
	s->taken += m->consumed;
	s->stage = SITE_FRAME_NEXT;
}

static enum site_wait hand_in(struct site_session *s, const struct marked_frame *m, int64_t now_ms)
{
	struct site_pending *slot = slot_free(s);
	if (!slot)
		return SITE_WAIT_SETTLE;
	buf_clear(&slot->good);
	enum status status = buf_append(&slot->good, s->frame.good.data, s->frame.good.size);
	struct intake in = {.kind = INTAKE_VALUES,
			    .device = s->body.device,
			    .received_ms = now_ms,
			    .body = buf_view(&s->body.bytes),
			    .wants_settled = true,
			    .ticket = {{0, (uint64_t)(slot - s->pending), 0}}};
	if (!status)
		status = s->submit(s->context, &in);
	if (status)
		return SITE_WAIT_ROOM;
	slot->taken = true;
	s->pending_count++;
	count_values(s, now_ms);
	frame_done(s, m);
	return SITE_WAIT_NONE;
}

/* Values of the frame to the engine, once their streams are there. */
static enum site_wait give(struct site_session *s, const struct marked_frame *m, int64_t now_ms)
{
	if (!s->frame.count) {
		site_count(s->stats, SITE_COUNT_HEARTBEATS, 1);
		answer(s, &s->frame.good);
		frame_done(s, m);
		return SITE_WAIT_NONE;
	}
	enum status status = s->stage == SITE_FRAME_READY && s->job_status ? s->job_status : write_body(s);
	if (status == STATUS_NOT_FOUND && s->stage == SITE_FRAME_STREAMS)
		return SITE_WAIT_JOB;
	if (status == STATUS_NO_MEMORY)
		return SITE_WAIT_ROOM;
	if (!status)
		return hand_in(s, m, now_ms);
	refuse_frame(s, m->raw, status, now_ms);
	frame_done(s, m);
	return SITE_WAIT_NONE;
}

static enum site_wait take_frame(struct site_session *s, const struct marked_frame *m, int64_t now_ms)
{
	if (s->stage == SITE_FRAME_NEXT) {
		frame_clear(&s->frame);
		count_frame(s, m->raw, now_ms);
		enum status status = protocols[protocol_of(s)].take(s, m->raw, now_ms, &s->frame);
		if (status == STATUS_NO_MEMORY)
			return SITE_WAIT_ROOM;
		site_count(s->stats, SITE_COUNT_UNTOLD, s->frame.untold);
		if (status) {
			refuse_frame(s, m->raw, status, now_ms);
			frame_done(s, m);
			return SITE_WAIT_NONE;
		}
		s->stage = SITE_FRAME_STREAMS;
		s->job_status = STATUS_OK;
	}
	return give(s, m, now_ms);
}

enum site_wait site_session_run(struct site_session *s, int64_t now_ms)
{
	enum site_wait wait = SITE_WAIT_NONE;
	struct marked_frame m;
	while (wait == SITE_WAIT_NONE) {
		struct span rest = span_of(s->bytes.data + s->taken, s->bytes.size - s->taken);
		if (!rest.size)
			break;
		enum status status = protocols[protocol_of(s)].next(rest, &m);
		if (s->stage == SITE_FRAME_NEXT)
			site_count(s->stats, SITE_COUNT_SKIPPED, m.skipped.size);
		if (status == STATUS_NEED_MORE) {
			s->taken += m.consumed;
			break;
		}
		if (!status) {
			wait = take_frame(s, &m, now_ms);
			continue;
		}
		site_count(s->stats, SITE_COUNT_DAMAGED, 1);
		frame_clear(&s->frame);
		refuse(s, m.raw, status, now_ms);
		s->taken += m.consumed;
	}
	return wait;
}

void site_session_settled(struct site_session *s, const struct ticket *ticket, enum status status)
{
	struct site_pending *slot = &s->pending[ticket->words[1] % SITE_PENDING_MAX];
	if (status)
		site_count(s->stats, SITE_COUNT_FAILED, 1);
	else
		answer(s, &slot->good);
	slot->taken = false;
	s->pending_count--;
}
