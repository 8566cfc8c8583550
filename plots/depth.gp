# SPDX-License-Identifier: GPL-2.0
# Lines against depth, a small panel for each benchmark with an axis of its own.
#
# gnuplot -d -c depth.gp TERMINAL OUTPUT DATA TITLE YLABEL PANELS KERNELS NUMBERS NOTE
#   TERMINAL  pngcairo or svg
#   DATA      blocks (two blank lines between) by benchmark, then kernel; lines of depth, value, low, high; ? is missing
#   TITLE     lines, the first one large
#   PANELS    the panels' titles, one a benchmark; KERNELS the kernels' names; no-break spaces for blanks
#   NUMBERS   the kernels' numbers, from 1, which choose their colours
#   NOTE      small lines at the foot, may be empty

terminal = ARG1
output = ARG2
title = ARG4
note = ARG9
titles = ARG6
names = ARG7
numbers = ARG8
dash(k) = 1 + again(k)
folder = ARG0[1:strlen(ARG0) - strlen("depth.gp")]
load folder."lines.gp"

# The depths that were measured are the ticks; next to 0 there is no room for a 1 on a long axis.
array deepest[panels]
do for [p = 1:panels] {
  stats ARG3 index ((p - 1) * lines):(p * lines - 1) using 1 nooutput
  deepest[p] = int(STATS_max)
}
tick(p, d) = d == 1 && deepest[p] > 12 ? "" : sprintf("%d", int(d))

set format y "%.10g"
set offsets graph 0.03, graph 0.03, graph 0.08, graph 0.08
set xzeroaxis lt 1 lc rgb "#202020" lw 1
set xlabel "depth (pid namespaces below the initial one)" offset 0, 0.4 font ",10"
set autoscale xfix
# Where every boot gives the same, the interval is that of rounding, and an axis made for it would look like a finding.
set yrange [* < -1 : 1 < *]

# A long title would run into that of the next panel.
title_font = ",10"
do for [p = 1:panels] { if (strlen(word(titles, p)) > 52) { title_font = ",8" } }

do for [p = 1:panels] {
  set lmargin at screen left(p)
  set rmargin at screen right(p)
  set tmargin at screen upper(p)
  set bmargin at screen lower(p, 52.0)
  set title word(titles, p) font title_font offset 0, -0.6 noenhanced
  if (column_of(p) == 0) {
    set label 4 ARG5 at screen 14.0 / wide, screen 1 - (top + (row(p) + 0.46) * row_height) / high center rotate font ",10" noenhanced
  } else {
    unset label 4
  }
  plot for [k = 1:lines] ARG3 index ((p - 1) * lines + k - 1) using 1:2:3:4:xtic(tick(p, column(1))) with yerrorlines \
    lw 1.8 dt dash(k) pt point(k) ps (1.3 - 0.7 * k / lines) lc rgb colour(k) title word(names, k)
}
unset multiplot
