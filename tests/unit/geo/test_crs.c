#include <criterion/criterion.h>
#include <math.h>

#include "engine/geo/crs.h"

static struct crs *opened(const char *name)
{
	struct crs *c = NULL;
	enum status status = crs_open(name, &c);
	cr_assert(status == STATUS_OK, "%s: %s", name, status_text(status));
	return c;
}

static const struct geo_point anxi = {249000000, 1188000000};

static void expect_pair(const char *name, double east, double north)
{
	struct crs *c = opened(name);
	struct geo_point p;
	double e = 0, n = 0;
	cr_assert(crs_from_wgs84(c, anxi, &e, &n) == STATUS_OK);
	cr_assert(fabs(e - east) < 0.006 && fabs(n - north) < 0.006, "%s: %.3f E %.3f N", name, e, n);
	cr_assert(crs_to_wgs84(c, east, north, &p) == STATUS_OK);
	cr_assert(abs(p.lat_e7 - anxi.lat_e7) <= 1 && abs(p.lon_e7 - anxi.lon_e7) <= 1);
	crs_close(c);
}

/* Computed with PROJ 9.1.1's cs2cs: the definition's own order is northing, easting. */
Test(crs, eastings_come_first_whatever_the_definition_says)
{
	expect_pair("EPSG:4549", 378756.27, 2755511.58);
	expect_pair("epsg:4548", 681876.40, 2756180.08);
	expect_pair("EPSG:4528", 40378756.27, 2755511.58);
	expect_pair("urn:ogc:def:crs:EPSG::4549", 378756.27, 2755511.58);
	expect_pair("EPSG:4490", 118.8, 24.9);
	expect_pair("EPSG:4326", 118.8, 24.9);
}

Test(crs, swapped_axes_and_foreign_belts_are_refused)
{
	struct crs *c = opened("EPSG:4549");
	struct geo_point p;
	cr_assert(crs_to_wgs84(c, 2755511.58, 378756.27, &p) == STATUS_OUT_OF_RANGE);
	cr_assert(crs_to_wgs84(c, 118.8, 24.9, &p) == STATUS_OUT_OF_RANGE);
	cr_assert(crs_to_wgs84(c, 40378756.27, 2755511.58, &p) == STATUS_OUT_OF_RANGE);
	cr_assert(crs_to_wgs84(c, NAN, 2755511.58, &p) == STATUS_OUT_OF_RANGE);
	cr_assert(crs_to_wgs84(c, INFINITY, 2755511.58, &p) == STATUS_OUT_OF_RANGE);
	double east, north;
	cr_assert(crs_from_wgs84(c, (struct geo_point){249000000, 1000000000}, &east, &north) == STATUS_OUT_OF_RANGE);
	crs_close(c);
}

Test(crs, what_needs_no_work_is_told)
{
	static const struct {
		const char *name;
		bool plain;
	} systems[] = {{"EPSG:4326", true},  {"EPSG:4490", true}, {"CRS84", true},
		       {"OGC:CRS84", true},  {"WGS-84", true},    {"urn:ogc:def:crs:OGC:1.3:CRS84", true},
		       {"EPSG:4549", false}, {"GCJ-02", false},   {"bd-09", false},
		       {"EPSG:4214", false}};
	for (size_t i = 0; i < sizeof systems / sizeof *systems; i++) {
		struct crs *c = opened(systems[i].name);
		cr_assert(crs_is_wgs84(c) == systems[i].plain, "%s", systems[i].name);
		crs_close(c);
	}
}

Test(crs, degrees_off_the_globe_are_refused)
{
	static const char *const names[] = {"EPSG:4490", "GCJ-02", "BD-09"};
	for (size_t i = 0; i < 3; i++) {
		struct crs *c = opened(names[i]);
		struct geo_point p;
		cr_assert(crs_to_wgs84(c, 24.9, 118.8, &p) == STATUS_OUT_OF_RANGE);
		cr_assert(crs_to_wgs84(c, 180.1, 24.9, &p) == STATUS_OUT_OF_RANGE);
		cr_assert(crs_to_wgs84(c, NAN, 24.9, &p) == STATUS_OUT_OF_RANGE);
		crs_close(c);
	}
}

Test(crs, map_shifts_go_there_and_back)
{
	static const char *const names[] = {"GCJ-02", "BD-09"};
	for (size_t i = 0; i < 2; i++) {
		struct crs *c = opened(names[i]);
		struct geo_point p;
		double east, north;
		cr_assert(crs_from_wgs84(c, anxi, &east, &north) == STATUS_OK);
		cr_assert(fabs(east - 118.8) > 0.004 && fabs(north - 24.9) > 0.002);
		cr_assert(crs_to_wgs84(c, east, north, &p) == STATUS_OK);
		cr_assert(p.lat_e7 == anxi.lat_e7 && p.lon_e7 == anxi.lon_e7);
		crs_close(c);
	}
}

Test(crs, what_is_not_known_or_would_be_a_guess_is_refused)
{
	char longer[CRS_NAME_MAX + 2];
	struct crs *c = NULL;
	memset(longer, 'x', sizeof longer - 1);
	longer[sizeof longer - 1] = '\0';
	cr_assert(crs_open("EPSG:999999", &c) == STATUS_NOT_FOUND);
	cr_assert(crs_open("", &c) == STATUS_NOT_FOUND);
	cr_assert(crs_open("EPSG:4978", &c) == STATUS_NOT_FOUND, "geocentric");
	cr_assert(crs_open("EPSG:5773", &c) == STATUS_NOT_FOUND, "heights");
	cr_assert(crs_open("+proj=merc", &c) == STATUS_NOT_FOUND, "an operation, no system");
	cr_assert(crs_open("EPSG:4610", &c) == STATUS_UNSUPPORTED, "Xian 1980 has no published transformation");
	cr_assert(crs_open("+init=/etc/passwd:x", &c) == STATUS_UNSUPPORTED);
	cr_assert(crs_open("+proj=longlat +nadgrids=x.gsb +type=crs", &c) == STATUS_UNSUPPORTED);
	cr_assert(crs_open(longer, &c) == STATUS_TOO_LONG);
	cr_assert(c == NULL);
}
