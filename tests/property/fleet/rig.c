#include "rig.h"

#include <criterion/criterion.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/core/clock.h"
#include "engine/core/hash.h"
#include "engine/core/log.h"

static void on_settled(void *context, struct shard *shard, const struct ticket *ticket, enum status status)
{
	struct rig *r = context;
	(void)shard;
	(void)ticket;
	pthread_mutex_lock(&r->lock);
	r->settled++;
	r->failed += status != STATUS_OK;
	pthread_cond_broadcast(&r->changed);
	pthread_mutex_unlock(&r->lock);
}

void rig_init(struct rig *r)
{
	memset(r, 0, sizeof *r);
	log_set_level(LOG_WARN);
	strcpy(r->dir, "/tmp/zayton-fleet-XXXXXX");
	cr_assert_not_null(mkdtemp(r->dir));
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->changed, NULL);
	r->options = engine_options_default(r->dir);
	r->options.gather_us = 0;
	r->options.callbacks = (struct engine_callbacks){.context = r, .settled = on_settled};
}

static int remove_entry(const char *path, const struct stat *seen, int kind, struct FTW *walk)
{
	(void)seen;
	(void)kind;
	(void)walk;
	return remove(path);
}

void rig_deinit(struct rig *r)
{
	nftw(r->dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

void rig_open(struct rig *r)
{
	cr_assert_eq(engine_open(&r->options, &r->engine), STATUS_OK);
	cr_assert_eq(engine_start(r->engine), STATUS_OK);
}

void rig_close(struct rig *r)
{
	engine_stop(r->engine);
	engine_close(r->engine);
	r->engine = NULL;
}

uint64_t rig_device(unsigned number)
{
	char name[16];
	snprintf(name, sizeof name, "1390000%04u", number);
	return device_id(DEVICE_KIND_JT808, span_of_string(name));
}

static void put_item(struct sent *s, uint8_t id, uint8_t size, uint32_t value)
{
	s->body[s->size++] = id;
	s->body[s->size++] = size;
	for (int shift = (size - 1) * 8; shift >= 0; shift -= 8)
		s->body[s->size++] = (uint8_t)(value >> shift);
}

struct sent rig_report(uint64_t device, int64_t time_ms, uint64_t random)
{
	struct sent s = {.device = device, .received_ms = time_ms + 1000, .size = 28};
	store_be32(s.body, (uint32_t)(random & 3));
	store_be32(s.body + 4, 3u | (uint32_t)(random >> 8 & 3) << 8);
	store_be32(s.body + 8, 24900000u + (uint32_t)(random % 10007));
	store_be32(s.body + 12, 118720000u + (uint32_t)(random % 10009));
	store_be16(s.body + 16, (uint16_t)(random >> 16 & 63));
	store_be16(s.body + 18, (uint16_t)(random >> 20 & 1023));
	store_be16(s.body + 20, (uint16_t)(random % 360));
	cr_assert_eq(bcd_time_encode(time_ms, s.body + 22), STATUS_OK);
	if (random & 4)
		put_item(&s, 0x01, 4, (uint32_t)(random >> 32));
	if (random & 8)
		put_item(&s, 0x31, 1, (uint32_t)(random >> 40));
	return s;
}

struct order {
	struct rig *rig;
	struct shard *shard;
	const struct sent *reports;
	size_t count, at;
};

static void submit_some(void *context)
{
	struct order *o = context;
	for (; o->at < o->count; o->at++) {
		const struct sent *s = &o->reports[o->at];
		struct report report;
		struct span body = span_of(s->body, s->size);
		cr_assert_eq(report_from_jt808(body, &report), STATUS_OK);
		report.received_ms = s->received_ms;
		report.flags |= s->flags;
		struct intake in = {.kind = INTAKE_REPORT,
				    .device = s->device,
				    .received_ms = s->received_ms,
				    .report = &report,
				    .body = body,
				    .wants_settled = true};
		enum status status = shard_submit(o->shard, &in);
		if (status == STATUS_BUSY) {
			cr_assert_eq(shard_post(o->shard, submit_some, o), STATUS_OK);
			return;
		}
		cr_assert_eq(status, STATUS_OK);
	}
}

void rig_submit(struct rig *r, unsigned index, const struct sent *reports, size_t count)
{
	struct order o = {r, engine_shard(r->engine, index), reports, count, 0};
	pthread_mutex_lock(&r->lock);
	uint64_t until = r->settled + count;
	pthread_mutex_unlock(&r->lock);
	cr_assert_eq(shard_post(o.shard, submit_some, &o), STATUS_OK);
	pthread_mutex_lock(&r->lock);
	while (r->settled < until)
		pthread_cond_wait(&r->changed, &r->lock);
	pthread_mutex_unlock(&r->lock);
	r->submitted += count;
	cr_assert_eq(r->failed, 0);
}

uint64_t rig_digest(struct rig *r, uint64_t device, size_t *out_count)
{
	struct track *t;
	struct report report, before = {0};
	struct buf body = buf_init(1u << 20);
	uint64_t digest = 0;
	enum status status;
	*out_count = 0;
	cr_assert_eq(track_open(r->engine, device, INT64_MIN, INT64_MAX, &t), STATUS_OK);
	while ((status = track_next(t, &report)) == STATUS_OK) {
		cr_assert(!*out_count || report_compare(&before, &report) < 0, "not ascending");
		before = report;
		buf_clear(&body);
		cr_assert_eq(report_body(&report, &body), STATUS_OK);
		cr_assert_eq(hash64(buf_view(&body)), report.hash);
		digest = hash64_seeded(buf_view(&body), digest);
		digest ^= (uint64_t)report.received_ms * 31 + report.flags;
		++*out_count;
	}
	cr_assert_eq(status, STATUS_END);
	track_close(t);
	buf_deinit(&body);
	return digest;
}
