// SPDX-License-Identifier: Apache-2.0
#include "runtime/comm/shared_window.hpp"

#include <fmt/format.h>
#include <sys/statvfs.h>

#include <cstring>
#include <exception>

#include "base/error.hpp"
#include "runtime/comm/check_mpi.hpp"

namespace ringtrain {
namespace {

// Open MPI puts windows in files under /dev/shm. Writing past what that file system holds is a
// SIGBUS in the middle of training, so it is checked before: containers often come with 64 MiB.
void check_room(const MpiGroup& node, size_t bytes) {
  unsigned long long mine = bytes, needed = 0;
  check_mpi(MPI_Allreduce(&mine, &needed, 1, MPI_UNSIGNED_LONG_LONG, MPI_SUM, node.get()));
  struct statvfs shm = {};
  if (statvfs("/dev/shm", &shm) != 0)
    return;  // not Linux's usual place; MPI will say what it lacks
  const auto available = static_cast<unsigned long long>(shm.f_bavail) * shm.f_frsize;
  if (needed > available) {
    throw lost_error(fmt::format(
        "/dev/shm has {} MiB left and the ranks of this node need {} MiB: enlarge it (docker run "
        "--shm-size, or an emptyDir with medium Memory at /dev/shm in Kubernetes), or set "
        "communication.backend: mpi",
        available >> 20, (needed >> 20) + 1));
  }
}

}  // namespace

SharedWindow::SharedWindow(const MpiGroup& node, size_t bytes) : parts_(node.size()) {
  check_room(node, bytes);
  MPI_Info info = MPI_INFO_NULL;
  check_mpi(MPI_Info_create(&info));
  // Every part starts on a page of its own: first touch then places it on its rank's NUMA node.
  check_mpi(MPI_Info_set(info, "alloc_shared_noncontig", "true"));
  void* mine = nullptr;
  const int code =
      MPI_Win_allocate_shared(static_cast<MPI_Aint>(bytes), 1, info, node.get(), &mine, &window_);
  MPI_Info_free(&info);
  check_mpi(code);
  for (int r = 0; r < node.size(); ++r) {
    MPI_Aint size = 0;
    int unit = 0;
    void* base = nullptr;
    check_mpi(MPI_Win_shared_query(window_, r, &size, &unit, &base));
    parts_[r] = static_cast<std::byte*>(base);
  }
  std::memset(mine, 0, bytes);
  check_mpi(MPI_Barrier(node.get()));
}

SharedWindow::~SharedWindow() {
  // Freeing waits for all ranks of the node. Where an error is on its way to end the job, they may
  // never come.
  if (std::uncaught_exceptions() == 0) MPI_Win_free(&window_);
}

}  // namespace ringtrain
