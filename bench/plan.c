/* SPDX-License-Identifier: MIT */
#include "plan.h"
#include <string.h>

bool plan_wants(const struct plan *plan, const struct transport *t)
{
    return !plan->only || strstr(t->name, plan->only);
}

bool plan_wants_size(const struct plan *plan, size_t size)
{
    return plan->size == 0 || plan->size == size;
}
