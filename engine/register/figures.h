/* figures.h -- figures that people enter for the township's tables, because nothing in the register says them.
 *
 *   entry   place, village | day from which it holds | reporter, phone, reviewer, unit | figure = value ...
 *   figure of a place on a day = what was said last for the latest day not after it; of the township = the sum of
 * places
 *
 * Entries are kept as they were said (entry.h) and folded on opening. Threads: any but an event loop. */
#ifndef ZAYTON_REGISTER_FIGURES_H
#define ZAYTON_REGISTER_FIGURES_H

#include "engine/register/hazard_law.h"
#include "engine/store/store.h"

/* X(code, NAME, "token", "Chinese", of: the figure it is a part of and never exceeds, 0: none) */
#define FIGURE_TABLE(X)                                                                                                \
	X(1, CITY_SCHEMES, "city_schemes", "市级“一城一策”方案(份)", 0)                                                \
	X(2, COUNTY_SCHEMES, "county_schemes", "县级“一城一策”方案(份)", 0)                                            \
	X(3, ESTATE_SCHEMES, "estate_schemes", "老旧小区“一区一策”方案(份)", 0)                                        \
	X(4, EXISTING_TOTAL, "existing_total", "既有住宅小区现有数量", 0)                                              \
	X(5, EXISTING_MARKED, "existing_marked", "既有住宅小区已按标准划线", 4)                                        \
	X(6, OLD_TOTAL, "old_estate_total", "老旧小区现有数量", 0)                                                     \
	X(7, OLD_MARKED, "old_estate_marked", "老旧小区已按标准划线", 6)                                               \
	X(8, NEW_2020_TOTAL, "new_2020_total", "2020年新建住宅小区建成数量", 0)                                        \
	X(9, NEW_2020_MARKED, "new_2020_marked", "2020年新建住宅小区已按标准划线", 8)                                  \
	X(10, NEW_2021_TOTAL, "new_2021_total", "2021年新建住宅小区建成数量", 0)                                       \
	X(11, NEW_2021_MARKED, "new_2021_marked", "2021年新建住宅小区已按标准划线", 10)                                \
	X(12, NEW_2022_TOTAL, "new_2022_total", "2022年新建住宅小区建成数量", 0)                                       \
	X(13, NEW_2022_MARKED, "new_2022_marked", "2022年新建住宅小区已按标准划线", 12)                                \
	X(14, PUBLIC_TOTAL, "public_total", "公共建筑现有数量", 0)                                                     \
	X(15, PUBLIC_MARKED, "public_marked", "公共建筑已按标准划线", 14)                                              \
	X(16, GROUND_PLANNED, "ground_planned", "地上停车场规划数量", 0)                                               \
	X(17, GROUND_PLANNED_SPACES, "ground_planned_spaces", "地上停车场规划车位", 0)                                 \
	X(18, GROUND_BUILT, "ground_built", "地上停车场建成数量(个)", 0)                                               \
	X(19, GROUND_BUILT_SPACES, "ground_built_spaces", "地上停车场建成车位", 0)                                     \
	X(20, DEFENCE_CONVERTED, "defence_converted", "人防设施改造数量(处)", 0)                                       \
	X(21, DEFENCE_SPACES, "defence_spaces", "人防设施改造车位", 0)                                                 \
	X(22, ROAD_SPACES, "road_spaces_added", "道路车位新增数量", 0)                                                 \
	X(23, PARKING_PLAN, "parking_plan_started", "启动编制城市停车设施建设专项规划(1是0否)", 0)                     \
	X(24, MALL_TOTAL, "mall_total", "大型商业综合体数量", 0)                                                       \
	X(25, MALL_DONE, "mall_done", "大型商业综合体达标数量", 24)                                                    \
	X(26, EBIKE_MANAGED_TOTAL, "ebike_managed_total", "有物业小区数量", 0)                                         \
	X(27, EBIKE_MANAGED_DONE, "ebike_managed_done", "有物业小区电动自行车集中管理达标数量", 26)                    \
	X(28, EBIKE_OTHER_TOTAL, "ebike_unmanaged_total", "无物业小区数量", 0)                                         \
	X(29, EBIKE_OTHER_DONE, "ebike_unmanaged_done", "无物业小区电动自行车集中管理达标数量", 28)                    \
	X(30, FIRE_MONITORS, "fire_monitors", "智能型电气火灾监控系统安装数量", 0)                                     \
	X(31, WATER_MAIN, "water_main_m", "供水管道建设长度(米)", 0)

#define X(code, NAME, token, chinese, of) FIGURE_##NAME = code,
enum figure { FIGURE_NONE, FIGURE_TABLE(X) FIGURE_COUNT };
#undef X
const char *figure_token(unsigned figure);
const char *figure_chinese(unsigned figure);
/* A token or its Chinese name. STATUS_NOT_FOUND. */
STATUS_CHECKED enum status figure_parse(struct span text, uint8_t *out);

/* Largest value of a figure, bytes of a text; entries of one installation: a hundred places monthly for eighty years.
 */
#define FIGURE_VALUE_MAX INT64_C(1000000000)
#define FIGURES_TEXT_MAX 120
#define FIGURES_ENTRIES_MAX 100000

struct figures_entry {
	struct span place, village;                  /* place is required */
	int32_t day;                                 /* from which it holds: hazard_day() */
	struct span reporter, phone, reviewer, unit; /* 填报人, 联系电话, 审核人, 填报单位 */
	struct {
		uint8_t figure;
		int64_t value; /* 0 .. FIGURE_VALUE_MAX */
	} values[FIGURE_COUNT];
	size_t count;
	struct hazard_actor actor;
	int64_t at_ms;
	uint64_t sequence; /* out: 1, 2, ... */
};

struct figures;
/* STATUS_CORRUPT, STATUS_BAD_VERSION: an entry cannot be read. */
STATUS_CHECKED enum status figures_open(struct store *s, struct figures **out);
void figures_close(struct figures *f);

/* Durable when it returns. STATUS_INVALID: no place, no figure, or one twice; STATUS_OUT_OF_RANGE: a value, with
 * `out_figure`; STATUS_CONFLICT: a part would exceed its whole that day, with `out_figure`; STATUS_TOO_LONG,
 * STATUS_MALFORMED of a text; STATUS_DENIED: this role enters no figures; STATUS_FULL past FIGURES_ENTRIES_MAX. */
STATUS_CHECKED enum status figures_enter(struct figures *f, const struct figures_entry *e, uint8_t *out_figure);

/* What holds on `day`: of one place, or summed over all (`place` empty), or over those of a village. `said` has the
 * bits 1 << figure that anybody said. */
struct figures_sum {
	int64_t values[FIGURE_COUNT];
	uint64_t said;
	size_t places;
	uint64_t last; /* sequence of the newest entry that takes part; 0: none */
};
void figures_on(struct figures *f, struct span place, struct span village, int32_t day, struct figures_sum *out);

/* Every entry behind `after`, as it was said, oldest first; views last for the call. `visit` may stop with a status. */
typedef enum status figures_visit(void *context, const struct figures_entry *e);
STATUS_CHECKED enum status figures_entries(struct figures *f, uint64_t after, figures_visit *visit, void *context);

#endif
