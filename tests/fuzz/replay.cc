// SPDX-License-Identifier: GPL-2.0
//
// Feeds the files of a folder to a fuzz target. It needs no libFuzzer, so that every compiler can do it.
#include <cstdio>
#include <memory>

#include "files.h"
#include "fuzz.h"

int main(int argc, char** argv) {
  const auto files = nslab::entries_of(argc == 2 ? argv[1] : "");
  if (!files || files->empty()) {
    std::fprintf(stderr, "Usage: %s FOLDER, which must hold files\n", argv[0]);
    return 2;
  }
  for (const auto& file : *files) {
    std::printf("%s\n", file.c_str());
    std::fflush(stdout);  // before a crash
    const auto text = nslab::read_file(file);
    if (!text) {
      std::fprintf(stderr, "%s\n", text.error().message.c_str());
      return 1;
    }
    // Of just this size: behind a string's last character stands a zero that the address sanitizer lets pass.
    const std::unique_ptr<char[]> bytes(new char[text->size()]);
    text->copy(bytes.get(), text->size());
    nslab::fuzz::try_input({bytes.get(), text->size()});
  }
}
