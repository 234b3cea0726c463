/* links: zayton_ingest_marine */
/* Lines through sentences, tag groups, the assembler and the decoder; a message that decodes encodes back to bits that
 * decode the same. */
#include <assert.h>
#include <stdlib.h>

#include "ingest/marine/ais_assembler.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_back(const struct ais_message *m)
{
	static struct ais_packet p;
	static struct ais_message back;
	if (!m->known || (m->type == 24 && m->values[AIS_PART] > 1))
		return;
	assert(ais_encode(m, &p) == STATUS_OK && ais_decode(&p, &back) == STATUS_OK);
	for (unsigned f = AIS_STATUS; f < AIS_FIELD_COUNT; f++)
		if (ais_has(m, (enum ais_field)f) && ais_field_kind((enum ais_field)f) != AIS_KIND_T &&
		    ais_has(&back, (enum ais_field)f))
			assert(m->values[f] == back.values[f]);
}

static void take_line(struct ais_assembler *a, struct span line, int64_t now)
{
	struct sentence s;
	const struct ais_packet *p;
	struct ais_message m;
	int32_t lat, lon;
	char name[40];
	if (sentence_parse(line, &s))
		return;
	ais_assembler_group(a, &s, 0, now);
	if (ais_assembler_add(a, &s, 0, now, &p) || ais_decode(p, &m))
		return;
	(void)ais_position(&m, &lat, &lon);
	(void)ais_name(&m, name);
	check_back(&m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ais_assembler *a;
	struct span rest = span_of(data, size), line;
	if (ais_assembler_new(AIS_EXPIRE_LINES, &a))
		return 0;
	for (int64_t now = 0;; now++) {
		enum status status = sentence_line_next(&rest, &line);
		if (status == STATUS_NEED_MORE)
			break;
		if (!status)
			take_line(a, line, now);
	}
	ais_assembler_free(a);
	return 0;
}
