#include "ingest/listen/auth_policy.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define PRINCIPAL "jt808"
#define STATE_REGISTERED "registered"
#define STATE_UNREGISTERED "unregistered"
#define STATE_REVOKED "revoked"
#define NOTE_KEPT "未备案终端"
#define CHANGES_MAX 8

struct changes {
	struct registry_change list[CHANGES_MAX];
	size_t count;
	char texts[CHANGES_MAX][DEVICE_VALUE_MAX + 1];
};

static bool has_value(const struct registry *r, uint64_t device, enum device_field field, const char *text,
		      int64_t now_ms)
{
	char value[DEVICE_VALUE_MAX + 1];
	return registry_value(r, device, field, now_ms, value) == STATUS_OK && strcmp(value, text) == 0;
}

static void add(struct changes *c, enum device_field field, const char *text)
{
	char *copy = c->texts[c->count];
	snprintf(copy, sizeof c->texts[0], "%s", text);
	c->list[c->count++] = (struct registry_change){(uint8_t)field, span_of_string(copy)};
}

/* What a terminal says may be no text at all: then it is not said. */
static bool normalise(enum device_field field, const char *text, char out[DEVICE_VALUE_MAX + 1])
{
	return device_value_normalise(field, span_of_string(text), out) == STATUS_OK && out[0];
}

static void add_if_news(struct changes *c, const struct registry *r, uint64_t device, enum device_field field,
			const char *text, int64_t now_ms)
{
	char value[DEVICE_VALUE_MAX + 1];
	if (normalise(field, text, value) && !has_value(r, device, field, value, now_ms))
		add(c, field, value);
}

/* The device a phone names, and the one it would be when it names none. */
static bool device_of(const struct registry *r, const char *phone, int64_t now_ms, uint64_t *out)
{
	if (registry_find(r, DEVICE_FIELD_PHONE, span_of_string(phone), now_ms, out) == STATUS_OK)
		return true;
	*out = device_id(DEVICE_KIND_JT808, span_of_string(phone));
	return registry_has(r, *out);
}

static enum status code_make(char out[AUTH_CODE_DIGITS + 1])
{
	uint8_t bytes[AUTH_CODE_DIGITS / 2];
	if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes)
		return STATUS_IO;
	hex_encode(out, span_of(bytes, sizeof bytes));
	return STATUS_OK;
}

/* --- registering --- */

struct application {
	const struct auth_policy *policy;
	struct registry *registry;
	const char *phone;
	const struct jt808_register *said;
	int64_t now_ms;
	uint64_t device;                  /* by phone */
	bool known;                       /* it is in the registry */
	enum device_field plate_field;    /* PLATE, or VIN for a vehicle without one */
	char plate[DEVICE_VALUE_MAX + 1]; /* as the registry writes it; empty when it said none */
	bool has_owner;
	uint64_t owner; /* the device that has the plate */
};

static void plate_text(struct application *a)
{
	const struct jt808_register *said = a->said;
	char text[JT808_TEXT_MAX + 8];
	a->plate_field = said->plate_colour ? DEVICE_FIELD_PLATE : DEVICE_FIELD_VIN;
	if (said->plate[0] && said->plate_colour)
		snprintf(text, sizeof text, "%u:%s", said->plate_colour, said->plate);
	else
		snprintf(text, sizeof text, "%s", said->plate);
	if (!normalise(a->plate_field, text, a->plate))
		a->plate[0] = 0;
}

static void look_up(struct application *a)
{
	a->known = device_of(a->registry, a->phone, a->now_ms, &a->device);
	plate_text(a);
	a->has_owner = a->plate[0] && registry_find(a->registry, a->plate_field, span_of_string(a->plate), a->now_ms,
						    &a->owner) == STATUS_OK;
}

/* A terminal the registry knows. */
static uint8_t decide_known(const struct application *a)
{
	const struct registry *r = a->registry;
	char plate[DEVICE_VALUE_MAX + 1];
	bool registered = has_value(r, a->device, DEVICE_FIELD_STATE, STATE_REGISTERED, a->now_ms);
	if (has_value(r, a->device, DEVICE_FIELD_STATE, STATE_REVOKED, a->now_ms))
		return REGISTER_TERMINAL_UNKNOWN;
	if (a->policy->registration == REGISTER_ALLOW_LIST && !registered)
		return REGISTER_TERMINAL_UNKNOWN;
	if (a->has_owner && a->owner != a->device)
		return REGISTER_VEHICLE_TAKEN;
	if (registered && a->plate[0] && !a->has_owner &&
	    registry_value(r, a->device, a->plate_field, a->now_ms, plate) == STATUS_OK)
		return REGISTER_TERMINAL_TAKEN;
	return REGISTER_OK;
}

/* A new terminal on a vehicle the registry knows: taken in if the vehicle has none. */
static uint8_t decide_owner(const struct application *a)
{
	char phone[DEVICE_VALUE_MAX + 1];
	if (!has_value(a->registry, a->owner, DEVICE_FIELD_STATE, STATE_REGISTERED, a->now_ms))
		return a->policy->registration == REGISTER_ALLOW_LIST ? REGISTER_VEHICLE_UNKNOWN
								      : REGISTER_VEHICLE_TAKEN;
	return registry_value(a->registry, a->owner, DEVICE_FIELD_PHONE, a->now_ms, phone) == STATUS_OK
		       ? REGISTER_VEHICLE_TAKEN
		       : REGISTER_OK;
}

static uint8_t decide(struct application *a)
{
	if (a->known)
		return decide_known(a);
	if (a->has_owner) {
		uint8_t result = decide_owner(a);
		a->device = a->owner;
		return result;
	}
	if (a->policy->registration == REGISTER_ALLOW_LIST)
		return a->plate[0] ? REGISTER_VEHICLE_UNKNOWN : REGISTER_TERMINAL_UNKNOWN;
	return REGISTER_OK;
}

static void state_changes(const struct auth_policy *p, struct changes *c)
{
	add(c, DEVICE_FIELD_STATE, STATE_UNREGISTERED);
	if (p->registration == REGISTER_KEEP)
		add(c, DEVICE_FIELD_NOTE, NOTE_KEPT);
}

/* What a terminal that has just been found says is taken to have been so before: its backfill belongs to it. If
 * the registry knows better (the plate was another's then), it holds from now on. */
static enum status apply_new(struct registry *r, uint64_t device, const struct changes *c, int64_t now_ms)
{
	enum status st =
		registry_apply(r, device, DEVICE_KIND_JT808, c->list, c->count, VALID_ALWAYS_FROM, PRINCIPAL, NULL);
	if (st != STATUS_CONFLICT)
		return st;
	return registry_apply(r, device, DEVICE_KIND_JT808, c->list, c->count, now_ms, PRINCIPAL, NULL);
}

/* A vehicle may have come into the registry by a file. */
static enum device_kind kind_of(const struct registry *r, uint64_t device)
{
	struct device d;
	if (registry_device(r, device, &d) != STATUS_OK)
		return DEVICE_KIND_JT808;
	enum device_kind kind = (enum device_kind)d.kind;
	device_deinit(&d);
	return kind;
}

static enum status carry_out(const struct application *a, struct register_decision *out)
{
	const struct registry *r = a->registry;
	struct changes c;
	c.count = 0;
	bool is_new = !a->known && !a->has_owner;
	if (is_new)
		state_changes(a->policy, &c);
	add_if_news(&c, r, a->device, DEVICE_FIELD_PHONE, a->phone, a->now_ms);
	/* the plate of a registered vehicle is what a person wrote, not what a terminal says */
	if (!has_value(r, a->device, DEVICE_FIELD_STATE, STATE_REGISTERED, a->now_ms))
		add_if_news(&c, r, a->device, a->plate_field, a->plate, a->now_ms);
	add_if_news(&c, r, a->device, DEVICE_FIELD_TERMINAL_MODEL, a->said->model, a->now_ms);
	add_if_news(&c, r, a->device, DEVICE_FIELD_TERMINAL_ID, a->said->terminal_id, a->now_ms);
	add_if_news(&c, r, a->device, DEVICE_FIELD_MANUFACTURER, a->said->manufacturer, a->now_ms);
	if (a->policy->renew_code ||
	    registry_value(r, a->device, DEVICE_FIELD_AUTH_CODE, a->now_ms, out->code) != STATUS_OK) {
		enum status st = code_make(out->code);
		if (st != STATUS_OK)
			return st;
		add(&c, DEVICE_FIELD_AUTH_CODE, out->code);
	}
	if (c.count == 0)
		return STATUS_OK;
	if (is_new)
		return apply_new(a->registry, a->device, &c, a->now_ms);
	return registry_apply(a->registry, a->device, kind_of(r, a->device), c.list, c.count, a->now_ms, PRINCIPAL,
			      NULL);
}

enum status auth_register(const struct auth_policy *p, struct registry *r, const char *phone,
			  const struct jt808_register *said, int64_t now_ms, struct register_decision *out)
{
	struct application a = {.policy = p, .registry = r, .phone = phone, .said = said, .now_ms = now_ms};
	look_up(&a);
	out->result = decide(&a);
	out->device = a.device;
	out->code[0] = 0;
	if (out->result != REGISTER_OK)
		return STATUS_OK;
	enum status st = carry_out(&a, out);
	if (st != STATUS_CONFLICT)
		return st;
	/* another terminal was faster with the plate */
	out->result = REGISTER_VEHICLE_TAKEN;
	return STATUS_OK;
}

/* --- coming back --- */

enum status auth_known(const struct auth_policy *p, const struct registry *r, const char *phone, int64_t now_ms,
		       uint64_t *out_device)
{
	if (!device_of(r, phone, now_ms, out_device))
		return STATUS_NOT_FOUND;
	bool may = p->registration == REGISTER_ALLOW_LIST
			   ? has_value(r, *out_device, DEVICE_FIELD_STATE, STATE_REGISTERED, now_ms)
			   : !has_value(r, *out_device, DEVICE_FIELD_STATE, STATE_REVOKED, now_ms);
	return may ? STATUS_OK : STATUS_DENIED;
}

static bool same_code(struct span a, struct span b)
{
	uint8_t difference = a.size != b.size;
	for (size_t k = 0; k < a.size; k++)
		difference |= (uint8_t)(a.data[k] ^ (k < b.size ? b.data[k] : 0));
	return difference == 0;
}

enum status auth_check(const struct auth_policy *p, const struct registry *r, const char *phone, struct span code,
		       int64_t now_ms, uint64_t *out_device)
{
	char own[DEVICE_VALUE_MAX + 1];
	/* terminals pad a code to a fixed field */
	while (code.size != 0 && code.data[code.size - 1] == 0)
		code.size--;
	if (code.size == 0 || auth_known(p, r, phone, now_ms, out_device) != STATUS_OK ||
	    registry_value(r, *out_device, DEVICE_FIELD_AUTH_CODE, now_ms, own) != STATUS_OK)
		return STATUS_DENIED;
	return same_code(code, span_of_string(own)) ? STATUS_OK : STATUS_DENIED;
}

enum status auth_admit(const struct auth_policy *p, struct registry *r, const char *phone, int64_t now_ms,
		       uint64_t *out_device)
{
	if (p->registration == REGISTER_ALLOW_LIST)
		return STATUS_DENIED;
	if (device_of(r, phone, now_ms, out_device))
		return auth_known(p, r, phone, now_ms, out_device);
	struct changes c;
	c.count = 0;
	state_changes(p, &c);
	add_if_news(&c, r, *out_device, DEVICE_FIELD_PHONE, phone, now_ms);
	return apply_new(r, *out_device, &c, now_ms);
}

/* --- notes --- */

static void note_changes(const struct registry *r, uint64_t device, const struct note *notes, size_t count,
			 int64_t now_ms, struct changes *out)
{
	out->count = 0;
	for (size_t k = 0; k < count && k < NOTES_MAX; k++)
		add_if_news(out, r, device, (enum device_field)notes[k].field, notes[k].text, now_ms);
}

size_t auth_notes_new(const struct registry *r, uint64_t device, const struct note *notes, size_t count, int64_t now_ms)
{
	struct changes c;
	note_changes(r, device, notes, count, now_ms, &c);
	return c.count;
}

enum status auth_note(struct registry *r, uint64_t device, const struct note *notes, size_t count, int64_t now_ms)
{
	struct changes c;
	note_changes(r, device, notes, count, now_ms, &c);
	if (c.count == 0)
		return STATUS_OK;
	return registry_apply(r, device, kind_of(r, device), c.list, c.count, now_ms, PRINCIPAL, NULL);
}
