#include <criterion/criterion.h>
#include <string.h>

#include "query/export/json_out.h"
#include "query/export/mask.h"

static void expect_masked(const char *text, const char *wanted)
{
	char copy[256];
	strcpy(copy, text);
	mask_text(copy, strlen(copy));
	cr_expect_str_eq(copy, wanted);
}

Test(mask, numbers_of_people_keep_their_ends)
{
	expect_masked("13912345678", "139****5678");
	expect_masked("电话13912345678，转", "电话139****5678，转");
	expect_masked("35050219800101123X", "350***********123X");
	expect_masked("a 350502198001011234, 13912345678 b", "a 350***********1234, 139****5678 b");
}

Test(mask, what_is_part_of_something_longer_is_no_number_of_anybody)
{
	static const char *const stay[] = {"12345678901",
					   "12912345678",
					   "139123456789",
					   "1391234567",
					   "a13912345678",
					   "13912345678Z",
					   "3505021980010112",
					   "00000000013912345678",
					   "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
					   "",
					   "2:闽C12345",
					   "1769848200000"};
	for (size_t i = 0; i < sizeof stay / sizeof *stay; i++)
		expect_masked(stay[i], stay[i]);
}

Test(mask, belongs_to_the_thread_and_is_given_back)
{
	struct buf out = buf_init(1024);
	struct json_out j = json_out_init(&out);
	cr_expect(!mask_is_on());
	cr_expect(!mask_set(true));
	jout_open(&j, '{');
	jout_key(&j, "13912345678");
	jout_string(&j, "13912345678");
	jout_close(&j, '}');
	cr_expect(mask_set(false));
	cr_assert_eq(buf_append_u8(&out, 0), STATUS_OK);
	cr_expect_str_eq((char *)out.data, "{\"13912345678\":\"139****5678\"}");
	buf_deinit(&out);
}

Test(mask, of_a_field_of_people_every_number_is_theirs_whatever_its_form)
{
	cr_expect(!mask_people(true));
	expect_masked("0595-27551234", "059*******234");
	expect_masked("350502800101123", "350*********123"); /* of fifteen digits, as before 1999 */
	expect_masked("陈某 E12345678", "陈某 E1*****78");
	expect_masked("13912345678", "139****5678");
	expect_masked("陈某 1234", "陈某 1234");
	cr_expect(mask_people(false));
	expect_masked("0595-27551234", "0595-27551234");
}
