// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string_view>
#include <utility>

namespace ringtrain {

// A file descriptor, closed with its owner.
class FileDescriptor {
 public:
  explicit FileDescriptor(int number = -1) : number_(number) {}
  FileDescriptor(FileDescriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept;
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  ~FileDescriptor() { close(); }

  int get() const { return number_; }
  bool is_open() const { return number_ >= 0; }
  void close();

 private:
  int number_;
};

struct Pipe {
  FileDescriptor read_end;
  FileDescriptor write_end;
};

// Makes a pipe whose ends are closed on exec. Throws std::system_error.
Pipe make_pipe();

// Writes the bytes to a pipe, a terminal or a file opened for appending. Returns how many were
// taken: fewer than all where the other end is closed or the disk is full (errno says which).
size_t write_all(int descriptor, std::string_view bytes);

// Returns the result of a system call. Throws std::system_error "call: why" where that is negative.
int checked(int result, const char* call);

}  // namespace ringtrain
