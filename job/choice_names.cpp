// SPDX-License-Identifier: Apache-2.0
#include "job/choice_names.hpp"

namespace ringtrain {
namespace {

template <class E>
std::string find_name(const ChoiceNames<E>& names, E value) {
  for (const auto& [own, name] : names) {
    if (own == value) return name;
  }
  return "";  // not reached: every value has a name
}

}  // namespace

const ChoiceNames<JobSpec::Loss>& loss_names() {
  using Loss = JobSpec::Loss;
  static const ChoiceNames<Loss> names = {
      {Loss::automatic, "auto"}, {Loss::cross_entropy, "cross_entropy"},
      {Loss::mse, "mse"},        {Loss::l1, "l1"},
      {Loss::huber, "huber"},    {Loss::bce_with_logits, "bce_with_logits"}};
  return names;
}

const ChoiceNames<JobSpec::Precision>& precision_names() {
  using Precision = JobSpec::Precision;
  static const ChoiceNames<Precision> names = {{Precision::automatic, "auto"},
                                               {Precision::fp32, "fp32"},
                                               {Precision::tf32, "tf32"},
                                               {Precision::bf16, "bf16"}};
  return names;
}

std::string name_of(JobSpec::Loss loss) { return find_name(loss_names(), loss); }
std::string name_of(JobSpec::Precision precision) {
  return find_name(precision_names(), precision);
}

}  // namespace ringtrain
