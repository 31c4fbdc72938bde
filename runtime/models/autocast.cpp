// SPDX-License-Identifier: Apache-2.0
#include "runtime/models/autocast.hpp"

#include <ATen/autocast_mode.h>

namespace ringtrain {

Autocast::Autocast(bool on, at::DeviceType device) : on_(on), device_(device) {
  if (!on_) return;
  at::autocast::set_autocast_dtype(device_, at::kBFloat16);
  at::autocast::set_autocast_enabled(device_, true);
  at::autocast::increment_nesting();
}

Autocast::~Autocast() {
  if (!on_) return;
  // The next step casts new values of the parameters.
  if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
  at::autocast::set_autocast_enabled(device_, false);
}

}  // namespace ringtrain
