/* The gateway to boats against a station that listens on a port of its own, and over a pair of terminals. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/core/clock.h"
#include "ingest/marine/sentence.h"
#include "ingest/stations/boat_gateway.h"
#include "support/harbour.h"

static struct harbour_world world;
static struct boat_messages *queue;

static void begin(void)
{
	harbour_begin(&world);
	cr_assert_eq(boat_messages_open(engine_store(world.engine), &queue), STATUS_OK);
}

static void end(void)
{
	boat_messages_close(queue);
	harbour_end(&world);
}

TestSuite(boat_gateway, .init = begin, .fini = end, .timeout = 60);

static uint64_t add(const char *text)
{
	struct boat_message m;
	record_clear(&boat_message_kind, &m);
	m.card = 204567;
	m.expires_ms = clock_now_ms() + MS_PER_HOUR;
	strcpy(m.text, text);
	strcpy(m.who, "值班");
	cr_assert_eq(boat_messages_add(queue, &m, clock_now_ms()), STATUS_OK);
	return m.row.id;
}

static int listen_here(char address[64])
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t size = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	cr_assert(fd >= 0 && !bind(fd, (struct sockaddr *)&a, sizeof a) && !listen(fd, 1) &&
		  !getsockname(fd, (struct sockaddr *)&a, &size));
	snprintf(address, 64, "tcp:127.0.0.1:%u", ntohs(a.sin_port));
	return fd;
}

/* The next line that comes. */
static void read_line(int fd, char *out, size_t size)
{
	size_t at = 0;
	while (at + 1 < size && read(fd, out + at, 1) == 1 && out[at++] != '\n')
		;
	out[at] = '\0';
}

static void say(int fd, const char *body)
{
	struct buf out = buf_init(1024);
	cr_assert_eq(sentence_write('$', span_of_string(body), &out), STATUS_OK);
	cr_assert_eq(write(fd, out.data, out.size), (ssize_t)out.size);
	buf_deinit(&out);
}

/* Until the message stands so. */
static void await(uint64_t id, uint8_t state)
{
	struct boat_message m;
	do
		cr_assert_eq(boat_messages_get(queue, id, &m), STATUS_OK);
	while (m.state != state && !poll(NULL, 0, 5));
}

/* "回港#1" in GBK behind A4 */
#define SENTENCE "$CCTXA,0204567,1,2,A4BBD8B8DB2331*"

static void converse(int station, uint64_t id)
{
	char line[256];
	read_line(station, line, sizeof line);
	cr_assert_eq(strncmp(line, SENTENCE, strlen(SENTENCE)), 0, "%s", line);
	await(id, BOAT_MESSAGE_SENT);
	cr_assert_eq(write(station, "noise\r\n", 7), 7);
	say(station, "BDFKI,120000,TXA,Y,0,0");
	await(id, BOAT_MESSAGE_DELIVERED);
	say(station, "BDTXR,1,0204567,2,0401,A4CAD5B5BD2331"); /* 收到#1 */
	await(id, BOAT_MESSAGE_ACKNOWLEDGED);
}

Test(boat_gateway, words_go_out_and_answers_come_in_over_tcp)
{
	char address[64];
	int listener = listen_here(address);
	struct boat_gateway *g;
	uint64_t id = add("回港");
	cr_assert_eq(boat_gateway_new(address, queue, 60, &g), STATUS_OK);
	int station = accept(listener, NULL, NULL);
	cr_assert(station >= 0);
	converse(station, id);
	cr_expect_eq(boat_gateway_stats(g)->answers, 1);
	cr_expect_eq(boat_gateway_stats(g)->lines_refused, 1);
	boat_gateway_free(g);
	close(station);
	close(listener);
}

Test(boat_gateway, a_refusal_puts_the_message_back)
{
	char address[64], line[256];
	int listener = listen_here(address);
	struct boat_gateway *g;
	struct boat_message m;
	uint64_t id = add("回港");
	cr_assert_eq(boat_gateway_new(address, queue, 1, &g), STATUS_OK);
	int station = accept(listener, NULL, NULL);
	read_line(station, line, sizeof line);
	await(id, BOAT_MESSAGE_SENT);
	say(station, "BDFKI,120000,TXA,N,1,60");
	await(id, BOAT_MESSAGE_QUEUED);
	cr_assert_eq(boat_messages_get(queue, id, &m), STATUS_OK);
	cr_expect_str_eq(m.reason, "feedback 1");
	boat_gateway_free(g);
	close(station);
	close(listener);
}

Test(boat_gateway, a_serial_line_is_as_good)
{
	struct boat_gateway *g;
	char address[128];
	int station = posix_openpt(O_RDWR | O_NOCTTY);
	cr_assert(station >= 0 && !grantpt(station) && !unlockpt(station));
	snprintf(address, sizeof address, "tty:%s", ptsname(station));
	uint64_t id = add("回港");
	cr_assert_eq(boat_gateway_new(address, queue, 60, &g), STATUS_OK);
	converse(station, id);
	boat_gateway_free(g);
	close(station);
}

Test(boat_gateway, an_address_that_is_none_is_refused)
{
	static const char *const bad[] = {"",     "tcp:",           "tcp:127.0.0.1", "tcp:host:1", "tcp:127.0.0.1:0",
					  "tty:", "udp:127.0.0.1:9"};
	struct boat_gateway *g;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		cr_expect_eq(boat_gateway_new(bad[i], queue, 60, &g), STATUS_INVALID, "%s", bad[i]);
}
