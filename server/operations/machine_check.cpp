// SPDX-License-Identifier: Apache-2.0
#include "server/operations/machine_check.hpp"

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <csignal>
#include <system_error>

#include "server/now_text.hpp"

namespace ringtrain::server {
namespace {

constexpr std::chrono::minutes kFresh(10);
constexpr size_t kMostRead = size_t{1} << 20;

std::string read_from_start(const FileDescriptor& file) {
  std::string text(kMostRead, '\0');
  const ssize_t size = ::pread(file.get(), text.data(), text.size(), 0);
  text.resize(size > 0 ? static_cast<size_t>(size) : 0);
  return text;
}

}  // namespace

nlohmann::ordered_json MachineCheck::look() {
  if (child_) {
    if (const auto status = child_->poll()) take(*status);
  }
  const auto age = std::chrono::steady_clock::now() - ended_at_;
  if (!child_ && (checked_.is_null() || age > kFresh)) begin();
  return {{"running", child_.has_value()},
          {"checked", checked_},
          {"can_train", can_train_},
          {"findings", findings_},
          {"error", error_}};
}

void MachineCheck::begin() {
  output_ = FileDescriptor(checked(::memfd_create("doctor", MFD_CLOEXEC), "memfd_create"));
  child_.emplace(SpawnOptions{.arguments = {program_.string(), "doctor", "--json"},
                              .standard_output = output_.get(),
                              .standard_error = kDevNull,
                              .own_group = true,
                              .death_signal = SIGKILL});
}

// Its exit code is not 0 where the machine cannot train, either.
void MachineCheck::take(const ExitStatus& status) {
  child_.reset();
  ended_at_ = std::chrono::steady_clock::now();
  checked_ = now_text();
  const auto said = nlohmann::ordered_json::parse(read_from_start(output_), nullptr, false);
  output_ = FileDescriptor();
  if (said.is_object() && said.contains("findings") && said.contains("can_train")) {
    can_train_ = said["can_train"];
    findings_ = said["findings"];
    error_.clear();
  } else {
    can_train_ = nullptr;
    findings_ = nlohmann::ordered_json::array();
    error_ = fmt::format("'ringtrain doctor' ended with code {} and no findings; run it to see why",
                         status.shell_code());
  }
}

}  // namespace ringtrain::server
