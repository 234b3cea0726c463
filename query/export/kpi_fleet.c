#include "query/export/kpi_fleet.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/core/clock.h"
#include "engine/fleet/track_legs.h"
#include "engine/fleet/vehicle.h"

#define MM_PER_M 1000
#define DEVICES_AT_ONCE 1024
#define THREADS_MAX 8

struct tally {
	char *name;
	uint64_t registered, installed, joined, online, drifting;
	uint64_t mileage_mm, complete_mm;
};

struct counting {
	struct engine *engine;
	const struct kpi_request *q;
	struct tally *items;
	size_t count, capacity;
	struct vehicle *batch; /* DEVICES_AT_ONCE of them */
	size_t batch_count;
};

/* --- one vehicle --- */

struct vehicle {
	uint64_t sources[REGISTRY_SOURCES_MAX + 1]; /* itself first */
	size_t source_count, tally;
	struct track_legs best; /* of the source with most positions of the period */
	bool joined;
	enum status status;
};

static enum status look_at_track(const struct counting *c, uint64_t device, struct track_legs *out)
{
	const struct kpi_request *q = c->q;
	const struct track_legs_limits limits = {q->gap_m * MM_PER_M, q->gap_s * MS_PER_SECOND, q->drift_kmh};
	bool any = false;
	if (!q->rates_only)
		return track_legs(c->engine, device, q->from_ms, q->to_ms, &limits, out);
	enum status status = track_has_position(c->engine, device, q->from_ms, q->to_ms, &any);
	*out = (struct track_legs){.positions = any};
	return status;
}

static enum status look_at_vehicle(const struct counting *c, struct vehicle *v)
{
	struct track_legs one;
	enum status status = STATUS_OK;
	for (size_t i = 0; i < v->source_count && !status; i++) {
		status = look_at_track(c, v->sources[i], &one);
		if (!status && one.positions > v->best.positions)
			v->best = one;
	}
	v->joined = v->best.positions > 0;
	for (size_t i = 0; i < v->source_count && !status && !v->joined; i++)
		status = track_has_position(c->engine, v->sources[i], 0, c->q->to_ms, &v->joined);
	return status;
}

static void add_vehicle(struct counting *c, const struct vehicle *v)
{
	struct tally *t = &c->items[v->tally];
	t->joined += v->joined;
	t->online += v->best.positions > 0;
	t->drifting += v->best.drifts;
	t->mileage_mm += v->best.mileage_mm;
	t->complete_mm += v->best.complete_mm;
}

/* --- many at once --- */

struct crew {
	const struct counting *counting;
	struct vehicle *vehicles;
	size_t count;
	_Atomic size_t next;
};

static void *crew_main(void *context)
{
	struct crew *w = context;
	size_t i;
	while ((i = atomic_fetch_add_explicit(&w->next, 1, memory_order_relaxed)) < w->count)
		w->vehicles[i].status = look_at_vehicle(w->counting, &w->vehicles[i]);
	return NULL;
}

/* The vehicles that were gathered, by as many threads as there are processors; one that does not begin leaves its part
 * to the others. */
static enum status count_batch(struct counting *c)
{
	pthread_t threads[THREADS_MAX];
	struct crew w = {.counting = c, .vehicles = c->batch, .count = c->batch_count};
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	size_t wanted = processors < 1 ? 1 : processors > THREADS_MAX ? THREADS_MAX : (size_t)processors, begun = 1;
	enum status status = STATUS_OK;
	while (begun < wanted && begun < w.count && !pthread_create(&threads[begun], NULL, crew_main, &w))
		begun++;
	crew_main(&w);
	for (size_t i = 1; i < begun; i++)
		pthread_join(threads[i], NULL);
	for (size_t i = 0; i < c->batch_count && !status; i++) {
		status = c->batch[i].status;
		add_vehicle(c, &c->batch[i]);
	}
	c->batch_count = 0;
	return status;
}

static enum status tally_of(struct counting *c, const char *name, size_t *out)
{
	for (size_t i = 0; i < c->count; i++)
		if (strcmp(c->items[i].name, name) == 0) {
			*out = i;
			return STATUS_OK;
		}
	if (c->count == KPI_GROUPS_MAX)
		return STATUS_FULL;
	if (c->count == c->capacity) {
		size_t capacity = c->capacity ? 2 * c->capacity : 64;
		struct tally *items = realloc(c->items, capacity * sizeof *items);
		if (!items)
			return STATUS_NO_MEMORY;
		c->items = items;
		c->capacity = capacity;
	}
	c->items[c->count] = (struct tally){.name = strdup(name)};
	if (!c->items[c->count].name)
		return STATUS_NO_MEMORY;
	*out = c->count++;
	return STATUS_OK;
}

/* What holds at the end of the period; "" when nothing is said. */
static void value_of(struct counting *c, uint64_t device, enum device_field field, char out[DEVICE_VALUE_MAX + 1])
{
	if (registry_value(engine_registry(c->engine), device, field, c->q->to_ms, out))
		*out = '\0';
}

/* On file with a plate of its own; a platform's view of a vehicle has VEHICLE, and is one of its sources. */
static enum status is_on_file(struct counting *c, uint64_t device, uint8_t *kind, bool *out)
{
	struct device d;
	char state[DEVICE_VALUE_MAX + 1];
	enum status status = registry_device(engine_registry(c->engine), device, &d);
	if (status)
		return status;
	*out = false;
	*kind = d.kind;
	for (size_t i = 0; i < d.binding_count; i++)
		*out |= d.bindings[i].field == DEVICE_FIELD_PLATE && d.bindings[i].valid_from_ms <= c->q->to_ms &&
			d.bindings[i].valid_to_ms > c->q->to_ms;
	device_deinit(&d);
	value_of(c, device, DEVICE_FIELD_STATE, state);
	*out = *out && strcmp(state, "unregistered") != 0 && strcmp(state, "revoked") != 0;
	return STATUS_OK;
}

static bool is_asked_for(struct counting *c, uint64_t device)
{
	char text[DEVICE_VALUE_MAX + 1];
	value_of(c, device, DEVICE_FIELD_COMPANY, text);
	if (c->q->company.size && !span_equal(c->q->company, span_of_string(text)))
		return false;
	value_of(c, device, DEVICE_FIELD_VILLAGE, text);
	return !c->q->village.size || span_equal(c->q->village, span_of_string(text));
}

static void name_of(struct counting *c, uint64_t device, char out[DEVICE_VALUE_MAX + 1])
{
	*out = '\0';
	switch ((enum kpi_by)c->q->by) {
	case KPI_BY_ALL:
		strcpy(out, "全部");
		break;
	case KPI_BY_COMPANY:
		value_of(c, device, DEVICE_FIELD_COMPANY, out);
		break;
	case KPI_BY_VILLAGE:
		value_of(c, device, DEVICE_FIELD_VILLAGE, out);
		break;
	case KPI_BY_CLASS:
		strcpy(out, device_class_chinese(registry_class(engine_registry(c->engine), device, c->q->to_ms)));
		break;
	}
}

static enum status count_device(struct counting *c, uint64_t device)
{
	struct vehicle *v = &c->batch[c->batch_count];
	char name[DEVICE_VALUE_MAX + 1];
	uint8_t kind;
	bool on_file;
	enum status status = is_on_file(c, device, &kind, &on_file);
	if (status || !on_file || !is_asked_for(c, device))
		return status;
	name_of(c, device, name);
	*v = (struct vehicle){.sources = {device}};
	status = tally_of(c, name, &v->tally);
	if (status)
		return status;
	size_t count =
		vehicle_sources(engine_registry(c->engine), device, c->q->to_ms, v->sources + 1, REGISTRY_SOURCES_MAX);
	v->source_count = 1 + count;
	c->items[v->tally].registered++;
	c->items[v->tally].installed += kind != DEVICE_KIND_BOAT || count > 0;
	return ++c->batch_count == DEVICES_AT_ONCE ? count_batch(c) : STATUS_OK;
}

static enum status count_all(struct counting *c)
{
	uint64_t ids[DEVICES_AT_ONCE], after = 0;
	enum status status = STATUS_OK;
	size_t n;
	while (!status && (n = registry_list(engine_registry(c->engine), after, ids, DEVICES_AT_ONCE)) > 0) {
		for (size_t i = 0; i < n && !status; i++)
			status = count_device(c, ids[i]);
		after = ids[n - 1];
	}
	return status ? status : count_batch(c);
}

/* --- the table --- */

/* Is part a / whole a less than b's? Nothing of nothing comes last. */
static int compare_shares(uint64_t part_a, uint64_t whole_a, uint64_t part_b, uint64_t whole_b)
{
	if (!whole_a || !whole_b)
		return (whole_a == 0) - (whole_b == 0);
	unsigned __int128 a = (unsigned __int128)part_a * whole_b, b = (unsigned __int128)part_b * whole_a;
	return a < b ? -1 : a > b;
}

static int compare_by(enum kpi_order order, const struct tally *a, const struct tally *b)
{
	switch (order) {
	case KPI_ORDER_NAME:
		break;
	case KPI_ORDER_INSTALLED:
		return compare_shares(a->installed, a->registered, b->installed, b->registered);
	case KPI_ORDER_JOINED:
		return compare_shares(a->joined, a->registered, b->joined, b->registered);
	case KPI_ORDER_ONLINE:
		return compare_shares(a->online, a->joined, b->online, b->joined);
	case KPI_ORDER_TRACK:
		return compare_shares(a->complete_mm, a->mileage_mm, b->complete_mm, b->mileage_mm);
	case KPI_ORDER_DRIFT: /* more is worse */
		if (!a->online || !b->online)
			return (a->online == 0) - (b->online == 0);
		return compare_shares(b->drifting, b->online, a->drifting, a->online);
	}
	return 0;
}

static int compare_tallies(const void *x, const void *y, void *order)
{
	const struct tally *a = x, *b = y;
	int by = compare_by(*(const enum kpi_order *)order, a, b);
	return by ? by : strcmp(a->name, b->name);
}

static const struct paper_column columns[] = {
	{"rank", "名次", 8},
	{"name", "名称", 26},
	{"registered", "备案车辆数", 12},
	{"installed", "安装/车辆数", 12},
	{"installed_rate", "安装/安装率(%)", 12},
	{"joined", "入网/车辆数", 12},
	{"joined_rate", "入网/入网率(%)", 12},
	{"online", "上线/车辆数", 12},
	{"online_rate", "上线/上线率(%)", 12},
	{"mileage_m", "轨迹/总里程(米)", 14},
	{"complete_m", "轨迹/完整里程(米)", 14},
	{"track_rate", "轨迹/轨迹完整率(%)", 14},
	{"drifting", "漂移/车辆数", 12},
	{"drift_rate", "漂移/漂移率(%)", 12},
};

static void add_row(struct paper *p, const struct tally *t, bool rates_only)
{
	paper_number(p, (int64_t)paper_rows(p) + 1);
	paper_string(p, t->name);
	paper_number(p, (int64_t)t->registered);
	paper_number(p, (int64_t)t->installed);
	paper_share(p, t->installed, t->registered);
	paper_number(p, (int64_t)t->joined);
	paper_share(p, t->joined, t->registered);
	paper_number(p, (int64_t)t->online);
	paper_share(p, t->online, t->joined);
	for (unsigned i = 0; rates_only && i < 5; i++)
		paper_none(p);
	if (rates_only)
		return;
	paper_number(p, (int64_t)(t->mileage_mm / MM_PER_M));
	paper_number(p, (int64_t)(t->complete_mm / MM_PER_M));
	paper_share(p, t->complete_mm, t->mileage_mm);
	paper_number(p, (int64_t)t->drifting);
	paper_share(p, t->drifting, t->online);
}

static void add_notes(struct paper *p, const struct kpi_request *q)
{
	char text[300], from[TIME_TEXT_MAX], to[TIME_TEXT_MAX];
	time_format(q->from_ms, CHINA_OFFSET_MS, from);
	time_format(q->to_ms, CHINA_OFFSET_MS, to);
	snprintf(text, sizeof text, "%s 至 %s", from, to);
	paper_note(p, "统计期间", text);
	paper_note(p, "备案车辆数", "期末有号牌且未标为未备案或已注销的车船");
	paper_note(p, "安装率", "已绑定终端或其他来源的车船/备案车辆数");
	paper_note(p, "入网率", "截至期末至少上传过一条有效定位的车船/备案车辆数");
	paper_note(p, "上线率", "期内至少上传过一条有效定位的车船/入网车船");
	snprintf(text, sizeof text, "相邻有效定位间距不超过 %lld 米且间隔不超过 %lld 秒的里程/总里程 (gap_m, gap_s)",
		 (long long)q->gap_m, (long long)q->gap_s);
	paper_note(p, "轨迹完整率", text);
	snprintf(text, sizeof text, "相邻有效定位推算速度超过 %lld km/h 的车船/上线车船 (drift_kmh)",
		 (long long)q->drift_kmh);
	paper_note(p, "漂移率", text);
	paper_note(p, "有效定位", "已定位、未经地图偏移且时间不超前的记录；多来源车船按期内定位最多的来源");
	paper_note(p, "阈值", "无规定数值，为设置项");
}

static enum status tell(struct counting *c, struct paper *out)
{
	enum kpi_order order = (enum kpi_order)c->q->order;
	if (c->count)
		qsort_r(c->items, c->count, sizeof *c->items, compare_tallies, &order);
	for (size_t i = 0; i < c->count; i++)
		add_row(out, &c->items[i], c->q->rates_only);
	add_notes(out, c->q);
	return out->status;
}

enum status kpi_fleet(struct engine *e, const struct kpi_request *q, struct paper *out)
{
	struct counting c = {.engine = e, .q = q};
	*out = paper_init("车船动态监控考核指标", columns, sizeof columns / sizeof *columns);
	if (q->from_ms > q->to_ms || q->gap_m < 1 || q->gap_s < 1 || q->drift_kmh < 1)
		return STATUS_INVALID;
	c.batch = calloc(DEVICES_AT_ONCE, sizeof *c.batch);
	enum status status = c.batch ? count_all(&c) : STATUS_NO_MEMORY;
	if (!status)
		status = tell(&c, out);
	free(c.batch);
	for (size_t i = 0; i < c.count; i++)
		free(c.items[i].name);
	free(c.items);
	return status;
}
