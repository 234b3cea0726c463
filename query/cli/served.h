/* served.h -- a store that no one serves, asked as a server would be: it is served for the time of one question.
 *
 *   engine_open ── http on 127.0.0.1, any free port, for a token that nobody else knows ──> base, token ──> http_fetch
 *
 * So what is answered, in which words and with which refusals, is the HTTP interface itself. */
#ifndef ZAYTON_QUERY_SERVED_H
#define ZAYTON_QUERY_SERVED_H

#include "query/cli/asking.h"
#include "query/cli/township_store.h"
#include "query/http/handlers_duty.h"

struct served {
	struct engine *engine;
	struct duty *duty; /* of served_open */
	struct http *http;
	struct hazards *hazards; /* of served_open_register */
	struct township township;
	char base[40], token[33];
};

/* As asked_open(), which complains; who asks is `local`. `out` stays where it is until served_close(). STATUS_IO. */
STATUS_CHECKED enum status served_open(const char *command, const char *dir, bool writable, struct served *out);
/* The same, with the hazard register and the township's calendar and tables. */
STATUS_CHECKED enum status served_open_register(const char *command, const char *dir, struct served *out);
void served_close(struct served *s);

#endif
