// SPDX-License-Identifier: GPL-2.0
//
// Boots on other machines: a real Slurm with two nodes, and a real sshd, both of this machine.
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>

#include "host.h"
#include "json.h"
#include "lab_support.h"
#include "store.h"
#include "text.h"

namespace nslab::lab {
namespace {
namespace fs = std::filesystem;

constexpr const char* kExperiment = R"(
name = "machines"
profile = "mini"
boots = 3
isolation = "boot"
attribution = true
[[measure]]
kernels = ["multi", "flat"]
depths = [0, 1]
benchmarks = ["getpid", "fork_exit_wait"]
)";
constexpr std::size_t kBoots = 6;

/// The experiment's file, written into a folder.
fs::path experiment_in(const fs::path& folder) {
  must(write_file(folder / "machines.toml", kExperiment));
  return folder / "machines.toml";
}

/// What the experiment gives here, measured once.
const std::vector<Sample>& samples_here() {
  static const TempFolder work = folder();
  static const std::vector<Sample> samples = measure(work.path() / "here", kExperiment);
  return samples;
}

/// A TCP port of this machine that is free.
int free_port() {
  const Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  if (::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), length) != 0) return 0;
  if (::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &length) != 0) return 0;
  return ntohs(address.sin_port);
}

/// Waits until it is so; fails the test after a minute.
template <class Condition>
void wait_until(const std::string& what, Condition condition) {
  constexpr int kTries = 600;
  for (int i = 0; i < kTries; ++i) {
    if (condition()) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  FAIL() << "in vain: " << what;
}

/// What a program of Slurm's, of ssh's or another one prints, with SLURM_CONF and all else of ours.
std::string output_of(const std::vector<std::string>& argv) {
  return must(run_captured({.argv = argv, .inherits_environment = true})).output;
}

/// slurmctld and two slurmd, each with one CPU.
class Cluster {
 public:
  Cluster() {
    const fs::path root = work_.path();
    const std::string user = output_of({"id", "-un"});
    const std::string host = host_name().substr(0, host_name().find('.'));
    EXPECT_TRUE(write_file(root / "slurm.conf", fmt::format(R"(ClusterName=test
SlurmctldHost={1}(127.0.0.1)
SlurmctldPort={2}
SlurmUser={5}
SlurmdUser={5}
AuthType=auth/none
CredType=cred/none
StateSaveLocation={0}/state
SlurmdSpoolDir={0}/%n
SlurmctldPidFile={0}/slurmctld.pid
SlurmdPidFile={0}/%n.pid
SlurmctldLogFile={0}/slurmctld.log
SlurmdLogFile={0}/%n.log
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
ReturnToService=2
SlurmdTimeout=10
KillWait=2
NodeName=n1 NodeHostname={1} NodeAddr=127.0.0.1 Port={3} CPUs=1 RealMemory=2000 State=UNKNOWN
NodeName=n2 NodeHostname={1} NodeAddr=127.0.0.1 Port={4} CPUs=1 RealMemory=2000 State=UNKNOWN
PartitionName=test Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP
)",
                                                            root.string(), host, free_port(), free_port(), free_port(),
                                                            user.substr(0, user.find('\n')))));
    fs::create_directory(root / "state");
    ::setenv("SLURM_CONF", (root / "slurm.conf").c_str(), 1);
    daemons_.emplace("slurmctld", start({"slurmctld", "-D"}));
    for (const char* node : {"n1", "n2"}) {
      fs::create_directory(root / node);
      daemons_.emplace(node, start({"slurmd", "-D", "-N", node}));
    }
    wait_until("two idle nodes", [] {
      const std::string nodes = output_of({"sinfo", "--noheader", "--Node", "--format=%t"});
      return lines_of(nodes) == std::vector<std::string>{"idle", "idle"};
    });
  }
  ~Cluster() {
    output_of({"scancel", "--me"});
    ::unsetenv("SLURM_CONF");
  }
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  /// The node loses power: its slurmd and all that it has started are gone at once.
  void kill_node(const std::string& node) {
    daemons_.erase(node);
    const std::string mark = "SLURMD_NODENAME=" + node;
    const std::string ours = "SLURM_CONF=" + (work_.path() / "slurm.conf").string();
    for (const fs::path& process : must(entries_of("/proc"))) {
      const auto environment = read_file(process / "environ");
      if (!environment || environment->find(mark) == std::string::npos) continue;
      if (environment->find(ours) == std::string::npos) continue;
      ::kill(std::stoi(process.filename()), SIGKILL);
    }
  }

 private:
  Process start(std::vector<std::string> argv) const {
    return must(Process::start(
        {.argv = std::move(argv), .inherits_environment = true, .output = work_.path() / "daemons.log"}));
  }

  TempFolder work_ = folder();
  std::map<std::string, Process> daemons_;
};

std::vector<std::string> run_on(const fs::path& config, const fs::path& results, const std::string& machines) {
  return {"run", config, "--force-profile", "--results", results, "--on", machines};
}

std::size_t boots_that_ended(const fs::path& results) {
  const auto runs = entries_of(results / "packed/runs");
  if (!runs || runs->empty()) return 0;
  const auto boots = entries_of(runs->front() / "boots");
  return boots ? boots->size() : 0;
}

std::vector<Sample> stored(const fs::path& results) {
  Store store = must(Store::open_existing(results.string()));
  return must(store.samples(must(store.run(std::nullopt)).id));
}

// One run sees all that may happen to it: its nslab is killed, a task is cancelled, a node loses power.
TEST(Machines, SlurmGivesTheSameDigitsThoughTasksAndANodeAreLost) {
  const auto& here = samples_here();
  Cluster cluster;
  const TempFolder work = folder();
  const fs::path config = experiment_in(work.path());
  const fs::path results = work.path() / "results";
  {
    Command command = nslab_command(run_on(config, results, "slurm:partition=test,time=20"));
    command.output = work.path() / "first.log";
    Process first = must(Process::start(command));
    wait_until("tasks in the queue", [] { return !output_of({"squeue", "--noheader"}).empty(); });
    first.kill(SIGKILL);
  }
  const std::string last =
      output_of({"squeue", "--noheader", "--array", "--sort=-i", "--states=PENDING", "--format=%i"});
  ASSERT_NE(last, "");
  output_of({"scancel", last.substr(0, last.find('\n'))});

  Command command = nslab_command(run_on(config, results, "slurm:partition=test,time=20"));
  command.output = work.path() / "second.log";
  Process second = must(Process::start(command));
  wait_until("a boot that has ended", [&] { return boots_that_ended(results) > 0; });
  cluster.kill_node("n1");
  std::optional<int> status;
  while (!(status = second.wait_for(60))) {
  }
  const std::string log = must(read_file(command.output));
  EXPECT_EQ(*status, 0 << 8) << log;
  EXPECT_THAT(log, testing::HasSubstr(fmt::format("of {} boots are under way in Slurm", kBoots)));
  expect_equal(here, stored(results));
  EXPECT_FALSE(fs::exists(results / "packed")) << "what was packed is removed at the end";
}

TEST(Machines, AnInterruptedRunLeavesItsTasksToSlurm) {
  const auto& here = samples_here();
  const Cluster cluster;
  const TempFolder work = folder();
  const fs::path config = experiment_in(work.path());
  const fs::path results = work.path() / "results";
  Command command = nslab_command(run_on(config, results, "slurm"));
  command.output = work.path() / "log";
  {
    Process run = must(Process::start(command));
    wait_until("tasks in the queue", [] { return !output_of({"squeue", "--noheader"}).empty(); });
    run.kill(SIGINT);
    EXPECT_TRUE(run.wait_for(30)) << "Ctrl-C ends it";
  }
  EXPECT_THAT(must(read_file(command.output)), testing::HasSubstr("To end them: scancel "));
  wait_until("all boots", [&] { return boots_that_ended(results) == kBoots; });
  const Captured again = nslab(run_on(config, results, "slurm"));
  EXPECT_EQ(again.status, 0 << 8) << again.output;
  EXPECT_THAT(again.output, testing::HasSubstr("6 of 6 boots are under way in Slurm or have ended there"));
  expect_equal(here, stored(results));
}

/// An sshd for this user on a port of its own, and the ssh_config that leads there from any of the names.
class SshServer {
 public:
  SshServer() {
    const fs::path root = work_.path();
    for (const char* key : {"host_key", "user_key"}) {
      output_of({"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", root / key});
    }
    const int port = free_port();
    EXPECT_TRUE(write_file(root / "sshd_config", fmt::format(R"(Port {1}
ListenAddress 127.0.0.1
HostKey {0}/host_key
AuthorizedKeysFile {0}/user_key.pub
PidFile none
StrictModes no
UsePAM no
PermitRootLogin prohibit-password
SetEnv XDG_CACHE_HOME={0}/cache
)",
                                                             root.string(), port)));
    EXPECT_TRUE(write_file(config(), fmt::format(R"(Host one two
  HostName 127.0.0.1
  Port {1}
  IdentityFile {0}/user_key
  IdentitiesOnly yes
  UserKnownHostsFile /dev/null
  StrictHostKeyChecking no
  LogLevel ERROR
Host nowhere
  HostName 127.0.0.1
  Port 1
)",
                                                 root.string(), port)));
    if (::geteuid() == 0) fs::create_directories("/run/sshd");  // where sshd gives up its privileges
    daemon_.emplace(must(Process::start(
        {.argv = {"/usr/sbin/sshd", "-D", "-e", "-f", root / "sshd_config"}, .output = root / "sshd.log"})));
    wait_until("an answer of sshd", [&] { return output_of({"ssh", "-F", config(), "one", "echo here"}) == "here\n"; });
  }

  fs::path config() const { return work_.path() / "ssh_config"; }
  fs::path cache() const { return work_.path() / "cache/nslab"; }

 private:
  TempFolder work_ = folder();
  std::optional<Process> daemon_;
};

/// How many processes execute boots for others.
std::size_t workers(const SshServer& server) {
  std::size_t count = 0;
  for (const fs::path& process : must(entries_of("/proc"))) {
    const auto line = read_file(process / "cmdline");
    if (line && line->find(server.cache().string()) != std::string::npos && line->find("--boot") != std::string::npos) {
      ++count;
    }
  }
  return count;
}

TEST(Machines, SshGivesTheSameDigitsAndLeavesNobodyBehind) {
  const auto& here = samples_here();
  const SshServer server;
  const TempFolder work = folder();
  const fs::path config = experiment_in(work.path());
  const fs::path results = work.path() / "results";
  auto arguments = run_on(config, results, "ssh:one*1,two*1,nowhere");
  arguments.insert(arguments.end(), {"--ssh-config", server.config()});
  {
    Command command = nslab_command(arguments);
    command.output = work.path() / "log";
    Process killed = must(Process::start(command));
    wait_until("two boots at once", [&] { return workers(server) == 2; });
    killed.kill(SIGKILL);
  }
  wait_until("their end, as nobody waits for them", [&] { return workers(server) == 0; });
  const Captured again = nslab(arguments);
  EXPECT_EQ(again.status, 0 << 8) << again.output;
  EXPECT_THAT(again.output, testing::HasSubstr("nowhere is left out: "));
  expect_equal(here, stored(results));
}

/// What 'nslab work FOLDER --check' says once `change` was done to the run's run.json.
std::string check_changed(const fs::path& shelf, const std::function<void(Json&)>& change) {
  const fs::path run = must(entries_of(shelf / "runs")).front();
  const std::string text = must(read_file(run / "run.json"));
  Json json = *parse_json(text);
  change(json);
  EXPECT_TRUE(write_file(run / "run.json", to_text(json)));
  const Captured checked = nslab({"work", run, "--check"});
  EXPECT_TRUE(write_file(run / "run.json", text));
  return fmt::format("{}: {}", WEXITSTATUS(checked.status), checked.output);
}

TEST(Machines, APackedRunIsExecutedByWhatItWasPlannedWithOrNotAtAll) {
  const SshServer server;
  const TempFolder work = folder();
  const fs::path config = experiment_in(work.path());
  // A run that fails keeps what was packed.
  auto arguments = run_on(config, work.path() / "results", "ssh:one");
  arguments.insert(arguments.end(), {"--ssh-config", server.config(), "--fault", "panic"});
  const Captured failed = nslab(arguments);
  EXPECT_EQ(failed.status, 1 << 8) << failed.output;
  EXPECT_THAT(failed.output, testing::HasSubstr("panic"));
  const auto kept = must(entries_of(work.path() / "results/failed"));
  ASSERT_FALSE(kept.empty()) << failed.output;
  EXPECT_THAT(must(read_file(kept.front() / "console.log")), testing::HasSubstr("Kernel panic"));
  const fs::path shelf = work.path() / "results/packed";
  EXPECT_TRUE(must(entries_of(server.cache() / "packed/runs")).empty()) << "what is no longer needed there is removed";

  using testing::HasSubstr;
  using testing::StartsWith;
  EXPECT_THAT(check_changed(shelf, [](Json& /*json*/) {}), StartsWith("0: boots at once: "));
  const auto of_manifest = [](const char* member) {
    return [=](Json& json) {
      Json manifest = *parse_json(json["run"]["manifest"].get<std::string>());
      manifest[member] = "another";
      json["run"]["manifest"] = to_text(manifest);
    };
  };
  EXPECT_THAT(check_changed(shelf, of_manifest("qemu_fingerprint")),
              HasSubstr("has another QEMU than the run was planned with"));
  EXPECT_THAT(check_changed(shelf, of_manifest("initramfs_sha256")), StartsWith("2: "));
  EXPECT_THAT(check_changed(shelf, [](Json& json) { json["kernels"]["multi"] = "another"; }),
              HasSubstr("a plan is not what was packed"));
  EXPECT_THAT(check_changed(shelf, [](Json& json) { json["boots"][0]["plan"] = "{}"; }), StartsWith("2: "));
  EXPECT_THAT(check_changed(shelf, [](Json& json) { json["boots"][0].erase("key"); }), HasSubstr("is damaged"));
  EXPECT_THAT(check_changed(shelf, [](Json& json) { json["format"] = 77; }), HasSubstr("it has another format"));

  EXPECT_THAT(check_changed(shelf,
                            [&](Json& json) {
                              Json manifest = *parse_json(json["run"]["manifest"].get<std::string>());
                              manifest["experiment"] =
                                  "name = \"timed\"\nmeter = \"time\"\n[[measure]]\nkernels = [\"multi\"]\n"
                                  "depths = [0]\nbenchmarks = [\"getpid\"]\n";
                              manifest["host"] = {{"cpu", "another"}};
                              json["accelerator"] = "tcg";
                              json["run"]["manifest"] = to_text(manifest);
                            }),
              HasSubstr("is another kind of machine"));

  const fs::path vmlinux = must(entries_of(shelf / "kernels")).front() / "vmlinux";
  std::error_code ignored;
  fs::rename(vmlinux, shelf / "kept", ignored);
  must(write_file(vmlinux, "another"));
  EXPECT_THAT(check_changed(shelf, [](Json& /*json*/) {}), HasSubstr("the kernel multi is not what was packed"));
  fs::rename(shelf / "kept", vmlinux, ignored);

  const fs::path image = must(entries_of(shelf / "images")).front();
  ASSERT_TRUE(write_file(image, "another"));
  EXPECT_THAT(check_changed(shelf, [](Json& /*json*/) {}), HasSubstr("the guest, a plugin or a plan is not what was"));
}

}  // namespace
}  // namespace nslab::lab
