# SPDX-License-Identifier: Apache-2.0
# Every library that ringtrain uses, as an imported target. libtorch and CUDA: your own when CMake is
# pointed at them (-DTorch_ROOT=, -DCUDAToolkit_ROOT=, -DNCCL_ROOT=), else the wheels of scripts/setup.

if(DEFINED ENV{RINGTRAIN_CACHE})
  set(default_cache $ENV{RINGTRAIN_CACHE})
elseif(DEFINED ENV{XDG_CACHE_HOME})
  set(default_cache $ENV{XDG_CACHE_HOME}/ringtrain)
else()
  set(default_cache $ENV{HOME}/.cache/ringtrain)
endif()
set(RINGTRAIN_WHEELS ${default_cache}/wheels CACHE PATH "Where scripts/setup put the wheels")
set(RINGTRAIN_WEB ${default_cache}/web CACHE PATH "Where scripts/setup put files of npm packages")

find_package(Threads REQUIRED)
find_package(MPI REQUIRED COMPONENTS C)
find_package(CURL REQUIRED)
find_package(Boost 1.74 REQUIRED)  # headers alone: Asio and Beast
find_package(SQLite3 REQUIRED)
find_package(ZLIB REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(LibArchive REQUIRED)
find_package(JPEG REQUIRED)
find_package(PNG REQUIRED)
find_package(spdlog REQUIRED)
find_package(fmt REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
if(RINGTRAIN_TESTS)
  find_package(GTest REQUIRED)
endif()

# Debian's serial C library; no high-level, no C++ bindings.
set(HDF5_PREFER_PARALLEL OFF)
find_package(HDF5 REQUIRED COMPONENTS C)

if(RINGTRAIN_TORCH)
  include(FindLibtorch)
endif()
if(RINGTRAIN_CUDA)
  include(FindCuda)
endif()
