/* log.h -- one line per event on standard error: time, level, module, message.
 *
 * Safe from any thread. A line is one write(2) of at most LOG_LINE_MAX bytes. Text from outside
 * is escaped so that it cannot forge lines. Never called per report. */
#ifndef ZAYTON_CORE_LOG_H
#define ZAYTON_CORE_LOG_H

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR, LOG_OFF };

#define LOG_LINE_MAX 1024

void log_set_level(enum log_level level);
void log_write(enum log_level level, const char *module, const char *format, ...) __attribute__((format(printf, 3, 4)));

#define log_debug(module, ...) log_write(LOG_DEBUG, module, __VA_ARGS__)
#define log_info(module, ...) log_write(LOG_INFO, module, __VA_ARGS__)
#define log_warn(module, ...) log_write(LOG_WARN, module, __VA_ARGS__)
#define log_error(module, ...) log_write(LOG_ERROR, module, __VA_ARGS__)

#endif
