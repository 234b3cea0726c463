#include "engine/duty/alarms.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/core/clock.h"
#include "engine/core/crash.h"
#include "engine/core/limits.h"
#include "engine/core/log.h"
#include "engine/duty/duty_keys.h"

#define NUMBER_KEY_SIZE 9
#define NEVER INT64_MAX
#define WHO_POLICY "policy"

const struct record_word alarm_state_words[] = {
	{"open", "待应答"}, {"acknowledged", "已应答"}, {"withdrawn", "已撤回"}, {NULL, NULL}};

static const struct record_field fields[] = {
	BOOK_FIELDS(alarm),
	RECORD(3, alarm, violation, NUMBER, 0),
	RECORD(4, alarm, device, HEX, 0),
	RECORD(5, alarm, other, HEX, 0),
	RECORD_TYPED(6, alarm, state, TOKEN, 0, alarm_state_words),
	RECORD_TYPED(7, alarm, priority, TOKEN, 0, alarm_priority_words),
	RECORD(8, alarm, severity, NUMBER, 0),
	RECORD(9, alarm, level, NUMBER, 0),
	RECORD(10, alarm, ended, FLAG, 0),
	RECORD(11, alarm, raised_ms, TIME, 0),
	RECORD(12, alarm, began_ms, TIME, 0),
	RECORD(13, alarm, due_ms, TIME, 0),
	RECORD(14, alarm, acknowledged_ms, TIME, 0),
	RECORD(15, alarm, escalated_ms, TIME, 0),
	RECORD(16, alarm, kind, TEXT, 0),
	RECORD(17, alarm, kind_zh, TEXT, 0),
	RECORD(18, alarm, rule, TEXT, 0),
	RECORD(19, alarm, policy, TEXT, 0),
	RECORD(20, alarm, name, TEXT, 0),
	RECORD(21, alarm, village, TEXT, 0),
	RECORD(22, alarm, fence, TEXT, 0),
	RECORD(23, alarm, lat_e7, DEGREES, 0),
	RECORD(24, alarm, lon_e7, DEGREES, 0),
	RECORD(25, alarm, escalated_to, TEXT, 0),
	RECORD(26, alarm, acknowledged_by, TEXT, 0),
	RECORD(27, alarm, note, TEXT, 0),
};
const struct record_kind alarm_kind = RECORD_KIND(alarm, fields);

/* An alarm that rings, and when it is escalated next (NEVER: no more). */
struct ringing {
	uint64_t id;
	int64_t next_ms;
};

struct alarms {
	struct engine *engine;
	struct alarm_policies *policies;
	pthread_mutex_t lock; /* one step at a time; guards what follows */
	struct book book;
	uint64_t cursor, saved;  /* up to where the feed was read; and in the store */
	struct ringing *ringing; /* ascending by id */
	size_t count, capacity;
	struct alarms_stats stats;
};

static struct store *store_of(const struct alarms *a)
{
	return engine_store(a->engine);
}

static void number_key(enum duty_tag tag, uint64_t number, uint8_t out[NUMBER_KEY_SIZE])
{
	out[0] = (uint8_t)tag;
	store_be64(out + 1, number);
}

/* --- what rings --- */

static int64_t next_escalation(const struct alarms *a, const struct alarm *alarm)
{
	const struct alarm_policy *p = alarm_policy_named(a->policies, alarm->policy);
	return p && alarm->level < p->escalation_count ? alarm->raised_ms + p->escalations[alarm->level].after_ms
						       : NEVER;
}

/* Ids are given in order, so a new one is the last. */
static enum status ring(struct alarms *a, const struct alarm *alarm)
{
	if (a->count == ALARMS_OPEN_MAX)
		return STATUS_FULL;
	if (a->count == a->capacity) {
		size_t capacity = a->capacity ? 2 * a->capacity : 64;
		struct ringing *grown = realloc(a->ringing, capacity * sizeof *grown);
		if (!grown)
			return STATUS_NO_MEMORY;
		a->ringing = grown;
		a->capacity = capacity;
	}
	a->ringing[a->count++] = (struct ringing){alarm->row.id, next_escalation(a, alarm)};
	return STATUS_OK;
}

static void silence(struct alarms *a, uint64_t id)
{
	for (size_t i = 0; i < a->count; i++)
		if (a->ringing[i].id == id) {
			memmove(a->ringing + i, a->ringing + i + 1, (--a->count - i) * sizeof *a->ringing);
			return;
		}
}

/* --- steps --- */

static void put_cursor(struct alarms *a, struct store_batch *b, uint64_t feed)
{
	static const uint8_t key = DUTY_FEED;
	uint8_t value[8];
	(void)a;
	store_be64(value, feed);
	store_batch_put(b, STORE_DUTY, span_of(&key, 1), span_of(value, sizeof value));
}

/* One step of an alarm with its places, and the cursor behind it when it came from the feed. */
static enum status step(struct alarms *a, struct alarm *alarm, const struct book_said *said, uint64_t feed)
{
	uint8_t of_case[NUMBER_KEY_SIZE], open[NUMBER_KEY_SIZE], id[8];
	struct store_batch *b;
	bool is_new = !alarm->row.id;
	enum status status = store_batch_new(store_of(a), &b);
	if (status)
		return status;
	status = book_put(&a->book, b, alarm, said);
	if (!status) {
		number_key(DUTY_ALARM_OF_CASE, alarm->violation, of_case);
		number_key(DUTY_ALARMS_OPEN, alarm->row.id, open);
		store_be64(id, alarm->row.id);
		if (is_new)
			store_batch_put(b, STORE_DUTY, span_of(of_case, sizeof of_case), span_of(id, sizeof id));
		if (is_new)
			store_batch_put(b, STORE_DUTY, span_of(open, sizeof open), span_of(NULL, 0));
		if (alarm->state != ALARM_OPEN)
			store_batch_delete(b, STORE_DUTY, span_of(open, sizeof open));
		if (feed)
			put_cursor(a, b, feed);
		status = store_commit(store_of(a), b, true);
	}
	crash_point("alarm_step");
	store_batch_free(b);
	if (!status && feed)
		a->saved = feed;
	if (!status && alarm->state != ALARM_OPEN)
		silence(a, alarm->row.id);
	if (!status && is_new)
		status = ring(a, alarm);
	return status;
}

/* --- from the feed --- */

static const struct rule *rule_of(const struct judged_by *by, const struct finding *f)
{
	const struct rulebook *book = NULL;
	for (uint32_t i = 0; i < by->context.book_count && by->context.books[i].from_ms <= f->start_ms; i++)
		book = by->context.books[i].book;
	return book ? rulebook_find(book, f->rule) : NULL;
}

/* Whether and as what it rings. */
static const struct alarm_policy *policy_of(const struct alarms *a, const struct violation *v, int64_t now_ms,
					    uint8_t *out_severity)
{
	const struct finding *f = &v->finding;
	const struct alarm_policy *p = NULL;
	if (v->state == CASE_WITHDRAWN || v->joined || f->found_ms < v->raised_ms - ALARM_NEWS_MS ||
	    v->raised_ms < now_ms - ALARM_STALE_MS)
		return NULL;
	struct judged_by *by = context_take(engine_context(a->engine));
	const struct rule *rule = rule_of(by, f);
	*out_severity = rule ? rule->severity : 1;
	if (!rule || rule->live)
		p = alarm_policy_of(a->policies, f->rule, rule_kind_token(f->kind),
				    registry_class(engine_registry(a->engine), f->device, f->start_ms), *out_severity);
	judged_by_release(by);
	return p;
}

static void value_of(const struct alarms *a, const struct finding *f, enum device_field field, char *out)
{
	if (!f->device || registry_value(engine_registry(a->engine), f->device, field, f->start_ms, out))
		*out = '\0';
}

static enum status raise(struct alarms *a, const struct violation *v, uint64_t feed, int64_t now_ms)
{
	uint8_t severity;
	const struct finding *f = &v->finding;
	const struct alarm_policy *p = policy_of(a, v, now_ms, &severity);
	struct alarm alarm;
	if (!p)
		return STATUS_OK;
	record_clear(&alarm_kind, &alarm);
	alarm.violation = v->id;
	alarm.device = f->device;
	alarm.other = f->other;
	alarm.priority = p->priority;
	alarm.severity = severity;
	alarm.ended = !f->open;
	alarm.raised_ms = v->raised_ms;
	alarm.began_ms = f->start_ms;
	alarm.due_ms = v->raised_ms + p->acknowledge_ms;
	alarm.lat_e7 = f->start_lat_e7;
	alarm.lon_e7 = f->start_lon_e7;
	book_text_copy(alarm.kind, sizeof alarm.kind, rule_kind_token(f->kind));
	book_text_copy(alarm.kind_zh, sizeof alarm.kind_zh, rule_kind_chinese(f->kind));
	memcpy(alarm.rule, f->rule, sizeof alarm.rule);
	memcpy(alarm.policy, p->id, sizeof alarm.policy);
	memcpy(alarm.fence, f->fence, sizeof alarm.fence);
	value_of(a, f, DEVICE_FIELD_PLATE, alarm.name);
	if (!*alarm.name)
		value_of(a, f, DEVICE_FIELD_NAME, alarm.name);
	value_of(a, f, DEVICE_FIELD_VILLAGE, alarm.village);
	enum status status = step(a, &alarm, &(struct book_said){now_ms, WHO_POLICY, "raised", p->id}, feed);
	a->stats.raised += status == STATUS_OK;
	return status;
}

static enum status find_by_case(struct alarms *a, uint64_t id, struct alarm *out)
{
	uint8_t key[NUMBER_KEY_SIZE];
	struct buf value = buf_init(8);
	number_key(DUTY_ALARM_OF_CASE, id, key);
	enum status status = store_get(store_of(a), STORE_DUTY, span_of(key, sizeof key), &value);
	if (!status)
		status = value.size == 8 ? book_get(&a->book, load_be64(value.data), out) : STATUS_CORRUPT;
	buf_deinit(&value);
	return status;
}

/* What became of a finding that rings or rang. */
static enum status follow(struct alarms *a, struct alarm *alarm, const struct violation *v, uint64_t feed,
			  int64_t now_ms)
{
	struct book_said said = {now_ms, WHO_POLICY, "ended", ""};
	bool withdrawn = v->state == CASE_WITHDRAWN || v->state == CASE_REJECTED;
	bool ended = withdrawn || !v->finding.open;
	if (alarm->state == ALARM_OPEN && withdrawn) {
		alarm->state = ALARM_WITHDRAWN;
		said.what = "withdrawn";
	} else if (alarm->state == ALARM_OPEN && v->handled) {
		alarm->state = ALARM_ACKNOWLEDGED;
		alarm->acknowledged_ms = now_ms;
		strcpy(alarm->acknowledged_by, "handled");
		said.what = "acknowledged";
	} else if (alarm->ended || !ended) {
		return STATUS_OK;
	}
	alarm->ended |= ended;
	return step(a, alarm, &said, feed);
}

struct turn {
	struct alarms *all;
	int64_t now_ms;
};

static enum status take_row(void *context, uint64_t feed, uint8_t event, uint64_t id, int64_t at_ms)
{
	struct turn *t = context;
	struct alarms *a = t->all;
	struct violation v;
	struct alarm alarm;
	(void)at_ms;
	enum status status = violation_get(engine_findings(a->engine), id, &v);
	if (!status) {
		status = find_by_case(a, id, &alarm);
		if (!status)
			status = follow(a, &alarm, &v, feed, t->now_ms);
		else if (status == STATUS_NOT_FOUND)
			status = event == CASE_EVENT_RAISED ? raise(a, &v, feed, t->now_ms) : STATUS_OK;
	}
	if (status == STATUS_NOT_FOUND)
		status = STATUS_OK;
	if (!status)
		a->cursor = feed;
	a->stats.taken++;
	return status;
}

/* --- the clock --- */

static enum status escalate(struct alarms *a, struct ringing *r, int64_t now_ms)
{
	struct alarm alarm;
	enum status status = book_get(&a->book, r->id, &alarm);
	const struct alarm_policy *p = status ? NULL : alarm_policy_named(a->policies, alarm.policy);
	if (status || !p || alarm.level >= p->escalation_count) {
		r->next_ms = NEVER;
		return status;
	}
	const char *to = p->escalations[alarm.level].to;
	alarm.level++;
	alarm.escalated_ms = now_ms;
	memcpy(alarm.escalated_to, to, sizeof alarm.escalated_to);
	status = step(a, &alarm, &(struct book_said){now_ms, WHO_POLICY, "escalated", to}, 0);
	if (!status)
		r->next_ms = next_escalation(a, &alarm);
	a->stats.escalated += status == STATUS_OK;
	return status;
}

static enum status save_cursor(struct alarms *a)
{
	struct store_batch *b;
	enum status status = store_batch_new(store_of(a), &b);
	if (status)
		return status;
	put_cursor(a, b, a->cursor);
	status = store_commit(store_of(a), b, false);
	store_batch_free(b);
	if (!status)
		a->saved = a->cursor;
	return status;
}

enum status alarms_run(struct alarms *a, int64_t now_ms)
{
	struct turn t = {a, now_ms};
	pthread_mutex_lock(&a->lock);
	enum status status = findings_feed(engine_findings(a->engine), a->cursor, take_row, &t);
	if (a->cursor != a->saved) {
		enum status saved = save_cursor(a);
		status = status ? status : saved;
	}
	/* one alarm may be due more than once after a long stop */
	for (size_t i = 0; i < a->count && !status; i++)
		while (a->ringing[i].next_ms <= now_ms && !status)
			status = escalate(a, &a->ringing[i], now_ms);
	a->stats.failed += status != STATUS_OK;
	pthread_mutex_unlock(&a->lock);
	return status;
}

/* --- opening --- */

static enum status load_open(void *context, struct span key, struct span value)
{
	struct alarms *a = context;
	struct alarm alarm;
	(void)value;
	if (key.size != NUMBER_KEY_SIZE)
		return STATUS_CORRUPT;
	enum status status = book_get(&a->book, load_be64(key.data + 1), &alarm);
	return status ? status : ring(a, &alarm);
}

static enum status load(struct alarms *a)
{
	static const uint8_t feed = DUTY_FEED, open = DUTY_ALARMS_OPEN;
	struct buf value = buf_init(8);
	enum status status = store_get(store_of(a), STORE_DUTY, span_of(&feed, 1), &value);
	if (!status)
		a->cursor = a->saved = value.size == 8 ? load_be64(value.data) : 0;
	buf_deinit(&value);
	if (status && status != STATUS_NOT_FOUND)
		return status;
	status = book_open(store_of(a), DUTY_ALARMS, &alarm_kind, &a->book);
	return status ? status : store_scan(store_of(a), STORE_DUTY, span_of(&open, 1), load_open, a);
}

enum status alarms_open(struct engine *e, struct alarm_policies *policies, struct alarms **out)
{
	struct alarms *a = calloc(1, sizeof *a);
	if (!a) {
		alarm_policies_free(policies);
		return STATUS_NO_MEMORY;
	}
	a->engine = e;
	a->policies = policies;
	pthread_mutex_init(&a->lock, NULL);
	enum status status = load(a);
	if (status)
		alarms_close(a);
	else
		*out = a;
	return status;
}

void alarms_close(struct alarms *a)
{
	if (!a)
		return;
	alarm_policies_free(a->policies);
	pthread_mutex_destroy(&a->lock);
	free(a->ringing);
	free(a);
}

/* --- people's side --- */

enum status alarms_acknowledge(struct alarms *a, uint64_t id, const char *who, const char *note, int64_t now_ms)
{
	struct alarm alarm;
	if (!*who)
		return STATUS_INVALID;
	pthread_mutex_lock(&a->lock);
	enum status status = book_get(&a->book, id, &alarm);
	if (!status && alarm.state != ALARM_OPEN)
		status = STATUS_CONFLICT;
	if (!status) {
		alarm.state = ALARM_ACKNOWLEDGED;
		alarm.acknowledged_ms = now_ms;
		book_text_copy(alarm.acknowledged_by, sizeof alarm.acknowledged_by, who);
		book_text_copy(alarm.note, sizeof alarm.note, note);
		status = step(a, &alarm, &(struct book_said){now_ms, who, "acknowledged", note}, 0);
	}
	a->stats.acknowledged += status == STATUS_OK;
	pthread_mutex_unlock(&a->lock);
	return status;
}

enum status alarms_get(struct alarms *a, uint64_t id, struct alarm *out)
{
	return book_get(&a->book, id, out);
}

enum status alarms_list(struct alarms *a, uint64_t before, book_visit *visit, void *context)
{
	struct alarm row;
	return book_list(&a->book, before, &row, visit, context);
}

enum status alarms_history(struct alarms *a, uint64_t id, book_event_visit *visit, void *context)
{
	return book_history(&a->book, id, visit, context);
}

size_t alarms_open_count(struct alarms *a)
{
	pthread_mutex_lock(&a->lock);
	size_t count = a->count;
	pthread_mutex_unlock(&a->lock);
	return count;
}

/* --- how fast --- */

struct timing {
	int64_t from_ms, to_ms;
	struct alarm_times *out;
	struct buf taken_ms; /* int64_t each */
};

/* Raised instants follow the feed, and so do ids but for what raced: the walk goes on for a while past the first that
 * is too early. */
#define TIMING_SLACK_MS (INT64_C(24) * 3600000)

static enum status take_times(void *context, const void *row)
{
	struct timing *t = context;
	const struct alarm *a = row;
	if (a->raised_ms < t->from_ms - TIMING_SLACK_MS)
		return STATUS_END;
	if (a->raised_ms < t->from_ms || a->raised_ms >= t->to_ms)
		return STATUS_OK;
	t->out->raised++;
	t->out->open += a->state == ALARM_OPEN;
	t->out->withdrawn += a->state == ALARM_WITHDRAWN;
	t->out->escalated += a->level != 0;
	if (a->state != ALARM_ACKNOWLEDGED)
		return STATUS_OK;
	int64_t took_ms = a->acknowledged_ms - a->raised_ms;
	t->out->acknowledged++;
	t->out->in_time += a->acknowledged_ms <= a->due_ms;
	return buf_append(&t->taken_ms, &took_ms, sizeof took_ms);
}

static int by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

/* The least value that at least so many hundredths do not pass (nearest rank). */
static int64_t percentile(const int64_t *values, size_t count, size_t percent)
{
	return values[(count * percent + 99) / 100 - 1];
}

enum status alarms_times(struct alarms *a, int64_t from_ms, int64_t to_ms, struct alarm_times *out)
{
	struct timing t = {from_ms, to_ms, out, buf_init(ALARM_TIMES_MAX * sizeof(int64_t))};
	*out = (struct alarm_times){.p50_ms = INT64_MIN, .p90_ms = INT64_MIN, .p99_ms = INT64_MIN, .max_ms = INT64_MIN};
	enum status status = alarms_list(a, 0, take_times, &t);
	size_t count = t.taken_ms.size / sizeof(int64_t);
	int64_t *values = (int64_t *)(void *)t.taken_ms.data;
	if (!status && count) {
		qsort(values, count, sizeof *values, by_value);
		out->p50_ms = percentile(values, count, 50);
		out->p90_ms = percentile(values, count, 90);
		out->p99_ms = percentile(values, count, 99);
		out->max_ms = values[count - 1];
	}
	buf_deinit(&t.taken_ms);
	return status;
}

const struct alarms_stats *alarms_stats(const struct alarms *a)
{
	return &a->stats;
}
