# Warnings and sanitizers for every target of this project.
add_compile_options(-Wall -Wextra -Werror -Wshadow -Wnon-virtual-dtor -fno-omit-frame-pointer)

if(SANITIZE)
  # Not the check of virtual tables: it opens a pipe, which a test that has used up its descriptors cannot.
  add_compile_options(-fsanitize=${SANITIZE} -fno-sanitize=vptr -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${SANITIZE})
endif()
