// SPDX-License-Identifier: Apache-2.0
#include "launcher/supervise/run_folder.hpp"

#include <system_error>

namespace ringtrain::launcher {

bool has_output(const std::filesystem::path& output, const HostSource& hosts) {
  std::error_code error;
  return hosts.hosts().empty() || is_this_machine(hosts.hosts().front().name) ||
         std::filesystem::is_directory(output, error);
}

void open_record(std::optional<RunRecord>& record, const std::filesystem::path& output,
                 const HostSource& hosts) {
  if (!record && has_output(output, hosts)) record.emplace(output, "output");
}

}  // namespace ringtrain::launcher
