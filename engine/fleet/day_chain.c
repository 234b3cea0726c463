#include "engine/fleet/day_chain.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "engine/core/clock.h"
#include "engine/core/crash.h"
#include "engine/core/log.h"
#include "engine/fleet/audit.h"

#define VERSION 1
#define DAY_TAG 0x02
#define DAY_KEY_SIZE 5
#define SIGNED_SIZE (DAY_RECORD_SIZE - SIGN_SIGNATURE_SIZE)
#define ADOPTED_KEY "log adopted"
/* rows put into the log in one batch */
#define ADOPT_ROWS 4096
#define EVENT_TAG 0x02 /* of the family `case`: findings.h */

_Static_assert(133 + SIGN_SIGNATURE_SIZE == DAY_RECORD_SIZE, "the layout");

static int32_t day_of(int64_t ms)
{
	int64_t local = ms + CHINA_OFFSET_MS;
	return (int32_t)(local >= 0 ? local / MS_PER_DAY : (local + 1) / MS_PER_DAY - 1);
}

static int64_t day_begins_ms(int32_t day)
{
	return day * MS_PER_DAY - CHINA_OFFSET_MS;
}

void day_text(int32_t day, char out[DAY_TEXT_MAX])
{
	char text[TIME_TEXT_MAX];
	time_format(day_begins_ms(day), CHINA_OFFSET_MS, text);
	snprintf(out, DAY_TEXT_MAX, "%.10s", text);
}

/* --- records as bytes --- */

static void encode(const struct day_record *d, uint8_t out[DAY_RECORD_SIZE])
{
	out[0] = VERSION;
	store_be32(out + 1, (uint32_t)d->day);
	store_be64(out + 5, d->first);
	store_be64(out + 13, d->last);
	store_be64(out + 21, d->rows);
	store_be64(out + 29, (uint64_t)d->made_ms);
	memcpy(out + 37, d->rows_digest, DAY_HASH_SIZE);
	memcpy(out + 69, d->previous, DAY_HASH_SIZE);
	memcpy(out + 101, d->key, SIGN_PUBLIC_SIZE);
	memcpy(out + 133, d->signature, SIGN_SIGNATURE_SIZE);
}

static bool sha256(struct span bytes, uint8_t out[DAY_HASH_SIZE])
{
	return EVP_Digest(bytes.data, bytes.size, out, NULL, EVP_sha256(), NULL) == 1;
}

static enum status decode(struct span key, struct span value, struct day_record *out)
{
	const uint8_t *v = value.data;
	if (value.size && v[0] != VERSION)
		return STATUS_BAD_VERSION;
	if (key.size != DAY_KEY_SIZE || value.size != DAY_RECORD_SIZE)
		return STATUS_CORRUPT;
	*out = (struct day_record){.day = (int32_t)load_be32(v + 1),
				   .first = load_be64(v + 5),
				   .last = load_be64(v + 13),
				   .rows = load_be64(v + 21),
				   .made_ms = (int64_t)load_be64(v + 29)};
	memcpy(out->rows_digest, v + 37, DAY_HASH_SIZE);
	memcpy(out->previous, v + 69, DAY_HASH_SIZE);
	memcpy(out->key, v + 101, SIGN_PUBLIC_SIZE);
	memcpy(out->signature, v + 133, SIGN_SIGNATURE_SIZE);
	return sha256(value, out->hash) ? STATUS_OK : STATUS_NO_MEMORY;
}

static void day_key(int32_t day, uint8_t out[DAY_KEY_SIZE])
{
	out[0] = DAY_TAG;
	store_be32(out + 1, (uint32_t)day ^ UINT32_C(1) << 31);
}

struct days_walk {
	int32_t after;
	day_visit *visit;
	void *context;
};

static enum status visit_day(void *context, struct span key, struct span value)
{
	const struct days_walk *w = context;
	struct day_record d;
	enum status status = decode(key, value, &d);
	return status || d.day <= w->after ? status : w->visit(w->context, &d);
}

enum status days_read(struct store *s, int32_t after_day, day_visit *visit, void *context)
{
	static const uint8_t tag = DAY_TAG;
	uint8_t start[DAY_KEY_SIZE];
	struct days_walk w = {after_day, visit, context};
	day_key(after_day, start);
	enum status status =
		store_scan_within(s, STORE_DIGEST, span_of(&tag, 1), span_of(start, sizeof start), visit_day, &w);
	return status == STATUS_END ? STATUS_OK : status;
}

/* --- digests of rows --- */

/* Those of one day, as they are walked. */
struct day_rows {
	EVP_MD_CTX *md;
	uint64_t rows, last;
};

static bool rows_begin(struct day_rows *r)
{
	r->rows = r->last = 0;
	return EVP_DigestInit_ex(r->md, EVP_sha256(), NULL) == 1;
}

static bool add_sized(EVP_MD_CTX *md, struct span bytes)
{
	uint8_t size[4];
	store_be32(size, (uint32_t)bytes.size);
	return EVP_DigestUpdate(md, size, sizeof size) == 1 && EVP_DigestUpdate(md, bytes.data, bytes.size) == 1;
}

static bool rows_add(struct day_rows *r, const struct log_row *row)
{
	uint8_t head[17];
	store_be64(head, row->number);
	store_be64(head + 8, (uint64_t)row->at_ms);
	head[16] = (uint8_t)row->family.size;
	r->rows++;
	r->last = row->number;
	return EVP_DigestUpdate(r->md, head, sizeof head) == 1 &&
	       EVP_DigestUpdate(r->md, row->family.data, row->family.size) == 1 && add_sized(r->md, row->key) &&
	       add_sized(r->md, row->value);
}

static bool rows_end(struct day_rows *r, uint8_t out[DAY_HASH_SIZE])
{
	return EVP_DigestFinal_ex(r->md, out, NULL) == 1;
}

/* --- closing --- */

struct closing {
	struct store *store;
	const struct sign_key *key;
	struct store_batch *batch;
	struct day_record last; /* made last */
	bool any;               /* there is one */
	int32_t until;          /* days before it are over */
	int64_t now_ms;
	struct day_rows rows;
	unsigned closed;
};

static enum status keep_last(void *context, const struct day_record *d)
{
	struct closing *c = context;
	c->last = *d;
	c->any = true;
	return STATUS_OK;
}

/* The day behind the last one, of the rows gathered. */
static enum status close_day(struct closing *c)
{
	struct day_record d = {.day = c->last.day + 1,
			       .first = c->last.last + 1,
			       .last = c->rows.rows ? c->rows.last : c->last.last,
			       .rows = c->rows.rows,
			       .made_ms = c->now_ms};
	uint8_t key[DAY_KEY_SIZE], row[DAY_RECORD_SIZE];
	if (c->any)
		memcpy(d.previous, c->last.hash, sizeof d.previous);
	memcpy(d.key, sign_key_public(c->key), sizeof d.key);
	if (!rows_end(&c->rows, d.rows_digest) || !rows_begin(&c->rows))
		return STATUS_NO_MEMORY;
	encode(&d, row);
	enum status status = sign_key_sign(c->key, span_of(row, SIGNED_SIZE), d.signature);
	if (status)
		return status;
	encode(&d, row);
	day_key(d.day, key);
	store_batch_put(c->batch, STORE_DIGEST, span_of(key, sizeof key), span_of(row, sizeof row));
	c->closed++;
	c->last = d;
	c->any = true;
	return sha256(span_of(row, sizeof row), c->last.hash) ? STATUS_OK : STATUS_NO_MEMORY;
}

static enum status close_row(void *context, const struct log_row *row)
{
	struct closing *c = context;
	int32_t day = day_of(row->at_ms);
	enum status status = STATUS_OK;
	if (row->missing) /* the check will say so; the days after it are signed all the same */
		log_error("digests", "a row of the log is gone: number %llu", (unsigned long long)row->number);
	if (!c->any && !c->rows.rows) /* the first there is */
		c->last.day = day - 1;
	if (day >= c->until)
		return STATUS_END;
	while (!status && c->last.day + 1 < day)
		status = close_day(c);
	return status ? status : rows_add(&c->rows, row) ? STATUS_OK : STATUS_NO_MEMORY;
}

static enum status close_days(struct closing *c)
{
	enum status status = days_read(c->store, INT32_MIN, keep_last, c);
	if (status || (c->any && c->last.day + 1 >= c->until))
		return status;
	store_log_close(c->store, day_begins_ms(c->until));
	if (!rows_begin(&c->rows))
		return STATUS_NO_MEMORY;
	status = store_log_read(c->store, c->last.last, close_row, c);
	while (!status && (c->any || c->rows.rows) && c->last.day + 1 < c->until)
		status = close_day(c);
	crash_point("days_close");
	return status || !c->closed ? status : store_commit(c->store, c->batch, true);
}

enum status days_close(struct store *s, const struct sign_key *k, int64_t now_ms, unsigned *out_closed)
{
	struct closing c = {
		.store = s, .key = k, .until = day_of(now_ms), .now_ms = now_ms, .rows = {.md = EVP_MD_CTX_new()}};
	enum status status = c.rows.md ? store_batch_new(s, &c.batch) : STATUS_NO_MEMORY;
	if (!status)
		status = close_days(&c);
	*out_closed = status ? 0 : c.closed;
	store_batch_free(c.batch);
	EVP_MD_CTX_free(c.rows.md);
	return status;
}

/* --- what was written before there was a log --- */

struct adopting {
	struct store *store;
	struct store_batch *batch;
	enum store_family family;
	unsigned rows;
};

static enum status adopt_row(void *context, struct span key, struct span value)
{
	struct adopting *a = context;
	store_batch_log(a->batch, a->family, key, value);
	return ++a->rows % ADOPT_ROWS ? STATUS_OK : store_commit(a->store, a->batch, false);
}

/* Rows that are only added to. */
static const struct logged {
	enum store_family family;
	struct span prefix;
} logged_rows[] = {
	{STORE_AUDIT, {NULL, 0}},
	{STORE_LOG, {NULL, 0}},
	{STORE_CASE, {(const uint8_t[]){EVENT_TAG}, 1}},
};
#define LOGGED_COUNT (sizeof logged_rows / sizeof logged_rows[0])

static enum status adopt(struct store *s)
{
	struct buf row = buf_init(16);
	struct span key = span_of_string(ADOPTED_KEY);
	struct adopting a = {.store = s};
	enum status status = store_get(s, STORE_META, key, &row);
	buf_deinit(&row);
	if (status != STATUS_NOT_FOUND)
		return status;
	status = store_batch_new(s, &a.batch);
	for (size_t i = 0; i < LOGGED_COUNT && !status; i++) {
		a.family = logged_rows[i].family;
		status = store_scan(s, a.family, logged_rows[i].prefix, adopt_row, &a);
	}
	if (!status) {
		store_batch_put(a.batch, STORE_META, key, span_of_string("1"));
		status = store_commit(s, a.batch, true);
	}
	store_batch_free(a.batch);
	return status;
}

static enum status close_log(void *context, const struct day_record *d)
{
	store_log_close(context, day_begins_ms(d->day + 1));
	return STATUS_OK;
}

enum status days_open(struct store *s)
{
	enum status status = days_read(s, INT32_MIN, close_log, s);
	return status ? status : adopt(s);
}

/* --- checking --- */

struct checking {
	struct store *store;
	const uint8_t *key; /* NULL until the first record names one */
	uint8_t first_key[SIGN_PUBLIC_SIZE];
	struct buf *out;
	struct days_checked *result;
	struct day_record before;
	bool any;
	struct day_rows rows;
	uint64_t until;         /* number of the last row of the day being checked */
	const char *wrong;      /* with its rows; NULL: nothing */
	int32_t day;            /* being checked, for its rows; INT32_MAX: the day under way */
	uint64_t logged, found; /* rows that days know, and that there are */
	int64_t expired_ms;     /* rows of the audit that are older may be gone: of days before it */
	bool thinned;           /* some of this day's are */
};

static enum status check_row(void *context, const struct log_row *row)
{
	struct checking *c = context;
	if (row->number > c->until)
		return STATUS_END;
	bool may_be_gone = c->day != INT32_MAX && day_begins_ms(c->day) < c->expired_ms &&
			   span_equal(row->family, span_of_string(store_family_name(STORE_AUDIT)));
	if (row->missing && may_be_gone)
		c->thinned = true;
	else if (row->missing)
		c->wrong = "a row is gone";
	else if (c->day != INT32_MAX && day_of(row->at_ms) != c->day)
		c->wrong = "a row is of another day";
	return rows_add(&c->rows, row) ? STATUS_OK : STATUS_NO_MEMORY;
}

/* Why the record is not what follows the one before; NULL: it is. */
static const char *wrong_link(struct checking *c, const struct day_record *d)
{
	static const uint8_t none[DAY_HASH_SIZE];
	uint8_t bytes[DAY_RECORD_SIZE];
	if (!c->key)
		c->key = memcpy(c->first_key, d->key, sizeof c->first_key);
	encode(d, bytes);
	if (memcmp(d->key, c->key, SIGN_PUBLIC_SIZE) != 0)
		return "it is signed with another key";
	if (!sign_verify(d->key, span_of(bytes, SIGNED_SIZE), d->signature))
		return "its signature does not hold";
	if (memcmp(d->previous, c->any ? c->before.hash : none, DAY_HASH_SIZE) != 0)
		return "it does not follow the day before";
	if (c->any && d->day != c->before.day + 1)
		return "a day is missing before it";
	return d->first != (c->any ? c->before.last + 1 : 1) || d->last + 1 < d->first ? "rows are missing before it"
										       : NULL;
}

static enum status check_rows(struct checking *c, const struct day_record *d)
{
	uint8_t digest[DAY_HASH_SIZE];
	c->until = d->last;
	c->day = d->day;
	c->thinned = false;
	if (!rows_begin(&c->rows))
		return STATUS_NO_MEMORY;
	enum status status = store_log_read(c->store, d->first - 1, check_row, c);
	if (status)
		return status;
	if (!rows_end(&c->rows, digest))
		return STATUS_NO_MEMORY;
	bool holds = c->thinned || !memcmp(digest, d->rows_digest, sizeof digest);
	if (!c->wrong && (c->rows.rows != d->rows || !holds))
		c->wrong = "its rows are not those that were signed";
	return STATUS_OK;
}

static enum status check_day(void *context, const struct day_record *d)
{
	struct checking *c = context;
	char day[DAY_TEXT_MAX];
	c->wrong = wrong_link(c, d);
	enum status status = c->wrong ? STATUS_OK : check_rows(c, d);
	if (status)
		return status;
	if (c->wrong) {
		c->result->broken = true;
		c->result->first_bad = d->day;
		day_text(d->day, day);
		status = buf_printf(c->out, "day %s does not hold: %s\n", day, c->wrong);
		return status ? status : STATUS_END;
	}
	c->before = *d;
	c->any = true;
	c->logged += d->rows;
	c->result->days++;
	return STATUS_OK;
}

/* The day under way, which nothing is signed of: its rows must be there. */
static enum status check_today(struct checking *c)
{
	c->until = UINT64_MAX;
	c->day = INT32_MAX;
	if (!rows_begin(&c->rows))
		return STATUS_NO_MEMORY;
	enum status status = store_log_read(c->store, c->before.last, check_row, c);
	c->logged += c->rows.rows;
	return status || !c->wrong ? status : buf_printf(c->out, "since the last signed day: %s\n", c->wrong);
}

static enum status count_row(void *context, struct span key, struct span value)
{
	(void)key;
	(void)value;
	++*(uint64_t *)context;
	return STATUS_OK;
}

static enum status check_unknown(struct checking *c)
{
	enum status status = STATUS_OK;
	for (size_t i = 0; i < LOGGED_COUNT && !status; i++)
		status = store_scan(c->store, logged_rows[i].family, logged_rows[i].prefix, count_row, &c->found);
	if (status || c->found <= c->logged)
		return status;
	return buf_printf(c->out, "%llu rows of the audit, the log or the history of cases are of no day\n",
			  (unsigned long long)(c->found - c->logged));
}

static enum status note_last_day(void *context, const struct day_record *d)
{
	*(int32_t *)context = d->day;
	return STATUS_OK;
}

/* The mark of expiry is no excuse for what is younger than the minimum, seen from the last signed day. An entry just
 * before the mark may be of the day behind it in the log. */
static enum status read_expiry(struct checking *c)
{
	int32_t last = INT32_MIN;
	enum status status = audit_expired_ms(c->store, &c->expired_ms);
	if (!status)
		status = days_read(c->store, INT32_MIN, note_last_day, &last);
	if (status || c->expired_ms == INT64_MIN || last == INT32_MIN)
		return status;
	int64_t latest_ms = day_begins_ms(last + 1 - AUDIT_MONTHS_MIN * AUDIT_DAYS_PER_MONTH) + MS_PER_DAY;
	c->expired_ms = (c->expired_ms < latest_ms ? c->expired_ms : latest_ms) + MS_PER_HOUR;
	return STATUS_OK;
}

enum status days_check(struct store *s, const struct sign_key *k, struct buf *out, struct days_checked *result)
{
	struct checking c = {.store = s,
			     .key = k ? sign_key_public(k) : NULL,
			     .out = out,
			     .result = result,
			     .rows = {.md = EVP_MD_CTX_new()}};
	size_t before = out->size;
	*result = (struct days_checked){0};
	enum status status = c.rows.md ? read_expiry(&c) : STATUS_NO_MEMORY;
	if (!status)
		status = days_read(s, INT32_MIN, check_day, &c);
	if (!status && !result->broken)
		status = check_today(&c);
	if (!status && !result->broken && c.logged)
		status = check_unknown(&c);
	result->rows = c.logged;
	EVP_MD_CTX_free(c.rows.md);
	return status ? status : out->size > before ? STATUS_CORRUPT : STATUS_OK;
}
