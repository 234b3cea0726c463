/* replay.c -- runs a fuzz target over every file of the folders named, so that the corpus is a regression
 * suite wherever libFuzzer is not. Each input is also tried cut short at every length up to 512. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	if (!f)
		return 0;
	uint8_t *data = NULL;
	size_t size = 0, n;
	do {
		uint8_t *more = realloc(data, size + 65536);
		if (!more)
			abort();
		data = more;
		n = fread(data + size, 1, 65536, f);
		size += n;
	} while (n);
	fclose(f);
	for (size_t cut = 0; cut < size && cut < 512; cut++) {
		uint8_t *copy = malloc(cut ? cut : 1); /* exact size, so that a read past it is seen */
		if (!copy)
			abort();
		memcpy(copy, data, cut);
		LLVMFuzzerTestOneInput(copy, cut);
		free(copy);
	}
	LLVMFuzzerTestOneInput(data, size);
	free(data);
	return 1;
}

int main(int argc, char **argv)
{
	int files = 0;
	for (int i = 1; i < argc; i++) {
		DIR *d = opendir(argv[i]);
		struct dirent *entry;
		while (d && (entry = readdir(d))) {
			char path[4096];
			snprintf(path, sizeof path, "%s/%s", argv[i], entry->d_name);
			if (entry->d_name[0] != '.')
				files += replay_file(path);
		}
		if (d)
			closedir(d);
	}
	printf("%d inputs\n", files);
	return files ? 0 : 1;
}
