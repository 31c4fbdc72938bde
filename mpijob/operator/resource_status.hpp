// SPDX-License-Identifier: Apache-2.0
// The status of a TrainInKube, as `kubectl get tik` and `kubectl wait` read it.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "base/time.hpp"
#include "mpijob/operator/training_job.hpp"
#include "mpijob/status/training_log.hpp"

namespace ringtrain::mpijob {

// Conditions of a resource. Complete and Failed are its ends, as a Job's.
inline constexpr const char* kModelBuilt = "ModelBuilt";
inline constexpr const char* kDataSplit = "DataSplit";
inline constexpr const char* kTrained = "Trained";
inline constexpr const char* kComplete = "Complete";
inline constexpr const char* kFailed = "Failed";

class ResourceStatus {
 public:
  // Continues from the status that the resource has.
  ResourceStatus(const nlohmann::json& resource, Time now);

  const nlohmann::json& value() const { return value_; }
  bool has(const char* condition) const;
  bool has_ended() const { return has(kComplete) || has(kFailed); }

  // Sets the phase, and why it does not proceed: one word and one line; empty: it does.
  // Phases: Building, Splitting, Training, Suspended, Updating, Succeeded, Failed, Deleting.
  void say(const std::string& phase, const std::string& reason = "", const std::string& why = "");

  // Sets a condition to True, once.
  void reach(const char* condition, const std::string& reason, const std::string& message);

  void set_split(const SplitResult& split);
  // Returns what set_split() has kept; train_rows 0: nothing yet.
  SplitResult split() const;

  // Takes epoch, loss, rate and time left.
  void set_progress(const TrainingLog& log);

  // Sets the time of the end, and takes away the time left.
  void end();

 private:
  nlohmann::json value_;
  Time now_;
};

// Returns a JSON merge patch that makes `after` of `before`; null where they are equal.
nlohmann::json status_patch(const nlohmann::json& before, const nlohmann::json& after);

}  // namespace ringtrain::mpijob
