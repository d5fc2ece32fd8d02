# Warnings and sanitizers for every target of this project.
add_compile_options(-Wall -Wextra -Wshadow -Wnon-virtual-dtor -fno-omit-frame-pointer)
# Packages turn it off: they are built by compilers that are not known yet.
set(CMAKE_COMPILE_WARNING_AS_ERROR ON CACHE BOOL "Whether a warning fails the build")

if(SANITIZE)
  # Not the check of virtual tables: it opens a pipe, which a test that has used up its descriptors cannot.
  add_compile_options(-fsanitize=${SANITIZE} -fno-sanitize=vptr -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${SANITIZE})
endif()
