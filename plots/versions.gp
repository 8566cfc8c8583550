# SPDX-License-Identifier: GPL-2.0
# Lines over versions, a small panel for each benchmark with an axis of its own.
#
# gnuplot -d -c versions.gp TERMINAL OUTPUT DATA TITLE YLABEL PANELS DEPTHS NUMBERS NOTE
#   TERMINAL  pngcairo or svg
#   DATA      blocks (two blank lines between) by benchmark, then depth; lines of number, value, low, high, version; ? is
#             missing
#   TITLE     lines, the first one large
#   PANELS    the panels' titles, one a benchmark; DEPTHS the lines' names; no-break spaces for blanks
#   NUMBERS   which choose the lines' colours
#   NOTE      small lines at the foot, may be empty

terminal = ARG1
output = ARG2
title = ARG4
note = ARG9
titles = ARG6
names = ARG7
numbers = ARG8
dash(k) = 1
folder = ARG0[1:strlen(ARG0) - strlen("versions.gp")]
load folder."lines.gp"

set format y "%.10g"
set offsets graph 0.03, graph 0.03, graph 0.08, graph 0.08
set xzeroaxis lt 1 lc rgb "#202020" lw 1
set xtics rotate by 45 right font ",8" noenhanced
set autoscale xfix
# Where every boot gives the same, the interval is that of rounding, and an axis made for it would look like a finding.
set yrange [* < -1 : 1 < *]

do for [p = 1:panels] {
  set lmargin at screen left(p)
  set rmargin at screen right(p)
  set tmargin at screen upper(p)
  set bmargin at screen lower(p, 70.0)
  set title word(titles, p) font ",10" offset 0, -0.6 noenhanced
  if (column_of(p) == 0) {
    set label 4 ARG5 at screen 14.0 / wide, screen 1 - (top + (row(p) + 0.46) * row_height) / high center rotate font ",10" noenhanced
  } else {
    unset label 4
  }
  plot for [k = 1:lines] ARG3 index ((p - 1) * lines + k - 1) using 1:2:3:4:xtic(5) with yerrorlines \
    lw 1.8 dt dash(k) pt point(k) ps 1.1 lc rgb colour(k) title word(names, k)
}
unset multiplot
