/* SPDX-License-Identifier: MIT */
/*
 * A log collector: four workers write lines into one channel, one process
 * writes them down. It shows
 *
 * - back-pressure: the channel is small and the collector is slow, so workers
 *   wait for space; what need not be written if that takes too long (debug
 *   lines) is dropped and counted instead;
 * - a graceful end: SIGTERM ends the workers' work, not a line that is being
 *   written; when the last one has gone the channel is closed, and the
 *   collector reads what is left and then ends by itself.
 *
 *     cc log_collector.c $(pkg-config --cflags --libs shmipc)
 */
#include <shmipc/shmipc.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    WORKERS = 4,
    CHANNEL_SIZE = 8192, /* a hundred lines */
    RUN_MS = 300,
    PATIENCE_S = 10,
};

enum level { DEBUG, INFO, LAST };

struct line {
    int worker;
    int level;        /* enum level */
    unsigned number;  /* of this worker's, INFO */
    unsigned dropped; /* DEBUG lines so far */
    char text[48];
};

static volatile sig_atomic_t stop;

static void on_term(int signal)
{
    stop = signal;
}

static void pause_us(long us)
{
    const struct timespec pause = {.tv_nsec = us * 1000};

    nanosleep(&pause, NULL);
}

/* --------------------------------------------------------------- a worker */

/* Waits for space at most so long; whether the line was written, or -1. */
static int write_line(IpcChannel *channel, const struct line *line,
                      const struct timespec *patience)
{
    IpcChannelWriteResult r =
        ipc_channel_write_with_timeout(channel, line, sizeof *line, patience);

    if (IpcChannelWriteResult_is_ok(r))
        return 1;
    if (r.ipc_status == IPC_ERR_TIMEOUT)
        return 0;
    fprintf(stderr, "write: %s\n", r.error.detail);
    return -1;
}

/* Lines until SIGTERM comes, a debug line before each. Then one more that says
 * how many there were: the collector checks that nothing is missing. */
static int be_worker(IpcChannel *channel, int worker)
{
    static const struct timespec none = {0, 0};
    static const struct timespec patience = {PATIENCE_S, 0};
    struct line line = {.worker = worker};

    while (!stop) {
        int written;

        line.level = DEBUG;
        snprintf(line.text, sizeof line.text, "about to do %u", line.number);
        written = write_line(channel, &line, &none);
        if (written < 0)
            return 1;
        line.dropped += !written;
        line.level = INFO;
        snprintf(line.text, sizeof line.text, "did %u", line.number);
        if (write_line(channel, &line, &patience) != 1)
            return 1;
        line.number++;
    }
    line.level = LAST;
    return write_line(channel, &line, &patience) != 1;
}

/* ---------------------------------------------------------- the collector */

struct account {
    unsigned written[WORKERS], lost, ended, debug, dropped;
};

static void note(struct account *account, const struct line *line)
{
    if (line->worker < 0 || line->worker >= WORKERS)
        account->lost++;
    else if (line->level == DEBUG)
        account->debug++;
    else if (line->number != account->written[line->worker])
        account->lost++;
    else if (line->level == INFO)
        account->written[line->worker]++;
    if (line->level == LAST) {
        account->ended++;
        account->dropped += line->dropped;
    }
}

/* Until the channel is closed and empty. */
static int be_collector(IpcChannel *channel)
{
    struct account account = {0};
    IpcChannelReadResult r;
    unsigned written = 0;
    struct line line;

    for (;;) {
        IpcEntry entry = {.payload = &line, .size = sizeof line};

        r = ipc_channel_read_into_blocking(channel, &entry);
        if (r.ipc_status != IPC_OK)
            break;
        if (entry.size != sizeof line)
            account.lost++;
        else
            note(&account, &line);
        pause_us(20); /* a slow disk */
    }
    if (r.ipc_status != IPC_ERR_CLOSED) {
        fprintf(stderr, "read: %s\n", r.error.detail);
        return 1;
    }
    for (int i = 0; i < WORKERS; i++)
        written += account.written[i];
    printf("%u lines of %d workers, %u debug lines and %u dropped, %u lost\n",
           written, WORKERS, account.debug, account.dropped, account.lost);
    return account.lost != 0 || account.ended != WORKERS || written == 0;
}

/* --------------------------------------------------------- all of them */

/* Ends the workers and closes the channel when they have gone. */
static int end(IpcChannel *channel, const pid_t *workers)
{
    int bad = 0;

    for (int i = 0; i < WORKERS; i++)
        if (workers[i] > 0 && kill(workers[i], SIGTERM) != 0)
            perror("kill");
    for (int i = 0; i < WORKERS; i++) {
        int status = 0;

        if (workers[i] < 0 || waitpid(workers[i], &status, 0) != workers[i] ||
            status != 0)
            bad = 1;
    }
    return bad || IpcChannelCloseResult_is_error(ipc_channel_close(channel));
}

/* Forks what `work` does; -1 if that fails. */
static pid_t start_worker(IpcChannel *channel, int worker)
{
    pid_t pid = fork();

    if (pid == 0)
        _exit(be_worker(channel, worker));
    if (pid < 0)
        perror("fork");
    return pid;
}

static int run(IpcChannel *channel)
{
    struct sigaction action = {.sa_handler = on_term};
    pid_t workers[WORKERS], collector;
    int status = 0, bad;

    /* Before the workers exist: none is to miss its signal. */
    if (sigaction(SIGTERM, &action, NULL) != 0) {
        perror("sigaction");
        return 1;
    }
    collector = fork();
    if (collector == 0)
        _exit(fflush(stdout) != 0 || be_collector(channel) ||
              fflush(stdout) != 0);
    for (int i = 0; i < WORKERS; i++)
        workers[i] = start_worker(channel, i);
    for (int i = 0; i < RUN_MS; i++)
        pause_us(1000);
    bad = end(channel, workers);
    return bad || collector < 0 ||
           waitpid(collector, &status, 0) != collector || status != 0;
}

int main(void)
{
    const IpcChannelConfiguration configuration = {.flags =
                                                       IPC_BUFFER_ONE_CONSUMER};
    void *memory = mmap(NULL, CHANNEL_SIZE, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    IpcChannelResult created;
    int bad;

    if (memory == MAP_FAILED) {
        perror("mmap");
        return 1;
    }
    created = ipc_channel_create(memory, CHANNEL_SIZE, configuration);
    if (IpcChannelResult_is_error(created)) {
        fprintf(stderr, "create: %s\n", created.error.detail);
        return 1;
    }
    bad = run(created.result);
    if (IpcChannelDestroyResult_is_error(ipc_channel_destroy(created.result)))
        bad = 1;
    munmap(memory, CHANNEL_SIZE);
    return bad;
}
