/* settings_sources.c -- where values come from: a file, the environment, flags; and what is wrong with them.
 *
 *   mistakes   zayton.conf:12: shards: '900' is not within 0..64
 *              ZAYTON_GATHER: 'soon' is not within 0us..100ms
 *              --prot: no such setting */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "engine/core/messages.h"
#include "engine/core/settings.h"
#include "engine/core/settings_row.h"
#include "engine/core/utf8.h"

#define ECHO_MAX 64 /* bytes of a refused value that are repeated in the message */

/* Mistakes past the bound of the buffer are not told, but they still count. */
#define TELL(out, ...) (void)!buf_printf(out, __VA_ARGS__)

/* A value as far as it may be repeated, between quotes. */
struct echo {
	char text[ECHO_MAX + 6];
};

static struct echo echo_of(struct span value)
{
	struct echo e;
	char text[ECHO_MAX + 1];
	size_t size = value.size < ECHO_MAX ? value.size : ECHO_MAX;
	while (size && !utf8_valid(span_of(value.data, size)) && utf8_valid(value))
		size--;
	for (size_t i = 0; i < size; i++)
		text[i] = value.data[i] < 0x20 || value.data[i] == 0x7f ? '?' : (char)value.data[i];
	text[size] = '\0';
	bool printable = utf8_printable(span_of(text, size));
	snprintf(e.text, sizeof e.text, "'%s%s'", printable ? text : "", size < value.size || !printable ? "..." : "");
	return e;
}

/* complain(s, mistakes, where, ID, values...): a line, in the language of the settings. */
#define complain(s, mistakes, where, ID, ...)                                                                          \
	complain_with(s, mistakes, where, MESSAGE(ID, ##__VA_ARGS__), ##__VA_ARGS__)
static void complain_with(const struct settings *s, struct buf *mistakes, const char *where, enum message message, ...)
{
	struct message_texts said;
	va_list values;
	va_start(values, message);
	message_vsay(&said, message, values);
	va_end(values);
	TELL(mistakes, "%s%s\n", where, said.in[s->chinese ? LANGUAGE_CHINESE : LANGUAGE_ENGLISH]);
}

static void tell_range(const struct settings *s, struct buf *mistakes, const char *where, int row, struct span value)
{
	struct buf range = buf_init(1024);
	bool number = setting_rows[row].kind >= SETTING_UINT && setting_rows[row].kind <= SETTING_DURATION;
	bool whole = !setting_print_range(&range, &setting_rows[row]) && !buf_append_u8(&range, 0);
	const char *name = setting_rows[row].name, *text = whole ? (const char *)range.data : "";
	if (number)
		complain(s, mistakes, where, SETTING_NOT_WITHIN, name, echo_of(value).text, text);
	else
		complain(s, mistakes, where, SETTING_NOT, name, echo_of(value).text, text);
	buf_deinit(&range);
}

static enum status tell(const struct settings *s, struct buf *mistakes, const char *where, struct span name,
			struct span value, enum status status)
{
	int row = setting_find(name);
	if (row < 0)
		complain(s, mistakes, where, NO_SUCH_SETTING, echo_of(name).text);
	else if (status == STATUS_TOO_LONG)
		complain(s, mistakes, where, SETTING_TOO_LONG, setting_rows[row].name, echo_of(value).text,
			 SETTINGS_TEXT_MAX);
	else
		tell_range(s, mistakes, where, row, value);
	return STATUS_INVALID;
}

/* --- file --- */

static struct span trim(struct span s)
{
	while (s.size && (s.data[0] == ' ' || s.data[0] == '\t'))
		s = span_of(s.data + 1, s.size - 1);
	while (s.size && (s.data[s.size - 1] == ' ' || s.data[s.size - 1] == '\t'))
		s.size--;
	return s;
}

/* The line without its comment: from the first '#' outside quotes that begins the line or follows a space. */
static struct span strip_comment(struct span line)
{
	bool quoted = false;
	for (size_t i = 0; i < line.size; i++) {
		if (line.data[i] == '"')
			quoted = !quoted;
		bool free = i == 0 || line.data[i - 1] == ' ' || line.data[i - 1] == '\t';
		if (line.data[i] == '#' && free && !quoted)
			return span_of(line.data, i);
	}
	return line;
}

static bool unquote(struct span *value)
{
	if (!value->size || value->data[0] != '"')
		return true;
	if (value->size < 2 || value->data[value->size - 1] != '"')
		return false;
	*value = span_of(value->data + 1, value->size - 2);
	return true;
}

static enum status set_once(struct settings *s, const char *where, struct span name, struct span value, uint32_t number,
			    struct buf *mistakes)
{
	struct setting_origin origin = {SETTING_FROM_FILE, number};
	int row = setting_find(name);
	if (row >= 0 && s->origin[row].source == SETTING_FROM_FILE) {
		complain(s, mistakes, where, SETTING_TWICE, setting_rows[row].name, s->origin[row].line);
		return STATUS_INVALID;
	}
	enum status status = settings_set(s, name, value, origin);
	return status ? tell(s, mistakes, where, name, value, status) : STATUS_OK;
}

static enum status take_line(struct settings *s, const char *file, struct span line, uint32_t number,
			     struct buf *mistakes)
{
	char where[4200];
	snprintf(where, sizeof where, "%.4096s:%u: ", file, number);
	struct span bare = trim(strip_comment(line));
	if (!bare.size)
		return STATUS_OK;
	const uint8_t *equals = memchr(bare.data, '=', bare.size);
	if (!equals) {
		complain(s, mistakes, where, SETTING_NO_PAIR);
		return STATUS_INVALID;
	}
	struct span name = trim(span_of(bare.data, (size_t)(equals - bare.data)));
	struct span value = trim(span_of(equals + 1, bare.size - (size_t)(equals - bare.data) - 1));
	if (!unquote(&value)) {
		complain(s, mistakes, where, SETTING_QUOTE);
		return STATUS_INVALID;
	}
	return set_once(s, where, name, value, number, mistakes);
}

enum status settings_from_text(struct settings *s, const char *name, struct span text, struct buf *mistakes)
{
	enum status worst = STATUS_OK;
	if (text.size >= 3 && memcmp(text.data, "\xef\xbb\xbf", 3) == 0)
		text = span_of(text.data + 3, text.size - 3);
	for (uint32_t number = 1; text.size; number++) {
		const uint8_t *end = memchr(text.data, '\n', text.size);
		size_t size = end ? (size_t)(end - text.data) : text.size;
		struct span line = span_of(text.data, size);
		if (line.size && line.data[line.size - 1] == '\r')
			line.size--;
		if (take_line(s, name, line, number, mistakes))
			worst = STATUS_INVALID;
		size += end != NULL;
		text = span_of(text.data + size, text.size - size);
	}
	return worst;
}

static enum status read_all(int file, struct buf *out)
{
	for (;;) {
		enum status status = buf_reserve(out, 4096);
		if (status)
			return status;
		ssize_t n = read(file, out->data + out->size, 4096);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? STATUS_IO : STATUS_OK;
		out->size += (size_t)n;
	}
}

enum status settings_from_file(struct settings *s, const char *path, struct buf *mistakes)
{
	struct buf text = buf_init(SETTINGS_FILE_MAX + 4096);
	int file = open(path, O_RDONLY | O_CLOEXEC);
	enum status status = file < 0 ? STATUS_IO : read_all(file, &text);
	if (status == STATUS_FULL || text.size > SETTINGS_FILE_MAX)
		complain(s, mistakes, "", SETTING_FILE_TOO_LONG, path, SETTINGS_FILE_MAX);
	else if (status)
		TELL(mistakes, "%s: %s\n", path, errno ? strerror(errno) : status_text(status));
	else
		status = settings_from_text(s, path, span_of(text.data, text.size), mistakes);
	if (file >= 0)
		close(file);
	buf_deinit(&text);
	snprintf(s->file, sizeof s->file, "%s", path);
	return status ? STATUS_INVALID : STATUS_OK;
}

/* --- environment --- */

static const char *variable(char *const *environment, const char *name)
{
	size_t size = strlen(name);
	for (; environment && *environment; environment++)
		if (strncmp(*environment, name, size) == 0 && (*environment)[size] == '=')
			return *environment + size + 1;
	return NULL;
}

enum status settings_from_environment(struct settings *s, char *const *environment, struct buf *mistakes)
{
	enum status worst = STATUS_OK;
	for (int i = 0; i < SETTING_COUNT; i++) {
		char name[96], where[100];
		int size = snprintf(name, sizeof name, "ZAYTON_%s", setting_rows[i].name);
		for (int k = 0; k < size; k++)
			name[k] = (char)toupper((unsigned char)name[k]);
		const char *value = variable(environment, name);
		if (!value)
			continue;
		struct span row = span_of_string(setting_rows[i].name), given = span_of_string(value);
		struct setting_origin origin = {SETTING_FROM_ENVIRONMENT, 0};
		enum status status = settings_set(s, row, given, origin);
		snprintf(where, sizeof where, "%s: ", name);
		if (status)
			worst = tell(s, mistakes, where, row, given, status);
	}
	return worst;
}

/* --- flags --- */

struct flag {
	struct span name, value;
	bool has_value;
	int words; /* of the command line it takes up */
};

static bool begins_flag(const char *word)
{
	return word[0] == '-' && word[1] == '-' && word[2];
}

static struct flag flag_at(int count, char *const *flags, int at)
{
	const char *text = flags[at] + 2, *equals = strchr(text, '=');
	struct flag f = {span_of(text, equals ? (size_t)(equals - text) : strlen(text)), {NULL, 0}, equals, 1};
	if (equals)
		f.value = span_of_string(equals + 1);
	else if (at + 1 < count && !begins_flag(flags[at + 1])) {
		f.value = span_of_string(flags[at + 1]);
		f.has_value = true;
		f.words = 2;
	}
	return f;
}

static bool names_the_file(const struct flag *f)
{
	return span_equal(f->name, span_of_string("settings"));
}

static enum status take_flag(struct settings *s, const struct flag *f, struct buf *mistakes)
{
	struct setting_origin origin = {SETTING_FROM_FLAG, 0};
	struct span value = f->value;
	int row = setting_find(f->name);
	if (!f->has_value && (names_the_file(f) || (row >= 0 && setting_rows[row].kind != SETTING_BOOL))) {
		complain(s, mistakes, "", SETTING_NO_VALUE, (int)f->name.size, (const char *)f->name.data);
		return STATUS_INVALID;
	}
	if (names_the_file(f))
		return STATUS_OK;
	if (!f->has_value)
		value = span_of_string("yes");
	enum status status = settings_set(s, f->name, value, origin);
	return status ? tell(s, mistakes, "--", f->name, value, status) : STATUS_OK;
}

enum status settings_from_flags(struct settings *s, int count, char *const *flags, struct buf *mistakes)
{
	enum status worst = STATUS_OK;
	for (int i = 0; i < count;) {
		if (!begins_flag(flags[i])) {
			complain(s, mistakes, "", SETTING_NO_FLAG, echo_of(span_of_string(flags[i])).text);
			worst = STATUS_INVALID;
			i++;
			continue;
		}
		struct flag f = flag_at(count, flags, i);
		if (take_flag(s, &f, mistakes))
			worst = STATUS_INVALID;
		i += f.words;
	}
	return worst;
}

/* --- all of it --- */

static const char *file_named(int count, char *const *flags, char *const *environment)
{
	const char *path = variable(environment, "ZAYTON_SETTINGS");
	for (int i = 0; i < count;) {
		if (!begins_flag(flags[i])) {
			i++;
			continue;
		}
		struct flag f = flag_at(count, flags, i);
		if (names_the_file(&f) && f.has_value)
			path = (const char *)f.value.data; /* the tail of a word, so NUL ends it */
		i += f.words;
	}
	return path && *path ? path : NULL;
}

static enum status check_together(const struct settings *s, struct buf *mistakes)
{
	if (!s->tls_cert[0] == !s->tls_key[0])
		return STATUS_OK;
	complain(s, mistakes, "", SETTING_TLS);
	return STATUS_INVALID;
}

enum status settings_load(struct settings *s, int count, char *const *flags, char *const *environment,
			  struct buf *mistakes)
{
	const char *path = file_named(count, flags, environment);
	settings_init(s);
	s->chinese = language_of_environment(environment) == LANGUAGE_CHINESE;
	bool wrong = path && settings_from_file(s, path, mistakes);
	wrong |= settings_from_environment(s, environment, mistakes) != STATUS_OK;
	wrong |= settings_from_flags(s, count, flags, mistakes) != STATUS_OK;
	wrong |= check_together(s, mistakes) != STATUS_OK;
	return wrong ? STATUS_INVALID : STATUS_OK;
}
