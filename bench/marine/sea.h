/* sea.h -- a fleet at sea that tells what it sends: sentences in order of time, and how many positions of whom.
 *
 * Boats with AIS class A and B, aids and a base station; Beidou beacons ($BDWAA, and $BDTXR with the payload "acme");
 * a boat that forwards NMEA 0183. Times are tag blocks on AIS sentences and times of day on the others, so what is sent
 * in a second counts as what took hours. The same seed sends the same. It knows nothing of what receives it but the
 * codecs it encodes with. */
#ifndef ZAYTON_BENCH_SEA_H
#define ZAYTON_BENCH_SEA_H

#include <stdint.h>

#include "engine/core/bytes.h"

enum sea_kind { SEA_AIS, SEA_BEIDOU, SEA_NMEA, SEA_KINDS };

struct sea_options {
	uint64_t seed;
	unsigned boats;   /* with AIS; a quarter as many have Beidou */
	unsigned minutes; /* at most 600: a time of day is known to twelve hours */
	int64_t start_ms; /* a whole minute */
};

/* The line of a station's file for the payloads. */
#define SEA_CODEC "acme big lat=0:4:e6 lon=4:4:e6 speed=8:2:dkn course=10:2:deg"

/* What one sender sent. */
struct sea_truth {
	enum sea_kind kind;
	uint32_t number; /* MMSI, card; 0: the NMEA boat */
	unsigned positions, statics;
};
#define SEA_SENDERS_MAX 4096

/* Each sentence to `line`, with CR LF; `repeat` says that it is the same message once more, as a repeater sends it.
 * Returns how many senders `truth` (SEA_SENDERS_MAX) got. */
typedef void sea_line(void *context, enum sea_kind kind, struct span sentence, bool repeat);
unsigned sea_play(const struct sea_options *o, sea_line *line, void *context, struct sea_truth *truth);

#endif
