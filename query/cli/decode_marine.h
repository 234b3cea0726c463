/* decode_marine.h -- zayton decode ais|nmea|beidou: sentences in, one JSON object a sentence out. */
#ifndef ZAYTON_QUERY_DECODE_MARINE_H
#define ZAYTON_QUERY_DECODE_MARINE_H

#include <stdbool.h>

/* Whether `kind` is one of the three. */
bool decode_marine_knows(const char *kind);
/* argv as cmd_decode has it. Exit status 0, 1 some sentence was refused or message cut, 2 no input or usage. */
int decode_marine(int argc, char **argv);

#endif
