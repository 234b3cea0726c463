/* http_rig.h -- a server with routes that behave as a test wants: long streams, a gate that holds handlers, an echo.
 *
 * /t/stream?bytes=N  a pattern of N bytes           /t/gate      waits until the gate is open
 * /t/broken          begins and cannot go on        /t/echo      POST, the body again
 * /t/who/{name}      principal, scope, path, name   /t/nothing   forgets to answer */
#ifndef ZAYTON_TESTS_HTTP_RIG_H
#define ZAYTON_TESTS_HTTP_RIG_H

#include "query/http/http.h"

#define RIG_QUEUE_BYTES 65536

/* Without an engine; `change` (may be NULL) edits the options. */
struct http *rig_start(void (*change)(struct http_options *));
void rig_finish(struct http *h);

/* When it returns, the loop has seen what was sent to it before. */
void rig_turn(struct http *h);

/* How the last stream ended; waits for it. */
enum status rig_await_stream_end(void);
size_t rig_queue_high(void);
void rig_open_gate(bool open);
/* Until so many handlers stand at the gate. */
void rig_await_waiting(unsigned count);

/* A certificate of our own in a temporary folder, and the options that use it. */
void rig_make_certificate(void);
void rig_remove_certificate(void);
void rig_with_tls(struct http_options *o);

#endif
