/* The queue of commands: durable, bounded, in order; what sessions say of them; reminders; fences for terminals. */
#include "engine/fleet/commands.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/core/clock.h"
#include "engine/core/hash.h"
#include "engine/core/limits.h"
#include "engine/core/utf8.h"
#include "engine/fleet/commands_fence.h"
#include "engine/geo/shape.h"

/* of what is asked for; the worker goes by the wall clock, which is not there yet */
#define NOW INT64_C(1900000000000)
#define HOUR MS_PER_HOUR

struct world {
	char dir[64];
	struct store *store;
	struct registry *registry;
	struct context *context;
	struct findings *findings;
	struct commands *commands;
	uint64_t device, other, file;
	pthread_mutex_t lock;
	unsigned due; /* how often somebody was told */
};

static struct command row;
static struct command_content content;
static struct command_next next;

static void open_again(struct world *w, bool worker, bool reminders_handle)
{
	struct store_options options = {.dir = w->dir, .create = true};
	struct commands_options policy = {reminders_handle};
	cr_assert_eq(store_open(&options, &w->store), STATUS_OK);
	cr_assert_eq(registry_open(w->store, &w->registry), STATUS_OK);
	cr_assert_eq(context_open(w->store, w->registry, &w->context), STATUS_OK);
	cr_assert_eq(findings_open(w->store, &w->findings), STATUS_OK);
	cr_assert_eq(commands_open(w->store, w->registry, w->context, w->findings, &w->commands), STATUS_OK);
	if (worker)
		cr_assert_eq(commands_start(w->commands, &policy), STATUS_OK);
}

static void close_all(struct world *w)
{
	commands_close(w->commands);
	findings_close(w->findings);
	context_close(w->context);
	registry_close(w->registry);
	store_close(w->store);
}

static uint64_t make_device(struct world *w, enum device_kind kind, const char *name, const char *plate)
{
	uint64_t id = device_id(kind, span_of_string(name));
	struct registry_change changes[2] = {
		{kind == DEVICE_KIND_JT808 ? DEVICE_FIELD_PHONE : DEVICE_FIELD_NAME, span_of_string(name)},
		{DEVICE_FIELD_PLATE, span_of_string(plate)}};
	cr_assert_eq(registry_apply(w->registry, id, kind, changes, 2, VALID_ALWAYS_FROM, "test", NULL), STATUS_OK);
	return id;
}

static void begin(struct world *w, bool worker)
{
	memset(w, 0, sizeof *w);
	strcpy(w->dir, "/tmp/zayton-commands-XXXXXX");
	cr_assert_not_null(mkdtemp(w->dir));
	pthread_mutex_init(&w->lock, NULL);
	open_again(w, false, false);
	w->device = make_device(w, DEVICE_KIND_JT808, "13900000001", "2:闽C00001");
	w->other = make_device(w, DEVICE_KIND_JT808, "13900000002", "2:闽C00002");
	w->file = make_device(w, DEVICE_KIND_FILE, "boat", "2:闽C00003");
	if (worker)
		cr_assert_eq(commands_start(w->commands, &(struct commands_options){false}), STATUS_OK);
}

static void end(struct world *w)
{
	char command[128];
	close_all(w);
	snprintf(command, sizeof command, "rm -rf %s", w->dir);
	cr_assert_eq(system(command), 0);
	pthread_mutex_destroy(&w->lock);
}

static struct command_order order_text(struct world *w, const char *text)
{
	memset(&content, 0, sizeof content);
	content.kind = COMMAND_TEXT;
	content.text.type = COMMAND_TEXT_NOTICE;
	snprintf(content.text.text, sizeof content.text.text, "%s", text);
	return (struct command_order){
		.device = w->device, .content = &content, .who = "ann", .why = "because", .expires_ms = NOW + HOUR};
}

static uint64_t add_text(struct world *w, const char *text)
{
	struct command_order o = order_text(w, text);
	cr_assert_eq(commands_add(w->commands, &o, 1, NOW), STATUS_OK);
	cr_assert_eq(o.status, STATUS_OK);
	return o.id;
}

/* Until the worker has written that state. */
static void wait_state(struct world *w, uint64_t id, unsigned state)
{
	for (int i = 0; i < 30000; i++) {
		cr_assert_eq(commands_get(w->commands, id, &row), STATUS_OK);
		if (row.state == state)
			return;
		usleep(1000);
	}
	cr_assert_fail("command %llu is still %s", (unsigned long long)id, command_state_token(row.state));
}

/* --- the queue --- */

Test(commands, are_sent_oldest_first_and_survive_a_restart)
{
	struct world w;
	begin(&w, false);
	uint64_t first = add_text(&w, "first"), second = add_text(&w, "second");
	cr_expect_gt(second, first);
	close_all(&w);
	open_again(&w, true, false);
	cr_assert_eq(commands_next(w.commands, w.device, NOW, &next), STATUS_OK);
	cr_expect_eq(next.id, first);
	cr_expect_str_eq(next.content.text.text, "first");
	cr_expect_eq(commands_next(w.commands, w.other, NOW, &next), STATUS_NOT_FOUND);
	cr_assert_eq(commands_sent(w.commands, w.device, first, NOW + 1), STATUS_OK);
	cr_assert_eq(commands_ended(w.commands, w.device, first, COMMAND_STATE_ANSWERED, 0, NULL, NULL, NOW + 2),
		     STATUS_OK);
	cr_assert_eq(commands_next(w.commands, w.device, NOW, &next), STATUS_OK);
	cr_expect_eq(next.id, second);
	wait_state(&w, first, COMMAND_STATE_ANSWERED);
	cr_expect_eq(row.tries, 1);
	cr_expect_eq(row.result, 0);
	cr_expect_eq(row.sent_ms, NOW + 1);
	cr_expect_eq(row.ended_ms, NOW + 2);
	cr_expect_str_eq(row.who, "ann");
	end(&w);
}

Test(commands, a_sent_one_without_an_answer_is_due_again_after_a_restart)
{
	struct world w;
	begin(&w, true);
	uint64_t id = add_text(&w, "x");
	cr_assert_eq(commands_sent(w.commands, w.device, id, NOW), STATUS_OK);
	wait_state(&w, id, COMMAND_STATE_SENT);
	close_all(&w);
	open_again(&w, false, false);
	cr_assert_eq(commands_next(w.commands, w.device, NOW, &next), STATUS_OK);
	cr_expect_eq(next.id, id);
	end(&w);
}

Test(commands, what_was_said_is_written_before_the_end)
{
	struct world w;
	begin(&w, true);
	uint64_t id = add_text(&w, "x");
	cr_assert_eq(commands_sent(w.commands, w.device, id, NOW), STATUS_OK);
	cr_assert_eq(commands_ended(w.commands, w.device, id, COMMAND_STATE_REFUSED, 3, NULL, NULL, NOW), STATUS_OK);
	commands_stop(w.commands);
	cr_assert_eq(commands_get(w.commands, id, &row), STATUS_OK);
	cr_expect_eq(row.state, COMMAND_STATE_REFUSED);
	cr_expect_eq(row.result, 3);
	end(&w);
}

struct told {
	unsigned count;
	uint8_t states[8];
	char texts[8][64];
};

static enum status take_event(void *context, const struct command_event *e)
{
	struct told *t = context;
	cr_assert_lt(t->count, 8);
	cr_expect_eq(e->number, t->count + 1);
	t->states[t->count] = e->state;
	snprintf(t->texts[t->count++], 64, "%.*s/%.*s", (int)e->who.size, (const char *)e->who.data, (int)e->text.size,
		 (const char *)e->text.data);
	return STATUS_OK;
}

Test(commands, the_history_keeps_every_step)
{
	struct world w;
	struct told t = {0};
	begin(&w, true);
	uint64_t id = add_text(&w, "x");
	cr_assert_eq(commands_sent(w.commands, w.device, id, NOW), STATUS_OK);
	cr_assert_eq(commands_sent(w.commands, w.device, id, NOW + 10), STATUS_OK);
	wait_state(&w, id, COMMAND_STATE_SENT);
	cr_assert_eq(commands_cancel(w.commands, id, "bob", "no need", NOW + 20), STATUS_OK);
	/* the answer was on its way */
	cr_expect_eq(commands_ended(w.commands, w.device, id, COMMAND_STATE_ANSWERED, 0, NULL, NULL, NOW + 30),
		     STATUS_NOT_FOUND);
	commands_stop(w.commands);
	cr_assert_eq(commands_history(w.commands, id, take_event, &t), STATUS_OK);
	cr_assert_eq(t.count, 5);
	cr_expect_str_eq(t.texts[0], "ann/because");
	cr_expect_eq(t.states[2], COMMAND_STATE_SENT);
	cr_expect_str_eq(t.texts[3], "bob/no need");
	cr_expect_eq(t.states[4], COMMAND_STATE_CANCELLED);
	cr_expect_str_eq(t.texts[4], "terminal/late: answered, result 0");
	end(&w);
}

Test(commands, one_that_is_ended_is_not_cancelled)
{
	struct world w;
	begin(&w, true);
	uint64_t id = add_text(&w, "x");
	cr_expect_eq(commands_cancel(w.commands, 99, "bob", "", NOW), STATUS_NOT_FOUND);
	cr_assert_eq(commands_cancel(w.commands, id, "bob", "", NOW), STATUS_OK);
	cr_expect_eq(commands_cancel(w.commands, id, "bob", "", NOW), STATUS_CONFLICT);
	cr_expect_eq(commands_next(w.commands, w.device, NOW, &next), STATUS_NOT_FOUND);
	cr_expect_eq(commands_sent(w.commands, w.device, id, NOW), STATUS_NOT_FOUND);
	end(&w);
}

Test(commands, a_device_has_so_many_and_another_is_not_kept_from_its_own)
{
	struct world w;
	begin(&w, false);
	for (int i = 0; i < COMMANDS_DEVICE_MAX; i++)
		add_text(&w, "x");
	struct command_order both[3] = {order_text(&w, "y"), order_text(&w, "y"), order_text(&w, "y")};
	both[1].device = w.other;
	both[2].device = w.file;
	cr_assert_eq(commands_add(w.commands, both, 3, NOW), STATUS_OK);
	cr_expect_eq(both[0].status, STATUS_FULL);
	cr_expect_eq(both[1].status, STATUS_OK);
	cr_expect_eq(both[2].status, STATUS_UNSUPPORTED);
	cr_expect_eq(both[0].id, 0);
	struct commands_stats stats;
	commands_stats_read(w.commands, &stats);
	cr_expect_eq(stats.open, COMMANDS_DEVICE_MAX + 1);
	both[1].device = 12345;
	cr_assert_eq(commands_add(w.commands, both + 1, 1, NOW), STATUS_OK);
	cr_expect_eq(both[1].status, STATUS_NOT_FOUND);
	both[1].expires_ms = NOW;
	cr_expect_eq(commands_add(w.commands, both + 1, 1, NOW), STATUS_INVALID);
	end(&w);
}

Test(commands, what_rests_is_passed_over_until_the_next_login)
{
	struct world w;
	begin(&w, false);
	uint64_t first = add_text(&w, "first"), second = add_text(&w, "second");
	commands_rest(w.commands, w.device, first);
	cr_assert_eq(commands_next(w.commands, w.device, NOW, &next), STATUS_OK);
	cr_expect_eq(next.id, second);
	commands_wake(w.commands, w.device);
	cr_assert_eq(commands_next(w.commands, w.device, NOW, &next), STATUS_OK);
	cr_expect_eq(next.id, first);
	end(&w);
}

static void count_due(void *context, uint64_t device)
{
	struct world *w = context;
	pthread_mutex_lock(&w->lock);
	w->due += device == w->device;
	pthread_mutex_unlock(&w->lock);
}

static unsigned due_of(struct world *w)
{
	pthread_mutex_lock(&w->lock);
	unsigned n = w->due;
	pthread_mutex_unlock(&w->lock);
	return n;
}

Test(commands, the_clock_tells_what_becomes_due_and_ends_what_expires)
{
	struct world w;
	begin(&w, false);
	commands_on_due(w.commands, count_due, &w);
	int64_t now_ms = clock_now_ms();
	struct command_order later = order_text(&w, "later"), old = order_text(&w, "old");
	later.not_before_ms = now_ms + 400;
	later.expires_ms = now_ms + HOUR;
	old.expires_ms = now_ms - 1000;
	cr_assert_eq(commands_add(w.commands, &old, 1, now_ms - 2000), STATUS_OK);
	cr_assert_eq(commands_add(w.commands, &later, 1, now_ms), STATUS_OK);
	cr_expect_eq(due_of(&w), 1, "the one that is due at once was told");
	cr_expect_eq(commands_next(w.commands, w.device, now_ms, &next), STATUS_NOT_FOUND);
	cr_assert_eq(commands_start(w.commands, &(struct commands_options){false}), STATUS_OK);
	wait_state(&w, old.id, COMMAND_STATE_EXPIRED);
	for (int i = 0; i < 30000 && due_of(&w) < 2; i++)
		usleep(1000);
	cr_expect_eq(due_of(&w), 2);
	cr_assert_eq(commands_next(w.commands, w.device, clock_now_ms(), &next), STATUS_OK);
	cr_expect_eq(next.id, later.id);
	end(&w);
}

static enum status take_id(void *context, const struct command *c)
{
	char *at = context;
	snprintf(at + strlen(at), 64 - strlen(at), "%llu ", (unsigned long long)c->id);
	return STATUS_OK;
}

Test(commands, lists_are_newest_first_and_go_on_behind_a_cursor)
{
	struct world w;
	begin(&w, false);
	for (int i = 0; i < 4; i++)
		add_text(&w, "x");
	struct command_order o = order_text(&w, "y");
	o.device = w.other;
	o.violation = 7;
	cr_assert_eq(commands_add(w.commands, &o, 1, NOW), STATUS_OK);
	char all[64] = "", behind[64] = "", of_device[64] = "", of_case[64] = "";
	cr_expect_eq(commands_list(w.commands, 0, 0, take_id, all), STATUS_OK);
	cr_expect_eq(commands_list(w.commands, 0, 3, take_id, behind), STATUS_OK);
	cr_expect_eq(commands_list(w.commands, w.device, 4, take_id, of_device), STATUS_OK);
	cr_expect_eq(commands_of_violation(w.commands, 7, take_id, of_case), STATUS_OK);
	cr_expect_str_eq(all, "5 4 3 2 1 ");
	cr_expect_str_eq(behind, "2 1 ");
	cr_expect_str_eq(of_device, "3 2 1 ");
	cr_expect_str_eq(of_case, "5 ");
	end(&w);
}

Test(commands, an_answer_is_kept_with_its_content)
{
	struct world w;
	static struct command_content answer;
	begin(&w, true);
	uint64_t id = add_text(&w, "x");
	answer.kind = COMMAND_POSITION;
	answer.position.lat_e7 = 248000000;
	cr_assert_eq(commands_ended(w.commands, w.device, id, COMMAND_STATE_ANSWERED, 0, &answer, NULL, NOW),
		     STATUS_OK);
	wait_state(&w, id, COMMAND_STATE_ANSWERED);
	cr_assert(row.has_answer);
	cr_expect_eq(row.answer.position.lat_e7, 248000000);
	end(&w);
}

/* --- reminders --- */

#define RULES                                                                                                          \
	"[fast]\nkind = overspeed\ntitle = 超速 | Fast\nsource = test\nlimit = 60 km/h\nremind = "                   \
	"{plate}限速{limit}, 已达{peak}\n"                                                                         \
	"remind_every = 1 h\n[slow]\nkind = overspeed\ntitle = 慢 | Slow\nsource = test\nlimit = 30 km/h\nremind = "  \
	"慢行\nremind_after = 1 s\n"                                                                                 \
	"[mute]\nkind = overspeed\ntitle = 无 | Mute\nsource = test\nlimit = 10 km/h\n"

static void put_rules(struct world *w)
{
	cr_assert_eq(context_put_rules(w->context, span_of_string(RULES), 1, "test", NULL, NULL), STATUS_OK);
}

/* The judge tells of a finding. */
static void tell(struct world *w, const char *rule, int64_t start_ms, bool open, int64_t now_ms)
{
	struct told_finding t = {.decided = {start_ms, 1}};
	struct finding *f = &t.finding;
	f->subject = f->device = w->device;
	strcpy(f->rule, rule);
	f->kind = RULE_OVERSPEED;
	f->confidence = CONFIDENCE_HIGH;
	f->open = open;
	f->start_ms = f->found_ms = start_ms;
	f->end_ms = start_ms + 1000;
	for (int i = 0; i < FINDING_NUMBER_COUNT; i++)
		f->numbers[i] = NUMBER_UNKNOWN;
	f->numbers[FINDING_LIMIT] = 600;
	f->numbers[FINDING_PEAK] = 725;
	struct replacement r = {.subject = w->device,
				.stage = 1,
				.scope = REPLACE_TOLD,
				.keep_before_ms = INT64_MIN,
				.findings = &t,
				.finding_count = 1,
				.now_ms = now_ms};
	cr_assert_eq(findings_replace(w->findings, &r, NULL, NULL), STATUS_OK);
}

static unsigned open_commands(struct world *w)
{
	struct commands_stats stats;
	commands_stats_read(w->commands, &stats);
	return (unsigned)stats.open;
}

static void wait_open(struct world *w, unsigned count)
{
	for (int i = 0; i < 30000 && open_commands(w) != count; i++)
		usleep(1000);
	cr_assert_eq(open_commands(w), count);
}

/* The worker has looked at everything that was raised before. */
static void let_worker_look(struct world *w)
{
	commands_stop(w->commands);
	cr_assert_eq(commands_start(w->commands, &(struct commands_options){false}), STATUS_OK);
	commands_stop(w->commands);
}

Test(commands, a_finding_that_opens_is_reminded_of_once_in_the_words_of_its_rule)
{
	struct world w;
	begin(&w, false);
	put_rules(&w);
	int64_t now_ms = clock_now_ms();
	tell(&w, "fast", now_ms - 1000, true, now_ms);
	let_worker_look(&w);
	cr_assert_eq(open_commands(&w), 1);
	cr_assert_eq(commands_next(w.commands, w.device, now_ms + 1000, &next), STATUS_OK);
	cr_expect_str_eq(next.content.text.text, "闽C00001限速60公里每小时, 已达72.5公里每小时");
	cr_assert_eq(commands_get(w.commands, next.id, &row), STATUS_OK);
	cr_expect(row.by_rule);
	cr_expect_str_eq(row.who, "fast");
	cr_expect_eq(row.violation, 1);
	/* the next episode within the hour is not; nor is the same one after a restart */
	tell(&w, "fast", now_ms + 60000, true, now_ms + 61000);
	let_worker_look(&w);
	cr_expect_eq(open_commands(&w), 1);
	close_all(&w);
	open_again(&w, false, false);
	let_worker_look(&w);
	cr_expect_eq(open_commands(&w), 1);
	end(&w);
}

/* The feed read again from its beginning, as after a crash that lost how far it was read; and the rule may again. */
Test(commands, a_finding_is_never_reminded_of_twice)
{
	struct world w;
	uint8_t counters[16] = {0}, reminded[17] = {0x06};
	const uint8_t key = 0;
	struct store_batch *b;
	begin(&w, false);
	put_rules(&w);
	int64_t now_ms = clock_now_ms();
	tell(&w, "fast", now_ms - 1000, true, now_ms);
	let_worker_look(&w);
	cr_assert_eq(open_commands(&w), 1);
	commands_close(w.commands);
	store_be64(counters, 2); /* the next id; the feed from 0 */
	store_be64(reminded + 1, w.device);
	store_be64(reminded + 9, hash64(span_of_string("fast")));
	cr_assert_eq(store_batch_new(w.store, &b), STATUS_OK);
	store_batch_put(b, STORE_COMMAND, span_of(&key, 1), span_of(counters, sizeof counters));
	store_batch_delete(b, STORE_COMMAND, span_of(reminded, sizeof reminded));
	cr_assert_eq(store_commit(w.store, b, false), STATUS_OK);
	store_batch_free(b);
	cr_assert_eq(commands_open(w.store, w.registry, w.context, w.findings, &w.commands), STATUS_OK);
	let_worker_look(&w);
	cr_expect_eq(open_commands(&w), 1);
	end(&w);
}

Test(commands, what_is_late_or_without_words_or_reviewed_is_not_reminded_of)
{
	struct world w;
	begin(&w, false);
	put_rules(&w);
	int64_t now_ms = clock_now_ms();
	tell(&w, "fast", now_ms - 3 * HOUR, true, now_ms); /* late */
	tell(&w, "mute", now_ms - 1000, true, now_ms);
	tell(&w, "slow", now_ms - 5000, true, now_ms - 4000); /* long due, but somebody has seen to it */
	cr_assert_eq(violation_handle(w.findings, 3, "ann", "called", "", now_ms), STATUS_OK);
	let_worker_look(&w);
	cr_expect_eq(open_commands(&w), 0);
	tell(&w, "slow", now_ms - 3000, true, now_ms - 2000);
	let_worker_look(&w);
	cr_expect_eq(open_commands(&w), 1);
	end(&w);
}

Test(commands, a_reminder_waits_until_it_has_stood_long_enough)
{
	struct world w;
	begin(&w, true);
	put_rules(&w);
	int64_t now_ms = clock_now_ms();
	tell(&w, "slow", now_ms, true, now_ms);
	wait_open(&w, 1);
	cr_expect_geq(clock_now_ms() - now_ms, 1000);
	tell(&w, "fast", now_ms + 1, true, now_ms);
	wait_open(&w, 2);
	end(&w);
}

/* a crash while it waits: the feed is read again from before it */
Test(commands, a_reminder_that_waits_is_not_lost_by_a_restart)
{
	struct world w;
	begin(&w, false);
	put_rules(&w);
	int64_t now_ms = clock_now_ms();
	tell(&w, "slow", now_ms, true, now_ms + 500);
	let_worker_look(&w);
	cr_expect_eq(open_commands(&w), 0);
	close_all(&w);
	open_again(&w, true, false);
	wait_open(&w, 1);
	end(&w);
}

static void answer_reminder(struct world *w, bool policy)
{
	put_rules(w);
	commands_stop(w->commands);
	cr_assert_eq(commands_start(w->commands, &(struct commands_options){policy}), STATUS_OK);
	int64_t now_ms = clock_now_ms();
	tell(w, "fast", now_ms - 1000, true, now_ms);
	wait_open(w, 1);
	while (commands_next(w->commands, w->device, clock_now_ms(), &next) != STATUS_OK)
		usleep(1000); /* it counts as open before it is durable */
	cr_assert_eq(commands_ended(w->commands, w->device, next.id, COMMAND_STATE_ANSWERED, 0, NULL, NULL, now_ms),
		     STATUS_OK);
	commands_stop(w->commands);
}

Test(commands, an_answered_reminder_handles_its_finding_by_policy_alone)
{
	for (int policy = 0; policy < 2; policy++) {
		struct world w;
		struct violation v;
		begin(&w, false);
		answer_reminder(&w, policy);
		cr_assert_eq(violation_get(w.findings, 1, &v), STATUS_OK);
		cr_expect_eq(v.handled, policy == 1);
		end(&w);
	}
}

static enum status take_handling(void *context, const struct case_event *e)
{
	return e->kind == CASE_EVENT_HANDLED ? buf_append(context, e->text.data, e->text.size) : STATUS_OK;
}

Test(commands, a_persons_text_about_a_finding_that_is_answered_handles_it)
{
	struct world w;
	struct violation v;
	begin(&w, true);
	int64_t now_ms = clock_now_ms();
	tell(&w, "fast", now_ms, true, now_ms);
	struct command_order o = order_text(&w, "x");
	for (int i = 0; i < 500; i++) /* longer than the ledger's text: cut between characters */
		memcpy(content.text.text + 1 + 3 * i, "慢", 3);
	o.violation = 1;
	cr_assert_eq(commands_add(w.commands, &o, 1, NOW), STATUS_OK);
	cr_assert_eq(commands_ended(w.commands, w.device, o.id, COMMAND_STATE_ANSWERED, 0, NULL, NULL, now_ms),
		     STATUS_OK);
	commands_stop(w.commands);
	cr_assert_eq(violation_get(w.findings, 1, &v), STATUS_OK);
	cr_expect(v.handled);
	struct buf text = buf_init(CASE_TEXT_MAX);
	cr_assert_eq(violation_history(w.findings, 1, take_handling, &text), STATUS_OK);
	cr_expect_gt(text.size, 600);
	cr_expect(utf8_valid(buf_view(&text)));
	buf_deinit(&text);
	end(&w);
}

/* --- fences --- */

static struct fence fence_of(struct fence_area *area)
{
	struct fence f = {.id = "f", .name = "港区", .valid_from_ms = INT64_MIN, .valid_to_ms = INT64_MAX};
	f.when = SCHEDULE_ALWAYS;
	f.area = area;
	return f;
}

static struct fence_area *ring(const struct geo_point *points, uint32_t count)
{
	struct fence_area *a;
	cr_assert_eq(fence_area_new(points, &count, 1, &a), STATUS_OK);
	return a;
}

static const struct geo_point square[] = {
	{249000000, 1186000000}, {249000000, 1187000000}, {248000000, 1187000000}, {248000000, 1186000000}};

static void expect_refused(struct fence *f, const char *part)
{
	struct command_refusal why = {""};
	struct area_wish wish = {0};
	cr_expect_eq(command_of_fence(f, &wish, NOW, &content, &why), STATUS_UNSUPPORTED);
	cr_expect_not_null(strstr(why.text, part), "'%s' does not say '%s'", why.text, part);
}

static void compile(struct fence *f)
{
	struct command_refusal why = {""};
	struct area_wish wish = {.setting = AREA_APPEND, .flags = AREA_ENTER_DRIVER};
	cr_assert_eq(command_of_fence(f, &wish, NOW, &content, &why), STATUS_OK, "%s", why.text);
}

Test(commands_fence, a_rectangle_a_circle_and_a_polygon_are_told_apart)
{
	struct fence f = fence_of(ring(square, 4));
	compile(&f);
	cr_expect_eq(content.area.shape, AREA_RECTANGLE);
	cr_expect_eq(content.area.points[0].lat_e6, 24900000);
	cr_expect_eq(content.area.points[1].lon_e6, 118700000);
	fence_area_unref(f.area);
	for (int64_t radius_mm = 2000; radius_mm <= 50000000; radius_mm *= 5) {
		struct fence_area *a;
		cr_assert_eq(shape_circle((struct geo_point){248500005, 1186500004}, radius_mm, &a), STATUS_OK);
		f = fence_of(a);
		compile(&f);
		cr_expect_eq(content.area.shape, AREA_CIRCLE, "%lld mm", (long long)radius_mm);
		cr_expect_leq(llabs((int64_t)content.area.radius_m * 1000 - radius_mm), 600);
		cr_expect_leq(abs(content.area.points[0].lat_e6 - 24850000), 6);
		fence_area_unref(a);
	}
	const struct geo_point skew[] = {
		{249000000, 1186000000}, {249000001, 1187000000}, {248000000, 1187000000}, {248000000, 1186000000}};
	f = fence_of(ring(skew, 4));
	compile(&f);
	cr_expect_eq(content.area.shape, AREA_POLYGON);
	cr_expect_eq(content.area.setting, AREA_UPDATE);
	fence_area_unref(f.area);
}

Test(commands_fence, what_a_terminal_cannot_hold_is_named)
{
	struct fence_area *a;
	struct geo_point rings[8];
	uint32_t ends[2] = {4, 8};
	memcpy(rings, square, sizeof square);
	rings[4] = (struct geo_point){248500000, 1186500000};
	rings[5] = (struct geo_point){248500000, 1186600000};
	rings[6] = (struct geo_point){248400000, 1186600000};
	rings[7] = (struct geo_point){248400000, 1186500000};
	cr_assert_eq(fence_area_new(rings, ends, 2, &a), STATUS_OK);
	struct fence f = fence_of(a);
	expect_refused(&f, "2 rings");
	fence_area_unref(a);
	static struct geo_point many[COMMAND_POINTS_MAX + 1];
	for (int i = 0; i <= COMMAND_POINTS_MAX; i++)
		many[i] = (struct geo_point){248000000 + i * i, 1186000000 + i * 1000};
	f = fence_of(ring(many, COMMAND_POINTS_MAX + 1));
	expect_refused(&f, "201 vertices");
	fence_area_unref(f.area);
	f = fence_of(ring(square, 4));
	f.limit_dkmh = 405;
	expect_refused(&f, "40.5 km/h");
	f.limit_dkmh = 0;
	static const struct {
		const char *when, *part;
	} refused[] = {{"22:00-06:00", "over midnight"},
		       {"06:00-08:00,10:00-12:00", "2 spans of hours"},
		       {"mon-fri", "days of the week"},
		       {"05-01..08-16", "seasons"},
		       {"06:00-08:00; 2026-01-01..2027-01-01", "hours within a span"}};
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		cr_assert_eq(schedule_parse(span_of_string(refused[i].when), &f.when, NULL), STATUS_OK);
		expect_refused(&f, refused[i].part);
	}
	fence_area_unref(f.area);
}

Test(commands_fence, hours_a_span_and_an_end_become_times)
{
	struct fence f = fence_of(ring(square, 4));
	f.limit_dkmh = 400;
	cr_assert_eq(schedule_parse(span_of_string("06:00-24:00"), &f.when, NULL), STATUS_OK);
	compile(&f);
	cr_expect_eq(content.area.time, AREA_DAILY);
	cr_expect_eq(content.area.from, 6 * 3600);
	cr_expect_eq(content.area.to, 86399);
	cr_expect_eq(content.area.limit_kmh, 40);
	f.when = SCHEDULE_ALWAYS;
	f.valid_from_ms = NOW - HOUR;
	compile(&f);
	cr_expect_eq(content.area.time, AREA_ALWAYS);
	f.valid_to_ms = NOW + HOUR;
	compile(&f);
	cr_expect_eq(content.area.time, AREA_SPAN);
	cr_expect_eq(content.area.from, NOW - HOUR);
	cr_expect_eq(content.area.to, NOW + HOUR - 1000);
	fence_area_unref(f.area);
}
