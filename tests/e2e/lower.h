/* lower.h -- a platform below, played: it dials, logs in, lets itself be dialled back, and says what a test says.
 *
 * Every wait is bounded by RIG_WAIT_S. Nothing here is part of the program but the encoders of ingest/jt809. */
#ifndef ZAYTON_TESTS_LOWER_H
#define ZAYTON_TESTS_LOWER_H

#include "ingest/jt809/jt809.h"
#include "tests/e2e/rig.h"

struct lower {
	int fd, sub, listener; /* -1: not there */
	uint32_t access_code, serial;
	enum jt809_edition edition;
	struct buf in, sub_in;
	uint8_t *scratch, *body;
};
/* Connected to main links' port of `s`, not logged in. */
struct lower lower_dial(const struct server *s, uint32_t access_code, enum jt809_edition edition);
void lower_close(struct lower *l);
/* 1001 with this password; the result of 1002, -1 when the connection ended. With 0 the sub link is taken and
 * answered. */
int lower_log_in(struct lower *l, const char *password);
void lower_write(struct lower *l, struct span bytes);
/* A frame on the main link. */
void lower_send(struct lower *l, uint16_t id, struct span body);
void lower_say(struct lower *l, const struct jt809_message *m);
/* The same as wire bytes, appended. */
void lower_frame(struct lower *l, uint16_t id, struct span body, struct buf *out);
/* A position of a vehicle ("2:闽C12345"), number `n` of a way, at this speed: 0x1202, or with `count` > 0 a 0x1203 of
 * so many from `n` on, 10 s apart. */
void lower_position(struct lower *l, const char *plate, int64_t time_ms, unsigned n, unsigned kmh, unsigned count);
/* Next message on the main or the sub link, body borrowed until the next call; false when it ended. */
bool lower_next(struct lower *l, bool sub, uint16_t *id, struct span *body);
/* Say a heartbeat, and wait for its answer: everything before is durable. */
void lower_settle(struct lower *l);

#endif
