// SPDX-License-Identifier: Apache-2.0
#include "datasets/writing/foreign_hdf5.hpp"

#include <fmt/format.h>

#include "base/error.hpp"

namespace ringtrain::datasets {

Hdf5Handle open_foreign_hdf5(const std::filesystem::path& path) {
  prepare_hdf5();
  const Hdf5Handle access(check_hdf5(H5Pcreate(H5P_FILE_ACCESS), "H5Pcreate"), H5Pclose);
  check_hdf5_status(H5Pset_file_locking(access, false, true), "H5Pset_file_locking");
  return {check_hdf5(H5Fopen(path.c_str(), H5F_ACC_RDONLY, access), path.string() + ": opening"),
          H5Fclose};
}

void require_hard_links(hid_t from, const std::string& path, const std::string& name) {
  // A path of the file's root begins with a slash.
  for (size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    const std::string step = path.substr(0, end);
    H5L_info_t info;
    if (step.empty() || H5Lexists(from, step.c_str(), H5P_DEFAULT) <= 0) {
      throw data_error(fmt::format("{}: there is no {} in the file", name, path));
    }
    check_hdf5_status(H5Lget_info(from, step.c_str(), &info, H5P_DEFAULT), name);
    if (info.type != H5L_TYPE_HARD) {
      throw data_error(fmt::format("{}: {} is a link to elsewhere, which is refused", name, step));
    }
    if (end == std::string::npos) return;
  }
}

void require_own_data(hid_t dataset, const std::string& name) {
  const Hdf5Handle creation(check_hdf5(H5Dget_create_plist(dataset), name), H5Pclose);
  if (H5Pget_external_count(creation) != 0) {
    throw data_error(name + ": its data lies in an external file, which is refused");
  }
  if (H5Pget_layout(creation) == H5D_VIRTUAL) {
    throw data_error(name + ": a virtual dataset, which is refused");
  }
}

}  // namespace ringtrain::datasets
