/* asks.c -- what one platform asks of the other and what comes of it: each a row in the store from the first moment.
 *
 *   platform_ask ── row, synced ──> open ── link up ──> sent ── answered ──> row, synced      overdue: `due_ms` is past
 *   the platform above asks ──> row ──> open ── platform_answer ──> said, row */
#include <stdio.h>
#include <stdlib.h>

#include "engine/core/clock.h"
#include "engine/core/log.h"
#include "ingest/platform/platform_state.h"

/* --- rows, off the loop --- */

static void put_row(struct platform *p, void *context)
{
	struct link_ask *a = context;
	enum status status = link_ask_put(p->store, a);
	if (status)
		log_error("platform", "%s: ask %u is not written: %s", a->link, a->id, status_text(status));
	free(a);
}

static void put_later(struct platform *p, const struct link_ask *a)
{
	struct link_ask *copy = malloc(sizeof *copy);
	if (!copy) {
		log_error("platform", "%s: ask %u is not written: no memory", a->link, a->id);
		return;
	}
	*copy = *a;
	platform_work(p, put_row, copy);
}

/* Under the lock. */
static struct link_ask *add_open(struct platform *p, const struct link_ask *a)
{
	if (p->ask_count == ASKS_OPEN_MAX)
		return NULL;
	p->asks[p->ask_count] = *a;
	return &p->asks[p->ask_count++];
}

static void drop_open(struct platform *p, struct link_ask *a)
{
	*a = p->asks[--p->ask_count];
}

/* --- saying --- */

static bool set_vehicle(struct jt809_message *m, const char *plate)
{
	char *colon;
	unsigned long colour = strtoul(plate, &colon, 10);
	if (*colon != ':' || strlen(colon + 1) >= sizeof m->plate)
		return false;
	m->colour = (uint8_t)colour;
	strcpy(m->plate, colon + 1);
	return true;
}

/* `content` borrows from `gbk`. */
static bool message_of(const struct link_ask *a, struct jt809_message *m, struct buf *gbk)
{
	struct link_ask_wire wire = link_ask_wire(a->kind);
	memset(m, 0, sizeof *m);
	m->id = wire.id;
	m->sub_id = wire.sub_id;
	m->object_type = a->object_type;
	m->info_id = a->id;
	m->limit = a->limit_min;
	m->source = a->object_type;
	m->type = a->alarm_type;
	m->level = a->level;
	m->reason = a->object_type;
	m->time_ms = a->from_ms;
	m->from_ms = a->from_ms;
	m->to_ms = a->to_ms;
	if (a->kind == LINK_ASK_SUPERVISION) {
		m->to_ms = a->due_ms;
		snprintf(m->person, sizeof m->person, "%.16s", a->who);
	}
	snprintf(m->object, sizeof m->object, "%.20s", a->object);
	snprintf(m->platform, sizeof m->platform, "%.11s", a->object);
	if (charset_utf8_to_gbk(span_of_string(a->text), gbk))
		return false;
	m->content = buf_view(gbk);
	return !*a->plate || set_vehicle(m, a->plate);
}

/* On the loop, under the lock: the fields of an open ask that the wire gives it are set. */
static void say(struct link *l, struct link_ask *a)
{
	struct jt809_message *m = malloc(sizeof *m);
	struct buf gbk = buf_init(8 * LINK_ASK_TEXT_MAX);
	if (m && message_of(a, m, &gbk) && link_say(l, PEER_SUB, m, &a->serial)) {
		a->sent_ms = clock_now_ms();
		put_later(l->platform, a);
	}
	buf_deinit(&gbk);
	free(m);
}

void asks_send(struct link *l)
{
	struct platform *p = l->platform;
	pthread_mutex_lock(&p->lock);
	for (size_t i = 0; i < p->ask_count; i++) {
		struct link_ask *a = &p->asks[i];
		if (!a->sent_ms && !a->incoming && strcmp(a->link, l->config->name) == 0)
			say(l, a);
	}
	pthread_mutex_unlock(&p->lock);
}

static void send_on_loop(void *context)
{
	struct link *l = context;
	if (l->logged_in && !l->platform->stopping)
		asks_send(l);
}

static bool is_complete(const struct link_ask *a)
{
	bool vehicle = a->kind == LINK_ASK_SUPERVISION || a->kind == LINK_ASK_BACKFILL || a->kind == LINK_ASK_DRIVER ||
		       a->kind == LINK_ASK_WAYBILL || a->kind == LINK_ASK_STATIC || a->kind == LINK_ASK_START ||
		       a->kind == LINK_ASK_END;
	bool span = a->kind == LINK_ASK_BACKFILL || a->kind == LINK_ASK_STATISTICS;
	return a->kind && a->kind < LINK_ASK_COUNT && (!vehicle || *a->plate) &&
	       (!span || (a->from_ms > 0 && a->from_ms < a->to_ms)) &&
	       ((a->kind != LINK_ASK_DUTY && a->kind != LINK_ASK_TEXT) || *a->text);
}

enum status platform_ask(struct platform *p, const char *link, struct link_ask *ask)
{
	size_t at;
	enum status status = platform_find(p, link, &at);
	if (status)
		return status;
	struct link *l = &p->links[at];
	if (l->config->role != LINK_LOWER || !is_complete(ask))
		return STATUS_INVALID;
	snprintf(ask->link, sizeof ask->link, "%s", link);
	ask->asked_ms = clock_now_ms();
	ask->incoming = false;
	ask->sent_ms = ask->answered_ms = 0;
	ask->result = -1;
	pthread_mutex_lock(&p->lock);
	bool full = p->ask_count == ASKS_OPEN_MAX;
	ask->id = full ? 0 : ++p->ask_last;
	pthread_mutex_unlock(&p->lock);
	if (full)
		return STATUS_FULL;
	status = link_ask_put(p->store, ask);
	if (status)
		return status;
	pthread_mutex_lock(&p->lock);
	full = !add_open(p, ask);
	pthread_mutex_unlock(&p->lock);
	if (!full && shard_post(engine_shard(p->engine, 0), send_on_loop, l))
		log_info("platform", "%s: ask %u waits for the next login", link, ask->id);
	return full ? STATUS_FULL : STATUS_OK;
}

/* --- answers of a platform below --- */

/* By information id, by the serial it answers, or, for what names a vehicle only, the oldest of its kind. */
static bool answers(const struct link_ask *a, const struct link *l, const struct jt809_message *m, const char *plate)
{
	uint16_t answer = m->sub_id ? m->sub_id : m->id;
	if (a->incoming || !a->sent_ms || link_ask_wire(a->kind).answer != answer ||
	    strcmp(a->link, l->config->name) != 0)
		return false;
	if (*a->plate && *plate && strcmp(a->plate, plate) != 0)
		return false;
	if (m->info_id)
		return m->info_id == a->id;
	if (m->source_serial || m->source_id)
		return m->source_serial == a->serial || m->source_serial == a->id;
	return true;
}

static void fill_answer(struct link_ask *a, const struct jt809_message *m)
{
	a->answered_ms = clock_now_ms();
	a->result = m->result;
	charset_gbk_to_utf8(m->content, a->answer, sizeof a->answer);
	snprintf(a->answerer, sizeof a->answerer, "%.40s%s%.20s", m->person, *m->telephone ? " " : "", m->telephone);
	if (a->kind == LINK_ASK_DRIVER)
		snprintf(a->answer, sizeof a->answer, "%s %s", m->person, *m->licence ? m->licence : m->id_card);
	if (a->kind == LINK_ASK_STATISTICS)
		snprintf(a->answer, sizeof a->answer, "lost %u, cuts %u, cut %u s", m->count, m->cuts, m->cut_s);
}

void asks_answered(struct link *l, const struct jt809_header *h, const struct jt809_message *m)
{
	struct platform *p = l->platform;
	char plate[DEVICE_VALUE_MAX + 1] = "";
	struct link_ask *found = NULL;
	(void)h;
	if (*m->plate)
		snprintf(plate, sizeof plate, "%u:%s", m->colour, m->plate);
	pthread_mutex_lock(&p->lock);
	for (size_t i = 0; i < p->ask_count; i++)
		if (answers(&p->asks[i], l, m, plate) && (!found || p->asks[i].id < found->id))
			found = &p->asks[i];
	if (found) {
		fill_answer(found, m);
		put_later(p, found);
		drop_open(p, found);
	}
	pthread_mutex_unlock(&p->lock);
}

/* --- the platform above asks --- */

static uint8_t kind_of(const struct jt809_message *m)
{
	for (unsigned kind = 1; kind < LINK_ASK_COUNT; kind++) {
		struct link_ask_wire wire = link_ask_wire(kind);
		if (wire.id == m->id && wire.sub_id == m->sub_id)
			return kind;
	}
	return 0;
}

void asks_incoming(struct link *l, const struct jt809_header *h, const struct jt809_message *m)
{
	struct platform *p = l->platform;
	struct link_ask a = {.kind = kind_of(m),
			     .incoming = true,
			     .object_type = m->object_type ? m->object_type : m->source,
			     .level = m->level,
			     .limit_min = m->limit,
			     .alarm_type = m->type,
			     .serial = h->serial,
			     .their_id = m->info_id,
			     .asked_ms = clock_now_ms(),
			     .from_ms = m->time_ms,
			     .result = -1};
	if (m->limit)
		a.due_ms = a.asked_ms + m->limit * MS_PER_MINUTE;
	if (a.kind == LINK_ASK_SUPERVISION)
		a.due_ms = m->to_ms;
	memcpy(a.link, l->config->name, sizeof a.link);
	snprintf(a.who, sizeof a.who, "%.60s", *m->person ? m->person : l->config->title);
	snprintf(a.object, sizeof a.object, "%.60s", m->object);
	if (*m->plate)
		snprintf(a.plate, sizeof a.plate, "%u:%s", m->colour, m->plate);
	charset_gbk_to_utf8(m->content, a.text, sizeof a.text);
	pthread_mutex_lock(&p->lock);
	a.id = ++p->ask_last;
	bool kept = add_open(p, &a) != NULL;
	pthread_mutex_unlock(&p->lock);
	if (kept)
		put_later(p, &a);
	else
		log_warn("platform", "%s: too many asks are open", l->config->name);
}

struct answer {
	struct platform *platform;
	struct link *link;
	struct link_ask ask;
	char telephone[64];
};

static void answer_message(const struct answer *answer, struct jt809_message *m, struct buf *gbk)
{
	const struct link_ask *a = &answer->ask;
	struct link_ask_wire wire = link_ask_wire(a->kind);
	memset(m, 0, sizeof *m);
	m->id = wire.id & 0x7fff; /* 9300 is answered by 1300 */
	m->sub_id = wire.answer;
	m->object_type = a->object_type;
	m->info_id = a->their_id;
	m->source_id = wire.sub_id;
	m->source_serial = a->serial;
	m->result = (uint8_t)a->result;
	snprintf(m->object, sizeof m->object, "%.20s", a->object);
	snprintf(m->person, sizeof m->person, "%.16s", a->answerer);
	snprintf(m->telephone, sizeof m->telephone, "%.20s", answer->telephone);
	if (charset_utf8_to_gbk(span_of_string(a->answer), gbk) == STATUS_OK)
		m->content = buf_view(gbk);
	if (*a->plate)
		(void)set_vehicle(m, a->plate);
}

static void answer_on_loop(void *context)
{
	struct answer *answer = context;
	struct jt809_message *m = malloc(sizeof *m);
	struct buf gbk = buf_init(8 * LINK_ASK_TEXT_MAX);
	if (m && !answer->platform->stopping) {
		answer_message(answer, m, &gbk);
		if (link_say(answer->link, PEER_MAIN, m, NULL)) {
			answer->ask.sent_ms = clock_now_ms();
			put_later(answer->platform, &answer->ask);
		}
	}
	buf_deinit(&gbk);
	free(m);
	free(answer);
}

enum status platform_answer(struct platform *p, uint32_t id, const char *who, const char *telephone, const char *text,
			    int result)
{
	struct answer *answer = calloc(1, sizeof *answer);
	size_t at = 0;
	if (!answer)
		return STATUS_NO_MEMORY;
	answer->platform = p;
	snprintf(answer->telephone, sizeof answer->telephone, "%s", telephone);
	pthread_mutex_lock(&p->lock);
	while (at < p->ask_count && !(p->asks[at].id == id && p->asks[at].incoming))
		at++;
	bool found = at < p->ask_count;
	if (found) {
		struct link_ask *a = &p->asks[at];
		a->answered_ms = clock_now_ms();
		a->result = result;
		snprintf(a->answer, sizeof a->answer, "%s", text);
		snprintf(a->answerer, sizeof a->answerer, "%.63s", who);
		answer->ask = *a;
		drop_open(p, a);
	}
	pthread_mutex_unlock(&p->lock);
	enum status status = found ? platform_find(p, answer->ask.link, &at) : STATUS_NOT_FOUND;
	if (!status) {
		answer->link = &p->links[at];
		status = link_ask_put(p->store, &answer->ask);
	}
	if (!status)
		status = shard_post(engine_shard(p->engine, 0), answer_on_loop, answer);
	if (status)
		free(answer);
	return status;
}
