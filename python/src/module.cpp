// SPDX-License-Identifier: Apache-2.0
// The extension module ringtrain._backend.
#include <torch/csrc/utils/pybind.h>

#include <optional>
#include <torch/csrc/distributed/c10d/Store.hpp>
#include <variant>

#include "collectives/meeting.hpp"
#include "datasets/reading/order.hpp"
#include "python/src/nodes_backend.hpp"
#include "python/src/rows.hpp"

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

c10::intrusive_ptr<c10d::Backend::Options> options_of(double timeout_seconds,
                                                      const std::string& name,
                                                      const std::vector<uint64_t>& ranks) {
  auto options = c10::make_intrusive<c10d::Backend::Options>(
      "ringtrain",
      std::chrono::ceil<std::chrono::milliseconds>(std::chrono::duration<double>(timeout_seconds)));
  options->group_name = name;
  options->global_ranks_in_group = ranks;
  return options;
}

// A name that is new, and the node of each rank.
using Apart = std::pair<std::string, std::vector<int>>;

// Returns, on every rank, where they are, if the ranks do not share this machine's memory.
// named: what messages call the ranks; empty: as they are numbered.
std::variant<BackendPtr, Apart> join(const StorePtr& store, int rank, int size,
                                     double timeout_seconds, const std::string& name,
                                     const std::vector<uint64_t>& ranks,
                                     const std::vector<int>& named) {
  const auto timeout = std::chrono::duration<double>(timeout_seconds);
  try {
    auto met = collectives::meet(store_over(store), {rank, size, timeout, named});
    if (const auto* apart = std::get_if<collectives::Apart>(&met))
      return Apart(apart->name, apart->nodes);
    auto region = std::make_shared<collectives::SharedRegion>(
        std::move(std::get<collectives::Meeting>(met)), rank, size);
    return c10::make_intrusive<Backend>(std::move(region),
                                        options_of(timeout_seconds, name, ranks));
  } catch (...) {
    rethrow_for_torch();
  }
}

// leaders: null but on the first rank of a node. nodes: the node of each rank.
BackendPtr over_nodes(const BackendPtr& all, const BackendPtr& node, const BackendPtr& leaders,
                      const std::vector<int>& nodes, double timeout_seconds,
                      const std::string& name, const std::vector<uint64_t>& ranks) {
  auto* ours = dynamic_cast<Backend*>(node.get());
  TORCH_CHECK(ours != nullptr, "not a group of the backend ringtrain");
  const int rank = all->getRank();
  return c10::make_intrusive<NodesBackend>(
      NodesBackend::Groups{all, c10::intrusive_ptr<Backend>::reclaim_copy(ours), leaders},
      Places(nodes, rank), rank, options_of(timeout_seconds, name, ranks));
}

std::vector<std::string> flight(const BackendPtr& backend) {
  if (const auto* nodes = dynamic_cast<const NodesBackend*>(backend.get())) return nodes->flight();
  const auto* ours = dynamic_cast<const Backend*>(backend.get());
  TORCH_CHECK(ours != nullptr, "not a group of the backend ringtrain");
  return ours->flight();
}

using pybind11::gil_scoped_release;

std::unique_ptr<Rows> open_rows(const std::string& path, const std::string& split) {
  TORCH_CHECK_VALUE(split == "train" || split == "test", "a split is \"train\" or \"test\", not \"",
                    split, "\"");
  return std::make_unique<Rows>(path,
                                split == "train" ? datasets::Split::train : datasets::Split::test);
}

auto pair_of(Rows::Tensors tensors) {
  return std::make_pair(std::move(tensors.x), std::move(tensors.y));
}

// Facts of a dataset, for scripts.
pybind11::dict facts_of(const Rows& rows) {
  using pybind11::arg;
  const datasets::DatasetIndex& index = rows.index();
  return pybind11::dict(
      arg("shape") = std::make_tuple(index.shape.channels, index.shape.height, index.shape.width),
      arg("is_u8") = index.element == datasets::ElementType::u8, arg("uuid") = index.uuid,
      arg("block_rows") = index.block_rows, arg("mean") = index.mean, arg("std") = index.std,
      arg("class_names") = index.class_names, arg("target_names") = index.targets.names,
      arg("target_mean") = index.targets.mean, arg("target_std") = index.targets.std);
}

void define_data(pybind11::module_& module) {
  pybind11::class_<Rows>(module, "Rows")
      .def(pybind11::init(&open_rows), pybind11::call_guard<gil_scoped_release>())
      .def("__len__", &Rows::size)
      .def("facts", &facts_of)
      .def(
          "slice",
          [](const Rows& rows, uint64_t first, uint64_t count) {
            return pair_of(rows.slice(first, count));
          },
          pybind11::call_guard<gil_scoped_release>())
      .def(
          "gather",
          [](const Rows& rows, const std::vector<int64_t>& which) {
            return pair_of(rows.gather(which));
          },
          pybind11::call_guard<gil_scoped_release>());
  pybind11::class_<datasets::EpochOrder>(module, "EpochOrder")
      .def(pybind11::init<uint64_t, uint64_t, uint64_t, uint64_t, bool, uint64_t>())
      // The rows of a rank's slice of the global batch at a position.
      .def("rows_of", [](const datasets::EpochOrder& order, uint64_t first, uint64_t count,
                         int rank, int world_size) {
        const datasets::Slice own = datasets::slice_of({first, count}, rank, world_size);
        std::vector<uint64_t> rows(own.count);
        for (uint64_t i = 0; i < own.count; ++i) rows[i] = order.row(own.first + i);
        return rows;
      });
}

}  // namespace

PYBIND11_MODULE(_backend, module) {
  module.def("join", &join, pybind11::call_guard<gil_scoped_release>());
  module.def("over_nodes", &over_nodes, pybind11::call_guard<gil_scoped_release>());
  module.def("flight", &flight);
  define_data(module);
}

}  // namespace ringtrain::python
