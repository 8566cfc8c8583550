// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "result.h"
#include "symbols.h"

namespace nslab {

/// Which functions executed the instructions of a cell in one boot, and by which calls they were reached. The sum over
/// all nodes is the sample's sum, to the instruction.
struct CallTree {
  struct Node {
    std::uint32_t parent;        ///< index of the caller, smaller than its own; the root is its own parent
    std::uint32_t function;      ///< index
    std::uint64_t instructions;  ///< executed in the function itself, in all repetitions together
    std::uint64_t calls;
    bool operator==(const Node&) const = default;
  };
  /// What a function itself read and wrote, in all repetitions together: one for each access that QEMU makes for it, of
  /// up to 8 bytes.
  struct Accesses {
    std::uint32_t function;  ///< index
    std::uint64_t loads;
    std::uint64_t stores;
    bool operator==(const Accesses&) const = default;
  };
  std::vector<FunctionName> functions;
  std::vector<Node> nodes;              ///< nodes[0] is the root, which is no function
  std::vector<Accesses> accesses = {};  ///< empty where they were not counted
  bool operator==(const CallTree&) const = default;

  std::uint64_t sum() const;
};

/// What the plugin counted for one cell.
struct CountedCell {
  std::uint64_t windows = 0;  ///< repetitions
  std::uint64_t idles = 0;    ///< how often the guest waited within them, while the meter's clock leapt
  CallTree tree;
};

/// Reads what the plugin wrote, cells in the order in which they were measured, with names for its numbers. QEMU has
/// written the file and the guest had a say in it: whatever is not as docs/attribution.md describes it is an error
/// (Exit::says_no) that names the line.
Result<std::vector<CountedCell>> read_counts(std::string_view text, const std::vector<FunctionName>& functions);

/// For the store, compressed: equal trees give equal bytes.
Result<std::string> pack(const CallTree& tree);
/// Exit::user for bytes that pack() did not make.
Result<CallTree> unpack(std::string_view bytes);

}  // namespace nslab
