/* stations_file.h -- which receivers are listened to, as a text people write.
 *
 *   # name    transport   address               how
 *   mast      tcp         10.1.0.5:4001
 *   bay       udp         239.192.0.4:60004     interface=10.1.0.1
 *   hall      tcp-listen  0.0.0.0:7001          codec=acme time=local unknown=allow
 *   boat7     tcp         10.1.0.9:10110        own=boat7
 *   archive   file        /var/ais/2026-01.log
 *   codec acme big lat=0:4:e6 lon=4:4:e6 speed=8:2:dkn course=10:2:deg
 *
 * transport  tcp: connect, and again when it is lost; tcp-listen: be connected to; udp: receive, a multicast address is
 *            joined; file: read once
 * how        interface=IP     UDP: the interface that joins the group
 *            own=NAME         positions in NMEA 0183 are those of the device NAME; without it they are the receiver's
 *                             own and are passed over
 *            codec=NAME       payloads of Beidou messages are read by the line `codec NAME ...` (ingest/marine/rdss.h)
 *            time=utc|local   times of day in Beidou sentences; default utc
 *            waa=from|to      the card of a WAA report; default from
 *            unknown=open|allow  senders the registry does not know: made as unregistered (default), or passed over
 *            rollover=keep|shift  dates 1,024 weeks early: flagged only (default), or moved
 * Names are letters, digits, '-', '_', '.', at most 31. Pure but for the file. */
#ifndef ZAYTON_INGEST_STATIONS_FILE_H
#define ZAYTON_INGEST_STATIONS_FILE_H

#include "engine/core/bytes.h"
#include "engine/core/status.h"
#include "ingest/marine/nmea.h"
#include "ingest/marine/rdss.h"

#define STATIONS_MAX 256
#define STATION_CODECS_MAX 32
#define STATION_NAME_MAX 31
#define STATION_ADDRESS_MAX 255
/* bytes of a file of stations: STATIONS_MAX lines of some 200 */
#define STATIONS_FILE_MAX (256u << 10)
/* bytes of what is wrong with it */
#define STATIONS_MISTAKES_MAX (64u << 10)

#define STATION_TRANSPORT_TABLE(X)                                                                                     \
	X(TCP, "tcp")                                                                                                  \
	X(TCP_LISTEN, "tcp-listen")                                                                                    \
	X(UDP, "udp")                                                                                                  \
	X(FILE, "file")

enum station_transport {
#define X(NAME, token) STATION_##NAME,
	STATION_TRANSPORT_TABLE(X)
#undef X
		STATION_TRANSPORT_COUNT
};
const char *station_transport_token(enum station_transport t);

struct station_config {
	char name[STATION_NAME_MAX + 1];
	enum station_transport transport;
	char host[STATION_ADDRESS_MAX + 1]; /* numeric IP; of a file its path */
	int port;
	char interface[46];             /* "": any */
	char own[STATION_NAME_MAX + 1]; /* "": none */
	int codec;                      /* index, -1: none */
	bool allow_only;
	struct rdss_options rdss;
	struct nmea_options nmea;
};

struct stations_config {
	size_t count, codec_count;
	struct station_config list[STATIONS_MAX];
	struct rdss_codec codecs[STATION_CODECS_MAX];
};

/* The whole text; every mistake is a line "NAME:LINE: what" in `mistakes`, English and Chinese, and then STATUS_INVALID
 * is returned: `*out` is not to be used. `name` stands before the line numbers. */
STATUS_CHECKED enum status stations_parse(const char *name, struct span text, struct stations_config *out,
					  struct buf *mistakes);
/* STATUS_NOT_FOUND, STATUS_IO, STATUS_TOO_LONG are told in `mistakes`, too. */
STATUS_CHECKED enum status stations_read(const char *path, struct stations_config *out, struct buf *mistakes);

#endif
