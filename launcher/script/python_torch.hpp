// SPDX-License-Identifier: Apache-2.0
// The torch of a machine, found without importing it: that takes seconds.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace ringtrain::launcher {

// Packages of a Python environment.
struct PythonTorch {
  std::filesystem::path torch;    // folder of the package torch; empty: there is none
  std::filesystem::path backend;  // folder of the package ringtrain; empty: there is none
};

// Asks a Python, a path or a name to look up in PATH, where it has them. Both are empty where it
// does not start.
PythonTorch look_in_python(const std::string& python);

// Returns the version of a folder with lib/libtorch_cpu.so, "2.11.0+cu130": of the package torch,
// or an unpacked libtorch. Empty: it is neither.
std::string torch_version(const std::filesystem::path& folder);

// Returns the version of torch that the package ringtrain was built for; empty: it does not say.
std::string version_built_for(const std::filesystem::path& backend);

// Returns "2.11" of "2.11.0+cu130": c10d and libtorch change their binary interfaces from one
// minor version to the next.
std::string minor_version(const std::string& version);

// Returns the torch for a packaged program that was built for version `built`: the folder that
// RINGTRAIN_TORCH names; else the package beside ours; else that of PYTHON_EXEC, or of python3.
// `program` is the path of the program, for its name in messages and for what lies beside it.
// Throws a job error of one line: there is none, or it does not fit.
std::filesystem::path find_torch(const std::filesystem::path& program, const std::string& built);

// Returns the folders of the libraries of a torch and of the CUDA packages beside it.
std::vector<std::filesystem::path> library_folders(const std::filesystem::path& torch);

}  // namespace ringtrain::launcher
