#include "query/http/http_stream.h"

#include <stdio.h>
#include <strings.h>

#include "engine/core/clock.h"
#include "engine/core/log.h"
#include "engine/fleet/streams.h"
#include "query/export/export_track.h"
#include "query/http/http_problem.h"
#include "query/http/http_rights.h"

void stream_begin(struct http_stream *s, struct http_call *c, const char *media)
{
	*s = (struct http_stream){.call = c, .media = media};
	s->chunk = buf_init(STREAM_CHUNK_BYTES + EXPORT_ROW_BYTES_MAX);
}

enum status stream_flush(struct http_stream *s, bool always)
{
	if (!always && s->chunk.size < STREAM_CHUNK_BYTES)
		return STATUS_OK;
	if (!s->begun)
		exchange_begin(s->call->x, 200, s->media);
	s->begun = true;
	enum status status = exchange_write(s->call->x, buf_view(&s->chunk));
	buf_clear(&s->chunk);
	return status;
}

void stream_end(struct http_stream *s)
{
	stream_close(s, STATUS_OK);
}

void stream_fail(struct http_stream *s, enum status status)
{
	if (s->begun) {
		log_warn("http", "answer to %s cut: %s", s->call->route->path, status_text(status));
		exchange_abort(s->call->x);
	} else {
		http_problem_of_status(s->call->x, status);
	}
	buf_deinit(&s->chunk);
}

bool call_mark(const struct http_call *c, char out[CALL_MARK_MAX])
{
	const struct principal *p = &c->principal;
	char when[TIME_TEXT_MAX];
	struct audit_entry e = {.at_ms = clock_now_ms()};
	bool writes;
	if (!http_is_person(p) || !http_rights_is_export(http_rights_of(c->route->id, &writes)))
		return false;
	call_audit_fill(c, &e);
	time_format(e.at_ms, CHINA_OFFSET_MS, when);
	snprintf(out, CALL_MARK_MAX, "%s (%s) %s%s%s", p->name, p->unit, when, *e.purpose ? "; 用途 purpose: " : "",
		 e.purpose);
	return true;
}

/* A comment of XML has no two hyphens. */
static void without_hyphens(char *text)
{
	for (; *text; text++)
		if (*text == '-' && (text[1] == '-' || !text[1]))
			*text = '_';
}

/* As the last line of a CSV, and behind the last element of XML. Machines get none. */
static enum status put_mark(struct http_stream *s)
{
	char text[CALL_MARK_MAX];
	bool csv = !strncmp(s->media, "text/csv", 8), xml = strstr(s->media, "+xml") != NULL;
	if ((!csv && !xml) || !call_mark(s->call, text))
		return STATUS_OK;
	if (xml)
		without_hyphens(text);
	return buf_printf(&s->chunk, csv ? "# 导出 exported: %s\r\n" : "<!-- 导出 exported: %s -->\n", text);
}

void stream_close(struct http_stream *s, enum status status)
{
	if (!status)
		status = put_mark(s);
	if (!status)
		status = stream_flush(s, true);
	if (status && status != STATUS_CANCELLED) {
		stream_fail(s, status);
		return;
	}
	if (!s->begun)
		exchange_begin(s->call->x, 200, s->media);
	exchange_end(s->call->x);
	buf_deinit(&s->chunk);
}

/* --- naming --- */

enum status parse_hex64(struct span text, uint64_t *out)
{
	uint8_t bytes[8];
	struct buf b = {bytes, 0, sizeof bytes, sizeof bytes};
	if (text.size != 16 || hex_decode(&b, text))
		return STATUS_MALFORMED;
	*out = load_be64(bytes);
	return STATUS_OK;
}

static bool take_prefix(struct span *text, const char *prefix)
{
	size_t n = strlen(prefix);
	if (text->size < n || memcmp(text->data, prefix, n))
		return false;
	*text = span_of(text->data + n, text->size - n);
	return true;
}

/* As it stands, and without the zeros that a header pads it with. */
static enum status find_phone(const struct registry *r, struct span phone, int64_t at_ms, uint64_t *out)
{
	enum status status = registry_find(r, DEVICE_FIELD_PHONE, phone, at_ms, out);
	while (status == STATUS_NOT_FOUND && phone.size > 1 && phone.data[0] == '0') {
		phone = span_of(phone.data + 1, phone.size - 1);
		status = registry_find(r, DEVICE_FIELD_PHONE, phone, at_ms, out);
	}
	return status;
}

/* "mmsi:412345678", "beidou_card:0204567". */
static enum status find_at_sea(const struct registry *r, enum device_field field, struct span text, int64_t at_ms,
			       uint64_t *out)
{
	char value[DEVICE_VALUE_MAX + 1];
	if (text.size == 0 || device_value_normalise(field, text, value))
		return STATUS_MALFORMED;
	return registry_find(r, field, span_of_string(value), at_ms, out);
}

enum status device_reference(const struct registry *r, struct span text, int64_t at_ms, uint64_t *out)
{
	if (take_prefix(&text, "phone:"))
		return text.size && text.size <= DEVICE_VALUE_MAX ? find_phone(r, text, at_ms, out) : STATUS_MALFORMED;
	if (take_prefix(&text, "plate:"))
		return text.size && text.size <= DEVICE_VALUE_MAX
			       ? registry_find(r, DEVICE_FIELD_PLATE, text, at_ms, out)
			       : STATUS_MALFORMED;
	if (take_prefix(&text, "mmsi:"))
		return find_at_sea(r, DEVICE_FIELD_MMSI, text, at_ms, out);
	if (take_prefix(&text, "beidou_card:"))
		return find_at_sea(r, DEVICE_FIELD_BEIDOU_CARD, text, at_ms, out);
	if (take_prefix(&text, "site:"))
		*out = site_id(text);
	else if (parse_hex64(text, out))
		return STATUS_MALFORMED;
	return registry_has(r, *out) ? STATUS_OK : STATUS_NOT_FOUND;
}

bool scope_allows(const struct registry *r, const struct principal *p, uint64_t device, int64_t at_ms)
{
	char value[DEVICE_VALUE_MAX + 1];
	const char *scope = p->scope, *colon = strchr(scope, ':');
	if (!strcmp(scope, "all"))
		return true;
	if (!colon)
		return false;
	enum device_field field = !strncmp(scope, "company:", 8)   ? DEVICE_FIELD_COMPANY
				  : !strncmp(scope, "village:", 8) ? DEVICE_FIELD_VILLAGE
								   : DEVICE_FIELD_COUNT;
	if (field == DEVICE_FIELD_COUNT || registry_value(r, device, field, at_ms, value))
		return false;
	return !strcmp(value, colon + 1);
}

bool call_device(struct http_call *c, struct span text, uint64_t *out)
{
	struct registry *r = engine_registry(http_engine(c->http));
	int64_t now_ms = clock_now_ms();
	enum status status = device_reference(r, text, now_ms, out);
	if (!status && scope_allows(r, &c->principal, *out, now_ms))
		return true;
	if (status == STATUS_MALFORMED)
		http_problem_send(
			c->x, HTTP_PROBLEM_BAD_PARAMETER, "id",
			"a device is 16 hex digits, phone:NUMBER, plate:COLOUR:PLATE, site:NUMBER, mmsi:NUMBER or "
			"beidou_card:NUMBER");
	else
		http_problem_send(c->x, HTTP_PROBLEM_NO_DEVICE, NULL, "no such device, or outside your scope");
	return false;
}

bool call_may_write(struct http_call *c)
{
	if (!strcmp(c->principal.scope, "all"))
		return true;
	http_problem_send(c->x, HTTP_PROBLEM_FORBIDDEN, NULL, "changes need the scope \"all\"");
	return false;
}

/* --- format --- */

/* Thousandths of the "q" of a media range, 1000 when it names none (RFC 9110 12.4.2). */
static unsigned quality(struct span range)
{
	const char *at = memmem(range.data, range.size, ";q=", 3);
	if (!at)
		at = memmem(range.data, range.size, "; q=", 4);
	if (!at)
		return 1000;
	at = strchr(at, '=') + 1;
	const char *end = (const char *)range.data + range.size;
	unsigned q = at < end && *at == '1' ? 1000 : 0, scale = 100;
	for (at += 2; q < 1000 && at < end && *at >= '0' && *at <= '9' && scale; at++, scale /= 10)
		q += (unsigned)(*at - '0') * scale;
	return q;
}

static bool range_covers(struct span range, const char *media)
{
	size_t size = 0, wanted = strcspn(media, ";");
	while (size < range.size && range.data[size] != ';' && range.data[size] != ' ')
		size++;
	const char *text = (const char *)range.data;
	if (size == 3 && !memcmp(text, "*/*", 3))
		return true;
	if (size > 2 && text[size - 1] == '*' && text[size - 2] == '/')
		return wanted >= size - 1 && !strncasecmp(text, media, size - 1);
	return size == wanted && !strncasecmp(text, media, size);
}

/* The best of `allowed` for one range; the table's order decides between equals. */
static int first_covered(struct span range, unsigned allowed)
{
	for (unsigned f = 0; f < EXPORT_FORMAT_COUNT; f++)
		if (allowed & (1u << f) && range_covers(range, export_format_media((enum export_format)f)))
			return (int)f;
	return -1;
}

static int negotiate(const char *accept, unsigned allowed)
{
	int best = -1;
	unsigned best_quality = 0;
	while (*accept) {
		accept += strspn(accept, " ,");
		struct span range = span_of(accept, strcspn(accept, ","));
		int format = range.size ? first_covered(range, allowed) : -1;
		unsigned q = quality(range);
		if (format >= 0 && q > best_quality) {
			best = format;
			best_quality = q;
		}
		accept += range.size;
	}
	return best;
}

bool call_format(struct http_call *c, const struct http_value *value, unsigned allowed, enum export_format *out)
{
	const char *accept = c->x->request.accept;
	int format = value->set ? (int)value->number : *accept ? negotiate(accept, allowed) : EXPORT_JSON;
	if (format >= 0 && allowed & (1u << format)) {
		*out = (enum export_format)format;
		if (!value->set && exchange_header(c->x, "vary", "Accept"))
			log_warn("http", "no room for a header");
		return true;
	}
	if (value->set)
		http_problem_send(c->x, HTTP_PROBLEM_BAD_PARAMETER, "format", "this answer has no such format");
	else
		http_problem_send(c->x, HTTP_PROBLEM_NOT_ACCEPTABLE, NULL,
				  "none of the accepted media types is offered");
	return false;
}

int64_t value_or(const struct http_value *v, int64_t otherwise)
{
	return v->set ? v->number : otherwise;
}

enum status time_cursor_parse(struct span text, int64_t *time_ms, uint64_t *hash)
{
	uint64_t time;
	if (text.size != 33 || text.data[16] != '-' || parse_hex64(span_of(text.data, 16), &time) ||
	    parse_hex64(span_of(text.data + 17, 16), hash))
		return STATUS_MALFORMED;
	*time_ms = (int64_t)time;
	return STATUS_OK;
}

void time_cursor_format(int64_t time_ms, uint64_t hash, char out[TIME_CURSOR_MAX])
{
	snprintf(out, TIME_CURSOR_MAX, "%016llx-%016llx", (unsigned long long)time_ms, (unsigned long long)hash);
}

enum status add_routes(struct http *h, const struct http_route *routes, size_t count)
{
	enum status status = STATUS_OK;
	for (size_t i = 0; i < count && !status; i++)
		status = http_add_route(h, &routes[i]);
	return status;
}
