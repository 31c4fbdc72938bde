// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "job/document.hpp"
#include "job/kubernetes_spec.hpp"

namespace ringtrain {

// Refuses keys of the group `kubernetes` that do not fit one another. Throws a job error.
void check_kubernetes(const KubernetesSpec& spec, bool runs_script, const Document& document);

}  // namespace ringtrain
