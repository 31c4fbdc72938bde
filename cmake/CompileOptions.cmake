# SPDX-License-Identifier: Apache-2.0
# Flags for our own targets. Libraries' headers are SYSTEM, so their warnings stay theirs.

find_program(CCACHE ccache)
if(CCACHE)
  # Precompiled headers need ccache to trust their defines and times; and what one checkout has compiled
  # another need not compile again.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${CCACHE})
  set(CMAKE_CUDA_COMPILER_LAUNCHER ${CCACHE})
endif()

add_library(ringtrain_options INTERFACE)
target_include_directories(ringtrain_options INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_options(ringtrain_options INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual>)
if(RINGTRAIN_WERROR)
  target_compile_options(ringtrain_options INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Werror>)
endif()

# pip compiles once, and without ccache: headers are parsed once for the files of a library. Names in their unnamed
# namespaces must differ (tests/tidy/check_local_names.py).
if(RINGTRAIN_SCRIPTS_ONLY)
  set(CMAKE_UNITY_BUILD ON)
  set(CMAKE_UNITY_BUILD_BATCH_SIZE 16)
  set(CMAKE_DISABLE_PRECOMPILE_HEADERS ON)
  set(CMAKE_POSITION_INDEPENDENT_CODE ON)  # for python/: a library comes as a whole
  # g++ takes a file that is included for a header, and an unnamed namespace in it for a mistake.
  target_compile_options(ringtrain_options INTERFACE $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-subobject-linkage>)
endif()

# For code beside the ranks that is large after templates (JSON, command lines): less time to compile.
add_library(ringtrain_compile_fast INTERFACE)
if(NOT CMAKE_BUILD_TYPE STREQUAL Debug)
  target_compile_options(ringtrain_compile_fast INTERFACE -O1)
endif()

if(RINGTRAIN_SANITIZE)
  # g++ 12 takes std::regex and std::function for uninitialised under its own sanitizers.
  target_compile_options(ringtrain_options INTERFACE $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-maybe-uninitialized>)
  add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-fsanitize=${RINGTRAIN_SANITIZE}>
                      $<$<COMPILE_LANGUAGE:CXX>:-fno-omit-frame-pointer>)
  add_link_options(-fsanitize=${RINGTRAIN_SANITIZE})
endif()

# ringtrain_test(NAME label SOURCES... [LIBS ...]): one GoogleTest program, its cases known to ctest.
function(ringtrain_test name label)
  cmake_parse_arguments(arg "" "" "SOURCES;LIBS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ringtrain_options ${arg_LIBS} GTest::gmock GTest::gtest GTest::gtest_main)
  include(GoogleTest)
  gtest_discover_tests(${name} TEST_PREFIX "${name}." PROPERTIES LABELS ${label} DISCOVERY_TIMEOUT 120)
endfunction()

# ringtrain_mpi_test(NAME RANKS 1 2 3 SOURCES ... [LIBS ...]): one GoogleTest program with a main of its own
# (tests/integration/mpi_main.cpp), run whole by a real mpirun at each number of ranks.
function(ringtrain_mpi_test name)
  cmake_parse_arguments(arg "" "" "RANKS;SOURCES;LIBS" ${ARGN})
  add_executable(${name} ${arg_SOURCES} ${CMAKE_SOURCE_DIR}/tests/integration/mpi_main.cpp)
  target_link_libraries(${name} PRIVATE ringtrain_options ringtrain_comm ${arg_LIBS} GTest::gmock GTest::gtest)
  foreach(ranks ${arg_RANKS})
    add_test(NAME ${name}.${ranks}_ranks
             COMMAND ${CMAKE_SOURCE_DIR}/tests/integration/mpirun ${ranks} $<TARGET_FILE:${name}>)
    set_tests_properties(${name}.${ranks}_ranks PROPERTIES LABELS mpi TIMEOUT 300 PROCESSORS 2)
  endforeach()
endfunction()
