/* ingest_state.h -- struct ingest for the files of this folder. */
#ifndef ZAYTON_INGEST_STATE_H
#define ZAYTON_INGEST_STATE_H

#include <stdatomic.h>

#include "engine/core/limits.h"
#include "ingest/listen/ingest.h"
#include "ingest/listen/ingest_stats.h"
#include "ingest/listen/listener.h"
#include "ingest/listen/sessions.h"

struct gate;

#define ADDRESS_TEXT_MAX 64

struct ingest {
	struct ingest_options options;
	char addresses[INGEST_ADDRESSES_MAX][ADDRESS_TEXT_MAX]; /* what `options` points to */
	struct registry *registry;
	struct commands *commands; /* NULL: terminals are told nothing */
	struct sessions *sessions;
	struct reservation reservation;
	_Atomic(struct gate *) gates[SHARDS_MAX]; /* each set once by its own loop, NULL before */
};

/* The gate of shard `index`, or NULL before it started. Any thread. */
struct gate *ingest_gate(const struct ingest *i, unsigned index);
/* Ask the shard of `place` to close that connection. `from` is the caller's gate. */
void ingest_close_place(struct gate *from, struct session_place place);

#endif
