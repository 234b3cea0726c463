/* kpi_fleet.h -- rates of dynamic monitoring (安装率 入网率 上线率 轨迹完整率 漂移率), of companies, villages or
 * classes.
 *
 *   registered   vehicles that are on file at the end of the period: with a plate, neither unregistered nor revoked
 *   installed    of them: with a terminal or another source                              安装率 = installed /
 * registered joined       of them: sent at least one valid position up to the end                 入网率 = joined /
 * registered online       of them: sent at least one within the period                            上线率 = online /
 * joined mileage      sum of legs between neighbouring valid positions of the period; a leg of more than gap_m or gap_s
 * is broken                                                              轨迹完整率 = unbroken / all drift online
 * vehicles with a leg faster than drift_kmh                        漂移率 = drift / online
 *
 * Names as in the assessment of road transport's dynamic monitoring (考核管理办法, 2016); the limits are not in it and
 * are settings, printed with every figure. A valid position has a fix and no map offset, and is not of the future. A
 * vehicle with several sources is judged by the one with most positions of the period. */
#ifndef ZAYTON_QUERY_EXPORT_KPI_FLEET_H
#define ZAYTON_QUERY_EXPORT_KPI_FLEET_H

#include "engine/fleet/engine.h"
#include "query/export/paper.h"

/* X(NAME, "token", "Chinese") */
#define KPI_BY_TABLE(X)                                                                                                \
	X(ALL, "all", "全部")                                                                                          \
	X(COMPANY, "company", "企业")                                                                                  \
	X(VILLAGE, "village", "所属村")                                                                                \
	X(CLASS, "class", "车辆类别")
#define KPI_BY_CHOICES "all|company|village|class"
/* X(NAME, "token"): the worst first; NAME by name */
#define KPI_ORDER_TABLE(X)                                                                                             \
	X(NAME, "name")                                                                                                \
	X(INSTALLED, "installed")                                                                                      \
	X(JOINED, "joined")                                                                                            \
	X(ONLINE, "online")                                                                                            \
	X(TRACK, "track")                                                                                              \
	X(DRIFT, "drift")
#define KPI_ORDER_CHOICES "name|installed|joined|online|track|drift"

enum kpi_by {
#define X(NAME, token, chinese) KPI_BY_##NAME,
	KPI_BY_TABLE(X)
#undef X
};
enum kpi_order {
#define X(NAME, token) KPI_ORDER_##NAME,
	KPI_ORDER_TABLE(X)
#undef X
};

/* defaults of the settings: practice of platforms, no regulation says them */
#define KPI_GAP_M 2000
#define KPI_GAP_S 300
#define KPI_DRIFT_KMH 160
/* names of one answer */
#define KPI_GROUPS_MAX 100000

struct kpi_request {
	uint8_t by, order;
	int64_t from_ms, to_ms; /* both included */
	int64_t gap_m, gap_s, drift_kmh;
	struct span company, village; /* only vehicles of it at the end of the period; empty: any */
	bool rates_only;              /* no tracks are read: mileage and drift stay empty */
};

/* A table with a row for each name, definitions and settings as notes. Adds up the legs of every track of
 * the period (track_legs.h) unless `rates_only`. Free with paper_deinit, also after a failure. STATUS_INVALID: a
 * setting below 1, or a period that ends before it begins; STATUS_FULL; STATUS_CORRUPT, STATUS_IO, STATUS_NO_MEMORY.
 * Any thread but an event loop. */
STATUS_CHECKED enum status kpi_fleet(struct engine *e, const struct kpi_request *q, struct paper *out);

#endif
