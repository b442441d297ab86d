# Cross-building for arm64 on another architecture, with Debian's g++-aarch64-linux-gnu. TSRUN_LIBRARIES is a folder into which the packages of
# the libraries that are linked in are unpacked; without it they are looked for where Debian's multiarch puts them.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES TSRUN_LIBRARIES)

if(TSRUN_LIBRARIES)
  set(CMAKE_FIND_ROOT_PATH "${TSRUN_LIBRARIES}")
  set(CMAKE_CXX_FLAGS_INIT "-isystem ${TSRUN_LIBRARIES}/usr/include -isystem ${TSRUN_LIBRARIES}/usr/include/aarch64-linux-gnu")
  foreach(kind EXE SHARED)
    set(CMAKE_${kind}_LINKER_FLAGS_INIT "-L${TSRUN_LIBRARIES}/usr/lib/aarch64-linux-gnu")
  endforeach()
endif()
# Programs are the host's (Node, which makes the codecs), libraries and headers the target's.
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
