/* settings_row.h -- a row of the settings table as data; between settings.c and settings_sources.c only. */
#ifndef ZAYTON_CORE_SETTINGS_ROW_H
#define ZAYTON_CORE_SETTINGS_ROW_H

#include "engine/core/settings.h"

enum setting_kind {
	SETTING_BOOL,
	SETTING_UINT,
	SETTING_SIZE,
	SETTING_DURATION,
	SETTING_STRING,
	SETTING_ENUM,
	SETTING_ADDRESS
};

struct setting_row {
	enum setting_kind kind;
	const char *name;
	const char *initial;
	uint64_t min, max; /* numbers: in `unit`; STRING: bytes */
	const char *unit;  /* ENUM: the words, "a|b|c" */
	const char *english, *chinese;
	size_t offset; /* of the value in struct settings */
};

extern const struct setting_row setting_rows[SETTING_COUNT];

/* The row of `name`, hyphens taken for underscores; -1 when there is none. */
int setting_find(struct span name);
/* "1..64", "sync|interval|os", "yes or no" ... */
STATUS_CHECKED enum status setting_print_range(struct buf *out, const struct setting_row *row);

#endif
