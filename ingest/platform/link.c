/* link.c -- what links of both roles share: saying, being up, and the row that remembers it. */
#include <stdlib.h>

#include "engine/core/clock.h"
#include "engine/core/log.h"
#include "ingest/platform/platform_state.h"

/* between two writes of the row of a session that is up: what a crash may cost of the connectivity */
#define SESSION_PUT_MS 30000

static bool may_say(const struct peer *peer)
{
	return peer && peer->connected && !peer->closing && !peer->ending;
}

static struct peer *by(const struct link *l, enum peer_kind preferred)
{
	struct peer *first = preferred == PEER_MAIN ? l->main : l->sub;
	struct peer *second = preferred == PEER_MAIN ? l->sub : l->main;
	return may_say(first) ? first : may_say(second) ? second : NULL;
}

bool link_send(struct link *l, enum peer_kind preferred, uint16_t id, struct span body)
{
	struct peer *peer = by(l, preferred);
	if (peer)
		peer_send(peer, id, body);
	return peer && !peer->closing;
}

bool link_say(struct link *l, enum peer_kind preferred, const struct jt809_message *m, uint32_t *out_serial)
{
	struct buf body = buf_init(JT809_FRAME_MAX);
	enum jt809_edition edition = l->edition == JT809_2019 ? JT809_2019 : JT809_2011;
	enum status status = jt809_message_encode(m, edition, &body);
	bool said = false;
	if (status)
		log_warn("platform", "%s: %s cannot be said: %s", l->config->name, jt809_message_name(m->id, m->sub_id),
			 status_text(status));
	else {
		if (out_serial)
			*out_serial = l->serial;
		said = link_send(l, preferred, m->id, buf_view(&body));
	}
	buf_deinit(&body);
	return said;
}

/* --- work that waits for the disk --- */

struct platform_task {
	struct platform_task *next;
	void (*work)(struct platform *p, void *context);
	void *context;
};

static struct platform_task *next_task(struct platform *p)
{
	pthread_mutex_lock(&p->work_lock);
	struct platform_task *t = p->tasks;
	p->tasks = t ? t->next : NULL;
	p->working = t != NULL;
	pthread_mutex_unlock(&p->work_lock);
	return t;
}

/* One after another: rows of one thing are written in the order in which it changed. */
static void on_work(uv_work_t *request)
{
	struct platform *p = request->data;
	for (struct platform_task *t; (t = next_task(p));) {
		t->work(p, t->context);
		free(t);
	}
}

static void after_work(uv_work_t *request, int error)
{
	(void)error;
	free(request);
}

/* True when nobody is at it. */
static bool add_task(struct platform *p, struct platform_task *t)
{
	pthread_mutex_lock(&p->work_lock);
	struct platform_task **end = &p->tasks;
	while (*end)
		end = &(*end)->next;
	*end = t;
	bool start = !p->working;
	p->working = true;
	pthread_mutex_unlock(&p->work_lock);
	return start;
}

void platform_work(struct platform *p, void (*work)(struct platform *p, void *context), void *context)
{
	struct platform_task *t = malloc(sizeof *t);
	uv_work_t *request = malloc(sizeof *request);
	if (!t || !request) {
		log_error("platform", "no memory to write what a link tells");
		free(context);
		free(t);
		free(request);
		return;
	}
	*t = (struct platform_task){NULL, work, context};
	request->data = p;
	if (!add_task(p, t) || uv_queue_work(p->loop, request, on_work, after_work) < 0)
		free(request);
}

/* --- the session --- */

struct session_row {
	char link[LINK_NAME_MAX + 1];
	struct link_session session;
};

static void put_session(struct platform *p, void *context)
{
	struct session_row *row = context;
	enum status status = link_session_put(p->store, row->link, &row->session);
	if (status)
		log_error("platform", "%s: when it was up is not written: %s", row->link, status_text(status));
	free(row);
}

static uint64_t since_login(const struct link *l, enum link_counter counter)
{
	return link_counted(l, counter) - l->session_base[counter];
}

struct link_session link_session_now(struct link *l)
{
	pthread_mutex_lock(&l->platform->lock);
	struct link_session s = l->session;
	s.until_ms = clock_now_ms();
	s.positions = since_login(l, LINK_COUNT_POSITIONS);
	s.backfilled = since_login(l, LINK_COUNT_BACKFILLED);
	s.refused = since_login(l, LINK_COUNT_REFUSED);
	s.bad_frames = since_login(l, LINK_COUNT_BAD_FRAMES);
	pthread_mutex_unlock(&l->platform->lock);
	return s;
}

static void write_session(struct link *l)
{
	struct session_row *row = calloc(1, sizeof *row);
	l->session_put_ms = uv_now(l->platform->loop);
	if (!row)
		return;
	row->session = link_session_now(l);
	memcpy(row->link, l->config->name, sizeof row->link);
	platform_work(l->platform, put_session, row);
}

void link_up(struct link *l)
{
	struct platform *p = l->platform;
	l->logged_in = true;
	link_count(l, LINK_COUNT_LOGINS, 1);
	pthread_mutex_lock(&p->lock);
	l->session = (struct link_session){.start_ms = clock_now_ms()};
	for (unsigned i = 0; i < LINK_COUNTER_COUNT; i++)
		l->session_base[i] = link_counted(l, (enum link_counter)i);
	pthread_mutex_unlock(&p->lock);
	write_session(l);
	log_info("platform", "%s: up, %s", l->config->name, l->main->address);
}

void link_down(struct link *l)
{
	struct platform *p = l->platform;
	if (!l->logged_in)
		return;
	l->logged_in = false;
	link_count(l, LINK_COUNT_CUTS, 1);
	write_session(l);
	pthread_mutex_lock(&p->lock);
	l->session = (struct link_session){0};
	pthread_mutex_unlock(&p->lock);
	log_info("platform", "%s: down", l->config->name);
}

void link_session_tick(struct link *l, uint64_t now_ms)
{
	if (l->logged_in && now_ms - l->session_put_ms >= SESSION_PUT_MS)
		write_session(l);
}
