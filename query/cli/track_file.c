#include "query/cli/track_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/core/hash.h"
#include "ingest/files/gpx.h"
#include "query/cli/capture_frames.h"

#define IDENTITY_BYTES (64u << 10)
#define STEP_ROWS 8192

struct track_file {
	int fd;
	enum track_file_format format;
	uint64_t size, identity;
	struct buf *complaint;
	struct tracks_csv *csv;
	struct gpx *gpx;
	struct capture_frames *capture;
};

enum status track_file_format_parse(struct span text, enum track_file_format *out)
{
	static const char *const names[TRACK_FILE_FORMAT_COUNT] = {
#define X(NAME, text_) text_,
		TRACK_FILE_FORMAT_TABLE(X)
#undef X
	};
	for (unsigned i = 0; i < TRACK_FILE_FORMAT_COUNT; i++)
		if (span_equal(text, span_of_string(names[i]))) {
			*out = (enum track_file_format)i;
			return STATUS_OK;
		}
	return STATUS_NOT_FOUND;
}

enum track_file_format track_file_format_of(const char *path)
{
	static const struct {
		const char *ending;
		enum track_file_format format;
	} endings[] = {{".gpx", TRACK_FILE_GPX},
		       {".jt808", TRACK_FILE_JT808},
		       {".hex", TRACK_FILE_JT808},
		       {".bin", TRACK_FILE_JT808},
		       {".cap", TRACK_FILE_JT808}};
	const char *dot = strrchr(path, '.');
	for (size_t i = 0; dot && i < sizeof endings / sizeof *endings; i++)
		if (strcasecmp(dot, endings[i].ending) == 0)
			return endings[i].format;
	return TRACK_FILE_CSV;
}

static ssize_t read_fd(void *context, void *into, size_t size)
{
	struct track_file *f = context;
	ssize_t got;
	do
		got = read(f->fd, into, size);
	while (got < 0 && errno == EINTR);
	return got;
}

static enum status open_fd(struct track_file *f, const char *path)
{
	f->fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
	if (f->fd >= 0)
		return STATUS_OK;
	return errno == ENOENT ? STATUS_NOT_FOUND : errno == EACCES ? STATUS_DENIED : STATUS_IO;
}

static void add(struct buf *b, const void *data, size_t size, enum status *status)
{
	if (!*status)
		*status = buf_append(b, data, size);
}

/* Size, time of change and beginning of the file, and how it is read. */
static enum status identify(struct track_file *f, const struct track_file_options *o)
{
	struct stat seen;
	enum status status = STATUS_OK;
	if (fstat(f->fd, &seen))
		return STATUS_IO;
	if (S_ISDIR(seen.st_mode))
		return STATUS_INVALID;
	if (!S_ISREG(seen.st_mode))
		return STATUS_OK;
	struct buf all = buf_init(IDENTITY_BYTES + 65536);
	uint8_t *head = malloc(IDENTITY_BYTES);
	ssize_t got = head ? pread(f->fd, head, IDENTITY_BYTES, 0) : -1;
	if (got < 0)
		status = head ? STATUS_IO : STATUS_NO_MEMORY;
	const int64_t facts[] = {seen.st_size,
				 seen.st_mtim.tv_sec,
				 seen.st_mtim.tv_nsec,
				 o->format,
				 o->csv.zone_ms,
				 o->csv.delimiter,
				 o->csv.no_header,
				 (int64_t)o->csv.columns.size,
				 (int64_t)o->csv.device.size};
	add(&all, facts, sizeof facts, &status);
	add(&all, o->csv.columns.data, o->csv.columns.size, &status);
	add(&all, o->csv.device.data, o->csv.device.size, &status);
	add(&all, head, got > 0 ? (size_t)got : 0, &status);
	f->size = (uint64_t)seen.st_size;
	f->identity = status ? 0 : hash64(buf_view(&all)) | 1;
	free(head);
	buf_deinit(&all);
	return status;
}

static enum status open_reader(struct track_file *f, const struct track_file_options *o, struct name_index *names)
{
	struct gpx_options gpx = {o->csv.zone_ms, o->csv.device};
	switch (f->format) {
	case TRACK_FILE_GPX:
		return gpx_open(read_fd, f, &gpx, names, &f->gpx);
	case TRACK_FILE_JT808:
		return capture_frames_open(read_fd, f, o->csv.zone_ms, names, &f->capture);
	default:
		return tracks_csv_open(read_fd, f, &o->csv, names, f->complaint, &f->csv);
	}
}

enum status track_file_open(const struct track_file_options *options, struct name_index *names, struct buf *complaint,
			    struct track_file **out)
{
	struct track_file *f = calloc(1, sizeof *f);
	if (!f)
		return STATUS_NO_MEMORY;
	f->fd = -1;
	f->format = options->format;
	f->complaint = complaint;
	enum status status = open_fd(f, options->path);
	if (!status)
		status = identify(f, options);
	if (!status)
		status = open_reader(f, options, names);
	if (status) {
		track_file_close(f);
		return status;
	}
	*out = f;
	return STATUS_OK;
}

void track_file_close(struct track_file *f)
{
	if (!f)
		return;
	tracks_csv_close(f->csv);
	gpx_close(f->gpx);
	capture_frames_close(f->capture);
	if (f->fd >= 0)
		close(f->fd);
	free(f);
}

static enum status step_gpx(struct track_file *f, const struct track_sink *sink)
{
	enum status status = gpx_step(f->gpx, sink);
	if (status == STATUS_MALFORMED || status == STATUS_UNSUPPORTED || status == STATUS_TOO_LONG) {
		const char *what = status == STATUS_MALFORMED     ? gpx_error(f->gpx)
				   : status == STATUS_UNSUPPORTED ? "document type declarations are not read"
								  : "elements are nested too deep";
		enum status said =
			buf_printf(f->complaint, "line %llu: %s", (unsigned long long)gpx_line(f->gpx), what);
		return said ? said : status;
	}
	return status;
}

enum status track_file_step(struct track_file *f, const struct track_sink *sink)
{
	if (f->gpx)
		return step_gpx(f, sink);
	return f->capture ? capture_frames_step(f->capture, sink) : tracks_csv_step(f->csv, STEP_ROWS, sink);
}

uint64_t track_file_identity(const struct track_file *f)
{
	return f->identity;
}

uint64_t track_file_size(const struct track_file *f)
{
	return f->size;
}

uint64_t track_file_done(const struct track_file *f)
{
	return f->gpx ? gpx_offset(f->gpx) : track_file_position(f).offset;
}

struct track_position track_file_position(const struct track_file *f)
{
	if (f->gpx)
		return (struct track_position){gpx_points(f->gpx), gpx_line(f->gpx)};
	if (f->capture)
		return (struct track_position){capture_frames_offset(f->capture), capture_frames_line(f->capture)};
	return (struct track_position){tracks_csv_offset(f->csv), tracks_csv_line(f->csv)};
}

enum status track_file_resume(struct track_file *f, struct track_position at)
{
	if (f->gpx) {
		gpx_resume(f->gpx, at.offset);
		return STATUS_OK;
	}
	if (at.offset > f->size || lseek(f->fd, (off_t)at.offset, SEEK_SET) < 0)
		return STATUS_IO;
	if (f->capture)
		capture_frames_resume(f->capture, at.offset, at.line);
	else
		tracks_csv_resume(f->csv, at.offset, at.line);
	return STATUS_OK;
}

uint64_t track_file_others(const struct track_file *f)
{
	return f->capture ? capture_frames_others(f->capture) : 0;
}
