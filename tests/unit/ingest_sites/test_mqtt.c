/* A subscriber against the real broker: what is acknowledged is durable, what is cut comes again and doubles nothing.
 */
#include <criterion/criterion.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "sites_world.h"
#include "support/mqtt_broker.h"

#define WAIT_S 60

struct scene {
	struct broker broker;
	struct wire wire;
	struct world world;
	struct mosquitto *publisher;
};

static void scene_open(struct scene *s, const char *options)
{
	char text[1024];
	broker_start(&s->broker, false);
	wire_start(&s->wire, s->broker.port);
	snprintf(text, sizeof text,
		 "broker iot 127.0.0.1:%d client=zayton-test %s\n"
		 "topic iot tele/+/charger {2} time=$.ts power=$.p state=$.s\ntopic iot now/# HALL time=receipt v=$\n",
		 s->wire.port, options);
	world_open(&s->world, text, true);
	cr_assert_eq(sites_start_brokers(s->world.sites), STATUS_OK);
	s->publisher = publisher_open(&s->broker);
}

static void scene_close(struct scene *s)
{
	publisher_close(s->publisher);
	sites_stop_brokers(s->world.sites);
	world_close(&s->world);
	wire_stop(&s->wire);
	broker_stop(&s->broker);
}

static unsigned long long metric(struct scene *s, const char *name)
{
	struct buf text = buf_init(1u << 20);
	char wanted[96];
	cr_assert_eq(sites_metrics(s->world.sites, &text), STATUS_OK);
	cr_assert_eq(buf_append_u8(&text, 0), STATUS_OK);
	snprintf(wanted, sizeof wanted, "zayton_mqtt_%s{broker=\"iot\"} ", name);
	const char *at = strstr((char *)text.data, wanted);
	cr_assert_not_null(at, "%s", name);
	unsigned long long n = strtoull(at + strlen(wanted), NULL, 10);
	buf_deinit(&text);
	return n;
}

static void wait_for(struct scene *s, const char *name, unsigned long long n)
{
	for (int tries = 0; metric(s, name) < n; tries++) {
		cr_assert_lt(tries, WAIT_S * 200, "%s: %llu of %llu", name, metric(s, name), n);
		usleep(5000);
	}
}

static void wait_until(const _Atomic unsigned *what, unsigned n)
{
	for (int tries = 0; atomic_load(what) < n; tries++) {
		cr_assert_lt(tries, WAIT_S * 200);
		usleep(5000);
	}
}

static void say(struct scene *s, unsigned n)
{
	char text[96];
	snprintf(text, sizeof text, "{\"ts\":%u,\"p\":%u.5}", 1767225600 + n, n);
	publisher_say(s->publisher, "tele/pile-7/charger", text);
}

/* A subscription is there when something of it comes. */
static void wait_subscribed(struct scene *s)
{
	wait_for(s, "connected_total", 1);
	for (int tries = 0; !metric(s, "values_total"); tries++) {
		cr_assert_lt(tries, WAIT_S * 50);
		publisher_say(s->publisher, "tele/first/charger", "{\"ts\":1767225600,\"p\":1}");
		usleep(20000);
	}
}

/* --- holding the loops: nothing can become durable --- */

static sem_t held, released;

static void hold(void *unused)
{
	(void)unused;
	sem_post(&held);
	while (sem_wait(&released))
		;
}

Test(mqtt, nothing_is_acknowledged_before_it_is_durable)
{
	struct scene s;
	scene_open(&s, "unknown=keep");
	wait_subscribed(&s);
	unsigned long long before = metric(&s, "messages_total");
	wait_until(&s.wire.acknowledged, (unsigned)before);
	sem_init(&held, 0, 0), sem_init(&released, 0, 0);
	for (unsigned i = 0; i < 2; i++)
		cr_assert_eq(shard_post(engine_shard(s.world.engine, i), hold, NULL), STATUS_OK);
	sem_wait(&held), sem_wait(&held);
	say(&s, 1);
	wait_for(&s, "messages_total", before + 1);
	usleep(300000); /* a PUBACK on its way would be here */
	cr_expect_eq(s.wire.acknowledged, before, "acknowledged while nothing can be synced");
	sem_post(&released), sem_post(&released);
	wait_until(&s.wire.acknowledged, (unsigned)before + 1);
	cr_expect_eq(values_of(&s.world, "pile-7", "power"), 1, "and then it is there");
	scene_close(&s);
}

Test(mqtt, a_connection_cut_at_any_step_loses_and_doubles_nothing, .timeout = 300)
{
	struct scene s;
	unsigned said = 0;
	scene_open(&s, "unknown=keep");
	wait_subscribed(&s);
	/* up: CONNECT of 25 bytes, two SUBSCRIBEs to 60, then PUBACKs of 4; down: CONNACK of 4, SUBACKs of 5, then
	 * messages of 50 */
	static const long ups[] = {1, 13, 25, 26, 44, 60, 61, 66, 70, 75},
			  downs[] = {1, 4, 6, 9, 14, 15, 40, 64, 90, 200, 330};
	for (size_t i = 0; i < sizeof ups / sizeof *ups + sizeof downs / sizeof *downs; i++) {
		unsigned cuts = atomic_load(&s.wire.cuts), connections = atomic_load(&s.wire.connections);
		bool up = i < sizeof ups / sizeof *ups;
		long at = up ? ups[i] : downs[i - sizeof ups / sizeof *ups];
		atomic_store(up ? &s.wire.cut_up : &s.wire.cut_down, at);
		/* the connection that stands has no bound: it ends with the broker, which keeps its session */
		broker_again(&s.broker, SIGTERM);
		wait_until(&s.wire.connections, connections + 1);
		publisher_close(s.publisher);
		s.publisher = publisher_open(&s.broker);
		for (int n = 0; n < 8; n++)
			say(&s, ++said);
		wait_until(&s.wire.cuts, cuts + 1);
		atomic_store(&s.wire.cut_up, -1);
		atomic_store(&s.wire.cut_down, -1);
	}
	for (int tries = 0; values_of(&s.world, "pile-7", "power") < said; tries++) {
		cr_assert_lt(tries, WAIT_S * 20, "%zu of %u", values_of(&s.world, "pile-7", "power"), said);
		usleep(50000);
	}
	cr_expect_eq(values_of(&s.world, "pile-7", "power"), said, "once each");
	cr_expect_geq(s.wire.cuts, 21);
	scene_close(&s);
}

Test(mqtt, what_is_refused_is_kept_for_a_look_and_acknowledged)
{
	struct scene s;
	struct engine_stats stats;
	scene_open(&s, "");
	wait_for(&s, "connected_total", 1);
	for (int tries = 0; !metric(&s, "refused_total"); tries++) {
		cr_assert_lt(tries, WAIT_S * 50);
		publisher_say(s.publisher, "tele/pile-7/charger", "{\"ts\":1767225600,\"p\":1}");
		usleep(20000);
	}
	/* messages come in order: behind this one none of those said while the subscription was made is on its way */
	publisher_say(s.publisher, "now/here", "7");
	wait_for(&s, "values_total", 1);
	unsigned long long refused = metric(&s, "refused_total");
	cr_expect_eq(metric(&s, "unknown_total"), refused, "the site is not registered");
	publisher_say(s.publisher, "tele/pile-7/charger", "no json");
	publisher_say(s.publisher, "now/here", "7.25");
	wait_for(&s, "values_total", 2);
	wait_until(&s.wire.acknowledged, (unsigned)refused + 3);
	cr_expect_eq(metric(&s, "refused_total"), refused + 1);
	engine_stats(s.world.engine, &stats);
	cr_expect_eq(stats.quarantined, refused + 1);
	cr_expect_str_eq(last_of(&s.world, "HALL", "v", NULL, NULL), "7.25");
	cr_expect_eq(values_of(&s.world, "pile-7", "power"), 0);
	scene_close(&s);
}

Test(mqtt, over_tls_to_a_broker_that_is_known)
{
	struct broker broker;
	struct world w;
	char text[512];
	broker_start(&broker, true);
	snprintf(text, sizeof text,
		 "broker iot localhost:%d ca=%s/ca.pem client=tls\ntopic iot a SITE time=$.t v=$.v s=$.s\n",
		 broker.port, broker.dir);
	world_open(&w, text, true);
	cr_assert_eq(sites_start_brokers(w.sites), STATUS_OK);
	struct mosquitto *p = publisher_open(&broker);
	for (int tries = 0; !values_of(&w, "SITE", "v"); tries++) {
		cr_assert_lt(tries, WAIT_S * 20);
		publisher_say(p, "a", "{\"t\":\"2026-01-01 08:00:12\",\"v\":1.5,\"s\":\"open\"}");
		usleep(50000);
	}
	int64_t ms;
	cr_expect_str_eq(last_of(&w, "SITE", "v", NULL, &ms), "1.5");
	cr_expect_eq(ms, 1767225612000);
	cr_expect_str_eq(last_of(&w, "SITE", "s", NULL, NULL), "open");
	cr_expect_eq(values_of(&w, "SITE", "v"), 1, "said often, one value");
	publisher_close(p);
	sites_stop_brokers(w.sites);
	world_close(&w);
	broker_stop(&broker);
}
