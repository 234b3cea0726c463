/* sites_file.h -- who may send values, and which site and quantity it is.
 *
 *   # listeners:  NAME   gb26875|hj212|sl651   IP:PORT   [unknown=refuse|keep] [idle=10m] [centre=1]
 *   fire    gb26875   0.0.0.0:5200
 *   water   hj212     0.0.0.0:5201   unknown=keep
 *
 *   # what may send to a listener:  device LISTENER KEY SITE [pw=..] [test=bit|never]
 *   device  fire    4886718345                 HOSPITAL-1
 *   device  water   010000A8900016F000169DC0   OUTFALL-3   pw=100000
 *
 *   # another name for what a protocol calls a quantity, at all sites of a listener:  quantity LISTENER FROM TO
 * [unit=..] quantity water  w01018  cod  unit=mg/L
 *
 *   # brokers and topics of MQTT
 *   broker  iot  127.0.0.1:8883  [unknown=refuse|keep]  client=zayton-1  user=zayton  password-file=/etc/zayton/iot.pw
 * ca=/etc/zayton/ca.pem topic   iot  tele/+/charger  {2}  time=$.ts  power=$.p  temperature=$.t.case
 *
 * KEY: gb26875 the source address as a decimal number, hj212 MN, sl651 the ten hex digits of the station. `pw` is PW of
 * hj212, four hex digits for sl651; without it none is asked for. `test=never`: bit 0 of a state, which devices leave
 * clear though nobody tests, is not looked at.
 *
 * SITE of a topic: text with {N} for the N-th level of the topic, from 1, and {$.path} for what the payload says.
 * `time=receipt` takes the instant of arrival, otherwise a path: a number (seconds below 10^11, then milliseconds) or
 * RFC 3339 (without a zone in UTC+8). `each=PATH`: an array whose elements are read one by one. QUANTITY=PATH: numbers,
 * booleans (0 and 1) and texts; `*=PATH`: every member of an object under its own name.
 * Paths: $ .name [3], at most SITES_PATH_STEPS of them.
 *
 * Comments (#) and blank lines are passed over. Immutable once read; any thread. */
#ifndef ZAYTON_INGEST_SITES_FILE_H
#define ZAYTON_INGEST_SITES_FILE_H

#include "engine/fleet/streams.h"

#define SITES_FILE_MAX (4u << 20)
#define SITES_MISTAKES_MAX (64u << 10)
#define SITES_LISTENERS_MAX 32
#define SITES_DEVICES_MAX 50000
#define SITES_QUANTITIES_MAX 1000
#define SITES_BROKERS_MAX 16
#define SITES_TOPICS_MAX 1000
#define SITES_FIELDS_MAX 64 /* of a topic */
#define SITES_PATH_STEPS 8
#define SITES_NAME_MAX 31
#define SITES_TEXT_MAX 255
/* bytes of what a device is known by, and of its password */
#define SITE_KEY_MAX 31
#define SITE_PASSWORD_MAX 31
#define SITE_UNIT_MAX 15
#define SITE_IDLE_DEFAULT_MS (INT64_C(10) * 60000)

#define SITE_PROTOCOL_TABLE(X)                                                                                         \
	X(GB26875, "gb26875")                                                                                          \
	X(HJ212, "hj212")                                                                                              \
	X(SL651, "sl651")

enum site_protocol {
#define X(NAME, token) SITE_##NAME,
	SITE_PROTOCOL_TABLE(X)
#undef X
		SITE_PROTOCOL_COUNT
};
const char *site_protocol_token(enum site_protocol p);

struct site_listener_config {
	char name[SITES_NAME_MAX + 1];
	char host[SITES_NAME_MAX * 2];
	int port;
	enum site_protocol protocol;
	bool keep_unknown; /* values of devices that are not listed are kept, their sites marked as not registered */
	bool has_centre;
	uint8_t centre; /* of sl651: frames to another one are refused */
	int64_t idle_ms;
};

struct site_device {
	uint16_t listener;
	char key[SITE_KEY_MAX + 1];
	char site[SITE_MAX + 1];
	char password[SITE_PASSWORD_MAX + 1]; /* "": none is asked for */
	bool test_ignored;
	unsigned line;
};

struct site_quantity {
	uint16_t listener;
	char from[QUANTITY_MAX + 1], to[QUANTITY_MAX + 1];
	char unit[SITE_UNIT_MAX + 1];
};

struct json_step {
	bool is_index;
	uint32_t index;
	char name[64];
};
struct json_path {
	size_t count;
	struct json_step steps[SITES_PATH_STEPS];
};

struct broker_config {
	char name[SITES_NAME_MAX + 1];
	char host[SITES_TEXT_MAX + 1]; /* a name or an address */
	int port;
	char client[SITES_NAME_MAX + 1], user[64], password_file[SITES_TEXT_MAX + 1];
	char ca[SITES_TEXT_MAX + 1], cert[SITES_TEXT_MAX + 1], key[SITES_TEXT_MAX + 1]; /* ca: speak TLS */
	unsigned keepalive_s;
	bool keep_unknown; /* sites that a topic or message names need not be registered; they are marked as such */
};

struct topic_field {
	char quantity[QUANTITY_MAX + 1]; /* "*": every member */
	struct json_path path;
};
struct topic_config {
	uint16_t broker;
	char filter[SITES_TEXT_MAX + 1];
	char site[SITE_MAX + 1]; /* with {...} */
	bool time_is_receipt, has_each;
	struct json_path time, each;
	size_t field_count;
	struct topic_field *fields;
};

struct sites_config {
	size_t listener_count, device_count, quantity_count, broker_count, topic_count;
	struct site_listener_config listeners[SITES_LISTENERS_MAX];
	struct site_device *devices; /* by listener and key */
	struct site_quantity *quantities;
	struct broker_config brokers[SITES_BROKERS_MAX];
	struct topic_config *topics; /* in order of the file: the first match counts */
};

/* The whole text; every mistake is a line "NAME:LINE: what" in `mistakes`, English and Chinese, and then STATUS_INVALID
 * is returned. `*out` is the caller's to sites_config_free() only after STATUS_OK. */
STATUS_CHECKED enum status sites_parse(const char *name, struct span text, struct sites_config **out,
				       struct buf *mistakes);
/* STATUS_NOT_FOUND, STATUS_IO, STATUS_TOO_LONG are told in `mistakes`, too. */
STATUS_CHECKED enum status sites_read(const char *path, struct sites_config **out, struct buf *mistakes);
/* NULL is allowed. */
void sites_config_free(struct sites_config *c);

/* NULL: not listed. */
const struct site_device *sites_device(const struct sites_config *c, unsigned listener, struct span key);
/* What the file says of a quantity at a listener; NULL: nothing. */
const struct site_quantity *sites_quantity(const struct sites_config *c, unsigned listener, struct span from);
/* Whether a topic matches a filter of MQTT (+ one level, # the rest). */
bool topic_matches(const char *filter, const char *topic);
/* STATUS_MALFORMED, STATUS_TOO_LONG. */
STATUS_CHECKED enum status json_path_parse(struct span text, struct json_path *out);

#endif
