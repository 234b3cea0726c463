/* line_map.h -- which site and quantity a field of a line is.
 *
 *   # measurement   field   site         quantity              first match is taken; * matches anything
 *   weather         temp    {station}    air_temperature
 *   cpu             *       {host}       {measurement}.{field}.{cpu}
 *
 * {measurement}, {field} and {TAG} stand for what the line says; a rule that names a tag the line does not have does
 * not match. Behind the rules of the file comes what needs none: the site is the first of the site tags that the line
 * has, the quantity is the measurement, with .FIELD unless the field is `value`, and ;TAG=VALUE for every other tag in
 * order of their names, so that no two series of an agent become one.
 *
 * The tag `quality` is none of these when it is a word of VALUE_QUALITY_TABLE (`quality=test`): it says of the line's
 * values what it says, and is no part of their quantity.
 *
 * Pure; immutable once made; any thread. */
#ifndef ZAYTON_INGEST_LINE_MAP_H
#define ZAYTON_INGEST_LINE_MAP_H

#include "engine/core/bytes.h"
#include "engine/core/status.h"

/* rules of a file, tags of a line, and bytes of a name that is made */
#define LINE_RULES_MAX 10000
#define LINE_TAGS_MAX 64
#define LINE_NAME_MAX 127

struct line_map;
/* `rules` as above, may be empty; `site_tags` separated by commas. STATUS_INVALID: `mistakes` has a line for each, with
 * its number. STATUS_NO_MEMORY. */
STATUS_CHECKED enum status line_map_new(struct span rules, const char *site_tags, struct line_map **out,
					struct buf *mistakes);
/* NULL is allowed. */
void line_map_free(struct line_map *m);

/* Names, NUL-terminated. `key` as struct line has it, `field` as the line says it (escaped).
 * STATUS_NOT_FOUND: nothing says what the site is; STATUS_TOO_LONG: a name past LINE_NAME_MAX, or more than
 * LINE_TAGS_MAX tags; STATUS_MALFORMED: the tags are not such. */
STATUS_CHECKED enum status line_map_names(const struct line_map *m, struct span key, struct span measurement,
					  struct span field, char site[LINE_NAME_MAX + 1],
					  char quantity[LINE_NAME_MAX + 1]);

/* What the tag `quality` says of the line's values, as value_quality_parse() reads it; VALUE_QUALITY_GOOD without. */
uint8_t line_map_quality(struct span key, struct span measurement);

#endif
