#include "engine/geo/distance.h"
#include "engine/series/block_layout.h"

/* Where a device was, one after another: fixes that are not where the one before was. */
struct path {
	int32_t lat_e7[BLOCK_REPORTS_MAX], lon_e7[BLOCK_REPORTS_MAX];
	size_t count;
};

static inline void path_add(struct path *p, const struct report *r)
{
	size_t last = p->count ? p->count - 1 : 0;
	p->lat_e7[p->count] = r->lat_e7;
	p->lon_e7[p->count] = r->lon_e7;
	p->count += p->count == 0 || p->lat_e7[last] != r->lat_e7 || p->lon_e7[last] != r->lon_e7;
}

static void add_path(const struct path *p, struct block_summary *s)
{
	for (size_t i = 0; i < p->count; i++) {
		int32_t lat_e7 = p->lat_e7[i], lon_e7 = p->lon_e7[i];
		s->lat_min_e7 = lat_e7 < s->lat_min_e7 ? lat_e7 : s->lat_min_e7;
		s->lat_max_e7 = lat_e7 > s->lat_max_e7 ? lat_e7 : s->lat_max_e7;
		s->lon_min_e7 = lon_e7 < s->lon_min_e7 ? lon_e7 : s->lon_min_e7;
		s->lon_max_e7 = lon_e7 > s->lon_max_e7 ? lon_e7 : s->lon_max_e7;
	}
	s->distance_mm = distance_path_mm(p->lat_e7, p->lon_e7, p->count);
}

static void add_words(const struct report *r, struct block_summary *s)
{
	s->alarm_or |= r->alarm;
	s->status_or |= r->status;
	s->status_and &= r->status;
	s->flags_or |= r->flags;
	if (r->speed_dkmh != SPEED_UNKNOWN && (s->speed_max_dkmh == SPEED_UNKNOWN || r->speed_dkmh > s->speed_max_dkmh))
		s->speed_max_dkmh = r->speed_dkmh;
	if (r->mileage_hm != MILEAGE_UNKNOWN) {
		s->mileage_last_hm = r->mileage_hm;
		if (s->mileage_first_hm == MILEAGE_UNKNOWN)
			s->mileage_first_hm = r->mileage_hm;
	}
}

void block_summary_of(const struct report *reports, size_t count, struct block_summary *out)
{
	struct block_summary s = {
		.count = (uint32_t)count,
		.time_first_ms = reports[0].time_ms,
		.time_last_ms = reports[count - 1].time_ms,
		.lat_min_e7 = INT32_MAX,
		.lat_max_e7 = INT32_MIN,
		.lon_min_e7 = INT32_MAX,
		.lon_max_e7 = INT32_MIN,
		.status_and = UINT32_MAX,
		.mileage_first_hm = MILEAGE_UNKNOWN,
		.mileage_last_hm = MILEAGE_UNKNOWN,
		.speed_max_dkmh = SPEED_UNKNOWN,
	};
	struct path path;
	path.count = 0;
	for (size_t i = 0; i < count; i++) {
		add_words(&reports[i], &s);
		if (reports[i].flags & REPORT_FLAG_NO_FIX)
			continue;
		s.fixes++;
		path_add(&path, &reports[i]);
	}
	add_path(&path, &s);
	*out = s;
}

/* count, fixes missing, z(first time), span, [z(lat_min), height, z(lon_min), width,] alarm, status_and, status_or XOR
 * status_and, mileage_first + 1, z(mileage_last - first), speed_max + 1, flags, distance; sums wrap at the field's
 * width */
enum status block_summary_put(const struct block_summary *s, struct buf *out)
{
	uint64_t v[18];
	size_t n = 0;
	v[n++] = s->count;
	v[n++] = s->count - s->fixes;
	v[n++] = zigzag64(s->time_first_ms);
	v[n++] = (uint64_t)(s->time_last_ms - s->time_first_ms);
	if (s->fixes) {
		v[n++] = zigzag32(s->lat_min_e7);
		v[n++] = (uint32_t)s->lat_max_e7 - (uint32_t)s->lat_min_e7;
		v[n++] = zigzag32(s->lon_min_e7);
		v[n++] = (uint32_t)s->lon_max_e7 - (uint32_t)s->lon_min_e7;
	}
	v[n++] = s->alarm_or;
	v[n++] = s->status_and;
	v[n++] = s->status_or ^ s->status_and;
	v[n++] = s->mileage_first_hm + 1u;
	v[n++] = zigzag32((int32_t)(s->mileage_last_hm - s->mileage_first_hm));
	v[n++] = (uint16_t)(s->speed_max_dkmh + 1u);
	v[n++] = s->flags_or;
	v[n++] = s->distance_mm;
	enum status status = buf_reserve(out, n * 10);
	if (status)
		return status;
	for (size_t i = 0; i < n; i++)
		out->size += varint_store(out->data + out->size, v[i]);
	return STATUS_OK;
}

/* A varint no larger than `max`. */
static uint64_t take(struct cursor *c, uint64_t max)
{
	uint64_t v = cursor_varint(c);
	if (v > max)
		c->failed = true;
	return c->failed ? 0 : v;
}

static void take_box(struct cursor *c, struct block_summary *s)
{
	s->lat_min_e7 = unzigzag32((uint32_t)take(c, UINT32_MAX));
	s->lat_max_e7 = (int32_t)((uint32_t)s->lat_min_e7 + (uint32_t)take(c, UINT32_MAX));
	s->lon_min_e7 = unzigzag32((uint32_t)take(c, UINT32_MAX));
	s->lon_max_e7 = (int32_t)((uint32_t)s->lon_min_e7 + (uint32_t)take(c, UINT32_MAX));
	if (s->lat_min_e7 < -LAT_E7_MAX || s->lat_max_e7 > LAT_E7_MAX || s->lat_min_e7 > s->lat_max_e7 ||
	    s->lon_min_e7 < -LON_E7_MAX || s->lon_max_e7 > LON_E7_MAX || s->lon_min_e7 > s->lon_max_e7)
		c->failed = true;
}

enum status block_summary_take(struct cursor *c, struct block_summary *out)
{
	struct block_summary s = {
		.lat_min_e7 = INT32_MAX, .lat_max_e7 = INT32_MIN, .lon_min_e7 = INT32_MAX, .lon_max_e7 = INT32_MIN};
	s.count = (uint32_t)take(c, BLOCK_REPORTS_MAX);
	s.fixes = s.count - (uint32_t)take(c, s.count);
	s.time_first_ms = unzigzag64(cursor_varint(c));
	if (c->failed || s.count == 0 || s.time_first_ms > BLOCK_TIME_MAX_MS || s.time_first_ms < -BLOCK_TIME_MAX_MS)
		return STATUS_CORRUPT;
	s.time_last_ms = s.time_first_ms + (int64_t)take(c, BLOCK_SPAN_MAX_MS);
	if (s.fixes)
		take_box(c, &s);
	s.alarm_or = (uint32_t)take(c, UINT32_MAX);
	s.status_and = (uint32_t)take(c, UINT32_MAX);
	s.status_or = s.status_and ^ (uint32_t)take(c, UINT32_MAX);
	s.mileage_first_hm = (uint32_t)take(c, UINT32_MAX) - 1u;
	s.mileage_last_hm = s.mileage_first_hm + (uint32_t)unzigzag32((uint32_t)take(c, UINT32_MAX));
	s.speed_max_dkmh = (uint16_t)(take(c, UINT16_MAX) - 1u);
	s.flags_or = (uint16_t)take(c, UINT16_MAX);
	s.distance_mm = cursor_varint(c);
	if (c->failed || (s.status_or & s.status_and) != s.status_and)
		return STATUS_CORRUPT;
	*out = s;
	return STATUS_OK;
}

enum status block_summary_encode(const struct block_summary *s, struct buf *out)
{
	enum status status = buf_reserve(out, 1);
	if (status)
		return status;
	out->data[out->size++] = BLOCK_VERSION;
	status = block_summary_put(s, out);
	if (status)
		out->size--;
	return status;
}

enum status block_summary_decode(struct span bytes, struct block_summary *out)
{
	struct cursor c = cursor_of(bytes);
	uint8_t version = cursor_u8(&c);
	if (c.failed)
		return STATUS_CORRUPT;
	if (version != BLOCK_VERSION)
		return STATUS_BAD_VERSION;
	struct block_summary s;
	enum status status = block_summary_take(&c, &s);
	if (status)
		return status;
	if (cursor_left(&c))
		return STATUS_CORRUPT;
	*out = s;
	return STATUS_OK;
}
