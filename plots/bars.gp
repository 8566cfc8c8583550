# SPDX-License-Identifier: GPL-2.0
# Bars of the difference from the reference in per cent, grouped by benchmark; hue is the kernel, a lighter shade the deeper of two depths.
#
# gnuplot -d -c bars.gp TERMINAL OUTPUT DATA TITLE YLABEL KERNELS DEPTHS BENCHMARKS NOTE
#   TERMINAL    pngcairo or svg
#   DATA        a heading line, then a line a benchmark: name, and value, low, high for each series; ? is missing
#   TITLE       lines, the first one large
#   KERNELS     a series' kernel number each (from 1), DEPTHS a series' depth number each (1 or 2)
#   BENCHMARKS  their names in the data's order, no-break spaces for blanks
#   NOTE        small lines at the foot, may be empty

series = words(ARG6)
benchmarks = words(ARG8)
# No more bars in a row than can be told apart, and no more names than fit side by side.
longest = 1
do for [i = 1:benchmarks] { if (strlen(word(ARG8, i)) > longest) { longest = strlen(word(ARG8, i)) } }
per_row = int(84.0 / series)
if (per_row > int(1080 / (8.5 * longest))) { per_row = int(1080 / (8.5 * longest)) }
if (per_row < 1) { per_row = 1 }
rows = int(ceil(benchmarks / (1.0 * per_row)))
per_row = int(ceil(benchmarks / (1.0 * rows)))

longest = 1
array names[series]
do for [s = 1:series] {
  stats ARG3 every ::0::0 using (name = strcol(3 * s - 1), strlen(name)) nooutput
  if (STATS_max > longest) { longest = STATS_max }
  names[s] = name
}

terminal = ARG1
output = ARG2
title = ARG4
note = ARG9
row_height = 330
entries = series
letter = 10
pairs = 1  # a kernel's two depths
room = 18
load ARG0[1:strlen(ARG0) - strlen("bars.gp")]."page.gp"

# The tints are 55 % towards white.
tint = "#c5c5c5 #8cc0dc #f4d48c #8cd3c0 #e8c3d7 #ecb78c #b3ddf5 #8c8c8c #f8f3aa"
colour(k, d) = word(d == 1 ? solid : tint, (k - 1) % words(solid) + 1)
# From the tenth on the colours come again, hatched. Pattern 3 is solid.
pattern(k) = k <= words(solid) ? 3 : 2 + 2 * ((k - 1) / words(solid))

set style data histogram
set style histogram errorbars gap 2 linewidth 1
set style fill pattern 3 border rgb "#404040"
set boxwidth 0.92 relative
set bars 0.4
set border 3 lc rgb "#404040"
set tics nomirror
set grid ytics lc rgb "#d8d8d8" lw 1 lt 1
set xzeroaxis lt 1 lc rgb "#202020" lw 1.5
set xtics scale 0 noenhanced
set ylabel ARG5 noenhanced
set format y "%.10g"
set offsets 0, 0, graph 0.04, graph 0.04
# A bar begins at 0: without it, its length says nothing.
set yrange [* < 0 : 0 < *]

set lmargin at screen 80.0 / wide
set rmargin at screen 1 - 20.0 / wide
do for [r = 1:rows] {
  first = (r - 1) * per_row
  last = first + per_row - 1
  set tmargin at screen 1 - (top + (r - 1) * row_height) / (1.0 * high)
  set bmargin at screen 1 - (top + r * row_height - 40) / (1.0 * high)
  if (r == 1) {
    set key at screen 0.5, screen 1 - key_height / high center top horizontal maxcols key_columns \
      Left reverse samplen 1.5 width 1 noenhanced
  } else {
    unset key
    unset label 1
    unset label 2
    unset label 3
  }
  # The last row may be shorter: its bars keep the width of the others.
  set xrange [-0.6:per_row - 0.4]
  # The key is made by itself: a series that has no bar in the first row has none there, either.
  plot for [s = 1:series] ARG3 every ::first+1::last+1 using (column(3 * s - 1)):(column(3 * s)):(column(3 * s + 1)):xtic(1) \
    notitle lc rgb colour(int(word(ARG6, s)), int(word(ARG7, s))) fillstyle pattern pattern(int(word(ARG6, s))), \
    for [s = 1:series] keyentry with boxes lc rgb colour(int(word(ARG6, s)), int(word(ARG7, s))) \
    fillstyle pattern pattern(int(word(ARG6, s))) title names[s]
}
unset multiplot
