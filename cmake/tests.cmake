# Every tests/unit/test_*.c is one program.
find_library(CMOCKA_LIBRARY cmocka REQUIRED)
set(TRIVIUM_ASSETS "$ENV{TRIVIUM_ASSETS}" CACHE STRING "real models and data")
if(NOT TRIVIUM_ASSETS)
  set(TRIVIUM_ASSETS "${CMAKE_SOURCE_DIR}/../shared/assets")
endif()
set(TEST_ENV "TRIVIUM_ASSETS=${TRIVIUM_ASSETS}"
  "TRIVIUM_SOURCE=${CMAKE_SOURCE_DIR}" "TRIVIUM_BUILD=${CMAKE_BINARY_DIR}"
  "TRIVIUM=${CMAKE_BINARY_DIR}/trivium" "OMP_NUM_THREADS=2"
  # Threads that spin while they wait make a busy machine a hundred times slower.
  "OMP_WAIT_POLICY=passive")
# Sanitizers make a test three times as long.
set(TEST_TIMEOUT 900)
if(TRIVIUM_SANITIZE)
  set(TEST_TIMEOUT 1200)
endif()

file(GLOB SUPPORT_SOURCES CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/support/*.c)
add_library(trv_test_support OBJECT ${SUPPORT_SOURCES})
target_link_libraries(trv_test_support PUBLIC trv_flags)
target_include_directories(trv_test_support PUBLIC ${CMAKE_SOURCE_DIR}/tests)

add_library(trv_inside STATIC $<TARGET_OBJECTS:trv_objects> ${ISA_OBJECTS}
  $<TARGET_OBJECTS:trv_cli_objects> $<TARGET_OBJECTS:trv_test_support>)
set_target_properties(trv_inside PROPERTIES LINKER_LANGUAGE C)
target_link_libraries(trv_inside PUBLIC trv_flags)

file(GLOB UNIT_SOURCES CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/unit/test_*.c)
foreach(src ${UNIT_SOURCES})
  get_filename_component(name ${src} NAME_WE)
  add_executable(${name} ${src})
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests)
  target_link_libraries(${name} PRIVATE trv_inside ${CMOCKA_LIBRARY})
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES ENVIRONMENT "${TEST_ENV}"
    WORKING_DIRECTORY ${CMAKE_BINARY_DIR} TIMEOUT ${TEST_TIMEOUT})
  # Operators again under each instruction set below the best.
  if(name MATCHES "^test_ops_")
    foreach(isa base avx2 avx512)
      add_test(NAME ${name}_${isa} COMMAND ${name})
      set_tests_properties(${name}_${isa} PROPERTIES
        ENVIRONMENT "${TEST_ENV};TRV_ISA=${isa}"
        WORKING_DIRECTORY ${CMAKE_BINARY_DIR} TIMEOUT ${TEST_TIMEOUT})
    endforeach()
  endif()
endforeach()

# tests/cli/NAME.sh drives the program; what it prints is compared with
# NAME.stdout, NAME.stderr and NAME.exit by tests/cli/support/run.sh, which
# rewrites them when called by hand with --rewrite. pty types at a terminal.
add_executable(pty ${CMAKE_SOURCE_DIR}/tests/cli/support/pty.c)
target_link_libraries(pty PRIVATE trv_flags)
file(GLOB CLI_TESTS CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/cli/*.sh)
foreach(script ${CLI_TESTS})
  get_filename_component(name ${script} NAME_WE)
  add_test(NAME cli_${name}
    COMMAND bash ${CMAKE_SOURCE_DIR}/tests/cli/support/run.sh ${script})
  set_tests_properties(cli_${name} PROPERTIES ENVIRONMENT "${TEST_ENV}"
    WORKING_DIRECTORY ${CMAKE_BINARY_DIR} TIMEOUT ${TEST_TIMEOUT} SKIP_RETURN_CODE 77)
endforeach()

# tests/house/NAME.sh looks at the tree and at what is installed from it.
file(GLOB HOUSE_TESTS CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/house/*.sh)
set(HOUSE_ENV ${TEST_ENV} "CC=${CMAKE_C_COMPILER}"
  "CMAKE=${CMAKE_COMMAND}" "SANITIZE=$<BOOL:${TRIVIUM_SANITIZE}>")
foreach(script ${HOUSE_TESTS})
  get_filename_component(name ${script} NAME_WE)
  add_test(NAME house_${name} COMMAND bash ${script})
  set_tests_properties(house_${name} PROPERTIES ENVIRONMENT "${HOUSE_ENV}"
    WORKING_DIRECTORY ${CMAKE_BINARY_DIR} TIMEOUT ${TEST_TIMEOUT} SKIP_RETURN_CODE 77)
endforeach()

# Fuzz targets: with clang and TRIVIUM_FUZZ for libFuzzer, otherwise linked to a
# plain driver that replays the corpus in the tree.
file(GLOB FUZZ_SOURCES CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/fuzz/fuzz_*.c)
add_custom_target(fuzz_targets)
foreach(src ${FUZZ_SOURCES})
  get_filename_component(name ${src} NAME_WE)
  string(REPLACE "fuzz_" "" what ${name})
  add_executable(${name} ${src})
  add_dependencies(fuzz_targets ${name})
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests)
  target_link_libraries(${name} PRIVATE trv_inside)
  if(TRIVIUM_FUZZ)
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    add_test(NAME ${name}
      COMMAND sh ${CMAKE_SOURCE_DIR}/tools/fuzz.sh $<TARGET_FILE:${name}>)
    set_tests_properties(${name} PROPERTIES ENVIRONMENT "${TEST_ENV}")
  else()
    target_sources(${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests/fuzz/replay.c)
    add_test(NAME ${name}
      COMMAND ${name} ${CMAKE_SOURCE_DIR}/tests/fuzz/corpus/${what})
    set_tests_properties(${name} PROPERTIES ENVIRONMENT "${TEST_ENV}"
      WORKING_DIRECTORY ${CMAKE_BINARY_DIR} TIMEOUT ${TEST_TIMEOUT})
  endif()
endforeach()

# For tests/parity/check_llama_cpp.py.
add_executable(parity_logits
  ${CMAKE_SOURCE_DIR}/tests/parity/logits.c)
target_link_libraries(parity_logits PRIVATE trv_inside)
