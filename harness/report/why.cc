// SPDX-License-Identifier: GPL-2.0
#include "why.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>

#include "explanation.h"
#include "flame_graph.h"
#include "numbers.h"
#include "symbols.h"
#include "words.h"

namespace nslab {

namespace {

// ---- Trees, merged -------------------------------------------------------------------------------------------------

/// A path of calls in the trees of both sides and all seeds.
struct Path {
  std::uint32_t parent;
  FunctionName function;
  std::vector<double> a;  ///< instructions of all repetitions together, by seed
  std::vector<double> b;
  double calls_a = 0;  ///< mean over seeds
  double calls_b = 0;
};

std::vector<Path> merge_trees(const WhyQuestion& question) {
  const std::size_t seeds = question.a.trees.size();
  const auto repetitions = static_cast<double>(question.iterations);
  std::vector<Path> paths;
  std::map<std::pair<std::uint32_t, FunctionName>, std::uint32_t> known;
  const auto path_of = [&](std::uint32_t parent, const FunctionName& function) {
    const auto [at, added] = known.try_emplace({parent, function}, static_cast<std::uint32_t>(paths.size()));
    if (added) paths.push_back({parent, function, std::vector<double>(seeds), std::vector<double>(seeds)});
    return at->second;
  };
  for (const bool is_b : {false, true}) {
    const WhySide& side = is_b ? question.b : question.a;
    for (std::size_t seed = 0; seed < seeds; ++seed) {
      const CallTree& tree = side.trees[seed];
      std::vector<std::uint32_t> merged;
      for (const CallTree::Node& node : tree.nodes) {
        const std::uint32_t parent = merged.empty() ? 0 : merged[node.parent];
        merged.push_back(path_of(parent, tree.functions[node.function]));
        Path& path = paths[merged.back()];
        (is_b ? path.b : path.a)[seed] += static_cast<double>(node.instructions);
        (is_b ? path.calls_b : path.calls_a) +=
            static_cast<double>(node.calls) / repetitions / static_cast<double>(seeds);
      }
    }
  }
  return paths;
}

// ---- Causes --------------------------------------------------------------------------------------------------------

bool is_changed(CodeChange change) {
  return change == CodeChange::changed || change == CodeChange::gone || change == CodeChange::fresh;
}

CodeChange change_in(const WhyQuestion& question, const FunctionName& function) {
  if (!function.object.empty()) return CodeChange::same;  // both sides have the same programs
  const auto found = question.changes.find(function.name);
  return found == question.changes.end() ? CodeChange::same : found->second;
}

struct Cause {
  const char* name;
  bool takes_all;                            ///< whatever it calls is done for its sake
  std::vector<std::string_view> beginnings;  ///< of names of functions
};

/// Of the causes on a path, one that takes all is why the work was done, else the one next to the work.
const std::vector<Cause>& causes() {
  static const std::vector<Cause> all = {
      {"timer",
       true,
       {"timer_interrupt", "asm_sysvec_apic_timer", "tick_", "hrtimer_", "run_timer_", "update_process_times"}},
      {"RCU", true, {"rcu_", "__call_rcu", "call_rcu", "kvfree_call_rcu", "kfree_rcu"}},
      {"percpu memory", true, {"pcpu_", "free_percpu", "__percpu_counter_init_many"}},
      {"id trees (IDR)", true, {"idr_", "radix_tree_", "__radix_tree_", "delete_node"}},
      {"scheduler",
       false,
       {"schedule", "__schedule", "try_to_wake_up", "wake_up_", "sched_", "finish_task_switch", "__wake_up",
        "default_wake"}},
      {"random numbers",
       false,
       {"add_device_randomness", "get_random_", "crng_", "blake2s_", "_get_random", "extract_entropy"}},
      {"page tables and mappings",
       false,
       {"asm_exc_page_fault", "copy_page_range", "unmap_", "free_pgtables", "exit_mmap", "dup_mm", "mas_", "vma_",
        "vm_area_", "anon_vma_", "handle_mm_fault", "tlb_", "pgd_", "mm_init", "__mmdrop", "mmput", "vm_normal",
        "dup_userfaultfd"}},
      {"allocator",
       false,
       {"kmem_cache_",
        "__kmalloc",
        "kmalloc",
        "kfree",
        "___slab",
        "__slab",
        "alloc_pages",
        "__alloc_pages",
        "get_page_from_freelist",
        "free_unref_",
        "__free_pages",
        "free_pages",
        "pcpu_",
        "__memcg_slab",
        "vmalloc",
        "vfree",
        "__vmalloc",
        "alloc_thread_stack",
        "free_thread_stack",
        "obj_cgroup_",
        "__get_free"}},
  };
  return all;
}

/// The cause that a function stands for; nullptr: none.
const Cause* cause_named(const FunctionName& function) {
  if (!function.object.empty()) return nullptr;
  for (const Cause& cause : causes()) {
    for (const std::string_view beginning : cause.beginnings) {
      if (function.name.starts_with(beginning)) return &cause;
    }
  }
  return nullptr;
}

/// Why each path with same code was executed. Parents come before their children.
std::vector<std::string> causes_of(const WhyQuestion& question, const std::vector<Path>& paths) {
  std::vector<const Cause*> found(paths.size());  // the named cause on the way
  std::vector<bool> changed(paths.size());        // whether a caller's code is changed
  std::vector<std::string> causes(paths.size());
  for (std::size_t i = 0; i < paths.size(); ++i) {
    const Path& path = paths[i];
    if (i > 0) {
      found[i] = found[path.parent];
      changed[i] = changed[path.parent] || is_changed(change_in(question, paths[path.parent].function));
    }
    const bool kept = found[i] != nullptr && found[i]->takes_all;
    if (const Cause* const named = cause_named(path.function); named != nullptr && !kept) found[i] = named;
    // What changed code itself calls is its doing, whatever it is.
    const bool called_by_changed =
        i > 0 && is_changed(change_in(question, paths[path.parent].function)) && !(found[i] && found[i]->takes_all);
    if (!path.function.object.empty()) {
      causes[i] = "programs";
    } else if (path.function.name == "[idle]") {
      causes[i] = "waiting";
    } else if (called_by_changed) {
      causes[i] = kPartCalled;
    } else if (found[i] != nullptr) {
      causes[i] = found[i]->name;
    } else if (changed[i]) {
      causes[i] = kPartCalled;
    } else {
      causes[i] = "elsewhere";
    }
  }
  return causes;
}

/// Instructions a repetition, of a and of b, in and below what has one of these names in brackets.
std::array<double, 2> sum_below(const WhyQuestion& question, const std::vector<Path>& paths,
                                const std::set<std::string>& names) {
  const auto repetitions = static_cast<double>(question.iterations);
  std::array<double, 2> sum = {};
  std::vector<bool> below(paths.size());
  for (std::size_t i = 1; i < paths.size(); ++i) {
    const FunctionName& function = paths[i].function;
    below[i] = below[paths[i].parent] || (function.object.empty() && names.contains(function.name));
    if (!below[i]) continue;
    sum[0] += mean(paths[i].a) / repetitions;
    sum[1] += mean(paths[i].b) / repetitions;
  }
  return sum;
}

// ---- Sums ----------------------------------------------------------------------------------------------------------

/// Counts of all repetitions together, by seed, of both sides: whole numbers, so that equal ones are equal.
struct Values {
  std::vector<double> a;
  std::vector<double> b;

  void add(const Path& path) {
    a.resize(path.a.size());
    b.resize(path.b.size());
    for (std::size_t i = 0; i < a.size(); ++i) {
      a[i] += path.a[i];
      b[i] += path.b[i];
    }
  }
};

/// The mean of `pairs` and its interval, a repetition.
Estimate estimate_of(const std::vector<double>& pairs, const WhyQuestion& question) {
  const auto repetitions = static_cast<double>(question.iterations);
  std::vector<double> differences;
  for (const double pair : pairs) differences.push_back(pair / repetitions);
  // Each is a count of instructions divided by the repetitions, and known to one of them.
  const double rounding = std::sqrt(2.0) * rounding_of(1.0 / repetitions);
  return estimate(differences, question.level, rounding);
}

WhyDifference difference_of(const Values& values, const WhyQuestion& question) {
  WhyDifference result;
  const auto repetitions = static_cast<double>(question.iterations);
  result.a = mean(values.a) / repetitions;
  result.b = mean(values.b) / repetitions;
  for (std::size_t i = 0; i < values.a.size(); ++i) result.pairs.push_back(values.b[i] - values.a[i]);
  result.estimate = estimate_of(result.pairs, question);
  return result;
}

/// Adds all but the estimate.
void add_to(WhyDifference& sum, const WhyDifference& part) {
  sum.a += part.a;
  sum.b += part.b;
  sum.pairs.resize(part.pairs.size());
  for (std::size_t i = 0; i < part.pairs.size(); ++i) sum.pairs[i] += part.pairs[i];
}

/// By function and, under the empty name, of all together.
std::vector<WhyAccesses> accesses_of(const WhyQuestion& question) {
  const std::size_t seeds = question.a.trees.size();
  struct Counts {
    Values loads;
    Values stores;
  };
  std::map<std::string, Counts> counts;
  for (const bool is_b : {false, true}) {
    const WhySide& side = is_b ? question.b : question.a;
    for (std::size_t seed = 0; seed < seeds; ++seed) {
      const CallTree& tree = side.trees[seed];
      for (const CallTree::Accesses& accesses : tree.accesses) {
        for (const std::string& name : {tree.functions[accesses.function].shown(), std::string()}) {
          Counts& of_name = counts[name];
          for (const auto& [values, count] :
               {std::pair(&of_name.loads, accesses.loads), {&of_name.stores, accesses.stores}}) {
            values->a.resize(seeds);
            values->b.resize(seeds);
            (is_b ? values->b : values->a)[seed] += static_cast<double>(count);
          }
        }
      }
    }
  }
  std::vector<WhyAccesses> rows;
  for (const auto& [name, of_name] : counts) {
    rows.push_back({name, difference_of(of_name.loads, question), difference_of(of_name.stores, question)});
  }
  const auto size = [](const WhyAccesses& row) {
    return std::abs(row.loads.difference()) + std::abs(row.stores.difference());
  };
  std::sort(rows.begin(), rows.end(), [&](const WhyAccesses& x, const WhyAccesses& y) {
    if (x.function.empty() != y.function.empty()) return y.function.empty();
    return size(x) != size(y) ? size(x) > size(y) : x.function < y.function;
  });
  return rows;
}

bool larger(const WhyRow& x, const WhyRow& y) {
  const double dx = std::abs(x.instructions.difference());
  const double dy = std::abs(y.instructions.difference());
  return dx != dy ? dx > dy : x.function < y.function;
}

// ---- Words ---------------------------------------------------------------------------------------------------------

std::string name_of(const WhySide& side) { return fmt::format("{} at depth {}", side.kernel, side.depth); }

std::string conditions_text(const WhyQuestion& question) {
  const std::string& a = question.a.condition;
  const std::string& b = question.b.condition;
  return a == b ? a : fmt::format("{} (A) and {} (B)", a, b);
}

/// With the condition, where the two sides have not the same.
std::string name_in(const WhyQuestion& question, const WhySide& side) {
  return name_of(side) + (question.a.condition == question.b.condition ? "" : fmt::format(" ({})", side.condition));
}

bool same_kernel(const WhyQuestion& question) { return question.a.kernel == question.b.kernel; }

std::string difference_text(const WhyDifference& d) { return format_signed(d.difference(), 1); }

/// "exact" where every pair has the same difference.
std::string half_width_text(const WhyDifference& d) {
  if (d.estimate.exact) return "exact";
  if (!d.estimate.interval) return std::string(kMissing);
  const double half = d.estimate.interval->half_width();
  return "±" + format_number(half, decimals_that_show(half, 1));
}

std::string with_interval(const WhyDifference& d, const std::string& number) {
  const std::string half = half_width_text(d);
  return half == "exact" ? number + " (exactly)" : number + " " + half;
}
std::string with_interval(const WhyDifference& d) { return with_interval(d, difference_text(d)); }

/// "73.9 ±0.1 instructions fewer than"
std::string more_or_fewer(const WhyDifference& d) {
  if (d.estimate.exact && d.difference() == 0) return "exactly as many instructions as";
  return fmt::format("{} instructions {} than", with_interval(d, format_number(std::abs(d.difference()), 1)),
                     d.difference() < 0 ? "fewer" : "more");
}

/// Whether chance is ruled out: as a test of this one difference, without a correction for other questions.
std::string verdict_sentence(const WhyQuestion& question, const Why& why) {
  const Estimate& whole = why.whole.estimate;
  if (whole.exact || !whole.interval) return "";
  const bool open = whole.interval->holds(0);
  std::string text = open ? fmt::format(" The difference of the whole is not decided: its {} interval includes 0.",
                                        level_text(question.level))
                          : fmt::format(" The difference of the whole is decided: its {} interval leaves out 0.",
                                        level_text(question.level));
  if (open || same_kernel(question)) return text;
  if (why.changed.empty()) return text + " As both have the same code, that is what other addresses make.";
  return text +
         fmt::format(
             " But two kernels with the same code at other addresses may differ as well, by what 'nslab why multi "
             "multi-twin {} --depth {} --condition {}' shows. Changed code is free of that.",
             question.benchmark, question.b.depth, question.b.condition);
}

/// What is too small to be read in a table, with the rest of its kind.
constexpr double kLeastShown = 0.05;

Table function_table(const WhyQuestion& question, const std::vector<WhyRow>& rows, std::size_t most) {
  Table table;
  table.key_columns = 1;
  table.columns = {{"function", "", Align::left},
                   {"code", "", Align::left},
                   {"calls, A"},
                   {"B"},
                   {"instructions, A"},
                   {"B"},
                   {"B − A"},
                   {level_text(question.level)}};
  std::size_t shown = 0;
  WhyDifference rest;
  std::size_t rest_count = 0;
  for (const WhyRow& row : rows) {
    const WhyDifference& d = row.instructions;
    const bool nothing = std::abs(d.difference()) < kLeastShown && d.estimate.exact;
    if (nothing) continue;
    if (shown == most) {
      add_to(rest, d);
      ++rest_count;
      continue;
    }
    ++shown;
    table.rows.push_back({row.function, words_for(row.change), format_number(row.calls_a, 2),
                          format_number(row.calls_b, 2), format_number(d.a, 1), format_number(d.b, 1),
                          difference_text(d), half_width_text(d)});
  }
  if (rest_count > 0) {
    rest.estimate = estimate_of(rest.pairs, question);
    table.rows.push_back({fmt::format("{} more function{}", rest_count, rest_count == 1 ? "" : "s"), "", "", "",
                          format_number(rest.a, 1), format_number(rest.b, 1), difference_text(rest),
                          half_width_text(rest)});
  }
  return table;
}

Table cause_table(const WhyQuestion& question, const Why& why) {
  Table table;
  table.columns = {{"where the difference is", "", Align::left},
                   {"instructions, A"},
                   {"B"},
                   {"B − A"},
                   {level_text(question.level)}};
  const auto add = [&](const std::string& name, const WhyDifference& d) {
    table.rows.push_back({name, format_number(d.a, 1), format_number(d.b, 1), difference_text(d), half_width_text(d)});
  };
  if (!same_kernel(question)) add(kPartChanged, why.changed_sum);
  WhyDifference same;
  for (const WhyRow& row : why.causes) {
    if (row.instructions.difference() == 0 && row.instructions.estimate.exact) {
      same.a += row.instructions.a;
      same.b += row.instructions.b;
      same.estimate.exact = true;
      continue;
    }
    add((same_kernel(question) ? "" : "induced: ") + row.cause, row.instructions);
  }
  if (same.a > 0) add(kAllElse, same);
  add("all", why.whole);
  return table;
}

Table access_table(const WhyQuestion& question, const std::vector<WhyAccesses>& rows) {
  constexpr std::size_t kMost = 15;
  const std::string level = level_text(question.level);
  Table table;
  table.columns = {
      {"function", "", Align::left}, {"loads, A"}, {"B"}, {"B − A"}, {level}, {"stores, A"}, {"B"}, {"B − A"}, {level}};
  for (const WhyAccesses& row : rows) {
    const bool nothing = row.loads.difference() == 0 && row.stores.difference() == 0;
    if (!row.function.empty() && (nothing || table.rows.size() >= kMost)) continue;
    std::vector<std::string> cells = {row.function.empty() ? "all functions" : row.function};
    for (const WhyDifference* d : {&row.loads, &row.stores}) {
      cells.insert(cells.end(),
                   {format_number(d->a, 1), format_number(d->b, 1), difference_text(*d), half_width_text(*d)});
    }
    table.rows.push_back(std::move(cells));
  }
  return table;
}

/// The part of the tree where the difference is, indented.
Table path_table(const Why& why, std::size_t most) {
  std::vector<std::vector<std::uint32_t>> children(why.tree.size());
  for (std::uint32_t i = 1; i < why.tree.size(); ++i) children[why.tree[i].parent].push_back(i);
  const auto weight = [&](std::uint32_t i) { return std::abs(why.tree[i].all_b - why.tree[i].all_a); };
  // The paths with the largest differences, and all that lead to them.
  std::vector<std::uint32_t> order(why.tree.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(),
            [&](std::uint32_t x, std::uint32_t y) { return weight(x) != weight(y) ? weight(x) > weight(y) : x < y; });
  std::set<std::uint32_t> shown;
  for (const std::uint32_t i : order) {
    if (shown.size() >= most || weight(i) < kLeastShown) break;
    for (std::uint32_t at = i; shown.insert(at).second && at != 0; at = why.tree[at].parent) {
    }
  }
  Table table;
  table.columns = {{"path", "", Align::left}, {"instructions, A"}, {"B"}, {"B − A"}, {"in itself"}};
  const std::function<void(std::uint32_t, std::size_t)> add = [&](std::uint32_t i, std::size_t level) {
    const WhyNode& node = why.tree[i];
    table.rows.push_back({std::string(2 * level, ' ') + node.function, format_number(node.all_a, 1),
                          format_number(node.all_b, 1), format_signed(node.all_b - node.all_a, 1),
                          format_signed(node.b - node.a, 1)});
    std::vector<std::uint32_t> next = children[i];
    std::sort(next.begin(), next.end(),
              [&](std::uint32_t x, std::uint32_t y) { return weight(x) != weight(y) ? weight(x) > weight(y) : x < y; });
    for (const std::uint32_t child : next) {
      if (shown.contains(child)) add(child, level + 1);
    }
  };
  if (!why.tree.empty()) add(0, 0);
  return table;
}

}  // namespace

Why explain(const WhyQuestion& question) {
  const std::vector<Path> paths = merge_trees(question);
  const std::vector<std::string> cause = causes_of(question, paths);
  Why why;
  Values whole;
  Values changed_sum;
  struct Part {
    Values values;
    double calls_a = 0;
    double calls_b = 0;
    CodeChange change = CodeChange::same;
  };
  std::map<std::string, Part> changed;
  std::map<std::string, Values> by_cause;
  std::map<std::pair<std::string, std::string>, Part> induced;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    const Path& path = paths[i];
    whole.add(path);
    const CodeChange change = change_in(question, path.function);
    Part& part = is_changed(change) ? changed[path.function.shown()] : induced[{cause[i], path.function.shown()}];
    part.change = change;
    part.values.add(path);
    part.calls_a += path.calls_a;
    part.calls_b += path.calls_b;
    (is_changed(change) ? changed_sum : by_cause[cause[i]]).add(path);
  }
  if (changed_sum.a.empty()) changed_sum = {std::vector<double>(whole.a.size()), std::vector<double>(whole.b.size())};
  why.whole = difference_of(whole, question);
  why.changed_sum = difference_of(changed_sum, question);
  why.unplaced = sum_below(question, paths, {kUnplaced, kOtherCode});
  why.earlier_tasks = sum_below(question, paths, {kEarlier});
  const auto row_of = [&](const std::string& function, const std::string& of_cause, const Part& part) {
    return WhyRow{function, part.change, of_cause, difference_of(part.values, question), part.calls_a, part.calls_b};
  };
  for (const auto& [function, part] : changed) why.changed.push_back(row_of(function, "", part));
  for (const auto& [name, values] : by_cause) {
    why.causes.push_back({"", CodeChange::same, name, difference_of(values, question)});
  }
  std::sort(why.changed.begin(), why.changed.end(), larger);
  std::sort(why.causes.begin(), why.causes.end(), larger);
  for (const WhyRow& of_cause : why.causes) {
    std::vector<WhyRow> rows;
    for (const auto& [key, part] : induced) {
      if (key.first == of_cause.cause) rows.push_back(row_of(key.second, key.first, part));
    }
    std::sort(rows.begin(), rows.end(), larger);
    why.induced.insert(why.induced.end(), rows.begin(), rows.end());
  }
  why.accesses = accesses_of(question);
  for (const Path& path : paths) {
    const double a = mean(path.a) / static_cast<double>(question.iterations);
    const double b = mean(path.b) / static_cast<double>(question.iterations);
    why.tree.push_back({path.parent, path.function.shown(), a, b, a, b});
  }
  for (std::size_t i = why.tree.size(); i-- > 1;) {
    why.tree[why.tree[i].parent].all_a += why.tree[i].all_a;
    why.tree[why.tree[i].parent].all_b += why.tree[i].all_b;
  }
  return why;
}

Document why_document(const WhyQuestion& question, const Why& why, WhyBy by, bool all) {
  constexpr std::size_t kAll = std::numeric_limits<std::size_t>::max();
  const std::size_t most_changed = all ? kAll : 25;
  const std::size_t most_of_cause = all ? kAll : 8;
  const std::size_t most_paths = all ? kAll : 60;
  const WhyDifference& whole = why.whole;
  const bool same = same_kernel(question);
  Document document = {{Block::Kind::title, fmt::format("{}: {} (B) against {} (A)", question.benchmark,
                                                        name_in(question, question.b), name_in(question, question.a))}};
  const double percent = whole.a == 0 ? 0 : 100 * whole.difference() / whole.a;
  std::string sentence = fmt::format("Per {}, {} executes {} {} ({} against {}; {} %).", question.benchmark,
                                     name_in(question, question.b), more_or_fewer(whole), name_in(question, question.a),
                                     format_number(whole.b, 1), format_number(whole.a, 1), format_signed(percent, 3));
  if (same) {
    sentence += " It is one kernel: all of the difference is code that runs more often, or less.";
  } else if (why.changed.empty()) {
    sentence += " No function that it executes has other code than in the other kernel.";
  } else {
    sentence += fmt::format(" In functions whose code differs between the two kernels it executes {} the other kernel.",
                            more_or_fewer(why.changed_sum));
  }
  sentence += verdict_sentence(question, why);
  document.push_back({Block::Kind::paragraph, sentence});
  const auto shares = [&](const std::array<double, 2>& part) {
    const auto of = [](double x, double all) { return format_number(all == 0 ? 0 : 100 * x / all, 3); };
    return fmt::format("{} % of A's instructions and {} % of B's", of(part[0], whole.a), of(part[1], whole.b));
  };
  document.push_back({Block::Kind::paragraph,
                      fmt::format("Not placed on a path of calls: {}. In tasks that were there when counting began, so "
                                  "that their outermost callers are not known: {}.",
                                  shares(why.unplaced), shares(why.earlier_tasks))});
  document.push_back(
      {.kind = Block::Kind::table,
       .text = fmt::format("Instructions per repetition; {}, condition {}, {} boots of each side, seeds {} to {}, "
                           "{} repetitions a boot. Intervals are Student's over pairs of one seed.",
                           profile_text(question.profile), conditions_text(question), question.a.trees.size(),
                           question.first_seed, question.first_seed + question.a.trees.size() - 1, question.iterations),
       .table = cause_table(question, why)});
  if (by == WhyBy::path) {
    document.push_back({Block::Kind::heading, "By path of calls"});
    document.push_back({.kind = Block::Kind::table,
                        .text = "A function's instructions with all that it calls, and the difference in itself alone.",
                        .table = path_table(why, most_paths)});
  } else {
    if (!same && !why.changed.empty()) {
      document.push_back({Block::Kind::heading, "Changed code"});
      document.push_back({.kind = Block::Kind::table,
                          .text = "Functions whose machine code differs, addresses and constants apart.",
                          .table = function_table(question, why.changed, most_changed)});
    }
    bool first = true;
    for (const WhyRow& cause : why.causes) {
      std::vector<WhyRow> rows;
      for (const WhyRow& row : why.induced) {
        if (row.cause == cause.cause) rows.push_back(row);
      }
      Table table = function_table(question, rows, most_of_cause);
      if (table.rows.empty()) continue;
      if (first)
        document.push_back(
            {Block::Kind::heading, same ? "By cause" : "Induced work: the same code, more or less often"});
      first = false;
      document.push_back({.kind = Block::Kind::table,
                          .text = fmt::format("{}: {}", cause.cause, with_interval(cause.instructions)),
                          .table = std::move(table)});
    }
  }
  if (!why.accesses.empty()) {
    document.push_back({Block::Kind::heading, "Loads and stores"});
    document.push_back({.kind = Block::Kind::table,
                        .text = "Accesses to memory per repetition, of the functions that differ most, as QEMU makes "
                                "them: one for up to 8 bytes.",
                        .table = access_table(question, why.accesses)});
  }
  return document;
}

Json why_json(const WhyQuestion& question, const Why& why) {
  const auto difference = [](const WhyDifference& d) {
    Json json = {{"a", d.a}, {"b", d.b}, {"difference", d.difference()}, {"exact", d.estimate.exact}};
    if (d.estimate.interval) json["interval"] = {d.estimate.interval->low, d.estimate.interval->high};
    return json;
  };
  const auto side = [](const WhySide& s) {
    return Json{{"kernel", s.kernel}, {"condition", s.condition}, {"depth", s.depth}};
  };
  Json json = {{"benchmark", question.benchmark},
               {"unit", "instructions per repetition"},
               {"profile", question.profile},
               {"boots", question.a.trees.size()},
               {"first_seed", question.first_seed},
               {"repetitions", question.iterations},
               {"level", question.level},
               {"a", side(question.a)},
               {"b", side(question.b)},
               {"all", difference(why.whole)},
               {"changed", difference(why.changed_sum)},
               {"unplaced", {{"a", why.unplaced[0]}, {"b", why.unplaced[1]}}},
               {"earlier_tasks", {{"a", why.earlier_tasks[0]}, {"b", why.earlier_tasks[1]}}},
               {"induced", Json::object()},
               {"functions", Json::array()}};
  for (const WhyRow& row : why.causes) json["induced"][row.cause] = difference(row.instructions);
  for (const auto* rows : {&why.changed, &why.induced}) {
    for (const WhyRow& row : *rows) {
      Json entry = difference(row.instructions);
      entry["function"] = row.function;
      entry["code"] = words_for(row.change);
      if (!row.cause.empty()) entry["cause"] = row.cause;
      entry["calls_a"] = row.calls_a;
      entry["calls_b"] = row.calls_b;
      json["functions"].push_back(std::move(entry));
    }
  }
  for (const WhyAccesses& row : why.accesses) {
    Json entry = {{"loads", difference(row.loads)}, {"stores", difference(row.stores)}};
    if (row.function.empty()) {
      json["memory"]["all"] = std::move(entry);
    } else {
      entry["function"] = row.function;
      json["memory"]["functions"].push_back(std::move(entry));
    }
  }
  return json;
}

std::string folded_stacks(const WhySide& side) {
  std::map<std::string, std::uint64_t> stacks;
  for (const CallTree& tree : side.trees) {
    std::vector<std::string> names;
    for (const CallTree::Node& node : tree.nodes) {
      const bool root = names.empty();
      const std::string& parent = root ? "" : names[node.parent];
      names.push_back(root ? "" : parent + (parent.empty() ? "" : ";") + tree.functions[node.function].shown());
      if (node.instructions > 0) stacks[names.back()] += node.instructions;
    }
  }
  std::string text;
  for (const auto& [stack, count] : stacks) text += fmt::format("{} {}\n", stack, count);
  return text;
}

std::string callgrind_profile(const WhySide& side, const std::string& benchmark) {
  struct Edge {
    std::uint64_t calls = 0;
    std::uint64_t instructions = 0;
  };
  struct Entry {
    std::uint64_t self = 0;
    std::map<FunctionName, Edge> called;
  };
  std::map<FunctionName, Entry> functions;
  std::uint64_t sum = 0;
  for (const CallTree& tree : side.trees) {
    std::vector<std::uint64_t> inclusive;
    for (const CallTree::Node& node : tree.nodes) inclusive.push_back(node.instructions);
    for (std::size_t i = tree.nodes.size(); i-- > 1;) inclusive[tree.nodes[i].parent] += inclusive[i];
    sum += tree.sum();
    for (std::size_t i = 1; i < tree.nodes.size(); ++i) {
      const CallTree::Node& node = tree.nodes[i];
      functions[tree.functions[node.function]].self += node.instructions;
      if (node.parent == 0) continue;
      Edge& edge = functions[tree.functions[tree.nodes[node.parent].function]].called[tree.functions[node.function]];
      edge.calls += node.calls;
      edge.instructions += inclusive[i];
    }
  }
  std::string text = fmt::format(
      "# callgrind format\nversion: 1\ncreator: nslab\ncmd: {} on {}\npositions: line\nevents: "
      "Instructions\nsummary: {}\n",
      benchmark, fmt::format("{} ({})", name_of(side), side.condition), sum);
  const auto object = [](const FunctionName& function) {
    return function.object.empty() ? "vmlinux" : function.object;
  };
  for (const auto& [function, entry] : functions) {
    text += fmt::format("\nob={}\nfl=\nfn={}\n0 {}\n", object(function), function.name, entry.self);
    for (const auto& [callee, edge] : entry.called) {
      text += fmt::format("cob={}\ncfi=\ncfn={}\ncalls={} 0\n0 {}\n", object(callee), callee.name,
                          std::max<std::uint64_t>(edge.calls, 1), edge.instructions);
    }
  }
  return text;
}

std::string flame_graph(const WhyQuestion& question, const Why& why) {
  std::vector<FlameFrame> frames;
  for (const WhyNode& node : why.tree) {
    frames.push_back({.parent = node.parent,
                      .function = node.function,
                      .own = std::max(node.a, node.b),
                      .title = fmt::format("A {}, B {}, B − A {}", format_number(node.all_a, 1),
                                           format_number(node.all_b, 1), format_signed(node.all_b - node.all_a, 1)),
                      .colour = difference_colour(node.all_a, node.all_b)});
  }
  return draw_flame_graph(
      fmt::format("{}: {} (B) against {} (A)", question.benchmark, name_in(question, question.b),
                  name_in(question, question.a)),
      {"Width: instructions, the larger of both. Red: B executes more. Blue: B executes fewer. White: as many.",
       fmt::format("Instructions per repetition: A {}, B {}, B − A {}; {}, condition {}, {} boots of each.",
                   format_number(why.whole.a, 1), format_number(why.whole.b, 1),
                   format_signed(why.whole.difference(), 1), profile_text(question.profile), conditions_text(question),
                   question.a.trees.size())},
      frames);
}

}  // namespace nslab
