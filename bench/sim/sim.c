/* sim.c -- a fleet of JT/T 808 terminals against a real server.
 *
 *   zayton_sim demo --zayton PROGRAM --data DIR   starts the server, drives the fleet, shows what happens
 *   zayton_sim run  --port N --http N             drives the fleet against a server that runs already
 *
 * Ends on Ctrl-C or after --for seconds, asks every acknowledged report back, and says with its exit status
 * whether all of them were there. */
#include <arpa/inet.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/sim/http_get.h"
#include "bench/sim/terminal.h"
#include "engine/core/clock.h"
#include "engine/core/hash.h"

#define POLL_MS 5
#define DRAIN_MS 15000

struct options {
	const char *zayton, *data;
	int port, http;
	unsigned terminals;
	int seconds, interval_s;
	uint64_t seed;
	bool demo, from_now;
};

struct sim {
	struct options options;
	struct terminal_options terminal_options;
	struct terminal *terminals;
	struct sim_counters counters;
	uv_loop_t loop;
	uv_timer_t poll, show;
	uv_signal_t interrupt, terminate;
	int64_t begun_ms, ends_ms, drain_until_ms;
	uint64_t shown_acknowledged;
	int64_t shown_ms;
	pid_t server;
	bool stopping;
};

/* --- the server --- */

static int read_ready(FILE *from, struct options *o)
{
	char line[512];
	while (fgets(line, sizeof line, from)) {
		const char *tcp = strstr(line, "\"jt808_tcp\":"), *http = strstr(line, "\"http\":");
		if (!tcp || !http)
			continue;
		o->port = atoi(tcp + strlen("\"jt808_tcp\":"));
		o->http = atoi(http + strlen("\"http\":"));
		return 1;
	}
	return 0;
}

static pid_t start_server(struct options *o)
{
	int pipes[2];
	if (pipe(pipes))
		return -1;
	pid_t pid = fork();
	if (pid == 0) {
		setpgid(0, 0); /* Ctrl-C is for the simulator, which then ends the server in order */
		dup2(pipes[1], STDOUT_FILENO);
		close(pipes[0]);
		close(pipes[1]);
		execl(o->zayton, "zayton", "serve", "--data-dir", o->data, "--terminals", "open", "--jt808-tcp",
		      "127.0.0.1:0", "--http", "127.0.0.1:0", "--log-level", "warn", (char *)NULL);
		_exit(127);
	}
	close(pipes[1]);
	FILE *from = fdopen(pipes[0], "r");
	if (pid < 0 || !from || !read_ready(from, o)) {
		fprintf(stderr, "the server did not start\n");
		return -1;
	}
	return pid; /* `from` stays open: the server may go on writing */
}

static int stop_server(pid_t pid)
{
	int status = 0;
	kill(pid, SIGTERM);
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/* --- what is shown --- */

struct facts {
	double reports, blocks, sealed_reports, sealed_bytes, p50_us, p99_us;
};

static void take_metric(void *context, char *line, size_t size)
{
	struct facts *f = context;
	static const char *const names[] = {"zayton_reports_total ",        "zayton_sealed_blocks_total ",
					    "zayton_sealed_reports_total ", "zayton_sealed_bytes_total ",
					    "zayton_commit_p50_us ",        "zayton_commit_p99_us "};
	double *values[] = {&f->reports, &f->blocks, &f->sealed_reports, &f->sealed_bytes, &f->p50_us, &f->p99_us};
	(void)size;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (!strncmp(line, names[i], strlen(names[i])))
			*values[i] = strtod(line + strlen(names[i]), NULL);
}

static struct facts server_facts(struct sim *s)
{
	struct facts f = {0};
	int code;
	if (http_get(s->options.http, "/metrics", &code, take_metric, &f))
		f.reports = 0;
	return f;
}

static double behind_minutes(const struct sim *s, int64_t now_ms)
{
	double sum = 0;
	for (unsigned i = 0; i < s->options.terminals; i++)
		sum += (double)(now_ms - s->terminals[i].next_ms);
	double minutes = sum / s->options.terminals / 60000;
	return minutes > 0 ? minutes : 0;
}

static void show(struct sim *s)
{
	int64_t now_ms = clock_now_ms();
	struct facts f = server_facts(s);
	double seconds = (double)(now_ms - s->shown_ms) / 1000;
	double rate = seconds > 0 ? (double)(s->counters.acknowledged - s->shown_acknowledged) / seconds : 0;
	s->shown_ms = now_ms;
	s->shown_acknowledged = s->counters.acknowledged;
	printf("connected 在线 %llu | reports/s 上报 %.0f | acknowledged 已应答 %llu | stored 已入库 %.0f | "
	       "bytes/point "
	       "字节/点 %.2f | ack p50/p99 %.1f/%.1f ms | behind now 追补 %.0f min\n",
	       (unsigned long long)s->counters.connected, rate, (unsigned long long)s->counters.acknowledged, f.reports,
	       f.sealed_reports > 0 ? f.sealed_bytes / f.sealed_reports : 0, f.p50_us / 1000, f.p99_us / 1000,
	       behind_minutes(s, now_ms));
	fflush(stdout);
}

static void on_show(uv_timer_t *timer)
{
	show(timer->data);
}

/* --- driving --- */

static void begin_stop(struct sim *s)
{
	if (s->stopping)
		return;
	s->stopping = true;
	s->drain_until_ms = clock_now_ms() + DRAIN_MS;
	for (unsigned i = 0; i < s->options.terminals; i++)
		terminal_stop(&s->terminals[i]);
}

static bool drained(const struct sim *s)
{
	for (unsigned i = 0; i < s->options.terminals; i++)
		if (s->terminals[i].waiting)
			return false;
	return true;
}

static void on_poll(uv_timer_t *timer)
{
	struct sim *s = timer->data;
	int64_t now_ms = clock_now_ms();
	for (unsigned i = 0; i < s->options.terminals; i++)
		terminal_poll(&s->terminals[i], &s->loop);
	if (s->ends_ms && now_ms >= s->ends_ms)
		begin_stop(s);
	if (s->stopping && (drained(s) || now_ms >= s->drain_until_ms))
		uv_stop(&s->loop);
}

static void on_signal(uv_signal_t *handle, int number)
{
	(void)number;
	begin_stop(handle->data);
}

/* This morning, 06:00 in Quanzhou; the morning before when that is not six hours ago: there shall be blocks to see. */
static int64_t this_morning(int64_t now_ms)
{
	int64_t local = now_ms + CHINA_OFFSET_MS;
	int64_t morning = local - local % MS_PER_DAY + 6 * MS_PER_HOUR;
	if (morning > local - 6 * MS_PER_HOUR)
		morning -= MS_PER_DAY;
	return morning - CHINA_OFFSET_MS;
}

static void drive_fleet(struct sim *s)
{
	struct options *o = &s->options;
	s->begun_ms = s->shown_ms = clock_now_ms();
	s->ends_ms = o->seconds ? s->begun_ms + (int64_t)o->seconds * 1000 : 0;
	s->terminal_options = (struct terminal_options){
		.begin_ms = o->from_now ? s->begun_ms / 1000 * 1000 : this_morning(s->begun_ms),
		.interval_s = o->interval_s,
		.now_ms = clock_now_ms,
	};
	s->terminal_options.address.sin_family = AF_INET;
	s->terminal_options.address.sin_port = htons((uint16_t)o->port);
	s->terminal_options.address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	for (unsigned i = 0; i < o->terminals; i++)
		terminal_init(&s->terminals[i], i, o->seed, &s->terminal_options, &s->counters);
	uv_loop_init(&s->loop);
	uv_timer_init(&s->loop, &s->poll);
	uv_timer_init(&s->loop, &s->show);
	uv_signal_init(&s->loop, &s->interrupt);
	uv_signal_init(&s->loop, &s->terminate);
	s->poll.data = s->show.data = s->interrupt.data = s->terminate.data = s;
	uv_timer_start(&s->poll, on_poll, 0, POLL_MS);
	uv_timer_start(&s->show, on_show, 1000, 1000);
	uv_signal_start(&s->interrupt, on_signal, SIGINT);
	uv_signal_start(&s->terminate, on_signal, SIGTERM);
	uv_run(&s->loop, UV_RUN_DEFAULT);
}

static void close_handle(uv_handle_t *handle, void *context)
{
	struct sim *s = context;
	if (uv_is_closing(handle))
		return;
	bool ours = handle == (uv_handle_t *)&s->poll || handle == (uv_handle_t *)&s->show ||
		    handle == (uv_handle_t *)&s->interrupt || handle == (uv_handle_t *)&s->terminate;
	if (ours)
		uv_close(handle, NULL);
	else
		terminal_close(handle->data);
}

/* --- asking back --- */

struct readback {
	struct acknowledged *expected; /* sorted by hash */
	size_t count;
	uint64_t found, lines, doubled;
	bool *seen;
	struct buf body;
};

static int by_hash(const void *a, const void *b)
{
	uint64_t x = ((const struct acknowledged *)a)->hash, y = ((const struct acknowledged *)b)->hash;
	return (x > y) - (x < y);
}

static void take_line(void *context, char *line, size_t size)
{
	struct readback *r = context;
	char *body = strstr(line, "\"body\":\"");
	char *end = body ? strchr(body + 8, '"') : NULL;
	(void)size;
	if (!end)
		return;
	buf_clear(&r->body);
	if (hex_decode(&r->body, span_of(body + 8, (size_t)(end - body - 8))))
		return;
	r->lines++;
	struct acknowledged key = {0, hash64(buf_view(&r->body))};
	struct acknowledged *hit = r->count ? bsearch(&key, r->expected, r->count, sizeof key, by_hash) : NULL;
	if (!hit)
		return;
	if (r->seen[hit - r->expected])
		r->doubled++;
	else
		r->found++;
	r->seen[hit - r->expected] = true;
}

static void read_terminal_back(struct sim *s, struct terminal *t, uint64_t totals[3])
{
	char path[256], from[TIME_TEXT_MAX], to[TIME_TEXT_MAX];
	int code = 0;
	if (!t->acked_count)
		return;
	qsort(t->acked, t->acked_count, sizeof *t->acked, by_hash);
	struct readback r = {t->acked, t->acked_count, 0, 0, 0, calloc(t->acked_count, 1), buf_init(65536)};
	if (!r.seen)
		abort();
	time_format(s->terminal_options.begin_ms - MS_PER_DAY, 0, from);
	time_format(clock_now_ms() + MS_PER_DAY, 0, to);
	snprintf(path, sizeof path, "/api/v1/devices/phone:%s/track?from=%s&to=%s&format=ndjson&body=1", t->phone, from,
		 to);
	enum status status = http_get(s->options.http, path, &code, take_line, &r);
	if (status || code != 200)
		fprintf(stderr, "%s: HTTP %d, %s\n", t->phone, code, status_text(status));
	totals[0] += r.count;
	totals[1] += r.found;
	totals[2] += r.doubled;
	free(r.seen);
	buf_deinit(&r.body);
}

static int read_all_back(struct sim *s)
{
	uint64_t totals[3] = {0};
	for (unsigned i = 0; i < s->options.terminals; i++)
		read_terminal_back(s, &s->terminals[i], totals);
	printf("read back 回读: %llu acknowledged, %llu found, %llu missing, %llu doubled\n",
	       (unsigned long long)totals[0], (unsigned long long)totals[1],
	       (unsigned long long)(totals[0] - totals[1]), (unsigned long long)totals[2]);
	return totals[0] == totals[1] && totals[2] == 0 && totals[0] > 0 ? 0 : 1;
}

/* --- main --- */

static int usage(void)
{
	fprintf(stderr, "usage: zayton_sim demo --zayton PROGRAM --data DIR [options]\n"
			"       zayton_sim run --port N --http N [options]\n"
			"  --terminals N    how many (600)\n"
			"  --for SECONDS    end by itself; without it, on Ctrl-C\n"
			"  --interval S     seconds between reports (10)\n"
			"  --seed N         the same seed drives the same fleet (1)\n"
			"  --from-now       begin now instead of this morning\n");
	return 2;
}

static int parse(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{"zayton", 1, NULL, 'z'},    {"data", 1, NULL, 'd'}, {"port", 1, NULL, 'p'},     {"http", 1, NULL, 'h'},
		{"terminals", 1, NULL, 't'}, {"for", 1, NULL, 'f'},  {"interval", 1, NULL, 'i'}, {"seed", 1, NULL, 's'},
		{"from-now", 0, NULL, 'n'},  {NULL, 0, NULL, 0},
	};
	*o = (struct options){.terminals = 600, .interval_s = 10, .seed = 1};
	if (argc < 2 || (strcmp(argv[1], "demo") && strcmp(argv[1], "run")))
		return 0;
	o->demo = !strcmp(argv[1], "demo");
	for (int c; (c = getopt_long(argc - 1, argv + 1, "", longs, NULL)) != -1;) {
		switch (c) {
		case 'z':
			o->zayton = optarg;
			break;
		case 'd':
			o->data = optarg;
			break;
		case 'p':
			o->port = atoi(optarg);
			break;
		case 'h':
			o->http = atoi(optarg);
			break;
		case 't':
			o->terminals = (unsigned)atoi(optarg);
			break;
		case 'f':
			o->seconds = atoi(optarg);
			break;
		case 'i':
			o->interval_s = atoi(optarg);
			break;
		case 's':
			o->seed = strtoull(optarg, NULL, 10);
			break;
		case 'n':
			o->from_now = true;
			break;
		default:
			return 0;
		}
	}
	bool server = o->demo ? o->zayton && o->data : o->port > 0 && o->http > 0;
	return server && o->terminals > 0 && o->interval_s > 0 && o->seconds >= 0;
}

static void make_parents(const char *path)
{
	char copy[4096];
	snprintf(copy, sizeof copy, "%s", path);
	for (char *at = copy + 1; *at; at++)
		if (*at == '/') {
			*at = '\0';
			mkdir(copy, 0755);
			*at = '/';
		}
}

int main(int argc, char **argv)
{
	struct sim s = {0};
	if (!parse(argc, argv, &s.options))
		return usage();
	signal(SIGPIPE, SIG_IGN);
	struct rlimit files;
	if (!getrlimit(RLIMIT_NOFILE, &files)) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	if (s.options.demo) {
		make_parents(s.options.data);
		s.server = start_server(&s.options);
		if (s.server < 0)
			return 1;
		printf("zayton 演示数据 demo data | terminals 终端接入 127.0.0.1:%d | open 打开 "
		       "http://127.0.0.1:%d/api/v1/positions?format=geojson\n",
		       s.options.port, s.options.http);
	}
	s.terminals = calloc(s.options.terminals, sizeof *s.terminals);
	if (!s.terminals)
		return 1;
	drive_fleet(&s);
	show(&s);
	uv_walk(&s.loop, close_handle, &s);
	uv_run(&s.loop, UV_RUN_DEFAULT);
	uv_loop_close(&s.loop);
	int result = read_all_back(&s);
	if (s.options.demo && stop_server(s.server))
		result = 1;
	for (unsigned i = 0; i < s.options.terminals; i++)
		terminal_deinit(&s.terminals[i]);
	free(s.terminals);
	return result;
}
