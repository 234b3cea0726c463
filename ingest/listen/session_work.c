#include "ingest/listen/session_work.h"

#include <stdlib.h>

#include "ingest/listen/conn.h"
#include "ingest/listen/gate.h"

struct session_work *session_work_new(struct conn *c, enum work_kind kind, int64_t now_ms)
{
	struct session_work *w = calloc(1, sizeof *w);
	if (!w)
		return NULL;
	w->gate = c->gate;
	w->slot = c->slot;
	w->generation = c->generation;
	w->kind = kind;
	w->now_ms = now_ms;
	struct jt808_header h = session_header(&c->session);
	jt808_phone_text(&h, w->phone);
	return w;
}

/* On a worker thread: nothing of the gate but what never changes. */
static void work(uv_work_t *request)
{
	struct session_work *w = request->data;
	struct registry *r = w->gate->registry;
	struct auth_policy policy = {w->gate->options->registration, w->gate->options->renew_code};
	switch (w->kind) {
	case WORK_REGISTER:
		w->status = auth_register(&policy, r, w->phone, &w->said, w->now_ms, &w->decision);
		break;
	case WORK_ADMIT:
		w->status = auth_admit(&policy, r, w->phone, w->now_ms, &w->device);
		break;
	case WORK_NOTE:
		w->status = auth_note(r, w->device, w->notes, w->note_count, w->now_ms);
		break;
	}
}

static void after(uv_work_t *request, int error)
{
	struct session_work *w = request->data;
	if (error < 0)
		w->status = STATUS_CANCELLED;
	struct conn *c = gate_conn(w->gate, w->slot, w->generation);
	if (c) {
		session_work_done(c, w);
		conn_resume(c, PAUSE_WORK);
	}
	free(w);
}

void session_work_start(struct session_work *w)
{
	struct conn *c = gate_conn(w->gate, w->slot, w->generation);
	w->request.data = w;
	conn_pause(c, PAUSE_WORK);
	int error = uv_queue_work(w->gate->loop, &w->request, work, after);
	if (error < 0)
		after(&w->request, error);
}
