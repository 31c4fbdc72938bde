# SPDX-License-Identifier: Apache-2.0
# What scripts/package and pip put into packages, as components that a plain `cmake --install` leaves out:
#
#   programs   one folder: ringtrain, and the others that were built; with-torch/ below it has those that load libtorch
#   wheel      the same inside the package for Python, with the backend for torch (python/CMakeLists.txt)
#
# Packages carry no libtorch. In place of a program that loads it stands ringtrain-with-torch under its name, which
# finds torch on the machine and starts the one in with-torch/.
set(packaged_programs ringtrain)
if(TARGET ringtrain-bench)
  list(APPEND packaged_programs ringtrain-bench)
endif()
set(programs_with_torch "")
if(RINGTRAIN_TORCH)
  set(programs_with_torch ringtrain-worker ringtrain-serve)
endif()

function(install_programs component folder)
  install(TARGETS ${packaged_programs} RUNTIME DESTINATION ${folder} COMPONENT ${component} EXCLUDE_FROM_ALL)
  # A wheel has no links: its script starts ringtrain under this name.
  if(component STREQUAL programs AND NOT RINGTRAIN_SCRIPTS_ONLY)
    install(PROGRAMS $<TARGET_FILE_DIR:ringtrain>/kubeml DESTINATION ${folder} COMPONENT ${component} EXCLUDE_FROM_ALL)
  endif()
  foreach(name ${programs_with_torch})
    install(TARGETS ${name} RUNTIME DESTINATION ${folder}/with-torch COMPONENT ${component} EXCLUDE_FROM_ALL)
    install(PROGRAMS $<TARGET_FILE:ringtrain-with-torch> DESTINATION ${folder} RENAME ${name}
            COMPONENT ${component} EXCLUDE_FROM_ALL)
  endforeach()
  if(TARGET ringtrain-bench-all-reduce)
    install(TARGETS ringtrain-bench-all-reduce ringtrain-emulated-rank
            RUNTIME DESTINATION ${folder} COMPONENT ${component} EXCLUDE_FROM_ALL)
  endif()
endfunction()

install_programs(programs .)
if(RINGTRAIN_WHEEL)
  install_programs(wheel ringtrain/programs)
endif()
list(APPEND packaged_programs ${programs_with_torch})
