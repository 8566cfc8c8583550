// SPDX-License-Identifier: GPL-2.0
//
// The three files of a run in its text form: run.json, boots.tsv and samples.tsv. We fill in the hashes of the others
// in run.json, which nobody can guess.
#include "fuzz.h"
#include "hash.h"
#include "text_store.h"

namespace nslab::fuzz {

namespace {

void fill_in(std::string& text, std::string_view name, const std::string& value) {
  if (const auto at = text.find(name); at != std::string::npos) text.replace(at, name.size(), value);
}

}  // namespace

void try_input(std::string_view input) {
  RunText files;
  files.run = take_part(input);
  files.boots = take_part(input);
  files.samples = input;
  fill_in(files.run, "HASH-OF-BOOTS", sha256(files.boots));
  fill_in(files.run, "HASH-OF-SAMPLES", sha256(files.samples));
  const auto run = parse_run(files, "folder");
  if (!run) return require(run.error().exit == Exit::user, "it is the user's mistake");
  for (const Sample& sample : run->samples()) require(impossible(sample).empty(), "samples are possible");
  const auto text = text_of_run(*run);
  require(text.has_value(), text ? "" : text.error().message);
}

}  // namespace nslab::fuzz
