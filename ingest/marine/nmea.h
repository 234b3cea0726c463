/* nmea.h -- positions out of NMEA 0183: one sentence, and the sentences of one instant joined.
 *
 *   $GNRMC,125106.00,A,...  ┐
 *   $GNGGA,125106.00,...    ├── one epoch ──> struct nmea_fix, its date, its sentences as they came
 *   $GNVTG,...              ┘
 *   $GNRMC,125107.00,A,...  ── another time, or a sentence the epoch has already: the next epoch
 *
 * RMC, GGA, GLL, VTG, ZDA, GNS and HDT of any talker. Only RMC and ZDA have the date; an epoch without one has that of
 * the one before, a day later when the clock went back over midnight; with none yet, the date that is nearest to
 * its receipt. All numbers are integers. An empty field is unknown. One owner; nothing is allocated. */
#ifndef ZAYTON_INGEST_NMEA_H
#define ZAYTON_INGEST_NMEA_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/core/bytes.h"
#include "engine/core/status.h"
#include "ingest/marine/sentence.h"

#define NMEA_SENTENCE_TABLE(X)                                                                                         \
	X(RMC)                                                                                                         \
	X(GGA)                                                                                                         \
	X(GLL)                                                                                                         \
	X(VTG)                                                                                                         \
	X(ZDA)                                                                                                         \
	X(GNS)                                                                                                         \
	X(HDT)

enum nmea_sentence {
#define X(NAME) NMEA_##NAME,
	NMEA_SENTENCE_TABLE(X)
#undef X
		NMEA_SENTENCE_COUNT
};
const char *nmea_sentence_name(enum nmea_sentence kind);

/* What a sentence says of the fix. */
enum nmea_valid {
	NMEA_VALID_UNSAID,
	NMEA_VALID_NO,      /* status V, quality 0, mode N */
	NMEA_VALID_GUESSED, /* dead reckoning, entered by hand, a simulator's: no trustworthy fix */
	NMEA_VALID_YES,
};

#define NMEA_TIME_UNKNOWN (-1)
#define NMEA_DAY_UNKNOWN INT32_MIN
#define NMEA_UNKNOWN INT32_MIN

struct nmea_fix {
	int32_t time_ms; /* of the UTC day, up to 86,400,999 in a leap second; NMEA_TIME_UNKNOWN */
	int32_t day;     /* since 1970-01-01; NMEA_DAY_UNKNOWN */
	bool has_position;
	int32_t lat_e7, lon_e7;
	/* NMEA_UNKNOWN each */
	int32_t speed_mkn;    /* 0.001 knot */
	int32_t course_cdeg;  /* 0.01 degree, 0..35999 (36000 is 0) */
	int32_t heading_cdeg; /* true */
	int32_t altitude_dm;  /* above mean sea level */
	int32_t hdop_centi, satellites, quality;
	uint8_t valid;  /* enum nmea_valid: the worst that was said */
	uint8_t mode;   /* letter, 0: none; of GNS the best of its systems */
	uint8_t safety; /* navigational status of 4.1: S C U V, 0: none */
	uint16_t kinds; /* bit k: enum nmea_sentence k was there */
};

struct nmea_fix nmea_fix_none(void);

/* One sentence, into a fix of its own. STATUS_UNSUPPORTED  none of the above; STATUS_BAD_LENGTH  too few fields;
 * STATUS_BAD_TIME; STATUS_OUT_OF_RANGE  a coordinate, course or letter; STATUS_MALFORMED  a number. */
STATUS_CHECKED enum status nmea_parse(const struct sentence *s, struct nmea_fix *out);

/* A coordinate "ddmm.mmmm" ("dddmm.mmmm") and its hemisphere letter as 1e-7 degrees, rounded half away from zero.
 * `no_point`: terminals of Beidou leave the point out ("ddmmmmmmm"), so the first two (three) digits are degrees and
 * the next two minutes whatever follows. STATUS_EMPTY when both fields are; STATUS_MALFORMED, STATUS_OUT_OF_RANGE. */
STATUS_CHECKED enum status nmea_lat(struct span value, struct span letter, bool no_point, int32_t *out_e7);
STATUS_CHECKED enum status nmea_lon(struct span value, struct span letter, bool no_point, int32_t *out_e7);
/* "hhmmss[.sss]" as ms of the day; "hhmm" alone when `short_form`. STATUS_EMPTY, STATUS_BAD_TIME. */
STATUS_CHECKED enum status nmea_time(struct span value, bool short_form, int32_t *out_ms);

/* --- epochs --- */

/* sentences of one epoch, each with CR LF: seven of 82 bytes and room for long ones */
#define NMEA_EPOCH_BYTES_MAX 2048
/* GPS counts weeks modulo 1,024: a receiver that lost count is so many days early */
#define NMEA_ROLLOVER_DAYS 7168
/* a fix further from its receipt than this is told as far from now: no delay of a link is as long */
#define NMEA_FAR_MS (INT64_C(180) * 86400000)

struct nmea_options {
	bool shift_rollover; /* add 1,024 weeks to dates that are nearer to the receipt then */
};

struct nmea_epoch {
	struct nmea_fix fix;
	int64_t received_ms; /* of its first sentence */
	uint16_t size;
	bool overlong; /* sentences beyond NMEA_EPOCH_BYTES_MAX were left out of `text` */
	uint8_t text[NMEA_EPOCH_BYTES_MAX];
};

struct nmea_joiner {
	struct nmea_options options;
	int32_t day, time_ms; /* of the last epoch that had them */
	struct nmea_epoch open;
};

void nmea_joiner_init(struct nmea_joiner *j, struct nmea_options options);
/* A sentence that nmea_parse() took. When it begins another epoch, the one before is in `*out` and true is returned;
 * epochs without a time are forgotten. */
bool nmea_joiner_add(struct nmea_joiner *j, const struct sentence *s, const struct nmea_fix *fix, int64_t received_ms,
		     struct nmea_epoch *out);
/* The epoch that is open, as nothing more is expected of it. False when there is none. */
bool nmea_joiner_flush(struct nmea_joiner *j, struct nmea_epoch *out);

/* The instant of a time of day: with `day`, else nearest to `received_ms`. */
int64_t nmea_instant(int32_t day, int32_t time_ms, int64_t received_ms);
/* Of an epoch, by its day or by receipt, moved by the rollover when the options say so and that is nearer. `*out_far`:
 * further than NMEA_FAR_MS from its receipt. */
int64_t nmea_epoch_time_ms(const struct nmea_epoch *e, const struct nmea_options *options, bool *out_far);

#endif
