#include "query/cli/rules_file.h"

#include <stdio.h>

#include "engine/core/limits.h"
#include "query/cli/whole_file.h"

static void tell(void *context, const struct rule_mistake *m)
{
	fprintf(stderr, "%s:%u: %s\n", (const char *)context, m->line, m->text);
}

enum status rules_file_open(const char *path, struct rulebook **out)
{
	struct buf text = buf_init(RULES_BYTES_MAX + 1);
	enum status status = path ? whole_file_read(path, RULES_BYTES_MAX, &text) : STATUS_OK;
	if (!status) {
		char *name = (char *)(path ? path : "default.rules");
		status = rulebook_parse(path ? buf_view(&text) : rules_default(), tell, name, out);
		if (status && status != STATUS_MALFORMED && status != STATUS_TOO_LONG)
			fprintf(stderr, "%s: %s\n", name, status_text(status));
	}
	buf_deinit(&text);
	return status;
}
