# SPDX-License-Identifier: Apache-2.0
# cmake --install build/cpu --prefix DIR --strip: bin/ with both programs, share/ with their man pages
# and completion, lib/ringtrain/ with the parts of libtorch and CUDA that they are linked with. Everything else they
# need is packages (Dockerfile).

install(TARGETS ringtrain RUNTIME)
if(TARGET ringtrain-operator)
  install(TARGETS ringtrain-operator RUNTIME OPTIONAL)  # where it was built
endif()
if(NOT RINGTRAIN_SCRIPTS_ONLY)
  install(PROGRAMS $<TARGET_FILE_DIR:ringtrain>/kubeml TYPE BIN)  # a link to it
endif()
if(TARGET ringtrain-bench)
  # where they were built
  install(TARGETS ringtrain-bench ringtrain-bench-all-reduce ringtrain-emulated-rank RUNTIME OPTIONAL)
endif()

# Completion and man pages are made from the programs as they were built, while they are installed.
find_program(HELP2MAN help2man)
install(CODE "
  set(generated ${CMAKE_BINARY_DIR}/share)
  file(REMOVE_RECURSE \${generated})
  file(MAKE_DIRECTORY \${generated}/bash-completion/completions \${generated}/zsh/site-functions)
  execute_process(COMMAND $<TARGET_FILE:ringtrain> completion bash COMMAND_ERROR_IS_FATAL ANY
                  OUTPUT_FILE \${generated}/bash-completion/completions/ringtrain)
  execute_process(COMMAND $<TARGET_FILE:ringtrain> completion zsh COMMAND_ERROR_IS_FATAL ANY
                  OUTPUT_FILE \${generated}/zsh/site-functions/_ringtrain)
  if(EXISTS \"${HELP2MAN}\")
    execute_process(COMMAND ${CMAKE_SOURCE_DIR}/scripts/man ${CMAKE_BINARY_DIR}/bin \${generated}/man/man1
                    COMMAND_ERROR_IS_FATAL ANY)
  else()
    message(STATUS \"No help2man: man pages are left out\")
  endif()" COMPONENT share)
install(DIRECTORY ${CMAKE_BINARY_DIR}/share/ DESTINATION share COMPONENT share)

if(NOT RINGTRAIN_TORCH)
  return()
endif()

install(TARGETS ringtrain-worker RUNTIME)
install(TARGETS ringtrain-serve RUNTIME OPTIONAL)
set(libraries lib/ringtrain)
set(names libc10.so libtorch_cpu.so libgomp.so.1)
if(RINGTRAIN_CUDA)
  list(APPEND names libc10_cuda.so libtorch_cuda.so libtorch_nvshmem.so)
endif()
foreach(name ${names})
  if(EXISTS ${Torch_ROOT}/lib/${name})
    install(PROGRAMS ${Torch_ROOT}/lib/${name} DESTINATION ${libraries})
  endif()
endforeach()
if(RINGTRAIN_CUDA)
  # cuDNN and cuBLAS load more of themselves by name than they are linked with.
  file(GLOB folders ${RINGTRAIN_WHEELS}/nvidia/*/lib)
  foreach(folder ${folders})
    install(DIRECTORY ${folder}/ DESTINATION ${libraries} FILES_MATCHING PATTERN "*.so*"
            PATTERN cmake EXCLUDE)
  endforeach()
else()
  # libtorch_cpu of the CUDA wheel is linked with these, too.
  foreach(name libcudart.so.13 libcupti.so.13)
    if(EXISTS ${RINGTRAIN_WHEELS}/nvidia/cu13/lib/${name})
      install(PROGRAMS ${RINGTRAIN_WHEELS}/nvidia/cu13/lib/${name} DESTINATION ${libraries})
    endif()
  endforeach()
endif()
