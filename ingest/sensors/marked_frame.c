#include "ingest/sensors/marked_frame.h"

/* Where a pair of marks begins at `from` or later, also one of which only the first is there yet; `input.size`: none.
 */
static size_t find_marks(struct span input, size_t from, uint8_t mark)
{
	while (from < input.size) {
		const uint8_t *at = memchr(input.data + from, mark, input.size - from);
		if (!at)
			break;
		from = (size_t)(at - input.data);
		if (from + 1 == input.size || at[1] == mark)
			return from;
		from++;
	}
	return input.size;
}

static bool ends_line(uint8_t byte)
{
	return byte == '\r' || byte == '\n';
}

static struct span without_line_ends(struct span s)
{
	while (s.size && ends_line(s.data[0]))
		s = span_of(s.data + 1, s.size - 1);
	while (s.size && ends_line(s.data[s.size - 1]))
		s.size--;
	return s;
}

enum status marked_frame_next(const struct marked_framing *framing, struct span input, struct marked_frame *out)
{
	size_t start = find_marks(input, 0, framing->mark), size = framing->head_size;
	*out = (struct marked_frame){.skipped = span_of(input.data, start), .consumed = start};
	if (framing->lines)
		out->skipped = without_line_ends(out->skipped);
	struct span rest = span_of(start ? input.data + start : input.data, input.size - start);
	if (rest.size < size)
		return STATUS_NEED_MORE;
	enum status status = framing->size(rest.data, &size);
	if (status)
		size = framing->head_size;
	else if (rest.size < size)
		return STATUS_NEED_MORE;
	out->raw = span_of(rest.data, size);
	status = status ? status : framing->check(out->raw);
	if (status)
		out->raw.size = find_marks(out->raw, 1, framing->mark);
	out->consumed += out->raw.size;
	return status;
}
