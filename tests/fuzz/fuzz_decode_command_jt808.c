/* links: zayton_ingest_jt808 */
/* decode_command_jt808.c and command.c: the first byte chooses message and edition, the rest is the body. What a
 * terminal reads has a canonical form; what its edition can say again reads the same. Canonical bytes that decode
 * encode to themselves. */
#include <stdlib.h>

#include "ingest/jt808/command_jt808.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct command_content first, again;
static struct jt808_answer answer;

static void try_canonical(struct span bytes)
{
	struct buf out = buf_init(COMMAND_BYTES_MAX);
	if (command_decode(bytes, &first) == STATUS_OK &&
	    (command_encode(&first, &out) || !span_equal(buf_view(&out), bytes)))
		abort();
	buf_deinit(&out);
}

static void try_command(uint16_t id, struct span body, enum jt808_edition e)
{
	struct command_refusal why;
	struct buf out = buf_init(JT808_COMMAND_BODY_MAX), bytes = buf_init(COMMAND_BYTES_MAX);
	uint16_t again_id;
	if (jt808_command_decode(id, body, e, &first) == STATUS_OK) {
		if (command_encode(&first, &bytes))
			abort();
		if (jt808_command_encode(&first, e, &again_id, &out, &why) == STATUS_OK &&
		    (jt808_command_decode(again_id, buf_view(&out), e, &again) || again.kind != first.kind))
			abort();
	}
	buf_deinit(&out);
	buf_deinit(&bytes);
}

static void try_answer(uint16_t id, struct span body)
{
	struct buf bytes = buf_init(COMMAND_BYTES_MAX);
	if (jt808_answer_decode(id, body, &answer) == STATUS_OK && command_encode(&answer.content, &bytes))
		abort();
	buf_deinit(&bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint16_t commands[] = {0x8300, 0x8103, 0x8104, 0x8106, 0x8201, 0x8202, 0x8203, 0x8600,
					    0x8601, 0x8602, 0x8604, 0x8606, 0x8607, 0x8608, 0x8702, 0x8100};
	static const uint16_t answers[] = {0x0104, 0x0201, 0x0608, 0x0702};
	if (!size)
		return 0;
	struct span body = span_of(data + 1, size - 1);
	unsigned edition = data[0] >> 4 & 3;
	if (data[0] >> 6 == 3)
		try_canonical(body);
	else if (data[0] >> 6 == 2)
		try_answer(answers[data[0] & 3], body);
	else
		try_command(commands[data[0] & 15], body, (enum jt808_edition)(edition % 3));
	return 0;
}
