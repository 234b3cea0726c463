#include "ingest/stations/stations_file.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>

static const char *const transports[STATION_TRANSPORT_COUNT] = {
#define X(NAME, token) token,
	STATION_TRANSPORT_TABLE(X)
#undef X
};

const char *station_transport_token(enum station_transport t)
{
	return transports[t];
}

struct parser {
	const char *name;
	unsigned line;
	struct stations_config *out;
	struct buf *mistakes;
	bool wrong;
	char codec_names[STATIONS_MAX][STATION_NAME_MAX + 1]; /* asked for, looked up at the end */
	unsigned lines[STATIONS_MAX];
};

static void tell(struct parser *p, unsigned line, struct span word, const char *english, const char *chinese)
{
	p->wrong = true;
	/* past the room for mistakes nobody mends more in one go */
	(void)!buf_printf(p->mistakes, "%s:%u: %s %s: \"%.*s\"\n", p->name, line, english, chinese,
			  (int)(word.size < 80 ? word.size : 80), (const char *)word.data);
}

static struct span word_next(struct span *text)
{
	while (text->size && (text->data[0] == ' ' || text->data[0] == '\t'))
		*text = span_of(text->data + 1, text->size - 1);
	size_t n = 0;
	while (n < text->size && text->data[n] != ' ' && text->data[n] != '\t')
		n++;
	struct span word = span_of(text->data, n);
	*text = span_of(text->data + n, text->size - n);
	return word;
}

static bool is(struct span word, const char *text)
{
	return span_equal(word, span_of_string(text));
}

static bool take_name(struct span word, char *out)
{
	if (word.size == 0 || word.size > STATION_NAME_MAX)
		return false;
	for (size_t i = 0; i < word.size; i++) {
		uint8_t c = word.data[i];
		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
		      c == '_' || c == '.'))
			return false;
	}
	memcpy(out, word.data, word.size);
	out[word.size] = '\0';
	return true;
}

static bool is_address(const char *host)
{
	struct in6_addr any;
	return inet_pton(AF_INET, host, &any) == 1 || inet_pton(AF_INET6, host, &any) == 1;
}

/* HOST:PORT or [IPv6]:PORT, numeric. */
static bool take_address(struct span word, struct station_config *s)
{
	size_t at = word.size;
	uint32_t port;
	while (at && word.data[at - 1] != ':')
		at--;
	if (at < 2 || sentence_digits(span_of(word.data + at, word.size - at), &port) || port > 65535)
		return false;
	struct span host = span_of(word.data, at - 1);
	if (host.size > 2 && host.data[0] == '[' && host.data[host.size - 1] == ']')
		host = span_of(host.data + 1, host.size - 2);
	if (host.size > STATION_ADDRESS_MAX)
		return false;
	memcpy(s->host, host.data, host.size);
	s->host[host.size] = '\0';
	s->port = (int)port;
	bool zero_is_good = s->transport != STATION_TCP; /* any free port: for tests and demonstrations */
	return is_address(s->host) && (port || zero_is_good);
}

static bool take_choice(struct span value, const char *no, const char *yes, bool *out)
{
	*out = is(value, yes);
	return *out || is(value, no);
}

static bool take_interface(struct span value, struct station_config *s)
{
	if (value.size >= sizeof s->interface)
		return false;
	memcpy(s->interface, value.data, value.size);
	s->interface[value.size] = '\0';
	return is_address(s->interface);
}

static bool take_option(struct parser *p, struct station_config *s, struct span word)
{
	const uint8_t *equals = memchr(word.data, '=', word.size);
	if (!equals)
		return false;
	struct span key = span_of(word.data, (size_t)(equals - word.data));
	struct span value = span_of(equals + 1, word.size - key.size - 1);
	if (is(key, "own"))
		return take_name(value, s->own);
	if (is(key, "codec"))
		return take_name(value, p->codec_names[p->out->count]);
	if (is(key, "time"))
		return take_choice(value, "utc", "local", &s->rdss.time_is_local);
	if (is(key, "waa"))
		return take_choice(value, "to", "from", &s->rdss.waa_from);
	if (is(key, "unknown"))
		return take_choice(value, "open", "allow", &s->allow_only);
	if (is(key, "rollover"))
		return take_choice(value, "keep", "shift", &s->nmea.shift_rollover);
	return is(key, "interface") && s->transport == STATION_UDP && take_interface(value, s);
}

static void take_codec(struct parser *p, struct span rest)
{
	struct span wrong;
	if (p->out->codec_count == STATION_CODECS_MAX) {
		tell(p, p->line, rest, "too many codecs", "编码定义过多");
		return;
	}
	if (rdss_codec_parse(rest, &p->out->codecs[p->out->codec_count], &wrong))
		tell(p, p->line, wrong, "not a codec: NAME big|little lat=OFFSET:SIZE:UNIT lon=...", "编码定义有误");
	else
		p->out->codec_count++;
}

static bool take_transport(struct span word, enum station_transport *out)
{
	for (unsigned t = 0; t < STATION_TRANSPORT_COUNT; t++)
		if (is(word, transports[t])) {
			*out = (enum station_transport)t;
			return true;
		}
	return false;
}

static bool take_place(struct span word, struct station_config *s)
{
	if (s->transport != STATION_FILE)
		return take_address(word, s);
	if (word.size == 0 || word.size > STATION_ADDRESS_MAX)
		return false;
	memcpy(s->host, word.data, word.size);
	s->host[word.size] = '\0';
	return true;
}

static bool name_is_taken(const struct parser *p, const char *name)
{
	for (size_t i = 0; i < p->out->count; i++)
		if (strcmp(p->out->list[i].name, name) == 0)
			return true;
	return false;
}

static void take_station(struct parser *p, struct span first, struct span rest)
{
	struct station_config *s = &p->out->list[p->out->count];
	if (p->out->count == STATIONS_MAX) {
		tell(p, p->line, first, "more than 256 stations", "站点超过 256 个");
		return;
	}
	*s = (struct station_config){.codec = -1, .rdss = rdss_options_default()};
	p->codec_names[p->out->count][0] = '\0';
	p->lines[p->out->count] = p->line;
	struct span transport = word_next(&rest), place = word_next(&rest), word;
	if (!take_name(first, s->name))
		tell(p, p->line, first, "not a name of letters, digits, - _ .", "名称只能含字母、数字和 - _ .");
	else if (name_is_taken(p, s->name))
		tell(p, p->line, first, "a station of this name came before", "站点名称重复");
	if (!take_transport(transport, &s->transport))
		tell(p, p->line, transport, "none of tcp, tcp-listen, udp, file", "应为 tcp、tcp-listen、udp 或 file");
	else if (!take_place(place, s))
		tell(p, p->line, place, "not an address IP:PORT, or a path", "应为 IP:端口 或文件路径");
	while ((word = word_next(&rest)).size)
		if (!take_option(p, s, word))
			tell(p, p->line, word, "not a setting of a station", "不是站点的设置");
	p->out->count++;
}

static void take_line(struct parser *p, struct span line)
{
	struct span first = word_next(&line);
	if (first.size == 0 || first.data[0] == '#')
		return;
	if (is(first, "codec"))
		take_codec(p, line);
	else
		take_station(p, first, line);
}

static void find_codecs(struct parser *p)
{
	for (size_t i = 0; i < p->out->count; i++) {
		struct station_config *s = &p->out->list[i];
		for (size_t c = 0; c < p->out->codec_count; c++)
			if (strcmp(p->codec_names[i], p->out->codecs[c].name) == 0)
				s->codec = (int)c;
		if (p->codec_names[i][0] && s->codec < 0)
			tell(p, p->lines[i], span_of_string(p->codec_names[i]), "no such codec", "没有此编码定义");
	}
}

enum status stations_parse(const char *name, struct span text, struct stations_config *out, struct buf *mistakes)
{
	static const uint8_t mark[] = {0xef, 0xbb, 0xbf};
	struct parser p = {.name = name, .out = out, .mistakes = mistakes};
	out->count = out->codec_count = 0;
	if (text.size >= 3 && memcmp(text.data, mark, 3) == 0)
		text = span_of(text.data + 3, text.size - 3);
	while (text.size) {
		const uint8_t *end = memchr(text.data, '\n', text.size);
		size_t size = end ? (size_t)(end - text.data) : text.size, next = size + (end != NULL);
		p.line++;
		take_line(&p, span_of(text.data, size - (size && text.data[size - 1] == '\r')));
		text = span_of(text.data + next, text.size - next);
	}
	find_codecs(&p);
	return p.wrong ? STATUS_INVALID : STATUS_OK;
}

enum status stations_read(const char *path, struct stations_config *out, struct buf *mistakes)
{
	struct buf text = buf_init(STATIONS_FILE_MAX);
	FILE *f = fopen(path, "rb");
	enum status status = f ? buf_reserve(&text, STATIONS_FILE_MAX) : errno == ENOENT ? STATUS_NOT_FOUND : STATUS_IO;
	if (!status) {
		text.size = fread(text.data, 1, STATIONS_FILE_MAX, f);
		status = ferror(f) ? STATUS_IO : text.size == STATIONS_FILE_MAX ? STATUS_TOO_LONG : STATUS_OK;
	}
	if (f)
		fclose(f);
	if (status)
		(void)!buf_printf(mistakes, "%s: %s\n", path, status_text(status));
	else
		status = stations_parse(path, buf_view(&text), out, mistakes);
	buf_deinit(&text);
	return status;
}
