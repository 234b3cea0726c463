/* The console's files: packed or not, kept or asked for again, under a strict policy. */
#include <criterion/criterion.h>
#include <zlib.h>

#include "query/http/handlers_console.h"
#include "unit/query_http/http_client.h"
#include "unit/query_http/http_rig.h"

#define PAGE "<!doctype html><title>x</title>"
#define SCRIPT_BYTES 200000

static struct http *server;
static uint8_t page_gzip[256], script_gzip[8192];
static char script[SCRIPT_BYTES];
static struct console_asset assets[] = {
	{"/", "text/html; charset=utf-8", "0123", page_gzip, 0, sizeof PAGE - 1},
	{"/assets/x-1.js", "text/javascript; charset=utf-8", "4567", script_gzip, 0, sizeof script},
};
static struct console_options options = {
	.assets = assets, .asset_count = 2, .demo = true, .tiles_url = "", .map_approval = ""};

static size_t pack(const void *data, size_t size, uint8_t *out, size_t room)
{
	z_stream z = {
		.next_in = (Bytef *)(uintptr_t)data, .avail_in = (uInt)size, .next_out = out, .avail_out = (uInt)room};
	cr_assert_eq(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
	cr_assert_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
	deflateEnd(&z);
	return room - z.avail_out;
}

static enum status start(const char *tiles_url)
{
	struct http_options o = http_options_default(NULL);
	options.tiles_url = tiles_url;
	for (size_t i = 0; i < sizeof script; i++)
		script[i] = (char)('a' + i % 26);
	assets[0].gzip_size = pack(PAGE, sizeof PAGE - 1, page_gzip, sizeof page_gzip);
	assets[1].gzip_size = pack(script, sizeof script, script_gzip, sizeof script_gzip);
	cr_assert_eq(http_new(&o, &server), STATUS_OK);
	enum status status = handlers_console_add(server, &options);
	if (!status)
		cr_assert_eq(http_start(server), STATUS_OK);
	return status;
}

static void start_plain(void)
{
	cr_assert_eq(start(""), STATUS_OK);
}

static void finish(void)
{
	http_free(server);
}
TestSuite(console, .init = start_plain, .fini = finish, .timeout = 60);

Test(console, the_page_is_asked_for_again_and_a_named_file_is_kept)
{
	struct answer page = ask(http_port(server), "GET /", "Accept-Encoding: gzip\r\n", NULL);
	struct answer file = ask(http_port(server), "GET /assets/x-1.js", "Accept-Encoding: br, gzip;q=0.5\r\n", NULL);
	cr_expect_eq(page.status, 200);
	cr_expect_str_eq(answer_header(&page, "cache-control"), "no-cache");
	cr_expect_str_eq(answer_header(&page, "content-type"), "text/html; charset=utf-8");
	cr_expect_str_eq(answer_header(&page, "content-encoding"), "gzip");
	cr_expect_eq(page.body.size, assets[0].gzip_size);
	cr_expect_str_eq(answer_header(&file, "cache-control"), "public, max-age=31536000, immutable");
	cr_expect_str_eq(answer_header(&file, "etag"), "\"4567-gzip\"");
	cr_expect_str_eq(answer_header(&file, "content-encoding"), "gzip");
	cr_expect_str_eq(answer_header(&file, "vary"), "accept-encoding");
	cr_expect_arr_eq(file.body.data, script_gzip, assets[1].gzip_size);
	answer_deinit(&page);
	answer_deinit(&file);
}

Test(console, who_does_not_take_gzip_gets_the_file_itself_with_an_etag_of_its_own)
{
	static const char *const refusals[] = {"", "Accept-Encoding: identity\r\n", "Accept-Encoding: gzip;q=0\r\n",
					       "Accept-Encoding: gzip; q=0.000, br\r\n"};
	for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
		struct answer a = ask(http_port(server), "GET /assets/x-1.js", refusals[i], NULL);
		cr_expect_eq(a.status, 200);
		cr_expect_str_eq(answer_header(&a, "content-encoding"), "", "%s", refusals[i]);
		cr_expect_str_eq(answer_header(&a, "etag"), "\"4567\"");
		cr_assert_eq(a.body.size, sizeof script);
		cr_expect_arr_eq(a.body.data, script, sizeof script);
		answer_deinit(&a);
	}
}

Test(console, what_the_client_has_is_not_sent_again)
{
	struct answer same =
		ask(http_port(server), "GET /", "Accept-Encoding: gzip\r\nIf-None-Match: \"0123-gzip\"\r\n", NULL);
	struct answer other = ask(http_port(server), "GET /", "If-None-Match: \"0123-gzip\"\r\n", NULL);
	cr_expect_eq(same.status, 304);
	cr_expect_eq(same.body.size, 0);
	cr_expect_str_eq(answer_header(&same, "etag"), "\"0123-gzip\"");
	cr_expect_eq(other.status, 200, "the other coding is another representation");
	answer_deinit(&same);
	answer_deinit(&other);
}

Test(console, nothing_inline_and_nothing_from_elsewhere_is_let_in)
{
	struct answer a = ask(http_port(server), "GET /", "", NULL);
	const char *policy = answer_header(&a, "content-security-policy");
	cr_expect(strstr(policy, "default-src 'none'; script-src 'self'; style-src 'self'; worker-src 'self'"), "%s",
		  policy);
	cr_expect_not(strstr(policy, "unsafe"), "%s", policy);
	cr_expect_not(strstr(policy, "http"), "%s", policy);
	cr_expect(strstr(policy, "frame-ancestors 'none'"));
	cr_expect_str_eq(answer_header(&a, "x-content-type-options"), "nosniff");
	answer_deinit(&a);
}

Test(console, there_is_nothing_beside_its_files)
{
	static const char *const paths[] = {"GET /assets/x-2.js", "GET /assets/", "GET /assets/../settings",
					    "GET /index.html"};
	for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
		struct answer a = ask(http_port(server), paths[i], "", NULL);
		cr_expect_eq(a.status, 404, "%s: %d", paths[i], a.status);
		answer_deinit(&a);
	}
}

Test(console, it_is_told_of_the_demonstration)
{
	struct answer a = ask(http_port(server), "GET /api/v1/console", "", NULL);
	cr_expect_eq(a.status, 200);
	cr_expect(answer_has(&a, "{\"demo\":true,\"tiles\":null}"));
	answer_deinit(&a);
}

Test(console_tiles, the_operators_tile_server_is_let_in_and_no_other, .fini = finish, .timeout = 60)
{
	cr_assert_eq(start("https://t{s}.example.cn:8443/vec?x={x}&y={y}&l={z}&tk=1"), STATUS_OK);
	struct answer a = ask(http_port(server), "GET /", "", NULL);
	const char *policy = answer_header(&a, "content-security-policy");
	cr_expect(strstr(policy, "img-src 'self' data: blob: https://*.example.cn:8443;"), "%s", policy);
	cr_expect(strstr(policy, "connect-src 'self' https://*.example.cn:8443;"), "%s", policy);
	answer_deinit(&a);
	a = ask(http_port(server), "GET /api/v1/console", "", NULL);
	cr_expect(
		answer_has(&a, "\"url\":\"https://t{s}.example.cn:8443/vec?x={x}&y={y}&l={z}&tk=1\",\"gcj02\":false"));
	answer_deinit(&a);
}

Test(console_tiles, a_url_that_would_widen_the_policy_is_refused)
{
	static const char *const urls[] = {
		"ftp://x/{z}",   "https:///x",       "x", "https://a; script-src *//{z}", "https://a b/{z}",
		"https://{s}/x", "https://t{s}.a'b/"};
	for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
		cr_expect_eq(start(urls[i]), STATUS_INVALID, "%s", urls[i]);
		http_free(server);
	}
}
