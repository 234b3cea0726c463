/* settings.c -- the table and its values: parsing one, printing one, describing all. */
#include "engine/core/settings.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>

#include "engine/core/settings_row.h"
#include "engine/core/utf8.h"

const struct setting_row setting_rows[SETTING_COUNT] = {
#define X(kind, field, name, initial, min, max, unit, english, chinese)                                                \
	{SETTING_##kind, name, initial, min, max, unit, english, chinese, offsetof(struct settings, field)},
	SETTINGS_TABLE(X)
#undef X
};

struct setting_unit {
	const char *text;
	uint64_t factor;
};

/* Each list ascends, so that the last that divides a value prints it shortest. */
static const struct setting_unit size_units[] = {
	{"", 1}, {"K", SETTINGS_KIB}, {"M", SETTINGS_MIB}, {"G", SETTINGS_GIB}, {"T", 1024 * SETTINGS_GIB}};
static const struct setting_unit duration_units[] = {{"us", 1},       {"ms", 1000},       {"s", 1000000},
						     {"m", 60000000}, {"h", 3600000000u}, {"d", UINT64_C(86400000000)}};

#define COUNT_OF(list) (sizeof(list) / sizeof *(list))

static uint64_t duration_factor(struct span unit)
{
	for (size_t i = 0; i < COUNT_OF(duration_units); i++)
		if (span_equal(unit, span_of_string(duration_units[i].text)))
			return duration_units[i].factor;
	return 0;
}

/* "K", "k", "KB", "KiB" and so on; a bare "B" is a byte. */
static uint64_t size_factor(struct span unit)
{
	if (unit.size == 0 || (unit.size == 1 && unit.data[0] == 'B'))
		return 1;
	struct span rest = span_of(unit.data + 1, unit.size - 1);
	if (rest.size && !span_equal(rest, span_of_string("B")) && !span_equal(rest, span_of_string("iB")))
		return 0;
	for (size_t i = 1; i < COUNT_OF(size_units); i++)
		if ((unit.data[0] & ~0x20) == size_units[i].text[0])
			return size_units[i].factor;
	return 0;
}

/* Leading digits of `text`; `*unit` is what follows, without the spaces between. */
static enum status parse_digits(struct span text, uint64_t *out, struct span *unit)
{
	uint64_t v = 0;
	size_t i = 0;
	for (; i < text.size && text.data[i] >= '0' && text.data[i] <= '9'; i++)
		if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, text.data[i] - '0', &v))
			return STATUS_OUT_OF_RANGE;
	if (i == 0)
		return STATUS_MALFORMED;
	while (i < text.size && text.data[i] == ' ')
		i++;
	*unit = span_of(text.data + i, text.size - i);
	*out = v;
	return STATUS_OK;
}

static enum status parse_number(const struct setting_row *row, struct span text, uint64_t *out)
{
	struct span unit;
	uint64_t v, factor = 1, divisor = 1;
	enum status status = parse_digits(text, &v, &unit);
	if (status)
		return status;
	if (row->kind == SETTING_DURATION) {
		divisor = duration_factor(span_of_string(row->unit));
		factor = unit.size ? duration_factor(unit) : divisor;
	} else if (row->kind == SETTING_SIZE) {
		factor = size_factor(unit);
	} else if (unit.size) {
		factor = 0;
	}
	if (factor == 0)
		return STATUS_MALFORMED;
	if (__builtin_mul_overflow(v, factor, &v))
		return STATUS_OUT_OF_RANGE;
	if (v % divisor)
		return STATUS_MALFORMED;
	v /= divisor;
	if (v < row->min || v > row->max)
		return STATUS_OUT_OF_RANGE;
	*out = v;
	return STATUS_OK;
}

static enum status parse_bool(struct span text, bool *out)
{
	static const char *const words[] = {"no", "yes", "false", "true", "off", "on", "0", "1"};
	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (span_equal(text, span_of_string(words[i]))) {
			*out = i % 2;
			return STATUS_OK;
		}
	return STATUS_MALFORMED;
}

/* The index of `text` among "a|b|c". */
static enum status parse_word(const char *words, struct span text, uint32_t *out)
{
	for (uint32_t index = 0;; index++) {
		size_t size = strcspn(words, "|");
		if (span_equal(text, span_of(words, size))) {
			*out = index;
			return STATUS_OK;
		}
		if (!words[size])
			return STATUS_MALFORMED;
		words += size + 1;
	}
}

/* A double quote is refused so that every value can be written down in a settings file. */
static enum status parse_text(const struct setting_row *row, struct span text, char *out)
{
	if (text.size > SETTINGS_TEXT_MAX)
		return STATUS_TOO_LONG;
	if (!utf8_printable(text) || (text.size && memchr(text.data, '"', text.size)))
		return STATUS_MALFORMED;
	if (row->kind == SETTING_STRING && (text.size < row->min || text.size > row->max))
		return STATUS_OUT_OF_RANGE;
	char copy[SETTINGS_TEXT_MAX + 1] = "", host[SETTINGS_HOST_MAX];
	uint16_t port;
	if (text.size)
		memcpy(copy, text.data, text.size);
	if (row->kind == SETTING_ADDRESS && settings_address(copy, host, &port) == STATUS_MALFORMED)
		return STATUS_MALFORMED;
	memcpy(out, copy, sizeof copy);
	return STATUS_OK;
}

static enum status parse_value(struct settings *s, const struct setting_row *row, struct span text)
{
	uint8_t *at = (uint8_t *)s + row->offset;
	switch (row->kind) {
	case SETTING_BOOL:
		return parse_bool(text, (bool *)at);
	case SETTING_UINT:
	case SETTING_SIZE:
	case SETTING_DURATION:
		return parse_number(row, text, (uint64_t *)at);
	case SETTING_ENUM:
		return parse_word(row->unit, text, (uint32_t *)at);
	case SETTING_STRING:
	case SETTING_ADDRESS:
		return parse_text(row, text, (char *)at);
	}
	return STATUS_INVALID;
}

int setting_find(struct span name)
{
	for (int i = 0; i < SETTING_COUNT; i++) {
		const char *wanted = setting_rows[i].name;
		size_t n = 0;
		while (n < name.size && wanted[n] &&
		       (name.data[n] == (uint8_t)wanted[n] || (name.data[n] == '-' && wanted[n] == '_')))
			n++;
		if (n == name.size && !wanted[n])
			return i;
	}
	return -1;
}

/* "durability = interval=50ms" says two things in the words of the command line. */
static enum status set_interval(struct settings *s, struct span interval, struct setting_origin origin)
{
	int row = SETTING_durability_interval_ms;
	enum status status = parse_value(s, &setting_rows[row], interval);
	if (status)
		return status;
	s->durability = SETTINGS_DURABILITY_INTERVAL;
	s->origin[SETTING_durability] = s->origin[row] = origin;
	return STATUS_OK;
}

enum status settings_set(struct settings *s, struct span name, struct span value, struct setting_origin origin)
{
	static const char interval[] = "interval=";
	size_t size = sizeof interval - 1;
	int row = setting_find(name);
	if (row < 0)
		return STATUS_NOT_FOUND;
	if (row == SETTING_durability && value.size > size && memcmp(value.data, interval, size) == 0)
		return set_interval(s, span_of(value.data + size, value.size - size), origin);
	enum status status = parse_value(s, &setting_rows[row], value);
	if (!status)
		s->origin[row] = origin;
	return status;
}

void settings_init(struct settings *s)
{
	memset(s, 0, sizeof *s);
	for (int i = 0; i < SETTING_COUNT; i++)
		if (parse_value(s, &setting_rows[i], span_of_string(setting_rows[i].initial)))
			__builtin_trap(); /* the table contradicts itself; a test sees every row */
}

/* --- printing --- */

static enum status print_units(struct buf *out, uint64_t v, const struct setting_unit *units, size_t count)
{
	size_t best = 0;
	for (size_t i = 1; i < count; i++)
		if (v && v % units[i].factor == 0)
			best = i;
	return buf_printf(out, "%" PRIu64 "%s", v / units[best].factor, units[best].text);
}

static enum status print_number(struct buf *out, const struct setting_row *row, uint64_t v)
{
	if (row->kind == SETTING_SIZE)
		return print_units(out, v, size_units, COUNT_OF(size_units));
	if (row->kind == SETTING_DURATION && v)
		return print_units(out, v * duration_factor(span_of_string(row->unit)), duration_units,
				   COUNT_OF(duration_units));
	return buf_printf(out, "%" PRIu64 "%s", v, row->kind == SETTING_DURATION ? row->unit : "");
}

static enum status print_word(struct buf *out, const char *words, uint32_t index)
{
	for (; index; index--)
		words += strcspn(words, "|") + 1;
	return buf_append(out, words, strcspn(words, "|"));
}

static enum status print_value(struct buf *out, const struct settings *s, const struct setting_row *row)
{
	const uint8_t *at = (const uint8_t *)s + row->offset;
	switch (row->kind) {
	case SETTING_BOOL:
		return buf_printf(out, "%s", *(const bool *)at ? "yes" : "no");
	case SETTING_UINT:
	case SETTING_SIZE:
	case SETTING_DURATION:
		return print_number(out, row, *(const uint64_t *)at);
	case SETTING_ENUM:
		return print_word(out, row->unit, *(const uint32_t *)at);
	case SETTING_STRING:
		return buf_printf(out, "\"%s\"", (const char *)at);
	case SETTING_ADDRESS:
		return buf_printf(out, "%s", (const char *)at);
	}
	return STATUS_INVALID;
}

enum status setting_print_range(struct buf *out, const struct setting_row *row)
{
	static const char *const kinds[] = {
		[SETTING_BOOL] = "yes or no", [SETTING_STRING] = "text", [SETTING_ADDRESS] = "HOST:PORT or off"};
	switch (row->kind) {
	case SETTING_BOOL:
	case SETTING_STRING:
	case SETTING_ADDRESS:
		return buf_printf(out, "%s", kinds[row->kind]);
	case SETTING_ENUM:
		return buf_printf(out, "%s", row->unit);
	case SETTING_UINT:
	case SETTING_SIZE:
	case SETTING_DURATION:
		break;
	}
	enum status status = print_number(out, row, row->min);
	if (!status)
		status = buf_printf(out, "..");
	if (!status)
		status = print_number(out, row, row->max);
	if (!status && row->kind == SETTING_UINT && row->unit[0])
		status = buf_printf(out, " %s", row->unit);
	return status;
}

static enum status help_row(struct buf *out, const struct setting_row *row)
{
	enum status status = buf_printf(out, "  --%s ", row->name);
	if (!status)
		status = setting_print_range(out, row);
	if (!status)
		status = buf_printf(out, "  (%s)\n      %s\n      %s\n", row->initial[0] ? row->initial : "empty",
				    row->english, row->chinese);
	return status;
}

enum status settings_help(struct buf *out)
{
	enum status status = buf_printf(
		out,
		"Settings, the later source winning: default, settings file (--settings FILE, lines `name = value`),\n"
		"environment (ZAYTON_NAME), flag (--name value). Nothing listens beyond this machine (127.0.0.1) "
		"unless\n"
		"an address is set that says so.\n"
		"设置来源依次为:默认值、设置文件、环境变量 ZAYTON_NAME、命令行参数,后者优先。\n"
		"默认只监听本机 127.0.0.1;须明确设置地址才对外开放。\n\n");
	for (int i = 0; i < SETTING_COUNT && !status; i++)
		status = help_row(out, &setting_rows[i]);
	return status;
}

static enum status dump_row(const struct settings *s, int index, struct buf *out)
{
	static const char *const sources[] = {"default", "file", "environment", "flag"};
	const struct setting_row *row = &setting_rows[index];
	const struct setting_origin *origin = &s->origin[index];
	enum status status = buf_printf(out, "%s = ", row->name);
	if (!status)
		status = print_value(out, s, row);
	if (!status)
		status = buf_printf(out, "  # %s", sources[origin->source]);
	if (!status && origin->source == SETTING_FROM_FILE)
		status = buf_printf(out, " line %u", origin->line);
	return status ? status : buf_append_u8(out, '\n');
}

enum status settings_dump(const struct settings *s, struct buf *out)
{
	enum status status = STATUS_OK;
	for (int i = 0; i < SETTING_COUNT && !status; i++)
		status = dump_row(s, i, out);
	return status;
}

/* --- what callers ask of values --- */

unsigned settings_retention_months(const struct settings *s, const char *class_token)
{
	char name[64];
	int size = snprintf(name, sizeof name, "retention_%s", class_token);
	int row = size > 0 && size < (int)sizeof name ? setting_find(span_of(name, (size_t)size)) : -1;
	if (row < 0)
		return 0;
	return (unsigned)*(const uint64_t *)((const uint8_t *)s + setting_rows[row].offset);
}

static enum status split_address(const char *text, char host[SETTINGS_HOST_MAX], const char **port)
{
	const char *colon = strrchr(text, ':'), *start = text, *end = colon;
	if (!colon)
		return STATUS_MALFORMED;
	if (*text == '[') {
		start++;
		end = colon - 1;
		if (end < start || *end != ']')
			return STATUS_MALFORMED;
	}
	size_t size = (size_t)(end - start);
	if (size >= SETTINGS_HOST_MAX)
		return STATUS_MALFORMED;
	memcpy(host, start, size);
	host[size] = '\0';
	*port = colon + 1;
	uint8_t binary[16];
	return inet_pton(*text == '[' ? AF_INET6 : AF_INET, host, binary) == 1 ? STATUS_OK : STATUS_MALFORMED;
}

enum status settings_address(const char *text, char host[SETTINGS_HOST_MAX], uint16_t *out_port)
{
	const char *port;
	uint64_t number;
	struct span rest;
	if (strcmp(text, "off") == 0)
		return STATUS_EMPTY;
	enum status status = split_address(text, host, &port);
	if (status)
		return status;
	if (parse_digits(span_of_string(port), &number, &rest) || port[strspn(port, "0123456789")] ||
	    number > UINT16_MAX)
		return STATUS_MALFORMED;
	*out_port = (uint16_t)number;
	return STATUS_OK;
}

bool settings_host_is_loopback(const char *host)
{
	uint8_t v4[4], v6[16];
	static const uint8_t one[16] = {[15] = 1};
	if (inet_pton(AF_INET, host, v4) == 1)
		return v4[0] == 127;
	return inet_pton(AF_INET6, host, v6) == 1 && memcmp(v6, one, sizeof one) == 0;
}
