/* Random changes in event time, and what they leave, against a model that only keeps a list of them. */
#include <criterion/criterion.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/fleet/registry.h"

#define DEVICES 6
#define INSTANTS 12
#define STEPS 700

static uint64_t seed_of(const char *test)
{
	const char *given = getenv("ZAYTON_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 0) : UINT64_C(0x5eed0002);
	printf("%s: ZAYTON_SEED=%" PRIu64 "\n", test, seed);
	return seed;
}

static uint64_t next(uint64_t *state)
{
	uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15)); /* splitmix64 (Steele, Lea, Flood 2014) */
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static size_t below(uint64_t *state, size_t n)
{
	return (size_t)(next(state) % n);
}

/* --- the model: every change that was taken, in the order it was said --- */

static const uint8_t fields[] = {DEVICE_FIELD_SIM, DEVICE_FIELD_VIN, DEVICE_FIELD_COMPANY};
static const char *const values[] = {"", "A", "B", "C"};

struct saying {
	size_t device, field, value;
	int64_t from_ms;
};

struct model {
	struct saying said[STEPS];
	size_t count;
	bool known[DEVICES];
};

static int64_t instant(size_t i)
{
	return i == 0 ? VALID_ALWAYS_FROM : (int64_t)i * 10;
}

/* The value of a field at an instant: the latest beginning not after it; of several, the last said. */
static size_t model_value(const struct model *m, size_t device, size_t field, int64_t at_ms)
{
	const struct saying *best = NULL;
	for (size_t i = 0; i < m->count; i++) {
		const struct saying *s = &m->said[i];
		if (s->device == device && s->field == field && s->from_ms <= at_ms &&
		    (!best || s->from_ms >= best->from_ms))
			best = s;
	}
	return best ? best->value : 0;
}

static size_t model_holder(const struct model *m, size_t field, size_t value, int64_t at_ms)
{
	for (size_t d = 0; d < DEVICES; d++)
		if (model_value(m, d, field, at_ms) == value)
			return d;
	return DEVICES;
}

/* Whether two devices would share a unique value at some instant. Values change only at instants, so those are all. */
static bool model_conflicts(const struct model *m)
{
	for (size_t field = 0; field < 2; field++)
		for (size_t i = 0; i < INSTANTS; i++)
			for (size_t a = 0; a < DEVICES; a++) {
				size_t value = model_value(m, a, field, instant(i));
				if (value && model_holder(m, field, value, instant(i)) != a)
					return true;
			}
	return false;
}

/* --- the registry, and the two side by side --- */

static char dir[64];
static struct store *store;
static struct registry *registry;
static uint64_t ids[DEVICES];

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static void open_both(void)
{
	struct store_options options = {.dir = dir, .create = true};
	cr_assert_eq(store_open(&options, &store), STATUS_OK);
	cr_assert_eq(registry_open(store, &registry), STATUS_OK);
}

static void close_both(void)
{
	registry_close(registry);
	store_close(store);
}

static void compare_device(const struct model *m, size_t d)
{
	char value[DEVICE_VALUE_MAX + 1];
	for (size_t f = 0; f < 3; f++)
		for (size_t i = 0; i < INSTANTS; i++)
			for (int64_t shift = i ? -1 : 0; shift <= 1; shift++) {
				int64_t at_ms = instant(i) + shift;
				size_t wanted = model_value(m, d, f, at_ms);
				enum status status = registry_value(registry, ids[d], fields[f], at_ms, value);
				cr_assert_eq(status, wanted ? STATUS_OK : STATUS_NOT_FOUND);
				if (wanted)
					cr_assert_str_eq(value, values[wanted]);
			}
}

static void compare_names(const struct model *m)
{
	for (size_t f = 0; f < 2; f++)
		for (size_t v = 1; v < 4; v++)
			for (size_t i = 0; i < INSTANTS; i++) {
				uint64_t device = 0;
				size_t wanted = model_holder(m, f, v, instant(i));
				enum status status = registry_find(registry, fields[f], span_of_string(values[v]),
								   instant(i), &device);
				cr_assert_eq(status, wanted < DEVICES ? STATUS_OK : STATUS_NOT_FOUND);
				cr_assert_eq(device, wanted < DEVICES ? ids[wanted] : 0);
			}
}

/* A whole copy: bindings of a field ascend, do not overlap, and say what the model says. */
static void compare_bindings(const struct model *m, size_t d)
{
	struct device copy;
	cr_assert_eq(registry_device(registry, ids[d], &copy), m->known[d] ? STATUS_OK : STATUS_NOT_FOUND);
	for (size_t i = 0; i < copy.binding_count; i++) {
		const struct binding *b = &copy.bindings[i];
		size_t f = b->field == fields[0] ? 0 : b->field == fields[1] ? 1 : 2;
		cr_assert(b->valid_from_ms < b->valid_to_ms);
		if (i && copy.bindings[i - 1].field == b->field)
			cr_assert(copy.bindings[i - 1].valid_to_ms <= b->valid_from_ms);
		cr_assert_str_eq(b->value, values[model_value(m, d, f, b->valid_from_ms)]);
		cr_assert_str_eq(b->value, values[model_value(m, d, f, b->valid_to_ms - 1)]);
	}
	device_deinit(&copy);
}

static void compare_all(const struct model *m)
{
	size_t known = 0;
	for (size_t d = 0; d < DEVICES; d++) {
		compare_device(m, d);
		compare_bindings(m, d);
		known += m->known[d];
	}
	compare_names(m);
	cr_assert_eq(registry_count(registry), known);
}

static struct saying random_saying(uint64_t *state)
{
	return (struct saying){below(state, DEVICES), below(state, 3), below(state, 4),
			       instant(below(state, INSTANTS))};
}

/* One to three changes of one device at one instant, all or none. */
static void step(struct model *m, uint64_t *state)
{
	struct registry_change changes[3];
	struct model *before = malloc(sizeof *before);
	cr_assert(before);
	*before = *m;
	size_t count = 1 + below(state, 3);
	struct saying first = random_saying(state);
	for (size_t i = 0; i < count; i++) {
		struct saying s = random_saying(state);
		s.device = first.device;
		s.from_ms = first.from_ms;
		s.field = (first.field + i) % 3;
		changes[i] = (struct registry_change){fields[s.field], span_of_string(values[s.value])};
		if (model_value(m, s.device, s.field, s.from_ms) != s.value)
			m->said[m->count++] = s; /* what already holds is not said again */
	}
	enum status wanted = model_conflicts(m) ? STATUS_CONFLICT : STATUS_OK;
	if (wanted)
		*m = *before;
	else
		m->known[first.device] = true;
	cr_assert_eq(registry_apply(registry, ids[first.device], DEVICE_KIND_FILE, changes, count, first.from_ms,
				    "model", NULL),
		     wanted);
	free(before);
}

Test(registry_property, random_changes_leave_what_the_model_says)
{
	static struct model m;
	uint64_t state = seed_of("random_changes");
	size_t refused = 0;
	snprintf(dir, sizeof dir, "/tmp/zayton-model-XXXXXX");
	cr_assert(mkdtemp(dir));
	for (size_t d = 0; d < DEVICES; d++)
		ids[d] = device_id(DEVICE_KIND_FILE, span_of(&d, sizeof d));
	open_both();
	for (size_t i = 0; i < STEPS / 3; i++) {
		size_t said = m.count;
		step(&m, &state);
		refused += m.count == said;
		compare_all(&m);
		if (i % 50 == 49) {
			close_both();
			open_both();
			compare_all(&m);
		}
	}
	cr_assert(refused > 10 && m.count > 50, "both outcomes are seen");
	close_both();
	nftw(dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}
