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

set encoding utf8
set datafile missing "?"

# Okabe and Ito's palette, as in bars.gp.
solid  = "#7f7f7f #0072b2 #e69f00 #009e73 #cc79a7 #d55e00 #56b4e9 #000000 #f0e442"
points = "4 7 6 5 9 11 13 2 3"
number(k) = (int(word(ARG8, k)) - 1) % words(solid) + 1
colour(k) = word(solid, number(k))
# From the tenth on the colours come again, with other points and dashed.
again(k) = (int(word(ARG8, k)) - 1) / words(solid)
point(k) = int(word(points, (number(k) + 4 * again(k) - 1) % words(points) + 1))
dash(k) = 1 + again(k)

panels = words(ARG6)
kernels = words(ARG7)
columns = panels <= 3 ? panels : (panels == 4 ? 2 : 3)
rows = int(ceil(panels / (1.0 * columns)))

count_lines(text) = strlen(text) == 0 ? 0 : (sum [i = 1:strlen(text)] (text[i:i] eq "\n" ? 1 : 0)) + 1
title_lines = count_lines(ARG4)
note_lines = count_lines(ARG9)

wide = 1200
# No more names side by side than there is room for.
longest = 1
do for [k = 1:kernels] { if (strlen(word(ARG7, k)) > longest) { longest = strlen(word(ARG7, k)) } }
key_columns = int(wide / (8.5 * longest + 60))
key_rows = int(ceil(kernels / (1.0 * key_columns)))
key_columns = int(ceil(kernels / (1.0 * key_rows)))
top = 16 + 22 * title_lines + 19 * key_rows + 16
foot = 12 + 16 * note_lines
row_height = rows == 1 ? 470 : 300
high = top + rows * row_height + foot
panel_width = (wide - 20.0) / columns

if (ARG1 eq "svg") {
  set terminal svg size wide, high dynamic enhanced font "DejaVu Sans,Liberation Sans,Arial,sans-serif,12" background rgb "white"
} else {
  set terminal pngcairo size wide, high enhanced font "DejaVu Sans,11" background rgb "white"
}
set output ARG2

set bars 0.5
set format y "%.10g"
set offsets graph 0.03, graph 0.03, graph 0.08, graph 0.08

first_end = strstrt(ARG4, "\n") == 0 ? strlen(ARG4) : strstrt(ARG4, "\n") - 1
set label 1 ARG4[1:first_end] at screen 0.5, screen 1 - 20.0 / high center font ",14" noenhanced
set label 2 ARG4[first_end + 2:*] at screen 0.5, screen 1 - 42.0 / high center noenhanced
set label 3 ARG9 at screen 10.0 / wide, screen (foot - 10.0) / high left font ",9" textcolor rgb "#404040" noenhanced

# The depths that were measured are the ticks; next to 0 there is no room for a 1 on a long axis.
array deepest[panels]
do for [p = 1:panels] {
  stats ARG3 index ((p - 1) * kernels):(p * kernels - 1) using 1 nooutput
  deepest[p] = int(STATS_max)
}
tick(p, d) = d == 1 && deepest[p] > 12 ? "" : sprintf("%d", int(d))

set multiplot
# The key alone first, over the whole width: within a panel it would have a panel's room.
unset border
unset tics
set lmargin at screen 0
set rmargin at screen 1
set tmargin at screen 1
set bmargin at screen 0
set key at screen 0.5, screen 1 - (20.0 + 22 * title_lines) / high center top horizontal maxcols key_columns \
  Left reverse samplen 2.5 width 2 noenhanced
set xrange [0:1]
set yrange [0:1]  # the lines themselves are out of sight
plot for [k = 1:kernels] -1 with linespoints lw 1.8 dt dash(k) pt point(k) ps 1.2 lc rgb colour(k) title word(ARG7, k)
unset key
unset label 1
unset label 2
unset label 3
set border 3 lc rgb "#404040"
set xtics nomirror
set ytics nomirror
set grid ytics lc rgb "#d8d8d8" lw 1 lt 1
set xzeroaxis lt 1 lc rgb "#202020" lw 1
set xlabel "depth (pid namespaces below the initial one)" offset 0, 0.4 font ",10"
set autoscale
set autoscale xfix

do for [p = 1:panels] {
  r = (p - 1) / columns
  c = (p - 1) % columns
  set lmargin at screen (10 + c * panel_width + 80.0) / wide
  set rmargin at screen (10 + (c + 1) * panel_width - 14.0) / wide
  set tmargin at screen 1 - (top + r * row_height + 26.0) / high
  set bmargin at screen 1 - (top + (r + 1) * row_height - 52.0) / high
  set title word(ARG6, p) font ",10" offset 0, -0.6 noenhanced
  if (c == 0) {
    set label 4 ARG5 at screen 14.0 / wide, screen 1 - (top + (r + 0.46) * row_height) / high center rotate font ",10" noenhanced
  } else {
    unset label 4
  }
  plot for [k = 1:kernels] ARG3 index ((p - 1) * kernels + k - 1) using 1:2:3:4:xtic(tick(p, column(1))) with yerrorlines \
    lw 1.8 dt dash(k) pt point(k) ps (1.3 - 0.7 * k / kernels) lc rgb colour(k) title word(ARG7, k)
}
unset multiplot
