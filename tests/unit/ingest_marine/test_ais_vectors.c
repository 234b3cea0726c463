/* Sentences of other projects' suites against what other decoders said of them (tests/golden/marine/README.md). */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/core/clock.h"
#include "ingest/marine/ais_assembler.h"
#include "vectors.h"

struct tally {
	unsigned rows, accepted, refused, raw, values, wrong;
};

#define WRONG(t, v, ...)                                                                                               \
	do {                                                                                                           \
		(t)->wrong++;                                                                                          \
		fprintf(stderr, "row %u: ", (v)->line);                                                                \
		fprintf(stderr, __VA_ARGS__);                                                                          \
		fputc('\n', stderr);                                                                                   \
	} while (0)

/* What became of the row's sentences: the first status that is neither OK nor NEED_MORE, or the message's. */
static enum status decode(const struct vector *v, struct ais_message *m, struct sentence *first)
{
	struct ais_assembler *a;
	cr_assert_eq(ais_assembler_new(AIS_EXPIRE_LINES, &a), STATUS_OK);
	enum status status = STATUS_EMPTY;
	for (unsigned i = 0; i < v->parts; i++) {
		struct sentence s;
		const struct ais_packet *packet;
		status = sentence_parse(v->part[i], &s);
		if (status)
			break;
		if (i == 0)
			*first = s;
		ais_assembler_group(a, &s, 0, i);
		status = ais_assembler_add(a, &s, 0, i, &packet);
		if (!status)
			status = ais_decode(packet, m);
		if (status && status != STATUS_NEED_MORE)
			break;
	}
	ais_assembler_free(a);
	return status;
}

static const struct {
	const char *key;
	enum ais_field field;
} keys[] = {
	{"status", AIS_STATUS},
	{"turn", AIS_ROT},
	{"speed", AIS_SOG},
	{"accuracy", AIS_ACCURACY},
	{"lon", AIS_LON},
	{"lat", AIS_LAT},
	{"course", AIS_COG},
	{"heading", AIS_HEADING},
	{"second", AIS_SECOND},
	{"maneuver", AIS_MANOEUVRE},
	{"raim", AIS_RAIM},
	{"radio", AIS_RADIO},
	{"epfd", AIS_EPFD},
	{"ais_version", AIS_VERSION},
	{"imo", AIS_IMO},
	{"callsign", AIS_CALLSIGN},
	{"shipname", AIS_NAME},
	{"shiptype", AIS_SHIPTYPE},
	{"to_bow", AIS_BOW},
	{"to_stern", AIS_STERN},
	{"to_port", AIS_PORT},
	{"to_starboard", AIS_STARBOARD},
	{"draught", AIS_DRAUGHT},
	{"destination", AIS_DESTINATION},
	{"dte", AIS_DTE},
	{"alt", AIS_ALTITUDE},
	{"regional", AIS_REGIONAL},
	{"reserved", AIS_RESERVED},
	{"assigned", AIS_ASSIGNED},
	{"cs", AIS_CS},
	{"display", AIS_DISPLAY},
	{"dsc", AIS_DSC},
	{"band", AIS_BAND},
	{"msg22", AIS_MSG22},
	{"aid_type", AIS_AID},
	{"off_position", AIS_OFF_POSITION},
	{"virtual_aid", AIS_VIRTUAL},
	{"partno", AIS_PART},
	{"vendorid", AIS_VENDOR},
	{"model", AIS_MODEL},
	{"serial", AIS_SERIAL},
	{"gnss", AIS_GNSS},
	{"text", AIS_TEXT},
};

static void check_value(struct tally *t, const struct vector *v, const struct ais_message *m, enum ais_field field,
			const char *key, const char *expected)
{
	t->values++;
	if (!ais_has(m, field)) {
		WRONG(t, v, "%s is missing", key);
	} else if (ais_field_kind(field) == AIS_KIND_T) {
		if (strcmp(ais_text(m, field), expected) != 0)
			WRONG(t, v, "%s is '%s', expected '%s'", key, ais_text(m, field), expected);
	} else if (m->values[field] != atoi(expected)) {
		WRONG(t, v, "%s is %d, expected %s", key, m->values[field], expected);
	}
}

static void check_times(struct tally *t, const struct vector *v, const struct ais_message *m, const struct sentence *s)
{
	char text[64];
	int64_t ms;
	const char *expected = vector_value(v, "timestamp");
	if (expected && (m->type == 4 || m->type == 11) && ais_utc_ms(m, &ms)) {
		time_format(ms, 0, text);
		t->values++;
		if (strncmp(text, expected, 19) != 0)
			WRONG(t, v, "timestamp %s, expected %s", text, expected);
	}
	expected = vector_value(v, "eta");
	if (expected && m->type == 5) {
		snprintf(text, sizeof text, "%02d-%02dT%02d:%02dZ", m->values[AIS_MONTH], m->values[AIS_DAY],
			 m->values[AIS_HOUR], m->values[AIS_MINUTE]);
		t->values++;
		if (strcmp(text, expected) != 0)
			WRONG(t, v, "eta %s, expected %s", text, expected);
	}
	expected = vector_value(v, "tag_c");
	if (expected && vector_value(v, "tag_ok") && strcmp(vector_value(v, "tag_ok"), "1") == 0) {
		int64_t c = strtoll(expected, NULL, 10);
		t->values++;
		if (s->time_ms != (c < INT64_C(100000000000) ? c * 1000 : c))
			WRONG(t, v, "tag time %" PRId64 ", expected %s", s->time_ms, expected);
	}
	expected = vector_value(v, "tag_s");
	if (expected && !span_equal(s->station, span_of_string(expected)))
		WRONG(t, v, "station %.*s, expected %s", (int)s->station.size, (const char *)s->station.data, expected);
}

static void check_values(struct tally *t, const struct vector *v, const struct ais_message *m)
{
	char name[40];
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		const char *expected = vector_value(v, keys[i].key);
		if (expected)
			check_value(t, v, m, keys[i].field, keys[i].key, expected);
	}
	if (m->type == 21 && vector_value(v, "name")) {
		t->values++;
		ais_name(m, name);
		if (strcmp(name, vector_value(v, "name")) != 0)
			WRONG(t, v, "name '%s', expected '%s'", name, vector_value(v, "name"));
	}
}

static void check_accepted(struct tally *t, const struct vector *v, const struct ais_message *m,
			   const struct sentence *s, enum status status)
{
	const char *type = vector_value(v, "type");
	t->accepted++;
	if (status) {
		WRONG(t, v, "refused: %s", status_name(status));
		return;
	}
	if ((type && m->type != atoi(type)) || !vector_value(v, "mmsi") ||
	    m->mmsi != strtoul(vector_value(v, "mmsi"), NULL, 10))
		WRONG(t, v, "type %u, MMSI %u", m->type, m->mmsi);
	t->raw += !m->known;
	/* where two decoders differ over the end of short messages nobody is right */
	const char *agree = vector_value(v, "agree");
	if (m->known && strncmp(vector_value(v, "oracle"), "suite", 5) != 0 && (!agree || *agree == '1'))
		check_values(t, v, m);
	check_times(t, v, m, s);
}

static void check_row(void *context, const struct vector *v)
{
	struct tally *t = context;
	struct ais_message m;
	struct sentence s = {0};
	const char *accept = vector_value(v, "accept");
	if (vector_value(v, "sentence") || !vector_value(v, "oracle"))
		return;
	t->rows++;
	enum status status = decode(v, &m, &s);
	if (!accept) /* a whole frame of a type nobody decodes, or of one that does not exist */
		t->raw += status == STATUS_OK || status == STATUS_UNSUPPORTED;
	else if (*accept == '1')
		check_accepted(t, v, &m, &s, status);
	else if (status == STATUS_OK)
		WRONG(t, v, "accepted, should be refused for %s", vector_value(v, "reason"));
	else
		t->refused++;
}

Test(ais_vectors, other_decoders_say_the_same)
{
	struct tally t = {0};
	vectors_each("ais.tsv", check_row, &t);
	fprintf(stderr, "ais: %u rows, %u accepted, %u refused, %u raw, %u values, %u wrong\n", t.rows, t.accepted,
		t.refused, t.raw, t.values, t.wrong);
	cr_assert_eq(t.wrong, 0);
	cr_assert_gt(t.values, 1900);
	cr_assert_gt(t.refused, 20);
}
