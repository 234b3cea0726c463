/* import_township.h -- `import tasks|enterprises|figures FILE`: tables that people keep, into a store that no one
 * serves. */
#ifndef ZAYTON_QUERY_IMPORT_TOWNSHIP_H
#define ZAYTON_QUERY_IMPORT_TOWNSHIP_H

#include <stdbool.h>

bool is_township_table(const char *word);
/* As cli.h says. */
int import_township(int argc, char **argv);

#endif
