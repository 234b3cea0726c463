#include "ingest/platform/links_file.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/core/clock.h"
#include "engine/core/utf8.h"

struct reader {
	struct link_book *book;
	links_mistake *tell;
	void *context;
	unsigned line, mistakes;
	bool seen_links;
	struct link_config *link; /* the section at hand; NULL in [links] */
	enum { AT_TOP, IN_LINKS, IN_LINK, IN_NOTHING } where;
	uint64_t given; /* keys of the section: bit = key */
};

static void wrong(struct reader *r, const char *english, const char *chinese)
{
	if (++r->mistakes <= LINKS_MISTAKES_MAX && r->tell)
		r->tell(r->context, r->line, english, chinese);
}

/* --- values --- */

static bool take_u32(const char *text, uint64_t max, uint64_t *out)
{
	char *end;
	errno = 0;
	unsigned long long value = strtoull(text, &end, 0);
	if (errno || end == text || *end || *text == '-' || value > max)
		return false;
	*out = value;
	return true;
}

static bool take_bool(const char *text, bool *out)
{
	*out = strcmp(text, "yes") == 0 || strcmp(text, "是") == 0;
	return *out || strcmp(text, "no") == 0 || strcmp(text, "否") == 0;
}

/* "60 s", "7 d", "200 ms" */
static bool take_duration(const char *text, int64_t *out_ms)
{
	static const struct {
		const char *unit;
		int64_t ms;
	} units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", MS_PER_HOUR}, {"d", MS_PER_DAY}};
	char *end;
	errno = 0;
	long value = strtol(text, &end, 10);
	while (*end == ' ')
		end++;
	for (size_t i = 0; i < sizeof units / sizeof *units && !errno; i++)
		if (strcmp(end, units[i].unit) == 0 && value > 0 && value < 100000) {
			*out_ms = value * units[i].ms;
			return true;
		}
	return false;
}

static bool take_text(const char *text, char *out, size_t room)
{
	if (strlen(text) >= room || !*text)
		return false;
	strcpy(out, text);
	return true;
}

static bool take_address(const char *text, char host[SETTINGS_HOST_MAX], uint16_t *port)
{
	return settings_address(text, host, port) == STATUS_OK;
}

static bool ip_parse(const char *text, uint8_t out[16], bool *is_v4)
{
	static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
	*is_v4 = true;
	memcpy(out, mapped, sizeof mapped);
	if (inet_pton(AF_INET, text, out + 12) == 1)
		return true;
	if (inet_pton(AF_INET6, text, out) != 1)
		return false;
	*is_v4 = memcmp(out, mapped, sizeof mapped) == 0;
	return true;
}

static bool take_network(char *text, struct link_network *out)
{
	bool is_v4;
	uint64_t bits;
	char *slash = strchr(text, '/');
	if (slash)
		*slash = '\0';
	if (!ip_parse(text, out->bytes, &is_v4))
		return false;
	bits = is_v4 ? 32 : 128;
	if (slash && !take_u32(slash + 1, bits, &bits))
		return false;
	out->bits = (uint8_t)(is_v4 ? bits + 96 : bits);
	return true;
}

bool link_allows(const struct link_config *c, const char *address)
{
	uint8_t ip[16];
	bool is_v4;
	if (!c->network_count)
		return true;
	if (!ip_parse(address, ip, &is_v4))
		return false;
	for (size_t i = 0; i < c->network_count; i++) {
		const struct link_network *n = &c->networks[i];
		unsigned bytes = n->bits / 8, rest = n->bits % 8;
		uint8_t mask = (uint8_t)(0xff00u >> rest);
		if (memcmp(ip, n->bytes, bytes) == 0 && (!rest || ((ip[bytes] ^ n->bytes[bytes]) & mask) == 0))
			return true;
	}
	return false;
}

/* Each piece of "a, b, c", trimmed; false when one is not taken. */
static bool each_piece(char *text, bool (*take)(struct link_config *, char *), struct link_config *c)
{
	for (char *piece = strtok(text, ","); piece; piece = strtok(NULL, ",")) {
		piece += strspn(piece, " \t");
		size_t size = strlen(piece);
		while (size && (piece[size - 1] == ' ' || piece[size - 1] == '\t'))
			piece[--size] = '\0';
		if (!size || !take(c, piece))
			return false;
	}
	return true;
}

static bool add_network(struct link_config *c, char *text)
{
	return c->network_count < LINK_ADDRESSES_MAX && take_network(text, &c->networks[c->network_count++]);
}

static bool add_class(struct link_config *c, char *text)
{
	uint8_t code;
	if (device_class_parse(span_of_string(text), &code))
		return false;
	c->classes |= 1u << code;
	return true;
}

static bool add_company(struct link_config *c, char *text)
{
	return c->company_count < LINK_CHOICES_MAX &&
	       take_text(text, c->companies[c->company_count++], sizeof c->companies[0]);
}

static bool add_plate(struct link_config *c, char *text)
{
	return c->plate_count < LINK_CHOICES_MAX &&
	       !device_value_normalise(DEVICE_FIELD_PLATE, span_of_string(text), c->plates[c->plate_count++]);
}

/* --- keys --- */

#define FOR_LOWER 1u
#define FOR_UPPER 2u
#define FOR_ALL 4u
#define FOR_LINK (FOR_LOWER | FOR_UPPER)

/* X(KEY, "name", sections, "what it wants", "Chinese") */
#define KEY_TABLE(X)                                                                                                   \
	X(LISTEN, "listen", FOR_ALL, "listen: wanted IP:PORT", "listen 应为 IP:端口")                                  \
	X(HEARTBEAT, "heartbeat", FOR_ALL, "heartbeat: wanted a duration such as 60 s", "heartbeat 应为时长, 如 60 s") \
	X(STATISTICS, "statistics_every", FOR_ALL, "statistics_every: wanted a number of positions",                   \
	  "statistics_every 应为条数")                                                                                 \
	X(TITLE, "title", FOR_LINK, "title: wanted a text of up to 127 bytes", "title 应为文字, 至多 127 字节")        \
	X(ACCESS, "access_code", FOR_LINK, "access_code: wanted a number from 1", "access_code 应为接入码")            \
	X(USER, "user", FOR_LINK, "user: wanted a number", "user 应为用户名(数字)")                                    \
	X(PASSWORD, "password", FOR_LINK, "password: wanted 1 to 8 bytes", "password 应为 1 至 8 字节")                \
	X(EDITION, "edition", FOR_LINK, "edition: wanted 2011, 2019 or (lower only) detect",                           \
	  "edition 应为 2011, 2019, 下级可为 detect")                                                                  \
	X(M1, "m1", FOR_LINK, "m1: wanted a number", "m1 应为数字")                                                    \
	X(IA1, "ia1", FOR_LINK, "ia1: wanted a number", "ia1 应为数字")                                                \
	X(IC1, "ic1", FOR_LINK, "ic1: wanted a number", "ic1 应为数字")                                                \
	X(ENCRYPT, "encrypt", FOR_LINK, "encrypt: wanted yes or no", "encrypt 应为 yes 或 no")                         \
	X(PLATFORM, "platform", FOR_LINK, "platform: wanted a code of up to 11 bytes",                                 \
	  "platform 应为至多 11 字节的编码")                                                                           \
	X(ADDRESSES, "addresses", FOR_LOWER, "addresses: wanted up to 16 of IP or IP/BITS",                            \
	  "addresses 应为至多 16 个 IP 或 IP/位数")                                                                    \
	X(VEHICLES, "vehicles", FOR_LOWER, "vehicles: wanted allow, open or keep",                                     \
	  "vehicles 应为 allow, open 或 keep")                                                                         \
	X(ADDRESS, "address", FOR_UPPER, "address: wanted IP:PORT", "address 应为 IP:端口")                            \
	X(SUB_LISTEN, "sub_listen", FOR_UPPER, "sub_listen: wanted IP:PORT", "sub_listen 应为 IP:端口")                \
	X(SUB_ADDRESS, "sub_address", FOR_UPPER, "sub_address: wanted an IP address", "sub_address 应为 IP")           \
	X(CLASSES, "classes", FOR_UPPER, "classes: a class is not known", "classes 中有未知类别")                      \
	X(COMPANIES, "companies", FOR_UPPER, "companies: wanted up to 64 names", "companies 至多 64 个名称")           \
	X(PLATES, "plates", FOR_UPPER, "plates: wanted up to 64 of COLOUR:PLATE", "plates 应为至多 64 个 颜色:车牌")   \
	X(FINDINGS, "findings", FOR_UPPER, "findings: wanted yes or no", "findings 应为 yes 或 no")                    \
	X(CATCH_UP, "catch_up", FOR_UPPER, "catch_up: wanted a duration of up to 180 d",                               \
	  "catch_up 应为时长, 至多 180 d")

enum key {
#define X(KEY, ...) KEY_##KEY,
	KEY_TABLE(X)
#undef X
		KEY_COUNT
};
_Static_assert(KEY_COUNT <= 64, "a bit for each key");

static const struct {
	const char *name;
	unsigned sections;
	const char *english, *chinese;
} keys[KEY_COUNT] = {
#define X(KEY, name, sections, english, chinese) [KEY_##KEY] = {name, sections, english, chinese},
	KEY_TABLE(X)
#undef X
};

static bool take_global(struct link_book *b, enum key key, char *value)
{
	uint64_t number;
	int64_t ms;
	switch (key) {
	case KEY_LISTEN:
		return take_address(value, b->listen_host, &b->listen_port);
	case KEY_HEARTBEAT:
		if (!take_duration(value, &ms) || ms < 50 || ms > MS_PER_HOUR)
			return false;
		b->heartbeat_ms = (uint32_t)ms;
		return true;
	case KEY_STATISTICS:
		if (!take_u32(value, UINT32_MAX, &number) || !number)
			return false;
		b->statistics_every = (uint32_t)number;
		return true;
	default:
		return false;
	}
}

static bool take_number(const char *value, uint64_t min, uint32_t *out)
{
	uint64_t number;
	if (!take_u32(value, UINT32_MAX, &number) || number < min)
		return false;
	*out = (uint32_t)number;
	return true;
}

static bool take_edition(struct link_config *c, const char *value)
{
	c->edition = strcmp(value, "2011") == 0 ? JT809_2011 : strcmp(value, "2019") == 0 ? JT809_2019 : JT809_DETECT;
	return c->edition != JT809_DETECT || (c->role == LINK_LOWER && strcmp(value, "detect") == 0);
}

static bool take_vehicles(struct link_config *c, const char *value)
{
	static const char *const words[] = {"allow", "open", "keep"};
	for (unsigned i = 0; i < 3; i++)
		if (strcmp(value, words[i]) == 0) {
			c->vehicles = (enum link_admission)i;
			return true;
		}
	return false;
}

static bool take_ip(const char *value, char out[SETTINGS_HOST_MAX])
{
	uint8_t ip[16];
	bool is_v4;
	return ip_parse(value, ip, &is_v4) && take_text(value, out, 33); /* the login has 32 bytes for it */
}

static bool take_key(struct link_config *c, enum key key, char *value)
{
	switch (key) {
	case KEY_TITLE:
		return take_text(value, c->title, sizeof c->title);
	case KEY_ACCESS:
		return take_number(value, 1, &c->access_code);
	case KEY_USER:
		return take_number(value, 0, &c->user);
	case KEY_PASSWORD:
		return take_text(value, c->password, sizeof c->password);
	case KEY_EDITION:
		return take_edition(c, value);
	case KEY_M1:
		return take_number(value, 0, &c->cipher.m1);
	case KEY_IA1:
		return take_number(value, 0, &c->cipher.ia1);
	case KEY_IC1:
		return take_number(value, 0, &c->cipher.ic1);
	case KEY_ENCRYPT:
		return take_bool(value, &c->encrypt);
	case KEY_PLATFORM:
		return take_text(value, c->platform, sizeof c->platform);
	case KEY_ADDRESSES:
		return each_piece(value, add_network, c);
	case KEY_VEHICLES:
		return take_vehicles(c, value);
	case KEY_ADDRESS:
		return take_address(value, c->host, &c->port);
	case KEY_SUB_LISTEN:
		return take_address(value, c->sub_host, &c->sub_port);
	case KEY_SUB_ADDRESS:
		return take_ip(value, c->sub_address);
	case KEY_CLASSES:
		return each_piece(value, add_class, c);
	case KEY_COMPANIES:
		return each_piece(value, add_company, c);
	case KEY_PLATES:
		return each_piece(value, add_plate, c);
	case KEY_FINDINGS:
		return take_bool(value, &c->findings);
	case KEY_CATCH_UP:
		return take_duration(value, &c->catch_up_ms) && c->catch_up_ms <= 180 * MS_PER_DAY;
	default:
		return false;
	}
}

static unsigned section_bit(const struct reader *r)
{
	return r->where == IN_LINKS ? FOR_ALL : r->link->role == LINK_LOWER ? FOR_LOWER : FOR_UPPER;
}

static void take_pair(struct reader *r, const char *name, char *value)
{
	if (r->where == AT_TOP)
		wrong(r, "a section [links], [lower NAME] or [upper NAME] must come first",
		      "应先有 [links], [lower 名] 或 [upper 名]");
	if (r->where == AT_TOP || r->where == IN_NOTHING)
		return;
	for (unsigned key = 0; key < KEY_COUNT; key++) {
		if (strcmp(keys[key].name, name) != 0 || !(keys[key].sections & section_bit(r)))
			continue;
		if (r->given >> key & 1)
			wrong(r, "said twice in this section", "本节内重复");
		else if (r->where == IN_LINKS ? !take_global(r->book, (enum key)key, value)
					      : !take_key(r->link, (enum key)key, value))
			wrong(r, keys[key].english, keys[key].chinese);
		r->given |= UINT64_C(1) << key;
		return;
	}
	wrong(r, "not known in this section", "本节没有此项");
}

/* --- sections --- */

static bool given(const struct reader *r, enum key key)
{
	return r->given >> key & 1;
}

/* What a section must have, told at its own line. */
static void end_section(struct reader *r)
{
	struct link_config *c = r->link;
	unsigned line = r->line;
	if (r->where != IN_LINK)
		return;
	r->line = c->line;
	if (!given(r, KEY_ACCESS) || !given(r, KEY_USER) || !given(r, KEY_PASSWORD))
		wrong(r, "access_code, user and password are wanted", "缺少 access_code, user 或 password");
	if (c->role == LINK_UPPER && (!given(r, KEY_ADDRESS) || !given(r, KEY_SUB_LISTEN)))
		wrong(r, "address and sub_listen are wanted", "缺少 address 或 sub_listen");
	if (c->encrypt && !jt809_cipher_is_set(&c->cipher))
		wrong(r, "encrypt without m1, ia1 and ic1", "加密需要 m1, ia1, ic1");
	for (struct link_config *o = r->book->links; o < c; o++) {
		if (strcmp(o->name, c->name) == 0)
			wrong(r, "a link of this name is above", "链路名重复");
		if (o->role == LINK_LOWER && c->role == LINK_LOWER && o->access_code == c->access_code)
			wrong(r, "a link with this access code is above", "接入码重复");
	}
	if (!*c->title)
		strcpy(c->title, c->name);
	if (c->role == LINK_UPPER && !*c->sub_address)
		snprintf(c->sub_address, sizeof c->sub_address, "%s", c->sub_host);
	r->line = line;
}

static bool is_name(const char *name)
{
	size_t size = strlen(name);
	return size && size <= LINK_NAME_MAX &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == size;
}

static void begin_link(struct reader *r, enum link_role role, const char *name)
{
	struct link_book *b = r->book;
	r->where = IN_NOTHING;
	if (!is_name(name)) {
		wrong(r, "a link's name has 1 to 31 of letters, digits, - _ .",
		      "链路名应为 1 至 31 个字母, 数字或 - _ .");
		return;
	}
	if (b->count == LINKS_MAX) {
		wrong(r, "too many links", "链路过多");
		return;
	}
	r->link = &b->links[b->count++];
	*r->link = (struct link_config){.role = role,
					.line = r->line,
					.edition = role == LINK_LOWER ? JT809_DETECT : JT809_2019,
					.findings = true,
					.catch_up_ms = 7 * MS_PER_DAY};
	strcpy(r->link->name, name);
	r->where = IN_LINK;
}

static void take_section(struct reader *r, char *text)
{
	end_section(r);
	r->given = 0;
	if (strcmp(text, "links") == 0) {
		if (r->seen_links)
			wrong(r, "[links] is above already", "[links] 重复");
		r->seen_links = true;
		r->where = IN_LINKS;
	} else if (strncmp(text, "lower ", 6) == 0) {
		begin_link(r, LINK_LOWER, text + 6);
	} else if (strncmp(text, "upper ", 6) == 0) {
		begin_link(r, LINK_UPPER, text + 6);
	} else {
		r->where = IN_NOTHING;
		wrong(r, "wanted [links], [lower NAME] or [upper NAME]", "应为 [links], [lower 名] 或 [upper 名]");
	}
}

/* --- lines --- */

static char *trimmed(char *text)
{
	text += strspn(text, " \t\r");
	size_t size = strlen(text);
	while (size && strchr(" \t\r", text[size - 1]))
		text[--size] = '\0';
	return text;
}

static void drop_comment(char *line)
{
	for (char *at = line; *at; at++)
		if (*at == '#' && (at == line || at[-1] == ' ' || at[-1] == '\t')) {
			*at = '\0';
			return;
		}
}

static void take_line(struct reader *r, char *line)
{
	drop_comment(line);
	line = trimmed(line);
	size_t size = strlen(line);
	char *sign = strchr(line, '=');
	if (!size)
		return;
	if (!utf8_printable(span_of(line, size))) {
		wrong(r, "not UTF-8, or with control characters", "不是 UTF-8 文本");
	} else if (line[0] == '[' && line[size - 1] == ']') {
		line[size - 1] = '\0';
		take_section(r, trimmed(line + 1));
	} else if (sign) {
		*sign = '\0';
		take_pair(r, trimmed(line), trimmed(sign + 1));
	} else {
		wrong(r, "wanted NAME = VALUE or [SECTION]", "应为 名称 = 值 或 [节]");
	}
}

static void take_lines(struct reader *r, char *text)
{
	for (char *next; text; text = next) {
		next = strchr(text, '\n');
		if (next)
			*next++ = '\0';
		r->line++;
		take_line(r, text);
	}
	end_section(r);
	for (size_t i = 0; i < r->book->count; i++)
		if (r->book->links[i].role == LINK_LOWER && !*r->book->listen_host) {
			r->line = r->book->links[i].line;
			wrong(r, "[links] must say where platforms below listen", "[links] 缺少 listen");
			return;
		}
}

enum status links_parse(struct span text, links_mistake *tell, void *context, struct link_book *out)
{
	struct reader r = {.book = out, .tell = tell, .context = context};
	*out = (struct link_book){.heartbeat_ms = 60000, .statistics_every = 10000};
	if (text.size > LINKS_FILE_MAX)
		return STATUS_TOO_LONG;
	char *copy = malloc(text.size + 1);
	out->links = calloc(LINKS_MAX, sizeof *out->links);
	if (!copy || !out->links) {
		free(copy);
		links_free(out);
		return STATUS_NO_MEMORY;
	}
	if (text.size)
		memcpy(copy, text.data, text.size);
	copy[text.size] = '\0';
	if (strlen(copy) != text.size)
		wrong(&r, "a NUL byte", "含有 NUL 字节");
	take_lines(&r, copy);
	free(copy);
	if (r.mistakes)
		links_free(out);
	return r.mistakes ? STATUS_MALFORMED : STATUS_OK;
}

enum status links_read(const char *path, links_mistake *tell, void *context, struct link_book *out)
{
	uint8_t chunk[4096];
	size_t n;
	*out = (struct link_book){0};
	FILE *f = fopen(path, "rb");
	if (!f)
		return errno == ENOENT ? STATUS_NOT_FOUND : STATUS_IO;
	struct buf text = buf_init(LINKS_FILE_MAX);
	enum status status = STATUS_OK;
	while (!status && (n = fread(chunk, 1, sizeof chunk, f)) > 0)
		status = buf_append(&text, chunk, n);
	if (!status && ferror(f))
		status = STATUS_IO;
	fclose(f);
	if (!status)
		status = links_parse(buf_view(&text), tell, context, out);
	buf_deinit(&text);
	return status == STATUS_FULL ? STATUS_TOO_LONG : status;
}

void links_free(struct link_book *book)
{
	free(book->links);
	*book = (struct link_book){0};
}
