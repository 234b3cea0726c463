/* marine_report.h -- what came at sea as canonical reports, and back to what came, bit for bit.
 *
 *   AIS packet ── ais_report ──> struct report ── ais_report_packet ──> the same bits
 *   sentences  ── text_report ─> struct report ── marine_original ────> the same text
 *
 * Reports are rows (REPORT_BODY_ROW); position, speed, course and time are columns, what cannot be told from them is in
 * items, each a column of its own in a block:
 *
 *   AIS   a0 5  type, repeat, MMSI (38 bits, two zero)          a1 2  bits, when not the layout's
 *         a2 n  all fields of up to 4 bits, one after another   a3 1  tenth of a degree of the course
 *         a4..a8  latitude 4, longitude 4, speed 2, course 2, second 1 as on the wire, where the columns cannot say
 * them a9 n  bits behind the layout                          c0 + f  any other field f of enum ais_field text  b0 n the
 * sentences, a run of n digits as byte 80 + n, "*hh CR LF" as byte 8a      b1 4  each run's number b2 n  a text that
 * cannot be written so, in pieces
 *
 * The repeat indicator is always 0 in a report: the same message heard directly and from a repeater is one report, and
 * ships send 0 (M.1371-5, annex 2, 3.3.8.2.1.1). See engine/decisions/marine_reports.md. Pure. */
#ifndef ZAYTON_INGEST_MARINE_REPORT_H
#define ZAYTON_INGEST_MARINE_REPORT_H

#include "engine/series/report.h"
#include "ingest/marine/ais.h"
#include "ingest/marine/nmea.h"
#include "ingest/marine/rdss.h"

/* bytes of the items of one report: an epoch of sentences, each run of digits as a number */
#define MARINE_ITEMS_MAX 8192

/* Messages that are no positions, kept as they came (struct intake, `message_id`): sentences with CR LF. The low byte
 * is the AIS type, or enum rdss_sentence. */
#define MARINE_MESSAGE_AIS 0xf000u
#define MARINE_MESSAGE_RDSS 0xf200u

/* Whether reports are made of this type. */
bool ais_is_position(uint8_t type);
/* When it was sent: `anchor_ms` (tag block, tail, or receipt) moved to the nearest instant with its second; types 4 and
 * 11 say all of it, which holds within ten minutes of the anchor. */
int64_t ais_event_time(const struct ais_message *m, int64_t anchor_ms);

/* `*out` is sealed but for received_ms and arrival flags; its items lie in `items` (cleared first).
 * STATUS_UNSUPPORTED  no position report; STATUS_FULL, STATUS_NO_MEMORY. */
STATUS_CHECKED enum status ais_report(const struct ais_packet *packet, const struct ais_message *m, int64_t time_ms,
				      struct buf *items, struct report *out);
/* The packet a report was made of. STATUS_NOT_FOUND  it was made of none; STATUS_CORRUPT. */
STATUS_CHECKED enum status ais_report_packet(const struct report *r, struct ais_packet *out);

/* An epoch of NMEA 0183. A fix that is guessed, or none, is a report without a fix. */
STATUS_CHECKED enum status nmea_report(const struct nmea_epoch *e, int64_t time_ms, struct buf *items,
				       struct report *out);
/* A position of a Beidou sentence `text` (with CR LF; empty: only the fields are kept). */
STATUS_CHECKED enum status rdss_report(const struct rdss_point *p, int32_t altitude_dm, struct span text,
				       int64_t time_ms, struct buf *items, struct report *out);

/* Append the sentences a report was made of, with CR LF: for AIS as its radio message is written when a receiver is
 * not named (talker AI, channel A). STATUS_NOT_FOUND  made of none; STATUS_CORRUPT; STATUS_FULL, STATUS_NO_MEMORY. */
STATUS_CHECKED enum status marine_original(const struct report *r, struct buf *out);

/* 0.1 knot as 0.1 km/h, rounded (1 knot is 1.852 km/h): different knots stay different. */
static inline uint16_t dkmh_of_dkn(uint16_t dkn)
{
	return (uint16_t)(((uint32_t)dkn * 1852 + 500) / 1000);
}
static inline uint16_t dkn_of_dkmh(uint16_t dkmh)
{
	return (uint16_t)(((uint32_t)dkmh * 1000 + 926) / 1852);
}

#endif
