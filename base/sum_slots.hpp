// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace ringtrain {

// Values that share one sum over the ranks. Each part of the trainer adds its own before the sum
// and reads them after it, without knowing what else is in there:
//
//   SumSlots slots;
//   const SumSlots::Slot loss = slots.add("loss", loss_of_this_rank);
//   exchange.sum(slots.values());
//   slots[loss];  // of all ranks
//
// Requires: every rank adds the same slots in the same order.
class SumSlots {
 public:
  // Handle of one or more neighbouring values.
  struct Slot {
    size_t first = 0;
    size_t count = 1;
  };

  // Throws std::logic_error if the name is taken. `name` must outlive the slots (a literal).
  Slot add(std::string_view name, double value) { return add(name, {&value, 1}); }
  Slot add(std::string_view name, std::span<const double> values) {
    if (std::find(names_.begin(), names_.end(), name) != names_.end()) {
      throw std::logic_error("two slots are named " + std::string(name));
    }
    names_.push_back(name);
    const Slot slot = {.first = values_.size(), .count = values.size()};
    values_.insert(values_.end(), values.begin(), values.end());
    return slot;
  }

  // All values, for the sum in place.
  std::span<double> values() { return values_; }

  double operator[](Slot slot) const { return values_[slot.first]; }
  std::span<const double> all(Slot slot) const {
    return std::span(values_).subspan(slot.first, slot.count);
  }

 private:
  std::vector<std::string_view> names_;
  std::vector<double> values_;
};

}  // namespace ringtrain
