/* register_desk.h -- a register in a folder of its own, and a hand that takes steps in it. */
#ifndef ZAYTON_TESTS_REGISTER_DESK_H
#define ZAYTON_TESTS_REGISTER_DESK_H

#include "engine/register/hazards.h"

struct desk {
	char dir[64];
	struct store *store;
	struct hazards *register_;
	int64_t now_ms;
	struct hazard_outcome outcome; /* of the last step */
};

void desk_open(struct desk *d);
/* Close and open again: what is there must have been durable. */
void desk_reopen(struct desk *d);
void desk_close(struct desk *d);

/* A step by `role` of `unit`, called `name`; `fields` is "field=value|field=value". */
enum status desk_step(struct desk *d, uint64_t id, unsigned step, unsigned role, const char *name, const char *unit,
		      const char *note, const char *fields);
/* The same with a document number, a link and a file, NULL for none. */
struct desk_more {
	const char *document, *link, *file;
	uint32_t version;
};
enum status desk_step_more(struct desk *d, uint64_t id, unsigned step, unsigned role, const char *name,
			   const char *unit, const char *note, const char *fields, struct desk_more more);
/* A hazard of an enterprise as the office finds it; returns its id. */
uint64_t desk_find(struct desk *d, const char *fields);
/* Take it on to `state` by the people who may; a general hazard. */
void desk_bring(struct desk *d, uint64_t id, unsigned state);
unsigned desk_state(struct desk *d, uint64_t id);

#endif
