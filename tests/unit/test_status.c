/* SPDX-License-Identifier: MIT */
/*
 * Statuses, result types and the version.
 */
#include "helpers.h"

static const struct {
    IpcStatus status;
    int number;
    const char *name;
} known[] = {
    {IPC_OK, 0, "IPC_OK"},
    {IPC_EMPTY, 1, "IPC_EMPTY"},
    {IPC_ALREADY_SKIPPED, 2, "IPC_ALREADY_SKIPPED"},
    {IPC_PLACEHOLDER, 3, "IPC_PLACEHOLDER"},
    {IPC_ERR_ENTRY_TOO_LARGE, -1, "IPC_ERR_ENTRY_TOO_LARGE"},
    {IPC_ERR_ALLOCATION, -2, "IPC_ERR_ALLOCATION"},
    {IPC_ERR_INVALID_ARGUMENT, -3, "IPC_ERR_INVALID_ARGUMENT"},
    {IPC_ERR_TOO_SMALL, -4, "IPC_ERR_TOO_SMALL"},
    {IPC_ERR_ILLEGAL_STATE, -5, "IPC_ERR_ILLEGAL_STATE"},
    {IPC_ERR_SYSTEM, -6, "IPC_ERR_SYSTEM"},
    {IPC_ERR_NO_SPACE_CONTIGUOUS, -7, "IPC_ERR_NO_SPACE_CONTIGUOUS"},
    {IPC_ERR_NOT_READY, -8, "IPC_ERR_NOT_READY"},
    {IPC_ERR_LOCKED, -9, "IPC_ERR_LOCKED"},
    {IPC_ERR_OFFSET_MISMATCH, -10, "IPC_ERR_OFFSET_MISMATCH"},
    {IPC_ERR_TIMEOUT, -11, "IPC_ERR_TIMEOUT"},
    {IPC_ERR_RETRY_LIMIT, -12, "IPC_ERR_RETRY_LIMIT"},
    {IPC_ERR_CORRUPTED, -13, "IPC_ERR_CORRUPTED"},
    {IPC_ERR_NOT_FORMATTED, -14, "IPC_ERR_NOT_FORMATTED"},
    {IPC_ERR_LAYOUT_VERSION, -15, "IPC_ERR_LAYOUT_VERSION"},
    {IPC_ERR_INITIALIZING, -16, "IPC_ERR_INITIALIZING"},
    {IPC_ERR_TRUNCATED, -17, "IPC_ERR_TRUNCATED"},
    {IPC_ERR_ROLE_TAKEN, -18, "IPC_ERR_ROLE_TAKEN"},
    {IPC_ERR_OWNERS_FULL, -19, "IPC_ERR_OWNERS_FULL"},
    {IPC_ERR_CLOSED, -20, "IPC_ERR_CLOSED"},
    {IPC_ERR_UNSUPPORTED, -21, "IPC_ERR_UNSUPPORTED"},
    {IPC_ERR_PRODUCERS_DEAD, -22, "IPC_ERR_PRODUCERS_DEAD"},
    {IPC_ERR_SIZE_MISMATCH, -23, "IPC_ERR_SIZE_MISMATCH"},
    {IPC_ERR_FORMATTED_ANEW, -24, "IPC_ERR_FORMATTED_ANEW"},
    {IPC_ERR_READ_ONLY, -25, "IPC_ERR_READ_ONLY"},
    {IPC_ERR_INTERRUPTED, -26, "IPC_ERR_INTERRUPTED"},
    {IPC_ERR_CONSUMERS_DEAD, -27, "IPC_ERR_CONSUMERS_DEAD"},
    {IPC_ERR_EXISTS, -28, "IPC_ERR_EXISTS"},
    {IPC_ERR_IN_USE, -29, "IPC_ERR_IN_USE"},
    {IPC_ERR_NOT_FOUND, -30, "IPC_ERR_NOT_FOUND"},
    {IPC_ERR_SERVER_DEAD, -32, "IPC_ERR_SERVER_DEAD"},
    {IPC_ERR_CANCELLED, -33, "IPC_ERR_CANCELLED"},
};

enum { KNOWN = sizeof known / sizeof known[0] };

Test(unit, status_numbers_are_what_was_promised)
{
    for (size_t i = 0; i < KNOWN; i++)
        must_say((int)known[i].status == known[i].number, "%s is %d",
                 known[i].name, (int)known[i].status);
}

Test(unit, every_status_is_named_like_its_identifier)
{
    for (size_t i = 0; i < KNOWN; i++)
        must_say(!strcmp(ipc_status_name(known[i].status), known[i].name),
                 "%s is named %s", known[i].name,
                 ipc_status_name(known[i].status));
}

Test(unit, every_status_has_a_sentence_of_its_own)
{
    for (size_t i = 0; i < KNOWN; i++) {
        const char *text = ipc_status_text(known[i].status);

        must(text != NULL && strlen(text) > 1);
        must_say(text[strlen(text) - 1] == '.', "no sentence: %s", text);
        for (size_t j = 0; j < i; j++)
            must_say(strcmp(text, ipc_status_text(known[j].status)) != 0,
                     "%s and %s say the same", known[i].name, known[j].name);
    }
}

Test(unit, numbers_that_are_no_status_are_called_unknown)
{
    static const int others[] = {4, 5, 100, -99, -100, 0x7fffffff};

    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        must(!strcmp(ipc_status_name((IpcStatus)others[i]), "unknown"));
        must(ipc_status_text((IpcStatus)others[i]) != NULL);
        must(*ipc_status_text((IpcStatus)others[i]) != '\0');
    }
}

Test(unit, version_of_library_and_headers_agree)
{
    char text[32];

    snprintf(text, sizeof text, "%d.%d.%d", IPC_VERSION_MAJOR,
             IPC_VERSION_MINOR, IPC_VERSION_PATCH);
    must(!strcmp(text, IPC_VERSION_STRING));
    must(!strcmp(ipc_version(), IPC_VERSION_STRING));
}

typedef struct TestBody {
    int number;
} TestBody;
IPC_RESULT(TestResult, int, TestBody)
IPC_RESULT_UNIT(TestUnitResult, TestBody)

Test(unit, a_success_carries_its_result)
{
    TestResult r = TestResult_ok(IPC_OK, 42);

    must(r.ipc_status == IPC_OK && r.result == 42);
    must(TestResult_is_ok(r) && !TestResult_is_error(r));
}

Test(unit, a_positive_status_is_no_error)
{
    TestResult r = TestResult_ok(IPC_ALREADY_SKIPPED, 7);
    TestUnitResult unit = TestUnitResult_ok(IPC_EMPTY);

    must(TestResult_is_ok(r) && !TestResult_is_error(r));
    must(r.ipc_status == IPC_ALREADY_SKIPPED && r.result == 7);
    must(TestUnitResult_is_ok(unit) && !TestUnitResult_is_error(unit));
    must(unit.ipc_status == IPC_EMPTY);
}

Test(unit, an_error_without_body_says_that_it_has_none)
{
    TestResult r = TestResult_error(IPC_ERR_TIMEOUT, "too late");
    TestUnitResult unit = TestUnitResult_error(IPC_ERR_LOCKED, "held");

    must(TestResult_is_error(r) && !TestResult_is_ok(r));
    must(r.ipc_status == IPC_ERR_TIMEOUT);
    must(!strcmp(r.error.detail, "too late"));
    must(!TestResult_is_error_has_body(r.error));
    must(TestUnitResult_is_error(unit) && !TestUnitResult_is_ok(unit));
    must(unit.ipc_status == IPC_ERR_LOCKED);
    must(!strcmp(unit.error.detail, "held"));
    must(!TestUnitResult_is_error_has_body(unit.error));
}

Test(unit, an_error_body_is_carried_whole)
{
    TestBody body = {.number = 99};
    TestResult r = TestResult_error_body(IPC_ERR_SYSTEM, "it broke", body);
    TestUnitResult unit =
        TestUnitResult_error_body(IPC_ERR_SYSTEM, "it broke", body);

    must(TestResult_is_error(r) && TestResult_is_error_has_body(r.error));
    must(r.error.body.number == 99 && !strcmp(r.error.detail, "it broke"));
    must(TestUnitResult_is_error(unit));
    must(TestUnitResult_is_error_has_body(unit.error));
    must(unit.error.body.number == 99);
}

Test(unit, a_detail_is_never_null)
{
    TestBody body = {.number = 1};

    must(TestResult_error(IPC_ERR_SYSTEM, NULL).error.detail != NULL);
    must(TestUnitResult_error(IPC_ERR_SYSTEM, NULL).error.detail != NULL);
    must(TestResult_error_body(IPC_ERR_SYSTEM, NULL, body).error.detail);
    must(TestUnitResult_error_body(IPC_ERR_SYSTEM, NULL, body).error.detail);
}

Test(unit, every_status_is_either_ok_or_an_error)
{
    for (size_t i = 0; i < KNOWN; i++) {
        TestResult r = TestResult_error(known[i].status, "");

        must(TestResult_is_error(r) == (known[i].number < 0));
        must(TestResult_is_ok(r) == (known[i].number >= 0));
    }
}
