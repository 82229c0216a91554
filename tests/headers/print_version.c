/* SPDX-License-Identifier: MIT */
/* What the headers and the library say their version is, one per line. */
#include <shmipc/ipc_common.h>
#include <stdio.h>

int main(void)
{
    printf("IPC_VERSION_STRING %s\n", IPC_VERSION_STRING);
    printf("IPC_VERSION_MAJOR..PATCH %d.%d.%d\n", IPC_VERSION_MAJOR,
           IPC_VERSION_MINOR, IPC_VERSION_PATCH);
    printf("ipc_version() %s\n", ipc_version());
    return 0;
}
