// SPDX-License-Identifier: Apache-2.0
#include "server/cluster/cluster_run.hpp"

#include <exception>
#include <system_error>
#include <tuple>

#include "base/file.hpp"
#include "job/fields.hpp"

namespace ringtrain::server {

namespace fs = std::filesystem;
using nlohmann::ordered_json;
using ringtrain::from_json;  // for structs with fields
using ringtrain::to_json;

constexpr auto fields_of(const ClusterPod*) {
  using T = ClusterPod;
  return std::tuple(field("pod", &T::name), field("role", &T::role), field("node", &T::node),
                    field("state", &T::state), field("restarts", &T::restarts),
                    field("why", &T::why));
}

constexpr auto fields_of(const ClusterRun*) {
  using T = ClusterRun;
  return std::tuple(field("namespace", &T::name_space), field("uid", &T::uid),
                    field("started", &T::started), field("state", &T::state),
                    field("reason", &T::reason), field("why", &T::why), field("pods", &T::pods),
                    field("earlier_pods", &T::earlier_pods));
}

constexpr auto fields_of(const ClusterWish*) {
  using T = ClusterWish;
  return std::tuple(field("suspend", &T::suspend), field("remove", &T::remove),
                    field("workers", &T::workers));
}

namespace {

template <class T>
std::optional<T> read(const fs::path& file) {
  std::error_code error;
  if (!fs::exists(file, error)) return std::nullopt;
  try {
    return ordered_json::parse(read_file(file)).get<T>();
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

template <class T>
void write(const fs::path& file, const T& value) {
  ordered_json json = {{"version", 1}};
  json.update(ordered_json(value));
  write_file(file, json.dump(1, ' ', false, ordered_json::error_handler_t::replace) + "\n");
}

}  // namespace

std::optional<ClusterRun> read_cluster_run(const fs::path& folder) {
  return read<ClusterRun>(folder / "cluster.json");
}
void write_cluster_run(const fs::path& folder, const ClusterRun& run) {
  write(folder / "cluster.json", run);
}
std::optional<ClusterWish> read_cluster_wish(const fs::path& folder) {
  return read<ClusterWish>(folder / "wish.json");
}
void write_cluster_wish(const fs::path& folder, const ClusterWish& wish) {
  write(folder / "wish.json", wish);
}

bool is_removed_from_cluster(const fs::path& folder) {
  std::error_code error;
  return fs::exists(folder / "removed", error);
}
void set_removed_from_cluster(const fs::path& folder) { write_file(folder / "removed", ""); }

StateView view_in_cluster(StateView view, const ClusterRun& run) {
  const bool may_wait = view.state == JobState::starting || view.state == JobState::running ||
                        view.state == JobState::restarting;
  if (!may_wait) {
    if (view.state == JobState::suspending) view.why = "its pods write a checkpoint and end";
    return view;
  }
  view.reason = run.reason;
  view.why = run.why;
  if (run.state == "Restarting") view.state = JobState::restarting;
  if (run.state == "Pending" || run.state == "Suspended" || run.state == "Invalid") {
    view.state = JobState::starting;
  }
  return view;
}

}  // namespace ringtrain::server
