/* links: zayton_core */
/* A settings file of any bytes: what is taken from it can be written down and read back the same. */
#include <stdlib.h>
#include <string.h>

#include "engine/core/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct settings first, again;
	struct buf mistakes = buf_init(SETTINGS_MISTAKES_MAX), dump = buf_init(1 << 20), second = buf_init(1 << 20);
	settings_init(&first);
	enum status status = settings_from_text(&first, "fuzz", span_of(data, size), &mistakes);
	require((status == STATUS_OK) == (mistakes.size == 0));
	require(settings_dump(&first, &dump) == STATUS_OK);
	buf_clear(&mistakes);
	settings_init(&again);
	require(settings_from_text(&again, "dump", span_of(dump.data, dump.size), &mistakes) == STATUS_OK);
	memcpy(again.origin, first.origin, sizeof first.origin);
	require(settings_dump(&again, &second) == STATUS_OK);
	require(dump.size == second.size && memcmp(dump.data, second.data, dump.size) == 0);
	buf_deinit(&mistakes);
	buf_deinit(&dump);
	buf_deinit(&second);
	return 0;
}
