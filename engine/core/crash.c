#include "engine/core/crash.h"

#ifdef ZAYTON_CRASH_POINTS
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

void crash_point(const char *name)
{
	static _Atomic long passes;
	const char *wanted = getenv("ZAYTON_CRASH");
	size_t length = strlen(name);
	if (!wanted || strncmp(wanted, name, length) != 0 || wanted[length] != ':')
		return;
	if (atomic_fetch_add(&passes, 1) + 1 == atol(wanted + length + 1))
		raise(SIGKILL);
}
#else
typedef int crash_translation_unit_is_not_empty;
#endif
