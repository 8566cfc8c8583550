# SPDX-License-Identifier: GPL-2.0
# The page that a plot is drawn on: what all plots share. A template sets these variables and loads this file (a loaded
# file does not see its caller's ARGs):
#
#   terminal, output   as the templates describe them
#   title              lines, the first one large
#   note               small lines at the foot, may be empty
#   rows, row_height   rows of panels, and the height of one where there are several
#   entries, longest   of the key: how many, and the length of the longest name
#   letter, pairs      of the key: a letter's width, and whether (1 or 0) entries 2n - 1 and 2n stand above each other
#   room               below the key
#
# It leaves behind: solid, a list of colours; wide and high, the page's size; top and foot, the room above and below the
# panels, all in pixels; key_columns and key_height, where the key goes; and the open multiplot.

set encoding utf8
set datafile missing "?"

# Okabe and Ito's palette, told apart by all common forms of colour vision.
solid = "#7f7f7f #0072b2 #e69f00 #009e73 #cc79a7 #d55e00 #56b4e9 #000000 #f0e442"

count_lines(text) = strlen(text) == 0 ? 0 : (sum [i = 1:strlen(text)] (text[i:i] eq "\n" ? 1 : 0)) + 1
title_lines = count_lines(title)

wide = 1200
# No more names side by side than there is room for. The key fills its columns downwards: in an even number of rows two
# entries of a pair stand one above the other.
key_columns = int(wide / (letter * longest + 60))
key_rows = int(ceil(entries / (1.0 * key_columns)))
if (pairs && entries > 1) { key_rows = key_rows + key_rows % 2 }
key_columns = int(ceil(entries / (1.0 * key_rows)))
key_height = 20.0 + 22 * title_lines
top = 16 + 22 * title_lines + 19 * key_rows + room
foot = 12 + 16 * count_lines(note)
if (rows == 1) { row_height = 470 }
high = top + rows * row_height + foot

if (terminal eq "svg") {
  set terminal svg size wide, high dynamic enhanced font "DejaVu Sans,Liberation Sans,Arial,sans-serif,12" background rgb "white"
} else {
  set terminal pngcairo size wide, high enhanced font "DejaVu Sans,11" background rgb "white"
}
set output output

first_end = strstrt(title, "\n") == 0 ? strlen(title) : strstrt(title, "\n") - 1
set label 1 title[1:first_end] at screen 0.5, screen 1 - 20.0 / high center font ",14" noenhanced
set label 2 title[first_end + 2:*] at screen 0.5, screen 1 - 42.0 / high center noenhanced
set label 3 note at screen 10.0 / wide, screen (foot - 10.0) / high left font ",9" textcolor rgb "#404040" noenhanced

set multiplot
