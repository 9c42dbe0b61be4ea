# SPDX-License-Identifier: Apache-2.0
# Programs in build/bin. One whose main does not exist is left out.

function(aver_program name)
    cmake_parse_arguments(arg "" "" "SOURCES;LIBS;DEFINES" ${ARGN})
    if(NOT arg_SOURCES)
        return()
    endif()
    add_executable(${name} ${arg_SOURCES})
    target_link_libraries(${name} PRIVATE aver_flags ${arg_LIBS})
    target_compile_definitions(${name} PRIVATE ${arg_DEFINES})
endfunction()

aver_program(aver-node SOURCES ${AVER_MAIN_node} LIBS aver_node)
aver_program(aver-node-sim SOURCES ${AVER_MAIN_node} LIBS aver_tee_sim aver_node DEFINES AVER_WITH_SIM=1)
aver_program(aver SOURCES ${AVER_MAIN_cli} LIBS aver_attest_sim aver_cli)
if(AVER_STATIC)
    # A linker may warn of functions that load shared objects (users, services, host names): they
    # lie in the archives, and nothing calls them.
    target_link_options(aver PRIVATE -static-pie)
    return()
endif()
file(GLOB model_make CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tools/model_make*.c)
aver_program(aver-model-make SOURCES ${model_make} LIBS aver_llama m)

# Those that need a running node use the fixture of the tests.
file(GLOB benches CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/bench/*.c)
foreach(source IN LISTS benches)
    get_filename_component(name ${source} NAME_WE)
    aver_program(bench-${name} SOURCES ${source}
        LIBS aver_test_support aver_tee_sim aver_attest_sim aver_cli aver_node)
endforeach()

# Manual pages and completions: written from the tables of the programs, as part of every build.
aver_program(aver-manual-make SOURCES ${CMAKE_SOURCE_DIR}/tools/manual_make.c LIBS aver_cli)
file(GLOB manual_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/docs/man/*.in)
set(manual_dir ${CMAKE_BINARY_DIR}/man)
add_custom_command(OUTPUT ${manual_dir}/made
    COMMAND ${CMAKE_COMMAND} -E rm -rf ${manual_dir}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${manual_dir}
    COMMAND aver-manual-make ${CMAKE_SOURCE_DIR}/docs/man ${manual_dir}
    COMMAND ${CMAKE_COMMAND} -E create_symlink aver-node.8 ${manual_dir}/aver-node-sim.8
    COMMAND ${CMAKE_COMMAND} -E touch ${manual_dir}/made
    DEPENDS aver-manual-make ${manual_sources} VERBATIM)
set(completion_dir ${CMAKE_BINARY_DIR}/completion)
file(MAKE_DIRECTORY ${completion_dir})
set(completions)
foreach(shell IN ITEMS bash zsh fish)
    add_custom_command(OUTPUT ${completion_dir}/aver.${shell}
        COMMAND aver completion ${shell} > ${completion_dir}/aver.${shell} DEPENDS aver VERBATIM)
    list(APPEND completions ${completion_dir}/aver.${shell})
endforeach()
add_custom_target(manual ALL DEPENDS ${manual_dir}/made ${completions})
