#include "query/cli/tokens.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/core/log.h"

#define TOKENS_MAX 4096

static enum status parse_line(char *line, struct http_token *out)
{
	char digest[65], name[64], scope[64], more[8] = "";
	struct buf bytes = buf_init(32);
	memset(out, 0, sizeof *out);
	int n = sscanf(line, "%64s %63s %63s %7s", digest, name, scope, more);
	if (n < 3 || strlen(digest) != 64 || (n == 4 && strcmp(more, "read") != 0) ||
	    hex_decode(&bytes, span_of_string(digest))) {
		buf_deinit(&bytes);
		return STATUS_MALFORMED;
	}
	memcpy(out->sha256, bytes.data, sizeof out->sha256);
	buf_deinit(&bytes);
	snprintf(out->principal.name, sizeof out->principal.name, "%s", name);
	snprintf(out->principal.scope, sizeof out->principal.scope, "%s", scope);
	out->read_only = n == 4;
	return STATUS_OK;
}

static bool is_blank(const char *line)
{
	line += strspn(line, " \t\r\n");
	return !*line || *line == '#';
}

enum status tokens_read(const char *path, struct http_token **out, size_t *out_count)
{
	char line[512];
	enum status status = STATUS_OK;
	*out = NULL;
	*out_count = 0;
	if (!*path)
		return STATUS_OK;
	FILE *f = fopen(path, "r");
	if (!f) {
		log_error("tokens", "%s: cannot be read", path);
		return STATUS_IO;
	}
	struct http_token *tokens = calloc(TOKENS_MAX, sizeof *tokens);
	for (unsigned number = 1; tokens && fgets(line, sizeof line, f); number++) {
		if (is_blank(line))
			continue;
		if (*out_count == TOKENS_MAX || parse_line(line, &tokens[*out_count])) {
			log_error("tokens", "%s:%u: wanted SHA256-HEX NAME SCOPE [read]", path, number);
			status = STATUS_INVALID;
			continue;
		}
		++*out_count;
	}
	fclose(f);
	*out = tokens;
	return tokens ? status : STATUS_NO_MEMORY;
}
