// SPDX-License-Identifier: Apache-2.0
// The controller's loop: takes part in the election, watches the namespace, and carries out the
// plans of reconcile.hpp.
//
// Thread: one. A write that is made twice, as by two operators at once, does no harm: objects have
// fixed names, and changes of the resource carry its version.
#pragma once

#include <chrono>
#include <csignal>
#include <map>
#include <optional>
#include <string>

#include "base/deadline.hpp"
#include "mpijob/client/api_client.hpp"
#include "mpijob/operator/election.hpp"
#include "mpijob/operator/namespace_view.hpp"
#include "mpijob/operator/reconcile.hpp"

namespace ringtrain::mpijob {

class Operator {
 public:
  // `identity` is this operator's name in the election. The client must outlive the object.
  Operator(ApiClient& client, OperatorSettings settings, std::string identity)
      : client_(client),
        settings_(std::move(settings)),
        identity_(identity),
        election_(std::move(identity)) {}

  // Works until `stop` is set. An API server that cannot be reached, and rights that are missing,
  // are logged in one line and tried again.
  void run(const volatile std::sig_atomic_t& stop);

 private:
  // A resource for which the server has refused something.
  struct Backoff {
    std::chrono::milliseconds pause{1000};
    Deadline next_try{std::chrono::seconds(0)};
  };

  void campaign();
  void release();
  void turn();
  void work_on(const std::string& name);
  void apply(const ObservedResource& seen, const Plan& plan);
  void create(const ObservedResource& seen, const nlohmann::ordered_json& object);
  void submit(const ObservedResource& seen, const Plan& plan);
  void patch_status(const ObservedResource& seen, const nlohmann::json& patch);
  void report(const ObservedResource& seen, const nlohmann::json& patch);
  void log_once(const std::string& line);

  ApiClient& client_;
  const OperatorSettings settings_;
  const std::string identity_;
  Election election_;
  Deadline next_campaign_{std::chrono::seconds(0)};
  Deadline resync_{std::chrono::seconds(0)};
  std::optional<NamespaceView> view_;
  std::map<std::string, Backoff> refused_;
  std::map<std::string, std::string> written_;  // versions that we have changed since
  std::string last_line_;
  bool led_ = false;
};

}  // namespace ringtrain::mpijob
