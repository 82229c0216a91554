/* SPDX-License-Identifier: MIT */
#include "bridge/keys.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

enum { LINE = 256 };

/* ------------------------------------------------------------------- files */

/* `mode` whatever the umask; what is there is never replaced. */
static const char *write_file(const char *prefix, const char *ending,
                              mode_t mode, const char *text)
{
    size_t size = strlen(prefix) + strlen(ending) + 1, length = strlen(text);
    char *path = malloc(size);
    bool is_done;
    int fd;

    if (!path)
        return "there is no memory";
    snprintf(path, size, "%s%s", prefix, ending);
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    free(path);
    if (fd < 0)
        return strerror(errno);
    is_done = fchmod(fd, mode) == 0 &&
              write(fd, text, length) == (ssize_t)length && fsync(fd) == 0;
    close(fd);
    return is_done ? NULL : "it cannot be written";
}

/* In place of the key that was there. */
static void wipe(char *text, size_t size)
{
    explicit_bzero(text, size);
}

const char *keys_make(const char *prefix)
{
    char public[KEYS_LETTERS + 1], secret[KEYS_LETTERS + 1];
    char pair[LINE], list[LINE];
    const char *wrong;

    if (zmq_curve_keypair(public, secret) != 0)
        return "this libzmq has no CURVE";
    snprintf(pair, sizeof pair, "%s secret\n%s public\n", secret, public);
    snprintf(list, sizeof list, "%s\n", public);
    wrong = write_file(prefix, ".key", 0600, pair);
    wipe(pair, sizeof pair);
    wipe(secret, sizeof secret);
    return wrong ? wrong : write_file(prefix, ".pub", 0644, list);
}

/* The key at the beginning of a line; false: there is none. */
static bool take_key(const char *line, char key[KEYS_LETTERS + 1])
{
    unsigned char bytes[32];

    if (*line == '#' || strcspn(line, " \t\r\n") != KEYS_LETTERS)
        return false;
    memcpy(key, line, KEYS_LETTERS);
    key[KEYS_LETTERS] = '\0';
    return zmq_z85_decode(bytes, key) != NULL;
}

/* ------------------------------------------------------------------- pairs */

/* Whom others may ask: nobody about a secret; who can write a list decides who
 * may connect. */
enum { SECRET_FORBIDDEN = 077, LIST_FORBIDDEN = 022 };

static const char *check_file(int fd, mode_t forbidden)
{
    struct stat st;

    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return "it is no plain file";
    if (st.st_uid != geteuid() && st.st_uid != 0)
        return "it belongs to another user";
    if ((st.st_mode & forbidden) == 0)
        return NULL;
    return forbidden == SECRET_FORBIDDEN
               ? "others than its owner may use it: chmod 600"
               : "others than its owner may write it: chmod 644";
}

/* Opens a file on which others have none of the rights `forbidden`. A pipe does
 * not keep us waiting. NULL, or what is wrong. */
static const char *open_file(FILE **file, const char *path, mode_t forbidden)
{
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    const char *wrong;

    *file = NULL;
    if (fd < 0)
        return strerror(errno);
    wrong = check_file(fd, forbidden);
    if (!wrong)
        *file = fdopen(fd, "r");
    if (*file)
        return NULL;
    close(fd);
    return wrong ? wrong : "there is no memory";
}

static const char *read_pair(FILE *file, char *secret, char *public)
{
    char line[LINE];
    bool has_both = fgets(line, sizeof line, file) && take_key(line, secret) &&
                    strstr(line, " secret") && fgets(line, sizeof line, file) &&
                    take_key(line, public);

    wipe(line, sizeof line);
    return has_both ? NULL
                    : "there is no pair of keys in it: see "
                      "`shmipc bridge keygen`";
}

const char *keys_read_pair(const char *path, char secret[KEYS_LETTERS + 1],
                           char public[KEYS_LETTERS + 1])
{
    FILE *file;
    const char *wrong = open_file(&file, path, SECRET_FORBIDDEN);

    if (wrong)
        return wrong;
    setvbuf(file, NULL, _IONBF, 0); /* no copy of the key stays behind */
    wrong = read_pair(file, secret, public);
    fclose(file);
    return wrong;
}

/* ------------------------------------------------------------------- lists */

/* Goes through the keys of a list: until one is `wanted`, or the first if that
 * is NULL. What comes late in a long line is no beginning of one. */
static bool find(FILE *file, const char *wanted, char key[KEYS_LETTERS + 1])
{
    char line[LINE];
    bool is_beginning = true;

    while (fgets(line, sizeof line, file)) {
        if (is_beginning && take_key(line, key) &&
            (!wanted || strcmp(key, wanted) == 0))
            return true;
        is_beginning = strchr(line, '\n') != NULL;
    }
    return false;
}

const char *keys_read_public(const char *path, char public[KEYS_LETTERS + 1])
{
    FILE *file;
    const char *wrong = open_file(&file, path, LIST_FORBIDDEN);
    bool is_found;

    if (wrong)
        return wrong;
    is_found = find(file, NULL, public);
    fclose(file);
    return is_found ? NULL : "there is no key in it";
}

const char *keys_check_list(const char *path)
{
    FILE *file;
    const char *wrong = open_file(&file, path, LIST_FORBIDDEN);

    if (!wrong)
        fclose(file);
    return wrong;
}

bool keys_are_listed(const char *path, const char *public)
{
    char key[KEYS_LETTERS + 1];
    FILE *file;
    bool is_found;

    if (open_file(&file, path, LIST_FORBIDDEN))
        return false;
    is_found = find(file, public, key);
    fclose(file);
    return is_found;
}
