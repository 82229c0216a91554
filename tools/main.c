/* SPDX-License-Identifier: MIT */
/*
 * shmipc: looks at channels in shared memory, and repairs them.
 */
#include "command.h"
#include <errno.h>
#include <fcntl.h>
#include <shmipc/ipc_common.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct entry {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
};

/* In the order in which people need them. */
static const struct entry commands[] = {
    {"create", command_create, "make a channel"},
    {"send", command_send, "send standard input as messages"},
    {"recv", command_recv, "write messages to standard output"},
    {"tap", command_tap, "write what goes through, and take nothing"},
    {"record", command_record, "keep what goes through in a file"},
    {"replay", command_replay, "send what was recorded"},
    {"bridge", command_bridge, "carry messages to and from other machines"},
    {"perf", command_perf, "measure what messages cost on this machine"},
    {"ls", command_ls, "list the channels and buffers of this machine"},
    {"stat", command_stat, "show what is in one, who uses it, what is wrong"},
    {"doctor", command_doctor, "look what is wrong on this machine"},
    {"recover", command_recover, "remove what dead processes left in the way"},
    {"rm", command_rm, "remove segments that nobody uses"},
    {"prune", command_prune, "remove what dead processes left, all of it"},
    {"dump", command_dump, "print control words and entries around the head"},
};
enum { COMMANDS = sizeof commands / sizeof commands[0] };

static void print_help(FILE *to)
{
    fputs("usage: shmipc COMMAND [OPTION]... [NAME]\n\n"
          "Looks at channels in shared memory, and repairs them.\n\n",
          to);
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(to, "  %-8s  %s\n", commands[i].name, commands[i].summary);
    fputs("\n`shmipc COMMAND --help` says more, and what the exit code means.\n"
          "A NAME is that of a segment, \"/prices\" or \"prices\", or the path "
          "of a file\nif it has a slash elsewhere: \"./prices\", "
          "\"/dev/hugepages/prices\",\n\"/proc/4711/fd/5\" for memory without "
          "a name.\n",
          to);
}

static int print_version(void)
{
    printf("shmipc %s\n", ipc_version());
    return command_finish(COMMAND_OK);
}

/* What was closed by who started us ("recv >&-") would be the number of the
 * next file that we open, and messages would go to a pipe or a segment of ours.
 * In its place comes what can neither be read nor written, as it was meant. */
static bool fill_standard_streams(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF &&
            open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
            return false;
    return true;
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";

    if (!fill_standard_streams()) {
        command_complain("a standard stream is closed, and /dev/null cannot "
                         "take its place");
        return COMMAND_FAILED;
    }
    /* A reader that has seen enough, as `head`, ends us; no message. */
    signal(SIGPIPE, SIG_DFL);
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 ||
        strcmp(name, "help") == 0) {
        print_help(stdout);
        return command_finish(COMMAND_OK);
    }
    if (strcmp(name, "--version") == 0)
        return print_version();
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(name, commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    if (*name)
        command_complain("there is no command \"%s\"", name);
    print_help(stderr);
    return COMMAND_USAGE;
}
