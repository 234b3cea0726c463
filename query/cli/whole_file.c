#include "query/cli/whole_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PIECE 65536u

enum status whole_file_read(const char *path, size_t max, struct buf *out)
{
	FILE *f = fopen(path, "rb");
	enum status status = f ? STATUS_OK : STATUS_IO;
	for (bool more = f != NULL; more && !status && out->size <= max;) {
		size_t wanted = max + 1 - out->size < PIECE ? max + 1 - out->size : PIECE;
		status = buf_reserve(out, wanted);
		size_t got = status ? 0 : fread(out->data + out->size, 1, wanted, f);
		out->size += got;
		more = got == wanted;
		if (!status && ferror(f))
			status = STATUS_IO;
	}
	if (status)
		fprintf(stderr, "%s: %s\n", path, status == STATUS_IO ? strerror(errno) : status_text(status));
	if (f)
		fclose(f);
	return status;
}
