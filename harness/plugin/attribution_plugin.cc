// SPDX-License-Identifier: GPL-2.0
//
// A plugin of QEMU's that says which function executed each instruction of a cell, and by which path of calls the
// function was reached. It runs in QEMU's vCPU thread, reads the guest and changes nothing in it: the samples are the
// same with and without it.
//
//   -plugin file=attribution.so,symbols=FILE,output=FILE[,memory=on]
//
// It counts translation blocks, not instructions, and takes back what of a block was not executed: a page fault leaves
// a block in its middle, and QEMU leaves one before an access to a device. When the interrupted code goes on, it goes
// on where it was left, and that says how far the block had come. docs/attribution.md explains it, and describes both
// files.
#include <algorithm>
#include <charconv>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "page_hash.h"
#include "qemu_plugin.h"
#include "window_marks.h"

int qemu_plugin_version = 1;

namespace nslab::attribution {
namespace {

using Address = std::uint64_t;
using FunctionId = std::uint32_t;

constexpr Address kKernelHalf = Address{1} << 63;
constexpr std::size_t kMostFrames = 4096;      // deeper than any honest stack; a hostile guest calls without end
constexpr std::size_t kMostNodes = 2'000'000;  // of all cells together, some 150 bytes each
constexpr std::size_t kMostContexts = 1 << 18;

[[noreturn]] void give_up(const std::string& what) {
  std::fprintf(stderr, "attribution plugin: %s\n", what.c_str());
  std::exit(1);
}

// ---- Symbols -------------------------------------------------------------------------------------------------------

/// What is special about a kernel function. The host knows it from the name.
enum class Role : char {
  none = '-',
  apart = '.',  ///< may be entered and left at any place: written in assembly, a cold part, or an access to a device
  fault = 'f',  ///< entered by an exception that leaves an instruction unfinished
  interrupt = 'i',  ///< entered between two instructions
  stubs = 'e',      ///< the same, one entry behind the other
  new_task = 'n',   ///< where a task's life begins
  thunk = 't',      ///< jumps by a return
  exec = 'x',       ///< throws the caller's program away
  signal = 's',     ///< makes the program go on in a signal's handler
  sigreturn = 'r',  ///< makes it go on where the signal came
};

/// The ids that mean no function. All others are lines of the symbols' file.
enum Pseudo : FunctionId { kRoot, kOtherCode, kUnplaced, kEarlierTask, kNewTask, kExec, kSignal, kFirstFunction };

struct Function {
  Address start = 0;
  Address end = 0;  ///< where the next one starts
  FunctionId id = kOtherCode;
  Role role = Role::none;
};

/// The functions of the kernel by address and of programs by their place in a file.
class Symbols {
 public:
  void read(const char* name) {
    std::FILE* const file = std::fopen(name, "r");
    if (file == nullptr) give_up(std::string("cannot open the symbols ") + name);
    char line[128];
    FunctionId next = kFirstFunction;
    bool complete = false;
    if (std::fgets(line, sizeof line, file) == nullptr || std::strcmp(line, "nslab symbols 2\n") != 0) {
      give_up("the symbols' file is none of this version");
    }
    while (!complete && std::fgets(line, sizeof line, file) != nullptr) {
      std::uint64_t first = 0;
      std::uint64_t second = 0;
      unsigned object = 0;
      const char* at = line + 1;  // behind the letter, before a blank
      const auto number = [&](auto& value, int base = 16) {
        if (*at != ' ') return false;
        const auto read = std::from_chars(at + 1, std::end(line), value, base);
        at = read.ptr;
        return read.ec == std::errc();
      };
      const auto one_number = [&] {
        return (line[0] == 'e' && number(kernel_end_)) || (line[0] == 'w' && number(windows_, 10));
      };
      if (line[0] == 'k' && number(first) && at[0] == ' ') {
        kernel_.push_back({first, 0, next++, static_cast<Role>(at[1])});
      } else if (line[0] == 'f' && number(object, 10) && number(first)) {
        if (object >= objects_.size()) objects_.resize(object + 1);
        objects_[object].push_back({first, 0, next++, Role::none});
      } else if (line[0] == 'p' && number(first) && number(object, 10) && number(second)) {
        pages_.emplace(first, Page{object, second});
      } else if (line[0] == 'x' && number(first)) {
        may_fault_.insert(first);
      } else if (!one_number()) {
        complete = std::strcmp(line, "end\n") == 0;
        if (!complete) give_up(std::string("the symbols' file has the line ") + line);
      }
    }
    std::fclose(file);
    count_ = next;
    if (!complete) give_up("the symbols' file is cut short");
    const auto by_start = [](const Function& a, const Function& b) { return a.start < b.start; };
    if (!std::is_sorted(kernel_.begin(), kernel_.end(), by_start)) give_up("the kernel's symbols are not sorted");
    for (const auto& functions : objects_) {
      if (!std::is_sorted(functions.begin(), functions.end(), by_start)) give_up("a file's symbols are not sorted");
    }
  }

  /// How many windows the cells have together.
  std::uint64_t windows() const { return windows_; }

  /// The ids of all functions are below.
  FunctionId count() const { return count_; }

  /// Whether the kernel expects this instruction of its own to fault.
  bool may_fault(Address address) const { return may_fault_.contains(address); }

  /// The function that this instruction is part of: its addresses in the guest, of the same page at least.
  Function find(Address address, const void* memory) const {
    if (address >= kKernelHalf) return address < kernel_end_ ? find(kernel_, address, 0) : Function{};
    const Function unknown{.start = address, .end = address + 1};
    if (memory == nullptr || reinterpret_cast<std::intptr_t>(memory) == -1) return unknown;
    const auto offset = address % kPageBytes;
    const auto page = pages_.find(page_hash(static_cast<const char*>(memory) - offset));
    if (page == pages_.end() || page->second.object >= objects_.size()) return unknown;
    const Address in_file = page->second.offset + offset;
    Function found = find(objects_[page->second.object], in_file, address - in_file);
    // The next page of the guest's may be another file's.
    found.end = std::min(found.end, address - offset + kPageBytes);
    return found;
  }

 private:
  struct Page {
    unsigned object;
    std::uint64_t offset;
  };

  static Function find(const std::vector<Function>& functions, Address address, Address base) {
    const auto behind =
        std::upper_bound(functions.begin(), functions.end(), address,
                         [](Address value, const Function& function) { return value < function.start; });
    Function found;
    if (behind != functions.begin()) found = *std::prev(behind);
    found.start += base;
    found.end = behind == functions.end() ? ~Address{0} : behind->start + base;
    return found;
  }

  FunctionId count_ = kFirstFunction;
  std::uint64_t windows_ = 0;
  std::vector<Function> kernel_;
  Address kernel_end_ = 0;
  std::unordered_set<Address> may_fault_;
  std::vector<std::vector<Function>> objects_;
  std::unordered_map<std::uint64_t, Page> pages_;
};

// ---- The tree of calls ---------------------------------------------------------------------------------------------

/// A function as it is reached by one path of calls.
struct Node {
  Node* parent;
  FunctionId function;
  std::uint64_t instructions = 0;  ///< of the cell, executed in the function itself
  std::uint64_t calls = 0;
  // A guess at what comes: code mostly calls in the order in which it called before.
  Node* last_child = nullptr;    ///< that was reached last
  Node* next_sibling = nullptr;  ///< that was reached after this one, by the same parent
};

class Tree {
 public:
  Tree() { nodes_.push_back({nullptr, kRoot}); }

  Node* root() { return &nodes_.front(); }

  Node* child(Node* parent, FunctionId function) {
    Node* const before = parent->last_child;
    Node* found = before == nullptr ? nullptr : before->next_sibling;
    if (found == nullptr || found->function != function) {
      found = find(parent, function);
      if (before != nullptr) before->next_sibling = found;
    }
    parent->last_child = found;
    return found;
  }

  /// Writes what was counted, and begins anew. Parents come before their children.
  void write(std::FILE* file) {
    // What has a count itself, or below itself.
    std::unordered_map<const Node*, std::uint64_t> numbers;
    for (Node& node : nodes_) {
      if (node.instructions == 0 && node.calls == 0) continue;
      for (const Node* at = &node; at != nullptr && numbers.emplace(at, 0).second; at = at->parent) {
      }
    }
    std::uint64_t next = 0;
    for (Node& node : nodes_) {
      const auto number = numbers.find(&node);
      if (number == numbers.end()) continue;
      number->second = next++;
      std::fprintf(file, "%" PRIu64 " %" PRIu32 " %" PRIu64 " %" PRIu64 "\n",
                   node.parent == nullptr ? 0 : numbers.at(node.parent), node.function, node.instructions, node.calls);
      node.instructions = node.calls = 0;
    }
  }

 private:
  [[gnu::noinline]] Node* find(Node* parent, FunctionId function) {
    for (std::size_t at = slot(parent, function);; at = (at + 1) & (children_.size() - 1)) {
      Node* const node = children_[at];
      if (node == nullptr) return add(parent, function);
      if (node->parent == parent && node->function == function) return node;
    }
  }

  std::size_t slot(const Node* parent, FunctionId function) const {
    const auto key =
        (reinterpret_cast<std::uint64_t>(parent) >> 5) * 0x9e3779b97f4a7c15 + function * 0xc2b2ae3d27d4eb4f;
    return (key ^ key >> 29) & (children_.size() - 1);
  }

  Node* add(Node* parent, FunctionId function) {
    if (nodes_.size() >= kMostNodes) give_up("the guest calls by more paths than an honest one");
    if (nodes_.size() * 4 > children_.size()) {
      children_.assign(children_.size() * 2, nullptr);
      for (Node& node : nodes_) {
        if (node.parent != nullptr) place(&node);
      }
    }
    nodes_.push_back({parent, function});
    place(&nodes_.back());
    return &nodes_.back();
  }

  void place(Node* node) {
    std::size_t at = slot(node->parent, node->function);
    while (children_[at] != nullptr) at = (at + 1) & (children_.size() - 1);
    children_[at] = node;
  }

  std::deque<Node> nodes_;                                     // addresses must stay
  std::vector<Node*> children_ = std::vector<Node*>(1 << 16);  // by parent and function; open addressing
};

/// What the instructions of a function read and wrote in a cell, access by access.
struct Accesses {
  std::uint64_t loads = 0;
  std::uint64_t stores = 0;
};

// ---- Blocks --------------------------------------------------------------------------------------------------------

/// How a block ends.
enum class End : std::uint8_t { plain, call, ret, iret, syscall };

/// Instructions in a row of one function.
struct Segment {
  FunctionId function;
  std::uint32_t instructions;
};

/// What is seldom needed of a block.
struct Details {
  Address last = 0;                    ///< of the last instruction
  Address target = 0;                  ///< where a direct jump at the end goes; 0: there is none
  FunctionId elsewhere = 0;            ///< the function that such a jump enters behind its beginning; 0: none
  bool ordinary = true;                ///< the end is a direct jump or none
  bool repeats = false;                ///< the last instruction is a string instruction that repeats itself
  std::uint32_t faults = 0;            ///< the index of the instruction that the kernel expects to fault, or the count
  std::vector<std::uint16_t> offsets;  ///< where each instruction begins
  std::vector<Segment> segments;       ///< empty when all is of one function
};

/// A translation block. QEMU translates anew what was written to, and a new one is made then.
struct Block {
  Address start = 0;
  const Details* details = nullptr;
  FunctionId function = kOtherCode;
  std::uint16_t size = 0;  ///< in bytes
  std::uint16_t instructions = 0;
  End how = End::plain;
  Role role = Role::none;
  bool at_start = false;  ///< of its function
  bool special = false;   ///< to be looked at closely
  bool loose = false;     ///< it may be left in its middle, without an exception

  bool user() const { return start < kKernelHalf; }
  Address end() const { return start + size; }
  bool within(Address address) const { return address - start < size; }
  /// The index of the instruction there; `instructions` when none begins there.
  std::uint32_t index_of(Address address) const {
    const auto& offsets = details->offsets;
    const auto found = std::lower_bound(offsets.begin(), offsets.end(), address - start);
    return within(address) && found != offsets.end() && *found == address - start
               ? static_cast<std::uint32_t>(found - offsets.begin())
               : instructions;
  }
};

/// Reads the last instruction of a block: how the block ends, and where a direct jump goes.
void read_end(Block& block, Details& details, const unsigned char* bytes, std::size_t size) {
  bool repeat = false;
  std::size_t at = 0;
  constexpr std::string_view kPrefixes = "\x66\x67\xf0\xf2\xf3\x2e\x36\x3e\x26\x64\x65";
  for (; at < size &&
         (kPrefixes.find(static_cast<char>(bytes[at])) != std::string_view::npos || (bytes[at] & 0xf0) == 0x40);
       ++at) {
    repeat |= bytes[at] == 0xf2 || bytes[at] == 0xf3;
  }
  if (at == size) return;
  const unsigned char opcode = bytes[at];
  const unsigned char second = at + 1 < size ? bytes[at + 1] : 0;
  // 0 where bytes are missing: of an instruction that lies on two pages we may see the first ones alone.
  const auto relative = [&](std::size_t opcode_bytes, std::size_t width) {
    std::int32_t distance = 0;
    if (at + opcode_bytes + width > size) return Address{0};
    if (width == 1) {
      distance = static_cast<signed char>(bytes[size - 1]);
    } else {
      std::memcpy(&distance, bytes + size - 4, 4);
    }
    return block.end() + static_cast<Address>(static_cast<std::int64_t>(distance));
  };
  const unsigned char extension = second >> 3 & 7;
  const bool indirect = opcode == 0xff && extension >= 2 && extension <= 5;
  if (opcode == 0xe8 || (indirect && extension <= 3)) {
    block.how = End::call;
  } else if (opcode == 0xc3 || opcode == 0xc2 || opcode == 0xcb || opcode == 0xca) {
    block.how = End::ret;
  } else if (opcode == 0xcf || (opcode == 0x0f && (second == 0x07 || second == 0x35))) {
    block.how = End::iret;
  } else if (opcode == 0x0f && (second == 0x05 || second == 0x34)) {
    block.how = End::syscall;
  } else if (opcode == 0xe9) {
    details.target = relative(1, 4);
  } else if (opcode == 0x0f && (second & 0xf0) == 0x80) {
    details.target = relative(2, 4);
  } else if (opcode == 0xeb || (opcode & 0xf0) == 0x70 || (opcode >= 0xe0 && opcode <= 0xe3)) {
    details.target = relative(1, 1);
  } else if (repeat && ((opcode >= 0xa4 && opcode <= 0xaf && opcode != 0xa8 && opcode != 0xa9) ||
                        (opcode >= 0x6c && opcode <= 0x6f))) {
    details.repeats = true;
  }
  const bool trap = opcode == 0xcc || opcode == 0xcd || (opcode == 0x0f && second == 0x0b);
  details.ordinary = block.how == End::plain && !indirect && !trap;
}

/// Whether the instruction before may be a call, so that a function may return to here. What looks like one and is
/// none does no harm.
bool behind_call(const unsigned char* here) {
  if (here[-5] == 0xe8) return true;
  for (int back = 2; back <= 7; ++back) {
    if (here[-back] == 0xff && (here[1 - back] >> 3 & 7) == 2) return true;
  }
  return false;
}

// ---- Counting ------------------------------------------------------------------------------------------------------

/// An entry of a task's stack, as we follow it.
struct Frame {
  enum class Kind : std::uint8_t { call, syscall, trap, signal };
  Node* node = nullptr;          ///< where the caller was
  Address return_address = 0;    ///< of a call or system call
  const Block* block = nullptr;  ///< that a trap interrupted
  std::uint32_t cell = 0;        ///< in which it was counted; 0: in none
  Kind kind = Kind::call;
  bool from_user = false;
  bool unfinished = false;  ///< a trap that may have left its block in the middle
  bool next = false;        ///< a trap right behind its block: no block of which we do not hear came between
};

/// A task, or rather its stacks: those of the program and of the kernel in one.
struct Context {
  std::vector<Frame> frames;
  Node* base = nullptr;  ///< where what has no known caller is put
  Node* node = nullptr;
  bool exec = false;       ///< since it entered the kernel, it has thrown its program away,
  bool signal = false;     ///< or was sent to a signal's handler,
  bool sigreturn = false;  ///< or back from there
};

class Counter {
 public:
  Symbols symbols;

  void start(const char* output) {
    output_ = std::fopen(output, "w");
    if (output_ == nullptr) give_up(std::string("cannot open the output ") + output);
    std::fprintf(output_, "nslab attribution 1\n");
    task_ = &contexts_[0];
    reset(*task_, kEarlierTask);
    node_ = task_->node;
  }

  Block* add(const Block& block, Details details) {
    details_.push_back(std::move(details));
    blocks_.push_back(block);
    blocks_.back().details = &details_.back();
    return &blocks_.back();
  }

  /// A block is about to be executed. Of blocks that can only be reached and left within their function, and as a
  /// whole, we do not hear: QEMU adds their instructions to quiet().
  void enter(const Block& block) {
    const Block& previous = *last_;
    if (previous.how == End::plain && previous.function == block.function && !block.special &&
        (!previous.loose || block.start - previous.start - 1 >= previous.size - 1U)) [[likely]] {
      last_ = &block;
      pending_ += block.instructions;
      return;
    }
    enter_elsewhere(block);
  }

  std::uint64_t* quiet() { return &quiet_; }

  /// Accesses to memory are to be counted as well.
  void count_accesses() { accesses_.resize(symbols.count()); }
  /// Where those of a function are counted; nullptr: they are not.
  Accesses* accesses(FunctionId function) { return accesses_.empty() ? nullptr : &accesses_[function]; }
  void access(Accesses& accesses, bool store) const {
    if (open_) ++(store ? accesses.stores : accesses.loads);
  }

  /// This task's stack pointer is being stored. One that was never switched to is the one that ran when we began.
  void leave(Address task) {
    if (contexts_.contains(task)) return;
    auto first = contexts_.extract(0);
    if (first.empty()) return;
    first.key() = task;
    contexts_.insert(std::move(first));
  }

  /// The loaded stack pointer is another task's.
  void switch_to(Address task) {
    if (contexts_.size() > kMostContexts) give_up("the guest has more tasks than an honest one");
    settle();
    task_->node = node_;
    const auto [at, added] = contexts_.try_emplace(task);
    task_ = &at->second;
    if (added) reset(*task_, kEarlierTask);
    node_ = task_->node;
  }

  void begin() {
    finish();
    ++cell_;
    windows_ = idles_ = 0;
  }
  void open() {
    settle();
    open_ = true;
    ++windows_;
    ++all_windows_;
    node_ = tree_.child(tree_.root(), node_->function);
    pending_ = 1;  // the mark itself
  }
  void close() {
    --pending_;
    settle();
    open_ = false;
  }
  /// Whether the last window has been closed.
  bool done() const { return !open_ && all_windows_ >= symbols.windows(); }

  /// The guest waits, and the meter counts on: under icount its clock leaps to the next timer.
  void halt() {
    if (open_) ++idles_;
  }

  /// The cell so far is complete.
  void finish() {
    settle();
    open_ = false;
    if (cell_ == 0) return;
    std::fprintf(output_, "cell %" PRIu32 " %" PRIu64 " %" PRIu64 "\n", cell_, windows_, idles_);
    tree_.write(output_);
    for (std::size_t i = 0; i < accesses_.size(); ++i) {
      const Accesses now = std::exchange(accesses_[i], {});
      if (now.loads + now.stores == 0) continue;
      std::fprintf(output_, "m %zu %" PRIu64 " %" PRIu64 "\n", i, now.loads, now.stores);
    }
    std::fprintf(output_, "end\n");
    if (std::fflush(output_) != 0) give_up("cannot write the output");
  }
  void end() {
    finish();
    std::fprintf(output_, "complete %" PRIu32 "\n", cell_);
    if (std::fclose(output_) != 0) give_up("cannot write the output");
  }

 private:
  void reset(Context& task, FunctionId base) {
    task.frames.clear();
    task.base = tree_.child(tree_.root(), base);
    task.node = task.base;
    task.exec = task.signal = task.sigreturn = false;
  }

  /// What was counted goes to the node where we are.
  void settle() {
    if (open_) node_->instructions += pending_ + (quiet_ - settled_quiet_);
    pending_ = 0;
    settled_quiet_ = quiet_;
  }
  void go_to(Node* node) {
    settle();
    node_ = node;
  }

  /// A new frame on top, to be filled in place: a copy of one just written makes the CPU wait.
  Frame& push() {
    auto& frames = task_->frames;
    if (frames.size() >= kMostFrames) frames.erase(frames.begin(), frames.begin() + kMostFrames / 2);
    return frames.emplace_back();
  }

  /// Leaves this many frames.
  static void cut(std::vector<Frame>& frames, std::size_t count) {
    frames.erase(frames.begin() + static_cast<std::ptrdiff_t>(count), frames.end());
  }

  /// At a function's beginning.
  void call(Node* parent, const Block& block) {
    go_to(tree_.child(parent, block.function));
    if (open_) ++node_->calls;
  }

  /// Without a call: from one function into another. What an interrupt or exception jumps to stays below its entry.
  void jump(const Block& block) {
    go_to(tree_.child(node_->parent == tree_.root() ? node_ : node_->parent, block.function));
    if (open_ && block.at_start) ++node_->calls;
  }

  [[gnu::noinline]] void enter_elsewhere(const Block& block) {
    if (fault_.block != nullptr && !enters_trap(block)) finish_fault(block);
    const Block& previous = *last_;
    if (block.role != Role::none && enter_special(previous, block)) {
    } else if (left_in_the_middle(previous, block)) {
      go_on_in_the_middle(previous, block, open_ ? cell_ : 0);
    } else if (previous.how == End::iret) {
      resume(block);
    } else {
      follow(previous, block);
    }
    last_ = &block;
    last_quiet_ = quiet_;
    // Details are far away in memory: they are read where a block is special, or left in its middle.
    if (!block.special || block.details->segments.empty()) {
      pending_ += block.instructions;
    } else {
      bool first = true;
      for (const Segment& segment : block.details->segments) {
        if (!first) go_to(tree_.child(node_->parent, segment.function));
        first = false;
        pending_ += segment.instructions;
      }
    }
    // We may not hear of the next block: it is taken for granted that the jump is made. Where it is not, the next block
    // is one of a part apart, of which we hear.
    if (block.special && block.details->elsewhere != 0) go_to(tree_.child(node_->parent, block.details->elsewhere));
    if (block.how == End::iret) resume_kernel();
  }

  /// Whether the block goes on where the one before was left in its middle. It does not where it was reached by way of
  /// blocks of which we do not hear.
  bool left_in_the_middle(const Block& previous, const Block& block) const {
    return previous.loose && block.start != previous.start && previous.within(block.start) &&
           block.start != previous.details->target && (block.user() || quiet_ == last_quiet_) &&
           !(previous.details->repeats && block.start == previous.details->last);
  }

  void go_on_in_the_middle(const Block& previous, const Block& block, std::uint32_t cell) {
    take_back(previous, previous.index_of(block.start), node_, cell);
    if (block.function != node_->function) jump(block);
  }

  static bool enters_trap(const Block& block) {
    return block.role == Role::stubs ||
           (block.at_start && (block.role == Role::fault || block.role == Role::interrupt));
  }

  /// Whether nothing else is to be done.
  bool enter_special(const Block& previous, const Block& block) {
    switch (block.role) {
      case Role::fault:
      case Role::interrupt:
      case Role::stubs:
        if (!enters_trap(block)) return false;
        if (fault_.block != nullptr) {
          // Where a faulting instruction was about to begin again: it does so when this one returns.
          push() = std::exchange(fault_, Frame{});
        } else {
          push() = {.node = node_,
                    .block = &previous,
                    .cell = open_ ? cell_ : 0,
                    .kind = Frame::Kind::trap,
                    .from_user = previous.user(),
                    .unfinished = block.role == Role::fault,
                    .next = quiet_ == last_quiet_};
        }
        call(tree_.root(), block);
        return true;
      case Role::new_task:
        if (!block.at_start) return false;
        reset(*task_, kNewTask);
        call(task_->base, block);
        return true;
      case Role::exec:
        task_->exec = true;
        return false;
      case Role::signal:
        task_->signal = true;
        return false;
      case Role::sigreturn:
        task_->sigreturn = true;
        return false;
      case Role::thunk:
      case Role::apart:
      case Role::none:
        return false;
    }
    return false;
  }

  /// From the end of one block to the next.
  void follow(const Block& previous, const Block& block) {
    switch (previous.how) {
      case End::call: {
        Frame& frame = push();
        frame.node = node_;
        frame.return_address = previous.end();
        // A call into the function itself, for its return address' sake, is none.
        if (block.function != node_->function || block.at_start) call(node_, block);
        return;
      }
      case End::syscall:
        push() = {.node = node_, .return_address = previous.end(), .kind = Frame::Kind::syscall, .from_user = true};
        call(node_, block);
        return;
      case End::ret:
        give_back(previous, block);
        return;
      case End::iret:
      case End::plain:
        if (block.function != node_->function) jump(block);
        return;
    }
  }

  void give_back(const Block& previous, const Block& block) {
    auto& frames = task_->frames;
    for (std::size_t i = frames.size(); i-- > 0 && frames[i].kind == Frame::Kind::call;) {
      if (frames[i].return_address != block.start) continue;
      go_to(frames[i].node);
      cut(frames, i);
      if (node_->function != block.function) jump(block);
      return;
    }
    if (previous.role == Role::thunk) {
      // It has put another address in the place of its own.
      if (!frames.empty() && frames.back().kind == Frame::Kind::call) frames.pop_back();
      jump(block);
      return;
    }
    while (!frames.empty() && frames.back().kind == Frame::Kind::call) frames.pop_back();
    go_to(tree_.child(frames.empty() ? task_->base : tree_.child(tree_.root(), kUnplaced), block.function));
  }

  /// The program, or the kernel's code, goes on behind a system call, an interrupt or an exception.
  void resume(const Block& block) {
    auto& frames = task_->frames;
    const bool user = block.user();
    // Whatever becomes of it: what interrupts the handler does not lead into another one.
    const bool into_handler = user && std::exchange(task_->signal, false);
    const bool from_handler = user && std::exchange(task_->sigreturn, false);
    std::size_t i = frames.size();
    while (i > 0 && (frames[i - 1].kind == Frame::Kind::call || frames[i - 1].from_user != user)) --i;
    if (from_handler) {
      // Behind the frame of the signal.
      while (i > 0 && frames[i - 1].kind != Frame::Kind::signal) --i;
      if (i > 0) --i;
    }
    if (i == 0) {
      frames.clear();
      return lost(block);
    }
    const Frame frame = frames[i - 1];
    if (into_handler) {
      // The handler runs on top. Behind it, the frame that we leave there is the one to go on from.
      cut(frames, i);
      frames.push_back({.node = frame.node, .kind = Frame::Kind::signal});
      return call(tree_.child(tree_.root(), kSignal), block);
    }
    cut(frames, i - 1);
    go_to(frame.node);
    if (frame.kind == Frame::Kind::syscall) {
      constexpr Address kSyscallBytes = 2;  // one that was interrupted may begin again
      const bool same = block.start == frame.return_address || block.start == frame.return_address - kSyscallBytes;
      if (!same) {
        frames.clear();
        lost(block);
      }
      task_->exec = false;
      return;
    }
    resume_trap(frame);
    if (fault_.block != nullptr) finish_fault(block);
    // An interrupt may come between the first part of a block and the rest, as well.
    if (left_in_the_middle(*last_, block)) {
      go_on_in_the_middle(*last_, block, frame.cell);
    } else {
      follow(*last_, block);
    }
  }

  /// The interrupted code of the kernel goes on behind this block. We may not hear of the next one.
  void resume_kernel() {
    auto& frames = task_->frames;
    std::size_t i = frames.size();
    while (i > 0 && frames[i - 1].kind == Frame::Kind::call) --i;
    if (i == 0 || frames[i - 1].kind != Frame::Kind::trap || frames[i - 1].from_user) return;
    const Frame frame = frames[i - 1];
    cut(frames, i - 1);
    go_to(frame.node);
    resume_trap(frame);
  }

  void resume_trap(const Frame& frame) {
    last_ = frame.unfinished ? &unfinished_ : frame.block;
    if (frame.unfinished) fault_ = frame;
    // As if the trap had not been.
    last_quiet_ = frame.next ? quiet_ : quiet_ - 1;
  }

  /// The block that a fault interrupted has gone on here, or the code that mends the fault has.
  void finish_fault(const Block& block) {
    const Frame fault = std::exchange(fault_, Frame{});
    const Block& interrupted = *fault.block;
    std::uint32_t executed = interrupted.instructions;
    if (interrupted.within(block.start)) {
      executed = interrupted.index_of(block.start);
    } else if (!interrupted.user()) {
      executed = interrupted.details->faults;
    }
    take_back(interrupted, executed, fault.node, fault.cell);
    if (executed == interrupted.instructions) last_ = &interrupted;
  }

  /// Nothing that we know led here.
  void lost(const Block& block) {
    if (task_->exec && block.user()) task_->base = tree_.child(tree_.root(), kExec);
    go_to(tree_.child(task_->base, block.function));
  }

  /// Of this block, which was counted whole and whose last function stands at `node`, only so many instructions were
  /// executed.
  void take_back(const Block& block, std::uint32_t executed, Node* node, std::uint32_t cell) {
    settle();
    if (cell == 0 || cell != cell_) return;
    if (block.details->segments.empty()) {
      node->instructions -= block.instructions - executed;
      return;
    }
    std::uint32_t at = 0;
    for (const Segment& segment : block.details->segments) {
      const std::uint32_t end = at + segment.instructions;
      if (executed < end) tree_.child(node->parent, segment.function)->instructions -= end - std::max(at, executed);
      at = end;
    }
  }

  // What each block needs.
  const Block* last_ = &nothing_;
  std::uint64_t pending_ = 0;        ///< instructions since node_ was reached, but for
  std::uint64_t quiet_ = 0;          ///< those of blocks of which we do not hear, since the start;
  std::uint64_t settled_quiet_ = 0;  ///< of these, those up to where node_ was reached,
  std::uint64_t last_quiet_ = 0;     ///< and those up to last_, where that is of the kernel and loose
  Node* node_ = nullptr;             ///< of task_, whose own is as old as its last switch
  bool open_ = false;
  Context* task_ = nullptr;
  std::uint32_t cell_ = 0;
  std::uint64_t windows_ = 0;      ///< of the cell
  std::uint64_t all_windows_ = 0;  ///< of all cells
  std::uint64_t idles_ = 0;
  Tree tree_;
  Details no_details_;
  Block nothing_{.details = &no_details_, .how = End::iret};  // before all: what comes has no known caller
  Block unfinished_{.details = &no_details_};                 // one that was left in its middle: nothing follows
  Frame fault_;                                               ///< whose block goes on; no block: there is none
  std::deque<Block> blocks_;                                  // addresses must stay
  std::deque<Details> details_;
  std::unordered_map<Address, Context> contexts_;  // by task; 0: not yet known. Addresses must stay
  std::vector<Accesses> accesses_;                 // by function; empty: not counted. Addresses must stay
  std::FILE* output_ = nullptr;
};

/// Never destroyed: QEMU calls us last when the program's static objects are gone.
Counter* counter = nullptr;

// ---- What QEMU calls -----------------------------------------------------------------------------------------------

void on_block(unsigned, void* data) { counter->enter(*static_cast<const Block*>(data)); }
void on_begin(unsigned, void*) { counter->begin(); }
void on_open(unsigned, void*) { counter->open(); }
void on_close(unsigned, void*) { counter->close(); }
void on_halt(unsigned, void*) { counter->halt(); }

/// `data` is the displacement: the address is that of a field in the next task.
void on_switch(unsigned, qemu_plugin_meminfo_t, Address address, void* data) {
  counter->switch_to(address - reinterpret_cast<Address>(data));
}

void on_access(unsigned, qemu_plugin_meminfo_t access, Address, void* data) {
  counter->access(*static_cast<Accesses*>(data), qemu_plugin_mem_is_store(access));
}

/// Likewise for the task that is left.
void on_leave(unsigned, qemu_plugin_meminfo_t, Address address, void* data) {
  counter->leave(address - reinterpret_cast<Address>(data));
}

/// mov DISPLACEMENT(%rsi), %rsp or mov %rsp, DISPLACEMENT(%rdi): only __switch_to_asm() in the kernel loads and stores
/// a stack pointer so. `code` is all but the displacement. 0: it is something else.
Address stack_displacement(std::string_view code, const unsigned char* bytes, std::size_t size) {
  if (size != 7 || std::memcmp(bytes, code.data(), code.size()) != 0) return 0;
  std::uint32_t displacement;
  std::memcpy(&displacement, bytes + 3, 4);
  return displacement;
}

/// What is told of these marks; nullptr: the instruction is none of them.
qemu_plugin_vcpu_udata_cb_t on_mark(const qemu_plugin_insn* instruction) {
  if (qemu_plugin_insn_size(instruction) != sizeof(WindowMark)) return nullptr;
  const void* const bytes = qemu_plugin_insn_data(instruction);
  const auto is = [&](const WindowMark& mark) { return std::memcmp(bytes, mark.bytes, sizeof mark) == 0; };
  if (is(kMarkBegin)) return on_begin;
  if (is(kMarkOpen)) return on_open;
  return is(kMarkClose) ? on_close : nullptr;
}

void on_translation(qemu_plugin_id_t, qemu_plugin_tb* translated) {
  if (counter->done()) return;
  Block block;
  Details details;
  const std::size_t count = qemu_plugin_tb_n_insns(translated);
  block.start = qemu_plugin_tb_vaddr(translated);
  block.instructions = static_cast<std::uint16_t>(count);
  details.faults = block.instructions;
  const bool kernel = !block.user();
  const auto* const code =
      static_cast<const unsigned char*>(qemu_plugin_insn_haddr(qemu_plugin_tb_get_insn(translated, 0)));
  Function function;
  details.offsets.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    qemu_plugin_insn* const instruction = qemu_plugin_tb_get_insn(translated, i);
    const Address address = qemu_plugin_insn_vaddr(instruction);
    const auto* const bytes = static_cast<const unsigned char*>(qemu_plugin_insn_data(instruction));
    const std::size_t width = qemu_plugin_insn_size(instruction);
    details.offsets.push_back(static_cast<std::uint16_t>(address - block.start));
    if (i == 0 || address - function.start >= function.end - function.start) {
      const FunctionId before = function.id;
      function = counter->symbols.find(address, qemu_plugin_insn_haddr(instruction));
      if (i == 0) {
        block.function = function.id;
        block.role = function.role;
        block.at_start = function.id != kOtherCode && function.start == address;
      } else if (function.id != before) {
        if (details.segments.empty()) details.segments.push_back({before, static_cast<std::uint32_t>(i)});
        details.segments.push_back({function.id, 0});
      }
    }
    if (!details.segments.empty()) ++details.segments.back().instructions;
    if (Accesses* const accesses = counter->accesses(function.id); accesses != nullptr) {
      qemu_plugin_register_vcpu_mem_cb(instruction, on_access, QEMU_PLUGIN_CB_NO_REGS, QEMU_PLUGIN_MEM_RW, accesses);
    }
    if (i + 1 == count) {
      details.last = address;
      block.size = static_cast<std::uint16_t>(address + width - block.start);
      read_end(block, details, bytes, width);
    }
    if (kernel) {
      constexpr unsigned char kHalt = 0xf4;
      if (width == 1 && *bytes == kHalt) {
        qemu_plugin_register_vcpu_insn_exec_cb(instruction, on_halt, QEMU_PLUGIN_CB_NO_REGS, nullptr);
      }
      if (counter->symbols.may_fault(address)) details.faults = static_cast<std::uint32_t>(i);
      constexpr std::string_view kLoad = "\x48\x8b\xa6";
      constexpr std::string_view kStore = "\x48\x89\xa7";
      for (const auto& [of_stack, callback] : {std::pair(kLoad, &on_switch), {kStore, &on_leave}}) {
        const Address displacement = stack_displacement(of_stack, bytes, width);
        if (displacement == 0) continue;
        // Both kinds of access: asked for loads alone, QEMU 7.2 tells of none.
        qemu_plugin_register_vcpu_mem_cb(instruction, callback, QEMU_PLUGIN_CB_NO_REGS, QEMU_PLUGIN_MEM_RW,
                                         reinterpret_cast<void*>(displacement));
      }
    } else if (const auto callback = on_mark(instruction); callback != nullptr) {
      qemu_plugin_register_vcpu_insn_exec_cb(instruction, callback, QEMU_PLUGIN_CB_NO_REGS, nullptr);
    }
  }
  const auto in_function = [&](Address address) { return address - function.start < function.end - function.start; };
  const Address next = details.target != 0 ? details.target : block.end();
  // Of an instruction that lies on two pages QEMU 7.2 shows us some first bytes, and then makes it a block of its own.
  constexpr Address kLongest = 15;
  const bool may_be_cut = details.last % kPageBytes > kPageBytes - kLongest;
  const bool quiet = kernel && !may_be_cut && block.role == Role::none && function.id != kOtherCode &&
                     details.segments.empty() && !block.at_start && details.faults == block.instructions &&
                     details.ordinary && in_function(next) && in_function(block.end()) && code != nullptr &&
                     !behind_call(code);
  if (quiet) {
    qemu_plugin_register_vcpu_tb_exec_inline(translated, QEMU_PLUGIN_INLINE_ADD_U64, counter->quiet(),
                                             block.instructions);
    return;
  }
  if (kernel && details.ordinary && details.target != 0 && !in_function(details.target)) {
    const Function other = counter->symbols.find(details.target, nullptr);
    if (other.role == Role::none && other.start != details.target) details.elsewhere = other.id;
  }
  block.loose = !kernel || block.role == Role::apart || may_be_cut;
  block.special = block.role != Role::none || !details.segments.empty() || block.how == End::iret ||
                  details.elsewhere != 0 || details.faults != block.instructions || (kernel && block.loose);
  qemu_plugin_register_vcpu_tb_exec_cb(translated, on_block, QEMU_PLUGIN_CB_NO_REGS,
                                       counter->add(block, std::move(details)));
}

void on_exit(qemu_plugin_id_t, void*) { counter->end(); }

void follow(qemu_plugin_id_t id) {
  qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
  qemu_plugin_register_atexit_cb(id, on_exit, nullptr);
}

/// Before the first mark we do nothing else than look for it: most of what is executed there comes in no window. QEMU
/// throws away what it has translated before it executes the block with the mark, and calls follow().
void look_for_mark(qemu_plugin_id_t id, qemu_plugin_tb* translated) {
  if (qemu_plugin_tb_vaddr(translated) >= kKernelHalf) return;
  for (std::size_t i = 0; i < qemu_plugin_tb_n_insns(translated); ++i) {
    if (on_mark(qemu_plugin_tb_get_insn(translated, i)) != nullptr) return qemu_plugin_reset(id, follow);
  }
}

}  // namespace
}  // namespace nslab::attribution

int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t* info, int argc, char** argv) {
  using namespace nslab::attribution;
  const auto argument = [&](const char* name) -> const char* {
    const std::size_t length = std::strlen(name);
    for (int i = 0; i < argc; ++i) {
      if (std::strncmp(argv[i], name, length) == 0 && argv[i][length] == '=') return argv[i] + length + 1;
    }
    return nullptr;
  };
  if (std::strcmp(info->target_name, "x86_64") != 0 || !info->system_emulation || info->system.max_vcpus != 1) {
    std::fputs("attribution plugin: it counts a machine of one x86-64 CPU alone\n", stderr);
    return 1;
  }
  const char* const symbols = argument("symbols");
  const char* const output = argument("output");
  if (symbols == nullptr || output == nullptr) {
    std::fputs("attribution plugin: give symbols=FILE and output=FILE\n", stderr);
    return 1;
  }
  counter = new Counter;
  counter->symbols.read(symbols);
  counter->start(output);
  if (const char* const memory = argument("memory"); memory != nullptr) counter->count_accesses();
  qemu_plugin_register_vcpu_tb_trans_cb(id, look_for_mark);
  qemu_plugin_register_atexit_cb(id, on_exit, nullptr);
  return 0;
}
