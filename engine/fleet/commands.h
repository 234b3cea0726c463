/* commands.h -- what terminals are to be told: a durable queue, its history, and reminders made by rules.
 *
 *   add (API, rule) ── synced ──> row, index ── due ──> session: next ── sent ──> answered | refused
 *                                    │                                   │ said of it, in order
 *                                    └── worker: expired                  └── worker ── one synced batch ──> row,
 * history
 *
 *   family    key                        value
 *   command   0x00                       next id 8 | feed 8: up to where findings were looked at for reminders
 *             0x01 | ~id 8               the command (commands_row.h): newest first
 *             0x02 | device 8 | ~id 8    empty
 *             0x03 | id 8 | number 4     one event of its history, never rewritten
 *             0x04 | case 8 | id 8       empty: commands about a finding (the ledger)
 *             0x05 | id 8                empty: open, or its finding is still to be marked as handled
 *             0x06 | device 8 | rule 8   at 8: when a rule last reminded a device
 *
 * States: queued ─> sent ─> answered | refused; queued, sent ─> expired | cancelled. Adding and cancelling are durable
 * when they return. What a session says (sent, answered) is written by the worker soon after: a crash between may make
 * a terminal hear a command again, never lose one. A command that the terminal answered after it had expired or was
 * cancelled stays so; the answer is in its history.
 *
 * A row in state `sent` after a restart is due again. A terminal is told one command at a time, oldest first.
 *
 * Threads: the functions for sessions never touch the disk and hold a lock for some lookups only; everything else any
 * thread but an event loop. */
#ifndef ZAYTON_FLEET_COMMANDS_H
#define ZAYTON_FLEET_COMMANDS_H

#include "engine/detect/finding.h"
#include "engine/fleet/context.h"
#include "engine/fleet/findings.h"
#include "engine/fleet/registry.h"
#include "engine/series/command.h"
#include "engine/store/store.h"

/* X(code, NAME, "token", "Chinese"): stored, never changes. */
#define COMMAND_STATE_TABLE(X)                                                                                         \
	X(0, QUEUED, "queued", "待下发")                                                                               \
	X(1, SENT, "sent", "已下发")                                                                                   \
	X(2, ANSWERED, "answered", "已应答")                                                                           \
	X(3, REFUSED, "refused", "被拒绝")                                                                             \
	X(4, EXPIRED, "expired", "已过期")                                                                             \
	X(5, CANCELLED, "cancelled", "已取消")

enum command_state {
#define X(code, NAME, token, chinese) COMMAND_STATE_##NAME = code,
	COMMAND_STATE_TABLE(X)
#undef X
		COMMAND_STATE_COUNT
};
const char *command_state_token(unsigned state);
const char *command_state_chinese(unsigned state);
STATUS_CHECKED enum status command_state_parse(struct span text, uint8_t *out);
static inline bool command_state_is_open(unsigned state)
{
	return state <= COMMAND_STATE_SENT;
}

/* `result` of a command that no terminal judged; else as 0x0001 has it: 0 done, 1 failed, 2 bad message, 3 unsupported
 */
#define COMMAND_NO_RESULT 0xffu
#define COMMAND_WHO_MAX 63
#define COMMAND_WHY_MAX 255

struct command {
	uint64_t id, device;
	uint8_t state, result;
	bool by_rule;                   /* `who` is the rule */
	char who[COMMAND_WHO_MAX + 1];  /* principal, or id of a rule */
	char why[COMMAND_WHY_MAX + 1];  /* as it was asked for */
	char note[COMMAND_WHY_MAX + 1]; /* how it ended, when that takes words: what an edition cannot say ... */
	uint64_t violation;             /* the case it is about, 0: none */
	int64_t created_ms, not_before_ms, expires_ms;
	int64_t sent_ms, ended_ms; /* the last time it was sent, INT64_MIN never; INT64_MIN while open */
	uint32_t tries, events;
	struct command_content content;
	bool has_answer;
	struct command_content answer; /* what the terminal said besides the result */
};

struct command_event {
	uint32_t number;       /* 1, 2, ... */
	uint8_t state, result; /* after it */
	int64_t at_ms;
	struct span who, text;
};

struct commands_options {
	bool reminders_handle; /* an answered reminder that a rule made counts as handling (处置) of its finding */
};

struct commands;
/* Reads what is open. `*out` borrows all of them. */
STATUS_CHECKED enum status commands_open(struct store *s, struct registry *r, struct context *context,
					 struct findings *f, struct commands **out);
/* The worker; without it nothing that sessions say is written and no rule reminds. */
STATUS_CHECKED enum status commands_start(struct commands *c, const struct commands_options *options);
/* Writes what was said, joins the worker. */
void commands_stop(struct commands *c);
/* NULL is allowed. */
void commands_close(struct commands *c);

/* A device has a command that is due now. Called on any thread but an event loop; one listener, set before
 * commands_start; NULL to end. */
typedef void commands_due(void *context, uint64_t device);
void commands_on_due(struct commands *c, commands_due *due, void *context);

/* --- asking for them --- */

struct command_order {
	uint64_t device;
	const struct command_content *content;
	const char *who, *why;
	bool by_rule; /* `who` is a rule's id */
	uint64_t violation;
	int64_t not_before_ms; /* 0 or past: at once */
	int64_t expires_ms;
	/* out */
	enum status status; /* why this one was not taken: STATUS_FULL (COMMANDS_DEVICE_MAX), STATUS_UNSUPPORTED (no
			       terminal of JT/T 808), STATUS_NOT_FOUND */
	uint64_t id;
};
/* Those that can be taken, all of them atomically and synced. STATUS_FULL: COMMANDS_OPEN_MAX or COMMANDS_BYTES_MAX, and
 * nothing is taken; what store_commit() says; STATUS_INVALID: a text is too long, or it expires before it may be sent.
 * The content is taken as command_check() has found it good. */
STATUS_CHECKED enum status commands_add(struct commands *c, struct command_order *orders, size_t count, int64_t now_ms);
/* STATUS_CONFLICT: it is ended already. STATUS_NOT_FOUND. */
STATUS_CHECKED enum status commands_cancel(struct commands *c, uint64_t id, const char *who, const char *why,
					   int64_t now_ms);

/* --- reading --- */

/* `out` is some 20 KiB. STATUS_NOT_FOUND. */
STATUS_CHECKED enum status commands_get(struct commands *c, uint64_t id, struct command *out);
typedef enum status command_visit(void *context, const struct command *c);
/* Newest first from before `before` (exclusive; 0: from the newest). `visit` may stop with a status, which is returned.
 * Of a device, when that is not 0. */
STATUS_CHECKED enum status commands_list(struct commands *c, uint64_t device, uint64_t before, command_visit *visit,
					 void *context);
/* About a finding, oldest first. */
STATUS_CHECKED enum status commands_of_violation(struct commands *c, uint64_t violation, command_visit *visit,
						 void *context);
typedef enum status command_event_visit(void *context, const struct command_event *e);
STATUS_CHECKED enum status commands_history(struct commands *c, uint64_t id, command_event_visit *visit, void *context);

struct commands_stats {
	uint64_t open, open_bytes;
	uint64_t added, sent, answered, refused, expired, cancelled, reminders; /* of this run */
};
void commands_stats_read(struct commands *c, struct commands_stats *out);

/* --- for sessions: any thread, no disk --- */

struct command_next {
	uint64_t id;
	struct command_content content;
};
/* The oldest command of the device that may be sent now and does not rest. STATUS_NOT_FOUND. */
STATUS_CHECKED enum status commands_next(struct commands *c, uint64_t device, int64_t now_ms, struct command_next *out);
/* A command that is under way, for sending it again. STATUS_NOT_FOUND: cancelled, expired, ended. */
STATUS_CHECKED enum status commands_again(struct commands *c, uint64_t device, uint64_t id, int64_t now_ms,
					  struct command_next *out);
/* It was given to the network, once more. STATUS_NOT_FOUND: it is no longer open, forget it; STATUS_BUSY: too much
 * waits to be written, do not send it now. */
STATUS_CHECKED enum status commands_sent(struct commands *c, uint64_t device, uint64_t id, int64_t now_ms);
/* The terminal answered (ANSWERED, REFUSED with a result), or it cannot be told (REFUSED, COMMAND_NO_RESULT, `note`).
 * `answer` and `note` may be NULL. Statuses as above; after STATUS_BUSY it is due again later. */
STATUS_CHECKED enum status commands_ended(struct commands *c, uint64_t device, uint64_t id, enum command_state state,
					  uint8_t result, const struct command_content *answer, const char *note,
					  int64_t now_ms);
/* Tried long enough on this connection: it rests until commands_wake(), the next login. */
void commands_rest(struct commands *c, uint64_t device, uint64_t id);
void commands_wake(struct commands *c, uint64_t device);

#endif
