#include "query/cli/township_store.h"

#include "engine/core/log.h"
#include "query/cli/whole_file.h"

static void say_mistake(void *context, const char *path, const char *text)
{
	log_error("calendar", "%s: %s %s", (const char *)context, path, text);
}

static enum status read_rules(const char *path, struct calendar_rules **out)
{
	struct buf text = buf_init(CALENDAR_BYTES_MAX + 1);
	enum status status = *path ? whole_file_read(path, CALENDAR_BYTES_MAX, &text) : STATUS_OK;
	if (!status)
		status = calendar_rules_parse(*path ? buf_view(&text) : calendar_rules_default(), say_mistake,
					      (void *)(*path ? path : "calendar"), out);
	buf_deinit(&text);
	return status;
}

enum status township_open(struct store *s, struct hazards *hazards, const char *calendar_file, struct township *out)
{
	struct calendar_rules *rules = NULL;
	*out = (struct township){.hazards = hazards};
	enum status status = read_rules(calendar_file, &rules);
	if (!status)
		status = figures_open(s, &out->figures);
	if (!status)
		status = blacklist_open(s, &out->blacklist);
	if (status)
		calendar_rules_free(rules);
	return status ? status : calendar_open(s, rules, out->figures, &out->calendar);
}

void township_close(struct township *t)
{
	calendar_close(t->calendar);
	blacklist_close(t->blacklist);
	figures_close(t->figures);
	*t = (struct township){.calendar = NULL};
}
