#include "ingest/files/devices_csv.h"

#include <errno.h>
#include <fcntl.h>
#include <iconv.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/core/clock.h"
#include "engine/core/utf8.h"
#include "ingest/files/csv.h"

/* columns that are no fields of the registry */
enum { COLUMN_UNKNOWN = 0, COLUMN_VALID_FROM = 100, COLUMN_PLATE_COLOUR = 101, COLUMN_HULL = 102 };

#define HEADER_TEXT_MAX 128
#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD stands where bytes were no character */

struct reader {
	const struct devices_csv_options *options;
	struct devices_csv_result *result;
	struct span left; /* of the text, as csv_open's reader takes it */
	uint8_t column[CSV_FIELDS_MAX];
	char header[CSV_FIELDS_MAX][HEADER_TEXT_MAX];
	size_t columns;
	size_t phone_at, plate_at, colour_at, hull_at; /* CSV_FIELDS_MAX: none */
	char values[DEVICE_FIELD_COUNT][DEVICE_VALUE_MAX + 1];
	struct registry_change changes[DEVICE_FIELD_COUNT];
};

/* --- encoding --- */

/* Chinese in UTF-8 is sequences of three; GBK hardly ever forms them, but often forms ones of two. So a text with
 * some damage is still UTF-8 when its threes outnumber by far what is none. */
static bool looks_like_utf8(struct span text)
{
	uint64_t threes = 0, wrong = 0;
	while (text.size) {
		size_t n = utf8_sequence(text);
		threes += n >= 3;
		wrong += n == 0;
		n += n == 0;
		text = span_of(text.data + n, text.size - n);
	}
	return wrong == 0 || threes > 4 * wrong;
}

/* As much of `from` as is GB18030; the rest stays in `from`. */
static enum status convert_run(iconv_t gb, struct span *from, struct buf *out)
{
	enum status status = buf_reserve(out, from->size * 2 + 16);
	if (status)
		return status;
	char *in = (char *)(uintptr_t)from->data, *to = (char *)out->data + out->size;
	size_t in_left = from->size, to_left = out->capacity - out->size;
	(void)!iconv(gb, &in, &in_left, &to, &to_left);
	out->size = out->capacity - to_left;
	*from = span_of(in, in_left);
	return STATUS_OK;
}

static enum status from_gbk(struct span text, struct buf *out)
{
	iconv_t gb = iconv_open("UTF-8", "GB18030");
	if (gb == (iconv_t)-1)
		return STATUS_UNSUPPORTED;
	enum status status = convert_run(gb, &text, out);
	while (!status && text.size) {
		iconv(gb, NULL, NULL, NULL, NULL);
		status = buf_append(out, REPLACEMENT, 3);
		text = span_of(text.data + 1, text.size - 1);
		if (!status)
			status = convert_run(gb, &text, out);
	}
	iconv_close(gb);
	return status;
}

/* --- mistakes --- */

struct reason {
	const char *english, *chinese;
};

static struct reason reason_of(unsigned column, enum status status)
{
	if (status == STATUS_TOO_LONG)
		return (struct reason){"longer than 255 bytes", "超过 255 字节"};
	if (status == STATUS_MALFORMED)
		return (struct reason){"not printable text of the file's encoding", "含乱码或不可见字符"};
	switch (column) {
	case DEVICE_FIELD_MMSI:
		return (struct reason){"not up to nine digits", "应为不超过 9 位数字"};
	case DEVICE_FIELD_BEIDOU_CARD:
		return (struct reason){"not six to eight digits", "应为 6 至 8 位数字"};
	case DEVICE_FIELD_GEAR:
		return (struct reason){"no such gear", "没有此作业类型"};
	case DEVICE_FIELD_WIND_RATING:
		return (struct reason){"not a Beaufort number 1 to 17", "应为 1 至 17 的风力等级"};
	case DEVICE_FIELD_CERTIFIED_PERSONS:
		return (struct reason){"not a number 1 to 999", "应为 1 至 999 的人数"};
	case DEVICE_FIELD_LENGTH:
	case DEVICE_FIELD_TONNAGE:
	case DEVICE_FIELD_POWER:
		return (struct reason){"not a decimal number", "应为数字"};
	case DEVICE_FIELD_NAVIGATION_AREA:
		return (struct reason){"none of far, near, coastal, sheltered", "应为 远海、近海、沿海 或 遮蔽"};
	case COLUMN_VALID_FROM:
		return (struct reason){"neither YYYY-MM-DD nor a time", "应为 YYYY-MM-DD 或时间"};
	case DEVICE_FIELD_PHONE:
		return (struct reason){"not 1 to 20 digits", "应为 1 至 20 位数字"};
	case DEVICE_FIELD_PLATE:
	case COLUMN_PLATE_COLOUR:
		return (struct reason){"not COLOUR:PLATE with a colour of JT/T 697.7, or a plate_colour is missing",
				       "应为 颜色:车牌,或缺少车牌颜色"};
	case DEVICE_FIELD_CLASS:
		return (struct reason){"no such class of vehicle or vessel", "没有此车辆类别"};
	case DEVICE_FIELD_METROLOGY_DUE:
	case DEVICE_FIELD_INSPECTION_DUE:
	case DEVICE_FIELD_SCRAP_DUE:
	case DEVICE_FIELD_LICENCE_DUE:
	case DEVICE_FIELD_SURVEY_DUE:
	case DEVICE_FIELD_NATIONALITY_DUE:
		return (struct reason){"not a date YYYY-MM-DD", "应为日期 YYYY-MM-DD"};
	case DEVICE_FIELD_STATE:
		return (struct reason){"none of registered, unregistered, revoked", "应为 已备案、未备案 或 已注销"};
	default:
		return (struct reason){"not a value of this column", "不是此列的值"};
	}
}

static enum status tell(struct reader *r, uint64_t line, size_t column, struct span cell, enum status status,
			struct reason reason)
{
	struct devices_mistake m = {line, column, {NULL, 0}, cell, status, reason.english, reason.chinese};
	if (column && column <= r->columns)
		m.header = span_of_string(r->header[column - 1]);
	r->result->mistakes++;
	return r->options->mistake ? r->options->mistake(r->options->context, &m) : STATUS_OK;
}

/* --- header --- */

static struct span trimmed(struct span s)
{
	while (s.size && s.data[0] == ' ')
		s = span_of(s.data + 1, s.size - 1);
	while (s.size && s.data[s.size - 1] == ' ')
		s.size--;
	return s;
}

static uint8_t column_of(const char *header)
{
	static const struct {
		const char *name;
		uint8_t column;
	} others[] = {{"valid_from", COLUMN_VALID_FROM},
		      {"生效时间", COLUMN_VALID_FROM},
		      {"生效日期", COLUMN_VALID_FROM},
		      {"hull_number", COLUMN_HULL},
		      {"船号", COLUMN_HULL},
		      {"渔船编号", COLUMN_HULL},
		      {"plate_colour", COLUMN_PLATE_COLOUR},
		      {"车牌颜色", COLUMN_PLATE_COLOUR}};
	uint8_t field;
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		if (strcmp(header, others[i].name) == 0)
			return others[i].column;
	return device_field_parse(span_of_string(header), &field) ? COLUMN_UNKNOWN : field;
}

static enum status take_column(struct reader *r, const struct csv_row *row, size_t i)
{
	struct span text = trimmed(csv_field(row, i));
	size_t size = text.size < HEADER_TEXT_MAX ? text.size : 0;
	memcpy(r->header[i], text.data, size);
	r->header[i][size] = '\0';
	for (char *c = r->header[i]; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
	r->column[i] = column_of(r->header[i]);
	if (r->column[i] == COLUMN_UNKNOWN)
		return text.size == 0 ? STATUS_OK
				      : tell(r, row->line, i + 1, text, STATUS_NOT_FOUND,
					     (struct reason){"no such column", "没有此列"});
	for (size_t k = 0; k < i; k++)
		if (r->column[k] == r->column[i]) {
			r->column[i] = COLUMN_UNKNOWN;
			return tell(r, row->line, i + 1, text, STATUS_EXISTS,
				    (struct reason){"a column of this name came before", "列名重复"});
		}
	return STATUS_OK;
}

static size_t column_at(const struct reader *r, uint8_t column)
{
	for (size_t i = 0; i < r->columns; i++)
		if (r->column[i] == column)
			return i;
	return CSV_FIELDS_MAX;
}

static enum status take_header(struct reader *r, const struct csv_row *row)
{
	enum status status = STATUS_OK;
	r->columns = row->fields;
	for (size_t i = 0; i < row->fields && !status; i++)
		status = take_column(r, row, i);
	if (status)
		return status;
	r->phone_at = column_at(r, DEVICE_FIELD_PHONE);
	r->plate_at = column_at(r, DEVICE_FIELD_PLATE);
	r->colour_at = column_at(r, COLUMN_PLATE_COLOUR);
	r->hull_at = column_at(r, COLUMN_HULL);
	if (r->phone_at < CSV_FIELDS_MAX || r->hull_at < CSV_FIELDS_MAX ||
	    column_at(r, DEVICE_FIELD_MMSI) < CSV_FIELDS_MAX || column_at(r, DEVICE_FIELD_BEIDOU_CARD) < CSV_FIELDS_MAX)
		return STATUS_OK;
	status = tell(r, row->line, 0, (struct span){NULL, 0}, STATUS_NOT_FOUND,
		      (struct reason){"no column phone, hull_number, mmsi or beidou_card",
				      "缺少 终端手机号、船号、MMSI 或 北斗卡号 列"});
	return status ? status : STATUS_NOT_FOUND;
}

/* --- rows --- */

static struct span cell_of(const struct csv_row *row, size_t i)
{
	return i < row->fields ? trimmed(csv_field(row, i)) : (struct span){NULL, 0};
}

static enum status parse_from(struct span cell, int64_t *out_ms)
{
	char instant[] = "YYYY-MM-DDT00:00:00";
	if (!utf8_printable(cell))
		return STATUS_MALFORMED;
	if (cell.size == 10) {
		memcpy(instant, cell.data, 10);
		cell = span_of_string(instant);
	}
	return time_parse(cell, CHINA_OFFSET_MS, out_ms) ? STATUS_OUT_OF_RANGE : STATUS_OK;
}

/* The plate with the colour of its own column before it, unless it has one. */
static enum status parse_plate(const struct reader *r, const struct csv_row *row, struct span plate, char *out)
{
	char joined[2 * DEVICE_VALUE_MAX + 2];
	struct span colour = cell_of(row, r->colour_at);
	if (plate.size == 0 || colour.size == 0 || memchr(plate.data, ':', plate.size) ||
	    memmem(plate.data, plate.size, "：", 3))
		return device_value_normalise(DEVICE_FIELD_PLATE, plate, out);
	if (plate.size + colour.size > DEVICE_VALUE_MAX - 1)
		return STATUS_TOO_LONG;
	memcpy(joined, colour.data, colour.size);
	joined[colour.size] = ':';
	memcpy(joined + colour.size + 1, plate.data, plate.size);
	return device_value_normalise(DEVICE_FIELD_PLATE, span_of(joined, colour.size + 1 + plate.size), out);
}

/* The boat's plate; no other may stand in the row. */
static enum status parse_hull(struct reader *r, struct span cell, struct devices_row *out)
{
	char joined[DEVICE_VALUE_MAX + 8] = "boat:";
	char *value = r->values[DEVICE_FIELD_PLATE];
	if (cell.size > DEVICE_VALUE_MAX || r->plate_at < CSV_FIELDS_MAX)
		return cell.size > DEVICE_VALUE_MAX ? STATUS_TOO_LONG : STATUS_EXISTS;
	if (cell.size)
		memcpy(joined + 5, cell.data, cell.size);
	enum status status = device_value_normalise(DEVICE_FIELD_PLATE, span_of(joined, 5 + cell.size), value);
	if (!status)
		r->changes[out->change_count++] = (struct registry_change){DEVICE_FIELD_PLATE, span_of_string(value)};
	return status;
}

static enum status parse_cell(struct reader *r, const struct csv_row *row, size_t i, struct devices_row *out)
{
	uint8_t column = r->column[i];
	struct span cell = cell_of(row, i);
	if (cell.size && memmem(cell.data, cell.size, REPLACEMENT, 3))
		return STATUS_MALFORMED;
	if (column == COLUMN_VALID_FROM)
		return parse_from(cell, &out->from_ms);
	if (column == COLUMN_PLATE_COLOUR)
		return STATUS_OK; /* judged with its plate */
	if (column == COLUMN_HULL)
		return parse_hull(r, cell, out);
	char *value = r->values[column];
	enum status status = column == DEVICE_FIELD_PLATE ? parse_plate(r, row, cell, value)
							  : device_value_normalise(column, cell, value);
	if (!status && *value)
		r->changes[out->change_count++] = (struct registry_change){column, span_of_string(value)};
	return status;
}

static enum status take_cell(struct reader *r, const struct csv_row *row, size_t i, struct devices_row *out)
{
	if (r->column[i] == COLUMN_UNKNOWN || cell_of(row, i).size == 0)
		return STATUS_OK;
	enum status status = parse_cell(r, row, i, out);
	return status ? tell(r, row->line, i + 1, cell_of(row, i), status, reason_of(r->column[i], status)) : STATUS_OK;
}

static enum status tell_extra(struct reader *r, const struct csv_row *row)
{
	for (size_t i = r->columns; i < row->fields; i++)
		if (cell_of(row, i).size)
			return tell(r, row->line, i + 1, cell_of(row, i), STATUS_BAD_LENGTH,
				    (struct reason){"more cells than the header has columns", "单元格多于表头"});
	return STATUS_OK;
}

static bool has_value(const struct reader *r, const struct devices_row *row, uint8_t field)
{
	for (size_t i = 0; i < row->change_count; i++)
		if (row->changes[i].field == field)
			return r->values[field][0] != '\0';
	return false;
}

static enum status give(struct reader *r, const struct devices_row *row)
{
	r->result->rows++;
	return r->options->row ? r->options->row(r->options->context, row) : STATUS_OK;
}

/* One of a boat's sources: its number or card, and whose it is. */
static enum status give_source(struct reader *r, const struct devices_row *row, enum device_kind kind, uint8_t field)
{
	struct registry_change changes[3];
	struct devices_row source = *row;
	source.changes = changes;
	source.change_count = 0;
	source.kind = kind;
	source.device = device_id(kind, span_of_string(r->values[field]));
	changes[source.change_count++] = (struct registry_change){field, span_of_string(r->values[field])};
	changes[source.change_count++] =
		(struct registry_change){DEVICE_FIELD_VEHICLE, span_of_string(r->values[DEVICE_FIELD_PLATE])};
	if (has_value(r, row, DEVICE_FIELD_STATE))
		changes[source.change_count++] =
			(struct registry_change){DEVICE_FIELD_STATE, span_of_string(r->values[DEVICE_FIELD_STATE])};
	return give(r, &source);
}

/* A row with a hull number is a boat and, where the row has them, its AIS and its Beidou card: three devices, of which
 * the last two belong to the first. Without one it is the source alone. */
static enum status give_boat(struct reader *r, struct devices_row *row)
{
	bool hull = has_value(r, row, DEVICE_FIELD_PLATE);
	bool mmsi = has_value(r, row, DEVICE_FIELD_MMSI), card = has_value(r, row, DEVICE_FIELD_BEIDOU_CARD);
	if (!hull) {
		row->kind = mmsi ? DEVICE_KIND_AIS : DEVICE_KIND_BEIDOU;
		row->device = device_id(row->kind,
					span_of_string(r->values[mmsi ? DEVICE_FIELD_MMSI : DEVICE_FIELD_BEIDOU_CARD]));
		return give(r, row);
	}
	size_t kept = 0; /* number and card are those of its sources */
	for (size_t i = 0; i < row->change_count; i++)
		if (r->changes[i].field != DEVICE_FIELD_MMSI && r->changes[i].field != DEVICE_FIELD_BEIDOU_CARD)
			r->changes[kept++] = r->changes[i];
	struct devices_row boat = *row;
	boat.kind = DEVICE_KIND_BOAT;
	boat.device = device_id(DEVICE_KIND_BOAT, span_of_string(r->values[DEVICE_FIELD_PLATE]));
	boat.change_count = kept;
	enum status status = give(r, &boat);
	if (!status && mmsi)
		status = give_source(r, &boat, DEVICE_KIND_AIS, DEVICE_FIELD_MMSI);
	if (!status && card)
		status = give_source(r, &boat, DEVICE_KIND_BEIDOU, DEVICE_FIELD_BEIDOU_CARD);
	return status;
}

static bool is_of_boat(const struct reader *r, const struct csv_row *row)
{
	return cell_of(row, r->hull_at).size || cell_of(row, column_at(r, DEVICE_FIELD_MMSI)).size ||
	       cell_of(row, column_at(r, DEVICE_FIELD_BEIDOU_CARD)).size;
}

static enum status take_row(struct reader *r, const struct csv_row *row)
{
	uint64_t mistakes = r->result->mistakes;
	struct devices_row out = {
		row->line, 0, DEVICE_KIND_JT808, r->options->from_ms, r->changes, 0,
	};
	enum status status = STATUS_OK;
	bool terminal = cell_of(row, r->phone_at).size != 0, boat = !terminal && is_of_boat(r, row);
	if (!terminal && !boat)
		status = tell(r, row->line, r->phone_at < CSV_FIELDS_MAX ? r->phone_at + 1 : 0, (struct span){NULL, 0},
			      STATUS_EMPTY,
			      (struct reason){"the phone, hull number, MMSI or card is missing",
					      "缺少终端手机号、船号、MMSI 或北斗卡号"});
	for (size_t i = 0; i < r->columns && i < row->fields && !status; i++)
		status = take_cell(r, row, i, &out);
	if (!status)
		status = tell_extra(r, row);
	if (status || r->result->mistakes != mistakes)
		return status;
	if (boat)
		return give_boat(r, &out);
	out.device = device_id(DEVICE_KIND_JT808, span_of_string(r->values[DEVICE_FIELD_PHONE]));
	return give(r, &out);
}

static bool is_blank(const struct csv_row *row)
{
	for (size_t i = 0; i < row->fields; i++)
		if (cell_of(row, i).size)
			return false;
	return true;
}

static struct reason reason_of_row(enum status status)
{
	if (status == STATUS_TOO_LONG)
		return (struct reason){"the row is too long or has too many cells", "行过长或单元格过多"};
	return (struct reason){"a quote is out of place or never closed", "引号位置不对或未闭合"};
}

static enum status read_rows(struct reader *r, struct csv *csv)
{
	struct csv_row row;
	bool has_header = false;
	for (;;) {
		enum status status = csv_next(csv, &row);
		if (status == STATUS_END)
			return has_header ? STATUS_OK : STATUS_EMPTY;
		if (csv_is_fatal(status))
			return status;
		if (status)
			status = tell(r, row.line, 0, (struct span){NULL, 0}, status, reason_of_row(status));
		else if (!has_header)
			status = take_header(r, &row);
		else if (!is_blank(&row))
			status = take_row(r, &row);
		if (status)
			return status;
		has_header = r->columns > 0;
	}
}

static ssize_t read_memory(void *context, void *into, size_t size)
{
	struct span *left = context;
	size_t n = left->size < size ? left->size : size;
	memcpy(into, left->data, n);
	*left = span_of(left->data + n, left->size - n);
	return (ssize_t)n;
}

static bool is_utf16(struct span text)
{
	return text.size >= 2 && (memcmp(text.data, "\xff\xfe", 2) == 0 || memcmp(text.data, "\xfe\xff", 2) == 0);
}

static bool is_gbk(struct span text, enum devices_csv_encoding encoding)
{
	if (encoding == DEVICES_CSV_DETECT)
		return !looks_like_utf8(text);
	return encoding == DEVICES_CSV_GBK;
}

static enum status read_text(struct reader *r)
{
	struct csv *csv = NULL;
	enum status status = csv_open(read_memory, &r->left, r->options->delimiter, &csv);
	if (!status)
		status = read_rows(r, csv);
	csv_close(csv);
	return status;
}

enum status devices_csv_read(struct span text, const struct devices_csv_options *options,
			     struct devices_csv_result *out)
{
	*out = (struct devices_csv_result){0};
	if (text.size == 0)
		return STATUS_EMPTY;
	if (is_utf16(text))
		return STATUS_UNSUPPORTED;
	struct buf converted = buf_init(2 * (size_t)DEVICES_CSV_BYTES_MAX + 64);
	struct reader *r = calloc(1, sizeof *r);
	enum status status = r ? STATUS_OK : STATUS_NO_MEMORY;
	out->is_gbk = is_gbk(text, options->encoding);
	if (!status && out->is_gbk) {
		status = from_gbk(text, &converted);
		text = span_of(converted.data, converted.size);
	}
	if (!status) {
		*r = (struct reader){.options = options, .result = out, .left = text};
		status = read_text(r);
	}
	buf_deinit(&converted);
	free(r);
	return status;
}

enum status devices_csv_load(const char *path, struct buf *out)
{
	int file = open(path, O_RDONLY | O_CLOEXEC);
	if (file < 0)
		return errno == ENOENT ? STATUS_NOT_FOUND : STATUS_IO;
	enum status status = STATUS_OK;
	ssize_t n = 1;
	while (!status && n > 0) {
		status = buf_reserve(out, 65536);
		if (status)
			break;
		n = read(file, out->data + out->size, 65536);
		if (n > 0)
			out->size += (size_t)n;
		else if (n < 0 && errno != EINTR)
			status = STATUS_IO;
		else if (n < 0)
			n = 1;
	}
	close(file);
	return status == STATUS_FULL ? STATUS_TOO_LONG : status;
}
