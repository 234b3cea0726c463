#include "tests/e2e/rig.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/series/report.h"

extern char **environ;

/* --- programs --- */

static char *read_back(FILE *f)
{
	fseek(f, 0, SEEK_END);
	long size = ftell(f);
	char *text = calloc(1, (size_t)size + 1);
	rewind(f);
	cr_assert_eq(fread(text, 1, (size_t)size, f), (size_t)size);
	fclose(f);
	return text;
}

static char **environment_with(const char *const *extra)
{
	size_t count = 0, more = 0;
	while (environ[count])
		count++;
	while (extra && extra[more])
		more++;
	char **all = calloc(count + more + 1, sizeof *all);
	memcpy(all, environ, count * sizeof *all);
	for (size_t i = 0; i < more; i++)
		all[count + i] = (char *)(uintptr_t)extra[i];
	return all;
}

static pid_t spawn(const char *const *words, char **environment, int out, int err)
{
	posix_spawn_file_actions_t actions;
	pid_t pid;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, out, 1);
	if (err >= 0)
		posix_spawn_file_actions_adddup2(&actions, err, 2);
	int failed = posix_spawnp(&pid, words[0], &actions, NULL, (char *const *)(uintptr_t)words, environment);
	posix_spawn_file_actions_destroy(&actions);
	cr_assert_eq(failed, 0, "%s does not start: %s", words[0], strerror(failed));
	return pid;
}

static int wait_for(pid_t pid)
{
	int status;
	while (waitpid(pid, &status, 0) != pid)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

struct run rig_run(const char *const *words, const char *const *extra)
{
	FILE *out = tmpfile(), *err = tmpfile();
	char **environment = environment_with(extra);
	struct run r;
	r.code = wait_for(spawn(words, environment, fileno(out), fileno(err)));
	r.out = read_back(out);
	r.err = read_back(err);
	free(environment);
	return r;
}

void run_free(struct run *r)
{
	free(r->out);
	free(r->err);
}

/* Bytes that the process has read by system calls (proc(5), io); what it loaded to begin with is among them. */
static unsigned long long bytes_read(pid_t pid)
{
	char path[64];
	unsigned long long n = 0;
	snprintf(path, sizeof path, "/proc/%d/io", (int)pid);
	FILE *f = fopen(path, "r");
	if (!f)
		return 0;
	cr_assert_eq(fscanf(f, "rchar: %llu", &n), 1);
	fclose(f);
	return n;
}

pid_t rig_run_until_read(const char *const *words, unsigned long long bytes)
{
	FILE *out = tmpfile();
	pid_t pid = spawn(words, environ, fileno(out), fileno(out));
	fclose(out);
	siginfo_t ended = {0};
	while (bytes_read(pid) < bytes) {
		cr_assert_eq(waitid(P_PID, (id_t)pid, &ended, WEXITED | WNOHANG | WNOWAIT), 0);
		cr_assert_eq(ended.si_pid, 0, "%s ended before it had read %llu bytes", words[0], bytes);
		usleep(200);
	}
	return pid;
}

int rig_end(pid_t pid, int signal)
{
	kill(pid, signal);
	return wait_for(pid);
}

char *rig_folder(void)
{
	char *folder = strdup("/tmp/zayton-e2e-XXXXXX");
	cr_assert_not_null(mkdtemp(folder));
	return folder;
}

void rig_folder_remove(char *folder)
{
	struct run r = rig_run((const char *const[]){"rm", "-rf", folder, NULL}, NULL);
	run_free(&r);
	free(folder);
}

char *rig_path(const char *folder, const char *name)
{
	char *path;
	cr_assert_gt(asprintf(&path, "%s/%s", folder, name), 0);
	return path;
}

char *rig_file_of(const char *folder, const char *name, struct span content)
{
	char *path = rig_path(folder, name);
	FILE *f = fopen(path, "wb");
	cr_assert_not_null(f);
	cr_assert_eq(fwrite(content.data, 1, content.size, f), content.size);
	cr_assert_eq(fclose(f), 0);
	return path;
}

char *rig_file(const char *folder, const char *name, const char *text)
{
	return rig_file_of(folder, name, span_of_string(text));
}

static void await(int fd, short events)
{
	struct pollfd p = {.fd = fd, .events = events};
	cr_assert_eq(poll(&p, 1, RIG_WAIT_S * 1000), 1, "nothing within %d s", RIG_WAIT_S);
}

struct server server_start(const char *folder, const char *const *extra)
{
	/* a test that fails leaves no server behind */
	const char *words[40] = {"setpriv",
				 "--pdeathsig",
				 "KILL",
				 E2E_ZAYTON,
				 "serve",
				 "--data-dir",
				 folder,
				 "--jt808-tcp",
				 "127.0.0.1:0",
				 "--jt808-udp",
				 "127.0.0.1:0",
				 "--http",
				 "127.0.0.1:0",
				 "--log-level",
				 "error",
				 "--shards",
				 "2"};
	size_t count = 17;
	int ends[2];
	char line[8192];
	size_t size = 0;
	for (; extra && *extra; extra++)
		words[count++] = *extra;
	cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
	struct server s = {.pid = spawn(words, environ, ends[1], -1), .out = ends[0]};
	close(ends[1]);
	while (!size || line[size - 1] != '\n') {
		await(s.out, POLLIN);
		ssize_t n = read(s.out, line + size, sizeof line - 1 - size);
		cr_assert_gt(n, 0, "the server ended before it was ready");
		size += (size_t)n;
	}
	line[size] = '\0';
	cr_assert_eq(sscanf(line, "{\"ready\":true,\"jt808_tcp\":%d,\"jt808_udp\":%d,\"http\":%d,\"jt809\":%d", &s.tcp,
			    &s.udp, &s.http, &s.jt809),
		     4);
	return s;
}

int server_stop(struct server *s, int signal)
{
	close(s->out);
	return rig_end(s->pid, signal);
}

/* --- sockets --- */

static int dial(int port, int type)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	cr_assert_eq(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
	return fd;
}

static void write_all(int fd, const void *bytes, size_t size)
{
	for (size_t at = 0; at < size;) {
		ssize_t n = send(fd, (const char *)bytes + at, size - at, MSG_NOSIGNAL);
		cr_assert_gt(n, 0);
		at += (size_t)n;
	}
}

static char *read_to_end(int fd, size_t *out_size)
{
	size_t size = 0, room = 65536;
	char *text = malloc(room + 1);
	for (;;) {
		if (size == room)
			text = realloc(text, (room *= 2) + 1);
		await(fd, POLLIN);
		ssize_t n = read(fd, text + size, room - size);
		if (n <= 0)
			break;
		size += (size_t)n;
	}
	text[size] = '\0';
	*out_size = size;
	return text;
}

static void unchunk(char *body)
{
	char *to = body;
	for (char *at = body; *at;) {
		char *end;
		size_t n = strtoul(at, &end, 16);
		cr_assert(strncmp(end, "\r\n", 2) == 0);
		cr_assert_leq(n, strlen(end + 2));
		memmove(to, end + 2, n);
		to += n;
		at = end + 2 + n + 2;
		if (n == 0)
			break;
	}
	*to = '\0';
}

struct answer http_ask(const struct server *s, const char *method, const char *body, const char *path_format, ...)
{
	char path[2048], request[8192];
	va_list args;
	struct answer a = {0};
	size_t size;
	va_start(args, path_format);
	vsnprintf(path, sizeof path, path_format, args);
	va_end(args);
	int n = snprintf(request, sizeof request, "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n", method,
			 path);
	if (body)
		n += snprintf(request + n, sizeof request - (size_t)n, "Content-Type: %s\r\nContent-Length: %zu\r\n",
			      *body == '{' ? "application/json" : "text/plain", strlen(body));
	n += snprintf(request + n, sizeof request - (size_t)n, "\r\n%s", body ? body : "");
	int fd = dial(s->http, SOCK_STREAM);
	write_all(fd, request, (size_t)n);
	a.head = read_to_end(fd, &size);
	close(fd);
	char *end = strstr(a.head, "\r\n\r\n");
	cr_assert_not_null(end, "no head: %s", a.head);
	cr_assert_eq(sscanf(a.head, "HTTP/1.1 %d", &a.code), 1);
	a.body = strdup(end + 4);
	end[2] = '\0';
	if (strcasestr(a.head, "transfer-encoding: chunked"))
		unchunk(a.body);
	return a;
}

void answer_free(struct answer *a)
{
	free(a->head);
	free(a->body);
}

long long metric_of(const struct server *s, const char *name)
{
	struct answer a = HTTP_GET_OF(s, "/metrics");
	char line[160];
	snprintf(line, sizeof line, "\n%s ", name);
	const char *at = strstr(a.body, line);
	long long v = at ? strtoll(at + strlen(line), NULL, 10) : -1;
	answer_free(&a);
	return v;
}

size_t text_count(const char *text, const char *part)
{
	size_t n = 0;
	for (const char *at = text; (at = strstr(at, part)); at += strlen(part))
		n++;
	return n;
}

/* --- a terminal --- */

static struct client client_of(int fd, bool datagrams, enum jt808_edition edition, const char *phone)
{
	struct client c = {.fd = fd, .datagrams = datagrams, .edition = edition, .in = buf_init(1u << 20)};
	c.like.is_2019 = edition == JT808_2019;
	c.like.version = c.like.is_2019;
	c.like.phone_size = c.like.is_2019 ? 10 : 6;
	snprintf(c.phone, sizeof c.phone, "%s", phone);
	cr_assert_eq(jt808_phone_pack(span_of_string(phone), c.like.phone, c.like.phone_size), STATUS_OK);
	return c;
}

struct client client_dial(const struct server *s, enum jt808_edition edition, const char *phone)
{
	return client_of(dial(s->tcp, SOCK_STREAM), false, edition, phone);
}

struct client client_dial_udp(const struct server *s, enum jt808_edition edition, const char *phone)
{
	return client_of(dial(s->udp, SOCK_DGRAM), true, edition, phone);
}

void client_close(struct client *c)
{
	close(c->fd);
	buf_deinit(&c->in);
}

void client_write(struct client *c, struct span bytes)
{
	write_all(c->fd, bytes.data, bytes.size);
}

uint16_t client_send(struct client *c, uint16_t message_id, struct span body)
{
	struct buf wire = buf_init(1u << 20);
	cr_assert_eq(jt808_message_encode(message_id, &c->like, body, JT808_BODY_MAX, &c->serial, &wire), STATUS_OK);
	client_write(c, buf_view(&wire));
	buf_deinit(&wire);
	return (uint16_t)(c->serial - 1);
}

bool client_next(struct client *c, uint8_t *content, struct jt808_header *out)
{
	for (;;) {
		struct jt808_frame frame;
		enum status status = jt808_framed_next(c->like.framing, buf_view(&c->in), content, &frame);
		if (status == STATUS_OK) /* it may lie in what is moved now */
			memmove(content, frame.content.data, frame.content.size);
		if (frame.consumed)
			memmove(c->in.data, c->in.data + frame.consumed, c->in.size - frame.consumed);
		c->in.size -= frame.consumed;
		if (status == STATUS_OK) {
			cr_assert_eq(jt808_header_decode(span_of(content, frame.content.size), out), STATUS_OK);
			return true;
		}
		cr_assert_eq(status, STATUS_NEED_MORE, "the server sent a spoiled frame");
		uint8_t bytes[4096];
		await(c->fd, POLLIN);
		ssize_t n = read(c->fd, bytes, sizeof bytes);
		if (n <= 0)
			return false;
		cr_assert_eq(buf_append(&c->in, bytes, (size_t)n), STATUS_OK);
	}
}

static void check_form(const struct client *c, const struct jt808_header *h)
{
	cr_assert_eq(h->is_2019, c->like.is_2019, "an answer in the header form of another edition");
	cr_assert_eq(h->version, c->like.version);
	cr_assert_eq(h->phone_size, c->like.phone_size);
	cr_assert_arr_eq(h->phone, c->like.phone, c->like.phone_size);
}

int client_acked(struct client *c, uint16_t message_id, uint16_t serial)
{
	uint8_t content[JT808_FRAME_MAX];
	struct jt808_header h;
	struct jt808_reply r;
	while (client_next(c, content, &h)) {
		check_form(c, &h);
		if (h.message_id != 0x8001)
			continue;
		cr_assert_eq(jt808_reply_decode(h.body, &r), STATUS_OK);
		if (r.serial == serial && r.message_id == message_id)
			return r.result;
	}
	return -1;
}

int client_register(struct client *c, const char *plate)
{
	uint8_t content[JT808_FRAME_MAX];
	struct jt808_register r = {.edition = c->edition, .province = 35, .city = 521, .plate_colour = 2};
	struct jt808_register_reply reply;
	struct jt808_header h;
	struct buf body = buf_init(1024);
	snprintf(r.manufacturer, sizeof r.manufacturer, "ZYTST");
	snprintf(r.model, sizeof r.model, "T-1");
	snprintf(r.terminal_id, sizeof r.terminal_id, "T%.6s", c->phone + 5);
	snprintf(r.plate, sizeof r.plate, "%s", plate);
	cr_assert_eq(jt808_register_encode(&r, &body), STATUS_OK);
	client_send(c, 0x0100, buf_view(&body));
	buf_deinit(&body);
	do {
		if (!client_next(c, content, &h))
			return -1;
		check_form(c, &h);
	} while (h.message_id != 0x8100);
	cr_assert_eq(jt808_register_reply_decode(h.body, &reply), STATUS_OK);
	if (reply.result == 0)
		snprintf(c->code, sizeof c->code, "%.*s", (int)reply.code.size, (const char *)reply.code.data);
	return reply.result;
}

int client_auth(struct client *c, const char *code)
{
	struct jt808_auth a = {.code = span_of_string(code), .imei = "860000000000001", .software = "test 1"};
	struct buf body = buf_init(1024);
	cr_assert_eq(jt808_auth_encode(&a, c->like.is_2019, &body), STATUS_OK);
	uint16_t serial = client_send(c, 0x0102, buf_view(&body));
	buf_deinit(&body);
	return client_acked(c, 0x0102, serial);
}

void client_log_in(struct client *c, const char *plate)
{
	cr_assert_eq(client_register(c, plate), 0);
	cr_assert_eq(client_auth(c, c->code), 0);
}

void body_make(int64_t time_ms, unsigned n, struct buf *out)
{
	uint8_t mileage[4], escapes[] = {0x7e, 0x7d, 0x02, 0x7d, 0x01};
	struct jt808_location l = {
		.status = STATUS_BIT_FIX | STATUS_BIT_ACC,
		.lat_e6 = 24870000 + (int32_t)n * 90,
		.lon_e6 = 118670000 + (int32_t)n * 70,
		.altitude_m = 12,
		.speed_dkmh = (uint16_t)(300 + n % 50),
		.course_deg = 38,
		.time_ms = time_ms,
	};
	cr_assert_eq(jt808_location_encode(&l, out), STATUS_OK);
	store_be32(mileage, 123456 + n);
	cr_assert_eq(jt808_item_encode(0x01, span_of(mileage, 4), out), STATUS_OK);
	cr_assert_eq(jt808_item_encode(0xe7, span_of(escapes, sizeof escapes), out), STATUS_OK);
}

void client_report(struct client *c, int64_t time_ms, unsigned n)
{
	struct buf body = buf_init(1024);
	body_make(time_ms, n, &body);
	uint16_t serial = client_send(c, 0x0200, buf_view(&body));
	buf_deinit(&body);
	cr_assert_eq(client_acked(c, 0x0200, serial), 0, "a report is acknowledged");
}
