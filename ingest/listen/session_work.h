/* session_work.h -- what a session asks of the registry: done on a worker thread, because it syncs.
 *
 *   loop: session_work_start ──> worker: auth_register / auth_admit / auth_note ──> loop: session_work_done
 *
 * The connection is paused meanwhile, so a session has one such request at most. It may be gone when the answer
 * comes: slot and generation tell. */
#ifndef ZAYTON_INGEST_SESSION_WORK_H
#define ZAYTON_INGEST_SESSION_WORK_H

#include <stdint.h>
#include <uv.h>

#include "engine/core/status.h"
#include "ingest/jt808/jt808.h"
#include "ingest/listen/auth_policy.h"

struct conn;
struct gate;

enum work_kind { WORK_REGISTER, WORK_ADMIT, WORK_NOTE };

struct session_work {
	uv_work_t request;
	struct gate *gate;
	uint32_t slot, generation;
	enum work_kind kind;
	int64_t now_ms;
	char phone[JT808_PHONE_TEXT_MAX];
	uint16_t serial; /* REGISTER: of the message to answer */
	struct jt808_register said;
	uint64_t device; /* NOTE: in; ADMIT: out */
	struct note notes[NOTES_MAX];
	size_t note_count;
	struct register_decision decision; /* REGISTER: out */
	enum status status;                /* out */
};

/* Zeroed, with the connection's name and the time in it; NULL without memory. */
struct session_work *session_work_new(struct conn *c, enum work_kind kind, int64_t now_ms);
/* Pauses the connection; the work is freed when it is done. */
void session_work_start(struct session_work *w);

#endif
