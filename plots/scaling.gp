# SPDX-License-Identifier: GPL-2.0
# Throughput against the number of vCPUs, a panel for each operation and place of its workers: what scales is a straight
# line through 0.
#
# gnuplot -d -c scaling.gp TERMINAL OUTPUT DATA TITLE YLABEL PANELS LINES NUMBERS NOTE
#   TERMINAL  pngcairo or svg
#   DATA      blocks (two blank lines between) by panel, then line; lines of vCPUs, throughput, low, high; ? is missing
#   TITLE     lines, the first one large
#   PANELS    the panels' titles; LINES the lines' names; no-break spaces for blanks
#   NUMBERS   of each line its kernel's number, from 1, which chooses its colour, and 1 for a solid line, 2 for a dashed one
#   NOTE      small lines at the foot, may be empty

terminal = ARG1
output = ARG2
title = ARG4
note = ARG9
# Every second word of a text.
every_second(text, first) = first > words(text) ? "" : word(text, first)." ".every_second(text, first + 2)
titles = ARG6
names = ARG7
numbers = every_second(ARG8, 1)
dashes = every_second(ARG8, 2)
dash(k) = int(word(dashes, k))
folder = ARG0[1:strlen(ARG0) - strlen("scaling.gp")]
load folder."lines.gp"

set format y "%.1s%c"  # 10.0k, 1.0M
set offsets graph 0.05, graph 0.05, graph 0.05, 0
set yrange [0:*]
set xtics 1
set grid xtics ytics lc rgb "#d8d8d8" lw 1 lt 1

do for [p = 1:panels] {
  set lmargin at screen left(p)
  set rmargin at screen right(p)
  set tmargin at screen upper(p)
  set bmargin at screen lower(p, 52.0)
  set title word(titles, p) font ",10" offset 0, -0.6 noenhanced
  set xlabel "vCPUs" offset 0, 0.4 font ",10" noenhanced
  if (column_of(p) == 0) {
    set label 4 ARG5 at screen 14.0 / wide, screen 1 - (top + (row(p) + 0.46) * row_height) / high center rotate font ",9" noenhanced
  } else {
    unset label 4
  }
  plot for [k = 1:lines] ARG3 index ((p - 1) * lines + k - 1) using 1:2:3:4 with yerrorlines \
    lw 1.8 dt dash(k) pt point(k) ps (1.3 - 0.7 * k / lines) lc rgb colour(k)
}
unset multiplot
