/* import_weighings.h -- `import weighings FILE`; see cli.h. */
#ifndef ZAYTON_QUERY_CLI_IMPORT_WEIGHINGS_H
#define ZAYTON_QUERY_CLI_IMPORT_WEIGHINGS_H

int import_weighings(int argc, char **argv);

#endif
