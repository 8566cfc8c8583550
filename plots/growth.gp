# SPDX-License-Identifier: GPL-2.0
# Cost against size, both axes logarithmic, a panel for each operation and quantity: what grows in proportion is a line
# of slope 1.
#
# gnuplot -d -c growth.gp TERMINAL OUTPUT DATA TITLE PANELS LINES NUMBERS DASHES NOTE
#   TERMINAL  pngcairo or svg
#   DATA      blocks (two blank lines between) by panel, then line; lines of size, cost, low, high; ? is missing
#   TITLE     lines, the first one large
#   PANELS    the panels' titles; LINES the lines' names; no-break spaces for blanks
#   NUMBERS   the lines' kernels, from 1, which choose their colours
#   DASHES    1 for a solid line, 2 for a dashed one
#   NOTE      small lines at the foot, may be empty

terminal = ARG1
output = ARG2
title = ARG4
note = ARG9
titles = ARG5
names = ARG6
numbers = ARG7
load ARG0[1:strlen(ARG0) - strlen("growth.gp")]."lines.gp"
dash(k) = int(word(ARG8, k))

set logscale xy
set format "%.0s%c"  # 10k, 1M
set offsets graph 0.03, graph 0.03

set xrange [1:10]
set yrange [1:10]  # the lines themselves are out of sight
plot for [k = 1:lines] 0.1 with linespoints lw 1.8 dt dash(k) pt point(k) ps 1.2 lc rgb colour(k) title word(names, k)
unset key
unset label 1
unset label 2
unset label 3
set border 3 lc rgb "#404040"
set xtics nomirror
set ytics nomirror
set grid xtics ytics lc rgb "#d8d8d8" lw 1 lt 1
set autoscale

do for [p = 1:panels] {
  r = (p - 1) / columns
  c = (p - 1) % columns
  set lmargin at screen (10 + c * panel_width + 80.0) / wide
  set rmargin at screen (10 + (c + 1) * panel_width - 14.0) / wide
  set tmargin at screen 1 - (top + r * row_height + 26.0) / high
  set bmargin at screen 1 - (top + (r + 1) * row_height - 40.0) / high
  set title word(titles, p) font ",10" offset 0, -0.6 noenhanced
  plot for [k = 1:lines] ARG3 index ((p - 1) * lines + k - 1) using 1:2:3:4 with yerrorlines \
    lw 1.8 dt dash(k) pt point(k) ps (1.3 - 0.7 * k / lines) lc rgb colour(k)
}
unset multiplot
