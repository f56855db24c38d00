/* A share on which each stat takes a millisecond: preloaded, it delays every call of the
 * stat family on a path below the folder named by SLOW_STAT.
 *
 *     cc -D_FILE_OFFSET_BITS=64 -shared -fPIC -o slow_stat.so slow_stat.c -ldl */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void wait_for(const char *path) {
    const char *share = getenv("SLOW_STAT");
    if (share && path && strncmp(path, share, strlen(share)) == 0) usleep(1000);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

int stat(const char *path, struct stat *found) {
    wait_for(path);
    return REAL(stat)(path, found);
}

int lstat(const char *path, struct stat *found) {
    wait_for(path);
    return REAL(lstat)(path, found);
}

int fstatat(int folder, const char *path, struct stat *found, int flags) {
    wait_for(path);
    return REAL(fstatat)(folder, path, found, flags);
}

int statx(int folder, const char *path, int flags, unsigned mask, struct statx *found) {
    wait_for(path);
    return REAL(statx)(folder, path, flags, mask, found);
}
