/* export_format.h -- the forms an answer can take, and the little texts they share. */
#ifndef ZAYTON_QUERY_EXPORT_FORMAT_H
#define ZAYTON_QUERY_EXPORT_FORMAT_H

#include "engine/core/bytes.h"

/* X(NAME, "token", media type); the tokens in this order are the values of ?format= */
#define EXPORT_FORMAT_TABLE(X)                                                                                         \
	X(JSON, "json", "application/json")                                                                            \
	X(GEOJSON, "geojson", "application/geo+json")                                                                  \
	X(NDJSON, "ndjson", "application/x-ndjson")                                                                    \
	X(CSV, "csv", "text/csv; charset=utf-8; header=present")                                                       \
	X(GPX, "gpx", "application/gpx+xml")

enum export_format {
#define X(NAME, token, media) EXPORT_##NAME,
	EXPORT_FORMAT_TABLE(X)
#undef X
		EXPORT_FORMAT_COUNT
};

const char *export_format_token(enum export_format format);
/* With parameters, for Content-Type; static. */
const char *export_format_media(enum export_format format);
/* By token. STATUS_NOT_FOUND. */
STATUS_CHECKED enum status export_format_parse(struct span token, enum export_format *out);

/* One CSV field (RFC 4180): quoted when it holds a quote, comma or line break. */
STATUS_CHECKED enum status csv_append(struct buf *out, struct span text);
/* Text as XML content or attribute value: escaped, what XML 1.0 cannot hold replaced by U+FFFD. */
STATUS_CHECKED enum status xml_append(struct buf *out, struct span text);
/* RFC 3339, UTC; nothing when unknown (INT64_MIN, INT64_MAX). */
STATUS_CHECKED enum status time_append(struct buf *out, int64_t ms);

#endif
