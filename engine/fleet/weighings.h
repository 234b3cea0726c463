/* weighings.h -- records of scales (称重记录): kept whole, found by time, known by their ticket.
 *
 *   family `weighing`  0x01 | time 8, biased | site 8 | hash of the ticket 8  ->  record (below)
 *                      0x02 | site 8 | ticket                                 ->  time 8, biased | hash of the record 8
 *   record   version 1 | axles 1 | flags 1: 0 train, 1 single drive axle, 2 a tare is known | gross 4 LE | tare 4 LE |
 *            received 8 LE | text: size 1, bytes, in the order of WEIGHING_TEXT_TABLE
 *
 * A ticket is one record of its site: the same again changes nothing, another record under it is refused.
 * Beside it the site has streams: weighing.gross, weighing.tare (kg), weighing.axles, weighing.plate (weighing_values).
 * Threads: any but a shard's loop. */
#ifndef ZAYTON_FLEET_WEIGHINGS_H
#define ZAYTON_FLEET_WEIGHINGS_H

#include "engine/fleet/streams.h"

/* bytes of each text of a record; kilograms that no vehicle on a road reaches */
#define WEIGHING_TEXT_MAX 127
#define WEIGHING_AXLES_MAX 20
#define WEIGHING_KG_MAX 1000000

/* X(NAME, "token", "Chinese", required) */
#define WEIGHING_TEXT_TABLE(X)                                                                                         \
	X(SITE, "site", "站点编号", true)                                                                              \
	X(TICKET, "ticket", "单号", true)                                                                              \
	X(PLATE, "plate", "车牌号", true) /* "colour:plate", as devices have it */                                     \
	X(DRIVER, "driver", "驾驶员", false)                                                                           \
	X(HAULIER, "haulier", "运输企业", false)                                                                       \
	X(SOURCE, "source", "货源单位", false) /* where it was loaded; the site when left out */                       \
	X(GOODS, "goods", "货物", false)                                                                               \
	X(IMAGE, "image", "抓拍图片", false) /* a reference, not the picture */

enum weighing_text {
#define X(NAME, token, chinese, required) WEIGHING_##NAME,
	WEIGHING_TEXT_TABLE(X)
#undef X
		WEIGHING_TEXT_COUNT
};
const char *weighing_text_token(enum weighing_text t);
bool weighing_text_required(enum weighing_text t);

struct weighing {
	int64_t time_ms, received_ms;
	uint32_t gross_kg, tare_kg; /* tare 0: not known */
	uint8_t axles;
	bool is_train;     /* 汽车列车: a tractor with what it draws */
	bool single_drive; /* its tractor drives one axle */
	char texts[WEIGHING_TEXT_COUNT][WEIGHING_TEXT_MAX + 1];
};

/* One text by token or Chinese name of its column. STATUS_NOT_FOUND. */
STATUS_CHECKED enum status weighing_text_parse(struct span name, enum weighing_text *out);
/* As people write it (registry.h: device_value_normalise). STATUS_TOO_LONG and what that says. */
STATUS_CHECKED enum status weighing_text_set(struct weighing *w, enum weighing_text t, struct span text);
/* STATUS_INVALID: something required is missing, or a plate without its colour; STATUS_OUT_OF_RANGE: axles 2 ..
 * WEIGHING_AXLES_MAX, masses, tare at or above gross, time before 2000 or a day ahead of receipt. `*field` names it. */
STATUS_CHECKED enum status weighing_check(const struct weighing *w, const char **field);

enum weighing_outcome { WEIGHING_TAKEN, WEIGHING_REPEATED, WEIGHING_CONFLICT };
/* Keep checked records; `outcomes[i]` of each. Durable when it returns STATUS_OK. */
STATUS_CHECKED enum status weighings_keep(struct store *s, const struct weighing *list, size_t count,
					  enum weighing_outcome *outcomes);

/* What the streams of its site have of it. */
typedef enum status weighing_value_visit(void *context, const char *quantity, const char *unit, const struct value *v,
					 struct span text);
STATUS_CHECKED enum status weighing_values(const struct weighing *w, weighing_value_visit *visit, void *context);

/* Where a walk goes on: behind this record. */
struct weighing_place {
	int64_t time_ms;
	uint64_t site, ticket;
};
/* Records within [from_ms, to_ms] in order of (time, site, ticket), behind `after` when it is not NULL. `visit` ends
 * the walk by STATUS_END. */
typedef enum status weighing_visit(void *context, const struct weighing_place *place, const struct weighing *w);
STATUS_CHECKED enum status weighings_visit(struct store *s, int64_t from_ms, int64_t to_ms,
					   const struct weighing_place *after, weighing_visit *visit, void *context);

/* --- overload --- */

/* Mass that a vehicle of these axles may have, kg. Source: 超限运输车辆行驶公路管理规定, article 3. */
uint32_t weighing_limit_kg(const struct weighing *w);
/* kg over it; 0: none. */
uint32_t weighing_over_kg(const struct weighing *w);
/* Points of the licence for goods over the limit: 1 below 30 per cent, 3 from 30, 6 from 50 (公安部令第163号); 0: none.
 */
unsigned weighing_points(const struct weighing *w);
/* 百吨王: gross 100 t and more. No statute names it; practice does. */
#define WEIGHING_HUNDRED_TONNES_KG 100000u

#endif
