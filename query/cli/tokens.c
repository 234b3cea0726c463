#include "query/cli/tokens.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/core/log.h"
#include "engine/register/hazard.h"

#define TOKENS_MAX 4096

/* enterprise, clerk, office, police, fishery, auditor, administrator; never the feed's own. */
static bool is_role(const char *text)
{
	uint8_t role;
	return !hazard_parse(HAZARD_TABLE_ROLE, span_of_string(text), &role) && role != HAZARD_ROLE_SYSTEM;
}

/* SCOPE [ROLE UNIT] [read]: what follows the scope has 0, 1, 2 or 3 words. */
static bool parse_rest(struct http_token *out, int words, char (*rest)[64])
{
	out->read_only = words && strcmp(rest[words - 1], "read") == 0;
	words -= out->read_only;
	if (words == 0)
		return true;
	if (words != 2 || !is_role(rest[0]))
		return false;
	out->read_only |= strcmp(rest[0], "auditor") == 0; /* looks at everything, changes nothing */
	snprintf(out->principal.role, sizeof out->principal.role, "%.15s", rest[0]);
	memcpy(out->principal.unit, rest[1], sizeof out->principal.unit);
	return true;
}

static enum status parse_line(char *line, struct http_token *out)
{
	char digest[65], name[64], scope[64], rest[4][64] = {""};
	struct buf bytes = buf_init(32);
	memset(out, 0, sizeof *out);
	int n = sscanf(line, "%64s %63s %63s %63s %63s %63s %63s", digest, name, scope, rest[0], rest[1], rest[2],
		       rest[3]);
	if (n < 3 || n > 6 || strlen(digest) != 64 || !parse_rest(out, n - 3, rest) ||
	    hex_decode(&bytes, span_of_string(digest))) {
		buf_deinit(&bytes);
		return STATUS_MALFORMED;
	}
	memcpy(out->sha256, bytes.data, sizeof out->sha256);
	buf_deinit(&bytes);
	snprintf(out->principal.name, sizeof out->principal.name, "%s", name);
	snprintf(out->principal.scope, sizeof out->principal.scope, "%s", scope);
	return strcmp(name, principal_local.name) ? STATUS_OK : STATUS_MALFORMED; /* that is who comes without one */
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
			log_error("tokens", "%s:%u: wanted SHA256-HEX NAME SCOPE [ROLE UNIT] [read]", path, number);
			status = STATUS_INVALID;
			continue;
		}
		++*out_count;
	}
	fclose(f);
	*out = tokens;
	return tokens ? status : STATUS_NO_MEMORY;
}
