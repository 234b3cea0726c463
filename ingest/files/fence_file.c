#include "ingest/files/fence_file.h"

#include "engine/core/utf8.h"
#include "ingest/files/fence_draft.h"
#include "ingest/files/text_encoding.h"

const char *fence_field_name(enum fence_field field)
{
	static const char *const names[FENCE_FIELD_COUNT] = {
#define X(NAME, token) token,
		FENCE_FIELD_TABLE(X)
#undef X
	};
	return (unsigned)field < FENCE_FIELD_COUNT ? names[field] : "file";
}

static bool is_utf16(struct span text)
{
	return text.size >= 2 && (memcmp(text.data, "\xff\xfe", 2) == 0 || memcmp(text.data, "\xfe\xff", 2) == 0);
}

static struct span without_mark(struct span text)
{
	if (text.size >= 3 && memcmp(text.data, "\xef\xbb\xbf", 3) == 0)
		return span_of(text.data + 3, text.size - 3);
	return text;
}

/* By the first byte that is no blank. */
static enum fence_format format_of(struct span text)
{
	size_t i = 0;
	while (i < text.size && memchr(" \t\r\n", text.data[i], 4))
		i++;
	if (is_utf16(text) || (i < text.size && text.data[i] == '<'))
		return FENCE_FORMAT_KML;
	return i < text.size && (text.data[i] == '{' || text.data[i] == '[') ? FENCE_FORMAT_GEOJSON : FENCE_FORMAT_WKT;
}

static enum status read_utf8(struct span text, struct fence_draft *d)
{
	enum fence_format format = d->options->format;
	d->result->format = format == FENCE_FORMAT_DETECT ? format_of(text) : format;
	enum status status = STATUS_OK;
	switch (d->result->format) {
	case FENCE_FORMAT_GEOJSON:
		status = fence_geojson_read(text, d);
		break;
	case FENCE_FORMAT_KML:
		status = fence_kml_read(text, d);
		break;
	default:
		status = fence_wkt_read(text, d);
	}
	if (!status && d->result->features == 0)
		status = fence_draft_file_wrong(d, 1, FENCE_FIELD_FILE, STATUS_EMPTY, "no feature in it",
						"文件中没有要素", span_of(NULL, 0));
	return status;
}

static enum status read_text(struct span text, struct fence_draft *d)
{
	struct buf converted = buf_init(2 * (size_t)FENCE_FILE_BYTES_MAX);
	enum status status = STATUS_OK;
	if (text.size > FENCE_FILE_BYTES_MAX)
		return fence_draft_file_wrong(d, 0, FENCE_FIELD_FILE, STATUS_TOO_LONG, "the file is too large",
					      "文件过大", span_of(NULL, 0));
	if (!is_utf16(text) && !utf8_valid(text)) {
		status = text_to_utf8(text, &converted);
		text = buf_view(&converted);
	}
	if (status == STATUS_MALFORMED)
		status = fence_draft_file_wrong(d, 0, FENCE_FIELD_FILE, status, "neither UTF-8 nor GB18030",
						"文件编码既非 UTF-8 也非 GB18030", span_of(NULL, 0));
	if (!status)
		status = read_utf8(without_mark(text), d);
	buf_deinit(&converted);
	return status;
}

enum status fence_file_read(struct span text, const struct fence_file_options *options, struct fence_file_result *out)
{
	struct fence_draft d;
	*out = (struct fence_file_result){.format = options->format};
	enum status status = fence_draft_init(&d, options, out);
	if (!status)
		status = read_text(text, &d);
	fence_draft_deinit(&d);
	return status;
}

/* --- in words --- */

static enum status print_place(const struct fence_refusal *r, bool chinese, struct buf *out)
{
	enum status status = STATUS_OK;
	if (r->line)
		status = buf_printf(out, chinese ? "第 %llu 行：" : "line %llu: ", (unsigned long long)r->line);
	if (!status && r->feature)
		status = buf_printf(out, chinese ? "第 %u 个要素" : "feature %u", r->feature);
	if (!status && r->feature && *r->id)
		status = buf_printf(out, " \"%s\"", r->id);
	if (!status && r->feature)
		status = buf_printf(out, chinese ? "：" : ": ");
	return status;
}

enum status fence_refusal_print(const struct fence_refusal *r, bool chinese, struct buf *out)
{
	enum status status = print_place(r, chinese, out);
	if (!status)
		status = buf_printf(out, chinese ? "%s：%s" : "%s: %s", fence_field_name(r->field),
				    chinese ? r->reason_zh : r->reason);
	if (!status && *r->excerpt)
		status = buf_printf(out, chinese ? "：\"%s\"" : ": \"%s\"", r->excerpt);
	if (!status && r->has_where)
		status = buf_printf(out, chinese ? "，位于 %.7f, %.7f" : " at %.7f, %.7f", r->where.lat_e7 / 1e7,
				    r->where.lon_e7 / 1e7);
	return status;
}
