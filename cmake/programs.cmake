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
file(GLOB model_make CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tools/model_make*.c)
aver_program(aver-model-make SOURCES ${model_make} LIBS aver_llama m)

# Those that need a running node use the fixture of the tests.
file(GLOB benches CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/bench/*.c)
foreach(source IN LISTS benches)
    get_filename_component(name ${source} NAME_WE)
    aver_program(bench-${name} SOURCES ${source}
        LIBS aver_test_support aver_tee_sim aver_attest_sim aver_cli aver_node)
endforeach()
