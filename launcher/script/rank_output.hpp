// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "base/file_descriptor.hpp"
#include "job/output_line.hpp"
#include "launcher/script/rank_environment.hpp"
#include "launcher/script/rank_spec.hpp"

namespace ringtrain::launcher {

// The output of a rank's script: all of it to a file, and lines for the terminal to our stdout.
class RankOutput {
 public:
  // Makes the file's folder. Throws std::runtime_error.
  RankOutput(const RankSpec& spec, const RankPlace& place, const std::string& file);

  void take(std::string_view bytes, bool error);
  // Passes the last line on, where it has no newline.
  void finish();

  // The end of stderr, long enough for a traceback.
  const std::string& standard_error() const { return standard_error_; }

 private:
  void pass_on(std::string text, bool error, bool rewrite);

  const RankPlace place_;
  const Streams tee_;
  const Streams hidden_;
  const bool has_choice_;  // of the local ranks that are shown
  const bool is_chosen_;
  FileDescriptor file_;
  std::array<std::string, 2> open_;  // the last lines of stdout and stderr, without a newline yet
  std::string standard_error_;
  int passed_on_ = 0;
};

}  // namespace ringtrain::launcher
