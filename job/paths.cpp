// SPDX-License-Identifier: Apache-2.0
#include "job/paths.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <system_error>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/url.hpp"
#include "job/models.hpp"

namespace ringtrain {
namespace {

namespace fs = std::filesystem;

// Whatever is at a URL is looked at by the process that reads it.
void check_dataset(const fs::path& dataset) {
  if (is_url(dataset)) return;
  std::error_code error;
  const fs::file_status status = fs::status(dataset, error);
  if (!fs::exists(status)) {
    throw data_error(
        fmt::format("{}: there is no such dataset: make one with 'ringtrain dataset import', "
                    "or correct the job's dataset key (relative paths count from {})",
                    dataset.string(), fs::current_path(error).string()));
  }
  if (!fs::is_regular_file(status) && !fs::is_directory(status)) {
    throw data_error(fmt::format("{}: is neither a file nor a folder of shards", dataset.string()));
  }
  if (::access(dataset.c_str(), R_OK) != 0) {
    throw data_error(fmt::format("{}: cannot be read: {}", dataset.string(), std::strerror(errno)));
  }
}

void check_output(const fs::path& output, MissingOutput missing) {
  const auto fail = [&](std::string_view reason) {
    throw job_error(
        fmt::format("output: {} cannot be written: {}: choose another with --set output=DIR",
                    output.string(), reason));
  };
  std::error_code error;
  fs::path folder = fs::absolute(output);
  if (missing == MissingOutput::make) {
    fs::create_directories(folder, error);
    if (error && !fs::is_directory(folder)) fail(error.message());
  } else {
    while (folder.has_relative_path() && !fs::exists(folder, error)) folder = folder.parent_path();
  }
  if (!fs::is_directory(folder, error)) fail(fmt::format("{} is not a directory", folder.string()));
  // Permission bits say nothing about read-only mounts, full disks and root: only writing does.
  std::string probe = (folder / ".writable.XXXXXX").string();
  const int descriptor = ::mkostemp(probe.data(), O_CLOEXEC);
  if (descriptor < 0) fail(std::strerror(errno));
  const bool written = ::write(descriptor, "?", 1) == 1;
  const int reason = errno;
  ::close(descriptor);
  ::unlink(probe.c_str());
  if (!written) fail(std::strerror(reason));
}

void check_script_files(const ScriptSpec& script) {
  const auto fail = [](std::string_view key, const fs::path& path, std::string_view problem) {
    std::error_code ignored;
    throw job_error(fmt::format("script.{}: {} {} (relative paths count from {})", key,
                                path.string(), problem, fs::current_path(ignored).string()));
  };
  std::error_code error;
  if (!script.directory.empty() && !fs::is_directory(script.directory, error)) {
    fail("directory", script.directory, "is not there, or not a directory");
  }
  const auto is_path = [](const std::string& name) { return name.find('/') != std::string::npos; };
  const bool is_file = script.kind == ScriptSpec::Kind::file;
  if (is_file && (script.is_python() || is_path(script.target)) &&
      !fs::is_regular_file(script.directory / script.target, error)) {
    fail("file", script.directory / script.target, "is not there, or not a file");
  }
  if (is_path(script.python) && !fs::is_regular_file(script.directory / script.python, error)) {
    fail("python", script.directory / script.python, "is not there, or not a file");
  }
}

// A run replaces the models in its output.
void refuse_own_source(const fs::path& written, const fs::path& source, std::string_view key) {
  std::error_code none;
  if (!fs::equivalent(written, source, none)) return;
  throw job_error(
      fmt::format("output: {} would be replaced, and is the job's {}: choose another with --set "
                  "output=DIR",
                  written.string(), key));
}

// Models of Keras are HDF5, which a rank does not read.
void refuse_hdf5(const fs::path& weights) {
  std::error_code error;
  if (fs::file_size(weights, error) < 8 || error) return;
  const File file = File::open_for_reading(weights);
  std::array<char, 8> begin{};
  file.read_at(begin.data(), begin.size(), 0);
  if (std::string_view(begin.data(), begin.size()) != "\x89HDF\r\n\x1a\n") return;
  throw job_error(fmt::format(
      "initialize_from: {0} is a model of Keras: 'ringtrain model convert {0} {1}' makes a file of "
      "it that a job takes",
      weights.string(), fs::path(weights).replace_extension(".safetensors").string()));
}

}  // namespace

void check_paths(const JobSpec& job, MissingOutput missing) {
  if (job.script) {
    check_script_files(*job.script);
    return check_output(job.output, missing);
  }
  if (is_torchscript_path(job.model)) {
    std::error_code error;
    if (!fs::is_regular_file(job.model, error)) {
      throw job_error(fmt::format("model: {} is not there, or not a file", job.model));
    }
  }
  check_dataset(job.dataset);
  const std::string& resume = job.checkpoint.resume;
  std::error_code error;
  if (resume != "auto" && resume != "never" && !fs::exists(resume, error)) {
    throw job_error(
        fmt::format("checkpoint.resume: {} is not there: give auto, never or the path "
                    "of a checkpoint",
                    resume));
  }
  const bool is_file = !job.initialize_from.empty() && !is_url(job.initialize_from);
  if (is_file && !fs::is_regular_file(job.initialize_from, error)) {
    throw job_error(fmt::format("initialize_from: {} is not there, or not a file",
                                job.initialize_from.string()));
  }
  if (!job.initialize_from.empty() && !is_url(job.initialize_from))
    refuse_hdf5(job.initialize_from);
  if (is_url(job.output)) return;
  check_output(job.output, missing);
  refuse_own_source(job.output / "model.pt", job.model, "model");
  refuse_own_source(job.output / "model.safetensors", job.initialize_from, "initialize_from");
}

}  // namespace ringtrain
