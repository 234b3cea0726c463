#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "ingest/listen/auth_policy.h"

#define NOW INT64_C(1777564800000)
#define A "13800000001"
#define B "13800000002"

struct desk {
	char dir[64];
	struct store *store;
	struct registry *registry;
	struct auth_policy policy;
};

static void desk_init(struct desk *d, enum register_policy registration)
{
	*d = (struct desk){.policy = {registration, false}, .dir = "/tmp/zayton-auth-XXXXXX"};
	cr_assert_not_null(mkdtemp(d->dir));
	struct store_options so = {.dir = d->dir, .create = true};
	cr_assert_eq(store_open(&so, &d->store), STATUS_OK);
	cr_assert_eq(registry_open(d->store, &d->registry), STATUS_OK);
}

static void desk_deinit(struct desk *d)
{
	char command[96];
	registry_close(d->registry);
	store_close(d->store);
	snprintf(command, sizeof command, "rm -rf %s", d->dir);
	cr_assert_eq(system(command), 0);
}

static void say(struct desk *d, const char *phone, enum device_field field, const char *value)
{
	struct registry_change change = {(uint8_t)field, span_of_string(value)};
	cr_assert_eq(registry_apply(d->registry, device_id(DEVICE_KIND_JT808, span_of_string(phone)), DEVICE_KIND_JT808,
				    &change, 1, VALID_ALWAYS_FROM, "test", NULL),
		     STATUS_OK);
}

static struct register_decision apply(struct desk *d, const char *phone, unsigned colour, const char *plate)
{
	struct jt808_register said = {.edition = JT808_2019, .plate_colour = (uint8_t)colour, .model = "M1"};
	struct register_decision decision;
	strcpy(said.plate, plate);
	cr_assert_eq(auth_register(&d->policy, d->registry, phone, &said, NOW, &decision), STATUS_OK);
	return decision;
}

static enum status check(struct desk *d, const char *phone, const char *code)
{
	uint64_t device;
	return auth_check(&d->policy, d->registry, phone, span_of_string(code), NOW, &device);
}

Test(auth_policy, the_allow_list_knows_terminals_by_phone_and_vehicles_by_plate)
{
	struct desk d;
	desk_init(&d, REGISTER_ALLOW_LIST);
	cr_assert_eq(apply(&d, A, 2, "").result, REGISTER_TERMINAL_UNKNOWN);
	cr_assert_eq(apply(&d, A, 2, "闽C11111").result, REGISTER_VEHICLE_UNKNOWN);
	cr_assert_eq(registry_count(d.registry), 0);
	say(&d, A, DEVICE_FIELD_STATE, "registered");
	struct register_decision r = apply(&d, A, 2, "闽C11111");
	cr_assert_eq(r.result, REGISTER_OK);
	cr_assert_eq(strlen(r.code), AUTH_CODE_DIGITS);
	cr_assert_eq(check(&d, A, r.code), STATUS_OK);
	desk_deinit(&d);
}

Test(auth_policy, a_registered_vehicle_without_terminal_takes_one_and_no_second)
{
	struct desk d;
	uint64_t device;
	desk_init(&d, REGISTER_ALLOW_LIST);
	struct registry_change vehicle[] = {{DEVICE_FIELD_PLATE, span_of_string("2:闽C11111")},
					    {DEVICE_FIELD_STATE, span_of_string("registered")}};
	cr_assert_eq(registry_apply(d.registry, 42, DEVICE_KIND_FILE, vehicle, 2, VALID_ALWAYS_FROM, "test", NULL),
		     STATUS_OK);
	struct register_decision r = apply(&d, A, 2, "闽C11111");
	cr_assert_eq(r.result, REGISTER_OK);
	cr_assert_eq(r.device, 42);
	cr_assert_eq(auth_check(&d.policy, d.registry, A, span_of_string(r.code), NOW, &device), STATUS_OK);
	cr_assert_eq(device, 42);
	cr_assert_eq(apply(&d, B, 2, "闽C11111").result, REGISTER_VEHICLE_TAKEN);
	desk_deinit(&d);
}

Test(auth_policy, a_registered_terminal_cannot_move_to_another_plate_by_itself)
{
	struct desk d;
	char plate[DEVICE_VALUE_MAX + 1];
	desk_init(&d, REGISTER_OPEN);
	say(&d, A, DEVICE_FIELD_STATE, "registered");
	say(&d, A, DEVICE_FIELD_PLATE, "2:闽C11111");
	cr_assert_eq(apply(&d, A, 2, "闽C11111").result, REGISTER_OK);
	cr_assert_eq(apply(&d, A, 2, "闽C22222").result, REGISTER_TERMINAL_TAKEN);
	cr_assert_eq(registry_value(d.registry, device_id(DEVICE_KIND_JT808, span_of_string(A)), DEVICE_FIELD_PLATE,
				    NOW, plate),
		     STATUS_OK);
	cr_assert_str_eq(plate, "2:闽C11111");
	desk_deinit(&d);
}

Test(auth_policy, an_open_door_registers_strangers_and_one_plate_once)
{
	struct desk d;
	char value[DEVICE_VALUE_MAX + 1];
	desk_init(&d, REGISTER_OPEN);
	struct register_decision r = apply(&d, A, 2, "闽C11111");
	cr_assert_eq(r.result, REGISTER_OK);
	cr_assert_eq(registry_value(d.registry, r.device, DEVICE_FIELD_STATE, NOW, value), STATUS_OK);
	cr_assert_str_eq(value, "unregistered");
	cr_assert_eq(registry_value(d.registry, r.device, DEVICE_FIELD_NOTE, NOW, value), STATUS_NOT_FOUND);
	cr_assert_eq(registry_value(d.registry, r.device, DEVICE_FIELD_PLATE, NOW - 86400000, value), STATUS_OK,
		     "what it sent yesterday is of the same vehicle");
	cr_assert_eq(apply(&d, B, 2, "闽C11111").result, REGISTER_VEHICLE_TAKEN);
	desk_deinit(&d);
}

Test(auth_policy, what_is_no_plate_and_no_model_does_not_stop_a_registration)
{
	struct desk d;
	desk_init(&d, REGISTER_OPEN);
	cr_assert_eq(apply(&d, A, 2, "\x01\x02 nonsense \xff").result, REGISTER_OK);
	cr_assert_eq(apply(&d, B, 0, "LVIN0000000000001").result, REGISTER_OK);
	desk_deinit(&d);
}

Test(auth_policy, a_revoked_terminal_neither_registers_nor_authenticates)
{
	struct desk d;
	desk_init(&d, REGISTER_OPEN);
	struct register_decision r = apply(&d, A, 2, "闽C11111");
	cr_assert_eq(check(&d, A, r.code), STATUS_OK);
	say(&d, A, DEVICE_FIELD_STATE, "revoked");
	cr_assert_eq(check(&d, A, r.code), STATUS_DENIED);
	cr_assert_eq(apply(&d, A, 2, "闽C11111").result, REGISTER_TERMINAL_UNKNOWN);
	desk_deinit(&d);
}

Test(auth_policy, codes_are_of_one_terminal_and_compared_whole)
{
	struct desk d;
	desk_init(&d, REGISTER_OPEN);
	struct register_decision a = apply(&d, A, 2, "闽C11111"), b = apply(&d, B, 2, "闽C22222");
	char code[DEVICE_VALUE_MAX + 2];
	cr_assert_str_neq(a.code, b.code);
	cr_assert_eq(check(&d, A, b.code), STATUS_DENIED);
	cr_assert_eq(check(&d, A, ""), STATUS_DENIED);
	snprintf(code, sizeof code, "%s", a.code);
	code[AUTH_CODE_DIGITS - 1] ^= 1;
	cr_assert_eq(check(&d, A, code), STATUS_DENIED);
	code[AUTH_CODE_DIGITS - 1] = 0;
	cr_assert_eq(check(&d, A, code), STATUS_DENIED);
	snprintf(code, sizeof code, "%s0", a.code);
	cr_assert_eq(check(&d, A, code), STATUS_DENIED);
	uint64_t device;
	char padded[AUTH_CODE_DIGITS + 4] = {0};
	memcpy(padded, a.code, AUTH_CODE_DIGITS);
	cr_assert_eq(auth_check(&d.policy, d.registry, A, span_of(padded, sizeof padded), NOW, &device), STATUS_OK);
	desk_deinit(&d);
}

Test(auth_policy, a_code_is_renewed_only_when_the_policy_says_so)
{
	struct desk d;
	desk_init(&d, REGISTER_OPEN);
	struct register_decision first = apply(&d, A, 2, "闽C11111");
	cr_assert_str_eq(apply(&d, A, 2, "闽C11111").code, first.code);
	d.policy.renew_code = true;
	struct register_decision second;
	struct jt808_register said = {.edition = JT808_2019};
	cr_assert_eq(auth_register(&d.policy, d.registry, A, &said, NOW + 1, &second), STATUS_OK);
	cr_assert_str_neq(second.code, first.code);
	uint64_t device;
	cr_assert_eq(auth_check(&d.policy, d.registry, A, span_of_string(first.code), NOW + 1, &device), STATUS_DENIED);
	desk_deinit(&d);
}

Test(auth_policy, without_a_code_only_those_may_come_whom_the_policy_knows)
{
	struct desk d;
	uint64_t device;
	desk_init(&d, REGISTER_ALLOW_LIST);
	cr_assert_eq(auth_known(&d.policy, d.registry, A, NOW, &device), STATUS_NOT_FOUND);
	cr_assert_eq(auth_admit(&d.policy, d.registry, A, NOW, &device), STATUS_DENIED);
	say(&d, A, DEVICE_FIELD_STATE, "unregistered");
	cr_assert_eq(auth_known(&d.policy, d.registry, A, NOW, &device), STATUS_DENIED);
	d.policy.registration = REGISTER_OPEN;
	cr_assert_eq(auth_known(&d.policy, d.registry, A, NOW, &device), STATUS_OK);
	cr_assert_eq(auth_admit(&d.policy, d.registry, B, NOW, &device), STATUS_OK);
	cr_assert_eq(auth_known(&d.policy, d.registry, B, NOW, &device), STATUS_OK);
	desk_deinit(&d);
}
