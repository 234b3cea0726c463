/* tend.c -- what the calendar asks for.
 *
 *   00:00 UTC+8  yesterday is signed
 *   22:00        the dead zones of tomorrow are learned from what is known of the last seven days, and held from
 *                midnight on; nothing that comes later changes them. Of days on which nobody learned the map before
 *                holds on.
 *   always       places that nobody has visited */
#include "engine/core/clock.h"
#include "engine/core/log.h"
#include "engine/fleet/day_chain.h"
#include "engine/fleet/fleet_internal.h"

#define LEARN_AFTER_MS (22 * MS_PER_HOUR)
/* devices of the registry listed at once */
#define DEVICES_AT_ONCE 1024

/* --- dead zones --- */

typedef enum status learn_fact(struct dead_zone_learner *l, const struct fact *f);

struct learning {
	struct engine *e;
	struct dead_zone_learner *learner;
	learn_fact *learn;
	int64_t from_ms;
};

static enum status offer(void *context, const struct fact *f)
{
	const struct learning *l = context;
	return l->learn(l->learner, f);
}

/* Every fact of the window, of every device. */
static enum status offer_all(struct learning *l, learn_fact *learn)
{
	uint64_t devices[DEVICES_AT_ONCE], after = 0;
	enum status status = STATUS_OK;
	size_t count;
	l->learn = learn;
	while (!status && (count = registry_list(l->e->registry, after, devices, DEVICES_AT_ONCE)) > 0) {
		for (size_t i = 0; i < count && !status; i++)
			status = facts_since(l->e->findings, devices[i], l->from_ms, offer, l);
		after = devices[count - 1];
	}
	return status;
}

static enum status learn_map(struct engine *e, int64_t day_ms, struct dead_zone_map **out)
{
	struct learning l = {.e = e, .from_ms = day_ms - DEAD_ZONE_WINDOW_MS};
	enum status status = dead_zone_learner_new(day_ms, &l.learner);
	if (status)
		return status;
	status = offer_all(&l, dead_zone_learn_gap);
	if (!status)
		status = offer_all(&l, dead_zone_learn_seen);
	if (!status)
		status = dead_zone_learner_finish(l.learner, out);
	dead_zone_learner_free(l.learner);
	return status;
}

/* Whether the map says nothing new: what holds on the eve of its day has the same cells. */
static bool is_known(struct engine *e, const struct dead_zone_map *map)
{
	struct judged_by *by = context_take(e->context);
	uint32_t count = dead_zones_count(by->zones);
	while (count && dead_zone_map_day_ms(dead_zones_at(by->zones, count - 1)) > dead_zone_map_day_ms(map))
		count--;
	bool known = count ? dead_zone_map_same(dead_zones_at(by->zones, count - 1), map) : !dead_zone_map_count(map);
	judged_by_release(by);
	return known;
}

static enum status learn_tomorrow(struct engine *e, int64_t now_ms)
{
	int64_t since_midnight = (now_ms + CHINA_OFFSET_MS) % MS_PER_DAY;
	int64_t tomorrow_ms = now_ms - since_midnight + MS_PER_DAY;
	struct dead_zone_map *map;
	if (since_midnight < LEARN_AFTER_MS || tomorrow_ms == e->zones_day_ms)
		return STATUS_OK;
	enum status status = learn_map(e, tomorrow_ms, &map);
	if (status)
		return status;
	if (!is_known(e, map))
		status = context_put_dead_zones(e->context, map);
	if (!status)
		log_info("judge", "dead zones of tomorrow: %u cells", dead_zone_map_count(map));
	dead_zone_map_unref(map);
	if (!status)
		e->zones_day_ms = tomorrow_ms;
	return status;
}

/* --- all of it --- */

void engine_tend(struct engine *e, int64_t now_ms)
{
	unsigned closed;
	enum status status = days_close(e->store, e->sign_key, now_ms, &closed);
	if (status)
		log_error("digests", "a day could not be signed: %s", status_text(status));
	status = learn_tomorrow(e, now_ms);
	if (status)
		log_error("judge", "dead zones could not be learned: %s", status_text(status));
	judge_time(e->judge, now_ms);
}
