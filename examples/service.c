/* SPDX-License-Identifier: MIT */
/*
 * A service with three clients: it says what a stock costs. Each client is a
 * process that asks a thousand times, the last two hundred of them without
 * waiting in between. The server works until it is interrupted, here by a
 * signal when the clients are done.
 *
 *     cc service.c $(pkg-config --cflags --libs shmipc)
 */
#include <shmipc/shmipc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CLIENTS = 3, CALLS = 800, AT_ONCE = 200 };

struct question {
    char symbol[8];
    int shares;
};

static IpcService *service;

static void stop(int signal)
{
    (void)signal;
    ipc_service_interrupt(service);
}

/* ------------------------------------------------------------- the server */

static double price_of(const struct question *question)
{
    return (double)strlen(question->symbol) * question->shares;
}

static int serve(void)
{
    int answers = 0;

    for (;;) {
        IpcServiceReceiveResult r = ipc_service_receive(service, NULL);
        struct question question;
        double price;

        if (r.ipc_status == IPC_ERR_INTERRUPTED)
            return answers;
        if (IpcServiceReceiveResult_is_error(r)) {
            fprintf(stderr, "receive: %s\n", r.error.detail);
            return -1;
        }
        if (r.result->size != sizeof question) {
            ipc_service_refuse(service, r.result);
            continue;
        }
        memcpy(&question, r.result->payload, sizeof question);
        price = price_of(&question);
        /* If the client has died there is nobody to be answered. */
        ipc_service_answer(service, r.result, &price, sizeof price);
        answers++;
    }
}

/* ------------------------------------------------------------ the clients */

static int ask_and_wait(IpcClient *client)
{
    const struct timespec timeout = {.tv_sec = 20};

    for (int i = 0; i < CALLS; i++) {
        struct question question = {"ACME", i};
        double price = 0;
        IpcAnswer answer = {.payload = &price, .size = sizeof price};
        IpcClientCallResult r = ipc_client_call(
            client, &question, sizeof question, &answer, &timeout);

        if (IpcClientCallResult_is_error(r)) {
            fprintf(stderr, "call: %s\n", r.error.detail);
            return 1;
        }
        if (price < 4.0 * i)
            return 1;
    }
    return 0;
}

static int ask_many_at_once(IpcClient *client)
{
    IpcCall calls[AT_ONCE];
    int bad = 0;

    for (int i = 0; i < AT_ONCE; i++) {
        struct question question = {"XY", i};
        IpcClientSendResult sent =
            ipc_client_send(client, &question, sizeof question, NULL);

        if (IpcClientSendResult_is_error(sent))
            return 1;
        calls[i] = sent.result;
    }
    for (int i = AT_ONCE - 1; i >= 0; i--) { /* in any order */
        double price = 0;
        IpcAnswer answer = {.payload = &price, .size = sizeof price};

        bad |= ipc_client_collect(client, calls[i], &answer, NULL).ipc_status !=
                   IPC_OK ||
               price < 2.0 * i;
    }
    return bad;
}

static int be_client(const char *name)
{
    IpcClientOpenResult opened = ipc_client_open(name, NULL);
    int bad;

    if (IpcClientOpenResult_is_error(opened)) {
        fprintf(stderr, "client: %s\n", opened.error.detail);
        return 1;
    }
    bad = ask_and_wait(opened.result) || ask_many_at_once(opened.result);
    ipc_client_destroy(opened.result);
    return bad;
}

/* Stops the server when all clients are done. */
static int watch_clients(const char *name)
{
    int bad = 0, status;

    for (int i = 0; i < CLIENTS; i++)
        if (fork() == 0)
            _exit(be_client(name));
    while (wait(&status) > 0)
        bad |= status;
    kill(getppid(), SIGTERM);
    return bad != 0;
}

int main(void)
{
    IpcServiceOpenResult opened;
    int answers, status = 1;
    char name[64];

    snprintf(name, sizeof name, "/shmipc-quotes-%d", (int)getpid());
    opened = ipc_service_open(name, NULL);
    if (IpcServiceOpenResult_is_error(opened)) {
        fprintf(stderr, "service: %s\n", opened.error.detail);
        return 1;
    }
    service = opened.result;
    signal(SIGTERM, stop);
    if (fork() == 0)
        _exit(watch_clients(name));
    answers = serve();
    wait(&status);
    ipc_service_destroy(service);
    printf("%d clients, %d answers\n", CLIENTS, answers);
    return status != 0 || answers != CLIENTS * (CALLS + AT_ONCE);
}
