#include "bench/sim/server.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static bool read_ready(FILE *from, struct server *s)
{
	char line[512];
	while (fgets(line, sizeof line, from)) {
		const char *tcp = strstr(line, "\"jt808_tcp\":"), *http = strstr(line, "\"http\":");
		if (!tcp || !http)
			continue;
		s->jt808_port = atoi(tcp + strlen("\"jt808_tcp\":"));
		s->http_port = atoi(http + strlen("\"http\":"));
		return true;
	}
	return false;
}

/* Beside the folder of data: who listens for boats. */
static bool write_stations(const char *data, char path[4096])
{
	snprintf(path, 4096, "%s.stations", data);
	FILE *out = fopen(path, "wb");
	if (!out) {
		perror(path);
		return false;
	}
	fprintf(out, SERVER_STATION " tcp-listen 127.0.0.1:0 codec=beacon\n"
				    "codec beacon big lat=0:4:e6 lon=4:4:e6 speed=8:2:dkn course=10:2:deg\n");
	return fclose(out) == 0;
}

int server_start(struct server *s, const char *program, const char *data, const char *sites)
{
	int pipes[2];
	char stations[4096];
	if (!write_stations(data, stations) || pipe(pipes))
		return -1;
	s->pid = fork();
	if (s->pid == 0) {
		setpgid(0, 0); /* Ctrl-C is for the simulator, which then ends the server in order */
		dup2(pipes[1], STDOUT_FILENO);
		close(pipes[0]);
		close(pipes[1]);
		execl(program, "zayton", "serve", "--data-dir", data, "--terminals", "open", "--demo", "yes",
		      "--jt808-tcp", "127.0.0.1:0", "--http", "127.0.0.1:0", "--stations-file", stations, "--streams",
		      "open", "--sites-file", sites, "--log-level", "warn", (char *)NULL);
		_exit(127);
	}
	close(pipes[1]);
	FILE *from = fdopen(pipes[0], "r");
	if (s->pid < 0 || !from || !read_ready(from, s)) {
		fprintf(stderr, "the server did not start\n");
		if (s->pid > 0)
			server_stop(s);
		return -1;
	}
	return 0; /* `from` stays open: the server may go on writing */
}

int server_stop(struct server *s)
{
	int status = 0;
	kill(s->pid, SIGTERM);
	waitpid(s->pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}
