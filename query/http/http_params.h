/* http_params.h -- the query string, held strictly against what a route says it takes.
 *
 *   "from=2026-01-31T00:00:00Z&points=500"  +  specs  ->  values[i] of specs[i]
 *
 * A parameter that the route does not name, one given twice, or a value that is not of its kind is refused
 * with a sentence that names it. Nothing is guessed: an empty value is a wrong value, except of a text. */
#ifndef ZAYTON_QUERY_HTTP_PARAMS_H
#define ZAYTON_QUERY_HTTP_PARAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/core/bytes.h"
#include "engine/core/status.h"

#define HTTP_PARAMS_MAX 32
#define HTTP_TEXT_MAX 4096

enum http_param_kind {
	HTTP_PARAM_TEXT,    /* UTF-8 without controls, at most `max` bytes */
	HTTP_PARAM_INTEGER, /* decimal, min..max */
	HTTP_PARAM_TIME,    /* RFC 3339 with its zone, or ms since 1970 UTC; a blank before the zone is a '+' */
	HTTP_PARAM_CHOICE,  /* one of `choices`; the number is its index */
	HTTP_PARAM_FLAG,    /* 1, true, 0, false */
	HTTP_PARAM_BOX,     /* lonmin,latmin,lonmax,latmax in degrees */
	HTTP_PARAM_CURSOR,  /* as an earlier answer gave it */
};

struct http_param {
	const char *name;
	enum http_param_kind kind;
	bool required;
	int64_t min, max;
	const char *choices; /* "json|csv" */
	const char *about;   /* for the OpenAPI document */
};

struct http_box {
	int32_t lon_min_e7, lat_min_e7, lon_max_e7, lat_max_e7;
};

struct http_value {
	bool set;
	struct span text; /* decoded, NUL after it */
	int64_t number;   /* INTEGER, TIME (ms), CHOICE, FLAG */
	struct http_box box;
};

struct http_params_error {
	char name[64];    /* the parameter, as far as it is printable */
	char detail[192]; /* a sentence */
};

/* Fills values[0..count). `storage` has strlen(query) + 1 bytes and keeps the decoded texts.
 * STATUS_INVALID: `error` says what is wrong. */
STATUS_CHECKED enum status http_params_parse(const struct http_param *params, size_t count, const char *query,
					     char *storage, struct http_value *values, struct http_params_error *error);

/* Percent-decoding with '+' for a blank; `out` has text.size bytes. STATUS_MALFORMED on a bad escape or a NUL. */
STATUS_CHECKED enum status http_decode(struct span text, char *out, size_t *out_size);
/* "118.6085" to 1e-7 degrees, at most 7 decimals, within +-limit. STATUS_MALFORMED, STATUS_OUT_OF_RANGE. */
STATUS_CHECKED enum status http_degrees_parse(struct span text, int32_t limit_e7, int32_t *out_e7);
STATUS_CHECKED enum status http_integer_parse(struct span text, int64_t min, int64_t max, int64_t *out);
STATUS_CHECKED enum status http_time_parse(struct span text, int64_t *out_ms);
/* Whole and valid UTF-8 without control characters. */
bool http_text_is_clean(struct span text);

#endif
