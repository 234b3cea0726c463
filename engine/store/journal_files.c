#include "engine/store/journal_files.h"
#include "engine/store/folder.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/core/log.h"

#define NAME_BYTES 40

enum status journal_errno_status(int error)
{
	switch (error) {
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return STATUS_NO_SPACE;
	case ENOMEM:
		return STATUS_NO_MEMORY;
	default:
		return STATUS_IO;
	}
}

static void segment_name(char out[NAME_BYTES], uint64_t number, const char *suffix)
{
	snprintf(out, NAME_BYTES, "%08" PRIu64 ".%s", number, suffix);
}

__attribute__((format(printf, 2, 3))) static void complain(struct buf *complaints, const char *format, ...)
{
	char text[LOG_LINE_MAX];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	log_error("journal", "%s", text);
	/* a full list of complaints has said enough */
	if (complaints && buf_printf(complaints, "%s\n", text))
		return;
}

static enum status file_failed(const struct journal_folder *f, const char *doing, const char *name)
{
	enum status status = journal_errno_status(errno);
	log_error("journal", "%s %s/%s: %s", doing, f->dir, name, strerror(errno));
	return status;
}

/* --- listing --- */

enum status journal_folder_list(struct journal_folder *f, const struct journal_segment_ref *ref)
{
	if (f->count == f->capacity) {
		size_t capacity = f->capacity ? 2 * f->capacity : 16;
		struct journal_segment_ref *more = realloc(f->segments, capacity * sizeof *more);
		if (!more)
			return STATUS_NO_MEMORY;
		f->segments = more;
		f->capacity = capacity;
	}
	f->segments[f->count++] = *ref;
	return STATUS_OK;
}

static int by_number(const void *a, const void *b)
{
	const struct journal_segment_ref *x = a, *y = b;
	return (x->header.number > y->header.number) - (x->header.number < y->header.number);
}

/* "00000012.journal" -> 12; 0 for any other name. */
static uint64_t number_of_name(const char *name, const char *suffix)
{
	char again[NAME_BYTES], *end;
	if (name[0] < '0' || name[0] > '9')
		return 0;
	uint64_t number = strtoull(name, &end, 10);
	segment_name(again, number, suffix);
	return strcmp(name, again) == 0 ? number : 0;
}

static enum status list_names(struct journal_folder *f, bool remove_unfinished)
{
	int fd = openat(f->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	if (!d) {
		if (fd >= 0)
			close(fd);
		return file_failed(f, "list", ".");
	}
	enum status status = STATUS_OK;
	struct dirent *entry;
	while (!status && (errno = 0, entry = readdir(d))) {
		struct journal_segment_ref ref = {.header.number = number_of_name(entry->d_name, "journal")};
		if (ref.header.number)
			status = journal_folder_list(f, &ref);
		else if (remove_unfinished && number_of_name(entry->d_name, "new") &&
			 unlinkat(f->fd, entry->d_name, 0) != 0)
			status = file_failed(f, "unlink", entry->d_name);
	}
	if (!status && errno)
		status = file_failed(f, "list", ".");
	closedir(d);
	if (f->count)
		qsort(f->segments, f->count, sizeof *f->segments, by_number);
	return status;
}

static enum status read_header(struct journal_folder *f, struct journal_segment_ref *ref, struct buf *complaints)
{
	char name[NAME_BYTES];
	uint8_t bytes[JOURNAL_SEGMENT_HEADER];
	uint64_t number = ref->header.number;
	segment_name(name, number, "journal");
	int fd = openat(f->fd, name, O_RDONLY | O_CLOEXEC);
	struct stat st;
	ssize_t n = -1;
	if (fd < 0 || fstat(fd, &st) != 0 || (n = pread(fd, bytes, sizeof bytes, 0)) < 0) {
		enum status failed = file_failed(f, "read", name);
		if (fd >= 0)
			close(fd);
		return failed;
	}
	close(fd);
	ref->bytes = (uint64_t)st.st_size;
	enum status status = journal_segment_header_decode(span_of(bytes, (size_t)n), &ref->header);
	if (!status && ref->header.number == number && ref->bytes <= JOURNAL_SEGMENT_MAX)
		return STATUS_OK;
	if (status != STATUS_BAD_VERSION)
		status = STATUS_CORRUPT;
	complain(complaints, "%s/%s: offset 0: segment header: %s", f->dir, name, status_text(status));
	return status;
}

/* Numbers follow one another and positions never fall: a segment missing between two others is damage. */
static enum status check_order(const struct journal_folder *f, struct buf *complaints)
{
	for (size_t i = 1; i < f->count; i++) {
		const struct journal_segment_header *a = &f->segments[i - 1].header, *b = &f->segments[i].header;
		if (b->number == a->number + 1 && b->first_position >= a->first_position)
			continue;
		complain(complaints, "%s: segments %" PRIu64 " and %" PRIu64 " do not follow one another", f->dir,
			 a->number, b->number);
		return STATUS_CORRUPT;
	}
	return STATUS_OK;
}

enum status journal_folder_open(struct journal_folder *f, const char *dir, bool writing, struct buf *complaints)
{
	*f = (struct journal_folder){.dir = dir, .fd = -1};
	enum status status = writing ? folder_make(dir) : STATUS_OK;
	if (status)
		return status;
	f->fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (f->fd < 0) {
		if (errno == ENOENT)
			return STATUS_NOT_FOUND;
		return file_failed(f, "open", ".");
	}
	if (writing && flock(f->fd, LOCK_EX | LOCK_NB) != 0)
		status = errno == EWOULDBLOCK ? STATUS_BUSY : file_failed(f, "lock", ".");
	if (!status)
		status = list_names(f, writing);
	for (size_t i = 0; i < f->count && !status; i++)
		status = read_header(f, &f->segments[i], complaints);
	if (!status)
		status = check_order(f, complaints);
	if (status)
		journal_folder_close(f);
	return status;
}

void journal_folder_close(struct journal_folder *f)
{
	if (f->fd >= 0)
		close(f->fd);
	free(f->segments);
	*f = (struct journal_folder){.fd = -1};
}

/* --- making and removing --- */

enum status journal_folder_make(const struct journal_folder *f, const struct journal_segment_header *h, int *out_fd)
{
	char temporary[NAME_BYTES], name[NAME_BYTES];
	uint8_t bytes[JOURNAL_SEGMENT_HEADER];
	segment_name(temporary, h->number, "new");
	segment_name(name, h->number, "journal");
	journal_segment_header_encode(h, bytes);
	int fd = openat(f->fd, temporary, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
	if (fd < 0)
		return journal_errno_status(errno);
	errno = ENOSPC; /* what a short write of 40 bytes means */
	if (pwrite(fd, bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes || fsync(fd) != 0 ||
	    renameat(f->fd, temporary, f->fd, name) != 0 || fsync(f->fd) != 0) {
		enum status status = journal_errno_status(errno);
		close(fd);
		return status;
	}
	*out_fd = fd;
	return STATUS_OK;
}

enum status journal_folder_reopen_last(struct journal_folder *f, int *out_fd)
{
	char name[NAME_BYTES];
	assert(f->count > 0);
	segment_name(name, f->segments[f->count - 1].header.number, "journal");
	*out_fd = openat(f->fd, name, O_RDWR | O_CLOEXEC);
	return *out_fd >= 0 ? STATUS_OK : file_failed(f, "open", name);
}

enum status journal_folder_unlink(struct journal_folder *f, uint64_t number)
{
	char name[NAME_BYTES];
	segment_name(name, number, "journal");
	if (unlinkat(f->fd, name, 0) != 0 && errno != ENOENT)
		return file_failed(f, "unlink", name);
	return STATUS_OK;
}

/* --- reading --- */

static enum status read_whole(const struct journal_folder *f, const struct journal_segment_ref *ref, struct buf *out)
{
	char name[NAME_BYTES];
	segment_name(name, ref->header.number, "journal");
	int fd = openat(f->fd, name, O_RDONLY | O_CLOEXEC);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) != 0) {
		enum status failed = file_failed(f, "read", name);
		if (fd >= 0)
			close(fd);
		return failed;
	}
	buf_clear(out);
	enum status status = buf_reserve(out, (size_t)st.st_size);
	while (!status && out->size < (size_t)st.st_size) {
		ssize_t n = pread(fd, out->data + out->size, (size_t)st.st_size - out->size, (off_t)out->size);
		if (n == 0)
			break;
		if (n < 0 && errno != EINTR)
			status = file_failed(f, "read", name);
		else if (n > 0)
			out->size += (size_t)n;
	}
	close(fd);
	return status;
}

static enum status damaged(const struct journal_folder *f, const struct journal_segment_ref *ref, uint64_t offset,
			   uint64_t position, struct journal_walk *w)
{
	complain(w->complaints,
		 "%s/%08" PRIu64 ".journal: offset %" PRIu64 ": damaged; position %" PRIu64 " cannot be read", f->dir,
		 ref->header.number, offset, position);
	return STATUS_CORRUPT;
}

static enum status ignore_entry(void *context, uint64_t position, uint8_t kind, struct span payload)
{
	(void)context, (void)position, (void)kind, (void)payload;
	return STATUS_OK;
}

static enum status walk_segment(const struct journal_folder *f, size_t i, struct journal_walk *w, struct buf *bytes,
				struct buf *raw)
{
	const struct journal_segment_ref *ref = &f->segments[i];
	bool last = i + 1 == f->count;
	struct journal_scan scan;
	struct journal_batch batch;
	enum status status = read_whole(f, ref, bytes);
	if (status)
		return status;
	if (journal_scan_begin(&scan, buf_view(bytes), raw))
		return damaged(f, ref, 0, ref->header.first_position, w);
	while (!(status = journal_scan_next(&scan, &batch))) {
		/* a batch's own checksum held, so entries that do not add up are as bad as a broken batch */
		bool skip = batch.first_position + batch.count <= w->from && w->visit;
		if (!skip &&
		    (status = journal_batch_visit(&batch, w->from, w->visit ? w->visit : ignore_entry, w->context)))
			return status == STATUS_CORRUPT ? damaged(f, ref, scan.offset, batch.first_position, w)
							: status;
		w->entries += batch.count;
	}
	w->next_position = scan.next_position;
	w->end_offset = scan.offset;
	if (status == STATUS_END || (status == STATUS_NEED_MORE && last))
		return STATUS_OK;
	if (status == STATUS_CORRUPT || status == STATUS_NEED_MORE)
		return damaged(f, ref, scan.offset, scan.next_position, w);
	return status;
}

enum status journal_folder_walk(const struct journal_folder *f, size_t first, struct journal_walk *w)
{
	struct buf bytes = buf_init(JOURNAL_SEGMENT_MAX), raw = buf_init(JOURNAL_BATCH_MAX);
	enum status status = STATUS_OK;
	for (size_t i = first; i < f->count && !status; i++) {
		const struct journal_segment_header *h = &f->segments[i].header;
		bool joins = h->first_position == w->next_position ||
			     ((h->flags & JOURNAL_SEGMENT_AFTER_GAP) && h->first_position > w->next_position);
		if (i > first && !joins)
			status = damaged(f, &f->segments[i - 1], w->end_offset, w->next_position, w);
		else
			status = walk_segment(f, i, w, &bytes, &raw);
	}
	buf_deinit(&bytes);
	buf_deinit(&raw);
	return status;
}

enum status journal_verify(const char *dir, uint64_t *out_entries, struct buf *out_complaints)
{
	struct journal_folder f;
	struct journal_walk w = {.complaints = out_complaints};
	*out_entries = 0;
	enum status status = journal_folder_open(&f, dir, false, out_complaints);
	if (status)
		return status;
	status = journal_folder_walk(&f, 0, &w);
	*out_entries = w.entries;
	journal_folder_close(&f);
	return status;
}
