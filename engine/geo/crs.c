/* crs.c -- PROJ behind one door, and the two Chinese map shifts that PROJ does not have.
 *
 *   east, north ── axes as drawn ──> [ PROJ: projection, datum ] ──> lon, lat ── area of use? ──> 1e-7 degrees
 *                        GCJ-02, BD-09 ──> gcj02.c ──────────────────────┘ */
#include "engine/geo/crs.h"

#include <math.h>
#include <proj.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "engine/geo/gcj02.h"

enum crs_kind { CRS_WGS84, CRS_GCJ02, CRS_BD09, CRS_PROJ };

struct crs {
	enum crs_kind kind;
	PJ_CONTEXT *context;
	PJ *to_wgs84;                    /* east, north -> longitude, latitude; degrees or metres */
	double west, south, east, north; /* the area of use with its margin, degrees */
};

/* --- opening --- */

static bool has_type(const PJ *system, const PJ_TYPE *types, size_t count)
{
	PJ_TYPE type = proj_get_type(system);
	for (size_t i = 0; i < count; i++)
		if (types[i] == type)
			return true;
	return false;
}

static bool is_position_system(const PJ *system)
{
	static const PJ_TYPE types[] = {PJ_TYPE_GEOGRAPHIC_2D_CRS, PJ_TYPE_GEOGRAPHIC_3D_CRS, PJ_TYPE_PROJECTED_CRS,
					PJ_TYPE_BOUND_CRS};
	return has_type(system, types, sizeof types / sizeof *types);
}

/* "China 2000" is EPSG's name of the datum of CGCS2000 (EPSG:1043). */
static bool is_cgcs2000(PJ_CONTEXT *context, const PJ *geodetic)
{
	PJ *datum = proj_crs_get_datum(context, geodetic);
	bool is = datum && strcmp(proj_get_name(datum), "China 2000") == 0;
	proj_destroy(datum);
	return is;
}

/* The way to WGS-84; of a CGCS2000 system to CGCS2000 itself. */
static PJ *transformation(PJ_CONTEXT *context, const PJ *system)
{
	static const char *const options[] = {"ALLOW_BALLPARK=NO", NULL};
	PJ *target = proj_get_type(system) == PJ_TYPE_BOUND_CRS ? NULL : proj_crs_get_geodetic_crs(context, system);
	if (!target || !is_cgcs2000(context, target)) {
		proj_destroy(target);
		target = proj_create(context, "EPSG:4326");
	}
	PJ *raw = target ? proj_create_crs_to_crs_from_pj(context, system, target, NULL, options) : NULL;
	PJ *normal = raw ? proj_normalize_for_visualization(context, raw) : NULL;
	proj_destroy(raw);
	proj_destroy(target);
	return normal;
}

static void area_of_use(struct crs *c, const PJ *system)
{
	double west, south, east, north;
	const char *name;
	c->west = c->south = -1000;
	c->east = c->north = 1000;
	if (!proj_get_area_of_use(c->context, system, &west, &south, &east, &north, &name) || west > east ||
	    west < -180)
		return;
	c->west = west - CRS_MARGIN_DEG;
	c->south = south - CRS_MARGIN_DEG;
	c->east = east + CRS_MARGIN_DEG;
	c->north = north + CRS_MARGIN_DEG;
}

/* Geographic in degrees, of a datum taken as WGS-84: nothing is to be done. */
static bool is_plain(struct crs *c, const PJ *system)
{
	static const PJ_TYPE types[] = {PJ_TYPE_GEOGRAPHIC_2D_CRS, PJ_TYPE_GEOGRAPHIC_3D_CRS};
	if (!has_type(system, types, 2))
		return false;
	PJ *wgs84 = proj_create(c->context, "OGC:CRS84");
	bool plain = is_cgcs2000(c->context, system) ||
		     (wgs84 && proj_is_equivalent_to_with_ctx(c->context, system, wgs84,
							      PJ_COMP_EQUIVALENT_EXCEPT_AXIS_ORDER_GEOGCRS));
	proj_destroy(wgs84);
	return plain;
}

static enum status open_proj(struct crs *c, const char *name)
{
	c->kind = CRS_PROJ;
	c->context = proj_context_create();
	if (!c->context)
		return STATUS_NO_MEMORY;
	proj_log_level(c->context, PJ_LOG_NONE);
	proj_context_set_enable_network(c->context, 0);
	PJ *system = proj_create(c->context, name);
	if (!system || !is_position_system(system)) {
		proj_destroy(system);
		return STATUS_NOT_FOUND;
	}
	area_of_use(c, system);
	if (is_plain(c, system))
		c->kind = CRS_WGS84;
	else
		c->to_wgs84 = transformation(c->context, system);
	proj_destroy(system);
	return c->kind == CRS_WGS84 || c->to_wgs84 ? STATUS_OK : STATUS_UNSUPPORTED;
}

/* PROJ strings may have files opened. */
static bool names_files(const char *name)
{
	return strcasestr(name, "init=") || strcasestr(name, "grids=") || strcasestr(name, "catalog=") ||
	       strchr(name, '@') || strstr(name, "..");
}

enum status crs_open(const char *name, struct crs **out)
{
	if (strlen(name) > CRS_NAME_MAX)
		return STATUS_TOO_LONG;
	if (names_files(name))
		return STATUS_UNSUPPORTED;
	struct crs *c = calloc(1, sizeof *c);
	if (!c)
		return STATUS_NO_MEMORY;
	enum status status = STATUS_OK;
	if (strcasecmp(name, "GCJ-02") == 0 || strcasecmp(name, "GCJ02") == 0)
		c->kind = CRS_GCJ02;
	else if (strcasecmp(name, "BD-09") == 0 || strcasecmp(name, "BD09") == 0)
		c->kind = CRS_BD09;
	else if (strcasecmp(name, "WGS-84") == 0 || strcasecmp(name, "CRS84") == 0)
		c->kind = CRS_WGS84;
	else
		status = open_proj(c, name);
	if (status)
		crs_close(c);
	else
		*out = c;
	return status;
}

void crs_close(struct crs *c)
{
	if (!c)
		return;
	proj_destroy(c->to_wgs84);
	if (c->context)
		proj_context_destroy(c->context);
	free(c);
}

bool crs_is_wgs84(const struct crs *c)
{
	return c->kind == CRS_WGS84;
}

/* --- using --- */

static bool is_on_globe(struct degrees p)
{
	return p.lat >= -90 && p.lat <= 90 && p.lon >= -180 && p.lon <= 180; /* false for a NaN */
}

static bool is_in_area(const struct crs *c, struct degrees p)
{
	return is_on_globe(p) && (c->kind != CRS_PROJ ||
				  (p.lat >= c->south && p.lat <= c->north && p.lon >= c->west && p.lon <= c->east));
}

enum status crs_to_wgs84(struct crs *c, double east, double north, struct geo_point *out)
{
	struct degrees p = {north, east};
	if (c->kind == CRS_PROJ) {
		PJ_COORD at = proj_trans(c->to_wgs84, PJ_FWD, proj_coord(east, north, 0, 0));
		p = (struct degrees){at.xy.y, at.xy.x};
	} else if (!is_on_globe(p)) {
		return STATUS_OUT_OF_RANGE;
	} else if (c->kind != CRS_WGS84) {
		p = gcj02_to_wgs84(c->kind == CRS_BD09 ? bd09_to_gcj02(p) : p);
	}
	if (!is_in_area(c, p))
		return STATUS_OUT_OF_RANGE;
	*out = (struct geo_point){(int32_t)lround(p.lat * 1e7), (int32_t)lround(p.lon * 1e7)};
	return STATUS_OK;
}

enum status crs_from_wgs84(struct crs *c, struct geo_point at, double *out_east, double *out_north)
{
	struct degrees p = {at.lat_e7 / 1e7, at.lon_e7 / 1e7};
	if (!is_in_area(c, p))
		return STATUS_OUT_OF_RANGE;
	if (c->kind == CRS_PROJ) {
		PJ_COORD there = proj_trans(c->to_wgs84, PJ_INV, proj_coord(p.lon, p.lat, 0, 0));
		p = (struct degrees){there.xy.y, there.xy.x};
	} else if (c->kind != CRS_WGS84) {
		p = gcj02_from_wgs84(p);
		p = c->kind == CRS_BD09 ? bd09_from_gcj02(p) : p;
	}
	if (!isfinite(p.lat) || !isfinite(p.lon))
		return STATUS_OUT_OF_RANGE;
	*out_east = p.lon;
	*out_north = p.lat;
	return STATUS_OK;
}
