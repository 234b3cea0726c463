/* A fleet at sea over TCP and UDP into the real program: what was sent is there, once, also after a kill. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "bench/marine/sea.h"
#include "rig.h"

#define STATIONS                                                                                                       \
	"mast  tcp-listen 127.0.0.1:0\n"                                                                               \
	"bay   udp        127.0.0.1:0\n"                                                                               \
	"hall  tcp-listen 127.0.0.1:0 codec=acme\n"                                                                    \
	"boat7 tcp-listen 127.0.0.1:0 own=boat7\n"                                                                     \
	"codec " SEA_CODEC "\n"

static json_t *stations_of(const struct server *s)
{
	struct answer a = HTTP_GET_OF(s, "/api/v1/stations");
	cr_assert_eq(a.code, 200, "%s", a.body);
	json_t *all = json_loads(a.body, 0, NULL);
	cr_assert_not_null(all);
	answer_free(&a);
	return all;
}

static long long number_of(json_t *all, const char *station, const char *key)
{
	json_t *list = json_object_get(all, "stations"), *one;
	size_t i;
	json_array_foreach(list, i, one) if (strcmp(json_string_value(json_object_get(one, "name")), station) ==
					     0) return json_integer_value(json_object_get(one, key));
	return -1;
}

static long long ask_number(const struct server *s, const char *station, const char *key)
{
	json_t *all = stations_of(s);
	long long v = number_of(all, station, key);
	json_decref(all);
	return v;
}

static void wait_for(const struct server *s, const char *station, const char *key, long long at_least)
{
	time_t end = time(NULL) + RIG_WAIT_S;
	while (ask_number(s, station, key) < at_least) {
		cr_assert(time(NULL) < end, "%s of %s is %lld, wanted %lld", key, station, ask_number(s, station, key),
			  at_least);
		usleep(20000);
	}
}

static char *where(const struct server *s, const char *station, const char *transport)
{
	char text[64];
	snprintf(text, sizeof text, "%s:127.0.0.1:%lld", transport, ask_number(s, station, "port"));
	return strdup(text);
}

static void reference_of(json_t *sender, char *out, size_t size)
{
	const char *kind = json_string_value(json_object_get(sender, "kind"));
	long long number = json_integer_value(json_object_get(sender, "number"));
	if (strcmp(kind, "ais") == 0)
		snprintf(out, size, "mmsi:%09lld", number);
	else
		snprintf(out, size, "beidou_card:%lld", number);
}

/* Every sender's track has as many positions as it sent; the NMEA boat's come at the end. */
static void check_tracks(const struct server *s, json_t *truth, long long from, long long to)
{
	json_t *sender;
	size_t i;
	json_array_foreach(json_object_get(truth, "senders"), i, sender)
	{
		char reference[64];
		if (strcmp(json_string_value(json_object_get(sender, "kind")), "nmea") == 0)
			continue;
		reference_of(sender, reference, sizeof reference);
		struct answer a =
			HTTP_GET_OF(s, "/api/v1/devices/%s/track?from=%lld&to=%lld&format=ndjson", reference, from, to);
		cr_assert_eq(a.code, 200, "%s: %s", reference, a.body);
		cr_assert_eq(text_count(a.body, "\n"), json_integer_value(json_object_get(sender, "positions")),
			     "%s\n%s", reference, a.body);
		answer_free(&a);
	}
}

Test(e2e_sea, what_was_sent_is_there_once_also_after_a_kill)
{
	char *folder = rig_folder(), *file = rig_file(folder, "stations.txt", STATIONS),
	     *data = rig_path(folder, "data");
	const char *extra[] = {"--stations-file", file, NULL};
	struct server s = server_start(data, extra);
	char *mast = where(&s, "mast", "tcp"), *bay = where(&s, "bay", "udp"), *hall = where(&s, "hall", "tcp");
	char *boat = where(&s, "boat7", "tcp"), ais[256];
	snprintf(ais, sizeof ais, "%s,%s", bay, mast);
	long long now = (long long)time(NULL) * 1000;
	struct run sea = rig_run((const char *const[]){E2E_SEA, "--ais", ais, "--beidou", hall, "--nmea", boat,
						       "--boats", "24", "--minutes", "20", "--seed", "7", NULL},
				 NULL);
	cr_assert_eq(sea.code, 0, "%s", sea.err);
	json_t *truth = json_loads(sea.out, 0, NULL);
	cr_assert_not_null(truth);
	long long ais_positions = 0, statics = 0, beidou = 0, nmea = 0;
	json_t *sender;
	size_t i;
	json_array_foreach(json_object_get(truth, "senders"), i, sender)
	{
		long long n = json_integer_value(json_object_get(sender, "positions"));
		const char *kind = json_string_value(json_object_get(sender, "kind"));
		*(strcmp(kind, "ais") == 0 ? &ais_positions : strcmp(kind, "nmea") == 0 ? &nmea : &beidou) += n;
		statics += json_integer_value(json_object_get(sender, "statics"));
	}
	wait_for(&s, "hall", "reports", beidou);
	wait_for(&s, "boat7", "reports", nmea);
	/* TCP loses nothing: together with what UDP brought first it is all of it */
	time_t end = time(NULL) + RIG_WAIT_S;
	for (;;) {
		long long got = ask_number(&s, "mast", "reports") + ask_number(&s, "bay", "reports");
		cr_assert_leq(got, ais_positions, "nothing twice");
		if (got == ais_positions)
			break;
		cr_assert(time(NULL) < end, "%lld of %lld", got, ais_positions);
		usleep(20000);
	}
	cr_assert_gt(ask_number(&s, "mast", "folded"), json_integer_value(json_object_get(truth, "repeated")) - 1);
	cr_assert_geq(ask_number(&s, "mast", "messages") + ask_number(&s, "bay", "messages"), statics);
	cr_assert_eq(ask_number(&s, "mast", "lines_refused"), 0);
	cr_assert_eq(metric_of(&s, "zayton_station_reports_total{station=\"hall\"}"), beidou);
	check_tracks(&s, truth, now - 3600000, now + 60000);
	cr_assert_eq(server_stop(&s, SIGKILL), 128 + SIGKILL);
	s = server_start(data, extra);
	check_tracks(&s, truth, now - 3600000, now + 60000);
	cr_assert_eq(server_stop(&s, SIGTERM), 0);
	json_decref(truth);
	run_free(&sea);
	free(mast), free(bay), free(hall), free(boat), free(file), free(data);
	rig_folder_remove(folder);
}

Test(e2e_sea, a_client_connects_again_and_a_file_is_read)
{
	static const char sentence[] = "!AIVDM,1,1,,B,13nUgBWP01PkHvDU7<kC4wvJ2>`<,0*27\n";
	char *folder = rig_folder(), *data = rig_path(folder, "data"), *log = rig_file(folder, "ais.log", sentence);
	char text[512];
	snprintf(text, sizeof text, "lost tcp 127.0.0.1:1\nold file %s\n", log);
	char *file = rig_file(folder, "stations.txt", text);
	const char *extra[] = {"--stations-file", file, NULL};
	struct server s = server_start(data, extra);
	wait_for(&s, "old", "reports", 1);
	wait_for(&s, "lost", "failures", 2);
	struct answer a = HTTP_GET_OF(&s, "/api/v1/stations");
	cr_assert_not_null(strstr(a.body, "\"state\":\"done\""), "%s", a.body);
	answer_free(&a);
	cr_assert_eq(server_stop(&s, SIGTERM), 0);
	free(data), free(log), free(file);
	rig_folder_remove(folder);
}

Test(e2e_sea, a_wrong_stations_file_ends_the_start)
{
	char *folder = rig_folder(), *data = rig_path(folder, "data"),
	     *file = rig_file(folder, "s.txt", "a tcp nowhere\n");
	struct run r = RIG_ZAYTON("serve", "--data-dir", data, "--jt808-tcp", "127.0.0.1:0", "--http", "127.0.0.1:0",
				  "--stations-file", file);
	cr_assert_eq(r.code, 1);
	cr_assert_not_null(strstr(r.err, ":1: "), "%s", r.err);
	run_free(&r);
	free(data), free(file);
	rig_folder_remove(folder);
}
