// SPDX-License-Identifier: Apache-2.0
#include "job/keys/optimizer_keys.hpp"

namespace ringtrain {

KeyGroup<OptimizerSpec> optimizer_keys() {
  using T = OptimizerSpec;
  KeyGroup<T> group;
  group.choice(
      "type", &T::type, {{T::Type::sgd, "sgd"}, {T::Type::adamw, "adamw"}, {T::Type::lars, "lars"}},
      "sgd, adamw, or lars (layer-wise rates for large batches).", {.on_resume = OnResume::fixed});
  group.key("learning_rate", &T::learning_rate, "The rate after warm-up.",
            {.above = 0, .max = 1000});
  group.key("momentum", &T::momentum, "sgd and lars.",
            {.min = 0, .below = 1, .idle = {"optimizer.type", {"adamw"}}});
  group.key("nesterov", &T::nesterov, "sgd: look ahead by one momentum step.",
            {.idle = {"optimizer.type", {"adamw", "lars"}}});
  group.key("weight_decay", &T::weight_decay,
            "sgd and lars: added to the gradient; adamw: decoupled from it.",
            {.min = 0, .max = 10});
  group.key("beta1", &T::beta1, "adamw: decay of the gradients' mean.",
            {.min = 0, .below = 1, .idle = {"optimizer.type", {"sgd", "lars"}}});
  group.key("beta2", &T::beta2, "adamw: decay of the squared gradients' mean.",
            {.min = 0, .below = 1, .idle = {"optimizer.type", {"sgd", "lars"}}});
  group.key("epsilon", &T::epsilon, "adamw and lars: keeps the quotient finite.",
            {.above = 0, .max = 1, .idle = {"optimizer.type", {"sgd"}}});
  group.key("trust", &T::trust, "lars: the trust coefficient (You et al. 2017, eta).",
            {.above = 0, .max = 1, .idle = {"optimizer.type", {"sgd", "adamw"}}});
  group.example("type: adamw, learning_rate: 0.001");
  return group;
}

KeyGroup<ScheduleSpec> schedule_keys() {
  using T = ScheduleSpec;
  KeyGroup<T> group;
  group.choice(
      "type", &T::type,
      {{T::Type::constant, "constant"}, {T::Type::step, "step"}, {T::Type::cosine, "cosine"}},
      "constant, step (times gamma at each milestone), or cosine (down to final_factor at the "
      "end).");
  group.key("warmup_epochs", &T::warmup_epochs,
            "The rate rises linearly from 0 for so many epochs, parts of one included.",
            {.min = 0, .max = 1000000});
  group.key("milestones", &T::milestones,
            "step: the epochs at which the rate is multiplied by gamma, ascending.",
            {.above = 0,
             .max = 1000000,
             .max_items = 1024,
             .idle = {"schedule.type", {"constant", "cosine"}}});
  group.key("gamma", &T::gamma, "step: the factor at each milestone.",
            {.above = 0, .max = 1, .idle = {"schedule.type", {"constant", "cosine"}}});
  group.key("final_factor", &T::final_factor,
            "cosine: the last rate as a share of the learning rate.",
            {.min = 0, .max = 1, .idle = {"schedule.type", {"constant", "step"}}});
  group.example("type: cosine, warmup_epochs: 1");
  return group;
}

}  // namespace ringtrain
