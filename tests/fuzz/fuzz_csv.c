/* links: zayton_ingest_files */
#include <stdlib.h>
#include <sys/types.h>

#include "ingest/files/tracks_csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first byte chooses the pieces and whether there is a header; the rest is the file. Whole and in pieces, the same
 * rows must come out. */
struct fuzz_file {
	const uint8_t *data;
	size_t size, at, piece;
	uint64_t seen;
};

static ssize_t read_file(void *context, void *into, size_t size)
{
	struct fuzz_file *f = context;
	size_t left = f->size - f->at, n = f->piece && f->piece < size ? f->piece : size;
	n = n < left ? n : left;
	if (n)
		memcpy(into, f->data + f->at, n);
	f->at += n;
	return (ssize_t)n;
}

static enum status on_report(void *context, uint64_t line, uint32_t device, const struct report *r)
{
	struct fuzz_file *f = context;
	if (r->lat_e7 > LAT_E7_MAX || r->lat_e7 < -LAT_E7_MAX || r->lon_e7 > LON_E7_MAX || r->lon_e7 < -LON_E7_MAX)
		abort();
	f->seen = f->seen * 31 + r->hash + device + line;
	return STATUS_OK;
}

static void on_refused(void *context, const struct refused *refused)
{
	struct fuzz_file *f = context;
	f->seen = f->seen * 31 + refused->line + refused->field + (uint64_t)refused->status;
}

static uint64_t run(const uint8_t *data, size_t size, size_t piece, bool no_header)
{
	struct fuzz_file f = {data, size, 0, piece, 0};
	struct name_index names = name_index_init();
	struct buf complaint = buf_init(4096);
	struct tracks_csv_options options = {.no_header = no_header};
	struct track_sink sink = {&f, on_report, on_refused};
	struct tracks_csv *t;
	if (no_header)
		options.columns =
			span_of_string("device=#1,time=#2,lat=#3,lon=#4,speed=#5:knots,mileage=#6:m,status=#7");
	if (tracks_csv_open(read_file, &f, &options, &names, &complaint, &t) == STATUS_OK) {
		while (tracks_csv_step(t, 3, &sink) == STATUS_OK)
			;
		if (tracks_csv_offset(t) > size)
			abort();
		tracks_csv_close(t);
	}
	name_index_deinit(&names);
	buf_deinit(&complaint);
	return f.seen;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	bool no_header = data[0] & 1;
	uint64_t whole = run(data + 1, size - 1, 0, no_header);
	if (run(data + 1, size - 1, (data[0] >> 1) + 1u, no_header) != whole)
		abort();
	return 0;
}
