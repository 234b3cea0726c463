#include "engine/core/charset.h"
#include "engine/core/clock.h"
#include "ingest/jt808/jt808.h"

/* A body under construction: the first failure stays, the rest does nothing. */
struct writer {
	struct buf *out;
	size_t start;
	enum status status;
};

static struct writer writer_of(struct buf *out)
{
	return (struct writer){out, out->size, STATUS_OK};
}

static void put(struct writer *w, const void *data, size_t size)
{
	if (!w->status)
		w->status = buf_append(w->out, data, size);
}

static void put_u8(struct writer *w, uint8_t v)
{
	put(w, &v, 1);
}

static void put_be16(struct writer *w, uint16_t v)
{
	uint8_t bytes[2];
	store_be16(bytes, v);
	put(w, bytes, sizeof bytes);
}

/* Text as GBK, of any size. */
static void put_text(struct writer *w, const char *utf8)
{
	if (!w->status)
		w->status = charset_utf8_to_gbk(span_of_string(utf8), w->out);
}

/* Text in a field of `size` bytes, NUL behind it. */
static void put_field(struct writer *w, const char *utf8, size_t size)
{
	static const uint8_t zeros[40];
	size_t before = w->out->size;
	put_text(w, utf8);
	size_t used = w->out->size - before;
	if (!w->status && used > size)
		w->status = STATUS_TOO_LONG;
	if (!w->status)
		put(w, zeros, size - used);
}

/* Length byte and text. */
static void put_counted(struct writer *w, const char *utf8)
{
	size_t at = w->out->size;
	put_u8(w, 0);
	put_text(w, utf8);
	if (w->status)
		return;
	size_t used = w->out->size - at - 1;
	if (used > UINT8_MAX)
		w->status = STATUS_TOO_LONG;
	else
		w->out->data[at] = (uint8_t)used;
}

static enum status finish(struct writer *w)
{
	if (w->status)
		w->out->size = w->start;
	return w->status;
}

enum status jt808_register_encode(const struct jt808_register *r, struct buf *out)
{
	struct writer w = writer_of(out);
	put_be16(&w, r->province);
	put_be16(&w, r->city);
	put_field(&w, r->manufacturer, r->edition == JT808_2019 ? 11 : 5);
	put_field(&w, r->model, r->edition == JT808_2019 ? 30 : r->edition == JT808_2013 ? 20 : 8);
	put_field(&w, r->terminal_id, r->edition == JT808_2019 ? 30 : 7);
	put_u8(&w, r->plate_colour);
	put_text(&w, r->plate);
	return finish(&w);
}

enum status jt808_auth_encode(const struct jt808_auth *a, bool is_2019, struct buf *out)
{
	struct writer w = writer_of(out);
	if (is_2019 && a->code.size > UINT8_MAX)
		w.status = STATUS_TOO_LONG;
	if (is_2019)
		put_u8(&w, (uint8_t)a->code.size);
	put(&w, a->code.data, a->code.size);
	if (is_2019) {
		put_field(&w, a->imei, 15);
		put_field(&w, a->software, 20);
	}
	return finish(&w);
}

static void put_expiry(struct writer *w, const char *digits)
{
	uint8_t bcd[4] = {0};
	for (size_t i = 0; i < 8 && digits[i] >= '0' && digits[i] <= '9'; i++)
		bcd[i / 2] |= (uint8_t)((digits[i] - '0') << (i % 2 ? 0 : 4));
	put(w, bcd, sizeof bcd);
}

static void put_driver_2011(struct writer *w, const struct jt808_driver *d)
{
	put_counted(w, d->name);
	put_field(w, d->id_card, 20);
	put_field(w, d->licence, 40);
	put_counted(w, d->authority);
}

static void put_driver(struct writer *w, const struct jt808_driver *d)
{
	uint8_t bcd[6] = {0};
	put_u8(w, d->status);
	if (!w->status)
		w->status = bcd_time_encode(d->time_ms, bcd);
	put(w, bcd, sizeof bcd);
	if (d->status != 1)
		return;
	put_u8(w, d->ic_result);
	if (d->ic_result != 0)
		return;
	put_counted(w, d->name);
	put_field(w, d->licence, 20);
	put_counted(w, d->authority);
	put_expiry(w, d->expiry);
	if (d->edition == JT808_2019)
		put_field(w, d->id_card, 20);
}

enum status jt808_driver_encode(const struct jt808_driver *d, struct buf *out)
{
	struct writer w = writer_of(out);
	if (d->edition == JT808_2011)
		put_driver_2011(&w, d);
	else
		put_driver(&w, d);
	return finish(&w);
}

enum status jt808_reply_encode(const struct jt808_reply *r, struct buf *out)
{
	struct writer w = writer_of(out);
	put_be16(&w, r->serial);
	put_be16(&w, r->message_id);
	put_u8(&w, r->result);
	return finish(&w);
}

enum status jt808_batch_encode(uint8_t type, const struct span *bodies, size_t count, struct buf *out)
{
	struct writer w = writer_of(out);
	if (count > UINT16_MAX)
		w.status = STATUS_TOO_LONG;
	put_be16(&w, (uint16_t)count);
	put_u8(&w, type);
	for (size_t i = 0; i < count && !w.status; i++) {
		if (bodies[i].size > UINT16_MAX)
			w.status = STATUS_TOO_LONG;
		put_be16(&w, (uint16_t)bodies[i].size);
		put(&w, bodies[i].data, bodies[i].size);
	}
	return finish(&w);
}
