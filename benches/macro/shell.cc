// SPDX-License-Identifier: GPL-2.0
//
// Work as people do it: a shell that starts small programs, and a compiler run by make.
#include <filesystem>
#include <string>

#include "files.h"
#include "program.h"

namespace {

using nslab::macro::File;
using nslab::macro::kDash;
using nslab::macro::measure_program;

void measure_jobs(nslab::micro::Measurement& measurement, int count) {
  std::string found;
  for (int i = 0; i < count; ++i) found += "188\n2842351076 34\n4225661935 18092 sorted\n";
  measure_program(measurement, {"/usr/bin/dash", NSLAB_FILE("macro/jobs.sh"), std::to_string(count)}, found);
}

}  // namespace

#define NSLAB_SHELL_FILES                                                                                        \
  kDash, File{"macro/jobs.sh", ""}, File{"macro/job.sh", ""}, File{"macro/text", ""},                            \
      File{"/usr/bin/cat", "coreutils"}, File{"/usr/bin/cksum", "coreutils"}, File{"/usr/bin/grep", "grep"},     \
      File{"/usr/bin/head", "coreutils"}, File{"/usr/bin/mkdir", "coreutils"}, File{"/usr/bin/rm", "coreutils"}, \
      File{"/usr/bin/sort", "coreutils"}, File{"/usr/bin/tee", "coreutils"}, File{"/usr/bin/tr", "coreutils"},   \
      File{"/usr/bin/uniq", "coreutils"}, File {                                                                 \
    "/usr/bin/wc", "coreutils"                                                                                   \
  }

NSLAB_BENCHMARK(shell1, "macro",
                "a shell script of 15 small programs and pipes over a text: fork, exec, wait, pipes, as unixbench's", 4,
                2, NSLAB_SHELL_FILES) {
  measure_jobs(measurement, 1);
}

NSLAB_BENCHMARK(shell8, "macro", "eight times shell1 at once", 1, 1, NSLAB_SHELL_FILES) {
  measure_jobs(measurement, 8);
}

NSLAB_BENCHMARK(build, "macro", "make and tcc build a C project of six files, and run it", 4, 2, kDash,
                File{"/usr/bin/make", "make"}, File{"/usr/bin/tcc", "tcc"}, File{"macro/project/Makefile", ""},
                File{"macro/project/calculator.h", ""}, File{"macro/project/code.c", ""},
                File{"macro/project/input.c", ""}, File{"macro/project/machine.c", ""},
                File{"macro/project/main.c", ""}, File{"macro/project/table.c", ""}, File{"macro/project/token.c", ""},
                File{"/usr/lib/x86_64-linux-gnu/crt1.o", "libc6-dev"},
                File{"/usr/lib/x86_64-linux-gnu/crti.o", "libc6-dev"},
                File{"/usr/lib/x86_64-linux-gnu/crtn.o", "libc6-dev"},
                // The C library names it as what it needs, and the linker looks for it.
                File{"/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2", "libc6"}) {
  const std::filesystem::path folder = "/tmp/build";
  std::filesystem::create_directory(folder);
  const std::string source = NSLAB_FILE("macro/project");
  // -B: all of it anew, each time.
  measure_program(measurement,
                  {"/usr/bin/make", "-B", "-s", "-C", folder, "-f", source + "/Makefile", "SOURCE=" + source},
                  "6\n42\n40\n3\n12\n");
  std::filesystem::remove_all(folder);
}
