// SPDX-License-Identifier: GPL-2.0
#include <algorithm>
#include <cstdlib>
#include <set>

#include "files.h"
#include "image.h"
#include "kernel_build.h"
#include "kvm_probe.h"
#include "output.h"
#include "processes.h"
#include "resources.h"
#include "scratch_folder.h"
#include "shell.h"
#include "text.h"
#include "verb.h"

namespace nslab::verb_shell {
namespace fs = std::filesystem;

namespace {

/// What a prompt is of little use without, where this machine has it.
constexpr const char* kPrograms[] = {
    "awk",    "cat",    "chmod",    "clear", "cp",      "cut",    "date",    "dd",       "df",    "dmesg", "du",
    "echo",   "env",    "false",    "find",  "free",    "grep",   "head",    "hostname", "id",    "kill",  "ln",
    "ls",     "lsns",   "mkdir",    "mount", "mv",      "nproc",  "nsenter", "perf",     "pgrep", "pkill", "prlimit",
    "ps",     "pwd",    "readlink", "rm",    "rmdir",   "sed",    "seq",     "setsid",   "sleep", "sort",  "stat",
    "strace", "stty",   "sysctl",   "tail",  "taskset", "tee",    "time",    "timeout",  "top",   "touch", "tr",
    "true",   "umount", "uname",    "uniq",  "unshare", "uptime", "vmstat",  "w",        "wc",    "xargs"};

struct ShellArguments {
  std::string kernel;
  std::vector<std::string> command;
  std::string profile = "lean";
  std::string base = kDefaultBase;
  std::string accelerator;
  std::string with;
  int depth = 0;
  int vcpus = 1;
  int memory_mib = 1024;
};

void declare_arguments(Arguments& arguments, ShellArguments& values) {
  arguments.positional("KERNEL", values.kernel, "a model, or a kernel that is given (docs/your-kernel.md)", "KERNEL");
  arguments.command("COMMAND", values.command, "behind '--': run this in place of a shell, and end as it ends");
  arguments.option("--depth", values.depth, 0, 32, "pid namespaces below the initial one (default: 0)");
  arguments.choice("--accel", values.accelerator, {"kvm", "tcg"}, "the accelerator (default: kvm if it is real)");
  arguments.option("--with", values.with, "programs of this machine that the guest gets as well", "PROGRAM,…");
  arguments.option("--vcpus", values.vcpus, 1, 64, "virtual CPUs (default: 1)");
  arguments.option("--memory", values.memory_mib, 128, 1 << 20, "the guest's memory in MiB (default: 1024)");
  arguments.option("--profile", values.profile, "the kernel's profile", "PROFILE");
  arguments.option("--base", values.base, "the kernel's base", "BASE");
}

Result<Accelerator> accelerator_for(const std::string& wish) {
  if (wish == "tcg") return Accelerator::tcg;
  const KvmProbe probe = TRY(probe_kvm());
  if (probe.is_real()) return Accelerator::kvm;
  if (wish.empty()) return Accelerator::tcg;
  return machine_error("--accel kvm: {}", probe.explanation);
}

/// By each file's path in the guest, where it is here.
Result<std::map<std::string, fs::path>> files_for(const ShellArguments& arguments, const Paths& paths) {
  std::set<GuestFile> wanted = {{"/bin/sh", "dash"}};
  for (const char* name : kPrograms) {
    if (const fs::path program = find_program(name); !program.empty()) wanted.insert({program, ""});
  }
  for (const std::string& name : arguments.with.empty() ? std::vector<std::string>{} : split_at(arguments.with, ',')) {
    if (name.empty()) return user_error("--with {}: a name is missing", arguments.with);
    const fs::path program = name.find('/') == std::string::npos ? find_program(name) : fs::absolute(name);
    if (program.empty() || !is_there(program)) return user_error("--with {}: this machine has no such program", name);
    wanted.insert({program, ""});
  }
  std::map<std::string, fs::path> files;
  for (const auto& [in_guest, here] : TRY(locate_files(paths, wanted))) {
    // The guest mounts folders of its own there.
    constexpr std::string_view kHidden[] = {"/tmp/", "/run/", "/dev/", "/proc/", "/sys/"};
    const bool hidden = std::any_of(std::begin(kHidden), std::end(kHidden),
                                    [&name = in_guest](std::string_view folder) { return name.starts_with(folder); });
    const std::string where = hidden ? "/usr/local/bin/" + fs::path(in_guest).filename().string() : in_guest;
    if (hidden && files.contains(where))
      return user_error("--with: {} and {} would both be {} in the guest", files.at(where).string(), in_guest, where);
    if (hidden) print_err("{} is {} in the guest\n", in_guest, where);
    files[where] = here;
  }
  const auto add = [&](const std::string& in_guest, const fs::path& here) {
    if (is_there(here)) files[in_guest] = here;
  };
  add("/etc/passwd", "/usr/share/base-passwd/passwd.master");
  add("/etc/group", "/usr/share/base-passwd/group.master");
  if (const char* term = std::getenv("TERM"); term != nullptr && *term != '\0') {
    for (const char* folder : {"/lib/terminfo", "/usr/share/terminfo", "/etc/terminfo"}) {
      add(fmt::format("/lib/terminfo/{}/{}", *term, term), fs::path(folder) / std::string(1, *term) / term);
    }
  }
  return files;
}

/// The guest holds the image twice while it unpacks it.
Result<void> check_memory(int memory_mib, const fs::path& image) {
  constexpr std::uint64_t kMib = 1 << 20;
  constexpr std::uint64_t kOfKernel = 160;  // MiB, for the kernel and the command
  std::error_code error;
  const std::uint64_t needed = kOfKernel + 2 * fs::file_size(image, error) / kMib;
  if (static_cast<std::uint64_t>(memory_mib) < needed)
    return user_error("--memory {}: with these programs the guest needs {} MiB", memory_mib, needed);
  if (const auto usable = usable_resources().memory_mib; static_cast<std::uint64_t>(memory_mib) > usable)
    return machine_error("--memory {}: nslab may use {} MiB of this machine's memory", memory_mib, usable);
  return {};
}

std::vector<std::string> environment_for(const ShellArguments& arguments) {
  const char* const term = std::getenv("TERM");
  return {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/nslab", "HOME=/", "LC_ALL=C.UTF-8",
          fmt::format("TERM={}", term == nullptr || *term == '\0' ? "dumb" : term),
          fmt::format("PS1={}{} # ", arguments.kernel,
                      arguments.depth == 0 ? "" : fmt::format(", depth {}", arguments.depth))};
}

Result<void> act(const ShellArguments& arguments) {
  const auto paths = TRY(find_paths());
  const auto table = TRY(load_kernel_table(paths.kernels_folder()));
  const KernelBuilder builder(paths);
  const auto spec = TRY(
      builder.spec(table, TRY(table.base(arguments.base)), TRY(table.profile(arguments.profile)), arguments.kernel));
  const auto files = TRY(files_for(arguments, paths));  // before a kernel is built for nothing
  const Kernel kernel = TRY(builder.build(spec));
  const ScratchFolder folder = TRY(ScratchFolder::make(paths.cache / "tmp", "shell"));
  const Image image = TRY(make_shell_image(paths, files));
  TRY(check_memory(arguments.memory_mib, image.file));
  ShellSettings settings{.kernel = arguments.kernel,
                         .vmlinux = kernel.vmlinux(),
                         .initramfs = image.file,
                         .plugins = paths.plugins,
                         .accelerator = TRY(accelerator_for(arguments.accelerator)),
                         .memory_mib = arguments.memory_mib,
                         .vcpus = arguments.vcpus,
                         .depth = arguments.depth,
                         .command = arguments.command,
                         .environment = environment_for(arguments)};
  if (settings.command.empty()) {
    const bool has_profile = !spec.given || spec.given->has_profile();
    print_err("{}{}, {}: Ctrl-] leaves, as does the end of the shell\n", arguments.kernel,
              has_profile ? fmt::format(" ({})", spec.profile.name) : "", describe(settings.accelerator).name);
    settings.command = {"/bin/sh", "-i"};
  }
  const auto status = TRY(run_shell(settings, folder.path()));
  if (!status && !arguments.command.empty()) return negative_result("left by Ctrl-] before the command has ended");
  if (status.value_or(0) == 0) return {};
  return Error{static_cast<Exit>(*status), ""};  // the command has said why
}

const RegisterVerb registered({
    .name = "shell",
    .help = "a prompt in a kernel, at some depth of pid namespaces",
    .examples =
        "  nslab shell multi                                    Ctrl-] leaves\n"
        "  nslab shell multi --depth 3 -- ps -ef                runs one command, and ends with its exit status\n"
        "  nslab shell debian:6.12 --with vim.tiny,/usr/bin/strace\n"
        "  nslab shell flat --profile mini -- micro --list      one of the lab's own programs",
    .declare = verb_body<ShellArguments>(declare_arguments, act),
});

}  // namespace
}  // namespace nslab::verb_shell
