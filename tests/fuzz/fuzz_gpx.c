/* links: zayton_ingest_files */
#include <stdlib.h>
#include <sys/types.h>

#include "ingest/files/gpx.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct fuzz_file {
	const uint8_t *data;
	size_t size, at, piece;
};

static ssize_t read_file(void *context, void *into, size_t size)
{
	struct fuzz_file *f = context;
	size_t left = f->size - f->at, n = f->piece < size ? f->piece : size;
	n = n < left ? n : left;
	if (n)
		memcpy(into, f->data + f->at, n);
	f->at += n;
	return (ssize_t)n;
}

static enum status on_report(void *context, uint64_t line, uint32_t device, const struct report *r)
{
	(void)context, (void)line, (void)device;
	if (r->lat_e7 > LAT_E7_MAX || r->lat_e7 < -LAT_E7_MAX || r->lon_e7 > LON_E7_MAX || r->lon_e7 < -LON_E7_MAX)
		abort();
	return STATUS_OK;
}

static void on_refused(void *context, const struct refused *refused)
{
	(void)context;
	if (!refused->status)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_file f = {data, size, 0, size ? data[size - 1] + 1u : 1};
	struct name_index names = name_index_init();
	struct gpx_options options = {.zone_ms = 0};
	struct track_sink sink = {NULL, on_report, on_refused};
	struct gpx *g;
	if (gpx_open(read_file, &f, &options, &names, &g) == STATUS_OK) {
		while (gpx_step(g, &sink) == STATUS_OK)
			;
		gpx_close(g);
	}
	name_index_deinit(&names);
	return 0;
}
