// SPDX-License-Identifier: GPL-2.0
#include "output.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "text.h"

namespace nslab {

namespace {

int first_error = 0;  // errno of the first write that failed

void note(bool failed) {
  if (failed && first_error == 0) first_error = errno;
}

}  // namespace

void prepare_output() {
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGXFSZ, SIG_IGN);                           // a file beyond the caller's limit is an error like a full disk
  ::umask(::umask(0) & ~static_cast<mode_t>(S_IRWXU));  // we have to write in the folders that we make
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    // The lowest free number is taken, which is this one. Opened for reading, so that what is written is an error.
    if (::fcntl(fd, F_GETFD) < 0) note(::open("/dev/null", O_RDONLY) != fd);
  }
}

void write_out(std::string_view shown) {
  const std::string text = without_controls(shown);
  errno = 0;
  note(std::fwrite(text.data(), 1, text.size(), stdout) != text.size());
}

void write_err(std::string_view text) { write_err_raw(without_controls(text)); }

void write_err_raw(std::string_view text) {
  errno = 0;
  note(std::fflush(stdout) != 0);  // the two shall stand in the order in which they were written
  std::fwrite(text.data(), 1, text.size(), stderr);
}

Result<void> output_error() {
  errno = 0;
  note(std::fflush(stdout) != 0);
  if (first_error == 0 || first_error == EPIPE) return {};
  return machine_error("cannot write the output: {}", strerror(first_error));
}

}  // namespace nslab
