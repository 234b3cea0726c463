/* boat_voice.h -- what boats say: AIS and Beidou sentences over TCP to a station, each with the time it was heard.
 *
 *   \c:1773072000*5A\!AIVDM,1,1,,A,...*hh        class A (type 1) and B (type 18)
 *   \c:1773072000*5A\$BDWAA,1,600,0600001,...    a beacon's report, without a speed
 *
 * Nothing is acknowledged at sea: that all came is told by the station's counters. Blocking; one thread. */
#ifndef ZAYTON_BENCH_BOAT_VOICE_H
#define ZAYTON_BENCH_BOAT_VOICE_H

#include "bench/sim/scene.h"
#include "engine/core/bytes.h"

/* Appends the sentence of a report by the transmitter `number` (MMSI or card), with CR LF. */
void boat_voice_put(struct buf *out, enum scene_voice voice, uint32_t number, const struct scene_report *r);
/* What a ship says of itself: class A with type 5, class B with 24, part A. */
void boat_voice_name(struct buf *out, enum scene_voice voice, uint32_t mmsi, const char *name, uint8_t ship_type,
		     int64_t time_ms);
/* The same with a length: class A in one message, class B in two, parts A and B of 24. Returns how many. */
unsigned boat_voice_static(struct buf *out, enum scene_voice voice, uint32_t mmsi, const char *name, uint8_t ship_type,
			   uint16_t length_m, int64_t time_ms);
/* A connection to the station on that port of this host; -1. */
int boat_voice_connect(int port);
/* All of `text`; 0, or -1 when the connection is gone. */
int boat_voice_send(int fd, struct span text);

#endif
