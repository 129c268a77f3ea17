/* Preloaded into the server under test: what it writes below one directory fails, as a byte in a shared file says.
 *
 * 0: nothing fails; 1: the disk is full (ENOSPC); 2: writes fail (EIO); 3: making durable fails (EIO). */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static const volatile unsigned char *mode;
static char below[4096];

__attribute__((constructor)) static void begin(void) {
    const char *control = getenv("FAULTS_CONTROL"), *directory = getenv("FAULTS_BELOW");
    if (!control || !directory) return;
    int fd = open(control, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return;
    void *page = mmap(NULL, 1, PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    snprintf(below, sizeof below, "%s/", directory);
    if (page != MAP_FAILED) mode = page;
}

/* The error that this kind of call meets on this file now, or 0. */
static int fault(int fd, int durable) {
    int now = mode ? *mode : 0;
    if (now == 0 || (now == 3) != durable) return 0;
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    if (strncmp(path, below, strlen(below)) != 0) return 0;
    return now == 1 ? ENOSPC : EIO;
}

#define INTERPOSE(result, name, parameters, arguments, durable)          \
    result name parameters {                                            \
        static result(*next) parameters;                                \
        if (!next) next = (result(*) parameters)dlsym(RTLD_NEXT, #name); \
        int error = fault(fd, durable);                                 \
        if (error) {                                                    \
            errno = error;                                              \
            return -1;                                                  \
        }                                                               \
        return next arguments;                                          \
    }

INTERPOSE(ssize_t, write, (int fd, const void *bytes, size_t count), (fd, bytes, count), 0)
INTERPOSE(ssize_t, writev, (int fd, const struct iovec *parts, int count), (fd, parts, count), 0)
INTERPOSE(ssize_t, pwrite, (int fd, const void *bytes, size_t count, off_t at), (fd, bytes, count, at), 0)
INTERPOSE(ssize_t, pwrite64, (int fd, const void *bytes, size_t count, off64_t at), (fd, bytes, count, at), 0)
INTERPOSE(int, fallocate, (int fd, int how, off_t at, off_t count), (fd, how, at, count), 0)
INTERPOSE(int, fallocate64, (int fd, int how, off64_t at, off64_t count), (fd, how, at, count), 0)
INTERPOSE(int, fsync, (int fd), (fd), 1)
INTERPOSE(int, fdatasync, (int fd), (fd), 1)
