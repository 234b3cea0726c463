/* vehicles.c -- plate and colour, as a link names them, to the device that its reports are kept under.
 *
 *   slots   [ device | plate 21, colour 1 ] ...      open addressing; empty at the start, after a minute, never half
 * full
 *
 * A vehicle of a link is a source device of its own ("ACCESS CODE/COLOUR:PLATE"), tied to the vehicle by VEHICLE. */
#include <stdlib.h>

#include "engine/core/clock.h"
#include "engine/core/hash.h"
#include "engine/core/log.h"
#include "ingest/platform/platform_state.h"

#define SLOTS_MIN 64

static struct vehicle_slot *slot_of(const struct link *l, const uint8_t *key)
{
	size_t at = hash64(span_of(key, JT809_VEHICLE)) & (l->vehicle_size - 1);
	while (l->vehicles[at].device && memcmp(l->vehicles[at].key, key, JT809_VEHICLE) != 0)
		at = (at + 1) & (l->vehicle_size - 1);
	return &l->vehicles[at];
}

static enum status grow(struct link *l)
{
	struct link old = *l;
	size_t size = l->vehicle_size ? 2 * l->vehicle_size : SLOTS_MIN;
	if (l->vehicle_count >= LINK_VEHICLES_MAX)
		return STATUS_FULL;
	struct vehicle_slot *slots = calloc(size, sizeof *slots);
	if (!slots)
		return STATUS_NO_MEMORY;
	l->vehicles = slots;
	l->vehicle_size = size;
	for (size_t i = 0; i < old.vehicle_size; i++)
		if (old.vehicles[i].device)
			*slot_of(l, old.vehicles[i].key) = old.vehicles[i];
	free(old.vehicles);
	return STATUS_OK;
}

static enum status remember(struct link *l, const uint8_t *key, uint64_t device)
{
	enum status status = 2 * (l->vehicle_count + 1) > l->vehicle_size ? grow(l) : STATUS_OK;
	if (status)
		return status;
	struct vehicle_slot *slot = slot_of(l, key);
	l->vehicle_count += slot->device == 0;
	slot->device = device;
	memcpy(slot->key, key, JT809_VEHICLE);
	return STATUS_OK;
}

void vehicles_forget(struct link *l)
{
	if (l->vehicles)
		memset(l->vehicles, 0, l->vehicle_size * sizeof *l->vehicles);
	l->vehicle_count = 0;
}

void vehicles_free(struct link *l)
{
	free(l->vehicles);
	l->vehicles = NULL;
	l->vehicle_count = l->vehicle_size = 0;
}

/* --- a vehicle that is new to the registry --- */

struct admission {
	uv_work_t request;
	struct platform *platform;
	uint32_t slot, generation;
	uint64_t device;
	enum link_admission policy;
	char plate[DEVICE_VALUE_MAX + 1];
	char principal[DEVICE_PRINCIPAL_MAX + 1];
	enum status status;
};

static void admit(uv_work_t *request)
{
	struct admission *a = request->data;
	struct registry_change changes[3] = {{DEVICE_FIELD_VEHICLE, span_of_string(a->plate)}};
	size_t count = 1;
	if (a->policy != LINK_ALLOW)
		changes[count++] = (struct registry_change){DEVICE_FIELD_STATE, span_of_string("unregistered")};
	if (a->policy == LINK_KEEP)
		changes[count++] = (struct registry_change){DEVICE_FIELD_NOTE, span_of_string("未备案车辆")};
	a->status = registry_apply(a->platform->registry, a->device, DEVICE_KIND_JT809, changes, count,
				   VALID_ALWAYS_FROM, a->principal, NULL);
}

static void admitted(uv_work_t *request, int error)
{
	struct admission *a = request->data;
	struct peer *peer = peer_of(a->platform, a->slot, a->generation);
	if (error < 0)
		a->status = STATUS_CANCELLED;
	if (a->status)
		log_warn("platform", "%s is not made a device: %s", a->plate, status_text(a->status));
	if (peer && !peer->closing && !a->status)
		peer_resume(peer, PEER_PAUSE_WORK);
	else if (peer && !peer->closing)
		peer_close(peer); /* it dials again: the disk may have room then */
	free(a);
}

static enum status begin_admission(struct peer *peer, uint64_t device, const char *plate, enum link_admission policy)
{
	struct admission *a = calloc(1, sizeof *a);
	if (!a)
		return STATUS_NO_MEMORY;
	a->request.data = a;
	a->platform = peer->platform;
	a->slot = peer->slot;
	a->generation = peer->generation;
	a->device = device;
	a->policy = policy;
	strcpy(a->plate, plate);
	memcpy(a->principal, "jt809:", 6);
	strcpy(a->principal + 6, peer->link->config->name);
	peer_pause(peer, PEER_PAUSE_WORK);
	if (uv_queue_work(peer->platform->loop, &a->request, admit, admitted) < 0) {
		free(a);
		return STATUS_NO_MEMORY;
	}
	return STATUS_NEED_MORE;
}

/* --- finding --- */

static bool is_revoked(const struct registry *r, uint64_t device, int64_t now_ms)
{
	char state[DEVICE_VALUE_MAX + 1];
	return !registry_value(r, device, DEVICE_FIELD_STATE, now_ms, state) && strcmp(state, "revoked") == 0;
}

/* Under the allow-list a plate is known when some device has it; whoever is revoked is refused under any policy. */
static enum status resolve(struct peer *peer, const char *plate, uint64_t *out)
{
	struct link *l = peer->link;
	struct registry *r = peer->platform->registry;
	int64_t now_ms = clock_now_ms();
	uint64_t vehicle = 0;
	*out = device_id_jt809(l->config->access_code, plate);
	bool known = registry_find(r, DEVICE_FIELD_PLATE, span_of_string(plate), now_ms, &vehicle) == STATUS_OK;
	if ((known && is_revoked(r, vehicle, now_ms)) || is_revoked(r, *out, now_ms))
		return STATUS_DENIED;
	if (registry_has(r, *out))
		return STATUS_OK;
	if (!known && l->config->vehicles == LINK_ALLOW)
		return STATUS_DENIED;
	return begin_admission(peer, *out, plate, known ? LINK_ALLOW : l->config->vehicles);
}

enum status vehicle_device(struct peer *peer, struct span vehicle, uint64_t *out)
{
	struct link *l = peer->link;
	char text[JT809_PLATE_TEXT_MAX], plate[DEVICE_VALUE_MAX + 1];
	if (vehicle.size != JT809_VEHICLE)
		return STATUS_OUT_OF_RANGE;
	if (l->vehicle_count) {
		*out = slot_of(l, vehicle.data)->device;
		if (*out)
			return STATUS_OK;
	}
	if (jt809_plate_text(vehicle, text) ||
	    device_value_normalise(DEVICE_FIELD_VEHICLE, span_of_string(text), plate) || !*plate)
		return STATUS_OUT_OF_RANGE;
	enum status status = resolve(peer, plate, out);
	return status ? status : remember(l, vehicle.data, *out);
}
