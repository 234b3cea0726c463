#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "ingest/platform/links_file.h"

static char told[2048];

static void on_mistake(void *context, unsigned line, const char *english, const char *chinese)
{
	(void)context;
	cr_expect(*chinese);
	sprintf(told + strlen(told), "%u:%.24s|", line, english);
}

static enum status parse(const char *text, struct link_book *out)
{
	*told = '\0';
	return links_parse(span_of_string(text), on_mistake, NULL, out);
}

#define LOWER "[lower bus]\naccess_code = 1001\nuser = 7\npassword = secret\n"

Test(links_file, every_key_is_taken)
{
	struct link_book b;
	cr_assert_eq(
		parse("# 级联\n[links]\nlisten = 0.0.0.0:8809\nheartbeat = 30 s\nstatistics_every = 500\n" LOWER
		      "title = 公交集团 # the bus company\nedition = 2011\nm1 = 30000000\nia1 = 20000000\nic1 = 0x10\n"
		      "encrypt = yes\naddresses = 10.1.0.0/16, 127.0.0.1, 2001:db8::/32\nvehicles = keep\n"
		      "[upper province]\naddress = 10.0.0.1:8809\nsub_listen = 0.0.0.0:8810\nsub_address = 10.1.0.2\n"
		      "access_code = 9\nuser = 9\npassword = p\nedition = 2019\nclasses = coach, 危险货物运输车\n"
		      "companies = 甲公司, 乙公司\nplates = 黄:闽c·12345\nfindings = no\ncatch_up = 2 d\nplatform = "
		      "35050000001\n",
		      &b),
		STATUS_OK, "%s", told);
	cr_assert_eq(b.count, 2);
	cr_expect_str_eq(b.listen_host, "0.0.0.0");
	cr_expect_eq(b.listen_port, 8809);
	cr_expect_eq(b.heartbeat_ms, 30000);
	cr_expect_eq(b.statistics_every, 500);
	const struct link_config *bus = &b.links[0], *province = &b.links[1];
	cr_expect_str_eq(bus->title, "公交集团");
	cr_expect_eq(bus->edition, JT809_2011);
	cr_expect_eq(bus->cipher.ic1, 16);
	cr_expect(bus->encrypt);
	cr_expect_eq(bus->vehicles, LINK_KEEP);
	cr_expect_eq(province->role, LINK_UPPER);
	cr_expect_eq(province->classes, 1u << DEVICE_CLASS_COACH | 1u << DEVICE_CLASS_HAZMAT);
	cr_expect_eq(province->company_count, 2);
	cr_expect_str_eq(province->plates[0], "2:闽C12345");
	cr_expect_not(province->findings);
	cr_expect_eq(province->catch_up_ms, 2 * 86400000);
	links_free(&b);
}

Test(links_file, every_mistake_is_told_at_its_line)
{
	struct link_book b;
	cr_expect_eq(parse("user = 1\n[links]\nlisten = nowhere\nlisten = 0.0.0.0:1\n[lower a b]\nuser = 1\n" LOWER
			   "edition = 2013\naddress = 1.2.3.4:5\nvehicles = some\nuser = x\n[upper u]\npassword = "
			   "toolongword\nencrypt = yes\nnonsense\n[lower bus]\naccess_code = 1001\n",
			   &b),
		     STATUS_MALFORMED);
	static const char *const expected[] = {"1:a section",          "3:listen",
					       "4:said twice",         "5:a link's name",
					       "11:edition",           "12:not known",
					       "13:vehicles",          "14:said twice",
					       "16:password",          "18:wanted",
					       "15:address and",       "15:encrypt without",
					       "19:access_code, user", "19:a link of this name",
					       "19:a link with this"};
	for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
		cr_expect_not_null(strstr(told, expected[i]), "no %s in %s", expected[i], told);
	cr_expect_eq(b.count, 0);
	cr_expect_null(b.links);
}

Test(links_file, who_may_dial_in_is_told_by_networks)
{
	struct link_book b;
	cr_assert_eq(
		parse("[links]\nlisten = 127.0.0.1:0\n" LOWER "addresses = 10.1.0.0/16, 192.168.1.7, fd00::/8\n", &b),
		STATUS_OK, "%s", told);
	const struct link_config *c = b.links;
	cr_expect(link_allows(c, "10.1.255.3"));
	cr_expect(link_allows(c, "::ffff:10.1.255.3"));
	cr_expect_not(link_allows(c, "10.2.0.1"));
	cr_expect(link_allows(c, "192.168.1.7"));
	cr_expect_not(link_allows(c, "192.168.1.8"));
	cr_expect(link_allows(c, "fd12::1"));
	cr_expect_not(link_allows(c, "fe80::1"));
	cr_expect_not(link_allows(c, "no address"));
	links_free(&b);
}

Test(links_file, a_lower_link_needs_a_place_to_listen)
{
	struct link_book b;
	cr_expect_eq(parse(LOWER, &b), STATUS_MALFORMED);
	cr_expect_not_null(strstr(told, "1:[links] must say"), "%s", told);
	cr_assert_eq(parse("", &b), STATUS_OK);
	links_free(&b);
}
