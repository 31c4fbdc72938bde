// SPDX-License-Identifier: Apache-2.0
#include "launcher/script/python_torch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/throws_error.hpp"
#include "tests/unit/launcher/variable.hpp"
#include "tests/unit/temporary_directory.hpp"

namespace ringtrain::launcher {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

void write_torch(const TemporaryDirectory& site, const std::string& version) {
  site.write("torch/__init__.py", "raise RuntimeError('imported')\n");
  site.write("torch/lib/libtorch_cpu.so", "");
  site.write("torch/version.py",
             "from typing import Optional\n\n__version__ = '" + version + "'\n");
}

TEST(PythonTorch, IsFoundInTheEnvironmentWithoutImportingIt) {
  const TemporaryDirectory site;
  write_torch(site, "2.11.0+cu130");
  site.write("ringtrain/__init__.py", "raise RuntimeError('imported')\n");
  site.write("ringtrain/build_info.py", "# Written\nTORCH = \"2.10.1\"\n");
  const Variable path("PYTHONPATH", site.path().c_str());
  const PythonTorch found = look_in_python("python3");
  EXPECT_EQ(found.torch, site / "torch");
  EXPECT_EQ(found.backend, site / "ringtrain");
  EXPECT_EQ(torch_version(found.torch), "2.11.0+cu130");
  EXPECT_EQ(version_built_for(found.backend), "2.10.1");
}

TEST(PythonTorch, IsNotFoundByAPythonThatDoesNotStart) {
  EXPECT_TRUE(look_in_python("/nowhere/python3").torch.empty());
  EXPECT_TRUE(look_in_python("false").torch.empty());
}

TEST(PythonTorch, HasTheVersionOfAnUnpackedLibtorch) {
  const TemporaryDirectory folder;
  EXPECT_EQ(torch_version(folder.path()), "");
  folder.write("lib/libtorch_cpu.so", "");
  folder.write("build-version", "2.11.0+cpu\n");
  EXPECT_EQ(torch_version(folder.path()), "2.11.0+cpu");
}

TEST(MinorVersion, IsTheFirstTwoNumbers) {
  EXPECT_EQ(minor_version("2.11.0+cu130"), "2.11");
  EXPECT_EQ(minor_version("2.11"), "2.11");
  EXPECT_EQ(minor_version("2"), "2");
  EXPECT_EQ(minor_version(""), "");
}

TEST(FindTorch, TakesTheFolderThatTheUserNames) {
  const TemporaryDirectory site;
  write_torch(site, "2.11.3");
  const Variable chosen("RINGTRAIN_TORCH", (site / "torch").c_str());
  EXPECT_EQ(find_torch("/usr/bin/ringtrain-worker", "2.11.0"), site / "torch");
}

TEST(FindTorch, TakesThePackageBesideItsOwn) {
  const TemporaryDirectory site;
  write_torch(site, "2.11.0");
  const Variable none("RINGTRAIN_TORCH", nullptr);
  EXPECT_EQ(find_torch(site / "ringtrain/programs/ringtrain-worker", "2.11.0"), site / "torch");
}

TEST(FindTorch, TakesThatOfThePythonOfScripts) {
  const TemporaryDirectory site;
  write_torch(site, "2.11.0");
  const Variable none("RINGTRAIN_TORCH", nullptr);
  const Variable python("PYTHON_EXEC", nullptr);
  const Variable path("PYTHONPATH", site.path().c_str());
  EXPECT_EQ(find_torch("/usr/lib/ringtrain/ringtrain-worker", "2.11.0"), site / "torch");
}

TEST(FindTorch, RefusesInOneLineWhatDoesNotFit) {
  const TemporaryDirectory site;
  write_torch(site, "2.9.1");
  const Variable chosen("RINGTRAIN_TORCH", (site / "torch").c_str());
  EXPECT_THAT(
      [] { find_torch("/usr/lib/ringtrain/ringtrain-worker", "2.11.0"); },
      ThrowsError(ErrorKind::job, AllOf(HasSubstr("ringtrain-worker: built for torch 2.11, and "),
                                        HasSubstr("torch is 2.9.1: pip install 'torch==2.11.*'"))));
}

TEST(FindTorch, SaysInOneLineWhatToDoWhereThereIsNone) {
  const Variable none("RINGTRAIN_TORCH", nullptr);
  const Variable python("PYTHON_EXEC", "/nowhere/python3");
  EXPECT_THAT(
      [] { find_torch("/usr/lib/ringtrain/ringtrain-worker", "2.11.0"); },
      ThrowsError(ErrorKind::job, AllOf(HasSubstr("ringtrain-worker: found no torch"),
                                        HasSubstr("or set RINGTRAIN_TORCH to the folder"))));
  const Variable wrong("RINGTRAIN_TORCH", "/nowhere");
  EXPECT_THAT(
      [] { find_torch("/usr/lib/ringtrain/ringtrain-worker", "2.11.0"); },
      ThrowsError(ErrorKind::job, HasSubstr("RINGTRAIN_TORCH=/nowhere: no torch is there")));
}

TEST(LibraryFolders, AreThoseOfTorchAndOfTheCudaPackagesBesideIt) {
  const TemporaryDirectory site;
  write_torch(site, "2.11.0");
  site.write("nvidia/nccl/lib/libnccl.so.2", "");
  site.write("nvidia/cu13/lib/libcudart.so.13", "");
  site.write("nvidia/cu13/include/cuda.h", "");
  EXPECT_THAT(library_folders(site / "torch"),
              ElementsAre(site / "torch/lib", site / "torch/../nvidia/cu13/lib",
                          site / "torch/../nvidia/nccl/lib"));
}

}  // namespace
}  // namespace ringtrain::launcher
