/* wire.h -- what every simulated terminal puts into its messages, as the standards write it. */
#ifndef ZAYTON_BENCH_WIRE_H
#define ZAYTON_BENCH_WIRE_H

#include "bench/sim/scene.h"
#include "ingest/jt808/jt808.h"

/* Bits of the status word (JT/T 808-2013 table 24). */
#define WIRE_ACC (1u << 0)
#define WIRE_FIX (1u << 1)
#define WIRE_LOAD_SHIFT 8 /* 0 empty, 1 half, 3 full */
#define WIRE_GPS_AND_BEIDOU (3u << 18)

/* A simulator that cannot encode is of no use: says why and aborts. */
void wire_must(enum status status);
/* Items 0x01, 0x03 (the recorder's speed), 0x30, 0x31. */
void wire_put_basics(struct buf *out, uint32_t mileage_hm, uint16_t recorder_dkmh, uint8_t signal, uint8_t satellites);
/* A 0x0702 body: card `number` put in, or drawn when it is empty. */
void wire_put_card(struct buf *out, enum jt808_edition edition, int64_t time_ms, const char *number);
/* A 0x0704 body of stored reports: its head, then `count` times a 0x0200 body. */
void wire_begin_batch(struct buf *out, uint32_t count);
void wire_put_batched(struct buf *out, struct span body);
/* A scene's report as a 0x0200 body. */
void wire_put_report(struct buf *out, const struct scene_report *r);

#endif
