/* The outbox from the register to a receiver: everything once inside, at least once outside, in order per hazard,
 * whatever the receiver does and whenever the process ends. */
#include <criterion/criterion.h>
#include <openssl/hmac.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/core/hash.h"
#include "engine/core/log.h"
#include "query/outbox/outbox.h"
#include "query/outbox/outbox_rows.h"
#include "query/outbox/outbox_send.h"
#include "support/register_desk.h"
#include "unit/query_outbox/receivers.h"

#define KEY "0123456789abcdef0123456789abcdef"
#define FIELDS "company=海湾|category=致电 13912345678"

static struct desk d;
static struct receiver city;
static char key_path[] = "/tmp/zayton-key-XXXXXX";
static struct outbox *box;
static size_t pending_max = OUTBOX_PENDING_MAX;
static int64_t give_up_ms = OUTBOX_GIVE_UP_MS;

static void tell(void *context, const char *path, const char *text)
{
	(void)context;
	cr_log_error("%s %s", path, text);
}

static struct outbox_config *config_of(const char *more)
{
	char text[2048];
	struct outbox_config *c;
	snprintf(text, sizeof text,
		 "{\"destinations\":[{\"name\":\"city\",\"kind\":\"webhook\",\"url\":\"http://127.0.0.1:%u/in\","
		 "\"secret_file\":\"%s\"%s}]}",
		 city.port, key_path, more);
	cr_assert_eq(outbox_config_parse(span_of_string(text), tell, NULL, &c), STATUS_OK);
	return c;
}

static void open_box(bool started)
{
	struct outbox_options o = outbox_options_default(d.store, d.register_, NULL);
	o.retry_ms = 5;
	o.timeout_ms = 2000;
	o.poll_ms = 5;
	o.pending_max = pending_max;
	o.give_up_ms = give_up_ms;
	cr_assert_eq(outbox_open(&o, config_of(""), &box), STATUS_OK);
	if (started)
		cr_assert_eq(outbox_start(box), STATUS_OK);
}

static void begin(void)
{
	log_set_level(LOG_OFF);
	signal(SIGPIPE, SIG_IGN);
	int fd = mkstemp(key_path);
	cr_assert_eq(write(fd, KEY "\n", strlen(KEY) + 1), (ssize_t)strlen(KEY) + 1);
	close(fd);
	receiver_open(&city, false);
	desk_open(&d);
}

static void end(void)
{
	outbox_free(box);
	receiver_close(&city);
	desk_close(&d);
	unlink(key_path);
}
TestSuite(outbox, .init = begin, .fini = end, .timeout = 120);

/* What was accepted, each id once, in the order in which it came first: "hazard-1-1 hazard-1-2 ...". */
static void ids(char *out, size_t room)
{
	size_t n = 0;
	out[0] = '\0';
	for (size_t i = 0; i < city.count; i++) {
		bool seen = !city.all[i].accepted;
		for (size_t k = 0; k < i; k++)
			seen |= city.all[k].accepted && !strcmp(city.all[k].id, city.all[i].id);
		if (!seen)
			n += (size_t)snprintf(out + n, room - n, "%s%s", n ? " " : "", city.all[i].id);
	}
}

static void expect_ids(const char *wanted)
{
	char seen[4096];
	ids(seen, sizeof seen);
	cr_expect_str_eq(seen, wanted);
}

static uint64_t pending(void)
{
	struct outbox_state s;
	outbox_state(box, 0, &s);
	return s.pending;
}

static void await_empty(void)
{
	while (pending())
		usleep(2000); /* until the last row is crossed out; the test's own timeout ends one that never is */
}

/* Three hazards, two steps each. */
static void six_steps(void)
{
	for (int i = 0; i < 3; i++)
		desk_find(&d, FIELDS);
	for (uint64_t id = 1; id <= 3; id++)
		desk_bring(&d, id, HAZARD_REGISTERED);
}

static const char six[] = "hazard-1-1 hazard-2-1 hazard-3-1 hazard-1-2 hazard-2-2 hazard-3-2";

static void expect_signature(const struct received *r)
{
	long long seconds;
	char hex[65], signed_[1 << 16], want[65];
	uint8_t mac[32];
	unsigned size = sizeof mac;
	cr_assert_eq(sscanf(r->signature, "t=%lld,v1=%64[0-9a-f]", &seconds, hex), 2, "%s", r->signature);
	int n = snprintf(signed_, sizeof signed_, "%lld.%s", seconds, r->body);
	HMAC(EVP_sha256(), KEY, (int)strlen(KEY), (uint8_t *)signed_, (size_t)n, mac, &size);
	hex_encode(want, span_of(mac, sizeof mac));
	cr_expect_str_eq(hex, want);
}

Test(outbox, every_step_arrives_once_in_order_signed_and_masked)
{
	desk_find(&d, FIELDS); /* before the first start: not news */
	open_box(true);
	desk_bring(&d, 1, HAZARD_REGISTERED);
	desk_find(&d, FIELDS);
	receiver_await(&city, 2, true);
	await_empty();
	expect_ids("hazard-1-2 hazard-2-1");
	cr_expect_eq(city.count, 2u);
	expect_signature(&city.all[0]);
	cr_expect(strstr(city.all[0].body, "{\"id\":\"hazard-1-2\",\"kind\":\"hazard\""));
	cr_expect(strstr(city.all[0].body, "\"step\":\"register\""));
	cr_expect(strstr(city.all[0].body, "139****5678") && !strstr(city.all[0].body, "13912345678"), "%s",
		  city.all[0].body);
}

Test(outbox, what_waits_survives_a_restart_and_a_receiver_that_is_down)
{
	receiver_close(&city);
	open_box(true);
	six_steps();
	while (pending() < 6)
		usleep(2000);
	outbox_free(box);
	desk_reopen(&d);
	open_box(true);
	cr_expect_eq(pending(), 6u);
	receiver_reopen(&city);
	receiver_await(&city, 6, true);
	await_empty();
	expect_ids(six);
	struct outbox_state s;
	outbox_state(box, 0, &s);
	cr_expect_eq(s.sent, 6u);
	cr_expect_str_eq(s.error, "");
}

/* Hazard 2 is refused for a while: its news wait and keep their order, those of others do not wait. */
static int busy_with_2(const struct received *r, size_t count)
{
	return !strncmp(r->id, "hazard-2-", 9) && count < 12 ? 500 : 200;
}

Test(outbox, one_hazard_that_is_stuck_holds_up_itself_alone)
{
	city.judge = busy_with_2;
	open_box(false);
	six_steps();
	cr_assert_eq(outbox_take(box), STATUS_OK);
	cr_assert_eq(outbox_start(box), STATUS_OK);
	receiver_await(&city, 6, true);
	await_empty();
	expect_ids("hazard-1-1 hazard-3-1 hazard-1-2 hazard-3-2 hazard-2-1 hazard-2-2");
	struct outbox_state s;
	outbox_state(box, 0, &s);
	cr_expect_gt(s.failed, 0u);
	cr_expect_eq(s.refused, 0u);
}

static int gone_for_2(const struct received *r, size_t count)
{
	(void)count;
	return strcmp(r->id, "hazard-2-1") ? 200 : 410;
}

Test(outbox, what_is_refused_for_good_is_kept_and_the_rest_goes_on)
{
	city.judge = gone_for_2;
	open_box(true);
	six_steps();
	receiver_await(&city, 5, true);
	await_empty();
	expect_ids("hazard-1-1 hazard-3-1 hazard-1-2 hazard-2-2 hazard-3-2");
	struct outbox_state s;
	outbox_state(box, 0, &s);
	cr_expect_eq(s.refused, 1u);
	struct buf why = buf_init(256), room = buf_init(1 << 20);
	struct outbox_news n;
	struct outbox_key key = outbox_key_at(OUTBOX_PARKED, hash64(span_of_string("city")), 2);
	cr_assert_eq(store_get(d.store, STORE_OUTBOX, outbox_key_view(&key), &why), STATUS_OK);
	cr_expect(span_equal(buf_view(&why), span_of_string("HTTP 410")));
	cr_assert_eq(outbox_item_get(d.store, 2, &room, &n), STATUS_OK);
	cr_expect_str_eq(n.id, "hazard-2-1");
	cr_expect_eq(outbox_item_get(d.store, 3, &room, &n), STATUS_NOT_FOUND, "what was sent is gone");
	buf_deinit(&why);
	buf_deinit(&room);
}

/* The receiver has it, and the connection breaks before it can say so: sent again under the same id. */
static int breaks_first(const struct received *r, size_t count)
{
	(void)r;
	return count == 0 ? 0 : 200;
}

Test(outbox, what_may_not_have_arrived_is_sent_again_under_its_id)
{
	city.judge = breaks_first;
	open_box(true);
	desk_find(&d, FIELDS);
	receiver_await(&city, 2, false);
	await_empty();
	cr_expect_str_eq(city.all[0].id, "hazard-1-1");
	cr_expect_str_eq(city.all[1].id, "hazard-1-1");
	cr_expect_str_eq(city.all[0].body, city.all[1].body);
}

Test(outbox, a_receiver_that_is_silent_is_left_and_holds_up_no_end)
{
	atomic_store(&city.silent, true);
	open_box(true);
	desk_find(&d, FIELDS);
	while (!pending())
		usleep(2000);
	outbox_free(box); /* in the middle of the try */
	atomic_store(&city.silent, false);
	open_box(true);
	receiver_await(&city, 1, true);
	await_empty();
	expect_ids("hazard-1-1");
}

Test(outbox, a_full_one_takes_nothing_more_and_loses_nothing)
{
	pending_max = 4;
	open_box(false);
	six_steps();
	cr_expect_eq(outbox_take(box), STATUS_FULL);
	cr_expect(outbox_is_full(box));
	cr_expect_eq(pending(), 4u);
	struct buf text = buf_init(1 << 16);
	cr_assert_eq(outbox_metrics(box, &text), STATUS_OK);
	cr_assert_eq(buf_append_u8(&text, 0), STATUS_OK);
	cr_expect(strstr((char *)text.data, "\nzayton_outbox_full 1\n"));
	cr_expect(strstr((char *)text.data, "\nzayton_outbox_pending{destination=\"city\"} 4\n"));
	buf_deinit(&text);
	cr_assert_eq(outbox_start(box), STATUS_OK);
	receiver_await(&city, 6, true);
	await_empty();
	expect_ids(six);
	while (outbox_is_full(box))
		usleep(2000);
}

/* --- parked, and sent again by hand --- */

static atomic_bool ill_with_2;

static int ill(const struct received *r, size_t count)
{
	(void)count;
	return atomic_load(&ill_with_2) && !strncmp(r->id, "hazard-2-", 9) ? 503 : 200;
}

struct parked {
	char text[1024];
	uint64_t last;
};

static enum status note_parked(void *context, const struct outbox_parked *p)
{
	struct parked *k = context;
	size_t n = strlen(k->text);
	cr_expect(strstr((const char *)p->body.data, p->id) != NULL);
	snprintf(k->text + n, sizeof k->text - n, "%s: %.*s\n", p->id, (int)p->why.size, (const char *)p->why.data);
	k->last = p->item;
	return STATUS_OK;
}

static void expect_parked(const char *wanted)
{
	struct parked k = {"", 0};
	struct outbox_state s;
	cr_assert_eq(outbox_parked_list(box, "city", 0, note_parked, &k), STATUS_OK);
	cr_expect_str_eq(k.text, wanted);
	outbox_state(box, 0, &s);
	size_t rows = 0;
	for (const char *c = k.text; *c; c++)
		rows += *c == '\n';
	cr_expect_eq(s.kept, rows);
	cr_expect_eq(outbox_parked_list(box, "city", k.last, note_parked, &k), STATUS_OK);
	cr_expect_str_eq(k.text, wanted, "nothing is behind the last");
}

static const char both[] = "hazard-2-1: gave up: HTTP 503\nhazard-2-2: gave up: HTTP 503\n";

static void park_two(void)
{
	give_up_ms = 30;
	atomic_store(&ill_with_2, true);
	city.judge = ill;
	open_box(false);
	six_steps();
	cr_assert_eq(outbox_take(box), STATUS_OK);
	cr_assert_eq(outbox_start(box), STATUS_OK);
	await_empty();
}

Test(outbox, what_is_not_taken_in_time_is_parked_and_sent_again_by_hand)
{
	size_t again = 0;
	park_two();
	expect_ids("hazard-1-1 hazard-3-1 hazard-1-2 hazard-3-2");
	expect_parked(both);
	struct outbox_state s;
	outbox_state(box, 0, &s);
	cr_expect_eq(s.parked, 2u);
	cr_expect_eq(s.refused, 0u);
	outbox_free(box); /* they are still there after a restart */
	desk_reopen(&d);
	give_up_ms = OUTBOX_GIVE_UP_MS;
	open_box(true);
	expect_parked(both);
	atomic_store(&ill_with_2, false);
	cr_expect_eq(outbox_send_again(box, "village", 0, &again), STATUS_NOT_FOUND);
	cr_expect_eq(outbox_send_again(box, "city", 1, &again), STATUS_NOT_FOUND);
	cr_expect_eq(again, 0u);
	cr_assert_eq(outbox_send_again(box, "city", 0, &again), STATUS_OK);
	cr_expect_eq(again, 2u);
	receiver_await(&city, 6, true);
	await_empty();
	expect_ids("hazard-1-1 hazard-3-1 hazard-1-2 hazard-3-2 hazard-2-1 hazard-2-2");
	expect_parked("");
	struct buf room = buf_init(1 << 20);
	struct outbox_news n;
	cr_expect_eq(outbox_item_get(d.store, 2, &room, &n), STATUS_NOT_FOUND, "what was sent is gone");
	buf_deinit(&room);
}

Test(outbox, what_is_sent_again_in_vain_is_parked_again)
{
	size_t again;
	park_two();
	cr_assert_eq(outbox_send_again(box, "city", 2, &again), STATUS_OK);
	cr_expect_eq(again, 1u);
	await_empty();
	expect_parked(both);
}

static int closes_on_2(const struct received *r, size_t count)
{
	(void)count;
	return strncmp(r->id, "hazard-2-", 9) ? 200 : 0;
}

/* Nobody there says nothing about the news: it waits for as long as that takes. */
Test(outbox, what_nobody_answered_is_never_given_up)
{
	give_up_ms = 1;
	city.judge = closes_on_2;
	open_box(true);
	six_steps();
	receiver_await(&city, 12, false);
	expect_parked("");
	cr_expect_gt(pending(), 0u);
}

Test(outbox, what_waits_for_a_destination_that_is_no_more_goes)
{
	open_box(false);
	desk_find(&d, FIELDS);
	cr_assert_eq(outbox_take(box), STATUS_OK);
	cr_expect_eq(pending(), 1u);
	outbox_free(box);
	struct outbox_options o = outbox_options_default(d.store, d.register_, NULL);
	struct outbox_config *c = config_of("");
	strcpy(c->items[0].name, "county");
	cr_assert_eq(outbox_open(&o, c, &box), STATUS_OK);
	cr_expect_eq(pending(), 0u);
	struct buf room = buf_init(1 << 20);
	struct outbox_news n;
	cr_expect_eq(outbox_item_get(d.store, 1, &room, &n), STATUS_NOT_FOUND);
	buf_deinit(&room);
}

Test(outbox, a_destination_gets_what_it_asked_for)
{
	struct outbox_options o = outbox_options_default(d.store, d.register_, NULL);
	cr_assert_eq(
		outbox_open(&o, config_of(",\"hazards\":{\"steps\":[\"register\"],\"grades\":[\"general\"]}"), &box),
		STATUS_OK);
	six_steps();
	cr_assert_eq(outbox_take(box), STATUS_OK);
	cr_expect_eq(pending(), 3u);
}

/* --- killed between any two steps --- */

#ifdef ZAYTON_CRASH_POINTS
static void expect_whole_after(const char *point)
{
	int fds[2], code;
	char dir[sizeof d.dir] = "";
	cr_assert_eq(pipe(fds), 0);
	pid_t pid = fork();
	if (!pid) {
		close(fds[0]);
		setenv("ZAYTON_CRASH", point, 1);
		desk_open(&d);
		if (write(fds[1], d.dir, sizeof d.dir) != sizeof d.dir)
			_exit(4);
		open_box(false);
		six_steps();
		cr_assert_eq(outbox_take(box), STATUS_OK);
		cr_assert_eq(outbox_start(box), STATUS_OK);
		await_empty();
		_exit(0);
	}
	close(fds[1]);
	cr_assert_eq(read(fds[0], dir, sizeof dir), (ssize_t)sizeof dir);
	close(fds[0]);
	cr_assert_eq(waitpid(pid, &code, 0), pid);
	cr_expect(WIFSIGNALED(code) && WTERMSIG(code) == SIGKILL, "%s was not passed: %d", point, code);
	struct store_options o = {.dir = dir};
	struct hazard_policy law = hazard_policy_default();
	memcpy(d.dir, dir, sizeof dir);
	cr_assert_eq(store_open(&o, &d.store), STATUS_OK);
	cr_assert_eq(hazards_open(d.store, &law, &d.register_), STATUS_OK);
	open_box(true);
	uint64_t steps = hazards_sequence(d.register_);
	receiver_await(&city, steps, true);
	await_empty();
	char seen[4096];
	ids(seen, sizeof seen);
	cr_expect_str_eq(seen, six, "%s", point);
	outbox_free(box);
	desk_close(&d);
	receiver_forget(&city);
}

static void begin_without_store(void)
{
	log_set_level(LOG_OFF);
	signal(SIGPIPE, SIG_IGN);
	int fd = mkstemp(key_path);
	cr_assert_eq(write(fd, KEY, strlen(KEY)), (ssize_t)strlen(KEY));
	close(fd);
	receiver_open(&city, false);
}

static void end_without_store(void)
{
	receiver_close(&city);
	unlink(key_path);
}

Test(outbox_crash, before_the_batch, .init = begin_without_store, .fini = end_without_store, .timeout = 60)
{
	expect_whole_after("outbox_take:1");
}
Test(outbox_crash, behind_the_batch, .init = begin_without_store, .fini = end_without_store, .timeout = 60)
{
	expect_whole_after("outbox_taken:1");
}
Test(outbox_crash, between_sending_and_crossing_out, .init = begin_without_store, .fini = end_without_store,
     .timeout = 60)
{
	expect_whole_after("outbox_sent:3");
	cr_expect_eq(city.count, 0u);
}

/* A child that is full and sends, killed by the parent when so many have come, again and again, until all is through.
 */
static pid_t child_full(bool first, char dir[sizeof d.dir])
{
	int fds[2];
	cr_assert_eq(pipe(fds), 0);
	pid_t pid = fork();
	if (!pid) {
		close(fds[0]);
		pending_max = 4;
		if (first) {
			desk_open(&d);
		} else {
			struct store_options o = {.dir = dir};
			struct hazard_policy law = hazard_policy_default();
			if (store_open(&o, &d.store) || hazards_open(d.store, &law, &d.register_))
				_exit(5);
		}
		open_box(false);
		if (first) {
			six_steps();
			if (outbox_take(box) != STATUS_FULL || pending() != 4)
				_exit(6);
		}
		if (first && write(fds[1], d.dir, sizeof d.dir) != sizeof d.dir)
			_exit(4);
		if (outbox_start(box))
			_exit(7);
		for (;;)
			pause();
	}
	close(fds[1]);
	if (first)
		cr_assert_eq(read(fds[0], dir, sizeof d.dir), (ssize_t)sizeof d.dir);
	close(fds[0]);
	return pid;
}

static void expect_one_body_per_id(void)
{
	for (size_t i = 0; i < city.count; i++)
		for (size_t k = 0; k < i; k++)
			if (!strcmp(city.all[i].id, city.all[k].id))
				cr_expect_str_eq(city.all[i].body, city.all[k].body);
}

/* The first try is not answered well, so that there are duplicates to look at. */
static int every_second(const struct received *r, size_t count)
{
	(void)r;
	return count % 2 ? 200 : 503;
}

Test(outbox_crash, a_full_one_killed_again_and_again_loses_nothing, .init = begin_without_store,
     .fini = end_without_store, .timeout = 120)
{
	char dir[sizeof d.dir] = "";
	city.judge = every_second;
	for (size_t wanted = 1; wanted <= 6; wanted++) {
		int code;
		pid_t pid = child_full(wanted == 1, dir);
		receiver_await(&city, wanted, true);
		kill(pid, SIGKILL);
		cr_assert_eq(waitpid(pid, &code, 0), pid);
		cr_assert(WIFSIGNALED(code) && WTERMSIG(code) == SIGKILL, "child ended by itself: %x", (unsigned)code);
	}
	struct store_options o = {.dir = dir};
	struct hazard_policy law = hazard_policy_default();
	memcpy(d.dir, dir, sizeof dir);
	cr_assert_eq(store_open(&o, &d.store), STATUS_OK);
	cr_assert_eq(hazards_open(d.store, &law, &d.register_), STATUS_OK);
	pending_max = 4;
	open_box(false);
	while (outbox_take(box) == STATUS_FULL && !pending())
		;
	cr_assert_eq(outbox_start(box), STATUS_OK);
	while (outbox_is_full(box))
		usleep(2000);
	await_empty();
	expect_one_body_per_id();
	for (unsigned hazard = 1; hazard <= 3; hazard++)
		for (unsigned step = 1; step <= 2; step++) {
			char id[32];
			size_t k = 0;
			snprintf(id, sizeof id, "hazard-%u-%u", hazard, step);
			while (k < city.count && (!city.all[k].accepted || strcmp(city.all[k].id, id) != 0))
				k++;
			cr_expect_lt(k, city.count, "%s never came", id);
		}
	outbox_free(box);
	desk_close(&d);
	receiver_forget(&city);
}
#endif

/* --- the file --- */

static size_t mistakes;
static char told[1024];

static void note(void *context, const char *path, const char *text)
{
	(void)context;
	mistakes++;
	size_t n = strlen(told);
	snprintf(told + n, sizeof told - n, "%s %s\n", path, text);
}

static void expect_mistake(const char *text, const char *part)
{
	struct outbox_config *c;
	mistakes = 0;
	told[0] = '\0';
	cr_expect_eq(outbox_config_parse(span_of_string(text), note, NULL, &c), STATUS_MALFORMED, "%s", text);
	cr_expect(strstr(told, part), "%s: %s", text, told);
}

Test(outbox_config, every_mistake_is_told_with_its_place)
{
	expect_mistake("{", "line");
	expect_mistake("[]", "destinations");
	expect_mistake("{\"destinations\":[7]}", "destinations[0] is no object");
	expect_mistake("{\"destinations\":[{\"name\":\"a\",\"kind\":\"fax\"}]}", "destinations[0].kind");
	expect_mistake("{\"destinations\":[{\"name\":\"a\",\"kind\":\"webhook\",\"url\":\"ftp://x\"}]}",
		       "destinations[0].url begins with http");
	expect_mistake("{\"destinations\":[{\"name\":\"a\",\"kind\":\"webhook\",\"url\":\"http://x\"}]}",
		       "destinations[0].secret_file is missing");
	expect_mistake("{\"destinations\":[{\"name\":\"a\",\"kind\":\"mqtt\",\"host\":\"h\",\"topic\":\"a/#\"}]}",
		       "wildcard");
	expect_mistake("{\"destinations\":[{\"name\":\"a\",\"kind\":\"smtp\",\"url\":\"smtp://h\",\"from\":\"a@b\","
		       "\"to\":[\"x\"]}]}",
		       "to has one that is no address");
	expect_mistake(
		"{\"destinations\":[{\"name\":\"a\",\"kind\":\"smtp\",\"url\":\"smtp://h\",\"from\":\"a@b\\r\\nX\","
		"\"to\":[\"x@y\"]}]}",
		"from has control characters");
	expect_mistake(
		"{\"destinations\":[{\"name\":\"a\",\"kind\":\"mqtt\",\"host\":\"h\",\"topic\":\"t\",\"hazards\":{"
		"\"steps\":[\"jump\"]}}]}",
		"hazards.steps has a word that is none");
	expect_mistake(
		"{\"destinations\":[{\"name\":\"a\",\"kind\":\"mqtt\",\"host\":\"h\",\"topic\":\"t\",\"findings\":{"
		"}}]}",
		"findings.events is no list");
	expect_mistake("{\"destinations\":[{\"name\":\"a\",\"kind\":\"mqtt\",\"host\":\"h\",\"topic\":\"t\"},"
		       "{\"name\":\"a\",\"kind\":\"mqtt\",\"host\":\"h\",\"topic\":\"t\",\"colour\":1}]}",
		       "destinations[1].name is taken");
	cr_expect(strstr(told, "destinations[1].colour is not known"));
}

Test(outbox_config, a_good_one_is_read)
{
	struct outbox_config *c;
	const char *text =
		"{\"destinations\":[{\"name\":\"bus\",\"kind\":\"mqtt\",\"host\":\"10.0.0.7\",\"topic\":\"t\","
		"\"findings\":{\"events\":[\"raised\"],\"rules\":[\"overspeed-muck\"]}}]}";
	cr_assert_eq(outbox_config_parse(span_of_string(text), note, NULL, &c), STATUS_OK, "%s", told);
	cr_expect_eq(c->items[0].port, 1883u);
	cr_expect_eq(c->items[0].steps, 0u);
	cr_expect_eq(c->items[0].case_events, 1u << 1);
	cr_expect_str_eq(c->items[0].rules[0], "overspeed-muck");
	free(c);
}

Test(outbox_sign, the_stamp_is_signed_too)
{
	char a[OUTBOX_SIGNATURE_MAX], b[OUTBOX_SIGNATURE_MAX], c[OUTBOX_SIGNATURE_MAX];
	cr_assert_eq(outbox_sign(span_of_string("Jefe"), 7, span_of_string("what"), a), STATUS_OK);
	cr_assert_eq(outbox_sign(span_of_string("Jefe"), 8, span_of_string("what"), b), STATUS_OK);
	cr_assert_eq(outbox_sign(span_of_string("Jefe"), 7, span_of_string("whatever"), c), STATUS_OK);
	cr_expect(!strncmp(a, "t=7,v1=", 7) && strlen(a) == 7 + 64);
	cr_expect(strcmp(a + 7, b + 7) && strcmp(a + 7, c + 7));
}
