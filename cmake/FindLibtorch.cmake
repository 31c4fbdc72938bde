# SPDX-License-Identifier: Apache-2.0
# libtorch::cpu: libtorch_cpu and libc10 alone. TorchConfig.cmake of the CUDA wheel insists on a whole
# CUDA Toolkit even for a CPU build, so the few paths are named here instead.

set(Torch_ROOT ${RINGTRAIN_WHEELS}/torch CACHE PATH "A libtorch: the folder with include/ and lib/")
if(NOT EXISTS ${Torch_ROOT}/lib/libtorch_cpu.so)
  message(FATAL_ERROR "No libtorch at ${Torch_ROOT}: run scripts/setup, or pass -DTorch_ROOT=DIR")
endif()

add_library(libtorch_cpu INTERFACE)
add_library(libtorch::cpu ALIAS libtorch_cpu)
target_include_directories(libtorch_cpu SYSTEM INTERFACE
  ${Torch_ROOT}/include ${Torch_ROOT}/include/torch/csrc/api/include)
target_link_directories(libtorch_cpu INTERFACE ${Torch_ROOT}/lib)
target_link_libraries(libtorch_cpu INTERFACE torch_cpu c10)
# The wheel's libtorch_cpu needs libcudart and libcupti even where no GPU is used.
target_link_options(libtorch_cpu INTERFACE
  -Wl,-rpath,${Torch_ROOT}/lib:${RINGTRAIN_WHEELS}/nvidia/cu13/lib
  -Wl,-rpath-link,${Torch_ROOT}/lib:${RINGTRAIN_WHEELS}/nvidia/cu13/lib
  -Wl,--allow-shlib-undefined)
