// SPDX-License-Identifier: Apache-2.0
// The folder of a server: one server at a time has it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/file_descriptor.hpp"

namespace ringtrain::server {

// With less than this left on the disk no job, upload or import is taken.
inline constexpr uintmax_t kLeastFreeBytes = uintmax_t{256} << 20;

// Makes a folder where it is missing and returns its canonical path. Throws a job error where it
// cannot be used: it cannot be written, or lies on a disk where locks do not hold.
std::filesystem::path prepare_folder(const std::filesystem::path& folder);

// Whether a server keeps something else than a run in the folder of this name in its own.
bool is_own_folder(const std::string& name);

// The lock on a server's folder, with a line that says who has it. The constructor throws a job
// error where another server has it.
class FolderLock {
 public:
  explicit FolderLock(const std::filesystem::path& folder);

  // `address`: where the server can be called.
  void say(const std::string& address);

 private:
  std::filesystem::path file_;
  FileDescriptor descriptor_;
};

// Returns the address of the server that has the folder, or had it last; empty: none has.
std::string address_of_server(const std::filesystem::path& folder);

}  // namespace ringtrain::server
