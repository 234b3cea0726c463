/* links: zayton_ingest_files */
#include <stdlib.h>
#include <sys/types.h>

#include "ingest/files/capture.h"

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

/* Leaves some of every raw run unused, as a decoder that waits for the end of a frame does. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_file f = {data, size, 0, size ? data[size - 1] + 1u : 1};
	struct capture *c;
	struct capture_run run = {.last = false};
	size_t unused = 0;
	uint8_t touched = 0;
	if (capture_open(read_file, &f, size && data[0] & 1 ? CAPTURE_RAW : CAPTURE_DETECT, 0, &c))
		return 0;
	for (;;) {
		enum status status = capture_next(c, unused, &run);
		if (status == STATUS_END || status == STATUS_IO || status == STATUS_INVALID)
			break;
		for (size_t i = 0; i < run.bytes.size; i++)
			touched ^= run.bytes.data[i];
		if (run.offset > size)
			abort();
		unused = !status && capture_form(c) == CAPTURE_RAW ? run.bytes.size / 2 : 0;
		if (capture_form(c) == CAPTURE_RAW && run.last)
			break;
	}
	capture_close(c);
	__asm__ volatile("" : : "r"(touched)); /* the reads above are made */
	return 0;
}
