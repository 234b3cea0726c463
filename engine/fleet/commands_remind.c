/* commands_remind.c -- reminding by rule: from a finding that has just opened to a text for its driver.
 *
 *   findings' feed ── RAISED, news, its rule reminds ──> waits (remind_after) ── still so ──> command, one batch with
 *                                                                                             0x06: rule and device
 *
 * The feed is read from where the last run had got to, so that a restart neither forgets nor repeats: a finding is
 * reminded of once in its life (by rule), which the rows of its case tell. What came to light late is no reminder. */
#include "engine/fleet/commands_internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/core/clock.h"
#include "engine/core/hash.h"
#include "engine/core/limits.h"
#include "engine/core/log.h"

/* A reminder is of use while its matter is fresh: past this a terminal that was away is not told any more. */
#define REMINDER_LIFE_MS (10 * MS_PER_MINUTE)
/* how often it is kept up to where the feed was read, when nothing was asked for */
#define FEED_KEEP_MS (10 * MS_PER_SECOND)
/* feed rows read at once */
#define FEED_BITE 1024

/* --- from the feed --- */

struct raised {
	uint64_t id, feed;
	int64_t at_ms;
};
struct bite {
	struct raised raised[FEED_BITE];
	size_t count;
	uint64_t last;
};

static enum status take_feed(void *context, uint64_t feed, uint8_t event, uint64_t id, int64_t at_ms)
{
	struct bite *b = context;
	if (b->count == FEED_BITE)
		return STATUS_END;
	b->last = feed;
	if (event == CASE_EVENT_RAISED)
		b->raised[b->count++] = (struct raised){id, feed, at_ms};
	return STATUS_OK;
}

static bool grow(struct commands *c)
{
	if (c->reminder_count < c->reminder_capacity)
		return true;
	size_t capacity = c->reminder_capacity ? 2 * c->reminder_capacity : 64;
	struct reminder *list = realloc(c->reminders, capacity * sizeof *list);
	if (!list)
		return false;
	c->reminders = list;
	c->reminder_capacity = capacity;
	return true;
}

/* The rule that found it, as it stood then; NULL when it does not remind. */
static const struct rule *rule_of(const struct judged_by *by, const struct finding *f)
{
	const struct rulebook *book = NULL;
	for (uint32_t i = 0; i < by->context.book_count && by->context.books[i].from_ms <= f->found_ms; i++)
		book = by->context.books[i].book;
	const struct rule *rule = book ? rulebook_find(book, f->rule) : NULL;
	return rule && *rule->remind ? rule : NULL;
}

/* Whether a finding that was raised waits for a reminder. */
static bool take_raised(struct commands *c, const struct judged_by *by, const struct raised *r)
{
	struct violation v;
	if (violation_get(c->findings, r->id, &v) || v.late || !v.finding.device)
		return true;
	const struct rule *rule = rule_of(by, &v.finding);
	if (!rule)
		return true;
	if (c->reminder_count == REMINDERS_PENDING_MAX || !grow(c))
		return false;
	c->reminders[c->reminder_count++] = (struct reminder){r->id, r->feed, r->at_ms + rule->remind_after_ms};
	return true;
}

static void read_feed(struct commands *c, const struct judged_by *by)
{
	struct bite *b = calloc(1, sizeof *b);
	bool room = b != NULL;
	while (room && c->feed < findings_feed_last(c->findings)) {
		b->count = 0;
		b->last = c->feed;
		enum status status = findings_feed(c->findings, c->feed, take_feed, b);
		if (status || b->last == c->feed) {
			if (status)
				log_warn("commands", "the findings' feed: %s", status_text(status));
			break;
		}
		for (size_t i = 0; i < b->count && room; i++) {
			room = take_raised(c, by, &b->raised[i]);
			c->feed = room ? b->raised[i].feed : c->feed;
		}
		c->feed = room ? b->last : c->feed;
	}
	free(b);
}

/* --- words --- */

static enum status put_value(const struct finding *f, int64_t value, struct buf *out)
{
	if (value == NUMBER_UNKNOWN)
		return buf_printf(out, "-");
	switch (f->kind) {
	case RULE_OVERSPEED:
	case RULE_SECTION_SPEED:
	case RULE_COVER:
	case RULE_TWO_PLACES:
	case RULE_SPEED_MISMATCH:
		return value % 10 ? buf_printf(out, "%lld.%lld公里每小时", (long long)(value / 10),
					       (long long)(value % 10))
				  : buf_printf(out, "%lld公里每小时", (long long)(value / 10));
	case RULE_FATIGUE:
		if (value < MS_PER_HOUR)
			return buf_printf(out, "%lld分钟", (long long)(value / MS_PER_MINUTE));
		return value % MS_PER_HOUR / MS_PER_MINUTE
			       ? buf_printf(out, "%lld小时%lld分钟", (long long)(value / MS_PER_HOUR),
					    (long long)(value % MS_PER_HOUR / MS_PER_MINUTE))
			       : buf_printf(out, "%lld小时", (long long)(value / MS_PER_HOUR));
	default:
		return buf_printf(out, "%lld", (long long)value);
	}
}

/* "2:闽C12345" without its colour. */
static enum status put_plate(const struct commands *c, const struct finding *f, struct buf *out)
{
	char value[DEVICE_VALUE_MAX + 1];
	if (registry_value(c->registry, f->device, DEVICE_FIELD_PLATE, f->found_ms, value))
		return buf_printf(out, "本车");
	const char *colon = strchr(value, ':');
	return buf_printf(out, "%s", colon ? colon + 1 : value);
}

static enum status put_fence(const struct judged_by *by, const struct finding *f, struct buf *out)
{
	const struct fence *fence =
		*f->fence ? fence_set_find(by->fences, span_of_string(f->fence), f->found_ms) : NULL;
	return buf_printf(out, "%s", fence && *fence->name ? fence->name : *f->fence ? f->fence : "-");
}

static enum status put_place(const struct commands *c, const struct judged_by *by, const struct rule *rule,
			     const struct finding *f, unsigned place, struct buf *out)
{
	struct civil begin;
	switch ((enum remind_place)place) {
	case REMIND_PLATE:
		return put_plate(c, f, out);
	case REMIND_RULE:
		return buf_printf(out, "%s", rule->title_zh);
	case REMIND_LIMIT:
		return put_value(f, f->numbers[FINDING_LIMIT], out);
	case REMIND_PEAK:
		return put_value(f, f->numbers[FINDING_PEAK], out);
	case REMIND_MINUTES:
		return buf_printf(out, "%lld", (long long)((f->end_ms - f->start_ms) / MS_PER_MINUTE));
	case REMIND_FENCE:
		return put_fence(by, f, out);
	case REMIND_TIME:
		civil_from_ms(f->start_ms + CHINA_OFFSET_MS, &begin);
		return buf_printf(out, "%02u:%02u", begin.hour, begin.minute);
	case REMIND_WORDS:
		break;
	}
	return STATUS_INVALID;
}

/* Names of fences and plates are anybody's: a character that GBK lacks becomes a question mark, the words stay. */
static void make_gbk(char *text)
{
	struct span rest = span_of_string(text), bad;
	size_t size;
	while (rest.size && gbk_size(rest, &size, &bad)) {
		size_t at = (size_t)((const char *)bad.data - text);
		text[at] = '?';
		memmove(text + at + 1, text + at + bad.size, strlen(text + at + bad.size) + 1);
		rest = span_of_string(text + at + 1);
	}
}

static enum status fill(const struct commands *c, const struct judged_by *by, const struct rule *rule,
			const struct finding *f, struct command_content *out)
{
	struct span rest = span_of_string(rule->remind), words;
	struct buf text = buf_init(COMMAND_UTF8_MAX);
	enum status status = STATUS_OK;
	unsigned place;
	while (!status && remind_next(&rest, &words, &place))
		status = place == REMIND_WORDS ? buf_append(&text, words.data, words.size)
					       : put_place(c, by, rule, f, place, &text);
	memset(out, 0, sizeof *out);
	out->kind = COMMAND_TEXT;
	out->text.flags = rule->remind_flags;
	out->text.type = COMMAND_TEXT_NOTICE;
	if (!status && text.size)
		memcpy(out->text.text, text.data, text.size);
	make_gbk(out->text.text);
	buf_deinit(&text);
	return status;
}

/* --- asking --- */

static enum status find_by_rule(void *context, const struct command *row)
{
	bool *found = context;
	*found |= row->by_rule;
	return *found ? STATUS_END : STATUS_OK;
}

static struct command_key_bytes reminded_key(const struct finding *f)
{
	return command_key(KEY_REMINDED, f->device, hash64(span_of_string(f->rule)), 8);
}

/* Was this finding reminded of, or its device lately by this rule? */
static bool reminded(struct commands *c, const struct violation *v, const struct rule *rule, int64_t now_ms)
{
	bool found = false;
	struct buf at = buf_init(8);
	struct command_key_bytes key = reminded_key(&v->finding);
	enum status status = commands_of_violation(c, v->id, find_by_rule, &found);
	if (!found && (!status || status == STATUS_END) &&
	    store_get(c->store, STORE_COMMAND, command_key_view(&key), &at) == STATUS_OK && at.size == 8) {
		int64_t last_ms = (int64_t)load_be64(at.data);
		found = now_ms >= last_ms && now_ms - last_ms < rule->remind_every_ms;
	}
	buf_deinit(&at);
	return found;
}

/* Up to where the feed need not be read again: before the first that waits. */
static uint64_t feed_done(const struct commands *c)
{
	uint64_t done = c->feed;
	for (size_t i = 0; i < c->reminder_count; i++)
		if (c->reminders[i].feed <= done)
			done = c->reminders[i].feed - 1;
	return done;
}

static enum status ask(struct commands *c, const struct judged_by *by, const struct violation *v,
		       const struct rule *rule, int64_t now_ms)
{
	uint8_t at[8];
	struct command_key_bytes key = reminded_key(&v->finding);
	struct command_content *content = malloc(sizeof *content);
	struct store_batch *b = NULL;
	enum status status = content ? store_batch_new(c->store, &b) : STATUS_NO_MEMORY;
	if (!status)
		status = fill(c, by, rule, &v->finding, content);
	struct command_order order = {.device = v->finding.device,
				      .content = content,
				      .who = rule->id,
				      .why = "remind",
				      .by_rule = true,
				      .violation = v->id,
				      .expires_ms = now_ms + REMINDER_LIFE_MS};
	store_be64(at, (uint64_t)now_ms);
	if (!status) {
		store_batch_put(b, STORE_COMMAND, command_key_view(&key), span_of(at, sizeof at));
		status = commands_put(c, &order, 1, now_ms, b);
	}
	if (!status && !order.status)
		atomic_fetch_add(&c->reminded, 1);
	store_batch_free(b);
	free(content);
	return status ? status : order.status;
}

/* Still worth a reminder when it is due? What has ended is, when it was to be told at once. */
static bool stands(const struct violation *v, const struct rule *rule, int64_t due_ms, int64_t now_ms)
{
	if (v->state != CASE_PENDING || v->handled)
		return false;
	return v->finding.open || (!rule->remind_after_ms && now_ms - due_ms < REMINDER_LIFE_MS);
}

static void settle(struct commands *c, const struct judged_by *by, const struct reminder *r, int64_t now_ms)
{
	struct violation v;
	if (violation_get(c->findings, r->violation, &v))
		return;
	const struct rule *rule = rule_of(by, &v.finding);
	if (!rule || !stands(&v, rule, r->due_ms, now_ms) || reminded(c, &v, rule, now_ms))
		return;
	enum status status = ask(c, by, &v, rule, now_ms);
	if (status && status != STATUS_UNSUPPORTED)
		log_warn("commands", "the driver of finding %llu is not reminded: %s", (unsigned long long)v.id,
			 status_text(status));
}

static void settle_due(struct commands *c, const struct judged_by *by, int64_t now_ms)
{
	size_t kept = 0;
	for (size_t i = 0; i < c->reminder_count; i++) {
		if (c->reminders[i].due_ms <= now_ms)
			settle(c, by, &c->reminders[i], now_ms);
		else
			c->reminders[kept++] = c->reminders[i];
	}
	c->reminder_count = kept;
}

/* Not synced: what is read again after a crash is reminded of once all the same. */
static void keep_feed(struct commands *c, int64_t now_ms)
{
	uint64_t done = feed_done(c);
	struct store_batch *b;
	if (done == c->feed_kept || (!c->stopping && now_ms - c->feed_kept_ms < FEED_KEEP_MS) ||
	    store_batch_new(c->store, &b))
		return;
	pthread_mutex_lock(&c->write);
	commands_put_counters(c, b, done);
	if (store_commit(c->store, b, false) == STATUS_OK)
		c->feed_kept = done;
	pthread_mutex_unlock(&c->write);
	c->feed_kept_ms = now_ms;
	store_batch_free(b);
}

void commands_remind(struct commands *c, int64_t now_ms)
{
	if (c->feed >= findings_feed_last(c->findings) && !c->reminder_count) {
		keep_feed(c, now_ms);
		return;
	}
	struct judged_by *by = context_take(c->context);
	if (!by)
		return;
	read_feed(c, by);
	settle_due(c, by, now_ms);
	judged_by_release(by);
	keep_feed(c, now_ms);
}
