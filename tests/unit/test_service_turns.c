/* SPDX-License-Identifier: MIT */
/*
 * Which of the threads that use one client looks whether somebody serves: what
 * they know of each other is set from here.
 */
#include "../own_name.h"
#include "service/gather.h"
#include "wait/clock.h"
#include <criterion/criterion.h>

Test(service_turns, who_waits_beside_one_that_reads_does_not_take_its_turn)
{
    char name[OWN_NAME_ROOM];
    IpcServiceOpenResult service;
    IpcClientOpenResult opened;
    struct IpcClient *client;

    own_name(name, "turns");
    service = ipc_service_open(name, NULL);
    cr_assert(service.ipc_status == IPC_OK);
    opened = ipc_client_open(name, NULL);
    cr_assert(opened.ipc_status == IPC_OK);
    client = opened.result;
    client->next_look = 0;
    client->reading = true;
    gather_look(client, clock_now());
    cr_assert(client->next_look == 0, "the turn was taken");
    client->reading = false;
    gather_look(client, clock_now());
    cr_assert(client->next_look != 0);
    ipc_client_destroy(client);
    ipc_service_destroy(service.result);
}
