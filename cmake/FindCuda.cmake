# SPDX-License-Identifier: Apache-2.0
# CUDA::cudart, nccl::nccl and libtorch::cuda, from an installed toolkit or from the wheels.

set(CUDAToolkit_ROOT ${RINGTRAIN_WHEELS}/nvidia/cu13 CACHE PATH "CUDA Toolkit 13 or newer")
set(NCCL_ROOT ${RINGTRAIN_WHEELS}/nvidia/nccl CACHE PATH "NCCL 2.28 or newer: the folder with include/ and lib/")
set(CMAKE_CUDA_ARCHITECTURES "75-real;80-real;90-real;100-real;120" CACHE STRING "GPU generations to compile for")

# The wheel's lib/ holds libcudart.so.13 and libcudart_static.a, but no libcudart.so and no stubs; CMake's
# compiler check and our link both use the static runtime, so nothing else is needed.
set(CMAKE_CUDA_COMPILER ${CUDAToolkit_ROOT}/bin/nvcc CACHE FILEPATH "nvcc")
set(CMAKE_CUDA_FLAGS_INIT "-L${CUDAToolkit_ROOT}/lib")
enable_language(CUDA)
# CMake 3.25 does not know yet that nvcc can do C++20.
if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION)
  set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION "-std=c++20")
  set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION "-std=c++20")
endif()
set(CMAKE_CUDA_STANDARD 20)
set(CMAKE_CUDA_STANDARD_REQUIRED ON)

add_library(ringtrain_cudart INTERFACE)
target_include_directories(ringtrain_cudart SYSTEM INTERFACE ${CUDAToolkit_ROOT}/include)
find_library(CUDART_LIBRARY NAMES cudart libcudart.so.13 HINTS ${CUDAToolkit_ROOT}/lib ${CUDAToolkit_ROOT}/lib64
             NO_DEFAULT_PATH REQUIRED)
target_link_libraries(ringtrain_cudart INTERFACE ${CUDART_LIBRARY})

add_library(ringtrain_nccl INTERFACE)
add_library(nccl::nccl ALIAS ringtrain_nccl)
target_include_directories(ringtrain_nccl SYSTEM INTERFACE ${NCCL_ROOT}/include)
find_library(NCCL_LIBRARY NAMES nccl libnccl.so.2 HINTS ${NCCL_ROOT}/lib NO_DEFAULT_PATH REQUIRED)
target_link_libraries(ringtrain_nccl INTERFACE ${NCCL_LIBRARY} ringtrain_cudart)

add_library(libtorch_cuda INTERFACE)
add_library(libtorch::cuda ALIAS libtorch_cuda)
# --no-as-needed: nothing names a symbol of libtorch_cuda directly, it registers its kernels when loaded.
target_link_libraries(libtorch_cuda INTERFACE libtorch_cpu ringtrain_cudart
  -Wl,--no-as-needed torch_cuda c10_cuda -Wl,--as-needed)
target_link_options(libtorch_cuda INTERFACE -Wl,-rpath,${NCCL_ROOT}/lib)

# Linking does without libtorch_cuda's own libraries, starting does not.
if(Torch_ROOT STREQUAL "${RINGTRAIN_WHEELS}/torch" AND NOT EXISTS ${RINGTRAIN_WHEELS}/nvidia/cudnn)
  message(WARNING "Programs of this build will not start: run scripts/setup --cuda")
endif()
