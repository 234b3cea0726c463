/* auth_policy.h -- who may register, and whose authentication code is right.
 *
 *   phone ── registry PHONE, or the id it hashes to ──> device ── STATE, PLATE, AUTH_CODE
 *
 * Identity under `open` and `keep` is what the terminal says of itself: such devices have STATE "unregistered"
 * until a person changes it.
 *
 * Threads: auth_check and auth_known read memory only and may run on a loop; auth_register, auth_admit and
 * auth_note write the registry, which syncs: worker threads only. */
#ifndef ZAYTON_INGEST_AUTH_POLICY_H
#define ZAYTON_INGEST_AUTH_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/core/bytes.h"
#include "engine/core/status.h"
#include "engine/fleet/registry.h"
#include "ingest/jt808/jt808.h"
#include "ingest/listen/ingest.h"

/* hex digits of a code we make: 64 random bits */
#define AUTH_CODE_DIGITS 16

/* results of 0x8100 (JT/T 808-2019, 8.6) */
enum register_result {
	REGISTER_OK = 0,
	REGISTER_VEHICLE_TAKEN = 1,    /* the vehicle is registered with another terminal */
	REGISTER_VEHICLE_UNKNOWN = 2,  /* no such vehicle */
	REGISTER_TERMINAL_TAKEN = 3,   /* the terminal is registered with another vehicle */
	REGISTER_TERMINAL_UNKNOWN = 4, /* no such terminal */
};

struct auth_policy {
	enum register_policy registration;
	bool renew_code;
};

struct register_decision {
	uint8_t result; /* enum register_result */
	uint64_t device;
	char code[DEVICE_VALUE_MAX + 1]; /* with REGISTER_OK */
};

/* Decide over a 0x0100 and do what it asks for. STATUS_IO, STATUS_NO_SPACE, STATUS_NO_MEMORY: nothing is decided. */
STATUS_CHECKED enum status auth_register(const struct auth_policy *p, struct registry *r, const char *phone,
					 const struct jt808_register *said, int64_t now_ms,
					 struct register_decision *out);

/* The device whose code this is. STATUS_DENIED: no such terminal, revoked, not registered yet, or another code;
 * the comparison takes the same time for every wrong code of one length. */
STATUS_CHECKED enum status auth_check(const struct auth_policy *p, const struct registry *r, const char *phone,
				      struct span code, int64_t now_ms, uint64_t *out_device);

/* For a terminal that may come without a code: the device it is. STATUS_NOT_FOUND, STATUS_DENIED. */
STATUS_CHECKED enum status auth_known(const struct auth_policy *p, const struct registry *r, const char *phone,
				      int64_t now_ms, uint64_t *out_device);
/* Make the device of an unknown phone, as the policy has it. STATUS_DENIED under the allow-list; as registry_apply. */
STATUS_CHECKED enum status auth_admit(const struct auth_policy *p, struct registry *r, const char *phone,
				      int64_t now_ms, uint64_t *out_device);

/* What a terminal said of itself. Up to NOTES_MAX; empty texts and what is known already are left out. */
#define NOTES_MAX 4
struct note {
	uint8_t field;
	char text[DEVICE_VALUE_MAX + 1];
};
/* How many of the notes are news. */
size_t auth_notes_new(const struct registry *r, uint64_t device, const struct note *notes, size_t count,
		      int64_t now_ms);
STATUS_CHECKED enum status auth_note(struct registry *r, uint64_t device, const struct note *notes, size_t count,
				     int64_t now_ms);

#endif
