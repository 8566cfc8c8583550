# SPDX-License-Identifier: GPL-2.0
# What the plots of lines in small panels share: style, room, titles and the start of the key. They load it.
#
#   titles    the panels' titles; names the lines' names; no-break spaces for blanks
#   numbers   the lines' kernels, from 1, which choose their colours and points
#   terminal, output, title, note   as the templates describe them: a loaded file does not see its caller's ARGs

set encoding utf8
set datafile missing "?"

# Okabe and Ito's palette, as in bars.gp.
solid  = "#7f7f7f #0072b2 #e69f00 #009e73 #cc79a7 #d55e00 #56b4e9 #000000 #f0e442"
points = "4 7 6 5 9 11 13 2 3"
number(k) = (int(word(numbers, k)) - 1) % words(solid) + 1
colour(k) = word(solid, number(k))
# From the tenth on the colours come again, with other points.
again(k) = (int(word(numbers, k)) - 1) / words(solid)
point(k) = int(word(points, (number(k) + 4 * again(k) - 1) % words(points) + 1))

panels = words(titles)
lines = words(names)
columns = panels <= 3 ? panels : (panels == 4 ? 2 : 3)
rows = int(ceil(panels / (1.0 * columns)))

count_lines(text) = strlen(text) == 0 ? 0 : (sum [i = 1:strlen(text)] (text[i:i] eq "\n" ? 1 : 0)) + 1
title_lines = count_lines(title)
note_lines = count_lines(note)

wide = 1200
# No more names side by side than there is room for.
longest = 1
do for [k = 1:lines] { if (strlen(word(names, k)) > longest) { longest = strlen(word(names, k)) } }
key_columns = int(wide / (8.5 * longest + 60))
key_rows = int(ceil(lines / (1.0 * key_columns)))
key_columns = int(ceil(lines / (1.0 * key_rows)))
top = 16 + 22 * title_lines + 19 * key_rows + 16
foot = 12 + 16 * note_lines
row_height = rows == 1 ? 470 : 300
high = top + rows * row_height + foot
panel_width = (wide - 20.0) / columns

if (terminal eq "svg") {
  set terminal svg size wide, high dynamic enhanced font "DejaVu Sans,Liberation Sans,Arial,sans-serif,12" background rgb "white"
} else {
  set terminal pngcairo size wide, high enhanced font "DejaVu Sans,11" background rgb "white"
}
set output output

set bars 0.5

first_end = strstrt(title, "\n") == 0 ? strlen(title) : strstrt(title, "\n") - 1
set label 1 title[1:first_end] at screen 0.5, screen 1 - 20.0 / high center font ",14" noenhanced
set label 2 title[first_end + 2:*] at screen 0.5, screen 1 - 42.0 / high center noenhanced
set label 3 note at screen 10.0 / wide, screen (foot - 10.0) / high left font ",9" textcolor rgb "#404040" noenhanced

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
