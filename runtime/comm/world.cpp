// SPDX-License-Identifier: Apache-2.0
#include "runtime/comm/world.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <climits>
#include <cstdlib>
#include <set>
#include <utility>

#include "base/error.hpp"
#include "base/text.hpp"
#include "runtime/comm/check_mpi.hpp"
#include "runtime/comm/mpi_all_reduce.hpp"

namespace ringtrain {
namespace {

// Codes are checked call by call; MPI's default handler would end the process without our message.
MPI_Comm duplicate_world() {
  MPI_Comm all = MPI_COMM_NULL;
  check_mpi(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN));
  check_mpi(MPI_Comm_dup(MPI_COMM_WORLD, &all));
  return all;
}

MPI_Comm split_by_node(MPI_Comm all) {
  MPI_Comm node = MPI_COMM_NULL;
  check_mpi(MPI_Comm_split_type(all, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node));
  return node;
}

std::string host_name() {
  char name[HOST_NAME_MAX + 1] = {};
  if (gethostname(name, sizeof name) != 0) throw lost_error("gethostname failed");
  return name;
}

std::string first_label(const std::string& host) { return host.substr(0, host.find('.')); }

// Over TCP, Open MPI asks the receiver before it sends more than its eager limit (64 KiB). The
// receiver of an all-reduce's segment is always ready, so the sender need not wait: 4 MiB between
// two hosts take half the time. A limit that the user has set is kept.
void raise_eager_limit() {
  constexpr size_t kHeaders = 4096;
  const std::string bytes = std::to_string(MpiAllReduce::kSegmentBytes + kHeaders);
  setenv("OMPI_MCA_btl_tcp_eager_limit", bytes.c_str(), /*overwrite=*/0);
}

}  // namespace

MpiGroup::MpiGroup(MPI_Comm comm) : comm_(comm) {
  check_mpi(MPI_Comm_rank(comm_, &rank_));
  check_mpi(MPI_Comm_size(comm_, &size_));
}

MpiGroup::~MpiGroup() {
  if (comm_ != MPI_COMM_NULL) MPI_Comm_free(&comm_);
}

MpiGroup::MpiGroup(MpiGroup&& other) noexcept
    : comm_(std::exchange(other.comm_, MPI_COMM_NULL)), rank_(other.rank_), size_(other.size_) {}

std::vector<std::string> MpiGroup::all_gather(const std::string& mine) const {
  const int length = static_cast<int>(mine.size());
  std::vector<int> lengths(size_);
  check_mpi(MPI_Allgather(&length, 1, MPI_INT, lengths.data(), 1, MPI_INT, comm_));
  std::vector<int> offsets(size_);
  int total = 0;
  for (int r = 0; r < size_; ++r) {
    offsets[r] = total;
    total += lengths[r];
  }
  std::string joined(total, '\0');
  check_mpi(MPI_Allgatherv(mine.data(), length, MPI_BYTE, joined.data(), lengths.data(),
                           offsets.data(), MPI_BYTE, comm_));
  std::vector<std::string> result(size_);
  for (int r = 0; r < size_; ++r) result[r] = joined.substr(offsets[r], lengths[r]);
  return result;
}

World::Library::Library() {
  raise_eager_limit();
  int provided = MPI_THREAD_SINGLE;
  check_mpi(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &provided));
  if (provided < MPI_THREAD_SERIALIZED) {
    MPI_Finalize();
    throw lost_error(
        "This MPI has no thread level MPI_THREAD_SERIALIZED: use an Open MPI built with threads");
  }
}

World::Library::~Library() { MPI_Finalize(); }

World::World()
    : all_(duplicate_world()), node_(split_by_node(all_.get())), node_index_(all_.rank()) {
  check_mpi(MPI_Bcast(&node_index_, 1, MPI_INT, 0, node_.get()));
  hosts_ = all_gather(host_name());
}

MpiGroup World::split(int color) const {
  MPI_Comm part = MPI_COMM_NULL;
  check_mpi(MPI_Comm_split(all_.get(), color, rank(), &part));
  return MpiGroup(part);
}

std::string World::broadcast(std::string bytes, int root) const {
  uint64_t size = bytes.size();
  check_mpi(MPI_Bcast(&size, 1, MPI_UINT64_T, root, all_.get()));
  if (size > INT_MAX) throw lost_error("broadcast of more than 2 GiB");
  bytes.resize(size);
  check_mpi(MPI_Bcast(bytes.data(), static_cast<int>(size), MPI_BYTE, root, all_.get()));
  return bytes;
}

uint64_t World::sum(uint64_t mine) const {
  uint64_t total = 0;
  check_mpi(MPI_Allreduce(&mine, &total, 1, MPI_UINT64_T, MPI_SUM, all_.get()));
  return total;
}

void World::barrier() const { check_mpi(MPI_Barrier(all_.get())); }

void World::abort(int exit_code) {
  MPI_Abort(MPI_COMM_WORLD, exit_code);
  std::abort();  // MPI_Abort does not return; the compiler does not know
}

std::string mpi_version() {
  char text[MPI_MAX_LIBRARY_VERSION_STRING] = {};
  int length = 0;
  MPI_Get_library_version(text, &length);
  const std::string whole(text, static_cast<size_t>(length));
  return whole.substr(0, whole.find(','));
}

void prove_placement(const World& world, int ranks, std::span<const std::string> hosts) {
  if (ranks > 0 && world.size() != ranks) {
    throw lost_error(
        fmt::format("{} asked for, {} started: mpirun did not place them all (is "
                    "another MPI's mpirun first in PATH?)",
                    ranks == 1 ? "1 rank was" : counted(ranks, "rank") + " were", world.size()));
  }
  if (hosts.empty()) return;
  std::set<std::string> asked, found;
  for (const auto& host : hosts) asked.insert(first_label(host));
  for (const auto& host : world.hosts()) found.insert(first_label(host));
  if (asked != found) {
    throw lost_error(
        fmt::format("hosts {} were asked for, but ranks run on {}: mpirun did not use the hostfile",
                    fmt::join(asked, ", "), fmt::join(found, ", ")));
  }
}

}  // namespace ringtrain
