#include "engine/core/status.h"

#include <stddef.h>

static const struct {
	const char *name;
	const char *text;
	enum status_class class_;
} table[STATUS_COUNT] = {
#define X(name, class_, text) {#name, text, STATUS_CLASS_##class_},
	STATUS_TABLE(X)
#undef X
};

const char *status_name(enum status status)
{
	return status >= 0 && status < STATUS_COUNT ? table[status].name : "UNKNOWN";
}

const char *status_text(enum status status)
{
	return status >= 0 && status < STATUS_COUNT ? table[status].text : "unknown status";
}

enum status_class status_class(enum status status)
{
	return status >= 0 && status < STATUS_COUNT ? table[status].class_ : STATUS_CLASS_caller;
}
