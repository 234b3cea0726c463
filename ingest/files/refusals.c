#include "ingest/files/refusals.h"

#include <stdlib.h>

#include "engine/core/utf8.h"

const char *track_field_name(enum track_field field)
{
	static const char *const names[TRACK_FIELD_COUNT] = {
#define X(NAME, text) text,
		TRACK_FIELD_TABLE(X)
#undef X
	};
	return (unsigned)field < TRACK_FIELD_COUNT ? names[field] : "row";
}

enum status refusals_init(struct refusals *r, size_t listed_max)
{
	*r = (struct refusals){.listed_max = listed_max};
	if (listed_max > REFUSALS_LISTED_MAX)
		return STATUS_INVALID;
	r->first = calloc(listed_max ? listed_max : 1, sizeof *r->first);
	return r->first ? STATUS_OK : STATUS_NO_MEMORY;
}

void refusals_deinit(struct refusals *r)
{
	free(r->first);
	*r = (struct refusals){.total = 0};
}

/* Cut at a whole character; control bytes, and bytes of no encoding, become '?'. */
static void excerpt_of(struct span text, char out[REFUSAL_EXCERPT_MAX])
{
	size_t size = text.size < REFUSAL_EXCERPT_MAX - 1 ? text.size : REFUSAL_EXCERPT_MAX - 1;
	bool cut = size < text.size;
	while (cut && size && (text.data[size] & 0xc0) == 0x80)
		size--;
	bool utf8 = utf8_valid(span_of(text.data, size));
	for (size_t i = 0; i < size; i++) {
		uint8_t byte = text.data[i];
		out[i] = byte < 0x20 || byte == 0x7f || (!utf8 && byte >= 0x80) ? '?' : (char)byte;
	}
	out[size] = '\0';
}

void refusals_add(struct refusals *r, const struct refused *refused)
{
	r->total++;
	r->counts[refused->field][refused->status]++;
	if (r->listed == r->listed_max)
		return;
	struct refusal *kept = &r->first[r->listed++];
	*kept = (struct refusal){.line = refused->line, .field = refused->field, .status = refused->status};
	excerpt_of(refused->text, kept->excerpt);
}

enum status refusal_print(const struct refusal *refusal, struct buf *out)
{
	return buf_printf(out, "line %llu: %s: %s%s%s%s", (unsigned long long)refusal->line,
			  track_field_name(refusal->field),
			  refusal->status == STATUS_EMPTY ? "is missing" : status_text(refusal->status),
			  *refusal->excerpt ? ": \"" : "", refusal->excerpt, *refusal->excerpt ? "\"" : "");
}
