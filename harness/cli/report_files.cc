// SPDX-License-Identifier: GPL-2.0
#include "report_files.h"

#include "files.h"
#include "html.h"
#include "plots.h"

namespace nslab {
namespace fs = std::filesystem;

Result<void> write_report_files(const Report& report, const Document& document, const fs::path& folder,
                                const Paths& paths, Facts& facts) {
  TRY(make_folders(folder));
  const auto plots = write_plots(report, folder.string(), (paths.root / "plots").string());
  const auto page = write_html(report, folder.string(), plots.value_or(std::vector<std::string>{}));
  const auto table = write_file(folder / "report.md", render_markdown(document));
  if (page) facts.emplace_back("page", *page);
  if (plots && !plots->empty()) {
    std::string pictures;
    for (const fs::path plot : *plots) {
      if (plot.extension() == ".png") pictures += (pictures.empty() ? "" : ", ") + plot.string();
    }
    facts.emplace_back("plots", pictures + "; each as .svg, too");
  }
  if (!plots) facts.emplace_back("plots", "none: " + plots.error().message);
  if (table) facts.emplace_back("tables", (folder / "report.md").string());
  if (!page) return page.error();
  if (!table) return table.error();
  if (!plots) return plots.error();
  return {};
}

}  // namespace nslab
