/* powercut.h -- a power cut at any sync, for a program that does not know of it.
 *
 *   LD_PRELOAD=libpowercut.so POWERCUT_DIR=dir POWERCUT_SHADOW=shadow POWERCUT_AT=17 program ...
 *
 * The shim stands before libc's file calls and remembers, for everything below POWERCUT_DIR, what a disk
 * would hold if the power went now. At the cut it writes that to POWERCUT_SHADOW (made anew) and kills the
 * process; a driver then opens the shadow as the store after the power came back. When the program ends by
 * itself (exit or return from main) the shadow is written too, as if the power went just after.
 *
 *   POWERCUT_DIR      folder watched; exists before the program starts; what it holds then is durable
 *   POWERCUT_SHADOW   folder written
 *   POWERCUT_AT       cut at the n-th fsync or fdatasync of a file or folder below POWERCUT_DIR; 0: never
 *   POWERCUT_WHEN     "before": that sync has done nothing yet (default); "after": it is done, its caller was
 *                     not told
 *   POWERCUT_TORN     seed: some of what was not synced is on the disk nevertheless (see below)
 *   POWERCUT_STRICT   "0": names as ext4 keeps them (see below); default 1
 *   POWERCUT_COUNT    file that receives the number of syncs when the program ends by itself
 *
 * The model.
 *   Contents   A file holds what it held at its last fsync or fdatasync, size included. sync_file_range,
 *              O_SYNC and close make nothing durable.
 *   Names      Creating, linking, renaming and removing become durable when a folder they touch is fsynced,
 *              in their order and all those of the folder at once; a rename is never half done. With
 *              POWERCUT_STRICT=0 the sync of any file or folder makes every earlier change of names
 *              durable, as a commit of ext4's journal does.
 *   Torn       With a seed, a random number of the changes of names not yet durable, in their order, are on
 *              the disk; of each file's unsynced bytes, past its durable size a random prefix (ext4's
 *              data=ordered raises the size on disk after the data), within it any set of 512-byte sectors.
 *   Not seen   mmap'd writes, io_uring, symbolic links, truncate by path, fds duplicated by fcntl, children
 *              made by fork; a file opened by fopen is taken whole at each of its syncs.
 * No sync of the program reaches the real disk, so that runs are fast. Single process, any number of threads. */
#ifndef ZAYTON_TESTS_CRASH_POWERCUT_H
#define ZAYTON_TESTS_CRASH_POWERCUT_H

#define POWERCUT_DIR "POWERCUT_DIR"
#define POWERCUT_SHADOW "POWERCUT_SHADOW"
#define POWERCUT_AT "POWERCUT_AT"
#define POWERCUT_WHEN "POWERCUT_WHEN"
#define POWERCUT_TORN "POWERCUT_TORN"
#define POWERCUT_STRICT "POWERCUT_STRICT"
#define POWERCUT_COUNT "POWERCUT_COUNT"

#endif
