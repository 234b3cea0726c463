#include <criterion/criterion.h>
#include <stdlib.h>

#include "ingest/stations/stations_file.h"

static struct stations_config *config;
static struct buf mistakes;

static void setup(void)
{
	config = malloc(sizeof *config);
	mistakes = buf_init(STATIONS_MISTAKES_MAX);
}
static void teardown(void)
{
	free(config);
	buf_deinit(&mistakes);
}
TestSuite(stations_file, .init = setup, .fini = teardown);

static enum status parse(const char *text)
{
	enum status status = stations_parse("s", span_of_string(text), config, &mistakes);
	cr_assert_eq(buf_append_u8(&mistakes, '\0'), STATUS_OK);
	return status;
}

Test(stations_file, every_transport_and_setting)
{
	cr_assert_eq(parse("# receivers\n"
			   "mast  tcp 10.1.0.5:4001\r\n"
			   "bay   udp 239.192.0.4:60004 interface=10.1.0.1\n"
			   "hall\ttcp-listen [::1]:7001 codec=acme time=local unknown=allow waa=to\n"
			   "boat7 tcp 10.1.0.9:10110 own=boat7 rollover=shift\n"
			   "old   file /var/ais/2026.log\n"
			   "codec acme big lat=0:4:e6 lon=4:4:e6\n"),
		     STATUS_OK, "%s", mistakes.data);
	cr_assert_eq(config->count, 5);
	cr_assert_eq(config->list[0].port, 4001);
	cr_assert_not(config->list[0].allow_only);
	cr_assert(config->list[0].rdss.waa_from);
	cr_assert_str_eq(config->list[1].interface, "10.1.0.1");
	cr_assert_str_eq(config->list[2].host, "::1");
	cr_assert_eq(config->list[2].codec, 0, "a codec may stand behind who asks for it");
	cr_assert(config->list[2].allow_only && config->list[2].rdss.time_is_local && !config->list[2].rdss.waa_from);
	cr_assert_str_eq(config->list[3].own, "boat7");
	cr_assert(config->list[3].nmea.shift_rollover);
	cr_assert_eq(config->list[4].transport, STATION_FILE);
}

Test(stations_file, every_mistake_at_its_line)
{
	static const char *const told[] = {
		"s:1: ", "\"serial\"",    "s:2: ", "\"10.1.0.5\"",          "s:3: ",  "\"mast!\"",
		"s:5: ", "came before",   "s:6: ", "\"colour=red\"",        "s:7: ",  "lat=0:9:e6",
		"s:8: ", "no such codec", "s:9: ", "\"interface=1.2.3.4\"", "s:10: ", "\"localhost:1\""};
	cr_assert_eq(
		parse("a serial /dev/ttyS0\nb tcp 10.1.0.5\nmast! udp 1.2.3.4:1\nc udp 1.2.3.4:1\nc udp 1.2.3.4:2\n"
		      "d udp 1.2.3.4:1 colour=red\ncodec x big lat=0:9:e6 lon=4:4:e6\ne udp 1.2.3.4:9 codec=none\n"
		      "f tcp 1.2.3.4:9 interface=1.2.3.4\ng tcp localhost:1\nh file\n"),
		STATUS_INVALID);
	const char *at = (const char *)mistakes.data;
	for (size_t i = 0; i < sizeof told / sizeof *told; i++) {
		const char *found = strstr((const char *)mistakes.data, told[i]);
		cr_assert_not_null(found, "%s in\n%s", told[i], at);
	}
	cr_assert_null(strstr(at, "s:4: "));
	cr_assert_not_null(strstr(at, "s:11: "));
}
