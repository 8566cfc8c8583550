# SPDX-License-Identifier: GPL-2.0
# What the plots of lines in small panels share: the page, the lines' style, the key, the panels' places. A template sets
# these variables, defines dash(k), the dash type of line k, and loads this file:
#
#   folder    where the templates are, with a slash at its end
#   titles    the panels' titles; names the lines' names; no-break spaces for blanks
#   numbers   the lines' kernels, from 1, which choose their colours and points
#   terminal, output, title, note   as page.gp has them

panels = words(titles)
lines = words(names)
columns = panels <= 3 ? panels : (panels == 4 ? 2 : 3)
rows = int(ceil(panels / (1.0 * columns)))
row_height = 300

entries = lines
longest = 1
do for [k = 1:lines] { if (strlen(word(names, k)) > longest) { longest = strlen(word(names, k)) } }
letter = 8.5
pairs = 0
room = 16
load folder."page.gp"

points = "4 7 6 5 9 11 13 2 3"
number(k) = (int(word(numbers, k)) - 1) % words(solid) + 1
colour(k) = word(solid, number(k))
# From the tenth on the colours come again, with other points.
again(k) = (int(word(numbers, k)) - 1) / words(solid)
point(k) = int(word(points, (number(k) + 4 * again(k) - 1) % words(points) + 1))

set bars 0.5

# The key alone first, over the whole width: within a panel it would have a panel's room.
unset border
unset tics
set lmargin at screen 0
set rmargin at screen 1
set tmargin at screen 1
set bmargin at screen 0
set key at screen 0.5, screen 1 - key_height / high center top horizontal maxcols key_columns \
  Left reverse samplen 2.5 width 2 noenhanced
set xrange [0:1]
set yrange [0:1]  # the lines themselves are out of sight
plot for [k = 1:lines] -1 with linespoints lw 1.8 dt dash(k) pt point(k) ps 1.2 lc rgb colour(k) title word(names, k)
unset key
unset label 1
unset label 2
unset label 3
set border 3 lc rgb "#404040"
set xtics nomirror
set ytics nomirror font ",9"  # the axis title stands to the left of -5000000
set grid ytics lc rgb "#d8d8d8" lw 1 lt 1
set autoscale

# The panel's row and column, from 0, and its edges as parts of the page; `below` is the room for its axis.
panel_width = (wide - 20.0) / columns
row(p) = (p - 1) / columns
column_of(p) = (p - 1) % columns
left(p) = (10 + column_of(p) * panel_width + 80.0) / wide
right(p) = (10 + (column_of(p) + 1) * panel_width - 14.0) / wide
upper(p) = 1 - (top + row(p) * row_height + 26.0) / high
lower(p, below) = 1 - (top + (row(p) + 1) * row_height - below) / high
