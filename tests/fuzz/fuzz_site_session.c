/* links: zayton_ingest_sites */
/* site_session.c: any bytes to any of the listeners, in one piece or in two, give the same entries; nothing is said to
 * be taken before it is settled; what waits is bounded. First byte: the listener; second: where the bytes are cut. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/core/hash.h"
#include "engine/core/log.h"
#include "ingest/sites/site_session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW INT64_C(1767225612000)
#define TICKETS_MAX (SITE_PENDING_MAX + 1)

static struct engine *engine;
static struct sites_config *config;

struct desk {
	struct site_session session;
	struct site_stats stats;
	struct ticket tickets[TICKETS_MAX];
	size_t waiting;
	uint64_t entries; /* what was submitted, in order */
};

static enum status take(void *context, const struct intake *in)
{
	struct desk *d = context;
	d->entries = hash64_seeded(in->body, d->entries + (uint64_t)in->kind);
	if (in->wants_settled) {
		assert(d->waiting < TICKETS_MAX);
		d->tickets[d->waiting++] = in->ticket;
	}
	return STATUS_OK;
}

static void hear(void *context, struct span bytes)
{
	(void)context;
	assert(bytes.size && bytes.size <= SITE_ANSWER_MAX);
}

static void open_all(void)
{
	static const char text[] = "a gb26875 127.0.0.1:0 unknown=keep\nb hj212 127.0.0.1:0 unknown=keep\n"
				   "c sl651 127.0.0.1:0 unknown=keep\n";
	static char dir[] = "/tmp/zayton-fuzz-sites-XXXXXX";
	struct buf mistakes = buf_init(4096);
	log_set_level(LOG_OFF);
	struct engine_options o = engine_options_default(mkdtemp(dir));
	o.shards = 1;
	if (engine_open(&o, &engine) || sites_parse("f", span_of_string(text), &config, &mistakes))
		abort();
}

static void feed(struct desk *d, struct span bytes)
{
	enum site_wait wait;
	if (site_session_put(&d->session, bytes))
		abort();
	while ((wait = site_session_run(&d->session, NOW)) != SITE_WAIT_NONE) {
		if (wait == SITE_WAIT_JOB) {
			site_session_job_run(&d->session);
			assert(site_session_job_done(&d->session));
		}
		assert(wait != SITE_WAIT_ROOM);
		for (; wait == SITE_WAIT_SETTLE && d->waiting; d->waiting--)
			site_session_settled(&d->session, &d->tickets[d->waiting - 1], STATUS_OK);
	}
}

static uint64_t play(unsigned listener, struct span bytes, size_t cut)
{
	struct desk *d = calloc(1, sizeof *d);
	d->session = (struct site_session){.config = config,
					   .listener = listener,
					   .stats = &d->stats,
					   .engine = engine,
					   .context = d,
					   .submit = take,
					   .reply = hear};
	if (site_session_init(&d->session))
		abort();
	if (cut)
		feed(d, span_of(bytes.data, cut));
	feed(d, span_of(bytes.data + cut, bytes.size - cut));
	uint64_t entries = d->entries;
	site_session_deinit(&d->session);
	free(d);
	return entries;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!engine)
		open_all();
	if (size < 3 || size > 16384)
		return 0;
	struct span bytes = span_of(data + 2, size - 2);
	unsigned listener = data[0] % 3;
	if (play(listener, bytes, 0) != play(listener, bytes, data[1] % bytes.size))
		abort();
	return 0;
}
