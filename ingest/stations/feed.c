#include "ingest/stations/feed.h"

#include <stdio.h>

#include "engine/core/clock.h"
#include "engine/core/hash.h"
#include "engine/core/limits.h"
#include "engine/core/log.h"

/* body of a report: the row's fixed part and its items */
#define BODIES_MAX ((size_t)FEED_OUT_MAX * (REPORT_FIXED_ROW + MARINE_ITEMS_MAX))
#define EMERGENCY_FORMS (1u << MMSI_FORM_SART | 1u << MMSI_FORM_MOB | 1u << MMSI_FORM_EPIRB)

enum status feed_init(struct feed *f)
{
	f->bytes = buf_init(FEED_BYTES_MAX);
	f->items = buf_init(MARINE_ITEMS_MAX);
	f->bodies = buf_init(BODIES_MAX);
	f->taken = f->out_count = f->out_next = 0;
	f->passing = f->note_wanted = false;
	nmea_joiner_init(&f->joiner, f->config->nmea);
	return ais_assembler_new(AIS_EXPIRE_MS, &f->assembler);
}

void feed_deinit(struct feed *f)
{
	buf_deinit(&f->bytes);
	buf_deinit(&f->items);
	buf_deinit(&f->bodies);
	ais_assembler_free(f->assembler);
}

enum status feed_put(struct feed *f, struct span bytes, uint32_t sender)
{
	if (f->taken) {
		memmove(f->bytes.data, f->bytes.data + f->taken, f->bytes.size - f->taken);
		f->bytes.size -= f->taken;
		f->taken = 0;
	}
	f->sender = sender;
	station_count(f->stats, STATION_COUNT_BYTES, bytes.size);
	return buf_append(&f->bytes, bytes.data, bytes.size);
}

/* --- entries --- */

/* A new entry whose body is appended to `bodies` by the caller; there is room for all that one line gives. */
static struct feed_out *out_new(struct feed *f, enum intake_kind kind, int64_t now_ms)
{
	struct feed_out *o = &f->out[f->out_count++];
	memset(o, 0, sizeof *o);
	o->in.kind = kind;
	o->in.received_ms = now_ms;
	o->at = f->bodies.size;
	return o;
}

static void name_sender(struct feed_out *o, enum device_kind kind, const char *identity, uint8_t class_code)
{
	o->kind = kind;
	snprintf(o->identity, sizeof o->identity, "%s", identity);
	o->in.device = device_id(kind, span_of_string(o->identity));
	o->class_code = class_code;
}

/* The body is in `bodies`, or could not be put there: then the entry goes. */
static enum status out_seal(struct feed *f, struct feed_out *o, enum status status)
{
	o->size = f->bodies.size - o->at;
	if (status)
		f->out_count--;
	return status;
}

/* A sealed report. */
static struct feed_out *out_report(struct feed *f, const struct report *r, int64_t now_ms)
{
	struct feed_out *o = out_new(f, INTAKE_REPORT, now_ms);
	o->report = *r;
	o->report.received_ms = now_ms;
	if (r->time_ms - now_ms > FUTURE_SKEW_MAX_MS)
		o->report.flags |= REPORT_FLAG_FUTURE;
	if (f->config->transport == STATION_FILE)
		o->report.flags |= REPORT_FLAG_BACKFILL;
	return out_seal(f, o, report_body(r, &f->bodies)) ? NULL : o;
}

static struct feed_out *out_message(struct feed *f, unsigned message_id, struct span text, int64_t time_ms,
				    int64_t now_ms)
{
	struct feed_out *o = out_new(f, INTAKE_MESSAGE, now_ms);
	o->in.message_id = (uint16_t)message_id;
	o->in.time_ms = time_ms;
	return out_seal(f, o, buf_append(&f->bodies, text.data, text.size)) ? NULL : o;
}

/* Count it, and keep a sample for a look. */
static void refuse(struct feed *f, struct span line, enum status reason, int64_t now_ms)
{
	struct station_stats *s = f->stats;
	station_count(s, STATION_COUNT_REFUSED, 1);
	if (now_ms - s->quarantine_at_ms >= MS_PER_MINUTE || now_ms < s->quarantine_at_ms) {
		s->quarantine_at_ms = now_ms;
		s->quarantine_left = FEED_QUARANTINE_PER_MINUTE;
	}
	if (s->quarantine_left == 0)
		return;
	s->quarantine_left--;
	struct feed_out *o = out_new(f, INTAKE_QUARANTINE, now_ms);
	o->in.reason = reason;
	o->in.message_id = MARINE_MESSAGE_AIS;
	if (!out_seal(f, o, buf_append(&f->bodies, line.data, line.size)))
		station_count(s, STATION_COUNT_QUARANTINED, 1);
}

/* --- AIS --- */

static bool is_letter(char c)
{
	return c >= 'A' && c <= 'Z';
}

/* `word` on its own: "NET 7", not "BLUE PLANET". */
static bool has_word(const char *name, const char *word)
{
	size_t size = strlen(word);
	for (const char *at = strstr(name, word); at; at = strstr(at + 1, word))
		if ((at == name || !is_letter(at[-1])) && !is_letter(at[size]))
			return true;
	return false;
}

/* Names of beacons on nets: what they are, or their battery ("7-83%", "12.1V"). */
static bool says_net(const char *name)
{
	size_t size = strlen(name);
	bool volts = size >= 2 && name[size - 1] == 'V' && name[size - 2] >= '0' && name[size - 2] <= '9';
	return volts || strchr(name, '%') || has_word(name, "NET") || has_word(name, "BUOY");
}

/* What a sender is, by the form of its number, the type of its message and what it says of itself. */
static uint8_t class_of(const struct ais_message *m)
{
	enum mmsi_form form = mmsi_form(m->mmsi);
	char name[40];
	uint16_t length;
	if (form == MMSI_FORM_AID || m->type == 21)
		return DEVICE_CLASS_AID;
	if (form == MMSI_FORM_COAST || m->type == 4)
		return DEVICE_CLASS_BASE;
	if (form == MMSI_FORM_SAR_AIRCRAFT || m->type == 9)
		return DEVICE_CLASS_SAR_AIRCRAFT;
	if (EMERGENCY_FORMS >> form & 1)
		return DEVICE_CLASS_DISTRESS;
	bool class_b = m->type == 19 || m->type == 24; /* beacons are sold with class B radios */
	if (form == MMSI_FORM_AMRD || (class_b && ais_name(m, name) && says_net(name)))
		return DEVICE_CLASS_GEAR;
	int32_t type = ais_has(m, AIS_SHIPTYPE) ? m->values[AIS_SHIPTYPE] : 0;
	if (type >= 60 && type <= 89)
		return DEVICE_CLASS_VESSEL;
	if (type != 30)
		return DEVICE_CLASS_OTHER;
	if (!ais_length_m(m, &length))
		return DEVICE_CLASS_FISHING_BOAT;
	return length < 12   ? DEVICE_CLASS_FISHING_SMALL
	       : length < 24 ? DEVICE_CLASS_FISHING_MEDIUM
			     : DEVICE_CLASS_FISHING_LARGE;
}

static void job_add(struct feed_job *j, enum device_field field, const char *value)
{
	if (!*value || j->count == sizeof j->fields)
		return;
	snprintf(j->values[j->count], sizeof j->values[0], "%s", value);
	j->fields[j->count++] = (uint8_t)field;
}

/* Static data into the registry, behind the entries of its message. Numbers are no names of ships: what a ship says
 * stands beside what the register says. */
static void note_static(struct feed *f, const struct ais_message *m, uint64_t device, int64_t from_ms)
{
	char text[64];
	uint8_t class_code = class_of(m);
	struct feed_job *j = &f->note;
	*j = (struct feed_job){.device = device, .kind = DEVICE_KIND_AIS, .from_ms = from_ms};
	if (ais_name(m, text))
		job_add(j, DEVICE_FIELD_SAID_NAME, text);
	job_add(j, DEVICE_FIELD_SAID_CALLSIGN, ais_text(m, AIS_CALLSIGN));
	if (ais_has(m, AIS_SHIPTYPE) && m->values[AIS_SHIPTYPE]) {
		snprintf(text, sizeof text, "%d", m->values[AIS_SHIPTYPE]);
		job_add(j, DEVICE_FIELD_SAID_TYPE, text);
	}
	if (ais_has(m, AIS_BOW) && ais_has(m, AIS_STARBOARD) &&
	    (m->values[AIS_BOW] || m->values[AIS_STERN] || m->values[AIS_PORT] || m->values[AIS_STARBOARD])) {
		snprintf(text, sizeof text, "%d,%d,%d,%d", m->values[AIS_BOW], m->values[AIS_STERN],
			 m->values[AIS_PORT], m->values[AIS_STARBOARD]);
		job_add(j, DEVICE_FIELD_SAID_SIZE, text);
	}
	if (ais_has(m, AIS_IMO) && m->values[AIS_IMO]) {
		snprintf(text, sizeof text, "%d", m->values[AIS_IMO]);
		job_add(j, DEVICE_FIELD_SAID_IMO, text);
	}
	if (class_code != DEVICE_CLASS_OTHER)
		job_add(j, DEVICE_FIELD_CLASS, device_class_token(class_code));
	f->note_wanted = j->count != 0;
}

static bool is_static(uint8_t type)
{
	return type == 5 || type == 24 || type == 19 || type == 21;
}

/* By sender and bits, the repeat indicator aside; a static message also by its day of receipt at most once. */
static bool folded(struct feed *f, const struct ais_packet *p, const struct ais_message *m, int64_t anchor_ms)
{
	bool is_new;
	uint8_t bits[AIS_BYTES_MAX];
	size_t size = (p->bits + 7u) / 8;
	memcpy(bits, p->payload, size);
	bits[0] &= 0xfc;
	int64_t window = m->type == 5 || m->type == 24 ? FOLD_STATIC_MS : FOLD_WINDOW_MS;
	if (!fold_seen(f->fold, hash64_seeded(span_of(bits, size), p->bits), f->station, anchor_ms, window, &is_new))
		return false;
	station_count(f->stats, STATION_COUNT_FOLDED, 1);
	station_count(f->stats, STATION_COUNT_SHARED, is_new);
	return true;
}

static enum status take_message(struct feed *f, const struct ais_packet *p, const struct ais_message *m, int64_t now_ms)
{
	char mmsi[16];
	int64_t anchor = p->time_ms != SENTENCE_TIME_NONE ? p->time_ms : now_ms;
	int64_t time_ms = ais_event_time(m, anchor);
	struct feed_out *o = NULL;
	struct report r;
	enum status status = STATUS_OK;
	if (m->mmsi == 0 || m->mmsi > 999999999)
		return STATUS_OUT_OF_RANGE;
	if (folded(f, p, m, anchor))
		return STATUS_OK;
	if (m->known && ais_is_position(m->type)) {
		status = ais_report(p, m, time_ms, &f->items, &r);
		o = status ? NULL : out_report(f, &r, now_ms);
	} else {
		struct buf text = buf_init(AIS_PARTS_MAX * 96u + AIS_BITS_MAX / 3);
		status = ais_write(p, "AI", 0, &text);
		o = status ? NULL : out_message(f, MARINE_MESSAGE_AIS | m->type, buf_view(&text), time_ms, now_ms);
		buf_deinit(&text);
	}
	if (!o)
		return status ? status : STATUS_NO_MEMORY;
	snprintf(mmsi, sizeof mmsi, "%09u", m->mmsi);
	name_sender(o, DEVICE_KIND_AIS, mmsi, class_of(m));
	if (is_static(m->type))
		note_static(f, m, o->in.device, time_ms);
	return STATUS_OK;
}

static enum status take_ais(struct feed *f, const struct sentence *s, int64_t now_ms)
{
	const struct ais_packet *p;
	struct ais_message m;
	enum status status = ais_assembler_add(f->assembler, s, f->sender, now_ms, &p);
	if (status == STATUS_NEED_MORE || status == STATUS_EMPTY) {
		station_count(f->stats, STATION_COUNT_PARTS, status == STATUS_NEED_MORE);
		return STATUS_OK;
	}
	if (status == STATUS_NOT_FOUND) { /* a part whose beginning another receiver had */
		station_count(f->stats, STATION_COUNT_PARTS_LOST, 1);
		return STATUS_OK;
	}
	if (!status)
		status = ais_decode(p, &m);
	if (status)
		return status;
	station_count(f->stats, STATION_COUNT_AIS, 1);
	if (p->own) {
		station_count(f->stats, STATION_COUNT_OWN_SHIP, 1);
		return STATUS_OK;
	}
	return take_message(f, p, &m, now_ms);
}

/* --- NMEA 0183 --- */

static enum status take_epoch(struct feed *f, const struct nmea_epoch *e, int64_t now_ms)
{
	struct report r;
	bool far;
	if (!e->fix.has_position && e->fix.valid == NMEA_VALID_UNSAID)
		return STATUS_OK; /* a clock, or a compass */
	int64_t time_ms = nmea_epoch_time_ms(e, &f->joiner.options, &far);
	enum status status = nmea_report(e, time_ms, &f->items, &r);
	if (status)
		return status;
	station_count(f->stats, STATION_COUNT_FAR, far);
	struct feed_out *o = out_report(f, &r, now_ms);
	if (!o)
		return STATUS_NO_MEMORY;
	name_sender(o, DEVICE_KIND_NMEA, f->config->own, DEVICE_CLASS_OTHER);
	return STATUS_OK;
}

static enum status take_nmea(struct feed *f, const struct sentence *s, const struct nmea_fix *fix, int64_t now_ms)
{
	static _Thread_local struct nmea_epoch e;
	station_count(f->stats, STATION_COUNT_NMEA, 1);
	if (!*f->config->own)
		return STATUS_OK;
	int64_t anchor = s->time_ms != SENTENCE_TIME_NONE ? s->time_ms : now_ms;
	return nmea_joiner_add(&f->joiner, s, fix, anchor, &e) ? take_epoch(f, &e, now_ms) : STATUS_OK;
}

/* --- Beidou --- */

static enum status take_point(struct feed *f, const struct rdss_message *m, const struct rdss_point *p,
			      struct span text, int64_t time_ms, int64_t now_ms)
{
	struct report r;
	char card[16];
	enum status status = rdss_report(p, m->altitude_dm, text, time_ms, &f->items, &r);
	if (status)
		return status;
	struct feed_out *o = out_report(f, &r, now_ms);
	if (!o)
		return STATUS_NO_MEMORY;
	snprintf(card, sizeof card, "%u", m->from);
	name_sender(o, DEVICE_KIND_BEIDOU, card, DEVICE_CLASS_OTHER);
	return STATUS_OK;
}

/* The points of a payload; the sentence goes with the newest. */
static enum status take_points(struct feed *f, const struct rdss_message *m, struct span text, int64_t sent_ms,
			       int64_t now_ms)
{
	struct rdss_point points[RDSS_POINTS_MAX];
	size_t count;
	enum status status = rdss_codec_decode(f->codec, span_of(m->payload, m->payload_size), points, &count);
	for (size_t i = 0; i < count && !status; i++) {
		int64_t time_ms = points[i].time_ms != RDSS_POINT_AGO ? points[i].time_ms
								      : sent_ms - points[i].ago_s * MS_PER_SECOND;
		status = take_point(f, m, &points[i], i ? span_of("", 0) : text, time_ms, now_ms);
	}
	return status;
}

static enum status take_rdss(struct feed *f, const struct sentence *s, const struct rdss_message *m, int64_t now_ms)
{
	char text[SENTENCE_LINE_MAX + 3];
	char card[16];
	station_count(f->stats, STATION_COUNT_RDSS, 1);
	if (m->from == 0)
		return STATUS_OK; /* between a terminal and its own host */
	memcpy(text, s->text.data, s->text.size);
	memcpy(text + s->text.size, "\r\n", 2);
	struct span whole = span_of(text, s->text.size + 2);
	int64_t anchor = s->time_ms != SENTENCE_TIME_NONE ? s->time_ms : now_ms;
	int64_t sent = m->time_ms == RDSS_TIME_UNKNOWN ? anchor : nmea_instant(NMEA_DAY_UNKNOWN, m->time_ms, anchor);
	if (m->has_position) {
		struct rdss_point p = {.lat_e7 = m->lat_e7,
				       .lon_e7 = m->lon_e7,
				       .speed_dkn = RDSS_POINT_NONE,
				       .course_deg = RDSS_POINT_NONE};
		return take_point(f, m, &p, whole, sent, now_ms);
	}
	if (m->payload_size && f->codec && !m->is_text) {
		enum status status = take_points(f, m, whole, sent, now_ms);
		if (status != STATUS_NOT_FOUND) /* of another kind: kept as it is */
			return status;
	}
	struct feed_out *o = out_message(f, MARINE_MESSAGE_RDSS | m->kind, whole, sent, now_ms);
	if (!o)
		return STATUS_NO_MEMORY;
	snprintf(card, sizeof card, "%u", m->from);
	name_sender(o, DEVICE_KIND_BEIDOU, card, DEVICE_CLASS_OTHER);
	return STATUS_OK;
}

/* --- lines --- */

static enum status take_sentence(struct feed *f, struct sentence *s, int64_t now_ms)
{
	static _Thread_local struct rdss_message rdss;
	struct nmea_fix fix;
	ais_assembler_group(f->assembler, s, f->sender, now_ms);
	if (s->start == '!' && s->formatter.size == 3 && memcmp(s->formatter.data, "VD", 2) == 0)
		return take_ais(f, s, now_ms);
	enum status status = nmea_parse(s, &fix);
	if (!status)
		return take_nmea(f, s, &fix, now_ms);
	if (status == STATUS_UNSUPPORTED)
		status = rdss_parse(s, &f->config->rdss, &rdss);
	if (!status)
		return take_rdss(f, s, &rdss, now_ms);
	if (status == STATUS_UNSUPPORTED)
		station_count(f->stats, STATION_COUNT_OTHER, 1);
	return status == STATUS_UNSUPPORTED ? STATUS_OK : status;
}

static void take_line(struct feed *f, struct span line, enum status status, int64_t now_ms)
{
	struct sentence s;
	station_count(f->stats, STATION_COUNT_LINES, 1);
	if (!status)
		status = sentence_parse(line, &s);
	if (status == STATUS_EMPTY)
		return;
	if (!status) {
		atomic_store_explicit(&f->stats->heard_ms, now_ms, memory_order_relaxed);
		station_count(f->stats, STATION_COUNT_TAGS_REFUSED, s.tag_refused);
		status = take_sentence(f, &s, now_ms);
	}
	if (status) {
		f->out_count = f->out_next; /* what a refused line gave before it was refused goes with it */
		f->note_wanted = false;
		refuse(f, span_of(line.data, line.size < SENTENCE_LINE_MAX ? line.size : SENTENCE_LINE_MAX), status,
		       now_ms);
	}
}

/* The next whole line, if there is one. */
static bool next_line(struct feed *f, int64_t now_ms)
{
	struct span rest = span_of(f->bytes.data + f->taken, f->bytes.size - f->taken), line;
	enum status status = sentence_line_next(&rest, &line);
	if (status == STATUS_NEED_MORE) {
		if (rest.size > SENTENCE_LINE_MAX + 8) { /* no end in sight */
			if (!f->passing)
				take_line(f, rest, STATUS_TOO_LONG, now_ms);
			f->passing = true;
			f->taken = f->bytes.size;
			return true;
		}
		return false;
	}
	f->taken = f->bytes.size - rest.size;
	if (!f->passing)
		take_line(f, line, status, now_ms);
	f->passing = false;
	return true;
}

/* --- giving --- */

/* A device that the registry does not know is made first. */
static void make_sender(struct feed *f, const struct feed_out *o)
{
	struct feed_job *j = &f->job;
	*j = (struct feed_job){.device = o->in.device, .kind = o->kind, .from_ms = VALID_ALWAYS_FROM, .is_new = true};
	job_add(j,
		o->kind == DEVICE_KIND_AIS      ? DEVICE_FIELD_MMSI
		: o->kind == DEVICE_KIND_BEIDOU ? DEVICE_FIELD_BEIDOU_CARD
						: DEVICE_FIELD_NAME,
		o->identity);
	job_add(j, DEVICE_FIELD_STATE, "unregistered");
	if (o->class_code != DEVICE_CLASS_OTHER)
		job_add(j, DEVICE_FIELD_CLASS, device_class_token(o->class_code));
}

static void count_given(struct feed *f, const struct feed_out *o)
{
	if (o->in.kind == INTAKE_REPORT)
		station_count(f->stats, STATION_COUNT_REPORTS, 1);
	else if (o->in.kind == INTAKE_MESSAGE)
		station_count(f->stats, STATION_COUNT_MESSAGES, 1);
}

static bool is_not_now(enum status status)
{
	return status == STATUS_BUSY || status == STATUS_IO || status == STATUS_NO_SPACE;
}

static enum status submit(struct feed *f, struct feed_out *o)
{
	o->in.body = span_of(f->bodies.data + o->at, o->size);
	if (o->in.kind == INTAKE_REPORT) {
		o->in.report = &o->report;
		o->report.items = o->report.items_size ? o->in.body.data + REPORT_FIXED_ROW : NULL;
	}
	return f->submit(f->context, &o->in);
}

/* Whether the registry says so already, or a person said something else of what is not the ship's to say. */
static bool is_said(const struct registry *r, const struct feed_job *j, size_t i)
{
	char value[DEVICE_VALUE_MAX + 1];
	if (j->fields[i] == DEVICE_FIELD_CLASS)
		return registry_class(r, j->device, j->from_ms) != DEVICE_CLASS_OTHER;
	return !registry_value(r, j->device, (enum device_field)j->fields[i], j->from_ms, value) &&
	       strcmp(value, j->values[i]) == 0;
}

/* Most of what is said every few minutes stands there: memory only, no worker is needed to see it. */
static bool note_is_news(const struct feed *f)
{
	for (size_t i = 0; f->note_wanted && i < f->note.count; i++)
		if (!is_said(f->registry, &f->note, i))
			return true;
	return false;
}

/* Entry by entry, then the note. */
static enum feed_wait give(struct feed *f)
{
	for (; f->out_next < f->out_count; f->out_next++) {
		struct feed_out *o = &f->out[f->out_next];
		bool unknown = *o->identity && !registry_has(f->registry, o->in.device);
		if (unknown && f->config->allow_only) {
			station_count(f->stats, STATION_COUNT_UNKNOWN, 1);
			f->note_wanted = false;
			continue;
		}
		if (unknown) {
			make_sender(f, o);
			return FEED_JOB;
		}
		enum status status = submit(f, o);
		if (is_not_now(status)) {
			station_count(f->stats, STATION_COUNT_PAUSES, 1);
			return FEED_ROOM;
		}
		if (status)
			station_count(f->stats, STATION_COUNT_REFUSED, 1);
		else
			count_given(f, o);
	}
	f->out_count = f->out_next = 0;
	buf_clear(&f->bodies);
	bool news = note_is_news(f);
	f->note_wanted = false;
	if (!news)
		return FEED_IDLE;
	f->job = f->note;
	return FEED_JOB;
}

enum feed_wait feed_run(struct feed *f, int64_t now_ms)
{
	enum feed_wait wait;
	do {
		wait = give(f);
	} while (wait == FEED_IDLE && next_line(f, now_ms));
	return wait;
}

enum feed_wait feed_tick(struct feed *f, int64_t now_ms)
{
	static _Thread_local struct nmea_epoch e;
	ais_assembler_expire(f->assembler, now_ms);
	if (!f->joiner.open.fix.kinds || now_ms - f->joiner.open.received_ms < FEED_EPOCH_MS)
		return FEED_IDLE;
	if (nmea_joiner_flush(&f->joiner, &e))
		(void)!take_epoch(f, &e, now_ms);
	return give(f);
}

enum feed_wait feed_end(struct feed *f, int64_t now_ms)
{
	static _Thread_local struct nmea_epoch e;
	if (f->bytes.size > f->taken && !f->passing && !feed_put(f, span_of("\n", 1), f->sender))
		(void)next_line(f, now_ms);
	f->bytes.size = f->taken = 0;
	f->passing = false;
	if (f->out_count + 1 < FEED_OUT_MAX && nmea_joiner_flush(&f->joiner, &e))
		(void)!take_epoch(f, &e, now_ms);
	return give(f);
}

/* --- the registry --- */

void feed_job_run(struct feed *f)
{
	struct feed_job *j = &f->job;
	struct registry_change changes[sizeof j->fields];
	char principal[STATION_NAME_MAX + 16];
	size_t count = 0;
	for (size_t i = 0; i < j->count; i++)
		if (j->is_new || !is_said(f->registry, j, i))
			changes[count++] = (struct registry_change){j->fields[i], span_of_string(j->values[i])};
	snprintf(principal, sizeof principal, "station:%s", f->config->name);
	j->status = count ? registry_apply(f->registry, j->device, j->kind, changes, count, j->from_ms, principal, NULL)
			  : STATUS_OK;
}

void feed_job_done(struct feed *f)
{
	enum status status = f->job.status;
	if (!status)
		return;
	log_warn("stations", "%s: registry, device %016llx: %s", f->config->name, (unsigned long long)f->job.device,
		 status_text(status));
	if (!f->job.is_new || is_not_now(status)) /* a sender is made at another try, a note with the next message */
		return;
	station_count(f->stats, STATION_COUNT_REFUSED, 1);
	f->note_wanted = false;
	f->out_next++;
}
