/* import_fences.h -- `import fences FILE`: GeoJSON, KML or WKT into a store that no one serves. */
#ifndef ZAYTON_QUERY_IMPORT_FENCES_H
#define ZAYTON_QUERY_IMPORT_FENCES_H

/* argv[0] is "fences". The exit status, as in cli.h. */
int import_fences(int argc, char **argv);

#endif
