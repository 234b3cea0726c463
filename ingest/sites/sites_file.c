#include "ingest/sites/sites_file.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/core/clock.h"

static const char *const protocols[SITE_PROTOCOL_COUNT] = {
#define X(NAME, token) token,
	SITE_PROTOCOL_TABLE(X)
#undef X
};

const char *site_protocol_token(enum site_protocol p)
{
	return protocols[p];
}

struct parser {
	const char *name;
	unsigned line;
	struct sites_config *out;
	struct buf *mistakes;
	bool wrong;
};

static void tell(struct parser *p, struct span word, const char *english, const char *chinese)
{
	p->wrong = true;
	/* past the room for mistakes nobody mends more in one go */
	(void)!buf_printf(p->mistakes, "%s:%u: %s %s: \"%.*s\"\n", p->name, p->line, english, chinese,
			  (int)(word.size < 80 ? word.size : 80), (const char *)word.data);
}

/* --- words --- */

static struct span word_next(struct span *text)
{
	size_t from = 0, to;
	while (from < text->size && (text->data[from] == ' ' || text->data[from] == '\t'))
		from++;
	for (to = from; to < text->size && text->data[to] != ' ' && text->data[to] != '\t';)
		to++;
	struct span word = span_of(text->data + from, to - from);
	*text = span_of(text->data + to, text->size - to);
	return word;
}

static bool is(struct span word, const char *text)
{
	return span_equal(word, span_of_string(text));
}

/* 1 .. max bytes. */
static bool take_text(struct span word, char *out, size_t max)
{
	if (!word.size || word.size > max)
		return false;
	memcpy(out, word.data, word.size);
	out[word.size] = '\0';
	return true;
}

static bool take_name(struct span word, char out[SITES_NAME_MAX + 1])
{
	for (size_t i = 0; i < word.size; i++) {
		uint8_t c = word.data[i];
		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
		      c == '_' || c == '.'))
			return false;
	}
	return take_text(word, out, SITES_NAME_MAX);
}

static bool take_number(struct span word, uint32_t max, uint32_t *out)
{
	uint64_t n = 0;
	for (size_t i = 0; i < word.size; i++) {
		if (word.data[i] < '0' || word.data[i] > '9' || n > max)
			return false;
		n = 10 * n + (uint64_t)(word.data[i] - '0');
	}
	*out = (uint32_t)n;
	return word.size && n <= max;
}

/* HOST:PORT or [IPv6]:PORT. */
static bool take_address(struct span word, char *host, size_t host_max, int *port)
{
	size_t at = word.size;
	uint32_t number;
	while (at && word.data[at - 1] != ':')
		at--;
	if (at < 2 || !take_number(span_of(word.data + at, word.size - at), 65535, &number))
		return false;
	struct span name = span_of(word.data, at - 1);
	if (name.size > 2 && name.data[0] == '[' && name.data[name.size - 1] == ']')
		name = span_of(name.data + 1, name.size - 2);
	*port = (int)number;
	return take_text(name, host, host_max);
}

/* `word` as KEY=VALUE. */
static bool split(struct span word, struct span *key, struct span *value)
{
	const uint8_t *equals = word.size ? memchr(word.data, '=', word.size) : NULL;
	if (!equals)
		return false;
	*key = span_of(word.data, (size_t)(equals - word.data));
	*value = span_of(equals + 1, word.size - key->size - 1);
	return key->size != 0;
}

/* Room for one more of `count` things in a list of at most `max`. NULL: none. */
static void *grow(void *list, size_t *count, size_t max, size_t size)
{
	if (*count == max)
		return NULL;
	/* doubled at powers of two */
	if ((*count & (*count - 1)) == 0) {
		void *larger = realloc(*(void **)list, (*count ? *count * 2 : 1) * size);
		if (!larger)
			return NULL;
		*(void **)list = larger;
	}
	void *one = *(char **)list + *count * size;
	memset(one, 0, size);
	++*count;
	return one;
}

/* --- listeners --- */

static bool take_listener_option(struct site_listener_config *l, struct span word)
{
	struct span key, value;
	uint32_t number;
	if (!split(word, &key, &value))
		return false;
	if (is(key, "unknown")) {
		l->keep_unknown = is(value, "keep");
		return l->keep_unknown || is(value, "refuse");
	}
	if (is(key, "idle"))
		return stream_interval_parse(value, &l->idle_ms) == STATUS_OK && l->idle_ms >= MS_PER_SECOND;
	if (!is(key, "centre") || l->protocol != SITE_SL651 || !take_number(value, 255, &number))
		return false;
	l->centre = (uint8_t)number;
	return l->has_centre = true;
}

static int listener_of(const struct sites_config *c, struct span name)
{
	for (size_t i = 0; i < c->listener_count; i++)
		if (is(name, c->listeners[i].name))
			return (int)i;
	return -1;
}

static bool is_address(const char *host)
{
	struct in6_addr any;
	return inet_pton(AF_INET, host, &any) == 1 || inet_pton(AF_INET6, host, &any) == 1;
}

static bool take_protocol(struct span word, enum site_protocol *out)
{
	for (unsigned i = 0; i < SITE_PROTOCOL_COUNT; i++)
		if (is(word, protocols[i])) {
			*out = (enum site_protocol)i;
			return true;
		}
	return false;
}

static void take_listener(struct parser *p, struct span name, struct span rest)
{
	struct sites_config *c = p->out;
	if (c->listener_count == SITES_LISTENERS_MAX) {
		tell(p, name, "too many listeners", "监听过多");
		return;
	}
	struct site_listener_config *l = &c->listeners[c->listener_count];
	*l = (struct site_listener_config){.idle_ms = SITE_IDLE_DEFAULT_MS};
	struct span protocol = word_next(&rest), place = word_next(&rest), word;
	if (listener_of(c, name) >= 0)
		tell(p, name, "a listener of this name came before", "监听名称重复");
	if (!take_name(name, l->name))
		tell(p, name, "not a name of letters, digits, - _ .", "名称只能含字母、数字和 - _ .");
	else if (!take_protocol(protocol, &l->protocol))
		tell(p, protocol, "none of gb26875, hj212, sl651", "应为 gb26875、hj212 或 sl651");
	else if (!take_address(place, l->host, sizeof l->host - 1, &l->port) || !is_address(l->host))
		tell(p, place, "not an address IP:PORT", "应为 IP:端口");
	while ((word = word_next(&rest)).size)
		if (!take_listener_option(l, word))
			tell(p, word, "not a setting of a listener", "不是监听的设置");
	c->listener_count++;
}

/* --- devices and quantities --- */

static bool take_listener_name(struct parser *p, struct span word, uint16_t *out)
{
	int at = listener_of(p->out, word);
	if (at < 0) {
		tell(p, word, "no listener of this name above", "前面没有此监听");
		return false;
	}
	*out = (uint16_t)at;
	return true;
}

static bool take_device_option(struct site_device *d, struct span word)
{
	struct span key, value;
	if (!split(word, &key, &value))
		return false;
	if (is(key, "pw"))
		return take_text(value, d->password, SITE_PASSWORD_MAX);
	d->test_ignored = is(value, "never");
	return is(key, "test") && (d->test_ignored || is(value, "bit"));
}

static void take_device(struct parser *p, struct span rest)
{
	struct sites_config *c = p->out;
	struct span listener = word_next(&rest), key = word_next(&rest), site = word_next(&rest), word;
	struct site_device *d = grow(&c->devices, &c->device_count, SITES_DEVICES_MAX, sizeof *d);
	if (!d) {
		tell(p, key, "too many devices", "设备过多");
		return;
	}
	d->line = p->line;
	if (!take_listener_name(p, listener, &d->listener))
		return;
	if (!take_text(key, d->key, SITE_KEY_MAX))
		tell(p, key, "not a device's number of 1 to 31 bytes", "设备编号应为 1 至 31 字节");
	if (!take_text(site, d->site, SITE_MAX))
		tell(p, site, "no site, or too long", "站点编号缺失或过长");
	while ((word = word_next(&rest)).size)
		if (!take_device_option(d, word))
			tell(p, word, "not a setting of a device", "不是设备的设置");
}

static void take_quantity(struct parser *p, struct span rest)
{
	struct sites_config *c = p->out;
	struct span listener = word_next(&rest), from = word_next(&rest), to = word_next(&rest), word;
	struct site_quantity *q = grow(&c->quantities, &c->quantity_count, SITES_QUANTITIES_MAX, sizeof *q);
	if (!q) {
		tell(p, from, "too many quantities", "监测项过多");
		return;
	}
	if (!take_listener_name(p, listener, &q->listener))
		return;
	if (!take_text(from, q->from, QUANTITY_MAX) || !take_text(to, q->to, QUANTITY_MAX))
		tell(p, from, "two names of quantities are needed", "应写明监测项的原名和新名");
	while ((word = word_next(&rest)).size) {
		struct span key, value;
		if (!split(word, &key, &value) || !is(key, "unit") || !take_text(value, q->unit, SITE_UNIT_MAX))
			tell(p, word, "not a setting of a quantity", "不是监测项的设置");
	}
}

/* --- brokers and topics --- */

static int broker_of(const struct sites_config *c, struct span name)
{
	for (size_t i = 0; i < c->broker_count; i++)
		if (is(name, c->brokers[i].name))
			return (int)i;
	return -1;
}

static bool take_broker_option(struct broker_config *b, struct span word)
{
	struct span key, value;
	uint32_t number;
	if (!split(word, &key, &value))
		return false;
	if (is(key, "unknown")) {
		b->keep_unknown = is(value, "keep");
		return b->keep_unknown || is(value, "refuse");
	}
	if (is(key, "client"))
		return take_name(value, b->client);
	if (is(key, "user"))
		return take_text(value, b->user, sizeof b->user - 1);
	if (is(key, "password-file"))
		return take_text(value, b->password_file, SITES_TEXT_MAX);
	if (is(key, "ca"))
		return take_text(value, b->ca, SITES_TEXT_MAX);
	if (is(key, "cert"))
		return take_text(value, b->cert, SITES_TEXT_MAX);
	if (is(key, "key"))
		return take_text(value, b->key, SITES_TEXT_MAX);
	if (!is(key, "keepalive") || !take_number(value, 3600, &number) || number < 5)
		return false;
	b->keepalive_s = number;
	return true;
}

static void take_broker(struct parser *p, struct span rest)
{
	struct sites_config *c = p->out;
	struct span name = word_next(&rest), place = word_next(&rest), word;
	if (c->broker_count == SITES_BROKERS_MAX || broker_of(c, name) >= 0) {
		tell(p, name, "too many brokers, or this one twice", "代理服务器过多或重复");
		return;
	}
	struct broker_config *b = &c->brokers[c->broker_count++];
	*b = (struct broker_config){.client = "zayton", .keepalive_s = 60};
	if (!take_name(name, b->name))
		tell(p, name, "not a name of letters, digits, - _ .", "名称只能含字母、数字和 - _ .");
	if (!take_address(place, b->host, SITES_TEXT_MAX, &b->port) || !b->port)
		tell(p, place, "not an address HOST:PORT", "应为 主机:端口");
	while ((word = word_next(&rest)).size)
		if (!take_broker_option(b, word))
			tell(p, word, "not a setting of a broker", "不是代理服务器的设置");
}

static bool take_step(struct span *text, struct json_step *out)
{
	bool index = text->data[0] == '[';
	size_t n = 1;
	while (n < text->size && text->data[n] != '[' && text->data[n] != ']' && text->data[n] != '.')
		n++;
	struct span word = span_of(text->data + 1, n - 1);
	if (index && (n == text->size || text->data[n++] != ']'))
		return false;
	*text = span_of(text->data + n, text->size - n);
	*out = (struct json_step){.is_index = index};
	return index ? take_number(word, 1000000, &out->index) : take_text(word, out->name, sizeof out->name - 1);
}

enum status json_path_parse(struct span text, struct json_path *out)
{
	out->count = 0;
	if (!text.size || text.data[0] != '$')
		return STATUS_MALFORMED;
	text = span_of(text.data + 1, text.size - 1);
	while (text.size) {
		if (text.data[0] != '.' && text.data[0] != '[')
			return STATUS_MALFORMED;
		if (out->count == SITES_PATH_STEPS)
			return STATUS_TOO_LONG;
		if (!take_step(&text, &out->steps[out->count++]))
			return STATUS_MALFORMED;
	}
	return STATUS_OK;
}

static bool take_topic_word(struct topic_config *t, struct span word, bool *has_time)
{
	struct span key, value;
	if (!split(word, &key, &value))
		return false;
	if (is(key, "time")) {
		*has_time = true;
		t->time_is_receipt = is(value, "receipt");
		return t->time_is_receipt || json_path_parse(value, &t->time) == STATUS_OK;
	}
	if (is(key, "each")) {
		t->has_each = true;
		return json_path_parse(value, &t->each) == STATUS_OK;
	}
	struct topic_field *f = grow(&t->fields, &t->field_count, SITES_FIELDS_MAX, sizeof *f);
	return f && take_text(key, f->quantity, QUANTITY_MAX) && json_path_parse(value, &f->path) == STATUS_OK;
}

/* {N} and {$.path}, closed. */
static bool is_site_pattern(const char *text)
{
	struct json_path path;
	uint32_t number;
	for (const char *open = strchr(text, '{'); open; open = strchr(open, '{')) {
		const char *close = strchr(open++, '}');
		if (!close)
			return false;
		struct span inner = span_of(open, (size_t)(close - open));
		if (!take_number(inner, 128, &number) && json_path_parse(inner, &path))
			return false;
	}
	return true;
}

static void take_topic(struct parser *p, struct span rest)
{
	struct sites_config *c = p->out;
	struct span name = word_next(&rest), filter = word_next(&rest), site = word_next(&rest), word;
	struct topic_config *t = grow(&c->topics, &c->topic_count, SITES_TOPICS_MAX, sizeof *t);
	int broker = broker_of(c, name);
	bool has_time = false;
	if (!t || broker < 0) {
		tell(p, name, t ? "no broker of this name above" : "too many topics",
		     t ? "前面没有此代理服务器" : "主题过多");
		return;
	}
	t->broker = (uint16_t)broker;
	if (!take_text(filter, t->filter, SITES_TEXT_MAX))
		tell(p, filter, "no topic, or too long", "主题缺失或过长");
	if (!take_text(site, t->site, SITE_MAX) || !is_site_pattern(t->site))
		tell(p, site, "not a site: text, {N}, {$.path}", "站点编号有误");
	while ((word = word_next(&rest)).size)
		if (!take_topic_word(t, word, &has_time))
			tell(p, word, "not time=, each=, or QUANTITY=PATH", "应为 time=、each= 或 监测项=路径");
	if (!has_time)
		tell(p, filter, "time=PATH or time=receipt is missing", "缺少 time=");
	if (!t->field_count)
		tell(p, filter, "no quantity", "缺少监测项");
}

/* --- the whole --- */

static void take_line(struct parser *p, struct span line)
{
	struct span first = word_next(&line);
	if (first.size == 0 || first.data[0] == '#')
		return;
	if (is(first, "device"))
		take_device(p, line);
	else if (is(first, "quantity"))
		take_quantity(p, line);
	else if (is(first, "broker"))
		take_broker(p, line);
	else if (is(first, "topic"))
		take_topic(p, line);
	else
		take_listener(p, first, line);
}

static int order(const void *a, const void *b)
{
	const struct site_device *x = a, *y = b;
	return x->listener != y->listener ? (x->listener < y->listener ? -1 : 1) : strcmp(x->key, y->key);
}

static void sort_devices(struct parser *p)
{
	struct sites_config *c = p->out;
	if (c->device_count)
		qsort(c->devices, c->device_count, sizeof *c->devices, order);
	for (size_t i = 1; i < c->device_count; i++)
		if (order(&c->devices[i - 1], &c->devices[i]) == 0) {
			p->line = c->devices[i].line;
			tell(p, span_of_string(c->devices[i].key), "this device is named twice", "设备重复");
		}
}

enum status sites_parse(const char *name, struct span text, struct sites_config **out, struct buf *mistakes)
{
	static const uint8_t mark[] = {0xef, 0xbb, 0xbf};
	struct parser p = {.name = name, .out = calloc(1, sizeof **out), .mistakes = mistakes};
	if (!p.out)
		return STATUS_NO_MEMORY;
	if (text.size >= 3 && memcmp(text.data, mark, 3) == 0)
		text = span_of(text.data + 3, text.size - 3);
	while (text.size) {
		const uint8_t *end = memchr(text.data, '\n', text.size);
		size_t size = end ? (size_t)(end - text.data) : text.size, next = size + (end != NULL);
		p.line++;
		take_line(&p, span_of(text.data, size - (size && text.data[size - 1] == '\r')));
		text = span_of(text.data + next, text.size - next);
	}
	sort_devices(&p);
	*out = p.wrong ? NULL : p.out;
	if (p.wrong)
		sites_config_free(p.out);
	return p.wrong ? STATUS_INVALID : STATUS_OK;
}

enum status sites_read(const char *path, struct sites_config **out, struct buf *mistakes)
{
	struct buf text = buf_init(SITES_FILE_MAX);
	FILE *f = fopen(path, "rb");
	enum status status = f ? buf_reserve(&text, SITES_FILE_MAX) : errno == ENOENT ? STATUS_NOT_FOUND : STATUS_IO;
	if (!status) {
		text.size = fread(text.data, 1, SITES_FILE_MAX, f);
		status = ferror(f) ? STATUS_IO : text.size == SITES_FILE_MAX ? STATUS_TOO_LONG : STATUS_OK;
	}
	if (f)
		fclose(f);
	if (status)
		(void)!buf_printf(mistakes, "%s: %s\n", path, status_text(status));
	else
		status = sites_parse(path, buf_view(&text), out, mistakes);
	buf_deinit(&text);
	return status;
}

void sites_config_free(struct sites_config *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->topic_count; i++)
		free(c->topics[i].fields);
	free(c->topics);
	free(c->quantities);
	free(c->devices);
	free(c);
}

/* --- asking --- */

const struct site_device *sites_device(const struct sites_config *c, unsigned listener, struct span key)
{
	struct site_device like = {.listener = (uint16_t)listener};
	if (!c->device_count || !take_text(key, like.key, SITE_KEY_MAX))
		return NULL;
	return bsearch(&like, c->devices, c->device_count, sizeof like, order);
}

const struct site_quantity *sites_quantity(const struct sites_config *c, unsigned listener, struct span from)
{
	for (size_t i = 0; i < c->quantity_count; i++)
		if (c->quantities[i].listener == listener && is(from, c->quantities[i].from))
			return &c->quantities[i];
	return NULL;
}

bool topic_matches(const char *filter, const char *topic)
{
	/* names of the broker's own ($SYS) are matched by no wildcard */
	if (*topic == '$' && *filter != '$')
		return false;
	for (;;) {
		size_t a = strcspn(filter, "/"), b = strcspn(topic, "/");
		if (a == 1 && *filter == '#')
			return true;
		if (!(a == 1 && *filter == '+') && !(a == b && memcmp(filter, topic, a) == 0))
			return false;
		filter += a, topic += b;
		if (!*filter || !*topic)
			return !*topic && (!*filter || strcmp(filter, "/#") == 0);
		filter++, topic++;
	}
}
