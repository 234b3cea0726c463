#include <criterion/criterion.h>
#include <stdio.h>

#include "ingest/sites/json_values.h"

#define NOW INT64_C(1767225612000)

static struct buf told;

static enum status visit(void *context, const struct json_value_told *v)
{
	char number[VALUE_PRINT_MAX + 1];
	(void)context;
	if (v->value.type == VALUE_TEXT)
		return buf_printf(&told, "%s/%s='%.*s'@%lld ", v->site, v->quantity, (int)v->text.size,
				  (const char *)v->text.data, (long long)(v->value.time_ms - NOW));
	value_print(&v->value, number);
	return buf_printf(&told, "%s/%s=%s@%lld ", v->site, v->quantity, number, (long long)(v->value.time_ms - NOW));
}

/* What `payload` says on `topic` by `line`. */
static const char *read_by(const char *line, const char *topic, const char *payload, enum status expected)
{
	static char text[4096];
	struct sites_config *c;
	struct buf mistakes = buf_init(4096);
	char file[1024];
	unsigned untold;
	snprintf(file, sizeof file, "broker b h:1\ntopic b %s\n", line);
	told = buf_init(sizeof text - 1);
	cr_assert_eq(sites_parse("f", span_of_string(file), &c, &mistakes), STATUS_OK, "%.*s", (int)mistakes.size,
		     (const char *)mistakes.data);
	const struct topic_config *t = topic_find(c, 0, topic);
	cr_assert_not_null(t);
	cr_expect_eq(json_values_read(t, topic, span_of_string(payload), NOW, visit, NULL, &untold), expected, "%s",
		     payload);
	snprintf(text, sizeof text, "%.*s", (int)told.size, (const char *)told.data);
	buf_deinit(&told);
	buf_deinit(&mistakes);
	sites_config_free(c);
	return text;
}

Test(json_values, paths_lead_to_values_of_every_kind)
{
	cr_expect_str_eq(
		read_by("a/+ {2} time=$.ts p=$.p on=$.x.on s=$.s n=$.n gone=$.gone list=$.l[1]", "a/b",
			"{\"ts\":1767225612,\"p\":23.50,\"x\":{\"on\":true},\"s\":\"dry\",\"n\":null,\"l\":[1,-2]}",
			STATUS_OK),
		"b/p=23.5@0 b/on=1@0 b/s='dry'@0 b/list=-2@0 ");
	cr_expect_str_eq(read_by("a x{$.dev}-{$.no} time=$.t *=$.v", "a",
				 "{\"dev\":\"d\",\"no\":7,\"t\":1767225612250,\"v\":{\"a\":1,\"b\":2}}", STATUS_OK),
			 "xd-7/a=1@250 xd-7/b=2@250 ");
	cr_expect_str_eq(read_by("a S time=receipt v=$", "a", "7", STATUS_OK), "S/v=7@0 ");
}

Test(json_values, a_batch_is_taken_whole_or_not_at_all)
{
	cr_expect_str_eq(read_by("a S each=$.d time=$.t v=$.v", "a",
				 "{\"d\":[{\"t\":1767225612,\"v\":1},{\"t\":1767225613.5,\"v\":2}]}", STATUS_OK),
			 "S/v=1@0 S/v=2@1500 ");
	cr_expect_str_eq(read_by("a S each=$.d time=$.t v=$.v", "a",
				 "{\"d\":[{\"t\":1767225612,\"v\":1},{\"t\":\"never\",\"v\":2}]}", STATUS_BAD_TIME),
			 "");
}

Test(json_values, what_is_wrong_is_named)
{
	read_by("a S time=$.t v=$.v", "a", "{", STATUS_MALFORMED);
	read_by("a S time=$.t v=$.v", "a", "", STATUS_MALFORMED);
	read_by("a S time=$.t v=$.v", "a", "{\"v\":1}", STATUS_BAD_TIME);
	read_by("a S time=$.t v=$.v", "a", "{\"t\":1e300,\"v\":1}", STATUS_BAD_TIME);
	read_by("a S time=$.t v=$.v", "a", "{\"t\":-5,\"v\":1}", STATUS_BAD_TIME);
	read_by("a {$.dev} time=receipt v=$.v", "a", "{\"v\":1}", STATUS_NOT_FOUND);
	read_by("a/# {3} time=receipt v=$.v", "a/b", "{\"v\":1}", STATUS_NOT_FOUND);
	read_by("a S each=$.d time=receipt v=$.v", "a", "{\"d\":1}", STATUS_MALFORMED);
}
