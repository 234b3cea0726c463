#include "query/cli/asking.h"

#include <errno.h>

#include "engine/core/clock.h"
#include "engine/fleet/audit.h"
#include "ingest/files/time_text.h"
#include "query/http/http_stream.h"

#define NAME_PREFIX "name:"

enum status asked_time(const char *text, int64_t *out_ms)
{
	char padded[NUMBER_PAD + 64] = {0};
	struct time_reader reader = time_reader_init(TIME_FORM_AUTO, CHINA_OFFSET_MS);
	size_t size = strlen(text);
	if (!size || size > 48)
		return STATUS_BAD_TIME;
	memcpy(padded + NUMBER_PAD, text, size);
	if (size == 10 && text[4] == '-') { /* a date is its first instant */
		memcpy(padded + NUMBER_PAD + size, " 00:00", 6);
		size += 6;
	}
	return time_reader_take(&reader, span_of(padded + NUMBER_PAD, size), out_ms);
}

enum status asked_reference(struct span text, char *out, size_t size)
{
	const size_t prefix = sizeof NAME_PREFIX - 1;
	if (text.size > prefix && memcmp(text.data, NAME_PREFIX, prefix) == 0 && size > 16) {
		struct span name = span_of(text.data + prefix, text.size - prefix);
		snprintf(out, size, "%016llx", (unsigned long long)device_id(DEVICE_KIND_FILE, name));
		return STATUS_OK;
	}
	if (text.size >= size)
		return STATUS_TOO_LONG;
	memcpy(out, text.data, text.size);
	out[text.size] = '\0';
	return STATUS_OK;
}

enum status asked_device(const struct registry *r, struct span text, uint64_t *out)
{
	char reference[DEVICE_VALUE_MAX + 16];
	enum status status = asked_reference(text, reference, sizeof reference);
	return status ? status : device_reference(r, span_of_string(reference), clock_now_ms(), out);
}

struct span asked_first(struct span list, struct span *rest)
{
	const uint8_t *comma = list.size ? memchr(list.data, ',', list.size) : NULL;
	size_t size = comma ? (size_t)(comma - list.data) : list.size;
	*rest = span_of(list.data + size + (comma != NULL), list.size - size - (comma != NULL));
	return span_of(list.data, size);
}

enum status asked_open(const char *command, const char *dir, bool writable, struct engine **out)
{
	struct engine_options options = engine_options_default(dir);
	options.create = false;
	options.read_only = !writable;
	enum status status = engine_open(&options, out);
	if (status)
		fprintf(stderr, "zayton %s: %s: %s%s\n", command, dir, status_text(status),
			writable ? " (is it being served? then ask the server 若正在服务, 请用 --server)" : "");
	return status;
}

enum status asked_audit(struct engine *e, const char *action, uint64_t device, int64_t from_ms, int64_t to_ms,
			const char *case_number)
{
	struct audit_entry entry = {
		.at_ms = clock_now_ms(), .who = principal_local, .device = device, .from_ms = from_ms, .to_ms = to_ms};
	snprintf(entry.action, sizeof entry.action, "%s", action);
	snprintf(entry.case_number, sizeof entry.case_number, "%s", case_number);
	return audit_write(engine_store(e), &entry);
}

enum status asked_flush(struct buf *b, FILE *f)
{
	if (!b->size)
		return STATUS_OK;
	size_t written = fwrite(b->data, 1, b->size, f);
	bool whole = written == b->size;
	buf_clear(b);
	return whole ? STATUS_OK : errno == ENOSPC ? STATUS_NO_SPACE : STATUS_IO;
}
