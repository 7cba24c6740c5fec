# casebox_module(<folder> [DEPS <target>...] [PRIVATE_DEPS <target>...])
#
# One folder is one module, one namespace and one static library: every .cpp of the folder and of its
# internal/ becomes target casebox_<folder with _ for />. Public headers stand at the folder's root.
add_library(casebox_options INTERFACE)
target_include_directories(casebox_options INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_options(casebox_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow
  -Wno-missing-field-initializers)
if(CASEBOX_SANITIZE)
  target_compile_options(casebox_options INTERFACE -fsanitize=${CASEBOX_SANITIZE}
    -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(casebox_options INTERFACE -fsanitize=${CASEBOX_SANITIZE})
endif()

if(CASEBOX_FUZZ)
  target_compile_options(casebox_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

function(casebox_module folder)
  cmake_parse_arguments(ARG "" "" "DEPS;PRIVATE_DEPS" ${ARGN})
  string(REPLACE "/" "_" name ${folder})
  set(target casebox_${name})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${folder}/*.cpp
    ${CMAKE_SOURCE_DIR}/${folder}/internal/*.cpp)
  if(NOT sources)
    add_library(${target} INTERFACE)
    target_link_libraries(${target} INTERFACE casebox_options ${ARG_DEPS} ${ARG_PRIVATE_DEPS})
    return()
  endif()
  add_library(${target} STATIC ${sources})
  target_link_libraries(${target} PUBLIC casebox_options ${ARG_DEPS} PRIVATE ${ARG_PRIVATE_DEPS})
endfunction()

# The lowest layers and whatever decodes outside bytes, for a build under sanitizers that has little time.
add_custom_target(sanitized_tests)

# casebox_tests(<folder> [SANITIZED] [DEPS <target>...]): every .cpp of tests/unit/<folder> in one test program,
# test_<folder with _ for />, registered test by test.
function(casebox_tests folder)
  cmake_parse_arguments(ARG "SANITIZED" "" "DEPS" ${ARGN})
  string(REPLACE "/" "_" name ${folder})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/unit/${folder}/*.cpp)
  if(NOT sources)
    return()
  endif()
  add_executable(test_${name} ${sources})
  target_link_libraries(test_${name} PRIVATE ${ARG_DEPS} casebox_test_support GTest::gmock GTest::gtest_main)
  if(ARG_SANITIZED)
    add_dependencies(sanitized_tests test_${name})
  endif()
  gtest_discover_tests(test_${name} DISCOVERY_MODE PRE_TEST PROPERTIES LABELS unit TIMEOUT 300)
endfunction()
