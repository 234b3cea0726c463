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

struct task {
	uv_work_t request;
	struct platform *platform;
	void (*work)(struct platform *p, void *context);
	void *context;
};

static void on_work(uv_work_t *request)
{
	struct task *t = request->data;
	t->work(t->platform, t->context);
}

static void after_work(uv_work_t *request, int error)
{
	(void)error;
	free(request->data);
}

void platform_work(struct platform *p, void (*work)(struct platform *p, void *context), void *context)
{
	struct task *t = malloc(sizeof *t);
	if (!t) {
		log_error("platform", "no memory to write what a link tells");
		free(context);
		return;
	}
	*t = (struct task){.platform = p, .work = work, .context = context};
	t->request.data = t;
	if (uv_queue_work(p->loop, &t->request, on_work, after_work) < 0) {
		free(context);
		free(t);
	}
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

static void write_session(struct link *l)
{
	struct session_row *row = calloc(1, sizeof *row);
	l->session_put_ms = uv_now(l->platform->loop);
	if (!row)
		return;
	pthread_mutex_lock(&l->platform->lock);
	l->session.until_ms = clock_now_ms();
	l->session.positions = link_counted(l, LINK_COUNT_POSITIONS) - l->session_base[LINK_COUNT_POSITIONS];
	l->session.backfilled = link_counted(l, LINK_COUNT_BACKFILLED) - l->session_base[LINK_COUNT_BACKFILLED];
	l->session.refused = link_counted(l, LINK_COUNT_REFUSED) - l->session_base[LINK_COUNT_REFUSED];
	l->session.bad_frames = link_counted(l, LINK_COUNT_BAD_FRAMES) - l->session_base[LINK_COUNT_BAD_FRAMES];
	row->session = l->session;
	pthread_mutex_unlock(&l->platform->lock);
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
	pthread_mutex_unlock(&p->lock);
	for (unsigned i = 0; i < LINK_COUNTER_COUNT; i++)
		l->session_base[i] = link_counted(l, (enum link_counter)i);
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
