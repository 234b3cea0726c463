#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/core/settings.h"
#include "engine/series/device_class.h"

static struct settings s;
static struct buf mistakes;

static void begin(void)
{
	settings_init(&s);
	mistakes = buf_init(SETTINGS_MISTAKES_MAX);
}

static void end(void)
{
	buf_deinit(&mistakes);
}

TestSuite(settings, .init = begin, .fini = end);

static enum status set(const char *name, const char *value)
{
	return settings_set(&s, span_of_string(name), span_of_string(value),
			    (struct setting_origin){SETTING_FROM_FLAG, 0});
}

static enum status read_text(const char *text)
{
	return settings_from_text(&s, "z.conf", span_of_string(text), &mistakes);
}

static void assert_told(const char *wanted)
{
	cr_assert_eq(buf_append_u8(&mistakes, 0), STATUS_OK);
	cr_assert_str_eq((const char *)mistakes.data, wanted);
}

Test(settings, defaults_are_synced_acknowledgements_on_loopback_for_known_terminals)
{
	char host[SETTINGS_HOST_MAX];
	uint16_t port;
	cr_assert_eq(s.durability, SETTINGS_DURABILITY_SYNC);
	cr_assert_eq(s.terminals, SETTINGS_TERMINALS_ALLOW);
	cr_assert(s.auth_required);
	cr_assert_eq(s.gather_us, 1000);
	cr_assert_eq(s.head_bytes_max, 512 * SETTINGS_MIB);
	cr_assert_eq(settings_address(s.jt808_tcp, host, &port), STATUS_OK);
	cr_assert(settings_host_is_loopback(host));
	cr_assert_eq(settings_address(s.http, host, &port), STATUS_OK);
	cr_assert(settings_host_is_loopback(host));
	cr_assert_eq(settings_address(s.jt808_udp, host, &port), STATUS_EMPTY);
}

Test(settings, keep_every_class_for_its_months)
{
#define X(code, NAME, token, chinese, months)                                                                          \
	cr_assert_eq(settings_retention_months(&s, token), (unsigned)(months), token);
	DEVICE_CLASS_TABLE(X)
#undef X
	cr_assert_eq(settings_retention_months(&s, "hovercraft"), 0);
	cr_assert_eq(set("retention_muck", "5"), STATUS_OUT_OF_RANGE, "the law wants six");
	cr_assert_eq(set("retention_muck", "24"), STATUS_OK);
	cr_assert_eq(settings_retention_months(&s, "muck"), 24);
}

Test(settings, numbers_are_digits_within_their_range)
{
	cr_assert_eq(set("shards", "64"), STATUS_OK);
	cr_assert_eq(s.shards, 64);
	cr_assert_eq(set("shards", "65"), STATUS_OUT_OF_RANGE);
	cr_assert_eq(set("shards", "99999999999999999999"), STATUS_OUT_OF_RANGE);
	static const char *const bad[] = {"", "-1", "+1", "1.5", "0x10", "4 loops", "4K"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		cr_assert_eq(set("shards", bad[i]), STATUS_MALFORMED, "%s", bad[i]);
	cr_assert_eq(s.shards, 64, "what is refused changes nothing");
}

Test(settings, sizes_take_powers_of_1024)
{
	static const char *const same[] = {"1G",    "1g",       "1 GiB",      "1GB",
					   "1024M", "1048576K", "1073741824", "1073741824B"};
	for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
		s.cache_bytes = 0;
		cr_assert_eq(set("cache_bytes", same[i]), STATUS_OK, "%s", same[i]);
		cr_assert_eq(s.cache_bytes, SETTINGS_GIB, "%s", same[i]);
	}
	cr_assert_eq(set("cache_bytes", "1X"), STATUS_MALFORMED);
	cr_assert_eq(set("cache_bytes", "1KiBs"), STATUS_MALFORMED);
	cr_assert_eq(set("cache_bytes", "99999999999T"), STATUS_OUT_OF_RANGE);
	cr_assert_eq(set("cache_bytes", "1K"), STATUS_OUT_OF_RANGE);
}

Test(settings, durations_take_units_and_are_whole)
{
	cr_assert_eq(set("heartbeat_timeout", "90"), STATUS_OK);
	cr_assert_eq(s.heartbeat_timeout_s, 90);
	cr_assert_eq(set("heartbeat_timeout", "2m"), STATUS_OK);
	cr_assert_eq(s.heartbeat_timeout_s, 120);
	cr_assert_eq(set("heartbeat_timeout", "1 d"), STATUS_OK);
	cr_assert_eq(s.heartbeat_timeout_s, 86400);
	cr_assert_eq(set("heartbeat_timeout", "90500ms"), STATUS_MALFORMED);
	cr_assert_eq(set("heartbeat_timeout", "2y"), STATUS_MALFORMED);
	cr_assert_eq(set("heartbeat_timeout", "9s"), STATUS_OUT_OF_RANGE);
	cr_assert_eq(set("gather", "2ms"), STATUS_OK);
	cr_assert_eq(s.gather_us, 2000);
}

Test(settings, durability_may_name_its_interval)
{
	cr_assert_eq(set("durability", "interval=50ms"), STATUS_OK);
	cr_assert_eq(s.durability, SETTINGS_DURABILITY_INTERVAL);
	cr_assert_eq(s.durability_interval_ms, 50);
	cr_assert_eq(set("durability", "interval=0"), STATUS_OUT_OF_RANGE);
	cr_assert_eq(set("durability", "interval="), STATUS_MALFORMED);
	cr_assert_eq(set("durability", "os"), STATUS_OK);
	cr_assert_eq(s.durability, SETTINGS_DURABILITY_OS);
	cr_assert_eq(set("durability", "o"), STATUS_MALFORMED);
}

Test(settings, addresses_are_numbers_with_a_port)
{
	char host[SETTINGS_HOST_MAX];
	uint16_t port = 0;
	cr_assert_eq(settings_address("0.0.0.0:6808", host, &port), STATUS_OK);
	cr_assert_str_eq(host, "0.0.0.0");
	cr_assert_eq(port, 6808);
	cr_assert_not(settings_host_is_loopback(host));
	cr_assert_eq(settings_address("[::1]:0", host, &port), STATUS_OK);
	cr_assert_str_eq(host, "::1");
	cr_assert_eq(port, 0);
	cr_assert(settings_host_is_loopback(host));
	static const char *const bad[] = {
		"",       ":80",   "localhost:80", "127.0.0.1", "127.0.0.1:",   "127.0.0.1:65536",
		"::1:80", "[::1]", "[::1:80",      "]:80",      "127.0.0.1:8 ", "[127.0.0.1]:80"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		cr_assert_eq(settings_address(bad[i], host, &port), STATUS_MALFORMED, "%s", bad[i]);
		cr_assert_eq(set("http", bad[i]), STATUS_MALFORMED, "%s", bad[i]);
	}
}

Test(settings, text_is_printable_and_bounded)
{
	char text[SETTINGS_TEXT_MAX + 2];
	memset(text, 'x', sizeof text);
	text[SETTINGS_TEXT_MAX + 1] = '\0';
	cr_assert_eq(set("data_dir", text), STATUS_TOO_LONG);
	text[SETTINGS_TEXT_MAX] = '\0';
	cr_assert_eq(set("data_dir", text), STATUS_OK);
	cr_assert_eq(set("data_dir", "/srv/\xff"), STATUS_MALFORMED);
	cr_assert_eq(set("data_dir", "/srv/a\nb"), STATUS_MALFORMED);
	cr_assert_eq(set("data_dir", ""), STATUS_OUT_OF_RANGE);
	cr_assert_eq(set("data_dir", "/数据/刺桐"), STATUS_OK);
	cr_assert_str_eq(s.data_dir, "/数据/刺桐");
}

Test(settings, a_file_is_lines_of_name_and_value)
{
	cr_assert_eq(read_text("\xef\xbb\xbf# head\r\n\r\n  shards=3 # three\r\nlog-level =\tdebug\n"
			       "data_dir = \"/a # b\"   # quoted\n#\ntls_cert = /c#d\ntls_key ="),
		     STATUS_OK);
	cr_assert_eq(mistakes.size, 0);
	cr_assert_eq(s.shards, 3);
	cr_assert_str_eq(s.data_dir, "/a # b");
	cr_assert_str_eq(s.tls_cert, "/c#d");
	cr_assert_eq(s.origin[SETTING_data_dir].source, SETTING_FROM_FILE);
	cr_assert_eq(s.origin[SETTING_data_dir].line, 5);
	cr_assert_eq(s.origin[SETTING_http].source, SETTING_FROM_DEFAULT);
}

Test(settings, every_mistake_of_a_file_is_told_on_its_line)
{
	cr_assert_eq(read_text("shards = 900\nprot = 1\nshards = 2\nnonsense\ngather = soon\nshards = 3\n"
			       "auth_required = maybe\ndata_dir = \"open\nlog_level = loud\n"),
		     STATUS_INVALID);
	assert_told("z.conf:1: shards: '900' is not within 0..64\n"
		    "z.conf:2: 'prot': no such setting\n"
		    "z.conf:4: neither `name = value` nor a comment\n"
		    "z.conf:5: gather: 'soon' is not within 0us..100ms\n"
		    "z.conf:6: shards: already set on line 3\n"
		    "z.conf:7: auth_required: 'maybe' is not yes or no\n"
		    "z.conf:8: a quoted value must end with its quote\n"
		    "z.conf:9: log_level: 'loud' is not debug|info|warn|error|off\n");
	cr_assert_eq(s.shards, 2, "the good lines are taken");
}

Test(settings, environment_and_flags_override_in_their_order)
{
	char *environment[] = {"ZAYTON_SHARDS=5", "ZAYTON_POOL_THREADS=6", "ZAYTON_SERVICE_HOST=10.0.0.1", "HOME=/",
			       NULL};
	char *flags[] = {"--shards", "7", "--auth-required", "--terminals=open"};
	cr_assert_eq(read_text("shards = 3\npool_threads = 3\nconnections_max = 3\n"), STATUS_OK);
	cr_assert_eq(settings_from_environment(&s, environment, &mistakes), STATUS_OK);
	cr_assert_eq(settings_from_flags(&s, 4, flags, &mistakes), STATUS_OK);
	cr_assert_eq(s.connections_max, 3);
	cr_assert_eq(s.pool_threads, 6);
	cr_assert_eq(s.shards, 7);
	cr_assert(s.auth_required);
	cr_assert_eq(s.terminals, SETTINGS_TERMINALS_OPEN);
	cr_assert_eq(s.origin[SETTING_pool_threads].source, SETTING_FROM_ENVIRONMENT);
	cr_assert_eq(s.origin[SETTING_shards].source, SETTING_FROM_FLAG);
}

Test(settings, every_mistake_of_every_source_is_told_at_once)
{
	char path[] = "/tmp/zayton-settings-XXXXXX";
	int file = mkstemp(path);
	cr_assert(file >= 0 && write(file, "shards = x\n", 11) == 11);
	close(file);
	char *environment[] = {"ZAYTON_GATHER=x", NULL};
	char *flags[] = {"--settings", path, "serve", "--prot", "1", "--http", "--tls-key=k"};
	char wanted[512];
	snprintf(wanted, sizeof wanted,
		 "%s:1: shards: 'x' is not within 0..64\n"
		 "ZAYTON_GATHER: gather: 'x' is not within 0us..100ms\n"
		 "'serve': not a flag (--name value)\n"
		 "--'prot': no such setting\n"
		 "--http: a value is missing\n"
		 "tls_cert and tls_key: one is set without the other\n",
		 path);
	cr_assert_eq(settings_load(&s, 7, flags, environment, &mistakes), STATUS_INVALID);
	assert_told(wanted);
	cr_assert_str_eq(s.file, path);
	unlink(path);
}

Test(settings, mistakes_are_told_in_the_language_of_the_environment)
{
	char *environment[] = {"LANG=zh_CN.UTF-8", "ZAYTON_GATHER=x", NULL};
	char *flags[] = {"--shards", "900", "serve", "--prot", "1", "--http"};
	cr_assert_eq(settings_load(&s, 6, flags, environment, &mistakes), STATUS_INVALID);
	assert_told("ZAYTON_GATHER: gather: 'x' 不在 0us..100ms 之内\n"
		    "--shards: '900' 不在 0..64 之内\n"
		    "'serve': 不是选项 (--名 值)\n"
		    "--'prot': 没有这个设置项\n"
		    "--http: 缺少值\n");
}

Test(settings, a_file_that_is_not_there_is_a_mistake)
{
	char *environment[] = {"ZAYTON_SETTINGS=/nowhere/z.conf", NULL};
	cr_assert_eq(settings_load(&s, 0, NULL, environment, &mistakes), STATUS_INVALID);
	assert_told("/nowhere/z.conf: No such file or directory\n");
}

Test(settings, what_is_in_force_reads_back_the_same)
{
	struct buf dump = buf_init(1 << 20), again = buf_init(1 << 20);
	cr_assert_eq(set("durability", "interval=1500ms"), STATUS_OK);
	cr_assert_eq(set("data_dir", " a # b "), STATUS_OK);
	cr_assert_eq(set("gather", "0"), STATUS_OK);
	cr_assert_eq(settings_dump(&s, &dump), STATUS_OK);
	settings_init(&s);
	cr_assert_eq(settings_from_text(&s, "dump", span_of(dump.data, dump.size), &mistakes), STATUS_OK);
	cr_assert_eq(s.durability_interval_ms, 1500);
	cr_assert_str_eq(s.data_dir, " a # b ");
	cr_assert_eq(s.gather_us, 0);
	cr_assert_eq(settings_dump(&s, &again), STATUS_OK);
	cr_assert_eq(buf_append_u8(&again, 0), STATUS_OK);
	cr_assert(strstr((char *)again.data, "durability_interval = 1500ms  # file line "));
	buf_deinit(&dump);
	buf_deinit(&again);
}

Test(settings, help_names_every_row_in_both_languages)
{
	struct buf help = buf_init(1 << 20);
	cr_assert_eq(settings_help(&help), STATUS_OK);
	cr_assert_eq(buf_append_u8(&help, 0), STATUS_OK);
#define X(kind, field, name, initial, min, max, unit, english, chinese)                                                \
	cr_assert(strstr((char *)help.data, "--" name " ") && strstr((char *)help.data, english) &&                    \
		  strstr((char *)help.data, chinese));
	SETTINGS_TABLE(X)
#undef X
	cr_assert(strstr((char *)help.data, "127.0.0.1"));
	buf_deinit(&help);
}
