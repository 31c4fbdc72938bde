// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "job/document.hpp"
#include "job/kubernetes_spec.hpp"

namespace ringtrain {

// What the schema cannot say of the group `kubernetes`: keys that must fit one another. Throws
// a job error.
void check_kubernetes(const KubernetesSpec& spec, const Document& document);

}  // namespace ringtrain
