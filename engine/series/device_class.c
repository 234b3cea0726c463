#include "engine/series/device_class.h"

#include <stddef.h>

static const struct {
	const char *token;
	const char *chinese;
	unsigned months;
} classes[DEVICE_CLASS_COUNT] = {
#define X(code, NAME, token, chinese, months) [code] = {token, chinese, months},
	DEVICE_CLASS_TABLE(X)
#undef X
};

static size_t index_of(unsigned code)
{
	return code < DEVICE_CLASS_COUNT ? code : DEVICE_CLASS_OTHER;
}

const char *device_class_token(unsigned code)
{
	return classes[index_of(code)].token;
}

const char *device_class_chinese(unsigned code)
{
	return classes[index_of(code)].chinese;
}

unsigned device_class_months(unsigned code)
{
	return classes[index_of(code)].months;
}

enum status device_class_parse(struct span text, uint8_t *out)
{
	for (unsigned i = 0; i < DEVICE_CLASS_COUNT; i++)
		if (span_equal(text, span_of_string(classes[i].token)) ||
		    span_equal(text, span_of_string(classes[i].chinese))) {
			*out = (uint8_t)i;
			return STATUS_OK;
		}
	return STATUS_NOT_FOUND;
}
