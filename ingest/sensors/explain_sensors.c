#include "ingest/sensors/explain_sensors.h"

#include <stdlib.h>

#include "engine/core/clock.h"
#include "ingest/jt808/explain_fields.h"

void explained_put(struct explained *e, const char *name, json_t *value)
{
	enum status status = explain_set(e->into, name, value);
	e->status = e->status ? e->status : status;
}

void explained_put_number(struct explained *e, const char *name, int64_t value)
{
	explained_put(e, name, json_integer(value));
}

void explained_put_hex(struct explained *e, const char *name, struct span bytes)
{
	explained_put(e, name, explain_hex(bytes));
}

void explained_put_text(struct explained *e, const char *name, struct span text)
{
	explained_put(e, name, explain_text(text));
}

void explained_put_time(struct explained *e, const char *name, bool known, int64_t ms, struct span bytes)
{
	char text[TIME_TEXT_MAX];
	if (!known) {
		explained_put_hex(e, name, bytes);
		return;
	}
	time_format(ms, CHINA_OFFSET_MS, text);
	explained_put(e, name, json_string(text));
}

void explained_put_decimal(struct explained *e, const char *name, int64_t mantissa, unsigned scale)
{
	char text[40];
	uint64_t left = mantissa < 0 ? 0 - (uint64_t)mantissa : (uint64_t)mantissa;
	char *at = text + sizeof text;
	for (unsigned digits = 0; left || digits <= scale; digits++, left /= 10) {
		if (digits && digits == scale)
			*--at = '.';
		*--at = (char)('0' + left % 10);
	}
	if (mantissa < 0)
		*--at = '-';
	explained_put(e, name, json_stringn(at, (size_t)(text + sizeof text - at)));
}

enum status explained_finish(struct explained *e, enum status refused, struct span raw, struct buf *out)
{
	if (refused) {
		explained_put(e, "refused", json_string(status_name(refused)));
		explained_put(e, "reason", json_string(status_text(refused)));
		explained_put_hex(e, "raw", raw);
	}
	char *text = e->status ? NULL : json_dumps(e->into, JSON_COMPACT);
	enum status status = text ? buf_append(out, text, strlen(text)) : STATUS_NO_MEMORY;
	free(text);
	json_decref(e->into);
	return status ? status : refused;
}
