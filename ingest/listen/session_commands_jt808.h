/* session_commands_jt808.h -- commands to the terminal of a session: one at a time, sent again, answered.
 *
 *   login, due ──> commands_next ── encoded for its edition ──> sent ── 0x0001, 0x0104, 0x0201, 0x0608, 0x0702 ──>
 * ended ^                  └ cannot be said: refused      │ no answer: again after T, 2T, 6T (T(n+1) =
 *                       └─────────────────────────────────────────────────┘ T(n) * (n + 1)); then it rests to next
 * login
 *
 * The answer may name any serial of a split command (terminals quote the first or the last). A command whose own answer
 * is expected is not ended by an 0x0001 of success. Threads: the loop of the connection's shard. */
#ifndef ZAYTON_INGEST_SESSION_COMMANDS_JT808_H
#define ZAYTON_INGEST_SESSION_COMMANDS_JT808_H

#include <stdint.h>

struct conn;
struct gate;
struct message;
struct session;
struct jt808_header;

/* The terminal has just logged in here: what rested is tried again. */
void session_command_login(struct conn *c);
/* Something is due for it: send it, unless something is under way. */
void session_command_start(struct conn *c);
/* 0x0001. */
void session_command_reply(struct conn *c, const struct jt808_header *h);
/* A whole message that the engine has taken. */
void session_command_message(struct conn *c, const struct message *m);
/* The session ends; what is under way is sent again at the next login. */
void session_command_end(struct conn *c);
void session_command_free(struct session *s);
/* Every tick of the gate: what is overdue is sent again, or rests. */
void session_command_tick(struct gate *g);

#endif
