#include "ingest/platform/link_store.h"

#include <stdio.h>
#include <string.h>

#include "engine/core/clock.h"
#include "engine/store/keys.h"

#define ROW_VERSION 1
#define KEY_MAX (16 + LINK_NAME_MAX + 1 + 8)

/* --- keys --- */

static struct span key_of(uint8_t out[KEY_MAX], const char *kind, const char *name, uint64_t number, size_t number_size)
{
	uint8_t bytes[8];
	size_t size = (size_t)snprintf((char *)out, KEY_MAX, "link/%s/%s", kind, name);
	if (*name)
		size++; /* its NUL parts names of which one begins the other */
	store_be64(bytes, number);
	memcpy(out + size, bytes + 8 - number_size, number_size);
	return span_of(out, size + number_size);
}

static enum status put_row(struct store *s, struct span key, struct span value, bool sync)
{
	struct store_batch *batch;
	enum status status = store_batch_new(s, &batch);
	if (status)
		return status;
	store_batch_put(batch, STORE_META, key, value);
	status = store_commit(s, batch, sync);
	store_batch_free(batch);
	return status;
}

/* --- sessions --- */

enum status link_session_put(struct store *s, const char *link, const struct link_session *session)
{
	uint8_t key[KEY_MAX], row[1 + 5 * 8] = {ROW_VERSION};
	const uint64_t numbers[5] = {(uint64_t)session->until_ms, session->positions, session->backfilled,
				     session->refused, session->bad_frames};
	for (unsigned i = 0; i < 5; i++)
		store_be64(row + 1 + 8 * i, numbers[i]);
	return put_row(s, key_of(key, "up", link, time_bias(session->start_ms), 8), span_of(row, sizeof row), false);
}

struct session_walk {
	link_session_visit *visit;
	void *context;
	size_t prefix;
};

static enum status visit_session(void *context, struct span key, struct span value)
{
	const struct session_walk *walk = context;
	if (key.size != walk->prefix + 8 || value.size != 1 + 5 * 8 || value.data[0] != ROW_VERSION)
		return STATUS_CORRUPT;
	struct link_session session = {.start_ms = time_unbias(load_be64(key.data + walk->prefix)),
				       .until_ms = (int64_t)load_be64(value.data + 1),
				       .positions = load_be64(value.data + 9),
				       .backfilled = load_be64(value.data + 17),
				       .refused = load_be64(value.data + 25),
				       .bad_frames = load_be64(value.data + 33)};
	return walk->visit(walk->context, &session);
}

enum status link_sessions(struct store *s, const char *link, link_session_visit *visit, void *context)
{
	uint8_t key[KEY_MAX];
	struct span prefix = key_of(key, "up", link, 0, 0);
	struct session_walk walk = {visit, context, prefix.size};
	return store_scan(s, STORE_META, prefix, visit_session, &walk);
}

struct rate_walk {
	struct link_rate *rate;
	int64_t online_ms;
	int64_t counted_ms; /* sessions may overlap by what was not known of their end: counted up to here */
};

static enum status add_session(void *context, const struct link_session *s)
{
	struct rate_walk *walk = context;
	struct link_rate *r = walk->rate;
	int64_t from_ms = s->start_ms > r->from_ms ? s->start_ms : r->from_ms;
	int64_t to_ms = s->until_ms < r->to_ms ? s->until_ms : r->to_ms;
	if (s->until_ms < r->from_ms || s->start_ms >= r->to_ms)
		return STATUS_OK;
	r->sessions++;
	r->positions += s->positions;
	r->backfilled += s->backfilled;
	r->refused += s->refused;
	r->bad_frames += s->bad_frames;
	if (from_ms < walk->counted_ms)
		from_ms = walk->counted_ms;
	if (to_ms > from_ms) {
		walk->online_ms += to_ms - from_ms;
		walk->counted_ms = to_ms;
	}
	return STATUS_OK;
}

enum status link_rate_of(struct store *s, const char *link, int64_t from_ms, int64_t to_ms, struct link_rate *out)
{
	*out = (struct link_rate){.from_ms = from_ms, .to_ms = to_ms};
	struct rate_walk walk = {out, 0, INT64_MIN};
	if (from_ms >= to_ms)
		return STATUS_INVALID;
	enum status status = link_sessions(s, link, add_session, &walk);
	out->online_minutes = walk.online_ms / MS_PER_MINUTE;
	out->total_minutes = (to_ms - from_ms) / MS_PER_MINUTE;
	out->rate_e4 = (uint32_t)(walk.online_ms * 10000 / (to_ms - from_ms));
	return status;
}

/* --- asks --- */

static const struct {
	const char *token, *chinese;
	struct link_ask_wire wire;
} kinds[LINK_ASK_COUNT] = {
#define X(code, NAME, token, chinese, id, sub_id, answer) [code] = {token, chinese, {id, sub_id, answer}},
	LINK_ASK_TABLE(X)
#undef X
};

const char *link_ask_token(unsigned kind)
{
	return kind && kind < LINK_ASK_COUNT ? kinds[kind].token : "unknown";
}

const char *link_ask_chinese(unsigned kind)
{
	return kind && kind < LINK_ASK_COUNT ? kinds[kind].chinese : "未知";
}

enum status link_ask_parse(const char *token, uint8_t *out)
{
	for (unsigned i = 1; i < LINK_ASK_COUNT; i++)
		if (strcmp(token, kinds[i].token) == 0) {
			*out = i;
			return STATUS_OK;
		}
	return STATUS_NOT_FOUND;
}

struct link_ask_wire link_ask_wire(unsigned kind)
{
	return kinds[kind < LINK_ASK_COUNT ? kind : 0].wire;
}

#define ASK_NUMBERS 15
#define ASK_TEXTS 7
#define ASK_ROW_MAX (1 + 8 * ASK_NUMBERS + ASK_TEXTS * 2 + 4096)

enum status link_ask_put(struct store *s, const struct link_ask *a)
{
	uint8_t key[KEY_MAX];
	const int64_t numbers[ASK_NUMBERS] = {a->kind,       a->incoming,    a->object_type, a->level,    a->limit_min,
					      a->alarm_type, a->serial,      a->their_id,    a->asked_ms, a->due_ms,
					      a->sent_ms,    a->answered_ms, a->from_ms,     a->to_ms,    a->result};
	const char *const texts[ASK_TEXTS] = {a->link, a->plate, a->object, a->who, a->text, a->answer, a->answerer};
	struct buf row = buf_init(ASK_ROW_MAX);
	enum status status = buf_append_u8(&row, ROW_VERSION);
	for (unsigned i = 0; i < ASK_NUMBERS && !status; i++)
		status = buf_append_be64(&row, (uint64_t)numbers[i]);
	for (unsigned i = 0; i < ASK_TEXTS && !status; i++) {
		status = buf_append_be16(&row, (uint16_t)strlen(texts[i]));
		if (!status)
			status = buf_append(&row, texts[i], strlen(texts[i]));
	}
	if (!status)
		status = put_row(s, key_of(key, "ask", "", a->id, 4), buf_view(&row), true);
	buf_deinit(&row);
	return status;
}

static void take_text(struct cursor *c, char *out, size_t room)
{
	struct span text = cursor_take(c, cursor_be16(c));
	if (text.size >= room)
		c->failed = true;
	else
		memcpy(out, text.data, text.size);
}

static enum status ask_decode(uint32_t id, struct span row, struct link_ask *a)
{
	struct cursor c = cursor_of(row);
	int64_t n[ASK_NUMBERS];
	memset(a, 0, sizeof *a);
	if (cursor_u8(&c) != ROW_VERSION)
		return STATUS_BAD_VERSION;
	for (unsigned i = 0; i < ASK_NUMBERS; i++)
		n[i] = (int64_t)cursor_be64(&c);
	*a = (struct link_ask){.id = id,
			       .kind = (uint8_t)n[0],
			       .incoming = n[1] != 0,
			       .object_type = (uint8_t)n[2],
			       .level = (uint8_t)n[3],
			       .limit_min = (uint8_t)n[4],
			       .alarm_type = (uint16_t)n[5],
			       .serial = (uint32_t)n[6],
			       .their_id = (uint32_t)n[7],
			       .asked_ms = n[8],
			       .due_ms = n[9],
			       .sent_ms = n[10],
			       .answered_ms = n[11],
			       .from_ms = n[12],
			       .to_ms = n[13],
			       .result = (int32_t)n[14]};
	take_text(&c, a->link, sizeof a->link);
	take_text(&c, a->plate, sizeof a->plate);
	take_text(&c, a->object, sizeof a->object);
	take_text(&c, a->who, sizeof a->who);
	take_text(&c, a->text, sizeof a->text);
	take_text(&c, a->answer, sizeof a->answer);
	take_text(&c, a->answerer, sizeof a->answerer);
	return c.failed ? STATUS_CORRUPT : STATUS_OK;
}

struct ask_walk {
	link_ask_visit *visit;
	void *context;
};

static enum status visit_ask(void *context, struct span key, struct span value)
{
	const struct ask_walk *walk = context;
	struct link_ask a;
	if (key.size < 4)
		return STATUS_CORRUPT;
	enum status status = ask_decode(load_be32(key.data + key.size - 4), value, &a);
	return status ? status : walk->visit(walk->context, &a);
}

enum status link_asks(struct store *s, uint32_t after, link_ask_visit *visit, void *context)
{
	uint8_t prefix[KEY_MAX], start[KEY_MAX];
	struct ask_walk walk = {visit, context};
	if (after == UINT32_MAX)
		return STATUS_OK;
	enum status status = store_scan_within(s, STORE_META, key_of(prefix, "ask", "", 0, 0),
					       key_of(start, "ask", "", after + 1, 4), visit_ask, &walk);
	return status == STATUS_END ? STATUS_OK : status;
}

/* --- marks --- */

#define MARK_ROW 25

struct mark_walk {
	link_mark_visit *visit;
	void *context;
};

static enum status visit_mark(void *context, struct span key, struct span value)
{
	const struct mark_walk *walk = context;
	if (key.size < 8 || value.size != MARK_ROW || value.data[0] != ROW_VERSION)
		return STATUS_CORRUPT;
	struct link_mark m = {load_be64(key.data + key.size - 8), (int64_t)load_be64(value.data + 1),
			      load_be64(value.data + 9), (int64_t)load_be64(value.data + 17)};
	return walk->visit(walk->context, &m);
}

enum status link_marks(struct store *s, const char *link, link_mark_visit *visit, void *context)
{
	uint8_t key[KEY_MAX];
	struct mark_walk walk = {visit, context};
	return store_scan(s, STORE_META, key_of(key, "mark", link, 0, 0), visit_mark, &walk);
}

enum status link_marks_put(struct store *s, const char *link, const struct link_mark *marks, size_t count,
			   uint64_t feed)
{
	uint8_t key[KEY_MAX], row[MARK_ROW] = {ROW_VERSION};
	struct store_batch *batch;
	enum status status = store_batch_new(s, &batch);
	if (status)
		return status;
	for (size_t i = 0; i < count; i++) {
		store_be64(row + 1, (uint64_t)marks[i].time_ms);
		store_be64(row + 9, marks[i].hash);
		store_be64(row + 17, (uint64_t)marks[i].received_ms);
		store_batch_put(batch, STORE_META, key_of(key, "mark", link, marks[i].device, 8),
				span_of(row, sizeof row));
	}
	store_be64(row + 1, feed);
	store_batch_put(batch, STORE_META, key_of(key, "feed", link, 0, 0), span_of(row, 9));
	status = store_commit(s, batch, false);
	store_batch_free(batch);
	return status;
}

enum status link_feed_get(struct store *s, const char *link, uint64_t *out)
{
	uint8_t key[KEY_MAX];
	struct buf row = buf_init(64);
	enum status status = store_get(s, STORE_META, key_of(key, "feed", link, 0, 0), &row);
	*out = !status && row.size == 9 ? load_be64(row.data + 1) : 0;
	if (!status && row.size != 9)
		status = STATUS_CORRUPT;
	buf_deinit(&row);
	return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}
