/* zayton decode: recorded bytes in, one JSON object a frame out.
 *
 *   file -> chunk (64 KiB) -> [hex digits -> bytes] -> pending -> frames -> a line each
 *
 * `pending` holds less than one frame between chunks, so input of any length takes the same memory. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "ingest/jt808/jt808.h"
#include "ingest/jt809/jt809.h"
#include "ingest/sensors/gb26875.h"
#include "ingest/sensors/hj212.h"
#include "ingest/sensors/sl651.h"
#include "query/cli/cli.h"
#include "query/cli/decode_marine.h"

#define CHUNK_BYTES 65536u
#define JSON_BYTES_MAX (4u << 20)

static const char usage[] = "用法 usage: zayton decode jt808 [--hex | --raw] [FILE | -]\n"
			    "           zayton decode jt809 [--edition 2011|2019] [--m1 N --ia1 N --ic1 N] [--hex | "
			    "--raw] [FILE | -]\n"
			    "           zayton decode gb26875|hj212|sl651 [--hex | --raw] [FILE | -]\n"
			    "           zayton decode ais|nmea|beidou [--local-time] [--codec TEXT] [FILE | -]\n"
			    "  每帧一行 JSON; 输入为十六进制文本或原始字节, 缺省自动识别.\n"
			    "  One JSON object a frame. Input is hex text (blanks and # comments allowed) or raw\n"
			    "  bytes, told apart unless said; frames set off by E7 instead of 7E are understood too.\n"
			    "  Exit status 1: some frame was refused; 2: no input.\n";

enum mode { MODE_DETECT, MODE_HEX, MODE_RAW };

/* A frame of a protocol in the bytes at hand. */
struct found {
	struct span raw;
	struct span skipped; /* bytes before it that are in no frame */
	size_t consumed;
};
struct decoder;
struct protocol {
	const char *name;
	size_t frame_max;
	size_t rest_max; /* bytes that may be over at the end: the closing flag of the last frame */
	enum status (*next)(struct span input, uint8_t *scratch, struct found *out);
	enum status (*explain)(struct decoder *d, struct span raw);
	bool is_text; /* its frames are text and begin with '#': hex only when said */
};

struct decoder {
	FILE *in;
	const struct protocol *protocol;
	struct jt809_explain_options jt809;
	uint8_t *scratch;
	enum mode mode;
	struct buf pending; /* bytes not yet framed */
	struct buf json;
	unsigned long line; /* of hex text, from 1 */
	int nibble;         /* the first digit of a byte, or -1 */
	bool skip_line;     /* a comment, or the rest of a bad line */
	bool refused;
};

static int digit_of(int c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool looks_like_hex(struct span chunk)
{
	bool comment = false;
	for (size_t i = 0; i < chunk.size; i++) {
		uint8_t c = chunk.data[i];
		if (c == '\n')
			comment = false;
		else if (c == '#')
			comment = true;
		else if (!comment && !is_blank(c) && digit_of(c) < 0)
			return false;
	}
	return true;
}

static void print_line(struct decoder *d)
{
	fwrite(d->json.data, 1, d->json.size, stdout);
	putchar('\n');
	buf_clear(&d->json);
}

/* What is no frame at all, told like a refused one; at most the first 64 bytes are shown. */
static enum status print_refusal(struct decoder *d, enum status refused, const char *reason, struct span bytes)
{
	char hex[2 * 64 + 1];
	hex_encode(hex, span_of(bytes.data, bytes.size < 64 ? bytes.size : 64));
	d->refused = true;
	enum status status = buf_printf(&d->json, "{\"refused\":\"%s\",\"reason\":\"%s\",\"bytes\":%zu,\"raw\":\"%s\"}",
					status_name(refused), reason, bytes.size, hex);
	if (!status)
		print_line(d);
	return status;
}

static enum status print_bad_line(struct decoder *d)
{
	d->refused = true;
	enum status status = buf_printf(&d->json, "{\"refused\":\"%s\",\"reason\":\"not hex\",\"line\":%lu}",
					status_name(STATUS_MALFORMED), d->line);
	if (!status)
		print_line(d);
	return status;
}

static bool is_flag(uint8_t byte)
{
	return byte == jt808_flag(JT808_FRAMING_STANDARD) || byte == jt808_flag(JT808_FRAMING_PRIVATE);
}

/* Bytes before a frame, empty flag pairs aside. */
static enum status print_skipped(struct decoder *d, struct span skipped)
{
	while (skipped.size && is_flag(skipped.data[0]))
		skipped = span_of(skipped.data + 1, skipped.size - 1);
	while (skipped.size && is_flag(skipped.data[skipped.size - 1]))
		skipped.size--;
	return skipped.size ? print_refusal(d, STATUS_MALFORMED, "bytes outside of any frame", skipped) : STATUS_OK;
}

/* --- protocols --- */

static enum status next_jt808(struct span input, uint8_t *scratch, struct found *out)
{
	struct jt808_frame frame;
	enum status status = jt808_any_frame_next(input, scratch, &frame);
	*out = (struct found){frame.raw, span_of(input.data, frame.skipped), frame.consumed};
	return status;
}

static enum status explain_jt808(struct decoder *d, struct span raw)
{
	bool private = raw.size && raw.data[0] == 0xe7;
	struct jt808_frame frame = {.framing = private ? JT808_FRAMING_PRIVATE : JT808_FRAMING_STANDARD, .raw = raw};
	return jt808_explain(&frame, &d->json);
}

static enum status next_jt809(struct span input, uint8_t *scratch, struct found *out)
{
	struct jt809_frame frame;
	enum status status = jt809_frame_next(input, scratch, &frame);
	*out = (struct found){frame.raw, span_of(input.data, frame.skipped), frame.consumed};
	return status;
}

static enum status explain_jt809(struct decoder *d, struct span raw)
{
	return jt809_explain(&(struct jt809_frame){.raw = raw}, &d->jt809, &d->json);
}

static enum status found_marked(enum status status, const struct marked_frame *frame, struct found *out)
{
	*out = (struct found){frame->raw, frame->skipped, frame->consumed};
	return status;
}

static enum status next_gb26875(struct span input, uint8_t *scratch, struct found *out)
{
	(void)scratch;
	struct marked_frame frame;
	enum status status = gb26875_frame_next(input, &frame);
	return found_marked(status, &frame, out);
}

static enum status explain_gb26875(struct decoder *d, struct span raw)
{
	return gb26875_explain(raw, &d->json);
}

static enum status next_hj212(struct span input, uint8_t *scratch, struct found *out)
{
	(void)scratch;
	struct marked_frame frame;
	enum status status = hj212_frame_next(input, &frame);
	return found_marked(status, &frame, out);
}

static enum status explain_hj212(struct decoder *d, struct span raw)
{
	return hj212_explain(raw, &d->json);
}

static enum status next_sl651(struct span input, uint8_t *scratch, struct found *out)
{
	(void)scratch;
	struct marked_frame frame;
	enum status status = sl651_frame_next(input, &frame);
	return found_marked(status, &frame, out);
}

static enum status explain_sl651(struct decoder *d, struct span raw)
{
	return sl651_explain(raw, &d->json);
}

static const struct protocol protocols[] = {
	{"jt808", JT808_FRAME_MAX, 1, next_jt808, explain_jt808, false},
	{"jt809", JT809_FRAME_MAX, 0, next_jt809, explain_jt809, false},
	{"gb26875", GB26875_FRAME_MAX, 0, next_gb26875, explain_gb26875, false},
	{"hj212", HJ212_FRAME_MAX, 0, next_hj212, explain_hj212, true},
	{"sl651", SL651_FRAME_MAX, 0, next_sl651, explain_sl651, false},
};

static const struct protocol *protocol_find(const char *name)
{
	for (size_t i = 0; i < sizeof protocols / sizeof *protocols; i++)
		if (strcmp(protocols[i].name, name) == 0)
			return &protocols[i];
	return NULL;
}

static enum status print_frame(struct decoder *d, struct span raw)
{
	enum status refused = d->protocol->explain(d, raw);
	if (refused == STATUS_NO_MEMORY || refused == STATUS_FULL)
		return refused;
	d->refused |= refused != STATUS_OK;
	print_line(d);
	return STATUS_OK;
}

/* All whole frames of `pending`; the rest stays in it. */
static enum status decode_pending(struct decoder *d)
{
	struct found frame;
	size_t from = 0;
	enum status status = STATUS_OK;
	while (!status) {
		struct span rest = span_of(d->pending.data + from, d->pending.size - from);
		enum status found = d->protocol->next(rest, d->scratch, &frame);
		status = print_skipped(d, frame.skipped);
		from += frame.consumed;
		if (found == STATUS_NEED_MORE)
			break;
		if (!status)
			status = print_frame(d, frame.raw);
	}
	if (from)
		memmove(d->pending.data, d->pending.data + from, d->pending.size - from);
	d->pending.size -= from;
	return status;
}

/* One character of hex text. A bad line costs what it holds and the frame it breaks. */
static enum status take_character(struct decoder *d, uint8_t c)
{
	int digit = digit_of(c);
	if (c == '\n' && d->nibble >= 0) {
		d->nibble = -1;
		enum status status = print_bad_line(d);
		d->line++;
		return status;
	}
	if (c == '\n') {
		d->line++;
		d->skip_line = false;
		return STATUS_OK;
	}
	if (d->skip_line || is_blank(c))
		return STATUS_OK;
	if (c == '#' && d->nibble < 0) {
		d->skip_line = true;
		return STATUS_OK;
	}
	if (digit < 0) {
		d->nibble = -1;
		d->skip_line = true;
		return print_bad_line(d);
	}
	if (d->nibble < 0) {
		d->nibble = digit;
		return STATUS_OK;
	}
	uint8_t byte = (uint8_t)(d->nibble << 4 | digit);
	d->nibble = -1;
	return buf_append_u8(&d->pending, byte);
}

static enum status take_chunk(struct decoder *d, struct span chunk)
{
	if (d->mode == MODE_DETECT)
		d->mode = !d->protocol->is_text && looks_like_hex(chunk) ? MODE_HEX : MODE_RAW;
	enum status status = STATUS_OK;
	if (d->mode == MODE_RAW)
		status = buf_append(&d->pending, chunk.data, chunk.size);
	for (size_t i = 0; d->mode == MODE_HEX && i < chunk.size && !status; i++)
		status = take_character(d, chunk.data[i]);
	return status ? status : decode_pending(d);
}

/* What is left at the end: nothing, the closing flag of the last frame, or a frame that was cut. */
static enum status finish(struct decoder *d)
{
	enum status status = STATUS_OK;
	if (d->nibble >= 0)
		status = print_bad_line(d);
	if (!status && d->pending.size > d->protocol->rest_max)
		status = print_refusal(d, STATUS_NEED_MORE, "the frame is cut", buf_view(&d->pending));
	return status;
}

static enum status decode_stream(struct decoder *d)
{
	uint8_t *chunk = malloc(CHUNK_BYTES);
	enum status status = chunk ? STATUS_OK : STATUS_NO_MEMORY;
	size_t n;
	while (!status && (n = fread(chunk, 1, CHUNK_BYTES, d->in)) > 0)
		status = take_chunk(d, span_of(chunk, n));
	if (!status && ferror(d->in))
		status = STATUS_IO;
	if (!status)
		status = finish(d);
	if (fflush(stdout) || ferror(stdout))
		status = STATUS_IO;
	free(chunk);
	return status;
}

static int decode_file(const char *path, const struct decoder *options)
{
	bool standard = strcmp(path, "-") == 0;
	struct decoder d = *options;
	d.in = standard ? stdin : fopen(path, "rb");
	if (!d.in) {
		fprintf(stderr, "zayton decode: %s: %s\n", path, strerror(errno));
		return 2;
	}
	d.pending = buf_init(CHUNK_BYTES + d.protocol->frame_max);
	d.json = buf_init(JSON_BYTES_MAX);
	d.scratch = malloc(d.protocol->frame_max);
	enum status status = d.scratch ? decode_stream(&d) : STATUS_NO_MEMORY;
	if (status)
		fprintf(stderr, "zayton decode: %s: %s\n", path, status_text(status));
	buf_deinit(&d.pending);
	buf_deinit(&d.json);
	free(d.scratch);
	if (!standard)
		fclose(d.in);
	return status ? 2 : d.refused ? 1 : 0;
}

/* --- the command line --- */

static bool take_number(const char *text, uint32_t *out)
{
	char *end;
	errno = 0;
	unsigned long long value = strtoull(text, &end, 0);
	if (errno || end == text || *end || *text == '-' || value > UINT32_MAX)
		return false;
	*out = (uint32_t)value;
	return true;
}

/* An option of jt809 with its value. */
static bool take_jt809(const char *name, const char *value, struct jt809_explain_options *o)
{
	if (!value)
		return false;
	if (strcmp(name, "--edition") == 0 && strcmp(value, "2011") == 0)
		o->edition = JT809_2011;
	else if (strcmp(name, "--edition") == 0 && strcmp(value, "2019") == 0)
		o->edition = JT809_2019;
	else if (strcmp(name, "--m1") == 0)
		return take_number(value, &o->cipher.m1);
	else if (strcmp(name, "--ia1") == 0)
		return take_number(value, &o->cipher.ia1);
	else if (strcmp(name, "--ic1") == 0)
		return take_number(value, &o->cipher.ic1);
	else
		return false;
	return true;
}

int cmd_decode(int argc, char **argv)
{
	struct decoder d = {.protocol = argc < 2 ? NULL : protocol_find(argv[1]),
			    .jt809 = {.edition = JT809_DETECT},
			    .line = 1,
			    .nibble = -1};
	const char *path = NULL;
	if (argc > 1 && decode_marine_knows(argv[1]))
		return decode_marine(argc, argv);
	bool wrong = !d.protocol;
	for (int i = 2; i < argc && !wrong; i++) {
		if (strcmp(argv[i], "--hex") == 0)
			d.mode = MODE_HEX;
		else if (strcmp(argv[i], "--raw") == 0)
			d.mode = MODE_RAW;
		else if (!path && (argv[i][0] != '-' || argv[i][1] == '\0'))
			path = argv[i];
		else if (d.protocol->next == next_jt809 && take_jt809(argv[i], argv[i + 1], &d.jt809))
			i++;
		else
			wrong = true;
	}
	if (wrong) {
		fputs(usage, stderr);
		return 2;
	}
	return decode_file(path ? path : "-", &d);
}
