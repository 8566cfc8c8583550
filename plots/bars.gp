# SPDX-License-Identifier: GPL-2.0
# Bars of overhead in per cent, grouped by benchmark; hue is the kernel, a lighter shade the deeper of two depths.
#
# gnuplot -d -c bars.gp TERMINAL OUTPUT DATA TITLE YLABEL KERNELS DEPTHS BENCHMARKS NOTE
#   TERMINAL    pngcairo or svg
#   DATA        a heading line, then a line a benchmark: name, and value, low, high for each series; ? is missing
#   TITLE       lines, the first one large
#   KERNELS     a series' kernel number each (from 1), DEPTHS a series' depth number each (1 or 2)
#   BENCHMARKS  their names in the data's order, no-break spaces for blanks
#   NOTE        small lines at the foot, may be empty

set encoding utf8
set datafile missing "?"

# Okabe and Ito's palette, told apart by all common forms of colour vision; the tints are 55 % towards white.
solid  = "#7f7f7f #0072b2 #e69f00 #009e73 #cc79a7 #d55e00 #56b4e9 #000000 #f0e442"
tint   = "#c5c5c5 #8cc0dc #f4d48c #8cd3c0 #e8c3d7 #ecb78c #b3ddf5 #8c8c8c #f8f3aa"
colour(k, d) = word(d == 1 ? solid : tint, (k - 1) % words(solid) + 1)
# From the tenth on the colours come again, hatched. Pattern 3 is solid.
pattern(k) = k <= words(solid) ? 3 : 2 + 2 * ((k - 1) / words(solid))

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

count_lines(text) = strlen(text) == 0 ? 0 : (sum [i = 1:strlen(text)] (text[i:i] eq "\n" ? 1 : 0)) + 1
title_lines = count_lines(ARG4)
note_lines = count_lines(ARG9)

wide = 1200
# No more names side by side than there is room for. The key fills its columns downwards: in an even number of rows a
# kernel's two depths stand one above the other.
longest = 1
do for [s = 1:series] {
  stats ARG3 every ::0::0 using (strlen(strcol(3 * s - 1))) nooutput
  if (STATS_max > longest) { longest = STATS_max }
}
key_columns = int(wide / (10 * longest + 60))
key_rows = int(ceil(series / (1.0 * key_columns)))
if (series > 1) { key_rows = key_rows + key_rows % 2 }
key_columns = int(ceil(series / (1.0 * key_rows)))
top = 16 + 22 * title_lines + 19 * key_rows + 18
foot = 12 + 16 * note_lines
row_height = rows == 1 ? 470 : 330
high = top + rows * row_height + foot

if (ARG1 eq "svg") {
  set terminal svg size wide, high dynamic enhanced font "DejaVu Sans,Liberation Sans,Arial,sans-serif,12" background rgb "white"
} else {
  set terminal pngcairo size wide, high enhanced font "DejaVu Sans,11" background rgb "white"
}
set output ARG2

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

first_end = strstrt(ARG4, "\n") == 0 ? strlen(ARG4) : strstrt(ARG4, "\n") - 1
set label 1 ARG4[1:first_end] at screen 0.5, screen 1 - 20.0 / high center font ",14" noenhanced
set label 2 ARG4[first_end + 2:*] at screen 0.5, screen 1 - 42.0 / high center noenhanced
set label 3 ARG9 at screen 10.0 / wide, screen (foot - 10.0) / high left font ",9" textcolor rgb "#404040" noenhanced

set multiplot
set lmargin at screen 80.0 / wide
set rmargin at screen 1 - 20.0 / wide
do for [r = 1:rows] {
  first = (r - 1) * per_row
  last = first + per_row - 1
  set tmargin at screen 1 - (top + (r - 1) * row_height) / (1.0 * high)
  set bmargin at screen 1 - (top + r * row_height - 40) / (1.0 * high)
  if (r == 1) {
    set key at screen 0.5, screen 1 - (20.0 + 22 * title_lines) / high center top horizontal maxcols key_columns \
      Left reverse samplen 1.5 width 1 noenhanced
  } else {
    unset key
    unset label 1
    unset label 2
    unset label 3
  }
  # The last row may be shorter: its bars keep the width of the others.
  set xrange [-0.6:per_row - 0.4]
  plot for [s = 1:series] ARG3 every ::first::last using (column(3 * s - 1)):(column(3 * s)):(column(3 * s + 1)):xtic(1) \
    title columnheader(3 * s - 1) lc rgb colour(int(word(ARG6, s)), int(word(ARG7, s))) \
    fillstyle pattern pattern(int(word(ARG6, s)))
}
unset multiplot
