/* Random commands: what an edition says is what its terminals read, and canonical bytes give the content back. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "ingest/jt808/command_jt808.h"

#define ROUNDS 4000
#define DAY_S 86400

static uint64_t state;

static uint64_t draw(uint64_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % below;
}

static void draw_text(char *out, size_t characters)
{
	static const char *const words[] = {"超", "速", "慢行", "A", "7", " ", "泉州", "。", "é", "ü"};
	char *begin = out;
	*out++ = 'a'; /* no space leads, and one at the end is padding */
	*out = '\0';
	for (size_t n = 1 + draw(characters); n; n--)
		strcat(out, words[draw(sizeof words / sizeof *words)]);
	while (begin[strlen(begin) - 1] == ' ')
		begin[strlen(begin) - 1] = '\0';
}

static void draw_parameters(struct command_parameters *p, bool ids_alone)
{
	static const uint32_t ids[] = {0x0001, 0x0013, 0x0031, 0x0032, 0x0055, 0x005b, 0x0084, 0xf364};
	for (unsigned n = 1 + (unsigned)draw(8); n; n--) {
		uint32_t id = ids[draw(8)];
		const struct parameter_definition *d = parameter_find(id);
		uint8_t form = d ? d->form : PARAMETER_BYTES;
		char text[64];
		draw_text(text, 5);
		uint32_t number = form == PARAMETER_HOURS
					  ? (uint32_t)(draw(24) << 24 | draw(60) << 16 | draw(24) << 8 | draw(60))
				  : form <= PARAMETER_DWORD ? (uint32_t)draw((uint64_t)d->max + 1)
							    : 0;
		bool bytes = form == PARAMETER_TEXT || form == PARAMETER_BYTES;
		struct span value = bytes && !ids_alone ? span_of_string(text) : (struct span){NULL, 0};
		cr_assert_eq(command_parameter_add(p, id, ids_alone ? 0 : form, ids_alone ? 0 : number, value),
			     STATUS_OK);
	}
}

static void draw_area(struct command_area *a)
{
	int south = draw(2) ? -1 : 1, west = draw(2) ? -1 : 1;
	a->shape = (uint8_t)(1 + draw(4));
	a->setting = a->shape <= AREA_RECTANGLE ? (uint8_t)draw(3) : 0;
	a->id = 1 + (uint32_t)draw(UINT32_MAX);
	a->flags = (uint16_t)(draw(65536) & (a->shape == AREA_ROUTE ? AREA_ROUTE_FLAGS : AREA_FLAGS));
	a->time = (uint8_t)draw(3);
	if (a->time == AREA_DAILY) {
		a->from = (int64_t)draw(DAY_S - 1);
		a->to = a->from + 1 + (int64_t)draw((uint64_t)(DAY_S - 1 - a->from));
	} else if (a->time == AREA_SPAN) {
		a->from = INT64_C(1700000000000) + (int64_t)draw(1000000) * 1000;
		a->to = a->from + 1000 + (int64_t)draw(1000000) * 1000;
	}
	a->limit_kmh = (uint16_t)draw(2) * (uint16_t)(1 + draw(120));
	a->over_s = a->limit_kmh ? (uint8_t)draw(256) : 0;
	a->night_limit_kmh = a->limit_kmh && draw(2) ? (uint16_t)(a->limit_kmh + 1) : 0;
	a->radius_m = a->shape == AREA_CIRCLE ? 1 + (uint32_t)draw(100000) : 0;
	a->width_m = a->shape == AREA_ROUTE ? (uint8_t)(1 + draw(255)) : 0;
	draw_text(a->name, 10);
	a->point_count = a->shape == AREA_CIRCLE ? 1 : a->shape == AREA_RECTANGLE ? 2 : (uint16_t)(3 + draw(198));
	for (unsigned i = 0; i < a->point_count; i++)
		a->points[i] = (struct command_point){south * (1 + (int32_t)draw(89999999)),
						      west * (1 + (int32_t)draw(179999999))};
	if (a->shape == AREA_RECTANGLE) {
		a->points[0] = (struct command_point){south * 20000000 + 5, west * 50000000 - 5};
		a->points[1] = (struct command_point){south * 20000000, west * 50000000};
	}
}

static void draw_content(struct command_content *c)
{
	memset(c, 0, sizeof *c);
	c->kind = (uint8_t)(1 + draw(10));
	switch (c->kind) {
	case COMMAND_TEXT:
		c->text.flags = (uint8_t)draw(COMMAND_TEXT_FLAGS + 1);
		c->text.type = (uint8_t)(1 + draw(2));
		draw_text(c->text.text, 200);
		break;
	case COMMAND_SET_PARAMETERS:
	case COMMAND_QUERY_PARAMETERS:
		draw_parameters(&c->parameters, c->kind == COMMAND_QUERY_PARAMETERS);
		break;
	case COMMAND_TRACK:
		c->track.interval_s = (uint16_t)draw(3);
		c->track.for_s = c->track.interval_s ? 1 + (uint32_t)draw(100) : 0;
		break;
	case COMMAND_CONFIRM_ALARM:
		c->confirm.serial = (uint16_t)draw(65536);
		c->confirm.bits = 1 + (uint32_t)draw(16);
		break;
	case COMMAND_SET_AREA:
		draw_area(&c->area);
		break;
	case COMMAND_DELETE_AREAS:
	case COMMAND_QUERY_AREAS:
		c->ids.shape = (uint8_t)(1 + draw(4));
		c->ids.count = (uint8_t)draw(COMMAND_IDS_MAX + 1);
		for (unsigned i = 0; i < c->ids.count; i++)
			c->ids.ids[i] = (uint32_t)draw(UINT32_MAX);
		break;
	default:
		break;
	}
}

/* What an edition leaves out without changing what is commanded. */
static void as_heard(struct command_content *c, enum jt808_edition e)
{
	if (c->kind == COMMAND_TEXT && e != JT808_2019)
		c->text.type = COMMAND_TEXT_NOTICE;
	if (c->kind == COMMAND_TEXT && c->text.flags & COMMAND_TEXT_URGENT && e == JT808_2019)
		return; /* urgent has the place of the type, which travels beside it */
	if (c->kind == COMMAND_SET_AREA && e != JT808_2019)
		memset(c->area.name, 0, sizeof c->area.name);
	if (c->kind == COMMAND_QUERY_PARAMETERS && e == JT808_2011)
		memset(&c->parameters, 0, sizeof c->parameters);
}

static struct command_content content, heard, stored;

static bool one_round(void)
{
	struct command_refusal why;
	struct buf out = buf_init(JT808_COMMAND_BODY_MAX), bytes = buf_init(COMMAND_BYTES_MAX);
	enum jt808_edition e = (enum jt808_edition)draw(3);
	uint16_t id = 0;
	draw_content(&content);
	cr_assert_eq(command_encode(&content, &bytes), STATUS_OK);
	cr_assert_eq(command_decode(buf_view(&bytes), &stored), STATUS_OK);
	cr_assert_eq(memcmp(&content, &stored, sizeof content), 0, "kind %u", content.kind);
	enum status status = jt808_command_encode(&content, e, &id, &out, &why);
	if (status == STATUS_OK) {
		cr_assert_eq(jt808_command_decode(id, buf_view(&out), e, &heard), STATUS_OK);
		as_heard(&content, e);
		cr_assert_eq(memcmp(&content, &heard, sizeof content), 0, "kind %u edition %d", content.kind, e);
	} else {
		cr_assert(*why.text, "kind %u: %s, and no reason", content.kind, status_name(status));
	}
	buf_deinit(&out);
	buf_deinit(&bytes);
	return status == STATUS_OK;
}

Test(command_round_trips, what_is_said_is_what_is_heard)
{
	const char *given = getenv("ZAYTON_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
	unsigned said = 0;
	printf("command_round_trips: ZAYTON_SEED=%llu\n", (unsigned long long)seed);
	state = seed | 1;
	for (int i = 0; i < ROUNDS; i++)
		said += one_round();
	cr_expect_gt(said, ROUNDS / 3, "%u of %d could be said", said, ROUNDS);
}
