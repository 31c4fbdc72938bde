// SPDX-License-Identifier: Apache-2.0
#include "runtime/optim/update_rule.hpp"

#include <stdexcept>

#include "runtime/optim/rules.hpp"

namespace ringtrain {

UpdateRule make_update_rule(const OptimizerSpec& spec, const Device& device) {
  for (const RuleRow& row : device.torch().is_cuda() ? cuda_rules() : cpu_rules()) {
    if (row.kind == spec.type) return row.make(spec, device);
  }
  throw std::logic_error("no update rule for this optimizer on " + device.name());
}

}  // namespace ringtrain
