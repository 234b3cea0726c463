/* crash_driver.c -- kills its child at every kind of point until each was hit often enough, checking each time.
 *
 *   crash_driver kill CHILD HITS SEED             named points, by ZAYTON_CRASH (builds with crash points)
 *   crash_driver judge CHILD HITS SEED            the same of crash_judge, at the points of judging
 *   crash_driver powercut CHILD SHIM STRIDE SEED  a power cut at every STRIDE-th sync, by the shim's preload; with
 *                                                 $DURABILITY interval or os some cut must lose something, or
 *                                                 nothing was tried
 *
 * A store is killed again and again without being cleaned, so that recoveries of recoveries are tried too; it is
 * begun anew when its load has run to the end. */
#include <ftw.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define NAMES_MAX 8
#define LOST 10 /* of crash_child: what may be missing is missing */
#define COUNT(list) ((int)(sizeof(list) / sizeof *(list)))

struct point {
	const char *name;
	unsigned within; /* the n-th pass is drawn from 1..within */
	unsigned share;  /* hit once for every so many hits wanted */
};

static const struct point engine_points[] = {
	{"journal_write", 60, 1}, {"journal_sync", 60, 1}, {"seal", 12, 1}, {"sealed", 12, 1},
	{"checkpoint", 6, 1},     {"trim", 4, 1},          {"fold", 3, 1},  {"expire_drop", 1, 1},
};
static const struct point judge_points[] = {
	{"judge", 12, 1}, {"findings_commit", 40, 1}, {"journal_sync", 12, 4},    {"seal", 4, 4},
	{"sealed", 4, 4}, {"checkpoint", 4, 4},       {"context_changed", 20, 2},
};

static char folder[64], dir[128], state[128], shadow[128];

static int remove_entry(const char *path, const struct stat *seen, int kind, struct FTW *walk)
{
	(void)seen;
	(void)kind;
	(void)walk;
	return remove(path);
}

static void remove_tree(const char *path)
{
	nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static void begin(void)
{
	strcpy(folder, "/tmp/zayton-crash-XXXXXX");
	if (!mkdtemp(folder))
		exit(2);
	snprintf(dir, sizeof dir, "%s/data", folder);
	snprintf(state, sizeof state, "%s/state", folder);
	snprintf(shadow, sizeof shadow, "%s/shadow", folder);
}

static void begin_anew(void)
{
	remove_tree(dir);
	remove_tree(shadow);
	unlink(state);
}

/* Exit status, or 1000 + signal. */
static int child(const char *program, const char *what, const char *where, const char *seed, char *const *environment)
{
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0) {
		for (; environment && *environment; environment++)
			putenv(*environment);
		if (freopen("/dev/null", "w", stdout))
			execl(program, program, what, where, state, seed, (char *)NULL);
		_exit(127);
	}
	int status = 0;
	waitpid(pid, &status, 0);
	return WIFSIGNALED(status) ? 1000 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* The point that is furthest from its share, -1 when none lacks any. */
static int fewest(const struct point *points, int count, const unsigned *hits, unsigned wanted)
{
	int best = -1;
	for (int i = 0; i < count; i++)
		if (hits[i] * points[i].share < wanted &&
		    (best < 0 || hits[i] * points[i].share < hits[best] * points[best].share))
			best = i;
	return best;
}

static int kill_at_points(const struct point *points, int count, const char *program, unsigned wanted, unsigned seed)
{
	unsigned hits[NAMES_MAX] = {0}, random = seed, store = seed, misses = 0;
	char text[32];
	begin();
	printf("seed %u\n", seed);
	for (int i; (i = fewest(points, count, hits, wanted)) >= 0;) {
		char crash[64], shards[16];
		snprintf(text, sizeof text, "%u", store);
		snprintf(crash, sizeof crash, "ZAYTON_CRASH=%s:%u", points[i].name,
			 1 + rand_r(&random) % points[i].within);
		snprintf(shards, sizeof shards, "SHARDS=%u", rand_r(&random) % 3 ? 1 : 2);
		char *environment[] = {crash, shards, NULL};
		int ended = child(program, "run", dir, text, environment);
		if (ended != 0 && ended != 1000 + SIGKILL) {
			printf("%s: the load ended with %d, store %s\n", crash, ended, folder);
			return 1;
		}
		hits[i] += ended != 0;
		misses += ended == 0;
		char *roughly[] = {rand_r(&random) % 2 ? (char *)"END=rough" : (char *)"END=", NULL};
		int checked = child(program, "verify", dir, text, roughly);
		if (checked) {
			printf("%s: the check ended with %d, store %s\n", crash, checked, folder);
			return 1;
		}
		if (ended == 0) {
			begin_anew();
			store++;
		}
		if (misses > wanted * (unsigned)count * 4) {
			printf("%s is not reached\n", points[i].name);
			return 1;
		}
	}
	for (int i = 0; i < count; i++)
		printf("%s hit %u times\n", points[i].name, hits[i]);
	remove_tree(folder);
	return 0;
}

static long count_syncs(const char *program, const char *preload, const char *seed)
{
	char count_path[160], count_variable[200], watched[200], shadowed[200], line[32] = "";
	snprintf(count_path, sizeof count_path, "%s/count", folder);
	snprintf(count_variable, sizeof count_variable, "POWERCUT_COUNT=%s", count_path);
	snprintf(watched, sizeof watched, "POWERCUT_DIR=%s", dir);
	snprintf(shadowed, sizeof shadowed, "POWERCUT_SHADOW=%s", shadow);
	char *environment[] = {(char *)preload, count_variable, watched, shadowed, NULL};
	mkdir(dir, 0700);
	mkdir(shadow, 0700);
	int ended = child(program, "run", dir, seed, environment);
	FILE *f = fopen(count_path, "r");
	if (ended || !f || !fgets(line, sizeof line, f)) {
		printf("counting run ended with %d\n", ended);
		return -1;
	}
	fclose(f);
	begin_anew();
	return atol(line);
}

static int cut_power(const char *program, const char *shim, long stride, unsigned seed)
{
	char preload[4200], at[64], torn[64], watched[200], shadowed[200], text[32];
	begin();
	snprintf(text, sizeof text, "%u", seed);
	snprintf(preload, sizeof preload, "LD_PRELOAD=%s", shim);
	snprintf(watched, sizeof watched, "POWERCUT_DIR=%s", dir);
	snprintf(shadowed, sizeof shadowed, "POWERCUT_SHADOW=%s", shadow);
	long syncs = count_syncs(program, preload, text);
	printf("seed %u, %ld syncs\n", seed, syncs);
	if (syncs < 50)
		return 1;
	const char *durability = getenv("DURABILITY");
	bool is_loose = durability && strcmp(durability, "sync") != 0;
	unsigned cuts = 0, lossy = 0;
	/* the number of syncs differs a little from run to run: go on until a run ends without a cut */
	for (long k = 1;; k += stride, cuts++) {
		begin_anew();
		mkdir(dir, 0700);
		mkdir(shadow, 0700);
		snprintf(at, sizeof at, "POWERCUT_AT=%ld", k);
		snprintf(torn, sizeof torn, "POWERCUT_TORN=%ld", k);
		char *environment[] = {
			preload,  at,
			torn,     watched,
			shadowed, k / stride % 2 ? (char *)"POWERCUT_WHEN=before" : (char *)"POWERCUT_WHEN=after",
			NULL};
		int ended = child(program, "run", dir, text, environment);
		if (ended == 0)
			break;
		int checked = child(program, "verify", shadow, text, NULL);
		lossy += checked == LOST;
		if (checked && !(is_loose && checked == LOST)) {
			printf("cut at %ld: the check ended with %d, store %s\n", k, checked, folder);
			return 1;
		}
	}
	printf("%u power cuts, %u lost what was not synced\n", cuts, lossy);
	remove_tree(folder);
	return cuts > 0 && (lossy > 0 || !is_loose) ? 0 : 1;
}

int main(int argc, char **argv)
{
	if (argc == 5 && !strcmp(argv[1], "kill"))
		return kill_at_points(engine_points, COUNT(engine_points), argv[2], (unsigned)atoi(argv[3]),
				      (unsigned)atoi(argv[4]));
	if (argc == 5 && !strcmp(argv[1], "judge"))
		return kill_at_points(judge_points, COUNT(judge_points), argv[2], (unsigned)atoi(argv[3]),
				      (unsigned)atoi(argv[4]));
	if (argc == 6 && !strcmp(argv[1], "powercut"))
		return cut_power(argv[2], argv[3], atol(argv[4]), (unsigned)atoi(argv[5]));
	return 2;
}
