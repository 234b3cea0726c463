#include <criterion/criterion.h>

#include "ingest/sites/sites_file.h"

static struct sites_config *parse(const char *text)
{
	struct sites_config *c = NULL;
	struct buf mistakes = buf_init(SITES_MISTAKES_MAX);
	enum status status = sites_parse("f", span_of_string(text), &c, &mistakes);
	cr_assert_eq(status, STATUS_OK, "%.*s", (int)mistakes.size, (const char *)mistakes.data);
	buf_deinit(&mistakes);
	return c;
}

static void is_refused(const char *text, const char *at)
{
	struct sites_config *c = NULL;
	struct buf mistakes = buf_init(SITES_MISTAKES_MAX);
	cr_assert_eq(sites_parse("f", span_of_string(text), &c, &mistakes), STATUS_INVALID, "%s", text);
	cr_assert_null(c);
	cr_assert_eq(buf_append_u8(&mistakes, 0), STATUS_OK);
	cr_assert_not_null(strstr((const char *)mistakes.data, at), "%s: %s", text, (const char *)mistakes.data);
	buf_deinit(&mistakes);
}

Test(sites_file, all_it_can_say)
{
	struct sites_config *c = parse(
		"\xef\xbb\xbf# comment\r\nfire gb26875 0.0.0.0:5200 unknown=keep idle=90s\nrain sl651 [::1]:5202 "
		"centre=5\n"
		"device rain 0012345678 B pw=1234\ndevice fire 77 A test=never\ndevice fire 8 C\n"
		"quantity fire device panel unit=x\n"
		"broker iot mqtt.local:8883 client=z-1 user=u password-file=/p ca=/c cert=/t key=/k keepalive=15\n"
		"topic iot tele/+/charger {2} time=$.t each=$.items[3] power=$.p *=$\n");
	cr_expect_eq(c->listener_count, 2);
	cr_expect(c->listeners[0].keep_unknown && c->listeners[0].idle_ms == 90000);
	cr_expect_str_eq(c->listeners[1].host, "::1");
	cr_expect(c->listeners[1].has_centre && c->listeners[1].centre == 5);
	const struct site_device *d = sites_device(c, 0, span_of_string("77"));
	cr_assert_not_null(d);
	cr_expect_str_eq(d->site, "A");
	cr_expect(d->test_ignored);
	cr_expect_null(sites_device(c, 1, span_of_string("77")), "a device belongs to its listener");
	cr_expect_str_eq(sites_device(c, 1, span_of_string("0012345678"))->password, "1234");
	cr_expect_str_eq(sites_quantity(c, 0, span_of_string("device"))->to, "panel");
	cr_expect_eq(c->brokers[0].port, 8883);
	cr_expect_eq(c->brokers[0].keepalive_s, 15);
	const struct topic_config *t = &c->topics[0];
	cr_expect_eq(t->field_count, 2);
	cr_expect_str_eq(t->fields[0].path.steps[0].name, "p");
	cr_expect_eq(t->fields[1].path.count, 0);
	cr_expect(t->has_each && t->each.steps[1].is_index && t->each.steps[1].index == 3);
	sites_config_free(c);
}

Test(sites_file, every_mistake_is_told_at_its_line)
{
	is_refused("\nfire modbus 0.0.0.0:1\n", "f:2:");
	is_refused("fire gb26875 somewhere:1\n", "f:1:");
	is_refused("fire gb26875 0.0.0.0:65536\n", "IP:PORT");
	is_refused("a gb26875 0.0.0.0:1\na hj212 0.0.0.0:2\n", "f:2:");
	is_refused("a gb26875 0.0.0.0:1 centre=3\n", "centre=3");
	is_refused("a gb26875 0.0.0.0:1\ndevice b 1 S\n", "f:2:");
	is_refused("a gb26875 0.0.0.0:1\ndevice a 1\n", "f:2:");
	is_refused("a gb26875 0.0.0.0:1\ndevice a 1 S\ndevice a 1 T\n", "twice");
	is_refused("broker b h:0\n", "HOST:PORT");
	is_refused("broker b h:1\ntopic b t S v=$\n", "time=");
	is_refused("broker b h:1\ntopic b t S time=receipt\n", "no quantity");
	is_refused("broker b h:1\ntopic b t {x} time=receipt v=$\n", "{x}");
	is_refused("broker b h:1\ntopic b t S time=receipt v=a.b\n", "v=a.b");
	is_refused("topic b t S time=receipt v=$\n", "no broker");
}

Test(sites_file, wildcards_match_levels)
{
	cr_expect(topic_matches("a/+/c", "a/b/c"));
	cr_expect_not(topic_matches("a/+/c", "a/b/d/c"));
	cr_expect_not(topic_matches("a/+", "a"));
	cr_expect(topic_matches("a/+", "a/"));
	cr_expect(topic_matches("a/#", "a/b/c"));
	cr_expect(topic_matches("a/#", "a"));
	cr_expect(topic_matches("#", "a/b"));
	cr_expect_not(topic_matches("#", "$SYS/uptime"));
	cr_expect_not(topic_matches("a/b", "a/bc"));
	cr_expect_not(topic_matches("a/b/c", "a/b"));
}
