/* SPDX-License-Identifier: MIT */
#include "bridge/config.h"
#include "bridge/arguments.h"
#include "command.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORDS_MOST = 64 };

/* The words of a line, which are zeros' between; 0: it has none. */
static int split(char *line, char **words)
{
    char *rest = NULL, *word;
    int count = 0;

    for (word = strtok_r(line, " \t\r\n", &rest); word && *word != '#';
         word = strtok_r(NULL, " \t\r\n", &rest)) {
        if (count == WORDS_MOST)
            return -1;
        words[count++] = word;
    }
    words[count] = NULL;
    return count;
}

/* Reads a line into *to, and its words, joined, as what it is known by. What is
 * wrong ends the program. False: the line is empty. */
static bool read_line(char *line, struct arguments *to, char *key)
{
    char *words[WORDS_MOST + 1];
    int count = split(line, words);

    if (count == 0)
        return false;
    if (count < 0 ||
        (strcmp(words[0], "out") != 0 && strcmp(words[0], "in") != 0)) {
        command_complain("a line begins neither by \"out\" nor by \"in\", or "
                         "has too many words");
        exit(COMMAND_USAGE);
    }
    *key = '\0';
    for (int i = 0; i < count; i++) {
        strcat(key, words[i]);
        strcat(key, " ");
    }
    arguments_read(to, count, words);
    if (to->prometheus) {
        command_complain("--prometheus is for the command line");
        exit(COMMAND_USAGE);
    }
    return true;
}

/* Reads all lines, and calls `each` with what they say, which takes the
 * options. */
static bool read_all(const char *path,
                     bool (*each)(struct fleet *fleet, const char *key,
                                  struct route_options *options),
                     struct fleet *fleet)
{
    FILE *file = fopen(path, "re");
    char *line = NULL, *key = NULL;
    struct arguments a;
    size_t room = 0;
    bool is_good = true;

    if (!file) {
        command_complain("%s: %s", path, strerror(errno));
        return false;
    }
    while (getline(&line, &room, file) >= 0) {
        free(key);
        key = malloc(room + 1);
        if (!key) {
            is_good = false;
            break;
        }
        if (!read_line(line, &a, key))
            continue;
        if (!each(fleet, key, &a.route))
            is_good = false;
    }
    free(key);
    free(line);
    fclose(file);
    return is_good;
}

static bool keep(struct fleet *fleet, const char *key,
                 struct route_options *options)
{
    if (fleet)
        fleet_keep(fleet, key);
    route_free_options(options);
    return true;
}

/* In a child, since what is wrong with arguments ends the program. */
bool config_check(const char *path)
{
    int status = -1;
    pid_t pid = fork();

    if (pid == 0)
        _exit(read_all(path, keep, NULL) ? COMMAND_OK : COMMAND_USAGE);
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return status == 0;
}

/* What is gone ends first: what is new may have its port. */
bool config_apply(const char *path, struct fleet *fleet)
{
    bool is_good = read_all(path, keep, fleet);

    fleet_sweep(fleet);
    return read_all(path, fleet_add, fleet) && is_good;
}
