#include "query/cli/rules_file.h"

#include <stdio.h>

#include "engine/core/limits.h"
#include "query/cli/whole_file.h"

struct telling {
	const char *name;
	enum language language;
};

static void tell(void *context, const struct rule_mistake *m)
{
	const struct telling *t = context;
	fprintf(stderr, "%s:%u: %s\n", t->name, m->line, t->language == LANGUAGE_CHINESE ? m->text_zh : m->text);
}

enum status rules_file_open(const char *path, enum language language, struct rulebook **out)
{
	struct buf text = buf_init(RULES_BYTES_MAX + 1);
	enum status status = path ? whole_file_read(path, RULES_BYTES_MAX, &text) : STATUS_OK;
	if (!status) {
		struct telling telling = {path ? path : "default.rules", language};
		status = rulebook_parse(path ? buf_view(&text) : rules_default(), tell, &telling, out);
		if (status && status != STATUS_MALFORMED && status != STATUS_TOO_LONG)
			fprintf(stderr, "%s: %s\n", telling.name, status_text(status));
	}
	buf_deinit(&text);
	return status;
}
