/* links: zayton_ingest_sensors */
/* Any bytes as line protocol: every view stays inside, lines go forward, names fit their room. */
#include <assert.h>

#include "ingest/sensors/line_map.h"
#include "ingest/sensors/line_protocol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void within(struct span s, const uint8_t *data, size_t size)
{
	assert(!s.size || (s.data >= data && s.data + s.size <= data + size));
}

/* The plain form of a number, where it is one, is what reading it by every rule makes of it. */
static void same_number(const struct line *l, const uint8_t *data, size_t size)
{
	struct line copy = *l;
	struct line_field f;
	const uint8_t *value = memchr(l->fields.data, '=', l->fields.size), *at = value ? value + 1 : NULL;
	struct value plain = {0};
	if (!at || memchr(l->fields.data, '\\', (size_t)(at - l->fields.data)) ||
	    memchr(l->fields.data, '"', (size_t)(at - l->fields.data)) ||
	    !line_number_plain(&at, data + size, &plain) || (*at != ',' && *at != ' '))
		return;
	assert(at < data + size);
	if (at >= l->fields.data + l->fields.size && *at == ',')
		return;
	if (line_field_next(&copy, &f))
		return; /* what stands behind the number is wrong: the gateway hears that at the comma */
	assert(f.value.type == plain.type && f.value.scale == plain.scale && f.value.bits == plain.bits);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct line_reader r;
	struct line l;
	struct line_field f;
	struct line_map *map;
	struct buf mistakes = buf_init(1u << 16);
	char site[LINE_NAME_MAX + 1], quantity[LINE_NAME_MAX + 1];
	enum status status;
	uint64_t line = 0;
	if (!size || line_map_new(span_of_string("* x {a} {b}{field}"), "site,host", &map, &mistakes))
		return 0;
	line_reader_init(&r, span_of(data + 1, size - 1), (enum line_precision)(data[0] % LINE_PRECISION_COUNT), 5);
	while ((status = line_next(&r, &l)) != STATUS_END) {
		assert(r.line > line);
		line = r.line;
		within(l.text, data, size);
		if (status)
			continue;
		within(l.key, data, size);
		same_number(&l, data, size);
		while (!(status = line_field_next(&l, &f))) {
			within(f.key, data, size);
			within(f.text, data, size);
			if (!line_map_names(map, l.key, l.measurement, f.key, site, quantity))
				assert(strlen(site) <= LINE_NAME_MAX && strlen(quantity) <= LINE_NAME_MAX);
		}
	}
	line_map_free(map);
	buf_deinit(&mistakes);
	return 0;
}
