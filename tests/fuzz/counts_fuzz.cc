// SPDX-License-Identifier: GPL-2.0
//
// What the attribution plugin writes, and what the store keeps of it: an input that is no counts' file is taken for the
// text of a stored tree.
#include "archives.h"
#include "call_tree.h"
#include "fuzz.h"

namespace nslab::fuzz {

void try_input(std::string_view input) {
  const std::vector<FunctionName> functions = {{"", "[all]"}, {"", "fork"}, {"libc.so.6", "fork"}, {"", "fork"}};
  const auto cells = read_counts(input, functions);
  if (!cells) {
    require(cells.error().exit == Exit::says_no, "it is the guest's mistake");
  } else {
    for (const CountedCell& cell : *cells) {
      const auto packed = pack(cell.tree);
      require(packed.has_value(), "each tree can be stored");
      const auto again = unpack(*packed);
      require(again.has_value() && *again == cell.tree, "a stored tree comes back");
      for (const CallTree::Node& node : cell.tree.nodes) {
        require(node.function < cell.tree.functions.size(), "each node has a function");
        require(&node == &cell.tree.nodes.front() || &cell.tree.nodes[node.parent] < &node, "parents come first");
      }
    }
  }
  if (const auto packed = compress(input)) {
    const auto tree = unpack(*packed);
    if (!tree) require(tree.error().exit == Exit::user, "it is damage");
  }
  require(!unpack(input).has_value() || input.starts_with("\x28\xb5\x2f\xfd"), "a tree is compressed");
}

}  // namespace nslab::fuzz
