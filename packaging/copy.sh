# SPDX-License-Identifier: Apache-2.0
# For packaging/build-deb and build-rpm: a temporary copy of the checkout to build in. Sourced, in the checkout's root.

make_directory() {
  directory=$(mktemp -d)
  trap 'rm -rf "$directory"' EXIT
}

# copy_checkout TARGET: the files that git has or would add, in their present state; without git all files except built ones.
copy_checkout() {
  mkdir -p "$1"
  if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
    git ls-files -z --cached --others --exclude-standard |
      while IFS= read -r -d '' file; do if [ -e "$file" ]; then printf '%s\0' "$file"; fi; done |
      tar --create --null --files-from=- | tar --extract --directory "$1"
  else
    tar --create --exclude='./build*' --exclude=./dist --exclude=node_modules . | tar --extract --directory "$1"
  fi
}
