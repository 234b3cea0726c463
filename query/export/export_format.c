#include "query/export/export_format.h"

#include "query/export/mask.h"

#include "engine/core/clock.h"
#include "engine/core/utf8.h"

static const struct {
	const char *token, *media;
} formats[EXPORT_FORMAT_COUNT] = {
#define X(NAME, token, media) {token, media},
	EXPORT_FORMAT_TABLE(X)
#undef X
};

const char *export_format_token(enum export_format format)
{
	return formats[format].token;
}

const char *export_format_media(enum export_format format)
{
	return formats[format].media;
}

enum status export_format_parse(struct span token, enum export_format *out)
{
	for (unsigned i = 0; i < EXPORT_FORMAT_COUNT; i++) {
		if (!span_equal(token, span_of_string(formats[i].token)))
			continue;
		*out = (enum export_format)i;
		return STATUS_OK;
	}
	return STATUS_NOT_FOUND;
}

static enum status append_csv(struct buf *out, struct span text)
{
	bool quote = false;
	for (size_t i = 0; i < text.size; i++)
		quote |= text.data[i] == '"' || text.data[i] == ',' || text.data[i] == '\r' || text.data[i] == '\n';
	if (!quote)
		return buf_append(out, text.data, text.size);
	enum status status = buf_append_u8(out, '"');
	for (size_t i = 0; i < text.size && !status; i++) {
		if (text.data[i] == '"')
			status = buf_append_u8(out, '"');
		if (!status)
			status = buf_append_u8(out, text.data[i]);
	}
	return status ? status : buf_append_u8(out, '"');
}

enum status csv_append(struct buf *out, struct span text)
{
	struct buf room = buf_init(SIZE_MAX);
	enum status status = append_csv(out, mask_view(text, &room));
	buf_deinit(&room);
	return status;
}

/* What stands for a character in XML, or NULL when it stands for itself. */
static const char *xml_escape(uint8_t c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\t':
		return "&#9;";
	case '\n':
		return "&#10;";
	case '\r':
		return "&#13;";
	default:
		return c < 0x20 ? "\xef\xbf\xbd" : NULL;
	}
}

/* U+FFFE and U+FFFF are well-formed UTF-8 and no XML characters (XML 1.0, 2.2). */
static bool is_xml_noncharacter(const uint8_t *p, size_t n)
{
	return n == 3 && p[0] == 0xef && p[1] == 0xbf && p[2] >= 0xbe;
}

static enum status append_xml(struct buf *out, struct span text)
{
	enum status status = STATUS_OK;
	while (text.size && !status) {
		size_t n = utf8_sequence(text);
		const char *escape = xml_escape(text.data[0]);
		if (!n || is_xml_noncharacter(text.data, n))
			escape = "\xef\xbf\xbd";
		status = escape ? buf_append(out, escape, strlen(escape)) : buf_append(out, text.data, n);
		n = n ? n : 1;
		text = span_of(text.data + n, text.size - n);
	}
	return status;
}

enum status time_append(struct buf *out, int64_t ms)
{
	char text[TIME_TEXT_MAX];
	if (ms == INT64_MIN || ms == INT64_MAX)
		return STATUS_OK;
	time_format(ms, 0, text);
	return buf_append(out, text, strlen(text));
}

enum status xml_append(struct buf *out, struct span text)
{
	struct buf room = buf_init(SIZE_MAX);
	enum status status = append_xml(out, mask_view(text, &room));
	buf_deinit(&room);
	return status;
}
