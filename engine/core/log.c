#include "engine/core/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/core/clock.h"

static _Atomic int threshold = LOG_INFO;

void log_set_level(enum log_level level)
{
	atomic_store_explicit(&threshold, (int)level, memory_order_relaxed);
}

void log_write(enum log_level level, const char *module, const char *format, ...)
{
	static const char *const names[] = {"debug", "info", "warn", "error"};
	if (level >= LOG_OFF || (int)level < atomic_load_explicit(&threshold, memory_order_relaxed))
		return;
	char line[LOG_LINE_MAX], now[TIME_TEXT_MAX];
	time_format(clock_now_ms(), 0, now);
	int head = snprintf(line, sizeof line, "%s %-5s %s: ", now, names[level], module);
	if (head < 0 || head > (int)sizeof line - 2)
		return;
	va_list args;
	va_start(args, format);
	vsnprintf(line + head, sizeof line - (size_t)head - 1, format, args);
	va_end(args);
	size_t size = strlen(line);
	for (size_t i = (size_t)head; i < size; i++)
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			line[i] = '?';
	line[size++] = '\n';
	if (write(STDERR_FILENO, line, size) < 0)
		return; /* nowhere left to complain */
}
