# SPDX-License-Identifier: Apache-2.0
# libaver: formats and verifier as one archive, without network, threads or simulator; and what
# `make install` puts where.

set(libaver_objects)
foreach(layer IN ITEMS base codec crypto attest receipt)
    get_target_property(type aver_${layer} TYPE)
    if(type STREQUAL "STATIC_LIBRARY")
        list(APPEND libaver_objects $<TARGET_OBJECTS:aver_${layer}>)
    endif()
endforeach()
if(libaver_objects)
    add_library(libaver STATIC ${libaver_objects})
    set_target_properties(libaver PROPERTIES OUTPUT_NAME aver LINKER_LANGUAGE C)
    install(TARGETS libaver ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
endif()
# The simulator's verifier, apart: who links it may name a simulator root.
if(TARGET aver_attest_sim)
    add_library(libaver_sim STATIC $<TARGET_OBJECTS:aver_attest_sim>)
    set_target_properties(libaver_sim PROPERTIES OUTPUT_NAME aver-sim LINKER_LANGUAGE C)
    install(TARGETS libaver_sim ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
    configure_file(${CMAKE_SOURCE_DIR}/cmake/aver-sim.pc.in ${CMAKE_BINARY_DIR}/aver-sim.pc @ONLY)
    install(FILES ${CMAKE_BINARY_DIR}/aver-sim.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endif()
configure_file(${CMAKE_SOURCE_DIR}/cmake/aver.pc.in ${CMAKE_BINARY_DIR}/aver.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/aver.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(DIRECTORY ${CMAKE_SOURCE_DIR}/include/aver DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
    FILES_MATCHING PATTERN "*.h")
foreach(program IN ITEMS aver aver-node aver-node-sim)
    if(TARGET ${program})
        install(TARGETS ${program} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
    endif()
endforeach()
