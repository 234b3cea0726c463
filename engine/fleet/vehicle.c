#include "engine/fleet/vehicle.h"

/* Adds those who have the value at `at_ms`. */
static size_t add_holders(const struct registry *r, enum device_field field, const char *plate, uint64_t device,
			  int64_t at_ms, uint64_t *out, size_t count, size_t max)
{
	struct registry_span spans[REGISTRY_SOURCES_MAX];
	size_t n = registry_spans(r, field, span_of_string(plate), spans, REGISTRY_SOURCES_MAX);
	for (size_t i = 0; i < n && count < max; i++) {
		const struct registry_span *s = &spans[i];
		size_t k = 0;
		while (k < count && out[k] != s->device)
			k++;
		if (k == count && s->device != device && s->from_ms <= at_ms && at_ms < s->to_ms)
			out[count++] = s->device;
	}
	return count;
}

size_t vehicle_sources(const struct registry *r, uint64_t device, int64_t at_ms, uint64_t *out, size_t max)
{
	char plate[DEVICE_VALUE_MAX + 1];
	if (registry_value(r, device, DEVICE_FIELD_PLATE, at_ms, plate) || !*plate)
		return 0; /* a source without a plate has its VEHICLE for it */
	size_t count = add_holders(r, DEVICE_FIELD_PLATE, plate, device, at_ms, out, 0, max);
	return add_holders(r, DEVICE_FIELD_VEHICLE, plate, device, at_ms, out, count, max);
}
