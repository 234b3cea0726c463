/* township_tables.h -- the township's tables in their own layout, from the register and from entered figures.
 *
 *   打通消防生命通道工作统计表             quarterly: figures that hold on the quarter's last day
 *   消防安全隐患突出场所隐患问题汇总表       monthly: hazards of the sector 消防 that were not closed before the month,
 *                                   found before its end, as they stood at its end
 *
 * A share counts parts against wholes: marked / existing. What nobody entered is an empty cell, not nought. */
#ifndef ZAYTON_QUERY_EXPORT_TOWNSHIP_TABLES_H
#define ZAYTON_QUERY_EXPORT_TOWNSHIP_TABLES_H

#include "engine/register/figures.h"
#include "engine/register/hazards.h"
#include "query/export/paper.h"

/* Days of a period. STATUS_MALFORMED, STATUS_OUT_OF_RANGE: no quarter "2026Q1" ("2026年第1季度" too), no month
 * "2026-03", no year "2026". */
struct table_period {
	int32_t first_day, last_day;
};
STATUS_CHECKED enum status table_quarter_parse(struct span text, struct table_period *out);
STATUS_CHECKED enum status table_month_parse(struct span text, struct table_period *out);

/* One row: the township, or a village (`village` not empty). Free with paper_deinit, also after a failure. */
STATUS_CHECKED enum status table_fire_lanes(struct figures *f, struct hazards *r, const struct table_period *quarter,
					    struct span village, struct paper *out);

/* hazards of one table: a township has some hundreds; past it STATUS_FULL */
#define TABLE_FIRE_SITES_MAX 20000
/* `filter` narrows: village, company, scope; its list, sector and times are set here. `sector` empty: 消防. */
STATUS_CHECKED enum status table_fire_sites(struct hazards *r, const struct hazard_filter *filter, struct span sector,
					    const struct table_period *month, struct paper *out);

#endif
