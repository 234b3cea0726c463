#include "engine/fleet/commands_row.h"

#include "engine/core/writer.h"

#define ROW_VERSION 1
#define FLAG_BY_RULE 1u
#define FLAG_ANSWER 2u

/* --- names --- */

static const struct {
	const char *token, *chinese;
} states[COMMAND_STATE_COUNT] = {
#define X(code, NAME, token, chinese) [code] = {token, chinese},
	COMMAND_STATE_TABLE(X)
#undef X
};

const char *command_state_token(unsigned state)
{
	return state < COMMAND_STATE_COUNT ? states[state].token : "unknown";
}

const char *command_state_chinese(unsigned state)
{
	return state < COMMAND_STATE_COUNT ? states[state].chinese : "";
}

enum status command_state_parse(struct span text, uint8_t *out)
{
	for (unsigned i = 0; i < COMMAND_STATE_COUNT; i++)
		if (span_equal(text, span_of_string(states[i].token))) {
			*out = (uint8_t)i;
			return STATUS_OK;
		}
	return STATUS_NOT_FOUND;
}

/* --- keys --- */

struct command_key_bytes command_key(enum command_key kind, uint64_t first, uint64_t second, size_t second_size)
{
	struct command_key_bytes k = {.size = 1};
	uint8_t number[8];
	k.bytes[0] = (uint8_t)kind;
	if (kind == KEY_COUNTERS)
		return k;
	store_be64(k.bytes + 1, first);
	store_be64(number, second);
	if (second_size)
		memcpy(k.bytes + 9, number + 8 - second_size, second_size);
	k.size = 9 + second_size;
	return k;
}

/* --- rows --- */

static void put_text(struct writer *w, const char *text)
{
	size_t size = strlen(text);
	writer_be(w, size, 1);
	writer_put(w, text, size);
}

static void put_content(struct writer *w, const struct command_content *c)
{
	size_t at = w->out->size;
	writer_be(w, 0, 2);
	if (!w->status)
		w->status = command_encode(c, w->out);
	if (!w->status)
		store_be16(w->out->data + at, (uint16_t)(w->out->size - at - 2));
}

enum status command_row_encode(const struct command *c, struct buf *out)
{
	struct writer w = writer_of(out);
	writer_be(&w, ROW_VERSION, 1);
	writer_be(&w, c->device, 8);
	writer_be(&w, c->state, 1);
	writer_be(&w, c->result, 1);
	writer_be(&w, (c->by_rule ? FLAG_BY_RULE : 0) | (c->has_answer ? FLAG_ANSWER : 0), 1);
	writer_be(&w, c->violation, 8);
	writer_be(&w, (uint64_t)c->created_ms, 8);
	writer_be(&w, (uint64_t)c->not_before_ms, 8);
	writer_be(&w, (uint64_t)c->expires_ms, 8);
	writer_be(&w, (uint64_t)c->sent_ms, 8);
	writer_be(&w, (uint64_t)c->ended_ms, 8);
	writer_be(&w, c->tries, 4);
	writer_be(&w, c->events, 4);
	put_text(&w, c->who);
	put_text(&w, c->why);
	put_text(&w, c->note);
	put_content(&w, &c->content);
	if (c->has_answer)
		put_content(&w, &c->answer);
	return writer_end(&w);
}

static void take_text(struct cursor *c, char *out, size_t room)
{
	struct span text = cursor_take(c, cursor_u8(c));
	if (text.size >= room)
		c->failed = true;
	if (c->failed)
		return;
	memcpy(out, text.data, text.size);
	out[text.size] = '\0';
}

static enum status take_content(struct cursor *c, struct command_content *out)
{
	struct span bytes = cursor_take(c, cursor_be16(c));
	return c->failed ? STATUS_CORRUPT : command_decode(bytes, out);
}

enum status command_row_decode(struct span value, struct command *out)
{
	struct cursor c = cursor_of(value);
	out->has_answer = false;
	if (cursor_u8(&c) != ROW_VERSION)
		return value.size ? STATUS_BAD_VERSION : STATUS_CORRUPT;
	out->device = cursor_be64(&c);
	out->state = cursor_u8(&c);
	out->result = cursor_u8(&c);
	uint8_t flags = cursor_u8(&c);
	out->by_rule = flags & FLAG_BY_RULE;
	out->has_answer = flags & FLAG_ANSWER;
	out->violation = cursor_be64(&c);
	out->created_ms = (int64_t)cursor_be64(&c);
	out->not_before_ms = (int64_t)cursor_be64(&c);
	out->expires_ms = (int64_t)cursor_be64(&c);
	out->sent_ms = (int64_t)cursor_be64(&c);
	out->ended_ms = (int64_t)cursor_be64(&c);
	out->tries = cursor_be32(&c);
	out->events = cursor_be32(&c);
	take_text(&c, out->who, sizeof out->who);
	take_text(&c, out->why, sizeof out->why);
	take_text(&c, out->note, sizeof out->note);
	enum status status = take_content(&c, &out->content);
	if (!status && out->has_answer)
		status = take_content(&c, &out->answer);
	if (status)
		return status;
	return c.failed || cursor_left(&c) || out->state >= COMMAND_STATE_COUNT ? STATUS_CORRUPT : STATUS_OK;
}

enum status command_event_encode(const struct command_event *e, struct buf *out)
{
	struct writer w = writer_of(out);
	if (e->who.size > UINT8_MAX || e->text.size > UINT8_MAX)
		return STATUS_TOO_LONG;
	writer_be(&w, ROW_VERSION, 1);
	writer_be(&w, e->state, 1);
	writer_be(&w, e->result, 1);
	writer_be(&w, (uint64_t)e->at_ms, 8);
	writer_be(&w, e->who.size, 1);
	writer_put(&w, e->who.data, e->who.size);
	writer_be(&w, e->text.size, 1);
	writer_put(&w, e->text.data, e->text.size);
	return writer_end(&w);
}

enum status command_event_decode(struct span key, struct span value, struct command_event *out)
{
	struct cursor c = cursor_of(value);
	if (key.size != 13)
		return STATUS_CORRUPT;
	if (cursor_u8(&c) != ROW_VERSION)
		return value.size ? STATUS_BAD_VERSION : STATUS_CORRUPT;
	out->number = load_be32(key.data + 9);
	out->state = cursor_u8(&c);
	out->result = cursor_u8(&c);
	out->at_ms = (int64_t)cursor_be64(&c);
	out->who = cursor_take(&c, cursor_u8(&c));
	out->text = cursor_take(&c, cursor_u8(&c));
	return c.failed || cursor_left(&c) ? STATUS_CORRUPT : STATUS_OK;
}
