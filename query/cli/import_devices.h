/* import_devices.h -- `import devices FILE`: a table of devices into the registry of a store that no one serves. */
#ifndef ZAYTON_QUERY_IMPORT_DEVICES_H
#define ZAYTON_QUERY_IMPORT_DEVICES_H

/* argv[0] is "devices". The exit status, as in cli.h. */
int import_devices(int argc, char **argv);

#endif
