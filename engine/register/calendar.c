/* calendar.c -- opening, one deed, enterprises, and what is written of itself: reminders and delays. */
#include "engine/register/calendar.h"

#include <stdio.h>

#include "engine/core/hash.h"
#include "engine/core/log.h"
#include "engine/core/utf8.h"
#include "engine/register/calendar_state.h"

#define SUBJECT_VERSION 1

/* --- keys --- */

static struct span deed_key(uint64_t id, uint32_t number, uint8_t key[13])
{
	key[0] = ENTRY_TASK;
	store_be64(key + 1, id);
	store_be32(key + 9, number);
	return span_of(key, 13);
}

static struct span notice_key(uint64_t sequence, uint8_t key[9])
{
	key[0] = ENTRY_NOTICE;
	store_be64(key + 1, sequence);
	return span_of(key, 9);
}

static struct span subject_key(uint64_t sequence, uint8_t key[9])
{
	key[0] = ENTRY_SUBJECT;
	store_be64(key + 1, sequence);
	return span_of(key, 9);
}

/* --- enterprises --- */

static size_t subject_bound(const struct calendar *c, struct span name)
{
	size_t from = 0, to = c->subject_count;
	while (from < to) {
		size_t middle = from + (to - from) / 2;
		struct span other = span_of_string(c->subjects[middle].name);
		size_t shared = other.size < name.size ? other.size : name.size;
		int order = shared ? memcmp(other.data, name.data, shared) : 0;
		if (order < 0 || (!order && other.size < name.size))
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

static bool is_subject(const struct calendar *c, size_t at, struct span name)
{
	return at < c->subject_count && span_equal(span_of_string(c->subjects[at].name), name);
}

static enum status subject_room(struct calendar *c, struct span name)
{
	if (is_subject(c, subject_bound(c, name), name) || c->subject_count < c->subject_capacity)
		return STATUS_OK;
	if (c->subject_count == CALENDAR_SUBJECTS_MAX)
		return STATUS_FULL;
	size_t capacity = c->subject_capacity ? 2 * c->subject_capacity : 64;
	struct subject *items = realloc(c->subjects, capacity * sizeof *items);
	if (!items)
		return STATUS_NO_MEMORY;
	c->subjects = items;
	c->subject_capacity = capacity;
	return STATUS_OK;
}

static void subject_free(struct subject *s)
{
	free(s->name);
	free(s->village);
	free(s->sector);
}

static enum status subject_copy(const struct calendar_subject *s, struct subject *out)
{
	*out = (struct subject){.name = entry_copy(s->name),
				.village = entry_copy(s->village),
				.sector = entry_copy(s->sector),
				.risk = s->risk,
				.high_risk = s->high_risk,
				.since_day = s->since_day,
				.until_day = s->until_day};
	if (out->name && out->village && out->sector)
		return STATUS_OK;
	subject_free(out);
	return STATUS_NO_MEMORY;
}

/* There is room; takes `copy` over. */
static void subject_put(struct calendar *c, struct subject copy)
{
	struct span name = span_of_string(copy.name);
	size_t at = subject_bound(c, name);
	if (is_subject(c, at, name)) {
		subject_free(&c->subjects[at]);
	} else {
		memmove(c->subjects + at + 1, c->subjects + at, (c->subject_count - at) * sizeof *c->subjects);
		c->subject_count++;
	}
	c->subjects[at] = copy;
	c->subject_sequence++;
}

/* version 1 | actor | name | village | sector | risk 1 | high risk 1 | since 4 | until 4 */
static enum status subject_encode(const struct calendar_subject *s, const struct hazard_actor *actor, int64_t at_ms,
				  struct buf *out)
{
	const struct span texts[] = {s->name, s->village, s->sector};
	enum status status = buf_append_u8(out, SUBJECT_VERSION);
	if (!status)
		status = entry_put_actor(out, actor, at_ms);
	for (size_t i = 0; i < 3 && !status; i++)
		status = entry_put(out, texts[i]);
	if (!status)
		status = buf_append_u8(out, s->risk);
	if (!status)
		status = buf_append_u8(out, s->high_risk);
	if (!status)
		status = buf_append_be32(out, (uint32_t)s->since_day);
	return status ? status : buf_append_be32(out, (uint32_t)s->until_day);
}

static enum status subject_decode(struct span row, struct calendar_subject *out)
{
	struct cursor c = cursor_of(row);
	struct hazard_actor actor;
	int64_t at_ms;
	if (cursor_u8(&c) != SUBJECT_VERSION)
		return STATUS_BAD_VERSION;
	entry_take_actor(&c, &actor, &at_ms);
	out->name = entry_take(&c);
	out->village = entry_take(&c);
	out->sector = entry_take(&c);
	out->risk = cursor_u8(&c);
	out->high_risk = cursor_u8(&c);
	out->since_day = (int32_t)cursor_be32(&c);
	out->until_day = (int32_t)cursor_be32(&c);
	return c.failed || cursor_left(&c) || out->risk >= CALENDAR_RISK_COUNT ? STATUS_CORRUPT : STATUS_OK;
}

static bool may_set_subjects(unsigned role)
{
	return role == HAZARD_ROLE_OFFICE || role == HAZARD_ROLE_CLERK;
}

static enum status look_at_text(struct span text, size_t max)
{
	return text.size > max ? STATUS_TOO_LONG : utf8_printable(text) ? STATUS_OK : STATUS_MALFORMED;
}

static enum status subject_commit(struct calendar *c, const struct calendar_subject *s,
				  const struct hazard_actor *actor, int64_t at_ms)
{
	uint8_t key[9];
	struct subject copy = {.name = NULL};
	struct buf row = buf_init(ENTRY_BYTES_MAX);
	pthread_rwlock_wrlock(&c->lock);
	enum status status = subject_room(c, s->name);
	pthread_rwlock_unlock(&c->lock);
	if (!status)
		status = subject_encode(s, actor, at_ms, &row);
	if (!status)
		status = subject_copy(s, &copy);
	if (status) {
		buf_deinit(&row);
		return status;
	}
	status = entry_commit(c->store, subject_key(c->subject_sequence + 1, key), buf_view(&row), NULL);
	pthread_rwlock_wrlock(&c->lock);
	if (status)
		subject_free(&copy);
	else
		subject_put(c, copy);
	pthread_rwlock_unlock(&c->lock);
	buf_deinit(&row);
	return status;
}

enum status calendar_subject_set(struct calendar *c, const struct calendar_subject *s, const struct hazard_actor *actor,
				 int64_t at_ms)
{
	const struct span texts[] = {s->name, s->village, s->sector};
	enum status status = may_set_subjects(actor->role) ? STATUS_OK : STATUS_DENIED;
	for (size_t i = 0; i < 3 && !status; i++)
		status = look_at_text(texts[i], CALENDAR_TEXT_MAX);
	if (!status && !s->name.size)
		status = STATUS_INVALID;
	if (!status &&
	    (s->risk >= CALENDAR_RISK_COUNT ||
	     (s->until_day != HAZARD_DAY_NONE && s->since_day != HAZARD_DAY_NONE && s->until_day < s->since_day)))
		status = STATUS_OUT_OF_RANGE;
	if (status)
		return status;
	pthread_mutex_lock(&c->doing);
	status = subject_commit(c, s, actor, at_ms);
	pthread_mutex_unlock(&c->doing);
	return status;
}

enum status calendar_subjects(struct calendar *c, calendar_subject_visit *visit, void *context)
{
	enum status status = STATUS_OK;
	pthread_rwlock_rdlock(&c->lock);
	for (size_t i = 0; i < c->subject_count && !status; i++) {
		const struct subject *s = &c->subjects[i];
		const struct calendar_subject view = {span_of_string(s->name),
						      span_of_string(s->village),
						      span_of_string(s->sector),
						      s->risk,
						      s->high_risk,
						      s->since_day,
						      s->until_day};
		status = visit(context, &view);
	}
	pthread_rwlock_unlock(&c->lock);
	return status;
}

/* --- opening --- */

static enum status load_deed(void *context, struct span key, struct span value)
{
	struct calendar *c = context;
	struct calendar_deed d;
	struct deed_copies k;
	if (key.size != 13)
		return STATUS_CORRUPT;
	uint64_t id = load_be64(key.data + 1);
	const struct standing *s = standing_find(c, id);
	enum status status = calendar_deed_decode(value, &d);
	d.number = load_be32(key.data + 9);
	if (!status && d.number != (s ? s->deeds : 0) + 1)
		status = STATUS_CORRUPT;
	if (!status)
		status = calendar_fold_prepare(c, id, &d, &k);
	if (!status)
		calendar_fold(c, id, &d, &k);
	return status;
}

static enum status load_subject(void *context, struct span key, struct span value)
{
	struct calendar *c = context;
	struct calendar_subject s;
	struct subject copy = {.name = NULL};
	if (key.size != 9 || load_be64(key.data + 1) != c->subject_sequence + 1)
		return STATUS_CORRUPT;
	enum status status = subject_decode(value, &s);
	if (!status)
		status = subject_room(c, s.name);
	if (!status)
		status = subject_copy(&s, &copy);
	if (!status)
		subject_put(c, copy);
	return status;
}

static enum status load_notice(void *context, struct span key, struct span value)
{
	struct calendar *c = context;
	if (key.size != 9 || value.size != 12 || load_be64(key.data + 1) != c->notice_sequence + 1)
		return STATUS_CORRUPT;
	c->notice_sequence++;
	return STATUS_OK;
}

enum status calendar_open(struct store *s, struct calendar_rules *rules, struct figures *figures, struct calendar **out)
{
	struct calendar *c = calloc(1, sizeof *c);
	if (!c) {
		calendar_rules_free(rules);
		return STATUS_NO_MEMORY;
	}
	c->store = s;
	c->rules = rules;
	c->figures = figures;
	pthread_mutex_init(&c->doing, NULL);
	pthread_rwlock_init(&c->lock, NULL);
	enum status status = entry_walk(s, ENTRY_TASK, load_deed, c);
	if (!status)
		status = entry_walk(s, ENTRY_SUBJECT, load_subject, c);
	if (!status)
		status = entry_walk(s, ENTRY_NOTICE, load_notice, c);
	if (status) {
		log_error("calendar", "a row cannot be read: %s", status_text(status));
		calendar_close(c);
	} else {
		*out = c;
	}
	return status;
}

void calendar_close(struct calendar *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->standing_count; i++) {
		struct standing *s = &c->standing[i];
		for (unsigned f = 0; f < TASK_FIELD_COUNT; f++)
			free(s->texts[f]);
		free(s->who);
		free(s->note);
		free(s->evidence);
	}
	for (size_t i = 0; i < c->subject_count; i++)
		subject_free(&c->subjects[i]);
	free(c->standing);
	free(c->subjects);
	calendar_rules_free(c->rules);
	pthread_rwlock_destroy(&c->lock);
	pthread_mutex_destroy(&c->doing);
	free(c);
}

/* --- one deed --- */

/* What of a task decides whether a deed is allowed, and what a deed of a rule's task keeps of it. */
struct copy_of_task {
	struct calendar_task task;
	char texts[TASK_FIELD_COUNT][CALENDAR_TEXT_MAX + 1];
	bool of_rule;
};

static enum status copy_task(void *context, const struct calendar_task *t)
{
	struct copy_of_task *k = context;
	k->task = *t;
	k->of_rule = t->rule != NULL;
	for (unsigned i = 1; i < TASK_FIELD_COUNT; i++) {
		size_t size = t->texts[i].size;
		if (size > CALENDAR_TEXT_MAX)
			return STATUS_CORRUPT;
		if (size)
			memcpy(k->texts[i], t->texts[i].data, size);
		k->texts[i][size] = '\0';
		k->task.texts[i] = span_of(k->texts[i], size);
	}
	return STATUS_OK;
}

static bool may_do(const struct calendar_order *o, const struct copy_of_task *k, uint8_t *out)
{
	unsigned role = o->actor.role;
	bool office = role == HAZARD_ROLE_OFFICE;
	*out = TASK_REFUSAL_ROLE;
	if (office)
		return true;
	if ((o->deed != TASK_DEED_DONE && o->deed != TASK_DEED_NOTE) || role == HAZARD_ROLE_SYSTEM ||
	    role == HAZARD_ROLE_AUDITOR || role == HAZARD_ROLE_ADMINISTRATOR)
		return false;
	*out = TASK_REFUSAL_NOT_OWN;
	unsigned whose = role == HAZARD_ROLE_ENTERPRISE ? TASK_FIELD_SUBJECT : TASK_FIELD_UNIT;
	return *o->actor.unit && strcmp(k->texts[whose], o->actor.unit) == 0;
}

static uint8_t refusal_of_state(const struct calendar_order *o, const struct copy_of_task *k)
{
	bool ended = k->task.state == TASK_DONE || k->task.state == TASK_DONE_LATE || k->task.state == TASK_WAIVED;
	int32_t start = o->start_day != HAZARD_DAY_NONE ? o->start_day : k->task.start_day;
	int32_t due = o->due_day != HAZARD_DAY_NONE ? o->due_day : k->task.due_day;
	if (o->deed == TASK_DEED_AMEND && k->of_rule)
		return TASK_REFUSAL_OF_RULE;
	if (o->deed != TASK_DEED_NOTE && (o->deed == TASK_DEED_REOPEN) != ended)
		return TASK_REFUSAL_STATE;
	if ((o->deed == TASK_DEED_WAIVE || o->deed == TASK_DEED_REOPEN || o->deed == TASK_DEED_NOTE) && !o->note.size)
		return TASK_REFUSAL_NOTE;
	if (o->deed == TASK_DEED_AMEND && start != HAZARD_DAY_NONE && start > due)
		return TASK_REFUSAL_DAY;
	if (o->deed == TASK_DEED_DONE && o->day != HAZARD_DAY_NONE && o->day > hazard_day(o->at_ms))
		return TASK_REFUSAL_DAY;
	return TASK_REFUSAL_NONE;
}

static enum status look_at_order(const struct calendar_order *o)
{
	enum status status = look_at_text(o->note, HAZARD_NOTE_MAX);
	if (!status)
		status = look_at_text(o->evidence, UINT8_MAX);
	for (unsigned i = 1; i < TASK_FIELD_COUNT && !status; i++) {
		if (o->texts[i].data && i >= TASK_FIELD_RULE)
			return STATUS_INVALID;
		status = look_at_text(o->texts[i], CALENDAR_TEXT_MAX);
	}
	return status;
}

static enum status commit(struct calendar *c, uint64_t id, const struct calendar_deed *d)
{
	uint8_t key[13];
	struct deed_copies k;
	struct buf row = buf_init(ENTRY_BYTES_MAX);
	enum status status = d->number > CALENDAR_DEEDS_MAX ? STATUS_FULL : calendar_deed_encode(d, &row);
	if (!status) {
		pthread_rwlock_wrlock(&c->lock);
		status = calendar_fold_prepare(c, id, d, &k);
		pthread_rwlock_unlock(&c->lock);
	}
	if (status) {
		buf_deinit(&row);
		return status;
	}
	bool tells = d->deed == TASK_DEED_REMIND || d->deed == TASK_DEED_ESCALATE;
	uint8_t at[9];
	struct span deed = deed_key(id, d->number, key);
	struct entry_index index = {notice_key(c->notice_sequence + 1, at), span_of(key + 1, 12)};
	status = entry_commit(c->store, deed, buf_view(&row), tells ? &index : NULL);
	if (status) {
		deed_copies_free(&k);
	} else {
		pthread_rwlock_wrlock(&c->lock);
		calendar_fold(c, id, d, &k);
		c->notice_sequence += tells;
		pthread_rwlock_unlock(&c->lock);
	}
	buf_deinit(&row);
	return status;
}

static struct calendar_deed deed_of(const struct calendar_order *o, uint32_t number)
{
	return (struct calendar_deed){.number = number,
				      .deed = o->deed,
				      .actor = o->actor,
				      .at_ms = o->at_ms,
				      .day = HAZARD_DAY_NONE,
				      .start_day = HAZARD_DAY_NONE,
				      .due_day = HAZARD_DAY_NONE,
				      .note = o->note,
				      .evidence = o->evidence};
}

static uint64_t task_id_of_texts(const struct span texts[TASK_FIELD_COUNT])
{
	static const uint8_t fields[] = {TASK_FIELD_ANNEX, TASK_FIELD_NUMBER, TASK_FIELD_TITLE, TASK_FIELD_SUBJECT};
	char key[4 * (CALENDAR_TEXT_MAX + 1) + 8] = "task";
	size_t size = 4;
	for (size_t i = 0; i < sizeof fields; i++) {
		struct span text = texts[fields[i]];
		key[size++] = '\x1f';
		if (text.size)
			memcpy(key + size, text.data, text.size);
		size += text.size;
	}
	return hash64(span_of(key, size));
}

static enum status add(struct calendar *c, const struct calendar_order *o, struct calendar_outcome *out)
{
	struct calendar_deed d = deed_of(o, 1);
	out->refusal =
		o->actor.role != HAZARD_ROLE_OFFICE ? TASK_REFUSAL_ROLE
		: !o->texts[TASK_FIELD_TITLE].size || !o->texts[TASK_FIELD_UNIT].size || o->due_day == HAZARD_DAY_NONE
			? TASK_REFUSAL_MISSING
		: o->start_day != HAZARD_DAY_NONE && o->start_day > o->due_day ? TASK_REFUSAL_DAY
									       : TASK_REFUSAL_NONE;
	if (out->refusal)
		return STATUS_DENIED;
	out->id = task_id_of_texts(o->texts);
	pthread_rwlock_rdlock(&c->lock);
	const struct standing *s = standing_find(c, out->id);
	out->version = s ? s->deeds : 1;
	pthread_rwlock_unlock(&c->lock);
	if (s)
		return STATUS_EXISTS;
	d.start_day = o->start_day;
	d.due_day = o->due_day;
	memcpy(d.texts, o->texts, sizeof d.texts);
	return commit(c, out->id, &d);
}

/* The first deed of a rule's task keeps what the task was. */
static void keep_task(const struct copy_of_task *k, struct calendar_deed *d)
{
	d->start_day = k->task.start_day;
	d->due_day = k->task.due_day;
	for (unsigned i = 1; i < TASK_FIELD_COUNT; i++)
		if (k->task.texts[i].size)
			d->texts[i] = k->task.texts[i];
}

static enum status say(struct calendar *c, const struct calendar_order *o, struct calendar_outcome *out)
{
	struct copy_of_task *k = calloc(1, sizeof *k);
	enum status status = k ? calendar_find(c, o->id, hazard_day(o->at_ms), copy_task, k) : STATUS_NO_MEMORY;
	if (!status) {
		out->version = k->task.version;
		status = o->version && o->version != k->task.version ? STATUS_CONFLICT : STATUS_OK;
	}
	if (!status && may_do(o, k, &out->refusal))
		out->refusal = refusal_of_state(o, k);
	if (!status && out->refusal)
		status = STATUS_DENIED;
	if (!status) {
		struct calendar_deed d = deed_of(o, k->task.version + 1);
		if (k->of_rule)
			keep_task(k, &d);
		if (o->deed == TASK_DEED_DONE)
			d.day = o->day != HAZARD_DAY_NONE ? o->day : hazard_day(o->at_ms);
		if (o->deed == TASK_DEED_AMEND) {
			d.start_day = o->start_day;
			d.due_day = o->due_day;
			memcpy(d.texts, o->texts, sizeof d.texts);
		}
		status = commit(c, o->id, &d);
		out->version += !status;
	}
	free(k);
	return status;
}

enum status calendar_do(struct calendar *c, const struct calendar_order *o, struct calendar_outcome *out)
{
	*out = (struct calendar_outcome){.id = o->id};
	bool adds = o->deed == TASK_DEED_ADD;
	if (!o->deed || o->deed >= TASK_DEED_REMIND || adds != (o->id == 0))
		return STATUS_INVALID;
	enum status status = look_at_order(o);
	if (status)
		return status;
	pthread_mutex_lock(&c->doing);
	status = adds ? add(c, o, out) : say(c, o, out);
	pthread_mutex_unlock(&c->doing);
	return status;
}

/* --- history --- */

struct history {
	calendar_deed_visit *visit;
	void *context;
};

static enum status visit_deed(void *context, struct span key, struct span value)
{
	struct history *h = context;
	struct calendar_deed d;
	if (key.size != 13)
		return STATUS_CORRUPT;
	enum status status = calendar_deed_decode(value, &d);
	d.number = load_be32(key.data + 9);
	return status ? status : h->visit(h->context, load_be64(key.data + 1), &d);
}

enum status calendar_history(struct calendar *c, uint64_t id, calendar_deed_visit *visit, void *context)
{
	uint8_t key[13];
	struct history h = {visit, context};
	struct span prefix = deed_key(id, 0, key);
	prefix.size = 9;
	return store_scan(c->store, STORE_TASK, prefix, visit_deed, &h);
}

/* --- reminders --- */

struct notice {
	uint64_t id;
	uint8_t deed;
	uint16_t level;
};

struct notices {
	struct calendar *calendar;
	struct notice *items;
	size_t count;
	int32_t today;
};

/* The nearest of the remind days that is reached, from 1; 0: none. */
static uint16_t remind_level(const struct calendar_task *t, int32_t today)
{
	const struct calendar_rule *steps = task_steps(t);
	unsigned level = 0;
	while (level < steps->remind_count && t->due_day - today <= steps->remind[level])
		level++;
	return (uint16_t)level;
}

static enum status look_for_notice(void *context, const struct calendar_task *t)
{
	struct notices *n = context;
	const struct standing *s = standing_find(n->calendar, t->id);
	bool late = t->state == TASK_OVERDUE;
	uint16_t level = late ? (uint16_t)t->level : t->state == TASK_DUE_SOON ? remind_level(t, n->today) : 0;
	if (level <= (!s ? 0 : late ? s->escalated : s->reminded))
		return STATUS_OK;
	n->items[n->count++] = (struct notice){t->id, late ? TASK_DEED_ESCALATE : TASK_DEED_REMIND, level};
	return n->count == CALENDAR_NOTICES_MAX ? STATUS_END : STATUS_OK;
}

static enum status give_notice(struct calendar *c, const struct notice *n, int64_t now_ms, struct copy_of_task *k)
{
	enum status status = calendar_find(c, n->id, hazard_day(now_ms), copy_task, k);
	if (status)
		return status == STATUS_NOT_FOUND ? STATUS_OK : status;
	struct calendar_order o = {.deed = n->deed, .at_ms = now_ms, .actor = {.role = HAZARD_ROLE_SYSTEM}};
	if (n->deed == TASK_DEED_ESCALATE && k->of_rule)
		o.note = span_of_string(k->task.rule->escalate_to);
	struct calendar_deed d = deed_of(&o, k->task.version + 1);
	d.level = n->level;
	if (k->of_rule)
		keep_task(k, &d);
	return commit(c, n->id, &d);
}

/* days back in which delays are still told: what is older was told, or the program was not there */
#define NOTICE_DAYS 400

enum status calendar_tick(struct calendar *c, int64_t now_ms, size_t *out)
{
	struct notices n = {.calendar = c, .today = hazard_day(now_ms)};
	struct calendar_filter f = {.from_day = n.today - NOTICE_DAYS,
				    .to_day = n.today + CALENDAR_DAYS_MAX,
				    .today = n.today,
				    .states = 1u << TASK_DUE_SOON | 1u << TASK_OVERDUE};
	struct copy_of_task *k = calloc(1, sizeof *k);
	n.items = calloc(CALENDAR_NOTICES_MAX, sizeof *n.items);
	enum status status = k && n.items ? STATUS_OK : STATUS_NO_MEMORY;
	int32_t far = task_steps(&(struct calendar_task){.rule = NULL})->remind[0];
	for (size_t i = 0; i < c->rules->count; i++)
		if (c->rules->items[i].remind_count && c->rules->items[i].remind[0] > far)
			far = c->rules->items[i].remind[0];
	f.to_day = n.today + far;
	pthread_mutex_lock(&c->doing);
	if (!status)
		status = calendar_list(c, &f, look_for_notice, &n);
	if (status == STATUS_END)
		status = STATUS_OK;
	for (size_t i = 0; i < n.count && !status; i++)
		status = give_notice(c, &n.items[i], now_ms, k);
	pthread_mutex_unlock(&c->doing);
	*out = status ? 0 : n.count;
	free(n.items);
	free(k);
	return status;
}

struct notice_walk {
	struct history to;
	struct store *store;
	struct buf row;
	uint64_t sequence;
};

static enum status visit_notice(void *context, struct span key, struct span value)
{
	struct notice_walk *w = context;
	uint8_t deed[13] = {ENTRY_TASK};
	if (key.size != 9 || value.size != 12)
		return STATUS_CORRUPT;
	memcpy(deed + 1, value.data, 12);
	buf_clear(&w->row);
	enum status status = store_get(w->store, STORE_TASK, span_of(deed, sizeof deed), &w->row);
	if (!status)
		status = visit_deed(&w->to, span_of(deed, sizeof deed), buf_view(&w->row));
	if (!status)
		w->sequence = load_be64(key.data + 1);
	return status == STATUS_NOT_FOUND ? STATUS_CORRUPT : status;
}

enum status calendar_notices(struct calendar *c, uint64_t after, calendar_deed_visit *visit, void *context,
			     uint64_t *out_sequence)
{
	uint8_t prefix = ENTRY_NOTICE, key[9];
	struct notice_walk w = {{visit, context}, c->store, buf_init(ENTRY_BYTES_MAX), after};
	enum status status = store_scan_within(c->store, STORE_TASK, span_of(&prefix, 1), notice_key(after + 1, key),
					       visit_notice, &w);
	buf_deinit(&w.row);
	*out_sequence = w.sequence;
	return status;
}

uint64_t calendar_notices_last(struct calendar *c)
{
	pthread_rwlock_rdlock(&c->lock);
	uint64_t last = c->notice_sequence;
	pthread_rwlock_unlock(&c->lock);
	return last;
}
