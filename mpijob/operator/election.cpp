// SPDX-License-Identifier: Apache-2.0
#include "mpijob/operator/election.hpp"

#include "mpijob/client/json_path.hpp"

namespace ringtrain::mpijob {
namespace {

using nlohmann::json;

// The API takes microseconds, all six digits of them.
std::string micro_time(Time now) {
  std::string text = print_time_ms(now);
  text.insert(text.size() - 1, "000");
  return text;
}

}  // namespace

json Election::claim(const json& lease, Time now, Clock::time_point at) {
  const std::string time = micro_time(now);
  json fields = {{"spec",
                  {{"holderIdentity", identity_},
                   {"leaseDurationSeconds", kDuration.count()},
                   {"renewTime", time}}}};
  const json& spec = look(lease, {"spec"});
  const std::string holder = look_text(spec, {"holderIdentity"});
  if (lease.is_object()) {
    fields["metadata"]["resourceVersion"] = look_text(lease, {"metadata", "resourceVersion"});
  }
  if (holder == identity_) return fields;
  if (!holder.empty()) {
    if (spec != seen_) {
      seen_ = spec;
      seen_at_ = at;
    }
    const std::chrono::seconds theirs(
        look_number(spec, {"leaseDurationSeconds"}, kDuration.count()));
    if (at - seen_at_ <= theirs) return nullptr;
  }
  fields["spec"]["acquireTime"] = time;
  fields["spec"]["leaseTransitions"] = look_number(spec, {"leaseTransitions"}) + 1;
  return fields;
}

json Election::release(const json& lease) const {
  if (look_text(lease, {"spec", "holderIdentity"}) != identity_) return nullptr;
  return {{"metadata", {{"resourceVersion", look_text(lease, {"metadata", "resourceVersion"})}}},
          {"spec", {{"holderIdentity", ""}, {"leaseDurationSeconds", 1}}}};
}

}  // namespace ringtrain::mpijob
