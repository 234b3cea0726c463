/* Three buffers carry entries from the owner to the disk:
 *
 *   journal_add ─> fill ─ journal_commit ─> handed ─ committer swaps ─> writing ─> batch(es) ─> segment
 *                  owner's own              under the lock              committer's own
 *
 * so that journal_add takes no lock and what the owner handed over never waits for it to come back. Bytes
 * count against pending_max from journal_add until they are durable; the buffers keep their size.
 *
 * A round is: take what was handed over, write it, sync, raise `durable`. Rounds begin at least gather_us
 * apart; the first after a rest begins at once. While the committer waits for its time nobody wakes it:
 * a busy journal costs one timer a round and no futex call of the owner. */
#include "engine/store/journal.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "engine/core/clock.h"
#include "engine/core/crash.h"
#include "engine/core/limits.h"
#include "engine/core/log.h"
#include "engine/store/journal_files.h"
#include "engine/store/journal_segment.h"

#define SEGMENT_BYTES_DEFAULT (UINT64_C(64) << 20)
#define PENDING_DEFAULT (8u << 20)
/* Zeros written ahead of the batches. Into blocks already written, a sync of 3 kB took 126 us and 47 us of
 * CPU; past the end of the file 210 and 82; into fallocated blocks 180 and 70 (ext4, decisions/journal.md). */
#define ROOM_BYTES (256u << 10)
#define ZERO_BYTES (64u << 10)
#define RETRY_NS (INT64_C(100) * 1000000)
#define NEVER INT64_MAX

struct journal {
	struct journal_options options;
	char *dir;

	/* owner */
	struct buf fill;
	uint32_t fill_count;
	uint64_t last; /* position handed out */
	uint64_t added_bytes;

	/* both */
	_Atomic uint64_t durable;
	_Atomic uint64_t released_bytes;
	_Atomic int health;
	pthread_t committer;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	/* under the lock */
	struct buf handed;
	uint32_t handed_count;
	uint64_t trim_below;
	bool idle; /* the committer waits for the owner alone */
	bool closing;
	struct journal_folder folder;
	struct journal_stats stats;

	/* committer */
	struct buf writing;
	struct buf encoded;
	int fd;
	uint64_t offset;   /* end of the batches in the newest segment */
	uint64_t room_end; /* zeros are written up to here */
	uint64_t written;  /* last position written */
	uint64_t synced;   /* last position synced */
	int64_t round_began_ns, synced_ns;
};

static enum status health(const struct journal *j)
{
	return (enum status)atomic_load_explicit(&((struct journal *)j)->health, memory_order_acquire);
}

static void set_health(struct journal *j, enum status status)
{
	if (health(j) == status)
		return;
	if (status)
		log_error("journal", "%s: %s; nothing is acknowledged", j->dir, status_text(status));
	else
		log_info("journal", "%s: working again", j->dir);
	atomic_store_explicit(&j->health, (int)status, memory_order_release);
	if (status && j->options.on_durable)
		j->options.on_durable(j->options.context);
}

/* --- committer: the segment --- */

/* After a failed fdatasync the kernel may have marked the pages clean and forgotten the error, so that a
 * second fdatasync succeeds although the data never reached the disk ("fsyncgate", PostgreSQL 2018; Rebello
 * et al., "Can Applications Recover from fsync Failures?", USENIX ATC 2020). Hence no retry, whatever the
 * error: the journal fails for good, acknowledges nothing more, and reopening reads what is really there. */
static enum status sync_segment(struct journal *j)
{
	if (j->synced == j->written)
		return STATUS_OK;
	crash_point("journal_sync");
	if (fdatasync(j->fd) != 0) {
		log_error("journal", "%s: fdatasync: %s", j->dir, strerror(errno));
		return STATUS_IO;
	}
	crash_point("journal_sync");
	j->synced = j->written;
	j->synced_ns = clock_monotonic_ns();
	pthread_mutex_lock(&j->lock);
	j->stats.syncs++;
	pthread_mutex_unlock(&j->lock);
	return STATUS_OK;
}

static enum status write_at(struct journal *j, const uint8_t *data, size_t size, uint64_t offset)
{
	while (size) {
		ssize_t n = pwrite(j->fd, data, size, (off_t)offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n == 0 ? STATUS_NO_SPACE : journal_errno_status(errno);
		data += n;
		size -= (size_t)n;
		offset += (uint64_t)n;
	}
	return STATUS_OK;
}

/* Zeros after the batches, so that the syncs to come find their blocks written. Only a saving: where there
 * is no room for them there may still be room for the batches. */
static void write_room(struct journal *j)
{
	static const uint8_t zeros[ZERO_BYTES];
	struct iovec parts[ROOM_BYTES / ZERO_BYTES];
	int count = 0;
	if (j->offset < j->room_end || j->offset >= j->options.segment_bytes)
		return;
	uint64_t left = j->options.segment_bytes - j->offset;
	for (left = left < ROOM_BYTES ? left : ROOM_BYTES; left; count++) {
		size_t size = left < ZERO_BYTES ? (size_t)left : ZERO_BYTES;
		parts[count] = (struct iovec){(void *)(uintptr_t)zeros, size};
		left -= size;
	}
	ssize_t n = pwritev(j->fd, parts, count, (off_t)j->offset);
	j->room_end = j->offset + (n > 0 ? (uint64_t)n : 0);
}

/* Everything in the old segment is synced before the new one has a name, under every policy: a torn write
 * can only ever be in the last segment. */
static enum status begin_segment(struct journal *j, uint64_t first_position, uint16_t flags)
{
	int fd;
	enum status status = sync_segment(j);
	if (status)
		return status;
	if (j->fd >= 0 && ftruncate(j->fd, (off_t)j->offset) != 0)
		log_warn("journal", "%s: ftruncate: %s", j->dir, strerror(errno)); /* zeros at the end do no harm */
	j->room_end = j->offset;
	struct journal_folder *f = &j->folder;
	struct journal_segment_ref ref = {
		.header = {f->count ? f->segments[f->count - 1].header.number + 1 : 1, first_position, flags},
		.bytes = JOURNAL_SEGMENT_HEADER,
	};
	if ((status = journal_folder_make(f, &ref.header, &fd)))
		return status;
	pthread_mutex_lock(&j->lock);
	status = journal_folder_list(f, &ref);
	pthread_mutex_unlock(&j->lock);
	if (status) {
		close(fd);
		return status;
	}
	if (j->fd >= 0)
		close(j->fd);
	j->fd = fd;
	j->offset = JOURNAL_SEGMENT_HEADER;
	j->room_end = JOURNAL_SEGMENT_HEADER;
	return STATUS_OK;
}

static enum status write_batch(struct journal *j, const struct journal_batch *b)
{
	if (j->offset >= j->options.segment_bytes && j->offset > JOURNAL_SEGMENT_HEADER) {
		enum status status = begin_segment(j, b->first_position, 0);
		if (status)
			return status;
	}
	crash_point("journal_write");
	enum status status = write_at(j, j->encoded.data, j->encoded.size, j->offset);
	if (status)
		return status;
	crash_point("journal_write");
	j->offset += j->encoded.size;
	j->written = b->first_position + b->count - 1;
	write_room(j);
	pthread_mutex_lock(&j->lock);
	j->folder.segments[j->folder.count - 1].bytes = j->offset;
	j->stats.batches++;
	j->stats.raw_bytes += b->entries.size;
	j->stats.stored_bytes += j->encoded.size;
	pthread_mutex_unlock(&j->lock);
	return STATUS_OK;
}

/* --- committer: trimming --- */

static uint64_t take_trimmable(struct journal *j)
{
	struct journal_folder *f = &j->folder;
	/* the newest stays: its header keeps the next position */
	if (f->count < 2 || f->segments[1].header.first_position > j->trim_below)
		return 0;
	return f->segments[0].header.number;
}

/* Oldest first, so that what is left is always a run without a gap. Enters and leaves with the lock held. */
static void trim_segments(struct journal *j)
{
	bool any = false;
	uint64_t number;
	while ((number = take_trimmable(j))) {
		pthread_mutex_unlock(&j->lock);
		crash_point("trim");
		enum status status = journal_folder_unlink(&j->folder, number);
		crash_point("trim");
		pthread_mutex_lock(&j->lock);
		if (status)
			break;
		struct journal_folder *f = &j->folder;
		memmove(f->segments, f->segments + 1, --f->count * sizeof *f->segments);
		any = true;
	}
	j->trim_below = 0;
	if (!any)
		return;
	pthread_mutex_unlock(&j->lock);
	if (fsync(j->folder.fd) != 0) /* a trimmed segment that comes back is skipped by position */
		log_warn("journal", "%s: fsync: %s", j->dir, strerror(errno));
	pthread_mutex_lock(&j->lock);
}

/* --- committer: rounds --- */

static void wait_until(struct journal *j, int64_t deadline_ns)
{
	if (deadline_ns == NEVER) {
		pthread_cond_wait(&j->wake, &j->lock);
		return;
	}
	struct timespec deadline = {deadline_ns / 1000000000, deadline_ns % 1000000000};
	pthread_cond_timedwait(&j->wake, &j->lock, &deadline);
}

/* Disk full: the batch stays where it is until there is room for it. False when the journal is being closed. */
static bool wait_for_room(struct journal *j, enum status why)
{
	set_health(j, why);
	int64_t deadline = clock_monotonic_ns() + RETRY_NS;
	pthread_mutex_lock(&j->lock);
	while (!j->closing && !j->trim_below && clock_monotonic_ns() < deadline)
		wait_until(j, deadline);
	if (j->trim_below)
		trim_segments(j);
	bool again = !j->closing;
	pthread_mutex_unlock(&j->lock);
	return again;
}

static enum status try_batch(struct journal *j, const struct journal_batch *b)
{
	buf_clear(&j->encoded);
	enum status status = buf_reserve(&j->encoded, journal_batch_room(b->entries.size));
	if (status)
		return status;
	j->encoded.size = journal_batch_encode(b, j->options.compress_min, j->encoded.data);
	return write_batch(j, b);
}

/* A batch that could not be written is written again from its beginning at the same place. */
static enum status persist_batch(struct journal *j, const struct journal_batch *b)
{
	enum status status = try_batch(j, b);
	while ((status == STATUS_NO_SPACE || status == STATUS_NO_MEMORY) && wait_for_room(j, status))
		status = try_batch(j, b);
	return status;
}

/* As many entries from `c` on as make one batch. */
static struct journal_batch cut_batch(const struct journal *j, struct cursor *c)
{
	struct journal_batch b = {.first_position = j->written + 1, .synced = j->synced};
	const uint8_t *start = c->at;
	struct cursor next = *c;
	uint8_t kind;
	struct span payload;
	while (!journal_entry_next(&next, &kind, &payload) && (size_t)(next.at - start) <= JOURNAL_BATCH_MAX) {
		*c = next;
		b.count++;
	}
	b.entries = span_of(start, (size_t)(c->at - start));
	return b;
}

static enum status persist(struct journal *j, uint32_t count)
{
	if (j->writing.size <= JOURNAL_BATCH_MAX) {
		struct journal_batch b = {j->written + 1, j->synced, count, buf_view(&j->writing)};
		return persist_batch(j, &b);
	}
	struct cursor c = cursor_of(buf_view(&j->writing));
	enum status status = STATUS_OK;
	while (!status && cursor_left(&c)) {
		struct journal_batch b = cut_batch(j, &c);
		assert(b.count > 0);
		status = persist_batch(j, &b);
	}
	return status;
}

/* Enters and leaves with the lock held. */
static void run_round(struct journal *j)
{
	struct buf taken = j->handed;
	uint32_t count = j->handed_count;
	j->handed = j->writing;
	j->handed_count = 0;
	j->writing = taken;
	j->round_began_ns = clock_monotonic_ns();
	pthread_mutex_unlock(&j->lock);

	enum status status = persist(j, count);
	if (!status && j->options.durability == JOURNAL_SYNC)
		status = sync_segment(j);
	if (!status) {
		atomic_store_explicit(&j->durable, j->written, memory_order_release);
		atomic_fetch_add_explicit(&j->released_bytes, j->writing.size, memory_order_release);
		buf_clear(&j->writing);
	}
	/* NO_SPACE here means closing without room; the entries were never acknowledged */
	set_health(j, status);
	if (!status && j->options.on_durable)
		j->options.on_durable(j->options.context);
	pthread_mutex_lock(&j->lock);
}

static int64_t sync_deadline(const struct journal *j)
{
	if (j->options.durability != JOURNAL_INTERVAL || j->synced == j->written)
		return NEVER;
	return j->synced_ns + (int64_t)j->options.interval_ms * 1000000;
}

static int64_t round_deadline(const struct journal *j)
{
	return j->handed.size ? j->round_began_ns + (int64_t)j->options.gather_us * 1000 : NEVER;
}

/* Until a round or a sync is due, or something else was asked for. */
static void wait_for_work(struct journal *j)
{
	while (!j->closing && !j->trim_below) {
		int64_t round = NEVER, sync = NEVER;
		if (!health(j)) {
			round = round_deadline(j);
			sync = sync_deadline(j);
		}
		int64_t deadline = round < sync ? round : sync;
		if (deadline <= clock_monotonic_ns())
			return;
		j->idle = round == NEVER;
		wait_until(j, deadline);
		j->idle = false;
	}
}

static void *committer_run(void *argument)
{
	struct journal *j = argument;
	pthread_mutex_lock(&j->lock);
	for (;;) {
		wait_for_work(j);
		if (j->trim_below)
			trim_segments(j);
		if (!health(j) && j->handed.size && (j->closing || round_deadline(j) <= clock_monotonic_ns()))
			run_round(j);
		bool sync_now = !health(j) && (j->closing || sync_deadline(j) <= clock_monotonic_ns());
		if (sync_now) {
			pthread_mutex_unlock(&j->lock);
			enum status status = sync_segment(j);
			if (status)
				set_health(j, status);
			pthread_mutex_lock(&j->lock);
		}
		if (j->closing && (health(j) || !j->handed.size))
			break;
	}
	pthread_mutex_unlock(&j->lock);
	return NULL;
}

/* --- opening and closing --- */

/* The end of the last segment: cut a torn write off, and make what a killed process had written but not
 * synced durable before anyone builds on it. */
static enum status recover_last(struct journal *j)
{
	struct journal_folder *f = &j->folder;
	struct journal_walk w = {0};
	enum status status = journal_folder_walk(f, f->count - 1, &w);
	if (status || (status = journal_folder_reopen_last(f, &j->fd)))
		return status;
	struct journal_segment_ref *last = &f->segments[f->count - 1];
	if (w.end_offset < last->bytes && ftruncate(j->fd, (off_t)w.end_offset) != 0)
		return journal_errno_status(errno);
	if (fsync(j->fd) != 0 || fsync(f->fd) != 0)
		return STATUS_IO;
	last->bytes = w.end_offset;
	j->offset = j->room_end = w.end_offset;
	j->last = j->written = j->synced = w.next_position - 1;
	return STATUS_OK;
}

static enum status open_folder(struct journal *j)
{
	enum status status = journal_folder_open(&j->folder, j->dir, true, NULL);
	if (status)
		return status;
	status = j->folder.count ? recover_last(j) : begin_segment(j, 1, 0);
	atomic_store_explicit(&j->durable, j->written, memory_order_release);
	return status;
}

/* Signals are the loop's business; and a write past RLIMIT_FSIZE must come back as an error here. */
static enum status start_committer(struct journal *j)
{
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int error = pthread_create(&j->committer, NULL, committer_run, j);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error)
		return STATUS_NO_MEMORY;
	pthread_setname_np(j->committer, "journal");
	return STATUS_OK;
}

static void release(struct journal *j)
{
	if (j->fd >= 0)
		close(j->fd);
	journal_folder_close(&j->folder);
	pthread_cond_destroy(&j->wake);
	pthread_mutex_destroy(&j->lock);
	buf_deinit(&j->fill);
	buf_deinit(&j->handed);
	buf_deinit(&j->writing);
	buf_deinit(&j->encoded);
	free(j->dir);
	free(j);
}

static void apply_defaults(struct journal_options *o)
{
	if (!o->segment_bytes)
		o->segment_bytes = SEGMENT_BYTES_DEFAULT;
	if (o->segment_bytes > JOURNAL_SEGMENT_MAX / 2)
		o->segment_bytes = JOURNAL_SEGMENT_MAX / 2;
	if (!o->pending_max)
		o->pending_max = PENDING_DEFAULT;
	if (!o->compress_min)
		o->compress_min = SIZE_MAX;
}

enum status journal_open(const struct journal_options *options, struct journal **out)
{
	struct journal *j = calloc(1, sizeof *j);
	if (!j)
		return STATUS_NO_MEMORY;
	j->options = *options;
	apply_defaults(&j->options);
	size_t buffer_max = j->options.pending_max > JOURNAL_ENTRY_MAX ? j->options.pending_max : JOURNAL_ENTRY_MAX;
	j->fill = j->handed = j->writing = buf_init(buffer_max);
	j->encoded = buf_init(journal_batch_room(JOURNAL_BATCH_MAX));
	j->fd = j->folder.fd = -1;
	j->round_began_ns = j->synced_ns = INT64_MIN / 2; /* long ago: the first round begins at once */
	pthread_condattr_t monotonic;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&j->wake, &monotonic);
	pthread_condattr_destroy(&monotonic);
	pthread_mutex_init(&j->lock, NULL);
	j->dir = strdup(options->dir);
	enum status status = j->dir ? open_folder(j) : STATUS_NO_MEMORY;
	if (!status)
		status = start_committer(j);
	if (status) {
		release(j);
		return status;
	}
	*out = j;
	return STATUS_OK;
}

void journal_close(struct journal *j)
{
	if (!j)
		return;
	journal_commit(j);
	pthread_mutex_lock(&j->lock);
	j->closing = true;
	pthread_cond_signal(&j->wake);
	pthread_mutex_unlock(&j->lock);
	pthread_join(j->committer, NULL);
	if (j->fill.size || j->handed.size || j->writing.size)
		log_error("journal", "%s: closed with entries that were never written", j->dir);
	if (ftruncate(j->fd, (off_t)j->offset) != 0)
		log_warn("journal", "%s: ftruncate: %s", j->dir, strerror(errno));
	release(j);
}

/* --- owner --- */

static bool exceeds(const struct span *parts, size_t part_count, size_t *out_total)
{
	size_t total = 0;
	for (size_t i = 0; i < part_count; i++) {
		if (parts[i].size > JOURNAL_ENTRY_MAX)
			return true;
		total += parts[i].size;
		if (total > JOURNAL_ENTRY_MAX)
			return true;
	}
	*out_total = total;
	return journal_entry_size(total) > JOURNAL_ENTRY_MAX;
}

static size_t pending_bytes(const struct journal *j)
{
	struct journal *shared = (struct journal *)j;
	return (size_t)(j->added_bytes - atomic_load_explicit(&shared->released_bytes, memory_order_acquire));
}

enum status journal_add(struct journal *j, uint8_t kind, const struct span *parts, size_t part_count,
			uint64_t *out_position)
{
	size_t payload;
	if (exceeds(parts, part_count, &payload))
		return STATUS_TOO_LONG;
	enum status status = health(j);
	if (status)
		return status;
	size_t size = journal_entry_size(payload), pending = pending_bytes(j);
	if (pending && (pending > j->options.pending_max || size > j->options.pending_max - pending))
		return STATUS_BUSY;
	status = buf_reserve(&j->fill, size);
	if (status)
		return status;
	uint8_t *at = j->fill.data + j->fill.size;
	at += journal_entry_head(at, kind, payload);
	for (size_t i = 0; i < part_count; i++) {
		if (parts[i].size)
			memcpy(at, parts[i].data, parts[i].size);
		at += parts[i].size;
	}
	j->fill.size += size;
	assert(at == j->fill.data + j->fill.size);
	j->fill_count++;
	j->added_bytes += size;
	*out_position = ++j->last;
	return STATUS_OK;
}

void journal_commit(struct journal *j)
{
	if (!j->fill.size)
		return;
	pthread_mutex_lock(&j->lock);
	if (!j->handed.size) {
		struct buf empty = j->handed;
		j->handed = j->fill;
		j->fill = empty;
	} else if (buf_append(&j->handed, j->fill.data, j->fill.size)) {
		/* out of memory: the next commit after this round finds `handed` empty */
		pthread_mutex_unlock(&j->lock);
		return;
	} else {
		buf_clear(&j->fill);
	}
	j->handed_count += j->fill_count;
	j->fill_count = 0;
	bool wake = j->idle;
	j->idle = false;
	pthread_mutex_unlock(&j->lock);
	if (wake)
		pthread_cond_signal(&j->wake);
}

enum status journal_replay(struct journal *j, uint64_t from, journal_visit *visit, void *context)
{
	assert(!j->added_bytes);
	struct journal_walk w = {.from = from, .visit = visit, .context = context};
	/* nothing was added or trimmed yet, so the committer does not touch the folder */
	const struct journal_folder *f = &j->folder;
	size_t first = 0;
	while (first + 1 < f->count && f->segments[first + 1].header.first_position <= from)
		first++;
	return journal_folder_walk(f, first, &w);
}

enum status journal_trim(struct journal *j, uint64_t position)
{
	pthread_mutex_lock(&j->lock);
	uint64_t before = j->trim_below;
	j->trim_below = position > before ? position : before;
	if (!take_trimmable(j))
		j->trim_below = before;
	bool wake = j->trim_below != before;
	pthread_mutex_unlock(&j->lock);
	if (wake)
		pthread_cond_signal(&j->wake);
	return STATUS_OK;
}

enum status journal_skip(struct journal *j, uint64_t position)
{
	assert(!j->added_bytes);
	if (position <= j->last)
		return STATUS_OK;
	if (position > INT64_MAX)
		return STATUS_OUT_OF_RANGE;
	enum status status = begin_segment(j, position + 1, JOURNAL_SEGMENT_AFTER_GAP);
	if (status)
		return status;
	j->last = position;
	pthread_mutex_lock(&j->lock);
	j->written = j->synced = position;
	pthread_mutex_unlock(&j->lock);
	atomic_store_explicit(&j->durable, position, memory_order_release);
	return STATUS_OK;
}

uint64_t journal_durable(const struct journal *j)
{
	return atomic_load_explicit(&((struct journal *)j)->durable, memory_order_acquire);
}

enum status journal_health(const struct journal *j)
{
	return health(j);
}

uint64_t journal_last(const struct journal *j)
{
	return j->last;
}

void journal_stats(const struct journal *j, struct journal_stats *out)
{
	struct journal *shared = (struct journal *)j;
	pthread_mutex_lock(&shared->lock);
	*out = j->stats;
	out->segments = j->folder.count;
	out->first_position = j->folder.segments[0].header.first_position;
	for (size_t i = 0; i < j->folder.count; i++)
		out->bytes_on_disk += j->folder.segments[i].bytes;
	pthread_mutex_unlock(&shared->lock);
	out->pending_bytes = pending_bytes(j);
}
