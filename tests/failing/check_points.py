#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""check_points.py LIBRARY TEST: whatever the library imports and POSIX says is
or may be a cancellation point, or the C library has as one besides, is known to
the test, which lists what it watches by -l."""
import os
import re
import shlex
import subprocess
import sys

# "Shall be" and "may be", XSH 2.9.5.2, those that have to do with what a
# library like this one does; and what glibc adds.
POINTS = set("""
accept accept4 access aio_suspend chmod chown clock_nanosleep close closedir
connect copy_file_range creat dprintf dup2 epoll_pwait epoll_pwait2 epoll_wait
eventfd_read eventfd_write fallocate fchmodat fclose fcntl fdatasync fdopen
fflush fgetc fgets fopen fprintf fputc fputs fread freopen fscanf fseek fstat
fstatat fsync ftell ftruncate fwrite getc getcwd getdelim getline getrandom
glob ioctl link lockf lseek lstat mkdir mkdirat mkostemp mkstemp mq_receive
mq_send msgrcv msgsnd msync nanosleep open openat opendir pause pclose perror
poll popen posix_fadvise posix_fallocate posix_madvise posix_openpt ppoll pread
preadv preadv2 printf pselect pthread_clockjoin_np pthread_cond_clockwait
pthread_cond_timedwait pthread_cond_wait pthread_join pthread_rwlock_rdlock
pthread_rwlock_wrlock pthread_testcancel pthread_timedjoin_np putc puts pwrite
pwritev pwritev2 read readdir readlink readlinkat readv recv recvfrom recvmmsg
recvmsg remove rename renameat rewinddir scandir select semop sem_clockwait
sem_timedwait sem_wait send sendfile sendmmsg sendmsg sendto setvbuf shm_open
shm_unlink sigpause sigsuspend sigtimedwait sigwait sigwaitinfo sleep splice
stat statx strerror symlink sync_file_range syslog system tcdrain tee tmpfile
truncate ttyname ungetc unlink unlinkat usleep vdprintf vfprintf vmsplice
vprintf wait waitid waitpid write writev
""".split())

# Why one that is imported need not be watched.
EXCUSED = {
    'pthread_cond_wait': "in threads of the library's own only, which nobody "
                         'can cancel',
    'recv': 'where the user wants ipc_channel_accept to be one',
}


# What runs programs of another machine.
WRAPPER = shlex.split(os.environ.get('MESON_EXE_WRAPPER', ''))


def plain(symbol):
    symbol = symbol.split('@')[0]
    name = re.sub(r'^_+', '', re.sub(r'(64|_time64)+$', '', symbol))
    # With optimisation the one is made of the other.
    return 'getdelim' if name == 'getline' else name


def main():
    library, test = sys.argv[1:]
    nm = subprocess.run(['nm', '-D', '--undefined-only', library], check=True,
                        capture_output=True, text=True).stdout
    imported = {plain(line.split()[-1]) for line in nm.splitlines()}
    watched = set(subprocess.run([*WRAPPER, test, '-l'], check=True,
                                 capture_output=True,
                                 text=True).stdout.split())
    if 'close' not in imported:
        sys.exit('nm shows no imports of ' + library)
    missing = (imported & POINTS) - watched - set(EXCUSED)
    for name in sorted(missing):
        print(f'{name} may be a cancellation point, and cancelling.c does not '
              'watch it')
    for name in sorted(set(EXCUSED) - imported):
        print(f'{name} is not imported any more: excuse it no more')
    for name in sorted(watched - POINTS):
        print(f'{name} is no cancellation point: why watch it?')
    return bool(missing or set(EXCUSED) - imported or watched - POINTS)


if __name__ == '__main__':
    sys.exit(main())
