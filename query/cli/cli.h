/* cli.h -- the commands of the program; each takes its own name as argv[0] and returns the exit status:
 * 0 done, 1 it failed or refused something, 2 the command line is wrong. */
#ifndef ZAYTON_QUERY_CLI_H
#define ZAYTON_QUERY_CLI_H

#include <stdbool.h>

int cmd_serve(int argc, char **argv);
int cmd_settings(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_info(int argc, char **argv);
int cmd_import(int argc, char **argv);
int cmd_export(int argc, char **argv);
int cmd_export_hazards(int argc, char **argv); /* of `export` */
int cmd_query(int argc, char **argv);
int cmd_who_was(int argc, char **argv);    /* of `query` */
int cmd_audit(int argc, char **argv);      /* of `query` */
int cmd_violations(int argc, char **argv); /* of `query` */
bool is_violations_question(const char *word);
int cmd_township(int argc, char **argv); /* of `query`: tasks, subjects, figures, tables, rates */
bool is_township_question(const char *word);
int cmd_series(int argc, char **argv); /* of `query`: series, streams, values, board, availability */
int cmd_duty(int argc, char **argv);   /* of `query`: roll-call, alarms, warnings ... */
bool is_duty_question(const char *word);
int cmd_decode(int argc, char **argv);
int cmd_rules(int argc, char **argv);
int cmd_command(int argc, char **argv);
int cmd_links(int argc, char **argv);
int cmd_replay(int argc, char **argv);
int cmd_user(int argc, char **argv);
int cmd_outbox(int argc, char **argv);

#endif
