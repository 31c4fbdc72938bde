// SPDX-License-Identifier: Apache-2.0
// The extension module ringtrain._backend.
#include <torch/csrc/utils/pybind.h>

#include <optional>
#include <torch/csrc/distributed/c10d/Store.hpp>

#include "collectives/meeting.hpp"
#include "python/src/backend.hpp"

namespace ringtrain::python {
namespace {

using StorePtr = c10::intrusive_ptr<c10d::Store>;
using BackendPtr = c10::intrusive_ptr<c10d::Backend>;

collectives::Store store_over(const StorePtr& store) {
  return {.set =
              [store](const std::string& key, const std::string& value) {
                store->set(key, std::vector<uint8_t>(value.begin(), value.end()));
              },
          .get = [store](const std::string& key) -> std::optional<std::string> {
            if (!store->check({key})) return std::nullopt;
            const auto bytes = store->get(key);
            return std::string(bytes.begin(), bytes.end());
          }};
}

// Returns nothing, on every rank, where the ranks do not share this machine's memory.
std::optional<BackendPtr> join(const StorePtr& store, int rank, int size, double timeout_seconds,
                               const std::string& name, const std::vector<uint64_t>& ranks) {
  const auto timeout = std::chrono::duration<double>(timeout_seconds);
  auto options = c10::make_intrusive<c10d::Backend::Options>(
      "ringtrain", std::chrono::ceil<std::chrono::milliseconds>(timeout));
  options->group_name = name;
  options->global_ranks_in_group = ranks;
  try {
    auto meeting = collectives::meet(store_over(store), {rank, size, timeout});
    if (!meeting) return std::nullopt;
    auto region = std::make_shared<collectives::SharedRegion>(std::move(*meeting), rank, size);
    return c10::make_intrusive<Backend>(std::move(region), std::move(options));
  } catch (...) {
    rethrow_for_torch();
  }
}

std::vector<std::string> flight(const BackendPtr& backend) {
  const auto* ours = dynamic_cast<const Backend*>(backend.get());
  TORCH_CHECK(ours != nullptr, "not a group of the backend ringtrain");
  return ours->flight();
}

}  // namespace

PYBIND11_MODULE(_backend, module) {
  module.def("join", &join, pybind11::call_guard<pybind11::gil_scoped_release>());
  module.def("flight", &flight);
}

}  // namespace ringtrain::python
