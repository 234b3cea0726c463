#include "engine/duty/duty.h"

#include <stdlib.h>

struct duty {
	struct engine *engine;
	struct headcounts *headcounts;
};

enum status duty_open(struct engine *e, struct duty **out)
{
	struct duty *d = calloc(1, sizeof *d);
	if (!d)
		return STATUS_NO_MEMORY;
	d->engine = e;
	enum status status = headcounts_open(engine_store(e), &d->headcounts);
	if (status)
		duty_close(d);
	else
		*out = d;
	return status;
}

void duty_close(struct duty *d)
{
	if (!d)
		return;
	headcounts_close(d->headcounts);
	free(d);
}

struct engine *duty_engine(struct duty *d)
{
	return d->engine;
}

struct headcounts *duty_headcounts(struct duty *d)
{
	return d->headcounts;
}
