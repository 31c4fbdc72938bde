// SPDX-License-Identifier: Apache-2.0
#include "server/kubeml/storage.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <chrono>
#include <system_error>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/terminal/utf8.hpp"
#include "base/text.hpp"
#include "base/time.hpp"
#include "job/scalar.hpp"
#include "server/jobs/submission.hpp"
#include "server/kubeml/array_file.hpp"
#include "server/kubeml/storage_problem.hpp"

namespace ringtrain::server {
namespace {

namespace fs = std::filesystem;

constexpr std::array<const char*, 4> kParts = {"x-train", "y-train", "x-test", "y-test"};
constexpr uint64_t kDocumentRows = 64;

void check_name(const std::string& what, const std::string& name) {
  if (is_job_name(name)) return;
  throw Problem(400, fmt::format("{}: the name '{}' must be lower-case letters, digits and '-', at "
                                 "most 63",
                                 what, name.substr(0, 80)));
}

bool is_dataset_name(const std::string& name) {
  return !name.empty() && name.size() <= 63 && std::all_of(name.begin(), name.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_';
  });
}

std::string time_of(const fs::path& file) {
  std::error_code ignored;
  const auto written = fs::last_write_time(file, ignored);
  return print_time_ms(
      std::chrono::time_point_cast<Time::duration>(std::chrono::file_clock::to_sys(written)));
}

// Returns the names of what a folder has, in order, without hidden ones.
std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with('.')) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

uint64_t rows_of_file(const fs::path& file) {
  const Mapping mapped(File::open_for_reading(file));
  return rows_of_array({reinterpret_cast<const char*>(mapped.data()), mapped.size()},
                       file.filename().string());
}

uint64_t as_kubeml_counts(uint64_t rows) {
  const uint64_t documents = (rows + kDocumentRows - 1) / kDocumentRows;
  return documents * kDocumentRows / 100 * 100;
}

std::map<std::string, net::FormFile> files_of(std::string_view body, std::string_view type) {
  try {
    return net::files_of_form(body, type);
  } catch (const Error& error) {
    refuse_storage(
        400, fmt::format("{}, with the files x-train, y-train, x-test and y-test", error.what()));
  }
}

void check_files(const std::map<std::string, net::FormFile>& files) {
  std::array<uint64_t, kParts.size()> rows{};
  for (size_t i = 0; i < kParts.size(); ++i) {
    const auto found = files.find(kParts[i]);
    if (found == files.end()) refuse_storage(400, fmt::format("the file {} is missing", kParts[i]));
    rows[i] = rows_of_array(found->second.bytes, kParts[i]);
  }
  for (const size_t i : {0, 2}) {
    if (rows[i] == rows[i + 1]) continue;
    refuse_storage(400, fmt::format("{} has {} rows and {} has {}", kParts[i], rows[i],
                                    kParts[i + 1], rows[i + 1]));
  }
}

}  // namespace

KubemlStorage::KubemlStorage(const fs::path& server_folder) : folder_(server_folder / "kubeml") {
  fs::create_directories(folder_ / "functions");
  fs::create_directories(datasets_folder());
  // A server that was killed may have left half of one.
  for (const auto& entry : fs::directory_iterator(datasets_folder())) {
    std::error_code ignored;
    if (entry.path().filename().string().starts_with('.')) fs::remove_all(entry.path(), ignored);
  }
}

std::vector<StoredFunction> KubemlStorage::functions() const {
  std::vector<StoredFunction> found;
  for (const std::string& name : names_in(folder_ / "functions")) {
    const fs::path file = folder_ / "functions" / name;
    if (file.extension() == ".py") found.push_back({file.stem().string(), time_of(file)});
  }
  return found;
}

fs::path KubemlStorage::function_file(const std::string& name) const {
  const fs::path file = folder_ / "functions" / (name + ".py");
  if (is_job_name(name) && fs::exists(file)) return file;
  throw Problem(404, fmt::format("the function '{}' does not exist", name.substr(0, 80)));
}

void KubemlStorage::put_function(const std::string& name, const std::string& code, bool is_new) {
  check_name("function", name);
  const fs::path file = folder_ / "functions" / (name + ".py");
  if (!is_new) function_file(name);
  if (is_new && fs::exists(file)) {
    throw Problem(409, fmt::format("the function '{}' exists already: 'kubeml function update' "
                                   "changes its code",
                                   name));
  }
  if (code.empty() || !is_utf8_text(code)) {
    throw Problem(400, "the code must be the text of a Python file, in UTF-8");
  }
  if (code.size() > kMaxFunctionBytes) {
    throw Problem(413, fmt::format("the code has {}: a function has at most {}",
                                   print_size(code.size()), print_size(kMaxFunctionBytes)));
  }
  write_file(file, code);
}

void KubemlStorage::remove_function(const std::string& name) { fs::remove(function_file(name)); }

std::vector<StoredDataset> KubemlStorage::datasets() const {
  std::vector<StoredDataset> found;
  for (const std::string& name : names_in(datasets_folder())) found.push_back(dataset(name));
  return found;
}

fs::path KubemlStorage::dataset_folder(const std::string& name) const {
  const fs::path folder = datasets_folder() / name;
  if (is_dataset_name(name) && fs::exists(folder)) return folder;
  refuse_storage(404, fmt::format("the dataset '{}' does not exist", name.substr(0, 80)));
}

StoredDataset KubemlStorage::dataset(const std::string& name) const {
  const fs::path folder = dataset_folder(name);
  return {name, as_kubeml_counts(rows_of_file(folder / "y-train.npy")),
          as_kubeml_counts(rows_of_file(folder / "y-test.npy"))};
}

void KubemlStorage::check_new_dataset(const std::string& name) const {
  if (!is_dataset_name(name)) {
    refuse_storage(400, fmt::format("the name '{}' must be letters, digits, '-' and '_', at most "
                                    "63",
                                    name.substr(0, 80)));
  }
  if (fs::exists(datasets_folder() / name)) {
    refuse_storage(400, fmt::format("the dataset '{}' exists already", name));
  }
}

void KubemlStorage::add_dataset(const std::string& name, const fs::path& form,
                                std::string_view type) {
  check_new_dataset(name);
  const Mapping mapped(File::open_for_reading(form));
  const auto files = files_of({reinterpret_cast<const char*>(mapped.data()), mapped.size()}, type);
  check_files(files);
  write_dataset(name, files);
}

void KubemlStorage::write_dataset(const std::string& name,
                                  const std::map<std::string, net::FormFile>& files) {
  const fs::path made = datasets_folder() / ("." + name);
  std::error_code ignored;
  try {
    fs::create_directory(made);
    for (const char* const part : kParts) {
      write_file(made / (std::string(part) + ".npy"), files.at(part).bytes);
    }
    fs::rename(made, datasets_folder() / name);
  } catch (...) {
    fs::remove_all(made, ignored);
    throw;
  }
  sync_directory(datasets_folder());
}

void KubemlStorage::remove_dataset(const std::string& name) {
  const fs::path gone = datasets_folder() / (".gone-" + name);
  fs::rename(dataset_folder(name), gone);
  fs::remove_all(gone);
}

}  // namespace ringtrain::server
