/* vehicle.h -- the sources of one vehicle: the device that has its PLATE, and those whose VEHICLE is that plate.
 *
 * Threads: any. */
#ifndef ZAYTON_FLEET_VEHICLE_H
#define ZAYTON_FLEET_VEHICLE_H

#include "engine/fleet/registry.h"

/* Other devices than `device` that speak at `at_ms` of the vehicle it speaks of then, in no order, each once: up to
 * `max`; returns how many. Beyond REGISTRY_SOURCES_MAX spans of one plate the others are not looked at. */
size_t vehicle_sources(const struct registry *r, uint64_t device, int64_t at_ms, uint64_t *out, size_t max);

#endif
