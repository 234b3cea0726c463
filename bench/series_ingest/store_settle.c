/* store_settle.c -- a store that no one serves, everything sealed and folded: `store_settle DIR`, before it is weighed.
 */
#include <stdio.h>

#include "engine/core/log.h"
#include "engine/fleet/engine.h"

int main(int argc, char **argv)
{
	struct engine *e;
	if (argc != 2)
		return 2;
	log_set_level(LOG_WARN);
	struct engine_options options = engine_options_default(argv[1]);
	options.create = false;
	enum status status = engine_open(&options, &e);
	if (!status)
		status = engine_settle(e);
	if (status) {
		fprintf(stderr, "%s: %s\n", argv[1], status_text(status));
		return 1;
	}
	engine_close(e);
	return 0;
}
