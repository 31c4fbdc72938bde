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

# need(PACKAGE DEBIAN [arguments of find_package]): what is missing is named together, in one line, by Debian's names.
set(lacking "")
macro(need package debian)
  find_package(${package} ${ARGN} QUIET)
  if(NOT ${package}_FOUND)
    list(APPEND lacking ${debian})
  endif()
endmacro()

need(Threads libc6-dev)
need(CURL libcurl4-openssl-dev)
need(Boost libboost-dev 1.74)  # headers alone: Asio and Beast
need(SQLite3 libsqlite3-dev)
need(ZLIB zlib1g-dev)
need(OpenSSL libssl-dev)
need(LibArchive libarchive-dev)
need(JPEG libjpeg-dev)
need(PNG libpng-dev)
need(fmt libfmt-dev)
need(yaml-cpp libyaml-cpp-dev)
need(nlohmann_json nlohmann-json3-dev)
need(CLI11 libcli11-dev)
# Debian's serial C library; no high-level, no C++ bindings.
set(HDF5_PREFER_PARALLEL OFF)
need(HDF5 libhdf5-dev COMPONENTS C)
if(RINGTRAIN_RUNTIME)
  need(MPI libopenmpi-dev COMPONENTS C)
  need(spdlog libspdlog-dev)
endif()
if(RINGTRAIN_TESTS)
  need(GTest libgtest-dev)
endif()
if(lacking)
  list(JOIN lacking " " lacking)
  # The space in front keeps CMake from breaking the line.
  message(FATAL_ERROR " ringtrain needs packages that this machine lacks: apt-get install ${lacking}")
endif()

if(RINGTRAIN_TORCH)
  include(FindLibtorch)
endif()
if(RINGTRAIN_CUDA)
  include(FindCuda)
endif()
