/* drive_source.h -- a random drive as a source of messages: its driver's card, then what happened since the beginning,
 * as 0x0200 and 0x0704, then one report each interval as the clock goes. */
#ifndef ZAYTON_BENCH_DRIVE_SOURCE_H
#define ZAYTON_BENCH_DRIVE_SOURCE_H

#include "bench/sim/drive.h"
#include "bench/sim/terminal.h"

struct drive_source {
	struct drive drive;
	uint32_t index;
	int32_t interval_s;
	int64_t next_ms; /* event time of the next report */
	int64_t end_ms;  /* no report at or after it */
	bool card_sent;
};

/* `begin_ms`: event time of the first report, but for some seconds by index. Ends before `end_ms`. */
void drive_source_init(struct drive_source *s, uint32_t index, uint64_t seed, int64_t begin_ms, int64_t end_ms,
		       int32_t interval_s);
void drive_source_identity(const struct drive_source *s, struct terminal_identity *out);
/* A terminal_source. */
bool drive_source_next(void *context, enum jt808_edition edition, int64_t now_ms, struct terminal_message *out);

#endif
