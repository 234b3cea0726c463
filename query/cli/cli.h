/* cli.h -- the commands of the program, one function each; argv[0] is the name of the command. The result is the
 * exit status: 0, 1 when what was asked for went wrong in part, 2 on wrong usage or input that cannot be read. */
#ifndef ZAYTON_QUERY_CLI_H
#define ZAYTON_QUERY_CLI_H

/* decode jt808 [--hex | --raw] [FILE | -] */
int cmd_decode(int argc, char **argv);

#endif
