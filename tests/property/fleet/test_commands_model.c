/* The queue of commands against a model: random orders, sendings, answers, cancellations, rests, logins and restarts.
 * What is next for a device is always the oldest that is open and does not rest; rows end as the model has them. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "engine/core/clock.h"
#include "engine/core/limits.h"
#include "engine/fleet/commands.h"

#define DEVICES 3
#define COMMANDS 400
#define STEPS 1500
/* nothing expires by the wall clock */
#define NOW INT64_C(1900000000000)

struct known {
	unsigned device;
	uint8_t state;
	uint32_t tries;
	bool resting;
};

struct model {
	char dir[64];
	struct store *store;
	struct registry *registry;
	struct context *context;
	struct findings *findings;
	struct commands *commands;
	uint64_t devices[DEVICES];
	struct known known[COMMANDS + 1]; /* by id */
	unsigned count;
	uint64_t random;
};

static struct command row;
static struct command_content content;
static struct command_next next;

static unsigned draw(struct model *m, unsigned below)
{
	m->random ^= m->random << 13;
	m->random ^= m->random >> 7;
	m->random ^= m->random << 17;
	return (unsigned)(m->random % below);
}

static void open_all(struct model *m)
{
	struct store_options options = {.dir = m->dir, .create = true};
	cr_assert_eq(store_open(&options, &m->store), STATUS_OK);
	cr_assert_eq(registry_open(m->store, &m->registry), STATUS_OK);
	cr_assert_eq(context_open(m->store, m->registry, &m->context), STATUS_OK);
	cr_assert_eq(findings_open(m->store, &m->findings), STATUS_OK);
	cr_assert_eq(commands_open(m->store, m->registry, m->context, m->findings, &m->commands), STATUS_OK);
	cr_assert_eq(commands_start(m->commands, &(struct commands_options){false}), STATUS_OK);
}

static void close_all(struct model *m)
{
	commands_close(m->commands);
	findings_close(m->findings);
	context_close(m->context);
	registry_close(m->registry);
	store_close(m->store);
}

static void begin(struct model *m)
{
	strcpy(m->dir, "/tmp/zayton-commands-model-XXXXXX");
	cr_assert_not_null(mkdtemp(m->dir));
	open_all(m);
	for (unsigned i = 0; i < DEVICES; i++) {
		char phone[16];
		snprintf(phone, sizeof phone, "1390000070%u", i);
		struct registry_change one = {DEVICE_FIELD_PHONE, span_of_string(phone)};
		m->devices[i] = device_id(DEVICE_KIND_JT808, span_of_string(phone));
		cr_assert_eq(registry_apply(m->registry, m->devices[i], DEVICE_KIND_JT808, &one, 1, VALID_ALWAYS_FROM,
					    "test", NULL),
			     STATUS_OK);
	}
	content.kind = COMMAND_LOCATE;
}

/* The id that is next for the device; 0 none. */
static unsigned oldest(const struct model *m, unsigned device)
{
	for (unsigned id = 1; id <= m->count; id++)
		if (m->known[id].device == device && command_state_is_open(m->known[id].state) && !m->known[id].resting)
			return id;
	return 0;
}

static unsigned open_of(const struct model *m, unsigned device)
{
	unsigned n = 0;
	for (unsigned id = 1; id <= m->count; id++)
		n += m->known[id].device == device && command_state_is_open(m->known[id].state);
	return n;
}

static void add(struct model *m, unsigned device)
{
	struct command_order o = {.device = m->devices[device],
				  .content = &content,
				  .who = "test",
				  .why = "",
				  .expires_ms = NOW + MS_PER_DAY};
	bool room = open_of(m, device) < COMMANDS_DEVICE_MAX;
	if (m->count == COMMANDS)
		return;
	cr_assert_eq(commands_add(m->commands, &o, 1, NOW), STATUS_OK);
	cr_assert_eq(o.status, room ? STATUS_OK : STATUS_FULL);
	if (!room)
		return;
	cr_assert_eq(o.id, ++m->count, "ids have no gaps");
	m->known[m->count] = (struct known){.device = device};
}

static void step(struct model *m)
{
	unsigned device = draw(m, DEVICES), id = oldest(m, device);
	struct known *k = &m->known[id];
	enum status status = commands_next(m->commands, m->devices[device], NOW, &next);
	cr_assert_eq(status, id ? STATUS_OK : STATUS_NOT_FOUND);
	if (id)
		cr_assert_eq(next.id, id);
	switch (draw(m, 9)) {
	case 0:
	case 1:
	case 2:
		add(m, device);
		return;
	case 3:
	case 4:
		if (!id)
			return;
		cr_assert_eq(commands_sent(m->commands, m->devices[device], id, NOW), STATUS_OK);
		k->state = COMMAND_STATE_SENT;
		k->tries++;
		return;
	case 5:
		if (!id)
			return;
		k->state = draw(m, 2) ? COMMAND_STATE_ANSWERED : COMMAND_STATE_REFUSED;
		cr_assert_eq(commands_ended(m->commands, m->devices[device], id, k->state, 0, NULL, NULL, NOW),
			     STATUS_OK);
		return;
	case 6:
		if (!id)
			return;
		commands_rest(m->commands, m->devices[device], id);
		k->resting = true;
		return;
	case 7:
		commands_wake(m->commands, m->devices[device]);
		for (unsigned i = 1; i <= m->count; i++)
			m->known[i].resting &= m->known[i].device != device;
		return;
	case 8:
		if (draw(m, 10) == 0) {
			close_all(m);
			open_all(m);
			for (unsigned i = 1; i <= m->count; i++)
				m->known[i].resting = false;
		} else if (m->count) {
			unsigned any = 1 + draw(m, m->count);
			bool open = command_state_is_open(m->known[any].state);
			cr_assert_eq(commands_cancel(m->commands, any, "test", "", NOW),
				     open ? STATUS_OK : STATUS_CONFLICT);
			if (open)
				m->known[any].state = COMMAND_STATE_CANCELLED;
		}
		return;
	}
}

Test(commands_model, next_is_the_oldest_and_rows_end_as_they_should, .timeout = 240)
{
	static struct model m;
	char command[128];
	const char *given = getenv("ZAYTON_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
	printf("commands_model: ZAYTON_SEED=%llu\n", (unsigned long long)seed);
	m.random = seed | 1;
	begin(&m);
	for (int i = 0; i < STEPS; i++)
		step(&m);
	commands_stop(m.commands);
	for (unsigned id = 1; id <= m.count; id++) {
		cr_assert_eq(commands_get(m.commands, id, &row), STATUS_OK);
		cr_expect_eq(row.state, m.known[id].state, "command %u is %s", id, command_state_token(row.state));
		cr_expect_eq(row.tries, m.known[id].tries, "command %u: %u tries", id, row.tries);
	}
	close_all(&m);
	snprintf(command, sizeof command, "rm -rf %s", m.dir);
	cr_assert_eq(system(command), 0);
}
