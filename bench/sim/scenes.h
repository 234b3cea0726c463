/* scenes.h -- the command `zayton_sim scenes`. */
#ifndef ZAYTON_BENCH_SCENES_H
#define ZAYTON_BENCH_SCENES_H

/* `argv[0]` is "scenes". The exit status: 0 all found and nothing false, 1 not so, 2 usage. */
int scenes_main(int argc, char **argv);
/* Where the scenes and the fences of the demo world lie: beside the source unless ZAYTON_SCENES says otherwise. */
const char *scenes_folder(void);
const char *scenes_fences(void);
/* Creates the folders above `path`. */
void scenes_make_parents(const char *path);

#endif
