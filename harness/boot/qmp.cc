// SPDX-License-Identifier: GPL-2.0
#include "qmp.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "clock.h"
#include "printable.h"
#include "signals.h"
#include "text.h"

namespace nslab {

Result<std::pair<Qmp, Fd>> Qmp::make() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return machine_error("cannot make a socket: {}", errno_text());
  }
  return std::pair(Qmp(Fd(ends[0])), Fd(ends[1]));
}

std::vector<std::string> Qmp::arguments(int fd) {
  return {"-chardev", fmt::format("socket,id=qmp,fd={}", fd), "-mon", "chardev=qmp,mode=control"};
}

Result<Json> Qmp::execute(const std::string& command, const Json& arguments, double seconds, int fd) {
  TRY(greet(seconds));
  TRY(send(to_text(Json{{"execute", command}, {"arguments", arguments}}) + "\n", fd));
  const double end = monotonic_seconds() + seconds;
  for (;;) {
    Json answer = TRY(receive(end - monotonic_seconds()));
    if (answer.contains("return")) return answer.at("return");
    if (answer.contains("error")) {
      return negative_result("QEMU refused {}: {}", command, printable(text_member(answer.at("error"), "desc")));
    }
  }
}

Result<void> Qmp::greet(double seconds) {
  if (greeted_) return {};
  TRY(receive(seconds));  // who it is
  greeted_ = true;
  TRY(execute("qmp_capabilities", Json::object(), seconds));
  return {};
}

Result<void> Qmp::wait_for(const std::string& event, double seconds) {
  TRY(greet(seconds));
  const double end = monotonic_seconds() + seconds;
  while (!events_.contains(event)) TRY(receive(end - monotonic_seconds()));
  return {};
}

Result<void> Qmp::send(const std::string& line, int fd) {
  iovec bytes{const_cast<char*>(line.data()), line.size()};
  msghdr message{};
  message.msg_iov = &bytes;
  message.msg_iovlen = 1;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  if (fd >= 0) {
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof fd);
    std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
  }
  // A command is shorter than a socket's buffer, which is empty while we wait for answers.
  if (::sendmsg(socket_.get(), &message, MSG_NOSIGNAL) == static_cast<ssize_t>(line.size())) return {};
  return negative_result("QEMU takes no command: {}", errno_text());
}

Result<Json> Qmp::receive(double seconds) {
  constexpr std::size_t kMost = 1 << 20;
  const double end = monotonic_seconds() + seconds;
  for (;;) {
    if (const auto newline = received_.find('\n'); newline != std::string::npos) {
      auto json = parse_json(received_.substr(0, newline));
      received_.erase(0, newline + 1);
      if (!json || !json->is_object()) return negative_result("QEMU's answer is no QMP");
      if (json->contains("event")) events_.insert(text_member(*json, "event"));
      return std::move(*json);
    }
    if (interrupted()) return interruption();
    const double left = end - monotonic_seconds();
    if (left <= 0) return negative_result("QEMU does not answer");
    pollfd waiting{socket_.get(), POLLIN, 0};
    if (::poll(&waiting, 1, static_cast<int>(std::min(left, 0.1) * 1000) + 1) <= 0) continue;
    char buffer[4096];
    const ssize_t got = ::read(socket_.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0 || received_.size() > kMost) return negative_result("QEMU has closed its monitor");
    received_.append(buffer, static_cast<std::size_t>(got));
  }
}

}  // namespace nslab
