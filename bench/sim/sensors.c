#include "bench/sim/sensors.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <jansson.h>
#include <mosquitto.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/sim/api.h"
#include "bench/sim/http_get.h"
#include "engine/core/clock.h"
#include "ingest/sensors/gb26875.h"
#include "ingest/sensors/hj212.h"
#include "ingest/sensors/sl651.h"

enum { FIRE, WATER, RAIN };
static const char *const listeners[3] = {"fire", "water", "rain"};

#define MN "350583SIMULATED000000001"
#define PASSWORD "123456"
#define SOURCE UINT64_C(350583000000)
#define WAIT_MS 20000
/* minutes of the local day */
#define STORM_FROM 540
#define STORM_MINUTES 180
#define ALARM_FROM 612
#define ALARM_MINUTES 4
#define FAULT_FROM 690
#define FAULT_MINUTES 25
#define TEST_FROM 480
#define TEST_MINUTES 6
#define LEAK_FROM 560
#define LEAK_MINUTES 40
#define TURBID_FROM 600
#define TURBID_MINUTES 50
#define CALIBRATION_FROM 430
#define CALIBRATION_MINUTES 10
#define WEIGHED_TRUCKS 6
#define WEIGHING_EVERY 7

static int within(int minute, int from, int minutes)
{
	return minute >= from && minute < from + minutes;
}

/* SplitMix64 (Vigna 2015) of seed, sensor and minute: 0 .. range - 1. */
static unsigned noise(const struct sensors *s, unsigned sensor, int64_t ms, unsigned range)
{
	uint64_t z =
		s->seed * UINT64_C(0x9e3779b97f4a7c15) + sensor * UINT64_C(0xbf58476d1ce4e5b9) + (uint64_t)(ms / 60000);
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (unsigned)((z ^ z >> 31) % range);
}

static int minute_of_day(int64_t ms)
{
	return (int)((ms + CHINA_OFFSET_MS) % MS_PER_DAY / MS_PER_MINUTE);
}

/* Rain of a minute, 0.1 mm: the storm brings some 80 mm in three hours. */
static unsigned rain_of(const struct sensors *s, unsigned station, int64_t ms)
{
	return within(minute_of_day(ms), STORM_FROM, STORM_MINUTES) ? 3 + noise(s, 20 + station, ms, 4) : 0;
}

/* --- sockets --- */

static int dial(int port)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

static bool send_all(int fd, struct span bytes)
{
	for (size_t at = 0; at < bytes.size;) {
		ssize_t n = send(fd, bytes.data + at, bytes.size - at, MSG_NOSIGNAL);
		if (n <= 0)
			return false;
		at += (size_t)n;
	}
	return true;
}

/* What has come by then, up to `size`; 0: nothing, or the end. */
static size_t hear(int fd, uint8_t *out, size_t size)
{
	struct pollfd p = {fd, POLLIN, 0};
	ssize_t n = poll(&p, 1, WAIT_MS) == 1 ? recv(fd, out, size, 0) : 0;
	return n > 0 ? (size_t)n : 0;
}

/* One whole answer; `good` says whether it confirms. */
static bool hear_answer(int fd, enum status (*next)(struct span, struct marked_frame *), bool (*good)(struct span raw))
{
	uint8_t bytes[2048];
	struct marked_frame frame;
	for (size_t size = 0; size < sizeof bytes;) {
		size_t n = hear(fd, bytes + size, sizeof bytes - size);
		if (!n)
			return false;
		size += n;
		if (next(span_of(bytes, size), &frame) == STATUS_OK)
			return good(frame.raw);
	}
	return false;
}

static bool confirms_fire(struct span raw)
{
	struct gb26875_message m;
	return gb26875_decode(raw, &m) == STATUS_OK && m.command == GB26875_CONFIRM;
}
static bool confirms_water(struct span raw)
{
	struct hj212_message m;
	return hj212_decode(raw, &m) == STATUS_OK && m.cn == HJ212_DATA_ANSWER;
}
static bool confirms_rain(struct span raw)
{
	struct sl651_message m;
	return sl651_decode(raw, &m) == STATUS_OK && m.down && m.end == SL651_ESC;
}

/* Send until it is confirmed: a connection that is lost is made again. False: asked to stop, or the server is gone. */
static bool say(struct sensors *s, unsigned which, struct span wire)
{
	static const struct {
		enum status (*next)(struct span, struct marked_frame *);
		bool (*good)(struct span raw);
	} protocols[3] = {{gb26875_frame_next, confirms_fire},
			  {hj212_frame_next, confirms_water},
			  {sl651_frame_next, confirms_rain}};
	for (int tries = 0; tries < 5 && !atomic_load(&s->stop); tries++) {
		atomic_fetch_add(&s->frames, s->fds[which] >= 0);
		if (s->fds[which] >= 0 && send_all(s->fds[which], wire) &&
		    hear_answer(s->fds[which], protocols[which].next, protocols[which].good)) {
			atomic_fetch_add(&s->confirmed, 1);
			return true;
		}
		if (s->fds[which] >= 0)
			close(s->fds[which]);
		s->fds[which] = dial(s->ports[which]);
	}
	return false;
}

/* --- fire monitors --- */

static void put_fire_time(uint8_t out[6], int64_t ms)
{
	struct civil c;
	civil_from_ms(ms + CHINA_OFFSET_MS, &c);
	const uint8_t bytes[6] = {c.second, c.minute, c.hour, c.day, c.month, (uint8_t)(c.year - 2000)};
	memcpy(out, bytes, sizeof bytes);
}

static bool say_fire(struct sensors *s, unsigned monitor, int64_t ms, struct span app)
{
	struct buf wire = buf_init(GB26875_FRAME_MAX);
	struct gb26875_message m = {.serial = (uint16_t)(ms / MS_PER_MINUTE),
				    .version_main = 1,
				    .source = SOURCE + monitor,
				    .command = GB26875_SEND,
				    .app = app};
	m.time.ms = ms;
	bool good = !gb26875_encode(&m, &wire) && say(s, FIRE, buf_view(&wire));
	buf_deinit(&wire);
	return good;
}

/* Temperature (0.1 degrees) and residual current (0.1 A of analog type 9) of one electrical-fire monitor. */
static bool say_measures(struct sensors *s, unsigned monitor, int64_t ms)
{
	bool leaks = monitor == 1 && within(minute_of_day(ms), LEAK_FROM, LEAK_MINUTES);
	uint8_t app[2 + 2 * 16] = {3, 2, 1, 1, 18, 1, 0, 0, 0, 3};
	const uint8_t second[8] = {1, 1, 17, 2, 0, 0, 0, 9};
	store_le16(app + 10, (uint16_t)(350 + noise(s, monitor, ms, 60)));
	put_fire_time(app + 12, ms);
	memcpy(app + 18, second, sizeof second);
	store_le16(app + 26, (uint16_t)(leaks ? 6 : noise(s, 10 + monitor, ms, 2)));
	put_fire_time(app + 28, ms);
	return say_fire(s, monitor, ms, span_of(app, sizeof app));
}

static uint16_t state_of(unsigned monitor, int minute)
{
	if (monitor == 0 && within(minute, TEST_FROM, TEST_MINUTES))
		return GB26875_STATE_FIRE; /* bit 0 clear: a test */
	uint16_t state = GB26875_STATE_NORMAL;
	if (monitor == 0 && within(minute, ALARM_FROM, ALARM_MINUTES))
		state |= GB26875_STATE_FIRE;
	if (monitor == 2 && within(minute, FAULT_FROM, FAULT_MINUTES))
		state |= GB26875_STATE_FAULT;
	return state;
}

static bool say_state(struct sensors *s, unsigned monitor, int64_t ms)
{
	uint8_t app[12] = {1, 1, 1, 1};
	store_le16(app + 4, state_of(monitor, minute_of_day(ms)));
	put_fire_time(app + 6, ms);
	return say_fire(s, monitor, ms, span_of(app, sizeof app));
}

/* --- water and rain --- */

static bool say_water(struct sensors *s, int64_t ms)
{
	struct civil c;
	struct buf segment = buf_init(HJ212_SEGMENT_MAX), wire = buf_init(HJ212_FRAME_MAX);
	int minute = minute_of_day(ms);
	bool turbid = within(minute, TURBID_FROM, TURBID_MINUTES);
	bool calibrated = within(minute, CALIBRATION_FROM, CALIBRATION_MINUTES);
	unsigned turbidity = (turbid ? 160 : calibrated ? 900 : 30) + noise(s, 30, ms, 20);
	char when[32];
	civil_from_ms(ms + CHINA_OFFSET_MS, &c);
	snprintf(when, sizeof when, "%04d%02u%02u%02u%02u%02u", c.year, c.month, c.day, c.hour, c.minute, c.second);
	enum status status = buf_printf(&segment,
					"QN=%s000;ST=21;CN=2011;PW=" PASSWORD ";MN=" MN
					";Flag=5;CP=&&DataTime=%s;w01003-Rtd=%u.%02u,"
					"w01003-Flag=%c;w01001-Rtd=7.%u,w01001-Flag=N;w01018-Rtd=%u.%u,w01018-Flag=N&&",
					when, when, turbidity / 100, turbidity % 100, calibrated ? 'C' : 'N',
					noise(s, 31, ms, 9), 12 + noise(s, 32, ms, 6), noise(s, 33, ms, 10));
	bool good = !status && !hj212_frame_encode(buf_view(&segment), &wire) && say(s, WATER, buf_view(&wire));
	buf_deinit(&segment);
	buf_deinit(&wire);
	return good;
}

static void put_bcd(uint8_t *out, size_t size, unsigned value)
{
	for (; size; value /= 100)
		out[--size] = (uint8_t)(value / 10 % 10 << 4 | value % 10);
}

static bool say_rain(struct sensors *s, unsigned station, int64_t ms)
{
	uint8_t body[64], time[6];
	unsigned total = 0, level_mm = 2000 + noise(s, 40 + station, ms, 30);
	int64_t midnight = ms - (ms + CHINA_OFFSET_MS) % MS_PER_DAY;
	struct sl651_message m = {.centre = 1,
				  .station = {0, 0x35, 0x05, 0x83, (uint8_t)station},
				  .password = 0x1234,
				  .function = 0x32,
				  .start = SL651_STX,
				  .end = SL651_ETX};
	struct buf wire = buf_init(SL651_FRAME_MAX);
	for (int64_t at = midnight; at <= ms; at += MS_PER_MINUTE)
		total += rain_of(s, station, at);
	level_mm += total * 2;
	if (bcd_time_encode(ms, time))
		return false;
	store_be16(body, (uint16_t)(ms / MS_PER_MINUTE));
	memcpy(body + 2, time, 6);
	const uint8_t head[8] = {0xf1, 0xf1, 0, 0x35, 0x05, 0x83, (uint8_t)station, 'H'};
	memcpy(body + 8, head, sizeof head);
	const uint8_t observed[2] = {0xf0, 0xf0};
	memcpy(body + 16, observed, 2);
	memcpy(body + 18, time, 5);
	/* 20: rain now, 26: of the day, 39: level; three, three and four bytes with 1, 1 and 3 decimals */
	body[23] = 0x20, body[24] = 0x19;
	put_bcd(body + 25, 3, rain_of(s, station, ms));
	body[28] = 0x26, body[29] = 0x19;
	put_bcd(body + 30, 3, total);
	body[33] = 0x39, body[34] = 0x23;
	put_bcd(body + 35, 4, level_mm);
	m.body = span_of(body, 39);
	bool good = !sl651_encode(&m, &wire) && say(s, RAIN, buf_view(&wire));
	buf_deinit(&wire);
	return good;
}

/* --- line protocol and MQTT --- */

static bool say_line(struct sensors *s, int64_t ms)
{
	char lines[256], request[512], answer[512];
	bool storm = within(minute_of_day(ms), STORM_FROM, STORM_MINUTES);
	int size = snprintf(lines, sizeof lines, "weather,site=SIM.MAST wind=%u.%u,temperature=%u.%u %" PRId64 "\n",
			    (storm ? 14 : 3) + noise(s, 50, ms, 5), noise(s, 51, ms, 10), 24 + noise(s, 52, ms, 4),
			    noise(s, 53, ms, 10), ms);
	int n = snprintf(request, sizeof request,
			 "POST /write?precision=ms HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n%s", size,
			 lines);
	for (int tries = 0; tries < 5 && !atomic_load(&s->stop); tries++) {
		atomic_fetch_add(&s->frames, s->http_fd >= 0);
		if (s->http_fd >= 0 && send_all(s->http_fd, span_of(request, (size_t)n)) &&
		    hear(s->http_fd, (uint8_t *)answer, sizeof answer) > 12 && strncmp(answer + 9, "204", 3) == 0) {
			atomic_fetch_add(&s->confirmed, 1);
			return true;
		}
		if (s->http_fd >= 0)
			close(s->http_fd);
		s->http_fd = dial(s->http);
	}
	return false;
}

/* A truck at the quarry's scale every seven minutes; of truck 0 each is overloaded, of the others none. */
static bool say_weighing(struct sensors *s, int64_t ms)
{
	char record[512], request[1024], answer[1024];
	unsigned truck = noise(s, 70, ms, WEIGHED_TRUCKS), gross_kg = (truck ? 26000 : 36000) + noise(s, 71, ms, 4000);
	if (ms / MS_PER_MINUTE % WEIGHING_EVERY)
		return true;
	int size = snprintf(record, sizeof record,
			    "{\"site\":\"SIM.SCALE\",\"ticket\":\"%" PRId64 "\",\"time\":%" PRId64
			    ",\"plate\":\"2:闽CSIM%02u\",\"axles\":4,\"gross_kg\":%u,\"tare_kg\":13000,\"driver\":"
			    "\"模拟驾驶员%u\",\"haulier\":\"模拟运输公司\",\"goods\":\"砂石\"}",
			    ms, ms, truck, gross_kg, truck);
	int n = snprintf(request, sizeof request,
			 "POST /api/v1/weighings HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
			 "Connection: close\r\nContent-Length: %d\r\n\r\n%s",
			 size, record);
	for (int tries = 0; tries < 5 && !atomic_load(&s->stop); tries++) {
		int fd = dial(s->http);
		atomic_fetch_add(&s->frames, fd >= 0);
		bool taken = fd >= 0 && send_all(fd, span_of(request, (size_t)n)) &&
			     hear(fd, (uint8_t *)answer, sizeof answer) > 12 && strncmp(answer + 9, "200", 3) == 0;
		if (fd >= 0)
			close(fd);
		if (!taken)
			continue;
		atomic_fetch_add(&s->confirmed, 1);
		s->weighings++;
		s->overloads += truck == 0;
		return true;
	}
	return false;
}

/* Handed to libmosquitto, which sends again what the broker has not confirmed. */
static bool say_charger(struct sensors *s, int64_t ms)
{
	char text[128];
	int n = snprintf(text, sizeof text, "{\"ts\":%" PRId64 ",\"p\":%u,\"t\":{\"case\":%u.5}}", ms,
			 noise(s, 60, ms, 3300), 30 + noise(s, 61, ms, 15));
	return !s->publisher ||
	       mosquitto_publish(s->publisher, NULL, "tele/SIM.CHARGER/charger", n, text, 1, false) == MOSQ_ERR_SUCCESS;
}

static int begin_publisher(struct sensors *s)
{
	char host[256];
	const char *colon = strrchr(s->broker, ':');
	if (!colon || (size_t)(colon - s->broker) >= sizeof host)
		return -1;
	snprintf(host, sizeof host, "%.*s", (int)(colon - s->broker), s->broker);
	mosquitto_lib_init();
	s->publisher = mosquitto_new(NULL, true, NULL);
	if (!s->publisher || mosquitto_max_inflight_messages_set(s->publisher, 0) ||
	    mosquitto_connect(s->publisher, host, atoi(colon + 1), 60) || mosquitto_loop_start(s->publisher))
		return -1;
	return 0;
}

/* --- truth --- */

enum { TRUTH_FIRE_0, TRUTH_FIRE_1, TRUTH_WATER, TRUTH_RAIN, TRUTH_SITES = TRUTH_RAIN + SENSOR_RAINS };

int sensors_register(struct scene *scene, int http)
{
	static const char *const keys[TRUTH_RAIN] = {"FIRE-0", "FIRE-1", "WATER"};
	static const struct scene_field supply = {.name = "sector", .value = "供水"};
	for (unsigned i = 0; i < TRUTH_SITES; i++) {
		struct scene_site *site = &scene->sites[scene->site_count++];
		if (i < TRUTH_RAIN)
			snprintf(site->key, sizeof site->key, "%s", keys[i]);
		else
			snprintf(site->key, sizeof site->key, "RAIN-%u", i - TRUTH_RAIN);
		if (i == TRUTH_WATER)
			site->fields[site->field_count++] = supply;
		if (api_put_site(http, scene, site))
			return -1;
	}
	return 0;
}

/* Found from `from` on for so many minutes of the day, once it has lasted `hold` minutes. */
static void day_truth(const struct sensors *s, struct scene *out, const char *rule, unsigned site, int64_t day_ms,
		      int from, int minutes, int hold)
{
	struct scene_truth t = {.sites = 1u << site, .from_ms = day_ms + from * MS_PER_MINUTE, .tolerance_ms = 1000};
	t.to_ms = t.from_ms + minutes * MS_PER_MINUTE;
	if (t.to_ms > s->done_ms)
		t.to_ms = s->done_ms;
	if (t.from_ms < s->begin_ms || t.to_ms < t.from_ms + hold * MS_PER_MINUTE)
		return;
	snprintf(t.rule, sizeof t.rule, "%s", rule);
	scene_add_truth(out, &t);
}

/* Whenever the rain of `hours` is at least `limit_dmm`, minute by minute. */
static void rain_truth(const struct sensors *s, struct scene *out, const char *rule, unsigned station, int hours,
		       unsigned limit_dmm)
{
	struct scene_truth t = {.sites = 1u << (TRUTH_RAIN + station), .tolerance_ms = 5 * MS_PER_MINUTE};
	unsigned sum = 0;
	bool over = false;
	snprintf(t.rule, sizeof t.rule, "%s", rule);
	for (int64_t ms = s->begin_ms; ms <= s->done_ms; ms += MS_PER_MINUTE) {
		int64_t gone_ms = ms - hours * MS_PER_HOUR;
		sum += rain_of(s, station, ms) - (gone_ms >= s->begin_ms ? rain_of(s, station, gone_ms) : 0);
		if (sum >= limit_dmm && !over)
			t.from_ms = ms;
		if (over && sum < limit_dmm)
			scene_add_truth(out, &t);
		over = sum >= limit_dmm;
		if (over)
			t.to_ms = ms;
	}
	if (over)
		scene_add_truth(out, &t);
}

void sensors_truth(const struct sensors *s, struct scene *out)
{
	static const struct {
		const char *rule;
		int hours;
		unsigned limit_dmm;
	} rains[] = {{"rain-hour", 1, 200},   {"rain-orange", 3, 500}, {"rain-red", 3, 1000},
		     {"rain-yellow", 6, 500}, {"rain-blue", 12, 500},  {"rain-day", 24, 500}};
	for (int64_t day_ms = s->begin_ms - (s->begin_ms + CHINA_OFFSET_MS) % MS_PER_DAY; day_ms <= s->done_ms;
	     day_ms += MS_PER_DAY) {
		day_truth(s, out, "fire-test", TRUTH_FIRE_0, day_ms, TEST_FROM, TEST_MINUTES, 0);
		day_truth(s, out, "fire-alarm", TRUTH_FIRE_0, day_ms, ALARM_FROM, ALARM_MINUTES, 0);
		day_truth(s, out, "fire-electric-current-a", TRUTH_FIRE_1, day_ms, LEAK_FROM, LEAK_MINUTES - 1, 1);
		day_truth(s, out, "water-turbidity", TRUTH_WATER, day_ms, TURBID_FROM, TURBID_MINUTES - 1, 10);
	}
	for (unsigned station = 0; station < SENSOR_RAINS; station++)
		for (size_t i = 0; i < sizeof rains / sizeof *rains; i++)
			rain_truth(s, out, rains[i].rule, station, rains[i].hours, rains[i].limit_dmm);
}

/* --- the day --- */

static bool say_minute(struct sensors *s, int64_t ms)
{
	bool good = say_water(s, ms) && say_line(s, ms) && say_charger(s, ms) && say_weighing(s, ms);
	for (unsigned i = 0; i < SENSOR_FIRES && good; i++) {
		bool changed = state_of(i, minute_of_day(ms)) != state_of(i, minute_of_day(ms - MS_PER_MINUTE));
		good = say_measures(s, i, ms) && ((!changed && ms != s->begin_ms) || say_state(s, i, ms));
	}
	for (unsigned i = 0; i < SENSOR_RAINS && good; i++)
		good = say_rain(s, i, ms);
	return good;
}

static void *run(void *context)
{
	struct sensors *s = context;
	for (int64_t ms = s->begin_ms; !atomic_load(&s->stop); ms += MS_PER_MINUTE) {
		while (ms > clock_now_ms() && !atomic_load(&s->stop))
			usleep(50000);
		if (!say_minute(s, ms))
			break;
		s->done_ms = ms;
	}
	return NULL;
}

/* --- life --- */

int sensors_write_file(const char *data, const char *broker)
{
	char path[4096];
	snprintf(path, sizeof path, "%s.sites", data);
	FILE *f = fopen(path, "w");
	if (!f)
		return -1;
	fprintf(f, "fire gb26875 127.0.0.1:0\nwater hj212 127.0.0.1:0\nrain sl651 127.0.0.1:0\n");
	for (unsigned i = 0; i < SENSOR_FIRES; i++)
		fprintf(f, "device fire %llu SIM.FIRE-%u\n", (unsigned long long)(SOURCE + i), i);
	fprintf(f, "device water " MN " SIM.WATER pw=" PASSWORD "\n");
	for (unsigned i = 0; i < SENSOR_RAINS; i++)
		fprintf(f, "device rain 00350583%02x SIM.RAIN-%u pw=1234\n", i, i);
	if (broker)
		fprintf(f,
			"broker demo %s client=zayton-demo unknown=keep\n"
			"topic demo tele/+/charger {2} time=$.ts power=$.p temperature=$.t.case\n",
			broker);
	return fclose(f);
}

struct whole_answer {
	char *text;
	size_t size;
};

static void take_line(void *context, char *line, size_t size)
{
	struct whole_answer *a = context;
	char *more = realloc(a->text, a->size + size + 1);
	if (!more)
		return;
	memcpy(more + a->size, line, size);
	more[a->size += size] = '\0';
	a->text = more;
}

static int find_ports(struct sensors *s)
{
	struct whole_answer a = {NULL, 0};
	int code, found = 0;
	json_t *all = NULL, *one;
	size_t i;
	if (!http_get(s->http, "/api/v1/gateways", &code, take_line, &a) && a.text)
		all = json_loads(a.text, 0, NULL);
	json_array_foreach(json_object_get(all, "listeners"), i, one)
	{
		const char *name = json_string_value(json_object_get(one, "name"));
		for (unsigned k = 0; k < 3; k++)
			if (name && strcmp(name, listeners[k]) == 0) {
				s->ports[k] = (int)json_integer_value(json_object_get(one, "port"));
				found++;
			}
	}
	json_decref(all);
	free(a.text);
	return found == 3 ? 0 : -1;
}

int sensors_begin(struct sensors *s, int http, int64_t begin_ms, uint64_t seed, const char *broker)
{
	*s = (struct sensors){.http = http,
			      .fds = {-1, -1, -1},
			      .http_fd = -1,
			      .broker = broker,
			      .seed = seed,
			      .begin_ms = begin_ms - begin_ms % MS_PER_MINUTE};
	s->done_ms = s->begin_ms - MS_PER_MINUTE;
	if (find_ports(s) || (broker && begin_publisher(s))) {
		printf("without sensors 无传感器\n");
		return -1;
	}
	s->running = pthread_create(&s->thread, NULL, run, s) == 0;
	return s->running ? 0 : -1;
}

static void count_line(void *context, char *line, size_t size)
{
	(void)line, (void)size;
	++*(unsigned long *)context;
}

/* Minutes up to `done_ms` are there once each. */
static int ask_back(const struct sensors *s, const char *stream)
{
	char path[512];
	unsigned long rows = 0, wanted = (unsigned long)((s->done_ms - s->begin_ms) / MS_PER_MINUTE + 1);
	int code = 0;
	snprintf(path, sizeof path,
		 "/api/v1/series?stream=%s&from=%" PRId64 "&to=%" PRId64 "&corrections=1&format=ndjson", stream,
		 s->begin_ms, s->done_ms);
	if (!wanted || (!http_get(s->http, path, &code, count_line, &rows) && rows == wanted))
		return 0;
	printf("sensors 传感器: %s: %lu of %lu values (%d)\n", stream, rows, wanted, code);
	return 1;
}

/* The overloads of truck 0. */
static int ask_overloads(const struct sensors *s)
{
	struct whole_answer a = {NULL, 0};
	char path[128];
	int code;
	snprintf(path, sizeof path, "/api/v1/weighings/overloads?as_of=%" PRId64, clock_now_ms());
	json_t *all = !http_get(s->http, path, &code, take_line, &a) && a.text ? json_loads(a.text, 0, NULL) : NULL;
	long long weighings = json_integer_value(json_object_get(all, "weighings"));
	long long overloads = json_integer_value(json_object_get(all, "overloads"));
	/* an earlier demo of this store has its own */
	int result = weighings < (long long)s->weighings || overloads < (long long)s->overloads;
	printf("weighings 称重: sent 发送 %lu, overloaded 超限 %lu, stored 已入库 %lld, %lld\n", s->weighings,
	       s->overloads, weighings, overloads);
	json_decref(all);
	free(a.text);
	return result;
}

int sensors_end(struct sensors *s)
{
	static const char *const streams[] = {"SIM.FIRE-0/part.1.1.18.1.temperature",
					      "SIM.FIRE-3/part.1.1.17.2.current",
					      "SIM.WATER/w01003",
					      "SIM.RAIN-0/rain_now",
					      "SIM.RAIN-1/river_level",
					      "SIM.MAST/weather.wind"};
	int result = 0;
	atomic_store(&s->stop, true);
	if (s->running)
		pthread_join(s->thread, NULL);
	for (size_t i = 0; s->running && i < sizeof streams / sizeof *streams; i++)
		result |= ask_back(s, streams[i]);
	if (s->running)
		result |= ask_overloads(s);
	if (s->running)
		printf("sensors 传感器: frames 发送 %lu, confirmed 已确认 %lu, %s\n", s->frames, s->confirmed,
		       result ? "not all there 有缺失" : "all there 全部在库");
	for (unsigned i = 0; i < 3; i++)
		if (s->fds[i] >= 0)
			close(s->fds[i]);
	if (s->http_fd >= 0)
		close(s->http_fd);
	if (s->publisher) {
		mosquitto_disconnect(s->publisher);
		mosquitto_loop_stop(s->publisher, false);
		mosquitto_destroy(s->publisher);
	}
	return result;
}
