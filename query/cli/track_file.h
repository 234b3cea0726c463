/* track_file.h -- a file of tracks in any of its formats, read a step at a time from where it was left.
 *
 *   file identity = size, time of change, XXH3 of the first 64 KiB, and what was asked of it (columns, zone ...)
 *   position      = offset and line (csv, jt808), or points passed (gpx)
 *
 * One owner. */
#ifndef ZAYTON_QUERY_TRACK_FILE_H
#define ZAYTON_QUERY_TRACK_FILE_H

#include "ingest/files/tracks_csv.h"

#define TRACK_FILE_FORMAT_TABLE(X)                                                                                     \
	X(CSV, "csv")                                                                                                  \
	X(GPX, "gpx")                                                                                                  \
	X(JT808, "jt808")

enum track_file_format {
#define X(NAME, text) TRACK_FILE_##NAME,
	TRACK_FILE_FORMAT_TABLE(X)
#undef X
		TRACK_FILE_FORMAT_COUNT
};
STATUS_CHECKED enum status track_file_format_parse(struct span text, enum track_file_format *out);
/* By the ending of the name: .gpx, .jt808 .hex .bin .cap; CSV else. */
enum track_file_format track_file_format_of(const char *path);

struct track_file_options {
	const char *path; /* "-": standard input, which cannot be gone on with */
	enum track_file_format format;
	struct tracks_csv_options csv; /* zone and device serve GPX, the zone captures too */
};

struct track_position {
	uint64_t offset; /* bytes, or points of GPX */
	uint64_t line;
};

struct track_file;
/* STATUS_NOT_FOUND, STATUS_DENIED, STATUS_IO: errno tells; what tracks_csv_open says; `complaint` says what is wrong
 * with columns or header. */
STATUS_CHECKED enum status track_file_open(const struct track_file_options *options, struct name_index *names,
					   struct buf *complaint, struct track_file **out);
/* NULL is allowed. */
void track_file_close(struct track_file *f);
/* As tracks_csv_step; on a failure that the file's content is the reason for, `complaint` of the opening says more. */
STATUS_CHECKED enum status track_file_step(struct track_file *f, const struct track_sink *sink);

/* 0: not seekable, no identity. */
uint64_t track_file_identity(const struct track_file *f);
uint64_t track_file_size(const struct track_file *f);
uint64_t track_file_done(const struct track_file *f); /* bytes */
struct track_position track_file_position(const struct track_file *f);
STATUS_CHECKED enum status track_file_resume(struct track_file *f, struct track_position at);
/* Frames of a capture that carry no position. */
uint64_t track_file_others(const struct track_file *f);

#endif
