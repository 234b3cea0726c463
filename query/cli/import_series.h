/* import_series.h -- `import series FILE` and `import streams FILE`; see cli.h. */
#ifndef ZAYTON_QUERY_CLI_IMPORT_SERIES_H
#define ZAYTON_QUERY_CLI_IMPORT_SERIES_H

int import_series(int argc, char **argv);
int import_streams(int argc, char **argv);

#endif
