/* links: zayton_scenes */
#include <stddef.h>
#include <stdint.h>

#include "bench/sim/scene.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is read, however much of it, can be given back; a complaint is a text. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct scene_book b = {0};
	char complaint[160];
	enum status status = scene_book_read(&b, (const char *)data, size, complaint);
	if ((status == STATUS_OK) != (complaint[0] == '\0'))
		__builtin_trap();
	scene_book_deinit(&b);
	return 0;
}
