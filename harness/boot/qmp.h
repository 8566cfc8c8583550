// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <set>
#include <string>
#include <utility>

#include "files.h"
#include "json.h"
#include "result.h"

namespace nslab {

/// The host's end of a connection to a QEMU that it starts (QEMU Machine Protocol): a line of JSON for each command and
/// each answer.
class Qmp {
 public:
  /// Both ends: this one, and the descriptor that QEMU inherits.
  static Result<std::pair<Qmp, Fd>> make();

  /// The arguments of QEMU's command line for the inherited descriptor.
  static std::vector<std::string> arguments(int fd);

  /// What QEMU returns; the first call greets it. A descriptor is handed over with the command. Events that come before
  /// the answer are passed over. Exit::says_no when QEMU refuses the command, answers with what is no QMP, closes the
  /// connection, or says nothing for so many seconds.
  Result<Json> execute(const std::string& command, const Json& arguments = Json::object(), double seconds = 60,
                       int fd = -1);
  /// Waits for an event of this name, as "STOP", from before or to come. Fails as execute() does.
  Result<void> wait_for(const std::string& event, double seconds);

 private:
  Result<void> greet(double seconds);
  explicit Qmp(Fd socket) : socket_(std::move(socket)) {}
  Result<void> send(const std::string& line, int fd);
  Result<Json> receive(double seconds);

  Fd socket_;
  std::string received_;
  bool greeted_ = false;
  std::set<std::string> events_;  ///< that have come
};

}  // namespace nslab
