// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <string>
#include <vector>

#include "text_store.h"

namespace nslab {

/// A run and where it was read, for errors.
struct MergePart {
  std::string place;
  StoredRun stored;
};

/// Joins runs of one experiment that were measured apart, as seeds 1 to 5 on one machine and 6 to 10 on another, into
/// one run that has all their boots, each once. Its experiment's text is the first part's.
///
/// Exit::user when there are no boots, or when the parts do not fit: another experiment (the number of its boots may
/// differ), meter, accelerator, QEMU or command line of it, guest, kernel of the same name, or under a meter that
/// depends on the host another host. Exit::says_no when two parts have the same boot with different samples.
Result<StoredRun> merge_runs(const std::vector<MergePart>& parts);

}  // namespace nslab
