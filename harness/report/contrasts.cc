// SPDX-License-Identifier: GPL-2.0
#include "contrasts.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

namespace nslab {

namespace {

struct Pair {
  std::string_view name;
  std::string_view a;
  std::string_view b;
};

constexpr std::array kPairs = {
    Pair{"flat instead of levels, neither with cached ids", "multi", "flat"},
    Pair{"flat instead of levels, both with cached ids", "multi+cache", "flat+cache"},
    Pair{"cached ids, in levels", "multi", "multi+cache"},
    Pair{"cached ids, in flat", "flat", "flat+cache"},
    Pair{"flat with cached ids, close to the proposal of 2007", "multi", "flat+cache"},
    Pair{"bitmap and hash instead of IDR, in levels", "multi", "multi+hash"},
    Pair{"bitmap and hash instead of IDR, in flat", "flat", "flat+hash"},
    Pair{"the two series of 2007 as they were", "multi+hash", "flat+cache+hash"},
    Pair{"the next id kept ready, in levels", "multi", "multi+reserve"},
    Pair{"the next id kept ready, in flat", "flat", "flat+reserve"},
    Pair{"three static levels", "multi", "static3"},
    Pair{"levels in a list", "multi", "list"},
    Pair{"pid namespaces at all (PID_NS=y)", "none", "multi"},
    Pair{"pid namespaces at all, with bitmap and hash (PID_NS=y)", "none+hash", "multi+hash"},
    Pair{"from a bare kernel to mainline's PID_NS=n", "none+cache", "none"},
    Pair{"from a bare kernel to mainline's PID_NS=n, with bitmap and hash", "none+cache+hash", "none+hash"},
    Pair{"from a bare kernel to levels, with bitmap and hash", "none+cache+hash", "multi+hash"},
    Pair{"from a bare kernel to flat with cached ids, with bitmap and hash", "none+cache+hash", "flat+cache+hash"},
    Pair{"namespaces at all (NAMESPACES=y)", "nons", "multi"},
    Pair{"negative control: the same source, another code layout", "multi", "multi-twin"},
    Pair{"positive control: a known number of added instructions", "multi", "multi-known"},
};

/// A model's name taken apart: structure[+cache][+hash or +reserve].
struct Design {
  std::string structure;
  bool cache = false;
  std::string lookup;  ///< "" is mainline's IDR

  std::string name() const { return structure + (cache ? "+cache" : "") + lookup; }
};

constexpr std::array<std::string_view, 4> kStructures = {"multi", "flat", "static3", "list"};
constexpr std::array<std::string_view, 3> kLookups = {"", "+hash", "+reserve"};

enum class Factor { structure, cache, lookup };

/// Designs that differ in nothing but one factor. `absent` and `present` are two of its values.
struct Option {
  Factor factor;
  std::string name;
  std::string absent;  ///< as label of a side
  std::string present;
  std::string preposition;  ///< before either, where another option is found there
  std::string value_a;
  std::string value_b;

  Design with(Design design, const std::string& value) const {
    switch (factor) {
      case Factor::structure:
        design.structure = value;
        break;
      case Factor::cache:
        design.cache = !value.empty();
        break;
      case Factor::lookup:
        design.lookup = value;
        break;
    }
    return design;
  }
};

std::vector<Option> options() {
  std::vector<Option> all = {
      {Factor::cache, "cached ids", "no cache", "the cache", "with", "", "+cache"},
      {Factor::lookup, "bitmap and hash instead of IDR", "the IDR", "the hash", "with", "", "+hash"},
      {Factor::lookup, "the next id kept ready", "no id kept ready", "the next id kept ready", "with", "", "+reserve"},
  };
  for (const std::string_view structure : kStructures) {
    if (structure == "multi") continue;
    all.push_back({Factor::structure, fmt::format("{} instead of multi", structure), "multi", std::string(structure),
                   "in", "multi", std::string(structure)});
  }
  return all;
}

/// Every design with the option at value a, and its counterpart at value b, both among the kernels.
std::vector<std::pair<Design, Design>> counterparts(const Option& option, const std::set<std::string>& kernels) {
  std::vector<std::pair<Design, Design>> pairs;
  std::set<std::string> seen;
  for (const std::string_view structure : kStructures) {
    for (const bool cache : {false, true}) {
      for (const std::string_view lookup : kLookups) {
        const Design design{std::string(structure), cache, std::string(lookup)};
        const Design a = option.with(design, option.value_a);
        const Design b = option.with(design, option.value_b);
        if (kernels.contains(a.name()) && kernels.contains(b.name()) && seen.insert(a.name()).second)
          pairs.emplace_back(a, b);
      }
    }
  }
  return pairs;
}

}  // namespace

std::vector<Contrast> contrasts_of(const std::vector<std::string>& kernels) {
  const std::set<std::string> present(kernels.begin(), kernels.end());
  std::vector<Contrast> contrasts;
  for (const Pair& pair : kPairs) {
    const std::string a(pair.a);
    const std::string b(pair.b);
    if (present.contains(a) && present.contains(b)) contrasts.push_back({std::string(pair.name), a, b, {a}, {b}});
  }
  const std::vector<Option> all = options();
  for (const Option& option : all) {
    const auto pairs = counterparts(option, present);
    if (pairs.size() < 2) continue;
    Contrast main{fmt::format("main effect: {}, over {} designs", option.name, pairs.size()),
                  option.absent,
                  option.present,
                  {},
                  {}};
    for (const auto& [a, b] : pairs) {
      main.a.push_back(a.name());
      main.b.push_back(b.name());
    }
    contrasts.push_back(main);
  }
  // Of two factors: for each pair (a, b) of the first option, the counterparts in the second.
  for (std::size_t i = 0; i < all.size(); ++i) {
    for (std::size_t j = i + 1; j < all.size(); ++j) {
      const Option& one = all[i];
      const Option& other = all[j];
      if (one.factor == other.factor) continue;
      Contrast contrast{fmt::format("interaction: {} with {}", one.name, other.name),
                        fmt::format("{} {}", other.preposition, other.absent),
                        fmt::format("{} {}", other.preposition, other.present),
                        {},
                        {},
                        /*interaction=*/true,
                        one.present};
      for (const auto& [a, b] : counterparts(one, present)) {
        const Design base = other.with(a, other.value_a);
        const Design base_with = other.with(b, other.value_a);
        if (base.name() != a.name()) continue;  // visited from its other side
        const Design a_other = other.with(a, other.value_b);
        const Design b_other = other.with(b, other.value_b);
        if (!present.contains(a_other.name()) || !present.contains(b_other.name())) continue;
        contrast.a.insert(contrast.a.end(), {a_other.name(), base_with.name()});
        contrast.b.insert(contrast.b.end(), {base.name(), b_other.name()});
      }
      if (!contrast.a.empty()) contrasts.push_back(contrast);
    }
  }
  return contrasts;
}

}  // namespace nslab
