// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "job/keys/key_group.hpp"
#include "job/kubernetes_spec.hpp"

namespace ringtrain {

// Returns the keys of the group `kubernetes`.
KeyGroup<KubernetesSpec> kubernetes_keys();

}  // namespace ringtrain
