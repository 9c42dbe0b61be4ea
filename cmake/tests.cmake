# SPDX-License-Identifier: Apache-2.0
# Tests by glob; the folder is the label. tests/soak runs only under `ctest -C soak`.

# Named by the environment at each configuration, or else beside the source.
if(DEFINED ENV{AVER_SHARED})
    get_filename_component(AVER_SHARED "$ENV{AVER_SHARED}" ABSOLUTE BASE_DIR ${CMAKE_SOURCE_DIR})
else()
    set(AVER_SHARED "${CMAKE_SOURCE_DIR}/../shared")
endif()
execute_process(COMMAND ${CMAKE_SOURCE_DIR}/tools/setup --print-models-dir
                OUTPUT_VARIABLE models_dir OUTPUT_STRIP_TRAILING_WHITESPACE)
set(AVER_MODELS ${models_dir} CACHE PATH "the models that tools/setup made")
execute_process(COMMAND ${CMAKE_SOURCE_DIR}/tools/setup --print-clients-dir
                OUTPUT_VARIABLE clients_dir OUTPUT_STRIP_TRAILING_WHITESPACE)
# Not cached: another pin is another folder.
set(AVER_CLIENTS ${clients_dir})
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tools/pins)
set(test_env "AVER_BIN=${CMAKE_BINARY_DIR}/bin" "AVER_SOURCE=${CMAKE_SOURCE_DIR}"
    "AVER_SHARED=${AVER_SHARED}" "AVER_MODELS=${AVER_MODELS}" "AVER_CLIENTS=${AVER_CLIENTS}"
    "AVER_TEST_MODEL=${AVER_MODELS}/stories15M-q8_0.gguf"
    # The archives of llama.cpp are not instrumented: containers that cross the border look overrun.
    "ASAN_OPTIONS=detect_container_overflow=0" "UBSAN_OPTIONS=print_stacktrace=1")
if(NOT cmocka_FOUND)
    message(FATAL_ERROR "cmocka is missing: run tools/setup --deps")
endif()
set(test_skip_code 77)
set(timeout_unit 240)
set(timeout_interop 240)
set(timeout_fuzz 240)
set(timeout_scenario 900)
set(timeout_soak 7200)
set(test_libs aver_tee_sim aver_attest_sim aver_cli aver_node)

# soak is a configuration of its own, so that an ordinary run leaves it out.
set(config_soak CONFIGURATIONS soak)

function(aver_test name label)
    add_test(NAME ${label}/${name} COMMAND ${ARGN} ${config_${label}})
    set_tests_properties(${label}/${name} PROPERTIES LABELS ${label} ENVIRONMENT "${test_env}"
        SKIP_RETURN_CODE ${test_skip_code} TIMEOUT ${timeout_${label}})
endfunction()

# What several tests share.
file(GLOB support CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/support/*.c)
aver_library(aver_test_support tests ${support})
aver_link(aver_test_support ${test_libs} PkgConfig::cmocka)
if(support)
    target_include_directories(aver_test_support PUBLIC ${CMAKE_SOURCE_DIR}/tests)
else()
    target_include_directories(aver_test_support INTERFACE ${CMAKE_SOURCE_DIR}/tests)
endif()
list(PREPEND test_libs aver_test_support)

# Functions that a program of the tests puts its own in the place of: __wrap_NAME for NAME.
set(wrap_recheck_test aver_answer_draw)
set(wrap_hostile_engine aver_answer_draw)
set(wrap_scripted_engine aver_work_new aver_work_free aver_answer_draw)
set(wrap_double_node aver_receipt_sign aver_opening_sign aver_head_sign)
function(aver_test_wrap target name)
    foreach(symbol IN LISTS wrap_${name})
        target_link_options(${target} PRIVATE -Wl,--wrap=${symbol})
    endforeach()
endfunction()

function(aver_test_program source label)
    get_filename_component(name ${source} NAME_WE)
    set(target ${label}-${name})
    add_executable(${target} ${source})
    target_link_libraries(${target} PRIVATE aver_flags ${test_libs} PkgConfig::cmocka)
    if(TARGET PkgConfig::libcbor)
        target_link_libraries(${target} PRIVATE PkgConfig::libcbor)
        target_compile_definitions(${target} PRIVATE AVER_WITH_LIBCBOR=1)
    endif()
    aver_test_wrap(${target} ${name})
    set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
    if(NOT TARGET ${name})
        add_custom_target(${name} DEPENDS ${target})
    endif()
    aver_test(${name} ${label} ${target})
endfunction()

foreach(label IN ITEMS unit interop scenario soak)
    file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/${label}/*_test.c)
    foreach(source IN LISTS sources)
        aver_test_program(${source} ${label})
    endforeach()
    file(GLOB scripts CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/${label}/*.sh)
    foreach(script IN LISTS scripts)
        # Names that begin with lib are sourced by the others.
        get_filename_component(name ${script} NAME_WE)
        if(NOT name MATCHES "^lib")
            aver_test(${name} ${label} ${script})
        endif()
    endforeach()
endforeach()
# Programs that the scripts of tests/interop run: build/bin/aver-mutant-maker and the like.
file(GLOB makers CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/interop/*_maker.c)
foreach(source IN LISTS makers)
    get_filename_component(name ${source} NAME_WE)
    string(REPLACE "_" "-" program aver-${name})
    add_executable(${program} ${source})
    target_link_libraries(${program} PRIVATE aver_flags ${test_libs})
endforeach()
aver_test(tidy unit ${CMAKE_SOURCE_DIR}/tools/tidy ${CMAKE_SOURCE_DIR})

# Fuzz harnesses: libFuzzer programs under AVER_FUZZ, otherwise a replay of their corpus.
file(GLOB harnesses CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/fuzz/*_fuzz.c)
foreach(source IN LISTS harnesses)
    get_filename_component(name ${source} NAME_WE)
    string(REGEX REPLACE "_fuzz$" "" subject ${name})
    set(target fuzz-${subject})
    if(AVER_FUZZ)
        add_executable(${target} ${source})
        target_link_options(${target} PRIVATE -fsanitize=fuzzer)
    else()
        add_executable(${target} ${source} ${CMAKE_SOURCE_DIR}/tests/fuzz/replay_main.c)
        aver_test(${subject} fuzz ${target} ${CMAKE_SOURCE_DIR}/tests/fuzz/corpus/${subject})
    endif()
    target_link_libraries(${target} PRIVATE aver_flags ${test_libs})
    # The entry point is declared by the fuzzing engine, not by a header.
    set_source_files_properties(${source} PROPERTIES COMPILE_OPTIONS -Wno-missing-prototypes)
    set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fuzz)
endforeach()

# Engines that lie, for the scenarios: <name>_engine.c becomes build/bin/aver-<name>-engine.
file(GLOB engines CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/scenario/*_engine.c)
foreach(source IN LISTS engines)
    get_filename_component(name ${source} NAME_WE)
    string(REPLACE "_" "-" program aver-${name})
    add_executable(${program} ${source})
    target_link_libraries(${program} PRIVATE aver_flags aver_engine)
    target_include_directories(${program} PRIVATE ${CMAKE_SOURCE_DIR}/tests)
    aver_test_wrap(${program} ${name})
endforeach()

# Nodes that lie: <name>_node.c, put before the simulator's node, becomes build/bin/aver-<name>-node.
file(GLOB nodes CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/scenario/*_node.c)
foreach(source IN LISTS nodes)
    get_filename_component(name ${source} NAME_WE)
    string(REPLACE "_" "-" program aver-${name})
    aver_program(${program} SOURCES ${AVER_MAIN_node} ${source} LIBS aver_tee_sim aver_node
        DEFINES AVER_WITH_SIM=1)
    aver_test_wrap(${program} ${name})
endforeach()
