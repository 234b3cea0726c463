/* scene.h -- written scenarios: what vehicles do, second by second, and what of it should be found.
 *
 *   *.scene ── scene_book_read ──> book ─< scene ─< vehicle ─< step          find RULE ... ──> truth
 *                                                     │
 *                              scene_trace_make (scene_path.c): the steps as reports and driver cards, in order
 *                                                     │
 *                              scene_order_make (scene_order.c): late, doubled, out of order, over two connections
 *
 * The truth is what the script says, never what a judge of ours thinks: nothing here knows rules or fences.
 *
 * One line, one statement; `#` begins a comment; indentation is for the eye.
 *
 *   scene NAME                                begins one
 *     date MM-DD                              its day: the last one of that date that is over
 *     day -3                                  its day, from today; without: today if it is over, else the day before
 *     breaks RULE ...     keeps RULE ...      which rules it breaks, or keeps, narrowly
 *     noise off                               the receiver is exact
 *     vehicle KEY CLASS                       begins a vehicle; what follows up to `find` is about it
 *     boat KEY CLASS VOICE [of KEY]           likewise a boat; VOICE ais (class B), ais-a or beidou; no
 * acknowledgement; with `of` another transmitter of that boat says NAME TYPE LENGTH                 AIS static data at
 * its start: ship type, metres; no spaces in the name field NAME VALUE                      of the registry; `day+N`
 * becomes the date N days after the scene's permit KIND [fences A,B] [hours HH:MM-HH:MM] [from CLOCK] [to CLOCK]
 *       unregistered                          the registry is told nothing
 *       every 10 s                            between reports from here on
 *       start CLOCK at LAT,LON                and first report
 *       head DEGREES
 *       go V km/h  for DURATION | until CLOCK | to LAT,LON
 *       stand  for DURATION | until CLOCK     ignition on
 *       park   for DURATION | until CLOCK     ignition off
 *       load empty|half|full    cover open|closed    lift up|down
 *       alarm none | BIT ...                  of the alarm word, from here on
 *       item 65:2 LEVEL                       in the next report only: Su-biao item : type (hexadecimal), level
 *       signal N    satellites N    recorder V km/h | same
 *       fix off|on                            no fix: the last position goes on being sent
 *       freeze      thaw                      the position stays, the odometer runs
 *       dark        light                     drives on and says nothing
 *       status under-way|anchored|moored|fishing   of AIS class A, from here on
 *       jump LAT,LON                          is at once elsewhere
 *       card NUMBER | none                    a driver's card put in or drawn (0x0702)
 *     site KEY                                begins a site with sensors
 *       tell NAME VALUE                       of the registry, from always; of the stream, once there is one
 *       stream QUANTITY                       begins a stream of it
 *         pace 10 s    from CLOCK             between values from here on; the first one
 *         value V for DURATION [test]         V, a number or a word, at every pace; flagged as a test
 *         quiet for DURATION                  nothing
 *     find RULE KEY[,KEY] CLOCK .. CLOCK [within DURATION] [in FENCE]
 *
 * CLOCK is HH:MM:SS in UTC+8 on the scene's day; hours run on past 24. DURATION is `90 s`, `5 min`, `4 h`, or M:SS or
 * H:MM:SS. A step holds from its beginning up to, without, its end: `go 48.0 km/h for 61 s` that begins on a report and
 * reports every second is 48.0 in 61 reports, over 60 s. At the end a vehicle is parked and says so once. */
#ifndef ZAYTON_BENCH_SCENE_H
#define ZAYTON_BENCH_SCENE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "engine/core/status.h"

#define SCENE_NAME_MAX 63
#define SCENE_VALUE_MAX 127
#define SCENE_RULES_MAX 8    /* that one scene breaks, and keeps */
#define SCENE_VEHICLES_MAX 8 /* of one scene */
#define SCENE_FIELDS_MAX 8
#define SCENE_PERMITS_MAX 4
#define SCENE_SITES_MAX 8
#define SCENE_STREAMS_MAX 4     /* of one site */
#define SCENE_VALUES_MAX 100000 /* of one stream */
#define SCENE_FENCES_MAX 4      /* of one permit */
#define SCENE_CLOCK_MAX_H 10000 /* a year and more */
/* "not given" of a clock, and of a scene's day */
#define SCENE_NOT_GIVEN INT64_MIN

/* A kind with `until` stands right behind the one with `for`. */
enum step_kind {
	STEP_EVERY,     /* value s */
	STEP_HEAD,      /* value degrees */
	STEP_GO_FOR,    /* value km/h, ms */
	STEP_GO_UNTIL,  /* value km/h, ms of the scene's day */
	STEP_GO_TO,     /* value km/h, lat, lon */
	STEP_STAND_FOR, /* ms */
	STEP_STAND_UNTIL,
	STEP_PARK_FOR,
	STEP_PARK_UNTIL,
	STEP_LOAD,       /* value 0 empty, 1 half, 3 full */
	STEP_COVER,      /* value 1 open */
	STEP_LIFT,       /* value 1 up */
	STEP_ALARM,      /* bits */
	STEP_ITEM,       /* bits = item << 16 | type << 8 | level */
	STEP_SIGNAL,     /* value */
	STEP_SATELLITES, /* value */
	STEP_RECORDER,   /* value km/h; below 0: the same as the speed */
	STEP_FIX,        /* value 1 on */
	STEP_FREEZE,     /* value 1 frozen */
	STEP_DARK,       /* value 1 dark */
	STEP_JUMP,       /* lat, lon */
	STEP_CARD,       /* text; empty: drawn */
	STEP_STATUS,     /* value: AIS navigational status */
};

struct scene_step {
	enum step_kind kind;
	double value, lat, lon;
	int64_t ms;
	uint32_t bits;
	char text[24];
	unsigned line;
};

struct scene_field {
	char name[32], value[SCENE_VALUE_MAX + 1];
	bool is_day; /* the value is a number of days after the scene's */
	int days;
};

struct scene_permit {
	char kind[16], hours[32];
	char fences[SCENE_FENCES_MAX][SCENE_NAME_MAX + 1];
	unsigned fence_count;
	int64_t from_ms, to_ms; /* of the scene's day, or SCENE_NOT_GIVEN */
};

/* What it speaks. */
enum scene_voice { VOICE_JT808, VOICE_AIS_B, VOICE_AIS_A, VOICE_BEIDOU };

struct scene_vehicle {
	enum scene_voice voice;
	char key[16], class_token[16];
	unsigned number; /* over the whole book, from 1: phone and plate come of it */
	struct scene_field fields[SCENE_FIELDS_MAX];
	struct scene_permit permits[SCENE_PERMITS_MAX];
	unsigned field_count, permit_count;
	bool unregistered, started;
	unsigned of;       /* number of the boat that it is a transmitter of; 0: its own */
	char says[21];     /* by AIS; empty: nothing */
	uint8_t says_type; /* of ship */
	uint16_t says_length_m;
	int64_t start_ms; /* of the scene's day */
	double start_lat, start_lon;
	struct scene_step *steps;
	size_t step_count, step_capacity;
};

struct scene_value {
	int64_t ms; /* of the scene's day */
	char text[24];
	bool test;
};

struct scene_stream {
	char quantity[64];
	struct scene_field fields[SCENE_FIELDS_MAX];
	unsigned field_count;
	int64_t pace_ms, now_ms; /* while it is read */
	struct scene_value *values;
	size_t count, capacity;
};

struct scene_site {
	char key[16];
	struct scene_field fields[SCENE_FIELDS_MAX];
	unsigned field_count;
	struct scene_stream streams[SCENE_STREAMS_MAX];
	unsigned stream_count;
	char id[24]; /* what the server calls it, once told */
};

/* What should be found. */
struct scene_truth {
	char rule[SCENE_NAME_MAX + 1], fence[SCENE_NAME_MAX + 1];
	uint32_t vehicles; /* bit per vehicle of the scene; any of them is right; 0 and no site: about no vehicle */
	uint32_t sites;    /* the same of sites */
	int64_t from_ms, to_ms, tolerance_ms;
};

struct scene {
	char name[SCENE_NAME_MAX + 1];
	char breaks[SCENE_RULES_MAX][SCENE_NAME_MAX + 1], keeps[SCENE_RULES_MAX][SCENE_NAME_MAX + 1];
	unsigned break_count, keep_count;
	int64_t day;     /* from today, or SCENE_NOT_GIVEN */
	int month, mday; /* of `date`; 0: none */
	bool noise;
	struct scene_vehicle vehicles[SCENE_VEHICLES_MAX];
	unsigned vehicle_count;
	struct scene_site sites[SCENE_SITES_MAX];
	unsigned site_count;
	struct scene_truth *truths;
	size_t truth_count;
	unsigned line;       /* where it begins */
	int64_t midnight_ms; /* UTC ms of its day's 00:00 in UTC+8, by scene_book_place() */
};

struct scene_book {
	struct scene *scenes;
	size_t count, capacity;
	unsigned vehicle_count;
};

/* A new scene at the end, without anything but its name. Pointers to earlier ones are void. */
struct scene *scene_book_add(struct scene_book *b, const char *name);
void scene_add_truth(struct scene *s, const struct scene_truth *t);
/* Adds the scenes of one text. The first mistake goes to `complaint` (160 bytes, NUL-terminated) as "line N: what", and
 * STATUS_MALFORMED is returned; scenes before it stay. */
STATUS_CHECKED enum status scene_book_read(struct scene_book *b, const char *text, size_t size, char complaint[160]);
/* Every *.scene of a folder, by name. Mistakes are told on stderr. STATUS_NOT_FOUND: no folder, or nothing in it. */
STATUS_CHECKED enum status scene_book_read_folder(struct scene_book *b, const char *folder);
void scene_book_deinit(struct scene_book *b);

/* Gives every scene its day: `now_ms` is now, `floating_day` the day (from today, <= 0) of scenes that name none;
 * 0: today if the scene is over by now, else the day before; of sites two days before at the latest.
 * STATUS_OUT_OF_RANGE: a scene would not be over by now
 * (`complaint` says which). */
STATUS_CHECKED enum status scene_book_place(struct scene_book *b, int64_t now_ms, int floating_day,
					    char complaint[160]);
/* The last report of any of its vehicles, ms of its day. */
int64_t scene_end_ms(const struct scene *s);

/* What findings know it by: "1390600" and four digits, the header phone; of a boat "boat:闽演渔" and four digits. */
#define SCENE_PHONE_MAX 24
void scene_phone(const struct scene_vehicle *v, char out[SCENE_PHONE_MAX]);
/* A boat's MMSI or Beidou card; fictitious. */
uint32_t scene_call_number(const struct scene_vehicle *v);
/* "闽CZ" and four digits, colour 2; fictitious. */
void scene_plate(const struct scene_vehicle *v, char out[24]);
/* "SCENE.KEY", the number of a site. */
void scene_site_number(const struct scene *s, const struct scene_site *site, char out[2 * SCENE_NAME_MAX]);
/* A field's value; dates are made of the scene's day. */
void scene_field_value(const struct scene *s, const struct scene_field *f, char out[SCENE_VALUE_MAX + 1]);

/* --- scene_path.c --- */

enum { E1_LOAD, E1_COVER, E1_LIFT, E1_BYTES };

/* One report, or one 0x0702. */
struct scene_report {
	int64_t time_ms; /* UTC */
	bool is_card;
	char card[24]; /* of a 0x0702; empty: drawn */
	uint32_t alarm, status;
	int32_t lat_e6, lon_e6;
	uint16_t speed_dkmh, course_deg, recorder_dkmh;
	uint32_t mileage_hm;
	uint8_t signal, satellites;
	uint8_t nav_status;   /* AIS */
	uint32_t item;        /* item << 16 | type << 8 | level; 0: none */
	uint8_t e1[E1_BYTES]; /* cover and lift as bit 0 */
};

struct scene_trace {
	struct scene_report *reports; /* by time */
	size_t count, capacity;
};

/* The vehicle's script as what its terminal says. The scene must have been placed. The same seed is the same noise. */
void scene_trace_make(const struct scene *s, const struct scene_vehicle *v, uint64_t seed, struct scene_trace *out);
void scene_trace_deinit(struct scene_trace *t);
/* A header line and one line a report. */
void scene_trace_print(const struct scene_trace *t, FILE *out);
/* Metres on the ground between two positions of the demo world; good to a metre over some kilometres. */
double scene_metres(double lat_a, double lon_a, double lat_b, double lon_b);

/* --- scene_order.c --- */

#define SCENE_BATCH_MAX 30

/* One message on its way: a single report or card, or a 0x0704. */
struct scene_message {
	bool is_batch, breaks_connection; /* the connection ends once this has been sent */
	uint8_t count;
	uint32_t reports[SCENE_BATCH_MAX]; /* positions in the trace */
};

struct scene_order {
	struct scene_message *messages;
	size_t count, capacity;
};

/* How the reports of a trace arrive: in turn, but some held back and sent later in a burst, some twice, some swapped
 * with their neighbours, and the connection lost once. Every report is in it. */
void scene_order_make(const struct scene_trace *t, uint64_t seed, struct scene_order *out);
void scene_order_deinit(struct scene_order *o);

#endif
